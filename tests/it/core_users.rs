//! Users of the core API: the people who look after conversations.

use serde_json::{Value, json};

use crate::support::core::{ids, made, path, told};
use crate::support::{TestApp, both_engines};

both_engines!(webhooks_are_told_of_users, users_are_found);

async fn webhooks_are_told_of_users(app: TestApp) {
    let webhook = app.webhook("hook").await;
    let user = made(&app, "users", json!({ "name": "Mira Novak", "email": "mira@desk.example" })).await;
    assert_eq!((&user["role"], &user["isActive"]), (&json!("agent"), &json!(true)));
    app.advance(std::time::Duration::from_millis(1));
    let changed = app.client.put(&path("users", &user), &json!({ "isActive": false })).await.expect(200).data();
    let expected = [("user.created".to_owned(), user), ("user.updated".to_owned(), changed)];
    assert_eq!(told(&app, &webhook, 2).await, expected);
    app.finish().await;
}

async fn users_are_found(app: TestApp) {
    let mira = made(&app, "users", json!({ "name": "Mira Novak", "email": "mira@desk.example" })).await;
    let body = json!({ "name": "Noa", "email": "noa@desk.example", "role": "supervisor", "isActive": false });
    app.advance(std::time::Duration::from_millis(1));
    let noa = made(&app, "users", body).await;
    for (query, expected) in [
        ("search=nov", vec![&mira]),
        ("search=desk.example", vec![&noa, &mira]),
        ("role=supervisor", vec![&noa]),
        ("isActive=true", vec![&mira]),
        ("isActive=false&search=noa", vec![&noa]),
    ] {
        let expected: Vec<Value> = expected.into_iter().map(|user| user["id"].clone()).collect();
        assert_eq!(ids(&app, &format!("users?{query}")).await, expected, "{query}");
    }
    let reply = app.client.post("/api/v1/users", &json!({})).await.expect(422).json();
    let errors = reply["error"]["details"]["errors"].as_array().unwrap().clone();
    let named: Vec<_> = errors.iter().map(|error| error["path"][0].clone()).collect();
    assert_eq!(named, [json!("name"), json!("email")]);
    app.client.patch(&path("users", &mira), &json!({ "name": null })).await.expect(422);
    app.finish().await;
}
