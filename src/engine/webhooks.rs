//! The changes of webhooks: create, update, pause, resume, rotate, delete, disable, test.

use bytes::Bytes;
use serde_json::json;

use super::Engine;
use super::accept::{AcceptError, Accepted, Publish, Target};
use super::audit::{Action, made, of_webhook};
use crate::chance;
use crate::domain::audit::changes;
use crate::domain::event::EventType;
use crate::domain::handshake::Consent;
use crate::domain::id::{EventId, SecretId, WebhookId};
use crate::domain::mail::MailKind;
use crate::domain::secret::{PublicKey, Secret, SecretKind};
use crate::domain::secret_draft::Rotation;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Webhook, WebhookSettings, WebhookStatus};
use crate::store::StoreError;
use crate::store::beside::Beside;
use crate::store::webhooks::{SealedSecret, SecretChanges};

/// What a test sends.
pub const TEST_EVENT_TYPE: &str = "webhook.test";
/// How often a change is tried again because another came between.
const CHANGE_TRIES: usize = 5;

/// Why a webhook was not changed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There is none of that id in this scope.
    #[error("there is no such webhook")]
    NotFound,
    /// It has changed since the caller read it.
    #[error("the webhook has changed since it was read")]
    Changed,
    /// The scope has as many as it may.
    #[error("there are as many webhooks as there may be: {max}")]
    TooMany {
        /// The limit.
        max: u32,
    },
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Registers a webhook, with a secret of each kind that its profile signs with: the caller's own, or made here.
    /// They are returned here and never again.
    pub async fn create_webhook(
        &self,
        scope: Scope,
        settings: WebhookSettings,
        own: Option<Secret>,
    ) -> Result<(Webhook, Vec<Secret>), WebhookError> {
        let (_, total) = self.store.webhooks_page(scope, None, 1, 0).await?;
        let sold = self.plan(scope.tenant).webhooks.capped(u64::from(self.limits.webhooks_max));
        let max = u32::try_from(sold).unwrap_or(u32::MAX);
        if total >= u64::from(max) {
            return Err(WebhookError::TooMany { max });
        }
        let now = self.clock.now();
        let mut webhook = Webhook {
            id: WebhookId::new(now, chance::id_tail()),
            scope,
            settings,
            status: WebhookStatus::Active,
            status_reason: None,
            consent: None,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            revision: 0,
        };
        let secrets = secrets_for(webhook.settings.signature.kinds(), own.as_ref());
        let sealed = self.sealed(&webhook, &secrets, now);
        let line = self.line(scope, Action::WebhookCreate, webhook.id, made(&of_webhook(&webhook)));
        webhook.revision = self.store.insert_webhook(&webhook, &sealed, line.as_ref()).await?;
        self.refresh_directory().await?;
        Ok((webhook, secrets))
    }

    fn sealed(&self, webhook: &Webhook, secrets: &[Secret], now: Timestamp) -> Vec<SealedSecret> {
        secrets.iter().map(|secret| self.seal(webhook, secret, now)).collect()
    }

    /// New secrets of a webhook, which nobody is told.
    pub(super) fn untold_secrets(&self, webhook: &Webhook, now: Timestamp) -> Vec<SealedSecret> {
        self.sealed(webhook, &secrets_for(webhook.settings.signature.kinds(), None), now)
    }

    fn seal(&self, webhook: &Webhook, secret: &Secret, now: Timestamp) -> SealedSecret {
        SealedSecret {
            id: SecretId::new(now, chance::id_tail()),
            webhook: webhook.id,
            kind: secret.kind(),
            sealed: self.keys.seal(webhook.scope.tenant, webhook.id, secret.key(), chance::bytes()),
            created_at: now,
            expires_at: None,
        }
    }

    /// A webhook.
    pub async fn webhook(&self, scope: Scope, id: WebhookId) -> Result<Webhook, WebhookError> {
        self.store.webhook(scope, id).await?.ok_or(WebhookError::NotFound)
    }

    /// Replaces what a person may set. With `if_revision`, only if it is still that. A signature scheme that is new to
    /// the webhook gets a secret, which is returned here and never again; one that is dropped loses its secrets.
    pub async fn update_webhook(
        &self,
        scope: Scope,
        id: WebhookId,
        settings: WebhookSettings,
        if_revision: Option<i64>,
    ) -> Result<(Webhook, Vec<Secret>), WebhookError> {
        let action = Some(Action::WebhookUpdate);
        let changed =
            self.change(scope, id, if_revision, action, |webhook| webhook.settings = settings.clone()).await?;
        // Perhaps the new URL answers.
        self.open_gate(id).await?;
        Ok(changed)
    }

    /// Stops sending; deliveries are kept and wait.
    pub async fn pause_webhook(&self, scope: Scope, id: WebhookId) -> Result<Webhook, WebhookError> {
        let paused = self
            .change(scope, id, None, Some(Action::WebhookPause), |webhook| {
                webhook.status = WebhookStatus::Paused;
                webhook.status_reason = None;
            })
            .await?;
        Ok(paused.0)
    }

    /// Sends again, what has waited included.
    pub async fn resume_webhook(&self, scope: Scope, id: WebhookId) -> Result<Webhook, WebhookError> {
        let (resumed, _) = self
            .change(scope, id, None, Some(Action::WebhookResume), |webhook| {
                webhook.status = WebhookStatus::Active;
                webhook.status_reason = None;
            })
            .await?;
        self.store.webhook_is_healthy(id).await?;
        self.health.forget();
        self.open_gate(id).await?;
        self.store.bring_back(id, self.clock.now()).await?;
        Ok(resumed)
    }

    /// Ends a webhook: no new deliveries, and those that wait are cancelled by the next sweeps.
    pub async fn delete_webhook(
        &self,
        scope: Scope,
        id: WebhookId,
        if_revision: Option<i64>,
    ) -> Result<(), WebhookError> {
        let now = self.clock.now();
        let action = Some(Action::WebhookDelete);
        self.change(scope, id, if_revision, action, |webhook| webhook.deleted_at = Some(now)).await?;
        // The sweep cancels what is due, so that a retry must not wait for its time to be called off.
        self.store.hurry_all(id, now).await?;
        Ok(())
    }

    /// Adds a secret: the caller's own, or a new one of the kind. Older ones of that kind go on signing for a while, or
    /// not at all where a request of the profile carries one signature. Says until when.
    pub async fn rotate_secret(
        &self,
        scope: Scope,
        id: WebhookId,
        rotation: Rotation,
    ) -> Result<(Secret, Timestamp), WebhookError> {
        let Rotation { kind, own, overlap } = rotation;
        let secret = own.unwrap_or_else(|| Secret::generate_as(kind, chance::bytes()));
        let mut older_until = self.clock.now();
        self.change_with(scope, id, None, Some(Action::WebhookRotateSecret), |webhook| {
            let now = self.clock.now();
            let overlaps = webhook.settings.profile.overlaps();
            older_until = if overlaps { now.after(overlap) } else { now };
            let added = vec![self.seal(webhook, &secret, now)];
            SecretChanges { added, ended: vec![(secret.kind(), older_until)] }
        })
        .await?;
        Ok((secret, older_until))
    }

    /// The public keys that a webhook's requests can be verified with, newest first, each with the instant at which
    /// it stops signing.
    pub async fn public_keys(&self, scope: Scope, id: WebhookId) -> Result<Vec<PublicKeyInUse>, WebhookError> {
        let webhook = self.webhook(scope, id).await?;
        let sealed = self.store.secrets_of(id, self.clock.now()).await?;
        let of_pairs = sealed.into_iter().filter(|secret| secret.kind == SecretKind::Ed25519);
        let read = |SealedSecret { kind, sealed, created_at, expires_at, .. }| {
            let opened = self.keys.open(webhook.scope.tenant, id, &sealed).ok()?;
            let key = Secret::unsealed(kind, opened)?.public_key()?;
            Some(PublicKeyInUse { key, created_at, expires_at })
        };
        Ok(of_pairs.filter_map(read).collect())
    }

    /// Sends a test event to one webhook.
    pub async fn test_webhook(&self, scope: Scope, id: WebhookId) -> Result<Accepted, AcceptError> {
        let data = json!({ "webhookId": id, "message": "This is a test event." });
        // The name is a constant that its own test checks.
        let event_type = EventType::parse(TEST_EVENT_TYPE).expect("a valid name");
        let event = EventId::new(self.clock.now(), chance::id_tail());
        let line = self.line(scope, Action::WebhookTest, id, json!({ "eventId": event }));
        let publish = Publish {
            id: Some(event),
            beside: line.map(|line| Box::new(Beside { line: Some(line), mail: None })),
            ..Publish::new(event_type, Bytes::from(data.to_string()))
        };
        self.accept(scope, publish, Target::Only(id)).await
    }

    /// Keeps what a receiver has agreed to.
    pub async fn keep_consent(&self, scope: Scope, id: WebhookId, consent: Consent) -> Result<(), WebhookError> {
        self.change(scope, id, None, None, |webhook| webhook.consent = Some(consent.clone())).await?;
        Ok(())
    }

    /// Stops a webhook that should not be sent to any more, and says so.
    pub(super) async fn disable_webhook(
        &self,
        scope: Scope,
        id: WebhookId,
        word: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let disabled = self
            .change(scope, id, None, None, |webhook| {
                webhook.status = WebhookStatus::Disabled;
                webhook.status_reason = Some(reason.to_owned());
            })
            .await;
        match disabled {
            Ok((webhook, _)) => {
                tracing::warn!(webhook.id = %id, "{id} was disabled: {reason}");
                // Its failures are dealt with: once somebody has resumed it, no check may find them again.
                self.store.webhook_is_healthy(id).await?;
                let data = json!({ "webhookId": id, "cause": word, "reason": reason });
                let facts = json!({ "webhookId": id, "webhookName": webhook.settings.name, "reason": reason });
                self.notice(scope, "webhook.disabled", &data, Some((MailKind::Disabled, &facts))).await;
                Ok(())
            }
            // Gone, or being changed by a person: nothing to disable.
            Err(WebhookError::NotFound | WebhookError::Changed | WebhookError::TooMany { .. }) => Ok(()),
            Err(WebhookError::Store(error)) => Err(error),
        }
    }

    /// Changes a webhook, and gives it secrets of the kinds that it newly signs with.
    async fn change(
        &self,
        scope: Scope,
        id: WebhookId,
        if_revision: Option<i64>,
        action: Option<Action>,
        edit: impl Fn(&mut Webhook),
    ) -> Result<(Webhook, Vec<Secret>), WebhookError> {
        let mut made = Vec::new();
        let webhook = self
            .change_with(scope, id, if_revision, action, |webhook| {
                let before = webhook.settings.signature.kinds();
                edit(webhook);
                let after = webhook.settings.signature.kinds();
                let new: Vec<_> = after.iter().filter(|kind| !before.contains(kind)).copied().collect();
                made = secrets_for(&new, None);
                let now = self.clock.now();
                let added = made.iter().map(|secret| self.seal(webhook, secret, now)).collect();
                let ended = before.iter().filter(|kind| !after.contains(kind)).map(|kind| (*kind, now)).collect();
                SecretChanges { added, ended }
            })
            .await?;
        Ok((webhook, made))
    }

    async fn change_with(
        &self,
        scope: Scope,
        id: WebhookId,
        if_revision: Option<i64>,
        action: Option<Action>,
        mut edit: impl FnMut(&mut Webhook) -> SecretChanges,
    ) -> Result<Webhook, WebhookError> {
        for _ in 0..CHANGE_TRIES {
            let mut webhook = self.webhook(scope, id).await?;
            if if_revision.is_some_and(|revision| revision != webhook.revision) {
                return Err(WebhookError::Changed);
            }
            let before = of_webhook(&webhook);
            let secrets = edit(&mut webhook);
            webhook.updated_at = self.clock.now();
            let told = changes(&before, &of_webhook(&webhook));
            let line = action.and_then(|action| self.line(scope, action, id, told));
            if let Some(revision) = self.store.update_webhook(&webhook, &secrets, line.as_ref()).await? {
                webhook.revision = revision;
                self.refresh_directory().await?;
                return Ok(webhook);
            }
        }
        Err(WebhookError::Changed)
    }
}

/// A public key of a webhook.
#[derive(Debug, Clone, Copy)]
pub struct PublicKeyInUse {
    /// The key.
    pub key: PublicKey,
    /// Since when it signs.
    pub created_at: Timestamp,
    /// When it stops.
    pub expires_at: Option<Timestamp>,
}

/// One secret of each kind: the caller's own where it is of that kind, new ones for the rest.
fn secrets_for(kinds: &[SecretKind], own: Option<&Secret>) -> Vec<Secret> {
    let secret = |kind| match own {
        Some(own) if own.kind() == kind => own.clone(),
        Some(_) | None => Secret::generate_as(kind, chance::bytes()),
    };
    kinds.iter().map(|kind| secret(*kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_that_angarium_publishes_are_valid() {
        let names = super::super::notices::NOTICE_TYPES.into_iter().chain([TEST_EVENT_TYPE]);
        assert!(names.into_iter().all(|name| EventType::parse(name).is_ok()));
    }
}
