//! The audit log: what each verb that changes something is called there, and what is told of the change.
//!
//! A verb makes its line before it writes and hands it to the store, which writes it in the same transaction. Only what
//! somebody asked for has one ([`super::asker`]). The core API's records have none: each write of one is an event.
//! What is told of settings leaves out whatever could be a secret: of headers their names, of URLs the query.

use std::fmt::Display;

use serde_json::{Map, Value, json};

use super::Engine;
use super::asker::{self, Asker};
use crate::chance;
use crate::domain::api_key::ApiKey;
use crate::domain::audit::{Actor, ActorKind, AuditEntry, changes};
use crate::domain::catalogue::OwnType;
use crate::domain::id::{AuditId, TenantId};
use crate::domain::tenant::{Environment, Scope};
use crate::domain::user::User;
use crate::domain::webhook::Webhook;
use crate::store::StoreError;

/// Everything that has a line, by the names that lines have.
macro_rules! actions {
    ($($name:ident = $word:literal),* $(,)?) => {
        /// What was done: noun and verb.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each is the word that it stands for")]
        pub enum Action {
            $($name),*
        }

        impl Action {
            /// Every action, for documents and parsers.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word that the API and the database use.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word),*
                }
            }
        }
    };
}

actions!(
    WebhookCreate = "webhook.create",
    WebhookUpdate = "webhook.update",
    WebhookPause = "webhook.pause",
    WebhookResume = "webhook.resume",
    WebhookRotateSecret = "webhook.rotate_secret",
    WebhookTest = "webhook.test",
    WebhookDelete = "webhook.delete",
    KeyCreate = "api_key.create",
    KeyUpdate = "api_key.update",
    KeyRevoke = "api_key.revoke",
    KeyRotate = "api_key.rotate",
    KeyDelete = "api_key.delete",
    UserCreate = "user.create",
    UserUpdate = "user.update",
    UserDisable = "user.disable",
    UserDelete = "user.delete",
    UserPassword = "user.password",
    SessionCreate = "session.create",
    SessionEnd = "session.end",
    SessionLocked = "session.locked",
    EventTypeCreate = "event_type.create",
    EventTypeUpdate = "event_type.update",
    EventTypeDelete = "event_type.delete",
    EventReplay = "event.replay",
    EventExpunge = "event.expunge",
    DeliveryRetry = "delivery.retry",
    DeliveryCancel = "delivery.cancel",
    DeadLetterRedrive = "dead_letter.redrive",
    DeadLetterRedriveMany = "dead_letter.redrive_many",
    DeadLetterDiscard = "dead_letter.discard",
    DeadLetterDiscardMany = "dead_letter.discard_many",
    ReplayStart = "replay.start",
    ReplayPause = "replay.pause",
    ReplayResume = "replay.resume",
    ReplayCancel = "replay.cancel",
    PortalLinkCreate = "portal_link.create",
    PortalLinkOpen = "portal_link.open",
    PortalLinkRevoke = "portal_link.revoke",
    TenantCreate = "tenant.create",
    TenantSetPlan = "tenant.set_plan",
);

impl Action {
    /// The action that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == word)
    }
}

/// Where something was changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    tenant: Option<TenantId>,
    environment: Option<Environment>,
}

impl From<Scope> for Place {
    fn from(scope: Scope) -> Self {
        Self { tenant: Some(scope.tenant), environment: Some(scope.environment) }
    }
}

impl From<Option<TenantId>> for Place {
    fn from(tenant: Option<TenantId>) -> Self {
        Self { tenant, environment: None }
    }
}

impl Engine {
    /// The line of a change, if somebody asked for it.
    pub(super) fn line(
        &self,
        place: impl Into<Place>,
        action: Action,
        subject: impl Display,
        changes: Value,
    ) -> Option<AuditEntry> {
        let asker = asker::current()?;
        let actor = asker.who.as_ref().map(Actor::from)?;
        Some(self.line_of(place.into(), actor, Some(&asker), action, &subject, changes))
    }

