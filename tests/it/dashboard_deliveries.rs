//! The list of deliveries: its filters, its pages, and what is done from it.

use angarium::domain::tenant::Environment;
use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use serde_json::json;

use crate::support::{TestApp, both_engines};

both_engines!(
    deliveries_are_filtered_by_the_address,
    a_list_goes_on_page_by_page,
    hostile_texts_are_shown_as_texts,
    one_or_several_are_retried_and_cancelled,
    a_member_looks_and_changes_nothing,
    another_tenants_deliveries_are_not_there,
    a_delivery_tells_what_happened_and_what_comes_next,
    data_is_shown_and_given_byte_for_byte,
);

async fn deliveries_are_filtered_by_the_address(app: TestApp) {
    app.webhook("good").await;
    let good = app.publish("order.created", json!({})).await;
    app.delivery_in(&good, "delivered").await;
    let bad = app.webhook_with("bad", json!({ "events": ["invoice.*"] }), Behaviour::status(503)).await;
    let failed = app.publish("invoice.paid", json!({})).await;
    crate::support::eventually("both are attempted", || async {
        let all = app.deliveries(&failed).await;
        (all.len() == 2 && all.iter().all(|delivery| delivery["attempts"] == 1)).then_some(())
    })
    .await;
    let browser = app.browser_of(Role::Member).await;
    let rows = async |query: &str| {
        let page = browser.open(&format!("/ui/deliveries{query}")).await;
        page.text.matches("<tr id=\"dlv_").count()
    };
    assert_eq!(rows("").await, 3);
    for (query, expected) in [
        ("?status=delivered", 2),
        ("?status=pending", 1),
        ("?q=type:invoice.*", 2),
        ("?type=order.created", 1),
        ("?code=5xx", 1),
        ("?code=503", 1),
        ("?code=500", 0),
        ("?error=timeout", 0),
        ("?attempt=%3E1", 0),
        ("?attempt=1", 3),
        ("?q=code:2xx+type:order.*", 1),
        ("?range=1h", 3),
        ("?until=2026-11-21T11:00Z&range=all", 0),
    ] {
        assert_eq!(rows(query).await, expected, "{query}");
    }
    assert_eq!(rows(&format!("?webhook={}", bad.id)).await, 1);
    assert_eq!(rows(&format!("?event={failed}")).await, 2);
    assert_eq!(rows(&format!("?q={failed}")).await, 2);
    let page = browser.open("/ui/deliveries?code=nope&status=dead").await;
    assert!(page.text.contains("`code:nope` is not understood."), "{}", page.text);
    // The search box leads to what an id is of.
    let delivery = app.deliveries(&good).await.remove(0)["id"].as_str().unwrap().to_owned();
    let found = browser.get(&format!("/ui/search?q={failed}")).await.expect(303);
    assert_eq!(found.header("location"), format!("/ui/deliveries?event={failed}&range=all"));
    let found = browser.get(&format!("/ui/search?q={delivery}")).await.expect(303);
    assert_eq!(found.header("location"), format!("/ui/deliveries/{delivery}"));
    let found = browser.get("/ui/search?q=order.*").await.expect(303);
    assert_eq!(found.header("location"), "/ui/deliveries?q=order.*");
    app.finish().await;
}

async fn a_list_goes_on_page_by_page(app: TestApp) {
    app.webhook("hook").await;
    for n in 0..60 {
        app.publish("order.created", json!({ "n": n })).await;
    }
    let browser = app.browser_of(Role::Member).await;
    let mut page = browser.open("/ui/deliveries?type=order.*").await;
    assert!(page.text.len() < 60_000, "{} bytes", page.text.len());
    let mut seen = Vec::new();
    loop {
        seen.extend(page.text.split("<tr id=\"").skip(1).map(|rest| rest[..30].to_owned()));
        let Some(older) = page.text.split("rel=\"next\"").next().filter(|before| before.len() < page.text.len()) else {
            break;
        };
        let path = older.rsplit("href=\"").next().unwrap().split('"').next().unwrap().replace("&#38;", "&");
        page = browser.open(&path).await;
    }
    assert_eq!(seen.len(), 60);
    assert!(seen.is_sorted_by(|newer, older| newer > older));
    assert!(browser.open("/ui/deliveries?cursor=x").await.text.contains("not there any more"));
    app.finish().await;
}

