//! `deliverAt`: an event is accepted now and delivered then.

use std::time::Duration;

use angarium::domain::time::Timestamp;
use angarium::receiver::Behaviour;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::JsonBody as _;
use crate::support::{SOON, TestApp, TestEngine, both_engines, eventually, time};

both_engines!(
    nothing_is_sent_before_its_time,
    what_is_scheduled_outlives_a_restart_a_pause_and_a_resume,
    a_replay_and_a_retry_are_sent_now,
    what_is_scheduled_is_called_off_with_its_webhook,
    only_a_time_within_bounds_is_taken,
);

const DAY: Duration = Duration::from_hours(24);

async fn schedule(app: &TestApp, at: Timestamp) -> String {
    let body = json!({ "type": "a.b", "data": {}, "deliverAt": at.to_string() });
    let accepted = app.client.post("/api/v1/events", &body).await.expect(202).data();
    assert_eq!(accepted["deliveries"], 1);
    accepted["id"].as_str().unwrap().to_owned()
}

async fn nothing_is_sent_before_its_time(app: TestApp) {
    let webhook = app.webhook("hook").await;
    let accepted_at = app.clock.now();
    let at = accepted_at.after(Duration::from_hours(2));
    let event = schedule(&app, at).await;
    let kept = app.client.get(&format!("/api/v1/events/{event}")).await.expect(200).data();
    assert_eq!((time(&kept["deliverAt"]), time(&kept["createdAt"])), (at, accepted_at));

    app.sweep().await;
    app.advance_to(at.before(Duration::from_millis(1)));
    app.sweep().await;
    assert_eq!(app.receiver.count(&webhook.path), 0);
    assert_eq!(app.deliveries(&event).await[0]["status"], "pending");
    app.advance_to(at);
    let delivery = app.delivery_in(&event, "delivered").await;
    assert_eq!(delivery["attempts"], 1);
    let record = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap().remove(0);
    // It says when it happened, which is not when it was to be told.
    let body: Value = serde_json::from_slice(&record.body).unwrap();
    assert_eq!(time(&body["timestamp"]), accepted_at);

    // What lies a moment back is sent at once: clocks differ.
    let event = schedule(&app, app.clock.now().before(Duration::from_mins(1))).await;
    app.delivery_in(&event, "delivered").await;
    app.finish().await;
}

async fn what_is_scheduled_outlives_a_restart_a_pause_and_a_resume(mut app: TestApp) {
    let webhook = app.webhook("hook").await;
    let path = format!("/api/v1/webhooks/{}", webhook.id);
    let at = app.clock.now().after(DAY);
    let before_pause = schedule(&app, at).await;
    app.client.post(&format!("{path}/pause"), &json!({})).await.expect(200);
    let while_paused = schedule(&app, at).await;
    app.client.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    app.restart().await;
    app.sweep().await;
    for event in [&before_pause, &while_paused] {
        assert_eq!(app.deliveries(event).await[0]["status"], "pending");
    }
    assert_eq!(app.receiver.count(&webhook.path), 0, "a resume does not hurry what is scheduled");

    app.client.post(&format!("{path}/pause"), &json!({})).await.expect(200);
    app.advance_to(at);
    app.sweep().await;
    assert_eq!(app.receiver.count(&webhook.path), 0);
    app.client.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    for event in [&before_pause, &while_paused] {
        app.delivery_in(event, "delivered").await;
    }
    app.finish().await;
}

async fn a_replay_and_a_retry_are_sent_now(app: TestApp) {
    let webhook = app.webhook("hook").await;
    let event = schedule(&app, app.clock.now().after(DAY)).await;
    app.client.post(&format!("/api/v1/events/{event}/replay"), &json!({})).await.expect(202);
    app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap();
    let waiting = eventually("the replay is delivered, the scheduled one waits", || async {
        let deliveries = app.deliveries(&event).await;
        let done = deliveries.iter().any(|d| d["status"] == "delivered" && d["reason"] == "replay");
        done.then(|| deliveries.into_iter().find(|d| d["status"] == "pending")).flatten()
    })
    .await;
    assert_eq!(waiting["reason"], "event");
    let retry = format!("/api/v1/deliveries/{}/retry", waiting["id"].as_str().unwrap());
    let reply = app.client.post(&retry, &json!({})).await;
    assert!((200..300).contains(&reply.status), "{}", reply.text);
    app.receiver.wait_for(&webhook.path, 2, SOON).await.unwrap();
    app.finish().await;
}

