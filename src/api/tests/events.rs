//! Publishing, batches, replays.

use axum::body::Body;
use serde_json::json;

use super::start;
use crate::domain::id::EventId;

#[tokio::test]
async fn events_are_published_read_and_replayed() {
    let t = start(&[]).await;
    let webhook = t.webhook().await;
    let body = r#"{"type":"order.created","data":{"z":1.0, "a":"\u00e9"},"occurredAt":"2026-01-01T00:00:00Z"}"#;
    let keyed = [("content-type", "application/json"), ("idempotency-key", "k1")];
    let first = t.call("POST", "/api/v1/events", &keyed, body).await;
    let id = first.is(202)["id"].as_str().unwrap().to_owned();
    assert_eq!(first.body["data"]["deliveries"], 1);
    let again = t.call("POST", "/api/v1/events", &keyed, body).await;
    assert_eq!(again.is(202)["id"], id.as_str());
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = r#"{"type":"order.created","data":{}}"#;
    t.call("POST", "/api/v1/events", &keyed, other).await.fails(422, "IDEMPOTENCY_KEY_REUSED");
    let shown = t.get(&format!("/api/v1/events/{id}")).await;
    assert_eq!(shown.is(200)["occurredAt"], "2026-01-01T00:00:00.000Z");
    assert_eq!(shown.body["data"]["data"], json!({ "z": 1.0, "a": "é" }));
    let replayed = t.post(&format!("/api/v1/events/{id}/replay"), json!({ "webhookId": webhook })).await;
    assert_eq!(replayed.is(202)["deliveries"], 1);
    let path = format!("/api/v1/events/{id}/replay");
    t.call("POST", &path, &[], Body::empty()).await.is(202);
    t.get("/api/v1/events/evt_zzzzzzzzzzzzzzzzzzzzzzzzzz").await.fails(404, "RESOURCE_NOT_FOUND");
    t.post("/api/v1/events", json!({ "type": "A", "data": 1, "x": 1 })).await.fails(422, "VALIDATION_ERROR");
    let large = json!({ "type": "a", "data": { "x": "x".repeat(262_144) } });
    t.post("/api/v1/events", large).await.fails(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn one_bad_event_of_a_batch_fails_alone() {
    let t = start(&[]).await;
    let good = json!({ "type": "a.b", "data": {} });
    let twin = json!({ "type": "a.b", "data": {}, "idempotencyKey": "twin" });
    let events = json!([good, { "type": "A", "data": {} }, 5, twin, twin, good]);
    let answer = t.post("/api/v1/events/batch", json!({ "events": events })).await;
    assert_eq!((&answer.is(202)["accepted"], &answer.body["data"]["failed"]), (&json!(4), &json!(2)));
    let results = answer.body["data"]["results"].as_array().unwrap().clone();
    assert_eq!(results[1]["error"]["code"], "VALIDATION_ERROR");
    assert_eq!(results[3]["data"]["id"], results[4]["data"]["id"]);
    let id = results[3]["data"]["id"].as_str().unwrap();
    t.get(&format!("/api/v1/events/{id}")).await.is(200);
    t.post("/api/v1/events/batch", json!({ "events": [] })).await.fails(422, "VALIDATION_ERROR");
    t.post("/api/v1/events/batch", json!({ "events": vec![good; 1001] })).await.fails(422, "VALIDATION_ERROR");
}

#[tokio::test]
async fn twins_with_one_id_become_one_event() {
    let t = start(&[]).await;
    let id = EventId::new(t.api.engine.clock().now(), 7).to_string();
    let twin = json!({ "id": id, "type": "a.b", "data": {} });
    let answer = t.post("/api/v1/events/batch", json!({ "events": vec![twin; 20] })).await;
    assert_eq!(answer.is(202)["accepted"], 20, "{}", answer.body);
    let results = answer.body["data"]["results"].as_array().unwrap();
    assert_eq!(results.iter().filter(|result| result["data"]["replayed"] == false).count(), 1);
    t.get(&format!("/api/v1/events/{id}")).await.is(200);
}
