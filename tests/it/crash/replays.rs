//! A replay job whose scheduler is killed again and again in the middle of it: every delivery is run once.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use angarium::domain::secret::Secret;
use angarium::receiver::{Behaviour, Route};
use serde_json::{Value, json};

use super::cluster::{Cluster, LEASE};
use super::{SLACK, my_turn};

const EVENTS: u64 = 400;
const RATE: u64 = 50;
const PATH: &str = "/refuses";
const POLL_EVERY: Duration = Duration::from_millis(20);
const WAIT_MAX: Duration = Duration::from_secs(EVENTS / RATE).saturating_add(LEASE).saturating_add(SLACK);

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
    let events: Vec<_> = (0..EVENTS).map(|n| json!({ "type": "refused.thing", "data": { "n": n } })).collect();
    cluster.client.post("/api/v1/events/batch", &json!({ "events": events })).await.expect(202);
    until("all are dead", || async { total(cluster, "/api/v1/dead-letters").await == EVENTS }).await;
    cluster.receiver.forget(PATH);
    cluster.receiver.behave(PATH, Behaviour::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_scheduler_neither_skips_nor_repeats_a_replay() {
    let _turn = my_turn().await;
    let mut cluster = Cluster::distributed(1).await;
    bury(&cluster).await;
    let started = cluster.client.post("/api/v1/replays", &json!({ "rate": RATE })).await.expect(202).data();
    let path = format!("/api/v1/replays/{}", started["id"].as_str().unwrap());
    for sent in [50, 150, 250] {
        until("some were sent", || async { cluster.receiver.count(PATH) >= sent }).await;
        cluster.schedulers[0].kill();
        cluster.schedulers[0].start_again();
    }
    let read = async || -> Value { cluster.client.get(&path).await.expect(200).data() };
    until("the replay is done", || async { read().await["state"] == "done" }).await;
    let replay = read().await;
    assert_eq!(
        (&replay["delivered"], &replay["total"], &replay["skipped"]),
        (&json!(EVENTS), &json!(EVENTS), &json!(0))
    );
    let records = cluster.receiver.records(PATH);
    let sent: HashSet<_> = records.iter().map(|record| record.id().to_owned()).collect();
    assert_eq!((sent.len(), records.len()), (usize::try_from(EVENTS).unwrap(), usize::try_from(EVENTS).unwrap()));
    assert_eq!(total(&cluster, "/api/v1/dead-letters").await, 0);
    cluster.expect_running();
}
