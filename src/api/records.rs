//! The core API: customers, conversations, messages, leads, users and calls.
//!
//! One set of handlers serves every noun; what it is like stands in the noun's table ([`crate::domain::noun`]), and the
//! document of each operation is made of that too ([`documents`], [`schemas`]).
//!
//! PUT changes what it mentions, as PATCH does: integrators of the products that Angarium serves send partial PUTs.
//! `ETag` is the record's version; a write with `If-Match` happens only while the version is still that.

mod documents;
mod schemas;

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;

use super::auth::{
    Caller, Needs, ReadConversations, ReadCustomers, ReadMessages, WriteConversations, WriteCustomers, WriteMessages,
};
use super::etag::{etag, is_another, is_known};
use super::json::{Fields, Json, MaybeJson};
use super::page::{PAGE_OR_CURSOR, Page};
use super::problem::{Code, Problem};
use super::query::Query;
use super::{Api, success};
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::RecordId;
use crate::domain::noun::calls::CALL;
use crate::domain::noun::conversations::CONVERSATION;
use crate::domain::noun::customers::CUSTOMER;
use crate::domain::noun::leads::LEAD;
use crate::domain::noun::life::Refused;
use crate::domain::noun::messages::MESSAGE;
use crate::domain::noun::record::Record;
use crate::domain::noun::users::USER;
use crate::domain::noun::{Action, FilterBy, Noun};
use crate::domain::tenant::Scope;
use crate::engine::records::RecordError;
use crate::store::records::Stretch;

/// A noun with the permissions that its routes ask for.
trait Resource: Send + Sync + 'static {
    const NOUN: &'static Noun;
    type Read: Needs + Send + Sync + 'static;
    type Write: Needs + Send + Sync + 'static;
}

macro_rules! resources {
    ($($name:ident is $noun:path: $read:ident, $write:ident;)*) => {
        $(
            struct $name;

            impl Resource for $name {
                const NOUN: &'static Noun = &$noun;
                type Read = $read;
                type Write = $write;
            }
        )*

        /// The routes of every noun, with their documents.
        pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
            OpenApiRouter::default()$(.merge(routes_of::<$name>()))*
        }
    };
}

// The permissions of the contract have no words for leads, users and calls: theirs are those of what they belong to.
resources! {
    Customers is CUSTOMER: ReadCustomers, WriteCustomers;
    Conversations is CONVERSATION: ReadConversations, WriteConversations;
    Messages is MESSAGE: ReadMessages, WriteMessages;
    Leads is LEAD: ReadCustomers, WriteCustomers;
    Users is USER: ReadConversations, WriteConversations;
    Calls is CALL: ReadConversations, WriteConversations;
}

fn routes_of<R: Resource>() -> OpenApiRouter<Arc<Api>> {
    let documents = documents::Documents::of::<R>();
    let item: MethodRouter<Arc<Api>> = get(show::<R>).put(change::<R>).patch(change::<R>).delete(delete::<R>);
    let mut router = OpenApiRouter::default()
        .routes(documents.collection(get(list::<R>).post(create::<R>)))
        .routes(documents.item(item));
    for action in R::NOUN.actions {
        let act = move |state, caller, target, headers, body| act::<R>(state, caller, target, headers, body, action);
        router = router.routes(documents.action(action, post(act)));
    }
    if R::NOUN.parent.is_some() {
        router = router.routes(documents.parts(get(list_parts::<R>).post(create_part::<R>)));
    }
    router
}

/// The id in a path. One that is malformed is of nothing that exists.
struct Target<R>(RecordId, PhantomData<R>);

impl<R: Resource> FromRequestParts<Arc<Api>> for Target<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let id = read_id(R::NOUN, parts, api).await?;
        Ok(Self(id, PhantomData))
    }
}

/// The id of what records of `R` are part of.
struct Whole<R>(RecordId, PhantomData<R>);

impl<R: Resource> FromRequestParts<Arc<Api>> for Whole<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let (_, whole) = R::NOUN.parent_field().ok_or_else(|| Problem::not_found(R::NOUN.name))?;
        let id = read_id(whole, parts, api).await?;
        Ok(Self(id, PhantomData))
    }
}

