//! Paces: a webhook with a rate is sent no more than that, by however many processes.
//!
//! A worker asks for a *turn* before each request to such a webhook, in the database, where all processes ask: that is
//! what keeps the rate. So that few deliveries are taken out of the database which would then not get a turn, each
//! process that feeds workers hands out no more of them than the rate, by a log of its own. The others wait where they
//! are: they are due, and the next sweep looks at them again without touching them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Engine;
use crate::domain::id::WebhookId;
use crate::domain::pace::{Granted, Pace, PaceLog, Window};
use crate::domain::plan::Limit;
use crate::domain::time::Timestamp;
use crate::domain::webhook::Webhook;
use crate::store::StoreError;

/// Webhooks whose feeding is remembered; the rest is read from the database again.
const FED_MAX: usize = 10_000;

/// What this process has fed to workers.
#[derive(Default)]
pub(crate) struct Feeds(Mutex<HashMap<WebhookId, PaceLog>>);

impl Feeds {
    fn logs(&self) -> MutexGuard<'_, HashMap<WebhookId, PaceLog>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that deliveries of a webhook go to the workers.
    pub(super) fn take(&self, webhook: WebhookId, pace: &Pace, now: Timestamp, wanted: u32) {
        let mut logs = self.logs();
        if logs.len() >= FED_MAX && !logs.contains_key(&webhook) {
            logs.clear();
        }
        logs.entry(webhook).or_default().take(pace, now, wanted);
    }

    fn left(&self, webhook: WebhookId, pace: &Pace, now: Timestamp) -> u32 {
        // On a copy: what is left is not yet taken.
        self.logs().get(&webhook).cloned().unwrap_or_default().take(pace, now, u32::MAX).requests
    }

    /// Since when a webhook may be fed again whose rate was used up.
    pub(super) fn open_since(&self, webhook: WebhookId, pace: &Pace) -> Option<Timestamp> {
        self.logs().get(&webhook).and_then(|log| log.full_until(pace))
    }

    fn knows(&self, webhook: WebhookId) -> bool {
        self.logs().contains_key(&webhook)
    }

    fn learn(&self, webhook: WebhookId, log: PaceLog) {
        self.logs().entry(webhook).or_insert(log);
    }
}

/// What one commit feeds of webhooks with a rate: counted when it is done, for it may be tried again.
#[derive(Default)]
pub(super) struct Feeding(HashMap<WebhookId, Helping>);

struct Helping {
    pace: Pace,
    left: u32,
    taken: u32,
}

impl Feeding {
    /// Takes one delivery of a webhook, if its rates leave room for it.
    pub(super) fn take(&mut self, engine: &Engine, webhook: WebhookId, pace: Pace, now: Timestamp) -> bool {
        if pace.is_free() {
            return true;
        }
        let helping = self.0.entry(webhook).or_insert_with(|| {
            let left = engine.feeds.left(webhook, &pace, now);
            Helping { pace, left, taken: 0 }
        });
        let has_room = helping.taken < helping.left;
        helping.taken += u32::from(has_room);
        has_room
    }

    /// Remembers what was taken.
    pub(super) fn done(&self, engine: &Engine, now: Timestamp) {
        for (webhook, Helping { pace, taken, .. }) in &self.0 {
            engine.feeds.take(*webhook, pace, now, *taken);
        }
    }
}

impl Engine {
    /// How fast a webhook may be sent to, by its own rate, by what its receiver agreed to, and by what its plan sells.
    pub fn pace_sold(&self, webhook: &Webhook, sold: Limit) -> Pace {
        Pace::of(webhook.settings.rate_limit, sold, webhook.agreed_rate(&self.limits.origin))
    }

    /// How many deliveries of a webhook may go to the workers now.
    pub(super) async fn left_to_feed(
        &self,
        webhook: WebhookId,
        pace: &Pace,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        if !self.feeds.knows(webhook) {
            // What an earlier process fed.
            self.feeds.learn(webhook, self.store.pace_log(webhook).await?);
        }
        Ok(self.feeds.left(webhook, pace, now))
    }

    /// Turns for requests that are about to go out.
    pub async fn take_turns(
        &self,
        mut asked: Vec<(WebhookId, Pace, u32)>,
    ) -> Result<Vec<(WebhookId, Granted)>, StoreError> {
        asked.sort_unstable_by_key(|(webhook, ..)| *webhook);
        self.store.take_turns(&asked, self.clock.now()).await
    }

    /// The instant before which a log that nobody has used says nothing any more.
    pub(super) fn paces_matter_since(&self) -> Timestamp {
        self.clock.now().before(Window::Hour.duration() * 2)
    }
}
