//! Accept: an event becomes durable, with a delivery for each webhook that wants it, before its publisher hears yes.
//!
//! Requests that arrive while a commit is under way share the next one. The answer is given after the commit and
//! never waits for the broker: a ticket that cannot be handed over now is found by the sweep.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::Engine;
use super::directory::Snapshot;
use super::group::Group;
use crate::broker::{EventRef, Ticket};
use crate::chance;
use crate::domain::circuit::PROBE_WAIT;
use crate::domain::event::{EventContent, EventType};
use crate::domain::id::{DeliveryId, EventId, WebhookId};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::store::dialect::accept::{BatchOutcome, DeliveryRow, EventRow, KeptKey, KeyRow};
use crate::store::{Db, StoreError};
use crate::telemetry::Outcome;

/// How often a batch is matched anew because webhooks changed meanwhile.
const STALE_TRIES: usize = 8;
/// The fencing number that a delivery starts with.
const FIRST_EPOCH: i64 = 1;

/// An event to accept.
#[derive(Debug, Clone)]
pub struct Publish {
    /// The id that the client chose.
    pub id: Option<EventId>,
    /// What kind of thing happened.
    pub event_type: EventType,
    /// A JSON object, byte for byte.
    pub data: Bytes,
    /// When it happened, if the client says.
    pub occurred_at: Option<Timestamp>,
    /// Under which the client may repeat the request.
    pub idempotency: Option<IdempotencyKey>,
}

/// A key under which a request may be repeated, with a hash of the request that it came with first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// As the client gave it.
    pub key: String,
    /// Of the request.
    pub request_hash: [u8; 32],
}

/// An accepted event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub event: EventId,
    /// How many webhooks it goes to.
    pub deliveries: u32,
    /// True when an earlier request with the same key made it.
    pub replayed: bool,
}

/// Why an event was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Too many events wait for a commit. Nothing was kept; try again soon.
    #[error("too many events wait for a commit")]
    Overloaded,
    /// The idempotency key stands for another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// There is no such webhook.
    #[error("there is no such webhook")]
    WebhookNotFound,
    /// The database did not commit.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
}

impl From<StoreError> for AcceptError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Which webhooks an event goes to.
#[derive(Debug, Clone)]
pub enum Target {
    /// Those that subscribe to its type.
    Subscribers,
    /// One, whatever it subscribes to: a test.
    Only(WebhookId),
}

struct Job {
    scope: Scope,
    content: Arc<EventContent>,
    /// False for a replay: the event is there already.
    is_new: bool,
    target: Target,
    reason: &'static str,
    idempotency: Option<IdempotencyKey>,
    reply: oneshot::Sender<Result<Accepted, AcceptError>>,
}

/// Where events wait for a commit.
pub(super) struct AcceptQueue(std::sync::Mutex<Option<mpsc::Sender<Job>>>);

/// The other end of [`AcceptQueue`].
pub(super) struct AcceptJobs(mpsc::Receiver<Job>);

impl AcceptQueue {
    pub(super) fn new(max: usize) -> (Self, AcceptJobs) {
        let (sender, receiver) = mpsc::channel(max);
        (Self(std::sync::Mutex::new(Some(sender))), AcceptJobs(receiver))
    }

    pub(super) fn close(&self) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    }

    fn offer(&self, job: Job) -> Result<(), AcceptError> {
        let sender = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let sender = sender.as_ref().ok_or(AcceptError::Overloaded)?;
        sender.try_send(job).map_err(|_| AcceptError::Overloaded)
    }
}

impl Engine {
    /// Accepts one event.
    pub async fn accept(&self, scope: Scope, publish: Publish, target: Target) -> Result<Accepted, AcceptError> {
        let now = self.clock.now();
        let Publish { id, event_type, data, occurred_at, idempotency } = publish;
        let content = Arc::new(EventContent {
            id: id.unwrap_or_else(|| EventId::new(now, chance::bits())),
            event_type,
            occurred_at: occurred_at.unwrap_or(now),
            data,
        });
        let reason = match target {
            Target::Subscribers => "event",
            Target::Only(_) => "test",
        };
        self.enqueue(scope, content, true, target, reason, idempotency).await
    }

    /// Sends an event that is there already to the webhooks that subscribe to it now, as new deliveries with the
    /// same `webhook-id`.
    pub async fn replay(&self, scope: Scope, event: EventId, target: Target) -> Result<Option<Accepted>, AcceptError> {
        let Some(stored) = self.store.event(scope, event).await? else { return Ok(None) };
        self.enqueue(scope, stored.content, false, target, "replay", None).await.map(Some)
    }

