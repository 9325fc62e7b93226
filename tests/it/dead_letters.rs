//! Dead letters: deliveries that used up their attempts can be found, and sent again one by one or many at once.

use std::time::Duration;

use angarium::domain::tenant::Environment;
use angarium::receiver::{Behaviour, Verdict};
use serde_json::{Value, json};

use crate::support::{SOON, TestApp, TestWebhook, both_engines};

both_engines!(
    dead_letters_are_listed_and_filtered,
    a_dead_letter_is_redriven,
    dead_letters_are_redriven_by_filter,
    what_is_not_a_dead_letter_is_not_redriven,
    a_dead_letter_is_announced_once,
    a_dead_letter_is_discarded,
    dead_letters_are_chosen_by_id_or_filter,
);

/// Registers a webhook that fails and has one attempt a delivery.
async fn hopeless(app: &TestApp, name: &str, events: Value) -> TestWebhook {
    let fields = json!({ "events": events, "retryPolicy": { "maxRetries": 0 } });
    app.webhook_with(name, fields, Behaviour::status(500)).await
}

async fn bury(app: &TestApp, event_type: &str) -> String {
    let event = app.publish(event_type, json!({})).await;
    app.delivery_in(&event, "dead").await["id"].as_str().unwrap().to_owned()
}

async fn ids(app: &TestApp, filter: &str) -> Vec<String> {
    let list = app.client.get(&format!("/api/v1/dead-letters?{filter}")).await.expect(200).json();
    let ids: Vec<_> =
        list["data"].as_array().unwrap().iter().map(|letter| letter["id"].as_str().unwrap().to_owned()).collect();
    assert!(list["pagination"]["total"].as_u64().unwrap() >= u64::try_from(ids.len()).unwrap());
    ids
}

async fn dead_letters_are_listed_and_filtered(app: TestApp) {
    let orders = hopeless(&app, "orders", json!(["order.*"])).await;
    let leads = hopeless(&app, "leads", json!(["lead.*"])).await;
    let first = bury(&app, "order.created").await;
    app.advance(Duration::from_mins(1));
    let second = bury(&app, "order.paid").await;
    let middle = app.clock.now();
    app.advance(Duration::from_mins(1));
    let third = bury(&app, "lead.captured").await;

    let list = app.client.get("/api/v1/dead-letters").await.expect(200).json();
    let newest = &list["data"][0];
    assert_eq!((&newest["id"], &newest["webhookId"]), (&json!(third), &json!(leads.id)));
    assert_eq!(
        (&newest["attempts"], &newest["lastStatus"], &newest["lastError"]),
        (&json!(1), &json!(500), &json!(null))
    );
    assert_eq!(newest["diedAt"], app.clock.now().to_string());
    let filters = [
        (String::new(), vec![&third, &second, &first]),
        (format!("webhookId={}", orders.id), vec![&second, &first]),
        ("eventType=order.paid".to_owned(), vec![&second]),
        (format!("diedAfter={middle}"), vec![&third, &second]),
        (format!("diedBefore={middle}"), vec![&first]),
        (format!("webhookId={}&diedAfter={middle}", orders.id), vec![&second]),
        ("page=2&limit=2".to_owned(), vec![&first]),
    ];
    for (filter, expected) in filters {
        assert_eq!(ids(&app, &filter).await.iter().collect::<Vec<_>>(), expected, "{filter}");
    }
    let page = app.client.get("/api/v1/dead-letters?limit=2").await.expect(200).json();
    let cursor = page["pagination"]["nextCursor"].as_str().unwrap();
    assert_eq!(ids(&app, &format!("limit=2&cursor={cursor}")).await, [first]);
    app.client.get("/api/v1/dead-letters?diedAfter=yesterday").await.expect(422);
    app.finish().await;
}

