//! The portal: what a tenant's own customer sees by a link. Webhooks that the link names, their deliveries, a test, the
//! signature doctor; and nothing else.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};

use super::Dashboard;
use super::attempt_view::AttemptView;
use super::cause::Cause;
use super::deliveries::LiveRows;
use super::delivery_row::DeliveryRow;
use super::form::read_form;
use super::live::{self, Looker};
use super::page::{self, Failure};
use super::params::Params;
use super::portal_access::{Visitor, VisitorActs, VisitorAsks, visit_cookie, visit_token};
use super::preferences::{Preferences, Theme, go_and_say};
use super::verify::{Doctor, Typed};
use super::words::{Badge, Time};
use super::{assets, deliveries};
use crate::domain::browser;
use crate::domain::id::{DeliveryId, WebhookId};
use crate::domain::time::Timestamp;
use crate::domain::webhook::Webhook;
use crate::engine::accept::AcceptError;
use crate::engine::portal_links::{PortalError, as_visitor};
use crate::store::deliveries::DeliveryFilter;

const HOME: &str = "/ui/portal";
/// The form that opens a link is smaller.
const FORM_BYTES_MAX: usize = 4_096;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route(HOME, get(home))
        .route("/ui/portal/open", get(ask_to_open).post(open))
        .route("/ui/portal/leave", post(leave))
        .route("/ui/portal/verify", get(ask_doctor).post(examine))
        .route("/ui/portal/webhooks/{id}", get(show_webhook))
        .route("/ui/portal/webhooks/{id}/live", get(news))
        .route("/ui/portal/webhooks/{id}/test", post(test))
        .route("/ui/portal/webhooks/{id}/pause", post(pause))
        .route("/ui/portal/webhooks/{id}/resume", post(resume))
        .route("/ui/portal/deliveries/{id}", get(show_delivery))
        .route("/ui/portal/deliveries/{id}/retry", post(retry))
}

/// What stands around every page of the portal.
pub(super) struct PortalFrame {
    pub(super) title: String,
    pub(super) assets: assets::Urls,
    pub(super) theme: Theme,
    pub(super) name: String,
    pub(super) token: String,
    pub(super) acts: bool,
    pub(super) notice: Option<String>,
}

impl Dashboard {
    fn portal_frame(&self, visitor: &Visitor, title: impl Into<String>) -> PortalFrame {
        PortalFrame {
            title: title.into(),
            assets: assets::urls(),
            theme: visitor.preferences.theme,
            name: visitor.link.name.clone(),
            token: visitor.form_token(self),
            acts: !visitor.link.read_only,
            notice: visitor.preferences.notice.clone(),
        }
    }
}

#[derive(Template)]
#[template(path = "portal_open.html", config = "src/dashboard/askama.toml")]
struct OpenPage<'a> {
    assets: assets::Urls,
    theme: Theme,
    token: &'a str,
}

/// Opening takes a click: what only looks at addresses must not use a link up.
async fn ask_to_open(uri: Uri, request: Request) -> Result<Response, Failure> {
    let theme = Preferences::of(request.headers()).theme;
    let token = Params::of(&uri).text("token");
    page::show(&OpenPage { assets: assets::urls(), theme, token: &token })
}

async fn open(State(dashboard): State<Arc<Dashboard>>, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    // There is no visit yet whose token the form could carry.
    if !browser::is_from_own_page(header("sec-fetch-site"), header("origin"), header("host")) {
        return Err(Failure::ForeignForm);
    }
    let fields = read_form(&parts.headers, body, FORM_BYTES_MAX).await?;
    match dashboard.engine.open_portal_link(fields.get("token").unwrap_or_default()).await {
        Ok((_, visit)) => {
            let cookie = visit_cookie(&dashboard, visit.reveal());
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(HOME)).into_response())
        }
        Err(PortalError::Store(error)) => Err(error.into()),
        Err(
            PortalError::NotFound
            | PortalError::Name
            | PortalError::Webhooks
            | PortalError::NoWebhook(_)
            | PortalError::TooMany { .. },
        ) => Err(Failure::VisitEnded),
    }
}

/// The visit itself lasts, for another window of the same browser that kept it; this browser forgets it.
async fn leave(State(dashboard): State<Arc<Dashboard>>, _: VisitorAsks) -> Response {
    ([(header::SET_COOKIE, visit_cookie(&dashboard, ""))], Redirect::to("/ui/portal/open")).into_response()
}

struct WebhookRow {
    id: WebhookId,
    badge: Badge,
    name: String,
    url: String,
    events: String,
}

