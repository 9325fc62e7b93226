//! Ids of nothing, and of somebody else's: the same answer, on every route, so that it tells nothing.

use angarium::domain::tenant::Environment;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Client, JsonBody as _};
use crate::support::{Reply, TestApp, both_engines};

both_engines!(malformed_ids_are_of_nothing, what_others_have_is_not_there);

#[track_caller]
fn is_not_found(reply: &Reply) {
    assert_eq!((reply.status, reply.code().as_str()), (404, "RESOURCE_NOT_FOUND"), "{}", reply.text);
    assert_eq!(reply.json()["error"]["requestId"], reply.header("x-request-id"));
}

/// Every route that has an id, with a body where it wants one.
fn routes_with_id(webhook: &str, event: &str, delivery: &str) -> Vec<(Method, String, Option<Value>)> {
    let mut routes = vec![
        (Method::GET, format!("/api/v1/webhooks/{webhook}"), None),
        (Method::PUT, format!("/api/v1/webhooks/{webhook}"), Some(json!({ "name": "stolen" }))),
        (Method::PATCH, format!("/api/v1/webhooks/{webhook}"), Some(json!({ "isActive": false }))),
        (Method::GET, format!("/api/v1/webhooks/{webhook}/logs"), None),
        (Method::GET, format!("/api/v1/events/{event}"), None),
        (Method::POST, format!("/api/v1/events/{event}/replay"), None),
        (Method::GET, format!("/api/v1/deliveries/{delivery}"), None),
    ];
    for verb in ["test", "pause", "resume", "rotate-secret"] {
        routes.push((Method::POST, format!("/api/v1/webhooks/{webhook}/{verb}"), None));
    }
    for verb in ["retry", "cancel"] {
        routes.push((Method::POST, format!("/api/v1/deliveries/{delivery}/{verb}"), None));
    }
    routes.push((Method::POST, format!("/api/v1/dead-letters/{delivery}/redrive"), None));
    routes.push((Method::DELETE, format!("/api/v1/webhooks/{webhook}"), None));
    routes
}

async fn none_is_found(client: &Client, routes: Vec<(Method, String, Option<Value>)>) {
    for (method, path, body) in routes {
        let mut request = client.request(method, &path);
        if let Some(body) = &body {
            request = request.json_body(body);
        }
        is_not_found(&client.send(request).await);
    }
}

async fn malformed_ids_are_of_nothing(app: TestApp) {
    let webhook = app.webhook("hook").await;
    let event = app.publish("a.b", json!({})).await;
    let delivery = app.delivery_in(&event, "delivered").await["id"].as_str().unwrap().to_owned();
    let long = "x".repeat(5000);
    for id in ["x", "0", "wh_", "%00", "%ff", "..%2f..", "'%20or%201=1", &long] {
        none_is_found(&app.client, routes_with_id(id, id, id)).await;
    }
    // Ids of the wrong kind, and one that is well-formed and was never made.
    none_is_found(&app.client, routes_with_id(&event, &delivery, &webhook.id)).await;
    let flipped = |id: &str| format!("{}{}", &id[..id.len() - 4], if id.ends_with("0000") { "1111" } else { "0000" });
    none_is_found(&app.client, routes_with_id(&flipped(&webhook.id), &flipped(&event), &flipped(&delivery))).await;
    app.finish().await;
}

async fn what_others_have_is_not_there(app: TestApp) {
    let webhook = app.webhook("mine").await;
    let event = app.publish("a.b", json!({})).await;
    let delivery = app.delivery_in(&event, "delivered").await["id"].as_str().unwrap().to_owned();
    for (tenant, environment) in
        [("globex", Environment::Staging), ("globex", Environment::Production), ("acme", Environment::Production)]
    {
        let stranger = app.client_of(tenant, environment).await;
        none_is_found(&stranger, routes_with_id(&webhook.id, &event, &delivery)).await;
        let own = stranger.post("/api/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202).data();
        assert_eq!(own["deliveries"], 0);
        let again = format!("/api/v1/events/{}/replay", own["id"].as_str().unwrap());
        let reply = stranger.post(&again, &json!({ "webhookId": webhook.id })).await;
        is_not_found(&reply);
        assert_eq!(stranger.get("/api/v1/webhooks").await.expect(200).data()["total"], 0);
        for query in [format!("eventId={event}"), format!("webhookId={}", webhook.id), String::new()] {
            let list = stranger.get(&format!("/api/v1/deliveries?{query}")).await.expect(200).json();
            assert_eq!(list["pagination"]["total"], 0, "{list}");
        }
    }
    let mine = app.client.get(&format!("/api/v1/webhooks/{}", webhook.id)).await.expect(200).data();
    assert_eq!((&mine["name"], &mine["status"]), (&json!("mine"), &json!("active")));
    assert_eq!(app.receiver.count(&webhook.path), 1);
    app.finish().await;
}
