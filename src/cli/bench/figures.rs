//! What was measured, and how it is shown.

use std::time::Duration;

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use serde::Serialize;

/// One measurement.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) engine: &'static str,
    pub(super) scenario: String,
    pub(super) accepted_per_s: Option<f64>,
    pub(super) delivered_per_s: Option<f64>,
    /// Deliveries as a share of the raw ceiling.
    pub(super) of_ceiling: Option<f64>,
    /// From just before the request is written to when the receiver has it.
    pub(super) latency: Option<Latency>,
    /// How much later than scheduled the load sent, at the 99th percentile.
    pub(super) load_late_p99_ms: Option<f64>,
    /// p50 and p99 over those of the same run without what this measurement adds.
    pub(super) p50_ratio: Option<f64>,
    pub(super) p99_ratio: Option<f64>,
    /// Dead letters that a replay delivered.
    pub(super) replayed_per_s: Option<f64>,
    pub(super) memory: Option<MemoryFigures>,
    /// Processor time of the engine's processes per second; the databases are not in it.
    pub(super) engine_cores: Option<f64>,
    pub(super) counts: Option<Counts>,
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Latency {
    pub(super) p50_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
    pub(super) samples: usize,
}

/// Resident memory of the engine's processes, in MiB.
#[allow(clippy::struct_field_names, reason = "names carry their units")]
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MemoryFigures {
    pub(super) idle_mib: f64,
    pub(super) loaded_mib: f64,
    pub(super) drained_mib: f64,
    pub(super) peak_mib: f64,
}

/// What went in and what came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counts {
    /// Events answered 202.
    pub(super) accepted: u64,
    /// Deliveries received, each counted once.
    pub(super) received: u64,
    /// Deliveries of accepted events that never came.
    pub(super) lost: u64,
    /// Deliveries that came again.
    pub(super) duplicates: u64,
    /// Requests without a readable event of this run in them.
    pub(super) unreadable: u64,
    /// Signatures that did not verify, among those looked at.
    pub(super) bad_signatures: u64,
    /// Publishing requests that were answered otherwise, or not.
    pub(super) refused: u64,
}

impl Row {
    pub(super) fn compare(&mut self, ceiling: Option<f64>) {
        // A paced run delivers what it is given.
        let rate = self.delivered_per_s.filter(|_| self.load_late_p99_ms.is_none());
        self.of_ceiling = rate.zip(ceiling).map(|(rate, ceiling)| round(rate / ceiling));
    }

    /// By how much the latency is another than without what this measurement adds.
    pub(super) fn compare_latency(&mut self, without: Option<Latency>) {
        if let Some((with, without)) = self.latency.zip(without) {
            let ratio = |pick: fn(Latency) -> f64| Some(round(pick(with) / pick(without).max(f64::MIN_POSITIVE)));
            self.p50_ratio = ratio(|latency| latency.p50_ms);
            self.p99_ratio = ratio(|latency| latency.p99_ms);
        }
    }

    /// What must not be, in words.
    pub(super) fn fault(&self) -> Option<String> {
        let Counts { lost, unreadable, bad_signatures, accepted, .. } = self.counts?;
        let name = format!("{} {}", self.engine, self.scenario);
        if lost > 0 {
            return Some(format!("{name}: {lost} deliveries were lost"));
        }
        if unreadable > 0 || bad_signatures > 0 {
            return Some(format!("{name}: {unreadable} requests unreadable, {bad_signatures} signatures bad"));
        }
        (accepted == 0).then(|| format!("{name}: nothing was accepted"))
    }

    fn remarks(&self) -> String {
        let mut remarks = Vec::new();
        if let Some((p50, p99)) = self.p50_ratio.zip(self.p99_ratio) {
            remarks.push(format!("p50 ×{p50:.2}, p99 ×{p99:.2}"));
        }
        if let Some(replayed) = self.replayed_per_s {
            remarks.push(format!("{replayed:.0} replayed/s"));
        }
        if let Some(MemoryFigures { idle_mib, loaded_mib, drained_mib, peak_mib }) = self.memory {
            remarks.push(format!(
                "MiB idle {idle_mib:.0}, loaded {loaded_mib:.0}, drained {drained_mib:.0}, peak {peak_mib:.0}"
            ));
        }
        if let Some(late) = self.load_late_p99_ms.filter(|late| *late > 2.0) {
            remarks.push(format!("load late by {late:.1} ms"));
        }
        if let Some(Counts { refused, .. }) = self.counts.filter(|counts| counts.refused > 0) {
            remarks.push(format!("{refused} refused"));
        }
        remarks.join("; ")
    }
}

