//! Lanes: what goes out next. One slow webhook never delays another.
//!
//! Each webhook has a lane: deliveries that wait in memory, a limit on its requests in flight that adapts, and a
//! circuit. Turns go round the tenants, by the weights of their plans, and within a tenant round its webhooks, so neither
//! a tenant with many webhooks nor a webhook with many deliveries gets more than its turn. Within a lane, first attempts
//! go before retries, but retries keep a share. Webhooks that answer slowly have a part of the places only, so that they
//! cannot fill the process.
//!
//! A webhook with a rate sends nothing without a turn ([`Asks`]), which all processes take from the database.
//!
//! A lane holds little. What does not fit is given back to be parked in the database, where it can be re-ordered, and
//! the webhook's gate is shut for as long as its lane needs to drain.

mod rotation;
mod turns;

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::domain::attempt::AttemptResult;
use crate::domain::circuit::{Admit, Change, Circuit, PROBE_WAIT, Pass, Phase};
use crate::domain::concurrency::{Limit, Pressure};
use crate::domain::id::{TenantId, WebhookId};
use crate::domain::time::Timestamp;
use crate::engine::gates::Gate;
use rotation::Rotation;
pub use turns::Asks;
use turns::Turns;

/// A webhook whose answers take longer than this on average is slow.
const SLOW: Duration = Duration::from_secs(2);
/// Slow webhooks together have one in so many of the places.
const SLOW_SHARE: usize = 4;
/// Of so many turns of a lane …
const TURNS: u32 = 5;
/// … so many go to retries, while both wait.
const RETRY_TURNS: u32 = 2;
/// How long a `Retry-After` may shut a webhook's gate.
const HOLD_MAX: Duration = Duration::from_hours(1);
const FULL_WAIT_MIN: Duration = Duration::from_millis(250);
const FULL_WAIT_MAX: Duration = Duration::from_secs(30);
/// A webhook that has not answered quickly of late may have one in so many of the deliveries that a quick one may.
const UNPROVEN_SHARE: usize = 8;
/// A lane that has done nothing for this long is forgotten.
const IDLE: Duration = Duration::from_mins(15);

/// Bounds of the lanes.
#[derive(Debug, Clone, Copy)]
pub struct LaneLimits {
    /// Requests in flight at once.
    pub in_flight_max: usize,
    /// Deliveries that wait in memory.
    pub waiting_max: usize,
    /// … of one webhook that answers quickly.
    pub waiting_per_webhook_max: usize,
    /// Where a webhook's limit starts.
    pub concurrency_start: u32,
    /// How far it may grow.
    pub concurrency_max: u32,
}

/// What became of a delivery that was offered.
#[derive(Debug, PartialEq, Eq)]
pub enum Offer<J> {
    /// It waits for its turn.
    Queued,
    /// It does not fit: park it, and shut the gate.
    Park(J, Gate),
}

/// What an outcome means for its lane.
#[derive(Debug, PartialEq, Eq)]
pub struct Finished<J> {
    /// Deliveries that are not to be sent now.
    pub parked: Vec<J>,
    /// Shut the gate.
    pub gate: Option<Gate>,
    /// Open it: the circuit has closed.
    pub open: bool,
}

struct Lane<J> {
    tenant: TenantId,
    limit: Limit,
    cap: u32,
    circuit: Circuit,
    first: VecDeque<J>,
    retry: VecDeque<J>,
    in_flight: u32,
    turn: u32,
    average: Duration,
    answered_at: Option<Timestamp>,
    /// Full before it had answered: the gate lets only a few through until it does.
    on_trial: bool,
    used_at: Timestamp,
    in_rotation: bool,
    /// Where the webhook has a rate.
    turns: Option<Turns>,
}

impl<J> Lane<J> {
    fn waiting(&self) -> usize {
        self.first.len() + self.retry.len()
    }

    fn is_slow(&self) -> bool {
        self.average > SLOW
    }

    fn is_quick(&self, now: Timestamp) -> bool {
        self.answered_at.is_some_and(|at| now.since(at) < SLOW) && !self.is_slow()
    }

    /// How many may wait: many where they will soon be gone, few where they may be stuck, so that webhooks that hang
    /// cannot fill the memory before their circuits open.
    fn waiting_max(&self, limits: &LaneLimits, now: Timestamp) -> usize {
        if self.is_quick(now) {
            limits.waiting_per_webhook_max
        } else {
            (limits.waiting_per_webhook_max / UNPROVEN_SHARE).max(1)
        }
    }

    /// How many requests may go out besides those that are.
    fn places(&self) -> u32 {
        self.limit.current().saturating_sub(self.in_flight)
    }

    fn may_send(&self) -> bool {
        self.waiting() > 0 && self.places() > 0
    }

