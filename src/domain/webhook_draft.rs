//! A webhook's settings as a client gave them, and the rules that make [`WebhookSettings`] of them.
//!
//! One set of rules serves creating and changing. A field that a change does not mention keeps its value, without
//! being judged again: tightening the rules must not keep an owner from renaming a webhook.
//!
//! Headers may hold credentials, so their values are shown masked. A client that reads a webhook, edits it and writes
//! it back sends the mask; it then keeps the value that it stands for.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::channel::{Channels, WEBHOOK_CHANNELS_MAX};
use super::draft::{Problems, check_name, keep, optional, required};
use super::egress::{EgressPolicy, HEADERS_BYTES_MAX, HEADERS_MAX, HeaderDenied, UrlDenied, check_header};
use super::field::{FieldCode, FieldProblem, Given, Segment};
use super::filter::Filter;
use super::pace_draft::{RateDraft, check_flow};
use super::profile::{Profile, SignatureOption};
use super::retry::RetryPolicy;
use super::subscription::{PATTERNS_MAX, Pattern, Subscription};
use super::webhook::{DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX, TIMEOUT_MAX, TIMEOUT_MIN, WebhookSettings};

/// The most bytes in a webhook's metadata, as JSON.
pub const METADATA_BYTES_MAX: usize = 8192;
/// What stands for the value of a header that may hold a credential.
pub const HEADER_MASK: &str = "***";

/// What a client gave.
#[derive(Clone, Default)]
#[allow(missing_docs, reason = "the fields of WebhookSettings")]
pub struct WebhookDraft {
    pub name: Given<String>,
    pub url: Given<String>,
    pub events: Given<Vec<String>>,
    pub channels: Given<Vec<String>>,
    pub filter: Given<Value>,
    pub headers: Given<BTreeMap<String, String>>,
    pub retry_policy: Given<Value>,
    pub timeout_ms: Given<u64>,
    pub rate_limit: Given<RateDraft>,
    pub ordering: Given<String>,
    pub profile: Given<String>,
    pub signature: Given<Value>,
    pub handshake: Given<bool>,
    pub description: Given<String>,
    pub metadata: Given<Map<String, Value>>,
}

/// What a draft is judged by.
#[derive(Clone, Copy)]
pub struct DraftRules<'a> {
    /// Where webhooks may point.
    pub egress: &'a EgressPolicy,
    /// The time limit of a webhook that sets none.
    pub timeout_default: Duration,
    /// The most that it may set.
    pub timeout_max: Duration,
    /// Whether this deployment has a name that receivers can be asked to agree to.
    pub has_origin: bool,
}

/// Whether a header's value should not be shown: its name says that it proves who asks.
#[must_use]
pub fn holds_credential(header: &str) -> bool {
    const WORDS: [&str; 8] = ["auth", "token", "key", "secret", "password", "credential", "session", "signature"];
    let name = header.to_ascii_lowercase();
    WORDS.into_iter().any(|word| name.contains(word))
}

impl WebhookDraft {
    /// The profile that a new webhook would have; the default one if it names none that there is.
    #[must_use]
    pub fn profile(&self) -> Profile {
        match &self.profile {
            Given::Value(word) => Profile::parse(word).unwrap_or_default(),
            Given::Absent | Given::Null => Profile::default(),
        }
    }

