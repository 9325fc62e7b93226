//! Pure rules: no async, no I/O, no SQL, no HTTP. Time and chance are arguments.

pub mod api_key;
pub mod attempt;
pub mod circuit;
pub mod concurrency;
pub mod delivery;
mod draft;
pub mod egress;
pub mod event;
pub mod field;
pub mod id;
pub mod ip_list;
pub mod key;
pub mod key_draft;
pub mod password;
pub mod permission;
pub mod retry;
pub mod rotation;
pub mod secret;
pub mod session;
pub mod signature;
pub mod subscription;
pub mod tenant;
pub mod time;
pub mod user;
pub mod webhook;
pub mod webhook_draft;
