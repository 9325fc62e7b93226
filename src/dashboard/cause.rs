//! Why a delivery stands where it does, and what happens next without anybody doing anything: two sentences.

use super::words::far;
use crate::domain::delivery::DeliveryState;
use crate::domain::time::Timestamp;
use crate::domain::webhook::WebhookStatus;
use crate::engine::Engine;
use crate::engine::directory::Listener;
use crate::store::attempts::Attempt;
use crate::store::deliveries::Delivery;

/// The two sentences.
pub(super) struct Cause {
    pub(super) tone: &'static str,
    /// What the last attempt came to.
    pub(super) what: String,
    /// What happens next.
    pub(super) next: String,
}

impl Cause {
    pub(super) fn of(
        delivery: &Delivery,
        attempts: &[Attempt],
        listener: Option<&Listener>,
        engine: &Engine,
        now: Timestamp,
    ) -> Self {
        let what = match attempts.last() {
            None => "No attempt was made yet.".to_owned(),
            // What comes next is said below, as it stands now.
            Some(Attempt { outcome, .. }) => {
                let what = outcome.rsplit_once("; ").map_or(outcome.as_str(), |(what, _)| what);
                format!("{}.", what.trim_end_matches('.'))
            }
        };
        let (tone, next) = match delivery.state {
            DeliveryState::Delivered => ("good", "Nothing is left to do.".to_owned()),
            DeliveryState::Cancelled => ("idle", "It was cancelled: there is no further attempt.".to_owned()),
            DeliveryState::Dead => {
                ("bad", "It is a dead letter: nothing happens until somebody retries it.".to_owned())
            }
            DeliveryState::Pending => ("retrying", pending(delivery, listener, engine, now)),
        };
        Self { tone, what, next }
    }
}

fn pending(delivery: &Delivery, listener: Option<&Listener>, engine: &Engine, now: Timestamp) -> String {
    let Some(listener) = listener else { return "The webhook is not known; the delivery waits.".to_owned() };
    let webhook = &listener.webhook;
    if webhook.deleted_at.is_some() {
        return "The webhook was deleted: the delivery is about to be cancelled.".to_owned();
    }
    match webhook.status {
        WebhookStatus::Paused => return "The webhook is paused: it is sent when somebody resumes it.".to_owned(),
        WebhookStatus::Disabled => {
            return "The webhook is disabled: it is sent when somebody resumes it.".to_owned();
        }
        WebhookStatus::Active => {}
    }
    if let Some(until) = engine.gates.shut_until(webhook.id, now) {
        return format!("The webhook is given a rest until {until} ({}); it goes on by itself then.", far(until, now));
    }
    match delivery.next_attempt_at {
        Some(at) if at > now => format!("The next attempt is at {at} ({}).", far(at, now)),
        Some(_) => "The next attempt is due now.".to_owned(),
        None => "An attempt is under way.".to_owned(),
    }
}
