//! API keys: never the key itself, only its keyed hash and what may be shown of it.
//!
//! A name is unique among the keys of a scope that are neither deleted nor replaced. That is checked inside the
//! transaction of a change and not by an index: the command line may give a name twice, and every change holds the lock of
//! the revision, so that no other comes between.

use uuid::Uuid;

use super::audit::note;
use super::tenants::RAISE_REVISION;
use super::{Store, StoreError, in_tx, on_read};
pub use crate::domain::api_key::ApiKey;
use crate::domain::api_key::KeySettings;
use crate::domain::audit::AuditEntry;
use crate::domain::id::{KeyId, TenantId};
use crate::domain::tenant::{Environment, Scope};
use crate::domain::time::Timestamp;

macro_rules! select_keys {
    ($rest:literal) => {
        concat!(
            "select id, tenant_id, environment, name, hash, hint, permissions, created_at, expires_at, revoked_at, \
             ip_whitelist, rate_limit_requests, rotation_policy, active, last_used_at, updated_at, deleted_at, \
             replaced_by, rotation_notified_at, revision from api_keys ",
            $rest
        )
    };
}

const INSERT: &str = "insert into api_keys (name, permissions, expires_at, ip_whitelist, rate_limit_requests, \
    rotation_policy, active, updated_at, revoked_at, deleted_at, replaced_by, rotation_notified_at, revision, id, \
    tenant_id, environment, hash, hint, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
/// Compares the revision that the caller saw, so that two changes cannot overwrite each other unseen.
const UPDATE: &str = "update api_keys set name = $1, permissions = $2, expires_at = $3, ip_whitelist = $4, \
    rate_limit_requests = $5, rotation_policy = $6, active = $7, updated_at = $8, revoked_at = $9, deleted_at = $10, \
    replaced_by = $11, rotation_notified_at = $12, revision = $13 \
    where id = $14 and tenant_id = $15 and revision = $16";
const CHANGED_SINCE: &str = select_keys!("where revision > $1");
const BY_ID: &str = select_keys!("where tenant_id = $1 and id = $2 and deleted_at is null");
const BY_TENANT: &str = select_keys!("where tenant_id = $1 and deleted_at is null order by id");
const PAGE: &str = select_keys!(
    "where tenant_id = $1 and deleted_at is null and (cast($2 as text) is null or environment = $2) \
     and (cast($3 as text) is null or (case when active and revoked_at is null then 'true' else 'false' end) = $3) \
     order by id desc limit $4 offset $5"
);
const COUNT: &str = "select count(*) from api_keys \
    where tenant_id = $1 and deleted_at is null and (cast($2 as text) is null or environment = $2) \
    and (cast($3 as text) is null or (case when active and revoked_at is null then 'true' else 'false' end) = $3)";
/// A key may keep the name that it has.
const NAMED: &str = "select count(*) from api_keys where tenant_id = $1 and environment = $2 and name = $3 \
    and id <> $4 and deleted_at is null and replaced_by is null \
    and not exists (select 1 from api_keys own where own.id = $4 and own.name = $3)";
const TOUCH: &str =
    "update api_keys set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $2)";

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    environment: String,
    name: String,
    hash: Vec<u8>,
    hint: String,
    permissions: String,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    ip_whitelist: String,
    rate_limit_requests: Option<i64>,
    rotation_policy: Option<String>,
    active: bool,
    last_used_at: Option<i64>,
    updated_at: i64,
    deleted_at: Option<i64>,
    replaced_by: Option<Uuid>,
    rotation_notified_at: Option<i64>,
    revision: i64,
}

