//! Whether deliveries of a webhook keep an order.

use serde::{Deserialize, Serialize};

/// In what order deliveries of a webhook go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ordering {
    /// Each as soon as it may: several at a time, and retries when their time comes.
    #[default]
    None,
    /// One at a time, as they were accepted. One that fails holds back those behind it until it is over.
    Strict,
}

impl Ordering {
    /// The word that the API and the database use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Strict => "strict",
        }
    }

    /// The order that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::None, Self::Strict].into_iter().find(|ordering| ordering.as_str() == word)
    }
}
