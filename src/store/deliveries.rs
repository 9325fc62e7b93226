//! Deliveries: written in [`super::dialect`], listed in [`super::delivery_list`].

use uuid::Uuid;

use super::{Store, StoreError, on_read};
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

pub(super) const BY_ID: &str = "select d.id, d.event_id, d.event_type, d.webhook_id, d.reason, d.state, d.attempts, \
    d.last_status, d.last_error, d.settled_at, d.note, q.due_at, q.leased \
    from deliveries d left join due q on q.delivery_id = d.id \
    where d.tenant_id = $1 and d.environment = $2 and d.id = $3";

#[derive(sqlx::FromRow)]
pub(super) struct Row {
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

impl Store {
    /// One delivery.
    pub async fn delivery(&self, scope: Scope, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let (tenant, environment) = (scope.tenant.0, scope.environment.as_str());
        let row: Option<Row> = on_read!(self, |db| {
            sqlx::query_as(BY_ID).bind(tenant).bind(environment).bind(id.0).fetch_optional(db).await
        })?;
        row.map(Delivery::try_from).transpose()
    }
}
