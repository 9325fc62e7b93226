//! What a webhook's requests are signed with.
//!
//! Three kinds, because the schemes that receivers know disagree about what a key is, and each text must mean one key:
//!
//! - **Standard**: 24 to 64 random bytes, written as `whsec_` and padded standard base64, in that one spelling, because
//!   receiver libraries disagree about every other. The key is the decoded bytes.
//! - **Text**: visible ASCII, and the key is the text itself. What is made here is 64 lower-case hex digits. A text that
//!   starts with `whsec_` would be decoded by half of its readers, so it is taken only where a scheme spells its keys
//!   so and still means the text: Stripe's.
//! - **Ed25519**: a key pair. It comes in as `whsk_`, and only its public half ever leaves, as `whpk_`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{SigningKey as PairKey, VerifyingKey};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretSlice};
use subtle::ConstantTimeEq as _;

/// What the text of a standard secret starts with.
pub const SECRET_PREFIX: &str = "whsec_";
/// What the text of a key pair starts with. It is read, never written.
pub const PAIR_PREFIX: &str = "whsk_";
/// What the text of a public key starts with.
pub const PUBLIC_PREFIX: &str = "whpk_";
/// The fewest bytes in a standard secret.
pub const SECRET_BYTES_MIN: usize = 24;
/// The most bytes in a standard secret.
pub const SECRET_BYTES_MAX: usize = 64;
/// The fewest characters in a secret that is a text.
pub const TEXT_CHARS_MIN: usize = 16;
/// The most characters in a secret that is a text.
pub const TEXT_CHARS_MAX: usize = 256;

const SEED_BYTES: usize = 32;
const PAIR_BYTES: usize = 64;

/// What the bytes of a secret are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// `whsec_`: the key is the decoded bytes.
    Standard,
    /// The key is the text.
    Text,
    /// The seed of an Ed25519 key pair.
    Ed25519,
}

impl SecretKind {
    /// The word that the database uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Text => "text",
            Self::Ed25519 => "ed25519",
        }
    }

    /// The kind that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Standard, Self::Text, Self::Ed25519].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The key that a webhook's requests are signed with. Wiped from memory when dropped; has no text but
/// [`Self::reveal`].
#[derive(Clone)]
pub struct Secret {
    kind: SecretKind,
    bytes: SecretSlice<u8>,
}

/// Why a text is not a secret. Says nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// Without the prefix.
    #[error("must start with `{prefix}`")]
    Prefix {
        /// Which one.
        prefix: &'static str,
    },
    /// Not base64 after the prefix.
    #[error("must be standard base64 with padding after `{prefix}`")]
    Encoding {
        /// Which prefix.
        prefix: &'static str,
    },
    /// Too short to be safe, or longer than receivers take.
    #[error("must decode to {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes, not {bytes}")]
    Length {
        /// How many bytes it decodes to.
        bytes: usize,
    },
    /// Not 32 bytes, nor 64 whose halves belong together.
    #[error("must decode to the 32 bytes of an Ed25519 seed, or to the seed and its public key")]
    Pair,
    /// Not a public key.
    #[error("must decode to the 32 bytes of an Ed25519 public key")]
    Public,
    /// Too short to be safe, or longer than receivers take.
    #[error("must have {TEXT_CHARS_MIN} to {TEXT_CHARS_MAX} characters")]
    TextLength,
    /// Something that programs spell in more than one way.
    #[error("must be visible ASCII characters and inner spaces")]
    TextCharacters,
    /// A text that reads as a key of another scheme.
    #[error(
        "must not start with `whsec_`, `whsk_` or `whpk_`: this profile's key is the text itself, not what it encodes"
    )]
    TextPrefix,
}

impl Secret {
    /// A new standard secret of 32 random bytes.
    #[must_use]
    pub fn generate(random: [u8; 32]) -> Self {
        Self::generate_as(SecretKind::Standard, random)
    }

    /// A new secret of some kind, from 32 random bytes.
    #[must_use]
    pub fn generate_as(kind: SecretKind, random: [u8; 32]) -> Self {
        let random = Zeroizing::new(random);
        let bytes = match kind {
            SecretKind::Standard | SecretKind::Ed25519 => random.to_vec(),
            SecretKind::Text => {
                let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
                random.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
            }
        };
        Self { kind, bytes: bytes.into() }
    }

