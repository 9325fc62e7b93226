//! Health of webhooks: since when one has had nothing but failures. Written when it changes, not per delivery.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::Engine;
use crate::domain::id::WebhookId;
use crate::store::StoreError;

/// What this process last wrote about each webhook. Forgotten every minute, so that what another process wrote is
/// corrected within one.
#[derive(Default)]
pub struct Health(Mutex<HashMap<WebhookId, bool>>);

impl Health {
    /// Notes an outcome; true when it is news.
    fn note(&self, webhook: WebhookId, healthy: bool) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(webhook, healthy) != Some(healthy)
    }

    /// Forgets what was written.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Engine {
    /// Notes the outcome of an attempt.
    pub(super) async fn note_health(&self, webhook: WebhookId, healthy: bool) -> Result<(), StoreError> {
        if !self.health.note(webhook, healthy) {
            return Ok(());
        }
        if healthy {
            self.store.webhook_is_healthy(webhook).await
        } else {
            self.store.webhook_is_failing(webhook, self.clock.now()).await
        }
    }
}
