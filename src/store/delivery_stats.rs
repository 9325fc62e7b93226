//! Delivery statistics: read, folded into hours, and forgotten. Written in [`super::dialect::stats`].

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Store, StoreError, in_tx, on_read, on_write};
use crate::domain::delivery_stats::{OutcomeClass, Tally};
use crate::domain::id::{TenantId, WebhookId};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

pub(super) const SINCE: &str = "select starts_at, outcome, attempts, delivered, dead, duration_us, durations \
    from delivery_stats where tenant_id = $1 and environment = $2 and webhook_id = $3 and starts_at >= $4 \
    order by starts_at";
pub(super) const OLDEST: &str =
    "select starts_at from delivery_stats where span = $1 and starts_at < $2 order by starts_at limit 1";
pub(super) const TAKE_MINUTE: &str = "delete from delivery_stats where span = 'minute' and starts_at = $1 \
    returning tenant_id, environment, webhook_id, outcome, attempts, delivered, dead, duration_us, durations";
// Locks the hour's row, and returns the durations that it had: they are added to below.
const ADD_TO_HOUR: &str = "insert into delivery_stats (tenant_id, environment, webhook_id, starts_at, span, outcome, \
        writer, attempts, delivered, dead, duration_us, durations) \
    values ($1, $2, $3, $4, 'hour', $5, $6, $7, $8, $9, $10, '[]') \
    on conflict (tenant_id, environment, webhook_id, starts_at, span, outcome, writer) do update \
    set attempts = delivery_stats.attempts + excluded.attempts, \
        delivered = delivery_stats.delivered + excluded.delivered, dead = delivery_stats.dead + excluded.dead, \
        duration_us = delivery_stats.duration_us + excluded.duration_us returning durations";
const SET_DURATIONS: &str = "update delivery_stats set durations = $7 where tenant_id = $1 and environment = $2 \
    and webhook_id = $3 and starts_at = $4 and span = 'hour' and outcome = $5 and writer = $6";
pub(super) const DROP_HOUR: &str = "delete from delivery_stats where span = 'hour' and starts_at = $1";

const MINUTE: &str = "minute";
const HOUR: &str = "hour";

/// Of whom something is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StatsOf {
    /// Of one webhook.
    Webhook(Scope, WebhookId),
    /// Of a tenant, in one environment.
    Scope(Scope),
    /// Of all tenants.
    Everything,
}

impl StatsOf {
    /// What its rows are found by.
    pub(super) fn key(self) -> (Uuid, &'static str, Uuid) {
        match self {
            Self::Webhook(scope, webhook) => (scope.tenant.0, scope.environment.as_str(), webhook.0),
            Self::Scope(scope) => (scope.tenant.0, scope.environment.as_str(), Uuid::nil()),
            Self::Everything => (Uuid::nil(), "all", Uuid::nil()),
        }
    }

    fn of((tenant, environment, webhook): (Uuid, &str, Uuid)) -> Option<Self> {
        if tenant.is_nil() {
            return Some(Self::Everything);
        }
        let scope = Scope { tenant: TenantId(tenant), environment: environment.parse().ok()? };
        Some(if webhook.is_nil() { Self::Scope(scope) } else { Self::Webhook(scope, WebhookId(webhook)) })
    }
}

/// What attempts of one class came to, in a minute or an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsRow {
    /// Whose.
    pub of: StatsOf,
    /// When the minute or hour began.
    pub starts_at: Timestamp,
    /// What they came to.
    pub outcome: OutcomeClass,
    /// How many, and how long they took.
    pub tally: Tally,
}

