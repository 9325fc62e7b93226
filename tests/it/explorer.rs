//! The documents and their explorer, as browsers and tools get them.

use angarium::domain::tenant::Environment;
use reqwest::Method;

use crate::support::{Reply, TestApp, both_engines};

both_engines!(
    the_explorer_needs_no_other_host,
    documents_are_sent_again_only_when_they_have_changed,
    production_shows_them_only_to_who_is_signed_in,
);

const GUARDED: [&str; 9] = [
    "/docs",
    "/docs/",
    "/api-docs",
    "/api-docs/",
    "/docs/openapi.json",
    "/api-docs/spec.json",
    "/docs/openapi-3.0.json",
    "/docs/postman.json",
    "/postman/collection.json",
];

async fn open(app: &TestApp, path: &str) -> Reply {
    app.client.send(app.client.anonymous(Method::GET, path)).await
}

async fn the_explorer_needs_no_other_host(app: TestApp) {
    for path in GUARDED {
        open(&app, path).await.expect(200);
    }
    let page = open(&app, "/docs").await.expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self';"));
    let links = page.text.split(['"', '\'']).filter(|text| text.starts_with('/') || text.contains("://"));
    for link in links {
        let reply = open(&app, link).await.expect(200);
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
    assert_eq!(open(&app, "/docs/openapi.json").await.text, open(&app, "/api-docs/spec.json").await.text);
    assert_eq!(open(&app, "/docs/openapi-3.0.json").await.json()["openapi"], "3.0.3");
    assert_eq!(open(&app, "/postman/collection.json").await.json()["info"]["name"], "Angarium");
    open(&app, "/docs/assets/nothing.js").await.expect(404);
    app.finish().await;
}

async fn documents_are_sent_again_only_when_they_have_changed(app: TestApp) {
    let first = open(&app, "/docs/openapi.json").await.expect(200);
    assert_eq!(first.header("cache-control"), "private, no-cache");
    let request = |name: &'static str, value: &str| {
        app.client.anonymous(Method::GET, "/docs/openapi.json").header(name, value.to_owned())
    };
    let again = app.client.send(request("if-none-match", first.header("etag"))).await.expect(304);
    assert!(again.text.is_empty());
    app.client.send(request("if-none-match", "\"other\"")).await.expect(200);
    let packed = request("accept-encoding", "br, gzip;q=0.5").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let packed = packed.bytes().await.unwrap();
    assert!(packed.starts_with(&[0x1f, 0x8b]) && packed.len() < first.text.len() / 4, "{}", packed.len());
    let plain = request("accept-encoding", "gzip;q=0").send().await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"));
    app.finish().await;
}

async fn production_shows_them_only_to_who_is_signed_in(mut app: TestApp) {
    app.config.deployment.environment = Environment::Production;
    app.restart().await;
    for path in GUARDED {
        let reply = open(&app, path).await.expect(401);
        assert_eq!(reply.code(), "AUTH_REQUIRED");
        assert!(reply.json()["error"]["details"]["hint"].as_str().unwrap().contains("/api/auth/login"));
    }
    let by_key = app.client_of("acme", Environment::Production).await;
    by_key.get("/docs").await.expect(401);
    open(&app, "/docs/errors").await.expect(200);
    app.finish().await;
}
