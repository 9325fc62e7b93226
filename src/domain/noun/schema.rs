//! The JSON Schemas of fields, for the API's document and for the catalogue of event types: no bound is written twice.

use serde_json::{Map, Value, json};

use super::kind::{EMAIL_CHARS_MAX, Kind, LABEL_CHARS_MAX, LABELS_MAX, LINK_CHARS_MAX};
use super::{Field, Noun};

/// What a field looks like, with its sentence. Of a group only that it is an object: what its members look like differs
/// between what is given and what is shown.
#[must_use]
pub fn property(field: &Field, is_nullable: bool) -> Map<String, Value> {
    let mut schema = of(field.kind, is_nullable);
    schema.insert("description".to_owned(), Value::from(field.about));
    schema
}

/// What values of a kind look like.
#[must_use]
pub fn of(kind: Kind, is_nullable: bool) -> Map<String, Value> {
    let mut schema = match kind {
        Kind::Text { max, lines: _ } => json!({ "type": "string", "minLength": 1, "maxLength": max }),
        Kind::Email => json!({
            "type": "string", "format": "email", "maxLength": EMAIL_CHARS_MAX, "examples": ["ada@okafor.example"],
        }),
        Kind::Phone => json!({
            "type": "string", "pattern": r"^\+?[0-9 ()./-]{3,}$", "examples": ["+493012345678"],
        }),
        Kind::Link => json!({
            "type": "string", "format": "uri", "maxLength": LINK_CHARS_MAX,
            "examples": ["https://shop.example/pricing"],
        }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Count { max } => json!({ "type": "integer", "minimum": 0, "maximum": max }),
        Kind::Time => json!({ "type": "string", "format": "date-time", "examples": ["2026-11-21T20:04:59.120Z"] }),
        Kind::Labels => {
            let label = json!({ "type": "string", "minLength": 1, "maxLength": LABEL_CHARS_MAX, "pattern": "^[^,]+$" });
            json!({ "type": "array", "items": label, "maxItems": LABELS_MAX })
        }
        Kind::Map => json!({ "type": "object", "additionalProperties": true }),
        Kind::Group(_) => json!({ "type": "object" }),
        Kind::Reference(noun) => {
            json!({ "type": "string", "pattern": id_pattern(noun), "examples": [noun.example_value()["id"]] })
        }
    };
    if is_nullable {
        schema["type"] = json!([schema["type"], "null"]);
        if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
            words.push(Value::Null);
        }
    }
    match schema {
        Value::Object(schema) => schema,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// The pattern of a noun's ids.
#[must_use]
pub fn id_pattern(noun: &Noun) -> String {
    format!("^{}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$", noun.prefix)
}
