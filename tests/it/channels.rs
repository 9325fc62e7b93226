//! Channels split events further: a webhook with channels hears the events that name one of them.

use angarium::receiver::Behaviour;
use serde_json::{Value, json};

use crate::support::{TestApp, both_engines, eventually};

both_engines!(
    an_event_goes_to_webhooks_that_share_a_channel_or_have_none,
    channels_are_shown_changed_and_replayed_by,
    channels_are_few_short_and_plain,
);

async fn publish(app: &TestApp, channels: Value) -> Value {
    let body = json!({ "type": "a.b", "data": {}, "channels": channels });
    app.client.post("/api/v1/events", &body).await.expect(202).data()
}

async fn an_event_goes_to_webhooks_that_share_a_channel_or_have_none(app: TestApp) {
    for (name, channels) in [
        ("open", json!([])),
        ("null", json!(null)),
        ("one", json!(["project_1"])),
        ("two", json!(["project_1", "project-2"])),
        ("far", json!(["elsewhere"])),
    ] {
        app.webhook_with(name, json!({ "channels": channels }), Behaviour::default()).await;
    }
    let hooks = ["open", "null", "one", "two", "far"];
    let mut heard = [0; 5];
    for (channels, to) in [
        (json!(null), [1, 1, 0, 0, 0]),
        (json!([]), [1, 1, 0, 0, 0]),
        (json!(["project_1"]), [1, 1, 1, 1, 0]),
        (json!(["project-2", "other"]), [1, 1, 0, 1, 0]),
        (json!(["Elsewhere"]), [1, 1, 0, 0, 0]),
        (json!(["project_1", "elsewhere", "elsewhere"]), [1, 1, 1, 1, 1]),
    ] {
        let accepted = publish(&app, channels.clone()).await;
        assert_eq!(accepted["deliveries"], to.iter().sum::<u64>(), "{channels}");
        for (count, more) in heard.iter_mut().zip(to) {
            *count += more;
        }
    }
    for (name, count) in hooks.iter().zip(heard) {
        eventually("all arrived", || async { (app.receiver.count(&format!("/{name}")) == count).then_some(()) }).await;
    }
    app.finish().await;
}

async fn channels_are_shown_changed_and_replayed_by(app: TestApp) {
    let webhook = app.webhook_with("hook", json!({ "channels": ["a", "b", "a"] }), Behaviour::default()).await;
    let path = format!("/api/v1/webhooks/{}", webhook.id);
    assert_eq!(app.client.get(&path).await.expect(200).data()["channels"], json!(["a", "b"]));
    let event = publish(&app, json!(["c"])).await;
    assert_eq!(event["deliveries"], 0);
    let event = format!("/api/v1/events/{}", event["id"].as_str().unwrap());
    assert_eq!(app.client.get(&event).await.expect(200).data()["channels"], json!(["c"]));

    let changed = app.client.patch(&path, &json!({ "channels": ["c"] })).await.expect(200).data();
    assert_eq!(changed["channels"], json!(["c"]));
    let replayed = app.client.post(&format!("{event}/replay"), &json!({})).await.expect(202).data();
    assert_eq!(replayed["deliveries"], 1, "the event's channels are kept");
    let open = app.client.patch(&path, &json!({ "channels": null })).await.expect(200).data();
    assert_eq!(open["channels"], json!([]));
    assert_eq!(publish(&app, json!(["d"])).await["deliveries"], 1);
    app.finish().await;
}

async fn channels_are_few_short_and_plain(app: TestApp) {
    let long = "a".repeat(65);
    let many = |count: usize| json!((0..count).map(|n| format!("c{n}")).collect::<Vec<_>>());
    let hook =
        |channels: &Value| json!({ "name": "x", "url": app.receiver.url("/x"), "events": ["*"], "channels": channels });
    let event = |channels: &Value| json!({ "type": "a.b", "data": {}, "channels": channels });
    for (wrong, place) in [
        (json!("a"), json!(["channels"])),
        (json!([1]), json!(["channels", 0])),
        (json!(["ok", ""]), json!(["channels", 1])),
        (json!(["a b"]), json!(["channels", 0])),
        (json!(["a.b"]), json!(["channels", 0])),
        (json!([long]), json!(["channels", 0])),
        (many(11), json!(["channels"])),
    ] {
        for (route, body) in [("/api/v1/webhooks", hook(&wrong)), ("/api/v1/events", event(&wrong))] {
            let reply = app.client.post(route, &body).await.expect(422);
            assert_eq!(reply.json()["error"]["details"]["errors"][0]["path"], place, "{route} {wrong}");
        }
    }
    app.client.post("/api/v1/webhooks", &hook(&many(10))).await.expect(201);
    app.client.post("/api/v1/events", &event(&many(5))).await.expect(202);
    app.client.post("/api/v1/events", &event(&many(6))).await.expect(422);
    app.finish().await;
}
