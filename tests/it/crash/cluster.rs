//! Angarium as it runs in earnest: processes of their own, with a receiver and webhooks that the test watches.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use angarium::domain::secret::Secret;
use angarium::receiver::{Behaviour, Receiver, ReceiverOptions, Route};
use serde_json::{Value, json};

use super::checker::ATTEMPTS_MAX;
use super::process::{Process, Settings, angarium};
use super::servers::{Folder, PrivateServer, free_ports};
use crate::support::client::Client;

/// Requests that one worker has on the wire at once.
const IN_FLIGHT_MAX: u64 = 32;
/// What the death of one worker may repeat: what was on the wire, and what was answered and not yet committed.
pub(super) const LOST_PER_WORKER_MAX: u64 = 2 * IN_FLIGHT_MAX;
/// After a crash a delivery waits at most this long for its next claim.
pub(super) const LEASE: Duration = Duration::from_secs(7);
/// How long each answer takes, so that a kill finds requests on the wire.
const ANSWER_DELAY: Duration = Duration::from_millis(20);
const READY_MAX: Duration = Duration::from_mins(1);
const POLL_EVERY: Duration = Duration::from_millis(25);

/// A webhook and the path of the receiver that it points to.
pub(super) struct CrashWebhook {
    pub(super) id: String,
    pub(super) path: String,
    /// Whether every answer that it gives is a success.
    pub(super) is_healthy: bool,
}

/// A running deployment. Dropping it ends all of it: first the processes, then their servers, then the files.
pub(super) struct Cluster {
    pub(super) apis: Vec<Process>,
    pub(super) workers: Vec<Process>,
    pub(super) schedulers: Vec<Process>,
    postgres: Option<PrivateServer>,
    rabbitmq: Option<PrivateServer>,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) client: Client,
    pub(super) receiver: Receiver,
    pub(super) webhooks: Vec<CrashWebhook>,
    settings: Settings,
    folder: Folder,
}

impl Cluster {
    /// On PostgreSQL and RabbitMQ: so many APIs, two workers, a scheduler.
    pub(super) async fn distributed(apis: usize) -> Self {
        let folder = Folder::new();
        let (postgres, rabbitmq) = tokio::join!(PrivateServer::postgres(&folder), PrivateServer::rabbitmq(&folder));
        let mut settings = settings();
        settings.push(("ANGARIUM__STORE__URL", postgres.url().to_owned()));
        settings.push(("ANGARIUM__BROKER__URL", rabbitmq.url().to_owned()));
        let key = prepare(&settings, &folder);
        let start =
            |role, number: usize| Process::start(format!("{role}-{number}"), role, settings.clone(), folder.path());
        let workers = (0..2).map(|number| start("worker", number)).collect();
        let schedulers = vec![start("scheduler", 0)];
        let (apis, addresses) = start_apis("api", apis, &settings, &folder);
        let mut cluster = Self::around(apis, addresses, key, folder).await;
        (cluster.workers, cluster.schedulers) = (workers, schedulers);
        (cluster.postgres, cluster.rabbitmq) = (Some(postgres), Some(rabbitmq));
        cluster.settings = settings;
        cluster.register_webhooks().await;
        cluster
    }

    /// On `SQLite`: one process, which is [`Self::apis`]' only one.
    pub(super) async fn embedded() -> Self {
        let folder = Folder::new();
        let mut settings = settings();
        settings.push(("ANGARIUM__STORE__URL", format!("sqlite:{}/angarium.db", folder.path().display())));
        let key = prepare(&settings, &folder);
        let (apis, addresses) = start_apis("all", 1, &settings, &folder);
        let mut cluster = Self::around(apis, addresses, key, folder).await;
        cluster.register_webhooks().await;
        cluster
    }

    async fn around(apis: Vec<Process>, addresses: Vec<SocketAddr>, key: String, folder: Folder) -> Self {
        Self {
            apis,
            workers: Vec::new(),
            schedulers: Vec::new(),
            postgres: None,
            rabbitmq: None,
            client: Client::new(addresses[0], key),
            addresses,
            receiver: Receiver::start_on_thread(ReceiverOptions::default()).await.unwrap(),
            webhooks: Vec::new(),
            settings: Settings::new(),
            folder,
        }
    }

    /// Three webhooks that always succeed, one that fails now and then, and one that is down at first.
    async fn register_webhooks(&mut self) {
        self.is_ready().await;
        let healthy = || Behaviour::delay(ANSWER_DELAY);
        self.register("red", true, healthy()).await;
        self.register("green", true, healthy()).await;
        self.register("blue", true, healthy()).await;
        self.register("flaky", false, Behaviour { fail_rate: 0.1, ..healthy() }).await;
        self.register("late", false, Behaviour { fail_first: 20, ..healthy() }).await;
    }

