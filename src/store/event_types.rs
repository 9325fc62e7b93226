//! Tenants' own event types. All of them are in every process's directory, so that they are read here only when they
//! have changed.

use uuid::Uuid;

use super::audit::note;
use super::tenants::RAISE_REVISION;
use super::{Store, StoreError, in_tx, on_read};
use crate::domain::audit::AuditEntry;
use crate::domain::catalogue::{OwnType, SchemaMode, TypeSettings};
use crate::domain::event::EventType;
use crate::domain::id::TenantId;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

/// In the place of one that was deleted, if there is one.
const INSERT: &str = "insert into event_types (description, example, schema, schema_mode, updated_at, deleted_at, \
    revision, tenant_id, environment, name, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
    on conflict (tenant_id, environment, name) do update set description = excluded.description, \
    example = excluded.example, schema = excluded.schema, schema_mode = excluded.schema_mode, \
    updated_at = excluded.updated_at, deleted_at = null, revision = excluded.revision, \
    created_at = excluded.created_at where event_types.deleted_at is not null";
/// Compares the revision that the caller saw, so that two changes cannot overwrite each other unseen.
const UPDATE: &str = "update event_types set description = $1, example = $2, schema = $3, schema_mode = $4, \
    updated_at = $5, deleted_at = $6, revision = $7 \
    where tenant_id = $8 and environment = $9 and name = $10 and revision = $11 and deleted_at is null";
const CHANGED_SINCE: &str = "select tenant_id, environment, name, description, example, schema, schema_mode, \
    created_at, updated_at, deleted_at, revision from event_types where revision > $1";

#[derive(sqlx::FromRow)]
struct Row {
    tenant_id: Uuid,
    environment: String,
    name: String,
    description: Option<String>,
    example: Option<String>,
    schema: Option<String>,
    schema_mode: String,
    created_at: i64,
    updated_at: i64,
    deleted_at: Option<i64>,
    revision: i64,
}

impl TryFrom<Row> for OwnType {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "event_types", column, id: row.name.clone() };
        let settings = TypeSettings {
            description: row.description,
            example: row.example.as_deref().map(serde_json::from_str).transpose().map_err(|_| corrupt("example"))?,
            schema: row.schema.as_deref().map(serde_json::from_str).transpose().map_err(|_| corrupt("schema"))?,
            mode: SchemaMode::parse(&row.schema_mode).ok_or_else(|| corrupt("schema_mode"))?,
        };
        let environment = row.environment.parse().map_err(|_| corrupt("environment"))?;
        Ok(Self {
            scope: Scope { tenant: TenantId(row.tenant_id), environment },
            name: EventType::parse(&row.name).map_err(|_| corrupt("name"))?,
            judge: settings.judge(),
            settings,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
            deleted_at: row.deleted_at.map(Timestamp::from_millis),
            revision: row.revision,
        })
    }
}

/// Binds what `INSERT` and `UPDATE` have in common, in their common order.
macro_rules! bind_type {
    ($query:expr, $own:expr, $revision:expr, $last:expr) => {{
        let OwnType { scope, name, settings, updated_at, deleted_at, judge: _, created_at: _, revision: _ } = $own;
        let TypeSettings { description, example, schema, mode } = settings;
        $query
            .bind(description)
            .bind(example.as_ref().map(json))
            .bind(schema.as_ref().map(json))
            .bind(mode.as_str())
            .bind(updated_at.as_millis())
            .bind(deleted_at.map(Timestamp::as_millis))
            .bind($revision)
            .bind(scope.tenant.0)
            .bind(scope.environment.as_str())
            .bind(name.as_str())
            .bind($last)
    }};
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("a tree of JSON can be written")
}

impl Store {
    /// Keeps a new type. False when there is one of that name.
    pub async fn insert_event_type(&self, own: &OwnType, line: Option<&AuditEntry>) -> Result<bool, StoreError> {
        Ok(in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            let insert = bind_type!(sqlx::query(INSERT), own, revision, own.created_at.as_millis());
            let done = insert.execute(&mut *tx).await?.rows_affected() == 1;
            note!(tx, line.filter(|_| done));
            done
        }))
    }

    /// Writes all of a type. False when it has changed since the caller read it.
    pub async fn update_event_type(&self, own: &OwnType, line: Option<&AuditEntry>) -> Result<bool, StoreError> {
        Ok(in_tx!(self, |tx| {
            let revision: i64 = sqlx::query_scalar(RAISE_REVISION).fetch_one(&mut *tx).await?;
            let update = bind_type!(sqlx::query(UPDATE), own, revision, own.revision);
            let done = update.execute(&mut *tx).await?.rows_affected() == 1;
            note!(tx, line.filter(|_| done));
            done
        }))
    }

    /// Types that changed after a revision, deleted ones too.
    pub async fn event_types_changed_since(&self, revision: i64) -> Result<Vec<OwnType>, StoreError> {
        let rows: Vec<Row> = on_read!(self, |db| sqlx::query_as(CHANGED_SINCE).bind(revision).fetch_all(db).await)?;
        rows.into_iter().map(OwnType::try_from).collect()
    }
}
