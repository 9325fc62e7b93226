//! Records of the core API: read and listed here, written in [`super::dialect::records`].
//!
//! A list with conditions walks the index of facets by the first of them and looks the others up for each record; so
//! the condition that finds the fewest should stand first.

use uuid::Uuid;

use super::dialect::records::{RecordWrite, lite_write, pg_write};
use super::{Db, ListSql, Store, StoreError, on_read};
use crate::domain::id::RecordId;
use crate::domain::noun::Noun;
use crate::domain::noun::record::Record;
use crate::domain::noun::search::{CONDITIONS_MAX, Wanted};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

macro_rules! select_records {
    ($($rest:literal),+) => {
        concat!("select r.id, r.document, r.version, r.created_at, r.updated_at from ", $($rest),+)
    };
}

pub(super) const BY_ID: &str =
    select_records!("records r where r.tenant_id = $1 and r.environment = $2 and r.noun = $3 and r.id = $4");
pub(super) const EXISTS: &str = "select exists (select 1 from records \
    where tenant_id = $1 and environment = $2 and noun = $3 and id = $4)";

// The shapes differ in what they walk. Each further condition is a pair of parameters, null when there is none.
macro_rules! has {
    ($low:literal, $high:literal) => {
        concat!(
            " and (cast(",
            $low,
            " as text) is null or exists (select 1 from record_facets f \
             where f.record_id = w.record_id and f.facet >= ",
            $low,
            " and f.facet <= ",
            $high,
            "))"
        )
    };
}
macro_rules! narrowed {
    () => {
        concat!(
            has!("$4", "$5"),
            has!("$6", "$7"),
            has!("$8", "$9"),
            has!("$10", "$11"),
            has!("$12", "$13"),
            has!("$14", "$15"),
            has!("$16", "$17")
        )
    };
}
macro_rules! matching {
    ($what:literal, $which:literal, $between:literal) => {
        concat!(
            "select ",
            $what,
            " record_id from record_facets w \
             where w.tenant_id = $1 and w.environment = $2 and w.noun = $3 and ",
            $which,
            $between,
            narrowed!()
        )
    };
}
macro_rules! page_of {
    ($matching:expr, $order:literal, $tail:literal) => {
        concat!(
            "select r.id, r.document, r.version, r.created_at, r.updated_at from (",
            $matching,
            " order by record_id ",
            $order,
            $tail,
            ") m join records r on r.id = m.record_id order by r.id ",
            $order
        )
    };
}
macro_rules! list_of {
    ($what:literal, $which:literal, $between:literal, $tail:literal) => {
        ListSql {
            page: page_of!(matching!($what, $which, $between), "desc", $tail),
            page_back: page_of!(matching!($what, $which, $between), "asc", $tail),
            count: concat!("select count(*) from (", matching!($what, $which, ""), ") m"),
        }
    };
}
macro_rules! all {
    ($order:literal) => {
        select_records!(
            "records r where r.tenant_id = $1 and r.environment = $2 and r.noun = $3 and r.id >= $4 and r.id < $5 \
             order by r.id ",
            $order,
            " limit $6 offset $7"
        )
    };
}

pub(super) const ALL: ListSql = ListSql {
    page: all!("desc"),
    page_back: all!("asc"),
    count: "select count(*) from records where tenant_id = $1 and environment = $2 and noun = $3",
};
/// By one facet.
pub(super) const BY_FACET: ListSql =
    list_of!("", "w.facet = $18", " and w.record_id >= $19 and w.record_id < $20", " limit $21 offset $22");
/// By facets with the same beginning, of which a record may have several.
pub(super) const BY_WORD: ListSql = list_of!(
    "distinct",
    "w.facet >= $18 and w.facet <= $19",
    " and w.record_id >= $20 and w.record_id < $21",
    " limit $22 offset $23"
);
/// The conditions beside the one that is walked by: as many as `narrowed` has pairs.
const FURTHER_MAX: usize = 7;
const _: () = assert!(CONDITIONS_MAX == FURTHER_MAX + 1);

/// Which of the records that a list has to read.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// Ids from here on.
    pub from: Option<Uuid>,
    /// Ids before this.
    pub before: Option<Uuid>,
    /// Whether it begins at the oldest of them, and not at the newest.
    pub oldest_first: bool,
    /// So many at most.
    pub limit: u32,
    /// Less so many at its beginning.
    pub offset: u32,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    document: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

