//! Replays as jobs: which deliveries are meant, which of those are passed over, and how fast it goes.
//!
//! A run of a job is the same delivery attempted again, with the same `webhook-id`. So a delivery can never be under
//! way twice, however many jobs want it: the second finds it on its way and passes it over.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::attempt::FailureKind;
use super::delivery::DeliveryState;
use super::event::EventType;
use super::id::{DeliveryId, EventId, WebhookId};
use super::subscription::Pattern;
use super::time::Timestamp;
use super::webhook::{Webhook, WebhookStatus};

/// The most ids, or event types, that a filter can list.
pub const LISTED_MAX: usize = 200;
/// What a job that was held up may catch up on at once.
pub const BURST: Duration = Duration::from_secs(1);

/// Where a job stands.
///
/// ```text
/// running ⇄ paused
///   │  └──────┴── cancel ──▶ cancelled
///   ├── every run is final ─▶ done
///   └── it cannot go on ────▶ failed
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayState {
    /// Makes runs.
    Running,
    /// Makes none until it is resumed.
    Paused,
    /// Was called off. Runs that it had made go on.
    Cancelled,
    /// Has made every run, and every run is final.
    Done,
    /// Could not go on.
    Failed,
}

impl ReplayState {
    /// Every state, for documents and parsers.
    pub const ALL: [Self; 5] = [Self::Running, Self::Paused, Self::Cancelled, Self::Done, Self::Failed];

    /// The word that the API and the database use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// The state that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Which deliveries are meant. What is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ReplayFilter {
    /// Only to this webhook.
    pub webhook: Option<WebhookId>,
    /// Only of these types.
    pub event_types: Vec<Pattern>,
    /// Only in these states.
    pub states: Vec<DeliveryState>,
    /// Only where the last answer was this.
    pub http_status: Option<u16>,
    /// Only where the last answer was of this class: 5 for 5xx.
    pub status_class: Option<u16>,
    /// Only where the last attempt failed so.
    pub error: Option<FailureKind>,
    /// Only those made from then on.
    #[serde(deserialize_with = "time")]
    pub created_after: Option<Timestamp>,
    /// Only those made before then.
    #[serde(deserialize_with = "time")]
    pub created_before: Option<Timestamp>,
    /// Only of these events.
    pub events: Vec<EventId>,
    /// Only these.
    pub deliveries: Vec<DeliveryId>,
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let read = |text: String| Timestamp::parse_rfc3339(&text).ok_or_else(|| serde::de::Error::custom("no time"));
    text.map(read).transpose()
}

/// What is left of the event of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventLeft {
    /// All of it.
    Whole,
    /// Its data was erased.
    Expunged,
    /// Nothing: it is older than the retention.
    Nothing,
}

/// A delivery that a filter is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub delivery: DeliveryId,
    /// Of which event.
    pub event: EventId,
    /// Of what type that is.
    pub event_type: String,
    /// Where to.
    pub webhook: WebhookId,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts ever.
    pub attempts: i64,
    /// Status of the last answer.
    pub last_status: Option<i64>,
    /// Kind of the last failure without an answer.
    pub last_error: Option<String>,
    /// What is left of its event.
    pub event_left: EventLeft,
}

/// Why a delivery that is meant is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Skip {
    /// It waits for an attempt anyway.
    OnItsWay,
    /// Its webhook is paused.
    WebhookPaused,
    /// Its webhook is disabled.
    WebhookDisabled,
    /// Its webhook is deleted.
    WebhookDeleted,
    /// The data of its event was erased.
    Expunged,
    /// Its event is older than the retention.
    EventDropped,
}

impl Skip {
    /// For people.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::OnItsWay => "it waits for an attempt anyway",
            Self::WebhookPaused => "the webhook is paused",
            Self::WebhookDisabled => "the webhook is disabled",
            Self::WebhookDeleted => "the webhook is deleted",
            Self::Expunged => "the data of the event was erased",
            Self::EventDropped => "the event is older than the retention",
        }
    }
}

