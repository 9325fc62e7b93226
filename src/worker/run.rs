//! The worker's loop: receive, claim, send, settle; bounded everywhere.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::{Answer, Client};
use super::lanes::{Asks, Finished, LaneLimits, Lanes, Offer};
use super::{handshake, request};
use crate::broker::{Received, Ticket};
use crate::chance;
use crate::domain::attempt::{AttemptResult, FailureKind};
use crate::domain::circuit::Pass;
use crate::domain::event::EventContent;
use crate::domain::id::WebhookId;
use crate::domain::pace::Granted;
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::directory::Listener;
use crate::engine::settle::AttemptOver;
use crate::telemetry::traces::AttemptMade;

/// Claims under way at once.
const CLAIMS_MAX: usize = 4;
/// Tickets that are received at once.
const RECEIVE_MAX: usize = 64;
/// A lease must outlast the request by this much, or the request is not begun.
const SEND_MARGIN: Duration = Duration::from_secs(2);
/// Requests on the wire and outcomes that are not committed: together at most so many times `in_flight_max`. A crash
/// repeats no more than these; and a database that is away soon stops the sending, whose outcomes it cannot take.
const PLACES_PER_IN_FLIGHT: usize = 2;
/// How often lanes without a turn are looked at, while there are any.
const TURNS_EVERY: Duration = Duration::from_millis(10);
/// When turns are asked for again that the database could not grant.
const ASK_AGAIN: Duration = Duration::from_secs(1);
const FORGET_IDLE_EVERY: Duration = Duration::from_mins(1);

/// A claimed delivery with all that sending it needs.
struct Job {
    ticket: Ticket,
    listener: Arc<Listener>,
}

enum Happened {
    Claimed(Vec<Job>),
    Over { webhook: WebhookId, pass: Pass, result: AttemptResult, took: Duration },
    NotSent { webhook: WebhookId, pass: Pass },
    Turns(Vec<(WebhookId, Granted)>),
}

/// A worker process's part.
pub struct Worker {
    engine: Arc<Engine>,
    client: Arc<Client>,
    lanes: Lanes<Job>,
    happened: mpsc::UnboundedSender<Happened>,
    tasks: TaskTracker,
    claims: usize,
    asks_turns: bool,
    /// One for each request, from its beginning to the commit of its outcome.
    places: Arc<Semaphore>,
    lacks_places: bool,
}

/// Works until `shutdown`, then finishes what is on the wire, and gives back what is not.
pub async fn run(engine: Arc<Engine>, client: Arc<Client>, limits: LaneLimits, shutdown: CancellationToken) {
    let (happened, mut events) = mpsc::unbounded_channel();
    let mut worker = Worker {
        engine,
        client,
        lanes: Lanes::new(limits),
        happened,
        tasks: TaskTracker::new(),
        claims: 0,
        asks_turns: false,
        places: Arc::new(Semaphore::new(limits.in_flight_max.saturating_mul(PLACES_PER_IN_FLIGHT))),
        lacks_places: false,
    };
    let (broker, places) = (Arc::clone(&worker.engine.broker), Arc::clone(&worker.places));
    let mut forget_idle = tokio::time::interval(FORGET_IDLE_EVERY);
    let mut look_at_turns = tokio::time::interval(TURNS_EVERY);
    look_at_turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let wants = worker.claims < CLAIMS_MAX && worker.lanes.room() > CLAIMS_MAX * RECEIVE_MAX;
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(event) = events.recv() => {
                worker.learn(event);
                while let Ok(event) = events.try_recv() {
                    worker.learn(event);
                }
            }
            received = broker.receive(RECEIVE_MAX), if wants => match received {
                Some(received) => worker.claim(received),
                None => break,
            },
            place = places.acquire(), if worker.lacks_places => {
                drop(place);
                worker.lacks_places = false;
            }
            _ = look_at_turns.tick(), if worker.lanes.lacks_turns() => {}
            _ = forget_idle.tick() => worker.lanes.forget_idle(worker.engine.clock.now()),
        }
        worker.send_what_may();
        worker.ask_turns();
    }
    broker.stop_receiving().await;
    worker.give_back(&mut events).await;
}

impl Worker {
    fn learn(&mut self, event: Happened) {
        let now = self.engine.clock.now();
        match event {
            Happened::Claimed(jobs) => {
                self.claims -= 1;
                for job in jobs {
                    self.offer(job, now);
                }
            }
            Happened::Over { webhook, pass, result, took } => {
                let finished = self.lanes.finish(webhook, pass, &result, took, now, chance::fraction());
                self.put_back(webhook, finished);
            }
            Happened::NotSent { webhook, pass } => self.lanes.give_up(webhook, pass),
            Happened::Turns(granted) => {
                self.asks_turns = false;
                for (webhook, granted) in granted {
                    self.lanes.grant(webhook, granted, now);
                }
            }
        }
    }

