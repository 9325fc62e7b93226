//! The people of a tenant who sign in: list, make, read, change, give a password, remove. For people who have signed
//! in, never for keys.
//!
//! Owners change everybody, admins the members. Everybody else sees themselves. A tenant keeps an owner who can sign
//! in, whatever its people do to each other at once.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::json::{Json, MaybeJson};
use super::page::{ByPage, PAGE, Page, PagedList};
use super::problem::{Code, Problem};
use super::query::{Id, Noun, Query};
use super::session::{TeamManager, Teammate};
use super::sign_in::{read_email, read_password};
use super::{Api, Success, said, success};
use crate::chance;
use crate::domain::field::{FieldCode, FieldProblem, Given};
use crate::domain::id::UserId;
use crate::domain::password::{Password, draw};
use crate::domain::time::Timestamp;
use crate::domain::user::{Email, Role, USER_NAME_CHARS_MAX, User, user_name};
use crate::engine::sessions::LoginError;
use crate::engine::users::{NewUser, UserChange, UserError};

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(set_password))
}

impl Noun for UserId {
    const NOUN: &'static str = "user";
}

/// Somebody who signs in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Teammate)]
struct TeammateView {
    id: UserId,
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(example = "Ada")]
    name: String,
    role: Role,
    /// Whether they may sign in.
    #[schema(example = true)]
    is_active: bool,
    disabled_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Only when it was just drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "k7w2mzq9p4xr5tbn8cvd3hjy", extensions(("x-shown-once" = json!(true))))]
    password: Option<String>,
}

impl From<User> for TeammateView {
    fn from(user: User) -> Self {
        let User { id, tenant: _, email, name, role, created_at, updated_at, disabled_at } = user;
        let is_active = disabled_at.is_none();
        let email = email.to_string();
        Self { id, email, name, role, is_active, disabled_at, created_at, updated_at, password: None }
    }
}

/// List the users of the tenant
#[utoipa::path(
    get,
    path = "/api/tenant/users",
    operation_id = "listTeammates",
    tag = "Teammates",
    params(ByPage),
    responses((status = 200, description = "A page of users, newest first", body = PagedList<TeammateView>)),
    security(("session" = ["owner", "admin", "operator"])),
)]
async fn list(
    State(api): State<Arc<Api>>,
    TeamManager(Teammate { tenant, .. }): TeamManager,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::read(&uri, &[PAGE]);
    let page = Page::read(&mut query, &api.options);
    query.finish()?;
    let (users, total) = api.engine.store().users_page(tenant, page.limit, page.offset()).await?;
    let users = users.into_iter().map(TeammateView::from).collect();
    Ok(axum::Json(page.paged(users, total)).into_response())
}

/// A user to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "email": "ada@example.com", "name": "Ada", "role": "member" }))]
struct NewTeammate {
    /// What they sign in with.
    #[schema(value_type = String, format = "email", max_length = 254)]
    email: Option<String>,
    /// For people; the address where it is not given.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// An admin makes members only.
    #[schema(value_type = Role)]
    role: Option<String>,
    /// One is drawn, and shown once, where none is given.
    #[schema(value_type = Option<String>, min_length = 12)]
    password: Option<SecretString>,
}

/// Make a user
///
/// Without a `password` one is drawn; the answer shows it, this once.
#[utoipa::path(
    post,
    path = "/api/tenant/users",
    operation_id = "createTeammate",
    tag = "Teammates",
    request_body = NewTeammate,
    responses((status = 201, description = "The user", body = Success<TeammateView>, headers(
        ("Location" = String, description = "Where the user is"),
    ))),
    security(("session" = ["owner", "admin", "operator"])),
)]
async fn create(
    State(api): State<Arc<Api>>,
    TeamManager(Teammate { person, tenant }): TeamManager,
    Json(given): Json<NewTeammate>,
) -> Result<Response, Problem> {
    let mut problems = Vec::new();
    let email = read_email(given.email.as_deref(), &mut problems);
    let name = given.name.as_deref().or(email.as_ref().map(Email::as_str));
    let name = name.and_then(|name| read_name(name, &mut problems));
    let role = match given.role {
        None => Err(FieldProblem::required("role")),
        Some(word) => read_role(&word),
    };
    let role = role.map_err(|problem| problems.push(problem)).ok();
    let new = read_or_draw("password", given.password, &mut problems);
    let (Some(email), Some(name), Some(role), Some((password, drawn)), true) =
        (email, name, role, new, problems.is_empty())
    else {
        return Err(Problem::fields(problems));
    };
    let new = NewUser { tenant: Some(tenant), email, name, role, password };
    let user = api.engine.create_teammate(&person.user, new).await?;
    let location = HeaderValue::try_from(format!("/api/tenant/users/{}", user.id));
    let headers = [(header::LOCATION, location.expect("ids are visible ASCII"))];
    let data = TeammateView { password: drawn, ..TeammateView::from(user) };
    Ok((headers, success(StatusCode::CREATED, data)).into_response())
}

