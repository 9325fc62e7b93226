//! API keys at the dashboard: made and shown once, changed, rotated, revoked, deleted, and told what they were used for.

use std::time::Duration;

use angarium::domain::tenant::Environment;
use angarium::domain::user::Role;

use crate::support::client::Client;
use crate::support::{Reply, TestApp, both_engines};

both_engines!(
    a_key_is_made_and_shown_once,
    what_is_wrong_is_said_beside_its_field,
    a_key_is_changed_and_keeps_what_was_not_touched,
    a_rotated_key_works_until_its_overlap_ends,
    a_key_is_revoked_and_deleted_after_a_question,
    what_a_key_was_used_for_is_shown_by_month,
    a_member_sees_keys_and_changes_none,
    keys_of_others_are_not_there,
);

/// The key that a page shows.
fn key_in(page: &Reply) -> String {
    let after = page.text.split("id=\"secret\">").nth(1).unwrap_or_else(|| panic!("no key: {}", page.text));
    after.split('<').next().unwrap().to_owned()
}

/// The address of the key of a name, as a list has it.
fn key_named(page: &Reply, name: &str) -> String {
    let mut rows = page.text.split("<tr id=\"").skip(1);
    let row =
        rows.find(|row| row.contains(&format!(">{name}</a>"))).unwrap_or_else(|| panic!("no {name}: {}", page.text));
    format!("/ui/api-keys/{}", row.split('"').next().unwrap())
}

