//! Which event types a webhook is told of.
//!
//! Three kinds of pattern, as the API spells them: `order.created` is that type; `order.*` is every type below `order`,
//! at any depth, but not `order` itself; `*` is everything.

use std::fmt;

use super::event::{EVENT_TYPE_CHARS_MAX, EventType};

/// The most patterns that a webhook can have.
pub const PATTERNS_MAX: usize = 64;

/// One line of a subscription.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(try_from = "String")]
pub enum Pattern {
    /// `*`
    All,
    /// `order.*`: everything below the type that is held here.
    Below(EventType),
    /// `order.created`
    Exact(EventType),
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// Longer than an event type.
    #[error("must have at most {EVENT_TYPE_CHARS_MAX} characters")]
    TooLong,
    /// None of the three kinds.
    #[error("must be an event type such as `order.created`, or `order.*` for all below `order`, or `*` for all")]
    Malformed,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When the text is none of the three kinds.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if text.len() > EVENT_TYPE_CHARS_MAX {
            return Err(InvalidPattern::TooLong);
        }
        let pattern = match text.strip_suffix(".*") {
            _ if text == "*" => Ok(Self::All),
            Some(parent) => EventType::parse(parent).map(Self::Below),
            None => EventType::parse(text).map(Self::Exact),
        };
        pattern.map_err(|_| InvalidPattern::Malformed)
    }

    /// Whether an event of that type is meant.
    #[must_use]
    pub fn matches(&self, event_type: &EventType) -> bool {
        match self {
            Self::All => true,
            Self::Below(parent) => {
                event_type.as_str().strip_prefix(parent.as_str()).is_some_and(|rest| rest.starts_with('.'))
            }
            Self::Exact(wanted) => wanted == event_type,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Below(parent) => write!(f, "{parent}.*"),
            Self::Exact(event_type) => write!(f, "{event_type}"),
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Pattern {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        Self::parse(&text)
    }
}

impl serde::Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The patterns of a webhook, at least one. An event that several of them match is still sent once.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Vec<Pattern>")]
pub struct Subscription(Vec<Pattern>);

/// Why patterns do not make a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubscription {
    /// None, or too many.
    #[error("must have 1 to {PATTERNS_MAX} entries")]
    Count,
    /// One of them is malformed.
    #[error("entry {index} {problem}")]
    Pattern {
        /// Which one, from 0.
        index: usize,
        /// What is wrong with it.
        problem: InvalidPattern,
    },
}

impl Subscription {
    /// Takes patterns; repeated ones are dropped.
    ///
    /// # Errors
    /// When there is none, or too many.
    pub fn new(patterns: Vec<Pattern>) -> Result<Self, InvalidSubscription> {
        if !(1..=PATTERNS_MAX).contains(&patterns.len()) {
            return Err(InvalidSubscription::Count);
        }
        let mut distinct = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            if !distinct.contains(&pattern) {
                distinct.push(pattern);
            }
        }
        Ok(Self(distinct))
    }

    /// Reads patterns.
    ///
    /// # Errors
    /// When there is none, or too many, or one is malformed.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, InvalidSubscription> {
        if !(1..=PATTERNS_MAX).contains(&texts.len()) {
            return Err(InvalidSubscription::Count);
        }
        let parse = |(index, text): (usize, &T)| {
            Pattern::parse(text.as_ref()).map_err(|problem| InvalidSubscription::Pattern { index, problem })
        };
        Self::new(texts.iter().enumerate().map(parse).collect::<Result<_, _>>()?)
    }

    /// Whether the webhook is told of events of that type.
    #[must_use]
    pub fn matches(&self, event_type: &EventType) -> bool {
        self.0.iter().any(|pattern| pattern.matches(event_type))
    }

    /// The patterns, as they were given.
    #[must_use]
    pub fn patterns(&self) -> &[Pattern] {
        &self.0
    }
}

impl TryFrom<Vec<Pattern>> for Subscription {
    type Error = InvalidSubscription;

