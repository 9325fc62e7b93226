//! Delivery statistics: what attempts came to, by webhook, by tenant and environment, and altogether.
//!
//! Counted in memory when outcomes are committed, and written once a second and at the end: settling costs no statement
//! more, and a process that is killed loses at most its last second of statistics. The deliveries themselves lose
//! nothing. A process writes rows of its own, by the minute; minutes that nobody needs any more are folded into hours.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::Engine;
use super::settle::AttemptOver;
use super::webhooks::WebhookError;
use crate::chance;
use crate::domain::circuit::Phase;
use crate::domain::delivery_stats::{DeliveryStats, OutcomeClass, StatsRange, Tally, floor};
use crate::domain::id::WebhookId;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
pub use crate::store::delivery_stats::StatsOf;
use crate::store::delivery_stats::StatsRow;

pub(super) const MINUTE: Duration = Duration::from_mins(1);
pub(super) const HOUR: Duration = Duration::from_hours(1);
/// Minutes stay minutes for so long: the shortest range is read by them.
pub(super) const MINUTES_KEPT: Duration = Duration::from_hours(2);
/// Counts that a process has in memory: webhooks that were sent to in a minute, by what their attempts came to. Beyond
/// it, webhooks are only counted with their tenant.
const COUNTS_MAX: usize = 20_000;
/// Rows of one write.
pub(super) const WRITE_MAX: usize = 500;
/// Steps of one fold, and of one purge: what is left waits for the next.
const STEPS_MAX: usize = 2_000;
/// Deliveries that are counted as pending; there may be more.
pub const PENDING_MAX: u32 = 10_000;

#[derive(Default)]
struct Count {
    tally: Tally,
    is_written: bool,
}

#[derive(Default)]
struct Counted {
    /// Never goes back, so that a minute which was written and forgotten is not begun anew.
    minute: Timestamp,
    counts: HashMap<(Timestamp, StatsOf, OutcomeClass), Count>,
}

/// What this process has counted.
pub(crate) struct Stats {
    writer: Uuid,
    counted: Mutex<Counted>,
}

impl Default for Stats {
    fn default() -> Self {
        Self { writer: Uuid::from_bytes(chance::bytes()), counted: Mutex::default() }
    }
}

impl Stats {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts outcomes that were committed.
    pub(super) fn count(&self, over: &[AttemptOver], now: Timestamp) {
        let mut counted = self.counted();
        counted.minute = counted.minute.max(floor(now, MINUTE));
        let minute = counted.minute;
        for attempt in over {
            let class = OutcomeClass::of(&attempt.result);
            let scope = attempt.scope;
            for of in [StatsOf::Everything, StatsOf::Scope(scope), StatsOf::Webhook(scope, attempt.webhook)] {
                let key = (minute, of, class);
                let fits = counted.counts.len() < COUNTS_MAX || counted.counts.contains_key(&key);
                if fits || of == StatsOf::Everything {
                    let count = counted.counts.entry(key).or_default();
                    count.tally.count(attempt.step, attempt.took);
                    count.is_written = false;
                }
            }
        }
    }

    /// What has changed since it was written. Minutes that are over and written are forgotten.
    fn changed(&self, now: Timestamp) -> Vec<StatsRow> {
        let mut counted = self.counted();
        counted.minute = counted.minute.max(floor(now, MINUTE));
        let minute = counted.minute;
        counted.counts.retain(|(starts_at, ..), count| *starts_at >= minute || !count.is_written);
        let changed = counted.counts.iter_mut().filter(|(_, count)| !count.is_written);
        changed
            .map(|((starts_at, of, outcome), count)| {
                count.is_written = true;
                StatsRow { of: *of, starts_at: *starts_at, outcome: *outcome, tally: count.tally.clone() }
            })
            .collect()
    }

