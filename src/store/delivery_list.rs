//! Lists of deliveries. However many there are and whatever is asked for, a page passes a bounded number of them.
//!
//! A list is a walk along an index, from one end. Where the index knows all that a filter asks for, the walk stops when
//! the page is full. Where it does not, a page is read from a [`Stretch`]: as many rows of the walk as
//! [`super::ListBounds`] says, and the place where another can go on. Of the walks that a filter can take, one that ends
//! within a stretch is taken before one that goes on.

use uuid::Uuid;

use super::deliveries::{Delivery, DeliveryFilter, Row};
use super::{IdSpan, ListSql, Store, StoreError, on_read};
use crate::domain::attempt::FailureKind;
use crate::domain::delivery::DeliveryState;
use crate::domain::tenant::Scope;

/// What a page shows, in the order of its struct.
macro_rules! columns {
    () => {
        "d.id, d.event_id, d.event_type, d.webhook_id, d.reason, d.state, d.attempts, d.last_status, d.last_error, \
         d.settled_at, d.note, q.due_at, q.leased"
    };
}
/// What no walk knows by itself: `$6` to `$15`.
macro_rules! filtered {
    () => {
        " and (cast($6 as text) is null or d.state = $6) and (cast($7 as text) is null or d.event_type = $7) \
         and (cast($8 as bigint) is null or (d.last_status >= $8 and d.last_status <= $9)) \
         and (cast($10 as text) is null or d.last_error = $10) and ($11 or d.webhook_id = $12) \
         and d.attempts >= $13 and d.attempts <= $14 \
         and (cast($15 as text) is null or substr(d.event_type, 1, length($15)) = $15) "
    };
}
/// Deliveries of a walk, or a column of them.
macro_rules! found {
    ($what:expr, $from:literal, $rows:literal, $tail:expr) => {
        concat!("select ", $what, " from ", $from, " where ", $rows, filtered!(), $tail)
    };
}
/// The row of a walk that is so many away.
macro_rules! end {
    ($id:literal, $narrow:literal, $rows:literal, $way:literal) => {
        concat!("select ", $id, " from ", $narrow, " where ", $rows, " order by ", $id, $way, " limit 1 offset $6")
    };
}
/// A walk: where from, which rows (`$1` to `$5`), by which column; and the narrow table that tells how long it is.
macro_rules! walk {
    ($from:literal, $rows:literal, $id:literal, $narrow:literal) => {
        Walk {
            list: ListSql {
                page: found!(columns!(), $from, $rows, concat!("order by ", $id, " desc limit $16 offset $17")),
                page_back: found!(columns!(), $from, $rows, concat!("order by ", $id, " limit $16 offset $17")),
                count: concat!(
                    "select count(*) from (",
                    found!($id, $from, $rows, concat!("order by ", $id, " desc limit $16")),
                    ") as n"
                ),
            },
            end: end!($id, $narrow, $rows, " desc"),
            end_back: end!($id, $narrow, $rows, ""),
        }
    };
}

/// The statements of a walk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    pub(super) list: ListSql,
    /// The row that is so many away, newest first.
    pub(super) end: &'static str,
    /// The same, oldest first.
    pub(super) end_back: &'static str,
}

pub(super) const BY_SCOPE: Walk = walk!(
    "deliveries d left join due q on q.delivery_id = d.id",
    "d.tenant_id = $1 and d.environment = $2 and d.id >= $3 and d.id < $4 and d.id <> $5",
    "d.id",
    "deliveries d"
);
pub(super) const BY_WEBHOOK: Walk = walk!(
    "deliveries d left join due q on q.delivery_id = d.id",
    "d.tenant_id = $1 and d.environment = $2 and d.id >= $3 and d.id < $4 and d.webhook_id = $5",
    "d.id",
    "deliveries d"
);
pub(super) const BY_EVENT: Walk = walk!(
    "deliveries d left join due q on q.delivery_id = d.id",
    "d.tenant_id = $1 and d.environment = $2 and d.id >= $3 and d.id < $4 and d.event_id = $5",
    "d.id",
    "deliveries d"
);
// SQLite keeps the order of a cross join: else it begins with the deliveries.
pub(super) const DEAD: Walk = walk!(
    "dead_letters l cross join deliveries d left join due q on q.delivery_id = d.id",
    "d.id = l.delivery_id and l.tenant_id = $1 and l.environment = $2 and l.delivery_id >= $3 and l.delivery_id < $4 \
     and l.delivery_id <> $5",
    "l.delivery_id",
    "dead_letters l cross join deliveries d"
);
// Of all tenants: walked only where all of it can be. What is compared by `is not distinct from` is not looked up by an
// index: PostgreSQL could take that of a scope for each row.
pub(super) const WAITING: Walk = walk!(
    "due q cross join deliveries d",
    "d.id = q.delivery_id and q.delivery_id >= $3 and q.delivery_id < $4 and q.delivery_id <> $5 \
     and d.tenant_id is not distinct from $1 and d.environment is not distinct from $2",
    "q.delivery_id",
    "due q cross join deliveries d"
);
pub(super) const WAITING_COUNT: &str = "select count(*) from (select delivery_id from due \
    where delivery_id >= $1 and delivery_id < $2 limit $3) as n";

/// A part of a list that can be looked at in one go.
#[derive(Debug, Clone)]
pub struct Stretch {
    list: ListSql,
    key: Uuid,
    filter: DeliveryFilter,
    /// The last row that is looked at; none where the list ends before.
    pub end: Option<Uuid>,
}

