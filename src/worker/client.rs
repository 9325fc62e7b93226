//! The network: one POST under a deadline, to an address that the egress policy allows.
//!
//! The policy is asked twice at each attempt: for the URL, because a literal address never reaches the resolver, and
//! for every address that a name resolves to. No redirect is followed, no proxy is taken from the environment,
//! nothing is decompressed. The deadline spans connect, TLS, headers and body; of the body a bounded part is read.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;

use super::request::{Outgoing, json_object};
use super::resolver::{CheckedResolver, ResolveError};
use crate::domain::attempt::{AttemptResult, FailureKind};
use crate::domain::egress::EgressPolicy;
use crate::domain::handshake::{ALLOWED_ORIGIN, ALLOWED_RATE, REQUEST_ORIGIN};
use crate::domain::retry::parse_retry_after;
use crate::domain::time::Timestamp;

const CONNECT_MAX: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_secs(30);
const HEADERS_MAX: usize = 64;
const LOGGED_HEADERS_MAX: usize = 32;
const LOGGED_VALUE_CHARS_MAX: usize = 256;

/// How the client is made.
pub struct ClientOptions {
    /// Where requests may go.
    pub policy: EgressPolicy,
    /// How long a name may take to resolve.
    pub dns_timeout: Duration,
    /// How long an address is remembered.
    pub dns_cache: Duration,
    /// Authorities to trust besides the public ones, as PEM.
    pub extra_ca: Option<Vec<u8>>,
    /// Kept of each answer.
    pub excerpt_bytes_max: usize,
    /// Idle connections that one receiver may have open.
    pub idle_per_host_max: usize,
}

/// Sends requests.
pub struct Client {
    http: reqwest::Client,
    policy: Arc<EgressPolicy>,
    excerpt_bytes_max: usize,
}

/// What came of a request.
#[derive(Debug)]
pub struct Answer {
    /// In the words of the domain.
    pub result: AttemptResult,
    /// JSON object, for the log.
    pub response_headers: String,
    /// The first bytes.
    pub excerpt: Vec<u8>,
}

impl Answer {
    /// Of a request that was not answered, or not made.
    pub(super) fn failed(kind: FailureKind) -> Self {
        Self { result: AttemptResult::Failed { kind }, response_headers: "{}".into(), excerpt: Vec::new() }
    }
}

