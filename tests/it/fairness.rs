//! Fairness: a webhook that hangs, a tenant with a backlog, or a receiver that is down is nobody else's trouble.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use angarium::domain::tenant::Environment;
use angarium::receiver::{Behaviour, Fault, Receiver, ReceiverOptions, Route};
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::{SOON, TestApp, both_engines, eventually};

both_engines!(
    hanging_webhooks_keep_to_their_places,
    a_backlog_of_one_tenant_is_not_in_the_way_of_another,
    a_dead_receiver_is_left_alone_until_it_is_back,
    a_webhook_that_only_fails_is_disabled_after_a_warning,
);

/// Slow enough that no lease ends while its request is on the wire.
const STEP: Duration = Duration::from_millis(250);
const DAY: Duration = Duration::from_hours(24);

async fn publish_many(client: &Client, event_type: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::with_capacity(count);
    for start in (0..count).step_by(1000) {
        let size = 1000.min(count - start);
        let batch = json!({ "events": vec![json!({ "type": event_type, "data": {} }); size] });
        let data = client.post("/api/v1/events/batch", &batch).await.expect(202).data();
        let results = data["results"].as_array().unwrap();
        ids.extend(results.iter().map(|result| result["data"]["id"].as_str().unwrap().to_owned()));
    }
    ids
}

fn ids_at(app: &TestApp, path: &str) -> HashSet<String> {
    app.receiver.records(path).iter().map(|record| record.id().to_owned()).collect()
}

async fn hanging_webhooks_keep_to_their_places(mut app: TestApp) {
    const EVENTS: u64 = 40;
    let mut paths = Vec::new();
    for n in 0..20 {
        let behaviour = if n < 5 { Behaviour::fault(Fault::Hang) } else { Behaviour::default() };
        paths.push(app.webhook_with(&format!("hook{n}"), json!({ "timeoutMs": 30_000 }), behaviour).await.path);
    }
    let (hanging, healthy) = paths.split_at(5);
    let began = Instant::now();
    publish_many(&app.client, "a.b", usize::try_from(EVENTS).unwrap()).await;
    for path in healthy {
        app.receiver.wait_for(path, EVENTS, Duration::from_secs(15)).await.unwrap();
        assert_eq!(app.receiver.count(path), EVENTS, "{path}");
    }
    // None of these can have ended yet, so what came is what is open.
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    for path in hanging {
        let open = app.receiver.count(path);
        assert!((1..=u64::from(app.config.delivery.concurrency_start)).contains(&open), "{path}: {open}");
    }
    // The old receiver takes its open connections with it.
    app.receiver = Receiver::start(ReceiverOptions { clock: app.clock.clone(), ..ReceiverOptions::default() }).unwrap();
    app.finish().await;
}

async fn a_backlog_of_one_tenant_is_not_in_the_way_of_another(app: TestApp) {
    const BACKLOG: u64 = 2000;
    let slow = Behaviour::delay(Duration::from_millis(100));
    let webhook = app.webhook_with("slow", json!({}), slow).await;
    let other = app.client_of("globex", Environment::Staging).await;
    let body = json!({ "name": "quick", "url": app.receiver.url("/quick"), "events": ["*"] });
    other.post("/api/v1/webhooks", &body).await.expect(201);
    app.receiver.route("/quick", Route::new(Vec::new()));

    publish_many(&app.client, "a.b", usize::try_from(BACKLOG).unwrap()).await;
    for n in 1..=3 {
        let began = Instant::now();
        other.post("/api/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202);
        app.receiver.wait_for("/quick", n, SOON).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(2), "it waited for {:?}", began.elapsed());
    }
    assert!(app.receiver.count(&webhook.path) < BACKLOG, "the backlog was gone before it was of any use");
    app.receiver.behave(&webhook.path, Behaviour::default());
    eventually("the backlog is delivered", || async {
        // What has no place in memory waits for a gate to open.
        app.advance(STEP);
        (u64::try_from(ids_at(&app, &webhook.path).len()).unwrap() == BACKLOG).then_some(())
    })
    .await;
    assert_eq!(app.receiver.count(&webhook.path), BACKLOG);
    app.finish().await;
}

