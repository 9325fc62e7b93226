//! Lists: one form and one set of bounds for all of them, and cursors that lead on and back.

use std::time::Duration;

use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::core::made;
use crate::support::document::{Operation, operations};
use crate::support::{TestApp, both_engines, eventually};

both_engines!(
    every_list_has_its_form_and_its_bounds,
    a_list_is_walked_on_and_back,
    replays_and_the_audit_log_are_walked_too,
    what_comes_meanwhile_shifts_nothing
);

/// Lists whose rows stand in `data` under a name, with the totals beside them.
const NAMED: [(&str, &str); 3] = [("listWebhooks", "webhooks"), ("listApiKeys", "keys"), ("listWebhookLogs", "logs")];

/// The path of a list, with the id of something that is there.
async fn path_of(app: &TestApp, list: &Operation) -> String {
    let Some((collection, _)) = list.path.split_once("/{") else { return list.path.clone() };
    let (path, body) = match collection {
        "/api/v1/webhooks" => (collection, json!({ "name": "w", "url": app.receiver.url("/w"), "events": ["a.b"] })),
        _ => (collection, json!({})),
    };
    // What is done later is only accepted.
    let status = if collection == "/api/v1/replays" { 202 } else { 201 };
    let made = app.client.post(path, &body).await.expect(status).data();
    list.path_with(made["id"].as_str().unwrap())
}

/// The rows of a list and how long it is.
#[track_caller]
fn rows_and_totals(list: &Operation, body: &Value) -> (Vec<Value>, Value) {
    assert_eq!(body["success"], true, "{}", list.id);
    let name = NAMED.into_iter().find(|(id, _)| *id == list.id).map(|(_, name)| name);
    let (rows, totals) = match name {
        Some(name) => (&body["data"][name], &body["data"]),
        None => (&body["data"], &body["pagination"]),
    };
    let rows = rows.as_array().unwrap_or_else(|| panic!("{}: {body}", list.id));
    for field in ["total", "page", "limit", "totalPages"] {
        assert!(totals[field].is_u64(), "{}: {field} in {totals}", list.id);
    }
    (rows.clone(), totals.clone())
}

async fn refused(client: &Client, path: &str, field: &str) -> String {
    let reply = client.get(path).await.expect(422);
    let errors = reply.json()["error"]["details"]["errors"].clone();
    assert_eq!(errors[0]["path"], json!([field]), "{path}: {errors}");
    errors[0]["message"].as_str().unwrap().to_owned()
}

async fn every_list_has_its_form_and_its_bounds(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let is_list = |operation: &Operation| operation.method == Method::GET && operation.query().contains(&"limit");
    let lists: Vec<_> = operations().into_iter().filter(is_list).collect();
    assert!(lists.len() >= 14, "{}", lists.len());
    for list in lists {
        let path = path_of(&app, &list).await;
        let first = owner.get(&path).await.expect(200).json();
        let (_, totals) = rows_and_totals(&list, &first);
        let expected = if list.id == "listConversations" { 50 } else { 20 };
        assert_eq!((&totals["page"], &totals["limit"]), (&json!(1), &json!(expected)), "{}", list.id);
        owner.get(&format!("{path}?limit=100")).await.expect(200);
        for bad in ["page=0", "page=-1", "page=x", "limit=0", "limit=101", "limit=x"] {
            refused(&owner, &format!("{path}?{bad}"), bad.split('=').next().unwrap()).await;
        }
        let past = owner.get(&format!("{path}?page=99&limit=100")).await.expect(200).json();
        let (rows, at) = rows_and_totals(&list, &past);
        assert_eq!((rows.len(), &at["page"], &at["total"]), (0, &json!(99), &totals["total"]), "{}", list.id);
        if list.query().contains(&"cursor") {
            for cursor in ["nextCursor", "prevCursor"] {
                assert!(totals.as_object().unwrap().contains_key(cursor), "{}: {totals}", list.id);
            }
            owner.get(&format!("{path}?page=100&limit=100")).await.expect(200);
            let told = refused(&owner, &format!("{path}?page=101&limit=100"), "page").await;
            assert!(told.contains("10000") && told.contains("`nextCursor`"), "{}: {told}", list.id);
            for bad in ["cursor=x", "cursor=", "cursor=AA&page=1"] {
                refused(&owner, &format!("{path}?{bad}"), "cursor").await;
            }
        } else {
            assert_eq!(totals.get("nextCursor"), None, "{} has no cursors and shows one", list.id);
        }
    }
    app.finish().await;
}

