//! What the RabbitMQ broker counts, for the metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// How many so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(in crate::broker) fn add(&self, count: usize) {
        self.0.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Messages unless said otherwise; one message carries many tickets.
#[derive(Debug, Default)]
pub struct RabbitCounters {
    /// Handed to the connection.
    pub published: Counter,
    /// Taken over by RabbitMQ. A returned message is confirmed too.
    pub confirmed: Counter,
    /// Sent back because no queue took them.
    pub returned: Counter,
    /// Refused by RabbitMQ.
    pub nacked: Counter,
    /// Their fate is unknown: the connection ended, or no confirm came in time.
    pub lost: Counter,
    /// Tickets (not messages) that were dropped before publishing, because RabbitMQ was down or blocked.
    pub tickets_dropped: Counter,
    /// Received and understood.
    pub received: Counter,
    /// Received and not understood; they are in the poison queue.
    pub decode_failed: Counter,
    /// Acknowledgements that did not reach RabbitMQ; these messages come again.
    pub ack_failed: Counter,
    /// Connections that ended or could not be made, of both kinds.
    pub reconnects: Counter,
    blocked: AtomicBool,
}

impl RabbitCounters {
    /// True while RabbitMQ has an alarm and takes no messages.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }

    pub(super) fn set_blocked(&self, blocked: bool) {
        self.blocked.store(blocked, Ordering::Relaxed);
    }
}
