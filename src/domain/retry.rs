//! When to try again.
//!
//! A policy is a list of delays, spelt out or by rule. What an attempt came to decides: 2xx ends the delivery, 410
//! says that nobody will ever answer there, and everything else is worth another attempt, 404 included, because
//! receivers do answer 404 while they deploy.
//!
//! Two forces bend a delay. Jitter, because a thousand deliveries that failed in the same second must not come back
//! in the same second: a short delay is cut to anything between half and the whole of it, a long one moves by a fifth
//! either way. And `Retry-After`, because the receiver knows best: its wish is met, within bounds, so that a receiver
//! can neither speed us up nor postpone a delivery for ever.

use std::time::{Duration, UNIX_EPOCH};

use serde::ser::SerializeMap as _;
use serde_json::Value;

use super::attempt::{AttemptResult, NextStep};
use super::field::no_such_field;
use super::time::Timestamp;

/// The most delays in a schedule.
pub const SCHEDULE_LEN_MAX: usize = 20;
/// The longest delay in a schedule: a week.
pub const DELAY_SECONDS_MAX: u32 = 604_800;
/// The most retries of a policy by rule.
pub const RETRIES_MAX: u8 = 10;
/// The retries of a policy by rule that does not say how many.
pub const RETRIES_DEFAULT: u8 = 3;
/// No `Retry-After` is understood as more than this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(7 * 24);

/// How far `Retry-After` may push even the shortest delay.
const RETRY_AFTER_REACH: Duration = Duration::from_hours(1);
/// From this delay on, jitter goes both ways.
const LONG_DELAY: Duration = Duration::from_mins(1);
/// What a policy may have.
const FIELDS: [&str; 3] = ["schedule", "maxRetries", "backoffStrategy"];
/// 28 hours in all: 5 s, 30 s, 2 min, 10 min, 30 min, 2 h, 5 h, 10 h, 10 h.
const DURABLE_SCHEDULE: [u32; 9] = [5, 30, 120, 600, 1_800, 7_200, 18_000, 36_000, 36_000];

/// When the attempts after the first one come.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "Value")]
pub enum RetryPolicy {
    /// The seconds before each retry.
    Schedule(Vec<u32>),
    /// A number of retries, and the rule for the delays between them.
    Backoff {
        /// How many attempts may follow the first; 0 to [`RETRIES_MAX`].
        max_retries: u8,
        /// How the delays grow.
        strategy: BackoffStrategy,
    },
}

/// How delays grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BackoffStrategy {
    /// 2, 4, 8, 16 … seconds.
    Exponential,
    /// 5, 10, 15, 20 … seconds.
    Linear,
}

/// Everything that is wrong with a policy: where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct InvalidRetryPolicy {
    /// Pairs of a path inside the policy (empty for the policy itself) and a message.
    pub problems: Vec<(String, String)>,
}

impl InvalidRetryPolicy {
    fn sentence(&self) -> String {
        let parts: Vec<_> = self.problems.iter().map(|(path, message)| format!("{path} {message}")).collect();
        parts.join("; ").trim_start().to_owned()
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::Schedule(DURABLE_SCHEDULE.to_vec())
    }
}

impl RetryPolicy {
    /// Reads a policy as the API spells it.
    ///
    /// # Errors
    /// With every problem at once.
    pub fn parse(value: &Value) -> Result<Self, InvalidRetryPolicy> {
        let mut problems = Vec::new();
        let policy = read_policy(value, &mut problems);
        match policy {
            Some(policy) if problems.is_empty() => Ok(policy),
            Some(_) | None => Err(InvalidRetryPolicy { problems }),
        }
    }

    /// How many attempts a delivery may have, the first included.
    #[must_use]
    pub fn attempts_max(&self) -> u32 {
        let retries = match self {
            Self::Schedule(seconds) => u32::try_from(seconds.len()).unwrap_or(u32::MAX),
            Self::Backoff { max_retries, .. } => u32::from(*max_retries),
        };
        retries.saturating_add(1)
    }

    /// What follows an attempt. `attempts_made` counts that attempt; `jitter` is a random number in 0..1.
    #[must_use]
    pub fn next(&self, attempts_made: u32, result: &AttemptResult, now: Timestamp, jitter: f64) -> NextStep {
        let asked = match result {
            AttemptResult::Succeeded { .. } => return NextStep::Done,
            AttemptResult::FailedStatus { status: 410, .. } => return NextStep::DeadLetter,
            AttemptResult::FailedStatus { retry_after, .. } => *retry_after,
            AttemptResult::Failed { .. } => None,
        };
        match self.base_delay(attempts_made) {
            Some(base) => NextStep::RetryAt(now.after(bend(base, asked, jitter))),
            None => NextStep::DeadLetter,
        }
    }

    /// The delays before each retry, before anything bends them.
    pub fn delays(&self) -> impl Iterator<Item = Duration> {
        (1..self.attempts_max()).filter_map(|attempt| self.base_delay(attempt))
    }

