//! Event types: the catalogue that everybody has, and a tenant's own types, whose schemas judge what is published.

use angarium::domain::tenant::Environment;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::JsonBody as _;
use crate::support::{Reply, TestApp, both_engines};

both_engines!(
    the_catalogue_is_listed_with_examples_and_schemas,
    an_own_type_is_created_changed_and_deleted,
    built_in_types_are_read_only,
    a_schema_that_rejects_refuses_what_does_not_fit,
    a_schema_that_warns_accepts_and_tells,
    what_is_wrong_with_a_type_is_told_at_once,
    types_belong_to_one_scope_and_ask_for_a_permission,
    a_change_is_bound_to_the_version_that_it_names,
);

const TYPES: &str = "/api/v1/event-types";

fn order() -> Value {
    json!({
        "type": "object",
        "required": ["total"],
        "properties": { "total": { "type": "number", "minimum": 0 }, "items": { "items": { "type": "string" } } },
    })
}

async fn create(app: &TestApp, fields: Value) -> Value {
    app.client.post(TYPES, &fields).await.expect(201).data()
}

async fn publish(app: &TestApp, event_type: &str, data: Value) -> Reply {
    app.client.post("/api/v1/events", &json!({ "type": event_type, "data": data })).await
}

#[track_caller]
fn places(reply: Reply) -> Vec<Value> {
    let errors = reply.expect(422).json()["error"]["details"]["errors"].clone();
    errors.as_array().unwrap().iter().map(|error| error["path"].clone()).collect()
}

async fn the_catalogue_is_listed_with_examples_and_schemas(app: TestApp) {
    let listed = app.client.get(&format!("{TYPES}?limit=100")).await.expect(200).json();
    let names: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(listed["pagination"]["total"], names.len());
    assert!(names.is_sorted());
    for name in ["conversation.escalated", "customer.created", "call.recording.available", "webhook.failing"] {
        assert!(names.contains(&name), "{names:?}");
    }
    for one in listed["data"].as_array().unwrap() {
        assert!(one["builtIn"] == true && one["example"].is_object() && one["schema"].is_object(), "{one}");
        assert!(one["schemaMode"] == "off" && one["description"].is_string(), "{one}");
    }
    create(&app, json!({ "name": "call.back.wanted" })).await;
    let own = app.client.get(&format!("{TYPES}?builtIn=false")).await.expect(200).json();
    assert_eq!((own["data"][0]["name"].as_str(), &own["pagination"]["total"]), (Some("call.back.wanted"), &json!(1)));
    let page = app.client.get(&format!("{TYPES}?page=2&limit=2")).await.expect(200).json();
    let both = [page["data"][0]["name"].as_str().unwrap(), page["data"][1]["name"].as_str().unwrap()];
    assert_eq!(both, ["call.answered", "call.back.wanted"]);
    assert_eq!(app.client.get(&format!("{TYPES}?page=500")).await.expect(200).json()["data"], json!([]));
    for bad in ["builtIn=yes", "limit=101", "cursor=x", "name=a"] {
        app.client.get(&format!("{TYPES}?{bad}")).await.expect(422);
    }
    app.finish().await;
}

async fn an_own_type_is_created_changed_and_deleted(app: TestApp) {
    let fields = json!({
        "name": "shop.order.paid", "description": "An order was paid.", "example": { "total": 5 },
        "schema": order(), "schemaMode": "warn",
    });
    let reply = app.client.post(TYPES, &fields).await.expect(201);
    assert_eq!(reply.header("location"), "/api/v1/event-types/shop.order.paid");
    let made = reply.data();
    for (field, value) in fields.as_object().unwrap() {
        assert_eq!(&made[field], value);
    }
    let path = format!("{TYPES}/shop.order.paid");
    assert_eq!(app.client.get(&path).await.expect(200).data(), made);
    assert_eq!(app.client.post(TYPES, &fields).await.expect(409).code(), "CONFLICT");

    let changed = app.client.patch(&path, &json!({ "description": null })).await.expect(200).data();
    assert_eq!((&changed["description"], &changed["schema"]), (&json!(null), &order()));
    let changed = app.client.put(&path, &json!({ "name": "shop.order.paid", "schemaMode": "reject" })).await;
    assert_eq!(changed.expect(200).data()["schemaMode"], "reject");
    assert_eq!(places(app.client.patch(&path, &json!({ "name": "other" })).await), [json!(["name"])]);
    assert_eq!(places(app.client.patch(&path, &json!({ "schema": null })).await), [json!(["schemaMode"])]);

    publish(&app, "shop.order.paid", json!({})).await.expect(422);
    app.client.delete(&path).await.expect(200);
    publish(&app, "shop.order.paid", json!({})).await.expect(202);
    for reply in
        [app.client.get(&path).await, app.client.delete(&path).await, app.client.patch(&path, &json!({})).await]
    {
        assert_eq!(reply.expect(404).code(), "RESOURCE_NOT_FOUND");
    }
    let again = create(&app, json!({ "name": "shop.order.paid" })).await;
    assert_eq!(
        (&again["schema"], &again["schemaMode"], &again["example"]),
        (&json!(null), &json!("off"), &json!(null))
    );
    app.finish().await;
}

