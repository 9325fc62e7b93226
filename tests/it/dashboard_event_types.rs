//! Event types at the dashboard: who listens, what they look like, one to publish, and a tenant's own.

use angarium::domain::tenant::Environment;
use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use serde_json::json;

use crate::support::{TestApp, both_engines};

both_engines!(
    types_are_listed_with_who_hears_of_them,
    one_is_published_from_its_page,
    a_type_is_made_changed_and_deleted,
    what_is_wrong_with_a_type_is_said,
    a_member_reads_types_and_publishes_none,
    types_of_others_are_not_there,
);

const SCHEMA: &str = r#"{"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}"#;

async fn types_are_listed_with_who_hears_of_them(app: TestApp) {
    app.webhook_with("<i>all</i>", json!({ "url": app.receiver.url("/all") }), Behaviour::default()).await;
    app.webhook_with("calls", json!({ "events": ["call.*"] }), Behaviour::default()).await;
    let browser = app.browser_of(Role::Member).await;
    let list = browser.open("/ui/event-types").await;
    assert!(
        list.text.contains("href=\"/ui/event-types/call.answered\"")
            && list.text.contains("href=\"/ui/event-types/webhook.disabled\"")
    );
    let found = browser.open("/ui/event-types?q=CALL.AN").await;
    assert_eq!(found.text.matches("<th scope=\"row\">").count(), 1, "{}", found.text);
    let none = browser.open("/ui/event-types?q=%22%3E%3Cscript%3E").await;
    assert!(none.text.contains("No event type has that") && !none.text.contains("<script>"), "{}", none.text);
    let page = browser.open("/ui/event-types/call.answered").await;
    for said in ["The other end has picked up.", "&#60;i&#62;all&#60;/i&#62;", ">calls</a>", "&#34;required&#34;"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert!(!page.text.contains("/publish\""), "a member publishes nothing");
    browser.get("/ui/event-types/no.such").await.expect(404);
    browser.get("/ui/event-types/NO%20SUCH").await.expect(404);
    app.finish().await;
}

async fn one_is_published_from_its_page(app: TestApp) {
    app.webhook("hook").await;
    let browser = app.browser_of(Role::Owner).await;
    let data = "{\r\n  \"id\": 12345678901234567890,\r\n  \"x\": \"</textarea><script>\"\r\n}";
    let done = browser.post("/ui/event-types/call.answered/publish", &[("data", data)]).await.expect(303);
    let event = done.header("location").split(['=', '&']).nth(1).unwrap().to_owned();
    assert!(browser.follow(&done).await.text.contains("The event is published, for 1 webhook(s)."));
    app.delivery_in(&event, "delivered").await;
    let received = app.receiver.records("/hook");
    assert!(String::from_utf8_lossy(&received[0].body).contains("{\n  \"id\": 12345678901234567890,\n"));
    for (data, said) in [("[1]", "must be a JSON object"), ("{\"a\":</textarea><b>", "must be a JSON object")] {
        let again = browser.post("/ui/event-types/call.answered/publish", &[("data", data)]).await.expect(422);
        assert!(again.text.contains(said) && !again.text.contains("<b></textarea>"), "{}", again.text);
        assert!(!again.text.contains("</textarea><b>"), "{}", again.text);
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(101), "]".repeat(101));
    let again = browser.post("/ui/event-types/call.answered/publish", &[("data", &deep)]).await.expect(422);
    assert!(again.text.contains("data must be nested at most 100 levels deep"), "{}", again.text);
    app.finish().await;
}

async fn a_type_is_made_changed_and_deleted(app: TestApp) {
    let browser = app.browser_of(Role::Admin).await;
    let fields = [
        ("name", "order.paid"),
        ("description", "An <order> was paid."),
        ("example", "{\"total\": 1.5}"),
        ("schema", SCHEMA),
        ("mode", "reject"),
    ];
    let made = browser.post("/ui/event-types/new", &fields).await.expect(303);
    assert_eq!(made.header("location"), "/ui/event-types/order.paid");
    let page = browser.open("/ui/event-types/order.paid").await;
    assert!(
        page.text.contains("An &#60;order&#62; was paid.") && page.text.contains("whose data does not fit is refused")
    );
    let refused = browser.post("/ui/event-types/order.paid/publish", &[("data", "{}")]).await.expect(422);
    assert!(refused.text.contains("class=\"says\">data"), "{}", refused.text);
    let form = browser.open("/ui/event-types/order.paid/edit").await;
    let version = form.text.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let change = [("version", version.as_str()), ("description", ""), ("schema", SCHEMA), ("mode", "off")];
    browser.post("/ui/event-types/order.paid/edit", &change).await.expect(303);
    let late = browser.post("/ui/event-types/order.paid/edit", &change).await.expect(409);
    assert!(late.text.contains("Somebody else has changed the event type"), "{}", late.text);
    browser.post("/ui/event-types/order.paid/publish", &[("data", "{}")]).await.expect(303);
    let ask = browser.open("/ui/event-types/order.paid/delete").await;
    let action = ask.text.split("action=\"/ui/event-types/order.paid").nth(1).unwrap().split('"').next().unwrap();
    browser.post("/ui/event-types/order.paid/delete", &[]).await.expect(400);
    browser.post(&format!("/ui/event-types/order.paid{action}"), &[]).await.expect(303);
    browser.get("/ui/event-types/order.paid").await.expect(404);
    app.finish().await;
}

async fn what_is_wrong_with_a_type_is_said(app: TestApp) {
    let browser = app.browser_of(Role::Owner).await;
    let fields = [("name", "Order Paid"), ("example", "[1]"), ("schema", "{"), ("mode", "sometimes")];
    let again = browser.post("/ui/event-types/new", &fields).await.expect(422);
    for said in
        ["name must be lower-case", "example must be a JSON object", "schema must be JSON", "schemaMode must be one of"]
    {
        assert!(again.text.contains(said), "{said}: {}", again.text);
    }
    let misfit = [("name", "order.paid"), ("example", "{}"), ("schema", SCHEMA), ("mode", "off")];
    let again = browser.post("/ui/event-types/new", &misfit).await.expect(422);
    assert!(again.text.contains("class=\"says\">example"), "{}", again.text);
    for taken in ["call.answered", "webhook.disabled"] {
        let again = browser.post("/ui/event-types/new", &[("name", taken), ("mode", "off")]).await.expect(422);
        assert!(again.text.contains("name is that of another event type"), "{}", again.text);
        browser.get(&format!("/ui/event-types/{taken}/edit")).await.expect(409);
        browser.post(&format!("/ui/event-types/{taken}/delete?version=0"), &[]).await.expect(409);
    }
    app.finish().await;
}

async fn a_member_reads_types_and_publishes_none(app: TestApp) {
    let owner = app.browser_of(Role::Owner).await;
    owner.post("/ui/event-types/new", &[("name", "order.paid"), ("mode", "off")]).await.expect(303);
    let member = app.browser_of(Role::Member).await;
    let page = member.open("/ui/event-types/order.paid").await;
    assert!(!page.text.contains("/edit\"") && !page.text.contains("/delete\""), "{}", page.text);
    for verb in ["publish", "edit", "delete?version=1"] {
        let fields = [("data", "{}"), ("mode", "off")];
        member.post(&format!("/ui/event-types/order.paid/{verb}"), &fields).await.expect(403);
    }
    member.post("/ui/event-types/new", &[("name", "a.b"), ("mode", "off")]).await.expect(403);
    for path in ["/ui/event-types/new", "/ui/event-types/order.paid/edit", "/ui/event-types/order.paid/delete"] {
        member.get(path).await.expect(403);
    }
    owner.post_bare("/ui/event-types/order.paid/publish", &[("data", "{}")]).await.expect(403);
    app.finish().await;
}

async fn types_of_others_are_not_there(app: TestApp) {
    let owner = app.browser_of(Role::Owner).await;
    owner.post("/ui/event-types/new", &[("name", "order.paid"), ("mode", "off")]).await.expect(303);
    app.client_of("other", Environment::Staging).await;
    let other = app.app().engine.find_tenant("other").await.unwrap().unwrap().id.to_string();
    let operator = app.browser_of(Role::Operator).await;
    operator.post("/ui/preferences", &[("tenant", &other)]).await.expect(303);
    owner.post("/ui/preferences", &[("environment", "production")]).await.expect(303);
    for browser in [&operator, &owner] {
        assert!(!browser.open("/ui/event-types").await.text.contains("order.paid"));
        browser.get("/ui/event-types/order.paid").await.expect(404);
        browser.get("/ui/event-types/order.paid/edit").await.expect(404);
        for verb in ["publish", "edit", "delete?version=1"] {
            let fields = [("data", "{}"), ("mode", "off")];
            browser.post(&format!("/ui/event-types/order.paid/{verb}"), &fields).await.expect(404);
        }
    }
    app.finish().await;
}
