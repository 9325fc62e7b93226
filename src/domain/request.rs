//! The request of one attempt: the body around the event's data, and the headers that sign and describe it.
//!
//! The data goes out byte for byte as it was accepted. The profile's row says what stands around it; nothing in a
//! template needs escaping, since ids, types, names and times are letters, digits and `._:-`.
//!
//! It is a value: the worker sends it, and whoever wants to know what would be sent can look at it.

use std::cell::OnceCell;
use std::io::Write as _;

use super::event::EventContent;
use super::handshake::REQUEST_ORIGIN;
use super::profile::Part;
use super::signature::{Message, SigningKey};
use super::time::Timestamp;
use super::webhook::Webhook;

/// Who asks, where a profile does not say otherwise.
pub const AGENT: &str = concat!("Angarium/", env!("CARGO_PKG_VERSION"));
/// Stands for a header's value where people look: a signature could be replayed, a custom value may be a credential.
pub const HIDDEN: &str = "(hidden)";

const CONTENT_TYPE: &str = "content-type";
const USER_AGENT: &str = "user-agent";

/// A request, ready to send.
#[derive(Clone)]
pub struct OutgoingRequest<'a> {
    /// In the order in which they are set: of two with one name, the later one counts.
    pub headers: Vec<Header<'a>>,
    /// What is signed and sent.
    pub body: Vec<u8>,
}

/// Secrets and bodies stay out of logs.
impl std::fmt::Debug for OutgoingRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutgoingRequest({} headers, {} bytes)", self.headers.len(), self.body.len())
    }
}

/// A header of a request.
#[derive(Clone)]
pub struct Header<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// Its value: visible ASCII.
    pub value: Text<'a>,
    /// Whether people may see the value in the log.
    pub shown: bool,
}

/// A name or a value. Who sends it need not copy what lives for ever, nor what was made for it.
#[derive(Clone)]
pub enum Text<'a> {
    /// From the table of profiles; names in lower case.
    Ours(&'static str),
    /// As a webhook's settings have it.
    Set(&'a str),
    /// Made for this request.
    Made(String),
}

impl Text<'_> {
    /// The text.
    #[must_use]
    #[expect(clippy::match_same_arms, reason = "one arm would make them live equally long")]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ours(text) => text,
            Self::Set(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl Header<'_> {
    /// What people may see of its value.
    #[must_use]
    pub fn shown_value(&self) -> &str {
        if self.shown { self.value.as_str() } else { HIDDEN }
    }
}

/// A webhook without a key that its profile signs with: our fault, not the receiver's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no key to sign the request with")]
pub struct NotSigned;

/// Builds and signs the request of one attempt with the keys that are valid, newest first. `origin` is the name that
/// the deployment goes by where a receiver had to agree to it.
///
/// # Errors
/// When none of the keys is of a kind that the webhook's profile signs with.
pub fn build<'a>(
    webhook: &'a Webhook,
    keys: &[&SigningKey],
    event: &EventContent,
    origin: &'a str,
    now: Timestamp,
) -> Result<OutgoingRequest<'a>, NotSigned> {
    let settings = &webhook.settings;
    let spec = settings.profile.spec();
    let values = Values::new(webhook, keys, event, now);
    let body = values.filled(spec.body);
    let message = Message { id: &values.id, seconds: values.seconds(), body: &body };

    let mut headers = Vec::with_capacity(settings.headers.len() + spec.headers.len() + spec.signatures.len() + 3);
    let mut has_agent = false;
    for (name, value) in &settings.headers {
        has_agent |= name.eq_ignore_ascii_case(USER_AGENT);
        headers.push(Header { name: Text::Set(name), value: Text::Set(value), shown: false });
    }
    let mut ours = |name, value, shown| headers.push(Header { name: Text::Ours(name), value, shown });
    ours(CONTENT_TYPE, Text::Ours(spec.content_type), true);
    if let Some(agent) = spec.agent.or((!has_agent).then_some(AGENT)) {
        ours(USER_AGENT, Text::Ours(agent), true);
    }
    for (name, parts) in spec.headers {
        ours(name, Text::Made(values.text(parts)), !parts.contains(&Part::Token));
    }
    if settings.handshake {
        headers.push(Header { name: Text::Ours(REQUEST_ORIGIN), value: Text::Set(origin), shown: true });
    }
    let mut signed = false;
    for row in spec.signatures {
        let scheme = settings.signature.applied_to(*row);
        if let Some(value) = scheme.sign(keys, message) {
            let is_ours = scheme.header == row.header;
            let name = if is_ours { Text::Ours(row.header) } else { Text::Set(scheme.header) };
            headers.push(Header { name, value: Text::Made(value), shown: false });
            signed = true;
        }
    }
    if signed { Ok(OutgoingRequest { headers, body }) } else { Err(NotSigned) }
}

/// What templates are filled with. What most profiles do not use is written when it is asked for.
struct Values<'a> {
    webhook: &'a Webhook,
    keys: &'a [&'a SigningKey],
    event: &'a EventContent,
    name: &'a str,
    id: String,
    occurred_at: String,
    seconds: Decimal,
    uuid: OnceCell<String>,
    tenant: OnceCell<String>,
}

impl<'a> Values<'a> {
    fn new(webhook: &'a Webhook, keys: &'a [&'a SigningKey], event: &'a EventContent, now: Timestamp) -> Self {
        Self {
            webhook,
            keys,
            event,
            name: webhook.settings.profile.name_of(&event.event_type),
            id: event.id.to_string(),
            occurred_at: event.occurred_at.to_string(),
            seconds: Decimal::of(now.as_seconds()),
            uuid: OnceCell::new(),
            tenant: OnceCell::new(),
        }
    }

    fn seconds(&self) -> &str {
        self.seconds.as_str()
    }

    fn value(&self, part: Part) -> &[u8] {
        let text = match part {
            Part::Text(text) => text,
            Part::Id => &self.id,
            Part::Uuid => self.uuid.get_or_init(|| self.event.id.0.to_string()),
            Part::Event => self.name,
            Part::OccurredAt => &self.occurred_at,
            Part::SentAt => self.seconds(),
            Part::Data => return &self.event.data,
            Part::Tenant => self.tenant.get_or_init(|| self.webhook.scope.tenant.to_string()),
            Part::Environment => self.webhook.scope.environment.as_str(),
            Part::Token => self.keys.iter().find_map(|key| key.token()).unwrap_or_default(),
        };
        text.as_bytes()
    }

    /// In one piece of memory of just the right size.
    fn filled(&self, parts: &[Part]) -> Vec<u8> {
        let bytes = parts.iter().map(|part| self.value(*part).len()).sum();
        let mut filled = Vec::with_capacity(bytes);
        for part in parts {
            filled.extend_from_slice(self.value(*part));
        }
        filled
    }

    fn text(&self, parts: &[Part]) -> String {
        // No header has the payload in it, and all else is text.
        String::from_utf8(self.filled(parts)).unwrap_or_default()
    }
}

/// A number as text, without a place on the heap.
#[derive(Clone, Copy)]
struct Decimal {
    digits: [u8; 20],
    len: usize,
}

impl Decimal {
    /// Twenty bytes hold every `i64`, so nothing is cut off.
    fn of(number: i64) -> Self {
        let mut digits = [0; 20];
        let mut rest = &mut digits[..];
        let _ = write!(rest, "{number}");
        let len = 20 - rest.len();
        Self { digits, len }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.digits[..self.len]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
