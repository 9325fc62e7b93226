//! The worker: takes tickets, claims them, sends what it may, and hands in what came of it.
//!
//! [`run`] is the loop, [`lanes`] decides what goes out next, [`request`] makes the bytes, [`client`] sends them,
//! `handshake` asks those who want to be asked first. No
//! business decision is made here: what an outcome means is for [`crate::engine::settle`] and the rules of
//! [`crate::domain`].

pub mod client;
mod handshake;
pub mod lanes;
pub mod request;
mod resolver;
pub mod run;
