//! API keys: never the key itself, only its keyed hash and what may be shown of it.

use uuid::Uuid;

use super::tenants::RAISE_REVISION;
use super::{Store, StoreError, in_tx, on_read};
use crate::domain::id::{KeyId, TenantId};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

const COLUMNS_INSERT: &str = "insert into api_keys \
    (id, tenant_id, environment, name, hash, hint, permissions, created_at, expires_at, revision) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const CHANGED_SINCE: &str = "select id, tenant_id, environment, name, hash, hint, permissions, created_at, \
    expires_at, revoked_at from api_keys where revision > $1";
const BY_TENANT: &str = "select id, tenant_id, environment, name, hash, hint, permissions, created_at, \
    expires_at, revoked_at from api_keys where tenant_id = $1 order by id";
const REVOKE: &str =
    "update api_keys set revoked_at = $3, revision = $4 where tenant_id = $1 and id = $2 and revoked_at is null";

/// An API key as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its handle.
    pub id: KeyId,
    /// Whose rows it sees.
    pub scope: Scope,
    /// For people.
    pub name: String,
    /// Keyed hash of the key.
    pub hash: [u8; 32],
    /// What may be shown.
    pub hint: String,
    /// What it may do.
    pub permissions: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
    /// When a person stopped it.
    pub revoked_at: Option<Timestamp>,
}

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
}

impl TryFrom<Row> for ApiKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let Row { id, tenant_id, environment, name, hash, hint, permissions, created_at, expires_at, revoked_at } = row;
        let corrupt = |column| StoreError::Corrupt { table: "api_keys", column, id: KeyId(id).to_string() };
        Ok(Self {
            id: KeyId(id),
            scope: Scope {
                tenant: TenantId(tenant_id),
                environment: environment.parse().map_err(|_| corrupt("environment"))?,
            },
            name,
            hash: hash.try_into().map_err(|_| corrupt("hash"))?,
            hint,
            permissions: serde_json::from_str(&permissions).map_err(|_| corrupt("permissions"))?,
            created_at: Timestamp::from_millis(created_at),
            expires_at: expires_at.map(Timestamp::from_millis),
            revoked_at: revoked_at.map(Timestamp::from_millis),
        })
    }
}

impl Store {
    /// Keeps a new key.
    pub async fn insert_key(&self, key: &ApiKey) -> Result<(), StoreError> {
        let ApiKey { id, scope, name, hash, hint, permissions, created_at, expires_at, revoked_at: _ } = key;
        let permissions = serde_json::Value::from(permissions.as_slice()).to_string();
        in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            sqlx::query(COLUMNS_INSERT)
                .bind(id.0)
                .bind(scope.tenant.0)
                .bind(scope.environment.as_str())
                .bind(name)
                .bind(&hash[..])
                .bind(hint)
                .bind(permissions.as_str())
                .bind(created_at.as_millis())
                .bind(expires_at.map(Timestamp::as_millis))
                .bind(revision)
                .execute(&mut *tx)
                .await?;
        });
        Ok(())
    }

    /// Keys that changed after a revision.
    pub async fn keys_changed_since(&self, revision: i64) -> Result<Vec<ApiKey>, StoreError> {
        let rows: Vec<Row> = on_read!(self, |db| sqlx::query_as(CHANGED_SINCE).bind(revision).fetch_all(db).await)?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    /// A tenant's keys, oldest first.
    pub async fn keys_of(&self, tenant: TenantId) -> Result<Vec<ApiKey>, StoreError> {
        let rows: Vec<Row> = on_read!(self, |db| sqlx::query_as(BY_TENANT).bind(tenant.0).fetch_all(db).await)?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    /// Stops a key; false if there is none that works.
    pub async fn revoke_key(&self, tenant: TenantId, id: KeyId, now: Timestamp) -> Result<bool, StoreError> {
        let changed = in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            let revoke = sqlx::query(REVOKE).bind(tenant.0).bind(id.0).bind(now.as_millis()).bind(revision);
            revoke.execute(&mut *tx).await?.rows_affected()
        });
        Ok(changed > 0)
    }
}
