//! Against a real RabbitMQ, like the tests of the ticket broker.

use std::sync::Mutex;

use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use super::rejects::{REASON_HEADER, ROUTING_KEY_HEADER};
use super::*;
use crate::broker::rabbitmq::tests::bench::{Wire, server, unique_prefix, until};

struct Bench {
    prefix: String,
    channel: Channel,
    _connection: Connection,
    seen: Arc<Mutex<Vec<IngestMessage>>>,
}

impl Bench {
    async fn new() -> Self {
        let connection = Connection::connect(&server(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        Self { prefix: unique_prefix(), channel, _connection: connection, seen: Arc::default() }
    }

    fn name(&self, of: &str) -> String {
        format!("{}.{of}", self.prefix)
    }

    /// Starts an ingest whose verdict depends on the message and on how many came before it.
    async fn start(
        &self,
        uri: String,
        verdict: impl Fn(&IngestMessage, usize) -> IngestVerdict + Send + Sync + 'static,
    ) -> Ingest {
        let seen = Arc::clone(&self.seen);
        let handler: IngestHandler = Arc::new(move |message: IngestMessage| {
            let count = {
                let mut seen = seen.lock().unwrap();
                seen.push(message.clone());
                seen.len()
            };
            let verdict = verdict(&message, count);
            Box::pin(async { verdict })
        });
        let options = IngestOptions {
            uri: uri.into(),
            exchange: self.name("events"),
            queue: self.name("ingest"),
            rejected: self.name("rejected"),
            node: "one".into(),
            prefetch: 16,
            clock: Clock::system(),
            chance: Arc::new(|| 0.0),
        };
        let ingest = Ingest::start(options, handler).unwrap();
        until("it is ready", || ingest.is_ready()).await;
        ingest
    }

    async fn publish(&self, key: &str, body: &str) {
        let mut headers = FieldTable::default();
        headers.insert("x-tenant".into(), AMQPValue::LongString("acme".into()));
        headers.insert("n".into(), AMQPValue::LongInt(7));
        headers.insert("nested".into(), AMQPValue::FieldTable(FieldTable::default()));
        let properties = BasicProperties::default()
            .with_message_id("m-1".into())
            .with_content_type("application/json".into())
            .with_expiration("60000".into())
            .with_headers(headers);
        let (exchange, options) = (self.name("events"), BasicPublishOptions::default());
        self.channel
            .basic_publish(exchange.into(), key.into(), options, body.as_bytes(), properties)
            .await
            .unwrap()
            .await
            .unwrap();
    }

    async fn waiting(&self, queue: &str) -> u32 {
        let passive = QueueDeclareOptions::durable().passive();
        let declared = self.channel.queue_declare(self.name(queue).into(), passive, FieldTable::default());
        declared.await.unwrap().message_count()
    }

    fn seen(&self) -> Vec<IngestMessage> {
        self.seen.lock().unwrap().clone()
    }

    async fn clean_up(self) {
        for queue in ["ingest", "rejected"] {
            self.channel.queue_delete(self.name(queue).into(), QueueDeleteOptions::default()).await.unwrap();
        }
        for exchange in ["events", "rejected"] {
            self.channel.exchange_delete(self.name(exchange).into(), ExchangeDeleteOptions::default()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_accepted_message_is_gone() {
    let bench = Bench::new().await;
    let ingest = bench.start(server(), |_, _| IngestVerdict::Accepted).await;
    bench.publish("order.created", r#"{"a":1}"#).await;
    until("it is handled", || bench.seen().len() == 1).await;
    ingest.stop().await;
    let headers = [("n".to_owned(), "7".to_owned()), ("x-tenant".to_owned(), "acme".to_owned())];
    assert_eq!(
        bench.seen(),
        [IngestMessage {
            routing_key: "order.created".into(),
            message_id: Some("m-1".into()),
            headers: headers.into(),
            body: Bytes::from_static(br#"{"a":1}"#),
        }]
    );
    assert_eq!((bench.waiting("ingest").await, bench.waiting("rejected").await), (0, 0));
    assert_eq!(ingest.counters().ack_failed.get(), 0);
    bench.clean_up().await;
}

#[tokio::test]
async fn a_rejected_message_is_kept_with_its_reason() {
    let bench = Bench::new().await;
    let ingest = bench.start(server(), |_, _| IngestVerdict::Rejected { reason: "no tenant ü".into() }).await;
    bench.publish("order.created", "not json").await;
    until("it is rejected", || ingest.counters().confirmed.get() == 1).await;
    ingest.stop().await;
    assert_eq!(bench.waiting("ingest").await, 0);
    let options = BasicGetOptions { no_ack: true };
    let rejected = bench.channel.basic_get(bench.name("rejected").into(), options).await.unwrap().unwrap();
    assert_eq!(rejected.data, b"not json");
    let headers = rejected.properties.headers().as_ref().unwrap().inner();
    let text = |value: &str| AMQPValue::LongString(value.into());
    assert_eq!(headers[ROUTING_KEY_HEADER], text("order.created"));
    assert_eq!(headers[REASON_HEADER], text("no tenant ü"));
    assert_eq!(headers["x-tenant"], text("acme"));
    assert_eq!(rejected.properties.message_id().as_ref().unwrap().as_str(), "m-1");
    assert_eq!(rejected.properties.expiration(), &None);
    bench.clean_up().await;
}

#[tokio::test]
async fn without_its_rejected_queue_a_message_is_kept_until_there_is_one() {
    let bench = Bench::new().await;
    let ingest = bench.start(server(), |_, _| IngestVerdict::Rejected { reason: "bad".into() }).await;
    let rejected = bench.name("rejected");
    bench.publish("order.created", "1").await;
    until("it is rejected", || ingest.counters().confirmed.get() == 1).await;
    bench.channel.queue_delete(rejected.into(), QueueDeleteOptions::default()).await.unwrap();
    bench.publish("order.created", "2").await;
    until("it finds no queue, then one", || {
        ingest.counters().returned.get() == 1 && ingest.counters().confirmed.get() == 2
    })
    .await;
    ingest.stop().await;
    assert_eq!((bench.waiting("ingest").await, bench.waiting("rejected").await), (0, 1));
    assert_eq!(bench.seen().len(), 3);
    bench.clean_up().await;
}

#[tokio::test]
async fn later_and_a_panic_bring_the_message_again() {
    let bench = Bench::new().await;
    let ingest = bench
        .start(server(), |_, count| match count {
            1 => IngestVerdict::Later,
            2 => panic!("a bug"),
            _ => IngestVerdict::Accepted,
        })
        .await;
    let started = tokio::time::Instant::now();
    bench.publish("order.created", "{}").await;
    until("it came three times", || bench.seen().len() == 3).await;
    assert!(started.elapsed() >= Duration::from_secs(2));
    ingest.stop().await;
    assert_eq!(bench.waiting("ingest").await, 0);
    bench.clean_up().await;
}

#[tokio::test]
async fn it_comes_back_when_cut_and_gives_back_when_stopped() {
    let bench = Bench::new().await;
    let wire = Wire::new().await;
    let ingest = bench.start(wire.uri.clone(), |_, _| IngestVerdict::Later).await;
    wire.cut();
    until("it notices", || ingest.counters().reconnects.get() >= 2).await;
    until("it is ready again", || ingest.is_ready()).await;
    for n in 0..20 {
        bench.publish("order.created", &n.to_string()).await;
    }
    until("as many as are prefetched wait", || bench.seen().len() >= 16).await;
    ingest.stop().await;
    assert!(!ingest.is_ready());
    assert_eq!(bench.waiting("ingest").await, 20);
    bench.clean_up().await;
}
