//! A partition a day, made ahead and dropped whole (`PostgreSQL`); on `SQLite` old rows are deleted in small batches.

use std::time::Duration;

use uuid::Uuid;

use super::{Db, Store, StoreError};
use crate::domain::id::first_uuid_at;
use crate::domain::time::Timestamp;

const DAY: Duration = Duration::from_hours(24);
const TABLES: [&str; 3] = ["events", "deliveries", "attempts"];
// The lock keeps two processes from making or dropping the same partition at once: PostgreSQL answers that with an
// internal error, even to `if exists`.
const PG_LOCK: &str = "select pg_advisory_xact_lock(7236114)";
const PG_PARTITIONS: &str = "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid \
    join pg_class p on p.oid = i.inhparent where p.relname = $1";
const PG_FORGET_DUE: &str = "delete from due where delivery_id < $1";
const PG_FORGET_DEAD: &str = "delete from dead_letters where delivery_id < $1";
const LITE_FORGET: [&str; 5] = [
    "delete from due where delivery_id in (select delivery_id from due where delivery_id < $1 limit $2)",
    "delete from dead_letters where delivery_id in \
        (select delivery_id from dead_letters where delivery_id < $1 limit $2)",
    "delete from attempts where delivery_id in (select delivery_id from attempts where delivery_id < $1 limit $2)",
    "delete from deliveries where id in (select id from deliveries where id < $1 limit $2)",
    "delete from events where id in (select id from events where id < $1 limit $2)",
];

fn partition_name(table: &str, day: Timestamp) -> String {
    let text = day.to_string();
    format!("{table}_{}{}{}", &text[..4], &text[5..7], &text[8..10])
}

fn day_of(time: Timestamp) -> Timestamp {
    let day = i64::try_from(DAY.as_millis()).unwrap_or(1);
    Timestamp::from_millis(time.as_millis().div_euclid(day) * day)
}

impl Store {
    /// Makes the partitions from the day before `now` to `days_ahead` after it; returns how many were missing.
    pub async fn make_partitions(&self, now: Timestamp, days_ahead: u32) -> Result<u32, StoreError> {
        let Db::Postgres(pool) = &self.db else { return Ok(0) };
        let mut tx = pool.begin().await?;
        sqlx::query(PG_LOCK).execute(&mut *tx).await?;
        let mut made = 0;
        for table in TABLES {
            let existing: Vec<String> = sqlx::query_scalar(PG_PARTITIONS).bind(table).fetch_all(&mut *tx).await?;
            for ahead in 0..=days_ahead + 1 {
                let day = day_of(now.before(DAY)).after(DAY * ahead);
                let name = partition_name(table, day);
                if existing.contains(&name) {
                    continue;
                }
                let (from, to) = (first_uuid_at(day), first_uuid_at(day.after(DAY)));
                // Updated once, when it settles: room on the page makes that update stay there.
                let room = if table == "deliveries" { " with (fillfactor = 70)" } else { "" };
                let create =
                    format!("create table {name} partition of {table} for values from ('{from}') to ('{to}'){room}");
                // Names and bounds are made of dates alone; statements of this kind take no parameters.
                sqlx::query(&create).persistent(false).execute(&mut *tx).await?;
                made += 1;
            }
        }
        tx.commit().await?;
        Ok(made)
    }

    /// How many days have partitions, and the last of them; none where there are no partitions.
    pub async fn partition_days(&self) -> Result<Option<(usize, String)>, StoreError> {
        let Db::Postgres(pool) = &self.db else { return Ok(None) };
        let names: Vec<String> = sqlx::query_scalar(PG_PARTITIONS).bind(TABLES[0]).fetch_all(pool).await?;
        let last = names.iter().filter_map(|name| name.rsplit_once('_')).map(|(_, day)| day).max();
        let date = |day: &str| Some(format!("{}-{}-{}", day.get(..4)?, day.get(4..6)?, day.get(6..8)?));
        Ok(last.and_then(date).map(|last| (names.len(), last)))
    }

    /// Drops everything older than `before`; returns how many partitions or rows went.
    pub async fn drop_older_than(&self, before: Timestamp, rows_max: u32) -> Result<u64, StoreError> {
        let bound = day_of(before);
        match &self.db {
            Db::Postgres(_) => self.drop_partitions(bound).await,
            Db::Sqlite { write, .. } => {
                let id: Uuid = first_uuid_at(bound);
                let mut dropped = 0;
                for statement in LITE_FORGET {
                    let delete = sqlx::query(statement).bind(id).bind(i64::from(rows_max));
                    dropped += delete.execute(write).await?.rows_affected();
                }
                Ok(dropped)
            }
        }
    }

    async fn drop_partitions(&self, bound: Timestamp) -> Result<u64, StoreError> {
        let Db::Postgres(pool) = &self.db else { return Ok(0) };
        let mut dropped = 0;
        for table in TABLES {
            let first_kept = partition_name(table, bound);
            // One a transaction: each keeps everybody from the whole table while it lasts.
            loop {
                let mut tx = pool.begin().await?;
                sqlx::query(PG_LOCK).execute(&mut *tx).await?;
                let existing: Vec<String> = sqlx::query_scalar(PG_PARTITIONS).bind(table).fetch_all(&mut *tx).await?;
                let Some(name) = existing.into_iter().find(|name| *name < first_kept) else { break };
                // A name from the catalogue, which `make_partitions` made of letters and digits.
                sqlx::query(&format!("drop table {name}")).persistent(false).execute(&mut *tx).await?;
                tx.commit().await?;
                dropped += 1;
            }
        }
        let id: Uuid = first_uuid_at(bound);
        sqlx::query(PG_FORGET_DUE).bind(id).execute(pool).await?;
        sqlx::query(PG_FORGET_DEAD).bind(id).execute(pool).await?;
        Ok(dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_name_and_names_sort_by_day() {
        let noon = Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").expect("valid");
        assert_eq!(partition_name("events", day_of(noon)), "events_20261121");
        assert!(partition_name("events", day_of(noon)) < partition_name("events", day_of(noon.after(DAY))));
    }
}
