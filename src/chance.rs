//! Chance at the edge: what is drawn here is passed on as an argument, so that rules stay testable.

use rand::RngExt;

/// 128 random bits: the tail of an id.
#[allow(clippy::disallowed_methods, reason = "this is the one place that draws")]
pub fn bits() -> u128 {
    rand::rng().random()
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
