//! The list of webhooks: whether each is sent to, how it fares, and what it wants.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;

use super::Dashboard;
use super::access::{ReadWebhooks, Reader};
use super::all_tenants::{self, for_operators};
use super::charts::sparkline;
use super::layout::{Choice, Frame};
use super::markup::Markup;
use super::page::{self, Failure};
use super::params::Params;
use super::prose::Prose;
use super::stats_view::success_rate;
use super::webhook_health::Health;
use super::words::{Badge, Time};
use crate::domain::delivery_stats::{DeliveryStats, StatsRange};
use crate::domain::id::WebhookId;
use crate::domain::time::Timestamp;
use crate::domain::webhook::Webhook;
use crate::engine::stats::StatsOf;

/// The screen's address.
pub(super) const SECTION: &str = "/ui/webhooks";
/// Patterns of a subscription that a row shows.
const PATTERNS_SHOWN: usize = 3;
/// Pages that can be gone to; a tenant has fewer webhooks.
const PAGES_MAX: u32 = 10_000;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route(SECTION, get(list))
}

#[derive(Template)]
#[template(path = "webhooks.html", config = "src/dashboard/askama.toml")]
struct ListPage {
    frame: Frame,
    rows: Vec<WebhookRow>,
    statuses: Vec<Choice>,
    total: u64,
    newer: Option<String>,
    older: Option<String>,
    is_narrowed: bool,
    acts: bool,
    /// The same of all tenants, for operators.
    all: Option<&'static str>,
}

/// A webhook as a row.
struct WebhookRow {
    id: WebhookId,
    badge: Badge,
    reason: String,
    name: String,
    url: String,
    patterns: Vec<String>,
    more_patterns: usize,
    health: Health,
    /// Of the last day.
    success: String,
    day: Markup,
    profile: &'static str,
    created: Time,
    is_active: bool,
}

async fn list(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<ReadWebhooks>,
    uri: Uri,
) -> Result<Response, Failure> {
    let visit = reader.visit;
    let params = Params::of(&uri);
    let (engine, now) = (&dashboard.engine, dashboard.engine.clock().now());
    let chosen = params.get("status");
    let is_active = match chosen {
        Some("active") => Some(true),
        Some("stopped") => Some(false),
        Some(_) | None => None,
    };
    let page = params.get("page").and_then(|page| page.parse().ok()).unwrap_or(1_u32).clamp(1, PAGES_MAX);
    let limit = dashboard.options.rows_per_page;
    let (found, total) = engine.store().webhooks_page(visit.scope, is_active, limit, (page - 1) * limit).await?;
    let failing: HashMap<_, _> = engine
        .store()
        .webhooks_failing_since(now)
        .await?
        .into_iter()
        .map(|failing| (failing.webhook, failing))
        .collect();
    let mut rows = Vec::with_capacity(found.len());
    for webhook in found {
        let health = Health::of(&webhook, failing.get(&webhook.id).map(|failing| failing.since), engine, now);
        let stats = engine.delivery_stats(StatsOf::Webhook(visit.scope, webhook.id), StatsRange::Day).await?;
        rows.push(WebhookRow::new(webhook, health, &stats, now));
    }
    let to = |page: u32| format!("{SECTION}{}", params.with("page", Some(&page.to_string())));
    let frame = dashboard.frame(&visit, "Webhooks", SECTION);
    page::show(&ListPage {
        acts: frame.acts,
        frame,
        all: for_operators(&visit, all_tenants::WEBHOOKS),
        rows,
        statuses: [("active", "active"), ("stopped", "paused or disabled")]
            .map(|(word, label)| Choice::new(word, label, chosen))
            .into(),
        total,
        newer: (page > 1).then(|| to(page - 1)),
        older: (u64::from(page) * u64::from(limit) < total).then(|| to(page + 1)),
        is_narrowed: is_active.is_some(),
    })
}

impl WebhookRow {
    fn new(webhook: Webhook, health: Health, stats: &DeliveryStats, now: Timestamp) -> Self {
        let hours: Vec<_> = stats.points.iter().map(|point| (point.delivered, point.failed)).collect();
        let patterns: Vec<String> = webhook.settings.events.patterns().iter().map(ToString::to_string).collect();
        Self {
            id: webhook.id,
            badge: Badge::of_webhook(webhook.status),
            reason: webhook.status_reason.as_deref().map_or_else(String::new, |why| Prose::read(why, now).plain()),
            more_patterns: patterns.len().saturating_sub(PATTERNS_SHOWN),
            patterns: patterns.into_iter().take(PATTERNS_SHOWN).collect(),
            health,
            success: success_rate(stats).unwrap_or_default(),
            day: sparkline("Attempts of the last 24 hours", &hours),
            profile: webhook.settings.profile.as_str(),
            created: Time { at: webhook.created_at, now },
            is_active: webhook.is_sending(),
            name: webhook.settings.name,
            url: webhook.settings.url,
        }
    }
}
