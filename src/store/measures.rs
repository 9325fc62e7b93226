//! How much there is, for the leader's gauges.

use super::{Db, Store, StoreError, on_read};

// Whoever counts is bounded by $1, whatever has piled up.
pub(super) const COUNTS: &str = "select \
    (select count(*) from (select delivery_id from due limit $1) as d), \
    (select count(*) from (select delivery_id from dead_letters limit $1) as l), \
    (select count(*) from (select webhook_id from webhook_health limit $1) as h)";
const PG_BYTES: &str = "select pg_database_size(current_database())";
const LITE_BYTES: &str = "select page_count * page_size from pragma_page_count(), pragma_page_size()";

/// What waits, and what has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Deliveries that are not final.
    pub pending: i64,
    /// Dead letters.
    pub dead_letters: i64,
    /// Webhooks that have had nothing but failures.
    pub failing: i64,
}

impl Store {
    /// Counts up to `max` rows of each table.
    pub async fn count_backlog(&self, max: u32) -> Result<Backlog, StoreError> {
        let (pending, dead_letters, failing): (i64, i64, i64) =
            on_read!(self, |db| sqlx::query_as(COUNTS).bind(i64::from(max)).fetch_one(db).await)?;
        Ok(Backlog { pending, dead_letters, failing })
    }

    /// The size of the database.
    pub async fn bytes(&self) -> Result<i64, StoreError> {
        Ok(match &self.db {
            Db::Postgres(pool) => sqlx::query_scalar(PG_BYTES).fetch_one(pool).await?,
            Db::Sqlite { read, .. } => sqlx::query_scalar(LITE_BYTES).fetch_one(read).await?,
        })
    }
}
