//! Events that a core API publishes to the topic exchange: accepted like any other, or rejected with a reason.

use angarium::app::{App, Role};
use angarium::domain::tenant::Environment;
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use serde_json::{Value, json};

use crate::support::app::amqp_url;
use crate::support::{SOON, TestApp, TestEngine, TestWebhook, eventually};

const REASON: &str = "x-angarium-reason";
const ROUTING_KEY: &str = "x-angarium-routing-key";

/// A core API, as far as it publishes.
struct Producer {
    connection: Connection,
    channel: Channel,
    exchange: String,
}

impl Producer {
    async fn start(app: &TestApp) -> Self {
        let connection = Connection::connect(&amqp_url(), ConnectionProperties::default()).await.unwrap();
        let exchange = app.config.broker.ingest_exchange.clone();
        for queue in [format!("{exchange}.ingest"), format!("{exchange}.rejected")] {
            eventually("the queues are declared", || async { waiting(&connection, &queue).await.map(drop) }).await;
        }
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let this = Self { connection, channel, exchange };
        // The queue is bound a moment after it is declared: until then, RabbitMQ would drop what is published.
        this.is_bound().await;
        this
    }

    async fn is_bound(&self) {
        let queue = format!("{}.ingest", self.exchange);
        eventually("somebody consumes", || async {
            waiting(&self.connection, &queue).await.filter(|(_, consumers)| *consumers > 0).map(drop)
        })
        .await;
    }

    async fn publish(&self, routing_key: &str, body: &[u8], message_id: Option<&str>, environment: Option<&str>) {
        let mut headers = FieldTable::default();
        if let Some(environment) = environment {
            let value = AMQPValue::LongString(LongString::from(environment));
            headers.insert("x-angarium-environment".into(), value);
        }
        let mut properties =
            BasicProperties::default().with_headers(headers).with_content_type("application/json".into());
        if let Some(id) = message_id {
            properties = properties.with_message_id(id.into());
        }
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let (exchange, key) = (self.exchange.as_str().into(), routing_key.into());
        let confirm = self.channel.basic_publish(exchange, key, options, body, properties).await.unwrap();
        assert!(matches!(confirm.await.unwrap(), Confirmation::Ack(None)), "RabbitMQ took the message");
    }

    async fn close(self) {
        // A channel that is just closing makes the library refuse; dropping the connection does the same.
        let _ = self.connection.close(200, "done".into()).await;
    }

    /// The next rejected message: reason, routing key, body, message id.
    async fn rejected(&self) -> (String, String, Vec<u8>, Option<String>) {
        let queue = format!("{}.rejected", self.exchange);
        let got = eventually("a message is rejected", || async {
            self.channel.basic_get(queue.as_str().into(), BasicGetOptions::default()).await.unwrap()
        })
        .await;
        got.delivery.acker.ack(BasicAckOptions::default()).await.unwrap();
        let headers = got.delivery.properties.headers().clone().unwrap();
        let text = |name: &str| match headers.inner().get(name) {
            Some(AMQPValue::LongString(text)) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
            other => panic!("{name}: {other:?}"),
        };
        let message_id = got.delivery.properties.message_id().as_ref().map(ToString::to_string);
        (text(REASON), text(ROUTING_KEY), got.delivery.data.clone(), message_id)
    }
}

/// How many messages wait in a queue, and how many consume it; `None` if there is no such queue.
async fn waiting(connection: &Connection, queue: &str) -> Option<(u32, u32)> {
    // A failed look closes its channel.
    let channel = connection.create_channel().await.unwrap();
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare(queue.into(), passive, FieldTable::default()).await.ok()?;
    Some((queue.message_count(), queue.consumer_count()))
}

async fn start() -> (TestApp, Producer) {
    let app = TestApp::start(TestEngine::Distributed).await;
    let producer = Producer::start(&app).await;
    (app, producer)
}