async fn a_dead_receiver_is_left_alone_until_it_is_back(app: TestApp) {
    const EVENTS: usize = 200;
    let webhook = app.webhook_with("dead", json!({}), Behaviour::fault(Fault::Reset)).await;
    let published: HashSet<String> = publish_many(&app.client, "a.b", EVENTS).await.into_iter().collect();
    let id: angarium::domain::id::WebhookId = webhook.id.parse().unwrap();
    eventually("the circuit is open", || async {
        let gates = app.app().engine.store().gates(app.clock.now()).await.unwrap();
        gates.iter().any(|(gated, _)| *gated == id).then_some(())
    })
    .await;
    // As many as were on the wire at once, and those that opened it.
    let tried = app.receiver.count(&webhook.path);
    assert!(tried <= 20, "{tried} attempts reached a dead receiver");
    // Each time that the circuit asks again, it asks once.
    for _ in 0..5 {
        let before = app.receiver.count(&webhook.path);
        eventually("a probe was sent", || async {
            app.advance(Duration::from_secs(5));
            (app.receiver.count(&webhook.path) > before).then_some(())
        })
        .await;
    }
    let tried = app.receiver.count(&webhook.path);
    assert!(tried <= 40, "{tried} attempts reached a dead receiver");

    app.receiver.forget(&webhook.path);
    app.receiver.behave(&webhook.path, Behaviour::default());
    eventually("everything is delivered", || async {
        app.advance(Duration::from_secs(5));
        (ids_at(&app, &webhook.path) == published).then_some(())
    })
    .await;
    assert_eq!(app.receiver.count(&webhook.path), u64::try_from(EVENTS).unwrap());
    assert_eq!(app.receiver.refused(&webhook.path), 0);
    app.finish().await;
}

fn notices(app: &TestApp, path: &str) -> Vec<Value> {
    app.receiver.records(path).iter().map(|record| serde_json::from_slice(&record.body).unwrap()).collect()
}

async fn a_webhook_that_only_fails_is_disabled_after_a_warning(app: TestApp) {
    let events = json!({ "events": ["webhook.failing", "webhook.disabled"] });
    let watch = app.webhook_with("watch", events, Behaviour::default()).await;
    let policy = json!({ "events": ["order.*"], "retryPolicy": { "schedule": [5] } });
    let broken = app.webhook_with("broken", policy.clone(), Behaviour::status(500)).await;
    let flaky = app.webhook_with("flaky", policy, Behaviour::fail_first(1)).await;
    let event = app.publish("order.created", json!({})).await;
    eventually("both have failed", || async {
        let deliveries = app.deliveries(&event).await;
        deliveries.iter().all(|delivery| delivery["attempts"] == 1).then_some(())
    })
    .await;
    app.advance(Duration::from_secs(10));
    app.receiver.wait_for(&flaky.path, 2, SOON).await.unwrap();
    eventually("the flaky one's success is settled", || async {
        app.deliveries(&event).await.iter().any(|delivery| delivery["status"] == "delivered").then_some(())
    })
    .await;

    app.advance(DAY * 5 / 2);
    app.receiver.wait_for(&watch.path, 1, SOON).await.unwrap();
    let warning = notices(&app, &watch.path).remove(0);
    assert_eq!((&warning["event"], &warning["data"]["webhookId"]), (&json!("webhook.failing"), &json!(broken.id)));
    assert_eq!(warning["data"]["disablesAt"], "2026-11-26T12:00:00.000Z");
    let path = format!("/api/v1/webhooks/{}", broken.id);
    assert_eq!(app.client.get(&path).await.data()["status"], "active");

    app.advance(DAY * 5 / 2);
    app.receiver.wait_for(&watch.path, 2, SOON).await.unwrap();
    let notice = notices(&app, &watch.path).remove(1);
    assert_eq!((&notice["event"], &notice["data"]["webhookId"]), (&json!("webhook.disabled"), &json!(broken.id)));
    let disabled = app.client.get(&path).await.data();
    assert_eq!((&disabled["status"], &disabled["isActive"]), (&json!("disabled"), &json!(false)));
    assert!(disabled["statusReason"].as_str().unwrap().contains("2026-11-21"), "{disabled}");
    let other = app.client.get(&format!("/api/v1/webhooks/{}", flaky.id)).await.data();
    assert_eq!(other["status"], "active");
    // It gets nothing more, and nothing is said twice.
    let before = app.receiver.count(&broken.path);
    let event = app.publish("order.created", json!({})).await;
    app.receiver.wait_for(&flaky.path, 3, SOON).await.unwrap();
    app.written_down(&flaky).await;
    app.advance(Duration::from_hours(1));
    app.publish("order.created", json!({})).await;
    app.receiver.wait_for(&flaky.path, 4, SOON).await.unwrap();
    assert_eq!(app.receiver.count(&broken.path), before);
    assert_eq!(app.receiver.count(&watch.path), 2);
    let deliveries = app.deliveries(&event).await;
    let kept = deliveries.iter().find(|delivery| delivery["webhookId"] == broken.id.as_str());
    assert_eq!(kept.unwrap()["status"], "pending");
    // What came meanwhile waits until somebody resumes it.
    app.receiver.behave(&broken.path, Behaviour::default());
    app.client.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    app.receiver.wait_for(&broken.path, before + 2, SOON).await.unwrap();
    app.finish().await;
}
