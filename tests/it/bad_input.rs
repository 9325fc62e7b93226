//! Bad input: whatever is wrong with a request, the answer says what, in one body, and nothing has happened.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Client, JsonBody as _};
use crate::support::{Reply, TestApp, both_engines};

both_engines!(
    what_is_not_json_is_malformed,
    wrong_fields_are_named_all_at_once,
    large_bodies_are_refused,
    other_media_types_are_refused,
    unknown_routes_and_methods_are_told_apart,
    urls_that_lead_nowhere_are_refused,
    headers_are_judged,
    lists_have_bounds,
    problem_json_is_given_to_those_who_ask,
);

/// Fails unless the answer is the contract's error body with this code; gives its `error`.
#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) -> Value {
    assert_eq!(reply.status, status, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/json");
    let body = reply.json();
    assert_eq!(body["success"], false, "{body}");
    let error = body["error"].clone();
    assert_eq!(error["code"], code, "{body}");
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
    assert_eq!(error["timestamp"], "2026-11-21T12:00:00.000Z");
    let id = error["requestId"].as_str().unwrap_or_default();
    assert!(!id.is_empty() && id == reply.header("x-request-id"), "{body}");
    error
}

/// Fails unless the answer is a validation error; gives the paths that it names.
#[track_caller]
fn paths(reply: &Reply) -> Vec<Value> {
    let error = refused(reply, 422, "VALIDATION_ERROR");
    let errors = error["details"]["errors"].as_array().expect("the errors are listed");
    for error in errors {
        assert!(error["message"].is_string() && error["code"].is_string(), "{error}");
    }
    errors.iter().map(|error| error["path"].clone()).collect()
}

async fn post_text(client: &Client, path: &str, body: impl Into<reqwest::Body>) -> Reply {
    let request = client.request(Method::POST, path).header("content-type", "application/json");
    client.send(request.body(body)).await
}

async fn what_is_not_json_is_malformed(app: TestApp) {
    let texts: [&[u8]; 5] = [b"", b"{", b"nul", b"[{]", b"{\"\xff\":1}"];
    for path in ["/api/v1/events", "/api/v1/events/batch", "/api/v1/webhooks"] {
        for text in texts {
            refused(&post_text(&app.client, path, text.to_vec()).await, 400, "REQUEST_MALFORMED");
        }
        refused(&post_text(&app.client, path, "[".repeat(100_000)).await, 400, "REQUEST_MALFORMED");
    }
    let deep = format!("{{\"type\":\"a.b\",\"data\":{{\"a\":{}}}}}", "[".repeat(100_000));
    for event in [
        deep.as_str(),
        r#"{"type":"a.b","data":{}} x"#,
        r#"{"type":"a.b","data":{"a":01}}"#,
        r#"{"type":"a.b","data":{"a":"\u12"}}"#,
    ] {
        refused(&post_text(&app.client, "/api/v1/events", event.to_owned()).await, 400, "REQUEST_MALFORMED");
    }
    app.finish().await;
}

async fn wrong_fields_are_named_all_at_once(app: TestApp) {
    let url = app.receiver.url("/in");
    let with = |field: &str, value: Value| {
        let mut body = json!({ "name": "n", "url": url, "events": ["*"] });
        body[field] = value;
        body
    };
    let webhooks = [
        (json!({}), vec![json!(["name"]), json!(["url"]), json!(["events"])]),
        (json!([]), vec![json!([])]),
        (json!({ "name": "", "url": "x", "events": [] }), vec![json!(["name"]), json!(["url"]), json!(["events"])]),
        (with("nmae", json!("x")), vec![json!(["nmae"])]),
        (with("name", json!(5)), vec![json!(["name"])]),
        (with("name", json!("x".repeat(101))), vec![json!(["name"])]),
        (with("name", json!("a\u{0}b")), vec![json!(["name"])]),
        (with("name", Value::Null), vec![json!(["name"])]),
        (with("events", json!("*")), vec![json!(["events"])]),
        (with("events", json!(["ok", "A B", "a.*.b"])), vec![json!(["events", 1]), json!(["events", 2])]),
        (with("events", json!([7])), vec![json!(["events", 0])]),
        (with("headers", json!({ "Host": "x" })), vec![json!(["headers", "Host"])]),
        (with("headers", json!({ "webhook-signature": "x" })), vec![json!(["headers", "webhook-signature"])]),
        (with("headers", json!({ "x-a": "a\r\nb: c" })), vec![json!(["headers", "x-a"])]),
        (with("headers", json!({ "x a": "b" })), vec![json!(["headers", "x a"])]),
        (with("headers", json!({ "x-a": 5 })), vec![json!(["headers", "x-a"])]),
        (with("timeoutMs", json!(999)), vec![json!(["timeoutMs"])]),
        (with("timeoutMs", json!(30_001)), vec![json!(["timeoutMs"])]),
        (with("timeoutMs", json!(-1)), vec![json!(["timeoutMs"])]),
        (with("retryPolicy", json!({ "schedule": [5, -1] })), vec![json!(["retryPolicy", "schedule", 1])]),
        (with("retryPolicy", json!({ "maxRetries": 11 })), vec![json!(["retryPolicy", "maxRetries"])]),
        (with("profile", json!("nobody")), vec![json!(["profile"])]),
        (with("description", json!("d".repeat(501))), vec![json!(["description"])]),
        (with("metadata", json!([1])), vec![json!(["metadata"])]),
        (with("metadata", json!({ "m": "x".repeat(9000) })), vec![json!(["metadata"])]),
        (with("secret", json!("short")), vec![json!(["secret"])]),
    ];
    for (body, expected) in webhooks {
        assert_eq!(paths(&app.client.post("/api/v1/webhooks", &body).await), expected, "{body}");
    }
    assert_eq!(app.client.get("/api/v1/webhooks").await.data()["total"], 0);

    let events = [
        (json!({}), vec![json!(["type"]), json!(["data"])]),
        (
            json!({ "type": "A", "data": [], "id": "x", "occurredAt": "now" }),
            vec![json!(["type"]), json!(["data"]), json!(["id"]), json!(["occurredAt"])],
        ),
        (json!({ "type": "x".repeat(129), "data": {} }), vec![json!(["type"])]),
        (json!({ "type": "a", "data": {}, "idempotencyKey": "a b" }), vec![json!(["idempotencyKey"])]),
        (json!({ "type": "a", "data": {}, "tenant": "x" }), vec![json!(["tenant"])]),
    ];
    for (body, expected) in events {
        assert_eq!(paths(&app.client.post("/api/v1/events", &body).await), expected, "{body}");
    }
    for body in [json!({ "events": [] }), json!({ "events": vec![json!({}); 1001] })] {
        assert_eq!(paths(&app.client.post("/api/v1/events/batch", &body).await), [json!(["events"])]);
    }
    app.finish().await;
}

