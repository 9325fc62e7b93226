//! Replays at the dashboard: counted from a list's filter, started, watched, held up, called off; and dead letters given
//! up.

use angarium::domain::tenant::Environment;
use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use serde_json::json;

use crate::support::browser::Browser;
use crate::support::{TestApp, TestWebhook, both_engines, eventually};

both_engines!(
    a_filter_is_counted_and_replayed,
    a_replay_is_paused_resumed_and_cancelled,
    what_fails_again_is_told,
    what_no_replay_can_go_by_is_said,
    a_dead_letter_is_given_up_for_a_reason,
    a_member_looks_and_replays_nothing,
    replays_of_others_are_not_there,
);

/// Registers a webhook that refuses everything and has one attempt a delivery.
async fn hopeless(app: &TestApp, name: &str) -> TestWebhook {
    // Not of what Angarium itself tells: that a delivery was given up would be given up too.
    let events = ["order.*", "invoice.*"];
    let fields = json!({ "name": name, "events": events, "retryPolicy": { "maxRetries": 0 } });
    app.webhook_with("hopeless", fields, Behaviour::status(400)).await
}

/// Publishes events and waits until each is a dead letter; the deliveries' ids.
async fn bury(app: &TestApp, event_type: &str, count: u32) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        let event = app.publish(event_type, json!({ "n": n })).await;
        ids.push(app.delivery_in(&event, "dead").await["id"].as_str().unwrap().to_owned());
    }
    ids
}

/// Waits until a page says something.
async fn says(app: &TestApp, browser: &Browser, path: &str, said: &str) -> String {
    let looks = eventually(said, || async {
        let page = browser.open(path).await.text;
        page.contains(said).then_some(page)
    });
    app.while_time_passes(looks).await
}

