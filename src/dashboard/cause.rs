//! Why a delivery stands where it does, and what happens next without anybody doing anything: two sentences.

use super::prose::Prose;
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
    pub(super) next: Prose,
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
            DeliveryState::Delivered => ("good", Prose::new("Nothing is left to do.")),
            DeliveryState::Cancelled => ("idle", Prose::new("It was cancelled: there is no further attempt.")),
            DeliveryState::Dead => {
                ("bad", Prose::new("It is a dead letter: nothing happens until somebody retries it."))
            }
            DeliveryState::Pending => ("retrying", pending(delivery, listener, engine, now)),
        };
        Self { tone, what, next }
    }
}

fn pending(delivery: &Delivery, listener: Option<&Listener>, engine: &Engine, now: Timestamp) -> Prose {
    let Some(listener) = listener else { return Prose::new("The webhook is not known; the delivery waits.") };
    let webhook = &listener.webhook;
    if webhook.deleted_at.is_some() {
        return Prose::new("The webhook was deleted: the delivery is about to be cancelled.");
    }
    match webhook.status {
        WebhookStatus::Paused => return Prose::new("The webhook is paused: it is sent when somebody resumes it."),
        WebhookStatus::Disabled => {
            return Prose::new("The webhook is disabled: it is sent when somebody resumes it.");
        }
        WebhookStatus::Active => {}
    }
    if let Some(until) = engine.gates.shut_until(webhook.id, now) {
        let rest = Prose::new("The webhook is given a rest until ").at(until, now);
        return rest.then("; it goes on by itself then.");
    }
    match delivery.next_attempt_at {
        Some(at) if at > now => Prose::new("The next attempt is at ").at(at, now).then("."),
        Some(_) => Prose::new("The next attempt is due now."),
        None => Prose::new("An attempt is under way."),
    }
}
