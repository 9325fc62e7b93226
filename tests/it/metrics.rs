//! Health and metrics: what operators and orchestrators see.

use angarium::receiver::Behaviour;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::client::Client;
use crate::support::metrics::value;
use crate::support::{TestApp, both_engines, eventually};

both_engines!(every_number_has_a_name_and_moves, a_draining_process_is_alive_and_not_ready);

async fn scrape(client: &Client) -> String {
    let reply = client.send(client.anonymous(reqwest::Method::GET, "/metrics")).await.expect(200);
    assert!(reply.header("content-type").starts_with("application/openmetrics-text"), "{:?}", reply.headers);
    assert!(reply.text.ends_with("# EOF\n"));
    reply.text
}

async fn every_number_has_a_name_and_moves(app: TestApp) {
    let before = scrape(&app.client).await;
    for gauge in [
        "accept_queue_events",
        "requests_in_flight",
        "deliveries_waiting",
        "deliveries_pending",
        "oldest_due_seconds",
        "broker_ready",
        "broker_waiting_tickets",
        "scheduler_leader",
    ] {
        assert!(before.contains(&format!("# TYPE angarium_{gauge} gauge")), "{gauge}");
    }
    let counters = [
        "http_requests_total",
        "http_request_seconds_count",
        "events_accepted_total",
        "accept_batch_events_count",
        "accept_commit_seconds_count",
        "attempts_total",
        "attempt_seconds_count",
        "first_attempt_lag_seconds_count",
        "settle_batch_attempts_count",
        "deliveries_swept_total",
    ];
    let webhook = app.webhook_with("hook", json!({}), Behaviour::fail_first(1)).await;
    let event = app.publish("a.b", json!({})).await;
    app.delivery_after(&event, 1).await;
    eventually("the pending delivery is counted", || async {
        (value(&scrape(&app.client).await, "angarium_deliveries_pending") > 0.0).then_some(())
    })
    .await;
    app.advance(std::time::Duration::from_secs(5));
    app.delivery_in(&event, "delivered").await;
    app.client.get("/api/v1/webhooks/x").await.expect(404);
    let after = scrape(&app.client).await;
    for counter in counters {
        let name = format!("angarium_{counter}");
        assert!(value(&after, &name) > value(&before, &name), "{name}\n{after}");
    }
    assert!(after.contains("angarium_attempts_total{outcome=\"2xx\"} 1"), "{after}");
    assert!(after.contains("angarium_attempts_total{outcome=\"5xx\"} 1"), "{after}");
    // Routes are patterns: an id in a label would make a series of its own.
    assert!(after.contains("route=\"/api/v1/webhooks/{id}\",status=\"404\""), "{after}");
    assert!(!after.contains(&webhook.id) && !after.contains("acme"));
    eventually("nothing is left", || async {
        let text = scrape(&app.client).await;
        let idle = ["deliveries_pending", "requests_in_flight", "deliveries_waiting", "accept_queue_events"];
        let busy = idle.iter().any(|name| value(&text, &format!("angarium_{name}")) != 0.0);
        let well = ["broker_ready", "scheduler_leader"];
        let well = well.iter().all(|name| (value(&text, &format!("angarium_{name}")) - 1.0).abs() < 0.1);
        (!busy && well).then_some(())
    })
    .await;
    app.finish().await;
}

async fn a_draining_process_is_alive_and_not_ready(mut app: TestApp) {
    // A port of its own goes on answering while the API drains, as long as the process is there.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    app.config.admin.listen = free.to_string();
    app.restart().await;
    let admin = app.client.at(app.app().admin.unwrap());
    for path in ["/healthz", "/api/v1/health"] {
        assert_eq!(admin.get(path).await.expect(200).text, r#"{"status":"ok"}"#);
    }
    let ready = admin.get("/readyz").await.expect(200).json();
    assert_eq!(ready["parts"], json!({ "store": "up", "broker": "up", "draining": false }));
    assert!(admin.get("/metrics").await.expect(200).text.contains("angarium_"));
    assert_eq!(admin.get("/api/v1/webhooks").await.status, 404);

    let running = app.app.take().unwrap();
    let stopping = tokio::spawn(running.stop());
    let seen = eventually("it says that it is going", || async {
        let reply = admin.send(admin.anonymous(reqwest::Method::GET, "/readyz").timeout(crate::support::SOON)).await;
        (reply.status == 503).then_some(reply)
    })
    .await;
    assert_eq!(seen.json()["parts"]["draining"], true);
    stopping.await.unwrap();
    app.app = Some(angarium::app::App::start(&app.config, angarium::app::Role::All, app.clock.clone()).await.unwrap());
    app.finish().await;
}
