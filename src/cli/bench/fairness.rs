//! Whether webhooks that hang make the others wait: 20 webhooks, every event to all, of which 0, 1 and 5 never answer.

use super::case::{Plan, UNBOUNDED, with};
use super::engine::{Kind, Role};
use super::figures::Row;
use super::latency::{events_max, paced};
use super::{BenchArgs, Progress};
use crate::cli::Outcome;

const WEBHOOKS: u32 = 20;
const HANGING: [u32; 3] = [0, 1, 5];
/// How many measurements that are.
pub(super) const CASES: usize = HANGING.len();
/// A thousand deliveries a second over all webhooks.
const EVENTS_PER_SECOND: u32 = 50;

/// The figures are those of the webhooks that do answer.
pub(super) async fn run(args: &BenchArgs, kind: Kind, progress: &Progress) -> Outcome<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for hanging in HANGING {
        let events_max = events_max(args, EVENTS_PER_SECOND);
        let plan = Plan {
            name: format!("{hanging} of {WEBHOOKS} hang"),
            kind,
            role: Role::All,
            healthy: WEBHOOKS - hanging,
            hanging,
            paused: false,
            events_max,
            window: UNBOUNDED,
        };
        let row = with(args, plan.clone(), progress, async |case| {
            let paced = paced(args, case, EVENTS_PER_SECOND).await?;
            Ok(Row { engine: kind.name(), scenario: plan.name, counts: Some(case.counts()), ..paced })
        });
        let mut row = row.await?;
        row.compare_latency(rows.first().map_or(row.latency, |first| first.latency));
        rows.push(row);
    }
    Ok(rows)
}
