//! Steps that the tests of the core API have in common.

use serde_json::Value;

use super::{SOON, TestApp, TestWebhook};

/// Makes a record; what the answer shows of it.
pub(crate) async fn made(app: &TestApp, plural: &str, body: Value) -> Value {
    app.client.post(&format!("/api/v1/{plural}"), &body).await.expect(201).data()
}

/// The path of a record.
pub(crate) fn path(plural: &str, record: &Value) -> String {
    format!("/api/v1/{plural}/{}", record["id"].as_str().unwrap())
}

/// Does an action; what the answer shows of the record.
pub(crate) async fn done(app: &TestApp, plural: &str, record: &Value, word: &str, body: Value) -> Value {
    app.client.post(&format!("{}/{word}", path(plural, record)), &body).await.expect(200).data()
}

/// What a webhook was told, in the order of the events: their types and their data.
pub(crate) async fn told(app: &TestApp, webhook: &TestWebhook, count: u64) -> Vec<(String, Value)> {
    let requests = app.receiver.wait_for(&webhook.path, count, SOON).await.unwrap();
    let mut told: Vec<(String, String, Value)> = requests
        .iter()
        .map(|request| {
            let mut body: Value = serde_json::from_slice(&request.body).unwrap();
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            (word(&body["id"]), word(&body["event"]), body["data"].take())
        })
        .collect();
    told.sort_by(|a, b| a.0.cmp(&b.0));
    told.into_iter().map(|(_, event, data)| (event, data)).collect()
}

/// How many events of a type there are, of which a webhook that wants everything is told.
pub(crate) async fn count_events(app: &TestApp, event_type: &str) -> u64 {
    let reply = app.client.get(&format!("/api/v1/deliveries?eventType={event_type}&limit=1")).await.expect(200);
    reply.json()["pagination"]["total"].as_u64().unwrap()
}

/// The ids of a list.
pub(crate) async fn ids(app: &TestApp, list: &str) -> Vec<Value> {
    let reply = app.client.get(&format!("/api/v1/{list}")).await.expect(200).json();
    assert_eq!(reply["success"], true);
    reply["data"].as_array().unwrap().iter().map(|record| record["id"].clone()).collect()
}
