//! Management of API keys: list, create, read, change, revoke, rotate, delete, and what each was used for. For people
//! who have signed in, never for keys: a key that leaks must not be able to make others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api_key_view::{KeyChange, KeyView, NewKey, Used};
use super::json::{Json, MaybeJson};
use super::page::{ByPage, PAGE, Page, Totals};
use super::problem::{Code, Problem};
use super::query::{Id, Noun, Query};
use super::session::{KeyManager, KeyReader};
use super::{Api, Success, said, success};
use crate::domain::api_key::ApiKey;
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::KeyId;
use crate::domain::meter::Month;
use crate::domain::tenant::{Environment, Scope};
use crate::domain::time::Timestamp;
use crate::engine::keys::{KEY_OVERLAP_MAX, KEYS_MAX, KeyError};
use crate::store::requests::RouteRequests;

/// How long a key goes on working where a rotation does not say.
const OVERLAP_DEFAULT_SECONDS: u64 = 86_400;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(revoke))
        .routes(routes!(rotate))
        .routes(routes!(usage))
}

impl Noun for KeyId {
    const NOUN: &'static str = "API key";
}

#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeyList)]
struct KeyList {
    keys: Vec<KeyView>,
    #[serde(flatten)]
    totals: Totals,
}

/// List API keys
#[utoipa::path(
    get,
    path = "/api/tenant/api-keys",
    operation_id = "listApiKeys",
    tag = "API keys",
    params(
        ByPage,
        ("environment" = Option<Environment>, Query, description = "Only of this environment"),
        ("isActive" = Option<bool>, Query, description = "Only those that work, or only the others"),
    ),
    responses((status = 200, description = "A page of keys, newest first", body = Success<KeyList>)),
    security(("session" = ["owner", "admin", "member", "operator"])),
)]
async fn list(State(api): State<Arc<Api>>, KeyReader(tenant): KeyReader, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &[PAGE, &["environment", "isActive"]]);
    let page = Page::read(&mut query, &api.options);
    let environment = query.get("environment", "`production` or `staging`", |text| text.parse::<Environment>().ok());
    let is_active = query.get("isActive", "true or false", |text| text.parse().ok());
    query.finish()?;
    let store = api.engine.store();
    let (keys, total) = store.keys_page(tenant, environment, is_active, page.limit, page.offset()).await?;
    let used = store.requests_by_key(tenant, Month::at(api.engine.clock().now())).await?;
    let view = |key: ApiKey| {
        let (ever, this_month) = used.get(&key.id).copied().unwrap_or_default();
        KeyView::new(key, Used { ever, this_month })
    };
    let keys = keys.into_iter().map(view).collect();
    Ok(success(StatusCode::OK, KeyList { keys, totals: page.totals(total) }))
}

/// Make an API key
///
/// The answer shows it, this once.
#[utoipa::path(
    post,
    path = "/api/tenant/api-keys",
    operation_id = "createApiKey",
    tag = "API keys",
    request_body = NewKey,
    responses((status = 201, description = "The key", body = Success<KeyView>, headers(
        ("Location" = String, description = "Where the key is"),
    ))),
    security(("session" = ["owner", "admin", "operator"])),
)]
async fn create(
    State(api): State<Arc<Api>>,
    KeyManager(tenant): KeyManager,
    Json(mut new): Json<NewKey>,
) -> Result<Response, Problem> {
    let now = api.engine.clock().now();
    let mut problems = Vec::new();
    let settings = new.take_draft().check(now, None).map_err(|mut all| problems.append(&mut all)).ok();
    let environment = new.environment(&mut problems);
    let (Some(settings), Some(environment)) = (settings, environment) else { return Err(Problem::fields(problems)) };
    let (key, text) = api.engine.create_named_key(Scope { tenant, environment }, settings).await?;
    let location = HeaderValue::try_from(format!("/api/tenant/api-keys/{}", key.id));
    let headers = [(header::LOCATION, location.expect("ids are visible ASCII"))];
    Ok((headers, success(StatusCode::CREATED, KeyView::with_text(key, &text))).into_response())
}

