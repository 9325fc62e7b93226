//! What a tenant can read about a delivery: every attempt, in one sentence and in detail, without secrets.

use std::time::Duration;

use angarium::receiver::{Behaviour, Fault};
use serde_json::json;

use crate::support::{TestApp, both_engines, time};

both_engines!(
    the_log_tells_each_attempt_in_a_sentence,
    the_log_hides_signatures_and_customers_headers,
    the_log_keeps_the_beginning_of_an_answer,
    deliveries_are_found_by_filter,
    deliveries_are_found_by_the_data_of_their_events,
);

async fn the_log_tells_each_attempt_in_a_sentence(app: TestApp) {
    let webhook = app.webhook_with("flaky", json!({}), Behaviour::fail_first(1)).await;
    let event = app.publish("order.created", json!({})).await;
    let waiting = app.delivery_after(&event, 1).await;
    assert_eq!((&waiting["status"], &waiting["lastStatus"]), (&json!("pending"), &json!(503)));
    let next_at = time(&waiting["nextAttemptAt"]);
    app.advance_to(next_at);
    let delivery = app.delivery_in(&event, "delivered").await;

    assert_eq!(delivery["eventUrl"], format!("/api/v1/events/{event}"));
    assert_eq!((&delivery["reason"], &delivery["eventType"]), (&json!("event"), &json!("order.created")));
    assert_eq!((time(&delivery["settledAt"]), &delivery["nextAttemptAt"]), (next_at, &json!(null)));
    let log = delivery["attemptLog"].as_array().unwrap();
    assert_eq!(log.len(), 2);
    let sentences = [&log[0], &log[1]].map(|attempt| attempt["outcome"].as_str().unwrap());
    assert!(sentences[0].starts_with("Attempt 1 got 503 after "), "{}", sentences[0]);
    assert!(sentences[0].ends_with(&format!("; the next attempt is at {next_at}.")), "{}", sentences[0]);
    assert!(sentences[1].starts_with("Attempt 2 got 200 after "), "{}", sentences[1]);
    assert!(sentences[1].ends_with(" ms; delivered."), "{}", sentences[1]);
    assert_eq!((&log[0]["number"], &log[0]["status"], &log[0]["errorKind"]), (&json!(1), &json!(503), &json!(null)));
    assert_eq!(time(&log[0]["nextAttemptAt"]), next_at);
    assert_eq!((time(&log[1]["startedAt"]), &log[1]["nextAttemptAt"]), (next_at, &json!(null)));
    assert_eq!(log[1]["url"], app.receiver.url(&webhook.path));

    let logs = app.client.get(&format!("/api/v1/webhooks/{}/logs?status=success", webhook.id)).await.expect(200).data();
    assert_eq!((&logs["total"], &logs["logs"][0]["event"]), (&json!(1), &json!("order.created")));
    assert_eq!((&logs["logs"][0]["attempts"], time(&logs["logs"][0]["deliveredAt"])), (&json!(2), next_at));
    app.finish().await;
}

