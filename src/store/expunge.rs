//! Erasing the data of an event, with everything that may repeat it.

use uuid::Uuid;

use super::audit::note;
use super::{Store, StoreError, in_tx, on_read};
use crate::domain::audit::AuditEntry;
use crate::domain::id::{EventId, TenantId};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

/// What is left of the data: an object, as all data is.
const NOTHING: &[u8] = b"{}";
const NOTE: &str = "The data of the event was erased.";

const MARK: &str = "update events set data = $4, expunged_at = $5 \
    where tenant_id = $1 and environment = $2 and id = $3 and expunged_at is null";
const MARKED: &str = "select expunged_at from events where tenant_id = $1 and environment = $2 and id = $3";
// What waits is called off, and what has died cannot be sent again.
pub(super) const FORGET_DUE: &str = "delete from due where delivery_id in \
    (select id from deliveries where event_id = $1 and tenant_id = $2)";
pub(super) const FORGET_DEAD: &str = "delete from dead_letters where delivery_id in \
    (select id from deliveries where event_id = $1 and tenant_id = $2)";
pub(super) const CANCEL: &str = "update deliveries set state = 'cancelled', settled_at = $3, note = $4 \
    where event_id = $1 and tenant_id = $2 and state in ('pending', 'dead')";
// The event is the tenant's; named here, it would be another index to walk.
pub(super) const ERASE: &str = "update attempts set request_headers = '{}', response_headers = '{}', \
    response_excerpt = $2 where delivery_id in (select id from deliveries where event_id = $1)";
pub(super) const LATELY: &str = "select id, tenant_id from events where expunged_at is not null and expunged_at >= $1 order by expunged_at limit $2";

/// Erases what hangs on an event; how many deliveries it called off.
macro_rules! erase {
    ($tx:ident, $event:expr, $tenant:expr, $now:expr) => {{
        for forget in [FORGET_DUE, FORGET_DEAD] {
            sqlx::query(forget).bind($event.0).bind($tenant.0).execute(&mut *$tx).await?;
        }
        let erase = sqlx::query(ERASE).bind($event.0).bind(&b""[..]);
        erase.execute(&mut *$tx).await?;
        let cancel = sqlx::query(CANCEL).bind($event.0).bind($tenant.0).bind($now.as_millis()).bind(NOTE);
        cancel.execute(&mut *$tx).await?.rows_affected()
    }};
}

/// What came of erasing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expunged {
    /// The data is gone, since then.
    At(Timestamp),
    /// There is no such event.
    NotFound,
}

impl Store {
    /// Erases the data of an event, and of its deliveries what was asked and answered. Doing it again does nothing.
    pub async fn expunge(
        &self,
        scope: Scope,
        event: EventId,
        now: Timestamp,
        line: Option<&AuditEntry>,
    ) -> Result<Expunged, StoreError> {
        let (tenant, environment) = (scope.tenant, scope.environment.as_str());
        let marked: Option<Option<i64>> = in_tx!(self, |tx| {
            let mark = sqlx::query(MARK).bind(tenant.0).bind(environment).bind(event.0);
            let mark = mark.bind(NOTHING).bind(now.as_millis()).execute(&mut *tx).await?;
            if mark.rows_affected() > 0 {
                erase!(tx, event, tenant, now);
                note!(tx, line);
            }
            let select = sqlx::query_scalar(MARKED).bind(tenant.0).bind(environment).bind(event.0);
            select.fetch_optional(&mut *tx).await?
        });
        Ok(marked.flatten().map_or(Expunged::NotFound, |at| Expunged::At(Timestamp::from_millis(at))))
    }

    /// Events that were erased from an instant on.
    pub async fn expunged_since(&self, from: Timestamp, max: u32) -> Result<Vec<(EventId, TenantId)>, StoreError> {
        let rows: Vec<(Uuid, Uuid)> = on_read!(self, |db| {
            sqlx::query_as(LATELY).bind(from.as_millis()).bind(i64::from(max)).fetch_all(db).await
        })?;
        Ok(rows.into_iter().map(|(event, tenant)| (EventId(event), TenantId(tenant))).collect())
    }

    /// Erases what an attempt has written that was on the wire when its event was erased.
    pub async fn expunge_again(&self, event: EventId, tenant: TenantId, now: Timestamp) -> Result<u64, StoreError> {
        Ok(in_tx!(self, |tx| erase!(tx, event, tenant, now)))
    }
}
