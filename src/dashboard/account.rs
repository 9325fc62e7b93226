//! One's own account: another password, shown the old one; and mails, or none.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

use super::Dashboard;
use super::access::{Actor, Anybody, Reader, Visit};
use super::layout::Frame;
use super::page::{self, Failure};
use super::preferences::go_and_say;
use super::problems::Problems;
use super::words::span;
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::password::Password;
use crate::domain::user::Role;
use crate::engine::sessions::LoginError;

/// The screen's address.
pub(super) const SECTION: &str = "/ui/account";

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route(SECTION, get(ask).post(change)).route("/ui/account/mails", post(set_mails))
}

#[derive(Template)]
#[template(path = "account.html", config = "src/dashboard/askama.toml")]
struct AccountPage {
    frame: Frame,
    problems: Problems,
    /// Whether their role is one that gets mails.
    is_told: bool,
    gets_mail: bool,
}

async fn form(dashboard: &Dashboard, visit: &Visit, problems: Problems) -> Result<Response, Failure> {
    let user = &visit.who.user;
    let is_told = match user.role {
        Role::Owner | Role::Admin | Role::Operator => true,
        Role::Member => false,
    };
    let gets_mail = dashboard.engine.store().gets_mail(user.id).await?;
    page::show(&AccountPage { frame: dashboard.frame(visit, "Account", SECTION), problems, is_told, gets_mail })
}

async fn set_mails(State(dashboard): State<Arc<Dashboard>>, actor: Actor<Anybody>) -> Result<Response, Failure> {
    let gets_mail = actor.fields.get("mails").is_some();
    dashboard.engine.set_mail(&actor.visit.who.user, gets_mail).await?;
    Ok(go_and_say(SECTION, if gets_mail { "You get mails." } else { "You get no mails any more." }))
}

async fn ask(State(dashboard): State<Arc<Dashboard>>, reader: Reader<Anybody>) -> Result<Response, Failure> {
    form(&dashboard, &reader.visit, Problems::default()).await
}

async fn change(State(dashboard): State<Arc<Dashboard>>, actor: Actor<Anybody>) -> Result<Response, Failure> {
    let field = |name: &str| actor.fields.raw(name).unwrap_or_default().to_owned();
    let wrong = |field: &str, message: String| FieldProblem::new(field, FieldCode::Invalid, message);
    let mut problems = Vec::new();
    let guess = Password::guess(field("current").into());
    let new = Password::new(field("new").into()).map_err(|error| problems.push(wrong("new", error.to_string()))).ok();
    if field("new") != field("again") {
        problems.push(wrong("again", "is not the same".to_owned()));
    }
    let guess = guess.map_err(|_| problems.push(wrong("current", "is not your password".to_owned()))).ok();
    if let (Some(guess), Some(new), true) = (guess, new, problems.is_empty()) {
        match dashboard.engine.change_password(&actor.visit.who, guess, new).await {
            Ok(()) => return Ok(go_and_say(SECTION, "Your password is changed. Your other sessions have ended.")),
            Err(LoginError::Wrong) => problems.push(wrong("current", "is not your password".to_owned())),
            Err(LoginError::Locked { wait }) => {
                problems.push(wrong("current", format!("was wrong too often: try again in {}", span(wait))));
            }
            Err(LoginError::Busy) => {
                return Err(Failure::Refused("Too many people are signing in. Try again in a moment.".to_owned()));
            }
            Err(LoginError::Store(error)) => return Err(error.into()),
        }
    }
    let again = form(&dashboard, &actor.visit, Problems::new(problems)).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
}
