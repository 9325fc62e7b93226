//! Replay jobs. What they make and look at: [`super::replay_runs`].

use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::audit::note;
use super::replay_walk::Span;
use super::{IdSpan, ListSql, Store, StoreError, in_tx, on_read, on_write};
use crate::domain::audit::{Actor, AuditEntry};
use crate::domain::id::{ReplayId, TenantId};
use crate::domain::replay::{ReplayFilter, ReplayState};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

/// A job as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a column")]
pub struct Replay {
    /// Its id.
    pub id: ReplayId,
    /// Whose deliveries.
    pub scope: Scope,
    /// Which of them.
    pub filter: ReplayFilter,
    /// Only those that are dead letters at the moment of their run.
    pub only_failed: bool,
    /// In which order.
    pub newest_first: bool,
    /// Runs in a second.
    pub rate: u32,
    /// Where it stands.
    pub state: ReplayState,
    /// Why it failed.
    pub note: Option<String>,
    /// Who asked for it.
    pub asked_by: Actor,
    /// Deliveries that were meant when it was made; exact once all have been looked at.
    pub total: u64,
    /// Whether `total` is exact, or there are more.
    pub total_is_exact: bool,
    /// Runs that it has made.
    pub made: u64,
    /// Of those, tried and waiting for a retry or for their webhook.
    pub waiting: u64,
    /// Of those, delivered.
    pub delivered: u64,
    /// Of those, dead, cancelled or gone.
    pub failed: u64,
    /// Deliveries that were meant and passed over.
    pub skipped: u64,
    /// What was not looked at yet lies above this id...
    pub low: Uuid,
    /// ... and below this one.
    pub high: Uuid,
    /// Nothing is left between the two.
    pub walked: bool,
    /// There is something left to do or to look at.
    pub is_open: bool,
    /// Up to when its rate is used.
    pub paced_at: Timestamp,
    /// Raised by each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When something last happened to it.
    pub updated_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

impl Replay {
    /// Runs that were made and had no attempt yet.
    #[must_use]
    pub fn outstanding(&self) -> u64 {
        self.made.saturating_sub(self.waiting + self.delivered + self.failed)
    }

