//! One attempt, as a delivery's page shows it: what was sent, what came back, and the command that sends it by hand.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::outgoing::Outgoing;
use super::prose::Prose;
use super::words::{Badge, Time, grouped};
use crate::domain::request::HIDDEN;
use crate::domain::time::Timestamp;
use crate::store::attempts::Attempt;
use crate::store::deliveries::Delivery;

/// A header with its value, or values.
pub(super) type Headers = Vec<(String, String)>;

/// An attempt.
pub(super) struct AttemptView {
    pub(super) number: i64,
    /// The newest stands open.
    pub(super) is_open: bool,
    pub(super) tone: &'static str,
    /// The status, else the word for the failure.
    pub(super) answer: String,
    pub(super) started: Time,
    pub(super) took: String,
    pub(super) outcome: Prose,
    pub(super) url: String,
    pub(super) request_headers: Headers,
    pub(super) status: Option<i64>,
    pub(super) response_headers: Headers,
    pub(super) response: String,
    pub(super) response_bytes: String,
    pub(super) is_text: bool,
    pub(super) curl: Option<String>,
}

impl AttemptView {
    /// `None` when its headers are not what was written.
    pub(super) fn new(
        attempt: &Attempt,
        delivery: &Delivery,
        request: Option<&Outgoing>,
        now: Timestamp,
    ) -> Option<Self> {
        let Attempt {
            number,
            started_at,
            duration_ms,
            url,
            status,
            error,
            next_at: _,
            outcome,
            request_headers,
            response_headers,
            response_excerpt,
        } = attempt;
        let request_headers = read_headers(request_headers)?;
        let curl = request.map(|request| curl(url, &request_headers, &request.raw));
        Some(Self {
            number: *number,
            is_open: *number == delivery.attempts,
            tone: Badge::tone_of_answer(*status),
            answer: status.map(|status| status.to_string()).or_else(|| error.clone()).unwrap_or_default(),
            started: Time { at: *started_at, now },
            took: format!("{} ms", grouped(*duration_ms)),
            outcome: Prose::read(outcome, now),
            url: url.clone(),
            request_headers,
            status: *status,
            response_headers: read_headers(response_headers)?,
            response: String::from_utf8_lossy(response_excerpt).into_owned(),
            response_bytes: grouped(i128::try_from(response_excerpt.len()).ok()?),
            is_text: std::str::from_utf8(response_excerpt).is_ok(),
            curl,
        })
    }
}

fn read_headers(json: &str) -> Option<Headers> {
    let map: Map<String, Value> = serde_json::from_str(json).ok()?;
    let text = |value: Value| match value {
        Value::String(text) => text,
        Value::Array(values) => {
            let texts = values.iter().map(|value| value.as_str().unwrap_or_default());
            texts.collect::<Vec<_>>().join(", ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    };
    Some(map.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// The request as a command. What is hidden stays so: a placeholder stands for it.
fn curl(url: &str, headers: &Headers, body: &str) -> String {
    let mut command = format!("curl -X POST {}", quoted(url));
    for (name, value) in headers {
        let value = if value == HIDDEN { "HIDDEN" } else { value };
        // Writing to a text does not fail.
        let _ = write!(command, " \\\n  -H {}", quoted(&format!("{name}: {value}")));
    }
    let _ = write!(command, " \\\n  --data-raw {}", quoted(body));
    command
}

/// In single quotes, which a shell takes as they are; those inside end and begin them anew.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_survives_any_text() {
        let headers = vec![("a".to_owned(), "it's".to_owned()), ("x-signature".to_owned(), HIDDEN.to_owned())];
        let command = curl("https://a/$(rm)?x=`y`", &headers, "{\"q\":\"'; rm -rf /\"}");
        assert_eq!(
            command,
            "curl -X POST 'https://a/$(rm)?x=`y`' \\\n  -H 'a: it'\\''s' \\\n  -H 'x-signature: HIDDEN' \\\n  \
             --data-raw '{\"q\":\"'\\''; rm -rf /\"}'"
        );
    }
}
