//! The people of a tenant: let in, given roles and passwords, and shown out, by those who may.

use angarium::domain::user::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Client, JsonBody as _};
use crate::support::people::PASSWORD;
use crate::support::{Reply, TestApp, both_engines};

both_engines!(
    a_user_is_made_and_signs_in,
    nobody_lifts_themselves_up,
    a_member_reads_nobody_else,
    a_user_is_changed_and_shut_out,
    a_password_is_set_by_who_may,
    the_last_owner_stays,
    two_owners_do_not_remove_each_other,
    users_of_other_tenants_are_not_there,
    bad_input_is_told_field_by_field,
);

const USERS: &str = "/api/tenant/users";
const ME: &str = "/api/auth/me";

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) -> Value {
    assert_eq!((reply.status, reply.code().as_str()), (status, code), "{}", reply.text);
    reply.json()["error"].clone()
}

async fn id_of(client: &Client) -> String {
    client.get(ME).await.expect(200).data()["user"]["id"].as_str().unwrap().to_owned()
}

async fn make(client: &Client, email: &str, role: &str) -> Value {
    let body = json!({ "email": email, "role": role, "password": PASSWORD });
    client.post(USERS, &body).await.expect(201).data()
}

fn path(user: &Value) -> String {
    format!("{USERS}/{}", user["id"].as_str().unwrap())
}

async fn sign_in(app: &TestApp, email: &str, password: &str) -> Client {
    let reply = app.login(email, password).await.expect(200);
    Client::new(app.app().api.unwrap(), reply.data()["token"].as_str().unwrap().to_owned())
}

async fn a_user_is_made_and_signs_in(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    app.advance(std::time::Duration::from_secs(1));
    let reply = owner.post(USERS, &json!({ "email": " Ada@Example.com ", "role": "member" })).await.expect(201);
    let mut made = reply.data();
    assert_eq!(reply.header("location"), path(&made));
    let drawn = made["password"].take();
    let ada = sign_in(&app, "ada@example.com", drawn.as_str().unwrap()).await;
    assert_eq!(id_of(&ada).await, made["id"].as_str().unwrap());
    assert_eq!((&made["name"], &made["role"]), (&json!("ada@example.com"), &json!("member")));
    assert_eq!((&made["isActive"], &made["disabledAt"]), (&json!(true), &Value::Null));
    assert_eq!(made["createdAt"], "2026-11-21T12:00:01.000Z");
    made.as_object_mut().unwrap().remove("password");
    assert_eq!(owner.get(&path(&made)).await.expect(200).data(), made, "the password is shown once");

    app.advance(std::time::Duration::from_secs(1));
    let bob = json!({ "email": "bob@example.com", "role": "admin", "name": " Bob ", "password": PASSWORD });
    let bob = owner.post(USERS, &bob).await.expect(201).data();
    assert_eq!((&bob["name"], bob.get("password")), (&json!("Bob"), None));
    let list = owner.get(&format!("{USERS}?limit=2")).await.expect(200).json();
    let emails: Vec<_> = list["data"].as_array().unwrap().iter().map(|user| user["email"].clone()).collect();
    assert_eq!(emails, ["bob@example.com", "ada@example.com"]);
    assert_eq!(list["pagination"], json!({ "total": 3, "page": 1, "limit": 2, "totalPages": 2 }));
    refused(&owner.post(USERS, &json!({ "email": "ADA@example.com", "role": "member" })).await, 409, "CONFLICT");

    owner.delete(&path(&made)).await.expect(200);
    refused(&ada.get(ME).await, 401, "SESSION_INVALID");
    refused(&app.login("ada@example.com", drawn.as_str().unwrap()).await, 401, "AUTH_REQUIRED");
    refused(&owner.get(&path(&made)).await, 404, "RESOURCE_NOT_FOUND");
    make(&owner, "ada@example.com", "member").await;
    app.finish().await;
}

