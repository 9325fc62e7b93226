//! A whole Angarium in the test's process: `SQLite` and the in-process queue, or PostgreSQL and RabbitMQ. Its clock
//! stands still until the test moves it.

use std::path::PathBuf;
use std::time::Duration;

use angarium::app::{App, Role};
use angarium::clock::Clock;
use angarium::config::Config;
use angarium::domain::secret::Secret;
use angarium::domain::tenant::{Environment, Scope};
use angarium::domain::time::Timestamp;
use angarium::receiver::{Behaviour, Receiver, ReceiverOptions, Route};
use angarium::store::Store;
use serde_json::{Value, json};

use super::client::Client;
use super::{SOON, eventually};

/// Where a test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TestEngine {
    Embedded,
    Distributed,
}

/// Everything that a key may do.
pub(crate) const ALL_PERMISSIONS: [&str; 13] = [
    "read:conversations",
    "write:conversations",
    "read:customers",
    "write:customers",
    "read:messages",
    "write:messages",
    "read:events",
    "write:events",
    "read:webhooks",
    "write:webhooks",
    "read:deliveries",
    "write:deliveries",
    "read:analytics",
];

/// An Angarium with a tenant, a key and a receiver.
pub(crate) struct TestApp {
    pub(crate) app: Option<App>,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) receiver: Receiver,
    pub(crate) client: Client,
    pub(crate) scope: Scope,
    pub(crate) engine: TestEngine,
    folder: PathBuf,
}

/// A webhook that the test registered, with its path on the receiver.
pub(crate) struct TestWebhook {
    pub(crate) id: String,
    pub(crate) secret: Secret,
    pub(crate) path: String,
}

fn variable(name: &str, default: &str) -> String {
    std::env::vars().find(|(key, _)| key == name).map_or_else(|| default.to_owned(), |(_, value)| value)
}

/// The PostgreSQL that tests make their databases in.
pub(crate) fn postgres_url() -> String {
    variable("ANGARIUM_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/postgres")
}

/// The RabbitMQ that tests use, each under names of its own.
pub(crate) fn amqp_url() -> String {
    variable("ANGARIUM_TEST_AMQP", "amqp://guest:guest@127.0.0.1:5672/%2f")
}

/// A name that no other test has.
pub(crate) fn unique_name() -> String {
    format!("angarium_test_{:012x}", angarium::chance::bits() & 0xffff_ffff_ffff)
}

/// An app with the settings of a test.
pub(crate) async fn start(engine: TestEngine) -> TestApp {
    TestApp::start(engine).await
}

impl TestApp {
    /// Starts with the settings of a test: loopback and plain HTTP allowed.
    pub(crate) async fn start(engine: TestEngine) -> Self {
        Self::start_with(engine, |_| ()).await
    }

    /// The same with settings changed.
    pub(crate) async fn start_with(engine: TestEngine, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_at(engine, Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap(), change).await
    }

    /// The same with other plans.
    pub(crate) async fn start_with_plans(engine: TestEngine, plans: &str) -> Self {
        let file = std::env::temp_dir().join(format!("{}.toml", unique_name()));
        std::fs::write(&file, plans).unwrap();
        let app = Self::start_with(engine, |config| config.plans_file = file.display().to_string()).await;
        std::fs::remove_file(&file).unwrap();
        app
    }

