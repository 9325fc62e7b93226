//! Attempts as they end, from any instant on, in the order in which they ended.
//!
//! The log is the database's, so it has what every process did, whether anybody listened or not, and who broke off goes
//! on where they were. An attempt is in the log a moment after it ended, and another one that ended later may be there
//! first: so the last `OVERLAP` is read again each time, and what was in it before is left out.

use std::collections::HashSet;
use std::time::Duration;

use super::Engine;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::attempt_log::{LogPlace, LoggedAttempt};
use crate::store::deliveries::DeliveryFilter;
use crate::store::delivery_fit::Fit;

/// An attempt is in the log by then.
const OVERLAP: Duration = Duration::from_secs(5);
/// Attempts that are read at once...
const READ: u32 = 500;
/// ... and so often in one turn, whatever a filter leaves of them.
const READS_MAX: usize = 10;

/// A reader of the log.
pub struct Tail {
    scope: Scope,
    filter: DeliveryFilter,
    /// Everything that ended before was told.
    from: Timestamp,
    /// What was told of the time after.
    told: HashSet<LogPlace>,
}

/// What a turn came to.
pub struct Turn {
    /// In the order in which they ended.
    pub attempts: Vec<LoggedAttempt>,
    /// Whether there is more that ended before the turn began.
    pub has_more: bool,
}

impl Tail {
    /// Of the attempts that end from an instant on.
    #[must_use]
    pub fn new(scope: Scope, filter: DeliveryFilter, from: Timestamp) -> Self {
        Self { scope, filter, from, told: HashSet::new() }
    }

    /// From where to read on when this reader is gone. What ended since may come again; nothing is left out.
    #[must_use]
    pub const fn resume_from(&self) -> Timestamp {
        self.from
    }

    /// The next attempts, up to `most`.
    pub async fn next(&mut self, engine: &Engine, most: u32) -> Result<Turn, StoreError> {
        let now = engine.clock.now();
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut turn = Turn { attempts: Vec::new(), has_more: true };
        let mut place = LogPlace::at(self.from);
        'turn: for _ in 0..READS_MAX {
            let read = engine.store.attempts_after(self.scope.tenant, place, READ).await?;
            let is_last = read.len() < usize::try_from(READ).unwrap_or(usize::MAX);
            for attempt in read {
                let next = attempt.place();
                if self.wants(&attempt) && !self.told.contains(&next) {
                    if turn.attempts.len() == most {
                        break 'turn;
                    }
                    self.told.insert(next);
                    turn.attempts.push(attempt);
                }
                place = next;
            }
            if is_last {
                turn.has_more = false;
                break;
            }
        }
        let read_to = if turn.has_more { place.ended_at } else { now };
        self.from = self.from.max(read_to.min(now.before(OVERLAP)));
        self.told.retain(|place| place.ended_at >= self.from);
        Ok(turn)
    }

    fn wants(&self, attempt: &LoggedAttempt) -> bool {
        attempt.environment == self.scope.environment && self.filter.fit(&attempt.delivery) == Fit::Fits
    }
}
