//! How a webhook's deliveries flow, as a client gave it: at what rate, and in what order.

use serde::Deserialize;

use super::draft::{Problems, keep, optional};
use super::field::{FieldCode, FieldProblem, Given};
use super::ordering::Ordering;
use super::pace::{RATE_REQUESTS_MAX, Rate, Window};
use super::webhook::WebhookSettings;

/// What a client gave.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields of Rate")]
pub struct RateDraft {
    pub requests: Option<i64>,
    pub window: Option<String>,
}

/// Both settings; of each, whether it is valid.
#[allow(clippy::option_option, reason = "the outer one says whether it is valid, the inner one is the setting")]
pub(super) fn check_flow(
    rate_limit: Given<RateDraft>,
    ordering: Given<String>,
    current: Option<&WebhookSettings>,
    problems: &mut Problems,
) -> (Option<Option<Rate>>, Option<Ordering>) {
    let rate_limit = optional(rate_limit, current.map(|c| &c.rate_limit), || None, problems, check_rate);
    let stored = current.map(|c| &c.ordering);
    let ordering = optional(ordering, stored, Ordering::default, problems, |word, p| {
        let message = || FieldProblem::new("ordering", FieldCode::Invalid, "must be `none` or `strict`");
        keep(Ordering::parse(&word), p, message)
    });
    (rate_limit, ordering)
}

#[allow(clippy::option_option, reason = "the outer one says whether it is valid, the inner one is the setting")]
fn check_rate(draft: RateDraft, problems: &mut Problems) -> Option<Option<Rate>> {
    let RateDraft { requests, window } = draft;
    let before = problems.len();
    let path = |name: &str| vec!["rateLimit".into(), name.into()];
    let requests = match requests {
        None => {
            problems.push(FieldProblem::at(path("requests"), FieldCode::Required, "is required".to_owned()));
            None
        }
        Some(requests) => {
            let read = u32::try_from(requests).ok().filter(|requests| (1..=RATE_REQUESTS_MAX).contains(requests));
            if read.is_none() {
                let message = format!("must be from 1 to {RATE_REQUESTS_MAX}");
                problems.push(FieldProblem::at(path("requests"), FieldCode::OutOfRange, message));
            }
            read
        }
    };
    let window = match window {
        None => Some(Window::Second),
        Some(word) => {
            let read = Window::parse(&word);
            if read.is_none() {
                let message = "must be `1s`, `1m` or `1h`".to_owned();
                problems.push(FieldProblem::at(path("window"), FieldCode::Invalid, message));
            }
            read
        }
    };
    (problems.len() == before).then_some(Some(Rate { requests: requests?, window: window? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_requests_in_a_window() {
        let check = |text: &str| {
            let mut problems = Vec::new();
            let rate = check_rate(serde_json::from_str(text).unwrap(), &mut problems);
            (rate.flatten().map(|rate| (rate.requests, rate.window)), problems.len())
        };
        assert_eq!(check(r#"{"requests": 5}"#), (Some((5, Window::Second)), 0));
        assert_eq!(check(r#"{"requests": 100, "window": "1m"}"#), (Some((100, Window::Minute)), 0));
        for (text, problems) in [
            ("{}", 1),
            (r#"{"requests": 0}"#, 1),
            (r#"{"requests": 1000001, "window": "2s"}"#, 2),
            (r#"{"requests": -1, "window": "1h"}"#, 1),
        ] {
            assert_eq!(check(text), (None, problems), "{text}");
        }
    }
}
