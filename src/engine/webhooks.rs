//! The changes of webhooks: create, update, pause, resume, rotate, delete, disable, test.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::Engine;
use super::accept::{AcceptError, Accepted, Publish, Target};
use crate::chance;
use crate::domain::event::EventType;
use crate::domain::id::{SecretId, WebhookId};
use crate::domain::secret::Secret;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Webhook, WebhookSettings, WebhookStatus};
use crate::store::StoreError;
use crate::store::webhooks::SealedSecret;

/// The longest that older secrets may go on signing after a rotation.
pub const OVERLAP_MAX: Duration = Duration::from_hours(7 * 24);
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
    /// Registers a webhook. Its secret is returned here and never again.
    pub async fn create_webhook(
        &self,
        scope: Scope,
        settings: WebhookSettings,
        secret: Option<Secret>,
    ) -> Result<(Webhook, Secret), WebhookError> {
        let (_, total) = self.store.webhooks_page(scope, None, 1, 0).await?;
        let sold = self.plan(scope.tenant).webhooks.capped(u64::from(self.limits.webhooks_max));
        let max = u32::try_from(sold).unwrap_or(u32::MAX);
        if total >= u64::from(max) {
            return Err(WebhookError::TooMany { max });
        }
        let now = self.clock.now();
        let mut webhook = Webhook {
            id: WebhookId::new(now, chance::bits()),
            scope,
            settings,
            status: WebhookStatus::Active,
            status_reason: None,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            revision: 0,
        };
        let secret = secret.unwrap_or_else(|| Secret::generate(chance::bytes()));
        webhook.revision = self.store.insert_webhook(&webhook, &self.seal(&webhook, &secret, now)).await?;
        self.refresh_directory().await?;
        Ok((webhook, secret))
    }

    fn seal(&self, webhook: &Webhook, secret: &Secret, now: Timestamp) -> SealedSecret {
        SealedSecret {
            id: SecretId::new(now, chance::bits()),
            webhook: webhook.id,
            sealed: self.keys.seal(webhook.scope.tenant, webhook.id, secret.key(), chance::bytes()),
            created_at: now,
            expires_at: None,
        }
    }

    /// A webhook.
    pub async fn webhook(&self, scope: Scope, id: WebhookId) -> Result<Webhook, WebhookError> {
        self.store.webhook(scope, id).await?.ok_or(WebhookError::NotFound)
    }

    /// Replaces what a person may set. With `if_revision`, only if it is still that.
    pub async fn update_webhook(
        &self,
        scope: Scope,
        id: WebhookId,
        settings: WebhookSettings,
        if_revision: Option<i64>,
    ) -> Result<Webhook, WebhookError> {
        let webhook = self.change(scope, id, if_revision, |webhook| webhook.settings = settings.clone()).await?;
        // Perhaps the new URL answers.
        self.open_gate(id).await?;
        Ok(webhook)
    }

    /// Stops sending; deliveries are kept and wait.
    pub async fn pause_webhook(&self, scope: Scope, id: WebhookId) -> Result<Webhook, WebhookError> {
        self.change(scope, id, None, |webhook| {
            webhook.status = WebhookStatus::Paused;
            webhook.status_reason = None;
        })
        .await
    }

    /// Sends again, what has waited included.
    pub async fn resume_webhook(&self, scope: Scope, id: WebhookId) -> Result<Webhook, WebhookError> {
        let resumed = self
            .change(scope, id, None, |webhook| {
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
        self.change(scope, id, if_revision, |webhook| webhook.deleted_at = Some(now)).await?;
        // The sweep cancels what is due, so that a retry must not wait for its time to be called off.
        self.store.hurry_all(id, now).await?;
        Ok(())
    }

    /// Makes a new secret; the older ones go on signing for `overlap`.
    pub async fn rotate_secret(
        &self,
        scope: Scope,
        id: WebhookId,
        secret: Option<Secret>,
        overlap: Duration,
    ) -> Result<(Secret, Timestamp), WebhookError> {
        let webhook = self.webhook(scope, id).await?;
        let now = self.clock.now();
        let secret = secret.unwrap_or_else(|| Secret::generate(chance::bytes()));
        let older_until = now.after(overlap.min(OVERLAP_MAX));
        if !self.store.rotate_secret(scope, &self.seal(&webhook, &secret, now), older_until).await? {
            return Err(WebhookError::NotFound);
        }
        self.refresh_directory().await?;
        Ok((secret, older_until))
    }

    /// Sends a test event to one webhook.
    pub async fn test_webhook(&self, scope: Scope, id: WebhookId) -> Result<Accepted, AcceptError> {
        let data = json!({ "webhookId": id, "message": "This is a test event." });
        // The name is a constant that its own test checks.
        let event_type = EventType::parse(TEST_EVENT_TYPE).expect("a valid name");
        let publish = Publish::new(event_type, Bytes::from(data.to_string()));
        self.accept(scope, publish, Target::Only(id)).await
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
            .change(scope, id, None, |webhook| {
                webhook.status = WebhookStatus::Disabled;
                webhook.status_reason = Some(reason.to_owned());
            })
            .await;
        match disabled {
            Ok(_) => {
                tracing::warn!(webhook.id = %id, "{id} was disabled: {reason}");
                // Its failures are dealt with: once somebody has resumed it, no check may find them again.
                self.store.webhook_is_healthy(id).await?;
                let data = json!({ "webhookId": id, "cause": word, "reason": reason });
                self.notice(scope, "webhook.disabled", &data).await;
                Ok(())
            }
            // Gone, or being changed by a person: nothing to disable.
            Err(WebhookError::NotFound | WebhookError::Changed | WebhookError::TooMany { .. }) => Ok(()),
            Err(WebhookError::Store(error)) => Err(error),
        }
    }

    async fn change(
        &self,
        scope: Scope,
        id: WebhookId,
        if_revision: Option<i64>,
        edit: impl Fn(&mut Webhook),
    ) -> Result<Webhook, WebhookError> {
        for _ in 0..CHANGE_TRIES {
            let mut webhook = self.webhook(scope, id).await?;
            if if_revision.is_some_and(|revision| revision != webhook.revision) {
                return Err(WebhookError::Changed);
            }
            edit(&mut webhook);
            webhook.updated_at = self.clock.now();
            if let Some(revision) = self.store.update_webhook(&webhook).await? {
                webhook.revision = revision;
                self.refresh_directory().await?;
                return Ok(webhook);
            }
        }
        Err(WebhookError::Changed)
    }
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
