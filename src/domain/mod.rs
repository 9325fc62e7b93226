//! Pure rules: no async, no I/O, no SQL, no HTTP. Time and chance are arguments.

pub mod attempt;
pub mod circuit;
pub mod concurrency;
pub mod delivery;
pub mod duration_histogram;
pub mod egress;
pub mod event;
pub mod field;
pub mod filter;
pub mod id;
pub mod key;
pub mod meter;
pub mod noun;
pub mod permission;
pub mod plan;
pub mod retry;
pub mod secret;
pub mod signature;
pub mod subscription;
pub mod tenant;
pub mod time;
pub mod webhook;
pub mod webhook_draft;
