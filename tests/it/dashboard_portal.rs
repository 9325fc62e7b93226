//! The portal: a link that is opened once, a visit that sees the webhooks that it names and nothing else, and its end.

use std::time::Duration;

use angarium::domain::tenant::Environment;
use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use serde_json::{Value, json};

use crate::support::browser::{Browser, token_of};
use crate::support::{Reply, TestApp, TestWebhook, both_engines};

both_engines!(
    a_link_is_opened_once_and_in_time,
    a_visit_sees_what_its_link_names_and_nothing_else,
    a_visitor_acts_where_the_link_lets_them,
    a_link_that_lets_one_look_changes_nothing,
    a_visit_ends_by_itself_and_at_once_when_revoked,
    links_are_made_at_the_dashboard,
    a_key_hands_on_no_more_than_it_holds,
    bad_links_are_refused,
);

/// Makes a link by the API; the address of its page.
pub(crate) async fn link(app: &TestApp, webhooks: &[&TestWebhook], read_only: bool) -> String {
    let ids: Vec<&str> = webhooks.iter().map(|webhook| webhook.id.as_str()).collect();
    let body = json!({ "name": "Customer <b>1</b>", "webhookIds": ids, "readOnly": read_only });
    let made = app.client.post("/api/v1/portal-links", &body).await.expect(201).data();
    assert_eq!((&made["readOnly"], &made["visitSeconds"]), (&json!(read_only), &json!(28_800)));
    let url = made["url"].as_str().unwrap();
    let (origin, path) = url.split_once("/ui/").unwrap();
    assert_eq!(origin, format!("http://{}", app.app().api.unwrap()));
    format!("/ui/{path}")
}

pub(crate) async fn press_open(browser: &Browser, path: &str) -> Reply {
    let (_, token) = path.split_once("token=").unwrap();
    browser.post_bare("/ui/portal/open", &[("token", token)]).await
}

/// A browser in which a link was opened.
pub(crate) async fn visitor(app: &TestApp, path: &str) -> Browser {
    let browser = app.browser();
    let opened = press_open(&browser, path).await;
    assert_eq!((opened.status, opened.header("location")), (303, "/ui/portal"), "{}", opened.text);
    browser
}

