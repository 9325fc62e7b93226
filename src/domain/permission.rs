//! What an API key may do. A key holds words; a route asks for one of these.

use std::fmt;

/// One thing that a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the word that it stands for")]
pub enum Permission {
    ReadEvents,
    WriteEvents,
    ReadWebhooks,
    WriteWebhooks,
    ReadDeliveries,
    WriteDeliveries,
}

/// Stands for reading and writing webhooks and deliveries.
pub const MANAGE_WEBHOOKS: &str = "webhook:manage";

impl Permission {
    /// Every permission, for documents and for keys that may do everything.
    pub const ALL: [Self; 6] = [
        Self::ReadEvents,
        Self::WriteEvents,
        Self::ReadWebhooks,
        Self::WriteWebhooks,
        Self::ReadDeliveries,
        Self::WriteDeliveries,
    ];

    /// The word that keys hold.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadEvents => "read:events",
            Self::WriteEvents => "write:events",
            Self::ReadWebhooks => "read:webhooks",
            Self::WriteWebhooks => "write:webhooks",
            Self::ReadDeliveries => "read:deliveries",
            Self::WriteDeliveries => "write:deliveries",
        }
    }

    /// Whether a key that holds these words may do it.
    #[must_use]
    pub fn is_among(self, words: &[String]) -> bool {
        let managed = match self {
            Self::ReadWebhooks | Self::WriteWebhooks | Self::ReadDeliveries | Self::WriteDeliveries => true,
            Self::ReadEvents | Self::WriteEvents => false,
        };
        words.iter().any(|word| word == self.as_str() || (managed && word == MANAGE_WEBHOOKS))
    }

    /// Whether a key may hold the word.
    #[must_use]
    pub fn is_word(word: &str) -> bool {
        word == MANAGE_WEBHOOKS || Self::ALL.into_iter().any(|permission| permission.as_str() == word)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managing_webhooks_covers_deliveries_and_not_events() {
        let manage = [MANAGE_WEBHOOKS.to_owned()];
        assert!(Permission::WriteDeliveries.is_among(&manage));
        assert!(!Permission::WriteEvents.is_among(&manage));
        let read = [Permission::ReadEvents.to_string()];
        assert!(Permission::ReadEvents.is_among(&read));
        assert!(!Permission::WriteEvents.is_among(&read));
        assert!(!Permission::is_word("*"));
    }
}
