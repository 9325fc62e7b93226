//! Going down under load: no request fails, nothing is lost, nothing is sent twice, and it ends in time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use angarium::app::{App, Role};
use angarium::receiver::Behaviour;
use serde_json::{Value, json};

use crate::support::client::{Client, JsonBody as _};
use crate::support::{SOON, TestApp, both_engines, eventually};

both_engines!(a_stop_under_load_fails_no_request, what_hangs_does_not_keep_a_stop_from_ending);

/// Publishes until the server does not take connections any more; gives the ids that were accepted.
async fn publish_until_refused(client: Client, go: Arc<AtomicBool>) -> Vec<String> {
    // A connection of its own, as another client process would have.
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut accepted = Vec::new();
    while go.load(Ordering::Relaxed) {
        let request = http.post(client.url("/api/v1/events")).bearer_auth(client.key());
        match request.json_body(&json!({ "type": "a.b", "data": {} })).send().await {
            Ok(response) => {
                let status = response.status();
                let body: Value = serde_json::from_str(&response.text().await.expect("a whole answer")).unwrap();
                assert_eq!(status, 202, "{body}");
                accepted.push(body["data"]["id"].as_str().unwrap().to_owned());
            }
            // Nobody listens: nothing was sent.
            Err(error) if error.is_connect() => break,
            Err(error) => panic!("a request was broken off: {error:?}"),
        }
    }
    accepted
}

async fn a_stop_under_load_fails_no_request(mut app: TestApp) {
    let webhook = app.webhook_with("hook", json!({}), Behaviour::delay(Duration::from_millis(5))).await;
    let go = Arc::new(AtomicBool::new(true));
    let clients: Vec<_> =
        (0..8).map(|_| tokio::spawn(publish_until_refused(app.client.clone(), Arc::clone(&go)))).collect();
    app.receiver.wait_for(&webhook.path, 100, SOON).await.unwrap();
    let began = Instant::now();
    app.app.take().unwrap().stop().await;
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    go.store(false, Ordering::Relaxed);
    let mut accepted = HashSet::new();
    for client in clients {
        accepted.extend(client.await.unwrap());
    }
    // Nothing is sent by a process that has stopped.
    let sent = app.receiver.count(&webhook.path);
    let running = App::start(&app.config, Role::All, app.clock.clone()).await.unwrap();
    app.client = app.client.at(running.api.unwrap());
    app.app = Some(running);
    assert!(sent >= 100);
    eventually("everything that was accepted is delivered", || async {
        // Slow enough that no lease ends while its request is on the wire.
        app.advance(Duration::from_millis(250));
        (app.app().engine.store().pending_count().await.unwrap() == 0).then_some(())
    })
    .await;
    let came: Vec<String> = app.receiver.records(&webhook.path).iter().map(|record| record.id().to_owned()).collect();
    assert_eq!(came.iter().cloned().collect::<HashSet<_>>(), accepted);
    assert_eq!(came.len(), accepted.len(), "something came twice");
    assert_eq!(app.receiver.refused(&webhook.path), 0);
    app.finish().await;
}

async fn what_hangs_does_not_keep_a_stop_from_ending(mut app: TestApp) {
    app.config.shutdown.drain_ms = Duration::from_millis(700);
    app.restart().await;
    let hang = Behaviour::fault(angarium::receiver::Fault::Hang);
    let webhook = app.webhook_with("hook", json!({ "timeoutMs": 30_000 }), hang).await;
    let event = app.publish("a.b", json!({})).await;
    app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap();
    let began = Instant::now();
    app.app.take().unwrap().stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());

    // Its lease brings it back.
    app.receiver.behave(&webhook.path, Behaviour::default());
    let running = App::start(&app.config, Role::All, app.clock.clone()).await.unwrap();
    app.client = app.client.at(running.api.unwrap());
    app.app = Some(running);
    app.advance(app.config.delivery.lease_ms + Duration::from_secs(1));
    app.delivery_in(&event, "delivered").await;
    assert_eq!(app.receiver.count(&webhook.path), 2);
    app.finish().await;
}
