//! Channels: names that split the events of a scope further than their types do, such as a customer's project.
//!
//! A webhook without channels hears everything. One with channels hears the events that name at least one of them,
//! and so none that name no channel at all.

use super::field::{FieldCode, FieldProblem};

/// The most characters of a channel's name.
pub const CHANNEL_CHARS_MAX: usize = 64;
/// The most channels of a webhook.
pub const WEBHOOK_CHANNELS_MAX: usize = 10;
/// The most channels of an event.
pub const EVENT_CHANNELS_MAX: usize = 5;

/// Names, each once; perhaps none.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Channels(Vec<String>);

impl Channels {
    /// Reads up to `max` names.
    ///
    /// # Errors
    /// With every problem at once; paths start at `channels`.
    pub fn read(names: Vec<String>, max: usize) -> Result<Self, Vec<FieldProblem>> {
        let mut problems = Vec::new();
        if names.len() > max {
            problems.push(FieldProblem::new("channels", FieldCode::Length, format!("must have at most {max} entries")));
        }
        let mut distinct = Vec::with_capacity(names.len().min(max));
        for (index, name) in names.into_iter().enumerate().take(max) {
            if !is_name(&name) {
                let path = vec!["channels".into(), index.into()];
                let message = format!("must have 1 to {CHANNEL_CHARS_MAX} characters of a-z, A-Z, 0-9, _ and -");
                problems.push(FieldProblem::at(path, FieldCode::Invalid, message));
            } else if !distinct.contains(&name) {
                distinct.push(name);
            }
        }
        if problems.is_empty() { Ok(Self(distinct)) } else { Err(problems) }
    }

    /// The names, in the order that they were given.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a webhook with these channels hears an event with those.
    #[must_use]
    pub fn hear(&self, event: &Self) -> bool {
        self.is_empty() || self.0.iter().any(|name| event.0.contains(name))
    }
}

fn is_name(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=CHANNEL_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(names: &[&str]) -> Channels {
        Channels::read(names.iter().map(|name| (*name).to_owned()).collect(), WEBHOOK_CHANNELS_MAX).unwrap()
    }

    #[test]
    fn a_webhook_hears_what_shares_a_channel_or_all_if_it_has_none() {
        let (none, ab, bc, c) = (channels(&[]), channels(&["a", "b"]), channels(&["b", "c"]), channels(&["c"]));
        assert!(none.hear(&none) && none.hear(&ab));
        assert!(ab.hear(&bc) && bc.hear(&ab));
        assert!(!ab.hear(&c) && !ab.hear(&none));
        assert!(!channels(&["A"]).hear(&ab), "names are compared letter by letter");
    }

    #[test]
    fn names_are_few_short_and_plain() {
        let read = |names: &[&str]| Channels::read(names.iter().map(|name| (*name).to_owned()).collect(), 3);
        assert_eq!(read(&["x", "x", "y"]).unwrap().names(), ["x", "y"]);
        let long = "a".repeat(CHANNEL_CHARS_MAX + 1);
        let problems = read(&["ok-1_A", "", "a b", &long]).unwrap_err();
        let places: Vec<_> = problems.iter().map(|p| p.sentence().split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(places, ["channels", "channels[1]", "channels[2]"]);
        assert!(read(&["ä"]).is_err() && read(&[&long]).is_err() && read(&[&long[1..]]).is_ok());
    }
}