    fn offer(&mut self, job: Job, now: Timestamp) {
        let (tenant, webhook, is_retry) = (job.ticket.tenant, job.ticket.webhook, job.ticket.run_attempt > 1);
        let plan = self.engine.plan(tenant);
        let pace = self.engine.pace_sold(&job.listener.webhook, plan.webhook_rate);
        self.lanes.weigh(tenant, plan.fairness_weight.get());
        if let Offer::Park(job, gate) = self.lanes.offer(tenant, webhook, is_retry, job, now) {
            self.put_back(webhook, Finished { parked: vec![job], gate: Some(gate), open: false });
        }
        self.lanes.pace(webhook, pace);
        self.lanes
            .cap(webhook, u32::try_from(plan.webhook_concurrency.capped(u64::from(u32::MAX))).unwrap_or(u32::MAX));
    }

    /// Parks what may not be sent now, and shuts or opens the webhook's gate.
    fn put_back(&self, webhook: WebhookId, finished: Finished<Job>) {
        let Finished { parked, gate, open } = finished;
        if gate.is_none() && !open {
            return;
        }
        let engine = Arc::clone(&self.engine);
        self.tasks.spawn(async move {
            let written = match gate {
                Some(gate) => engine.shut_gate(webhook, gate).await,
                None => engine.open_gate(webhook).await,
            };
            if let Err(error) = written {
                tracing::warn!(webhook.id = %webhook, "the gate of {webhook} was not stored: {error}");
            }
            let until = gate.map_or(Timestamp::default(), |gate| gate.until);
            for job in parked {
                engine.park(job.ticket.delivery, job.ticket.epoch, until).await;
            }
        });
    }

    fn claim(&mut self, received: Received) {
        self.claims += 1;
        let (engine, happened) = (Arc::clone(&self.engine), self.happened.clone());
        self.tasks.spawn(async move {
            let jobs = match engine.claim(received).await {
                Ok(tickets) => jobs(&engine, tickets).await,
                Err(error) => {
                    // Not acknowledged, so the broker brings them again, and if not, their lease does.
                    tracing::warn!("tickets were not claimed: {error}");
                    tokio::time::sleep(SEND_MARGIN).await;
                    Vec::new()
                }
            };
            // The loop ends only after every task has.
            let _ = happened.send(Happened::Claimed(jobs));
        });
    }

    fn send_what_may(&mut self) {
        let now = self.engine.clock.now();
        loop {
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                self.lacks_places = true;
                break;
            };
            let Some(next) = self.lanes.next(now) else { break };
            match next {
                Ok((job, pass)) => {
                    let (engine, client) = (Arc::clone(&self.engine), Arc::clone(&self.client));
                    self.tasks.spawn(attempt(engine, client, job, pass, place, self.happened.clone()));
                }
                Err(finished) => {
                    let webhook = finished.parked.first().map(|job| job.ticket.webhook);
                    if let Some(webhook) = webhook {
                        self.put_back(webhook, finished);
                    }
                }
            }
        }
        self.engine.metrics.in_flight.set(i64::try_from(self.lanes.in_flight()).unwrap_or(i64::MAX));
        self.engine.metrics.waiting.set(i64::try_from(self.lanes.waiting()).unwrap_or(i64::MAX));
    }

    /// Asks for turns of webhooks that have a rate, for all of them together; what would wait too long is parked.
    fn ask_turns(&mut self) {
        if self.asks_turns || !self.lanes.lacks_turns() {
            return;
        }
        let Asks { wanted, parked } = self.lanes.asks(self.engine.clock.now());
        if !parked.is_empty() {
            let engine = Arc::clone(&self.engine);
            self.tasks.spawn(async move {
                for (job, until) in parked {
                    engine.park(job.ticket.delivery, job.ticket.epoch, until).await;
                }
            });
        }
        if wanted.is_empty() {
            return;
        }
        self.asks_turns = true;
        let (engine, happened) = (Arc::clone(&self.engine), self.happened.clone());
        self.tasks.spawn(async move {
            let webhooks: Vec<WebhookId> = wanted.iter().map(|(webhook, ..)| *webhook).collect();
            let granted = engine.take_turns(wanted).await.unwrap_or_else(|error| {
                tracing::warn!("turns were not granted: {error}");
                let later = Granted { requests: 0, next_at: Some(engine.clock.now().after(ASK_AGAIN)) };
                webhooks.into_iter().map(|webhook| (webhook, later)).collect()
            });
            let _ = happened.send(Happened::Turns(granted));
        });
    }

    /// What waits goes back at once; what is on the wire is waited for.
    async fn give_back(&mut self, events: &mut mpsc::UnboundedReceiver<Happened>) {
        self.tasks.close();
        loop {
            let now = self.engine.clock.now();
            for job in self.lanes.drain() {
                self.engine.park(job.ticket.delivery, job.ticket.epoch, now).await;
            }
            tokio::select! {
                biased;
                Some(event) = events.recv() => self.learn(event),
                () = self.tasks.wait() => break,
            }
        }
        // What the last tasks said before they ended.
        while let Ok(event) = events.try_recv() {
            self.learn(event);
        }
        let now = self.engine.clock.now();
        for job in self.lanes.drain() {
            self.engine.park(job.ticket.delivery, job.ticket.epoch, now).await;
        }
    }
}

