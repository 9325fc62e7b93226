//! Events: written in [`super::dialect::accept`], read here.

use std::sync::Arc;

use uuid::Uuid;

use super::{Db, IdSpan, ListSql, Store, StoreError, on_read, webhooks};
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

// Channels are stored as a JSON array of names, and no name needs an escape: one is there if its text with the quotes is.
macro_rules! events_where {
    ($head:literal, $tail:literal) => {
        concat!(
            "select ",
            $head,
            " from events where tenant_id = $1 and environment = $2 and id >= $3 and id < $4 \
             and (cast($5 as text) is null or type = $5) \
             and (cast($6 as text) is null or replace(channels, $6, '') <> channels) ",
            $tail
        )
    };
}
macro_rules! page {
    ($tail:literal) => {
        events_where!("id, type, occurred_at, channels, deliver_at, expunged_at", $tail)
    };
}
pub(super) const LIST: ListSql = ListSql {
    page: page!("order by id desc limit $7 offset $8"),
    page_back: page!("order by id limit $7 offset $8"),
    count: concat!("select count(*) from (", events_where!("id", "limit $7"), ") as n"),
};
macro_rules! end {
    ($tail:literal) => {
        concat!(
            "select id from events where tenant_id = $1 and environment = $2 and id >= $3 and id < $4 order by id ",
            $tail,
            " limit 1 offset $5"
        )
    };
}
pub(super) const END: &str = end!("desc");
pub(super) const END_BACK: &str = end!("");

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

/// An event as listed: without its data.
#[derive(Debug, Clone)]
pub struct ListedEvent {
    /// Its id.
    pub id: EventId,
    /// Of what type it is.
    pub event_type: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Where and when it goes.
    pub routing: Routing,
    /// When its data was erased.
    pub expunged_at: Option<Timestamp>,
}

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only of this type.
    pub event_type: Option<String>,
    /// Only those that name this channel.
    pub channel: Option<String>,
    /// Which ids, and so the time and the page.
    pub span: IdSpan,
}

/// Some events.
#[derive(Debug, Clone)]
pub struct Events {
    /// In the order that was asked for.
    pub found: Vec<ListedEvent>,
    /// The last one that was looked at, where there may be more beyond it that are not among those found.
    pub end: Option<Uuid>,
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    id: Uuid,
    r#type: String,
    occurred_at: i64,
    channels: Option<String>,
    deliver_at: Option<i64>,
    expunged_at: Option<i64>,
}

impl TryFrom<ListedRow> for ListedEvent {
    type Error = StoreError;

    fn try_from(row: ListedRow) -> Result<Self, StoreError> {
        let ListedRow { id, r#type, occurred_at, channels, deliver_at, expunged_at } = row;
        Ok(Self {
            id: EventId(id),
            event_type: r#type,
            occurred_at: Timestamp::from_millis(occurred_at),
            routing: routing(id, channels.as_deref(), deliver_at)?,
            expunged_at: expunged_at.map(Timestamp::from_millis),
        })
    }
}

fn corrupt(id: Uuid, column: &'static str) -> StoreError {
    StoreError::Corrupt { table: "events", column, id: EventId(id).to_string() }
}

fn routing(id: Uuid, channels: Option<&str>, deliver_at: Option<i64>) -> Result<Routing, StoreError> {
    let channels = webhooks::channels(channels).map_err(|_| corrupt(id, "channels"))?;
    Ok(Routing { channels, deliver_at: deliver_at.map(Timestamp::from_millis) })
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
        let environment = environment.parse().map_err(|_| corrupt(id, "environment"))?;
        Ok(Self {
            scope: Scope { tenant: TenantId(tenant_id), environment },
            content: Arc::new(EventContent {
                id: EventId(id),
                event_type: EventType::parse(&r#type).map_err(|_| corrupt(id, "type"))?,
                occurred_at: Timestamp::from_millis(occurred_at),
                data: data.into(),
            }),
            routing: routing(id, channels.as_deref(), deliver_at)?,
            expunged_at: expunged_at.map(Timestamp::from_millis),
        })
    }
}

macro_rules! bind_filter {
    ($query:expr, $scope:expr, $filter:expr) => {
        $query
            .bind($scope.tenant.0)
            .bind($scope.environment.as_str())
            .bind($filter.span.bounds().0)
            .bind($filter.span.bounds().1)
            .bind($filter.event_type.as_deref())
            .bind($filter.channel.as_deref().map(|name| format!("\"{name}\"")))
    };
}

impl Store {
    /// A page of events, as far as one look goes.
    pub async fn events_page(
        &self,
        scope: Scope,
        filter: &EventFilter,
        limit: u32,
        offset: u32,
    ) -> Result<Events, StoreError> {
        let end = self.end_of_events(scope, filter).await?;
        let filter = &EventFilter { span: end.map_or(filter.span, |end| filter.span.until(end)), ..filter.clone() };
        let page = if filter.span.oldest_first { LIST.page_back } else { LIST.page };
        let rows: Vec<ListedRow> = on_read!(self, |db| {
            let query = bind_filter!(sqlx::query_as(page), scope, filter);
            query.bind(i64::from(limit)).bind(i64::from(offset)).fetch_all(db).await
        })?;
        Ok(Events { found: rows.into_iter().map(ListedEvent::try_from).collect::<Result<_, _>>()?, end })
    }

    /// How many events a filter finds in one look; as far as lists are counted.
    pub async fn events_count(&self, scope: Scope, filter: &EventFilter) -> Result<u64, StoreError> {
        let end = self.end_of_events(scope, filter).await?;
        let filter = &EventFilter { span: end.map_or(filter.span, |end| filter.span.until(end)), ..filter.clone() };
        let total: i64 = on_read!(self, |db| {
            let count = bind_filter!(sqlx::query_scalar(LIST.count), scope, filter);
            count.bind(i64::from(self.bounds.counted_max)).fetch_one(db).await
        })?;
        Ok(u64::try_from(total).unwrap_or(0))
    }

    /// The last one of a look, where the list does not end before it.
    async fn end_of_events(&self, scope: Scope, filter: &EventFilter) -> Result<Option<Uuid>, StoreError> {
        let EventFilter { event_type, channel, span } = filter;
        if event_type.is_none() && channel.is_none() {
            return Ok(None);
        }
        let (statement, (from, before)) = (if span.oldest_first { END_BACK } else { END }, span.bounds());
        Ok(on_read!(self, |db| {
            let end = sqlx::query_scalar(statement).bind(scope.tenant.0).bind(scope.environment.as_str());
            let end = end.bind(from).bind(before).bind(i64::from(self.bounds.looked_max.saturating_sub(1)));
            end.fetch_optional(db).await
        })?)
    }

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
