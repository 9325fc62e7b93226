//! The limits on requests, and where they stand: of a key in an hour, of a tenant in a month, of batches at once.

use std::time::Duration;

use angarium::domain::tenant::Environment::{Production, Staging};
use serde_json::json;

use crate::support::client::Client;
use crate::support::{TestApp, TestEngine, both_engines};

both_engines!(
    start;
    a_key_has_its_requests_of_the_hour,
    every_answer_tells_where_the_limit_stands,
    keys_are_counted_apart_and_tenants_together,
    an_unlimited_plan_says_so,
    usage_is_told_by_route,
);

const PLANS: &str = r#"
default_plan = "small"
[meters]
[plans.small]
requests_per_hour = 5
requests_per_month = 8
events_per_month = -1
webhooks = -1
event_data_bytes = -1
webhook_concurrency = -1
[plans.unlimited]
requests_per_hour = -1
requests_per_month = -1
events_per_month = -1
webhooks = -1
event_data_bytes = -1
webhook_concurrency = -1
"#;

async fn start(engine: TestEngine) -> TestApp {
    TestApp::start_with_plans(engine, PLANS).await
}

async fn statuses(client: &Client, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(client.get("/api/v1/webhooks").await.status);
    }
    statuses
}

async fn a_key_has_its_requests_of_the_hour(app: TestApp) {
    let client = app.client_on("small", Staging).await;
    app.advance(Duration::from_mins(20));
    assert_eq!(statuses(&client, 6).await, [200, 200, 200, 200, 200, 429]);
    let refused = client.get("/api/v1/webhooks").await.expect(429);
    assert_eq!(refused.code(), "RATE_LIMIT_EXCEEDED");
    assert_eq!(refused.headers["retry-after"], "2400");
    assert_eq!(refused.json()["retryAfter"], 2400);
    assert_eq!(refused.headers["x-ratelimit-remaining"], "0");
    // The window is the clock's hour.
    app.advance(Duration::from_mins(40));
    assert_eq!(statuses(&client, 1).await, [200]);
    app.finish().await;
}

async fn every_answer_tells_where_the_limit_stands(app: TestApp) {
    let client = app.client_on("small", Staging).await;
    let resets_at = (app.clock.now().as_seconds() / 3600 + 1) * 3600;
    for (path, status, remaining) in
        [("/api/v1/webhooks", 200, "4"), ("/api/v1/events/nope", 404, "3"), ("/none", 404, "2")]
    {
        let reply = client.get(path).await.expect(status);
        assert_eq!(reply.headers["x-ratelimit-limit"], "5");
        assert_eq!(reply.headers["x-ratelimit-remaining"], remaining);
        assert_eq!(reply.headers["x-ratelimit-reset"], resets_at.to_string().as_str());
    }
    let anonymous = client.send(client.anonymous(reqwest::Method::GET, "/api/v1/health")).await.expect(200);
    assert!(!anonymous.headers.contains_key("x-ratelimit-limit"));
    app.finish().await;
}

async fn keys_are_counted_apart_and_tenants_together(app: TestApp) {
    let (first, second) = (app.client_on("small", Staging).await, app.client_on("small", Staging).await);
    assert_eq!(statuses(&first, 6).await, [200, 200, 200, 200, 200, 429]);
    // Three are left of the tenant's eight of the month.
    assert_eq!(statuses(&second, 4).await, [200, 200, 200, 403]);
    let refused = second.get("/api/v1/webhooks").await.expect(403);
    assert_eq!(refused.code(), "PLAN_LIMIT_EXCEEDED");
    let live = app.client_on("small", Production).await;
    assert_eq!(statuses(&live, 1).await, [200]);
    app.finish().await;
}

async fn an_unlimited_plan_says_so(app: TestApp) {
    let reply = app.client.get("/api/v1/webhooks").await.expect(200);
    assert_eq!(reply.headers["x-ratelimit-limit"], "-1");
    assert_eq!(reply.headers["x-ratelimit-remaining"], "-1");
    app.finish().await;
}

async fn usage_is_told_by_route(app: TestApp) {
    app.publish("message.sent", json!({})).await;
    app.publish("message.sent", json!({})).await;
    app.client.get("/api/v1/events/nope").await.expect(404);
    app.app().engine.flush_usage().await.unwrap();
    let reader = app.client_with(&["read:analytics"]).await;
    let usage = reader.get("/api/v1/analytics/usage?month=2026-11").await.expect(200).data();
    assert_eq!(usage["month"], "2026-11");
    assert_eq!(usage["totalRequests"], 3);
    assert_eq!(usage["requestsByEndpoint"]["/api/v1/events"], 2);
    assert_eq!(usage["requestsByMethod"]["POST"], 2);
    assert_eq!((&usage["monthlyLimit"], &usage["unlimited"]), (&json!(-1), &json!(true)));
    assert_eq!((&usage["overage"], &usage["overagePercent"]), (&json!(0), &json!(0.0)));
    assert_eq!(usage["meters"]["events"], json!({ "count": 2, "monthlyLimit": -1 }));
    let history = reader.get("/api/v1/analytics/usage/history?months=2").await.expect(200).data();
    let months: Vec<_> = history.as_array().unwrap().iter().map(|month| month["month"].clone()).collect();
    assert_eq!(months, ["2026-10", "2026-11"]);
    assert_eq!(history[1]["totalRequests"], 3);
    let performance = reader.get("/api/v1/analytics/performance").await.expect(200).data();
    assert_eq!((&performance["totalRequests"], &performance["failedRequests"]), (&json!(3), &json!(1)));
    assert!(performance["p95Ms"].as_f64().unwrap() > 0.0);
    for bad in ["usage?month=2026-13", "usage/history?months=0", "usage/history?months=25", "usage?moth=2026-11"] {
        reader.get(&format!("/api/v1/analytics/{bad}")).await.expect(422);
    }
    app.client_with(&["read:events"]).await.get("/api/v1/analytics/usage").await.expect(403);
    app.finish().await;
}