impl TryFrom<Row> for ApiKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "api_keys", column, id: KeyId(row.id).to_string() };
        let rotation = row.rotation_policy.as_deref().map(serde_json::from_str).transpose();
        let rate_limit = row.rate_limit_requests.map(u64::try_from).transpose();
        let settings = KeySettings {
            permissions: serde_json::from_str(&row.permissions).map_err(|_| corrupt("permissions"))?,
            expires_at: row.expires_at.map(Timestamp::from_millis),
            ip_list: serde_json::from_str(&row.ip_whitelist).map_err(|_| corrupt("ip_whitelist"))?,
            rate_limit: rate_limit.map_err(|_| corrupt("rate_limit_requests"))?,
            rotation: rotation.map_err(|_| corrupt("rotation_policy"))?,
            is_active: row.active,
            name: row.name,
        };
        let environment = row.environment.parse().map_err(|_| corrupt("environment"))?;
        Ok(Self {
            id: KeyId(row.id),
            scope: Scope { tenant: TenantId(row.tenant_id), environment },
            settings,
            hash: row.hash.try_into().map_err(|_| corrupt("hash"))?,
            hint: row.hint,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
            revoked_at: row.revoked_at.map(Timestamp::from_millis),
            deleted_at: row.deleted_at.map(Timestamp::from_millis),
            replaced_by: row.replaced_by.map(KeyId),
            last_used_at: row.last_used_at.map(Timestamp::from_millis),
            rotation_notified_at: row.rotation_notified_at.map(Timestamp::from_millis),
            revision: row.revision,
        })
    }
}

/// Binds what `INSERT` and `UPDATE` have in common, in their common order.
macro_rules! bind_key {
    ($query:expr, $key:expr, $revision:expr) => {{
        let ApiKey { id, scope, settings, updated_at, revoked_at, deleted_at, replaced_by, .. } = $key;
        let KeySettings { name, permissions, expires_at, ip_list, rate_limit, rotation, is_active } = settings;
        $query
            .bind(name)
            .bind(json(permissions))
            .bind(expires_at.map(Timestamp::as_millis))
            .bind(json(ip_list))
            .bind(rate_limit.map(|requests| i64::try_from(requests).unwrap_or(i64::MAX)))
            .bind(rotation.as_ref().map(json))
            .bind(is_active)
            .bind(updated_at.as_millis())
            .bind(revoked_at.map(Timestamp::as_millis))
            .bind(deleted_at.map(Timestamp::as_millis))
            .bind(replaced_by.map(|id| id.0))
            .bind($key.rotation_notified_at.map(Timestamp::as_millis))
            .bind($revision)
            .bind(id.0)
            .bind(scope.tenant.0)
    }};
}

/// Asks whether another key of the scope has the name.
macro_rules! is_taken {
    ($tx:ident, $key:expr) => {{
        let ApiKey { id, scope, settings, .. } = $key;
        let named = sqlx::query_scalar(NAMED).bind(scope.tenant.0).bind(scope.environment.as_str());
        let others: i64 = named.bind(&settings.name).bind(id.0).fetch_one(&mut *$tx).await?;
        others > 0
    }};
}

