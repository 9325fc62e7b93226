//! Errors: each code can be met, comes with its status, and looks the same whatever went wrong, in either body.

use std::time::Duration;

use angarium::domain::tenant::Environment::Staging;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::client::{Client, JsonBody as _};
use crate::support::{Reply, TestApp, TestEngine, both_engines};

both_engines!(start; each_code_is_met_in_either_body);

const PLANS: &str = r#"
default_plan = "nothing"
[meters]
messages = ["message.*"]
[plans.nothing]
requests_per_hour = -1
requests_per_month = -1
events_per_month = -1
webhooks = 0
event_data_bytes = 64
webhook_concurrency = -1
per_minute = { messages = 0 }
[plans.silent]
requests_per_hour = 0
requests_per_month = -1
events_per_month = -1
webhooks = -1
event_data_bytes = -1
webhook_concurrency = -1
[plans.unlimited]
requests_per_hour = -1
requests_per_month = -1
events_per_month = -1
webhooks = -1
event_data_bytes = -1
webhook_concurrency = -1
"#;
const WEBHOOKS: &str = "/api/v1/webhooks";
const EVENTS: &str = "/api/v1/events";

async fn start(engine: TestEngine) -> TestApp {
    TestApp::start_with_plans(engine, PLANS).await
}

/// A request for each code that one request can meet.
async fn requests(app: &TestApp) -> Vec<(u16, &'static str, Client, RequestBuilder)> {
    let all = &app.client;
    let webhook = app.webhook("hook").await;
    let webhook_path = format!("{WEBHOOKS}/{}", webhook.id);
    all.post(&format!("{webhook_path}/pause"), &json!({})).await.expect(200);
    let event = |event_type: &str| json!({ "type": event_type, "data": {} });
    let keyed = |body: &Value| all.request(Method::POST, EVENTS).header("idempotency-key", "k").json_body(body);
    all.send(keyed(&event("a.b"))).await.expect(202);
    let expires_at = app.clock.now().after(Duration::from_secs(1));
    let read = vec!["read:webhooks".to_owned()];
    let (_, text) = app.app().engine.create_key(app.scope, "old", read, Some(expires_at)).await.unwrap();
    app.advance(Duration::from_secs(1));
    let old = Client::new(app.app().api.unwrap(), text.reveal().to_owned());
    let reader = app.client_with(&["read:events"]).await;
    let (nothing, silent) = (app.client_on("nothing", Staging).await, app.client_on("silent", Staging).await);
    let get = |client: &Client| client.request(Method::GET, WEBHOOKS);
    let publish = |client: &Client, body: &Value| client.request(Method::POST, EVENTS).json_body(body);
    let raw = |text: &'static str, media_type: &str| {
        all.request(Method::POST, EVENTS).header("content-type", media_type).body(text)
    };
    let new = json!({ "name": "n", "url": app.receiver.url("/n"), "events": ["*"] });
    let stale = all.request(Method::PATCH, &webhook_path).header("if-match", "\"0\"");
    let cases = [
        (400, "REQUEST_MALFORMED", all, raw("{", "application/json")),
        (401, "AUTH_REQUIRED", all, all.anonymous(Method::GET, WEBHOOKS)),
        (401, "API_KEY_INVALID", all, all.anonymous(Method::GET, WEBHOOKS).bearer_auth("sk_test_x")),
        (401, "API_KEY_EXPIRED", &old, get(&old)),
        (401, "SESSION_INVALID", all, all.anonymous(Method::GET, WEBHOOKS).bearer_auth("eyJhbGciOiJIUzI1NiJ9.e30.x")),
        (403, "PERMISSION_DENIED", &reader, get(&reader)),
        (403, "PLAN_LIMIT_EXCEEDED", &nothing, nothing.request(Method::POST, WEBHOOKS).json_body(&new)),
        (404, "RESOURCE_NOT_FOUND", all, all.request(Method::GET, "/api/v1/events/evt_0")),
        (405, "METHOD_NOT_ALLOWED", all, all.request(Method::DELETE, WEBHOOKS)),
        (409, "CONFLICT", all, all.request(Method::POST, &format!("{webhook_path}/test"))),
        (412, "PRECONDITION_FAILED", all, stale.json_body(&json!({ "name": "m" }))),
        (413, "PAYLOAD_TOO_LARGE", &nothing, {
            publish(&nothing, &json!({ "type": "a.b", "data": { "x": "y".repeat(100) } }))
        }),
        (415, "UNSUPPORTED_MEDIA_TYPE", all, raw("{}", "text/plain")),
        (422, "VALIDATION_ERROR", all, publish(all, &json!({}))),
        (422, "IDEMPOTENCY_KEY_REUSED", all, keyed(&event("c.d"))),
        (429, "RATE_LIMIT_EXCEEDED", &silent, get(&silent)),
        (429, "MESSAGES_LIMIT_REACHED", &nothing, publish(&nothing, &event("message.sent"))),
    ];
    cases.into_iter().map(|(status, code, client, request)| (status, code, client.clone(), request)).collect()
}

#[track_caller]
fn is_envelope(reply: &Reply, code: &str) -> Value {
    assert_eq!(reply.header("content-type"), "application/json", "{code}");
    let body = reply.json();
    let error = &body["error"];
    assert_eq!((&body["success"], &error["code"]), (&json!(false), &json!(code)));
    assert_eq!(error["timestamp"], "2026-11-21T12:00:01.000Z", "{code}");
    assert_eq!(error["requestId"], reply.header("x-request-id"), "{code}");
    json!([error["message"], error["details"], body["retryAfter"]])
}

#[track_caller]
fn is_problem(reply: &Reply, code: &str) -> Value {
    assert_eq!(reply.header("content-type"), "application/problem+json", "{code}");
    let body = reply.json();
    assert_eq!((&body["status"], &body["code"]), (&json!(reply.status), &json!(code)));
    assert_eq!(body["type"], format!("/docs/errors#{code}"));
    assert!(body["title"].is_string() && body["instance"].as_str().is_some_and(|path| path.starts_with("/api/")));
    assert_eq!(
        (&body["timestamp"], &body["requestId"]),
        (&json!("2026-11-21T12:00:01.000Z"), &json!(reply.header("x-request-id")))
    );
    json!([body["detail"], body["details"], body["retryAfter"]])
}

async fn each_code_is_met_in_either_body(app: TestApp) {
    for (status, code, client, request) in requests(&app).await {
        let as_problem = request.try_clone().unwrap().header("accept", "application/problem+json");
        let reply = client.send(request).await;
        assert_eq!(reply.status, status, "{code}: {}", reply.text);
        let told = is_envelope(&reply, code);
        assert!(
            told[0].as_str().is_some_and(|message| message.ends_with(['.', '`']) || status == 422),
            "{code}: {told}"
        );
        if status == 429 {
            let seconds = told[2].as_u64().unwrap();
            assert!(seconds > 0 && reply.header("retry-after") == seconds.to_string(), "{code}");
        } else {
            assert_eq!((&told[2], reply.headers.contains_key("retry-after")), (&Value::Null, false), "{code}");
        }
        if status == 401 {
            assert!(reply.headers.contains_key("www-authenticate"), "{code}");
        }
        let reply = client.send(as_problem).await.expect(status);
        assert_eq!(is_problem(&reply, code), told, "{code}: both say the same");
    }
    app.finish().await;
}
