//! The audit log: every change of the API by somebody has one line, with who did it and never a secret.

use std::collections::BTreeMap;

use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Client, JsonBody as _};
use crate::support::document::{Operation, operations};
use crate::support::people::PASSWORD;
use crate::support::{Reply, TestApp, both_engines, time};

both_engines!(every_change_has_one_line, lines_are_found_and_shown_to_owners_only, signing_in_and_out_is_written_down);

/// The nouns whose changes are written down. Records are not among them: each write of one is an event.
const NOUNS: [&str; 8] = [
    "/api/v1/webhooks",
    "/api/v1/event-types",
    "/api/v1/replays",
    "/api/v1/deliveries",
    "/api/v1/dead-letters",
    "/api/v1/events/{id}",
    "/api/tenant/api-keys",
    "/api/tenant/users",
];

async fn lines(owner: &Client, filter: &str) -> Vec<Value> {
    let reply = owner.get(&format!("/api/tenant/audit-log?limit=100&{filter}")).await.expect(200);
    reply.data().as_array().unwrap().clone()
}

/// Everything that an operation of a noun may need, made anew: a change of one may end it.
async fn id_for(app: &TestApp, owner: &Client, operation: &Operation) -> String {
    let collection = operation.path.split("/{").next().unwrap();
    let id = |reply: Reply| reply.data()["id"].as_str().unwrap().to_owned();
    let name = format!("n{:x}", angarium::chance::bits());
    let dead = async || {
        let fields = json!({ "events": ["audited.*"], "retryPolicy": { "maxRetries": 0 } });
        app.webhook_with(&name, fields, Behaviour::status(400)).await;
        let event = app.publish("audited.thing", json!({})).await;
        let delivery = app.delivery_in(&event, "dead").await;
        (event, delivery["id"].as_str().unwrap().to_owned())
    };
    match collection {
        "/api/v1/webhooks" => {
            let webhook = app.webhook_with(&name, json!({ "events": ["nothing.at.all"] }), Behaviour::default()).await;
            if operation.path.ends_with("/resume") {
                app.client.post(&format!("/api/v1/webhooks/{}/pause", webhook.id), &json!({})).await.expect(200);
            }
            webhook.id
        }
        "/api/v1/event-types" => {
            let name = format!("own.{name}");
            app.client.post(collection, &json!({ "name": name })).await.expect(201);
            name
        }
        "/api/v1/events" => dead().await.0,
        "/api/v1/deliveries" if operation.path.ends_with("/cancel") => {
            let webhook = app.webhook_with(&name, json!({ "events": ["waits.*"] }), Behaviour::default()).await;
            app.client.post(&format!("/api/v1/webhooks/{}/pause", webhook.id), &json!({})).await.expect(200);
            let event = app.publish("waits.here", json!({})).await;
            app.delivery_in(&event, "pending").await["id"].as_str().unwrap().to_owned()
        }
        "/api/v1/deliveries" | "/api/v1/dead-letters" => dead().await.1,
        "/api/v1/replays" => {
            // Nothing moves it on: it stays unfinished.
            dead().await;
            let started = id(app.client.post(collection, &json!({ "rate": 1 })).await.expect(202));
            app.client.post(&format!("{collection}/{started}/pause"), &json!({})).await.expect(200);
            if !operation.path.ends_with("/resume") && !operation.path.ends_with("/cancel") {
                app.client.post(&format!("{collection}/{started}/resume"), &json!({})).await.expect(200);
            }
            started
        }
        "/api/tenant/api-keys" => {
            let key = json!({ "name": name, "permissions": ["read:events"] });
            id(owner.post(collection, &key).await.expect(201))
        }
        "/api/tenant/users" => {
            let user = json!({ "email": format!("{name}@example.com"), "role": "member" });
            id(owner.post(collection, &user).await.expect(201))
        }
        other => panic!("nobody knows how to make one of {other}"),
    }
}

async fn every_change_has_one_line(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let me = owner.get("/api/auth/me").await.expect(200).data()["user"]["id"].clone();
    let mut seen = BTreeMap::new();
    let is_change = |operation: &&Operation| {
        // Who needs no more than to read changes nothing.
        let reads = operation.permission().is_some_and(|permission| permission.starts_with("read:"));
        operation.method != Method::GET && !reads && NOUNS.iter().any(|noun| operation.path.starts_with(noun))
    };
    for operation in operations().iter().filter(is_change) {
        let is_of_people = operation.permission().is_none();
        let client = if is_of_people { &owner } else { &app.client };
        let path = if operation.path.contains('{') {
            operation.path_with(&id_for(&app, &owner, operation).await)
        } else {
            operation.path.clone()
        };
        let before = lines(&owner, "").await;
        let mut body = operation.body.clone();
        if let Some(Value::Object(fields)) = &mut body {
            // One change, and of something that is there.
            fields.remove("isActive");
            fields.remove("webhookId");
            // Another name than what was made before; a type's cannot be changed.
            match fields.remove("name") {
                Some(_) if operation.method == Method::POST => {
                    fields.insert("name".to_owned(), format!("x{:x}", angarium::chance::bits()).into());
                }
                Some(_) | None => {}
            }
        }
        let request = client.request(operation.method.clone(), &path).header("x-request-id", "the-one");
        let request = if let Some(body) = &body { request.json_body(body) } else { request };
        let reply = client.send(request).await;
        assert!(reply.status < 300, "{}: {}", operation.id, reply.text);
        let after = lines(&owner, "").await;
        let new: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
        let ours: Vec<_> = new.iter().filter(|line| line["requestId"] == "the-one").collect();
        assert_eq!(ours.len(), 1, "{}: {new:#?}", operation.id);
        let line = ours[0];
        let kind = if is_of_people { "user" } else { "key" };
        assert_eq!(line["actor"]["kind"], kind, "{}", operation.id);
        assert!(!is_of_people || line["actor"]["id"] == me, "{line}");
        assert_eq!((&line["address"], time(&line["at"])), (&json!("127.0.0.1"), app.clock.now()), "{line}");
        assert!(
            reply.text.contains(line["subject"].as_str().unwrap()) || path.contains(line["subject"].as_str().unwrap()),
            "{line}"
        );
        for secret in secrets(&reply.json()) {
            assert!(!line.to_string().contains(&secret), "{}: {line}", operation.id);
        }
        seen.insert(operation.id.clone(), line["action"].as_str().unwrap().to_owned());
    }
    let all: Vec<_> = lines(&owner, "").await;
    assert!(!all.iter().any(|line| line.to_string().contains(PASSWORD)));
    assert!(seen.len() >= 20, "{seen:#?}");
    app.finish().await;
}

