//! Signatures: how a receiver knows that a request is ours, whole, and fresh.
//!
//! The scheme is Standard Webhooks `v1`: HMAC-SHA256 over `{id}.{timestamp}.{body}` in standard base64. Id and time are
//! inside the MAC, which is what bounds a replay. A second header carries the bare hex HMAC of the body for receivers
//! that were written for that; it has no protection from replay.
//!
//! Requests are signed when they are sent, over the exact bytes that go out, with every key that is valid then. Two
//! texts must never give the same signed bytes, so an id never contains a dot; ours cannot, being a prefix and base32.
//!
//! Sending is the hot path: a [`SigningKey`] keeps the HMAC state after the key was absorbed, which saves two
//! SHA-256 blocks a signature, and a header is written straight into one string of the right size.

mod diagnosis;
mod json;

use std::fmt;
use std::io::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

pub use self::diagnosis::{BodyChange, Finding, diagnose};
use super::secret::Secret;
use super::time::Timestamp;

/// The header that names the event.
pub const HEADER_ID: &str = "webhook-id";
/// The header that tells when the attempt was sent, in Unix seconds.
pub const HEADER_TIMESTAMP: &str = "webhook-timestamp";
/// The header that carries the signatures.
pub const HEADER_SIGNATURE: &str = "webhook-signature";
/// The header that carries the hex HMAC of the body.
pub const HEADER_BODY_HEX: &str = "x-webhook-signature";
/// How far a timestamp may be from the receiver's clock, by every receiver library.
pub const TOLERANCE: Duration = Duration::from_mins(5);
/// A signature header with more entries than this is not looked at.
pub const SIGNATURES_MAX: usize = 16;

const TAG_BYTES: usize = 32;
/// `v1,`, 44 characters, and the space before the next.
const ENTRY_CHARS: usize = 48;
const VERSION: &str = "v1";

type Tag = [u8; TAG_BYTES];

/// A secret, ready to sign with. Cloning it copies a few hundred bytes.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// Gets a secret ready.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        Self::from_bytes(secret.key())
    }

    /// Gets a key ready that is not one of our secrets, such as a text that a customer chose.
    #[must_use]
    pub fn from_bytes(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }

    fn tag(&self, parts: &[&[u8]]) -> Tag {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn standard_tag(&self, id: &str, timestamp: &str, body: &[u8]) -> Tag {
        self.tag(&[id.as_bytes(), b".", timestamp.as_bytes(), b".", body])
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// The value of `webhook-signature`: one entry per key, in the keys' order, with one space between.
#[must_use]
pub fn standard_header(keys: &[SigningKey], id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
    let mut digits = [0; 20];
    let timestamp = decimal(timestamp_seconds, &mut digits);
    let mut header = String::with_capacity(keys.len() * ENTRY_CHARS);
    for key in keys {
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str(VERSION);
        header.push(',');
        STANDARD.encode_string(key.standard_tag(id, timestamp, body), &mut header);
    }
    header
}

/// The lower-case hex HMAC-SHA256 of the body alone.
#[must_use]
pub fn body_hex(key: &SigningKey, body: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * TAG_BYTES);
    for byte in key.tag(&[body]) {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Twenty bytes hold every `i64`, so nothing is cut off.
fn decimal(number: i64, digits: &mut [u8; 20]) -> &str {
    let mut rest = &mut digits[..];
    let _ = write!(rest, "{number}");
    let len = 20 - rest.len();
    std::str::from_utf8(&digits[..len]).unwrap_or_default()
}

/// A request as a receiver got it. A header that is missing is an empty text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The value of `webhook-id`.
    pub id: &'a str,
    /// The value of `webhook-timestamp`.
    pub timestamp: &'a str,
    /// The value of `webhook-signature`.
    pub signature: &'a str,
    /// The body's bytes.
    pub body: &'a [u8],
}

/// Bodies stay out of logs.
impl fmt::Debug for Signed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, timestamp, signature: _, body } = self;
        write!(f, "{id} at {timestamp} ({} bytes)", body.len())
    }
}

