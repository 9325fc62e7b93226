//! One integration binary: a file per behaviour, each behaviour on both engines, by the front door.

mod architecture;
mod auth;
mod bad_input;
mod broker_down;
mod cli;
mod drain;
mod egress;
mod fairness;
mod ids;
mod ingest;
mod metrics;
mod processes;
mod slow_clients;
mod store;
mod support;
