//! What a write does to a record: which actions its state allows, what follows from a change, and which event tells
//! of it.

use serde_json::{Map, Value};

use super::check::merge;
use super::record::Record;
use super::{Action, Change, Condition, Document, Initial, Is, Noun, value};
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::time::Timestamp;

/// Why an action was not done.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// What is wrong with its body.
    Body(Vec<FieldProblem>),
    /// What is wrong with the record's state, as a sentence.
    State(String),
}

/// What tells of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Nothing: it changes nothing.
    None,
    /// No event: there is none for such a write.
    Silent,
    /// An event of this type.
    Event(&'static str),
}

impl From<Option<&'static str>> for News {
    fn from(event: Option<&'static str>) -> Self {
        event.map_or(Self::Silent, Self::Event)
    }
}

impl Action {
    /// The document after the action.
    ///
    /// # Errors
    /// When the body or the record's state does not fit.
    pub fn apply(&self, body: Map<String, Value>, current: &Record) -> Result<Document, Refused> {
        let mut problems = Vec::new();
        let fields: Vec<_> = self.takes.iter().map(|(field, _)| *field).collect();
        let mut given = merge(&fields, body, None, &[], &mut problems);
        if !problems.is_empty() {
            return Err(Refused::Body(problems));
        }
        if let Some((field, needed)) = self.needs.iter().find(|(field, is)| !is.holds(value(&current.document, field)))
        {
            return Err(Refused::State(self.objection(current, field, *needed)));
        }
        let mut document = current.document.clone();
        for (field, into) in self.takes {
            document.insert((*into).to_owned(), given.remove(field.name).unwrap_or_default());
        }
        for (field, to) in self.sets {
            let to = match to {
                Initial::Word(word) => Value::from(*word),
                Initial::Flag(flag) => Value::from(*flag),
                Initial::Empty | Initial::Required => Value::Null,
            };
            document.insert((*field).to_owned(), to);
        }
        Ok(document)
    }

    fn objection(&self, current: &Record, field: &str, needed: Is) -> String {
        let is = match value(&current.document, field) {
            Value::String(word) => format!("`{word}`"),
            Value::Null => "not set".to_owned(),
            other => other.to_string(),
        };
        let needed = match needed {
            Is::OneOf(words) => format!("`{}`", words.join("` or `")),
            Is::Flag(flag) => flag.to_string(),
            Is::Given => "set".to_owned(),
            Is::Null => "not set".to_owned(),
        };
        let Self { word, .. } = self;
        format!("The {}'s `{field}` is {is}; to {word} it, it must be {needed}.", current.noun.name)
    }
}

impl Noun {
    /// What follows from a new document: stamps, and what tells of it.
    #[must_use]
    pub fn born(&self, document: &mut Document, now: Timestamp) -> News {
        self.stamp(None, document, now);
        let holds = |condition: Condition, document: &Document| {
            condition.iter().all(|(field, is)| is.holds(value(document, field)))
        };
        self.created.iter().find(|(condition, _)| holds(condition, document)).map(|(_, event)| *event).into()
    }

    /// What follows from a change: stamps, and what tells of it.
    ///
    /// # Errors
    /// When two changes have an event each.
    pub fn changed(&self, before: &Document, after: &mut Document, now: Timestamp) -> Result<News, Vec<FieldProblem>> {
        if before == after {
            return Ok(News::None);
        }
        self.stamp(Some(before), after, now);
        let telling: Vec<_> = self.arrivals(Some(before), after).filter(|change| change.emits.is_some()).collect();
        match telling.as_slice() {
            [] => Ok(self.updated.into()),
            [only] => Ok(only.emits.into()),
            [first, rest @ ..] => {
                let message = format!("has an event of its own, as `{}` has: change them one by one", first.field);
                Err(rest.iter().map(|c| FieldProblem::new(c.field, FieldCode::Mismatch, message.clone())).collect())
            }
        }
    }

    fn stamp(&self, before: Option<&Document>, after: &mut Document, now: Timestamp) {
        let stamps: Vec<_> = self.arrivals(before, after).filter_map(|change| change.stamps).collect();
        for field in stamps {
            after.insert(field.to_owned(), Value::from(now.to_string()));
        }
    }

    /// What has come to hold.
    fn arrivals<'a>(&self, before: Option<&'a Document>, after: &'a Document) -> impl Iterator<Item = &'static Change> {
        let changes: &'static [Change] = self.changes;
        changes.iter().filter(move |change| {
            let is = value(after, change.field);
            change.to.holds(is) && before.is_none_or(|before| value(before, change.field) != is)
        })
    }
}