async fn hostile_texts_are_shown_as_texts(app: TestApp) {
    let fields = json!({ "name": "<script>alert(1)</script>", "description": "\"><img src=x onerror=alert(1)>" });
    app.webhook_with("x", fields, Behaviour::default()).await;
    let event = app.publish("a.b", json!({ "x": "</pre><script>alert(2)</script>" })).await;
    app.delivery_in(&event, "delivered").await;
    let browser = app.browser_of(Role::Owner).await;
    for path in ["/ui/deliveries", "/ui/deliveries?q=%22%3E%3Cscript%3Ealert(3)%3C/script%3E&type=%3Csvg%20onload=x%3E"]
    {
        let page = browser.open(path).await;
        assert!(!page.text.contains("<script>alert") && !page.text.contains("<svg onload"), "{}", page.text);
    }
    assert!(browser.open("/ui/deliveries").await.text.contains("&#60;script&#62;alert(1)"));
    app.finish().await;
}

async fn one_or_several_are_retried_and_cancelled(app: TestApp) {
    let hook = app.webhook_with("flaky", json!({}), Behaviour::status(500)).await;
    let events = [app.publish("a.b", json!({})).await, app.publish("a.c", json!({})).await];
    let mut ids = Vec::new();
    for event in &events {
        ids.push(app.delivery_after(event, 1).await["id"].as_str().unwrap().to_owned());
    }
    app.receiver.behave(&hook.path, Behaviour::default());
    let browser = app.browser_of(Role::Admin).await;
    let next = ("next", "/ui/deliveries?type=a.*");
    let done = browser.post(&format!("/ui/deliveries/{}/retry", ids[0]), &[next]).await;
    assert_eq!((done.status, done.header("location")), (303, next.1));
    let page = browser.follow(&done).await;
    assert!(page.text.contains("The next attempt is on its way."), "{}", page.text);
    assert!(!browser.open(next.1).await.text.contains("The next attempt is on its way."), "it is said once");
    app.delivery_in(&events[0], "delivered").await;
    let done = browser.post("/ui/deliveries/selected", &[("action", "cancel"), ("id", &ids[0]), ("id", &ids[1])]).await;
    let said = browser.open("/ui/deliveries").await.text;
    assert_eq!(done.status, 303);
    assert!(said.contains("1 cancelled. 1 could not be: they are under way or final."), "{said}");
    app.delivery_in(&events[1], "cancelled").await;
    let refused = browser.post(&format!("/ui/deliveries/{}/cancel", ids[1]), &[]).await.expect(409);
    assert!(refused.text.contains("nothing to cancel"));
    browser.post("/ui/deliveries/selected", &[("action", "retry"), ("id", &ids[1])]).await.expect(303);
    app.delivery_in(&events[1], "delivered").await;
    browser.post("/ui/deliveries/selected", &[("action", "explode"), ("id", &ids[1])]).await.expect(400);
    app.finish().await;
}

async fn a_member_looks_and_changes_nothing(app: TestApp) {
    app.webhook_with("flaky", json!({}), Behaviour::status(500)).await;
    let event = app.publish("a.b", json!({})).await;
    let waiting = app.delivery_after(&event, 1).await["id"].as_str().unwrap().to_owned();
    let member = app.browser_of(Role::Member).await;
    let page = member.open("/ui/deliveries").await;
    assert!(page.text.contains(&waiting) && !page.text.contains("/retry\"") && !page.text.contains("Cancel selected"));
    for path in ["/ui/deliveries/selected".to_owned(), format!("/ui/deliveries/{waiting}/cancel")] {
        let refused = member.post(&path, &[("action", "cancel"), ("id", &waiting)]).await.expect(403);
        assert!(refused.text.contains("Your role does not permit this"), "{}", refused.text);
    }
    app.delivery_after(&event, 1).await;
    app.finish().await;
}

