//! What every process knows by heart: tenants, keys, own event types, and webhooks with their signing keys.
//!
//! The copy is read without waiting and replaced whole. Each change in the database raises a revision; an accept
//! compares it inside its transaction, so an event never misses a webhook that was there before it. Everything else
//! looks at least once a second ([`Engine::refresh_directory`]).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use super::Engine;
use crate::domain::catalogue::OwnType;
use crate::domain::event::EventType;
use crate::domain::id::{TenantId, WebhookId};
use crate::domain::key::ApiKeyText;
use crate::domain::secret::Secret;
use crate::domain::signature::SigningKey;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::domain::webhook::Webhook;
use crate::store::StoreError;
use crate::store::keys::ApiKey;
use crate::store::tenants::Tenant;
use crate::store::webhooks::SealedSecret;

/// What keys of API keys' hashes are derived under.
pub(super) const KEY_PEPPER_LABEL: &[u8] = b"api-key-hash";

/// The most keys that sign a request, however often the secret was rotated: headers do not grow without end.
pub const SIGNING_KEYS_MAX: usize = 10;

/// A webhook, ready to match and to sign.
pub struct Listener {
    /// As stored.
    pub webhook: Webhook,
    /// Newest first; each with the instant at which it stops signing.
    pub signing_keys: Vec<(SigningKey, Option<Timestamp>)>,
}

impl Listener {
    /// The keys that sign at an instant, newest first.
    pub fn keys_at(&self, now: Timestamp) -> Vec<&SigningKey> {
        let valid = self.signing_keys.iter().filter(|(_, until)| until.is_none_or(|until| until > now));
        valid.map(|(key, _)| key).take(SIGNING_KEYS_MAX).collect()
    }
}

/// One consistent copy.
#[derive(Default)]
pub struct Snapshot {
    revision: i64,
    tenants: HashMap<TenantId, Arc<Tenant>>,
    keys: HashMap<[u8; 32], Arc<ApiKey>>,
    listeners: HashMap<WebhookId, Arc<Listener>>,
    by_scope: HashMap<Scope, OfScope>,
    event_types: HashMap<Scope, BTreeMap<EventType, Arc<OwnType>>>,
}

/// The webhooks of a scope that take events.
#[derive(Default, Clone)]
struct OfScope {
    listeners: Vec<Arc<Listener>>,
    has_filters: bool,
    has_order: bool,
}

impl Snapshot {
    /// The revision that it was read at.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// A tenant.
    pub fn tenant(&self, id: TenantId) -> Option<&Arc<Tenant>> {
        self.tenants.get(&id)
    }

    /// Every tenant.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.tenants.values()
    }

    /// The tenant of a name.
    pub fn tenant_named(&self, name: &str) -> Option<&Arc<Tenant>> {
        self.tenants.values().find(|tenant| tenant.name == name)
    }

    /// Every API key, whether it works or not.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<ApiKey>> {
        self.keys.values()
    }

    /// A webhook, deleted ones included.
    pub fn listener(&self, id: WebhookId) -> Option<&Arc<Listener>> {
        self.listeners.get(&id)
    }

    /// Every webhook, deleted ones included.
    pub fn listeners(&self) -> impl Iterator<Item = &Arc<Listener>> {
        self.listeners.values()
    }

    /// The webhooks of a scope that take events.
    pub fn listeners_of(&self, scope: Scope) -> &[Arc<Listener>] {
        self.by_scope.get(&scope).map_or(&[], |of_scope| of_scope.listeners.as_slice())
    }

    /// The own event types of a scope, by name.
    pub fn event_types(&self, scope: Scope) -> impl Iterator<Item = &Arc<OwnType>> {
        self.event_types.get(&scope).into_iter().flat_map(BTreeMap::values)
    }

    /// One of them.
    pub fn event_type(&self, scope: Scope, name: &EventType) -> Option<&Arc<OwnType>> {
        self.event_types.get(&scope)?.get(name)
    }

    /// Whether one of them keeps an order.
    pub fn has_order(&self, scope: Scope) -> bool {
        self.by_scope.get(&scope).is_some_and(|of_scope| of_scope.has_order)
    }

    /// Whether one of them looks at the data of events.
    pub fn has_filters(&self, scope: Scope) -> bool {
        self.by_scope.get(&scope).is_some_and(|of_scope| of_scope.has_filters)
    }
}

/// Holds the current copy.
#[derive(Default)]
pub struct Directory {
    current: RwLock<Arc<Snapshot>>,
    refreshing: tokio::sync::Mutex<()>,
}

impl Directory {
    /// The current copy.
    pub fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, snapshot: Snapshot) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }
}

