//! What a receiver does with a signed request, for every scheme: all headers there, the time within the tolerance, and
//! a signature by any of the keys that it trusts.
//!
//! The work depends on how many keys and signatures there are, never on what is in them, and shared secrets are
//! compared in constant time.

use std::fmt;
use std::time::Duration;

use subtle::{Choice, ConstantTimeEq as _};

use super::{HEADER_ID, Message, PairSignature, Scheme, Tag, TimeAt, keyed, tag};
use crate::domain::profile::{Profile, SecretRule};
use crate::domain::secret::{InvalidSecret, PUBLIC_PREFIX, PublicKey, Secret};
use crate::domain::time::Timestamp;

/// How far a timestamp may be from the receiver's clock, by every receiver library.
pub const TOLERANCE: Duration = Duration::from_mins(5);
/// A header with more signatures than this is not looked at.
pub const SIGNATURES_MAX: usize = 16;

/// What a receiver trusts: a secret that it shares with the sender, or the public half of the sender's key pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VerifyingKey {
    /// Verifies HMACs.
    Shared(Secret),
    /// Verifies Ed25519 signatures.
    Public(PublicKey),
}

impl VerifyingKey {
    /// Reads what a webhook's owner was given, by a profile's rules. Secrets may be shorter than those that we make:
    /// another sender's may be.
    ///
    /// # Errors
    /// When it is no key that the profile knows.
    pub fn parse(profile: Profile, text: &str) -> Result<Self, InvalidSecret> {
        match profile.spec().secret {
            SecretRule::Standard if text.starts_with(PUBLIC_PREFIX) => PublicKey::parse(text).map(Self::Public),
            SecretRule::Standard | SecretRule::Text { .. } | SecretRule::Own => {
                profile.received_secret(text).map(Self::from)
            }
        }
    }
}

impl From<Secret> for VerifyingKey {
    fn from(secret: Secret) -> Self {
        secret.public_key().map_or(Self::Shared(secret), Self::Public)
    }
}

/// A request's headers, whatever holds them.
pub trait Headers {
    /// The value of the header of a name in lower case; empty when it is missing or no text.
    fn value(&self, name: &str) -> &str;
}

impl Headers for Vec<(String, String)> {
    fn value(&self, name: &str) -> &str {
        self.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

/// A request as a receiver got it.
#[derive(Clone, Copy)]
pub struct Received<'a> {
    /// Its headers.
    pub headers: &'a dyn Headers,
    /// The bytes of its body.
    pub body: &'a [u8],
}

/// Bodies stay out of logs.
impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { headers, body } = self;
        write!(f, "{} ({} bytes)", headers.value(HEADER_ID), body.len())
    }
}

/// The first reason not to trust a request. [`super::diagnose`] finds out more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyFailure {
    /// A header that is signed is missing or empty.
    #[error("the header `{name}` is missing")]
    MissingHeader {
        /// Which one.
        name: &'static str,
    },
    /// The header of the signature is missing or empty.
    #[error("the header with the signature is missing")]
    MissingSignature,
    /// The time is not a plain number of seconds.
    #[error("the time of signing is not a whole number of seconds")]
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
    #[error("there are more than {SIGNATURES_MAX} signatures")]
    TooManySignatures,
    /// Well-formed, but signed with another key or over other bytes.
    #[error("no signature matches")]
    NoMatch,
}

impl VerifyFailure {
    /// The word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::MissingHeader { .. } | Self::MissingSignature => "missing_header",
            Self::TimestampMalformed => "timestamp_malformed",
            Self::TooOld { .. } => "too_old",
            Self::InFuture { .. } => "in_future",
            Self::TooManySignatures => "too_many_signatures",
            Self::NoMatch => "no_match",
        }
    }
}

/// Checks a request as receivers do.
///
/// # Errors
/// With the first thing that is wrong.
pub fn verify(
    scheme: &Scheme<'_>,
    keys: &[VerifyingKey],
    received: &Received<'_>,
    now: Timestamp,
    tolerance: Duration,
) -> Result<(), VerifyFailure> {
    let read = Read::new(scheme, received);
    if let Some(missing) = read.missing().next() {
        return Err(missing);
    }
    if scheme.time != TimeAt::Nowhere {
        check_time(read.message.seconds, now, tolerance)?;
    }
    let entries: Vec<&str> = read.signatures().take(SIGNATURES_MAX + 1).collect();
    if entries.len() > SIGNATURES_MAX {
        return Err(VerifyFailure::TooManySignatures);
    }
    if Given::read(scheme, &entries).are_by(scheme, keys, read.message) { Ok(()) } else { Err(VerifyFailure::NoMatch) }
}

