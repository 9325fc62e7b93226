//! What an API key may do. A key holds words; a route asks for one of these.

use std::fmt;

/// One thing that a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the word that it stands for")]
pub enum Permission {
    ReadConversations,
    WriteConversations,
    ReadCustomers,
    WriteCustomers,
    ReadMessages,
    WriteMessages,
    ReadEvents,
    WriteEvents,
    ReadWebhooks,
    WriteWebhooks,
    ReadDeliveries,
    WriteDeliveries,
    ReadAnalytics,
}

/// Stands for reading and writing webhooks and deliveries.
pub const MANAGE_WEBHOOKS: &str = "webhook:manage";

impl Permission {
    /// Every permission, for documents and for keys that may do everything.
    pub const ALL: [Self; 13] = [
        Self::ReadConversations,
        Self::WriteConversations,
        Self::ReadCustomers,
        Self::WriteCustomers,
        Self::ReadMessages,
        Self::WriteMessages,
        Self::ReadEvents,
        Self::WriteEvents,
        Self::ReadWebhooks,
        Self::WriteWebhooks,
        Self::ReadDeliveries,
        Self::WriteDeliveries,
        Self::ReadAnalytics,
    ];

    /// The most words that a key can hold: each once.
    pub const WORDS_MAX: usize = Self::ALL.len() + 1;

    /// The word that keys hold.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadConversations => "read:conversations",
            Self::WriteConversations => "write:conversations",
            Self::ReadCustomers => "read:customers",
            Self::WriteCustomers => "write:customers",
            Self::ReadMessages => "read:messages",
            Self::WriteMessages => "write:messages",
            Self::ReadEvents => "read:events",
            Self::WriteEvents => "write:events",
            Self::ReadWebhooks => "read:webhooks",
            Self::WriteWebhooks => "write:webhooks",
            Self::ReadDeliveries => "read:deliveries",
            Self::WriteDeliveries => "write:deliveries",
            Self::ReadAnalytics => "read:analytics",
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub const fn is_reading(self) -> bool {
        match self {
            Self::ReadConversations
            | Self::ReadCustomers
            | Self::ReadMessages
            | Self::ReadEvents
            | Self::ReadWebhooks
            | Self::ReadDeliveries
            | Self::ReadAnalytics => true,
            Self::WriteConversations
            | Self::WriteCustomers
            | Self::WriteMessages
            | Self::WriteEvents
            | Self::WriteWebhooks
            | Self::WriteDeliveries => false,
        }
    }

    /// Whether [`MANAGE_WEBHOOKS`] stands for it, among others.
    const fn is_of_webhooks(self) -> bool {
        match self {
            Self::ReadWebhooks | Self::WriteWebhooks | Self::ReadDeliveries | Self::WriteDeliveries => true,
            Self::ReadConversations
            | Self::WriteConversations
            | Self::ReadCustomers
            | Self::WriteCustomers
            | Self::ReadMessages
            | Self::WriteMessages
            | Self::ReadEvents
            | Self::WriteEvents
            | Self::ReadAnalytics => false,
        }
    }

    /// Whether a key that holds these words may do it.
    #[must_use]
    pub fn is_among(self, words: &[String]) -> bool {
        words.iter().any(|word| word == self.as_str() || (self.is_of_webhooks() && word == MANAGE_WEBHOOKS))
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

    #[test]
    fn words_are_distinct_and_say_whether_they_read() {
        let words: std::collections::BTreeSet<_> = Permission::ALL.into_iter().map(Permission::as_str).collect();
        assert_eq!(words.len(), Permission::ALL.len());
        for permission in Permission::ALL {
            assert_eq!(permission.is_reading(), permission.as_str().starts_with("read:"), "{permission}");
            assert!(Permission::is_word(permission.as_str()));
        }
    }
}
