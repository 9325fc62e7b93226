//! Events: what happened, as accepted.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::id::EventId;
use super::time::Timestamp;

/// The most characters in the name of an event type.
pub const EVENT_TYPE_CHARS_MAX: usize = 128;

/// The name of an event type: dotted, lower-case, any depth, such as `conversation.created`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventType(Arc<str>);

/// Why a text is not the name of an event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEventType {
    /// Longer than [`EVENT_TYPE_CHARS_MAX`].
    #[error("must have at most {EVENT_TYPE_CHARS_MAX} characters")]
    TooLong,
    /// Not dotted lower-case words.
    #[error("must be lower-case words of a-z, 0-9 and _ joined by dots, such as `order.created`")]
    Malformed,
}

impl EventType {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// When the text is too long or is not dotted lower-case words.
    pub fn parse(text: &str) -> Result<Self, InvalidEventType> {
        if text.len() > EVENT_TYPE_CHARS_MAX {
            return Err(InvalidEventType::TooLong);
        }
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        if text.split('.').all(is_word) { Ok(Self(text.into())) } else { Err(InvalidEventType::Malformed) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for EventType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// What a delivery needs of its event. Shared by all deliveries of the event.
#[derive(Clone, PartialEq, Eq)]
pub struct EventContent {
    /// The event's id, which receivers see as `webhook-id`.
    pub id: EventId,
    /// What kind of thing happened.
    pub event_type: EventType,
    /// When it happened, as the publisher said, else when it was accepted.
    pub occurred_at: Timestamp,
    /// The JSON object, byte for byte as accepted.
    pub data: Bytes,
}

/// Payloads stay out of logs.
impl fmt::Debug for EventContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, event_type, occurred_at, data } = self;
        write!(f, "{id} {event_type} {occurred_at} ({} bytes)", data.len())
    }
}
