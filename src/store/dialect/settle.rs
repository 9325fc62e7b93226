//! Settle: the outcome of many attempts in one transaction; and parking, which is no outcome.

use sqlx::SqliteConnection;
use uuid::Uuid;

use super::super::{Db, Store, StoreError, chunks};
use super::Rows;
use crate::domain::attempt::NextStep;
use crate::domain::id::{DeliveryId, WebhookId};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

/// One attempt, and what it means for its delivery.
#[derive(Debug, Clone)]
pub struct SettleRow {
    /// Of which delivery.
    pub delivery: DeliveryId,
    /// The claim's fencing number: a failure counts only while it is still the row's.
    pub epoch: i64,
    /// Whose.
    pub scope: Scope,
    /// Where to.
    pub webhook: WebhookId,
    /// Of what type the event is.
    pub event_type: crate::domain::event::EventType,
    /// What comes next.
    pub step: NextStep,
    /// The attempt's number; 1 is the first ever.
    pub number: i64,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// When it was over.
    pub settled_at: Timestamp,
    /// The URL that it went to.
    pub url: String,
    /// The HTTP status, if any.
    pub status: Option<i64>,
    /// The failure's word, if there was no complete answer.
    pub error: Option<&'static str>,
    /// One sentence for people.
    pub outcome: String,
    /// JSON; without secrets.
    pub request_headers: String,
    /// JSON.
    pub response_headers: String,
    /// The first bytes of the answer.
    pub response_excerpt: Vec<u8>,
}

impl SettleRow {
    const fn step_word(&self) -> &'static str {
        match self.step {
            NextStep::Done => "delivered",
            NextStep::RetryAt(_) => "pending",
            NextStep::DeadLetter => "dead",
        }
    }

    const fn next_at(&self) -> Option<i64> {
        match self.step {
            NextStep::RetryAt(time) => Some(time.as_millis()),
            NextStep::Done | NextStep::DeadLetter => None,
        }
    }

    fn duration_ms(&self) -> i64 {
        i64::try_from(self.settled_at.since(self.started_at).as_millis()).unwrap_or(i64::MAX)
    }
}

// A success ends the delivery whatever the epoch is: the receiver has it. A failure counts only for the claim that
// is still in force. `in (select …)` under `or` is hashed; a join with the CTE would be a nested loop.
pub(in crate::store) const PG_SETTLE: &str = "with input as materialized (select * from unnest( \
            $1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], \
            $8::uuid[], $9::text[], $10::uuid[], $11::text[], $12::bigint[]) \
        i (delivery_id, epoch, step, next_at, number, status, error, tenant_id, environment, webhook_id, \
            event_type, settled_at)), \
    log as (insert into attempts (delivery_id, number, tenant_id, started_at, duration_ms, url, status, error, \
            next_at, outcome, request_headers, response_headers, response_excerpt) \
        select * from unnest($1::uuid[], $5::bigint[], $8::uuid[], $13::bigint[], $14::bigint[], $15::text[], \
            $6::bigint[], $7::text[], $4::bigint[], $16::text[], $17::text[], $18::text[], $19::bytea[]) \
        on conflict do nothing), \
    ended as (delete from due d using input i where d.delivery_id = i.delivery_id \
            and (i.step = 'delivered' or (i.step = 'dead' and d.epoch = i.epoch)) returning d.delivery_id), \
    later as (update due d set due_at = i.next_at, leased = false, claims = 0, \
            run_attempts = d.run_attempts + 1, attempts = i.number \
        from input i where d.delivery_id = i.delivery_id and d.epoch = i.epoch and i.step = 'pending' \
        returning d.delivery_id), \
    died as (insert into dead_letters (delivery_id, tenant_id, environment, webhook_id, event_type, died_at) \
        select delivery_id, tenant_id, environment, webhook_id, event_type, settled_at from input \
        where step = 'dead' and delivery_id in (select delivery_id from ended) on conflict do nothing), \
    raised as (delete from dead_letters d using input i \
        where d.delivery_id = i.delivery_id and i.step = 'delivered') \
    update deliveries d set state = i.step, attempts = i.number, last_status = i.status, last_error = i.error, \
        settled_at = i.settled_at \
    from input i where d.id = i.delivery_id and (i.step = 'delivered' \
        or i.delivery_id in (select delivery_id from ended) or i.delivery_id in (select delivery_id from later))";

