//! Each profile's requests are what its receivers expect, byte for byte, and verify there; secrets rotate with as much
//! overlap as the scheme has room for; private keys never leave.

use std::time::Duration;

use angarium::domain::profile::{Profile, SignatureOption};
use angarium::domain::secret::Secret;
use angarium::domain::signature::{Headers, Received, TOLERANCE, VerifyingKey, verify};
use angarium::receiver::{Behaviour, Record, Route, Verdict};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, SOON, TestApp, TestEngine, both_engines, time};

both_engines!(
    start;
    each_profile_arrives_and_verifies,
    a_receiver_with_another_secret_refuses_every_profile,
    a_signature_is_written_as_the_webhook_says,
    contextgpt_gets_its_own_names_and_nothing_else,
    contextgpt_retries_after_1_5_and_25_seconds,
    a_secret_of_ones_own_signs,
    a_key_pair_signs_and_only_its_public_half_is_told,
    schemes_are_added_and_dropped,
    rotation_overlaps_where_there_is_room,
    rotation_is_at_once_where_there_is_not,
    every_new_field_is_judged,
    a_profile_changes_only_where_its_secret_stays_good,
    a_receiver_is_asked_before_anything_is_sent,
);

const ORIGIN: &str = "hooks.example.com";

const OWN: &str = "correct horse battery staple";
const DATA: &str = r#"{ "total" : 19.90, "name":"Žofie 東京","line":"\u2028" }"#;

async fn start(engine: TestEngine) -> TestApp {
    TestApp::start_with(engine, |config| ORIGIN.clone_into(&mut config.delivery.origin)).await
}

/// A webhook of a profile, with what its owner was told.
struct Owned {
    id: String,
    path: String,
    profile: Profile,
    shown: Value,
}

impl Owned {
    fn url(&self) -> String {
        format!("/api/v1/webhooks/{}", self.id)
    }

    fn key(&self) -> VerifyingKey {
        let text = [&self.shown["secret"], &self.shown["publicKey"]].into_iter().find_map(Value::as_str).unwrap();
        VerifyingKey::parse(self.profile, text).unwrap()
    }
}

fn option_of(profile: Profile, shown: &Value) -> SignatureOption {
    match &shown["signature"] {
        Value::Null => SignatureOption::Fixed,
        given => SignatureOption::parse(profile, given).unwrap(),
    }
}

/// Registers a webhook of a profile at a path that verifies by what was told.
async fn owned(app: &TestApp, name: &str, profile: Profile, fields: Value) -> Owned {
    let path = format!("/{name}");
    let mut body =
        json!({ "name": name, "url": app.receiver.url(&path), "events": ["*"], "profile": profile.as_str() });
    if profile == Profile::ContextGpt {
        body["secret"] = json!(OWN);
    }
    for (key, value) in fields.as_object().unwrap() {
        body[key] = value.clone();
    }
    let shown = app.client.post("/api/v1/webhooks", &body).await.expect(201).data();
    let owned = Owned { id: shown["id"].as_str().unwrap().to_owned(), path, profile, shown };
    let route = Route::verifying(profile, option_of(profile, &owned.shown), vec![owned.key()]);
    app.receiver.route(&owned.path, route);
    owned
}

/// Publishes these very bytes as an event's data; its id.
async fn publish_bytes(app: &TestApp, event_type: &str, data: &str) -> String {
    let body = format!(r#"{{"type":"{event_type}","data":{data}}}"#);
    let request = app.client.request(Method::POST, "/api/v1/events").header("content-type", "application/json");
    app.client.send(request.body(body)).await.expect(202).data()["id"].as_str().unwrap().to_owned()
}

struct Lookup<'a>(&'a Record);

impl Headers for Lookup<'_> {
    fn value(&self, name: &str) -> &str {
        self.0.header(name)
    }
}

/// Whether a request verifies with one key alone, at the time that it came.
fn verifies(record: &Record, owned: &Owned, key: VerifyingKey) -> bool {
    let option = option_of(owned.profile, &owned.shown);
    let received = Received { headers: &Lookup(record), body: &record.body };
    verify(&owned.profile.scheme(&option), &[key], &received, record.time, TOLERANCE).is_ok()
}

