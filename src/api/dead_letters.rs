//! Dead letters: deliveries that used up their attempts. List them, and send them again, one or many.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Caller, ReadDeliveries, WriteDeliveries};
use super::deliveries::{DeliveryView, intervened};
use super::json::MaybeJson;
use super::page::{ByPageOrCursor, List, PAGE_OR_CURSOR, Page};
use super::problem::Problem;
use super::query::{Id, Query};
use super::{Api, Success, success};
use crate::domain::event::EventType;
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::{DeliveryId, EventId, WebhookId};
use crate::domain::time::Timestamp;
use crate::store::dead_letters::{DeadLetter, DeadLetterFilter};

/// The most dead letters that one request redrives, and how many where it does not say.
const REDRIVE_MAX: u32 = 10_000;
const REDRIVE_DEFAULT: u32 = 1_000;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(redrive_all)).routes(routes!(redrive))
}

const FILTERS: &[&str] = &["webhookId", "eventType", "diedAfter", "diedBefore"];

/// A dead letter as listed. Its id is its delivery's.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetter)]
struct DeadLetterView {
    id: DeliveryId,
    event_id: EventId,
    #[schema(example = "order.created")]
    event_type: String,
    webhook_id: WebhookId,
    #[schema(example = 10)]
    attempts: i64,
    #[schema(example = 503)]
    last_status: Option<i64>,
    #[schema(example = json!(null))]
    last_error: Option<String>,
    created_at: Timestamp,
    died_at: Timestamp,
}

impl From<DeadLetter> for DeadLetterView {
    fn from(letter: DeadLetter) -> Self {
        let DeadLetter { delivery, event, webhook, event_type, attempts, last_status, last_error, died_at } = letter;
        Self {
            id: delivery,
            event_id: event,
            event_type,
            webhook_id: webhook,
            attempts,
            last_status,
            last_error,
            created_at: delivery.time(),
            died_at,
        }
    }
}

/// List dead letters
#[utoipa::path(
    get,
    path = "/api/v1/dead-letters",
    operation_id = "listDeadLetters",
    tag = "Dead letters",
    params(
        ByPageOrCursor,
        ("webhookId" = Option<WebhookId>, Query, description = "Only to this webhook"),
        ("eventType" = Option<String>, Query, description = "Only of events of this type"),
        ("diedAfter" = Option<Timestamp>, Query, description = "Only those given up from then on"),
        ("diedBefore" = Option<Timestamp>, Query, description = "Only those given up before then"),
    ),
    responses((status = 200, description = "A page of dead letters, newest first", body = List<DeadLetterView>)),
    security(("apiKey" = ["read:deliveries"])),
)]
async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadDeliveries>,
    uri: Uri,
) -> Result<Json<List<DeadLetterView>>, Problem> {
    let mut query = Query::read(&uri, &[PAGE_OR_CURSOR, FILTERS]);
    let page = Page::read_shallow(&mut query, &api.options);
    let mut filter = DeadLetterFilter {
        webhook: query.parsed("webhookId"),
        event_type: query.event_type("eventType"),
        died_after: query.time("diedAfter"),
        died_before: query.time("diedBefore"),
        ..DeadLetterFilter::default()
    };
    query.finish()?;
    let store = api.engine.store();
    let total = store.dead_letters_count(caller.scope, &filter).await?;
    (filter.from, filter.before, filter.oldest_first) = (page.from(), page.before, page.is_back());
    let mut rows = store.dead_letters_page(caller.scope, &filter, page.limit + 1, page.offset()).await?;
    let cursors = page.cut(&mut rows, |letter| letter.delivery.0);
    let total = page.count(total, rows.len());
    Ok(Json(page.list(rows.into_iter().map(DeadLetterView::from).collect(), total, cursors)))
}

/// Send a dead letter again
#[utoipa::path(
    post,
    path = "/api/v1/dead-letters/{id}/redrive",
    operation_id = "redriveDeadLetter",
    tag = "Dead letters",
    params(("id" = DeliveryId, Path)),
    responses((status = 200, description = "The delivery as it is now", body = Success<DeliveryView>)),
    security(("apiKey" = ["write:deliveries"])),
)]
async fn redrive(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteDeliveries>,
    Id(id): Id<DeliveryId>,
) -> Result<Response, Problem> {
    let outcome = api.engine.redrive(caller.scope, id).await?;
    intervened(&api, caller.scope, id, outcome, "is not a dead letter").await
}

/// Which dead letters to send again.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = Redrive, example = json!({ "eventType": "order.created", "max": 100 }))]
struct RedriveAll {
    webhook_id: Option<WebhookId>,
    event_type: Option<String>,
    #[schema(value_type = Option<Timestamp>)]
    died_after: Option<String>,
    #[schema(value_type = Option<Timestamp>)]
    died_before: Option<String>,
    /// The most to send again.
    #[schema(minimum = 1, maximum = 10_000, default = 1_000)]
    max: Option<u32>,
}

impl RedriveAll {
    fn check(self) -> Result<(DeadLetterFilter, u32), Problem> {
        let Self { webhook_id, event_type, died_after, died_before, max } = self;
        let mut problems = Vec::new();
        if let Some(Err(error)) = event_type.as_deref().map(EventType::parse) {
            problems.push(FieldProblem::new("eventType", FieldCode::Invalid, error.to_string()));
        }
        let mut time = |name, text: Option<String>| {
            let time = Timestamp::parse_rfc3339(&text?);
            if time.is_none() {
                let message = "must be a time such as `2026-11-21T20:04:59.120Z`";
                problems.push(FieldProblem::new(name, FieldCode::Invalid, message));
            }
            time
        };
        let (died_after, died_before) = (time("diedAfter", died_after), time("diedBefore", died_before));
        let max = max.unwrap_or(REDRIVE_DEFAULT);
        if !(1..=REDRIVE_MAX).contains(&max) {
            let message = format!("must be from 1 to {REDRIVE_MAX}");
            problems.push(FieldProblem::new("max", FieldCode::OutOfRange, message));
        }
        if !problems.is_empty() {
            return Err(Problem::fields(problems));
        }
        Ok((
            DeadLetterFilter {
                webhook: webhook_id,
                event_type,
                died_after,
                died_before,
                ..DeadLetterFilter::default()
            },
            max,
        ))
    }
}

#[derive(Serialize, ToSchema)]
struct Redriven {
    #[schema(example = 12)]
    redriven: u32,
}

/// Send many dead letters again
///
/// All that the filter finds, up to `max`. The body may be left out.
#[utoipa::path(
    post,
    path = "/api/v1/dead-letters/redrive",
    operation_id = "redriveDeadLetters",
    tag = "Dead letters",
    request_body = Option<RedriveAll>,
    responses((status = 200, description = "How many are on their way", body = Success<Redriven>)),
    security(("apiKey" = ["write:deliveries"])),
)]
async fn redrive_all(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteDeliveries>,
    MaybeJson(request): MaybeJson<RedriveAll>,
) -> Result<Response, Problem> {
    let (filter, max) = request.check()?;
    let redriven = api.engine.redrive_all(caller.scope, &filter, max).await?;
    Ok(success(StatusCode::OK, Redriven { redriven }))
}