/// Read an API key
///
/// Not the key itself, of which only a hash is kept.
#[utoipa::path(
    get,
    path = "/api/tenant/api-keys/{id}",
    operation_id = "getApiKey",
    tag = "API keys",
    params(("id" = KeyId, Path)),
    responses((status = 200, description = "The key", body = Success<KeyView>)),
    security(("session" = ["owner", "admin", "member", "operator"])),
)]
async fn show(
    State(api): State<Arc<Api>>,
    KeyReader(tenant): KeyReader,
    Id(id): Id<KeyId>,
) -> Result<Response, Problem> {
    let key = api.engine.key(tenant, id).await?;
    Ok(success(StatusCode::OK, view(&api, key).await?))
}

/// A key with what it has been used for.
async fn view(api: &Api, key: ApiKey) -> Result<KeyView, Problem> {
    let month = Month::at(api.engine.clock().now());
    let (ever, this_month) = api.engine.store().requests_of(key.scope.tenant, key.id, month).await?;
    Ok(KeyView::new(key, Used { ever, this_month }))
}

/// Change an API key
///
/// What is not mentioned stays.
#[utoipa::path(
    put,
    path = "/api/tenant/api-keys/{id}",
    operation_id = "updateApiKey",
    tag = "API keys",
    params(("id" = KeyId, Path)),
    request_body = KeyChange,
    responses((status = 200, description = "The key as it is now", body = Success<KeyView>)),
    security(("session" = ["owner", "admin", "operator"])),
)]
async fn update(
    State(api): State<Arc<Api>>,
    KeyManager(tenant): KeyManager,
    Id(id): Id<KeyId>,
    Json(mut change): Json<KeyChange>,
) -> Result<Response, Problem> {
    let (now, draft) = (api.engine.clock().now(), change.take_draft());
    let edit = |current: &_| draft.clone().check(now, Some(current)).map_err(Problem::fields);
    let key = api.engine.update_key(tenant, id, edit).await?;
    Ok(success(StatusCode::OK, view(&api, key).await?))
}

/// Revoke an API key
///
/// It stops at once, for good.
#[utoipa::path(
    post,
    path = "/api/tenant/api-keys/{id}/revoke",
    operation_id = "revokeApiKey",
    tag = "API keys",
    params(("id" = KeyId, Path)),
    responses((status = 200, description = "The key as it is now", body = Success<KeyView>)),
    security(("session" = ["owner", "admin", "operator"])),
)]
async fn revoke(
    State(api): State<Arc<Api>>,
    KeyManager(tenant): KeyManager,
    Id(id): Id<KeyId>,
) -> Result<Response, Problem> {
    // One that was revoked already is as it was asked to be; one that is not there is told of below.
    api.engine.revoke_key(tenant, id).await?;
    let key = api.engine.key(tenant, id).await?;
    Ok(said(StatusCode::OK, "API key revoked", view(&api, key).await?))
}

/// How to replace a key.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = ApiKeyRotation, example = json!({ "overlapSeconds": 86400 }))]
struct Rotation {
    /// How long the old key goes on working; a day where it is not said.
    #[schema(minimum = 0, default = 86_400)]
    overlap_seconds: Option<u64>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RotatedApiKey)]
struct Rotated {
    /// The new key, with its text.
    #[serde(flatten)]
    key: KeyView,
    replaces: KeyId,
    /// Until when the old key works too.
    old_key_until: Timestamp,
}

/// Replace an API key
///
/// The answer shows the new one, this once; the old one goes on working until the overlap ends. The body may be left
/// out.
#[utoipa::path(
    post,
    path = "/api/tenant/api-keys/{id}/rotate",
    operation_id = "rotateApiKey",
    tag = "API keys",
    params(("id" = KeyId, Path)),
    request_body = Option<Rotation>,
    responses((status = 201, description = "The new key", body = Success<Rotated>)),
    security(("session" = ["owner", "admin", "operator"])),
)]
async fn rotate(
    State(api): State<Arc<Api>>,
    KeyManager(tenant): KeyManager,
    Id(id): Id<KeyId>,
    MaybeJson(Rotation { overlap_seconds }): MaybeJson<Rotation>,
) -> Result<Response, Problem> {
    let overlap = Duration::from_secs(overlap_seconds.unwrap_or(OVERLAP_DEFAULT_SECONDS));
    if overlap > KEY_OVERLAP_MAX {
        let message = format!("must be from 0 to {}", KEY_OVERLAP_MAX.as_secs());
        return Err(Problem::field(FieldProblem::new("overlapSeconds", FieldCode::OutOfRange, message)));
    }
    let (key, text, old_key_until) = api.engine.rotate_key(tenant, id, overlap).await?;
    let rotated = Rotated { key: KeyView::with_text(key, &text), replaces: id, old_key_until };
    Ok(success(StatusCode::CREATED, rotated))
}

