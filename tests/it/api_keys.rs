//! The management of API keys: by people, for programs.

use std::time::Duration;

use angarium::domain::tenant::Environment;
use angarium::domain::time::Timestamp;
use angarium::domain::user::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Client, JsonBody as _};
use crate::support::people::PASSWORD;
use crate::support::{Reply, TestApp, both_engines, eventually, time};

both_engines!(
    a_key_is_made_shown_once_and_works,
    only_people_manage_keys,
    a_member_reads_and_does_not_change,
    names_are_unique_while_they_are_used,
    keys_are_listed_by_page_environment_and_state,
    a_key_is_changed_and_what_is_not_mentioned_stays,
    an_inactive_key_can_be_brought_back_and_a_revoked_one_cannot,
    a_deleted_key_is_gone,
    a_rotated_key_works_for_the_overlap_to_the_second,
    without_overlap_the_old_key_stops_at_once,
    a_rotation_never_makes_a_key_live_longer,
    what_does_not_work_cannot_be_rotated,
    bad_input_is_told_field_by_field,
    keys_of_other_tenants_are_not_there,
    use_is_counted_by_key_and_endpoint,
    a_key_has_its_own_limit,
    owners_are_told_once_when_a_key_is_to_be_rotated,
);

const KEYS: &str = "/api/tenant/api-keys";
const LIST: &str = "/api/v1/webhooks";

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) -> Value {
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{}", reply.text);
    reply.json()["error"].clone()
}

/// A test key by the API: what it was shown as, and a client with it.
async fn make(app: &TestApp, owner: &Client, name: &str, fields: Value) -> (Value, Client) {
    let mut body = json!({ "name": name, "permissions": ["read:webhooks", "write:events"], "environment": "staging" });
    for (field, value) in fields.as_object().unwrap() {
        body[field] = value.clone();
    }
    let key = owner.post(KEYS, &body).await.expect(201).data();
    let client = with(app, &key);
    (key, client)
}

fn with(app: &TestApp, key: &Value) -> Client {
    Client::new(app.app().api.unwrap(), key["key"].as_str().unwrap().to_owned())
}

fn path(key: &Value) -> String {
    format!("{KEYS}/{}", key["id"].as_str().unwrap())
}

async fn a_key_is_made_shown_once_and_works(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let body = json!({
        "name": " shop ",
        "permissions": ["read:webhooks", "webhook:manage"],
        "environment": "staging",
        "expiresAt": "2027-01-01T00:00:00Z",
        "ipWhitelist": ["127.0.0.0/8", "::1", "::ffff:192.0.2.1"],
        "rateLimit": { "requests": 10_000, "window": "1h" },
        "rotationPolicy": { "enabled": true, "intervalDays": 90, "notifyDaysBefore": 7 },
    });
    let reply = owner.post(KEYS, &body).await.expect(201);
    let made = reply.data();
    assert_eq!(reply.header("location"), path(&made));
    let text = made["key"].as_str().unwrap().to_owned();
    assert!(text.starts_with("sk_test_"), "{text}");
    with(&app, &made).get(LIST).await.expect(200);

    let shown = owner.get(&path(&made)).await.expect(200);
    assert!(!shown.text.contains(&text), "a key is shown once");
    let mut rest = made.clone();
    rest.as_object_mut().unwrap().remove("key");
    let mut shown = shown.data();
    // Its one request may or may not have been counted yet.
    for used in ["lastUsedAt", "usageCount", "currentMonthRequests"] {
        rest[used].take();
        shown[used].take();
    }
    assert_eq!(shown, rest);
    let expected = json!({
        "name": "shop", "environment": "staging", "permissions": ["read:webhooks", "webhook:manage"],
        "ipWhitelist": ["127.0.0.0/8", "::1", "192.0.2.1"], "rateLimit": { "requests": 10_000, "window": "1h" },
        "rotationPolicy": { "enabled": true, "intervalDays": 90, "notifyDaysBefore": 7 }, "isActive": true,
        "expiresAt": "2027-01-01T00:00:00.000Z", "revokedAt": null, "replacedBy": null,
        "createdAt": "2026-11-21T12:00:00.000Z", "updatedAt": "2026-11-21T12:00:00.000Z",
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[field], value, "{field}");
    }
    let prefix = shown["keyPrefix"].as_str().unwrap();
    assert!(text.starts_with(prefix.split('…').next().unwrap()) && prefix.len() < 24, "{prefix}");

    // Least is enough; the documented default is production.
    let least = owner.post(KEYS, &json!({ "name": "live", "permissions": ["read:events"] })).await.expect(201).data();
    assert_eq!((&least["environment"], &least["expiresAt"]), (&json!("production"), &Value::Null));
    assert!(least["key"].as_str().unwrap().starts_with("sk_live_"));
    app.finish().await;
}