async fn built_in_types_are_read_only(app: TestApp) {
    let path = format!("{TYPES}/customer.created");
    let shown = app.client.get(&path).await.expect(200).data();
    assert_eq!((&shown["builtIn"], &shown["createdAt"]), (&json!(true), &json!(null)));
    let refused = [
        app.client.post(TYPES, &json!({ "name": "customer.created" })).await,
        app.client.put(&path, &json!({ "description": "mine" })).await,
        app.client.patch(&path, &json!({})).await,
        app.client.delete(&path).await,
    ];
    for reply in refused {
        assert_eq!(reply.expect(409).code(), "CONFLICT");
    }
    // It documents and does not judge.
    publish(&app, "customer.created", json!({ "_id": 1 })).await.expect(202);
    app.finish().await;
}

async fn a_schema_that_rejects_refuses_what_does_not_fit(app: TestApp) {
    create(&app, json!({ "name": "order.paid", "schema": order(), "schemaMode": "reject" })).await;
    publish(&app, "order.paid", json!({ "total": 5, "items": ["a"] })).await.expect(202);
    let refused = publish(&app, "order.paid", json!({ "total": -5, "items": ["s3cret", 7, "b", {}] })).await;
    assert!(!refused.text.contains("s3cret"), "{}", refused.text);
    assert_eq!(refused.code(), "VALIDATION_ERROR");
    let mut found = places(refused);
    found.sort_by_key(Value::to_string);
    assert_eq!(found, [json!(["data", "items", 1]), json!(["data", "items", 3]), json!(["data", "total"])]);
    // One of a batch fails alone.
    let batch = json!({ "events": [
        { "type": "order.paid", "data": { "total": 1 } }, { "type": "order.paid", "data": {} },
    ]});
    let answer = app.client.post("/api/v1/events/batch", &batch).await.expect(202).data();
    assert_eq!((&answer["accepted"], &answer["failed"]), (&json!(1), &json!(1)));
    assert_eq!(answer["results"][1]["error"]["details"]["errors"][0]["path"], json!(["data"]));
    // Others are not concerned.
    publish(&app, "order.paid.twice", json!({})).await.expect(202);
    app.finish().await;
}

async fn a_schema_that_warns_accepts_and_tells(app: TestApp) {
    create(&app, json!({ "name": "order.paid", "schema": order(), "schemaMode": "warn" })).await;
    let fine = publish(&app, "order.paid", json!({ "total": 5 })).await.expect(202).data();
    assert_eq!(fine["warnings"], json!(null));
    let warned = publish(&app, "order.paid", json!({ "total": "5" })).await.expect(202).data();
    assert_eq!(warned["warnings"][0]["path"], json!(["data", "total"]));
    let many = publish(&app, "order.paid", json!({ "total": 1, "items": vec![1; 1000] })).await.expect(202).data();
    assert_eq!(many["warnings"].as_array().unwrap().len(), 20);
    let metrics = app.client.send(app.client.anonymous(Method::GET, "/metrics")).await.expect(200).text;
    assert!(metrics.contains("angarium_schema_warnings_total 2"), "{metrics}");

    app.client.patch(&format!("{TYPES}/order.paid"), &json!({ "schemaMode": "off" })).await.expect(200);
    let off = publish(&app, "order.paid", json!({ "total": "5" })).await.expect(202).data();
    assert_eq!(off["warnings"], json!(null));
    app.finish().await;
}

