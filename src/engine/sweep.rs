//! Sweep: finds deliveries that are due and makes tickets of them. Outbox, retry timer and crash recovery in one.
//!
//! What is due is taken fairly: each tenant gets an equal share of the places that the broker's ready window has,
//! each of its webhooks an equal share of that, however many deliveries any of them has waiting.

use std::collections::HashMap;
use std::time::Duration;

use super::Engine;
use crate::broker::{EventRef, Ticket};
use crate::domain::attempt::{AttemptResult, FailureKind, NextStep};
use crate::domain::id::{EventId, TenantId, WebhookId};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::dialect::claim::DueRow;
use crate::store::events::StoredEvent;
use crate::telemetry::Metrics;

/// Waiting deliveries of a deleted webhook that one sweep cancels.
const CANCEL_MAX: u32 = 500;
/// Deliveries of a webhook whose circuit probes that one sweep takes.
const PROBES_MAX: u32 = 8;

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Deliveries that it claimed.
    pub claimed: usize,
    /// Whether more was due than the window had places for.
    pub more: bool,
}

impl Engine {
    /// Makes tickets of what is due.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        let now = self.clock.now();
        let backlog = self.store.backlog().await?;
        let mut ready = Vec::new();
        let mut lateness = Lateness::default();
        for (webhook, due_at) in backlog.into_iter().filter(|(_, due_at)| *due_at <= now) {
            let tenant = self.ready_to_send(webhook, now).await?;
            lateness.note(now.since(due_at), tenant.is_some());
            if let Some(tenant) = tenant {
                ready.push((tenant, webhook));
            }
        }
        lateness.tell(&self.metrics);
        if ready.is_empty() {
            return Ok(Swept::default());
        }
        let places = self.broker.reserve(self.limits.sweep_max);
        if places == 0 {
            return Ok(Swept { claimed: 0, more: true });
        }
        let most = |webhook| {
            if self.gates.is_probing(webhook) { PROBES_MAX } else { self.limits.sweep_per_webhook_max }
        };
        let quanta = share(places, &ready, most);
        let claimed = self.store.sweep(&quanta, now, now.after(self.limits.lease)).await;
        let (rows, error) = match claimed {
            Ok(rows) => (rows, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let tickets = self.tickets(&rows, now).await;
        self.broker.release(places.saturating_sub(tickets.as_ref().map_or(0, Vec::len)));
        if let Some(error) = error {
            return Err(error);
        }
        self.broker.publish(tickets?);
        self.metrics.swept.inc_by(u64::try_from(rows.len()).unwrap_or(0));
        Ok(Swept { claimed: rows.len(), more: rows.len() >= quanta.len() })
    }

    /// The tenant of a webhook that may be sent to. Deliveries of one that may not are put out of the way.
    async fn ready_to_send(&self, id: WebhookId, now: Timestamp) -> Result<Option<TenantId>, StoreError> {
        let listener = self.listener(id).await?;
        match listener {
            Some(listener) if listener.webhook.is_sending() => {
                let shut = self.gates.shut_until(id, now).is_some();
                Ok((!shut).then_some(listener.webhook.scope.tenant))
            }
            Some(listener) if listener.webhook.takes_events() => {
                self.store.set_aside(id, now).await?;
                Ok(None)
            }
            Some(_) | None => {
                self.store.cancel_of_webhook(id, now, CANCEL_MAX).await?;
                Ok(None)
            }
        }
    }

    async fn tickets(&self, rows: &[DueRow], now: Timestamp) -> Result<Vec<Ticket>, StoreError> {
        let mut events: Vec<EventId> = rows.iter().map(|row| row.event).collect();
        events.sort_unstable();
        events.dedup();
        let stored = self.store.events_of_claims(&events).await?;
        let stored: HashMap<EventId, StoredEvent> = stored.into_iter().map(|event| (event.content.id, event)).collect();
        let mut tickets = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(event) = stored.get(&row.event) else { continue };
            if row.claims > i64::from(self.limits.claims_max) {
                self.bury(row, event, now).await;
                continue;
            }
            tickets.push(Ticket {
                delivery: row.delivery,
                epoch: row.epoch,
                attempt: u32::try_from(row.attempts + 1).unwrap_or(u32::MAX),
                run_attempt: u32::try_from(row.run_attempts + 1).unwrap_or(u32::MAX),
                tenant: row.tenant,
                webhook: row.webhook,
                leased_until: now.after(self.limits.lease),
                event: EventRef::new(&event.content),
            });
        }
        Ok(tickets)
    }

