//! What a person does with deliveries: retry, cancel, redrive, discard.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Engine;
use super::audit::Action;
use crate::domain::id::DeliveryId;
use crate::domain::tenant::Scope;
use crate::store::StoreError;
use crate::store::dead_letters::{DeadLetter, DeadLetterFilter, Letters as Found};
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
        self.change_letters(scope, letters, End::Redrive).await
    }

    /// Ends many dead letters without sending them.
    pub async fn discard_all(&self, scope: Scope, letters: Letters, reason: &str) -> Result<Changed, StoreError> {
        self.change_letters(scope, letters, End::Discard(reason)).await
    }

    async fn change_letters(&self, scope: Scope, letters: Letters, end: End<'_>) -> Result<Changed, StoreError> {
        let mut count = 0;
        let (mut filter, max) = match letters {
            Letters::Found(filter, max) => (filter, max),
            Letters::Named(ids) => {
                for ids in ids.chunks(usize::try_from(STEP).unwrap_or(usize::MAX)) {
                    count += self.end_letters(scope, ids, json!({ "ids": ids }), end).await?;
                }
                return Ok(Changed { count, has_more: false });
            }
        };
        let asked = told(&filter, max);
        loop {
            let step = STEP.min(max - count);
            let (letters, next) = self.next_letters(scope, &filter, step).await?;
            let ids: Vec<_> = letters.iter().map(|letter| letter.delivery).collect();
            // That nothing was found has a line too.
            if !ids.is_empty() || filter.before.is_none() {
                count += self.end_letters(scope, &ids, asked.clone(), end).await?;
            }
            let Some(next) = next else { return Ok(Changed { count, has_more: false }) };
            filter.before = Some(next);
            if count >= max {
                break;
            }
        }
        let has_more = loop {
            let (letters, next) = self.next_letters(scope, &filter, 1).await?;
            match next {
                Some(next) if letters.is_empty() => filter.before = Some(next),
                Some(_) | None => break !letters.is_empty(),
            }
        };
        Ok(Changed { count, has_more })
    }

    /// Some dead letters, and the id below which there may be more.
    async fn next_letters(
        &self,
        scope: Scope,
        filter: &DeadLetterFilter,
        most: u32,
    ) -> Result<(Vec<DeadLetter>, Option<Uuid>), StoreError> {
        let Found { found, end } = self.store.dead_letters_page(scope, filter, most, 0).await?;
        let is_full = found.len() >= usize::try_from(most).unwrap_or(usize::MAX);
        let last = found.last().map(|letter| letter.delivery.0);
        Ok((found, if is_full { last } else { end }))
    }

    /// One step, and its line, which tells how many it changed.
    async fn end_letters(
        &self,
        scope: Scope,
        ids: &[DeliveryId],
        asked: Value,
        end: End<'_>,
    ) -> Result<u32, StoreError> {
        let now = self.clock.now();
        match end {
            End::Redrive => {
                let line = self.line(scope, Action::DeadLetterRedriveMany, "", json!({ "asked": asked }));
                self.store.redrive_dead_letters(scope, ids, now, line).await
            }
            End::Discard(reason) => {
                let told = json!({ "asked": asked, "reason": reason });
                let line = self.line(scope, Action::DeadLetterDiscardMany, "", told);
                self.store.discard_dead_letters(scope, ids, reason, now, line).await
            }
        }
    }
}

/// What was asked for, as the audit log tells it. Where a page begins is nothing that was.
fn told(filter: &DeadLetterFilter, max: u32) -> Value {
    let DeadLetterFilter { webhook, event_type, died_after, died_before, from: _, before: _, oldest_first: _ } = filter;
    json!({
        "webhookId": webhook, "eventType": event_type, "diedAfter": died_after, "diedBefore": died_before, "max": max,
    })
}