    /// The line of what somebody did who was nobody before: they have signed in, or somebody tried to.
    pub(super) fn line_by(
        &self,
        user: Option<&User>,
        action: Action,
        subject: impl Display,
        changes: Value,
    ) -> AuditEntry {
        let unknown = || Actor { kind: ActorKind::User, id: None, name: "unknown".to_owned() };
        let (actor, asker) = (user.map_or_else(unknown, Actor::from), asker::current());
        self.line_of(user.and_then(|user| user.tenant).into(), actor, asker.as_ref(), action, &subject, changes)
    }

    fn line_of(
        &self,
        Place { tenant, environment }: Place,
        actor: Actor,
        asker: Option<&Asker>,
        action: Action,
        subject: &dyn Display,
        changes: Value,
    ) -> AuditEntry {
        AuditEntry {
            id: AuditId::new(self.clock.now(), chance::id_tail()),
            tenant,
            environment,
            actor,
            action: action.as_str().to_owned(),
            subject: subject.to_string(),
            changes,
            request: asker.and_then(|asker| asker.request.clone()),
            address: asker.and_then(|asker| asker.address).map(|address| address.to_string()),
        }
    }

    /// Writes a line about what has no transaction of its own.
    pub(super) async fn note(&self, line: Option<AuditEntry>) -> Result<(), StoreError> {
        match line {
            None => Ok(()),
            Some(line) => self.store.insert_audit(&line).await,
        }
    }
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(fields) = value { fields } else { Map::new() }
}

/// A thing that did not exist before, or does not exist any more.
pub(super) fn made(now: &Map<String, Value>) -> Value {
    changes(&Map::new(), now)
}

/// What may be told of a webhook.
pub(super) fn of_webhook(webhook: &Webhook) -> Map<String, Value> {
    let settings = &webhook.settings;
    let headers: Vec<&String> = settings.headers.keys().collect();
    object(json!({
        "name": settings.name, "url": without_query(&settings.url), "events": settings.events,
        "channels": settings.channels, "filter": settings.filter, "headers": headers,
        "retryPolicy": settings.retry_policy, "timeoutMs": u64::try_from(settings.timeout.as_millis()).ok(),
        "profile": settings.profile.as_str(), "handshake": settings.handshake, "description": settings.description,
        "rateLimit": settings.rate_limit, "ordering": settings.ordering, "status": webhook.status.as_str(),
    }))
}

/// A URL's query, user and password may be credentials.
fn without_query(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return String::new() };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let mark = if url.contains('?') { "?…" } else { "" };
    format!("{scheme}://{host}{path}{mark}")
}

/// What may be told of an API key.
pub(super) fn of_key(key: &ApiKey) -> Map<String, Value> {
    let settings = &key.settings;
    object(json!({
        "name": settings.name, "environment": key.scope.environment, "permissions": settings.permissions,
        "expiresAt": settings.expires_at, "ipWhitelist": settings.ip_list,
        "rateLimit": settings.rate_limit,
        "rotationDays": settings.rotation.map(|policy| policy.interval_days), "isActive": settings.is_active,
        "revokedAt": key.revoked_at,
    }))
}

/// What may be told of a user.
pub(super) fn of_user(user: &User) -> Map<String, Value> {
    let is_active = user.disabled_at.is_none();
    object(json!({
        "email": user.email.to_string(), "name": user.name, "role": user.role.as_str(), "isActive": is_active,
    }))
}

/// What may be told of an event type. Examples are payloads, and stay out.
pub(super) fn of_type(own: &OwnType) -> Map<String, Value> {
    let settings = &own.settings;
    object(json!({
        "description": settings.description, "schema": settings.schema, "schemaMode": settings.mode.as_str(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_told_without_what_could_be_a_credential() {
        for (url, told) in [
            ("https://a.example/b/c", "https://a.example/b/c"),
            ("https://u:p@a.example/b?token=x", "https://a.example/b?…"),
            ("https://a.example:8443?token=x@y/z", "https://a.example:8443?…"),
        ] {
            assert_eq!(without_query(url), told);
        }
    }

    #[test]
    fn actions_are_noun_and_verb_and_distinct() {
        let words: std::collections::BTreeSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(words.len(), Action::ALL.len());
        assert!(words.iter().all(|word| word.split('.').count() == 2 && Action::parse(word).is_some()));
    }
}