    /// The same with the clock standing at another instant.
    pub(crate) async fn start_at(engine: TestEngine, now: Timestamp, change: impl FnOnce(&mut Config)) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        angarium::telemetry::start_logging("text", &variable("ANGARIUM_TEST_LOG", "error,lapin=off"));
        let name = unique_name();
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&folder).unwrap();
        let mut config = Config::from_layers("", []).unwrap();
        config.master_keys = format!("1:{}", "A".repeat(43) + "=").into();
        config.api.listen = ([127, 0, 0, 1], 0).into();
        config.egress.allow_http = true;
        config.egress.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.scheduler.sweep_ms = Duration::from_millis(20);
        match engine {
            TestEngine::Embedded => config.store.url = format!("sqlite:{}/angarium.db", folder.display()).into(),
            TestEngine::Distributed => {
                let base = postgres_url();
                let (server, _) = base.rsplit_once('/').unwrap();
                config.store.url = format!("{server}/{name}").into();
                config.store.connections_max = 5;
                config.broker.url = amqp_url().into();
                config.broker.prefix.clone_from(&name);
                config.broker.ingest_exchange = format!("{name}.events");
            }
        }
        change(&mut config);
        let clock = Clock::manual(now);
        create_database(&config).await;
        let app = App::start(&config, Role::All, clock.clone()).await.unwrap();
        let receiver = Receiver::start(ReceiverOptions { clock: clock.clone(), ..ReceiverOptions::default() }).unwrap();
        let tenant = app.engine.ensure_tenant("acme", "unlimited").await.unwrap();
        let scope = Scope { tenant: tenant.id, environment: Environment::Staging };
        let key = make_key(&app, scope, &ALL_PERMISSIONS).await;
        let client = Client::new(app.api.unwrap(), key);
        let this = Self { app: Some(app), config, clock, receiver, client, scope, engine, folder };
        this.broker_is_ready().await;
        this
    }

    async fn broker_is_ready(&self) {
        eventually("the broker is ready", || async { self.app().engine.broker().health().ready.then_some(()) }).await;
    }

    /// The running app.
    pub(crate) fn app(&self) -> &App {
        self.app.as_ref().expect("the app runs")
    }

    /// A client with another key of the same tenant.
    pub(crate) async fn client_with(&self, permissions: &[&str]) -> Client {
        Client::new(self.app().api.unwrap(), make_key(self.app(), self.scope, permissions).await)
    }

    /// A client of another tenant, or of this tenant's other environment.
    pub(crate) async fn client_of(&self, tenant: &str, environment: Environment) -> Client {
        let tenant = self.app().engine.ensure_tenant(tenant, "unlimited").await.unwrap();
        let scope = Scope { tenant: tenant.id, environment };
        Client::new(self.app().api.unwrap(), make_key(self.app(), scope, &ALL_PERMISSIONS).await)
    }

    /// A client of a tenant of its own on a plan.
    pub(crate) async fn client_on(&self, plan: &str, environment: Environment) -> Client {
        let tenant = self.app().engine.ensure_tenant(&format!("on {plan}"), plan).await.unwrap();
        let scope = Scope { tenant: tenant.id, environment };
        Client::new(self.app().api.unwrap(), make_key(self.app(), scope, &ALL_PERMISSIONS).await)
    }

    /// Moves the clock.
    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Moves the clock forward to an instant.
    pub(crate) fn advance_to(&self, time: Timestamp) {
        self.advance(time.since(self.clock.now()));
    }

    /// Waits for something while the clock runs: a webhook with more deliveries than one lane holds is fed in turns.
    pub(crate) async fn while_time_passes<T>(&self, something: impl Future<Output = T>) -> T {
        let tick = Duration::from_millis(10);
        tokio::select! {
            done = something => done,
            () = async { loop { tokio::time::sleep(tick).await; self.advance(tick); } } => unreachable!("it never ends"),
        }
    }

    /// Looks for what is due as the scheduler does. What is not on its way after this is not due: so "nothing is
    /// sent" can be told without waiting.
    pub(crate) async fn sweep(&self) {
        self.app().engine.sweep().await.unwrap();
    }

    /// Registers a webhook that wants everything, at a path that verifies and answers 200.
    pub(crate) async fn webhook(&self, name: &str) -> TestWebhook {
        self.webhook_with(name, json!({}), Behaviour::default()).await
    }

    /// Registers a webhook with more fields, at a path that behaves in some way.
    pub(crate) async fn webhook_with(&self, name: &str, fields: Value, behaviour: Behaviour) -> TestWebhook {
        let path = format!("/{name}");
        let mut body = json!({ "name": name, "url": self.receiver.url(&path), "events": ["*"] });
        for (key, value) in fields.as_object().unwrap() {
            body[key] = value.clone();
        }
        let reply = self.client.post("/api/v1/webhooks", &body).await.expect(201);
        let secret = Secret::parse(reply.data()["secret"].as_str().unwrap()).unwrap();
        self.receiver.route(&path, Route::new(vec![secret.clone()]).behaving(behaviour));
        TestWebhook { id: reply.data()["id"].as_str().unwrap().to_owned(), secret, path }
    }

    /// Publishes an event; its id.
    pub(crate) async fn publish(&self, event_type: &str, data: Value) -> String {
        let reply = self.client.post("/api/v1/events", &json!({ "type": event_type, "data": data })).await.expect(202);
        reply.data()["id"].as_str().unwrap().to_owned()
    }

    /// The deliveries of an event, newest first.
    pub(crate) async fn deliveries(&self, event: &str) -> Vec<Value> {
        let reply = self.client.get(&format!("/api/v1/deliveries?eventId={event}&limit=100")).await.expect(200);
        reply.data().as_array().unwrap().clone()
    }

    /// Waits until an event's only delivery looks so, and gives it with its attempts.
    pub(crate) async fn delivery_when(&self, event: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let id = eventually(what, || async {
            let deliveries = self.deliveries(event).await;
            deliveries.first().filter(|delivery| is(delivery)).map(|delivery| delivery["id"].clone())
        })
        .await;
        let path = format!("/api/v1/deliveries/{}", id.as_str().unwrap());
        self.client.get(&path).await.expect(200).data().clone()
    }

    /// Waits until an event's only delivery has a status.
    pub(crate) async fn delivery_in(&self, event: &str, status: &str) -> Value {
        self.delivery_when(event, &format!("the delivery of {event} is {status}"), |d| d["status"] == status).await
    }

    /// Waits until an event's only delivery has had so many attempts and waits or is final.
    pub(crate) async fn delivery_after(&self, event: &str, attempts: u64) -> Value {
        self.delivery_when(event, &format!("{attempts} attempt(s) of {event}"), |d| d["attempts"] == attempts).await
    }

    /// Waits until every request that a webhook's receiver saw is in the delivery log. Before a lease's time is let
    /// go by: what is not written down by then is attempted again, as after a crash.
    pub(crate) async fn written_down(&self, webhook: &TestWebhook) {
        let path = format!("/api/v1/deliveries?webhookId={}&limit=100", webhook.id);
        eventually("what the receiver saw is in the log", || async {
            let deliveries = self.client.get(&path).await.expect(200).data();
            let attempts = deliveries.as_array().unwrap().iter().map(|delivery| delivery["attempts"].as_u64().unwrap());
            (attempts.sum::<u64>() == self.receiver.count(&webhook.path)).then_some(())
        })
        .await;
    }

    /// Stops and starts again on the same data.
    pub(crate) async fn restart(&mut self) {
        let app = self.app.take().expect("the app runs");
        app.stop().await;
        let app = App::start(&self.config, Role::All, self.clock.clone()).await.unwrap();
        self.client = self.client.at(app.api.unwrap());
        self.app = Some(app);
        self.broker_is_ready().await;
    }

    /// Stops, asserts that nothing was left under way, and removes what the test made.
    pub(crate) async fn finish(mut self) {
        let app = self.app.take().expect("the app runs");
        tokio::time::timeout(SOON, app.stop()).await.expect("the app stops in time");
        if self.engine == TestEngine::Distributed {
            remove_broker_names(&self.config).await;
            let url = secrecy::ExposeSecret::expose_secret(&self.config.store.url).to_owned();
            Store::drop_database(&url).await.unwrap();
        }
        std::fs::remove_dir_all(&self.folder).unwrap();
    }
}

