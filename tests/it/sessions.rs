//! Sessions: who signs in, for how long, and what they may do then.

use std::time::Duration;

use angarium::domain::tenant::Environment;
use angarium::domain::user::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Client, JsonBody as _};
use crate::support::people::PASSWORD;
use crate::support::{Reply, TestApp, both_engines};

both_engines!(
    who_signs_in_has_a_session,
    a_wrong_address_and_a_wrong_password_look_the_same,
    too_many_wrong_passwords_lock_an_address,
    a_session_ends_by_itself_and_by_signing_out,
    a_forged_token_does_not_work,
    another_password_ends_the_other_sessions,
    a_cookie_changes_things_only_from_our_own_pages,
    a_disabled_user_is_out_at_once,
    bad_input_is_told_field_by_field,
    a_session_may_do_what_its_role_permits,
    an_operator_names_a_tenant,
    a_session_names_its_environment,
    a_session_works_in_production,
);

const ME: &str = "/api/auth/me";
const LIST: &str = "/api/v1/webhooks";
const WRONG: &str = "correct horse batterz";

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) -> Value {
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{}", reply.text);
    reply.json()["error"].clone()
}

/// The token in a cookie.
fn cookie(reply: &Reply) -> &str {
    reply.header("set-cookie").split(';').next().unwrap()
}

async fn who_signs_in_has_a_session(app: TestApp) {
    app.user("ada@example.com", Role::Owner).await;
    let reply = app.login(" Ada@Example.COM ", PASSWORD).await.expect(200);
    let data = reply.data();
    assert_eq!(data["expiresAt"], "2026-11-22T00:00:00.000Z");
    assert_eq!(data["user"]["role"], "owner");
    assert_eq!(data["user"]["tenant"], json!({ "id": app.scope.tenant.to_string(), "name": "acme" }));
    assert!(!reply.text.contains(PASSWORD) && !reply.text.contains("argon2"), "{}", reply.text);
    let flags = reply.header("set-cookie");
    for flag in ["; Path=/", "; Max-Age=43200", "; HttpOnly", "; SameSite=Lax"] {
        assert!(flags.contains(flag), "{flags}");
    }
    assert!(!flags.contains("Secure"), "a browser would not send it back over plain HTTP: {flags}");
    let token = data["token"].as_str().unwrap().to_owned();
    assert_eq!(cookie(&reply), format!("angarium_session={token}"));

    let client = Client::new(app.app().api.unwrap(), token);
    let me = client.get(ME).await.expect(200).data();
    assert_eq!((&me["user"], &me["expiresAt"]), (&data["user"], &data["expiresAt"]));
    let by_cookie = app.client.anonymous(Method::GET, ME).header("cookie", cookie(&reply));
    assert_eq!(app.client.send(by_cookie).await.expect(200).data(), me);
    // An operator belongs to no tenant.
    let operator = app.signed_in(Role::Operator).await;
    assert_eq!(operator.get(ME).await.expect(200).data()["user"]["tenant"], Value::Null);
    app.finish().await;
}

async fn a_wrong_address_and_a_wrong_password_look_the_same(app: TestApp) {
    app.user("ada@example.com", Role::Owner).await;
    let strip = |reply: &Reply| {
        let mut error = refused(reply, 401, "AUTH_REQUIRED");
        error["requestId"].take();
        (error, reply.header("set-cookie").to_owned())
    };
    for _ in 0..5 {
        let known = strip(&app.login("ada@example.com", WRONG).await);
        assert_eq!(known, strip(&app.login("nobody@example.com", WRONG).await));
        assert_eq!(known.1, "");
    }
    // Down to the lock, which an address that nobody has gets as well.
    let lock = |reply: Reply| (reply.status, reply.code(), reply.json()["error"]["message"].clone());
    let known = lock(app.login("ada@example.com", WRONG).await);
    assert_eq!(known.0, 429);
    assert_eq!(known, lock(app.login("nobody@example.com", WRONG).await));
    app.finish().await;
}

