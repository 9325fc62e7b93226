//! Mails about operational events: to whom, when, what they say, and once.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use angarium::app::{App, Role as Does};
use angarium::config::Config;
use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use serde_json::json;

use crate::support::app::unique_name;
use crate::support::client::Client;
use crate::support::people::PASSWORD;
use crate::support::smtp::{Mail, SmtpServer};
use crate::support::{TestApp, TestEngine, both_engines, eventually};

both_engines!(
    owners_and_admins_are_told_once_also_after_a_restart,
    people_say_whether_they_want_mails,
    a_failing_webhook_is_told_of_in_two_stages,
    dead_letters_come_in_a_daily_digest,
    a_mail_server_that_is_away_is_tried_again,
    no_tenant_gets_more_than_its_hours_mails,
    quotas_and_keys_are_told_of,
    a_mistake_in_the_settings_is_told_at_the_start,
);

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// Starts again with mails going to a server.
pub(crate) async fn with_mails(app: &mut TestApp, server: SocketAddr, change: impl FnOnce(&mut Config)) {
    let settings = &mut app.config.notifications;
    settings.smtp_url = format!("smtp://{server}").into();
    settings.from = "Angarium <hooks@example.com>".into();
    settings.public_url = "https://hooks.example.com/".into();
    change(&mut app.config);
    app.restart().await;
}

/// Has a webhook disabled, by 410; its id.
pub(crate) async fn lose_webhook(app: &TestApp, name: &str) -> String {
    let fields = json!({ "events": [format!("{name}.*")] });
    let webhook = app.webhook_with(name, fields, Behaviour::status(410)).await;
    let event = app.publish(&format!("{name}.one"), json!({ "card": "4111-1111" })).await;
    app.delivery_in(&event, "dead").await;
    webhook.id
}

fn subjects(mails: &[Mail]) -> Vec<String> {
    mails.iter().map(|mail| mail.header("subject").to_owned()).collect()
}

async fn owners_and_admins_are_told_once_also_after_a_restart(mut app: TestApp) {
    let server = SmtpServer::start().await;
    with_mails(&mut app, server.address(), |_| ()).await;
    for (email, role) in [
        ("owner@example.com", Role::Owner),
        ("admin@example.com", Role::Admin),
        ("member@example.com", Role::Member),
        ("operator@example.com", Role::Operator),
    ] {
        app.user(email, role).await;
    }
    let engine = &app.app().engine;
    let quiet = app.user("quiet@example.com", Role::Owner).await;
    engine.set_mail(&quiet, false).await.unwrap();
    let gone = app.user("gone@example.com", Role::Admin).await;
    engine.disable_user(gone.id).await.unwrap();

    let webhook = lose_webhook(&app, "orders").await;
    let mails = server.wait_for(2).await;
    let told: BTreeSet<&str> = mails.iter().flat_map(|mail| mail.to.iter().map(String::as_str)).collect();
    assert_eq!(told, ["admin@example.com", "owner@example.com"].into());
    for mail in &mails {
        assert_eq!(mail.header("subject"), "[Angarium] acme (staging): the webhook \"orders\" was disabled");
        assert_eq!(mail.header("from"), "Angarium <hooks@example.com>");
        assert_eq!(mail.header("auto-submitted"), "auto-generated");
        assert!(mail.header("content-type").starts_with("text/plain"), "{}", mail.text);
        assert!(mail.text.contains("The receiver answered 410 Gone."), "{}", mail.text);
        assert!(mail.text.contains(&format!("https://hooks.example.com/ui/webhooks/{webhook}\n")), "{}", mail.text);
        for secret in ["4111", "whsec_", app.client.key(), "127.0.0.1"] {
            assert!(!mail.text.contains(secret), "{}", mail.text);
        }
    }

    app.restart().await;
    lose_webhook(&app, "invoices").await;
    let mails = server.wait_for(4).await;
    let ids: BTreeSet<&str> = mails.iter().map(|mail| mail.header("message-id")).collect();
    assert_eq!(ids.len(), 4);
    // Whoever was told of something can go.
    let owner = app.login("owner@example.com", PASSWORD).await.expect(200);
    let owner = Client::new(app.app().api.unwrap(), owner.data()["token"].as_str().unwrap().to_owned());
    let users = owner.get("/api/tenant/users?limit=100").await.expect(200).data();
    let admin = users.as_array().unwrap().iter().find(|user| user["email"] == "admin@example.com").unwrap();
    owner.delete(&format!("/api/tenant/users/{}", admin["id"].as_str().unwrap())).await.expect(200);
    assert!(ids.iter().all(|id| id.ends_with("@example.com>")), "{ids:?}");
    app.finish().await;
    assert_eq!(server.mails().len(), 4, "{:?}", subjects(&server.mails()));
}