impl Stretch {
    fn whole(walk: Walk, key: Uuid, filter: &DeliveryFilter) -> Self {
        Self { list: walk.list, key, filter: filter.clone(), end: None }
    }

    fn until(walk: Walk, key: Uuid, filter: &DeliveryFilter, end: Uuid) -> Self {
        let DeliveryFilter { from, before, oldest_first, .. } = *filter;
        let span = IdSpan { from, before, oldest_first }.until(end);
        let filter = DeliveryFilter { from: span.from, before: span.before, ..filter.clone() };
        Self { list: walk.list, key, filter, end: Some(end) }
    }

    /// What is left of it, newest first, once a row was looked at.
    #[must_use]
    pub fn below(mut self, id: Uuid) -> Self {
        self.filter.before = Some(id);
        self
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
    /// Whether nothing is asked for but the place, and these two.
    fn is_only(&self, webhook: bool, state: bool) -> bool {
        let Self {
            webhook: of_webhook,
            event: _,
            state: in_state,
            event_type,
            type_prefix,
            attempts,
            status_range,
            error,
            from: _,
            before: _,
            oldest_first: _,
        } = self;
        (webhook || of_webhook.is_none())
            && (state || in_state.is_none())
            && event_type.is_none()
            && type_prefix.is_none()
            && attempts.is_none()
            && status_range.is_none()
            && error.is_none()
    }
}

impl Store {
    /// The part of a list that a page is read from.
    pub async fn stretch(&self, scope: Scope, filter: &DeliveryFilter) -> Result<Stretch, StoreError> {
        if let Some(event) = filter.event {
            // No more than the webhooks of a scope.
            return Ok(Stretch::whole(BY_EVENT, event.0, filter));
        }
        if filter.state == Some(DeliveryState::Pending) && self.waiting_can_be_walked(filter).await? {
            return Ok(Stretch::whole(WAITING, Uuid::nil(), filter));
        }
        let of_webhook = filter.webhook.map(|webhook| (BY_WEBHOOK, webhook.0, filter.is_only(true, false)));
        let dead =
            (filter.state == Some(DeliveryState::Dead)).then_some((DEAD, Uuid::nil(), filter.is_only(false, true)));
        let narrow: Vec<_> = of_webhook.into_iter().chain(dead).collect();
        let of_scope = (BY_SCOPE, Uuid::nil(), filter.is_only(false, false));
        let walks = if narrow.is_empty() { vec![of_scope] } else { narrow };
        let mut longest = None;
        for (walk, key, knows_all) in walks {
            if knows_all {
                return Ok(Stretch::whole(walk, key, filter));
            }
            match self.end_of(scope, walk, key, filter).await? {
                None => return Ok(Stretch::whole(walk, key, filter)),
                Some(end) => longest = Some(Stretch::until(walk, key, filter, end)),
            }
        }
        Ok(longest.unwrap_or_else(|| Stretch::whole(BY_SCOPE, Uuid::nil(), filter)))
    }

    async fn waiting_can_be_walked(&self, filter: &DeliveryFilter) -> Result<bool, StoreError> {
        let waiting: i64 = on_read!(self, |db| {
            let count = sqlx::query_scalar(WAITING_COUNT).bind(filter.from.unwrap_or(Uuid::nil()));
            count.bind(filter.before.unwrap_or(Uuid::max())).bind(i64::from(self.bounds.looked_max)).fetch_one(db).await
        })?;
        Ok(waiting < i64::from(self.bounds.looked_max))
    }

    /// The last row of a stretch, if the walk does not end before it.
    async fn end_of(
        &self,
        scope: Scope,
        walk: Walk,
        key: Uuid,
        filter: &DeliveryFilter,
    ) -> Result<Option<Uuid>, StoreError> {
        let statement = if filter.oldest_first { walk.end_back } else { walk.end };
        Ok(on_read!(self, |db| {
            let end = sqlx::query_scalar(statement).bind(scope.tenant.0).bind(scope.environment.as_str());
            let end = end.bind(filter.from.unwrap_or(Uuid::nil())).bind(filter.before.unwrap_or(Uuid::max()));
            end.bind(key).bind(i64::from(self.bounds.looked_max.saturating_sub(1))).fetch_optional(db).await
        })?)
    }

    /// Deliveries of a stretch.
    pub async fn deliveries_of(
        &self,
        scope: Scope,
        Stretch { list, key, filter, end: _ }: &Stretch,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let page = if filter.oldest_first { list.page_back } else { list.page };
        let rows: Vec<Row> = on_read!(self, |db| {
            let query = bind_filter!(sqlx::query_as(page), scope, filter, *key);
            query.bind(i64::from(limit)).bind(i64::from(offset)).fetch_all(db).await
        })?;
        rows.into_iter().map(Delivery::try_from).collect()
    }

    /// The first deliveries that a filter finds, as far as one look goes.
    pub async fn deliveries_page(
        &self,
        scope: Scope,
        filter: &DeliveryFilter,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let stretch = self.stretch(scope, filter).await?;
        self.deliveries_of(scope, &stretch, limit, 0).await
    }

    /// How many deliveries there are in a stretch; as far as lists are counted.
    pub async fn deliveries_count(
        &self,
        scope: Scope,
        Stretch { list, key, filter, end: _ }: &Stretch,
    ) -> Result<u64, StoreError> {
        let total: i64 = on_read!(self, |db| {
            let count = bind_filter!(sqlx::query_scalar(list.count), scope, filter, *key);
            count.bind(i64::from(self.bounds.counted_max)).fetch_one(db).await
        })?;
        Ok(u64::try_from(total).unwrap_or(0))
    }
}
