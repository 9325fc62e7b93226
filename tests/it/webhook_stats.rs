//! How webhooks are doing: what attempts came to, counted for a webhook, for its tenant and for all.

use std::time::Duration;

use angarium::domain::delivery_stats::StatsRange;
use angarium::domain::tenant::Environment;
use angarium::engine::stats::StatsOf;
use angarium::receiver::{Behaviour, Fault};
use serde_json::{Value, json};

use crate::support::{TestApp, both_engines, eventually};

both_engines!(
    attempts_are_counted_by_what_they_came_to,
    a_failing_webhook_says_since_when,
    minutes_are_folded_into_hours_and_hours_are_forgotten,
    a_restart_loses_no_count,
);

async fn stats(app: &TestApp, id: &str, range: &str) -> Value {
    app.client.get(&format!("/api/v1/webhooks/{id}/stats?range={range}")).await.expect(200).data()
}

async fn stats_when(app: &TestApp, id: &str, range: &str, attempts: u64) -> Value {
    eventually(&format!("{attempts} attempts are counted"), || async {
        let stats = stats(app, id, range).await;
        (stats["attempts"] == attempts).then_some(stats)
    })
    .await
}

fn sum(stats: &Value, field: &str) -> u64 {
    stats["points"].as_array().unwrap().iter().map(|point| point[field].as_u64().unwrap()).sum()
}

async fn attempts_are_counted_by_what_they_came_to(app: TestApp) {
    let good = app.webhook_with("good", json!({ "events": ["a.b"] }), Behaviour::default()).await;
    let policy = json!({ "events": ["a.b"], "retryPolicy": { "maxRetries": 0 } });
    let bad = app.webhook_with("bad", policy, Behaviour::status(503)).await;
    for _ in 0..3 {
        let event = app.publish("a.b", json!({})).await;
        eventually("both are final", || async {
            app.deliveries(&event).await.iter().all(|delivery| delivery["status"] != "pending").then_some(())
        })
        .await;
    }
    let of_good = stats_when(&app, &good.id, "1h", 3).await;
    assert_eq!((&of_good["delivered"], &of_good["failed"], &of_good["dead"]), (&json!(3), &json!(0), &json!(0)));
    assert_eq!((&of_good["successRate"], &of_good["byOutcome"]["2xx"]), (&json!(100.0), &json!(3)));
    assert_eq!((&of_good["circuit"], &of_good["consecutiveFailures"]), (&json!("closed"), &json!(0)));
    assert_eq!((&of_good["pending"], of_good["points"].as_array().unwrap().len()), (&json!(0), 60));
    assert_eq!((sum(&of_good, "delivered"), sum(&of_good, "failed")), (3, 0));
    assert_eq!(of_good["points"][59]["startsAt"], "2026-11-21T12:00:00.000Z");
    let ms = |field: &str| of_good[field].as_f64().unwrap();
    assert!(ms("averageMs") > 0.0 && ms("p50Ms") > 0.0 && ms("p50Ms") <= ms("p95Ms") && ms("p95Ms") <= ms("p99Ms"));

    let of_bad = stats_when(&app, &bad.id, "24h", 3).await;
    assert_eq!((&of_bad["delivered"], &of_bad["failed"], &of_bad["dead"]), (&json!(0), &json!(3), &json!(3)));
    assert_eq!((&of_bad["successRate"], &of_bad["byOutcome"]["5xx"]), (&json!(0.0), &json!(3)));
    assert_eq!((of_bad["points"].as_array().unwrap().len(), sum(&of_bad, "failed")), (24, 3));

    // The tenant, and all tenants together.
    let engine = &app.app().engine;
    for of in [StatsOf::Scope(app.scope), StatsOf::Everything] {
        let all = eventually("all are counted", || async {
            let all = engine.delivery_stats(of, StatsRange::Week).await.unwrap();
            (all.total.attempts >= 6).then_some(all)
        })
        .await;
        assert_eq!((all.total.dead, all.failed(), all.points.len()), (3, 3, 168));
    }
    let path = format!("/api/v1/webhooks/{}/stats", good.id);
    let other = app.client_of("globex", Environment::Staging).await;
    other.get(&path).await.expect(404);
    assert_eq!(app.client.get(&format!("{path}?range=2h")).await.expect(422).code(), "VALIDATION_ERROR");
    app.client_with(&["read:events"]).await.get(&path).await.expect(403);
    assert_eq!(app.client.get(&path).await.expect(200).data()["range"], "24h");
    let new = app.webhook("new").await;
    let nothing = stats(&app, &new.id, "30d").await;
    assert_eq!((&nothing["successRate"], &nothing["p99Ms"]), (&json!(null), &json!(null)));
    assert_eq!(nothing["points"].as_array().unwrap().len(), 30);
    app.finish().await;
}

