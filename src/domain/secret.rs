//! Signing secrets, and the master keys that they are sealed with at rest.
//!
//! A secret is stored sealed: XChaCha20-Poly1305 under a master key, bound to its tenant and webhook, so that a row that
//! is copied to another webhook does not open there.
//!
//! Master keys rotate by adding one in front: new seals use the first, old ones still open, and
//! [`MasterKeys::is_current`] finds what is left to seal again. One thing must outlive that rotation: the hashes of API
//! keys, whose text nobody has any more. So keys for other purposes are derived from the *root*, the master key with
//! the lowest id, which stays listed for good. That costs nothing even if the root leaks: an API key is 192 random
//! bits, so its hash resists guessing without any help from the pepper, and sealed secrets move on to a newer key.
//! Losing the root by accident would void every API key; [`MasterKeys::root_fingerprint`] lets the deployment notice
//! before it happens.

mod signing;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::Sha256;

use uuid::Uuid;

pub use self::signing::{
    InvalidSecret, PAIR_PREFIX, PUBLIC_PREFIX, PublicKey, SECRET_BYTES_MAX, SECRET_BYTES_MIN, SECRET_PREFIX, Secret,
    SecretKind, TEXT_CHARS_MAX, TEXT_CHARS_MIN,
};
use super::id::{TenantId, WebhookId};

/// The most master keys that can be listed.
pub const MASTER_KEYS_MAX: usize = 16;

const MASTER_KEY_BYTES: usize = 32;
const SEAL_VERSION: u8 = 1;
const SEAL_PURPOSE: &[u8] = b"angarium/webhook-secret";
const ANSWER_PURPOSE: &[u8] = b"angarium/answer";
const NONCE_BYTES: usize = 24;
/// The version, the master key's id, the nonce.
const SEAL_HEADER_BYTES: usize = 2 + NONCE_BYTES;

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
