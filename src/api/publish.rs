//! The wire form of a new event, and what makes an engine's `Publish` of it.
//!
//! `data` is not parsed into a tree: its bytes are checked to be a JSON object and kept as they came, because they
//! are what is signed and sent.

use std::fmt::Display;
use std::str::FromStr;

use axum::http::HeaderMap;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::json;
use super::problem::{Code, Problem};
use crate::domain::channel::{Channels, EVENT_CHANNELS_MAX};
use crate::domain::event::{DATA_DEPTH_MAX, EventType, InvalidDeliverAt, Routing, nesting, read_deliver_at};
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::EventId;
use crate::domain::time::Timestamp;
use crate::engine::accept::{IdempotencyKey, Publish};
use std::time::Duration;

/// The most characters in an idempotency key.
const KEY_CHARS_MAX: usize = 255;
/// How old the time in a client's own event id may be: as long as its idempotency key is kept.
const ID_AGE_MAX: Duration = Duration::from_hours(24);
/// How far it may be ahead, for clocks that differ.
const ID_AHEAD_MAX: Duration = Duration::from_mins(5);
/// Keeps the keys that we make apart from those that clients give: it is not a visible character.
const SEPARATOR: char = '\u{1f}';

/// An event to publish.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "type": "order.created", "data": { "orderId": "o-1001", "total": 42.5 } }))]
pub(super) struct NewEvent<'a> {
    /// Dotted lower-case words.
    #[schema(value_type = String, max_length = 128, example = "order.created")]
    r#type: Option<String>,
    /// What webhooks are sent, byte for byte.
    #[serde(borrow)]
    #[schema(value_type = Object)]
    data: Option<&'a RawValue>,
    /// An id of your own, made within the last 24 hours.
    #[schema(value_type = Option<EventId>)]
    id: Option<String>,
    /// When it happened; now, where it is not said.
    #[schema(value_type = Option<Timestamp>)]
    occurred_at: Option<String>,
    /// A second event with the same key and the same content within 24 hours is not made.
    #[schema(min_length = 1, max_length = 255, example = "order-1001-created")]
    idempotency_key: Option<String>,
    /// Not before then; up to 30 days ahead.
    #[schema(value_type = Option<Timestamp>, example = json!(null))]
    deliver_at: Option<String>,
    /// Goes only to webhooks that have one of these channels, or none.
    #[schema(value_type = Option<Channels>)]
    channels: Option<Vec<String>>,
}

/// What an event is judged by.
pub(super) struct EventRules<'a> {
    pub(super) now: Timestamp,
    pub(super) data_bytes_max: usize,
    pub(super) deliver_at_max: Duration,
    /// Of the request.
    pub(super) header_key: Option<&'a str>,
    /// The event's place in its batch; the request's key then stands for each event with its place.
    pub(super) index: Option<usize>,
}

/// Reads the request's `Idempotency-Key`.
pub(super) fn header_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| is_key(key));
    key.map(Some).ok_or_else(|| Problem::field(key_problem("Idempotency-Key")))
}

