//! The signature doctor: a receiver that cannot verify a request asks what is wrong with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Caller, ReadWebhooks};
use super::json::Json;
use super::problem::Problem;
use super::query::Id;
use super::{Api, Success, success};
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::WebhookId;
use crate::domain::signature::{Finding, TOLERANCE};
use crate::domain::time::Timestamp;
use crate::engine::doctor::{EXAMINED_BYTES_MAX, Examined, Request};

/// The longest tolerance: a day, for requests out of a log.
const TOLERANCE_MAX: Duration = Duration::from_hours(24);

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(examine))
}

/// A request as its receiver got it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(
    as = ReceivedRequest,
    example = json!({
        "headers": {
            "webhook-id": "evt_01m7zvcjkge008000000000001",
            "webhook-timestamp": "1795291499",
            "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        },
        "body": "{\"id\":\"evt_01m7zvcjkge008000000000001\"}",
    }),
)]
struct ReceivedRequest {
    /// Its headers, as they came.
    headers: BTreeMap<String, String>,
    /// Its body as text, before anything has parsed it.
    #[schema(max_length = 524_288)]
    body: Option<String>,
    /// Its body in base64, instead of `body`: the surest way to the very bytes.
    body_base64: Option<String>,
    /// How far the time of signing may be from now.
    #[schema(minimum = 0, maximum = 86_400, default = 300)]
    tolerance_seconds: Option<u64>,
}

/// What is to be said of a request.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExaminedRequest)]
struct ExaminedView {
    #[schema(example = false)]
    verified: bool,
    /// The header whose signatures were looked at.
    #[schema(example = "webhook-signature")]
    header: String,
    /// Where it verifies by a secret that was replaced and still signs: until when.
    #[schema(example = json!(null))]
    older_secret_until: Option<Timestamp>,
    /// What is wrong with it; empty where it verifies.
    reasons: Vec<Reason>,
}

/// One thing that is wrong with a request.
#[derive(Serialize, ToSchema)]
#[schema(as = SignatureReason)]
struct Reason {
    /// For programs.
    #[schema(example = "body_changed")]
    code: &'static str,
    /// What it is, and what to do about it.
    #[schema(example = "The body gained a line end at its end after it was signed: check the raw bytes.")]
    message: String,
}

impl From<Examined> for ExaminedView {
    fn from(examined: Examined) -> Self {
        let Examined { header, findings, older_until } = examined;
        let reason = |finding: &Finding| Reason { code: finding.word(), message: finding.to_string() };
        let reasons: Vec<Reason> = findings.iter().map(reason).collect();
        Self { verified: reasons.is_empty(), header, older_secret_until: older_until, reasons }
    }
}

impl ReceivedRequest {
    fn check(self) -> Result<Request, Problem> {
        let Self { headers, body, body_base64, tolerance_seconds } = self;
        let mut problems = Vec::new();
        let mut refuse = |field: &str, code, message: &str| problems.push(FieldProblem::new(field, code, message));
        let body = match (body, body_base64) {
            (Some(_), Some(_)) => {
                refuse("bodyBase64", FieldCode::Mismatch, "cannot be combined with `body`");
                Vec::new()
            }
            (Some(text), None) => text.into_bytes(),
            (None, Some(encoded)) => STANDARD.decode(encoded.trim()).unwrap_or_else(|_| {
                refuse("bodyBase64", FieldCode::Invalid, "must be standard base64 with padding");
                Vec::new()
            }),
            (None, None) => Vec::new(),
        };
        if body.len() > EXAMINED_BYTES_MAX {
            let message = format!("must be at most {EXAMINED_BYTES_MAX} bytes");
            refuse("body", FieldCode::Length, &message);
        }
        let tolerance = tolerance_seconds.map_or(TOLERANCE, Duration::from_secs);
        if tolerance > TOLERANCE_MAX {
            let message = format!("must be from 0 to {}", TOLERANCE_MAX.as_secs());
            refuse("toleranceSeconds", FieldCode::OutOfRange, &message);
        }
        if problems.is_empty() {
            Ok(Request { headers: headers.into_iter().collect(), body: Bytes::from(body), tolerance })
        } else {
            Err(Problem::fields(problems))
        }
    }
}

/// Say why a request does not verify
///
/// Checks a received request by the webhook's secrets, which are not told. Where it does not verify, the reasons say
/// what has happened to it on its way: a header lost or renamed, the body parsed and written again, a clock that is
/// wrong, another secret.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/verify",
    operation_id = "verifyWebhookRequest",
    tag = "Webhooks",
    params(("id" = WebhookId, Path)),
    request_body = ReceivedRequest,
    responses((status = 200, description = "Whether it verifies, and if not, why", body = Success<ExaminedView>)),
    security(("apiKey" = ["read:webhooks"])),
)]
async fn examine(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadWebhooks>,
    Id(id): Id<WebhookId>,
    Json(received): Json<ReceivedRequest>,
) -> Result<Response, Problem> {
    let examined = api.engine.examine(caller.scope, id, received.check()?).await?;
    Ok(success(StatusCode::OK, ExaminedView::from(examined)))
}