async fn nobody_lifts_themselves_up(app: TestApp) {
    let (owner, admin) = (app.signed_in(Role::Owner).await, app.signed_in(Role::Admin).await);
    for role in ["owner", "admin"] {
        let body = json!({ "email": format!("new-{role}@example.com"), "role": role });
        let error = refused(&admin.post(USERS, &body).await, 403, "PERMISSION_DENIED");
        assert!(error["message"].as_str().unwrap().contains(&format!("`{role}`")), "{error}");
    }
    let member = make(&admin, "ada@example.com", "member").await;
    let other = make(&owner, "bob@example.com", "admin").await;
    let (himself, boss) = (id_of(&admin).await, id_of(&owner).await);
    let (himself, boss) = (format!("{USERS}/{himself}"), format!("{USERS}/{boss}"));
    for (path, role) in [(path(&member), "admin"), (path(&member), "owner"), (himself.clone(), "owner")] {
        refused(&admin.put(&path, &json!({ "role": role })).await, 403, "PERMISSION_DENIED");
    }
    for above in [&boss, &path(&other)] {
        refused(&admin.put(above, &json!({ "name": "x" })).await, 403, "PERMISSION_DENIED");
        refused(&admin.delete(above).await, 403, "PERMISSION_DENIED");
        refused(&admin.post(&format!("{above}/password"), &json!({})).await, 403, "PERMISSION_DENIED");
        // They may be seen.
        admin.get(above).await.expect(200);
    }
    admin.put(&himself, &json!({ "name": "Adam", "role": "admin" })).await.expect(200);
    assert_eq!(owner.put(&path(&member), &json!({ "role": "admin" })).await.expect(200).data()["role"], "admin");
    // From now on that is no member.
    refused(&admin.put(&path(&member), &json!({ "name": "x" })).await, 403, "PERMISSION_DENIED");
    let operator = app.signed_in(Role::Operator).await;
    let body = json!({ "email": "boss@example.com", "role": "owner" });
    operator.send(operator.request(Method::POST, USERS).header("x-tenant", "acme").json_body(&body)).await.expect(201);
    app.finish().await;
}

async fn a_member_reads_nobody_else(app: TestApp) {
    let (owner, member) = (app.signed_in(Role::Owner).await, app.signed_in(Role::Member).await);
    let (own, other) = (format!("{USERS}/{}", id_of(&member).await), format!("{USERS}/{}", id_of(&owner).await));
    assert_eq!(member.get(&own).await.expect(200).data()["role"], "member");
    refused(&member.get(&other).await, 404, "RESOURCE_NOT_FOUND");
    refused(&member.post(&format!("{other}/password"), &json!({})).await, 404, "RESOURCE_NOT_FOUND");
    refused(&member.get(USERS).await, 403, "PERMISSION_DENIED");
    refused(&member.post(USERS, &json!({ "email": "a@b.example", "role": "member" })).await, 403, "PERMISSION_DENIED");
    for path in [&own, &other] {
        refused(&member.put(path, &json!({ "role": "owner" })).await, 403, "PERMISSION_DENIED");
        refused(&member.delete(path).await, 403, "PERMISSION_DENIED");
    }
    app.finish().await;
}

async fn a_user_is_changed_and_shut_out(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let ada = make(&owner, "ada@example.com", "member").await;
    let client = sign_in(&app, "ada@example.com", PASSWORD).await;
    let hook = json!({ "name": "h", "url": app.receiver.url("/h"), "events": ["*"] });
    refused(&client.post("/api/v1/webhooks", &hook).await, 403, "PERMISSION_DENIED");
    app.advance(std::time::Duration::from_secs(1));
    let changed = owner.put(&path(&ada), &json!({ "role": "admin", "name": "Ada L." })).await.expect(200).data();
    assert_eq!((&changed["name"], &changed["role"]), (&json!("Ada L."), &json!("admin")));
    assert_eq!(changed["updatedAt"], "2026-11-21T12:00:01.000Z");
    // Her session has the new role at once.
    client.post("/api/v1/webhooks", &hook).await.expect(201);

    let out = owner.put(&path(&ada), &json!({ "isActive": false })).await.expect(200).data();
    assert_eq!((&out["isActive"], &out["disabledAt"]), (&json!(false), &json!("2026-11-21T12:00:01.000Z")));
    assert_eq!((&out["name"], &out["role"]), (&json!("Ada L."), &json!("admin")));
    refused(&client.get(ME).await, 401, "SESSION_INVALID");
    refused(&app.login("ada@example.com", PASSWORD).await, 401, "AUTH_REQUIRED");
    let back = owner.put(&path(&ada), &json!({ "isActive": true })).await.expect(200).data();
    assert_eq!((&back["isActive"], &back["disabledAt"]), (&json!(true), &Value::Null));
    refused(&client.get(ME).await, 401, "SESSION_INVALID");
    sign_in(&app, "ada@example.com", PASSWORD).await;
    app.finish().await;
}

