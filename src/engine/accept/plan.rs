//! Which webhooks a batch of events goes to, and when: decided on one copy of the directory.

use std::sync::Arc;

use super::tally::{Allowed, Tally};
use super::{IdempotencyKey, Job, Target};
use crate::chance;
use crate::domain::circuit::PROBE_WAIT;
use crate::domain::id::DeliveryId;
use crate::domain::meter::UsedUp;
use crate::domain::selection::{Selection, select};
use crate::domain::time::Timestamp;
use crate::domain::webhook::Webhook;
use crate::engine::Engine;
use crate::engine::directory::Snapshot;
use crate::engine::paces::Feeding;
use crate::store::beside::Beside;
use crate::store::dialect::accept::{DeliveryRow, EventRow};
use crate::store::dialect::event_keys::KeyRow;

/// The fencing number that a delivery starts with.
const FIRST_EPOCH: i64 = 1;

/// What a batch makes of the webhooks at one revision.
pub(super) struct Plan {
    pub(super) revision: i64,
    pub(super) events: Vec<EventRow>,
    pub(super) deliveries: Vec<DeliveryRow>,
    /// What is written beside them.
    pub(super) beside: Vec<Beside>,
    /// For each job, how many deliveries it makes, or the limit that has no unit left for it.
    pub(super) counts: Vec<Result<u32, UsedUp>>,
    /// What the events count on.
    pub(super) tally: Tally,
    /// Places in the broker's ready window that were taken for them.
    pub(super) places: usize,
    /// Those of webhooks with a rate that are fed with the commit.
    pub(super) feeding: Feeding,
}

pub(super) fn plan(engine: &Engine, jobs: &[Job], snapshot: &Snapshot, now: Timestamp, allowed: &Allowed) -> Plan {
    let mut plan = Plan {
        revision: snapshot.revision(),
        events: Vec::with_capacity(jobs.len()),
        deliveries: Vec::with_capacity(jobs.len()),
        beside: Vec::new(),
        counts: Vec::with_capacity(jobs.len()),
        tally: Tally::default(),
        places: 0,
        feeding: Feeding::default(),
    };
    // Whether a delivery may go to a worker with the commit, without a sweep.
    let mut at_once = Vec::with_capacity(jobs.len());
    for job in jobs {
        let counts = match plan.tally.add(engine, job, snapshot, now, allowed) {
            Ok(counts) => counts,
            Err(metered) => {
                plan.counts.push(Err(UsedUp { metered, at: now }));
                continue;
            }
        };
        let before = plan.deliveries.len();
        let sold = engine.plan_in(snapshot, job.scope.tenant).webhook_rate;
        for listener in snapshot.listeners_of(job.scope) {
            let webhook = &listener.webhook;
            if !wants(job, webhook) {
                continue;
            }
            let due_at = due_at(engine, job, webhook, now);
            // In a line it is not its turn, for all that is known here.
            let may_go = due_at == now && !webhook.is_ordered();
            at_once.push(may_go && plan.feeding.take(engine, webhook.id, engine.pace_sold(webhook, sold), now));
            plan.deliveries.push(DeliveryRow {
                id: DeliveryId::new(now, chance::id_tail()),
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
        plan.counts.push(Ok(count));
        plan.beside.extend(job.beside.as_deref().map(|beside| told(beside, count)));
        if job.is_new {
            plan.events.push(event_row(engine, job, count, counts, now));
        }
    }
    plan.places = engine.broker.reserve(at_once.iter().filter(|at_once| **at_once).count());
    let lease = now.after(engine.limits.lease);
    let takes_place = plan.deliveries.iter_mut().zip(at_once).filter(|(_, at_once)| *at_once);
    for (delivery, _) in takes_place.take(plan.places) {
        delivery.due_at = lease;
        delivery.leased = true;
    }
    plan
}

/// How many deliveries there are is only known here.
fn told(beside: &Beside, deliveries: u32) -> Beside {
    let Beside { line, mail } = beside.clone();
    Beside { line: line.map(|line| line.counting("deliveries", deliveries)), mail }
}

fn wants(job: &Job, webhook: &Webhook) -> bool {
    match &job.target {
        Target::Subscribers => {
            let (event_type, channels) = (&job.content.event_type, &job.routing.channels);
            select(&webhook.settings, event_type, channels, || job.tree.of(&job.content)) == Selection::Wanted
        }
        Target::Only(id) => webhook.id == *id,
    }
}

fn due_at(engine: &Engine, job: &Job, webhook: &Webhook, now: Timestamp) -> Timestamp {
    // When its time comes, the sweep asks whether the webhook is sent to.
    if let Some(at) = job.routing.deliver_at.filter(|at| *at > now) {
        return at;
    }
    if webhook.is_ordered() {
        // It keeps its place; the sweep asks the same.
        return now;
    }
    match engine.gates.shut_until(webhook.id, now) {
        _ if !webhook.is_sending() => Timestamp::NEVER,
        Some(until) => until,
        // The sweep lets a few through.
        None if engine.gates.is_probing(webhook.id) => now.after(PROBE_WAIT),
        None => now,
    }
}

fn event_row(engine: &Engine, job: &Job, deliveries: u32, counts: Vec<usize>, now: Timestamp) -> EventRow {
    let key_row = |IdempotencyKey { key, request_hash }: &IdempotencyKey| KeyRow {
        key: key.clone(),
        request_hash: *request_hash,
        deliveries: i64::from(deliveries),
        expires_at: now.after(engine.limits.idempotency),
    };
    EventRow {
        scope: job.scope,
        content: Arc::clone(&job.content),
        routing: job.routing.clone(),
        idempotency: job.idempotency.as_ref().map(key_row),
        record: job.record.clone(),
        counts,
    }
}
