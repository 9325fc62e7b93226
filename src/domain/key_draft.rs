//! An API key's settings as a client gave them, and the rules that make [`KeySettings`] of them.
//!
//! As with webhooks, a field that a change does not mention keeps its value without being judged again.

use serde::Deserialize;

use super::api_key::KeySettings;
use super::draft::{Problems, check_name, keep, optional, required};
use super::field::{FieldCode, FieldProblem, Given, Segment};
use super::ip_list::{IP_LIST_ENTRIES_MAX, IpList, IpRange};
use super::permission::Permission;
use super::rotation::{INTERVAL_DAYS_MAX, NOTIFY_DAYS_DEFAULT, RotationPolicy};
use super::time::Timestamp;

/// The longest name of a key.
pub const KEY_NAME_CHARS_MAX: usize = 100;
/// The most requests an hour that a key can be limited to: no plan sells more.
pub const RATE_LIMIT_REQUESTS_MAX: u64 = 1_000_000;
/// The only window of a limit.
pub const RATE_LIMIT_WINDOW: &str = "1h";

/// What a client gave.
#[derive(Clone, Default)]
#[allow(missing_docs, reason = "the fields of KeySettings")]
pub struct KeyDraft {
    pub name: Given<String>,
    pub permissions: Given<Vec<String>>,
    pub expires_at: Given<String>,
    pub ip_whitelist: Given<Vec<String>>,
    pub rate_limit: Given<RateLimitDraft>,
    pub rotation_policy: Given<RotationDraft>,
    pub is_active: Given<bool>,
}

/// A limit as a client gave it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "as in the contract")]
pub struct RateLimitDraft {
    pub requests: Option<i64>,
    pub window: Option<String>,
}

/// A rotation policy as a client gave it.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields of RotationPolicy")]
pub struct RotationDraft {
    pub enabled: Option<bool>,
    pub interval_days: Option<i64>,
    pub notify_days_before: Option<i64>,
}

impl KeyDraft {
    /// Settings for a new key, or changed ones for `current`.
    ///
    /// # Errors
    /// With every problem at once.
    pub fn check(self, now: Timestamp, current: Option<&KeySettings>) -> Result<KeySettings, Vec<FieldProblem>> {
        let Self { name, permissions, expires_at, ip_whitelist, rate_limit, rotation_policy, is_active } = self;
        let mut problems = Vec::new();
        let p = &mut problems;
        let name =
            required("name", name, current.map(|c| &c.name), p, |text, p| check_name(&text, KEY_NAME_CHARS_MAX, p));
        let held = current.map(|c| &c.permissions);
        let permissions = required("permissions", permissions, held, p, check_permissions);
        let expires_at =
            optional(expires_at, current.map(|c| &c.expires_at), || None, p, |text, p| check_expiry(&text, now, p));
        let ip_list =
            optional(ip_whitelist, current.map(|c| &c.ip_list), IpList::default, p, |texts, p| check_list(&texts, p));
        let rate_limit = optional(rate_limit, current.map(|c| &c.rate_limit), || None, p, check_limit);
        let rotation = optional(rotation_policy, current.map(|c| &c.rotation), || None, p, check_rotation);
        let is_active = optional(is_active, current.map(|c| &c.is_active), || true, p, |given, _| Some(given));
        let settings = (|| {
            Some(KeySettings {
                name: name?,
                permissions: permissions?,
                expires_at: expires_at?,
                ip_list: ip_list?,
                rate_limit: rate_limit?,
                rotation: rotation?,
                is_active: is_active?,
            })
        })();
        match settings {
            Some(settings) if problems.is_empty() => Ok(settings),
            Some(_) | None => Err(problems),
        }
    }
}