    /// Settings for a new webhook, or changed ones for `current`.
    ///
    /// # Errors
    /// With every problem at once.
    pub fn check(
        self,
        rules: DraftRules<'_>,
        current: Option<&WebhookSettings>,
    ) -> Result<WebhookSettings, Vec<FieldProblem>> {
        let Self {
            name,
            url,
            events,
            channels,
            filter,
            headers,
            retry_policy,
            timeout_ms,
            rate_limit,
            ordering,
            profile,
            signature,
            handshake,
            description,
            metadata,
        } = self;
        let mut problems = Vec::new();
        let p = &mut problems;
        let name = required("name", name, current.map(|c| &c.name), p, |text, p| check_name(&text, NAME_CHARS_MAX, p));
        let url = required("url", url, current.map(|c| &c.url), p, |text, p| check_url(&text, rules.egress, p));
        let events = required("events", events, current.map(|c| &c.events), p, |texts, p| check_events(&texts, p));
        let channels = optional(channels, current.map(|c| &c.channels), Channels::default, p, check_channels);
        let filter = optional(filter, current.map(|c| &c.filter), || None, p, |value, p| check_filter(&value, p));
        let stored = current.map(|c| &c.headers);
        let headers = optional(headers, stored, BTreeMap::new, p, |given, p| check_headers(given, stored, p));
        let look = check_look(profile, signature, current, p);
        // Without a valid profile its defaults are not known, and nothing comes of the draft.
        let usual = look.as_ref().map_or(Profile::Default, |(profile, _)| *profile);
        let policy = current.map(|c| &c.retry_policy);
        let retry_policy = optional(retry_policy, policy, || usual.retry_policy(), p, |v, p| check_policy(&v, p));
        let timeout_max = rules.timeout_max.min(TIMEOUT_MAX);
        let timeout = optional(
            timeout_ms,
            current.map(|c| &c.timeout),
            || usual.spec().timeout.unwrap_or(rules.timeout_default).min(timeout_max),
            p,
            |millis, p| check_timeout(millis, timeout_max, p),
        );
        let (rate_limit, ordering) = check_flow(rate_limit, ordering, current, p);
        let handshake = check_handshake(handshake, usual, current, rules, p);
        let description = optional(description, current.map(|c| &c.description), || None, p, check_description);
        let metadata = optional(metadata, current.map(|c| &c.metadata), || None, p, check_metadata);
        let settings = (|| {
            let (profile, signature) = look?;
            let headers = headers?;
            check_free(&headers, profile, &signature, p);
            Some(WebhookSettings {
                name: name?,
                url: url?,
                events: events?,
                channels: channels?,
                filter: filter?,
                headers,
                retry_policy: retry_policy?,
                timeout: timeout?,
                rate_limit: rate_limit?,
                ordering: ordering?,
                profile,
                signature,
                handshake: handshake?,
                description: description?,
                metadata: metadata?,
            })
        })();
        match settings {
            Some(settings) if problems.is_empty() => Ok(settings),
            Some(_) | None => Err(problems),
        }
    }
}

fn check_url(text: &str, egress: &EgressPolicy, problems: &mut Problems) -> Option<String> {
    match egress.check_url(text) {
        Ok(url) => Some(url.into()),
        Err(denied) => {
            let code = match denied {
                UrlDenied::TooLong => FieldCode::Length,
                UrlDenied::Malformed => FieldCode::Invalid,
                UrlDenied::NotHttps
                | UrlDenied::Scheme
                | UrlDenied::Userinfo
                | UrlDenied::Fragment
                | UrlDenied::Port { .. }
                | UrlDenied::Host
                | UrlDenied::Address(_) => FieldCode::NotAllowed,
            };
            problems.push(FieldProblem::new("url", code, denied.to_string()));
            None
        }
    }
}

fn check_events(texts: &[String], problems: &mut Problems) -> Option<Subscription> {
    let mut patterns = Vec::with_capacity(texts.len().min(PATTERNS_MAX));
    let before = problems.len();
    for (index, text) in texts.iter().enumerate().take(PATTERNS_MAX) {
        match Pattern::parse(text) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => {
                let path = vec!["events".into(), index.into()];
                problems.push(FieldProblem::at(path, FieldCode::Invalid, error.to_string()));
            }
        }
    }
    if texts.is_empty() || texts.len() > PATTERNS_MAX {
        let message = format!("must have 1 to {PATTERNS_MAX} entries");
        problems.push(FieldProblem::new("events", FieldCode::Length, message));
    }
    if problems.len() > before { None } else { Subscription::new(patterns).ok() }
}