/// Sends a form of the portal's pages.
async fn post(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Reply {
    let token = token_of(&browser.open("/ui/portal").await);
    let with_token: Vec<_> = [("token", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
    browser.post_bare(path, &with_token).await
}

async fn a_link_is_opened_once_and_in_time(app: TestApp) {
    let hook = app.webhook("hook").await;
    let path = link(&app, &[&hook], true).await;
    let browser = app.browser();
    // What only looks at addresses uses nothing up.
    for _ in 0..2 {
        assert!(browser.open(&path).await.text.contains("<button class=\"main\">Open</button>"));
    }
    let (_, token) = path.split_once("token=").unwrap();
    browser.post_from_elsewhere("/ui/portal/open", &[("token", token)]).await.expect(403);
    let opened = press_open(&browser, &path).await.expect(303);
    let cookie = opened.header("set-cookie");
    assert!(cookie.contains("Path=/ui/portal;") && cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
    assert!(!cookie.contains(token));
    let page = browser.open("/ui/portal").await;
    assert!(page.text.contains("Customer &#60;b&#62;1&#60;/b&#62;") && page.text.contains("hook"), "{}", page.text);
    let again = press_open(&app.browser(), &path).await.expect(401);
    assert!(again.text.contains("This link is over") && again.text.contains("Ask whoever gave it to you"));
    let late = link(&app, &[&hook], true).await;
    app.advance(Duration::from_secs(601));
    press_open(&app.browser(), &late).await.expect(401);
    for wrong in ["", "ptk_", "x", token] {
        app.browser().post_bare("/ui/portal/open", &[("token", wrong)]).await.expect(401);
    }
    app.browser().get("/ui/portal").await.expect(401);
    app.finish().await;
}

async fn a_visit_sees_what_its_link_names_and_nothing_else(app: TestApp) {
    let fields = json!({ "headers": { "X-Api-Key": "hunter2" } });
    let mine = app.webhook_with("mine", fields, Behaviour::default()).await;
    let theirs = app.webhook("theirs").await;
    let event = app.publish("order.created", json!({ "x": "</pre><script>alert(1)</script>" })).await;
    let deliveries = crate::support::eventually("both are delivered", || async {
        let all = app.deliveries(&event).await;
        (all.len() == 2 && all.iter().all(|delivery| delivery["status"] == "delivered")).then_some(all)
    })
    .await;
    let of = |webhook: &TestWebhook| {
        let is = |delivery: &&Value| delivery["webhookId"] == webhook.id.as_str();
        deliveries.iter().find(is).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let browser = visitor(&app, &link(&app, &[&mine], false).await).await;
    let page = browser.open("/ui/portal").await;
    assert!(page.text.contains(&mine.id) && !page.text.contains(&theirs.id), "{}", page.text);
    let page = browser.open(&format!("/ui/portal/webhooks/{}", mine.id)).await;
    assert!(page.text.contains(&of(&mine)) && !page.text.contains(&of(&theirs)), "{}", page.text);
    let page = browser.open(&format!("/ui/portal/deliveries/{}", of(&mine))).await;
    assert!(page.text.contains("Nothing is left to do.") && !page.text.contains("<script>alert"), "{}", page.text);
    assert!(!page.text.contains("hunter2") && !page.text.contains("whsec_"));
    for path in [format!("webhooks/{}", theirs.id), format!("deliveries/{}", of(&theirs)), "webhooks/wh_x".to_owned()] {
        browser.get(&format!("/ui/portal/{path}")).await.expect(404);
    }
    for path in [
        format!("webhooks/{}/test", theirs.id),
        format!("webhooks/{}/pause", theirs.id),
        format!("webhooks/{}/resume", theirs.id),
        format!("deliveries/{}/retry", of(&theirs)),
    ] {
        post(&browser, &format!("/ui/portal/{path}"), &[]).await.expect(404);
    }
    // The signature doctor neither examines by the other's secrets nor names it.
    let asked = [("webhook", theirs.id.as_str()), ("request", "a: b")];
    post(&browser, "/ui/portal/verify", &asked).await.expect(404);
    let record = app.receiver.records("/theirs")[0].clone();
    let head: Vec<_> = record.headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
    let (head, body) = (head.join("\n"), String::from_utf8(record.body.to_vec()).unwrap());
    let asked = [("webhook", mine.id.as_str()), ("request", &head), ("body", &body)];
    let page = post(&browser, "/ui/portal/verify", &asked).await.expect(200);
    assert!(page.text.contains("No signature matches") && !page.text.contains(&theirs.id), "{}", page.text);
    // Nothing else of this server opens by it.
    for path in ["/ui/deliveries", "/ui/webhooks", "/ui/api-keys", "/ui/verify", "/ui/audit"] {
        assert_eq!(browser.get(path).await.status, 303, "{path}");
    }
    app.finish().await;
}

async fn a_visitor_acts_where_the_link_lets_them(app: TestApp) {
    let hook =
        app.webhook_with("flaky", json!({ "retryPolicy": { "schedule": [3600] } }), Behaviour::status(503)).await;
    let event = app.publish("order.created", json!({})).await;
    let delivery = app.delivery_after(&event, 1).await["id"].as_str().unwrap().to_owned();
    app.receiver.behave(&hook.path, Behaviour::default());
    let browser = visitor(&app, &link(&app, &[&hook], false).await).await;
    let retried = post(&browser, &format!("/ui/portal/deliveries/{delivery}/retry"), &[]).await.expect(303);
    assert_eq!(retried.header("location"), format!("/ui/portal/deliveries/{delivery}"));
    app.delivery_in(&event, "delivered").await;
    let webhook = format!("/ui/portal/webhooks/{}", hook.id);
    post(&browser, &format!("{webhook}/pause"), &[]).await.expect(303);
    assert!(browser.open(&webhook).await.text.contains("paused"));
    post(&browser, &format!("{webhook}/test"), &[]).await.expect(409);
    post(&browser, &format!("{webhook}/resume"), &[]).await.expect(303);
    post(&browser, &format!("{webhook}/test"), &[]).await.expect(303);
    browser.post_bare(&format!("{webhook}/pause"), &[]).await.expect(403);
    browser.post_bare(&format!("{webhook}/pause"), &[("token", "x")]).await.expect(403);
    let log = app.browser_of(Role::Owner).await.open("/ui/audit").await.text;
    for said in
        ["portal_link.open", "webhook.pause", "webhook.test", "delivery.retry", "visitor of portal link Customer"]
    {
        assert!(log.contains(said), "{said}: {log}");
    }
    assert!(!log.contains("ptk_"));
    app.finish().await;
}

async fn a_link_that_lets_one_look_changes_nothing(app: TestApp) {
    let hook = app.webhook("hook").await;
    let event = app.publish("order.created", json!({})).await;
    let delivery = app.delivery_in(&event, "delivered").await["id"].as_str().unwrap().to_owned();
    let browser = visitor(&app, &link(&app, &[&hook], true).await).await;
    let webhook = format!("/ui/portal/webhooks/{}", hook.id);
    assert!(!browser.open(&webhook).await.text.contains("/pause\""));
    for path in [
        format!("{webhook}/test"),
        format!("{webhook}/pause"),
        format!("{webhook}/resume"),
        format!("/ui/portal/deliveries/{delivery}/retry"),
    ] {
        let refused = post(&browser, &path, &[]).await.expect(403);
        assert!(refused.text.contains("This link lets you look"), "{}", refused.text);
    }
    let asked = [("webhook", hook.id.as_str()), ("request", "a: b")];
    post(&browser, "/ui/portal/verify", &asked).await.expect(200);
    app.finish().await;
}

async fn a_visit_ends_by_itself_and_at_once_when_revoked(app: TestApp) {
    let hook = app.webhook("hook").await;
    let first = link(&app, &[&hook], true).await;
    app.advance(Duration::from_secs(1));
    let second = link(&app, &[&hook], true).await;
    let (one, other) = (visitor(&app, &first).await, visitor(&app, &second).await);
    let owner = app.browser_of(Role::Owner).await;
    let list = owner.open("/ui/portal-links").await;
    // Newest first: the second one is on top.
    let id = list.text.split("<tr id=\"ptl_").nth(1).unwrap().split('"').next().unwrap();
    owner.post(&format!("/ui/portal-links/ptl_{id}/revoke"), &[]).await.expect(303);
    owner.post(&format!("/ui/portal-links/ptl_{id}/revoke"), &[]).await.expect(404);
    other.get("/ui/portal").await.expect(401);
    one.open("/ui/portal").await;
    post(&one, "/ui/portal/leave", &[]).await.expect(303);
    one.get("/ui/portal").await.expect(401);
    let third = visitor(&app, &link(&app, &[&hook], true).await).await;
    app.advance(Duration::from_secs(28_799));
    third.open("/ui/portal").await;
    app.advance(Duration::from_secs(1));
    third.get("/ui/portal").await.expect(401);
    app.finish().await;
}

async fn links_are_made_at_the_dashboard(app: TestApp) {
    let hook = app.webhook("<i>hook</i>").await;
    let owner = app.browser_of(Role::Admin).await;
    let form = owner.open("/ui/portal-links/new").await;
    assert!(form.text.contains("&#60;i&#62;hook") && !form.text.contains("<i>hook"), "{}", form.text);
    let wrong = owner.post("/ui/portal-links/new", &[("name", "<q>")]).await.expect(422);
    assert!(wrong.text.contains("a link shows 1 to 100 webhooks") && wrong.text.contains("&#60;q&#62;"));
    let made = owner.post("/ui/portal-links/new", &[("name", "Acme"), ("webhook", &hook.id)]).await.expect(200);
    let url = made.text.split("id=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let path = format!("/ui/{}", url.split_once("/ui/").unwrap().1);
    let list = owner.open("/ui/portal-links").await;
    assert!(list.text.contains("not opened") && !list.text.contains("ptk_"), "{}", list.text);
    visitor(&app, &path).await.open("/ui/portal").await;
    let list = owner.open("/ui/portal-links").await;
    assert!(list.text.contains("badge good\">open") && list.text.contains("admin-at-ui@"), "{}", list.text);
    let member = app.browser_of(Role::Member).await;
    for path in ["/ui/portal-links", "/ui/portal-links/new"] {
        member.get(path).await.expect(403);
    }
    member.post("/ui/portal-links/new", &[("name", "x"), ("webhook", &hook.id)]).await.expect(403);
    owner.post("/ui/preferences", &[("environment", "production")]).await.expect(303);
    assert!(!owner.open("/ui/portal-links").await.text.contains("Acme"));
    let elsewhere = owner.post("/ui/portal-links/new", &[("name", "x"), ("webhook", &hook.id)]).await.expect(422);
    assert!(elsewhere.text.contains("there is no webhook"), "{}", elsewhere.text);
    app.finish().await;
}

async fn a_key_hands_on_no_more_than_it_holds(app: TestApp) {
    let hook = app.webhook("hook").await;
    let body = json!({ "name": "x", "webhookIds": [hook.id] });
    let four = ["read:webhooks", "write:webhooks", "read:deliveries", "write:deliveries"];
    app.client_with(&four).await.post("/api/v1/portal-links", &body).await.expect(201);
    for without in four {
        let others: Vec<_> = four.into_iter().filter(|permission| *permission != without).collect();
        let refused = app.client_with(&others).await.post("/api/v1/portal-links", &body).await.expect(403);
        assert!(refused.text.contains(without), "{}", refused.text);
    }
    app.client_with(&["webhook:manage"]).await.post("/api/v1/portal-links", &body).await.expect(201);
    app.finish().await;
}

async fn bad_links_are_refused(app: TestApp) {
    let hook = app.webhook("hook").await;
    let other = app.client_of("other", Environment::Staging).await;
    for (body, field) in [
        (json!({ "webhookIds": [hook.id] }), "name"),
        (json!({ "name": " ", "webhookIds": [hook.id] }), "name"),
        (json!({ "name": "x" }), "webhookIds"),
        (json!({ "name": "x", "webhookIds": [hook.id], "visitSeconds": 59 }), "visitSeconds"),
        (json!({ "name": "x", "webhookIds": [hook.id], "visitSeconds": 28_801 }), "visitSeconds"),
    ] {
        let refused = app.client.post("/api/v1/portal-links", &body).await.expect(422);
        assert_eq!(refused.json()["error"]["details"]["errors"][0]["path"][0], field, "{}", refused.text);
    }
    let theirs = other.post("/api/v1/portal-links", &json!({ "name": "x", "webhookIds": [hook.id] })).await.expect(422);
    assert_eq!(theirs.json()["error"]["details"]["errors"][0]["code"], "NOT_FOUND", "{}", theirs.text);
    app.finish().await;
}
