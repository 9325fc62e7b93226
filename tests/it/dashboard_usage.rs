//! Usage at the dashboard: the plan's limits, how much of each is used, and the months before.

use std::time::Duration;

use angarium::domain::tenant::Environment;
use angarium::domain::user::Role;
use serde_json::json;

use crate::support::{TestApp, TestEngine, both_engines};

const PLANS: &str = "default_plan = \"small\"\n[meters]\nmessages = [\"message.*\"]\n[plans.small]\n\
    requests_per_hour = 500\nrequests_per_month = 1000\nevents_per_month = 5\nwebhooks = 3\nevent_data_bytes = 2048\n\
    webhook_concurrency = 4\n[plans.small.per_minute]\nmessages = 600\n[plans.unlimited]\nsame_as = \"small\"\n";

async fn start(engine: TestEngine) -> TestApp {
    TestApp::start_with_plans(engine, PLANS).await
}

both_engines!(start;
    limits_are_shown_with_what_is_used_of_them,
    months_are_gone_back_to,
    usage_is_that_of_the_tenant_and_environment,
);

async fn limits_are_shown_with_what_is_used_of_them(app: TestApp) {
    app.webhook("hook").await;
    for _ in 0..4 {
        app.publish("message.sent", json!({})).await;
    }
    app.app().engine.flush_usage().await.unwrap();
    let page = app.browser_of(Role::Member).await.open("/ui/usage").await;
    for said in [
        "plan unlimited, staging",
        "<b class=\"retrying\">4</b> <span>of 5, 80 %</span>",
        "<b class=\"\">4</b> <span>of 600, 0 %</span>",
        "<b class=\"\">1</b> <span>of 3, 33 %</span>",
        "messages this minute",
        "begins anew in 1 m",
        "2 KiB",
        "POST /api/v1/events",
    ] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    app.publish("message.sent", json!({})).await;
    let page = app.browser_of(Role::Owner).await.open("/ui/usage").await;
    assert!(page.text.contains("<b class=\"bad\">5</b> <span>of 5, 100 %</span>"), "{}", page.text);
    app.finish().await;
}

async fn months_are_gone_back_to(app: TestApp) {
    app.publish("order.created", json!({})).await;
    app.app().engine.flush_usage().await.unwrap();
    app.advance(Duration::from_hours(24 * 31));
    app.publish("order.created", json!({})).await;
    app.app().engine.flush_usage().await.unwrap();
    let browser = app.browser_of(Role::Member).await;
    let page = browser.open("/ui/usage").await;
    assert!(page.text.contains("Requests in 2026-12") && page.text.contains(">2026-11</a>"), "{}", page.text);
    assert!(!page.text.contains(">2026-10</a>"), "months from before the tenant say nothing");
    let before = browser.open("/ui/usage?month=2026-11").await;
    assert!(before.text.contains("Requests in 2026-11") && before.text.contains("month=2026-12#routes"));
    for other in ["2027-01", "%3Cb%3E", "2026-13"] {
        assert!(browser.open(&format!("/ui/usage?month={other}")).await.text.contains("Requests in 2026-12"));
    }
    app.finish().await;
}

async fn usage_is_that_of_the_tenant_and_environment(app: TestApp) {
    app.publish("order.created", json!({})).await;
    let other = app.client_of("other", Environment::Staging).await;
    for _ in 0..3 {
        other.post("/api/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202);
    }
    app.app().engine.flush_usage().await.unwrap();
    let browser = app.browser_of(Role::Owner).await;
    assert!(browser.open("/ui/usage").await.text.contains("<b class=\"\">1</b> <span>of 5, 20 %</span>"));
    browser.post("/ui/preferences", &[("environment", "production")]).await.expect(303);
    assert!(browser.open("/ui/usage").await.text.contains("<b class=\"\">0</b> <span>of 5, 0 %</span>"));
    app.finish().await;
}
