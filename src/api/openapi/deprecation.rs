//! What is going to go says so in its answers: `Deprecation` (RFC 9745) and, where a day is fixed, `Sunset` (RFC 8594).
//!
//! An operation is marked where it is written: `#[deprecated]`, and `extensions(("x-deprecated-at" = json!(time)),
//! ("x-sunset-at" = json!(time)))` in its description. The headers follow from the document.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::{Deprecated, OpenApi};

use super::operations;
use crate::domain::time::Timestamp;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// The headers of each operation that is going to go.
#[derive(Default)]
pub(in crate::api) struct Deprecations(BTreeMap<(String, &'static str), Vec<(HeaderName, HeaderValue)>>);

impl Deprecations {
    /// Those of a document.
    pub(in crate::api) fn of(document: &mut OpenApi) -> Self {
        let mut all = BTreeMap::new();
        for (path, item) in &mut document.paths.paths {
            for (method, operation) in operations(item) {
                if matches!(operation.deprecated, Some(Deprecated::True)) {
                    all.insert((path.clone(), word(&method)), headers(operation));
                }
            }
        }
        Self(all)
    }

    /// Adds the headers to what such operations answer.
    pub(in crate::api) fn announced_by<S: Clone + Send + Sync + 'static>(self, routes: Router<S>) -> Router<S> {
        if self.0.is_empty() {
            // A layer costs every request.
            return routes;
        }
        routes.layer(from_fn_with_state(Arc::new(self), announce))
    }
}

const fn word(method: &HttpMethod) -> &'static str {
    match method {
        HttpMethod::Get => "GET",
        HttpMethod::Post => "POST",
        HttpMethod::Put => "PUT",
        HttpMethod::Delete => "DELETE",
        HttpMethod::Options => "OPTIONS",
        HttpMethod::Head => "HEAD",
        HttpMethod::Patch => "PATCH",
        HttpMethod::Trace => "TRACE",
    }
}

fn headers(operation: &Operation) -> Vec<(HeaderName, HeaderValue)> {
    let time = |name: &str| Timestamp::parse_rfc3339(operation.extensions.as_ref()?.get(name)?.as_str()?);
    // Without a day it has been so for ever.
    let since = time("x-deprecated-at").unwrap_or_default();
    let deprecation = HeaderValue::try_from(format!("@{}", since.as_seconds())).ok();
    let sunset = time("x-sunset-at").and_then(|at| {
        let date = UNIX_EPOCH + at.since(Timestamp::default());
        HeaderValue::try_from(httpdate::fmt_http_date(date)).ok()
    });
    [(DEPRECATION, deprecation), (SUNSET, sunset)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

async fn announce(
    State(deprecations): State<Arc<Deprecations>>,
    path: Option<MatchedPath>,
    method: Method,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let route = path.map(|path| path.as_str().to_owned()).unwrap_or_default();
    let found = deprecations.0.iter().find(|((path, of), _)| *path == route && *of == method.as_str());
    for (name, value) in found.into_iter().flat_map(|(_, headers)| headers) {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;
    use utoipa_axum::router::OpenApiRouter;
    use utoipa_axum::routes;

    use super::*;

    #[utoipa::path(get, path = "/old/{id}", extensions(
        ("x-deprecated-at" = json!("2026-11-21T20:04:59Z")),
        ("x-sunset-at" = json!("2027-06-01T00:00:00Z")),
    ))]
    #[deprecated]
    async fn old() {}

    #[utoipa::path(post, path = "/old/{id}")]
    async fn new() {}

    #[tokio::test]
    #[allow(deprecated, reason = "that is what is tested")]
    async fn what_is_going_to_go_says_so() {
        let (described, mut document) = OpenApiRouter::<()>::default().routes(routes!(old, new)).split_for_parts();
        let router = Deprecations::of(&mut document).announced_by(described);
        let answer = |method| {
            router.clone().oneshot(Request::builder().method(method).uri("/old/1").body(Body::empty()).unwrap())
        };
        let headers = answer("GET").await.unwrap().headers().clone();
        assert_eq!(headers["deprecation"], "@1795291499");
        assert_eq!(headers["sunset"], "Tue, 01 Jun 2027 00:00:00 GMT");
        assert!(!answer("POST").await.unwrap().headers().contains_key("deprecation"));
    }

    #[test]
    fn nothing_is_going_to_go_yet() {
        assert!(Deprecations::of(&mut super::super::document()).0.is_empty());
    }
}
