//! What holds where nothing is configured: the numbers that users are told.

use std::time::Duration;

use angarium::config::Config;
use angarium::domain::meter::Period;
use angarium::domain::plan::{Limit, Plan, Plans};
use serde_json::Value;

use crate::support::document::{document, operations};

fn config() -> Config {
    Config::from_layers("", []).unwrap()
}

#[test]
fn the_api_is_at_port_3001_of_this_machine_and_below_api() {
    assert_eq!(config().api.listen, ([127, 0, 0, 1], 3001).into());
    let not_below: Vec<_> = operations().into_iter().map(|operation| operation.path).collect();
    let is_below = |path: &&String| path.starts_with("/api/v1/") || path.starts_with("/api/tenant/");
    let others: Vec<_> = not_below.iter().filter(|path| !is_below(path)).collect();
    let expected = [
        "/api/auth/login",
        "/api/auth/logout",
        "/api/auth/me",
        "/api/auth/password",
        "/healthz",
        "/metrics",
        "/readyz",
    ];
    assert!(others.iter().all(|path| expected.contains(&path.as_str())), "{others:?}");
}

#[test]
fn the_bounds_are_those_that_users_are_told() {
    let config = config();
    let api = &config.api;
    assert_eq!((api.page_limit_default, api.conversations_limit_default, api.page_limit_max), (20, 50, 100));
    assert_eq!((api.page_depth_max, api.batch_events_max, api.event_data_bytes_max), (10_000, 1_000, 256 * 1024));
    assert_eq!(api.idempotency_s, Duration::from_hours(24));
    assert_eq!((config.store.looked_max, config.store.counted_max), (10_000, 10_000));
    let limits = &config.limits;
    assert_eq!((limits.requests_per_second_per_address, limits.session_requests_per_minute), (100, 500));
    assert_eq!(limits.batches_max, 10);
    let streams = (limits.streams_max, limits.streams_per_tenant_max, limits.stream_rows_per_second);
    assert_eq!(streams, (200, 10, 100));
    let delivery = &config.delivery;
    let (default, max) = (delivery.timeout_default_ms, delivery.timeout_max_ms);
    assert_eq!((default, max), (Duration::from_secs(10), Duration::from_secs(30)));
    assert_eq!(delivery.response_excerpt_bytes_max, 16 * 1024);
    assert_eq!(delivery.disable_after_s, Duration::from_hours(5 * 24));
    assert!(!config.egress.allow_http && config.egress.allow_networks.is_empty());
}

#[test]
fn the_plans_are_as_they_are_sold() {
    let plans = Plans::parse(include_str!("../../config/plans.toml")).unwrap();
    let figures = |name: &str| {
        let plan: &Plan = plans.get(name);
        let minute = |meter: &str| plan.limit_of(meter, Period::Minute).as_number();
        (plan.requests_per_hour.as_number(), minute("messages"), minute("ai_replies"))
    };
    for (names, expected) in [
        (&["starter", "standard"][..], (500, 600, 150)),
        (&["professional", "premium", "growth"], (5_000, 3_000, 750)),
        (&["scale"], (5_000, 12_000, 3_000)),
        (&["enterprise"], (50_000, -1, -1)),
        (&["unlimited"], (-1, -1, -1)),
    ] {
        for name in names {
            assert_eq!(figures(name), expected, "{name}");
        }
    }
    let unlimited = plans.get("unlimited");
    let Plan { requests_per_month, events_per_month, webhooks, event_data_bytes, webhook_concurrency, .. } =
        **unlimited;
    for limit in [requests_per_month, events_per_month, webhooks, event_data_bytes, webhook_concurrency] {
        assert_eq!(limit, Limit::Unlimited);
    }
}

/// The names of properties in a schema and all below it.
fn names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Object(properties)) = fields.get("properties") {
                found.extend(properties.keys().cloned());
            }
            // Examples are data of our users.
            for (_, inner) in fields.iter().filter(|(name, _)| !matches!(name.as_str(), "example" | "examples")) {
                names(inner, found);
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| names(entry, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_name_is_in_camel_case() {
    let mut found = Vec::new();
    names(&document(), &mut found);
    assert!(found.len() > 200);
    let is_camel = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let others: Vec<_> = found.iter().filter(|name| !is_camel(name)).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn the_catalogue_has_every_type_that_is_told() {
    let told = [
        ("conversation", &["created", "updated", "assigned", "escalated", "closed"][..]),
        ("customer", &["created", "updated"]),
        ("message", &["sent", "received"]),
        ("ai.reply", &["created"]),
        ("lead", &["captured"]),
        ("user", &["created", "updated"]),
        ("call", &["initiated", "ringing", "answered", "completed", "failed", "recording.available"]),
        ("webhook", &["disabled", "failing"]),
        ("delivery", &["exhausted"]),
        ("quota", &["reached"]),
        ("api_key", &["rotation_due"]),
    ];
    for (noun, verbs) in told {
        for verb in verbs {
            let name = format!("{noun}.{verb}");
            assert!(angarium::domain::catalogue::built_in_named(&name).is_some(), "{name}");
        }
    }
}
