//! An accepted event reaches every webhook that wants it, as the exact bytes that were published, signed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use angarium::domain::tenant::Environment;
use angarium::domain::time::Timestamp;
use angarium::receiver::{Behaviour, Record, Verdict};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::json;
use sha2::Sha256;

use crate::support::{Reply, SOON, TestApp, TestEngine, both_engines, time};

both_engines!(
    an_event_reaches_every_webhook_that_wants_it,
    webhooks_of_others_hear_nothing,
    data_arrives_byte_for_byte,
    every_attempt_is_signed_anew_under_one_webhook_id,
    custom_headers_are_sent_and_cannot_replace_ours,
);

/// Publishes `data` as it is spelt.
async fn publish_raw(app: &TestApp, data: &str) -> Reply {
    let body = format!(r#"{{"type": "order.created", "data":{data}}}"#);
    let request = app.client.request(Method::POST, "/api/v1/events").header("content-type", "application/json");
    app.client.send(request.body(body)).await.expect(202)
}

fn hex_hmac(key: &[u8], body: &[u8]) -> String {
    let tag = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(body).finalize().into_bytes();
    tag.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn header_time(record: &Record) -> i64 {
    record.header("webhook-timestamp").parse().unwrap()
}

async fn an_event_reaches_every_webhook_that_wants_it(app: TestApp) {
    let wanting = [
        ("exact", json!(["order.created"])),
        ("prefix", json!(["order.*"])),
        ("all", json!(["*"])),
        ("several", json!(["lead.captured", "order.created", "order.*"])),
    ];
    let other = [
        ("sibling", json!(["order.paid"])),
        ("longer", json!(["order.created.twice"])),
        ("deeper", json!(["order.created.*"])),
        ("lookalike", json!(["orders.*", "ord.*"])),
    ];
    for (name, events) in wanting.iter().chain(&other) {
        app.webhook_with(name, json!({ "events": events }), Behaviour::default()).await;
    }
    let body = json!({ "type": "order.created", "data": { "number": 7 } });
    let accepted = app.client.post("/api/v1/events", &body).await.expect(202).data();
    assert_eq!((&accepted["type"], &accepted["deliveries"]), (&json!("order.created"), &json!(4)));
    assert_eq!((time(&accepted["createdAt"]), &accepted["replayed"]), (app.clock.now(), &json!(false)));
    for (name, _) in &wanting {
        let records = app.receiver.wait_for(&format!("/{name}"), 1, SOON).await.unwrap();
        assert_eq!((records.len(), records[0].id()), (1, accepted["id"].as_str().unwrap()), "{name}");
        assert_eq!(records[0].verdict, Verdict::Verified, "{name}");
    }
    for (name, _) in &other {
        assert_eq!(app.receiver.count(&format!("/{name}")), 0, "{name}");
    }
    app.finish().await;
}

async fn webhooks_of_others_hear_nothing(app: TestApp) {
    let mine = app.webhook("mine").await;
    for (path, client) in [
        ("/other-tenant", app.client_of("other", Environment::Staging).await),
        ("/other-environment", app.client_of("acme", Environment::Production).await),
    ] {
        let body = json!({ "name": path, "url": app.receiver.url(path), "events": ["*"] });
        client.post("/api/v1/webhooks", &body).await.expect(201);
    }
    let event = app.publish("order.created", json!({})).await;
    let delivery = app.delivery_in(&event, "delivered").await;
    assert_eq!(delivery["webhookId"], mine.id);
    assert_eq!(app.deliveries(&event).await.len(), 1);
    app.finish().await;
}

async fn data_arrives_byte_for_byte(app: TestApp) {
    let webhook = app.webhook("exact-bytes").await;
    // Larger than what travels with a ticket, and so read from the database before it is sent.
    let large = format!(r#"{{"text":"{}"}}"#, "ä€\u{1f980} ".repeat(21_000));
    assert!(large.len() > 200 * 1024);
    let spellings = [
        r#"{ "price" : 1.10,"zero":-0.0, "exp":1E+2 ,	"tab":true }"#,
        "{\"big\":123456789012345678901234567890,\"small\":0.1000000000000000055511151231257827}",
        "{\"line\":\"\\u2028\",\"raw\":\"\u{2028}\",\"escaped\":\"\\u00e9\\/\",\"emoji\":\"🦀\"}",
        "{\"b\":1,\"a\":2,\"b\":3,\n\"nested\":{\"z\":[ ],\"y\":{ }}}",
        large.as_str(),
    ];
    for (index, data) in spellings.into_iter().enumerate() {
        let accepted = publish_raw(&app, data).await.data();
        let id = accepted["id"].as_str().unwrap();
        let records = app.receiver.wait_for(&webhook.path, u64::try_from(index).unwrap() + 1, SOON).await.unwrap();
        let record = records.last().unwrap();
        let envelope =
            format!(r#"{{"id":"{id}","event":"order.created","timestamp":"2026-11-21T12:00:00.000Z","data":{data}}}"#);
        assert!(record.body == envelope.as_bytes(), "{}", String::from_utf8_lossy(&record.body));
        assert_eq!(record.verdict, Verdict::Verified);
        assert_eq!(record.header("x-webhook-signature"), hex_hmac(webhook.secret.key(), &record.body));
        let kept = app.client.get(&format!("/api/v1/events/{id}")).await.expect(200);
        assert!(kept.text.contains(data), "the event is shown as it came");
    }
    app.finish().await;
}

async fn every_attempt_is_signed_anew_under_one_webhook_id(app: TestApp) {
    let webhook = app.webhook_with("flaky", json!({}), Behaviour::fail_first(1)).await;
    let first_at = app.clock.now();
    let occurred = json!({ "type": "a.b", "data": {}, "occurredAt": "2026-11-20T01:02:03Z" });
    let accepted = app.client.post("/api/v1/events", &occurred).await.expect(202).data();
    let event = accepted["id"].as_str().unwrap();
    app.delivery_after(event, 1).await;
    app.advance(Duration::from_secs(5));
    app.delivery_in(event, "delivered").await;

    let records = app.receiver.records(&webhook.path);
    assert_eq!(records.len(), 2);
    for (record, sent_at) in records.iter().zip([first_at, first_at.after(Duration::from_secs(5))]) {
        assert_eq!((record.id(), record.verdict), (event, Verdict::Verified));
        assert_eq!(header_time(record), sent_at.as_seconds());
        assert_eq!(record.header("content-type"), "application/json");
        assert!(record.header("user-agent").starts_with("Angarium/"), "{}", record.header("user-agent"));
    }
    assert_eq!(records[0].body, records[1].body);
    assert!(
        records[0].body.starts_with(
            format!(r#"{{"id":"{event}","event":"a.b","timestamp":"2026-11-20T01:02:03.000Z""#).as_bytes()
        )
    );
    assert_ne!(records[0].header("webhook-signature"), records[1].header("webhook-signature"));
    app.finish().await;
}

async fn custom_headers_are_sent_and_cannot_replace_ours(app: TestApp) {
    let headers = json!({ "X-Team": "billing ops", "Authorization": "Bearer of-the-customer", "User-Agent": "acme/1" });
    let webhook = app.webhook_with("custom", json!({ "headers": headers }), Behaviour::default()).await;
    app.publish("a.b", json!({})).await;
    let record = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap().remove(0);
    assert_eq!(record.verdict, Verdict::Verified);
    let sent = ["x-team", "authorization", "user-agent"].map(|name| record.header(name));
    assert_eq!(sent, ["billing ops", "Bearer of-the-customer", "acme/1"]);

    let path = format!("/api/v1/webhooks/{}", webhook.id);
    for name in ["webhook-id", "Webhook-Signature", "x-webhook-signature", "Content-Type", "content_length", "Host"] {
        let refused = app.client.patch(&path, &json!({ "headers": { name: "forged" } })).await.expect(422);
        assert_eq!(refused.code(), "VALIDATION_ERROR", "{name}");
        assert_eq!(refused.json()["error"]["details"]["errors"][0]["path"], json!(["headers", name]));
    }
    app.finish().await;
}

/// The official library of Standard Webhooks asks the machine's clock, so here the app's stands at the same time.
async fn the_official_verifier_accepts(engine: TestEngine) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let app = TestApp::start_at(engine, Timestamp::from_millis(0).after(now), |_| ()).await;
    let webhook = app.webhook("official").await;
    publish_raw(&app, "{ \"price\": 1.10, \"name\": \"é\" }").await;
    let record = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap().remove(0);
    let verifier = standardwebhooks::Webhook::new(&webhook.secret.reveal()).unwrap();
    verifier.verify(&record.body, &record.headers).unwrap();
    let changed = [&record.body[..], b" "].concat();
    assert!(verifier.verify(&changed, &record.headers).is_err());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_verifier_accepts_embedded() {
    the_official_verifier_accepts(TestEngine::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_verifier_accepts_distributed() {
    the_official_verifier_accepts(TestEngine::Distributed).await;
}
