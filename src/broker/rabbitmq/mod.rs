//! Tickets over RabbitMQ, for when more than one process works.
//!
//! A ticket goes: `publish` → `publisher` (one task: batches, confirms) → a queue of its webhook's shard →
//! `consumer` (one task: decodes) → `inbox` → `receive`. Each side has a connection of its own that is kept by a
//! supervisor (`link`); `window` says how many tickets may be on their way.
//!
//! What it promises is little, on purpose: tickets are lost when a connection breaks and repeated when an
//! acknowledgement does not arrive, and RabbitMQ may lose all of them. The leases and epochs in the database make that
//! harmless. What it does promise: it never blocks the caller, it never grows without bound, and it comes back by
//! itself whatever RabbitMQ does.

mod consumer;
mod counters;
mod inbox;
pub(crate) mod link;
mod poison;
mod publisher;
mod receipt;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod topology;
mod window;
mod wire;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::consumer::{Consumer, ConsumerState};
use self::inbox::Inbox;
use self::link::{Broken, CALL_TIMEOUT, Link, parse_uri, supervise, within};
use self::publisher::{FLUSH_TIMEOUT, Handed, Publisher};
use self::topology::Topology;
use self::window::Window;
use super::{Broker, BrokerHealth, Received, Ticket};

pub use self::counters::{Counter, RabbitCounters};
pub use self::link::Chance;
pub use self::poison::{Poison, PoisonMessage};
pub use self::receipt::MessageReceipt;
pub use self::topology::QueueType;

/// Names on the wire have at most 255 bytes, and a consumer's tag holds two of these and some more.
pub(crate) const NAME_BYTES_MAX: usize = 100;
/// Every shard is two queues and, per process, two consumers.
pub const SHARDS_MAX: u16 = 64;
/// The most tickets in one message, which is the unit of redelivery.
pub const BATCH_TICKETS_MAX: usize = 1024;

/// How to use RabbitMQ.
pub struct RabbitOptions {
    /// `amqp://` or `amqps://`, with user and password. A heartbeat of 10 s is asked for unless it says otherwise.
    pub uri: SecretString,
    /// What the names of all exchanges and queues start with.
    pub prefix: String,
    /// Names this process in connections and consumers; unique among those that run.
    pub node: String,
    /// How many pairs of queues the webhooks are spread over. All processes must agree.
    pub shards: u16,
    /// How RabbitMQ keeps the queues. All processes must agree.
    pub queue_type: QueueType,
    /// Whether this process receives; one that only accepts does not.
    pub consume: bool,
    /// Messages that may be at this process unacknowledged: 60 % for first attempts, 40 % for retries.
    pub prefetch: u16,
    /// Tickets that may be under way, over all processes.
    pub window: usize,
    /// Tickets in one message at most.
    pub batch_tickets_max: usize,
    /// Events with more bytes of data than this are read from the database by whoever sends them.
    pub payload_inline_max: usize,
    /// Spreads out reconnects.
    pub chance: Chance,
}

/// Why options cannot work, whatever RabbitMQ does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRabbitOptions {
    /// Not an AMQP URI. Never shown, since it holds a password.
    #[error("the URI must look like amqp://user:password@host:5672/vhost")]
    Uri,
    /// Too long for the wire, or empty.
    #[error("the prefix and the node name must have 1 to {NAME_BYTES_MAX} bytes")]
    Name,
    /// None, or too many.
    #[error("there must be 1 to {SHARDS_MAX} shards")]
    Shards,
    /// None, or too many.
    #[error("a message must carry 1 to {BATCH_TICKETS_MAX} tickets")]
    BatchTickets,
}

