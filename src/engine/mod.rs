//! The verbs: accept, claim, settle, park, sweep, replay, and the changes of webhooks and keys. The sole writer of
//! business state.
//!
//! A verb is a function of [`Engine`]. It knows no HTTP and no protocol of a broker: the API, the workers and the
//! scheduler call it, it decides by the rules of [`crate::domain`], and it writes through [`crate::store`].
//!
//! Three verbs are on the path of every delivery, and those are grouped: whatever has queued while the last commit
//! was under way goes into the next one ([`group`]).

pub mod accept;
pub mod asker;
pub mod audit;
pub mod check_up;
pub mod claim;
pub mod data_search;
pub mod deliveries;
pub mod directory;
pub mod doctor;
pub mod event_types;
pub mod explain;
pub mod expunge;
pub mod gates;
pub mod group;
pub mod health;
pub mod idempotent;
pub mod ingest;
pub mod keys;
mod lines;
pub mod mails;
pub mod maintain;
pub mod notices;
pub mod paces;
mod passwords;
pub mod portal_links;
pub mod processes;
pub mod quotas;
pub mod rates;
pub mod records;
pub mod replays;
mod retention;
pub mod seed;
pub mod sessions;
pub mod settle;
pub mod stats;
pub mod streams;
pub mod sweep;
pub mod tail;
pub mod usage;
pub mod users;
pub mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::broker::Broker;
use crate::clock::Clock;
use crate::domain::egress::EgressPolicy;
use crate::domain::id::TenantId;
use crate::domain::key::Pepper;
use crate::domain::plan::{Plan, Plans};
use crate::domain::secret::MasterKeys;
use crate::store::{Store, StoreError};
use crate::telemetry::Metrics;
use crate::telemetry::traces::Traces;

/// Bounds and times of the verbs; see `config/default.toml`.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each is commented in config/default.toml")]
pub struct Limits {
    pub accept_queue_max: usize,
    pub accept_batch_max: usize,
    pub webhooks_max: u32,
    pub deliver_at_max: Duration,
    pub event_data_bytes_max: usize,
    pub idempotency: Duration,
    pub lease: Duration,
    pub timeout_max: Duration,
    pub origin: String,
    pub settle_batch_max: usize,
    pub claims_max: u32,
    pub sweep_max: usize,
    pub sweep_per_webhook_max: u32,
    pub disable_after: Duration,
    pub production: bool,
    pub meter_lease: Duration,
    pub session_requests_per_minute: u64,
    pub session: Duration,
    pub login_failures_max: u32,
    pub login_lockout: Duration,
    pub password_hashes_max: usize,
    pub replays: crate::config::Replays,
    pub portal: crate::config::Portal,
    pub audit_retention: Duration,
    /// None: nobody is sent mails.
    pub mails: Option<mails::MailLimits>,
}

/// What the verbs work with.
pub struct Engine {
    pub(crate) store: Store,
    pub(crate) broker: Arc<dyn Broker>,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) traces: Traces,
    pub(crate) limits: Limits,
    pub(crate) keys: MasterKeys,
    /// Of the hashes that API keys are stored as; derived once, because each request needs it.
    pub(crate) key_pepper: Pepper,
    /// Of session tokens.
    pub(crate) token_key: [u8; 32],
    /// Of the hashes that addresses are counted by.
    pub(crate) address_key: [u8; 32],
    pub(crate) egress: EgressPolicy,
    pub(crate) plans: Plans,
    passwords: passwords::Desk,
    pub(crate) directory: directory::Directory,
    pub(crate) gates: gates::Gates,
    pub(crate) health: health::Health,
    rates: rates::Rates,
    quotas: quotas::Quotas,
    usage: usage::Usage,
    pub(crate) stats: stats::Stats,
    feeds: paces::Feeds,
    accept: accept::AcceptQueue,
    settle: settle::SettleQueue,
    tasks: TaskTracker,
}

