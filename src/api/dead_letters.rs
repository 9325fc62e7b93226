//! Dead letters: deliveries that used up their attempts. List them, send them again or give them up, one or many.

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
use super::json::{Json as BodyJson, MaybeJson};
use super::page::{ByPageOrCursor, List, PAGE_OR_CURSOR, Page};
use super::problem::Problem;
use super::query::{Id, Query};
use super::{Api, Success, success};
use crate::domain::event::EventType;
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::{DeliveryId, EventId, WebhookId};
use crate::domain::time::Timestamp;
use crate::engine::deliveries::{Changed, DISCARD_REASON_CHARS_MAX, Letters};
use crate::store::dead_letters::{DeadLetter, DeadLetterFilter, Letters as Found};

/// The most dead letters that one request changes, and how many where it does not say.
const LETTERS_MAX: u32 = 10_000;
const LETTERS_DEFAULT: u32 = 1_000;
/// The most that one request names.
const IDS_MAX: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(redrive_all))
        .routes(routes!(redrive))
        .routes(routes!(discard_all))
        .routes(routes!(discard))
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
///
/// `total` is at most 10,000, and with a filter it counts those that are found among the newest 10,000. A page looks at
/// as many: there may be more while `nextCursor` is not null, even on an empty page.
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
    let letters = store.dead_letters_page(caller.scope, &filter, page.limit + 1, page.offset()).await?;
    let Found { found: mut rows, end } = letters;
    let cursors = page.cut_at(&mut rows, end, |letter| letter.delivery.0);
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

/// Which dead letters: those that are named, or all that the rest finds, up to `max`.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = Redrive, example = json!({ "eventType": "order.created", "max": 100 }))]
struct Chosen {
    /// Only these; then nothing else may be given.
    #[schema(max_items = 1000)]
    ids: Vec<DeliveryId>,
    webhook_id: Option<WebhookId>,
    event_type: Option<String>,
    #[schema(value_type = Option<Timestamp>)]
    died_after: Option<String>,
    #[schema(value_type = Option<Timestamp>)]
    died_before: Option<String>,
    /// The most of them.
    #[schema(minimum = 1, maximum = 10_000, default = 1_000)]
    max: Option<u32>,
}

impl Chosen {
    fn check(self, problems: &mut Vec<FieldProblem>) -> Letters {
        let Self { ids, webhook_id, event_type, died_after, died_before, max } = self;
        if ids.len() > IDS_MAX {
            problems.push(FieldProblem::new("ids", FieldCode::Length, format!("must have at most {IDS_MAX} entries")));
        }
        let has_filter = webhook_id.is_some() || event_type.is_some() || died_after.is_some() || died_before.is_some();
        if !ids.is_empty() && (has_filter || max.is_some()) {
            problems.push(FieldProblem::new("ids", FieldCode::Mismatch, "cannot be combined with anything else"));
        }
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
        let max = max.unwrap_or(LETTERS_DEFAULT);
        if !(1..=LETTERS_MAX).contains(&max) {
            let message = format!("must be from 1 to {LETTERS_MAX}");
            problems.push(FieldProblem::new("max", FieldCode::OutOfRange, message));
        }
        if !ids.is_empty() {
            return Letters::Named(ids);
        }
        let filter = DeadLetterFilter {
            webhook: webhook_id,
            event_type,
            died_after,
            died_before,
            ..DeadLetterFilter::default()
        };
        Letters::Found(filter, max)
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Redriven {
    #[schema(example = 12)]
    redriven: u32,
    /// Whether there are more than `max`.
    #[schema(example = false)]
    has_more: bool,
}

/// Send many dead letters again
///
/// Those that are named, or all that the filter finds, up to `max`, at once. The body may be left out. For more of them,
/// or at a rate, start a replay.
#[utoipa::path(
    post,
    path = "/api/v1/dead-letters/redrive",
    operation_id = "redriveDeadLetters",
    tag = "Dead letters",
    request_body = Option<Chosen>,
    responses((status = 200, description = "How many are on their way", body = Success<Redriven>)),
    security(("apiKey" = ["write:deliveries"])),
)]
async fn redrive_all(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteDeliveries>,
    MaybeJson(request): MaybeJson<Chosen>,
) -> Result<Response, Problem> {
    let mut problems = Vec::new();
    let letters = request.check(&mut problems);
    if !problems.is_empty() {
        return Err(Problem::fields(problems));
    }
    let Changed { count, has_more } = api.engine.redrive_all(caller.scope, letters).await?;
    Ok(success(StatusCode::OK, Redriven { redriven: count, has_more }))
}

