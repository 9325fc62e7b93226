//! `Idempotency-Key` on any POST: done once, answered the same.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{JsonBody as _, Reply};
use crate::support::{TestApp, both_engines};

both_engines!(
    a_repeat_is_answered_as_the_first_was,
    a_key_stands_for_one_request_only,
    a_refused_request_may_be_sent_again,
    keys_are_of_one_tenant_and_one_route,
    requests_at_the_same_time_do_one_thing,
    a_key_is_forgotten_after_its_day,
);

async fn register(app: &TestApp, key: &str, body: &Value) -> Reply {
    let request = app.client.request(Method::POST, "/api/v1/webhooks").header("idempotency-key", key);
    app.client.send(request.json_body(body)).await
}

fn webhook(app: &TestApp, name: &str) -> Value {
    json!({ "name": name, "url": app.receiver.url("/w"), "events": ["*"] })
}

async fn how_many(app: &TestApp) -> u64 {
    app.client.get("/api/v1/webhooks").await.expect(200).data()["total"].as_u64().unwrap()
}

async fn a_repeat_is_answered_as_the_first_was(app: TestApp) {
    let first = register(&app, "k", &webhook(&app, "w")).await.expect(201);
    let repeat = register(&app, "k", &webhook(&app, "w")).await.expect(201);
    // The secret is told again: it is the same answer.
    assert_eq!(first.text, repeat.text);
    assert_eq!(first.headers["etag"], repeat.headers["etag"]);
    assert!(!first.headers.contains_key("idempotent-replayed"));
    assert_eq!(repeat.headers["idempotent-replayed"], "true");
    assert_ne!(first.headers["x-request-id"], repeat.headers["x-request-id"]);
    assert_eq!(how_many(&app).await, 1);
    app.finish().await;
}

async fn a_key_stands_for_one_request_only(app: TestApp) {
    register(&app, "k", &webhook(&app, "w")).await.expect(201);
    let other = register(&app, "k", &webhook(&app, "other")).await.expect(422);
    assert_eq!(other.code(), "IDEMPOTENCY_KEY_REUSED");
    for bad in ["", "a b", "é", &"x".repeat(256)] {
        let request = app.client.request(Method::POST, "/api/v1/webhooks").header("idempotency-key", bad.as_bytes());
        let reply = app.client.send(request.json_body(&webhook(&app, "w"))).await.expect(422);
        assert_eq!(reply.code(), "VALIDATION_ERROR", "{bad}");
    }
    app.finish().await;
}

async fn a_refused_request_may_be_sent_again(app: TestApp) {
    let mut body = webhook(&app, "w");
    body["name"] = json!(5);
    register(&app, "k", &body).await.expect(422);
    body["name"] = json!("five");
    register(&app, "k", &body).await.expect(201);
    app.finish().await;
}

async fn keys_are_of_one_tenant_and_one_route(app: TestApp) {
    let id = register(&app, "k", &webhook(&app, "w")).await.expect(201).data()["id"].as_str().unwrap().to_owned();
    let other = app.client_of("other", app.scope.environment).await;
    let request = other.request(Method::POST, "/api/v1/webhooks").header("idempotency-key", "k");
    other.send(request.json_body(&webhook(&app, "w"))).await.expect(201);
    let path = format!("/api/v1/webhooks/{id}/pause");
    app.client.send(app.client.request(Method::POST, &path).header("idempotency-key", "k")).await.expect(200);
    app.finish().await;
}

async fn requests_at_the_same_time_do_one_thing(app: TestApp) {
    let body = webhook(&app, "w");
    let replies = futures_util::future::join_all((0..20).map(|_| register(&app, "k", &body))).await;
    let made: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert!(!made.is_empty());
    assert!(made.iter().all(|reply| reply.text == made[0].text));
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!((reply.status, reply.code().as_str()), (409, "IDEMPOTENCY_IN_PROGRESS"));
        assert_eq!(reply.headers["retry-after"], "1");
    }
    assert_eq!(how_many(&app).await, 1);
    app.finish().await;
}

async fn a_key_is_forgotten_after_its_day(app: TestApp) {
    register(&app, "k", &webhook(&app, "w")).await.expect(201);
    app.advance(app.config.api.idempotency_s);
    let again = register(&app, "k", &webhook(&app, "w")).await.expect(201);
    assert!(!again.headers.contains_key("idempotent-replayed"));
    assert_eq!(how_many(&app).await, 2);
    app.finish().await;
}
