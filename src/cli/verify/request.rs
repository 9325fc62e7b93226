//! A request as people have it at hand: headers and body in two files, the bytes of the wire, or a curl command.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::sign::{is_stdin, read_body};
use super::super::{Exit, Failure, Outcome};
use crate::domain::pasted::{Request, of_curl, of_wire, parse_headers};

/// Where the request is.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct RequestArgs {
    /// The request's headers: lines of `name: value`, or a JSON object
    #[arg(long, value_name = "FILE", requires = "body")]
    headers: Option<PathBuf>,
    /// The request's body, byte for byte; `-` is standard input
    #[arg(long, value_name = "FILE", requires = "headers")]
    body: Option<PathBuf>,
    /// The whole request as it came over the wire: headers, an empty line, the body; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["headers", "body"])]
    raw: Option<PathBuf>,
    /// The request as a curl command, as browsers and gateways copy it; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["headers", "body", "raw"])]
    curl: Option<PathBuf>,
}

impl RequestArgs {
    /// Whether standard input is read for it.
    pub(super) fn takes_stdin(&self) -> bool {
        let Self { headers, body, raw, curl } = self;
        [headers, body, raw, curl].into_iter().flatten().any(|path| is_stdin(path))
    }

    pub(super) fn read(&self) -> Outcome<Request> {
        let Self { headers, body, raw, curl } = self;
        let text = |path: &Path| Outcome::Ok(String::from_utf8(read_body(path)?)?);
        match (headers, body, raw, curl) {
            (_, _, Some(raw), _) => Ok(of_wire(&read_body(raw)?)),
            (_, _, _, Some(curl)) => {
                of_curl(&text(curl)?).map_err(|message| Failure::new(Exit::Usage, format!("--curl: {message}")))
            }
            (Some(headers), Some(body), None, None) => {
                Ok(Request { headers: parse_headers(&text(headers)?), body: read_body(body)? })
            }
            (Some(_) | None, None, None, None) | (None, Some(_), None, None) => {
                Err(Failure::new(Exit::Usage, "give the request by --headers and --body, by --raw, or by --curl"))
            }
        }
    }
}