async fn make_key(app: &App, scope: Scope, permissions: &[&str]) -> String {
    let permissions = permissions.iter().map(|word| (*word).to_owned()).collect();
    let (_, text) = app.engine.create_key(scope, "test", permissions, None).await.unwrap();
    text.reveal().to_owned()
}

async fn create_database(config: &Config) {
    let url = secrecy::ExposeSecret::expose_secret(&config.store.url).to_owned();
    if url.starts_with("sqlite:") {
        return;
    }
    Store::create_database(&url).await.expect("PostgreSQL answers: see tests/run");
    let store = angarium::app::open_store(config).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await;
}

/// Deletes the exchanges and queues of a test.
async fn remove_broker_names(config: &Config) {
    use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
    let connection = lapin::Connection::connect(&amqp_url(), lapin::ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let (prefix, events) = (&config.broker.prefix, &config.broker.ingest_exchange);
    let mut queues = vec![format!("{prefix}.poison"), format!("{events}.ingest"), format!("{events}.rejected")];
    for shard in 0..config.broker.shards {
        queues.extend([format!("{prefix}.first.{shard}"), format!("{prefix}.retry.{shard}")]);
    }
    for queue in queues {
        channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
    }
    for exchange in [format!("{prefix}.tickets"), format!("{prefix}.dlx"), events.clone(), format!("{events}.rejected")]
    {
        channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await.unwrap();
    }
    connection.close(200, "done".into()).await.unwrap();
}
