//! Deliveries: written in [`super::dialect`], listed here.

use uuid::Uuid;

use super::{ListSql, Store, StoreError, on_read};
use crate::domain::attempt::FailureKind;
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{DeliveryId, EventId, WebhookId};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

/// A delivery as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Of which event.
    pub event: EventId,
    /// Of what type that is.
    pub event_type: String,
    /// Where to.
    pub webhook: WebhookId,
    /// Why: `event`, `replay` or `test`.
    pub reason: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts ever.
    pub attempts: i64,
    /// Status of the last answer.
    pub last_status: Option<i64>,
    /// Kind of the last failure without an answer.
    pub last_error: Option<String>,
    /// When the last attempt was over.
    pub settled_at: Option<Timestamp>,
    /// Why a person ended it.
    pub note: Option<String>,
    /// When the next attempt is due; none while one is under way or the webhook is not sending.
    pub next_attempt_at: Option<Timestamp>,
}

/// Which deliveries to list. `from..before` bounds the ids, and so the time and the page.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only this webhook's.
    pub webhook: Option<WebhookId>,
    /// Only this event's.
    pub event: Option<EventId>,
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only of this event type.
    pub event_type: Option<String>,
    /// Only of event types that start so.
    pub type_prefix: Option<String>,
    /// Only with so many attempts, both ends included.
    pub attempts: Option<(i64, i64)>,
    /// Only with a last status in this range, both ends included.
    pub status_range: Option<(i64, i64)>,
    /// Only with this kind of last failure.
    pub error: Option<FailureKind>,
    /// Ids from here on.
    pub from: Option<Uuid>,
    /// Ids before this.
    pub before: Option<Uuid>,
    /// Whether a page begins at the oldest of them, and not at the newest.
    pub oldest_first: bool,
}

// The three differ in the index that they walk. Each walks it from one end and stops at the page's end.
macro_rules! deliveries_where {
    ($head:literal, $walk:literal, $tail:literal) => {
        concat!(
            "select ",
            $head,
            " from deliveries d left join due q on q.delivery_id = d.id where d.tenant_id = $1 \
             and d.environment = $2 and d.id >= $3 and d.id < $4 and ",
            $walk,
            " and (cast($6 as text) is null or d.state = $6) and (cast($7 as text) is null or d.event_type = $7) \
             and (cast($8 as bigint) is null or (d.last_status >= $8 and d.last_status <= $9)) \
             and (cast($10 as text) is null or d.last_error = $10) and ($11 or d.webhook_id = $12) \
             and d.attempts >= $13 and d.attempts <= $14 \
             and (cast($15 as text) is null or substr(d.event_type, 1, length($15)) = $15) ",
            $tail
        )
    };
}
macro_rules! page {
    ($walk:literal, $tail:literal) => {
        deliveries_where!(
            "d.id, d.event_id, d.event_type, d.webhook_id, d.reason, d.state, d.attempts, d.last_status, \
             d.last_error, d.settled_at, d.note, q.due_at, q.leased",
            $walk,
            $tail
        )
    };
}
macro_rules! pages_and_count {
    ($walk:literal) => {
        ListSql {
            page: page!($walk, "order by d.id desc limit $16 offset $17"),
            page_back: page!($walk, "order by d.id limit $16 offset $17"),
            count: deliveries_where!("count(*)", $walk, ""),
        }
    };
}
pub(super) const BY_SCOPE: ListSql = pages_and_count!("d.id <> $5");
pub(super) const BY_WEBHOOK: ListSql = pages_and_count!("d.webhook_id = $5");
pub(super) const BY_EVENT: ListSql = pages_and_count!("d.event_id = $5");
pub(super) const BY_ID: &str = "select d.id, d.event_id, d.event_type, d.webhook_id, d.reason, d.state, d.attempts, \
    d.last_status, d.last_error, d.settled_at, d.note, q.due_at, q.leased \
    from deliveries d left join due q on q.delivery_id = d.id \
    where d.tenant_id = $1 and d.environment = $2 and d.id = $3";

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    event_id: Uuid,
    event_type: String,
    webhook_id: Uuid,
    reason: String,
    state: String,
    attempts: i64,
    last_status: Option<i64>,
    last_error: Option<String>,
    settled_at: Option<i64>,
    note: Option<String>,
    due_at: Option<i64>,
    leased: Option<bool>,
}

