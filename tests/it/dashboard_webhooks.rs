//! Webhooks on the pages: registered, changed, tested, rotated, stopped and deleted by forms.

use std::time::Duration;

use angarium::domain::tenant::Environment;
use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use serde_json::json;

use crate::support::{TestApp, both_engines, eventually};

both_engines!(
    a_webhook_is_registered_and_its_secret_shown_once,
    mistakes_are_shown_beside_their_fields,
    rates_order_signatures_and_metadata_are_set_by_the_form,
    settings_are_changed_and_what_is_masked_stays,
    a_secret_is_rotated_and_shown_once,
    a_webhook_is_paused_resumed_and_tested,
    a_webhook_is_deleted_by_its_name,
    a_failing_webhook_says_what_happens_next,
    members_and_strangers_change_no_webhook,
);

fn new_webhook<'a>(url: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields =
        vec![("name", "Orders"), ("url", url), ("events", "order.*\ninvoice.paid"), ("profile", "default")];
    fields.extend([("policy", "schedule"), ("schedule", "5, 60"), ("timeout", "7")]);
    fields.extend(more);
    fields
}

async fn a_webhook_is_registered_and_its_secret_shown_once(app: TestApp) {
    let browser = app.browser_of(Role::Owner).await;
    assert!(browser.open("/ui/webhooks").await.text.contains("No webhook is registered in this environment."));
    browser.open("/ui/webhooks/new").await;
    let url = app.receiver.url("/orders");
    let made = browser.post("/ui/webhooks/new", &new_webhook(&url, &[("description", "For <us>")])).await.expect(200);
    let secret = made.text.split("whsec_").nth(1).expect("the secret is shown").split('<').next().unwrap().to_owned();
    assert!(secret.len() > 40 && made.header("cache-control") == "no-store");
    let list = app.client.get("/api/v1/webhooks").await.expect(200).data();
    let webhook = &list["webhooks"][0];
    assert_eq!((&webhook["events"], &webhook["timeoutMs"]), (&json!(["order.*", "invoice.paid"]), &json!(7_000)));
    assert_eq!(webhook["retryPolicy"], json!({ "schedule": [5, 60] }));
    let id = webhook["id"].as_str().unwrap();
    for path in ["/ui/webhooks".to_owned(), format!("/ui/webhooks/{id}"), format!("/ui/webhooks/{id}/edit")] {
        let page = browser.open(&path).await;
        assert!(page.text.contains("Orders") && !page.text.contains(&secret), "{path}");
    }
    let page = browser.open(&format!("/ui/webhooks/{id}")).await;
    assert!(
        page.text.contains("after 5 s, 1 m; 1 m 5 s in all") && page.text.contains("For &#60;us&#62;"),
        "{}",
        page.text
    );
    app.finish().await;
}

