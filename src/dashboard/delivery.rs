//! One delivery: what happened, why, what comes next, and every byte that went over the wire.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::Dashboard;
use super::access::{ReadDeliveries, Reader};
use super::attempt_view::AttemptView;
use super::cause::Cause;
use super::deliveries::{SECTION, id_in_path};
use super::layout::Frame;
use super::outgoing::{Outgoing, outgoing};
use super::page::{self, Failure};
use super::pretty::pretty;
use super::words::{Badge, Time, attempts_most, bytes, span};
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{DeliveryId, EventId, WebhookId};
use crate::domain::time::Timestamp;
use crate::store::attempts::Attempt;
use crate::store::deliveries::Delivery;
use crate::store::events::StoredEvent;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route("/ui/deliveries/{id}", get(show)).route("/ui/deliveries/{id}/payload", get(payload))
}

#[derive(Template)]
#[template(path = "delivery.html", config = "src/dashboard/askama.toml")]
struct DeliveryPage {
    frame: Frame,
    id: DeliveryId,
    event: EventId,
    event_type: String,
    badge: Badge,
    cause: Cause,
    facts: Facts,
    attempts: Vec<AttemptView>,
    payload: Option<Payload>,
    request: Option<Outgoing>,
    acts: bool,
    can_cancel: bool,
    is_dead: bool,
}

struct Facts {
    webhook: WebhookId,
    webhook_name: String,
    url: String,
    reason: String,
    note: Option<String>,
    occurred: Option<Time>,
    accepted: Time,
    first: Option<Time>,
    last: Option<Time>,
    next: Option<Time>,
    took: Option<String>,
    attempts: i64,
    attempts_max: String,
}

/// The event's data, byte for byte as it was accepted.
struct Payload {
    raw: String,
    pretty: String,
    size: String,
}

async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    reader: Reader<ReadDeliveries>,
) -> Result<Response, Failure> {
    let visit = reader.visit;
    let id = id_in_path(&id)?;
    let (engine, now) = (&dashboard.engine, dashboard.engine.clock().now());
    let delivery = engine.store().delivery(visit.scope, id).await?.ok_or(Failure::NotFound("delivery"))?;
    let attempts = engine.store().attempts(visit.scope, id).await?;
    let event = engine.store().event(visit.scope, delivery.event).await?;
    let listener = engine.listener(delivery.webhook).await?;
    let cause = Cause::of(&delivery, &attempts, listener.as_deref(), engine, now);
    let request = match (&event, &listener) {
        (Some(event), Some(listener)) => outgoing(listener, event, &attempts, &engine.limits().origin, now),
        (None, _) | (_, None) => None,
    };
    let frame = dashboard.frame(&visit, delivery.event_type.clone(), SECTION);
    let settings = listener.as_ref().map(|listener| &listener.webhook.settings);
    let time = |at| Time { at, now };
    let facts = Facts {
        webhook: delivery.webhook,
        webhook_name: settings.map_or_else(|| delivery.webhook.to_string(), |settings| settings.name.clone()),
        url: attempts.last().map(|attempt| attempt.url.clone()).or(settings.map(|s| s.url.clone())).unwrap_or_default(),
        reason: delivery.reason.clone(),
        note: delivery.note.clone(),
        occurred: event.as_ref().map(|event| time(event.content.occurred_at)),
        accepted: time(id.time()),
        first: attempts.first().map(|attempt| time(attempt.started_at)),
        last: attempts.last().map(|attempt| time(attempt.started_at)),
        next: delivery.next_attempt_at.map(time),
        took: delivery.settled_at.map(|settled| span(settled.since(id.time()))),
        attempts: delivery.attempts,
        attempts_max: attempts_most(settings, delivery.attempts),
    };
    page::show(&DeliveryPage {
        acts: frame.acts,
        frame,
        id,
        event: delivery.event,
        badge: Badge::of_delivery(&delivery),
        cause,
        facts,
        attempts: views(&attempts, &delivery, request.as_ref(), now)?,
        payload: event.as_ref().map(Payload::of),
        request,
        can_cancel: delivery.state.can_cancel(),
        is_dead: delivery.state == DeliveryState::Dead,
        event_type: delivery.event_type,
    })
}

/// Newest first.
fn views(
    attempts: &[Attempt],
    delivery: &Delivery,
    request: Option<&Outgoing>,
    now: Timestamp,
) -> Result<Vec<AttemptView>, Failure> {
    let views = attempts.iter().rev().map(|attempt| AttemptView::new(attempt, delivery, request, now));
    views.collect::<Option<_>>().ok_or_else(|| Failure::internal("headers of an attempt are not JSON"))
}

impl Payload {
    fn of(event: &StoredEvent) -> Self {
        let raw = String::from_utf8_lossy(&event.content.data).into_owned();
        Self { pretty: pretty(&raw), size: bytes(event.content.data.len()), raw }
    }
}

/// The event's data as a file: the bytes as they were accepted.
async fn payload(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    reader: Reader<ReadDeliveries>,
) -> Result<Response, Failure> {
    let scope = reader.visit.scope;
    let store = dashboard.engine.store();
    let delivery = store.delivery(scope, id_in_path(&id)?).await?.ok_or(Failure::NotFound("delivery"))?;
    let event = store.event(scope, delivery.event).await?.ok_or(Failure::NotFound("event"))?;
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{}.json\"", delivery.event));
    let disposition = disposition.map_err(|_| Failure::internal("an id is no header"))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, event.content.data.clone()).into_response())
}
