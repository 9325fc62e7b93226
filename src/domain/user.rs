//! Users: people who sign in, with a role that says what they may do.
//!
//! An owner or admin manages the keys of their tenant and may do there whatever a key could; a member only reads. An
//! operator belongs to the deployment instead of a tenant, and names the tenant that they act for.

use std::fmt;
use std::str::FromStr;

use super::id::{TenantId, UserId};
use super::permission::Permission;
use super::time::Timestamp;

/// The longest address of a user.
pub const EMAIL_CHARS_MAX: usize = 254;
/// The longest name of a user.
pub const USER_NAME_CHARS_MAX: usize = 100;

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Of a tenant: everything.
    Owner,
    /// Of a tenant: everything.
    Admin,
    /// Of a tenant: reads.
    Member,
    /// Of the deployment: everything, for any tenant.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Operator];

    /// The word that the API and the database use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Operator => "operator",
        }
    }

    /// Whether it belongs to a tenant, and not to the deployment.
    #[must_use]
    pub const fn is_of_tenant(self) -> bool {
        match self {
            Self::Owner | Self::Admin | Self::Member => true,
            Self::Operator => false,
        }
    }

    /// Whether it may change things: keys, and all that a key could change.
    #[must_use]
    pub const fn manages(self) -> bool {
        match self {
            Self::Owner | Self::Admin | Self::Operator => true,
            Self::Member => false,
        }
    }

    /// Whether it may make, change and remove users of its tenant that have a role, and give that role to others:
    /// an admin does so with members, so that nobody lifts themselves up.
    #[must_use]
    pub const fn rules_over(self, other: Self) -> bool {
        match (self, other) {
            (Self::Owner | Self::Operator, Self::Owner | Self::Admin | Self::Member) | (Self::Admin, Self::Member) => {
                true
            }
            (Self::Admin, Self::Owner | Self::Admin) | (Self::Member, _) | (_, Self::Operator) => false,
        }
    }

    /// Whether it may do what a route asks for.
    #[must_use]
    pub const fn permits(self, permission: Permission) -> bool {
        self.manages() || permission.is_reading()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no role.
#[derive(Debug, thiserror::Error)]
#[error("must be `owner`, `admin`, `member` or `operator`")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// The address that a user signs in with, in lower case: nobody has two that differ by case only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// A text that is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an address such as `ada@example.com`, of at most {EMAIL_CHARS_MAX} characters")]
pub struct InvalidEmail;

impl Email {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    /// Only the outline is checked: whether anybody reads it, only a letter could tell.
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim().to_lowercase();
        let (name, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let parts = [name, domain];
        let is_outline = parts.iter().all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.'))
            && !name.contains('@')
            && !text.chars().any(|c| c.is_whitespace() || c.is_control());
        if is_outline && text.chars().count() <= EMAIL_CHARS_MAX { Ok(Self(text)) } else { Err(InvalidEmail) }
    }
}

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Whose; an operator belongs to none.
    pub tenant: Option<TenantId>,
    /// What it signs in with.
    pub email: Email,
    /// For people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was shut out.
    pub disabled_at: Option<Timestamp>,
}

/// The name of a user, trimmed; `None` when it is too long, empty, or not text.
#[must_use]
pub fn user_name(text: &str) -> Option<String> {
    let name = text.trim();
    let fits = (1..=USER_NAME_CHARS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_without_case() {
        assert_eq!("  Ada@Example.COM ".parse::<Email>().unwrap().as_str(), "ada@example.com");
        for bad in
            ["", "ada", "@x", "ada@", "a b@x", "a@b@c", "a@.x", "a@x.", "a\n@x", &format!("{}@x", "a".repeat(253))]
        {
            assert_eq!(bad.parse::<Email>(), Err(InvalidEmail), "{bad:?}");
        }
    }

    #[test]
    fn a_member_reads_and_the_others_do_everything() {
        for permission in Permission::ALL {
            assert_eq!(Role::Member.permits(permission), permission.is_reading());
            assert!([Role::Owner, Role::Admin, Role::Operator].into_iter().all(|role| role.permits(permission)));
        }
    }

    #[test]
    fn nobody_lifts_themselves_up() {
        let over = |role: Role| Role::ALL.into_iter().filter(|other| role.rules_over(*other)).collect::<Vec<_>>();
        assert_eq!(over(Role::Owner), [Role::Owner, Role::Admin, Role::Member]);
        assert_eq!(over(Role::Operator), [Role::Owner, Role::Admin, Role::Member]);
        assert_eq!((over(Role::Admin), over(Role::Member)), (vec![Role::Member], vec![]));
    }

    #[test]
    fn roles_round_trip() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
            assert_eq!(role.is_of_tenant(), role != Role::Operator);
        }
        assert!("root".parse::<Role>().is_err());
    }
}
