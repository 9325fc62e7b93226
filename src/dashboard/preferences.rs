//! What a visitor has chosen: environment, tenant (operators), theme. Kept in cookies, which say nothing that counts:
//! what a visitor may see is decided by their session.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Dashboard;
use super::access::{Actor, Anybody, cookies};
use crate::domain::browser;
use crate::domain::id::TenantId;
use crate::domain::tenant::Environment;

const ENVIRONMENT: &str = "angarium_environment";
const TENANT: &str = "angarium_tenant";
const THEME: &str = "angarium_theme";
const NOTICE: &str = "angarium_notice";
const YEAR_S: u32 = 365 * 86_400;
/// A notice is shown on the next page, or never.
const NOTICE_S: u32 = 30;
const NOTICE_BYTES_MAX: usize = 1_000;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route("/ui/preferences", post(choose))
}

/// How pages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Theme {
    /// As the system does.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(super) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == word)
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl fmt::Display for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a visitor has chosen.
#[derive(Debug, Clone, Default)]
pub(super) struct Preferences {
    pub(super) environment: Option<Environment>,
    pub(super) tenant: Option<TenantId>,
    pub(super) theme: Theme,
    /// Not chosen: what their last action came to.
    pub(super) notice: Option<String>,
}

impl Preferences {
    /// As a request's cookies have them.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let cookie = |name| browser::cookie(cookies(headers), name);
        Self {
            environment: cookie(ENVIRONMENT).and_then(|word| word.parse().ok()),
            tenant: cookie(TENANT).and_then(|id| id.parse().ok()),
            theme: cookie(THEME).and_then(Theme::parse).unwrap_or_default(),
            notice: cookie(NOTICE).and_then(read_notice),
        }
    }
}

fn read_notice(text: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok().filter(|text| text.len() <= NOTICE_BYTES_MAX)
}

fn set(name: &str, value: &str, seconds: u32) -> HeaderValue {
    let text = format!("{name}={value}; Path=/ui; Max-Age={seconds}; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Goes to a page that then says something, once.
pub(super) fn go_and_say(to: &str, what: &str) -> Response {
    let mut end = what.len().min(NOTICE_BYTES_MAX);
    while !what.is_char_boundary(end) {
        end -= 1;
    }
    let cookie = set(NOTICE, &URL_SAFE_NO_PAD.encode(&what[..end]), NOTICE_S);
    ([(header::SET_COOKIE, cookie)], Redirect::to(to)).into_response()
}

/// Takes back what was said.
pub(super) fn forget_notice() -> HeaderValue {
    set(NOTICE, "", 0)
}

/// A page of ours that a form names, to come back to.
pub(super) fn page_of_ours(text: Option<&str>) -> &str {
    let is_ours = |text: &&str| {
        let rest = text.strip_prefix("/ui");
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) && HeaderValue::from_str(text).is_ok()
    };
    text.filter(is_ours).filter(|text| !text.contains('\\')).unwrap_or("/ui")
}

/// Changes what the form names, and comes back.
async fn choose(actor: Actor<Anybody>) -> Response {
    let fields = &actor.fields;
    let mut response = Redirect::to(page_of_ours(fields.get("next"))).into_response();
    let environment = fields.get("environment").and_then(|word| word.parse::<Environment>().ok());
    let tenant = fields.get("tenant").and_then(|id| id.parse::<TenantId>().ok());
    let theme = fields.get("theme").and_then(Theme::parse);
    let chosen = [
        (ENVIRONMENT, environment.map(|environment| environment.to_string())),
        (TENANT, tenant.map(|tenant| tenant.to_string())),
        (THEME, theme.map(|theme| theme.to_string())),
    ];
    for (name, value) in chosen {
        if let Some(value) = value {
            response.headers_mut().append(header::SET_COOKIE, set(name, &value, YEAR_S));
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_gone_to() {
        for ours in ["/ui", "/ui/deliveries?a=b", "/ui?x"] {
            assert_eq!(page_of_ours(Some(ours)), ours);
        }
        for other in ["", "//evil.example", "https://evil.example", "/uix", "/ui\\evil", "/api", "/ui/\n"] {
            assert_eq!(page_of_ours(Some(other)), "/ui", "{other}");
        }
        assert_eq!(page_of_ours(None), "/ui");
    }

    #[test]
    fn a_notice_survives_its_cookie() {
        let said = "é".repeat(600);
        let response = go_and_say("/ui", &said);
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&cookie).unwrap())]);
        assert_eq!(Preferences::of(&headers).notice, Some("é".repeat(500)));
        let forged = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static("angarium_notice=%00"))]);
        assert_eq!(Preferences::of(&forged).notice, None);
    }
}
