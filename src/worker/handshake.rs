//! Asking a receiver whether it wants to be sent anything, before the first request to it goes out.
//!
//! It is asked by the worker, because only the worker's client keeps to the egress policy; and as part of an attempt, so
//! that a refusal is on record with the delivery and is asked again when the delivery is tried again.

use std::time::Duration;

use super::client::Client;
use crate::domain::attempt::FailureKind;
use crate::domain::handshake::Consent;
use crate::domain::webhook::Webhook;
use crate::engine::Engine;

/// Asks, and keeps a yes for all later requests.
pub(super) async fn ask(
    engine: &Engine,
    client: &Client,
    webhook: &Webhook,
    timeout: Duration,
) -> Result<(), FailureKind> {
    let (url, origin) = (&webhook.settings.url, engine.limits.origin.as_str());
    let [allowed, rate] = client.ask(url, origin, timeout).await?;
    let consent = Consent::read(url, origin, allowed.as_deref(), rate.as_deref()).ok_or(FailureKind::Handshake)?;
    if let Err(error) = engine.keep_consent(webhook.scope, webhook.id, consent).await {
        // The next request asks again.
        tracing::warn!(webhook.id = %webhook.id, "the consent of {} was not stored: {error}", webhook.id);
    }
    Ok(())
}
