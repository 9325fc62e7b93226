//! Paces: when requests of webhooks with a rate went out, shared by all processes.

use super::{Store, StoreError, in_tx, on_read, on_write};
use crate::domain::id::WebhookId;
use crate::domain::pace::{Granted, Pace, PaceLog};
use crate::domain::time::Timestamp;

// Locks the row, so that of two processes one asks after the other.
pub(super) const LOCK: &str = "insert into paces (webhook_id, log, used_at) values ($1, '{}', $2) \
    on conflict (webhook_id) do update set used_at = excluded.used_at returning log";
pub(super) const KEEP: &str = "update paces set log = $2 where webhook_id = $1";
const READ: &str = "select log from paces where webhook_id = $1";
pub(super) const PURGE: &str = "delete from paces where webhook_id in \
    (select p.webhook_id from paces p where p.used_at < $1 order by p.used_at limit $2)";

fn log(webhook: WebhookId, text: &str) -> Result<PaceLog, StoreError> {
    let corrupt = |_| StoreError::Corrupt { table: "paces", column: "log", id: webhook.to_string() };
    serde_json::from_str(text).map_err(corrupt)
}

impl Store {
    /// Grants requests to webhooks, which come in one order for all processes: so none waits for another in a circle.
    pub async fn take_turns(
        &self,
        asked: &[(WebhookId, Pace, u32)],
        now: Timestamp,
    ) -> Result<Vec<(WebhookId, Granted)>, StoreError> {
        let mut granted = Vec::with_capacity(asked.len());
        in_tx!(self, |tx| {
            for (webhook, pace, wanted) in asked {
                let lock = sqlx::query_scalar(LOCK).bind(webhook.0).bind(now.as_millis());
                let text: String = lock.fetch_one(&mut *tx).await?;
                let mut log = log(*webhook, &text)?;
                granted.push((*webhook, log.take(pace, now, *wanted)));
                let text = serde_json::to_string(&log).expect("pairs of numbers can be written");
                sqlx::query(KEEP).bind(webhook.0).bind(text).execute(&mut *tx).await?;
            }
        });
        Ok(granted)
    }

    /// When requests of a webhook went out.
    pub async fn pace_log(&self, webhook: WebhookId) -> Result<PaceLog, StoreError> {
        let text: Option<String> =
            on_read!(self, |db| sqlx::query_scalar(READ).bind(webhook.0).fetch_optional(db).await)?;
        text.map_or_else(|| Ok(PaceLog::default()), |text| log(webhook, &text))
    }

    /// Forgets logs that nobody has asked for since an instant, some at a time; returns how many.
    pub async fn purge_paces(&self, before: Timestamp, max: u32) -> Result<u64, StoreError> {
        Ok(on_write!(self, |db| {
            let purge = sqlx::query(PURGE).bind(before.as_millis()).bind(i64::from(max));
            purge.execute(db).await.map(|done| done.rows_affected())
        })?)
    }
}
