//! One integration binary: a file per behaviour, each behaviour on both engines, by the front door.

mod architecture;
mod batch;
mod crash;
mod dead_letters;
mod deliver;
mod delivery_log;
mod idempotency;
mod interventions;
mod replay;
mod restart;
mod retry;
mod support;
