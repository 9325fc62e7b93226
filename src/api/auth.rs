//! Who asks: a program, by its API key, which belongs to a tenant and an environment; or a person who has signed in.
//!
//! [`identify`] is asked once for each request, by the gate. A handler takes a [`Caller`] of the permission that its
//! route asks for, and there is no other way to learn a scope; so no route can forget to ask. The key is read before
//! the body is.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

use super::Api;
use super::problem::{Code, Problem};
use super::session;
use crate::domain::api_key::{ApiKey, Standing};
use crate::domain::key::ApiKeyText;
use crate::domain::permission::Permission;
use crate::domain::session::TOKEN_PREFIX;
use crate::domain::tenant::{Environment, Scope};
use crate::engine::sessions::SignedIn;

const X_API_KEY: &str = "x-api-key";
const HINT: &str =
    "Send the key as `Authorization: Bearer KEY` or as `X-API-Key: KEY`. `angarium keys create` makes one.";

/// A permission, as a type.
pub(super) trait Needs {
    /// Which.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($name:ident),* $(,)?) => {
        $(
            #[doc = concat!("A route that asks for [`Permission::", stringify!($name), "`].")]
            pub(super) struct $name;

            impl Needs for $name {
                const PERMISSION: Permission = Permission::$name;
            }
        )*
    };
}

needs!(
    ReadConversations,
    WriteConversations,
    ReadCustomers,
    WriteCustomers,
    ReadMessages,
    WriteMessages,
    ReadAnalytics,
    ReadEvents,
    WriteEvents,
    ReadWebhooks,
    WriteWebhooks,
    ReadDeliveries,
    WriteDeliveries,
);

/// Somebody whose key works and holds the permission `N`.
pub(super) struct Caller<N: Needs> {
    /// Whose rows it sees.
    pub(super) scope: Scope,
    needs: PhantomData<N>,
}

impl<N: Needs> FromRequestParts<Arc<Api>> for Caller<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let identity = parts.extensions.get::<Identity>().cloned();
        let Identity(principal) = identity.unwrap_or_else(|| Identity(Err(nobody())));
        let scope = match principal? {
            Principal::Key(key) if N::PERMISSION.is_among(&key.settings.permissions) => key.scope,
            Principal::Key(_) => {
                let message = format!("The API key lacks the permission `{}`.", N::PERMISSION);
                return Err(Problem::new(Code::PermissionDenied, message));
            }
            Principal::Person(person) => session::scope_of(&person, N::PERMISSION, &parts.headers, api).await?,
        };
        Ok(Self { scope, needs: PhantomData })
    }
}

/// Somebody whom we know.
#[derive(Clone)]
pub(super) enum Principal {
    /// A program, by the key that it showed.
    Key(Arc<ApiKey>),
    /// A person, by their session.
    Person(Arc<SignedIn>),
}

/// Who asks, or why we do not know. Stands in a request's extensions from the gate on.
#[derive(Clone)]
pub(super) struct Identity(pub(super) Result<Principal, Problem>);

/// Who sent this, from an address.
pub(super) async fn identify(
    method: &Method,
    headers: &HeaderMap,
    client: Option<IpAddr>,
    api: &Api,
) -> Result<Principal, Problem> {
    match shown(headers)? {
        Some(token) if token.starts_with(TOKEN_PREFIX) => Box::pin(session::by_token(token, api)).await,
        Some(key) => by_key(key, client, api).await,
        None => {
            let token = session::cookie_token(headers).ok_or_else(nobody)?;
            session::require_own_page(method, headers)?;
            Box::pin(session::by_token(token, api)).await
        }
    }
}

async fn by_key(text: &str, client: Option<IpAddr>, api: &Api) -> Result<Principal, Problem> {
    let text = ApiKeyText::parse(text).map_err(|error| invalid(format!("The API key {error}.")))?;
    if api.engine.limits().production && text.environment() == Environment::Staging {
        return Err(invalid("This deployment is for production and refuses test keys: use an `sk_live_` key."));
    }
    let key = api.engine.find_key(&text).await?;
    let key = key.ok_or_else(not_working)?;
    match key.standing(api.engine.clock().now()) {
        Standing::Works => admit(key, client),
        Standing::Stopped => Err(not_working()),
        Standing::Expired(at) => Err(Problem::new(Code::ApiKeyExpired, format!("The API key expired at {at}."))),
    }
}

fn nobody() -> Problem {
    Problem::new(Code::AuthRequired, "This needs an API key.").with_hint(HINT)
}

/// Lets a key that works in, from where it works.
fn admit(key: Arc<ApiKey>, client: Option<IpAddr>) -> Result<Principal, Problem> {
    let list = &key.settings.ip_list;
    if list.is_empty() || client.is_some_and(|client| list.admits(client)) {
        return Ok(Principal::Key(key));
    }
    let from = client.map_or_else(|| "an unknown address".to_owned(), |client| client.to_string());
    Err(Problem::new(Code::PermissionDenied, format!("The API key does not work from {from}.")))
}

fn not_working() -> Problem {
    invalid("The API key is not known, or was revoked.")
}

fn invalid(message: impl Into<String>) -> Problem {
    Problem::new(Code::ApiKeyInvalid, message)
}

/// The key or the token that a request shows.
fn shown(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let bearer = match headers.get(header::AUTHORIZATION) {
        None => None,
        Some(value) => {
            let scheme_and_key = value.to_str().ok().and_then(|text| text.trim().split_once(' '));
            let key = scheme_and_key.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            Some(key.map(|(_, key)| key.trim()).ok_or_else(|| invalid("`Authorization` must be `Bearer KEY`."))?)
        }
    };
    let plain = match headers.get(X_API_KEY) {
        None => None,
        Some(value) => Some(value.to_str().map_err(|_| invalid("`X-API-Key` must be a key."))?.trim()),
    };
    match (bearer, plain) {
        (Some(bearer), Some(plain)) if bearer != plain => {
            Err(invalid("`Authorization` and `X-API-Key` hold different keys: send one."))
        }
        (Some(key), _) | (None, Some(key)) => Ok(Some(key)),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &'static str)]) -> Result<Option<String>, Code> {
        let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let shown = |headers: HeaderMap| shown(&headers).map(|text| text.map(str::to_owned));
        shown(pairs.collect()).map_err(|problem| problem.code())
    }

    #[test]
    fn a_key_comes_in_either_header() {
        assert_eq!(read(&[("authorization", "bearer  k")]), Ok(Some("k".to_owned())));
        assert_eq!(read(&[("x-api-key", "k")]), Ok(Some("k".to_owned())));
        assert_eq!(read(&[("authorization", "Bearer k"), ("x-api-key", "k")]), Ok(Some("k".to_owned())));
        assert_eq!(read(&[("authorization", "Bearer k"), ("x-api-key", "l")]), Err(Code::ApiKeyInvalid));
        assert_eq!(read(&[("authorization", "Basic k")]), Err(Code::ApiKeyInvalid));
        assert_eq!(read(&[]), Ok(None));
    }
}