impl TryFrom<Row> for Delivery {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = DeliveryId(row.id);
        let state = DeliveryState::parse(&row.state);
        let waits = row.due_at.filter(|due_at| row.leased == Some(false) && *due_at < i64::MAX);
        Ok(Self {
            id,
            event: EventId(row.event_id),
            event_type: row.event_type,
            webhook: WebhookId(row.webhook_id),
            reason: row.reason,
            state: state.ok_or(StoreError::Corrupt { table: "deliveries", column: "state", id: id.to_string() })?,
            attempts: row.attempts,
            last_status: row.last_status,
            last_error: row.last_error,
            settled_at: row.settled_at.map(Timestamp::from_millis),
            note: row.note,
            next_attempt_at: waits.map(Timestamp::from_millis),
        })
    }
}

/// Binds `$1` to `$15`, which a page and its count have in common.
macro_rules! bind_filter {
    ($query:expr, $scope:expr, $filter:expr, $key:expr) => {
        $query
            .bind($scope.tenant.0)
            .bind($scope.environment.as_str())
            .bind($filter.from.unwrap_or(Uuid::nil()))
            .bind($filter.before.unwrap_or(Uuid::max()))
            .bind($key)
            .bind($filter.state.map(DeliveryState::as_str))
            .bind($filter.event_type.as_deref())
            .bind($filter.status_range.map(|(first, _)| first))
            .bind($filter.status_range.map(|(_, last)| last))
            .bind($filter.error.map(FailureKind::as_str))
            .bind($filter.webhook.is_none())
            .bind($filter.webhook.map_or(Uuid::nil(), |webhook| webhook.0))
            .bind($filter.attempts.map_or(0, |(fewest, _)| fewest))
            .bind($filter.attempts.map_or(i64::MAX, |(_, most)| most))
            .bind($filter.type_prefix.as_deref())
    };
}

impl DeliveryFilter {
    fn walk(&self) -> (ListSql, Uuid) {
        match (self.event, self.webhook) {
            (Some(event), _) => (BY_EVENT, event.0),
            (None, Some(webhook)) => (BY_WEBHOOK, webhook.0),
            (None, None) => (BY_SCOPE, Uuid::nil()),
        }
    }
}

impl Store {
    /// One delivery.
    pub async fn delivery(&self, scope: Scope, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let (tenant, environment) = (scope.tenant.0, scope.environment.as_str());
        let row: Option<Row> = on_read!(self, |db| {
            sqlx::query_as(BY_ID).bind(tenant).bind(environment).bind(id.0).fetch_optional(db).await
        })?;
        row.map(Delivery::try_from).transpose()
    }

    /// A page of deliveries.
    pub async fn deliveries_page(
        &self,
        scope: Scope,
        filter: &DeliveryFilter,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let (sql, key) = filter.walk();
        let page = if filter.oldest_first { sql.page_back } else { sql.page };
        let rows: Vec<Row> = on_read!(self, |db| {
            let query = bind_filter!(sqlx::query_as(page), scope, filter, key);
            query.bind(i64::from(limit)).bind(i64::from(offset)).fetch_all(db).await
        })?;
        rows.into_iter().map(Delivery::try_from).collect()
    }

    /// How many deliveries a filter finds.
    pub async fn deliveries_count(&self, scope: Scope, filter: &DeliveryFilter) -> Result<u64, StoreError> {
        let (ListSql { count, .. }, key) = filter.walk();
        let total: i64 =
            on_read!(self, |db| { bind_filter!(sqlx::query_scalar(count), scope, filter, key).fetch_one(db).await })?;
        Ok(u64::try_from(total).unwrap_or(0))
    }
}
