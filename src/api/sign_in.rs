//! Signing in and out, who one is, and another password.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::json::Json;
use super::problem::{Code, Envelope, Problem};
use super::session::{Person, cookie};
use super::teammates::own_password_problem;
use super::{Api, Success, said, success};
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::{TenantId, UserId};
use crate::domain::password::Password;
use crate::domain::time::Timestamp;
use crate::domain::user::{Email, Role, User};
use crate::engine::sessions::{LoginError, SignedIn};

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(login))
        .routes(routes!(logout))
        .routes(routes!(me, change_me))
        .routes(routes!(change_password))
}

/// Who one is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Account)]
struct UserView {
    id: UserId,
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(example = "Ada")]
    name: String,
    role: Role,
    /// None for an operator.
    tenant: Option<TenantView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Tenant)]
struct TenantView {
    id: TenantId,
    #[schema(example = "acme")]
    name: String,
}

impl UserView {
    fn new(user: &User, api: &Api) -> Self {
        let User { id, tenant, email, name, role, created_at: _, updated_at: _, disabled_at: _ } = user;
        let tenant = tenant.map(|id| {
            let name = api.engine.tenant(id).map_or_else(String::new, |tenant| tenant.name.clone());
            TenantView { id, name }
        });
        Self { id: *id, email: email.to_string(), name: name.clone(), role: *role, tenant }
    }
}

/// Who one says to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "ada@example.com", "password": "correct horse battery" }))]
struct Credentials {
    #[schema(value_type = String)]
    email: Option<String>,
    #[schema(value_type = String)]
    password: Option<SecretString>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignedIn)]
struct SignedInView {
    /// For `Authorization: Bearer`.
    #[schema(example = "eyJ…")]
    token: String,
    expires_at: Timestamp,
    user: UserView,
}

/// Sign in
///
/// The answer also sets a cookie, for browsers.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    operation_id = "login",
    tag = "Sign in",
    request_body = Credentials,
    responses(
        (status = 200, description = "One is signed in", body = Success<SignedInView>),
        (status = 401, description = "The address or the password is wrong", body = Envelope),
    ),
    security(()),
)]
async fn login(State(api): State<Arc<Api>>, Json(given): Json<Credentials>) -> Result<Response, Problem> {
    let mut problems = Vec::new();
    let email = read_email(given.email.as_deref(), &mut problems);
    let guess = read_password("password", given.password, Password::guess, &mut problems);
    let (Some(email), Some(guess)) = (email, guess) else { return Err(Problem::fields(problems)) };
    let (SignedIn { session, user }, token) = api.engine.login(&email, guess).await?;
    let set_cookie = [(header::SET_COOKIE, cookie(&token, &api))];
    let data = SignedInView { token, expires_at: session.expires_at, user: UserView::new(&user, &api) };
    Ok((set_cookie, success(StatusCode::OK, data)).into_response())
}

pub(super) fn read_email(text: Option<&str>, problems: &mut Vec<FieldProblem>) -> Option<Email> {
    let Some(text) = text else {
        problems.push(FieldProblem::required("email"));
        return None;
    };
    let email = text.parse::<Email>();
    if let Err(error) = &email {
        problems.push(FieldProblem::new("email", FieldCode::Invalid, error.to_string()));
    }
    email.ok()
}

pub(super) fn read_password<E: std::fmt::Display>(
    field: &str,
    text: Option<SecretString>,
    read: impl FnOnce(SecretString) -> Result<Password, E>,
    problems: &mut Vec<FieldProblem>,
) -> Option<Password> {
    let Some(text) = text else {
        problems.push(FieldProblem::required(field));
        return None;
    };
    match read(text) {
        Ok(password) => Some(password),
        Err(error) => {
            problems.push(FieldProblem::new(field, FieldCode::Length, error.to_string()));
            None
        }
    }
}

#[derive(Serialize, ToSchema)]
struct Nothing {}

