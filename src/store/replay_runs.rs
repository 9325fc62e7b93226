//! The runs that replay jobs make, and what becomes of them.

use uuid::Uuid;

use super::dialect::replay_runs::WriteRuns as _;
use super::replay_walk::{Span, state};
use super::replays::{Replay, signed};
use super::{IdSpan, Store, StoreError, in_tx, on_read};
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{DeliveryId, EventId, ReplayId, WebhookId};
use crate::domain::replay::{Candidate, ReplayState};
use crate::domain::time::Timestamp;

/// Takes the job's row as it was read: whoever comes second finds another version.
const TAKE: &str = "update replays set version = version + 1 where id = $1 and version = $2 and state = $3 and is_open";
const MOVE: &str = "update replays set made = made + $2, skipped = skipped + $3, waiting = waiting + $4, \
    delivered = delivered + $5, failed = failed + $6, low_id = $7, high_id = $8, walked = $9, paced_at = $10, \
    updated_at = $11 where id = $1";
const COUNT_ALL: &str = "update replays set total = made + skipped, total_is_exact = true where id = $1 and walked";
const FINISH: &str = "update replays set is_open = false, ended_at = coalesce(ended_at, $2), updated_at = $2, \
    state = case when state in ('running', 'paused') then 'done' else state end \
    where id = $1 and is_open and made = delivered + failed and (walked or state in ('cancelled', 'failed'))";

pub(super) const TO_LOOK_AT: &str = "select r.delivery_id, r.state, d.state, q.run_attempts, q.due_at, q.leased \
    from replay_runs r left join deliveries d on d.id = r.delivery_id left join due q on q.delivery_id = r.delivery_id \
    where r.replay_id = $1 and r.state in ('pending', 'waiting') and r.look_at <= $2 order by r.look_at limit $3";

macro_rules! failed {
    ($tail:literal) => {
        concat!(
            "select r.delivery_id, d.event_id, d.event_type, d.webhook_id, d.state, d.last_status, d.last_error \
             from replay_runs r left join deliveries d on d.id = r.delivery_id and d.tenant_id = $2 \
             where r.replay_id = $1 and r.state = 'failed' and r.delivery_id >= $3 and r.delivery_id < $4 ",
            $tail
        )
    };
}
const FAILED: &str = failed!("order by r.delivery_id desc limit $5 offset $6");
const FAILED_BACK: &str = failed!("order by r.delivery_id limit $5 offset $6");

/// What one step of a job does.
#[derive(Debug, Clone)]
pub struct Step {
    /// What became of runs that it made before.
    pub changes: Vec<RunChange>,
    /// Deliveries to attempt again, each as it was found.
    pub runs: Vec<Candidate>,
    /// How many were meant and passed over.
    pub skipped: u64,
    /// What is left.
    pub left: Span,
    /// Whether that is nothing.
    pub walked: bool,
    /// Up to when the rate is used.
    pub paced_at: Timestamp,
}

impl Step {
    /// One that moves nothing but what became of earlier runs.
    #[must_use]
    pub fn of_changes(replay: &Replay, changes: Vec<RunChange>) -> Self {
        Self {
            changes,
            runs: Vec::new(),
            skipped: 0,
            left: replay.left(),
            walked: replay.walked,
            paced_at: replay.paced_at,
        }
    }

    /// How many more of a job's runs are waiting, delivered and failed.
    fn settled(&self) -> [i64; 3] {
        let count = |is_one: &dyn Fn(&RunChange) -> bool| {
            let count = self.changes.iter().filter(|change| is_one(change)).count();
            i64::try_from(count).unwrap_or(i64::MAX)
        };
        let now = |state: RunState| count(&|change| change.state == state);
        let were_waiting = count(&|change| change.was_waiting);
        [now(RunState::Waiting) - were_waiting, now(RunState::Delivered), now(RunState::Failed)]
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It had no attempt yet.
    Pending,
    /// It was tried, and waits for a retry or for its webhook.
    Waiting,
    /// The receiver has it.
    Delivered,
    /// It is dead, cancelled or gone.
    Failed,
}

impl RunState {
    /// The word that the database uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// A run, and what the delivery says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSeen {
    /// Which.
    pub delivery: DeliveryId,
    /// Whether it was waiting when it was last looked at.
    pub was_waiting: bool,
    /// The delivery's state; none once retention has dropped it.
    pub state: Option<DeliveryState>,
    /// Attempts of this run, while it is not final.
    pub run_attempts: i64,
    /// When the next is due.
    pub due_at: Option<Timestamp>,
    /// Whether somebody holds it.
    pub leased: bool,
}

/// A run that has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunChange {
    /// Which.
    pub delivery: DeliveryId,
    /// Whether it was waiting before.
    pub was_waiting: bool,
    /// Where it stands now.
    pub state: RunState,
    /// When to look again.
    pub look_at: Timestamp,
}

