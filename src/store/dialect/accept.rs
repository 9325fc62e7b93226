//! Accept: events, their deliveries and the due rows, of many requests in one transaction.

use std::collections::HashSet;

use sqlx::{PgConnection, SqliteConnection};
use uuid::Uuid;

use super::super::beside::{Beside, write_beside};
use super::super::{Db, Store, StoreError, chunks};
use super::Rows;
use super::event_keys::{KeptKey, KeyRow, lite_take_keys, pg_take_keys};
use super::records::{RecordWrite, lite_write, pg_write};
use crate::domain::event::{EventContent, Routing};
use crate::domain::id::{DeliveryId, EventId, WebhookId};
use crate::domain::meter::{Count, Metered};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

/// An event to keep.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Whose.
    pub scope: Scope,
    /// What.
    pub content: std::sync::Arc<EventContent>,
    /// Where and when.
    pub routing: Routing,
    /// The key under which the client may repeat the request.
    pub idempotency: Option<KeyRow>,
    /// What the event tells of: written with it, or neither is.
    pub record: Option<RecordWrite>,
    /// What it counts on: places in the batch's list.
    pub counts: Vec<usize>,
}

/// A delivery to keep, with its due row.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// Its id.
    pub id: DeliveryId,
    /// Whose.
    pub scope: Scope,
    /// Of which event.
    pub event: EventId,
    /// The event's type, repeated so that lists need not read the event.
    pub event_type: crate::domain::event::EventType,
    /// Where to.
    pub webhook: WebhookId,
    /// Why: `event`, `replay` or `test`.
    pub reason: &'static str,
    /// When somebody may take it: the lease's end when this process already has.
    pub due_at: Timestamp,
    /// Whether this process already has.
    pub leased: bool,
    /// The fencing number to start with.
    pub epoch: i64,
}

/// What became of a batch.
#[derive(Debug)]
pub enum BatchOutcome {
    /// Webhooks have changed since the batch was matched: nothing was written.
    Stale,
    /// The holder's blocks have too few units left: nothing was written. See [`Store::grant_units`].
    Dry,
    /// All was written, but for events whose idempotency key was taken or whose record was refused.
    Written {
        /// The events that were not written, with what their keys stand for.
        duplicates: Vec<(EventId, KeptKey)>,
        /// The events that were not written because their records were not.
        refused: Vec<EventId>,
    },
}

// One statement, so that a commit is one round trip. All of it sees one snapshot: either `ok` holds for all three
// inserts or for none. Units are used all or none; `used` is compared again when its row is written, because a block
// that has expired may be taken away meanwhile.
pub(in crate::store) const PG_INSERT: &str = "with fresh as materialized (select value from revision where value = $1), \
    enough as materialized (select count(*) = cardinality($18::uuid[]) as holds \
        from unnest($18::uuid[], $19::text[], $20::text[], $21::text[], $22::bigint[], $23::bigint[], $27::bigint[]) \
            u (t, e, m, p, s, n, l) \
        join meter_blocks b on b.tenant_id = u.t and b.environment = u.e and b.meter = u.m and b.period = u.p \
            and b.starts_at = u.s and b.holder = $24 \
        where b.used + u.n <= b.granted and b.quota = u.l and b.expires_at > $25), \
    used as (update meter_blocks b set used = b.used + u.n, expires_at = $26 \
        from unnest($18::uuid[], $19::text[], $20::text[], $21::text[], $22::bigint[], $23::bigint[], $27::bigint[]) \
            u (t, e, m, p, s, n, l) \
        where b.tenant_id = u.t and b.environment = u.e and b.meter = u.m and b.period = u.p and b.starts_at = u.s \
            and b.holder = $24 and b.used + u.n <= b.granted and b.quota = u.l and exists (select 1 from fresh) \
            and (select holds from enough) \
        returning 1), \
    ok as materialized (select 1 from fresh where (select count(*) from used) = cardinality($18::uuid[])), \
    e as (insert into events (id, tenant_id, environment, type, data, occurred_at, channels, deliver_at) \
        select u.* from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bytea[], $7::bigint[], \
            $28::text[], $29::bigint[]) u \
        where exists (select 1 from ok)), \
    d as (insert into deliveries \
            (id, tenant_id, environment, event_id, event_type, webhook_id, reason, state, attempts) \
        select u.*, 'pending', 0 \
        from unnest($8::uuid[], $9::uuid[], $10::text[], $11::uuid[], $12::text[], $13::uuid[], $14::text[]) u \
        where exists (select 1 from ok)), \
    q as (insert into due \
            (delivery_id, tenant_id, webhook_id, event_id, due_at, leased, epoch, claims, run_attempts, attempts) \
        select u.*, 0, 0, 0 \
        from unnest($8::uuid[], $9::uuid[], $13::uuid[], $11::uuid[], $15::bigint[], $16::boolean[], $17::bigint[]) u \
        where exists (select 1 from ok)) \
    select exists (select 1 from fresh), exists (select 1 from ok)";
