//! The limits on requests: of a key in an hour, of a tenant in a month, of a person in a minute. Fixed windows of the clock, the same in every
//! process.
//!
//! A process takes requests ahead in the database, some at a time and fewer the fewer are left, and lets them pass from
//! memory. So a limit is never passed, whatever processes there are; one that dies keeps what it had taken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Engine;
use crate::domain::api_key::ApiKey;
use crate::domain::id::SessionId;
use crate::domain::meter::{Count, Metered, Period, Window};
use crate::domain::plan::{Limit, REQUESTS};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::requests::Subject;

/// The window of a key's limit.
const HOUR: Duration = Duration::from_hours(1);
/// The window of a session's limit.
const MINUTE: Duration = Duration::from_mins(1);
/// The most requests that are taken ahead at once.
const AHEAD_MAX: u64 = 64;
/// Of what is left, this part is taken ahead.
const AHEAD_PART: u64 = 16;

/// Where a limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many in a window.
    pub limit: Limit,
    /// How many more are known to be possible; with a limit only.
    pub remaining: u64,
    /// When the next window begins.
    pub resets_at: Timestamp,
}

/// Whether a request may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Yes.
    Admitted(Rate),
    /// There is none left in this window.
    WindowUsedUp(Rate),
    /// The tenant has none left in this month.
    MonthUsedUp(Rate, Limit),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    starts_at: Timestamp,
    ends_at: Timestamp,
}

/// What a process knows of one subject's window.
struct Ahead {
    span: Span,
    limit: u64,
    /// By all processes, as far as is known.
    taken: u64,
    /// Of those, what this process has still to give.
    left: u64,
}

#[derive(Default)]
struct Gauge {
    ahead: Mutex<Option<Ahead>>,
    taking: tokio::sync::Mutex<()>,
}

/// What this process has taken ahead.
#[derive(Default)]
pub(crate) struct Rates(Mutex<HashMap<Whose, Arc<Gauge>>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Whose {
    /// Counted in the database, for all processes together.
    Shared(Subject),
    /// A person's session, counted by each process for itself.
    Session(SessionId),
}

enum Take {
    Given(u64),
    UsedUp,
    /// Ask the database for so many.
    Ask(u64),
}

impl Gauge {
    fn take(&self, span: Span, limit: u64) -> Take {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = match &mut *ahead {
            Some(ahead) if ahead.span == span && ahead.limit == limit => ahead,
            // What was left under another limit still counts as taken.
            other => {
                let taken = other.as_ref().filter(|other| other.span == span).map_or(0, |other| other.taken);
                other.insert(Ahead { span, limit, taken, left: 0 })
            }
        };
        let free = limit.saturating_sub(ahead.taken);
        if ahead.left > 0 {
            ahead.left -= 1;
            return Take::Given(ahead.left + free);
        }
        if free == 0 { Take::UsedUp } else { Take::Ask((free / AHEAD_PART).clamp(1, AHEAD_MAX)) }
    }

    /// Notes what all have taken, of which `asked` are ours as far as there were any.
    fn fill(&self, span: Span, taken: u64, asked: u64) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ahead) = ahead.as_mut().filter(|ahead| ahead.span == span) {
            ahead.left += ahead.limit.saturating_sub(taken - asked.min(taken)).min(asked);
            ahead.taken = taken;
        }
    }
}

impl Engine {
    /// Lets a request of a key pass, if its limits allow one more.
    pub async fn admit(&self, key: &ApiKey) -> Result<Admission, StoreError> {
        let now = self.clock.now();
        let plan = self.plan(key.scope.tenant);
        // A key may have a limit of its own, within its plan's.
        let hourly = key
            .settings
            .rate_limit
            .map_or(plan.requests_per_hour, |own| Limit::AtMost(plan.requests_per_hour.capped(own)));
        let hour = span_of(now, HOUR);
        let (admitted, remaining) = self.take_request(Subject::Key(key.id), hour, hourly).await?;
        let rate = Rate { limit: hourly, remaining, resets_at: hour.ends_at };
        if !admitted {
            return Ok(Admission::WindowUsedUp(rate));
        }
        let monthly = plan.requests_per_month;
        let month = Period::Month.window_at(now);
        let month = Span { starts_at: month.starts_at, ends_at: month.ends_at };
        let (admitted, _) = self.take_request(Subject::Scope(key.scope), month, monthly).await?;
        Ok(if admitted { Admission::Admitted(rate) } else { Admission::MonthUsedUp(rate, monthly) })
    }