impl Row {
    fn record(self, scope: Scope, noun: &'static Noun) -> Result<Record, StoreError> {
        let id = RecordId { prefix: noun.prefix, uuid: self.id };
        let corrupt = |_| StoreError::Corrupt { table: "records", column: "document", id: id.to_string() };
        Ok(Record {
            noun,
            id,
            scope,
            document: serde_json::from_str(&self.document).map_err(corrupt)?,
            version: self.version,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
        })
    }
}

/// Binds what every list has in common.
macro_rules! bind_list {
    ($query:expr, $scope:expr, $noun:expr, $conditions:expr) => {{
        let Scope { tenant, environment } = $scope;
        let mut query = $query.bind(tenant.0).bind(environment.as_str()).bind($noun.name);
        if let [first, further @ ..] = $conditions {
            for place in 0..FURTHER_MAX {
                let wanted = further.get(place);
                query = query.bind(wanted.map(|wanted| &wanted.low)).bind(wanted.map(|wanted| &wanted.high));
            }
            query = query.bind(&first.low);
            if !first.is_exact() {
                query = query.bind(&first.high);
            }
        }
        query
    }};
}

impl Store {
    /// One record.
    pub async fn record(&self, scope: Scope, noun: &'static Noun, id: RecordId) -> Result<Option<Record>, StoreError> {
        let (tenant, environment) = (scope.tenant.0, scope.environment.as_str());
        let row: Option<Row> = on_read!(self, |db| {
            sqlx::query_as(BY_ID).bind(tenant).bind(environment).bind(noun.name).bind(id.uuid).fetch_optional(db).await
        })?;
        row.map(|row| row.record(scope, noun)).transpose()
    }

    /// Whether there is such a record.
    pub async fn has_record(&self, scope: Scope, noun: &'static Noun, id: RecordId) -> Result<bool, StoreError> {
        let (tenant, environment) = (scope.tenant.0, scope.environment.as_str());
        Ok(on_read!(self, |db| {
            sqlx::query_scalar(EXISTS).bind(tenant).bind(environment).bind(noun.name).bind(id.uuid).fetch_one(db).await
        })?)
    }

    /// A stretch of the records that meet all conditions (at most [`CONDITIONS_MAX`]), and how many of those there are
    /// in all.
    pub async fn records_page(
        &self,
        scope: Scope,
        noun: &'static Noun,
        conditions: &[Wanted],
        stretch: Stretch,
    ) -> Result<(Vec<Record>, u64), StoreError> {
        let Stretch { from, before, oldest_first, limit, offset } = stretch;
        let sql = match conditions {
            [] => ALL,
            [first, ..] if first.is_exact() => BY_FACET,
            [_, ..] => BY_WORD,
        };
        let page = if oldest_first { sql.page_back } else { sql.page };
        let total: i64 = on_read!(self, |db| {
            bind_list!(sqlx::query_scalar(sql.count), scope, noun, conditions).fetch_one(db).await
        })?;
        let rows: Vec<Row> = on_read!(self, |db| {
            let page = bind_list!(sqlx::query_as(page), scope, noun, conditions);
            let page = page.bind(from.unwrap_or(Uuid::nil())).bind(before.unwrap_or(Uuid::max()));
            page.bind(i64::from(limit)).bind(i64::from(offset)).fetch_all(db).await
        })?;
        let records = rows.into_iter().map(|row| row.record(scope, noun)).collect::<Result<_, _>>()?;
        Ok((records, u64::try_from(total).unwrap_or(0)))
    }

    /// Does a write that no event tells of. False when it was refused: see [`RecordWrite`].
    pub async fn write_record(&self, write: &RecordWrite) -> Result<bool, StoreError> {
        let done = match &self.db {
            Db::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                let done = pg_write(&mut tx, &[write]).await?;
                tx.commit().await?;
                done
            }
            Db::Sqlite { write: pool, .. } => {
                let mut tx = pool.begin_with("begin immediate").await?;
                let done = lite_write(&mut tx, &[write]).await?;
                tx.commit().await?;
                done
            }
        };
        Ok(done.contains(&write.id))
    }
}
