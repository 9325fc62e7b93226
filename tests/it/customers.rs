//! Customers: they live as records do, webhooks are told of it, and lists find them.

use angarium::domain::tenant::Environment;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::JsonBody as _;
use crate::support::core::{count_events, ids, made, path, told};
use crate::support::{TestApp, both_engines};

both_engines!(
    a_customer_lives_and_webhooks_are_told,
    put_takes_back_what_get_gave,
    lists_find_by_every_filter,
    others_see_nothing_of_it,
    a_change_may_be_bound_to_a_version,
    permissions_are_asked_for,
);

async fn a_customer_lives_and_webhooks_are_told(app: TestApp) {
    let webhook = app.webhook("hook").await;
    let body = json!({ "firstName": "Ada", "email": "ada@mail.example", "phone": "+49 30 123-456", "tags": ["vip"] });
    let reply = app.client.post("/api/v1/customers", &body).await.expect(201);
    let customer = reply.data();
    assert_eq!(reply.header("location"), path("customers", &customer));
    assert_eq!(reply.header("etag"), "\"1\"");
    assert!(customer["id"].as_str().unwrap().starts_with("cus_"));
    let profile = json!({
        "firstName": "Ada", "lastName": null, "email": "ada@mail.example", "phone": "+4930123456",
        "company": null, "jobTitle": null,
    });
    assert_eq!(customer["profile"], profile);
    assert_eq!((&customer["tier"], &customer["status"]), (&json!("bronze"), &json!("active")));
    assert_eq!((&customer["tags"], &customer["customFields"]), (&json!(["vip"]), &json!({})));
    assert_eq!(customer["createdAt"], app.clock.now().to_string());

    app.advance(std::time::Duration::from_secs(5));
    let at = path("customers", &customer);
    assert_eq!(app.client.get(&at).await.expect(200).data(), customer);
    let changed = app.client.patch(&at, &json!({ "tier": "gold", "profile": { "lastName": "Okafor" } })).await;
    let changed = changed.expect(200);
    assert_eq!(changed.header("etag"), "\"2\"");
    let changed = changed.data();
    assert_eq!((&changed["tier"], &changed["profile"]["lastName"]), (&json!("gold"), &json!("Okafor")));
    assert_eq!(changed["profile"]["firstName"], "Ada");
    assert_eq!((&changed["createdAt"], &changed["updatedAt"]), (&customer["createdAt"], &json!(app.clock.now())));

    // What changes nothing is no change.
    let same = app.client.put(&at, &json!({ "tier": "gold" })).await.expect(200);
    assert_eq!((same.header("etag"), same.data()), ("\"2\"", changed.clone()));

    let deleted = app.client.delete(&at).await.expect(200).json();
    let message = "The customer was deleted";
    assert_eq!(deleted, json!({ "success": true, "message": message, "data": { "id": customer["id"] } }));
    assert_eq!(app.client.get(&at).await.expect(404).code(), "RESOURCE_NOT_FOUND");
    assert_eq!(app.client.delete(&at).await.expect(404).code(), "RESOURCE_NOT_FOUND");
    assert_eq!(app.client.patch(&at, &json!({})).await.expect(404).code(), "RESOURCE_NOT_FOUND");
    assert_eq!(ids(&app, "customers?search=ada").await, Vec::<Value>::new());

    let expected = [("customer.created".to_owned(), customer), ("customer.updated".to_owned(), changed)];
    assert_eq!(told(&app, &webhook, 2).await, expected);
    app.sweep().await;
    assert_eq!(app.receiver.count(&webhook.path), 2, "nothing tells of what changed nothing, nor of a deletion");
    app.finish().await;
}

async fn put_takes_back_what_get_gave(app: TestApp) {
    let customer = made(&app, "customers", json!({ "email": "a@mail.example", "tier": "silver" })).await;
    let at = path("customers", &customer);
    let mut edited = customer.clone();
    edited["status"] = json!("inactive");
    assert_eq!(app.client.put(&at, &edited).await.expect(200).data()["status"], "inactive");
    // What Angarium sets may be sent back, and not changed.
    edited["createdAt"] = json!("2020-01-01T00:00:00.000Z");
    edited["id"] = json!("cus_00000000000000000000000000");
    let reply = app.client.put(&at, &edited).await.expect(422).json();
    let errors = reply["error"]["details"]["errors"].as_array().unwrap().clone();
    let named: Vec<_> = errors.iter().map(|error| (&error["path"][0], &error["code"])).collect();
    // `updatedAt` has moved on since it was read.
    let not_allowed = json!("NOT_ALLOWED");
    assert_eq!(named, [(&json!("id"), &not_allowed), (&json!("createdAt"), &not_allowed)]);
    // Null resets; the last way to reach somebody cannot be taken away.
    assert_eq!(app.client.patch(&at, &json!({ "tier": null })).await.expect(200).data()["tier"], "bronze");
    let reply = app.client.patch(&at, &json!({ "profile": { "email": null } })).await.expect(422).json();
    assert!(reply["error"]["message"].as_str().unwrap().starts_with("needs at least one of `firstName`"), "{reply}");
    app.finish().await;
}

