//! What holds for every noun of the core API, whatever its table says: bad input is told in full and leaves nothing,
//! and a record and its event are written together or not at all.

use angarium::domain::noun::kind::Kind;
use angarium::domain::noun::{Access, Field, NOUNS, Noun};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::support::client::JsonBody as _;
use crate::support::core::{count_events, ids, made, path};
use crate::support::{Reply, TestApp, TestEngine, both_engines};

both_engines!(
    every_field_of_every_noun_is_judged,
    every_noun_lives_by_the_same_routes,
    a_record_and_its_event_are_written_together_or_not_at_all,
);

/// A body that makes a record: the noun's example, less what clients do not set and what names other records.
fn body(noun: &Noun, conversation: &Value) -> Value {
    let example: Map<String, Value> = serde_json::from_str(noun.example).unwrap();
    let is_given = |field: &&Field| field.access != Access::ReadOnly && !matches!(field.kind, Kind::Reference(_));
    let mut body: Map<String, Value> =
        noun.fields.iter().filter(is_given).map(|field| (field.name.to_owned(), example[field.name].clone())).collect();
    if noun.parent.is_some() {
        body.insert("conversationId".to_owned(), conversation["id"].clone());
    }
    Value::Object(body)
}

/// Values that a field refuses.
fn wrong(field: &Field) -> Vec<Value> {
    let long = |chars: usize| Value::from("x".repeat(chars));
    let mut wrong = match field.kind {
        Kind::Text { max, .. } => vec![json!(5), json!([]), json!(""), json!("a\u{0}b"), long(max + 1)],
        Kind::Email => vec![json!(5), json!("nobody"), json!("a@"), json!("@b"), json!("a b@c"), long(255)],
        Kind::Phone => vec![json!(493_012), json!("12"), json!("call me"), json!("+1234567890123456")],
        Kind::Link => vec![json!(5), json!("x"), json!("ftp://a.example/"), json!("https://"), long(3000)],
        Kind::Choice(_) => vec![json!(5), json!("nope"), json!("")],
        Kind::Flag => vec![json!("yes"), json!(1)],
        Kind::Count { max } => vec![json!("1"), json!(-1), json!(1.5), json!(max + 1)],
        Kind::Time => vec![json!(5), json!("yesterday")],
        Kind::Labels => vec![json!("x"), json!({}), json!(vec!["x"; 51])],
        Kind::Map => vec![json!([]), json!("x"), json!({ "x": "y".repeat(17_000) })],
        Kind::Group(_) => vec![json!(5), json!([])],
        Kind::Reference(_) => vec![json!(5), json!("x"), json!("cus_"), json!("evt_00000000000000000000000000")],
    };
    if field.is_required() {
        wrong.push(Value::Null);
    }
    wrong
}

#[track_caller]
fn only_path(reply: &Reply) -> Value {
    assert_eq!((reply.status, reply.code().as_str()), (422, "VALIDATION_ERROR"), "{}", reply.text);
    let errors = reply.json()["error"]["details"]["errors"].clone();
    assert_eq!(errors.as_array().map(Vec::len), Some(1), "{errors}");
    errors[0]["path"].clone()
}

async fn every_field_of_every_noun_is_judged(app: TestApp) {
    let conversation = made(&app, "conversations", json!({})).await;
    for noun in NOUNS {
        let list = format!("/api/v1/{}", noun.plural);
        let before = ids(&app, noun.plural).await.len();
        let good = body(noun, &conversation);
        for field in noun.fields {
            let mut cases: Vec<(Value, Value)> =
                wrong(field).into_iter().map(|value| (value, json!([field.name]))).collect();
            if field.access == Access::ReadOnly {
                cases = vec![(json!("x"), json!([field.name]))];
            }
            if let Kind::Group(members) = field.kind {
                let inside = |member: &Field| {
                    let at = json!([field.name, member.name]);
                    let name = member.name;
                    wrong(member).into_iter().map(move |value| (json!({ name: value }), at.clone())).collect::<Vec<_>>()
                };
                cases.extend(members.iter().flat_map(inside));
            }
            for (value, at) in cases {
                let mut bad = good.clone();
                bad[field.name] = value;
                assert_eq!(only_path(&app.client.post(&list, &bad).await), at, "{}: {bad}", noun.name);
            }
        }
        let mut misspelt = good.clone();
        misspelt["custmFields"] = json!({});
        let reply = app.client.post(&list, &misspelt).await;
        assert_eq!(only_path(&reply), json!(["custmFields"]));
        assert!(reply.text.contains("did you mean `customFields`?"), "{}", reply.text);
        for text in ["[]", "5", "null"] {
            let request = app.client.request(Method::POST, &list).header("content-type", "application/json").body(text);
            assert_eq!(only_path(&app.client.send(request).await), json!([]));
        }
        let twice = r#"{"customFields":{},"customFields":{}}"#;
        let request = app.client.request(Method::POST, &list).header("content-type", "application/json").body(twice);
        assert_eq!(only_path(&app.client.send(request).await), json!(["customFields"]));
        app.client.send(app.client.request(Method::POST, &list).body("{}")).await.expect(415);
        for query in ["nope=1", "page=0", "limit=101", "cursor=x"] {
            let reply = app.client.get(&format!("{list}?{query}")).await;
            assert_eq!(only_path(&reply), json!([query.split('=').next()]), "{query}");
        }
        assert_eq!(ids(&app, noun.plural).await.len(), before, "{}", noun.name);
        app.client.post(&list, &good).await.expect(201);
    }
    app.finish().await;
}

