//! What may be said of a webhook, what may not, and what its receiver's answers and ours come to.

use std::time::Duration;

use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::client::Client;
use crate::support::{TestApp, TestEngine, both_engines, eventually, time};

both_engines!(
    headers_that_are_ours_cannot_be_set,
    null_resets_what_has_a_default_and_nothing_else,
    a_misspelt_name_is_told_what_it_may_mean,
    only_a_2xx_is_a_success,
    retry_after_may_be_a_date_and_has_a_bound,
    an_overlap_lasts_a_day_where_nobody_says,
    no_key_or_secret_lies_open_in_the_database,
);

const WEBHOOKS: &str = "/api/v1/webhooks";

fn hook(app: &TestApp) -> Value {
    json!({ "name": "h", "url": app.receiver.url("/h"), "events": ["a.b"] })
}

async fn headers_that_are_ours_cannot_be_set(app: TestApp) {
    let ours = [
        "Host",
        "Content-Type",
        "content-length",
        "Content_Length",
        "content-encoding",
        "Connection",
        "Keep-Alive",
        "Proxy-Authorization",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Expect",
        "webhook-id",
        "webhook-timestamp",
        "Webhook-Signature",
        "X-Webhook-Signature",
        "X-Signature",
        "X-WEBHOOK-TOKEN",
        "X-Hub-Signature-256",
        "Stripe-Signature",
        "X-Slack-Signature",
        "X-Shopify-Hmac-Sha256",
        "Signature",
        "X-Forwarded-For",
        "Cookie",
    ];
    let made = app.client.post(WEBHOOKS, &hook(&app)).await.expect(201).data();
    let path = format!("{WEBHOOKS}/{}", made["id"].as_str().unwrap());
    for name in ours {
        let headers = json!({ name: "x", "X-Shop": "eu" });
        let mut body = hook(&app);
        body["headers"] = headers.clone();
        for reply in
            [app.client.post(WEBHOOKS, &body).await, app.client.patch(&path, &json!({ "headers": headers })).await]
        {
            let errors = reply.expect(422).json()["error"]["details"]["errors"].clone();
            assert_eq!(errors.as_array().map(Vec::len), Some(1), "{errors}");
            assert_eq!(errors[0]["path"], json!(["headers", name]));
        }
    }
    let good = json!({ "headers": { "Authorization": "Bearer x", "X-Shop": "eu", "User-Agent": "mine" } });
    let shown = app.client.patch(&path, &good).await.expect(200).data();
    assert_eq!((&shown["headers"]["Authorization"], &shown["headers"]["X-Shop"]), (&json!("***"), &json!("eu")));
    app.finish().await;
}

async fn null_resets_what_has_a_default_and_nothing_else(app: TestApp) {
    let plain = app.client.post(WEBHOOKS, &hook(&app)).await.expect(201).data();
    let said = json!({
        "channels": ["eu"],
        "filter": { "field": "data.total", "op": "gt", "value": 5 },
        "headers": { "X-Shop": "eu" },
        "retryPolicy": { "maxRetries": 2 },
        "timeoutMs": 5000,
        "signature": { "schemes": ["v1", "v1a"] },
        "description": "d",
        "metadata": { "team": "billing" },
    });
    let mut body = hook(&app);
    for (field, value) in said.as_object().unwrap() {
        body[field] = value.clone();
    }
    let reply = app.client.post(WEBHOOKS, &body).await;
    let full = reply.expect(201).data();
    let path = format!("{WEBHOOKS}/{}", full["id"].as_str().unwrap());
    for field in said.as_object().unwrap().keys() {
        assert_ne!(full[field], plain[field], "{field}");
        for method in ["patch", "put"] {
            let change = json!({ field: null });
            let reply = if method == "put" {
                app.client.put(&path, &change).await
            } else {
                app.client.patch(&path, &change).await
            };
            assert_eq!(reply.expect(200).data()[field], plain[field], "{field}");
        }
    }
    // As new, null is as good as nothing.
    let mut body = hook(&app);
    for field in said.as_object().unwrap().keys().map(String::as_str).chain(["profile", "handshake", "secret"]) {
        body[field] = Value::Null;
    }
    let reset = app.client.post(WEBHOOKS, &body).await.expect(201).data();
    for field in said.as_object().unwrap().keys() {
        assert_eq!(reset[field], plain[field], "{field}");
    }
    for field in ["name", "url", "events"] {
        let errors = app.client.patch(&path, &json!({ field: null })).await.expect(422).json();
        let error = &errors["error"]["details"]["errors"][0];
        assert_eq!((&error["path"], &error["code"]), (&json!([field]), &json!("REQUIRED")));
    }
    app.finish().await;
}

