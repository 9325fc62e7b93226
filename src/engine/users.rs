//! Users: made, shut out, and given another password.

use super::Engine;
use super::sessions::LoginError;
use crate::chance;
use crate::domain::id::{TenantId, UserId};
use crate::domain::password::Password;
use crate::domain::user::{Email, Role, User};
use crate::store::StoreError;

/// A user to make.
pub struct NewUser {
    /// Whose; an operator belongs to none.
    pub tenant: Option<TenantId>,
    /// What it signs in with.
    pub email: Email,
    /// For people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// What it proves itself with.
    pub password: Password,
}

/// Why a user was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// Somebody has the address.
    #[error("a user with this address exists")]
    EmailTaken,
    /// An operator has no tenant, and everybody else has one.
    #[error("an operator belongs to no tenant, and everybody else to one")]
    Tenant,
    /// There is none.
    #[error("there is no such user")]
    NotFound,
    /// Too many passwords are being hashed.
    #[error("too many people are signing in")]
    Busy,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Makes a user.
    pub async fn create_user(&self, new: NewUser) -> Result<User, UserError> {
        let NewUser { tenant, email, name, role, password } = new;
        if role.is_of_tenant() != tenant.is_some() {
            return Err(UserError::Tenant);
        }
        let place = self.passwords.enter().ok_or(UserError::Busy)?;
        let hash = self.passwords.hash(place, password).await.ok_or(UserError::Busy)?;
        let now = self.clock.now();
        let id = UserId::new(now, chance::bits());
        let user = User { id, tenant, email, name, role, created_at: now, updated_at: now, disabled_at: None };
        match self.store.insert_user(&user, &hash).await {
            Ok(()) => Ok(user),
            Err(StoreError::Conflict(_)) => Err(UserError::EmailTaken),
            Err(error) => Err(error.into()),
        }
    }

    /// The user of an address.
    pub async fn user_of(&self, email: &Email) -> Result<User, UserError> {
        self.store.user_by_email(email).await?.map(|(user, _)| user).ok_or(UserError::NotFound)
    }

    /// Shuts a user out, at once. False when they were already.
    pub async fn disable_user(&self, user: UserId) -> Result<bool, StoreError> {
        self.store.disable_user(user, self.clock.now()).await
    }

    /// Says whether a user gets mails about operational events.
    pub async fn set_mail(&self, user: UserId, gets_mail: bool) -> Result<(), StoreError> {
        self.store.set_mail(user, gets_mail, self.clock.now()).await
    }

    /// Gives a user another password without asking for the old one, ends their sessions, and forgets wrong guesses.
    pub async fn reset_password(&self, user: &User, new: Password) -> Result<(), UserError> {
        match self.replace_password(user.id, new, None).await {
            Ok(()) => Ok(self.store.forget_guesses(&self.address_hash(&user.email)).await?),
            Err(LoginError::Store(error)) => Err(error.into()),
            Err(LoginError::Busy | LoginError::Wrong | LoginError::Locked { .. }) => Err(UserError::Busy),
        }
    }
}
