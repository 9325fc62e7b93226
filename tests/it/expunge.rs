//! Expunging an event: its data is gone from everywhere, and what is left says so.

use std::time::Duration;

use angarium::domain::tenant::Environment;
use angarium::receiver::Behaviour;
use serde_json::json;

use crate::support::{TestApp, both_engines};

both_engines!(the_data_of_an_event_is_erased, what_waits_is_cancelled, what_was_erased_is_not_sent_again);

const SECRET: &str = "4111-1111-1111-1111";

async fn the_data_of_an_event_is_erased(app: TestApp) {
    app.webhook("hook").await;
    let event = app.publish("a.b", json!({ "card": SECRET })).await;
    let before = app.delivery_in(&event, "delivered").await;
    assert!(!before["attemptLog"][0]["requestHeaders"].as_object().unwrap().is_empty());
    let path = format!("/api/v1/events/{event}");
    for stranger in
        [app.client_of("other", Environment::Staging).await, app.client_of("acme", Environment::Production).await]
    {
        stranger.post(&format!("{path}/expunge"), &json!({})).await.expect(404);
    }
    app.client_with(&["read:events"]).await.post(&format!("{path}/expunge"), &json!({})).await.expect(403);
    let erased = app.client.post(&format!("{path}/expunge"), &json!({})).await.expect(200).data();
    assert_eq!((&erased["id"], &erased["expungedAt"]), (&json!(event), &json!(app.clock.now())));
    let left = app.client.get(&path).await.expect(200).data();
    assert_eq!((&left["data"], &left["type"], &left["expungedAt"]), (&json!({}), &json!("a.b"), &erased["expungedAt"]));
    let delivery = app.delivery_in(&event, "delivered").await;
    let attempt = &delivery["attemptLog"][0];
    assert_eq!((&attempt["requestHeaders"], &attempt["responseHeaders"]), (&json!({}), &json!({})));
    assert_eq!((&attempt["responseExcerpt"], &attempt["status"]), (&json!(""), &json!(200)));
    // Again, later: it is what it was.
    app.advance(Duration::from_mins(1));
    let again = app.client.post(&format!("{path}/expunge"), &json!({})).await.expect(200).data();
    assert_eq!(again["expungedAt"], erased["expungedAt"]);
    app.finish().await;
}

async fn what_waits_is_cancelled(app: TestApp) {
    let webhook = app.webhook_with("flaky", json!({}), Behaviour::fail_first(1)).await;
    let event = app.publish("a.b", json!({ "card": SECRET })).await;
    app.delivery_after(&event, 1).await;
    app.client.post(&format!("/api/v1/events/{event}/expunge"), &json!({})).await.expect(200);
    let delivery = app.delivery_in(&event, "cancelled").await;
    assert_eq!(
        (&delivery["note"], &delivery["nextAttemptAt"]),
        (&json!("The data of the event was erased."), &json!(null))
    );
    app.advance(Duration::from_hours(1));
    app.sweep().await;
    assert_eq!(app.receiver.count(&webhook.path), 1);
    app.finish().await;
}

async fn what_was_erased_is_not_sent_again(app: TestApp) {
    let fields = json!({ "events": ["a.b"], "retryPolicy": { "maxRetries": 0 } });
    let webhook = app.webhook_with("bad", fields, Behaviour::status(400)).await;
    let event = app.publish("a.b", json!({ "card": SECRET })).await;
    let delivery = app.delivery_in(&event, "dead").await["id"].as_str().unwrap().to_owned();
    app.client.post(&format!("/api/v1/events/{event}/expunge"), &json!({})).await.expect(200);
    assert_eq!(app.client.get("/api/v1/dead-letters").await.expect(200).data(), json!([]));
    let refused = app.client.post(&format!("/api/v1/events/{event}/replay"), &json!({})).await.expect(409);
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("The data of the event was erased at 2026-11-21T12:00:"), "{message}");
    for path in [format!("deliveries/{delivery}/retry"), format!("dead-letters/{delivery}/redrive")] {
        app.client.post(&format!("/api/v1/{path}"), &json!({})).await.expect(409);
    }
    let all = json!({ "onlyFailed": false, "dryRun": true });
    let preview = app.client.post("/api/v1/replays", &all).await.expect(200).data();
    assert_eq!(
        (&preview["count"], &preview["skipped"][0]["reason"]),
        (&json!(0), &json!("the data of the event was erased"))
    );
    assert_eq!(app.receiver.count(&webhook.path), 1);
    app.finish().await;
}
