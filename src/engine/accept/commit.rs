//! Commits what waits, as many jobs together as there are.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::plan::{Plan, plan};
use super::tally::Lane;
use super::{AcceptError, AcceptJobs, Accepted, IdempotencyKey, Job};
use crate::broker::{EventRef, Ticket};
use crate::domain::event::EventContent;
use crate::domain::id::EventId;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::group::Group;
use crate::store::dialect::accept::{BatchOutcome, DeliveryRow, Metering};
use crate::store::dialect::event_keys::KeptKey;
use crate::store::{Db, StoreError};
use crate::telemetry::traces::AcceptedEvent;

/// How often a batch is matched anew because webhooks changed meanwhile.
const STALE_TRIES: usize = 8;

/// Commits what waits, until the queue is closed and empty.
pub(in crate::engine) async fn run(engine: Arc<Engine>, jobs: AcceptJobs) {
    // A second commit prepares while the first waits for its disk. SQLite has one writer.
    let commits = match engine.store.db {
        Db::Postgres(_) => 2u32,
        Db::Sqlite { .. } => 1,
    };
    let permits = Arc::new(Semaphore::new(usize::try_from(commits).unwrap_or(1)));
    let lanes = Arc::new(Lanes::default());
    let mut group = Group::new(jobs.0, engine.limits.accept_batch_max);
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        let Some(batch) = group.next().await else { break };
        engine.metrics.accept_queue.set(i64::try_from(group.waiting()).unwrap_or(i64::MAX));
        let snapshot = engine.directory.current();
        let alone = if batch.iter().any(|job| snapshot.has_order(job.scope)) {
            // What is accepted later is committed later.
            Arc::clone(&permits).acquire_many_owned(commits - 1).await.ok()
        } else {
            None
        };
        let (engine_of_batch, lanes) = (Arc::clone(&engine), Arc::clone(&lanes));
        engine.tasks.spawn(async move {
            commit(&engine_of_batch, &lanes, batch).await;
            drop((permit, alone));
        });
    }
}

/// The lanes that make no commit now.
#[derive(Default)]
struct Lanes(Mutex<Vec<Lane>>);

impl Lanes {
    /// The one that was used last, so that what the others hold runs out while there is little to do.
    fn take(&self) -> Lane {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_else(Lane::new)
    }

    fn put_back(&self, lane: Lane) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
    }
}

async fn commit(engine: &Engine, lanes: &Lanes, jobs: Vec<Job>) {
    engine.metrics.accept_batch.observe(f64::from(u32::try_from(jobs.len()).unwrap_or(u32::MAX)));
    if repeats_an_event(&jobs) {
        return one_by_one(engine, lanes, jobs).await;
    }
    let (started, began) = (tokio::time::Instant::now(), engine.clock.now());
    let mut lane = lanes.take();
    let written = write(engine, &mut lane, &jobs).await;
    // Before anybody is answered: whoever asks next finds the units that this lane holds.
    lanes.put_back(lane);
    match written {
        Ok((plan, dropped)) => {
            engine.metrics.accept_seconds.observe(started.elapsed().as_secs_f64());
            plan.feeding.done(engine, engine.clock.now());
            finish(engine, jobs, plan, &dropped, (began, started.elapsed()));
        }
        // One row that the database refuses must not fail the requests that share its commit.
        Err(error) if !error.is_busy() && jobs.len() > 1 => one_by_one(engine, lanes, jobs).await,
        Err(error) => {
            let error = Arc::new(error);
            tracing::warn!("{} event(s) were not accepted: {error}", jobs.len());
            for job in jobs {
                let _ = job.reply.send(Err(AcceptError::Store(Arc::clone(&error))));
            }
        }
    }
}

async fn one_by_one(engine: &Engine, lanes: &Lanes, jobs: Vec<Job>) {
    for job in jobs {
        Box::pin(commit(engine, lanes, vec![job])).await;
    }
}

/// Whether two jobs are about one event, which only a client that chooses its ids can bring about. What became of a
/// batch is told by event, so those two cannot share it.
fn repeats_an_event(jobs: &[Job]) -> bool {
    let mut seen = HashSet::new();
    jobs.iter().any(|job| job.idempotency.is_some()) && !jobs.iter().all(|job| seen.insert(job.content.id))
}

