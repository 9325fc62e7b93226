//! Settle: the outcome of an attempt becomes durable, with what follows from it.
//!
//! Outcomes that arrive while a commit is under way share the next one. When the database is away they are kept and
//! tried again for a while; after that their leases bring the deliveries back, which repeats a request but loses
//! nothing.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Engine;
use super::group::Group;
use crate::domain::attempt::{AttemptResult, NextStep, sentence};
use crate::domain::event::EventType;
use crate::domain::id::{DeliveryId, WebhookId};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::store::dialect::settle::SettleRow;
use crate::store::{Db, StoreError};
use crate::telemetry::Outcome;

/// How long outcomes are kept while the database is away.
const KEEP_TRIES: u32 = 40;
const KEEP_PAUSE: Duration = Duration::from_millis(50);
const KEEP_PAUSE_MAX: Duration = Duration::from_secs(2);

/// An attempt that is over.
#[derive(Debug, Clone)]
pub struct AttemptOver {
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// The claim's fencing number.
    pub epoch: i64,
    /// Whose.
    pub scope: Scope,
    /// Where to.
    pub webhook: WebhookId,
    /// Of what type the event is.
    pub event_type: EventType,
    /// The attempt's number; 1 is the first ever.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was over.
    pub settled_at: Timestamp,
    /// How long it took, more finely than the two instants say.
    pub took: Duration,
    /// The URL that it went to.
    pub url: String,
    /// What it came to.
    pub result: AttemptResult,
    /// What comes next, by the webhook's policy.
    pub step: NextStep,
    /// JSON; without secrets.
    pub request_headers: String,
    /// JSON.
    pub response_headers: String,
    /// The first bytes of the answer.
    pub response_excerpt: Vec<u8>,
    /// Whether another delivery waits until this one is over.
    pub is_ordered: bool,
}

enum Job {
    /// With the place that it holds until it is committed.
    Over(Box<AttemptOver>, Option<OwnedSemaphorePermit>),
    Park(DeliveryId, i64, Timestamp),
}

/// Where outcomes wait for a commit.
pub(super) struct SettleQueue(std::sync::Mutex<Option<mpsc::Sender<Job>>>);

/// The other end of [`SettleQueue`].
pub(super) struct SettleJobs(mpsc::Receiver<Job>);

impl SettleQueue {
    pub(super) fn new(batch_max: usize) -> (Self, SettleJobs) {
        let (sender, receiver) = mpsc::channel(batch_max * 4);
        (Self(std::sync::Mutex::new(Some(sender))), SettleJobs(receiver))
    }

    pub(super) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    async fn put(&self, job: Job) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(sender) = sender {
            // The receiver lives until every sender is gone.
            let _ = sender.send(job).await;
        }
    }
}

impl Engine {
    /// Hands in the outcome of an attempt; waits only while too many wait. The place is given up once the outcome is
    /// committed, so whoever gives out places bounds how many outcomes a crash can lose.
    pub async fn settle(&self, over: AttemptOver, place: Option<OwnedSemaphorePermit>) {
        self.settle.put(Job::Over(Box::new(over), place)).await;
    }

    /// Puts a claimed delivery back without an attempt.
    pub async fn park(&self, delivery: DeliveryId, epoch: i64, until: Timestamp) {
        self.metrics.parked.inc();
        self.settle.put(Job::Park(delivery, epoch, until)).await;
    }
}

/// Commits what waits, until the queue is closed and empty.
pub(super) async fn run(engine: Arc<Engine>, jobs: SettleJobs) {
    let commits = match engine.store.db {
        Db::Postgres(_) => 2,
        Db::Sqlite { .. } => 1,
    };
    let permits = Arc::new(Semaphore::new(commits));
    let mut group = Group::new(jobs.0, engine.limits.settle_batch_max);
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        let Some(batch) = group.next().await else { break };
        let engine_of_batch = Arc::clone(&engine);
        engine.tasks.spawn(async move {
            commit(&engine_of_batch, batch).await;
            drop(permit);
        });
    }
}

async fn commit(engine: &Arc<Engine>, jobs: Vec<Job>) {
    let mut over = Vec::with_capacity(jobs.len());
    let mut places = Vec::with_capacity(jobs.len());
    let mut parked = Vec::new();
    for job in jobs {
        match job {
            Job::Over(attempt, place) => {
                over.push(*attempt);
                places.extend(place);
            }
            Job::Park(delivery, epoch, until) => parked.push((delivery, epoch, until)),
        }
    }
    if !parked.is_empty() {
        // In one order everywhere, so that two batches cannot hold each other's rows.
        parked.sort_unstable();
        keep_trying(engine, || engine.store.park(&parked)).await;
    }
    if !over.is_empty() {
        over.sort_unstable_by_key(|attempt| attempt.delivery);
        commit_attempts(engine, over).await;
    }
    drop(places);
}

