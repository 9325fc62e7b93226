//! The dashboard's ground: who gets in, what they may do, whose rows they see, and what every page says of itself.

use std::time::Duration;

use angarium::domain::tenant::Environment;
use angarium::domain::user::Role;
use serde_json::json;

use crate::support::browser::{POLICY, links_of, token_of};
use crate::support::{TestApp, both_engines};

both_engines!(
    who_signs_in_comes_back_to_where_they_were,
    wrong_passwords_are_refused_and_told_apart_from_nothing,
    a_session_that_has_ended_changes_nothing,
    a_form_without_its_token_changes_nothing,
    another_site_signs_nobody_in,
    every_page_tells_browsers_what_it_may_load,
    assets_are_kept_for_ever,
    environments_are_switched_and_never_mixed,
    an_operator_switches_tenants_and_others_cannot,
    a_theme_is_chosen,
    every_link_of_every_page_answers,
    what_is_not_there_is_a_page_too,
);

async fn who_signs_in_comes_back_to_where_they_were(app: TestApp) {
    let browser = app.browser();
    app.user("ada@example.com", Role::Owner).await;
    let sent = browser.get("/ui/deliveries?status=dead&type=a.b").await;
    assert_eq!(sent.header("location"), "/ui/sign-in?next=%2Fui%2Fdeliveries%3Fstatus%3Ddead%26type%3Da.b");
    let page = browser.follow(&sent).await.expect(200);
    assert!(page.text.contains("value=\"/ui/deliveries?status=dead&#38;type=a.b\""), "{}", page.text);
    let fields = [("email", "ada@example.com"), ("password", crate::support::people::PASSWORD)];
    let next = ("next", "/ui/deliveries?status=dead");
    let reply = browser.post_bare("/ui/sign-in", &[fields[0], fields[1], next]).await;
    assert_eq!((reply.status, reply.header("location")), (303, next.1));
    let page = browser.follow(&reply).await.expect(200);
    assert!(page.text.contains("ada@example.com") && page.text.contains("owner of acme"), "{}", page.text);
    // Signed in, the way in leads on; and nobody is led elsewhere.
    let again = browser.get("/ui/sign-in?next=https://evil.example").await;
    assert_eq!((again.status, again.header("location")), (303, "/ui"));
    let out = browser.post("/ui/sign-out", &[]).await;
    assert_eq!((out.status, out.header("location")), (303, "/ui/sign-in"));
    assert_eq!(browser.get("/ui/deliveries").await.status, 303);
    app.finish().await;
}

async fn wrong_passwords_are_refused_and_told_apart_from_nothing(app: TestApp) {
    app.user("ada@example.com", Role::Owner).await;
    let browser = app.browser();
    let guess = async |email: &str| {
        browser.post_bare("/ui/sign-in", &[("email", email), ("password", "correct horse batterz")]).await
    };
    let wrong = guess("ada@example.com").await.expect(401);
    assert!(wrong.text.contains("The address or the password is wrong."), "{}", wrong.text);
    assert!(wrong.text.contains("value=\"ada@example.com\"") && !wrong.text.contains("batterz"), "{}", wrong.text);
    let strip = |text: &str| text.replace("nobody@example.com", "ada@example.com");
    assert_eq!(strip(&guess("nobody@example.com").await.expect(401).text), wrong.text);
    guess("no address").await.expect(401);
    for _ in 0..4 {
        guess("ada@example.com").await.expect(401);
    }
    let locked = guess("ada@example.com").await.expect(429);
    assert!(locked.text.contains("Try again in 15 m."), "{}", locked.text);
    app.finish().await;
}

