//! A request that is repeated under the same key is accepted once.

use std::collections::HashSet;
use std::time::Duration;

use angarium::domain::id::EventId;
use angarium::domain::tenant::Environment;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Client, JsonBody as _};
use crate::support::{Reply, SOON, TestApp, both_engines};

both_engines!(
    the_same_request_is_accepted_once,
    a_key_does_not_stand_for_two_requests,
    fifty_at_once_make_one_event,
    a_key_is_forgotten_after_a_day,
    items_of_a_batch_have_keys_of_their_own,
    an_event_may_bring_its_own_id,
);

async fn publish_as(client: &Client, key: &str, body: &Value) -> Reply {
    let request = client.request(Method::POST, "/api/v1/events").header("idempotency-key", key);
    client.send(request.json_body(body)).await
}

fn id(reply: &Reply) -> String {
    reply.data()["id"].as_str().unwrap().to_owned()
}

async fn the_same_request_is_accepted_once(app: TestApp) {
    let webhook = app.webhook("once").await;
    let body = json!({ "type": "a.b", "data": { "n": 1 } });
    let first = publish_as(&app.client, "order-7", &body).await.expect(202);
    assert_eq!((first.header("idempotent-replayed"), &first.data()["replayed"]), ("", &json!(false)));
    let again = publish_as(&app.client, "order-7", &body).await.expect(202);
    assert_eq!((again.header("idempotent-replayed"), &again.data()["replayed"]), ("true", &json!(true)));
    let in_the_body = json!({ "type": "a.b", "data": { "n": 1 }, "idempotencyKey": "order-7" });
    let third = app.client.post("/api/v1/events", &in_the_body).await.expect(202);
    for repeated in [&again, &third] {
        assert_eq!((id(repeated), &repeated.data()["deliveries"]), (id(&first), &json!(1)));
    }
    app.delivery_in(&id(&first), "delivered").await;
    assert_eq!((app.deliveries(&id(&first)).await.len(), app.receiver.count(&webhook.path)), (1, 1));

    let other = app.client_of("acme", Environment::Production).await;
    assert_ne!(id(&publish_as(&other, "order-7", &body).await.expect(202)), id(&first));
    app.finish().await;
}

async fn a_key_does_not_stand_for_two_requests(app: TestApp) {
    app.webhook("once").await;
    let first = publish_as(&app.client, "k", &json!({ "type": "a.b", "data": { "n": 1 } })).await.expect(202);
    for other in [json!({ "type": "a.b", "data": { "n": 2 } }), json!({ "type": "a.c", "data": { "n": 1 } })] {
        assert_eq!(publish_as(&app.client, "k", &other).await.expect(422).code(), "IDEMPOTENCY_KEY_REUSED");
    }
    app.delivery_in(&id(&first), "delivered").await;
    let all = app.client.get("/api/v1/deliveries").await.expect(200).json();
    assert_eq!(all["pagination"]["total"], 1);
    for key in ["", "with space", &"k".repeat(256)] {
        publish_as(&app.client, key, &json!({ "type": "a.b", "data": {} })).await.expect(422);
    }
    app.finish().await;
}

async fn fifty_at_once_make_one_event(app: TestApp) {
    let webhook = app.webhook("once").await;
    let body = json!({ "type": "a.b", "data": { "n": 1 } });
    let replies = join_all((0..50).map(|_| publish_as(&app.client, "crowd", &body))).await;
    let made = replies.iter().filter(|reply| reply.header("idempotent-replayed").is_empty()).count();
    let ids: HashSet<_> = replies.into_iter().map(|reply| id(&reply.expect(202))).collect();
    assert_eq!((ids.len(), made), (1, 1));
    let event = ids.into_iter().next().unwrap();
    app.delivery_in(&event, "delivered").await;
    assert_eq!((app.deliveries(&event).await.len(), app.receiver.count(&webhook.path)), (1, 1));
    app.finish().await;
}

