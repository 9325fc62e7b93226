//! The secrets of a webhook: rotating them, and the public keys of those that are key pairs.
//!
//! A secret is told in the answer to the request that made it, and never again. Of a key pair only the public half is,
//! which can be asked for at any time.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Caller, ReadWebhooks, WriteWebhooks};
use super::json::MaybeJson;
use super::problem::{Code, Problem};
use super::query::Id;
use super::webhook_view::Revealed;
use super::{Api, Success, said, success};
use crate::domain::id::WebhookId;
use crate::domain::secret_draft::RotationDraft;
use crate::domain::time::Timestamp;
use crate::engine::webhooks::PublicKeyInUse;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(rotate)).routes(routes!(public_key))
}

/// How to replace the secret of a webhook.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({ "overlapSeconds": 86400 }))]
struct SecretRotation {
    /// How long older secrets go on signing beside the new one; where it is not said, a day, or not at all where a
    /// request of the profile has room for one signature.
    #[schema(minimum = 0, maximum = 604_800)]
    overlap_seconds: Option<u64>,
    /// A secret of your own; one is made where none is given.
    secret: Option<String>,
    /// `v1` or `v1a`, where the webhook signs by both.
    #[schema(example = "v1")]
    scheme: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RotatedSecret)]
struct Rotated {
    id: WebhookId,
    /// Shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: Option<String>,
    /// Of a new key pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")]
    public_key: Option<String>,
    /// Until when the older secrets sign too.
    older_secrets_until: Timestamp,
}

/// Rotate the secret of a webhook
///
/// Requests are signed with the new secret, and with the older ones too until the overlap ends. The body may be left out.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/rotate-secret",
    operation_id = "rotateWebhookSecret",
    tag = "Webhooks",
    params(("id" = WebhookId, Path)),
    request_body = Option<SecretRotation>,
    responses((status = 200, description = "The new secret", body = Success<Rotated>)),
    security(("apiKey" = ["write:webhooks"])),
)]
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

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PublicKeys)]
struct PublicKeys {
    /// The newest.
    #[schema(example = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")]
    public_key: String,
    /// All that sign now.
    keys: Vec<PublicKeyView>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PublicKey)]
struct PublicKeyView {
    #[schema(example = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")]
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

/// Read the public keys of a webhook
///
/// With them its receiver verifies the `v1a` signatures. The private ones are never shown.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}/public-key",
    operation_id = "getWebhookPublicKey",
    tag = "Webhooks",
    params(("id" = WebhookId, Path)),
    responses((status = 200, description = "The keys that sign now, newest first", body = Success<PublicKeys>)),
    security(("apiKey" = ["read:webhooks"])),
)]
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
