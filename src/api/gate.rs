//! The gate: what a request passes between the front door and its handler, once.
//!
//! It learns who asks ([`identify`]) and leaves that with the request. A request that shows nothing, or something that
//! does not work, goes on: not every route needs a key, and those that do answer why.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::Api;
use super::auth::{Identity, identify};

pub(super) async fn gate(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let identity = Identity(identify(request.headers(), &api).await);
    request.extensions_mut().insert(identity);
    next.run(request).await
}
