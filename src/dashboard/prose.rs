//! Sentences with times in them: a page shows each as one can read it, with the exact one in its title.

use std::fmt;

use askama::filters::HtmlSafe;

use super::markup::Escaped;
use super::words::{far, in_words};
use crate::domain::time::Timestamp;

/// A sentence, or some.
pub(super) struct Prose(Vec<Piece>);

enum Piece {
    Text(String),
    /// An instant, and what time it is.
    Time(Timestamp, Timestamp),
}

impl Prose {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(vec![Piece::Text(text.into())])
    }

    /// A sentence that was stored: the exact times in it are read, and shown as the others are.
    pub(super) fn read(text: &str, now: Timestamp) -> Self {
        let mut prose = Self(Vec::new());
        for word in text.split_inclusive(' ') {
            let bare = word.trim_end_matches([' ', '.', ',', ';']);
            prose = match Timestamp::parse_rfc3339(bare) {
                Some(at) => prose.at(at, now).then(&word[bare.len()..]),
                None => prose.then(word),
            };
        }
        prose
    }

    /// Goes on with a text.
    pub(super) fn then(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Text(text.into()));
        self
    }

    /// Goes on with a time, and how far it is from now.
    pub(super) fn at(mut self, at: Timestamp, now: Timestamp) -> Self {
        self.0.push(Piece::Time(at, now));
        self
    }

    /// The same where no element can stand.
    pub(super) fn plain(&self) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Time(at, now) => format!("{} ({})", in_words(*at), far(*at, *now)),
        };
        self.0.iter().map(text).collect()
    }
}

impl fmt::Display for Prose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => write!(f, "{}", Escaped(text)),
            Piece::Time(at, now) => {
                let (words, how_far) = (in_words(*at), far(*at, *now));
                write!(f, "<time datetime=\"{at}\" title=\"{at}\">{words}</time> ({how_far})")
            }
        })
    }
}

impl HtmlSafe for Prose {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_in_a_stored_sentence_is_found() {
        let now = Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap();
        let prose = Prose::read("Got 503; the next attempt is at 2026-11-21T12:00:05.000Z. Or not.", now);
        let text = "Got 503; the next attempt is at 21 Nov 2026, 12:00 UTC (in 5 s). Or not.";
        assert_eq!(prose.plain(), text);
        assert_eq!(Prose::read("é 12:00 2026-11-21", now).plain(), "é 12:00 2026-11-21");
    }

    #[test]
    fn a_time_in_a_sentence_is_read_with_ease_and_exact_in_its_title() {
        let at = Timestamp::parse_rfc3339("2026-11-02T10:13:05.120Z").unwrap();
        let prose = Prose::new("<Failing> since ").at(at, at.after(Duration::from_mins(3))).then(".");
        assert_eq!(prose.plain(), "<Failing> since 2 Nov 2026, 10:13 UTC (3 m ago).");
        assert_eq!(
            prose.to_string(),
            "&lt;Failing&gt; since <time datetime=\"2026-11-02T10:13:05.120Z\" \
             title=\"2026-11-02T10:13:05.120Z\">2 Nov 2026, 10:13 UTC</time> (3 m ago)."
        );
    }
}
