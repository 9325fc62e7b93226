//! How many tickets may be on their way: the ready window, seen from one publisher.
//!
//! A publisher cannot know when its tickets are consumed, so it counts them as taken until it has looked. Taken is:
//! what is reserved; what was accepted for publishing and was not yet settled when the queues were last looked at;
//! and how deep the queues were then. A ticket that settles while the look is under way counts twice until the next
//! look. The error is on the safe side: the window is never larger than it should be, only smaller for a moment.
//!
//! Depth is in messages, and is turned into tickets by this publisher's own recent average. The queues are everybody's,
//! so processes that share them share the window too, roughly.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// After so many messages the older half of the average is forgotten.
const AVERAGE_MESSAGES: u64 = 1024;

/// The queues are looked at sooner once one part in so many of the window is taken, so that it does not run out
/// between two looks.
const LOOK_AT_PART: usize = 4;

#[derive(Debug)]
pub(super) struct Window {
    size: usize,
    /// What a message is taken to hold before the first one was published.
    tickets_per_message: u64,
    places: Mutex<Places>,
    /// Told when places run short, so that it pays to look at the queues sooner.
    pub(super) short: Notify,
}

#[derive(Debug, Default)]
struct Places {
    is_open: bool,
    reserved: usize,
    accepted: usize,
    settled: usize,
    settled_at_look: usize,
    depth: usize,
    recent_messages: u64,
    recent_tickets: u64,
}

impl Places {
    fn taken(&self) -> usize {
        self.reserved.saturating_add(self.accepted - self.settled_at_look).saturating_add(self.depth)
    }
}

impl Window {
    pub(super) fn new(size: usize, tickets_per_message: usize) -> Self {
        let tickets_per_message = u64::try_from(tickets_per_message).unwrap_or(1);
        Self { size, tickets_per_message, places: Mutex::default(), short: Notify::new() }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        // Every change under this lock is complete before anything that could panic.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_open(&self, is_open: bool) {
        self.places().is_open = is_open;
    }

    pub(super) fn is_open(&self) -> bool {
        self.places().is_open
    }

    pub(super) fn reserve(&self, wanted: usize) -> usize {
        let mut places = self.places();
        if !places.is_open {
            return 0;
        }
        let granted = wanted.min(self.size.saturating_sub(places.taken()));
        places.reserved += granted;
        if granted < wanted || places.taken() > self.size / LOOK_AT_PART {
            self.short.notify_one();
        }
        granted
    }

    pub(super) fn release(&self, count: usize) {
        let mut places = self.places();
        places.reserved = places.reserved.saturating_sub(count);
    }

    /// Turns reserved places into a flight; `None` when the window is closed.
    pub(super) fn accept(self: &Arc<Self>, tickets: usize) -> Option<Flight> {
        let mut places = self.places();
        places.reserved = places.reserved.saturating_sub(tickets);
        if !places.is_open {
            return None;
        }
        places.accepted += tickets;
        Some(Flight { window: Arc::clone(self), tickets })
    }

    pub(super) fn note_message(&self, tickets: usize) {
        let mut places = self.places();
        if places.recent_messages >= AVERAGE_MESSAGES {
            places.recent_messages /= 2;
            places.recent_tickets /= 2;
        }
        places.recent_messages += 1;
        places.recent_tickets += u64::try_from(tickets).unwrap_or(u64::MAX);
    }

    /// To be called before looking at the queues; the answer goes to [`Window::looked`].
    pub(super) fn settled(&self) -> usize {
        self.places().settled
    }

    pub(super) fn looked(&self, settled_before: usize, messages: u64) {
        let mut places = self.places();
        let tickets = match places.recent_messages {
            0 => messages.saturating_mul(self.tickets_per_message),
            recent => messages.saturating_mul(places.recent_tickets).div_ceil(recent),
        };
        places.settled_at_look = settled_before;
        places.depth = usize::try_from(tickets).unwrap_or(usize::MAX);
    }

    /// True while a look can learn something: tickets were under way at the last one, or since.
    pub(super) fn is_busy(&self) -> bool {
        let places = self.places();
        places.depth > 0 || places.accepted > places.settled_at_look
    }

    /// Tickets that were in the queues at the last look.
    pub(super) fn depth(&self) -> usize {
        self.places().depth
    }
}

/// Accepted tickets whose fate is not known yet. Dropping it, however that comes about, settles them.
#[derive(Debug)]
pub(super) struct Flight {
    window: Arc<Window>,
    tickets: usize,
}

impl Flight {
    pub(super) fn tickets(&self) -> usize {
        self.tickets
    }

    pub(super) fn merge(&mut self, mut other: Self) {
        self.tickets += std::mem::take(&mut other.tickets);
    }

    pub(super) fn split(&mut self, tickets: usize) -> Self {
        let tickets = tickets.min(self.tickets);
        self.tickets -= tickets;
        Self { window: Arc::clone(&self.window), tickets }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.window.places().settled += self.tickets;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(size: usize) -> Arc<Window> {
        let window = Arc::new(Window::new(size, 64));
        window.set_open(true);
        window
    }

    #[test]
    fn published_tickets_hold_their_places_until_the_queues_are_looked_at() {
        let window = open(10);
        assert_eq!(window.reserve(10), 10);
        let mut flight = window.accept(10).unwrap();
        window.note_message(10);
        drop(flight.split(6));
        assert_eq!(window.reserve(1), 0);
        // Six are settled and consumed, four are unconfirmed.
        window.looked(window.settled(), 0);
        assert_eq!(window.reserve(10), 6);
        window.release(6);
        drop(flight);
        // A look that began before the four settled does not free them.
        window.looked(6, 0);
        assert_eq!(window.reserve(10), 6);
        window.release(6);
        window.looked(10, 0);
        assert_eq!(window.reserve(10), 10);
    }

    #[test]
    fn depth_counts_by_the_recent_average() {
        let window = open(100);
        window.looked(0, 1);
        assert_eq!(window.depth(), 64);
        (0..10).for_each(|_| window.note_message(3));
        window.looked(0, 7);
        assert_eq!((window.depth(), window.reserve(100)), (21, 79));
    }

    #[test]
    fn a_closed_window_has_no_places_and_says_so() {
        let window = open(10);
        assert_eq!(window.reserve(4), 4);
        window.set_open(false);
        assert_eq!(window.reserve(1), 0);
        assert!(window.accept(4).is_none());
        window.set_open(true);
        assert_eq!(window.reserve(100), 10);
    }
}