async fn people_say_whether_they_want_mails(mut app: TestApp) {
    let server = SmtpServer::start().await;
    with_mails(&mut app, server.address(), |_| ()).await;
    app.user("wants@example.com", Role::Admin).await;
    let owner = app.signed_in(Role::Owner).await;
    let me = "/api/auth/me";
    assert_eq!(owner.get(me).await.expect(200).data()["getsMail"], true);
    assert_eq!(owner.patch(me, &json!({})).await.expect(200).data()["getsMail"], true);
    assert_eq!(owner.patch(me, &json!({ "getsMail": false })).await.expect(200).data()["getsMail"], false);
    assert_eq!(owner.get(me).await.expect(200).data()["getsMail"], false);
    owner.patch(me, &json!({ "getsMail": "no" })).await.expect(422);

    let admin = app.browser_of(Role::Admin).await;
    assert!(admin.open("/ui/account").await.text.contains("value=\"on\" checked"));
    admin.post("/ui/account/mails", &[]).await.expect(303);
    let page = admin.open("/ui/account").await;
    assert!(page.text.contains("You get no mails any more.") && !page.text.contains("value=\"on\" checked"));
    admin.post_bare("/ui/account/mails", &[("mails", "on")]).await.expect(403);
    // Members get none anyway.
    assert!(!app.browser_of(Role::Member).await.open("/ui/account").await.text.contains("/ui/account/mails"));

    lose_webhook(&app, "orders").await;
    let mails = server.wait_for(1).await;
    assert_eq!(mails.iter().flat_map(|mail| mail.to.clone()).collect::<Vec<_>>(), ["wants@example.com"]);
    let log = owner.get("/api/tenant/audit-log?action=user.update").await.expect(200).data();
    let told = json!({ "getsMail": { "old": true, "new": false } });
    assert!(log.as_array().unwrap().len() == 2 && log[0]["changes"] == told, "{log}");
    app.finish().await;
}

async fn a_failing_webhook_is_told_of_in_two_stages(mut app: TestApp) {
    let server = SmtpServer::start().await;
    with_mails(&mut app, server.address(), |_| ()).await;
    app.user("owner@example.com", Role::Owner).await;
    let fields = json!({ "events": ["order.*"], "retryPolicy": { "schedule": [5] } });
    app.webhook_with("broken", fields, Behaviour::status(500)).await;
    let event = app.publish("order.created", json!({})).await;
    app.delivery_after(&event, 1).await;
    let of_webhook = || subjects(&server.mails()).into_iter().filter(|subject| subject.contains("the webhook"));
    for (stage, verb) in [(1, "is failing"), (2, "was disabled")] {
        app.advance(DAY * 5 / 2);
        // The dead letter of the retry comes in a digest, whenever.
        eventually(verb, || async { (of_webhook().count() == stage).then_some(()) }).await;
        assert!(
            of_webhook().next_back().is_some_and(|subject| subject.ends_with(verb)),
            "{:?}",
            subjects(&server.mails())
        );
    }
    app.finish().await;
}

