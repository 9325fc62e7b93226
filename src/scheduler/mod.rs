//! The scheduler: one process at a time leads, sweeps what is due, and does the chores that cron expressions set.
//!
//! Leadership saves work; correctness does not need it. Two sweeps at once skip each other's rows, and the epoch
//! refuses whatever they both made a ticket of. Loops look at the clock in real time, so that a test's manual clock
//! moves everything that is due at once.

pub mod mailer;

use std::sync::Arc;
use std::time::Duration;

use cron::Schedule;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::mailer::Mailer;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::store::StoreError;

const LEADER: &str = "scheduler";
/// A sweep that found more than it could take is repeated after this.
const PAUSE_WHEN_MORE: Duration = Duration::from_millis(5);
/// Of its time, a sweep takes at most one part in so many: a large backlog of webhooks is looked at less often.
const SWEEP_SHARE: u32 = 10;
/// Gauges of the backlog are as old as this at most ...
const COUNT_EVERY: Duration = Duration::from_secs(1);
/// ... or as so many times what counting takes.
const COUNT_SHARE: u32 = 50;
/// How often the size of the database is asked for.
const SIZE_EVERY: Duration = Duration::from_mins(1);

/// What the scheduler is told.
#[derive(Debug, Clone)]
pub struct SchedulerOptions {
    /// Who leads, in the database.
    pub node: String,
    /// How long a silent leader leads on.
    pub leader_lease: Duration,
    /// How often to look for what is due.
    pub sweep_every: Duration,
    /// The least time between two steps of a replay job; what is due is looked for as often.
    pub replay_step_every: Duration,
    /// Days of partitions to make ahead.
    pub partition_days_ahead: u32,
    /// Days that are kept.
    pub retention_days: u32,
    /// When to make partitions.
    pub partitions: Schedule,
    /// When to drop what is old.
    pub retention: Schedule,
    /// When to forget expired keys.
    pub idempotency: Schedule,
    /// When to look at failing webhooks.
    pub health: Schedule,
    /// When to look for API keys that should be rotated.
    pub rotation: Schedule,
    /// Sends mails; none: nobody does.
    pub mailer: Option<Mailer>,
}

#[derive(Debug, Clone, Copy)]
enum Chore {
    Partitions,
    Retention,
    Idempotency,
    Health,
    Rotation,
}

/// Leads when it can, until `shutdown`.
pub async fn run(engine: Arc<Engine>, options: SchedulerOptions, shutdown: CancellationToken) {
    let (leads, seen) = watch::channel(false);
    let mailer = options.mailer.clone();
    let mails = async {
        if let Some(mailer) = mailer {
            mailer::run(Arc::clone(&engine), mailer, seen, shutdown.clone()).await;
        }
    };
    tokio::join!(lead_and_sweep(&engine, &options, &leads, &shutdown), mails);
}

async fn lead_and_sweep(
    engine: &Engine,
    options: &SchedulerOptions,
    leads: &watch::Sender<bool>,
    shutdown: &CancellationToken,
) {
    let mut next = next_chores(options, engine.clock().now());
    let mut leads_until = Timestamp::default();
    let mut pause = Duration::ZERO;
    let mut step_at = Instant::now();
    let mut gauges = Gauges::default();
    while tokio::time::timeout(pause, shutdown.cancelled()).await.is_err() {
        let now = engine.clock().now();
        if leads_until <= now.after(options.leader_lease / 2) {
            leads_until = lead(engine, options, now).await;
        }
        engine.metrics().is_leader.set(i64::from(leads_until > now));
        leads.send_replace(leads_until > now);
        if leads_until <= now {
            engine.metrics().forget_the_leaders();
            gauges = Gauges::default();
            pause = options.sweep_every;
            continue;
        }
        // Before the sweep, which takes what a step makes.
        if step_at <= Instant::now() {
            step_at = Instant::now() + step_replays(engine, options).await;
        }
        let began = Instant::now();
        let swept = engine.sweep().await;
        let sweep_took = began.elapsed();
        pause = options.sweep_every.min(step_at.saturating_duration_since(Instant::now()));
        match swept {
            Ok(swept) if swept.claimed > 0 && swept.more => pause = PAUSE_WHEN_MORE,
            Ok(_) => pause = pause.max(sweep_took * SWEEP_SHARE),
            Err(error) => tracing::warn!("the sweep failed: {error}"),
        }
        if let Err(error) = gauges.keep(engine).await {
            tracing::warn!("the backlog was not counted: {error}");
        }
        for (chore, due) in &mut next {
            if *due <= now {
                do_chore(engine, options, *chore).await;
                *due = next_time(schedule_of(options, *chore), now);
            }
        }
    }
    if let Err(error) = engine.store().resign(LEADER, &options.node).await {
        tracing::warn!("the lead was not given up: {error}");
    }
}

