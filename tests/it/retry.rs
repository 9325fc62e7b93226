//! A failed attempt is repeated by the webhook's policy, and every kind of failure is called by its name.

use std::time::Duration;

use angarium::domain::time::Timestamp;
use angarium::receiver::{Behaviour, Fault};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::support::{SOON, TestApp, TestWebhook, both_engines, eventually, time};

both_engines!(
    a_failed_delivery_waits_for_its_time_and_is_repeated,
    the_default_schedule_lasts_a_day_and_ends_as_a_dead_letter,
    a_webhook_may_have_its_own_policy,
    every_failure_has_its_name,
    an_answer_that_is_not_http_is_a_failure,
    retry_after_holds_back_the_whole_webhook,
    a_webhook_that_is_gone_is_disabled_and_keeps_what_comes,
);

/// Delays may be cut to half below a minute, and move by a fifth from there on.
fn jittered(seconds: u64) -> std::ops::RangeInclusive<Duration> {
    let base = Duration::from_secs(seconds);
    if seconds < 60 { base / 2..=base } else { base.mul_f64(0.8)..=base.mul_f64(1.2) }
}

/// Jumps from attempt to attempt until the delivery is a dead letter; the delays between them.
async fn delays_until_dead(app: &TestApp, event: &str) -> Vec<Duration> {
    let mut delays = Vec::new();
    for attempt in 1.. {
        let delivery = app.delivery_after(event, attempt).await;
        if delivery["status"] == "dead" {
            break;
        }
        let next_at = time(&delivery["nextAttemptAt"]);
        delays.push(next_at.since(app.clock.now()));
        app.advance_to(next_at);
    }
    delays
}

async fn webhook_wanting(app: &TestApp, event_type: &str, policy: Value, behaviour: Behaviour) -> TestWebhook {
    let fields = json!({ "events": [event_type], "retryPolicy": policy });
    app.webhook_with(event_type, fields, behaviour).await
}

async fn a_failed_delivery_waits_for_its_time_and_is_repeated(app: TestApp) {
    let webhook = app.webhook_with("flaky", json!({}), Behaviour::fail_first(2)).await;
    let event = app.publish("a.b", json!({})).await;
    for (attempt, base) in [(1, 5), (2, 30)] {
        let waiting = app.delivery_after(&event, attempt).await;
        let due_at = time(&waiting["nextAttemptAt"]);
        assert!(jittered(base).contains(&due_at.since(app.clock.now())), "{waiting}");
        app.advance_to(due_at.before(Duration::from_millis(1)));
        app.sweep().await;
        let still = app.delivery_after(&event, attempt).await;
        assert_eq!((&still["status"], time(&still["nextAttemptAt"])), (&json!("pending"), due_at));
        assert_eq!(app.receiver.count(&webhook.path), attempt);
        app.advance_to(due_at);
    }
    let delivery = app.delivery_in(&event, "delivered").await;
    assert_eq!((&delivery["attempts"], app.receiver.count(&webhook.path)), (&json!(3), 3));
    app.finish().await;
}

async fn the_default_schedule_lasts_a_day_and_ends_as_a_dead_letter(app: TestApp) {
    let fields = json!({ "events": ["a.b"] });
    let webhook = app.webhook_with("broken", fields, Behaviour::status(500)).await;
    let event = app.publish("a.b", json!({})).await;
    let delays = delays_until_dead(&app, &event).await;
    let schedule = [5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000, 36_000];
    assert_eq!(delays.len(), schedule.len());
    for (delay, base) in delays.iter().zip(schedule) {
        assert!(jittered(base).contains(delay), "{delay:?} for {base} s");
    }
    let dead = app.delivery_in(&event, "dead").await;
    assert_eq!((&dead["attempts"], &dead["lastStatus"]), (&json!(10), &json!(500)));
    assert_eq!((&dead["nextAttemptAt"], app.receiver.count(&webhook.path)), (&json!(null), 10));
    let last = dead["attemptLog"][9]["outcome"].as_str().unwrap();
    assert!(last.starts_with("Attempt 10 got 500 after "), "{last}");
    assert!(last.ends_with("; no attempt is left, so the delivery is a dead letter."), "{last}");
    app.finish().await;
}

