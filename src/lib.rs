//! Angarium: see the final text later.

pub mod api;
pub mod broker;
pub mod chance;
pub mod clock;
pub mod config;
pub mod domain;
pub mod engine;
pub mod store;
pub mod telemetry;
