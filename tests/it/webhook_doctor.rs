//! `POST /api/v1/webhooks/{id}/verify`: whether a received request verifies, and if not, why.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{TestApp, TestWebhook, both_engines};

both_engines!(
    what_was_sent_verifies,
    each_mistake_has_its_reason,
    secrets_of_others_and_of_the_past_are_known,
    what_cannot_be_examined_is_refused,
);

/// A request that was sent, as its receiver has it.
async fn received(app: &TestApp, webhook: &TestWebhook) -> Value {
    let event = app.publish("order.created", json!({ "url": "https://example.com/é", "n": 1 })).await;
    app.delivery_in(&event, "delivered").await;
    let record = app.receiver.records(&webhook.path).last().unwrap().clone();
    let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
    let headers: BTreeMap<String, String> =
        record.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    json!({ "headers": headers, "body": String::from_utf8(record.body.to_vec()).unwrap() })
}

async fn examine(app: &TestApp, webhook: &TestWebhook, request: &Value) -> Value {
    let reply = app.client.post(&format!("/api/v1/webhooks/{}/verify", webhook.id), request).await.expect(200);
    assert!(!reply.text.contains("whsec_"), "{}", reply.text);
    reply.data()
}

fn codes(examined: &Value) -> Vec<&str> {
    assert_eq!(examined["verified"], examined["reasons"].as_array().unwrap().is_empty());
    examined["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap()).collect()
}

async fn what_was_sent_verifies(app: TestApp) {
    let webhook = app.webhook("good").await;
    let request = received(&app, &webhook).await;
    let examined = examine(&app, &webhook, &request).await;
    let expected = json!({
        "verified": true, "header": "webhook-signature", "olderSecretUntil": null, "reasons": [],
    });
    assert_eq!(examined, expected);
    let encoded = STANDARD.encode(request["body"].as_str().unwrap());
    let as_bytes = json!({ "headers": request["headers"], "bodyBase64": encoded });
    assert_eq!(codes(&examine(&app, &webhook, &as_bytes).await), [""; 0]);
    // A receiver may check the other signature alone.
    let only = json!({ "x-webhook-signature": request["headers"]["x-webhook-signature"] });
    let examined = examine(&app, &webhook, &json!({ "headers": only, "body": request["body"] })).await;
    assert_eq!((codes(&examined), &examined["header"]), (vec![], &json!("x-webhook-signature")));
    app.finish().await;
}

async fn each_mistake_has_its_reason(app: TestApp) {
    let webhook = app.webhook("doctor").await;
    let good = received(&app, &webhook).await;
    let body = good["body"].as_str().unwrap();
    let escaped = body.replace('é', "\\u00e9").replace('/', "\\/");
    for (changed, why) in [
        (format!("{body}\n"), "gained a line end"),
        (body.replace("\":", "\": "), "white space"),
        (escaped, "escapes"),
        (format!("\u{feff}{body}"), "byte order mark"),
    ] {
        let examined = examine(&app, &webhook, &json!({ "headers": good["headers"], "body": changed })).await;
        assert_eq!(codes(&examined), ["body_changed"]);
        let message = examined["reasons"][0]["message"].as_str().unwrap();
        assert!(message.contains(why), "{message}");
    }
    let without = |names: &[&str], more: Value| {
        let mut request = good.clone();
        let headers = request["headers"].as_object_mut().unwrap();
        headers.retain(|name, _| !names.contains(&name.as_str()));
        headers.extend(more.as_object().unwrap().clone());
        request
    };
    let signature = good["headers"]["webhook-signature"].clone();
    let bare = signature.as_str().unwrap()[3..].to_owned();
    for (request, expected) in [
        (without(&["webhook-id"], json!({})), "missing_header"),
        (
            without(&["webhook-signature", "x-webhook-signature"], json!({ "webhook_signature": signature })),
            "header_renamed",
        ),
        (
            without(&["webhook-signature", "x-webhook-signature"], json!({ "X-Hub-Signature-256": "sha256=0" })),
            "other_profile",
        ),
        (without(&[], json!({ "webhook-signature": bare })), "prefix_missing"),
        (without(&[], json!({ "webhook-timestamp": "1" })), "too_old"),
        (without(&[], json!({ "webhook-id": "evt_other" })), "no_match"),
    ] {
        let examined = examine(&app, &webhook, &request).await;
        assert_eq!(codes(&examined)[0], expected, "{examined}");
    }
    app.advance(Duration::from_hours(1));
    assert_eq!(codes(&examine(&app, &webhook, &good).await), ["too_old"]);
    let mut patient = good.clone();
    patient["toleranceSeconds"] = 7200.into();
    assert_eq!(codes(&examine(&app, &webhook, &patient).await), [""; 0]);
    app.finish().await;
}

async fn secrets_of_others_and_of_the_past_are_known(app: TestApp) {
    let (one, two) = (app.webhook("one").await, app.webhook("two").await);
    let request = received(&app, &one).await;
    let of_other = examine(&app, &two, &request).await;
    assert_eq!(codes(&of_other), ["other_webhook"]);
    assert!(of_other["reasons"][0]["message"].as_str().unwrap().contains(&one.id), "{of_other}");

    let rotate = json!({ "overlapSeconds": 60 });
    app.client.post(&format!("/api/v1/webhooks/{}/rotate-secret", one.id), &rotate).await.expect(200);
    let older = examine(&app, &one, &request).await;
    assert_eq!((codes(&older), &older["olderSecretUntil"]), (vec![], &json!("2026-11-21T12:01:00.000Z")));
    app.advance(Duration::from_secs(61));
    let ended = examine(&app, &one, &request).await;
    assert_eq!(codes(&ended), ["secret_ended"]);
    app.finish().await;
}

async fn what_cannot_be_examined_is_refused(app: TestApp) {
    let webhook = app.webhook("picky").await;
    let path = format!("/api/v1/webhooks/{}/verify", webhook.id);
    for (body, field) in [
        (json!({ "headers": {}, "body": "a", "bodyBase64": "YQ==" }), "bodyBase64"),
        (json!({ "headers": {}, "bodyBase64": "?" }), "bodyBase64"),
        (json!({ "headers": {}, "body": "a".repeat(600_000) }), "body"),
        (json!({ "headers": {}, "toleranceSeconds": 86_401 }), "toleranceSeconds"),
        (json!({ "body": "a" }), "headers"),
    ] {
        let reply = app.client.post(&path, &body).await.expect(422);
        assert!(reply.text.contains(field), "{}", reply.text);
    }
    let unknown = format!("/api/v1/webhooks/wh_{}/verify", "0".repeat(26));
    app.client.post(&unknown, &json!({ "headers": {} })).await.expect(404);
    let blind = app.client_with(&["read:events"]).await;
    blind.post(&path, &json!({ "headers": {} })).await.expect(403);
    app.finish().await;
}
