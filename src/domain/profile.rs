//! Profiles: how a webhook's requests look, so that receivers written for other senders need no change.
//!
//! A profile is a row of one table ([`Spec`]): the body's template, the headers, the signature schemes, what kind of
//! secret, under which names events go out, and the defaults for retries and time. One piece of code signs and another
//! verifies by that table, for all of them; a new profile is a new row.
//!
//! # One key, one meaning
//!
//! A signature by a key must never be a signature of something else by the same key under another scheme. Three rules
//! see to it. A webhook has one profile, and its secrets are its own; the profile may change only to one with the same
//! kind of secret ([`SecretRule`]). The signed texts of all schemes start differently: `{` where the body alone is
//! signed, because a body is always a JSON object; `evt_` for Standard Webhooks; a digit for Stripe; `v0:` for Slack.
//! And the spellings of secrets differ by kind, see [`super::secret::Secret`].
//!
//! # What a scheme cannot do
//!
//! Only Standard Webhooks signs the id with the body and the time; its receivers can bound a replay and tell a
//! repetition. The others get `webhook-id` as well, unsigned: good for dropping repetitions by mistake, not by malice.
//! Where only the body is signed, a request that leaks is good for ever. The secret of `contextgpt` travels with every
//! request, as its receivers expect, so who sees one can forge the next. And where there is room for one signature, a
//! rotation has no overlap: the receiver has to try two secrets.

mod option;
mod table;

use std::time::Duration;

pub use self::option::{BodySignature, InvalidOption, Schemes, SignatureOption};
use super::event::EventType;
use super::retry::RetryPolicy;
use super::secret::{InvalidSecret, PAIR_PREFIX, Secret, SecretKind};
use super::signature::Scheme;

/// How a webhook's requests look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// Standard Webhooks and a hex HMAC of the body, over `{"id","event","timestamp","data"}`.
    #[default]
    Default,
    /// `X-Webhook-Signature` over `{"event","timestamp","data"}`.
    GTateth,
    /// `X-SIGNATURE` and `X-WEBHOOK-TOKEN` over `{"event","data"}`.
    ContextGpt,
    /// `X-Hub-Signature-256` over the payload.
    GitHub,
    /// `Stripe-Signature` over the payload.
    Stripe,
    /// `X-Slack-Signature` over the payload.
    Slack,
    /// `X-Shopify-Hmac-Sha256` over the payload.
    Shopify,
    /// Standard Webhooks over a structured `CloudEvent`.
    CloudEvents,
}

/// All that tells one profile from another.
#[derive(Debug)]
pub struct Spec {
    /// What the API and the database call it.
    pub word: &'static str,
    /// The body.
    pub body: &'static [Part],
    /// The body's type.
    pub content_type: &'static str,
    /// Who it says is asking, if not Angarium.
    pub agent: Option<&'static str>,
    /// Headers besides the signatures, in lower case.
    pub headers: &'static [(&'static str, &'static [Part])],
    /// The signatures. Receivers check the first.
    pub signatures: &'static [Scheme<'static>],
    /// What may be set about them.
    pub option: OptionRule,
    /// Where secrets come from.
    pub secret: SecretRule,
    /// The types that are sent, with the names that they are sent under; absent: all, under their own.
    pub names: Option<&'static [(&'static str, &'static str)]>,
    /// The seconds before each retry where the webhook says nothing; absent: the durable default.
    pub retries: Option<&'static [u32]>,
    /// The time limit where the webhook says nothing; absent: the deployment's.
    pub timeout: Option<Duration>,
}

/// A piece of a body or of a header's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// This text.
    Text(&'static str),
    /// The event's id.
    Id,
    /// The event's id as a plain UUID.
    Uuid,
    /// The event's type, under the name that the profile has for it.
    Event,
    /// When it happened, RFC 3339.
    OccurredAt,
    /// When the request is sent, Unix seconds.
    SentAt,
    /// The payload, byte for byte.
    Data,
    /// The tenant's id.
    Tenant,
    /// `production` or `staging`.
    Environment,
    /// The secret itself. Hidden in logs.
    Token,
}

/// What may be set about a profile's signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionRule {
    /// Nothing.
    Fixed,
    /// Which of the Standard Webhooks schemes: `v1`, `v1a`, or both.
    Schemes,
    /// Header, prefix and encoding.
    Body,
}

/// Where a profile's secrets come from. Profiles with different rules never share a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretRule {
    /// Made here, or imported as `whsec_` or `whsk_`.
    Standard,
    /// A text: made here, or the customer's own.
    Text {
        /// Whether it may start with `whsec_` and still be a text.
        whsec: bool,
    },
    /// The customer's own text, always.
    Own,
}

