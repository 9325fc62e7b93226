//! The last units of a quota, wanted by many at once in three processes, one of which is killed.

use std::time::{Duration, Instant};

use angarium::clock::Clock;
use angarium::domain::meter::Period;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::my_turn;
use crate::support::client::Client;

/// Of the plan `professional` in a minute.
const MESSAGES: u64 = 3_000;
const LAST_UNITS: u64 = 10;
const CLIENTS: usize = 200;
const BATCH: u64 = 1_000;
/// `accept.meter_lease_ms`, and what a slow machine needs.
const LEASE_MAX: Duration = Duration::from_secs(2 + 20);
/// A minute must not end in the middle of it.
const NEEDS: Duration = Duration::from_secs(40);

fn message() -> Value {
    json!({ "type": "message.sent", "data": {} })
}

async fn is_accepted(client: &Client) -> bool {
    let status = client.post("/api/v1/events", &message()).await.status;
    assert!(status == 202 || status == 429, "{status}");
    status == 202
}

/// Uses so many units. Some may be held by another process for a moment.
async fn use_up(clients: &[Client], mut units: u64) {
    let began = Instant::now();
    while units > 0 {
        assert!(began.elapsed() < LEASE_MAX, "{units} units are not given");
        for client in clients {
            let events: Vec<Value> = (0..units.min(BATCH)).map(|_| message()).collect();
            if !events.is_empty() {
                let reply = client.post("/api/v1/events/batch", &json!({ "events": events })).await.expect(202);
                units -= reply.data()["accepted"].as_u64().unwrap();
            }
        }
    }
}

/// Waits for a minute of the clock that has long enough to go.
async fn a_fresh_minute() {
    let now = Clock::system().now();
    let left = Period::Minute.window_at(now).ends_at.since(now);
    if left < NEEDS {
        tokio::time::sleep(left).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_units_of_a_quota_are_given_once() {
    let _turn = my_turn().await;
    let mut cluster = Cluster::distributed(3).await;
    cluster.is_ready().await;
    cluster.command(&["tenants", "create", "small", "--plan", "professional", "--json"]);
    let key = ["keys", "create", "--tenant", "small", "--environment", "staging", "--json"];
    let key = cluster.command(&key)["key"].as_str().unwrap().to_owned();
    let clients: Vec<Client> = cluster.addresses.iter().map(|at| Client::new(*at, key.clone())).collect();
    a_fresh_minute().await;
    use_up(&clients[..2], MESSAGES - LAST_UNITS).await;
    // The third process may hold units that it has not used when it dies.
    let mut given = u64::from(is_accepted(&clients[2]).await);
    cluster.apis[2].kill();
    let race = || async {
        let racing = (0..CLIENTS).map(|number| is_accepted(&clients[number % 2]));
        let given = join_all(racing).await.into_iter().filter(|given| *given).count();
        u64::try_from(given).unwrap()
    };
    let at_once = race().await;
    given += at_once;
    // What anybody held and did not use comes back when its lease ends, and not one unit more.
    let began = Instant::now();
    while given < LAST_UNITS {
        assert!(began.elapsed() < LEASE_MAX, "{given} units were given");
        given += u64::from(is_accepted(&clients[0]).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(given + race().await, LAST_UNITS);
    eprintln!("quota race: {at_once} at once, all {LAST_UNITS} after {:.1?}", began.elapsed());
}
