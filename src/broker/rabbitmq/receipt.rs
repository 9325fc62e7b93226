//! The receipt of one RabbitMQ message.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use lapin::Acker;
use lapin::options::{BasicAckOptions, BasicNackOptions};

use super::counters::RabbitCounters;

/// How long an acknowledgement may take to be written. It needs no answer, so only a dead connection takes long.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);

/// Acknowledges one message, or gives it back when it is dropped.
///
/// A message that is neither would hold its place in the consumer's prefetch until the channel ends, and some dozens
/// of them would stop the consumer without any error.
#[derive(Debug)]
pub struct MessageReceipt {
    acker: Option<Acker>,
    counters: Arc<RabbitCounters>,
}

impl MessageReceipt {
    pub(in crate::broker) fn new(acker: Acker, counters: Arc<RabbitCounters>) -> Self {
        Self { acker: Some(acker), counters }
    }

    /// False when the channel that the message came on is gone; the message will come again on another.
    pub(super) fn is_usable(&self) -> bool {
        self.acker.as_ref().is_some_and(Acker::usable)
    }

    /// Says that the message is dealt with. Failing is harmless, and counted.
    pub(crate) async fn ack(mut self) {
        let Some(acker) = self.acker.take() else { return };
        // The library answers `Ok(false)`, not an error, when the channel has died.
        let outcome = tokio::time::timeout(ACK_TIMEOUT, acker.ack(BasicAckOptions::default())).await;
        if !matches!(outcome, Ok(Ok(true))) {
            self.counters.ack_failed.add(1);
        }
    }

    /// Refuses the message for good: it goes to the poison queue.
    pub(super) async fn refuse(mut self) {
        let Some(acker) = self.acker.take() else { return };
        let outcome = tokio::time::timeout(ACK_TIMEOUT, acker.nack(BasicNackOptions::default())).await;
        if !matches!(outcome, Ok(Ok(true))) {
            self.counters.ack_failed.add(1);
        }
    }
}

impl Drop for MessageReceipt {
    fn drop(&mut self) {
        if let Some(acker) = self.acker.take() {
            // The first poll hands the frame to the connection; nobody needs to know when it is written.
            let give_back = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
            let _ = acker.nack(give_back).now_or_never();
        }
    }
}
