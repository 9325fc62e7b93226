//! What happened: made-up events in the order of time, and what became of each of their deliveries.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::SeedPlan;
use super::draw::Draw;
use super::subscribers::{Subscriber, Temper};
use super::timeline::Timeline;
use crate::domain::attempt::{AttemptResult, NextStep};
use crate::domain::event::{EventContent, EventType, Routing};
use crate::domain::id::{DeliveryId, EventId};
use crate::domain::request::HIDDEN;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::engine::settle::AttemptOver;
use crate::store::dialect::accept::{DeliveryRow, EventRow};

/// The fencing number of all claims.
const EPOCH: i64 = 1;
/// No request goes out before, whatever is done with the database.
const REST: Duration = Duration::from_hours(1);
/// What begins this shortly before now is not over yet.
const UNDER_WAY: Duration = Duration::from_secs(30);
/// From an accept to its first attempt.
const FIRST_AFTER: Duration = Duration::from_millis(4);
/// A waiting delivery is cancelled by a person so many times in ten thousand, and a dead letter discarded.
const CANCELLED: u64 = 300;
const DISCARDED: u64 = 500;
/// A picky receiver refuses so many of ten thousand for ever.
const REFUSED: u64 = 200;

/// Event types, and how often they happen.
const TYPES: [(&str, u64); 13] = [
    ("order.created", 2_000),
    ("order.paid", 1_600),
    ("order.shipped", 1_200),
    ("order.cancelled", 250),
    ("customer.created", 900),
    ("customer.updated", 1_400),
    ("invoice.created", 600),
    ("invoice.paid", 500),
    ("invoice.failed", 60),
    ("message.received", 1_200),
    ("conversation.closed", 230),
    ("subscription.renewed", 55),
    ("report.generated", 5),
];

/// What a person did in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hand {
    Cancelled(Timestamp),
    Discarded(Timestamp),
}

/// Some events, in the order of time, with what became of their deliveries.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) events: Vec<EventRow>,
    pub(super) deliveries: Vec<DeliveryRow>,
    /// The attempts of each delivery.
    pub(super) attempts: Vec<Vec<AttemptOver>>,
    pub(super) by_hand: Vec<(Scope, DeliveryId, Hand)>,
}

/// A tenant as it takes part.
pub(super) struct Sender {
    pub(super) scope: Scope,
    pub(super) name: &'static str,
    pub(super) subscribers: Vec<Subscriber>,
    /// Its share of the events.
    pub(super) weight: u64,
}

/// Makes events until there are as many deliveries as are wanted.
pub(super) struct Traffic<'a> {
    senders: &'a [Sender],
    types: Vec<(EventType, u64)>,
    timeline: Timeline,
    now: Timestamp,
    wanted: u64,
    made: u64,
    events: u64,
    draw: Draw,
}

impl<'a> Traffic<'a> {
    pub(super) fn new(plan: &SeedPlan, senders: &'a [Sender], now: Timestamp, draw: Draw) -> Self {
        let parse = |(name, weight): (&str, u64)| (EventType::parse(name).expect("a test parses them"), weight);
        let wanted = u64::from(plan.deliveries);
        Self {
            senders,
            types: TYPES.map(parse).into(),
            timeline: Timeline::new(plan.start(now), plan.days, wanted),
            now,
            wanted,
            made: 0,
            events: 0,
            draw,
        }
    }

    /// The next events, with at least so many deliveries together; none when all are made.
    pub(super) fn next(&mut self, deliveries: usize) -> Option<Batch> {
        let mut batch = Batch::default();
        while self.made < self.wanted && batch.deliveries.len() < deliveries {
            self.event(&mut batch);
        }
        (!batch.events.is_empty()).then_some(batch)
    }

