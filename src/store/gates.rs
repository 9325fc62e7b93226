//! Gates and health of webhooks: written on transitions only, never per delivery.

use std::time::Duration;

use uuid::Uuid;

use super::{Store, StoreError, on_read, on_write};
use crate::domain::id::WebhookId;
use crate::domain::time::Timestamp;

const SHUT: &str = "insert into gates (webhook_id, until, probing) values ($1, $2, $3) \
    on conflict (webhook_id) do update set until = excluded.until, probing = excluded.probing";
const OPEN: &str = "delete from gates where webhook_id = $1";
const SHUT_NOW: &str = "select webhook_id, until, probing from gates where until > $1 or (probing and until > $2)";
const OF: &str = "select until, probing from gates where webhook_id = $1 and (until > $2 or (probing and until > $3))";
const FORGET_OPENED: &str = "delete from gates where until <= $1";
const FAILING: &str =
    "insert into webhook_health (webhook_id, failing_since) values ($1, $2) on conflict (webhook_id) do nothing";
const HEALTHY: &str = "delete from webhook_health where webhook_id = $1";
const SINCE: &str = "select failing_since from webhook_health where webhook_id = $1";
const FAILING_SINCE: &str = "select webhook_id, failing_since, warned_at from webhook_health where failing_since <= $1";
const WARNED: &str = "update webhook_health set warned_at = $2 where webhook_id = $1 and warned_at is null";

/// How long after its time a circuit's gate lets only a few through, if nobody says that the circuit has closed.
const PROBING_MAX: Duration = Duration::from_mins(1);

/// A webhook that is not to be fed before an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// The instant.
    pub until: Timestamp,
    /// Whether only a few are to be let through then, to see whether the receiver is back.
    pub probing: bool,
}

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
    /// Shuts a webhook's gate.
    pub async fn shut_gate(&self, webhook: WebhookId, gate: Gate) -> Result<(), StoreError> {
        let Gate { until, probing } = gate;
        on_write!(self, |db| {
            sqlx::query(SHUT).bind(webhook.0).bind(until.as_millis()).bind(probing).execute(db).await.map(drop)
        })?;
        Ok(())
    }

    /// Opens a webhook's gate before its time.
    pub async fn open_gate(&self, webhook: WebhookId) -> Result<(), StoreError> {
        on_write!(self, |db| sqlx::query(OPEN).bind(webhook.0).execute(db).await.map(drop))?;
        Ok(())
    }

    /// The gates that are shut now, or let only a few through.
    pub async fn gates(&self, now: Timestamp) -> Result<Vec<(WebhookId, Gate)>, StoreError> {
        let rows: Vec<(Uuid, i64, bool)> = on_read!(self, |db| {
            let select = sqlx::query_as(SHUT_NOW).bind(now.as_millis());
            select.bind(now.before(PROBING_MAX).as_millis()).fetch_all(db).await
        })?;
        let gate = |(id, until, probing)| (WebhookId(id), Gate { until: Timestamp::from_millis(until), probing });
        Ok(rows.into_iter().map(gate).collect())
    }

    /// A webhook's gate, while it is shut or lets only a few through.
    pub async fn gate(&self, webhook: WebhookId, now: Timestamp) -> Result<Option<Gate>, StoreError> {
        let row: Option<(i64, bool)> = on_read!(self, |db| {
            let select = sqlx::query_as(OF).bind(webhook.0).bind(now.as_millis());
            select.bind(now.before(PROBING_MAX).as_millis()).fetch_optional(db).await
        })?;
        Ok(row.map(|(until, probing)| Gate { until: Timestamp::from_millis(until), probing }))
    }

    /// When the first of nothing but failures of a webhook was.
    pub async fn failing_since(&self, webhook: WebhookId) -> Result<Option<Timestamp>, StoreError> {
        let since: Option<i64> =
            on_read!(self, |db| sqlx::query_scalar(SINCE).bind(webhook.0).fetch_optional(db).await)?;
        Ok(since.map(Timestamp::from_millis))
    }

    /// Drops the rows of gates that have opened.
    pub async fn forget_opened_gates(&self, now: Timestamp) -> Result<(), StoreError> {
        let now = now.before(PROBING_MAX);
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
