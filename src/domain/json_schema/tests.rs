use serde_json::json;

use super::*;

fn schema(source: Value) -> JsonSchema {
    JsonSchema::read(source).unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[track_caller]
#[allow(clippy::needless_pass_by_value, reason = "cases read better so")]
fn refused(source: Value, sentence: &str) {
    let problems = JsonSchema::read(source.clone()).err().unwrap_or_else(|| panic!("{source} is taken"));
    let found = problems[0].sentence();
    assert!(found.contains(sentence), "{found} / {sentence}");
}

#[test]
fn what_does_not_fit_is_told_with_its_place_and_without_its_value() {
    let schema = schema(json!({
        "type": "object",
        "required": ["total"],
        "properties": {
            "total": { "type": "number", "minimum": 0 },
            "items": { "type": "array", "items": { "$ref": "#/$defs/item" } },
        },
        "$defs": { "item": { "properties": { "sku": { "type": "string", "pattern": "^[a-z]+-\\d+$" } } } },
    }));
    assert_eq!(schema.misfits(&json!({ "total": 5, "items": [{ "sku": "a-1" }, {}] })), []);
    let misfits = schema.misfits(&json!({ "total": "s3cret", "items": [{ "sku": "a-1" }, { "sku": "S3CRET" }] }));
    let sentences: Vec<_> = misfits.iter().map(FieldProblem::sentence).collect();
    assert_eq!(sentences.len(), 2);
    assert!(sentences.iter().any(|text| text.starts_with("total does not fit: ")), "{sentences:?}");
    assert!(sentences.iter().any(|text| text.starts_with("items[1].sku does not fit: ")), "{sentences:?}");
    assert!(!sentences.concat().to_lowercase().contains("s3cret"), "{sentences:?}");
    assert_eq!(schema.misfits(&json!({}))[0].path, []);
    let many = json!({ "total": 1, "items": vec![json!({ "sku": 1 }); 100] });
    assert_eq!(schema.misfits(&many).len(), MISFITS_MAX);
    let too_many = json!({ "total": 1, "items": vec![json!({ "sku": 1 }); 20_000] });
    let told = schema.misfits(&too_many);
    assert_eq!((told.len(), &*told[0].message), (1, "does not fit, and is too large to say where"));
}

#[test]
fn a_stored_schema_judges_like_the_one_that_was_read() {
    let source = json!({ "required": ["a"] });
    let stored = JsonSchema::stored(source.clone());
    assert_eq!(stored.misfits(&json!({})), schema(source).misfits(&json!({})));
    // What can no longer be read lets everything through.
    assert_eq!(JsonSchema::stored(json!({ "type": "nonsense" })).misfits(&json!({})), []);
}

#[test]
fn a_schema_stands_alone() {
    for reference in ["https://example.com/s.json", "other.json", "file:///etc/passwd", "#anchor", "#/%24defs/a"] {
        refused(json!({ "properties": { "a": { "$ref": reference } } }), "properties.a.$ref must lead to a place in");
    }
    refused(json!({ "$ref": "#/$defs/none" }), "$ref leads to nothing");
    refused(json!({ "properties": { "a": { "$id": "https://x.example/" } } }), "may stand at the top only");
    refused(json!({ "items": { "$dynamicRef": "#a" } }), "is not allowed here");
    schema(json!({ "$id": "https://acme.example/order", "$ref": "#/$defs/a", "$defs": { "a": true } }));
    // A property may have such a name.
    schema(json!({ "properties": { "$ref": { "type": "string" }, "$id": {}, "pattern": {} } }));
}

#[test]
fn what_is_no_schema_is_refused_where_it_is_not() {
    for source in [json!(null), json!(true), json!([]), json!("object")] {
        refused(source, "must be a JSON Schema");
    }
    refused(json!({ "type": "objekt" }), "type does not fit");
    refused(json!({ "properties": { "a": { "minLength": -1 } } }), "properties.a.minLength does not fit");
    refused(json!({ "required": "a" }), "required does not fit");
    refused(json!({ "$schema": "http://json-schema.org/draft-04/schema#" }), "$schema must be one of");
    refused(json!({ "$schema": 5 }), "$schema must be one of");
    schema(json!({ "$schema": "http://json-schema.org/draft-07/schema#", "definitions": {} }));
    assert!(JsonSchema::read(json!({ "pattern": "(unclosed" })).is_err());
    assert!(JsonSchema::read(json!({ "pattern": "(a+)\\1" })).is_err(), "no backtracking");
}

#[test]
fn what_judging_costs_is_bounded() {
    refused(json!({ "properties": { "child": { "$ref": "#" } } }), "leads back to itself");
    let doubling: serde_json::Map<String, Value> = (0..12)
        .map(|n| {
            let next = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
            (format!("d{n}"), json!({ "allOf": [next, next] }))
        })
        .chain([("d12".to_owned(), json!(true))])
        .collect();
    refused(json!({ "$ref": "#/$defs/d0", "$defs": doubling }), "must have at most 1000");
    let deep = (0..60).fold(json!({}), |inner, _| json!({ "not": inner }));
    refused(deep, "must be nested at most");
    refused(json!({ "description": "x".repeat(SCHEMA_BYTES_MAX) }), "bytes as JSON");
    refused(json!({ "allOf": vec![json!({ "pattern": "a" }); PATTERNS_MAX + 1] }), "patterns");
    assert!(JsonSchema::read(json!({ "pattern": "(((a{1,99}){1,99}){1,99}){1,99}" })).is_err());
    let slow = schema(json!({ "properties": { "a": { "pattern": "^(a+)+$" } } }));
    assert_eq!(slow.misfits(&json!({ "a": format!("{}!", "a".repeat(50_000)) })).len(), 1);
}
