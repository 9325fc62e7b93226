//! `verify`: whether a received request is ours, and if not, why.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::secret::{ProfileArgs, SecretArgs};
use super::sign::{is_stdin, read_body};
use super::{Exit, Failure, Outcome, Output, duration};
use crate::clock::Clock;
use crate::domain::signature::{HEADER_ID, Headers as _, Received, diagnose};

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The request's headers: lines of `name: value`, or a JSON object
    #[arg(long, value_name = "FILE")]
    headers: PathBuf,
    /// The request's body, byte for byte; `-` is standard input
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
    /// How far the timestamp may be from now
    #[arg(long, default_value = "5m", value_parser = duration::parse)]
    tolerance: Duration,
    #[command(flatten)]
    secret: SecretArgs,
    #[command(flatten)]
    profile: ProfileArgs,
}

pub(super) fn run(args: &VerifyArgs, output: Output) -> Outcome {
    let VerifyArgs { headers, body, tolerance, secret, profile } = args;
    let text = std::fs::read_to_string(headers).with_context(|| format!("cannot read {}", headers.display()))?;
    let headers = parse_headers(&text);
    let (profile, option) = profile.read()?;
    let key = secret.require_key(profile, is_stdin(body))?;
    let body = read_body(body)?;
    let scheme = profile.scheme(&option);
    let received = Received { headers: &headers, body: &body };
    let findings = diagnose(&scheme, &[key], &received, Clock::system().now(), *tolerance);
    let (id, timestamp) = (headers.value(HEADER_ID), scheme.time_in(&headers));
    let reasons: Vec<String> = findings.iter().map(ToString::to_string).collect();
    if output.is_json() {
        output.value(&json!({
            "verified": reasons.is_empty(), "id": id, "timestamp": timestamp, "bytes": body.len(), "reasons": reasons,
        }))?;
    } else if reasons.is_empty() {
        let signed = if timestamp.is_empty() { String::new() } else { format!("signed at {timestamp}, ") };
        output.line(&format!("✓ verified: {id}, {signed}{} bytes", body.len()));
    } else {
        output.line("✗ not verified");
        for reason in &reasons {
            output.line(&format!("  {reason}"));
        }
    }
    if reasons.is_empty() { Ok(()) } else { Err(Failure::new(Exit::VerificationFailed, "")) }
}

/// Takes what people have at hand: a JSON object, or the head of a request as a tool printed it.
fn parse_headers(text: &str) -> Vec<(String, String)> {
    if let Ok(serde_json::Value::Object(object)) = serde_json::from_str(text) {
        let value = |value: serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return object.into_iter().map(|(name, given)| (name, value(given))).collect();
    }
    let pairs = text.lines().filter_map(|line| line.trim_start_matches(['<', '>', ' ']).split_once(':'));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signature::{HEADER_SIGNATURE, HEADER_TIMESTAMP};

    #[test]
    fn headers_come_in_many_forms() {
        let lines = "POST / HTTP/1.1\r\nWebhook-Id: evt_1\r\nwebhook-timestamp:5\r\n\r\n";
        let traced = "> webhook-id: evt_1\n> webhook-timestamp: 5\n";
        let object = r#"{"webhook-id": "evt_1", "Webhook-Timestamp": 5}"#;
        for text in [lines, traced, object] {
            let headers = parse_headers(text);
            assert_eq!((headers.value(HEADER_ID), headers.value(HEADER_TIMESTAMP)), ("evt_1", "5"), "{text}");
            assert_eq!(headers.value(HEADER_SIGNATURE), "");
        }
    }
}
