//! The schemas of records, made of the fields that bodies are judged by: no bound is written twice.

use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};

use crate::domain::noun::kind::{Kind, LABEL_CHARS_MAX};
use crate::domain::noun::{Access, Field, Filter, FilterBy, Initial, Noun, schema};

/// What a schema is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A record as it is shown: every field is there.
    Shown,
    /// A body that makes one.
    New,
    /// A body that changes one.
    Change,
}

/// A record as it is shown.
pub(super) fn shown(noun: &Noun) -> Schema {
    let example = noun.example_value();
    let stamp = |about| date_time().description(Some(about)).read_only(true);
    let mut object = ObjectBuilder::new()
        .description(Some(noun.about))
        .property("id", id(noun).description(Some("Its id.")).read_only(true))
        .required("id");
    for field in noun.fields {
        object = object.property(field.name, property(field, Shape::Shown)).required(field.name);
    }
    object
        .property("createdAt", stamp("When it was made."))
        .required("createdAt")
        .property("updatedAt", stamp("When it was last changed."))
        .required("updatedAt")
        .examples([Value::Object(example)])
        .into()
}

/// A body that makes a record.
pub(super) fn new(noun: &Noun) -> Schema {
    body(noun, Shape::New)
}

/// A body that makes a part of a thing which the path names.
pub(super) fn new_part(noun: &Noun) -> Schema {
    let mut schema = body(noun, Shape::New);
    if let (Schema::Object(object), Some(parent)) = (&mut schema, noun.parent) {
        object.required.retain(|name| name != parent);
        object.properties.shift_remove(parent);
        for example in &mut object.examples {
            if let Value::Object(fields) = example {
                fields.remove(parent);
            }
        }
    }
    schema
}

/// A body that changes a record.
pub(super) fn change(noun: &Noun) -> Schema {
    body(noun, Shape::Change)
}

fn body(noun: &Noun, shape: Shape) -> Schema {
    let mut object = ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)));
    let mut example = noun.example_value();
    for field in noun.fields {
        if !is_taken(field, shape) {
            example.remove(field.name);
            continue;
        }
        object = object.property(field.name, property(field, shape));
        if shape == Shape::New && field.initial == Initial::Required {
            object = object.required(field.name);
        }
    }
    // A new one's group may also be given flat; see `gather_groups`.
    let beside = noun.fields.iter().filter_map(|field| members(field)).flatten();
    for field in beside {
        object = object.property(field.name, property(field, shape));
    }
    for name in ["id", "createdAt", "updatedAt"] {
        example.remove(name);
    }
    example.retain(|_, value| !value.is_null());
    object.examples([Value::Object(example)]).into()
}

fn members(field: &Field) -> Option<&'static [Field]> {
    let Kind::Group(members) = field.kind else { return None };
    Some(members)
}

fn is_taken(field: &Field, shape: Shape) -> bool {
    match (field.access, shape) {
        (Access::Open, _) | (Access::Fixed, Shape::New) | (_, Shape::Shown) => true,
        (Access::Fixed, Shape::Change) | (Access::ReadOnly, Shape::New | Shape::Change) => false,
    }
}

/// The body of an action; none where it takes nothing.
pub(super) fn action(fields: impl IntoIterator<Item = Field>) -> Option<Schema> {
    let mut object = ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)));
    let mut is_empty = true;
    for field in fields {
        is_empty = false;
        object = object.property(field.name, property(&field, Shape::New));
        if field.initial == Initial::Required {
            object = object.required(field.name);
        }
    }
    (!is_empty).then(|| object.into())
}

/// A parameter of a list: its schema, and whether it takes several values.
pub(super) fn filter(noun: &Noun, filter: &Filter) -> (RefOr<Schema>, bool) {
    match filter.by {
        FilterBy::Value => {
            let field = noun.fields.iter().find(|field| field.name == filter.name);
            let schema = field.map_or_else(|| text().into(), |field| read(schema::of(field.kind, false)));
            (schema, false)
        }
        FilterBy::Entries => (ArrayBuilder::new().items(text().max_length(Some(LABEL_CHARS_MAX))).into(), true),
        FilterBy::Words(_) => (text().min_length(Some(1)).into(), false),
    }
}

/// The pattern of a noun's ids.
pub(super) fn id(noun: &Noun) -> ObjectBuilder {
    let example = noun.example_value().remove("id");
    text().pattern(Some(schema::id_pattern(noun))).examples(example)
}

fn property(field: &Field, shape: Shape) -> RefOr<Schema> {
    let is_nullable = match shape {
        Shape::Shown => field.is_nullable(),
        // Null resets what has something to be reset to.
        Shape::New | Shape::Change => field.initial != Initial::Required,
    };
    let has_default = shape == Shape::New && field.initial != Initial::Required;
    let default = Some(field.initial_value()).filter(|initial| has_default && !initial.is_null());
    if let Some(members) = members(field) {
        let mut object = ObjectBuilder::new().description(Some(field.about));
        for member in members {
            object = object.property(member.name, property(member, shape));
            if shape == Shape::Shown {
                object = object.required(member.name);
            }
        }
        return object.into();
    }
    let mut json = schema::property(field, is_nullable);
    json.extend(default.map(|default| ("default".to_owned(), default)));
    read(json)
}

/// A schema as the document's library has it.
fn read(json: Map<String, Value>) -> RefOr<Schema> {
    RefOr::T(serde_json::from_value(Value::Object(json)).expect("a test makes the whole document"))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn date_time() -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}
