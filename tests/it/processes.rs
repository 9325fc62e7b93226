//! Several processes on one database and one broker: what one learns the others know, and each delivery is one's.

use std::collections::HashSet;
use std::time::Duration;

use angarium::app::{App, Role};
use angarium::receiver::Behaviour;
use serde_json::json;

use crate::support::client::Client;
use crate::support::{SOON, TestApp, TestEngine, eventually};

async fn start_one(app: &TestApp, role: Role) -> App {
    let process = App::start(&app.config, role, app.clock.clone()).await.unwrap();
    eventually("the broker is ready", || async { process.engine.broker().health().ready.then_some(()) }).await;
    process
}

fn client_of(app: &TestApp, process: &App) -> Client {
    app.client.at(process.api.expect("it serves"))
}

async fn publish_many(client: &Client, count: usize) -> HashSet<String> {
    let batch = json!({ "events": vec![json!({ "type": "a.b", "data": {} }); count] });
    let data = client.post("/api/v1/events/batch", &batch).await.expect(202).data();
    let results = data["results"].as_array().unwrap();
    results.iter().map(|result| result["data"]["id"].as_str().unwrap().to_owned()).collect()
}

fn ids_at(app: &TestApp, path: &str) -> HashSet<String> {
    app.receiver.records(path).iter().map(|record| record.id().to_owned()).collect()
}

/// Nothing of what was accepted is still under way.
async fn all_is_settled(app: &TestApp, process: &App) {
    eventually("everything is settled", || async {
        (process.engine.store().pending_count().await.unwrap() == 0).then_some(())
    })
    .await;
    assert_eq!(app.receiver.refused("/hook"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_changes_the_others_know() {
    let app = TestApp::start(TestEngine::Distributed).await;
    let second = start_one(&app, Role::Api).await;
    let there = client_of(&app, &second);
    // The other process has never heard of the webhook, and its first event must not pass it by.
    for n in 0..5 {
        let webhook = app.webhook(&format!("hook{n}")).await;
        let event = there.post("/api/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202).data();
        assert_eq!(event["deliveries"], n + 1);
        app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap();
        let seen = there.get(&format!("/api/v1/webhooks/{}", webhook.id)).await.expect(200).data();
        assert_eq!(seen["name"], format!("hook{n}"));
    }
    let path = "/api/v1/webhooks?limit=100";
    for webhook in app.client.get(path).await.data()["webhooks"].as_array().unwrap() {
        let one = format!("/api/v1/webhooks/{}", webhook["id"].as_str().unwrap());
        there.delete(&one).await.expect(200);
        app.client.get(&one).await.expect(404);
    }
    let event = app.client.post("/api/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202).data();
    assert_eq!(event["deliveries"], 0);
    second.stop().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_revoked_in_one_process_stops_in_all() {
    let app = TestApp::start(TestEngine::Distributed).await;
    let second = start_one(&app, Role::Api).await;
    let permissions = vec!["read:webhooks".to_owned()];
    let (key, text) = app.app().engine.create_key(app.scope, "k", permissions, None).await.unwrap();
    let there = Client::new(second.api.unwrap(), text.reveal().to_owned());
    // A key that was just made works everywhere at once.
    there.get("/api/v1/webhooks").await.expect(200);
    app.app().engine.revoke_key(app.scope.tenant, key.id).await.unwrap();
    let gone = eventually("the key has stopped", || async {
        let reply = there.get("/api/v1/webhooks").await;
        (reply.status != 200).then_some(reply)
    });
    let reply = tokio::time::timeout(Duration::from_secs(5), gone).await.expect("within seconds");
    assert_eq!(reply.expect(401).code(), "API_KEY_INVALID");
    second.stop().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_share_the_work_and_repeat_none_of_it() {
    let mut app = TestApp::start(TestEngine::Distributed).await;
    let webhook = app.webhook_with("hook", json!({}), Behaviour::delay(Duration::from_millis(2))).await;
    // Room for all of it in memory: what does not fit waits for the clock, which stands still here.
    app.config.delivery.waiting_per_webhook_max = 2048;
    // Each role in a process of its own.
    app.app.take().unwrap().stop().await;
    let api = start_one(&app, Role::Api).await;
    let scheduler = start_one(&app, Role::Scheduler).await;
    let (one, two) = (start_one(&app, Role::Worker).await, start_one(&app, Role::Worker).await);
    let client = client_of(&app, &api);
    let mut published = HashSet::new();
    for _ in 0..10 {
        published.extend(publish_many(&client, 100).await);
    }
    app.receiver.wait_for(&webhook.path, 200, SOON).await.unwrap();
    // One of them leaves in the middle, and hands over what it has not sent.
    one.stop().await;
    app.receiver.wait_for(&webhook.path, 1000, SOON).await.unwrap();
    all_is_settled(&app, &api).await;
    assert_eq!(ids_at(&app, &webhook.path), published);
    assert_eq!(app.receiver.count(&webhook.path), 1000);
    for process in [two, scheduler, api] {
        process.stop().await;
    }
    app.app = Some(App::start(&app.config, Role::All, app.clock.clone()).await.unwrap());
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lead_passes_on() {
    let app = TestApp::start(TestEngine::Distributed).await;
    let leads = |process: &App| process.engine.metrics().is_leader.get() == 1;
    eventually("the first leads", || async { leads(app.app()).then_some(()) }).await;
    let second = start_one(&app, Role::Scheduler).await;
    let third = start_one(&app, Role::Scheduler).await;
    assert!(!leads(&second) && !leads(&third));
    let mut app = app;
    app.app.take().unwrap().stop().await;
    eventually("one of the others leads", || async { (leads(&second) || leads(&third)).then_some(()) }).await;
    assert!(leads(&second) != leads(&third), "one leads, and no more");
    // What is due is still found.
    let api = start_one(&app, Role::Api).await;
    let worker = start_one(&app, Role::Worker).await;
    app.client = client_of(&app, &api);
    let webhook = app.webhook_with("hook", json!({}), Behaviour::fail_first(1)).await;
    publish_many(&app.client, 1).await;
    app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap();
    eventually("the retry came", || async {
        app.advance(Duration::from_secs(5));
        (app.receiver.count(&webhook.path) == 2).then_some(())
    })
    .await;
    all_is_settled(&app, &api).await;
    for process in [worker, api, second, third] {
        process.stop().await;
    }
    app.app = Some(App::start(&app.config, Role::All, app.clock.clone()).await.unwrap());
    app.finish().await;
}
