//! Lists over all tenants, for operators. No index leads to what they pick: each looks at the newest rows by id, so many
//! and no more, picks from those, and says where to go on.

use uuid::Uuid;

use super::{Store, StoreError, dead_letters, deliveries, on_read};
use crate::domain::delivery::DeliveryState;
use crate::domain::id::TenantId;
use crate::domain::tenant::{Environment, Scope};
use crate::store::dead_letters::DeadLetter;
use crate::store::deliveries::Delivery;

/// Rows that one page looks at.
pub const LOOKED_AT_MAX: u32 = 5_000;

pub(super) const DELIVERIES: &str = "select n.tenant_id, n.environment, n.id, n.event_id, n.event_type, n.webhook_id, \
    n.reason, n.state, n.attempts, n.last_status, n.last_error, n.settled_at, n.note, q.due_at, q.leased from \
    (select tenant_id, environment, id, event_id, event_type, webhook_id, reason, state, attempts, last_status, \
    last_error, settled_at, note from deliveries where id < $1 order by id desc limit $2) n \
    left join due q on q.delivery_id = n.id \
    where (cast($3 as text) is null or n.environment = $3) and (cast($4 as text) is null or n.state = $4) \
    order by n.id desc limit $5";
pub(super) const DELIVERIES_EDGE: &str = "select id from deliveries where id < $1 order by id desc limit 1 offset $2";
pub(super) const DEAD_LETTERS: &str = "select n.tenant_id, n.environment, n.delivery_id, d.event_id, n.webhook_id, \
    n.event_type, d.attempts, d.last_status, d.last_error, n.died_at from \
    (select tenant_id, environment, delivery_id, webhook_id, event_type, died_at from dead_letters \
    where delivery_id < $1 order by delivery_id desc limit $2) n join deliveries d on d.id = n.delivery_id \
    where (cast($3 as text) is null or n.environment = $3) order by n.delivery_id desc limit $4";
pub(super) const DEAD_LETTERS_EDGE: &str =
    "select delivery_id from dead_letters where delivery_id < $1 order by delivery_id desc limit 1 offset $2";

/// What to pick.
#[derive(Debug, Clone, Copy, Default)]
pub struct Picked {
    /// Only of this environment.
    pub environment: Option<Environment>,
    /// Only deliveries in this state.
    pub state: Option<DeliveryState>,
    /// Ids before this.
    pub before: Option<Uuid>,
}

/// Rows with whose they are, newest first, and the id before which to go on.
pub struct Found<T> {
    /// The rows.
    pub rows: Vec<(Scope, T)>,
    /// Where to go on; none where there is nothing more.
    pub next: Option<Uuid>,
}

impl<T> Found<T> {
    /// The same with something else of each row.
    pub fn map<U>(self, of: impl Fn(T) -> U) -> Found<U> {
        let Self { rows, next } = self;
        Found { rows: rows.into_iter().map(|(scope, row)| (scope, of(row))).collect(), next }
    }
}

#[derive(sqlx::FromRow)]
struct Owned<T> {
    tenant_id: Uuid,
    environment: String,
    #[sqlx(flatten)]
    row: T,
}

impl<T> Owned<T> {
    fn scope(&self, table: &'static str) -> Result<Scope, StoreError> {
        let (tenant, id) = (TenantId(self.tenant_id), self.tenant_id.to_string());
        let environment = self.environment.parse::<Environment>();
        let environment = environment.map_err(|_| StoreError::Corrupt { table, column: "environment", id })?;
        Ok(Scope { tenant, environment })
    }
}

impl Store {
    /// The newest deliveries of all tenants that are picked.
    pub async fn deliveries_of_all(&self, picked: &Picked, limit: u32) -> Result<Found<Delivery>, StoreError> {
        let Picked { environment, state, before } = *picked;
        let (before, looked_at) = (before.unwrap_or(Uuid::max()), i64::from(LOOKED_AT_MAX));
        let found: Vec<Owned<deliveries::Row>> = on_read!(self, |db| {
            let page =
                sqlx::query_as(DELIVERIES).bind(before).bind(looked_at).bind(environment.map(Environment::as_str));
            page.bind(state.map(DeliveryState::as_str)).bind(i64::from(limit) + 1).fetch_all(db).await
        })?;
        let mut rows = Vec::with_capacity(found.len());
        for owned in found {
            rows.push((owned.scope("deliveries")?, Delivery::try_from(owned.row)?));
        }
        let next = self.go_on(&mut rows, limit, |row| row.id.0, (DELIVERIES_EDGE, before)).await?;
        Ok(Found { rows, next })
    }

    /// The newest dead letters of all tenants that are picked.
    pub async fn dead_letters_of_all(&self, picked: &Picked, limit: u32) -> Result<Found<DeadLetter>, StoreError> {
        let Picked { environment, state: _, before } = *picked;
        let (before, looked_at) = (before.unwrap_or(Uuid::max()), i64::from(LOOKED_AT_MAX));
        let found: Vec<Owned<dead_letters::Row>> = on_read!(self, |db| {
            let page = sqlx::query_as(DEAD_LETTERS).bind(before).bind(looked_at);
            page.bind(environment.map(Environment::as_str)).bind(i64::from(limit) + 1).fetch_all(db).await
        })?;
        let mut rows = Vec::with_capacity(found.len());
        for owned in found {
            rows.push((owned.scope("dead_letters")?, owned.row.into()));
        }
        let next = self.go_on(&mut rows, limit, |row: &DeadLetter| row.delivery.0, (DEAD_LETTERS_EDGE, before)).await?;
        Ok(Found { rows, next })
    }

    /// Cuts a page off, and says where the next begins: after its last row, else after the last that was looked at.
    async fn go_on<T>(
        &self,
        rows: &mut Vec<(Scope, T)>,
        limit: u32,
        id_of: fn(&T) -> Uuid,
        (edge, before): (&'static str, Uuid),
    ) -> Result<Option<Uuid>, StoreError> {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        if rows.len() > most {
            rows.truncate(most);
            return Ok(rows.last().map(|(_, row)| id_of(row)));
        }
        let last = i64::from(LOOKED_AT_MAX) - 1;
        Ok(on_read!(self, |db| sqlx::query_scalar(edge).bind(before).bind(last).fetch_optional(db).await)?)
    }
}
