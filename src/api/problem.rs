//! What can go wrong, as a client sees it: a closed catalogue of codes, and one body for all of them.
//!
//! A handler returns a [`Problem`]; [`super::front`] writes its body, because only it knows the request's id and what
//! media type the client reads. What the database or a panic said stays inside: it is logged once, with that id.

use std::time::Duration;

use axum::Extension;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub(super) use super::code::Code;

use super::openapi::schemas;
use crate::domain::field::FieldProblem;
use crate::domain::meter::{Metered, Period, UsedUp};
use crate::domain::time::Timestamp;
use crate::engine::accept::AcceptError;
use crate::engine::event_types::{OWN_TYPES_MAX, TypeError};
use crate::engine::webhooks::WebhookError;
use crate::store::StoreError;

/// What a client should wait when it is told to come back and nobody knows better.
const RETRY_AFTER_SECONDS: u64 = 1;

/// What went wrong with a request.
#[derive(Debug, Clone)]
pub(super) struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: Code,
    message: String,
    hint: Option<&'static str>,
    errors: Vec<FieldProblem>,
    retry_after: Option<u64>,
    close: bool,
    cause: Option<String>,
}

/// What a problem's body is written with.
pub(super) struct Rendering<'a> {
    pub(super) request_id: &'a str,
    pub(super) path: &'a str,
    pub(super) now: Timestamp,
    /// RFC 9457 instead of our own envelope.
    pub(super) as_problem_json: bool,
}

impl Problem {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            hint: None,
            errors: Vec::new(),
            retry_after: None,
            close: false,
            cause: None,
        }))
    }

    /// Everything that is wrong with the fields of a request.
    pub(super) fn fields(errors: Vec<FieldProblem>) -> Self {
        let message = match errors.as_slice() {
            [only] => only.sentence(),
            [first, rest @ ..] => format!("{}, and {} more", first.sentence(), rest.len()),
            [] => Code::ValidationError.title().to_owned(),
        };
        let mut problem = Self::new(Code::ValidationError, message);
        problem.0.errors = errors;
        problem
    }

    pub(super) fn field(error: FieldProblem) -> Self {
        Self::fields(vec![error])
    }

    pub(super) fn not_found(noun: &str) -> Self {
        Self::new(Code::ResourceNotFound, format!("There is no such {noun}."))
    }

    pub(super) fn unavailable(message: &str) -> Self {
        let mut problem = Self::new(Code::Unavailable, message);
        problem.0.retry_after = Some(RETRY_AFTER_SECONDS);
        problem
    }

    /// A limit of the plan that has no unit left.
    fn used_up(UsedUp { metered: Metered { count, limit }, at }: &UsedUp) -> Self {
        let (meter, limit) = (&count.meter, limit.as_number());
        match count.window.period {
            Period::Minute => Self::new(
                Code::MessagesLimitReached,
                format!("The plan allows {limit} on the meter `{meter}` in a minute, and they are used up."),
            )
            .with_retry_after(count.window.ends_at.since(*at)),
            Period::Month => Self::new(
                Code::PlanLimitExceeded,
                format!("The plan allows {limit} {meter} in a month, and they are used up."),
            ),
        }
    }

    /// Says how long to wait before trying again.
    pub(super) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1));
        self
    }

    /// Our own fault; the cause is for the log only.
    pub(super) fn internal(cause: impl Into<String>) -> Self {
        let mut problem = Self::new(Code::InternalError, "This is our fault, and it is logged under the request id.");
        problem.0.cause = Some(cause.into());
        problem
    }

    /// When the client may come back, in seconds.
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    pub(super) fn with_hint(mut self, hint: &'static str) -> Self {
        self.0.hint = Some(hint);
        self
    }

    /// Has the connection closed after the answer: what is left of the request is not going to be read.
    pub(super) fn closing(mut self) -> Self {
        self.0.close = true;
        self
    }

    pub(super) fn code(&self) -> Code {
        self.0.code
    }

    pub(super) fn message(&self) -> &str {
        &self.0.message
    }

    pub(super) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    fn details(&self) -> Option<Value> {
        match (self.0.hint, self.0.errors.as_slice()) {
            (Some(hint), _) => Some(serde_json::json!({ "hint": hint })),
            (None, []) => None,
            (None, errors) => Some(serde_json::json!({ "errors": errors })),
        }
    }

    /// The part that a batch shows of each event that was not accepted.
    pub(super) fn item(&self) -> ItemError<'_> {
        ItemError { code: self.0.code.as_str(), message: &self.0.message, details: self.details() }
    }

    pub(super) fn body(&self, with: &Rendering<'_>) -> Vec<u8> {
        let Inner { code, message, retry_after, .. } = &*self.0;
        let body = if with.as_problem_json {
            serde_json::to_vec(&ProblemJson {
                r#type: format!("/docs/errors#{}", code.as_str()),
                title: code.title(),
                status: code.status().as_u16(),
                detail: message,
                instance: with.path,
                code: code.as_str(),
                details: self.details(),
                request_id: with.request_id,
                timestamp: with.now,
                retry_after: *retry_after,
            })
        } else {
            serde_json::to_vec(&Envelope {
                success: false,
                error: ErrorBody { item: self.item(), request_id: with.request_id, timestamp: with.now },
                retry_after: *retry_after,
            })
        };
        body.expect("the fields are text, numbers and lists")
    }
}

