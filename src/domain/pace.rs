//! Paces: how many requests a webhook is sent in a second, a minute, an hour.
//!
//! Several rates can hold at once: the webhook's own, the one that its tenant's plan sells, the one that its receiver
//! agreed to. None of them is ever passed: whatever instant a window ends at, there are no more requests in it than its
//! rate has. So what is granted is kept in a log, for as long as its window is.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plan::Limit;
use super::time::Timestamp;

/// The most requests of a rate.
pub const RATE_REQUESTS_MAX: u32 = 1_000_000;
/// A log tells grants apart that are further from each other than this part of its window: so long it can be.
const GRAINS: u64 = 64;

/// A time in which requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Window {
    /// A second.
    #[serde(rename = "1s")]
    Second,
    /// A minute.
    #[serde(rename = "1m")]
    Minute,
    /// An hour.
    #[serde(rename = "1h")]
    Hour,
}

impl Window {
    /// Every window.
    pub const ALL: [Self; 3] = [Self::Second, Self::Minute, Self::Hour];

    /// The word that the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "1s",
            Self::Minute => "1m",
            Self::Hour => "1h",
        }
    }

    /// The window that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.as_str() == word)
    }

    /// How long it is.
    #[must_use]
    pub const fn duration(self) -> Duration {
        match self {
            Self::Second => Duration::from_secs(1),
            Self::Minute => Duration::from_mins(1),
            Self::Hour => Duration::from_hours(1),
        }
    }
}

/// So many requests in any window of such a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many; at least one.
    pub requests: u32,
    /// In what time.
    pub window: Window,
}

/// All rates that hold for a webhook. Without any, it is sent to as fast as it answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pace(BTreeMap<Window, u32>);

impl Pace {
    /// Of a webhook's own rate, of a plan's requests in a second, and of what a receiver takes in a minute.
    #[must_use]
    pub fn of(own: Option<Rate>, sold: Limit, agreed: Option<u32>) -> Self {
        let sold = match sold {
            Limit::Unlimited => None,
            // A webhook that may be sent nothing could only be disabled.
            Limit::AtMost(most) => Some(u32::try_from(most).unwrap_or(u32::MAX).max(1)),
        };
        let mut pace = Self::default();
        pace.add(own);
        pace.add(sold.map(|requests| Rate { requests, window: Window::Second }));
        pace.add(agreed.map(|requests| Rate { requests, window: Window::Minute }));
        pace
    }

    fn add(&mut self, rate: Option<Rate>) {
        if let Some(Rate { requests, window }) = rate {
            let least = self.0.entry(window).or_insert(requests);
            *least = requests.min(*least);
        }
    }

    /// How long so many requests take, if they begin as soon as they may.
    #[must_use]
    pub fn time_for(&self, requests: u64) -> Duration {
        let millis = |(window, most): (&Window, &u32)| {
            let window = u64::try_from(window.duration().as_millis()).unwrap_or(u64::MAX);
            requests.saturating_mul(window) / u64::from((*most).max(1))
        };
        Duration::from_millis(self.0.iter().map(millis).max().unwrap_or(0))
    }

    /// Whether no rate holds.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.0.is_empty()
    }
}

/// How many requests may go out now, and if not all, when to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// As many.
    pub requests: u32,
    /// When the next one may.
    pub next_at: Option<Timestamp>,
}

/// Requests that were granted, of each window as long as it lasts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaceLog(BTreeMap<Window, Vec<(i64, u32)>>);

impl PaceLog {
    /// Grants up to `wanted` requests now.
    pub fn take(&mut self, pace: &Pace, now: Timestamp, wanted: u32) -> Granted {
        self.0.retain(|window, _| pace.0.contains_key(window));
        let mut requests = wanted;
        for (window, most) in &pace.0 {
            let log = self.0.entry(*window).or_default();
            let began = now.before(window.duration()).as_millis();
            log.retain(|(at, _)| *at > began);
            requests = requests.min(most.saturating_sub(taken(log)));
        }
        if requests > 0 {
            for (window, log) in &mut self.0 {
                note(log, *window, now, requests);
            }
        }
        let next_at = if requests < wanted { self.full_until(pace).map(|at| at.max(now)) } else { None };
        Granted { requests, next_at }
    }

