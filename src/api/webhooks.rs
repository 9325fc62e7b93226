//! Webhooks: create, list, read, change, delete, test, pause, resume.
//!
//! PUT changes what it mentions, as PATCH does: integrators of the products that Angarium serves send partial PUTs.
//! `ETag` is the webhook's version; a change with `If-Match` happens only while the version is still that.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Caller, ReadWebhooks, WriteWebhooks};
use super::etag::{etag, is_another, is_known};
use super::json::Json;
use super::page::{ByPage, PAGE, Page, Totals};
use super::problem::{Code, Problem};
use super::query::{Id, Query};
use super::webhook_view::{NewWebhook, WebhookChange, WebhookView};
use super::{Api, Success, said, success};
use crate::domain::id::{EventId, WebhookId};
use crate::domain::secret::Secret;
use crate::domain::secret_draft;
use crate::domain::tenant::Scope;
use crate::domain::webhook::{Webhook, WebhookStatus};
use crate::domain::webhook_draft::{DraftRules, WebhookDraft};
use crate::engine::webhooks::WebhookError;

/// How often a change without `If-Match` is made anew because another came between.
const CHANGE_TRIES: usize = 5;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, replace, update, delete))
        .routes(routes!(test))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .merge(super::webhook_secrets::routes())
        .merge(super::webhook_logs::routes())
        .merge(super::webhook_stats::routes())
}

impl Api {
    fn draft_rules(&self) -> DraftRules<'_> {
        DraftRules {
            egress: self.engine.egress(),
            timeout_default: self.options.webhook_timeout_default,
            timeout_max: self.engine.limits().timeout_max,
            has_origin: !self.engine.limits().origin.is_empty(),
        }
    }
}

/// Register a webhook
///
/// The answer shows its signing secret, this once.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks",
    operation_id = "createWebhook",
    tag = "Webhooks",
    request_body = NewWebhook,
    responses((status = 201, description = "The webhook, with its secret", body = Success<WebhookView>, headers(
        ("Location" = String, description = "Where the webhook is"),
        ("ETag" = String, description = "The webhook's version"),
    ))),
    security(("apiKey" = ["write:webhooks"])),
)]
async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteWebhooks>,
    Json(mut new): Json<NewWebhook>,
) -> Result<Response, Problem> {
    let draft = new.take_draft();
    let profile = draft.profile();
    let (settings, mut problems) = match draft.check(api.draft_rules(), None) {
        Ok(settings) => (Some(settings), Vec::new()),
        Err(problems) => (None, problems),
    };
    let secret = secret_draft::check_first(profile, settings.as_ref(), new.secret.as_deref(), &mut problems);
    let settings = settings.filter(|_| problems.is_empty()).ok_or_else(|| Problem::fields(problems))?;
    let (webhook, secrets) = api.engine.create_webhook(caller.scope, settings, secret).await?;
    let location = format!("/api/v1/webhooks/{}", webhook.id);
    let location = HeaderValue::from_str(&location).expect("ids are visible ASCII");
    let headers = [(header::LOCATION, location), etag(webhook.revision)];
    Ok((headers, success(StatusCode::CREATED, WebhookView::with_secrets(webhook, &secrets))).into_response())
}

fn shown(webhook: Webhook) -> Response {
    ([etag(webhook.revision)], success(StatusCode::OK, WebhookView::from(webhook))).into_response()
}

#[derive(Serialize, ToSchema)]
struct WebhookList {
    webhooks: Vec<WebhookView>,
    #[serde(flatten)]
    totals: Totals,
}

/// List webhooks
#[utoipa::path(
    get,
    path = "/api/v1/webhooks",
    operation_id = "listWebhooks",
    tag = "Webhooks",
    params(ByPage, ("isActive" = Option<bool>, Query, description = "Only those that are sent to, or only the others")),
    responses((status = 200, description = "A page of webhooks, newest first", body = Success<WebhookList>)),
    security(("apiKey" = ["read:webhooks"])),
)]
async fn list(State(api): State<Arc<Api>>, caller: Caller<ReadWebhooks>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &[PAGE, &["isActive"]]);
    let page = Page::read(&mut query, &api.options);
    let is_active = query.get("isActive", "true or false", |text| text.parse().ok());
    query.finish()?;
    let (rows, total) = api.engine.store().webhooks_page(caller.scope, is_active, page.limit, page.offset()).await?;
    let webhooks = rows.into_iter().map(WebhookView::from).collect();
    Ok(success(StatusCode::OK, WebhookList { webhooks, totals: page.totals(total) }))
}