async fn a_webhook_may_have_its_own_policy(app: TestApp) {
    let policies: [(&str, Value, &[u64]); 4] = [
        ("policy.exponential", json!({ "maxRetries": 3, "backoffStrategy": "exponential" }), &[2, 4, 8]),
        ("policy.linear", json!({ "maxRetries": 2, "backoffStrategy": "linear" }), &[5, 10]),
        ("policy.schedule", json!({ "schedule": [1, 90] }), &[1, 90]),
        ("policy.none", json!({ "maxRetries": 0 }), &[]),
    ];
    for (event_type, policy, bases) in policies {
        webhook_wanting(&app, event_type, policy, Behaviour::status(500)).await;
        let event = app.publish(event_type, json!({})).await;
        let delays = delays_until_dead(&app, &event).await;
        assert_eq!(delays.len(), bases.len(), "{event_type}: {delays:?}");
        for (delay, base) in delays.iter().zip(bases) {
            assert!(jittered(*base).contains(delay), "{event_type}: {delay:?} for {base} s");
        }
    }
    app.finish().await;
}

async fn every_failure_has_its_name(app: TestApp) {
    let elsewhere = app.webhook_with("elsewhere", json!({ "events": ["nothing.else"] }), Behaviour::default()).await;
    let moved = Behaviour { redirect: Some(app.receiver.url(&elsewhere.path)), ..Behaviour::status(301) };
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cases = [
        ("error", Behaviour::status(500), json!(500), json!(null), "got 500"),
        ("missing", Behaviour::status(404), json!(404), json!(null), "got 404"),
        ("moved", moved, json!(301), json!(null), "redirects are not followed"),
        ("hanging", Behaviour::fault(Fault::Hang), json!(null), json!("timeout"), "no complete answer within"),
        ("dripping", Behaviour::fault(Fault::Drip), json!(null), json!("timeout"), "no complete answer within"),
        ("resetting", Behaviour::fault(Fault::Reset), json!(null), json!("reset"), "the connection broke"),
        ("closed", Behaviour::default(), json!(null), json!("connect"), "the connection was refused"),
    ];
    let mut webhooks = Vec::new();
    for (name, behaviour, ..) in &cases {
        let mut fields = json!({ "timeoutMs": 1000 });
        if *name == "closed" {
            fields["url"] = json!(format!("http://{closed}/"));
        }
        webhooks.push(app.webhook_with(name, fields, behaviour.clone()).await);
    }
    let event = app.publish("a.b", json!({})).await;
    for (webhook, (name, _, status, error, words)) in webhooks.iter().zip(cases) {
        let delivery = eventually(name, || async {
            let filter = format!("/api/v1/deliveries?eventId={event}&webhookId={}", webhook.id);
            let delivery = app.client.get(&filter).await.expect(200).data()[0].clone();
            (delivery["attempts"] == 1).then_some(delivery)
        })
        .await;
        assert_eq!((&delivery["lastStatus"], &delivery["lastError"]), (&status, &error), "{name}");
        assert_eq!(delivery["status"], "pending", "{name}");
        let shown = app.client.get(&format!("/api/v1/deliveries/{}", delivery["id"].as_str().unwrap())).await.data();
        let sentence = shown["attemptLog"][0]["outcome"].as_str().unwrap();
        assert!(sentence.contains(words), "{name}: {sentence}");
        assert_eq!(shown["attemptLog"][0]["errorKind"], error, "{name}");
    }
    assert_eq!(app.receiver.count(&elsewhere.path), 0);
    app.finish().await;
}

async fn an_answer_that_is_not_http_is_a_failure(app: TestApp) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mumbling = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b"220 smtp.example ESMTP\r\n\r\n").await.unwrap();
        }
    });
    app.webhook_with("mumbling", json!({ "url": url }), Behaviour::default()).await;
    let event = app.publish("a.b", json!({})).await;
    let delivery = app.delivery_after(&event, 1).await;
    assert_eq!((&delivery["lastStatus"], &delivery["lastError"]), (&json!(null), &json!("protocol")));
    mumbling.abort();
    app.finish().await;
}

