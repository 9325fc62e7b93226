//! The broker moves tickets from the process that commits to a process that sends.
//!
//! A ticket says "this delivery is ready". It may be lost or repeated: the row in `due` is the truth, its lease
//! brings a lost ticket back, and the epoch in the row refuses a repeated one. So no broker here decides anything,
//! and losing everything in it costs time, never an event.

pub mod in_process;
pub mod ingest;
pub mod rabbitmq;
#[cfg(test)]
pub(crate) mod sample;

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::event::EventContent;
use crate::domain::id::{DeliveryId, TenantId, WebhookId};
use crate::domain::time::Timestamp;

/// "This delivery is ready": what a worker needs to send it. Never a secret, never a webhook's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// The fencing number that its `due` row had when the ticket was written.
    pub epoch: i64,
    /// The attempt that this will be; 1 is the first ever.
    pub attempt: u32,
    /// The same within this run, which the retry policy counts; 1 is the first.
    pub run_attempt: u32,
    /// Whose.
    pub tenant: TenantId,
    /// Where to.
    pub webhook: WebhookId,
    /// Until when nobody else may take the delivery; a worker that comes later drops the ticket.
    pub leased_until: Timestamp,
    /// What to send; absent when it is too large to travel, and then the worker reads it from the database.
    pub event: EventRef,
}

/// An event whose data is larger does not travel with its tickets: what waits in memory stays small.
pub const INLINE_BYTES_MAX: usize = 4096;

/// The event of a ticket: by value where it is small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventRef {
    /// Read it from the database.
    Id(crate::domain::id::EventId),
    /// It travels along.
    Content(Arc<EventContent>),
}

impl EventRef {
    /// By value where it is small.
    pub fn new(content: &Arc<EventContent>) -> Self {
        if content.data.len() <= INLINE_BYTES_MAX { Self::Content(Arc::clone(content)) } else { Self::Id(content.id) }
    }
}

/// Some tickets for this process, and the means to say that they are dealt with.
#[derive(Debug)]
pub struct Received {
    /// What is ready.
    pub tickets: Vec<Ticket>,
    /// True when no other copy of these tickets can exist, so that the lease that was written with them is
    /// already this process's claim. False when each must be claimed in the database first.
    pub sole_copy: bool,
    /// To be acknowledged after the claim is committed. Dropping it leaves the tickets to be redelivered.
    pub receipt: Receipt,
}

/// Acknowledges what was received.
#[derive(Debug)]
pub enum Receipt {
    /// Nothing to tell anybody.
    None,
    /// The RabbitMQ message that the tickets came in.
    RabbitMq(rabbitmq::MessageReceipt),
}

impl Receipt {
    /// Says that the tickets are dealt with. A failure is harmless: the epoch refuses the copy that comes again.
    pub async fn ack(self) {
        match self {
            Self::None => {}
            Self::RabbitMq(receipt) => receipt.ack().await,
        }
    }
}

/// How a broker is doing, for `/readyz`, `doctor` and the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BrokerHealth {
    /// Connected and not blocked.
    pub ready: bool,
    /// Tickets in the queue that no worker has yet, as far as known.
    pub waiting: u64,
}

/// Moves tickets. See the module's text for what it may get wrong.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Takes up to `wanted` places in the ready window and says how many it got: zero when the broker is down or
    /// the window is full. Work without a place waits in the database.
    fn reserve(&self, wanted: usize) -> usize;

    /// Gives back places that were reserved and not used.
    fn release(&self, places: usize);

    /// Hands over tickets that have places. Never waits, never fails: what is lost comes back with its lease.
    fn publish(&self, tickets: Vec<Ticket>);

    /// The next tickets, about `max` of them; waits for some. A broker that moves tickets in batches returns a whole
    /// batch, which may be more. `None` when receiving was stopped. May be cancelled: no ticket is lost by dropping
    /// the future.
    async fn receive(&self, max: usize) -> Option<Received>;

    /// How it is doing.
    fn health(&self) -> BrokerHealth;

    /// Stops receiving: `receive` returns `None` from now on. Publishing still works until the process ends.
    async fn stop_receiving(&self);

    /// Publishes what is still in memory within a bounded time, and disconnects.
    async fn close(&self);
}
