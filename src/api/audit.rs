//! The audit log of a tenant, for its owners and admins.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Api;
use super::page::{ByPageOrCursor, List, PAGE_OR_CURSOR, Page};
use super::problem::Problem;
use super::query::Query;
use super::replay_view::ActorView;
use super::session::AuditReader;
use crate::domain::audit::AuditEntry;
use crate::domain::id::{AuditId, first_uuid_at};
use crate::domain::tenant::Environment;
use crate::domain::time::Timestamp;
use crate::engine::audit::Action;
use crate::store::IdSpan;
use crate::store::audit::AuditFilter;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(list))
}

const FILTERS: &[&str] = &["actorId", "action", "subject", "after", "before"];

/// What somebody changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
struct EntryView {
    id: AuditId,
    at: Timestamp,
    actor: ActorView,
    /// Noun and verb.
    #[schema(example = "webhook.update")]
    action: String,
    /// The id of what was changed.
    #[schema(example = "wh_01m7zvcjkge008000000000001")]
    subject: String,
    /// Where the thing belongs to one.
    #[schema(value_type = Option<Environment>)]
    environment: Option<Environment>,
    /// Each field that was changed, with its old and its new value; never secrets.
    #[schema(value_type = Object, example = json!({ "timeoutMs": { "old": 10_000, "new": 5_000 } }))]
    changes: Value,
    /// The `X-Request-Id` of the request.
    #[schema(example = "req_01m7zvcjkge008000000000001")]
    request_id: Option<String>,
    /// Where it came from.
    #[schema(example = "192.0.2.7")]
    address: Option<String>,
}

impl From<AuditEntry> for EntryView {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { id, tenant: _, environment, actor, action, subject, changes, request, address } = entry;
        let actor = actor.into();
        Self { id, at: id.time(), actor, action, subject, environment, changes, request_id: request, address }
    }
}

/// List who changed what
#[utoipa::path(
    get,
    path = "/api/tenant/audit-log",
    operation_id = "listAuditLog",
    tag = "Audit log",
    params(
        ByPageOrCursor,
        ("actorId" = Option<String>, Query, description = "Only what this key or user did"),
        ("action" = Option<String>, Query, description = "Only this, such as `webhook.update`"),
        ("subject" = Option<String>, Query, description = "Only what was done to the thing of this id"),
        ("after" = Option<Timestamp>, Query, description = "Only from then on"),
        ("before" = Option<Timestamp>, Query, description = "Only before then"),
    ),
    responses((status = 200, description = "A page of changes, newest first", body = List<EntryView>)),
    security(("session" = ["owner", "admin", "operator"])),
)]
async fn list(
    State(api): State<Arc<Api>>,
    AuditReader(tenant): AuditReader,
    uri: Uri,
) -> Result<Json<List<EntryView>>, Problem> {
    let mut query = Query::read(&uri, &[PAGE_OR_CURSOR, FILTERS]);
    let page = Page::read_shallow(&mut query, &api.options);
    let actions = || Action::ALL.iter().map(|action| action.as_str()).collect::<Vec<_>>().join(", ");
    let action = query.get("action", &format!("one of {}", actions()), Action::parse);
    let mut filter = AuditFilter {
        actor: query.text("actorId").map(str::to_owned),
        action: action.map(|action| action.as_str().to_owned()),
        subject: query.text("subject").map(str::to_owned),
        span: IdSpan {
            from: query.time("after").map(first_uuid_at),
            before: query.time("before").map(first_uuid_at),
            oldest_first: false,
        },
    };
    query.finish()?;
    let store = api.engine.store();
    let total = store.audit_count(tenant, &filter).await?;
    filter.span = page.within(filter.span);
    let mut rows = store.audit_page(tenant, &filter, page.limit + 1, page.offset()).await?;
    let next = page.cut(&mut rows, |entry| entry.id.0);
    let total = page.count(total, rows.len());
    Ok(Json(page.list(rows.into_iter().map(EntryView::from).collect(), total, next)))
}
