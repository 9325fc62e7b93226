//! Open loops: how long an event takes from the client to the receiver at a given rate.

use std::time::{Duration, Instant};

use super::case::{Case, Plan, UNBOUNDED, with};
use super::engine::{Kind, Role};
use super::figures::{Latency, Row, per_second};
use super::load::on_thread;
use super::{BenchArgs, Progress};
use crate::cli::Outcome;

const RATES_PER_SECOND: [u32; 3] = [50, 200, 1000];
/// How many measurements that are.
pub(super) const CASES: usize = RATES_PER_SECOND.len();
/// Sent and not counted.
const WARM_UP: Duration = Duration::from_secs(1);

pub(super) async fn run(args: &BenchArgs, kind: Kind, progress: &Progress) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for rate in RATES_PER_SECOND {
        let events_max = events_max(args, rate);
        let name = format!("latency at {rate}/s");
        let plan =
            Plan { name, kind, role: Role::All, healthy: 1, hanging: 0, paused: false, events_max, window: UNBOUNDED };
        let row = with(args, plan.clone(), progress, async |case| {
            let paced = paced(args, case, rate).await?;
            Ok(Row { engine: kind.name(), scenario: plan.name, counts: Some(case.counts()), ..paced })
        });
        rows.push(row.await?);
    }
    Ok(rows)
}

/// Numbers enough for such a run.
pub(super) fn events_max(args: &BenchArgs, rate: u32) -> usize {
    usize::try_from(rate).unwrap_or(0) * (usize::from(args.seconds) + 2)
}

/// Sends at a rate, waits for what was accepted, and gives the latencies.
pub(super) async fn paced(args: &BenchArgs, case: &Case<'_>, rate: u32) -> anyhow::Result<Row> {
    let began = Instant::now();
    let (processor, received) = (case.engine.processor_time()?, case.ledger.received_count());
    let until = began + WARM_UP + args.duration();
    let late = on_thread(case.load.clone().open_loop(rate, until)).await?;
    let wall = began.elapsed();
    let delivered_per_s = per_second(case.ledger.received_count() - received, wall);
    let cores = case.cores_since(processor, wall)?;
    case.drain(|_| {}).await;
    Ok(Row {
        accepted_per_s: Some(per_second(u64::try_from(late.len())?, wall)),
        delivered_per_s: Some(delivered_per_s),
        latency: Latency::of(case.ledger.latencies(began + WARM_UP)),
        load_late_p99_ms: Latency::of(late).map(|late| late.p99_ms),
        engine_cores: Some(cores),
        ..Row::default()
    })
}