async fn lists_find_by_every_filter(app: TestApp) {
    let customers = [
        json!({ "firstName": "Ada", "lastName": "Okafor", "email": "ada@mail.example", "tags": ["vip", "eu"] }),
        json!({ "firstName": "Bo", "company": "Okafor & Sons", "tier": "gold", "tags": ["eu"] }),
        json!({ "firstName": "Änne", "phone": "+49 (30) 1234", "tier": "gold", "status": "archived" }),
        json!({ "profile": { "email": "okay@other.example" }, "tier": "platinum", "tags": ["vip"] }),
    ];
    let mut made_ids = Vec::new();
    for body in customers {
        made_ids.push(made(&app, "customers", body).await["id"].clone());
        app.advance(std::time::Duration::from_millis(1));
    }
    for (query, expected) in [
        ("", vec![3, 2, 1, 0]),
        ("search=okafor", vec![1, 0]),
        ("search=OKA", vec![3, 1, 0]),
        ("search=oka%20ada", vec![0]),
        ("search=%C3%84NNE", vec![2]),
        ("search=%2B49%2030%2012", vec![2]),
        ("search=mail.example", vec![0]),
        ("search=example", vec![3, 0]),
        ("search=kafor", vec![]),
        ("search=okafor&tier=gold", vec![1]),
        ("tier=gold", vec![2, 1]),
        ("tier=gold&status=active", vec![1]),
        ("status=archived", vec![2]),
        ("tags=eu", vec![1, 0]),
        ("tags=eu,vip", vec![0]),
        ("tags=eu&tags=vip", vec![0]),
        ("tags=vip&tier=platinum&status=active&search=okay", vec![3]),
        ("tags=v", vec![]),
        ("tier=silver", vec![]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|index: usize| made_ids[index].clone()).collect();
        assert_eq!(ids(&app, &format!("customers?{query}")).await, expected, "{query}");
    }
    let page = app.client.get("/api/v1/customers?search=oka&limit=2&page=2").await.expect(200).json();
    assert_eq!(page["data"][0]["id"], made_ids[0]);
    let pagination = &page["pagination"];
    let numbers = ["total", "page", "limit", "totalPages"].map(|name| pagination[name].as_u64().unwrap());
    assert_eq!(numbers, [3, 2, 2, 2]);
    // What a change takes away is found no longer.
    let at = format!("/api/v1/customers/{}", made_ids[0].as_str().unwrap());
    app.client.patch(&at, &json!({ "tags": ["us"], "lastName": "Young" })).await.expect(200);
    assert_eq!(ids(&app, "customers?tags=vip").await, [made_ids[3].clone()]);
    assert_eq!(ids(&app, "customers?search=okafor").await, [made_ids[1].clone()]);
    assert_eq!(ids(&app, "customers?search=young&tags=us").await, [made_ids[0].clone()]);
    for bad in ["tier=standard", "status=gone", "search=", "search=a%20b%20c%20d", "tags=", "tags=a,b,c,d", "name=x"] {
        assert_eq!(app.client.get(&format!("/api/v1/customers?{bad}")).await.expect(422).code(), "VALIDATION_ERROR");
    }
    app.finish().await;
}