async fn a_dead_letter_is_redriven(app: TestApp) {
    let webhook = hopeless(&app, "mended", json!(["a.b"])).await;
    let event = app.publish("a.b", json!({})).await;
    let letter = app.delivery_in(&event, "dead").await["id"].as_str().unwrap().to_owned();
    app.receiver.behave(&webhook.path, Behaviour::default());
    let redriven = app.client.post(&format!("/api/v1/dead-letters/{letter}/redrive"), &json!({})).await.expect(200);
    assert_eq!((&redriven.data()["id"], &redriven.data()["status"]), (&json!(letter), &json!("pending")));
    let delivery = app.delivery_in(&event, "delivered").await;
    assert_eq!((&delivery["id"], &delivery["attempts"]), (&json!(letter), &json!(2)));
    assert_eq!(delivery["attemptLog"].as_array().unwrap().len(), 2, "the earlier attempt is not forgotten");
    let records = app.receiver.records(&webhook.path);
    assert!(records.iter().all(|record| record.id() == event && record.verdict == Verdict::Verified));
    assert_eq!((records.len(), ids(&app, "").await.len()), (2, 0));
    app.finish().await;
}

async fn dead_letters_are_redriven_by_filter(app: TestApp) {
    let orders = hopeless(&app, "orders", json!(["order.*"])).await;
    let leads = hopeless(&app, "leads", json!(["lead.*"])).await;
    for event_type in ["order.created", "order.created", "order.paid", "lead.captured"] {
        bury(&app, event_type).await;
    }
    for webhook in [&orders, &leads] {
        app.receiver.forget(&webhook.path);
        app.receiver.behave(&webhook.path, Behaviour::default());
    }
    let redrive = async |filter: Value| {
        let reply = app.client.post("/api/v1/dead-letters/redrive", &filter).await.expect(200);
        reply.data()["redriven"].as_u64().unwrap()
    };
    assert_eq!(redrive(json!({ "webhookId": orders.id, "eventType": "order.created", "max": 1 })).await, 1);
    assert_eq!(redrive(json!({ "webhookId": orders.id, "eventType": "order.created" })).await, 1);
    app.receiver.wait_for(&orders.path, 2, SOON).await.unwrap();
    assert_eq!(redrive(json!({ "diedBefore": "2000-01-01T00:00:00Z" })).await, 0);
    assert_eq!(redrive(json!({})).await, 2);
    app.receiver.wait_for(&orders.path, 3, SOON).await.unwrap();
    app.receiver.wait_for(&leads.path, 1, SOON).await.unwrap();
    assert_eq!(ids(&app, "").await.len(), 0);
    for (field, value) in [("max", json!(0)), ("eventType", json!("A B")), ("diedAfter", json!("soon"))] {
        let refused = app.client.post("/api/v1/dead-letters/redrive", &json!({ field: value })).await.expect(422);
        assert_eq!(refused.json()["error"]["details"]["errors"][0]["path"], json!([field]));
    }
    app.finish().await;
}

async fn what_is_not_a_dead_letter_is_not_redriven(app: TestApp) {
    let unknown = format!("/api/v1/dead-letters/dlv_{}/redrive", "0".repeat(26));
    assert_eq!(app.client.post(&unknown, &json!({})).await.expect(404).code(), "RESOURCE_NOT_FOUND");
    app.webhook_with("good", json!({ "events": ["good.*"] }), Behaviour::default()).await;
    let event = app.publish("good.news", json!({})).await;
    let delivered = app.delivery_in(&event, "delivered").await;
    let path = format!("/api/v1/dead-letters/{}/redrive", delivered["id"].as_str().unwrap());
    let refused = app.client.post(&path, &json!({})).await.expect(409);
    assert_eq!(refused.json()["error"]["message"], "The delivery is delivered and is not a dead letter.");

    hopeless(&app, "bad", json!(["bad.*"])).await;
    let path = format!("/api/v1/dead-letters/{}/redrive", bury(&app, "bad.news").await);
    let stranger = app.client_of("other", Environment::Staging).await;
    stranger.post(&path, &json!({})).await.expect(404);
    assert_eq!(stranger.get("/api/v1/dead-letters").await.expect(200).data(), json!([]));
    assert_eq!(stranger.post("/api/v1/dead-letters/redrive", &json!({})).await.expect(200).data()["redriven"], 0);
    assert_eq!(ids(&app, "").await.len(), 1);
    app.finish().await;
}