#[derive(Serialize, ToSchema)]
#[schema(as = DeletedApiKey)]
struct Deleted {
    id: KeyId,
}

/// Delete an API key
#[utoipa::path(
    delete,
    path = "/api/tenant/api-keys/{id}",
    operation_id = "deleteApiKey",
    tag = "API keys",
    params(("id" = KeyId, Path)),
    responses((status = 200, description = "It is deleted", body = Success<Deleted>)),
    security(("session" = ["owner", "admin", "operator"])),
)]
async fn delete(
    State(api): State<Arc<Api>>,
    KeyManager(tenant): KeyManager,
    Id(id): Id<KeyId>,
) -> Result<Response, Problem> {
    api.engine.delete_key(tenant, id).await?;
    Ok(said(StatusCode::OK, "API key deleted", Deleted { id }))
}

/// What a key was used for in a month.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKeyUsage)]
struct UsageView {
    month: Month,
    #[schema(example = 1204)]
    total_requests: u64,
    /// Answered with neither 4xx nor 5xx.
    #[schema(example = 1200)]
    successful_requests: u64,
    #[schema(example = 4)]
    failed_requests: u64,
    /// By method and route, such as `GET /api/v1/webhooks/{id}`.
    #[schema(example = json!({ "POST /api/v1/events": 1204 }))]
    requests_by_endpoint: BTreeMap<String, u64>,
}

/// Read what an API key was used for
#[utoipa::path(
    get,
    path = "/api/tenant/api-keys/{id}/usage",
    operation_id = "getApiKeyUsage",
    tag = "API keys",
    params(("id" = KeyId, Path), ("month" = Option<Month>, Query, description = "This month, where it is not said")),
    responses((status = 200, description = "Its requests in the month", body = Success<UsageView>)),
    security(("session" = ["owner", "admin", "member", "operator"])),
)]
async fn usage(
    State(api): State<Arc<Api>>,
    KeyReader(tenant): KeyReader,
    Id(id): Id<KeyId>,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &[&["month"]]);
    let month = query.get("month", "a month such as `2026-11`", Month::parse);
    query.finish()?;
    let month = month.unwrap_or_else(|| Month::at(api.engine.clock().now()));
    let key = api.engine.key(tenant, id).await?;
    let routes = api.engine.store().requests_of_key(tenant, key.id, month).await?;
    let total = routes.iter().map(|route| route.requests.count).sum::<u64>();
    let failed = routes.iter().map(|route| route.requests.failed).sum::<u64>();
    let by_endpoint = routes
        .into_iter()
        .map(|RouteRequests { method, route, requests }| (format!("{method} {route}"), requests.count));
    Ok(success(
        StatusCode::OK,
        UsageView {
            month,
            total_requests: total,
            successful_requests: total.saturating_sub(failed),
            failed_requests: failed,
            requests_by_endpoint: by_endpoint.collect(),
        },
    ))
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NotFound => Self::not_found("API key"),
            KeyError::NameTaken => Self::new(Code::Conflict, "Another API key of this environment has this name."),
            KeyError::TooMany => Self::new(
                Code::PlanLimitExceeded,
                format!("There are {KEYS_MAX} API keys, which is as many as may be."),
            ),
            KeyError::State(why) => Self::new(Code::Conflict, format!("The API key {why}.")),
            KeyError::Changed => Self::new(Code::Conflict, "Others keep changing the API key; try again."),
            KeyError::Store(error) => Self::from(error),
        }
    }
}
