//! How a webhook is doing: what its attempts came to, how long they took, and where its circuit stands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Caller, ReadWebhooks};
use super::problem::Problem;
use super::query::{Id, Query};
use super::{Api, Success, success};
use crate::domain::circuit::Phase;
use crate::domain::delivery_stats::{OutcomeClass, Point, StatsRange, Tally};
use crate::domain::id::WebhookId;
use crate::domain::time::Timestamp;
use crate::engine::stats::WebhookStats;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(show))
}

/// A step of the range.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookStatsPoint)]
struct PointView {
    /// When it begins.
    starts_at: Timestamp,
    /// Deliveries that were delivered in it.
    #[schema(example = 120)]
    delivered: u64,
    /// Attempts that failed in it.
    #[schema(example = 3)]
    failed: u64,
}

impl From<Point> for PointView {
    fn from(Point { starts_at, delivered, failed, dead: _, latency: _ }: Point) -> Self {
        Self { starts_at, delivered, failed }
    }
}

/// How a webhook is doing. Attempts of the last second may not be counted yet.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookStats)]
struct StatsView {
    webhook_id: WebhookId,
    #[schema(example = "24h")]
    range: &'static str,
    /// When the range begins; it ends now.
    starts_at: Timestamp,
    /// HTTP exchanges, retries included.
    #[schema(example = 123)]
    attempts: u64,
    /// Deliveries that the receiver took.
    #[schema(example = 120)]
    delivered: u64,
    /// Attempts that were not answered 2xx.
    #[schema(example = 3)]
    failed: u64,
    /// Deliveries that became dead letters.
    #[schema(example = 0)]
    dead: u64,
    /// Attempts that were answered 2xx, in percent of all attempts; null where there was none.
    #[schema(example = 97.56)]
    success_rate: Option<f64>,
    /// How long attempts took, whatever they came to; null where there was none.
    #[schema(example = 41.7)]
    average_ms: Option<f64>,
    /// Percentiles are upper bounds, at most a tenth above the true value.
    #[schema(example = 38.2)]
    p50_ms: Option<f64>,
    #[schema(example = 90.1)]
    p95_ms: Option<f64>,
    #[schema(example = 208.4)]
    p99_ms: Option<f64>,
    /// Attempts by what they came to: `2xx`, `3xx`, `4xx` without 429, `429`, `5xx`, `timeout`, `dns`, `connect`, `tls`,
    /// `blocked`, `other`. Every class is there.
    #[schema(example = json!({ "2xx": 120, "5xx": 2, "timeout": 1 }))]
    by_outcome: BTreeMap<&'static str, u64>,
    /// Every step of the range, oldest first: minutes of `1h`, hours of `24h` and `7d`, days (UTC) of `30d`. The last one
    /// is not over.
    points: Vec<PointView>,
    /// Failed attempts since the last success; beyond two hours, counted from the beginning of an hour.
    #[schema(example = 0)]
    consecutive_failures: u64,
    /// When the first of them was.
    #[schema(example = json!(null))]
    failing_since: Option<Timestamp>,
    /// `closed`: it is sent to. `open`: it does not answer and is left alone. `half_open`: a few requests look whether it
    /// is back.
    #[schema(example = "closed")]
    circuit: &'static str,
    /// When it is sent to again, where it is not: its circuit is open, or its receiver asked for a pause.
    #[schema(example = json!(null))]
    waits_until: Option<Timestamp>,
    /// Deliveries that wait or are under way; 10,000 stands for as many or more.
    #[schema(example = 0)]
    pending: u64,
}

impl StatsView {
    fn new(webhook_id: WebhookId, stats: WebhookStats) -> Self {
        let WebhookStats { deliveries, failing_since, consecutive_failures, circuit, waits_until, pending } = stats;
        let count = |class: OutcomeClass| deliveries.by_outcome.get(&class).copied().unwrap_or(0);
        let Tally { attempts, delivered, dead, .. } = deliveries.total;
        let percentile = |percent| deliveries.total.percentile(percent).map(millis);
        Self {
            webhook_id,
            range: deliveries.range.as_str(),
            starts_at: deliveries.points.first().map_or_else(Timestamp::default, |point| point.starts_at),
            attempts,
            delivered,
            failed: deliveries.failed(),
            dead,
            success_rate: percent(deliveries.succeeded(), attempts),
            average_ms: deliveries.total.average().map(millis),
            p50_ms: percentile(50),
            p95_ms: percentile(95),
            p99_ms: percentile(99),
            by_outcome: OutcomeClass::ALL.into_iter().map(|class| (class.as_str(), count(class))).collect(),
            points: deliveries.points.iter().copied().map(PointView::from).collect(),
            consecutive_failures,
            failing_since,
            circuit: match circuit {
                Phase::Closed => "closed",
                Phase::Open => "open",
                Phase::HalfOpen => "half_open",
            },
            waits_until,
            pending,
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "a percentage needs few digits")]
fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 * 10_000.0 / whole as f64).round() / 100.0)
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

/// Read how a webhook is doing
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}/stats",
    operation_id = "getWebhookStats",
    tag = "Webhooks",
    params(
        ("id" = WebhookId, Path),
        ("range" = Option<String>, Query, description = "`1h`, `24h`, `7d` or `30d`; `24h`, where it is not said"),
    ),
    responses((status = 200, description = "What its attempts came to", body = Success<StatsView>)),
    security(("apiKey" = ["read:webhooks"])),
)]
async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadWebhooks>,
    Id(id): Id<WebhookId>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &[&["range"]]);
    let range = query.get("range", "1h, 24h, 7d or 30d", StatsRange::parse);
    query.finish()?;
    let stats = api.engine.webhook_stats(caller.scope, id, range.unwrap_or(StatsRange::Day)).await?;
    Ok(success(StatusCode::OK, StatsView::new(id, stats)))
}
