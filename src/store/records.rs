//! Records of the core API: read and listed here, written in [`super::dialect::records`].
//!
//! A list with conditions walks the index of facets by the first of them and looks the others up for each record; so
//! the condition that finds the fewest should stand first.

use uuid::Uuid;

use super::dialect::records::{RecordWrite, lite_write, pg_write};
use super::{Db, Store, StoreError, on_read};
use crate::domain::id::RecordId;
use crate::domain::noun::Noun;
use crate::domain::noun::record::Record;
use crate::domain::noun::search::{CONDITIONS_MAX, Wanted};
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

macro_rules! select_records {
    ($rest:literal) => {
        concat!("select r.id, r.document, r.version, r.created_at, r.updated_at from ", $rest)
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
    ($what:literal, $which:literal) => {
        concat!(
            "select ",
            $what,
            " record_id from record_facets w \
             where w.tenant_id = $1 and w.environment = $2 and w.noun = $3 and ",
            $which,
            narrowed!()
        )
    };
}
macro_rules! page_of {
    ($matching:expr, $tail:literal) => {
        concat!(
            "select r.id, r.document, r.version, r.created_at, r.updated_at from (",
            $matching,
            " order by record_id desc ",
            $tail,
            ") m join records r on r.id = m.record_id order by r.id desc"
        )
    };
}
macro_rules! count_of {
    ($matching:expr) => {
        concat!("select count(*) from (", $matching, ") m")
    };
}

pub(super) const ALL: (&str, &str) = (
    select_records!(
        "records r where r.tenant_id = $1 and r.environment = $2 and r.noun = $3 order by r.id desc limit $4 offset $5"
    ),
    "select count(*) from records where tenant_id = $1 and environment = $2 and noun = $3",
);
/// By one facet.
pub(super) const BY_FACET: (&str, &str) =
    (page_of!(matching!("", "w.facet = $18"), "limit $19 offset $20"), count_of!(matching!("", "w.facet = $18")));
/// By facets with the same beginning, of which a record may have several.
pub(super) const BY_WORD: (&str, &str) = (
    page_of!(matching!("distinct", "w.facet >= $18 and w.facet <= $19"), "limit $20 offset $21"),
    count_of!(matching!("distinct", "w.facet >= $18 and w.facet <= $19")),
);
/// The conditions beside the one that is walked by: as many as `narrowed` has pairs.
const FURTHER_MAX: usize = 7;
const _: () = assert!(CONDITIONS_MAX == FURTHER_MAX + 1);

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

    /// A page of the records that meet all conditions (at most [`CONDITIONS_MAX`]), newest first, and how many there
    /// are.
    pub async fn records_page(
        &self,
        scope: Scope,
        noun: &'static Noun,
        conditions: &[Wanted],
        limit: u32,
        offset: u32,
    ) -> Result<(Vec<Record>, u64), StoreError> {
        let (page, count) = match conditions {
            [] => ALL,
            [first, ..] if first.is_exact() => BY_FACET,
            [_, ..] => BY_WORD,
        };
        let total: i64 = on_read!(self, |db| {
            bind_list!(sqlx::query_scalar(count), scope, noun, conditions).fetch_one(db).await
        })?;
        let rows: Vec<Row> = on_read!(self, |db| {
            let page = bind_list!(sqlx::query_as(page), scope, noun, conditions);
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
