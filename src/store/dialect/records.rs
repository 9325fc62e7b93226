//! Writes of records, of many requests in one transaction; inside that of accept where an event tells of them.

use std::collections::HashSet;

use sqlx::{PgConnection, SqliteConnection};
use uuid::Uuid;

use super::super::{StoreError, chunks};
use super::Rows;
use crate::domain::noun::record::Record;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

/// One record to write. It is refused, and nothing of it done, when the record has another version than the caller
/// saw, when a new one's id is taken, or when what a new one is part of is not there.
#[derive(Debug, Clone)]
pub struct RecordWrite {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub scope: Scope,
    /// The noun's name.
    pub noun: &'static str,
    /// What a new one is part of.
    pub parent: Option<Uuid>,
    /// JSON; empty where it is deleted.
    pub document: String,
    /// What lists find it by.
    pub facets: Vec<String>,
    /// What is done.
    pub step: RecordStep,
    /// When.
    pub now: Timestamp,
}

impl RecordWrite {
    /// What makes the database hold this record.
    pub fn new(record: &Record, step: RecordStep) -> Self {
        let Record { noun, id, scope, document, version: _, created_at: _, updated_at } = record;
        let (facets, text) = match step {
            RecordStep::Insert | RecordStep::Replace(_) => {
                (noun.facets(document), serde_json::to_string(document).expect("a map of JSON"))
            }
            RecordStep::Delete(_) => (Vec::new(), String::new()),
        };
        let parent = noun.parent_of(document).map(|id| id.uuid);
        Self { id: id.uuid, scope: *scope, noun: noun.name, parent, document: text, facets, step, now: *updated_at }
    }
}

impl RecordWrite {
    /// The version that the record must have; none where it is made.
    const fn version(&self) -> Option<i64> {
        match self.step {
            RecordStep::Insert => None,
            RecordStep::Replace(version) | RecordStep::Delete(version) => Some(version),
        }
    }
}

/// What is done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordStep {
    /// It is made, with [`FIRST_VERSION`].
    Insert,
    /// It is replaced while it has this version; the next one is one more.
    Replace(i64),
    /// It is deleted, with its parts, while it has this version.
    Delete(i64),
}

/// The version of a new record.
pub const FIRST_VERSION: i64 = 1;

// The parent is locked, so that it is not deleted between this look and the commit.
pub(in crate::store) const PG_INSERT: &str = "insert into records \
    (id, tenant_id, environment, noun, parent_id, document, version, created_at, updated_at) \
    select u.id, u.tenant, u.environment, u.noun, u.parent, u.document, 1, u.at, u.at \
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::bigint[]) \
        u (id, tenant, environment, noun, parent, document, at) \
    where u.parent is null or exists (select 1 from records p where p.id = u.parent \
        and p.tenant_id = u.tenant and p.environment = u.environment for key share) \
    on conflict (id) do nothing returning id";
// In order of the id, as all batches do: two of them would otherwise deadlock.
pub(in crate::store) const PG_REPLACE: &str = "update records r \
    set document = u.document, version = r.version + 1, updated_at = u.at \
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[]) \
        u (id, tenant, environment, noun, document, at, version) \
    where r.id = u.id and r.tenant_id = u.tenant and r.environment = u.environment and r.noun = u.noun \
        and r.version = u.version returning r.id";
pub(in crate::store) const PG_DELETE: &str = "delete from records r \
    using unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[]) \
        u (id, tenant, environment, noun, version) \
    where r.id = u.id and r.tenant_id = u.tenant and r.environment = u.environment and r.noun = u.noun \
        and r.version = u.version returning r.id";
pub(in crate::store) const PG_DROP_FACETS: &str = "delete from record_facets where record_id = any($1::uuid[])";
pub(in crate::store) const PG_FACETS: &str = "insert into record_facets \
    (record_id, tenant_id, environment, noun, facet) \
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])";

pub(in crate::store) const LITE_INSERT: &str = "insert into records \
    (id, tenant_id, environment, noun, parent_id, document, version, created_at, updated_at) \
    select $1, $2, $3, $4, $5, $6, 1, $7, $7 \
    where $5 is null or exists (select 1 from records p where p.id = $5 and p.tenant_id = $2 and p.environment = $3) \
    on conflict (id) do nothing";
pub(in crate::store) const LITE_REPLACE: &str = "update records set document = $5, version = version + 1, \
    updated_at = $6 where id = $1 and tenant_id = $2 and environment = $3 and noun = $4 and version = $7";
pub(in crate::store) const LITE_DELETE: &str = "delete from records \
    where id = $1 and tenant_id = $2 and environment = $3 and noun = $4 and version = $5";
pub(in crate::store) const LITE_DROP_FACETS: &str = "delete from record_facets where record_id = $1";
pub(in crate::store) const LITE_FACETS: Rows = Rows {
    head: "insert into record_facets (record_id, tenant_id, environment, noun, facet) values ",
    columns: 5,
    tail: "",
};

/// One write for each record: of two, the second cannot know the version that the first makes.
fn first_of_each<'a>(writes: &[&'a RecordWrite]) -> Vec<&'a RecordWrite> {
    let mut seen = HashSet::new();
    let mut first: Vec<_> = writes.iter().copied().filter(|write| seen.insert(write.id)).collect();
    first.sort_unstable_by_key(|write| write.id);
    first
}

