//! Sweep: finds deliveries that are due and makes tickets of them. Outbox, retry timer and crash recovery in one.
//!
//! What is due is taken fairly: each tenant gets a share of the places that the broker's ready window has, by the weight
//! of its plan, each of its webhooks an equal share of that, however many deliveries any of them has waiting.

use std::collections::HashMap;
use std::time::Duration;

use super::Engine;
use crate::broker::{EventRef, Ticket};
use crate::domain::attempt::{AttemptResult, FailureKind, NextStep};
use crate::domain::id::{EventId, TenantId, WebhookId};
use crate::domain::pace::Pace;
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
    /// Whether a webhook had as many due as it could be given, or none was left for it.
    pub more: bool,
}

/// A webhook that may be sent to.
pub(super) struct Ready {
    tenant: TenantId,
    /// Of the tenant.
    weight: u32,
    pub(super) webhook: WebhookId,
    /// Whether its deliveries keep an order.
    pub(super) is_ordered: bool,
    /// The most deliveries that may be taken.
    most: u32,
    pace: Pace,
}

impl Engine {
    /// Makes tickets of what is due.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        let now = self.clock.now();
        let backlog = self.store.backlog().await?;
        let mut ready = Vec::new();
        let mut lateness = Lateness::default();
        for (webhook, due_at) in backlog.into_iter().filter(|(_, due_at)| *due_at <= now) {
            let sendable = self.ready_to_send(webhook, now).await?;
            let ours = sendable.as_ref().and_then(|ready| {
                let open_since = self.feeds.open_since(ready.webhook, &ready.pace);
                waits_for_us(ready.is_ordered, open_since, due_at, now)
            });
            lateness.note(now.since(due_at), ours);
            ready.extend(sendable);
        }
        lateness.tell(&self.metrics);
        let lines: Vec<Ready> = ready.extract_if(.., |ready| ready.is_ordered).collect();
        let in_lines = if lines.is_empty() { 0 } else { self.sweep_lines(&lines, now).await? };
        if ready.is_empty() {
            return Ok(Swept { claimed: in_lines, more: false });
        }
        let places = self.broker.reserve(self.limits.sweep_max);
        if places == 0 {
            return Ok(Swept { claimed: in_lines, more: true });
        }
        let quanta = share(places, &ready);
        let claimed = self.store.sweep(&quanta, now, now.after(self.limits.lease)).await;
        let (rows, error) = match claimed {
            Ok(rows) => (rows, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let taken = count_by_webhook(&rows);
        self.note_fed(&ready, &taken, now);
        let tickets = self.tickets(&rows, now).await;
        self.broker.release(places.saturating_sub(tickets.as_ref().map_or(0, Vec::len)));
        if let Some(error) = error {
            return Err(error);
        }
        self.broker.publish(tickets?);
        self.metrics.swept.inc_by(u64::try_from(rows.len()).unwrap_or(0));
        let more = quanta.len() < ready.len() || is_any_filled(&quanta, &taken);
        Ok(Swept { claimed: rows.len() + in_lines, more })
    }

    /// A webhook, if it may be sent to. Deliveries of one that may not are put out of the way.
    pub(super) async fn ready_to_send(&self, id: WebhookId, now: Timestamp) -> Result<Option<Ready>, StoreError> {
        let listener = self.listener(id).await?;
        match listener {
            Some(listener) if listener.webhook.is_sending() => {
                if self.gates.shut_until(id, now).is_some() {
                    return Ok(None);
                }
                let tenant = listener.webhook.scope.tenant;
                let plan = self.plan(tenant);
                let (weight, pace) = (plan.fairness_weight.get(), self.pace_sold(&listener.webhook, plan.webhook_rate));
                let most = if self.gates.is_probing(id) { PROBES_MAX } else { self.limits.sweep_per_webhook_max };
                let left = if pace.is_free() { most } else { self.left_to_feed(id, &pace, now).await?.min(most) };
                let is_ordered = listener.webhook.is_ordered();
                Ok((left > 0).then_some(Ready { tenant, weight, webhook: id, is_ordered, most: left, pace }))
            }
            // In a line they would all come back at one instant, and their order would be lost.
            Some(listener) if listener.webhook.takes_events() && listener.webhook.is_ordered() => Ok(None),
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

    /// Remembers what was taken of webhooks that have a rate.
    pub(super) fn note_fed(&self, ready: &[Ready], taken: &HashMap<WebhookId, u32>, now: Timestamp) {
        for Ready { webhook, pace, .. } in ready.iter().filter(|ready| !ready.pace.is_free()) {
            self.feeds.take(*webhook, pace, now, taken.get(webhook).copied().unwrap_or(0));
        }
    }

    pub(super) async fn tickets(&self, rows: &[DueRow], now: Timestamp) -> Result<Vec<Ticket>, StoreError> {
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
            is_ordered: false,
        };
        self.settle(over, None).await;
    }
}

/// How many deliveries of each webhook were taken.
pub(super) fn count_by_webhook(rows: &[DueRow]) -> HashMap<WebhookId, u32> {
    let mut taken = HashMap::new();
    for row in rows {
        *taken.entry(row.webhook).or_default() += 1;
    }
    taken
}

/// Whether a webhook had as many due as it was given places: then there may be more.
fn is_any_filled(quanta: &[(WebhookId, u32)], taken: &HashMap<WebhookId, u32>) -> bool {
    quanta.iter().any(|(webhook, places)| taken.get(webhook).is_some_and(|taken| taken >= places))
}

/// How long nothing but this engine has kept a delivery that is due: not its place in a line, nor its webhook's rate,
/// which leaves room again since an instant.
fn waits_for_us(
    is_ordered: bool,
    open_since: Option<Timestamp>,
    due_at: Timestamp,
    now: Timestamp,
) -> Option<Duration> {
    (!is_ordered).then(|| now.since(open_since.map_or(due_at, |open| open.max(due_at))))
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
    fn note(&mut self, late: Duration, waits_for_us: Option<Duration>) {
        self.oldest = self.oldest.max(late);
        self.due += 1;
        match waits_for_us {
            Some(waited) => self.oldest_ready = self.oldest_ready.max(waited),
            None => self.held += 1,
        }
    }

    fn tell(&self, metrics: &Metrics) {
        metrics.oldest_due_seconds.set(self.oldest.as_secs_f64());
        metrics.oldest_ready_seconds.set(self.oldest_ready.as_secs_f64());
        metrics.webhooks_due.set(self.due);
        metrics.webhooks_held.set(self.held);
    }
}

/// How many deliveries of each webhook to take: places are shared among tenants by weight, and a tenant's among its
/// webhooks.
fn share(places: usize, ready: &[Ready]) -> Vec<(WebhookId, u32)> {
    let mut of_tenant: HashMap<TenantId, usize> = HashMap::new();
    for Ready { tenant, .. } in ready {
        *of_tenant.entry(*tenant).or_default() += 1;
    }
    let per_weight = share_of_weight(places, ready);
    let mut left = places;
    let mut quanta = Vec::with_capacity(ready.len().min(places));
    for Ready { tenant, weight, webhook, most, .. } in ready {
        let of_its_tenant = places.min(per_weight(*weight));
        let fair = (of_its_tenant / of_tenant[tenant]).max(1).min(usize::try_from(*most).unwrap_or(1)).min(left);
        if fair == 0 {
            break;
        }
        left -= fair;
        quanta.push((*webhook, u32::try_from(fair).unwrap_or(u32::MAX)));
    }
    quanta
}

/// How many places a weight gets of those that all tenants share.
fn share_of_weight(places: usize, ready: &[Ready]) -> impl Fn(u32) -> usize {
    let weights: HashMap<TenantId, u32> = ready.iter().map(|ready| (ready.tenant, ready.weight)).collect();
    let all = weights.values().map(|weight| usize::try_from(*weight).unwrap_or(1)).sum::<usize>().max(1);
    move |weight| (places.saturating_mul(usize::try_from(weight).unwrap_or(1)) / all).max(1)
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
            let ready: Vec<Ready> = hooks.iter().enumerate().flat_map(|(tenant, count)| {
                (0..*count).map(move |hook| {
                    let tenant_id = TenantId(Uuid::from_u128(tenant as u128));
                    let webhook = WebhookId(Uuid::from_u128((tenant * 100 + hook) as u128));
                    Ready { tenant: tenant_id, weight: 1, webhook, is_ordered: false, most: cap, pace: Pace::default() }
                })
            }).collect();
            let quanta = share(places, &ready);
            let total: u32 = quanta.iter().map(|(_, quantum)| quantum).sum();
            prop_assert!(total as usize <= places);
            prop_assert!(quanta.iter().all(|(_, quantum)| (1..=cap).contains(quantum)));
            let fair = (places / hooks.len()).max(1);
            prop_assert!(quanta.iter().all(|(_, quantum)| *quantum as usize <= fair));
        }
    }

