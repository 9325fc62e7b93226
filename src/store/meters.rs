//! Meters: counts that are exact and never over their limit, though many processes count at once and no row is hot.
//!
//! A count's row in `meters` is locked only while units are handed out. Whoever counts (a *holder*) is granted a block
//! of units, and uses it in the transactions of what it counts, without asking anybody ([`super::dialect::accept`]). A
//! block expires a while after its last use; what it had not used is then handed out again.
//!
//! At any time: settled + Σ granted ≤ limit, and what was counted is settled + Σ used.

use uuid::Uuid;

use super::{Db, Store, StoreError, in_tx, on_read, on_write};
use crate::domain::id::TenantId;
use crate::domain::meter::{Count, Metered, Month, Period};
use crate::domain::plan::Limit;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

/// Of what is left, a block takes at most this part beyond what is needed at once,
const AHEAD_PART: i64 = 8;
/// and at most so many times what is needed at once: units that somebody holds and does not use are missing elsewhere.
const AHEAD_TIMES: i64 = 4;
/// What a block without a limit holds: more than anybody counts in a window.
const ENDLESS: i64 = i64::MAX / 4;

const OPEN: &str = "insert into meters (tenant_id, environment, meter, period, starts_at, ends_at, settled) \
    values ($1, $2, $3, $4, $5, $6, 0) on conflict do nothing";
// Locks the count on PostgreSQL; SQLite has one writer. What has expired is settled; a block that is being used this
// very moment is not waited for.
const PG_LOCK: &str = "select settled from meters where tenant_id = $1 and environment = $2 and meter = $3 \
    and period = $4 and starts_at = $5 for update";
const PG_EXPIRE: &str = "delete from meter_blocks where (tenant_id, environment, meter, period, starts_at, holder) in \
    (select tenant_id, environment, meter, period, starts_at, holder from meter_blocks where tenant_id = $1 \
        and environment = $2 and meter = $3 and period = $4 and starts_at = $5 and expires_at <= $6 \
        for update skip locked) \
    returning used";
const LITE_EXPIRE: &str = "delete from meter_blocks where tenant_id = $1 and environment = $2 and meter = $3 \
    and period = $4 and starts_at = $5 and expires_at <= $6 returning used";
const SETTLE: &str = "update meters set settled = settled + $6 where tenant_id = $1 and environment = $2 \
    and meter = $3 and period = $4 and starts_at = $5 returning settled";
const BLOCKS: &str = "select holder, quota, granted, used from meter_blocks where tenant_id = $1 and environment = $2 \
    and meter = $3 and period = $4 and starts_at = $5";
const GRANT: &str = "insert into meter_blocks \
    (tenant_id, environment, meter, period, starts_at, holder, quota, granted, used, expires_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9) \
    on conflict (tenant_id, environment, meter, period, starts_at, holder) \
    do update set quota = excluded.quota, granted = excluded.granted, expires_at = excluded.expires_at";
const COUNTED: &str = "select cast(m.settled + coalesce((select sum(b.used) from meter_blocks b \
        where b.tenant_id = m.tenant_id and b.environment = m.environment and b.meter = m.meter \
        and b.period = m.period and b.starts_at = m.starts_at), 0) as bigint) from meters m \
    where m.tenant_id = $1 and m.environment = $2 and m.meter = $3 and m.period = $4 and m.starts_at = $5";
const COUNTED_BETWEEN: &str = "select m.meter, cast(sum(m.settled + coalesce((select sum(b.used) from meter_blocks b \
        where b.tenant_id = m.tenant_id and b.environment = m.environment and b.meter = m.meter \
        and b.period = m.period and b.starts_at = m.starts_at), 0)) as bigint) from meters m \
    where m.tenant_id = $1 and m.environment = $2 and m.starts_at >= $3 and m.starts_at < $4 group by m.meter";
const CLOSED: &str = "select tenant_id, environment, meter, starts_at from meters \
    where period = 'minute' and ends_at <= $1 order by ends_at limit $2";
const FORGET_BLOCKS: &str = "delete from meter_blocks where tenant_id = $1 and environment = $2 and meter = $3 \
    and period = $4 and starts_at = $5 returning used";
const FORGET: &str = "delete from meters where tenant_id = $1 and environment = $2 and meter = $3 and period = $4 \
    and starts_at = $5 returning settled";
const FORGET_NOTICES: &str = "delete from quota_notices where tenant_id = $1 and environment = $2 and meter = $3 \
    and period = $4 and starts_at = $5";
