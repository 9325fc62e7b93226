//! Whether a receiver wants to be sent anything: the abuse protection of the `CloudEvents` webhook specification.
//!
//! Before the first delivery to a URL the sender asks it by `OPTIONS`, under the name that it goes by, its *origin*. The
//! receiver agrees by naming that origin, or `*`, and a rate. The status of its answer means nothing, a 200 without
//! the header is a refusal. What it agreed to holds for that URL and that origin; when either changes it is asked again.

use serde::{Deserialize, Serialize};

/// Who asks; on the question, and on every delivery after it.
pub const REQUEST_ORIGIN: &str = "webhook-request-origin";
/// Who is allowed to send.
pub const ALLOWED_ORIGIN: &str = "webhook-allowed-origin";
/// How many requests a minute.
pub const ALLOWED_RATE: &str = "webhook-allowed-rate";

const ANY: &str = "*";

/// What a receiver agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Consent {
    /// The URL that was asked.
    pub url: String,
    /// The origin that was named to it.
    pub origin: String,
    /// How many requests a minute it takes; absent: as many as there are.
    pub rate_per_minute: Option<u32>,
}

impl Consent {
    /// Reads an answer; `None` when it is a refusal.
    #[must_use]
    pub fn read(url: &str, origin: &str, allowed_origin: Option<&str>, allowed_rate: Option<&str>) -> Option<Self> {
        let allowed = allowed_origin.map(str::trim)?;
        if allowed != ANY && !allowed.eq_ignore_ascii_case(origin) {
            return None;
        }
        let rate_per_minute = match allowed_rate.map(str::trim) {
            None | Some(ANY) => None,
            // A rate that is no number, or none at all, is no permission.
            Some(rate) => Some(rate.parse().ok().filter(|rate| *rate > 0)?),
        };
        Some(Self { url: url.to_owned(), origin: origin.to_owned(), rate_per_minute })
    }

    /// Whether it still holds.
    #[must_use]
    pub fn covers(&self, url: &str, origin: &str) -> bool {
        self.url == url && self.origin == origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_origin_is_consent() {
        let read = |origin, rate| Consent::read("https://a.example/", "hooks.example.com", origin, rate);
        for (origin, rate, expected) in [
            (Some("hooks.example.com"), None, Some(None)),
            (Some("Hooks.Example.Com"), Some("120"), Some(Some(120))),
            (Some("*"), Some("*"), Some(None)),
            (None, Some("120"), None),
            (Some("other.example.com"), None, None),
            (Some("hooks.example.com, other"), None, None),
            (Some("*"), Some("0"), None),
            (Some("*"), Some("many"), None),
        ] {
            let consent = read(origin, rate);
            assert_eq!(consent.as_ref().map(|consent| consent.rate_per_minute), expected, "{origin:?} {rate:?}");
            assert!(consent.is_none_or(|consent| consent.covers("https://a.example/", "hooks.example.com")));
        }
        let consent = read(Some("*"), None).unwrap();
        assert!(!consent.covers("https://b.example/", "hooks.example.com"));
        assert!(!consent.covers("https://a.example/", "other.example.com"));
    }
}