const LITE_REVISION: &str = "select value from revision";
pub(in crate::store) const LITE_EVENTS: Rows = Rows {
    head: "insert into events (id, tenant_id, environment, type, data, occurred_at, channels, deliver_at) values ",
    columns: 8,
    tail: "",
};
pub(in crate::store) const LITE_DELIVERIES: Rows = Rows {
    head: "insert into deliveries (id, tenant_id, environment, event_id, event_type, webhook_id, reason, state, \
           attempts) values ",
    columns: 9,
    tail: "",
};
pub(in crate::store) const LITE_DUE: Rows = Rows {
    head: "insert into due (delivery_id, tenant_id, webhook_id, event_id, due_at, leased, epoch, claims, \
           run_attempts, attempts) values ",
    columns: 10,
    tail: "",
};
/// The blocks that a batch counts on.
#[derive(Debug, Clone, Copy)]
pub struct Metering<'a> {
    /// Who uses them.
    pub holder: Uuid,
    /// How long they are held after this commit.
    pub until: Timestamp,
    /// What events count on; [`EventRow::counts`] are places in it.
    pub counts: &'a [Metered],
}

pub(in crate::store) const LITE_USE: &str = "update meter_blocks set used = used + $7, expires_at = $8 where tenant_id = $1 \
    and environment = $2 and meter = $3 and period = $4 and starts_at = $5 and holder = $6 \
    and used + $7 <= granted and quota = $9";

impl<'a> Metering<'a> {
    /// The units that events use of each count.
    fn units(self, events: &[&EventRow]) -> Vec<(&'a Metered, i64)> {
        let mut units = vec![0; self.counts.len()];
        for place in events.iter().flat_map(|event| &event.counts) {
            units[*place] += 1;
        }
        self.counts.iter().zip(units).filter(|(_, units)| *units > 0).collect()
    }
}

impl Store {
    /// Writes a batch that was matched against the webhooks of `revision`; all or nothing.
    pub async fn accept(
        &self,
        revision: i64,
        now: Timestamp,
        events: &[EventRow],
        deliveries: &[DeliveryRow],
        metering: Metering<'_>,
        beside: &[Beside],
    ) -> Result<BatchOutcome, StoreError> {
        let has_keys = events.iter().any(|event| event.idempotency.is_some());
        let has_records = events.iter().any(|event| event.record.is_some());
        match &self.db {
            Db::Postgres(pool) if !has_keys && !has_records && beside.is_empty() => {
                let mut conn = pool.acquire().await?;
                let (events, deliveries) = (refs(events), refs(deliveries));
                let inserted = pg_insert(&mut conn, revision, now, &events, &deliveries, metering).await?;
                Ok(inserted.unwrap_or(BatchOutcome::Written { duplicates: Vec::new(), refused: Vec::new() }))
            }
            Db::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                let duplicates = if has_keys { pg_take_keys(&mut tx, now, events).await? } else { Vec::new() };
                let mut dropped = dropped(&duplicates);
                let done = pg_write(&mut tx, &records(events, &dropped)).await?;
                let refused = refused(events, &mut dropped, &done);
                let (events, deliveries) = without(events, deliveries, &dropped);
                if let Some(outcome) = pg_insert(&mut tx, revision, now, &events, &deliveries, metering).await? {
                    return Ok(outcome);
                }
                write_beside!(tx, beside, now);
                tx.commit().await?;
                Ok(BatchOutcome::Written { duplicates, refused })
            }
            Db::Sqlite { write, .. } => {
                let mut tx = write.begin_with("begin immediate").await?;
                let current: i64 = sqlx::query_scalar(LITE_REVISION).fetch_one(&mut *tx).await?;
                if current != revision {
                    return Ok(BatchOutcome::Stale);
                }
                let duplicates = if has_keys { lite_take_keys(&mut tx, now, events).await? } else { Vec::new() };
                let mut dropped = dropped(&duplicates);
                let done = lite_write(&mut tx, &records(events, &dropped)).await?;
                let refused = refused(events, &mut dropped, &done);
                let (events, deliveries) = without(events, deliveries, &dropped);
                if !lite_use_units(&mut tx, &events, metering).await? {
                    return Ok(BatchOutcome::Dry);
                }
                lite_insert(&mut tx, &events, &deliveries).await?;
                write_beside!(tx, beside, now);
                tx.commit().await?;
                Ok(BatchOutcome::Written { duplicates, refused })
            }
        }
    }
}

