//! What replay jobs walk over: deliveries, in the order of their ids, by whichever index has the fewest of them.

use uuid::Uuid;

use super::{Store, StoreError, on_read};
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{DeliveryId, EventId, WebhookId};
use crate::domain::replay::{Candidate, EventLeft};
use crate::domain::tenant::Scope;

// They differ in the index that they walk, and in the direction.
macro_rules! walk {
    ($from:literal, $where:expr, $order:literal) => {
        concat!(
            "select d.id, d.event_id, d.event_type, d.webhook_id, d.state, d.attempts, d.last_status, d.last_error, \
             e.id as found_event, e.expunged_at from ",
            $from,
            " left join events e on e.id = d.event_id where ",
            $where,
            " order by ",
            $order,
            " limit $6"
        )
    };
}
macro_rules! both_ways {
    ($walk:literal) => {
        (
            walk!("deliveries d", concat!("d.tenant_id = $1 and d.environment = $2 and ", $walk), "d.id"),
            walk!("deliveries d", concat!("d.tenant_id = $1 and d.environment = $2 and ", $walk), "d.id desc"),
        )
    };
}
pub(super) const OF_SCOPE: (&str, &str) = both_ways!("d.id > $3 and d.id < $4 and d.id <> $5");
pub(super) const OF_WEBHOOK: (&str, &str) = both_ways!("d.id > $3 and d.id < $4 and d.webhook_id = $5");
pub(super) const OF_EVENT: (&str, &str) = both_ways!("d.id > $3 and d.id < $4 and d.event_id = $5");
const BY_ID: (&str, &str) = both_ways!("d.id > $3 and d.id < $4 and d.id = $5");
// From the dead letters to their deliveries: SQLite keeps the order of a cross join; PostgreSQL has no other index to
// take, which the scope of a delivery would be.
macro_rules! dead {
    ($order:literal) => {
        walk!(
            "dead_letters l cross join deliveries d",
            "d.id = l.delivery_id and l.tenant_id = $1 and l.environment = $2 and l.delivery_id > $3 \
             and l.delivery_id < $4 and l.delivery_id <> $5",
            $order
        )
    };
}
pub(super) const DEAD: (&str, &str) = (dead!("l.delivery_id"), dead!("l.delivery_id desc"));

/// Which deliveries a job walks over.
#[derive(Debug, Clone, Copy)]
pub enum Walk<'a> {
    /// All of the scope.
    Scope,
    /// The dead letters.
    DeadLetters,
    /// Those to a webhook.
    Webhook(WebhookId),
    /// Those of events.
    Events(&'a [EventId]),
    /// Some that are named.
    Deliveries(&'a [DeliveryId]),
}

/// Where a walk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Only ids above this...
    pub low: Uuid,
    /// ... and below this.
    pub high: Uuid,
    /// From the top down.
    pub newest_first: bool,
}

impl Span {
    /// What is left once this id was looked at.
    #[must_use]
    pub fn past(self, id: DeliveryId) -> Self {
        if self.newest_first { Self { high: id.0, ..self } } else { Self { low: id.0, ..self } }
    }

    const fn pick(self, both_ways: (&'static str, &'static str)) -> &'static str {
        if self.newest_first { both_ways.1 } else { both_ways.0 }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    event_id: Uuid,
    event_type: String,
    webhook_id: Uuid,
    state: String,
    attempts: i64,
    last_status: Option<i64>,
    last_error: Option<String>,
    found_event: Option<Uuid>,
    expunged_at: Option<i64>,
}

pub(super) fn state(text: &str, id: Uuid) -> Result<DeliveryState, StoreError> {
    let corrupt = || StoreError::Corrupt { table: "deliveries", column: "state", id: DeliveryId(id).to_string() };
    DeliveryState::parse(text).ok_or_else(corrupt)
}

impl TryFrom<Row> for Candidate {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            delivery: DeliveryId(row.id),
            event: EventId(row.event_id),
            event_type: row.event_type,
            webhook: WebhookId(row.webhook_id),
            state: state(&row.state, row.id)?,
            attempts: row.attempts,
            last_status: row.last_status,
            last_error: row.last_error,
            event_left: match (row.found_event, row.expunged_at) {
                (None, _) => EventLeft::Nothing,
                (Some(_), Some(_)) => EventLeft::Expunged,
                (Some(_), None) => EventLeft::Whole,
            },
        })
    }
}

impl Store {
    /// The next deliveries of a walk, up to `max`, in its order.
    pub async fn candidates(
        &self,
        scope: Scope,
        walk: Walk<'_>,
        span: Span,
        max: u32,
    ) -> Result<Vec<Candidate>, StoreError> {
        match walk {
            Walk::Scope => self.walk(scope, span.pick(OF_SCOPE), Uuid::nil(), span, max).await,
            Walk::DeadLetters => self.walk(scope, span.pick(DEAD), Uuid::nil(), span, max).await,
            Walk::Webhook(webhook) => self.walk(scope, span.pick(OF_WEBHOOK), webhook.0, span, max).await,
            Walk::Events(events) => {
                self.walk_each(scope, span.pick(OF_EVENT), events.iter().map(|id| id.0), span, max).await
            }
            Walk::Deliveries(ids) => {
                self.walk_each(scope, span.pick(BY_ID), ids.iter().map(|id| id.0), span, max).await
            }
        }
    }

    async fn walk(
        &self,
        scope: Scope,
        statement: &'static str,
        key: Uuid,
        span: Span,
        max: u32,
    ) -> Result<Vec<Candidate>, StoreError> {
        let rows: Vec<Row> = on_read!(self, |db| {
            let walk = sqlx::query_as(statement).bind(scope.tenant.0).bind(scope.environment.as_str());
            walk.bind(span.low).bind(span.high).bind(key).bind(i64::from(max)).fetch_all(db).await
        })?;
        rows.into_iter().map(Candidate::try_from).collect()
    }

    /// The first of several walks together.
    async fn walk_each(
        &self,
        scope: Scope,
        statement: &'static str,
        keys: impl Iterator<Item = Uuid>,
        span: Span,
        max: u32,
    ) -> Result<Vec<Candidate>, StoreError> {
        let mut found = Vec::new();
        for key in keys {
            found.extend(self.walk(scope, statement, key, span, max).await?);
        }
        found.sort_unstable_by_key(|candidate| candidate.delivery);
        if span.newest_first {
            found.reverse();
        }
        found.dedup_by_key(|candidate| candidate.delivery);
        found.truncate(usize::try_from(max).unwrap_or(usize::MAX));
        Ok(found)
    }
}
