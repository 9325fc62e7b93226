//! API requests: those that processes took ahead of a limit, and what became of all of them, by month.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Store, StoreError, in_tx, on_read, on_write};
use crate::domain::id::{KeyId, TenantId};
use crate::domain::meter::Month;
use crate::domain::tenant::{Environment, Scope};
use crate::domain::time::Timestamp;

const TAKE: &str = "insert into request_windows (subject, kind, starts_at, ends_at, taken) values ($1, $2, $3, $4, $5) \
    on conflict (subject, kind, starts_at) do update set taken = request_windows.taken + excluded.taken \
    returning taken";
const PURGE_WINDOWS: &str = "delete from request_windows where (subject, kind, starts_at) in \
    (select subject, kind, starts_at from request_windows where ends_at <= $1 order by ends_at limit $2)";
const ADD: &str = "insert into request_usage \
    (tenant_id, environment, month, key_id, method, route, requests, failed, duration_us) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
    on conflict (tenant_id, environment, month, key_id, method, route) do update set \
    requests = request_usage.requests + excluded.requests, failed = request_usage.failed + excluded.failed, \
    duration_us = request_usage.duration_us + excluded.duration_us";
const ADD_DURATION: &str = "insert into request_durations (tenant_id, environment, month, bucket, requests) \
    values ($1, $2, $3, $4, $5) on conflict (tenant_id, environment, month, bucket) \
    do update set requests = request_durations.requests + excluded.requests";
const BY_ENDPOINT: &str = "select method, route, cast(sum(requests) as bigint), cast(sum(failed) as bigint), \
    cast(sum(duration_us) as bigint) from request_usage \
    where tenant_id = $1 and environment = $2 and month = $3 group by method, route order by method, route";
const BY_ENDPOINT_OF_KEY: &str = "select method, route, requests, failed, duration_us from request_usage \
    where key_id = $1 and month = $2 and tenant_id = $3 order by method, route";
const OF_KEYS: &str = "select key_id, cast(sum(requests) as bigint), \
    cast(sum(case when month = $2 then requests else 0 end) as bigint) from request_usage \
    where tenant_id = $1 group by key_id";
const OF_KEY: &str = "select cast(coalesce(sum(requests), 0) as bigint), \
    cast(coalesce(sum(case when month = $2 then requests else 0 end), 0) as bigint) from request_usage \
    where key_id = $1 and tenant_id = $3";
const DURATIONS: &str = "select bucket, requests from request_durations \
    where tenant_id = $1 and environment = $2 and month = $3 order by bucket";

/// Whose requests a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A key's.
    Key(KeyId),
    /// A tenant's, in one environment.
    Scope(Scope),
}

impl Subject {
    fn id_and_kind(self) -> (Uuid, &'static str) {
        match self {
            Self::Key(key) => (key.0, "key"),
            Self::Scope(Scope { tenant, environment: Environment::Production }) => (tenant.0, "production"),
            Self::Scope(Scope { tenant, environment: Environment::Staging }) => (tenant.0, "staging"),
        }
    }
}

/// Which requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "said above")]
pub struct Endpoint {
    pub scope: Scope,
    pub month: Month,
    pub key: KeyId,
    pub method: String,
    pub route: String,
}

/// What became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// All.
    pub count: u64,
    /// Those answered 4xx or 5xx.
    pub failed: u64,
    /// How long all of them took together.
    pub micros: u64,
}

/// Requests of one route.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "said above")]
pub struct RouteRequests {
    pub method: String,
    pub route: String,
    pub requests: Requests,
}

type RouteRow = (String, String, i64, i64, i64);

