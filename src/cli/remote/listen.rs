//! `listen`: a webhook for as long as this command runs, whose requests go on to a program on this machine.
//!
//! The server must reach this machine: on loopback it does, and else `--public-url` says by which address, a tunnel's
//! for instance. What comes is verified before it goes on, and the answer that the program gives is the receiver's.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use clap::Args;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::super::api::Api;
use super::super::output::plain;
use super::super::serve::stop_signal;
use super::super::{Exit, Failure, Outcome, Output};
use crate::clock::Clock;
use crate::domain::profile::{Profile, SignatureOption};
use crate::domain::secret::Secret;
use crate::domain::signature::{HEADER_ID, Received, TOLERANCE, VerifyingKey, verify};

const REQUEST_BYTES_MAX: usize = 16 << 20;
/// How long the program may take; a webhook's own limit is shorter.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What belongs to a connection and not to a request.
const NOT_FORWARDED: [HeaderName; 5] =
    [header::HOST, header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING, header::ACCEPT_ENCODING];

/// Arguments of `listen`.
#[derive(Debug, Args)]
pub(crate) struct ListenArgs {
    /// The program's URL, such as `http://localhost:8000/hooks`
    #[arg(value_name = "URL")]
    program: Url,
    /// The event types that it wants, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "*", value_name = "TYPES")]
    events: Vec<String>,
    /// A header to add to each request, `NAME: VALUE`; may be given several times
    #[arg(long = "headers", visible_alias = "header", value_name = "HEADER", value_parser = header_of)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Pass on what does not verify, too
    #[arg(long)]
    skip_verify: bool,
    /// Print the secret to standard output, before all else
    #[arg(long)]
    print_secret: bool,
    /// The address by which the server reaches this machine [default: loopback, where the server is on it]
    #[arg(long, value_name = "URL")]
    public_url: Option<Url>,
    /// Where to listen; port 0 takes any free one
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), value_name = "ADDRESS")]
    listen: SocketAddr,
}

fn header_of(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("must be `NAME: VALUE`")?;
    let name = name.trim().parse().map_err(|_| "has a name that no header can have")?;
    Ok((name, value.trim().parse().map_err(|_| "has a value that no header can have")?))
}

#[derive(Deserialize)]
struct Registered {
    id: String,
    secret: String,
}

/// What a request needs on its way.
struct Forwarder {
    client: reqwest::Client,
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    key: VerifyingKey,
    skip_verify: bool,
    output: Output,
}

pub(super) async fn run(args: ListenArgs, api: &Api, output: Output) -> Outcome {
    let ListenArgs { program: url, events, headers, skip_verify, print_secret, public_url, listen } = args;
    if public_url.is_none() && !api.is_on_this_machine() {
        let message = "the server is on another machine: say by --public-url how it reaches this one, by a tunnel for \
                       instance, and by --listen where that leads to";
        return Err(Failure::new(Exit::Usage, message));
    }
    let listener = tokio::net::TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let here =
        public_url.map_or_else(|| Ok(format!("http://{}/", listener.local_addr()?)), |url| Outcome::Ok(url.into()))?;
    let asked = json!({
        "name": "angarium listen", "url": here, "events": events,
        "description": "Made by `angarium listen`, which deletes it when it ends.",
    });
    let Registered { id, secret } = api.post("/webhooks", asked.to_string()).await?;
    let served = async {
        let key = VerifyingKey::from(Secret::parse(&secret)?);
        let redirect = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).redirect(redirect).build()?;
        if print_secret {
            output.line(&secret);
        }
        output.hint(&format!("{id} sends {} to {url}   secret {secret}   ^C stops", events.join(", ")));
        let forwarder = Arc::new(Forwarder { client, url, headers, key, skip_verify, output });
        let router =
            Router::new().fallback(receive).layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX)).with_state(forwarder);
        let serving = axum::serve(listener, router);
        tokio::select! {
            ended = async { serving.await } => ended.context("cannot serve")?,
            stopped = stop_signal() => stopped?,
        }
        Outcome::Ok(())
    };
    let served = served.await;
    let deleted: Outcome<serde_json::Value> =
        api.call(reqwest::Method::DELETE, &format!("/webhooks/{id}"), None, &[]).await;
    if let (Ok(()), Err(failure)) = (&served, deleted) {
        let fix = format!("{id} is still there; `angarium endpoints delete {id}` removes it");
        return Err(failure.about(fix));
    }
    output.hint(&format!("{id} is deleted"));
    served
}

/// Judges a request, passes it on, and answers what the program answers.
async fn receive(State(forwarder): State<Arc<Forwarder>>, headers: HeaderMap, body: Bytes) -> Response {
    let Forwarder { output, skip_verify, url, .. } = &*forwarder;
    let id = plain(headers.get(HEADER_ID).and_then(|value| value.to_str().ok()).unwrap_or("–"));
    let event_type = type_of(&body);
    let verified = forwarder.verify(&headers, &body);
    let verdict = verified.as_ref().map_or_else(|reason| format!("not verified: {reason}"), |()| "verified".to_owned());
    if output.is_json() {
        let reason = verified.as_ref().err();
        let line = json!({ "webhookId": id, "type": event_type, "verified": verified.is_ok(), "reason": reason });
        output.line(&line.to_string());
    } else {
        output.line(&format!("--> {event_type} {id}   {verdict}"));
    }
    if verified.is_err() && !skip_verify {
        return (StatusCode::UNAUTHORIZED, "The signature does not verify.\n").into_response();
    }
    let (answer, said) = match forwarder.forward(headers, body).await {
        Ok((status, answer)) => ((status, answer).into_response(), status.to_string()),
        Err(error) => ((StatusCode::BAD_GATEWAY, "The program did not answer.\n").into_response(), error.to_string()),
    };
    if output.is_json() {
        output.line(&json!({ "webhookId": id, "answer": answer.status().as_u16(), "url": url.as_str() }).to_string());
    } else {
        output.line(&format!("<-- {} {url} {id}", plain(&said)));
    }
    answer
}

impl Forwarder {
    fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), String> {
        let option = SignatureOption::default_of(Profile::Default);
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let received = Received { headers: &headers, body };
        let key = std::slice::from_ref(&self.key);
        verify(&Profile::Default.scheme(&option), key, &received, Clock::system().now(), TOLERANCE)
            .map_err(|failure| failure.to_string())
    }

    async fn forward(&self, mut headers: HeaderMap, body: Bytes) -> reqwest::Result<(StatusCode, Bytes)> {
        for name in &NOT_FORWARDED {
            headers.remove(name);
        }
        headers.extend(self.headers.iter().cloned());
        let answer = self.client.post(self.url.clone()).headers(headers).body(body).send().await?;
        Ok((answer.status(), answer.bytes().await?))
    }
}

/// What the body says that it is about.
fn type_of(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Envelope {
        event: String,
    }
    serde_json::from_slice(body).map_or_else(|_| "–".to_owned(), |Envelope { event }| plain(&event))
}
