//! Webhooks: create, list, read, change, delete, test, pause, resume.
//!
//! PUT changes what it mentions, as PATCH does: integrators of the products that Angarium serves send partial PUTs.
//! `ETag` is the webhook's version; a change with `If-Match` happens only while the version is still that.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;

use super::auth::{Caller, ReadWebhooks, WriteWebhooks};
use super::json::Json;
use super::page::{PAGE, Page, Totals};
use super::problem::{Code, Problem};
use super::query::{Id, Query};
use super::webhook_view::{NewWebhook, WebhookChange, WebhookView};
use super::{Api, said, success};
use crate::domain::id::{EventId, WebhookId};
use crate::domain::secret::Secret;
use crate::domain::secret_draft;
use crate::domain::tenant::Scope;
use crate::domain::webhook::{Webhook, WebhookStatus};
use crate::domain::webhook_draft::{DraftRules, WebhookDraft};
use crate::engine::webhooks::WebhookError;

/// How often a change without `If-Match` is made anew because another came between.
const CHANGE_TRIES: usize = 5;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v1/webhooks", post(create).get(list))
        .route("/api/v1/webhooks/{id}", get(show).put(change).patch(change).delete(delete))
        .route("/api/v1/webhooks/{id}/test", post(test))
        .route("/api/v1/webhooks/{id}/pause", post(pause))
        .route("/api/v1/webhooks/{id}/resume", post(resume))
        .merge(super::webhook_secrets::routes())
        .merge(super::webhook_logs::routes())
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
    let headers = [(header::LOCATION, header_value(&location)), etag(&webhook)];
    Ok((headers, success(StatusCode::CREATED, WebhookView::with_secrets(webhook, &secrets))).into_response())
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ids and numbers are visible ASCII")
}

fn etag(webhook: &Webhook) -> (HeaderName, HeaderValue) {
    (header::ETAG, header_value(&tag(webhook)))
}

fn tag(webhook: &Webhook) -> String {
    format!("\"{}\"", webhook.revision)
}

fn shown(webhook: Webhook) -> Response {
    ([etag(&webhook)], success(StatusCode::OK, WebhookView::from(webhook))).into_response()
}

#[derive(Serialize)]
struct WebhookList {
    webhooks: Vec<WebhookView>,
    #[serde(flatten)]
    totals: Totals,
}

async fn list(State(api): State<Arc<Api>>, caller: Caller<ReadWebhooks>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &[PAGE, &["isActive"]]);
    let page = Page::read(&mut query, &api.options);
    let is_active = query.get("isActive", "true or false", |text| text.parse().ok());
    query.finish()?;
    let (rows, total) = api.engine.store().webhooks_page(caller.scope, is_active, page.limit, page.offset()).await?;
    let webhooks = rows.into_iter().map(WebhookView::from).collect();
    Ok(success(StatusCode::OK, WebhookList { webhooks, totals: page.totals(total) }))
}

async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadWebhooks>,
    Id(id): Id<WebhookId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let webhook = api.engine.webhook(caller.scope, id).await?;
    if lists_tag(&headers, &header::IF_NONE_MATCH, &webhook, true) == Some(true) {
        return Ok((StatusCode::NOT_MODIFIED, [etag(&webhook)]).into_response());
    }
    Ok(shown(webhook))
}

/// Whether a header names the webhook's version, or any; `None` without the header.
fn lists_tag(headers: &HeaderMap, name: &HeaderName, webhook: &Webhook, weak: bool) -> Option<bool> {
    let current = tag(webhook);
    let mut values = headers.get_all(name).into_iter().peekable();
    values.peek()?;
    Some(values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim).any(
        |given| {
            let given = if weak { given.strip_prefix("W/").unwrap_or(given) } else { given };
            given == "*" || given == current
        },
    ))
}

/// The version that a change is bound to. `Ok(None)`: the client does not mind.
fn if_match(headers: &HeaderMap, webhook: &Webhook) -> Result<Option<i64>, Problem> {
    match lists_tag(headers, &header::IF_MATCH, webhook, false) {
        None => Ok(None),
        Some(true) => Ok(Some(webhook.revision)),
        Some(false) => Err(changed_meanwhile()),
    }
}

fn changed_meanwhile() -> Problem {
    Problem::new(Code::PreconditionFailed, "The webhook has changed: it is not the version that `If-Match` names.")
}

async fn change(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteWebhooks>,
    Id(id): Id<WebhookId>,
    headers: HeaderMap,
    Json(mut change): Json<WebhookChange>,
) -> Result<Response, Problem> {
    let draft = change.take_draft();
    let (webhook, secrets) = change_settings(&api, caller.scope, id, &headers, draft).await?;
    let webhook = match change.is_active {
        Some(true) if webhook.status != WebhookStatus::Active => api.engine.resume_webhook(caller.scope, id).await?,
        Some(false) if webhook.status == WebhookStatus::Active => api.engine.pause_webhook(caller.scope, id).await?,
        Some(_) | None => webhook,
    };
    let etag = etag(&webhook);
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

#[derive(Serialize)]
struct Deleted {
    id: WebhookId,
}

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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tested {
    event_id: EventId,
    deliveries: u32,
}

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

async fn pause(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteWebhooks>,
    Id(id): Id<WebhookId>,
) -> Result<Response, Problem> {
    Ok(shown(api.engine.pause_webhook(caller.scope, id).await?))
}

async fn resume(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteWebhooks>,
    Id(id): Id<WebhookId>,
) -> Result<Response, Problem> {
    Ok(shown(api.engine.resume_webhook(caller.scope, id).await?))
}
