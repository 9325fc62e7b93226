//! Statistics as charts and figures; the overview and a webhook's page show the same.

use std::time::Duration;

use super::charts::{Bar, Chart, Series, Step, lines, shares, stacked};
use super::words::{grouped, in_words, span};
use crate::domain::delivery_stats::{DeliveryStats, Latency, OutcomeClass, Point, StatsRange};
use crate::domain::time::Timestamp;

/// A range that can be chosen.
pub(super) struct RangeLink {
    pub(super) href: String,
    pub(super) label: &'static str,
    pub(super) is_current: bool,
}

/// The ranges, as links of a page.
pub(super) fn range_links(path: &str, others: &str, current: StatsRange) -> Vec<RangeLink> {
    let link = |range: StatsRange| RangeLink {
        href: format!("{path}?range={}{others}", range.as_str()),
        label: range.as_str(),
        is_current: range == current,
    };
    StatsRange::ALL.map(link).into()
}

/// Successful attempts in a hundred; none where there was no attempt.
pub(super) fn success_rate(stats: &DeliveryStats) -> Option<String> {
    let tenths = (stats.succeeded() * 1_000).checked_div(stats.total.attempts)?;
    Some(format!("{}.{} %", tenths / 10, tenths % 10))
}

/// The duration that so many percent of attempts stayed within.
pub(super) fn within(stats: &DeliveryStats, percent: u64) -> String {
    stats.total.percentile(percent).map_or_else(|| "–".to_owned(), span)
}

/// What became of deliveries, step by step. `query` follows the time in the address that a bar leads to.
pub(super) fn over_time(stats: &DeliveryStats, query: &str) -> Chart {
    let series = vec![
        Series { tone: "good", name: "delivered" },
        Series { tone: "retrying", name: "failed attempts" },
        Series { tone: "bad", name: "dead letters" },
    ];
    let bar = |(index, point): (usize, &Point)| {
        let Point { starts_at, delivered, failed, dead, latency: _ } = *point;
        let until = starts_at.after(stats.range.step());
        Bar {
            label: in_words(starts_at),
            tick: tick(index, starts_at, stats),
            href: Some(format!("/ui/deliveries?from={starts_at}&until={until}&range=all{query}")),
            // Each dead letter is a failed attempt too: it is shown as the one or the other.
            values: vec![delivered, failed.saturating_sub(dead), dead],
        }
    };
    stacked("Deliveries over time", series, &stats.points.iter().enumerate().map(bar).collect::<Vec<_>>())
}

/// How long attempts took, step by step.
pub(super) fn latency_over_time(stats: &DeliveryStats) -> Chart {
    let series = vec![
        Series { tone: "good", name: "p50" },
        Series { tone: "waiting", name: "p95" },
        Series { tone: "retrying", name: "p99" },
    ];
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let step = |(index, point): (usize, &Point)| Step {
        label: in_words(point.starts_at),
        tick: tick(index, point.starts_at, stats),
        values: point.latency.map(|Latency { p50, p95, p99 }| [p50, p95, p99].map(millis).into()),
    };
    lines("Latency over time, in ms", series, &stats.points.iter().enumerate().map(step).collect::<Vec<_>>())
}

/// The time beneath a step, if there is room for it.
fn tick(index: usize, at: Timestamp, stats: &DeliveryStats) -> Option<String> {
    let every = stats.points.len().div_ceil(6).max(1);
    if !index.is_multiple_of(every) {
        return None;
    }
    let text = at.to_string();
    let (day, clock) = (text.get(5..10).unwrap_or_default(), text.get(11..16).unwrap_or_default());
    Some(match stats.range {
        StatsRange::Hour | StatsRange::Day => clock.to_owned(),
        StatsRange::Week => format!("{day} {clock}"),
        StatsRange::Month => day.to_owned(),
    })
}

/// Attempts by what they came to.
pub(super) fn by_outcome(stats: &DeliveryStats) -> Chart {
    let row = |(class, count): (&OutcomeClass, &u64)| {
        let tone = match class {
            OutcomeClass::Success => "good",
            OutcomeClass::Redirect | OutcomeClass::ClientError | OutcomeClass::TooManyRequests => "retrying",
            OutcomeClass::ServerError
            | OutcomeClass::Timeout
            | OutcomeClass::Dns
            | OutcomeClass::Connect
            | OutcomeClass::Tls
            | OutcomeClass::Blocked
            | OutcomeClass::Other => "bad",
        };
        (Bar { label: class.as_str().to_owned(), tick: None, href: None, values: vec![*count] }, tone)
    };
    shares("Attempts by outcome", &stats.by_outcome.iter().map(row).collect::<Vec<_>>())
}

/// The outcome, other than success, that most attempts came to.
pub(super) fn commonest_failure(stats: &DeliveryStats) -> String {
    let failures = stats.by_outcome.iter().filter(|(class, _)| **class != OutcomeClass::Success);
    let most = failures.max_by_key(|(_, count)| **count);
    most.map_or_else(String::new, |(class, count)| format!("{} ({})", class.as_str(), grouped(*count)))
}
