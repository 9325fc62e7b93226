//! The composition root: makes the parts, gives them to the roles, and takes everything down in order.

mod options;

use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::{self, Api, ApiOptions};
use crate::broker::Broker;
use crate::broker::in_process::InProcess;
use crate::broker::ingest::{Ingest, IngestOptions};
use crate::broker::rabbitmq::{Poison, RabbitMq};
use crate::chance;
use crate::clock::Clock;
use crate::config::Config;
use crate::dashboard::{self, Dashboard, DashboardOptions};
use crate::engine::processes::Heart;
use crate::engine::{Engine, Parts};
use crate::scheduler;
use crate::store::{ListBounds, Store, StoreOptions};
use crate::telemetry::traces::Traces;
use crate::telemetry::{Build, Metrics};
use crate::worker::client::Client;
use crate::worker::run as work;
use options::{client_options, egress, lane_limits, limits, rabbit_options, scheduler_options, trace_options};

pub use options::{mailer, master_keys, plans};

/// How often every process looks for what others have changed.
const FRESH_EVERY: Duration = Duration::from_secs(1);
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Everything.
    All,
    /// Takes requests and messages.
    Api,
    /// Sends webhooks.
    Worker,
    /// Sweeps, and does chores.
    Scheduler,
}

impl Role {
    /// The word that commands and metrics use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Scheduler => "scheduler",
        }
    }

    const fn serves_api(self) -> bool {
        matches!(self, Self::All | Self::Api)
    }

    const fn works(self) -> bool {
        matches!(self, Self::All | Self::Worker)
    }

    const fn schedules(self) -> bool {
        matches!(self, Self::All | Self::Scheduler)
    }
}

/// A running process.
pub struct App {
    /// The verbs.
    pub engine: Arc<Engine>,
    /// Where the API listens, if it does.
    pub api: Option<SocketAddr>,
    /// Where health and metrics listen, if they do.
    pub admin: Option<SocketAddr>,
    serving: CancellationToken,
    working: CancellationToken,
    servers: TaskTracker,
    workers: TaskTracker,
    ingest: Option<Ingest>,
    drain: Duration,
    /// Held while this process uses an `SQLite` file.
    _lock: Option<File>,
}

/// Opens the database of a configuration.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let url = config.store.url.expose_secret();
    if let Some(path) = url.strip_prefix("sqlite:")
        && let Some(folder) = std::path::Path::new(path).parent()
    {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let options = StoreOptions {
        url,
        connections_max: config.store.connections_max,
        connect_timeout: config.store.connect_timeout_ms,
        statement_timeout: config.store.statement_timeout_ms,
        bounds: ListBounds { looked_max: config.store.looked_max, counted_max: config.store.counted_max },
    };
    Store::connect(&options).await.context("the database of store.url cannot be opened")
}

/// Two processes on one `SQLite` file would end each other's leases and send twice.
fn lock_sqlite(config: &Config) -> anyhow::Result<File> {
    let path = config.store.url.expose_secret().trim_start_matches("sqlite:");
    let path = format!("{}.lock", path.split('?').next().unwrap_or(path));
    let lock = File::create(&path).with_context(|| format!("{path} cannot be made"))?;
    lock.try_lock().with_context(|| format!("another process serves this database: it holds {path}"))?;
    Ok(lock)
}

/// Connects to the broker of a configuration, as a process that only publishes does.
pub fn connect_broker(config: &Config, node: &str) -> anyhow::Result<Arc<dyn Broker>> {
    Ok(Arc::new(RabbitMq::connect(rabbit_options(config, node, Role::Api))?))
}

/// Removes a deployment: its database, and its names in the broker.
pub async fn remove(config: &Config) -> anyhow::Result<()> {
    if !config.broker.url.expose_secret().is_empty() {
        RabbitMq::remove(rabbit_options(config, "remove", Role::Api)).await.context("the broker's queues")?;
    }
    Store::drop_database(config.store.url.expose_secret()).await.context("the database")
}