/// Finds the webhooks of tickets. A delivery whose webhook may not be sent to goes back, for the sweep to judge.
async fn jobs(engine: &Engine, tickets: Vec<Ticket>) -> Vec<Job> {
    let mut jobs = Vec::with_capacity(tickets.len());
    for ticket in tickets {
        let listener = engine.listener(ticket.webhook).await.ok().flatten();
        match listener {
            Some(listener) if listener.webhook.is_sending() => jobs.push(Job { ticket, listener }),
            Some(_) | None => engine.park(ticket.delivery, ticket.epoch, engine.clock.now()).await,
        }
    }
    jobs
}

/// One attempt, from the signature to the settled outcome.
async fn attempt(
    engine: Arc<Engine>,
    client: Arc<Client>,
    job: Job,
    pass: Pass,
    place: OwnedSemaphorePermit,
    happened: mpsc::UnboundedSender<Happened>,
) {
    let Job { ticket, listener } = job;
    let webhook = &listener.webhook;
    let timeout = webhook.settings.timeout.min(engine.limits.timeout_max);
    let event = engine.event_of(&ticket).await;
    let started_at = engine.clock.now();
    let in_time = started_at.after(timeout + SEND_MARGIN) <= ticket.leased_until;
    let (Ok(Some(event)), true) = (event, in_time) else {
        // The event cannot be read now, or another may have the delivery before this request would be over.
        let _ = happened.send(Happened::NotSent { webhook: webhook.id, pass });
        engine.park(ticket.delivery, ticket.epoch, started_at).await;
        return;
    };
    let began = tokio::time::Instant::now();
    let (answer, request_headers) = exchange(&engine, &client, &listener, &event, timeout, started_at).await;
    let took = began.elapsed();
    let Answer { result, response_headers, excerpt } = answer;
    // The lane learns at once: the next request need not wait for the commit.
    let _ = happened.send(Happened::Over { webhook: webhook.id, pass, result: result.clone(), took });
    let settled_at = engine.clock.now();
    let policy = &webhook.settings.retry_policy;
    let step = policy.next(ticket.run_attempt, &result, settled_at, chance::fraction());
    log(&ticket, &result, took);
    engine.traces.attempted(&AttemptMade {
        event: event.id,
        delivery: ticket.delivery,
        tenant: webhook.scope.tenant,
        webhook: webhook.id,
        event_type: event.event_type.as_str(),
        url: &webhook.settings.url,
        number: ticket.attempt,
        began: started_at,
        took,
        result: &result,
    });
    let over = AttemptOver {
        delivery: ticket.delivery,
        epoch: ticket.epoch,
        scope: webhook.scope,
        webhook: webhook.id,
        event_type: event.event_type.clone(),
        number: ticket.attempt,
        started_at,
        settled_at,
        took,
        url: webhook.settings.url.clone(),
        result,
        step,
        request_headers,
        response_headers,
        response_excerpt: excerpt,
        is_ordered: webhook.is_ordered(),
    };
    engine.settle(over, Some(place)).await;
}

/// Asks the receiver where it has to agree first, and posts; what came of it, and the headers that were sent.
async fn exchange(
    engine: &Engine,
    client: &Client,
    listener: &Listener,
    event: &EventContent,
    timeout: Duration,
    started_at: Timestamp,
) -> (Answer, String) {
    let (webhook, origin) = (&listener.webhook, engine.limits.origin.as_str());
    let began = tokio::time::Instant::now();
    if webhook.needs_consent(origin)
        && let Err(kind) = handshake::ask(engine, client, webhook, timeout).await
    {
        return (Answer::failed(kind), "{}".to_owned());
    }
    match request::build(webhook, &listener.keys_at(started_at), event, origin, started_at) {
        Ok(outgoing) => {
            let request_headers = request::headers_for_log(&outgoing);
            // The question and the request share one time limit, and the lease outlasts it.
            let left = timeout.saturating_sub(began.elapsed());
            (client.send(&webhook.settings.url, outgoing, left, started_at).await, request_headers)
        }
        Err(error) => {
            tracing::error!(webhook.id = %webhook.id, "{error}");
            (Answer::failed(FailureKind::Internal), "{}".to_owned())
        }
    }
}

fn log(ticket: &Ticket, result: &AttemptResult, took: Duration) {
    let Ticket { delivery, webhook, attempt, .. } = ticket;
    let millis = took.as_millis();
    if result.is_success() {
        tracing::debug!(delivery.id = %delivery, webhook.id = %webhook, attempt, millis, "attempt {attempt} of {delivery} succeeded");
    } else {
        let (status, kind) = (result.status(), result.failure_kind().map(FailureKind::as_str));
        tracing::info!(delivery.id = %delivery, webhook.id = %webhook, attempt, millis, status, kind, "attempt {attempt} of {delivery} failed");
    }
}
