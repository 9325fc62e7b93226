//! How a receiver answers, and how it does not.

use std::time::Duration;

/// What happens to a request after it was recorded. The default answers 200 at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    /// The status of a good answer.
    pub status: u16,
    /// How long each answer waits.
    pub delay: Duration,
    /// What goes wrong beyond the status.
    pub fault: Fault,
    /// How many requests fail, counted from when this was set.
    pub fail_first: u64,
    /// The share of requests that fail, 0 to 1.
    pub fail_rate: f64,
    /// The status of those that fail.
    pub fail_status: u16,
    /// The value of `Retry-After` on every answer that is not a success.
    pub retry_after: Option<String>,
    /// The value of `WebHook-Allowed-Origin` on the answer to `OPTIONS`; without it that is a refusal.
    pub allow_origin: Option<String>,
    /// The value of `Location` on every answer.
    pub redirect: Option<String>,
}

/// What goes wrong with an answer, other than its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// No answer ever comes; the connection stays open.
    Hang,
    /// The headers come, then one byte of the body after another, for ever.
    Drip,
    /// The connection is reset instead of an answer.
    Reset,
    /// The body has this many bytes.
    HugeBody {
        /// How many.
        bytes: u64,
    },
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            status: 200,
            delay: Duration::ZERO,
            fault: Fault::None,
            fail_first: 0,
            fail_rate: 0.0,
            fail_status: 503,
            retry_after: None,
            allow_origin: None,
            redirect: None,
        }
    }
}

impl Behaviour {
    /// Answers with this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// Has this fault.
    #[must_use]
    pub fn fault(fault: Fault) -> Self {
        Self { fault, ..Self::default() }
    }

    /// Answers after this time.
    #[must_use]
    pub fn delay(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// Answers 503 so many times, then 200.
    #[must_use]
    pub fn fail_first(fail_first: u64) -> Self {
        Self { fail_first, ..Self::default() }
    }
}