async fn read_id(noun: &'static Noun, parts: &mut Parts, api: &Arc<Api>) -> Result<RecordId, Problem> {
    let text = Path::<String>::from_request_parts(parts, api).await;
    let id = text.ok().and_then(|Path(text)| RecordId::parse(noun.prefix, &text).ok());
    id.ok_or_else(|| Problem::not_found(noun.name))
}

impl From<RecordError> for Problem {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::NotFound(noun) => Self::not_found(noun),
            RecordError::OtherVersion(noun) => {
                let message = format!("The {noun} has changed: it is not the version that `If-Match` names.");
                Self::new(Code::PreconditionFailed, message)
            }
            RecordError::Changed(noun) => {
                Self::new(Code::Conflict, format!("Others keep changing the {noun}; try again."))
            }
            RecordError::State(sentence) => Self::new(Code::Conflict, sentence),
            RecordError::Fields(problems) => Self::fields(problems),
            RecordError::Accept(error) => error.into(),
            RecordError::Store(error) => error.into(),
        }
    }
}

fn shown(status: StatusCode, record: Record) -> Response {
    ([etag(record.version)], success(status, record)).into_response()
}

async fn list<R: Resource>(
    State(api): State<Arc<Api>>,
    caller: Caller<R::Read>,
    uri: Uri,
) -> Result<Response, Problem> {
    page_of::<R>(&api, caller.scope, &uri, None).await
}

/// The parts of one thing: the filter by it is the path.
async fn list_parts<R: Resource>(
    State(api): State<Arc<Api>>,
    caller: Caller<R::Read>,
    Whole(id, _): Whole<R>,
    uri: Uri,
) -> Result<Response, Problem> {
    page_of::<R>(&api, caller.scope, &uri, Some(id)).await
}

async fn whole_is_there<R: Resource>(api: &Api, scope: Scope, id: RecordId) -> Result<(), Problem> {
    match R::NOUN.parent_field() {
        Some((_, whole)) if !api.engine.store().has_record(scope, whole, id).await? => {
            Err(Problem::not_found(whole.name))
        }
        Some(_) | None => Ok(()),
    }
}

async fn page_of<R: Resource>(
    api: &Api,
    scope: Scope,
    uri: &Uri,
    whole: Option<RecordId>,
) -> Result<Response, Problem> {
    let noun = R::NOUN;
    let is_open = |name: &str| whole.is_none() || noun.parent != Some(name);
    let names: Vec<&str> = noun.filters.iter().map(|filter| filter.name).filter(|name| is_open(name)).collect();
    let lists = noun.filters.iter().filter(|filter| matches!(filter.by, FilterBy::Entries)).map(|filter| filter.name);
    let mut query = Query::read_repeating(uri, &[PAGE_OR_CURSOR, &names], &lists.collect::<Vec<_>>());
    let page = Page::read_shallow_with(&mut query, &api.options, limit_default(api, noun));
    let mut conditions = Vec::new();
    for filter in noun.filters {
        let whole = whole.filter(|_| !is_open(filter.name)).map(|id| id.to_string());
        let Some(text) = whole.or_else(|| query.text(filter.name).map(str::to_owned)) else { continue };
        match noun.wanted(filter, &text) {
            Ok(mut wanted) => conditions.append(&mut wanted),
            Err(message) => query.refuse(filter.name, FieldCode::Invalid, message),
        }
    }
    query.finish()?;
    if let Some(whole) = whole {
        whole_is_there::<R>(api, scope, whole).await?;
    }
    let stretch = Stretch {
        from: page.from(),
        before: page.before,
        oldest_first: page.is_back(),
        limit: page.limit + 1,
        offset: page.offset(),
    };
    let (mut rows, total) = api.engine.store().records_page(scope, noun, &conditions, stretch).await?;
    let cursors = page.cut(&mut rows, |record| record.id.uuid);
    let total = page.count(total, rows.len());
    Ok(axum::Json(page.list(rows, total, cursors)).into_response())
}

/// The documents of G-Tateth give conversations longer pages.
fn has_long_pages(noun: &Noun) -> bool {
    noun.name == CONVERSATION.name
}

