//! The document for generators that know nothing after `OpenAPI` 3.0.
//!
//! 3.0 has no type `null` and no lists of types, one `example` where 3.1 has `examples`, no siblings beside `$ref`, no
//! roles beside a scheme that is not OAuth, and no `webhooks`. Each has an older spelling but the last, which goes.

use serde_json::{Map, Value, json};

/// Spells a 3.1 document as 3.0.
pub(super) fn downgrade(mut document: Value) -> Value {
    document["openapi"] = "3.0.3".into();
    if let Some(fields) = document.as_object_mut() {
        fields.remove("webhooks");
    }
    if let Some(license) = document.pointer_mut("/info/license").and_then(Value::as_object_mut) {
        license.remove("identifier");
    }
    for part in ["paths", "components"] {
        walk(&mut document[part]);
    }
    document
}

fn walk(value: &mut Value) {
    match value {
        Value::Array(entries) => entries.iter_mut().for_each(walk),
        Value::Object(fields) => {
            for name in ["schema", "items", "additionalProperties"] {
                fields.get_mut(name).into_iter().for_each(schema);
            }
            let named = fields.get_mut("schemas").and_then(Value::as_object_mut);
            named.into_iter().flat_map(Map::values_mut).for_each(schema);
            for (name, field) in fields {
                match (name.as_str(), field) {
                    // Data, not description.
                    ("example" | "examples" | "schemas" | "schema", _) => {}
                    ("security", field) => roles(field),
                    (_, field) => walk(field),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn roles(security: &mut Value) {
    for needed in security.as_array_mut().into_iter().flatten() {
        needed.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(|roles| *roles = json!([]));
    }
}

fn schema(value: &mut Value) {
    let Some(fields) = value.as_object_mut() else { return };
    if let Some(reference) = fields.remove("$ref") {
        let siblings = !fields.is_empty();
        fields.retain(|_, _| siblings);
        if siblings {
            fields.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
        } else {
            fields.insert("$ref".to_owned(), reference);
        }
    }
    if let Some(first) = fields.remove("examples").and_then(|examples| examples.get(0).cloned()) {
        fields.entry("example").or_insert(first);
    }
    for name in ["propertyNames", "contentMediaType", "contentEncoding"] {
        fields.remove(name);
    }
    if let Some(only) = fields.remove("const") {
        fields.insert("enum".to_owned(), json!([only]));
    }
    several_types(fields);
    without_null(fields);
    for name in ["items", "additionalProperties", "not"] {
        fields.get_mut(name).into_iter().for_each(schema);
    }
    let properties = fields.get_mut("properties").and_then(Value::as_object_mut);
    properties.into_iter().flat_map(Map::values_mut).for_each(schema);
    for name in ["allOf", "oneOf", "anyOf"] {
        fields.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().for_each(schema);
    }
}

/// `type: [string, null]` is a nullable string; of several real types, each is a choice.
fn several_types(fields: &mut Map<String, Value>) {
    let Some(Value::Array(types)) = fields.get("type").cloned() else { return };
    let (nulls, types): (Vec<Value>, Vec<Value>) = types.into_iter().partition(|word| word == "null");
    if !nulls.is_empty() {
        fields.insert("nullable".to_owned(), true.into());
    }
    fields.remove("type");
    match types.as_slice() {
        [] => {}
        [only] => {
            fields.insert("type".to_owned(), only.clone());
        }
        several => {
            let choices = several.iter().map(|word| json!({ "type": word })).collect();
            fields.insert("anyOf".to_owned(), choices);
        }
    }
}

/// `oneOf: [null, this]` is a nullable this.
fn without_null(fields: &mut Map<String, Value>) {
    for name in ["oneOf", "anyOf"] {
        let Some(Value::Array(choices)) = fields.get_mut(name) else { continue };
        let before = choices.len();
        choices.retain(|choice| choice["type"] != "null");
        if choices.len() == before {
            continue;
        }
        if let [only] = choices.as_slice() {
            let only = json!([only]);
            fields.remove(name);
            fields.insert("allOf".to_owned(), only);
        }
        fields.insert("nullable".to_owned(), true.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(mut value: Value) -> Value {
        schema(&mut value);
        value
    }

    #[test]
    fn null_is_a_flag() {
        assert_eq!(spelled(json!({ "type": ["string", "null"] })), json!({ "type": "string", "nullable": true }));
        let reference = json!({ "$ref": "#/components/schemas/X" });
        assert_eq!(
            spelled(json!({ "oneOf": [{ "type": "null" }, reference] })),
            json!({ "allOf": [reference], "nullable": true })
        );
        let two = json!([{ "type": "string" }, { "type": "integer" }]);
        assert_eq!(spelled(json!({ "type": ["string", "integer"] })), json!({ "anyOf": two }));
    }

    #[test]
    fn what_stands_beside_a_reference_is_kept() {
        let reference = json!({ "$ref": "#/components/schemas/X" });
        assert_eq!(spelled(reference.clone()), reference);
        let described = json!({ "$ref": "#/components/schemas/X", "description": "d" });
        assert_eq!(spelled(described), json!({ "allOf": [reference], "description": "d" }));
    }

    #[test]
    fn the_whole_document_has_nothing_newer() {
        let older = downgrade(serde_json::to_value(super::super::document()).unwrap());
        assert_eq!((&older["openapi"], older.get("webhooks")), (&json!("3.0.3"), None));
        let text = older.to_string();
        for newer in ["\"type\":\"null\"", "\"type\":[", "\"identifier\"", "\"const\":"] {
            assert!(!text.contains(newer), "{newer}");
        }
        let security = &older["paths"]["/api/v1/webhooks"]["get"]["security"];
        assert_eq!(*security, json!([{ "apiKey": [] }, { "apiKeyHeader": [] }, { "session": [] }]));
        let schemas = older["components"]["schemas"].as_object().unwrap();
        assert!(schemas.values().all(|schema| schema.get("examples").is_none()));
    }
}