/// Without its body, which [`super::front`] writes.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.code.status().into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.0.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if self.0.code.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"angarium\""));
        }
        (Extension(self), response).into_response()
    }
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Error)]
pub(super) struct Envelope<'a> {
    #[schema(example = false)]
    success: bool,
    error: ErrorBody<'a>,
    /// Seconds to wait, as in `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    #[serde(flatten)]
    item: ItemError<'a>,
    request_id: &'a str,
    timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ItemError<'a> {
    #[schema(schema_with = schemas::code)]
    code: &'static str,
    /// For people.
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schemas::details)]
    details: Option<Value>,
}

/// What went wrong, as RFC 9457 has it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub(super) struct ProblemJson<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    #[schema(schema_with = schemas::code)]
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schemas::details)]
    details: Option<Value>,
    request_id: &'a str,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl From<&StoreError> for Problem {
    fn from(error: &StoreError) -> Self {
        let mut problem = match error {
            StoreError::Busy(_) | StoreError::Contended => Self::unavailable("The database is busy; try again soon."),
            StoreError::Conflict(_) => Self::new(Code::Conflict, "The same thing exists already."),
            StoreError::Corrupt { .. } | StoreError::Database(_) | StoreError::Migrate(_) | StoreError::UnknownUrl => {
                Self::internal("")
            }
        };
        problem.0.cause = Some(error.to_string());
        problem
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Overloaded => Self::unavailable("Too many events wait to be stored; try again soon."),
            AcceptError::KeyReused => {
                Self::new(Code::IdempotencyKeyReused, "The idempotency key was used with another request.")
            }
            AcceptError::RecordRefused => Self::new(Code::Conflict, "The record has changed meanwhile; try again."),
            AcceptError::UsedUp(used_up) => Self::used_up(&used_up),
            AcceptError::Misfit(misfits) => {
                Self::fields(misfits.into_iter().map(|problem| problem.below("data")).collect())
            }
            AcceptError::WebhookNotFound => Self::not_found("webhook"),
            AcceptError::Expunged(at) => {
                Self::new(Code::Conflict, format!("The data of the event was erased at {at}: it cannot be sent again."))
            }
            AcceptError::Store(error) => Self::from(&*error),
        }
    }
}

impl From<TypeError> for Problem {
    fn from(error: TypeError) -> Self {
        match error {
            TypeError::BuiltIn => Self::new(Code::Conflict, "The event type is built in: nobody can change it."),
            TypeError::Exists => Self::new(Code::Conflict, "There is an event type of that name already."),
            TypeError::NotFound => Self::not_found("event type"),
            TypeError::Changed => Self::new(Code::Conflict, "Others keep changing the event type; try again."),
            TypeError::TooMany => {
                let message = format!("There are {OWN_TYPES_MAX} event types, which is as many as may be.");
                Self::new(Code::PlanLimitExceeded, message)
            }
            TypeError::Store(error) => Self::from(&error),
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NotFound => Self::not_found("webhook"),
            WebhookError::Changed => Self::new(Code::Conflict, "Others keep changing the webhook; try again."),
            WebhookError::TooMany { max } => {
                Self::new(Code::PlanLimitExceeded, format!("There are {max} webhooks, which is as many as may be."))
            }
            WebhookError::Store(error) => Self::from(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::field::FieldCode;

    fn body(problem: &Problem, as_problem_json: bool) -> Value {
        let with = Rendering { request_id: "req_1", path: "/x", now: Timestamp::from_millis(0), as_problem_json };
        serde_json::from_slice(&problem.body(&with)).unwrap()
    }

    #[test]
    fn both_media_types_say_the_same() {
        let problem = Problem::field(FieldProblem::new("url", FieldCode::NotAllowed, "must start with `https://`"));
        let ours = body(&problem, false);
        assert_eq!(ours["success"], false);
        assert_eq!(ours["error"]["code"], "VALIDATION_ERROR");
        assert_eq!(ours["error"]["message"], "url must start with `https://`");
        assert_eq!(ours["error"]["details"]["errors"][0]["path"], serde_json::json!(["url"]));
        assert_eq!(ours["error"]["timestamp"], "1970-01-01T00:00:00.000Z");
        let rfc = body(&problem, true);
        assert_eq!(rfc["status"], 422);
        assert_eq!(rfc["detail"], ours["error"]["message"]);
        assert_eq!(rfc["details"], ours["error"]["details"]);
        assert_eq!(rfc["requestId"], "req_1");
    }

    #[test]
    fn what_the_database_says_stays_inside() {
        let error = StoreError::Corrupt { table: "webhooks", column: "secret_column", id: "x".to_owned() };
        let problem = Problem::from(error);
        assert!(problem.cause().unwrap().contains("secret_column"));
        assert!(!body(&problem, false).to_string().contains("secret_column"));
        let busy = Problem::from(StoreError::Contended);
        assert_eq!((busy.code(), body(&busy, false)["retryAfter"].as_u64()), (Code::Unavailable, Some(1)));
    }
}
