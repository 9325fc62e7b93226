//! Replays: count, start, watch, pause, resume and call off a job that has many deliveries attempted again.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Caller, ReadDeliveries, WriteDeliveries};
use super::json::MaybeJson;
use super::page::{ByPageOrCursor, List, PAGE_OR_CURSOR, Page};
use super::problem::{Code, Problem};
use super::query::{Id, Noun, Query};
use super::replay_view::{FailedRunView, NewReplayBody, PreviewView, ReplayView};
use super::{Api, Success, success};
use crate::domain::id::ReplayId;
use crate::domain::replay::ReplayState;
use crate::domain::tenant::Scope;
use crate::engine::replays::ReplayError;
use crate::store::replays::ReplayChange;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(list, start))
        .routes(routes!(show))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(cancel))
        .routes(routes!(failures))
}

impl Noun for ReplayId {
    const NOUN: &'static str = "replay";
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::NotFound => Self::not_found(ReplayId::NOUN),
            ReplayError::State(state) => {
                Self::new(Code::Conflict, format!("The replay is {}, which does not allow that.", state.as_str()))
            }
            ReplayError::TooMany { max } => {
                let message =
                    format!("There are {max} unfinished replays, as many as there may be: wait or cancel one.");
                Self::new(Code::Conflict, message)
            }
            ReplayError::Store(error) => error.into(),
        }
    }
}

/// List replays
#[utoipa::path(
    get,
    path = "/api/v1/replays",
    operation_id = "listReplays",
    tag = "Replays",
    params(
        ByPageOrCursor,
        ("state" = Option<String>, Query, description = "`running`, `paused`, `cancelled`, `done` or `failed`"),
    ),
    responses((status = 200, description = "A page of replays, newest first", body = List<ReplayView>)),
    security(("apiKey" = ["read:deliveries"])),
)]
async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadDeliveries>,
    uri: Uri,
) -> Result<axum::Json<List<ReplayView>>, Problem> {
    let mut query = Query::read(&uri, &[PAGE_OR_CURSOR, &["state"]]);
    let page = Page::read_shallow(&mut query, &api.options);
    let state = query.get("state", "running, paused, cancelled, done or failed", ReplayState::parse);
    query.finish()?;
    let store = api.engine.store();
    let total = store.replays_count(caller.scope, state).await?;
    let mut rows = store.replays_page(caller.scope, state, page.span(), page.limit + 1, page.offset()).await?;
    let next = page.cut(&mut rows, |replay| replay.id.0);
    let total = page.count(total, rows.len());
    Ok(axum::Json(page.list(rows.into_iter().map(ReplayView::from).collect(), total, next)))
}

/// Start a replay
///
/// Attempts all matching deliveries again, so many in a second, behind live traffic and within the limits of their
/// webhooks; each keeps its `webhook-id`. Those to webhooks that do not send are passed over. With `dryRun` it is
/// counted what would be done, and nothing is. The body may be left out: then it is all dead letters.
#[utoipa::path(
    post,
    path = "/api/v1/replays",
    operation_id = "startReplay",
    tag = "Replays",
    request_body = Option<NewReplayBody>,
    responses(
        (status = 200, description = "With `dryRun`: what it would do", body = Success<PreviewView>),
        (status = 202, description = "The replay is on its way", body = Success<ReplayView>, headers(
            ("Location" = String, description = "Where the replay is"),
        )),
    ),
    security(("apiKey" = ["write:deliveries"])),
)]
async fn start(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteDeliveries>,
    MaybeJson(body): MaybeJson<NewReplayBody>,
) -> Result<Response, Problem> {
    let dry_run = body.dry_run;
    let new = body.check(api.engine.limits().replays.rate_max)?;
    if dry_run {
        let preview = api.engine.preview_replay(caller.scope, &new).await?;
        return Ok(success(StatusCode::OK, PreviewView::new(preview, &api)));
    }
    let replay = api.engine.start_replay(caller.scope, new).await?;
    let location = HeaderValue::try_from(format!("/api/v1/replays/{}", replay.id));
    let headers = [(header::LOCATION, location.expect("ids are visible ASCII"))];
    Ok((headers, success(StatusCode::ACCEPTED, ReplayView::from(replay))).into_response())
}