/// As JSON; none is null.
fn channels(routing: &Routing) -> Option<String> {
    let channels = &routing.channels;
    (!channels.is_empty()).then(|| serde_json::to_string(channels).expect("a list of texts"))
}

fn refs<T>(rows: &[T]) -> Vec<&T> {
    rows.iter().collect()
}

fn dropped(duplicates: &[(EventId, KeptKey)]) -> HashSet<EventId> {
    duplicates.iter().map(|(event, _)| *event).collect()
}

/// The records of the events that are not dropped.
fn records<'a>(events: &'a [EventRow], dropped: &HashSet<EventId>) -> Vec<&'a RecordWrite> {
    let kept = events.iter().filter(|event| !dropped.contains(&event.content.id));
    kept.filter_map(|event| event.record.as_ref()).collect()
}

/// Drops the events whose records were not written. Of two with one record, the first is meant.
fn refused(events: &[EventRow], dropped: &mut HashSet<EventId>, done: &HashSet<Uuid>) -> Vec<EventId> {
    let mut done = done.clone();
    let told: Vec<_> = events.iter().filter(|event| !dropped.contains(&event.content.id)).collect();
    let refused = told.into_iter().filter(|event| event.record.as_ref().is_some_and(|record| !done.remove(&record.id)));
    let refused: Vec<EventId> = refused.map(|event| event.content.id).collect();
    dropped.extend(&refused);
    refused
}

fn without<'a>(
    events: &'a [EventRow],
    deliveries: &'a [DeliveryRow],
    dropped: &HashSet<EventId>,
) -> (Vec<&'a EventRow>, Vec<&'a DeliveryRow>) {
    let events = events.iter().filter(|row| !dropped.contains(&row.content.id)).collect();
    (events, deliveries.iter().filter(|row| !dropped.contains(&row.event)).collect())
}

fn column<'a, R, T>(rows: &[&'a R], get: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(|row| get(row)).collect()
}

