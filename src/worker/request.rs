//! The bytes of a request: the envelope around the event's data, and the headers that sign it.
//!
//! The data goes out byte for byte as it was accepted. It is signed when it is sent, with every key that is then
//! valid, newest first.

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde::Serializer as _;

use crate::domain::event::EventContent;
use crate::domain::signature::{
    HEADER_BODY_HEX, HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, SigningKey, body_hex, standard_header,
};
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Profile, Webhook};

const AGENT: &str = concat!("Angarium/", env!("CARGO_PKG_VERSION"));
/// Stands for a header's value in the log: a signature could be replayed, and a custom value may be a credential.
const HIDDEN: &str = "(hidden)";

/// A request, ready to send.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// What is signed and sent.
    pub body: Bytes,
    /// With signatures.
    pub headers: HeaderMap,
}

/// A webhook without a key, or with a header that no request can carry: our fault, not the receiver's.
#[derive(Debug, thiserror::Error)]
#[error("the request could not be built")]
pub struct NotBuilt;

/// Builds and signs the request of one attempt.
pub fn build(
    webhook: &Webhook,
    keys: &[SigningKey],
    event: &EventContent,
    now: Timestamp,
) -> Result<Outgoing, NotBuilt> {
    let newest = keys.first().ok_or(NotBuilt)?;
    let id = event.id.to_string();
    let body = match webhook.settings.profile {
        Profile::Default => envelope(&id, event),
    };
    let seconds = now.as_seconds();
    let mut headers = HeaderMap::with_capacity(8 + webhook.settings.headers.len());
    for (name, value) in &webhook.settings.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| NotBuilt)?;
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| NotBuilt)?);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
    let mut sign = |name: &'static str, value: String| -> Result<(), NotBuilt> {
        headers.insert(HeaderName::from_static(name), HeaderValue::try_from(value).map_err(|_| NotBuilt)?);
        Ok(())
    };
    sign(HEADER_SIGNATURE, standard_header(keys, &id, seconds, &body))?;
    sign(HEADER_BODY_HEX, body_hex(newest, &body))?;
    sign(HEADER_TIMESTAMP, seconds.to_string())?;
    sign(HEADER_ID, id)?;
    Ok(Outgoing { body: body.into(), headers })
}

/// `{"id","event","timestamp","data"}`. Ids, types and times need no escaping: they are letters, digits and `._:-`.
fn envelope(id: &str, event: &EventContent) -> Vec<u8> {
    let EventContent { id: _, event_type, occurred_at, data } = event;
    let time = occurred_at.to_string();
    let parts: [&[u8]; 9] = [
        b"{\"id\":\"",
        id.as_bytes(),
        b"\",\"event\":\"",
        event_type.as_str().as_bytes(),
        b"\",\"timestamp\":\"",
        time.as_bytes(),
        b"\",\"data\":",
        data,
        b"}",
    ];
    parts.concat()
}

/// The request's headers for the delivery log.
pub fn headers_for_log(outgoing: &Outgoing) -> String {
    let shown = ["content-type", "user-agent", HEADER_ID, HEADER_TIMESTAMP];
    json_object(outgoing.headers.iter().map(|(name, value)| {
        let visible = shown.contains(&name.as_str()).then(|| value.to_str().ok()).flatten();
        (name.as_str(), visible.unwrap_or(HIDDEN))
    }))
}

/// A JSON object, written without building it first: two are written for every attempt.
pub(super) fn json_object<'a, V: serde::Serialize>(entries: impl Iterator<Item = (&'a str, V)>) -> String {
    let mut text = Vec::with_capacity(256);
    let written = serde_json::Serializer::new(&mut text).collect_map(entries);
    // Texts as keys and values can always be written, and what is written is UTF-8.
    written.ok().and_then(|()| String::from_utf8(text).ok()).unwrap_or_else(|| "{}".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::EventType;
    use crate::domain::id::EventId;

    #[test]
    fn the_envelope_is_json_and_keeps_the_data_byte_for_byte() {
        let data = "{ \"price\": 1.10, \"big\": 12345678901234567890123, \"\\u2028\": \"é\" }\n";
        let event = EventContent {
            id: EventId(uuid::Uuid::from_u128(5)),
            event_type: EventType::parse("order.created").unwrap(),
            occurred_at: Timestamp::from_millis(1_700_000_000_123),
            data: Bytes::from(data),
        };
        let body = envelope(&event.id.to_string(), &event);
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.contains(data));
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(value["event"], "order.created");
        assert_eq!(value["timestamp"], "2023-11-14T22:13:20.123Z");
        assert_eq!(value["id"], event.id.to_string());
    }
}