/// A run that failed, as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "as those of a delivery; none where retention has dropped it")]
pub struct FailedRun {
    pub delivery: DeliveryId,
    pub event: Option<EventId>,
    pub event_type: Option<String>,
    pub webhook: Option<WebhookId>,
    pub state: Option<String>,
    pub last_status: Option<i64>,
    pub last_error: Option<String>,
}

type FailedRow = (Uuid, Option<Uuid>, Option<String>, Option<Uuid>, Option<String>, Option<i64>, Option<String>);
type SeenRow = (Uuid, String, Option<String>, Option<i64>, Option<i64>, Option<bool>);

fn seen((id, run, delivery, run_attempts, due_at, leased): SeenRow) -> Result<RunSeen, StoreError> {
    Ok(RunSeen {
        delivery: DeliveryId(id),
        was_waiting: run == RunState::Waiting.as_str(),
        state: delivery.map(|text| state(&text, id)).transpose()?,
        run_attempts: run_attempts.unwrap_or(0),
        due_at: due_at.map(Timestamp::from_millis),
        leased: leased.unwrap_or(false),
    })
}

impl Store {
    /// Makes one step of a job, all of it or nothing; how many runs it made. `None` when the job has changed since the
    /// caller read it.
    pub async fn step_replay(&self, replay: &Replay, step: &Step, now: Timestamp) -> Result<Option<u64>, StoreError> {
        let [waiting, delivered, failed] = step.settled();
        let may_be_over = step.walked || replay.state != ReplayState::Running;
        Ok(in_tx!(self, |tx| {
            let take = sqlx::query(TAKE).bind(replay.id.0).bind(replay.version).bind(replay.state.as_str());
            if take.execute(&mut *tx).await?.rows_affected() == 0 {
                None
            } else {
                tx.note_runs(replay, &step.changes).await?;
                let made = tx.make_runs(replay, &step.runs, now).await?;
                let passed_over = step.skipped + u64::try_from(step.runs.len()).unwrap_or(u64::MAX) - made;
                let moved = sqlx::query(MOVE).bind(replay.id.0).bind(signed(made)).bind(signed(passed_over));
                let moved = moved.bind(waiting).bind(delivered).bind(failed).bind(step.left.low).bind(step.left.high);
                let moved = moved.bind(step.walked).bind(step.paced_at.as_millis()).bind(now.as_millis());
                moved.execute(&mut *tx).await?;
                if may_be_over {
                    sqlx::query(COUNT_ALL).bind(replay.id.0).execute(&mut *tx).await?;
                    sqlx::query(FINISH).bind(replay.id.0).bind(now.as_millis()).execute(&mut *tx).await?;
                }
                Some(made)
            }
        }))
    }

    /// Runs that are to be looked at, longest overdue first.
    pub async fn runs_to_look_at(&self, id: ReplayId, now: Timestamp, max: u32) -> Result<Vec<RunSeen>, StoreError> {
        let rows: Vec<SeenRow> = on_read!(self, |db| {
            let select = sqlx::query_as(TO_LOOK_AT).bind(id.0).bind(now.as_millis());
            select.bind(i64::from(max)).fetch_all(db).await
        })?;
        rows.into_iter().map(seen).collect()
    }

    /// A page of the runs that failed, newest delivery first. The caller has asked whose the job is.
    pub async fn failed_runs_page(
        &self,
        replay: &Replay,
        span: IdSpan,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<FailedRun>, StoreError> {
        let (page, (from, before)) = (if span.oldest_first { FAILED_BACK } else { FAILED }, span.bounds());
        let rows: Vec<FailedRow> = on_read!(self, |db| {
            let page = sqlx::query_as(page).bind(replay.id.0).bind(replay.scope.tenant.0);
            let page = page.bind(from).bind(before);
            page.bind(i64::from(limit)).bind(i64::from(offset)).fetch_all(db).await
        })?;
        let failed = |(id, event, event_type, webhook, state, last_status, last_error): FailedRow| FailedRun {
            delivery: DeliveryId(id),
            event: event.map(EventId),
            event_type,
            webhook: webhook.map(WebhookId),
            state,
            last_status,
            last_error,
        };
        Ok(rows.into_iter().map(failed).collect())
    }
}
