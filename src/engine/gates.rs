//! Gates: webhooks that are not to be fed before an instant, because their circuit is open, they asked for a pause,
//! or they have as much in memory as they may. Shutting one is one write, however many deliveries wait behind it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Engine;
use crate::domain::id::WebhookId;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
pub use crate::store::gates::Gate;

/// A gate that is shut already is not written again for less than this.
const WORTH_A_WRITE: Duration = Duration::from_millis(500);

/// The gates that this process knows of.
#[derive(Default)]
pub struct Gates(Mutex<HashMap<WebhookId, Gate>>);

impl Gates {
    fn known(&self) -> MutexGuard<'_, HashMap<WebhookId, Gate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when a webhook is not to be fed.
    pub fn shut_until(&self, webhook: WebhookId, now: Timestamp) -> Option<Timestamp> {
        self.known().get(&webhook).map(|gate| gate.until).filter(|until| *until > now)
    }

    /// Whether only a few deliveries are to be let through, to see whether the receiver is back.
    pub fn is_probing(&self, webhook: WebhookId) -> bool {
        self.known().get(&webhook).is_some_and(|gate| gate.probing)
    }

    /// How many circuits are open or probe.
    pub fn probing(&self) -> usize {
        self.known().values().filter(|gate| gate.probing).count()
    }

    /// Shuts a gate; false when it is shut like that already.
    fn shut(&self, webhook: WebhookId, gate: Gate) -> bool {
        let mut known = self.known();
        let is_shut = |old: &Gate| old.probing == gate.probing && gate.until <= old.until.after(WORTH_A_WRITE);
        if known.get(&webhook).is_some_and(is_shut) {
            return false;
        }
        known.insert(webhook, gate);
        true
    }
}

impl Engine {
    /// Feeds a webhook nothing before an instant, in every process.
    pub async fn shut_gate(&self, webhook: WebhookId, gate: Gate) -> Result<(), StoreError> {
        if self.gates.shut(webhook, gate) { self.store.shut_gate(webhook, gate).await } else { Ok(()) }
    }

    /// Feeds it again: its circuit has closed, a person resumed it, or its URL has changed.
    pub async fn open_gate(&self, webhook: WebhookId) -> Result<(), StoreError> {
        self.gates.known().remove(&webhook);
        self.store.open_gate(webhook).await
    }

    /// Learns the gates that other processes have shut or opened.
    pub async fn refresh_gates(&self) -> Result<(), StoreError> {
        let gates = self.store.gates(self.clock.now()).await?;
        *self.gates.known() = gates.into_iter().collect();
        Ok(())
    }
}
