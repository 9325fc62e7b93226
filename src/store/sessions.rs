//! Sessions, and the guesses at passwords.

use uuid::Uuid;

use super::audit::note;
use super::{Store, StoreError, in_tx, on_read, on_write};
use crate::domain::audit::AuditEntry;
use crate::domain::id::{SessionId, UserId};
use crate::domain::session::Session;
use crate::domain::time::Timestamp;
use crate::domain::user::User;

/// Sessions that one user can have at once; the oldest give way.
const SESSIONS_OF_USER_MAX: i64 = 20;

const INSERT: &str = "insert into sessions (id, user_id, created_at, expires_at) values ($1, $2, $3, $4)";
pub(super) const DROP_OLDEST: &str = "delete from sessions where user_id = $1 and id in \
    (select id from sessions where user_id = $1 order by id desc limit $2 offset $2)";
pub(super) const BY_ID: &str = "select id, user_id, created_at, expires_at, revoked_at from sessions where id = $1";
const REVOKE: &str = "update sessions set revoked_at = $2 where id = $1 and revoked_at is null";
pub(super) const PURGE: &str = "delete from sessions where id in \
    (select id from sessions where expires_at <= $1 order by expires_at limit $2)";

/// Counts one guess, unless there have been as many as may be; those of another time are forgotten first.
pub(super) const COUNT_GUESS: &str = "insert into login_guesses (address, guesses, forgotten_at) values ($1, 1, $3) \
    on conflict (address) do update set forgotten_at = excluded.forgotten_at, \
    guesses = case when login_guesses.forgotten_at <= $2 then 1 else login_guesses.guesses + 1 end \
    where login_guesses.forgotten_at <= $2 or login_guesses.guesses < $4";
const GUESSES_END: &str = "select forgotten_at from login_guesses where address = $1";
const FORGET_GUESSES: &str = "delete from login_guesses where address = $1";
pub(super) const PURGE_GUESSES: &str = "delete from login_guesses where address in \
    (select address from login_guesses where forgotten_at <= $1 order by forgotten_at limit $2)";

type Row = (Uuid, Uuid, i64, i64, Option<i64>);

fn session((id, user, created_at, expires_at, revoked_at): Row) -> Session {
    Session {
        id: SessionId(id),
        user: UserId(user),
        created_at: Timestamp::from_millis(created_at),
        expires_at: Timestamp::from_millis(expires_at),
        revoked_at: revoked_at.map(Timestamp::from_millis),
    }
}

/// Whether another guess may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// It is counted: go on.
    Counted,
    /// There were too many. They are forgotten then.
    Refused(Timestamp),
}

impl Store {
    /// Keeps a new session.
    pub async fn insert_session(&self, session: &Session, line: Option<&AuditEntry>) -> Result<(), StoreError> {
        let Session { id, user, created_at, expires_at, revoked_at: _ } = session;
        in_tx!(self, |tx| {
            let insert = sqlx::query(INSERT).bind(id.0).bind(user.0).bind(created_at.as_millis());
            insert.bind(expires_at.as_millis()).execute(&mut *tx).await?;
            sqlx::query(DROP_OLDEST).bind(user.0).bind(SESSIONS_OF_USER_MAX).execute(&mut *tx).await?;
            note!(tx, line);
        });
        Ok(())
    }

    /// A session and its user, whether it holds or not.
    pub async fn session(&self, id: SessionId) -> Result<Option<(Session, User)>, StoreError> {
        let row: Option<Row> = on_read!(self, |db| sqlx::query_as(BY_ID).bind(id.0).fetch_optional(db).await)?;
        let Some(session) = row.map(session) else { return Ok(None) };
        Ok(self.user(session.user).await?.map(|(user, _)| (session, user)))
    }

    /// Ends a session.
    pub async fn revoke_session(
        &self,
        id: SessionId,
        now: Timestamp,
        line: Option<&AuditEntry>,
    ) -> Result<(), StoreError> {
        in_tx!(self, |tx| {
            let revoked = sqlx::query(REVOKE).bind(id.0).bind(now.as_millis()).execute(&mut *tx).await?;
            note!(tx, line.filter(|_| revoked.rows_affected() > 0));
        });
        Ok(())
    }

    /// Counts a guess at the password of an address before it is checked, so that many at once are counted too.
    pub async fn count_guess(
        &self,
        address: &[u8; 32],
        now: Timestamp,
        forgotten_at: Timestamp,
        max: u32,
    ) -> Result<Guess, StoreError> {
        let counted = on_write!(self, |db| {
            let count = sqlx::query(COUNT_GUESS).bind(&address[..]).bind(now.as_millis());
            let count = count.bind(forgotten_at.as_millis()).bind(i64::from(max));
            count.execute(db).await.map(|done| done.rows_affected() > 0)
        })?;
        if counted {
            return Ok(Guess::Counted);
        }
        let end: Option<i64> =
            on_read!(self, |db| sqlx::query_scalar(GUESSES_END).bind(&address[..]).fetch_optional(db).await)?;
        // Forgotten between the two: the next try is counted.
        Ok(Guess::Refused(end.map_or(now, Timestamp::from_millis)))
    }

    /// Forgets the guesses at an address: one was right.
    pub async fn forget_guesses(&self, address: &[u8; 32]) -> Result<(), StoreError> {
        on_write!(self, |db| sqlx::query(FORGET_GUESSES).bind(&address[..]).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Removes sessions that have ended by themselves, and guesses that are forgotten; so many of each at most.
    pub async fn purge_sessions(&self, now: Timestamp, max: u32) -> Result<u64, StoreError> {
        let mut most = 0;
        for purge in [PURGE, PURGE_GUESSES] {
            let removed = on_write!(self, |db| {
                let purge = sqlx::query(purge).bind(now.as_millis()).bind(i64::from(max));
                purge.execute(db).await.map(|done| done.rows_affected())
            })?;
            most = removed.max(most);
        }
        Ok(most)
    }
}
