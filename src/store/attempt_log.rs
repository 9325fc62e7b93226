//! The attempts of a tenant in the order in which they ended.

use uuid::Uuid;

use super::deliveries::{Delivery, Row};
use super::{Store, StoreError, on_read};
use crate::domain::id::{DeliveryId, TenantId};
use crate::domain::tenant::Environment;
use crate::domain::time::Timestamp;

// What a delivery says of its last answer is what this attempt says.
pub(super) const AFTER: &str = "select a.number, a.started_at, a.duration_ms, a.next_at, a.outcome, d.environment, \
    d.id, d.event_id, d.event_type, d.webhook_id, d.reason, d.state, d.attempts, a.status as last_status, \
    a.error as last_error, d.settled_at, d.note, q.due_at, q.leased \
    from attempts a join deliveries d on d.id = a.delivery_id left join due q on q.delivery_id = d.id \
    where a.tenant_id = $1 and a.started_at + a.duration_ms >= $2 and (a.started_at + a.duration_ms > $2 \
        or a.delivery_id > $3 or (a.delivery_id = $3 and a.number > $4)) \
    order by a.started_at + a.duration_ms, a.delivery_id, a.number limit $5";

/// A place in the log: behind one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogPlace {
    /// When that attempt ended.
    pub ended_at: Timestamp,
    /// Of which delivery it is.
    pub delivery: DeliveryId,
    /// Which of its attempts.
    pub number: i64,
}

impl LogPlace {
    /// In front of all that ended at an instant.
    #[must_use]
    pub const fn at(ended_at: Timestamp) -> Self {
        Self { ended_at, delivery: DeliveryId(Uuid::nil()), number: 0 }
    }
}

/// An attempt, and the delivery that it is of.
#[derive(Debug, Clone)]
pub struct LoggedAttempt {
    /// As it stands now, but for what it says of its last answer, which is this attempt's.
    pub delivery: Delivery,
    /// In which environment.
    pub environment: Environment,
    /// 1 is the delivery's first ever.
    pub number: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration_ms: i64,
    /// When the next attempt was to be.
    pub next_at: Option<Timestamp>,
    /// One sentence: what happened and what comes next.
    pub outcome: String,
}

impl LoggedAttempt {
    /// Where the log goes on behind it.
    #[must_use]
    pub const fn place(&self) -> LogPlace {
        let ended_at = Timestamp::from_millis(self.started_at.as_millis() + self.duration_ms);
        LogPlace { ended_at, delivery: self.delivery.id, number: self.number }
    }
}

#[derive(sqlx::FromRow)]
struct LogRow {
    number: i64,
    started_at: i64,
    duration_ms: i64,
    next_at: Option<i64>,
    outcome: String,
    environment: String,
    #[sqlx(flatten)]
    delivery: Row,
}

impl TryFrom<LogRow> for LoggedAttempt {
    type Error = StoreError;

    fn try_from(row: LogRow) -> Result<Self, StoreError> {
        let LogRow { number, started_at, duration_ms, next_at, outcome, environment, delivery } = row;
        let delivery = Delivery::try_from(delivery)?;
        let id = delivery.id.to_string();
        let corrupt = |_| StoreError::Corrupt { table: "deliveries", column: "environment", id };
        Ok(Self {
            environment: environment.parse().map_err(corrupt)?,
            delivery,
            number,
            started_at: Timestamp::from_millis(started_at),
            duration_ms,
            next_at: next_at.map(Timestamp::from_millis),
            outcome,
        })
    }
}

impl Store {
    /// The next attempts of a tenant behind a place, in both environments, oldest first.
    pub async fn attempts_after(
        &self,
        tenant: TenantId,
        place: LogPlace,
        max: u32,
    ) -> Result<Vec<LoggedAttempt>, StoreError> {
        let LogPlace { ended_at, delivery, number } = place;
        let rows: Vec<LogRow> = on_read!(self, |db| {
            let read = sqlx::query_as(AFTER).bind(tenant.0).bind(ended_at.as_millis()).bind(delivery.0).bind(number);
            read.bind(i64::from(max)).fetch_all(db).await
        })?;
        rows.into_iter().map(LoggedAttempt::try_from).collect()
    }
}
