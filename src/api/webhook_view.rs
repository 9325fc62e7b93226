//! The wire form of webhooks: what a client gives, and what it is shown.
//!
//! The secret is shown when it is made and never again. The values of headers that may hold a credential are masked;
//! see [`crate::domain::webhook_draft`] for what a client may do with the mask.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::channel::Channels;
use crate::domain::field::Given;
use crate::domain::filter::Filter;
use crate::domain::id::WebhookId;
use crate::domain::ordering::Ordering;
use crate::domain::pace::Rate;
use crate::domain::pace_draft::RateDraft;
use crate::domain::profile::SignatureOption;
use crate::domain::retry::RetryPolicy;
use crate::domain::secret::{Secret, SecretKind};
use crate::domain::subscription::Subscription;
use crate::domain::tenant::Environment;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Webhook, WebhookSettings, WebhookStatus};
use crate::domain::webhook_draft::{HEADER_MASK, WebhookDraft, holds_credential};

macro_rules! settings_and {
    ($(#[$doc:meta])* $name:ident required $required:tt { $($(#[$extra_doc:meta])* $extra:ident: $type:ty),* $(,)? }) => {
        #[derive(Default, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields, rename_all = "camelCase")]
        $(#[$doc])*
        pub(super) struct $name {
            /// For people.
            #[serde(default)]
            #[schema(value_type = String, required = $required, min_length = 1, max_length = 100)]
            name: Given<String>,
            /// Where to. HTTPS, where the deployment does not allow more.
            #[serde(default)]
            #[schema(value_type = String, required = $required, format = "uri", example = "https://example.com/hooks")]
            url: Given<String>,
            #[serde(default)]
            #[schema(value_type = Subscription, required = $required)]
            events: Given<Vec<String>>,
            /// Takes only events that name one of them.
            #[serde(default)]
            #[schema(value_type = Option<Channels>)]
            channels: Given<Vec<String>>,
            /// A condition on the data of an event.
            #[serde(default)]
            #[schema(value_type = Option<Filter>)]
            filter: Given<Value>,
            /// Sent with each request, besides ours.
            #[serde(default)]
            #[schema(value_type = Option<BTreeMap<String, String>>, example = json!({ "X-Shop": "eu" }))]
            headers: Given<BTreeMap<String, String>>,
            #[serde(default)]
            #[schema(value_type = Option<RetryPolicy>)]
            retry_policy: Given<Value>,
            /// Over connect, TLS, headers and body together.
            #[serde(default)]
            #[schema(value_type = Option<u64>, minimum = 1_000, maximum = 30_000, example = 10_000)]
            timeout_ms: Given<u64>,
            /// The most requests in any window of a second, a minute or an hour. What your plan and the receiver allow
            /// holds as well. Deliveries beyond it wait, and use up no attempt.
            #[serde(default)]
            #[schema(value_type = Option<RateLimitOfWebhook>)]
            rate_limit: Given<RateDraft>,
            /// `strict`: one at a time, as events were accepted; one that fails holds back those behind it.
            #[serde(default)]
            #[schema(value_type = Option<OrderingView>)]
            ordering: Given<String>,
            /// How its requests look.
            #[serde(default)]
            #[schema(value_type = Option<ProfileView>)]
            profile: Given<String>,
            /// What is set about its signatures; which fields there are depends on the profile.
            #[serde(default)]
            #[schema(value_type = Option<SignatureView>)]
            signature: Given<Value>,
            /// Sends nothing until the receiver has agreed; with the profile `cloudevents`.
            #[serde(default)]
            #[schema(value_type = Option<bool>, default = false)]
            handshake: Given<bool>,
            #[serde(default)]
            #[schema(value_type = Option<String>, max_length = 500)]
            description: Given<String>,
            /// For your programs; up to 8 KiB.
            #[serde(default)]
            #[schema(value_type = Option<Object>, example = json!({ "team": "billing" }))]
            metadata: Given<Map<String, Value>>,
            $($(#[$extra_doc])* pub(super) $extra: $type,)*
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
                    rate_limit: std::mem::take(&mut self.rate_limit),
                    ordering: std::mem::take(&mut self.ordering),
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
    #[schema(example = json!({
        "name": "Orders to the warehouse",
        "url": "https://example.com/hooks",
        "events": ["order.*", "customer.created"],
    }))]
    NewWebhook required true {
        /// A secret of your own: `whsec_` and base64, or a text, as the profile has it. One is made where none is given.
        secret: Option<String>,
    }
);
settings_and!(
    /// What to change of a webhook; what is not mentioned stays.
    #[schema(example = json!({ "description": "The warehouse in Rotterdam", "timeoutMs": 5000 }))]
    WebhookChange required false {
        /// False pauses it, true resumes it.
        is_active: Option<bool>,
    }
);

/// How requests look: body, headers and signatures.
#[derive(ToSchema)]
#[schema(as = Profile, rename_all = "lowercase")]
#[allow(dead_code, reason = "describes the words of domain::profile::Profile, whose test compares them")]
pub(super) enum ProfileView {
    Default,
    #[schema(rename = "g-tateth")]
    GTateth,
    ContextGpt,
    GitHub,
    Stripe,
    Slack,
    Shopify,
    CloudEvents,
}

/// In what order deliveries go out: each as soon as it may, or one at a time as they were accepted.
#[derive(ToSchema)]
#[schema(as = Ordering, rename_all = "lowercase")]
#[allow(dead_code, reason = "describes the words of domain::ordering::Ordering")]
pub(super) enum OrderingView {
    None,
    Strict,
}

/// How many requests a webhook is sent at most.
#[derive(ToSchema)]
#[schema(as = WebhookRateLimit, example = json!({ "requests": 5, "window": "1s" }))]
#[allow(dead_code, reason = "describes what domain::pace::Rate writes")]
pub(super) struct RateLimitOfWebhook {
    #[schema(minimum = 1, maximum = 1_000_000, example = 5)]
    requests: u32,
    /// `1s`, `1m` or `1h`; a second, where it is not said.
    #[schema(required = false, default = "1s", example = "1s")]
    window: String,
}

/// What is set about signatures: `schemes` with the profiles `default` and `cloudevents`, the rest with `g-tateth`.
#[derive(ToSchema)]
#[schema(as = Signature, example = json!({ "schemes": ["v1"] }))]
#[allow(dead_code, reason = "describes what domain::profile::SignatureOption reads and writes")]
pub(super) struct SignatureView {
    /// `v1` is HMAC-SHA256 by the secret, `v1a` Ed25519 by a key pair.
    #[schema(example = json!(["v1", "v1a"]))]
    schemes: Option<Vec<String>>,
    /// The header of the signature.
    #[schema(max_length = 64, example = "X-Webhook-Signature")]
    header: Option<String>,
    /// What stands before it.
    #[schema(max_length = 32, example = "sha256=")]
    prefix: Option<String>,
    /// `hex` or `base64`.
    #[schema(example = "hex")]
    encoding: Option<String>,
}

/// A webhook as it is shown.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub(super) struct WebhookView {
    id: WebhookId,
    #[schema(example = "Orders to the warehouse")]
    name: String,
    #[schema(example = "https://example.com/hooks")]
    url: String,
    events: Subscription,
    channels: Channels,
    filter: Option<Filter>,
    /// Values that may be credentials are shown as `***`.
    #[schema(example = json!({ "X-Shop": "eu" }))]
    headers: BTreeMap<String, String>,
    retry_policy: RetryPolicy,
    #[schema(value_type = u64, example = 10_000)]
    timeout_ms: u128,
    #[schema(value_type = Option<RateLimitOfWebhook>)]
    rate_limit: Option<Rate>,
    #[schema(value_type = OrderingView)]
    ordering: Ordering,
    #[schema(value_type = ProfileView)]
    profile: &'static str,
    /// What is set about its signatures; null where nothing can be.
    #[schema(value_type = Option<SignatureView>)]
    signature: SignatureOption,
    handshake: bool,
    /// Whether the receiver has agreed, where it has to.
    handshake_agreed: bool,
    #[schema(example = json!(null))]
    description: Option<String>,
    #[schema(value_type = Option<Object>, example = json!({ "team": "billing" }))]
    metadata: Option<Map<String, Value>>,
    is_active: bool,
    /// `active`, `paused` by a person, or `disabled` by Angarium.
    #[schema(example = "active")]
    status: &'static str,
    #[schema(example = json!(null))]
    status_reason: Option<String>,
    environment: Environment,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The number in its `ETag`.
    #[schema(example = 1)]
    version: i64,
    /// Only when it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
        extensions(("x-shown-once" = json!(true)))
    )]
    secret: Option<String>,
    /// Only when it was just made; it can be asked for at any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
        extensions(("x-shown-once" = json!(true)))
    )]
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
            rate_limit,
            ordering,
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
            rate_limit,
            ordering,
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
