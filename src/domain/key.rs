//! API keys: `sk_live_` or `sk_test_`, 39 characters of base32 for 192 random bits, and 6 characters of checksum.
//!
//! The checksum is the first 30 bits of the SHA-256 of all before it. It proves nothing to an attacker; it lets a
//! mistyped or cut key be told from a revoked one without asking the database, and lets scanners for leaked keys know
//! a real one when they see it.
//!
//! A key is stored as HMAC-SHA256 under a pepper that only the deployment has. A slow password hash would buy nothing:
//! there are 192 random bits to guess, and every request would pay for it.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::tenant::Environment;

const LIVE_PREFIX: &str = "sk_live_";
const TEST_PREFIX: &str = "sk_test_";
const PREFIX_CHARS: usize = 8;
const RANDOM_BYTES: usize = 24;
const RANDOM_CHARS: usize = (RANDOM_BYTES * 8).div_ceil(5);
const CHECKSUM_CHARS: usize = 6;
/// How many characters every key has.
pub const KEY_CHARS: usize = PREFIX_CHARS + RANDOM_CHARS + CHECKSUM_CHARS;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The text of an API key, checked. Shown once when it is made, and otherwise only ever hashed.
#[derive(Clone)]
pub struct ApiKeyText {
    environment: Environment,
    text: SecretString,
}

/// What only the deployment has, ready to hash with: every request hashes its key.
#[derive(Clone)]
pub struct Pepper(Hmac<Sha256>);

impl Pepper {
    /// From the bytes that were derived for it.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(bytes).expect("HMAC takes keys of any length"))
    }
}

/// Why a text is not an API key. Says nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidApiKey {
    /// Not of the form of a key.
    #[error("must be `{LIVE_PREFIX}` or `{TEST_PREFIX}` and 45 lower-case letters and digits")]
    Malformed,
    /// Of the form, but the end does not fit the rest: mistyped or cut.
    #[error("was mistyped: its last {CHECKSUM_CHARS} characters do not fit the rest")]
    Checksum,
}

impl ApiKeyText {
    /// A new key of 192 random bits.
    #[must_use]
    pub fn generate(environment: Environment, random: [u8; RANDOM_BYTES]) -> Self {
        let random = Zeroizing::new(random);
        let mut text = String::with_capacity(KEY_CHARS);
        text.push_str(prefix(environment));
        push_base32(&random[..], RANDOM_CHARS, &mut text);
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self { environment, text: text.into() }
    }

    /// Reads a key as a client sends it.
    ///
    /// # Errors
    /// When it cannot be a key; no database needs to be asked then.
    pub fn parse(text: &str) -> Result<Self, InvalidApiKey> {
        let (environment, rest) = [Environment::Production, Environment::Staging]
            .into_iter()
            .find_map(|environment| Some((environment, text.strip_prefix(prefix(environment))?)))
            .ok_or(InvalidApiKey::Malformed)?;
        if rest.len() != KEY_CHARS - PREFIX_CHARS || !rest.bytes().all(is_digit) {
            return Err(InvalidApiKey::Malformed);
        }
        let (body, end) = text.split_at(KEY_CHARS - CHECKSUM_CHARS);
        if checksum(body) != end {
            return Err(InvalidApiKey::Checksum);
        }
        Ok(Self { environment, text: text.into() })
    }

    /// Where the key belongs.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// The text, for its owner. Never logged, never stored.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.text.expose_secret()
    }

    /// What is stored, and looked up.
    #[must_use]
    pub fn hash(&self, pepper: &Pepper) -> [u8; 32] {
        pepper.0.clone().chain_update(self.reveal()).finalize().into_bytes().into()
    }

    /// What people tell keys apart by: `sk_live_k3m9…x7q2`. At least 152 of the random bits stay unknown.
    #[must_use]
    pub fn hint(&self) -> String {
        let text = self.reveal();
        format!("{}…{}", &text[..PREFIX_CHARS + 4], &text[KEY_CHARS - 4..])
    }
}

impl fmt::Debug for ApiKeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeyText({}…)", prefix(self.environment))
    }
}

/// Of [`ALPHABET`].
const fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z') && !matches!(byte, b'i' | b'l' | b'o' | b'u')
}

const fn prefix(environment: Environment) -> &'static str {
    match environment {
        Environment::Production => LIVE_PREFIX,
        Environment::Staging => TEST_PREFIX,
    }
}

fn checksum(body: &str) -> String {
    let mut text = String::with_capacity(CHECKSUM_CHARS);
    push_base32(&Sha256::digest(body), CHECKSUM_CHARS, &mut text);
    text
}

