//! Explain: for each webhook, whether an event would be sent and if not, why; and the request that would go out.

use angarium::receiver::Behaviour;
use serde_json::{Value, json};

use crate::support::{SOON, TestApp, both_engines};

both_engines!(
    each_webhook_is_explained,
    nothing_is_stored_or_sent,
    the_request_is_the_one_that_goes_out_less_its_signatures,
    a_question_with_mistakes_is_refused,
);

const EXPLAIN: &str = "/api/v1/events/explain";

fn of<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let webhooks = answer["webhooks"].as_array().unwrap();
    webhooks.iter().find(|webhook| webhook["name"] == name).unwrap_or_else(|| panic!("{name} in {answer}"))
}

async fn each_webhook_is_explained(app: TestApp) {
    let filter = json!({ "all": [
        { "field": "data.total", "op": "gte", "value": 100 },
        { "any": [
            { "field": "data.country", "op": "eq", "value": "DE" },
            { "field": "data.customer.tier", "op": "eq", "value": "gold" },
        ] },
        { "not": { "field": "data.test", "op": "exists" } },
    ]});
    let default = Behaviour::default;
    app.webhook_with("open", json!({}), default()).await;
    app.webhook_with("type", json!({ "events": ["call.*", "order.created"] }), default()).await;
    app.webhook_with("channel", json!({ "channels": ["eu"] }), default()).await;
    let filtered = app.webhook_with("filter", json!({ "filter": filter }), default()).await;
    let paused = app.webhook_with("paused", json!({}), default()).await;
    app.client.post(&format!("/api/v1/webhooks/{}/pause", paused.id), &json!({})).await.expect(200);

    let question = json!({
        "type": "order.paid", "channels": ["us"], "data": { "total": "100", "country": "FR", "test": 1 },
    });
    let answer = app.client.post(EXPLAIN, &question).await.expect(200).data();
    assert_eq!((&answer["matched"], &answer["accepted"]), (&json!(2), &json!(true)));
    let expected = [
        ("open", true, json!(null), "It is sent."),
        ("type", false, json!("type"), "`order.paid` is none of the types that it wants: call.*, order.created."),
        ("channel", false, json!("channels"), "The event is for us, and it hears only: eu."),
        ("filter", false, json!("filter"), "Its filter does not hold: 4 condition(s) are not met."),
        ("paused", true, json!("paused"), "It is kept until the webhook, which is paused, is resumed."),
    ];
    assert_eq!(answer["webhooks"].as_array().unwrap().len(), expected.len());
    for (name, matched, reason, sentence) in expected {
        let one = of(&answer, name);
        assert_eq!(
            (&one["matched"], &one["reason"], &one["explanation"]),
            (&json!(matched), &reason, &json!(sentence))
        );
    }
    let conditions = json!([
        { "path": ["filter", "all", 0], "field": "data.total", "op": "gte", "found": "text" },
        { "path": ["filter", "all", 1, "any", 0], "field": "data.country", "op": "eq", "found": "text" },
        { "path": ["filter", "all", 1, "any", 1], "field": "data.customer.tier", "op": "eq", "found": "nothing" },
        { "path": ["filter", "all", 2], "field": null, "op": "not" },
    ]);
    assert_eq!(of(&answer, "filter")["conditions"], conditions);

    let mut question = json!({ "type": "order.paid", "data": { "total": 100, "country": "DE" } });
    question["webhookId"] = json!(filtered.id);
    let answer = app.client.post(EXPLAIN, &question).await.expect(200).data();
    assert_eq!(answer["webhooks"].as_array().unwrap().len(), 1);
    assert_eq!(of(&answer, "filter")["matched"], true);
    app.finish().await;
}