async fn too_many_wrong_passwords_lock_an_address(app: TestApp) {
    app.user("ada@example.com", Role::Owner).await;
    app.user("bob@example.com", Role::Member).await;
    // A right one forgets the wrong ones before it.
    for _ in 0..2 {
        for _ in 0..4 {
            refused(&app.login("ada@example.com", WRONG).await, 401, "AUTH_REQUIRED");
        }
        app.login("ada@example.com", PASSWORD).await.expect(200);
    }
    let all = (0..12).map(|_| app.login("ada@example.com", WRONG));
    let statuses: Vec<u16> = futures_util::future::join_all(all).await.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "guesses at once count: {statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 7, "{statuses:?}");

    let reply = app.login("ada@example.com", PASSWORD).await;
    refused(&reply, 429, "RATE_LIMIT_EXCEEDED");
    assert_eq!((reply.header("retry-after"), &reply.json()["retryAfter"]), ("900", &json!(900)));
    app.login("bob@example.com", PASSWORD).await.expect(200);
    app.advance(Duration::from_millis(899_001));
    let reply = app.login("ada@example.com", PASSWORD).await.expect(429);
    assert_eq!(reply.header("retry-after"), "1");
    app.advance(Duration::from_millis(999));
    // From the start again.
    for _ in 0..4 {
        refused(&app.login("ada@example.com", WRONG).await, 401, "AUTH_REQUIRED");
    }
    app.login("ada@example.com", PASSWORD).await.expect(200);
    app.finish().await;
}

async fn a_session_ends_by_itself_and_by_signing_out(app: TestApp) {
    let first = app.signed_in(Role::Owner).await;
    app.advance(Duration::from_hours(1));
    let reply = app.login("owner@example.com", PASSWORD).await.expect(200);
    let second = Client::new(app.app().api.unwrap(), reply.data()["token"].as_str().unwrap().to_owned());
    app.advance(Duration::from_secs(11 * 3600 - 1));
    first.get(ME).await.expect(200);
    app.advance(Duration::from_secs(1));
    refused(&first.get(ME).await, 401, "SESSION_INVALID");
    refused(&first.get(LIST).await, 401, "SESSION_INVALID");

    let out = second.post("/api/auth/logout", &json!({})).await.expect(200);
    assert!(
        out.header("set-cookie").starts_with("angarium_session=; ") && out.header("set-cookie").contains("Max-Age=0")
    );
    let error = refused(&second.get(ME).await, 401, "SESSION_INVALID");
    assert!(error["message"].as_str().unwrap().contains("sign in again"), "{error}");
    refused(&second.post("/api/auth/logout", &json!({})).await, 401, "SESSION_INVALID");
    app.finish().await;
}

async fn a_forged_token_does_not_work(mut app: TestApp) {
    let good = app.signed_in(Role::Owner).await;
    let token = good.key().to_owned();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, body, tag] = parts[..] else { panic!("{token}") };
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    for forged in [
        format!("{none}.{body}."),
        format!("{none}.{body}.{tag}"),
        format!("{header}.{body}"),
        format!("{header}.{body}."),
        format!("{header}.e30.{tag}"),
        format!("{header}.{body}.{}", tag.to_lowercase()),
        "eyJ".to_owned(),
        format!("eyJ{}", "a".repeat(4000)),
    ] {
        let request = app.client.anonymous(Method::GET, ME).bearer_auth(&forged);
        refused(&app.client.send(request).await, 401, "SESSION_INVALID");
    }
    // A key beside it is another identity.
    let both = app.client.request(Method::GET, LIST).header("x-api-key", &token);
    refused(&app.client.send(both).await, 401, "API_KEY_INVALID");
    // It outlives the process that made it.
    app.restart().await;
    let again = Client::new(app.app().api.unwrap(), token);
    again.get(ME).await.expect(200);
    app.finish().await;
}

async fn another_password_ends_the_other_sessions(app: TestApp) {
    let here = app.signed_in(Role::Member).await;
    let reply = app.login("member@example.com", PASSWORD).await.expect(200);
    let there = Client::new(app.app().api.unwrap(), reply.data()["token"].as_str().unwrap().to_owned());
    let path = "/api/auth/password";
    let change = async |current: &str, new: &str| {
        here.post(path, &json!({ "currentPassword": current, "newPassword": new })).await
    };
    let error = refused(&change(WRONG, "another good password").await, 422, "VALIDATION_ERROR");
    assert_eq!(error["details"]["errors"][0]["path"], json!(["currentPassword"]));
    let error = refused(&change(PASSWORD, "short").await, 422, "VALIDATION_ERROR");
    assert_eq!(error["details"]["errors"][0]["path"], json!(["newPassword"]));
    there.get(ME).await.expect(200);
    change(PASSWORD, "another good password").await.expect(200);
    here.get(ME).await.expect(200);
    refused(&there.get(ME).await, 401, "SESSION_INVALID");
    refused(&app.login("member@example.com", PASSWORD).await, 401, "AUTH_REQUIRED");
    app.login("member@example.com", "another good password").await.expect(200);
    // Guessing at it from inside is bounded as it is from outside.
    for _ in 0..5 {
        change(WRONG, "another good password").await.expect(422);
    }
    refused(&change("another good password", "another good password").await, 429, "RATE_LIMIT_EXCEEDED");
    app.finish().await;
}

