//! Deliveries: list, read with every attempt, retry, cancel.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::auth::{Caller, ReadDeliveries, WriteDeliveries};
use super::page::{ByPageOrCursor, Cursors, List, PAGE_OR_CURSOR, Page};
use super::problem::{Code, Problem};
use super::query::{Id, Noun as _, Query};
use super::{Api, Success, success};
use crate::domain::attempt::FailureKind;
use crate::domain::data_search::DataSearch;
use crate::domain::delivery::DeliveryState;
use crate::domain::field::FieldCode;
use crate::domain::id::{DeliveryId, EventId, WebhookId, first_uuid_at};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::engine::data_search::Searched;
use crate::store::attempts::Attempt;
use crate::store::deliveries::{Delivery, DeliveryFilter};
use crate::store::due::Intervention;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(show)).routes(routes!(retry)).routes(routes!(cancel))
}

pub(super) const FILTERS: &[&str] = &[
    "webhookId",
    "eventId",
    "eventType",
    "status",
    "statusClass",
    "errorKind",
    "attemptsMin",
    "createdAfter",
    "createdBefore",
];

pub(super) fn read_filter(query: &mut Query) -> DeliveryFilter {
    let class = |text: &str| match text {
        "2xx" => Some((200, 299)),
        "3xx" => Some((300, 399)),
        "4xx" => Some((400, 499)),
        "5xx" => Some((500, 599)),
        _ => None,
    };
    DeliveryFilter {
        webhook: query.parsed("webhookId"),
        event: query.parsed("eventId"),
        event_type: query.event_type("eventType"),
        state: query.get("status", "pending, delivered, dead or cancelled", DeliveryState::parse),
        status_range: query.get("statusClass", "2xx, 3xx, 4xx or 5xx", class),
        error: query.get("errorKind", &FailureKind::ALL.map(FailureKind::as_str).join(", "), FailureKind::parse),
        from: query.time("createdAfter").map(first_uuid_at),
        attempts: query.get("attemptsMin", "a number of attempts", |text| text.parse().ok()).map(|few| (few, i64::MAX)),
        before: query.time("createdBefore").map(first_uuid_at),
        ..DeliveryFilter::default()
    }
}

/// A delivery as listed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub(super) struct DeliveryView {
    id: DeliveryId,
    event_id: EventId,
    #[schema(example = "order.created")]
    event_type: String,
    webhook_id: WebhookId,
    /// Why it was made.
    #[schema(example = "event")]
    reason: String,
    /// `pending`, `delivered`, `dead` or `cancelled`.
    #[schema(example = "pending")]
    status: &'static str,
    #[schema(example = 2)]
    attempts: i64,
    /// The HTTP status of the last attempt that got one.
    #[schema(example = 503)]
    last_status: Option<i64>,
    /// Why the last attempt got no answer.
    #[schema(example = json!(null))]
    last_error: Option<String>,
    next_attempt_at: Option<Timestamp>,
    created_at: Timestamp,
    settled_at: Option<Timestamp>,
    /// Why it was ended without being delivered, if somebody did that.
    #[schema(example = json!(null))]
    note: Option<String>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let Delivery {
            id,
            event,
            event_type,
            webhook,
            reason,
            state,
            attempts,
            last_status,
            last_error,
            settled_at,
            note,
            next_attempt_at,
        } = delivery;
        Self {
            id,
            event_id: event,
            event_type,
            webhook_id: webhook,
            reason,
            status: state.as_str(),
            attempts,
            last_status,
            last_error,
            next_attempt_at,
            created_at: id.time(),
            settled_at,
            note,
        }
    }
}

/// A page of what a filter finds, the cursors of those around it, and how much it finds in all.
pub(super) async fn page_of(
    api: &Api,
    scope: Scope,
    mut filter: DeliveryFilter,
    page: Page,
) -> Result<(Vec<Delivery>, Cursors, u64), Problem> {
    let store = api.engine.store();
    let mut stretch = store.stretch(scope, &filter).await?;
    let total = store.deliveries_count(scope, &stretch).await?;
    if page.before.is_some() || page.from().is_some() {
        filter.before = earlier(filter.before, page.before);
        filter.from = filter.from.max(page.from());
        filter.oldest_first = page.is_back();
        stretch = store.stretch(scope, &filter).await?;
    }
    let mut rows = store.deliveries_of(scope, &stretch, page.limit + 1, page.offset()).await?;
    let cursors = page.cut_at(&mut rows, stretch.end, |delivery| delivery.id.0);
    let total = page.count(total, rows.len());
    Ok((rows, cursors, total))
}

