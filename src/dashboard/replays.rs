//! Replay jobs: the list, and one of them with its progress. The form that starts one is in [`super::replay_form`].

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

use super::Dashboard;
use super::access::{Actor, ReadDeliveries, Reader, WriteDeliveries};
use super::layout::{Choice, Frame};
use super::page::{self, Failure};
use super::params::Params;
use super::preferences::go_and_say;
use super::words::{self, Badge, Time, grouped, in_words, span, state};
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{DeliveryId, ReplayId};
use crate::domain::replay::{ReplayFilter, ReplayState};
use crate::domain::time::Timestamp;
use crate::engine::directory::Snapshot;
use crate::engine::replays::ReplayError;
use crate::store::IdSpan;
use crate::store::replay_runs::FailedRun;
use crate::store::replays::{Replay, ReplayChange};

/// The screen's address.
pub(super) const SECTION: &str = "/ui/replays";
/// Seconds after which the page of a job that goes on is loaded again.
const REFRESH: (HeaderName, HeaderValue) = (HeaderName::from_static("refresh"), HeaderValue::from_static("5"));

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route(SECTION, get(list))
        .route("/ui/replays/{id}", get(show))
        .route("/ui/replays/{id}/pause", post(pause))
        .route("/ui/replays/{id}/resume", post(resume))
        .route("/ui/replays/{id}/cancel", post(cancel))
}

impl From<ReplayError> for Failure {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::NotFound => Self::NotFound("replay"),
            ReplayError::State(state) => {
                Self::Refused(format!("The replay is {}, which does not allow that.", state.as_str()))
            }
            ReplayError::TooMany { max } => Self::Refused(format!(
                "There are {max} unfinished replays, as many as there may be: wait for one, or cancel one."
            )),
            ReplayError::Store(error) => error.into(),
        }
    }
}

fn id_in_path(text: &str) -> Result<ReplayId, Failure> {
    text.parse().map_err(|_| Failure::NotFound("replay"))
}

impl Badge {
    const fn of_replay(replay: &Replay) -> Self {
        let (tone, word) = match replay.state {
            ReplayState::Running => ("retrying", "running"),
            ReplayState::Paused => ("waiting", "paused"),
            ReplayState::Cancelled => ("idle", "cancelled"),
            ReplayState::Done if replay.failed > 0 => ("bad", "done, with failures"),
            ReplayState::Done => ("good", "done"),
            ReplayState::Failed => ("bad", "failed"),
        };
        Self { tone, word }
    }
}

/// How far a job is.
pub(super) struct Progress {
    done: u64,
    /// At least 1: a bar has a length.
    total: u64,
    percent: u64,
}

impl Progress {
    fn of(replay: &Replay) -> Self {
        let done = replay.delivered + replay.failed + replay.skipped;
        let total = replay.total.max(done).max(1);
        let nothing_left = replay.total == 0 && replay.walked;
        Self { done, total, percent: if nothing_left { 100 } else { done.saturating_mul(100) / total } }
    }
}

/// Which deliveries a job means, for people.
pub(super) fn words_of(filter: &ReplayFilter, only_failed: bool, known: &Snapshot) -> Vec<String> {
    let ReplayFilter {
        webhook,
        event_types,
        states,
        http_status,
        status_class,
        error,
        created_after,
        created_before,
        events,
        deliveries,
    } = filter;
    let name =
        |id| known.listener(id).map_or_else(|| id.to_string(), |listener| listener.webhook.settings.name.clone());
    let mut words: Vec<String> = Vec::new();
    words.extend(only_failed.then(|| "dead letters only".to_owned()));
    words.extend(webhook.map(|id| format!("webhook {}", name(id))));
    words.extend(event_types.iter().map(|pattern| format!("type {pattern}")));
    words.extend(states.iter().map(|word| format!("status {}", state(*word))));
    words.extend(http_status.map(|status| format!("answer {status}")));
    words.extend(status_class.map(|class| format!("answer {class}xx")));
    words.extend(error.map(|kind| format!("error {}", kind.as_str())));
    words.extend(created_after.map(|time| format!("made from {} on", in_words(time))));
    words.extend(created_before.map(|time| format!("made before {}", in_words(time))));
    words.extend(events.iter().map(|id| format!("event {id}")));
    words.extend(deliveries.iter().map(|id| format!("delivery {id}")));
    if words.is_empty() {
        words.push("everything".to_owned());
    }
    words
}

