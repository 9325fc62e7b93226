//! The front door: what every request goes through, once.
//!
//! It gives the request an id, or takes the client's; bounds its time; catches a panic; writes the body of a
//! [`Problem`], for a page that of a page; counts; and says one line. A request that went well is said at `debug` only:
//! at ten thousand a second nobody reads them. Bodies, keys and query strings are never said.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use tokio::time::Instant;

use super::Api;
use super::gate::gate;
use super::problem::{Code, Problem, Rendering};
use crate::chance;
use crate::domain::id::RequestId;
use crate::telemetry;

const X_REQUEST_ID: &str = "x-request-id";
const REQUEST_ID_CHARS_MAX: usize = 128;
const PROBLEM_JSON: &str = "application/problem+json";

pub(super) async fn no_route(uri: Uri) -> Problem {
    Problem::new(Code::ResourceNotFound, format!("There is nothing at {}.", uri.path()))
}

pub(super) async fn no_method(method: Method, uri: Uri) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("{} does not take {method}.", uri.path()))
}

/// The id of a request, for the gate.
#[derive(Clone)]
pub(super) struct RequestName(pub(super) String);

/// What the door has at hand.
#[derive(Clone)]
pub(super) struct Door {
    api: Arc<Api>,
    /// Where the pages are, and how they say what was refused.
    pages: &'static str,
    refused: fn(&HeaderMap, Response, &str) -> Response,
}

impl Door {
    pub(super) fn new(
        api: &Arc<Api>,
        pages: &'static str,
        refused: fn(&HeaderMap, Response, &str) -> Response,
    ) -> Self {
        Self { api: Arc::clone(api), pages, refused }
    }

    fn is_page(&self, path: &str) -> bool {
        path.strip_prefix(self.pages).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// What is remembered of a request while its handler has it.
struct Visit {
    method: Method,
    uri: Uri,
    route: Option<MatchedPath>,
    id: HeaderValue,
    as_problem_json: bool,
    /// The headers of a request for a page.
    for_page: Option<HeaderMap>,
    started: Instant,
}

pub(super) async fn front(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let api = &door.api;
    let visit = Visit {
        method: request.method().clone(),
        uri: request.uri().clone(),
        route: request.extensions().get::<MatchedPath>().cloned(),
        id: request_id(request.headers(), api),
        as_problem_json: wants_problem_json(request.headers()),
        for_page: door.is_page(request.uri().path()).then(|| request.headers().clone()),
        started: Instant::now(),
    };
    request.extensions_mut().insert(RequestName(visit.id.to_str().unwrap_or_default().to_owned()));
    // On the heap: what wraps it below moves it.
    let handled = AssertUnwindSafe(Box::pin(gate(api, request, next))).catch_unwind();
    let mut response = match tokio::time::timeout(api.options.request_timeout, handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => Problem::internal(panic_text(&*panic)).into_response(),
        Err(_) => Problem::unavailable("The request took too long; try again.").into_response(),
    };
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = &problem {
        match &visit.for_page {
            Some(headers) => response = (door.refused)(headers, response, problem.message()),
            None => write_body(&mut response, problem, &visit, api),
        }
    }
    count_and_say(&visit, response.status(), problem.as_ref(), api);
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, visit.id);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn write_body(response: &mut Response, problem: &Problem, visit: &Visit, api: &Api) {
    let body = problem.body(&Rendering {
        request_id: visit.id.to_str().unwrap_or_default(),
        path: visit.uri.path(),
        now: api.engine.clock().now(),
        as_problem_json: visit.as_problem_json,
    });
    let media_type = if visit.as_problem_json { PROBLEM_JSON } else { "application/json" };
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    *response.body_mut() = Body::from(body);
}

fn count_and_say(visit: &Visit, status: StatusCode, problem: Option<&Problem>, api: &Api) {
    let took = visit.started.elapsed();
    let route = visit.route.as_ref().map_or("none", MatchedPath::as_str);
    let labels = telemetry::Request { route: route.to_owned(), status: status.as_u16() };
    api.engine.metrics().http_requests.get_or_create(&labels).inc();
    api.engine.metrics().http_seconds.observe(took.as_secs_f64());
    let (method, status, ms) = (visit.method.as_str(), status.as_u16(), took.as_millis());
    let id = visit.id.to_str().unwrap_or_default();
    let Some(problem) = problem else {
        tracing::debug!(request.id = id, "{method} {route} {status} in {ms} ms");
        return;
    };
    let code = problem.code().as_str();
    if status < 500 {
        tracing::info!(request.id = id, "{method} {route} {status} {code} in {ms} ms");
        return;
    }
    let cause = problem.cause().unwrap_or_else(|| problem.message());
    tracing::error!(request.id = id, "{method} {route} {status} {code} in {ms} ms: {cause}");
}

/// The client's id where it is one, else a new one.
fn request_id(headers: &HeaderMap, api: &Api) -> HeaderValue {
    let given = headers.get(X_REQUEST_ID).filter(|value| is_request_id(value.as_bytes()));
    given.cloned().unwrap_or_else(|| {
        let id = RequestId::new(api.engine.clock().now(), chance::id_tail()).to_string();
        HeaderValue::try_from(id).expect("letters and digits are a header's value")
    })
}

fn is_request_id(text: &[u8]) -> bool {
    (1..=REQUEST_ID_CHARS_MAX).contains(&text.len())
        && text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn wants_problem_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .any(|range| range.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(PROBLEM_JSON)))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", text.unwrap_or("without a text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_request_ids_are_taken() {
        assert!(is_request_id(b"a.B_9-x"));
        for text in ["", "a b", "a\r\nb", "é", "a/b", &"x".repeat(129)] {
            assert!(!is_request_id(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn problem_json_is_asked_for_by_name() {
        let wants = |accept: &'static str| {
            wants_problem_json(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
        };
        assert!(wants("application/json, application/problem+json;q=0.9"));
        assert!(!wants("*/*") && !wants("application/json"));
    }
}
