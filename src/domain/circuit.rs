//! A circuit per webhook: when a receiver is down, its deliveries wait together instead of failing one by one.
//!
//! ```text
//!            half of ≥ 10 results in a minute fail, or 5 in a row get no answer
//!   closed ──────────────────────────────────────────────────────────────────────▶ open ◀──┐
//!     ▲                                                                             │      │ a probe fails:
//!     │  all of a round of 8 succeed                                 its time is up │      │ open for longer
//!     └──────────────────────────────────────── half-open ◀─────────────────────────┘      │
//!                             1, 2, 4, 8 probes at a time └─────────────────────────────────┘
//! ```
//!
//! An open circuit uses up no attempt of any delivery. It opens for 10 s, and twice as long each time until it has
//! closed in between, up to 10 min; less a random part, so that circuits that opened together do not probe together.
//! A receiver that comes back is not met with all that has waited, but with 1, 2, 4 and 8 requests at a time.
//!
//! A request is admitted with a [`Pass`], and its result counts only while that pass is of the circuit's present
//! spell: an answer to something that was sent before the circuit opened says nothing about a probe. Passes that never
//! come back, because their worker died, are written off after [`PROBE_LEASE`], so no circuit stays half-open for ever.
//!
//! Refusals of one message (400, 409, 413, 415, 422) are signs of life: other messages may well get through.

use std::time::Duration;

use super::attempt::{AttemptResult, FailureKind};
use super::time::Timestamp;

/// Fewer results than this say nothing about a rate.
pub const SAMPLES_MIN: u32 = 10;
/// As many unanswered requests in a row open a circuit at once.
pub const NO_ANSWERS_MAX: u32 = 5;
/// The first time that a circuit is open.
pub const OPEN_FIRST: Duration = Duration::from_secs(10);
/// The longest time that a circuit is open.
pub const OPEN_MAX: Duration = Duration::from_mins(10);
/// A probe without a result is written off after this. Longer than any request may take.
pub const PROBE_LEASE: Duration = Duration::from_mins(1);
/// When to ask again while all probes are out.
pub const PROBE_WAIT: Duration = Duration::from_secs(1);

const PROBES_MAX: u32 = 8;
const BUCKETS: usize = 6;
const BUCKET_MILLIS: i64 = 10_000;
const WINDOW_MILLIS: u64 = 60_000;

/// The circuit of one webhook.
#[derive(Debug, Clone)]
pub struct Circuit {
    state: State,
    /// Told apart by number, so that what was admitted in one spell does not count in the next.
    spell: u32,
    window: Window,
    no_answers_in_a_row: u32,
    held_until: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Timestamp, trips: u32 },
    HalfOpen { allowed: u32, in_flight: u32, succeeded: u32, last_move: Timestamp, trips: u32 },
}

/// Where a circuit stands, for pages and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// All requests pass.
    Closed,
    /// No request passes.
    Open,
    /// Some probes pass.
    HalfOpen,
}

/// The admission of one request: bring it back with the result, or give it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a pass that is neither recorded nor given up holds a probe's place for a minute"]
pub struct Pass {
    spell: u32,
}

/// Whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admit {
    /// Now.
    Yes(Pass),
    /// Ask again then; it uses up no attempt.
    Until(Timestamp),
}

/// What a result did to the circuit: what must be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// Nothing goes out before that instant.
    Opened {
        /// The instant.
        until: Timestamp,
        /// How many times it has opened without closing in between, this one included.
        trips: u32,
    },
    /// Everything may go out again.
    Closed,
}

enum Sample {
    Alive,
    Failed,
    NoAnswer,
    /// Not the receiver's doing.
    Ours,
}

impl Default for Circuit {
    fn default() -> Self {
        Self {
            state: State::Closed,
            spell: 0,
            window: Window::default(),
            no_answers_in_a_row: 0,
            held_until: Timestamp::default(),
        }
    }
}

impl Circuit {
    /// A circuit that was stored as open.
    #[must_use]
    pub fn opened(until: Timestamp, trips: u32) -> Self {
        Self { state: State::Open { until, trips }, ..Self::default() }
    }

