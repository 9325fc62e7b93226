//! Every operation of the document, as the document describes it: it asks for a key, for the permission that it
//! names, and shows nothing of another tenant or of the other environment. The document is the list, so a route is
//! tested here by being described.

use std::collections::BTreeMap;

use angarium::domain::permission::{MANAGE_WEBHOOKS, Permission};
use angarium::domain::tenant::Environment;
use angarium::receiver::Behaviour;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Client, JsonBody as _};
use crate::support::document::{Operation, operations};
use crate::support::{Reply, TestApp, both_engines};

both_engines!(
    every_operation_asks_for_a_key,
    every_operation_asks_for_its_permission,
    no_key_opens_what_needs_a_person,
    managing_webhooks_is_one_word,
    nothing_is_seen_across_tenants_and_environments,
);

fn request(client: &Client, operation: &Operation, path: &str) -> reqwest::RequestBuilder {
    with_body(client.request(operation.method.clone(), path), operation)
}

fn with_body(request: reqwest::RequestBuilder, operation: &Operation) -> reqwest::RequestBuilder {
    match &operation.body {
        Some(body) => request.json_body(body),
        None => request,
    }
}

#[track_caller]
fn refused(operation: &Operation, reply: &Reply, status: u16, code: &str) -> String {
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{}: {}", operation.id, reply.text);
    reply.json()["error"]["message"].as_str().unwrap().to_owned()
}

async fn every_operation_asks_for_a_key(app: TestApp) {
    for operation in operations() {
        let bare = app.client.anonymous(operation.method.clone(), &operation.example_path());
        let reply = app.client.send(with_body(bare, &operation)).await;
        if operation.is_open() {
            let known = request(&app.client, &operation, &operation.example_path());
            assert_eq!(app.client.send(known).await.status, reply.status, "{} minds who asks", operation.id);
        } else {
            refused(&operation, &reply, 401, "AUTH_REQUIRED");
        }
    }
    app.finish().await;
}

async fn every_operation_asks_for_its_permission(app: TestApp) {
    for permission in Permission::ALL.map(Permission::as_str) {
        let others: Vec<&str> =
            Permission::ALL.map(Permission::as_str).into_iter().filter(|p| *p != permission).collect();
        let (without, with) = (app.client_with(&others).await, app.client_with(&[permission]).await);
        for operation in operations().into_iter().filter(|operation| operation.permission() == Some(permission)) {
            let path = operation.example_path();
            let reply = without.send(request(&without, &operation, &path)).await;
            let message = refused(&operation, &reply, 403, "PERMISSION_DENIED");
            assert!(message.contains(&format!("`{permission}`")), "{}: {message}", operation.id);
            let reply = with.send(request(&with, &operation, &path)).await;
            let is_denied = reply.status == 401 || reply.code() == "PERMISSION_DENIED";
            assert!(!is_denied, "{}: {}", operation.id, reply.text);
        }
    }
    app.finish().await;
}

async fn no_key_opens_what_needs_a_person(app: TestApp) {
    for operation in operations().into_iter().filter(|operation| !operation.is_open()) {
        if operation.permission().is_none() {
            let reply = app.client.send(request(&app.client, &operation, &operation.example_path())).await;
            refused(&operation, &reply, 401, "AUTH_REQUIRED");
        }
    }
    app.finish().await;
}

async fn managing_webhooks_is_one_word(app: TestApp) {
    let manager = app.client_with(&[MANAGE_WEBHOOKS]).await;
    for operation in operations() {
        let Some(permission) = operation.permission() else { continue };
        let reply = manager.send(request(&manager, &operation, &operation.example_path())).await;
        let covers =
            permission.ends_with(":webhooks") || permission.ends_with(":deliveries") || permission == MANAGE_WEBHOOKS;
        assert_eq!(reply.code() == "PERMISSION_DENIED", !covers, "{}: {}", operation.id, reply.text);
    }
    app.finish().await;
}

/// The id of something of ours, from the list at a path, or made there with the document's example.
async fn id_at(app: &TestApp, collection: &str) -> Option<String> {
    let all = operations();
    let at = |method: Method| all.iter().find(|operation| operation.method == method && operation.path == collection);
    if at(Method::GET).is_some() {
        let listed = app.client.get(collection).await.expect(200).json();
        if let Some(id) = first_id(&listed["data"]) {
            return Some(id);
        }
    }
    let create = at(Method::POST)?;
    let mut body = create.body.clone()?;
    let reply = app.client.post(collection, &body).await;
    let missing = missing(&reply);
    if missing.is_empty() {
        assert!(reply.status < 300, "{}: its own example is refused: {}", create.id, reply.text);
        return reply.data()["id"].as_str().map(str::to_owned);
    }
    for field in missing {
        // One id, or a list of them.
        let example = &mut body[&field];
        let example = if example.is_array() { &mut example[0] } else { example };
        let prefix = example.as_str()?.split('_').next()?.to_owned();
        let named = all.iter().find(|operation| operation.id_prefix() == Some(&prefix))?;
        let (collection, _) = named.path.split_once("/{")?;
        *example = Box::pin(id_at(app, collection)).await?.into();
    }
    app.client.post(collection, &body).await.expect(201).data()["id"].as_str().map(str::to_owned)
}

/// The fields of a request that name what is not there: examples know no ids of ours.
fn missing(reply: &Reply) -> Vec<String> {
    let json = reply.json();
    let errors = json["error"]["details"]["errors"].as_array().into_iter().flatten();
    let missing = errors.filter(|error| error["code"] == "NOT_FOUND");
    missing.map(|error| error["path"][0].as_str().unwrap().to_owned()).collect()
}

/// The id of the first entry of a list, which is `data` or stands in it.
fn first_id(data: &Value) -> Option<String> {
    let entries = data.as_array().or_else(|| data.as_object()?.values().find_map(Value::as_array))?;
    entries.first()?["id"].as_str().map(str::to_owned)
}

async fn nothing_is_seen_across_tenants_and_environments(app: TestApp) {
    // It has every sub-resource that a webhook may have: a dead delivery, and a public key.
    let fields = json!({ "retryPolicy": { "maxRetries": 0 }, "signature": { "schemes": ["v1", "v1a"] } });
    app.webhook_with("fails", fields, Behaviour { status: 500, ..Behaviour::default() }).await;
    let event = app.publish("order.created", json!({ "n": 1 })).await;
    app.delivery_in(&event, "dead").await;
    let strangers =
        [app.client_of("stranger", Environment::Staging).await, app.client_of("acme", Environment::Production).await];
    // The catalogue is everybody's, so one of our own stands for its types.
    let own = app.client.post("/api/v1/event-types", &json!({ "name": "only.ours" })).await.expect(201).data();
    let mut ids = BTreeMap::from([("/api/v1/event-types".to_owned(), own["name"].as_str().unwrap().to_owned())]);
    for operation in operations().into_iter().filter(|operation| operation.permission().is_some()) {
        let Some((collection, _)) = operation.path.split_once("/{") else { continue };
        if !ids.contains_key(collection) {
            let id = id_at(&app, collection).await.unwrap_or_else(|| panic!("nothing is at {collection}"));
            ids.insert(collection.to_owned(), id);
        }
        let path = operation.path_with(&ids[collection]);
        if operation.method == Method::GET {
            app.client.get(&path).await.expect(200);
        }
        for stranger in &strangers {
            let reply = stranger.send(request(stranger, &operation, &path)).await;
            refused(&operation, &reply, 404, "RESOURCE_NOT_FOUND");
        }
    }
    assert!(ids.len() >= 4, "{ids:?}");
    app.finish().await;
}
