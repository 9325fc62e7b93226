//! POST requests that a client may repeat, by the key that it gave: begun, then answered or given up.

use uuid::Uuid;

use super::{Store, StoreError, in_tx, on_write};
use crate::domain::tenant::Environment;
use crate::domain::time::Timestamp;

// An entry that has expired is as good as none.
const FORGET_EXPIRED: &str = "delete from idempotent_requests \
    where owner = $1 and environment = $2 and route = $3 and key = $4 and expires_at <= $5";
const BEGIN: &str = "insert into idempotent_requests (owner, environment, route, key, request_hash, expires_at) \
    values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
const FIRST: &str = "select request_hash, status, answer from idempotent_requests \
    where owner = $1 and environment = $2 and route = $3 and key = $4";
const ANSWER: &str = "update idempotent_requests set status = $5, answer = $6, expires_at = $7 \
    where owner = $1 and environment = $2 and route = $3 and key = $4";
const GIVE_UP: &str = "delete from idempotent_requests \
    where owner = $1 and environment = $2 and route = $3 and key = $4 and status is null";
const PURGE: &str = "delete from idempotent_requests where (owner, environment, route, key) in \
    (select owner, environment, route, key from idempotent_requests where expires_at <= $1 order by expires_at limit $2)";

/// Which request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "said in migrations")]
pub struct RequestKey {
    pub owner: Uuid,
    pub environment: Option<Environment>,
    pub route: String,
    pub key: String,
}

/// What a request with a key finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing: it is the first, and noted as such.
    None,
    /// A request with another body.
    OtherRequest,
    /// The same request, still under way.
    UnderWay,
    /// The same request, with its status and its encrypted answer.
    Answered(u16, Vec<u8>),
}

/// Binds what a request is found by: `$1` to `$4`.
macro_rules! of_request {
    ($query:expr, $key:expr) => {
        $query
            .bind($key.owner)
            .bind($key.environment.map_or("", Environment::as_str))
            .bind($key.route.as_str())
            .bind($key.key.as_str())
    };
}

type FirstRow = (Vec<u8>, Option<i64>, Option<Vec<u8>>);

impl Store {
    /// Notes that a request begins, unless there is one with its key; gives it up at `until`.
    pub async fn begin_request(
        &self,
        key: &RequestKey,
        hash: [u8; 32],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Earlier, StoreError> {
        let first: Option<FirstRow> = in_tx!(self, |tx| {
            of_request!(sqlx::query(FORGET_EXPIRED), key).bind(now.as_millis()).execute(&mut *tx).await?;
            let begin = of_request!(sqlx::query(BEGIN), key).bind(&hash[..]).bind(until.as_millis());
            if begin.execute(&mut *tx).await?.rows_affected() > 0 {
                None
            } else {
                of_request!(sqlx::query_as(FIRST), key).fetch_optional(&mut *tx).await?
            }
        });
        Ok(match first {
            None => Earlier::None,
            Some((earlier_hash, _, _)) if earlier_hash != hash => Earlier::OtherRequest,
            Some((_, Some(status), Some(answer))) => Earlier::Answered(u16::try_from(status).unwrap_or(500), answer),
            Some(_) => Earlier::UnderWay,
        })
    }

    /// Keeps what a request was answered.
    pub async fn keep_answer(
        &self,
        key: &RequestKey,
        status: u16,
        sealed: &[u8],
        until: Timestamp,
    ) -> Result<(), StoreError> {
        on_write!(self, |db| {
            let answer = of_request!(sqlx::query(ANSWER), key).bind(i64::from(status)).bind(sealed);
            answer.bind(until.as_millis()).execute(db).await.map(drop)
        })?;
        Ok(())
    }

    /// Forgets a request that did nothing, so that it can be sent again.
    pub async fn give_up_request(&self, key: &RequestKey) -> Result<(), StoreError> {
        on_write!(self, |db| of_request!(sqlx::query(GIVE_UP), key).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Forgets some requests that have expired; returns how many.
    pub async fn purge_idempotent_requests(&self, now: Timestamp, max: u32) -> Result<u64, StoreError> {
        Ok(on_write!(self, |db| {
            let purge = sqlx::query(PURGE).bind(now.as_millis()).bind(i64::from(max));
            purge.execute(db).await.map(|done| done.rows_affected())
        })?)
    }
}