/// Asks, and gives the only thing that is wrong.
async fn only_message(client: &Client, method: Method, path: &str, body: &str) -> String {
    let request = client.request(method, path).header("content-type", "application/json").body(body.to_owned());
    let reply = client.send(request).await.expect(422);
    let errors = reply.json()["error"]["details"]["errors"].clone();
    errors[0]["message"].as_str().unwrap_or_else(|| panic!("{path}: {errors}")).to_owned()
}

async fn a_misspelt_name_is_told_what_it_may_mean(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let (post, get) = (Method::POST, Method::GET);
    for (client, method, path, body, meant) in [
        (&app.client, &post, WEBHOOKS, r#"{"evnets":["*"]}"#, "events"),
        (&app.client, &post, WEBHOOKS, r#"{"retry_policy":{}}"#, "retryPolicy"),
        (&app.client, &post, "/api/v1/events", r#"{"tpye":"a.b"}"#, "type"),
        (&app.client, &post, "/api/v1/event-types", r#"{"shcema":{}}"#, "schema"),
        (&app.client, &post, "/api/v1/customers", r#"{"emial":"a@b.example"}"#, "email"),
        (&app.client, &post, "/api/v1/dead-letters/redrive", r#"{"webhookID":"x"}"#, "webhookId"),
        (&owner, &post, "/api/tenant/api-keys", r#"{"permisions":[]}"#, "permissions"),
        (&owner, &post, "/api/tenant/users", r#"{"rol":"member"}"#, "role"),
        (&app.client, &get, "/api/v1/webhooks?isactive=true", "", "isActive"),
        (&app.client, &get, "/api/v1/deliveries?webhookid=x", "", "webhookId"),
    ] {
        let message = only_message(client, method.clone(), path, body).await;
        assert!(message.contains(&format!("did you mean `{meant}`?")), "{path} {body}: {message}");
    }
    let mut body = hook(&app);
    body["retryPolicy"] = json!({ "maxRetires": 3 });
    let message = only_message(&app.client, post.clone(), WEBHOOKS, &body.to_string()).await;
    assert!(message.contains("did you mean `maxRetries`?"), "{message}");
    app.finish().await;
}

async fn only_a_2xx_is_a_success(app: TestApp) {
    let statuses = [
        (200, true),
        (201, true),
        (202, true),
        (204, true),
        (299, true),
        (300, false),
        (302, false),
        (304, false),
        (400, false),
        (401, false),
        (403, false),
        (404, false),
        (408, false),
        (422, false),
        (429, false),
        (500, false),
        (503, false),
        (599, false),
    ];
    let mut webhooks = Vec::new();
    for (status, _) in statuses {
        let fields = json!({ "retryPolicy": { "maxRetries": 0 }, "events": ["a.b"] });
        webhooks.push(app.webhook_with(&format!("s{status}"), fields, Behaviour::status(status)).await);
    }
    let event = app.publish("a.b", json!({})).await;
    for (webhook, (status, is_success)) in webhooks.iter().zip(statuses) {
        let found = eventually("the delivery is over", || async {
            let path = format!("/api/v1/deliveries?eventId={event}&webhookId={}", webhook.id);
            let delivery = app.client.get(&path).await.expect(200).data()[0].clone();
            (delivery["status"] != "pending").then_some(delivery)
        })
        .await;
        let expected = if is_success { "delivered" } else { "dead" };
        assert_eq!((&found["status"], &found["lastStatus"]), (&json!(expected), &json!(status)));
        assert_eq!(app.receiver.count(&webhook.path), 1);
    }
    app.finish().await;
}

async fn retry_after_may_be_a_date_and_has_a_bound(app: TestApp) {
    let now = app.clock.now();
    for (name, asked, least, most) in [
        ("date", "Sat, 21 Nov 2026 12:02:00 GMT", 120, 132),
        ("seconds", "120", 120, 132),
        ("far", "Mon, 21 Nov 2039 12:00:00 GMT", 3600, 3600),
        ("long", "99999999999999999999", 3600, 3600),
        ("past", "Sat, 21 Nov 2026 11:00:00 GMT", 2, 5),
        ("nonsense", "soon", 2, 5),
    ] {
        let busy = Behaviour { retry_after: Some(asked.to_owned()), ..Behaviour::status(429) };
        let event_type = format!("wait.{name}");
        app.webhook_with(name, json!({ "events": [event_type] }), busy).await;
        let event = app.publish(&event_type, json!({})).await;
        let waiting = app.delivery_when(&event, name, |d| d["attempts"] == 1 && d["nextAttemptAt"].is_string()).await;
        let wait = time(&waiting["nextAttemptAt"]).since(now);
        assert!((Duration::from_secs(least)..=Duration::from_secs(most)).contains(&wait), "{name}: {wait:?}");
    }
    app.finish().await;
}

async fn an_overlap_lasts_a_day_where_nobody_says(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let webhook = app.webhook("hook").await;
    let rotate = app.client.request(Method::POST, &format!("{WEBHOOKS}/{}/rotate-secret", webhook.id));
    let rotated = app.client.send(rotate).await.expect(200).data();
    assert_eq!(rotated["olderSecretsUntil"], "2026-11-22T12:00:00.000Z");
    let body = json!({ "name": "k", "permissions": ["read:events"] });
    let key = owner.post("/api/tenant/api-keys", &body).await.expect(201).data();
    let rotate = format!("/api/tenant/api-keys/{}/rotate", key["id"].as_str().unwrap());
    let rotated = owner.send(owner.request(Method::POST, &rotate)).await.expect(201).data();
    assert_eq!(rotated["oldKeyUntil"], "2026-11-22T12:00:00.000Z");
    app.finish().await;
}

/// Everything that the database holds, as text.
async fn contents(app: &TestApp) -> String {
    let url = app.config.store.url.expose_secret();
    if app.engine == TestEngine::Embedded {
        let path = url.strip_prefix("sqlite:").unwrap();
        let files = [path.to_owned(), format!("{path}-wal")];
        let bytes = files.into_iter().filter_map(|file| std::fs::read(file).ok()).collect::<Vec<_>>().concat();
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut db = PgConnection::connect(url).await.unwrap();
    let mut text = String::new();
    for sql in [
        "select coalesce(string_agg(t::text, ' '), '') from api_keys t",
        "select coalesce(string_agg(t::text, ' '), '') from webhooks t",
        "select coalesce(string_agg(encode(sealed, 'escape'), ' '), '') from webhook_secrets",
        "select coalesce(string_agg(t::text, ' '), '') from users t",
        "select coalesce(string_agg(t::text, ' '), '') from sessions t",
        "select coalesce(string_agg(encode(answer, 'escape'), ' '), '') from idempotent_requests",
    ] {
        text += &sqlx::query_scalar::<_, String>(sql).fetch_one(&mut db).await.unwrap();
    }
    db.close().await.unwrap();
    text
}

async fn no_key_or_secret_lies_open_in_the_database(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let mut body = hook(&app);
    body["name"] = json!("this is to be found");
    let request = app.client.request(Method::POST, WEBHOOKS).header("idempotency-key", "once");
    let request = request.header("content-type", "application/json").body(body.to_string());
    let webhook = app.client.send(request).await.expect(201).data();
    let key = json!({ "name": "k", "permissions": ["read:events"] });
    let key = owner.post("/api/tenant/api-keys", &key).await.expect(201).data();
    let user = json!({ "email": "ada@example.com", "role": "member" });
    let user = owner.post("/api/tenant/users", &user).await.expect(201).data();
    let contents = contents(&app).await;
    assert!(contents.contains("this is to be found"));
    let secret = webhook["secret"].as_str().unwrap();
    let base64 = secret.strip_prefix("whsec_").unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for secret in [secret, base64, app.client.key(), owner.key(), &text(&key["key"]), &text(&user["password"])] {
        assert!(!contents.contains(secret), "a secret lies open");
    }
    app.finish().await;
}
