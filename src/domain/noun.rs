//! The nouns of the core API, as data: customers, conversations, messages, leads, users and calls.
//!
//! A [`Noun`] says what its records look like (fields with their types, bounds and defaults), what a list can be
//! filtered by, which actions there are besides creating and changing, and which events its writes emit. Everything
//! else is written once and reads that: [`check`] judges bodies, [`life`] tells what a write does to a record,
//! [`search`] makes the facets that lists are filtered by, the API makes its routes and its documents of it.
//!
//! One write emits one event at most. What a write emits is told by what it changes, not by the route that it came
//! by: a conversation that is closed by its action and one whose `status` is set to `closed` emit the same event.

pub mod calls;
pub mod check;
pub mod conversations;
pub mod customers;
pub mod kind;
pub mod leads;
pub mod life;
pub mod messages;
pub mod record;
pub mod schema;
pub mod search;
#[cfg(test)]
mod tests;
pub mod users;

use serde_json::{Map, Value};

use super::field::FieldProblem;
use super::id::RecordId;
use kind::Kind;

/// The fields of a record, less what every record has (`id`, `createdAt`, `updatedAt`).
pub type Document = Map<String, Value>;

/// Every noun.
pub static NOUNS: [&Noun; 6] =
    [&customers::CUSTOMER, &conversations::CONVERSATION, &messages::MESSAGE, &leads::LEAD, &users::USER, &calls::CALL];

/// One kind of thing that the core API keeps.
pub struct Noun {
    /// In the singular, as sentences and the database say it.
    pub name: &'static str,
    /// In the plural, as paths say it.
    pub plural: &'static str,
    /// What its ids start with.
    pub prefix: &'static str,
    /// One sentence for the documents.
    pub about: &'static str,
    /// In the order in which they are shown.
    pub fields: &'static [Field],
    /// What must hold between fields; may fill in one that follows from others.
    pub rules: fn(&mut Document, &mut Vec<FieldProblem>),
    /// What a list can be filtered by, the one that finds the fewest first.
    pub filters: &'static [Filter],
    /// What creating one emits: the first whose condition holds.
    pub created: &'static [(Condition, &'static str)],
    /// What changes of single fields mean.
    pub changes: &'static [Change],
    /// What any other change emits.
    pub updated: Option<&'static str>,
    /// What can be done with one besides changing it.
    pub actions: &'static [Action],
    /// The field that names what it is part of, and goes with when that is deleted.
    pub parent: Option<&'static str>,
    /// A record as the API shows it, with its `id`.
    pub example: &'static str,
}

/// One field of a record, or of an action's body.
#[derive(Clone, Copy)]
pub struct Field {
    /// As JSON has it.
    pub name: &'static str,
    /// One sentence for the documents.
    pub about: &'static str,
    /// Its type and bounds.
    pub kind: Kind,
    /// What it is when it is not given.
    pub initial: Initial,
    /// Who sets it.
    pub access: Access,
}

/// What a field is when it is not given, or reset by null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initial {
    /// It must be given.
    Required,
    /// Null; for lists and maps, the empty one.
    Empty,
    /// This word.
    Word(&'static str),
    /// This.
    Flag(bool),
}

/// Who sets a field, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Clients, at any time.
    Open,
    /// Clients, when they create the record.
    Fixed,
    /// Angarium.
    ReadOnly,
}

/// A parameter of a list.
pub struct Filter {
    /// Its name.
    pub name: &'static str,
    /// How it is matched.
    pub by: FilterBy,
}

/// How a filter is matched.
pub enum FilterBy {
    /// A field has this value.
    Value,
    /// A list has each of these entries.
    Entries,
    /// Each of these words begins a word of one of the fields.
    Words(&'static [&'static [&'static str]]),
}

/// Something that may hold for a field's value.
#[derive(Debug, Clone, Copy)]
pub enum Is {
    /// It is one of these words.
    OneOf(&'static [&'static str]),
    /// It is this.
    Flag(bool),
    /// It is not null.
    Given,
    /// It is null.
    Null,
}

/// All of these hold.
pub type Condition = &'static [(&'static str, Is)];

/// What it means that a field comes to hold something.
pub struct Change {
    /// The field.
    pub field: &'static str,
    /// What it comes to.
    pub to: Is,
    /// The field that keeps when that was last.
    pub stamps: Option<&'static str>,
    /// The event.
    pub emits: Option<&'static str>,
}

