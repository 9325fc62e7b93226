//! Sessions as requests carry them: as `Authorization: Bearer`, or in a cookie.
//!
//! A request with nothing but a cookie may change something only if it comes from our own pages
//! ([`crate::domain::browser`]). A bearer token is only ever added by who knows it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};

use super::Api;
use super::auth::{Identity, Principal};
use super::problem::{Code, Problem};
use crate::domain::browser;
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::TenantId;
use crate::domain::permission::Permission;
use crate::domain::tenant::{Environment, Scope};
use crate::engine::sessions::{SessionError, SignedIn};

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
    browser::cookie(cookies, browser::SESSION_COOKIE)
}

/// The cookie of a session, or, with an empty token, the end of it.
pub(super) fn cookie(token: &str, api: &Api) -> HeaderValue {
    let limits = api.engine.limits();
    let text = browser::session_cookie(token, limits.session, limits.production);
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
    browser::is_from_own_page(text(SEC_FETCH_SITE), text(header::ORIGIN.as_str()), text(header::HOST.as_str()))
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

/// Somebody who has signed in, and the tenant that they act for.
pub(super) struct Teammate {
    pub(super) person: Arc<SignedIn>,
    pub(super) tenant: TenantId,
}

impl FromRequestParts<Arc<Api>> for Teammate {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let Person(person) = Person::from_request_parts(parts, api).await?;
        let tenant = tenant_of(&person, &parts.headers, api).await?;
        Ok(Self { person, tenant })
    }
}

/// A [`Teammate`] who may see and change the others.
pub(super) struct TeamManager(pub(super) Teammate);

impl FromRequestParts<Arc<Api>> for TeamManager {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let teammate = Teammate::from_request_parts(parts, api).await?;
        let role = teammate.person.user.role;
        if role.manages() {
            return Ok(Self(teammate));
        }
        Err(Problem::new(Code::PermissionDenied, format!("The role `{role}` may see itself and change nobody.")))
    }
}

/// Somebody who has signed in and may read the audit log of a tenant.
pub(super) struct AuditReader(pub(super) TenantId);

impl FromRequestParts<Arc<Api>> for AuditReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let Teammate { person, tenant } = Teammate::from_request_parts(parts, api).await?;
        if person.user.role.manages() {
            return Ok(Self(tenant));
        }
        let message = format!("The role `{}` may not read the audit log.", person.user.role);
        Err(Problem::new(Code::PermissionDenied, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_by_cookie_must_say_where_it_comes_from() {
        assert!(require_own_page(&Method::GET, &HeaderMap::new()).is_ok());
        assert!(require_own_page(&Method::POST, &HeaderMap::new()).is_err());
        let own = [(header::HeaderName::from_static(SEC_FETCH_SITE), HeaderValue::from_static("same-origin"))];
        assert!(require_own_page(&Method::POST, &HeaderMap::from_iter(own)).is_ok());
    }
}
