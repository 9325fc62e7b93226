//! The people of a tenant at the dashboard: let in with a password that is shown once, changed, shut out, removed; their
//! own passwords; and what is written down of it.

use angarium::domain::tenant::Environment;
use angarium::domain::user::Role;

use crate::support::people::PASSWORD;
use crate::support::{Reply, TestApp, both_engines};

both_engines!(
    a_user_is_made_with_a_password_that_is_shown_once,
    a_user_is_changed_and_removed,
    nobody_lifts_themselves_up,
    members_and_strangers_manage_nobody,
    everybody_changes_their_own_password,
    changes_are_in_the_audit_log,
    the_audit_log_is_of_its_tenant,
    operators_see_the_system,
);

fn shown(page: &Reply) -> String {
    let after = page.text.split("id=\"secret\">").nth(1).unwrap_or_else(|| panic!("no password: {}", page.text));
    after.split('<').next().unwrap().to_owned()
}

/// The address of a user of a list.
fn path_of(page: &Reply, email: &str) -> String {
    let rows = page.text.split("<tr id=\"").skip(1);
    let row = rows.into_iter().find(|row| row.contains(email)).unwrap_or_else(|| panic!("no {email}: {}", page.text));
    format!("/ui/users/{}", row.split('"').next().unwrap())
}

async fn a_user_is_made_with_a_password_that_is_shown_once(app: TestApp) {
    let owner = app.browser_of(Role::Owner).await;
    let fields = [("email", "Ada@Example.com"), ("name", "<b>Ada</b>"), ("role", "member")];
    let made = owner.post("/ui/users/new", &fields).await.expect(200);
    let password = shown(&made);
    let list = owner.open("/ui/users").await;
    assert!(
        list.text.contains("ada@example.com") && list.text.contains("&#60;b&#62;Ada") && !list.text.contains("<b>Ada")
    );
    assert!(!list.text.contains(&password));
    let ada = app.browser();
    let entered = ada.post_bare("/ui/sign-in", &[("email", "ada@example.com"), ("password", &password)]).await;
    assert_eq!(entered.status, 303, "{}", entered.text);
    assert!(ada.open("/ui/deliveries").await.text.contains("member of acme"));
    let taken = owner.post("/ui/users/new", &fields).await.expect(422);
    assert!(taken.text.contains("email is that of somebody who signs in already"), "{}", taken.text);
    let wrong = [("email", "nobody"), ("name", &*"x".repeat(101)), ("role", "operator")];
    let again = owner.post("/ui/users/new", &wrong).await.expect(422);
    for said in ["email must be an address", "name must have 1 to 100", "role must be owner, admin or member"] {
        assert!(again.text.contains(said), "{said}: {}", again.text);
    }
    app.finish().await;
}

async fn a_user_is_changed_and_removed(app: TestApp) {
    let owner = app.browser_of(Role::Owner).await;
    let member = app.browser_of(Role::Member).await;
    let path = path_of(&owner.open("/ui/users").await, "member-at-ui");
    assert!(owner.open(&format!("{path}/edit")).await.text.contains("name=\"active\" value=\"on\" checked"));
    let fields = [("name", "Mem"), ("role", "admin"), ("active", "on")];
    owner.post(&format!("{path}/edit"), &fields).await.expect(303);
    assert!(member.open("/ui/users").await.text.contains("Mem"), "an admin now");
    let new = shown(&owner.post(&format!("{path}/password"), &[]).await.expect(200));
    assert_eq!(member.get("/ui/deliveries").await.status, 303, "the session has ended");
    app.login("member-at-ui@example.com", &new).await.expect(200);
    owner.post(&format!("{path}/edit"), &fields[..2]).await.expect(303);
    assert!(owner.open("/ui/users").await.text.contains("shut out"));
    app.login("member-at-ui@example.com", &new).await.expect(401);
    let wrong = owner.post(&format!("{path}/delete"), &[("name", "x")]).await.expect(200);
    assert!(wrong.text.contains("Nobody was removed."), "{}", wrong.text);
    owner.post(&format!("{path}/delete"), &[("name", "member-at-ui@example.com")]).await.expect(303);
    owner.get(&format!("{path}/edit")).await.expect(404);
    app.finish().await;
}

