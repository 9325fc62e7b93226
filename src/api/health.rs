//! Health and metrics: for people, for orchestrators, for dashboards. No key is asked for.
//!
//! Alive is not ready. A process that answers at all is alive, and restarting it would not help its database. It is
//! ready while the database answers and nobody has told it to go; a broker that is down delays deliveries and keeps
//! no event from being accepted, so it is told and changes nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;

const STORE_TIMEOUT: Duration = Duration::from_secs(2);
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default()
        .routes(routes!(health))
        .routes(routes!(alive))
        .routes(routes!(ready))
        .routes(routes!(metrics))
}

#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
struct Alive {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Say that the API answers
#[utoipa::path(
    get,
    path = "/api/v1/health",
    operation_id = "getHealth",
    tag = "Health",
    responses((status = 200, description = "It answers", body = Alive)),
    security(()),
)]
async fn health() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

/// Say that the process is alive
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "getLiveness",
    tag = "Health",
    responses((status = 200, description = "It is alive", body = Alive)),
    security(()),
)]
async fn alive() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

#[derive(Serialize, ToSchema)]
#[schema(as = Readiness)]
struct Ready {
    #[schema(example = "ready")]
    status: &'static str,
    parts: Parts,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ReadinessParts)]
struct Parts {
    #[schema(example = "up")]
    store: &'static str,
    #[schema(example = "up")]
    broker: &'static str,
    #[schema(example = false)]
    draining: bool,
}

/// Say whether the process takes requests
///
/// A broker that is down is told and changes nothing: it delays deliveries, and keeps no event from being accepted.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "Health",
    responses(
        (status = 200, description = "It is ready", body = Ready),
        (status = 503, description = "The database is away, or the process is going down", body = Ready),
    ),
    security(()),
)]
async fn ready(State(api): State<Arc<Api>>) -> Response {
    let answer = tokio::time::timeout(STORE_TIMEOUT, api.engine.store().ping()).await;
    let store_answers = matches!(answer, Ok(Ok(())));
    let draining = api.draining.is_cancelled();
    let is_ready = store_answers && !draining;
    let word = |up: bool| if up { "up" } else { "down" };
    let parts = Parts { store: word(store_answers), broker: word(api.engine.broker().health().ready), draining };
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { status: if is_ready { "ready" } else { "unready" }, parts })).into_response()
}

/// Read the metrics
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "Health",
    responses((status = 200, description = "In OpenMetrics text", body = String, content_type = OPEN_METRICS,
        example = "# TYPE angarium_http_requests counter")),
    security(()),
)]
async fn metrics(State(api): State<Arc<Api>>) -> Response {
    ([(header::CONTENT_TYPE, OPEN_METRICS)], api.engine.metrics().encode()).into_response()
}
