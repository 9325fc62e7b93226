//! The types that a field can have, each with its bounds.

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;

use super::{Field, Noun};
use crate::domain::field::{FieldCode, FieldProblem, Segment};
use crate::domain::id::RecordId;
use crate::domain::time::Timestamp;

/// The most characters in an email address (RFC 5321).
pub const EMAIL_CHARS_MAX: usize = 254;
/// The fewest and the most digits of a phone number (E.164).
pub const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 3..=15;
/// The most characters in a URL.
pub const LINK_CHARS_MAX: usize = 2048;
/// The most entries in a list of labels.
pub const LABELS_MAX: usize = 50;
/// The most characters in one label.
pub const LABEL_CHARS_MAX: usize = 50;
/// The most bytes in a map, as JSON.
pub const MAP_BYTES_MAX: usize = 16_384;

/// The type of a field.
#[derive(Clone, Copy)]
pub enum Kind {
    /// One line, or several.
    Text {
        /// The most characters; the fewest is one.
        max: usize,
        /// Whether it may have line breaks and tabs.
        lines: bool,
    },
    /// An email address.
    Email,
    /// A phone number; kept without its spaces, dots, dashes and brackets.
    Phone,
    /// An `http` or `https` URL.
    Link,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Yes or no.
    Flag,
    /// A whole number from 0.
    Count {
        /// The largest.
        max: u64,
    },
    /// An instant.
    Time,
    /// A list of different short texts without commas, in the order in which they were given.
    Labels,
    /// A JSON object of the client's own.
    Map,
    /// An object of fields.
    Group(&'static [Field]),
    /// The id of a record of this noun.
    Reference(&'static Noun),
}

/// A line of text of so many characters at most.
pub(super) const fn line(max: usize) -> Kind {
    Kind::Text { max, lines: false }
}

type Refusal = (FieldCode, String);

fn refuse<T>(code: FieldCode, message: impl Into<String>) -> Result<T, Refusal> {
    Err((code, message.into()))
}

impl Kind {
    /// The value as it is kept, or a problem. Groups are taken apart before; see [`super::check`].
    pub(super) fn check(self, given: &Value, path: &[Segment], problems: &mut Vec<FieldProblem>) -> Option<Value> {
        let checked = match self {
            Self::Text { max, lines } => text(given).and_then(|text| check_text(text, max, lines)),
            Self::Email => text(given).and_then(check_email),
            Self::Phone => text(given).and_then(check_phone),
            Self::Link => text(given).and_then(check_link),
            Self::Choice(words) => text(given).and_then(|word| check_choice(word, words)),
            Self::Flag if given.is_boolean() => Ok(given.clone()),
            Self::Flag => refuse(FieldCode::WrongType, "must be true or false"),
            Self::Count { max } => check_count(given, max),
            Self::Time => text(given).and_then(check_time),
            Self::Labels => return check_labels(given, path, problems),
            Self::Map => check_map(given),
            Self::Group(_) => Ok(given.clone()),
            Self::Reference(noun) => text(given).and_then(|text| check_reference(text, noun)),
        };
        checked.map_err(|(code, message)| problems.push(FieldProblem::at(path.to_vec(), code, message))).ok()
    }
}

fn text(given: &Value) -> Result<&str, Refusal> {
    given.as_str().map_or_else(|| refuse(FieldCode::WrongType, "must be a string"), Ok)
}

fn check_text(text: &str, max: usize, lines: bool) -> Result<Value, Refusal> {
    let text = text.trim();
    // A database may not take every control character, and nobody reads them.
    let is_readable = |c: char| !c.is_control() || (lines && matches!(c, '\n' | '\r' | '\t'));
    if !(1..=max).contains(&text.chars().count()) {
        return refuse(FieldCode::Length, format!("must have 1 to {max} characters"));
    }
    if !text.chars().all(is_readable) {
        return refuse(FieldCode::Invalid, "must not have control characters");
    }
    Ok(Value::from(text))
}

/// Only what no address lacks: who owns an address is found out by writing to it.
fn check_email(text: &str) -> Result<Value, Refusal> {
    let text = text.trim();
    let is_plain = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    let is_address = text.rsplit_once('@').is_some_and(|(name, host)| {
        is_plain(name) && is_plain(host) && !host.starts_with('.') && !host.ends_with('.') && !host.contains('@')
    });
    if text.chars().count() > EMAIL_CHARS_MAX {
        return refuse(FieldCode::Length, format!("must have at most {EMAIL_CHARS_MAX} characters"));
    }
    if is_address { Ok(Value::from(text)) } else { refuse(FieldCode::Invalid, "must be an email address") }
}

/// A phone number without what people put between its digits; `None` when it is not one.
#[must_use]
pub fn plain_phone(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '(' | ')' | '/')).collect();
    let digits = plain.strip_prefix('+').unwrap_or(&plain);
    let is_number = PHONE_DIGITS.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some(plain)
}

