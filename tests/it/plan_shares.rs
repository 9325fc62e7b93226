//! What plans set besides limits: a tenant's share of the sending, and how long its deliveries are kept.

use std::time::Duration;

use angarium::domain::tenant::Environment;
use angarium::receiver::{Behaviour, Route};
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::{SOON, TestApp, TestEngine, both_engines, eventually};

both_engines!(start; a_heavier_tenant_gets_a_larger_share, a_shorter_plan_keeps_less);

const DAY: Duration = Duration::from_hours(24);

async fn start(engine: TestEngine) -> TestApp {
    let limits = "requests_per_hour = -1\nrequests_per_month = -1\nevents_per_month = -1\nwebhooks = -1\n\
        event_data_bytes = -1\nwebhook_concurrency = -1\n";
    let plans = format!(
        "default_plan = \"unlimited\"\n[meters]\n[plans.unlimited]\n{limits}\
         [plans.heavy]\n{limits}fairness_weight = 4\n[plans.light]\n{limits}\
         [plans.short]\n{limits}retention_days = 2\n"
    );
    let mut app = TestApp::start_with_plans(engine, &plans).await;
    // Little at a time, so that turns matter.
    app.config.delivery.in_flight_max = 4;
    app.config.broker.window = 10;
    app.config.scheduler.sweep_max = 10;
    let file = std::env::temp_dir().join(format!("{}.toml", crate::support::app::unique_name()));
    std::fs::write(&file, &plans).unwrap();
    app.config.plans_file = file.display().to_string();
    app.restart().await;
    std::fs::remove_file(&file).unwrap();
    app
}

async fn publish_many(client: &Client, count: usize) {
    let batch = json!({ "events": vec![json!({ "type": "a.b", "data": {} }); count] });
    client.post("/api/v1/events/batch", &batch).await.expect(202);
}

async fn tenant_with_webhook(app: &TestApp, plan: &str, behaviour: Behaviour) -> (Client, Value) {
    let client = app.client_on(plan, Environment::Staging).await;
    let path = format!("/{plan}");
    app.receiver.route(&path, Route::new(Vec::new()).behaving(behaviour));
    let body = json!({ "name": plan, "url": app.receiver.url(&path), "events": ["*"] });
    let webhook = client.post("/api/v1/webhooks", &body).await.expect(201).data();
    (client, webhook)
}

async fn a_heavier_tenant_gets_a_larger_share(app: TestApp) {
    let behaviour = Behaviour::delay(Duration::from_millis(5));
    let mut clients = Vec::new();
    for plan in ["heavy", "light"] {
        let (client, webhook) = tenant_with_webhook(&app, plan, behaviour.clone()).await;
        let path = format!("/api/v1/webhooks/{}", webhook["id"].as_str().unwrap());
        // Both have a backlog before the first of it goes out.
        client.post(&format!("{path}/pause"), &json!({})).await.expect(200);
        publish_many(&client, 400).await;
        clients.push((client, path));
    }
    for (client, path) in &clients {
        client.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    }
    let [before_heavy, before_light] = ["/heavy", "/light"].map(|path| app.receiver.count(path));
    app.while_time_passes(app.receiver.wait_for("/heavy", before_heavy + 200, SOON)).await.unwrap();
    let [heavy, light] = [app.receiver.count("/heavy") - before_heavy, app.receiver.count("/light") - before_light];
    assert!(light * 3 <= heavy && heavy <= light * 6, "{heavy} to {light}");
    for path in ["/heavy", "/light"] {
        app.while_time_passes(app.receiver.wait_for(path, 400, SOON)).await.unwrap();
    }
    app.finish().await;
}

async fn a_shorter_plan_keeps_less(app: TestApp) {
    let (short, webhook) = tenant_with_webhook(&app, "short", Behaviour::default()).await;
    let (light, _) = tenant_with_webhook(&app, "light", Behaviour::default()).await;
    let publish = async |client: &Client| {
        let data = client.post("/api/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202).data();
        data["id"].as_str().unwrap().to_owned()
    };
    let status = async |client: &Client, event: &str| {
        let list = client.get(&format!("/api/v1/deliveries?eventId={event}")).await.expect(200).json();
        list["data"][0]["status"].clone()
    };
    let (old, of_light) = (publish(&short).await, publish(&light).await);
    for (client, event) in [(&short, &old), (&light, &of_light)] {
        eventually("it is delivered", || async { (status(client, event).await == "delivered").then_some(()) }).await;
    }
    // One is never sent, one is a dead letter.
    let path = format!("/api/v1/webhooks/{}", webhook["id"].as_str().unwrap());
    let policy = json!({ "retryPolicy": { "maxRetries": 0 } });
    short.patch(&path, &policy).await.expect(200);
    app.receiver.behave("/short", Behaviour::status(500));
    let dead = publish(&short).await;
    eventually("it is dead", || async { (status(&short, &dead).await == "dead").then_some(()) }).await;
    short.post(&format!("{path}/pause"), &json!({})).await.expect(200);
    let pending = publish(&short).await;
    app.advance(DAY);
    let younger = publish(&short).await;
    for event in [&old, &dead] {
        short.get(&format!("/api/v1/events/{event}")).await.expect(200);
    }
    app.advance(DAY + Duration::from_hours(2));
    for event in [&old, &dead] {
        eventually("the old ones are gone", || async {
            let gone = short.get(&format!("/api/v1/events/{event}")).await.status == 404;
            (gone && status(&short, event).await.is_null()).then_some(())
        })
        .await;
    }
    let letters = short.get("/api/v1/dead-letters").await.expect(200).json();
    assert_eq!(letters["pagination"]["total"], 0, "{letters}");
    for (client, event, word) in
        [(&short, &pending, "pending"), (&short, &younger, "pending"), (&light, &of_light, "delivered")]
    {
        client.get(&format!("/api/v1/events/{event}")).await.expect(200);
        assert_eq!(status(client, event).await, word);
    }
    // What was kept because it is pending goes out, and goes then.
    app.receiver.behave("/short", Behaviour::default());
    short.post(&format!("{path}/resume"), &json!({})).await.expect(200);
    eventually("it is delivered", || async { (status(&short, &younger).await == "delivered").then_some(()) }).await;
    app.advance(Duration::from_hours(1));
    eventually("it is gone", || async {
        (short.get(&format!("/api/v1/events/{pending}")).await.status == 404).then_some(())
    })
    .await;
    app.finish().await;
}
