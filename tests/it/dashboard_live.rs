//! Live rows: what is new or has changed comes by itself, at a pace that can be read, and to so many pages.

use std::time::Duration;

use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use futures_util::StreamExt as _;
use serde_json::json;

use crate::support::app::TestEngine;
use crate::support::browser::Browser;
use crate::support::{SOON, TestApp, both_engines};

both_engines!(start; news_come_and_are_bounded, streams_are_bounded_and_end_with_the_process);

async fn start(engine: TestEngine) -> TestApp {
    let change = |config: &mut angarium::config::Config| {
        config.dashboard.live_ms = Duration::from_millis(100);
        config.dashboard.streams_max = 1;
    };
    TestApp::start_with(engine, change).await
}

/// Reads a stream until what was read is what is waited for.
async fn read_until(browser: &Browser, path: &str, mut is_it: impl FnMut(&str) -> bool) -> String {
    let mut stream = browser.stream(path).await;
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
    let text = read_until(&browser, &path, |text| text.contains("event: more") && text.contains("order.new")).await;
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
