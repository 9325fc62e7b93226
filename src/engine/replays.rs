//! Replay jobs: counted ahead, made, paused, resumed, called off; and moved on by the scheduler.
//!
//! A step notes what became of runs, makes the next and moves the job's place in one transaction, so whenever a process
//! dies, none is skipped and none is made twice. A run is the delivery itself, made pending again: it goes the way of
//! every retry, behind first attempts and within its webhook's own limits. A job makes as many runs as its rate allows,
//! and no more while [`crate::config::Replays::outstanding_max`] of its runs had no attempt yet: a receiver that does not
//! keep up is not given more.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;

use super::Engine;
use super::asker;
use super::audit::Action;
use super::directory::Snapshot;
use crate::chance;
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{ReplayId, WebhookId, first_uuid_at};
use crate::domain::replay::{BURST, Pace, ReplayFilter, ReplayState, Skip, skip};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::replay_runs::{RunChange, RunSeen, RunState, Step};
use crate::store::replay_walk::{Span, Walk};
use crate::store::replays::{Replay, ReplayChange};

/// Deliveries that one step of a job, or of a count, looks at.
const STEP: u32 = 1_000;
/// Runs that a step should make: fewer are not worth one, and many at once come in a gust.
const STEP_RUNS: u32 = 10;
/// Jobs of all tenants that one turn moves on.
const JOBS_MAX: u32 = 200;
/// How many of a preview's webhooks and types are named.
const TOP_MAX: usize = 5;
/// When a run is looked at again whose webhook does not send.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Runs beyond the outstanding ones that one turn looks at.
const LOOKS_MAX: u32 = 500;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct NewReplay {
    /// Which deliveries.
    pub filter: ReplayFilter,
    /// Only dead letters.
    pub only_failed: bool,
    /// Runs in a second; none: as many as its webhooks take, up to the default.
    pub rate: Option<u32>,
    /// In which order.
    pub newest_first: bool,
}

/// Why a job was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is none of that id in this scope.
    #[error("there is no such replay")]
    NotFound,
    /// It is not in a state for that.
    #[error("the replay is {}", .0.as_str())]
    State(ReplayState),
    /// The tenant has as many unfinished ones as it may.
    #[error("there are as many unfinished replays as there may be: {max}")]
    TooMany {
        /// The limit.
        max: u32,
    },
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a job would do.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    /// Deliveries that it would attempt again.
    pub count: u64,
    /// False when there are more: counting has a bound.
    pub is_exact: bool,
    /// When the oldest of them was made.
    pub oldest: Option<Timestamp>,
    /// When the newest of them was made.
    pub newest: Option<Timestamp>,
    /// The webhooks with the most of them.
    pub top_webhooks: Vec<(WebhookId, u64)>,
    /// The event types with the most of them.
    pub top_event_types: Vec<(String, u64)>,
    /// Runs in a second where nobody says: what its webhooks take, up to the default.
    pub rate: u32,
    /// What would be passed over: at which webhook, why, and how many.
    pub skipped: Vec<(WebhookId, Skip, u64)>,
}

impl Preview {
    fn skipped_count(&self) -> u64 {
        self.skipped.iter().map(|(_, _, count)| count).sum()
    }
}

fn walk_of(filter: &ReplayFilter, only_failed: bool) -> Walk<'_> {
    match (filter.deliveries.as_slice(), filter.events.as_slice(), filter.webhook) {
        ([_, ..], _, _) => Walk::Deliveries(&filter.deliveries),
        ([], [_, ..], _) => Walk::Events(&filter.events),
        ([], [], _) if only_failed => Walk::DeadLetters,
        ([], [], Some(webhook)) => Walk::Webhook(webhook),
        ([], [], None) => Walk::Scope,
    }
}

/// What was made until now, within the bounds of the filter.
fn span_of(new: &NewReplay, now: Timestamp) -> Span {
    let end = now.after(Duration::from_millis(1));
    Span {
        low: first_uuid_at(new.filter.created_after.unwrap_or_default()),
        high: first_uuid_at(new.filter.created_before.map_or(end, |before| before.min(end))),
        newest_first: new.newest_first,
    }
}

/// The entries with the largest numbers, largest first.
fn top<K: Ord>(counts: HashMap<K, u64>) -> Vec<(K, u64)> {
    let mut entries: Vec<_> = counts.into_iter().collect();
    entries.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    entries.truncate(TOP_MAX);
    entries
}

const fn pace_of(replay: &Replay) -> Pace {
    Pace { rate: replay.rate, used_until: replay.paced_at }
}