/// Read a replay
#[utoipa::path(
    get,
    path = "/api/v1/replays/{id}",
    operation_id = "getReplay",
    tag = "Replays",
    params(("id" = ReplayId, Path)),
    responses((status = 200, description = "The replay", body = Success<ReplayView>)),
    security(("apiKey" = ["read:deliveries"])),
)]
async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadDeliveries>,
    Id(id): Id<ReplayId>,
) -> Result<Response, Problem> {
    Ok(success(StatusCode::OK, ReplayView::from(api.engine.replay_job(caller.scope, id).await?)))
}

async fn change(api: &Api, scope: Scope, id: ReplayId, change: ReplayChange) -> Result<Response, Problem> {
    Ok(success(StatusCode::OK, ReplayView::from(api.engine.change_replay(scope, id, change).await?)))
}

/// Pause a replay
///
/// What it has under way goes on.
#[utoipa::path(
    post,
    path = "/api/v1/replays/{id}/pause",
    operation_id = "pauseReplay",
    tag = "Replays",
    params(("id" = ReplayId, Path)),
    responses((status = 200, description = "The replay as it is now", body = Success<ReplayView>)),
    security(("apiKey" = ["write:deliveries"])),
)]
async fn pause(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteDeliveries>,
    Id(id): Id<ReplayId>,
) -> Result<Response, Problem> {
    change(&api, caller.scope, id, ReplayChange::Pause).await
}

/// Resume a replay
#[utoipa::path(
    post,
    path = "/api/v1/replays/{id}/resume",
    operation_id = "resumeReplay",
    tag = "Replays",
    params(("id" = ReplayId, Path)),
    responses((status = 200, description = "The replay as it is now", body = Success<ReplayView>)),
    security(("apiKey" = ["write:deliveries"])),
)]
async fn resume(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteDeliveries>,
    Id(id): Id<ReplayId>,
) -> Result<Response, Problem> {
    change(&api, caller.scope, id, ReplayChange::Resume).await
}

/// Call a replay off
///
/// What it has under way goes on: those are deliveries like all others, and can be cancelled as such.
#[utoipa::path(
    post,
    path = "/api/v1/replays/{id}/cancel",
    operation_id = "cancelReplay",
    tag = "Replays",
    params(("id" = ReplayId, Path)),
    responses((status = 200, description = "The replay as it is now", body = Success<ReplayView>)),
    security(("apiKey" = ["write:deliveries"])),
)]
async fn cancel(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteDeliveries>,
    Id(id): Id<ReplayId>,
) -> Result<Response, Problem> {
    change(&api, caller.scope, id, ReplayChange::Cancel).await
}

/// List what a replay could not deliver
#[utoipa::path(
    get,
    path = "/api/v1/replays/{id}/failures",
    operation_id = "listReplayFailures",
    tag = "Replays",
    params(("id" = ReplayId, Path), ByPageOrCursor),
    responses((status = 200, description = "A page of them, newest delivery first", body = List<FailedRunView>)),
    security(("apiKey" = ["read:deliveries"])),
)]
async fn failures(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadDeliveries>,
    Id(id): Id<ReplayId>,
    uri: Uri,
) -> Result<axum::Json<List<FailedRunView>>, Problem> {
    let mut query = Query::read(&uri, &[PAGE_OR_CURSOR]);
    let page = Page::read_shallow(&mut query, &api.options);
    query.finish()?;
    let replay = api.engine.replay_job(caller.scope, id).await?;
    let store = api.engine.store();
    let mut rows = store.failed_runs_page(&replay, page.span(), page.limit + 1, page.offset()).await?;
    let next = page.cut(&mut rows, |run| run.delivery.0);
    let total = page.count(replay.failed, rows.len());
    Ok(axum::Json(page.list(rows.into_iter().map(FailedRunView::from).collect(), total, next)))
}
