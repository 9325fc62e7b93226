//! A stream of attempts as they end: server-sent events, with the place to go on from in each.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::auth::{Caller, ReadDeliveries};
use super::deliveries::{DeliveryView, FILTERS, read_filter};
use super::limits::Place;
use super::problem::Problem;
use super::query::Query;
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::{EventId, WebhookId};
use crate::domain::time::Timestamp;
use crate::engine::streams::{HEARTBEAT, Pace, Seat};
use crate::engine::tail::{Tail, Turn};
use crate::store::attempt_log::LoggedAttempt;

/// How often the log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What browsers wait before they begin another stream.
const RETRY: Duration = Duration::from_secs(1);
const LAST_EVENT_ID: &str = "last-event-id";
/// Keeps proxies from holding back what is told.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(stream_attempts))
}

/// An attempt, and the delivery that it is of. The delivery stands as it does now; its `lastStatus` and `lastError` are
/// this attempt's.
#[derive(Serialize, ToSchema)]
struct StreamedAttempt {
    #[serde(flatten)]
    delivery: DeliveryView,
    attempt: AttemptEnd,
}

/// How an attempt went.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AttemptEnd {
    #[schema(example = 1)]
    number: i64,
    started_at: Timestamp,
    #[schema(example = 38)]
    duration_ms: i64,
    #[schema(example = 503)]
    status: Option<i64>,
    /// Why it got no answer.
    #[schema(example = json!(null))]
    error_kind: Option<String>,
    /// What it came to and what comes next, in one sentence.
    #[schema(example = "Attempt 1 got 503 after 38 ms; the next try is in 5 s.")]
    outcome: String,
    next_attempt_at: Option<Timestamp>,
}

impl From<LoggedAttempt> for StreamedAttempt {
    fn from(logged: LoggedAttempt) -> Self {
        let LoggedAttempt { delivery, environment: _, number, started_at, duration_ms, next_at, outcome } = logged;
        let (status, error_kind) = (delivery.last_status, delivery.last_error.clone());
        let attempt =
            AttemptEnd { number, started_at, duration_ms, status, error_kind, outcome, next_attempt_at: next_at };
        Self { delivery: delivery.into(), attempt }
    }
}

/// Follow attempts as they end
///
/// Server-sent events: an `attempt` for each attempt that ends, in the order in which they ended, at a pace of so many a
/// second; what is more is told later, and nothing is left out. Each event has an `id`, and so has the heartbeat that
/// comes when there is nothing to tell: begin again with the last one in `Last-Event-ID`, and the stream goes on from
/// there. A few attempts may then come again; `id` and `attempt.number` tell them apart. A stream ends after some
/// minutes, and when the server goes down.
#[utoipa::path(
    get,
    path = "/api/v1/deliveries/stream",
    operation_id = "streamDeliveries",
    tag = "Deliveries",
    params(
        ("webhookId" = Option<WebhookId>, Query, description = "Only to this webhook"),
        ("eventId" = Option<EventId>, Query, description = "Only of this event"),
        ("eventType" = Option<String>, Query, description = "Only of events of this type"),
        ("status" = Option<String>, Query, description = "Of the delivery by now: `pending`, `delivered`, `dead` or \
            `cancelled`"),
        ("statusClass" = Option<String>, Query, description = "Of the answer: `2xx`, `3xx`, `4xx` or `5xx`"),
        ("errorKind" = Option<String>, Query, description = "How the attempt failed"),
        ("attemptsMin" = Option<u32>, Query, description = "Only of deliveries with at least so many attempts by now"),
        ("createdAfter" = Option<Timestamp>, Query, description = "Only of deliveries made from then on"),
        ("createdBefore" = Option<Timestamp>, Query, description = "Only of deliveries made before then"),
        ("since" = Option<Timestamp>, Query, description = "Begin with the attempts that ended then, and not now"),
        ("follow" = Option<bool>, Query, description = "`false`: when all that there is was told, say so by \
            an `end`, and end"),
        ("Last-Event-ID" = Option<String>, Header, description = "Go on behind this event; `since` is nothing then"),
    ),
    responses((
        status = 200, description = "Events, each with this as its data", body = StreamedAttempt,
        content_type = "text/event-stream",
    )),
    security(("apiKey" = ["read:deliveries"])),
)]
async fn stream_attempts(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadDeliveries>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &[FILTERS, &["since", "follow"]]);
    let filter = read_filter(&mut query);
    let since = query.time("since");
    let follows = query.get("follow", "true or false", |text| text.parse().ok()).unwrap_or(true);
    query.finish()?;
    let from = last_event(&headers)?.or(since).unwrap_or_else(|| api.engine.clock().now());
    let place = api.streams_of.enter(caller.scope.tenant, api.options.streams_per_tenant_max, "streams")?;
    let seat = api.streams.open().ok_or_else(|| Problem::unavailable("There are as many streams as may be."))?;
    let begin = Event::default().id(from.to_string()).retry(RETRY);
    let telling = Telling {
        tail: Tail::new(caller.scope, filter, from),
        pace: Pace::new(api.options.stream_rows_per_second),
        ready: VecDeque::from([begin]),
        look_at: Instant::now(),
        told_at: Instant::now(),
        follows,
        is_over: false,
        seat,
        api,
        _place: place,
    };
    let events = stream::unfold(telling, |mut telling| async move {
        let event = telling.next().await?;
        Some((Ok::<_, Infallible>(event), telling))
    });
    let mut response = Sse::new(events).into_response();
    response.headers_mut().insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

/// The instant that the id of an event stands for.
fn last_event(headers: &HeaderMap) -> Result<Option<Timestamp>, Problem> {
    let Some(id) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let instant = id.to_str().ok().and_then(Timestamp::parse_rfc3339);
    let message = "must be the `id` of an event of a stream";
    instant.map(Some).ok_or_else(|| Problem::field(FieldProblem::new("Last-Event-ID", FieldCode::Invalid, message)))
}

/// One client's stream.
struct Telling {
    api: Arc<Api>,
    tail: Tail,
    pace: Pace,
    ready: VecDeque<Event>,
    look_at: Instant,
    /// When anything was told.
    told_at: Instant,
    follows: bool,
    is_over: bool,
    seat: Seat,
    _place: Place,
}

impl Telling {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.told_at = Instant::now();
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            self.seat.wait(sleep_until(self.look_at)).await?;
            self.look().await;
            self.look_at = Instant::now() + LOOK_EVERY;
        }
    }

    async fn look(&mut self) {
        let most = self.pace.left();
        // Whoever breaks off among these gets them all again.
        let id = self.tail.resume_from().to_string();
        match self.tail.next(&self.api.engine, most).await {
            Ok(Turn { attempts, has_more }) => {
                self.pace.tell(u32::try_from(attempts.len()).unwrap_or(u32::MAX));
                self.ready.extend(attempts.into_iter().map(|attempt| event(&id, &attempt.into())));
                self.is_over = !self.follows && !has_more;
                if self.is_over {
                    self.ready.push_back(Event::default().id(&id).event("end").data("all was told"));
                }
            }
            Err(error) => tracing::warn!("a stream of attempts is late: {error}"),
        }
        if self.ready.is_empty() && self.told_at.elapsed() >= HEARTBEAT {
            self.ready.push_back(Event::default().id(self.tail.resume_from().to_string()));
        }
    }
}

fn event(id: &str, attempt: &StreamedAttempt) -> Event {
    let event = Event::default().id(id).event("attempt").json_data(attempt);
    event.expect("texts, numbers and times are JSON")
}