fn check_channels(names: Vec<String>, problems: &mut Problems) -> Option<Channels> {
    Channels::read(names, WEBHOOK_CHANNELS_MAX).map_err(|mut found| problems.append(&mut found)).ok()
}

#[allow(clippy::option_option, reason = "the outer one says whether it is valid, the inner one is the setting")]
fn check_filter(source: &Value, problems: &mut Problems) -> Option<Option<Filter>> {
    match Filter::read(source) {
        Ok(filter) => Some(Some(filter)),
        Err(found) => {
            problems.extend(found.into_iter().map(|problem| problem.below("filter")));
            None
        }
    }
}

fn check_headers(
    given: BTreeMap<String, String>,
    stored: Option<&BTreeMap<String, String>>,
    problems: &mut Problems,
) -> Option<BTreeMap<String, String>> {
    let before = problems.len();
    let mut headers = BTreeMap::new();
    for (name, value) in given {
        let mut refuse = |code, message: String| {
            problems.push(FieldProblem::at(vec!["headers".into(), Segment::Name(name.clone())], code, message));
        };
        let value = if value == HEADER_MASK && holds_credential(&name) {
            let kept = stored.and_then(|stored| stored.iter().find(|(other, _)| other.eq_ignore_ascii_case(&name)));
            kept.map(|(_, value)| value.clone())
        } else {
            Some(value)
        };
        match &value {
            None => refuse(FieldCode::Invalid, "is only the mask that stands for a value: give the value".to_owned()),
            Some(value) => {
                if let Err(denied) = check_header(&name, value) {
                    refuse(header_code(denied), denied.to_string());
                }
            }
        }
        if headers.keys().any(|other: &String| other.eq_ignore_ascii_case(&name)) {
            refuse(header_code(HeaderDenied::Twice), HeaderDenied::Twice.to_string());
        }
        headers.insert(name, value.unwrap_or_default());
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    for (broken, denied) in
        [(headers.len() > HEADERS_MAX, HeaderDenied::TooMany), (bytes > HEADERS_BYTES_MAX, HeaderDenied::TooLarge)]
    {
        if broken {
            problems.push(FieldProblem::new("headers", header_code(denied), format!("are too many: {denied}")));
        }
    }
    (problems.len() == before).then_some(headers)
}

const fn header_code(denied: HeaderDenied) -> FieldCode {
    match denied {
        HeaderDenied::Name | HeaderDenied::Value | HeaderDenied::Twice => FieldCode::Invalid,
        HeaderDenied::Reserved => FieldCode::NotAllowed,
        HeaderDenied::TooMany | HeaderDenied::TooLarge => FieldCode::Length,
    }
}

/// The profile, and what is set about its signatures.
fn check_look(
    profile: Given<String>,
    signature: Given<Value>,
    current: Option<&WebhookSettings>,
    problems: &mut Problems,
) -> Option<(Profile, SignatureOption)> {
    let kept = current.map(|c| c.profile);
    let profile = optional(profile, kept.as_ref(), Profile::default, problems, |word, p| {
        let message = || FieldProblem::new("profile", FieldCode::Invalid, format!("must be {}", Profile::words()));
        keep(Profile::parse(&word), p, message)
    })?;
    if let Some(kept) = kept.filter(|kept| !kept.spec().secret.shares_with(profile.spec().secret)) {
        let message = format!(
            "cannot change from `{}` to `{}`, which signs with another kind of secret: create a new webhook",
            kept.as_str(),
            profile.as_str()
        );
        problems.push(FieldProblem::new("profile", FieldCode::Mismatch, message));
    }
    let stored = current.map(|c| &c.signature).filter(|stored| stored.fits(profile));
    let usual = || SignatureOption::default_of(profile);
    let signature = optional(signature, stored, usual, problems, |value, p| {
        let invalid = match SignatureOption::parse(profile, &value) {
            Ok(signature) => return Some(signature),
            Err(invalid) => invalid,
        };
        p.extend(invalid.problems.into_iter().map(|(field, message)| {
            let field = (!field.is_empty()).then(|| field.into());
            let path = std::iter::once("signature".into()).chain(field).collect();
            FieldProblem::at(path, FieldCode::Invalid, message)
        }));
        None
    })?;
    Some((profile, signature))
}

/// A customer's header must not take the place of one of the profile's.
fn check_free(
    headers: &BTreeMap<String, String>,
    profile: Profile,
    signature: &SignatureOption,
    problems: &mut Problems,
) {
    for name in headers.keys().filter(|name| profile.sets_header(signature, name)) {
        let path = vec!["headers".into(), Segment::Name(name.clone())];
        let message = format!("is a header that the profile `{}` sets", profile.as_str());
        problems.push(FieldProblem::at(path, FieldCode::Mismatch, message));
    }
}

fn check_handshake(
    given: Given<bool>,
    profile: Profile,
    current: Option<&WebhookSettings>,
    rules: DraftRules<'_>,
    problems: &mut Problems,
) -> Option<bool> {
    let is_possible = profile == Profile::CloudEvents;
    let kept = current.map(|c| c.handshake && is_possible);
    optional(
        given,
        kept.as_ref(),
        || false,
        problems,
        |wanted, p| {
            let refuse = match (wanted, is_possible, rules.has_origin) {
                (false, ..) | (true, true, true) => return Some(wanted),
                (true, false, _) => "is for the profile `cloudevents` only",
                (true, true, false) => "is not possible: this deployment has no `delivery.origin` to ask for",
            };
            p.push(FieldProblem::new("handshake", FieldCode::NotAllowed, refuse));
            None
        },
    )
}

fn check_policy(value: &Value, problems: &mut Problems) -> Option<RetryPolicy> {
    match RetryPolicy::parse(value) {
        Ok(policy) => Some(policy),
        Err(error) => {
            problems.extend(error.problems.into_iter().map(|(place, message)| {
                let mut path = vec!["retryPolicy".into()];
                path.extend(segments(&place));
                FieldProblem::at(path, FieldCode::Invalid, message)
            }));
            None
        }
    }
}

/// `schedule[3]` as two segments.
fn segments(place: &str) -> Vec<Segment> {
    let indexed = place.strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    match indexed.and_then(|(name, index)| Some((name, index.parse::<usize>().ok()?))) {
        Some((name, index)) => vec![name.into(), index.into()],
        None if place.is_empty() => Vec::new(),
        None => vec![place.into()],
    }
}

fn check_timeout(millis: u64, max: Duration, problems: &mut Problems) -> Option<Duration> {
    let timeout = Duration::from_millis(millis);
    keep((TIMEOUT_MIN..=max).contains(&timeout).then_some(timeout), problems, || {
        let message = format!("must be from {} to {}", TIMEOUT_MIN.as_millis(), max.as_millis());
        FieldProblem::new("timeoutMs", FieldCode::OutOfRange, message)
    })
}

#[allow(clippy::option_option, reason = "the outer one says whether it is valid, the inner one is the setting")]
fn check_description(text: String, problems: &mut Problems) -> Option<Option<String>> {
    // A database may not take every control character, and nobody reads them.
    let is_text = text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
    let fits = is_text && text.chars().count() <= DESCRIPTION_CHARS_MAX;
    keep(fits.then_some(Some(text)), problems, || {
        let message = format!("must have at most {DESCRIPTION_CHARS_MAX} characters, and be text");
        FieldProblem::new("description", FieldCode::Length, message)
    })
}

#[allow(clippy::option_option, reason = "the outer one says whether it is valid, the inner one is the setting")]
fn check_metadata(map: Map<String, Value>, problems: &mut Problems) -> Option<Option<Map<String, Value>>> {
    let fits = serde_json::to_string(&map).is_ok_and(|text| text.len() <= METADATA_BYTES_MAX);
    keep(fits.then_some(Some(map)), problems, || {
        let message = format!("must have at most {METADATA_BYTES_MAX} bytes as JSON");
        FieldProblem::new("metadata", FieldCode::Length, message)
    })
}

#[cfg(test)]
mod tests;
