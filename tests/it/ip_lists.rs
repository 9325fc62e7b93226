//! From where a key works: lists of addresses, and the proxies that are believed about who asks.

use angarium::domain::user::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::{Reply, TestApp, both_engines};

both_engines!(
    a_key_works_from_the_addresses_of_its_list,
    a_list_can_be_lifted,
    nobody_is_believed_about_addresses_by_default,
    a_trusted_proxy_is_believed_and_no_hop_before_it,
);

const LIST: &str = "/api/v1/webhooks";

#[track_caller]
fn blocked(reply: &Reply, address: &str) {
    assert_eq!((reply.status, reply.code().as_str()), (403, "PERMISSION_DENIED"), "{}", reply.text);
    let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("from {address}.")), "{message}");
}

async fn key(app: &TestApp, owner: &Client, name: &str, list: Value) -> (String, Client) {
    let body = json!({
        "name": name, "environment": "staging", "permissions": ["read:webhooks"], "ipWhitelist": list,
    });
    let made = owner.post("/api/tenant/api-keys", &body).await.expect(201).data();
    let client = Client::new(app.app().api.unwrap(), made["key"].as_str().unwrap().to_owned());
    (format!("/api/tenant/api-keys/{}", made["id"].as_str().unwrap()), client)
}

async fn forwarded(client: &Client, values: &[&str]) -> Reply {
    let request = client.request(Method::GET, LIST);
    client.send(values.iter().fold(request, |request, value| request.header("x-forwarded-for", *value))).await
}

async fn a_key_works_from_the_addresses_of_its_list(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let here = [
        json!(["127.0.0.1"]),
        json!(["10.0.0.0/8", "127.0.0.0/8"]),
        json!(["::ffff:127.0.0.1"]),
        json!(["::ffff:127.0.0.0/104"]),
        json!(["0.0.0.0/0"]),
        json!([]),
        Value::Null,
    ];
    for (n, list) in here.into_iter().enumerate() {
        let (_, client) = key(&app, &owner, &format!("here {n}"), list).await;
        client.get(LIST).await.expect(200);
    }
    for (n, list) in [json!(["127.0.0.2"]), json!(["10.0.0.0/8"]), json!(["::1", "::/0"])].into_iter().enumerate() {
        let (_, client) = key(&app, &owner, &format!("elsewhere {n}"), list).await;
        blocked(&client.get(LIST).await, "127.0.0.1");
        // It is blocked before its permissions are looked at, and from everything.
        blocked(&client.get("/api/v1/deliveries").await, "127.0.0.1");
    }
    app.finish().await;
}

async fn a_list_can_be_lifted(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let (path, client) = key(&app, &owner, "k", json!(["10.0.0.1"])).await;
    blocked(&client.get(LIST).await, "127.0.0.1");
    for lifted in [json!([]), Value::Null] {
        owner.put(&path, &json!({ "ipWhitelist": lifted })).await.expect(200);
        client.get(LIST).await.expect(200);
        owner.put(&path, &json!({ "ipWhitelist": ["10.0.0.1"] })).await.expect(200);
        blocked(&client.get(LIST).await, "127.0.0.1");
    }
    app.finish().await;
}

async fn nobody_is_believed_about_addresses_by_default(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let (_, client) = key(&app, &owner, "k", json!(["192.0.2.1"])).await;
    blocked(&forwarded(&client, &["192.0.2.1"]).await, "127.0.0.1");
    let (_, client) = key(&app, &owner, "here", json!(["127.0.0.1"])).await;
    forwarded(&client, &["192.0.2.1"]).await.expect(200);
    app.finish().await;
}

async fn a_trusted_proxy_is_believed_and_no_hop_before_it(mut app: TestApp) {
    app.config.api.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    app.restart().await;
    let owner = app.signed_in(Role::Owner).await;
    let (_, client) = key(&app, &owner, "k", json!(["192.0.2.1", "2001:db8::/32"])).await;
    forwarded(&client, &["192.0.2.1"]).await.expect(200);
    forwarded(&client, &["203.0.113.9, 192.0.2.1, 10.1.1.1"]).await.expect(200);
    forwarded(&client, &["203.0.113.9", "[2001:db8::7]:4711, 10.1.1.1"]).await.expect(200);
    // What the client wrote itself stands before what the proxies saw.
    blocked(&forwarded(&client, &["192.0.2.1, 203.0.113.9"]).await, "203.0.113.9");
    blocked(&forwarded(&client, &["192.0.2.1", "203.0.113.9, 10.1.1.1"]).await, "203.0.113.9");
    blocked(&forwarded(&client, &["192.0.2.1, unknown"]).await, "127.0.0.1");
    blocked(&forwarded(&client, &[]).await, "127.0.0.1");
    app.finish().await;
}