    /// Reads the text of a standard secret, as [`Self::reveal`] gives it.
    ///
    /// # Errors
    /// When the text is not in that one spelling, or the key has a wrong length.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let bytes = decode(text, SECRET_PREFIX)?;
        if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len()) {
            return Err(InvalidSecret::Length { bytes: bytes.len() });
        }
        Ok(Self { kind: SecretKind::Standard, bytes: bytes.to_vec().into() })
    }

    /// Reads the text of a standard secret that a receiver was given: by another sender, perhaps, that makes shorter
    /// ones than we do.
    ///
    /// # Errors
    /// When the text is not in that one spelling, or there is no key in it.
    pub fn parse_received(text: &str) -> Result<Self, InvalidSecret> {
        let bytes = decode(text, SECRET_PREFIX)?;
        if bytes.is_empty() {
            return Err(InvalidSecret::Length { bytes: 0 });
        }
        Ok(Self { kind: SecretKind::Standard, bytes: bytes.to_vec().into() })
    }

    /// Reads `whsk_` and base64 of a seed, or of a seed and its public key. Halves that do not belong together are
    /// refused: a signature under another's public key gives the private one away.
    ///
    /// # Errors
    /// When it is none of both.
    pub fn parse_pair(text: &str) -> Result<Self, InvalidSecret> {
        let bytes = decode(text, PAIR_PREFIX)?;
        let seed = match bytes.len() {
            SEED_BYTES => bytes.to_vec(),
            PAIR_BYTES => {
                let pair = <&[u8; PAIR_BYTES]>::try_from(bytes.as_slice()).map_err(|_| InvalidSecret::Pair)?;
                PairKey::from_keypair_bytes(pair).map_err(|_| InvalidSecret::Pair)?.to_bytes().to_vec()
            }
            _ => return Err(InvalidSecret::Pair),
        };
        Ok(Self { kind: SecretKind::Ed25519, bytes: seed.into() })
    }

    /// Takes a text that a person chose, or another system made.
    ///
    /// # Errors
    /// When it is too short or too long, has something else than visible ASCII in it, or reads as a key of another
    /// scheme; with `whsec`, one that starts with `whsec_` is taken for the text that it is.
    pub fn own_text(text: &str, whsec: bool) -> Result<Self, InvalidSecret> {
        if !(TEXT_CHARS_MIN..=TEXT_CHARS_MAX).contains(&text.chars().count()) {
            return Err(InvalidSecret::TextLength);
        }
        let visible = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
        if !visible || text.trim_matches(' ') != text {
            return Err(InvalidSecret::TextCharacters);
        }
        let is_pair = [PAIR_PREFIX, PUBLIC_PREFIX].iter().any(|prefix| text.starts_with(prefix));
        if is_pair || !whsec && text.starts_with(SECRET_PREFIX) {
            return Err(InvalidSecret::TextPrefix);
        }
        Ok(Self::received_text(text))
    }

    /// Takes the text that a receiver was given, whatever it is.
    #[must_use]
    pub fn received_text(text: &str) -> Self {
        Self { kind: SecretKind::Text, bytes: text.as_bytes().to_vec().into() }
    }

    /// Takes what [`Self::key`] gave, out of its seal.
    #[must_use]
    pub fn unsealed(kind: SecretKind, bytes: Vec<u8>) -> Option<Self> {
        let bytes = SecretSlice::from(bytes);
        let key = bytes.expose_secret();
        let fits = match kind {
            SecretKind::Standard => (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&key.len()),
            SecretKind::Text => std::str::from_utf8(key).is_ok(),
            SecretKind::Ed25519 => key.len() == SEED_BYTES,
        };
        fits.then_some(Self { kind, bytes })
    }

    /// What its bytes are.
    #[must_use]
    pub const fn kind(&self) -> SecretKind {
        self.kind
    }

    /// The text for who verifies: the secret, or a pair's public key. Shown once, never logged, never stored.
    #[must_use]
    pub fn reveal(&self) -> String {
        match self.kind {
            SecretKind::Standard => encode(SECRET_PREFIX, self.key()),
            SecretKind::Text => self.text().unwrap_or_default().to_owned(),
            SecretKind::Ed25519 => self.public_key().map(|key| key.to_string()).unwrap_or_default(),
        }
    }

    /// The text of a secret that is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self.kind {
            SecretKind::Text => std::str::from_utf8(self.key()).ok(),
            SecretKind::Standard | SecretKind::Ed25519 => None,
        }
    }

    /// The key itself, to sign with or to seal.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.bytes.expose_secret()
    }

    /// The key pair of a secret that is one.
    #[must_use]
    pub fn pair(&self) -> Option<PairKey> {
        match self.kind {
            SecretKind::Ed25519 => <&[u8; SEED_BYTES]>::try_from(self.key()).ok().map(PairKey::from_bytes),
            SecretKind::Standard | SecretKind::Text => None,
        }
    }

    /// The public key of a secret that is a pair.
    #[must_use]
    pub fn public_key(&self) -> Option<PublicKey> {
        self.pair().map(|pair| PublicKey(pair.verifying_key()))
    }
}

fn decode(text: &str, prefix: &'static str) -> Result<Zeroizing<Vec<u8>>, InvalidSecret> {
    let encoded = text.strip_prefix(prefix).ok_or(InvalidSecret::Prefix { prefix })?;
    STANDARD.decode(encoded).map(Zeroizing::new).map_err(|_| InvalidSecret::Encoding { prefix })
}

fn encode(prefix: &str, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(prefix.len() + bytes.len().div_ceil(3) * 4);
    text.push_str(prefix);
    STANDARD.encode_string(bytes, &mut text);
    text
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// In constant time.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && bool::from(self.key().ct_eq(other.key()))
    }
}

impl Eq for Secret {}

/// The half of a key pair that verifies. Not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads the text that `to_string` gives.
    ///
    /// # Errors
    /// When it is not a public key in that spelling.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let bytes = decode(text, PUBLIC_PREFIX)?;
        let bytes = <&[u8; SEED_BYTES]>::try_from(bytes.as_slice()).map_err(|_| InvalidSecret::Public)?;
        VerifyingKey::from_bytes(bytes).map(Self).map_err(|_| InvalidSecret::Public)
    }

    /// Whether a signature over a message is by this pair. Weak keys and malleable signatures are refused.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; PAIR_BYTES]) -> bool {
        self.0.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(PUBLIC_PREFIX, self.0.as_bytes()))
    }
}
