//! The overview: is delivery healthy, and if not, because of which webhook?

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;

use super::Dashboard;
use super::access::{ReadDeliveries, Reader, Visit};
use super::charts::Chart;
use super::deliveries::LiveRows;
use super::delivery_row::DeliveryRow;
use super::layout::Frame;
use super::live::STREAM;
use super::page::{self, Failure};
use super::params::Params;
use super::stats_view::{
    RangeLink, by_outcome, commonest_failure, latency_over_time, over_time, range_links, success_rate, within,
};
use super::webhook_health::Health;
use super::words::{counted, grouped, span};
use crate::domain::delivery_stats::{DeliveryStats, StatsRange};
use crate::domain::id::WebhookId;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Webhook, WebhookStatus};
use crate::engine::directory::Snapshot;
use crate::engine::stats::StatsOf;
use crate::store::dead_letters::DeadLetterFilter;
use crate::store::deliveries::DeliveryFilter;
use crate::store::gates::FailingWebhook;

/// The screen's address.
pub(super) const SECTION: &str = "/ui/overview";
/// Webhooks that need attention, as many as are looked at in detail.
const ATTENTION_MAX: usize = 10;
/// Deliveries that are shown; the rest is in the list.
const NEWEST: u32 = 8;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route(SECTION, get(show))
}

#[derive(Template)]
#[template(path = "overview.html", config = "src/dashboard/askama.toml")]
struct OverviewPage {
    frame: Frame,
    ranges: Vec<RangeLink>,
    range: &'static str,
    figures: Vec<Figure>,
    charts: Vec<Chart>,
    attention: Vec<Attention>,
    rows: Vec<DeliveryRow>,
    live: Option<LiveRows>,
    system: Option<System>,
    /// Whether all tenants are added up; the address of the other view, for operators.
    is_all: bool,
    other_view: Option<String>,
    has_traffic: bool,
    acts: bool,
}

/// A number that leads to what it counts.
struct Figure {
    label: String,
    value: String,
    note: String,
    href: Option<String>,
}

/// A webhook that does not fare well.
struct Attention {
    id: WebhookId,
    name: String,
    whose: String,
    /// Whether its page can be gone to as the visitor looks now.
    is_here: bool,
    is_active: bool,
    health: Health,
    figures: String,
    commonest: String,
}

/// The deployment, for operators.
struct System {
    broker: &'static str,
    broker_ready: bool,
    waiting: String,
    database: &'static str,
    pending: String,
}

async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<ReadDeliveries>,
    uri: Uri,
) -> Result<Response, Failure> {
    let visit = reader.visit;
    let params = Params::of(&uri);
    let is_operator = visit.who.user.tenant.is_none();
    let is_all = is_operator && params.get("view") == Some("all");
    let range = params.get("range").and_then(StatsRange::parse).unwrap_or(StatsRange::Day);
    let of = if is_all { StatsOf::Everything } else { StatsOf::Scope(visit.scope) };
    let stats = dashboard.engine.delivery_stats(of, range).await?;
    let (scope, now) = ((!is_all).then_some(visit.scope), dashboard.engine.clock().now());
    let frame = dashboard.frame(&visit, "Overview", SECTION);
    let others = if is_all { "&view=all" } else { "" };
    let other_view = is_operator.then(|| {
        let others = if is_all { "" } else { "&view=all" };
        format!("{SECTION}?range={}{others}", range.as_str())
    });
    page::show(&OverviewPage {
        acts: frame.acts && !is_all,
        frame,
        ranges: range_links(SECTION, others, range),
        range: range.as_str(),
        figures: figures(&dashboard, scope, &stats).await?,
        charts: vec![over_time(&stats, ""), latency_over_time(&stats), by_outcome(&stats)],
        attention: attention(&dashboard, &visit, scope, range).await?,
        rows: newest(&dashboard, scope, now).await?,
        live: scope.map(|_| LiveRows { stream: STREAM.to_owned(), made_at: now, most: NEWEST }),
        system: if is_operator { Some(system(&dashboard).await?) } else { None },
        is_all,
        other_view,
        has_traffic: stats.total.attempts > 0,
    })
}

/// The newest deliveries, where they are of one scope.
async fn newest(dashboard: &Dashboard, scope: Option<Scope>, now: Timestamp) -> Result<Vec<DeliveryRow>, Failure> {
    let Some(scope) = scope else { return Ok(Vec::new()) };
    let filter = DeliveryFilter::default();
    let found = dashboard.engine.store().deliveries_page(scope, &filter, NEWEST).await?;
    let known = dashboard.engine.directory.current();
    Ok(found.into_iter().map(|delivery| DeliveryRow::new(delivery, &known, now)).collect())
}