/// Inserts a batch; tells why not.
async fn pg_insert(
    conn: &mut PgConnection,
    revision: i64,
    now: Timestamp,
    events: &[&EventRow],
    deliveries: &[&DeliveryRow],
    metering: Metering<'_>,
) -> Result<Option<BatchOutcome>, StoreError> {
    let units = metering.units(events);
    let units: Vec<&(&Metered, i64)> = units.iter().collect();
    let insert = sqlx::query_as(PG_INSERT)
        .bind(revision)
        .bind(column(events, |e| e.content.id.0))
        .bind(column(events, |e| e.scope.tenant.0))
        .bind(column(events, |e| e.scope.environment.as_str()))
        .bind(column(events, |e| e.content.event_type.as_str()))
        .bind(column(events, |e| &e.content.data[..]))
        .bind(column(events, |e| e.content.occurred_at.as_millis()))
        .bind(column(deliveries, |d| d.id.0))
        .bind(column(deliveries, |d| d.scope.tenant.0))
        .bind(column(deliveries, |d| d.scope.environment.as_str()))
        .bind(column(deliveries, |d| d.event.0))
        .bind(column(deliveries, |d| d.event_type.as_str()))
        .bind(column(deliveries, |d| d.webhook.0))
        .bind(column(deliveries, |d| d.reason))
        .bind(column(deliveries, |d| d.due_at.as_millis()))
        .bind(column(deliveries, |d| d.leased))
        .bind(column(deliveries, |d| d.epoch))
        .bind(column(&units, |(metered, _)| metered.count.scope.tenant.0))
        .bind(column(&units, |(metered, _)| metered.count.scope.environment.as_str()))
        .bind(column(&units, |(metered, _)| &*metered.count.meter))
        .bind(column(&units, |(metered, _)| metered.count.window.period.as_str()))
        .bind(column(&units, |(metered, _)| metered.count.window.starts_at.as_millis()))
        .bind(column(&units, |(_, units)| *units))
        .bind(metering.holder)
        .bind(now.as_millis())
        .bind(metering.until.as_millis())
        .bind(column(&units, |(metered, _)| metered.limit.as_number()))
        .bind(column(events, |e| channels(&e.routing)))
        .bind(column(events, |e| e.routing.deliver_at.map(Timestamp::as_millis)));
    Ok(match insert.fetch_one(conn).await? {
        (true, true) => None,
        (true, false) => Some(BatchOutcome::Dry),
        (false, _) => Some(BatchOutcome::Stale),
    })
}

/// Uses units of the holder's blocks; false when one has too few left.
async fn lite_use_units(
    conn: &mut SqliteConnection,
    events: &[&EventRow],
    metering: Metering<'_>,
) -> Result<bool, StoreError> {
    for (metered, units) in metering.units(events) {
        let Count { scope, meter, window } = &metered.count;
        let used = sqlx::query(LITE_USE)
            .bind(scope.tenant.0)
            .bind(scope.environment.as_str())
            .bind(meter.as_ref())
            .bind(window.period.as_str())
            .bind(window.starts_at.as_millis())
            .bind(metering.holder)
            .bind(units)
            .bind(metering.until.as_millis())
            .bind(metered.limit.as_number());
        if used.execute(&mut *conn).await?.rows_affected() == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn lite_insert(
    conn: &mut SqliteConnection,
    events: &[&EventRow],
    deliveries: &[&DeliveryRow],
) -> Result<(), StoreError> {
    for rows in chunks(events) {
        let text = LITE_EVENTS.sql(rows.len());
        let mut insert = sqlx::query(&text);
        for row in rows {
            let EventContent { id, event_type, occurred_at, data } = &*row.content;
            insert = insert.bind(id.0).bind(row.scope.tenant.0).bind(row.scope.environment.as_str());
            insert = insert.bind(event_type.as_str()).bind(&data[..]).bind(occurred_at.as_millis());
            let Routing { channels: _, deliver_at } = &row.routing;
            insert = insert.bind(channels(&row.routing)).bind(deliver_at.map(Timestamp::as_millis));
        }
        insert.execute(&mut *conn).await?;
    }
    for rows in chunks(deliveries) {
        let text = LITE_DELIVERIES.sql(rows.len());
        let mut insert = sqlx::query(&text);
        for row in rows {
            let DeliveryRow { id, scope, event, event_type, webhook, reason, .. } = row;
            insert = insert.bind(id.0).bind(scope.tenant.0).bind(scope.environment.as_str()).bind(event.0);
            insert = insert.bind(event_type.as_str()).bind(webhook.0).bind(*reason).bind("pending").bind(0i64);
        }
        insert.execute(&mut *conn).await?;
    }
    for rows in chunks(deliveries) {
        let text = LITE_DUE.sql(rows.len());
        let mut insert = sqlx::query(&text);
        for row in rows {
            let DeliveryRow { id, scope, event, webhook, due_at, leased, epoch, .. } = row;
            insert = insert.bind(id.0).bind(scope.tenant.0).bind(webhook.0).bind(event.0);
            insert = insert.bind(due_at.as_millis()).bind(*leased).bind(*epoch).bind(0i64).bind(0i64).bind(0i64);
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}