async fn only_people_manage_keys(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let (key, _) = make(&app, &owner, "k", json!({})).await;
    let (one, post, get) = (path(&key), Method::POST, Method::GET);
    let routes = [
        (get.clone(), KEYS.to_owned()),
        (post.clone(), KEYS.to_owned()),
        (get.clone(), one.clone()),
        (Method::PUT, one.clone()),
        (Method::DELETE, one.clone()),
        (post.clone(), format!("{one}/revoke")),
        (post, format!("{one}/rotate")),
        (get, format!("{one}/usage")),
    ];
    for (method, path) in routes {
        // The test's key may do everything that a key can.
        for request in [app.client.request(method.clone(), &path), app.client.anonymous(method.clone(), &path)] {
            let error = refused(&app.client.send(request.json_body(&json!({}))).await, 401, "AUTH_REQUIRED");
            assert!(error["details"]["hint"].as_str().unwrap().contains("/api/auth/login"), "{error}");
        }
    }
    owner.get(&one).await.expect(200);
    app.finish().await;
}

async fn a_member_reads_and_does_not_change(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let (key, client) = make(&app, &owner, "k", json!({})).await;
    let member = app.signed_in(Role::Member).await;
    let one = path(&key);
    for path in [KEYS, &one, &format!("{one}/usage")] {
        let text = member.get(path).await.expect(200).text;
        assert!(!text.contains(client.key()));
    }
    for (method, path) in [
        (Method::POST, KEYS),
        (Method::PUT, &one),
        (Method::DELETE, &one),
        (Method::POST, &format!("{one}/revoke")),
        (Method::POST, &format!("{one}/rotate")),
    ] {
        let request = member.request(method, path).json_body(&json!({ "name": "x", "permissions": ["read:events"] }));
        refused(&member.send(request).await, 403, "PERMISSION_DENIED");
    }
    for role in [Role::Admin, Role::Operator] {
        let person = app.signed_in(role).await;
        let request = person.request(Method::PUT, &one).header("x-tenant", "acme");
        let reply = person.send(request.json_body(&json!({ "name": role.as_str() }))).await.expect(200);
        assert_eq!(reply.data()["name"], role.as_str());
    }
    app.finish().await;
}

async fn names_are_unique_while_they_are_used(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let body = json!({ "name": "shop", "permissions": ["read:events"] });
    let both = futures_util::future::join_all((0..4).map(|_| owner.post(KEYS, &body))).await;
    let mut statuses: Vec<u16> = both.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
    let key = both.iter().find(|reply| reply.status == 201).unwrap().data();
    refused(&owner.post(KEYS, &body).await, 409, "CONFLICT");
    // The other environment has names of its own.
    let (other, _) = make(&app, &owner, "shop", json!({})).await;
    let (second, _) = make(&app, &owner, "second", json!({})).await;
    refused(&owner.put(&path(&second), &json!({ "name": "shop" })).await, 409, "CONFLICT");
    owner.put(&path(&other), &json!({ "name": "shop", "isActive": true })).await.expect(200);
    owner.delete(&path(&key)).await.expect(200);
    let again = owner.post(KEYS, &body).await.expect(201).data();
    // The key that another is rotated to takes its name along.
    let rotated = owner.post(&format!("{}/rotate", path(&again)), &json!({})).await.expect(201).data();
    assert_eq!(rotated["name"], "shop");
    refused(&owner.post(KEYS, &body).await, 409, "CONFLICT");
    app.finish().await;
}