async fn a_filter_is_counted_and_replayed(app: TestApp) {
    let hook = hopeless(&app, "<u>flaky</u>").await;
    bury(&app, "order.created", 3).await;
    bury(&app, "invoice.paid", 1).await;
    let browser = app.browser_of(Role::Owner).await;
    let filter = format!("status=dead&type=order.*&range=all&webhook={}", hook.id);
    let list = browser.open(&format!("/ui/deliveries?{filter}")).await;
    assert!(list.text.contains("/ui/replays/new?status=dead&#38;type=order.*"), "{}", list.text);
    let page = browser.open(&format!("/ui/replays/new?{filter}")).await;
    for said in ["Send 3 deliveries again?", "dead letters only", "type order.*", "&#60;u&#62;flaky&#60;/u&#62;"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert!(!page.text.contains("<u>flaky"));
    let fields = [
        ("status", "dead"),
        ("type", "order.*"),
        ("range", "all"),
        ("webhook", hook.id.as_str()),
        ("counted", "1"),
        ("failed", "on"),
        ("rate", "100"),
        ("order", "newest"),
    ];
    let counted: Vec<_> = fields.into_iter().chain([("action", "count")]).collect();
    let again = browser.post("/ui/replays/new", &counted).await.expect(303);
    assert!(!again.header("location").contains("token"), "{}", again.header("location"));
    assert!(browser.follow(&again).await.text.contains("<option value=\"newest\" selected>"));
    app.receiver.behave(&hook.path, Behaviour::default());
    let started = browser.post("/ui/replays/new", &fields).await.expect(303);
    let path = started.header("location").to_owned();
    let page = browser.follow(&started).await;
    assert!(page.text.contains("The replay is on its way.") && page.text.contains("owner-at-ui@example.com"));
    assert_eq!(page.header("refresh"), "5");
    assert_eq!(browser.open(&format!("{path}?still=1")).await.header("refresh"), "");
    let done = says(&app, &browser, &path, "It is done: everything was delivered.").await;
    assert!(done.contains("100 %") && browser.open(&path).await.header("refresh").is_empty(), "{done}");
    let list = browser.open("/ui/replays?state=done").await;
    assert!(list.text.contains(&format!("href=\"{path}\"")), "{}", list.text);
    assert!(!browser.open("/ui/replays?state=running").await.text.contains(&path));
    assert!(browser.open("/ui/replays/new?status=dead&range=all").await.text.contains("Send 1 deliveries again?"));
    app.finish().await;
}

async fn a_replay_is_paused_resumed_and_cancelled(app: TestApp) {
    hopeless(&app, "flaky").await;
    bury(&app, "order.created", 2).await;
    let browser = app.browser_of(Role::Admin).await;
    let started = browser.post("/ui/replays/new", &[("status", "dead"), ("rate", "1")]).await.expect(303);
    let path = started.header("location").to_owned();
    browser.post(&format!("{path}/pause"), &[]).await.expect(303);
    let page = browser.open(&path).await;
    assert!(page.text.contains("The replay is paused.") && page.text.contains("/resume\""), "{}", page.text);
    let refused = browser.post(&format!("{path}/pause"), &[]).await.expect(409);
    assert!(refused.text.contains("The replay is paused, which does not allow that."), "{}", refused.text);
    browser.post(&format!("{path}/resume"), &[]).await.expect(303);
    browser.post(&format!("{path}/cancel"), &[]).await.expect(303);
    let page = browser.open(&path).await;
    assert!(page.text.contains("It was cancelled.") && !page.text.contains("/pause\""), "{}", page.text);
    app.finish().await;
}

async fn what_fails_again_is_told(app: TestApp) {
    hopeless(&app, "flaky").await;
    let dead = bury(&app, "order.created", 1).await;
    let browser = app.browser_of(Role::Owner).await;
    let started = browser.post("/ui/replays/new", &[("status", "dead")]).await.expect(303);
    let path = started.header("location").to_owned();
    let page = says(&app, &browser, &path, "and 1 could not be delivered.").await;
    assert!(page.contains(&format!("href=\"/ui/deliveries/{}\"", dead[0])) && page.contains(">400<"), "{page}");
    app.finish().await;
}

async fn what_no_replay_can_go_by_is_said(app: TestApp) {
    let browser = app.browser_of(Role::Owner).await;
    for (query, said) in [
        ("attempt=%3E3", "A replay cannot go by the number of attempts"),
        ("status=pending", "What is pending is on its way anyway"),
        ("type=ord*", "A replay goes by whole words of an event type"),
        ("rate=0", "The rate must be a whole number from 1 to 1000."),
        ("q=%3Cscript%3Ealert(1)", "is not understood"),
    ] {
        let page = browser.open(&format!("/ui/replays/new?{query}")).await;
        assert!(page.text.contains(said) && !page.text.contains("<script>alert"), "{said}: {}", page.text);
        let (name, value) = query.split_once('=').unwrap();
        let value = value.replace("%3E", ">").replace("%3C", "<");
        browser.post("/ui/replays/new", &[(name, value.as_str())]).await.expect(400);
    }
    let empty = browser.open("/ui/replays/new").await;
    assert!(empty.text.contains("Nothing would be sent.") && empty.text.contains("disabled"), "{}", empty.text);
    assert!(browser.open("/ui/replays").await.text.contains("No replay here."));
    app.finish().await;
}

async fn a_dead_letter_is_given_up_for_a_reason(app: TestApp) {
    hopeless(&app, "flaky").await;
    let dead = bury(&app, "order.created", 1).await.remove(0);
    let browser = app.browser_of(Role::Admin).await;
    let path = format!("/ui/deliveries/{dead}");
    assert!(browser.open(&path).await.text.contains("Give it up"));
    for reason in ["", "  ", &"x".repeat(501)] {
        browser.post(&format!("{path}/discard"), &[("reason", reason)]).await.expect(400);
    }
    let fields = [("reason", "<s>gone</s>"), ("next", path.as_str())];
    browser.post(&format!("{path}/discard"), &fields).await.expect(303);
    let page = browser.open(&path).await;
    assert!(page.text.contains("&#60;s&#62;gone&#60;/s&#62;") && !page.text.contains("Give it up"), "{}", page.text);
    browser.post(&format!("{path}/discard"), &fields).await.expect(409);
    assert_eq!(app.client.get("/api/v1/dead-letters").await.json()["pagination"]["total"], 0);
    app.finish().await;
}

async fn a_member_looks_and_replays_nothing(app: TestApp) {
    hopeless(&app, "flaky").await;
    let dead = bury(&app, "order.created", 1).await.remove(0);
    let owner = app.browser_of(Role::Owner).await;
    let started = owner.post("/ui/replays/new", &[("status", "dead"), ("rate", "1")]).await.expect(303);
    let path = started.header("location").to_owned();
    let member = app.browser_of(Role::Member).await;
    assert!(!member.open(&path).await.text.contains("/cancel\""));
    assert!(!member.open("/ui/replays").await.text.contains("Send dead letters again"));
    assert!(!member.open("/ui/deliveries").await.text.contains("/ui/replays/new"));
    member.get("/ui/replays/new").await.expect(403);
    member.post("/ui/replays/new", &[("status", "dead")]).await.expect(403);
    for verb in ["pause", "resume", "cancel"] {
        member.post(&format!("{path}/{verb}"), &[]).await.expect(403);
    }
    member.post(&format!("/ui/deliveries/{dead}/discard"), &[("reason", "x")]).await.expect(403);
    owner.post_bare(&format!("{path}/cancel"), &[]).await.expect(403);
    app.finish().await;
}

async fn replays_of_others_are_not_there(app: TestApp) {
    hopeless(&app, "flaky").await;
    let dead = bury(&app, "order.created", 1).await.remove(0);
    let owner = app.browser_of(Role::Owner).await;
    let started = owner.post("/ui/replays/new", &[("status", "dead"), ("rate", "1")]).await.expect(303);
    let path = started.header("location").to_owned();
    app.client_of("other", Environment::Staging).await;
    let other = app.app().engine.find_tenant("other").await.unwrap().unwrap().id.to_string();
    let operator = app.browser_of(Role::Operator).await;
    operator.post("/ui/preferences", &[("tenant", &other)]).await.expect(303);
    owner.post("/ui/preferences", &[("environment", "production")]).await.expect(303);
    for browser in [&operator, &owner] {
        assert!(!browser.open("/ui/replays").await.text.contains(&path));
        browser.get(&path).await.expect(404);
        for verb in ["pause", "resume", "cancel"] {
            browser.post(&format!("{path}/{verb}"), &[]).await.expect(404);
        }
        browser.post(&format!("/ui/deliveries/{dead}/discard"), &[("reason", "x")]).await.expect(404);
        let page = browser.open("/ui/replays/new?status=dead&range=all").await;
        assert!(page.text.contains("Send 0 deliveries again?"), "{}", page.text);
    }
    app.finish().await;
}