impl Latency {
    /// From durations in nanoseconds; `None` without any.
    pub(super) fn of(mut nanos: Vec<u64>) -> Option<Self> {
        nanos.sort_unstable();
        let max = *nanos.last()?;
        // The nearest rank: the smallest value that so many of a thousand do not pass.
        let at = |permille: usize| millis(nanos[(nanos.len() * permille).div_ceil(1000).max(1) - 1]);
        Some(Self { p50_ms: at(500), p95_ms: at(950), p99_ms: at(990), max_ms: millis(max), samples: nanos.len() })
    }
}

fn millis(nanos: u64) -> f64 {
    round(Duration::from_nanos(nanos).as_secs_f64() * 1e3)
}

pub(super) fn round(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

/// Counts here stay far below what `u32` holds.
pub(super) fn number(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

pub(super) fn per_second(count: u64, over: Duration) -> f64 {
    round(number(count) / over.as_secs_f64())
}

/// All rows, for people.
pub(super) fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_header([
        "engine",
        "scenario",
        "accepted/s",
        "delivered/s",
        "of raw",
        "p50 ms",
        "p95",
        "p99",
        "max",
        "cores",
        "lost",
        "dup",
        "",
    ]);
    let text = |value: Option<f64>, digits: usize| value.map_or_else(String::new, |value| format!("{value:.digits$}"));
    for row in rows {
        let Latency { p50_ms, p95_ms, p99_ms, max_ms, .. } = match row.latency {
            Some(latency) => latency,
            None => Latency { p50_ms: f64::NAN, p95_ms: f64::NAN, p99_ms: f64::NAN, max_ms: f64::NAN, samples: 0 },
        };
        let time = |value: f64| if value.is_nan() { String::new() } else { format!("{value:.2}") };
        let count = |pick: fn(Counts) -> u64| row.counts.map_or_else(String::new, |counts| pick(counts).to_string());
        table.add_row([
            row.engine.to_owned(),
            row.scenario.clone(),
            text(row.accepted_per_s, 0),
            text(row.delivered_per_s, 0),
            text(row.of_ceiling, 2),
            time(p50_ms),
            time(p95_ms),
            time(p99_ms),
            time(max_ms),
            text(row.engine_cores, 2),
            count(|counts| counts.lost),
            count(|counts| counts.duplicates),
            row.remarks(),
        ]);
    }
    for column in table.column_iter_mut().skip(2).take(10) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let latency = Latency::of((1..=1000).rev().map(|ms| ms * 1_000_000).collect()).expect("there are samples");
        let Latency { p50_ms, p95_ms, p99_ms, max_ms, samples } = latency;
        assert_eq!((p50_ms, p95_ms, p99_ms, max_ms, samples), (500.0, 950.0, 990.0, 1000.0, 1000));
        let one = Latency::of(vec![2_500_000]).expect("there is a sample");
        assert_eq!((one.p50_ms, one.p99_ms, one.max_ms), (2.5, 2.5, 2.5));
        assert_eq!(Latency::of(Vec::new()), None);
    }

    #[test]
    fn a_loss_is_a_fault() {
        let counts = Counts { accepted: 10, received: 9, lost: 1, ..Counts::default() };
        let row = Row { engine: "embedded", scenario: "1:1".into(), counts: Some(counts), ..Row::default() };
        assert_eq!(row.fault().as_deref(), Some("embedded 1:1: 1 deliveries were lost"));
        let counts = Counts { lost: 0, duplicates: 3, ..counts };
        assert_eq!(Row { counts: Some(counts), ..row }.fault(), None);
    }
}