impl SecretRule {
    /// Whether a secret for this rule is good for the other as well.
    #[must_use]
    pub const fn shares_with(self, other: Self) -> bool {
        match (self, other) {
            (Self::Standard, Self::Standard) | (Self::Text { .. }, Self::Text { .. }) | (Self::Own, Self::Own) => true,
            (Self::Standard | Self::Text { .. } | Self::Own, _) => false,
        }
    }
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Default,
        Self::GTateth,
        Self::ContextGpt,
        Self::GitHub,
        Self::Stripe,
        Self::Slack,
        Self::Shopify,
        Self::CloudEvents,
    ];

    /// Its row.
    #[must_use]
    pub const fn spec(self) -> &'static Spec {
        match self {
            Self::Default => &table::DEFAULT,
            Self::GTateth => &table::G_TATETH,
            Self::ContextGpt => &table::CONTEXT_GPT,
            Self::GitHub => &table::GITHUB,
            Self::Stripe => &table::STRIPE,
            Self::Slack => &table::SLACK,
            Self::Shopify => &table::SHOPIFY,
            Self::CloudEvents => &table::CLOUD_EVENTS,
        }
    }

    /// The word that the API and the database use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.spec().word
    }

    /// The profile that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == word)
    }

    /// All words, for messages: `` `a`, `b` or `c` ``.
    #[must_use]
    pub fn words() -> String {
        let words: Vec<_> = Self::ALL.iter().map(|profile| format!("`{}`", profile.as_str())).collect();
        let (last, rest) =
            words.split_last().map_or((String::new(), String::new()), |(l, r)| (l.clone(), r.join(", ")));
        format!("{rest} or {last}")
    }

    /// Whether events of a type are sent by this profile at all. A test is, whatever its type.
    #[must_use]
    pub fn sends(self, event_type: &EventType) -> bool {
        self.spec().names.is_none_or(|names| names.iter().any(|(own, _)| *own == event_type.as_str()))
    }

    /// The name that an event's type goes out under.
    #[must_use]
    pub fn name_of(self, event_type: &EventType) -> &str {
        let names = self.spec().names.unwrap_or_default();
        names.iter().find(|(own, _)| *own == event_type.as_str()).map_or(event_type.as_str(), |(_, name)| name)
    }

    /// When to try again where the webhook does not say.
    #[must_use]
    pub fn retry_policy(self) -> RetryPolicy {
        self.spec().retries.map_or_else(RetryPolicy::default, |seconds| RetryPolicy::Schedule(seconds.to_vec()))
    }

    /// Its signatures, as the webhook's option has them.
    pub fn schemes(self, option: &SignatureOption) -> impl Iterator<Item = Scheme<'_>> {
        self.spec().signatures.iter().map(move |scheme| option.applied_to(*scheme))
    }

    /// The signature that a receiver checks.
    #[must_use]
    pub fn scheme(self, option: &SignatureOption) -> Scheme<'_> {
        option.applied_to(self.spec().signatures[0])
    }

    /// Whether a request can carry the signatures of two keys, so that a rotation can overlap.
    #[must_use]
    pub fn overlaps(self) -> bool {
        self.spec().signatures[0].between.is_some()
    }

    /// Whether requests have this header from us, so that a customer cannot set it.
    #[must_use]
    pub fn sets_header(self, option: &SignatureOption, name: &str) -> bool {
        let spec = self.spec();
        let is = |other: &str| other.eq_ignore_ascii_case(name);
        spec.headers.iter().any(|(header, _)| is(header))
            || self.schemes(option).any(|scheme| is(scheme.header))
            || spec.agent.is_some() && is("user-agent")
    }

    /// Reads a secret that a customer chose.
    ///
    /// # Errors
    /// When the profile does not take it.
    pub fn read_secret(self, text: &str) -> Result<Secret, InvalidSecret> {
        match self.spec().secret {
            SecretRule::Standard if text.starts_with(PAIR_PREFIX) => Secret::parse_pair(text),
            SecretRule::Standard => Secret::parse(text),
            SecretRule::Text { whsec } => Secret::own_text(text, whsec),
            SecretRule::Own => Secret::own_text(text, false),
        }
    }

    /// Reads a secret that the other side was given, perhaps by another sender, whose secrets may be shorter.
    ///
    /// # Errors
    /// When it is no secret that the profile knows.
    pub fn received_secret(self, text: &str) -> Result<Secret, InvalidSecret> {
        match self.spec().secret {
            SecretRule::Standard if text.starts_with(PAIR_PREFIX) => Secret::parse_pair(text),
            SecretRule::Standard => Secret::parse_received(text),
            SecretRule::Text { .. } | SecretRule::Own if text.is_empty() => Err(InvalidSecret::TextLength),
            SecretRule::Text { .. } | SecretRule::Own => Ok(Secret::received_text(text)),
        }
    }
}

impl SignatureOption {
    /// The kinds of secret that a webhook with this option has one of.
    #[must_use]
    pub fn kinds(&self) -> &'static [SecretKind] {
        match self {
            Self::Schemes(Schemes::V1) => &[SecretKind::Standard],
            Self::Schemes(Schemes::V1a) => &[SecretKind::Ed25519],
            Self::Schemes(Schemes::Both) => &[SecretKind::Standard, SecretKind::Ed25519],
            Self::Fixed | Self::Body(_) => &[SecretKind::Text],
        }
    }
}

#[cfg(test)]
mod tests;