async fn large_bodies_are_refused(mut app: TestApp) {
    app.config.api.body_bytes_max = 4096;
    app.config.api.event_data_bytes_max = 1024;
    app.restart().await;
    let event = |bytes: usize| json!({ "type": "a.b", "data": { "x": "y".repeat(bytes) } });
    refused(&app.client.post("/api/v1/events", &event(5000)).await, 413, "PAYLOAD_TOO_LARGE");
    refused(&app.client.post("/api/v1/events", &event(2000)).await, 413, "PAYLOAD_TOO_LARGE");
    // Without a length, the limit is found while reading.
    let pieces = futures_util::stream::iter((0..8).map(|_| Ok::<_, std::io::Error>("x".repeat(1024))));
    let reply = post_text(&app.client, "/api/v1/webhooks", reqwest::Body::wrap_stream(pieces)).await;
    refused(&reply, 413, "PAYLOAD_TOO_LARGE");
    // In a batch, the large one fails alone.
    let batch = json!({ "events": [event(1), event(2000), event(2)] });
    let data = app.client.post("/api/v1/events/batch", &batch).await.expect(202).data();
    assert_eq!((&data["accepted"], &data["failed"]), (&json!(2), &json!(1)));
    assert_eq!(data["results"][1]["error"]["code"], "PAYLOAD_TOO_LARGE");
    app.client.post("/api/v1/events", &event(1000)).await.expect(202);
    app.finish().await;
}