    #[test]
    fn what_waits_for_its_rate_or_its_turn_does_not_wait_for_us() {
        let at = Timestamp::from_millis;
        let seconds = |late: u64| Some(Duration::from_secs(late));
        assert_eq!(waits_for_us(false, None, at(1_000), at(9_000)), seconds(8));
        assert_eq!(waits_for_us(false, Some(at(7_000)), at(1_000), at(9_000)), seconds(2));
        assert_eq!(waits_for_us(false, Some(at(500)), at(1_000), at(9_000)), seconds(8));
        assert_eq!(waits_for_us(true, None, at(1_000), at(9_000)), None);
    }

    #[test]
    fn there_may_be_more_where_a_webhook_filled_its_places() {
        let [one, other] = [WebhookId(Uuid::from_u128(1)), WebhookId(Uuid::from_u128(2))];
        let quanta = [(one, 10), (other, 10)];
        let is_filled = |taken: &[(WebhookId, u32)]| is_any_filled(&quanta, &taken.iter().copied().collect());
        // As many rows as there are webhooks, and more: that says nothing.
        assert!(!is_filled(&[]) && !is_filled(&[(one, 9), (other, 9)]));
        assert!(is_filled(&[(other, 10)]));
    }

    #[test]
    fn a_tenant_of_weight_four_gets_four_times_as_much() {
        let ready = |tenant: u128, weight| Ready {
            tenant: TenantId(Uuid::from_u128(tenant)),
            weight,
            webhook: WebhookId(Uuid::from_u128(tenant)),
            is_ordered: false,
            most: 1000,
            pace: Pace::default(),
        };
        let quanta = share(100, &[ready(1, 4), ready(2, 1)]);
        assert_eq!(quanta.iter().map(|(_, quantum)| *quantum).collect::<Vec<_>>(), [80, 20]);
    }
}
