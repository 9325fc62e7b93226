//! Tickets within one process: two queues under one lock, and nothing to install.
//!
//! There is one copy of every ticket and it never leaves the process, so the lease that was written with it is
//! already this process's claim ([`Received::sole_copy`]) and there is nothing to acknowledge. What is in memory when
//! the process dies comes back with its lease, like a ticket that any other broker lost.
//!
//! First attempts and retries wait apart, because a receiver that comes back from an outage brings thousands of
//! retries at once, and these must not stand before fresh events; nor may a steady flow of fresh events starve them.
//! While both wait, retries get [`RETRY_TURNS`] of every [`TURNS`] tickets; when one queue is empty the other gets
//! every turn.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{Broker, BrokerHealth, Receipt, Received, Ticket};

/// How many tickets make one round of turns.
pub const TURNS: usize = 5;
/// How many turns of a round are the retries' while first attempts wait too: 40 %.
pub const RETRY_TURNS: usize = 2;

/// The broker of a process that sends what it accepts.
#[derive(Debug)]
pub struct InProcess {
    window: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    reserved: usize,
    first: VecDeque<Ticket>,
    retry: VecDeque<Ticket>,
    turn: usize,
    stopped: bool,
    closed: bool,
}

impl State {
    fn waiting(&self) -> usize {
        self.first.len() + self.retry.len()
    }

    fn take(&mut self, max: usize) -> Vec<Ticket> {
        let count = self.waiting().min(max);
        std::iter::from_fn(|| self.next()).take(count).collect()
    }

    fn next(&mut self) -> Option<Ticket> {
        if self.first.is_empty() || self.retry.is_empty() {
            return self.first.pop_front().or_else(|| self.retry.pop_front());
        }
        // Spread over the round, so that even a short batch is mixed.
        let is_retry_turn = (self.turn * RETRY_TURNS) % TURNS >= TURNS - RETRY_TURNS;
        self.turn = (self.turn + 1) % TURNS;
        if is_retry_turn { self.retry.pop_front() } else { self.first.pop_front() }
    }
}

impl InProcess {
    /// A broker that holds at most `window` tickets that nobody has received yet.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self { window, state: Mutex::default(), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change under this lock is complete before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `Continue` when nothing waits yet.
    fn try_receive(&self, max: usize) -> ControlFlow<Option<Received>> {
        let mut state = self.state();
        if state.stopped {
            return ControlFlow::Break(None);
        }
        let tickets = state.take(max);
        if tickets.is_empty() {
            return ControlFlow::Continue(());
        }
        // One publish wakes one receiver; what that one leaves is for the next.
        if state.waiting() > 0 {
            self.changed.notify_one();
        }
        ControlFlow::Break(Some(Received { tickets, sole_copy: true, receipt: Receipt::None }))
    }
}

#[async_trait]
impl Broker for InProcess {
    fn reserve(&self, wanted: usize) -> usize {
        let mut state = self.state();
        if state.closed {
            return 0;
        }
        let granted = wanted.min(self.window.saturating_sub(state.reserved + state.waiting()));
        state.reserved += granted;
        granted
    }

    fn release(&self, places: usize) {
        let mut state = self.state();
        state.reserved = state.reserved.saturating_sub(places);
    }

    fn publish(&self, tickets: Vec<Ticket>) {
        let mut state = self.state();
        state.reserved = state.reserved.saturating_sub(tickets.len());
        if state.closed {
            return;
        }
        for ticket in tickets {
            if ticket.attempt <= 1 { state.first.push_back(ticket) } else { state.retry.push_back(ticket) }
        }
        self.changed.notify_one();
    }

    async fn receive(&self, max: usize) -> Option<Received> {
        loop {
            // Made before looking, so that what happens in between still wakes it. Nothing is taken before the last
            // await, so dropping this future loses no ticket.
            let changed = self.changed.notified();
            if let ControlFlow::Break(outcome) = self.try_receive(max.max(1)) {
                return outcome;
            }
            changed.await;
        }
    }

    fn health(&self) -> BrokerHealth {
        let state = self.state();
        BrokerHealth { ready: !state.closed, waiting: u64::try_from(state.waiting()).unwrap_or(u64::MAX) }
    }

    async fn stop_receiving(&self) {
        self.state().stopped = true;
        self.changed.notify_waiters();
    }