    async fn register(&mut self, name: &str, is_healthy: bool, behaviour: Behaviour) {
        let path = format!("/{name}");
        let retries = vec![1; usize::try_from(ATTEMPTS_MAX - 1).unwrap()];
        let policy = json!({ "schedule": retries });
        let body =
            json!({ "name": name, "url": self.receiver.url(&path), "events": ["order.*"], "retryPolicy": policy });
        let reply = self.client.post("/api/v1/webhooks", &body).await.expect(201).data();
        let secret = Secret::parse(reply["secret"].as_str().unwrap()).unwrap();
        self.receiver.route(&path, Route::new(vec![secret]).behaving(behaviour));
        self.webhooks.push(CrashWebhook { id: reply["id"].as_str().unwrap().to_owned(), path, is_healthy });
    }

    /// Waits until every API is ready; gives how long it took.
    pub(super) async fn is_ready(&mut self) -> Duration {
        let began = Instant::now();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        for (api, address) in self.apis.iter_mut().zip(&self.addresses) {
            let url = format!("http://{address}/readyz");
            while !http.get(&url).send().await.is_ok_and(|reply| reply.status() == 200) {
                api.expect_running();
                assert!(began.elapsed() < READY_MAX, "{url} does not say ready within {} s", READY_MAX.as_secs());
                tokio::time::sleep(POLL_EVERY).await;
            }
        }
        began.elapsed()
    }

    /// Runs a command of the program on the same deployment.
    pub(super) fn command(&self, arguments: &[&str]) -> Value {
        run(&self.settings, &self.folder, arguments)
    }

    pub(super) fn postgres(&self) -> &PrivateServer {
        self.postgres.as_ref().expect("the cluster is distributed")
    }

    pub(super) fn rabbitmq(&self) -> &PrivateServer {
        self.rabbitmq.as_ref().expect("the cluster is distributed")
    }

    /// Fails if a process ended that nobody killed.
    pub(super) fn expect_running(&mut self) {
        let all = self.apis.iter_mut().chain(&mut self.workers).chain(&mut self.schedulers);
        all.for_each(Process::expect_running);
    }
}

/// Short times, so that recovery shows within seconds; loopback allowed.
fn settings() -> Settings {
    let in_flight = IN_FLIGHT_MAX.to_string();
    let lease = LEASE.as_millis().to_string();
    vec![
        ("ANGARIUM__MASTER_KEYS", format!("1:{}", "A".repeat(43) + "=")),
        ("ANGARIUM__DELIVERY__TIMEOUT_DEFAULT_MS", "1000".to_owned()),
        ("ANGARIUM__DELIVERY__TIMEOUT_MAX_MS", "2000".to_owned()),
        ("ANGARIUM__DELIVERY__LEASE_MS", lease),
        ("ANGARIUM__DELIVERY__IN_FLIGHT_MAX", in_flight),
        ("ANGARIUM__EGRESS__ALLOW_HTTP", "true".to_owned()),
        ("ANGARIUM__EGRESS__ALLOW_NETWORKS", "127.0.0.0/8".to_owned()),
        ("ANGARIUM__STORE__CONNECT_TIMEOUT_MS", "2000".to_owned()),
        ("ANGARIUM__LOG__FILTER", "info,angarium::worker=warn,sqlx=warn,lapin=off".to_owned()),
    ]
}

/// Makes the tables, a tenant and its key.
fn prepare(settings: &Settings, folder: &Folder) -> String {
    run(settings, folder, &["migrate", "--json"]);
    let made = run(settings, folder, &["keys", "create", "--tenant", "acme", "--environment", "staging", "--json"]);
    made["key"].as_str().unwrap().to_owned()
}

fn run(settings: &Settings, folder: &Folder, arguments: &[&str]) -> Value {
    let output = angarium(settings, folder.path()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn start_apis(
    role: &'static str,
    count: usize,
    settings: &Settings,
    folder: &Folder,
) -> (Vec<Process>, Vec<SocketAddr>) {
    let start = |number: usize| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_ports()));
        let mut settings = settings.clone();
        settings.push(("ANGARIUM__API__LISTEN", address.to_string()));
        (Process::start(format!("{role}-{number}"), role, settings, folder.path()), address)
    };
    (0..count).map(start).unzip()
}
