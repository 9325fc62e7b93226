//! Claim: an expiring hold on deliveries that are due, by a sweep or by a worker with tickets.

use uuid::Uuid;

use super::super::{Db, Store, StoreError};
use crate::domain::id::{DeliveryId, EventId, TenantId, WebhookId};
use crate::domain::time::Timestamp;

/// A claimed delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueRow {
    /// Which.
    pub delivery: DeliveryId,
    /// Whose.
    pub tenant: TenantId,
    /// Where to.
    pub webhook: WebhookId,
    /// Of which event.
    pub event: EventId,
    /// The fencing number of this claim.
    pub epoch: i64,
    /// Claims without an outcome, this one included.
    pub claims: i64,
    /// Attempts of this run, which the policy counts.
    pub run_attempts: i64,
    /// Attempts ever.
    pub attempts: i64,
}

pub(in crate::store) type Row = (Uuid, Uuid, Uuid, Uuid, i64, i64, i64, i64);

pub(in crate::store) fn due((delivery, tenant, webhook, event, epoch, claims, run_attempts, attempts): Row) -> DueRow {
    DueRow {
        delivery: DeliveryId(delivery),
        tenant: TenantId(tenant),
        webhook: WebhookId(webhook),
        event: EventId(event),
        epoch,
        claims,
        run_attempts,
        attempts,
    }
}

pub(in crate::store) const PG_SWEEP: &str = "with picked as materialized (select x.delivery_id \
        from unnest($1::uuid[], $2::bigint[]) w (id, quantum) \
        cross join lateral (select d.delivery_id from due d where d.webhook_id = w.id and d.due_at <= $3 \
            order by d.due_at limit w.quantum for update skip locked) x) \
    update due d set due_at = $4, epoch = d.epoch + 1, leased = true, claims = d.claims + 1 \
    from picked p where d.delivery_id = p.delivery_id \
    returning d.delivery_id, d.tenant_id, d.webhook_id, d.event_id, d.epoch, d.claims, d.run_attempts, \
        d.attempts";
pub(in crate::store) const LITE_SWEEP: &str = "update due set due_at = $4, epoch = epoch + 1, leased = true, claims = claims + 1 \
    where delivery_id in (select delivery_id from due where webhook_id = $1 and due_at <= $3 order by due_at limit $2) \
    returning delivery_id, tenant_id, webhook_id, event_id, epoch, claims, run_attempts, attempts";

// The lease is only written when too little of it is left: an update that leaves `due_at` alone touches no index.
pub(in crate::store) const PG_CLAIM: &str = "update due d set epoch = d.epoch + 1, leased = true, \
        due_at = case when d.due_at < $3 then $4 else d.due_at end \
    from unnest($1::uuid[], $2::bigint[]) u (id, epoch) \
    where d.delivery_id = u.id and d.epoch = u.epoch returning d.delivery_id, d.epoch, d.due_at";
pub(in crate::store) const LITE_CLAIM: &str = "update due set epoch = epoch + 1, leased = true, \
        due_at = case when due_at < $3 then $4 else due_at end \
    where delivery_id = $1 and epoch = $2 returning delivery_id, epoch, due_at";

impl Store {
    /// Claims up to a quantum of each webhook's due deliveries, oldest first, until `lease`.
    pub async fn sweep(
        &self,
        quanta: &[(WebhookId, u32)],
        now: Timestamp,
        lease: Timestamp,
    ) -> Result<Vec<DueRow>, StoreError> {
        match &self.db {
            Db::Postgres(pool) => {
                let webhooks: Vec<Uuid> = quanta.iter().map(|(webhook, _)| webhook.0).collect();
                let limits: Vec<i64> = quanta.iter().map(|(_, quantum)| i64::from(*quantum)).collect();
                let sweep = sqlx::query_as(PG_SWEEP).bind(webhooks).bind(limits);
                let rows: Vec<Row> = sweep.bind(now.as_millis()).bind(lease.as_millis()).fetch_all(pool).await?;
                Ok(rows.into_iter().map(due).collect())
            }
            Db::Sqlite { write, .. } => {
                let mut tx = write.begin_with("begin immediate").await?;
                let mut claimed = Vec::new();
                for (webhook, quantum) in quanta {
                    let sweep = sqlx::query_as(LITE_SWEEP).bind(webhook.0).bind(i64::from(*quantum));
                    let rows: Vec<Row> =
                        sweep.bind(now.as_millis()).bind(lease.as_millis()).fetch_all(&mut *tx).await?;
                    claimed.extend(rows.into_iter().map(due));
                }
                tx.commit().await?;
                Ok(claimed)
            }
        }
    }

    /// Claims the deliveries of tickets whose epoch is still the row's. A lease that ends before `at_least` is
    /// prolonged to `lease`. Returns the new epoch and the lease of each that was claimed.
    pub async fn claim(
        &self,
        tickets: &[(DeliveryId, i64)],
        at_least: Timestamp,
        lease: Timestamp,
    ) -> Result<Vec<(DeliveryId, i64, Timestamp)>, StoreError> {
        let rows: Vec<(Uuid, i64, i64)> = match &self.db {
            Db::Postgres(pool) => {
                let ids: Vec<Uuid> = tickets.iter().map(|(delivery, _)| delivery.0).collect();
                let epochs: Vec<i64> = tickets.iter().map(|(_, epoch)| *epoch).collect();
                let claim = sqlx::query_as(PG_CLAIM).bind(ids).bind(epochs);
                claim.bind(at_least.as_millis()).bind(lease.as_millis()).fetch_all(pool).await?
            }
            Db::Sqlite { write, .. } => {
                let mut tx = write.begin_with("begin immediate").await?;
                let mut rows = Vec::new();
                for (delivery, epoch) in tickets {
                    let claim = sqlx::query_as(LITE_CLAIM).bind(delivery.0).bind(epoch).bind(at_least.as_millis());
                    let row: Option<(Uuid, i64, i64)> = claim.bind(lease.as_millis()).fetch_optional(&mut *tx).await?;
                    rows.extend(row);
                }
                tx.commit().await?;
                rows
            }
        };
        let claimed = |(id, epoch, until)| (DeliveryId(id), epoch, Timestamp::from_millis(until));
        Ok(rows.into_iter().map(claimed).collect())
    }
}
