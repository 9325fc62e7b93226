//! Idempotency keys of published events: taken in the transaction of the event, so that there is never the one without
//! the other.

use std::collections::HashSet;

use sqlx::{PgConnection, SqliteConnection};
use uuid::Uuid;

use super::super::{Store, StoreError, on_read};
use super::accept::EventRow;
use crate::domain::id::EventId;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

/// An idempotency key and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// As the client gave it.
    pub key: String,
    /// Of the request's body: the same key with another body is refused.
    pub request_hash: [u8; 32],
    /// How many deliveries the event made.
    pub deliveries: i64,
    /// When the key is forgotten.
    pub expires_at: Timestamp,
}

/// What an idempotency key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptKey {
    /// Hash of the body that it came with.
    pub request_hash: Vec<u8>,
    /// The event that it made.
    pub event: EventId,
    /// How many deliveries that made.
    pub deliveries: i64,
}

type KeptRow = (Vec<u8>, Uuid, i64);

fn kept((request_hash, event, deliveries): KeptRow) -> KeptKey {
    KeptKey { request_hash, event: EventId(event), deliveries }
}

pub(in crate::store) const PG_FORGET_KEYS: &str = "delete from idempotency i using unnest($1::uuid[], $2::text[], $3::text[]) u (t, e, k) \
    where i.tenant_id = u.t and i.environment = u.e and i.key = u.k and i.expires_at <= $4";
// In order of the key: two batches that share keys would otherwise deadlock.
pub(in crate::store) const PG_TAKE_KEYS: &str = "insert into idempotency \
    (tenant_id, environment, key, request_hash, event_id, deliveries, expires_at) \
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::uuid[], $6::bigint[], $7::bigint[]) \
    order by 1, 2, 3 on conflict do nothing returning event_id";

pub(in crate::store) const LITE_FORGET_KEY: &str =
    "delete from idempotency where tenant_id = $1 and environment = $2 and key = $3 and expires_at <= $4";
pub(in crate::store) const LITE_TAKE_KEY: &str = "insert into idempotency \
    (tenant_id, environment, key, request_hash, event_id, deliveries, expires_at) \
    values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing";

pub(in crate::store) const KEPT: &str = "select request_hash, event_id, deliveries from idempotency \
    where tenant_id = $1 and environment = $2 and key = $3";
const KEPT_AT: &str = "select request_hash, event_id, deliveries from idempotency \
    where tenant_id = $1 and environment = $2 and key = $3 and expires_at > $4";

impl Store {
    /// What an idempotency key stands for, if it is kept.
    pub async fn kept_key(&self, scope: Scope, key: &str, now: Timestamp) -> Result<Option<KeptKey>, StoreError> {
        let row = on_read!(self, |db| {
            let select = sqlx::query_as(KEPT_AT).bind(scope.tenant.0).bind(scope.environment.as_str());
            select.bind(key).bind(now.as_millis()).fetch_optional(db).await
        })?;
        Ok(row.map(kept))
    }
}

/// Takes the keys of a batch; returns the events whose keys were taken before.
pub(super) async fn pg_take_keys(
    conn: &mut PgConnection,
    now: Timestamp,
    events: &[EventRow],
) -> Result<Vec<(EventId, KeptKey)>, StoreError> {
    let keyed: Vec<(&EventRow, &KeyRow)> =
        events.iter().filter_map(|event| event.idempotency.as_ref().map(|key| (event, key))).collect();
    let tenants: Vec<Uuid> = keyed.iter().map(|(event, _)| event.scope.tenant.0).collect();
    let environments: Vec<&str> = keyed.iter().map(|(event, _)| event.scope.environment.as_str()).collect();
    let keys: Vec<&str> = keyed.iter().map(|(_, key)| key.key.as_str()).collect();
    let forget = sqlx::query(PG_FORGET_KEYS).bind(&tenants).bind(&environments).bind(&keys).bind(now.as_millis());
    forget.execute(&mut *conn).await?;
    let taken: Vec<Uuid> = sqlx::query_scalar(PG_TAKE_KEYS)
        .bind(&tenants)
        .bind(&environments)
        .bind(&keys)
        .bind(keyed.iter().map(|(_, key)| &key.request_hash[..]).collect::<Vec<_>>())
        .bind(keyed.iter().map(|(event, _)| event.content.id.0).collect::<Vec<_>>())
        .bind(keyed.iter().map(|(_, key)| key.deliveries).collect::<Vec<_>>())
        .bind(keyed.iter().map(|(_, key)| key.expires_at.as_millis()).collect::<Vec<_>>())
        .fetch_all(&mut *conn)
        .await?;
    let taken: HashSet<Uuid> = taken.into_iter().collect();
    let mut duplicates = Vec::new();
    for (event, key) in keyed.into_iter().filter(|(event, _)| !taken.contains(&event.content.id.0)) {
        let kept_row = sqlx::query_as(KEPT)
            .bind(event.scope.tenant.0)
            .bind(event.scope.environment.as_str())
            .bind(&key.key)
            .fetch_one(&mut *conn)
            .await?;
        duplicates.push((event.content.id, kept(kept_row)));
    }
    Ok(duplicates)
}

pub(super) async fn lite_take_keys(
    conn: &mut SqliteConnection,
    now: Timestamp,
    events: &[EventRow],
) -> Result<Vec<(EventId, KeptKey)>, StoreError> {
    let mut duplicates = Vec::new();
    for event in events {
        let Some(key) = &event.idempotency else { continue };
        let (tenant, environment) = (event.scope.tenant.0, event.scope.environment.as_str());
        let forget = sqlx::query(LITE_FORGET_KEY).bind(tenant).bind(environment).bind(&key.key);
        forget.bind(now.as_millis()).execute(&mut *conn).await?;
        let take = sqlx::query(LITE_TAKE_KEY)
            .bind(tenant)
            .bind(environment)
            .bind(&key.key)
            .bind(&key.request_hash[..])
            .bind(event.content.id.0)
            .bind(key.deliveries)
            .bind(key.expires_at.as_millis());
        if take.execute(&mut *conn).await?.rows_affected() == 0 {
            let select = sqlx::query_as(KEPT).bind(tenant).bind(environment).bind(&key.key);
            duplicates.push((event.content.id, kept(select.fetch_one(&mut *conn).await?)));
        }
    }
    Ok(duplicates)
}
