//! Times as people write them: an instant, or so long ago.

use super::super::duration;
use crate::clock::Clock;
use crate::domain::time::Timestamp;

/// Reads `10m` as ten minutes ago, and `2026-11-21T18:00:00Z` as that.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    match duration::parse(text) {
        Ok(ago) => Ok(Clock::system().now().before(ago)),
        Err(_) => Timestamp::parse_rfc3339(text)
            .ok_or_else(|| "must be so long ago, such as 10m, or a time such as 2026-11-21T18:00:00Z".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        assert_eq!(parse("1970-01-01T00:00:01Z"), Ok(Timestamp::from_millis(1000)));
        let minute_ago = parse("1m").expect("a duration");
        let off = Clock::system().now().since(minute_ago).abs_diff(std::time::Duration::from_mins(1));
        assert!(off.as_secs() < 10, "{off:?}");
        assert!(parse("yesterday").is_err());
    }
}
