//! Analytics: what a tenant used in a month, in the months before, and how quickly it was answered.
//!
//! Requests are those of API keys, as far as they have been added to the database: within the last second, some have
//! not.

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

use super::auth::{Caller, ReadAnalytics};
use super::problem::Problem;
use super::query::Query;
use super::{Api, Success, success};
use crate::domain::duration_histogram::percentile;
use crate::domain::meter::{Month, Period};
use crate::domain::plan::{EVENTS, Limit};
use crate::domain::tenant::Scope;
use crate::store::requests::RouteRequests;

/// The most months that a history can go back: as long as usage is kept.
const MONTHS_MAX: u32 = 24;
const MONTHS_DEFAULT: u32 = 12;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(usage)).routes(routes!(history)).routes(routes!(performance))
}

/// What was counted on one meter.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MeterUsage {
    #[schema(example = 12_345)]
    count: u64,
    /// -1 is no end.
    #[schema(example = 250_000)]
    monthly_limit: i64,
}

/// What a tenant used in a month.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Usage {
    #[schema(value_type = String, example = "2026-11")]
    month: Month,
    #[schema(example = 1_000)]
    total_requests: u64,
    /// Answered 4xx or 5xx.
    #[schema(example = 10)]
    failed_requests: u64,
    #[schema(example = json!({ "/api/v1/events": 900, "/api/v1/webhooks": 100 }))]
    requests_by_endpoint: BTreeMap<String, u64>,
    #[schema(example = json!({ "GET": 100, "POST": 900 }))]
    requests_by_method: BTreeMap<String, u64>,
    /// Requests that the plan allows in a month; -1 is no end.
    #[schema(example = 100_000)]
    monthly_limit: i64,
    unlimited: bool,
    /// Requests beyond the limit: some, where a plan was changed for a smaller one.
    #[schema(example = 0)]
    overage: u64,
    #[schema(example = 0.0)]
    overage_percent: f64,
    /// Accepted events: all of them, and those of each meter.
    #[schema(example = json!({ "events": { "count": 900, "monthlyLimit": 250_000 } }))]
    meters: BTreeMap<String, MeterUsage>,
}

/// Usage of a month
#[utoipa::path(
    get,
    path = "/api/v1/analytics/usage",
    operation_id = "getUsage",
    tag = "Analytics",
    params(("month" = Option<String>, Query, description = "Which, such as `2026-11`; this one, where it is not said")),
    responses((status = 200, description = "The usage", body = Success<Usage>)),
    security(("apiKey" = ["read:analytics"])),
)]
async fn usage(State(api): State<Arc<Api>>, caller: Caller<ReadAnalytics>, uri: Uri) -> Result<Response, Problem> {
    let month = month_of(&api, &uri)?;
    Ok(success(StatusCode::OK, usage_in(&api, caller.scope, month).await?))
}

/// Usage of the last months
///
/// Oldest first, this month last.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/usage/history",
    operation_id = "getUsageHistory",
    tag = "Analytics",
    params(("months" = Option<u32>, Query, minimum = 1, maximum = 24, description = "How many; 12, where it is not said")),
    responses((status = 200, description = "The usage of each month", body = Success<Vec<Usage>>)),
    security(("apiKey" = ["read:analytics"])),
)]
async fn history(State(api): State<Arc<Api>>, caller: Caller<ReadAnalytics>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &[&["months"]]);
    let months = query.get("months", &format!("a whole number from 1 to {MONTHS_MAX}"), |text| {
        text.parse::<u32>().ok().filter(|months| (1..=MONTHS_MAX).contains(months))
    });
    query.finish()?;
    let this_month = Month::at(api.engine.clock().now());
    let mut history = Vec::new();
    for back in (0..months.unwrap_or(MONTHS_DEFAULT)).rev() {
        history.push(usage_in(&api, caller.scope, this_month.before(back)).await?);
    }
    Ok(success(StatusCode::OK, history))
}