fn earlier(one: Option<Uuid>, other: Option<Uuid>) -> Option<Uuid> {
    one.into_iter().chain(other).min()
}

/// List deliveries
///
/// `total` is at most 10,000, and with a filter it counts those that are found among the newest 10,000. A page looks at
/// as many: where few of them are found it has fewer rows than `limit`, and there may be more while `nextCursor` is not
/// null, even on an empty page.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries",
    operation_id = "listDeliveries",
    tag = "Deliveries",
    params(
        ByPageOrCursor,
        ("webhookId" = Option<WebhookId>, Query, description = "Only to this webhook"),
        ("eventId" = Option<EventId>, Query, description = "Only of this event"),
        ("eventType" = Option<String>, Query, description = "Only of events of this type"),
        ("status" = Option<String>, Query, description = "`pending`, `delivered`, `dead` or `cancelled`"),
        ("statusClass" = Option<String>, Query, description = "Of the last answer: `2xx`, `3xx`, `4xx` or `5xx`"),
        ("errorKind" = Option<String>, Query, description = "How the last attempt failed"),
        ("attemptsMin" = Option<u32>, Query, description = "Only with at least so many attempts"),
        ("createdAfter" = Option<Timestamp>, Query, description = "Only from then on"),
        ("createdBefore" = Option<Timestamp>, Query, description = "Only before then"),
        ("data" = Option<String>, Query, example = "customer.id:42", description = "Only of events with this value in \
            their data. No index knows it: 2,000 deliveries of the other filters are looked at, newest first. There may \
            be more while `nextCursor` is not null, even on an empty page; `total` counts what this page has found."),
    ),
    responses((status = 200, description = "A page of deliveries, newest first", body = List<DeliveryView>)),
    security(("apiKey" = ["read:deliveries"])),
)]
async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadDeliveries>,
    uri: Uri,
) -> Result<Json<List<DeliveryView>>, Problem> {
    let mut query = Query::read(&uri, &[PAGE_OR_CURSOR, FILTERS, &["data"]]);
    let page = Page::read_shallow(&mut query, &api.options);
    let filter = read_filter(&mut query);
    let search =
        query.get("data", "a field and its value, such as `customer.id:42`", |text| DataSearch::parse(text).ok());
    if search.is_some() && page.page > 1 {
        query.refuse("page", FieldCode::NotAllowed, "must be left out with `data`; go on with `nextCursor`");
    }
    if search.is_some() && page.is_back() {
        query.refuse("cursor", FieldCode::NotAllowed, "must be a `nextCursor` with `data`");
    }
    query.finish()?;
    if let Some(search) = search {
        let filter = DeliveryFilter { before: earlier(filter.before, page.before), ..filter };
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let Searched { found, next } = api.engine.search_data(caller.scope, &filter, &search, limit).await?;
        let total = found.len() as u64;
        let rows = found.into_iter().map(DeliveryView::from).collect();
        return Ok(Json(page.list(rows, total, Cursors::older_than(next))));
    }
    let (rows, cursors, total) = page_of(&api, caller.scope, filter, page).await?;
    Ok(Json(page.list(rows.into_iter().map(DeliveryView::from).collect(), total, cursors)))
}

/// A delivery with all its attempts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeliveryDetail {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// Where the event and its data are.
    #[schema(example = "/api/v1/events/evt_01m7zvcjkge008000000000001")]
    event_url: String,
    attempt_log: Vec<AttemptView>,
}

/// One HTTP exchange.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attempt)]
struct AttemptView {
    #[schema(example = 1)]
    number: i64,
    started_at: Timestamp,
    #[schema(example = 38)]
    duration_ms: i64,
    #[schema(example = "https://example.com/hooks")]
    url: String,
    #[schema(example = 503)]
    status: Option<i64>,
    /// Why it got no answer.
    #[schema(example = json!(null))]
    error_kind: Option<String>,
    /// What it came to and what comes next, in one sentence.
    #[schema(example = "Attempt 1 got 503 after 38 ms; the next try is in 5 s.")]
    outcome: String,
    next_attempt_at: Option<Timestamp>,
    /// Less what could be a credential.
    #[schema(value_type = Object, example = json!({ "content-type": "application/json" }))]
    request_headers: Box<RawValue>,
    #[schema(value_type = Object, example = json!({ "retry-after": "30" }))]
    response_headers: Box<RawValue>,
    /// As text; what is not UTF-8 is replaced.
    #[schema(example = "upstream is down")]
    response_excerpt: String,
    #[schema(example = 16)]
    response_excerpt_bytes: usize,
}

