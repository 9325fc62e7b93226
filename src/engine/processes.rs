//! The processes that are alive. Each says so every few seconds, with what it has in hand; who ends in order takes its
//! leave. Nothing is decided by it: leases and epochs see to what a process leaves behind.

use std::time::Duration;

use tokio::time::Instant;

use super::Engine;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
pub use crate::store::processes::Process;

/// How often a process says that it is alive.
const BEAT_EVERY: Duration = Duration::from_secs(5);
/// One that has said nothing for so long is likely dead, or cut off from the database.
pub const SILENT_AFTER: Duration = Duration::from_secs(15);
/// One that has said nothing for so long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// What a process says of itself that does not change, and when it next says it.
pub struct Heart {
    /// Its name.
    pub node: String,
    role: &'static str,
    version: &'static str,
    started_at: Timestamp,
    next: Option<Instant>,
}

impl Heart {
    /// Of a process that starts.
    #[must_use]
    pub fn new(node: String, role: &'static str, version: &'static str, started_at: Timestamp) -> Self {
        Self { node, role, version, started_at, next: None }
    }
}

impl Engine {
    /// Says that this process is alive, when it is time to.
    pub async fn beat(&self, heart: &mut Heart) -> Result<(), StoreError> {
        let now = Instant::now();
        if heart.next.is_some_and(|next| next > now) {
            return Ok(());
        }
        heart.next = Some(now + BEAT_EVERY);
        let (metrics, seen_at) = (&self.metrics, self.clock.now());
        let leads = metrics.is_leader.get() == 1;
        let lag = Duration::try_from_secs_f64(metrics.oldest_ready_seconds.get()).unwrap_or_default();
        let process = Process {
            node: heart.node.clone(),
            role: heart.role.to_owned(),
            version: heart.version.to_owned(),
            started_at: heart.started_at,
            seen_at,
            leads,
            broker_ready: self.broker.health().ready,
            in_flight: metrics.in_flight.get(),
            waiting: metrics.waiting.get(),
            lag_ms: leads.then(|| i64::try_from(lag.as_millis()).unwrap_or(i64::MAX)),
        };
        self.store.process_was_seen(&process).await?;
        self.store.forget_processes(seen_at.before(FORGOTTEN_AFTER)).await
    }

    /// Takes this process's leave.
    pub async fn take_leave(&self, heart: &Heart) -> Result<(), StoreError> {
        self.store.process_is_gone(&heart.node).await
    }
}
