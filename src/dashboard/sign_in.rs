//! Signing in and out.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};

use super::access::{Actor, Anybody, signed_in};
use super::form::read_form;
use super::page::{self, Failure};
use super::params::Params;
use super::preferences::{Preferences, Theme, page_of_ours};
use super::words::span;
use super::{Dashboard, assets};
use crate::domain::browser;
use crate::domain::password::Password;
use crate::domain::user::Email;
use crate::engine::sessions::LoginError;

/// A form of an address and a password is smaller.
const FORM_BYTES_MAX: usize = 4_096;
const SEC_FETCH_SITE: &str = "sec-fetch-site";

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route("/ui/sign-in", get(ask).post(enter)).route("/ui/sign-out", post(leave))
}

#[derive(Template)]
#[template(path = "sign_in.html", config = "src/dashboard/askama.toml")]
struct SignInPage<'a> {
    assets: assets::Urls,
    theme: Theme,
    next: &'a str,
    email: &'a str,
    ended: bool,
    problem: Option<String>,
    production: bool,
}

async fn ask(State(dashboard): State<Arc<Dashboard>>, uri: Uri, request: Request) -> Result<Response, Failure> {
    let (parts, _) = request.into_parts();
    let params = Params::of(&uri);
    let next = page_of_ours(params.get("next"));
    if signed_in(&parts, &dashboard).await?.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    page::show(&SignInPage {
        assets: assets::urls(),
        theme: Preferences::of(&parts.headers).theme,
        next,
        email: "",
        ended: params.get("ended").is_some(),
        problem: None,
        production: dashboard.engine.limits().production,
    })
}

async fn enter(State(dashboard): State<Arc<Dashboard>>, request: Request) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    // There is no session yet whose token the form could carry; another site must not sign anybody in either.
    let (site, origin, host) = (header(SEC_FETCH_SITE), header("origin"), header("host"));
    if !browser::is_from_own_page(site, origin, host) {
        return Err(Failure::ForeignForm);
    }
    let fields = read_form(&parts.headers, body, FORM_BYTES_MAX).await?;
    let next = page_of_ours(fields.get("next"));
    let email = fields.get("email").unwrap_or_default();
    let (problem, status) = match try_to_enter(&dashboard, email, &fields).await {
        Ok(cookie) => return Ok(([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response()),
        Err(LoginError::Wrong) => ("The address or the password is wrong.".to_owned(), StatusCode::UNAUTHORIZED),
        Err(LoginError::Locked { wait }) => (
            format!("There were too many wrong passwords. Try again in {}.", span(wait)),
            StatusCode::TOO_MANY_REQUESTS,
        ),
        Err(LoginError::Busy) => {
            ("Too many people are signing in. Try again in a moment.".to_owned(), StatusCode::SERVICE_UNAVAILABLE)
        }
        Err(LoginError::Store(error)) => return Err(error.into()),
    };
    let shown = page::show(&SignInPage {
        assets: assets::urls(),
        theme: Preferences::of(&parts.headers).theme,
        next,
        email,
        ended: false,
        problem: Some(problem),
        production: dashboard.engine.limits().production,
    })?;
    Ok((status, shown).into_response())
}

/// The cookie of a new session.
async fn try_to_enter(dashboard: &Dashboard, email: &str, fields: &Params) -> Result<HeaderValue, LoginError> {
    let email: Email = email.parse().map_err(|_| LoginError::Wrong)?;
    let guess = fields.raw("password").unwrap_or_default().to_owned();
    let guess = Password::guess(guess.into()).map_err(|_| LoginError::Wrong)?;
    let (_, token) = dashboard.engine.login(&email, guess).await?;
    Ok(cookie(dashboard, &token))
}

fn cookie(dashboard: &Dashboard, token: &str) -> HeaderValue {
    let limits = dashboard.engine.limits();
    let text = browser::session_cookie(token, limits.session, limits.production);
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

async fn leave(State(dashboard): State<Arc<Dashboard>>, actor: Actor<Anybody>) -> Result<Response, Failure> {
    dashboard.engine.logout(&actor.visit.who).await?;
    Ok(([(header::SET_COOKIE, cookie(&dashboard, ""))], Redirect::to("/ui/sign-in")).into_response())
}