async fn a_password_is_set_by_who_may(app: TestApp) {
    let (owner, admin) = (app.signed_in(Role::Owner).await, app.signed_in(Role::Admin).await);
    let ada = make(&admin, "ada@example.com", "member").await;
    let client = sign_in(&app, "ada@example.com", PASSWORD).await;
    let at = format!("{}/password", path(&ada));
    // One's own takes the old one.
    for (body, field) in [
        (json!({ "newPassword": "another good password" }), "currentPassword"),
        (json!({ "currentPassword": "wrong horse", "newPassword": "another good password" }), "currentPassword"),
        (json!({ "currentPassword": PASSWORD }), "newPassword"),
        (json!({ "currentPassword": PASSWORD, "newPassword": "short" }), "newPassword"),
    ] {
        let error = refused(&client.post(&at, &body).await, 422, "VALIDATION_ERROR");
        assert_eq!(error["details"]["errors"][0]["path"], json!([field]), "{body}");
    }
    let own = json!({ "currentPassword": PASSWORD, "newPassword": "another good password" });
    assert_eq!(client.post(&at, &own).await.expect(200).data(), json!({ "id": ada["id"] }));
    client.get(ME).await.expect(200);

    // Somebody else's is drawn, or given; their sessions end.
    let drawn = admin.send(admin.request(Method::POST, &at)).await.expect(200).data()["password"].clone();
    refused(&client.get(ME).await, 401, "SESSION_INVALID");
    refused(&app.login("ada@example.com", "another good password").await, 401, "AUTH_REQUIRED");
    let client = sign_in(&app, "ada@example.com", drawn.as_str().unwrap()).await;
    let given = owner.post(&at, &json!({ "newPassword": "given by the owner" })).await.expect(200).data();
    assert_eq!(given, json!({ "id": ada["id"] }));
    refused(&client.get(ME).await, 401, "SESSION_INVALID");
    sign_in(&app, "ada@example.com", "given by the owner").await;
    for body in [json!({ "newPassword": "short" }), json!({ "currentPassword": PASSWORD })] {
        refused(&owner.post(&at, &body).await, 422, "VALIDATION_ERROR");
    }
    app.finish().await;
}

async fn the_last_owner_stays(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let own = format!("{USERS}/{}", id_of(&owner).await);
    let second = make(&owner, "second@example.com", "owner").await;
    owner.put(&path(&second), &json!({ "isActive": false })).await.expect(200);
    let goes = [json!({ "role": "admin" }), json!({ "role": "member" }), json!({ "isActive": false })];
    for change in &goes {
        refused(&owner.put(&own, change).await, 409, "CONFLICT");
    }
    let error = refused(&owner.delete(&own).await, 409, "CONFLICT");
    assert!(error["message"].as_str().unwrap().contains("owner"), "{error}");
    let operator = app.signed_in(Role::Operator).await;
    let delete = operator.request(Method::DELETE, &own).header("x-tenant", "acme");
    refused(&operator.send(delete).await, 409, "CONFLICT");
    owner.put(&own, &json!({ "name": "Still here" })).await.expect(200);
    // With another one who can sign in, one may go.
    owner.put(&path(&second), &json!({ "isActive": true })).await.expect(200);
    owner.put(&own, &goes[1]).await.expect(200);
    refused(&owner.get(USERS).await, 403, "PERMISSION_DENIED");
    app.finish().await;
}

