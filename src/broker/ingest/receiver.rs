//! Receiving: every message is handled in a task of its own, as many at once as the prefetch lets through.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, Consumer, ExchangeKind};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::rejects::Rejection;
use super::{FINISH_TIMEOUT, IngestHandler, IngestMessage, IngestVerdict};
use crate::broker::rabbitmq::link::{Broken, Session, within};
use crate::broker::rabbitmq::topology::{bind_queue, declare_exchange, declare_queue};
use crate::broker::rabbitmq::{MessageReceipt, RabbitCounters};
use crate::clock::Clock;

/// How long a message that is to come later is kept before it is given back. Without this it would come at once.
const LATER: Duration = Duration::from_secs(1);

pub(super) struct Receiver {
    pub(super) exchange: String,
    pub(super) queue: String,
    pub(super) tag: String,
    pub(super) prefetch: u16,
    pub(super) handling: Arc<Handling>,
    pub(super) is_consuming: Arc<AtomicBool>,
}

/// Not consuming any more, however the session ends.
struct Consuming<'a>(&'a AtomicBool);

impl Drop for Consuming<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

#[async_trait]
impl Session for Receiver {
    async fn run(&mut self, connection: &Connection) -> Result<(), Broken> {
        let channel = within("open a channel", connection.create_channel()).await?;
        let mut consumer = self.consume(&channel).await?;
        self.is_consuming.store(true, Ordering::Relaxed);
        let consuming = Consuming(&self.is_consuming);
        // When the connection breaks, what is being handled is dropped with it: its messages come again anyway.
        let mut handled = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = self.handling.stopping.cancelled() => break,
                Some(_) = handled.join_next() => {}
                delivery = consumer.next() => {
                    let delivery = delivery.ok_or_else(|| Broken::ConsumerEnded(self.queue.as_str().into()))??;
                    self.handling.counters.received.add(1);
                    handled.spawn(Arc::clone(&self.handling).handle(delivery));
                }
            }
        }
        drop(consuming);
        let tag = self.tag.as_str().into();
        within("cancel a consumer", channel.basic_cancel(tag, BasicCancelOptions::default())).await?;
        while let Some(Some(Ok(delivery))) = consumer.next().now_or_never() {
            drop(MessageReceipt::new(delivery.acker, Arc::clone(&self.handling.counters)));
        }
        let finish = async { while handled.join_next().await.is_some() {} };
        timeout(FINISH_TIMEOUT, finish).await.map_err(|_| Broken::Slow("finish what is being handled"))
    }
}

impl Receiver {
    async fn consume(&self, channel: &Channel) -> Result<Consumer, Broken> {
        let (exchange, queue) = (ShortString::from(self.exchange.as_str()), ShortString::from(self.queue.as_str()));
        declare_exchange(channel, exchange.clone(), ExchangeKind::Topic).await?;
        declare_queue(channel, &queue, FieldTable::default()).await?;
        bind_queue(channel, &queue, exchange, "#".into()).await?;
        within("set the prefetch", channel.basic_qos(self.prefetch, BasicQosOptions::default())).await?;
        let tag = self.tag.as_str().into();
        let consumer = channel.basic_consume(queue, tag, BasicConsumeOptions::default(), FieldTable::default());
        within("start a consumer", consumer).await
    }
}

pub(super) struct Handling {
    pub(super) handler: IngestHandler,
    pub(super) rejects: mpsc::Sender<Rejection>,
    pub(super) counters: Arc<RabbitCounters>,
    pub(super) clock: Clock,
    pub(super) stopping: CancellationToken,
}

impl Handling {
    async fn handle(self: Arc<Self>, delivery: Delivery) {
        let Delivery { acker, data, properties, routing_key, .. } = delivery;
        let receipt = MessageReceipt::new(acker, Arc::clone(&self.counters));
        let body = Bytes::from(data);
        let message = message(&routing_key, &properties, body.clone());
        // A handler that panics must not lose the message, nor have it come again without a pause.
        let verdict = AssertUnwindSafe(async { (self.handler)(message).await }).catch_unwind().await;
        match verdict {
            Ok(IngestVerdict::Accepted) => receipt.ack().await,
            Ok(IngestVerdict::Rejected { reason }) => {
                if Rejection::send(&self.rejects, body, properties, &routing_key, &reason).await {
                    receipt.ack().await;
                } else {
                    self.give_back_later(receipt).await;
                }
            }
            Ok(IngestVerdict::Later) => self.give_back_later(receipt).await,
            Err(_) => {
                error!(%routing_key, "handling an ingested message panicked");
                self.give_back_later(receipt).await;
            }
        }
    }

    async fn give_back_later(&self, receipt: MessageReceipt) {
        tokio::select! {
            () = self.clock.sleep(LATER) => {}
            () = self.stopping.cancelled() => {}
        }
        drop(receipt);
    }
}

fn message(routing_key: &ShortString, properties: &BasicProperties, body: Bytes) -> IngestMessage {
    let text_headers = |headers: &FieldTable| {
        headers.inner().iter().filter_map(|(name, value)| Some((name.to_string(), header_text(value)?))).collect()
    };
    IngestMessage {
        routing_key: routing_key.to_string(),
        message_id: properties.message_id().as_ref().map(ToString::to_string),
        headers: properties.headers().as_ref().map_or_else(BTreeMap::new, text_headers),
        body,
    }
}

fn header_text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok().map(str::to_owned),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        AMQPValue::Boolean(value) => Some(value.to_string()),
        AMQPValue::ShortShortInt(value) => Some(value.to_string()),
        AMQPValue::ShortShortUInt(value) => Some(value.to_string()),
        AMQPValue::ShortInt(value) => Some(value.to_string()),
        AMQPValue::ShortUInt(value) => Some(value.to_string()),
        AMQPValue::LongInt(value) => Some(value.to_string()),
        AMQPValue::LongUInt(value) => Some(value.to_string()),
        AMQPValue::LongLongInt(value) => Some(value.to_string()),
        AMQPValue::Timestamp(value) => Some(value.to_string()),
        AMQPValue::Float(_)
        | AMQPValue::Double(_)
        | AMQPValue::DecimalValue(_)
        | AMQPValue::FieldArray(_)
        | AMQPValue::FieldTable(_)
        | AMQPValue::ByteArray(_)
        | AMQPValue::Void => None,
    }
}
