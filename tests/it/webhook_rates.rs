//! Rates of webhooks: what its owner, its plan and its receiver allow, whichever is least, with any number of processes.

use std::time::Duration;

use angarium::app::{App, Role};
use angarium::domain::tenant::Environment;
use angarium::domain::time::Timestamp;
use angarium::receiver::{Behaviour, Route};
use serde_json::json;

use crate::support::client::Client;
use crate::support::{SOON, TestApp, TestEngine, both_engines, eventually};

both_engines!(
    a_webhook_is_sent_no_more_than_its_rate,
    a_webhook_with_a_rate_delays_no_other,
    a_rate_is_a_setting_like_the_others,
    a_long_window_parks_what_is_too_much,
    a_receiver_says_how_much_it_takes,
);
const STEP: Duration = Duration::from_millis(100);

async fn publish_many(client: &Client, count: usize) {
    let batch = json!({ "events": vec![json!({ "type": "a.b", "data": {} }); count] });
    client.post("/api/v1/events/batch", &batch).await.expect(202);
}

/// Waits for so many requests while the clock runs: in real time slowly enough that what may go out does.
async fn wait_for(app: &TestApp, path: &str, count: u64) {
    eventually(&format!("{count} requests came"), || async {
        if app.receiver.count(path) >= count {
            return Some(());
        }
        tokio::time::sleep(STEP).await;
        app.advance(STEP);
        None
    })
    .await;
}

/// When requests came, first to last.
fn times(app: &TestApp, path: &str) -> Vec<Timestamp> {
    let mut times: Vec<Timestamp> = app.receiver.records(path).iter().map(|record| record.time).collect();
    times.sort_unstable();
    times
}

/// The most requests that came within a window, wherever it ends.
fn most_in(times: &[Timestamp], window: Duration) -> usize {
    let within = |end: &Timestamp| times.iter().filter(|at| **at <= *end && end.since(**at) < window).count();
    times.iter().map(within).max().unwrap_or(0)
}

fn assert_paced(app: &TestApp, path: &str, count: usize, most: usize) {
    let times = times(app, path);
    assert_eq!(times.len(), count, "each came once");
    assert!(most_in(&times, Duration::from_secs(1)) <= most, "{times:?}");
    let took = times[count - 1].since(times[0]);
    let windows = u32::try_from(count.div_ceil(most) - 1).unwrap();
    assert!(took >= Duration::from_secs(1) * windows, "{took:?}");
    // Nor is it much slower than it may be.
    assert!(took <= Duration::from_secs(1) * (windows * 2), "{took:?}");
}

async fn a_webhook_is_sent_no_more_than_its_rate(app: TestApp) {
    let slow = app.webhook_with("slow", json!({ "rateLimit": { "requests": 5 } }), Behaviour::default()).await;
    publish_many(&app.client, 20).await;
    wait_for(&app, &slow.path, 20).await;
    assert_paced(&app, &slow.path, 20, 5);
    // Nothing of it was an attempt that failed.
    let logs = app.client.get(&format!("/api/v1/webhooks/{}/logs?status=success", slow.id)).await.expect(200).data();
    eventually("all are delivered", || async {
        let path = format!("/api/v1/webhooks/{}/logs?status=success", slow.id);
        (app.client.get(&path).await.expect(200).data()["total"] == 20).then_some(())
    })
    .await;
    assert!(logs["logs"].as_array().unwrap().iter().all(|entry| entry["attempts"] == 1), "{logs}");
    app.finish().await;
}

async fn a_webhook_with_a_rate_delays_no_other(app: TestApp) {
    let slow = app.webhook_with("slow", json!({ "rateLimit": { "requests": 1 } }), Behaviour::default()).await;
    let free = app.webhook("free").await;
    publish_many(&app.client, 60).await;
    // The clock stands still.
    app.receiver.wait_for(&free.path, 60, SOON).await.unwrap();
    app.receiver.wait_for(&slow.path, 1, SOON).await.unwrap();
    app.sweep().await;
    assert_eq!(app.metric("angarium_webhooks_held").await, 1);
    publish_many(&app.client, 1).await;
    app.receiver.wait_for(&free.path, 61, SOON).await.unwrap();
    assert_eq!(app.receiver.count(&slow.path), 1);
    // Without its rate everything goes out.
    let path = format!("/api/v1/webhooks/{}", slow.id);
    let changed = app.client.patch(&path, &json!({ "rateLimit": null })).await.expect(200).data();
    assert_eq!(changed["rateLimit"], json!(null));
    app.advance(Duration::from_secs(1));
    app.while_time_passes(app.receiver.wait_for(&slow.path, 61, SOON)).await.unwrap();
    app.finish().await;
}

