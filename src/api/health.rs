//! Health and metrics: for people, for orchestrators, for dashboards. No key is asked for.
//!
//! Alive is not ready. A process that answers at all is alive, and restarting it would not help its database. It is
//! ready while the database answers and nobody has told it to go; a broker that is down delays deliveries and keeps
//! no event from being accepted, so it is told and changes nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::Api;

const STORE_TIMEOUT: Duration = Duration::from_secs(2);
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v1/health", get(alive))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

#[derive(Serialize)]
struct Alive {
    status: &'static str,
}

async fn alive() -> Json<Alive> {
    Json(Alive { status: "ok" })
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    parts: Parts,
}

#[derive(Serialize)]
struct Parts {
    store: &'static str,
    broker: &'static str,
    draining: bool,
}

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

async fn metrics(State(api): State<Arc<Api>>) -> Response {
    ([(header::CONTENT_TYPE, OPEN_METRICS)], api.engine.metrics().encode()).into_response()
}
