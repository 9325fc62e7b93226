//! Webhooks with a strict order: one delivery at a time, as events were accepted, whatever fails in between.

use std::time::Duration;

use angarium::app::{App, Role};
use angarium::receiver::{Behaviour, Fault};
use serde_json::json;

use crate::support::{SOON, TestApp, TestEngine, both_engines, eventually};

both_engines!(
    deliveries_go_out_as_they_were_accepted,
    one_that_fails_holds_back_those_behind_it,
    a_dead_or_cancelled_one_lets_the_next_go,
    a_paused_line_keeps_its_order,
    an_order_is_a_setting_like_the_others,
    a_restart_keeps_the_order,
);

fn strict() -> serde_json::Value {
    json!({ "ordering": "strict", "events": ["a.b"], "retryPolicy": { "schedule": [5, 5] } })
}

async fn publish(app: &TestApp, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(app.publish("a.b", json!({ "n": n })).await);
    }
    ids
}

/// The ids that came, without repetitions of one that was tried again.
fn came(app: &TestApp, path: &str) -> Vec<String> {
    let mut ids: Vec<String> = app.receiver.records(path).iter().map(|record| record.id().to_owned()).collect();
    ids.dedup();
    ids
}

async fn deliveries_go_out_as_they_were_accepted(app: TestApp) {
    // Slow enough that two would be on the wire at once, if they might.
    let behaviour = Behaviour::delay(Duration::from_millis(5));
    let webhook = app.webhook_with("line", strict(), behaviour).await;
    let mut published = publish(&app, 5).await;
    let batch = json!({ "events": vec![json!({ "type": "a.b", "data": {} }); 30] });
    let data = app.client.post("/api/v1/events/batch", &batch).await.expect(202).data();
    let results = data["results"].as_array().unwrap();
    published.extend(results.iter().map(|result| result["data"]["id"].as_str().unwrap().to_owned()));
    published.extend(publish(&app, 5).await);
    app.receiver.wait_for(&webhook.path, 40, SOON).await.unwrap();
    assert_eq!(came(&app, &webhook.path), published);
    app.finish().await;
}

async fn one_that_fails_holds_back_those_behind_it(app: TestApp) {
    let webhook = app.webhook_with("line", strict(), Behaviour::default()).await;
    let free = app.webhook_with("free", json!({ "events": ["a.b"] }), Behaviour::default()).await;
    let first = publish(&app, 2).await;
    app.receiver.wait_for(&webhook.path, 2, SOON).await.unwrap();
    app.receiver.behave(&webhook.path, Behaviour::status(503));
    let held = publish(&app, 4).await;
    app.receiver.wait_for(&webhook.path, 3, SOON).await.unwrap();
    app.receiver.wait_for(&free.path, 6, SOON).await.unwrap();
    app.advance(Duration::from_secs(2));
    for _ in 0..3 {
        app.sweep().await;
    }
    assert_eq!(app.receiver.count(&webhook.path), 3);
    // Those behind it are late, and wait for nothing that we could do.
    assert_eq!((app.metric("angarium_webhooks_held").await, app.metric("angarium_oldest_due_seconds").await), (1, 2));
    assert_eq!(app.metric("angarium_oldest_ready_seconds").await, 0);
    app.receiver.behave(&webhook.path, Behaviour::default());
    app.advance(Duration::from_secs(10));
    app.receiver.wait_for(&webhook.path, 7, SOON).await.unwrap();
    assert_eq!(came(&app, &webhook.path), [first, held].concat());
    app.finish().await;
}

async fn a_dead_or_cancelled_one_lets_the_next_go(app: TestApp) {
    let webhook = app.webhook_with("line", strict(), Behaviour::status(500)).await;
    let published = publish(&app, 3).await;
    for _ in 0..2 {
        let before = app.receiver.count(&webhook.path).max(1);
        app.receiver.wait_for(&webhook.path, before, SOON).await.unwrap();
        eventually("it was tried again", || async {
            app.advance(Duration::from_secs(1));
            (app.receiver.count(&webhook.path) > before).then_some(())
        })
        .await;
    }
    eventually("the first is dead, and the second was tried", || async {
        let dead = app.deliveries(&published[0]).await[0]["status"] == "dead";
        (dead && app.deliveries(&published[1]).await[0]["attempts"] == 1).then_some(())
    })
    .await;
    assert_eq!(app.deliveries(&published[2]).await[0]["attempts"], 0);
    // A person calls the second one off.
    app.receiver.behave(&webhook.path, Behaviour::default());
    let id = app.deliveries(&published[1]).await[0]["id"].as_str().unwrap().to_owned();
    app.client.post(&format!("/api/v1/deliveries/{id}/cancel"), &json!({})).await.expect(200);
    app.delivery_in(&published[2], "delivered").await;
    assert_eq!(came(&app, &webhook.path), published);
    app.finish().await;
}

