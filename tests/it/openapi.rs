//! The document: complete, true to itself, as committed, and held against what the routes do.

use std::collections::BTreeSet;

use angarium::api::{Code, openapi};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::JsonBody as _;
use crate::support::document::{Operation, document, operations};
use crate::support::{Reply, TestApp, both_engines};

both_engines!(every_parameter_is_described, every_example_of_a_request_is_accepted);

/// A route that reads its query lists what it knows when it is asked for something else.
async fn every_parameter_is_described(app: TestApp) {
    let read_by_keys = |operation: &Operation| operation.method == Method::GET && operation.permission().is_some();
    for operation in operations().into_iter().filter(read_by_keys) {
        let path = operation.example_path();
        let path = format!("{path}{}somethingElse=1", if path.contains('?') { '&' } else { '?' });
        let reply = app.client.get(&path).await;
        let described: BTreeSet<&str> = operation.query().into_iter().collect();
        if reply.status != 422 {
            assert!(described.is_empty(), "{} describes parameters that it does not read", operation.id);
            continue;
        }
        let errors = reply.json()["error"]["details"]["errors"].clone();
        let message = errors[0]["message"].as_str().unwrap().to_owned();
        let (_, names) = message.split_once("here are: ").expect("it lists them");
        let known: BTreeSet<&str> = names.split(", ").map(|name| name.trim_matches('`')).collect();
        assert_eq!(described, known, "{}", operation.id);
    }
    app.finish().await;
}

/// Whether a request is refused for nothing but naming what is not there.
fn names_what_is_not_there(reply: &Reply) -> bool {
    let error = if reply.status == 422 { reply.json()["error"].take() } else { return reply.status == 404 };
    error["details"]["errors"].as_array().is_some_and(|errors| errors.iter().all(|e| e["code"] == "NOT_FOUND"))
}

/// It may be of something that does not exist; but it has the right form.
async fn every_example_of_a_request_is_accepted(app: TestApp) {
    for operation in operations() {
        let Some(body) = &operation.body else { continue };
        let request = app.client.request(operation.method.clone(), &operation.example_path()).json_body(body);
        let reply = app.client.send(request).await;
        let is_wrong = matches!(reply.status, 400 | 413 | 415 | 422 | 500..) && !names_what_is_not_there(&reply);
        assert!(!is_wrong, "{}: {}", operation.id, reply.text);
    }
    app.finish().await;
}

#[test]
fn every_operation_is_described_in_full() {
    let document = document();
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    for operation in operations() {
        let (id, json) = (&operation.id, &operation.json);
        assert!(ids.insert(id.clone()), "{id} is there twice");
        assert!(id.starts_with(|c: char| c.is_ascii_lowercase()) && !id.contains('_'), "{id} is not in camelCase");
        assert!(!json["summary"].as_str().unwrap_or_default().is_empty(), "{id} has no summary");
        assert!(json["tags"].as_array().is_some_and(|of| of.len() == 1), "{id} has one tag");
        assert!(tags.contains(json["tags"][0].as_str().unwrap()), "{id} has a tag that the document does not know");
        assert!(json["security"].is_array(), "{id} does not say whom it lets in");
        if let Some(content) = json["requestBody"]["content"].as_object() {
            assert!(content.values().all(has_example), "{id} has no example of its request");
        }
        let responses = json["responses"].as_object().unwrap();
        let mut good = responses.iter().filter(|(status, _)| status.starts_with('2')).peekable();
        assert!(good.peek().is_some(), "{id} does not say what it answers");
        for (status, response) in good {
            let content = response["content"].as_object().unwrap_or_else(|| panic!("{id}: {status} has no body"));
            assert!(content.values().all(has_example), "{id} has no example of its {status}");
        }
        let needs_key = if operation.is_open() { &[][..] } else { &["401", "403"] };
        for status in ["429", "500", "503"].iter().chain(needs_key) {
            assert!(responses.contains_key(*status), "{id} does not say how it answers {status}");
        }
    }
}

fn has_example(content: &Value) -> bool {
    content.get("example").is_some() || content.get("examples").is_some()
}

#[test]
fn every_example_fits_its_schema() {
    let document = document();
    let mut checked = 0;
    each_object(&document, &mut |object| {
        let (Some(schema), Some(example)) = (object.get("schema"), object.get("example")) else { return };
        let whole = json!({ "allOf": [schema], "components": document["components"] });
        let validator = jsonschema::validator_for(&whole).unwrap();
        let errors: Vec<_> = validator.iter_errors(example).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{example}: {}", errors.join("; "));
        checked += 1;
    });
    assert!(checked > 30, "{checked}");
}

#[test]
fn every_reference_is_of_something() {
    let document = document();
    each_object(&document, &mut |object| {
        if let Some(Value::String(reference)) = object.get("$ref") {
            let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
            assert!(target.is_some(), "{reference} is of nothing");
        }
    });
}

fn each_object(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            visit(fields);
            fields.values().for_each(|field| each_object(field, visit));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| each_object(entry, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn committed(name: &str) -> String {
    std::fs::read_to_string(format!("{}/docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap_or_default()
}

#[test]
fn the_committed_documents_are_those_of_the_code() {
    let is_current = committed("openapi.json").trim_end() == openapi::json();
    assert!(is_current, "run `cargo run -- openapi > docs/openapi.json`");
    let is_current = committed("errors.md").trim_end() == openapi::errors_markdown().trim_end();
    assert!(is_current, "run `cargo run -- openapi --errors > docs/errors.md`");
}

#[test]
fn every_code_has_a_section_and_is_in_the_schema() {
    let (page, document) = (committed("errors.md"), document());
    let text = document["components"]["schemas"].to_string();
    for code in Code::ALL.map(Code::as_str) {
        assert!(page.contains(&format!("\n## {code}\n")), "docs/errors.md has no section for {code}");
        assert!(text.contains(&format!("\"{code}\"")), "{code} is not among the document's codes");
    }
}
