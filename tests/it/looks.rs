//! Lists of deliveries and dead letters are looked at in pieces of a size, whatever they are asked for.

use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use serde_json::{Value, json};

use crate::support::browser::links_of;
use crate::support::client::Client;
use crate::support::{TestApp, TestEngine, both_engines, eventually};

both_engines!(
    start_narrow;
    a_page_looks_at_so_many_and_leads_on,
    a_page_says_how_far_it_has_looked,
    many_dead_letters_are_changed_wherever_they_are,
);

/// An app that looks at five rows, and counts four.
async fn start_narrow(engine: TestEngine) -> TestApp {
    TestApp::start_with(engine, |config| (config.store.looked_max, config.store.counted_max) = (5, 4)).await
}

/// Two dead letters of a type that is rare, the oldest of all, then a dozen deliveries of another.
async fn fill(app: &TestApp) {
    let fields = json!({ "events": ["rare.one"], "retryPolicy": { "maxRetries": 0 } });
    app.webhook_with("strict", fields, Behaviour::status(500)).await;
    app.webhook_with("hook", json!({ "events": ["a.b"] }), Behaviour::default()).await;
    for _ in 0..2 {
        let event = app.publish("rare.one", json!({})).await;
        app.delivery_in(&event, "dead").await;
    }
    app.advance(std::time::Duration::from_secs(1));
    for _ in 0..12 {
        app.publish("a.b", json!({})).await;
    }
    let delivered = "/api/v1/deliveries?status=delivered&eventType=a.b&limit=100";
    eventually("the others are delivered", || async {
        let found = walk(&app.client, delivered, "nextCursor").await.0;
        (found.len() == 12).then_some(())
    })
    .await;
}

/// The rows of all pages in one direction, how many pages there are, and the last one.
async fn walk(client: &Client, path: &str, to: &str) -> (Vec<Value>, usize, Value) {
    let (mut rows, mut pages, mut at) = (Vec::new(), 0, path.to_owned());
    loop {
        let page = client.get(&at).await.expect(200).json();
        rows.extend(page["data"].as_array().unwrap().clone());
        pages += 1;
        let Some(cursor) = page["pagination"][to].as_str() else { return (rows, pages, page) };
        at = format!("{path}&cursor={cursor}");
    }
}

async fn a_page_looks_at_so_many_and_leads_on(app: TestApp) {
    fill(&app).await;
    let first = app.client.get("/api/v1/deliveries?eventType=rare.one").await.expect(200).json();
    assert_eq!((&first["data"], &first["pagination"]["total"]), (&json!([]), &json!(0)));
    // 14 deliveries, five at a time.
    let rare = "/api/v1/deliveries?eventType=rare.one&limit=1";
    let (found, pages, _) = walk(&app.client, rare, "nextCursor").await;
    assert_eq!((found.len(), pages), (2, 4), "{found:?}");
    // And back again, from the oldest on.
    let nothing_older = format!("{rare}&cursor={}", cursor_before(&found[1]));
    let last = app.client.get(&nothing_older).await.expect(200).json();
    let back = format!("{rare}&cursor={}", last["pagination"]["prevCursor"].as_str().unwrap());
    let back = app.client.get(&back).await.expect(200).json();
    assert_eq!(back["data"][0]["id"], found[1]["id"], "{back}");
    // What an index knows is found at once, however old it is.
    for known in ["status=dead", "status=dead&eventType=rare.one", "status=pending"] {
        let page = app.client.get(&format!("/api/v1/deliveries?{known}")).await.expect(200).json();
        let expected = if known.contains("dead") { 2 } else { 0 };
        assert_eq!(page["data"].as_array().unwrap().len(), expected, "{known}");
        assert_eq!(page["pagination"]["nextCursor"], Value::Null, "{known}");
    }
    // All are there, and some are counted.
    let all = app.client.get("/api/v1/deliveries?limit=3").await.expect(200).json();
    assert_eq!(all["pagination"]["total"], 4);
    assert_eq!(walk(&app.client, "/api/v1/deliveries?limit=3", "nextCursor").await.0.len(), 14);
    app.finish().await;
}

/// A cursor to what is older than a delivery: its id, as cursors have it.
fn cursor_before(delivery: &Value) -> String {
    use base64::Engine as _;
    let id: angarium::domain::id::DeliveryId = delivery["id"].as_str().unwrap().parse().unwrap();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id.0.as_bytes())
}

async fn a_page_says_how_far_it_has_looked(app: TestApp) {
    fill(&app).await;
    let browser = app.browser_of(Role::Owner).await;
    let mut page = browser.open("/ui/deliveries?range=all&type=rare.one").await;
    let mut pages = 1;
    while !page.text.contains("/ui/deliveries/dlv_") {
        assert!(
            page.text.contains("has looked at 5 deliveries") && page.text.contains("None of those"),
            "{}",
            page.text
        );
        let older = links_of(&page).into_iter().find(|link| link.contains("cursor=")).expect("a way on");
        page = browser.open(&older).await;
        pages += 1;
    }
    assert_eq!(pages, 3);
    let csv = browser.get("/ui/deliveries/export/deliveries.csv?range=all&type=rare.one").await.expect(200);
    assert_eq!(csv.text.lines().count(), 3, "{}", csv.text);
    app.finish().await;
}

async fn many_dead_letters_are_changed_wherever_they_are(app: TestApp) {
    let fields = |of: &str| json!({ "events": [of], "retryPolicy": { "maxRetries": 0 } });
    app.webhook_with("rare", fields("rare.one"), Behaviour::status(500)).await;
    app.webhook_with("other", fields("a.b"), Behaviour::status(500)).await;
    for event_type in ["rare.one", "a.b", "a.b", "a.b", "a.b", "a.b", "a.b", "rare.one"] {
        let event = app.publish(event_type, json!({})).await;
        app.delivery_in(&event, "dead").await;
        app.advance(std::time::Duration::from_millis(2));
    }
    let first = app.client.get("/api/v1/dead-letters?eventType=rare.one").await.expect(200).json();
    assert_eq!((first["data"].as_array().unwrap().len(), first["pagination"]["total"].as_u64()), (1, Some(1)));
    assert_eq!(walk(&app.client, "/api/v1/dead-letters?eventType=rare.one", "nextCursor").await.0.len(), 2);
    let letters = json!({ "eventType": "rare.one", "max": 1 });
    let discard = json!({ "letters": letters, "reason": "they are not wanted" });
    let some = app.client.post("/api/v1/dead-letters/discard", &discard).await.expect(200).data();
    assert_eq!((&some["discarded"], &some["hasMore"]), (&json!(1), &json!(true)), "{some}");
    let rest = app.client.post("/api/v1/dead-letters/discard", &discard).await.expect(200).data();
    assert_eq!((&rest["discarded"], &rest["hasMore"]), (&json!(1), &json!(false)), "{rest}");
    app.finish().await;
}
