//! What the document says of requests, held against what the routes do with them.

use std::collections::BTreeSet;

use reqwest::Method;

use crate::support::client::JsonBody as _;
use crate::support::document::{Operation, operations};
use crate::support::{Reply, TestApp, both_engines};

both_engines!(every_parameter_is_described, every_example_of_a_request_is_accepted);

/// A route that reads its query lists what it knows when it is asked for something else.
async fn every_parameter_is_described(app: TestApp) {
    let read_by_keys = |operation: &Operation| operation.method == Method::GET && operation.permission().is_some();
    for operation in operations().into_iter().filter(read_by_keys) {
        let path = format!("{}?somethingElse=1", operation.example_path());
        let reply = app.client.get(&path).await;
        let described: BTreeSet<&str> = operation.query().into_iter().collect();
        if reply.status != 422 {
            assert!(described.is_empty(), "{} describes parameters that it does not read", operation.id);
            continue;
        }
        let errors = reply.json()["error"]["details"]["errors"].clone();
        let message = errors[0]["message"].as_str().unwrap().to_owned();
        let (_, names) = message.split_once("there are: ").expect("it lists them");
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
