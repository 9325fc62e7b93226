//! Exchanges and queues: what they are called and how they are declared.
//!
//! Only what every RabbitMQ from 3.10 to 4.3 has: durable queues on a direct exchange, and two queue arguments (three
//! for quorum queues). The shard is computed here and not by an exchange plugin, because a plugin's ring changes when
//! a node restarts. First attempts and retries have queues of their own, which does what priorities would do, on every
//! version and both queue types. All else (length limits, expiry of the poison queue) belongs in a policy.

use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{Channel, ExchangeKind};

use super::link::{Broken, within};
use crate::broker::Ticket;
use crate::domain::id::WebhookId;

/// How often a quorum queue gives one message out again before it goes to the poison queue.
const DELIVERY_LIMIT: i32 = 20;

/// How RabbitMQ keeps the queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueType {
    /// On one node.
    Classic,
    /// Replicated over a cluster.
    Quorum,
}

impl QueueType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Quorum => "quorum",
        }
    }
}

/// Which of a shard's two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    First,
    Retry,
}

/// Where a ticket goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub(super) lane: Lane,
    pub(super) shard: u16,
}

#[derive(Debug, Clone)]
pub(super) struct Topology {
    pub(super) prefix: String,
    pub(super) shards: u16,
    pub(super) queue_type: QueueType,
}

impl Topology {
    pub(super) fn exchange(&self) -> ShortString {
        format!("{}.tickets", self.prefix).into()
    }

    fn dead_letter_exchange(&self) -> String {
        format!("{}.dlx", self.prefix)
    }

    pub(super) fn poison_queue(&self) -> ShortString {
        format!("{}.poison", self.prefix).into()
    }

    /// The queue, and also the routing key to it.
    pub(super) fn queue(&self, Route { lane, shard }: Route) -> ShortString {
        let lane = match lane {
            Lane::First => "first",
            Lane::Retry => "retry",
        };
        format!("{}.{lane}.{shard}", self.prefix).into()
    }

    pub(super) fn routes(&self) -> impl Iterator<Item = Route> + use<> {
        (0..self.shards).flat_map(|shard| [Lane::First, Lane::Retry].map(|lane| Route { lane, shard }))
    }

    pub(super) fn route(&self, ticket: &Ticket) -> Route {
        let lane = if ticket.attempt <= 1 { Lane::First } else { Lane::Retry };
        Route { lane, shard: shard_of(ticket.webhook, self.shards) }
    }

    /// Declares everything; what is there already stays as it is.
    pub(super) async fn declare(&self, channel: &Channel) -> Result<(), Broken> {
        let dlx = self.dead_letter_exchange();
        declare_exchange(channel, self.exchange(), ExchangeKind::Direct).await?;
        declare_exchange(channel, dlx.as_str().into(), ExchangeKind::Fanout).await?;
        // No dead-letter exchange of its own: what is poison stays here until somebody looks at it.
        let poison = self.poison_queue();
        declare_queue(channel, &poison, self.arguments(None)).await?;
        bind_queue(channel, &poison, dlx.as_str().into(), ShortString::default()).await?;
        for route in self.routes() {
            let queue = self.queue(route);
            declare_queue(channel, &queue, self.arguments(Some(&dlx))).await?;
            bind_queue(channel, &queue, self.exchange(), queue.clone()).await?;
        }
        Ok(())
    }

    /// Deletes everything, with the tickets in it.
    pub(super) async fn delete(&self, channel: &Channel) -> Result<(), Broken> {
        let queues = self.routes().map(|route| self.queue(route)).chain([self.poison_queue()]);
        for queue in queues {
            within("delete a queue", channel.queue_delete(queue, QueueDeleteOptions::default())).await?;
        }
        for exchange in [self.exchange(), self.dead_letter_exchange().into()] {
            within("delete an exchange", channel.exchange_delete(exchange, ExchangeDeleteOptions::default())).await?;
        }
        Ok(())
    }

    fn arguments(&self, dead_letter_exchange: Option<&str>) -> FieldTable {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), text(self.queue_type.as_str()));
        if let Some(dlx) = dead_letter_exchange {
            arguments.insert("x-dead-letter-exchange".into(), text(dlx));
            if self.queue_type == QueueType::Quorum {
                arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(DELIVERY_LIMIT));
            }
        }
        arguments
    }
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

/// FNV-1a: the same on every node and in every version, and it spreads ids that differ in a few bits.
fn shard_of(webhook: WebhookId, shards: u16) -> u16 {
    let hash = webhook
        .0
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    u16::try_from(hash % u64::from(shards.max(1))).unwrap_or(0)
}

/// Declares a durable exchange.
pub(crate) async fn declare_exchange(channel: &Channel, name: ShortString, kind: ExchangeKind) -> Result<(), Broken> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    within("declare an exchange", channel.exchange_declare(name, kind, durable, FieldTable::default())).await
}

/// Declares a durable queue.
pub(crate) async fn declare_queue(channel: &Channel, name: &ShortString, arguments: FieldTable) -> Result<(), Broken> {
    let declared = channel.queue_declare(name.clone(), QueueDeclareOptions::durable(), arguments);
    within("declare a queue", declared).await.map(drop)
}

/// Binds a queue to an exchange.
pub(crate) async fn bind_queue(
    channel: &Channel,
    queue: &ShortString,
    exchange: ShortString,
    key: ShortString,
) -> Result<(), Broken> {
    let bound = channel.queue_bind(queue.clone(), exchange, key, QueueBindOptions::default(), FieldTable::default());
    within("bind a queue", bound).await
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_webhook_keeps_its_shard_over_versions() {
        // Written down once: another value means that a rolling upgrade splits a webhook's tickets over two shards.
        let webhook = WebhookId(Uuid::from_u128(0x0199_aaaa_bbbb_7ccc_8ddd_eeee_ffff_0001));
        assert_eq!([1, 2, 8, 64].map(|shards| shard_of(webhook, shards)), [0, 0, 2, 42]);
    }

    #[test]
    fn shards_get_about_the_same() {
        let mut counts = [0; 8];
        for n in 0..8000u128 {
            counts[usize::from(shard_of(WebhookId(Uuid::from_u128(n)), 8))] += 1;
        }
        assert!(counts.iter().all(|count| (800..1200).contains(count)), "{counts:?}");
    }
}