fn is_key(text: &str) -> bool {
    (1..=KEY_CHARS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn key_problem(name: &str) -> FieldProblem {
    FieldProblem::new(name, FieldCode::Invalid, format!("must be 1 to {KEY_CHARS_MAX} visible ASCII characters"))
}

impl EventRules<'_> {
    /// Reads one event.
    pub(super) fn read(&self, bytes: &[u8]) -> Result<Publish, Problem> {
        let NewEvent { r#type, data, id, occurred_at, idempotency_key, deliver_at, channels } = json::parse(bytes)?;
        let mut problems = Vec::new();
        let event_type = check_type(r#type.as_deref(), &mut problems);
        let data = check_data(data, &mut problems);
        let id = id.and_then(|text| self.check_id(&text, &mut problems));
        let occurred_at = occurred_at.and_then(|text| check_time(&text, &mut problems));
        let deliver_at = deliver_at.and_then(|text| self.check_deliver_at(&text, &mut problems));
        let routing = Routing { channels: check_channels(channels, &mut problems), deliver_at };
        let key = self.key(idempotency_key, id, &mut problems);
        let (Some(event_type), Some(data), true) = (event_type, data, problems.is_empty()) else {
            return Err(Problem::fields(problems));
        };
        check_size(data, self.data_bytes_max)?;
        let request_hash = |_: &String| request_hash(&event_type, data, id, occurred_at, &routing);
        let idempotency = key.map(|key| IdempotencyKey { request_hash: request_hash(&key), key });
        // A copy of its own: what is kept until it is delivered must not keep the request's buffer alive.
        let data = Bytes::copy_from_slice(data.as_bytes());
        Ok(Publish { id, occurred_at, routing, idempotency, ..Publish::new(event_type, data) })
    }

    /// A client's own id is bounded in time, because its day's partition must be there, and because after a day
    /// nothing remembers that it was used.
    fn check_id(&self, text: &str, problems: &mut Vec<FieldProblem>) -> Option<EventId> {
        let id = keep("id", EventId::from_str(text), problems)?;
        if id.0.get_version_num() == 7
            && (self.now.before(ID_AGE_MAX)..=self.now.after(ID_AHEAD_MAX)).contains(&id.time())
        {
            return Some(id);
        }
        let message = "must be a UUIDv7 whose time is within the last 24 hours";
        problems.push(FieldProblem::new("id", FieldCode::OutOfRange, message));
        None
    }

    fn check_deliver_at(&self, text: &str, problems: &mut Vec<FieldProblem>) -> Option<Timestamp> {
        read_deliver_at(text, self.now, self.deliver_at_max)
            .map_err(|error| {
                let code = match error {
                    InvalidDeliverAt::Malformed => FieldCode::Invalid,
                    InvalidDeliverAt::Past | InvalidDeliverAt::TooFar { .. } => FieldCode::OutOfRange,
                    InvalidDeliverAt::Off => FieldCode::NotAllowed,
                };
                problems.push(FieldProblem::new("deliverAt", code, error.to_string()));
            })
            .ok()
    }

    /// The key that stands for this event: the client's, or one made of its place in a batch, or of its own id.
    fn key(&self, own: Option<String>, id: Option<EventId>, problems: &mut Vec<FieldProblem>) -> Option<String> {
        if let Some(own) = own {
            if !is_key(&own) {
                problems.push(key_problem("idempotencyKey"));
            } else if self.index.is_none() && self.header_key.is_some_and(|header| header != own) {
                let message = "differs from the `Idempotency-Key` header: send one";
                problems.push(FieldProblem::new("idempotencyKey", FieldCode::Mismatch, message));
            }
            return Some(own);
        }
        match (self.header_key, self.index) {
            (Some(header), None) => Some(header.to_owned()),
            (Some(header), Some(index)) => Some(format!("{header}{SEPARATOR}{index}")),
            (None, _) => id.map(|id| format!("id{SEPARATOR}{id}")),
        }
    }
}

fn keep<T, E: Display>(name: &str, result: Result<T, E>, problems: &mut Vec<FieldProblem>) -> Option<T> {
    result.map_err(|error| problems.push(FieldProblem::new(name, FieldCode::Invalid, error.to_string()))).ok()
}

pub(super) fn check_type(text: Option<&str>, problems: &mut Vec<FieldProblem>) -> Option<EventType> {
    let Some(text) = text else {
        problems.push(FieldProblem::required("type"));
        return None;
    };
    keep("type", EventType::parse(text), problems)
}

pub(super) fn check_size(data: &str, max: usize) -> Result<(), Problem> {
    if data.len() <= max {
        return Ok(());
    }
    let message = format!("`data` may have at most {max} bytes; it has {}.", data.len());
    Err(Problem::new(Code::PayloadTooLarge, message))
}

pub(super) fn check_data<'a>(data: Option<&'a RawValue>, problems: &mut Vec<FieldProblem>) -> Option<&'a str> {
    let Some(data) = data.map(RawValue::get) else {
        problems.push(FieldProblem::required("data"));
        return None;
    };
    if !data.starts_with('{') {
        problems.push(FieldProblem::new("data", FieldCode::WrongType, "must be a JSON object"));
        return None;
    }
    if nesting(data.as_bytes()) > DATA_DEPTH_MAX {
        let message = format!("must be nested at most {DATA_DEPTH_MAX} levels deep");
        problems.push(FieldProblem::new("data", FieldCode::OutOfRange, message));
        return None;
    }
    Some(data)
}

pub(super) fn check_channels(names: Option<Vec<String>>, problems: &mut Vec<FieldProblem>) -> Channels {
    let read = Channels::read(names.unwrap_or_default(), EVENT_CHANNELS_MAX);
    read.unwrap_or_else(|mut found| {
        problems.append(&mut found);
        Channels::default()
    })
}

fn check_time(text: &str, problems: &mut Vec<FieldProblem>) -> Option<Timestamp> {
    let time = Timestamp::parse_rfc3339(text);
    if time.is_none() {
        let message = "must be a time such as `2026-11-21T20:04:59.120Z`";
        problems.push(FieldProblem::new("occurredAt", FieldCode::Invalid, message));
    }
    time
}

/// The same for the same request, whatever its spaces and the order of its fields. Each part is preceded by its
/// length, so that no two lists of parts give the same bytes.
fn request_hash(
    event_type: &EventType,
    data: &str,
    id: Option<EventId>,
    occurred_at: Option<Timestamp>,
    Routing { channels, deliver_at }: &Routing,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    let id = id.map(|id| *id.0.as_bytes());
    let time = occurred_at.map(|time| time.as_millis().to_be_bytes());
    let deliver_at = deliver_at.map(|time| time.as_millis().to_be_bytes());
    let channels = channels.names().join(",");
    let parts = [
        event_type.as_str().as_bytes(),
        data.as_bytes(),
        id.as_ref().map_or(&[], |id| &id[..]),
        time.as_ref().map_or(&[], |time| &time[..]),
        deliver_at.as_ref().map_or(&[], |time| &time[..]),
        channels.as_bytes(),
    ];
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn read(text: &str, header_key: Option<&str>, index: Option<usize>) -> Result<Publish, (Code, String)> {
        let deliver_at_max = Duration::from_hours(30 * 24);
        let rules = EventRules { now: NOW, data_bytes_max: 50, deliver_at_max, header_key, index };
        rules.read(text.as_bytes()).map_err(|problem| (problem.code(), problem.message().to_owned()))
    }

    fn key(text: &str, header_key: Option<&str>, index: Option<usize>) -> Option<IdempotencyKey> {
        read(text, header_key, index).unwrap().idempotency
    }

    #[test]
    fn data_is_kept_byte_for_byte() {
        let publish = read(r#" {"type":"a.b", "data": {"z":1.0, "a" :1e2 } } "#, None, None).unwrap();
        assert_eq!(&publish.data[..], br#"{"z":1.0, "a" :1e2 }"#);
        assert_eq!(publish.idempotency, None);
    }

    #[test]
    fn all_problems_come_at_once() {
        let (code, message) = read(r#"{"type":"A B","data":[1],"id":"x","occurredAt":"now"}"#, None, None).unwrap_err();
        assert_eq!(code, Code::ValidationError);
        assert!(message.starts_with("type ") && message.ends_with("and 3 more"), "{message}");
        let (_, message) = read(r#"{"type":"a","data":{},"deliver":"x"}"#, None, None).unwrap_err();
        assert!(message.starts_with("deliver is not a field here"), "{message}");
        let text = r#"{"type":"a","data":{},"deliverAt":"x","channels":["a b","c",""]}"#;
        let (_, message) = read(text, None, None).unwrap_err();
        assert!(message.starts_with("deliverAt must be a time") && message.ends_with("and 2 more"), "{message}");
        let large = format!(r#"{{"type":"a","data":{{"x":"{}"}}}}"#, "x".repeat(50));
        assert_eq!(read(&large, None, None).unwrap_err().0, Code::PayloadTooLarge);
    }

    #[test]
    fn a_clients_id_is_recent_and_is_a_key_too() {
        let with = |id: EventId| format!(r#"{{"type":"a","data":{{}},"id":"{id}"}}"#);
        let id = EventId::new(NOW, 7);
        let publish = read(&with(id), None, None).unwrap();
        assert_eq!(publish.id, Some(id));
        assert_eq!(publish.idempotency.unwrap().key, format!("id\u{1f}{id}"));
        for time in [NOW.before(Duration::from_hours(25)), NOW.after(Duration::from_mins(6))] {
            assert!(read(&with(EventId::new(time, 7)), None, None).is_err());
        }
    }

    #[test]
    fn keys_come_from_the_header_or_the_body() {
        let plain = r#"{"type":"a","data":{}}"#;
        let keyed = r#"{"type":"a","data":{},"idempotencyKey":"k"}"#;
        assert_eq!(key(plain, Some("h"), None).unwrap().key, "h");
        assert_eq!(key(plain, Some("h"), Some(3)).unwrap().key, "h\u{1f}3");
        assert_eq!(key(keyed, Some("k"), None).unwrap().key, "k");
        assert_eq!(key(keyed, Some("h"), Some(3)).unwrap().key, "k");
        assert!(read(keyed, Some("h"), None).is_err());
        assert!(read(r#"{"type":"a","data":{},"idempotencyKey":"a b"}"#, None, None).is_err());
        assert_eq!(key(plain, Some("k"), None), key(&format!(" {keyed}"), None, None));
        for other in [
            r#"{"type":"b","data":{}}"#,
            r#"{"type":"a","data":{},"channels":["x"]}"#,
            r#"{"type":"a","data":{},"deliverAt":"2027-01-15T09:00:00Z"}"#,
            r#"{"type":"a","data":{},"occurredAt":"2027-01-15T09:00:00Z"}"#,
        ] {
            assert_ne!(key(plain, Some("k"), None), key(other, Some("k"), None), "{other}");
        }
    }
}
