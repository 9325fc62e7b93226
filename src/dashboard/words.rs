//! How times, durations, numbers and states read on a page.

use std::fmt;
use std::time::Duration;

use askama::filters::HtmlSafe;

use crate::domain::delivery::DeliveryState;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{WebhookSettings, WebhookStatus};
use crate::store::ListBounds;
use crate::store::deliveries::Delivery;

/// A time: to the second, with its zone; to the millisecond, and how long ago, in its title. A script may show it in
/// the reader's own zone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub(super) at: Timestamp,
    pub(super) now: Timestamp,
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, now } = *self;
        let text = at.to_string();
        let (Some(day), Some(clock)) = (text.get(..10), text.get(11..19)) else { return f.write_str("never") };
        let how_far = far(at, now);
        write!(f, "<time datetime=\"{text}\" title=\"{text}, {how_far}\">{day} {clock}Z</time>")
    }
}

impl HtmlSafe for Time {}

/// A time as one reads it in a sentence: `21 Nov 2026, 10:13 UTC`.
pub(super) fn in_words(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = at.to_string();
    let part = |range| text.get(range).unwrap_or_default();
    let month = part(5..7).parse().ok().and_then(|month: usize| MONTHS.get(month.checked_sub(1)?));
    let Some(month) = month else { return text };
    format!("{} {month} {}, {} UTC", part(8..10).trim_start_matches('0'), part(0..4), part(11..16))
}

/// How far an instant is from now: `3 m ago`, `in 5 s`.
pub(super) fn far(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        return format!("in {}", span(at.since(now)));
    }
    format!("{} ago", span(now.since(at)))
}

/// A duration in its two largest units.
pub(super) fn span(duration: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let seconds = duration.as_secs();
    let Some(first) = UNITS.iter().position(|(size, _)| seconds >= *size) else {
        let millis = duration.as_millis();
        return if millis == 0 { "under 1 ms".to_owned() } else { format!("{millis} ms") };
    };
    let (size, unit) = UNITS[first];
    let rest = UNITS.get(first + 1).map(|(smaller, unit)| (seconds % size / smaller, unit)).filter(|(n, _)| *n > 0);
    match rest {
        Some((rest, smaller)) => format!("{} {unit} {rest} {smaller}", seconds / size),
        None => format!("{} {unit}", seconds / size),
    }
}

/// A number with thousands apart.
pub(super) fn grouped(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of rows that were counted up to a bound.
pub(super) fn counted(count: u64, bounds: ListBounds) -> String {
    format!("{}{}", grouped(count), if count >= u64::from(bounds.counted_max) { "+" } else { "" })
}

/// How many attempts a delivery may have: as many as its webhook's policy says, and those that somebody asked for.
pub(super) fn attempts_most(settings: Option<&WebhookSettings>, made: i64) -> String {
    let policy = settings.map(|settings| i64::from(settings.retry_policy.attempts_max()));
    policy.map_or_else(|| "?".to_owned(), |most| most.max(made).to_string())
}

/// Bytes, in the largest unit of which there is at least one.
pub(super) fn bytes(count: usize) -> String {
    match count {
        0..1_024 => format!("{count} B"),
        1_024..1_048_576 => format!("{} KiB", count / 1_024),
        _ => format!("{} MiB", count / 1_048_576),
    }
}

/// The word for a delivery's state, in every label of it.
pub(super) const fn state(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "pending",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Dead => "dead letter",
        DeliveryState::Cancelled => "cancelled",
    }
}

/// A state: a word, with the colour and the picture that the style sheet has for its tone; never the colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Badge {
    pub(super) tone: &'static str,
    pub(super) word: &'static str,
}

impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tone, word } = self;
        write!(f, "<span class=\"badge {tone}\">{word}</span>")
    }
}

impl HtmlSafe for Badge {}

impl Badge {
    const fn new(tone: &'static str, word: &'static str) -> Self {
        Self { tone, word }
    }

    /// Of a delivery.
    pub(super) fn of_delivery(delivery: &Delivery) -> Self {
        match (delivery.state, delivery.attempts) {
            // What is pending is told apart by whether it was attempted.
            (DeliveryState::Pending, 0) => Self::new("waiting", "waiting"),
            (DeliveryState::Pending, _) => Self::new("retrying", "retrying"),
            (DeliveryState::Delivered, _) => Self::new("good", state(delivery.state)),
            (DeliveryState::Dead, _) => Self::new("bad", state(delivery.state)),
            (DeliveryState::Cancelled, _) => Self::new("idle", state(delivery.state)),
        }
    }

    /// Of a webhook.
    pub(super) const fn of_webhook(status: WebhookStatus) -> Self {
        match status {
            WebhookStatus::Active => Self::new("good", "active"),
            WebhookStatus::Paused => Self::new("idle", "paused"),
            WebhookStatus::Disabled => Self::new("bad", "disabled"),
        }
    }

    /// Of a process that has been heard of lately, or not, and whose broker takes tickets, or not.
    pub(super) const fn of_process(is_heard: bool, broker_ready: bool) -> Self {
        match (is_heard, broker_ready) {
            (true, true) => Self::new("good", "alive"),
            (true, false) => Self::new("retrying", "without broker"),
            (false, _) => Self::new("bad", "silent"),
        }
    }

    /// What the last attempt of a delivery came to, where there was one.
    pub(super) fn tone_of_answer(status: Option<i64>) -> &'static str {
        match status {
            Some(200..=299) => "good",
            Some(300..=499) => "retrying",
            Some(_) | None => "bad",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units() {
        let text = |seconds| span(Duration::from_secs(seconds));
        assert_eq!([text(1), text(61), text(3_600), text(90_061)], ["1 s", "1 m 1 s", "1 h", "1 d 1 h"]);
        assert_eq!(span(Duration::from_millis(38)), "38 ms");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(1_000), grouped(-1_234_567)],
            ["0", "999", "1,000", "-1,234,567"]
        );
    }

    #[test]
    fn a_time_is_read_with_ease() {
        let words = |text| in_words(Timestamp::parse_rfc3339(text).unwrap());
        assert_eq!(words("2026-11-21T10:13:59.999Z"), "21 Nov 2026, 10:13 UTC");
        assert_eq!(words("2027-01-05T00:00:00+01:00"), "4 Jan 2027, 23:00 UTC");
        assert_eq!(in_words(Timestamp::NEVER), "never");
    }

    #[test]
    fn a_count_says_when_there_may_be_more() {
        let bounds = ListBounds { looked_max: 10_000, counted_max: 10_000 };
        assert_eq!([counted(9_999, bounds), counted(10_000, bounds)], ["9,999", "10,000+"]);
    }

    #[test]
    fn a_time_has_its_zone() {
        let at = Timestamp::parse_rfc3339("2026-11-21T12:00:00.120Z").unwrap();
        let time = Time { at, now: at.after(Duration::from_secs(200)) }.to_string();
        let title = "2026-11-21T12:00:00.120Z, 3 m 20 s ago";
        assert_eq!(
            time,
            format!("<time datetime=\"2026-11-21T12:00:00.120Z\" title=\"{title}\">2026-11-21 12:00:00Z</time>")
        );
        assert_eq!(Time { at: Timestamp::NEVER, now: at }.to_string(), "never");
    }
}