impl Client {
    /// Makes the one client of a process.
    pub fn new(options: ClientOptions) -> Result<Self, reqwest::Error> {
        let policy = Arc::new(options.policy);
        let resolver = CheckedResolver::new(Arc::clone(&policy), options.dns_timeout, options.dns_cache);
        let public = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        let mut trusted = public.map(|der| reqwest::Certificate::from_der(der)).collect::<Result<Vec<_>, _>>()?;
        if let Some(pem) = options.extra_ca {
            trusted.extend(reqwest::Certificate::from_pem_bundle(&pem)?);
        }
        let http = reqwest::Client::builder()
            .dns_resolver(resolver)
            .tls_certs_only(trusted)
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_MAX)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(options.idle_per_host_max)
            .http1_max_headers(HEADERS_MAX)
            .build()?;
        Ok(Self { http, policy, excerpt_bytes_max: options.excerpt_bytes_max })
    }

    /// Sends one request; never later than `timeout`.
    pub async fn send(&self, url: &str, outgoing: Outgoing, timeout: Duration, now: Timestamp) -> Answer {
        let Ok(url) = self.policy.check_url(url) else { return Answer::failed(FailureKind::Blocked) };
        let Outgoing { body, headers } = outgoing;
        let exchange = self.exchange(self.http.post(url).headers(headers).body(body), now);
        match tokio::time::timeout(timeout, exchange).await {
            Err(_) => Answer::failed(FailureKind::Timeout),
            Ok(Err(error)) => Answer::failed(kind_of(&error)),
            Ok(Ok(answer)) => answer,
        }
    }

    /// Asks a receiver by `OPTIONS` what it allows to an origin: the values of `WebHook-Allowed-Origin` and
    /// `WebHook-Allowed-Rate`. The same policy and the same bounds as for [`Self::send`].
    pub async fn ask(&self, url: &str, origin: &str, timeout: Duration) -> Result<[Option<String>; 2], FailureKind> {
        let Ok(url) = self.policy.check_url(url) else { return Err(FailureKind::Blocked) };
        let request = self.http.request(Method::OPTIONS, url).header(REQUEST_ORIGIN, origin);
        match tokio::time::timeout(timeout, request.send()).await {
            Err(_) => Err(FailureKind::Timeout),
            Ok(Err(error)) => Err(kind_of(&error)),
            Ok(Ok(response)) => {
                let value = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
                Ok([value(ALLOWED_ORIGIN), value(ALLOWED_RATE)])
            }
        }
    }

    async fn exchange(&self, request: reqwest::RequestBuilder, now: Timestamp) -> Result<Answer, reqwest::Error> {
        let mut response = request.send().await?;
        let status = response.status().as_u16();
        let response_headers = headers_for_log(response.headers());
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| parse_retry_after(text, now));
        let mut excerpt = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            let room = self.excerpt_bytes_max - excerpt.len();
            excerpt.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                // The rest is not ours to wait for: the connection is dropped with the response.
                break;
            }
        }
        let result = if (200..300).contains(&status) {
            AttemptResult::Succeeded { status }
        } else {
            AttemptResult::FailedStatus { status, retry_after }
        };
        Ok(Answer { result, response_headers, excerpt })
    }
}

/// The kind of a failure, from the errors that it was caused by.
fn kind_of(error: &reqwest::Error) -> FailureKind {
    if error.is_timeout() {
        return FailureKind::Timeout;
    }
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(resolve) = error.downcast_ref::<ResolveError>() {
            return match resolve {
                ResolveError::NotFound => FailureKind::Dns,
                ResolveError::Denied => FailureKind::Blocked,
            };
        }
        if error.is::<rustls::Error>() {
            return FailureKind::Tls;
        }
        if let Some(kind) = error.downcast_ref::<io::Error>().and_then(kind_of_io) {
            return kind;
        }
        if let Some(http) = error.downcast_ref::<hyper::Error>() {
            if http.is_parse() || http.is_parse_too_large() {
                return FailureKind::Protocol;
            }
            if http.is_incomplete_message() || http.is_canceled() {
                return FailureKind::Reset;
            }
        }
        cause = error.source();
    }
    if error.is_connect() { FailureKind::Connect } else { FailureKind::Reset }
}

/// What an I/O error says by itself; some only wrap another error.
fn kind_of_io(error: &io::Error) -> Option<FailureKind> {
    // The chain of sources leaves out what an I/O error wraps, and connectors wrap one in another.
    if let Some(inner) = error.get_ref() {
        if inner.is::<rustls::Error>() {
            return Some(FailureKind::Tls);
        }
        if let Some(inner) = inner.downcast_ref::<io::Error>() {
            return kind_of_io(inner);
        }
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::AddrNotAvailable => Some(FailureKind::Connect),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            Some(FailureKind::Reset)
        }
        io::ErrorKind::TimedOut => Some(FailureKind::Timeout),
        _ => None,
    }
}

fn headers_for_log(headers: &HeaderMap) -> String {
    let shown = headers.keys().filter(|name| *name != "set-cookie").take(LOGGED_HEADERS_MAX);
    json_object(shown.map(|name| {
        let value = headers.get(name).map_or(&[][..], |value| value.as_bytes());
        let text = String::from_utf8_lossy(value);
        let end = text.char_indices().nth(LOGGED_VALUE_CHARS_MAX).map_or(text.len(), |(end, _)| end);
        (name.as_str(), text[..end].to_owned())
    }))
}
