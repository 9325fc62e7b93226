//! The rejected queue: the original message, with the reason and the routing key in its headers.
//!
//! One message at a time. The client library may attach a returned message to another one's confirm, and here it
//! matters which one had no queue; with a single one under way there is no doubt. Rejections are rare.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::StreamExt;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ExchangeKind};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::broker::rabbitmq::RabbitCounters;
use crate::broker::rabbitmq::link::{Broken, Session, within};
use crate::broker::rabbitmq::topology::{bind_queue, declare_exchange, declare_queue};

pub(super) const ROUTING_KEY_HEADER: &str = "x-angarium-routing-key";
pub(super) const REASON_HEADER: &str = "x-angarium-reason";
/// How long a rejection waits to be confirmed, a reconnect included.
const REJECT_TIMEOUT: Duration = Duration::from_secs(10);
const REASON_BYTES_MAX: usize = 1000;
const PERSISTENT: u8 = 2;

/// A message on its way to the rejected queue.
pub(super) struct Rejection {
    body: Bytes,
    properties: BasicProperties,
    confirmed: oneshot::Sender<bool>,
}

impl Rejection {
    /// True when RabbitMQ has confirmed it in the rejected queue.
    pub(super) async fn send(
        rejects: &mpsc::Sender<Self>,
        body: Bytes,
        properties: BasicProperties,
        routing_key: &ShortString,
        reason: &str,
    ) -> bool {
        let properties = rejected_properties(&properties, routing_key, reason);
        let (confirmed, answer) = oneshot::channel();
        let done =
            async { rejects.send(Self { body, properties, confirmed }).await.is_ok() && answer.await == Ok(true) };
        timeout(REJECT_TIMEOUT, done).await == Ok(true)
    }
}

/// What describes the content is kept. An expiry was meant for the way here; a user id that is not ours would be
/// refused, again and again.
fn rejected_properties(original: &BasicProperties, routing_key: &ShortString, reason: &str) -> BasicProperties {
    let reason = &reason[..reason.floor_char_boundary(REASON_BYTES_MAX)];
    let mut headers = original.headers().clone().unwrap_or_default();
    for (name, value) in [(ROUTING_KEY_HEADER, routing_key.as_str()), (REASON_HEADER, reason)] {
        headers.insert(name.into(), AMQPValue::LongString(LongString::from(value)));
    }
    let mut properties = BasicProperties::default().with_headers(headers).with_delivery_mode(PERSISTENT);
    if let Some(content_type) = original.content_type() {
        properties = properties.with_content_type(content_type.clone());
    }
    if let Some(content_encoding) = original.content_encoding() {
        properties = properties.with_content_encoding(content_encoding.clone());
    }
    if let Some(message_id) = original.message_id() {
        properties = properties.with_message_id(message_id.clone());
    }
    if let Some(timestamp) = original.timestamp() {
        properties = properties.with_timestamp(*timestamp);
    }
    properties
}

pub(super) struct Rejects {
    /// Of the exchange and of its queue.
    pub(super) name: String,
    pub(super) waiting: mpsc::Receiver<Rejection>,
    pub(super) counters: Arc<RabbitCounters>,
    pub(super) closing: CancellationToken,
}

#[async_trait]
impl Session for Rejects {
    async fn run(&mut self, connection: &Connection) -> Result<(), Broken> {
        let channel = within("open a channel", connection.create_channel()).await?;
        self.declare(&channel).await?;
        within("select confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        let mut events = pin!(connection.events_listener());
        loop {
            tokio::select! {
                biased;
                event = events.next() => match event {
                    Some(lapin::Event::Error(error)) => return Err(error.into()),
                    None => return Err(Broken::Ended),
                    // A blocked connection shows as a rejection that is not confirmed in time.
                    Some(_) => {}
                },
                Some(rejection) = self.waiting.recv() => self.publish(&channel, rejection).await?,
                () = self.closing.cancelled() => return Ok(()),
            }
        }
    }
}

impl Rejects {
    async fn declare(&self, channel: &Channel) -> Result<(), Broken> {
        let name = ShortString::from(self.name.as_str());
        declare_exchange(channel, name.clone(), ExchangeKind::Fanout).await?;
        declare_queue(channel, &name, FieldTable::default()).await?;
        bind_queue(channel, &name, name.clone(), ShortString::default()).await
    }

    async fn publish(&self, channel: &Channel, rejection: Rejection) -> Result<(), Broken> {
        let Rejection { body, properties, confirmed } = rejection;
        if confirmed.is_closed() {
            // It waited too long; its message has been given back.
            return Ok(());
        }
        self.counters.published.add(1);
        let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let published = timeout(REJECT_TIMEOUT, async {
            let (exchange, key) = (self.name.as_str().into(), ShortString::default());
            channel.basic_publish(exchange, key, mandatory, &body, properties).await?.await
        });
        match published.await {
            Ok(Ok(Confirmation::Ack(None))) => {
                self.counters.confirmed.add(1);
                // Nobody listens when time was up just now; the message then comes again and is rejected again.
                let _ = confirmed.send(true);
            }
            Ok(Ok(Confirmation::Ack(Some(_)))) => {
                warn!(exchange = self.name, "the rejected queue was gone: declaring it again");
                self.counters.returned.add(1);
                self.declare(channel).await?;
            }
            Ok(Ok(Confirmation::Nack(_) | Confirmation::NotRequested)) => self.counters.nacked.add(1),
            Ok(Err(error)) => {
                self.counters.lost.add(1);
                return Err(error.into());
            }
            Err(_) => {
                self.counters.lost.add(1);
                return Err(Broken::Slow("confirm a rejected message"));
            }
        }
        Ok(())
    }
}
