//! The clock that every loop asks: the machine's, kept on the database's time, or one that only a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::domain::time::Timestamp;

/// Where the time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock, corrected by what the database's clock differs from it.
    System(Arc<AtomicI64>),
    /// A clock that only a test moves.
    Manual(Arc<tokio::sync::watch::Sender<i64>>),
}

impl Clock {
    /// The machine's clock, not yet corrected.
    #[must_use]
    pub fn system() -> Self {
        Self::System(Arc::new(AtomicI64::new(0)))
    }

    /// A clock that stands at `start` until a test moves it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(tokio::sync::watch::Sender::new(start.as_millis())))
    }

    /// The current instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System(offset) => Timestamp::from_millis(machine_millis() + offset.load(Ordering::Relaxed)),
            Self::Manual(time) => Timestamp::from_millis(*time.borrow()),
        }
    }

    /// Tells the system clock what the database's clock says now. A manual clock stays.
    pub fn follow(&self, database: Timestamp) {
        if let Self::System(offset) = self {
            offset.store(database.as_millis() - machine_millis(), Ordering::Relaxed);
        }
    }

    /// How far it is ahead of the machine's clock, in seconds.
    #[must_use]
    pub fn offset_seconds(&self) -> f64 {
        match self {
            Self::System(offset) => {
                let millis = offset.load(Ordering::Relaxed).clamp(i64::from(i32::MIN), i64::from(i32::MAX));
                f64::from(i32::try_from(millis).unwrap_or_default()) / 1000.0
            }
            Self::Manual(_) => 0.0,
        }
    }

    /// Moves a manual clock forward and wakes what sleeps on it. The system clock stays.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(time) = self {
            time.send_modify(|now| *now = Timestamp::from_millis(*now).after(by).as_millis());
        }
    }

    /// Returns when `duration` has gone by.
    pub async fn sleep(&self, duration: Duration) {
        match self {
            Self::System(_) => tokio::time::sleep(duration).await,
            Self::Manual(time) => {
                let until = self.now().after(duration).as_millis();
                let mut watch = time.subscribe();
                // The sender lives in `self`, so waiting cannot fail.
                let _ = watch.wait_for(|now| *now >= until).await;
            }
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
fn machine_millis() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
