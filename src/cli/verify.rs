//! `verify`: whether a received request is ours, and if not, why.
//!
//! By a secret that is at hand here, without any server; or by a server, which knows the secrets of a webhook.

mod request;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use self::request::RequestArgs;
use super::api::Api;
use super::output::plain;
use super::receiver::hex;
use super::secret::{ProfileArgs, SecretArgs};
use super::target::Target;
use super::{Exit, Failure, Globals, Outcome, Output, duration};
use crate::clock::Clock;
use crate::domain::id::WebhookId;
use crate::domain::pasted::Request;
use crate::domain::signature::{HEADER_ID, Headers as _, Received, Scheme, diagnose, scheme_used};
use crate::domain::time::Timestamp;

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    request: RequestArgs,
    /// How far the timestamp may be from now
    #[arg(long, default_value = "5m", value_parser = duration::parse)]
    tolerance: Duration,
    /// Ask the server, which knows this webhook's secrets, so that none is needed here
    #[arg(long, visible_alias = "endpoint", value_name = "ID", conflicts_with_all = ["secret_file", "profile", "signature"])]
    webhook: Option<WebhookId>,
    /// Show what was read, and what is signed
    #[arg(long, conflicts_with = "webhook")]
    explain: bool,
    #[command(flatten)]
    secret: SecretArgs,
    #[command(flatten)]
    profile: ProfileArgs,
}

/// The verdict, in the API's words.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    verified: bool,
    /// The header whose signatures were looked at.
    header: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    older_secret_until: Option<String>,
    reasons: Vec<Reason>,
}

#[derive(Serialize, Deserialize)]
struct Reason {
    code: String,
    message: String,
}

pub(super) async fn run(args: &VerifyArgs, globals: &Globals, output: Output) -> Outcome {
    let VerifyArgs { request: source, tolerance, webhook, explain, secret, profile } = args;
    let (verdict, facts, request) = if let Some(webhook) = webhook {
        let request = source.read()?;
        (ask(*webhook, &request, *tolerance, globals).await?, Vec::new(), request)
    } else {
        let (profile, option) = profile.read()?;
        let key = secret.require_key(profile, source.takes_stdin())?;
        let request = source.read()?;
        let schemes: Vec<Scheme<'_>> = profile.schemes(&option).collect();
        let scheme = scheme_used(&schemes, &request.headers).unwrap_or_else(|| profile.scheme(&option));
        let received = Received { headers: &request.headers, body: &request.body };
        let now = Clock::system().now();
        let findings = diagnose(&scheme, &[key], &received, now, *tolerance);
        let reason = |finding: &crate::domain::signature::Finding| Reason {
            code: finding.word().to_owned(),
            message: finding.to_string(),
        };
        let reasons: Vec<Reason> = findings.iter().map(reason).collect();
        let verdict =
            Verdict { verified: reasons.is_empty(), header: scheme.header.into(), older_secret_until: None, reasons };
        let facts = if *explain { facts(&scheme, &request, now) } else { Vec::new() };
        (verdict, facts, request)
    };
    print(&verdict, &request, output)?;
    if !output.is_json() {
        output.facts(facts.iter().map(|(name, value)| (name.as_str(), Some(value.clone()))));
    }
    if verdict.verified { Ok(()) } else { Err(Failure::new(Exit::VerificationFailed, "")) }
}

async fn ask(webhook: WebhookId, request: &Request, tolerance: Duration, globals: &Globals) -> Outcome<Verdict> {
    let Request { headers, body } = request;
    let headers: serde_json::Map<_, _> =
        headers.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let asked = json!({
        "headers": headers, "bodyBase64": STANDARD.encode(body), "toleranceSeconds": tolerance.as_secs(),
    });
    Api::new(Target::find(globals)?)?.post(&format!("/webhooks/{webhook}/verify"), asked.to_string()).await
}

fn print(verdict: &Verdict, request: &Request, output: Output) -> Outcome {
    let Verdict { verified, header, older_secret_until, reasons } = verdict;
    let bytes = request.body.len();
    if output.is_json() {
        let mut value = serde_json::to_value(verdict)?;
        value["bytes"] = bytes.into();
        output.value(&value)?;
    } else if *verified {
        output.line(&format!(
            "✓ verified: {}, {bytes} bytes, by {}",
            plain(request.headers.value(HEADER_ID)),
            plain(header)
        ));
        if let Some(until) = older_secret_until {
            output.hint(&format!("by a secret that was replaced and signs until {until}: take the new one before"));
        }
    } else {
        output.line("✗ not verified");
        for Reason { code: _, message } in reasons {
            output.line(&format!("  {}", plain(message)));
        }
    }
    Ok(())
}

/// What was read, and what is signed.
fn facts(scheme: &Scheme<'_>, request: &Request, now: Timestamp) -> Vec<(String, String)> {
    let Request { headers, body } = request;
    let shown = |value: &str| if value.is_empty() { "is not there".to_owned() } else { value.to_owned() };
    let seconds = scheme.time_in(headers);
    let time = seconds.parse::<i64>().ok().map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1000)));
    let time = time.map_or_else(
        || shown(seconds),
        |time| {
            let (since, until) = (now.since(time).as_secs(), time.since(now).as_secs());
            let offset = if until > 0 { format!("in {until} s") } else { format!("{since} s ago") };
            format!("{seconds} = {time}, {offset}")
        },
    );
    vec![
        ("id".to_owned(), shown(headers.value(HEADER_ID))),
        ("time".to_owned(), time),
        ("header".to_owned(), scheme.header.to_owned()),
        ("signature".to_owned(), shown(headers.value(scheme.header))),
        ("signed".to_owned(), format!("{}, written in {}", scheme.template(), scheme.encoding.as_str())),
        ("body".to_owned(), format!("{} bytes, SHA-256 {}", body.len(), hex(&Sha256::digest(body)))),
    ]
}
