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
    /// Some of what was asked for was done, and some was not.
    PartlyFailed,
    /// It took longer than allowed.
    TimedOut,
    /// A signature does not verify.
    VerificationFailed,
}

impl Exit {
    pub(crate) const HELP: &'static str = "Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 not found, \
        4 not authorised, 5 partly done, 6 timed out, 7 signature does not verify.";

    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::NotFound,
        Self::Auth,
        Self::PartlyFailed,
        Self::TimedOut,
        Self::VerificationFailed,
    ];

    /// What it means, for the reference.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "Done.",
            Self::Failed => "Not done; standard error says why.",
            Self::Usage => "The arguments make no sense.",
            Self::NotFound => "What was asked for is not there.",
            Self::Auth => "No API key, a wrong one, or one without the permission.",
            Self::PartlyFailed => "Some of it was done, and some was not.",
            Self::TimedOut => "It took longer than allowed.",
            Self::VerificationFailed => "A signature does not verify.",
        }
    }

    /// The number that the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Auth => 4,
            Self::PartlyFailed => 5,
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

impl Failure {
    /// The same, with what it is about in front.
    pub(crate) fn about(self, what: impl std::fmt::Display) -> Self {
        let Self { exit, error } = self;
        Self { exit, error: anyhow::Error::msg(format!("{what}: {error:#}")) }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { exit: Exit::Failed, error: error.into() }
    }
}
