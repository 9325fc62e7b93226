//! Signing secrets, and the master keys that they are sealed with at rest.
//!
//! A secret leaves the system in one spelling, `whsec_` and padded standard base64, because receiver libraries disagree
//! about every other one. It is stored sealed: XChaCha20-Poly1305 under a master key, bound to its tenant and webhook,
//! so that a row that is copied to another webhook does not open there.
//!
//! Master keys rotate by adding one in front: new seals use the first, old ones still open, and
//! [`MasterKeys::is_current`] finds what is left to seal again. One thing must outlive that rotation: the hashes of API
//! keys, whose text nobody has any more. So keys for other purposes are derived from the *root*, the master key with
//! the lowest id, which stays listed for good. That costs nothing even if the root leaks: an API key is 192 random
//! bits, so its hash resists guessing without any help from the pepper, and sealed secrets move on to a newer key.
//! Losing the root by accident would void every API key; [`MasterKeys::root_fingerprint`] lets the deployment notice
//! before it happens.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretBox, SecretSlice};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use uuid::Uuid;

use super::id::{TenantId, WebhookId};

/// What every secret's text starts with.
pub const SECRET_PREFIX: &str = "whsec_";
/// The fewest bytes in a signing key.
pub const SECRET_BYTES_MIN: usize = 24;
/// The most bytes in a signing key.
pub const SECRET_BYTES_MAX: usize = 64;
/// The most master keys that can be listed.
pub const MASTER_KEYS_MAX: usize = 16;

const MASTER_KEY_BYTES: usize = 32;
const SEAL_VERSION: u8 = 1;
const SEAL_PURPOSE: &[u8] = b"angarium/webhook-secret";
const ANSWER_PURPOSE: &[u8] = b"angarium/answer";
const NONCE_BYTES: usize = 24;
/// The version, the master key's id, the nonce.
const SEAL_HEADER_BYTES: usize = 2 + NONCE_BYTES;

/// The key that a webhook's requests are signed with. Wiped from memory when dropped; has no text but [`Self::reveal`].
#[derive(Clone)]
pub struct Secret(SecretSlice<u8>);

/// Why a text is not a secret. Says nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecret {
    /// Without the prefix.
    #[error("must start with `{SECRET_PREFIX}`")]
    Prefix,
    /// Not base64 after the prefix.
    #[error("must be standard base64 with padding after `{SECRET_PREFIX}`")]
    Encoding,
    /// Too short to be safe, or longer than receivers take.
    #[error("must decode to {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes, not {bytes}")]
    Length {
        /// How many bytes it decodes to.
        bytes: usize,
    },
}

impl Secret {
    /// A new secret of 32 random bytes.
    #[must_use]
    pub fn generate(random: [u8; 32]) -> Self {
        let random = Zeroizing::new(random);
        Self(random.to_vec().into())
    }

    /// Takes the bytes of a key.
    ///
    /// # Errors
    /// When there are too few or too many of them.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, InvalidSecret> {
        let key = SecretSlice::from(bytes);
        let bytes = key.expose_secret().len();
        if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes) {
            return Err(InvalidSecret::Length { bytes });
        }
        Ok(Self(key))
    }

    /// Reads the text that [`Self::reveal`] gives.
    ///
    /// # Errors
    /// When the text is not in that one spelling, or the key has a wrong length.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(InvalidSecret::Prefix)?;
        Self::from_bytes(STANDARD.decode(encoded).map_err(|_| InvalidSecret::Encoding)?)
    }

    /// The text for its owner. Shown once, never logged, never stored.
    #[must_use]
    pub fn reveal(&self) -> String {
        let mut text = String::with_capacity(SECRET_PREFIX.len() + SECRET_BYTES_MAX.div_ceil(3) * 4);
        text.push_str(SECRET_PREFIX);
        STANDARD.encode_string(self.key(), &mut text);
        text
    }

    /// The key itself, to sign with or to seal.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// In constant time.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.key().ct_eq(other.key()).into()
    }
}

impl Eq for Secret {}

/// The keys of the deployment: the current one first. See the module's text for rotation and for the root.
pub struct MasterKeys(Vec<MasterKey>);

struct MasterKey {
    id: u8,
    key: SecretBox<[u8; MASTER_KEY_BYTES]>,
}

/// Why a text does not list master keys. Says nothing of the keys themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMasterKeys {
    /// None, or too many.
    #[error("must list 1 to {MASTER_KEYS_MAX} keys, the current one first")]
    Count,
    /// An entry is not a number, a colon and base64.
    #[error("entry {entry} must be a number from 1 to 255, a colon, and 32 bytes in standard base64")]
    Entry {
        /// Which one, from 1.
        entry: usize,
    },
    /// Two entries have the same number.
    #[error("key number {id} is listed twice")]
    Twice {
        /// The number.
        id: u8,
    },
}

/// Why a sealed secret does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Cut short, or of a version that this program does not know.
    #[error("is not a sealed secret of a known version")]
    Malformed,
    /// Sealed with a master key that is not listed any more.
    #[error("was sealed with master key {id}, which is not configured")]
    UnknownKey {
        /// The key's number.
        id: u8,
    },
    /// Changed, or moved from another tenant or webhook.
    #[error("does not open: it was changed, or belongs to another tenant or webhook, or the master key is a wrong one")]
    Refused,
}

