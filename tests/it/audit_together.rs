//! A change and what is written beside it are one: where the line of the audit log or the mail cannot be written, nothing
//! has happened.

use std::time::Duration;

use angarium::receiver::Behaviour;
use angarium::telemetry::Outcome;
use secrecy::ExposeSecret as _;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::notifications::{lose_webhook, with_mails};
use crate::store::postgres;
use crate::support::smtp::SmtpServer;
use crate::support::{TestApp, TestEngine, both_engines, eventually};

both_engines!(
    what_cannot_be_written_down_is_not_done,
    many_dead_letters_have_their_line,
    an_event_whose_mails_cannot_be_kept_is_not_published
);

async fn execute(app: &TestApp, sql: &'static str) {
    match app.engine {
        TestEngine::Embedded => {
            let path = app.config.store.url.expose_secret().strip_prefix("sqlite:").unwrap().to_owned();
            let mut db = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
            sqlx::query(sql).execute(&mut db).await.unwrap();
            db.close().await.unwrap();
        }
        TestEngine::Distributed => {
            let mut db = postgres(app).await;
            sqlx::query(sql).execute(&mut db).await.unwrap();
            db.close().await.unwrap();
        }
    }
}

async fn total(app: &TestApp, list: &str) -> u64 {
    app.client.get(list).await.expect(200).json()["pagination"]["total"].as_u64().unwrap()
}

async fn what_cannot_be_written_down_is_not_done(app: TestApp) {
    let fields = json!({ "events": ["a.b"], "retryPolicy": { "maxRetries": 0 } });
    let webhook = app.webhook_with("fails", fields, Behaviour::status(400)).await;
    let event = app.publish("a.b", json!({})).await;
    let letter = app.delivery_in(&event, "dead").await["id"].as_str().unwrap().to_owned();
    let changes = [
        (format!("/api/v1/webhooks/{}/test", webhook.id), json!({})),
        (format!("/api/v1/events/{event}/replay"), json!({})),
        ("/api/v1/dead-letters/redrive".to_owned(), json!({})),
        ("/api/v1/dead-letters/redrive".to_owned(), json!({ "ids": [letter] })),
        ("/api/v1/dead-letters/discard".to_owned(), json!({ "letters": {}, "reason": "not wanted" })),
    ];
    execute(&app, "alter table audit_log rename to audit_log_away").await;
    for (path, body) in &changes {
        let reply = app.client.post(path, body).await;
        assert!(reply.status >= 500, "{path}: {}", reply.text);
    }
    execute(&app, "alter table audit_log_away rename to audit_log").await;
    let (events, deliveries) = (total(&app, "/api/v1/events").await, total(&app, "/api/v1/deliveries").await);
    assert_eq!((events, deliveries, total(&app, "/api/v1/dead-letters").await), (1, 1, 1));
    for (path, body) in &changes {
        let reply = app.client.post(path, body).await;
        assert!(reply.status < 300, "{path}: {}", reply.text);
    }
    app.finish().await;
}

async fn many_dead_letters_have_their_line(app: TestApp) {
    let fields = json!({ "events": ["a.b"], "retryPolicy": { "maxRetries": 0 } });
    let webhook = app.webhook_with("fails", fields, Behaviour::status(400)).await;
    for n in 0..3 {
        let event = app.publish("a.b", json!({ "n": n })).await;
        app.delivery_in(&event, "dead").await;
    }
    let owner = app.signed_in(angarium::domain::user::Role::Owner).await;
    let lines = async |action: &str| {
        owner.get(&format!("/api/tenant/audit-log?action=dead_letter.{action}")).await.expect(200).data()
    };
    app.receiver.behave(&webhook.path, Behaviour::default());
    app.client.post("/api/v1/dead-letters/redrive", &json!({ "max": 1 })).await.expect(200);
    app.advance(Duration::from_secs(1));
    app.client.post("/api/v1/dead-letters/redrive", &json!({ "eventType": "no.such" })).await.expect(200);
    let redriven = lines("redrive_many").await;
    let counts: Vec<_> = redriven.as_array().unwrap().iter().map(|line| line["changes"]["count"].clone()).collect();
    assert_eq!(counts, [0, 1]);
    assert_eq!(redriven[1]["changes"]["asked"]["max"], 1);
    let body = json!({ "letters": {}, "reason": "not wanted" });
    assert_eq!(app.client.post("/api/v1/dead-letters/discard", &body).await.expect(200).data()["discarded"], 2);
    let discarded = lines("discard_many").await;
    assert_eq!(
        (&discarded[0]["changes"]["count"], &discarded[0]["changes"]["reason"]),
        (&json!(2), &json!("not wanted"))
    );
    assert_eq!(discarded.as_array().unwrap().len(), 1);
    app.finish().await;
}

async fn an_event_whose_mails_cannot_be_kept_is_not_published(mut app: TestApp) {
    let server = SmtpServer::start().await;
    with_mails(&mut app, server.address(), |_| ()).await;
    app.user("owner@example.com", angarium::domain::user::Role::Owner).await;
    app.webhook_with("listens", json!({ "events": ["webhook.disabled"] }), Behaviour::default()).await;
    let of_disabled = "/api/v1/events?type=webhook.disabled";
    execute(&app, "alter table mails rename to mails_away").await;
    lose_webhook(&app, "first").await;
    eventually("it was tried", || async {
        let refused = app.app().engine.metrics().events_refused.get_or_create(&Outcome { outcome: "store" }).get();
        (refused > 0).then_some(())
    })
    .await;
    execute(&app, "alter table mails_away rename to mails").await;
    assert_eq!(total(&app, of_disabled).await, 0);
    let second = lose_webhook(&app, "second").await;
    let mails = server.wait_for(1).await;
    assert!(mails[0].text.contains("\"second\"") || mails[0].header("subject").contains("second"), "{}", mails[0].text);
    let events = app.client.get(of_disabled).await.expect(200).data();
    let event = app.client.get(&format!("/api/v1/events/{}", events[0]["id"].as_str().unwrap())).await.data();
    assert_eq!((events.as_array().unwrap().len(), &event["data"]["webhookId"]), (1, &json!(second)));
    app.finish().await;
}
