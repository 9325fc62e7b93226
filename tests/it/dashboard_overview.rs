//! The overview, dead letters, and exports.

use std::time::Duration;

use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use serde_json::{Value, json};

use crate::support::{TestApp, both_engines, eventually};

both_engines!(
    the_overview_adds_up_and_tells_who_needs_attention,
    an_operator_sees_all_tenants_together,
    dead_letters_are_sent_again,
    what_a_list_finds_is_exported,
);

async fn the_overview_adds_up_and_tells_who_needs_attention(app: TestApp) {
    let browser = app.browser_of(Role::Owner).await;
    let page = browser.open("/ui/overview").await;
    assert!(page.text.contains("Nothing was sent in this time.") && page.text.contains("all well"), "{}", page.text);
    app.webhook("good").await;
    let bad = app.webhook_with("bad", json!({ "events": ["a.b"] }), Behaviour::status(503)).await;
    let event = app.publish("a.b", json!({})).await;
    eventually("both were attempted and counted", || async {
        let page = browser.open("/ui/overview?range=1h").await;
        let adds_up = page.text.contains("<b>50.0 %</b>") && page.text.contains("1 delivered, 1 failed attempts");
        let tells =
            page.text.contains(&format!("/ui/webhooks/{}", bad.id)) && page.text.contains("Every attempt has failed");
        (adds_up && tells && page.text.contains("5xx (1)") && page.text.contains("1 of 1")).then_some(())
    })
    .await;
    assert!(
        browser
            .open("/ui/overview")
            .await
            .text
            .contains(&app.deliveries(&event).await[0]["id"].as_str().unwrap().to_owned())
    );
    browser.post(&format!("/ui/webhooks/{}/pause", bad.id), &[("next", "/ui/overview")]).await.expect(303);
    assert!(browser.open("/ui/overview").await.text.contains("all well"));
    app.finish().await;
}

async fn an_operator_sees_all_tenants_together(app: TestApp) {
    app.webhook_with("bad", json!({}), Behaviour::status(500)).await;
    let event = app.publish("a.b", json!({})).await;
    app.delivery_after(&event, 1).await;
    let operator = app.browser_of(Role::Operator).await;
    eventually("it is counted", || async {
        let page = operator.open("/ui/overview?view=all&range=1h").await;
        let sees = page.text.contains("all tenants") && page.text.contains("acme, staging");
        (sees && page.text.contains("<b>0.0 %</b>") && page.text.contains("Tickets in the queue")).then_some(())
    })
    .await;
    // Nobody else does, whatever they ask for.
    let owner = app.browser_of(Role::Owner).await;
    let page = owner.open("/ui/overview?view=all").await;
    assert!(!page.text.contains("all tenants") && !page.text.contains("Tickets in the queue"), "{}", page.text);
    app.finish().await;
}

async fn dead_letters_are_sent_again(app: TestApp) {
    let policy = json!({ "maxRetries": 0, "backoffStrategy": "linear" });
    let fields = json!({ "retryPolicy": policy, "events": ["order.*"] });
    let hook = app.webhook_with("flaky", fields, Behaviour::status(500)).await;
    let mut events = Vec::new();
    for n in 0..4 {
        events.push(app.publish("order.lost", json!({ "n": n })).await);
    }
    let mut ids = Vec::new();
    for event in &events {
        ids.push(app.delivery_in(event, "dead").await["id"].as_str().unwrap().to_owned());
    }
    let (browser, member) = (app.browser_of(Role::Owner).await, app.browser_of(Role::Member).await);
    let page = member.open("/ui/dead-letters").await;
    assert!(
        ids.iter().all(|id| page.text.contains(id.as_str())) && !page.text.contains("Send all again"),
        "{}",
        page.text
    );
    assert!(!member.open("/ui/dead-letters?type=a.b").await.text.contains("dlv_"));
    assert!(member.open("/ui/dead-letters?type=%3Cb%3E").await.text.contains("is no event type"));
    member.post(&format!("/ui/dead-letters/{}/redrive", ids[0]), &[]).await.expect(403);
    member.post("/ui/dead-letters/all", &[]).await.expect(403);
    app.receiver.behave(&hook.path, Behaviour::default());
    browser.post(&format!("/ui/dead-letters/{}/redrive", ids[0]), &[]).await.expect(303);
    app.delivery_in(&events[0], "delivered").await;
    browser.post(&format!("/ui/dead-letters/{}/redrive", ids[0]), &[]).await.expect(409);
    let sent = browser.post("/ui/dead-letters/selected", &[("id", &ids[0]), ("id", &ids[1])]).await;
    assert_eq!(sent.status, 303);
    assert!(browser.open("/ui/dead-letters").await.text.contains("1 of 2 are sent again."));
    app.delivery_in(&events[1], "delivered").await;
    let asked = browser.open(&format!("/ui/dead-letters/all?webhook={}", hook.id)).await;
    assert!(asked.text.contains("Send 2 dead letters again?"), "{}", asked.text);
    browser.post("/ui/dead-letters/all", &[("webhook", &hook.id)]).await.expect(303);
    for event in &events[2..] {
        app.delivery_in(event, "delivered").await;
    }
    assert!(browser.open("/ui/dead-letters").await.text.contains("There is no dead letter."));
    app.finish().await;
}

async fn what_a_list_finds_is_exported(app: TestApp) {
    app.webhook("hook").await;
    // More than one step of an export.
    let events: Vec<Value> = (0..600).map(|n| json!({ "type": "order.created", "data": { "n": n } })).collect();
    app.client.post("/api/v1/events/batch", &json!({ "events": events })).await.expect(202);
    let other = app.publish("a.b", json!({})).await;
    app.while_time_passes(app.delivery_in(&other, "delivered")).await;
    let browser = app.browser_of(Role::Member).await;
    let csv = browser.open("/ui/deliveries/export/deliveries.csv?type=order.*").await;
    let lines: Vec<_> = csv.text.lines().collect();
    assert_eq!((lines.len(), lines[0].split(',').count()), (601, 12));
    assert!(lines[1..].iter().all(|line| line.starts_with("dlv_") && line.contains(",order.created,")));
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"deliveries.csv\"");
    let lines = browser.open("/ui/deliveries/export/deliveries.jsonl?range=all").await;
    let rows: Vec<Value> = lines.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 601);
    let ids: std::collections::BTreeSet<_> = rows.iter().map(|row| row["id"].to_string()).collect();
    assert_eq!(ids.len(), 601);
    browser.get("/ui/deliveries/export/deliveries.xls").await.expect(404);
    browser.get("/ui/deliveries/export/deliveries.csv?code=x").await.expect(400);
    assert_eq!(app.browser().get("/ui/deliveries/export/deliveries.csv").await.status, 303);
    app.advance(Duration::from_secs(1));
    app.finish().await;
}
