//! Leadership: an expiring claim on a name.

use super::{Db, Store, StoreError, on_write};
use crate::domain::time::Timestamp;

const LEAD: &str = "insert into leaders (name, holder, expires_at) values ($1, $2, $4) \
    on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at \
    where leaders.holder = excluded.holder or leaders.expires_at <= $3";
const RESIGN: &str = "delete from leaders where name = $1 and holder = $2";
const DEPOSE: &str = "delete from leaders";

impl Store {
    /// Takes or keeps the lead until an instant; false while another holds it.
    pub async fn lead(&self, name: &str, holder: &str, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
        let changed = on_write!(self, |db| {
            let lead = sqlx::query(LEAD).bind(name).bind(holder).bind(now.as_millis()).bind(until.as_millis());
            lead.execute(db).await.map(|done| done.rows_affected())
        })?;
        Ok(changed > 0)
    }

    /// Gives the lead up, so that another need not wait.
    pub async fn resign(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        on_write!(self, |db| sqlx::query(RESIGN).bind(name).bind(holder).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Ends the lead of an earlier process, which may have died without giving it up. Only where no other process can
    /// have it.
    pub async fn depose(&self) -> Result<(), StoreError> {
        match &self.db {
            Db::Postgres(_) => Ok(()),
            Db::Sqlite { write, .. } => Ok(sqlx::query(DEPOSE).execute(write).await.map(drop)?),
        }
    }
}
