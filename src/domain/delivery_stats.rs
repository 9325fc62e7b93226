//! What became of deliveries, added up: over a range of time, and in steps of it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::attempt::{AttemptResult, FailureKind, NextStep};
use super::duration_histogram::{bucket_of, percentile};
use super::time::Timestamp;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// What an attempt came to, coarsely enough to be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OutcomeClass {
    /// The receiver answered 2xx.
    Success,
    /// It answered 3xx; redirects are not followed.
    Redirect,
    /// It answered 4xx, but not 429.
    ClientError,
    /// It answered 429: too many requests.
    TooManyRequests,
    /// It answered 5xx.
    ServerError,
    /// It gave no complete answer in time.
    Timeout,
    /// Its name did not resolve.
    Dns,
    /// The connection could not be made, or broke.
    Connect,
    /// The TLS handshake or the certificate failed.
    Tls,
    /// The URL or its address is not allowed, or the receiver does not allow to be sent anything.
    Blocked,
    /// Anything else.
    Other,
}

impl OutcomeClass {
    /// Every class.
    pub const ALL: [Self; 11] = [
        Self::Success,
        Self::Redirect,
        Self::ClientError,
        Self::TooManyRequests,
        Self::ServerError,
        Self::Timeout,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Blocked,
        Self::Other,
    ];

    /// The class of a result.
    #[must_use]
    pub const fn of(result: &AttemptResult) -> Self {
        match result {
            AttemptResult::Succeeded { .. } => Self::Success,
            AttemptResult::FailedStatus { status: 429, .. } => Self::TooManyRequests,
            AttemptResult::FailedStatus { status, .. } => match *status / 100 {
                3 => Self::Redirect,
                4 => Self::ClientError,
                5 => Self::ServerError,
                _ => Self::Other,
            },
            AttemptResult::Failed { kind } => match kind {
                FailureKind::Timeout => Self::Timeout,
                FailureKind::Dns => Self::Dns,
                FailureKind::Connect | FailureKind::Reset => Self::Connect,
                FailureKind::Tls => Self::Tls,
                FailureKind::Blocked | FailureKind::Handshake => Self::Blocked,
                FailureKind::Protocol | FailureKind::Internal => Self::Other,
            },
        }
    }

    /// The word that the API and the database use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Redirect => "3xx",
            Self::ClientError => "4xx",
            Self::TooManyRequests => "429",
            Self::ServerError => "5xx",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Blocked => "blocked",
            Self::Other => "other",
        }
    }

    /// The class that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}

/// How far back statistics go, and in which steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatsRange {
    /// An hour by minutes.
    Hour,
    /// A day by hours.
    Day,
    /// Seven days by hours.
    Week,
    /// Thirty days by days.
    Month,
}

impl StatsRange {
    /// Every range.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// The word that the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// The range that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.as_str() == word)
    }

    /// How long one step is.
    #[must_use]
    pub const fn step(self) -> Duration {
        match self {
            Self::Hour => MINUTE,
            Self::Day | Self::Week => HOUR,
            Self::Month => DAY,
        }
    }

    /// How many steps there are; the last one is the present one, which is not over.
    #[must_use]
    pub const fn steps(self) -> u32 {
        match self {
            Self::Hour => 60,
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30,
        }
    }

    /// When the first step begins.
    #[must_use]
    pub fn starts_at(self, now: Timestamp) -> Timestamp {
        floor(now, self.step()).before(self.step() * (self.steps() - 1))
    }
}

/// The beginning of the step that an instant is in.
#[must_use]
pub fn floor(time: Timestamp, step: Duration) -> Timestamp {
    let step = i64::try_from(step.as_millis()).unwrap_or(i64::MAX).max(1);
    Timestamp::from_millis(time.as_millis().div_euclid(step) * step)
}

/// What some attempts came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub attempts: u64,
    /// Deliveries that they ended well.
    pub delivered: u64,
    /// Deliveries that they left as dead letters.
    pub dead: u64,
    /// How long all of them took together.
    pub micros: u64,
    /// How many fell into each bucket of durations.
    pub durations: BTreeMap<usize, u64>,
}

impl Tally {
    /// Counts an attempt.
    pub fn count(&mut self, step: NextStep, took: Duration) {
        self.attempts += 1;
        self.delivered += u64::from(step == NextStep::Done);
        self.dead += u64::from(step == NextStep::DeadLetter);
        self.micros += u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        *self.durations.entry(bucket_of(took)).or_default() += 1;
    }

    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        let Self { attempts, delivered, dead, micros, durations } = other;
        self.attempts += attempts;
        self.delivered += delivered;
        self.dead += dead;
        self.micros = self.micros.saturating_add(*micros);
        for (bucket, count) in durations {
            *self.durations.entry(*bucket).or_default() += count;
        }
    }

    /// How long an attempt took on average; none where there was no attempt.
    #[must_use]
    pub fn average(&self) -> Option<Duration> {
        self.micros.checked_div(self.attempts).map(Duration::from_micros)
    }

    /// What most attempts stayed within; none where there was no attempt.
    #[must_use]
    pub fn latency(&self) -> Option<Latency> {
        Some(Latency { p50: self.percentile(50)?, p95: self.percentile(95)?, p99: self.percentile(99)? })
    }

    /// The duration that so many percent stayed within; none where there was no attempt.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let buckets: Vec<(usize, u64)> = self.durations.iter().map(|(bucket, count)| (*bucket, *count)).collect();
        (self.attempts > 0).then(|| percentile(&buckets, percent))
    }
}