async fn nothing_is_stored_or_sent(app: TestApp) {
    let webhook = app.webhook("hook").await;
    let schema = json!({ "required": ["total"] });
    let own = json!({ "name": "order.paid", "schema": schema, "schemaMode": "reject" });
    app.client.post("/api/v1/event-types", &own).await.expect(201);
    let answer = app.client.post(EXPLAIN, &json!({ "type": "order.paid", "data": {} })).await.expect(200).data();
    assert_eq!((&answer["accepted"], &answer["misfits"][0]["path"]), (&json!(false), &json!(["data"])));
    app.client.post(EXPLAIN, &json!({ "type": "order.paid", "data": { "total": 1 } })).await.expect(200);
    app.sweep().await;
    assert_eq!(app.client.get("/api/v1/deliveries").await.expect(200).json()["pagination"]["total"], 0);
    assert_eq!(app.receiver.count(&webhook.path), 0);
    app.finish().await;
}

async fn a_question_with_mistakes_is_refused(app: TestApp) {
    app.webhook("hook").await;
    for (question, places) in [
        (json!({}), json!([["type"], ["data"]])),
        (
            json!({ "type": "A", "data": [], "channels": ["a b"], "webhookId": "x" }),
            json!([["type"], ["data"], ["channels", 0], ["webhookId"]]),
        ),
        (json!({ "type": "a.b", "data": {}, "deliverAt": "x" }), json!([["deliverAt"]])),
        (json!({ "type": 5, "data": {} }), json!([["type"]])),
    ] {
        let reply = app.client.post(EXPLAIN, &question).await.expect(422).json();
        let errors = reply["error"]["details"]["errors"].as_array().unwrap();
        let found: Vec<&Value> = errors.iter().map(|error| &error["path"]).collect();
        assert_eq!(json!(found), places, "{question}");
    }
    let nobody = format!("wh_{}", "0".repeat(26));
    let question = json!({ "type": "a.b", "data": {}, "webhookId": nobody });
    assert_eq!(app.client.post(EXPLAIN, &question).await.expect(422).code(), "VALIDATION_ERROR");
    let large = json!({ "type": "a.b", "data": { "x": "y".repeat(300_000) } });
    assert_eq!(app.client.post(EXPLAIN, &large).await.expect(413).code(), "PAYLOAD_TOO_LARGE");
    app.finish().await;
}

async fn the_request_is_the_one_that_goes_out_less_its_signatures(app: TestApp) {
    let headers = json!({ "Authorization": "Bearer s3cret-of-mine", "X-Team": "s3cret-team" });
    let webhook = app.webhook_with("hook", json!({ "headers": headers }), Behaviour::default()).await;
    app.webhook_with("other", json!({ "events": ["call.*"] }), Behaviour::default()).await;
    let event = json!({ "type": "order.paid", "data": { "total": 1.5, "name": "é" } });
    let reply = app.client.post(EXPLAIN, &event).await.expect(200);
    assert!(!reply.text.contains("s3cret") && !reply.text.contains("v1,"), "{}", reply.text);
    let answer = reply.data();
    assert_eq!(of(&answer, "other")["request"], json!(null));
    let shown = &of(&answer, "hook")["request"];
    assert_eq!((&shown["method"], &shown["url"]), (&json!("POST"), &json!(app.receiver.url(&webhook.path))));

    let id = app.publish("order.paid", event["data"].clone()).await;
    let record = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap().remove(0);
    let placeholder = format!("evt_{}", "0".repeat(26));
    let body = shown["body"].as_str().unwrap().replace(&placeholder, &id);
    assert_eq!(body, String::from_utf8(record.body.to_vec()).unwrap());
    for (name, value) in shown["headers"].as_object().unwrap() {
        let (value, sent) = (value.as_str().unwrap().replace(&placeholder, &id), record.header(name));
        assert!(value == "(hidden)" || value == sent, "{name}: {value} / {sent}");
        let proves = name.contains("signature") || ["authorization", "x-team"].contains(&name.as_str());
        assert_eq!(value == "(hidden)", proves, "{name}");
    }
    app.finish().await;
}
