//! What a tenant no longer keeps: old deliveries that are over, with their attempts, and events that have none left.

use uuid::Uuid;

use super::{Store, StoreError, in_tx};
use crate::domain::id::first_uuid_at;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

macro_rules! last_of_step {
    ($table:literal) => {
        concat!(
            "select id from (select t.id from ",
            $table,
            " t where t.tenant_id = $1 and t.environment = $2 and t.id > $3 and t.id < $4 \
             order by t.id limit $5) step order by id desc limit 1"
        )
    };
}
macro_rules! over {
    ($head:literal) => {
        concat!(
            $head,
            "(select d.id from deliveries d where d.tenant_id = $1 and d.environment = $2 and d.id > $3 and d.id <= $4 \
             and d.state <> 'pending' and not exists (select 1 from due q where q.delivery_id = d.id))"
        )
    };
}
pub(super) const LAST_DELIVERY: &str = last_of_step!("deliveries");
pub(super) const LAST_EVENT: &str = last_of_step!("events");
pub(super) const ATTEMPTS: &str = over!("delete from attempts where tenant_id = $1 and delivery_id in ");
pub(super) const DEAD_LETTERS: &str = over!("delete from dead_letters where tenant_id = $1 and delivery_id in ");
pub(super) const DELIVERIES: &str =
    over!("delete from deliveries where tenant_id = $1 and state <> 'pending' and id in ");
pub(super) const EVENTS: &str = "delete from events where tenant_id = $1 and id in \
    (select e.id from events e where e.tenant_id = $1 and e.environment = $2 and e.id > $3 and e.id <= $4 \
     and not exists (select 1 from deliveries d where d.event_id = e.id))";

/// What grows old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aging {
    /// Deliveries that are over, with their attempts and dead letters.
    Deliveries,
    /// Events without deliveries.
    Events,
}

impl Store {
    /// Looks at the next rows, `max` of them, that are older than `before`, and drops those that may go. Returns up to
    /// where it looked and how many rows went; `None` when there was nothing more to look at.
    pub async fn drop_aged(
        &self,
        scope: Scope,
        what: Aging,
        after: Option<Uuid>,
        before: Timestamp,
        max: u32,
    ) -> Result<Option<(Uuid, u64)>, StoreError> {
        let (tenant, environment) = (scope.tenant.0, scope.environment.as_str());
        let after = after.unwrap_or(Uuid::nil());
        let (last, deletes): (&str, &[&'static str]) = match what {
            Aging::Deliveries => (LAST_DELIVERY, &[ATTEMPTS, DEAD_LETTERS, DELIVERIES]),
            Aging::Events => (LAST_EVENT, &[EVENTS]),
        };
        Ok(in_tx!(self, |tx| {
            let last = sqlx::query_scalar(last).bind(tenant).bind(environment).bind(after);
            let last: Option<Uuid> =
                last.bind(first_uuid_at(before)).bind(i64::from(max)).fetch_optional(&mut *tx).await?;
            match last {
                None => None,
                Some(last) => {
                    let mut rows = 0;
                    for delete in deletes {
                        let delete = sqlx::query(delete).bind(tenant).bind(environment).bind(after).bind(last);
                        rows += delete.execute(&mut *tx).await?.rows_affected();
                    }
                    Some((last, rows))
                }
            }
        }))
    }
}
