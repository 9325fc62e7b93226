//! How long things took, as counts in buckets that grow by a constant factor: small, and good for percentiles.

use std::time::Duration;

/// The upper bound of the first bucket.
const FIRST: Duration = Duration::from_micros(100);
/// By how much each bucket's bound is larger than the one before: so far a percentile may be off.
const GROWTH: f64 = 1.1;
/// What takes longer than the last bucket's bound, about 90 s, falls into it too.
pub const BUCKETS: usize = 145;

/// The bucket of a duration.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and the last bucket")]
pub fn bucket_of(duration: Duration) -> usize {
    let ratio = duration.as_secs_f64() / FIRST.as_secs_f64();
    if ratio <= 1.0 { 0 } else { (ratio.log(GROWTH).ceil() as usize).min(BUCKETS - 1) }
}

/// The longest duration of a bucket.
#[must_use]
pub fn bound_of(bucket: usize) -> Duration {
    FIRST.mul_f64(GROWTH.powi(i32::try_from(bucket.min(BUCKETS - 1)).unwrap_or(0)))
}

/// The duration that so many percent of all stay within; zero where there are none.
#[must_use]
pub fn percentile(buckets: &[(usize, u64)], percent: u64) -> Duration {
    let total: u64 = buckets.iter().map(|(_, count)| count).sum();
    let wanted = (total * percent).div_ceil(100);
    let mut seen = 0;
    let found = buckets.iter().find(|(_, count)| {
        seen += count;
        seen >= wanted
    });
    found.filter(|_| total > 0).map_or(Duration::ZERO, |(bucket, _)| bound_of(*bucket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_within_its_bucket() {
        for micros in [0, 1, 100, 101, 110, 111, 5_000, 1_000_000, 80_000_000] {
            let duration = Duration::from_micros(micros);
            let bucket = bucket_of(duration);
            assert!(duration <= bound_of(bucket), "{micros}");
            assert!(bucket == 0 || duration > bound_of(bucket - 1), "{micros}");
        }
        assert_eq!(bucket_of(Duration::from_hours(1)), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_bounds_of_buckets() {
        let buckets = [(0, 95), (10, 4), (20, 1)];
        assert_eq!(percentile(&buckets, 95), bound_of(0));
        assert_eq!(percentile(&buckets, 99), bound_of(10));
        assert_eq!(percentile(&buckets, 100), bound_of(20));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
