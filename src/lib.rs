//! Angarium: see the final text later.

pub mod broker;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod receiver;
pub mod store;