/// One page: its ids, and the cursors around it.
async fn page(client: &Client, path: &str) -> (Vec<String>, Option<String>, Option<String>) {
    let body = client.get(path).await.expect(200).json();
    let (rows, totals) = match body["data"].get("logs") {
        Some(rows) => (rows.clone(), body["data"].clone()),
        None => (body["data"].clone(), body["pagination"].clone()),
    };
    let id = |row: &Value| row.get("id").unwrap_or(&row["deliveryId"]).as_str().unwrap().to_owned();
    let ids = rows.as_array().unwrap().iter().map(id).collect();
    let cursor = |name: &str| totals[name].as_str().map(str::to_owned);
    (ids, cursor("nextCursor"), cursor("prevCursor"))
}

/// Walks a list of seven to its end and back, three rows at a time.
async fn walk(client: &Client, list: &str) {
    let path = format!("{list}{}limit=3", if list.contains('?') { '&' } else { '?' });
    let (all, next, prev) = page(client, &path.replace("limit=3", "limit=100")).await;
    assert_eq!((all.len(), next, prev), (7, None, None), "{list}");
    assert!(all.is_sorted_by(|a, b| a > b), "{list}: newest first");
    let mut pages = Vec::new();
    let (ids, mut next, prev) = page(client, &path).await;
    assert_eq!(prev, None, "{list}");
    pages.push(ids);
    let mut back = None;
    while let Some(cursor) = next {
        let (ids, on, prev) = page(client, &format!("{path}&cursor={cursor}")).await;
        pages.push(ids);
        (next, back) = (on, prev);
    }
    assert_eq!(pages.concat(), all, "{list}");
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1], "{list}");
    for expected in pages.iter().rev().skip(1) {
        let (ids, on, prev) = page(client, &format!("{path}&cursor={}", back.expect("there is a way back"))).await;
        assert_eq!(&ids, expected, "{list}");
        assert!(on.is_some(), "{list}: there is a way on");
        back = prev;
    }
    assert_eq!(back, None, "{list}");
    // A page by its number leads both ways too.
    let (ids, on, prev) = page(client, &format!("{path}&page=2")).await;
    assert_eq!(
        (&ids, page(client, &format!("{path}&cursor={}", prev.unwrap())).await.0),
        (&pages[1], pages[0].clone())
    );
    assert_eq!(page(client, &format!("{path}&cursor={}", on.unwrap())).await.0, pages[2], "{list}");
}

