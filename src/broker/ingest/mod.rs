//! Events that come over RabbitMQ instead of the API.
//!
//! Unlike tickets these messages are the only copy of something, so the order is: commit, then acknowledge. A message
//! that cannot be an event is put into the rejected queue, with the reason, and acknowledged only when RabbitMQ has
//! confirmed it there. Whatever goes wrong before that gives the message back, and the publisher's `message_id` is
//! what recognises it when it comes again.
//!
//! Two connections, for the same reason as for tickets: an alarm blocks those that publish, and the rejected queue
//! must not stop accepting.

mod receiver;
mod rejects;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::receiver::{Handling, Receiver};
use self::rejects::Rejects;
use super::rabbitmq::link::{CALL_TIMEOUT, Link, parse_uri, supervise};
use super::rabbitmq::{Chance, NAME_BYTES_MAX, RabbitCounters};
use crate::clock::Clock;

/// How long stopping waits for the verdicts on what is being handled.
const FINISH_TIMEOUT: Duration = Duration::from_secs(10);

/// How to take events from RabbitMQ.
pub struct IngestOptions {
    /// `amqp://` or `amqps://`, with user and password.
    pub uri: SecretString,
    /// The topic exchange that publishers send to.
    pub exchange: String,
    /// The queue that takes everything from it.
    pub queue: String,
    /// The exchange and the queue for what is not an event.
    pub rejected: String,
    /// Names this process in connections and consumers; unique among those that run.
    pub node: String,
    /// Messages that are handled at the same time.
    pub prefetch: u16,
    /// Times the pause after [`IngestVerdict::Later`].
    pub clock: Clock,
    /// Spreads out reconnects.
    pub chance: Chance,
}

/// Why options cannot work, whatever RabbitMQ does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIngestOptions {
    /// Not an AMQP URI. Never shown, since it holds a password.
    #[error("the URI must look like amqp://user:password@host:5672/vhost")]
    Uri,
    /// Too long for the wire, or empty.
    #[error("the names of exchange, queues and node must have 1 to {NAME_BYTES_MAX} bytes")]
    Name,
}

/// A message as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct IngestMessage {
    /// What it was published with, commonly the event type.
    pub routing_key: String,
    /// The publisher's name for it: the same when the same event is published again.
    pub message_id: Option<String>,
    /// Headers that are text, numbers or flags; others are left out.
    pub headers: BTreeMap<String, String>,
    /// The event, if it is one.
    pub body: Bytes,
}

/// Payloads and headers stay out of logs.
impl fmt::Debug for IngestMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { routing_key, message_id, headers, body } = self;
        write!(f, "{routing_key} {message_id:?} ({} headers, {} bytes)", headers.len(), body.len())
    }
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngestVerdict {
    /// Committed, now or when it came before.
    Accepted,
    /// It will never be an event that can be accepted.
    Rejected {
        /// For whoever looks into the rejected queue.
        reason: String,
    },
    /// Not now: a quota, or trouble of our own. It is given back after a pause.
    Later,
}

/// Decides over messages; called for many at the same time.
pub type IngestHandler = Arc<dyn Fn(IngestMessage) -> BoxFuture<'static, IngestVerdict> + Send + Sync>;

/// Takes events from RabbitMQ until it is stopped. Dropping it stops it without waiting.
pub struct Ingest {
    counters: Arc<RabbitCounters>,
    is_consuming: Arc<AtomicBool>,
    stopping: CancellationToken,
    closing: CancellationToken,
    receiver: TaskTracker,
    rejects: TaskTracker,
}

impl Ingest {
    /// Starts connecting and returns at once.
    ///
    /// # Errors
    /// When the options cannot work.
    pub fn start(options: IngestOptions, handler: IngestHandler) -> Result<Self, InvalidIngestOptions> {
        let IngestOptions { uri, exchange, queue, rejected, node, prefetch, clock, chance } = options;
        if [&exchange, &queue, &rejected, &node].iter().any(|name| name.is_empty() || name.len() > NAME_BYTES_MAX) {
            return Err(InvalidIngestOptions::Name);
        }
        let uri = parse_uri(uri.expose_secret()).ok_or(InvalidIngestOptions::Uri)?;
        let counters = Arc::new(RabbitCounters::default());
        let (stopping, closing) = (CancellationToken::new(), CancellationToken::new());
        let is_consuming = Arc::new(AtomicBool::new(false));
        let link = |role: &str, until: &CancellationToken| Link {
            uri: uri.clone(),
            name: format!("{queue}-{role}-{node}"),
            chance: Arc::clone(&chance),
            counters: Arc::clone(&counters),
            until: until.clone(),
        };
        let (consume, reject) = (link("consume", &stopping), link("reject", &closing));

        // As many as are handled at the same time, so sending never waits.
        let (sender, waiting) = mpsc::channel(usize::from(prefetch.max(1)));
        let rejects = Rejects { name: rejected, waiting, counters: Arc::clone(&counters), closing: closing.clone() };
        let handling = Arc::new(Handling {
            handler,
            rejects: sender,
            counters: Arc::clone(&counters),
            clock,
            stopping: stopping.clone(),
        });
        let tag = format!("{queue}@{node}");
        let is_consuming_too = Arc::clone(&is_consuming);
        let receiver =
            Receiver { exchange, queue, tag, prefetch: prefetch.max(1), handling, is_consuming: is_consuming_too };
        Ok(Self {
            counters,
            is_consuming,
            receiver: tracked(supervise(consume, receiver)),
            rejects: tracked(supervise(reject, rejects)),
            stopping,
            closing,
        })
    }

    /// True while messages can come.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.is_consuming.load(Ordering::Relaxed)
    }

    /// What it counted; of what is published, that is messages to the rejected queue.
    #[must_use]
    pub fn counters(&self) -> &Arc<RabbitCounters> {
        &self.counters
    }

    /// Takes no more messages, waits a bounded time for the verdicts on those being handled, gives back the rest.
    pub async fn stop(&self) {
        self.stopping.cancel();
        let _ = timeout(FINISH_TIMEOUT + CALL_TIMEOUT + CALL_TIMEOUT, self.receiver.wait()).await;
        self.closing.cancel();
        let _ = timeout(CALL_TIMEOUT, self.rejects.wait()).await;
    }
}

fn tracked(task: impl Future<Output = ()> + Send + 'static) -> TaskTracker {
    let tracker = TaskTracker::new();
    tracker.spawn(task);
    tracker.close();
    tracker
}

impl Drop for Ingest {
    fn drop(&mut self) {
        self.stopping.cancel();
        self.closing.cancel();
    }
}
