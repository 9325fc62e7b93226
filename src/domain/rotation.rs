//! When an API key should be rotated, by a policy that its owner set. Nothing is rotated by itself: only who runs the
//! program that uses a key can give it another one. So the tenant is told in time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// The longest interval.
pub const INTERVAL_DAYS_MAX: u32 = 730;
/// How long before the end of the interval to tell, where a policy does not say.
pub const NOTIFY_DAYS_DEFAULT: u32 = 7;

const DAY: Duration = Duration::from_hours(24);

/// How often a key should be rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RotationPolicy {
    /// Whether anybody is told.
    pub enabled: bool,
    /// Days from one rotation to the next.
    pub interval_days: u32,
    /// How many days before that to tell.
    pub notify_days_before: u32,
}

impl RotationPolicy {
    /// When a key that was made then should be replaced.
    #[must_use]
    pub fn due_at(self, created_at: Timestamp) -> Timestamp {
        created_at.after(DAY * self.interval_days)
    }

    /// When to tell; never, when the policy is off.
    #[must_use]
    pub fn notice_at(self, created_at: Timestamp) -> Option<Timestamp> {
        self.enabled.then(|| self.due_at(created_at).before(DAY * self.notify_days_before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_comes_before_the_end_of_the_interval() {
        let policy = RotationPolicy { enabled: true, interval_days: 90, notify_days_before: 7 };
        let made = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        assert_eq!(policy.due_at(made).to_string(), "2026-04-01T00:00:00.000Z");
        assert_eq!(policy.notice_at(made).unwrap().to_string(), "2026-03-25T00:00:00.000Z");
        assert_eq!(RotationPolicy { enabled: false, ..policy }.notice_at(made), None);
    }
}
