//! Meters and monthly quotas: exact, never over, and told in words that help.

use std::time::Duration;

use angarium::domain::secret::Secret;
use angarium::domain::tenant::Environment::{Production, Staging};
use angarium::receiver::Route;
use serde_json::{Value, json};

use crate::support::client::{Client, JsonBody as _, Reply};
use crate::support::{TestApp, TestEngine, both_engines, eventually};

both_engines!(
    start;
    a_minute_has_as_many_messages_as_the_plan_says,
    a_batch_is_accepted_as_far_as_the_plan_goes,
    a_repeat_is_answered_though_nothing_is_left,
    a_month_has_as_many_events_as_the_plan_says,
    a_change_of_plan_holds_at_once,
    environments_are_counted_apart,
    what_angarium_publishes_itself_is_not_counted,
    what_the_core_api_emits_counts_and_is_not_kept_beyond_the_plan,
    a_quota_is_told_at_80_and_100_percent,
);

const PLANS: &str = r#"
default_plan = "small"
[meters]
messages = ["message.*"]
ai_replies = ["ai.reply.*"]
[plans.small]
requests_per_hour = -1
requests_per_month = -1
events_per_month = 12
webhooks = -1
event_data_bytes = -1
webhook_concurrency = -1
per_minute = { messages = 5 }
[plans.large]
requests_per_hour = -1
requests_per_month = -1
events_per_month = -1
webhooks = -1
event_data_bytes = -1
webhook_concurrency = -1
per_minute = { messages = 8 }
[plans.unlimited]
same_as = "large"
"#;

async fn start(engine: TestEngine) -> TestApp {
    TestApp::start_with_plans(engine, PLANS).await
}

async fn publish(client: &Client, event_type: &str) -> Reply {
    client.post("/api/v1/events", &json!({ "type": event_type, "data": {} })).await
}

async fn publish_many(client: &Client, event_type: &str, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(publish(client, event_type).await.status);
    }
    statuses
}

async fn a_minute_has_as_many_messages_as_the_plan_says(app: TestApp) {
    let client = app.client_on("small", Staging).await;
    app.advance(Duration::from_secs(20));
    let posts = (0..9).map(|_| publish(&client, "message.sent"));
    let replies = futures_util::future::join_all(posts).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 202).count(), 5);
    let refused = replies.iter().find(|reply| reply.status != 202).unwrap();
    assert_eq!((refused.status, refused.code().as_str()), (429, "MESSAGES_LIMIT_REACHED"));
    assert_eq!(refused.headers["retry-after"], "40");
    assert_eq!(refused.json()["retryAfter"], 40);
    assert!(refused.text.contains("5 on the meter `messages`"), "{}", refused.text);
    // Other events are not messages.
    assert_eq!(publish(&client, "order.created").await.status, 202);
    app.advance(Duration::from_secs(40));
    assert_eq!(publish_many(&client, "message.received", 6).await, [202, 202, 202, 202, 202, 429]);
    app.finish().await;
}

async fn a_batch_is_accepted_as_far_as_the_plan_goes(app: TestApp) {
    let client = app.client_on("small", Staging).await;
    let event = |event_type: &str| json!({ "type": event_type, "data": {} });
    let mut events: Vec<Value> = (0..7).map(|_| event("message.sent")).collect();
    events.push(event("order.created"));
    let reply = client.post("/api/v1/events/batch", &json!({ "events": events })).await.expect(202);
    assert_eq!((reply.data()["accepted"].as_u64(), reply.data()["failed"].as_u64()), (Some(6), Some(2)));
    assert_eq!(reply.data()["results"][7]["success"], true);
    let results = reply.data()["results"].as_array().unwrap().clone();
    let failed = results.iter().find(|item| item["success"] == false).unwrap();
    assert_eq!(failed["error"]["code"], "MESSAGES_LIMIT_REACHED");
    app.finish().await;
}

async fn a_repeat_is_answered_though_nothing_is_left(app: TestApp) {
    let client = app.client_on("small", Staging).await;
    let keyed = |key: &'static str| {
        let body = json!({ "type": "message.sent", "data": {} });
        client.request(reqwest::Method::POST, "/api/v1/events").header("idempotency-key", key).json_body(&body)
    };
    let first = client.send(keyed("a")).await.expect(202);
    assert_eq!(publish_many(&client, "message.sent", 5).await, [202, 202, 202, 202, 429]);
    let repeat = client.send(keyed("a")).await.expect(202);
    assert_eq!(repeat.data()["id"], first.data()["id"]);
    assert_eq!(repeat.headers["idempotent-replayed"], "true");
    client.send(keyed("b")).await.expect(429);
    app.finish().await;
}

