//! Tenants and API keys.

use std::time::Duration;

use serde_json::json;

use super::Engine;
use super::audit::{Action, made, of_key};
use crate::chance;
use crate::domain::api_key::{ApiKey, KeySettings};
use crate::domain::audit::changes;
use crate::domain::id::{KeyId, TenantId};
use crate::domain::ip_list::IpList;
use crate::domain::key::ApiKeyText;
use crate::domain::mail::MailKind;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::keys::KeyWritten;
use crate::store::tenants::Tenant;

/// The longest that a key goes on working after it was rotated.
pub const KEY_OVERLAP_MAX: Duration = Duration::from_hours(7 * 24);
/// Keys of one tenant.
pub const KEYS_MAX: u32 = 1_000;
/// How often a change is tried again because another came between.
const CHANGE_TRIES: usize = 5;

/// Why a key was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The tenant has none of that id.
    #[error("there is no such API key")]
    NotFound,
    /// Another key of the environment has the name.
    #[error("another API key has this name")]
    NameTaken,
    /// The tenant has as many as it may.
    #[error("there are as many API keys as there may be: {KEYS_MAX}")]
    TooMany,
    /// A key in this state cannot be changed so.
    #[error("the API key {0}")]
    State(&'static str),
    /// Others keep changing it.
    #[error("the API key keeps changing")]
    Changed,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// The tenant of a name; made where there is none.
    pub async fn ensure_tenant(&self, name: &str, plan: &str) -> Result<Tenant, StoreError> {
        if let Some(tenant) = self.store.tenant_by_name(name).await? {
            return Ok(tenant);
        }
        let now = self.clock.now();
        let tenant = Tenant { id: TenantId::new(now, chance::id_tail()), name: name.to_owned(), plan: plan.to_owned() };
        let line = self.line(Some(tenant.id), Action::TenantCreate, tenant.id, json!({ "name": name, "plan": plan }));
        match self.store.insert_tenant(&tenant, now, line.as_ref()).await {
            Ok(()) => Ok(tenant),
            // Another process made it just now.
            Err(StoreError::Conflict(what)) => self.store.tenant_by_name(name).await?.ok_or(StoreError::Conflict(what)),
            Err(error) => Err(error),
        }
    }

    /// Puts a tenant on a plan; false if there is no such tenant.
    pub async fn set_plan(&self, tenant: &str, plan: &str) -> Result<bool, StoreError> {
        let Some(before) = self.store.tenant_by_name(tenant).await? else { return Ok(false) };
        let told = json!({ "plan": { "old": before.plan, "new": plan } });
        let line = self.line(Some(before.id), Action::TenantSetPlan, before.id, told);
        let changed = self.store.set_plan(tenant, plan, line.as_ref()).await?;
        self.refresh_directory().await?;
        Ok(changed)
    }

    /// Makes an API key that nothing else limits, whatever other key has its name. Its text is returned here and never
    /// again.
    pub async fn create_key(
        &self,
        scope: Scope,
        name: &str,
        permissions: Vec<String>,
        expires_at: Option<Timestamp>,
    ) -> Result<(ApiKey, ApiKeyText), StoreError> {
        let settings = KeySettings {
            name: name.to_owned(),
            permissions,
            expires_at,
            ip_list: IpList::default(),
            rate_limit: None,
            rotation: None,
            is_active: true,
        };
        let (key, text) = self.new_key(scope, settings);
        let line = self.line(scope, Action::KeyCreate, key.id, made(&of_key(&key)));
        self.store.insert_key(&key, line.as_ref()).await?;
        self.refresh_directory().await?;
        Ok((key, text))
    }

    /// Makes an API key under a name that no other has. Its text is returned here and never again.
    pub async fn create_named_key(
        &self,
        scope: Scope,
        settings: KeySettings,
    ) -> Result<(ApiKey, ApiKeyText), KeyError> {
        let (key, text) = self.new_key(scope, settings);
        let line = self.line(scope, Action::KeyCreate, key.id, made(&of_key(&key)));
        written(self.store.insert_named_key(&key, KEYS_MAX, line.as_ref()).await?)?;
        self.refresh_directory().await?;
        Ok((key, text))
    }

    fn new_key(&self, scope: Scope, settings: KeySettings) -> (ApiKey, ApiKeyText) {
        let now = self.clock.now();
        let text = ApiKeyText::generate(scope.environment, chance::bytes());
        let key = ApiKey {
            id: KeyId::new(now, chance::id_tail()),
            scope,
            settings,
            hash: text.hash(&self.key_pepper),
            hint: text.hint(),
            created_at: now,
            updated_at: now,
            revoked_at: None,
            deleted_at: None,
            replaced_by: None,
            last_used_at: None,
            rotation_notified_at: None,
            revision: 0,
        };
        (key, text)
    }

    /// One key of a tenant.
    pub async fn key(&self, tenant: TenantId, id: KeyId) -> Result<ApiKey, KeyError> {
        self.store.key(tenant, id).await?.ok_or(KeyError::NotFound)
    }

    /// Changes what a person may set of a key.
    pub async fn update_key<E: From<KeyError>>(
        &self,
        tenant: TenantId,
        id: KeyId,
        edit: impl Fn(&KeySettings) -> Result<KeySettings, E>,
    ) -> Result<ApiKey, E> {
        self.change_key(tenant, id, Some(Action::KeyUpdate), |key, now| {
            if key.revoked_at.is_some() {
                return Err(KeyError::State("was revoked, which cannot be undone: make another").into());
            }
            if key.replaced_by.is_some() {
                return Err(KeyError::State("was rotated: change the one that replaced it").into());
            }
            let settings = edit(&key.settings)?;
            if settings.rotation != key.settings.rotation {
                key.rotation_notified_at = None;
            }
            key.settings = settings;
            key.updated_at = now;
            Ok(())
        })
        .await
    }

    /// Stops a key for good; false if there is none that works.
    pub async fn revoke_key(&self, tenant: TenantId, id: KeyId) -> Result<bool, StoreError> {
        let revoked = self
            .change_key(tenant, id, Some(Action::KeyRevoke), |key, now| {
                if key.revoked_at.is_some() {
                    return Err(KeyError::State("was revoked already"));
                }
                key.revoked_at = Some(now);
                key.updated_at = now;
                Ok(())
            })
            .await;
        match revoked {
            Ok(_) => Ok(true),
            Err(KeyError::Store(error)) => Err(error),
            Err(KeyError::Changed) => Err(StoreError::Contended),
            Err(KeyError::NotFound | KeyError::NameTaken | KeyError::TooMany | KeyError::State(_)) => Ok(false),
        }
    }

    /// Stops a key for good, and shows it no more.
    pub async fn delete_key(&self, tenant: TenantId, id: KeyId) -> Result<(), KeyError> {
        let deleted = self.change_key(tenant, id, Some(Action::KeyDelete), |key, now| {
            key.deleted_at = Some(now);
            key.updated_at = now;
            Ok::<_, KeyError>(())
        });
        deleted.await.map(drop)
    }

    /// Replaces a key by one with the same settings, whose text is returned here and never again. The old one works on
    /// for the overlap, and never longer than it would have.
    pub async fn rotate_key(
        &self,
        tenant: TenantId,
        id: KeyId,
        overlap: Duration,
    ) -> Result<(ApiKey, ApiKeyText, Timestamp), KeyError> {
        for _ in 0..CHANGE_TRIES {
            let mut old = self.key(tenant, id).await?;
            let now = self.clock.now();
            can_be_rotated(&old, now)?;
            let (new, text) = self.new_key(old.scope, old.settings.clone());
            let end = now.after(overlap.min(KEY_OVERLAP_MAX));
            let end = old.settings.expires_at.map_or(end, |expires_at| expires_at.min(end));
            old.settings.expires_at = Some(end);
            old.replaced_by = Some(new.id);
            old.updated_at = now;
            let told = json!({ "replacedBy": new.id, "oldWorksUntil": end });
            let line = self.line(old.scope, Action::KeyRotate, id, told);
            match self.store.replace_key(&old, &new, line.as_ref()).await? {
                KeyWritten::Changed => {}
                done @ (KeyWritten::Done | KeyWritten::NameTaken | KeyWritten::TooMany) => {
                    written(done)?;
                    self.refresh_directory().await?;
                    return Ok((new, text, end));
                }
            }
        }
        Err(KeyError::Changed)
    }

    /// Reads, edits and writes back; anew when another change came between. For a person's change the edit sets
    /// `updated_at`.
    async fn change_key<E: From<KeyError>>(
        &self,
        tenant: TenantId,
        id: KeyId,
        action: Option<Action>,
        edit: impl Fn(&mut ApiKey, Timestamp) -> Result<(), E>,
    ) -> Result<ApiKey, E> {
        for _ in 0..CHANGE_TRIES {
            let mut key = self.key(tenant, id).await?;
            let now = self.clock.now();
            let before = of_key(&key);
            edit(&mut key, now)?;
            let told = changes(&before, &of_key(&key));
            let line = action.and_then(|action| self.line(key.scope, action, id, told));
            match self.store.update_key(&key, line.as_ref()).await.map_err(KeyError::from)? {
                KeyWritten::Changed => {}
                done @ (KeyWritten::Done | KeyWritten::NameTaken | KeyWritten::TooMany) => {
                    written(done)?;
                    self.refresh_directory().await.map_err(KeyError::from)?;
                    return Ok(key);
                }
            }
        }
        Err(KeyError::Changed.into())
    }

    /// Tells the owners of keys that should be rotated soon, once for each key.
    pub async fn notify_rotations(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let keys = self.refresh_directory().await?;
        for key in keys.keys().filter(|key| key.rotation_notice_at(now).is_some_and(|at| at <= now)) {
            let (tenant, id) = (key.scope.tenant, key.id);
            let marked = self
                .change_key(tenant, id, None, |key, now| match key.rotation_notified_at.replace(now) {
                    None => Ok(()),
                    Some(_) => Err(KeyError::State("was talked of already")),
                })
                .await;
            match marked {
                Ok(key) => self.notice_rotation(&key).await,
                Err(KeyError::Store(error)) => return Err(error),
                // Deleted, changed or told of meanwhile: the next turn looks again.
                Err(
                    KeyError::NotFound
                    | KeyError::NameTaken
                    | KeyError::TooMany
                    | KeyError::State(_)
                    | KeyError::Changed,
                ) => {}
            }
        }
        Ok(())
    }

    async fn notice_rotation(&self, key: &ApiKey) {
        let ApiKey { id, scope, settings, hint, created_at, .. } = key;
        let Some(policy) = settings.rotation else { return };
        let data = json!({
            "keyId": id, "name": settings.name, "keyPrefix": hint, "createdAt": created_at,
            "intervalDays": policy.interval_days, "dueAt": policy.due_at(*created_at),
        });
        self.notice(*scope, "api_key.rotation_due", &data, Some((MailKind::Rotation, &data))).await;
    }
}

fn can_be_rotated(key: &ApiKey, now: Timestamp) -> Result<(), KeyError> {
    use crate::domain::api_key::Standing;
    if key.replaced_by.is_some() {
        return Err(KeyError::State("was rotated already: rotate the one that replaced it"));
    }
    match key.standing(now) {
        Standing::Works => Ok(()),
        Standing::Stopped => Err(KeyError::State("is not active: only a key that works can be rotated")),
        Standing::Expired(_) => Err(KeyError::State("has expired: only a key that works can be rotated")),
    }
}

fn written(written: KeyWritten) -> Result<(), KeyError> {
    match written {
        KeyWritten::Done => Ok(()),
        KeyWritten::NameTaken => Err(KeyError::NameTaken),
        KeyWritten::TooMany => Err(KeyError::TooMany),
        KeyWritten::Changed => Err(KeyError::Changed),
    }
}
