//! Keys, the one error body, health.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::IntoResponse as _;
use serde_json::json;

use super::{TestApi, start};
use crate::api::front;
use crate::domain::key::ApiKeyText;
use crate::domain::permission::Permission;
use crate::domain::tenant::{Environment, Scope};
use crate::domain::time::Timestamp;

#[tokio::test]
async fn keys_are_asked_for() {
    let t = start(&[]).await;
    let bare = |name: &'static str, value: String| {
        t.send(Request::get("/api/v1/webhooks").header(name, value).body(Body::empty()).unwrap())
    };
    let answer = bare("accept", "*/*".to_owned()).await;
    answer.fails(401, "AUTH_REQUIRED");
    assert!(answer.body["error"]["details"]["hint"].as_str().unwrap().contains("Bearer"));
    assert!(answer.headers.contains_key("www-authenticate"));
    bare("authorization", "Bearer nonsense".to_owned()).await.fails(401, "API_KEY_INVALID");
    let unknown = ApiKeyText::generate(Environment::Staging, [7; 24]);
    bare("authorization", format!("Bearer {}", unknown.reveal())).await.fails(401, "API_KEY_INVALID");
    bare("authorization", format!("Bearer {}", t.key)).await.is(200);
    let engine = &t.api.engine;
    let past = Some(Timestamp::from_millis(1));
    let (_, expired) = engine.create_key(t.scope, "old", vec!["webhook:manage".to_owned()], past).await.unwrap();
    bare("x-api-key", expired.reveal().to_owned()).await.fails(401, "API_KEY_EXPIRED");
    let (weak_key, weak) = engine.create_key(t.scope, "weak", vec!["read:events".to_owned()], None).await.unwrap();
    let answer = bare("x-api-key", weak.reveal().to_owned()).await;
    assert!(answer.fails(403, "PERMISSION_DENIED").contains("read:webhooks"));
    engine.revoke_key(t.scope.tenant, weak_key.id).await.unwrap();
    bare("x-api-key", weak.reveal().to_owned()).await.fails(401, "API_KEY_INVALID");
}

#[tokio::test]
async fn production_refuses_test_keys() {
    let t = start(&[("ANGARIUM__DEPLOYMENT__ENVIRONMENT", "production")]).await;
    assert!(t.get("/api/v1/webhooks").await.fails(401, "API_KEY_INVALID").contains("sk_live_"));
}

async fn broken() -> String {
    panic!("at the disco")
}

#[tokio::test]
async fn a_panic_and_a_hanging_handler_are_answered() {
    let t = start(&[("ANGARIUM__API__REQUEST_TIMEOUT_MS", "50")]).await;
    let hanging = || async { std::future::pending::<()>().await };
    let door = front::Door::new(&t.api, "/ui", |_, bare, why| (bare.status(), why.to_owned()).into_response());
    let front = axum::middleware::from_fn_with_state(door, front::front);
    let routes = Router::new().route("/panic", axum::routing::get(broken)).route("/hang", axum::routing::get(hanging));
    let routes = routes.route("/ui/panic", axum::routing::get(broken));
    let odd = TestApi { router: routes.layer(front), key: t.key.clone(), api: Arc::clone(&t.api), ..t };
    let answer = odd.get("/panic").await;
    assert!(!answer.fails(500, "INTERNAL_ERROR").contains("disco"));
    // A page says it as pages do.
    let page = odd.get("/ui/panic").await;
    assert_eq!((page.status.as_u16(), page.body.as_str().is_some_and(|said| said.contains("our fault"))), (500, true));
    let answer = odd.get("/hang").await;
    answer.fails(503, "UNAVAILABLE");
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(answer.body["retryAfter"], 1);
}

#[tokio::test]
async fn every_failure_has_the_one_body() {
    let t = start(&[("ANGARIUM__API__BODY_BYTES_MAX", "300000")]).await;
    t.get("/nothing").await.fails(404, "RESOURCE_NOT_FOUND");
    let answer = t.call("DELETE", "/api/v1/events", &[], Body::empty()).await;
    answer.fails(405, "METHOD_NOT_ALLOWED");
    assert!(answer.headers.contains_key("allow"));
    t.raw("/api/v1/events", "{\"type\":").await.fails(400, "REQUEST_MALFORMED");
    t.raw("/api/v1/events", &b"{\"type\":\"\xff\"}"[..]).await.fails(400, "REQUEST_MALFORMED");
    t.raw("/api/v1/events", "").await.fails(400, "REQUEST_MALFORMED");
    t.raw("/api/v1/events", "[]").await.fails(422, "VALIDATION_ERROR");
    t.call("POST", "/api/v1/events", &[], "{}").await.fails(415, "UNSUPPORTED_MEDIA_TYPE");
    t.raw("/api/v1/events", " ".repeat(300_001)).await.fails(413, "PAYLOAD_TOO_LARGE");
    let given = [("x-request-id", "mine-1"), ("accept", "application/problem+json")];
    let answer = t.call("GET", "/nothing", &given, Body::empty()).await;
    assert_eq!(answer.headers["x-request-id"], "mine-1");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!((&answer.body["status"], &answer.body["requestId"]), (&json!(404), &json!("mine-1")));
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn another_tenant_sees_nothing() {
    let t = start(&[]).await;
    let webhook = t.webhook().await;
    let event = t.event().await;
    let stranger = t.api.engine.ensure_tenant("other", "unlimited").await.unwrap();
    let scope = Scope { tenant: stranger.id, environment: Environment::Staging };
    let words = Permission::ALL.map(|permission| permission.to_string()).to_vec();
    let (_, key) = t.api.engine.create_key(scope, "all", words, None).await.unwrap();
    for path in [format!("webhooks/{webhook}"), format!("webhooks/{webhook}/logs"), format!("events/{event}")] {
        let request = Request::get(format!("/api/v1/{path}")).header("x-api-key", key.reveal());
        t.send(request.body(Body::empty()).unwrap()).await.fails(404, "RESOURCE_NOT_FOUND");
    }
}

#[tokio::test]
async fn health_says_alive_and_ready_apart() {
    let t = start(&[]).await;
    assert_eq!(t.get("/api/v1/health").await.body, json!({ "status": "ok" }));
    assert_eq!(t.get("/readyz").await.body["parts"]["store"], "up");
    let metrics = t.get("/metrics").await;
    assert!(metrics.body.as_str().unwrap().contains("angarium_http_requests_total"));
    t.api.draining.cancel();
    assert_eq!(t.get("/readyz").await.status, 503);
    assert_eq!(t.get("/healthz").await.status, 200);
    t.api.engine.store().close().await;
    assert_eq!(t.get("/readyz").await.body["parts"]["store"], "down");
    t.get("/api/v1/webhooks").await.fails(503, "UNAVAILABLE");
}
