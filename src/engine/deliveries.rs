//! What a person does with deliveries: retry, cancel, redrive, discard.

use serde_json::{Value, json};

use super::Engine;
use super::audit::Action;
use crate::domain::id::DeliveryId;
use crate::domain::tenant::Scope;
use crate::store::StoreError;
use crate::store::dead_letters::DeadLetterFilter;
use crate::store::due::Intervention;

/// The longest reason for giving a dead letter up.
pub const DISCARD_REASON_CHARS_MAX: usize = 500;
/// Dead letters that one step of a change of many takes.
const STEP: u32 = 200;

/// Which dead letters.
#[derive(Debug, Clone)]
pub enum Letters {
    /// Those that are named.
    Named(Vec<DeliveryId>),
    /// Those that a filter finds, up to so many.
    Found(DeadLetterFilter, u32),
}

/// What happens to dead letters.
#[derive(Debug, Clone, Copy)]
enum End<'a> {
    /// They are attempted again.
    Redrive,
    /// They are given up, for a reason.
    Discard(&'a str),
}

/// What a change of many came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// How many were changed.
    pub count: u32,
    /// Whether the filter finds more.
    pub has_more: bool,
}

impl Engine {
    /// Has a delivery attempted now, whatever its state, unless an attempt is under way.
    pub async fn retry(&self, scope: Scope, id: DeliveryId) -> Result<Intervention, StoreError> {
        let line = self.line(scope, Action::DeliveryRetry, id, json!({}));
        self.store.retry_delivery(scope, id, self.clock.now(), false, line.as_ref()).await
    }

    /// Ends a delivery that waits. An attempt that is on the wire may still succeed.
    pub async fn cancel(&self, scope: Scope, id: DeliveryId) -> Result<Intervention, StoreError> {
        let line = self.line(scope, Action::DeliveryCancel, id, json!({}));
        self.store.cancel_delivery(scope, id, self.clock.now(), line.as_ref()).await
    }

    /// Has a dead letter attempted again.
    pub async fn redrive(&self, scope: Scope, id: DeliveryId) -> Result<Intervention, StoreError> {
        let line = self.line(scope, Action::DeadLetterRedrive, id, json!({}));
        self.store.retry_delivery(scope, id, self.clock.now(), true, line.as_ref()).await
    }

    /// Ends a dead letter without sending it, for a reason that stays with the delivery.
    pub async fn discard(&self, scope: Scope, id: DeliveryId, reason: &str) -> Result<Intervention, StoreError> {
        let line = self.line(scope, Action::DeadLetterDiscard, id, json!({ "reason": reason }));
        self.store.discard_dead_letter(scope, id, reason, self.clock.now(), line.as_ref()).await
    }

    /// Has many dead letters attempted again.
    pub async fn redrive_all(&self, scope: Scope, letters: Letters) -> Result<Changed, StoreError> {
        let asked = told(&letters);
        let done = self.change_letters(scope, letters, End::Redrive).await?;
        let told = json!({ "asked": asked, "count": done.count });
        self.note(self.line(scope, Action::DeadLetterRedriveMany, "", told)).await?;
        Ok(done)
    }

    /// Ends many dead letters without sending them.
    pub async fn discard_all(&self, scope: Scope, letters: Letters, reason: &str) -> Result<Changed, StoreError> {
        let asked = told(&letters);
        let done = self.change_letters(scope, letters, End::Discard(reason)).await?;
        let told = json!({ "asked": asked, "count": done.count, "reason": reason });
        self.note(self.line(scope, Action::DeadLetterDiscardMany, "", told)).await?;
        Ok(done)
    }

    async fn change_letters(&self, scope: Scope, letters: Letters, end: End<'_>) -> Result<Changed, StoreError> {
        let mut count = 0;
        let (mut filter, max) = match letters {
            Letters::Found(filter, max) => (filter, max),
            Letters::Named(ids) => {
                for id in ids {
                    count += self.change_letter(scope, id, end).await?;
                }
                return Ok(Changed { count, has_more: false });
            }
        };
        while count < max {
            let step = STEP.min(max - count);
            let letters = self.store.dead_letters_page(scope, &filter, step, 0).await?;
            let Some(last) = letters.last() else { break };
            filter.before = Some(last.delivery.0);
            for letter in &letters {
                count += self.change_letter(scope, letter.delivery, end).await?;
            }
        }
        let has_more = !self.store.dead_letters_page(scope, &filter, 1, 0).await?.is_empty();
        Ok(Changed { count, has_more })
    }

    async fn change_letter(&self, scope: Scope, id: DeliveryId, end: End<'_>) -> Result<u32, StoreError> {
        let now = self.clock.now();
        let done = match end {
            End::Redrive => self.store.retry_delivery(scope, id, now, true, None).await?,
            End::Discard(reason) => self.store.discard_dead_letter(scope, id, reason, now, None).await?,
        };
        Ok(u32::from(done == Intervention::Done))
    }
}

/// Which ones were asked for, as the audit log tells it.
fn told(letters: &Letters) -> Value {
    match letters {
        Letters::Named(ids) => json!({ "ids": ids }),
        // Where a page begins is nothing that was asked for.
        Letters::Found(DeadLetterFilter { webhook, event_type, died_after, died_before, .. }, max) => json!({
            "webhookId": webhook, "eventType": event_type, "diedAfter": died_after, "diedBefore": died_before,
            "max": max,
        }),
    }
}