    async fn enqueue(
        &self,
        scope: Scope,
        content: Arc<EventContent>,
        is_new: bool,
        target: Target,
        reason: &'static str,
        idempotency: Option<IdempotencyKey>,
    ) -> Result<Accepted, AcceptError> {
        if let Target::Only(webhook) = target {
            let known = self.listener(webhook).await?;
            if !known.is_some_and(|l| l.webhook.scope == scope && l.webhook.takes_events()) {
                return Err(AcceptError::WebhookNotFound);
            }
        }
        let (reply, answer) = oneshot::channel();
        let job = Job { scope, content, is_new, target, reason, idempotency, reply };
        let accepted = match self.accept.offer(job) {
            // The sender is dropped unanswered only when the process is going down.
            Ok(()) => answer.await.unwrap_or(Err(AcceptError::Overloaded)),
            Err(error) => Err(error),
        };
        if let Err(error) = &accepted {
            let outcome = match error {
                AcceptError::Overloaded => "overloaded",
                AcceptError::KeyReused => "key_reused",
                AcceptError::WebhookNotFound => "webhook_not_found",
                AcceptError::Store(_) => "store",
            };
            self.metrics.events_refused.get_or_create(&Outcome { outcome }).inc();
        }
        accepted
    }
}

/// Commits what waits, until the queue is closed and empty.
pub(super) async fn run(engine: Arc<Engine>, jobs: AcceptJobs) {
    // A second commit prepares while the first waits for its disk. SQLite has one writer.
    let commits = match engine.store.db {
        Db::Postgres(_) => 2,
        Db::Sqlite { .. } => 1,
    };
    let permits = Arc::new(Semaphore::new(commits));
    let mut group = Group::new(jobs.0, engine.limits.accept_batch_max);
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        let Some(batch) = group.next().await else { break };
        engine.metrics.accept_queue.set(i64::try_from(group.waiting()).unwrap_or(i64::MAX));
        let engine_of_batch = Arc::clone(&engine);
        engine.tasks.spawn(async move {
            commit(&engine_of_batch, batch).await;
            drop(permit);
        });
    }
}

/// What a batch makes of the webhooks at one revision.
struct Plan {
    revision: i64,
    events: Vec<EventRow>,
    deliveries: Vec<DeliveryRow>,
    /// For each job, how many deliveries it makes.
    counts: Vec<u32>,
    /// Places in the broker's ready window that were taken for them.
    places: usize,
}

async fn commit(engine: &Engine, jobs: Vec<Job>) {
    engine.metrics.accept_batch.observe(f64::from(u32::try_from(jobs.len()).unwrap_or(u32::MAX)));
    if repeats_an_event(&jobs) {
        return one_by_one(engine, jobs).await;
    }
    let started = tokio::time::Instant::now();
    match write(engine, &jobs).await {
        Ok((plan, duplicates)) => {
            engine.metrics.accept_seconds.observe(started.elapsed().as_secs_f64());
            finish(engine, jobs, plan, &duplicates);
        }
        // One row that the database refuses must not fail the requests that share its commit.
        Err(error) if !error.is_busy() && jobs.len() > 1 => one_by_one(engine, jobs).await,
        Err(error) => {
            let error = Arc::new(error);
            tracing::warn!("{} event(s) were not accepted: {error}", jobs.len());
            for job in jobs {
                let _ = job.reply.send(Err(AcceptError::Store(Arc::clone(&error))));
            }
        }
    }
}

async fn one_by_one(engine: &Engine, jobs: Vec<Job>) {
    for job in jobs {
        Box::pin(commit(engine, vec![job])).await;
    }
}

/// Whether two jobs are about one event, which only a client that chooses its ids can bring about. What became of a
/// batch is told by event, so those two cannot share it.
fn repeats_an_event(jobs: &[Job]) -> bool {
    let mut seen = HashSet::new();
    jobs.iter().any(|job| job.idempotency.is_some()) && !jobs.iter().all(|job| seen.insert(job.content.id))
}

type Duplicates = Vec<(EventId, KeptKey)>;

async fn write(engine: &Engine, jobs: &[Job]) -> Result<(Plan, Duplicates), StoreError> {
    let mut snapshot = engine.directory.current();
    let mut partitions_made = false;
    for _ in 0..STALE_TRIES {
        let now = engine.clock.now();
        let plan = plan(engine, jobs, &snapshot, now);
        match engine.store.accept(plan.revision, now, &plan.events, &plan.deliveries).await {
            Ok(BatchOutcome::Written { duplicates }) => return Ok((plan, duplicates)),
            Ok(BatchOutcome::Stale) => {
                engine.broker.release(plan.places);
                snapshot = engine.refresh_directory().await?;
            }
            Err(error) => {
                engine.broker.release(plan.places);
                if partitions_made || !error.is_missing_partition() {
                    return Err(error);
                }
                partitions_made = true;
                engine.store.make_partitions(now, 1).await?;
            }
        }
    }
    Err(StoreError::Contended)
}

