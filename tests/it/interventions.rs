//! What people do while deliveries are under way: retry, cancel, pause, delete, test, change the URL, rotate the secret.

use std::time::Duration;

use angarium::domain::profile::Profile;
use angarium::domain::secret::Secret;
use angarium::domain::signature::{Received, TOLERANCE, verify};
use angarium::receiver::{Behaviour, Fault, Record, Route, Verdict};
use serde_json::{Value, json};

use crate::support::{Reply, SOON, TestApp, TestWebhook, both_engines, eventually, time};

both_engines!(
    a_waiting_delivery_is_retried_at_once,
    a_delivered_one_is_sent_again,
    an_attempt_under_way_is_not_repeated,
    a_cancelled_delivery_is_not_attempted_again,
    a_paused_webhook_keeps_what_comes_until_it_resumes,
    a_deleted_webhook_is_sent_nothing_more,
    a_webhook_is_tested,
    a_new_url_counts_from_the_next_attempt,
    both_secrets_sign_until_the_overlap_ends,
    a_leaked_secret_stops_signing_at_once,
);

async fn on_delivery(app: &TestApp, delivery: &Value, verb: &str) -> Reply {
    app.client.post(&format!("/api/v1/deliveries/{}/{verb}", delivery["id"].as_str().unwrap()), &json!({})).await
}

async fn on_webhook(app: &TestApp, webhook: &TestWebhook, verb: &str, body: Value) -> Reply {
    app.client.post(&format!("/api/v1/webhooks/{}/{verb}", webhook.id), &body).await
}

async fn a_waiting_delivery_is_retried_at_once(app: TestApp) {
    let fields = json!({ "retryPolicy": { "schedule": [3600] } });
    app.webhook_with("flaky", fields, Behaviour::fail_first(1)).await;
    let event = app.publish("a.b", json!({})).await;
    let waiting = app.delivery_after(&event, 1).await;
    let retried = on_delivery(&app, &waiting, "retry").await.expect(200).data();
    assert_eq!((&retried["id"], &retried["status"]), (&waiting["id"], &json!("pending")));
    let delivered = app.delivery_in(&event, "delivered").await;
    assert_eq!((&delivered["id"], &delivered["attempts"]), (&waiting["id"], &json!(2)));
    app.finish().await;
}

async fn a_delivered_one_is_sent_again(app: TestApp) {
    let webhook = app.webhook("again").await;
    let event = app.publish("a.b", json!({})).await;
    let delivered = app.delivery_in(&event, "delivered").await;
    on_delivery(&app, &delivered, "retry").await.expect(200);
    let again = app.delivery_after(&event, 2).await;
    assert_eq!((&again["id"], &again["status"]), (&delivered["id"], &json!("delivered")));
    let records = app.receiver.records(&webhook.path);
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record.id() == event && record.verdict == Verdict::Verified));
    let unknown = format!("/api/v1/deliveries/dlv_{}/retry", "0".repeat(26));
    app.client.post(&unknown, &json!({})).await.expect(404);
    app.finish().await;
}

async fn an_attempt_under_way_is_not_repeated(app: TestApp) {
    let fields = json!({ "timeoutMs": 1000 });
    let webhook = app.webhook_with("hanging", fields, Behaviour::fault(Fault::Hang)).await;
    let event = app.publish("a.b", json!({})).await;
    app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap();
    let under_way = app.delivery_in(&event, "pending").await;
    let refused = on_delivery(&app, &under_way, "retry").await.expect(409);
    assert_eq!(refused.code(), "CONFLICT");
    app.delivery_after(&event, 1).await;
    app.receiver.behave(&webhook.path, Behaviour::default());
    on_delivery(&app, &under_way, "retry").await.expect(200);
    app.delivery_in(&event, "delivered").await;
    app.finish().await;
}