async fn the_log_hides_signatures_and_customers_headers(app: TestApp) {
    let headers = json!({ "Authorization": "Bearer of-the-customer", "X-Team": "ops" });
    let webhook = app.webhook_with("hidden", json!({ "headers": headers }), Behaviour::default()).await;
    let event = app.publish("a.b", json!({})).await;
    let delivery = app.delivery_in(&event, "delivered").await;
    let sent = &delivery["attemptLog"][0]["requestHeaders"];
    for name in ["webhook-signature", "x-webhook-signature", "authorization", "x-team"] {
        assert_eq!(sent[name], "(hidden)", "{name}");
    }
    assert_eq!(sent["webhook-id"], event);
    assert_eq!(sent["webhook-timestamp"], app.clock.now().as_seconds().to_string());
    let record = &app.receiver.records(&webhook.path)[0];
    for secret in [record.header("webhook-signature"), record.header("x-webhook-signature"), "of-the-customer"] {
        assert!(!delivery.to_string().contains(secret));
    }
    assert_eq!(delivery["attemptLog"][0]["responseHeaders"]["content-type"], "application/json");
    assert_eq!(delivery["attemptLog"][0]["responseExcerpt"], r#"{"verified":true}"#);
    app.finish().await;
}

async fn the_log_keeps_the_beginning_of_an_answer(app: TestApp) {
    let huge = Behaviour::fault(Fault::HugeBody { bytes: 5_000_000 });
    app.webhook_with("huge", json!({}), huge).await;
    let event = app.publish("a.b", json!({})).await;
    let delivery = app.delivery_in(&event, "delivered").await;
    let attempt = &delivery["attemptLog"][0];
    assert_eq!((&attempt["status"], &attempt["responseExcerptBytes"]), (&json!(200), &json!(16_384)));
    assert_eq!(attempt["responseExcerpt"].as_str().unwrap().len(), 16_384);
    app.finish().await;
}

async fn deliveries_are_found_by_filter(app: TestApp) {
    let good = app.webhook_with("good", json!({ "events": ["order.*"] }), Behaviour::default()).await;
    let bad = json!({ "events": ["order.created"], "retryPolicy": { "maxRetries": 0 } });
    let bad = app.webhook_with("bad", bad, Behaviour::status(404)).await;
    let before = app.clock.now();
    let created = app.publish("order.created", json!({})).await;
    app.advance(Duration::from_mins(1));
    let paid = app.publish("order.paid", json!({})).await;
    app.delivery_in(&paid, "delivered").await;
    for (filter, expected) in
        [(format!("eventId={created}&status=delivered"), 1), (format!("eventId={created}&status=dead"), 1)]
    {
        crate::support::eventually(&filter, || async { (total(&app, &filter).await == expected).then_some(()) }).await;
    }
    let filters = [
        (String::new(), 3),
        (format!("webhookId={}", good.id), 2),
        (format!("webhookId={}&eventId={created}", bad.id), 1),
        ("eventType=order.paid".to_owned(), 1),
        ("status=delivered".to_owned(), 2),
        ("status=pending".to_owned(), 0),
        ("statusClass=4xx".to_owned(), 1),
        ("statusClass=2xx".to_owned(), 2),
        ("errorKind=timeout".to_owned(), 0),
        (format!("createdAfter={}", before.after(Duration::from_secs(1))), 1),
        (format!("createdBefore={}", before.after(Duration::from_secs(1))), 2),
    ];
    for (filter, expected) in filters {
        assert_eq!(total(&app, &filter).await, expected, "{filter}");
    }
    let wrong = app.client.get("/api/v1/deliveries?status=lost").await.expect(422);
    assert_eq!(wrong.json()["error"]["details"]["errors"][0]["path"], json!(["status"]));
    let page = app.client.get("/api/v1/deliveries?limit=2").await.expect(200).json();
    assert_eq!((page["data"].as_array().unwrap().len(), &page["pagination"]["totalPages"]), (2, &json!(2)));
    let next = page["pagination"]["nextCursor"].as_str().unwrap();
    let rest = app.client.get(&format!("/api/v1/deliveries?limit=2&cursor={next}")).await.expect(200).data();
    assert_eq!(rest.as_array().unwrap().len(), 1);
    assert!(page["data"].as_array().unwrap().iter().all(|delivery| delivery["id"] != rest[0]["id"]));
    app.finish().await;
}

async fn total(app: &TestApp, filter: &str) -> u64 {
    let page = app.client.get(&format!("/api/v1/deliveries?{filter}")).await.expect(200).json();
    page["pagination"]["total"].as_u64().unwrap()
}

async fn deliveries_are_found_by_the_data_of_their_events(app: TestApp) {
    app.webhook("hook").await;
    let mut events = Vec::new();
    for n in 0..5 {
        // So that the order of the ids is that of the events.
        app.advance(Duration::from_millis(1));
        events.push(
            app.publish("order.created", json!({ "customer": { "id": n % 2 }, "tags": ["a", n.to_string()] })).await,
        );
    }
    for event in &events {
        app.delivery_in(event, "delivered").await;
    }
    let find = async |query: &str| app.client.get(&format!("/api/v1/deliveries?{query}")).await.expect(200).json();
    let found = find("data=customer.id:1").await;
    let ids: Vec<_> = found["data"].as_array().unwrap().iter().map(|delivery| delivery["eventId"].clone()).collect();
    assert_eq!(ids, [json!(events[3]), json!(events[1])]);
    assert_eq!((&found["pagination"]["total"], &found["pagination"]["nextCursor"]), (&json!(2), &json!(null)));
    assert_eq!(find("data=tags:4").await["data"].as_array().unwrap().len(), 1);
    assert_eq!(find("data=customer.id:1&status=dead").await["data"], json!([]));
    assert_eq!(find("attemptsMin=2").await["data"], json!([]));
    // One page after the other.
    let first = find("data=customer.id:0&limit=1").await;
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(first["data"][0]["eventId"], json!(events[4]));
    let second = find(&format!("data=customer.id:0&limit=1&cursor={cursor}")).await;
    assert_eq!(second["data"][0]["eventId"], json!(events[2]));
    for bad in ["data=x", "data=:1", "data=a:1&page=2", "attemptsMin=x"] {
        app.client.get(&format!("/api/v1/deliveries?{bad}")).await.expect(422);
    }
    let browser = app.browser_of(angarium::domain::user::Role::Member).await;
    let page = browser.open("/ui/deliveries?q=data.customer.id:1").await;
    assert_eq!(page.text.matches("<tr id=\"dlv_").count(), 2);
    assert!(page.text.contains("has looked at up to 2,000 deliveries"), "{}", page.text);
    app.finish().await;
}
