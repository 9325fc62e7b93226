//! Messages that RabbitMQ has handed to this process and no worker has taken yet. Bounded by the prefetch.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::receipt::MessageReceipt;
use crate::broker::{Receipt, Received, Ticket};

#[derive(Debug, Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<(Vec<Ticket>, MessageReceipt)>,
    is_stopped: bool,
}

impl Inbox {
    fn state(&self) -> MutexGuard<'_, State> {
        // Every change under this lock is complete before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After a stop the message goes back to RabbitMQ, by its receipt being dropped.
    pub(super) fn push(&self, tickets: Vec<Ticket>, receipt: MessageReceipt) {
        let mut state = self.state();
        if !state.is_stopped {
            state.messages.push_back((tickets, receipt));
            self.changed.notify_one();
        }
    }

    /// The next message; `None` after a stop. Dropping the future loses nothing.
    pub(super) async fn receive(&self) -> Option<Received> {
        loop {
            // Made before looking, so that what happens in between still wakes it.
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                if state.is_stopped {
                    return None;
                }
                // What came on a connection that is gone comes again: working on it would be in vain.
                while let Some((tickets, receipt)) = state.messages.pop_front() {
                    if receipt.is_usable() {
                        if !state.messages.is_empty() {
                            self.changed.notify_one();
                        }
                        return Some(Received { tickets, sole_copy: false, receipt: Receipt::RabbitMq(receipt) });
                    }
                }
            }
            changed.await;
        }
    }

    /// Gives everything back and refuses more.
    pub(super) fn stop(&self) {
        let messages = {
            let mut state = self.state();
            state.is_stopped = true;
            std::mem::take(&mut state.messages)
        };
        drop(messages);
        self.changed.notify_waiters();
    }
}
