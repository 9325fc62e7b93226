//! Webhooks: a registered URL with its filter, headers, retry policy and limits.

use std::collections::BTreeMap;
use std::time::Duration;

use super::channel::Channels;
use super::event::EventType;
use super::filter::Filter;
use super::handshake::Consent;
use super::id::WebhookId;
use super::ordering::Ordering;
use super::pace::Rate;
use super::profile::{Profile, SignatureOption};
use super::retry::RetryPolicy;
use super::subscription::Subscription;
use super::tenant::Scope;
use super::time::Timestamp;

/// The most characters in a webhook's name.
pub const NAME_CHARS_MAX: usize = 100;
/// The most characters in a webhook's description.
pub const DESCRIPTION_CHARS_MAX: usize = 500;
/// The shortest time limit that a webhook may set.
pub const TIMEOUT_MIN: Duration = Duration::from_secs(1);
/// The longest time limit that a webhook may set.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(30);

/// Whether a webhook is sent anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookStatus {
    /// Deliveries are sent.
    Active,
    /// A person stopped it: deliveries are kept and wait.
    Paused,
    /// Angarium stopped it: deliveries are kept and wait. See [`Webhook::status_reason`].
    Disabled,
}

impl WebhookStatus {
    /// The word that the API and the database use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// The status that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Paused, Self::Disabled].into_iter().find(|status| status.as_str() == word)
    }
}

/// What a person may set of a webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookSettings {
    /// For people.
    pub name: String,
    /// Where to, as the one URL parser wrote it.
    pub url: String,
    /// Which event types it wants.
    pub events: Subscription,
    /// Which channels it hears.
    pub channels: Channels,
    /// What the data of an event that it wants must be like.
    pub filter: Option<Filter>,
    /// Sent with each request, besides ours.
    pub headers: BTreeMap<String, String>,
    /// When to try again.
    pub retry_policy: RetryPolicy,
    /// Over connect, TLS, headers and body together.
    pub timeout: Duration,
    /// How many requests it is sent at most.
    pub rate_limit: Option<Rate>,
    /// Whether its deliveries keep an order.
    pub ordering: Ordering,
    /// How its requests look.
    pub profile: Profile,
    /// What is set about their signatures; of the profile's kind.
    pub signature: SignatureOption,
    /// Whether the receiver has to agree before anything is sent to it.
    pub handshake: bool,
    /// For people.
    pub description: Option<String>,
    /// For the integrator's programs; a JSON object.
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

impl WebhookSettings {
    /// A name, a URL, types and a time limit; all else as if nobody had said anything.
    #[must_use]
    pub fn plain(name: String, url: String, events: Subscription, timeout: Duration) -> Self {
        Self {
            name,
            url,
            events,
            channels: Channels::default(),
            filter: None,
            headers: BTreeMap::new(),
            retry_policy: RetryPolicy::default(),
            timeout,
            rate_limit: None,
            ordering: Ordering::None,
            profile: Profile::Default,
            signature: SignatureOption::default_of(Profile::Default),
            handshake: false,
            description: None,
            metadata: None,
        }
    }

    /// Whether events of a type are for it: it subscribes to them, and its profile sends them.
    #[must_use]
    pub fn wants(&self, event_type: &EventType) -> bool {
        self.events.matches(event_type) && self.profile.sends(event_type)
    }
}

/// A registered URL.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose.
    pub scope: Scope,
    /// What a person set.
    pub settings: WebhookSettings,
    /// Whether it is sent anything.
    pub status: WebhookStatus,
    /// Why it is disabled.
    pub status_reason: Option<String>,
    /// What its receiver has agreed to, if it was asked.
    pub consent: Option<Consent>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Set when it was deleted: no new delivery, and those that wait are cancelled.
    pub deleted_at: Option<Timestamp>,
    /// Raised by each change; the `ETag`.
    pub revision: i64,
}

impl Webhook {
    /// Whether new events make deliveries for it.
    #[must_use]
    pub fn takes_events(&self) -> bool {
        self.deleted_at.is_none()
    }

    /// Whether its receiver has to be asked, under this origin, before anything is sent to it.
    #[must_use]
    pub fn needs_consent(&self, origin: &str) -> bool {
        let Self { settings, consent, .. } = self;
        settings.handshake && !consent.as_ref().is_some_and(|consent| consent.covers(&settings.url, origin))
    }

    /// How many requests a minute its receiver has agreed to, where it was asked under this origin.
    #[must_use]
    pub fn agreed_rate(&self, origin: &str) -> Option<u32> {
        let Self { settings, consent, .. } = self;
        let consent = consent.as_ref().filter(|consent| settings.handshake && consent.covers(&settings.url, origin))?;
        consent.rate_per_minute
    }

    /// Whether its deliveries go out one at a time, as they were accepted.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.settings.ordering == Ordering::Strict
    }

    /// Whether its deliveries are sent.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.deleted_at.is_none() && self.status == WebhookStatus::Active
    }
}