async fn other_media_types_are_refused(app: TestApp) {
    let body = json!({ "type": "a.b", "data": {} }).to_string();
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", ""] {
        let request = app.client.request(Method::POST, "/api/v1/events").header("content-type", media_type);
        refused(&app.client.send(request.body(body.clone())).await, 415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let request = app.client.request(Method::POST, "/api/v1/events").body(body);
    refused(&app.client.send(request).await, 415, "UNSUPPORTED_MEDIA_TYPE");
    app.finish().await;
}

async fn unknown_routes_and_methods_are_told_apart(app: TestApp) {
    for path in ["/", "/api/v1", "/api/v2/events", "/api/v1/event", "/api/v1/events/", "/api/v1//events", "/..%2fetc"] {
        refused(&app.client.get(path).await, 404, "RESOURCE_NOT_FOUND");
    }
    for (method, path) in [
        (Method::PUT, "/api/v1/events"),
        (Method::GET, "/api/v1/events/batch"),
        (Method::DELETE, "/api/v1/webhooks"),
        (Method::POST, "/api/v1/deliveries"),
        (Method::GET, "/api/v1/dead-letters/redrive"),
        (Method::POST, "/api/v1/health"),
    ] {
        let reply = app.client.send(app.client.request(method, path)).await;
        refused(&reply, 405, "METHOD_NOT_ALLOWED");
    }
    app.finish().await;
}

async fn urls_that_lead_nowhere_are_refused(app: TestApp) {
    let long = format!("https://example.com/{}", "x".repeat(2048));
    let urls = [
        "",
        "example.com/in",
        "/in",
        "https://",
        "https:///in",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://user:password@example.com/",
        "https://example.com/#fragment",
        "https://exa mple.com/",
        "https://example.com/\r\nx: y",
        "https://example.com\\@127.0.0.1/",
        "https://example.com:22/",
        "https://example.com:5432/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://localhost/",
        "https://intranet/",
        "https://db.internal/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        &long,
    ];
    let webhook = app.webhook("good").await;
    for url in urls {
        let body = json!({ "name": "n", "url": url, "events": ["*"] });
        assert_eq!(paths(&app.client.post("/api/v1/webhooks", &body).await), [json!(["url"])], "{url}");
        let path = format!("/api/v1/webhooks/{}", webhook.id);
        assert_eq!(paths(&app.client.patch(&path, &json!({ "url": url })).await), [json!(["url"])], "{url}");
    }
    let kept = app.client.get("/api/v1/webhooks").await.data();
    assert_eq!((&kept["total"], &kept["webhooks"][0]["url"]), (&json!(1), &json!(app.receiver.url("/good"))));
    app.finish().await;
}

async fn headers_are_judged(app: TestApp) {
    let event = json!({ "type": "a.b", "data": {} });
    let post = |name: &'static str, value: String| {
        let request = app.client.request(Method::POST, "/api/v1/events").header(name, value).json_body(&event);
        app.client.send(request)
    };
    for key in [String::new(), "a b".to_owned(), "k".repeat(256)] {
        assert_eq!(paths(&post("idempotency-key", key).await), [json!(["Idempotency-Key"])]);
    }
    assert_eq!(post("x-request-id", "mine-1".to_owned()).await.expect(202).header("x-request-id"), "mine-1");
    for strange in ["a b", "<script>", &"x".repeat(129)] {
        let reply = post("x-request-id", strange.to_owned()).await.expect(202);
        assert!(reply.header("x-request-id").starts_with("req_"), "{:?}", reply.headers);
    }
    let webhook = app.webhook("hook").await;
    let path = format!("/api/v1/webhooks/{}", webhook.id);
    for tag in ["\"0\"", "nonsense", "W/\"1\""] {
        let request =
            app.client.request(Method::PATCH, &path).header("if-match", tag).json_body(&json!({ "name": "b" }));
        refused(&app.client.send(request).await, 412, "PRECONDITION_FAILED");
    }
    assert_eq!(app.client.get(&path).await.data()["name"], "hook");
    app.finish().await;
}

async fn lists_have_bounds(app: TestApp) {
    let shallow = ["/api/v1/webhooks"];
    let deep = ["/api/v1/deliveries", "/api/v1/dead-letters"];
    for list in shallow.iter().chain(&deep) {
        for (query, at) in [
            ("page=0", "page"),
            ("page=-1", "page"),
            ("page=1.5", "page"),
            ("page=99999999999", "page"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=", "limit"),
            ("page=1&page=2", "page"),
            ("offset=5", "offset"),
        ] {
            assert_eq!(paths(&app.client.get(&format!("{list}?{query}")).await), [json!([at])], "{list}?{query}");
        }
        let both = app.client.get(&format!("{list}?page=0&limit=0")).await;
        assert_eq!(paths(&both), [json!(["page"]), json!(["limit"])]);
        app.client.get(&format!("{list}?page=90&limit=100")).await.expect(200);
    }
    for list in deep {
        for (query, at) in [("cursor=x", "cursor"), ("cursor=", "cursor"), ("page=101&limit=100", "page")] {
            assert_eq!(paths(&app.client.get(&format!("{list}?{query}")).await), [json!([at])], "{list}?{query}");
        }
    }
    for field in ["webhookId", "eventId"] {
        assert_eq!(paths(&app.client.get(&format!("/api/v1/deliveries?{field}=x")).await), [json!([field])]);
    }
    let body = json!({ "webhookId": "x" });
    assert_eq!(paths(&app.client.post("/api/v1/dead-letters/redrive", &body).await), [json!(["webhookId"])]);
    let past = app.client.get("/api/v1/deliveries?page=50").await.expect(200).json();
    assert_eq!((&past["data"], &past["pagination"]["total"]), (&json!([]), &json!(0)));
    app.finish().await;
}

async fn problem_json_is_given_to_those_who_ask(app: TestApp) {
    let request = app.client.request(Method::POST, "/api/v1/events").header("accept", "application/problem+json");
    let reply = app.client.send(request.json_body(&json!({ "type": "A" }))).await.expect(422);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let problem = reply.json();
    assert_eq!((&problem["status"], &problem["code"]), (&json!(422), &json!("VALIDATION_ERROR")));
    assert_eq!(problem["instance"], "/api/v1/events");
    assert_eq!(problem["requestId"], reply.header("x-request-id"));
    assert_eq!(problem["details"]["errors"][0]["path"], json!(["type"]));
    for field in ["type", "title", "detail", "timestamp"] {
        assert!(problem[field].is_string(), "{problem}");
    }
    app.finish().await;
}