async fn a_session_that_has_ended_changes_nothing(app: TestApp) {
    let browser = app.browser_of(Role::Owner).await;
    let token = token_of(&browser.open("/ui/deliveries").await);
    app.advance(Duration::from_hours(13));
    let sent = browser.get("/ui/deliveries").await;
    assert_eq!(sent.header("location"), "/ui/sign-in?next=%2Fui%2Fdeliveries&ended=1");
    assert!(browser.follow(&sent).await.expect(200).text.contains("Your session has ended."));
    let refused = browser.post_bare("/ui/preferences", &[("token", &token), ("theme", "dark")]).await.expect(401);
    assert!(refused.text.contains("Nothing was changed.") && refused.header("set-cookie").is_empty());
    app.finish().await;
}

async fn a_form_without_its_token_changes_nothing(app: TestApp) {
    let (owner, member) = (app.browser_of(Role::Owner).await, app.browser_of(Role::Member).await);
    let foreign = token_of(&member.open("/ui/deliveries").await);
    let own = token_of(&owner.open("/ui/deliveries").await);
    for token in ["", "x", foreign.as_str()] {
        let refused = owner.post_bare("/ui/preferences", &[("token", token), ("theme", "dark")]).await.expect(403);
        assert!(refused.text.contains("This form is out of date"), "{}", refused.text);
        assert_eq!(refused.header("content-security-policy"), POLICY);
    }
    owner.post_from_elsewhere("/ui/preferences", &[("theme", "dark")]).await.expect(403);
    assert!(owner.open("/ui/deliveries").await.text.contains("data-theme=\"system\""));
    owner.post_bare("/ui/preferences", &[("token", &own), ("theme", "dark")]).await.expect(303);
    assert!(owner.open("/ui/deliveries").await.text.contains("data-theme=\"dark\""));
    app.finish().await;
}

async fn another_site_signs_nobody_in(app: TestApp) {
    app.user("ada@example.com", Role::Owner).await;
    let fields = [("email", "ada@example.com"), ("password", crate::support::people::PASSWORD)];
    let reply = app.browser().post_from_elsewhere("/ui/sign-in", &fields).await.expect(403);
    assert!(reply.header("set-cookie").is_empty());
    app.finish().await;
}

async fn every_page_tells_browsers_what_it_may_load(app: TestApp) {
    let browser = app.browser_of(Role::Owner).await;
    for (path, status) in [("/ui/deliveries", 200), ("/ui/nope", 404), ("/ui/sign-in", 303), ("/ui", 303)] {
        let page = browser.get(path).await.expect(status);
        assert_eq!(page.header("content-security-policy"), POLICY, "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        for inline in ["<style", "style=", " onclick", "<script>", "javascript:"] {
            assert!(!page.text.contains(inline), "{path} has {inline}");
        }
    }
    let signed_out = app.browser().open("/ui/sign-in").await;
    assert_eq!(signed_out.header("cache-control"), "no-store");
    app.finish().await;
}

async fn assets_are_kept_for_ever(app: TestApp) {
    let browser = app.browser();
    let page = browser.open("/ui/sign-in").await;
    let links =
        [" href=\"", " src=\""].map(|attribute| page.text.split(attribute).skip(1).collect::<Vec<_>>()).concat();
    let assets: Vec<_> = links.iter().map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(assets.len(), 3, "{assets:?}");
    for asset in assets {
        let file = browser.open(asset).await;
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable", "{asset}");
        assert!(!file.text.is_empty(), "{asset}");
    }
    browser.get("/ui/assets/app.css").await.expect(404);
    app.finish().await;
}

async fn environments_are_switched_and_never_mixed(app: TestApp) {
    app.webhook("hook").await;
    let event = app.publish("order.staging", json!({})).await;
    app.delivery_in(&event, "delivered").await;
    let browser = app.browser_of(Role::Member).await;
    let page = browser.open("/ui/deliveries").await;
    assert!(page.text.contains("order.staging") && page.text.contains("Environment: staging"), "{}", page.text);
    browser.post("/ui/preferences", &[("environment", "production"), ("next", "/ui/deliveries")]).await.expect(303);
    let page = browser.open("/ui/deliveries").await;
    assert!(!page.text.contains("order.staging") && page.text.contains("Environment: production"), "{}", page.text);
    app.finish().await;
}

