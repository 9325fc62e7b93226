//! The poison queue: messages that no process could read. They stay there until somebody looks; nothing was lost by
//! them, because their deliveries came back when their leases ended.

use lapin::options::{BasicGetOptions, QueueDeclareOptions, QueuePurgeOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties};

use super::link::{Broken, within};
use super::topology::Topology;

/// What is in the poison queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Poison {
    /// How many messages.
    pub count: u32,
    /// The first of them.
    pub messages: Vec<PoisonMessage>,
}

/// One message. What it says is not shown: it may hold an event's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoisonMessage {
    /// Its id, if it has one.
    pub message_id: Option<String>,
    /// The queue that it came from.
    pub queue: String,
    /// How long it is.
    pub bytes: usize,
}

/// Looks at the first `max` messages, and leaves them where they are.
pub(super) async fn look(uri: AMQPUri, topology: &Topology, max: u32) -> Result<Poison, Broken> {
    let connection = connect(uri).await?;
    let looked = look_on(&connection, topology, max).await;
    goodbye(&connection).await;
    looked
}

/// Throws all messages away; how many.
pub(super) async fn purge(uri: AMQPUri, topology: &Topology) -> Result<u32, Broken> {
    let connection = connect(uri).await?;
    let channel = within("open a channel", connection.create_channel()).await?;
    let purge = channel.queue_purge(topology.poison_queue(), QueuePurgeOptions::default());
    let purged = within("purge the poison queue", purge).await;
    goodbye(&connection).await;
    purged
}

async fn connect(uri: AMQPUri) -> Result<Connection, Broken> {
    within("connect", Connection::connect_uri(uri, ConnectionProperties::default())).await
}

async fn goodbye(connection: &Connection) {
    // What was wanted is done: how the goodbye goes does not matter.
    let _ = within("close", connection.close(200, "closing".into())).await;
}

async fn look_on(connection: &Connection, topology: &Topology, max: u32) -> Result<Poison, Broken> {
    let channel = within("open a channel", connection.create_channel()).await?;
    let queue = topology.poison_queue();
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(queue.clone(), passive, FieldTable::default());
    let count = within("find the poison queue", declared).await?.message_count();
    let mut messages = Vec::new();
    for _ in 0..count.min(max) {
        let Some(message) = next(&channel, &queue).await? else { break };
        messages.push(message);
    }
    // None was acknowledged, so all go back where they were.
    within("close a channel", channel.close(200, "looked".into())).await?;
    Ok(Poison { count, messages })
}

async fn next(channel: &Channel, queue: &ShortString) -> Result<Option<PoisonMessage>, Broken> {
    let got = within("get a message", channel.basic_get(queue.clone(), BasicGetOptions { no_ack: false })).await?;
    Ok(got.map(|message| PoisonMessage {
        message_id: message.properties.message_id().as_ref().map(ToString::to_string),
        queue: message.routing_key.to_string(),
        bytes: message.data.len(),
    }))
}
