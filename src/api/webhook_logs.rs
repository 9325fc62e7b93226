//! The log of a webhook: its deliveries, in the words that integrators of G-Tateth know.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Caller, ReadWebhooks};
use super::deliveries::page_of;
use super::page::{ByPageOrCursor, Cursors, PAGE_OR_CURSOR, Page, Totals};
use super::problem::Problem;
use super::query::{Id, Query};
use super::{Api, Success, success};
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{DeliveryId, EventId, WebhookId};
use crate::domain::time::Timestamp;
use crate::store::deliveries::{Delivery, DeliveryFilter};

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(list))
}

/// A delivery, in the words of a webhook's log.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookLogEntry)]
struct LogEntry {
    id: DeliveryId,
    webhook_id: WebhookId,
    event_id: EventId,
    #[schema(example = "order.created")]
    event: String,
    #[schema(example = "success")]
    status: &'static str,
    #[schema(example = 1)]
    attempts: i64,
    #[schema(example = 200)]
    response_status: Option<i64>,
    #[schema(example = json!(null))]
    error: Option<String>,
    #[schema(example = json!(null))]
    next_retry_at: Option<Timestamp>,
    created_at: Timestamp,
    delivered_at: Option<Timestamp>,
}

impl From<Delivery> for LogEntry {
    fn from(delivery: Delivery) -> Self {
        let Delivery {
            id,
            event,
            event_type,
            webhook,
            reason: _,
            state,
            attempts,
            last_status,
            last_error,
            settled_at,
            next_attempt_at,
        } = delivery;
        Self {
            id,
            webhook_id: webhook,
            event_id: event,
            event: event_type,
            status: word(state),
            attempts,
            response_status: last_status,
            error: last_error,
            next_retry_at: next_attempt_at,
            created_at: id.time(),
            delivered_at: settled_at.filter(|_| state == DeliveryState::Delivered),
        }
    }
}

const fn word(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "pending",
        DeliveryState::Delivered => "success",
        DeliveryState::Dead => "failed",
        DeliveryState::Cancelled => "cancelled",
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookLogs)]
#[allow(clippy::struct_field_names, reason = "the names are the API's")]
struct Logs {
    logs: Vec<LogEntry>,
    #[serde(flatten)]
    totals: Totals,
    #[serde(flatten)]
    cursors: Cursors,
}

/// List what was sent to a webhook
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}/logs",
    operation_id = "listWebhookLogs",
    tag = "Webhooks",
    params(
        ("id" = WebhookId, Path),
        ByPageOrCursor,
        ("status" = Option<String>, Query, description = "`pending`, `success`, `failed` or `cancelled`"),
    ),
    responses((status = 200, description = "A page of the log, newest first", body = Success<Logs>)),
    security(("apiKey" = ["read:webhooks"])),
)]
async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadWebhooks>,
    Id(id): Id<WebhookId>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &[PAGE_OR_CURSOR, &["status"]]);
    let page = Page::read_shallow(&mut query, &api.options);
    let state = query.get("status", "pending, success, failed or cancelled", |text| {
        DeliveryState::ALL.into_iter().find(|state| word(*state) == text)
    });
    query.finish()?;
    // Another tenant's webhook has no log either.
    api.engine.webhook(caller.scope, id).await?;
    let filter = DeliveryFilter { webhook: Some(id), state, ..DeliveryFilter::default() };
    let (rows, cursors, total) = page_of(&api, caller.scope, filter, page).await?;
    let logs = rows.into_iter().map(LogEntry::from).collect();
    Ok(success(StatusCode::OK, Logs { logs, totals: page.totals(total), cursors }))
}