fn read_name(text: &str, problems: &mut Vec<FieldProblem>) -> Option<String> {
    let name = user_name(text);
    if name.is_none() {
        let message = format!("must have 1 to {USER_NAME_CHARS_MAX} characters, all of them printable");
        problems.push(FieldProblem::new("name", FieldCode::Length, message));
    }
    name
}

/// A role that a tenant can give.
fn read_role(word: &str) -> Result<Role, FieldProblem> {
    let role = word.parse::<Role>().ok().filter(|role| role.is_of_tenant());
    role.ok_or_else(|| FieldProblem::new("role", FieldCode::Invalid, "must be `owner`, `admin` or `member`"))
}

/// A password; and its text, if it had to be drawn.
fn read_or_draw(
    field: &str,
    text: Option<SecretString>,
    problems: &mut Vec<FieldProblem>,
) -> Option<(Password, Option<String>)> {
    let drawn = text.is_none().then(|| draw(chance::bytes()));
    let text = text.or_else(|| drawn.clone().map(SecretString::from));
    read_password(field, text, Password::new, problems).map(|password| (password, drawn))
}

/// Read a user
///
/// A member reads themselves only.
#[utoipa::path(
    get,
    path = "/api/tenant/users/{id}",
    operation_id = "getTeammate",
    tag = "Teammates",
    params(("id" = UserId, Path)),
    responses((status = 200, description = "The user", body = Success<TeammateView>)),
    security(("session" = ["owner", "admin", "member", "operator"])),
)]
async fn show(
    State(api): State<Arc<Api>>,
    Teammate { person, tenant }: Teammate,
    Id(id): Id<UserId>,
) -> Result<Response, Problem> {
    let user = api.engine.teammate(tenant, &person.user, id).await?;
    Ok(success(StatusCode::OK, TeammateView::from(user)))
}

/// What to change of a user; what is not mentioned stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "role": "admin" }))]
struct TeammateChange {
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    name: Given<String>,
    #[serde(default)]
    #[schema(value_type = Option<Role>)]
    role: Given<String>,
    /// False shuts them out at once, true lets them in again.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    is_active: Given<bool>,
}

impl TeammateChange {
    fn check(self) -> Result<UserChange, Problem> {
        let Self { name, role, is_active } = self;
        let mut problems = Vec::new();
        let name = given("name", name, &mut problems).and_then(|name| read_name(&name, &mut problems));
        let role = given("role", role, &mut problems);
        let role = role.and_then(|word| read_role(&word).map_err(|problem| problems.push(problem)).ok());
        let is_active = given("isActive", is_active, &mut problems);
        if problems.is_empty() { Ok(UserChange { name, role, is_active }) } else { Err(Problem::fields(problems)) }
    }
}

/// None of these can be reset.
fn given<T>(field: &str, value: Given<T>, problems: &mut Vec<FieldProblem>) -> Option<T> {
    match value {
        Given::Absent => None,
        Given::Null => {
            problems.push(FieldProblem::required(field));
            None
        }
        Given::Value(value) => Some(value),
    }
}

/// Change a user
///
/// What is not mentioned stays. An owner changes everybody, an admin members and their own name. The last owner stays.
#[utoipa::path(
    put,
    path = "/api/tenant/users/{id}",
    operation_id = "updateTeammate",
    tag = "Teammates",
    params(("id" = UserId, Path)),
    request_body = TeammateChange,
    responses((status = 200, description = "The user as they are now", body = Success<TeammateView>)),
    security(("session" = ["owner", "admin", "operator"])),
)]
async fn update(
    State(api): State<Arc<Api>>,
    TeamManager(Teammate { person, tenant }): TeamManager,
    Id(id): Id<UserId>,
    Json(change): Json<TeammateChange>,
) -> Result<Response, Problem> {
    let user = api.engine.change_teammate(tenant, &person.user, id, change.check()?).await?;
    Ok(success(StatusCode::OK, TeammateView::from(user)))
}

#[derive(Serialize, ToSchema)]
#[schema(as = DeletedTeammate)]
struct Deleted {
    id: UserId,
}