/// A step of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// When it begins.
    pub starts_at: Timestamp,
    /// Deliveries that were delivered in it.
    pub delivered: u64,
    /// Attempts that failed in it.
    pub failed: u64,
    /// Deliveries that became dead letters in it.
    pub dead: u64,
    /// How long attempts took in it; none where there was no attempt.
    pub latency: Option<Latency>,
}

/// How long attempts took: so many percent of them no longer than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the percent are the names")]
pub struct Latency {
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
}

/// What became of deliveries in a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryStats {
    /// The range.
    pub range: StatsRange,
    /// All of it.
    pub total: Tally,
    /// Attempts by what they came to; classes without any are not there.
    pub by_outcome: BTreeMap<OutcomeClass, u64>,
    /// Every step, oldest first; also those in which nothing was sent.
    pub points: Vec<Point>,
}

impl DeliveryStats {
    /// Adds up what was counted: what it came to, and in the minute or hour that began at an instant.
    #[must_use]
    pub fn new(range: StatsRange, now: Timestamp, counted: &[(Timestamp, OutcomeClass, Tally)]) -> Self {
        let first = range.starts_at(now);
        let start_of = |number| first.after(range.step() * number);
        let empty = |starts_at| Point { starts_at, delivered: 0, failed: 0, dead: 0, latency: None };
        let mut points: Vec<Point> = (0..range.steps()).map(|number| empty(start_of(number))).collect();
        let mut by_point = vec![Tally::default(); points.len()];
        let (mut total, mut by_outcome) = (Tally::default(), BTreeMap::new());
        for (at, class, tally) in counted.iter().filter(|(at, ..)| *at >= first) {
            total.add(tally);
            *by_outcome.entry(*class).or_default() += tally.attempts;
            let number = at.since(first).as_millis() / range.step().as_millis();
            let Ok(number) = usize::try_from(number) else { continue };
            if let (Some(point), Some(of_point)) = (points.get_mut(number), by_point.get_mut(number)) {
                of_point.add(tally);
                point.delivered += tally.delivered;
                point.dead += tally.dead;
                point.failed += if *class == OutcomeClass::Success { 0 } else { tally.attempts };
            }
        }
        for (point, tally) in points.iter_mut().zip(&by_point) {
            point.latency = tally.latency();
        }
        Self { range, total, by_outcome, points }
    }

    /// Attempts that the receiver answered 2xx.
    #[must_use]
    pub fn succeeded(&self) -> u64 {
        self.by_outcome.get(&OutcomeClass::Success).copied().unwrap_or(0)
    }

    /// Attempts that came to anything else.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.total.attempts.saturating_sub(self.succeeded())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_has_a_class_and_every_class_a_word() {
        assert!(OutcomeClass::ALL.iter().all(|class| OutcomeClass::parse(class.as_str()) == Some(*class)));
        assert!(StatsRange::ALL.iter().all(|range| StatsRange::parse(range.as_str()) == Some(*range)));
        let status = |status| OutcomeClass::of(&AttemptResult::FailedStatus { status, retry_after: None }).as_str();
        assert_eq!([302, 404, 429, 503, 101].map(status), ["3xx", "4xx", "429", "5xx", "other"]);
        let kind = |kind| OutcomeClass::of(&AttemptResult::Failed { kind }).as_str();
        let words = FailureKind::ALL.map(kind);
        let expected = ["timeout", "dns", "connect", "tls", "connect", "other", "blocked", "blocked", "other"];
        assert_eq!(words, expected);
    }

    #[test]
    fn points_cover_the_range_and_totals_are_their_sum() {
        let now = Timestamp::parse_rfc3339("2026-11-21T12:30:40Z").unwrap();
        let minute = |text| floor(Timestamp::parse_rfc3339(text).unwrap(), MINUTE);
        let mut good = Tally::default();
        good.count(NextStep::Done, Duration::from_millis(10));
        good.count(NextStep::Done, Duration::from_millis(30));
        let mut bad = Tally::default();
        bad.count(NextStep::RetryAt(now), Duration::from_millis(50));
        bad.count(NextStep::DeadLetter, Duration::from_millis(50));
        let counted = [
            (minute("2026-11-21T12:30:05Z"), OutcomeClass::Success, good.clone()),
            (minute("2026-11-21T12:00:00Z"), OutcomeClass::ServerError, bad),
            // Just before the range.
            (minute("2026-11-21T11:30:59Z"), OutcomeClass::Success, good),
        ];
        let stats = DeliveryStats::new(StatsRange::Hour, now, &counted);
        assert_eq!((stats.points.len(), stats.total.attempts, stats.failed()), (60, 4, 2));
        assert_eq!((stats.total.delivered, stats.total.dead, stats.succeeded()), (2, 1, 2));
        assert_eq!(stats.points[0].starts_at.to_string(), "2026-11-21T11:31:00.000Z");
        assert_eq!((stats.points[59].delivered, stats.points[59].failed), (2, 0));
        assert_eq!((stats.points[29].failed, stats.points[29].dead), (2, 1));
        let latency = |point: &Point| point.latency.map(|latency| latency.p95.as_millis());
        assert!(latency(&stats.points[29]).is_some_and(|p95| (50..=55).contains(&p95)));
        assert_eq!((latency(&stats.points[0]), latency(&stats.points[59]).is_some()), (None, true));
        assert_eq!(stats.total.average(), Some(Duration::from_millis(35)));
        assert!(stats.total.percentile(50).is_some_and(|p50| (30..=33).contains(&p50.as_millis())));
        let day = DeliveryStats::new(StatsRange::Day, now, &counted);
        assert_eq!((day.points.len(), day.total.attempts), (24, 6));
        assert_eq!(Tally::default().average(), None);
    }
}
