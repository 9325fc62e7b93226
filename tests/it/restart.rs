//! A clean stop loses nothing and repeats nothing: what was under way is finished, what waits goes on afterwards.

use std::collections::HashSet;
use std::time::Duration;

use angarium::receiver::{Behaviour, Verdict};
use serde_json::{Value, json};

use crate::support::{SOON, TestApp, both_engines, eventually, time};

both_engines!(
    a_retry_waits_through_a_restart,
    a_restart_in_the_middle_loses_and_repeats_nothing,
    what_was_waiting_for_its_turn_is_due_at_once,
);

async fn a_retry_waits_through_a_restart(mut app: TestApp) {
    let webhook = app.webhook_with("flaky", json!({}), Behaviour::fail_first(1)).await;
    let event = app.publish("a.b", json!({ "n": 1 })).await;
    let before = app.delivery_after(&event, 1).await;
    app.restart().await;
    let after = app.delivery_after(&event, 1).await;
    assert_eq!((&after["nextAttemptAt"], app.receiver.count(&webhook.path)), (&before["nextAttemptAt"], 1));
    app.advance_to(time(&after["nextAttemptAt"]));
    let delivered = app.delivery_in(&event, "delivered").await;
    assert_eq!(delivered["attemptLog"].as_array().unwrap().len(), 2);
    let records = app.receiver.records(&webhook.path);
    assert!(records.len() == 2 && records.iter().all(|record| record.verdict == Verdict::Verified));
    app.finish().await;
}

async fn publish_many(app: &TestApp, count: u32) -> HashSet<String> {
    let events: Vec<_> = (0..count).map(|n| json!({ "type": "a.b", "data": { "n": n } })).collect();
    let batch = app.client.post("/api/v1/events/batch", &json!({ "events": events })).await.expect(202).data();
    let id = |result: &Value| result["data"]["id"].as_str().unwrap().to_owned();
    batch["results"].as_array().unwrap().iter().map(id).collect()
}

async fn a_restart_in_the_middle_loses_and_repeats_nothing(mut app: TestApp) {
    let slow = Behaviour::delay(Duration::from_millis(20));
    let webhook = app.webhook_with("slow", json!({}), slow).await;
    let events = publish_many(&app, 500).await;
    app.receiver.wait_for(&webhook.path, 50, SOON).await.unwrap();
    app.restart().await;
    let at_restart = app.receiver.count(&webhook.path);
    assert!(at_restart < 500, "{at_restart} were delivered before: not in the middle");
    app.receiver.behave(&webhook.path, Behaviour::default());
    app.while_time_passes(app.receiver.wait_for(&webhook.path, 500, SOON)).await.unwrap();
    eventually("all are delivered", || async {
        let page = app.client.get("/api/v1/deliveries?status=delivered").await.expect(200).json();
        (page["pagination"]["total"] == 500).then_some(())
    })
    .await;
    let records = app.receiver.records(&webhook.path);
    let sent: HashSet<_> = records.iter().map(|record| record.id().to_owned()).collect();
    assert_eq!((records.len(), sent == events), (500, true));
    app.finish().await;
}

async fn what_was_waiting_for_its_turn_is_due_at_once(mut app: TestApp) {
    let webhook = app.webhook_with("one-by-one", json!({}), Behaviour::delay(Duration::from_millis(300))).await;
    let events = publish_many(&app, 60).await;
    app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap();
    app.restart().await;
    app.receiver.behave(&webhook.path, Behaviour::default());
    // The clock stands still: no lease can have run out.
    let records = app.receiver.wait_for(&webhook.path, 60, SOON).await.unwrap();
    assert_eq!(records.iter().map(|record| record.id().to_owned()).collect::<HashSet<_>>(), events);
    for event in &events {
        assert_eq!(app.delivery_in(event, "delivered").await["attempts"], 1);
    }
    assert_eq!(app.receiver.count(&webhook.path), 60);
    app.finish().await;
}
