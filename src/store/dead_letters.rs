//! Dead letters: which deliveries used up their attempts. Written in [`super::dialect::settle`].

use uuid::Uuid;

use super::{Store, StoreError, on_read};
use crate::domain::id::{DeliveryId, WebhookId};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

macro_rules! dead_letters_where {
    ($head:literal, $tail:literal) => {
        concat!(
            "select ",
            $head,
            " from dead_letters where tenant_id = $1 and environment = $2 and delivery_id < $3 \
             and ($4 or webhook_id = $5) and (cast($6 as text) is null or event_type = $6) \
             and died_at >= $7 and died_at < $8 ",
            $tail
        )
    };
}
const PAGE: &str = dead_letters_where!(
    "delivery_id, webhook_id, event_type, died_at",
    "order by delivery_id desc limit $9 offset $10"
);
const COUNT: &str = dead_letters_where!("count(*)", "");

/// A dead letter as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// Where to.
    pub webhook: WebhookId,
    /// Of what type the event is.
    pub event_type: String,
    /// When it died.
    pub died_at: Timestamp,
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
    /// Ids before this.
    pub before: Option<Uuid>,
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
    };
}

impl Store {
    /// A page of dead letters, newest delivery first.
    pub async fn dead_letters_page(
        &self,
        scope: Scope,
        filter: &DeadLetterFilter,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let rows: Vec<(Uuid, Uuid, String, i64)> = on_read!(self, |db| {
            let query = bind_filter!(sqlx::query_as(PAGE), scope, filter);
            query.bind(i64::from(limit)).bind(i64::from(offset)).fetch_all(db).await
        })?;
        let letter = |(delivery, webhook, event_type, died_at)| DeadLetter {
            delivery: DeliveryId(delivery),
            webhook: WebhookId(webhook),
            event_type,
            died_at: Timestamp::from_millis(died_at),
        };
        Ok(rows.into_iter().map(letter).collect())
    }

    /// How many dead letters a filter finds.
    pub async fn dead_letters_count(&self, scope: Scope, filter: &DeadLetterFilter) -> Result<u64, StoreError> {
        let total: i64 =
            on_read!(self, |db| bind_filter!(sqlx::query_scalar(COUNT), scope, filter).fetch_one(db).await)?;
        Ok(u64::try_from(total).unwrap_or(0))
    }
}