/// What a commit did not write.
struct Dropped {
    /// Events whose idempotency key was taken, with what it stands for.
    duplicates: HashMap<EventId, KeptKey>,
    /// Events whose record was refused.
    refused: HashSet<EventId>,
}

async fn write(engine: &Engine, lane: &mut Lane, jobs: &[Job]) -> Result<(Plan, Dropped), StoreError> {
    let mut snapshot = engine.directory.current();
    let mut partitions_made = false;
    let mut allowed = lane.known(engine.clock.now());
    for _ in 0..STALE_TRIES {
        let now = engine.clock.now();
        let plan = plan(engine, jobs, &snapshot, now, &allowed);
        let metering =
            Metering { holder: lane.holder, until: now.after(engine.limits.meter_lease), counts: &plan.tally.metered };
        match engine.store.accept(plan.revision, now, &plan.events, &plan.deliveries, metering, &plan.beside).await {
            Ok(BatchOutcome::Written { mut duplicates, refused }) => {
                duplicates.extend(repeats_of_refused(engine, jobs, &plan, now).await?);
                let (duplicates, refused) = (duplicates.into_iter().collect(), refused.into_iter().collect());
                return Ok((plan, Dropped { duplicates, refused }));
            }
            Ok(BatchOutcome::Stale) => {
                engine.broker.release(plan.places);
                snapshot = engine.refresh_directory().await?;
            }
            Ok(BatchOutcome::Dry) => {
                engine.broker.release(plan.places);
                lane.refill(engine, &plan.tally, now, &mut allowed).await?;
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

/// Those that no unit is left for and that need none, because an earlier request with the same key made the event.
async fn repeats_of_refused(
    engine: &Engine,
    jobs: &[Job],
    plan: &Plan,
    now: Timestamp,
) -> Result<Vec<(EventId, KeptKey)>, StoreError> {
    let mut repeats = Vec::new();
    for (job, _) in jobs.iter().zip(&plan.counts).filter(|(_, count)| count.is_err()) {
        let Some(IdempotencyKey { key, .. }) = &job.idempotency else { continue };
        if let Some(kept) = engine.store.kept_key(job.scope, key, now).await? {
            repeats.push((job.content.id, kept));
        }
    }
    Ok(repeats)
}

/// After the commit: hand the tickets over and answer.
fn finish(engine: &Engine, jobs: Vec<Job>, plan: Plan, dropped: &Dropped, (began, took): (Timestamp, Duration)) {
    let mut deliveries = plan.deliveries.into_iter();
    let mut tickets = Vec::with_capacity(plan.places);
    let mut accepted = 0;
    let mut unused = 0;
    for (job, count) in jobs.into_iter().zip(plan.counts) {
        let of_job = deliveries.by_ref().take(usize::try_from(*count.as_ref().unwrap_or(&0)).unwrap_or(usize::MAX));
        let leased = of_job.filter(|delivery| delivery.leased);
        let answer = if let Some(key) = dropped.duplicates.get(&job.content.id) {
            unused += leased.count();
            repeated(&job, key)
        } else if dropped.refused.contains(&job.content.id) {
            unused += leased.count();
            Err(AcceptError::RecordRefused)
        } else {
            tickets.extend(leased.map(|delivery| ticket(&delivery, &job.content)));
            accepted += u64::from(job.is_new && count.is_ok());
            let accepted =
                |deliveries| Accepted { event: job.content.id, deliveries, replayed: false, warnings: Vec::new() };
            count.map(accepted).map_err(|used_up| AcceptError::UsedUp(Box::new(used_up)))
        };
        if let Ok(Accepted { event, deliveries, replayed: false, .. }) = answer
            && job.is_new
        {
            let (tenant, event_type) = (job.scope.tenant, job.content.event_type.as_str());
            engine.traces.accepted(&AcceptedEvent { event, tenant, event_type, deliveries, began, took });
        }
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
    Ok(Accepted { event: kept.event, deliveries, replayed: true, warnings: Vec::new() })
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
