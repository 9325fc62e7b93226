//! The gate: what a request passes between the front door and its handler, once.
//!
//! It learns who asks ([`identify`]) and leaves that with the request. A request that shows nothing, or something that
//! does not work, goes on: not every route needs a key, and those that do answer why.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Api;
use super::auth::{Identity, Principal, identify};
use super::front::RequestName;
use super::limits::limits;
use super::server::PeerAddress;
use crate::domain::ip_list::client_address;
use crate::engine::asker::{Asker, Who, asked_by};

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// Who sent a request, past the proxies in front of us.
fn client(request: &Request, api: &Api) -> Option<IpAddr> {
    let PeerAddress(peer) = request.extensions().get::<PeerAddress>()?;
    let forwarded = request.headers().get_all(X_FORWARDED_FOR).into_iter();
    // A value that is no text could hide a hop: it is read as one that cannot be.
    let forwarded = forwarded.map(|value| value.to_str().unwrap_or_default());
    Some(client_address(*peer, forwarded, &api.options.trusted_proxies))
}

pub(super) async fn gate(api: &Api, mut request: Request, next: Next) -> Response {
    let client = client(&request, api);
    if let Some(Err(problem)) = client.map(|client| api.addresses.admit(client)) {
        return problem.into_response();
    }
    let identity = Identity(identify(request.method(), request.headers(), client, api).await);
    // The pages ask for the person; they know nothing of the API's types.
    if let Ok(Principal::Person(person)) = &identity.0 {
        request.extensions_mut().insert(Arc::clone(person));
    }
    let asker = Asker {
        who: identity.0.as_ref().ok().map(who),
        request: request.extensions_mut().remove::<RequestName>().map(|RequestName(id)| id),
        address: client,
    };
    request.extensions_mut().insert(identity);
    asked_by(asker, limits(api, request, next)).await
}

fn who(principal: &Principal) -> Who {
    match principal {
        Principal::Key(key) => Who::Key(Arc::clone(key)),
        Principal::Person(person) => Who::Person(Arc::clone(person)),
    }
}
