//! The list of events: what was accepted, by type, channel and time, without the data.

use std::time::Duration;

use angarium::domain::tenant::Environment;
use serde_json::{Value, json};

use crate::support::core::made;
use crate::support::{TestApp, both_engines};

both_engines!(events_are_found_by_filter, every_bad_parameter_is_named, nobody_else_sees_an_event);

async fn publish(app: &TestApp, event_type: &str, channels: Value) -> String {
    app.advance(Duration::from_mins(1));
    let body = json!({ "type": event_type, "data": { "card": "4111" }, "channels": channels });
    app.client.post("/api/v1/events", &body).await.expect(202).data()["id"].as_str().unwrap().to_owned()
}

async fn list(app: &TestApp, query: &str) -> Vec<Value> {
    let body = app.client.get(&format!("/api/v1/events?{query}")).await.expect(200).json();
    let rows = body["data"].as_array().unwrap().clone();
    assert_eq!(body["pagination"]["total"], rows.len(), "{query}");
    rows
}

async fn events_are_found_by_filter(app: TestApp) {
    let paid = publish(&app, "order.paid", json!(["a-1", "b_2"])).await;
    let made_at = app.clock.now();
    let created = publish(&app, "order.created", json!(["A-1", "b"])).await;
    let bare = publish(&app, "order.paid", json!(null)).await;
    app.advance(Duration::from_mins(1));
    // Whatever way they came: a record of the core API brings its own.
    let customer = made(&app, "customers", json!({ "email": "ada@mail.example" })).await;
    let after = made_at.after(Duration::from_millis(1));
    for (query, expected) in [
        ("type=order.paid".to_owned(), vec![&bare, &paid]),
        ("channel=a-1".to_owned(), vec![&paid]),
        ("channel=A-1".to_owned(), vec![&created]),
        ("channel=b".to_owned(), vec![&created]),
        ("channel=b_2&type=order.paid".to_owned(), vec![&paid]),
        ("channel=b_2&type=order.created".to_owned(), vec![]),
        (format!("createdBefore={after}"), vec![&paid]),
        (format!("createdAfter={after}&type=order.paid"), vec![&bare]),
    ] {
        let rows = list(&app, &query).await;
        let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    let all = list(&app, "").await;
    assert_eq!((all.len(), &all[0]["type"]), (4, &json!("customer.created")), "{customer}");

    // A row says all but the data, as the event itself does.
    app.client.post(&format!("/api/v1/events/{paid}/expunge"), &json!({})).await.expect(200);
    for id in [&paid, &created] {
        let mut event = app.client.get(&format!("/api/v1/events/{id}")).await.expect(200).data();
        assert!(event.as_object_mut().unwrap().remove("data").is_some());
        assert!(list(&app, "").await.contains(&event), "{event}");
        assert_eq!(event["expungedAt"].is_null(), id == &created);
    }
    app.finish().await;
}

async fn every_bad_parameter_is_named(app: TestApp) {
    for (query, at) in [
        ("type=Order%20Paid", "type"),
        ("type=", "type"),
        ("channel=a%20b", "channel"),
        ("channel=%25", "channel"),
        ("channel=", "channel"),
        ("channel=a&channel=b", "channel"),
        ("createdAfter=yesterday", "createdAfter"),
        ("createdBefore=1", "createdBefore"),
        ("eventType=a.b", "eventType"),
    ] {
        let reply = app.client.get(&format!("/api/v1/events?{query}")).await.expect(422);
        let errors = reply.json()["error"]["details"]["errors"].clone();
        assert_eq!((&errors[0]["path"], errors.as_array().unwrap().len()), (&json!([at]), 1), "{query}: {errors}");
    }
    app.finish().await;
}

async fn nobody_else_sees_an_event(app: TestApp) {
    publish(&app, "a.b", json!(["a"])).await;
    let strangers =
        [app.client_of("stranger", Environment::Staging).await, app.client_of("acme", Environment::Production).await];
    for stranger in strangers {
        let body = stranger.get("/api/v1/events?channel=a").await.expect(200).json();
        assert_eq!((&body["data"], &body["pagination"]["total"]), (&json!([]), &json!(0)));
    }
    app.finish().await;
}