impl TryFrom<Attempt> for AttemptView {
    type Error = Problem;

    fn try_from(attempt: Attempt) -> Result<Self, Problem> {
        let Attempt {
            number,
            started_at,
            duration_ms,
            url,
            status,
            error,
            next_at,
            outcome,
            request_headers,
            response_headers,
            response_excerpt,
        } = attempt;
        let json =
            |text| RawValue::from_string(text).map_err(|_| Problem::internal("headers of an attempt are not JSON"));
        Ok(Self {
            number,
            started_at,
            duration_ms,
            url,
            status,
            error_kind: error,
            outcome,
            next_attempt_at: next_at,
            request_headers: json(request_headers)?,
            response_headers: json(response_headers)?,
            response_excerpt: String::from_utf8_lossy(&response_excerpt).into_owned(),
            response_excerpt_bytes: response_excerpt.len(),
        })
    }
}

/// Read a delivery and its attempts
#[utoipa::path(
    get,
    path = "/api/v1/deliveries/{id}",
    operation_id = "getDelivery",
    tag = "Deliveries",
    params(("id" = DeliveryId, Path)),
    responses((status = 200, description = "The delivery", body = Success<DeliveryDetail>)),
    security(("apiKey" = ["read:deliveries"])),
)]
async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadDeliveries>,
    Id(id): Id<DeliveryId>,
) -> Result<Response, Problem> {
    let store = api.engine.store();
    let delivery = store.delivery(caller.scope, id).await?.ok_or_else(|| Problem::not_found(DeliveryId::NOUN))?;
    let attempts = store.attempts(caller.scope, id).await?;
    let attempt_log = attempts.into_iter().map(AttemptView::try_from).collect::<Result<_, _>>()?;
    let event_url = format!("/api/v1/events/{}", delivery.event);
    Ok(success(StatusCode::OK, DeliveryDetail { delivery: delivery.into(), event_url, attempt_log }))
}

/// Try a delivery now
///
/// One that waits for its next attempt has it at once; one that is final starts anew.
#[utoipa::path(
    post,
    path = "/api/v1/deliveries/{id}/retry",
    operation_id = "retryDelivery",
    tag = "Deliveries",
    params(("id" = DeliveryId, Path)),
    responses((status = 200, description = "The delivery as it is now", body = Success<DeliveryView>)),
    security(("apiKey" = ["write:deliveries"])),
)]
async fn retry(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteDeliveries>,
    Id(id): Id<DeliveryId>,
) -> Result<Response, Problem> {
    let outcome = api.engine.retry(caller.scope, id).await?;
    intervened(&api, caller.scope, id, outcome, "cannot be retried").await
}

/// Cancel a delivery
#[utoipa::path(
    post,
    path = "/api/v1/deliveries/{id}/cancel",
    operation_id = "cancelDelivery",
    tag = "Deliveries",
    params(("id" = DeliveryId, Path)),
    responses((status = 200, description = "The delivery as it is now", body = Success<DeliveryView>)),
    security(("apiKey" = ["write:deliveries"])),
)]
async fn cancel(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteDeliveries>,
    Id(id): Id<DeliveryId>,
) -> Result<Response, Problem> {
    let outcome = api.engine.cancel(caller.scope, id).await?;
    intervened(&api, caller.scope, id, outcome, "is final and cannot be cancelled").await
}

/// The delivery as it stands now, or why it was left alone.
pub(super) async fn intervened(
    api: &Api,
    scope: Scope,
    id: DeliveryId,
    outcome: Intervention,
    refusal: &str,
) -> Result<Response, Problem> {
    let delivery = api.engine.store().delivery(scope, id).await?;
    let delivery = delivery.ok_or_else(|| Problem::not_found(DeliveryId::NOUN))?;
    match outcome {
        Intervention::Done => Ok(success(StatusCode::OK, DeliveryView::from(delivery))),
        Intervention::NotFound => Err(Problem::not_found(DeliveryId::NOUN)),
        Intervention::UnderWay => {
            let message = "An attempt of the delivery is under way; wait for its outcome.";
            Err(Problem::new(Code::Conflict, message))
        }
        Intervention::Expunged => {
            Err(Problem::new(Code::Conflict, "The data of the event was erased: it cannot be sent again."))
        }
        Intervention::WrongState => {
            Err(Problem::new(Code::Conflict, format!("The delivery is {} and {refusal}.", delivery.state)))
        }
    }
}