fn check_permissions(words: Vec<String>, problems: &mut Problems) -> Option<Vec<String>> {
    let before = problems.len();
    let max = Permission::WORDS_MAX;
    if words.is_empty() || words.len() > max {
        let message = format!("must have 1 to {max} entries");
        problems.push(FieldProblem::new("permissions", FieldCode::Length, message));
    }
    for (index, word) in words.iter().enumerate().take(max) {
        let message = if !Permission::is_word(word) {
            "is not a permission"
        } else if words[..index].contains(word) {
            "is there already"
        } else {
            continue;
        };
        problems.push(FieldProblem::at(vec!["permissions".into(), index.into()], FieldCode::Invalid, message));
    }
    (problems.len() == before).then_some(words)
}

#[allow(clippy::option_option, reason = "the outer one says whether it is valid, the inner one is the setting")]
fn check_expiry(text: &str, now: Timestamp, problems: &mut Problems) -> Option<Option<Timestamp>> {
    let Some(time) = Timestamp::parse_rfc3339(text) else {
        let message = "must be a time such as `2026-11-21T20:04:59.120Z`";
        return keep(None, problems, || FieldProblem::new("expiresAt", FieldCode::Invalid, message));
    };
    keep((time > now).then_some(Some(time)), problems, || {
        FieldProblem::new("expiresAt", FieldCode::OutOfRange, "must be in the future")
    })
}

fn check_list(texts: &[String], problems: &mut Problems) -> Option<IpList> {
    let before = problems.len();
    if texts.len() > IP_LIST_ENTRIES_MAX {
        let message = format!("must have at most {IP_LIST_ENTRIES_MAX} entries");
        problems.push(FieldProblem::new("ipWhitelist", FieldCode::Length, message));
    }
    let mut ranges = Vec::with_capacity(texts.len().min(IP_LIST_ENTRIES_MAX));
    for (index, text) in texts.iter().enumerate().take(IP_LIST_ENTRIES_MAX) {
        match text.parse::<IpRange>() {
            Ok(range) => ranges.push(range),
            Err(error) => {
                let path: Vec<Segment> = vec!["ipWhitelist".into(), index.into()];
                problems.push(FieldProblem::at(path, FieldCode::Invalid, error.to_string()));
            }
        }
    }
    (problems.len() == before).then(|| IpList::new(ranges))
}

#[allow(clippy::option_option, reason = "the outer one says whether it is valid, the inner one is the setting")]
fn check_limit(draft: RateLimitDraft, problems: &mut Problems) -> Option<Option<u64>> {
    let RateLimitDraft { requests, window } = draft;
    let path = |name: &str| vec!["rateLimit".into(), name.into()];
    if window.is_some_and(|window| window != RATE_LIMIT_WINDOW) {
        let message = format!("must be `{RATE_LIMIT_WINDOW}`");
        problems.push(FieldProblem::at(path("window"), FieldCode::Invalid, message));
    }
    let Some(requests) = requests else {
        problems.push(FieldProblem::at(path("requests"), FieldCode::Required, "is required"));
        return None;
    };
    let requests = u64::try_from(requests).ok().filter(|n| (1..=RATE_LIMIT_REQUESTS_MAX).contains(n));
    keep(requests.map(Some), problems, || {
        let message = format!("must be from 1 to {RATE_LIMIT_REQUESTS_MAX}");
        FieldProblem::at(path("requests"), FieldCode::OutOfRange, message)
    })
}