async fn dead_letters_come_in_a_daily_digest(mut app: TestApp) {
    let server = SmtpServer::start().await;
    with_mails(&mut app, server.address(), |_| ()).await;
    app.user("owner@example.com", Role::Owner).await;
    // Once a mail has come, the digest has begun to count.
    lose_webhook(&app, "first").await;
    server.wait_for(1).await;
    let fields = json!({ "events": ["order.*"], "retryPolicy": { "maxRetries": 0 } });
    let webhook = app.webhook_with("orders", fields, Behaviour::status(500)).await;
    for _ in 0..3 {
        let event = app.publish("order.created", json!({ "card": "4111-1111" })).await;
        app.delivery_in(&event, "dead").await;
    }
    app.advance(Duration::from_hours(18));
    assert_eq!(server.mails().len(), 1, "it comes at 07:00");
    app.advance(Duration::from_hours(1));
    let mail = server.wait_for(2).await.pop().unwrap();
    assert_eq!(mail.header("subject"), "[Angarium] acme (staging): 4 new dead letters");
    assert!(mail.text.contains(&format!("       3  orders ({})\n", webhook.id)), "{}", mail.text);
    assert!(mail.text.contains("       1  first (wh_") && !mail.text.contains("4111"), "{}", mail.text);
    // Each is told of once, also by the process that comes after.
    app.restart().await;
    app.advance(DAY);
    lose_webhook(&app, "last").await;
    eventually("the last one is told of", || async {
        subjects(&server.mails()).iter().any(|subject| subject.contains("\"last\"")).then_some(())
    })
    .await;
    let digests = server.mails().into_iter().filter(|mail| mail.text.contains("  orders (wh_"));
    assert_eq!(digests.count(), 1, "{:?}", subjects(&server.mails()));
    app.finish().await;
}