pub(in crate::store) const LITE_ATTEMPTS: Rows = Rows {
    head: "insert into attempts (delivery_id, number, tenant_id, started_at, duration_ms, url, status, error, \
           next_at, outcome, request_headers, response_headers, response_excerpt) values ",
    columns: 13,
    tail: " on conflict do nothing",
};
pub(in crate::store) const LITE_DELIVERED: Rows = Rows {
    head: "update deliveries set state = 'delivered', attempts = v.column2, last_status = v.column3, \
           last_error = null, settled_at = v.column4 from (values ",
    columns: 4,
    tail: ") v where deliveries.id = v.column1",
};
pub(in crate::store) const LITE_ENDED: Rows =
    Rows { head: "delete from due where delivery_id in (values ", columns: 1, tail: ")" };
pub(in crate::store) const LITE_RAISED: Rows =
    Rows { head: "delete from dead_letters where delivery_id in (values ", columns: 1, tail: ")" };
pub(in crate::store) const LITE_LATER: &str = "update due set due_at = $3, leased = false, claims = 0, run_attempts = run_attempts + 1, \
    attempts = $4 where delivery_id = $1 and epoch = $2";
pub(in crate::store) const LITE_DEAD: &str = "delete from due where delivery_id = $1 and epoch = $2";
pub(in crate::store) const LITE_DEAD_LETTER: &str = "insert into dead_letters \
    (delivery_id, tenant_id, environment, webhook_id, event_type, died_at) \
    values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
pub(in crate::store) const LITE_FAILED: &str = "update deliveries set state = $2, attempts = $3, last_status = $4, last_error = $5, \
    settled_at = $6 where id = $1";

pub(in crate::store) const PG_PARK: &str = "update due d set due_at = u.due_at, leased = false, claims = 0 \
    from unnest($1::uuid[], $2::bigint[], $3::bigint[]) u (id, epoch, due_at) \
    where d.delivery_id = u.id and d.epoch = u.epoch";
pub(in crate::store) const LITE_PARK: &str =
    "update due set due_at = $3, leased = false, claims = 0 where delivery_id = $1 and epoch = $2";