/// The first `chars` digits of the bytes, read as one big-endian number with zeros after it.
fn push_base32(bytes: &[u8], chars: usize, out: &mut String) {
    for index in 0..chars {
        let (byte, bit) = (5 * index / 8, 5 * index % 8);
        let at = |byte: usize| u16::from(bytes.get(byte).copied().unwrap_or(0));
        let window = at(byte) << 8 | at(byte + 1);
        out.push(char::from(ALPHABET[usize::from(window >> (11 - bit) & 31)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(environment: Environment) -> ApiKeyText {
        ApiKeyText::generate(environment, [0xA5; RANDOM_BYTES])
    }

    #[test]
    fn keys_look_as_documented() {
        let live = key(Environment::Production);
        assert_eq!(live.reveal(), "sk_live_mpjtb9d5mpjtb9d5mpjtb9d5mpjtb9d5mpjtb98e9dgpa");
        assert_eq!(live.reveal().len(), KEY_CHARS);
        assert!(key(Environment::Staging).reveal().starts_with("sk_test_"));
        assert_eq!(live.hint().chars().count(), PREFIX_CHARS + 9);
        assert!(live.reveal().starts_with(live.hint().split('…').next().unwrap()));
    }

    #[test]
    fn the_environment_is_part_of_the_checksum() {
        let swapped = key(Environment::Staging).reveal().replace("sk_test_", "sk_live_");
        assert_eq!(ApiKeyText::parse(&swapped).unwrap_err(), InvalidApiKey::Checksum);
    }

    #[test]
    fn what_is_no_key_is_refused_at_once() {
        let good = key(Environment::Production).reveal().to_owned();
        for text in [
            "",
            "sk_live_",
            &good[1..],
            &good[..KEY_CHARS - 1],
            &format!("{good} "),
            &good.to_uppercase(),
            &good.replace("live", "prod"),
            &good.replace('m', "é"),
        ] {
            assert_eq!(ApiKeyText::parse(text).unwrap_err(), InvalidApiKey::Malformed, "{text}");
        }
    }

    #[test]
    fn the_hash_depends_on_key_and_pepper() {
        let (live, test) = (key(Environment::Production), key(Environment::Staging));
        assert_eq!(
            live.hash(&Pepper::new(&[1; 32])),
            ApiKeyText::parse(live.reveal()).unwrap().hash(&Pepper::new(&[1; 32]))
        );
        assert_ne!(live.hash(&Pepper::new(&[1; 32])), live.hash(&Pepper::new(&[2; 32])));
        assert_ne!(live.hash(&Pepper::new(&[1; 32])), test.hash(&Pepper::new(&[1; 32])));
    }

    #[test]
    fn nothing_prints_a_key() {
        assert_eq!(format!("{:?}", key(Environment::Production)), "ApiKeyText(sk_live_…)");
    }

    proptest! {
        #[test]
        fn text_round_trips_and_differs_by_its_bits(random: [u8; RANDOM_BYTES], bit in 0..RANDOM_BYTES * 8) {
            let key = ApiKeyText::generate(Environment::Production, random);
            let parsed = ApiKeyText::parse(key.reveal()).unwrap();
            prop_assert_eq!(parsed.reveal(), key.reveal());
            prop_assert_eq!(parsed.environment(), Environment::Production);
            let mut other = random;
            other[bit / 8] ^= 1 << (bit % 8);
            let other = ApiKeyText::generate(Environment::Production, other);
            prop_assert_ne!(&other.reveal()[..KEY_CHARS - CHECKSUM_CHARS], &key.reveal()[..KEY_CHARS - CHECKSUM_CHARS]);
        }

        #[test]
        fn one_wrong_character_is_noticed(
            random: [u8; RANDOM_BYTES], at in PREFIX_CHARS..KEY_CHARS, digit in 0..32usize,
        ) {
            let key = ApiKeyText::generate(Environment::Staging, random);
            let mut text = key.reveal().as_bytes().to_vec();
            let changed = text[at] != ALPHABET[digit];
            text[at] = ALPHABET[digit];
            let parsed = ApiKeyText::parse(std::str::from_utf8(&text).unwrap());
            prop_assert_eq!(parsed.is_err(), changed);
        }

        #[test]
        fn garbage_never_panics(text in "\\PC{0,60}|sk_live_\\PC{0,60}|sk_test_[0-9a-z]{45}") {
            prop_assert!(ApiKeyText::parse(&text).is_err());
        }
    }
}