async fn a_cookie_changes_things_only_from_our_own_pages(app: TestApp) {
    app.user("ada@example.com", Role::Owner).await;
    let reply = app.login("ada@example.com", PASSWORD).await.expect(200);
    let cookie = cookie(&reply).to_owned();
    let host = app.app().api.unwrap().to_string();
    let request = |method: Method, headers: &[(&str, &str)]| {
        let start = app.client.anonymous(method, "/api/tenant/api-keys").header("cookie", &cookie);
        headers.iter().fold(start, |request, (name, value)| request.header(*name, *value))
    };
    let body = |name: &str| json!({ "name": name, "permissions": ["read:events"] });
    let own = format!("http://{host}");
    let good: [&[(&str, &str)]; 3] = [
        &[("sec-fetch-site", "same-origin")],
        &[("origin", &own)],
        &[("sec-fetch-site", "same-origin"), ("origin", "https://behind.a.proxy")],
    ];
    for (n, headers) in good.into_iter().enumerate() {
        app.client.send(request(Method::POST, headers).json_body(&body(&n.to_string()))).await.expect(201);
    }
    let bad: [&[(&str, &str)]; 6] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", &own)],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    for headers in bad {
        let reply = app.client.send(request(Method::POST, headers).json_body(&body("forged"))).await;
        refused(&reply, 403, "PERMISSION_DENIED");
        app.client.send(request(Method::GET, headers)).await.expect(200);
    }
    app.finish().await;
}

async fn a_disabled_user_is_out_at_once(app: TestApp) {
    let client = app.signed_in(Role::Admin).await;
    client.get(ME).await.expect(200);
    let engine = &app.app().engine;
    let user = engine.user_of(&"admin@example.com".parse().unwrap()).await.unwrap();
    assert!(engine.disable_user(user.id).await.unwrap());
    assert!(!engine.disable_user(user.id).await.unwrap());
    refused(&client.get(ME).await, 401, "SESSION_INVALID");
    refused(&app.login("admin@example.com", PASSWORD).await, 401, "AUTH_REQUIRED");
    app.finish().await;
}

async fn bad_input_is_told_field_by_field(app: TestApp) {
    let client = app.signed_in(Role::Owner).await;
    let long = "x".repeat(257);
    let cases = [
        ("/api/auth/login", json!({}), vec!["email", "password"]),
        ("/api/auth/login", json!({ "email": null, "password": null }), vec!["email", "password"]),
        ("/api/auth/login", json!({ "email": "ada", "password": long }), vec!["email", "password"]),
        ("/api/auth/login", json!({ "email": 5, "password": "x" }), vec!["email"]),
        ("/api/auth/login", json!({ "email": "a@b", "password": ["x"] }), vec!["password"]),
        ("/api/auth/login", json!({ "email": "a@b", "password": "x", "remember": true }), vec!["remember"]),
        ("/api/auth/password", json!({}), vec!["currentPassword", "newPassword"]),
        ("/api/auth/password", json!({ "currentPassword": "x", "newPassword": long }), vec!["newPassword"]),
        ("/api/auth/password", json!({ "currentPassword": "x", "newPassword": 5 }), vec!["newPassword"]),
    ];
    for (path, body, fields) in cases {
        let reply = client.post(path, &body).await;
        let error = refused(&reply, 422, "VALIDATION_ERROR");
        let told = error["details"]["errors"].as_array().unwrap();
        let told: Vec<&str> = told.iter().map(|problem| problem["path"][0].as_str().unwrap()).collect();
        assert_eq!(told, fields, "{body}");
        assert!(!reply.text.contains("xxxx"), "a password is not said back: {}", reply.text);
    }
    let request = app.client.anonymous(Method::POST, "/api/auth/login").header("content-type", "application/json");
    refused(&app.client.send(request.body("{")).await, 400, "REQUEST_MALFORMED");
    let request = app.client.anonymous(Method::POST, "/api/auth/login").body("email=a");
    refused(&app.client.send(request).await, 415, "UNSUPPORTED_MEDIA_TYPE");
    for (method, path) in [(Method::GET, ME), (Method::POST, "/api/auth/logout")] {
        let error = refused(&app.client.send(app.client.anonymous(method, path)).await, 401, "AUTH_REQUIRED");
        assert!(error["details"]["hint"].as_str().unwrap().contains("/api/auth/login"), "{error}");
    }
    app.finish().await;
}