async fn keys_are_listed_by_page_environment_and_state(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    for n in 0..3 {
        app.advance(Duration::from_secs(1));
        make(&app, &owner, &n.to_string(), json!({})).await;
    }
    make(&app, &owner, "off", json!({ "isActive": false })).await;
    make(&app, &owner, "live", json!({ "environment": "production" })).await;
    let names = async |query: &str| {
        let data = owner.get(&format!("{KEYS}?{query}")).await.expect(200).data();
        let names = data["keys"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), data["total"].as_u64().unwrap(), data["totalPages"].as_u64().unwrap())
    };
    // The test's own key is there too.
    assert_eq!(names("").await.1, 6);
    assert_eq!(names("environment=production").await, (vec!["live".to_owned()], 1, 1));
    assert_eq!(names("isActive=false").await, (vec!["off".to_owned()], 1, 1));
    assert_eq!(names("isActive=true&environment=staging").await.1, 4);
    assert_eq!(
        names("environment=staging&limit=2&page=2&isActive=true").await,
        (vec!["0".to_owned(), "test".to_owned()], 4, 2)
    );
    assert_eq!(names("page=9").await, (vec![], 6, 1));
    let reply = owner.get(&format!("{KEYS}?environment=live&isActive=yes&limit=101&page=0&what=1")).await;
    let error = refused(&reply, 422, "VALIDATION_ERROR");
    assert_eq!(error["details"]["errors"].as_array().unwrap().len(), 5, "{error}");
    app.finish().await;
}

async fn a_key_is_changed_and_what_is_not_mentioned_stays(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let fields = json!({ "rateLimit": { "requests": 5 }, "expiresAt": "2027-01-01T00:00:00Z" });
    let (key, client) = make(&app, &owner, "k", fields).await;
    app.advance(Duration::from_secs(1));
    let change = json!({ "permissions": ["read:events"] });
    let changed = owner.put(&path(&key), &change).await.expect(200).data();
    assert_eq!(changed["permissions"], json!(["read:events"]));
    assert_eq!(changed["updatedAt"], "2026-11-21T12:00:01.000Z");
    for field in ["name", "rateLimit", "expiresAt", "createdAt", "environment", "keyPrefix"] {
        assert_eq!(changed[field], key[field], "{field}");
    }
    refused(&client.get(LIST).await, 403, "PERMISSION_DENIED");
    let reset = json!({ "rateLimit": null, "expiresAt": null, "permissions": ["read:webhooks"] });
    let changed = owner.put(&path(&key), &reset).await.expect(200).data();
    assert_eq!((&changed["rateLimit"], &changed["expiresAt"]), (&Value::Null, &Value::Null));
    client.get(LIST).await.expect(200);
    owner.put(&path(&key), &json!({ "expiresAt": "2026-11-21T12:00:02Z" })).await.expect(200);
    client.get(LIST).await.expect(200);
    app.advance(Duration::from_secs(1));
    refused(&client.get(LIST).await, 401, "API_KEY_EXPIRED");
    app.finish().await;
}

async fn an_inactive_key_can_be_brought_back_and_a_revoked_one_cannot(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let (key, client) = make(&app, &owner, "k", json!({})).await;
    let off = owner.put(&path(&key), &json!({ "isActive": false })).await.expect(200).data();
    assert_eq!(off["isActive"], false);
    refused(&client.get(LIST).await, 401, "API_KEY_INVALID");
    owner.put(&path(&key), &json!({ "isActive": true })).await.expect(200);
    client.get(LIST).await.expect(200);

    let revoke = format!("{}/revoke", path(&key));
    let revoked = owner.post(&revoke, &json!({})).await.expect(200).data();
    assert_eq!((&revoked["isActive"], &revoked["revokedAt"]), (&json!(false), &json!("2026-11-21T12:00:00.000Z")));
    refused(&client.get(LIST).await, 401, "API_KEY_INVALID");
    app.advance(Duration::from_secs(1));
    let again = owner.post(&revoke, &json!({})).await.expect(200).data();
    assert_eq!(again["revokedAt"], revoked["revokedAt"]);
    refused(&owner.put(&path(&key), &json!({ "isActive": true })).await, 409, "CONFLICT");
    refused(&owner.put(&path(&key), &json!({ "name": "other" })).await, 409, "CONFLICT");
    app.finish().await;
}