/// What an answer shows that must not be seen twice.
fn secrets(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(text) if ["secret", "key", "token", "password"].contains(&name.as_str()) => {
                    vec![text.clone()]
                }
                other => secrets(other),
            })
            .collect(),
        Value::Array(entries) => entries.iter().flat_map(secrets).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

async fn lines_are_found_and_shown_to_owners_only(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let fields = json!({ "headers": { "x-token": "hunter2" } });
    let webhook = app.webhook_with("hook", fields, Behaviour::default()).await;
    app.advance(std::time::Duration::from_mins(1));
    let path = format!("/api/v1/webhooks/{}", webhook.id);
    let url = format!("{}?token=hunter2", app.receiver.url("/elsewhere"));
    app.client.patch(&path, &json!({ "timeoutMs": 5_000, "url": url })).await.expect(200);
    app.advance(std::time::Duration::from_secs(1));
    app.client.delete(&path).await.expect(200);
    let about = lines(&owner, &format!("subject={}", webhook.id)).await;
    let actions: Vec<_> = about.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["webhook.delete", "webhook.update", "webhook.create"]);
    let update = &about[1]["changes"];
    assert_eq!(update["timeoutMs"], json!({ "old": 10_000, "new": 5_000 }));
    assert_eq!(update["url"]["new"], app.receiver.url("/elsewhere") + "?…");
    assert_eq!(
        (&about[2]["changes"]["headers"]["new"], &about[0]["environment"]),
        (&json!(["x-token"]), &json!("staging"))
    );
    assert!(!about.iter().any(|line| line.to_string().contains("hunter2")), "{about:?}");
    let actor = about[0]["actor"]["id"].as_str().unwrap();
    let now = time(&about[1]["at"]);
    for (filter, count) in [
        ("action=webhook.update".to_owned(), 1),
        (format!("actorId={actor}"), 3),
        (format!("actorId={actor}&after={now}"), 2),
        (format!("actorId={actor}&before={now}"), 1),
        ("subject=nothing".to_owned(), 0),
    ] {
        assert_eq!(lines(&owner, &filter).await.len(), count, "{filter}");
    }
    let page = owner.get("/api/tenant/audit-log?limit=1&action=webhook.update").await.expect(200).json();
    assert_eq!(page["pagination"]["total"], 1);
    let page = owner.get(&format!("/api/tenant/audit-log?limit=2&actorId={actor}")).await.expect(200).json();
    let cursor = page["pagination"]["nextCursor"].as_str().unwrap();
    assert_eq!(lines(&owner, &format!("actorId={actor}&cursor={cursor}")).await, about[2..]);
    owner.get("/api/tenant/audit-log?action=webhook.explode").await.expect(422);
    let member = app.signed_in(Role::Member).await;
    let refused = member.get("/api/tenant/audit-log").await.expect(403);
    assert_eq!(refused.json()["error"]["message"], "The role `member` may not read the audit log.");
    app.client.get("/api/tenant/audit-log").await.expect(401);
    let operator = app.signed_in(Role::Operator).await;
    let theirs = app.client_of("other", angarium::domain::tenant::Environment::Staging).await;
    theirs.post("/api/v1/event-types", &json!({ "name": "own.type" })).await.expect(201);
    let request = operator.request(Method::GET, "/api/tenant/audit-log").header("x-tenant", "other");
    let of_other = operator.send(request).await.expect(200).data();
    assert_eq!((of_other.as_array().unwrap().len(), &of_other[0]["action"]), (1, &json!("event_type.create")));
    assert_eq!(lines(&owner, "action=event_type.create").await.len(), 0);
    app.finish().await;
}

async fn signing_in_and_out_is_written_down(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let email = "ada@example.com";
    let ada = app.user(email, Role::Member).await;
    let signed_in = app.login(email, PASSWORD).await.expect(200).data();
    let client = Client::new(app.app().api.unwrap(), signed_in["token"].as_str().unwrap().to_owned());
    let new = "staple and correct horse";
    let body = json!({ "currentPassword": PASSWORD, "newPassword": new });
    client.post("/api/auth/password", &body).await.expect(200);
    client.post("/api/auth/logout", &json!({})).await.expect(200);
    for _ in 0..9 {
        app.login(email, "a wrong password").await;
    }
    let about = lines(&owner, &format!("actorId={}", ada.id)).await;
    let mut actions: Vec<_> = about.iter().map(|line| line["action"].as_str().unwrap()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["session.create", "session.end", "session.locked", "user.password"]);
    assert!(about.iter().all(|line| line["actor"]["name"] == email && line["address"] == "127.0.0.1"), "{about:?}");
    assert!(!about.iter().any(|line| line.to_string().contains(new)));
    app.finish().await;
}
