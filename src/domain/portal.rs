//! Portal links: a tenant's own customer opens the pages of some webhooks, without an account.
//!
//! A link names the webhooks that it shows, one by one: nothing that is registered later, renamed or put into another
//! channel ever comes into it. It is opened once, soon, and becomes a visit of some hours, which a browser proves with a
//! token of its own. Neither token is stored.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use super::audit::Actor;
use super::id::{PortalLinkId, WebhookId};
use super::tenant::Scope;
use super::time::Timestamp;

/// The most webhooks that one link shows.
pub const PORTAL_WEBHOOKS_MAX: usize = 100;
/// The longest name of a link.
pub const PORTAL_NAME_CHARS_MAX: usize = 100;

const TOKEN_PREFIX: &str = "ptk_";
const TOKEN_BYTES: usize = 32;

/// A link, and the visit that it became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalLink {
    /// Its id.
    pub id: PortalLinkId,
    /// Whose webhooks.
    pub scope: Scope,
    /// For people: whom it is for.
    pub name: String,
    /// What it shows.
    pub webhooks: Vec<WebhookId>,
    /// Whether its visitor changes nothing.
    pub read_only: bool,
    /// Who made it.
    pub made_by: Actor,
    /// When.
    pub created_at: Timestamp,
    /// Until when it can be opened.
    pub link_ends_at: Timestamp,
    /// How long the visit lasts.
    pub visit: Duration,
    /// When it was.
    pub opened_at: Option<Timestamp>,
    /// Until when the visit lasts.
    pub visit_ends_at: Option<Timestamp>,
    /// When somebody ended it.
    pub revoked_at: Option<Timestamp>,
}

/// Where a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortalStanding {
    /// It can be opened.
    Waits,
    /// Somebody visits.
    Visited,
    /// It is over.
    Ended,
}

impl PortalStanding {
    /// The word that the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waits => "waiting",
            Self::Visited => "open",
            Self::Ended => "ended",
        }
    }
}

impl PortalLink {
    /// Where it stands.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> PortalStanding {
        match (self.revoked_at, self.visit_ends_at) {
            (None, None) if now < self.link_ends_at => PortalStanding::Waits,
            (None, Some(end)) if now < end => PortalStanding::Visited,
            (_, _) => PortalStanding::Ended,
        }
    }

    /// Whether it shows a webhook.
    #[must_use]
    pub fn shows(&self, webhook: WebhookId) -> bool {
        self.webhooks.contains(&webhook)
    }
}

/// The address that a customer is given. Without an address of its own a deployment is where it was asked.
#[must_use]
pub fn portal_url(public_url: &str, host: Option<&str>, secure: bool, token: &PortalTokenText) -> String {
    let base = match (public_url.trim_end_matches('/'), host) {
        ("", Some(host)) => format!("{}://{host}", if secure { "https" } else { "http" }),
        (base, _) => base.to_owned(),
    };
    format!("{base}/ui/portal/open?token={}", token.reveal())
}

/// What a token proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortalToken {
    /// That somebody was given the link.
    Link,
    /// That their browser opened it.
    Visit,
}

/// The text of a token. Never logged, never stored.
#[derive(Clone)]
pub struct PortalTokenText(SecretString);

impl PortalTokenText {
    /// A new one, of 256 random bits.
    #[must_use]
    pub fn generate(random: [u8; TOKEN_BYTES]) -> Self {
        Self(format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(random)).into())
    }

    /// Reads one; `None` for what cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let random = URL_SAFE_NO_PAD.decode(text.strip_prefix(TOKEN_PREFIX)?).ok()?;
        (random.len() == TOKEN_BYTES).then(|| Self(text.to_owned().into()))
    }

    /// The text, for its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is stored, and looked up. One that proves one thing never proves the other.
    #[must_use]
    pub fn hash(&self, of: PortalToken, key: &[u8; 32]) -> [u8; 32] {
        let label = match of {
            PortalToken::Link => "portal link ",
            PortalToken::Visit => "portal visit ",
        };
        let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.chain_update(label).chain_update(self.reveal()).finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_nothing_else_is() {
        let token = PortalTokenText::generate([7; TOKEN_BYTES]);
        let read = PortalTokenText::parse(token.reveal()).unwrap();
        let key = [1; 32];
        assert_eq!(read.hash(PortalToken::Link, &key), token.hash(PortalToken::Link, &key));
        assert_ne!(token.hash(PortalToken::Visit, &key), token.hash(PortalToken::Link, &key));
        assert_ne!(token.hash(PortalToken::Link, &[2; 32]), token.hash(PortalToken::Link, &key));
        for wrong in ["", "ptk_", "ptk_AAAA", &token.reveal()[4..], &format!("{}A", token.reveal())] {
            assert!(PortalTokenText::parse(wrong).is_none(), "{wrong}");
        }
    }
}
