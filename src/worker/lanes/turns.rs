//! Turns: requests that a webhook with a rate may be sent now. They are asked for in the database, for what waits at that
//! moment, and soon lapse: what was granted and is sent much later would come together with what is granted then.

use std::time::Duration;

use super::{Lane, Lanes};
use crate::domain::id::WebhookId;
use crate::domain::pace::{Granted, Pace};
use crate::domain::time::Timestamp;

/// A turn that is not used within this is lost.
const TURN_LASTS: Duration = Duration::from_millis(100);
/// Deliveries wait in memory for a turn that comes within this; for later ones they wait in the database.
const HOLD_MAX: Duration = Duration::from_secs(5);
/// Webhooks that are asked for at once.
const ASKS_MAX: usize = 64;

/// What a lane of a webhook with a rate may send.
pub(super) struct Turns {
    pace: Pace,
    left: u32,
    granted_at: Timestamp,
    /// Asking earlier is in vain.
    ask_at: Timestamp,
    is_asked: bool,
}

impl Turns {
    fn new(pace: Pace) -> Self {
        Self { pace, left: 0, granted_at: Timestamp::default(), ask_at: Timestamp::default(), is_asked: false }
    }

    pub(super) fn has_one(&self, now: Timestamp) -> bool {
        self.left > 0 && now.since(self.granted_at) <= TURN_LASTS
    }

    pub(super) const fn use_one(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}

/// What has to be done about lanes without a turn.
pub struct Asks<J> {
    /// Turns to ask for: which webhook, its rates, and how many.
    pub wanted: Vec<(WebhookId, Pace, u32)>,
    /// Deliveries to park, each until its instant.
    pub parked: Vec<(J, Timestamp)>,
}

impl<J> Lane<J> {
    /// Puts the lane under rates, or under none; true when that frees it.
    fn set_pace(&mut self, pace: Pace) -> bool {
        match &mut self.turns {
            None if pace.is_free() => false,
            Some(turns) if turns.pace == pace => false,
            turns => {
                let is_free = pace.is_free();
                *turns = (!is_free).then(|| Turns::new(pace));
                is_free
            }
        }
    }
}

impl<J> Lanes<J> {
    /// Tells how fast a webhook may be sent to.
    pub fn pace(&mut self, webhook: WebhookId, pace: Pace) {
        let Some(lane) = self.by_webhook.get_mut(&webhook) else { return };
        if lane.set_pace(pace) {
            self.turnless.remove(&webhook);
            self.rotate_in(webhook);
        }
    }

    /// Whether a lane waits for a turn.
    pub fn lacks_turns(&self) -> bool {
        !self.turnless.is_empty()
    }

    /// What lanes without a turn need.
    pub fn asks(&mut self, now: Timestamp) -> Asks<J> {
        let mut asks = Asks { wanted: Vec::new(), parked: Vec::new() };
        let (lanes, waiting) = (&mut self.by_webhook, &mut self.waiting);
        self.turnless.retain(|webhook| {
            let Some(lane) = lanes.get_mut(webhook) else { return false };
            let wanted = u32::try_from(lane.waiting()).unwrap_or(u32::MAX).min(lane.places());
            let Some(turns) = &mut lane.turns else { return false };
            if wanted == 0 {
                // It comes back when something waits, or when a request is over.
                return false;
            }
            if turns.ask_at > now.after(HOLD_MAX) {
                let until = turns.ask_at;
                let parked = lane.drain();
                *waiting -= parked.len();
                asks.parked.extend(parked.into_iter().map(|job| (job, until)));
                return false;
            }
            if !turns.is_asked && turns.ask_at <= now && asks.wanted.len() < ASKS_MAX {
                turns.is_asked = true;
                asks.wanted.push((*webhook, turns.pace.clone(), wanted));
            }
            true
        });
        asks
    }

    /// Takes what was granted.
    pub fn grant(&mut self, webhook: WebhookId, granted: Granted, now: Timestamp) {
        let Some(lane) = self.by_webhook.get_mut(&webhook) else { return };
        let Some(turns) = &mut lane.turns else { return };
        let Granted { requests, next_at } = granted;
        turns.is_asked = false;
        turns.left = requests;
        turns.granted_at = now;
        turns.ask_at = next_at.unwrap_or(now);
        if requests > 0 {
            self.turnless.remove(&webhook);
            self.rotate_in(webhook);
        }
    }
}
