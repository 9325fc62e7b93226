//! Portal links: a tenant's own customer opens the pages of some webhooks by a link, without an account here.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::{Caller, ReadDeliveries, ReadWebhooks, WriteDeliveries, WriteWebhooks};
use super::json::Json;
use super::page::{ByPageOrCursor, List, PAGE_OR_CURSOR, Page};
use super::problem::{Code, Problem};
use super::query::{Id, Noun as _, Query};
use super::replay_view::ActorView;
use super::{Api, Success, said, success};
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::{PortalLinkId, WebhookId};
use crate::domain::portal::{PORTAL_NAME_CHARS_MAX, PORTAL_WEBHOOKS_MAX, PortalLink, portal_url};
use crate::domain::time::Timestamp;
use crate::engine::portal_links::{NewPortalLink, PortalError};

/// The shortest visit.
const VISIT_SECONDS_MIN: u64 = 60;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(create, list)).routes(routes!(revoke))
}

/// A link to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(
    as = NewPortalLink,
    example = json!({ "name": "Acme Inc.", "webhookIds": ["wh_01m7zvcjkge008000000000001"], "readOnly": true }),
)]
struct NewLink {
    /// Whom it is for: they read it at the top of their pages.
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The webhooks that it shows, and no others, whatever is registered later.
    #[serde(default)]
    #[schema(required = true, min_items = 1, max_items = 100)]
    webhook_ids: Vec<WebhookId>,
    /// False lets its visitor send tests, retry deliveries, pause and resume.
    #[schema(default = true)]
    read_only: Option<bool>,
    /// How long the visit lasts once the link was opened; 8 hours where it is not said, and at most.
    #[schema(minimum = 60, maximum = 28_800, default = 28_800)]
    visit_seconds: Option<u64>,
}

/// A link as listed: by what is shown here nobody can open it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PortalLink)]
struct LinkView {
    id: PortalLinkId,
    #[schema(example = "Acme Inc.")]
    name: String,
    webhook_ids: Vec<WebhookId>,
    #[schema(example = true)]
    read_only: bool,
    /// `waiting` to be opened, `open` while the visit lasts, `ended`.
    #[schema(example = "waiting")]
    status: &'static str,
    made_by: ActorView,
    /// Until when it can be opened.
    link_ends_at: Timestamp,
    #[schema(example = 28_800)]
    visit_seconds: u64,
    #[schema(example = json!(null))]
    opened_at: Option<Timestamp>,
    /// Until when the visit lasts, if it was opened.
    #[schema(example = json!(null))]
    visit_ends_at: Option<Timestamp>,
    #[schema(example = json!(null))]
    revoked_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl LinkView {
    fn new(link: PortalLink, now: Timestamp) -> Self {
        let status = link.standing(now).as_str();
        let PortalLink {
            id,
            scope: _,
            name,
            webhooks,
            read_only,
            made_by,
            created_at,
            link_ends_at,
            visit,
            opened_at,
            visit_ends_at,
            revoked_at,
        } = link;
        Self {
            id,
            name,
            webhook_ids: webhooks,
            read_only,
            status,
            made_by: made_by.into(),
            link_ends_at,
            visit_seconds: visit.as_secs(),
            opened_at,
            visit_ends_at,
            revoked_at,
            created_at,
        }
    }
}

/// A link that was just made.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedPortalLink)]
struct CreatedView {
    #[serde(flatten)]
    link: LinkView,
    /// Give it to the customer: it can be opened once, and is not shown again.
    #[schema(
        example = "https://hooks.example.com/ui/portal/open?token=ptk_…",
        extensions(("x-shown-once" = json!(true))),
    )]
    url: String,
}