    /// What was not looked at yet.
    #[must_use]
    pub const fn left(&self) -> Span {
        Span { low: self.low, high: self.high, newest_first: self.newest_first }
    }
}

macro_rules! columns {
    () => {
        "id, tenant_id, environment, filter, only_failed, newest_first, rate, state, note, asked_by, total, \
         total_is_exact, made, waiting, delivered, failed, skipped, low_id, high_id, walked, is_open, paced_at, \
         version, created_at, updated_at, ended_at"
    };
}

/// Taken for its lock, so that two requests at once cannot both be the last that is allowed.
const LOCK_TENANT: &str = "update tenants set plan = plan where id = $1";
const COUNT_UNFINISHED: &str = "select count(*) from replays where tenant_id = $1 and is_open \
    and state in ('running', 'paused')";
const INSERT: &str = concat!(
    "insert into replays (",
    columns!(),
    ") values ($1, $2, $3, $4, $5, $6, $7, $8, null, $9, $10, $11, 0, 0, 0, 0, 0, $12, $13, false, true, $14, 1, $15, \
     $15, null)"
);
pub(super) const BY_ID: &str =
    concat!("select ", columns!(), " from replays where tenant_id = $1 and environment = $2 and id = $3");
macro_rules! page {
    ($tail:literal) => {
        concat!(
            "select ",
            columns!(),
            " from replays where tenant_id = $1 and environment = $2 and id >= $3 and id < $4 \
             and (cast($5 as text) is null or state = $5) ",
            $tail
        )
    };
}
const LIST: ListSql = ListSql {
    page: page!("order by id desc limit $6 offset $7"),
    page_back: page!("order by id limit $6 offset $7"),
    count: "select count(*) from replays where tenant_id = $1 and environment = $2 \
        and (cast($3 as text) is null or state = $3)",
};
pub(super) const OPEN: &str =
    concat!("select ", columns!(), " from replays where is_open and id > $1 order by id limit $2");
const PAUSE: &str = "update replays set state = 'paused', version = version + 1, updated_at = $4 \
    where tenant_id = $1 and environment = $2 and id = $3 and state = 'running'";
const RESUME: &str = "update replays set state = 'running', version = version + 1, updated_at = $4 \
    where tenant_id = $1 and environment = $2 and id = $3 and state = 'paused'";
const CANCEL: &str = "update replays set state = 'cancelled', version = version + 1, updated_at = $4, ended_at = $4, \
    is_open = (made > delivered + failed) \
    where tenant_id = $1 and environment = $2 and id = $3 and state in ('running', 'paused')";
const FAIL: &str = "update replays set state = 'failed', note = $3, version = version + 1, updated_at = $2, \
    ended_at = $2, is_open = (made > delivered + failed) where id = $1 and state in ('running', 'paused')";
const PURGE: &str = "delete from replays where id in \
    (select id from replays where ended_at is not null and ended_at < $1 and not is_open order by ended_at limit $2)";

#[derive(sqlx::FromRow)]
#[allow(clippy::struct_excessive_bools, reason = "each is a column")]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    environment: String,
    filter: String,
    only_failed: bool,
    newest_first: bool,
    rate: i64,
    state: String,
    note: Option<String>,
    asked_by: String,
    total: i64,
    total_is_exact: bool,
    made: i64,
    waiting: i64,
    delivered: i64,
    failed: i64,
    skipped: i64,
    low_id: Uuid,
    high_id: Uuid,
    walked: bool,
    is_open: bool,
    paced_at: i64,
    version: i64,
    created_at: i64,
    updated_at: i64,
    ended_at: Option<i64>,
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl TryFrom<Row> for Replay {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = ReplayId(row.id);
        let corrupt = |column| StoreError::Corrupt { table: "replays", column, id: id.to_string() };
        let environment = row.environment.parse().map_err(|_| corrupt("environment"))?;
        Ok(Self {
            id,
            scope: Scope { tenant: TenantId(row.tenant_id), environment },
            filter: read(&row.filter).ok_or_else(|| corrupt("filter"))?,
            only_failed: row.only_failed,
            newest_first: row.newest_first,
            rate: u32::try_from(row.rate).map_err(|_| corrupt("rate"))?,
            state: ReplayState::parse(&row.state).ok_or_else(|| corrupt("state"))?,
            note: row.note,
            asked_by: read(&row.asked_by).ok_or_else(|| corrupt("asked_by"))?,
            total: unsigned(row.total),
            total_is_exact: row.total_is_exact,
            made: unsigned(row.made),
            waiting: unsigned(row.waiting),
            delivered: unsigned(row.delivered),
            failed: unsigned(row.failed),
            skipped: unsigned(row.skipped),
            low: row.low_id,
            high: row.high_id,
            walked: row.walked,
            is_open: row.is_open,
            paced_at: Timestamp::from_millis(row.paced_at),
            version: row.version,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
            ended_at: row.ended_at.map(Timestamp::from_millis),
        })
    }
}

/// What a person does to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayChange {
    /// It makes no more runs for now.
    Pause,
    /// It goes on.
    Resume,
    /// It makes no more runs.
    Cancel,
}

impl ReplayChange {
    const fn statement(self) -> &'static str {
        match self {
            Self::Pause => PAUSE,
            Self::Resume => RESUME,
            Self::Cancel => CANCEL,
        }
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("filters and names are text, numbers and lists")
}

impl Store {
    /// Keeps a new job; false when the tenant has as many unfinished ones as it may.
    pub async fn insert_replay(
        &self,
        replay: &Replay,
        unfinished_max: u32,
        line: Option<&AuditEntry>,
    ) -> Result<bool, StoreError> {
        let Replay { id, scope, filter, only_failed, newest_first, rate, state, asked_by, .. } = replay;
        Ok(in_tx!(self, |tx| {
            sqlx::query(LOCK_TENANT).bind(scope.tenant.0).execute(&mut *tx).await?;
            let count = sqlx::query_scalar(COUNT_UNFINISHED).bind(scope.tenant.0);
            let unfinished: i64 = count.fetch_one(&mut *tx).await?;
            let has_room = unfinished < i64::from(unfinished_max);
            if has_room {
                let insert = sqlx::query(INSERT).bind(id.0).bind(scope.tenant.0).bind(scope.environment.as_str());
                let insert = insert.bind(json(filter)).bind(*only_failed).bind(*newest_first).bind(i64::from(*rate));
                let insert = insert.bind(state.as_str()).bind(json(asked_by)).bind(signed(replay.total));
                let insert = insert.bind(replay.total_is_exact).bind(replay.low).bind(replay.high);
                let insert = insert.bind(replay.paced_at.as_millis()).bind(replay.created_at.as_millis());
                insert.execute(&mut *tx).await?;
                note!(tx, line);
            }
            has_room
        }))
    }