async fn two_owners_do_not_remove_each_other(app: TestApp) {
    let first = app.signed_in(Role::Owner).await;
    for round in 0..4 {
        let email = format!("second{round}@example.com");
        let second = make(&first, &email, "owner").await;
        let client = sign_in(&app, &email, PASSWORD).await;
        let own = format!("{USERS}/{}", id_of(&first).await);
        let demote = json!({ "role": "member" });
        let (one, other) = (path(&second), own.clone());
        let (one, other) = tokio::join!(first.put(&one, &demote), client.put(&other, &demote));
        let done = [&one, &other].into_iter().filter(|reply| reply.status == 200).count();
        assert_eq!(done, 1, "{} {}", one.text, other.text);
        if other.status == 200 {
            client.put(&own, &json!({ "role": "owner" })).await.expect(200);
            first.delete(&path(&second)).await.expect(200);
        }
    }
    app.finish().await;
}

async fn users_of_other_tenants_are_not_there(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let operator = app.signed_in(Role::Operator).await;
    app.app().engine.ensure_tenant("other", "unlimited").await.unwrap();
    let body = json!({ "email": "else@example.com", "role": "member" });
    let request = operator.request(Method::POST, USERS).header("x-tenant", "other").json_body(&body);
    let stranger = operator.send(request).await.expect(201).data();
    let operator_id = id_of(&operator).await;
    for id in [stranger["id"].as_str().unwrap(), &operator_id, "usr_x", "x"] {
        let one = format!("{USERS}/{id}");
        refused(&owner.get(&one).await, 404, "RESOURCE_NOT_FOUND");
        refused(&owner.put(&one, &json!({ "name": "x" })).await, 404, "RESOURCE_NOT_FOUND");
        refused(&owner.post(&format!("{one}/password"), &json!({})).await, 404, "RESOURCE_NOT_FOUND");
        refused(&owner.delete(&one).await, 404, "RESOURCE_NOT_FOUND");
    }
    assert_eq!(owner.get(USERS).await.expect(200).json()["pagination"]["total"], 1);
    // The operator's own password is nobody's but theirs.
    let own = json!({ "currentPassword": PASSWORD, "newPassword": "another good password" });
    let at = format!("{USERS}/{operator_id}/password");
    operator.send(operator.request(Method::POST, &at).header("x-tenant", "acme").json_body(&own)).await.expect(200);
    app.finish().await;
}

async fn bad_input_is_told_field_by_field(app: TestApp) {
    let owner = app.signed_in(Role::Owner).await;
    let long = "x".repeat(101);
    let member = make(&owner, "ada@example.com", "member").await;
    let told = |reply: &Reply| -> Vec<String> {
        let error = refused(reply, 422, "VALIDATION_ERROR");
        let errors = error["details"]["errors"].as_array().unwrap().clone();
        errors.iter().map(|error| error["path"][0].as_str().unwrap().to_owned()).collect()
    };
    for (body, fields) in [
        (json!({}), vec!["email", "role"]),
        (json!({ "email": "ada", "role": "boss", "password": "short" }), vec!["email", "role", "password"]),
        (json!({ "email": "a@b.example", "role": "operator" }), vec!["role"]),
        (json!({ "email": "a@b.example", "role": "member", "name": long }), vec!["name"]),
        (json!({ "email": "a@b.example", "role": "member", "nmae": "x" }), vec!["nmae"]),
        (json!({ "email": null, "role": null }), vec!["email", "role"]),
    ] {
        assert_eq!(told(&owner.post(USERS, &body).await), fields, "{body}");
    }
    for (body, fields) in [
        (json!({ "name": "", "role": "operator", "isActive": null }), vec!["name", "role", "isActive"]),
        (json!({ "name": null, "role": null }), vec!["name", "role"]),
        (json!({ "email": "b@b.example" }), vec!["email"]),
        (json!({ "isActive": "no" }), vec!["isActive"]),
    ] {
        assert_eq!(told(&owner.put(&path(&member), &body).await), fields, "{body}");
    }
    app.finish().await;
}
