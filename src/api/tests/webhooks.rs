//! The life of a webhook.

use axum::body::Body;
use serde_json::{Value, json};

use super::start;

#[tokio::test]
async fn webhooks_live_their_life() {
    let t = start(&[]).await;
    let body = json!({
        "name": "w", "url": "http://localhost:9999/in", "events": ["order.*"], "timeoutMs": 5000,
        "headers": { "Authorization": "Bearer x", "X-Team": "blue" }, "metadata": { "a": 1 },
    });
    let made = t.post("/api/v1/webhooks", body).await;
    assert!(made.is(201)["secret"].as_str().unwrap().starts_with("whsec_"));
    let path = made.headers["location"].to_str().unwrap().to_owned();
    let shown = t.get(&path).await;
    assert_eq!(shown.is(200)["secret"], Value::Null);
    assert_eq!(shown.body["data"]["headers"], json!({ "Authorization": "***", "X-Team": "blue" }));
    let etag = shown.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(t.call("GET", &path, &[("if-none-match", &etag)], Body::empty()).await.status, 304);
    let edit = |method: &'static str, etag: String, body: Value| {
        let (t, path) = (&t, path.clone());
        async move {
            let headers = [("content-type", "application/json"), ("if-match", etag.as_str())];
            t.call(method, &path, &headers, body.to_string()).await
        }
    };
    let renamed = edit("PATCH", etag.clone(), json!({ "name": "new" })).await;
    assert_eq!((&renamed.is(200)["name"], &renamed.body["data"]["timeoutMs"]), (&json!("new"), &json!(5000)));
    edit("PUT", etag, json!({ "name": "newer" })).await.fails(412, "PRECONDITION_FAILED");
    let paused = edit("PUT", "*".to_owned(), json!({ "isActive": false, "timeoutMs": null })).await;
    assert_eq!((&paused.is(200)["status"], &paused.body["data"]["timeoutMs"]), (&json!("paused"), &json!(10_000)));
    t.post(&format!("{path}/test"), json!({})).await.fails(409, "CONFLICT");
    assert_eq!(t.post(&format!("{path}/resume"), json!({})).await.is(200)["isActive"], true);
    assert_eq!(t.post(&format!("{path}/test"), json!({})).await.body["message"], "Test webhook event sent");
    assert_eq!(t.post(&format!("{path}/pause"), json!({})).await.is(200)["isActive"], false);
    let list = t.get("/api/v1/webhooks?isActive=false&limit=1").await;
    assert_eq!((&list.is(200)["total"], list.body["data"]["webhooks"].as_array().unwrap().len()), (&json!(1), 1));
    t.get("/api/v1/webhooks?isActive=maybe&nope=1").await.fails(422, "VALIDATION_ERROR");
    let rotated = t.call("POST", &format!("{path}/rotate-secret"), &[], Body::empty()).await;
    assert_ne!(rotated.is(200)["secret"], made.body["data"]["secret"]);
    let bad = json!({ "overlapSeconds": 604_801, "secret": "x" });
    t.post(&format!("{path}/rotate-secret"), bad).await.fails(422, "VALIDATION_ERROR");
    let logs = t.get(&format!("{path}/logs?status=pending")).await;
    assert_eq!(logs.is(200)["logs"][0]["event"], "webhook.test");
    let gone = t.call("DELETE", &path, &[], Body::empty()).await;
    gone.is(200);
    assert_eq!(gone.body["message"], "Webhook deleted");
    t.get(&path).await.fails(404, "RESOURCE_NOT_FOUND");
    t.get(&format!("{path}/logs")).await.fails(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn a_bad_webhook_is_told_everything() {
    let t = start(&[]).await;
    let body = json!({ "url": "ftp://x", "events": [], "headers": { "Host": "x" }, "secret": "s", "timeoutMs": 1 });
    let answer = t.post("/api/v1/webhooks", body).await;
    answer.fails(422, "VALIDATION_ERROR");
    let errors = answer.body["error"]["details"]["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 6, "{errors:?}");
    let filter = json!({ "name": "w", "url": "https://example.com", "events": ["*"], "filter": {} });
    assert!(t.post("/api/v1/webhooks", filter).await.fails(422, "VALIDATION_ERROR").starts_with("filter "));
}
