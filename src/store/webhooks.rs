//! Webhooks and their sealed secrets.

use std::time::Duration;

use uuid::Uuid;

use super::tenants::RAISE_REVISION;
use super::{Store, StoreError, in_tx, on_read};
use crate::domain::channel::Channels;
use crate::domain::filter::Filter;
use crate::domain::id::{SecretId, TenantId, WebhookId};
use crate::domain::ordering::Ordering;
use crate::domain::profile::{Profile, SignatureOption};
use crate::domain::retry::RetryPolicy;
use crate::domain::secret::SecretKind;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Webhook, WebhookSettings, WebhookStatus};

macro_rules! select_webhooks {
    ($rest:literal) => {
        concat!(
            "select id, tenant_id, environment, name, url, events, headers, retry_policy, timeout_ms, profile, \
             signature, handshake, description, metadata, filter, channels, consent, rate_limit, ordering, status, status_reason, created_at, \
             updated_at, deleted_at, revision from webhooks ",
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
    signature, handshake, description, metadata, status, status_reason, updated_at, deleted_at, revision, id, \
    tenant_id, environment, created_at, filter, channels, consent, rate_limit, ordering) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)";
/// Compares the revision that the caller saw, so that two changes cannot overwrite each other unseen.
const UPDATE: &str = "update webhooks set name = $1, url = $2, events = $3, headers = $4, retry_policy = $5, \
    timeout_ms = $6, profile = $7, signature = $8, handshake = $9, description = $10, metadata = $11, status = $12, \
    status_reason = $13, updated_at = $14, deleted_at = $15, revision = $16, filter = $21, channels = $22, consent = $23, \
    rate_limit = $24, ordering = $25 \
    where id = $17 and tenant_id = $18 and environment = $19 and revision = $20";
const INSERT_SECRET: &str = "insert into webhook_secrets (id, tenant_id, webhook_id, kind, sealed, created_at) \
    values ($1, $2, $3, $4, $5, $6)";
const EXPIRE_SECRETS: &str = "update webhook_secrets set expires_at = $4 \
    where tenant_id = $1 and webhook_id = $2 and kind = $3 and (expires_at is null or expires_at > $4)";
const SECRETS: &str = "select id, webhook_id, kind, sealed, created_at, expires_at from webhook_secrets \
    where webhook_id = $1 and (expires_at is null or expires_at > $2) \
    order by case when expires_at is null then 0 else 1 end, id desc";
const ALL_SECRETS: &str = "select id, webhook_id, kind, sealed, created_at, expires_at from webhook_secrets \
    where expires_at is null or expires_at > $1 \
    order by case when expires_at is null then 0 else 1 end, id desc";

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
    signature: Option<String>,
    handshake: bool,
    description: Option<String>,
    metadata: Option<String>,
    filter: Option<String>,
    channels: Option<String>,
    consent: Option<String>,
    rate_limit: Option<String>,
    ordering: String,
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
        let profile = Profile::parse(&row.profile).ok_or_else(|| corrupt("profile"))?;
        let metadata = row.metadata.as_deref().map(serde_json::from_str).transpose();
        let rate_limit = row.rate_limit.as_deref().map(serde_json::from_str).transpose();
        let settings = WebhookSettings {
            events: serde_json::from_str(&row.events).map_err(|_| corrupt("events"))?,
            channels: channels(row.channels.as_deref()).map_err(|_| corrupt("channels"))?,
            filter: row.filter.as_deref().map(filter).transpose().map_err(|()| corrupt("filter"))?,
            headers: serde_json::from_str(&row.headers).map_err(|_| corrupt("headers"))?,
            retry_policy,
            timeout: Duration::from_millis(u64::try_from(row.timeout_ms).map_err(|_| corrupt("timeout_ms"))?),
            rate_limit: rate_limit.map_err(|_| corrupt("rate_limit"))?,
            ordering: Ordering::parse(&row.ordering).ok_or_else(|| corrupt("ordering"))?,
            profile,
            signature: signature_option(profile, row.signature.as_deref()).ok_or_else(|| corrupt("signature"))?,
            handshake: row.handshake,
            metadata: metadata.map_err(|_| corrupt("metadata"))?,
            name: row.name,
            url: row.url,
            description: row.description,
        };
        let consent = row.consent.as_deref().map(serde_json::from_str).transpose().map_err(|_| corrupt("consent"))?;
        let environment = row.environment.parse().map_err(|_| corrupt("environment"))?;
        Ok(Self {
            id: WebhookId(row.id),
            scope: Scope { tenant: TenantId(row.tenant_id), environment },
            settings,
            status: WebhookStatus::parse(&row.status).ok_or_else(|| corrupt("status"))?,
            status_reason: row.status_reason,
            consent,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
            deleted_at: row.deleted_at.map(Timestamp::from_millis),
            revision: row.revision,
        })
    }
}

