//! The hot table, where a single delivery or a whole webhook is concerned. Batches: [`super::dialect`].

use uuid::Uuid;

use super::audit::note;
use super::{Db, Store, StoreError, in_tx, on_read, on_write};
use crate::domain::audit::AuditEntry;
use crate::domain::id::{DeliveryId, WebhookId};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

// Jumps from webhook to webhook along the index: as many steps as there are webhooks with deliveries, however many
// deliveries they have.
pub(super) const BACKLOG: &str = "with recursive hooks (id) as ( \
        select (select webhook_id from due order by webhook_id limit 1) \
        union all \
        select (select d.webhook_id from due d where d.webhook_id > hooks.id order by d.webhook_id limit 1) \
        from hooks where hooks.id is not null) \
    select id, (select d.due_at from due d where d.webhook_id = hooks.id order by d.due_at limit 1) \
    from hooks where id is not null";
pub(super) const SET_ASIDE: &str = "update due set due_at = $3 where webhook_id = $1 and due_at <= $2";
pub(super) const BRING_BACK: &str = "update due set due_at = $2 where webhook_id = $1 and due_at = $3";
pub(super) const HURRY_ALL: &str = "update due set due_at = $2 where webhook_id = $1 and not leased and due_at <= $3";
pub(super) const OF_WEBHOOK: &str = "select delivery_id from due where webhook_id = $1 order by due_at limit $2";
const FORGET: &str = "delete from due where delivery_id = $1";
const CANCELLED: &str = "update deliveries set state = 'cancelled', settled_at = $2 where id = $1";
const RELEASE: &str = "update due set due_at = $1, leased = false where leased";
pub(super) const COUNT: &str = "select count(*) from (select delivery_id from due limit $1) waiting";
pub(super) const COUNT_OF: &str =
    "select count(*) from (select d.due_at from due d where d.webhook_id = $1 limit $2) waiting";
pub(super) const STANDING: &str = "select d.state, d.attempts, d.webhook_id, d.event_id, q.leased, q.due_at, \
    e.expunged_at from deliveries d left join due q on q.delivery_id = d.id left join events e on e.id = d.event_id \
    where d.tenant_id = $1 and d.environment = $2 and d.id = $3";
const CANCEL: &str = "delete from due where delivery_id = $1 and tenant_id = $2";
// One that is due already keeps its place in the line of its webhook.
pub(super) const HURRY: &str = "update due set due_at = case when due_at < $3 then due_at else $3 end, run_attempts = 0 \
    where delivery_id = $1 and tenant_id = $2 and not leased";
pub(super) const AGAIN: &str = "insert into due (delivery_id, tenant_id, webhook_id, event_id, due_at, epoch, leased, \
    claims, run_attempts, attempts) values ($1, $2, $3, $4, $5, $6, false, 0, 0, $7) on conflict do nothing";
pub(super) const PENDING: &str = "update deliveries set state = 'pending' where id = $1 and tenant_id = $2";
pub(super) const RAISE_DEAD: &str = "delete from dead_letters where delivery_id = $1 and tenant_id = $2";

/// What came of asking for an attempt now, or for none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intervention {
    /// Done.
    Done,
    /// There is no such delivery.
    NotFound,
    /// An attempt is under way; its outcome comes first.
    UnderWay,
    /// The delivery is not in a state that allows it.
    WrongState,
    /// The data of its event was erased.
    Expunged,
}

#[derive(sqlx::FromRow)]
struct Standing {
    state: String,
    attempts: i64,
    webhook_id: Uuid,
    event_id: Uuid,
    leased: Option<bool>,
    due_at: Option<i64>,
    expunged_at: Option<i64>,
}

/// Makes a delivery due now, in a transaction.
macro_rules! retry_in {
    ($tx:ident, $scope:expr, $id:expr, $now:expr, $only_dead:expr) => {{
        let (tenant, environment, id) = ($scope.tenant.0, $scope.environment.as_str(), $id.0);
        let now = $now.as_millis();
        let standing = sqlx::query_as(STANDING).bind(tenant).bind(environment).bind(id);
        let standing: Option<Standing> = standing.fetch_optional(&mut *$tx).await?;
        match standing {
            None => Intervention::NotFound,
            Some(standing) if standing.expunged_at.is_some() => Intervention::Expunged,
            Some(standing) if $only_dead && standing.state != "dead" => Intervention::WrongState,
            // A claim whose lease has run out is nobody's.
            Some(Standing { leased: Some(true), due_at: Some(until), .. }) if until > now => Intervention::UnderWay,
            Some(Standing { leased: Some(_), .. }) => {
                sqlx::query(HURRY).bind(id).bind(tenant).bind(now).execute(&mut *$tx).await?;
                Intervention::Done
            }
            Some(Standing { attempts, webhook_id, event_id, leased: None, .. }) => {
                // A new run starts with an epoch that no earlier claim can have had.
                let again = sqlx::query(AGAIN).bind(id).bind(tenant).bind(webhook_id).bind(event_id);
                again.bind(now).bind(now).bind(attempts).execute(&mut *$tx).await?;
                sqlx::query(PENDING).bind(id).bind(tenant).execute(&mut *$tx).await?;
                sqlx::query(RAISE_DEAD).bind(id).bind(tenant).execute(&mut *$tx).await?;
                Intervention::Done
            }
        }
    }};
}

impl Store {
    /// Each webhook with deliveries that wait, and when its first one is due.
    pub async fn backlog(&self) -> Result<Vec<(WebhookId, Timestamp)>, StoreError> {
        let rows: Vec<(Uuid, Option<i64>)> = on_read!(self, |db| sqlx::query_as(BACKLOG).fetch_all(db).await)?;
        let head = |(id, due_at): (Uuid, Option<i64>)| Some((WebhookId(id), Timestamp::from_millis(due_at?)));
        Ok(rows.into_iter().filter_map(head).collect())
    }

