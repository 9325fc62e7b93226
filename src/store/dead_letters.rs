//! Dead letters: which deliveries used up their attempts. Written in [`super::dialect::settle`].

use uuid::Uuid;

use super::audit::note;
use super::due::{Intervention, RAISE_DEAD, in_order};
use super::{IdSpan, Store, StoreError, in_tx, on_read};
use crate::domain::audit::AuditEntry;
use crate::domain::id::{DeliveryId, EventId, WebhookId};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

macro_rules! dead_letters_where {
    ($head:literal, $tail:literal) => {
        concat!(
            "select ",
            $head,
            " where l.tenant_id = $1 and l.environment = $2 and l.delivery_id >= $9 \
             and l.delivery_id < $3 and ($4 or l.webhook_id = $5) and (cast($6 as text) is null or l.event_type = $6) \
             and l.died_at >= $7 and l.died_at < $8 ",
            $tail
        )
    };
}
macro_rules! page {
    ($tail:literal) => {
        dead_letters_where!(
            "l.delivery_id, d.event_id, l.webhook_id, l.event_type, d.attempts, d.last_status, d.last_error, l.died_at \
             from dead_letters l join deliveries d on d.id = l.delivery_id",
            $tail
        )
    };
}
pub(super) const PAGE: &str = page!("order by l.delivery_id desc limit $10 offset $11");
pub(super) const PAGE_BACK: &str = page!("order by l.delivery_id limit $10 offset $11");
pub(super) const COUNT: &str = concat!(
    "select count(*) from (",
    dead_letters_where!("l.delivery_id from dead_letters l", "order by l.delivery_id desc limit $10"),
    ") as n"
);
macro_rules! end {
    ($tail:literal) => {
        concat!(
            "select l.delivery_id from dead_letters l where l.tenant_id = $1 and l.environment = $2 and l.delivery_id >= $3 \
             and l.delivery_id < $4 order by ",
            $tail,
            " limit 1 offset $5"
        )
    };
}
pub(super) const END: &str = end!("l.delivery_id desc");
pub(super) const END_BACK: &str = end!("l.delivery_id");

const DISCARD: &str = "update deliveries set state = 'cancelled', settled_at = $4, note = $5 \
    where id = $1 and tenant_id = $2 and environment = $3 and state = 'dead'";
const EXISTS: &str = "select count(*) from deliveries where id = $1 and tenant_id = $2 and environment = $3";

/// A dead letter as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// Of which event.
    pub event: EventId,
    /// Where to.
    pub webhook: WebhookId,
    /// Of what type the event is.
    pub event_type: String,
    /// Attempts ever.
    pub attempts: i64,
    /// Status of the last answer.
    pub last_status: Option<i64>,
    /// Kind of the last failure without an answer.
    pub last_error: Option<String>,
    /// When it died.
    pub died_at: Timestamp,
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    delivery_id: Uuid,
    event_id: Uuid,
    webhook_id: Uuid,
    event_type: String,
    attempts: i64,
    last_status: Option<i64>,
    last_error: Option<String>,
    died_at: i64,
}

impl From<Row> for DeadLetter {
    fn from(row: Row) -> Self {
        let Row { delivery_id, event_id, webhook_id, event_type, attempts, last_status, last_error, died_at } = row;
        Self {
            delivery: DeliveryId(delivery_id),
            event: EventId(event_id),
            webhook: WebhookId(webhook_id),
            event_type,
            attempts,
            last_status,
            last_error,
            died_at: Timestamp::from_millis(died_at),
        }
    }
}

/// Which dead letters to list.
#[derive(Debug, Clone, Default)]
pub struct DeadLetterFilter {
    /// Only this webhook's.
    pub webhook: Option<WebhookId>,
    /// Only of this event type.
    pub event_type: Option<String>,
    /// Died at this time or later.
    pub died_after: Option<Timestamp>,
    /// Died before this time.
    pub died_before: Option<Timestamp>,
    /// Ids from here on.
    pub from: Option<Uuid>,
    /// Ids before this.
    pub before: Option<Uuid>,
    /// Whether a page begins at the oldest of them, and not at the newest.
    pub oldest_first: bool,
}

impl DeadLetterFilter {
    /// Whether nothing is asked for but the place.
    fn is_bare(&self) -> bool {
        let Self { webhook, event_type, died_after, died_before, from: _, before: _, oldest_first: _ } = self;
        webhook.is_none() && event_type.is_none() && died_after.is_none() && died_before.is_none()
    }

    fn until(&self, end: Uuid) -> Self {
        let span = IdSpan { from: self.from, before: self.before, oldest_first: self.oldest_first }.until(end);
        Self { from: span.from, before: span.before, ..self.clone() }
    }
}

/// Some dead letters.
#[derive(Debug, Clone)]
pub struct Letters {
    /// In the order that was asked for.
    pub found: Vec<DeadLetter>,
    /// The last one that was looked at, where there may be more beyond it that are not among those found.
    pub end: Option<Uuid>,
}

