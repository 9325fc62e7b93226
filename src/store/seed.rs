//! What a database needs before and after it is filled at once. What it is filled with is written as usual.

use super::{Db, Store, StoreError, on_read};

const ANY_EVENT: &str = "select count(*) from (select id from events limit 1) as e";
const PG_WITHOUT_LIMIT: &str = "set statement_timeout = 0";
// What autovacuum does within the next minutes.
const PG_VACUUM: &str = "vacuum (analyze) events, deliveries, attempts, due, dead_letters, delivery_stats";
const LITE_CHECKPOINT: &str = "pragma wal_checkpoint(truncate)";

impl Store {
    /// Whether there is any event.
    pub async fn has_events(&self) -> Result<bool, StoreError> {
        let count: i64 = on_read!(self, |db| sqlx::query_scalar(ANY_EVENT).fetch_one(db).await)?;
        Ok(count > 0)
    }

    /// Leaves the tables as they are some minutes after so many rows came.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        match &self.db {
            Db::Postgres(pool) => {
                // The limit is lifted for this connection alone, which is not used again.
                let mut conn = pool.acquire().await?.detach();
                sqlx::query(PG_WITHOUT_LIMIT).execute(&mut conn).await?;
                sqlx::query(PG_VACUUM).persistent(false).execute(&mut conn).await?;
                sqlx::Connection::close(conn).await?;
            }
            Db::Sqlite { write, .. } => {
                sqlx::query(LITE_CHECKPOINT).execute(write).await?;
            }
        }
        Ok(())
    }
}