async fn others_see_nothing_of_it(app: TestApp) {
    let customer = made(&app, "customers", json!({ "email": "a@mail.example" })).await;
    let at = path("customers", &customer);
    for other in
        [app.client_of("other", Environment::Staging).await, app.client_of("acme", Environment::Production).await]
    {
        assert_eq!(other.get(&at).await.expect(404).code(), "RESOURCE_NOT_FOUND");
        other.patch(&at, &json!({ "tier": "gold" })).await.expect(404);
        other.delete(&at).await.expect(404);
        for query in ["", "?search=a", "?tier=bronze"] {
            let list = other.get(&format!("/api/v1/customers{query}")).await.expect(200).json();
            assert_eq!((&list["data"], &list["pagination"]["total"]), (&json!([]), &json!(0)));
        }
        // Nor can it be named.
        let body = json!({ "subject": "x", "customerId": customer["id"] });
        let reply = other.post("/api/v1/conversations", &body).await.expect(422).json();
        assert_eq!(reply["error"]["details"]["errors"][0]["path"], json!(["customerId"]));
    }
    // An id of another noun is of nothing here.
    let user = customer["id"].as_str().unwrap().replace("cus_", "usr_");
    app.client.get(&format!("/api/v1/customers/{user}")).await.expect(404);
    app.client.get(&format!("/api/v1/users/{user}")).await.expect(404);
    assert_eq!(app.client.get(&at).await.expect(200).data(), customer);
    app.finish().await;
}

async fn a_change_may_be_bound_to_a_version(app: TestApp) {
    app.webhook("hook").await;
    let customer = made(&app, "customers", json!({ "email": "a@mail.example" })).await;
    let at = path("customers", &customer);
    let bound = |method: Method, tag: &'static str, body: Value| {
        app.client.send(app.client.request(method, &at).header("if-match", tag).json_body(&body))
    };
    let known = app.client.request(Method::GET, &at).header("if-none-match", "\"1\"");
    assert_eq!(app.client.send(known).await.expect(304).text, "");
    for method in [Method::PATCH, Method::PUT] {
        let reply = bound(method, "\"7\"", json!({ "tier": "gold" })).await.expect(412);
        assert_eq!(reply.code(), "PRECONDITION_FAILED");
    }
    assert_eq!(bound(Method::DELETE, "\"7\"", Value::Null).await.expect(412).code(), "PRECONDITION_FAILED");
    // Of many who saw the same version, one may change it; the others leave nothing behind.
    let labels: Vec<String> = (0..8).map(|n| format!("t{n}")).collect();
    let changes = labels.iter().map(|label| bound(Method::PATCH, "\"1\"", json!({ "tags": [label] })));
    let replies = futures_util::future::join_all(changes).await;
    let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
    assert_eq!(count_events(&app, "customer.updated").await, 1);
    // Those who do not mind the version all get their turn.
    let changes = [("company", "a"), ("jobTitle", "b"), ("lastName", "c")].map(|(field, text)| {
        let (client, at) = (app.client.clone(), at.clone());
        async move { client.patch(&at, &json!({ field: text })).await }
    });
    for reply in futures_util::future::join_all(changes).await {
        reply.expect(200);
    }
    let now = app.client.get(&at).await.expect(200);
    assert_eq!(now.header("etag"), "\"5\"");
    let profile = &now.data()["profile"];
    assert_eq!(
        (&profile["company"], &profile["jobTitle"], &profile["lastName"]),
        (&json!("a"), &json!("b"), &json!("c"))
    );
    assert_eq!(count_events(&app, "customer.updated").await, 4);
    assert!(bound(Method::DELETE, "\"5\"", Value::Null).await.status == 200);
    app.finish().await;
}

async fn permissions_are_asked_for(app: TestApp) {
    let customer = made(&app, "customers", json!({ "email": "a@mail.example" })).await;
    let at = path("customers", &customer);
    let reader = app.client_with(&["read:customers"]).await;
    reader.get(&at).await.expect(200);
    reader.get("/api/v1/leads").await.expect(200);
    for reply in [
        reader.post("/api/v1/customers", &json!({ "email": "a@mail.example" })).await,
        reader.patch(&at, &json!({})).await,
        reader.delete(&at).await,
        reader.get("/api/v1/conversations").await,
        reader.get("/api/v1/messages").await,
        reader.get("/api/v1/users").await,
        reader.get("/api/v1/calls").await,
    ] {
        let error = reply.expect(403).json()["error"].clone();
        assert_eq!(error["code"], "PERMISSION_DENIED", "{error}");
    }
    let words = app.client_with(&["write:conversations", "read:messages"]).await;
    words.post("/api/v1/conversations", &json!({})).await.expect(201);
    words.post("/api/v1/customers", &json!({ "email": "a@mail.example" })).await.expect(403);
    words.get("/api/v1/messages").await.expect(200);
    app.finish().await;
}
