//! Pure rules: no async, no I/O, no SQL, no HTTP. Time and chance are arguments.

pub mod attempt;
pub mod circuit;
pub mod concurrency;
pub mod delivery;
pub mod egress;
pub mod event;
pub mod field;
pub mod id;
pub mod key;
pub mod permission;
pub mod profile;
pub mod request;
pub mod retry;
pub mod secret;
pub mod secret_draft;
pub mod signature;
pub mod subscription;
pub mod tenant;
pub mod time;
pub mod webhook;
pub mod webhook_draft;