    fn take(&mut self) -> Option<J> {
        self.turn = (self.turn + 1) % TURNS;
        let retry_turn = self.turn < RETRY_TURNS;
        if retry_turn {
            self.retry.pop_front().or_else(|| self.first.pop_front())
        } else {
            self.first.pop_front().or_else(|| self.retry.pop_front())
        }
    }

    fn drain(&mut self) -> Vec<J> {
        self.first.drain(..).chain(self.retry.drain(..)).collect()
    }

    /// The gate of a full lane. How fast it drains is only known of a webhook that answers.
    fn full_gate(&mut self, now: Timestamp) -> Gate {
        self.on_trial = !self.is_quick(now);
        let wait = if self.on_trial { self.drain_time().max(PROBE_WAIT) } else { self.drain_time() };
        Gate { until: now.after(wait), probing: self.on_trial }
    }

    /// How long what waits will take, roughly.
    fn drain_time(&self) -> Duration {
        let rounds = u32::try_from(self.waiting()).unwrap_or(u32::MAX) / self.limit.current().max(1) / 2;
        self.average.saturating_mul(rounds).clamp(FULL_WAIT_MIN, FULL_WAIT_MAX)
    }

    fn learn(&mut self, took: Duration) {
        // A quarter of the way each time: a few slow answers show, one does not.
        self.average = (self.average * 3 + took) / 4;
    }
}

/// All lanes of a worker.
pub struct Lanes<J> {
    limits: LaneLimits,
    by_webhook: HashMap<WebhookId, Lane<J>>,
    rotation: Rotation,
    /// Lanes that have something to send and no turn.
    turnless: HashSet<WebhookId>,
    slow_waiting: HashSet<WebhookId>,
    in_flight: usize,
    slow_in_flight: usize,
    waiting: usize,
}

impl<J> Lanes<J> {
    /// No lanes yet.
    pub fn new(limits: LaneLimits) -> Self {
        Self {
            limits,
            by_webhook: HashMap::new(),
            rotation: Rotation::default(),
            turnless: HashSet::new(),
            slow_waiting: HashSet::new(),
            in_flight: 0,
            slow_in_flight: 0,
            waiting: 0,
        }
    }

    /// How many more deliveries may be offered.
    pub fn room(&self) -> usize {
        self.limits.waiting_max.saturating_sub(self.waiting)
    }

    /// Deliveries that wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Tells how far a webhook's limit may grow, when its tenant's plan says something else than before.
    pub fn cap(&mut self, webhook: WebhookId, cap: u32) {
        let cap = cap.min(self.limits.concurrency_max);
        if let Some(lane) = self.by_webhook.get_mut(&webhook).filter(|lane| lane.cap != cap) {
            lane.cap = cap;
            lane.limit.set_cap(cap);
        }
    }

    /// Tells how many turns a tenant has in a row.
    pub fn weigh(&mut self, tenant: TenantId, weight: u32) {
        self.rotation.weigh(tenant, weight);
    }

    /// Takes a delivery in, or says to park it.
    pub fn offer(&mut self, tenant: TenantId, webhook: WebhookId, is_retry: bool, job: J, now: Timestamp) -> Offer<J> {
        let limits = self.limits;
        let lane = self.by_webhook.entry(webhook).or_insert_with(|| Lane {
            tenant,
            limit: Limit::new(limits.concurrency_start, limits.concurrency_max),
            cap: limits.concurrency_max,
            circuit: Circuit::default(),
            first: VecDeque::new(),
            retry: VecDeque::new(),
            in_flight: 0,
            turn: RETRY_TURNS,
            average: Duration::ZERO,
            answered_at: None,
            on_trial: false,
            used_at: now,
            in_rotation: false,
            turns: None,
        });
        lane.used_at = now;
        if lane.waiting() >= lane.waiting_max(&limits, now) {
            return Offer::Park(job, lane.full_gate(now));
        }
        if is_retry {
            lane.retry.push_back(job);
        } else {
            lane.first.push_back(job);
        }
        self.waiting += 1;
        self.rotate_in(webhook);
        Offer::Queued
    }

