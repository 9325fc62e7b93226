//! Whether a replay makes live traffic wait: events at a fixed rate, without and with a job that sends many dead letters
//! again, through the same processes to the same receiver.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::case::{Case, Plan, UNBOUNDED, with};
use super::engine::{Kind, Role};
use super::figures::{Row, number, round};
use super::latency::{events_max, paced};
use super::{BenchArgs, Progress};
use crate::cli::Outcome;
use crate::receiver::{Behaviour, Recording, Route};

const EVENTS_PER_SECOND: u32 = 200;
const EVENT_TYPE: &str = "bench.refused";
const PATH: &str = "/bench/refused";
/// Events of one request.
const BATCH: u32 = 100;
/// No reply for so long, and it will not come.
const STALL: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_millis(100);

/// Two rows: live traffic alone, and beside the replay.
pub(super) async fn run(args: &BenchArgs, kind: Kind, progress: &Progress) -> Outcome<Vec<Row>> {
    let plan = Plan {
        name: format!("replay of {}", args.dead_letters),
        kind,
        role: Role::All,
        healthy: 1,
        hanging: 0,
        paused: false,
        // Two measurements on one account.
        events_max: events_max(args, EVENTS_PER_SECOND) * 2,
        window: UNBOUNDED,
    };
    with(args, plan.clone(), progress, async |case| {
        let dead = u64::from(args.dead_letters);
        bury(args, case).await?;
        let alone = paced(args, case, EVENTS_PER_SECOND).await?;
        let alone = Row { engine: kind.name(), scenario: format!("{EVENTS_PER_SECOND}/s live, no replay"), ..alone };
        case.receiver.behave(PATH, Behaviour::default());
        case.receiver.forget(PATH);
        let began = Instant::now();
        let started: Value = post(case, "/replays", &json!({ "rate": rate(args) })).await?;
        let path = format!("/replays/{}", started["id"].as_str().context("a replay has an id")?);
        let beside = paced(args, case, EVENTS_PER_SECOND).await?;
        let during = read(case, &path).await?;
        anyhow::ensure!(
            during["state"] == "running",
            "the replay was over before the measurement: take more dead letters"
        );
        let replay = done(case, &path).await?;
        let took = began.elapsed();
        anyhow::ensure!(
            replay["delivered"] == dead && case.receiver.count(PATH) >= dead,
            "of {dead} dead letters {} were delivered",
            replay["delivered"]
        );
        let mut beside = Row { engine: kind.name(), scenario: plan.name, counts: Some(case.counts()), ..beside };
        beside.compare_latency(alone.latency);
        beside.replayed_per_s = Some(round(number(dead) / took.as_secs_f64()));
        Ok(vec![alone, beside])
    })
    .await
}

/// So fast that it lasts half as long again as the measurement beside it, warm-up included.
fn rate(args: &BenchArgs) -> u32 {
    (args.dead_letters / (u32::from(args.seconds) * 3 / 2 + 2)).clamp(1, 1000)
}

/// A webhook that has refused so many events, once each, and is alive.
async fn bury(args: &BenchArgs, case: &Case<'_>) -> anyhow::Result<()> {
    let body = json!({
        "name": "refuses", "url": case.receiver.url(PATH), "events": [EVENT_TYPE], "retryPolicy": { "maxRetries": 0 },
    });
    let refuses = Route::new(Vec::new()).recording(Recording::Count).behaving(Behaviour::status(400));
    case.receiver.route(PATH, refuses);
    let _: Value = post(case, "/webhooks", &body).await?;
    let mut left = args.dead_letters;
    while left > 0 {
        let size = left.min(BATCH);
        let events: Vec<Value> = (0..size).map(|n| json!({ "type": EVENT_TYPE, "data": { "n": left - n } })).collect();
        let _: Value = post(case, "/events/batch", &json!({ "events": events })).await?;
        left -= size;
    }
    let dead = u64::from(args.dead_letters);
    let (mut since, mut before) = (Instant::now(), 0);
    while case.receiver.count(PATH) < dead {
        let now = case.receiver.count(PATH);
        if now > before {
            (since, before) = (Instant::now(), now);
        }
        anyhow::ensure!(since.elapsed() < STALL, "{now} of {dead} events were refused, and then no more");
        tokio::time::sleep(POLL).await;
    }
    let preview = json!({ "dryRun": true });
    let began = Instant::now();
    loop {
        let counted: Value = post(case, "/replays", &preview).await?;
        if counted["count"] == dead {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < STALL, "{} of {dead} dead letters are there", counted["count"]);
        tokio::time::sleep(POLL).await;
    }
}

async fn post(case: &Case<'_>, path: &str, body: &Value) -> anyhow::Result<Value> {
    case.api.post(path, body.to_string()).await.map_err(|failure| failure.error).with_context(|| path.to_owned())
}

async fn read(case: &Case<'_>, path: &str) -> anyhow::Result<Value> {
    case.api.get(path).await.map_err(|failure| failure.error).with_context(|| path.to_owned())
}

async fn done(case: &Case<'_>, path: &str) -> anyhow::Result<Value> {
    let began = Instant::now();
    loop {
        let replay = read(case, path).await?;
        if replay["state"] == "done" {
            return Ok(replay);
        }
        anyhow::ensure!(began.elapsed() < STALL, "the replay is not over after {} s", STALL.as_secs());
        tokio::time::sleep(POLL).await;
    }
}
