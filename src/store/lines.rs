//! Lines: deliveries of a webhook that keep their order. One is out at a time, and only the line says which.

use uuid::Uuid;

use super::dialect::claim::{DueRow, Row, due};
use super::{Store, StoreError, in_tx, on_read};
use crate::domain::id::WebhookId;
use crate::domain::time::Timestamp;

pub(super) const FIRST: &str = "select d.due_at from lines l join due d on d.delivery_id = l.delivery_id \
    where l.webhook_id = $1";
// Locks the line, so that of two processes one moves it after the other.
pub(super) const LOCK: &str = "insert into lines (webhook_id, delivery_id) values ($1, $2) \
    on conflict (webhook_id) do update set webhook_id = excluded.webhook_id returning delivery_id";
pub(super) const STANDS: &str = "select due_at from due where delivery_id = $1";
// In the order of the index; only those that were accepted in the same millisecond are sorted.
pub(super) const NEXT: &str = "select delivery_id from due where webhook_id = $1 and due_at <= $2 \
    order by due_at, delivery_id limit 1";
pub(super) const MOVE: &str = "update lines set delivery_id = $2 where webhook_id = $1";
pub(super) const CLAIM: &str = "update due set due_at = $3, epoch = epoch + 1, leased = true, claims = claims + 1 \
    where delivery_id = $1 and due_at <= $2 \
    returning delivery_id, tenant_id, webhook_id, event_id, epoch, claims, run_attempts, attempts";

impl Store {
    /// When the first of a line is due, while it is not over: those behind it wait.
    pub async fn first_in_line(&self, webhook: WebhookId) -> Result<Option<Timestamp>, StoreError> {
        let due_at: Option<i64> =
            on_read!(self, |db| sqlx::query_scalar(FIRST).bind(webhook.0).fetch_optional(db).await)?;
        Ok(due_at.map(Timestamp::from_millis))
    }

    /// Claims the first of a line until `lease`, if it is due; when it is over, the next becomes the first.
    pub async fn move_line(
        &self,
        webhook: WebhookId,
        now: Timestamp,
        lease: Timestamp,
    ) -> Result<Option<DueRow>, StoreError> {
        let row: Option<Row> = in_tx!(self, |tx| {
            let lock = sqlx::query_scalar(LOCK).bind(webhook.0).bind(Uuid::nil());
            let first: Uuid = lock.fetch_one(&mut *tx).await?;
            let stands: Option<i64> = sqlx::query_scalar(STANDS).bind(first).fetch_optional(&mut *tx).await?;
            let wanted = if stands.is_some() {
                Some(first)
            } else {
                let next = sqlx::query_scalar(NEXT).bind(webhook.0).bind(now.as_millis());
                let next: Option<Uuid> = next.fetch_optional(&mut *tx).await?;
                if let Some(next) = next {
                    sqlx::query(MOVE).bind(webhook.0).bind(next).execute(&mut *tx).await?;
                }
                next
            };
            match wanted {
                Some(wanted) => {
                    let claim = sqlx::query_as(CLAIM).bind(wanted).bind(now.as_millis()).bind(lease.as_millis());
                    claim.fetch_optional(&mut *tx).await?
                }
                None => None,
            }
        });
        Ok(row.map(due))
    }
}