async fn an_operator_switches_tenants_and_others_cannot(app: TestApp) {
    app.webhook("hook").await;
    let event = app.publish("order.acme", json!({})).await;
    app.delivery_in(&event, "delivered").await;
    app.client_of("zeta", Environment::Staging).await;
    let zeta = app.app().engine.find_tenant("zeta").await.unwrap().unwrap().id.to_string();
    let operator = app.browser_of(Role::Operator).await;
    assert!(operator.open("/ui/deliveries").await.text.contains("order.acme"));
    operator.post("/ui/preferences", &[("tenant", &zeta)]).await.expect(303);
    let page = operator.open("/ui/deliveries").await;
    assert!(page.text.contains("operator of zeta") && !page.text.contains("order.acme"), "{}", page.text);
    // The same cookie gives nobody else anything.
    let owner = app.browser_of(Role::Owner).await;
    owner.post("/ui/preferences", &[("tenant", &zeta)]).await.expect(303);
    let page = owner.open("/ui/deliveries").await;
    assert!(page.text.contains("owner of acme") && page.text.contains("order.acme") && !page.text.contains("zeta"));
    app.finish().await;
}

async fn a_theme_is_chosen(app: TestApp) {
    let browser = app.browser_of(Role::Member).await;
    for theme in ["light", "dark", "system"] {
        browser.post("/ui/preferences", &[("theme", theme)]).await.expect(303);
        for path in ["/ui/deliveries", "/ui/nope"] {
            let page = browser.get(path).await;
            assert!(page.text.contains(&format!("data-theme=\"{theme}\"")), "{path}: {}", page.text);
        }
    }
    browser.post("/ui/preferences", &[("theme", "\"><script>")]).await.expect(303);
    assert!(browser.open("/ui/deliveries").await.text.contains("data-theme=\"system\""));
    app.finish().await;
}

async fn every_link_of_every_page_answers(app: TestApp) {
    app.webhook("hook").await;
    for n in 0..3 {
        let event = app.publish("order.created", json!({ "n": n })).await;
        app.delivery_in(&event, "delivered").await;
    }
    for role in [Role::Owner, Role::Member, Role::Operator] {
        let browser = app.browser_of(role).await;
        let mut seen = vec!["/ui/deliveries?type=order.created&status=delivered".to_owned()];
        let mut at = 0;
        while let Some(path) = seen.get(at).cloned() {
            at += 1;
            if at % 400 == 0 {
                // Nobody may look at so many in a minute.
                app.advance(Duration::from_mins(1));
            }
            let mut page = browser.get(&path).await;
            while page.status == 303 {
                page = browser.follow(&page).await;
            }
            assert_eq!(page.status, 200, "{path}: {}", page.text);
            if page.header("content-type").starts_with("text/html") {
                let new: Vec<_> = links_of(&page).into_iter().filter(|link| !seen.contains(link)).collect();
                seen.extend(new);
            }
            assert!(seen.len() < 2_000, "pages lead on for ever: {seen:?}");
        }
        assert!(at > 5, "{seen:?}");
    }
    app.finish().await;
}

async fn what_is_not_there_is_a_page_too(app: TestApp) {
    let browser = app.browser_of(Role::Owner).await;
    let page = browser.get("/ui/nope").await.expect(404);
    assert!(page.header("content-type").starts_with("text/html") && page.text.contains("<h1>Not found</h1>"));
    let page = browser.get("/ui/deliveries/selected/x/y").await.expect(404);
    assert!(page.text.contains("<h1>Not found</h1>"));
    let page = browser.get("/ui/sign-out").await.expect(405);
    assert!(page.text.contains("<h1>Not like this</h1>"), "{}", page.text);
    // Nobody learns what there is without signing in.
    assert_eq!(app.browser().get("/ui/nope").await.status, 303);
    app.finish().await;
}
