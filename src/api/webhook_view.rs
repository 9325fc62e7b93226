//! The wire form of webhooks: what a client gives, and what it is shown.
//!
//! The secret is shown when it is made and never again. The values of headers that may hold a credential are masked;
//! see [`crate::domain::webhook_draft`] for what a client may do with the mask.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::channel::Channels;
use crate::domain::field::Given;
use crate::domain::filter::Filter;
use crate::domain::id::WebhookId;
use crate::domain::profile::SignatureOption;
use crate::domain::retry::RetryPolicy;
use crate::domain::secret::{Secret, SecretKind};
use crate::domain::subscription::Subscription;
use crate::domain::tenant::Environment;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Webhook, WebhookSettings, WebhookStatus};
use crate::domain::webhook_draft::{HEADER_MASK, WebhookDraft, holds_credential};

macro_rules! settings_and {
    ($(#[$doc:meta])* $name:ident { $($extra:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "camelCase")]
        pub(super) struct $name {
            name: Given<String>,
            url: Given<String>,
            events: Given<Vec<String>>,
            channels: Given<Vec<String>>,
            filter: Given<Value>,
            headers: Given<BTreeMap<String, String>>,
            retry_policy: Given<Value>,
            timeout_ms: Given<u64>,
            profile: Given<String>,
            signature: Given<Value>,
            handshake: Given<bool>,
            description: Given<String>,
            metadata: Given<Map<String, Value>>,
            $(pub(super) $extra: $type,)*
        }

        impl $name {
            /// The settings in it, leaving the rest.
            pub(super) fn take_draft(&mut self) -> WebhookDraft {
                WebhookDraft {
                    name: std::mem::take(&mut self.name),
                    url: std::mem::take(&mut self.url),
                    events: std::mem::take(&mut self.events),
                    channels: std::mem::take(&mut self.channels),
                    filter: std::mem::take(&mut self.filter),
                    headers: std::mem::take(&mut self.headers),
                    retry_policy: std::mem::take(&mut self.retry_policy),
                    timeout_ms: std::mem::take(&mut self.timeout_ms),
                    profile: std::mem::take(&mut self.profile),
                    signature: std::mem::take(&mut self.signature),
                    handshake: std::mem::take(&mut self.handshake),
                    description: std::mem::take(&mut self.description),
                    metadata: std::mem::take(&mut self.metadata),
                }
            }
        }
    };
}

settings_and!(
    /// A webhook to create.
    #[derive(Default)]
    NewWebhook { secret: Option<String> }
);
settings_and!(
    /// What to change of a webhook; what is not mentioned stays.
    #[derive(Default)]
    WebhookChange { is_active: Option<bool> }
);

/// A webhook as it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookView {
    id: WebhookId,
    name: String,
    url: String,
    events: Subscription,
    channels: Channels,
    filter: Option<Filter>,
    headers: BTreeMap<String, String>,
    retry_policy: RetryPolicy,
    timeout_ms: u128,
    profile: &'static str,
    signature: SignatureOption,
    handshake: bool,
    /// Whether the receiver has agreed, where it has to.
    handshake_agreed: bool,
    description: Option<String>,
    metadata: Option<Map<String, Value>>,
    is_active: bool,
    status: &'static str,
    status_reason: Option<String>,
    environment: Environment,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: i64,
    /// Only when it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Only when it was just made; it can be asked for at any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        let Webhook {
            id,
            scope,
            settings,
            status,
            status_reason,
            consent,
            created_at,
            updated_at,
            deleted_at: _,
            revision,
        } = webhook;
        let handshake_agreed = settings.handshake && consent.is_some_and(|consent| consent.url == settings.url);
        let WebhookSettings {
            name,
            url,
            events,
            channels,
            filter,
            headers,
            retry_policy,
            timeout,
            profile,
            signature,
            handshake,
            description,
            metadata,
        } = settings;
        Self {
            id,
            name,
            url,
            events,
            channels,
            filter,
            headers: headers.into_iter().map(masked).collect(),
            retry_policy,
            timeout_ms: timeout.as_millis(),
            profile: profile.as_str(),
            signature,
            handshake,
            handshake_agreed,
            description,
            metadata,
            is_active: status == WebhookStatus::Active,
            status: status.as_str(),
            status_reason,
            environment: scope.environment,
            created_at,
            updated_at,
            version: revision,
            secret: None,
            public_key: None,
        }
    }
}

impl WebhookView {
    /// For the one answer that shows the secrets which were just made: of a key pair, the public half.
    pub(super) fn with_secrets(webhook: Webhook, secrets: &[Secret]) -> Self {
        let Revealed { secret, public_key } = Revealed::of(secrets);
        Self { secret, public_key, ..Self::from(webhook) }
    }
}

/// What is told of new secrets.
pub(super) struct Revealed {
    pub(super) secret: Option<String>,
    pub(super) public_key: Option<String>,
}

impl Revealed {
    pub(super) fn of(secrets: &[Secret]) -> Self {
        let shared = secrets.iter().find(|secret| secret.kind() != SecretKind::Ed25519);
        let public_key = secrets.iter().find_map(Secret::public_key).map(|key| key.to_string());
        Self { secret: shared.map(Secret::reveal), public_key }
    }
}

fn masked((name, value): (String, String)) -> (String, String) {
    let value = if holds_credential(&name) { HEADER_MASK.to_owned() } else { value };
    (name, value)
}
