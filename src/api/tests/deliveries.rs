//! Deliveries and dead letters.

use std::time::Duration;

use axum::body::Body;
use serde_json::json;

use super::{TestApi, start};
use crate::domain::attempt::{AttemptResult, NextStep};
use crate::domain::delivery::DeliveryState;
use crate::domain::event::EventType;
use crate::domain::id::DeliveryId;
use crate::domain::time::Timestamp;
use crate::engine::settle::AttemptOver;

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

/// Has the next ticket's only attempt fail, and waits until that is durable.
async fn die(t: &TestApi) -> String {
    let engine = &t.api.engine;
    let ticket = engine.broker().receive(1).await.unwrap().tickets.remove(0);
    let now = engine.clock().now();
    let over = AttemptOver {
        delivery: ticket.delivery,
        epoch: ticket.epoch,
        scope: t.scope,
        webhook: ticket.webhook,
        event_type: EventType::parse("order.created").unwrap(),
        number: 1,
        started_at: now,
        settled_at: now,
        took: Duration::from_millis(7),
        url: "http://localhost:9999/in".to_owned(),
        result: AttemptResult::FailedStatus { status: 500, retry_after: None },
        step: NextStep::DeadLetter,
        request_headers: r#"{"webhook-id":"x"}"#.to_owned(),
        response_headers: "{}".to_owned(),
        response_excerpt: b"no\xffway".to_vec(),
        is_ordered: false,
    };
    engine.settle(over, None).await;
    while engine.store().delivery(t.scope, ticket.delivery).await.unwrap().unwrap().state == DeliveryState::Pending {
        tokio::task::yield_now().await;
    }
    ticket.delivery.to_string()
}

#[tokio::test]
async fn dead_letters_are_listed_and_redriven() {
    let t = start(&[]).await;
    let webhook = t.webhook().await;
    let event = t.event().await;
    let id = die(&t).await;
    t.event().await;
    die(&t).await;
    let list = t.get(&format!("/api/v1/dead-letters?webhookId={webhook}&eventType=order.created")).await;
    assert_eq!((&list.is(200)[1]["id"], &list.body["pagination"]["total"]), (&json!(id), &json!(2)));
    let oldest = &list.body["data"][1];
    assert_eq!(
        (&oldest["eventId"], &oldest["lastStatus"], &oldest["attempts"]),
        (&json!(event), &json!(500), &json!(1))
    );
    let first = t.get("/api/v1/dead-letters?limit=1").await;
    let cursor = first.body["pagination"]["nextCursor"].as_str().unwrap();
    assert_eq!(t.get(&format!("/api/v1/dead-letters?cursor={cursor}")).await.is(200)[0]["id"], json!(id));
    let detail = t.get(&format!("/api/v1/deliveries/{id}")).await;
    let attempt = &detail.is(200)["attemptLog"][0];
    assert_eq!((&attempt["status"], &attempt["responseExcerpt"]), (&json!(500), &json!("no\u{fffd}way")));
    assert_eq!((&attempt["requestHeaders"]["webhook-id"], &attempt["responseExcerptBytes"]), (&json!("x"), &json!(6)));
    assert_eq!(t.get("/api/v1/deliveries?statusClass=5xx&status=dead").await.body["pagination"]["total"], 2);
    let logs = t.get(&format!("/api/v1/webhooks/{webhook}/logs?status=failed")).await;
    assert_eq!((&logs.is(200)["total"], &logs.body["data"]["logs"][0]["responseStatus"]), (&json!(2), &json!(500)));
    assert_eq!(t.post(&format!("/api/v1/dead-letters/{id}/redrive"), json!({})).await.is(200)["status"], "pending");
    let rest = t.post("/api/v1/dead-letters/redrive", json!({ "webhookId": webhook, "max": 10 })).await;
    assert_eq!(rest.is(200)["redriven"], 1);
    assert_eq!(t.get("/api/v1/dead-letters").await.is(200), &json!([]));
}

#[tokio::test]
async fn bad_filters_of_dead_letters_are_refused() {
    let t = start(&[]).await;
    t.get("/api/v1/dead-letters?page=101&limit=100").await.fails(422, "VALIDATION_ERROR");
    t.get("/api/v1/dead-letters?diedAfter=x").await.fails(422, "VALIDATION_ERROR");
    let all = t.call("POST", "/api/v1/dead-letters/redrive", &[], Body::empty()).await;
    assert_eq!(all.is(200)["redriven"], 0);
    let bad = json!({ "max": 10_001, "diedAfter": "x", "eventType": "A" });
    let answer = t.post("/api/v1/dead-letters/redrive", bad).await;
    answer.fails(422, "VALIDATION_ERROR");
    assert_eq!(answer.body["error"]["details"]["errors"].as_array().unwrap().len(), 3);
}
