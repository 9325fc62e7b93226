//! Consuming: one consumer per queue, all on one channel, each with a prefetch of its own.
//!
//! The prefetch is what shares the workers out between first attempts and retries: RabbitMQ refills each consumer as
//! its messages are acknowledged, so while both wait they come in the proportion of their prefetches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::{self, SelectAll, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::counters::RabbitCounters;
use super::inbox::Inbox;
use super::link::{Broken, Session, within};
use super::receipt::MessageReceipt;
use super::topology::{Lane, Topology};
use super::wire;

/// Of every five messages that are prefetched, three are first attempts and two are retries.
const FIRST_FIFTHS: u16 = 3;

pub(super) struct Consumer {
    pub(super) topology: Topology,
    pub(super) inbox: Arc<Inbox>,
    pub(super) counters: Arc<RabbitCounters>,
    pub(super) prefetch: u16,
    pub(super) node: String,
    pub(super) state: Arc<ConsumerState>,
}

/// How far consuming is, and how far it is wanted.
#[derive(Debug, Default)]
pub(super) struct ConsumerState {
    pub(super) is_consuming: AtomicBool,
    /// No more messages are wanted; those taken are still acknowledged.
    pub(super) stopping: CancellationToken,
    /// RabbitMQ sends no more messages.
    pub(super) stopped: CancellationToken,
    /// The channel is no longer needed.
    pub(super) closing: CancellationToken,
}

/// Not consuming any more, however the session ends.
struct Consuming<'a>(&'a ConsumerState);

impl Drop for Consuming<'_> {
    fn drop(&mut self) {
        self.0.is_consuming.store(false, Ordering::Relaxed);
    }
}

/// The next thing that a consumer brought; the queue's name when the consumer ended.
type Brought = Result<lapin::Result<Delivery>, ShortString>;
type Deliveries = SelectAll<stream::BoxStream<'static, Brought>>;

#[async_trait]
impl Session for Consumer {
    async fn run(&mut self, connection: &Connection) -> Result<(), Broken> {
        let channel = within("open a channel", connection.create_channel()).await?;
        self.topology.declare(&channel).await?;
        let (mut deliveries, tags) = self.consume(&channel).await?;
        let state = Arc::clone(&self.state);
        let _consuming = Consuming(&state);
        state.is_consuming.store(true, Ordering::Relaxed);
        loop {
            tokio::select! {
                biased;
                () = state.stopping.cancelled() => break,
                Some(brought) = deliveries.next() => self.take(brought).await?,
            }
        }
        for tag in tags {
            within("cancel a consumer", channel.basic_cancel(tag, BasicCancelOptions::default())).await?;
        }
        // What was on its way; the inbox is stopped, so it goes back.
        while let Some(Some(brought)) = deliveries.next().now_or_never() {
            if let Ok(Ok(delivery)) = brought {
                drop(MessageReceipt::new(delivery.acker, Arc::clone(&self.counters)));
            }
        }
        state.stopped.cancel();
        state.closing.cancelled().await;
        Ok(())
    }
}

impl Consumer {
    async fn consume(&self, channel: &Channel) -> Result<(Deliveries, Vec<ShortString>), Broken> {
        let mut deliveries = SelectAll::new();
        let mut tags = Vec::new();
        for route in self.topology.routes() {
            // In force for the consumers that start after it.
            let prefetch = share(self.prefetch, route.lane, self.topology.shards);
            within("set the prefetch", channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
            let queue = self.topology.queue(route);
            let tag = ShortString::from(format!("{}@{}", queue, self.node));
            let options = BasicConsumeOptions::default();
            let consumer = channel.basic_consume(queue.clone(), tag.clone(), options, FieldTable::default());
            let consumer = within("start a consumer", consumer).await?;
            let ended = stream::once(std::future::ready(Err(queue)));
            deliveries.push(consumer.map(Ok).chain(ended).boxed());
            tags.push(tag);
        }
        Ok((deliveries, tags))
    }

    async fn take(&self, brought: Brought) -> Result<(), Broken> {
        let Delivery { acker, data, properties, routing_key, .. } = brought.map_err(Broken::ConsumerEnded)??;
        let receipt = MessageReceipt::new(acker, Arc::clone(&self.counters));
        match wire::decode(Bytes::from(data)) {
            Ok(tickets) => {
                self.counters.received.add(1);
                self.inbox.push(tickets, receipt);
            }
            Err(error) => {
                self.counters.decode_failed.add(1);
                let message_id = properties.message_id().as_ref().map(ShortString::as_str);
                warn!(%error, message_id, %routing_key, "a message is not a batch of tickets: poison queue");
                receipt.refuse().await;
            }
        }
        Ok(())
    }
}

/// One consumer's part of the prefetch. Never zero, which RabbitMQ takes for "no limit".
fn share(prefetch: u16, lane: Lane, shards: u16) -> u16 {
    let first = (prefetch / 5).saturating_mul(FIRST_FIFTHS) + (prefetch % 5 * FIRST_FIFTHS).div_ceil(5);
    let of_lane = match lane {
        Lane::First => first,
        Lane::Retry => prefetch - first,
    };
    (of_lane / shards.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefetch_is_shared_out_and_never_zero() {
        assert_eq!((share(100, Lane::First, 2), share(100, Lane::Retry, 2)), (30, 20));
        assert_eq!((share(1, Lane::First, 8), share(1, Lane::Retry, 8)), (1, 1));
        assert_eq!((share(u16::MAX, Lane::First, 1), share(u16::MAX, Lane::Retry, 1)), (39321, 26214));
    }
}
