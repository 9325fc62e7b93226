//! Attempts: what one HTTP exchange came to. A failure that we expect is a value.

use std::time::Duration;

use super::time::Timestamp;

/// What one exchange came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptResult {
    /// The receiver answered 2xx in time.
    Succeeded {
        /// The HTTP status.
        status: u16,
    },
    /// The receiver answered something else than 2xx. Redirects are not followed.
    FailedStatus {
        /// The HTTP status.
        status: u16,
        /// What the answer's `Retry-After` asks for, already as a duration.
        retry_after: Option<Duration>,
    },
    /// There was no complete answer.
    Failed {
        /// What went wrong.
        kind: FailureKind,
    },
}

/// Why there was no complete answer. The closed list of the API's `errorKind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// The time limit over connect, TLS, headers and body together ran out.
    Timeout,
    /// The name did not resolve.
    Dns,
    /// The connection was refused or could not be made.
    Connect,
    /// The TLS handshake or the certificate failed.
    Tls,
    /// The connection broke before the answer was complete.
    Reset,
    /// The answer was not HTTP, or too large in its headers.
    Protocol,
    /// The URL or the address that it resolved to is not allowed.
    Blocked,
    /// The receiver was asked whether it wants to be sent anything, and has not said yes.
    Handshake,
    /// Our own side could not build or send the request; not the receiver's fault.
    Internal,
}

impl FailureKind {
    /// Every kind, for documents and parsers.
    pub const ALL: [Self; 9] = [
        Self::Timeout,
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Reset,
        Self::Protocol,
        Self::Blocked,
        Self::Handshake,
        Self::Internal,
    ];

    /// The word that the API and the database use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::Blocked => "blocked",
            Self::Handshake => "handshake",
            Self::Internal => "internal",
        }
    }

    /// The kind that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Timeout => "got no complete answer within the time limit",
            Self::Dns => "failed: the host name did not resolve",
            Self::Connect => "failed: the connection was refused or could not be made",
            Self::Tls => "failed: the TLS handshake or certificate was not accepted",
            Self::Reset => "failed: the connection broke before the answer was complete",
            Self::Protocol => "failed: the answer was not valid HTTP",
            Self::Blocked => "was not sent: the URL or its address is not allowed",
            Self::Handshake => "was not sent: the receiver has not allowed it when asked by OPTIONS",
            Self::Internal => "was not sent: Angarium could not build the request",
        }
    }
}

impl AttemptResult {
    /// Whether the delivery is done.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Succeeded { .. })
    }

    /// The HTTP status, if there was an answer.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Succeeded { status } | Self::FailedStatus { status, .. } => Some(*status),
            Self::Failed { .. } => None,
        }
    }

    /// The kind of failure, if there was no complete answer.
    #[must_use]
    pub const fn failure_kind(&self) -> Option<FailureKind> {
        match self {
            Self::Failed { kind } => Some(*kind),
            Self::Succeeded { .. } | Self::FailedStatus { .. } => None,
        }
    }

    /// 410 means: never send here again.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        matches!(self, Self::FailedStatus { status: 410, .. })
    }

    /// Whether the receiver shows signs of overload or absence: reason to send it less at a time.
    #[must_use]
    pub const fn is_congestion(&self) -> bool {
        match self {
            Self::Succeeded { .. } => false,
            Self::FailedStatus { status, .. } => matches!(status, 408 | 429 | 502 | 503 | 504),
            Self::Failed { kind } => matches!(kind, FailureKind::Timeout | FailureKind::Connect | FailureKind::Reset),
        }
    }
}

/// What happens to a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Nothing: the receiver has it.
    Done,
    /// The next attempt.
    RetryAt(Timestamp),
    /// No attempt is left, or none makes sense: the delivery is a dead letter.
    DeadLetter,
}

/// One sentence that says what happened and what comes next.
#[must_use]
pub fn sentence(number: u32, result: &AttemptResult, took: Duration, next: NextStep) -> String {
    let millis = took.as_millis();
    let what = match result {
        AttemptResult::Succeeded { status } => format!("Attempt {number} got {status} after {millis} ms"),
        AttemptResult::FailedStatus { status, retry_after } => {
            let wait = retry_after.map_or(String::new(), |t| format!("; Retry-After asked for {} s", t.as_secs()));
            let redirect = if (300..400).contains(status) { "; redirects are not followed" } else { "" };
            format!("Attempt {number} got {status} after {millis} ms{wait}{redirect}")
        }
        AttemptResult::Failed { kind } => format!("Attempt {number} {} ({millis} ms)", kind.sentence()),
    };
    let then = match next {
        NextStep::Done => "delivered.".to_owned(),
        NextStep::RetryAt(time) => format!("the next attempt is at {time}."),
        NextStep::DeadLetter if result.is_gone() => {
            "the receiver is gone, so the webhook is disabled and the delivery is a dead letter.".to_owned()
        }
        NextStep::DeadLetter => "no attempt is left, so the delivery is a dead letter.".to_owned(),
    };
    format!("{what}; {then}")
}