struct ReplayRow {
    id: ReplayId,
    badge: Badge,
    words: String,
    progress: Progress,
    total: String,
    failed: String,
    asked_by: String,
    created: Time,
}

#[derive(Template)]
#[template(path = "replays.html", config = "src/dashboard/askama.toml")]
struct ListPage {
    frame: Frame,
    rows: Vec<ReplayRow>,
    states: Vec<Choice>,
    older: Option<String>,
    newest: Option<String>,
    acts: bool,
}

fn total_of(replay: &Replay) -> String {
    let mark = if replay.total_is_exact { "" } else { "more than " };
    format!("{mark}{}", grouped(replay.total))
}

async fn list(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<ReadDeliveries>,
    uri: Uri,
) -> Result<Response, Failure> {
    let visit = reader.visit;
    let params = Params::of(&uri);
    let now = dashboard.engine.clock().now();
    let state = params.get("state").and_then(ReplayState::parse);
    let before = params.get("before").and_then(|id| id.parse::<ReplayId>().ok());
    let limit = dashboard.options.rows_per_page;
    let store = dashboard.engine.store();
    let mut found = store.replays_page(visit.scope, state, IdSpan::before(before.map(|id| id.0)), limit + 1, 0).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let older = found.last().filter(|_| has_more).map(|replay| replay.id);
    let known = dashboard.engine.directory.current();
    let row = |replay: Replay| ReplayRow {
        id: replay.id,
        badge: Badge::of_replay(&replay),
        words: words_of(&replay.filter, replay.only_failed, &known).join(", "),
        progress: Progress::of(&replay),
        total: total_of(&replay),
        failed: grouped(replay.failed),
        asked_by: replay.asked_by.name,
        created: Time { at: replay.created_at, now },
    };
    let frame = dashboard.frame(&visit, "Replays", SECTION);
    page::show(&ListPage {
        acts: frame.acts,
        frame,
        rows: found.into_iter().map(row).collect(),
        states: ReplayState::ALL.map(|s| Choice::new(s.as_str(), s.as_str(), params.get("state"))).into(),
        older: older.map(|id| format!("{SECTION}{}", params.with("before", Some(&id.to_string())))),
        newest: before.map(|_| format!("{SECTION}{}", params.with("before", None))),
    })
}

struct FailureRow {
    id: DeliveryId,
    event_type: String,
    webhook: String,
    answer: String,
    state: &'static str,
}