/// The first reason not to trust a request. [`diagnose`] finds out more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyFailure {
    /// A header is missing or empty.
    #[error("the header `{name}` is missing")]
    MissingHeader {
        /// Which one.
        name: &'static str,
    },
    /// The timestamp is not a plain number of seconds.
    #[error("`webhook-timestamp` is not a whole number of seconds")]
    TimestampMalformed,
    /// Older than the tolerance.
    #[error("the request was signed {} s ago, which is too old", age.as_secs())]
    TooOld {
        /// How old it is.
        age: Duration,
    },
    /// From further in the future than the tolerance.
    #[error("the request was signed {} s in the future", ahead.as_secs())]
    InFuture {
        /// How far ahead it is.
        ahead: Duration,
    },
    /// More signatures than anybody needs.
    #[error("`webhook-signature` has more than {SIGNATURES_MAX} entries")]
    TooManySignatures,
    /// Well-formed, but signed with another key or over other bytes.
    #[error("no signature matches")]
    NoMatch,
}

/// Checks a request as receivers do: all headers there, the time within the tolerance, and a `v1` signature by any of
/// the secrets. The work depends on how many secrets and signatures there are, never on what is in them.
///
/// # Errors
/// With the first thing that is wrong.
pub fn verify(
    secrets: &[Secret],
    message: &Signed<'_>,
    now: Timestamp,
    tolerance: Duration,
) -> Result<(), VerifyFailure> {
    check_headers(message)?;
    check_time(message, now, tolerance)?;
    if message.signature.split(' ').nth(SIGNATURES_MAX).is_some() {
        return Err(VerifyFailure::TooManySignatures);
    }
    let tag_of = |secret| SigningKey::new(secret).standard_tag(message.id, message.timestamp, message.body);
    let expected: Vec<Tag> = secrets.iter().map(tag_of).collect();
    if any_match(&expected, &tags(message.signature)) { Ok(()) } else { Err(VerifyFailure::NoMatch) }
}

fn check_headers(message: &Signed<'_>) -> Result<(), VerifyFailure> {
    let headers =
        [(HEADER_ID, message.id), (HEADER_TIMESTAMP, message.timestamp), (HEADER_SIGNATURE, message.signature)];
    match headers.into_iter().find(|(_, value)| value.is_empty()) {
        Some((name, _)) => Err(VerifyFailure::MissingHeader { name }),
        None => Ok(()),
    }
}

fn check_time(message: &Signed<'_>, now: Timestamp, tolerance: Duration) -> Result<(), VerifyFailure> {
    let seconds = plain_seconds(message.timestamp).ok_or(VerifyFailure::TimestampMalformed)?;
    let offset = now.as_seconds().saturating_sub(seconds);
    let distance = Duration::from_secs(offset.unsigned_abs());
    match offset {
        _ if distance <= tolerance => Ok(()),
        0.. => Err(VerifyFailure::TooOld { age: distance }),
        ..0 => Err(VerifyFailure::InFuture { ahead: distance }),
    }
}

/// Only digits and no leading zero: a sign, a fraction or padding would be other signed bytes for the same time.
fn plain_seconds(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

fn tags(header: &str) -> Vec<Tag> {
    let decode = |encoded: &str| STANDARD.decode(encoded).ok().and_then(|bytes| Tag::try_from(bytes).ok());
    let entries = header.split(' ').filter_map(|entry| entry.split_once(','));
    entries.filter(|(version, _)| *version == VERSION).filter_map(|(_, encoded)| decode(encoded)).collect()
}

fn any_match(expected: &[Tag], given: &[Tag]) -> bool {
    let pairs = expected.iter().flat_map(|a| given.iter().map(move |b| (a, b)));
    pairs.fold(Choice::from(0), |found, (a, b)| found | a.ct_eq(b)).into()
}

#[cfg(test)]
mod tests;
