//! A real RabbitMQ to test against: the one at `ANGARIUM_TEST_AMQP`, else the one on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use lapin::options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::super::link::parse_uri;
use super::super::topology::Topology;
use super::super::{QueueType, RabbitMq, RabbitOptions};
use crate::broker::Broker;

pub(crate) fn server() -> String {
    let from_environment = std::env::var_os("ANGARIUM_TEST_AMQP").and_then(|uri| uri.into_string().ok());
    from_environment.unwrap_or_else(|| "amqp://guest:guest@127.0.0.1:5672/%2f".into())
}

pub(crate) fn unique_prefix() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test-{}-{}-{:08x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed), rand::random::<u32>())
}

/// Waits for something that RabbitMQ does in its own time.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waited = timeout(Duration::from_secs(20), async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited too long until {what}"));
}

/// Forwards to RabbitMQ until it is told to cut every connection.
pub(crate) struct Wire {
    pub(crate) uri: String,
    cut: Arc<Notify>,
    refuse: Arc<AtomicBool>,
}

impl Wire {
    pub(crate) async fn new() -> Self {
        let uri = parse_uri(&server()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cut, refuse) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (is_cut, is_refusing) = (Arc::clone(&cut), Arc::clone(&refuse));
        let target = (uri.authority.host.clone(), uri.authority.port);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if is_refusing.load(Ordering::Relaxed) {
                    continue;
                }
                let (is_cut, target) = (Arc::clone(&is_cut), target.clone());
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        () = is_cut.notified() => {}
                    }
                });
            }
        });
        let user = uri.authority.userinfo;
        let uri = format!("amqp://{}:{}@127.0.0.1:{port}/%2f", user.username, user.password);
        Self { uri, cut, refuse }
    }

    pub(crate) fn cut(&self) {
        self.cut.notify_waiters();
    }

    pub(crate) fn refuse(&self, refuse: bool) {
        self.refuse.store(refuse, Ordering::Relaxed);
    }
}

/// A prefix of one's own on the real server, and a channel to look behind the scenes.
pub(super) struct Bench {
    pub(super) topology: Topology,
    pub(super) channel: Channel,
    _connection: Connection,
}

impl Bench {
    pub(super) async fn new() -> Self {
        Self::with(QueueType::Classic).await
    }

    pub(super) async fn with(queue_type: QueueType) -> Self {
        let connection = Connection::connect(&server(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let topology = Topology { prefix: unique_prefix(), shards: 2, queue_type };
        topology.declare(&channel).await.unwrap();
        Self { topology, channel, _connection: connection }
    }

    pub(super) fn options(&self) -> RabbitOptions {
        RabbitOptions {
            uri: server().into(),
            prefix: self.topology.prefix.clone(),
            node: "one".into(),
            shards: self.topology.shards,
            queue_type: self.topology.queue_type,
            consume: true,
            prefetch: 100,
            window: 1000,
            batch_tickets_max: 64,
            payload_inline_max: 4096,
            chance: Arc::new(|| 0.0),
        }
    }

    pub(super) async fn start(&self, options: RabbitOptions) -> RabbitMq {
        let broker = RabbitMq::connect(options).unwrap();
        until("the broker is ready", || broker.health().ready).await;
        broker
    }

    pub(super) async fn waiting(&self, queue: &str) -> u32 {
        let passive = QueueDeclareOptions::durable().passive();
        self.channel.queue_declare(queue.into(), passive, FieldTable::default()).await.unwrap().message_count()
    }

    pub(super) async fn clean_up(self) {
        let Self { topology, channel, .. } = self;
        for queue in topology.routes().map(|r| topology.queue(r)).chain([topology.poison_queue()]) {
            channel.queue_delete(queue, QueueDeleteOptions::default()).await.unwrap();
        }
        for exchange in [topology.exchange(), format!("{}.dlx", topology.prefix).into()] {
            channel.exchange_delete(exchange, ExchangeDeleteOptions::default()).await.unwrap();
        }
    }
}