const TELL: &str = "insert into quota_notices (tenant_id, environment, meter, period, starts_at, percent) \
    values ($1, $2, $3, $4, $5, $6) on conflict do nothing";

/// Binds what a count is found by: `$1` to `$5`.
macro_rules! of_count {
    ($query:expr, $count:expr) => {
        $query
            .bind($count.scope.tenant.0)
            .bind($count.scope.environment.as_str())
            .bind($count.meter.as_ref())
            .bind($count.window.period.as_str())
            .bind($count.window.starts_at.as_millis())
    };
}

/// Who wants units.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    /// Nobody else has it.
    pub id: Uuid,
    /// When its blocks expire, unless they are used before.
    pub until: Timestamp,
}

impl Store {
    /// Grants a holder what it needs of a count and some more, as far as the limit allows; returns how many units its
    /// block then has left.
    pub async fn grant_units(
        &self,
        now: Timestamp,
        holder: Holder,
        Metered { count, limit }: &Metered,
        needed: i64,
    ) -> Result<i64, StoreError> {
        let expire = match &self.db {
            Db::Postgres(_) => PG_EXPIRE,
            Db::Sqlite { .. } => LITE_EXPIRE,
        };
        let is_shared = matches!(self.db, Db::Postgres(_));
        let left = in_tx!(self, |tx| {
            let open = of_count!(sqlx::query(OPEN), count).bind(count.window.ends_at.as_millis());
            open.execute(&mut *tx).await?;
            if is_shared {
                of_count!(sqlx::query(PG_LOCK), count).execute(&mut *tx).await?;
            }
            let expired: Vec<i64> =
                of_count!(sqlx::query_scalar(expire), count).bind(now.as_millis()).fetch_all(&mut *tx).await?;
            let settled: i64 = of_count!(sqlx::query_scalar(SETTLE), count)
                .bind(expired.into_iter().sum::<i64>())
                .fetch_one(&mut *tx)
                .await?;
            let blocks: Vec<Block> = of_count!(sqlx::query_as(BLOCKS), count).fetch_all(&mut *tx).await?;
            let (granted, left) = share(holder.id, settled, &blocks, *limit, needed);
            let grant = of_count!(sqlx::query(GRANT), count).bind(holder.id).bind(limit.as_number());
            grant.bind(granted).bind(holder.until.as_millis()).execute(&mut *tx).await?;
            left
        });
        Ok(left)
    }

    /// How many were counted.
    pub async fn counted(&self, count: &Count) -> Result<u64, StoreError> {
        let counted: Option<i64> =
            on_read!(self, |db| of_count!(sqlx::query_scalar(COUNTED), count).fetch_optional(db).await)?;
        Ok(counted.and_then(|counted| u64::try_from(counted).ok()).unwrap_or(0))
    }

    /// How many were counted in a month, by meter.
    pub async fn counted_in(&self, scope: Scope, month: Month) -> Result<Vec<(String, u64)>, StoreError> {
        let window = month.window();
        let rows: Vec<(String, i64)> = on_read!(self, |db| {
            let select = sqlx::query_as(COUNTED_BETWEEN).bind(scope.tenant.0).bind(scope.environment.as_str());
            select.bind(window.starts_at.as_millis()).bind(window.ends_at.as_millis()).fetch_all(db).await
        })?;
        Ok(rows.into_iter().map(|(meter, counted)| (meter, u64::try_from(counted).unwrap_or(0))).collect())
    }

    /// Adds minutes that ended before an instant to their months, some at a time; returns how many.
    pub async fn fold_minutes(&self, ended: Timestamp, max: u32) -> Result<usize, StoreError> {
        let closed: Vec<(Uuid, String, String, i64)> = on_read!(self, |db| {
            sqlx::query_as(CLOSED).bind(ended.as_millis()).bind(i64::from(max)).fetch_all(db).await
        })?;
        let folded = closed.len();
        for (tenant, environment, meter, starts_at) in closed {
            let environment = environment.parse().map_err(|_| StoreError::Corrupt {
                table: "meters",
                column: "environment",
                id: meter.clone(),
            })?;
            let scope = Scope { tenant: TenantId(tenant), environment };
            let starts_at = Timestamp::from_millis(starts_at);
            let of =
                |period: Period| Count { scope, meter: meter.as_str().into(), window: period.window_at(starts_at) };
            self.fold(&of(Period::Minute), &of(Period::Month)).await?;
        }
        Ok(folded)
    }

