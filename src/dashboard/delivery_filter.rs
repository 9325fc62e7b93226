//! Which deliveries a page is asked for. All of it stands in the address, so that an address is a saved view.
//!
//! The search field takes words such as `type:order.*`, `code:5xx`, `error:timeout`, `attempt:>3`, `status:dead`,
//! `webhook:wh_…`, `event:evt_…`, `data.customer.id:42` or an id alone; each stands for a field of the form.

use std::time::Duration;

use super::params::Params;
use crate::domain::attempt::FailureKind;
use crate::domain::data_search::DataSearch;
use crate::domain::delivery::DeliveryState;
use crate::domain::event::EventType;
use crate::domain::id::{EventId, WebhookId, first_uuid_at};
use crate::domain::time::Timestamp;
use crate::store::deliveries::DeliveryFilter;

/// Time ranges: the word in an address, what it says, and how long it is.
pub(super) const RANGES: [(&str, &str, Option<Duration>); 5] = [
    ("1h", "last hour", Some(Duration::from_hours(1))),
    ("24h", "last 24 hours", Some(Duration::from_hours(24))),
    ("7d", "last 7 days", Some(Duration::from_hours(7 * 24))),
    ("30d", "last 30 days", Some(Duration::from_hours(30 * 24))),
    ("all", "all time", None),
];
/// A page that is asked for nothing else reads no more than this.
pub(super) const RANGE_DEFAULT: &str = "24h";

/// The fields of the form, besides `q`.
const FIELDS: [&str; 9] = ["status", "webhook", "event", "type", "code", "error", "attempt", "from", "until"];

/// What is asked for.
pub(super) struct Asked {
    pub(super) filter: DeliveryFilter,
    /// What the data of the event must have.
    pub(super) data: Option<DataSearch>,
    /// What could not be understood, for the reader.
    pub(super) problems: Vec<String>,
    /// Whether anything narrows the list, besides the range.
    pub(super) is_narrowed: bool,
}

/// Reads the parameters of a page.
pub(super) fn read(params: &Params, now: Timestamp) -> Asked {
    let mut asked = Asked { filter: DeliveryFilter::default(), data: None, problems: Vec::new(), is_narrowed: false };
    for word in params.get("q").unwrap_or_default().split_whitespace() {
        let (name, value) = word_of_search(word);
        asked.take(name, value);
    }
    for name in FIELDS {
        if let Some(value) = params.get(name) {
            asked.take(name, value);
        }
    }
    let range = params.get("range").unwrap_or(RANGE_DEFAULT);
    match RANGES.iter().find(|(word, _, _)| *word == range) {
        Some((_, _, Some(length))) if asked.filter.from.is_none() && asked.filter.event.is_none() => {
            asked.filter.from = Some(first_uuid_at(now.before(*length)));
        }
        Some(_) => {}
        None => asked.problems.push(format!("`{range}` is no time range: take 1h, 24h, 7d, 30d or all.")),
    }
    asked
}

/// A word of the search field as a field and its value.
fn word_of_search(word: &str) -> (&str, &str) {
    if let Some((name, value)) = word.split_once(':') {
        return (name, value);
    }
    if word.starts_with("evt_") {
        return ("event", word);
    }
    if word.starts_with("wh_") {
        return ("webhook", word);
    }
    ("type", word)
}

impl Asked {
    fn take(&mut self, name: &str, value: &str) {
        let understood = match name {
            name if name.starts_with("data.") => {
                DataSearch::parse(&format!("{}:{value}", &name[5..])).ok().map(|search| self.data = Some(search))
            }
            "status" => DeliveryState::parse(value).map(|state| self.filter.state = Some(state)),
            "webhook" => value.parse::<WebhookId>().ok().map(|id| self.filter.webhook = Some(id)),
            "event" => value.parse::<EventId>().ok().map(|id| self.filter.event = Some(id)),
            "type" => self.take_type(value),
            "code" => codes(value).map(|range| self.filter.status_range = Some(range)),
            "error" => FailureKind::parse(value).map(|kind| self.filter.error = Some(kind)),
            "attempt" => attempts(value).map(|range| self.filter.attempts = Some(range)),
            "from" => time(value).map(|time| self.filter.from = Some(first_uuid_at(time))),
            "until" => time(value).map(|time| self.filter.before = Some(first_uuid_at(time))),
            _ => None,
        };
        if understood.is_some() {
            self.is_narrowed = true;
        } else {
            self.problems.push(format!("`{name}:{value}` is not understood. {}", hint(name)));
        }
    }

