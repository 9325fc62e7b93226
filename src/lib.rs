//! Angarium: see the final text later.

pub mod api;
pub mod app;
pub mod broker;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod engine;
pub mod receiver;
pub mod scheduler;
pub mod store;
pub mod telemetry;
pub mod worker;
