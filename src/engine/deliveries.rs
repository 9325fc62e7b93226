//! What a person does with deliveries: retry, cancel, redrive.

use super::Engine;
use crate::domain::id::DeliveryId;
use crate::domain::tenant::Scope;
use crate::store::StoreError;
use crate::store::dead_letters::DeadLetterFilter;
use crate::store::due::Intervention;

/// Dead letters that one step of a redrive by filter takes.
const REDRIVE_STEP: u32 = 200;

impl Engine {
    /// Has a delivery attempted now, whatever its state, unless an attempt is under way.
    pub async fn retry(&self, scope: Scope, id: DeliveryId) -> Result<Intervention, StoreError> {
        self.store.retry_delivery(scope, id, self.clock.now(), false).await
    }

    /// Ends a delivery that waits. An attempt that is on the wire may still succeed.
    pub async fn cancel(&self, scope: Scope, id: DeliveryId) -> Result<Intervention, StoreError> {
        self.store.cancel_delivery(scope, id, self.clock.now()).await
    }

    /// Has a dead letter attempted again.
    pub async fn redrive(&self, scope: Scope, id: DeliveryId) -> Result<Intervention, StoreError> {
        self.store.retry_delivery(scope, id, self.clock.now(), true).await
    }

    /// Has up to `max` dead letters of a filter attempted again; returns how many.
    pub async fn redrive_all(&self, scope: Scope, filter: &DeadLetterFilter, max: u32) -> Result<u32, StoreError> {
        let mut filter = filter.clone();
        let mut redriven = 0;
        while redriven < max {
            let step = REDRIVE_STEP.min(max - redriven);
            let letters = self.store.dead_letters_page(scope, &filter, step, 0).await?;
            let Some(last) = letters.last() else { break };
            filter.before = Some(last.delivery.0);
            for letter in &letters {
                let done = self.store.retry_delivery(scope, letter.delivery, self.clock.now(), true).await?;
                redriven += u32::from(done == Intervention::Done);
            }
        }
        Ok(redriven)
    }
}