    /// Makes a dead letter of a delivery that was claimed again and again without an outcome: it seems to bring the
    /// workers down that take it.
    async fn bury(&self, row: &DueRow, event: &StoredEvent, now: Timestamp) {
        tracing::error!(delivery.id = %row.delivery, "{} was claimed {} times without an outcome", row.delivery, row.claims);
        let over = super::settle::AttemptOver {
            delivery: row.delivery,
            epoch: row.epoch,
            scope: event.scope,
            webhook: row.webhook,
            event_type: event.content.event_type.clone(),
            number: u32::try_from(row.attempts + 1).unwrap_or(u32::MAX),
            started_at: now,
            settled_at: now,
            took: Duration::ZERO,
            url: String::new(),
            result: AttemptResult::Failed { kind: FailureKind::Internal },
            step: NextStep::DeadLetter,
            request_headers: "{}".into(),
            response_headers: "{}".into(),
            response_excerpt: Vec::new(),
        };
        self.settle(over, None).await;
    }
}

/// How late deliveries are: those of all webhooks, and those that nothing holds back.
#[derive(Default)]
struct Lateness {
    oldest: Duration,
    oldest_ready: Duration,
    due: i64,
    held: i64,
}

impl Lateness {
    fn note(&mut self, late: Duration, is_ready: bool) {
        self.oldest = self.oldest.max(late);
        self.due += 1;
        if is_ready {
            self.oldest_ready = self.oldest_ready.max(late);
        } else {
            self.held += 1;
        }
    }

    fn tell(&self, metrics: &Metrics) {
        metrics.oldest_due_seconds.set(self.oldest.as_secs_f64());
        metrics.oldest_ready_seconds.set(self.oldest_ready.as_secs_f64());
        metrics.webhooks_due.set(self.due);
        metrics.webhooks_held.set(self.held);
    }
}

/// How many deliveries of each webhook to take: places are shared among tenants, and a tenant's among its webhooks.
fn share(places: usize, ready: &[(TenantId, WebhookId)], most: impl Fn(WebhookId) -> u32) -> Vec<(WebhookId, u32)> {
    let mut of_tenant: HashMap<TenantId, usize> = HashMap::new();
    for (tenant, _) in ready {
        *of_tenant.entry(*tenant).or_default() += 1;
    }
    let per_tenant = (places / of_tenant.len().max(1)).max(1);
    let mut left = places;
    let mut quanta = Vec::with_capacity(ready.len().min(places));
    for (tenant, webhook) in ready {
        let fair = (per_tenant / of_tenant[tenant]).max(1).min(usize::try_from(most(*webhook)).unwrap_or(1)).min(left);
        if fair == 0 {
            break;
        }
        left -= fair;
        quanta.push((*webhook, u32::try_from(fair).unwrap_or(u32::MAX)));
    }
    quanta
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        #[test]
        fn places_are_never_exceeded_and_never_lopsided(
            places in 1usize..2000, hooks in proptest::collection::vec(1usize..20, 1..10), cap in 1u32..300,
        ) {
            let ready: Vec<(TenantId, WebhookId)> = hooks.iter().enumerate().flat_map(|(tenant, count)| {
                (0..*count).map(move |hook| {
                    (TenantId(Uuid::from_u128(tenant as u128)), WebhookId(Uuid::from_u128((tenant * 100 + hook) as u128)))
                })
            }).collect();
            let quanta = share(places, &ready, |_| cap);
            let total: u32 = quanta.iter().map(|(_, quantum)| quantum).sum();
            prop_assert!(total as usize <= places);
            prop_assert!(quanta.iter().all(|(_, quantum)| (1..=cap).contains(quantum)));
            let fair = (places / hooks.len()).max(1);
            prop_assert!(quanta.iter().all(|(_, quantum)| *quantum as usize <= fair));
        }
    }
}