    fn try_from(patterns: Vec<Pattern>) -> Result<Self, InvalidSubscription> {
        Self::new(patterns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, event_type: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(&EventType::parse(event_type).unwrap())
    }

    #[test]
    fn each_kind_matches_what_it_says() {
        for (pattern, event_type, expected) in [
            ("*", "order", true),
            ("*", "order.created", true),
            ("order.created", "order.created", true),
            ("order.created", "order.created.twice", false),
            ("order.created", "order", false),
            ("order.*", "order.created", true),
            ("order.*", "order.item.added", true),
            ("order.*", "order", false),
            ("order.*", "orders.created", false),
            ("order.*", "reorder.created", false),
            ("order.item.*", "order.created", false),
        ] {
            assert_eq!(matches(pattern, event_type), expected, "{pattern} {event_type}");
        }
    }

    #[test]
    fn other_wildcards_are_refused() {
        for text in
            ["", ".", ".*", "*.created", "order*", "order.*.added", "order.**", "**", "Order.*", " *", "a..b", "a."]
        {
            assert_eq!(Pattern::parse(text), Err(InvalidPattern::Malformed), "{text:?}");
        }
        assert_eq!(Pattern::parse(&"a".repeat(EVENT_TYPE_CHARS_MAX + 1)), Err(InvalidPattern::TooLong));
    }

    #[test]
    fn a_subscription_has_some_patterns_and_each_once() {
        assert_eq!(Subscription::parse::<&str>(&[]), Err(InvalidSubscription::Count));
        assert_eq!(Subscription::parse(&["*"; PATTERNS_MAX + 1]), Err(InvalidSubscription::Count));
        let problem = InvalidPattern::Malformed;
        assert_eq!(Subscription::parse(&["a", "B"]), Err(InvalidSubscription::Pattern { index: 1, problem }));
        let subscription = Subscription::parse(&["b.*", "a", "b.*"]).unwrap();
        assert_eq!(serde_json::to_string(&subscription).unwrap(), r#"["b.*","a"]"#);
        assert!(serde_json::from_str::<Subscription>("[]").is_err());
        assert!(serde_json::from_str::<Subscription>(r#"["a","B"]"#).is_err());
    }

    const EVENT_TYPE: &str = "[a-c]{1,2}(\\.[a-c]{1,2}){0,3}";

    proptest! {
        #[test]
        fn text_round_trips(text in "\\*|[a-c.*]{0,6}|[a-z0-9_]{1,4}(\\.[a-z]{1,3}){0,2}(\\.\\*)?") {
            if let Ok(pattern) = Pattern::parse(&text) {
                prop_assert_eq!(pattern.to_string(), text.clone());
                let json = serde_json::to_string(&pattern).unwrap();
                prop_assert_eq!(serde_json::from_str::<Pattern>(&json).unwrap(), pattern);
            }
        }

        #[test]
        fn every_type_matches_itself_its_ancestors_and_all(text in EVENT_TYPE) {
            prop_assert!(matches(&text, &text) && matches("*", &text));
            for (dot, _) in text.match_indices('.') {
                let pattern = format!("{}.*", &text[..dot]);
                prop_assert!(matches(&pattern, &text));
            }
        }

        #[test]
        fn below_means_dotted_words_below(parent in EVENT_TYPE, text in EVENT_TYPE) {
            let words: Vec<_> = parent.split('.').collect();
            let below = text.split('.').count() > words.len() && text.split('.').zip(&words).all(|(a, b)| a == *b);
            let pattern = format!("{parent}.*");
            prop_assert_eq!(matches(&pattern, &text), below);
        }

        #[test]
        fn a_subscription_matches_if_any_pattern_does(
            texts in prop::collection::vec(EVENT_TYPE, 1..9), text in EVENT_TYPE,
        ) {
            let subscription = Subscription::parse(&texts).unwrap();
            let event_type = EventType::parse(&text).unwrap();
            prop_assert_eq!(subscription.matches(&event_type), texts.contains(&text));
        }
    }
}