/// Moves replay jobs on; how long until they are moved on again.
async fn step_replays(engine: &Engine, options: &SchedulerOptions) -> Duration {
    match engine.advance_replays().await {
        Ok(Some(next)) => next.max(options.replay_step_every).min(options.sweep_every),
        Ok(None) => options.sweep_every,
        Err(error) => {
            tracing::warn!("replays wait for their next turn: {error}");
            options.sweep_every
        }
    }
}

/// When the leader next measures what it measures for all.
#[derive(Default)]
struct Gauges {
    count_at: Option<Instant>,
    size_at: Option<Instant>,
}

impl Gauges {
    async fn keep(&mut self, engine: &Engine) -> Result<(), StoreError> {
        let began = Instant::now();
        if self.count_at.is_none_or(|at| at <= began) {
            // Set first: a database that is away is not asked all the time.
            self.count_at = Some(began + COUNT_EVERY);
            engine.measure_backlog().await?;
            self.count_at = Some(began + COUNT_EVERY.max(began.elapsed() * COUNT_SHARE));
        }
        if self.size_at.is_none_or(|at| at <= began) {
            self.size_at = Some(began + SIZE_EVERY);
            engine.measure_store().await?;
        }
        Ok(())
    }
}

async fn lead(engine: &Engine, options: &SchedulerOptions, now: Timestamp) -> Timestamp {
    let until = now.after(options.leader_lease);
    match engine.store().lead(LEADER, &options.node, now, until).await {
        Ok(true) => until,
        Ok(false) => Timestamp::default(),
        Err(error) => {
            tracing::warn!("leadership is unknown: {error}");
            Timestamp::default()
        }
    }
}

async fn do_chore(engine: &Engine, options: &SchedulerOptions, chore: Chore) {
    let done: Result<(), StoreError> = match chore {
        Chore::Partitions => engine.make_partitions(options.partition_days_ahead).await,
        Chore::Retention => engine.drop_old(options.retention_days).await.map(drop),
        Chore::Idempotency => engine.purge_expired().await,
        Chore::Health => {
            engine.forget_health();
            engine.check_failing().await
        }
        Chore::Rotation => engine.notify_rotations().await,
    };
    if let Err(error) = done {
        tracing::warn!("a chore failed and waits for its next turn: {chore:?}: {error}");
    }
}

fn next_chores(options: &SchedulerOptions, now: Timestamp) -> Vec<(Chore, Timestamp)> {
    let chores = [Chore::Partitions, Chore::Retention, Chore::Idempotency, Chore::Health, Chore::Rotation];
    chores.into_iter().map(|chore| (chore, next_time(schedule_of(options, chore), now))).collect()
}

const fn schedule_of(options: &SchedulerOptions, chore: Chore) -> &Schedule {
    match chore {
        Chore::Partitions => &options.partitions,
        Chore::Retention => &options.retention,
        Chore::Idempotency => &options.idempotency,
        Chore::Health => &options.health,
        Chore::Rotation => &options.rotation,
    }
}

/// The first time of a schedule after an instant; never, if it has none left.
fn next_time(schedule: &Schedule, after: Timestamp) -> Timestamp {
    let after = chrono::DateTime::from_timestamp_millis(after.as_millis());
    let next = after.and_then(|after| schedule.after(&after).next());
    next.map_or(Timestamp::NEVER, |time| Timestamp::from_millis(time.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_gives_its_next_time() {
        let schedule: Schedule = "0 5 * * * *".parse().unwrap();
        let noon = Timestamp::parse_rfc3339("2026-11-21T12:05:00Z").unwrap();
        assert_eq!(next_time(&schedule, noon).to_string(), "2026-11-21T13:05:00.000Z");
    }
}