/// Make a portal link
///
/// By its URL a customer of yours, who needs no account, opens the pages of the webhooks that you name: their
/// deliveries, and why signatures fail; and, where it is not `readOnly`, sends tests, retries, pauses and resumes. It can
/// be opened once, within ten minutes.
#[utoipa::path(
    post,
    path = "/api/v1/portal-links",
    operation_id = "createPortalLink",
    tag = "Webhooks",
    request_body = NewLink,
    responses((status = 201, description = "The link", body = Success<CreatedView>)),
    security(("apiKey" = ["webhook:manage"])),
)]
async fn create(
    State(api): State<Arc<Api>>,
    // A visitor may see and do what these four permit: no key hands on more than it holds.
    _: Caller<ReadWebhooks>,
    _: Caller<ReadDeliveries>,
    _: Caller<WriteDeliveries>,
    caller: Caller<WriteWebhooks>,
    headers: HeaderMap,
    Json(NewLink { name, webhook_ids, read_only, visit_seconds }): Json<NewLink>,
) -> Result<Response, Problem> {
    let limits = api.engine.limits();
    let visit = visit_seconds.map(Duration::from_secs);
    let most = limits.portal.visit_s.as_secs();
    if visit_seconds.is_some_and(|seconds| !(VISIT_SECONDS_MIN..=most).contains(&seconds)) {
        let message = format!("must be from {VISIT_SECONDS_MIN} to {most}");
        return Err(Problem::field(FieldProblem::new("visitSeconds", FieldCode::OutOfRange, message)));
    }
    let new = NewPortalLink {
        name: name.ok_or_else(|| Problem::field(FieldProblem::required("name")))?,
        webhooks: webhook_ids,
        read_only: read_only.unwrap_or(true),
        visit,
    };
    let (link, token) = api.engine.create_portal_link(caller.scope, new).await?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let url = portal_url(&limits.portal.public_url, host, limits.production, &token);
    let link = LinkView::new(link, api.engine.clock().now());
    Ok(success(StatusCode::CREATED, CreatedView { link, url }))
}

/// List portal links
///
/// Those that are over are kept for some days.
#[utoipa::path(
    get,
    path = "/api/v1/portal-links",
    operation_id = "listPortalLinks",
    tag = "Webhooks",
    params(ByPageOrCursor),
    responses((status = 200, description = "A page of links, newest first", body = List<LinkView>)),
    security(("apiKey" = ["write:webhooks"])),
)]
async fn list(
    State(api): State<Arc<Api>>,
    // Only who may make them sees whom others were made for.
    caller: Caller<WriteWebhooks>,
    uri: Uri,
) -> Result<axum::Json<List<LinkView>>, Problem> {
    let mut query = Query::read(&uri, &[PAGE_OR_CURSOR]);
    let page = Page::read_shallow(&mut query, &api.options);
    query.finish()?;
    let (store, now) = (api.engine.store(), api.engine.clock().now());
    let total = store.portal_links_count(caller.scope, api.engine.limits().portal.links_max).await?;
    let mut rows = store.portal_links_page(caller.scope, page.span(), page.limit + 1, page.offset()).await?;
    let cursors = page.cut(&mut rows, |link| link.id.0);
    let total = page.count(total, rows.len());
    Ok(axum::Json(page.list(rows.into_iter().map(|link| LinkView::new(link, now)).collect(), total, cursors)))
}

#[derive(Serialize, ToSchema)]
#[schema(as = RevokedPortalLink)]
struct Revoked {
    id: PortalLinkId,
}

/// Revoke a portal link
///
/// It cannot be opened any more, and the visit that it became is over at once.
#[utoipa::path(
    delete,
    path = "/api/v1/portal-links/{id}",
    operation_id = "revokePortalLink",
    tag = "Webhooks",
    params(("id" = PortalLinkId, Path)),
    responses((status = 200, description = "It is over", body = Success<Revoked>)),
    security(("apiKey" = ["write:webhooks"])),
)]
async fn revoke(
    State(api): State<Arc<Api>>,
    caller: Caller<WriteWebhooks>,
    Id(id): Id<PortalLinkId>,
) -> Result<Response, Problem> {
    api.engine.revoke_portal_link(caller.scope, id).await?;
    Ok(said(StatusCode::OK, "Portal link revoked", Revoked { id }))
}

impl From<PortalError> for Problem {
    fn from(error: PortalError) -> Self {
        let field = |name: &str, code, message: String| Self::field(FieldProblem::new(name, code, message));
        match error {
            PortalError::Name => {
                let message = format!("must have 1 to {PORTAL_NAME_CHARS_MAX} characters, all of them printable");
                field("name", FieldCode::Length, message)
            }
            PortalError::Webhooks => {
                field("webhookIds", FieldCode::Length, format!("must have 1 to {PORTAL_WEBHOOKS_MAX} entries"))
            }
            PortalError::NoWebhook(id) => field("webhookIds", FieldCode::NotFound, format!("names no webhook: {id}")),
            PortalError::TooMany { max } => {
                Self::new(Code::PlanLimitExceeded, format!("There are {max} portal links, which is as many as may be."))
            }
            PortalError::NotFound => Self::not_found(PortalLinkId::NOUN),
            PortalError::Store(error) => Self::from(error),
        }
    }
}
