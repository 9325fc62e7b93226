//! Each route once, by the front door: what it does, and the worst that can be sent to it.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use super::*;
use crate::broker::in_process::InProcess;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::egress::EgressPolicy;
use crate::domain::id::DeliveryId;
use crate::domain::permission::Permission;
use crate::domain::secret::MasterKeys;
use crate::domain::tenant::{Environment, Scope};
use crate::domain::time::Timestamp;
use crate::engine::{Limits, Parts};
use crate::store::{Store, StoreOptions};
use crate::telemetry::Metrics;

struct TestApi {
    api: Arc<Api>,
    router: Router,
    scope: Scope,
    key: String,
    directory: std::path::PathBuf,
}

impl Drop for TestApi {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn limits(config: &Config) -> Limits {
    Limits {
        accept_queue_max: config.accept.queue_max,
        accept_batch_max: config.accept.batch_max,
        accept_batch_wait: config.accept.batch_wait_ms,
        webhooks_max: config.accept.webhooks_max,
        event_data_bytes_max: 262_144,
        idempotency: config.api.idempotency_s,
        lease: config.delivery.lease_ms,
        timeout_max: config.delivery.timeout_max_ms,
        settle_batch_max: config.delivery.settle_batch_max,
        claims_max: config.delivery.claims_max,
        sweep_max: config.scheduler.sweep_max,
        sweep_per_webhook_max: u32::try_from(config.scheduler.sweep_per_webhook_max).unwrap(),
        disable_after: config.delivery.disable_after_s,
        production: false,
    }
}

async fn start(environment: &[(&str, &str)]) -> TestApi {
    let directory = std::env::temp_dir().join(format!("angarium-api-{:032x}", crate::chance::bits()));
    std::fs::create_dir_all(&directory).unwrap();
    let url = format!("sqlite:{}", directory.join("test.db").display());
    let owned = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Config::from_layers("", owned.chain([("ANGARIUM__STORE__URL".to_owned(), url)])).unwrap();
    let options = StoreOptions {
        url: config.store.url.expose_secret(),
        connections_max: 4,
        connect_timeout: config.store.connect_timeout_ms,
        statement_timeout: config.store.statement_timeout_ms,
    };
    let store = Store::connect(&options).await.unwrap();
    store.migrate().await.unwrap();
    let engine = Engine::start(Parts {
        store,
        broker: Arc::new(InProcess::new(4096)),
        clock: Clock::system(),
        metrics: Arc::new(Metrics::new()),
        limits: limits(&config),
        keys: MasterKeys::parse("1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap(),
        egress: EgressPolicy::dev(),
    });
    let engine = engine.await.unwrap();
    let tenant = engine.ensure_tenant("acme", "unlimited").await.unwrap();
    let scope = Scope { tenant: tenant.id, environment: Environment::Staging };
    let words = Permission::ALL.map(|permission| permission.to_string()).to_vec();
    let (_, key) = engine.create_key(scope, "all", words, None).await.unwrap();
    let api = Api::new(engine, ApiOptions::from(&config), CancellationToken::new());
    TestApi { router: router(&api), api, scope, key: key.reveal().to_owned(), directory }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn is(&self, status: u16) -> &Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        &self.body["data"]
    }

    #[track_caller]
    fn fails(&self, status: u16, code: &str) -> &str {
        assert_eq!((self.status.as_u16(), &self.body["error"]["code"]), (status, &json!(code)), "{}", self.body);
        assert_eq!(self.body["success"], false);
        assert_eq!(self.headers["x-request-id"], self.body["error"]["requestId"].as_str().unwrap());
        self.body["error"]["message"].as_str().unwrap()
    }
}

impl TestApi {
    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = || Value::from(String::from_utf8_lossy(&bytes).into_owned());
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) }
    }

    async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("x-api-key", &self.key);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], Body::empty()).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, &[("content-type", "application/json")], body.to_string()).await
    }

    async fn raw(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.call("POST", path, &[("content-type", "application/json")], body).await
    }

    async fn webhook(&self) -> String {
        let body = json!({ "name": "w", "url": "http://localhost:9999/in", "events": ["order.*"] });
        self.post("/api/v1/webhooks", body).await.is(201)["id"].as_str().unwrap().to_owned()
    }

    async fn event(&self) -> String {
        let body = json!({ "type": "order.created", "data": { "n": 1 } });
        self.post("/api/v1/events", body).await.is(202)["id"].as_str().unwrap().to_owned()
    }
}

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
    let unknown = crate::domain::key::ApiKeyText::generate(Environment::Staging, [7; 24]);
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
async fn events_are_published_read_and_replayed() {
    let t = start(&[]).await;
    let webhook = t.webhook().await;
    let body = r#"{"type":"order.created","data":{"z":1.0, "a":"\u00e9"},"occurredAt":"2026-01-01T00:00:00Z"}"#;
    let keyed = [("content-type", "application/json"), ("idempotency-key", "k1")];
    let first = t.call("POST", "/api/v1/events", &keyed, body).await;
    let id = first.is(202)["id"].as_str().unwrap().to_owned();
    assert_eq!(first.body["data"]["deliveries"], 1);
    let again = t.call("POST", "/api/v1/events", &keyed, body).await;
    assert_eq!(again.is(202)["id"], id.as_str());
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = r#"{"type":"order.created","data":{}}"#;
    t.call("POST", "/api/v1/events", &keyed, other).await.fails(422, "IDEMPOTENCY_KEY_REUSED");
    let shown = t.get(&format!("/api/v1/events/{id}")).await;
    assert_eq!(shown.is(200)["occurredAt"], "2026-01-01T00:00:00.000Z");
    assert_eq!(shown.body["data"]["data"], json!({ "z": 1.0, "a": "é" }));
    let replayed = t.post(&format!("/api/v1/events/{id}/replay"), json!({ "webhookId": webhook })).await;
    assert_eq!(replayed.is(202)["deliveries"], 1);
    let path = format!("/api/v1/events/{id}/replay");
    t.call("POST", &path, &[], Body::empty()).await.is(202);
    t.get("/api/v1/events/evt_zzzzzzzzzzzzzzzzzzzzzzzzzz").await.fails(404, "RESOURCE_NOT_FOUND");
    t.post("/api/v1/events", json!({ "type": "A", "data": 1, "x": 1 })).await.fails(422, "VALIDATION_ERROR");
    let large = json!({ "type": "a", "data": { "x": "x".repeat(262_144) } });
    t.post("/api/v1/events", large).await.fails(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn one_bad_event_of_a_batch_fails_alone() {
    let t = start(&[]).await;
    let good = json!({ "type": "a.b", "data": {} });
    let twin = json!({ "type": "a.b", "data": {}, "idempotencyKey": "twin" });
    let events = json!([good, { "type": "A", "data": {} }, 5, twin, twin, good]);
    let answer = t.post("/api/v1/events/batch", json!({ "events": events })).await;
    assert_eq!((&answer.is(202)["accepted"], &answer.body["data"]["failed"]), (&json!(4), &json!(2)));
    let results = answer.body["data"]["results"].as_array().unwrap().clone();
    assert_eq!(results[1]["error"]["code"], "VALIDATION_ERROR");
    assert_eq!(results[3]["data"]["id"], results[4]["data"]["id"]);
    let id = results[3]["data"]["id"].as_str().unwrap();
    t.get(&format!("/api/v1/events/{id}")).await.is(200);
    t.post("/api/v1/events/batch", json!({ "events": [] })).await.fails(422, "VALIDATION_ERROR");
    t.post("/api/v1/events/batch", json!({ "events": vec![good; 1001] })).await.fails(422, "VALIDATION_ERROR");
}

#[tokio::test]
async fn twins_with_one_id_become_one_event() {
    let t = start(&[]).await;
    let id = crate::domain::id::EventId::new(t.api.engine.clock().now(), 7).to_string();
    let twin = json!({ "id": id, "type": "a.b", "data": {} });
    let answer = t.post("/api/v1/events/batch", json!({ "events": vec![twin; 20] })).await;
    assert_eq!(answer.is(202)["accepted"], 20, "{}", answer.body);
    let results = answer.body["data"]["results"].as_array().unwrap();
    assert_eq!(results.iter().filter(|result| result["data"]["replayed"] == false).count(), 1);
    t.get(&format!("/api/v1/events/{id}")).await.is(200);
}

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

#[tokio::test]
async fn deliveries_are_listed_cancelled_and_retried() {
    let t = start(&[]).await;
    let (webhook, other) = (t.webhook().await, t.webhook().await);
    t.post(&format!("/api/v1/webhooks/{webhook}/pause"), json!({})).await.is(200);
    t.post(&format!("/api/v1/webhooks/{other}/pause"), json!({})).await.is(200);
    for _ in 0..3 {
        t.event().await;
    }
    let event = t.event().await;
    let both = t.get(&format!("/api/v1/deliveries?eventId={event}&webhookId={webhook}")).await;
    assert_eq!((both.is(200).as_array().unwrap().len(), &both.body["pagination"]["total"]), (1, &json!(1)));
    let id = both.body["data"][0]["id"].as_str().unwrap().to_owned();
    let mut seen = Vec::new();
    let mut path = "/api/v1/deliveries?limit=3".to_owned();
    loop {
        let page = t.get(&path).await;
        seen.extend(page.is(200).as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap().to_owned()));
        assert_eq!(page.body["pagination"]["total"], 8);
        let Some(cursor) = page.body["pagination"]["nextCursor"].as_str() else { break };
        path = format!("/api/v1/deliveries?limit=3&cursor={cursor}");
    }
    assert_eq!(seen.len(), 8);
    assert!(seen.is_sorted_by(|a, b| a > b));
    let narrow = "status=pending&eventType=order.created&createdAfter=2020-01-01T00:00:00Z";
    assert_eq!(t.get(&format!("/api/v1/deliveries?{narrow}")).await.body["pagination"]["total"], 8);
    for none in ["status=dead", "statusClass=5xx", "errorKind=timeout", "createdBefore=2020-01-01T00:00:00Z", "page=9"]
    {
        assert_eq!(t.get(&format!("/api/v1/deliveries?{none}")).await.is(200), &json!([]), "{none}");
    }
    let bad = "/api/v1/deliveries?status=x&statusClass=9xx&webhookId=y&errorKind=z&createdAfter=t&nope=1";
    let answer = t.get(bad).await;
    answer.fails(422, "VALIDATION_ERROR");
    assert_eq!(answer.body["error"]["details"]["errors"].as_array().unwrap().len(), 6);
    let detail = t.get(&format!("/api/v1/deliveries/{id}")).await;
    assert_eq!(detail.is(200)["attemptLog"], json!([]));
    assert_eq!(detail.body["data"]["eventUrl"], format!("/api/v1/events/{event}"));
    let cancelled = t.post(&format!("/api/v1/deliveries/{id}/cancel"), json!({})).await;
    assert_eq!(cancelled.is(200)["status"], "cancelled");
    t.post(&format!("/api/v1/deliveries/{id}/cancel"), json!({})).await.fails(409, "CONFLICT");
    let retried = t.post(&format!("/api/v1/deliveries/{id}/retry"), json!({})).await;
    assert_eq!(retried.is(200)["status"], "pending");
    let redrive = t.post(&format!("/api/v1/dead-letters/{id}/redrive"), json!({})).await;
    assert!(redrive.fails(409, "CONFLICT").contains("is pending and is not a dead letter"));
    t.post("/api/v1/deliveries/dlv_x/retry", json!({})).await.fails(404, "RESOURCE_NOT_FOUND");
    let unknown = DeliveryId::new(Timestamp::from_millis(1), 7);
    t.post(&format!("/api/v1/deliveries/{unknown}/cancel"), json!({})).await.fails(404, "RESOURCE_NOT_FOUND");
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
async fn dead_letters_are_listed_and_redriven() {
    let t = start(&[]).await;
    let none = t.get("/api/v1/dead-letters?eventType=a.b&diedAfter=2020-01-01T00:00:00Z").await;
    assert_eq!((none.is(200), &none.body["pagination"]["total"]), (&json!([]), &json!(0)));
    t.get("/api/v1/dead-letters?page=101&limit=100").await.fails(422, "VALIDATION_ERROR");
    let all = t.call("POST", "/api/v1/dead-letters/redrive", &[], Body::empty()).await;
    assert_eq!(all.is(200)["redriven"], 0);
    let bad = json!({ "max": 10_001, "diedAfter": "x", "eventType": "A" });
    let answer = t.post("/api/v1/dead-letters/redrive", bad).await;
    answer.fails(422, "VALIDATION_ERROR");
    assert_eq!(answer.body["error"]["details"]["errors"].as_array().unwrap().len(), 3);
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

async fn serve_it(t: &TestApi) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = server::serve(listener, t.router.clone(), t.api.options.clone(), t.api.draining.clone());
    (address, tokio::spawn(serving))
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let reading = stream.read_to_end(&mut text);
    // A reset ends it too.
    let _ = tokio::time::timeout(Duration::from_secs(5), reading).await.expect("the server closes");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn slow_clients_are_cut_off() {
    let t = start(&[("ANGARIUM__API__HEADER_TIMEOUT_MS", "300"), ("ANGARIUM__API__BODY_TIMEOUT_MS", "300")]).await;
    let (address, _) = serve_it(&t).await;
    for start_of_request in ["", "P", "PRI * HT", "POST /api/v1/events HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(start_of_request.as_bytes()).await.unwrap();
        read_all(&mut stream).await;
    }
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n{{",
        t.key
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("REQUEST_TIMEOUT"), "{answer}");
}

#[tokio::test]
async fn going_down_answers_whoever_has_connected() {
    let t = start(&[]).await;
    let (address, serving) = serve_it(&t).await;
    let request = b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut used = TcpStream::connect(address).await.unwrap();
    used.write_all(request).await.unwrap();
    let mut start_of_answer = [0; 12];
    used.read_exact(&mut start_of_answer).await.unwrap();
    assert_eq!(&start_of_answer, b"HTTP/1.1 200");
    let mut fresh = TcpStream::connect(address).await.unwrap();
    t.api.draining.cancel();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(address).await.is_err());
    for stream in [&mut used, &mut fresh] {
        stream.write_all(request).await.unwrap();
        let answer = read_all(stream).await;
        assert!(answer.contains("connection: close") && answer.contains(r#"{"status":"ok"}"#), "{answer}");
    }
    tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
}
