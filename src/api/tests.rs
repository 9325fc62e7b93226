//! Each route once, by the front door: what it does, and the worst that can be sent to it.

mod deliveries;
mod events;
mod front;
mod server;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{Api, ApiOptions, Pages, router};
use crate::broker::in_process::InProcess;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::egress::EgressPolicy;
use crate::domain::permission::Permission;
use crate::domain::plan::Plans;
use crate::domain::secret::MasterKeys;
use crate::domain::tenant::{Environment, Scope};
use crate::engine::{Engine, Limits, Parts};
use crate::store::{ListBounds, Store, StoreOptions};
use crate::telemetry::Metrics;
use crate::telemetry::traces::Traces;

struct TestApi {
    api: Arc<Api>,
    router: Router,
    scope: Scope,
    key: String,
    _directory: Directory,
}

struct Directory(std::path::PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn limits(config: &Config, production: bool) -> Limits {
    Limits {
        accept_queue_max: config.accept.queue_max,
        accept_batch_max: config.accept.batch_max,
        webhooks_max: config.accept.webhooks_max,
        deliver_at_max: std::time::Duration::from_hours(30 * 24),
        event_data_bytes_max: 262_144,
        idempotency: config.api.idempotency_s,
        lease: config.delivery.lease_ms,
        timeout_max: config.delivery.timeout_max_ms,
        origin: config.delivery.origin.clone(),
        settle_batch_max: config.delivery.settle_batch_max,
        claims_max: config.delivery.claims_max,
        sweep_max: config.scheduler.sweep_max,
        sweep_per_webhook_max: u32::try_from(config.scheduler.sweep_per_webhook_max).unwrap(),
        disable_after: config.delivery.disable_after_s,
        production,
        meter_lease: config.accept.meter_lease_ms,
        session_requests_per_minute: config.limits.session_requests_per_minute,
        session: config.sessions.lifetime_s,
        login_failures_max: config.sessions.failures_max,
        login_lockout: config.sessions.lockout_s,
        password_hashes_max: config.sessions.hashes_max,
        replays: config.replays.clone(),
        portal: config.portal.clone(),
        audit_retention: std::time::Duration::from_hours(24 * 365),
        mails: None,
    }
}

async fn start(environment: &[(&str, &str)]) -> TestApi {
    let directory = std::env::temp_dir().join(format!("angarium-api-{:016x}", crate::chance::bits()));
    std::fs::create_dir_all(&directory).unwrap();
    let url = format!("sqlite:{}", directory.join("test.db").display());
    let owned = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Config::from_layers("", owned.chain([("ANGARIUM__STORE__URL".to_owned(), url)])).unwrap();
    let options = StoreOptions {
        url: config.store.url.expose_secret(),
        connections_max: 4,
        connect_timeout: config.store.connect_timeout_ms,
        statement_timeout: config.store.statement_timeout_ms,
        bounds: ListBounds { looked_max: config.store.looked_max, counted_max: config.store.counted_max },
    };
    let store = Store::connect(&options).await.unwrap();
    store.migrate().await.unwrap();
    let engine = Engine::start(Parts {
        store,
        broker: Arc::new(InProcess::new(4096)),
        clock: Clock::system(),
        metrics: Arc::new(Metrics::new()),
        traces: Traces::off(),
        limits: limits(&config, config.deployment.environment == Environment::Production),
        keys: MasterKeys::parse("1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap(),
        egress: EgressPolicy::dev(),
        plans: Plans::parse(crate::config::PLANS).unwrap(),
    });
    let engine = engine.await.unwrap();
    let tenant = engine.ensure_tenant("acme", "unlimited").await.unwrap();
    let scope = Scope { tenant: tenant.id, environment: Environment::Staging };
    let words = Permission::ALL.map(|permission| permission.to_string()).to_vec();
    let (_, key) = engine.create_key(scope, "all", words, None).await.unwrap();
    let api = Api::new(engine, ApiOptions::from(&config), CancellationToken::new());
    let pages = Pages { root: "/ui", router: Router::new(), refused: |_, bare, _| bare };
    TestApi { router: router(&api, pages), api, scope, key: key.reveal().to_owned(), _directory: Directory(directory) }
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
