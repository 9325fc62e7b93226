//! Streams that a process keeps open for those who watch: so many at once, each for so long, so much in a second, and
//! none past the end of the process.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A stream ends after this; whoever listens begins another, and shows who they are again.
const LIFETIME: Duration = Duration::from_mins(5);
/// How often a stream that has nothing to tell says that it is there.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
const SECOND: Duration = Duration::from_secs(1);

/// Room for streams.
pub struct Streams {
    places: Arc<Semaphore>,
    draining: CancellationToken,
}

impl Streams {
    /// `draining` is cancelled when the process is going down.
    pub fn new(streams_max: usize, draining: CancellationToken) -> Self {
        Self { places: Arc::new(Semaphore::new(streams_max)), draining }
    }

    /// A place for one more, if there is one.
    pub fn open(&self) -> Option<Seat> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Seat { until: Instant::now() + LIFETIME, draining: self.draining.clone(), _place: place })
    }
}

/// A stream's place; given back when it is dropped.
pub struct Seat {
    until: Instant,
    draining: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Seat {
    /// Waits for something; none when the stream is to end.
    pub async fn wait<T>(&self, something: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            () = self.draining.cancelled() => None,
            () = tokio::time::sleep_until(self.until) => None,
            something = something => Some(something),
        }
    }
}

/// How much may be told in a second.
pub struct Pace {
    most: u32,
    second: Instant,
    told: u32,
}

impl Pace {
    /// So much in a second.
    pub fn new(most: u32) -> Self {
        Self { most, second: Instant::now(), told: 0 }
    }

    /// How much may still be told in this second.
    pub fn left(&mut self) -> u32 {
        if self.second.elapsed() >= SECOND {
            (self.second, self.told) = (Instant::now(), 0);
        }
        self.most.saturating_sub(self.told)
    }

    /// Counts what was told.
    pub fn tell(&mut self, count: u32) {
        self.told = self.told.saturating_add(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_gives_its_place_back_and_ends() {
        let draining = CancellationToken::new();
        let streams = Streams::new(1, draining.clone());
        let seat = streams.open().unwrap();
        assert!(streams.open().is_none());
        assert_eq!(seat.wait(async { 1 }).await, Some(1));
        assert_eq!(seat.wait(std::future::pending::<()>()).await, None, "it has had its time");
        drop(seat);
        let seat = streams.open().unwrap();
        draining.cancel();
        assert_eq!(seat.wait(std::future::pending::<()>()).await, None, "the process goes down");
    }

    #[tokio::test(start_paused = true)]
    async fn so_much_is_told_in_a_second() {
        let mut pace = Pace::new(5);
        pace.tell(3);
        assert_eq!(pace.left(), 2);
        pace.tell(3);
        assert_eq!(pace.left(), 0);
        tokio::time::advance(SECOND).await;
        assert_eq!(pace.left(), 5);
    }
}