async fn a_dead_letter_is_announced_once(app: TestApp) {
    let webhook = hopeless(&app, "bad", json!(["bad.*", "delivery.exhausted"])).await;
    let notices = app.webhook_with("notices", json!({ "events": ["delivery.exhausted"] }), Behaviour::default()).await;
    let letter = bury(&app, "bad.news").await;
    let notice = app.receiver.wait_for(&notices.path, 1, SOON).await.unwrap().remove(0);
    let notice: Value = serde_json::from_slice(&notice.body).unwrap();
    assert_eq!((&notice["data"]["deliveryId"], &notice["data"]["webhookId"]), (&json!(letter), &json!(webhook.id)));
    // The notice itself fails at the first webhook, and that is not announced.
    crate::support::eventually("the notice is a dead letter too", || async {
        (ids(&app, "").await.len() == 2).then_some(())
    })
    .await;
    assert_eq!(app.receiver.count(&notices.path), 1);
    app.finish().await;
}

async fn a_dead_letter_is_discarded(app: TestApp) {
    let webhook = hopeless(&app, "bad", json!(["a.b"])).await;
    let letter = bury(&app, "a.b").await;
    let path = format!("/api/v1/dead-letters/{letter}/discard");
    let too_long = "x".repeat(501);
    for bad in [json!({}), json!({ "reason": " " }), json!({ "reason": too_long })] {
        let refused = app.client.post(&path, &bad).await.expect(422);
        assert_eq!(refused.json()["error"]["details"]["errors"][0]["path"], json!(["reason"]));
    }
    let stranger = app.client_of("other", Environment::Staging).await;
    stranger.post(&path, &json!({ "reason": "mine" })).await.expect(404);
    let discarded = app.client.post(&path, &json!({ "reason": "the customer has left" })).await.expect(200).data();
    assert_eq!((&discarded["status"], &discarded["note"]), (&json!("cancelled"), &json!("the customer has left")));
    assert_eq!(ids(&app, "").await.len(), 0);
    let refused = app.client.post(&path, &json!({ "reason": "again" })).await.expect(409);
    assert_eq!(refused.json()["error"]["message"], "The delivery is cancelled and is not a dead letter.");
    let log = app.client.get(&format!("/api/v1/deliveries/{letter}")).await.expect(200).data();
    assert_eq!((&log["note"], log["attemptLog"].as_array().unwrap().len()), (&json!("the customer has left"), 1));
    app.client.post(&format!("/api/v1/dead-letters/{letter}/redrive"), &json!({})).await.expect(409);
    assert_eq!(app.receiver.count(&webhook.path), 1);
    app.finish().await;
}

async fn dead_letters_are_chosen_by_id_or_filter(app: TestApp) {
    let webhook = hopeless(&app, "bad", json!(["a.*"])).await;
    let mut letters = Vec::new();
    for event_type in ["a.b", "a.b", "a.b", "a.c", "a.c"] {
        letters.push(bury(&app, event_type).await);
    }
    let discard = async |letters: Value| {
        let body = json!({ "letters": letters, "reason": "old" });
        let data = app.client.post("/api/v1/dead-letters/discard", &body).await.expect(200).data();
        (data["discarded"].as_u64().unwrap(), data["hasMore"].as_bool().unwrap())
    };
    assert_eq!(discard(json!({ "eventType": "a.b", "max": 2 })).await, (2, true));
    assert_eq!(discard(json!({ "eventType": "a.b" })).await, (1, false));
    let unknown = format!("dlv_{}", "0".repeat(26));
    assert_eq!(discard(json!({ "ids": [letters[3], letters[0], unknown] })).await, (1, false));
    app.receiver.behave(&webhook.path, Behaviour::default());
    let body = json!({ "ids": [letters[4], letters[3]] });
    let redriven = app.client.post("/api/v1/dead-letters/redrive", &body).await.expect(200).data();
    assert_eq!((&redriven["redriven"], &redriven["hasMore"]), (&json!(1), &json!(false)));
    app.receiver.wait_for(&webhook.path, 6, SOON).await.unwrap();
    let both = json!({ "letters": { "ids": [letters[0]], "eventType": "a.b" }, "reason": "old" });
    let refused = app.client.post("/api/v1/dead-letters/discard", &both).await.expect(422);
    assert_eq!(refused.json()["error"]["details"]["errors"][0]["path"], json!(["letters", "ids"]));
    app.client.post("/api/v1/dead-letters/discard", &json!({ "letters": {} })).await.expect(422);
    app.finish().await;
}
