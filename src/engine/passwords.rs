//! The desk where passwords are hashed: a few at a time, because each takes a core and 19 MiB for tens of milliseconds,
//! and with a short queue, because who finds it long had better come back.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::chance;
use crate::domain::password::Password;

/// How many may wait for the desk.
const WAITING_MAX: usize = 64;

/// The desk.
pub(super) struct Desk {
    queue: Arc<Semaphore>,
    seats: Arc<Semaphore>,
}

/// A place in the queue.
pub(super) struct Place(#[allow(dead_code, reason = "it is held, not used")] OwnedSemaphorePermit);

impl Desk {
    pub(super) fn new(at_once: usize) -> Self {
        Self { queue: Arc::new(Semaphore::new(WAITING_MAX + at_once)), seats: Arc::new(Semaphore::new(at_once)) }
    }

    /// A place in the queue, if it is not full.
    pub(super) fn enter(&self) -> Option<Place> {
        Arc::clone(&self.queue).try_acquire_owned().ok().map(Place)
    }

    /// Hashes a password; `None` when there is no memory for it.
    pub(super) async fn hash(&self, place: Place, password: Password) -> Option<String> {
        let salt = chance::bytes();
        self.work(place, move || password.hash(salt)).await.flatten()
    }

    /// Whether the password of a hash was guessed. Without a hash the guess is wrong, and takes as long.
    pub(super) async fn is_right(&self, place: Place, guess: Password, hash: Option<String>) -> bool {
        if let Some(hash) = hash {
            self.work(place, move || guess.matches(&hash)).await.unwrap_or(false)
        } else {
            self.hash(place, guess).await;
            false
        }
    }

    /// The place and the seat go with the work: a request that is dropped does not stop its thread.
    async fn work<T: Send + 'static>(&self, place: Place, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let seat = Arc::clone(&self.seats).acquire_owned().await.ok()?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, seat);
            work()
        });
        done.await.ok()
    }
}