/// What has become of a run, if anything.
fn change_of(run: &RunSeen, now: Timestamp) -> Option<RunChange> {
    let (state, look_at) = match run.state {
        Some(DeliveryState::Delivered) => (RunState::Delivered, Timestamp::NEVER),
        Some(DeliveryState::Dead | DeliveryState::Cancelled) | None => (RunState::Failed, Timestamp::NEVER),
        Some(DeliveryState::Pending) => match run.due_at {
            Some(Timestamp::NEVER) => (RunState::Waiting, now.after(LOOK_AGAIN)),
            Some(due_at) if run.run_attempts > 0 && !run.leased && due_at > now => (RunState::Waiting, due_at),
            Some(_) | None => return None,
        },
    };
    Some(RunChange { delivery: run.delivery, was_waiting: run.was_waiting, state, look_at })
}

impl Engine {
    /// Counts what a job would do, up to the bound of counting.
    pub async fn preview_replay(&self, scope: Scope, new: &NewReplay) -> Result<Preview, StoreError> {
        let directory = self.refresh_directory().await?;
        let mut span = span_of(new, self.clock.now());
        let most = u64::from(self.limits.replays.preview_max);
        let (mut preview, mut looked_at) = (Preview::default(), 0u64);
        let (mut webhooks, mut types) = (HashMap::new(), HashMap::<String, u64>::new());
        let mut skipped = HashMap::<(WebhookId, Skip), u64>::new();
        while preview.count < most && looked_at < most {
            let walk = walk_of(&new.filter, new.only_failed);
            let found = self.store.candidates(scope, walk, span, STEP).await?;
            looked_at += u64::from(STEP);
            for candidate in found.iter().filter(|candidate| new.filter.admits(candidate, new.only_failed)) {
                let webhook = directory.listener(candidate.webhook).map(|listener| &listener.webhook);
                if let Some(why) = skip(candidate, webhook) {
                    *skipped.entry((candidate.webhook, why)).or_default() += 1;
                    continue;
                }
                let at = candidate.delivery.time();
                preview.count += 1;
                preview.oldest = Some(preview.oldest.map_or(at, |oldest| oldest.min(at)));
                preview.newest = Some(preview.newest.map_or(at, |newest| newest.max(at)));
                *webhooks.entry(candidate.webhook).or_default() += 1;
                *types.entry(candidate.event_type.clone()).or_default() += 1;
            }
            preview.is_exact = found.len() < usize::try_from(STEP).unwrap_or(usize::MAX);
            match found.last() {
                Some(last) if !preview.is_exact => span = span.past(last.delivery),
                Some(_) | None => break,
            }
        }
        preview.rate = self.rate_for(scope, &directory, &webhooks);
        preview.top_webhooks = top(webhooks);
        preview.top_event_types = top(types);
        preview.skipped = skipped.into_iter().map(|((webhook, why), count)| (webhook, why, count)).collect();
        preview.skipped.sort_unstable();
        Ok(preview)
    }

    /// Runs in a second at which no webhook is given more than its own rates: so a job takes as long as it says.
    fn rate_for(&self, scope: Scope, directory: &Snapshot, counts: &HashMap<WebhookId, u64>) -> u32 {
        let sold = self.plan_in(directory, scope.tenant).webhook_rate;
        let time = |(webhook, count): (&WebhookId, &u64)| {
            let listener = directory.listener(*webhook)?;
            Some(self.pace_sold(&listener.webhook, sold).time_for(*count))
        };
        let millis = counts.iter().filter_map(time).max().unwrap_or_default().as_millis();
        let all = u128::from(counts.values().sum::<u64>());
        let rate = (all * 1_000).checked_div(millis).and_then(|rate| u32::try_from(rate).ok());
        rate.unwrap_or(u32::MAX).clamp(1, self.limits.replays.rate_default)
    }

    /// Makes a job. It covers what was made until now.
    pub async fn start_replay(&self, scope: Scope, new: NewReplay) -> Result<Replay, ReplayError> {
        let preview = self.preview_replay(scope, &new).await?;
        let now = self.clock.now();
        let Span { low, high, newest_first } = span_of(&new, now);
        let replay = Replay {
            id: ReplayId::new(now, chance::id_tail()),
            scope,
            filter: new.filter,
            only_failed: new.only_failed,
            newest_first,
            rate: new.rate.unwrap_or(preview.rate),
            state: ReplayState::Running,
            note: None,
            asked_by: asker::actor(),
            total: preview.count + preview.skipped_count(),
            total_is_exact: preview.is_exact,
            made: 0,
            waiting: 0,
            delivered: 0,
            failed: 0,
            skipped: 0,
            low,
            high,
            walked: false,
            is_open: true,
            paced_at: now.before(BURST),
            version: 1,
            created_at: now,
            updated_at: now,
            ended_at: None,
        };
        let max = self.limits.replays.unfinished_max;
        let told = json!({
            "filter": replay.filter, "onlyFailed": replay.only_failed, "rate": replay.rate, "total": replay.total,
        });
        let line = self.line(scope, Action::ReplayStart, replay.id, told);
        if self.store.insert_replay(&replay, max, line.as_ref()).await? {
            Ok(replay)
        } else {
            Err(ReplayError::TooMany { max })
        }
    }

