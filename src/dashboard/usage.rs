//! Usage: the plan, how much of each of its limits is used, and what was used in the months before.

use std::cmp::Reverse;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;

use super::Dashboard;
use super::access::{ReadAnalytics, Reader, Visit};
use super::keys::MONTHS_KEPT;
use super::layout::Frame;
use super::page::{self, Failure};
use super::params::Params;
use super::words::{bytes, far, grouped};
use crate::domain::meter::{Count, Month, Period};
use crate::domain::plan::{EVENTS, Limit, Plan};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::requests::RouteRequests;

/// The screen's address.
pub(super) const SECTION: &str = "/ui/usage";
/// Months that the history goes back.
const MONTHS: u32 = 12;
/// Percent of a limit from which on its bar warns, and from which on it alarms.
const WARN_PERCENT: u64 = 80;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route(SECTION, get(show))
}

/// A limit, and how much of it is used.
struct Meter {
    name: String,
    used: u64,
    shown: String,
    limit: Option<u64>,
    limit_shown: String,
    /// From where on the bar warns.
    high: u64,
    percent: u64,
    /// When it begins anew.
    resets: Option<String>,
}

impl Meter {
    fn new(name: impl Into<String>, used: u64, limit: Limit, resets: Option<String>) -> Self {
        let limit = match limit {
            Limit::Unlimited => None,
            Limit::AtMost(most) => Some(most),
        };
        Self {
            name: name.into(),
            used,
            shown: grouped(used),
            limit_shown: limit.map_or_else(|| "no limit".to_owned(), |most| format!("of {}", grouped(most))),
            high: limit.unwrap_or_default().saturating_mul(WARN_PERCENT) / 100,
            percent: limit.map_or(0, |most| used.saturating_mul(100).checked_div(most).unwrap_or(100)),
            limit,
            resets,
        }
    }

    fn tone(&self) -> &'static str {
        match self.percent {
            100.. => "bad",
            WARN_PERCENT..100 => "retrying",
            _ => "",
        }
    }
}

/// What was used in a month.
struct MonthRow {
    month: String,
    events: u64,
    events_shown: String,
    requests: u64,
    requests_shown: String,
    failed: String,
    /// Beyond what the plan of today allows.
    overage: Option<String>,
}

struct RouteRow {
    route: String,
    count: u64,
    shown: String,
    failed: u64,
    average: String,
}

#[derive(Template)]
#[template(path = "usage.html", config = "src/dashboard/askama.toml")]
struct UsagePage {
    frame: Frame,
    plan: String,
    meters: Vec<Meter>,
    /// What else the plan sets.
    limits: Vec<(&'static str, String)>,
    month: String,
    total: u64,
    total_shown: String,
    routes: Vec<RouteRow>,
    previous: Option<String>,
    next: Option<String>,
    history: Vec<MonthRow>,
    events_most: u64,
    requests_most: u64,
}

impl Dashboard {
    async fn meters(&self, visit: &Visit, plan: &Plan, now: Timestamp) -> Result<Vec<Meter>, StoreError> {
        let (store, scope) = (self.engine.store(), visit.scope);
        let month = Period::Month.window_at(now);
        let anew = Some(format!("begins anew {}", far(month.ends_at, now)));
        let this_month = Month::at(now);
        let events = events_in(&store.counted_in(scope, this_month).await?);
        let requests = total(&store.requests_in(scope, this_month).await?);
        let (_, webhooks) = store.webhooks_page(scope, None, 1, 0).await?;
        let mut meters = vec![
            Meter::new("Events this month", events, plan.events_per_month, anew.clone()),
            Meter::new("API requests this month", requests, plan.requests_per_month, anew),
            Meter::new("Webhooks", webhooks, plan.webhooks, None),
        ];
        let window = Period::Minute.window_at(now);
        for meter in self.engine.plans().meters() {
            let limit = plan.limit_of(&meter.name, Period::Minute);
            let counted = store.counted(&Count { scope, meter: Arc::clone(&meter.name), window }).await?;
            let name = format!("{} this minute", meter.name.replace('_', " "));
            meters.push(Meter::new(name, counted, limit, Some(format!("begins anew {}", far(window.ends_at, now)))));
        }
        Ok(meters)
    }