async fn a_cancelled_delivery_is_not_attempted_again(app: TestApp) {
    let webhook = app.webhook_with("flaky", json!({}), Behaviour::fail_first(1)).await;
    let event = app.publish("a.b", json!({})).await;
    let waiting = app.delivery_after(&event, 1).await;
    let cancelled = on_delivery(&app, &waiting, "cancel").await.expect(200).data();
    assert_eq!((&cancelled["status"], &cancelled["nextAttemptAt"]), (&json!("cancelled"), &json!(null)));
    app.advance(Duration::from_hours(1));
    app.sweep().await;
    let still = app.delivery_in(&event, "cancelled").await;
    assert_eq!((&still["attempts"], app.receiver.count(&webhook.path)), (&json!(1), 1));
    on_delivery(&app, &waiting, "cancel").await.expect(409);

    let event = app.publish("a.b", json!({})).await;
    let delivered = app.delivery_in(&event, "delivered").await;
    let refused = on_delivery(&app, &delivered, "cancel").await.expect(409);
    let said = "The delivery is delivered and is final and cannot be cancelled.";
    assert_eq!((refused.code().as_str(), &refused.json()["error"]["message"]), ("CONFLICT", &json!(said)));
    app.finish().await;
}

async fn a_paused_webhook_keeps_what_comes_until_it_resumes(app: TestApp) {
    let webhook = app.webhook_with("paused", json!({}), Behaviour::fail_first(1)).await;
    let mut events = vec![app.publish("a.b", json!({})).await];
    app.delivery_after(&events[0], 1).await;
    let paused = on_webhook(&app, &webhook, "pause", json!({})).await.expect(200).data();
    assert_eq!((&paused["status"], &paused["isActive"]), (&json!("paused"), &json!(false)));
    for _ in 0..3 {
        events.push(app.publish("a.b", json!({})).await);
    }
    app.advance(Duration::from_hours(1));
    app.sweep().await;
    for event in &events {
        let waiting = app.deliveries(event).await.remove(0);
        assert_eq!((&waiting["status"], &waiting["nextAttemptAt"]), (&json!("pending"), &json!(null)), "{waiting}");
    }
    assert_eq!(app.receiver.count(&webhook.path), 1);

    on_webhook(&app, &webhook, "resume", json!({})).await.expect(200);
    for event in &events {
        app.delivery_in(event, "delivered").await;
    }
    assert_eq!(app.receiver.count(&webhook.path), 5);
    app.finish().await;
}

async fn a_deleted_webhook_is_sent_nothing_more(app: TestApp) {
    let webhook = app.webhook_with("leaving", json!({}), Behaviour::status(500)).await;
    let waiting = app.publish("a.b", json!({})).await;
    app.delivery_after(&waiting, 1).await;
    app.client.delete(&format!("/api/v1/webhooks/{}", webhook.id)).await.expect(200);
    let cancelled = app.delivery_in(&waiting, "cancelled").await;
    assert_eq!((&cancelled["attempts"], &cancelled["nextAttemptAt"]), (&json!(1), &json!(null)));
    let later = app.publish("a.b", json!({})).await;
    assert_eq!(app.deliveries(&later).await.len(), 0);
    app.client.get(&format!("/api/v1/webhooks/{}", webhook.id)).await.expect(404);
    app.advance(Duration::from_hours(1));
    app.sweep().await;
    assert_eq!(app.receiver.count(&webhook.path), 1);
    app.finish().await;
}

async fn a_webhook_is_tested(app: TestApp) {
    let fields = json!({ "events": ["order.created"] });
    let webhook = app.webhook_with("tested", fields, Behaviour::default()).await;
    let other = app.webhook("other").await;
    let tested = on_webhook(&app, &webhook, "test", json!({})).await.expect(202);
    assert_eq!(tested.json()["message"], "Test webhook event sent");
    assert_eq!(tested.data()["deliveries"], 1);
    let record = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap().remove(0);
    let body: Value = serde_json::from_slice(&record.body).unwrap();
    assert_eq!((record.verdict, &body["event"]), (Verdict::Verified, &json!("webhook.test")));
    let delivery = app.delivery_in(tested.data()["eventId"].as_str().unwrap(), "delivered").await;
    assert_eq!((&delivery["reason"], app.receiver.count(&other.path)), (&json!("test"), 0));
    on_webhook(&app, &webhook, "pause", json!({})).await.expect(200);
    on_webhook(&app, &webhook, "test", json!({})).await.expect(409);
    app.finish().await;
}