impl Store {
    /// Writes attempts and what follows from them; all or nothing.
    pub async fn settle(&self, rows: &[SettleRow]) -> Result<(), StoreError> {
        match &self.db {
            Db::Postgres(pool) => pg_settle(rows).execute(pool).await.map(drop)?,
            Db::Sqlite { write, .. } => {
                let mut tx = write.begin_with("begin immediate").await?;
                lite_settle(&mut tx, rows).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// Puts claimed deliveries back without an attempt, to be taken again at an instant.
    pub async fn park(&self, rows: &[(DeliveryId, i64, Timestamp)]) -> Result<(), StoreError> {
        match &self.db {
            Db::Postgres(pool) => {
                let park = sqlx::query(PG_PARK)
                    .bind(rows.iter().map(|(delivery, ..)| delivery.0).collect::<Vec<_>>())
                    .bind(rows.iter().map(|(_, epoch, _)| *epoch).collect::<Vec<_>>())
                    .bind(rows.iter().map(|(_, _, due_at)| due_at.as_millis()).collect::<Vec<_>>());
                park.execute(pool).await?;
            }
            Db::Sqlite { write, .. } => {
                let mut tx = write.begin_with("begin immediate").await?;
                for (delivery, epoch, due_at) in rows {
                    let park = sqlx::query(LITE_PARK).bind(delivery.0).bind(epoch).bind(due_at.as_millis());
                    park.execute(&mut *tx).await?;
                }
                tx.commit().await?;
            }
        }
        Ok(())
    }
}

type PgQuery<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn pg_settle(rows: &[SettleRow]) -> PgQuery<'_> {
    fn column<'a, T>(rows: &'a [SettleRow], get: impl Fn(&'a SettleRow) -> T) -> Vec<T> {
        rows.iter().map(get).collect()
    }
    sqlx::query(PG_SETTLE)
        .bind(column(rows, |r| r.delivery.0))
        .bind(column(rows, |r| r.epoch))
        .bind(column(rows, SettleRow::step_word))
        .bind(column(rows, SettleRow::next_at))
        .bind(column(rows, |r| r.number))
        .bind(column(rows, |r| r.status))
        .bind(column(rows, |r| r.error))
        .bind(column(rows, |r| r.scope.tenant.0))
        .bind(column(rows, |r| r.scope.environment.as_str()))
        .bind(column(rows, |r| r.webhook.0))
        .bind(column(rows, |r| r.event_type.as_str()))
        .bind(column(rows, |r| r.settled_at.as_millis()))
        .bind(column(rows, |r| r.started_at.as_millis()))
        .bind(column(rows, SettleRow::duration_ms))
        .bind(column(rows, |r| r.url.as_str()))
        .bind(column(rows, |r| r.outcome.as_str()))
        .bind(column(rows, |r| r.request_headers.as_str()))
        .bind(column(rows, |r| r.response_headers.as_str()))
        .bind(column(rows, |r| &r.response_excerpt[..]))
}

async fn lite_settle(conn: &mut SqliteConnection, rows: &[SettleRow]) -> Result<(), StoreError> {
    for rows in chunks(rows) {
        let text = LITE_ATTEMPTS.sql(rows.len());
        let mut insert = sqlx::query(&text);
        for row in rows {
            insert = insert.bind(row.delivery.0).bind(row.number).bind(row.scope.tenant.0);
            insert = insert.bind(row.started_at.as_millis()).bind(row.duration_ms()).bind(&row.url);
            insert = insert.bind(row.status).bind(row.error).bind(row.next_at()).bind(&row.outcome);
            insert = insert.bind(&row.request_headers).bind(&row.response_headers).bind(&row.response_excerpt);
        }
        insert.execute(&mut *conn).await?;
    }
    let (done, failed): (Vec<&SettleRow>, Vec<&SettleRow>) = rows.iter().partition(|row| row.step == NextStep::Done);
    for rows in chunks(&done) {
        let text = LITE_DELIVERED.sql(rows.len());
        let mut update = sqlx::query(&text);
        for row in rows {
            update = update.bind(row.delivery.0).bind(row.number).bind(row.status).bind(row.settled_at.as_millis());
        }
        update.execute(&mut *conn).await?;
        for statement in [LITE_ENDED, LITE_RAISED] {
            let text = statement.sql(rows.len());
            let mut delete = sqlx::query(&text);
            for row in rows {
                delete = delete.bind(row.delivery.0);
            }
            delete.execute(&mut *conn).await?;
        }
    }
    for row in failed {
        lite_settle_failure(conn, row).await?;
    }
    Ok(())
}

async fn lite_settle_failure(conn: &mut SqliteConnection, row: &SettleRow) -> Result<(), StoreError> {
    let id: Uuid = row.delivery.0;
    let in_force = match row.step {
        NextStep::Done => return Ok(()),
        NextStep::RetryAt(time) => {
            let later = sqlx::query(LITE_LATER).bind(id).bind(row.epoch).bind(time.as_millis()).bind(row.number);
            later.execute(&mut *conn).await?.rows_affected() == 1
        }
        NextStep::DeadLetter => {
            let dead = sqlx::query(LITE_DEAD).bind(id).bind(row.epoch);
            dead.execute(&mut *conn).await?.rows_affected() == 1
        }
    };
    if !in_force {
        return Ok(());
    }
    if row.step == NextStep::DeadLetter {
        let letter = sqlx::query(LITE_DEAD_LETTER)
            .bind(id)
            .bind(row.scope.tenant.0)
            .bind(row.scope.environment.as_str())
            .bind(row.webhook.0)
            .bind(row.event_type.as_str())
            .bind(row.settled_at.as_millis());
        letter.execute(&mut *conn).await?;
    }
    let failed = sqlx::query(LITE_FAILED).bind(id).bind(row.step_word()).bind(row.number).bind(row.status);
    failed.bind(row.error).bind(row.settled_at.as_millis()).execute(&mut *conn).await?;
    Ok(())
}
