//! Webhooks and their sealed secrets.

use std::time::Duration;

use uuid::Uuid;

use super::tenants::RAISE_REVISION;
use super::{Store, StoreError, in_tx, on_read};
use crate::domain::channel::Channels;
use crate::domain::filter::Filter;
use crate::domain::id::{SecretId, TenantId, WebhookId};
use crate::domain::retry::RetryPolicy;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Profile, Webhook, WebhookSettings, WebhookStatus};

macro_rules! select_webhooks {
    ($rest:literal) => {
        concat!(
            "select id, tenant_id, environment, name, url, events, headers, retry_policy, timeout_ms, profile, \
             description, metadata, filter, channels, status, status_reason, created_at, updated_at, deleted_at, revision \
             from webhooks ",
            $rest
        )
    };
}

const BY_ID: &str = select_webhooks!("where tenant_id = $1 and environment = $2 and id = $3 and deleted_at is null");
const PAGE: &str = select_webhooks!(
    "where tenant_id = $1 and environment = $2 and deleted_at is null and \
     (cast($3 as text) is null or (case when status = 'active' then 'true' else 'false' end) = $3) \
     order by id desc limit $4 offset $5"
);
const COUNT: &str = "select count(*) from webhooks where tenant_id = $1 and environment = $2 and deleted_at is null \
    and (cast($3 as text) is null or (case when status = 'active' then 'true' else 'false' end) = $3)";
const CHANGED_SINCE: &str = select_webhooks!("where revision > $1");
const INSERT: &str = "insert into webhooks (name, url, events, headers, retry_policy, timeout_ms, profile, \
    description, metadata, status, status_reason, updated_at, deleted_at, revision, id, tenant_id, environment, \
    created_at, filter, channels) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";
/// Compares the revision that the caller saw, so that two changes cannot overwrite each other unseen.
const UPDATE: &str = "update webhooks set name = $1, url = $2, events = $3, headers = $4, retry_policy = $5, \
    timeout_ms = $6, profile = $7, description = $8, metadata = $9, status = $10, status_reason = $11, \
    updated_at = $12, deleted_at = $13, revision = $14, filter = $19, channels = $20 \
    where id = $15 and tenant_id = $16 and environment = $17 and revision = $18";
const INSERT_SECRET: &str = "insert into webhook_secrets (id, tenant_id, webhook_id, sealed, created_at) \
    values ($1, $2, $3, $4, $5)";
const EXPIRE_SECRETS: &str = "update webhook_secrets set expires_at = $3 \
    where tenant_id = $1 and webhook_id = $2 and (expires_at is null or expires_at > $3)";
const TOUCH: &str = "update webhooks set revision = $4, updated_at = $5 \
    where tenant_id = $1 and environment = $2 and id = $3 and deleted_at is null";
const SECRETS: &str = "select id, webhook_id, sealed, created_at, expires_at from webhook_secrets \
    where webhook_id = $1 and (expires_at is null or expires_at > $2) order by id desc";
const ALL_SECRETS: &str = "select id, webhook_id, sealed, created_at, expires_at from webhook_secrets \
    where expires_at is null or expires_at > $1 order by id desc";

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    environment: String,
    name: String,
    url: String,
    events: String,
    headers: String,
    retry_policy: Option<String>,
    timeout_ms: i64,
    profile: String,
    description: Option<String>,
    metadata: Option<String>,
    filter: Option<String>,
    channels: Option<String>,
    status: String,
    status_reason: Option<String>,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
    revision: i64,
}

/// Of a webhook or an event.
pub(super) fn channels(text: Option<&str>) -> Result<Channels, serde_json::Error> {
    text.map_or_else(|| Ok(Channels::default()), serde_json::from_str)
}

/// Bounds of filters may be raised and never lowered: what was saved must be readable for ever.
fn filter(text: &str) -> Result<Filter, ()> {
    let source = serde_json::from_str(text).map_err(drop)?;
    Filter::read(&source).map_err(drop)
}

