//! Seed: made-up deliveries, so that pages, lists and statements can be looked at and measured at a size.
//!
//! What is made up is what happened; it is written by the statements that write what does happen ([`Store::accept`],
//! [`Store::settle`], [`Store::write_stats`]), so a seeded database holds what a used one holds. Only the times lie in
//! the past, and no request goes out: receivers have names that nobody can have, and what waits, waits for an hour or
//! for its webhook.
//!
//! [`Store::accept`]: crate::store::Store::accept
//! [`Store::settle`]: crate::store::Store::settle
//! [`Store::write_stats`]: crate::store::Store::write_stats

mod counts;
mod draw;
mod subscribers;
mod timeline;
mod traffic;

use std::time::Duration;

use uuid::Uuid;

use self::counts::Counts;
use self::draw::Draw;
use self::subscribers::{Subscriber, TENANTS, Temper};
use self::traffic::{Batch, Hand, Sender, Traffic};
use super::Engine;
use super::settle::{AttemptOver, row};
use crate::chance;
use crate::domain::attempt::NextStep;
use crate::domain::id::{DeliveryId, TenantId};
use crate::domain::tenant::{Environment, Scope};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::dialect::accept::BatchOutcome;
use crate::store::dialect::settle::SettleRow;

/// Tenants that there can be.
pub const TENANTS_MAX: u32 = 8;
/// Webhooks of one tenant.
pub const WEBHOOKS_MAX: u32 = 200;
/// Days that deliveries are spread over: fewer than they are kept.
pub const DAYS_MAX: u32 = 28;

const DAY: Duration = Duration::from_hours(24);
/// The newest delivery is so old.
const AGE_MIN: Duration = Duration::from_mins(1);
/// Deliveries of one transaction.
const BATCH: usize = 2_000;
/// How often a batch is written again because webhooks changed meanwhile.
const STALE_TRIES: usize = 8;
/// The fencing number of no claim.
const NO_EPOCH: i64 = 0;
/// The plan that new tenants are on.
const PLAN: &str = "unlimited";
/// Why dead letters were discarded.
const REASON: &str = "The customer has closed the account.";

/// How much is made.
#[derive(Debug, Clone, Copy)]
pub struct SeedPlan {
    /// Deliveries, of all tenants together.
    pub deliveries: u32,
    /// Tenants; each has half as many events as the one before.
    pub tenants: u32,
    /// Webhooks of each.
    pub webhooks: u32,
    /// Days until now that they are spread over.
    pub days: u32,
    /// Another number makes other deliveries.
    pub number: u64,
}

impl SeedPlan {
    /// When the oldest event happens.
    fn start(&self, now: Timestamp) -> Timestamp {
        now.before(AGE_MIN).before(DAY * self.days)
    }
}

/// What was made.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "each is a count of what its name says")]
pub struct Seeded {
    /// Their ids, names, and how many deliveries each has.
    pub tenants: Vec<(TenantId, String, u64)>,
    pub webhooks: u64,
    pub events: u64,
    pub deliveries: u64,
    pub delivered: u64,
    pub pending: u64,
    pub dead: u64,
    pub cancelled: u64,
    pub attempts: u64,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// There are events already.
    #[error("the database holds events already")]
    NotEmpty,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Fills the database. With `add`, whatever it holds already. `progress` is told how many deliveries are made.
    pub async fn seed(
        &self,
        plan: &SeedPlan,
        add: bool,
        progress: impl Fn(u64) + Send + Sync,
    ) -> Result<Seeded, SeedError> {
        if !add && self.store.has_events().await? {
            return Err(SeedError::NotEmpty);
        }
        let now = self.clock.now();
        let mut draw = Draw::new(plan.number);
        self.store.make_partitions(plan.start(now).after(DAY), plan.days).await?;
        let senders = self.make_senders(plan, now, &mut draw).await?;
        let seeded = Seeded {
            tenants: senders.iter().map(|sender| (sender.scope.tenant, sender.name.to_owned(), 0)).collect(),
            webhooks: senders.iter().map(|sender| sender.subscribers.len() as u64).sum(),
            ..Seeded::default()
        };
        let mut counts = Counts::new(seeded, now);
        let holder = Uuid::from_bytes(chance::bytes());
        let mut traffic = Traffic::new(plan, &senders, now, draw);
        while let Some(mut batch) = traffic.next(BATCH) {
            counts.add(&mut batch);
            self.write_batch(&batch, &counts, holder, now).await?;
            progress(counts.seeded.deliveries);
        }
        self.write_counts(&counts).await?;
        self.note_down(&senders).await?;
        self.store.tidy().await?;
        Ok(counts.seeded)
    }

