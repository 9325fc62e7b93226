//! `sign`: the headers that Angarium would send with a body, for tests of receivers.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use url::Url;

use super::secret::{ProfileArgs, SecretArgs};
use super::{Exit, Failure, Globals, Outcome, Output};
use crate::clock::Clock;
use crate::domain::signature::{HEADER_ID, Message, SigningKey, TimeAt};

/// Arguments of `sign`.
#[derive(Debug, Args)]
pub(super) struct SignArgs {
    /// The event's id, sent as `webhook-id`
    #[arg(long)]
    id: String,
    /// Unix seconds [default: now]
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    timestamp: Option<i64>,
    /// The body's file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
    #[command(flatten)]
    secret: SecretArgs,
    #[command(flatten)]
    profile: ProfileArgs,
    /// What to print
    #[arg(long = "as", value_enum, default_value_t = Form::Headers)]
    form: Form,
    /// Where the printed curl command posts to
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9000/")]
    to: Url,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Headers,
    Json,
    Curl,
}

pub(super) fn run(args: &SignArgs, globals: &Globals, output: Output) -> Outcome {
    let SignArgs { id, timestamp, body: path, secret, profile, form, to } = args;
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'.' | b'\'');
    if id.is_empty() || !id.bytes().all(plain) {
        // With a dot, two different requests could have the same signed bytes.
        return Err(Failure::new(Exit::Usage, "--id must be visible ASCII without a dot or a quote"));
    }
    let (profile, option) = profile.read()?;
    let key = SigningKey::new(&secret.require_secret(profile, is_stdin(path))?);
    let body = read_body(path)?;
    let seconds = timestamp.unwrap_or_else(|| Clock::system().now().as_seconds()).to_string();
    let message = Message { id, seconds: &seconds, body: &body };
    let mut headers = vec![(HEADER_ID.to_owned(), id.clone())];
    for scheme in profile.schemes(&option) {
        if let TimeAt::Header(name) = scheme.time {
            headers.push((name.to_owned(), seconds.clone()));
        }
        headers.extend(scheme.sign(&[&key], message).map(|value| (scheme.header.to_owned(), value)));
    }
    let content_type = profile.spec().content_type;
    match if globals.json { Form::Json } else { *form } {
        Form::Headers => headers.iter().for_each(|(name, value)| output.line(&format!("{name}: {value}"))),
        Form::Json => {
            let object: serde_json::Map<_, _> = headers.into_iter().map(|(name, value)| (name, value.into())).collect();
            output.value(&object)?;
        }
        Form::Curl => {
            let options: Vec<_> = headers.iter().map(|(name, value)| format!("-H '{name}: {value}'")).collect();
            let options = options.join(" ");
            let file = path.display().to_string().replace('\'', r"'\''");
            let url = to.as_str().replace('\'', "%27");
            let content = format!("-H 'content-type: {content_type}'");
            output.line(&format!("curl -X POST '{url}' {content} {options} --data-binary '@{file}'"));
        }
    }
    Ok(())
}

/// Whether a path means standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The bytes of a file, or of standard input.
pub(super) fn read_body(path: &Path) -> Outcome<Vec<u8>> {
    if !is_stdin(path) {
        return Ok(std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?);
    }
    let mut body = Vec::new();
    std::io::stdin().read_to_end(&mut body).context("cannot read standard input")?;
    Ok(body)
}
