//! Events: publish one or a batch, list, read one, replay one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Caller, ReadEvents, WriteEvents};
use super::idempotency::IDEMPOTENT_REPLAYED;
use super::json::{self, JsonBytes, MaybeJson};
use super::page::{ByPageOrCursor, List, PAGE_OR_CURSOR, Page};
use super::problem::{ItemError, Problem};
use super::publish::{EventRules, NewEvent, header_key};
use super::query::{Id, Noun as _, Query};
use super::{Api, Success, success};
use crate::domain::channel::Channels;
use crate::domain::event::{EventContent, Routing};
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::{EventId, WebhookId, first_uuid_at};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::engine::accept::{Accepted, Publish, Target};
use crate::store::IdSpan;
use crate::store::events::{EventFilter, Events, ListedEvent, StoredEvent};
use crate::store::expunge::Expunged;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(publish))
        .routes(routes!(publish_batch))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(replay))
        .routes(routes!(expunge))
}

/// An event that was accepted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AcceptedEvent {
    id: EventId,
    #[schema(example = "order.created")]
    r#type: String,
    /// How many webhooks it is sent to.
    #[schema(example = 2)]
    deliveries: u32,
    created_at: Timestamp,
    /// Whether an earlier request with the same key made it.
    replayed: bool,
    /// Where the data does not fit the schema of its type, which only warns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<FieldProblem>,
}

impl AcceptedEvent {
    fn new(event_type: String, accepted: Accepted) -> Self {
        let Accepted { event, deliveries, replayed, warnings } = accepted;
        let warnings = warnings.into_iter().map(|problem| problem.below("data")).collect();
        Self { id: event, r#type: event_type, deliveries, created_at: event.time(), replayed, warnings }
    }
}

async fn accept(api: &Api, scope: Scope, publish: Publish) -> Result<AcceptedEvent, Problem> {
    let event_type = publish.event_type.as_str().to_owned();
    let accepted = api.engine.accept(scope, publish, Target::Subscribers).await?;
    Ok(AcceptedEvent::new(event_type, accepted))
}

/// Publish an event
///
/// It is answered when it is stored; then it is delivered to every webhook that matches, at least once.
#[utoipa::path(
    post,
    path = "/api/v1/events",
    operation_id = "publishEvent",
    tag = "Events",
    request_body = NewEvent,
    responses((status = 202, description = "The event is accepted", body = Success<AcceptedEvent>)),
    security(("apiKey" = ["write:events"])),
)]
async fn publish(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteEvents>,
    headers: HeaderMap,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Problem> {
    let rules = EventRules {
        now: api.engine.clock().now(),
        data_bytes_max: api.engine.event_data_bytes_max(caller.scope.tenant),
        deliver_at_max: api.engine.limits().deliver_at_max,
        header_key: header_key(&headers)?,
        index: None,
    };
    let event = accept(&api, caller.scope, rules.read(&body)?).await?;
    let replayed = event.replayed;
    let mut response = success(StatusCode::ACCEPTED, event);
    if replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Events to publish, each judged and accepted alone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewEvents)]
struct NewBatch<'a> {
    #[serde(borrow)]
    #[schema(value_type = Vec<NewEvent>, min_items = 1, max_items = 1000)]
    events: Vec<&'a RawValue>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PublishedEvents)]
struct Batch<'a> {
    #[schema(example = 1)]
    accepted: usize,
    #[schema(example = 0)]
    failed: usize,
    /// In the order of the request.
    results: Vec<BatchResult<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PublishedEvent)]
struct BatchResult<'a> {
    #[schema(example = 0)]
    index: usize,
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a AcceptedEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ItemError<'a>>,
}

