//! Signatures: how a receiver knows that a request is ours, whole, and, where the scheme can say so, fresh.
//!
//! A [`Scheme`] is data: which bytes are signed, how the signature is written, in which header, and whether that
//! header holds several. The table of profiles has one or two per profile ([`super::profile`]); what is here signs and
//! verifies by whichever it is given.
//!
//! Requests are signed when they are sent, over the exact bytes that go out, with every key that is valid then. Two
//! texts must never give the same signed bytes, so an id never contains a dot; ours cannot, being a prefix and base32.
//!
//! Sending is the hot path: a [`SigningKey`] keeps the HMAC state after the key was absorbed, which saves two SHA-256
//! blocks a signature; the parts go into it one by one; and a header is written straight into one string of the right
//! size. Only Ed25519 needs the whole message in one piece.

mod diagnosis;
mod json;
mod verify;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

pub use self::diagnosis::{BodyChange, Finding, diagnose, scheme_used};
pub use self::verify::{Headers, Received, SIGNATURES_MAX, TOLERANCE, VerifyFailure, VerifyingKey, verify};
use super::secret::{Secret, SecretKind};

/// The header that names the event.
pub const HEADER_ID: &str = "webhook-id";
/// The header that tells when the attempt was sent, in Unix seconds.
pub const HEADER_TIMESTAMP: &str = "webhook-timestamp";
/// The header that carries the signatures of Standard Webhooks.
pub const HEADER_SIGNATURE: &str = "webhook-signature";
/// The header that carries the hex HMAC of the body.
pub const HEADER_BODY_HEX: &str = "x-webhook-signature";

const TAG_BYTES: usize = 32;
const PAIR_SIGNATURE_BYTES: usize = 64;

type Tag = [u8; TAG_BYTES];
type PairSignature = [u8; PAIR_SIGNATURE_BYTES];

/// How signatures are made and written: a row's part of the table of profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme<'a> {
    /// The header that they are in.
    pub header: &'a str,
    /// What is signed.
    pub signed: &'static [Signed],
    /// Where a receiver finds the time that is signed.
    pub time: TimeAt,
    /// How their bytes are written.
    pub encoding: Encoding,
    /// What stands before an HMAC-SHA256; absent: a shared secret does not sign here.
    pub hmac: Option<&'a str>,
    /// What stands before an Ed25519 signature; absent: a key pair does not sign here.
    pub ed25519: Option<&'a str>,
    /// What stands between two entries; absent: there is one.
    pub between: Option<&'static str>,
}

/// A piece of what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// This text.
    Text(&'static str),
    /// The event's id.
    Id,
    /// When the request is sent, in Unix seconds.
    Time,
    /// The body.
    Body,
}

/// Where a receiver finds the time that is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeAt {
    /// None is.
    Nowhere,
    /// In this header.
    Header(&'static str),
    /// In the header of the signatures, as an entry that starts so.
    Entry(&'static str),
}

/// How a signature's bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Lower-case.
    Hex,
    /// The standard alphabet, with padding.
    Base64,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Hex, Self::Base64];

    /// The word that the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hex => "hex",
            Self::Base64 => "base64",
        }
    }

    /// The encoding that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.as_str() == word)
    }

    fn write(self, bytes: &[u8], out: &mut String) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        match self {
            Self::Base64 => STANDARD.encode_string(bytes, out),
            Self::Hex => out.extend(bytes.iter().flat_map(|byte| {
                [char::from(DIGITS[usize::from(byte >> 4)]), char::from(DIGITS[usize::from(byte & 15)])]
            })),
        }
    }

    /// The bytes of exactly what [`Self::write`] writes.
    fn read<const N: usize>(self, text: &str) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        match self {
            Self::Base64 => return STANDARD.decode(text).ok()?.try_into().ok(),
            Self::Hex => {
                if text.len() != 2 * N {
                    return None;
                }
                let digit = |byte: u8| match byte {
                    b'0'..=b'9' => Some(byte - b'0'),
                    b'a'..=b'f' => Some(byte - b'a' + 10),
                    _ => None,
                };
                for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                    *byte = digit(pair[0])? << 4 | digit(pair[1])?;
                }
            }
        }
        Some(bytes)
    }
}

/// What a signature is over.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The event's id.
    pub id: &'a str,
    /// When the request is sent, in Unix seconds.
    pub seconds: &'a str,
    /// The body's bytes.
    pub body: &'a [u8],
}

/// Bodies stay out of logs.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, seconds, body } = self;
        write!(f, "{id} at {seconds} ({} bytes)", body.len())
    }
}

