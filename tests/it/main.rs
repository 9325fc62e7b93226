//! One integration binary: a file per behaviour, each behaviour on both engines, by the front door.
#![allow(clippy::unwrap_used, reason = "what a test expects it may unwrap, in its steps as well")]

mod architecture;
mod auth;
mod bad_input;
mod batch;
mod broker_down;
mod channels;
mod cli;
mod crash;
mod dead_letters;
mod deliver;
mod deliver_at;
mod delivery_log;
mod drain;
mod egress;
mod fairness;
mod filters;
mod idempotency;
mod ids;
mod ingest;
mod interventions;
mod meters;
mod metrics;
mod processes;
mod profiles;
mod replay;
mod restart;
mod retry;
mod slow_clients;
mod store;
mod support;
