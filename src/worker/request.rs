//! A request as the HTTP client takes it, and as the delivery log keeps it.

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Serializer as _;

use crate::domain::event::EventContent;
use crate::domain::request::{self, HIDDEN, OutgoingRequest, Text};
use crate::domain::signature::SigningKey;
use crate::domain::time::Timestamp;
use crate::domain::webhook::Webhook;

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
    keys: &[&SigningKey],
    event: &EventContent,
    origin: &str,
    now: Timestamp,
) -> Result<Outgoing, NotBuilt> {
    let OutgoingRequest { headers: parts, body } =
        request::build(webhook, keys, event, origin, now).map_err(|_| NotBuilt)?;
    let mut headers = HeaderMap::with_capacity(parts.len());
    for header in parts {
        let name = match header.name {
            Text::Ours(name) => Ok(HeaderName::from_static(name)),
            Text::Set(name) => HeaderName::from_bytes(name.as_bytes()),
            Text::Made(name) => HeaderName::try_from(name),
        };
        let value = match header.value {
            Text::Ours(value) => Ok(HeaderValue::from_static(value)),
            Text::Set(value) => HeaderValue::from_str(value),
            Text::Made(value) => HeaderValue::try_from(value),
        };
        let mut value = value.map_err(|_| NotBuilt)?;
        value.set_sensitive(!header.shown);
        headers.insert(name.map_err(|_| NotBuilt)?, value);
    }
    Ok(Outgoing { body: body.into(), headers })
}

/// The request's headers for the delivery log.
pub fn headers_for_log(outgoing: &Outgoing) -> String {
    json_object(outgoing.headers.iter().map(|(name, value)| {
        let shown = if value.is_sensitive() { None } else { value.to_str().ok() };
        (name.as_str(), shown.unwrap_or(HIDDEN))
    }))
}

/// A JSON object, written without building it first: two are written for every attempt.
pub(super) fn json_object<'a, V: serde::Serialize>(entries: impl Iterator<Item = (&'a str, V)>) -> String {
    let mut text = Vec::with_capacity(256);
    let written = serde_json::Serializer::new(&mut text).collect_map(entries);
    // Texts as keys and values can always be written, and what is written is UTF-8.
    written.ok().and_then(|()| String::from_utf8(text).ok()).unwrap_or_else(|| "{}".to_owned())
}