impl<'a> Message<'a> {
    fn parts(self, signed: &'static [Signed]) -> impl Iterator<Item = &'a [u8]> {
        signed.iter().map(move |part| match part {
            Signed::Text(text) => text.as_bytes(),
            Signed::Id => self.id.as_bytes(),
            Signed::Time => self.seconds.as_bytes(),
            Signed::Body => self.body,
        })
    }

    fn whole(self, signed: &'static [Signed]) -> Vec<u8> {
        self.parts(signed).collect::<Vec<_>>().concat()
    }
}

/// A secret, ready to sign with.
#[derive(Clone)]
pub struct SigningKey {
    state: State,
    /// Of a secret that is a text: one profile sends it along.
    token: Option<SecretString>,
}

#[derive(Clone)]
enum State {
    Shared(Hmac<Sha256>),
    Pair(Box<ed25519_dalek::SigningKey>),
}

impl SigningKey {
    /// Gets a secret ready.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        let state = match secret.pair() {
            Some(pair) => State::Pair(Box::new(pair)),
            None => State::Shared(keyed(secret.key())),
        };
        Self { state, token: secret.text().map(SecretString::from) }
    }

    /// What kind of secret it was made from.
    #[must_use]
    pub const fn kind(&self) -> SecretKind {
        match (&self.state, &self.token) {
            (State::Pair(_), _) => SecretKind::Ed25519,
            (State::Shared(_), Some(_)) => SecretKind::Text,
            (State::Shared(_), None) => SecretKind::Standard,
        }
    }

    /// The secret itself, if it is a text.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_ref().map(ExposeSecret::expose_secret)
    }

    /// What stands before a signature of this key; `None` when the key does not sign in this scheme.
    fn mark<'a>(&self, scheme: &Scheme<'a>) -> Option<&'a str> {
        match self.state {
            State::Shared(_) => scheme.hmac,
            State::Pair(_) => scheme.ed25519,
        }
    }

    fn write(&self, scheme: &Scheme<'_>, message: Message<'_>, out: &mut String) {
        match &self.state {
            State::Shared(state) => scheme.encoding.write(&tag(state, scheme.signed, message), out),
            State::Pair(pair) => {
                let signature = pair.sign(&message.whole(scheme.signed)).to_bytes();
                scheme.encoding.write(&signature, out);
            }
        }
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn tag(state: &Hmac<Sha256>, signed: &'static [Signed], message: Message<'_>) -> Tag {
    let mut mac = state.clone();
    message.parts(signed).for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl Scheme<'_> {
    /// The value of the header: an entry per key that signs in this scheme, in the keys' order, or the first such
    /// key's where there is room for one. `None` when no key does.
    #[must_use]
    pub fn sign(&self, keys: &[&SigningKey], message: Message<'_>) -> Option<String> {
        let mut value = String::with_capacity(self.chars(keys));
        if let TimeAt::Entry(prefix) = self.time {
            value.push_str(prefix);
            value.push_str(message.seconds);
        }
        let mut signed = false;
        for key in keys {
            let Some(mark) = key.mark(self) else { continue };
            if !value.is_empty() {
                value.push_str(self.between.unwrap_or_default());
            }
            value.push_str(mark);
            key.write(self, message, &mut value);
            signed = true;
            if self.between.is_none() {
                break;
            }
        }
        signed.then_some(value)
    }

    /// About as many as the header's value will have.
    fn chars(&self, keys: &[&SigningKey]) -> usize {
        const TIME_CHARS: usize = 20;
        let of_key = |key: &&SigningKey| {
            let bytes = match key.state {
                State::Shared(_) => TAG_BYTES,
                State::Pair(_) => PAIR_SIGNATURE_BYTES,
            };
            let encoded = match self.encoding {
                Encoding::Hex => 2 * bytes,
                Encoding::Base64 => bytes.div_ceil(3) * 4,
            };
            let around = key.mark(self).map_or(0, str::len) + self.between.map_or(0, str::len);
            encoded + around
        };
        let keys = if self.between.is_none() { &keys[..keys.len().min(1)] } else { keys };
        let time = match self.time {
            TimeAt::Entry(prefix) => prefix.len() + TIME_CHARS,
            TimeAt::Header(_) | TimeAt::Nowhere => 0,
        };
        time + keys.iter().map(of_key).sum::<usize>()
    }

    fn signs_id(&self) -> bool {
        self.signed.contains(&Signed::Id)
    }
}

#[cfg(test)]
mod tests;