async fn all_is_handled(producer: &Producer) {
    let queue = format!("{}.ingest", producer.exchange);
    eventually("the queue is empty", || async {
        waiting(&producer.connection, &queue).await.filter(|(messages, _)| *messages == 0).map(drop)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_published_message_is_delivered() {
    let (app, producer) = start().await;
    let webhook = app.webhook("hook").await;
    let data = br#"{ "z": 1.0, "a" : "b" }"#;
    producer.publish("acme.order.created", data, None, Some("staging")).await;
    let record = app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap().remove(0);
    assert!(String::from_utf8_lossy(&record.body).contains(r#"{ "z": 1.0, "a" : "b" }"#));
    let body: Value = serde_json::from_slice(&record.body).unwrap();
    assert_eq!(body["event"], "order.created");
    // The tenant can be named by its id too.
    producer.publish(&format!("{}.order.paid", app.scope.tenant), b"{}", None, Some("staging")).await;
    let record = app.receiver.wait_for(&webhook.path, 2, SOON).await.unwrap().remove(1);
    assert_eq!(serde_json::from_slice::<Value>(&record.body).unwrap()["event"], "order.paid");
    assert_eq!(app.receiver.refused(&webhook.path), 0);
    producer.close().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_header_names_the_environment() {
    let (app, producer) = start().await;
    let staging = app.webhook("staging").await;
    let live = app.client_of("acme", Environment::Production).await;
    app.receiver.route("/live", angarium::receiver::Route::new(Vec::new()));
    let body = json!({ "name": "live", "url": app.receiver.url("/live"), "events": ["*"] });
    live.post("/api/v1/webhooks", &body).await.expect(201);
    producer.publish("acme.to.staging", b"{}", None, Some("staging")).await;
    producer.publish("acme.to.live", b"{}", None, Some("production")).await;
    producer.publish("acme.to.live", b"{}", None, None).await;
    app.receiver.wait_for(&staging.path, 1, SOON).await.unwrap();
    app.receiver.wait_for("/live", 2, SOON).await.unwrap();
    all_is_handled(&producer).await;
    assert_eq!((app.receiver.count(&staging.path), app.receiver.count("/live")), (1, 2));
    producer.close().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_message_id_is_the_idempotency_key() {
    let (app, producer) = start().await;
    let webhook = app.webhook("hook").await;
    for _ in 0..5 {
        producer.publish("acme.order.created", b"{\"n\":1}", Some("msg-1"), Some("staging")).await;
    }
    producer.publish("acme.order.created", b"{\"n\":2}", Some("msg-2"), Some("staging")).await;
    app.receiver.wait_for(&webhook.path, 2, SOON).await.unwrap();
    // The same id with another body is a mistake of the producer's, and told.
    producer.publish("acme.order.created", b"{\"n\":3}", Some("msg-1"), Some("staging")).await;
    let (reason, _, body, id) = producer.rejected().await;
    assert!(reason.contains("message id"), "{reason}");
    assert_eq!((body.as_slice(), id.as_deref()), (&b"{\"n\":3}"[..], Some("msg-1")));
    all_is_handled(&producer).await;
    assert_eq!(app.receiver.count(&webhook.path), 2);
    producer.close().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_an_event_is_rejected_with_a_reason() {
    let (app, producer) = start().await;
    let webhook = app.webhook("hook").await;
    let large = format!("{{\"x\":\"{}\"}}", "y".repeat(app.config.api.event_data_bytes_max));
    let long_key = format!("acme.{}", "x".repeat(200));
    let cases: [(&str, &[u8], Option<&str>, &str); 11] = [
        ("acme.order.created", b"not json", Some("staging"), "JSON object"),
        ("acme.order.created", b"", Some("staging"), "JSON object"),
        ("acme.order.created", b"[1]", Some("staging"), "JSON object"),
        ("acme.order.created", b"\xff\xfe\x00", Some("staging"), "JSON object"),
        ("acme.order.created", large.as_bytes(), Some("staging"), "bytes"),
        ("nobody.order.created", b"{}", Some("staging"), "no such tenant"),
        ("acme", b"{}", Some("staging"), "routing key"),
        ("", b"{}", Some("staging"), "routing key"),
        ("acme.Order Created", b"{}", Some("staging"), "event type"),
        (&long_key, b"{}", Some("staging"), "event type"),
        ("acme.order.created", b"{}", Some("nowhere"), "environment"),
    ];
    for (number, (key, body, environment, expected)) in cases.into_iter().enumerate() {
        let id = format!("msg-{number}");
        producer.publish(key, body, Some(&id), environment).await;
        let (reason, routing_key, kept, kept_id) = producer.rejected().await;
        assert!(reason.contains(expected), "{key}: {reason}");
        assert_eq!((routing_key.as_str(), kept.as_slice(), kept_id), (key, body, Some(id)));
    }
    // Nothing loops, and what is good still comes through.
    producer.publish("acme.order.created", b"{}", None, Some("staging")).await;
    app.receiver.wait_for(&webhook.path, 1, SOON).await.unwrap();
    all_is_handled(&producer).await;
    let rejected = waiting(&producer.connection, &format!("{}.rejected", producer.exchange)).await.unwrap();
    assert_eq!((rejected.0, app.receiver.count(&webhook.path)), (0, 1));
    producer.close().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_while_nobody_is_there_arrives() {
    let (mut app, producer) = start().await;
    let webhook = app.webhook("hook").await;
    app.app.take().unwrap().stop().await;
    for number in 0..20 {
        let id = format!("msg-{number}");
        producer.publish("acme.order.created", b"{}", Some(&id), Some("staging")).await;
    }
    app.app = Some(App::start(&app.config, Role::All, app.clock.clone()).await.unwrap());
    app.receiver.wait_for(&webhook.path, 20, SOON * 2).await.unwrap();
    // And while it comes and goes.
    for round in 0..3 {
        let restart = app.restart();
        let publish = async {
            for number in 0..20 {
                let id = format!("again-{round}-{number}");
                producer.publish("acme.order.created", b"{}", Some(&id), Some("staging")).await;
            }
        };
        tokio::join!(restart, publish);
    }
    app.receiver.wait_for(&webhook.path, 80, SOON * 2).await.unwrap();
    producer.is_bound().await;
    all_is_handled(&producer).await;
    let mut ids: Vec<String> =
        app.receiver.records(&webhook.path).iter().map(|record| record.id().to_owned()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), app.receiver.count(&webhook.path)), (80, 80));
    producer.close().await;
    app.finish().await;
}

impl Producer {
    /// Publishes with headers of its own.
    async fn publish_with(&self, routing_key: &str, body: &str, headers: &[(&str, &str)]) {
        let mut table = FieldTable::default();
        for (name, value) in [("x-angarium-environment", "staging")].iter().chain(headers) {
            table.insert((*name).into(), AMQPValue::LongString(LongString::from(*value)));
        }
        let properties = BasicProperties::default().with_headers(table);
        let (exchange, key) = (self.exchange.as_str().into(), routing_key.into());
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let confirm = self.channel.basic_publish(exchange, key, options, body.as_bytes(), properties).await.unwrap();
        assert!(matches!(confirm.await.unwrap(), Confirmation::Ack(None)), "RabbitMQ took the message");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_obeys_schemas_channels_and_its_time() {
    let (app, producer) = start().await;
    let schema = json!({ "properties": { "total": { "type": "number" } }, "required": ["total"] });
    let own = json!({ "name": "order.paid", "schema": schema, "schemaMode": "reject" });
    app.client.post("/api/v1/event-types", &own).await.expect(201);
    let fields = json!({ "channels": ["eu"] });
    let eu = app.webhook_with("eu", fields, angarium::receiver::Behaviour::default()).await;
    let later = app.clock.now().after(std::time::Duration::from_hours(1));

    for (key, body, headers, reason) in [
        (
            "acme.order.paid",
            r#"{"total":"s3cret"}"#,
            &[][..],
            "does not fit the schema of its type: total does not fit",
        ),
        ("acme.a.b", "{}", &[("x-angarium-channels", "a b")], "the header x-angarium-channels"),
        ("acme.a.b", "{}", &[("x-angarium-deliver-at", "soon")], "the header x-angarium-deliver-at must be a time"),
    ] {
        producer.publish_with(key, body, headers).await;
        let (told, ..) = producer.rejected().await;
        assert!(told.contains(reason) && !told.contains("s3cret"), "{told}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    producer.publish_with("acme.a.b", &deep, &[]).await;
    assert!(producer.rejected().await.0.contains("levels deep"));

    producer.publish_with("acme.order.paid", r#"{"total":1}"#, &[("x-angarium-channels", "us")]).await;
    let at = later.to_string();
    let headers = [("x-angarium-channels", "us, eu"), ("x-angarium-deliver-at", at.as_str())];
    producer.publish_with("acme.order.paid", r#"{"total":2}"#, &headers).await;
    all_is_handled(&producer).await;
    let waiting = eventually("the scheduled one waits", || async {
        let listed = app.client.get("/api/v1/deliveries").await.expect(200).json();
        listed["data"].as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!((&waiting["status"], app.receiver.count(&eu.path)), (&json!("pending"), 0));
    app.advance_to(later);
    let record = app.receiver.wait_for(&eu.path, 1, SOON).await.unwrap().remove(0);
    assert!(String::from_utf8_lossy(&record.body).contains(r#""data":{"total":2}"#));
    producer.close().await;
    app.finish().await;
}

/// A tenant that may publish so much.
async fn start_limited(messages_per_minute: i64, events_per_month: i64) -> (TestApp, Producer) {
    let plans = format!(
        "default_plan = \"unlimited\"\n[meters]\nmessages = [\"message.*\"]\n[plans.unlimited]\n\
         requests_per_hour = -1\nrequests_per_month = -1\nevents_per_month = {events_per_month}\nwebhooks = -1\n\
         event_data_bytes = -1\nwebhook_concurrency = -1\nper_minute = {{ messages = {messages_per_minute} }}\n"
    );
    let app = TestApp::start_with_plans(TestEngine::Distributed, &plans).await;
    let producer = Producer::start(&app).await;
    (app, producer)
}

/// What the core API publishes; Angarium itself tells of used-up quotas, to whoever wants everything.
async fn webhook_of_core(app: &TestApp) -> TestWebhook {
    let events = json!({ "events": ["message.*", "order.*"] });
    app.webhook_with("hook", events, angarium::receiver::Behaviour::default()).await
}

async fn rejected_count(producer: &Producer) -> u32 {
    waiting(&producer.connection, &format!("{}.rejected", producer.exchange)).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_waits_for_the_next_minute() {
    let (app, producer) = start_limited(2, -1).await;
    let webhook = webhook_of_core(&app).await;
    for number in 0..3 {
        let id = format!("msg-{number}");
        producer.publish("acme.message.sent", b"{}", Some(&id), Some("staging")).await;
    }
    // Other events do not wait behind it.
    producer.publish("acme.order.created", b"{}", None, Some("staging")).await;
    app.receiver.wait_for(&webhook.path, 3, SOON).await.unwrap();
    app.written_down(&webhook).await;
    for _ in 0..3 {
        // It is given back, comes again, and is still too much.
        app.advance(std::time::Duration::from_secs(10));
        all_is_handled(&producer).await;
    }
    assert_eq!((app.receiver.count(&webhook.path), rejected_count(&producer).await), (3, 0));
    app.advance(std::time::Duration::from_secs(30));
    app.while_time_passes(app.receiver.wait_for(&webhook.path, 4, SOON)).await.unwrap();
    all_is_handled(&producer).await;
    let types = app.client.get("/api/v1/deliveries?eventType=message.sent").await.expect(200).json();
    assert_eq!((&types["pagination"]["total"], rejected_count(&producer).await), (&json!(3), 0));
    producer.close().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_beyond_the_month_is_rejected() {
    let (app, producer) = start_limited(-1, 3).await;
    let webhook = webhook_of_core(&app).await;
    for number in 0..3 {
        let id = format!("msg-{number}");
        producer.publish("acme.order.created", b"{}", Some(&id), Some("staging")).await;
    }
    app.receiver.wait_for(&webhook.path, 3, SOON).await.unwrap();
    app.written_down(&webhook).await;
    producer.publish("acme.order.paid", b"{\"n\":4}", Some("msg-4"), Some("staging")).await;
    let (reason, routing_key, body, id) = producer.rejected().await;
    assert_eq!(reason, "the plan's 3 events of this month are used up");
    assert_eq!(
        (routing_key.as_str(), body.as_slice(), id.as_deref()),
        ("acme.order.paid", &b"{\"n\":4}"[..], Some("msg-4"))
    );
    // A repeat of an accepted one is none too many.
    producer.publish("acme.order.created", b"{}", Some("msg-0"), Some("staging")).await;
    all_is_handled(&producer).await;
    assert_eq!((app.receiver.count(&webhook.path), rejected_count(&producer).await), (3, 0));
    app.advance(std::time::Duration::from_hours(24 * 10));
    producer.publish("acme.order.paid", b"{}", Some("msg-5"), Some("staging")).await;
    app.receiver.wait_for(&webhook.path, 4, SOON).await.unwrap();
    producer.close().await;
    app.finish().await;
}
