//! The box on every page: an id that is pasted there leads to what it is of, anything else searches deliveries.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;

use super::Dashboard;
use super::access::{ReadDeliveries, Reader, Visit};
use super::page::Failure;
use super::params::Params;
use crate::domain::id::{DeliveryId, EventId, WebhookId};

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route("/ui/search", get(search))
}

async fn search(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<ReadDeliveries>,
    uri: Uri,
) -> Result<Response, Failure> {
    let params = Params::of(&uri);
    let text = params.get("q").unwrap_or_default();
    let to = match place_of(text, &dashboard, &reader.visit).await? {
        Some(place) => place,
        None => format!("/ui/deliveries{}", Params::default().with("q", Some(text).filter(|text| !text.is_empty()))),
    };
    Ok(Redirect::to(&to).into_response())
}

/// Where an id leads, if it is of something that the visitor sees.
async fn place_of(text: &str, dashboard: &Dashboard, visit: &Visit) -> Result<Option<String>, Failure> {
    let store = dashboard.engine.store();
    if let Ok(id) = text.parse::<DeliveryId>() {
        let found = store.delivery(visit.scope, id).await?;
        return Ok(found.map(|_| format!("/ui/deliveries/{id}")));
    }
    if let Ok(id) = text.parse::<WebhookId>() {
        let found = store.webhook(visit.scope, id).await?;
        return Ok(found.map(|_| format!("/ui/webhooks/{id}")));
    }
    if let Ok(id) = text.parse::<EventId>() {
        return Ok(Some(format!("/ui/deliveries?event={id}&range=all")));
    }
    Ok(None)
}