async fn what_is_scheduled_is_called_off_with_its_webhook(app: TestApp) {
    let webhook = app.webhook("hook").await;
    let at = app.clock.now().after(DAY);
    let event = schedule(&app, at).await;
    app.client.delete(&format!("/api/v1/webhooks/{}", webhook.id)).await.expect(200);
    app.delivery_in(&event, "cancelled").await;
    app.advance_to(at);
    app.sweep().await;
    assert_eq!(app.receiver.count(&webhook.path), 0);
    app.finish().await;
}

async fn retention_keeps_what_is_still_to_be_delivered(engine: TestEngine) {
    let app = TestApp::start_with(engine, |config| config.scheduler.retention_days = 7).await;
    let webhook = app.webhook_with("hook", json!({ "events": ["a.b"] }), Behaviour::fail_first(1)).await;
    let older = app.publish("other", json!({})).await;
    app.advance(DAY);
    let at = app.clock.now().after(DAY * 30);
    let event = schedule(&app, at).await;
    let is_gone = async |event: &str| app.client.get(&format!("/api/v1/events/{event}")).await.status == 404;
    app.advance_to(at.before(Duration::from_mins(61)));
    eventually("retention has been at work", || async { is_gone(&older).await.then_some(()) }).await;
    assert!(!is_gone(&event).await, "its time has not come");
    app.advance_to(at);
    app.delivery_after(&event, 1).await;
    app.advance(Duration::from_secs(5));
    app.delivery_in(&event, "delivered").await;
    assert_eq!(app.receiver.count(&webhook.path), 2);
    app.advance(DAY * 8);
    eventually("nothing is kept for ever", || async { is_gone(&event).await.then_some(()) }).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_keeps_what_is_still_to_be_delivered_embedded() {
    retention_keeps_what_is_still_to_be_delivered(TestEngine::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_keeps_what_is_still_to_be_delivered_distributed() {
    retention_keeps_what_is_still_to_be_delivered(TestEngine::Distributed).await;
}

async fn only_a_time_within_bounds_is_taken(app: TestApp) {
    app.webhook("hook").await;
    let now = app.clock.now();
    let publish = async |at: Value| {
        let body = json!({ "type": "a.b", "data": {}, "deliverAt": at });
        app.client.send(app.client.request(Method::POST, "/api/v1/events").json_body(&body)).await
    };
    let moment = Duration::from_millis(1);
    for (at, code) in [
        (json!("tomorrow"), "INVALID"),
        (json!(""), "INVALID"),
        (json!("2026-11-22"), "INVALID"),
        (json!(1_800_000_000), "WRONG_TYPE"),
        (json!(now.after(DAY * 30).after(moment).to_string()), "OUT_OF_RANGE"),
        (json!("9999-01-01T00:00:00Z"), "OUT_OF_RANGE"),
        (json!(now.before(Duration::from_mins(5)).before(moment).to_string()), "OUT_OF_RANGE"),
    ] {
        let reply = publish(at.clone()).await.expect(422).json();
        let error = &reply["error"]["details"]["errors"][0];
        assert_eq!((&error["path"], &error["code"]), (&json!(["deliverAt"]), &json!(code)), "{at}");
    }
    publish(json!(now.after(DAY * 30).to_string())).await.expect(202);
    publish(json!(null)).await.expect(202);
    publish(json!("2026-11-21T15:00:00+02:00")).await.expect(202);
    app.finish().await;
}

async fn a_deployment_may_schedule_nothing(engine: TestEngine) {
    let app = TestApp::start_with(engine, |config| config.accept.deliver_at_max_days = 0).await;
    let body = json!({ "type": "a.b", "data": {}, "deliverAt": app.clock.now().to_string() });
    let reply = app.client.post("/api/v1/events", &body).await.expect(422).json();
    assert_eq!(reply["error"]["details"]["errors"][0]["code"], "NOT_ALLOWED");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_may_schedule_nothing_embedded() {
    a_deployment_may_schedule_nothing(TestEngine::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_may_schedule_nothing_distributed() {
    a_deployment_may_schedule_nothing(TestEngine::Distributed).await;
}
