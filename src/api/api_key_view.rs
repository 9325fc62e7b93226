//! The wire form of API keys: what a person gives, and what they are shown. The key itself is shown when it is made
//! and never again.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::api_key::{ApiKey, KeySettings};
use crate::domain::field::{FieldCode, FieldProblem, Given};
use crate::domain::id::KeyId;
use crate::domain::ip_list::IpList;
use crate::domain::key::ApiKeyText;
use crate::domain::key_draft::{KeyDraft, RATE_LIMIT_WINDOW, RateLimitDraft, RotationDraft};
use crate::domain::permission::Permission;
use crate::domain::rotation::RotationPolicy;
use crate::domain::tenant::Environment;
use crate::domain::time::Timestamp;

macro_rules! settings_and {
    ($(#[$doc:meta])* $name:ident required $required:tt { $($(#[$extra_doc:meta])* $extra:ident: $type:ty),* $(,)? }) => {
        #[derive(Default, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields, rename_all = "camelCase")]
        $(#[$doc])*
        pub(super) struct $name {
            /// For people; no other key of the environment has it.
            #[serde(default)]
            #[schema(value_type = String, required = $required, min_length = 1, max_length = 100)]
            name: Given<String>,
            /// What it may do.
            #[serde(default)]
            #[schema(value_type = Vec<Permission>, required = $required, min_items = 1)]
            permissions: Given<Vec<String>>,
            #[serde(default)]
            #[schema(value_type = Option<Timestamp>)]
            expires_at: Given<String>,
            /// Where it works from; from everywhere where the list is empty.
            #[serde(default)]
            #[schema(value_type = Option<IpList>)]
            ip_whitelist: Given<Vec<String>>,
            /// Less than the plan's.
            #[serde(default)]
            #[schema(value_type = Option<RateLimitDraft>)]
            rate_limit: Given<RateLimitDraft>,
            #[serde(default)]
            #[schema(value_type = Option<RotationDraft>)]
            rotation_policy: Given<RotationDraft>,
            /// False stops it until it is set to true again.
            #[serde(default)]
            #[schema(value_type = Option<bool>)]
            is_active: Given<bool>,
            $($(#[$extra_doc])* $extra: $type,)*
        }

        impl $name {
            /// The settings in it, leaving the rest.
            pub(super) fn take_draft(&mut self) -> KeyDraft {
                KeyDraft {
                    name: std::mem::take(&mut self.name),
                    permissions: std::mem::take(&mut self.permissions),
                    expires_at: std::mem::take(&mut self.expires_at),
                    ip_whitelist: std::mem::take(&mut self.ip_whitelist),
                    rate_limit: std::mem::take(&mut self.rate_limit),
                    rotation_policy: std::mem::take(&mut self.rotation_policy),
                    is_active: std::mem::take(&mut self.is_active),
                }
            }
        }
    };
}

settings_and!(
    /// A key to make.
    #[schema(as = NewApiKey, example = json!({
        "name": "Shop",
        "permissions": ["write:events", "webhook:manage"],
        "environment": "staging",
    }))]
    NewKey required true {
        /// `production` where it is not given.
        #[serde(default)]
        #[schema(value_type = Option<Environment>)]
        environment: Given<String>,
    }
);
settings_and!(
    /// What to change of a key; what is not mentioned stays.
    #[schema(as = ApiKeyChange, example = json!({ "ipWhitelist": ["192.0.2.0/24"] }))]
    KeyChange required false {}
);

impl NewKey {
    /// Where the key is to belong.
    pub(super) fn environment(&self, problems: &mut Vec<FieldProblem>) -> Option<Environment> {
        let word = match &self.environment {
            Given::Absent | Given::Null => return Some(Environment::Production),
            Given::Value(word) => word,
        };
        word.parse()
            .map_err(|error| problems.push(FieldProblem::new("environment", FieldCode::Invalid, format!("{error}"))))
            .ok()
    }
}

/// A limit of its own.
#[derive(Serialize, ToSchema)]
#[schema(as = RateLimit)]
struct RateLimitView {
    #[schema(example = 100)]
    requests: u64,
    #[schema(example = "1h")]
    window: &'static str,
}

/// An API key as it is shown.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub(super) struct KeyView {
    id: KeyId,
    #[schema(example = "Shop")]
    name: String,
    /// What people tell keys apart by.
    #[schema(example = "sk_test_0f3k")]
    key_prefix: String,
    environment: Environment,
    #[schema(value_type = Vec<Permission>)]
    permissions: Vec<String>,
    ip_whitelist: IpList,
    /// The plan's where there is none.
    rate_limit: Option<RateLimitView>,
    rotation_policy: Option<RotationPolicy>,
    is_active: bool,
    expires_at: Option<Timestamp>,
    #[schema(example = json!(null))]
    revoked_at: Option<Timestamp>,
    /// The key that it was rotated to.
    #[schema(example = json!(null))]
    replaced_by: Option<KeyId>,
    last_used_at: Option<Timestamp>,
    /// Requests that it has made, ever.
    #[schema(example = 90_210)]
    usage_count: u64,
    #[schema(example = 1204)]
    current_month_requests: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Only when it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "sk_test_…", extensions(("x-shown-once" = json!(true))))]
    key: Option<String>,
}

/// What a key has been used for: requests ever, and in this month.
#[derive(Clone, Copy, Default)]
pub(super) struct Used {
    pub(super) ever: u64,
    pub(super) this_month: u64,
}

impl KeyView {
    pub(super) fn new(key: ApiKey, used: Used) -> Self {
        let is_active = key.is_active();
        let ApiKey { id, scope, settings, hash: _, hint, created_at, updated_at, revoked_at, deleted_at: _, .. } = key;
        let KeySettings { name, permissions, expires_at, ip_list, rate_limit, rotation, is_active: _ } = settings;
        Self {
            id,
            name,
            key_prefix: hint,
            environment: scope.environment,
            permissions,
            ip_whitelist: ip_list,
            rate_limit: rate_limit.map(|requests| RateLimitView { requests, window: RATE_LIMIT_WINDOW }),
            rotation_policy: rotation,
            is_active,
            expires_at,
            revoked_at,
            replaced_by: key.replaced_by,
            last_used_at: key.last_used_at,
            usage_count: used.ever,
            current_month_requests: used.this_month,
            created_at,
            updated_at,
            key: None,
        }
    }

    /// A key that was just made, with its text.
    pub(super) fn with_text(key: ApiKey, text: &ApiKeyText) -> Self {
        Self { key: Some(text.reveal().to_owned()), ..Self::new(key, Used::default()) }
    }
}
