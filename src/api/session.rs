//! Sessions as requests carry them: as `Authorization: Bearer`, or in a cookie.
//!
//! A browser adds the cookie to every request, whoever has it sent. So a request with nothing but a cookie may change
//! something only if it comes from our own pages: browsers say where it comes from in `Sec-Fetch-Site`, older ones in
//! `Origin`, and one that says neither is refused. A bearer token is only ever added by who knows it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};

use super::Api;
use super::auth::{Identity, Principal};
use super::problem::{Code, Problem};
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::TenantId;
use crate::domain::permission::Permission;
use crate::domain::tenant::{Environment, Scope};
use crate::engine::sessions::{SessionError, SignedIn};

const COOKIE: &str = "angarium_session";
const SEC_FETCH_SITE: &str = "sec-fetch-site";
/// Which of its tenant's environments a person means.
pub(super) const X_ENVIRONMENT: &str = "x-environment";
/// Which tenant an operator means.
pub(super) const X_TENANT: &str = "x-tenant";
const HINT: &str = "Sign in with POST /api/auth/login, and send the token as `Authorization: Bearer TOKEN`, or the cookie. \
    API keys do not work here.";

/// The token of a cookie.
pub(super) fn cookie_token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, token)| token)
}

/// The cookie of a session, or, with an empty token, the end of it. No script can read it.
pub(super) fn cookie(token: &str, api: &Api) -> HeaderValue {
    let seconds = if token.is_empty() { 0 } else { api.engine.limits().session.as_secs() };
    let secure = if api.engine.limits().production { "; Secure" } else { "" };
    let text = format!("{COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).expect("tokens and numbers are visible ASCII")
}

/// Refuses a request that changes something, has only a cookie, and does not come from our own pages.
pub(super) fn require_own_page(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() || is_from_own_page(headers) {
        return Ok(());
    }
    let message = "A request with a session's cookie must come from this site; other programs send a bearer token.";
    Err(Problem::new(Code::PermissionDenied, message))
}

fn is_from_own_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text(SEC_FETCH_SITE) {
        return site == "same-origin";
    }
    let origin = text(header::ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
    match (origin, text(header::HOST.as_str())) {
        (Some((_, origin)), Some(host)) => !host.is_empty() && origin.eq_ignore_ascii_case(host),
        (None, _) | (_, None) => false,
    }
}

/// Whose session a token is.
pub(super) async fn by_token(token: &str, api: &Api) -> Result<Principal, Problem> {
    match api.engine.signed_in(token).await {
        Ok(signed_in) => Ok(Principal::Person(Arc::new(signed_in))),
        Err(SessionError::Store(error)) => Err(error.into()),
        Err(error @ (SessionError::Token(_) | SessionError::Ended)) => {
            let mut message = error.to_string();
            message.replace_range(..1, "T");
            Err(Problem::new(Code::SessionInvalid, format!("{message}: sign in again.")))
        }
    }
}

/// The scope that a person asks for, if their role permits what the route does.
pub(super) async fn scope_of(
    person: &SignedIn,
    needs: Permission,
    headers: &HeaderMap,
    api: &Api,
) -> Result<Scope, Problem> {
    let tenant = tenant_of(person, headers, api).await?;
    let environment = match headers.get(X_ENVIRONMENT) {
        None if api.engine.limits().production => Environment::Production,
        None => Environment::Staging,
        Some(value) => value.to_str().unwrap_or_default().parse().map_err(|error| {
            Problem::field(FieldProblem::new("X-Environment", FieldCode::Invalid, format!("{error}")))
        })?,
    };
    if !person.user.role.permits(needs) {
        let message = format!("The role `{}` lacks the permission `{needs}`.", person.user.role);
        return Err(Problem::new(Code::PermissionDenied, message));
    }
    Ok(Scope { tenant, environment })
}

/// The tenant that a person acts for: their own, or, for an operator, the one that they name.
async fn tenant_of(person: &SignedIn, headers: &HeaderMap, api: &Api) -> Result<TenantId, Problem> {
    let named = match headers.get(X_TENANT) {
        None => None,
        Some(value) => {
            let found = api.engine.find_tenant(value.to_str().unwrap_or_default()).await?;
            Some(found.ok_or_else(|| Problem::not_found("tenant"))?.id)
        }
    };
    match (person.user.tenant, named) {
        (Some(own), None) => Ok(own),
        (Some(own), Some(named)) if own == named => Ok(own),
        // What one may not see is not there.
        (Some(_), Some(_)) => Err(Problem::not_found("tenant")),
        (None, Some(named)) => Ok(named),
        (None, None) => {
            let message = "is required of an operator: the id or the name of a tenant";
            Err(Problem::field(FieldProblem::new("X-Tenant", FieldCode::Required, message)))
        }
    }
}

/// Somebody who has signed in, whatever their role.
pub(super) struct Person(pub(super) Arc<SignedIn>);

impl FromRequestParts<Arc<Api>> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Problem> {
        let identity = parts.extensions.get::<Identity>().cloned();
        match identity.map(|Identity(who)| who) {
            Some(Ok(Principal::Person(person))) => Ok(Self(person)),
            None | Some(Ok(Principal::Key(_))) => Err(sign_in_first()),
            Some(Err(problem)) => match problem.code() {
                Code::AuthRequired | Code::ApiKeyInvalid | Code::ApiKeyExpired => Err(sign_in_first()),
                _ => Err(problem),
            },
        }
    }
}