    /// When one more request may go out, if what was granted last was all that a rate had.
    #[must_use]
    pub fn full_until(&self, pace: &Pace) -> Option<Timestamp> {
        let full = self.0.iter().filter(|(window, log)| pace.0.get(window).is_some_and(|most| taken(log) >= *most));
        let next = full.filter_map(|(window, log)| {
            let (oldest, _) = log.first()?;
            Some(Timestamp::from_millis(*oldest).after(window.duration()))
        });
        next.max()
    }
}

fn taken(log: &[(i64, u32)]) -> u32 {
    log.iter().fold(0, |sum, (_, requests)| sum.saturating_add(*requests))
}

/// Grants that are close together become one, at the later instant: too late by a grain, and never too early.
fn note(log: &mut Vec<(i64, u32)>, window: Window, now: Timestamp, requests: u32) {
    let grain = i64::try_from(window.duration().as_millis()).unwrap_or(i64::MAX) / i64::try_from(GRAINS).unwrap_or(1);
    let now = now.as_millis();
    match log.last_mut() {
        Some((at, count)) if at.div_euclid(grain) == now.div_euclid(grain) => {
            *at = now.max(*at);
            *count = count.saturating_add(requests);
        }
        Some(_) | None => log.push((now, requests)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    fn rate(requests: u32, window: Window) -> Rate {
        Rate { requests, window }
    }

    #[test]
    fn the_least_of_all_rates_holds() {
        let pace = Pace::of(Some(rate(5, Window::Second)), Limit::AtMost(3), Some(7));
        let mut log = PaceLog::default();
        assert_eq!(log.take(&pace, at(0), 10), Granted { requests: 3, next_at: Some(at(1000)) });
        assert_eq!(log.take(&pace, at(999), 10), Granted { requests: 0, next_at: Some(at(1000)) });
        assert_eq!(log.full_until(&pace), Some(at(1000)));
        assert_eq!(log.take(&pace, at(1000), 2), Granted { requests: 2, next_at: None });
        assert_eq!(log.full_until(&pace), None);
        assert_eq!(log.take(&pace, at(1500), 9).requests, 1);
        // Six in this second, seven in a minute.
        assert_eq!(log.take(&pace, at(2100), 9), Granted { requests: 1, next_at: Some(at(60_000)) });
        assert_eq!(log.take(&pace, at(60_000), 9).requests, 3);
        assert!(Pace::of(None, Limit::Unlimited, None).is_free());
        assert_eq!(PaceLog::default().take(&Pace::default(), at(0), 99).requests, 99);
    }

    #[test]
    fn the_slowest_rate_says_how_long_requests_take() {
        let pace = Pace::of(Some(rate(2, Window::Second)), Limit::Unlimited, Some(60));
        assert_eq!((pace.time_for(10), pace.time_for(0)), (Duration::from_secs(10), Duration::ZERO));
        assert_eq!(Pace::default().time_for(1_000_000), Duration::ZERO);
    }

    #[test]
    fn a_log_is_kept_as_text() {
        let mut log = PaceLog::default();
        log.take(&Pace::of(Some(rate(2, Window::Hour)), Limit::AtMost(9), None), at(5), 1);
        let text = serde_json::to_string(&log).unwrap();
        assert_eq!(text, r#"{"1s":[[1000005,1]],"1h":[[1000005,1]]}"#);
        assert_eq!(serde_json::from_str::<PaceLog>(&text).unwrap(), log);
    }

    proptest! {
        #[test]
        fn no_window_ever_has_more_than_its_rate(
            most in 1u32..20, steps in proptest::collection::vec((0i64..700, 1u32..10), 1..200),
        ) {
            let pace = Pace::of(Some(rate(most, Window::Second)), Limit::Unlimited, None);
            let (mut log, mut now, mut sent) = (PaceLog::default(), 0, Vec::new());
            for (wait, wanted) in steps {
                now += wait;
                let granted = log.take(&pace, at(now), wanted);
                prop_assert!(granted.next_at.is_none_or(|next| next > at(now)));
                sent.extend(std::iter::repeat_n(now, usize::try_from(granted.requests).unwrap()));
            }
            for end in &sent {
                let window = sent.iter().filter(|at| (end - 999..=*end).contains(at)).count();
                prop_assert!(window <= usize::try_from(most).unwrap());
            }
        }
    }
}
