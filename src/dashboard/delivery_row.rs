//! A delivery as a row of a table; the list and the live stream show the same.

use askama::Template;

use super::words::{Badge, Time, attempts_most, far};
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{DeliveryId, WebhookId};
use crate::domain::time::Timestamp;
use crate::engine::directory::Snapshot;
use crate::store::deliveries::Delivery;

/// A row.
pub(super) struct DeliveryRow {
    pub(super) id: DeliveryId,
    pub(super) badge: Badge,
    /// The last answer's status, else the word for its failure.
    pub(super) answer: String,
    pub(super) answer_tone: &'static str,
    pub(super) event_type: String,
    pub(super) webhook: WebhookId,
    pub(super) webhook_name: String,
    pub(super) webhook_url: String,
    pub(super) attempts: i64,
    pub(super) attempts_max: String,
    pub(super) next: Option<Next>,
    pub(super) created: Time,
    pub(super) can_cancel: bool,
    pub(super) is_replay: bool,
}

/// When the next attempt is due.
pub(super) struct Next {
    pub(super) at: Timestamp,
    pub(super) how_far: String,
}

impl DeliveryRow {
    /// The names of webhooks come from what the process knows by heart.
    pub(super) fn new(delivery: Delivery, known: &Snapshot, now: Timestamp) -> Self {
        let badge = Badge::of_delivery(&delivery);
        let Delivery {
            id,
            event: _,
            event_type,
            webhook,
            reason,
            state,
            attempts,
            last_status,
            last_error,
            settled_at: _,
            note: _,
            next_attempt_at,
        } = delivery;
        let settings = known.listener(webhook).map(|listener| &listener.webhook.settings);
        Self {
            id,
            badge,
            answer: last_status.map(|status| status.to_string()).or(last_error).unwrap_or_default(),
            answer_tone: Badge::tone_of_answer(last_status),
            event_type,
            webhook,
            webhook_name: settings.map_or_else(|| webhook.to_string(), |settings| settings.name.clone()),
            webhook_url: settings.map_or_else(String::new, |settings| settings.url.clone()),
            attempts,
            attempts_max: attempts_most(settings, attempts),
            next: next_attempt_at.map(|at| Next { at, how_far: far(at, now) }),
            created: Time { at: id.time(), now },
            can_cancel: state == DeliveryState::Pending,
            is_replay: reason != "event",
        }
    }
}

/// The row alone, for the live stream.
#[derive(Template)]
#[template(path = "delivery_row.html", config = "src/dashboard/askama.toml")]
pub(super) struct RowTemplate<'a> {
    pub(super) row: &'a DeliveryRow,
    pub(super) acts: bool,
}

/// The same to who visits by a link.
#[derive(Template)]
#[template(path = "portal_row.html", config = "src/dashboard/askama.toml")]
pub(super) struct PortalRowTemplate<'a> {
    pub(super) row: &'a DeliveryRow,
}