async fn a_deleted_key_is_gone(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let (key, client) = make(&app, &owner, "k", json!({})).await;
    let reply = owner.delete(&path(&key)).await.expect(200);
    assert_eq!(reply.data()["id"], key["id"]);
    refused(&client.get(LIST).await, 401, "API_KEY_INVALID");
    for (method, rest) in [
        (Method::GET, ""),
        (Method::PUT, ""),
        (Method::DELETE, ""),
        (Method::POST, "/revoke"),
        (Method::POST, "/rotate"),
        (Method::GET, "/usage"),
    ] {
        let request = owner.request(method, &format!("{}{rest}", path(&key))).json_body(&json!({}));
        refused(&owner.send(request).await, 404, "RESOURCE_NOT_FOUND");
    }
    app.finish().await;
}

async fn a_rotated_key_works_for_the_overlap_to_the_second(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let fields = json!({ "rateLimit": { "requests": 5_000 }, "ipWhitelist": ["127.0.0.1"] });
    let (old, old_client) = make(&app, &owner, "k", fields).await;
    let rotate = format!("{}/rotate", path(&old));
    let new = owner.post(&rotate, &json!({ "overlapSeconds": 60 })).await.expect(201).data();
    assert_eq!((&new["replaces"], &new["oldKeyUntil"]), (&old["id"], &json!("2026-11-21T12:01:00.000Z")));
    for field in ["name", "permissions", "environment", "rateLimit", "ipWhitelist", "expiresAt"] {
        assert_eq!(new[field], old[field], "{field}");
    }
    assert_ne!((&new["id"], &new["key"]), (&old["id"], &old["key"]));
    let new_client = with(&app, &new);
    let shown = owner.get(&path(&old)).await.expect(200).data();
    assert_eq!((&shown["replacedBy"], &shown["expiresAt"]), (&new["id"], &new["oldKeyUntil"]));
    app.advance(Duration::from_millis(59_999));
    old_client.get(LIST).await.expect(200);
    new_client.get(LIST).await.expect(200);
    app.advance(Duration::from_millis(1));
    refused(&old_client.get(LIST).await, 401, "API_KEY_EXPIRED");
    new_client.get(LIST).await.expect(200);
    // The default is a day, and no body is needed.
    let rotate = format!("{}/rotate", path(&new));
    let third = owner.send(owner.request(Method::POST, &rotate)).await.expect(201).data();
    assert_eq!(third["oldKeyUntil"], "2026-11-22T12:01:00.000Z");
    app.finish().await;
}

async fn without_overlap_the_old_key_stops_at_once(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let (old, old_client) = make(&app, &owner, "k", json!({})).await;
    let new = owner.post(&format!("{}/rotate", path(&old)), &json!({ "overlapSeconds": 0 })).await.expect(201).data();
    refused(&old_client.get(LIST).await, 401, "API_KEY_EXPIRED");
    with(&app, &new).get(LIST).await.expect(200);
    app.finish().await;
}

async fn a_rotation_never_makes_a_key_live_longer(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let (old, old_client) = make(&app, &owner, "k", json!({ "expiresAt": "2026-11-21T12:00:30Z" })).await;
    let new = owner.post(&format!("{}/rotate", path(&old)), &json!({ "overlapSeconds": 60 })).await.expect(201).data();
    assert_eq!((&new["oldKeyUntil"], &new["expiresAt"]), (&old["expiresAt"], &old["expiresAt"]));
    // Nor can it be stretched afterwards.
    refused(&owner.put(&path(&old), &json!({ "expiresAt": "2027-01-01T00:00:00Z" })).await, 409, "CONFLICT");
    app.advance(Duration::from_secs(30));
    refused(&old_client.get(LIST).await, 401, "API_KEY_EXPIRED");
    refused(&with(&app, &new).get(LIST).await, 401, "API_KEY_EXPIRED");
    app.finish().await;
}

