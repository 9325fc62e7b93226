//! Angarium: see the final text later.

pub mod broker;
pub mod clock;
pub mod config;
pub mod domain;
pub mod store;
pub mod chance;
pub mod engine;
pub mod telemetry;
