//! The secrets of a webhook: rotating them, and the public keys of those that are key pairs.
//!
//! A secret is told in the answer to the request that made it, and never again. Of a key pair only the public half is,
//! which can be asked for at any time.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use super::auth::{Caller, ReadWebhooks, WriteWebhooks};
use super::json::MaybeJson;
use super::problem::{Code, Problem};
use super::query::Id;
use super::webhook_view::Revealed;
use super::{Api, said, success};
use crate::domain::id::WebhookId;
use crate::domain::secret_draft::RotationDraft;
use crate::domain::time::Timestamp;
use crate::engine::webhooks::PublicKeyInUse;

pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v1/webhooks/{id}/rotate-secret", post(rotate))
        .route("/api/v1/webhooks/{id}/public-key", get(public_key))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct SecretRotation {
    overlap_seconds: Option<u64>,
    secret: Option<String>,
    scheme: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rotated {
    id: WebhookId,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    /// Until when the older secrets sign too.
    older_secrets_until: Timestamp,
}

async fn rotate(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteWebhooks>,
    Id(id): Id<WebhookId>,
    MaybeJson(asked): MaybeJson<SecretRotation>,
) -> Result<Response, Problem> {
    let SecretRotation { overlap_seconds, secret, scheme } = asked;
    let webhook = api.engine.webhook(caller.scope, id).await?;
    let draft = RotationDraft { overlap_seconds, secret, scheme };
    let rotation = draft.check(&webhook.settings).map_err(Problem::fields)?;
    let message = if webhook.settings.profile.overlaps() && !rotation.overlap.is_zero() {
        "The new secret and the older ones sign each request until the older ones end"
    } else {
        "The new secret signs from now on, the older ones no more"
    };
    let (secret, older_secrets_until) = api.engine.rotate_secret(caller.scope, id, rotation).await?;
    let Revealed { secret, public_key } = Revealed::of(&[secret]);
    Ok(said(StatusCode::OK, message, Rotated { id, secret, public_key, older_secrets_until }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PublicKeys {
    /// The newest.
    public_key: String,
    /// All that sign now.
    keys: Vec<PublicKeyView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PublicKeyView {
    public_key: String,
    created_at: Timestamp,
    /// Until when it signs beside a newer one.
    expires_at: Option<Timestamp>,
}

impl From<PublicKeyInUse> for PublicKeyView {
    fn from(PublicKeyInUse { key, created_at, expires_at }: PublicKeyInUse) -> Self {
        Self { public_key: key.to_string(), created_at, expires_at }
    }
}

async fn public_key(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadWebhooks>,
    Id(id): Id<WebhookId>,
) -> Result<Response, Problem> {
    let keys = api.engine.public_keys(caller.scope, id).await?;
    let keys: Vec<_> = keys.into_iter().map(PublicKeyView::from).collect();
    let Some(newest) = keys.first() else {
        let message = "The webhook has no public key: its requests are not signed by the scheme `v1a`.";
        return Err(Problem::new(Code::ResourceNotFound, message));
    };
    Ok(success(StatusCode::OK, PublicKeys { public_key: newest.public_key.clone(), keys }))
}