async fn a_session_may_do_what_its_role_permits(app: TestApp) {
    let hook = json!({ "name": "h", "url": app.receiver.url("/h"), "events": ["*"] });
    for role in [Role::Owner, Role::Admin] {
        let client = app.signed_in(role).await;
        client.post(LIST, &hook).await.expect(201);
        client.post("/api/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202);
    }
    let member = app.signed_in(Role::Member).await;
    assert_eq!(member.get(LIST).await.expect(200).data()["total"], 2);
    member.get("/api/v1/deliveries").await.expect(200);
    for (path, body) in [(LIST, &hook), ("/api/v1/events", &json!({ "type": "a.b", "data": {} }))] {
        let error = refused(&member.post(path, body).await, 403, "PERMISSION_DENIED");
        assert!(error["message"].as_str().unwrap().contains("`member`"), "{error}");
    }
    app.finish().await;
}

async fn an_operator_names_a_tenant(app: TestApp) {
    let operator = app.signed_in(Role::Operator).await;
    let owner = app.signed_in(Role::Owner).await;
    app.webhook("hook").await;
    app.app().engine.ensure_tenant("other", "unlimited").await.unwrap();
    let ask = async |client: &Client, tenant: &str| {
        client.send(client.request(Method::GET, LIST).header("x-tenant", tenant)).await
    };
    let error = refused(&operator.get(LIST).await, 422, "VALIDATION_ERROR");
    assert_eq!(error["details"]["errors"][0]["path"], json!(["X-Tenant"]));
    assert_eq!(ask(&operator, "acme").await.expect(200).data()["total"], 1);
    assert_eq!(ask(&operator, &app.scope.tenant.to_string()).await.expect(200).data()["total"], 1);
    assert_eq!(ask(&operator, "other").await.expect(200).data()["total"], 0);
    for nobody in ["nobody", "", "ten_00000000000000000000000000"] {
        refused(&ask(&operator, nobody).await, 404, "RESOURCE_NOT_FOUND");
    }
    // Everybody else has their own.
    assert_eq!(ask(&owner, "acme").await.expect(200).data()["total"], 1);
    refused(&ask(&owner, "other").await, 404, "RESOURCE_NOT_FOUND");
    let keys = owner.request(Method::GET, "/api/tenant/api-keys").header("x-tenant", "other");
    refused(&owner.send(keys).await, 404, "RESOURCE_NOT_FOUND");
    app.finish().await;
}

async fn a_session_names_its_environment(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    app.webhook("hook").await;
    let total = async |environment: &str| {
        let reply = owner.send(owner.request(Method::GET, LIST).header("x-environment", environment)).await;
        reply.expect(200).data()["total"].clone()
    };
    assert_eq!((total("staging").await, total("production").await), (json!(1), json!(0)));
    assert_eq!(owner.get(LIST).await.expect(200).data()["total"], 1, "this deployment is one for staging");
    let error = owner.send(owner.request(Method::GET, LIST).header("x-environment", "live")).await;
    let error = refused(&error, 422, "VALIDATION_ERROR");
    assert_eq!(error["details"]["errors"][0]["path"], json!(["X-Environment"]));
    app.finish().await;
}

async fn a_session_works_in_production(mut app: TestApp) {
    app.webhook("hook").await;
    app.config.deployment.environment = Environment::Production;
    app.restart().await;
    app.user("ada@example.com", Role::Owner).await;
    let reply = app.login("ada@example.com", PASSWORD).await.expect(200);
    assert!(reply.header("set-cookie").contains("; Secure"));
    let owner = Client::new(app.app().api.unwrap(), reply.data()["token"].as_str().unwrap().to_owned());
    assert_eq!(owner.get(LIST).await.expect(200).data()["total"], 0);
    let staging = owner.request(Method::GET, LIST).header("x-environment", "staging");
    assert_eq!(owner.send(staging).await.expect(200).data()["total"], 1);
    app.finish().await;
}
