//! Whether one delivery is among those that a filter finds, judged without the database.

use super::deliveries::{Delivery, DeliveryFilter};

/// Whether a delivery belongs in a list that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It does.
    Fits,
    /// It may have, before it changed.
    NotAnyMore,
    /// It does not, whatever becomes of it.
    Never,
}

impl DeliveryFilter {
    /// Judges one as the statements do.
    #[must_use]
    pub fn fit(&self, delivery: &Delivery) -> Fit {
        let Self {
            webhook,
            event,
            state,
            event_type,
            type_prefix,
            attempts,
            status_range,
            error,
            from,
            before,
            oldest_first: _,
        } = self;
        let stays = webhook.is_none_or(|webhook| webhook == delivery.webhook)
            && event.is_none_or(|event| event == delivery.event)
            && event_type.as_ref().is_none_or(|event_type| *event_type == delivery.event_type)
            && type_prefix.as_ref().is_none_or(|prefix| delivery.event_type.starts_with(prefix.as_str()))
            && from.is_none_or(|from| delivery.id.0 >= from)
            && before.is_none_or(|before| delivery.id.0 < before);
        let holds_now = state.is_none_or(|state| state == delivery.state)
            && attempts.is_none_or(|(fewest, most)| (fewest..=most).contains(&delivery.attempts))
            && status_range.is_none_or(|(first, last)| {
                delivery.last_status.is_some_and(|status| (first..=last).contains(&status))
            })
            && error.is_none_or(|error| delivery.last_error.as_deref() == Some(error.as_str()));
        match (stays, holds_now) {
            (true, true) => Fit::Fits,
            (true, false) => Fit::NotAnyMore,
            (false, _) => Fit::Never,
        }
    }
}