#[derive(Template)]
#[template(path = "replay.html", config = "src/dashboard/askama.toml")]
struct ReplayPage {
    frame: Frame,
    id: ReplayId,
    badge: Badge,
    words: Vec<String>,
    progress: Progress,
    figures: [(&'static str, String, &'static str); 6],
    sentence: String,
    facts: Vec<(&'static str, String)>,
    created: Time,
    ended: Option<Time>,
    failures: Vec<FailureRow>,
    older: Option<String>,
    can_pause: bool,
    can_resume: bool,
    can_cancel: bool,
    /// Where the same page stands still, if it is loaded again by itself.
    still: Option<String>,
}

/// What happens, and how long it will take.
fn sentence(replay: &Replay, progress: &Progress) -> String {
    let under_way = replay.outstanding() + replay.waiting;
    let left = progress.total.saturating_sub(progress.done + under_way);
    match replay.state {
        ReplayState::Running if left == 0 => {
            "Every run is made. It is done when each has been delivered or given up.".to_owned()
        }
        ReplayState::Running => {
            let seconds = left.div_ceil(u64::from(replay.rate.max(1)));
            let about = span(Duration::from_secs(seconds.max(1)));
            format!("At {} a second the last run is made in about {about}.", grouped(replay.rate))
        }
        ReplayState::Paused => "It makes no run until it is resumed. What is under way goes on.".to_owned(),
        ReplayState::Cancelled if under_way > 0 => {
            "It was cancelled. What was under way goes on: those are deliveries like all others.".to_owned()
        }
        ReplayState::Cancelled => "It was cancelled.".to_owned(),
        ReplayState::Done if replay.failed == 0 => "It is done: everything was delivered.".to_owned(),
        ReplayState::Done => format!("It is done, and {} could not be delivered.", grouped(replay.failed)),
        ReplayState::Failed => replay.note.clone().unwrap_or_else(|| "It could not go on.".to_owned()),
    }
}

impl FailureRow {
    fn new(run: FailedRun, known: &Snapshot) -> Self {
        let FailedRun { delivery, event: _, event_type, webhook, state, last_status, last_error } = run;
        let name = |id| known.listener(id).map(|listener| listener.webhook.settings.name.clone());
        Self {
            id: delivery,
            event_type: event_type.unwrap_or_else(|| "not kept any more".to_owned()),
            webhook: webhook.and_then(name).unwrap_or_default(),
            answer: last_status.map(|status| status.to_string()).or(last_error).unwrap_or_default(),
            state: state.as_deref().and_then(DeliveryState::parse).map_or("", words::state),
        }
    }
}

fn figures(replay: &Replay) -> [(&'static str, String, &'static str); 6] {
    [
        ("meant", total_of(replay), ""),
        ("under way", grouped(replay.outstanding()), ""),
        ("waiting for a retry", grouped(replay.waiting), ""),
        ("delivered", grouped(replay.delivered), "good"),
        ("failed", grouped(replay.failed), if replay.failed > 0 { "bad" } else { "" }),
        ("passed over", grouped(replay.skipped), ""),
    ]
}

async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    reader: Reader<ReadDeliveries>,
    uri: Uri,
) -> Result<Response, Failure> {
    let visit = reader.visit;
    let params = Params::of(&uri);
    let (engine, now): (_, Timestamp) = (&dashboard.engine, dashboard.engine.clock().now());
    let replay = engine.replay_job(visit.scope, id_in_path(&id)?).await?;
    let before = params.get("before").and_then(|id| id.parse::<DeliveryId>().ok());
    let limit = dashboard.options.rows_per_page;
    let mut failed =
        engine.store().failed_runs_page(&replay, IdSpan::before(before.map(|id| id.0)), limit + 1, 0).await?;
    let has_more = failed.len() > limit as usize;
    failed.truncate(limit as usize);
    let older = failed.last().filter(|_| has_more).map(|run| run.delivery);
    let known = engine.directory.current();
    let progress = Progress::of(&replay);
    let frame = dashboard.frame(&visit, format!("Replay of {}", in_words(replay.created_at)), SECTION);
    let direction = if replay.newest_first { "newest first" } else { "oldest first" };
    let goes_on = replay.is_open && replay.state != ReplayState::Paused;
    let refreshes = goes_on && params.get("still").is_none() && before.is_none();
    let shown = page::show(&ReplayPage {
        can_pause: frame.acts && replay.state == ReplayState::Running,
        can_resume: frame.acts && replay.state == ReplayState::Paused,
        can_cancel: frame.acts && matches!(replay.state, ReplayState::Running | ReplayState::Paused),
        frame,
        id: replay.id,
        badge: Badge::of_replay(&replay),
        words: words_of(&replay.filter, replay.only_failed, &known),
        sentence: sentence(&replay, &progress),
        progress,
        figures: figures(&replay),
        facts: vec![
            ("Asked for by", replay.asked_by.name.clone()),
            ("Rate", format!("{} a second", grouped(replay.rate))),
            ("Order", direction.to_owned()),
        ],
        created: Time { at: replay.created_at, now },
        ended: replay.ended_at.map(|at| Time { at, now }),
        failures: failed.into_iter().map(|run| FailureRow::new(run, &known)).collect(),
        older: older.map(|id| format!("{SECTION}/{}?before={id}", replay.id)),
        still: refreshes.then(|| format!("{SECTION}/{}?still=1", replay.id)),
    })?;
    Ok(if refreshes { ([REFRESH], shown).into_response() } else { shown })
}

async fn change(
    dashboard: &Dashboard,
    id: &str,
    actor: Actor<WriteDeliveries>,
    change: ReplayChange,
    said: &str,
) -> Result<Response, Failure> {
    let id = id_in_path(id)?;
    dashboard.engine.change_replay(actor.visit.scope, id, change).await?;
    Ok(go_and_say(&format!("{SECTION}/{id}"), said))
}

async fn pause(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<WriteDeliveries>,
) -> Result<Response, Failure> {
    change(&dashboard, &id, actor, ReplayChange::Pause, "The replay is paused.").await
}

async fn resume(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<WriteDeliveries>,
) -> Result<Response, Failure> {
    change(&dashboard, &id, actor, ReplayChange::Resume, "The replay goes on.").await
}

async fn cancel(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<WriteDeliveries>,
) -> Result<Response, Failure> {
    change(&dashboard, &id, actor, ReplayChange::Cancel, "The replay is cancelled. What was under way goes on.").await
}