async fn what_does_not_work_cannot_be_rotated(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let rotate = async |key: &Value| owner.post(&format!("{}/rotate", path(key)), &json!({})).await;
    let (key, _) = make(&app, &owner, "rotated", json!({})).await;
    rotate(&key).await.expect(201);
    refused(&rotate(&key).await, 409, "CONFLICT");
    let (key, _) = make(&app, &owner, "revoked", json!({})).await;
    owner.post(&format!("{}/revoke", path(&key)), &json!({})).await.expect(200);
    refused(&rotate(&key).await, 409, "CONFLICT");
    let (key, _) = make(&app, &owner, "inactive", json!({ "isActive": false })).await;
    refused(&rotate(&key).await, 409, "CONFLICT");
    let (key, _) = make(&app, &owner, "expired", json!({ "expiresAt": "2026-11-21T12:00:01Z" })).await;
    app.advance(Duration::from_secs(1));
    refused(&rotate(&key).await, 409, "CONFLICT");
    let (key, _) = make(&app, &owner, "good", json!({})).await;
    // Of two at once, one.
    let (one, two) = tokio::join!(rotate(&key), rotate(&key));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    app.finish().await;
}

/// A field that is wrong beside good ones, and where the problems are.
fn wrong_fields() -> Vec<(&'static str, Value, Vec<&'static str>)> {
    let days = |interval: i64, notify: i64| json!({ "intervalDays": interval, "notifyDaysBefore": notify });
    vec![
        ("name", json!(""), vec!["name"]),
        ("name", json!("x".repeat(101)), vec!["name"]),
        ("name", json!("a\u{0}b"), vec!["name"]),
        ("name", json!(5), vec!["name"]),
        ("name", Value::Null, vec!["name"]),
        ("permissions", json!([]), vec!["permissions"]),
        ("permissions", json!(["*"]), vec!["permissions.0"]),
        ("permissions", json!(["read:events", "read:events"]), vec!["permissions.1"]),
        ("permissions", json!("read:events"), vec!["permissions"]),
        ("environment", json!("live"), vec!["environment"]),
        ("environment", json!(1), vec!["environment"]),
        ("expiresAt", json!("soon"), vec!["expiresAt"]),
        ("expiresAt", json!("2026-11-21T12:00:00Z"), vec!["expiresAt"]),
        ("expiresAt", json!(5), vec!["expiresAt"]),
        ("ipWhitelist", json!(["x", "10.0.0.0/33"]), vec!["ipWhitelist.0", "ipWhitelist.1"]),
        ("ipWhitelist", json!(vec!["10.0.0.1"; 101]), vec!["ipWhitelist"]),
        ("ipWhitelist", json!("10.0.0.1"), vec!["ipWhitelist"]),
        ("rateLimit", json!({}), vec!["rateLimit.requests"]),
        ("rateLimit", json!({ "requests": 0, "window": "1m" }), vec!["rateLimit.window", "rateLimit.requests"]),
        ("rateLimit", json!({ "requests": 1_000_001 }), vec!["rateLimit.requests"]),
        ("rateLimit", json!(5), vec!["rateLimit"]),
        ("rotationPolicy", json!({}), vec!["rotationPolicy.intervalDays"]),
        ("rotationPolicy", days(731, -1), vec!["rotationPolicy.intervalDays", "rotationPolicy.notifyDaysBefore"]),
        ("rotationPolicy", days(5, 5), vec!["rotationPolicy.notifyDaysBefore"]),
        ("rotationPolicy", json!({ "days": 5 }), vec!["rotationPolicy.days"]),
        ("isActive", json!("yes"), vec!["isActive"]),
        ("hash", json!("x"), vec!["hash"]),
    ]
}

