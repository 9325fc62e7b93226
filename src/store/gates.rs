//! Gates and health of webhooks: written on transitions only, never per delivery.

use uuid::Uuid;

use super::{Store, StoreError, on_read, on_write};
use crate::domain::id::WebhookId;
use crate::domain::time::Timestamp;

const SHUT: &str = "insert into gates (webhook_id, until) values ($1, $2) \
    on conflict (webhook_id) do update set until = excluded.until";
const OPEN: &str = "delete from gates where webhook_id = $1";
const SHUT_NOW: &str = "select webhook_id, until from gates where until > $1";
const FORGET_OPENED: &str = "delete from gates where until <= $1";
const FAILING: &str =
    "insert into webhook_health (webhook_id, failing_since) values ($1, $2) on conflict (webhook_id) do nothing";
const HEALTHY: &str = "delete from webhook_health where webhook_id = $1";
const FAILING_SINCE: &str = "select webhook_id, failing_since, warned_at from webhook_health where failing_since <= $1";
const WARNED: &str = "update webhook_health set warned_at = $2 where webhook_id = $1 and warned_at is null";

/// A webhook that has had nothing but failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailingWebhook {
    /// Which.
    pub webhook: WebhookId,
    /// Since when.
    pub since: Timestamp,
    /// Whether its owner was told.
    pub warned: bool,
}

impl Store {
    /// Shuts a webhook's gate until an instant.
    pub async fn shut_gate(&self, webhook: WebhookId, until: Timestamp) -> Result<(), StoreError> {
        on_write!(self, |db| {
            sqlx::query(SHUT).bind(webhook.0).bind(until.as_millis()).execute(db).await.map(drop)
        })?;
        Ok(())
    }

    /// Opens a webhook's gate before its time.
    pub async fn open_gate(&self, webhook: WebhookId) -> Result<(), StoreError> {
        on_write!(self, |db| sqlx::query(OPEN).bind(webhook.0).execute(db).await.map(drop))?;
        Ok(())
    }

    /// The gates that are shut now.
    pub async fn shut_gates(&self, now: Timestamp) -> Result<Vec<(WebhookId, Timestamp)>, StoreError> {
        let rows: Vec<(Uuid, i64)> =
            on_read!(self, |db| sqlx::query_as(SHUT_NOW).bind(now.as_millis()).fetch_all(db).await)?;
        Ok(rows.into_iter().map(|(id, until)| (WebhookId(id), Timestamp::from_millis(until))).collect())
    }

    /// Drops the rows of gates that have opened.
    pub async fn forget_opened_gates(&self, now: Timestamp) -> Result<(), StoreError> {
        on_write!(self, |db| sqlx::query(FORGET_OPENED).bind(now.as_millis()).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Notes the first failure since the last success.
    pub async fn webhook_is_failing(&self, webhook: WebhookId, now: Timestamp) -> Result<(), StoreError> {
        on_write!(self, |db| {
            sqlx::query(FAILING).bind(webhook.0).bind(now.as_millis()).execute(db).await.map(drop)
        })?;
        Ok(())
    }

    /// Notes a success.
    pub async fn webhook_is_healthy(&self, webhook: WebhookId) -> Result<(), StoreError> {
        on_write!(self, |db| sqlx::query(HEALTHY).bind(webhook.0).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Webhooks that have had nothing but failures since before an instant.
    pub async fn webhooks_failing_since(&self, before: Timestamp) -> Result<Vec<FailingWebhook>, StoreError> {
        let rows: Vec<(Uuid, i64, Option<i64>)> =
            on_read!(self, |db| sqlx::query_as(FAILING_SINCE).bind(before.as_millis()).fetch_all(db).await)?;
        let failing = |(id, since, warned): (Uuid, i64, Option<i64>)| FailingWebhook {
            webhook: WebhookId(id),
            since: Timestamp::from_millis(since),
            warned: warned.is_some(),
        };
        Ok(rows.into_iter().map(failing).collect())
    }

    /// Notes that the owner of a failing webhook was told; false if that was noted before.
    pub async fn webhook_was_warned(&self, webhook: WebhookId, now: Timestamp) -> Result<bool, StoreError> {
        let changed = on_write!(self, |db| {
            sqlx::query(WARNED).bind(webhook.0).bind(now.as_millis()).execute(db).await.map(|done| done.rows_affected())
        })?;
        Ok(changed > 0)
    }
}