/// The tickets that no process could read, as the broker keeps them. The in-process queue keeps none.
pub async fn poison(config: &Config, max: u32) -> anyhow::Result<Poison> {
    if config.broker.url.expose_secret().is_empty() {
        return Ok(Poison::default());
    }
    Ok(RabbitMq::poison(rabbit_options(config, "dlq", Role::Api), max).await?)
}

/// Throws those away; how many.
pub async fn purge_poison(config: &Config) -> anyhow::Result<u32> {
    if config.broker.url.expose_secret().is_empty() {
        return Ok(0);
    }
    Ok(RabbitMq::purge_poison(rabbit_options(config, "dlq", Role::Api)).await?)
}

/// An engine without any role: for commands that change things in the database and end.
pub async fn open_engine(config: &Config) -> anyhow::Result<Arc<Engine>> {
    let store = open_store(config).await?;
    let parts = Parts {
        store,
        broker: Arc::new(InProcess::new(0)),
        clock: Clock::system(),
        metrics: Arc::new(Metrics::new()),
        traces: Traces::off(),
        limits: limits(config),
        keys: master_keys(config)?,
        egress: egress(config),
        plans: plans(config)?,
    };
    Ok(Engine::start(parts).await?)
}

impl App {
    /// Starts a role on the address that its configuration names.
    pub async fn start(config: &Config, role: Role, clock: Clock) -> anyhow::Result<Self> {
        let distributed = !config.broker.url.expose_secret().is_empty();
        // A mistake there is told at once by every process, not only by the one that would send.
        mailer(config)?;
        let store = open_store(config).await?;
        let embedded = store.engine_name() == "sqlite";
        if embedded && distributed {
            bail!("broker.url needs PostgreSQL: SQLite serves one process, which needs no broker");
        }
        if !distributed && role != Role::All {
            bail!("without broker.url one process does everything: serve all");
        }
        if embedded {
            store.migrate().await?;
        } else if let pending = store.pending_migrations().await?
            && !pending.is_empty()
        {
            bail!("the database lacks migration(s) {}: run `angarium migrate`", pending.join(", "));
        }
        if let Some(time) = store.time().await? {
            clock.follow(time);
        }
        let lock = if embedded { Some(lock_sqlite(config)?) } else { None };
        store.make_partitions(clock.now(), config.scheduler.partition_days_ahead).await?;
        store.release_leases(clock.now()).await?;
        store.depose().await?;
        let node = node_name(config);
        let broker: Arc<dyn Broker> = if distributed {
            Arc::new(RabbitMq::connect(rabbit_options(config, &node, role))?)
        } else {
            Arc::new(InProcess::new(config.broker.window))
        };
        let metrics = Arc::new(Metrics::new());
        let engine_name = store.engine_name();
        metrics.build.get_or_create(&Build { version: VERSION, role: role.as_str(), engine: engine_name }).set(1);
        let traces = Traces::start(&trace_options(config, &node)).context("traces.endpoint")?;
        let (limits, keys, egress, plans) = (limits(config), master_keys(config)?, egress(config), plans(config)?);
        let parts = Parts { store, broker, clock: clock.clone(), metrics, traces, limits, keys, egress, plans };
        let engine = Engine::start(parts).await?;
        let mut app = Self {
            engine,
            api: None,
            admin: None,
            serving: CancellationToken::new(),
            working: CancellationToken::new(),
            servers: TaskTracker::new(),
            workers: TaskTracker::new(),
            ingest: None,
            drain: config.shutdown.drain_ms,
            _lock: lock,
        };
        app.start_background(config, role, &node)?;
        app.start_servers(config, role).await?;
        if distributed && role.serves_api() && config.broker.ingest {
            app.ingest = Some(start_ingest(config, &app.engine, &node, clock)?);
        }
        Ok(app)
    }

    fn start_background(&self, config: &Config, role: Role, node: &str) -> anyhow::Result<()> {
        if role.works() {
            let client = Arc::new(Client::new(client_options(config)?).context("the HTTP client cannot be made")?);
            let (engine, lanes) = (Arc::clone(&self.engine), lane_limits(config));
            self.workers.spawn(work::run(engine, client, lanes, self.working.clone()));
        }
        if role.schedules() {
            let options = scheduler_options(config, node)?;
            self.workers.spawn(scheduler::run(Arc::clone(&self.engine), options, self.working.clone()));
        }
        let heart = Heart::new(node.to_owned(), role.as_str(), VERSION, self.engine.clock().now());
        self.workers.spawn(keep_fresh(Arc::clone(&self.engine), heart, self.working.clone()));
        Ok(())
    }

