//! The rows: one profile each. See [`Spec`] for the columns.

use std::time::Duration;

use super::Part::{Data, Environment, Event, Id, OccurredAt, SentAt, Tenant, Text, Token, Uuid};
use super::{OptionRule, Part, SecretRule, Spec};
use crate::domain::signature::{Encoding, HEADER_BODY_HEX, HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP};
use crate::domain::signature::{Scheme, Signed, TimeAt};

const JSON: &str = "application/json";
const BODY_ALONE: &[Signed] = &[Signed::Body];

/// Standard Webhooks.
const STANDARD: Scheme<'static> = Scheme {
    header: HEADER_SIGNATURE,
    signed: &[Signed::Id, Signed::Text("."), Signed::Time, Signed::Text("."), Signed::Body],
    time: TimeAt::Header(HEADER_TIMESTAMP),
    encoding: Encoding::Base64,
    hmac: Some("v1,"),
    ed25519: Some("v1a,"),
    between: Some(" "),
};

/// A hex HMAC of the body, by itself in a header.
const BODY_HEX: Scheme<'static> = Scheme {
    header: HEADER_BODY_HEX,
    signed: BODY_ALONE,
    time: TimeAt::Nowhere,
    encoding: Encoding::Hex,
    hmac: Some(""),
    ed25519: None,
    between: None,
};

const WEBHOOK_ID: (&str, &[Part]) = (HEADER_ID, &[Id]);
const STANDARD_HEADERS: &[(&str, &[Part])] = &[WEBHOOK_ID, (HEADER_TIMESTAMP, &[SentAt])];

pub(super) static DEFAULT: Spec = Spec {
    word: "default",
    body: &[
        Text("{\"id\":\""),
        Id,
        Text("\",\"event\":\""),
        Event,
        Text("\",\"timestamp\":\""),
        OccurredAt,
        Text("\",\"data\":"),
        Data,
        Text("}"),
    ],
    content_type: JSON,
    agent: None,
    headers: STANDARD_HEADERS,
    signatures: &[STANDARD, BODY_HEX],
    option: OptionRule::Schemes,
    secret: SecretRule::Standard,
    names: None,
    retries: None,
    timeout: None,
};

pub(super) static G_TATETH: Spec = Spec {
    word: "g-tateth",
    body: &[
        Text("{\"event\":\""),
        Event,
        Text("\",\"timestamp\":\""),
        OccurredAt,
        Text("\",\"data\":"),
        Data,
        Text("}"),
    ],
    content_type: JSON,
    agent: None,
    headers: &[WEBHOOK_ID],
    signatures: &[BODY_HEX],
    option: OptionRule::Body,
    secret: SecretRule::Text { whsec: false },
    names: None,
    retries: None,
    timeout: None,
};

pub(super) static CONTEXT_GPT: Spec = Spec {
    word: "contextgpt",
    body: &[Text("{\"event\":\""), Event, Text("\",\"data\":"), Data, Text("}")],
    content_type: JSON,
    agent: Some("ContextGPT-Webhooks/1.0"),
    headers: &[WEBHOOK_ID, ("x-webhook-token", &[Token])],
    signatures: &[Scheme { header: "x-signature", hmac: Some("sha256="), ..BODY_HEX }],
    option: OptionRule::Fixed,
    secret: SecretRule::Own,
    // Its receivers are told of every message, sent or received, under one name. An AI's reply is a message too: it
    // comes as `message.sent`, and `ai.reply.created` beside it would tell the same twice.
    names: Some(&[
        ("message.received", "NEW_MESSAGE"),
        ("message.sent", "NEW_MESSAGE"),
        ("conversation.escalated", "CONVERSATION_ESCALATED"),
        ("lead.captured", "NEW_LEAD"),
    ]),
    retries: Some(&[1, 5, 25]),
    timeout: Some(Duration::from_secs(10)),
};

pub(super) static GITHUB: Spec = Spec {
    word: "github",
    body: &[Data],
    content_type: JSON,
    agent: None,
    headers: &[WEBHOOK_ID, ("x-github-event", &[Event]), ("x-github-delivery", &[Uuid])],
    signatures: &[Scheme { header: "x-hub-signature-256", hmac: Some("sha256="), ..BODY_HEX }],
    option: OptionRule::Fixed,
    secret: SecretRule::Text { whsec: false },
    names: None,
    retries: None,
    timeout: None,
};

pub(super) static STRIPE: Spec = Spec {
    word: "stripe",
    body: &[Data],
    content_type: JSON,
    agent: None,
    headers: &[WEBHOOK_ID],
    signatures: &[Scheme {
        header: "stripe-signature",
        signed: &[Signed::Time, Signed::Text("."), Signed::Body],
        time: TimeAt::Entry("t="),
        encoding: Encoding::Hex,
        hmac: Some("v1="),
        ed25519: None,
        between: Some(","),
    }],
    option: OptionRule::Fixed,
    secret: SecretRule::Text { whsec: true },
    names: None,
    retries: None,
    timeout: None,
};

pub(super) static SLACK: Spec = Spec {
    word: "slack",
    body: &[Data],
    content_type: JSON,
    agent: None,
    headers: &[WEBHOOK_ID, ("x-slack-request-timestamp", &[SentAt])],
    signatures: &[Scheme {
        header: "x-slack-signature",
        signed: &[Signed::Text("v0:"), Signed::Time, Signed::Text(":"), Signed::Body],
        time: TimeAt::Header("x-slack-request-timestamp"),
        encoding: Encoding::Hex,
        hmac: Some("v0="),
        ed25519: None,
        between: None,
    }],
    option: OptionRule::Fixed,
    secret: SecretRule::Text { whsec: false },
    names: None,
    retries: None,
    timeout: None,
};

pub(super) static SHOPIFY: Spec = Spec {
    word: "shopify",
    body: &[Data],
    content_type: JSON,
    agent: None,
    // Its library refuses a request that lacks any of these; the tenant stands for the shop.
    headers: &[
        WEBHOOK_ID,
        ("x-shopify-topic", &[Event]),
        ("x-shopify-shop-domain", &[Tenant]),
        ("x-shopify-api-version", &[Text("v1")]),
        ("x-shopify-webhook-id", &[Uuid]),
        ("x-shopify-event-id", &[Uuid]),
        ("x-shopify-triggered-at", &[OccurredAt]),
    ],
    signatures: &[Scheme { header: "x-shopify-hmac-sha256", encoding: Encoding::Base64, ..BODY_HEX }],
    option: OptionRule::Fixed,
    secret: SecretRule::Text { whsec: false },
    names: None,
    retries: None,
    timeout: None,
};

pub(super) static CLOUD_EVENTS: Spec = Spec {
    word: "cloudevents",
    // The structured mode: in the binary one, type and source would be headers that no signature covers. Source and
    // id together are unique, as the specification demands.
    body: &[
        Text("{\"specversion\":\"1.0\",\"id\":\""),
        Id,
        Text("\",\"source\":\"/angarium/"),
        Tenant,
        Text("/"),
        Environment,
        Text("\",\"type\":\""),
        Event,
        Text("\",\"time\":\""),
        OccurredAt,
        Text("\",\"datacontenttype\":\"application/json\",\"data\":"),
        Data,
        Text("}"),
    ],
    content_type: "application/cloudevents+json; charset=utf-8",
    agent: None,
    headers: STANDARD_HEADERS,
    signatures: &[STANDARD],
    option: OptionRule::Schemes,
    secret: SecretRule::Standard,
    names: None,
    retries: None,
    timeout: None,
};