    /// Puts the due deliveries of a webhook that is not sending out of the way.
    pub async fn set_aside(&self, webhook: WebhookId, now: Timestamp) -> Result<u64, StoreError> {
        self.move_due(SET_ASIDE, webhook, now, Timestamp::NEVER).await
    }

    /// Makes the deliveries that were set aside due.
    pub async fn bring_back(&self, webhook: WebhookId, now: Timestamp) -> Result<u64, StoreError> {
        self.move_due(BRING_BACK, webhook, now, Timestamp::NEVER).await
    }

    /// Makes all deliveries of a webhook due that wait, whether for a retry or because they were set aside.
    pub async fn hurry_all(&self, webhook: WebhookId, now: Timestamp) -> Result<u64, StoreError> {
        self.move_due(HURRY_ALL, webhook, now, Timestamp::NEVER).await
    }

    async fn move_due(
        &self,
        statement: &'static str,
        webhook: WebhookId,
        now: Timestamp,
        never: Timestamp,
    ) -> Result<u64, StoreError> {
        Ok(on_write!(self, |db| {
            let query = sqlx::query(statement).bind(webhook.0).bind(now.as_millis()).bind(never.as_millis());
            query.execute(db).await.map(|done| done.rows_affected())
        })?)
    }

    /// Cancels up to `max` waiting deliveries of a deleted webhook; returns how many.
    pub async fn cancel_of_webhook(&self, webhook: WebhookId, now: Timestamp, max: u32) -> Result<usize, StoreError> {
        Ok(in_tx!(self, |tx| {
            let select = sqlx::query_scalar(OF_WEBHOOK).bind(webhook.0).bind(i64::from(max));
            let ids: Vec<Uuid> = select.fetch_all(&mut *tx).await?;
            for id in &ids {
                sqlx::query(FORGET).bind(*id).execute(&mut *tx).await?;
                sqlx::query(CANCELLED).bind(*id).bind(now.as_millis()).execute(&mut *tx).await?;
            }
            ids.len()
        }))
    }

    /// Ends the leases of an earlier process. Only where no other process can hold one.
    pub async fn release_leases(&self, now: Timestamp) -> Result<u64, StoreError> {
        match &self.db {
            Db::Postgres(_) => Ok(0),
            Db::Sqlite { write, .. } => {
                Ok(sqlx::query(RELEASE).bind(now.as_millis()).execute(write).await?.rows_affected())
            }
        }
    }

    /// How many deliveries are not final; as far as lists are counted.
    pub async fn pending_count(&self) -> Result<u64, StoreError> {
        let most = i64::from(self.bounds.counted_max);
        let count: i64 = on_read!(self, |db| sqlx::query_scalar(COUNT).bind(most).fetch_one(db).await)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// How many deliveries of a webhook are not final, up to `max`.
    pub async fn pending_of(&self, webhook: WebhookId, max: u32) -> Result<u64, StoreError> {
        let count: i64 = on_read!(self, |db| {
            sqlx::query_scalar(COUNT_OF).bind(webhook.0).bind(i64::from(max)).fetch_one(db).await
        })?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Ends a delivery that waits.
    pub async fn cancel_delivery(
        &self,
        scope: Scope,
        id: DeliveryId,
        now: Timestamp,
        line: Option<&AuditEntry>,
    ) -> Result<Intervention, StoreError> {
        let (tenant, environment) = (scope.tenant.0, scope.environment.as_str());
        Ok(in_tx!(self, |tx| {
            let standing = sqlx::query_as(STANDING).bind(tenant).bind(environment).bind(id.0);
            let standing: Option<Standing> = standing.fetch_optional(&mut *tx).await?;
            match standing {
                None => Intervention::NotFound,
                Some(standing) if standing.leased.is_none() => Intervention::WrongState,
                Some(_) => {
                    let cancel = sqlx::query(CANCEL).bind(id.0).bind(tenant);
                    if cancel.execute(&mut *tx).await?.rows_affected() == 0 {
                        Intervention::WrongState
                    } else {
                        sqlx::query(CANCELLED).bind(id.0).bind(now.as_millis()).execute(&mut *tx).await?;
                        note!(tx, line);
                        Intervention::Done
                    }
                }
            }
        }))
    }

    /// Makes a delivery due now, whatever its state, unless an attempt is under way. The policy starts anew.
    pub async fn retry_delivery(
        &self,
        scope: Scope,
        id: DeliveryId,
        now: Timestamp,
        only_dead: bool,
        line: Option<&AuditEntry>,
    ) -> Result<Intervention, StoreError> {
        Ok(in_tx!(self, |tx| {
            let done = retry_in!(tx, scope, id, now, only_dead);
            note!(tx, line.filter(|_| done == Intervention::Done));
            done
        }))
    }

    /// Makes dead letters due now; how many. Some at a time: all of them and the line are one transaction.
    pub async fn redrive_dead_letters(
        &self,
        scope: Scope,
        ids: &[DeliveryId],
        now: Timestamp,
        line: Option<AuditEntry>,
    ) -> Result<u32, StoreError> {
        let ids = in_order(ids);
        Ok(in_tx!(self, |tx| {
            let mut count = 0;
            for id in &ids {
                count += u32::from(retry_in!(tx, scope, id, now, true) == Intervention::Done);
            }
            note!(tx, line.map(|line| line.counting("count", count)).as_ref());
            count
        }))
    }
}

/// In one order everywhere: two that lock the same rows must not wait for each other.
pub(super) fn in_order(ids: &[DeliveryId]) -> Vec<DeliveryId> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}