async fn every_noun_lives_by_the_same_routes(app: TestApp) {
    let conversation = made(&app, "conversations", json!({})).await;
    for noun in NOUNS {
        let record = made(&app, noun.plural, body(noun, &conversation)).await;
        assert!(record["id"].as_str().unwrap().starts_with(&format!("{}_", noun.prefix)));
        let at = path(noun.plural, &record);
        assert_eq!(app.client.get(&at).await.expect(200).data(), record);
        assert!(ids(&app, noun.plural).await.contains(&record["id"]));
        for method in [Method::PUT, Method::PATCH] {
            let change = json!({ "customFields": { "by": method.as_str() } });
            let changed = app.client.send(app.client.request(method.clone(), &at).json_body(&change)).await.expect(200);
            assert_eq!(changed.data()["customFields"]["by"], method.as_str());
        }
        assert_eq!(app.client.get(&at).await.expect(200).header("etag"), "\"3\"");
        app.client.delete(&at).await.expect(200);
        app.client.get(&at).await.expect(404);
        for id in ["x", "", &format!("{}_", noun.prefix), &"x".repeat(3000)] {
            app.client.get(&format!("/api/v1/{}/{id}", noun.plural)).await.expect(404);
        }
    }
    app.finish().await;
}

/// Has the database refuse rows of a table.
async fn refuse(app: &TestApp, table: &str, when: &str) {
    let url = app.config.store.url.expose_secret();
    match app.engine {
        TestEngine::Embedded => {
            let sql = format!(
                "create trigger refuse before insert on {table} when {when} begin select raise(abort, 'refused'); end"
            );
            let mut db = SqliteConnection::connect(url).await.unwrap();
            sqlx::raw_sql(&sql).execute(&mut db).await.unwrap();
            db.close().await.unwrap();
        }
        TestEngine::Distributed => {
            let sql = format!(
                "create or replace function refuse() returns trigger language plpgsql as \
                 $$begin raise exception 'refused'; end$$; \
                 create trigger refuse after insert on {table} for each row when ({when}) execute function refuse()"
            );
            let mut db = PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(&sql).execute(&mut db).await.unwrap();
            db.close().await.unwrap();
        }
    }
}

async fn allow(app: &TestApp, table: &str) {
    let url = app.config.store.url.expose_secret();
    match app.engine {
        TestEngine::Embedded => {
            let mut db = SqliteConnection::connect(url).await.unwrap();
            sqlx::raw_sql("drop trigger refuse").execute(&mut db).await.unwrap();
            db.close().await.unwrap();
        }
        TestEngine::Distributed => {
            let mut db = PgConnection::connect(url).await.unwrap();
            sqlx::raw_sql(&format!("drop trigger refuse on {table}")).execute(&mut db).await.unwrap();
            db.close().await.unwrap();
        }
    }
}

async fn a_record_and_its_event_are_written_together_or_not_at_all(app: TestApp) {
    app.webhook("hook").await;
    let customer = made(&app, "customers", json!({ "email": "a@mail.example" })).await;
    let at = path("customers", &customer);
    // Replacing a record inserts no row into `records`: that change is refused by the other two only.
    for (table, when, tier, then) in [
        ("events", "new.type like 'customer.%'", "silver", ("bronze", 0)),
        ("records", "new.noun = 'customer'", "gold", ("gold", 1)),
        ("record_facets", "new.noun = 'customer'", "platinum", ("gold", 1)),
    ] {
        refuse(&app, table, when).await;
        let client = &app.client;
        let (new, change) = (json!({ "email": "b@mail.example" }), json!({ "tier": tier }));
        let (user, event) = (json!({ "name": "x", "email": "x@y.example" }), json!({ "type": "a.b", "data": {} }));
        let (created, changed, mate, other) = tokio::join!(
            client.post("/api/v1/customers", &new),
            client.patch(&at, &change),
            client.post("/api/v1/users", &user),
            client.post("/api/v1/events", &event),
        );
        assert_eq!(created.expect(500).code(), "INTERNAL_ERROR");
        assert_eq!(changed.status, if then.0 == tier { 200 } else { 500 }, "{table}: {}", changed.text);
        // Those who shared their commit are not harmed.
        mate.expect(201);
        other.expect(202);
        allow(&app, table).await;
        assert_eq!(ids(&app, "customers").await, [customer["id"].clone()], "{table}");
        assert_eq!(count_events(&app, "customer.created").await, 1, "{table}");
        assert_eq!(app.client.get(&at).await.expect(200).data()["tier"], then.0, "{table}");
        assert_eq!(count_events(&app, "customer.updated").await, then.1, "{table}");
    }
    assert_eq!(count_events(&app, "user.created").await, 3);
    app.finish().await;
}