    /// Where it stands.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        match self.state {
            State::Closed => Phase::Closed,
            State::Open { .. } => Phase::Open,
            State::HalfOpen { .. } => Phase::HalfOpen,
        }
    }

    /// Sends nothing before `until`, because the receiver asked for it. Bounding that wish is the caller's part.
    pub fn hold(&mut self, until: Timestamp) {
        self.held_until = self.held_until.max(until);
    }

    /// Asks whether a request may be sent now.
    pub fn admit(&mut self, now: Timestamp) -> Admit {
        if now < self.held_until {
            return Admit::Until(self.held_until);
        }
        match self.state {
            State::Open { until, .. } if now < until => return Admit::Until(until),
            State::Open { trips, .. } => self.probe(1, now, trips),
            State::HalfOpen { allowed, in_flight, last_move, trips, .. } if in_flight >= allowed => {
                if now.since(last_move) < PROBE_LEASE {
                    return Admit::Until(now.after(PROBE_WAIT));
                }
                self.probe(allowed, now, trips);
            }
            State::Closed | State::HalfOpen { .. } => {}
        }
        if let State::HalfOpen { in_flight, last_move, .. } = &mut self.state {
            *in_flight += 1;
            *last_move = now;
        }
        Admit::Yes(Pass { spell: self.spell })
    }

    /// Learns the result of a request that was admitted; `jitter` is a random number in 0..1.
    pub fn record(&mut self, pass: Pass, result: &AttemptResult, now: Timestamp, jitter: f64) -> Change {
        if pass.spell != self.spell {
            return Change::None;
        }
        match Sample::of(result) {
            Sample::Ours => {
                self.give_up(pass);
                Change::None
            }
            Sample::Alive => self.record_alive(now),
            Sample::Failed => self.record_failure(false, now, jitter),
            Sample::NoAnswer => self.record_failure(true, now, jitter),
        }
    }

    /// Says that an admitted request was not sent after all.
    pub fn give_up(&mut self, pass: Pass) {
        if let State::HalfOpen { in_flight, .. } = &mut self.state
            && pass.spell == self.spell
        {
            *in_flight = in_flight.saturating_sub(1);
        }
    }

    fn record_alive(&mut self, now: Timestamp) -> Change {
        self.no_answers_in_a_row = 0;
        match &mut self.state {
            State::Closed => self.window.record(false, now),
            State::Open { .. } => {}
            State::HalfOpen { allowed, in_flight, succeeded, last_move, .. } => {
                *in_flight = in_flight.saturating_sub(1);
                *succeeded += 1;
                *last_move = now;
                if *succeeded < *allowed {
                    return Change::None;
                }
                if *allowed < PROBES_MAX {
                    *allowed *= 2;
                    *succeeded = 0;
                    return Change::None;
                }
                self.enter(State::Closed);
                return Change::Closed;
            }
        }
        Change::None
    }

    fn record_failure(&mut self, no_answer: bool, now: Timestamp, jitter: f64) -> Change {
        self.no_answers_in_a_row = if no_answer { self.no_answers_in_a_row + 1 } else { 0 };
        let trips = match self.state {
            State::Closed => {
                self.window.record(true, now);
                if self.no_answers_in_a_row < NO_ANSWERS_MAX && !self.window.is_failing(now) {
                    return Change::None;
                }
                1
            }
            // No pass is given out while it is open.
            State::Open { .. } => return Change::None,
            State::HalfOpen { trips, .. } => trips.saturating_add(1),
        };
        let until = now.after(open_time(trips, jitter));
        self.enter(State::Open { until, trips });
        Change::Opened { until, trips }
    }

    fn probe(&mut self, allowed: u32, now: Timestamp, trips: u32) {
        self.enter(State::HalfOpen { allowed, in_flight: 0, succeeded: 0, last_move: now, trips });
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.spell = self.spell.wrapping_add(1);
        self.window = Window::default();
        self.no_answers_in_a_row = 0;
    }
}

fn open_time(trips: u32, jitter: f64) -> Duration {
    let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 0.5 };
    let whole = OPEN_FIRST.saturating_mul(2u32.saturating_pow(trips.saturating_sub(1))).min(OPEN_MAX);
    whole.mul_f64(0.5 + jitter / 2.0)
}

impl Sample {
    const fn of(result: &AttemptResult) -> Self {
        match result {
            AttemptResult::Succeeded { .. }
            | AttemptResult::FailedStatus { status: 400 | 409 | 413 | 415 | 422, .. } => Self::Alive,
            AttemptResult::FailedStatus { .. } => Self::Failed,
            AttemptResult::Failed { kind } => match kind {
                FailureKind::Timeout | FailureKind::Dns | FailureKind::Connect | FailureKind::Tls => Self::NoAnswer,
                FailureKind::Reset | FailureKind::Protocol | FailureKind::Handshake => Self::Failed,
                FailureKind::Blocked | FailureKind::Internal => Self::Ours,
            },
        }
    }
}

/// The results of the last minute, in steps of ten seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Window([Bucket; BUCKETS]);

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    start_millis: i64,
    results: u32,
    failures: u32,
}

impl Window {
    fn record(&mut self, failed: bool, now: Timestamp) {
        let start_millis = now.as_millis().saturating_sub(now.as_millis().rem_euclid(BUCKET_MILLIS));
        // The bucket of this step if there is one, else the oldest.
        let place = self.0.iter_mut().min_by_key(|bucket| (bucket.start_millis != start_millis, bucket.start_millis));
        let Some(bucket) = place else { return };
        if bucket.start_millis != start_millis {
            *bucket = Bucket { start_millis, results: 0, failures: 0 };
        }
        bucket.results = bucket.results.saturating_add(1);
        bucket.failures = bucket.failures.saturating_add(u32::from(failed));
    }

    fn is_failing(&self, now: Timestamp) -> bool {
        let recent = self.0.iter().filter(|bucket| now.as_millis().abs_diff(bucket.start_millis) < WINDOW_MILLIS);
        let (results, failures) = recent.fold((0u32, 0u32), |(results, failures), bucket| {
            (results.saturating_add(bucket.results), failures.saturating_add(bucket.failures))
        });
        results >= SAMPLES_MIN && failures >= results.div_ceil(2)
    }
}

#[cfg(test)]
mod tests;
