//! Pages as answers: rendering, what goes with every one of them, and what is shown when there is nothing to show.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::access::{Reader, session_token};
use super::assets;
use super::preferences::{Preferences, Theme, forget_notice};
use super::{Dashboard, access, words};
use crate::domain::user::Role;
use crate::store::StoreError;

/// Nothing but what this server serves; forms go nowhere else, and nobody frames a page.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Where a link leads tells nobody else; but our own forms say where they come from.
const REFERRER: HeaderValue = HeaderValue::from_static("same-origin");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Fills a template.
pub(super) fn show(template: &impl Template) -> Result<Response, Failure> {
    match template.render() {
        Ok(text) => Ok(Html(text).into_response()),
        Err(error) => Err(Failure::internal(format!("a template does not render: {error}"))),
    }
}

/// Why there is no page.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// Nobody is signed in: they do so first, and come back.
    SignInFirst { next: String, ended: bool },
    /// Nobody is signed in, and the form that they sent has done nothing.
    SessionEnded,
    /// The form does not carry the session's token.
    ForeignForm,
    /// The role does not permit it.
    NotPermitted(Role),
    /// A visit by a portal link is over, or never began.
    VisitEnded,
    /// A portal link lets its visitor look.
    LookOnly,
    /// There is none, or not for this visitor.
    NotFound(&'static str),
    /// The page does not take this method.
    WrongMethod,
    /// There is no tenant to look at.
    NoTenant,
    /// What was sent cannot be understood.
    Bad(String),
    /// More was sent than so many bytes.
    TooLarge(usize),
    /// It cannot be done as things stand.
    Refused(String),
    /// The front door did not let the request through, and says why.
    TurnedAway(StatusCode, String),
    /// As much is under way as may be.
    Busy,
    /// Something is away or too slow; it may come back.
    Unavailable(String),
    /// Our own mistake.
    Internal(String),
}

impl Failure {
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::Bad(message.into())
    }

    pub(super) fn internal(cause: impl Into<String>) -> Self {
        Self::Internal(cause.into())
    }

    /// For a request that nobody is signed in for.
    pub(super) fn signed_out(method: &Method, here: &str, headers: &HeaderMap) -> Self {
        let ended = session_token(headers).is_some_and(|token| !token.is_empty());
        if method.is_safe() { Self::SignInFirst { next: here.to_owned(), ended } } else { Self::SessionEnded }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::SignInFirst { .. } => StatusCode::SEE_OTHER,
            Self::SessionEnded | Self::VisitEnded => StatusCode::UNAUTHORIZED,
            Self::ForeignForm | Self::NotPermitted(_) | Self::LookOnly => StatusCode::FORBIDDEN,
            Self::NotFound(_) | Self::NoTenant => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TurnedAway(status, _) => *status,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::Busy | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A heading, and what to do.
    fn words(&self) -> (&'static str, String) {
        let text = |text: &str| text.to_owned();
        match self {
            Self::SignInFirst { .. } => ("Sign in", text("Sign in first.")),
            Self::SessionEnded => (
                "Your session has ended",
                text("Nothing was changed. Sign in again, open the page anew, and repeat what you were doing."),
            ),
            Self::ForeignForm => (
                "This form is out of date",
                text(
                    "It was made for another session, or did not come from this site. Nothing was changed. Go back, \
                     reload the page, and send it again.",
                ),
            ),
            Self::NotPermitted(role) => (
                "Your role does not permit this",
                format!(
                    "You are signed in as {role}, who may look and not change. Nothing was changed. Ask an owner or an admin."
                ),
            ),
            Self::VisitEnded => (
                "This link is over",
                text(
                    "A link can be opened once, and soon after it was made; the visit then lasts for some hours. Ask whoever \
                     gave it to you for another.",
                ),
            ),
            Self::LookOnly => {
                ("This link lets you look", text("It does not let you change anything. Nothing was changed."))
            }
            Self::NotFound(what) => (
                "Not found",
                format!(
                    "There is no such {what} in this environment. Check the address, or switch the environment above the list that you came from."
                ),
            ),
            Self::WrongMethod => {
                ("Not like this", text("This address takes a form of a page. Open the page that has it."))
            }
            Self::NoTenant => (
                "There is no tenant yet",
                text("Make one on the machine that Angarium runs on: `angarium tenants create NAME`."),
            ),
            Self::Bad(message) => ("This cannot be understood", message.clone()),
            Self::TooLarge(most) => (
                "This is too large",
                format!("A form of this page may have {} and no more. Nothing was changed.", words::bytes(*most)),
            ),
            Self::TurnedAway(status, why) => (heading_of(*status), why.clone()),
            Self::Refused(message) => ("This cannot be done now", message.clone()),
            Self::Busy => ("Too much at once", text("As many are at this as may be. Try again in a moment.")),
            Self::Unavailable(_) => {
                ("Not available", text("The database did not answer in time. Try again in a moment."))
            }
            Self::Internal(_) => (
                "Something went wrong",
                text(
                    "This is a mistake of Angarium. The request's id in the headers of this answer leads to it in the logs.",
                ),
            ),
        }
    }
}