/// The broker of a cluster. Dropping it disconnects; [`Broker::close`] also publishes what still waits.
pub struct RabbitMq {
    window: Arc<Window>,
    waiting: mpsc::UnboundedSender<Handed>,
    inbox: Arc<Inbox>,
    counters: Arc<RabbitCounters>,
    consumer: Option<Arc<ConsumerState>>,
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl RabbitMq {
    /// Starts connecting and returns at once. Until RabbitMQ is there, no places are granted.
    ///
    /// # Errors
    /// When the options cannot work.
    pub fn connect(options: RabbitOptions) -> Result<Self, InvalidRabbitOptions> {
        let uri = check(&options)?;
        let RabbitOptions { prefix, node, shards, queue_type, consume, prefetch, chance, .. } = options;
        let topology = Topology { prefix: prefix.clone(), shards, queue_type };
        let counters = Arc::new(RabbitCounters::default());
        let window = Arc::new(Window::new(options.window, options.batch_tickets_max));
        let (sender, waiting) = mpsc::unbounded_channel();
        let (inbox, closing, tasks) = (Arc::new(Inbox::default()), CancellationToken::new(), TaskTracker::new());
        let link = |role: &str, until: &CancellationToken| Link {
            uri: uri.clone(),
            name: format!("{prefix}-{role}-{node}"),
            chance: Arc::clone(&chance),
            counters: Arc::clone(&counters),
            until: until.clone(),
        };
        let publisher = Publisher {
            topology: topology.clone(),
            window: Arc::clone(&window),
            counters: Arc::clone(&counters),
            waiting,
            batch_tickets_max: options.batch_tickets_max,
            payload_inline_max: options.payload_inline_max,
            closing: closing.clone(),
            has_stale_confirms: false,
        };
        tasks.spawn(supervise(link("publish", &closing), publisher));
        let consumer = consume.then(|| {
            let state = Arc::new(ConsumerState::default());
            let (inbox, counters) = (Arc::clone(&inbox), Arc::clone(&counters));
            let link = link("consume", &state.stopping);
            let (node, state_of_session) = (node.clone(), Arc::clone(&state));
            let consumer = Consumer { topology, inbox, counters, prefetch, node, state: state_of_session };
            tasks.spawn(supervise(link, consumer));
            state
        });
        tasks.close();
        Ok(Self { window, waiting: sender, inbox, counters, consumer, closing, tasks })
    }

    /// Deletes the exchanges and queues of these options, with the tickets in them. For installations that are given
    /// up.
    ///
    /// # Errors
    /// When the options cannot work, or RabbitMQ does not do it.
    pub async fn remove(options: RabbitOptions) -> Result<(), NotRemoved> {
        let uri = check(&options).map_err(|error| NotRemoved(error.to_string()))?;
        let RabbitOptions { prefix, shards, queue_type, .. } = options;
        remove(uri, &Topology { prefix, shards, queue_type }).await.map_err(|error| NotRemoved(error.to_string()))
    }

    /// What is in the poison queue: how many messages, and the first `max` of them. They stay there.
    ///
    /// # Errors
    /// When the options cannot work, or RabbitMQ does not answer.
    pub async fn poison(options: RabbitOptions, max: u32) -> Result<Poison, NotRead> {
        let uri = check(&options).map_err(|error| NotRead(error.to_string()))?;
        let RabbitOptions { prefix, shards, queue_type, .. } = options;
        let looked = poison::look(uri, &Topology { prefix, shards, queue_type }, max).await;
        looked.map_err(|error| NotRead(error.to_string()))
    }

    /// Throws away what is in the poison queue; how many messages.
    ///
    /// # Errors
    /// When the options cannot work, or RabbitMQ does not answer.
    pub async fn purge_poison(options: RabbitOptions) -> Result<u32, NotRead> {
        let uri = check(&options).map_err(|error| NotRead(error.to_string()))?;
        let RabbitOptions { prefix, shards, queue_type, .. } = options;
        let purged = poison::purge(uri, &Topology { prefix, shards, queue_type }).await;
        purged.map_err(|error| NotRead(error.to_string()))
    }

    /// What it counted since it started.
    #[must_use]
    pub fn counters(&self) -> &Arc<RabbitCounters> {
        &self.counters
    }

    fn end(&self) {
        self.inbox.stop();
        if let Some(consumer) = &self.consumer {
            consumer.stopping.cancel();
            consumer.closing.cancel();
        }
        self.closing.cancel();
    }
}

async fn remove(uri: AMQPUri, topology: &Topology) -> Result<(), Broken> {
    let connection = within("connect", Connection::connect_uri(uri, ConnectionProperties::default())).await?;
    let channel = within("open a channel", connection.create_channel()).await?;
    topology.delete(&channel).await?;
    // What was wanted is done: how the goodbye goes does not matter.
    let _ = within("close", connection.close(200, "closing".into())).await;
    Ok(())
}

/// Why the exchanges and queues are still there.
#[derive(Debug, thiserror::Error)]
#[error("not removed: {0}")]
pub struct NotRemoved(String);

/// Why the poison queue was not looked at.
#[derive(Debug, thiserror::Error)]
#[error("the poison queue: {0}")]
pub struct NotRead(String);

fn check(options: &RabbitOptions) -> Result<AMQPUri, InvalidRabbitOptions> {
    let names = [&options.prefix, &options.node];
    if names.iter().any(|name| name.is_empty() || name.len() > NAME_BYTES_MAX) {
        return Err(InvalidRabbitOptions::Name);
    }
    if !(1..=SHARDS_MAX).contains(&options.shards) {
        return Err(InvalidRabbitOptions::Shards);
    }
    if !(1..=BATCH_TICKETS_MAX).contains(&options.batch_tickets_max) {
        return Err(InvalidRabbitOptions::BatchTickets);
    }
    parse_uri(options.uri.expose_secret()).ok_or(InvalidRabbitOptions::Uri)
}

#[async_trait]
impl Broker for RabbitMq {
    fn reserve(&self, wanted: usize) -> usize {
        self.window.reserve(wanted)
    }

    fn release(&self, places: usize) {
        self.window.release(places);
    }

    fn publish(&self, tickets: Vec<Ticket>) {
        let count = tickets.len();
        let handed = self.window.accept(count).map(|flight| Handed { tickets, flight });
        if handed.is_none_or(|handed| self.waiting.send(handed).is_err()) {
            self.counters.tickets_dropped.add(count);
        }
    }

    /// One message's tickets, however many: a message is acknowledged as a whole.
    async fn receive(&self, _max: usize) -> Option<Received> {
        self.inbox.receive().await
    }

    fn health(&self) -> BrokerHealth {
        let is_consuming = self.consumer.as_ref().is_none_or(|c| c.is_consuming.load(Ordering::Relaxed));
        BrokerHealth {
            ready: self.window.is_open() && is_consuming,
            waiting: u64::try_from(self.window.depth()).unwrap_or(u64::MAX),
        }
    }

    /// What no worker has taken goes back to RabbitMQ; what was taken can still be acknowledged.
    async fn stop_receiving(&self) {
        self.inbox.stop();
        if let Some(consumer) = &self.consumer {
            let is_consuming = consumer.is_consuming.load(Ordering::Relaxed);
            consumer.stopping.cancel();
            if is_consuming {
                // On a dead connection there is nothing to stop, and its session says so by ending.
                let _ = timeout(CALL_TIMEOUT, consumer.stopped.cancelled()).await;
            }
        }
    }

    async fn close(&self) {
        self.end();
        let longest = FLUSH_TIMEOUT + CALL_TIMEOUT + Duration::from_secs(5);
        let _ = timeout(longest, self.tasks.wait()).await;
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.end();
    }
}