    fn take_type(&mut self, value: &str) -> Option<()> {
        let value = value.to_ascii_lowercase();
        if let Some(prefix) = value.strip_suffix('*') {
            EventType::parse(prefix.trim_end_matches('.')).ok()?;
            self.filter.type_prefix = Some(prefix.to_owned());
        } else {
            let event_type = EventType::parse(&value).ok()?;
            self.filter.event_type = Some(event_type.as_str().to_owned());
        }
        Some(())
    }
}

fn hint(name: &str) -> &'static str {
    match name {
        "status" => "Take pending, delivered, dead for dead letters, or cancelled.",
        "webhook" | "event" => "Paste a whole id.",
        "type" => "Write an event type such as order.created, or the beginning of some: order.*",
        "code" => "Write a status such as 503, or 2xx, 3xx, 4xx, 5xx.",
        "error" => "Take timeout, dns, connect, tls, reset, protocol, blocked, handshake or internal.",
        "attempt" => "Write a number such as 2, or >3.",
        "from" | "until" => "Write a time such as 2026-11-21T20:00Z.",
        _ => "Search by type:, status:, code:, error:, attempt:, webhook:, event: or data.FIELD:, or by an id.",
    }
}

/// `503` or `5xx`.
fn codes(text: &str) -> Option<(i64, i64)> {
    if let Some(class) = text.strip_suffix("xx") {
        let class: i64 = class.parse().ok().filter(|class| (1..=5).contains(class))?;
        return Some((class * 100, class * 100 + 99));
    }
    let code = text.parse().ok().filter(|code| (100..=599).contains(code))?;
    Some((code, code))
}

/// `2`, `>3` or `<5`.
fn attempts(text: &str) -> Option<(i64, i64)> {
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| (0..=i64::from(u32::MAX)).contains(number));
    if let Some(more) = text.strip_prefix('>') {
        return number(more).map(|number| (number + 1, i64::MAX));
    }
    if let Some(fewer) = text.strip_prefix('<') {
        return number(fewer).map(|number| (0, number - 1));
    }
    number(text).map(|number| (number, number))
}

/// With or without seconds; a field for dates and times writes no zone, and means UTC.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let zoned = |text: String| Timestamp::parse_rfc3339(&text);
    zoned(text.to_owned()).or_else(|| zoned(format!("{text}Z"))).or_else(|| match text.strip_suffix('Z') {
        Some(bare) => zoned(format!("{bare}:00Z")),
        None => zoned(format!("{text}:00Z")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Asked {
        read(&Params::parse(query.as_bytes()), Timestamp::from_millis(1_790_000_000_000))
    }

    #[test]
    fn words_of_the_search_stand_for_fields() {
        let Asked { filter, problems, .. } =
            asked("q=order.*+code:5xx+attempt:%3E3+status:dead+error:timeout&range=all");
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!((filter.type_prefix.as_deref(), filter.status_range), (Some("order."), Some((500, 599))));
        assert_eq!((filter.attempts, filter.state), (Some((4, i64::MAX)), Some(DeliveryState::Dead)));
        assert_eq!((filter.error, filter.from), (Some(FailureKind::Timeout), None));
        assert_eq!(asked("type=a.b&code=204").filter.event_type.as_deref(), Some("a.b"));
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for query in ["q=code:9xx", "q=nope:x", "status=lost", "range=2w", "attempt=x", "from=yesterday", "q=%3Cb%3E"] {
            assert_eq!(asked(query).problems.len(), 1, "{query}");
        }
    }

    #[test]
    fn times_may_lack_seconds_and_zone() {
        let exact = Timestamp::parse_rfc3339("2026-11-21T20:00:00Z");
        for text in ["2026-11-21T20:00:00Z", "2026-11-21T20:00:00", "2026-11-21T20:00Z", "2026-11-21T20:00"] {
            assert_eq!(time(text), exact, "{text}");
        }
    }

    #[test]
    fn a_page_reads_a_day_unless_it_is_asked_for_more() {
        assert!(asked("").filter.from.is_some() && !asked("").is_narrowed);
        assert!(asked("range=all").filter.from.is_none());
        // An event's own deliveries are few, and may be old.
        assert!(asked("event=evt_00000000000000000000000000").filter.from.is_none());
    }
}
