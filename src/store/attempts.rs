//! Attempts: written in [`super::dialect::settle`], read here.

use super::{Store, StoreError, on_read};
use crate::domain::id::DeliveryId;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

pub(super) const OF_DELIVERY: &str = "select number, started_at, duration_ms, url, status, error, next_at, outcome, \
    request_headers, response_headers, response_excerpt from attempts \
    where tenant_id = $1 and delivery_id = $2 order by number limit $3";

/// The most attempts of one delivery that are read at once.
pub const ATTEMPTS_MAX: i64 = 200;

/// An attempt as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// 1 is the delivery's first ever.
    pub number: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub duration_ms: i64,
    /// The URL that it went to.
    pub url: String,
    /// The HTTP status, if any.
    pub status: Option<i64>,
    /// The failure's word, if there was no complete answer.
    pub error: Option<String>,
    /// When the next attempt was to be.
    pub next_at: Option<Timestamp>,
    /// One sentence: what happened and what comes next.
    pub outcome: String,
    /// JSON object; without secrets.
    pub request_headers: String,
    /// JSON object.
    pub response_headers: String,
    /// The first bytes of the answer.
    pub response_excerpt: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    started_at: i64,
    duration_ms: i64,
    url: String,
    status: Option<i64>,
    error: Option<String>,
    next_at: Option<i64>,
    outcome: String,
    request_headers: String,
    response_headers: String,
    response_excerpt: Vec<u8>,
}

impl From<Row> for Attempt {
    fn from(row: Row) -> Self {
        let Row {
            number,
            started_at,
            duration_ms,
            url,
            status,
            error,
            next_at,
            outcome,
            request_headers,
            response_headers,
            response_excerpt,
        } = row;
        Self {
            number,
            started_at: Timestamp::from_millis(started_at),
            duration_ms,
            url,
            status,
            error,
            next_at: next_at.map(Timestamp::from_millis),
            outcome,
            request_headers,
            response_headers,
            response_excerpt,
        }
    }
}

impl Store {
    /// The attempts of a delivery, first to last.
    pub async fn attempts(&self, scope: Scope, delivery: DeliveryId) -> Result<Vec<Attempt>, StoreError> {
        let rows: Vec<Row> = on_read!(self, |db| {
            let select = sqlx::query_as(OF_DELIVERY).bind(scope.tenant.0).bind(delivery.0).bind(ATTEMPTS_MAX);
            select.fetch_all(db).await
        })?;
        Ok(rows.into_iter().map(Attempt::from).collect())
    }
}
