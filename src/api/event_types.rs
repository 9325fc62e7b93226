//! Event types: the catalogue, and a tenant's own types to create, change and delete.
//!
//! Built-in types and own ones are one list, by name. PUT changes what it mentions, as PATCH does. `ETag` is the
//! type's version; a change with `If-Match` happens only while the version is still that.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Caller, ReadEvents, WriteEvents};
use super::etag::{etag, is_another};
use super::event_type_view::{NewType, TypeChange, TypeView};
use super::json::Json;
use super::page::{ByPage, PAGE, Page, PagedList};
use super::problem::{Code, Problem};
use super::query::Query;
use super::{Api, Success, said, success};
use crate::domain::catalogue::{OwnType, TypeDraft, TypeSettings, built_in, built_in_named};
use crate::domain::event::EventType;
use crate::domain::field::{FieldCode, FieldProblem, Given};
use crate::domain::tenant::Scope;
use crate::engine::event_types::TypeError;

/// How often a change without `If-Match` is made anew because another came between.
const CHANGE_TRIES: usize = 5;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(show, replace, update, delete))
}

fn shown(status: StatusCode, own: &OwnType) -> Response {
    ([etag(own.revision)], success(status, TypeView::from(own))).into_response()
}

/// List event types
///
/// Those that are built in and your own, by name.
#[utoipa::path(
    get,
    path = "/api/v1/event-types",
    operation_id = "listEventTypes",
    tag = "Event types",
    params(ByPage, ("builtIn" = Option<bool>, Query, description = "Only those that are built in, or only your own")),
    responses((status = 200, description = "A page of event types", body = PagedList<TypeView>)),
    security(("apiKey" = ["read:events"])),
)]
async fn list(State(api): State<Arc<Api>>, caller: Caller<ReadEvents>, uri: Uri) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &[PAGE, &["builtIn"]]);
    let page = Page::read(&mut query, &api.options);
    let wanted: Option<bool> = query.get("builtIn", "true or false", |text| text.parse().ok());
    query.finish()?;
    let own = api.engine.event_types(caller.scope).await?;
    let mut all: Vec<TypeView<'_>> = Vec::with_capacity(own.len() + built_in().len());
    if wanted != Some(false) {
        all.extend(built_in().iter().map(TypeView::from));
    }
    if wanted != Some(true) {
        all.extend(own.iter().map(|own| TypeView::from(&**own)));
    }
    all.sort_by_key(|view| view.name);
    let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
    let (offset, limit) = (usize::try_from(page.offset()), usize::try_from(page.limit));
    let shown = all.into_iter().skip(offset.unwrap_or(usize::MAX)).take(limit.unwrap_or(usize::MAX));
    let list = page.paged(shown.collect(), total);
    Ok((StatusCode::OK, axum::Json(list)).into_response())
}

/// A name in a path. One that is malformed is of nothing that exists.
fn read_name(text: &str) -> Result<EventType, Problem> {
    EventType::parse(text).map_err(|_| TypeError::NotFound.into())
}

/// Read an event type
#[utoipa::path(
    get,
    path = "/api/v1/event-types/{name}",
    operation_id = "getEventType",
    tag = "Event types",
    params(("name" = String, Path)),
    responses((status = 200, description = "The event type", body = Success<TypeView>)),
    security(("apiKey" = ["read:events"])),
)]
async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadEvents>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    if let Some(one) = built_in_named(&name) {
        return Ok(success(StatusCode::OK, TypeView::from(one)));
    }
    let own = api.engine.event_type(caller.scope, &read_name(&name)?).await?;
    Ok(shown(StatusCode::OK, &own))
}

/// Create an event type
///
/// Events of types that are in no catalogue may be published too. One that is in it has a description and an example,
/// and a schema that can judge what is published: it `warn`s the publisher, or `reject`s the event.
#[utoipa::path(
    post,
    path = "/api/v1/event-types",
    operation_id = "createEventType",
    tag = "Event types",
    request_body = NewType,
    responses((status = 201, description = "The event type", body = Success<TypeView>, headers(
        ("Location" = String, description = "Where the event type is"),
        ("ETag" = String, description = "The event type's version"),
    ))),
    security(("apiKey" = ["write:events"])),
)]
async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteEvents>,
    Json(mut new): Json<NewType>,
) -> Result<Response, Problem> {
    let settings = new.take_draft().check(None);
    let name = match &new.name {
        Given::Absent | Given::Null => Err(FieldProblem::required("name")),
        Given::Value(text) => {
            EventType::parse(text).map_err(|error| FieldProblem::new("name", FieldCode::Invalid, error.to_string()))
        }
    };
    let (name, settings) = match (name, settings) {
        (Ok(name), Ok(settings)) => (name, settings),
        (name, settings) => {
            let problems = name.err().into_iter().chain(settings.err().unwrap_or_default());
            return Err(Problem::fields(problems.collect()));
        }
    };
    let own = api.engine.create_event_type(caller.scope, name, settings).await?;
    let location = format!("/api/v1/event-types/{}", own.name);
    let location = HeaderValue::from_str(&location).expect("a name is of letters, digits, dots and _");
    Ok(([(header::LOCATION, location)], shown(StatusCode::CREATED, &own)).into_response())
}