/// Publish up to 1,000 events
///
/// Each is judged and accepted alone; the answer says of each what became of it.
#[utoipa::path(
    post,
    path = "/api/v1/events/batch",
    operation_id = "publishEvents",
    tag = "Events",
    request_body = NewBatch,
    responses((status = 202, description = "What became of each event", body = Success<Batch>)),
    security(("apiKey" = ["write:events"])),
)]
async fn publish_batch(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteEvents>,
    headers: HeaderMap,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Problem> {
    let _place = api.batches.enter(caller.scope.tenant, api.options.batches_max, "batches")?;
    let header_key = header_key(&headers)?;
    let NewBatch { events } = json::parse(&body)?;
    let max = api.options.batch_events_max;
    if events.is_empty() || events.len() > max {
        let message = format!("must have 1 to {max} entries");
        return Err(Problem::field(FieldProblem::new("events", FieldCode::Length, message)));
    }
    let now = api.engine.clock().now();
    let data_bytes_max = api.engine.event_data_bytes_max(caller.scope.tenant);
    let deliver_at_max = api.engine.limits().deliver_at_max;
    let accepting = events.iter().enumerate().map(|(index, event)| {
        let rules = EventRules { now, data_bytes_max, deliver_at_max, header_key, index: Some(index) };
        let publish = rules.read(event.get().as_bytes());
        let (api, scope) = (&api, caller.scope);
        async move { accept(api, scope, publish?).await }
    });
    let results = join_all(accepting).await;
    let accepted = results.iter().filter(|result| result.is_ok()).count();
    let failed = results.len() - accepted;
    let results = results.iter().enumerate().map(|(index, result)| BatchResult {
        index,
        success: result.is_ok(),
        data: result.as_ref().ok(),
        error: result.as_ref().err().map(Problem::item),
    });
    Ok(success(StatusCode::ACCEPTED, Batch { accepted, failed, results: results.collect() }))
}

/// An event as listed: without its data.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventSummary)]
struct EventView {
    id: EventId,
    #[schema(example = "order.created")]
    r#type: String,
    occurred_at: Timestamp,
    created_at: Timestamp,
    channels: Channels,
    /// When its deliveries begin, if not at once.
    #[schema(example = json!(null))]
    deliver_at: Option<Timestamp>,
    /// When its data was erased, if it was.
    #[schema(example = json!(null))]
    expunged_at: Option<Timestamp>,
}

impl From<ListedEvent> for EventView {
    fn from(event: ListedEvent) -> Self {
        let ListedEvent { id, event_type, occurred_at, routing, expunged_at } = event;
        let Routing { channels, deliver_at } = routing;
        Self { id, r#type: event_type, occurred_at, created_at: id.time(), channels, deliver_at, expunged_at }
    }
}

const FILTERS: &[&str] = &["type", "channel", "createdAfter", "createdBefore"];

fn read_filter(query: &mut Query) -> EventFilter {
    let channel = |name: &str| Channels::read(vec![name.to_owned()], 1).ok().map(|_| name.to_owned());
    EventFilter {
        event_type: query.event_type("type"),
        channel: query.get("channel", "the name of a channel, such as `customer-1`", channel),
        span: IdSpan {
            from: query.time("createdAfter").map(first_uuid_at),
            before: query.time("createdBefore").map(first_uuid_at),
            oldest_first: false,
        },
    }
}

/// List events
///
/// What was accepted, by whatever way it came. Their data is not in the list: read an event for it.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    operation_id = "listEvents",
    tag = "Events",
    params(
        ByPageOrCursor,
        ("type" = Option<String>, Query, description = "Only of this type"),
        ("channel" = Option<String>, Query, description = "Only those that name this channel"),
        ("createdAfter" = Option<Timestamp>, Query, description = "Only from then on"),
        ("createdBefore" = Option<Timestamp>, Query, description = "Only before then"),
    ),
    responses((status = 200, description = "A page of events, newest first", body = List<EventView>)),
    security(("apiKey" = ["read:events"])),
)]
async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadEvents>,
    uri: Uri,
) -> Result<Json<List<EventView>>, Problem> {
    let mut query = Query::read(&uri, &[PAGE_OR_CURSOR, FILTERS]);
    let page = Page::read_shallow(&mut query, &api.options);
    let mut filter = read_filter(&mut query);
    query.finish()?;
    let store = api.engine.store();
    let total = store.events_count(caller.scope, &filter).await?;
    filter.span = page.within(filter.span);
    let Events { found: mut rows, end } =
        store.events_page(caller.scope, &filter, page.limit + 1, page.offset()).await?;
    let cursors = page.cut_at(&mut rows, end, |event| event.id.0);
    let total = page.count(total, rows.len());
    Ok(Json(page.list(rows.into_iter().map(EventView::from).collect(), total, cursors)))
}

