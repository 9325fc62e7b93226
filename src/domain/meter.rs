//! Meters: what is counted of accepted events, and the windows of time in which a limit holds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};

use super::plan::Limit;
use super::tenant::Scope;
use super::time::Timestamp;

const MINUTE: Duration = Duration::from_mins(1);

/// How long a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// A minute of the clock.
    Minute,
    /// A month of the calendar, UTC.
    Month,
}

impl Period {
    /// The word that the database uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Month => "month",
        }
    }

    /// The window that an instant is in.
    #[must_use]
    pub fn window_at(self, now: Timestamp) -> Window {
        match self {
            Self::Minute => {
                let length = i64::try_from(MINUTE.as_millis()).unwrap_or(i64::MAX);
                let starts_at = Timestamp::from_millis(now.as_millis().div_euclid(length) * length);
                Window { period: self, starts_at, ends_at: starts_at.after(MINUTE) }
            }
            Self::Month => Month::at(now).window(),
        }
    }
}

/// A span of time in which a limit holds: from `starts_at` until just before `ends_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "said above")]
pub struct Window {
    pub period: Period,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}

/// A month of the calendar, UTC, such as `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month(NaiveDate);

impl Month {
    /// The month that an instant is in.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        let date = DateTime::<Utc>::from_timestamp_millis(time.as_millis()).unwrap_or_default().date_naive();
        Self(date.with_day(1).unwrap_or(date))
    }

    /// From a text such as `2026-11`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = text.len() == 7 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok().filter(|_| is_plain).map(Self)
    }

    /// The month so many months earlier.
    #[must_use]
    pub fn before(self, months: u32) -> Self {
        Self(self.0.checked_sub_months(Months::new(months)).unwrap_or(self.0))
    }

    /// The next month.
    #[must_use]
    pub fn after(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(self.0))
    }

    /// Its span of time.
    #[must_use]
    pub fn window(self) -> Window {
        let Self(next) = self.after();
        let midnight = |date: NaiveDate| {
            Timestamp::from_millis(date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
        };
        Window { period: Period::Month, starts_at: midnight(self.0), ends_at: midnight(next) }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl serde::Serialize for Month {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One count: of one meter, for one tenant in one environment, in one window.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "said above")]
pub struct Count {
    pub scope: Scope,
    pub meter: Arc<str>,
    pub window: Window,
}

/// A count, and what the tenant's plan allows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "said above")]
pub struct Metered {
    pub count: Count,
    pub limit: Limit,
}

/// A limit had no unit left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedUp {
    /// Which.
    pub metered: Metered,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn windows_are_those_of_the_clock_and_the_calendar() {
        let minute = Period::Minute.window_at(time("2026-11-21T12:00:59.999Z"));
        assert_eq!((minute.starts_at, minute.ends_at), (time("2026-11-21T12:00:00Z"), time("2026-11-21T12:01:00Z")));
        assert_eq!(Period::Minute.window_at(minute.ends_at).starts_at, minute.ends_at);
        let month = Period::Month.window_at(time("2026-12-31T23:59:59.999Z"));
        assert_eq!((month.starts_at, month.ends_at), (time("2026-12-01T00:00:00Z"), time("2027-01-01T00:00:00Z")));
    }

    #[test]
    fn a_month_is_four_digits_and_two() {
        let month = Month::parse("2026-03").unwrap();
        assert_eq!((month.to_string(), month.before(3).to_string()), ("2026-03".to_owned(), "2025-12".to_owned()));
        assert_eq!(month.before(3).after(), month.before(2));
        for bad in ["2026-13", "2026-00", "2026-3", "26-03", "2026-03-01", "", "2026/03", "+026-03", "２０26"] {
            assert_eq!(Month::parse(bad), None, "{bad}");
        }
    }
}