/// Whether the client named a version; a problem if it is another.
fn if_match(headers: &HeaderMap, own: &OwnType) -> Result<bool, Problem> {
    if is_another(headers, own.revision) {
        Err(changed_meanwhile())
    } else {
        Ok(headers.contains_key(header::IF_MATCH))
    }
}

fn changed_meanwhile() -> Problem {
    Problem::new(Code::PreconditionFailed, "The event type has changed: it is not the version that `If-Match` names.")
}

/// Change an event type with PUT
///
/// The same as with PATCH: what is not mentioned stays.
#[utoipa::path(
    put,
    path = "/api/v1/event-types/{name}",
    operation_id = "replaceEventType",
    tag = "Event types",
    params(("name" = String, Path)),
    request_body = TypeChange,
    responses((status = 200, description = "The event type as it is now", body = Success<TypeView>)),
    security(("apiKey" = ["write:events"])),
)]
async fn replace(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteEvents>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(asked): Json<TypeChange>,
) -> Result<Response, Problem> {
    change(&api, caller.scope, &name, &headers, asked).await
}

/// Change an event type
///
/// What is not mentioned stays; null resets. Those that are built in cannot be changed.
#[utoipa::path(
    patch,
    path = "/api/v1/event-types/{name}",
    operation_id = "updateEventType",
    tag = "Event types",
    params(("name" = String, Path)),
    request_body = TypeChange,
    responses((status = 200, description = "The event type as it is now", body = Success<TypeView>)),
    security(("apiKey" = ["write:events"])),
)]
async fn update(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteEvents>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(asked): Json<TypeChange>,
) -> Result<Response, Problem> {
    change(&api, caller.scope, &name, &headers, asked).await
}

/// Reads, edits and writes back; anew when another change came between, unless the client named a version.
async fn change(
    api: &Api,
    scope: Scope,
    name: &str,
    headers: &HeaderMap,
    mut asked: TypeChange,
) -> Result<Response, Problem> {
    let name = read_name(name)?;
    let draft = asked.take_draft();
    for _ in 0..CHANGE_TRIES {
        let current = api.engine.own_type_to_change(scope, &name).await?;
        let bound = if_match(headers, &current)?;
        let settings = check_change(&asked.name, draft.clone(), &current)?;
        match api.engine.update_event_type(scope, &name, settings, current.revision).await {
            Err(TypeError::Changed) if bound => return Err(changed_meanwhile()),
            Err(TypeError::Changed) => {}
            Err(error) => return Err(error.into()),
            Ok(own) => return Ok(shown(StatusCode::OK, &own)),
        }
    }
    Err(TypeError::Changed.into())
}

/// A client may send the name along; it cannot be changed, because events that were published bear it.
fn check_change(name: &Given<String>, draft: TypeDraft, current: &OwnType) -> Result<TypeSettings, Problem> {
    let is_other = match name {
        Given::Absent => false,
        Given::Null => true,
        Given::Value(text) => text != current.name.as_str(),
    };
    let renamed =
        is_other.then(|| FieldProblem::new("name", FieldCode::NotAllowed, "cannot be changed: create another type"));
    match (renamed, draft.check(Some(&current.settings))) {
        (None, Ok(settings)) => Ok(settings),
        (renamed, settings) => {
            Err(Problem::fields(renamed.into_iter().chain(settings.err().unwrap_or_default()).collect()))
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = DeletedEventType)]
struct Deleted<'a> {
    #[schema(example = "order.paid")]
    name: &'a str,
}

/// Delete an event type
///
/// Events of that name may be published as before, and nothing judges them any more.
#[utoipa::path(
    delete,
    path = "/api/v1/event-types/{name}",
    operation_id = "deleteEventType",
    tag = "Event types",
    params(("name" = String, Path)),
    responses((status = 200, description = "The event type is gone", body = Success<Deleted>)),
    security(("apiKey" = ["write:events"])),
)]
async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteEvents>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let name = read_name(&name)?;
    let bound = delete_as_it_is(&api, caller.scope, &name, &headers).await;
    bound.map(|()| said(StatusCode::OK, "Event type deleted", Deleted { name: name.as_str() }))
}

async fn delete_as_it_is(api: &Api, scope: Scope, name: &EventType, headers: &HeaderMap) -> Result<(), Problem> {
    for _ in 0..CHANGE_TRIES {
        let current = api.engine.own_type_to_change(scope, name).await?;
        let bound = if_match(headers, &current)?;
        match api.engine.delete_event_type(scope, name, current.revision).await {
            Err(TypeError::Changed) if bound => return Err(changed_meanwhile()),
            Err(TypeError::Changed) => {}
            done => return done.map_err(Problem::from),
        }
    }
    Err(TypeError::Changed.into())
}