async fn a_failing_webhook_says_since_when(app: TestApp) {
    let since = app.clock.now();
    let webhook = app.webhook_with("dead", json!({}), Behaviour::fault(Fault::Reset)).await;
    for _ in 0..20 {
        app.publish("a.b", json!({})).await;
    }
    let open = eventually("its circuit is open", || async {
        let stats = stats(&app, &webhook.id, "1h").await;
        let counted = stats["consecutiveFailures"].as_u64().unwrap() >= 5;
        (stats["circuit"] == "open" && counted).then_some(stats)
    })
    .await;
    assert_eq!(open["failingSince"], since.to_string());
    assert_eq!((&open["pending"], &open["consecutiveFailures"]), (&json!(20), &open["byOutcome"]["connect"]));
    assert!(open["waitsUntil"].is_string(), "{open}");
    app.receiver.behave(&webhook.path, Behaviour::default());
    let healed = eventually("it is well again", || async {
        app.advance(Duration::from_secs(5));
        let stats = stats(&app, &webhook.id, "1h").await;
        (stats["pending"] == 0 && stats["circuit"] == "closed").then_some(stats)
    })
    .await;
    assert_eq!((&healed["consecutiveFailures"], &healed["failingSince"]), (&json!(0), &json!(null)));
    app.finish().await;
}

async fn minutes_are_folded_into_hours_and_hours_are_forgotten(app: TestApp) {
    let webhook = app.webhook("hook").await;
    for attempts in 1..=3 {
        let event = app.publish("a.b", json!({})).await;
        app.delivery_in(&event, "delivered").await;
        stats_when(&app, &webhook.id, "1h", attempts).await;
        app.advance(Duration::from_mins(5));
    }
    let before = stats(&app, &webhook.id, "1h").await;
    assert_eq!(before["points"].as_array().unwrap().iter().filter(|point| point["delivered"] == 1).count(), 3);
    let rows = async || {
        let store = app.app().engine.store();
        let of = StatsOf::Webhook(app.scope, webhook.id.parse().unwrap());
        store.stats_since(of, angarium::domain::time::Timestamp::default()).await.unwrap()
    };
    assert_eq!(rows().await.len(), 3);
    app.advance(Duration::from_hours(4));
    eventually("the minutes are an hour", || async { (rows().await.len() == 1).then_some(()) }).await;
    for (range, points) in [("24h", 24), ("7d", 168), ("30d", 30)] {
        let after = stats(&app, &webhook.id, range).await;
        assert_eq!((&after["attempts"], sum(&after, "delivered")), (&json!(3), 3), "{range}");
        assert_eq!(after["points"].as_array().unwrap().len(), points);
        assert!(after["p99Ms"].as_f64().unwrap() > 0.0);
    }
    assert_eq!(stats(&app, &webhook.id, "1h").await["attempts"], 0);
    app.advance(Duration::from_hours(32 * 24));
    eventually("the hour is forgotten", || async { rows().await.is_empty().then_some(()) }).await;
    app.finish().await;
}

async fn a_restart_loses_no_count(mut app: TestApp) {
    let webhook = app.webhook("hook").await;
    for n in 1..=2 {
        let event = app.publish("a.b", json!({})).await;
        app.delivery_in(&event, "delivered").await;
        app.restart().await;
        // What was counted in the same minute by another process stays beside it.
        assert_eq!(stats(&app, &webhook.id, "1h").await["attempts"], n);
    }
    app.finish().await;
}