async fn what_is_wrong_with_a_type_is_told_at_once(app: TestApp) {
    let all = json!({
        "name": "Not.A.Name", "description": "x".repeat(501), "example": { "total": "a" },
        "schema": order(), "schemaMode": "strict",
    });
    let expected = [json!(["name"]), json!(["schemaMode"]), json!(["description"]), json!(["example", "total"])];
    assert_eq!(places(app.client.post(TYPES, &all).await), expected);
    for (body, place) in [
        (json!({}), json!(["name"])),
        (json!({ "name": null }), json!(["name"])),
        (json!({ "name": 5 }), json!(["name"])),
        (json!({ "name": "" }), json!(["name"])),
        (json!({ "name": "a".repeat(129) }), json!(["name"])),
        (json!({ "name": "a", "title": "b" }), json!(["title"])),
        (json!({ "name": "a", "example": [] }), json!(["example"])),
        (json!({ "name": "a", "description": 5 }), json!(["description"])),
        (json!({ "name": "a", "schemaMode": "warn" }), json!(["schemaMode"])),
        (json!({ "name": "a", "schema": 5 }), json!(["schema"])),
        (json!({ "name": "a", "schema": { "type": "objekt" } }), json!(["schema", "type"])),
        (json!({ "name": "a", "schema": { "$ref": "https://example.com/x.json" } }), json!(["schema", "$ref"])),
        (json!({ "name": "a", "schema": { "$ref": "file:///etc/passwd" } }), json!(["schema", "$ref"])),
        (json!({ "name": "a", "schema": { "not": { "$ref": "#" } } }), json!(["schema", "not", "$ref"])),
        (json!({ "name": "a", "schema": { "description": "x".repeat(40_000) } }), json!(["schema"])),
        (json!({ "name": "a", "example": { "x": "y".repeat(20_000) } }), json!(["example"])),
    ] {
        assert_eq!(places(app.client.post(TYPES, &body).await)[0], place, "{body}");
    }
    for name in ["NoName", "a..b", "%20", "a%2Fb"] {
        app.client.get(&format!("{TYPES}/{name}")).await.expect(404);
    }
    create(&app, json!({ "name": "a".repeat(128) })).await;
    app.finish().await;
}

async fn types_belong_to_one_scope_and_ask_for_a_permission(app: TestApp) {
    create(&app, json!({ "name": "order.paid", "schema": order(), "schemaMode": "reject" })).await;
    for stranger in
        [app.client_of("other", Environment::Staging).await, app.client_of("acme", Environment::Production).await]
    {
        stranger.get(&format!("{TYPES}/order.paid")).await.expect(404);
        stranger.delete(&format!("{TYPES}/order.paid")).await.expect(404);
        stranger.post("/api/v1/events", &json!({ "type": "order.paid", "data": {} })).await.expect(202);
        stranger.post(TYPES, &json!({ "name": "order.paid" })).await.expect(201);
    }
    let reader = app.client_with(&["read:events"]).await;
    reader.get(TYPES).await.expect(200);
    assert_eq!(reader.post(TYPES, &json!({ "name": "a.b" })).await.expect(403).code(), "PERMISSION_DENIED");
    let writer = app.client_with(&["write:events"]).await;
    writer.get(TYPES).await.expect(403);
    app.finish().await;
}

async fn a_change_is_bound_to_the_version_that_it_names(app: TestApp) {
    create(&app, json!({ "name": "order.paid" })).await;
    let path = format!("{TYPES}/order.paid");
    let first = app.client.get(&path).await.expect(200).header("etag").to_owned();
    let change = async |method: Method, tag: &str| {
        let request = app.client.request(method, &path).header("if-match", tag);
        app.client.send(request.json_body(&json!({ "description": "x" }))).await
    };
    let second = change(Method::PATCH, &first).await.expect(200).header("etag").to_owned();
    assert_ne!(first, second);
    assert_eq!(change(Method::PATCH, &first).await.expect(412).code(), "PRECONDITION_FAILED");
    change(Method::DELETE, &first).await.expect(412);
    change(Method::DELETE, &second).await.expect(200);
    app.finish().await;
}