impl TryFrom<Row> for Webhook {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "webhooks", column, id: WebhookId(row.id).to_string() };
        let retry_policy = match &row.retry_policy {
            None => RetryPolicy::default(),
            Some(text) => serde_json::from_str(text).map_err(|_| corrupt("retry_policy"))?,
        };
        let metadata = row.metadata.as_deref().map(serde_json::from_str).transpose();
        let settings = WebhookSettings {
            events: serde_json::from_str(&row.events).map_err(|_| corrupt("events"))?,
            channels: channels(row.channels.as_deref()).map_err(|_| corrupt("channels"))?,
            filter: row.filter.as_deref().map(filter).transpose().map_err(|()| corrupt("filter"))?,
            headers: serde_json::from_str(&row.headers).map_err(|_| corrupt("headers"))?,
            retry_policy,
            timeout: Duration::from_millis(u64::try_from(row.timeout_ms).map_err(|_| corrupt("timeout_ms"))?),
            profile: Profile::parse(&row.profile).ok_or_else(|| corrupt("profile"))?,
            metadata: metadata.map_err(|_| corrupt("metadata"))?,
            name: row.name,
            url: row.url,
            description: row.description,
        };
        let environment = row.environment.parse().map_err(|_| corrupt("environment"))?;
        Ok(Self {
            id: WebhookId(row.id),
            scope: Scope { tenant: TenantId(row.tenant_id), environment },
            settings,
            status: WebhookStatus::parse(&row.status).ok_or_else(|| corrupt("status"))?,
            status_reason: row.status_reason,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
            deleted_at: row.deleted_at.map(Timestamp::from_millis),
            revision: row.revision,
        })
    }
}

/// A secret as stored: encrypted, bound to its tenant and webhook.
#[derive(Clone)]
pub struct SealedSecret {
    /// Its id.
    pub id: SecretId,
    /// Whose.
    pub webhook: WebhookId,
    /// What only the master key opens.
    pub sealed: Vec<u8>,
    /// When it was made; the newest signs first.
    pub created_at: Timestamp,
    /// When it stops signing.
    pub expires_at: Option<Timestamp>,
}

type SecretRow = (Uuid, Uuid, Vec<u8>, i64, Option<i64>);

fn secret((id, webhook, sealed, created_at, expires_at): SecretRow) -> SealedSecret {
    SealedSecret {
        id: SecretId(id),
        webhook: WebhookId(webhook),
        sealed,
        created_at: Timestamp::from_millis(created_at),
        expires_at: expires_at.map(Timestamp::from_millis),
    }
}

/// Binds what `INSERT` and `UPDATE` have in common, in their common order.
macro_rules! bind_settings {
    ($query:expr, $webhook:expr, $revision:expr, $last:expr) => {{
        let Webhook { id, scope, settings, status, status_reason, updated_at, deleted_at, .. } = $webhook;
        let WebhookSettings {
            name,
            url,
            events,
            channels,
            filter,
            headers,
            retry_policy,
            timeout,
            profile,
            description,
            metadata,
        } = settings;
        $query
            .bind(name)
            .bind(url)
            .bind(json(events))
            .bind(json(headers))
            .bind((*retry_policy != RetryPolicy::default()).then(|| json(retry_policy)))
            .bind(i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX))
            .bind(profile.as_str())
            .bind(description)
            .bind(metadata.as_ref().map(json))
            .bind(status.as_str())
            .bind(status_reason)
            .bind(updated_at.as_millis())
            .bind(deleted_at.map(Timestamp::as_millis))
            .bind($revision)
            .bind(id.0)
            .bind(scope.tenant.0)
            .bind(scope.environment.as_str())
            .bind($last)
            .bind(filter.as_ref().map(json))
            .bind((!channels.is_empty()).then(|| json(channels)))
    }};
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("settings are maps of text, numbers and lists")
}