    fn event(&mut self, batch: &mut Batch) {
        let senders = self.senders;
        let at = self.timeline.at(self.made);
        let sender = self.draw.pick(senders, |sender| sender.weight);
        let (event_type, _) = self.draw.pick(&self.types, |(_, weight)| *weight).clone();
        self.events += 1;
        let content = Arc::new(EventContent {
            id: EventId::new(at, self.draw.bits()),
            occurred_at: at,
            data: data(&event_type, self.events, &mut self.draw),
            event_type,
        });
        for subscriber in &sender.subscribers {
            if self.made < self.wanted && subscriber.webhook.settings.wants(&content.event_type) {
                self.delivery(subscriber, &content, at, batch);
                self.made += 1;
            }
        }
        batch.events.push(EventRow {
            scope: sender.scope,
            content,
            routing: Routing::default(),
            idempotency: None,
            record: None,
            counts: Vec::new(),
        });
    }

    fn delivery(&mut self, subscriber: &Subscriber, event: &EventContent, at: Timestamp, batch: &mut Batch) {
        let is_sent = !subscriber.is_stopped(at);
        let row = DeliveryRow {
            id: DeliveryId::new(at, self.draw.bits()),
            scope: subscriber.webhook.scope,
            event: event.id,
            event_type: event.event_type.clone(),
            webhook: subscriber.webhook.id,
            reason: "event",
            // Nobody else may take it while its attempts are being written.
            due_at: if is_sent { self.now.after(REST) } else { Timestamp::NEVER },
            leased: is_sent,
            epoch: EPOCH,
        };
        let attempts = if is_sent { self.attempts(subscriber, event, &row, at) } else { Vec::new() };
        match attempts.last().map(|last| (last.step, last.settled_at)) {
            Some((NextStep::RetryAt(_), over)) if self.draw.happens(CANCELLED) => {
                batch.by_hand.push((row.scope, row.id, Hand::Cancelled(over)));
            }
            Some((NextStep::DeadLetter, over)) if self.draw.happens(DISCARDED) => {
                batch.by_hand.push((row.scope, row.id, Hand::Discarded(over)));
            }
            Some(_) | None => {}
        }
        batch.deliveries.push(row);
        batch.attempts.push(attempts);
    }

    /// The attempts until now, by the webhook's own policy.
    fn attempts(
        &mut self,
        to: &Subscriber,
        event: &EventContent,
        row: &DeliveryRow,
        at: Timestamp,
    ) -> Vec<AttemptOver> {
        let is_refused = to.temper == Temper::Picky && self.draw.happens(REFUSED);
        let mut attempts = Vec::with_capacity(1);
        let mut started_at = at.after(FIRST_AFTER);
        for number in 1.. {
            let (result, took) = to.answer(started_at, is_refused, &mut self.draw);
            let settled_at = started_at.after(took);
            let jitter = self.draw.fraction();
            let mut step = to.webhook.settings.retry_policy.next(number, &result, settled_at, jitter);
            let next = match step {
                NextStep::RetryAt(next) if next < self.now.before(UNDER_WAY) && !to.is_stopped(next) => Some(next),
                NextStep::RetryAt(next) => {
                    step = NextStep::RetryAt(next.max(self.now.after(REST)));
                    None
                }
                NextStep::Done | NextStep::DeadLetter => None,
            };
            attempts.push(over(to, event, row, Exchange { number, started_at, settled_at, took, result, step }));
            let Some(next) = next else { break };
            started_at = next;
        }
        attempts
    }
}

/// One exchange.
struct Exchange {
    number: u32,
    started_at: Timestamp,
    settled_at: Timestamp,
    took: Duration,
    result: AttemptResult,
    step: NextStep,
}