async fn another_tenants_deliveries_are_not_there(app: TestApp) {
    app.webhook_with("flaky", json!({}), Behaviour::status(500)).await;
    let event = app.publish("a.b", json!({})).await;
    let theirs = app.delivery_after(&event, 1).await["id"].as_str().unwrap().to_owned();
    app.client_of("other", Environment::Staging).await;
    let other = app.app().engine.find_tenant("other").await.unwrap().unwrap().id.to_string();
    let operator = app.browser_of(Role::Operator).await;
    operator.post("/ui/preferences", &[("tenant", &other)]).await.expect(303);
    assert!(!operator.open("/ui/deliveries?range=all").await.text.contains(&theirs));
    operator.get(&format!("/ui/deliveries/{theirs}")).await.expect(404);
    operator.get(&format!("/ui/deliveries/{theirs}/payload")).await.expect(404);
    for verb in ["retry", "cancel"] {
        operator.post(&format!("/ui/deliveries/{theirs}/{verb}"), &[]).await.expect(404);
        operator.post(&format!("/ui/deliveries/dlv_x/{verb}"), &[]).await.expect(404);
    }
    let found = operator.get(&format!("/ui/search?q={theirs}")).await.expect(303);
    assert!(found.header("location").starts_with("/ui/deliveries?q="));
    app.finish().await;
}

async fn a_delivery_tells_what_happened_and_what_comes_next(app: TestApp) {
    let fields = json!({ "retryPolicy": { "schedule": [3600] }, "headers": { "X-Api-Key": "hunter2" } });
    let hook = app.webhook_with("flaky", fields, Behaviour::status(503)).await;
    let event = app.publish("a.b", json!({})).await;
    let waiting = app.delivery_after(&event, 1).await;
    let path = format!("/ui/deliveries/{}", waiting["id"].as_str().unwrap());
    let browser = app.browser_of(Role::Owner).await;
    let page = browser.open(&path).await;
    for said in [
        "Attempt 1 got 503 after",
        "The next attempt is at <time datetime=\"2026-11-21T1",
        "HTTP 503",
        "1 of 2",
        "curl -X POST",
    ] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert!(!page.text.contains("hunter2") && !page.text.contains("whsec_"), "{}", page.text);
    assert!(page.text.contains("x-api-key: HIDDEN") && page.text.contains("webhook-signature: HIDDEN"));
    app.client.post(&format!("/api/v1/webhooks/{}/pause", hook.id), &json!({})).await.expect(200);
    assert!(browser.open(&path).await.text.contains("The webhook is paused: it is sent when somebody resumes it."));
    app.client.post(&format!("/api/v1/webhooks/{}/resume", hook.id), &json!({})).await.expect(200);
    app.receiver.behave(&hook.path, Behaviour::default());
    browser.post(&format!("{path}/retry"), &[("next", &path)]).await.expect(303);
    app.delivery_in(&event, "delivered").await;
    let page = browser.open(&path).await;
    assert!(
        page.text.contains("Nothing is left to do.") && page.text.contains("id=\"attempt-2\" open"),
        "{}",
        page.text
    );
    app.finish().await;
}

async fn data_is_shown_and_given_byte_for_byte(app: TestApp) {
    app.webhook("hook").await;
    let bytes = r#"{"big":123456789012345678901234567890, "z":1.0,"a":[],"text":"<b>&amp;\u00e9</b>"}"#;
    let body = format!(r#"{{"type":"a.b","data":{bytes}}}"#);
    let request = app.client.request(reqwest::Method::POST, "/api/v1/events").body(body);
    let reply = app.client.send(request.header("content-type", "application/json")).await.expect(202);
    let delivery = app.delivery_in(reply.data()["id"].as_str().unwrap(), "delivered").await;
    let browser = app.browser_of(Role::Member).await;
    let path = format!("/ui/deliveries/{}", delivery["id"].as_str().unwrap());
    let page = browser.open(&path).await;
    let escaped = bytes.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;");
    assert!(page.text.contains(&format!(" id=\"data\">{escaped}</pre>")), "{}", page.text);
    assert!(page.text.contains("&#34;big&#34;: 123456789012345678901234567890,\n"), "{}", page.text);
    let file = browser.open(&format!("{path}/payload")).await;
    assert_eq!(file.text, bytes);
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"evt_"));
    assert_eq!(file.header("content-type"), "application/octet-stream");
    app.finish().await;
}