    async fn month_row(&self, scope: Scope, month: Month, plan: &Plan) -> Result<MonthRow, StoreError> {
        let routes = self.engine.store().requests_in(scope, month).await?;
        let events = events_in(&self.engine.store().counted_in(scope, month).await?);
        let requests = total(&routes);
        let beyond = |name: &str, used: u64, limit: Limit| match limit {
            Limit::AtMost(most) if used > most => Some(format!("{} {name}", grouped(used - most))),
            Limit::AtMost(_) | Limit::Unlimited => None,
        };
        let overage =
            [beyond("events", events, plan.events_per_month), beyond("requests", requests, plan.requests_per_month)];
        let overage: Vec<String> = overage.into_iter().flatten().collect();
        Ok(MonthRow {
            month: month.to_string(),
            events,
            events_shown: grouped(events),
            requests,
            requests_shown: grouped(requests),
            failed: grouped(routes.iter().map(|route| route.requests.failed).sum::<u64>()),
            overage: (!overage.is_empty()).then(|| overage.join(", ")),
        })
    }
}

fn total(routes: &[RouteRequests]) -> u64 {
    routes.iter().map(|route| route.requests.count).sum()
}

fn events_in(counted: &[(String, u64)]) -> u64 {
    counted.iter().find(|(meter, _)| meter == EVENTS).map_or(0, |(_, count)| *count)
}

fn limits(plan: &Plan) -> Vec<(&'static str, String)> {
    let number = |limit: Limit| match limit {
        Limit::Unlimited => "no limit".to_owned(),
        Limit::AtMost(most) => grouped(most),
    };
    let size = match plan.event_data_bytes {
        Limit::Unlimited => "no limit".to_owned(),
        Limit::AtMost(most) => bytes(usize::try_from(most).unwrap_or(usize::MAX)),
    };
    vec![
        ("API requests an hour, for each key", number(plan.requests_per_hour)),
        ("Data of an event", size),
        ("Requests at once to a webhook", number(plan.webhook_concurrency)),
    ]
}

fn route_rows(mut routes: Vec<RouteRequests>) -> Vec<RouteRow> {
    routes.sort_by_key(|route| Reverse(route.requests.count));
    let row = |RouteRequests { method, route, requests }| {
        let micros = requests.micros.checked_div(requests.count).unwrap_or(0);
        RouteRow {
            route: format!("{method} {route}"),
            count: requests.count,
            shown: grouped(requests.count),
            failed: requests.failed,
            average: format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100),
        }
    };
    routes.into_iter().map(row).collect()
}

async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<ReadAnalytics>,
    uri: Uri,
) -> Result<Response, Failure> {
    let visit = reader.visit;
    let now = dashboard.engine.clock().now();
    let (this_month, scope) = (Month::at(now), visit.scope);
    let month = Params::of(&uri).get("month").and_then(Month::parse).filter(|month| *month <= this_month);
    let month = month.unwrap_or(this_month);
    let plan = dashboard.engine.plan(scope.tenant);
    let routes = dashboard.engine.store().requests_in(scope, month).await?;
    let mut history = Vec::new();
    for back in 0..MONTHS {
        history.push(dashboard.month_row(scope, this_month.before(back), &plan).await?);
    }
    // Months from before the tenant was there say nothing.
    while history.len() > 1 && history.last().is_some_and(|row| row.events == 0 && row.requests == 0) {
        history.pop();
    }
    let place = |month: Month| format!("{SECTION}?month={month}#routes");
    let most = |of: fn(&MonthRow) -> u64| history.iter().map(of).max().unwrap_or(0).max(1);
    page::show(&UsagePage {
        frame: dashboard.frame(&visit, "Usage", SECTION),
        plan: visit.tenant.plan.clone(),
        meters: dashboard.meters(&visit, &plan, now).await?,
        limits: limits(&plan),
        total: total(&routes).max(1),
        total_shown: grouped(total(&routes)),
        routes: route_rows(routes),
        month: month.to_string(),
        previous: (month > this_month.before(MONTHS_KEPT)).then(|| place(month.before(1))),
        next: (month < this_month).then(|| place(month.after())),
        events_most: most(|row| row.events),
        requests_most: most(|row| row.requests),
        history,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_warns_before_its_end() {
        let tone = |used, limit| Meter::new("x", used, limit, None).tone();
        assert_eq!(tone(79, Limit::AtMost(100)), "");
        assert_eq!(tone(80, Limit::AtMost(100)), "retrying");
        assert_eq!(tone(100, Limit::AtMost(100)), "bad");
        assert_eq!((tone(1_000, Limit::Unlimited), tone(0, Limit::AtMost(0))), ("", "bad"));
        assert_eq!(Meter::new("x", u64::MAX, Limit::AtMost(1), None).percent, u64::MAX);
    }
}
