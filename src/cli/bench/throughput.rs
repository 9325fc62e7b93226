//! Closed loops: how many events a second the engine accepts, and how many it also delivers.

use std::time::{Duration, Instant};

use super::case::{Case, EVENTS_PER_SECOND_MAX, Plan, UNBOUNDED, with};
use super::engine::{Kind, Role};
use super::figures::{Latency, Row, per_second};
use super::load::on_thread;
use super::{BenchArgs, Progress};
use crate::cli::Outcome;

/// Not counted: connections open, caches fill, concurrency finds its level.
const WARM_UP: Duration = Duration::from_secs(1);

/// Publishing and delivering to so many webhooks.
pub(super) async fn deliver(args: &BenchArgs, kind: Kind, webhooks: u32, progress: &Progress) -> Outcome<Row> {
    let plan = Plan {
        name: format!("1:{webhooks}"),
        kind,
        role: Role::All,
        healthy: webhooks,
        hanging: 0,
        paused: false,
        events_max: events_max(args),
        window: usize::try_from(args.outstanding * webhooks)?,
    };
    with(args, plan.clone(), progress, async |case| {
        let measured = measure(args, case).await?;
        case.drain(|_| {}).await;
        Ok(Row {
            engine: kind.name(),
            scenario: plan.name,
            accepted_per_s: Some(measured.accepted_per_s),
            delivered_per_s: Some(measured.delivered_per_s),
            latency: Latency::of(case.ledger.latencies(measured.since)),
            engine_cores: Some(measured.cores),
            counts: Some(case.counts()),
            ..Row::default()
        })
    })
    .await
}

/// Accepting alone: no worker runs, or, where one process is all there is, the webhook is paused.
pub(super) async fn ingest(args: &BenchArgs, kind: Kind, progress: &Progress) -> Outcome<Row> {
    let (role, paused) = match kind {
        Kind::Embedded => (Role::All, true),
        Kind::Postgres => (Role::Api, false),
    };
    let events_max = events_max(args);
    let name = "ingest alone".to_owned();
    let plan = Plan { name, kind, role, healthy: 1, hanging: 0, paused, events_max, window: UNBOUNDED };
    with(args, plan.clone(), progress, async |case| {
        let measured = measure(args, case).await?;
        // Nothing was to be delivered, so nothing can be lost on the way.
        let counts = super::figures::Counts { lost: 0, ..case.counts() };
        Ok(Row {
            engine: kind.name(),
            scenario: plan.name,
            accepted_per_s: Some(measured.accepted_per_s),
            engine_cores: Some(measured.cores),
            counts: Some(counts),
            ..Row::default()
        })
    })
    .await
}

fn events_max(args: &BenchArgs) -> usize {
    (usize::from(args.seconds) + 1) * EVENTS_PER_SECOND_MAX
}

struct Measured {
    since: Instant,
    accepted_per_s: f64,
    delivered_per_s: f64,
    cores: f64,
}

async fn measure(args: &BenchArgs, case: &Case<'_>) -> anyhow::Result<Measured> {
    let until = Instant::now() + WARM_UP + args.duration();
    let load = on_thread(case.load.clone().closed_loop(args.connections, until));
    let watch = async {
        tokio::time::sleep(WARM_UP).await;
        let (since, processor) = (Instant::now(), case.engine.processor_time()?);
        let (accepted, received) = (case.ledger.accepted_count(), case.ledger.received_count());
        tokio::time::sleep_until(until.into()).await;
        let wall = since.elapsed();
        Ok(Measured {
            since,
            accepted_per_s: per_second(case.ledger.accepted_count() - accepted, wall),
            delivered_per_s: per_second(case.ledger.received_count() - received, wall),
            cores: case.cores_since(processor, wall)?,
        })
    };
    let ((), measured) = tokio::try_join!(load, watch)?;
    Ok(measured)
}