/// Sign out
#[utoipa::path(
    post,
    path = "/api/auth/logout",
    operation_id = "logout",
    tag = "Sign in",
    responses((status = 200, description = "The session has ended", body = Success<Nothing>)),
    security(("session" = ["owner", "admin", "member", "operator"])),
)]
async fn logout(State(api): State<Arc<Api>>, Person(person): Person) -> Result<Response, Problem> {
    api.engine.logout(&person).await?;
    let end_cookie = [(header::SET_COOKIE, cookie("", &api))];
    Ok((end_cookie, said(StatusCode::OK, "Signed out", Nothing {})).into_response())
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Me {
    user: UserView,
    /// Whether one gets mails about operational events: owners, admins and operators do, unless they want none.
    #[schema(example = true)]
    gets_mail: bool,
    expires_at: Timestamp,
}

impl Me {
    async fn new(person: &SignedIn, api: &Api) -> Result<Self, Problem> {
        let SignedIn { session, user } = person;
        let gets_mail = api.engine.store().gets_mail(user.id).await?;
        Ok(Self { user: UserView::new(user, api), gets_mail, expires_at: session.expires_at })
    }
}

/// Say who is signed in
#[utoipa::path(
    get,
    path = "/api/auth/me",
    operation_id = "getMe",
    tag = "Sign in",
    responses((status = 200, description = "Who one is", body = Success<Me>)),
    security(("session" = ["owner", "admin", "member", "operator"])),
)]
async fn me(State(api): State<Arc<Api>>, Person(person): Person) -> Result<Response, Problem> {
    Ok(success(StatusCode::OK, Me::new(&person, &api).await?))
}

/// What is to be different about oneself. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "getsMail": false }))]
struct MyChange {
    /// Whether one gets mails about operational events.
    #[schema(value_type = bool)]
    gets_mail: Option<bool>,
}

/// Say whether one gets mails
#[utoipa::path(
    patch,
    path = "/api/auth/me",
    operation_id = "changeMe",
    tag = "Sign in",
    request_body = MyChange,
    responses((status = 200, description = "Who one is", body = Success<Me>)),
    security(("session" = ["owner", "admin", "member", "operator"])),
)]
async fn change_me(
    State(api): State<Arc<Api>>,
    Person(person): Person,
    Json(MyChange { gets_mail }): Json<MyChange>,
) -> Result<Response, Problem> {
    if let Some(gets_mail) = gets_mail {
        api.engine.set_mail(&person.user, gets_mail).await?;
    }
    Ok(success(StatusCode::OK, Me::new(&person, &api).await?))
}

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "currentPassword": "correct horse battery", "newPassword": "staple and correct horse" }))]
struct PasswordChange {
    #[schema(value_type = String)]
    current_password: Option<SecretString>,
    #[schema(value_type = String, min_length = 12)]
    new_password: Option<SecretString>,
}

/// Change one's password
///
/// All other sessions end.
#[utoipa::path(
    post,
    path = "/api/auth/password",
    operation_id = "changePassword",
    tag = "Sign in",
    request_body = PasswordChange,
    responses((status = 200, description = "It is changed", body = Success<Nothing>)),
    security(("session" = ["owner", "admin", "member", "operator"])),
)]
async fn change_password(
    State(api): State<Arc<Api>>,
    Person(person): Person,
    Json(given): Json<PasswordChange>,
) -> Result<Response, Problem> {
    let mut problems = Vec::new();
    let current = read_password("currentPassword", given.current_password, Password::guess, &mut problems);
    let new = read_password("newPassword", given.new_password, Password::new, &mut problems);
    let (Some(current), Some(new)) = (current, new) else { return Err(Problem::fields(problems)) };
    api.engine.change_password(&person, current, new).await.map_err(own_password_problem)?;
    Ok(said(StatusCode::OK, "Password changed; other sessions have ended", Nothing {}))
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Wrong => Self::new(Code::AuthRequired, "The address or the password is wrong."),
            LoginError::Locked { wait } => {
                let seconds = u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1);
                let message = format!("Too many wrong passwords for this address; try again in {seconds} s.");
                Self::new(Code::RateLimitExceeded, message).retry_after(seconds)
            }
            LoginError::Busy => Self::unavailable("Too many people are signing in; try again soon."),
            LoginError::Store(error) => Self::from(error),
        }
    }
}