fn sign_in_first() -> Problem {
    Problem::new(Code::AuthRequired, "This needs somebody who has signed in.").with_hint(HINT)
}

/// Somebody who has signed in and may see the keys of a tenant.
pub(super) struct KeyReader(pub(super) TenantId);

impl FromRequestParts<Arc<Api>> for KeyReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let Person(person) = Person::from_request_parts(parts, api).await?;
        tenant_of(&person, &parts.headers, api).await.map(Self)
    }
}

/// Somebody who has signed in and may change the keys of a tenant.
pub(super) struct KeyManager(pub(super) TenantId);

impl FromRequestParts<Arc<Api>> for KeyManager {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let Person(person) = Person::from_request_parts(parts, api).await?;
        if !person.user.role.manages() {
            let message = format!("The role `{}` may see API keys and not change them.", person.user.role);
            return Err(Problem::new(Code::PermissionDenied, message));
        }
        tenant_of(&person, &parts.headers, api).await.map(Self)
    }
}

/// Somebody who has signed in and may read the audit log of a tenant.
pub(super) struct AuditReader(pub(super) TenantId);

impl FromRequestParts<Arc<Api>> for AuditReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let Person(person) = Person::from_request_parts(parts, api).await?;
        if !person.user.role.manages() {
            let message = format!("The role `{}` may not read the audit log.", person.user.role);
            return Err(Problem::new(Code::PermissionDenied, message));
        }
        tenant_of(&person, &parts.headers, api).await.map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let found = |value: &'static str| cookie_token(&headers(&[("cookie", value)])).map(str::to_owned);
        assert_eq!(found("a=b; angarium_session=t.o.k; c=d").as_deref(), Some("t.o.k"));
        assert_eq!(found("xangarium_session=t"), None);
        assert_eq!(found("angarium_session"), None);
    }

    #[test]
    fn a_cookie_alone_changes_things_only_from_our_own_pages() {
        let own = |pairs: &[(&'static str, &'static str)]| is_from_own_page(&headers(pairs));
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        // What the browser says of the request counts before what can be compared.
        assert!(own(&[("sec-fetch-site", "same-origin"), ("origin", "https://a"), ("host", "b")]));
        for site in ["same-site", "cross-site", "none", ""] {
            assert!(!is_from_own_page(&HeaderMap::from_iter([
                (header::HeaderName::from_static(SEC_FETCH_SITE), HeaderValue::from_static(site)),
                (header::ORIGIN, HeaderValue::from_static("https://a")),
                (header::HOST, HeaderValue::from_static("a")),
            ])));
        }
        assert!(own(&[("origin", "https://a.example:8443"), ("host", "A.example:8443")]));
        for pairs in [
            &[][..],
            &[("host", "a")],
            &[("origin", "null"), ("host", "a")],
            &[("origin", "https://a.evil"), ("host", "a")],
            &[("origin", "https://a:81"), ("host", "a")],
            &[("origin", "https://"), ("host", "")],
        ] {
            assert!(!own(pairs), "{pairs:?}");
        }
        assert!(require_own_page(&Method::GET, &HeaderMap::new()).is_ok());
        assert!(require_own_page(&Method::POST, &HeaderMap::new()).is_err());
    }
}
