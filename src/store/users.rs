//! People who sign in, and the hashes of their passwords, which leave this file only to be compared.

use uuid::Uuid;

use super::audit::note;
use super::{Store, StoreError, in_tx, on_read};
use crate::domain::audit::AuditEntry;
use crate::domain::id::{SessionId, TenantId, UserId};
use crate::domain::time::Timestamp;
use crate::domain::user::{Email, User};

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
const SET_PASSWORD: &str = "update users set password_hash = $2, updated_at = $3 where id = $1";
const DISABLE: &str = "update users set disabled_at = $2, updated_at = $2 where id = $1 and disabled_at is null";
/// All sessions of a user but one.
const REVOKE_SESSIONS: &str =
    "update sessions set revoked_at = $3 where user_id = $1 and id <> $2 and revoked_at is null";

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
