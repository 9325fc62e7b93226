//! A large replay job that is paused, and whose scheduler and a worker are killed in the middle of it: every delivery is
//! run, none is skipped, and no more is repeated than the worker had on the wire.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use angarium::domain::secret::Secret;
use angarium::receiver::{Behaviour, Route};
use serde_json::{Value, json};

use super::cluster::{Cluster, LEASE, LOST_PER_WORKER_MAX};
use super::{SLACK, my_turn};

const EVENTS: u64 = 20_000;
const BATCH: u64 = 1_000;
const RATE: u64 = 1_000;
const PATH: &str = "/refuses";
const POLL_EVERY: Duration = Duration::from_millis(20);
/// A slow machine may take so much longer than the rate allows.
const WAIT_MAX: Duration = Duration::from_secs(6 * EVENTS / RATE).saturating_add(LEASE).saturating_add(SLACK);

async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < WAIT_MAX, "{what}: not within {WAIT_MAX:?}");
        tokio::time::sleep(POLL_EVERY).await;
    }
}

async fn total(cluster: &Cluster, path: &str) -> u64 {
    cluster.client.get(path).await.expect(200).json()["pagination"]["total"].as_u64().unwrap()
}

/// A webhook that has refused every event, once each.
async fn bury(cluster: &Cluster) {
    let body = json!({
        "name": "refuses", "url": cluster.receiver.url(PATH), "events": ["refused.*"],
        "retryPolicy": { "maxRetries": 0 },
    });
    let made = cluster.client.post("/api/v1/webhooks", &body).await.expect(201).data();
    let secret = Secret::parse(made["secret"].as_str().unwrap()).unwrap();
    cluster.receiver.route(PATH, Route::new(vec![secret]).behaving(Behaviour::status(400)));
    for _ in 0..EVENTS / BATCH {
        let events: Vec<_> = (0..BATCH).map(|n| json!({ "type": "refused.thing", "data": { "n": n } })).collect();
        cluster.client.post("/api/v1/events/batch", &json!({ "events": events })).await.expect(202);
    }
    // A list is not counted as far as that.
    let preview = json!({ "dryRun": true });
    let dead = async || cluster.client.post("/api/v1/replays", &preview).await.expect(200).data()["count"].clone();
    until("all are dead", || async { dead().await == EVENTS }).await;
    cluster.receiver.forget(PATH);
    cluster.receiver.behave(PATH, Behaviour::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_processes_neither_skip_nor_repeat_a_replay() {
    let _turn = my_turn().await;
    let mut cluster = Cluster::distributed(1).await;
    bury(&cluster).await;
    let started = cluster.client.post("/api/v1/replays", &json!({ "rate": RATE })).await.expect(202).data();
    let path = format!("/api/v1/replays/{}", started["id"].as_str().unwrap());
    for part in [8, 4] {
        until("some were sent", || async { cluster.receiver.count(PATH) >= EVENTS / part }).await;
        cluster.schedulers[0].kill();
        cluster.schedulers[0].start_again();
    }
    let read = async || -> Value { cluster.client.get(&path).await.expect(200).data() };

    until("half were sent", || async { cluster.receiver.count(PATH) >= EVENTS / 2 }).await;
    cluster.client.post(&format!("{path}/pause"), &json!({})).await.expect(200);
    until("what was on its way is over", || async { read().await["pending"] == 0 }).await;
    let sent = cluster.receiver.count(PATH);
    assert!(sent < EVENTS, "there is a middle");
    cluster.schedulers[0].kill();
    cluster.schedulers[0].start_again();
    until("it leads again", || async { read().await["state"] == "paused" }).await;
    assert_eq!((cluster.receiver.count(PATH), &read().await["done"]), (sent, &json!(sent)));
    cluster.client.post(&format!("{path}/resume"), &json!({})).await.expect(200);

    until("most were sent", || async { cluster.receiver.count(PATH) >= EVENTS / 4 * 3 }).await;
    cluster.workers[0].kill();
    cluster.workers[0].start_again();
    until("the replay is done", || async { read().await["state"] == "done" }).await;
    let replay = read().await;
    assert_eq!(
        (&replay["delivered"], &replay["total"], &replay["skipped"]),
        (&json!(EVENTS), &json!(EVENTS), &json!(0))
    );
    let records = cluster.receiver.records(PATH);
    let sent: HashSet<_> = records.iter().map(|record| record.id().to_owned()).collect();
    assert_eq!(sent.len(), usize::try_from(EVENTS).unwrap());
    let repeated = records.len() - sent.len();
    assert!(repeated <= usize::try_from(LOST_PER_WORKER_MAX).unwrap(), "{repeated} were repeated");
    assert_eq!(total(&cluster, "/api/v1/dead-letters").await, 0);
    cluster.expect_running();
}