/// An event as it was accepted.
#[derive(Serialize, ToSchema)]
struct Event<'a> {
    #[serde(flatten)]
    event: EventView,
    #[schema(value_type = Object, example = json!({ "orderId": "o-1001", "total": 42.5 }))]
    data: &'a RawValue,
}

/// Read an event
#[utoipa::path(
    get,
    path = "/api/v1/events/{id}",
    operation_id = "getEvent",
    tag = "Events",
    params(("id" = EventId, Path)),
    responses((status = 200, description = "The event", body = Success<Event>)),
    security(("apiKey" = ["read:events"])),
)]
async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadEvents>,
    Id(id): Id<EventId>,
) -> Result<Response, Problem> {
    let stored = api.engine.store().event(caller.scope, id).await?;
    let StoredEvent { scope: _, content, routing, expunged_at } =
        stored.ok_or_else(|| Problem::not_found(EventId::NOUN))?;
    let EventContent { id, event_type, occurred_at, data } = &*content;
    let data = serde_json::from_slice(data).map_err(|_| Problem::internal(format!("the data of {id} is not JSON")))?;
    let event_type = event_type.as_str().to_owned();
    let listed = ListedEvent { id: *id, event_type, occurred_at: *occurred_at, routing, expunged_at };
    Ok(success(StatusCode::OK, Event { event: listed.into(), data }))
}

/// Where to send an event again.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = EventReplay)]
struct Replay {
    /// Only to this webhook; else to those that subscribe to the event now.
    webhook_id: Option<WebhookId>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ReplayedEvent)]
struct Replayed {
    id: EventId,
    #[schema(example = 1)]
    deliveries: u32,
}

/// Send an event again
///
/// New deliveries with the same `webhook-id`: to one webhook, or to those that subscribe to the event now. The body
/// may be left out.
#[utoipa::path(
    post,
    path = "/api/v1/events/{id}/replay",
    operation_id = "replayEvent",
    tag = "Events",
    params(("id" = EventId, Path)),
    request_body = Option<Replay>,
    responses((status = 202, description = "The new deliveries are on their way", body = Success<Replayed>)),
    security(("apiKey" = ["write:events"])),
)]
async fn replay(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteEvents>,
    Id(id): Id<EventId>,
    MaybeJson(Replay { webhook_id }): MaybeJson<Replay>,
) -> Result<Response, Problem> {
    let target = webhook_id.map_or(Target::Subscribers, Target::Only);
    let replayed = api.engine.replay(caller.scope, id, target).await?;
    let Accepted { event, deliveries, replayed: _, warnings: _ } =
        replayed.ok_or_else(|| Problem::not_found(EventId::NOUN))?;
    Ok(success(StatusCode::ACCEPTED, Replayed { id: event, deliveries }))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExpungedEvent)]
struct ExpungedView {
    id: EventId,
    expunged_at: Timestamp,
}

/// Erase the data of an event
///
/// Its data, and what its deliveries kept of requests and answers, are gone for good; ids, times and states stay. What
/// waits to be delivered is cancelled, and the event cannot be sent again. An attempt that is under way may still be
/// made. Records of the core API are not touched. Doing it twice does it once.
#[utoipa::path(
    post,
    path = "/api/v1/events/{id}/expunge",
    operation_id = "expungeEvent",
    tag = "Events",
    params(("id" = EventId, Path)),
    responses((status = 200, description = "It is erased", body = Success<ExpungedView>)),
    security(("apiKey" = ["write:events"])),
)]
async fn expunge(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteEvents>,
    Id(id): Id<EventId>,
) -> Result<Response, Problem> {
    match api.engine.expunge(caller.scope, id).await? {
        Expunged::At(expunged_at) => Ok(success(StatusCode::OK, ExpungedView { id, expunged_at })),
        Expunged::NotFound => Err(Problem::not_found(EventId::NOUN)),
    }
}