async fn a_mail_server_that_is_away_is_tried_again(mut app: TestApp) {
    let address = SmtpServer::nowhere().await;
    with_mails(&mut app, address, |_| ()).await;
    app.user("owner@example.com", Role::Owner).await;
    app.user("nobody@example.com", Role::Admin).await;
    lose_webhook(&app, "orders").await;
    let count = async |outcome: &str| {
        let text = app.client.get("/metrics").await.expect(200).text;
        let name = format!("angarium_mails_total{{outcome=\"{outcome}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u32>().ok()).unwrap_or(0)
    };
    eventually("it was tried", || async { (count("failed").await > 0).then_some(()) }).await;
    // Deliveries do not wait for it.
    let good = app.webhook_with("good", json!({ "events": ["good.*"] }), Behaviour::default()).await;
    app.publish("good.one", json!({})).await;
    app.receiver.wait_for(&good.path, 1, crate::support::SOON).await.unwrap();
    let server = SmtpServer::start_at(address).await;
    app.advance(2 * MINUTE);
    let mails = server.wait_for(1).await;
    assert_eq!(mails[0].to, ["owner@example.com"]);
    // Whom the server does not know is not tried again.
    eventually("the other is given up", || async { (count("refused").await == 1).then_some(()) }).await;
    app.advance(DAY);
    lose_webhook(&app, "last").await;
    let mails = server.wait_for(2).await;
    assert_eq!(subjects(&mails).iter().filter(|subject| subject.contains("\"orders\"")).count(), 1);
    app.finish().await;
}

async fn no_tenant_gets_more_than_its_hours_mails(mut app: TestApp) {
    let server = SmtpServer::start().await;
    with_mails(&mut app, server.address(), |config| config.notifications.mails_per_tenant_hour = 2).await;
    app.user("owner@example.com", Role::Owner).await;
    for name in ["one", "two", "three"] {
        lose_webhook(&app, name).await;
    }
    server.wait_for(2).await;
    app.advance(Duration::from_mins(30));
    let waiting = async || {
        let text = app.client.get("/metrics").await.expect(200).text;
        text.lines().any(|line| line == "angarium_mails_waiting 1").then_some(())
    };
    eventually("the third waits", waiting).await;
    assert_eq!(server.mails().len(), 2);
    app.advance(Duration::from_mins(36));
    server.wait_for(3).await;
    app.finish().await;
}

const PLANS: &str = r#"
default_plan = "unlimited"
[meters]
messages = ["message.*"]
[plans.unlimited]
requests_per_hour = -1
requests_per_month = -1
events_per_month = 5
webhooks = -1
event_data_bytes = -1
webhook_concurrency = -1
per_minute = { messages = 1 }
"#;

async fn quotas_and_keys_are_told_of(mut app: TestApp) {
    let server = SmtpServer::start().await;
    let plans = std::env::temp_dir().join(format!("{}.toml", unique_name()));
    std::fs::write(&plans, PLANS).unwrap();
    with_mails(&mut app, server.address(), |config| config.plans_file = plans.display().to_string()).await;
    app.user("owner@example.com", Role::Owner).await;
    // The minute's limit is reached as well: that is too often for mails.
    for event_type in ["message.sent", "a.b", "a.b", "a.b"] {
        app.publish(event_type, json!({})).await;
    }
    let mails = server.wait_for(1).await;
    assert_eq!(mails[0].header("subject"), "[Angarium] acme (staging): 80 % of the quota `events` are used");
    app.publish("a.b", json!({})).await;
    let mails = server.wait_for(2).await;
    assert!(mails[1].text.contains("5 of 5") && mails[1].text.contains("refused until then"), "{}", mails[1].text);

    let reply = app.login("owner@example.com", PASSWORD).await.expect(200);
    let owner = Client::new(app.app().api.unwrap(), reply.data()["token"].as_str().unwrap().to_owned());
    let policy = json!({ "enabled": true, "intervalDays": 3, "notifyDaysBefore": 1 });
    let key = json!({
        "name": "billing", "permissions": ["read:events"], "environment": "staging", "rotationPolicy": policy,
    });
    let key = owner.post("/api/tenant/api-keys", &key).await.expect(201);
    let text = key.data()["key"].as_str().unwrap().to_owned();
    app.advance(2 * DAY);
    let mails = server.wait_for(3).await;
    assert_eq!(mails[2].header("subject"), "[Angarium] acme (staging): the API key \"billing\" should be rotated");
    assert!(!mails[2].text.contains(&text));
    app.finish().await;
    assert_eq!(server.mails().len(), 3, "{:?}", subjects(&server.mails()));
    std::fs::remove_file(&plans).unwrap();
}

type Change = fn(&mut Config);

async fn a_mistake_in_the_settings_is_told_at_the_start(app: TestApp) {
    let good = {
        let mut config = app.config.clone();
        config.notifications.smtp_url = "smtps://user:hunter2@mail.example.com".to_owned().into();
        config.notifications.from = "hooks@example.com".into();
        config
    };
    let mistakes: [(Change, &str); 3] = [
        (|config| config.notifications.from = String::new(), "notifications.from"),
        (|config| config.notifications.smtp_url = "mail.example.com".to_owned().into(), "notifications.smtp_url"),
        (|config| config.notifications.smtp_url = "smtp://user:hunter2@mail.example.com".to_owned().into(), "TLS"),
    ];
    for (change, word) in mistakes {
        let mut config = good.clone();
        change(&mut config);
        let Err(error) = App::start(&config, Does::All, app.clock.clone()).await else { panic!("{word}: it starts") };
        let text = format!("{error:#}");
        assert!(text.contains(word) && !text.contains("hunter2"), "{text}");
    }
    app.finish().await;
}

/// The in-process broker is never away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_are_told_when_the_broker_is_away() {
    let mut app = TestApp::start(TestEngine::Distributed).await;
    let server = SmtpServer::start().await;
    app.user("operator@example.com", Role::Operator).await;
    app.user("owner@example.com", Role::Owner).await;
    app.app.take().unwrap().stop().await;
    let (broker, nowhere) = (app.config.broker.url.clone(), SmtpServer::nowhere().await);
    app.config.broker.url = format!("amqp://guest:guest@{nowhere}/%2f").into();
    app.config.notifications.smtp_url = format!("smtp://{}", server.address()).into();
    app.config.notifications.from = "hooks@example.com".into();
    app.app = Some(App::start(&app.config, Does::All, app.clock.clone()).await.unwrap());
    let told = eventually("the operator is told", || async {
        app.advance(Duration::from_secs(5));
        Some(server.mails()).filter(|mails| !mails.is_empty())
    })
    .await;
    assert_eq!(
        (told[0].to.as_slice(), told[0].header("subject")),
        (&["operator@example.com".to_owned()][..], "[Angarium] RabbitMQ is away")
    );
    app.config.broker.url = broker;
    app.restart().await;
    app.finish().await;
    assert_eq!(server.mails().len(), 1);
}
