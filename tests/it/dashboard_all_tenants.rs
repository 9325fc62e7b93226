//! What operators see of all tenants together, and how they get from there to what is one tenant's.

use std::collections::BTreeSet;

use angarium::domain::tenant::Environment;
use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use serde_json::json;

use crate::support::browser::{Browser, links_of};
use crate::support::client::Client;
use crate::support::{TestApp, both_engines, eventually};

both_engines!(
    an_operator_finds_what_is_wrong_wherever_it_is,
    a_list_of_all_tenants_is_walked_to_its_end,
    nobody_else_sees_all_tenants,
);

const LISTS: [&str; 3] = ["/ui/all/deliveries", "/ui/all/dead-letters", "/ui/all/webhooks"];

/// Another tenant, in production, whose receiver refuses everything at once.
async fn zeta(app: &TestApp) -> (Client, String) {
    let client = app.client_of("zeta & sons", Environment::Production).await;
    let never = json!({ "maxRetries": 0, "backoffStrategy": "linear" });
    let url = app.receiver.url("/not-there");
    let body = json!({ "name": "theirs", "url": url, "events": ["order.*"], "retryPolicy": never });
    client.post("/api/v1/webhooks", &body).await.expect(201);
    let tenant = app.app().engine.find_tenant("zeta & sons").await.unwrap().unwrap().id.to_string();
    (client, tenant)
}

async fn publish(client: &Client, event_type: &str) {
    client.post("/api/v1/events", &json!({ "type": event_type, "data": {} })).await.expect(202);
}

/// Opens a page until it has a text.
async fn open_until(browser: &Browser, path: &str, text: &str) -> String {
    eventually(text, || async {
        let page = browser.open(path).await.text;
        page.contains(text).then_some(page)
    })
    .await
}

async fn an_operator_finds_what_is_wrong_wherever_it_is(app: TestApp) {
    app.webhook("hook").await;
    let event = app.publish("order.acme", json!({})).await;
    app.delivery_in(&event, "delivered").await;
    let (client, tenant) = zeta(&app).await;
    publish(&client, "order.zeta").await;
    let operator = app.browser_of(Role::Operator).await;
    let dead = open_until(&operator, "/ui/all/dead-letters", "order.zeta").await;
    assert!(dead.contains("zeta &#38; sons") && dead.contains("theirs") && !dead.contains("order.acme"), "{dead}");
    let all = operator.open("/ui/all/deliveries").await.text;
    assert!(
        ["order.acme", "order.zeta", ">acme<", ">dead letter</span>"].iter().all(|said| all.contains(said)),
        "{all}"
    );
    // By status, environment and tenant.
    for (query, acme, zeta) in [
        ("?status=dead", false, true),
        ("?status=delivered", true, false),
        ("?environment=staging", true, false),
        (&format!("?tenant={tenant}"), false, true),
        (&format!("?tenant={tenant}&environment=staging"), false, false),
        (&format!("?tenant={tenant}&status=dead&environment=production"), false, true),
    ] {
        let page = operator.open(&format!("/ui/all/deliveries{query}")).await.text;
        assert_eq!((page.contains("order.acme"), page.contains("order.zeta")), (acme, zeta), "{query}: {page}");
    }
    assert!(operator.open("/ui/all/deliveries?status=dead").await.text.contains("Picked from the newest 5,000"));
    let webhooks = operator.open("/ui/all/webhooks").await.text;
    assert!(webhooks.contains(">hook</button>") && webhooks.contains(">theirs</button>"), "{webhooks}");
    let webhooks = operator.open(&format!("/ui/all/webhooks?tenant={tenant}")).await.text;
    assert!(!webhooks.contains(">hook</button>") && webhooks.contains(">theirs</button>"), "{webhooks}");
    // A row leads to its delivery, as of its tenant. The menu's form comes first.
    let next = dead.split("name=\"next\" value=\"").nth(2).unwrap().split('"').next().unwrap().to_owned();
    operator.get(&next).await.expect(404);
    let fields = [("tenant", tenant.as_str()), ("environment", "production"), ("next", &next)];
    let gone = operator.post("/ui/preferences", &fields).await;
    let page = operator.follow(&gone).await.expect(200);
    assert!(page.text.contains("<h1>order.zeta</h1>"), "{}", page.text);
    app.finish().await;
}

async fn a_list_of_all_tenants_is_walked_to_its_end(mut app: TestApp) {
    app.config.dashboard.rows_per_page = 3;
    app.restart().await;
    let (client, tenant) = zeta(&app).await;
    app.webhook_with("hook", json!({ "events": ["order.*"] }), Behaviour::default()).await;
    for _ in 0..4 {
        publish(&client, "order.zeta").await;
        let event = app.publish("order.acme", json!({})).await;
        app.delivery_in(&event, "delivered").await;
    }
    let operator = app.browser_of(Role::Operator).await;
    for (path, count) in
        [("/ui/all/deliveries", 8), (&format!("/ui/all/deliveries?tenant={tenant}"), 4), ("/ui/all/webhooks", 2)]
    {
        let (mut seen, mut next) = (BTreeSet::new(), Some(path.to_owned()));
        while let Some(path) = next {
            let page = operator.open(&path).await;
            let rows: Vec<_> = page.text.split("name=\"next\" value=\"").skip(1).collect();
            // The menu's form comes first.
            let ids = rows.iter().map(|rest| rest.split('"').next().unwrap()).filter(|next| !next.contains("/all/"));
            let ids: Vec<String> = ids.map(str::to_owned).collect();
            assert!(ids.len() <= 3 && ids.iter().all(|id| seen.insert(id.clone())), "{path}: {ids:?}");
            let has_older = page.text.contains("rel=\"next\"");
            next = links_of(&page).into_iter().rfind(|link| link.contains("cursor=")).filter(|_| has_older);
        }
        assert_eq!(seen.len(), count, "{path}");
    }
    app.finish().await;
}

async fn nobody_else_sees_all_tenants(app: TestApp) {
    let (owner, operator) = (app.browser_of(Role::Owner).await, app.browser_of(Role::Operator).await);
    for list in LISTS {
        owner.get(list).await.expect(403);
        let one = list.replace("/all", "");
        assert!(!owner.open(&one).await.text.contains("/ui/all/"), "{one}");
        assert!(links_of(&operator.open(&one).await).contains(&list.to_owned()), "{one}");
        operator.open(list).await;
        assert_eq!(app.browser().get(list).await.status, 303);
    }
    app.finish().await;
}