    async fn start_servers(&mut self, config: &Config, role: Role) -> anyhow::Result<()> {
        let options = ApiOptions::from(config);
        let api = Api::new(Arc::clone(&self.engine), options.clone(), self.serving.clone());
        if role.serves_api() {
            let listener = bind(&config.api.listen.to_string(), "api.listen").await?;
            self.api = Some(listener.local_addr()?);
            let dashboard = DashboardOptions::from(config);
            let dashboard = Dashboard::new(Arc::clone(&self.engine), dashboard, self.serving.clone());
            let pages = api::Pages {
                root: dashboard::ROOT,
                router: dashboard::router(&dashboard),
                refused: dashboard::refused,
            };
            self.serve(listener, api::router(&api, pages), &options);
        }
        if !config.admin.listen.is_empty() {
            let listener = bind(&config.admin.listen, "admin.listen").await?;
            self.admin = Some(listener.local_addr()?);
            self.serve(listener, api::health_router(&api), &options);
        }
        Ok(())
    }

    fn serve(&self, listener: TcpListener, router: axum::Router, options: &ApiOptions) {
        self.servers.spawn(api::server::serve(listener, router, options.clone(), self.serving.clone()));
    }

    /// Takes everything down in order: no new requests, then no new attempts, then what is left is committed.
    /// Whatever is still on the wire at the end of the drain time is left to its lease.
    pub async fn stop(self) {
        let Self { engine, serving, working, servers, workers, ingest, drain, .. } = self;
        let orderly = async {
            serving.cancel();
            if let Some(ingest) = ingest {
                ingest.stop().await;
            }
            servers.close();
            servers.wait().await;
            working.cancel();
            workers.close();
            workers.wait().await;
            engine.finish().await;
            engine.broker().close().await;
        };
        if tokio::time::timeout(drain, orderly).await.is_err() {
            tracing::warn!("not everything was finished within {} s; leases bring it back", drain.as_secs());
        }
        engine.store().close().await;
    }
}

async fn bind(address: &str, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("{address} cannot be listened on; is another process there? Set {key} to another address")
    })
}

async fn keep_fresh(engine: Arc<Engine>, mut heart: Heart, shutdown: CancellationToken) {
    while tokio::time::timeout(FRESH_EVERY, shutdown.cancelled()).await.is_err() {
        // First, so that a database that is away does not hide a broker that is.
        engine.measure();
        if let Err(error) = engine.keep_fresh().await {
            tracing::warn!("changes of other processes are not seen: {error}");
        }
        if let Err(error) = engine.beat(&mut heart).await {
            tracing::warn!("others do not learn that this process is alive: {error}");
        }
    }
    if let Err(error) = engine.take_leave(&heart).await {
        tracing::warn!("others do not learn that this process has ended: {error}");
    }
}

fn node_name(config: &Config) -> String {
    if !config.deployment.node.is_empty() {
        return config.deployment.node.clone();
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}-{:04x}", host.trim(), std::process::id(), chance::bits() & 0xffff)
}

fn start_ingest(config: &Config, engine: &Arc<Engine>, node: &str, clock: Clock) -> anyhow::Result<Ingest> {
    let exchange = config.broker.ingest_exchange.clone();
    let options = IngestOptions {
        uri: config.broker.url.clone(),
        queue: format!("{exchange}.ingest"),
        rejected: format!("{exchange}.rejected"),
        exchange,
        node: node.to_owned(),
        prefetch: config.broker.ingest_prefetch,
        clock,
        chance: Arc::new(chance::fraction),
    };
    let engine = Arc::clone(engine);
    Ok(Ingest::start(
        options,
        Arc::new(move |message| {
            let engine = Arc::clone(&engine);
            Box::pin(async move { engine.ingest(message).await })
        }),
    )?)
}
