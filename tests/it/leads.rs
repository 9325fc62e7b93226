//! Leads: captured once, told once.

use serde_json::{Value, json};

use crate::support::core::{ids, made, path, told};
use crate::support::{TestApp, both_engines};

both_engines!(a_lead_is_captured, a_lead_without_a_way_to_reach_it_is_refused);

async fn a_lead_is_captured(app: TestApp) {
    let webhook = app.webhook("hook").await;
    let body = json!({
        "name": "Bo Lindqvist", "email": "bo@mail.example", "source": "chat",
        "pageUrl": "https://shop.example/pricing?x=1", "customFields": { "seats": 40, "deep": { "a": [1, null] } },
    });
    let lead = made(&app, "leads", body.clone()).await;
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(lead[field], *value, "{field}");
    }
    assert_eq!(told(&app, &webhook, 1).await, [("lead.captured".to_owned(), lead.clone())]);
    for query in ["search=lindq", "search=bo", "source=chat", "source=chat&search=mail.example"] {
        assert_eq!(ids(&app, &format!("leads?{query}")).await, [lead["id"].clone()], "{query}");
    }
    assert_eq!(ids(&app, "leads?source=form").await, Vec::<Value>::new());
    let changed = app.client.patch(&path("leads", &lead), &json!({ "phone": "030/1234" })).await.expect(200).data();
    assert_eq!(changed["phone"], "0301234");
    app.sweep().await;
    assert_eq!(app.receiver.count(&webhook.path), 1);
    app.finish().await;
}

async fn a_lead_without_a_way_to_reach_it_is_refused(app: TestApp) {
    let long = format!("https://shop.example/{}", "x".repeat(2048));
    for (body, at) in [
        (json!({}), json!([])),
        (json!({ "source": "chat" }), json!([])),
        (json!({ "name": null, "email": null }), json!([])),
        (json!({ "name": "x", "pageUrl": long }), json!(["pageUrl"])),
        (json!({ "name": "x", "pageUrl": "javascript:alert(1)" }), json!(["pageUrl"])),
        (json!({ "name": "x", "email": "nobody" }), json!(["email"])),
        (json!({ "name": "x", "conversationId": "cnv_00000000000000000000000000" }), json!(["conversationId"])),
    ] {
        let reply = app.client.post("/api/v1/leads", &body).await.expect(422).json();
        assert_eq!(reply["error"]["details"]["errors"][0]["path"], at, "{body}");
    }
    assert_eq!(ids(&app, "leads").await, Vec::<Value>::new());
    app.finish().await;
}
