//! Users: made, shut out, and given another password.

use serde_json::json;

use super::Engine;
use super::audit::{Action, made, of_user};
use super::sessions::LoginError;
use crate::chance;
use crate::domain::audit::changes;
use crate::domain::id::{TenantId, UserId};
use crate::domain::password::Password;
use crate::domain::user::{Email, Role, User};
use crate::store::StoreError;
use crate::store::users::UserWritten;

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

/// What to change of a user; what is not given stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Another name.
    pub name: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Whether they may sign in.
    pub is_active: Option<bool>,
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
    /// Who asks does not rule over users of this role.
    #[error("the role `{0}` may not make or change a user who is `{1}`")]
    Rank(Role, Role),
    /// The tenant would have no owner left who can sign in.
    #[error("a tenant keeps an owner who can sign in")]
    LastOwner,
    /// Others changed the user meanwhile.
    #[error("the user has just been changed")]
    Changed,
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
        let id = UserId::new(now, chance::id_tail());
        let user = User { id, tenant, email, name, role, created_at: now, updated_at: now, disabled_at: None };
        let line = self.line(tenant, Action::UserCreate, id, made(&of_user(&user)));
        match self.store.insert_user(&user, &hash, line.as_ref()).await {
            Ok(()) => Ok(user),
            Err(StoreError::Conflict(_)) => Err(UserError::EmailTaken),
            Err(error) => Err(error.into()),
        }
    }

    /// One user of a tenant, as somebody who has signed in sees them: a member sees themselves only.
    pub async fn teammate(&self, tenant: TenantId, by: &User, id: UserId) -> Result<User, UserError> {
        let found = self.store.user(id).await?.map(|(user, _)| user);
        let may_see = |user: &User| user.tenant == Some(tenant) && (by.role.manages() || by.id == user.id);
        found.filter(may_see).ok_or(UserError::NotFound)
    }

    /// Makes a user on behalf of somebody who has signed in.
    pub async fn create_teammate(&self, by: &User, new: NewUser) -> Result<User, UserError> {
        rules(by, new.role)?;
        self.create_user(new).await
    }

    /// Changes a user on behalf of somebody who has signed in. They change themselves too, where that lifts them to
    /// nothing.
    pub async fn change_teammate(
        &self,
        tenant: TenantId,
        by: &User,
        id: UserId,
        change: UserChange,
    ) -> Result<User, UserError> {
        let was = self.managed(tenant, by, id).await?;
        let (mut user, now) = (was.clone(), self.clock.now());
        let UserChange { name, role, is_active } = change;
        if let Some(role) = role.filter(|role| *role != was.role) {
            rules(by, role)?;
            user.role = role;
        }
        user.name = name.unwrap_or(user.name);
        user.disabled_at = match is_active {
            None => user.disabled_at,
            Some(true) => None,
            Some(false) => user.disabled_at.or(Some(now)),
        };
        user.updated_at = now;
        let told = changes(&of_user(&was), &of_user(&user));
        let line = self.line(Some(tenant), Action::UserUpdate, id, told);
        written(self.store.change_user(tenant, &user, &was, line.as_ref()).await?)?;
        Ok(user)
    }

    /// Removes a user on behalf of somebody who has signed in.
    pub async fn delete_teammate(&self, tenant: TenantId, by: &User, id: UserId) -> Result<(), UserError> {
        let user = self.managed(tenant, by, id).await?;
        let line = self.line(Some(tenant), Action::UserDelete, id, made(&of_user(&user)));
        written(self.store.delete_user(tenant, &user, line.as_ref()).await?)
    }

    /// Gives another user a new password on behalf of somebody who has signed in.
    pub async fn reset_teammate(
        &self,
        tenant: TenantId,
        by: &User,
        id: UserId,
        new: Password,
    ) -> Result<(), UserError> {
        let user = self.managed(tenant, by, id).await?;
        self.reset_password(&user, new).await
    }

    /// A user whom somebody may change.
    async fn managed(&self, tenant: TenantId, by: &User, id: UserId) -> Result<User, UserError> {
        let user = self.teammate(tenant, by, id).await?;
        if user.id != by.id {
            rules(by, user.role)?;
        }
        Ok(user)
    }

    /// The user of an address.
    pub async fn user_of(&self, email: &Email) -> Result<User, UserError> {
        self.store.user_by_email(email).await?.map(|(user, _)| user).ok_or(UserError::NotFound)
    }

    /// Shuts a user out, at once. False when they were already.
    pub async fn disable_user(&self, user: UserId) -> Result<bool, StoreError> {
        let tenant = self.store.user(user).await?.and_then(|(user, _)| user.tenant);
        let line = self.line(tenant, Action::UserDisable, user, json!({}));
        self.store.disable_user(user, self.clock.now(), line.as_ref()).await
    }

    /// Says whether a user gets mails about operational events.
    pub async fn set_mail(&self, user: &User, gets_mail: bool) -> Result<(), StoreError> {
        let told = json!({ "getsMail": { "old": !gets_mail, "new": gets_mail } });
        let line = self.line(user.tenant, Action::UserUpdate, user.id, told);
        self.store.set_mail(user.id, gets_mail, self.clock.now(), line.as_ref()).await
    }

    /// Gives a user another password without asking for the old one, ends their sessions, and forgets wrong guesses.
    pub async fn reset_password(&self, user: &User, new: Password) -> Result<(), UserError> {
        match self.replace_password(user, new, None).await {
            Ok(()) => Ok(self.store.forget_guesses(&self.address_hash(&user.email)).await?),
            Err(LoginError::Store(error)) => Err(error.into()),
            Err(LoginError::Busy | LoginError::Wrong | LoginError::Locked { .. }) => Err(UserError::Busy),
        }
    }
}

fn rules(by: &User, role: Role) -> Result<(), UserError> {
    if by.role.rules_over(role) { Ok(()) } else { Err(UserError::Rank(by.role, role)) }
}

fn written(written: UserWritten) -> Result<(), UserError> {
    match written {
        UserWritten::Done => Ok(()),
        UserWritten::Changed => Err(UserError::Changed),
        UserWritten::LastOwner => Err(UserError::LastOwner),
    }
}