async fn mistakes_are_shown_beside_their_fields(app: TestApp) {
    let browser = app.browser_of(Role::Admin).await;
    let mut fields = new_webhook("ftp://x", &[("headers", "nonsense"), ("filter", "{"), ("retries", "x")]);
    fields[2] = ("events", "Order..");
    let page = browser.post("/ui/webhooks/new", &fields).await.expect(422);
    for said in
        ["Nothing was saved yet", "url must", "events[0]", "headers must", "filter must be JSON", "value=\"Orders\""]
    {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert_eq!(app.client.get("/api/v1/webhooks").await.data()["total"], 0);
    app.finish().await;
}

async fn rates_order_signatures_and_metadata_are_set_by_the_form(app: TestApp) {
    let browser = app.browser_of(Role::Owner).await;
    let url = app.receiver.url("/orders");
    let more = [("requests", "30"), ("window", "1m"), ("ordering", "strict"), ("metadata", "{\"team\": \"billing\"}")];
    let fields = new_webhook(&url, &[more.as_slice(), &[("schemes", "v1 v1a")]].concat());
    let made = browser.post("/ui/webhooks/new", &fields).await.expect(200);
    assert!(made.text.contains("whsec_") && made.text.contains("whpk_"), "{}", made.text);
    let webhook = app.client.get("/api/v1/webhooks").await.expect(200).data()["webhooks"][0].clone();
    assert_eq!(webhook["rateLimit"], json!({ "requests": 30, "window": "1m" }));
    assert_eq!((&webhook["ordering"], &webhook["metadata"]), (&json!("strict"), &json!({ "team": "billing" })));
    assert_eq!(webhook["signature"], json!({ "schemes": ["v1", "v1a"] }));
    let path = format!("/ui/webhooks/{}", webhook["id"].as_str().unwrap());
    let page = browser.open(&path).await.text;
    for said in ["at most 30 in 1 m", "strict: one at a time", "v1 and v1a"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    // The form shows what stands, and says what of it is wrong beside its field.
    let edit = browser.open(&format!("{path}/edit")).await.text;
    for said in ["value=\"30\"", "<option value=\"1m\" selected", "<option value=\"strict\" selected", "billing"] {
        assert!(edit.contains(said), "{said}: {edit}");
    }
    let wrong = [("requests", "many"), ("ordering", "random"), ("metadata", "[1]"), ("schemes", "v2")];
    let page = browser.post(&format!("{path}/edit"), &new_webhook(&url, &wrong)).await.expect(422).text;
    for said in [
        "rateLimit must be a whole number",
        "ordering must be",
        "metadata must be a JSON object",
        "signature.schemes must",
    ] {
        assert!(page.contains(&format!("<span class=\"says\">{said}")), "{said}: {page}");
    }
    // What is left empty is as it usually is.
    browser.post(&format!("{path}/edit"), &new_webhook(&url, &[("schemes", "v1")])).await.expect(303);
    let webhook = app.client.get("/api/v1/webhooks").await.expect(200).data()["webhooks"][0].clone();
    assert_eq!((&webhook["rateLimit"], &webhook["metadata"]), (&json!(null), &json!(null)));
    assert_eq!((&webhook["ordering"], &webhook["signature"]), (&json!("none"), &json!({ "schemes": ["v1"] })));
    // A profile that writes its signature as it is told.
    app.advance(Duration::from_secs(1));
    let body = [("signature-header", "X-Sig"), ("signature-prefix", "sha256="), ("encoding", "base64")];
    let mut fields = new_webhook(&url, &body);
    fields.retain(|(name, _)| *name != "profile");
    fields.push(("profile", "g-tateth"));
    browser.post("/ui/webhooks/new", &fields).await.expect(200);
    let webhook = app.client.get("/api/v1/webhooks").await.expect(200).data()["webhooks"][0].clone();
    assert_eq!(webhook["signature"], json!({ "header": "x-sig", "prefix": "sha256=", "encoding": "base64" }));
    fields.push(("signature-header", "Host"));
    fields.retain(|field| *field != ("signature-header", "X-Sig"));
    let page = browser.post("/ui/webhooks/new", &fields).await.expect(422).text;
    assert!(page.contains("<span class=\"says\">signature.header must be the name of a header"), "{page}");
    app.finish().await;
}

async fn settings_are_changed_and_what_is_masked_stays(app: TestApp) {
    let fields = json!({ "headers": { "X-Api-Key": "hunter2", "X-Shop": "eu" }, "metadata": { "team": "billing" } });
    let hook = app.webhook_with("hook", fields, Behaviour::default()).await;
    let browser = app.browser_of(Role::Owner).await;
    let edit = format!("/ui/webhooks/{}/edit", hook.id);
    let page = browser.open(&edit).await;
    assert!(page.text.contains("X-Api-Key: ***\nX-Shop: eu") && !page.text.contains("hunter2"), "{}", page.text);
    let version = page.text.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let url = app.receiver.url("/hook");
    let changed = [("name", "Renamed"), ("url", &url), ("events", "*"), ("profile", "default"), ("policy", "durable")];
    let mut fields: Vec<(&str, &str)> = changed.into_iter().map(|(name, value)| (name, value as &str)).collect();
    fields.extend([("version", version.as_str()), ("headers", "X-Api-Key: ***\nX-Shop: us")]);
    fields.push(("metadata", "{\"team\":\"billing\"}"));
    let done = browser.post(&edit, &fields).await;
    assert_eq!((done.status, done.header("location")), (303, format!("/ui/webhooks/{}", hook.id).as_str()));
    let now = app.client.get(&format!("/api/v1/webhooks/{}", hook.id)).await.expect(200).data();
    assert_eq!((&now["name"], &now["metadata"]), (&json!("Renamed"), &json!({ "team": "billing" })));
    assert_eq!(now["headers"], json!({ "X-Api-Key": "***", "X-Shop": "us" }));
    let event = app.publish("a.b", json!({})).await;
    app.delivery_in(&event, "delivered").await;
    assert_eq!(app.receiver.records(&hook.path)[0].header("x-api-key"), "hunter2");
    // What somebody else has changed meanwhile is not overwritten.
    let refused = browser.post(&edit, &fields).await.expect(409);
    assert!(refused.text.contains("Others keep changing the webhook"), "{}", refused.text);
    app.finish().await;
}

async fn a_secret_is_rotated_and_shown_once(app: TestApp) {
    let hook = app.webhook("hook").await;
    let browser = app.browser_of(Role::Owner).await;
    let rotate = format!("/ui/webhooks/{}/rotate", hook.id);
    let page = browser.post(&rotate, &[("overlap", "3600")]).await.expect(200);
    assert!(page.text.contains("whsec_") && page.text.contains("2026-11-21T13:00:00.000Z"), "{}", page.text);
    let page = browser.open(&format!("/ui/webhooks/{}", hook.id)).await;
    assert!(
        !page.text.contains("whsec_M") && page.text.matches("shared secret (whsec_)").count() == 2,
        "{}",
        page.text
    );
    browser.post(&rotate, &[("overlap", "x")]).await.expect(400);
    browser.post(&rotate, &[("overlap", "99999999")]).await.expect(400);
    assert_eq!(browser.get(&rotate).await.status, 405);
    app.finish().await;
}

async fn a_webhook_is_paused_resumed_and_tested(app: TestApp) {
    let hook = app.webhook("hook").await;
    let browser = app.browser_of(Role::Admin).await;
    let path = format!("/ui/webhooks/{}", hook.id);
    let page = browser.post(&format!("{path}/pause"), &[("next", &path)]).await;
    let page = browser.follow(&page).await.expect(200);
    assert!(page.text.contains("hook is paused") && page.text.contains(">paused</span>"), "{}", page.text);
    assert!(browser.open("/ui/webhooks?status=stopped").await.text.contains(&hook.id));
    assert!(!browser.open("/ui/webhooks?status=active").await.text.contains(&hook.id));
    let refused = browser.post(&format!("{path}/test"), &[]).await.expect(409);
    assert!(refused.text.contains("resume it before testing it"));
    browser.post(&format!("{path}/resume"), &[("next", &path)]).await.expect(303);
    let tested = browser.post(&format!("{path}/test"), &[]).await;
    assert!(tested.header("location").starts_with("/ui/deliveries/dlv_"), "{}", tested.header("location"));
    eventually("the test has arrived", || async {
        browser.open(tested.header("location")).await.text.contains(">delivered</span>").then_some(())
    })
    .await;
    app.finish().await;
}

async fn a_webhook_is_deleted_by_its_name(app: TestApp) {
    let hook = app.webhook_with("doomed", json!({}), Behaviour::status(500)).await;
    let event = app.publish("a.b", json!({})).await;
    app.delivery_after(&event, 1).await;
    let browser = app.browser_of(Role::Owner).await;
    let path = format!("/ui/webhooks/{}/delete", hook.id);
    assert!(browser.open(&path).await.text.contains("<b>1</b> that wait"));
    let kept = browser.post(&path, &[("name", "other")]).await.expect(200);
    assert!(kept.text.contains("That is not its name. Nothing was deleted."));
    browser.open(&format!("/ui/webhooks/{}", hook.id)).await;
    let gone = browser.post(&path, &[("name", "doomed")]).await;
    assert_eq!((gone.status, gone.header("location")), (303, "/ui/webhooks"));
    browser.get(&format!("/ui/webhooks/{}", hook.id)).await.expect(404);
    app.delivery_in(&event, "cancelled").await;
    app.finish().await;
}

async fn a_failing_webhook_says_what_happens_next(app: TestApp) {
    let hook = app.webhook_with("failing", json!({}), Behaviour::status(500)).await;
    let event = app.publish("a.b", json!({})).await;
    app.delivery_after(&event, 1).await;
    let browser = app.browser_of(Role::Member).await;
    let path = format!("/ui/webhooks/{}", hook.id);
    eventually("its health is known", || async {
        let page = browser.open(&path).await;
        let exact = |at: &str, text: &str| format!("<time datetime=\"{at}\" title=\"{at}\">{text} UTC</time>");
        let since = exact("2026-11-21T12:00:00.000Z", "21 Nov 2026, 12:00");
        let until = exact("2026-11-26T12:00:00.000Z", "26 Nov 2026, 12:00");
        let says = |text: String| page.text.contains(&text);
        let both = says(format!("Every attempt has failed since {since}")) && says(format!("disabled at {until} (in"));
        both.then_some(())
    })
    .await;
    app.advance(Duration::from_hours(1));
    let list = browser.open("/ui/webhooks").await;
    assert!(list.text.contains(">failing</span>"), "{}", list.text);
    app.finish().await;
}

async fn members_and_strangers_change_no_webhook(app: TestApp) {
    let hook = app.webhook("hook").await;
    let member = app.browser_of(Role::Member).await;
    app.client_of("other", Environment::Staging).await;
    let other = app.app().engine.find_tenant("other").await.unwrap().unwrap().id.to_string();
    let operator = app.browser_of(Role::Operator).await;
    operator.post("/ui/preferences", &[("tenant", &other)]).await.expect(303);
    let url = app.receiver.url("/x");
    for verb in ["pause", "resume", "test", "rotate", "delete", "edit"] {
        let path = format!("/ui/webhooks/{}/{verb}", hook.id);
        let fields = new_webhook(&url, &[]);
        member.post(&path, &fields).await.expect(403);
        operator.post(&path, &fields).await.expect(404);
    }
    member.post("/ui/webhooks/new", &new_webhook(&url, &[])).await.expect(403);
    for path in ["/ui/webhooks/new".to_owned(), format!("/ui/webhooks/{}/edit", hook.id)] {
        assert_eq!(member.get(&path).await.status, 403, "{path}");
    }
    operator.get(&format!("/ui/webhooks/{}", hook.id)).await.expect(404);
    assert!(!operator.open("/ui/webhooks").await.text.contains(&hook.id));
    let page = member.open(&format!("/ui/webhooks/{}", hook.id)).await;
    assert!(!page.text.contains("Rotate") && !page.text.contains("/delete"), "{}", page.text);
    let now = app.client.get(&format!("/api/v1/webhooks/{}", hook.id)).await.expect(200).data();
    assert_eq!((&now["name"], &now["status"]), (&json!("hook"), &json!("active")));
    app.finish().await;
}
