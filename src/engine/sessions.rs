//! Signing in and out.
//!
//! A guess at a password is counted before it is checked, by a keyed hash of the address and not by the user: many
//! guesses at once are all counted, and an address that nobody has behaves as one that somebody has. A wrong address
//! also costs the same work as a wrong password.
//!
//! A token names a session, and the session's row is read for every request: ending one takes effect at once, in every
//! process, and so does shutting a user out or changing their role.

use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use super::Engine;
use super::audit::Action;
use crate::chance;
use crate::domain::id::{AuditId, SessionId};
use crate::domain::meter::Period;
use crate::domain::password::Password;
use crate::domain::session::{self, Claims, InvalidToken, Session};
use crate::domain::user::{Email, User};
use crate::store::StoreError;
use crate::store::sessions::Guess;

/// What keys of session tokens are derived under.
pub(super) const TOKEN_KEY_LABEL: &[u8] = b"session-token";
/// What keys of the hashes of addresses are derived under.
pub(super) const ADDRESS_KEY_LABEL: &[u8] = b"login-address";

/// Somebody who has signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Their session.
    pub session: Session,
    /// Who.
    pub user: User,
}

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// No such address, or not its password, or the user was shut out: which, nobody is told.
    #[error("the address or the password is wrong")]
    Wrong,
    /// There were too many wrong guesses.
    #[error("too many wrong passwords")]
    Locked {
        /// How long until the next guess.
        wait: Duration,
    },
    /// Too many people are signing in.
    #[error("too many people are signing in")]
    Busy,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a token is not let in.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The token is not believed.
    #[error("the session {0}")]
    Token(#[from] InvalidToken),
    /// The session has ended, or its user was shut out.
    #[error("the session has ended")]
    Ended,
    /// The database did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Signs somebody in: the session, and its token.
    pub async fn login(&self, email: &Email, guess: Password) -> Result<(SignedIn, String), LoginError> {
        let found = self.store.user_by_email(email).await?;
        let hash = found.as_ref().map(|(_, hash)| hash.clone());
        let checked = self.check_guess(email, guess, hash).await;
        if let Err(LoginError::Locked { wait }) = &checked {
            self.note_lockout(found.as_ref().map(|(user, _)| user), *wait).await?;
        }
        checked?;
        let (user, _) = found.filter(|(user, _)| user.disabled_at.is_none()).ok_or(LoginError::Wrong)?;
        let now = self.clock.now();
        let session = Session {
            id: SessionId::new(now, chance::id_tail()),
            user: user.id,
            created_at: now,
            expires_at: now.after(self.limits.session),
            revoked_at: None,
        };
        let line = self.line_by(Some(&user), Action::SessionCreate, session.id, json!({}));
        self.store.insert_session(&session, Some(&line)).await?;
        tracing::info!(user.id = %user.id, session.id = %session.id, "{} signed in", user.id);
        let token = self.token(&session, &user);
        Ok((SignedIn { session, user }, token))
    }

    /// One line for each time that somebody is locked out, however often they go on guessing: its id follows from when
    /// the lockout began. For addresses that nobody has there is one a minute, under no tenant: as much work, so that
    /// nobody can tell, and no more lines than that.
    async fn note_lockout(&self, user: Option<&User>, wait: Duration) -> Result<(), StoreError> {
        let began = self.clock.now().after(wait).before(self.limits.login_lockout);
        let mut line = match user {
            Some(user) => self.line_by(Some(user), Action::SessionLocked, user.id, json!({})),
            None => self.line_by(None, Action::SessionLocked, "an unknown address", json!({})),
        };
        line.id = match user {
            Some(user) => AuditId::new(began, user.id.0.as_u128() << 48),
            None => AuditId::new(Period::Minute.window_at(began).starts_at, 0),
        };
        self.store.insert_audit(&line).await
    }

    fn token(&self, session: &Session, user: &User) -> String {
        let claims = Claims {
            sub: user.id,
            sid: session.id,
            role: user.role,
            tenant: user.tenant,
            iat: session.created_at.as_seconds(),
            exp: session.expires_at.as_seconds(),
        };
        session::sign(&claims, &self.token_key)
    }

    /// Checks a guess at the password of an address, and counts it.
    async fn check_guess(&self, email: &Email, guess: Password, hash: Option<String>) -> Result<(), LoginError> {
        // Before it is counted: what is not checked does not count.
        let place = self.passwords.enter().ok_or(LoginError::Busy)?;
        let (now, address) = (self.clock.now(), self.address_hash(email));
        let until = now.after(self.limits.login_lockout);
        match self.store.count_guess(&address, now, until, self.limits.login_failures_max).await? {
            Guess::Counted => {}
            Guess::Refused(until) => return Err(LoginError::Locked { wait: until.since(now) }),
        }
        if !self.passwords.is_right(place, guess, hash).await {
            return Err(LoginError::Wrong);
        }
        Ok(self.store.forget_guesses(&address).await?)
    }

    pub(super) fn address_hash(&self, email: &Email) -> [u8; 32] {
        let mac = Hmac::<Sha256>::new_from_slice(&self.address_key).expect("HMAC takes keys of any length");
        mac.chain_update(email.as_str()).finalize().into_bytes().into()
    }

    /// Who holds a token.
    pub async fn signed_in(&self, token: &str) -> Result<SignedIn, SessionError> {
        let now = self.clock.now();
        let claims = session::verify(token, &self.token_key, now)?;
        let found = self.store.session(claims.sid).await?;
        let held = found.filter(|(session, user)| session.holds_at(now) && user.disabled_at.is_none());
        let (session, user) = held.ok_or(SessionError::Ended)?;
        Ok(SignedIn { session, user })
    }

    /// What the forms of a session's pages carry.
    pub fn form_token(&self, session: SessionId) -> String {
        session::form_token(session, &self.token_key)
    }

    /// Whether a form came from one of the session's pages.
    pub fn is_form_token(&self, text: &str, session: SessionId) -> bool {
        session::is_form_token(text, session, &self.token_key)
    }

    /// Ends a session.
    pub async fn logout(&self, who: &SignedIn) -> Result<(), StoreError> {
        let line = self.line_by(Some(&who.user), Action::SessionEnd, who.session.id, json!({}));
        self.store.revoke_session(who.session.id, self.clock.now(), Some(&line)).await
    }

    /// Gives somebody another password and ends their other sessions. They show the old one again: a session that was
    /// left open must not be enough.
    pub async fn change_password(&self, who: &SignedIn, old: Password, new: Password) -> Result<(), LoginError> {
        let found = self.store.user(who.user.id).await?;
        self.check_guess(&who.user.email, old, found.map(|(_, hash)| hash)).await?;
        self.replace_password(&who.user, new, Some(who.session.id)).await
    }

    /// Gives a user another password and ends their sessions, but one that is to be kept.
    pub(super) async fn replace_password(
        &self,
        user: &User,
        new: Password,
        keep: Option<SessionId>,
    ) -> Result<(), LoginError> {
        let place = self.passwords.enter().ok_or(LoginError::Busy)?;
        let hash = self.passwords.hash(place, new).await.ok_or(LoginError::Busy)?;
        let line = self.line(user.tenant, Action::UserPassword, user.id, json!({}));
        Ok(self.store.set_password(user.id, &hash, keep, self.clock.now(), line.as_ref()).await?)
    }
}