async fn figures(dashboard: &Dashboard, scope: Option<Scope>, stats: &DeliveryStats) -> Result<Vec<Figure>, Failure> {
    let range = stats.range.as_str();
    let figure = |label: &str, value: String, note: &str, href: Option<String>| Figure {
        label: label.to_owned(),
        value,
        note: note.to_owned(),
        href,
    };
    let list = |query: &str| scope.map(|_| format!("/ui/deliveries?range={range}{query}"));
    let mut figures = vec![
        figure("Success rate", success_rate(stats).unwrap_or_else(|| "–".to_owned()), "of all attempts", list("")),
        figure("Delivered", grouped(stats.total.delivered), range, list("&status=delivered")),
        figure("Failed attempts", grouped(stats.failed()), range, list("&status=pending&attempt=%3E0")),
        figure("Latency", within(stats, 50), &format!("p99 {}", within(stats, 99)), None),
    ];
    if let Some(scope) = scope {
        let now = dashboard.engine.clock().now();
        let dead = dashboard.engine.store().dead_letters_count(scope, &DeadLetterFilter::default()).await?;
        let (oldest, note) = match oldest_due(dashboard, scope).await? {
            Some(at) if at < now => (span(now.since(at)), "is due and was not sent"),
            Some(_) | None => ("none".to_owned(), "everything due is on its way"),
        };
        figures.push(figure(
            "Dead letters",
            counted(dead, dashboard.engine.store().bounds),
            "in all",
            Some("/ui/dead-letters".to_owned()),
        ));
        figures.push(figure("Oldest waiting", oldest, note, list("&status=pending")));
    }
    Ok(figures)
}

/// When the first delivery was due that waits for a webhook that is sent to.
async fn oldest_due(dashboard: &Dashboard, scope: Scope) -> Result<Option<Timestamp>, Failure> {
    let known = dashboard.engine.directory.current();
    let is_sent_to = |webhook: &WebhookId| {
        known.listener(*webhook).is_some_and(|l| l.webhook.scope == scope && l.webhook.is_sending())
    };
    let backlog = dashboard.engine.store().backlog().await?;
    Ok(backlog.into_iter().filter(|(webhook, _)| is_sent_to(webhook)).map(|(_, at)| at).min())
}

/// Webhooks that have nothing but failures, longest first, then those that were disabled.
async fn attention(
    dashboard: &Dashboard,
    visit: &Visit,
    scope: Option<Scope>,
    range: StatsRange,
) -> Result<Vec<Attention>, Failure> {
    let (engine, now) = (&dashboard.engine, dashboard.engine.clock().now());
    let known = engine.directory.current();
    let mut failing = engine.store().webhooks_failing_since(now).await?;
    failing.sort_unstable_by_key(|failing| failing.since);
    let mut found = Vec::new();
    for (webhook, since) in candidates(&known, scope, &failing).take(ATTENTION_MAX) {
        let stats = engine.delivery_stats(StatsOf::Webhook(webhook.scope, webhook.id), range).await?;
        let tenant = engine.tenant(webhook.scope.tenant).map_or_else(String::new, |tenant| tenant.name.clone());
        found.push(Attention {
            id: webhook.id,
            name: webhook.settings.name.clone(),
            whose: format!("{tenant}, {}", webhook.scope.environment),
            is_here: webhook.scope == visit.scope,
            is_active: webhook.is_sending(),
            health: Health::of(webhook, since, engine, now),
            figures: format!("{} of {}", grouped(stats.failed()), grouped(stats.total.attempts)),
            commonest: commonest_failure(&stats),
        });
    }
    Ok(found)
}

fn candidates<'a>(
    known: &'a Snapshot,
    scope: Option<Scope>,
    failing: &'a [FailingWebhook],
) -> impl Iterator<Item = (&'a Webhook, Option<Timestamp>)> {
    let is_seen =
        move |webhook: &&Webhook| webhook.deleted_at.is_none() && scope.is_none_or(|scope| webhook.scope == scope);
    let sent_to = failing.iter().filter_map(|failing| {
        let webhook = &known.listener(failing.webhook)?.webhook;
        webhook.is_sending().then_some((webhook, Some(failing.since)))
    });
    let of_scope = scope.map_or(&[][..], |scope| known.listeners_of(scope));
    let disabled = of_scope.iter().map(|listener| &listener.webhook);
    let disabled = disabled.filter(|webhook| webhook.status == WebhookStatus::Disabled).map(|webhook| (webhook, None));
    sent_to.filter(move |(webhook, _)| is_seen(webhook)).chain(disabled)
}

async fn system(dashboard: &Dashboard) -> Result<System, Failure> {
    let engine = &dashboard.engine;
    let health = engine.broker().health();
    let database = engine.store().engine_name();
    Ok(System {
        broker: if database == "sqlite" { "in-process queue" } else { "broker" },
        broker_ready: health.ready,
        waiting: grouped(health.waiting),
        database,
        pending: counted(engine.store().pending_count().await?, engine.store().bounds),
    })
}