fn over(to: &Subscriber, event: &EventContent, row: &DeliveryRow, exchange: Exchange) -> AttemptOver {
    let Exchange { number, started_at, settled_at, took, result, step } = exchange;
    let headers = r#"{"content-type":"application/json; charset=utf-8"}"#;
    let (response_headers, excerpt) = match result.status() {
        Some(200) => (headers, r#"{"ok":true}"#),
        Some(422) => (headers, r#"{"error":"the address is not known"}"#),
        Some(204) | None => ("{}", ""),
        Some(_) => (r#"{"content-type":"text/plain","server":"nginx"}"#, "upstream is not available"),
    };
    AttemptOver {
        delivery: row.id,
        epoch: row.epoch,
        scope: row.scope,
        webhook: row.webhook,
        event_type: row.event_type.clone(),
        number,
        started_at,
        settled_at,
        took,
        url: to.webhook.settings.url.clone(),
        result,
        step,
        request_headers: format!(
            r#"{{"content-type":"application/json","webhook-id":"{}","webhook-timestamp":"{}","webhook-signature":"{HIDDEN}"}}"#,
            event.id,
            started_at.as_seconds(),
        ),
        response_headers: response_headers.to_owned(),
        response_excerpt: excerpt.into(),
        is_ordered: false,
    }
}

/// What an event tells: a few hundred bytes.
fn data(event_type: &EventType, number: u64, draw: &mut Draw) -> Bytes {
    const NAMES: [&str; 8] = ["Ada", "Grace", "Edsger", "Barbara", "Alan", "Katherine", "Donald", "Radia"];
    let customer = draw.below(50_000);
    let name = NAMES[usize::try_from(customer % 8).unwrap_or(0)];
    let (subject, _) = event_type.as_str().split_once('.').unwrap_or((event_type.as_str(), ""));
    let (cents, sku, quantity) = (100 + draw.below(50_000), draw.below(2_000), 1 + draw.below(5));
    Bytes::from(format!(
        r#"{{"id":"{subject}_{number:08}","customer":{{"id":{customer},"name":"{name}","email":"customer{customer}@example.com"}},"amount":{{"cents":{cents},"currency":"EUR"}},"items":[{{"sku":"sku-{sku:04}","quantity":{quantity}}}],"note":"Made up by angarium seed, so that there is something to look at."}}"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::TenantId;
    use crate::domain::tenant::Environment;

    #[test]
    fn every_type_has_a_valid_name() {
        assert!(TYPES.iter().all(|(name, _)| EventType::parse(name).is_ok()));
    }

    /// The deliveries of a plan that stands at one instant, and how many attempts each had.
    fn made(number: u64) -> Vec<(DeliveryId, usize)> {
        let plan = SeedPlan { deliveries: 3_000, tenants: 1, webhooks: 12, days: 3, number };
        let now = Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap();
        let scope = Scope { tenant: TenantId(uuid::Uuid::nil()), environment: Environment::Staging };
        let mut draw = Draw::new(number);
        let span = (plan.start(now), now);
        let subscribers = (0..12).map(|place| Subscriber::new(scope, "alder", place, span, &mut draw)).collect();
        let senders = [Sender { scope, name: "alder", subscribers, weight: 1 }];
        let mut traffic = Traffic::new(&plan, &senders, now, draw);
        let batches = std::iter::from_fn(|| traffic.next(100));
        let of = |batch: Batch| {
            assert!(batch.attempts.iter().flatten().all(|attempt| attempt.settled_at <= now));
            let ids: Vec<_> = batch.deliveries.iter().map(|delivery| delivery.id).collect();
            ids.into_iter().zip(batch.attempts.into_iter().map(|of| of.len()))
        };
        batches.flat_map(of).collect()
    }

    #[test]
    fn one_number_makes_one_history() {
        let first = made(7);
        assert_eq!(first.len(), 3_000);
        assert!([0, 1, 10].iter().all(|attempts| first.iter().any(|(_, made)| made == attempts)));
        assert_eq!(made(7), first);
        assert_ne!(made(8), first);
    }

    #[test]
    fn the_data_is_json() {
        let event_type = EventType::parse("order.created").unwrap();
        let data = data(&event_type, 7, &mut Draw::new(1));
        let value: serde_json::Value = serde_json::from_slice(&data).unwrap();
        assert_eq!(value["id"], "order_00000007");
    }
}
