//! Many events in one request: each is judged and accepted alone.

use std::collections::HashSet;

use angarium::receiver::Verdict;
use serde_json::{Value, json};

use crate::support::{SOON, TestApp, both_engines};

both_engines!(a_thousand_events_are_all_delivered, one_bad_event_fails_alone, a_batch_has_bounds);

async fn a_thousand_events_are_all_delivered(app: TestApp) {
    let webhook = app.webhook("thousand").await;
    let events: Vec<_> = (0..1000).map(|n| json!({ "type": "item.added", "data": { "n": n } })).collect();
    let batch = app.client.post("/api/v1/events/batch", &json!({ "events": events })).await.expect(202).data();
    assert_eq!((&batch["accepted"], &batch["failed"]), (&json!(1000), &json!(0)));
    let results = batch["results"].as_array().unwrap();
    assert!(results.iter().enumerate().all(|(index, result)| result["index"] == index && result["success"] == true));
    let records = app.while_time_passes(app.receiver.wait_for(&webhook.path, 1000, SOON)).await.unwrap();
    assert!(records.iter().all(|record| record.verdict == Verdict::Verified));
    let sent: HashSet<(String, u64)> = records
        .iter()
        .map(|record| {
            let body: Value = serde_json::from_slice(&record.body).unwrap();
            (record.id().to_owned(), body["data"]["n"].as_u64().unwrap())
        })
        .collect();
    let accepted: HashSet<(String, u64)> =
        results.iter().map(|result| result["data"]["id"].as_str().unwrap().to_owned()).zip(0..).collect();
    assert_eq!(records.len(), 1000);
    assert!(sent == accepted, "each id carries the data that it was accepted with");
    app.finish().await;
}

async fn one_bad_event_fails_alone(app: TestApp) {
    let webhook = app.webhook("good").await;
    let large = "x".repeat(app.config.api.event_data_bytes_max);
    let events = json!([
        { "type": "a.b", "data": { "n": 0 } },
        { "data": [1] },
        { "type": "a.b", "data": { "large": large } },
        "not an event",
        { "type": "a.b", "data": { "n": 4 } },
    ]);
    let batch = app.client.post("/api/v1/events/batch", &json!({ "events": events })).await.expect(202).data();
    assert_eq!((&batch["accepted"], &batch["failed"]), (&json!(2), &json!(3)));
    let codes: Vec<_> = (0..5).map(|index| batch["results"][index]["error"]["code"].as_str()).collect();
    let invalid = Some("VALIDATION_ERROR");
    assert_eq!(codes, [None, invalid, Some("PAYLOAD_TOO_LARGE"), invalid, None]);
    let problems = batch["results"][1]["error"]["details"]["errors"].as_array().unwrap();
    assert_eq!([&problems[0]["path"], &problems[1]["path"]], [&json!(["type"]), &json!(["data"])]);
    for index in [0, 4] {
        app.delivery_in(batch["results"][index]["data"]["id"].as_str().unwrap(), "delivered").await;
    }
    assert_eq!(app.receiver.count(&webhook.path), 2);
    app.finish().await;
}

async fn a_batch_has_bounds(app: TestApp) {
    let event = json!({ "type": "a.b", "data": {} });
    for count in [0, 1001] {
        let refused = app.client.post("/api/v1/events/batch", &json!({ "events": vec![&event; count] })).await;
        let refused = refused.expect(422);
        assert_eq!(refused.json()["error"]["message"], "events must have 1 to 1000 entries");
    }
    app.client.post("/api/v1/events/batch", &json!([event])).await.expect(422);
    app.finish().await;
}
