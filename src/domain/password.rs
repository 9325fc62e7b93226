//! Passwords: argon2id, because people choose them, and what people choose can be guessed by who has the hashes.
//!
//! The cost is what OWASP asks for: 19 MiB of memory, two passes. It is written into each hash, so that it can be
//! raised without voiding any. Hashing takes tens of milliseconds of one core: callers bound how many run at once.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use secrecy::{ExposeSecret as _, SecretString};

/// The fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// The most bytes of a password.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// The characters of a drawn password.
pub const DRAWN_CHARS: usize = 24;
/// Random bytes in each hash.
pub const SALT_BYTES: usize = 16;

/// What drawn passwords are made of: no character that is taken for another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const HASH_BYTES: usize = 32;

/// A password that is long enough. Has no text but for hashing.
#[derive(Clone)]
pub struct Password(SecretString);

/// Why a text cannot be a password. Says nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have at least {PASSWORD_CHARS_MIN} characters and at most {PASSWORD_BYTES_MAX} bytes")]
pub struct InvalidPassword;

impl Password {
    /// A new password, as somebody chose it.
    ///
    /// # Errors
    /// When it is too short or too long.
    pub fn new(text: SecretString) -> Result<Self, InvalidPassword> {
        let fits = text.expose_secret().chars().count() >= PASSWORD_CHARS_MIN;
        if fits { Self::guess(text) } else { Err(InvalidPassword) }
    }

    /// A password that somebody signs in with. How short it may be has perhaps changed since it was chosen.
    ///
    /// # Errors
    /// When no password is that long.
    pub fn guess(text: SecretString) -> Result<Self, InvalidPassword> {
        if text.expose_secret().len() > PASSWORD_BYTES_MAX { Err(InvalidPassword) } else { Ok(Self(text)) }
    }

    /// What is stored. Slow. `None` when there is no memory for it.
    #[must_use]
    pub fn hash(&self, salt: [u8; SALT_BYTES]) -> Option<String> {
        let hash: PasswordHash = argon2().hash_password_with_salt(self.0.expose_secret().as_bytes(), &salt).ok()?;
        Some(hash.to_string())
    }

    /// Whether a stored hash is of this password. As slow as [`Self::hash`]; in constant time for one cost.
    #[must_use]
    pub fn matches(&self, hash: &str) -> bool {
        argon2().verify_password(self.0.expose_secret().as_bytes(), hash).is_ok()
    }
}

/// The text of a password of 120 random bits.
#[must_use]
pub fn draw(random: [u8; DRAWN_CHARS]) -> String {
    random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

fn argon2() -> Argon2<'static> {
    const PARAMS: Params = match Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)) {
        Ok(params) => params,
        Err(_) => panic!("the parameters are within the bounds of argon2"),
    };
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Result<Password, InvalidPassword> {
        Password::new(text.into())
    }

    #[test]
    fn a_password_is_long_enough_and_bounded() {
        assert!(password("elevenchars").is_err() && password("twelve chars").is_ok());
        // Characters, not bytes; and bytes, not characters.
        assert!(password(&"é".repeat(11)).is_err() && password(&"é".repeat(128)).is_ok());
        assert!(password(&"é".repeat(129)).is_err());
    }

    #[test]
    fn drawn_passwords_are_passwords_and_differ() {
        assert!(password(&draw([7; DRAWN_CHARS])).is_ok());
        assert_ne!(draw([7; DRAWN_CHARS]), draw([8; DRAWN_CHARS]));
        assert_eq!(ALPHABET.iter().collect::<std::collections::BTreeSet<_>>().len(), 32);
    }

    #[test]
    fn a_hash_is_of_one_password_and_says_its_cost() {
        let right = password("correct horse battery").unwrap();
        let hash = right.hash([7; SALT_BYTES]).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(right.matches(&hash));
        assert!(!password("correct horse batterz").unwrap().matches(&hash));
        assert!(!right.matches("") && !right.matches("$argon2id$nonsense"));
        assert_ne!(right.hash([8; SALT_BYTES]).unwrap(), hash);
    }

    #[test]
    fn nothing_prints_a_password() {
        assert_eq!(format!("{:?}", password("correct horse battery").unwrap()), "Password(…)");
    }
}