async fn a_month_has_as_many_events_as_the_plan_says(app: TestApp) {
    let client = app.client_on("small", Staging).await;
    assert!(publish_many(&client, "order.created", 12).await.iter().all(|status| *status == 202));
    let refused = publish(&client, "order.created").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "PLAN_LIMIT_EXCEEDED"));
    // From the 21st to the first of the next month.
    app.advance(Duration::from_hours(24 * 10));
    assert_eq!(publish(&client, "order.created").await.status, 202);
    app.finish().await;
}

async fn a_change_of_plan_holds_at_once(app: TestApp) {
    let client = app.client_on("large", Staging).await;
    let engine = &app.app().engine;
    assert!(publish_many(&client, "message.sent", 6).await.iter().all(|status| *status == 202));
    engine.set_plan("on large", "small").await.unwrap();
    assert_eq!(publish(&client, "message.sent").await.status, 429);
    engine.set_plan("on large", "large").await.unwrap();
    app.advance(Duration::from_millis(250));
    assert_eq!(publish_many(&client, "message.sent", 3).await, [202, 202, 429]);
    app.finish().await;
}

async fn environments_are_counted_apart(app: TestApp) {
    let (test, live) = (app.client_on("small", Staging).await, app.client_on("small", Production).await);
    assert_eq!(publish_many(&test, "message.sent", 6).await, [202, 202, 202, 202, 202, 429]);
    assert_eq!(publish_many(&live, "message.sent", 6).await, [202, 202, 202, 202, 202, 429]);
    app.finish().await;
}

async fn what_angarium_publishes_itself_is_not_counted(app: TestApp) {
    let client = app.client_on("small", Staging).await;
    let webhook = json!({ "name": "w", "url": app.receiver.url("/w"), "events": ["*"] });
    let id = client.post("/api/v1/webhooks", &webhook).await.expect(201).data()["id"].as_str().unwrap().to_owned();
    assert!(publish_many(&client, "order.created", 12).await.iter().all(|status| *status == 202));
    client.post(&format!("/api/v1/webhooks/{id}/test"), &json!({})).await.expect(202);
    // Who publishes it decides, not what it is called.
    assert_eq!(publish(&client, "webhook.disabled").await.status, 403);
    app.finish().await;
}

async fn what_the_core_api_emits_counts_and_is_not_kept_beyond_the_plan(app: TestApp) {
    let client = app.client_on("small", Staging).await;
    let conversation = client.post("/api/v1/conversations", &json!({})).await.expect(201).data();
    let messages = format!("/api/v1/conversations/{}/messages", conversation["id"].as_str().unwrap());
    let body = json!({ "direction": "sent", "text": "hello" });
    for _ in 0..5 {
        client.post(&messages, &body).await.expect(201);
    }
    let refused = client.post(&messages, &body).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "MESSAGES_LIMIT_REACHED"));
    assert_eq!(client.get(&messages).await.expect(200).json()["pagination"]["total"], 5);
    // An AI reply counts on another meter, a change that emits nothing on none.
    let reply = json!({ "direction": "sent", "role": "ai", "text": "hello" });
    let reply = client.post(&messages, &reply).await.expect(201).data();
    let at = format!("/api/v1/messages/{}", reply["id"].as_str().unwrap());
    client.patch(&at, &json!({ "text": "Hello." })).await.expect(200);
    app.finish().await;
}

async fn a_quota_is_told_at_80_and_100_percent(app: TestApp) {
    let client = app.client_on("small", Staging).await;
    let webhook = json!({ "name": "w", "url": app.receiver.url("/quota"), "events": ["quota.*"] });
    let reply = client.post("/api/v1/webhooks", &webhook).await.expect(201);
    let secret = Secret::parse(reply.data()["secret"].as_str().unwrap()).unwrap();
    app.receiver.route("/quota", Route::new(vec![secret]));
    let told = |count: usize| {
        let app = &app;
        eventually("the quota is told", move || async move {
            app.sweep().await;
            let received = app.receiver.records("/quota");
            (received.len() >= count).then(|| {
                let data = received.iter().map(|r| serde_json::from_slice::<Value>(&r.body).unwrap()["data"].clone());
                data.collect::<Vec<_>>()
            })
        })
    };
    assert!(publish_many(&client, "order.created", 10).await.iter().all(|status| *status == 202));
    let first = told(1).await;
    assert_eq!((&first[0]["quota"], &first[0]["percent"]), (&json!("events"), &json!(80)));
    assert_eq!((&first[0]["limit"], &first[0]["used"]), (&json!(12), &json!(10)));
    assert_eq!(first[0]["periodEnd"], "2026-12-01T00:00:00.000Z");
    assert_eq!(publish_many(&client, "order.created", 3).await, [202, 202, 403]);
    let second = told(2).await;
    assert_eq!((&second[1]["percent"], &second[1]["used"]), (&json!(100), &json!(12)));
    app.finish().await;
}
