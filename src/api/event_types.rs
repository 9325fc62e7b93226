//! Event types: the catalogue, and a tenant's own types to create, change and delete.
//!
//! Built-in types and own ones are one list, by name. PUT changes what it mentions, as PATCH does. `ETag` is the
//! type's version; a change with `If-Match` happens only while the version is still that.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::auth::{Caller, ReadEvents, WriteEvents};
use super::json::Json;
use super::page::{PAGE, Page};
use super::problem::{Code, Problem};
use super::query::Query;
use super::{Api, said, success};
use crate::domain::catalogue::{BuiltIn, OwnType, SchemaMode, TypeDraft, TypeSettings, built_in, built_in_named};
use crate::domain::event::EventType;
use crate::domain::field::{FieldCode, FieldProblem, Given};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::engine::event_types::TypeError;

/// How often a change without `If-Match` is made anew because another came between.
const CHANGE_TRIES: usize = 5;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v1/event-types", get(list).post(create))
        .route("/api/v1/event-types/{name}", get(show).put(change).patch(change).delete(delete))
}

/// An event type.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeView<'a> {
    name: &'a str,
    description: Option<&'a str>,
    /// The `data` of one.
    example: Option<Example<'a>>,
    schema: Option<&'a Value>,
    schema_mode: &'static str,
    /// Whether it is there for everybody and cannot be changed.
    built_in: bool,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    version: Option<i64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Example<'a> {
    BuiltIn(&'a Value),
    Own(&'a Map<String, Value>),
}

impl<'a> From<&'a BuiltIn> for TypeView<'a> {
    fn from(BuiltIn { name, description, example, schema }: &'a BuiltIn) -> Self {
        Self {
            name,
            description: Some(description),
            example: Some(Example::BuiltIn(example)),
            schema: Some(schema),
            schema_mode: SchemaMode::Off.as_str(),
            built_in: true,
            created_at: None,
            updated_at: None,
            version: None,
        }
    }
}

impl<'a> From<&'a OwnType> for TypeView<'a> {
    fn from(own: &'a OwnType) -> Self {
        let OwnType { scope: _, name, settings, judge: _, created_at, updated_at, deleted_at: _, revision } = own;
        let TypeSettings { description, example, schema, mode } = settings;
        Self {
            name: name.as_str(),
            description: description.as_deref(),
            example: example.as_ref().map(Example::Own),
            schema: schema.as_ref(),
            schema_mode: mode.as_str(),
            built_in: false,
            created_at: Some(*created_at),
            updated_at: Some(*updated_at),
            version: Some(*revision),
        }
    }
}

fn tag(own: &OwnType) -> String {
    format!("\"{}\"", own.revision)
}

fn etag(own: &OwnType) -> (HeaderName, HeaderValue) {
    (header::ETAG, HeaderValue::from_str(&tag(own)).expect("a number in quotes is visible ASCII"))
}

fn shown(status: StatusCode, own: &OwnType) -> Response {
    ([etag(own)], success(status, TypeView::from(own))).into_response()
}

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
    let list = page.list(shown.collect(), total, None);
    Ok((StatusCode::OK, axum::Json(list)).into_response())
}

/// A name in a path. One that is malformed is of nothing that exists.
fn read_name(text: &str) -> Result<EventType, Problem> {
    EventType::parse(text).map_err(|_| TypeError::NotFound.into())
}

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

/// An event type to create, or what to change of one.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct TypeChange {
    name: Given<String>,
    description: Given<String>,
    example: Given<Map<String, Value>>,
    schema: Given<Value>,
    schema_mode: Given<String>,
}

impl TypeChange {
    fn take_draft(&mut self) -> TypeDraft {
        TypeDraft {
            description: std::mem::take(&mut self.description),
            example: std::mem::take(&mut self.example),
            schema: std::mem::take(&mut self.schema),
            mode: std::mem::take(&mut self.schema_mode),
        }
    }
}

async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteEvents>,
    Json(mut new): Json<TypeChange>,
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
    let current = tag(own);
    let mut values = headers.get_all(header::IF_MATCH).into_iter().peekable();
    if values.peek().is_none() {
        return Ok(false);
    }
    let mut given = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim);
    if given.any(|given| given == "*" || given == current) { Ok(true) } else { Err(changed_meanwhile()) }
}

fn changed_meanwhile() -> Problem {
    Problem::new(Code::PreconditionFailed, "The event type has changed: it is not the version that `If-Match` names.")
}

async fn change(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteEvents>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(mut change): Json<TypeChange>,
) -> Result<Response, Problem> {
    let name = read_name(&name)?;
    let draft = change.take_draft();
    for _ in 0..CHANGE_TRIES {
        let current = api.engine.own_type_to_change(caller.scope, &name).await?;
        let bound = if_match(&headers, &current)?;
        let settings = check_change(&change.name, draft.clone(), &current)?;
        match api.engine.update_event_type(caller.scope, &name, settings, current.revision).await {
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

#[derive(Serialize)]
struct Deleted<'a> {
    name: &'a str,
}

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
