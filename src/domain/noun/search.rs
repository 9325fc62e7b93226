//! How lists are filtered: each record has facets, short texts such as `status=open`, and a list asks for records
//! that have some of them. A word of a search stands for every facet that begins with it.

use serde_json::Value;

use super::kind::{self, Kind, plain_phone};
use super::{Document, Filter, FilterBy, Noun};
use crate::domain::id::RecordId;

/// The most conditions that one list can have.
pub const CONDITIONS_MAX: usize = 8;
/// The most words of a search, and the most entries that a list filter can ask for.
pub const WORDS_MAX: usize = 3;
/// The most characters of a word that are searched.
pub const WORD_CHARS_MAX: usize = 64;
/// The most facets that one search field of a record has.
const FACETS_OF_FIELD_MAX: usize = 24;

/// What a list asks of a record: one of its facets lies between these, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The least.
    pub low: String,
    /// The greatest; the same for a facet that is known in full.
    pub high: String,
}

impl Wanted {
    fn exactly(filter: &str, value: &str) -> Self {
        let facet = facet(filter, value);
        Self { low: facet.clone(), high: facet }
    }

    fn beginning(filter: &str, word: &str) -> Self {
        let low = facet(filter, word);
        // No text that begins with `low` sorts after this.
        Self { high: format!("{low}{}", char::MAX), low }
    }

    /// Whether it stands for one facet.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.low == self.high
    }
}

fn facet(filter: &str, value: &str) -> String {
    format!("{filter}={value}")
}

impl Noun {
    /// The facets of a document.
    #[must_use]
    pub fn facets(&self, document: &Document) -> Vec<String> {
        let mut facets: Vec<String> = self.filters.iter().flat_map(|filter| filter.facets(document)).collect();
        facets.sort_unstable();
        facets.dedup();
        facets
    }

    fn kind_of(&self, name: &str) -> Option<Kind> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.kind)
    }

    /// What a filter asks for.
    ///
    /// # Errors
    /// With what the text must be.
    pub fn wanted(&self, filter: &Filter, text: &str) -> Result<Vec<Wanted>, String> {
        match filter.by {
            FilterBy::Value => {
                let value = read_value(self.kind_of(filter.name), text)?;
                Ok(vec![Wanted::exactly(filter.name, &value)])
            }
            FilterBy::Entries => {
                let labels: Result<Vec<_>, _> = text.split(',').map(kind::check_label).collect();
                let labels = labels.ok().filter(|labels| labels.len() <= WORDS_MAX);
                let labels =
                    labels.ok_or_else(|| format!("must be 1 to {WORDS_MAX} entries with commas between them"))?;
                Ok(labels.iter().map(|label| Wanted::exactly(filter.name, label)).collect())
            }
            FilterBy::Words(_) => {
                let words = query_words(text);
                if (1..=WORDS_MAX).contains(&words.len()) {
                    return Ok(words.iter().map(|word| Wanted::beginning(filter.name, word)).collect());
                }
                Err(format!("must have 1 to {WORDS_MAX} words"))
            }
        }
    }
}

/// A filter's text as a facet has it.
fn read_value(kind: Option<Kind>, text: &str) -> Result<String, String> {
    match kind {
        Some(Kind::Choice(words)) if words.contains(&text) => Ok(text.to_owned()),
        Some(Kind::Choice(words)) => Err(format!("must be `{}`", words.join("`, `"))),
        Some(Kind::Flag) if matches!(text, "true" | "false") => Ok(text.to_owned()),
        Some(Kind::Flag) => Err("must be true or false".to_owned()),
        Some(Kind::Reference(noun)) => {
            RecordId::parse(noun.prefix, text).map(|id| id.to_string()).map_err(|error| format!("is {error}"))
        }
        Some(_) | None => {
            let text = text.trim();
            let fits = (1..=WORD_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
            if fits { Ok(text.to_owned()) } else { Err(format!("must have 1 to {WORD_CHARS_MAX} characters")) }
        }
    }
}

impl Filter {
    /// How many conditions it can make of one text.
    #[must_use]
    pub fn conditions_max(&self) -> usize {
        match self.by {
            FilterBy::Value => 1,
            FilterBy::Entries | FilterBy::Words(_) => WORDS_MAX,
        }
    }

    fn facets(&self, document: &Document) -> Vec<String> {
        let facet = |value: &str| facet(self.name, value);
        match self.by {
            FilterBy::Value => match super::value(document, self.name) {
                Value::String(text) => vec![facet(text)],
                Value::Bool(flag) => vec![facet(&flag.to_string())],
                Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => Vec::new(),
            },
            FilterBy::Entries => {
                let entries = super::value(document, self.name).as_array();
                entries.into_iter().flatten().filter_map(Value::as_str).map(facet).collect()
            }
            FilterBy::Words(fields) => {
                let texts = fields.iter().filter_map(|path| at(document, path));
                texts
                    .flat_map(|text| words(text).into_iter().take(FACETS_OF_FIELD_MAX))
                    .map(|word| facet(&word))
                    .collect()
            }
        }
    }
}

fn at<'a>(document: &'a Document, path: &[&str]) -> Option<&'a str> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(document.get(*first)?, |value, name| value.get(name))?.as_str()
}

fn lower(word: &str) -> String {
    word.chars().flat_map(char::to_lowercase).take(WORD_CHARS_MAX).collect()
}

/// The words of a text, and what follows each punctuation mark in them: `anna@mail.example` is found by `anna`, by
/// `mail` and by `example`.
fn words(text: &str) -> Vec<String> {
    let in_word = |word: &str| -> Vec<String> {
        let starts = word.char_indices().filter(|(_, c)| !c.is_alphanumeric()).map(|(index, c)| index + c.len_utf8());
        std::iter::once(0).chain(starts).map(|start| lower(&word[start..])).filter(|rest| !rest.is_empty()).collect()
    };
    text.split_whitespace().flat_map(in_word).collect()
}

/// The words that a client searches for. A phone number is one, however it is written.
fn query_words(text: &str) -> Vec<String> {
    if let Some(number) = plain_phone(text) {
        return vec![number];
    }
    text.split_whitespace().filter(|word| !word.chars().any(char::is_control)).map(lower).collect()
}