fn limit_default(api: &Api, noun: &Noun) -> u32 {
    if has_long_pages(noun) { api.options.conversations_limit_default } else { api.options.page_limit_default }
}

async fn create<R: Resource>(
    State(api): State<Arc<Api>>,
    caller: Caller<R::Write>,
    Json(Fields(body)): Json<Fields>,
) -> Result<Response, Problem> {
    made(&api, caller.scope, R::NOUN, body).await
}

/// Makes a part of one thing, which the body need not name again.
async fn create_part<R: Resource>(
    State(api): State<Arc<Api>>,
    caller: Caller<R::Write>,
    Whole(id, _): Whole<R>,
    Json(Fields(mut body)): Json<Fields>,
) -> Result<Response, Problem> {
    whole_is_there::<R>(&api, caller.scope, id).await?;
    if let Some(field) = R::NOUN.parent {
        let id = Value::from(id.to_string());
        if body.get(field).is_some_and(|given| *given != id) {
            let problem =
                FieldProblem::new(field, FieldCode::Mismatch, "differs from the id in the path: leave it out");
            return Err(Problem::field(problem));
        }
        body.insert(field.to_owned(), id);
    }
    made(&api, caller.scope, R::NOUN, body).await
}

async fn made(api: &Api, scope: Scope, noun: &'static Noun, body: Map<String, Value>) -> Result<Response, Problem> {
    let record = api.engine.create_record(scope, noun, body).await?;
    let location = format!("/api/v1/{}/{}", noun.plural, record.id);
    let location = HeaderValue::from_str(&location).expect("nouns and ids are visible ASCII");
    Ok(([(header::LOCATION, location)], shown(StatusCode::CREATED, record)).into_response())
}

async fn show<R: Resource>(
    State(api): State<Arc<Api>>,
    caller: Caller<R::Read>,
    Target(id, _): Target<R>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let record = api.engine.record(caller.scope, R::NOUN, id).await?;
    if is_known(&headers, record.version) {
        return Ok((StatusCode::NOT_MODIFIED, [etag(record.version)]).into_response());
    }
    Ok(shown(StatusCode::OK, record))
}

/// Refuses a record that is not the version which the client names.
fn bound(headers: &HeaderMap, record: &Record) -> Result<(), RecordError> {
    if is_another(headers, record.version) { Err(RecordError::OtherVersion(record.noun.name)) } else { Ok(()) }
}

async fn change<R: Resource>(
    State(api): State<Arc<Api>>,
    caller: Caller<R::Write>,
    Target(id, _): Target<R>,
    headers: HeaderMap,
    Json(Fields(body)): Json<Fields>,
) -> Result<Response, Problem> {
    let edit = |current: &Record| {
        bound(&headers, current)?;
        R::NOUN.change(body.clone(), current).map_err(RecordError::Fields)
    };
    Ok(shown(StatusCode::OK, api.engine.change_record(caller.scope, R::NOUN, id, edit).await?))
}

async fn act<R: Resource>(
    State(api): State<Arc<Api>>,
    caller: Caller<R::Write>,
    Target(id, _): Target<R>,
    headers: HeaderMap,
    MaybeJson(Fields(body)): MaybeJson<Fields>,
    action: &'static Action,
) -> Result<Response, Problem> {
    let edit = |current: &Record| {
        bound(&headers, current)?;
        action.apply(body.clone(), current).map_err(|refused| match refused {
            Refused::Body(problems) => RecordError::Fields(problems),
            Refused::State(sentence) => RecordError::State(sentence),
        })
    };
    Ok(shown(StatusCode::OK, api.engine.change_record(caller.scope, R::NOUN, id, edit).await?))
}

#[derive(Serialize)]
struct Deleted {
    success: bool,
    message: String,
    data: DeletedId,
}

#[derive(Serialize)]
struct DeletedId {
    id: RecordId,
}

async fn delete<R: Resource>(
    State(api): State<Arc<Api>>,
    caller: Caller<R::Write>,
    Target(id, _): Target<R>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    api.engine.delete_record(caller.scope, R::NOUN, id, |current| bound(&headers, current)).await?;
    let message = format!("The {} was deleted", R::NOUN.name);
    Ok(axum::Json(Deleted { success: true, message, data: DeletedId { id } }).into_response())
}
