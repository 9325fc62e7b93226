//! Selection: whether a webhook wants an event, by the event's type, then its channels, then its data.
//!
//! The data is asked for last and only by a filter, so that an event that meets none is never parsed.

use serde_json::Value;

use super::channel::Channels;
use super::event::EventType;
use super::webhook::WebhookSettings;

/// Whether a webhook wants an event, or what kept it from wanting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// It does.
    Wanted,
    /// It subscribes to other types.
    OtherType,
    /// Its profile has no name for the type.
    OtherProfile,
    /// It hears other channels.
    OtherChannel,
    /// Its filter does not hold.
    Filtered,
}

/// Judges an event. `data` gives the event's data as a tree; without one no filter holds.
pub fn select<'a>(
    settings: &WebhookSettings,
    event_type: &EventType,
    channels: &Channels,
    data: impl FnOnce() -> Option<&'a Value>,
) -> Selection {
    if !settings.events.matches(event_type) {
        return Selection::OtherType;
    }
    if !settings.profile.sends(event_type) {
        return Selection::OtherProfile;
    }
    if !settings.channels.hear(channels) {
        return Selection::OtherChannel;
    }
    match &settings.filter {
        Some(filter) if !data().is_some_and(|data| filter.matches(data)) => Selection::Filtered,
        Some(_) | None => Selection::Wanted,
    }
}
