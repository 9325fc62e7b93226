//! The only module that knows SQL.
//!
//! One text serves both databases; the two pools differ in type, so each call is written once inside `on_read`,
//! `on_write` or `in_tx`, which repeat it for either. Column types keep the text equal: ids are 16 bytes, times
//! are milliseconds, enums are words. Batches of many rows differ by nature and live in [`dialect`].
//!
//! Things that would differ silently, and how they are written here: sums of bigint are `numeric` on PostgreSQL
//! (cast them); the order of nulls (do not sort by nullable columns); `like` and case (not used); `delete … limit`
//! (`where … in (select … limit)`).
//!
//! `SQLite` has one writer connection, whose transactions begin `immediate`, and several readers (WAL).

pub mod all_tenants;
pub mod attempt_log;
pub mod attempts;
pub mod audit;
pub mod beside;
pub mod dead_letters;
pub mod deliveries;
pub mod delivery_fit;
pub mod delivery_list;
pub mod delivery_stats;
pub mod dialect;
pub mod due;
pub mod error;
pub mod event_types;
pub mod events;
pub mod expunge;
pub mod gates;
pub mod hot;
pub mod idempotency;
pub mod idempotent_requests;
pub mod keys;
pub mod leaders;
pub mod lines;
pub mod mails;
pub mod measures;
pub mod meters;
pub mod paces;
pub mod partitions;
pub mod portal_links;
pub mod processes;
pub mod records;
pub mod replay_runs;
pub mod replay_walk;
pub mod replays;
pub mod requests;
pub mod retention;
pub mod root;
pub mod seed;
pub mod sessions;
pub mod tenants;
pub mod users;
pub mod webhooks;

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};
use uuid::Uuid;

pub use error::StoreError;

use crate::domain::time::Timestamp;

/// The two pools.
#[derive(Debug, Clone)]
pub enum Db {
    /// Many processes.
    Postgres(PgPool),
    /// One process: one writer, several readers.
    Sqlite {
        /// The one connection that writes.
        write: SqlitePool,
        /// The connections that read.
        read: SqlitePool,
    },
}

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) db: Db,
    /// How far lists are looked at and counted.
    pub bounds: ListBounds,
}

/// How far a list is looked at, whatever is asked for.
#[derive(Debug, Clone, Copy)]
pub struct ListBounds {
    /// Rows that one page passes, however few of them are found.
    pub looked_max: u32,
    /// Rows that are counted; there may be more.
    pub counted_max: u32,
}

/// Runs one reading statement on either database.
macro_rules! on_read {
    ($store:expr, |$conn:ident| $run:expr) => {
        match &$store.db {
            $crate::store::Db::Postgres($conn) => $run,
            $crate::store::Db::Sqlite { read: $conn, .. } => $run,
        }
    };
}
pub(crate) use on_read;

/// Runs one writing statement on either database.
macro_rules! on_write {
    ($store:expr, |$conn:ident| $run:expr) => {
        match &$store.db {
            $crate::store::Db::Postgres($conn) => $run,
            $crate::store::Db::Sqlite { write: $conn, .. } => $run,
        }
    };
}
pub(crate) use on_write;

/// Runs several statements in one transaction on either database; commits unless the block leaves early.
macro_rules! in_tx {
    ($store:expr, |$tx:ident| $run:expr) => {
        match &$store.db {
            $crate::store::Db::Postgres(pool) => {
                let mut $tx = pool.begin().await?;
                let value = $run;
                $tx.commit().await?;
                value
            }
            $crate::store::Db::Sqlite { write, .. } => {
                let mut $tx = write.begin_with("begin immediate").await?;
                let value = $run;
                $tx.commit().await?;
                value
            }
        }
    };
}
pub(crate) use in_tx;

/// The statements of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListSql {
    /// A page, newest first.
    pub(crate) page: &'static str,
    /// A page, oldest first: for walking back.
    pub(crate) page_back: &'static str,
    /// How many there are in all.
    pub(crate) count: &'static str,
}