async fn bad_input_is_told_field_by_field(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let (key, _) = make(&app, &owner, "k", json!({})).await;
    for (field, value, places) in wrong_fields() {
        let mut body = json!({ "name": "n", "permissions": ["read:events"] });
        body[field] = value;
        assert_eq!(problems(&owner.post(KEYS, &body).await), places, "{body}");
    }
    assert_eq!(problems(&owner.post(KEYS, &json!({})).await), ["name", "permissions"]);
    let all = json!({ "name": "", "permissions": [], "environment": "live", "rateLimit": {} });
    let places = ["name", "permissions", "rateLimit.requests", "environment"];
    assert_eq!(problems(&owner.post(KEYS, &all).await), places);
    for (body, place) in [
        (json!({ "environment": "production" }), "environment"),
        (json!({ "name": null }), "name"),
        (json!({ "permissions": [] }), "permissions"),
    ] {
        assert_eq!(problems(&owner.put(&path(&key), &body).await), [place], "{body}");
    }
    for (field, value) in [
        ("overlapSeconds", json!(604_801)),
        ("overlapSeconds", json!(-1)),
        ("overlapSeconds", json!("1h")),
        ("overlap", json!(1)),
    ] {
        let reply = owner.post(&format!("{}/rotate", path(&key)), &json!({ field: value })).await;
        assert_eq!(problems(&reply), [field], "{}", reply.text);
    }
    for query in ["month=2026-13", "month=2026", "month=", "month=2026-1", "months=2"] {
        problems(&owner.get(&format!("{}/usage?{query}", path(&key))).await);
    }
    owner.get(&format!("{KEYS}/key_nonsense")).await.expect(404);
    app.finish().await;
}

/// Where the problems of an answer are.
#[track_caller]
fn problems(reply: &Reply) -> Vec<String> {
    let error = refused(reply, 422, "VALIDATION_ERROR");
    let text = |segment: &Value| segment.as_str().map_or_else(|| segment.to_string(), str::to_owned);
    let join = |path: &Value| path.as_array().unwrap().iter().map(text).collect::<Vec<_>>().join(".");
    error["details"]["errors"].as_array().unwrap().iter().map(|problem| join(&problem["path"])).collect()
}

async fn keys_of_other_tenants_are_not_there(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let stranger = app.client_of("other", Environment::Staging).await;
    let other = app.app().engine.ensure_tenant("other", "unlimited").await.unwrap();
    let foreign = app.app().engine.store().keys_of(other.id).await.unwrap()[0].id;
    let one = format!("{KEYS}/{foreign}");
    owner.get(&one).await.expect(404);
    owner.put(&one, &json!({ "name": "mine" })).await.expect(404);
    owner.post(&format!("{one}/revoke"), &json!({})).await.expect(404);
    owner.post(&format!("{one}/rotate"), &json!({})).await.expect(404);
    owner.get(&format!("{one}/usage")).await.expect(404);
    owner.delete(&one).await.expect(404);
    stranger.get(LIST).await.expect(200);
    app.finish().await;
}

