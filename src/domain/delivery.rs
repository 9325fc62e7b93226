//! Deliveries: one event for one webhook, and the states that it can be in.

use std::fmt;

/// Where a delivery stands. A row in `due` exists exactly while it is [`DeliveryState::Pending`].
///
/// ```text
///            attempt succeeded
/// pending ───────────────────────▶ delivered
///   │ ▲ ▲                             │
///   │ │ └──── replay ◀────────────────┤
///   │ └────── redrive, retry ◀────────┤
///   ├── attempts used up, gone ────▶ dead
///   └── cancel ────────────────────▶ cancelled
/// ```
///
/// An attempt that is on the wire when its delivery dies or is cancelled may still succeed;
/// the receiver then has it, so the delivery is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// Waiting for its next attempt, or being attempted.
    Pending,
    /// The receiver answered 2xx.
    Delivered,
    /// A dead letter: used up its attempts; can be redriven.
    Dead,
    /// Ended by a person or the API.
    Cancelled,
}

impl DeliveryState {
    /// Every state, for documents and parsers.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Dead, Self::Cancelled];

    /// The word that the API and the database use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether a person may end it.
    #[must_use]
    pub const fn can_cancel(self) -> bool {
        matches!(self, Self::Pending)
    }

    /// Whether a person may have it sent (again) now.
    #[must_use]
    pub const fn can_retry(self) -> bool {
        match self {
            Self::Pending | Self::Dead | Self::Cancelled | Self::Delivered => true,
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
