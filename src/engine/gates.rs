//! Gates: webhooks that are not to be fed before an instant, because their circuit is open, they asked for a pause,
//! or they have as much in memory as they may. Shutting one is one write, however many deliveries wait behind it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Engine;
use crate::domain::id::WebhookId;
use crate::domain::time::Timestamp;
use crate::store::StoreError;

/// A gate that is shut already is not written again for less than this.
const WORTH_A_WRITE: Duration = Duration::from_millis(500);

/// The gates that this process knows to be shut.
#[derive(Default)]
pub struct Gates(Mutex<HashMap<WebhookId, Timestamp>>);

impl Gates {
    /// Until when a webhook is not to be fed.
    pub fn shut_until(&self, webhook: WebhookId, now: Timestamp) -> Option<Timestamp> {
        let gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gates.get(&webhook).copied().filter(|until| *until > now)
    }

    /// Shuts a gate; false when it is shut until about then already.
    fn shut(&self, webhook: WebhookId, until: Timestamp) -> bool {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.get(&webhook).is_some_and(|old| until <= old.after(WORTH_A_WRITE)) {
            return false;
        }
        gates.insert(webhook, until);
        true
    }

    fn open(&self, webhook: WebhookId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&webhook);
    }

    fn replace(&self, shut: Vec<(WebhookId, Timestamp)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = shut.into_iter().collect();
    }
}

impl Engine {
    /// Feeds a webhook nothing before an instant, in every process.
    pub async fn shut_gate(&self, webhook: WebhookId, until: Timestamp) -> Result<(), StoreError> {
        if self.gates.shut(webhook, until) { self.store.shut_gate(webhook, until).await } else { Ok(()) }
    }

    /// Feeds it again: a person resumed it or changed its URL.
    pub async fn open_gate(&self, webhook: WebhookId) -> Result<(), StoreError> {
        self.gates.open(webhook);
        self.store.open_gate(webhook).await
    }

    /// Learns the gates that other processes have shut or opened.
    pub async fn refresh_gates(&self) -> Result<(), StoreError> {
        self.gates.replace(self.store.shut_gates(self.clock.now()).await?);
        Ok(())
    }
}