async fn nobody_lifts_themselves_up(app: TestApp) {
    let owner = app.browser_of(Role::Owner).await;
    let admin = app.browser_of(Role::Admin).await;
    let list = admin.open("/ui/users").await;
    let (me, them) = (path_of(&owner.open("/ui/users").await, "admin-at-ui"), path_of(&list, "owner-at-ui"));
    assert!(!list.text.contains(&format!("{them}/edit")) && list.text.contains(&format!("{me}/edit")), "{}", list.text);
    let lifted = admin.post(&format!("{me}/edit"), &[("name", "Me"), ("role", "owner")]).await.expect(409);
    assert!(lifted.text.contains("As admin you cannot make or change somebody who is owner."), "{}", lifted.text);
    for (path, fields) in [
        (format!("{them}/edit"), vec![("name", "x"), ("role", "member")]),
        (format!("{them}/password"), vec![]),
        (format!("{them}/delete"), vec![("name", "owner-at-ui@example.com")]),
        ("/ui/users/new".to_owned(), vec![("email", "a@b.example"), ("role", "admin")]),
    ] {
        admin.post(&path, &fields).await.expect(409);
    }
    owner.open("/ui/users").await;
    let mine = path_of(&owner.open("/ui/users").await, "owner-at-ui");
    let refused = owner.post(&format!("{mine}/edit"), &[("name", "x"), ("role", "member")]).await.expect(409);
    assert!(refused.text.contains("A tenant keeps an owner who can sign in."), "{}", refused.text);
    owner.post(&format!("{mine}/delete"), &[("name", "owner-at-ui@example.com")]).await.expect(409);
    owner.post(&format!("{mine}/password"), &[]).await.expect(409);
    app.finish().await;
}

async fn members_and_strangers_manage_nobody(app: TestApp) {
    let owner = app.browser_of(Role::Owner).await;
    let member = app.browser_of(Role::Member).await;
    let path = path_of(&owner.open("/ui/users").await, "member-at-ui");
    app.client_of("other", Environment::Staging).await;
    let other = app.app().engine.find_tenant("other").await.unwrap().unwrap().id.to_string();
    let operator = app.browser_of(Role::Operator).await;
    operator.post("/ui/preferences", &[("tenant", &other)]).await.expect(303);
    assert!(!operator.open("/ui/users").await.text.contains("member-at-ui@"));
    for (browser, status) in [(&member, 403), (&operator, 404)] {
        for verb in ["edit", "delete"] {
            browser.get(&format!("{path}/{verb}")).await.expect(status);
        }
        for verb in ["edit", "password", "delete"] {
            let fields = [("name", "x"), ("role", "owner"), ("active", "on")];
            browser.post(&format!("{path}/{verb}"), &fields).await.expect(status);
        }
    }
    for path in ["/ui/users", "/ui/users/new", "/ui/audit", "/ui/system"] {
        member.get(path).await.expect(403);
    }
    assert!(!member.open("/ui/deliveries").await.text.contains("/ui/users"));
    owner.post_bare(&format!("{path}/password"), &[]).await.expect(403);
    owner.post_from_elsewhere(&format!("{path}/password"), &[]).await.expect(403);
    app.finish().await;
}

