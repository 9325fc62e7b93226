//! What is counted beside the deliveries: statistics, meters, usage.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::traffic::{Batch, Hand};
use super::{Seeded, ends_as};
use crate::chance;
use crate::domain::attempt::NextStep;
use crate::domain::delivery_stats::{OutcomeClass, Tally, floor};
use crate::domain::duration_histogram::bucket_of;
use crate::domain::id::KeyId;
use crate::domain::meter::{Count, Metered, Month, Period};
use crate::domain::plan::{EVENTS, Limit};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::engine::stats::{HOUR, MINUTE, MINUTES_KEPT};
use crate::store::delivery_stats::{StatsOf, StatsRow};
use crate::store::dialect::accept::Metering;
use crate::store::meters::Holder;
use crate::store::requests::{Endpoint, Requests};
use crate::store::{Store, StoreError};

/// Requests of a scope in a month, by how long they took: a bucket, and how many.
type Durations = (Scope, Month, usize, u64);

/// How long a request took that published an event.
const REQUEST_TOOK: Duration = Duration::from_millis(6);
/// How long units are held.
const HELD: Duration = Duration::from_hours(1);

/// Everything that is counted.
pub(super) struct Counts {
    pub(super) seeded: Seeded,
    now: Timestamp,
    stats: HashMap<(Timestamp, StatsOf, OutcomeClass), Tally>,
    metered: Vec<Metered>,
    requests: HashMap<(Scope, Month), u64>,
}

impl Counts {
    pub(super) fn new(seeded: Seeded, now: Timestamp) -> Self {
        Self { seeded, now, stats: HashMap::new(), metered: Vec::new(), requests: HashMap::new() }
    }

    /// Counts a batch, and tells its events what they count on.
    pub(super) fn add(&mut self, batch: &mut Batch) {
        for event in &mut batch.events {
            let (scope, at) = (event.scope, event.content.occurred_at);
            event.counts = vec![self.meter(scope, at)];
            *self.requests.entry((scope, Month::at(at))).or_default() += 1;
            self.seeded.events += 1;
        }
        for (delivery, attempts) in batch.deliveries.iter().zip(&batch.attempts) {
            self.seeded.deliveries += 1;
            let tenant = self.seeded.tenants.iter_mut().find(|(id, ..)| *id == delivery.scope.tenant);
            if let Some((.., count)) = tenant {
                *count += 1;
            }
            match ends_as(attempts) {
                Some(NextStep::Done) => self.seeded.delivered += 1,
                Some(NextStep::DeadLetter) => self.seeded.dead += 1,
                Some(NextStep::RetryAt(_)) | None => self.seeded.pending += 1,
            }
            self.seeded.attempts += attempts.len() as u64;
            for attempt in attempts {
                let class = OutcomeClass::of(&attempt.result);
                let at = self.floor(attempt.settled_at);
                let scope = attempt.scope;
                for of in [StatsOf::Everything, StatsOf::Scope(scope), StatsOf::Webhook(scope, attempt.webhook)] {
                    self.stats.entry((at, of, class)).or_default().count(attempt.step, attempt.took);
                }
            }
        }
        for (.., hand) in &batch.by_hand {
            self.seeded.cancelled += 1;
            match hand {
                Hand::Cancelled(_) => self.seeded.pending -= 1,
                Hand::Discarded(_) => self.seeded.dead -= 1,
            }
        }
    }

    /// The beginning of what an attempt is counted in.
    fn floor(&self, at: Timestamp) -> Timestamp {
        let by_minutes = floor(self.now.before(MINUTES_KEPT), HOUR);
        floor(at, if at < by_minutes { HOUR } else { MINUTE })
    }

    /// Where an event's meter stands in the list.
    fn meter(&mut self, scope: Scope, at: Timestamp) -> usize {
        let window = Period::Month.window_at(at);
        let found = self.metered.iter().position(|one| one.count.scope == scope && one.count.window == window);
        found.unwrap_or_else(|| {
            let count = Count { scope, meter: EVENTS.into(), window };
            self.metered.push(Metered { count, limit: Limit::Unlimited });
            self.metered.len() - 1
        })
    }

    pub(super) fn metering(&self, holder: Uuid, now: Timestamp) -> Metering<'_> {
        Metering { holder, until: now.after(HELD), counts: &self.metered }
    }

    /// Asks for units of everything that is counted on.
    pub(super) async fn grant(&self, store: &Store, holder: Uuid, now: Timestamp) -> Result<(), StoreError> {
        let holder = Holder { id: holder, until: now.after(HELD) };
        for metered in &self.metered {
            store.grant_units(now, holder, metered, 1).await?;
        }
        Ok(())
    }

    pub(super) fn stats(&self) -> Vec<StatsRow> {
        let row = |((starts_at, of, outcome), tally): (&(Timestamp, StatsOf, OutcomeClass), &Tally)| StatsRow {
            of: *of,
            starts_at: *starts_at,
            outcome: *outcome,
            tally: tally.clone(),
        };
        self.stats.iter().map(row).collect()
    }

    /// As if each event had come in a request of its own, by a key that is gone.
    pub(super) fn requests(&self) -> (Vec<(Endpoint, Requests)>, Vec<Durations>) {
        let micros = u64::try_from(REQUEST_TOOK.as_micros()).unwrap_or(u64::MAX);
        let endpoint = |((scope, month), count): (&(Scope, Month), &u64)| {
            let (method, route) = ("POST".to_owned(), "/api/v1/events".to_owned());
            let key = KeyId::new(self.now, chance::id_tail());
            let endpoint = Endpoint { scope: *scope, month: *month, key, method, route };
            (endpoint, Requests { count: *count, failed: 0, micros: count * micros })
        };
        let duration =
            |((scope, month), count): (&(Scope, Month), &u64)| (*scope, *month, bucket_of(REQUEST_TOOK), *count);
        (self.requests.iter().map(endpoint).collect(), self.requests.iter().map(duration).collect())
    }
}