impl Store {
    /// Keeps a new webhook with its first secret; returns its revision.
    pub async fn insert_webhook(&self, webhook: &Webhook, secret: &SealedSecret) -> Result<i64, StoreError> {
        Ok(in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            let created_at = webhook.created_at.as_millis();
            bind_settings!(sqlx::query(INSERT), webhook, revision, created_at).execute(&mut *tx).await?;
            sqlx::query(INSERT_SECRET)
                .bind(secret.id.0)
                .bind(webhook.scope.tenant.0)
                .bind(webhook.id.0)
                .bind(&secret.sealed)
                .bind(secret.created_at.as_millis())
                .execute(&mut *tx)
                .await?;
            revision
        }))
    }

    /// Writes all of a webhook; `None` when it has changed since the caller read it.
    pub async fn update_webhook(&self, webhook: &Webhook) -> Result<Option<i64>, StoreError> {
        Ok(in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            let update = bind_settings!(sqlx::query(UPDATE), webhook, revision, webhook.revision);
            let changed = update.execute(&mut *tx).await?.rows_affected();
            (changed == 1).then_some(revision)
        }))
    }

    /// Adds a secret and lets the older ones sign until `older_until`. False when there is no such webhook.
    pub async fn rotate_secret(
        &self,
        scope: Scope,
        secret: &SealedSecret,
        older_until: Timestamp,
    ) -> Result<bool, StoreError> {
        let (tenant, id, now) = (scope.tenant.0, secret.webhook.0, secret.created_at.as_millis());
        Ok(in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            let environment = scope.environment.as_str();
            let touch = sqlx::query(TOUCH).bind(tenant).bind(environment).bind(id).bind(revision).bind(now);
            let found = touch.execute(&mut *tx).await?.rows_affected() == 1;
            if found {
                let expire = sqlx::query(EXPIRE_SECRETS).bind(tenant).bind(id).bind(older_until.as_millis());
                expire.execute(&mut *tx).await?;
                let insert = sqlx::query(INSERT_SECRET).bind(secret.id.0).bind(tenant).bind(id);
                insert.bind(&secret.sealed).bind(now).execute(&mut *tx).await?;
            }
            found
        }))
    }

    /// One webhook that is not deleted.
    pub async fn webhook(&self, scope: Scope, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        let environment = scope.environment.as_str();
        let row: Option<Row> = on_read!(self, |db| {
            sqlx::query_as(BY_ID).bind(scope.tenant.0).bind(environment).bind(id.0).fetch_optional(db).await
        })?;
        row.map(Webhook::try_from).transpose()
    }

    /// A page of webhooks, newest first, and how many there are.
    pub async fn webhooks_page(
        &self,
        scope: Scope,
        is_active: Option<bool>,
        limit: u32,
        offset: u32,
    ) -> Result<(Vec<Webhook>, u64), StoreError> {
        let (tenant, environment) = (scope.tenant.0, scope.environment.as_str());
        let active = is_active.map(|yes| if yes { "true" } else { "false" });
        let rows: Vec<Row> = on_read!(self, |db| {
            let page = sqlx::query_as(PAGE).bind(tenant).bind(environment).bind(active);
            page.bind(i64::from(limit)).bind(i64::from(offset)).fetch_all(db).await
        })?;
        let total: i64 = on_read!(self, |db| {
            sqlx::query_scalar(COUNT).bind(tenant).bind(environment).bind(active).fetch_one(db).await
        })?;
        let webhooks = rows.into_iter().map(Webhook::try_from).collect::<Result<_, _>>()?;
        Ok((webhooks, u64::try_from(total).unwrap_or(0)))
    }

    /// Webhooks that changed after a revision, deleted ones too.
    pub async fn webhooks_changed_since(&self, revision: i64) -> Result<Vec<Webhook>, StoreError> {
        let rows: Vec<Row> = on_read!(self, |db| sqlx::query_as(CHANGED_SINCE).bind(revision).fetch_all(db).await)?;
        rows.into_iter().map(Webhook::try_from).collect()
    }

    /// The secrets of a webhook that still sign, newest first.
    pub async fn secrets_of(&self, webhook: WebhookId, now: Timestamp) -> Result<Vec<SealedSecret>, StoreError> {
        let rows: Vec<SecretRow> =
            on_read!(self, |db| { sqlx::query_as(SECRETS).bind(webhook.0).bind(now.as_millis()).fetch_all(db).await })?;
        Ok(rows.into_iter().map(secret).collect())
    }

    /// All secrets that still sign, newest first.
    pub async fn secrets(&self, now: Timestamp) -> Result<Vec<SealedSecret>, StoreError> {
        let rows: Vec<SecretRow> =
            on_read!(self, |db| sqlx::query_as(ALL_SECRETS).bind(now.as_millis()).fetch_all(db).await)?;
        Ok(rows.into_iter().map(secret).collect())
    }
}