    /// The delivery to send now, if any may be; and those that an open circuit keeps from being sent.
    pub fn next(&mut self, now: Timestamp) -> Option<Result<(J, Pass), Finished<J>>> {
        while self.in_flight < self.limits.in_flight_max {
            let webhook = self.turn()?;
            let Some(lane) = self.by_webhook.get_mut(&webhook) else { continue };
            if !lane.may_send() {
                continue;
            }
            if lane.is_slow() && self.slow_in_flight >= (self.limits.in_flight_max / SLOW_SHARE).max(1) {
                self.slow_waiting.insert(webhook);
                continue;
            }
            if lane.turns.as_ref().is_some_and(|turns| !turns.has_one(now)) {
                self.turnless.insert(webhook);
                continue;
            }
            let pass = match lane.circuit.admit(now) {
                Admit::Yes(pass) => pass,
                Admit::Until(until) => {
                    let parked = lane.drain();
                    self.waiting -= parked.len();
                    let probing = lane.circuit.phase() != Phase::Closed;
                    return Some(Err(Finished { parked, gate: Some(Gate { until, probing }), open: false }));
                }
            };
            let Some(job) = lane.take() else {
                lane.circuit.give_up(pass);
                continue;
            };
            if let Some(turns) = &mut lane.turns {
                turns.use_one();
            }
            lane.in_flight += 1;
            self.slow_in_flight += usize::from(lane.is_slow());
            self.in_flight += 1;
            self.waiting -= 1;
            self.rotate_in(webhook);
            return Some(Ok((job, pass)));
        }
        None
    }

    /// Learns an outcome.
    pub fn finish(
        &mut self,
        webhook: WebhookId,
        pass: Pass,
        result: &AttemptResult,
        took: Duration,
        now: Timestamp,
        jitter: f64,
    ) -> Finished<J> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let mut finished = Finished { parked: Vec::new(), gate: None, open: false };
        let Some(lane) = self.by_webhook.get_mut(&webhook) else { return finished };
        lane.in_flight = lane.in_flight.saturating_sub(1);
        lane.used_at = now;
        let was_slow = lane.is_slow();
        lane.limit.record(Pressure::of(result, took, SLOW));
        lane.learn(took);
        if result.is_success() {
            lane.answered_at = Some(now);
            finished.open = std::mem::take(&mut lane.on_trial);
        }
        match lane.circuit.record(pass, result, now, jitter) {
            Change::None => {}
            Change::Opened { until, .. } => finished.gate = Some(Gate { until, probing: true }),
            Change::Closed => finished.open = true,
        }
        if let AttemptResult::FailedStatus { status: 429 | 503, retry_after: Some(wait) } = result {
            let until = now.after((*wait).min(HOLD_MAX));
            lane.circuit.hold(until);
            let probing = finished.gate.is_some();
            let until = finished.gate.map_or(until, |gate| gate.until.max(until));
            finished.gate = Some(Gate { until, probing });
        }
        if finished.gate.is_some() {
            finished.parked = lane.drain();
            self.waiting -= finished.parked.len();
        }
        self.recount_slow(was_slow);
        self.rotate_in(webhook);
        finished
    }

    /// Learns that a delivery was not sent after all.
    pub fn give_up(&mut self, webhook: WebhookId, pass: Pass) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(lane) = self.by_webhook.get_mut(&webhook) else { return };
        lane.in_flight = lane.in_flight.saturating_sub(1);
        lane.circuit.give_up(pass);
        let was_slow = lane.is_slow();
        self.recount_slow(was_slow);
        self.rotate_in(webhook);
    }

    /// Everything that waits, to be given back before the process ends.
    pub fn drain(&mut self) -> Vec<J> {
        self.waiting = 0;
        self.by_webhook.values_mut().flat_map(Lane::drain).collect()
    }

    /// Forgets lanes that have done nothing for long.
    pub fn forget_idle(&mut self, now: Timestamp) {
        self.rotation.forget_idle();
        self.by_webhook.retain(|_, lane| lane.waiting() > 0 || lane.in_flight > 0 || now.since(lane.used_at) < IDLE);
    }

    fn recount_slow(&mut self, was_slow: bool) {
        // A lane may turn slow or fast while its requests are out, so the sum is taken anew when it could matter.
        if was_slow || self.slow_in_flight > 0 {
            let slow = self.by_webhook.values().filter(|lane| lane.is_slow());
            self.slow_in_flight = slow.map(|lane| usize::try_from(lane.in_flight).unwrap_or(0)).sum();
            for webhook in std::mem::take(&mut self.slow_waiting) {
                self.rotate_in(webhook);
            }
        }
    }

    fn rotate_in(&mut self, webhook: WebhookId) {
        let Some(lane) = self.by_webhook.get_mut(&webhook) else { return };
        if lane.in_rotation || !lane.may_send() {
            return;
        }
        lane.in_rotation = true;
        self.rotation.enter(lane.tenant, webhook);
    }

    /// Takes the next lane out of the rotation.
    fn turn(&mut self) -> Option<WebhookId> {
        let webhook = self.rotation.next()?;
        if let Some(lane) = self.by_webhook.get_mut(&webhook) {
            lane.in_rotation = false;
        }
        Some(webhook)
    }
}

#[cfg(test)]
mod tests;