macro_rules! bind_filter {
    ($query:expr, $scope:expr, $filter:expr) => {
        $query
            .bind($scope.tenant.0)
            .bind($scope.environment.as_str())
            .bind($filter.before.unwrap_or(Uuid::max()))
            .bind($filter.webhook.is_none())
            .bind($filter.webhook.map_or(Uuid::nil(), |webhook| webhook.0))
            .bind($filter.event_type.as_deref())
            .bind($filter.died_after.map_or(0, Timestamp::as_millis))
            .bind($filter.died_before.map_or(i64::MAX, Timestamp::as_millis))
            .bind($filter.from.unwrap_or(Uuid::nil()))
    };
}

/// Ends a dead letter, in a transaction; whether it was one.
macro_rules! discard_in {
    ($tx:ident, $scope:expr, $id:expr, $reason:expr, $now:expr) => {{
        let (tenant, environment) = ($scope.tenant.0, $scope.environment.as_str());
        let discard = sqlx::query(DISCARD).bind($id.0).bind(tenant).bind(environment);
        let discard = discard.bind($now.as_millis()).bind($reason).execute(&mut *$tx).await?;
        let done = discard.rows_affected() > 0;
        if done {
            sqlx::query(RAISE_DEAD).bind($id.0).bind(tenant).execute(&mut *$tx).await?;
        }
        done
    }};
}

impl Store {
    /// A page of dead letters, by delivery, as far as one look goes.
    pub async fn dead_letters_page(
        &self,
        scope: Scope,
        filter: &DeadLetterFilter,
        limit: u32,
        offset: u32,
    ) -> Result<Letters, StoreError> {
        let end = self.end_of_look(scope, filter).await?;
        let filter = end.map_or_else(|| filter.clone(), |end| filter.until(end));
        let page = if filter.oldest_first { PAGE_BACK } else { PAGE };
        let rows: Vec<Row> = on_read!(self, |db| {
            let query = bind_filter!(sqlx::query_as(page), scope, filter);
            query.bind(i64::from(limit)).bind(i64::from(offset)).fetch_all(db).await
        })?;
        Ok(Letters { found: rows.into_iter().map(DeadLetter::from).collect(), end })
    }

    /// How many dead letters a filter finds in one look; as far as lists are counted.
    pub async fn dead_letters_count(&self, scope: Scope, filter: &DeadLetterFilter) -> Result<u64, StoreError> {
        let end = self.end_of_look(scope, filter).await?;
        let filter = end.map_or_else(|| filter.clone(), |end| filter.until(end));
        let total: i64 = on_read!(self, |db| {
            let count = bind_filter!(sqlx::query_scalar(COUNT), scope, filter);
            count.bind(i64::from(self.bounds.counted_max)).fetch_one(db).await
        })?;
        Ok(u64::try_from(total).unwrap_or(0))
    }

    /// The last one of a look, where the list does not end before it.
    async fn end_of_look(&self, scope: Scope, filter: &DeadLetterFilter) -> Result<Option<Uuid>, StoreError> {
        if filter.is_bare() {
            return Ok(None);
        }
        let statement = if filter.oldest_first { END_BACK } else { END };
        Ok(on_read!(self, |db| {
            let end = sqlx::query_scalar(statement).bind(scope.tenant.0).bind(scope.environment.as_str());
            let end = end.bind(filter.from.unwrap_or(Uuid::nil())).bind(filter.before.unwrap_or(Uuid::max()));
            end.bind(i64::from(self.bounds.looked_max.saturating_sub(1))).fetch_optional(db).await
        })?)
    }

    /// Ends a dead letter without sending it; the delivery keeps the reason.
    pub async fn discard_dead_letter(
        &self,
        scope: Scope,
        id: DeliveryId,
        reason: &str,
        now: Timestamp,
        line: Option<&AuditEntry>,
    ) -> Result<Intervention, StoreError> {
        let (tenant, environment) = (scope.tenant.0, scope.environment.as_str());
        Ok(in_tx!(self, |tx| {
            if discard_in!(tx, scope, id, reason, now) {
                note!(tx, line);
                Intervention::Done
            } else {
                let exists = sqlx::query_scalar(EXISTS).bind(id.0).bind(tenant).bind(environment);
                let exists: i64 = exists.fetch_one(&mut *tx).await?;
                if exists > 0 { Intervention::WrongState } else { Intervention::NotFound }
            }
        }))
    }

    /// Ends dead letters without sending them; how many. Some at a time: all of them and the line are one transaction.
    pub async fn discard_dead_letters(
        &self,
        scope: Scope,
        ids: &[DeliveryId],
        reason: &str,
        now: Timestamp,
        line: Option<AuditEntry>,
    ) -> Result<u32, StoreError> {
        let ids = in_order(ids);
        Ok(in_tx!(self, |tx| {
            let mut count = 0;
            for id in &ids {
                count += u32::from(discard_in!(tx, scope, id, reason, now));
            }
            note!(tx, line.map(|line| line.counting("count", count)).as_ref());
            count
        }))
    }
}