async fn retry_after_holds_back_the_whole_webhook(app: TestApp) {
    let busy = Behaviour { fail_status: 429, retry_after: Some("120".to_owned()), ..Behaviour::fail_first(1) };
    let webhook = app.webhook_with("busy", json!({}), busy).await;
    let other = app.webhook("other").await;
    let asked_at = app.clock.now();
    let ready_at = asked_at.after(Duration::from_secs(120));
    let first = app.publish("a.b", json!({})).await;
    let waiting = of_webhook(&app, &first, &webhook, |d| d["attempts"] == 1 && d["nextAttemptAt"].is_string()).await;
    let next_at = time(&waiting["nextAttemptAt"]);
    assert!((ready_at..=ready_at.after(Duration::from_secs(12))).contains(&next_at), "{waiting}");

    let second = app.publish("a.b", json!({})).await;
    app.receiver.wait_for(&other.path, 2, SOON).await.unwrap();
    app.advance_to(ready_at.before(Duration::from_millis(1)));
    app.sweep().await;
    let held = of_webhook(&app, &second, &webhook, |d| d["nextAttemptAt"].is_string()).await;
    assert_eq!((&held["attempts"], held_until(&held)), (&json!(0), ready_at));
    assert_eq!(app.receiver.count(&webhook.path), 1);

    app.advance_to(ready_at.after(Duration::from_secs(12)));
    for event in [&first, &second] {
        of_webhook(&app, event, &webhook, |d| d["status"] == "delivered").await;
    }
    assert_eq!(app.receiver.count(&webhook.path), 3);
    app.finish().await;
}

fn held_until(delivery: &Value) -> Timestamp {
    time(&delivery["nextAttemptAt"])
}

/// Waits until the delivery of an event to one webhook looks so.
async fn of_webhook(app: &TestApp, event: &str, webhook: &TestWebhook, is: impl Fn(&Value) -> bool) -> Value {
    eventually("the delivery gets there", || async {
        let found = app.deliveries(event).await.into_iter().find(|delivery| delivery["webhookId"] == webhook.id);
        found.filter(|delivery| is(delivery))
    })
    .await
}

async fn a_webhook_that_is_gone_is_disabled_and_keeps_what_comes(app: TestApp) {
    let fields = json!({ "events": ["a.b"] });
    let webhook = app.webhook_with("gone", fields, Behaviour::status(410)).await;
    let notices = app.webhook_with("notices", json!({ "events": ["webhook.disabled"] }), Behaviour::default()).await;
    let gone = app.publish("a.b", json!({})).await;
    let dead = app.delivery_in(&gone, "dead").await;
    assert_eq!((&dead["attempts"], &dead["lastStatus"]), (&json!(1), &json!(410)));
    let path = format!("/api/v1/webhooks/{}", webhook.id);
    let disabled = eventually("the webhook is disabled", || async {
        let shown = app.client.get(&path).await.expect(200).data();
        (shown["status"] == "disabled").then_some(shown)
    })
    .await;
    assert_eq!(
        (&disabled["isActive"], &disabled["statusReason"]),
        (&json!(false), &json!("The receiver answered 410 Gone."))
    );
    let notice = app.receiver.wait_for(&notices.path, 1, SOON).await.unwrap().remove(0);
    let notice: Value = serde_json::from_slice(&notice.body).unwrap();
    assert_eq!((&notice["event"], &notice["data"]["webhookId"]), (&json!("webhook.disabled"), &json!(webhook.id)));

    let later = app.publish("a.b", json!({})).await;
    app.advance(Duration::from_hours(1));
    app.sweep().await;
    let parked = app.delivery_after(&later, 0).await;
    assert_eq!((&parked["status"], &parked["nextAttemptAt"]), (&json!("pending"), &json!(null)));
    assert_eq!(app.receiver.count(&webhook.path), 1);
    app.receiver.behave(&webhook.path, Behaviour::default());
    app.client.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    app.delivery_in(&later, "delivered").await;
    app.finish().await;
}