    /// The delay after the given attempt before anything bends it; `None` when no attempt is left.
    fn base_delay(&self, attempts_made: u32) -> Option<Duration> {
        let retry = attempts_made.max(1);
        if retry >= self.attempts_max() {
            return None;
        }
        let seconds = match self {
            Self::Schedule(seconds) => *seconds.get(usize::try_from(retry - 1).ok()?)?,
            Self::Backoff { strategy: BackoffStrategy::Exponential, .. } => 2u32.saturating_pow(retry),
            Self::Backoff { strategy: BackoffStrategy::Linear, .. } => retry.saturating_mul(5),
        };
        Some(Duration::from_secs(u64::from(seconds)))
    }
}

fn bend(base: Duration, asked: Option<Duration>, jitter: f64) -> Duration {
    let jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 0.5 };
    let jittered = if base < LONG_DELAY { base.mul_f64(0.5 + jitter / 2.0) } else { base.mul_f64(0.8 + jitter * 0.4) };
    let Some(asked) = asked else { return jittered };
    let latest = (base * 2).max(RETRY_AFTER_REACH);
    let wish = asked.clamp(base, latest);
    // Everybody was told the same instant, so the spread goes to the later side of it.
    (wish + wish.mul_f64(jitter / 10.0)).max(jittered).min(latest)
}

/// What a `Retry-After` header asks for: seconds, or an HTTP date. Nonsense and dates in the past ask for nothing.
#[must_use]
pub fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are a very long time, which the bound below is for.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX));
    }
    let since_epoch = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    let date = Timestamp::from_millis(0).after(since_epoch);
    (date >= now).then(|| date.since(now).min(RETRY_AFTER_MAX))
}

fn read_policy(value: &Value, problems: &mut Vec<(String, String)>) -> Option<RetryPolicy> {
    let mut problem = |path: String, message: &str| problems.push((path, message.to_owned()));
    let Value::Object(fields) = value else {
        problem(String::new(), "must be an object with `schedule`, or with `maxRetries` and `backoffStrategy`");
        return None;
    };
    for name in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        problem(name.clone(), &no_such_field(name, &FIELDS));
    }
    match (fields.get("schedule"), fields.get("maxRetries"), fields.get("backoffStrategy")) {
        (Some(schedule), None, None) => read_schedule(schedule, problems),
        (None, None, None) => {
            problem(String::new(), "needs `schedule`, or `maxRetries` and `backoffStrategy`");
            None
        }
        (None, retries, strategy) => read_backoff(retries, strategy, problems),
        (Some(_), _, _) => {
            problem("schedule".to_owned(), "cannot be combined with `maxRetries` or `backoffStrategy`");
            None
        }
    }
}

fn read_schedule(value: &Value, problems: &mut Vec<(String, String)>) -> Option<RetryPolicy> {
    let entries = value.as_array().filter(|entries| (1..=SCHEDULE_LEN_MAX).contains(&entries.len()));
    let Some(entries) = entries else {
        problems.push(("schedule".to_owned(), format!("must be a list of 1 to {SCHEDULE_LEN_MAX} numbers of seconds")));
        return None;
    };
    let mut schedule = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let seconds = entry.as_u64().and_then(|n| u32::try_from(n).ok());
        match seconds.filter(|n| (1..=DELAY_SECONDS_MAX).contains(n)) {
            Some(seconds) => schedule.push(seconds),
            None => problems.push((
                format!("schedule[{index}]"),
                format!("must be a whole number of seconds from 1 to {DELAY_SECONDS_MAX}"),
            )),
        }
    }
    Some(RetryPolicy::Schedule(schedule))
}

fn read_backoff(
    retries: Option<&Value>,
    strategy: Option<&Value>,
    problems: &mut Vec<(String, String)>,
) -> Option<RetryPolicy> {
    let max_retries = match retries {
        None => Some(RETRIES_DEFAULT),
        Some(value) => value.as_u64().and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= RETRIES_MAX),
    };
    if max_retries.is_none() {
        problems.push(("maxRetries".to_owned(), format!("must be a whole number from 0 to {RETRIES_MAX}")));
    }
    let strategy = match strategy.map(Value::as_str) {
        None | Some(Some("exponential")) => Some(BackoffStrategy::Exponential),
        Some(Some("linear")) => Some(BackoffStrategy::Linear),
        Some(_) => None,
    };
    if strategy.is_none() {
        problems.push(("backoffStrategy".to_owned(), "must be `exponential` or `linear`".to_owned()));
    }
    Some(RetryPolicy::Backoff { max_retries: max_retries?, strategy: strategy? })
}

impl TryFrom<Value> for RetryPolicy {
    type Error = InvalidRetryPolicy;

    fn try_from(value: Value) -> Result<Self, InvalidRetryPolicy> {
        Self::parse(&value)
    }
}

impl serde::Serialize for RetryPolicy {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Schedule(seconds) => map.serialize_entry("schedule", seconds)?,
            Self::Backoff { max_retries, strategy } => {
                map.serialize_entry("maxRetries", max_retries)?;
                map.serialize_entry("backoffStrategy", strategy)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests;