async fn usage_in(api: &Api, scope: Scope, month: Month) -> Result<Usage, Problem> {
    let plan = api.engine.plan(scope.tenant);
    let routes = api.engine.store().requests_in(scope, month).await?;
    let counted = api.engine.store().counted_in(scope, month).await?;
    let total_requests = total(&routes, |route| route.requests.count);
    let (overage, overage_percent) = overage(total_requests, plan.requests_per_month);
    let mut meters: BTreeMap<String, MeterUsage> = BTreeMap::new();
    let names = api.engine.plans().meters().iter().map(|meter| &*meter.name).chain([EVENTS]);
    for name in names {
        let count = counted.iter().find(|(meter, _)| meter == name).map_or(0, |(_, count)| *count);
        let monthly_limit = plan.limit_of(name, Period::Month).as_number();
        meters.insert(name.to_owned(), MeterUsage { count, monthly_limit });
    }
    Ok(Usage {
        month,
        total_requests,
        failed_requests: total(&routes, |route| route.requests.failed),
        requests_by_endpoint: by(&routes, |route| &route.route),
        requests_by_method: by(&routes, |route| &route.method),
        monthly_limit: plan.requests_per_month.as_number(),
        unlimited: plan.requests_per_month.is_unlimited(),
        overage,
        overage_percent,
        meters,
    })
}

/// How quickly requests of a month were answered.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Performance {
    #[schema(value_type = String, example = "2026-11")]
    month: Month,
    #[schema(example = 1.9)]
    average_ms: f64,
    /// Percentiles are upper bounds, at most a tenth above the true value.
    #[schema(example = 4.2)]
    p95_ms: f64,
    #[schema(example = 9.1)]
    p99_ms: f64,
    /// Percent of requests that were answered 4xx or 5xx.
    #[schema(example = 1.0)]
    error_rate: f64,
    #[schema(example = 1_000)]
    total_requests: u64,
    #[schema(example = 990)]
    successful_requests: u64,
    #[schema(example = 10)]
    failed_requests: u64,
}

/// Performance of a month
#[utoipa::path(
    get,
    path = "/api/v1/analytics/performance",
    operation_id = "getPerformance",
    tag = "Analytics",
    params(("month" = Option<String>, Query, description = "Which, such as `2026-11`; this one, where it is not said")),
    responses((status = 200, description = "How quickly requests were answered", body = Success<Performance>)),
    security(("apiKey" = ["read:analytics"])),
)]
async fn performance(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadAnalytics>,
    uri: Uri,
) -> Result<Response, Problem> {
    let month = month_of(&api, &uri)?;
    let routes = api.engine.store().requests_in(caller.scope, month).await?;
    let durations = api.engine.store().request_durations(caller.scope, month).await?;
    let total_requests = total(&routes, |route| route.requests.count);
    let failed_requests = total(&routes, |route| route.requests.failed);
    let micros = total(&routes, |route| route.requests.micros);
    let average = Duration::from_micros(micros.checked_div(total_requests).unwrap_or(0));
    Ok(success(
        StatusCode::OK,
        Performance {
            month,
            average_ms: millis(average),
            p95_ms: millis(percentile(&durations, 95)),
            p99_ms: millis(percentile(&durations, 99)),
            error_rate: percent(failed_requests, total_requests),
            total_requests,
            successful_requests: total_requests.saturating_sub(failed_requests),
            failed_requests,
        },
    ))
}

fn month_of(api: &Api, uri: &Uri) -> Result<Month, Problem> {
    let mut query = Query::read(uri, &[&["month"]]);
    let month = query.get("month", "a month such as `2026-11`", Month::parse);
    query.finish()?;
    Ok(month.unwrap_or_else(|| Month::at(api.engine.clock().now())))
}

fn total(routes: &[RouteRequests], of: impl Fn(&RouteRequests) -> u64) -> u64 {
    routes.iter().map(of).sum()
}

fn by(routes: &[RouteRequests], name: impl Fn(&RouteRequests) -> &String) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for route in routes {
        *counts.entry(name(route).clone()).or_default() += route.requests.count;
    }
    counts
}

fn overage(total: u64, limit: Limit) -> (u64, f64) {
    match limit {
        Limit::Unlimited => (0, 0.0),
        Limit::AtMost(most) => (total.saturating_sub(most), percent(total.saturating_sub(most), most)),
    }
}

#[allow(clippy::cast_precision_loss, reason = "a percentage needs few digits")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 * 10_000.0 / whole as f64).round() / 100.0 }
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_a_limit_is_told_in_percent_of_it() {
        assert_eq!(overage(150, Limit::AtMost(120)), (30, 25.0));
        assert_eq!(overage(150, Limit::AtMost(200)), (0, 0.0));
        assert_eq!(overage(150, Limit::Unlimited), (0, 0.0));
        assert_eq!((percent(1, 3), percent(1, 0)), (33.33, 0.0));
    }
}
