//! Giving dead letters up, for a reason that stays with the delivery.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::post;

use super::Dashboard;
use super::access::{Actor, WriteDeliveries};
use super::deliveries::{id_in_path, intervened};
use super::page::Failure;
use super::params::Params;
use super::preferences::{go_and_say, page_of_ours};
use super::words::grouped;
use crate::domain::id::DeliveryId;
use crate::engine::deliveries::{DISCARD_REASON_CHARS_MAX, Letters};

/// Dead letters that one form acts on.
const SELECTED_MAX: usize = 200;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route("/ui/deliveries/{id}/discard", post(discard))
        .route("/ui/dead-letters/discard", post(discard_selected))
}

/// The reason that a form gives.
fn reason(fields: &Params) -> Result<&str, Failure> {
    let reason = fields.get("reason").unwrap_or_default();
    if (1..=DISCARD_REASON_CHARS_MAX).contains(&reason.chars().count()) {
        return Ok(reason);
    }
    Err(Failure::bad(format!("Say why it is given up, in at most {DISCARD_REASON_CHARS_MAX} characters.")))
}

async fn discard(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<WriteDeliveries>,
) -> Result<Response, Failure> {
    let reason = reason(&actor.fields)?;
    let outcome = dashboard.engine.discard(actor.visit.scope, id_in_path(&id)?, reason).await?;
    intervened(outcome, "It is given up: nothing is sent any more.", "The delivery is no dead letter.", &actor.fields)
}

async fn discard_selected(
    State(dashboard): State<Arc<Dashboard>>,
    actor: Actor<WriteDeliveries>,
) -> Result<Response, Failure> {
    let reason = reason(&actor.fields)?;
    let ids: Vec<DeliveryId> = actor.fields.all("id").filter_map(|id| id.parse().ok()).take(SELECTED_MAX).collect();
    let asked = ids.len();
    let done = dashboard.engine.discard_all(actor.visit.scope, Letters::Named(ids), reason).await?;
    let said = format!("{} of {asked} are given up.", grouped(done.count));
    Ok(go_and_say(page_of_ours(actor.fields.get("next")), &said))
}
