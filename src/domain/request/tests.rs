use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::domain::channel::Channels;
use crate::domain::event::EventType;
use crate::domain::id::{EventId, TenantId, WebhookId};
use crate::domain::ordering::Ordering;
use crate::domain::profile::{Profile, SignatureOption};
use crate::domain::secret::Secret;
use crate::domain::signature::HEADER_ID;
use crate::domain::subscription::Subscription;
use crate::domain::tenant::{Environment, Scope};
use crate::domain::webhook::{WebhookSettings, WebhookStatus};

const NOW: Timestamp = Timestamp::from_millis(1_700_000_100_000);
const DATA: &str = "{ \"price\": 1.10, \"big\": 12345678901234567890123, \"\\u2028\": \"é\" }\n";

fn webhook(profile: Profile) -> Webhook {
    let settings = WebhookSettings {
        name: "shop".into(),
        url: "https://example.com/".into(),
        events: Subscription::parse(&["*"]).unwrap(),
        channels: Channels::default(),
        filter: None,
        headers: BTreeMap::from([("X-Tenant".into(), "acme".into())]),
        retry_policy: profile.retry_policy(),
        timeout: Duration::from_secs(10),
        rate_limit: None,
        ordering: Ordering::None,
        profile,
        signature: SignatureOption::default_of(profile),
        handshake: false,
        description: None,
        metadata: None,
    };
    Webhook {
        id: WebhookId(Uuid::from_u128(3)),
        scope: Scope { tenant: TenantId(Uuid::from_u128(2)), environment: Environment::Production },
        settings,
        status: WebhookStatus::Active,
        status_reason: None,
        consent: None,
        created_at: NOW,
        updated_at: NOW,
        deleted_at: None,
        revision: 1,
    }
}

fn event(event_type: &str) -> EventContent {
    EventContent {
        id: EventId(Uuid::from_u128(5)),
        event_type: EventType::parse(event_type).unwrap(),
        occurred_at: Timestamp::from_millis(1_700_000_000_123),
        data: Bytes::from(DATA),
    }
}

fn key(webhook: &Webhook) -> SigningKey {
    SigningKey::new(&Secret::generate_as(webhook.settings.signature.kinds()[0], [7; 32]))
}

fn shown(request: &OutgoingRequest<'_>) -> BTreeMap<String, String> {
    let headers = request.headers.iter();
    headers.map(|header| (header.name.as_str().to_owned(), header.shown_value().to_owned())).collect()
}

#[test]
fn each_body_is_json_and_keeps_the_data_byte_for_byte() {
    let id = EventId(Uuid::from_u128(5)).to_string();
    let tenant = TenantId(Uuid::from_u128(2)).to_string();
    let data: Value = serde_json::from_str(DATA).unwrap();
    let (time, name) = ("2023-11-14T22:13:20.123Z", "lead.captured");
    for profile in Profile::ALL {
        let webhook = webhook(profile);
        let body = build(&webhook, &[&key(&webhook)], &event(name), "hooks.example.com", NOW).unwrap().body;
        let text = String::from_utf8(body).unwrap();
        assert!(text.contains(DATA), "{profile:?}");
        assert_eq!(text.capacity(), text.len(), "{profile:?}");
        let expected = match profile {
            Profile::Default => json!({ "id": id, "event": name, "timestamp": time, "data": data }),
            Profile::GTateth => json!({ "event": name, "timestamp": time, "data": data }),
            Profile::ContextGpt => json!({ "event": "NEW_LEAD", "data": data }),
            Profile::GitHub | Profile::Stripe | Profile::Slack | Profile::Shopify => data.clone(),
            Profile::CloudEvents => json!({
                "specversion": "1.0", "id": id, "source": format!("/angarium/{tenant}/production"), "type": name,
                "time": time, "datacontenttype": "application/json", "data": data,
            }),
        };
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }
}

#[test]
fn people_see_what_is_no_secret() {
    for profile in Profile::ALL {
        let webhook = webhook(profile);
        let request = build(&webhook, &[&key(&webhook)], &event("a.b"), "hooks.example.com", NOW).unwrap();
        let headers = shown(&request);
        let hidden: Vec<_> = headers.iter().filter(|(_, v)| *v == HIDDEN).map(|(name, _)| name.as_str()).collect();
        let mut expected: Vec<_> = profile.spec().signatures.iter().map(|scheme| scheme.header).collect();
        expected.push("X-Tenant");
        if profile == Profile::ContextGpt {
            expected.push("x-webhook-token");
        }
        expected.sort_unstable();
        assert_eq!(hidden, expected, "{profile:?}");
        assert_eq!(headers[HEADER_ID], event("a.b").id.to_string());
        assert!(!format!("{request:?}").contains("price"));
    }
}

#[test]
fn companions_say_what_their_receivers_read() {
    let header = |profile, name: &str| {
        let webhook = webhook(profile);
        let key = key(&webhook);
        let request = build(&webhook, &[&key], &event("a.b"), "hooks.example.com", NOW).unwrap();
        let found = request.headers.iter().find(|header| header.name.as_str() == name);
        found.map(|header| header.value.as_str().to_owned()).unwrap_or_default()
    };
    let uuid = Uuid::from_u128(5).to_string();
    assert_eq!(header(Profile::Default, "webhook-timestamp"), "1700000100");
    assert_eq!(header(Profile::Default, "user-agent"), AGENT);
    assert_eq!(header(Profile::ContextGpt, "user-agent"), "ContextGPT-Webhooks/1.0");
    assert_eq!(header(Profile::ContextGpt, "x-webhook-token"), "07".repeat(32));
    assert_eq!(header(Profile::GitHub, "x-github-event"), "a.b");
    assert_eq!(header(Profile::GitHub, "x-github-delivery"), uuid);
    assert_eq!(header(Profile::Slack, "x-slack-request-timestamp"), "1700000100");
    assert_eq!(header(Profile::Shopify, "x-shopify-triggered-at"), "2023-11-14T22:13:20.123Z");
    assert_eq!(header(Profile::CloudEvents, "content-type"), "application/cloudevents+json; charset=utf-8");
}

#[test]
fn a_key_of_another_kind_signs_nothing() {
    let webhook = webhook(Profile::Default);
    assert_eq!(build(&webhook, &[], &event("a.b"), "hooks.example.com", NOW).unwrap_err(), NotSigned);
    let pair = SigningKey::new(&Secret::generate_as(crate::domain::secret::SecretKind::Ed25519, [1; 32]));
    let by_pair = build(&webhook, &[&pair], &event("a.b"), "hooks.example.com", NOW).unwrap();
    assert!(!shown(&by_pair).contains_key("x-webhook-signature"));
}

#[test]
fn every_number_has_its_decimal_text() {
    for number in [i64::MIN, -1, 0, 7, 1_700_000_000, i64::MAX] {
        assert_eq!(Decimal::of(number).as_str(), number.to_string());
    }
}

#[test]
fn who_had_to_ask_says_who_it_is() {
    let mut webhook = webhook(Profile::CloudEvents);
    let origin = |webhook: &Webhook| {
        let request = build(webhook, &[&key(webhook)], &event("a.b"), "hooks.example.com", NOW).unwrap();
        shown(&request).get(REQUEST_ORIGIN).cloned()
    };
    assert_eq!(origin(&webhook), None);
    webhook.settings.handshake = true;
    assert_eq!(origin(&webhook).as_deref(), Some("hooks.example.com"));
}
