//! Who a request acts for: a tenant, in one of its two environments.

use std::fmt;
use std::str::FromStr;

use super::id::TenantId;

/// Live and test data never mix: a key, and all that it sees, belongs to one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Keys start with `sk_live_`.
    Production,
    /// Keys start with `sk_test_`.
    Staging,
}

impl Environment {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Production, Self::Staging];

    /// The word that the API and the database use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no environment.
#[derive(Debug, thiserror::Error)]
#[error("must be `production` or `staging`")]
pub struct UnknownEnvironment;

impl FromStr for Environment {
    type Err = UnknownEnvironment;

    fn from_str(text: &str) -> Result<Self, UnknownEnvironment> {
        match text {
            "production" => Ok(Self::Production),
            "staging" => Ok(Self::Staging),
            _ => Err(UnknownEnvironment),
        }
    }
}

/// What every statement that reads or writes a tenant's rows is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// Whose rows.
    pub tenant: TenantId,
    /// Live or test ones.
    pub environment: Environment,
}
