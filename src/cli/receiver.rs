//! `receiver`: a receiver to point webhooks at, which verifies them and misbehaves on demand.

use std::fs::File;
use std::io::{LineWriter, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::secret::{ProfileArgs, SecretArgs};
use super::{Outcome, Output};
use crate::domain::signature::{HEADER_ID, HEADER_TIMESTAMP};
use crate::receiver::{Arrival, Behaviour, Fault, Receiver, ReceiverOptions, Recording, Route, Verdict};

/// Arguments of `receiver`.
#[derive(Debug, Args)]
pub(super) struct ReceiverArgs {
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    #[command(flatten)]
    secret: SecretArgs,
    #[command(flatten)]
    profile: ProfileArgs,
    #[command(flatten)]
    faults: FaultArgs,
    /// The status of an answer
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=599))]
    status: u16,
    /// Wait so many milliseconds before each answer
    #[arg(long, value_name = "MS", default_value_t = 0)]
    delay: u64,
    /// Answer 503 to this share of requests, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    fail_rate: f64,
    /// Answer 503 to the first so many requests
    #[arg(long, value_name = "N", default_value_t = 0)]
    fail_first: u64,
    /// Decides which requests fail with --fail-rate
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Send `Retry-After` with answers that are no success
    #[arg(long, value_name = "SECONDS")]
    retry_after: Option<u32>,
    /// Redirect to this URL
    #[arg(long, value_name = "URL")]
    redirect: Option<url::Url>,
    /// Append one line of JSON per request to this file
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct FaultArgs {
    /// Never answer
    #[arg(long)]
    hang: bool,
    /// Send the body of the answer one byte at a time, for ever
    #[arg(long)]
    drip: bool,
    /// Reset the connection
    #[arg(long)]
    reset: bool,
    /// Answer with a body of so many bytes
    #[arg(long, value_name = "BYTES")]
    huge_body: Option<u64>,
}

impl FaultArgs {
    const fn fault(&self) -> Fault {
        match self {
            Self { hang: true, .. } => Fault::Hang,
            Self { drip: true, .. } => Fault::Drip,
            Self { reset: true, .. } => Fault::Reset,
            Self { huge_body: Some(bytes), .. } => Fault::HugeBody { bytes: *bytes },
            Self { hang: false, drip: false, reset: false, huge_body: None } => Fault::None,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "must be from 0 to 1".to_owned())
}

pub(super) async fn run(args: ReceiverArgs, output: Output) -> Outcome {
    let ReceiverArgs { listen, secret, faults, status, delay, .. } = &args;
    let (profile, signature) = args.profile.read()?;
    let keys: Vec<_> = secret.find_key(profile)?.into_iter().collect();
    let verifies = !keys.is_empty();
    let redirects = args.redirect.is_some() && *status == 200;
    let behaviour = Behaviour {
        status: if redirects { 302 } else { *status },
        delay: Duration::from_millis(*delay),
        fault: faults.fault(),
        fail_first: args.fail_first,
        fail_rate: args.fail_rate,
        retry_after: args.retry_after.map(|seconds| seconds.to_string()),
        redirect: args.redirect.as_ref().map(ToString::to_string),
        ..Behaviour::default()
    };
    let file = args.record.as_deref().map(open).transpose()?;
    let observer = move |arrival: &Arrival<'_>| print(arrival, file.as_ref(), output);
    let route = Route::verifying(profile, signature, keys)
        .behaving(behaviour)
        .recording(Recording::Observe(Arc::new(observer)));
    let options =
        ReceiverOptions { listen: *listen, fallback: Some(route), seed: args.seed, ..ReceiverOptions::default() };
    let receiver = Receiver::start(options).with_context(|| format!("cannot listen on {listen}"))?;
    output.hint(&format!("receives at {}   ^C stops", receiver.url("/")));
    if !verifies {
        output.hint("verifies nothing: give the webhook's secret by --secret-file or ANGARIUM_SECRET");
    }
    tokio::signal::ctrl_c().await.context("cannot wait for ^C")?;
    Ok(())
}

fn open(path: &Path) -> Outcome<Mutex<LineWriter<File>>> {
    let file = File::options().create(true).append(true).open(path);
    Ok(Mutex::new(LineWriter::new(file.with_context(|| format!("cannot write {}", path.display()))?)))
}

/// In lower-case digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // A string takes everything.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn print(arrival: &Arrival<'_>, file: Option<&Mutex<LineWriter<File>>>, output: Output) {
    let Arrival { path, at: _, time, headers, body, verdict, answer } = arrival;
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let id = header(HEADER_ID);
    let (word, reason) = match verdict {
        Verdict::Verified => ("verified", None),
        Verdict::Refused(failure) => ("refused", Some(failure.to_string())),
        Verdict::Unchecked => ("unchecked", None),
    };
    let line = || {
        let digest = hex(&Sha256::digest(body));
        json!({
            "time": time, "path": path, "webhookId": id, "webhookTimestamp": header(HEADER_TIMESTAMP),
            "bodyBytes": body.len(), "bodySha256": digest, "verdict": word, "reason": reason, "answer": answer,
        })
        .to_string()
    };
    if let Some(file) = file
        && let Err(error) = writeln!(file.lock().unwrap_or_else(PoisonError::into_inner), "{}", line())
    {
        output.hint(&format!("cannot write the record: {error}"));
    }
    if output.is_json() {
        return output.line(&line());
    }
    let answer = answer.map_or_else(|| "no answer".to_owned(), |status| format!("answers {status}"));
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    output.line(&format!("{time}  POST {path}  {id}  {} B  {word}{reason}  {answer}", body.len()));
}