async fn a_rate_is_a_setting_like_the_others(app: TestApp) {
    let webhook = app.webhook_with("hook", json!({ "rateLimit": { "requests": 5 } }), Behaviour::default()).await;
    let path = format!("/api/v1/webhooks/{}", webhook.id);
    let shown = app.client.get(&path).await.expect(200).data();
    assert_eq!(shown["rateLimit"], json!({ "requests": 5, "window": "1s" }));
    let minute = json!({ "rateLimit": { "requests": 90, "window": "1m" } });
    assert_eq!(app.client.put(&path, &minute).await.expect(200).data()["rateLimit"], minute["rateLimit"]);
    let renamed = app.client.patch(&path, &json!({ "name": "other" })).await.expect(200).data();
    assert_eq!(renamed["rateLimit"], minute["rateLimit"]);
    for bad in
        [json!({}), json!({ "requests": 0 }), json!({ "requests": 1, "window": "1d" }), json!({ "requests": -1 })]
    {
        let refused = app.client.patch(&path, &json!({ "rateLimit": bad })).await.expect(422);
        assert_eq!(refused.code(), "VALIDATION_ERROR", "{bad}");
    }
    app.client.patch(&path, &json!({ "rateLimit": { "requests": 1, "burst": 2 } })).await.expect(422);
    app.finish().await;
}

async fn a_long_window_parks_what_is_too_much(app: TestApp) {
    let hourly = json!({ "rateLimit": { "requests": 3, "window": "1h" } });
    let webhook = app.webhook_with("hourly", hourly, Behaviour::default()).await;
    publish_many(&app.client, 7).await;
    app.receiver.wait_for(&webhook.path, 3, SOON).await.unwrap();
    app.written_down(&webhook).await;
    for minutes in [10, 30, 19] {
        app.advance(Duration::from_mins(minutes));
        app.sweep().await;
    }
    assert_eq!(app.receiver.count(&webhook.path), 3);
    app.advance(Duration::from_mins(1));
    app.receiver.wait_for(&webhook.path, 6, SOON).await.unwrap();
    // What was due an hour ago was allowed only now: nothing was late.
    assert!(app.metric("angarium_oldest_ready_seconds").await < 60);
    app.written_down(&webhook).await;
    app.advance(Duration::from_mins(59));
    app.sweep().await;
    assert_eq!(app.receiver.count(&webhook.path), 6);
    app.advance(Duration::from_mins(2));
    app.receiver.wait_for(&webhook.path, 7, SOON).await.unwrap();
    app.finish().await;
}

async fn a_receiver_says_how_much_it_takes(mut app: TestApp) {
    app.config.delivery.origin = "hooks.example.com".into();
    app.restart().await;
    // Its own rate is larger than what the receiver agrees to, and holds as well.
    let fields = json!({ "profile": "cloudevents", "handshake": true, "rateLimit": { "requests": 2 } });
    let behaviour = Behaviour::default();
    let webhook = app.webhook_with("agreed", fields, behaviour).await;
    let id = webhook.id.parse().unwrap();
    let url = app.receiver.url(&webhook.path);
    let consent =
        angarium::domain::handshake::Consent { url, origin: "hooks.example.com".into(), rate_per_minute: Some(4) };
    app.app().engine.keep_consent(app.scope, id, consent).await.unwrap();
    publish_many(&app.client, 6).await;
    wait_for(&app, &webhook.path, 4).await;
    let first = times(&app, &webhook.path);
    assert!(most_in(&first, Duration::from_secs(1)) <= 2, "{first:?}");
    app.advance(Duration::from_secs(50));
    app.sweep().await;
    assert_eq!(app.receiver.count(&webhook.path), 4);
    app.advance(Duration::from_secs(10));
    wait_for(&app, &webhook.path, 6).await;
    app.finish().await;
}

async fn with_plans(engine: TestEngine) -> TestApp {
    let limits = "requests_per_hour = -1\nrequests_per_month = -1\nevents_per_month = -1\nwebhooks = -1\n\
        event_data_bytes = -1\nwebhook_concurrency = -1\n";
    let plans = format!(
        "default_plan = \"unlimited\"\n[meters]\n[plans.unlimited]\n{limits}[plans.paced]\n{limits}webhook_rate = 5\n"
    );
    TestApp::start_with_plans(engine, &plans).await
}

mod plans {
    use super::{a_plan_sells_a_rate, both_engines, with_plans};

    both_engines!(with_plans; a_plan_sells_a_rate);
}

async fn a_plan_sells_a_rate(app: TestApp) {
    let paced = app.client_on("paced", Environment::Staging).await;
    let body = json!({
        "name": "sold", "url": app.receiver.url("/sold"), "events": ["*"], "rateLimit": { "requests": 1000 },
    });
    paced.post("/api/v1/webhooks", &body).await.expect(201);
    app.receiver.route("/sold", Route::new(Vec::new()));
    publish_many(&paced, 15).await;
    wait_for(&app, "/sold", 15).await;
    assert_paced(&app, "/sold", 15, 5);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_keep_one_rate() {
    let app = TestApp::start(TestEngine::Distributed).await;
    let second = App::start(&app.config, Role::All, app.clock.clone()).await.unwrap();
    eventually("the broker is ready", || async { second.engine.broker().health().ready.then_some(()) }).await;
    let there = app.client.at(second.api.unwrap());
    let slow = app.webhook_with("slow", json!({ "rateLimit": { "requests": 5 } }), Behaviour::default()).await;
    // The other process knows the webhook when it is asked for it.
    there.get(&format!("/api/v1/webhooks/{}", slow.id)).await.expect(200);
    for _ in 0..5 {
        publish_many(&app.client, 2).await;
        publish_many(&there, 2).await;
    }
    wait_for(&app, &slow.path, 20).await;
    assert_paced(&app, &slow.path, 20, 5);
    second.stop().await;
    app.finish().await;
}