impl MasterKeys {
    /// Reads `2:base64,1:base64`: numbered keys of 32 bytes, the current one first.
    ///
    /// # Errors
    /// When an entry is malformed or repeated, or there is none.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterKeys> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for (index, entry) in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).enumerate() {
            let key = MasterKey::parse(entry).ok_or(InvalidMasterKeys::Entry { entry: index + 1 })?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(InvalidMasterKeys::Twice { id: key.id });
            }
            keys.push(key);
        }
        if (1..=MASTER_KEYS_MAX).contains(&keys.len()) { Ok(Self(keys)) } else { Err(InvalidMasterKeys::Count) }
    }

    /// Encrypts with the current key, for this tenant and webhook only. A nonce must never be used twice: pass 24
    /// fresh random bytes.
    #[must_use]
    pub fn seal(&self, tenant: TenantId, webhook: WebhookId, plaintext: &[u8], nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
        self.seal_for([tenant.0, webhook.0], SEAL_PURPOSE, plaintext, nonce)
    }

    /// Encrypts an answer that is kept to be given again, for this caller only. The nonce as for [`Self::seal`].
    #[must_use]
    pub fn seal_answer(&self, owner: Uuid, plaintext: &[u8], nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
        self.seal_for([owner, Uuid::nil()], ANSWER_PURPOSE, plaintext, nonce)
    }

    fn seal_for(&self, of: [Uuid; 2], purpose: &[u8], plaintext: &[u8], nonce: [u8; NONCE_BYTES]) -> Vec<u8> {
        let current = &self.0[0];
        let aad = associated_data(current.id, of, purpose);
        let payload = Payload { msg: plaintext, aad: &aad };
        let ciphertext = current.cipher().encrypt(&XNonce::from(nonce), payload);
        let ciphertext = ciphertext.expect("only a plaintext of more than 256 GiB is refused");
        let mut sealed = Vec::with_capacity(SEAL_HEADER_BYTES + ciphertext.len());
        sealed.extend_from_slice(&[SEAL_VERSION, current.id]);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        sealed
    }

    /// Decrypts what [`Self::seal`] made for the same tenant and webhook.
    ///
    /// # Errors
    /// When it is malformed, changed, another's, or its master key is not listed.
    pub fn open(&self, tenant: TenantId, webhook: WebhookId, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.open_for([tenant.0, webhook.0], SEAL_PURPOSE, sealed)
    }

    /// Decrypts what [`Self::seal_answer`] made for the same caller.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_answer(&self, owner: Uuid, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.open_for([owner, Uuid::nil()], ANSWER_PURPOSE, sealed)
    }

    fn open_for(&self, of: [Uuid; 2], purpose: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (header, ciphertext) = sealed.split_first_chunk::<SEAL_HEADER_BYTES>().ok_or(SealError::Malformed)?;
        let [SEAL_VERSION, id, nonce @ ..] = *header else { return Err(SealError::Malformed) };
        let key = self.0.iter().find(|key| key.id == id).ok_or(SealError::UnknownKey { id })?;
        let aad = associated_data(id, of, purpose);
        let payload = Payload { msg: ciphertext, aad: &aad };
        key.cipher().decrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Refused)
    }

    /// Whether something is sealed with the current key; if not, it should be sealed again.
    #[must_use]
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        matches!(sealed, [SEAL_VERSION, id, ..] if *id == self.0[0].id)
    }

    /// A key for another purpose, named by the label. It comes from the root, so rotation does not change it.
    #[must_use]
    pub fn derive(&self, label: &[u8]) -> [u8; 32] {
        let root = self.0.iter().min_by_key(|key| key.id).expect("there is at least one key");
        let mac = Hmac::<Sha256>::new_from_slice(root.key.expose_secret());
        let mac = mac.expect("HMAC takes keys of any length");
        mac.chain_update(b"angarium/derive/").chain_update(label).finalize().into_bytes().into()
    }

    /// Names the root without telling it. A deployment that remembers this can refuse to start with another root.
    #[must_use]
    pub fn root_fingerprint(&self) -> [u8; 8] {
        let mut fingerprint = [0; 8];
        fingerprint.copy_from_slice(&self.derive(b"root-fingerprint")[..8]);
        fingerprint
    }
}

impl MasterKey {
    fn parse(entry: &str) -> Option<Self> {
        let (id, encoded) = entry.split_once(':')?;
        let id = id.parse().ok().filter(|id| *id != 0)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).ok()?);
        let key = SecretBox::new(Box::new(<[u8; MASTER_KEY_BYTES]>::try_from(bytes.as_slice()).ok()?));
        Some(Self { id, key })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.key.expose_secret().into())
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKeys({} keys)", self.0.len())
    }
}

/// All parts but the last have a fixed length, so no two lists of parts give the same bytes.
fn associated_data(key_id: u8, of: [Uuid; 2], purpose: &[u8]) -> Vec<u8> {
    [&[SEAL_VERSION, key_id][..], of[0].as_bytes(), of[1].as_bytes(), purpose].concat()
}

#[cfg(test)]
mod tests;
