//! A step of a replay job: many deliveries made pending again at once, and many runs noted.

use std::collections::HashSet;

use sqlx::{PgConnection, SqliteConnection};
use uuid::Uuid;

use super::super::replay_runs::RunChange;
use super::super::replays::Replay;
use super::super::{StoreError, chunks};
use super::Rows;
use super::settle::LITE_RAISED;
use crate::domain::replay::Candidate;
use crate::domain::time::Timestamp;

// Only deliveries that still stand as they were found, which was within the job's scope: named once more here, it would
// be another index to walk for each. A new run starts with an epoch that no earlier claim can have had. `returning`
// carries the input on; a second join with the CTE would be a nested loop.
pub(in crate::store) const PG_MAKE: &str = "with revived as (update deliveries d set state = 'pending' \
        from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::bigint[]) \
            i (delivery_id, webhook_id, event_id, state, attempts) \
        where d.id = i.delivery_id and d.state = i.state and d.attempts = i.attempts \
        returning i.delivery_id, i.webhook_id, i.event_id, i.attempts), \
    again as (insert into due (delivery_id, tenant_id, webhook_id, event_id, due_at, epoch, leased, claims, \
            run_attempts, attempts) \
        select delivery_id, $2, webhook_id, event_id, $8, $8, false, 0, 0, attempts from revived \
        on conflict do nothing), \
    raised as (delete from dead_letters l using revived r where l.delivery_id = r.delivery_id) \
    insert into replay_runs (replay_id, delivery_id, state, look_at) \
    select $1, delivery_id, 'pending', $8 from revived on conflict do nothing";
// The job's id comes with each row: as one parameter it would be a way to the rows by itself, through all of the job's.
pub(in crate::store) const PG_NOTE: &str = "update replay_runs r set state = u.state, look_at = u.look_at \
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) u (replay_id, delivery_id, state, look_at) \
    where r.replay_id = u.replay_id and r.delivery_id = u.delivery_id";

pub(in crate::store) const LITE_REVIVE: Rows = Rows {
    head: "update deliveries set state = 'pending' from (values ",
    columns: 3,
    tail: ") v where deliveries.id = v.column1 and deliveries.state = v.column2 and deliveries.attempts = v.column3 \
           returning deliveries.id",
};
pub(in crate::store) const LITE_AGAIN: Rows = Rows {
    head: "insert into due (delivery_id, tenant_id, webhook_id, event_id, attempts, due_at, epoch, leased, claims, \
           run_attempts) select column1, column2, column3, column4, column5, column6, column6, false, 0, 0 \
           from (values ",
    columns: 6,
    tail: ") where true on conflict do nothing",
};
pub(in crate::store) const LITE_MAKE: Rows = Rows {
    head: "insert into replay_runs (replay_id, delivery_id, look_at, state) \
           select column1, column2, column3, 'pending' from (values ",
    columns: 3,
    tail: ") where true on conflict do nothing",
};
pub(in crate::store) const LITE_NOTE: Rows = Rows {
    head: "update replay_runs set state = v.column3, look_at = v.column4 from (values ",
    columns: 4,
    tail: ") v where replay_runs.replay_id = v.column1 and replay_runs.delivery_id = v.column2",
};

/// What a step writes, on a connection of either database.
pub(in crate::store) trait WriteRuns {
    /// Makes deliveries pending again and notes a run for each; how many.
    async fn make_runs(&mut self, job: &Replay, runs: &[Candidate], now: Timestamp) -> Result<u64, StoreError>;

    /// Notes what became of runs.
    async fn note_runs(&mut self, job: &Replay, changes: &[RunChange]) -> Result<(), StoreError>;
}

impl WriteRuns for PgConnection {
    async fn make_runs(&mut self, job: &Replay, runs: &[Candidate], now: Timestamp) -> Result<u64, StoreError> {
        if runs.is_empty() {
            return Ok(0);
        }
        let make = sqlx::query(PG_MAKE)
            .bind(job.id.0)
            .bind(job.scope.tenant.0)
            .bind(runs.iter().map(|run| run.delivery.0).collect::<Vec<_>>())
            .bind(runs.iter().map(|run| run.webhook.0).collect::<Vec<_>>())
            .bind(runs.iter().map(|run| run.event.0).collect::<Vec<_>>())
            .bind(runs.iter().map(|run| run.state.as_str()).collect::<Vec<_>>())
            .bind(runs.iter().map(|run| run.attempts).collect::<Vec<_>>())
            .bind(now.as_millis());
        Ok(make.execute(self).await?.rows_affected())
    }

    async fn note_runs(&mut self, job: &Replay, changes: &[RunChange]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let note = sqlx::query(PG_NOTE)
            .bind(vec![job.id.0; changes.len()])
            .bind(changes.iter().map(|change| change.delivery.0).collect::<Vec<_>>())
            .bind(changes.iter().map(|change| change.state.as_str()).collect::<Vec<_>>())
            .bind(changes.iter().map(|change| change.look_at.as_millis()).collect::<Vec<_>>());
        note.execute(self).await?;
        Ok(())
    }
}

impl WriteRuns for SqliteConnection {
    async fn make_runs(&mut self, job: &Replay, runs: &[Candidate], now: Timestamp) -> Result<u64, StoreError> {
        let mut made = 0;
        for runs in chunks(runs) {
            let text = LITE_REVIVE.sql(runs.len());
            let mut revive = sqlx::query_scalar(&text);
            for run in runs {
                revive = revive.bind(run.delivery.0).bind(run.state.as_str()).bind(run.attempts);
            }
            let revived: HashSet<Uuid> = revive.fetch_all(&mut *self).await?.into_iter().collect();
            let runs: Vec<_> = runs.iter().filter(|run| revived.contains(&run.delivery.0)).collect();
            for runs in chunks(&runs) {
                made += lite_make(self, job, runs, now).await?;
            }
        }
        Ok(made)
    }

    async fn note_runs(&mut self, job: &Replay, changes: &[RunChange]) -> Result<(), StoreError> {
        for changes in chunks(changes) {
            let text = LITE_NOTE.sql(changes.len());
            let mut note = sqlx::query(&text);
            for RunChange { delivery, state, look_at, was_waiting: _ } in changes {
                note = note.bind(job.id.0).bind(delivery.0).bind(state.as_str()).bind(look_at.as_millis());
            }
            note.execute(&mut *self).await?;
        }
        Ok(())
    }
}

async fn lite_make(
    conn: &mut SqliteConnection,
    job: &Replay,
    runs: &[&Candidate],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let (again, raise, make) = (LITE_AGAIN.sql(runs.len()), LITE_RAISED.sql(runs.len()), LITE_MAKE.sql(runs.len()));
    let (mut again, mut raise, mut make) = (sqlx::query(&again), sqlx::query(&raise), sqlx::query(&make));
    for run in runs {
        let id = run.delivery.0;
        again = again.bind(id).bind(job.scope.tenant.0).bind(run.webhook.0).bind(run.event.0).bind(run.attempts);
        again = again.bind(now.as_millis());
        raise = raise.bind(id);
        make = make.bind(job.id.0).bind(id).bind(now.as_millis());
    }
    again.execute(&mut *conn).await?;
    raise.execute(&mut *conn).await?;
    Ok(make.execute(&mut *conn).await?.rows_affected())
}