async fn a_new_url_counts_from_the_next_attempt(app: TestApp) {
    let webhook = app.webhook_with("old", json!({}), Behaviour::status(404)).await;
    app.receiver.route("/new", Route::new(vec![webhook.secret.clone()]));
    let event = app.publish("a.b", json!({})).await;
    let waiting = app.delivery_after(&event, 1).await;
    let change = json!({ "url": app.receiver.url("/new") });
    app.client.patch(&format!("/api/v1/webhooks/{}", webhook.id), &change).await.expect(200);
    app.advance_to(time(&waiting["nextAttemptAt"]));
    let delivered = app.delivery_in(&event, "delivered").await;
    let urls = [0, 1].map(|attempt| delivered["attemptLog"][attempt]["url"].as_str().unwrap());
    assert_eq!(urls, [app.receiver.url("/old"), app.receiver.url("/new")]);
    assert_eq!((app.receiver.count("/old"), app.receiver.count("/new"), app.receiver.refused("/new")), (1, 1, 0));
    app.finish().await;
}

/// Whether a request verifies with one secret alone, at the time that it came.
fn verifies(record: &Record, secret: &Secret) -> bool {
    let headers: Vec<_> =
        record.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let received = Received { headers: &headers, body: &record.body };
    let scheme = Profile::Default.spec().signatures[0];
    verify(&scheme, &[secret.clone().into()], &received, record.time, TOLERANCE).is_ok()
}

async fn rotate(app: &TestApp, webhook: &TestWebhook, overlap: Duration) -> Secret {
    let body = json!({ "overlapSeconds": overlap.as_secs() });
    let rotated = on_webhook(app, webhook, "rotate-secret", body).await.expect(200).data();
    assert_eq!(time(&rotated["olderSecretsUntil"]), app.clock.now().after(overlap));
    let secret = Secret::parse(rotated["secret"].as_str().unwrap()).unwrap();
    app.receiver.trust(&webhook.path, vec![secret.clone(), webhook.secret.clone()]);
    secret
}

async fn both_secrets_sign_until_the_overlap_ends(app: TestApp) {
    let fields = json!({ "retryPolicy": { "schedule": [5400] } });
    let webhook = app.webhook_with("rotating", fields, Behaviour::default()).await;
    let (old, new) = (webhook.secret.clone(), rotate(&app, &webhook, Duration::from_hours(1)).await);
    app.receiver.behave(&webhook.path, Behaviour::fail_first(1));
    let event = app.publish("a.b", json!({})).await;
    let waiting = app.delivery_after(&event, 1).await;
    let during = app.receiver.records(&webhook.path).remove(0);
    assert_eq!((verifies(&during, &old), verifies(&during, &new)), (true, true));
    assert_eq!(during.header("webhook-signature").split(' ').count(), 2);

    // The retry comes when the overlap is over, and is signed with what is valid then.
    app.advance_to(time(&waiting["nextAttemptAt"]));
    app.delivery_in(&event, "delivered").await;
    let after = app.receiver.records(&webhook.path).remove(1);
    assert_eq!((after.id(), verifies(&after, &old), verifies(&after, &new)), (event.as_str(), false, true));
    assert_eq!(after.header("webhook-signature").split(' ').count(), 1);
    app.finish().await;
}

async fn a_leaked_secret_stops_signing_at_once(app: TestApp) {
    let webhook = app.webhook("leaked").await;
    let new = rotate(&app, &webhook, Duration::ZERO).await;
    app.publish("a.b", json!({})).await;
    let record = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap().remove(0);
    assert_eq!((verifies(&record, &webhook.secret), verifies(&record, &new)), (false, true));
    let week = json!({ "overlapSeconds": 7 * 86_400 + 1 });
    on_webhook(&app, &webhook, "rotate-secret", week).await.expect(422);
    let shown = app.client.get(&format!("/api/v1/webhooks/{}", webhook.id)).await.expect(200);
    eventually("the secret is not shown again", || async { (!shown.text.contains("whsec_")).then_some(()) }).await;
    app.finish().await;
}