/// Read a webhook
///
/// Its secret is not shown, nor are the values of headers that may hold a credential.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}",
    operation_id = "getWebhook",
    tag = "Webhooks",
    params(("id" = WebhookId, Path)),
    responses((status = 200, description = "The webhook", body = Success<WebhookView>, headers(
        ("ETag" = String, description = "The webhook's version"),
    ))),
    security(("apiKey" = ["read:webhooks"])),
)]
async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadWebhooks>,
    Id(id): Id<WebhookId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let webhook = api.engine.webhook(caller.scope, id).await?;
    if is_known(&headers, webhook.revision) {
        return Ok((StatusCode::NOT_MODIFIED, [etag(webhook.revision)]).into_response());
    }
    Ok(shown(webhook))
}

/// The version that a change is bound to. `Ok(None)`: the client does not mind.
fn if_match(headers: &HeaderMap, webhook: &Webhook) -> Result<Option<i64>, Problem> {
    if is_another(headers, webhook.revision) {
        return Err(changed_meanwhile());
    }
    Ok(headers.contains_key(header::IF_MATCH).then_some(webhook.revision))
}

fn changed_meanwhile() -> Problem {
    Problem::new(Code::PreconditionFailed, "The webhook has changed: it is not the version that `If-Match` names.")
}

/// Change a webhook with PUT
///
/// The same as with PATCH: what is not mentioned stays.
#[utoipa::path(
    put,
    path = "/api/v1/webhooks/{id}",
    operation_id = "replaceWebhook",
    tag = "Webhooks",
    params(("id" = WebhookId, Path)),
    request_body = WebhookChange,
    responses((status = 200, description = "The webhook as it is now", body = Success<WebhookView>)),
    security(("apiKey" = ["write:webhooks"])),
)]
async fn replace(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteWebhooks>,
    Id(id): Id<WebhookId>,
    headers: HeaderMap,
    Json(asked): Json<WebhookChange>,
) -> Result<Response, Problem> {
    change(&api, caller.scope, id, &headers, asked).await
}

/// Change a webhook
///
/// What is not mentioned stays; null resets a field to its default. `isActive` pauses and resumes.
#[utoipa::path(
    patch,
    path = "/api/v1/webhooks/{id}",
    operation_id = "updateWebhook",
    tag = "Webhooks",
    params(("id" = WebhookId, Path)),
    request_body = WebhookChange,
    responses((status = 200, description = "The webhook as it is now", body = Success<WebhookView>)),
    security(("apiKey" = ["write:webhooks"])),
)]
async fn update(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteWebhooks>,
    Id(id): Id<WebhookId>,
    headers: HeaderMap,
    Json(asked): Json<WebhookChange>,
) -> Result<Response, Problem> {
    change(&api, caller.scope, id, &headers, asked).await
}

async fn change(
    api: &Api,
    scope: Scope,
    id: WebhookId,
    headers: &HeaderMap,
    mut asked: WebhookChange,
) -> Result<Response, Problem> {
    let draft = asked.take_draft();
    let (webhook, secrets) = change_settings(api, scope, id, headers, draft).await?;
    let webhook = match asked.is_active {
        Some(true) if webhook.status != WebhookStatus::Active => api.engine.resume_webhook(scope, id).await?,
        Some(false) if webhook.status == WebhookStatus::Active => api.engine.pause_webhook(scope, id).await?,
        Some(_) | None => webhook,
    };
    let etag = etag(webhook.revision);
    Ok(([etag], success(StatusCode::OK, WebhookView::with_secrets(webhook, &secrets))).into_response())
}