    /// One job.
    pub async fn replay_job(&self, scope: Scope, id: ReplayId) -> Result<Replay, ReplayError> {
        self.store.replay(scope, id).await?.ok_or(ReplayError::NotFound)
    }

    /// Pauses, resumes or calls off a job.
    pub async fn change_replay(&self, scope: Scope, id: ReplayId, change: ReplayChange) -> Result<Replay, ReplayError> {
        let action = match change {
            ReplayChange::Pause => Action::ReplayPause,
            ReplayChange::Resume => Action::ReplayResume,
            ReplayChange::Cancel => Action::ReplayCancel,
        };
        let line = self.line(scope, action, id, json!({}));
        let changed = self.store.change_replay(scope, id, change, self.clock.now(), line.as_ref()).await?;
        let replay = self.replay_job(scope, id).await?;
        if changed { Ok(replay) } else { Err(ReplayError::State(replay.state)) }
    }

    /// Moves every open job on: looks at its runs, and makes the next. When to do so again, if one has more to make.
    pub async fn advance_replays(&self) -> Result<Option<Duration>, StoreError> {
        let open = self.store.open_replays(JOBS_MAX).await?;
        for replay in &open {
            match self.advance_replay(replay).await {
                Ok(()) => {}
                Err(error) if error.is_busy() => return Err(error),
                Err(error) => {
                    tracing::error!(replay.id = %replay.id, "{} cannot go on: {error}", replay.id);
                    let note = "The database refused what it does; the log says why.";
                    self.store.fail_replay(replay.id, note, self.clock.now()).await?;
                }
            }
        }
        let goes_on = |replay: &&Replay| replay.state == ReplayState::Running && !replay.walked;
        Ok(open.iter().filter(goes_on).map(|replay| Pace::time_for(replay.rate, STEP_RUNS)).min())
    }

    async fn advance_replay(&self, replay: &Replay) -> Result<(), StoreError> {
        let now = self.clock.now();
        let looks = self.limits.replays.outstanding_max + LOOKS_MAX;
        let seen = self.store.runs_to_look_at(replay.id, now, looks).await?;
        let mut step = Step::of_changes(replay, seen.iter().filter_map(|run| change_of(run, now)).collect());
        let most = self.may_make(replay, &step.changes, now);
        if most > 0 {
            self.find_runs(replay, most, now, &mut step).await?;
        } else if step.changes.is_empty() {
            return Ok(());
        }
        self.store.step_replay(replay, &step, now).await?;
        Ok(())
    }

    /// How many runs a job may make now, once it is noted what became of earlier ones.
    fn may_make(&self, replay: &Replay, changes: &[RunChange], now: Timestamp) -> usize {
        if replay.state != ReplayState::Running || replay.walked {
            return 0;
        }
        let attempted = changes.iter().filter(|change| !change.was_waiting).count();
        let outstanding = replay.outstanding().saturating_sub(u64::try_from(attempted).unwrap_or(u64::MAX));
        let room = u64::from(self.limits.replays.outstanding_max).saturating_sub(outstanding);
        let room = u32::try_from(room).unwrap_or(u32::MAX).min(self.limits.replays.batch_max);
        usize::try_from(pace_of(replay).allows(now).min(room)).unwrap_or(0)
    }

    /// Walks on, up to so many runs.
    async fn find_runs(&self, replay: &Replay, most: usize, now: Timestamp, step: &mut Step) -> Result<(), StoreError> {
        let directory = self.refresh_directory().await?;
        let walk = walk_of(&replay.filter, replay.only_failed);
        // As many as it may make, mostly enough; twice as many each time that its filter wants few of them.
        let (mut next, mut looked_at) = (most, 0);
        while !step.walked && step.runs.len() < most && looked_at < STEP {
            let max = u32::try_from(next).unwrap_or(STEP).min(STEP - looked_at);
            let found = self.store.candidates(replay.scope, walk, step.left, max).await?;
            step.walked = found.len() < usize::try_from(max).unwrap_or(usize::MAX);
            (looked_at, next) = (looked_at + max, next * 2);
            for candidate in found {
                if step.runs.len() == most {
                    step.walked = false;
                    break;
                }
                step.left = step.left.past(candidate.delivery);
                if !replay.filter.admits(&candidate, replay.only_failed) {
                    continue;
                }
                let webhook = directory.listener(candidate.webhook).map(|listener| &listener.webhook);
                match skip(&candidate, webhook) {
                    Some(_) => step.skipped += 1,
                    None => step.runs.push(candidate),
                }
            }
        }
        step.paced_at = pace_of(replay).after(now, u32::try_from(step.runs.len()).unwrap_or(u32::MAX));
        Ok(())
    }
}
