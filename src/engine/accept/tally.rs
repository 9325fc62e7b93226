//! What a batch counts on, and which of its events the plan has no unit left for.
//!
//! Counting costs no question: the commit itself uses units of a block that its lane holds. Only when a block has too
//! few is the database asked for more, and only when it has no more to give is an event refused.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::Job;
use crate::chance;
use crate::domain::meter::{Count, Metered};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::directory::Snapshot;
use crate::store::StoreError;
use crate::store::meters::Holder;

/// So long after a count had no unit to give, it is not asked again: what other holders left over may come back.
const DRY_FOR: Duration = Duration::from_millis(250);
/// Counts whose dryness a lane remembers.
const DRY_MAX: usize = 4096;

/// One of the places where commits are made; each counts on blocks of its own, so that they do not wait for each other.
pub(super) struct Lane {
    pub(super) holder: Uuid,
    dry: HashMap<Count, (Metered, Timestamp)>,
}

impl Lane {
    pub(super) fn new() -> Self {
        Self { holder: Uuid::from_bytes(chance::bytes()), dry: HashMap::new() }
    }

    /// How many units are left of what has none for now.
    pub(super) fn known(&self, now: Timestamp) -> Allowed {
        let dry = self.dry.values().filter(|(_, until)| *until > now);
        Allowed(dry.map(|(metered, _)| (metered.count.clone(), (metered.clone(), 0))).collect())
    }

    /// Asks for more units of everything that a batch counts on.
    pub(super) async fn refill(
        &mut self,
        engine: &Engine,
        tally: &Tally,
        now: Timestamp,
        allowed: &mut Allowed,
    ) -> Result<(), StoreError> {
        let holder = Holder { id: self.holder, until: now.after(engine.limits.meter_lease) };
        // In one order for everybody, so that two batches never wait for each other.
        let mut wanted: Vec<(&Metered, i64)> = tally.metered.iter().zip(tally.wanted.iter().copied()).collect();
        wanted.sort_by(|(a, _), (b, _)| a.count.cmp(&b.count));
        for (metered, needed) in wanted.into_iter().filter(|(_, needed)| *needed > 0) {
            let left = engine.store.grant_units(now, holder, metered, needed).await?;
            engine.note_quota(metered, None);
            if left < needed {
                self.dry.retain(|_, (_, until)| *until > now);
                if self.dry.len() < DRY_MAX {
                    let until = now.after(DRY_FOR).min(metered.count.window.ends_at);
                    self.dry.insert(metered.count.clone(), (metered.clone(), until));
                }
            }
            allowed.0.insert(metered.count.clone(), (metered.clone(), left));
        }
        Ok(())
    }
}

/// How many units are left, where that is known.
#[derive(Default)]
pub(super) struct Allowed(HashMap<Count, (Metered, i64)>);

/// What a batch counts on.
#[derive(Default)]
pub(super) struct Tally {
    /// Each once; events name them by their place.
    pub(super) metered: Vec<Metered>,
    places: HashMap<Count, usize>,
    /// Of each, what would be needed for every event.
    wanted: Vec<i64>,
    /// Of each, what is left, where that is known.
    left: Vec<Option<i64>>,
}

impl Tally {
    /// Counts a job; the places that it counts on, or what it finds no unit of.
    pub(super) fn add(
        &mut self,
        engine: &Engine,
        job: &Job,
        snapshot: &Snapshot,
        now: Timestamp,
        allowed: &Allowed,
    ) -> Result<Vec<usize>, Metered> {
        if !job.is_metered {
            return Ok(Vec::new());
        }
        let plan = engine.plan_in(snapshot, job.scope.tenant);
        let mut places = Vec::with_capacity(2);
        for (meter, period) in engine.plans.counts_of(&job.content.event_type) {
            let count = Count { scope: job.scope, meter: meter.clone(), window: period.window_at(now) };
            let limit = plan.limit_of(meter, period);
            places.push(self.place(Metered { count, limit }, allowed));
        }
        for place in &places {
            self.wanted[*place] += 1;
        }
        if let Some(dry) = places.iter().find(|place| self.left[**place].is_some_and(|left| left <= 0)) {
            return Err(self.metered[*dry].clone());
        }
        for place in &places {
            self.left[*place] = self.left[*place].map(|left| left - 1);
        }
        Ok(places)
    }

    fn place(&mut self, metered: Metered, allowed: &Allowed) -> usize {
        if let Some(place) = self.places.get(&metered.count) {
            return *place;
        }
        let known = allowed.0.get(&metered.count).filter(|(known, _)| known.limit == metered.limit);
        self.left.push(known.map(|(_, left)| *left));
        self.wanted.push(0);
        self.places.insert(metered.count.clone(), self.metered.len());
        self.metered.push(metered);
        self.metered.len() - 1
    }
}
