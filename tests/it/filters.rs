//! A webhook with a filter gets the events whose data meets it, and no others.

use angarium::receiver::Behaviour;
use serde_json::{Value, json};

use crate::support::{Reply, TestApp, both_engines, eventually};

both_engines!(
    only_what_meets_the_filter_is_sent,
    a_filter_is_shown_changed_and_taken_away,
    a_replay_asks_the_filter_again_unless_it_names_the_webhook,
    a_filter_with_mistakes_is_refused_with_all_of_them,
    data_that_is_nested_without_end_is_refused,
);

async fn deliveries_of(app: &TestApp, data: Value) -> u64 {
    let body = json!({ "type": "order.paid", "data": data });
    app.client.post("/api/v1/events", &body).await.expect(202).data()["deliveries"].as_u64().unwrap()
}

async fn only_what_meets_the_filter_is_sent(app: TestApp) {
    let filter = json!({ "all": [
        { "field": "data.order.total", "op": "gte", "value": 100 },
        { "any": [
            { "field": "data.order.country", "op": "in", "value": ["DE", "AT"] },
            { "field": "data.order.items.*.sku", "op": "startsWith", "value": "vip-" },
        ] },
        { "not": { "field": "data.test", "op": "exists" } },
    ]});
    let picky = app.webhook_with("picky", json!({ "filter": filter }), Behaviour::default()).await;
    let other_type = json!({ "filter": { "field": "data.order", "op": "exists" }, "events": ["call.*"] });
    app.webhook_with("other-type", other_type, Behaviour::default()).await;
    let wanted = [
        json!({ "order": { "total": 100, "country": "AT" } }),
        json!({ "order": { "total": 250.5, "country": "FR", "items": [{ "sku": "a" }, { "sku": "vip-1" }] } }),
    ];
    let unwanted = [
        json!({}),
        json!({ "order": { "total": 99.99, "country": "DE" } }),
        json!({ "order": { "total": "100", "country": "DE" } }),
        json!({ "order": { "total": 100, "country": "FR", "items": [] } }),
        json!({ "order": { "total": 100, "country": "DE" }, "test": null }),
    ];
    for data in &unwanted {
        assert_eq!(deliveries_of(&app, data.clone()).await, 0, "{data}");
    }
    for data in &wanted {
        assert_eq!(deliveries_of(&app, data.clone()).await, 1, "{data}");
    }
    eventually("both arrived", || async { (app.receiver.count(&picky.path) == 2).then_some(()) }).await;
    app.finish().await;
}

async fn a_filter_is_shown_changed_and_taken_away(app: TestApp) {
    let gold = json!({ "field": "data.tier", "op": "eq", "value": "gold" });
    let webhook = app.webhook_with("hook", json!({ "filter": gold }), Behaviour::default()).await;
    let path = format!("/api/v1/webhooks/{}", webhook.id);
    assert_eq!(app.client.get(&path).await.expect(200).data()["filter"], gold);
    assert_eq!(deliveries_of(&app, json!({ "tier": "silver" })).await, 0);

    let silver = json!({ "field": "data.tier", "op": "eq", "value": "silver" });
    let changed = app.client.patch(&path, &json!({ "filter": silver })).await.expect(200).data();
    assert_eq!(changed["filter"], silver);
    assert_eq!(deliveries_of(&app, json!({ "tier": "silver" })).await, 1);
    assert_eq!(deliveries_of(&app, json!({ "tier": "gold" })).await, 0);
    // What a change does not mention stays.
    app.client.patch(&path, &json!({ "name": "renamed" })).await.expect(200);
    assert_eq!(deliveries_of(&app, json!({ "tier": "gold" })).await, 0);

    let open = app.client.patch(&path, &json!({ "filter": null })).await.expect(200).data();
    assert_eq!(open["filter"], json!(null));
    assert_eq!(deliveries_of(&app, json!({ "tier": "gold" })).await, 1);
    app.finish().await;
}

async fn a_replay_asks_the_filter_again_unless_it_names_the_webhook(app: TestApp) {
    let filter = json!({ "field": "data.tier", "op": "eq", "value": "gold" });
    let webhook = app.webhook_with("hook", json!({ "filter": filter }), Behaviour::default()).await;
    let event = app.publish("a.b", json!({ "tier": "silver" })).await;
    let path = format!("/api/v1/events/{event}/replay");
    let to_all = app.client.post(&path, &json!({})).await.expect(202).data();
    assert_eq!(to_all["deliveries"], 0);
    let to_one = app.client.post(&path, &json!({ "webhookId": webhook.id })).await.expect(202).data();
    assert_eq!(to_one["deliveries"], 1);
    // A test is for the one webhook, whatever it wants.
    let test = app.client.post(&format!("/api/v1/webhooks/{}/test", webhook.id), &json!({})).await.expect(202).data();
    assert_eq!(test["deliveries"], 1);
    app.finish().await;
}

#[track_caller]
fn places(reply: Reply) -> Vec<Value> {
    let errors = reply.expect(422).json()["error"]["details"]["errors"].clone();
    errors.as_array().unwrap().iter().map(|error| error["path"].clone()).collect()
}

async fn a_filter_with_mistakes_is_refused_with_all_of_them(app: TestApp) {
    let webhook = app.webhook("hook").await;
    let path = format!("/api/v1/webhooks/{}", webhook.id);
    let filter = json!({ "any": [
        { "field": "total", "op": "eq", "value": 1 },
        { "field": "data.a", "op": "regex", "value": "x" },
        { "field": "data.a", "op": "gt" },
        { "field": "data.a", "op": "eq", "value": 1, "extra": 1 },
    ]});
    let expected = [
        json!(["filter", "any", 0, "field"]),
        json!(["filter", "any", 1, "op"]),
        json!(["filter", "any", 2, "value"]),
        json!(["filter", "any", 3, "extra"]),
    ];
    assert_eq!(places(app.client.patch(&path, &json!({ "filter": filter })).await), expected);
    for wrong in [json!("x"), json!(5), json!([]), json!({}), json!({ "all": {} }), json!({ "not": null })] {
        let place = places(app.client.patch(&path, &json!({ "filter": wrong })).await);
        assert_eq!(place[0][0], "filter", "{wrong}");
    }
    for (levels, status) in [(50, 422), (5_000, 400)] {
        let (open, close) = (r#"{"not":"#.repeat(levels), "}".repeat(levels));
        let body = format!(r#"{{"filter":{open}{{"field":"data.a","op":"exists"}}{close}}}"#);
        let request = app.client.request(reqwest::Method::PATCH, &path).header("content-type", "application/json");
        app.client.send(request.body(body)).await.expect(status);
    }
    assert_eq!(app.client.get(&path).await.data()["filter"], json!(null));
    app.finish().await;
}

async fn data_that_is_nested_without_end_is_refused(app: TestApp) {
    let filter = json!({ "field": "data.a", "op": "exists" });
    app.webhook_with("hook", json!({ "filter": filter }), Behaviour::default()).await;
    let publish = async |levels: usize| {
        let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
        let body = format!(r#"{{"type":"a.b","data":{{"a":{open}{close}}}}}"#);
        let request = app.client.request(reqwest::Method::POST, "/api/v1/events");
        app.client.send(request.header("content-type", "application/json").body(body)).await
    };
    assert_eq!(publish(100).await.expect(202).data()["deliveries"], 1);
    assert_eq!(places(publish(101).await), [json!(["data"])]);
    assert_eq!(places(publish(100_000).await), [json!(["data"])]);
    app.finish().await;
}