macro_rules! insert {
    ($tx:ident, $key:expr, $revision:expr) => {{
        let insert = bind_key!(sqlx::query(INSERT), $key, $revision).bind($key.scope.environment.as_str());
        let insert = insert.bind(&$key.hash[..]).bind(&$key.hint).bind($key.created_at.as_millis());
        insert.execute(&mut *$tx).await?;
    }};
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("settings are lists of text and numbers")
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyWritten {
    /// It is committed.
    Done,
    /// Another key of the scope has the name.
    NameTaken,
    /// There are as many keys as there may be.
    TooMany,
    /// The key has changed since the caller read it.
    Changed,
}

impl Store {
    /// Keeps a new key, whatever its name.
    pub async fn insert_key(&self, key: &ApiKey, line: Option<&AuditEntry>) -> Result<(), StoreError> {
        in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            insert!(tx, key, revision);
            note!(tx, line);
        });
        Ok(())
    }

    /// Keeps a new key, if its name is free and there are fewer than `max`.
    pub async fn insert_named_key(
        &self,
        key: &ApiKey,
        max: u32,
        line: Option<&AuditEntry>,
    ) -> Result<KeyWritten, StoreError> {
        Ok(in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            let count = sqlx::query_scalar(COUNT).bind(key.scope.tenant.0).bind(None::<&str>).bind(None::<&str>);
            let count: i64 = count.fetch_one(&mut *tx).await?;
            if count >= i64::from(max) {
                KeyWritten::TooMany
            } else if is_taken!(tx, key) {
                KeyWritten::NameTaken
            } else {
                insert!(tx, key, revision);
                note!(tx, line);
                KeyWritten::Done
            }
        }))
    }

    /// Writes all of a key that may change.
    pub async fn update_key(&self, key: &ApiKey, line: Option<&AuditEntry>) -> Result<KeyWritten, StoreError> {
        Ok(in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            if is_taken!(tx, key) {
                KeyWritten::NameTaken
            } else {
                let update = bind_key!(sqlx::query(UPDATE), key, revision).bind(key.revision);
                let changed = update.execute(&mut *tx).await?.rows_affected();
                if changed > 0 {
                    note!(tx, line);
                }
                if changed > 0 { KeyWritten::Done } else { KeyWritten::Changed }
            }
        }))
    }

    /// Writes a key that is replaced, and keeps the one that replaces it.
    pub async fn replace_key(
        &self,
        old: &ApiKey,
        new: &ApiKey,
        line: Option<&AuditEntry>,
    ) -> Result<KeyWritten, StoreError> {
        Ok(in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            let update = bind_key!(sqlx::query(UPDATE), old, revision).bind(old.revision);
            let changed = update.execute(&mut *tx).await?.rows_affected();
            if changed > 0 {
                insert!(tx, new, revision);
                note!(tx, line);
            }
            if changed > 0 { KeyWritten::Done } else { KeyWritten::Changed }
        }))
    }

    /// Keys that changed after a revision, deleted ones too.
    pub async fn keys_changed_since(&self, revision: i64) -> Result<Vec<ApiKey>, StoreError> {
        let rows: Vec<Row> = on_read!(self, |db| sqlx::query_as(CHANGED_SINCE).bind(revision).fetch_all(db).await)?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    /// A key that is not deleted.
    pub async fn key(&self, tenant: TenantId, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
        let row: Option<Row> =
            on_read!(self, |db| sqlx::query_as(BY_ID).bind(tenant.0).bind(id.0).fetch_optional(db).await)?;
        row.map(ApiKey::try_from).transpose()
    }

    /// A tenant's keys, oldest first.
    pub async fn keys_of(&self, tenant: TenantId) -> Result<Vec<ApiKey>, StoreError> {
        let rows: Vec<Row> = on_read!(self, |db| sqlx::query_as(BY_TENANT).bind(tenant.0).fetch_all(db).await)?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    /// A page of a tenant's keys, newest first, and how many there are.
    pub async fn keys_page(
        &self,
        tenant: TenantId,
        environment: Option<Environment>,
        is_active: Option<bool>,
        limit: u32,
        offset: u32,
    ) -> Result<(Vec<ApiKey>, u64), StoreError> {
        let environment = environment.map(Environment::as_str);
        let active = is_active.map(|yes| if yes { "true" } else { "false" });
        let rows: Vec<Row> = on_read!(self, |db| {
            let page = sqlx::query_as(PAGE).bind(tenant.0).bind(environment).bind(active);
            page.bind(i64::from(limit)).bind(i64::from(offset)).fetch_all(db).await
        })?;
        let total: i64 = on_read!(self, |db| {
            sqlx::query_scalar(COUNT).bind(tenant.0).bind(environment).bind(active).fetch_one(db).await
        })?;
        let keys = rows.into_iter().map(ApiKey::try_from).collect::<Result<_, _>>()?;
        Ok((keys, u64::try_from(total).unwrap_or(0)))
    }

    /// Notes when keys were last used. The copies that processes have of a key are not told: nothing depends on it.
    pub async fn touch_keys(&self, used: &[(KeyId, Timestamp)]) -> Result<(), StoreError> {
        let mut used = used.to_vec();
        // In one order everywhere: two processes that lock the same rows must not wait for each other.
        used.sort_unstable();
        in_tx!(self, |tx| {
            for (id, at) in &used {
                sqlx::query(TOUCH).bind(id.0).bind(at.as_millis()).execute(&mut *tx).await?;
            }
        });
        Ok(())
    }
}