fn plan(engine: &Engine, jobs: &[Job], snapshot: &Snapshot, now: Timestamp) -> Plan {
    let mut plan = Plan {
        revision: snapshot.revision(),
        events: Vec::with_capacity(jobs.len()),
        deliveries: Vec::with_capacity(jobs.len()),
        counts: Vec::with_capacity(jobs.len()),
        places: 0,
    };
    let mut ready = 0;
    for job in jobs {
        let before = plan.deliveries.len();
        for listener in snapshot.listeners_of(job.scope) {
            let webhook = &listener.webhook;
            let wanted = match &job.target {
                Target::Subscribers => webhook.settings.events.matches(&job.content.event_type),
                Target::Only(id) => webhook.id == *id,
            };
            if !wanted {
                continue;
            }
            let gate = engine.gates.shut_until(webhook.id, now);
            let due_at = match gate {
                _ if !webhook.is_sending() => Timestamp::NEVER,
                Some(until) => until,
                // The sweep lets a few through.
                None if engine.gates.is_probing(webhook.id) => now.after(PROBE_WAIT),
                None => now,
            };
            ready += usize::from(due_at == now);
            plan.deliveries.push(DeliveryRow {
                id: DeliveryId::new(now, chance::bits()),
                scope: job.scope,
                event: job.content.id,
                event_type: job.content.event_type.clone(),
                webhook: webhook.id,
                reason: job.reason,
                due_at,
                leased: false,
                epoch: FIRST_EPOCH,
            });
        }
        let count = u32::try_from(plan.deliveries.len() - before).unwrap_or(u32::MAX);
        plan.counts.push(count);
        if job.is_new {
            plan.events.push(event_row(engine, job, count, now));
        }
    }
    plan.places = engine.broker.reserve(ready);
    let lease = now.after(engine.limits.lease);
    let takes_place = plan.deliveries.iter_mut().filter(|delivery| delivery.due_at == now);
    for delivery in takes_place.take(plan.places) {
        delivery.due_at = lease;
        delivery.leased = true;
    }
    plan
}

fn event_row(engine: &Engine, job: &Job, deliveries: u32, now: Timestamp) -> EventRow {
    let key_row = |IdempotencyKey { key, request_hash }: &IdempotencyKey| KeyRow {
        key: key.clone(),
        request_hash: *request_hash,
        deliveries: i64::from(deliveries),
        expires_at: now.after(engine.limits.idempotency),
    };
    EventRow { scope: job.scope, content: Arc::clone(&job.content), idempotency: job.idempotency.as_ref().map(key_row) }
}

/// After the commit: hand the tickets over and answer.
fn finish(engine: &Engine, jobs: Vec<Job>, plan: Plan, duplicates: &Duplicates) {
    let kept: HashMap<EventId, &KeptKey> = duplicates.iter().map(|(event, key)| (*event, key)).collect();
    let mut deliveries = plan.deliveries.into_iter();
    let mut tickets = Vec::with_capacity(plan.places);
    let mut accepted = 0;
    let mut unused = 0;
    for (job, count) in jobs.into_iter().zip(plan.counts) {
        let of_job = deliveries.by_ref().take(usize::try_from(count).unwrap_or(usize::MAX));
        let leased = of_job.filter(|delivery| delivery.leased);
        let answer = if let Some(key) = kept.get(&job.content.id) {
            unused += leased.count();
            repeated(&job, key)
        } else {
            tickets.extend(leased.map(|delivery| ticket(&delivery, &job.content)));
            accepted += u64::from(job.is_new);
            Ok(Accepted { event: job.content.id, deliveries: count, replayed: false })
        };
        // A client that has gone away needs no answer.
        let _ = job.reply.send(answer);
    }
    engine.metrics.events_accepted.inc_by(accepted);
    engine.broker.release(unused);
    if !tickets.is_empty() {
        engine.broker.publish(tickets);
    }
}

fn repeated(job: &Job, kept: &KeptKey) -> Result<Accepted, AcceptError> {
    let same = job.idempotency.as_ref().is_some_and(|key| key.request_hash[..] == kept.request_hash[..]);
    if !same {
        return Err(AcceptError::KeyReused);
    }
    let deliveries = u32::try_from(kept.deliveries).unwrap_or(u32::MAX);
    Ok(Accepted { event: kept.event, deliveries, replayed: true })
}

fn ticket(delivery: &DeliveryRow, content: &Arc<EventContent>) -> Ticket {
    Ticket {
        delivery: delivery.id,
        epoch: delivery.epoch,
        attempt: 1,
        run_attempt: 1,
        tenant: delivery.scope.tenant,
        webhook: delivery.webhook,
        leased_until: delivery.due_at,
        event: EventRef::new(content),
    }
}