async fn a_key_is_made_and_shown_once(app: TestApp) {
    let browser = app.browser_of(Role::Admin).await;
    let fields = [
        ("name", "<b>ci</b>"),
        ("permission", "read:events"),
        ("permission", "webhook:manage"),
        ("expires", "2026-12-01T00:00"),
        ("addresses", "127.0.0.1\r\n10.0.0.0/8"),
        ("rate", "50"),
        ("interval", "90"),
    ];
    let made = browser.post("/ui/api-keys/new", &fields).await.expect(200);
    assert_eq!(made.header("cache-control"), "no-store");
    let key = key_in(&made);
    assert!(key.starts_with("sk_test_"), "{key}");
    let client = Client::new(app.app().api.unwrap(), key.clone());
    client.get("/api/v1/webhooks").await.expect(200);
    client.get("/api/v1/customers").await.expect(403);
    let list = browser.open("/ui/api-keys").await;
    assert!(list.text.contains("&#60;b&#62;ci&#60;/b&#62;") && !list.text.contains("<b>ci"), "{}", list.text);
    let page = browser.open(&key_named(&list, "&#60;b&#62;ci&#60;/b&#62;")).await;
    for said in ["2026-12-01 00:00:00Z", "10.0.0.0/8", "at most 50", "every 90 days", "webhook:manage", "admin of acme"]
    {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    for page in [list, page] {
        assert!(!page.text.contains(&key));
    }
    app.finish().await;
}

async fn what_is_wrong_is_said_beside_its_field(app: TestApp) {
    let browser = app.browser_of(Role::Owner).await;
    let fields = [
        ("name", "x\"><script>"),
        ("permission", "write:nonsense"),
        ("expires", "2001-01-01T00:00"),
        ("addresses", "nowhere"),
        ("rate", "many"),
        ("interval", "9999"),
    ];
    let again = browser.post("/ui/api-keys/new", &fields).await.expect(422);
    for said in [
        "Nothing was saved yet",
        "permissions[0] is not a permission",
        "expiresAt must be in the future",
        "ipWhitelist[0] must be",
        "rateLimit must be a whole number",
        "rotationPolicy.intervalDays must be from 1 to",
        "value=\"x&#34;&#62;&#60;script&#62;\"",
    ] {
        assert!(again.text.contains(said), "{said}: {}", again.text);
    }
    let good = [("name", "ci"), ("permission", "read:events")];
    browser.post("/ui/api-keys/new", &good).await.expect(200);
    let taken = browser.post("/ui/api-keys/new", &good).await.expect(422);
    assert!(taken.text.contains("name is the name of another API key"), "{}", taken.text);
    app.finish().await;
}

async fn a_key_is_changed_and_keeps_what_was_not_touched(app: TestApp) {
    let browser = app.browser_of(Role::Owner).await;
    let made = [("name", "ci"), ("permission", "read:events"), ("expires", "2026-11-21T13:00")];
    let key = key_in(&browser.post("/ui/api-keys/new", &made).await.expect(200));
    let path = key_named(&browser.open("/ui/api-keys").await, "ci");
    let form = browser.open(&format!("{path}/edit")).await;
    assert!(form.text.contains("value=\"2026-11-21T13:00:00\"") && form.text.contains("value=\"read:events\" checked"));
    // Its time is over; what is as it was is not judged again.
    app.advance(Duration::from_hours(2));
    let change =
        [("name", "ci 2"), ("permission", "read:webhooks"), ("expires", "2026-11-21T13:00:00"), ("active", "on")];
    let saved = browser.post(&format!("{path}/edit"), &change).await;
    assert_eq!((saved.status, saved.header("location")), (303, path.as_str()), "{}", saved.text);
    let page = browser.open(&path).await;
    assert!(
        page.text.contains("<h1>ci 2</h1>") && page.text.contains("expired") && page.text.contains("read:webhooks")
    );
    let change = [("name", "ci 2"), ("permission", "read:webhooks"), ("expires", "")];
    browser.post(&format!("{path}/edit"), &change).await.expect(303);
    // The box was not ticked: it is off, and can be put on again.
    let client = Client::new(app.app().api.unwrap(), key);
    client.get("/api/v1/webhooks").await.expect(401);
    browser.post(&format!("{path}/edit"), &[change[0], change[1], change[2], ("active", "on")]).await.expect(303);
    client.get("/api/v1/webhooks").await.expect(200);
    app.finish().await;
}

async fn a_rotated_key_works_until_its_overlap_ends(app: TestApp) {
    let browser = app.browser_of(Role::Owner).await;
    let old = key_in(&browser.post("/ui/api-keys/new", &[("name", "ci"), ("permission", "read:events")]).await);
    let path = key_named(&browser.open("/ui/api-keys").await, "ci");
    browser.post(&format!("{path}/rotate"), &[("overlap", "999999999")]).await.expect(400);
    let new = key_in(&browser.post(&format!("{path}/rotate"), &[("overlap", "3600")]).await.expect(200));
    let client = |key: &str| Client::new(app.app().api.unwrap(), key.to_owned());
    client(&old).get("/api/v1/event-types").await.expect(200);
    assert!(browser.open(&path).await.text.contains("It was replaced by"));
    let again = browser.post(&format!("{path}/rotate"), &[]).await.expect(409);
    assert!(again.text.contains("The API key was rotated already"), "{}", again.text);
    app.advance(Duration::from_secs(3_601));
    client(&old).get("/api/v1/event-types").await.expect(401);
    client(&new).get("/api/v1/event-types").await.expect(200);
    app.finish().await;
}

async fn a_key_is_revoked_and_deleted_after_a_question(app: TestApp) {
    let browser = app.browser_of(Role::Owner).await;
    let key = key_in(&browser.post("/ui/api-keys/new", &[("name", "ci"), ("permission", "read:events")]).await);
    let path = key_named(&browser.open("/ui/api-keys").await, "ci");
    assert!(browser.open(&format!("{path}/revoke")).await.text.contains("stops working at once, for good"));
    browser.post(&format!("{path}/revoke"), &[]).await.expect(303);
    Client::new(app.app().api.unwrap(), key).get("/api/v1/event-types").await.expect(401);
    assert!(browser.open(&path).await.text.contains("revoked"));
    assert!(browser.open(&format!("{path}/delete")).await.text.contains("Type <b>ci</b> to go on"));
    let wrong = browser.post(&format!("{path}/delete"), &[("name", "cy")]).await.expect(200);
    assert!(wrong.text.contains("That is not its name. Nothing was deleted."), "{}", wrong.text);
    browser.open(&path).await;
    let done = browser.post(&format!("{path}/delete"), &[("name", "ci")]).await;
    assert_eq!((done.status, done.header("location")), (303, "/ui/api-keys"));
    browser.get(&path).await.expect(404);
    app.finish().await;
}

async fn what_a_key_was_used_for_is_shown_by_month(app: TestApp) {
    let browser = app.browser_of(Role::Member).await;
    let path = key_named(&browser.open("/ui/api-keys").await, "test");
    for _ in 0..3 {
        app.client.get("/api/v1/event-types").await.expect(200);
    }
    app.client.get("/api/v1/webhooks/wh_x").await.expect(404);
    app.app().engine.flush_usage().await.unwrap();
    let page = browser.open(&path).await;
    assert!(page.text.contains("Usage in 2026-11") && page.text.contains("4 requests, 1 failed"), "{}", page.text);
    assert!(page.text.contains("GET /api/v1/event-types") && page.text.contains("value=\"3\""), "{}", page.text);
    let before = browser.open(&format!("{path}?month=2026-10")).await;
    assert!(before.text.contains("It was not used.") && before.text.contains("month=2026-11"), "{}", before.text);
    for other in ["2027-01", "x", ""] {
        assert!(browser.open(&format!("{path}?month={other}")).await.text.contains("Usage in 2026-11"));
    }
    app.finish().await;
}

async fn a_member_sees_keys_and_changes_none(app: TestApp) {
    let member = app.browser_of(Role::Member).await;
    let list = member.open("/ui/api-keys").await;
    let path = key_named(&list, "test");
    assert!(!list.text.contains("/new\"") && !member.open(&path).await.text.contains("/rotate\""));
    member.get("/ui/api-keys/new").await.expect(403);
    let fields = [("name", "ci"), ("permission", "read:events"), ("active", "on")];
    member.post("/ui/api-keys/new", &fields).await.expect(403);
    for verb in ["edit", "rotate", "revoke", "delete"] {
        let refused = member.post(&format!("{path}/{verb}"), &fields).await.expect(403);
        assert!(refused.text.contains("Your role does not permit this"), "{verb}: {}", refused.text);
    }
    for verb in ["edit", "revoke", "delete"] {
        member.get(&format!("{path}/{verb}")).await.expect(403);
    }
    app.client.get("/api/v1/event-types").await.expect(200);
    let owner = app.browser_of(Role::Owner).await;
    owner.post_from_elsewhere(&format!("{path}/revoke"), &[]).await.expect(403);
    owner.post_bare(&format!("{path}/revoke"), &[("token", "x")]).await.expect(403);
    app.client.get("/api/v1/event-types").await.expect(200);
    app.finish().await;
}

async fn keys_of_others_are_not_there(app: TestApp) {
    let browser = app.browser_of(Role::Owner).await;
    let mine = key_named(&browser.open("/ui/api-keys").await, "test");
    app.client_of("other", Environment::Staging).await;
    app.client_of("acme", Environment::Production).await;
    let other = app.app().engine.find_tenant("other").await.unwrap().unwrap().id.to_string();
    let operator = app.browser_of(Role::Operator).await;
    operator.post("/ui/preferences", &[("tenant", &other)]).await.expect(303);
    let theirs = key_named(&operator.open("/ui/api-keys").await, "test");
    browser.post("/ui/preferences", &[("environment", "production")]).await.expect(303);
    let live = key_named(&browser.open("/ui/api-keys").await, "test");
    assert_eq!(browser.open("/ui/api-keys").await.text.matches("<tr id=").count(), 1);
    // Each is in one tenant and one environment, and the visitor looks at another.
    let fields = [("name", "test"), ("permission", "read:events"), ("active", "on")];
    for (browser, path) in [(&browser, &mine), (&browser, &theirs), (&operator, &mine), (&operator, &live)] {
        browser.get(path).await.expect(404);
        for verb in ["edit", "rotate", "revoke", "delete"] {
            browser.post(&format!("{path}/{verb}"), &fields).await.expect(404);
        }
    }
    browser.get("/ui/api-keys/key_x").await.expect(404);
    app.client.get("/api/v1/event-types").await.expect(200);
    app.finish().await;
}
