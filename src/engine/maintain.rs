//! What the scheduler has done: partitions, retention, expired keys, webhooks that only fail.

use std::time::Duration;

use serde_json::json;

use super::Engine;
use crate::domain::mail::MailKind;
use crate::store::StoreError;
use crate::store::measures::Backlog;

const DAY: Duration = Duration::from_hours(24);
/// How long an event is kept after its `deliverAt`, at least: longer than retries take, and long enough to be looked at.
const SCHEDULED_KEPT: Duration = Duration::from_hours(7 * 24);
/// A client's own event id may be ahead of the clock, and then its deliveries are older.
const CLOCKS_DIFFER: Duration = Duration::from_hours(1);
/// Rows that one step of a purge takes.
const PURGE_STEP: u32 = 5_000;
/// Replay jobs that one purge takes: each goes with all its runs.
const REPLAYS_STEP: u32 = 200;
/// Steps of one purge: what is left waits for the next.
const PURGE_STEPS_MAX: u32 = 200;
/// Minutes that have ended stay this long, because a commit that began in one may still be under way.
const MINUTES_KEPT: Duration = Duration::from_mins(10);
const FOLD_STEP: u32 = 500;
/// Rows of one table that are counted; a gauge stops there.
const COUNTED_MAX: u32 = 1_000_000;

impl Engine {
    /// Makes the partitions of the days ahead.
    pub async fn make_partitions(&self, days_ahead: u32) -> Result<(), StoreError> {
        let made = self.store.make_partitions(self.clock.now(), days_ahead).await?;
        if made > 0 {
            tracing::info!("made {made} partition(s)");
        }
        Ok(())
    }

    /// Drops what is older than the days that are kept, up to the oldest event that is still to be delivered by its
    /// `deliverAt`, or was lately.
    pub async fn drop_old(&self, days: u32) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let mut before = now.before(DAY * days);
        if let Some(oldest) = self.store.oldest_scheduled(now.before(SCHEDULED_KEPT)).await? {
            before = before.min(oldest.time().before(CLOCKS_DIFFER));
        }
        self.drop_old_stats(now.before(DAY * days)).await?;
        let mut dropped = 0;
        for _ in 0..PURGE_STEPS_MAX {
            let step = self.store.drop_older_than(before, PURGE_STEP).await?;
            dropped += step;
            if step == 0 {
                break;
            }
        }
        // Not a part of what is counted: a job is as old as what it was about.
        self.store.purge_replays(before, REPLAYS_STEP).await?;
        self.store.purge_audit(now.before(self.limits.audit_retention), PURGE_STEP).await?;
        Ok(dropped + self.drop_old_of_tenants(days).await?)
    }

    /// Forgets idempotency keys, sessions and windows that have expired, and gates that have opened; folds statistics.
    pub async fn purge_expired(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        for _ in 0..PURGE_STEPS_MAX {
            if self.store.purge_request_windows(now, PURGE_STEP).await? < u64::from(PURGE_STEP) {
                break;
            }
        }
        for _ in 0..PURGE_STEPS_MAX {
            if self.store.purge_idempotent_requests(now, PURGE_STEP).await? < u64::from(PURGE_STEP) {
                break;
            }
        }
        self.fold_stats().await?;
        let unused_since = self.paces_matter_since();
        for _ in 0..PURGE_STEPS_MAX {
            if self.store.purge_paces(unused_since, PURGE_STEP).await? < u64::from(PURGE_STEP) {
                break;
            }
        }
        let closed = now.before(MINUTES_KEPT);
        while self.store.fold_minutes(closed, FOLD_STEP).await? > 0 {}
        for _ in 0..PURGE_STEPS_MAX {
            if self.store.purge_idempotency(now, PURGE_STEP).await? < u64::from(PURGE_STEP) {
                break;
            }
        }
        for _ in 0..PURGE_STEPS_MAX {
            if self.store.purge_sessions(now, PURGE_STEP).await? < u64::from(PURGE_STEP) {
                break;
            }
        }
        self.purge_portal_links().await?;
        self.expunge_again().await?;
        self.store.forget_opened_gates(now).await
    }

    /// Disables webhooks that had nothing but failures for too long, and warns at half time.
    pub async fn check_failing(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let limit = self.limits.disable_after;
        for failing in self.store.webhooks_failing_since(now.before(limit / 2)).await? {
            let Some(listener) = self.listener(failing.webhook).await? else { continue };
            let scope = listener.webhook.scope;
            if !listener.webhook.is_sending() {
                continue;
            }
            if failing.since <= now.before(limit) {
                let reason = format!("Every attempt has failed since {}.", failing.since);
                self.disable_webhook(scope, failing.webhook, "failing", &reason).await?;
            } else if !failing.warned && self.store.webhook_was_warned(failing.webhook, now).await? {
                let disables_at = failing.since.after(limit);
                let data = json!({
                    "webhookId": failing.webhook, "failingSince": failing.since, "disablesAt": disables_at,
                });
                let mut facts = data.clone();
                facts["webhookName"] = listener.webhook.settings.name.as_str().into();
                self.notice(scope, "webhook.failing", &data, Some((MailKind::Failing, &facts))).await;
            }
        }
        Ok(())
    }

    /// Keeps the clock on the database's time, and the copies of what other processes change fresh.
    pub async fn keep_fresh(&self) -> Result<(), StoreError> {
        if let Some(time) = self.store.time().await? {
            self.clock.follow(time);
        }
        self.refresh_directory().await?;
        self.forget_rates();
        self.flush_usage().await?;
        self.flush_stats().await?;
        self.check_quotas().await?;
        self.refresh_gates().await
    }

    /// Looks at the health of webhooks with fresh eyes.
    pub fn forget_health(&self) {
        self.health.forget();
    }

    /// Measures what every process knows.
    pub fn measure(&self) {
        let health = self.broker.health();
        self.metrics.broker_ready.set(i64::from(health.ready));
        self.metrics.broker_waiting.set(gauge(health.waiting));
        self.metrics.circuits_open.set(gauge(self.gates.probing()));
        self.metrics.clock_offset_seconds.set(self.clock.offset_seconds());
    }

    /// Counts what is in the database, which one process does for all.
    pub async fn measure_backlog(&self) -> Result<(), StoreError> {
        let Backlog { pending, dead_letters, failing } = self.store.count_backlog(COUNTED_MAX).await?;
        self.metrics.pending.set(pending);
        self.metrics.dead_letters.set(dead_letters);
        self.metrics.webhooks_failing.set(failing);
        Ok(())
    }

    /// Measures the size of the database.
    pub async fn measure_store(&self) -> Result<(), StoreError> {
        self.metrics.store_bytes.set(self.store.bytes().await?);
        Ok(())
    }
}

fn gauge<T>(count: T) -> i64
where
    i64: TryFrom<T>,
{
    i64::try_from(count).unwrap_or(i64::MAX)
}
