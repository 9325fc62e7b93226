//! Dead letters: deliveries that used up their attempts. List them, and send them again, one or many.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::auth::{Caller, ReadDeliveries, WriteDeliveries};
use super::deliveries::intervened;
use super::json::MaybeJson;
use super::page::{List, PAGE_OR_CURSOR, Page};
use super::problem::Problem;
use super::query::{Id, Query};
use super::{Api, success};
use crate::domain::event::EventType;
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::{DeliveryId, EventId, WebhookId};
use crate::domain::time::Timestamp;
use crate::store::dead_letters::{DeadLetter, DeadLetterFilter};

/// The most dead letters that one request redrives, and how many where it does not say.
const REDRIVE_MAX: u32 = 10_000;
const REDRIVE_DEFAULT: u32 = 1_000;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v1/dead-letters", get(list))
        .route("/api/v1/dead-letters/redrive", post(redrive_all))
        .route("/api/v1/dead-letters/{id}/redrive", post(redrive))
}

const FILTERS: &[&str] = &["webhookId", "eventType", "diedAfter", "diedBefore"];

/// A dead letter as listed. Its id is its delivery's.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeadLetterView {
    id: DeliveryId,
    event_id: EventId,
    event_type: String,
    webhook_id: WebhookId,
    attempts: i64,
    last_status: Option<i64>,
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
        before: None,
    };
    query.finish()?;
    let store = api.engine.store();
    let total = store.dead_letters_count(caller.scope, &filter).await?;
    filter.before = page.before;
    let mut rows = store.dead_letters_page(caller.scope, &filter, page.limit + 1, page.offset()).await?;
    let next = page.cut(&mut rows, |letter| letter.delivery.0);
    let total = page.count(total, rows.len());
    Ok(Json(page.list(rows.into_iter().map(DeadLetterView::from).collect(), total, next)))
}

async fn redrive(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteDeliveries>,
    Id(id): Id<DeliveryId>,
) -> Result<Response, Problem> {
    let outcome = api.engine.redrive(caller.scope, id).await?;
    intervened(&api, caller.scope, id, outcome, "is not a dead letter").await
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct RedriveAll {
    webhook_id: Option<WebhookId>,
    event_type: Option<String>,
    died_after: Option<String>,
    died_before: Option<String>,
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
        Ok((DeadLetterFilter { webhook: webhook_id, event_type, died_after, died_before, before: None }, max))
    }
}

#[derive(Serialize)]
struct Redriven {
    redriven: u32,
}

async fn redrive_all(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteDeliveries>,
    MaybeJson(request): MaybeJson<RedriveAll>,
) -> Result<Response, Problem> {
    let (filter, max) = request.check()?;
    let redriven = api.engine.redrive_all(caller.scope, &filter, max).await?;
    Ok(success(StatusCode::OK, Redriven { redriven }))
}
