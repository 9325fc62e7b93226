//! `doctor`: whether an Angarium is well, seen from where this command runs.

mod local;

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use url::Url;

use super::api::Api;
use super::target::Target;
use super::{Exit, Failure, Globals, Outcome, Output};
use crate::clock::Clock;
use crate::domain::signature::TOLERANCE;
use crate::engine::check_up::Check;

const TIMEOUT: Duration = Duration::from_secs(3);

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Ask only this URL, and succeed only if it answers 200 within 3 s; for the health check of a container
    #[arg(long, value_name = "URL")]
    ready: Option<Url>,
    /// Check what a process of a deployment needs, with the configuration that it would have, instead of asking one
    #[arg(long, conflicts_with = "ready")]
    local: bool,
}

pub(super) async fn run(args: DoctorArgs, globals: &Globals, output: Output) -> Outcome {
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
    match args.ready {
        Some(url) => ready(&client, url).await,
        None if args.local => report(&local::examine(globals.config.as_deref()).await, output),
        None => report(&examine(&client, Target::find(globals)?).await, output),
    }
}

async fn ready(client: &reqwest::Client, url: Url) -> Outcome {
    match client.get(url.clone()).send().await {
        Ok(response) if response.status() == reqwest::StatusCode::OK => Ok(()),
        Ok(response) => Err(Failure::new(Exit::Failed, format!("{url} answers {}", response.status()))),
        Err(error) if error.is_timeout() => {
            Err(Failure::new(Exit::TimedOut, format!("{url} did not answer within {} s", TIMEOUT.as_secs())))
        }
        Err(error) => Err(error.into()),
    }
}

async fn examine(client: &reqwest::Client, target: Target) -> Vec<(&'static str, Check)> {
    let base = target.url.as_str().trim_end_matches('/').to_owned();
    let mut checks: Vec<(&'static str, Check)> = Vec::new();
    let health = client.get(format!("{base}/api/v1/health"));
    let began = Instant::now();
    match health.send().await {
        Ok(response) => {
            let took_ms = began.elapsed().as_millis();
            let clock = check_clock(response.headers());
            let status = response.status();
            let text = format!("{base} answers {status} in {took_ms} ms");
            checks.push(("api", if status.is_success() { Ok(text) } else { Err(text) }));
            checks.extend(clock.map(|check| ("clock", check)));
            checks.push(("ready", check_ready(client, &base).await));
            checks.push(("key", check_key(target).await));
        }
        Err(error) => checks.push(("api", Err(format!("{base} cannot be reached: {error}")))),
    }
    checks
}

fn report(checks: &[(&str, Check)], output: Output) -> Outcome {
    let failed = checks.iter().filter(|(_, check)| check.is_err()).count();
    if output.is_json() {
        let entry = |(name, check): &(&str, Check)| {
            let (Ok(text) | Err(text)) = check;
            json!({"check": name, "ok": check.is_ok(), "text": text})
        };
        output.value(&json!({"ok": failed == 0, "checks": checks.iter().map(entry).collect::<Vec<_>>()}))?;
    } else {
        for (name, check) in checks {
            let (mark, text) = match check {
                Ok(text) => ('✓', text),
                Err(text) => ('✗', text),
            };
            output.line(&format!("{mark} {name:<8} {text}"));
        }
    }
    if failed == 0 { Ok(()) } else { Err(Failure::new(Exit::Failed, format!("{failed} of {} checks", checks.len()))) }
}

async fn check_ready(client: &reqwest::Client, base: &str) -> Check {
    let response = client.get(format!("{base}/readyz")).send().await.map_err(|error| error.to_string())?;
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    let body: String = body.chars().filter(|character| !character.is_control()).take(300).collect();
    if status.is_success() { Ok(body) } else { Err(format!("{status} {body}")) }
}

/// A receiver refuses what was signed by a clock that is too far off; half of that is reason enough to say so.
fn check_clock(headers: &reqwest::header::HeaderMap) -> Option<Check> {
    let there = httpdate::parse_http_date(headers.get("date")?.to_str().ok()?).ok()?;
    let there = there.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    let difference = i64::try_from(there).ok()?.abs_diff(Clock::system().now().as_seconds());
    let text = format!("{difference} s from this machine's; receivers tolerate {} s", TOLERANCE.as_secs());
    Some(if difference <= TOLERANCE.as_secs() / 2 { Ok(text) } else { Err(text) })
}

async fn check_key(target: Target) -> Check {
    if target.key.is_none() {
        return Err("none: use ANGARIUM_API_KEY or --key-file; `angarium keys create` makes one".to_owned());
    }
    let asked = async { Api::new(target)?.get::<serde_json::Value>("/deliveries?limit=1").await };
    match asked.await {
        Ok(_) => Ok("is accepted".to_owned()),
        Err(failure) => Err(format!("{:#}", failure.error)),
    }
}
