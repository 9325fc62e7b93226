//! Events: written in [`super::dialect::accept`], read here.

use std::sync::Arc;

use uuid::Uuid;

use super::{Db, Store, StoreError, on_read, webhooks};
use crate::domain::event::{EventContent, EventType, Routing};
use crate::domain::id::{EventId, TenantId};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

pub(super) const BY_ID: &str = "select id, tenant_id, environment, type, data, occurred_at, channels, deliver_at, \
    expunged_at from events where tenant_id = $1 and environment = $2 and id = $3";
pub(super) const PG_BY_IDS: &str = "select id, tenant_id, environment, type, data, occurred_at from events \
    where id = any($1::uuid[]) and expunged_at is null";
pub(super) const LITE_BY_ID: &str =
    "select id, tenant_id, environment, type, data, occurred_at from events where id = $1 and expunged_at is null";

const OLDEST_SCHEDULED: &str =
    "select id from events where deliver_at is not null and deliver_at > $1 order by id limit 1";

/// An event as stored.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Whose.
    pub scope: Scope,
    /// What.
    pub content: Arc<EventContent>,
    /// Where and when. Not read for a claim, which needs neither.
    pub routing: Routing,
    /// When its data was erased. Not read for a claim, which never finds such an event.
    pub expunged_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    environment: String,
    r#type: String,
    data: Vec<u8>,
    occurred_at: i64,
    #[sqlx(default)]
    channels: Option<String>,
    #[sqlx(default)]
    deliver_at: Option<i64>,
    #[sqlx(default)]
    expunged_at: Option<i64>,
}

impl TryFrom<Row> for StoredEvent {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let Row { id, tenant_id, environment, r#type, data, occurred_at, channels, deliver_at, expunged_at } = row;
        let corrupt = |column| StoreError::Corrupt { table: "events", column, id: EventId(id).to_string() };
        let environment = environment.parse().map_err(|_| corrupt("environment"))?;
        Ok(Self {
            scope: Scope { tenant: TenantId(tenant_id), environment },
            content: Arc::new(EventContent {
                id: EventId(id),
                event_type: EventType::parse(&r#type).map_err(|_| corrupt("type"))?,
                occurred_at: Timestamp::from_millis(occurred_at),
                data: data.into(),
            }),
            routing: Routing {
                channels: webhooks::channels(channels.as_deref()).map_err(|_| corrupt("channels"))?,
                deliver_at: deliver_at.map(Timestamp::from_millis),
            },
            expunged_at: expunged_at.map(Timestamp::from_millis),
        })
    }
}

impl Store {
    /// One event.
    pub async fn event(&self, scope: Scope, id: EventId) -> Result<Option<StoredEvent>, StoreError> {
        let (tenant, environment) = (scope.tenant.0, scope.environment.as_str());
        let row: Option<Row> = on_read!(self, |db| {
            sqlx::query_as(BY_ID).bind(tenant).bind(environment).bind(id.0).fetch_optional(db).await
        })?;
        row.map(StoredEvent::try_from).transpose()
    }

    /// The oldest event whose `deliverAt` is after an instant.
    pub async fn oldest_scheduled(&self, after: Timestamp) -> Result<Option<EventId>, StoreError> {
        let id: Option<Uuid> = on_read!(self, |db| {
            sqlx::query_scalar(OLDEST_SCHEDULED).bind(after.as_millis()).fetch_optional(db).await
        })?;
        Ok(id.map(EventId))
    }

    /// The events of claimed deliveries, whoever they belong to. Those that retention has dropped, or whose data
    /// was erased, are absent.
    pub async fn events_of_claims(&self, ids: &[EventId]) -> Result<Vec<StoredEvent>, StoreError> {
        let rows: Vec<Row> = match &self.db {
            Db::Postgres(pool) => {
                let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
                sqlx::query_as(PG_BY_IDS).bind(ids).fetch_all(pool).await?
            }
            Db::Sqlite { read, .. } => {
                let mut conn = read.acquire().await?;
                let mut rows = Vec::with_capacity(ids.len());
                for id in ids {
                    rows.extend(sqlx::query_as(LITE_BY_ID).bind(id.0).fetch_optional(&mut *conn).await?);
                }
                rows
            }
        };
        rows.into_iter().map(StoredEvent::try_from).collect()
    }
}
