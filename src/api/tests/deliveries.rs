//! Deliveries and dead letters.

use axum::body::Body;
use serde_json::json;

use super::start;
use crate::domain::id::DeliveryId;
use crate::domain::time::Timestamp;

#[tokio::test]
async fn deliveries_are_listed_cancelled_and_retried() {
    let t = start(&[]).await;
    let (webhook, other) = (t.webhook().await, t.webhook().await);
    t.post(&format!("/api/v1/webhooks/{webhook}/pause"), json!({})).await.is(200);
    t.post(&format!("/api/v1/webhooks/{other}/pause"), json!({})).await.is(200);
    for _ in 0..3 {
        t.event().await;
    }
    let event = t.event().await;
    let both = t.get(&format!("/api/v1/deliveries?eventId={event}&webhookId={webhook}")).await;
    assert_eq!((both.is(200).as_array().unwrap().len(), &both.body["pagination"]["total"]), (1, &json!(1)));
    let id = both.body["data"][0]["id"].as_str().unwrap().to_owned();
    let mut seen = Vec::new();
    let mut path = "/api/v1/deliveries?limit=3".to_owned();
    loop {
        let page = t.get(&path).await;
        seen.extend(page.is(200).as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap().to_owned()));
        assert_eq!(page.body["pagination"]["total"], 8);
        let Some(cursor) = page.body["pagination"]["nextCursor"].as_str() else { break };
        path = format!("/api/v1/deliveries?limit=3&cursor={cursor}");
    }
    assert_eq!(seen.len(), 8);
    assert!(seen.is_sorted_by(|a, b| a > b));
    let narrow = "status=pending&eventType=order.created&createdAfter=2020-01-01T00:00:00Z";
    assert_eq!(t.get(&format!("/api/v1/deliveries?{narrow}")).await.body["pagination"]["total"], 8);
    for none in ["status=dead", "statusClass=5xx", "errorKind=timeout", "createdBefore=2020-01-01T00:00:00Z", "page=9"]
    {
        assert_eq!(t.get(&format!("/api/v1/deliveries?{none}")).await.is(200), &json!([]), "{none}");
    }
    let bad = "/api/v1/deliveries?status=x&statusClass=9xx&webhookId=y&errorKind=z&createdAfter=t&nope=1";
    let answer = t.get(bad).await;
    answer.fails(422, "VALIDATION_ERROR");
    assert_eq!(answer.body["error"]["details"]["errors"].as_array().unwrap().len(), 6);
    let detail = t.get(&format!("/api/v1/deliveries/{id}")).await;
    assert_eq!(detail.is(200)["attemptLog"], json!([]));
    assert_eq!(detail.body["data"]["eventUrl"], format!("/api/v1/events/{event}"));
    let cancelled = t.post(&format!("/api/v1/deliveries/{id}/cancel"), json!({})).await;
    assert_eq!(cancelled.is(200)["status"], "cancelled");
    t.post(&format!("/api/v1/deliveries/{id}/cancel"), json!({})).await.fails(409, "CONFLICT");
    let retried = t.post(&format!("/api/v1/deliveries/{id}/retry"), json!({})).await;
    assert_eq!(retried.is(200)["status"], "pending");
    let redrive = t.post(&format!("/api/v1/dead-letters/{id}/redrive"), json!({})).await;
    assert!(redrive.fails(409, "CONFLICT").contains("is pending and is not a dead letter"));
    t.post("/api/v1/deliveries/dlv_x/retry", json!({})).await.fails(404, "RESOURCE_NOT_FOUND");
    let unknown = DeliveryId::new(Timestamp::from_millis(1), 7);
    t.post(&format!("/api/v1/deliveries/{unknown}/cancel"), json!({})).await.fails(404, "RESOURCE_NOT_FOUND");
}

#[tokio::test]
async fn dead_letters_are_listed_and_redriven() {
    let t = start(&[]).await;
    let none = t.get("/api/v1/dead-letters?eventType=a.b&diedAfter=2020-01-01T00:00:00Z").await;
    assert_eq!((none.is(200), &none.body["pagination"]["total"]), (&json!([]), &json!(0)));
    t.get("/api/v1/dead-letters?page=101&limit=100").await.fails(422, "VALIDATION_ERROR");
    let all = t.call("POST", "/api/v1/dead-letters/redrive", &[], Body::empty()).await;
    assert_eq!(all.is(200)["redriven"], 0);
    let bad = json!({ "max": 10_001, "diedAfter": "x", "eventType": "A" });
    let answer = t.post("/api/v1/dead-letters/redrive", bad).await;
    answer.fails(422, "VALIDATION_ERROR");
    assert_eq!(answer.body["error"]["details"]["errors"].as_array().unwrap().len(), 3);
}