async fn a_key_is_forgotten_after_a_day(app: TestApp) {
    let body = json!({ "type": "a.b", "data": {} });
    let first = id(&publish_as(&app.client, "k", &body).await.expect(202));
    app.advance(Duration::from_hours(24) - Duration::from_millis(1));
    assert_eq!(id(&publish_as(&app.client, "k", &body).await.expect(202)), first);
    app.advance(Duration::from_millis(1));
    let second = publish_as(&app.client, "k", &json!({ "type": "another", "data": {} })).await.expect(202);
    assert_ne!(id(&second), first);
    assert_eq!(second.header("idempotent-replayed"), "");
    app.finish().await;
}

async fn items_of_a_batch_have_keys_of_their_own(app: TestApp) {
    let webhook = app.webhook("once").await;
    let event = |n: u32, key: Option<&str>| {
        let mut event = json!({ "type": "a.b", "data": { "n": n } });
        if let Some(key) = key {
            event["idempotencyKey"] = json!(key);
        }
        event
    };
    let batch = |events: Vec<Value>| json!({ "events": events });
    let own = batch(vec![event(1, Some("one")), event(2, Some("two")), event(1, Some("one")), event(3, Some("two"))]);
    let first = app.client.post("/api/v1/events/batch", &own).await.expect(202).data();
    let results = first["results"].as_array().unwrap();
    assert_eq!((&first["accepted"], &first["failed"]), (&json!(3), &json!(1)));
    assert_eq!(results[0]["data"]["id"], results[2]["data"]["id"]);
    assert_ne!(results[0]["data"]["id"], results[1]["data"]["id"]);
    assert_eq!(results[3]["error"]["code"], "IDEMPOTENCY_KEY_REUSED");
    let alone = app.client.post("/api/v1/events", &event(2, Some("two"))).await.expect(202);
    assert_eq!(id(&alone), results[1]["data"]["id"].as_str().unwrap());

    // A key of the whole batch stands for each event with its place.
    let whole = batch(vec![event(4, None), event(5, None)]);
    let send = async || {
        let request = app.client.request(Method::POST, "/api/v1/events/batch").header("idempotency-key", "whole");
        app.client.send(request.json_body(&whole)).await.expect(202).data()
    };
    let (once, again) = (send().await, send().await);
    for index in 0..2 {
        assert_eq!(once["results"][index]["data"]["id"], again["results"][index]["data"]["id"]);
        assert_eq!(again["results"][index]["data"]["replayed"], true);
    }
    let records = app.receiver.wait_for(&webhook.path, 4, SOON).await.unwrap();
    assert_eq!(records.iter().map(|record| record.id()).collect::<HashSet<_>>().len(), 4);
    let all = app.client.get("/api/v1/deliveries").await.expect(200).json();
    assert_eq!(all["pagination"]["total"], 4);
    app.finish().await;
}

async fn an_event_may_bring_its_own_id(app: TestApp) {
    let webhook = app.webhook("once").await;
    let own = EventId::new(app.clock.now(), 7).to_string();
    let body = json!({ "type": "a.b", "data": { "n": 1 }, "id": own });
    assert_eq!(id(&app.client.post("/api/v1/events", &body).await.expect(202)), own);
    let again = app.client.post("/api/v1/events", &body).await.expect(202);
    assert_eq!((id(&again), again.header("idempotent-replayed")), (own.clone(), "true"));
    let other = json!({ "type": "a.b", "data": { "n": 2 }, "id": own });
    assert_eq!(app.client.post("/api/v1/events", &other).await.expect(422).code(), "IDEMPOTENCY_KEY_REUSED");
    let records = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap();
    assert_eq!(records[0].id(), own);
    let stale = EventId::new(app.clock.now().before(Duration::from_hours(25)), 7).to_string();
    for wrong in [stale.as_str(), "evt_1", "mine"] {
        let body = json!({ "type": "a.b", "data": {}, "id": wrong });
        assert_eq!(app.client.post("/api/v1/events", &body).await.expect(422).code(), "VALIDATION_ERROR", "{wrong}");
    }
    app.delivery_in(&own, "delivered").await;
    assert_eq!(app.receiver.count(&webhook.path), 1);
    app.finish().await;
}
