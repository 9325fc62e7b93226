//! Who asks: an API key, and the tenant and environment that it belongs to.
//!
//! [`identify`] is asked once for each request, by the gate. A handler takes a [`Caller`] of the permission that its
//! route asks for, and there is no other way to learn a scope; so no route can forget to ask. The key is read before
//! the body is.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::Api;
use super::problem::{Code, Problem};
use crate::domain::key::ApiKeyText;
use crate::domain::permission::Permission;
use crate::domain::tenant::{Environment, Scope};
use crate::store::keys::ApiKey;

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

needs!(ReadEvents, WriteEvents, ReadWebhooks, WriteWebhooks, ReadDeliveries, WriteDeliveries);

/// Somebody whose key works and holds the permission `N`.
pub(super) struct Caller<N: Needs> {
    /// Whose rows it sees.
    pub(super) scope: Scope,
    needs: PhantomData<N>,
}

impl<N: Needs> FromRequestParts<Arc<Api>> for Caller<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Problem> {
        let identity = parts.extensions.get::<Identity>().cloned();
        let Identity(principal) = identity.unwrap_or_else(|| Identity(Err(nobody())));
        let principal = principal?;
        if !N::PERMISSION.is_among(&principal.key.permissions) {
            let message = format!("The API key lacks the permission `{}`.", N::PERMISSION);
            return Err(Problem::new(Code::PermissionDenied, message));
        }
        Ok(Self { scope: principal.key.scope, needs: PhantomData })
    }
}

/// Somebody whom we know.
#[derive(Clone)]
pub(super) struct Principal {
    /// The key that they showed.
    pub(super) key: Arc<ApiKey>,
}

/// Who asks, or why we do not know. Stands in a request's extensions from the gate on.
#[derive(Clone)]
pub(super) struct Identity(pub(super) Result<Principal, Problem>);

/// Who sent these headers.
pub(super) async fn identify(headers: &HeaderMap, api: &Api) -> Result<Principal, Problem> {
    let text = ApiKeyText::parse(key_text(headers)?).map_err(|error| invalid(format!("The API key {error}.")))?;
    if api.engine.limits().production && text.environment() == Environment::Staging {
        return Err(invalid("This deployment is for production and refuses test keys: use an `sk_live_` key."));
    }
    let key = api.engine.find_key(&text).await?;
    let key = key.filter(|key| key.revoked_at.is_none());
    let key = key.ok_or_else(|| invalid("The API key is not known, or was revoked."))?;
    let now = api.engine.clock().now();
    if let Some(expired_at) = key.expires_at.filter(|expires_at| *expires_at <= now) {
        return Err(Problem::new(Code::ApiKeyExpired, format!("The API key expired at {expired_at}.")));
    }
    Ok(Principal { key })
}

fn nobody() -> Problem {
    Problem::new(Code::AuthRequired, "This needs an API key.").with_hint(HINT)
}

fn invalid(message: impl Into<String>) -> Problem {
    Problem::new(Code::ApiKeyInvalid, message)
}

fn key_text(headers: &HeaderMap) -> Result<&str, Problem> {
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
        (Some(key), _) | (None, Some(key)) => Ok(key),
        (None, None) => Err(nobody()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &'static str)]) -> Result<String, Code> {
        let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        key_text(&pairs.collect::<HeaderMap>()).map(str::to_owned).map_err(|problem| problem.code())
    }

    #[test]
    fn a_key_comes_in_either_header() {
        assert_eq!(read(&[("authorization", "bearer  k")]), Ok("k".to_owned()));
        assert_eq!(read(&[("x-api-key", "k")]), Ok("k".to_owned()));
        assert_eq!(read(&[("authorization", "Bearer k"), ("x-api-key", "k")]), Ok("k".to_owned()));
        assert_eq!(read(&[("authorization", "Bearer k"), ("x-api-key", "l")]), Err(Code::ApiKeyInvalid));
        assert_eq!(read(&[("authorization", "Basic k")]), Err(Code::ApiKeyInvalid));
        assert_eq!(read(&[]), Err(Code::AuthRequired));
    }
}