fn events_of(webhook: &Webhook) -> String {
    webhook.settings.events.patterns().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl WebhookRow {
    fn new(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id,
            badge: Badge::of_webhook(webhook.status),
            name: webhook.settings.name.clone(),
            url: webhook.settings.url.clone(),
            events: events_of(webhook),
        }
    }
}

#[derive(Template)]
#[template(path = "portal.html", config = "src/dashboard/askama.toml")]
struct HomePage {
    frame: PortalFrame,
    rows: Vec<WebhookRow>,
}

/// The webhooks that the link names and that are still there.
async fn webhooks_of(dashboard: &Dashboard, visitor: &Visitor) -> Result<Vec<Webhook>, Failure> {
    let mut webhooks = Vec::new();
    for id in &visitor.link.webhooks {
        match visitor.webhook(dashboard, &id.to_string()).await {
            Ok(webhook) => webhooks.push(webhook),
            Err(Failure::NotFound(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(webhooks)
}

async fn home(State(dashboard): State<Arc<Dashboard>>, visitor: Visitor) -> Result<Response, Failure> {
    let webhooks = webhooks_of(&dashboard, &visitor).await?;
    let frame = dashboard.portal_frame(&visitor, "Webhooks");
    page::show(&HomePage { frame, rows: webhooks.iter().map(WebhookRow::new).collect() })
}

#[derive(Template)]
#[template(path = "portal_webhook.html", config = "src/dashboard/askama.toml")]
struct WebhookPage {
    frame: PortalFrame,
    webhook: WebhookRow,
    is_sending: bool,
    rows: Vec<DeliveryRow>,
    /// Where news of it come from, on the page of the newest.
    live: Option<LiveRows>,
    older: Option<String>,
}

async fn show_webhook(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    visitor: Visitor,
    uri: Uri,
) -> Result<Response, Failure> {
    let webhook = visitor.webhook(&dashboard, &id).await?;
    let before = Params::of(&uri).get("before").and_then(|id| id.parse::<DeliveryId>().ok());
    let filter =
        DeliveryFilter { webhook: Some(webhook.id), before: before.map(|id| id.0), ..DeliveryFilter::default() };
    let limit = dashboard.options.rows_per_page;
    let mut found = dashboard.engine.store().deliveries_page(visitor.link.scope, &filter, limit + 1).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let older = found.last().filter(|_| has_more).map(|last| format!("{HOME}/webhooks/{id}?before={}", last.id));
    let (known, now) = (dashboard.engine.directory.current(), dashboard.engine.clock().now());
    let stream = format!("{HOME}/webhooks/{id}/live");
    page::show(&WebhookPage {
        frame: dashboard.portal_frame(&visitor, webhook.settings.name.clone()),
        is_sending: webhook.is_sending(),
        webhook: WebhookRow::new(&webhook),
        rows: found.into_iter().map(|delivery| DeliveryRow::new(delivery, &known, now)).collect(),
        live: before.is_none().then_some(LiveRows { stream, made_at: now, most: limit }),
        older,
    })
}

/// What is new or has changed at one of the link's webhooks.
async fn news(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    visitor: Visitor,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    let webhook = visitor.webhook(&dashboard, &id).await?;
    let filter = DeliveryFilter { webhook: Some(webhook.id), ..DeliveryFilter::default() };
    let looker = Looker::Visitor { token: visit_token(&headers).to_owned() };
    live::open(dashboard, visitor.link.scope, filter, looker, &Params::of(&uri)).await
}

#[derive(Template)]
#[template(path = "portal_delivery.html", config = "src/dashboard/askama.toml")]
struct DeliveryPage {
    frame: PortalFrame,
    id: DeliveryId,
    webhook: WebhookId,
    badge: Badge,
    cause: Cause,
    accepted: Time,
    attempts: Vec<AttemptView>,
    data: Option<String>,
}

async fn show_delivery(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    visitor: Visitor,
) -> Result<Response, Failure> {
    let delivery = visitor.delivery(&dashboard, &id).await?;
    let (engine, now): (_, Timestamp) = (&dashboard.engine, dashboard.engine.clock().now());
    let attempts = engine.store().attempts(visitor.link.scope, delivery.id).await?;
    let event = engine.store().event(visitor.link.scope, delivery.event).await?;
    let listener = engine.listener(delivery.webhook).await?;
    let views = attempts.iter().rev().map(|attempt| AttemptView::new(attempt, &delivery, None, now));
    let views = views.collect::<Option<Vec<_>>>();
    page::show(&DeliveryPage {
        frame: dashboard.portal_frame(&visitor, delivery.event_type.clone()),
        id: delivery.id,
        webhook: delivery.webhook,
        badge: Badge::of_delivery(&delivery),
        cause: Cause::of(&delivery, &attempts, listener.as_deref(), engine, now),
        accepted: Time { at: delivery.id.time(), now },
        attempts: views.ok_or_else(|| Failure::internal("headers of an attempt are not JSON"))?,
        data: event.map(|event| String::from_utf8_lossy(&event.content.data).into_owned()),
    })
}

async fn retry(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    VisitorActs(visitor): VisitorActs,
) -> Result<Response, Failure> {
    let delivery = visitor.delivery(&dashboard, &id).await?;
    let retried = dashboard.engine.retry(visitor.link.scope, delivery.id);
    let outcome = as_visitor(&visitor.link, retried).await?;
    let fields = Params::parse(format!("next={HOME}/deliveries/{id}").as_bytes());
    deliveries::intervened(outcome, "The next attempt is on its way.", "The delivery cannot be retried.", &fields)
}

async fn test(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    VisitorActs(visitor): VisitorActs,
) -> Result<Response, Failure> {
    let webhook = visitor.webhook(&dashboard, &id).await?;
    if !webhook.is_sending() {
        return Err(Failure::Refused(format!("The webhook is {}: resume it first.", webhook.status.as_str())));
    }
    let sent = as_visitor(&visitor.link, dashboard.engine.test_webhook(visitor.link.scope, webhook.id)).await;
    sent.map_err(|error| match error {
        AcceptError::WebhookNotFound => Failure::NotFound("webhook"),
        AcceptError::Overloaded => Failure::Unavailable("too many events wait to be stored".to_owned()),
        AcceptError::Store(error) => Failure::Unavailable(error.to_string()),
        AcceptError::UsedUp(_)
        | AcceptError::KeyReused
        | AcceptError::RecordRefused
        | AcceptError::Misfit(_)
        | AcceptError::Expunged(_) => Failure::internal("a test event was refused for what it is"),
    })?;
    let said = "A test event is on its way. If it does not come to the list by itself, load this page again.";
    Ok(go_and_say(&format!("{HOME}/webhooks/{id}"), said))
}

async fn pause(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    VisitorActs(visitor): VisitorActs,
) -> Result<Response, Failure> {
    let webhook = visitor.webhook(&dashboard, &id).await?;
    let paused = as_visitor(&visitor.link, dashboard.engine.pause_webhook(visitor.link.scope, webhook.id)).await;
    paused?;
    Ok(go_and_say(&format!("{HOME}/webhooks/{id}"), "It is paused: deliveries are kept and wait."))
}

async fn resume(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    VisitorActs(visitor): VisitorActs,
) -> Result<Response, Failure> {
    let webhook = visitor.webhook(&dashboard, &id).await?;
    let resumed = as_visitor(&visitor.link, dashboard.engine.resume_webhook(visitor.link.scope, webhook.id)).await;
    resumed?;
    Ok(go_and_say(&format!("{HOME}/webhooks/{id}"), "It is sent to again, with what has waited."))
}

#[derive(Template)]
#[template(path = "portal_verify.html", config = "src/dashboard/askama.toml")]
struct VerifyPage {
    frame: PortalFrame,
    doctor: Doctor,
}

async fn ask_doctor(State(dashboard): State<Arc<Dashboard>>, visitor: Visitor, uri: Uri) -> Result<Response, Failure> {
    let webhooks = webhooks_of(&dashboard, &visitor).await?;
    let mut typed = Typed::chosen(&Params::of(&uri));
    if typed.webhook.is_none() {
        typed.webhook = webhooks.first().map(|webhook| webhook.id);
    }
    let frame = dashboard.portal_frame(&visitor, "Verify a signature");
    page::show(&VerifyPage { frame, doctor: Doctor::new("/ui/portal/verify", &webhooks, typed, Ok(None)).alone() })
}

async fn examine(
    State(dashboard): State<Arc<Dashboard>>,
    VisitorAsks { visitor, fields }: VisitorAsks,
) -> Result<Response, Failure> {
    let typed = Typed::of(&fields);
    let link = &visitor.link;
    let webhook = typed.webhook.filter(|id| link.shows(*id)).ok_or(Failure::NotFound("webhook"))?;
    let found = match typed.requests() {
        Err(problem) => Err(problem),
        Ok(requests) => Ok(dashboard.examine_all(link.scope, webhook, requests, Some(&link.webhooks)).await?),
    };
    let webhooks = webhooks_of(&dashboard, &visitor).await?;
    let frame = dashboard.portal_frame(&visitor, "Verify a signature");
    page::show(&VerifyPage { frame, doctor: Doctor::new("/ui/portal/verify", &webhooks, typed, found).alone() })
}
