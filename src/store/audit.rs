//! The audit log. Where a change has a transaction, its line is written in it: `note`.

use serde_json::Value;
use uuid::Uuid;

use super::{IdSpan, ListSql, Store, StoreError, in_tx, on_read, on_write};
use crate::domain::audit::{Actor, ActorKind, AuditEntry};
use crate::domain::id::{AuditId, TenantId, first_uuid_at};
use crate::domain::time::Timestamp;

/// The same line twice is one: an entry may be made under an id that follows from what happened.
pub(super) const INSERT: &str = "insert into audit_log (id, tenant_id, environment, actor_kind, actor_id, actor_name, \
    action, subject, changes, request_id, address) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
    on conflict do nothing";
macro_rules! audit_where {
    ($head:literal, $tail:literal) => {
        concat!(
            "select ",
            $head,
            " from audit_log where tenant_id = $1 and id >= $2 and id < $3 \
             and (cast($4 as text) is null or actor_id = $4) and (cast($5 as text) is null or action = $5) \
             and (cast($6 as text) is null or subject = $6) ",
            $tail
        )
    };
}
macro_rules! page {
    ($tail:literal) => {
        audit_where!(
            "id, tenant_id, environment, actor_kind, actor_id, actor_name, action, subject, changes, request_id, address",
            $tail
        )
    };
}
pub(super) const LIST: ListSql = ListSql {
    page: page!("order by id desc limit $7 offset $8"),
    page_back: page!("order by id limit $7 offset $8"),
    count: audit_where!("count(*)", ""),
};
const NEWEST: &str = "select id, tenant_id, environment, actor_kind, actor_id, actor_name, action, subject, changes, \
    request_id, address from audit_log order by id desc limit $1";
const PURGE: &str = "delete from audit_log where id in (select id from audit_log where id < $1 order by id limit $2)";

/// Writes a line, if there is one, in the transaction of the change that it tells of.
macro_rules! note {
    ($tx:ident, $entry:expr) => {
        if let Some(entry) = $entry {
            let entry: &$crate::domain::audit::AuditEntry = entry;
            let insert = sqlx::query($crate::store::audit::INSERT).bind(entry.id.0);
            let insert = insert.bind(entry.tenant.map(|tenant| tenant.0));
            let insert = insert.bind(entry.environment.map(|environment| environment.as_str()));
            let insert = insert.bind(entry.actor.kind.as_str()).bind(&entry.actor.id).bind(&entry.actor.name);
            let insert = insert.bind(entry.action.as_str()).bind(&entry.subject).bind(entry.changes.to_string());
            insert.bind(&entry.request).bind(&entry.address).execute(&mut *$tx).await?;
        }
    };
}
pub(super) use note;

/// Which lines to list.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only of this key or user.
    pub actor: Option<String>,
    /// Only this.
    pub action: Option<String>,
    /// Only about this.
    pub subject: Option<String>,
    /// Which ids.
    pub span: IdSpan,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    tenant_id: Option<Uuid>,
    environment: Option<String>,
    actor_kind: String,
    actor_id: Option<String>,
    actor_name: String,
    action: String,
    subject: String,
    changes: String,
    request_id: Option<String>,
    address: Option<String>,
}

impl TryFrom<Row> for AuditEntry {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = AuditId(row.id);
        let corrupt = |column| StoreError::Corrupt { table: "audit_log", column, id: id.to_string() };
        let environment = row.environment.map(|text| text.parse()).transpose();
        Ok(Self {
            id,
            tenant: row.tenant_id.map(TenantId),
            environment: environment.map_err(|_| corrupt("environment"))?,
            actor: Actor {
                kind: ActorKind::parse(&row.actor_kind).ok_or_else(|| corrupt("actor_kind"))?,
                id: row.actor_id,
                name: row.actor_name,
            },
            action: row.action,
            subject: row.subject,
            changes: serde_json::from_str::<Value>(&row.changes).map_err(|_| corrupt("changes"))?,
            request: row.request_id,
            address: row.address,
        })
    }
}

macro_rules! bind_filter {
    ($query:expr, $tenant:expr, $filter:expr) => {
        $query
            .bind($tenant.0)
            .bind($filter.span.bounds().0)
            .bind($filter.span.bounds().1)
            .bind($filter.actor.as_deref())
            .bind($filter.action.as_deref())
            .bind($filter.subject.as_deref())
    };
}

impl Store {
    /// Writes a line about what has no transaction of its own.
    pub async fn insert_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        in_tx!(self, |tx| note!(tx, Some(entry)));
        Ok(())
    }

    /// A page of a tenant's lines, newest first.
    pub async fn audit_page(
        &self,
        tenant: TenantId,
        filter: &AuditFilter,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let page = if filter.span.oldest_first { LIST.page_back } else { LIST.page };
        let rows: Vec<Row> = on_read!(self, |db| {
            let query = bind_filter!(sqlx::query_as(page), tenant, filter);
            query.bind(i64::from(limit)).bind(i64::from(offset)).fetch_all(db).await
        })?;
        rows.into_iter().map(AuditEntry::try_from).collect()
    }

    /// How many lines of a tenant a filter finds.
    pub async fn audit_count(&self, tenant: TenantId, filter: &AuditFilter) -> Result<u64, StoreError> {
        let total: i64 =
            on_read!(self, |db| bind_filter!(sqlx::query_scalar(LIST.count), tenant, filter).fetch_one(db).await)?;
        Ok(u64::try_from(total).unwrap_or(0))
    }

    /// The newest lines of all tenants and of the deployment itself.
    pub async fn newest_audit(&self, max: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let rows: Vec<Row> = on_read!(self, |db| sqlx::query_as(NEWEST).bind(i64::from(max)).fetch_all(db).await)?;
        rows.into_iter().map(AuditEntry::try_from).collect()
    }

    /// Forgets lines from before an instant, some at a time; returns how many.
    pub async fn purge_audit(&self, before: Timestamp, max: u32) -> Result<u64, StoreError> {
        Ok(on_write!(self, |db| {
            let purge = sqlx::query(PURGE).bind(first_uuid_at(before)).bind(i64::from(max));
            purge.execute(db).await.map(|done| done.rows_affected())
        })?)
    }
}
