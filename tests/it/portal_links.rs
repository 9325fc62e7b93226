//! Portal links over the API: listed with where they stand, and revoked with the visit that they became.

use std::time::Duration;

use angarium::domain::tenant::Environment;
use angarium::domain::user::Role;
use serde_json::{Value, json};

use crate::dashboard_portal::{link, press_open, visitor};
use crate::support::client::Client;
use crate::support::{TestApp, both_engines, time};

both_engines!(
    links_are_listed_with_where_they_stand,
    a_revoked_link_and_its_open_visit_are_refused,
    nobody_else_sees_or_revokes_a_link
);

async fn listed(client: &Client) -> Vec<Value> {
    let body = client.get("/api/v1/portal-links").await.expect(200).json();
    let rows = body["data"].as_array().unwrap().clone();
    assert_eq!(body["pagination"]["total"], rows.len());
    rows
}

async fn links_are_listed_with_where_they_stand(app: TestApp) {
    let hook = app.webhook("hook").await;
    let mut paths = Vec::new();
    for _ in 0..3 {
        paths.push(link(&app, &[&hook], false).await);
        app.advance(Duration::from_secs(1));
    }
    visitor(&app, &paths[0]).await;
    let rows = listed(&app.client).await;
    let standing = |rows: &[Value]| rows.iter().map(|row| row["status"].clone()).collect::<Vec<_>>();
    assert_eq!(standing(&rows), ["waiting", "waiting", "open"]);
    let (waiting, open) = (&rows[0], &rows[2]);
    assert_eq!((&open["name"], &open["webhookIds"]), (&json!("Customer <b>1</b>"), &json!([hook.id])));
    assert_eq!((&open["readOnly"], &open["madeBy"]["kind"]), (&json!(false), &json!("key")));
    assert_eq!((time(&open["openedAt"]), &open["revokedAt"]), (app.clock.now(), &Value::Null));
    assert_eq!(time(&open["visitEndsAt"]), app.clock.now().after(Duration::from_hours(8)));
    assert_eq!((&waiting["openedAt"], &waiting["visitEndsAt"]), (&Value::Null, &Value::Null));
    // Neither the link nor a token is in the list.
    assert!(rows.iter().all(|row| row.get("url").is_none() && !row.to_string().contains("ptk_")));
    app.advance(Duration::from_mins(10));
    assert_eq!(standing(&listed(&app.client).await), ["ended", "ended", "open"]);
    let refused = app.client.get("/api/v1/portal-links?status=open").await.expect(422);
    assert_eq!(refused.json()["error"]["details"]["errors"][0]["path"], json!(["status"]));
    app.finish().await;
}

async fn a_revoked_link_and_its_open_visit_are_refused(app: TestApp) {
    let hook = app.webhook("hook").await;
    let (first, second) = (link(&app, &[&hook], true).await, link(&app, &[&hook], true).await);
    let visiting = visitor(&app, &first).await;
    visiting.open("/ui/portal").await;
    for row in listed(&app.client).await {
        let path = format!("/api/v1/portal-links/{}", row["id"].as_str().unwrap());
        assert_eq!(app.client.delete(&path).await.expect(200).data()["id"], row["id"]);
        assert_eq!(app.client.delete(&path).await.expect(404).code(), "RESOURCE_NOT_FOUND");
    }
    let over = visiting.get("/ui/portal").await.expect(401);
    assert!(over.text.contains("This link is over") && !over.text.contains(&hook.id), "{}", over.text);
    visiting.get(&format!("/ui/portal/webhooks/{}", hook.id)).await.expect(401);
    let unopened = press_open(&app.browser(), &second).await.expect(401);
    assert!(unopened.text.contains("This link is over"), "{}", unopened.text);
    for row in listed(&app.client).await {
        assert_eq!((&row["status"], time(&row["revokedAt"])), (&json!("ended"), app.clock.now()));
    }
    let owner = app.signed_in(Role::Owner).await;
    let log = owner.get("/api/tenant/audit-log?action=portal_link.revoke").await.expect(200).json();
    assert_eq!(log["pagination"]["total"], 2, "a second time is no change: {log}");
    assert_eq!((&log["data"][0]["actor"]["kind"], &log["data"][0]["environment"]), (&json!("key"), &json!("staging")));
    app.finish().await;
}

async fn nobody_else_sees_or_revokes_a_link(app: TestApp) {
    let hook = app.webhook("hook").await;
    let path = link(&app, &[&hook], true).await;
    let id = listed(&app.client).await[0]["id"].as_str().unwrap().to_owned();
    let strangers =
        [app.client_of("stranger", Environment::Staging).await, app.client_of("acme", Environment::Production).await];
    for stranger in strangers {
        assert_eq!(listed(&stranger).await, [] as [Value; 0]);
        stranger.delete(&format!("/api/v1/portal-links/{id}")).await.expect(404);
    }
    for permissions in [&["read:webhooks", "read:deliveries"][..], &["write:deliveries"]] {
        let key = app.client_with(permissions).await;
        for reply in [key.get("/api/v1/portal-links").await, key.delete(&format!("/api/v1/portal-links/{id}")).await] {
            assert!(reply.expect(403).text.contains("write:webhooks"));
        }
    }
    for wrong in ["x", "ptl_", &format!("ptl_{}", "0".repeat(26)), &hook.id] {
        app.client.delete(&format!("/api/v1/portal-links/{wrong}")).await.expect(404);
    }
    visitor(&app, &path).await.open("/ui/portal").await;
    app.finish().await;
}