async fn each_profile_arrives_and_verifies(app: TestApp) {
    let mut all = Vec::new();
    for profile in Profile::ALL {
        all.push(owned(&app, profile.as_str(), profile, json!({})).await);
    }
    let event = publish_bytes(&app, "lead.captured", DATA).await;
    for webhook in &all {
        let records = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap();
        let (record, profile) = (&records[0], webhook.profile);
        assert_eq!((record.verdict, record.id()), (Verdict::Verified, event.as_str()), "{profile:?}");
        let body = std::str::from_utf8(&record.body).unwrap();
        let (before, after) = body.split_once(DATA).unwrap_or_else(|| panic!("{profile:?}: {body}"));
        let now = app.clock.now();
        let expected = match profile {
            Profile::Default => {
                (format!(r#"{{"id":"{event}","event":"lead.captured","timestamp":"{now}","data":"#), "}")
            }
            Profile::GTateth => (format!(r#"{{"event":"lead.captured","timestamp":"{now}","data":"#), "}"),
            Profile::ContextGpt => (r#"{"event":"NEW_LEAD","data":"#.to_owned(), "}"),
            Profile::GitHub | Profile::Stripe | Profile::Slack | Profile::Shopify => (String::new(), ""),
            Profile::CloudEvents => {
                let source = format!("/angarium/{}/staging", app.scope.tenant);
                let before = format!(
                    r#"{{"specversion":"1.0","id":"{event}","source":"{source}","type":"lead.captured","time":"{now}","datacontenttype":"application/json","data":"#
                );
                (before, "}")
            }
        };
        assert_eq!((before.to_owned(), after), expected, "{profile:?}");
        assert_eq!(record.header("content-type"), profile.spec().content_type);
        assert!(record.headers.keys().all(|name| record.headers.get_all(name).iter().count() == 1));
    }
    let of = |profile: Profile, header: &str| {
        app.receiver.records(&format!("/{}", profile.as_str()))[0].header(header).to_owned()
    };
    assert_eq!(of(Profile::ContextGpt, "user-agent"), "ContextGPT-Webhooks/1.0");
    assert_eq!(of(Profile::ContextGpt, "x-webhook-token"), OWN);
    assert_eq!(of(Profile::GitHub, "x-github-event"), "lead.captured");
    assert_eq!(of(Profile::Default, "x-webhook-signature").len(), 64);
    app.finish().await;
}

async fn a_receiver_with_another_secret_refuses_every_profile(app: TestApp) {
    let fields = json!({ "retryPolicy": { "maxRetries": 0 } });
    let mut all = Vec::new();
    for profile in Profile::ALL {
        let webhook = owned(&app, profile.as_str(), profile, fields.clone()).await;
        let kind = option_of(profile, &webhook.shown).kinds()[0];
        app.receiver.trust(&webhook.path, vec![Secret::generate_as(kind, [9; 32])]);
        all.push(webhook);
    }
    app.publish("lead.captured", json!({})).await;
    for webhook in &all {
        let records = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap();
        assert_eq!(app.receiver.refused(&webhook.path), 1, "{:?}", webhook.profile);
        assert_eq!(records[0].answer, Some(401));
    }
    app.finish().await;
}

async fn a_signature_is_written_as_the_webhook_says(app: TestApp) {
    let option = json!({ "header": "X-Acme-Signature", "prefix": "sha256=", "encoding": "base64" });
    let webhook = owned(&app, "acme", Profile::GTateth, json!({ "signature": option })).await;
    app.publish("a.b", json!({})).await;
    let record = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap().remove(0);
    assert_eq!(record.verdict, Verdict::Verified);
    assert!(record.header("x-acme-signature").starts_with("sha256="));
    assert_eq!(record.header("x-webhook-signature"), "");

    let change = json!({ "signature": { "prefix": "v1=" } });
    let changed = app.client.patch(&webhook.url(), &change).await.expect(200).data();
    assert_eq!(changed["signature"], json!({ "header": "x-webhook-signature", "prefix": "v1=", "encoding": "hex" }));
    assert_eq!(changed.get("secret"), None);
    let route = Route::verifying(Profile::GTateth, option_of(Profile::GTateth, &changed), vec![webhook.key()]);
    app.receiver.route(&webhook.path, route);
    app.publish("a.b", json!({})).await;
    let records = app.receiver.wait_for(&webhook.path, 2, SOON).await.unwrap();
    assert_eq!(records[1].verdict, Verdict::Verified);
    assert!(records[1].header("x-webhook-signature").starts_with("v1="));
    app.finish().await;
}

async fn contextgpt_gets_its_own_names_and_nothing_else(app: TestApp) {
    let webhook = owned(&app, "contextgpt", Profile::ContextGpt, json!({})).await;
    for (event_type, name) in [
        ("message.received", "NEW_MESSAGE"),
        ("message.sent", "NEW_MESSAGE"),
        ("conversation.escalated", "CONVERSATION_ESCALATED"),
        ("lead.captured", "NEW_LEAD"),
    ] {
        let before = app.receiver.count(&webhook.path);
        let body = json!({ "type": event_type, "data": {} });
        let accepted = app.client.post("/api/v1/events", &body).await.expect(202).data();
        assert_eq!(accepted["deliveries"], 1, "{event_type}");
        let records = app.receiver.wait_for(&webhook.path, before + 1, SOON).await.unwrap();
        let sent: Value = serde_json::from_slice(&records.last().unwrap().body).unwrap();
        assert_eq!(sent, json!({ "event": name, "data": {} }));
    }
    let other = json!({ "type": "customer.created", "data": {} });
    assert_eq!(app.client.post("/api/v1/events", &other).await.expect(202).data()["deliveries"], 0);
    // A test is sent whatever it is.
    let count = app.receiver.count(&webhook.path);
    app.client.post(&format!("{}/test", webhook.url()), &json!({})).await.expect(202);
    let records = app.receiver.wait_for(&webhook.path, count + 1, SOON).await.unwrap();
    let sent: Value = serde_json::from_slice(&records.last().unwrap().body).unwrap();
    assert_eq!((&sent["event"], records.last().unwrap().verdict), (&json!("webhook.test"), Verdict::Verified));
    app.finish().await;
}

async fn contextgpt_retries_after_1_5_and_25_seconds(app: TestApp) {
    let webhook = owned(&app, "contextgpt", Profile::ContextGpt, json!({})).await;
    assert_eq!(webhook.shown["retryPolicy"], json!({ "schedule": [1, 5, 25] }));
    assert_eq!(webhook.shown["timeoutMs"], 10_000);
    app.receiver.behave(&webhook.path, Behaviour::status(500));
    let event = app.publish("lead.captured", json!({})).await;
    for (attempt, seconds) in [(1, 1), (2, 5), (3, 25)] {
        let waiting = app.delivery_after(&event, attempt).await;
        let next_at = time(&waiting["nextAttemptAt"]);
        let base = Duration::from_secs(seconds);
        assert!((base / 2..=base).contains(&next_at.since(app.clock.now())), "{waiting}");
        app.advance_to(next_at);
    }
    assert_eq!(app.delivery_in(&event, "dead").await["attempts"], 4);
    app.finish().await;
}

async fn a_secret_of_ones_own_signs(app: TestApp) {
    let pair = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    let standard = Secret::generate([8; 32]).reveal();
    for (profile, fields) in [
        (Profile::Default, json!({ "secret": standard })),
        (Profile::GitHub, json!({ "secret": OWN })),
        (Profile::Stripe, json!({ "secret": format!("whsec_{OWN}") })),
        (Profile::CloudEvents, json!({ "secret": pair, "signature": { "schemes": ["v1a"] } })),
    ] {
        let webhook = owned(&app, profile.as_str(), profile, fields.clone()).await;
        let told = [&webhook.shown["secret"], &webhook.shown["publicKey"]].into_iter().find(|v| v.is_string()).unwrap();
        let expected = if profile == Profile::CloudEvents {
            json!("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")
        } else {
            fields["secret"].clone()
        };
        assert_eq!(told, &expected);
        app.publish("a.b", json!({})).await;
        let records = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap();
        assert_eq!(records[0].verdict, Verdict::Verified, "{profile:?}");
    }
    app.finish().await;
}

async fn a_key_pair_signs_and_only_its_public_half_is_told(app: TestApp) {
    let fields = json!({ "signature": { "schemes": ["v1a"] } });
    let webhook = owned(&app, "pair", Profile::Default, fields).await;
    assert_eq!(webhook.shown.get("secret"), None);
    let public = webhook.shown["publicKey"].as_str().unwrap();
    assert!(public.starts_with("whpk_"));
    app.publish("a.b", json!({})).await;
    let record = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap().remove(0);
    assert_eq!(record.verdict, Verdict::Verified);
    assert!(record.header("webhook-signature").starts_with("v1a,"));
    assert_eq!(record.header("x-webhook-signature"), "", "there is no shared secret to sign with");

    let keys = app.client.get(&format!("{}/public-key", webhook.url())).await.expect(200).data();
    assert_eq!((&keys["publicKey"], &keys["keys"][0]["expiresAt"]), (&json!(public), &json!(null)));
    let shown = app.client.get(&webhook.url()).await.expect(200).data();
    assert_eq!((shown.get("secret"), shown.get("publicKey")), (None, None));
    assert_eq!(shown["signature"], json!({ "schemes": ["v1a"] }));

    let reader = app.client_with(&["read:webhooks"]).await;
    reader.get(&format!("{}/public-key", webhook.url())).await.expect(200);
    let stranger = app.client_with(&["read:events"]).await;
    stranger.get(&format!("{}/public-key", webhook.url())).await.expect(403);
    let shared = owned(&app, "shared", Profile::Default, json!({})).await;
    app.client.get(&format!("{}/public-key", shared.url())).await.expect(404);
    app.finish().await;
}

async fn schemes_are_added_and_dropped(app: TestApp) {
    let webhook = owned(&app, "both", Profile::Default, json!({})).await;
    let secret = webhook.key();
    let both = json!({ "signature": { "schemes": ["v1", "v1a"] } });
    let changed = app.client.patch(&webhook.url(), &both).await.expect(200).data();
    let public = VerifyingKey::parse(Profile::Default, changed["publicKey"].as_str().unwrap()).unwrap();
    assert_eq!(changed.get("secret"), None, "that one stays as it is");
    app.publish("a.b", json!({})).await;
    let record = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap().remove(0);
    assert!(verifies(&record, &webhook, secret.clone()) && verifies(&record, &webhook, public.clone()));
    assert!(!record.header("x-webhook-signature").is_empty());

    let alone = json!({ "signature": { "schemes": ["v1a"] } });
    let changed = app.client.patch(&webhook.url(), &alone).await.expect(200).data();
    assert_eq!((changed.get("secret"), changed.get("publicKey")), (None, None));
    app.publish("a.b", json!({})).await;
    let record = app.receiver.wait_for(&webhook.path, 2, SOON).await.unwrap().remove(1);
    assert!(!verifies(&record, &webhook, secret.clone()) && verifies(&record, &webhook, public.clone()));

    let back = json!({ "signature": null });
    let changed = app.client.patch(&webhook.url(), &back).await.expect(200).data();
    let new = VerifyingKey::parse(Profile::Default, changed["secret"].as_str().unwrap()).unwrap();
    assert_ne!(new, secret, "a secret that was dropped is not taken up again");
    app.publish("a.b", json!({})).await;
    let record = app.receiver.wait_for(&webhook.path, 3, SOON).await.unwrap().remove(2);
    assert!(verifies(&record, &webhook, new) && !verifies(&record, &webhook, public));
    app.client.get(&format!("{}/public-key", webhook.url())).await.expect(404);
    app.finish().await;
}

async fn rotate(app: &TestApp, webhook: &Owned, body: Value) -> Reply {
    app.client.post(&format!("{}/rotate-secret", webhook.url()), &body).await
}

async fn rotation_overlaps_where_there_is_room(app: TestApp) {
    for (name, profile, fields) in [
        ("default", Profile::Default, json!({})),
        ("stripe", Profile::Stripe, json!({})),
        ("cloudevents", Profile::CloudEvents, json!({})),
        ("pair", Profile::Default, json!({ "signature": { "schemes": ["v1a"] } })),
    ] {
        let webhook = owned(&app, name, profile, fields).await;
        let old = webhook.key();
        let rotated = rotate(&app, &webhook, json!({ "overlapSeconds": 3600 })).await.expect(200).data();
        assert_eq!(time(&rotated["olderSecretsUntil"]), app.clock.now().after(Duration::from_hours(1)));
        let new = Owned { shown: rotated, path: webhook.path.clone(), id: webhook.id.clone(), profile }.key();
        app.publish("a.b", json!({})).await;
        let during = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap().remove(0);
        assert!(verifies(&during, &webhook, old.clone()) && verifies(&during, &webhook, new.clone()), "{name}");
        if name == "pair" {
            let keys = app.client.get(&format!("{}/public-key", webhook.url())).await.expect(200).data();
            assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
            assert_eq!(keys["keys"][0]["expiresAt"], json!(null));
        }
        app.advance(Duration::from_hours(1));
        app.publish("a.b", json!({})).await;
        let after = app.receiver.wait_for(&webhook.path, 2, SOON).await.unwrap().remove(1);
        assert!(!verifies(&after, &webhook, old) && verifies(&after, &webhook, new), "{name}");
        app.client.delete(&webhook.url()).await.expect(200);
    }
    app.finish().await;
}

async fn rotation_is_at_once_where_there_is_not(app: TestApp) {
    for profile in [Profile::GTateth, Profile::GitHub, Profile::Slack, Profile::Shopify, Profile::ContextGpt] {
        let webhook = owned(&app, profile.as_str(), profile, json!({})).await;
        let old = webhook.key();
        let own =
            if profile == Profile::ContextGpt { json!({ "secret": "another secret of mine" }) } else { json!({}) };
        let mut long = own.clone();
        long["overlapSeconds"] = json!(60);
        refused(&rotate(&app, &webhook, long).await, &[("overlapSeconds", "NOT_ALLOWED")]);
        let reply = rotate(&app, &webhook, own).await.expect(200);
        assert_eq!(reply.json()["message"], "The new secret signs from now on, the older ones no more");
        let rotated = reply.data();
        assert_eq!(time(&rotated["olderSecretsUntil"]), app.clock.now());
        let new = VerifyingKey::parse(profile, rotated["secret"].as_str().unwrap()).unwrap();
        app.publish("lead.captured", json!({})).await;
        let record = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap().remove(0);
        assert!(!verifies(&record, &webhook, old) && verifies(&record, &webhook, new), "{profile:?}");
    }
    app.finish().await;
}

/// Fails unless the answer names just these fields, with these codes.
#[track_caller]
fn refused(reply: &Reply, problems: &[(&str, &str)]) {
    assert_eq!((reply.status, reply.code().as_str()), (422, "VALIDATION_ERROR"), "{}", reply.text);
    let errors = reply.json()["error"]["details"]["errors"].as_array().unwrap().clone();
    let dotted = |path: &Value| {
        let segments = path.as_array().unwrap().iter();
        segments.map(|s| s.as_str().map_or_else(|| s.to_string(), str::to_owned)).collect::<Vec<_>>().join(".")
    };
    let given: Vec<_> = errors.iter().map(|e| (dotted(&e["path"]), e["code"].as_str().unwrap().to_owned())).collect();
    let expected: Vec<_> = problems.iter().map(|(path, code)| ((*path).to_owned(), (*code).to_owned())).collect();
    assert_eq!(given, expected, "{}", reply.text);
}

async fn every_new_field_is_judged(app: TestApp) {
    let url = app.receiver.url("/x");
    let create = async |fields: Value| {
        let mut body = json!({ "name": "x", "url": url, "events": ["*"] });
        for (key, value) in fields.as_object().unwrap() {
            body[key] = value.clone();
        }
        app.client.post("/api/v1/webhooks", &body).await
    };
    let short = Secret::generate([1; 32]).reveal()[..20].to_owned();
    let cases = [
        (json!({ "profile": "gitlab" }), &[("profile", "INVALID")][..]),
        (json!({ "profile": 5 }), &[("profile", "WRONG_TYPE")]),
        (json!({ "signature": "v1" }), &[("signature", "INVALID")]),
        (json!({ "signature": { "schemes": ["v3"] } }), &[("signature.schemes", "INVALID")]),
        (json!({ "profile": "github", "signature": {} }), &[("signature", "INVALID")]),
        (json!({ "profile": "g-tateth", "signature": { "header": "Host" } }), &[("signature.header", "INVALID")]),
        (json!({ "handshake": true }), &[("handshake", "NOT_ALLOWED")]),
        (json!({ "handshake": "yes" }), &[("handshake", "WRONG_TYPE")]),
        (json!({ "secret": OWN }), &[("secret", "INVALID")]),
        (json!({ "secret": short }), &[("secret", "INVALID")]),
        (json!({ "secret": 5 }), &[("secret", "WRONG_TYPE")]),
        (json!({ "profile": "contextgpt" }), &[("secret", "REQUIRED")]),
        (json!({ "profile": "contextgpt", "secret": "short" }), &[("secret", "INVALID")]),
        (json!({ "profile": "slack", "secret": "whsec_of another scheme" }), &[("secret", "INVALID")]),
        (
            json!({ "profile": "slack", "secret": "x", "timeoutMs": 1 }),
            &[("timeoutMs", "OUT_OF_RANGE"), ("secret", "INVALID")],
        ),
        (json!({ "headers": { "X-GitHub-Event": "x" } }), &[("headers.X-GitHub-Event", "NOT_ALLOWED")]),
        (json!({ "headers": { "X-Shopify-Topic": "x" } }), &[("headers.X-Shopify-Topic", "NOT_ALLOWED")]),
        (
            json!({ "profile": "g-tateth", "signature": { "header": "X-A" }, "headers": { "X-A": "x" } }),
            &[("headers.X-A", "MISMATCH")],
        ),
    ];
    for (fields, problems) in cases {
        refused(&create(fields).await, problems);
    }
    let webhook = owned(&app, "rotating", Profile::Default, json!({})).await;
    for (body, problems) in [
        (json!({ "secret": OWN }), &[("secret", "INVALID")][..]),
        (json!({ "scheme": "v1a" }), &[("scheme", "INVALID")]),
        (json!({ "scheme": 1 }), &[("scheme", "WRONG_TYPE")]),
        (json!({ "overlapSeconds": 604_801 }), &[("overlapSeconds", "OUT_OF_RANGE")]),
        (json!({ "kind": "v1" }), &[("kind", "UNKNOWN")]),
    ] {
        refused(&rotate(&app, &webhook, body).await, problems);
    }
    let patched = app.client.patch(&webhook.url(), &json!({ "secret": OWN })).await;
    refused(&patched, &[("secret", "UNKNOWN")]);
    app.finish().await;
}

async fn a_profile_changes_only_where_its_secret_stays_good(app: TestApp) {
    let webhook = owned(&app, "changing", Profile::GitHub, json!({})).await;
    let to_default = app.client.patch(&webhook.url(), &json!({ "profile": "default" })).await;
    refused(&to_default, &[("profile", "MISMATCH")]);
    let changed = app.client.patch(&webhook.url(), &json!({ "profile": "stripe" })).await.expect(200).data();
    assert_eq!((&changed["profile"], changed.get("secret")), (&json!("stripe"), None));
    app.receiver.route(&webhook.path, Route::verifying(Profile::Stripe, SignatureOption::Fixed, vec![webhook.key()]));
    app.publish("a.b", json!({})).await;
    let records = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap();
    assert_eq!(records[0].verdict, Verdict::Verified);
    assert_eq!(records[0].header("x-hub-signature-256"), "");
    app.finish().await;
}

async fn a_receiver_is_asked_before_anything_is_sent(app: TestApp) {
    let webhook = owned(&app, "asked", Profile::CloudEvents, json!({ "handshake": true })).await;
    assert_eq!((&webhook.shown["handshake"], &webhook.shown["handshakeAgreed"]), (&json!(true), &json!(false)));
    let event = app.publish("a.b", json!({})).await;
    let waiting = app.delivery_after(&event, 1).await;
    assert_eq!((&waiting["lastError"], app.receiver.count(&webhook.path)), (&json!("handshake"), 0));

    let allowing = |origin: &str| Behaviour { allow_origin: Some(origin.to_owned()), ..Behaviour::default() };
    app.receiver.behave(&webhook.path, allowing("other.example.com"));
    app.advance_to(time(&waiting["nextAttemptAt"]));
    let waiting = app.delivery_after(&event, 2).await;
    assert_eq!((&waiting["lastError"], app.receiver.count(&webhook.path)), (&json!("handshake"), 0));

    app.receiver.behave(&webhook.path, allowing(ORIGIN));
    app.advance_to(time(&waiting["nextAttemptAt"]));
    app.delivery_in(&event, "delivered").await;
    let record = app.receiver.records(&webhook.path).remove(0);
    assert_eq!((record.verdict, record.header("webhook-request-origin")), (Verdict::Verified, ORIGIN));
    let shown = app.client.get(&webhook.url()).await.expect(200).data();
    assert_eq!(shown["handshakeAgreed"], true);

    // What was agreed holds; a new URL is asked anew.
    app.receiver.behave(&webhook.path, Behaviour::default());
    let event = app.publish("a.b", json!({})).await;
    app.delivery_in(&event, "delivered").await;
    app.receiver.route("/moved", Route::new(Vec::new()));
    let moved = json!({ "url": app.receiver.url("/moved") });
    assert_eq!(app.client.patch(&webhook.url(), &moved).await.expect(200).data()["handshakeAgreed"], false);
    let event = app.publish("a.b", json!({})).await;
    let waiting = app.delivery_after(&event, 1).await;
    assert_eq!((&waiting["lastError"], app.receiver.count("/moved")), (&json!("handshake"), 0));
    app.finish().await;
}
