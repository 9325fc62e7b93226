//! Chance at the edge: what is drawn here is passed on as an argument, so that rules stay testable.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rand::RngExt;

use crate::domain::id::tail;

/// 64 random bits.
#[allow(clippy::disallowed_methods, reason = "this is the one place that draws")]
pub fn bits() -> u64 {
    rand::rng().random()
}

/// The [`tail`] of a new id, larger than the one that this process drew before; its count begins anew after 2^32.
pub fn id_tail() -> u128 {
    static DRAWN: LazyLock<AtomicU32> = LazyLock::new(|| AtomicU32::new(u32::from_be_bytes(bytes())));
    tail(DRAWN.fetch_add(1, Ordering::Relaxed), bits())
}

/// Random bytes for keys and nonces, from the operating system's seeded generator.
#[allow(clippy::disallowed_methods, reason = "this is the one place that draws")]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
    bytes
}

/// A number from 0 up to 1: for jitter.
#[allow(clippy::disallowed_methods, reason = "this is the one place that draws")]
pub fn fraction() -> f64 {
    rand::rng().random()
}