    async fn make_senders(&self, plan: &SeedPlan, now: Timestamp, draw: &mut Draw) -> Result<Vec<Sender>, StoreError> {
        let environment = if self.limits.production { Environment::Production } else { Environment::Staging };
        let mut senders = Vec::new();
        let names = TENANTS.iter().take(usize::try_from(plan.tenants).unwrap_or(usize::MAX));
        for (place, name) in names.enumerate() {
            let tenant = self.ensure_tenant(name, PLAN).await?;
            let scope = Scope { tenant: tenant.id, environment };
            let span = (plan.start(now), now);
            let subscribers: Vec<_> =
                (0..plan.webhooks).map(|number| Subscriber::new(scope, name, number, span, draw)).collect();
            for Subscriber { webhook, .. } in &subscribers {
                let secrets = self.untold_secrets(webhook, webhook.created_at);
                self.store.insert_webhook(webhook, &secrets, None).await?;
            }
            senders.push(Sender { scope, name, subscribers, weight: 1 << (TENANTS.len() - place) });
        }
        self.refresh_directory().await?;
        Ok(senders)
    }

    async fn write_batch(
        &self,
        batch: &Batch,
        counts: &Counts,
        holder: Uuid,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_events(batch, counts, holder, now).await?;
        let mut last: Vec<SettleRow> = batch.attempts.iter().filter_map(|of| of.last()).map(row).collect();
        last.sort_unstable_by_key(|row| row.delivery);
        self.store.settle(&last).await?;
        // Those before it are logged, and change nothing any more: their claims are over.
        let before = batch.attempts.iter().flat_map(|of| of.split_last().map_or(&of[..], |(_, before)| before));
        let mut before: Vec<SettleRow> = before.map(|over| SettleRow { epoch: NO_EPOCH, ..row(over) }).collect();
        before.sort_unstable_by_key(|row| (row.delivery, row.number));
        if !before.is_empty() {
            self.store.settle(&before).await?;
        }
        for (scope, id, hand) in &batch.by_hand {
            self.end_by_hand(*scope, *id, *hand).await?;
        }
        Ok(())
    }

    async fn write_events(
        &self,
        batch: &Batch,
        counts: &Counts,
        holder: Uuid,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for _ in 0..STALE_TRIES {
            let revision = self.directory.current().revision();
            let metering = counts.metering(holder, now);
            let Batch { events, deliveries, .. } = batch;
            match self.store.accept(revision, now, events, deliveries, metering, &[]).await? {
                BatchOutcome::Written { .. } => return Ok(()),
                BatchOutcome::Stale => drop(self.refresh_directory().await?),
                BatchOutcome::Dry => counts.grant(&self.store, holder, now).await?,
            }
        }
        Err(StoreError::Contended)
    }

    async fn end_by_hand(&self, scope: Scope, id: DeliveryId, hand: Hand) -> Result<(), StoreError> {
        match hand {
            Hand::Cancelled(at) => self.store.cancel_delivery(scope, id, at, None).await?,
            Hand::Discarded(at) => self.store.discard_dead_letter(scope, id, REASON, at, None).await?,
        };
        Ok(())
    }

    /// Statistics, as processes write them and the scheduler folds them; and usage.
    async fn write_counts(&self, counts: &Counts) -> Result<(), StoreError> {
        let writer = Uuid::from_bytes(chance::bytes());
        for rows in counts.stats().chunks(super::stats::WRITE_MAX) {
            self.store.write_stats(writer, rows).await?;
        }
        self.fold_stats().await?;
        let (endpoints, durations) = counts.requests();
        self.store.add_requests(&endpoints, &durations).await
    }

    /// Notes which webhooks have nothing but failures.
    async fn note_down(&self, senders: &[Sender]) -> Result<(), StoreError> {
        let all = senders.iter().flat_map(|sender| &sender.subscribers);
        for down in all.filter(|subscriber| subscriber.temper == Temper::Down) {
            self.store.webhook_is_failing(down.webhook.id, down.ends_at).await?;
        }
        Ok(())
    }
}

/// What has become of a delivery once its attempts are over.
fn ends_as(attempts: &[AttemptOver]) -> Option<NextStep> {
    attempts.last().map(|attempt| attempt.step)
}