/// What the front door's refusals are called.
fn heading_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::SERVICE_UNAVAILABLE => "Not available",
        StatusCode::INTERNAL_SERVER_ERROR => "Something went wrong",
        _ => "This was refused",
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl IntoResponse for Failure {
    /// The page itself is made by [`finish`], which knows the visitor's theme.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Template)]
#[template(path = "failure.html", config = "src/dashboard/askama.toml")]
struct FailurePage<'a> {
    assets: assets::Urls,
    theme: Theme,
    heading: &'a str,
    message: String,
    status: u16,
    signs_in: bool,
}

fn failure_page(failure: &Failure, theme: Theme) -> Response {
    match failure {
        Failure::SignInFirst { next, ended } => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("next", next);
            if *ended {
                query.append_pair("ended", "1");
            }
            return Redirect::to(&format!("/ui/sign-in?{}", query.finish())).into_response();
        }
        Failure::Unavailable(cause) | Failure::Internal(cause) => tracing::error!("a page could not be made: {cause}"),
        Failure::SessionEnded
        | Failure::ForeignForm
        | Failure::NotPermitted(_)
        | Failure::VisitEnded
        | Failure::LookOnly
        | Failure::NotFound(_)
        | Failure::WrongMethod
        | Failure::NoTenant
        | Failure::Bad(_)
        | Failure::TooLarge(_)
        | Failure::TurnedAway(..)
        | Failure::Busy
        | Failure::Refused(_) => {}
    }
    let (heading, message) = failure.words();
    let signs_in = matches!(failure, Failure::SessionEnded);
    let status = failure.status();
    let page = FailurePage { assets: assets::urls(), theme, heading, message, status: status.as_u16(), signs_in };
    let text = page.render().unwrap_or_else(|_| heading.to_owned());
    (status, Html(text)).into_response()
}

/// What every answer of the pages goes through: failures become pages, and headers are set.
pub(super) async fn finish(State(_): State<Arc<Dashboard>>, request: Request, next: Next) -> Response {
    let preferences = Preferences::of(request.headers());
    let reads = request.method() == Method::GET;
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = failure_page(&failure, preferences.theme);
    }
    guard(response.headers_mut());
    let status = response.status();
    let headers = response.headers_mut();
    let is_page = headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    if preferences.notice.is_some() && reads && is_page && status == StatusCode::OK {
        headers.append(header::SET_COOKIE, forget_notice());
    }
    response
}

/// What every answer says to browsers.
fn guard(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, REFERRER);
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static("camera=(), microphone=(), geolocation=()"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// The page for a request that the front door has not let through, with the headers of its answer.
pub fn refused(request: &HeaderMap, bare: Response, why: &str) -> Response {
    let (mut parts, _) = bare.into_parts();
    let wait = parts.headers.get(header::RETRY_AFTER).and_then(|seconds| seconds.to_str().ok()?.parse().ok());
    let wait = wait.map(|seconds| format!(" Wait at least {}.", words::span(Duration::from_secs(seconds))));
    let why = format!("{why}{}", wait.unwrap_or_default());
    let page = failure_page(&Failure::TurnedAway(parts.status, why), Preferences::of(request).theme);
    let (page, body) = page.into_parts();
    parts.headers.extend(page.headers);
    guard(&mut parts.headers);
    Response::from_parts(parts, body)
}

/// A page that is not there.
pub(super) async fn nothing_here(_: Reader<access::Anybody>) -> Failure {
    Failure::NotFound("page")
}

pub(super) async fn wrong_method() -> Failure {
    Failure::WrongMethod
}
