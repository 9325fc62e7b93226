//! When things happen: more by day than by night.

use std::time::Duration;

use crate::domain::time::Timestamp;

const HOUR: Duration = Duration::from_hours(1);
/// How much happens in each hour of a day, UTC.
const HOURS: [u64; 24] = [3, 2, 2, 2, 3, 5, 8, 12, 16, 18, 19, 18, 17, 18, 19, 18, 16, 14, 12, 10, 8, 6, 5, 4];

/// Spreads things over days.
pub(super) struct Timeline {
    start: Timestamp,
    wanted: u64,
    /// The weight of all hours before each, and of all.
    before: Vec<u64>,
    hour: usize,
}

impl Timeline {
    pub(super) fn new(start: Timestamp, days: u32, wanted: u64) -> Self {
        let first = start.as_seconds().div_euclid(3600);
        let weight = |hour: i64| HOURS[usize::try_from((first + hour).rem_euclid(24)).unwrap_or(0)];
        let mut before = vec![0];
        for hour in 0..i64::from(days) * 24 {
            before.push(before.last().copied().unwrap_or(0) + weight(hour));
        }
        Self { start, wanted, before, hour: 0 }
    }

    /// When the `number`th thing happens, from 0; to be asked in their order.
    pub(super) fn at(&mut self, number: u64) -> Timestamp {
        let all = self.before.last().copied().unwrap_or(0);
        // In parts of a weight, so that none is lost.
        let place = u128::from(number) * u128::from(all);
        let wanted = u128::from(self.wanted.max(1));
        while self.hour + 2 < self.before.len() && u128::from(self.before[self.hour + 1]) * wanted <= place {
            self.hour += 1;
        }
        let (low, high) =
            (u128::from(self.before[self.hour]) * wanted, u128::from(self.before[self.hour + 1]) * wanted);
        let within = HOUR.as_millis() * place.saturating_sub(low) / (high - low).max(1);
        let hours = HOUR * u32::try_from(self.hour).unwrap_or(u32::MAX);
        self.start.after(hours + Duration::from_millis(u64::try_from(within).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_and_ends_before_now() {
        let start = Timestamp::parse_rfc3339("2026-11-14T12:30:00Z").unwrap();
        let mut timeline = Timeline::new(start, 7, 5_000);
        let times: Vec<Timestamp> = (0..5_000).map(|number| timeline.at(number)).collect();
        assert!(times.is_sorted() && times[0] == start);
        let last = times[4_999];
        assert!(last < start.after(HOUR * 24 * 7) && last > start.after(HOUR * (24 * 7 - 1)), "{last}");
        let noon = Timestamp::parse_rfc3339("2026-11-16T12:00:00Z").unwrap();
        let night = Timestamp::parse_rfc3339("2026-11-16T01:00:00Z").unwrap();
        let count = |from: Timestamp| times.iter().filter(|at| **at >= from && **at < from.after(HOUR)).count();
        assert!(count(noon) > 4 * count(night), "{} {}", count(noon), count(night));
    }
}