impl StatsRow {
    /// As the columns have them: attempts, delivered, dead, and the time of all of them.
    pub(super) fn numbers(&self) -> [i64; 4] {
        let Tally { attempts, delivered, dead, micros, durations: _ } = &self.tally;
        [*attempts, *delivered, *dead, *micros].map(|number| i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// The durations of a tally as its column has them.
pub(super) fn durations_text(tally: &Tally) -> String {
    let pairs: Vec<(usize, u64)> = tally.durations.iter().map(|(bucket, count)| (*bucket, *count)).collect();
    serde_json::to_string(&pairs).expect("pairs of numbers can be written")
}

fn tally([attempts, delivered, dead, micros]: [i64; 4], durations: &str) -> Option<Tally> {
    let [attempts, delivered, dead, micros] =
        [attempts, delivered, dead, micros].map(|number| u64::try_from(number).unwrap_or(0));
    let pairs: Vec<(usize, u64)> = serde_json::from_str(durations).ok()?;
    Some(Tally { attempts, delivered, dead, micros, durations: pairs.into_iter().collect() })
}

fn corrupt(of: (Uuid, &str, Uuid)) -> StoreError {
    StoreError::Corrupt { table: "delivery_stats", column: "outcome, durations", id: WebhookId(of.2).to_string() }
}

type Since = (i64, String, i64, i64, i64, i64, String);
type Minute = (Uuid, String, Uuid, String, i64, i64, i64, i64, String);

impl Store {
    /// What was counted since an instant: when the minute or hour began, what attempts came to, and how many.
    pub async fn stats_since(
        &self,
        of: StatsOf,
        since: Timestamp,
    ) -> Result<Vec<(Timestamp, OutcomeClass, Tally)>, StoreError> {
        let key = of.key();
        let rows: Vec<Since> = on_read!(self, |db| {
            let select = sqlx::query_as(SINCE).bind(key.0).bind(key.1).bind(key.2);
            select.bind(since.as_millis()).fetch_all(db).await
        })?;
        let read = |(starts_at, outcome, attempts, delivered, dead, micros, durations): Since| {
            let class = OutcomeClass::parse(&outcome)?;
            let tally = tally([attempts, delivered, dead, micros], &durations)?;
            Some((Timestamp::from_millis(starts_at), class, tally))
        };
        rows.into_iter().map(|row| read(row).ok_or_else(|| corrupt(key))).collect()
    }

    /// Adds the oldest minute before an instant to its hour; false when there is none.
    pub async fn fold_stats(
        &self,
        before: Timestamp,
        hour_of: impl Fn(Timestamp) -> Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(minute) = self.oldest_stats(MINUTE, before).await? else { return Ok(false) };
        let hour = hour_of(minute).as_millis();
        in_tx!(self, |tx| {
            let take = sqlx::query_as(TAKE_MINUTE).bind(minute.as_millis());
            let taken: Vec<Minute> = take.fetch_all(&mut *tx).await?;
            for row in sums(taken)? {
                let (tenant, environment, webhook) = row.of.key();
                let [attempts, delivered, dead, micros] = row.numbers();
                let add = sqlx::query_scalar(ADD_TO_HOUR).bind(tenant).bind(environment).bind(webhook).bind(hour);
                let add = add.bind(row.outcome.as_str()).bind(Uuid::nil());
                let add = add.bind(attempts).bind(delivered).bind(dead).bind(micros);
                let durations: String = add.fetch_one(&mut *tx).await?;
                let mut sum = tally([0; 4], &durations).ok_or_else(|| corrupt(row.of.key()))?;
                sum.add(&row.tally);
                let set = sqlx::query(SET_DURATIONS).bind(tenant).bind(environment).bind(webhook).bind(hour);
                let set = set.bind(row.outcome.as_str()).bind(Uuid::nil()).bind(durations_text(&sum));
                set.execute(&mut *tx).await?;
            }
        });
        Ok(true)
    }

    /// Forgets the oldest hour before an instant; false when there is none.
    pub async fn drop_stats(&self, before: Timestamp) -> Result<bool, StoreError> {
        let Some(hour) = self.oldest_stats(HOUR, before).await? else { return Ok(false) };
        on_write!(self, |db| sqlx::query(DROP_HOUR).bind(hour.as_millis()).execute(db).await.map(drop))?;
        Ok(true)
    }

    async fn oldest_stats(&self, span: &str, before: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let oldest: Option<i64> = on_read!(self, |db| {
            sqlx::query_scalar(OLDEST).bind(span).bind(before.as_millis()).fetch_optional(db).await
        })?;
        Ok(oldest.map(Timestamp::from_millis))
    }
}

/// The rows of all processes together, in one order for everybody, so that two never wait for each other.
fn sums(rows: Vec<Minute>) -> Result<Vec<StatsRow>, StoreError> {
    let mut sums: BTreeMap<(StatsOf, OutcomeClass), Tally> = BTreeMap::new();
    for (tenant, environment, webhook, outcome, attempts, delivered, dead, micros, durations) in rows {
        let key = (tenant, environment.as_str(), webhook);
        let read = || Some((StatsOf::of(key)?, OutcomeClass::parse(&outcome)?));
        let tally = tally([attempts, delivered, dead, micros], &durations);
        let (Some(key), Some(tally)) = (read(), tally) else { return Err(corrupt(key)) };
        sums.entry(key).or_default().add(&tally);
    }
    let row = |((of, outcome), tally)| StatsRow { of, starts_at: Timestamp::default(), outcome, tally };
    Ok(sums.into_iter().map(row).collect())
}