#[allow(clippy::option_option, reason = "the outer one says whether it is valid, the inner one is the setting")]
fn check_rotation(draft: RotationDraft, problems: &mut Problems) -> Option<Option<RotationPolicy>> {
    let RotationDraft { enabled, interval_days, notify_days_before } = draft;
    let at =
        |name: &str, code, message: String| FieldProblem::at(vec!["rotationPolicy".into(), name.into()], code, message);
    let Some(interval_days) = interval_days else {
        problems.push(at("intervalDays", FieldCode::Required, "is required".to_owned()));
        return None;
    };
    let within =
        |days: i64, range: std::ops::RangeInclusive<u32>| u32::try_from(days).ok().filter(|days| range.contains(days));
    let interval_days = keep(within(interval_days, 1..=INTERVAL_DAYS_MAX), problems, || {
        at("intervalDays", FieldCode::OutOfRange, format!("must be from 1 to {INTERVAL_DAYS_MAX}"))
    });
    let most = interval_days.unwrap_or(INTERVAL_DAYS_MAX) - 1;
    let notify_days_before = match notify_days_before {
        None => Some(NOTIFY_DAYS_DEFAULT.min(most)),
        Some(days) => keep(within(days, 0..=most), problems, || {
            at("notifyDaysBefore", FieldCode::OutOfRange, format!("must be from 0 to {most}, less than `intervalDays`"))
        }),
    };
    Some(Some(RotationPolicy {
        enabled: enabled.unwrap_or(true),
        interval_days: interval_days?,
        notify_days_before: notify_days_before?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

    fn draft() -> KeyDraft {
        KeyDraft {
            name: Given::Value(" ci ".to_owned()),
            permissions: Given::Value(vec!["read:events".to_owned()]),
            ..KeyDraft::default()
        }
    }

    fn refused(draft: KeyDraft) -> Vec<String> {
        draft.check(NOW, None).unwrap_err().iter().map(FieldProblem::sentence).collect()
    }

    #[test]
    fn a_name_and_permissions_are_enough() {
        let settings = draft().check(NOW, None).unwrap();
        assert_eq!(settings.name, "ci");
        assert!(settings.is_active && settings.ip_list.is_empty() && settings.rate_limit.is_none());
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let problems = refused(KeyDraft {
            name: Given::Value(String::new()),
            permissions: Given::Value(vec!["read:events".into(), "*".into(), "read:events".into()]),
            expires_at: Given::Value("2001-01-01T00:00:00Z".into()),
            ip_whitelist: Given::Value(vec!["10.0.0.1".into(), "here".into()]),
            rate_limit: Given::Value(RateLimitDraft { requests: Some(0), window: Some("1d".into()) }),
            rotation_policy: Given::Value(RotationDraft {
                enabled: None,
                interval_days: Some(5),
                notify_days_before: Some(5),
            }),
            is_active: Given::Null,
        });
        let starts = [
            "name must",
            "permissions[1] is not",
            "permissions[2] is there",
            "expiresAt must be in the future",
            "ipWhitelist[1] must",
            "rateLimit.window must",
            "rateLimit.requests must",
            "rotationPolicy.notifyDaysBefore must be from 0 to 4",
        ];
        assert_eq!(problems.len(), starts.len(), "{problems:#?}");
        assert!(problems.iter().zip(starts).all(|(problem, start)| problem.starts_with(start)), "{problems:#?}");
        assert_eq!(refused(KeyDraft::default()), ["name is required", "permissions is required"]);
    }

    #[test]
    fn a_change_keeps_what_it_does_not_mention() {
        let current = KeySettings {
            name: "ci".to_owned(),
            permissions: vec!["a word of an older version".to_owned()],
            expires_at: Some(NOW),
            ip_list: IpList::new(["10.0.0.1".parse().unwrap()]),
            rate_limit: Some(5),
            rotation: None,
            is_active: false,
        };
        assert_eq!(KeyDraft::default().check(NOW, Some(&current)).unwrap(), current);
        let change = KeyDraft { expires_at: Given::Null, ip_whitelist: Given::Null, ..KeyDraft::default() };
        let changed = change.check(NOW, Some(&current)).unwrap();
        assert_eq!((changed.expires_at, changed.ip_list.is_empty(), changed.rate_limit), (None, true, Some(5)));
    }

    #[test]
    fn a_short_interval_has_a_shorter_notice() {
        let policy = |interval_days| {
            let draft = RotationDraft { interval_days: Some(interval_days), ..RotationDraft::default() };
            check_rotation(draft, &mut Vec::new()).flatten().unwrap()
        };
        assert_eq!((policy(90).notify_days_before, policy(1).notify_days_before), (7, 0));
        assert!(policy(90).enabled);
    }
}