async fn commit_attempts(engine: &Arc<Engine>, over: Vec<AttemptOver>) {
    engine.metrics.settle_batch.observe(f64::from(u32::try_from(over.len()).unwrap_or(u32::MAX)));
    let mut rows: Vec<SettleRow> = over.iter().map(row).collect();
    if keep_trying(engine, || engine.store.settle(&rows)).await {
        engine.stats.count(&over, engine.clock.now());
    } else if rows.len() > 1 {
        // One row that the database refuses must not keep the others from being settled.
        for (attempt, one) in over.iter().zip(rows.drain(..)) {
            if keep_trying(engine, || engine.store.settle(std::slice::from_ref(&one))).await {
                engine.stats.count(std::slice::from_ref(attempt), engine.clock.now());
            }
        }
    }
    for attempt in &over {
        if attempt.is_ordered && !matches!(attempt.step, NextStep::RetryAt(_)) {
            engine.go_on_with_line(attempt.webhook);
        }
        if let Err(error) = follow_up(engine, attempt).await {
            tracing::warn!(webhook.id = %attempt.webhook, "the health of {} was not noted: {error}", attempt.webhook);
        }
    }
}

/// Repeats a commit while the database is away; false when it was refused or given up.
async fn keep_trying<F: Future<Output = Result<(), StoreError>>>(engine: &Engine, commit: impl Fn() -> F) -> bool {
    let mut pause = KEEP_PAUSE;
    for _ in 0..KEEP_TRIES {
        match commit().await {
            Ok(()) => return true,
            Err(error) if error.is_busy() => {
                engine.metrics.settle_retries.inc();
                tracing::warn!("outcomes wait for the database: {error}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(KEEP_PAUSE_MAX);
            }
            Err(error) => {
                tracing::error!("outcomes were refused by the database: {error}");
                return false;
            }
        }
    }
    engine.metrics.settle_abandoned.inc();
    false
}

/// What an outcome means for its webhook.
async fn follow_up(engine: &Engine, over: &AttemptOver) -> Result<(), StoreError> {
    engine.metrics.attempts.get_or_create(&Outcome { outcome: outcome_word(&over.result) }).inc();
    engine.metrics.attempt_seconds.observe(over.took.as_secs_f64());
    if over.number == 1 {
        let lag = over.settled_at.since(over.delivery.time());
        engine.metrics.first_attempt_lag_seconds.observe(lag.as_secs_f64());
    }
    engine.note_health(over.webhook, over.result.is_success()).await?;
    if over.result.is_gone() {
        engine.disable_webhook(over.scope, over.webhook, "gone", "The receiver answered 410 Gone.").await?;
    }
    match over.step {
        NextStep::RetryAt(_) => {}
        NextStep::Done => count_finished(engine, "delivered"),
        NextStep::DeadLetter => {
            count_finished(engine, "dead");
            engine.notice_exhausted(over).await;
        }
    }
    Ok(())
}

fn count_finished(engine: &Engine, outcome: &'static str) {
    engine.metrics.deliveries_finished.get_or_create(&Outcome { outcome }).inc();
}

fn outcome_word(result: &AttemptResult) -> &'static str {
    match result {
        AttemptResult::Succeeded { .. } => "2xx",
        AttemptResult::FailedStatus { status: 429, .. } => "429",
        AttemptResult::FailedStatus { status, .. } => match status / 100 {
            3 => "3xx",
            4 => "4xx",
            5 => "5xx",
            _ => "other",
        },
        AttemptResult::Failed { kind } => kind.as_str(),
    }
}

pub(super) fn row(over: &AttemptOver) -> SettleRow {
    SettleRow {
        delivery: over.delivery,
        epoch: over.epoch,
        scope: over.scope,
        webhook: over.webhook,
        event_type: over.event_type.clone(),
        step: over.step,
        number: i64::from(over.number),
        started_at: over.started_at,
        settled_at: over.settled_at,
        url: over.url.clone(),
        status: over.result.status().map(i64::from),
        error: over.result.failure_kind().map(crate::domain::attempt::FailureKind::as_str),
        outcome: sentence(over.number, &over.result, over.took, over.step),
        request_headers: over.request_headers.clone(),
        response_headers: over.response_headers.clone(),
        response_excerpt: over.response_excerpt.clone(),
    }
}
