//! Idempotency keys: written with the event that they name, in [`super::dialect::event_keys`]; purged here.

use super::{Store, StoreError, on_write};
use crate::domain::time::Timestamp;

pub(super) const PURGE: &str = "delete from idempotency where (tenant_id, environment, key) in \
    (select tenant_id, environment, key from idempotency where expires_at <= $1 limit $2)";

impl Store {
    /// Forgets some keys that have expired; returns how many.
    pub async fn purge_idempotency(&self, now: Timestamp, max: u32) -> Result<u64, StoreError> {
        Ok(on_write!(self, |db| {
            let purge = sqlx::query(PURGE).bind(now.as_millis()).bind(i64::from(max));
            purge.execute(db).await.map(|done| done.rows_affected())
        })?)
    }
}
