//! Keys: who may ask, and for what.

use std::time::Duration;

use angarium::app::App;
use angarium::domain::key::ApiKeyText;
use angarium::domain::tenant::Environment;
use angarium::domain::time::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::ALL_PERMISSIONS;
use crate::support::client::{Client, JsonBody as _};
use crate::support::{Reply, TestApp, both_engines};

both_engines!(
    without_a_key_the_answer_says_how_to_send_one,
    wrong_keys_do_not_work,
    a_revoked_key_stops,
    an_expired_key_stops,
    two_keys_in_one_request_must_be_the_same,
    a_production_deployment_refuses_test_keys,
);

const LIST: &str = "/api/v1/webhooks";

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) -> Value {
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{}", reply.text);
    let error = reply.json()["error"].clone();
    assert_eq!(error["requestId"], reply.header("x-request-id"));
    error
}

/// Makes a key that ends then.
async fn key_until(app: &TestApp, expires_at: Option<Timestamp>) -> (angarium::domain::id::KeyId, Client) {
    let permissions = ALL_PERMISSIONS.map(str::to_owned).to_vec();
    let running: &App = app.app();
    let (key, text) = running.engine.create_key(app.scope, "k", permissions, expires_at).await.unwrap();
    (key.id, Client::new(running.api.unwrap(), text.reveal().to_owned()))
}

async fn without_a_key_the_answer_says_how_to_send_one(app: TestApp) {
    let reply = app.client.send(app.client.anonymous(Method::GET, LIST)).await;
    let error = refused(&reply, 401, "AUTH_REQUIRED");
    assert!(error["details"]["hint"].as_str().unwrap().contains("Authorization: Bearer"), "{error}");
    assert!(reply.header("www-authenticate").starts_with("Bearer"));
    // The key is asked for before the body is judged.
    let request = app.client.anonymous(Method::POST, "/api/v1/events").json_body(&json!([]));
    refused(&app.client.send(request).await, 401, "AUTH_REQUIRED");
    for open in ["/api/v1/health", "/healthz", "/readyz", "/metrics"] {
        app.client.send(app.client.anonymous(Method::GET, open)).await.expect(200);
    }
    app.finish().await;
}

async fn wrong_keys_do_not_work(app: TestApp) {
    let key = app.client.key().to_owned();
    let never_made = ApiKeyText::generate(Environment::Staging, [7; 24]).reveal().to_owned();
    let last = if key.ends_with('0') { "1" } else { "0" };
    let typo = format!("{}{last}", &key[..key.len() - 1]);
    let live = key.replacen("sk_test_", "sk_live_", 1);
    for wrong in [never_made, typo, live, "sk_test_".to_owned(), "x".to_owned(), key.to_uppercase(), "k".repeat(4000)] {
        let request = app.client.anonymous(Method::GET, LIST);
        refused(&app.client.send(request.bearer_auth(&wrong)).await, 401, "API_KEY_INVALID");
        let request = app.client.anonymous(Method::GET, LIST);
        refused(&app.client.send(request.header("x-api-key", &wrong)).await, 401, "API_KEY_INVALID");
    }
    for scheme in ["Basic", "Token", ""] {
        let request = app.client.anonymous(Method::GET, LIST).header("authorization", format!("{scheme} {key}"));
        refused(&app.client.send(request).await, 401, "API_KEY_INVALID");
    }
    app.finish().await;
}

async fn a_revoked_key_stops(app: TestApp) {
    let (id, client) = key_until(&app, None).await;
    client.get(LIST).await.expect(200);
    assert!(app.app().engine.revoke_key(app.scope.tenant, id).await.unwrap());
    refused(&client.get(LIST).await, 401, "API_KEY_INVALID");
    assert!(!app.app().engine.revoke_key(app.scope.tenant, id).await.unwrap());
    app.client.get(LIST).await.expect(200);
    app.finish().await;
}

async fn an_expired_key_stops(app: TestApp) {
    let (_, client) = key_until(&app, Some(app.clock.now().after(Duration::from_mins(1)))).await;
    app.advance(Duration::from_secs(59));
    client.get(LIST).await.expect(200);
    app.advance(Duration::from_secs(1));
    let error = refused(&client.get(LIST).await, 401, "API_KEY_EXPIRED");
    assert!(error["message"].as_str().unwrap().contains("2026-11-21T12:01:00.000Z"), "{error}");
    app.finish().await;
}

async fn two_keys_in_one_request_must_be_the_same(app: TestApp) {
    let (_, other) = key_until(&app, None).await;
    let request = |key: &str| app.client.request(Method::GET, LIST).header("x-api-key", key.to_owned());
    app.client.send(request(app.client.key())).await.expect(200);
    refused(&app.client.send(request(other.key())).await, 401, "API_KEY_INVALID");
    app.finish().await;
}

async fn a_production_deployment_refuses_test_keys(mut app: TestApp) {
    app.config.deployment.environment = Environment::Production;
    app.restart().await;
    let error = refused(&app.client.get(LIST).await, 401, "API_KEY_INVALID");
    assert!(error["message"].as_str().unwrap().contains("production"), "{error}");
    let live = app.client_of("acme", Environment::Production).await;
    assert!(live.key().starts_with("sk_live_"));
    live.get(LIST).await.expect(200);
    app.finish().await;
}
