//! Events: what happened, as accepted.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use memchr::memchr2;

use super::channel::Channels;
use super::id::EventId;
use super::time::Timestamp;

/// The most characters in the name of an event type.
pub const EVENT_TYPE_CHARS_MAX: usize = 128;
/// How deeply an event's data may be nested. Parsers of receivers give up soon after.
pub const DATA_DEPTH_MAX: usize = 100;
/// How far in the past `deliverAt` may lie, for clocks that differ and requests that are repeated.
pub const DELIVER_AT_PAST_MAX: Duration = Duration::from_mins(5);

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

/// How deeply JSON is nested: 1 for `{}`. Whether it is JSON is for others to say.
#[must_use]
pub fn nesting(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = json;
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => rest = after_text(rest),
            _ => {}
        }
    }
    deepest
}

/// What follows the quotation mark that ends a text.
fn after_text(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', rest) {
        let (found, after) = (rest[at], &rest[at + 1..]);
        if found == b'"' {
            return after;
        }
        rest = after.get(1..).unwrap_or_default();
    }
    &[]
}

/// Where and when an event goes, besides what its type says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routing {
    /// Which channels it is for.
    pub channels: Channels,
    /// No delivery is due before.
    pub deliver_at: Option<Timestamp>,
}

/// Why a text does not say when to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDeliverAt {
    /// Not a time.
    #[error("must be a time such as `2026-11-21T20:04:59.120Z`")]
    Malformed,
    /// Gone by, for longer than [`DELIVER_AT_PAST_MAX`].
    #[error("must not be in the past")]
    Past,
    /// Further ahead than this deployment schedules.
    #[error("must be within the next {days} days")]
    TooFar {
        /// How many.
        days: u64,
    },
    /// This deployment schedules nothing.
    #[error("cannot be given: this deployment delivers at once")]
    Off,
}

/// Reads when to deliver. With a `max` of zero nothing may be scheduled.
///
/// # Errors
/// When the text is not a time, or not one that is acceptable `now`.
pub fn read_deliver_at(text: &str, now: Timestamp, max: Duration) -> Result<Timestamp, InvalidDeliverAt> {
    if max.is_zero() {
        return Err(InvalidDeliverAt::Off);
    }
    let time = Timestamp::parse_rfc3339(text).ok_or(InvalidDeliverAt::Malformed)?;
    if time < now.before(DELIVER_AT_PAST_MAX) {
        return Err(InvalidDeliverAt::Past);
    }
    if time > now.after(max) {
        return Err(InvalidDeliverAt::TooFar { days: max.as_secs() / 86_400 });
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_counts_what_is_open_outside_of_texts() {
        for (json, depth) in
            [("{}", 1), (r#"{"a":[{"b":[]}],"c":{}}"#, 4), (r#"{"a":"[[[{{\\\"[[\\\\","b":[1]}"#, 2), ("5", 0)]
        {
            assert_eq!(nesting(json.as_bytes()), depth, "{json}");
        }
        assert_eq!(nesting("[".repeat(100_000).as_bytes()), 100_000);
    }

    #[test]
    fn a_delivery_is_scheduled_within_bounds() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let max = Duration::from_hours(24 * 30);
        let read = |time: Timestamp| read_deliver_at(&time.to_string(), now, max);
        for good in [now, now.after(max), now.before(DELIVER_AT_PAST_MAX)] {
            assert_eq!(read(good), Ok(good));
        }
        let step = Duration::from_millis(1);
        assert_eq!(read(now.after(max).after(step)), Err(InvalidDeliverAt::TooFar { days: 30 }));
        assert_eq!(read(now.before(DELIVER_AT_PAST_MAX).before(step)), Err(InvalidDeliverAt::Past));
        assert_eq!(read_deliver_at("tomorrow", now, max), Err(InvalidDeliverAt::Malformed));
        assert_eq!(read_deliver_at(&now.to_string(), now, Duration::ZERO), Err(InvalidDeliverAt::Off));
    }
}
