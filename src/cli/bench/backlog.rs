//! A backlog: accepted while the webhook is paused, then drained; the rate, and the memory before, between and after.

use std::time::{Duration, Instant};

use super::case::{Plan, UNBOUNDED, with};
use super::engine::{Kind, Memory, Role};
use super::figures::{MemoryFigures, Row, per_second};
use super::load::on_thread;
use super::{BenchArgs, Progress};
use crate::cli::Outcome;

/// Long enough for what was done after the answers to be done.
const SETTLE: Duration = Duration::from_secs(3);
const ACCEPT_WITHIN: Duration = Duration::from_mins(5);

pub(super) async fn run(args: &BenchArgs, kind: Kind, progress: &Progress) -> Outcome<Row> {
    // One more for the event that opens the case.
    let events_max = usize::try_from(args.backlog)? + 1;
    let plan = Plan {
        name: format!("backlog of {}", args.backlog),
        kind,
        role: Role::All,
        healthy: 1,
        hanging: 0,
        paused: true,
        events_max,
        window: UNBOUNDED,
    };
    with(args, plan.clone(), progress, async |case| {
        let idle = case.engine.memory()?;
        let (began, before) = (Instant::now(), case.ledger.accepted_count());
        on_thread(case.load.clone().closed_loop(args.connections, began + ACCEPT_WITHIN)).await?;
        let accepted_per_s = per_second(case.ledger.accepted_count() - before, began.elapsed());
        tokio::time::sleep(SETTLE).await;
        let loaded = case.engine.memory()?;
        anyhow::ensure!(case.ledger.received_count() == 0, "a paused webhook was sent something");

        let (resumed, processor) = (Instant::now(), case.engine.processor_time()?);
        case.resume().await?;
        case.drain(|received| progress.say(&format!("{}: {received} drained", kind.name()))).await;
        let wall = case.ledger.last_received().saturating_duration_since(resumed).max(Duration::from_millis(1));
        let cores = case.cores_since(processor, wall)?;
        tokio::time::sleep(SETTLE).await;
        let drained = case.engine.memory()?;
        Ok(Row {
            engine: kind.name(),
            scenario: plan.name,
            accepted_per_s: Some(accepted_per_s),
            delivered_per_s: Some(per_second(case.ledger.received_count(), wall)),
            engine_cores: Some(cores),
            memory: Some(MemoryFigures {
                idle_mib: Memory::mib(idle.now_kib),
                loaded_mib: Memory::mib(loaded.now_kib),
                drained_mib: Memory::mib(drained.now_kib),
                peak_mib: Memory::mib(drained.peak_kib),
            }),
            counts: Some(case.counts()),
            ..Row::default()
        })
    })
    .await
}
