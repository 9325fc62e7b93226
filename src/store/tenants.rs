//! Tenants, and the revision that every change of a tenant, key or webhook raises.

use uuid::Uuid;

use super::audit::note;
use super::{Store, StoreError, in_tx, on_read};
use crate::domain::audit::AuditEntry;
use crate::domain::id::TenantId;
use crate::domain::time::Timestamp;

/// Raises the revision inside the transaction of a change. The row's lock puts changes in order.
pub(super) const RAISE_REVISION: &str = "update revision set value = value + 1 returning value";

const REVISION: &str = "select value from revision";
const INSERT: &str = "insert into tenants (id, name, plan, created_at, revision) values ($1, $2, $3, $4, $5)";
const SET_PLAN: &str = "update tenants set plan = $2, revision = $3 where name = $1";
const BY_NAME: &str = "select id, name, plan from tenants where name = $1";
const CHANGED_SINCE: &str = "select id, name, plan from tenants where revision > $1";

/// Who pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Unique in the deployment.
    pub name: String,
    /// The limits sold.
    pub plan: String,
}

type Row = (Uuid, String, String);

fn tenant((id, name, plan): Row) -> Tenant {
    Tenant { id: TenantId(id), name, plan }
}

impl Store {
    /// How often tenants, keys and webhooks have changed.
    pub async fn revision(&self) -> Result<i64, StoreError> {
        Ok(on_read!(self, |db| sqlx::query_scalar(REVISION).fetch_one(db).await)?)
    }

    /// Makes a tenant.
    pub async fn insert_tenant(
        &self,
        tenant: &Tenant,
        now: Timestamp,
        line: Option<&AuditEntry>,
    ) -> Result<(), StoreError> {
        let Tenant { id, name, plan } = tenant;
        in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            let insert = sqlx::query(INSERT).bind(id.0).bind(name).bind(plan).bind(now.as_millis()).bind(revision);
            insert.execute(&mut *tx).await?;
            note!(tx, line);
        });
        Ok(())
    }

    /// Puts a tenant on a plan; false if there is no such tenant.
    pub async fn set_plan(&self, tenant: &str, plan: &str, line: Option<&AuditEntry>) -> Result<bool, StoreError> {
        let changed = in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            let update = sqlx::query(SET_PLAN).bind(tenant).bind(plan).bind(revision);
            let changed = update.execute(&mut *tx).await?.rows_affected();
            note!(tx, line.filter(|_| changed > 0));
            changed
        });
        Ok(changed > 0)
    }

    /// The tenant of that name.
    pub async fn tenant_by_name(&self, name: &str) -> Result<Option<Tenant>, StoreError> {
        let row: Option<Row> = on_read!(self, |db| sqlx::query_as(BY_NAME).bind(name).fetch_optional(db).await)?;
        Ok(row.map(tenant))
    }

    /// Tenants that changed after a revision.
    pub async fn tenants_changed_since(&self, revision: i64) -> Result<Vec<Tenant>, StoreError> {
        let rows: Vec<Row> = on_read!(self, |db| sqlx::query_as(CHANGED_SINCE).bind(revision).fetch_all(db).await)?;
        Ok(rows.into_iter().map(tenant).collect())
    }
}
