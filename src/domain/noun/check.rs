//! Judges what a client gave for a record, with every problem at once.
//!
//! One set of rules serves creating and changing. A field that a change does not mention keeps its value, without
//! being judged again; null resets one to what it is when it is not given. A group (a customer's `profile`) is merged
//! field by field, a map (`customFields`) is replaced as a whole.
//!
//! A client that reads a record, edits it and writes it back sends fields that it cannot set (`id`, `createdAt`).
//! They are taken as long as they say what is so.

use serde_json::{Map, Value};

use super::kind::Kind;
use super::record::Record;
use super::{Access, Document, Field, Initial, Noun};
use crate::domain::field::{FieldCode, FieldProblem, Segment};
use crate::domain::id::RecordId;

/// The fields that every record has besides its own.
pub(super) const COMMON: [&str; 3] = ["id", "createdAt", "updatedAt"];

type Problems = Vec<FieldProblem>;

impl Noun {
    /// A new document.
    ///
    /// # Errors
    /// With every problem at once.
    pub fn create(&self, mut body: Map<String, Value>) -> Result<Document, Problems> {
        let mut problems = Vec::new();
        self.gather_groups(&mut body, &mut problems);
        let common = COMMON.into_iter().filter(|name| body.remove(*name).is_some());
        problems.extend(common.map(|name| not_yours(vec![name.into()])).collect::<Vec<_>>());
        let document = merge(self.fields, body, None, &[], &mut problems);
        self.finish(document, problems)
    }

    /// A changed document.
    ///
    /// # Errors
    /// With every problem at once.
    pub fn change(&self, mut body: Map<String, Value>, current: &Record) -> Result<Document, Problems> {
        let mut problems = Vec::new();
        self.gather_groups(&mut body, &mut problems);
        let shown = [current.id.to_string(), current.created_at.to_string(), current.updated_at.to_string()];
        for (name, shown) in COMMON.into_iter().zip(shown) {
            if body.remove(name).is_some_and(|given| given != shown.as_str()) {
                problems.push(not_yours(vec![name.into()]));
            }
        }
        let document = merge(self.fields, body, Some(&current.document), &[], &mut problems);
        self.finish(document, problems)
    }

    fn finish(&self, mut document: Document, mut problems: Problems) -> Result<Document, Problems> {
        // What holds between fields can be told only of fields that are right.
        if problems.is_empty() {
            (self.rules)(&mut document, &mut problems);
        }
        if problems.is_empty() { Ok(document) } else { Err(problems) }
    }

    /// Clients give the fields of a group in it or beside it: `{"profile": {"email": …}}` or `{"email": …}`.
    fn gather_groups(&self, body: &mut Map<String, Value>, problems: &mut Problems) {
        for field in self.fields {
            let Kind::Group(members) = field.kind else { continue };
            let group = field.name;
            let beside: Vec<_> = members.iter().filter_map(|member| body.remove_entry(member.name)).collect();
            if beside.is_empty() {
                continue;
            }
            let Some(inside) = body.entry(group).or_insert_with(|| Value::Object(Map::new())).as_object_mut() else {
                // Something else than an object is a problem that is told in its place.
                continue;
            };
            for (name, value) in beside {
                if inside.get(&name).is_some_and(|other| *other != value) {
                    let message = format!("differs from `{group}.{name}`: give one");
                    problems.push(FieldProblem::new(&name, FieldCode::Mismatch, message));
                }
                inside.insert(name, value);
            }
        }
    }

    /// The records that a document names, where an earlier one did not.
    #[must_use]
    pub fn new_references(
        &self,
        before: Option<&Document>,
        after: &Document,
    ) -> Vec<(&'static str, &'static Self, RecordId)> {
        let named = self.fields.iter().filter_map(|field| {
            let Kind::Reference(noun) = field.kind else { return None };
            let now =
                after.get(field.name).filter(|now| before.is_none_or(|before| before.get(field.name) != Some(now)));
            Some((field.name, noun, RecordId::parse(noun.prefix, now?.as_str()?).ok()?))
        });
        named.collect()
    }
}

fn not_yours(path: Vec<Segment>) -> FieldProblem {
    FieldProblem::at(path, FieldCode::NotAllowed, "is set by Angarium, not by clients")
}

/// Judges an object by its fields. Without `current` it is new.
pub(super) fn merge(
    fields: &[Field],
    mut body: Map<String, Value>,
    current: Option<&Document>,
    at: &[Segment],
    problems: &mut Problems,
) -> Document {
    let mut document = Document::new();
    for field in fields {
        let path = [at, &[field.name.into()]].concat();
        let current = current.map(|current| super::value(current, field.name));
        let given = body.remove(field.name);
        let value = if let Kind::Group(members) = field.kind {
            merge_group(members, given, current, &path, problems)
        } else {
            merge_field(field, given, current, &path, problems)
        };
        document.insert(field.name.to_owned(), value);
    }
    if !body.is_empty() {
        // The fields of a group may stand beside it: see `gather_groups`.
        let beside = fields.iter().filter_map(|field| {
            let Kind::Group(members) = field.kind else { return None };
            Some(members)
        });
        let known: Vec<&str> = fields.iter().chain(beside.flatten()).map(|field| field.name).collect();
        problems.extend(body.keys().map(|name| FieldProblem::unknown(at.to_vec(), name, &known)));
    }
    document
}

fn merge_group(
    members: &[Field],
    given: Option<Value>,
    current: Option<&Value>,
    path: &[Segment],
    problems: &mut Problems,
) -> Value {
    let (body, current) = match given {
        None => (Map::new(), current),
        Some(Value::Null) => (Map::new(), None),
        Some(Value::Object(body)) => (body, current),
        Some(_) => {
            problems.push(FieldProblem::at(path.to_vec(), FieldCode::WrongType, "must be a JSON object"));
            (Map::new(), current)
        }
    };
    Value::Object(merge(members, body, current.and_then(Value::as_object), path, problems))
}

fn merge_field(
    field: &Field,
    given: Option<Value>,
    current: Option<&Value>,
    path: &[Segment],
    problems: &mut Problems,
) -> Value {
    let kept = || current.cloned().unwrap_or_else(|| field.initial_value());
    let is_required = field.initial == Initial::Required;
    match given {
        None if current.is_none() && is_required => problems.push(required(path)),
        None => {}
        Some(given) if current == Some(&given) => {}
        Some(_) if field.access == Access::ReadOnly => problems.push(not_yours(path.to_vec())),
        Some(_) if field.access == Access::Fixed && current.is_some() => {
            problems.push(FieldProblem::at(path.to_vec(), FieldCode::NotAllowed, "cannot be changed"));
        }
        Some(Value::Null) if is_required => problems.push(required(path)),
        Some(Value::Null) => return field.initial_value(),
        Some(given) => return field.kind.check(&given, path, problems).unwrap_or_else(kept),
    }
    kept()
}

fn required(path: &[Segment]) -> FieldProblem {
    FieldProblem::at(path.to_vec(), FieldCode::Required, "is required")
}

/// A rule of nouns that stand for people: one of these must be known.
pub(super) fn needs_one_of(document: &Document, names: &[&str], problems: &mut Problems) {
    if names.iter().all(|name| super::value(document, name).is_null()) {
        let message = format!("needs at least one of `{}`", names.join("`, `"));
        problems.push(FieldProblem::at(Vec::new(), FieldCode::Required, message));
    }
}
