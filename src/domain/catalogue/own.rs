//! A tenant's own event types, and the rules that make one of what a client gave.

use serde_json::{Map, Value};

use crate::domain::event::EventType;
use crate::domain::field::{FieldCode, FieldProblem, Given};
use crate::domain::json_schema::JsonSchema;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

/// The most characters in a description.
pub const DESCRIPTION_CHARS_MAX: usize = 500;
/// The most bytes of an example, as JSON.
pub const EXAMPLE_BYTES_MAX: usize = 16 * 1024;

/// What becomes of an event whose data does not fit its type's schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SchemaMode {
    /// Nothing: the schema documents.
    #[default]
    Off,
    /// It is accepted, and its publisher is told.
    Warn,
    /// It is refused.
    Reject,
}

impl SchemaMode {
    /// Every mode, for documents and parsers.
    pub const ALL: [Self; 3] = [Self::Off, Self::Warn, Self::Reject];

    /// The word that the API and the database use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Reject => "reject",
        }
    }

    /// The mode that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

/// What a person may set of a type.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TypeSettings {
    /// For people.
    pub description: Option<String>,
    /// The `data` of one.
    pub example: Option<Map<String, Value>>,
    /// What the `data` looks like.
    pub schema: Option<Value>,
    /// What becomes of data that does not fit.
    pub mode: SchemaMode,
}

impl TypeSettings {
    /// The schema, where it is to judge.
    #[must_use]
    pub fn judge(&self) -> Option<JsonSchema> {
        let judges = match self.mode {
            SchemaMode::Off => false,
            SchemaMode::Warn | SchemaMode::Reject => true,
        };
        self.schema.as_ref().filter(|_| judges).cloned().map(JsonSchema::stored)
    }
}

/// A type of a tenant.
pub struct OwnType {
    /// Whose.
    pub scope: Scope,
    /// Its name.
    pub name: EventType,
    /// What a person set.
    pub settings: TypeSettings,
    /// The schema, ready to judge by, where it is to judge.
    pub judge: Option<JsonSchema>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Set when it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Raised by each change; the `ETag`.
    pub revision: i64,
}

/// What a client gave.
#[derive(Clone, Default)]
#[allow(missing_docs, reason = "the fields of TypeSettings")]
pub struct TypeDraft {
    pub description: Given<String>,
    pub example: Given<Map<String, Value>>,
    pub schema: Given<Value>,
    pub mode: Given<String>,
}

impl TypeDraft {
    /// Settings for a new type, or changed ones for `current`.
    ///
    /// # Errors
    /// With every problem at once.
    pub fn check(self, current: Option<&TypeSettings>) -> Result<TypeSettings, Vec<FieldProblem>> {
        let Self { description, example, schema, mode } = self;
        let current = current.cloned().unwrap_or_default();
        let mut problems = Vec::new();
        let is_new = matches!(schema, Given::Value(_));
        let settings = TypeSettings {
            description: merge(description, current.description),
            example: merge(example, current.example),
            schema: merge(schema, current.schema),
            mode: match mode {
                Given::Absent => current.mode,
                Given::Null => SchemaMode::default(),
                Given::Value(word) => check_mode(&word, &mut problems),
            },
        };
        if let Some(text) = &settings.description {
            check_description(text, &mut problems);
        }
        if let Some(example) = &settings.example {
            check_example(example, &mut problems);
        }
        if let Some(source) = &settings.schema {
            // One that was saved is not judged again: tightening the rules must not keep its owner from other changes.
            let read = if is_new { JsonSchema::read(source.clone()) } else { Ok(JsonSchema::stored(source.clone())) };
            check_schema(read, settings.example.as_ref(), &mut problems);
        } else if settings.mode != SchemaMode::Off {
            let message = format!("cannot be `{}` without a `schema`", settings.mode.as_str());
            problems.push(FieldProblem::new("schemaMode", FieldCode::Mismatch, message));
        }
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }
}

fn merge<T>(given: Given<T>, current: Option<T>) -> Option<T> {
    match given {
        Given::Absent => current,
        Given::Null => None,
        Given::Value(value) => Some(value),
    }
}

fn check_mode(word: &str, problems: &mut Vec<FieldProblem>) -> SchemaMode {
    SchemaMode::parse(word).unwrap_or_else(|| {
        let words = SchemaMode::ALL.map(SchemaMode::as_str).join("`, `");
        problems.push(FieldProblem::new("schemaMode", FieldCode::Invalid, format!("must be one of `{words}`")));
        SchemaMode::default()
    })
}

fn check_description(text: &str, problems: &mut Vec<FieldProblem>) {
    // A database may not take every control character, and nobody reads them.
    let is_text = text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
    if !is_text || text.chars().count() > DESCRIPTION_CHARS_MAX {
        let message = format!("must have at most {DESCRIPTION_CHARS_MAX} characters, and be text");
        problems.push(FieldProblem::new("description", FieldCode::Length, message));
    }
}

fn check_example(example: &Map<String, Value>, problems: &mut Vec<FieldProblem>) {
    if !serde_json::to_string(example).is_ok_and(|text| text.len() <= EXAMPLE_BYTES_MAX) {
        let message = format!("must have at most {EXAMPLE_BYTES_MAX} bytes as JSON");
        problems.push(FieldProblem::new("example", FieldCode::Length, message));
    }
}

fn check_schema(
    read: Result<JsonSchema, Vec<FieldProblem>>,
    example: Option<&Map<String, Value>>,
    problems: &mut Vec<FieldProblem>,
) {
    match (read, example) {
        (Ok(schema), Some(example)) => {
            let misfits = schema.misfits(&Value::Object(example.clone()));
            problems.extend(misfits.into_iter().map(|problem| problem.below("example")));
        }
        (Ok(_), None) => {}
        (Err(found), _) => problems.extend(found.into_iter().map(|problem| problem.below("schema"))),
    }
}
