//! The HTTP API as a client sees it: envelopes off, errors turned into exit codes.

use std::time::Duration;

use anyhow::Context as _;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::output::plain;
use super::target::Target;
use super::{Exit, Failure, Outcome};

const TIMEOUT: Duration = Duration::from_secs(30);
/// Servers end a stream long before.
const STREAM_TIMEOUT: Duration = Duration::from_hours(24);

/// A client of one Angarium.
#[derive(Clone)]
pub(super) struct Api {
    client: reqwest::Client,
    base: Url,
    key: Option<SecretString>,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorEnvelope {
    error: ErrorBody,
    retry_after: Option<u64>,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: String,
    message: String,
    details: Option<Details>,
}

/// What is wrong with a request, field by field. Other details are for programs.
#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    path: Vec<serde_json::Value>,
    message: String,
}

impl Api {
    pub(super) fn new(target: Target) -> Outcome<Self> {
        let Target { url, key } = target;
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        Ok(Self { client, base: url, key })
    }

    /// Whether the Angarium is where this program is.
    pub(super) fn is_on_this_machine(&self) -> bool {
        match self.base.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Outcome<T> {
        self.call(Method::GET, path, None, &[]).await
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: String) -> Outcome<T> {
        self.call(Method::POST, path, Some(body), &[]).await
    }

    /// `path` is below `/api/v1`.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Outcome<T> {
        let Envelope { data } = self.answer(method, path, body, headers).await?;
        Ok(data)
    }

    /// The same with all of the answer: lists say more than their data.
    pub(super) async fn answer<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Outcome<T> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.map_err(|error| unreachable(&self.base, error))?;
        let status = response.status();
        let text = response.text().await.context("the answer broke off")?;
        if !status.is_success() {
            return Err(refused(status, &text));
        }
        Ok(serde_json::from_str(&text).with_context(|| {
            format!("{}api/v1{path} gave an answer that this program cannot read: is it an Angarium?", self.base)
        })?)
    }

    /// An answer that goes on: there is no time limit on the whole of it.
    pub(super) async fn stream(&self, path: &str, last_event: Option<&str>) -> Outcome<reqwest::Response> {
        let mut request = self.request(Method::GET, path).timeout(STREAM_TIMEOUT);
        if let Some(id) = last_event {
            request = request.header("last-event-id", id);
        }
        let sending = tokio::time::timeout(TIMEOUT, request.send());
        let response = sending.await.map_err(|_| late(&self.base))?.map_err(|error| unreachable(&self.base, error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(refused(status, &response.text().await.context("the answer broke off")?));
        }
        Ok(response)
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/api/v1{path}", self.base.as_str().trim_end_matches('/'));
        let request = self.client.request(method, url);
        match &self.key {
            Some(key) => request.header(AUTHORIZATION, format!("Bearer {}", key.expose_secret())),
            None => request,
        }
    }
}

fn late(base: &Url) -> Failure {
    Failure::new(Exit::TimedOut, format!("{base} did not answer within {} s", TIMEOUT.as_secs()))
}

fn unreachable(base: &Url, error: reqwest::Error) -> Failure {
    if error.is_timeout() {
        return late(base);
    }
    let what =
        if error.is_connect() { "cannot be reached: is it running? `angarium dev` starts one" } else { "failed" };
    anyhow::Error::from(error).context(format!("{base} {what}")).into()
}

fn refused(status: StatusCode, body: &str) -> Failure {
    let exit = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::Auth,
        StatusCode::NOT_FOUND => Exit::NotFound,
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Exit::TimedOut,
        _ => Exit::Failed,
    };
    let message = match serde_json::from_str(body) {
        Ok(ErrorEnvelope { error, retry_after }) => error.sentence(retry_after),
        Err(_) => format!("the answer was {status}: is this the URL of an Angarium?"),
    };
    Failure::new(exit, plain(&message))
}

impl ErrorBody {
    /// What is wrong, and what to do about it.
    fn sentence(self, retry_after: Option<u64>) -> String {
        let Self { code, message, details } = self;
        let details = details.map(Details::sentence).unwrap_or_default();
        let fix = match code.as_str() {
            "AUTH_REQUIRED" | "API_KEY_INVALID" | "API_KEY_EXPIRED" => {
                "; give a key by ANGARIUM_API_KEY or --key-file, `angarium keys create` makes one".to_owned()
            }
            "PERMISSION_DENIED" => "; `angarium keys create --permissions …` makes a key that may".to_owned(),
            _ => retry_after.map(|seconds| format!("; try again in {seconds} s")).unwrap_or_default(),
        };
        format!("{code}: {message}{details}{fix}")
    }
}

impl Details {
    fn sentence(self) -> String {
        let Self { errors } = self;
        let one = |problem: Problem| {
            let Problem { path, message } = problem;
            let place: Vec<String> =
                path.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect();
            format!(" {}: {message}.", place.join("."))
        };
        errors.into_iter().map(one).collect()
    }
}