/// What an engine is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Moves tickets.
    pub broker: Arc<dyn Broker>,
    /// The time.
    pub clock: Clock,
    /// The numbers.
    pub metrics: Arc<Metrics>,
    /// The spans.
    pub traces: Traces,
    /// The bounds.
    pub limits: Limits,
    /// Opens secrets.
    pub keys: MasterKeys,
    /// Where webhooks may point.
    pub egress: EgressPolicy,
    /// What is sold.
    pub plans: Plans,
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The hashes of API keys come from a master key that is not listed any more, or is another under its number.
    #[error(
        "master_keys: the one with the lowest number is not the one that this database's API keys were hashed with, and \
         without it none of them would work: list it again, last"
    )]
    OtherRoot,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Reads what every process knows by heart, and starts the loops that group commits.
    pub async fn start(parts: Parts) -> Result<Arc<Self>, StartError> {
        let Parts { store, broker, clock, metrics, traces, limits, keys, egress, plans } = parts;
        if !store.remember_root(keys.root_fingerprint()).await? {
            return Err(StartError::OtherRoot);
        }
        let (accept, accept_jobs) = accept::AcceptQueue::new(limits.accept_queue_max);
        let (settle, settle_jobs) = settle::SettleQueue::new(limits.settle_batch_max);
        let engine = Arc::new(Self {
            store,
            broker,
            clock,
            metrics,
            traces,
            key_pepper: Pepper::new(&keys.derive(directory::KEY_PEPPER_LABEL)),
            token_key: keys.derive(sessions::TOKEN_KEY_LABEL),
            address_key: keys.derive(sessions::ADDRESS_KEY_LABEL),
            passwords: passwords::Desk::new(limits.password_hashes_max),
            limits,
            keys,
            egress,
            plans,
            directory: directory::Directory::default(),
            gates: gates::Gates::default(),
            health: health::Health::default(),
            rates: rates::Rates::default(),
            quotas: quotas::Quotas::default(),
            usage: usage::Usage::default(),
            stats: stats::Stats::default(),
            feeds: paces::Feeds::default(),
            accept,
            settle,
            tasks: TaskTracker::new(),
        });
        engine.refresh_directory().await?;
        engine.refresh_gates().await?;
        engine.tasks.spawn(accept::run(Arc::clone(&engine), accept_jobs));
        engine.tasks.spawn(settle::run(Arc::clone(&engine), settle_jobs));
        Ok(engine)
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The database, for reading. Writing is for verbs.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The numbers.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The broker.
    pub fn broker(&self) -> &Arc<dyn Broker> {
        &self.broker
    }

    /// The bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What is sold.
    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    /// The plan that a tenant is on.
    pub fn plan(&self, tenant: TenantId) -> Arc<Plan> {
        Arc::clone(self.plan_in(&self.directory.current(), tenant))
    }

    fn plan_in(&self, snapshot: &directory::Snapshot, tenant: TenantId) -> &Arc<Plan> {
        self.plans.get(snapshot.tenant(tenant).map_or("", |tenant| tenant.plan.as_str()))
    }

    /// The most bytes that the data of a tenant's event may have.
    pub fn event_data_bytes_max(&self, tenant: TenantId) -> usize {
        let most = u64::try_from(self.limits.event_data_bytes_max).unwrap_or(u64::MAX);
        usize::try_from(self.plan(tenant).event_data_bytes.capped(most)).unwrap_or(usize::MAX)
    }

    /// Where webhooks may point.
    pub fn egress(&self) -> &EgressPolicy {
        &self.egress
    }

    /// Commits what was handed in, and takes no more. Call it when nothing hands in any more.
    pub async fn finish(&self) {
        self.accept.close();
        self.settle.close();
        self.tasks.close();
        self.tasks.wait().await;
        if let Err(error) = self.flush_usage().await {
            tracing::warn!("the usage of the last second is lost: {error}");
        }
        if let Err(error) = self.flush_stats().await {
            tracing::warn!("the statistics of the last second are lost: {error}");
        }
        self.traces.stop().await;
    }
}