/// The rows of a list that a page is cut from: some ids, read from one end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IdSpan {
    /// Ids from this on.
    pub from: Option<Uuid>,
    /// Ids before this.
    pub before: Option<Uuid>,
    /// Whether a page begins at the oldest of them, and not at the newest.
    pub oldest_first: bool,
}

impl IdSpan {
    /// Those before an id, newest first.
    #[must_use]
    pub fn before(before: Option<Uuid>) -> Self {
        Self { from: None, before, oldest_first: false }
    }

    /// As far as a row, that row included.
    pub(super) fn until(self, end: Uuid) -> Self {
        if self.oldest_first {
            return Self { before: Some(Uuid::from_u128(end.as_u128().saturating_add(1))), ..self };
        }
        Self { from: Some(end), ..self }
    }

    pub(crate) fn bounds(self) -> (Uuid, Uuid) {
        (self.from.unwrap_or(Uuid::nil()), self.before.unwrap_or(Uuid::max()))
    }
}

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct StoreOptions<'a> {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: &'a str,
    /// Connections of `PostgreSQL`; readers of `SQLite`.
    pub connections_max: u32,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long a statement may take (`PostgreSQL`).
    pub statement_timeout: Duration,
    /// How far lists are looked at and counted.
    pub bounds: ListBounds,
}

/// How PostgreSQL plans our statements. They are prepared, and planned once, perhaps while a table is still empty. With
/// these off, the plan that is kept is the one by index, which is right for every statement here at every size.
pub const PG_PLANNER: [(&str, &str); 10] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    // A list is a walk that stops when its page is full. A bitmap reads all of it, and sorts that.
    ("enable_bitmapscan", "off"),
    // What is asked for is in memory, so rows cost more than pages: else the primary key is taken for what is asked for
    // by webhook or tenant, because its rows lie together, and others' are passed to find them.
    ("random_page_cost", "1.1"),
    ("cpu_tuple_cost", "0.1"),
    ("cpu_index_tuple_cost", "0.05"),
    ("cpu_operator_cost", "0.025"),
    ("jit", "off"),
];

impl Store {
    /// Opens the database; makes the `SQLite` file where there is none.
    pub async fn connect(options: &StoreOptions<'_>) -> Result<Self, StoreError> {
        if options.url.starts_with("sqlite:") {
            return Self::open_sqlite(options).await;
        }
        if !options.url.starts_with("postgres:") && !options.url.starts_with("postgresql:") {
            return Err(StoreError::UnknownUrl);
        }
        let statement_timeout = options.statement_timeout.as_millis().to_string();
        let connect = PgConnectOptions::from_str(options.url)?
            .application_name("angarium")
            .options([
                ("statement_timeout", statement_timeout.as_str()),
                ("idle_in_transaction_session_timeout", "10000"),
            ])
            .options(PG_PLANNER);
        let pool = PgPoolOptions::new()
            .max_connections(options.connections_max)
            .acquire_timeout(options.connect_timeout)
            .test_before_acquire(false)
            .connect_with(connect)
            .await?;
        Ok(Self { db: Db::Postgres(pool), bounds: options.bounds })
    }