fn column<'a, T>(writes: &[&'a RecordWrite], get: impl Fn(&'a RecordWrite) -> T) -> Vec<T> {
    writes.iter().map(|write| get(write)).collect()
}

/// Writes a batch; gives the records that were written.
pub(in crate::store) async fn pg_write(
    conn: &mut PgConnection,
    writes: &[&RecordWrite],
) -> Result<HashSet<Uuid>, StoreError> {
    let writes = first_of_each(writes);
    let those = |is: fn(&RecordStep) -> bool| -> Vec<&RecordWrite> {
        writes.iter().copied().filter(|write| is(&write.step)).collect()
    };
    let inserts = those(|step| matches!(step, RecordStep::Insert));
    let updates = those(|step| matches!(step, RecordStep::Replace(_)));
    let deletes = those(|step| matches!(step, RecordStep::Delete(_)));
    let mut done = HashSet::new();
    if !inserts.is_empty() {
        let insert = pg_bind(PG_INSERT, &inserts).bind(column(&inserts, |w| w.parent));
        let insert =
            insert.bind(column(&inserts, |w| w.document.as_str())).bind(column(&inserts, |w| w.now.as_millis()));
        done.extend(insert.fetch_all(&mut *conn).await?);
    }
    if !updates.is_empty() {
        let update = pg_bind(PG_REPLACE, &updates).bind(column(&updates, |w| w.document.as_str()));
        let update = update.bind(column(&updates, |w| w.now.as_millis())).bind(column(&updates, RecordWrite::version));
        let ids: Vec<Uuid> = update.fetch_all(&mut *conn).await?;
        sqlx::query(PG_DROP_FACETS).bind(&ids).execute(&mut *conn).await?;
        done.extend(ids);
    }
    if !deletes.is_empty() {
        done.extend(
            pg_bind(PG_DELETE, &deletes).bind(column(&deletes, RecordWrite::version)).fetch_all(&mut *conn).await?,
        );
    }
    let facets = |write: &&RecordWrite| done.contains(&write.id) && !write.facets.is_empty();
    pg_facets(conn, &writes.into_iter().filter(facets).collect::<Vec<_>>()).await?;
    Ok(done)
}

/// Binds what all writes have in common: id, tenant, environment and noun.
fn pg_bind<'q>(
    sql: &'static str,
    writes: &[&RecordWrite],
) -> sqlx::query::QueryScalar<'q, sqlx::Postgres, Uuid, sqlx::postgres::PgArguments> {
    sqlx::query_scalar(sql)
        .bind(column(writes, |w| w.id))
        .bind(column(writes, |w| w.scope.tenant.0))
        .bind(column(writes, |w| w.scope.environment.as_str()))
        .bind(column(writes, |w| w.noun))
}

async fn pg_facets(conn: &mut PgConnection, writes: &[&RecordWrite]) -> Result<(), StoreError> {
    let rows: Vec<(&RecordWrite, &str)> =
        writes.iter().flat_map(|write| write.facets.iter().map(|facet| (*write, facet.as_str()))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let of: Vec<&RecordWrite> = rows.iter().map(|(write, _)| *write).collect();
    let facets: Vec<&str> = rows.iter().map(|(_, facet)| *facet).collect();
    sqlx::query(PG_FACETS)
        .bind(column(&of, |w| w.id))
        .bind(column(&of, |w| w.scope.tenant.0))
        .bind(column(&of, |w| w.scope.environment.as_str()))
        .bind(column(&of, |w| w.noun))
        .bind(facets)
        .execute(conn)
        .await?;
    Ok(())
}

/// Writes a batch; gives the records that were written.
pub(in crate::store) async fn lite_write(
    conn: &mut SqliteConnection,
    writes: &[&RecordWrite],
) -> Result<HashSet<Uuid>, StoreError> {
    let mut done = HashSet::new();
    for write in first_of_each(writes) {
        let RecordWrite { id, scope, noun, parent, document, facets: _, step, now } = write;
        let sql = match step {
            RecordStep::Insert => LITE_INSERT,
            RecordStep::Replace(_) => LITE_REPLACE,
            RecordStep::Delete(_) => LITE_DELETE,
        };
        let query = sqlx::query(sql).bind(id).bind(scope.tenant.0).bind(scope.environment.as_str()).bind(*noun);
        let query = match step {
            RecordStep::Insert => query.bind(parent).bind(document).bind(now.as_millis()),
            RecordStep::Replace(version) => query.bind(document).bind(now.as_millis()).bind(version),
            RecordStep::Delete(version) => query.bind(version),
        };
        if query.execute(&mut *conn).await?.rows_affected() == 0 {
            continue;
        }
        if matches!(step, RecordStep::Replace(_)) {
            sqlx::query(LITE_DROP_FACETS).bind(id).execute(&mut *conn).await?;
        }
        lite_facets(conn, write).await?;
        done.insert(*id);
    }
    Ok(done)
}

async fn lite_facets(conn: &mut SqliteConnection, write: &RecordWrite) -> Result<(), StoreError> {
    for facets in chunks(&write.facets) {
        let text = LITE_FACETS.sql(facets.len());
        let mut insert = sqlx::query(&text);
        for facet in facets {
            insert = insert.bind(write.id).bind(write.scope.tenant.0).bind(write.scope.environment.as_str());
            insert = insert.bind(write.noun).bind(facet);
        }
        insert.execute(&mut *conn).await?;
    }
    Ok(())
}
