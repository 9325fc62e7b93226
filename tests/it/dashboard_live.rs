//! Live rows: what is new or has changed comes by itself, at a pace that can be read, and to so many pages.

use std::time::Duration;

use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use serde_json::json;

use crate::dashboard_portal::{link, visitor};
use crate::support::app::TestEngine;
use crate::support::{SOON, TestApp, both_engines};

both_engines!(
    start;
    news_come_and_are_bounded,
    streams_are_bounded_and_end_with_the_process,
    a_visitors_rows_come_until_the_link_ends,
);

async fn start(engine: TestEngine) -> TestApp {
    let change = |config: &mut angarium::config::Config| {
        config.dashboard.live_ms = Duration::from_millis(100);
        config.dashboard.streams_max = 1;
    };
    TestApp::start_with(engine, change).await
}

/// Reads a stream until what was read is what is waited for.
async fn read_until(
    stream: &mut (impl Stream<Item = reqwest::Result<Bytes>> + Unpin),
    mut is_it: impl FnMut(&str) -> bool,
) -> String {
    let mut text = String::new();
    let read = async {
        while !is_it(&text) {
            let piece = stream.next().await.expect("the stream goes on").unwrap();
            text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    };
    tokio::time::timeout(SOON, read).await.unwrap_or_else(|_| panic!("did not come: {text}"));
    text
}

async fn news_come_and_are_bounded(app: TestApp) {
    let hook = app.webhook_with("hook", json!({}), Behaviour::status(500)).await;
    let event = app.publish("order.old", json!({})).await;
    app.delivery_after(&event, 1).await;
    let browser = app.browser_of(Role::Member).await;
    let made_at = app.clock.now().after(Duration::from_millis(1)).as_millis();
    let path = format!("/ui/deliveries/live?type=order.*&after={made_at}");
    app.advance(Duration::from_secs(1));
    app.receiver.behave(&hook.path, Behaviour::default());
    // More at once than a stream shows in a second; and one that the filter leaves out.
    for n in 0..12 {
        app.publish("order.new", json!({ "n": n })).await;
    }
    app.publish("invoice.paid", json!({})).await;
    let mut stream = browser.stream(&path).await;
    let text = read_until(&mut stream, |text| text.contains("event: more") && text.contains("order.new")).await;
    assert!(text.matches("event: row").count() >= 1 && !text.contains("invoice.paid"), "{text}");
    assert!(text.contains("<tr id=\"dlv_") && !text.contains("order.old"), "{text}");
    app.finish().await;
}

async fn streams_are_bounded_and_end_with_the_process(app: TestApp) {
    let browser = app.browser_of(Role::Member).await;
    let first = browser.stream("/ui/deliveries/live").await;
    let refused = browser.get("/ui/deliveries/live").await.expect(503);
    assert!(refused.header("content-type").starts_with("text/html"));
    assert_eq!(app.browser().get("/ui/deliveries/live").await.status, 303);
    let ended = tokio::spawn(async move { first.map(|piece| piece.map_or(0, |piece| piece.len())).count().await });
    app.finish().await;
    tokio::time::timeout(SOON, ended).await.expect("the stream ends with the process").unwrap();
}

async fn a_visitors_rows_come_until_the_link_ends(app: TestApp) {
    let [hook, other] = [app.webhook("hook").await, app.webhook("other").await];
    let visitor = visitor(&app, &link(&app, &[&hook], true).await).await;
    let live = |id: &str| format!("/ui/portal/webhooks/{id}/live?after={}", app.clock.now().as_millis());
    visitor.get(&live(&other.id)).await.expect(404);
    app.browser().get(&live(&hook.id)).await.expect(401);
    let page = visitor.open(&format!("/ui/portal/webhooks/{}", hook.id)).await;
    assert!(page.text.contains(&format!("data-stream=\"/ui/portal/webhooks/{}/live\"", hook.id)), "{}", page.text);

    // A user's page takes no place of the portal's, nor the other way round.
    let _of_user = app.browser_of(Role::Member).await.stream("/ui/deliveries/live").await;
    let mut stream = visitor.stream(&live(&hook.id)).await;
    visitor.get(&live(&hook.id)).await.expect(503);
    for event_type in ["order.created", "order.paid"] {
        app.publish(event_type, json!({})).await;
    }
    let text = read_until(&mut stream, |text| text.contains("order.created") && text.contains("order.paid")).await;
    assert!(text.contains("href=\"/ui/portal/deliveries/dlv_") && !text.contains("/ui/webhooks/"), "{text}");
    let of_other = app.client.get(&format!("/api/v1/deliveries?webhookId={}", other.id)).await.expect(200).data();
    let of_other = of_other.as_array().unwrap();
    assert_eq!(of_other.len(), 2);
    assert!(of_other.iter().all(|delivery| !text.contains(delivery["id"].as_str().unwrap())));

    let links = app.client.get("/api/v1/portal-links").await.expect(200).data();
    app.client.delete(&format!("/api/v1/portal-links/{}", links[0]["id"].as_str().unwrap())).await.expect(200);
    app.publish("order.secret", json!({})).await;
    let rest = stream.map(|piece| String::from_utf8(piece.unwrap().to_vec()).unwrap()).collect::<String>();
    let rest = tokio::time::timeout(SOON, rest).await.expect("the stream ends with the link");
    assert!(!rest.contains("order.secret"), "{rest}");
    app.finish().await;
}