/// Why a dead letter is given up.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = Discard, example = json!({ "reason": "the customer has left" }))]
struct Reason {
    /// Stays with the delivery.
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    reason: Option<String>,
}

fn check_reason(reason: Option<String>, problems: &mut Vec<FieldProblem>) -> String {
    let reason = reason.unwrap_or_default();
    if reason.trim().is_empty() {
        problems.push(FieldProblem::required("reason"));
    } else if reason.chars().count() > DISCARD_REASON_CHARS_MAX {
        let message = format!("must have at most {DISCARD_REASON_CHARS_MAX} characters");
        problems.push(FieldProblem::new("reason", FieldCode::Length, message));
    }
    reason
}

/// Give a dead letter up
///
/// It is not sent again: the delivery is cancelled, and keeps the reason.
#[utoipa::path(
    post,
    path = "/api/v1/dead-letters/{id}/discard",
    operation_id = "discardDeadLetter",
    tag = "Dead letters",
    params(("id" = DeliveryId, Path)),
    request_body = Reason,
    responses((status = 200, description = "The delivery as it is now", body = Success<DeliveryView>)),
    security(("apiKey" = ["write:deliveries"])),
)]
async fn discard(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteDeliveries>,
    Id(id): Id<DeliveryId>,
    MaybeJson(Reason { reason }): MaybeJson<Reason>,
) -> Result<Response, Problem> {
    let mut problems = Vec::new();
    let reason = check_reason(reason, &mut problems);
    if !problems.is_empty() {
        return Err(Problem::fields(problems));
    }
    let outcome = api.engine.discard(caller.scope, id, &reason).await?;
    intervened(&api, caller.scope, id, outcome, "is not a dead letter").await
}

/// Which dead letters to give up, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = DiscardMany, example = json!({
    "letters": { "eventType": "order.created", "max": 100 }, "reason": "the customer has left"
}))]
struct DiscardMany {
    /// Which. Left out: all, up to the default `max`.
    #[serde(default)]
    letters: Chosen,
    /// Stays with the deliveries.
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Discarded {
    #[schema(example = 12)]
    discarded: u32,
    /// Whether there are more than `max`.
    #[schema(example = false)]
    has_more: bool,
}

/// Give many dead letters up
#[utoipa::path(
    post,
    path = "/api/v1/dead-letters/discard",
    operation_id = "discardDeadLetters",
    tag = "Dead letters",
    request_body = DiscardMany,
    responses((status = 200, description = "How many were given up", body = Success<Discarded>)),
    security(("apiKey" = ["write:deliveries"])),
)]
async fn discard_all(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteDeliveries>,
    BodyJson(DiscardMany { letters, reason }): BodyJson<DiscardMany>,
) -> Result<Response, Problem> {
    let mut problems = Vec::new();
    let letters = letters.check(&mut problems);
    let mut problems: Vec<_> = problems.into_iter().map(|problem| problem.below("letters")).collect();
    let reason = check_reason(reason, &mut problems);
    if !problems.is_empty() {
        return Err(Problem::fields(problems));
    }
    let Changed { count, has_more } = api.engine.discard_all(caller.scope, letters, &reason).await?;
    Ok(success(StatusCode::OK, Discarded { discarded: count, has_more }))
}