    async fn close(&self) {
        {
            let mut state = self.state();
            state.closed = true;
            state.stopped = true;
            state.first.clear();
            state.retry.clear();
        }
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;
    use crate::broker::sample::ticket;

    fn filled(first: u32, retries: u32) -> InProcess {
        let broker = InProcess::new(1000);
        let wanted = usize::try_from(first + retries).unwrap();
        assert_eq!(broker.reserve(wanted), wanted);
        broker.publish((0..first).map(|n| ticket(n, 1)).collect());
        broker.publish((0..retries).map(|n| ticket(1000 + n, 2)).collect());
        broker
    }

    fn retries(received: &Received) -> usize {
        received.tickets.iter().filter(|t| t.attempt > 1).count()
    }

    #[tokio::test]
    async fn retries_get_their_share_and_no_more_while_first_attempts_wait() {
        let broker = filled(300, 300);
        let received = broker.receive(100).await.unwrap();
        assert_eq!((received.tickets.len(), retries(&received)), (100, 40));
        for _ in 0..20 {
            let one_by_one = broker.receive(1).await.unwrap();
            assert_eq!(one_by_one.tickets.len(), 1);
        }
        let rest = broker.receive(1000).await.unwrap();
        assert_eq!((rest.tickets.len(), retries(&rest)), (480, 300 - 40 - 8));
    }

    #[tokio::test]
    async fn an_empty_queue_gives_its_turns_away() {
        let received = filled(0, 10).receive(10).await.unwrap();
        assert_eq!(retries(&received), 10);
        let received = filled(10, 0).receive(10).await.unwrap();
        assert_eq!(retries(&received), 0);
    }

    #[tokio::test]
    async fn a_queue_keeps_its_order() {
        let received = filled(10, 0).receive(10).await.unwrap();
        assert_eq!(received.tickets, (0..10).map(|n| ticket(n, 1)).collect::<Vec<_>>());
        assert!(received.sole_copy && matches!(received.receipt, Receipt::None));
    }

    #[tokio::test]
    async fn the_window_bounds_what_is_reserved_and_what_waits() {
        let broker = InProcess::new(10);
        assert_eq!(broker.reserve(7), 7);
        assert_eq!(broker.reserve(7), 3);
        assert_eq!(broker.reserve(1), 0);
        broker.release(3);
        broker.publish((0..7).map(|n| ticket(n, 1)).collect());
        assert_eq!(broker.health(), BrokerHealth { ready: true, waiting: 7 });
        assert_eq!(broker.reserve(100), 3);
        broker.receive(5).await.unwrap();
        assert_eq!(broker.reserve(100), 5);
    }

    #[tokio::test]
    async fn a_dropped_receive_loses_nothing() {
        let broker = InProcess::new(10);
        let mut given_up = Box::pin(broker.receive(1));
        let mut waits = Box::pin(broker.receive(1));
        assert!((&mut given_up).now_or_never().is_none());
        assert!((&mut waits).now_or_never().is_none());
        broker.reserve(1);
        broker.publish(vec![ticket(1, 1)]);
        // The wake-up went to the first receiver; dropping it must pass it on.
        drop(given_up);
        let received = tokio::time::timeout(Duration::from_secs(1), waits).await.unwrap().unwrap();
        assert_eq!(received.tickets, [ticket(1, 1)]);
    }

    #[tokio::test]
    async fn many_receivers_share_what_one_publish_brings() {
        let broker = Arc::new(InProcess::new(100));
        let receivers: Vec<_> = (0..10)
            .map(|_| {
                let broker = Arc::clone(&broker);
                tokio::spawn(async move { broker.receive(1).await.unwrap().tickets.len() })
            })
            .collect();
        tokio::task::yield_now().await;
        broker.reserve(10);
        broker.publish((0..10).map(|n| ticket(n, 1)).collect());
        for receiver in receivers {
            assert_eq!(tokio::time::timeout(Duration::from_secs(1), receiver).await.unwrap().unwrap(), 1);
        }
    }

    #[tokio::test]
    async fn stopping_wakes_those_who_wait_and_closing_refuses_more() {
        let broker = filled(0, 0);
        let mut waits = Box::pin(broker.receive(1));
        assert!((&mut waits).now_or_never().is_none());
        broker.stop_receiving().await;
        assert!(waits.await.is_none());
        assert_eq!(broker.reserve(1), 1);
        broker.publish(vec![ticket(1, 1)]);
        assert!(broker.receive(1).await.is_none());
        broker.close().await;
        assert_eq!(broker.reserve(1), 0);
        assert_eq!(broker.health(), BrokerHealth { ready: false, waiting: 0 });
    }
}
