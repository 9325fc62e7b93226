use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::domain::event::EventType;
use crate::domain::field::{FieldProblem, Given};
use crate::domain::json_schema::JsonSchema;
use crate::domain::noun::{NOUNS, Noun};

#[test]
fn every_example_fits_its_schema() {
    for one in built_in() {
        EventType::parse(&one.name).unwrap();
        assert!(one.example.is_object() && one.description.ends_with('.'), "{}", one.name);
        let schema =
            JsonSchema::read(one.schema.clone()).unwrap_or_else(|problems| panic!("{}: {problems:?}", one.name));
        assert_eq!(schema.misfits(&one.example), [], "{}", one.name);
        assert!(!schema.misfits(&json!({})).is_empty(), "{}: its schema asks for something", one.name);
    }
}

#[test]
fn the_catalogue_has_what_the_nouns_emit_and_what_angarium_publishes() {
    let names: BTreeSet<&str> = built_in().iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names.len(), built_in().len(), "each once");
    let of_nouns: BTreeSet<&str> = NOUNS.into_iter().flat_map(Noun::event_types).collect();
    let operations = [
        "api_key.rotation_due",
        "delivery.exhausted",
        "quota.reached",
        "webhook.disabled",
        "webhook.failing",
        "webhook.test",
    ];
    assert_eq!(names, of_nouns.into_iter().chain(operations).collect());
    assert!(names.iter().all(|name| built_in_named(name).is_some_and(|one| one.name == *name)));
    assert!(built_in_named("order.created").is_none());
}

#[test]
fn an_example_is_the_record_with_every_field_of_its_noun() {
    for noun in NOUNS {
        for name in noun.event_types() {
            let example = built_in_named(name).unwrap().example.as_object().unwrap();
            let fields = noun.fields.iter().map(|field| field.name).chain(["id", "createdAt", "updatedAt"]);
            assert_eq!(example.keys().map(String::as_str).collect::<BTreeSet<_>>(), fields.collect(), "{name}");
        }
    }
}

fn places(draft: TypeDraft, current: Option<&TypeSettings>) -> Vec<String> {
    let sentence = |problem: &FieldProblem| problem.sentence().split(' ').next().unwrap().to_owned();
    draft.check(current).unwrap_err().iter().map(sentence).collect()
}

#[test]
fn all_problems_of_a_type_come_at_once() {
    let draft = TypeDraft {
        description: Given::Value("x".repeat(DESCRIPTION_CHARS_MAX + 1)),
        example: Given::Value(serde_json::from_value(json!({ "x": "y".repeat(EXAMPLE_BYTES_MAX) })).unwrap()),
        schema: Given::Value(json!({ "type": "objekt" })),
        mode: Given::Value("strict".to_owned()),
    };
    assert_eq!(places(draft, None), ["schemaMode", "description", "example", "schema.type"]);
}

#[test]
fn a_schema_its_example_and_its_mode_fit_together() {
    let schema = json!({ "required": ["total"] });
    let example = |value: Value| Given::Value(value.as_object().unwrap().clone());
    let misfit = TypeDraft {
        schema: Given::Value(schema.clone()),
        example: example(json!({ "sum": 1 })),
        ..TypeDraft::default()
    };
    assert_eq!(places(misfit, None), ["example"]);
    let bare = TypeDraft { mode: Given::Value("reject".to_owned()), ..TypeDraft::default() };
    assert_eq!(places(bare.clone(), None), ["schemaMode"]);
    let draft = TypeDraft { schema: Given::Value(schema), example: example(json!({ "total": 1 })), ..bare };
    let current = draft.check(None).unwrap();
    assert_eq!(current.mode, SchemaMode::Reject);
    assert_eq!(TypeDraft::default().check(Some(&current)).unwrap(), current);
    assert_eq!(places(TypeDraft { schema: Given::Null, ..TypeDraft::default() }, Some(&current)), ["schemaMode"]);
    assert_eq!(places(TypeDraft { example: example(json!({})), ..TypeDraft::default() }, Some(&current)), ["example"]);
    let cleared = TypeDraft { schema: Given::Null, mode: Given::Null, ..TypeDraft::default() };
    assert_eq!(cleared.check(Some(&current)).unwrap().schema, None);
}
