//! How a command ends.

/// The exit codes, which are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok,
    /// Not done.
    Failed,
    /// The arguments make no sense. The parser of the arguments uses this one too.
    Usage,
    /// What was asked for is not there.
    NotFound,
    /// No API key, a wrong one, or one without the permission.
    Auth,
    /// It took longer than allowed.
    TimedOut,
    /// A signature does not verify.
    VerificationFailed,
}

impl Exit {
    pub(crate) const HELP: &'static str = "Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 not found, \
        4 not authorised, 6 timed out, 7 signature does not verify.";

    /// The number that the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Auth => 4,
            Self::TimedOut => 6,
            Self::VerificationFailed => 7,
        }
    }
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) error: anyhow::Error,
}

/// What a command comes to.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, error: anyhow::Error::msg(message.into()) }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { exit: Exit::Failed, error: error.into() }
    }
}