async fn a_paused_line_keeps_its_order(app: TestApp) {
    let webhook = app.webhook_with("line", strict(), Behaviour::default()).await;
    let path = format!("/api/v1/webhooks/{}", webhook.id);
    app.client.post(&format!("{path}/pause"), &json!({})).await.expect(200);
    let mut published = publish(&app, 4).await;
    app.sweep().await;
    // Asking for one of them now does not move it.
    let id = app.deliveries(&published[1]).await[0]["id"].as_str().unwrap().to_owned();
    app.advance(Duration::from_secs(1));
    app.client.post(&format!("/api/v1/deliveries/{id}/retry"), &json!({})).await.expect(200);
    published.extend(publish(&app, 2).await);
    assert_eq!(app.receiver.count(&webhook.path), 0);
    app.client.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    app.receiver.wait_for(&webhook.path, 6, SOON).await.unwrap();
    assert_eq!(came(&app, &webhook.path), published);
    app.finish().await;
}

async fn an_order_is_a_setting_like_the_others(app: TestApp) {
    let webhook = app.webhook("hook").await;
    let path = format!("/api/v1/webhooks/{}", webhook.id);
    assert_eq!(app.client.get(&path).await.expect(200).data()["ordering"], "none");
    let changed = app.client.patch(&path, &json!({ "ordering": "strict" })).await.expect(200).data();
    assert_eq!(changed["ordering"], "strict");
    assert_eq!(app.client.put(&path, &json!({ "name": "n" })).await.expect(200).data()["ordering"], "strict");
    assert_eq!(app.client.patch(&path, &json!({ "ordering": "fifo" })).await.expect(422).code(), "VALIDATION_ERROR");
    let published = publish(&app, 5).await;
    app.receiver.wait_for(&webhook.path, 5, SOON).await.unwrap();
    assert_eq!(came(&app, &webhook.path), published);
    assert_eq!(app.client.patch(&path, &json!({ "ordering": null })).await.expect(200).data()["ordering"], "none");
    publish(&app, 5).await;
    app.receiver.wait_for(&webhook.path, 10, SOON).await.unwrap();
    app.finish().await;
}

async fn a_restart_keeps_the_order(mut app: TestApp) {
    let webhook = app.webhook_with("line", strict(), Behaviour::fault(Fault::Reset)).await;
    let published = publish(&app, 4).await;
    app.delivery_after(&published[0], 1).await;
    app.restart().await;
    app.receiver.behave(&webhook.path, Behaviour::default());
    app.advance(Duration::from_secs(10));
    app.receiver.wait_for(&webhook.path, 5, SOON).await.unwrap();
    assert_eq!(came(&app, &webhook.path), published);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_keep_the_order_over_a_retry() {
    let mut app = TestApp::start(TestEngine::Distributed).await;
    let webhook = app.webhook_with("line", strict(), Behaviour::delay(Duration::from_millis(2))).await;
    app.app.take().unwrap().stop().await;
    let mut processes = Vec::new();
    for role in [Role::Api, Role::Scheduler, Role::Worker, Role::Worker] {
        let process = App::start(&app.config, role, app.clock.clone()).await.unwrap();
        eventually("the broker is ready", || async { process.engine.broker().health().ready.then_some(()) }).await;
        processes.push(process);
    }
    app.client = app.client.at(processes[0].api.unwrap());
    let mut published = publish(&app, 10).await;
    app.receiver.wait_for(&webhook.path, 5, SOON).await.unwrap();
    app.receiver.wait_for(&webhook.path, 10, SOON).await.unwrap();
    app.receiver.behave(&webhook.path, Behaviour::status(500));
    published.extend(publish(&app, 10).await);
    app.receiver.wait_for(&webhook.path, 11, SOON).await.unwrap();
    app.delivery_after(&published[10], 1).await;
    app.receiver.behave(&webhook.path, Behaviour::default());
    // One of them leaves in the middle.
    processes.pop().unwrap().stop().await;
    app.advance(Duration::from_secs(10));
    app.receiver.wait_for(&webhook.path, 21, SOON).await.unwrap();
    assert_eq!(came(&app, &webhook.path), published);
    for process in processes {
        process.stop().await;
    }
    app.app = Some(App::start(&app.config, Role::All, app.clock.clone()).await.unwrap());
    app.finish().await;
}