/// Remove a user
///
/// Their sessions end at once. The last owner stays.
#[utoipa::path(
    delete,
    path = "/api/tenant/users/{id}",
    operation_id = "deleteTeammate",
    tag = "Teammates",
    params(("id" = UserId, Path)),
    responses((status = 200, description = "They are removed", body = Success<Deleted>)),
    security(("session" = ["owner", "admin", "operator"])),
)]
async fn delete(
    State(api): State<Arc<Api>>,
    TeamManager(Teammate { person, tenant }): TeamManager,
    Id(id): Id<UserId>,
) -> Result<Response, Problem> {
    api.engine.delete_teammate(tenant, &person.user, id).await?;
    Ok(said(StatusCode::OK, "User removed", Deleted { id }))
}

/// Another password.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({}))]
struct TeammatePassword {
    /// Of oneself only, and then required.
    #[schema(value_type = Option<String>)]
    current_password: Option<SecretString>,
    /// One is drawn for somebody else, and shown once, where none is given.
    #[schema(value_type = Option<String>, min_length = 12)]
    new_password: Option<SecretString>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TeammatePasswordSet)]
struct PasswordSet {
    id: UserId,
    /// Only when it was drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "k7w2mzq9p4xr5tbn8cvd3hjy", extensions(("x-shown-once" = json!(true))))]
    password: Option<String>,
}

/// Set a user's password
///
/// Everybody sets their own, with the old one. An owner sets everybody's, an admin those of members; without a
/// `newPassword` one is drawn, and the answer shows it, this once. All sessions of the user end, but the one that asks.
#[utoipa::path(
    post,
    path = "/api/tenant/users/{id}/password",
    operation_id = "setTeammatePassword",
    tag = "Teammates",
    params(("id" = UserId, Path)),
    request_body = Option<TeammatePassword>,
    responses((status = 200, description = "It is set", body = Success<PasswordSet>)),
    security(("session" = ["owner", "admin", "member", "operator"])),
)]
async fn set_password(
    State(api): State<Arc<Api>>,
    Teammate { person, tenant }: Teammate,
    Id(id): Id<UserId>,
    MaybeJson(TeammatePassword { current_password, new_password }): MaybeJson<TeammatePassword>,
) -> Result<Response, Problem> {
    let mut problems = Vec::new();
    if id == person.user.id {
        let current = read_password("currentPassword", current_password, Password::guess, &mut problems);
        let new = read_password("newPassword", new_password, Password::new, &mut problems);
        let (Some(current), Some(new)) = (current, new) else { return Err(Problem::fields(problems)) };
        api.engine.change_password(&person, current, new).await.map_err(own_password_problem)?;
        return Ok(success(StatusCode::OK, PasswordSet { id, password: None }));
    }
    if current_password.is_some() {
        let message = "is asked for only where one sets one's own";
        problems.push(FieldProblem::new("currentPassword", FieldCode::NotAllowed, message));
    }
    let new = read_or_draw("newPassword", new_password, &mut problems);
    let Some((new, password)) = new.filter(|_| problems.is_empty()) else { return Err(Problem::fields(problems)) };
    api.engine.reset_teammate(tenant, &person.user, id, new).await?;
    Ok(success(StatusCode::OK, PasswordSet { id, password }))
}

/// Why somebody's own password was not changed: a wrong guess is a wrong field, because one has signed in.
pub(super) fn own_password_problem(error: LoginError) -> Problem {
    match error {
        LoginError::Wrong => {
            Problem::field(FieldProblem::new("currentPassword", FieldCode::Mismatch, "is not your password"))
        }
        error @ (LoginError::Locked { .. } | LoginError::Busy | LoginError::Store(_)) => error.into(),
    }
}

impl From<UserError> for Problem {
    fn from(error: UserError) -> Self {
        match error {
            UserError::NotFound => Self::not_found("user"),
            UserError::EmailTaken => Self::new(Code::Conflict, "Somebody signs in with this address."),
            UserError::Rank(own, other) => {
                let message = format!("The role `{own}` may not make or change a user who is `{other}`.");
                Self::new(Code::PermissionDenied, message)
            }
            UserError::LastOwner => Self::new(Code::Conflict, "A tenant keeps an owner who can sign in."),
            UserError::Changed => Self::new(Code::Conflict, "Others have just changed this user; try again."),
            UserError::Busy => Self::unavailable("Too many people are signing in; try again soon."),
            UserError::Tenant => Self::internal(error.to_string()),
            UserError::Store(error) => Self::from(error),
        }
    }
}
