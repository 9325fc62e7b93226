//! API keys as they are stored: who may use one, and until when. The text of a key is in [`super::key`].

use super::id::KeyId;
use super::ip_list::IpList;
use super::rotation::RotationPolicy;
use super::tenant::Scope;
use super::time::Timestamp;

/// What a person may set of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// For people.
    pub name: String,
    /// What it may do.
    pub permissions: Vec<String>,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
    /// From where it works.
    pub ip_list: IpList,
    /// Requests an hour; the plan's where there is none.
    pub rate_limit: Option<u64>,
    /// When it should be replaced.
    pub rotation: Option<RotationPolicy>,
    /// Whether it works at all. Unlike revoking it, this can be undone.
    pub is_active: bool,
}

/// An API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its handle.
    pub id: KeyId,
    /// Whose rows it sees.
    pub scope: Scope,
    /// What a person may set.
    pub settings: KeySettings,
    /// Keyed hash of the key.
    pub hash: [u8; 32],
    /// What may be shown.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When a person stopped it, for good.
    pub revoked_at: Option<Timestamp>,
    /// When it was removed from the lists.
    pub deleted_at: Option<Timestamp>,
    /// The key that it was rotated to. Its expiry is the end of the overlap then.
    pub replaced_by: Option<KeyId>,
    /// When a request last used it, give or take the time that this is kept in memory.
    pub last_used_at: Option<Timestamp>,
    /// When its owner was told that it should be rotated.
    pub rotation_notified_at: Option<Timestamp>,
    /// Raised by each change.
    pub revision: i64,
}

/// What becomes of a request that shows a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is let in.
    Works,
    /// The key was stopped by a person: revoked, deleted, or set inactive.
    Stopped,
    /// The key's time is over.
    Expired(Timestamp),
}

impl ApiKey {
    /// Whether it works at an instant.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        if !self.is_active() || self.deleted_at.is_some() {
            return Standing::Stopped;
        }
        match self.settings.expires_at {
            Some(end) if end <= now => Standing::Expired(end),
            Some(_) | None => Standing::Works,
        }
    }

    /// Whether no person has stopped it, for now or for good.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.settings.is_active && self.revoked_at.is_none()
    }

    /// When its owner should be told to rotate it; `None` when there is nothing to tell.
    #[must_use]
    pub fn rotation_notice_at(&self, now: Timestamp) -> Option<Timestamp> {
        let is_open = self.standing(now) == Standing::Works && self.replaced_by.is_none();
        let policy = self.settings.rotation.filter(|_| is_open && self.rotation_notified_at.is_none())?;
        policy.notice_at(self.created_at)
    }
}