/// `POST /{id}/{word}`: a change that may be refused in the record's state.
pub struct Action {
    /// The verb, as the path says it.
    pub word: &'static str,
    /// What it does, in one sentence for the documents.
    pub about: &'static str,
    /// What its body may hold, and into which field of the record it goes.
    pub takes: &'static [(Field, &'static str)],
    /// What must hold before.
    pub needs: Condition,
    /// What it sets.
    pub sets: &'static [(&'static str, Initial)],
}

impl Field {
    const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, about, kind, initial: Initial::Empty, access: Access::Open }
    }

    const fn required(self) -> Self {
        Self { initial: Initial::Required, ..self }
    }

    const fn or(self, word: &'static str) -> Self {
        Self { initial: Initial::Word(word), ..self }
    }

    const fn or_flag(self, flag: bool) -> Self {
        Self { initial: Initial::Flag(flag), ..self }
    }

    const fn fixed(self) -> Self {
        Self { access: Access::Fixed, ..self }
    }

    const fn read_only(self) -> Self {
        Self { access: Access::ReadOnly, ..self }
    }

    /// A time that Angarium sets.
    const fn stamp(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Kind::Time, about).read_only()
    }

    /// What it is when it is not given; a required one too, so that a document always has all of its fields.
    #[must_use]
    pub fn initial_value(&self) -> Value {
        match (self.initial, self.kind) {
            (Initial::Word(word), _) => Value::from(word),
            (Initial::Flag(flag), _) => Value::from(flag),
            (Initial::Empty | Initial::Required, Kind::Labels) => Value::Array(Vec::new()),
            (Initial::Empty | Initial::Required, Kind::Map) => Value::Object(Map::new()),
            (Initial::Empty | Initial::Required, Kind::Group(fields)) => {
                fields.iter().map(|field| (field.name.to_owned(), field.initial_value())).collect()
            }
            (
                Initial::Empty | Initial::Required,
                Kind::Text { .. }
                | Kind::Email
                | Kind::Phone
                | Kind::Link
                | Kind::Choice(_)
                | Kind::Flag
                | Kind::Count { .. }
                | Kind::Time
                | Kind::Reference(_),
            ) => Value::Null,
        }
    }

    /// Whether it must be given.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.initial == Initial::Required
    }

    /// Whether a record may have null there.
    #[must_use]
    pub fn is_nullable(&self) -> bool {
        self.initial == Initial::Empty && self.initial_value().is_null()
    }
}

impl Is {
    /// Whether it holds for a value.
    #[must_use]
    pub fn holds(self, value: &Value) -> bool {
        match self {
            Self::OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Flag(flag) => value.as_bool() == Some(flag),
            Self::Given => !value.is_null(),
            Self::Null => value.is_null(),
        }
    }
}

impl Noun {
    /// Its [`Self::example`].
    ///
    /// # Panics
    /// Never: a test reads the example of every noun.
    #[must_use]
    pub fn example_value(&self) -> Document {
        serde_json::from_str(self.example).expect("a test reads the example of every noun")
    }

    /// The noun of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        NOUNS.into_iter().find(|noun| noun.name == name)
    }

    /// The field that names what a record is part of, and the noun of that.
    #[must_use]
    pub fn parent_field(&self) -> Option<(&'static str, &'static Self)> {
        let field = self.fields.iter().find(|field| Some(field.name) == self.parent)?;
        let Kind::Reference(noun) = field.kind else { return None };
        Some((field.name, noun))
    }

    /// What a document is part of.
    #[must_use]
    pub fn parent_of(&self, document: &Document) -> Option<RecordId> {
        let (field, noun) = self.parent_field()?;
        RecordId::parse(noun.prefix, value(document, field).as_str()?).ok()
    }

    /// Every event type that its writes can emit.
    pub fn event_types(&self) -> impl Iterator<Item = &'static str> {
        self.created.iter().map(|(_, event)| *event).chain(self.events_of_changes())
    }

    /// Every event type that changing one can emit.
    pub fn events_of_changes(&self) -> impl Iterator<Item = &'static str> {
        self.updated.into_iter().chain(self.changes.iter().filter_map(|change| change.emits))
    }
}

/// What a field of a document holds; null where it has none.
#[must_use]
pub fn value<'a>(document: &'a Document, field: &str) -> &'a Value {
    document.get(field).unwrap_or(&Value::Null)
}

/// For nouns whose fields are all there is to check.
pub(super) fn no_rules(_: &mut Document, _: &mut Vec<FieldProblem>) {}