impl Scheme<'_> {
    /// The time that a request says it was signed at, as it is written; empty when it does not say.
    #[must_use]
    pub fn time_in<'a>(&self, headers: &'a dyn Headers) -> &'a str {
        match self.time {
            TimeAt::Nowhere => "",
            TimeAt::Header(name) => headers.value(name),
            TimeAt::Entry(prefix) => {
                let value = headers.value(self.header);
                entries(self, value).find_map(|entry| entry.strip_prefix(prefix)).unwrap_or_default()
            }
        }
    }
}

/// A request as its scheme reads it.
pub(super) struct Read<'a> {
    scheme: &'a Scheme<'a>,
    pub(super) value: &'a str,
    pub(super) message: Message<'a>,
}

impl<'a> Read<'a> {
    pub(super) fn new(scheme: &'a Scheme<'a>, received: &Received<'a>) -> Self {
        let Received { headers, body } = *received;
        let value = headers.value(scheme.header);
        let seconds = scheme.time_in(headers);
        Self { scheme, value, message: Message { id: headers.value(HEADER_ID), seconds, body } }
    }

    /// The headers that are not there.
    pub(super) fn missing(&self) -> impl Iterator<Item = VerifyFailure> {
        let id = (self.scheme.signs_id() && self.message.id.is_empty())
            .then_some(VerifyFailure::MissingHeader { name: HEADER_ID });
        let time = match self.scheme.time {
            TimeAt::Header(name) if self.message.seconds.is_empty() => Some(VerifyFailure::MissingHeader { name }),
            TimeAt::Header(_) | TimeAt::Entry(_) | TimeAt::Nowhere => None,
        };
        let signature = self.value.is_empty().then_some(VerifyFailure::MissingSignature);
        id.into_iter().chain(time).chain(signature)
    }

    /// The entries that are, or may be, signatures.
    pub(super) fn signatures(&self) -> impl Iterator<Item = &'a str> {
        let time = match self.scheme.time {
            TimeAt::Entry(prefix) => Some(prefix),
            TimeAt::Header(_) | TimeAt::Nowhere => None,
        };
        entries(self.scheme, self.value).filter(move |entry| !time.is_some_and(|prefix| entry.starts_with(prefix)))
    }
}

fn entries<'a>(scheme: &Scheme<'_>, value: &'a str) -> impl Iterator<Item = &'a str> {
    // Without a separator all of it is one entry; a NUL is in no header.
    value.split(scheme.between.unwrap_or("\0"))
}

pub(super) fn check_time(text: &str, now: Timestamp, tolerance: Duration) -> Result<(), VerifyFailure> {
    let seconds = plain_seconds(text).ok_or(VerifyFailure::TimestampMalformed)?;
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

/// The signatures of a request, decoded.
#[derive(Default)]
pub(super) struct Given {
    pub(super) tags: Vec<Tag>,
    pub(super) pairs: Vec<PairSignature>,
}

impl Given {
    fn read(scheme: &Scheme<'_>, entries: &[&str]) -> Self {
        let mut given = Self::default();
        for entry in entries {
            let after = |mark: Option<&str>| mark.and_then(|mark| entry.strip_prefix(mark));
            given.tags.extend(after(scheme.hmac).and_then(|text| scheme.encoding.read(text)));
            given.pairs.extend(after(scheme.ed25519).and_then(|text| scheme.encoding.read(text)));
        }
        given
    }

    /// Whether any is by any of the keys.
    pub(super) fn are_by(&self, scheme: &Scheme<'_>, keys: &[VerifyingKey], message: Message<'_>) -> bool {
        let by_any = keys.iter().map(|key| match key {
            VerifyingKey::Shared(secret) => self.has_tag(&tag(&keyed(secret.key()), scheme.signed, message)),
            VerifyingKey::Public(public) => {
                let whole = message.whole(scheme.signed);
                Choice::from(u8::from(self.pairs.iter().any(|signature| public.verifies(&whole, signature))))
            }
        });
        by_any.fold(Choice::from(0), |found, matches| found | matches).into()
    }

    pub(super) fn has_tag(&self, expected: &Tag) -> Choice {
        self.tags.iter().fold(Choice::from(0), |found, given| found | expected.ct_eq(given))
    }
}