/// Reads, edits and writes back; anew when another change came between, unless the client named a version.
async fn change_settings(
    api: &Api,
    scope: Scope,
    id: WebhookId,
    headers: &HeaderMap,
    draft: WebhookDraft,
) -> Result<(Webhook, Vec<Secret>), Problem> {
    for _ in 0..CHANGE_TRIES {
        let current = api.engine.webhook(scope, id).await?;
        let bound = if_match(headers, &current)?;
        let settings = draft.clone().check(api.draft_rules(), Some(&current.settings)).map_err(Problem::fields)?;
        match api.engine.update_webhook(scope, id, settings, Some(current.revision)).await {
            Err(WebhookError::Changed) if bound.is_some() => return Err(changed_meanwhile()),
            Err(WebhookError::Changed) => {}
            Err(error) => return Err(error.into()),
            Ok(changed) => return Ok(changed),
        }
    }
    Err(WebhookError::Changed.into())
}

#[derive(Serialize, ToSchema)]
#[schema(as = DeletedWebhook)]
struct Deleted {
    id: WebhookId,
}

/// Delete a webhook
///
/// What waits for it is cancelled. Its log stays as long as the retention.
#[utoipa::path(
    delete,
    path = "/api/v1/webhooks/{id}",
    operation_id = "deleteWebhook",
    tag = "Webhooks",
    params(("id" = WebhookId, Path)),
    responses((status = 200, description = "It is deleted", body = Success<Deleted>)),
    security(("apiKey" = ["write:webhooks"])),
)]
async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteWebhooks>,
    Id(id): Id<WebhookId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let webhook = api.engine.webhook(caller.scope, id).await?;
    let bound = if_match(&headers, &webhook)?;
    match api.engine.delete_webhook(caller.scope, id, bound).await {
        Ok(()) => Ok(said(StatusCode::OK, "Webhook deleted", Deleted { id })),
        Err(WebhookError::Changed) if bound.is_some() => Err(changed_meanwhile()),
        Err(error) => Err(error.into()),
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TestedWebhook)]
struct Tested {
    event_id: EventId,
    #[schema(example = 1)]
    deliveries: u32,
}

/// Send a test event to a webhook
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/test",
    operation_id = "testWebhook",
    tag = "Webhooks",
    params(("id" = WebhookId, Path)),
    responses((status = 202, description = "The event is on its way", body = Success<Tested>)),
    security(("apiKey" = ["write:webhooks"])),
)]
async fn test(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteWebhooks>,
    Id(id): Id<WebhookId>,
) -> Result<Response, Problem> {
    let webhook = api.engine.webhook(caller.scope, id).await?;
    if !webhook.is_sending() {
        let message = format!("The webhook is {}: resume it before testing it.", webhook.status.as_str());
        return Err(Problem::new(Code::Conflict, message));
    }
    let accepted = api.engine.test_webhook(caller.scope, id).await?;
    let data = Tested { event_id: accepted.event, deliveries: accepted.deliveries };
    Ok(said(StatusCode::ACCEPTED, "Test webhook event sent", data))
}

/// Pause a webhook
///
/// Deliveries are kept and wait until it is resumed.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/pause",
    operation_id = "pauseWebhook",
    tag = "Webhooks",
    params(("id" = WebhookId, Path)),
    responses((status = 200, description = "The webhook as it is now", body = Success<WebhookView>)),
    security(("apiKey" = ["write:webhooks"])),
)]
async fn pause(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteWebhooks>,
    Id(id): Id<WebhookId>,
) -> Result<Response, Problem> {
    Ok(shown(api.engine.pause_webhook(caller.scope, id).await?))
}

/// Resume a webhook
///
/// Also one that was disabled because it kept failing.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/resume",
    operation_id = "resumeWebhook",
    tag = "Webhooks",
    params(("id" = WebhookId, Path)),
    responses((status = 200, description = "The webhook as it is now", body = Success<WebhookView>)),
    security(("apiKey" = ["write:webhooks"])),
)]
async fn resume(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteWebhooks>,
    Id(id): Id<WebhookId>,
) -> Result<Response, Problem> {
    Ok(shown(api.engine.resume_webhook(caller.scope, id).await?))
}
