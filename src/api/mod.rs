//! The HTTP API: routes, extractors, one error body, lists by page or cursor.
//!
//! Every request comes in through `front`, which gives it an id and a time limit, and turns what went wrong into the
//! one body of `problem`. `auth` tells whose rows it may see: a handler cannot learn its scope without naming the
//! permission that it asks for. Handlers call the engine's verbs for writing and its store for reading; the types of a
//! noun's JSON stay in the noun's file.

mod analytics;
mod api_key_view;
mod api_keys;
mod audit;
mod auth;
mod code;
mod dead_letters;
mod deliveries;
mod delivery_stream;
mod etag;
mod event_type_view;
mod event_types;
mod events;
mod explain;
mod explorer;
mod front;
mod gate;
mod health;
mod idempotency;
mod json;
mod limits;
pub mod openapi;
mod page;
mod patience;
mod portal_links;
mod problem;
mod publish;
mod query;
mod records;
mod replay_filter;
mod replay_view;
mod replays;
pub mod server;
mod session;
mod sign_in;
mod teammates;
#[cfg(test)]
mod tests;
mod webhook_doctor;
mod webhook_logs;
mod webhook_secrets;
mod webhook_stats;
mod webhook_view;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

pub use code::Code;
use openapi::deprecation::Deprecations;

use crate::config;
use crate::engine::Engine;
use crate::engine::streams::Streams;

/// Bounds and times of the API; see `config/default.toml`.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each is commented in config/default.toml")]
pub struct ApiOptions {
    pub body_bytes_max: usize,
    pub batch_events_max: usize,
    pub header_timeout: Duration,
    pub body_timeout: Duration,
    pub request_timeout: Duration,
    pub connections_max: usize,
    pub page_limit_default: u32,
    pub conversations_limit_default: u32,
    pub page_limit_max: u32,
    pub page_depth_max: u32,
    pub trusted_proxies: Vec<ipnet::IpNet>,
    pub webhook_timeout_default: Duration,
    pub drain: Duration,
    pub requests_per_second_per_address: u32,
    pub unlimited_networks: Vec<ipnet::IpNet>,
    pub batches_max: usize,
    pub streams_max: usize,
    pub streams_per_tenant_max: usize,
    pub stream_rows_per_second: u32,
}

impl From<&config::Config> for ApiOptions {
    fn from(config: &config::Config) -> Self {
        let api = &config.api;
        Self {
            body_bytes_max: api.body_bytes_max,
            batch_events_max: api.batch_events_max,
            header_timeout: api.header_timeout_ms,
            body_timeout: api.body_timeout_ms,
            request_timeout: api.request_timeout_ms,
            connections_max: api.connections_max,
            page_limit_default: api.page_limit_default,
            conversations_limit_default: api.conversations_limit_default,
            page_limit_max: api.page_limit_max,
            page_depth_max: api.page_depth_max,
            trusted_proxies: api.trusted_proxies.clone(),
            webhook_timeout_default: config.delivery.timeout_default_ms,
            drain: config.shutdown.drain_ms,
            requests_per_second_per_address: config.limits.requests_per_second_per_address,
            unlimited_networks: config.limits.unlimited_networks.clone(),
            batches_max: config.limits.batches_max,
            streams_max: config.limits.streams_max,
            streams_per_tenant_max: config.limits.streams_per_tenant_max,
            stream_rows_per_second: config.limits.stream_rows_per_second,
        }
    }
}

/// What handlers work with.
pub struct Api {
    engine: Arc<Engine>,
    options: ApiOptions,
    draining: CancellationToken,
    addresses: limits::Addresses,
    batches: limits::Places,
    streams: Streams,
    streams_of: limits::Places,
}

impl Api {
    /// `draining` is cancelled when the process is going down; from then on it says that it is not ready.
    pub fn new(engine: Arc<Engine>, options: ApiOptions, draining: CancellationToken) -> Arc<Self> {
        let networks = options.unlimited_networks.clone();
        let addresses = limits::Addresses::new(options.requests_per_second_per_address, networks);
        let streams = Streams::new(options.streams_max, draining.clone());
        let (batches, streams_of) = (limits::Places::default(), limits::Places::default());
        Arc::new(Self { engine, options, draining, addresses, batches, streams, streams_of })
    }
}

/// Every route that the document describes.
fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .merge(events::routes())
        .merge(webhooks::routes())
        .merge(deliveries::routes())
        .merge(delivery_stream::routes())
        .merge(event_types::routes())
        .merge(explain::routes())
        .merge(dead_letters::routes())
        .merge(replays::routes())
        .merge(portal_links::routes())
        .merge(api_keys::routes())
        .merge(sign_in::routes())
        .merge(teammates::routes())
        .merge(audit::routes())
        .merge(records::routes())
        .merge(analytics::routes())
        .merge(health::routes())
}

/// Pages behind the same door. The API knows none of them: they bring along how they say what the door refuses.
pub struct Pages {
    /// Where they all are, such as `/ui`.
    pub root: &'static str,
    /// Them.
    pub router: Router,
    /// Makes a page of an answer that has none, for a request with these headers: why it was refused is said in a
    /// sentence.
    pub refused: fn(&HeaderMap, Response, &str) -> Response,
}

/// Every route, and the pages behind the same door.
pub fn router(api: &Arc<Api>, pages: Pages) -> Router {
    let (routes, mut described) = routes().split_for_parts();
    Deprecations::of(&mut described)
        .announced_by(routes)
        .merge(explorer::routes())
        .merge(pages.router.with_state(()))
        .fallback(front::no_route)
        .method_not_allowed_fallback(front::no_method)
        .layer(axum::middleware::from_fn_with_state(front::Door::new(api, pages.root, pages.refused), front::front))
        .with_state(Arc::clone(api))
}

/// Health and metrics alone, for a process that serves no API.
pub fn health_router(api: &Arc<Api>) -> Router {
    Router::from(health::routes()).with_state(Arc::clone(api))
}

/// The body of every success.
#[derive(Serialize, ToSchema)]
#[allow(clippy::struct_field_names, reason = "the names are the API's")]
struct Success<T> {
    success: bool,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    message: Option<&'static str>,
    data: T,
}

fn success<T: Serialize>(status: StatusCode, data: T) -> Response {
    (status, axum::Json(Success { success: true, message: None, data })).into_response()
}

fn said<T: Serialize>(status: StatusCode, message: &'static str, data: T) -> Response {
    (status, axum::Json(Success { success: true, message: Some(message), data })).into_response()
}
