//! Replay: an event that was accepted once can be sent again, as a new delivery under the same `webhook-id`.

use angarium::domain::tenant::Environment;
use angarium::receiver::{Behaviour, Verdict};
use serde_json::json;

use crate::support::{SOON, TestApp, both_engines, eventually};

both_engines!(
    an_event_is_replayed_to_all_that_want_it_now,
    an_event_is_replayed_to_one_webhook,
    what_does_not_exist_is_not_replayed,
);

async fn an_event_is_replayed_to_all_that_want_it_now(app: TestApp) {
    let old = app.webhook("old").await;
    let event = app.publish("order.created", json!({ "number": 7 })).await;
    app.delivery_in(&event, "delivered").await;
    let new = app.webhook("new").await;
    let replayed = app.client.post(&format!("/api/v1/events/{event}/replay"), &json!({})).await.expect(202).data();
    assert_eq!((&replayed["id"], &replayed["deliveries"]), (&json!(event), &json!(2)));

    let to_old = app.receiver.wait_for(&old.path, 2, SOON).await.unwrap();
    let to_new = app.receiver.wait_for(&new.path, 1, SOON).await.unwrap();
    for record in to_old.iter().chain(&to_new) {
        assert_eq!((record.id(), record.verdict), (event.as_str(), Verdict::Verified));
        assert_eq!(record.body, to_old[0].body);
    }
    eventually("all three are delivered", || async {
        let deliveries = app.deliveries(&event).await;
        deliveries.iter().all(|delivery| delivery["status"] == "delivered").then_some(())
    })
    .await;
    let mut reasons: Vec<_> = app.deliveries(&event).await.into_iter().map(|d| d["reason"].to_string()).collect();
    reasons.sort();
    assert_eq!(reasons, ["\"event\"", "\"replay\"", "\"replay\""]);
    app.finish().await;
}

async fn an_event_is_replayed_to_one_webhook(app: TestApp) {
    let one = app.webhook_with("one", json!({ "events": ["something.else"] }), Behaviour::default()).await;
    let other = app.webhook("other").await;
    let event = app.publish("order.created", json!({})).await;
    app.delivery_in(&event, "delivered").await;
    let path = format!("/api/v1/events/{event}/replay");
    let replayed = app.client.post(&path, &json!({ "webhookId": one.id })).await.expect(202).data();
    assert_eq!(replayed["deliveries"], 1);
    let record = app.receiver.wait_for(&one.path, 1, SOON).await.unwrap().remove(0);
    assert_eq!((record.id(), app.receiver.count(&other.path)), (event.as_str(), 1));
    app.finish().await;
}

async fn what_does_not_exist_is_not_replayed(app: TestApp) {
    let webhook = app.webhook("mine").await;
    let nothing = "0".repeat(26);
    let unknown = app.client.post(&format!("/api/v1/events/evt_{nothing}/replay"), &json!({})).await.expect(404);
    assert_eq!(unknown.json()["error"]["message"], "There is no such event.");
    let event = app.publish("a.b", json!({})).await;
    app.delivery_in(&event, "delivered").await;
    let path = format!("/api/v1/events/{event}/replay");
    let body = json!({ "webhookId": format!("wh_{nothing}") });
    let unknown = app.client.post(&path, &body).await.expect(404);
    assert_eq!(unknown.json()["error"]["message"], "There is no such webhook.");
    for stranger in
        [app.client_of("other", Environment::Staging).await, app.client_of("acme", Environment::Production).await]
    {
        stranger.post(&path, &json!({})).await.expect(404);
        stranger.post(&path, &json!({ "webhookId": webhook.id })).await.expect(404);
    }
    app.client.delete(&format!("/api/v1/webhooks/{}", webhook.id)).await.expect(200);
    app.client.post(&path, &json!({ "webhookId": webhook.id })).await.expect(404);
    assert_eq!(app.deliveries(&event).await.len(), 1);
    app.finish().await;
}
