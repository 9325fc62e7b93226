//! Delivery statistics: a process' minutes, written as they stand, many at once.

use super::super::delivery_stats::{StatsRow, durations_text};
use super::super::{Db, Store, StoreError};

pub(in crate::store) const PG_WRITE: &str = "insert into delivery_stats (tenant_id, environment, webhook_id, starts_at, \
        span, outcome, writer, attempts, delivered, dead, duration_us, durations) \
    select u.tenant_id, u.environment, u.webhook_id, u.starts_at, 'minute', u.outcome, $6, u.attempts, u.delivered, \
        u.dead, u.duration_us, u.durations \
    from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::text[], $7::bigint[], $8::bigint[], \
        $9::bigint[], $10::bigint[], $11::text[]) \
        u (tenant_id, environment, webhook_id, starts_at, outcome, attempts, delivered, dead, duration_us, durations) \
    on conflict (tenant_id, environment, webhook_id, starts_at, span, outcome, writer) do update \
    set attempts = excluded.attempts, delivered = excluded.delivered, dead = excluded.dead, \
        duration_us = excluded.duration_us, durations = excluded.durations";
pub(in crate::store) const LITE_WRITE: &str = "insert into delivery_stats (tenant_id, environment, webhook_id, starts_at, \
        span, outcome, writer, attempts, delivered, dead, duration_us, durations) \
    values ($1, $2, $3, $4, 'minute', $5, $6, $7, $8, $9, $10, $11) \
    on conflict (tenant_id, environment, webhook_id, starts_at, span, outcome, writer) do update \
    set attempts = excluded.attempts, delivered = excluded.delivered, dead = excluded.dead, \
        duration_us = excluded.duration_us, durations = excluded.durations";

impl Store {
    /// Writes the minutes of a process as they stand now: written again, they replace themselves.
    pub async fn write_stats(&self, writer: uuid::Uuid, rows: &[StatsRow]) -> Result<(), StoreError> {
        match &self.db {
            Db::Postgres(pool) => pg_write(writer, rows).execute(pool).await.map(drop)?,
            Db::Sqlite { write, .. } => {
                let mut tx = write.begin_with("begin immediate").await?;
                for row in rows {
                    let (tenant, environment, webhook) = row.of.key();
                    let [attempts, delivered, dead, micros] = row.numbers();
                    let insert = sqlx::query(LITE_WRITE).bind(tenant).bind(environment).bind(webhook);
                    let insert = insert.bind(row.starts_at.as_millis()).bind(row.outcome.as_str()).bind(writer);
                    let insert = insert.bind(attempts).bind(delivered).bind(dead).bind(micros);
                    insert.bind(durations_text(&row.tally)).execute(&mut *tx).await?;
                }
                tx.commit().await?;
            }
        }
        Ok(())
    }
}

fn pg_write(
    writer: uuid::Uuid,
    rows: &[StatsRow],
) -> sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments> {
    let number = |index: usize| rows.iter().map(|row| row.numbers()[index]).collect::<Vec<_>>();
    sqlx::query(PG_WRITE)
        .bind(rows.iter().map(|row| row.of.key().0).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.of.key().1).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.of.key().2).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.starts_at.as_millis()).collect::<Vec<_>>())
        .bind(rows.iter().map(|row| row.outcome.as_str()).collect::<Vec<_>>())
        .bind(writer)
        .bind(number(0))
        .bind(number(1))
        .bind(number(2))
        .bind(number(3))
        .bind(rows.iter().map(|row| durations_text(&row.tally)).collect::<Vec<_>>())
}