fn signature_option(profile: Profile, text: Option<&str>) -> Option<SignatureOption> {
    match text {
        None => Some(SignatureOption::default_of(profile)),
        Some(text) => SignatureOption::parse(profile, &serde_json::from_str(text).ok()?).ok(),
    }
}

/// A secret as stored: encrypted, bound to its tenant and webhook.
#[derive(Clone)]
pub struct SealedSecret {
    /// Its id.
    pub id: SecretId,
    /// Whose.
    pub webhook: WebhookId,
    /// What it is, once opened.
    pub kind: SecretKind,
    /// What only the master key opens.
    pub sealed: Vec<u8>,
    /// When it was made; the newest signs first.
    pub created_at: Timestamp,
    /// When it stops signing.
    pub expires_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct SecretRow {
    id: Uuid,
    webhook_id: Uuid,
    kind: String,
    sealed: Vec<u8>,
    created_at: i64,
    expires_at: Option<i64>,
}

impl TryFrom<SecretRow> for SealedSecret {
    type Error = StoreError;

    fn try_from(row: SecretRow) -> Result<Self, StoreError> {
        let id = SecretId(row.id);
        let corrupt = || StoreError::Corrupt { table: "webhook_secrets", column: "kind", id: id.to_string() };
        Ok(Self {
            id,
            webhook: WebhookId(row.webhook_id),
            kind: SecretKind::parse(&row.kind).ok_or_else(corrupt)?,
            sealed: row.sealed,
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_millis),
        })
    }
}

/// What happens to a webhook's secrets when it changes.
#[derive(Default)]
pub struct SecretChanges {
    /// New ones, which sign from now on.
    pub added: Vec<SealedSecret>,
    /// All of these kinds stop signing, at these instants.
    pub ended: Vec<(SecretKind, Timestamp)>,
}

/// Binds what `INSERT` and `UPDATE` have in common, in their common order.
macro_rules! bind_settings {
    ($query:expr, $webhook:expr, $revision:expr, $last:expr) => {{
        let Webhook { id, scope, settings, status, status_reason, consent, updated_at, deleted_at, .. } = $webhook;
        let WebhookSettings {
            name,
            url,
            events,
            channels,
            filter,
            headers,
            retry_policy,
            timeout,
            rate_limit,
            ordering,
            profile,
            signature,
            handshake,
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
            .bind((*signature != SignatureOption::default_of(*profile)).then(|| json(signature)))
            .bind(*handshake)
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
            .bind(consent.as_ref().map(json))
            .bind(rate_limit.as_ref().map(json))
            .bind(ordering.as_str())
    }};
}

macro_rules! bind_secret {
    ($tenant:expr, $secret:expr) => {{
        let SealedSecret { id, webhook, kind, sealed, created_at, expires_at: _ } = $secret;
        let insert = sqlx::query(INSERT_SECRET).bind(id.0).bind($tenant.0).bind(webhook.0).bind(kind.as_str());
        insert.bind(sealed).bind(created_at.as_millis())
    }};
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("settings are maps of text, numbers and lists")
}

impl Store {
    /// Keeps a new webhook with its first secrets; returns its revision.
    pub async fn insert_webhook(&self, webhook: &Webhook, secrets: &[SealedSecret]) -> Result<i64, StoreError> {
        Ok(in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            let created_at = webhook.created_at.as_millis();
            bind_settings!(sqlx::query(INSERT), webhook, revision, created_at).execute(&mut *tx).await?;
            for secret in secrets {
                bind_secret!(webhook.scope.tenant, secret).execute(&mut *tx).await?;
            }
            revision
        }))
    }

    /// Writes all of a webhook; `None`, and nothing is written, when it has changed since the caller read it.
    pub async fn update_webhook(&self, webhook: &Webhook, secrets: &SecretChanges) -> Result<Option<i64>, StoreError> {
        let SecretChanges { added, ended } = secrets;
        let (tenant, id) = (webhook.scope.tenant, webhook.id);
        Ok(in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            let update = bind_settings!(sqlx::query(UPDATE), webhook, revision, webhook.revision);
            let changed = update.execute(&mut *tx).await?.rows_affected() == 1;
            if changed {
                for (kind, at) in ended {
                    let expire = sqlx::query(EXPIRE_SECRETS).bind(tenant.0).bind(id.0);
                    expire.bind(kind.as_str()).bind(at.as_millis()).execute(&mut *tx).await?;
                }
                for secret in added {
                    bind_secret!(tenant, secret).execute(&mut *tx).await?;
                }
            }
            changed.then_some(revision)
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
        rows.into_iter().map(SealedSecret::try_from).collect()
    }

    /// All secrets that still sign, newest first.
    pub async fn secrets(&self, now: Timestamp) -> Result<Vec<SealedSecret>, StoreError> {
        let rows: Vec<SecretRow> =
            on_read!(self, |db| sqlx::query_as(ALL_SECRETS).bind(now.as_millis()).fetch_all(db).await)?;
        rows.into_iter().map(SealedSecret::try_from).collect()
    }
}