    async fn open_sqlite(options: &StoreOptions<'_>) -> Result<Self, StoreError> {
        let connect = SqliteConnectOptions::from_str(options.url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // An accepted event survives a power cut, not only a crash.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(options.connect_timeout)
            .foreign_keys(true)
            .pragma("temp_store", "memory")
            .pragma("wal_autocheckpoint", "4000");
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(options.connect_timeout)
            .connect_with(connect.clone())
            .await?;
        let read = SqlitePoolOptions::new()
            .max_connections(options.connections_max.clamp(1, 4))
            .acquire_timeout(options.connect_timeout)
            .connect_with(connect)
            .await?;
        Ok(Self { db: Db::Sqlite { write, read }, bounds: options.bounds })
    }

    /// Makes the database of a URL, if it is not there.
    pub async fn create_database(url: &str) -> Result<(), StoreError> {
        use sqlx::migrate::MigrateDatabase as _;
        if url.starts_with("sqlite:") || sqlx::Postgres::database_exists(url).await? {
            return Ok(());
        }
        Ok(sqlx::Postgres::create_database(url).await?)
    }

    /// Removes the database of a URL, with all that is in it.
    pub async fn drop_database(url: &str) -> Result<(), StoreError> {
        use sqlx::migrate::MigrateDatabase as _;
        if url.starts_with("sqlite:") {
            return Ok(sqlx::Sqlite::drop_database(url).await?);
        }
        // Somebody may still be connected, a process that was killed a moment ago perhaps.
        Ok(sqlx::Postgres::force_drop_database(url).await?)
    }

    /// Applies the migrations that are missing.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match &self.db {
            Db::Postgres(pool) => sqlx::migrate!("migrations/postgres").run(pool).await?,
            Db::Sqlite { write, .. } => sqlx::migrate!("migrations/sqlite").run(write).await?,
        }
        Ok(())
    }

    /// The migrations that this binary has and the database lacks.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        const APPLIED: &str = "select version from _sqlx_migrations where success";
        // Before the first migration the table is not there.
        let applied: Vec<i64> =
            on_read!(self, |db| sqlx::query_scalar(APPLIED).fetch_all(db).await).unwrap_or_default();
        let known = match &self.db {
            Db::Postgres(_) => sqlx::migrate!("migrations/postgres"),
            Db::Sqlite { .. } => sqlx::migrate!("migrations/sqlite"),
        };
        let missing = known.iter().filter(|migration| !applied.contains(&migration.version));
        Ok(missing.map(|migration| format!("{:04} {}", migration.version, migration.description)).collect())
    }

    /// Asks the database to answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        on_read!(self, |db| sqlx::query("select 1").execute(db).await.map(drop))?;
        Ok(())
    }

    /// The database's clock; none where the database is this process.
    pub async fn time(&self) -> Result<Option<Timestamp>, StoreError> {
        const NOW: &str = "select cast(extract(epoch from clock_timestamp()) * 1000 as bigint)";
        match &self.db {
            Db::Postgres(pool) => {
                let millis: i64 = sqlx::query_scalar(NOW).fetch_one(pool).await?;
                Ok(Some(Timestamp::from_millis(millis)))
            }
            Db::Sqlite { .. } => Ok(None),
        }
    }

    /// Settings of the database's server that are off and ought to be on; none where the database is this process.
    pub async fn settings_off(&self) -> Result<Option<Vec<String>>, StoreError> {
        const OFF: &str = "select name from pg_settings where setting = 'off' and name in \
            ('autovacuum', 'fsync', 'full_page_writes', 'synchronous_commit', 'track_counts') order by name";
        match &self.db {
            Db::Postgres(pool) => Ok(Some(sqlx::query_scalar(OFF).fetch_all(pool).await?)),
            Db::Sqlite { .. } => Ok(None),
        }
    }

    /// `postgres` or `sqlite`.
    pub fn engine_name(&self) -> &'static str {
        match &self.db {
            Db::Postgres(_) => "postgres",
            Db::Sqlite { .. } => "sqlite",
        }
    }

    /// Closes every connection.
    pub async fn close(&self) {
        match &self.db {
            Db::Postgres(pool) => pool.close().await,
            Db::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
        }
    }
}

/// `2^n` rows at a time: a batch of any size is made of few distinct statements, so that each is prepared once.
pub(crate) fn chunks<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    const ROWS_MAX: usize = 64;
    let mut rest = rows;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let largest_power = 1 << (usize::BITS - 1 - rest.len().leading_zeros());
        let (chunk, tail) = rest.split_at(largest_power.min(ROWS_MAX));
        rest = tail;
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_powers_of_two_and_lose_nothing() {
        for size in 0..300usize {
            let rows: Vec<usize> = (0..size).collect();
            assert!(chunks(&rows).all(|chunk| chunk.len().is_power_of_two() && chunk.len() <= 64));
            assert_eq!(chunks(&rows).flatten().count(), size);
        }
    }
}