    /// Lets a request of a person pass, if their session allows one more.
    pub fn admit_person(&self, session: SessionId) -> Admission {
        let span = span_of(self.clock.now(), MINUTE);
        let most = self.limits.session_requests_per_minute;
        let gauge = self.rates.gauge(Whose::Session(session));
        let rate = |remaining| Rate { limit: Limit::AtMost(most), remaining, resets_at: span.ends_at };
        loop {
            match gauge.take(span, most) {
                Take::Given(remaining) => return Admission::Admitted(rate(remaining)),
                Take::UsedUp => return Admission::WindowUsedUp(rate(0)),
                Take::Ask(_) => gauge.fill(span, most, most),
            }
        }
    }

    /// Takes one request; whether there was one, and how many more there are.
    async fn take_request(&self, subject: Subject, span: Span, limit: Limit) -> Result<(bool, u64), StoreError> {
        let Limit::AtMost(limit) = limit else { return Ok((true, 0)) };
        let gauge = self.rates.gauge(Whose::Shared(subject));
        loop {
            match gauge.take(span, limit) {
                Take::Given(remaining) => return Ok((true, remaining)),
                Take::UsedUp => return Ok((false, 0)),
                Take::Ask(_) => {}
            }
            // One asks; those who waited find what it got.
            let _turn = gauge.taking.lock().await;
            match gauge.take(span, limit) {
                Take::Given(remaining) => return Ok((true, remaining)),
                Take::UsedUp => return Ok((false, 0)),
                Take::Ask(count) => {
                    // On the heap: few requests come here, and each would carry the room for it.
                    let taken =
                        Box::pin(self.store.take_requests(subject, span.starts_at, span.ends_at, count)).await?;
                    gauge.fill(span, taken, count);
                    if let Subject::Scope(scope) = subject {
                        let window = Window { period: Period::Month, starts_at: span.starts_at, ends_at: span.ends_at };
                        let count = Count { scope, meter: REQUESTS.into(), window };
                        self.note_quota(&Metered { count, limit: Limit::AtMost(limit) }, Some(taken));
                    }
                }
            }
        }
    }

    /// Forgets windows that have ended.
    pub(super) fn forget_rates(&self) {
        let now = self.clock.now();
        let mut gauges = self.rates.0.lock().unwrap_or_else(PoisonError::into_inner);
        gauges.retain(|_, gauge| {
            let ahead = gauge.ahead.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::strong_count(gauge) > 1 || ahead.as_ref().is_some_and(|ahead| ahead.span.ends_at > now)
        });
    }
}

impl Rates {
    fn gauge(&self, whose: Whose) -> Arc<Gauge> {
        let mut gauges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gauges.entry(whose).or_default())
    }
}

fn span_of(now: Timestamp, length: Duration) -> Span {
    let millis = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    let starts_at = Timestamp::from_millis(now.as_millis().div_euclid(millis) * millis);
    Span { starts_at, ends_at: starts_at.after(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_gives_what_it_has_taken_and_no_more() {
        let gauge = Gauge::default();
        let span = span_of(Timestamp::from_millis(5), HOUR);
        let Take::Ask(64) = gauge.take(span, 2000) else { panic!("it has nothing yet") };
        gauge.fill(span, 64, 64);
        assert!((0..64).all(|given| matches!(gauge.take(span, 2000), Take::Given(left) if left == 1999 - given)));
        // Others have taken nearly all meanwhile.
        let Take::Ask(asked) = gauge.take(span, 2000) else { panic!("it is empty") };
        gauge.fill(span, 2010, asked);
        assert_eq!((0..100).filter(|_| matches!(gauge.take(span, 2000), Take::Given(_))).count(), 54);
        assert!(matches!(gauge.take(span, 2000), Take::UsedUp));
        assert!(matches!(gauge.take(span_of(Timestamp::from_millis(3_600_000), HOUR), 2000), Take::Ask(_)));
    }

    #[test]
    fn the_last_requests_are_taken_one_by_one() {
        let gauge = Gauge::default();
        let span = span_of(Timestamp::from_millis(5), HOUR);
        let mut asked = 0;
        for taken in 1..=5 {
            let Take::Ask(count) = gauge.take(span, 5) else { panic!("it is empty") };
            asked += count;
            gauge.fill(span, taken, count);
            assert!(matches!(gauge.take(span, 5), Take::Given(left) if left == 5 - taken));
        }
        assert_eq!(asked, 5);
        assert!(matches!(gauge.take(span, 5), Take::UsedUp));
    }
}
