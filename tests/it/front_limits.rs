//! The limits that stand before those of a plan: of an address in a second, of a person in a minute, of batches at
//! once. And what stands open.

use std::time::Duration;

use angarium::domain::user::Role;
use reqwest::Method;
use serde_json::json;

use crate::support::{TestApp, both_engines};

both_engines!(
    an_address_has_its_requests_of_a_second,
    a_person_has_their_requests_of_a_minute,
    a_tenant_has_its_batches_at_once,
    health_is_bare_and_open,
);

const WEBHOOKS: &str = "/api/v1/webhooks";

async fn an_address_has_its_requests_of_a_second(mut app: TestApp) {
    app.config.limits.requests_per_second_per_address = 10;
    app.config.limits.unlimited_networks = Vec::new();
    app.restart().await;
    // Whoever asks: the limit comes before the key is looked at.
    let requests =
        (0..60).map(|_| app.client.send(app.client.anonymous(Method::GET, WEBHOOKS).bearer_auth("sk_test_x")));
    let replies = futures_util::future::join_all(requests).await;
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert!(refused.len() >= 30, "{}", refused.len());
    for reply in refused {
        assert_eq!((reply.code().as_str(), reply.header("retry-after")), ("RATE_LIMIT_EXCEEDED", "1"));
        assert_eq!(reply.json()["retryAfter"], 1);
    }
    let known = replies.iter().filter(|reply| reply.status != 429);
    assert!(known.into_iter().all(|reply| reply.code() == "API_KEY_INVALID"));
    app.finish().await;
}

async fn a_person_has_their_requests_of_a_minute(mut app: TestApp) {
    app.config.limits.session_requests_per_minute = 5;
    app.restart().await;
    let owner = app.signed_in(Role::Owner).await;
    for left in ["4", "3", "2", "1", "0"] {
        let reply = owner.get(WEBHOOKS).await.expect(200);
        assert_eq!((reply.header("x-ratelimit-limit"), reply.header("x-ratelimit-remaining")), ("5", left));
        assert_eq!(reply.header("x-ratelimit-reset"), "1795262460", "the end of this minute");
    }
    let refused = owner.get(WEBHOOKS).await.expect(429);
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("RATE_LIMIT_EXCEEDED", "60"));
    // Another person has a minute of their own.
    app.signed_in(Role::Member).await.get(WEBHOOKS).await.expect(200);
    app.advance(Duration::from_mins(1));
    owner.get(WEBHOOKS).await.expect(200);
    app.finish().await;
}

async fn a_tenant_has_its_batches_at_once(mut app: TestApp) {
    let batch = json!({ "events": [{ "type": "a.b", "data": {} }] });
    app.client.post("/api/v1/events/batch", &batch).await.expect(202);
    // None at once is the bound that a single client can meet.
    app.config.limits.batches_max = 0;
    app.restart().await;
    let refused = app.client.post("/api/v1/events/batch", &batch).await.expect(429);
    assert_eq!((refused.code().as_str(), &refused.json()["retryAfter"]), ("RATE_LIMIT_EXCEEDED", &json!(1)));
    app.client.post("/api/v1/events", &batch["events"][0]).await.expect(202);
    app.finish().await;
}

async fn health_is_bare_and_open(app: TestApp) {
    let reply = app.client.send(app.client.anonymous(Method::GET, "/api/v1/health")).await.expect(200);
    assert_eq!(reply.text, r#"{"status":"ok"}"#);
    app.client.get("/api/v1/health").await.expect(200);
    app.finish().await;
}
