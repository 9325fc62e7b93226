//! The worker: takes tickets, claims them, sends what it may, and hands in what came of it.
//!
//! [`run`] is the loop, [`lanes`] decides what goes out next, [`request`] makes the bytes, [`client`] sends them. No
//! business decision is made here: what an outcome means is for [`crate::engine::settle`] and the rules of
//! [`crate::domain`].

pub mod client;
pub mod lanes;
pub mod request;
mod resolver;
pub mod run;
