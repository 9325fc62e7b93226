//! How many requests a webhook may have in flight: found out, not configured.
//!
//! Additive increase, multiplicative decrease, as TCP does it. A limit grows by one after as many fast answers in a row
//! as it allows at a time, up to what the tenant's plan sells, and halves at a sign of overload. One overload shows in
//! everything that is in flight, so after halving, the results of as many requests as were allowed before are too old
//! to say anything about the new limit: they do not halve it again.

use std::time::Duration;

use super::attempt::AttemptResult;

/// What one result says about how much more the receiver can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// It answered well and quickly: it may be able to take more.
    Low,
    /// It answered, but slowly or not well: neither more nor less.
    Steady,
    /// It shows signs of overload.
    High,
}

impl Pressure {
    /// Reads it from a result and how long it took; an answer that takes longer than `slow` is no reason for more.
    #[must_use]
    pub fn of(result: &AttemptResult, took: Duration, slow: Duration) -> Self {
        if result.is_congestion() {
            Self::High
        } else if result.is_success() && took <= slow {
            Self::Low
        } else {
            Self::Steady
        }
    }
}

/// A limit that adapts. Never below one, so a webhook is never starved: stopping it is the circuit's job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    current: u32,
    cap: u32,
    fast_in_a_row: u32,
    stale_results: u32,
}

impl Limit {
    /// Starts at `start`, never to pass `cap`.
    #[must_use]
    pub fn new(start: u32, cap: u32) -> Self {
        let cap = cap.max(1);
        Self { current: start.clamp(1, cap), cap, fast_in_a_row: 0, stale_results: 0 }
    }

    /// How many requests may be in flight now.
    #[must_use]
    pub const fn current(&self) -> u32 {
        self.current
    }

    /// Takes a new cap, when the plan changes.
    pub fn set_cap(&mut self, cap: u32) {
        self.cap = cap.max(1);
        self.current = self.current.min(self.cap);
    }

    /// Learns from one result.
    pub fn record(&mut self, pressure: Pressure) {
        let stale = self.stale_results > 0;
        self.stale_results = self.stale_results.saturating_sub(1);
        match pressure {
            Pressure::Low => self.grow(),
            Pressure::Steady => self.fast_in_a_row = 0,
            Pressure::High if stale => self.fast_in_a_row = 0,
            Pressure::High => self.halve(),
        }
    }

    fn grow(&mut self) {
        self.fast_in_a_row += 1;
        if self.fast_in_a_row >= self.current {
            self.fast_in_a_row = 0;
            self.current = (self.current + 1).min(self.cap);
        }
    }

    fn halve(&mut self) {
        // The one that brought the news is one of those that were in flight.
        self.stale_results = self.current - 1;
        self.fast_in_a_row = 0;
        self.current = (self.current / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attempt::FailureKind;
    use proptest::prelude::*;

    fn record(limit: &mut Limit, pressure: Pressure, times: u32) {
        for _ in 0..times {
            limit.record(pressure);
        }
    }

    #[test]
    fn it_grows_by_one_for_each_window_of_fast_answers() {
        let mut limit = Limit::new(2, 4);
        for (results, expected) in [(1, 2), (1, 3), (2, 3), (1, 4), (40, 4)] {
            record(&mut limit, Pressure::Low, results);
            assert_eq!(limit.current(), expected);
        }
    }

    #[test]
    fn only_answers_in_a_row_count() {
        let mut limit = Limit::new(3, 9);
        for _ in 0..5 {
            record(&mut limit, Pressure::Low, 2);
            limit.record(Pressure::Steady);
        }
        assert_eq!(limit.current(), 3);
    }

    #[test]
    fn it_halves_once_for_all_that_was_in_flight() {
        let mut limit = Limit::new(16, 20);
        record(&mut limit, Pressure::High, 16);
        assert_eq!(limit.current(), 8);
        record(&mut limit, Pressure::High, 8);
        assert_eq!(limit.current(), 4);
        record(&mut limit, Pressure::High, 100);
        assert_eq!(limit.current(), 1);
    }

    #[test]
    fn it_never_passes_the_cap_even_when_that_falls() {
        assert_eq!(Limit::new(50, 20).current(), 20);
        assert_eq!(Limit::new(0, 0).current(), 1);
        let mut limit = Limit::new(10, 20);
        limit.set_cap(4);
        record(&mut limit, Pressure::Low, 100);
        assert_eq!(limit.current(), 4);
        limit.set_cap(6);
        record(&mut limit, Pressure::Low, 100);
        assert_eq!(limit.current(), 6);
    }

    #[test]
    fn results_tell_the_pressure() {
        let (fast, slow) = (Duration::from_millis(100), Duration::from_secs(2));
        let of = |result| Pressure::of(&result, fast, slow);
        let status = |status| AttemptResult::FailedStatus { status, retry_after: None };
        let success = AttemptResult::Succeeded { status: 200 };
        assert_eq!(Pressure::of(&success, slow * 2, slow), Pressure::Steady);
        assert_eq!(of(success), Pressure::Low);
        assert_eq!(of(status(500)), Pressure::Steady);
        assert_eq!(of(status(429)), Pressure::High);
        assert_eq!(of(AttemptResult::Failed { kind: FailureKind::Timeout }), Pressure::High);
        assert_eq!(of(AttemptResult::Failed { kind: FailureKind::Tls }), Pressure::Steady);
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds_and_moves_as_promised(
            start: u32, cap in 0..200u32, results in prop::collection::vec(0..3u8, 0..400),
        ) {
            let mut limit = Limit::new(start, cap);
            for result in results {
                let before = limit.current();
                limit.record([Pressure::Low, Pressure::Steady, Pressure::High][usize::from(result)]);
                let after = limit.current();
                prop_assert!((1..=cap.max(1)).contains(&after));
                prop_assert!(after <= before + 1 && after >= before / 2);
            }
        }
    }
}