async fn use_is_counted_by_key_and_endpoint(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let (key, client) = make(&app, &owner, "k", json!({})).await;
    assert_eq!((&key["usageCount"], &key["lastUsedAt"]), (&json!(0), &Value::Null));
    app.advance(Duration::from_secs(5));
    for _ in 0..3 {
        client.get(LIST).await.expect(200);
    }
    client.post("/api/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202);
    client.post("/api/v1/events", &json!({})).await.expect(422);
    client.get("/api/v1/deliveries").await.expect(403);
    let used = eventually("the requests are counted", || async {
        let shown = owner.get(&path(&key)).await.expect(200).data();
        // The two are written one after the other.
        (shown["usageCount"] == 6 && shown["lastUsedAt"] != Value::Null).then_some(shown)
    })
    .await;
    assert_eq!(used["currentMonthRequests"], 6);
    assert_eq!(used["lastUsedAt"], "2026-11-21T12:00:05.000Z");
    assert_eq!(used["updatedAt"], key["updatedAt"], "using a key does not change it");
    let listed = owner.get(&format!("{KEYS}?environment=staging")).await.expect(200).data();
    let listed = listed["keys"].as_array().unwrap().iter().find(|other| other["id"] == key["id"]).unwrap();
    assert_eq!(listed, &used);
    let usage = owner.get(&format!("{}/usage", path(&key))).await.expect(200).data();
    let expected = json!({
        "month": "2026-11", "totalRequests": 6, "successfulRequests": 4, "failedRequests": 2,
        "requestsByEndpoint": { "GET /api/v1/webhooks": 3, "POST /api/v1/events": 2, "GET /api/v1/deliveries": 1 },
    });
    assert_eq!(usage, expected);
    app.advance_to(Timestamp::parse_rfc3339("2026-12-01T00:00:00Z").unwrap());
    let reply = app.login("owner@example.com", PASSWORD).await.expect(200);
    let owner = Client::new(app.app().api.unwrap(), reply.data()["token"].as_str().unwrap().to_owned());
    let shown = owner.get(&path(&key)).await.expect(200).data();
    assert_eq!((&shown["usageCount"], &shown["currentMonthRequests"]), (&json!(6), &json!(0)));
    let usage = owner.get(&format!("{}/usage?month=2026-11", path(&key))).await.expect(200).data();
    assert_eq!(usage, expected);
    app.finish().await;
}

async fn a_key_has_its_own_limit(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let (_, client) = make(&app, &owner, "k", json!({ "rateLimit": { "requests": 2, "window": "1h" } })).await;
    for left in ["1", "0"] {
        let reply = client.get(LIST).await.expect(200);
        assert_eq!((reply.header("x-ratelimit-limit"), reply.header("x-ratelimit-remaining")), ("2", left));
    }
    refused(&client.get(LIST).await, 429, "RATE_LIMIT_EXCEEDED");
    app.client.get(LIST).await.expect(200);
    app.advance(Duration::from_hours(1));
    client.get(LIST).await.expect(200);
    app.finish().await;
}

async fn owners_are_told_once_when_a_key_is_to_be_rotated(app: TestApp) {
    app.user("ada@example.com", Role::Owner).await;
    let sign_in = async || {
        let reply = app.login("ada@example.com", PASSWORD).await.expect(200);
        Client::new(app.app().api.unwrap(), reply.data()["token"].as_str().unwrap().to_owned())
    };
    let hook =
        app.webhook_with("hook", json!({ "events": ["api_key.*"] }), angarium::receiver::Behaviour::default()).await;
    let owner = sign_in().await;
    let policy =
        |enabled: bool| json!({ "rotationPolicy": { "enabled": enabled, "intervalDays": 3, "notifyDaysBefore": 1 } });
    let (key, _) = make(&app, &owner, "told", policy(true)).await;
    make(&app, &owner, "not told", policy(false)).await;
    let (rotated, _) = make(&app, &owner, "rotated", policy(true)).await;
    let (revoked, _) = make(&app, &owner, "revoked", policy(true)).await;
    owner.post(&format!("{}/revoke", path(&revoked)), &json!({})).await.expect(200);
    app.advance(Duration::from_hours(24));
    // Its interval begins anew with the key that replaces it.
    let owner = sign_in().await;
    owner.post(&format!("{}/rotate", path(&rotated)), &json!({})).await.expect(201);
    let told = async || {
        let events = app.client.get("/api/v1/deliveries?limit=100").await.expect(200).data();
        let events = events.as_array().unwrap().iter().filter(|event| event["eventType"] == "api_key.rotation_due");
        events.cloned().collect::<Vec<_>>()
    };
    app.app().engine.notify_rotations().await.unwrap();
    assert!(told().await.is_empty());
    app.advance(Duration::from_hours(24));
    let (one, two) = tokio::join!(app.app().engine.notify_rotations(), app.app().engine.notify_rotations());
    one.unwrap();
    two.unwrap();
    app.app().engine.notify_rotations().await.unwrap();
    let deliveries = told().await;
    assert_eq!(deliveries.len(), 1, "{deliveries:?}");
    let event = deliveries[0]["eventId"].as_str().unwrap();
    let data = app.client.get(&format!("/api/v1/events/{event}")).await.expect(200).data()["data"].clone();
    assert_eq!((&data["keyId"], &data["name"], &data["keyPrefix"]), (&key["id"], &key["name"], &key["keyPrefix"]));
    assert_eq!(time(&data["dueAt"]), time(&key["createdAt"]).after(Duration::from_hours(72)));
    app.delivery_in(event, "delivered").await;
    assert_eq!(app.receiver.count(&hook.path), 1);
    // The scheduler does it too: a day later the key that replaced another is due.
    app.advance(Duration::from_hours(24));
    eventually("the scheduler tells", || async { (told().await.len() == 2).then_some(()) }).await;
    app.finish().await;
}