    async fn fold(&self, minute: &Count, month: &Count) -> Result<(), StoreError> {
        in_tx!(self, |tx| {
            // Nothing when another process has just folded it.
            let settled: Option<i64> = of_count!(sqlx::query_scalar(FORGET), minute).fetch_optional(&mut *tx).await?;
            if let Some(settled) = settled {
                let used: Vec<i64> = of_count!(sqlx::query_scalar(FORGET_BLOCKS), minute).fetch_all(&mut *tx).await?;
                of_count!(sqlx::query(FORGET_NOTICES), minute).execute(&mut *tx).await?;
                let open = of_count!(sqlx::query(OPEN), month).bind(month.window.ends_at.as_millis());
                open.execute(&mut *tx).await?;
                let settle = of_count!(sqlx::query(SETTLE), month).bind(settled + used.into_iter().sum::<i64>());
                settle.execute(&mut *tx).await?;
            }
        });
        Ok(())
    }

    /// Notes that a level of a quota is told; false if it was before.
    pub async fn quota_was_told(&self, count: &Count, percent: u64) -> Result<bool, StoreError> {
        let told = on_write!(self, |db| {
            of_count!(sqlx::query(TELL), count)
                .bind(i64::try_from(percent).unwrap_or(i64::MAX))
                .execute(db)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(told > 0)
    }
}

#[derive(sqlx::FromRow)]
struct Block {
    holder: Uuid,
    quota: i64,
    granted: i64,
    used: i64,
}

/// What a holder's block is granted in all, and how much of that is left to use.
fn share(holder: Uuid, settled: i64, blocks: &[Block], limit: Limit, needed: i64) -> (i64, i64) {
    let own = blocks.iter().find(|block| block.holder == holder);
    let used = own.map_or(0, |block| block.used);
    let Limit::AtMost(most) = limit else { return (ENDLESS, ENDLESS - used) };
    let others = blocks.iter().filter(|block| block.holder != holder);
    // What was granted under another limit cannot be used any more.
    let taken: i64 = others.map(|b| if b.quota == limit.as_number() { b.granted } else { b.used }).sum();
    let most = i64::try_from(most).unwrap_or(ENDLESS);
    let free = most.saturating_sub(settled).saturating_sub(taken).saturating_sub(used).max(0);
    let ahead = ((free - needed).max(0) / AHEAD_PART).min(needed.saturating_mul(AHEAD_TIMES));
    let left = free.min(needed + ahead);
    (used + left, left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ME: Uuid = Uuid::from_u128(1);

    fn block(holder: u128, quota: i64, granted: i64, used: i64) -> Block {
        Block { holder: Uuid::from_u128(holder), quota, granted, used }
    }

    #[test]
    fn a_block_takes_what_it_needs_and_a_part_of_the_rest() {
        let hundred = Limit::AtMost(100);
        assert_eq!(share(ME, 0, &[], hundred, 4), (16, 16));
        assert_eq!(share(ME, 50, &[block(1, 100, 16, 15), block(2, 100, 30, 0)], hundred, 3), (18, 3));
        assert_eq!(share(ME, 90, &[block(2, 100, 9, 9)], hundred, 5), (1, 1));
        assert_eq!(share(ME, 0, &[], Limit::AtMost(1_000_000), 2), (10, 10));
        assert_eq!(share(ME, 200, &[block(1, 100, 3, 3)], hundred, 5), (3, 0));
        assert!(share(ME, 1 << 50, &[], Limit::Unlimited, 5).1 > 1 << 60);
    }

    #[test]
    fn a_block_of_another_plan_counts_as_far_as_it_was_used() {
        assert_eq!(share(ME, 0, &[block(2, -1, ENDLESS, 60)], Limit::AtMost(100), 40), (40, 40));
        assert_eq!(share(ME, 0, &[block(2, 50, 50, 10)], Limit::AtMost(20), 40), (10, 10));
    }

    proptest! {
        #[test]
        fn what_is_handed_out_never_passes_the_limit(
            limit in 0u64..500, settled in 0i64..100, other in 0i64..100, used in 0i64..50, needed in 1i64..300,
        ) {
            let quota = i64::try_from(limit).unwrap();
            let blocks = [block(1, quota, used, used), block(2, quota, other, 0)];
            prop_assume!(settled + other + used <= quota);
            let (granted, left) = share(ME, settled, &blocks, Limit::AtMost(limit), needed);
            prop_assert!(left >= 0 && granted == used + left);
            prop_assert!(settled + other + granted <= quota);
        }
    }
}