fn route_requests((method, route, count, failed, micros): RouteRow) -> RouteRequests {
    let requests = Requests { count: unsigned(count), failed: unsigned(failed), micros: unsigned(micros) };
    RouteRequests { method, route, requests }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Store {
    /// Takes requests ahead; returns how many have been taken in the window, these included. That may be more than the
    /// limit: then the last of them were not to be had.
    pub async fn take_requests(
        &self,
        subject: Subject,
        starts_at: Timestamp,
        ends_at: Timestamp,
        count: u64,
    ) -> Result<u64, StoreError> {
        let (id, kind) = subject.id_and_kind();
        let taken: i64 = on_write!(self, |db| {
            let take = sqlx::query_scalar(TAKE).bind(id).bind(kind).bind(starts_at.as_millis());
            take.bind(ends_at.as_millis()).bind(signed(count)).fetch_one(db).await
        })?;
        Ok(unsigned(taken))
    }

    /// Forgets windows that have ended, some at a time; returns how many.
    pub async fn purge_request_windows(&self, now: Timestamp, max: u32) -> Result<u64, StoreError> {
        Ok(on_write!(self, |db| {
            let purge = sqlx::query(PURGE_WINDOWS).bind(now.as_millis()).bind(i64::from(max));
            purge.execute(db).await.map(|done| done.rows_affected())
        })?)
    }

    /// Adds what a process has counted since the last time.
    pub async fn add_requests(
        &self,
        endpoints: &[(Endpoint, Requests)],
        durations: &[(Scope, Month, usize, u64)],
    ) -> Result<(), StoreError> {
        in_tx!(self, |tx| {
            for (Endpoint { scope, month, key, method, route }, Requests { count, failed, micros }) in endpoints {
                let add = sqlx::query(ADD).bind(scope.tenant.0).bind(scope.environment.as_str());
                let add = add.bind(month.to_string()).bind(key.0);
                let add = add.bind(method.as_str()).bind(route.as_str());
                let add = add.bind(signed(*count)).bind(signed(*failed)).bind(signed(*micros));
                add.execute(&mut *tx).await?;
            }
            for (scope, month, bucket, count) in durations {
                let add = sqlx::query(ADD_DURATION).bind(scope.tenant.0).bind(scope.environment.as_str());
                let add = add.bind(month.to_string()).bind(i64::try_from(*bucket).unwrap_or(i64::MAX));
                add.bind(signed(*count)).execute(&mut *tx).await?;
            }
        });
        Ok(())
    }

    /// A tenant's requests of a month, by route.
    pub async fn requests_in(&self, scope: Scope, month: Month) -> Result<Vec<RouteRequests>, StoreError> {
        let rows: Vec<RouteRow> = on_read!(self, |db| {
            let select = sqlx::query_as(BY_ENDPOINT).bind(scope.tenant.0).bind(scope.environment.as_str());
            select.bind(month.to_string()).fetch_all(db).await
        })?;
        Ok(rows.into_iter().map(route_requests).collect())
    }

    /// A key's requests of a month, by route.
    pub async fn requests_of_key(
        &self,
        tenant: TenantId,
        key: KeyId,
        month: Month,
    ) -> Result<Vec<RouteRequests>, StoreError> {
        let rows: Vec<RouteRow> = on_read!(self, |db| {
            let select = sqlx::query_as(BY_ENDPOINT_OF_KEY).bind(key.0).bind(month.to_string()).bind(tenant.0);
            select.fetch_all(db).await
        })?;
        Ok(rows.into_iter().map(route_requests).collect())
    }

    /// How many requests a key has made: ever, and in a month.
    pub async fn requests_of(&self, tenant: TenantId, key: KeyId, month: Month) -> Result<(u64, u64), StoreError> {
        let (ever, in_month): (i64, i64) = on_read!(self, |db| {
            let select = sqlx::query_as(OF_KEY).bind(key.0).bind(month.to_string()).bind(tenant.0);
            select.fetch_one(db).await
        })?;
        Ok((unsigned(ever), unsigned(in_month)))
    }

    /// How many requests each key of a tenant has made: ever, and in a month.
    pub async fn requests_by_key(
        &self,
        tenant: TenantId,
        month: Month,
    ) -> Result<HashMap<KeyId, (u64, u64)>, StoreError> {
        let rows: Vec<(Uuid, i64, i64)> =
            on_read!(self, |db| sqlx::query_as(OF_KEYS).bind(tenant.0).bind(month.to_string()).fetch_all(db).await)?;
        Ok(rows.into_iter().map(|(key, ever, month)| (KeyId(key), (unsigned(ever), unsigned(month)))).collect())
    }

    /// How many requests of a month fell into each bucket of durations.
    pub async fn request_durations(&self, scope: Scope, month: Month) -> Result<Vec<(usize, u64)>, StoreError> {
        let rows: Vec<(i64, i64)> = on_read!(self, |db| {
            let select = sqlx::query_as(DURATIONS).bind(scope.tenant.0).bind(scope.environment.as_str());
            select.bind(month.to_string()).fetch_all(db).await
        })?;
        Ok(rows.into_iter().map(|(bucket, count)| (usize::try_from(bucket).unwrap_or(0), unsigned(count))).collect())
    }
}
