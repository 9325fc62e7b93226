//! The processes that are alive: a row each, written by itself.

use super::{Store, StoreError, on_read, on_write};
use crate::domain::time::Timestamp;

pub(super) const SEEN: &str = "insert into processes \
    (node, role, version, started_at, seen_at, leads, broker_ready, in_flight, waiting, lag_ms) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
    on conflict (node) do update set seen_at = excluded.seen_at, leads = excluded.leads, \
    broker_ready = excluded.broker_ready, in_flight = excluded.in_flight, waiting = excluded.waiting, \
    lag_ms = excluded.lag_ms";
const GONE: &str = "delete from processes where node = $1";
const SILENT: &str = "delete from processes where seen_at < $1";
const ALL: &str = "select node, role, version, started_at, seen_at, leads, broker_ready, in_flight, waiting, lag_ms \
    from processes order by started_at, node limit $1";
/// Processes that are shown: no deployment has more.
const SHOWN_MAX: i64 = 200;

/// A process as it last said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its name: no other has it.
    pub node: String,
    /// What it does.
    pub role: String,
    /// Of the program.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it said so.
    pub seen_at: Timestamp,
    /// Whether it leads the scheduler.
    pub leads: bool,
    /// Whether its broker takes tickets.
    pub broker_ready: bool,
    /// Requests that it has on the wire.
    pub in_flight: i64,
    /// Deliveries in its memory that wait for a permit.
    pub waiting: i64,
    /// For the leader: how late the oldest due delivery is that nothing holds back.
    pub lag_ms: Option<i64>,
}

type Row = (String, String, String, i64, i64, bool, bool, i64, i64, Option<i64>);

impl From<Row> for Process {
    fn from(row: Row) -> Self {
        let (node, role, version, started_at, seen_at, leads, broker_ready, in_flight, waiting, lag_ms) = row;
        let (started_at, seen_at) = (Timestamp::from_millis(started_at), Timestamp::from_millis(seen_at));
        Self { node, role, version, started_at, seen_at, leads, broker_ready, in_flight, waiting, lag_ms }
    }
}

impl Store {
    /// Notes what a process says of itself.
    pub async fn process_was_seen(&self, process: &Process) -> Result<(), StoreError> {
        let Process { node, role, version, started_at, seen_at, leads, broker_ready, in_flight, waiting, lag_ms } =
            process;
        on_write!(self, |db| {
            let seen = sqlx::query(SEEN).bind(node).bind(role).bind(version).bind(started_at.as_millis());
            let seen = seen.bind(seen_at.as_millis()).bind(leads).bind(broker_ready).bind(in_flight);
            seen.bind(waiting).bind(lag_ms).execute(db).await.map(drop)
        })?;
        Ok(())
    }

    /// Forgets a process that has ended.
    pub async fn process_is_gone(&self, node: &str) -> Result<(), StoreError> {
        on_write!(self, |db| sqlx::query(GONE).bind(node).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Forgets processes that were last heard of before an instant.
    pub async fn forget_processes(&self, before: Timestamp) -> Result<(), StoreError> {
        on_write!(self, |db| sqlx::query(SILENT).bind(before.as_millis()).execute(db).await.map(drop))?;
        Ok(())
    }

    /// All of them, the oldest first.
    pub async fn processes(&self) -> Result<Vec<Process>, StoreError> {
        let rows: Vec<Row> = on_read!(self, |db| sqlx::query_as(ALL).bind(SHOWN_MAX).fetch_all(db).await)?;
        Ok(rows.into_iter().map(Process::from).collect())
    }
}