async fn everybody_changes_their_own_password(app: TestApp) {
    let member = app.browser_of(Role::Member).await;
    let change = async |current: &str, new: &str, again: &str| {
        member.post("/ui/account", &[("current", current), ("new", new), ("again", again)]).await
    };
    let wrong = change("wrong", "short", "other").await.expect(422);
    for said in ["again is not the same", "class=\"says\">new "] {
        assert!(wrong.text.contains(said), "{said}: {}", wrong.text);
    }
    let wrong = change("not the password", "another long one", "another long one").await.expect(422);
    assert!(wrong.text.contains("current is not your password") && !wrong.text.contains("another long one"));
    change(PASSWORD, "another long one", "another long one").await.expect(303);
    assert!(member.open("/ui/account").await.text.contains("Your password is changed."));
    app.login("member-at-ui@example.com", PASSWORD).await.expect(401);
    app.login("member-at-ui@example.com", "another long one").await.expect(200);
    app.finish().await;
}

async fn changes_are_in_the_audit_log(app: TestApp) {
    let owner = app.browser_of(Role::Owner).await;
    let member = app.browser_of(Role::Member).await;
    let path = path_of(&owner.open("/ui/users").await, "member-at-ui");
    owner.post(&format!("{path}/edit"), &[("name", "<q>"), ("role", "admin"), ("active", "on")]).await.expect(303);
    owner.post("/ui/event-types/new", &[("name", "order.paid"), ("mode", "off")]).await.expect(303);
    let log = owner.open("/ui/audit").await;
    for said in
        ["user.update", "event_type.create", "owner-at-ui@example.com", "127.0.0.1", "<del>member</del> → admin"]
    {
        assert!(log.text.contains(said), "{said}: {}", log.text);
    }
    assert!(!log.text.contains("<q>"));
    let found = owner.open("/ui/audit?action=event_type.create").await;
    assert!(found.text.contains("order.paid") && !found.text.contains("<del>member"), "{}", found.text);
    let found = owner.open("/ui/audit?subject=order.paid&from=2026-11-21T11:00Z").await;
    assert!(found.text.contains("event_type.create<small"), "{}", found.text);
    let none = owner.open("/ui/audit?until=2026-11-21T11:00Z").await;
    assert!(none.text.contains("No line matches."), "{}", none.text);
    assert!(owner.open("/ui/audit?from=%3Cb%3E").await.text.contains("`&#60;b&#62;` is no time"));
    assert_eq!(member.open("/ui/audit").await.status, 200, "an admin now");
    app.finish().await;
}

async fn the_audit_log_is_of_its_tenant(app: TestApp) {
    let owner = app.browser_of(Role::Owner).await;
    owner.post("/ui/event-types/new", &[("name", "order.paid"), ("mode", "off")]).await.expect(303);
    app.client_of("other", Environment::Staging).await;
    let other = app.app().engine.find_tenant("other").await.unwrap().unwrap().id.to_string();
    let operator = app.browser_of(Role::Operator).await;
    assert!(operator.open("/ui/audit").await.text.contains("order.paid"));
    operator.post("/ui/preferences", &[("tenant", &other)]).await.expect(303);
    assert!(!operator.open("/ui/audit").await.text.contains("order.paid"));
    app.finish().await;
}

async fn operators_see_the_system(app: TestApp) {
    let hook = app.webhook_with("<u>slow</u>", serde_json::json!({}), angarium::receiver::Behaviour::status(503)).await;
    let event = app.publish("a.b", serde_json::json!({})).await;
    app.delivery_after(&event, 1).await;
    let owner = app.browser_of(Role::Owner).await;
    owner.post("/ui/event-types/new", &[("name", "order.paid"), ("mode", "off")]).await.expect(303);
    owner.get("/ui/system").await.expect(403);
    let page = app.browser_of(Role::Operator).await.open("/ui/system").await;
    for said in [
        "answers and is up to date",
        "is connected",
        &hook.id,
        "&#60;u&#62;slow&#60;/u&#62;",
        "plan unlimited",
        "event_type.create",
        env!("CARGO_PKG_VERSION"),
        "Apache-2.0",
    ] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert!(!page.text.contains("<u>slow"));
    app.finish().await;
}
