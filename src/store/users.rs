//! People who sign in, and the hashes of their passwords, which leave this file only to be compared.

use uuid::Uuid;

use super::audit::note;
use super::{Store, StoreError, in_tx, on_read};
use crate::domain::audit::AuditEntry;
use crate::domain::id::{SessionId, TenantId, UserId};
use crate::domain::time::Timestamp;
use crate::domain::user::{Email, Role, User};

macro_rules! select_users {
    ($rest:literal) => {
        concat!(
            "select id, tenant_id, email, name, role, password_hash, created_at, updated_at, disabled_at from users ",
            $rest
        )
    };
}

const INSERT: &str = "insert into users \
    (id, tenant_id, email, name, role, password_hash, created_at, updated_at, disabled_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const BY_EMAIL: &str = select_users!("where email = $1");
const BY_ID: &str = select_users!("where id = $1");
const ALL: &str = select_users!("order by id limit $1");
const OF_TENANT: &str = select_users!("where tenant_id = $1 order by id limit $2");
const PAGE: &str = select_users!("where tenant_id = $1 order by id desc limit $2 offset $3");
const COUNT: &str = "select count(*) from users where tenant_id = $1";
/// Changes nothing: it holds back every other change of a tenant's users until the transaction ends.
const TAKE_TURN: &str = "update tenants set name = name where id = $1";
/// Owners that are left without this one.
const OTHER_OWNERS: &str = "select count(*) from users \
    where tenant_id = $1 and id <> $2 and role = 'owner' and disabled_at is null";
const CHANGE: &str = "update users set name = $3, role = $4, disabled_at = $5, updated_at = $6 \
    where tenant_id = $1 and id = $2 and role = $7 and coalesce(disabled_at, 0) = $8";
const DELETE_SESSIONS: &str = "delete from sessions where user_id = $1";
pub(super) const DELETE_MAILS: &str = "delete from mails where user_id = $1";
const DELETE: &str = "delete from users \
    where tenant_id = $1 and id = $2 and role = $3 and coalesce(disabled_at, 0) = $4";
const SET_PASSWORD: &str = "update users set password_hash = $2, updated_at = $3 where id = $1";
const DISABLE: &str = "update users set disabled_at = $2, updated_at = $2 where id = $1 and disabled_at is null";
/// All sessions of a user but one.
const REVOKE_SESSIONS: &str =
    "update sessions set revoked_at = $3 where user_id = $1 and id <> $2 and revoked_at is null";

/// What became of a change of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserWritten {
    /// It is written.
    Done,
    /// They are gone, or others have changed them.
    Changed,
    /// The tenant would have no owner left who can sign in.
    LastOwner,
}

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: Uuid,
    tenant_id: Option<Uuid>,
    email: String,
    name: String,
    role: String,
    password_hash: String,
    created_at: i64,
    updated_at: i64,
    disabled_at: Option<i64>,
}

/// A user with the hash of their password.
type WithHash = (User, String);

impl TryFrom<Row> for WithHash {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let Row { id, tenant_id, email, name, role, password_hash, created_at, updated_at, disabled_at } = row;
        let corrupt = |column| StoreError::Corrupt { table: "users", column, id: UserId(id).to_string() };
        let user = User {
            id: UserId(id),
            tenant: tenant_id.map(TenantId),
            email: email.parse().map_err(|_| corrupt("email"))?,
            name,
            role: role.parse().map_err(|_| corrupt("role"))?,
            created_at: Timestamp::from_millis(created_at),
            updated_at: Timestamp::from_millis(updated_at),
            disabled_at: disabled_at.map(Timestamp::from_millis),
        };
        Ok((user, password_hash))
    }
}

fn without_hashes(rows: Vec<Row>) -> Result<Vec<User>, StoreError> {
    rows.into_iter().map(|row| WithHash::try_from(row).map(|(user, _)| user)).collect()
}

/// Whether somebody is an owner who can sign in.
fn is_owner(user: &User) -> bool {
    user.role == Role::Owner && user.disabled_at.is_none()
}

impl Store {
    /// Keeps a new user; a conflict when somebody has the address.
    pub async fn insert_user(
        &self,
        user: &User,
        password_hash: &str,
        line: Option<&AuditEntry>,
    ) -> Result<(), StoreError> {
        let User { id, tenant, email, name, role, created_at, updated_at, disabled_at } = user;
        in_tx!(self, |tx| {
            let insert = sqlx::query(INSERT).bind(id.0).bind(tenant.map(|id| id.0)).bind(email.as_str()).bind(name);
            let insert = insert.bind(role.as_str()).bind(password_hash).bind(created_at.as_millis());
            let insert = insert.bind(updated_at.as_millis()).bind(disabled_at.map(Timestamp::as_millis));
            insert.execute(&mut *tx).await?;
            note!(tx, line);
        });
        Ok(())
    }

    /// Who has an address, disabled or not.
    pub async fn user_by_email(&self, email: &Email) -> Result<Option<WithHash>, StoreError> {
        let row: Option<Row> =
            on_read!(self, |db| sqlx::query_as(BY_EMAIL).bind(email.as_str()).fetch_optional(db).await)?;
        row.map(WithHash::try_from).transpose()
    }

    /// One user.
    pub async fn user(&self, id: UserId) -> Result<Option<WithHash>, StoreError> {
        let row: Option<Row> = on_read!(self, |db| sqlx::query_as(BY_ID).bind(id.0).fetch_optional(db).await)?;
        row.map(WithHash::try_from).transpose()
    }