impl ReplayFilter {
    /// Whether a delivery is meant. With `only_failed`, only one that is a dead letter at this moment.
    #[must_use]
    pub fn admits(&self, candidate: &Candidate, only_failed: bool) -> bool {
        let Self {
            webhook,
            event_types,
            states,
            http_status,
            status_class,
            error,
            // The bounds of the walk.
            created_after: _,
            created_before: _,
            events,
            deliveries,
        } = self;
        let status = |wanted: Option<u16>, divisor: i64| {
            wanted.is_none_or(|wanted| candidate.last_status.is_some_and(|last| last / divisor == i64::from(wanted)))
        };
        let of_type = |event_type: &EventType| event_types.iter().any(|pattern| pattern.matches(event_type));
        (!only_failed || candidate.state == DeliveryState::Dead)
            && webhook.is_none_or(|webhook| webhook == candidate.webhook)
            && (states.is_empty() || states.contains(&candidate.state))
            && status(*http_status, 1)
            && status(*status_class, 100)
            && error.is_none_or(|error| candidate.last_error.as_deref() == Some(error.as_str()))
            && (events.is_empty() || events.contains(&candidate.event))
            && (deliveries.is_empty() || deliveries.contains(&candidate.delivery))
            && (event_types.is_empty() || EventType::parse(&candidate.event_type).is_ok_and(|named| of_type(&named)))
    }
}

/// Why a delivery that is meant is passed over, if it is.
#[must_use]
pub fn skip(candidate: &Candidate, webhook: Option<&Webhook>) -> Option<Skip> {
    let of_webhook = match webhook {
        None => Some(Skip::WebhookDeleted),
        Some(webhook) if webhook.deleted_at.is_some() => Some(Skip::WebhookDeleted),
        Some(webhook) => match webhook.status {
            WebhookStatus::Active => None,
            WebhookStatus::Paused => Some(Skip::WebhookPaused),
            WebhookStatus::Disabled => Some(Skip::WebhookDisabled),
        },
    };
    match (candidate.state, candidate.event_left) {
        (DeliveryState::Pending, _) => Some(Skip::OnItsWay),
        (_, EventLeft::Expunged) => Some(Skip::Expunged),
        (_, EventLeft::Nothing) => Some(Skip::EventDropped),
        (DeliveryState::Delivered | DeliveryState::Dead | DeliveryState::Cancelled, EventLeft::Whole) => of_webhook,
    }
}

/// How fast a job goes: so many runs in a second, and what was not used of the last second may be caught up on.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Runs in a second.
    pub rate: u32,
    /// Up to when the rate is used.
    pub used_until: Timestamp,
}

impl Pace {
    /// How many runs may be made now.
    #[must_use]
    pub fn allows(self, now: Timestamp) -> u32 {
        let millis = now.since(self.used_until).min(BURST).as_millis() * u128::from(self.rate);
        u32::try_from(millis / 1000).unwrap_or(u32::MAX)
    }

    /// Up to when the rate is used once so many were made now.
    #[must_use]
    pub fn after(self, now: Timestamp, made: u32) -> Timestamp {
        self.used_until.max(now.before(BURST)).after(Self::time_for(self.rate, made))
    }

    /// How long a rate takes for so many.
    #[must_use]
    pub fn time_for(rate: u32, runs: u32) -> Duration {
        Duration::from_millis((u64::from(runs) * 1000).div_ceil(u64::from(rate.max(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_rate_is_kept_over_any_time(rate in 1u32..2000, steps in proptest::collection::vec(0u64..3000, 1..50)) {
            let start = Timestamp::from_millis(1_000_000);
            let (mut now, mut made) = (start, 0u64);
            let mut pace = Pace { rate, used_until: start.before(BURST) };
            for step in steps {
                now = now.after(Duration::from_millis(step));
                let allowed = pace.allows(now);
                pace.used_until = pace.after(now, allowed);
                made += u64::from(allowed);
            }
            let millis = u64::try_from(now.since(start).as_millis()).unwrap();
            prop_assert!(made <= u64::from(rate) * (millis + 1000) / 1000);
        }
    }

    #[test]
    fn a_rate_is_reached() {
        let start = Timestamp::from_millis(1_000_000);
        let mut pace = Pace { rate: 50, used_until: start };
        let mut made = 0;
        for tick in 1..=40 {
            let now = start.after(Duration::from_millis(250 * tick));
            let allowed = pace.allows(now);
            pace.used_until = pace.after(now, allowed);
            made += allowed;
        }
        assert_eq!(made, 500);
    }
}
