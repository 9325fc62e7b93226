//! Rotating the secret of a webhook. A new secret is in the answer to the form that made it, and nowhere after.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::post;

use super::Dashboard;
use super::access::{Actor, WriteWebhooks};
use super::layout::Frame;
use super::page::{self, Failure};
use super::webhook::id_in_path;
use super::webhooks::SECTION;
use super::words::Time;
use crate::domain::field::FieldProblem;
use crate::domain::id::WebhookId;
use crate::domain::secret::{Secret, SecretKind};
use crate::domain::secret_draft::RotationDraft;
use crate::domain::webhook::Webhook;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route("/ui/webhooks/{id}/rotate", post(rotate))
}

/// What is told of new secrets: of a key pair, the public half.
#[derive(Template)]
#[template(path = "webhook_secret.html", config = "src/dashboard/askama.toml")]
pub(super) struct SecretPage {
    frame: Frame,
    id: WebhookId,
    name: String,
    is_new: bool,
    secret: Option<String>,
    public_key: Option<String>,
    older_until: Option<Time>,
}

impl SecretPage {
    /// For the one page that shows secrets which were just made.
    pub(super) fn new(frame: Frame, webhook: &Webhook, secrets: &[Secret]) -> Self {
        let shared = secrets.iter().find(|secret| secret.kind() != SecretKind::Ed25519);
        Self {
            frame,
            id: webhook.id,
            name: webhook.settings.name.clone(),
            is_new: true,
            secret: shared.map(Secret::reveal),
            public_key: secrets.iter().find_map(Secret::public_key).map(|key| key.to_string()),
            older_until: None,
        }
    }
}

async fn rotate(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<WriteWebhooks>,
) -> Result<Response, Failure> {
    let (fields, scope) = (&actor.fields, actor.visit.scope);
    let webhook = dashboard.engine.webhook(scope, id_in_path(&id)?).await?;
    let overlap_seconds = match fields.get("overlap").map(str::parse) {
        None => None,
        Some(Ok(seconds)) => Some(seconds),
        Some(Err(_)) => return Err(Failure::bad("Choose how long the older secrets go on signing.")),
    };
    let draft = RotationDraft {
        overlap_seconds,
        secret: fields.get("secret").map(str::to_owned),
        scheme: fields.get("scheme").map(str::to_owned),
    };
    let refused = |problems: Vec<FieldProblem>| {
        let sentences: Vec<_> = problems.iter().map(FieldProblem::sentence).collect();
        Failure::Bad(format!("{}.", sentences.join("; ")))
    };
    let rotation = draft.check(&webhook.settings).map_err(refused)?;
    let (secret, older_until) = dashboard.engine.rotate_secret(scope, webhook.id, rotation).await?;
    let frame = dashboard.frame(&actor.visit, "The new secret", SECTION);
    let older_until = Some(Time { at: older_until, now: dashboard.engine.clock().now() });
    page::show(&SecretPage { is_new: false, older_until, ..SecretPage::new(frame, &webhook, &[secret]) })
}
