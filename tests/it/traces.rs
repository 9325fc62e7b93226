//! Traces: one for each event, with a span for its acceptance and one for each attempt, sent to a collector.

use std::time::Duration;

use angarium::config::Config;
use angarium::domain::id::EventId;
use angarium::receiver::Behaviour;
use serde_json::json;

use crate::support::collector::{Collector, Span};
use crate::support::{TestApp, both_engines};

both_engines!(
    an_event_is_a_trace_with_a_span_for_each_attempt,
    a_share_of_none_tells_nothing,
    a_collector_that_is_away_delays_nothing,
);

async fn told(app: &mut TestApp, endpoint: String, change: impl FnOnce(&mut Config)) {
    app.config.traces.endpoint = endpoint;
    change(&mut app.config);
    app.restart().await;
}

fn trace_of(event: &str) -> u128 {
    event.parse::<EventId>().unwrap().0.as_u128()
}

fn shown(span: &Span, name: &str) -> String {
    span.attributes.get(name).cloned().unwrap_or_default()
}

async fn an_event_is_a_trace_with_a_span_for_each_attempt(mut app: TestApp) {
    let collector = Collector::start().await;
    told(&mut app, collector.endpoint.clone() + "/", |_| ()).await;
    let webhook = app.webhook_with("hook", json!({ "events": ["order.*"] }), Behaviour::fail_first(1)).await;
    let event = app.publish("order.paid", json!({ "card": "4111-1111" })).await;
    app.delivery_after(&event, 1).await;
    app.advance(Duration::from_secs(5));
    let delivery = app.delivery_in(&event, "delivered").await;
    let unwanted = app.publish("nobody.cares", json!({})).await;
    // What waits is sent when the process ends.
    app.finish().await;

    let mut spans = collector.spans();
    let alone: Vec<_> = spans.extract_if(.., |span| span.trace == trace_of(&unwanted)).collect();
    assert_eq!((alone.len(), shown(&alone[0], "angarium.deliveries").as_str()), (1, "0"));
    assert!(spans.iter().all(|span| span.trace == trace_of(&event)), "{spans:?}");
    let root = spans.extract_if(.., |span| span.name == "accept").next().unwrap();
    assert_eq!((root.parent.len(), shown(&root, "angarium.deliveries").as_str()), (0, "1"));
    assert_eq!(shown(&root, "angarium.event.type"), "order.paid");
    spans.sort_by_key(|span| shown(span, "angarium.attempt"));
    let said: Vec<_> =
        spans.iter().map(|span| (shown(span, "http.response.status_code"), shown(span, "error.type"))).collect();
    assert_eq!(said, [("503".to_owned(), "503".to_owned()), ("200".to_owned(), String::new())]);
    assert_ne!(spans[0].id, spans[1].id);
    for (span, is_error) in spans.iter().zip([true, false]) {
        assert_eq!((&span.parent, span.name.as_str(), span.is_error), (&root.id, "POST", is_error));
        for (name, value) in [
            ("service.name", "angarium"),
            ("server.address", "127.0.0.1"),
            ("angarium.webhook.id", &webhook.id),
            ("angarium.delivery.id", delivery["id"].as_str().unwrap()),
            ("angarium.event.id", &event),
        ] {
            assert_eq!(shown(span, name), value, "{name}");
        }
        let told = format!("{span:?}");
        assert!(!told.contains("4111") && !told.contains(&webhook.path), "{told}");
    }
}

async fn a_share_of_none_tells_nothing(mut app: TestApp) {
    let collector = Collector::start().await;
    told(&mut app, collector.endpoint.clone(), |config| config.traces.sample_ratio = 0.0).await;
    app.webhook("hook").await;
    let event = app.publish("order.paid", json!({})).await;
    app.delivery_in(&event, "delivered").await;
    app.finish().await;
    assert!(collector.spans().is_empty());
}

async fn a_collector_that_is_away_delays_nothing(mut app: TestApp) {
    let gone = Collector::start().await.endpoint.clone();
    told(&mut app, gone, |config| config.traces.queue_max = 1).await;
    app.webhook("hook").await;
    for _ in 0..5 {
        let event = app.publish("order.paid", json!({})).await;
        app.delivery_in(&event, "delivered").await;
    }
    app.finish().await;
}
