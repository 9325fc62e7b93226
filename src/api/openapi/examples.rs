//! Examples of bodies, put together from the examples of their parts, so that none of them can fall behind.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use utoipa::openapi::{Content, OpenApi, RefOr};

use super::operations;

/// The deepest that schemas are followed; ours refer to themselves nowhere.
const DEPTH_MAX: u8 = 16;

/// Gives every body an example that has none.
pub(super) fn add(document: &mut OpenApi) {
    let schemas = Schemas::of(document);
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                body.content.values_mut().for_each(|content| schemas.complete(content, true));
            }
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response {
                    let is_new = status == "201";
                    response.content.values_mut().for_each(|content| schemas.complete(content, is_new));
                }
            }
        }
    }
}

/// Marks a field that only the answer shows which made the thing.
const SHOWN_ONCE: &str = "x-shown-once";

/// The named schemas, as JSON.
struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    fn of(document: &OpenApi) -> Self {
        let named = document.components.iter().flat_map(|components| &components.schemas);
        Self(named.filter_map(|(name, schema)| Some((name.clone(), serde_json::to_value(schema).ok()?))).collect())
    }

    /// `is_new`: what is shown once is shown here.
    fn complete(&self, content: &mut RefOr<Content>, is_new: bool) {
        let RefOr::T(content) = content else { return };
        if content.example.is_some() || !content.examples.is_empty() {
            return;
        }
        let schema = content.schema.as_ref().and_then(|schema| serde_json::to_value(schema).ok());
        content.example = schema.and_then(|schema| Search { schemas: self, is_new }.example(&schema, DEPTH_MAX));
    }
}

/// What one example is made by.
struct Search<'a> {
    schemas: &'a Schemas,
    is_new: bool,
}

impl Search<'_> {
    fn example(&self, schema: &Value, depth: u8) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        if let Some(given) = schema.get("example").or_else(|| schema.get("examples")?.get(0)) {
            return Some(given.clone());
        }
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let name = name.rsplit('/').next()?;
            return self.example(self.schemas.0.get(name)?, depth);
        }
        if let Some(first) = schema.get("default").or_else(|| schema.get("enum")?.get(0)) {
            return Some(first.clone());
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            let parts = parts.iter().filter_map(|part| self.example(part, depth));
            let fields = parts.filter_map(|part| if let Value::Object(fields) = part { Some(fields) } else { None });
            return Some(Value::Object(fields.flatten().collect()));
        }
        if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
            let mut choices = choices.iter().filter(|choice| choice["type"] != "null");
            return choices.find_map(|choice| self.example(choice, depth));
        }
        match first_type(schema)? {
            "object" => self.object(schema, depth),
            "array" => Some(self.example(schema.get("items")?, depth).into_iter().collect()),
            "string" => Some("text".into()),
            "integer" | "number" => Some(schema.get("minimum").cloned().unwrap_or_else(|| 0.into())),
            "boolean" => Some(true.into()),
            _ => Some(Value::Null),
        }
    }

    fn object(&self, schema: &Value, depth: u8) -> Option<Value> {
        let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let shown = fields.filter(|(_, field)| self.is_new || field.get(SHOWN_ONCE).is_none());
        let fields: Option<Map<_, _>> =
            shown.map(|(name, field)| Some((name.clone(), self.example(field, depth)?))).collect();
        fields.map(Value::Object)
    }
}

/// The type of a schema, or the first of several that is not null.
fn first_type(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|word| *word != "null"),
        one => one.as_str(),
    }
}