async fn a_list_is_walked_on_and_back(app: TestApp) {
    let fields = json!({ "events": ["a.b"], "retryPolicy": { "maxRetries": 0 } });
    let webhook = app.webhook_with("fails", fields, Behaviour::status(500)).await;
    let conversation = made(&app, "conversations", json!({})).await;
    let messages = format!("/api/v1/conversations/{}/messages", conversation["id"].as_str().unwrap());
    for n in 0..7 {
        let event = json!({ "type": "a.b", "data": { "n": n }, "channels": ["other", "project-1"] });
        app.client.post("/api/v1/events", &event).await.expect(202);
        let customer = json!({ "email": format!("a{n}@mail.example"), "company": "Analytical", "tier": "gold" });
        made(&app, "customers", customer).await;
        let link = json!({ "name": format!("customer {n}"), "webhookIds": [webhook.id] });
        app.client.post("/api/v1/portal-links", &link).await.expect(201);
        app.client.post(&messages, &json!({ "direction": "sent", "text": "hello" })).await.expect(201);
    }
    eventually("all are dead", || async {
        let (dead, ..) = page(&app.client, "/api/v1/dead-letters?limit=100").await;
        (dead.len() == 7).then_some(())
    })
    .await;
    for list in [
        "/api/v1/customers",
        "/api/v1/customers?tier=gold",
        "/api/v1/customers?search=analy",
        &messages,
        "/api/v1/events?type=a.b",
        "/api/v1/events?channel=project-1&createdAfter=2026-01-01T00:00:00Z&createdBefore=2027-01-01T00:00:00Z",
        "/api/v1/deliveries",
        "/api/v1/deliveries?status=dead&createdAfter=2026-01-01T00:00:00Z&createdBefore=2027-01-01T00:00:00Z",
        &format!("/api/v1/deliveries?webhookId={}", webhook.id),
        &format!("/api/v1/webhooks/{}/logs", webhook.id),
        "/api/v1/portal-links",
        "/api/v1/dead-letters",
        &format!("/api/v1/dead-letters?webhookId={}", webhook.id),
    ] {
        walk(&app.client, list).await;
    }
    app.finish().await;
}

async fn replays_and_the_audit_log_are_walked_too(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let fields = json!({ "events": ["a.b"], "retryPolicy": { "maxRetries": 0 } });
    app.webhook_with("refuses", fields, Behaviour::status(400)).await;
    let batch = json!({ "events": vec![json!({ "type": "a.b", "data": {} }); 7] });
    app.client.post("/api/v1/events/batch", &batch).await.expect(202);
    app.while_time_passes(eventually("all are dead", || async {
        (page(&app.client, "/api/v1/dead-letters?limit=100").await.0.len() == 7).then_some(())
    }))
    .await;
    let mut replay = String::new();
    for _ in 0..7 {
        replay = app.client.post("/api/v1/replays", &json!({})).await.expect(202).data()["id"].as_str().unwrap().into();
        // Few may be under way at once.
        app.while_time_passes(eventually("the replay is done", || async {
            let seen = app.client.get(&format!("/api/v1/replays/{replay}")).await.expect(200).data();
            (seen["state"] == "done").then_some(())
        }))
        .await;
    }
    walk(&app.client, "/api/v1/replays").await;
    walk(&app.client, "/api/v1/replays?state=done").await;
    walk(&app.client, &format!("/api/v1/replays/{replay}/failures")).await;
    walk(&owner, "/api/tenant/audit-log?action=replay.start").await;
    app.finish().await;
}

async fn what_comes_meanwhile_shifts_nothing(app: TestApp) {
    let customer = async |n: u32| {
        app.advance(Duration::from_secs(1));
        let body = json!({ "email": format!("a{n}@mail.example") });
        made(&app, "customers", body).await["id"].as_str().unwrap().to_owned()
    };
    let mut old = Vec::new();
    for n in 0..4 {
        old.insert(0, customer(n).await);
    }
    let (first, next, _) = page(&app.client, "/api/v1/customers?limit=2").await;
    let newest = customer(4).await;
    let (second, on, prev) = page(&app.client, &format!("/api/v1/customers?limit=2&cursor={}", next.unwrap())).await;
    assert_eq!(([first.clone(), second].concat(), on), (old, None));
    let (again, _, prev) = page(&app.client, &format!("/api/v1/customers?limit=2&cursor={}", prev.unwrap())).await;
    assert_eq!(again, first);
    let (top, next, prev) = page(&app.client, &format!("/api/v1/customers?limit=2&cursor={}", prev.unwrap())).await;
    assert_eq!((top, prev), (vec![newest.clone()], None));
    // Nothing is newer than the newest; from there the way leads on as it came.
    let (rest, ..) = page(&app.client, &format!("/api/v1/customers?limit=2&cursor={}", next.unwrap())).await;
    assert_eq!(rest, first);
    app.finish().await;
}