fn check_phone(text: &str) -> Result<Value, Refusal> {
    plain_phone(text).map_or_else(
        || {
            let (min, max) = PHONE_DIGITS.into_inner();
            refuse(
                FieldCode::Invalid,
                format!("must be a phone number of {min} to {max} digits, such as +493012345678"),
            )
        },
        |number| Ok(Value::from(number)),
    )
}

fn check_link(text: &str) -> Result<Value, Refusal> {
    if text.chars().count() > LINK_CHARS_MAX {
        return refuse(FieldCode::Length, format!("must have at most {LINK_CHARS_MAX} characters"));
    }
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if url.is_some() && !text.chars().any(char::is_control) {
        return Ok(Value::from(text.trim()));
    }
    refuse(FieldCode::Invalid, "must be a URL that starts with http:// or https://")
}

fn check_choice(word: &str, words: &[&str]) -> Result<Value, Refusal> {
    if words.contains(&word) {
        return Ok(Value::from(word));
    }
    refuse(FieldCode::Invalid, format!("must be `{}`", words.join("`, `")))
}

fn check_count(given: &Value, max: u64) -> Result<Value, Refusal> {
    if !given.is_number() {
        return refuse(FieldCode::WrongType, "must be a whole number");
    }
    match given.as_u64().filter(|number| *number <= max) {
        Some(number) => Ok(Value::from(number)),
        None => refuse(FieldCode::OutOfRange, format!("must be a whole number from 0 to {max}")),
    }
}

fn check_time(text: &str) -> Result<Value, Refusal> {
    match Timestamp::parse_rfc3339(text) {
        Some(time) => Ok(Value::from(time.to_string())),
        None => refuse(FieldCode::Invalid, "must be a time such as `2026-11-21T20:04:59.120Z`"),
    }
}

fn check_labels(given: &Value, path: &[Segment], problems: &mut Vec<FieldProblem>) -> Option<Value> {
    let mut complain = |path: Vec<Segment>, code, message: String| problems.push(FieldProblem::at(path, code, message));
    let Some(entries) = given.as_array() else {
        complain(path.to_vec(), FieldCode::WrongType, "must be a list of strings".to_owned());
        return None;
    };
    if entries.len() > LABELS_MAX {
        complain(path.to_vec(), FieldCode::Length, format!("must have at most {LABELS_MAX} entries"));
        return None;
    }
    let mut seen = BTreeSet::new();
    let mut kept = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        match text(entry).and_then(check_label) {
            Ok(label) if seen.insert(label.clone()) => kept.push(Value::from(label)),
            // Given twice is there once.
            Ok(_) => {}
            Err((code, message)) => complain([path, &[index.into()]].concat(), code, message),
        }
    }
    Some(Value::Array(kept))
}

/// Commas are what separates labels in a query.
pub(super) fn check_label(text: &str) -> Result<String, Refusal> {
    let label = text.trim();
    let fits = (1..=LABEL_CHARS_MAX).contains(&label.chars().count());
    if !fits || label.chars().any(|c| c.is_control() || c == ',') {
        return refuse(
            FieldCode::Invalid,
            format!("must have 1 to {LABEL_CHARS_MAX} characters, none of them a comma"),
        );
    }
    Ok(label.to_owned())
}

fn check_map(given: &Value) -> Result<Value, Refusal> {
    if !given.is_object() {
        return refuse(FieldCode::WrongType, "must be a JSON object");
    }
    if given.to_string().len() > MAP_BYTES_MAX {
        return refuse(FieldCode::Length, format!("must have at most {MAP_BYTES_MAX} bytes as JSON"));
    }
    Ok(given.clone())
}

fn check_reference(text: &str, noun: &Noun) -> Result<Value, Refusal> {
    match RecordId::parse(noun.prefix, text) {
        Ok(id) => Ok(Value::from(id.to_string())),
        Err(error) => refuse(FieldCode::Invalid, format!("is {error}")),
    }
}
