//! Session tokens: JSON Web Tokens that say which session somebody holds.
//!
//! There is one algorithm, HMAC-SHA256, and so one header, which is compared byte for byte: no token can choose how it
//! is checked. What a token says of its user is for whoever reads it; what counts is the session's row, which is looked
//! at on every request. So a session can be ended, and a role changed, at once. See `docs/decisions`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::id::{SessionId, TenantId, UserId};
use super::time::Timestamp;
use super::user::Role;

/// `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// No token of ours is longer.
const TOKEN_CHARS_MAX: usize = 1024;

/// What every token starts with: tells one from an API key.
pub const TOKEN_PREFIX: &str = "eyJ";

/// A session: somebody has signed in, and has not signed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

impl Session {
    /// Whether it holds.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// What a token says. Times are in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: UserId,
    /// The session.
    pub sid: SessionId,
    /// What the user could do when the token was made.
    pub role: Role,
    /// The user's tenant.
    pub tenant: Option<TenantId>,
    /// When it was made.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// Not of our form, or not signed with our key.
    #[error("is not one of this deployment")]
    Forged,
    /// Its time is over.
    #[error("has expired")]
    Expired,
}

/// Writes a token.
#[must_use]
pub fn sign(claims: &Claims, key: &[u8; 32]) -> String {
    let claims = serde_json::to_vec(claims).expect("claims are text and numbers");
    let mut token = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
    let tag = mac(&token, key).finalize().into_bytes();
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(tag, &mut token);
    token
}

/// Reads a token.
///
/// # Errors
/// When it was not signed with the key, or has expired.
pub fn verify(token: &str, key: &[u8; 32], now: Timestamp) -> Result<Claims, InvalidToken> {
    let (signed, tag) = token.rsplit_once('.').ok_or(InvalidToken::Forged)?;
    let (header, claims) = signed.split_once('.').ok_or(InvalidToken::Forged)?;
    if header != HEADER || token.len() > TOKEN_CHARS_MAX {
        return Err(InvalidToken::Forged);
    }
    let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| InvalidToken::Forged)?;
    mac(signed, key).verify_slice(&tag).map_err(|_| InvalidToken::Forged)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| InvalidToken::Forged)?;
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| InvalidToken::Forged)?;
    if claims.exp <= now.as_seconds() { Err(InvalidToken::Expired) } else { Ok(claims) }
}

/// What a form of our pages carries, so that no other site can have a browser send it: a proof of the session that no
/// script of theirs can read.
#[must_use]
pub fn form_token(session: SessionId, key: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(mac(&form_text(session), key).finalize().into_bytes())
}

/// Whether a form's token is of the session; in constant time.
#[must_use]
pub fn is_form_token(text: &str, session: SessionId, key: &[u8; 32]) -> bool {
    let tag = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    mac(&form_text(session), key).verify_slice(&tag).is_ok()
}

/// No token of a session starts so: what is signed for one use can never be shown for the other.
fn form_text(session: SessionId) -> String {
    format!("form of {session}")
}

fn mac(text: &str, key: &[u8; 32]) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.chain_update(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const KEY: [u8; 32] = [7; 32];
    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn claims() -> Claims {
        Claims {
            sub: UserId(Uuid::from_u128(1)),
            sid: SessionId(Uuid::from_u128(2)),
            role: Role::Admin,
            tenant: Some(TenantId(Uuid::from_u128(3))),
            iat: 1_000,
            exp: 1_001,
        }
    }

    #[test]
    fn the_header_is_what_it_says() {
        assert_eq!(URL_SAFE_NO_PAD.decode(HEADER).unwrap(), br#"{"alg":"HS256","typ":"JWT"}"#);
        assert!(sign(&claims(), &KEY).starts_with(TOKEN_PREFIX));
    }

    #[test]
    fn a_token_ends_on_its_second() {
        let token = sign(&claims(), &KEY);
        assert_eq!(verify(&token, &KEY, NOW), Ok(claims()));
        assert_eq!(verify(&token, &KEY, Timestamp::from_millis(1_000_999)), Ok(claims()));
        assert_eq!(verify(&token, &KEY, Timestamp::from_millis(1_001_000)), Err(InvalidToken::Expired));
    }

    #[test]
    fn no_token_chooses_its_algorithm() {
        let token = sign(&claims(), &KEY);
        let body = token.split('.').nth(1).unwrap();
        for header in [r#"{"alg":"none"}"#, r#"{"typ":"JWT","alg":"HS256"}"#, r#"{"alg":"RS256","typ":"JWT"}"#] {
            let signed = format!("{}.{body}", URL_SAFE_NO_PAD.encode(header));
            let tag = URL_SAFE_NO_PAD.encode(mac(&signed, &KEY).finalize().into_bytes());
            assert_eq!(verify(&format!("{signed}.{tag}"), &KEY, NOW), Err(InvalidToken::Forged), "{header}");
            assert_eq!(verify(&format!("{signed}."), &KEY, NOW), Err(InvalidToken::Forged), "{header}");
        }
        assert_eq!(verify(&format!("{HEADER}.{body}."), &KEY, NOW), Err(InvalidToken::Forged));
        assert_eq!(verify(&token, &[8; 32], NOW), Err(InvalidToken::Forged));
    }

    #[test]
    fn a_form_belongs_to_its_session() {
        let [one, other] = [2, 3].map(|number| SessionId(Uuid::from_u128(number)));
        let token = form_token(one, &KEY);
        assert!(is_form_token(&token, one, &KEY));
        assert!(!is_form_token(&token, other, &KEY) && !is_form_token(&token, one, &[8; 32]));
        assert!(!is_form_token("", one, &KEY) && !is_form_token("\u{0}", one, &KEY));
    }

    proptest! {
        #[test]
        fn one_changed_character_is_noticed(at in 0usize..200, to in "[A-Za-z0-9_.-]") {
            let token = sign(&claims(), &KEY);
            let at = at % token.len();
            let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
            // The last digit of base64 has bits to spare, which a strict decoder refuses.
            prop_assert_eq!(verify(&changed, &KEY, NOW).is_ok(), changed == token);
        }

        #[test]
        fn garbage_never_panics(text in "\\PC{0,80}|eyJ[A-Za-z0-9_.-]{0,80}") {
            prop_assert!(verify(&text, &KEY, NOW).is_err());
        }
    }
}
