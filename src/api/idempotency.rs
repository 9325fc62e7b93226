//! `Idempotency-Key` on any POST: a repeat is answered what the first request was, and does nothing.
//!
//! Publishing has a way of its own, which keeps the key in the transaction of the event ([`super::publish`]).

use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use sha2::{Digest as _, Sha256};

use super::Api;
use super::auth::{Identity, Principal};
use super::json;
use super::problem::{Code, Problem};
use super::publish::header_key;
use super::session::{X_ENVIRONMENT, X_TENANT};
use crate::engine::idempotent::Repeat;
use crate::store::idempotent_requests::RequestKey;

/// Says that an answer is the one of an earlier request.
pub(super) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Routes that keep the key with what they do.
const WITH_THEIR_OWN: [&str; 2] = ["/api/v1/events", "/api/v1/events/batch"];
/// What of an answer's headers belongs to it, and not to the request that asks.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];

pub(super) async fn idempotency(api: &Api, request: Request, next: Next) -> Response {
    match request_key(&request) {
        Ok(None) => next.run(request).await,
        // On the heap, for most requests have no key and would carry the room for it.
        Ok(Some(key)) => Box::pin(once(api, key, request, next)).await.unwrap_or_else(IntoResponse::into_response),
        Err(problem) => problem.into_response(),
    }
}

/// The key under which a request may be repeated, where it has one and we are who looks after it.
fn request_key(request: &Request) -> Result<Option<RequestKey>, Problem> {
    if request.method() != Method::POST {
        return Ok(None);
    }
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let route = route.filter(|route| !WITH_THEIR_OWN.contains(route));
    let identity = request.extensions().get::<Identity>();
    let (Some(route), Some(Identity(Ok(principal)))) = (route, identity) else { return Ok(None) };
    let Some(key) = header_key(request.headers())? else { return Ok(None) };
    let (owner, environment) = match principal {
        Principal::Key(key) => (key.scope.tenant.0, Some(key.scope.environment)),
        Principal::Person(person) => (person.user.id.0, None),
    };
    Ok(Some(RequestKey { owner, environment, route: route.to_owned(), key: key.to_owned() }))
}

async fn once(api: &Api, key: RequestKey, request: Request, next: Next) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let body = json::read(Request::from_parts(parts.clone(), body), api).await?;
    let mut hash = Sha256::new().chain_update(&path).chain_update([0]);
    // A person says in headers for whom they ask; a key says it itself.
    for name in [X_TENANT, X_ENVIRONMENT] {
        hash.update(parts.headers.get(name).map_or(&b""[..], HeaderValue::as_bytes));
        hash.update([0]);
    }
    let hash = hash.chain_update(&body).finalize().into();
    // Nothing outlives the time that a request may take.
    match api.engine.begin_request(&key, hash, api.options.request_timeout).await? {
        Repeat::First => {}
        Repeat::OtherRequest => {
            let message = "The idempotency key was used with another request.";
            return Err(Problem::new(Code::IdempotencyKeyReused, message));
        }
        Repeat::UnderWay => {
            let message = "The first request with this idempotency key is still under way.";
            return Err(Problem::new(Code::IdempotencyInProgress, message).with_retry_after(Duration::ZERO));
        }
        Repeat::Answered(status, kept) => return again(status, &kept),
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if !response.status().is_success() {
        api.engine.end_request(&key, None).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| Problem::internal("an answer broke off"))?.to_bytes();
    let status = parts.status;
    let response = Response::from_parts(parts, Body::from(body.clone()));
    api.engine.end_request(&key, Some((status.as_u16(), &pack(&response, &body)))).await?;
    Ok(response)
}

/// An answer's own headers, one to a line, an empty line, and its body.
fn pack(response: &Response, body: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(body.len() + 64);
    for name in KEPT_HEADERS {
        if let Some(value) = response.headers().get(&name) {
            packed.extend([name.as_str().as_bytes(), b":", value.as_bytes(), b"\n"].concat());
        }
    }
    packed.push(b'\n');
    packed.extend_from_slice(body);
    packed
}

fn again(status: u16, mut kept: &[u8]) -> Result<Response, Problem> {
    let corrupt = || Problem::internal("an answer that was kept cannot be read");
    let mut response = StatusCode::from_u16(status).map_err(|_| corrupt())?.into_response();
    loop {
        let end = kept.iter().position(|byte| *byte == b'\n').ok_or_else(corrupt)?;
        let (line, rest) = (&kept[..end], &kept[end + 1..]);
        kept = rest;
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or_else(corrupt)?;
        let name = HeaderName::from_bytes(&line[..colon]).map_err(|_| corrupt())?;
        let value = HeaderValue::from_bytes(&line[colon + 1..]).map_err(|_| corrupt())?;
        response.headers_mut().insert(name, value);
    }
    response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    *response.body_mut() = Body::from(kept.to_vec());
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_comes_back_as_it_was() {
        let first = (StatusCode::CREATED, [("etag", "\"3\""), ("x-other", "1")], "{\"a\":\n\n1}").into_response();
        let packed = pack(&first, b"{\"a\":\n\n1}");
        let response = again(201, &packed).unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(
            (&response.headers()["etag"], &response.headers()["idempotent-replayed"]),
            (&"\"3\"".parse().unwrap(), &"true".parse().unwrap())
        );
        assert!(!response.headers().contains_key("x-other"));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "{\"a\":\n\n1}");
        assert!(again(201, b"no line").is_err());
    }
}