impl Engine {
    /// Reads what has changed since the current copy.
    pub async fn refresh_directory(&self) -> Result<Arc<Snapshot>, StoreError> {
        // One at a time: a crowd that finds the copy stale reads the changes once.
        let _turn = self.directory.refreshing.lock().await;
        let old = self.directory.current();
        // Read first: what changes while we read the rest is read again next time.
        let revision = self.store.revision().await?;
        if revision == old.revision {
            return Ok(old);
        }
        let mut new = Snapshot {
            revision,
            tenants: old.tenants.clone(),
            keys: old.keys.clone(),
            listeners: old.listeners.clone(),
            by_scope: old.by_scope.clone(),
            event_types: old.event_types.clone(),
        };
        for own in self.store.event_types_changed_since(old.revision).await? {
            let of_scope = new.event_types.entry(own.scope).or_default();
            if own.deleted_at.is_some() {
                of_scope.remove(&own.name);
            } else {
                of_scope.insert(own.name.clone(), Arc::new(own));
            }
        }
        for tenant in self.store.tenants_changed_since(old.revision).await? {
            new.tenants.insert(tenant.id, Arc::new(tenant));
        }
        for key in self.store.keys_changed_since(old.revision).await? {
            new.keys.insert(key.hash, Arc::new(key));
        }
        let webhooks = self.store.webhooks_changed_since(old.revision).await?;
        let mut secrets = self.secrets_of_changed(&webhooks, old.revision == 0).await?;
        for webhook in webhooks {
            let signing_keys = self.signing_keys(&webhook, secrets.remove(&webhook.id).unwrap_or_default());
            let listener = Arc::new(Listener { webhook, signing_keys });
            let (id, scope) = (listener.webhook.id, listener.webhook.scope);
            let of_scope = new.by_scope.entry(scope).or_default();
            of_scope.listeners.retain(|other| other.webhook.id != id);
            if listener.webhook.takes_events() {
                of_scope.listeners.push(Arc::clone(&listener));
            }
            of_scope.has_filters = of_scope.listeners.iter().any(|other| other.webhook.settings.filter.is_some());
            of_scope.has_order = of_scope.listeners.iter().any(|other| other.webhook.is_ordered());
            new.listeners.insert(id, listener);
        }
        self.directory.replace(new);
        Ok(self.directory.current())
    }

    async fn secrets_of_changed(
        &self,
        webhooks: &[Webhook],
        all: bool,
    ) -> Result<HashMap<WebhookId, Vec<SealedSecret>>, StoreError> {
        let now = self.clock.now();
        let mut found: HashMap<WebhookId, Vec<SealedSecret>> = HashMap::new();
        if all {
            for secret in self.store.secrets(now).await? {
                found.entry(secret.webhook).or_default().push(secret);
            }
        } else {
            for webhook in webhooks {
                found.insert(webhook.id, self.store.secrets_of(webhook.id, now).await?);
            }
        }
        Ok(found)
    }

    fn signing_keys(&self, webhook: &Webhook, secrets: Vec<SealedSecret>) -> Vec<(SigningKey, Option<Timestamp>)> {
        let mut keys = Vec::with_capacity(secrets.len());
        for secret in secrets {
            let opened = self.keys.open(webhook.scope.tenant, webhook.id, &secret.sealed);
            if let Some(opened) = opened.ok().and_then(|bytes| Secret::unsealed(secret.kind, bytes)) {
                keys.push((SigningKey::new(&opened), secret.expires_at));
            } else {
                let id = webhook.id;
                tracing::error!(webhook.id = %id, "a secret of {id} does not open with the master keys");
            }
        }
        keys
    }

    /// The API key of a text, whether it works or not. A key that is not known yet is looked for in the database.
    pub async fn find_key(&self, text: &ApiKeyText) -> Result<Option<Arc<ApiKey>>, StoreError> {
        let hash = text.hash(&self.key_pepper);
        if let Some(key) = self.directory.current().keys.get(&hash) {
            return Ok(Some(Arc::clone(key)));
        }
        Ok(Box::pin(self.refresh_directory()).await?.keys.get(&hash).map(Arc::clone))
    }

    /// A webhook for sending; one that is not known yet is looked for in the database.
    pub async fn listener(&self, id: WebhookId) -> Result<Option<Arc<Listener>>, StoreError> {
        if let Some(listener) = self.directory.current().listener(id) {
            return Ok(Some(Arc::clone(listener)));
        }
        Ok(Box::pin(self.refresh_directory()).await?.listener(id).map(Arc::clone))
    }

    /// The tenant of an id or a name. One that is not known yet is looked for in the database.
    pub async fn find_tenant(&self, text: &str) -> Result<Option<Arc<Tenant>>, StoreError> {
        let find = |snapshot: &Snapshot| {
            let by_id = text.parse().ok().and_then(|id| snapshot.tenant(id).cloned());
            by_id.or_else(|| snapshot.tenant_named(text).cloned())
        };
        match find(&self.directory.current()) {
            Some(tenant) => Ok(Some(tenant)),
            None => Ok(find(&*self.refresh_directory().await?)),
        }
    }

    /// What a webhook is called, if this process knows it.
    pub fn webhook_name(&self, id: WebhookId) -> Option<String> {
        self.directory.current().listener(id).map(|listener| listener.webhook.settings.name.clone())
    }

    /// Every tenant, by name.
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        let mut tenants: Vec<_> = self.directory.current().tenants().cloned().collect();
        tenants.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        tenants
    }

    /// The tenant of a scope.
    pub fn tenant(&self, id: TenantId) -> Option<Arc<Tenant>> {
        self.directory.current().tenant(id).map(Arc::clone)
    }
}
