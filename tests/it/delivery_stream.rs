//! The stream of attempts: each as it ends, at a pace, with filters, and on from where one broke off.

use std::pin::Pin;
use std::time::{Duration, Instant};

use angarium::config::Config;
use angarium::domain::tenant::Environment;
use angarium::receiver::Behaviour;
use futures_util::{Stream, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::TestEngine;
use crate::support::client::Client;
use crate::support::{SOON, TestApp, both_engines};

both_engines!(
    start;
    attempts_come_as_they_end,
    a_stream_goes_on_from_where_it_broke_off,
    a_filter_leaves_attempts_out,
    more_than_a_second_may_have_comes_later,
    streams_are_bounded_and_end_with_the_process,
    bad_parameters_are_named,
);

async fn start(engine: TestEngine) -> TestApp {
    TestApp::start_with(engine, |config: &mut Config| {
        config.limits.streams_max = 2;
        config.limits.streams_per_tenant_max = 1;
        config.limits.stream_rows_per_second = 4;
    })
    .await
}

/// A stream that is read event by event.
struct Told {
    pieces: Pin<Box<dyn Stream<Item = reqwest::Result<bytes::Bytes>> + Send>>,
    text: String,
    last_id: String,
}

async fn open(client: &Client, query: &str, last_event: Option<&str>) -> Told {
    let mut request = client.request(Method::GET, &format!("/api/v1/deliveries/stream?{query}"));
    if let Some(id) = last_event {
        request = request.header("Last-Event-ID", id);
    }
    let response = request.send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    let mut told = Told { pieces: Box::pin(response.bytes_stream()), text: String::new(), last_id: String::new() };
    let begin = told.event().await.expect("a stream tells at once where it is");
    assert!(begin.starts_with("id: ") && begin.contains("retry: 1000") && !begin.contains("data"), "{begin}");
    told
}

impl Told {
    /// The next event as it was written; none at the end.
    async fn event(&mut self) -> Option<String> {
        let read = async {
            while !self.text.contains("\n\n") {
                let piece = self.pieces.next().await?.ok()?;
                self.text.push_str(std::str::from_utf8(&piece).unwrap());
            }
            let (event, rest) = self.text.split_once("\n\n")?;
            let (event, rest) = (event.to_owned(), rest.to_owned());
            self.text = rest;
            if let Some(id) = event.lines().find_map(|line| line.strip_prefix("id: ")) {
                id.clone_into(&mut self.last_id);
            }
            Some(event)
        };
        tokio::time::timeout(SOON, read).await.expect("it goes on or ends")
    }

    /// The next attempt.
    async fn attempt(&mut self) -> Value {
        let event = self.event().await.expect("the stream goes on");
        assert!(event.contains("event: attempt"), "{event}");
        let data = event.lines().find_map(|line| line.strip_prefix("data: ")).expect("an attempt has data");
        serde_json::from_str(data).unwrap()
    }

    /// The events of all attempts until the stream ends.
    async fn rest(mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.event().await {
            if event.contains("event: end") {
                assert_eq!(self.event().await, None);
                return events;
            }
            let data = event.lines().find_map(|line| line.strip_prefix("data: ")).expect("an attempt has data");
            events.push(serde_json::from_str::<Value>(data).unwrap()["eventId"].clone());
        }
        panic!("it ended without saying so");
    }
}

async fn attempts_come_as_they_end(app: TestApp) {
    let fields = json!({ "retryPolicy": { "schedule": [60] } });
    let hook = app.webhook_with("flaky", fields, Behaviour::fail_first(1)).await;
    let old = app.publish("order.old", json!({})).await;
    app.delivery_after(&old, 1).await;
    app.advance(Duration::from_secs(30));
    let mut stream = open(&app.client, "", None).await;
    // A retry of what was there before.
    app.advance(Duration::from_mins(1));
    let retried = stream.attempt().await;
    assert_eq!((&retried["eventId"], &retried["webhookId"]), (&json!(old), &json!(hook.id)));
    assert_eq!(
        (&retried["status"], &retried["attempts"], &retried["lastStatus"]),
        (&json!("delivered"), &json!(2), &json!(200))
    );
    let attempt = &retried["attempt"];
    assert_eq!((&attempt["number"], &attempt["status"], &attempt["errorKind"]), (&json!(2), &json!(200), &Value::Null));
    assert!(attempt["outcome"].as_str().unwrap().starts_with("Attempt 2 got 200"), "{attempt}");
    let read = app.client.get(&format!("/api/v1/deliveries/{}", retried["id"].as_str().unwrap())).await.data();
    for field in ["startedAt", "durationMs", "outcome", "nextAttemptAt"] {
        assert_eq!(attempt[field], read["attemptLog"][1][field], "{field}");
    }
    let new = app.publish("order.new", json!({})).await;
    let told = stream.attempt().await;
    assert_eq!((&told["eventId"], &told["attempt"]["number"]), (&json!(new), &json!(1)));
    drop(stream);
    app.finish().await;
}

async fn a_stream_goes_on_from_where_it_broke_off(mut app: TestApp) {
    app.webhook("hook").await;
    let publish = async |app: &TestApp| {
        app.advance(Duration::from_secs(20));
        let event = app.publish("a.b", json!({})).await;
        app.delivery_in(&event, "delivered").await;
        json!(event)
    };
    let began_at = app.clock.now();
    let early = publish(&app).await;
    app.advance(Duration::from_secs(1));
    let mut stream = open(&app.client, "", None).await;
    let first = publish(&app).await;
    assert_eq!(stream.attempt().await["eventId"], first);
    let id = stream.last_id.clone();
    drop(stream);
    let second = publish(&app).await;
    app.restart().await;
    let third = publish(&app).await;
    let rest = open(&app.client, "follow=false", Some(&id)).await.rest().await;
    assert_eq!(rest, [first.clone(), second.clone(), third.clone()], "the last one again, and all that it missed");
    let all = open(&app.client, &format!("follow=false&since={began_at}"), None).await.rest().await;
    assert_eq!(all, [early, first, second, third]);
    // What is behind all that happened repeats nothing.
    app.advance(Duration::from_secs(20));
    let mut stream = open(&app.client, "follow=false", None).await;
    assert!(stream.event().await.unwrap().contains("event: end"));
    let behind = stream.last_id.clone();
    drop(stream);
    assert_eq!(open(&app.client, "follow=false", Some(&behind)).await.rest().await, [] as [Value; 0]);
    app.finish().await;
}

async fn a_filter_leaves_attempts_out(app: TestApp) {
    let began_at = app.clock.now();
    let bad = json!({ "events": ["order.created"], "retryPolicy": { "maxRetries": 0 } });
    let bad = app.webhook_with("bad", bad, Behaviour::status(404)).await;
    app.webhook_with("good", json!({ "events": ["order.paid"] }), Behaviour::default()).await;
    let created = json!(app.publish("order.created", json!({})).await);
    app.delivery_in(created.as_str().unwrap(), "dead").await;
    app.advance(Duration::from_secs(1));
    let paid = json!(app.publish("order.paid", json!({})).await);
    app.delivery_in(paid.as_str().unwrap(), "delivered").await;
    for (filter, expected) in [
        (String::new(), vec![&created, &paid]),
        ("eventType=order.paid".to_owned(), vec![&paid]),
        (format!("webhookId={}", bad.id), vec![&created]),
        (format!("eventId={}", paid.as_str().unwrap()), vec![&paid]),
        ("statusClass=4xx".to_owned(), vec![&created]),
        ("status=delivered".to_owned(), vec![&paid]),
        ("attemptsMin=2".to_owned(), vec![]),
        ("errorKind=timeout".to_owned(), vec![]),
        (format!("createdBefore={began_at}"), vec![]),
    ] {
        let query = format!("follow=false&since={began_at}&{filter}");
        let told = open(&app.client, query.trim_end_matches('&'), None).await.rest().await;
        assert_eq!(told.iter().collect::<Vec<_>>(), expected, "{filter}");
    }
    let strangers =
        [app.client_of("stranger", Environment::Staging).await, app.client_of("acme", Environment::Production).await];
    for stranger in strangers {
        let told = open(&stranger, &format!("follow=false&since={began_at}"), None).await.rest().await;
        assert_eq!(told, [] as [Value; 0]);
    }
    app.finish().await;
}

async fn more_than_a_second_may_have_comes_later(app: TestApp) {
    app.webhook("hook").await;
    let began_at = app.clock.now();
    let mut events = Vec::new();
    for n in 0..10 {
        events.push(json!(app.publish("a.b", json!({ "n": n })).await));
        app.delivery_in(events[n].as_str().unwrap(), "delivered").await;
    }
    let started = Instant::now();
    let mut told = open(&app.client, &format!("follow=false&since={began_at}"), None).await.rest().await;
    assert!(started.elapsed() >= Duration::from_secs(2), "four in a second: {:?}", started.elapsed());
    told.sort_by_key(|event| events.iter().position(|other| other == event));
    assert_eq!(told, events, "each once");
    app.finish().await;
}

async fn streams_are_bounded_and_end_with_the_process(app: TestApp) {
    let busy = async |client: &Client| client.get("/api/v1/deliveries/stream?follow=false").await;
    let others = [app.client_of("two", Environment::Staging).await, app.client_of("three", Environment::Staging).await];
    let mut first = open(&app.client, "", None).await;
    let refused = busy(&app.client).await.expect(429);
    assert_eq!((refused.code(), refused.header("retry-after")), ("RATE_LIMIT_EXCEEDED".to_owned(), "1"));
    let second = open(&others[0], "", None).await;
    assert_eq!(busy(&others[1]).await.expect(503).code(), "UNAVAILABLE");
    drop(second);
    crate::support::eventually("a place is given back", || async {
        (busy(&others[1]).await.status == 200).then_some(())
    })
    .await;
    app.client_with(&["read:events"]).await.get("/api/v1/deliveries/stream").await.expect(403);
    let ended = tokio::spawn(async move { while first.event().await.is_some() {} });
    app.finish().await;
    tokio::time::timeout(SOON, ended).await.expect("the stream ends with the process").unwrap();
}

async fn bad_parameters_are_named(app: TestApp) {
    for (query, at) in [
        ("follow=maybe", "follow"),
        ("since=yesterday", "since"),
        ("since=", "since"),
        ("page=1", "page"),
        ("data=a:1", "data"),
        ("webhookId=x", "webhookId"),
        ("statusClass=9xx", "statusClass"),
        ("createdAfter=1", "createdAfter"),
    ] {
        let refused = app.client.get(&format!("/api/v1/deliveries/stream?{query}")).await.expect(422);
        assert_eq!(refused.json()["error"]["details"]["errors"][0]["path"], json!([at]), "{query}");
    }
    let request = app.client.request(Method::GET, "/api/v1/deliveries/stream").header("Last-Event-ID", "7");
    let refused = app.client.send(request).await.expect(422);
    assert_eq!(refused.json()["error"]["details"]["errors"][0]["path"], json!(["Last-Event-ID"]));
    app.finish().await;
}
