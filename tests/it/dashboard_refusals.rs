//! What the front door refuses: whoever asked for a page gets one that says what to do, and programs get their JSON.

use std::time::Duration;

use angarium::domain::user::Role;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::browser::POLICY;
use crate::support::client::Reply;
use crate::support::{SOON, TestApp, both_engines};

both_engines!(
    an_address_that_asks_too_much_gets_a_page,
    a_person_who_asks_too_much_gets_a_page,
    a_page_that_takes_too_long_says_so,
    a_form_that_is_too_large_is_refused_by_a_page,
    an_unknown_method_is_refused_by_a_page,
);

/// Fails unless it is a page of ours with this heading.
#[track_caller]
fn is_page(reply: &Reply, status: u16, heading: &str) {
    assert_eq!(reply.status, status, "{}", reply.text);
    assert!(reply.header("content-type").starts_with("text/html"), "{}", reply.text);
    assert_eq!(reply.header("content-security-policy"), POLICY);
    assert!(reply.text.contains(&format!("<h1>{heading}</h1>")), "{}", reply.text);
    assert!(!reply.header("x-request-id").is_empty());
}

async fn an_address_that_asks_too_much_gets_a_page(mut app: TestApp) {
    app.config.limits.requests_per_second_per_address = 10;
    app.config.limits.unlimited_networks = Vec::new();
    app.restart().await;
    let browser = app.browser();
    let replies = futures_util::future::join_all((0..60).map(|_| browser.get("/ui/sign-in"))).await;
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
    assert!(refused.len() >= 30, "{}", refused.len());
    for reply in refused {
        is_page(reply, 429, "Too many requests");
        assert!(
            reply.text.contains("Too many requests come from this address")
                && reply.text.contains("Wait at least 1 s.")
        );
        assert_eq!(reply.header("retry-after"), "1");
    }
    app.finish().await;
}

async fn a_person_who_asks_too_much_gets_a_page(mut app: TestApp) {
    app.config.limits.session_requests_per_minute = 5;
    app.restart().await;
    let browser = app.browser_of(Role::Member).await;
    for _ in 0..5 {
        browser.open("/ui/account").await;
    }
    for path in ["/ui/account", "/ui", "/ui/nope"] {
        let refused = browser.get(path).await;
        is_page(&refused, 429, "Too many requests");
        assert!(refused.text.contains("Wait at least 1 m."), "{}", refused.text);
        assert_eq!((refused.header("retry-after"), refused.header("x-ratelimit-remaining")), ("60", "0"));
    }
    app.advance(Duration::from_mins(1));
    browser.open("/ui/account").await;
    app.finish().await;
}

async fn a_page_that_takes_too_long_says_so(mut app: TestApp) {
    app.config.api.request_timeout_ms = Duration::from_millis(300);
    app.restart().await;
    // A form whose body does not come.
    let mut stream = TcpStream::connect(app.app().api.unwrap()).await.unwrap();
    let head = "POST /ui/sign-in HTTP/1.1\r\nhost: x\r\norigin: http://x\r\nconnection: close\r\n\
        content-type: application/x-www-form-urlencoded\r\ncontent-length: 9\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    tokio::time::timeout(SOON, stream.read_to_end(&mut said)).await.expect("it answers").unwrap();
    let said = String::from_utf8_lossy(&said);
    assert!(said.starts_with("HTTP/1.1 503") && said.contains("<h1>Not available</h1>"), "{said}");
    assert!(said.contains("content-security-policy: default-src 'none'") && said.contains("retry-after: 1"), "{said}");
    assert!(said.contains("The request took too long; try again. Wait at least 1 s."), "{said}");
    app.finish().await;
}

async fn a_form_that_is_too_large_is_refused_by_a_page(mut app: TestApp) {
    app.config.dashboard.form_bytes_max = 2_000;
    app.restart().await;
    let browser = app.browser_of(Role::Owner).await;
    let name = "x".repeat(3_000);
    let refused = browser.post("/ui/preferences", &[("theme", &name)]).await;
    is_page(&refused, 413, "This is too large");
    assert!(refused.text.contains("may have 1 KiB and no more. Nothing was changed."), "{}", refused.text);
    app.finish().await;
}

async fn an_unknown_method_is_refused_by_a_page(app: TestApp) {
    for (method, path) in [("BREW", "/ui/deliveries"), ("DELETE", "/ui"), ("PUT", "/ui/nope")] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let refused = app.client.send(app.client.anonymous(method, path)).await;
        is_page(&refused, 405, "Not like this");
    }
    let elsewhere = app.client.send(app.client.anonymous(Method::DELETE, "/uix")).await.expect(404);
    assert_eq!(elsewhere.code(), "RESOURCE_NOT_FOUND");
    app.finish().await;
}