    fn was_not_written(&self, rows: &[StatsRow]) {
        let mut counted = self.counted();
        for row in rows {
            if let Some(count) = counted.counts.get_mut(&(row.starts_at, row.of, row.outcome)) {
                count.is_written = false;
            }
        }
    }
}

/// How a webhook is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookStats {
    /// What became of its deliveries.
    pub deliveries: DeliveryStats,
    /// When the first of nothing but failures was.
    pub failing_since: Option<Timestamp>,
    /// How many there were.
    pub consecutive_failures: u64,
    /// Its circuit.
    pub circuit: Phase,
    /// When it is sent to again, while it is not.
    pub waits_until: Option<Timestamp>,
    /// Deliveries that are not final; at most [`PENDING_MAX`] are counted.
    pub pending: u64,
}

impl Engine {
    /// What became of deliveries. Counts of the last second may not be in it.
    pub async fn delivery_stats(&self, of: StatsOf, range: StatsRange) -> Result<DeliveryStats, StoreError> {
        let now = self.clock.now();
        let counted = self.store.stats_since(of, range.starts_at(now)).await?;
        Ok(DeliveryStats::new(range, now, &counted))
    }

    /// How a webhook is doing.
    pub async fn webhook_stats(
        &self,
        scope: Scope,
        id: WebhookId,
        range: StatsRange,
    ) -> Result<WebhookStats, WebhookError> {
        self.webhook(scope, id).await?;
        let now = self.clock.now();
        let deliveries = self.delivery_stats(StatsOf::Webhook(scope, id), range).await?;
        let failing_since = self.store.failing_since(id).await?;
        let consecutive_failures = match failing_since {
            Some(since) => self.failures_since(StatsOf::Webhook(scope, id), since).await?,
            None => 0,
        };
        let gate = self.store.gate(id, now).await?;
        let shut = gate.filter(|gate| gate.until > now);
        let circuit = match gate {
            Some(gate) if gate.probing && gate.until > now => Phase::Open,
            Some(gate) if gate.probing => Phase::HalfOpen,
            Some(_) | None => Phase::Closed,
        };
        let pending = self.store.pending_of(id, PENDING_MAX).await?;
        let waits_until = shut.map(|gate| gate.until);
        Ok(WebhookStats { deliveries, failing_since, consecutive_failures, circuit, waits_until, pending })
    }

    async fn failures_since(&self, of: StatsOf, since: Timestamp) -> Result<u64, StoreError> {
        let minute = floor(since, MINUTE);
        let from = if self.clock.now().since(since) > MINUTES_KEPT { floor(since, HOUR) } else { minute };
        let counted = self.store.stats_since(of, from).await?;
        let failed = counted.iter().filter(|(_, class, _)| *class != OutcomeClass::Success);
        Ok(failed.map(|(_, _, tally)| tally.attempts).sum())
    }

    /// Writes what was counted.
    pub(crate) async fn flush_stats(&self) -> Result<(), StoreError> {
        let changed = self.stats.changed(self.clock.now());
        for rows in changed.chunks(WRITE_MAX) {
            let written = self.store.write_stats(self.stats.writer, rows).await;
            if written.is_err() {
                self.stats.was_not_written(&changed);
            }
            written?;
        }
        Ok(())
    }

    /// Folds minutes into hours that no range is read by any more.
    pub(super) async fn fold_stats(&self) -> Result<(), StoreError> {
        let before = floor(self.clock.now().before(MINUTES_KEPT), HOUR);
        for _ in 0..STEPS_MAX {
            if !self.store.fold_stats(before, |minute| floor(minute, HOUR)).await? {
                break;
            }
        }
        Ok(())
    }

    /// Forgets hours that are older than anything that is kept.
    pub(super) async fn drop_old_stats(&self, before: Timestamp) -> Result<(), StoreError> {
        for _ in 0..STEPS_MAX {
            if !self.store.drop_stats(before).await? {
                break;
            }
        }
        Ok(())
    }
}
