//! Signing in and out, who one is, and another password.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::json::Json;
use super::problem::{Code, Problem};
use super::session::{Person, cookie};
use super::{Api, said, success};
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::{TenantId, UserId};
use crate::domain::password::Password;
use crate::domain::time::Timestamp;
use crate::domain::user::{Email, Role, User};
use crate::engine::sessions::{LoginError, SignedIn};

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/auth/login", post(login))
        .route("/api/auth/logout", post(logout))
        .route("/api/auth/me", get(me))
        .route("/api/auth/password", post(change_password))
}

/// Who one is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserView {
    id: UserId,
    email: String,
    name: String,
    role: Role,
    /// None for an operator.
    tenant: Option<TenantView>,
}

#[derive(Serialize)]
struct TenantView {
    id: TenantId,
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

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct Credentials {
    email: Option<String>,
    password: Option<SecretString>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignedInView {
    token: String,
    expires_at: Timestamp,
    user: UserView,
}

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

fn read_email(text: Option<&str>, problems: &mut Vec<FieldProblem>) -> Option<Email> {
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

fn read_password<E: std::fmt::Display>(
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

#[derive(Serialize)]
struct Nothing {}

async fn logout(State(api): State<Arc<Api>>, Person(person): Person) -> Result<Response, Problem> {
    api.engine.logout(person.session.id).await?;
    let end_cookie = [(header::SET_COOKIE, cookie("", &api))];
    Ok((end_cookie, said(StatusCode::OK, "Signed out", Nothing {})).into_response())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Me {
    user: UserView,
    expires_at: Timestamp,
}

async fn me(State(api): State<Arc<Api>>, Person(person): Person) -> Response {
    let SignedIn { session, user } = &*person;
    success(StatusCode::OK, Me { user: UserView::new(user, &api), expires_at: session.expires_at })
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct PasswordChange {
    current_password: Option<SecretString>,
    new_password: Option<SecretString>,
}

async fn change_password(
    State(api): State<Arc<Api>>,
    Person(person): Person,
    Json(given): Json<PasswordChange>,
) -> Result<Response, Problem> {
    let mut problems = Vec::new();
    let current = read_password("currentPassword", given.current_password, Password::guess, &mut problems);
    let new = read_password("newPassword", given.new_password, Password::new, &mut problems);
    let (Some(current), Some(new)) = (current, new) else { return Err(Problem::fields(problems)) };
    match api.engine.change_password(&person, current, new).await {
        Ok(()) => Ok(said(StatusCode::OK, "Password changed; other sessions have ended", Nothing {})),
        Err(LoginError::Wrong) => {
            Err(Problem::field(FieldProblem::new("currentPassword", FieldCode::Mismatch, "is not your password")))
        }
        Err(error @ (LoginError::Locked { .. } | LoginError::Busy | LoginError::Store(_))) => Err(error.into()),
    }
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
