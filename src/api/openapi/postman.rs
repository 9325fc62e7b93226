//! The document as a Postman collection, format v2.1: a folder for each group, a request for each operation with the
//! document's example as its body. What differs between deployments is in variables.

use serde_json::{Value, json};
use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterIn};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{OpenApi, RefOr, Required};

use super::operations;

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

/// The collection of a document.
pub(super) fn collection(mut document: OpenApi) -> Value {
    let mut requests: Vec<(String, Value)> = Vec::new();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let folder = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
            requests.push((folder, request(path, &method, operation)));
        }
    }
    let folders = document.tags.iter().flatten().map(|tag| {
        let of_tag = requests.iter().filter(|(folder, _)| *folder == tag.name);
        json!({
            "name": tag.name,
            "description": tag.description,
            "item": of_tag.map(|(_, request)| request.clone()).collect::<Vec<_>>(),
        })
    });
    let variable = |key: &str, value: &str| json!({ "key": key, "value": value, "type": "string" });
    json!({
        "info": { "name": document.info.title, "description": document.info.description, "schema": SCHEMA },
        "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "{{api_key}}", "type": "string" }] },
        "variable": [
            variable("base_url", "http://localhost:3001"),
            variable("api_key", ""),
            variable("tenant_id", ""),
        ],
        "item": folders.collect::<Vec<_>>(),
    })
}

fn request(path: &str, method: &HttpMethod, operation: &Operation) -> Value {
    let parameters = || operation.parameters.iter().flatten().filter_map(own);
    let (placed, asked) = (
        parameters().filter(|parameter| parameter.parameter_in == ParameterIn::Path),
        parameters().filter(|parameter| parameter.parameter_in == ParameterIn::Query),
    );
    let names: Vec<String> = path.trim_start_matches('/').split('/').map(placeholder).collect();
    let body = example(operation);
    let mut headers = vec![header("Accept", "application/json")];
    if body.is_some() {
        headers.push(header("Content-Type", "application/json"));
    }
    let mut request = json!({
        "method": serde_json::to_value(method).ok().and_then(|word| Some(word.as_str()?.to_uppercase())),
        "description": operation.description,
        "header": headers,
        "url": {
            "raw": format!("{{{{base_url}}}}/{}", names.join("/")),
            "host": ["{{base_url}}"],
            "path": names,
            "variable": placed.map(described).collect::<Vec<_>>(),
            "query": asked.map(|parameter| {
                let mut entry = described(parameter);
                entry["disabled"] = (parameter.required != Required::True).into();
                entry
            }).collect::<Vec<_>>(),
        },
    });
    if let Some(body) = body {
        let raw = serde_json::to_string_pretty(&body).unwrap_or_default();
        request["body"] = json!({ "mode": "raw", "raw": raw, "options": { "raw": { "language": "json" } } });
    }
    if operation.security.iter().flatten().all(|needed| *needed == SecurityRequirement::default()) {
        request["auth"] = json!({ "type": "noauth" });
    }
    json!({ "name": operation.summary, "request": request, "response": [] })
}

fn own(parameter: &RefOr<Parameter>) -> Option<&Parameter> {
    match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    }
}

/// `{id}` as Postman spells it; a tenant's id is the one that is set for all requests.
fn placeholder(segment: &str) -> String {
    match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some("tenantId") => "{{tenant_id}}".to_owned(),
        Some(name) => format!(":{name}"),
        None => segment.to_owned(),
    }
}

fn described(parameter: &Parameter) -> Value {
    json!({ "key": parameter.name, "value": "", "description": parameter.description })
}

fn header(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": value })
}

fn example(operation: &Operation) -> Option<Value> {
    let RefOr::T(body) = operation.request_body.as_ref()? else { return None };
    let RefOr::T(content) = body.content.get("application/json")? else { return None };
    content.example.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_a_request() {
        let mut document = super::super::document();
        let count: usize = document.paths.paths.values_mut().map(|item| operations(item).count()).sum();
        let collection = collection(document);
        let folders = collection["item"].as_array().unwrap();
        let requests: Vec<_> = folders.iter().flat_map(|folder| folder["item"].as_array().unwrap()).collect();
        assert_eq!(requests.len(), count);
        let update = requests.iter().find(|item| item["name"] == "Change a webhook").unwrap();
        let request = &update["request"];
        assert_eq!(request["method"], "PATCH");
        assert_eq!(request["url"]["raw"], "{{base_url}}/api/v1/webhooks/:id");
        assert_eq!(request["url"]["variable"][0]["key"], "id");
        let body: Value = serde_json::from_str(request["body"]["raw"].as_str().unwrap()).unwrap();
        assert!(body.is_object());
        let variables = collection["variable"].as_array().unwrap().iter().map(|variable| &variable["key"]);
        assert_eq!(variables.collect::<Vec<_>>(), ["base_url", "api_key", "tenant_id"]);
    }
}
