//! Portal links, and the visits that they became.

use std::time::Duration;

use uuid::Uuid;

use super::audit::note;
use super::{IdSpan, Store, StoreError, in_tx, on_read, on_write};
use crate::domain::audit::AuditEntry;
use crate::domain::id::{PortalLinkId, TenantId};
use crate::domain::portal::PortalLink;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

macro_rules! columns {
    () => {
        "id, tenant_id, environment, name, webhooks, read_only, made_by, created_at, link_ends_at, visit_ms, \
         opened_at, visit_ends_at, revoked_at"
    };
}

const INSERT: &str = "insert into portal_links (id, tenant_id, environment, name, webhooks, read_only, made_by, \
    token_hash, created_at, link_ends_at, visit_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const COUNT: &str = "select count(*) from (select id from portal_links where tenant_id = $1 and environment = $2 \
    limit $3) links";
/// Once, and in time: of two at the same moment one finds it opened.
const OPEN: &str = concat!(
    "update portal_links set opened_at = $2, visit_hash = $3, visit_ends_at = $2 + visit_ms where token_hash = $1 \
     and opened_at is null and revoked_at is null and link_ends_at > $2 returning ",
    columns!()
);
pub(super) const BY_VISIT: &str = concat!("select ", columns!(), " from portal_links where visit_hash = $1");
macro_rules! page {
    ($tail:literal) => {
        concat!(
            "select ",
            columns!(),
            " from portal_links where tenant_id = $1 and environment = $2 and id >= $3 and id < $4 ",
            $tail
        )
    };
}
pub(super) const PAGE: &str = page!("order by id desc limit $5 offset $6");
pub(super) const PAGE_BACK: &str = page!("order by id limit $5 offset $6");
const REVOKE: &str = "update portal_links set revoked_at = $4 where tenant_id = $1 and environment = $2 and id = $3 \
    and revoked_at is null";
pub(super) const PURGE: &str = "delete from portal_links where id in (select id from portal_links \
    where link_ends_at < $1 and (visit_ends_at is null or visit_ends_at < $1) order by link_ends_at limit $2)";

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    tenant_id: Uuid,
    environment: String,
    name: String,
    webhooks: String,
    read_only: bool,
    made_by: String,
    created_at: i64,
    link_ends_at: i64,
    visit_ms: i64,
    opened_at: Option<i64>,
    visit_ends_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl TryFrom<Row> for PortalLink {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = PortalLinkId(row.id);
        let corrupt = |column| StoreError::Corrupt { table: "portal_links", column, id: id.to_string() };
        let environment = row.environment.parse().map_err(|_| corrupt("environment"))?;
        Ok(Self {
            id,
            scope: Scope { tenant: TenantId(row.tenant_id), environment },
            name: row.name,
            webhooks: serde_json::from_str(&row.webhooks).map_err(|_| corrupt("webhooks"))?,
            read_only: row.read_only,
            made_by: serde_json::from_str(&row.made_by).map_err(|_| corrupt("made_by"))?,
            created_at: Timestamp::from_millis(row.created_at),
            link_ends_at: Timestamp::from_millis(row.link_ends_at),
            visit: Duration::from_millis(u64::try_from(row.visit_ms).map_err(|_| corrupt("visit_ms"))?),
            opened_at: row.opened_at.map(Timestamp::from_millis),
            visit_ends_at: row.visit_ends_at.map(Timestamp::from_millis),
            revoked_at: row.revoked_at.map(Timestamp::from_millis),
        })
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("ids and names are text")
}

impl Store {
    /// Keeps a new link.
    pub async fn insert_portal_link(
        &self,
        link: &PortalLink,
        token_hash: &[u8; 32],
        entry: Option<&AuditEntry>,
    ) -> Result<(), StoreError> {
        let PortalLink { id, scope, name, webhooks, read_only, made_by, created_at, link_ends_at, visit, .. } = link;
        let visit_ms = i64::try_from(visit.as_millis()).unwrap_or(i64::MAX);
        in_tx!(self, |tx| {
            let insert = sqlx::query(INSERT).bind(id.0).bind(scope.tenant.0).bind(scope.environment.as_str());
            let insert = insert.bind(name.as_str()).bind(json(webhooks)).bind(*read_only).bind(json(made_by));
            let insert = insert.bind(&token_hash[..]).bind(created_at.as_millis()).bind(link_ends_at.as_millis());
            insert.bind(visit_ms).execute(&mut *tx).await?;
            note!(tx, entry);
        });
        Ok(())
    }

    /// How many links of a scope are kept, up to `max`.
    pub async fn portal_links_count(&self, scope: Scope, max: u32) -> Result<u64, StoreError> {
        let count: i64 = on_read!(self, |db| {
            let count = sqlx::query_scalar(COUNT).bind(scope.tenant.0).bind(scope.environment.as_str());
            count.bind(i64::from(max)).fetch_one(db).await
        })?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Turns a link into a visit; none when it was opened already, is over, or never was.
    pub async fn open_portal_link(
        &self,
        token_hash: &[u8; 32],
        visit_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<PortalLink>, StoreError> {
        let row: Option<Row> = on_write!(self, |db| {
            let open = sqlx::query_as(OPEN).bind(&token_hash[..]).bind(now.as_millis()).bind(&visit_hash[..]);
            open.fetch_optional(db).await
        })?;
        row.map(PortalLink::try_from).transpose()
    }

    /// The link that became a visit, whether that still lasts or not.
    pub async fn portal_visit(&self, visit_hash: &[u8; 32]) -> Result<Option<PortalLink>, StoreError> {
        let row: Option<Row> =
            on_read!(self, |db| sqlx::query_as(BY_VISIT).bind(&visit_hash[..]).fetch_optional(db).await)?;
        row.map(PortalLink::try_from).transpose()
    }

    /// A page of the links of a scope that are kept.
    pub async fn portal_links_page(
        &self,
        scope: Scope,
        span: IdSpan,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<PortalLink>, StoreError> {
        let page = if span.oldest_first { PAGE_BACK } else { PAGE };
        let (from, before) = span.bounds();
        let rows: Vec<Row> = on_read!(self, |db| {
            let page = sqlx::query_as(page).bind(scope.tenant.0).bind(scope.environment.as_str());
            let page = page.bind(from).bind(before).bind(i64::from(limit)).bind(i64::from(offset));
            page.fetch_all(db).await
        })?;
        rows.into_iter().map(PortalLink::try_from).collect()
    }

    /// Ends a link and its visit; false when there is none of that id, or it was ended before.
    pub async fn revoke_portal_link(
        &self,
        scope: Scope,
        id: PortalLinkId,
        now: Timestamp,
        line: Option<&AuditEntry>,
    ) -> Result<bool, StoreError> {
        Ok(in_tx!(self, |tx| {
            let revoke = sqlx::query(REVOKE).bind(scope.tenant.0).bind(scope.environment.as_str()).bind(id.0);
            let done = revoke.bind(now.as_millis()).execute(&mut *tx).await?.rows_affected() > 0;
            note!(tx, line.filter(|_| done));
            done
        }))
    }

    /// Forgets links that were over before an instant, some at a time; returns how many.
    pub async fn purge_portal_links(&self, before: Timestamp, max: u32) -> Result<u64, StoreError> {
        Ok(on_write!(self, |db| {
            let purge = sqlx::query(PURGE).bind(before.as_millis()).bind(i64::from(max));
            purge.execute(db).await.map(|done| done.rows_affected())
        })?)
    }
}