    /// One job.
    pub async fn replay(&self, scope: Scope, id: ReplayId) -> Result<Option<Replay>, StoreError> {
        let (tenant, environment) = (scope.tenant.0, scope.environment.as_str());
        let row: Option<Row> = on_read!(self, |db| {
            sqlx::query_as(BY_ID).bind(tenant).bind(environment).bind(id.0).fetch_optional(db).await
        })?;
        row.map(Replay::try_from).transpose()
    }

    /// A page of jobs, newest first.
    pub async fn replays_page(
        &self,
        scope: Scope,
        state: Option<ReplayState>,
        span: IdSpan,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<Replay>, StoreError> {
        let (page, (from, before)) = (if span.oldest_first { LIST.page_back } else { LIST.page }, span.bounds());
        let rows: Vec<Row> = on_read!(self, |db| {
            let page = sqlx::query_as(page).bind(scope.tenant.0).bind(scope.environment.as_str());
            let page = page.bind(from).bind(before).bind(state.map(ReplayState::as_str));
            page.bind(i64::from(limit)).bind(i64::from(offset)).fetch_all(db).await
        })?;
        rows.into_iter().map(Replay::try_from).collect()
    }

    /// How many jobs there are.
    pub async fn replays_count(&self, scope: Scope, state: Option<ReplayState>) -> Result<u64, StoreError> {
        let total: i64 = on_read!(self, |db| {
            let count = sqlx::query_scalar(LIST.count).bind(scope.tenant.0).bind(scope.environment.as_str());
            count.bind(state.map(ReplayState::as_str)).fetch_one(db).await
        })?;
        Ok(unsigned(total))
    }

    /// The jobs of all tenants that have something left to do or to look at, oldest first.
    pub async fn open_replays(&self, max: u32) -> Result<Vec<Replay>, StoreError> {
        let rows: Vec<Row> =
            on_read!(self, |db| sqlx::query_as(OPEN).bind(Uuid::nil()).bind(i64::from(max)).fetch_all(db).await)?;
        rows.into_iter().map(Replay::try_from).collect()
    }

    /// Does what a person asks of a job; false when it is not in a state for that.
    pub async fn change_replay(
        &self,
        scope: Scope,
        id: ReplayId,
        change: ReplayChange,
        now: Timestamp,
        line: Option<&AuditEntry>,
    ) -> Result<bool, StoreError> {
        Ok(in_tx!(self, |tx| {
            let update = sqlx::query(change.statement()).bind(scope.tenant.0).bind(scope.environment.as_str());
            let done = update.bind(id.0).bind(now.as_millis()).execute(&mut *tx).await?.rows_affected() > 0;
            note!(tx, line.filter(|_| done));
            done
        }))
    }

    /// Ends a job that cannot go on.
    pub async fn fail_replay(&self, id: ReplayId, note: &str, now: Timestamp) -> Result<(), StoreError> {
        on_write!(self, |db| sqlx::query(FAIL)
            .bind(id.0)
            .bind(now.as_millis())
            .bind(note)
            .execute(db)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Forgets jobs that ended before an instant, some at a time; returns how many.
    pub async fn purge_replays(&self, before: Timestamp, max: u32) -> Result<u64, StoreError> {
        Ok(on_write!(self, |db| {
            let purge = sqlx::query(PURGE).bind(before.as_millis()).bind(i64::from(max));
            purge.execute(db).await.map(|done| done.rows_affected())
        })?)
    }
}
