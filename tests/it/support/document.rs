//! The `OpenAPI` document, as tests walk it.

use reqwest::Method;
use serde_json::Value;

/// One operation of the document.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The document's own example of the request's body.
    pub(crate) body: Option<Value>,
    /// As the document has it, with references followed.
    pub(crate) json: Value,
    parameters: Vec<Value>,
}

/// The document.
pub(crate) fn document() -> Value {
    serde_json::from_str(&angarium::api::openapi::json()).unwrap()
}

/// Every operation of it.
pub(crate) fn operations() -> Vec<Operation> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(|(method, operation)| read(&document, path, method, operation))
    });
    operations.collect()
}

fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Operation {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    Operation {
        id: operation["operationId"].as_str().unwrap().to_owned(),
        method: method.to_uppercase().parse().unwrap(),
        path: path.to_owned(),
        body: operation["requestBody"]["content"]["application/json"].get("example").cloned(),
        json: operation.clone(),
        parameters: parameters.map(|parameter| follow(document, parameter)).collect(),
    }
}

/// A value, or what it refers to, with the references inside its schema followed too.
fn follow(document: &Value, value: &Value) -> Value {
    let mut value = match value["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).expect("references are of something").clone(),
        None => value.clone(),
    };
    if let Some(schema) = value.get("schema").cloned() {
        value["schema"] = follow(document, &schema);
    }
    value
}

impl Operation {
    /// Whether anybody may ask.
    pub(crate) fn is_open(&self) -> bool {
        self.security().all(|needed| needed.as_object().unwrap().is_empty())
    }

    /// The permission that a key needs; `None` where a key does not do.
    pub(crate) fn permission(&self) -> Option<&str> {
        self.security().find_map(|needed| needed["apiKey"][0].as_str())
    }

    fn security(&self) -> impl Iterator<Item = &Value> {
        self.json["security"].as_array().expect("an operation says whom it lets in").iter()
    }

    /// The names of its parameters in the query.
    pub(crate) fn query(&self) -> Vec<&str> {
        let in_query = self.parameters.iter().filter(|parameter| parameter["in"] == "query");
        in_query.map(|parameter| parameter["name"].as_str().unwrap()).collect()
    }

    /// What the ids of its path start with.
    pub(crate) fn id_prefix(&self) -> Option<&str> {
        let first = self.parameters.iter().find(|parameter| parameter["in"] == "path")?;
        first["schema"]["pattern"].as_str()?.strip_prefix('^')?.split('_').next()
    }

    /// Its path with ids as they look, of nothing that exists.
    pub(crate) fn example_path(&self) -> String {
        self.fill(&self.path)
    }

    /// The same with an id for the first of them.
    pub(crate) fn path_with(&self, id: &str) -> String {
        let (before, rest) = self.path.split_once('{').expect("the path has an id");
        let (_, after) = rest.split_once('}').expect("braces close");
        self.fill(&format!("{before}{id}{after}"))
    }

    fn fill(&self, path: &str) -> String {
        // What goes on is asked to end.
        let path = if self.query().contains(&"follow") { format!("{path}?follow=false") } else { path.to_owned() };
        let in_path = self.parameters.iter().filter(|parameter| parameter["in"] == "path");
        in_path.fold(path, |path, parameter| {
            let example = parameter["schema"]["examples"][0].as_str().unwrap_or("example");
            path.replace(&format!("{{{}}}", parameter["name"].as_str().unwrap()), example)
        })
    }
}