    /// The users of a tenant, or all, oldest first.
    pub async fn users(&self, tenant: Option<TenantId>, max: u32) -> Result<Vec<User>, StoreError> {
        let max = i64::from(max);
        let rows: Vec<Row> = match tenant {
            None => on_read!(self, |db| sqlx::query_as(ALL).bind(max).fetch_all(db).await)?,
            Some(tenant) => {
                on_read!(self, |db| sqlx::query_as(OF_TENANT).bind(tenant.0).bind(max).fetch_all(db).await)?
            }
        };
        without_hashes(rows)
    }

    /// A page of the users of a tenant, newest first, and how many there are.
    pub async fn users_page(&self, tenant: TenantId, limit: u32, offset: u32) -> Result<(Vec<User>, u64), StoreError> {
        let total: i64 = on_read!(self, |db| sqlx::query_scalar(COUNT).bind(tenant.0).fetch_one(db).await)?;
        let rows: Vec<Row> = on_read!(self, |db| {
            let page = sqlx::query_as(PAGE).bind(tenant.0).bind(i64::from(limit)).bind(i64::from(offset));
            page.fetch_all(db).await
        })?;
        Ok((without_hashes(rows)?, u64::try_from(total).unwrap_or(0)))
    }

    /// Writes a user of a tenant who still has the role, and may or may not sign in, as when they were read. Whoever is
    /// shut out has no session left.
    pub async fn change_user(
        &self,
        tenant: TenantId,
        user: &User,
        was: &User,
        line: Option<&AuditEntry>,
    ) -> Result<UserWritten, StoreError> {
        let User { id, tenant: _, email: _, name, role, created_at: _, updated_at, disabled_at } = user;
        let goes = is_owner(was) && !is_owner(user);
        Ok(in_tx!(self, |tx| {
            sqlx::query(TAKE_TURN).bind(tenant.0).execute(&mut *tx).await?;
            let others: i64 = sqlx::query_scalar(OTHER_OWNERS).bind(tenant.0).bind(id.0).fetch_one(&mut *tx).await?;
            if goes && others == 0 {
                return Ok(UserWritten::LastOwner);
            }
            let change = sqlx::query(CHANGE).bind(tenant.0).bind(id.0).bind(name).bind(role.as_str());
            let change = change.bind(disabled_at.map(Timestamp::as_millis)).bind(updated_at.as_millis());
            let change = change.bind(was.role.as_str()).bind(was.disabled_at.map_or(0, Timestamp::as_millis));
            if change.execute(&mut *tx).await?.rows_affected() == 0 {
                return Ok(UserWritten::Changed);
            }
            if disabled_at.is_some() {
                let revoke = sqlx::query(REVOKE_SESSIONS).bind(id.0).bind(Uuid::nil());
                revoke.bind(updated_at.as_millis()).execute(&mut *tx).await?;
            }
            note!(tx, line);
            UserWritten::Done
        }))
    }

    /// Removes a user of a tenant who is still as when they were read, their sessions, and the mails to them.
    pub async fn delete_user(
        &self,
        tenant: TenantId,
        was: &User,
        line: Option<&AuditEntry>,
    ) -> Result<UserWritten, StoreError> {
        let id = was.id;
        Ok(in_tx!(self, |tx| {
            sqlx::query(TAKE_TURN).bind(tenant.0).execute(&mut *tx).await?;
            let others: i64 = sqlx::query_scalar(OTHER_OWNERS).bind(tenant.0).bind(id.0).fetch_one(&mut *tx).await?;
            if is_owner(was) && others == 0 {
                return Ok(UserWritten::LastOwner);
            }
            sqlx::query(DELETE_SESSIONS).bind(id.0).execute(&mut *tx).await?;
            sqlx::query(DELETE_MAILS).bind(id.0).execute(&mut *tx).await?;
            let delete = sqlx::query(DELETE).bind(tenant.0).bind(id.0).bind(was.role.as_str());
            let delete = delete.bind(was.disabled_at.map_or(0, Timestamp::as_millis));
            if delete.execute(&mut *tx).await?.rows_affected() == 0 {
                return Ok(UserWritten::Changed);
            }
            note!(tx, line);
            UserWritten::Done
        }))
    }

    /// Gives a user another password, and ends all their sessions but one.
    pub async fn set_password(
        &self,
        id: UserId,
        password_hash: &str,
        keep: Option<SessionId>,
        now: Timestamp,
        line: Option<&AuditEntry>,
    ) -> Result<(), StoreError> {
        let keep = keep.map_or(Uuid::nil(), |session| session.0);
        in_tx!(self, |tx| {
            let set = sqlx::query(SET_PASSWORD).bind(id.0).bind(password_hash).bind(now.as_millis());
            set.execute(&mut *tx).await?;
            sqlx::query(REVOKE_SESSIONS).bind(id.0).bind(keep).bind(now.as_millis()).execute(&mut *tx).await?;
            note!(tx, line);
        });
        Ok(())
    }

    /// Shuts a user out and ends their sessions; false when they were already.
    pub async fn disable_user(
        &self,
        id: UserId,
        now: Timestamp,
        line: Option<&AuditEntry>,
    ) -> Result<bool, StoreError> {
        Ok(in_tx!(self, |tx| {
            let disable = sqlx::query(DISABLE).bind(id.0).bind(now.as_millis());
            let disabled = disable.execute(&mut *tx).await?.rows_affected() > 0;
            let revoke = sqlx::query(REVOKE_SESSIONS).bind(id.0).bind(Uuid::nil()).bind(now.as_millis());
            revoke.execute(&mut *tx).await?;
            note!(tx, line.filter(|_| disabled));
            disabled
        }))
    }
}
