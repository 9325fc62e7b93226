//! Portal links as those who manage a tenant see them: made and shown once, listed, ended.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

use super::Dashboard;
use super::access::{Actor, Manages, Reader, Visit};
use super::layout::{Choice, Frame};
use super::page::{self, Failure};
use super::preferences::go_and_say;
use super::words::{Badge, Time};
use crate::domain::id::{PortalLinkId, WebhookId};
use crate::domain::portal::{PortalLink, PortalStanding, portal_url};
use crate::domain::time::Timestamp;
use crate::engine::portal_links::{NewPortalLink, PortalError};

/// The screen's address.
const SECTION: &str = "/ui/portal-links";
/// Webhooks to choose from.
const WEBHOOKS_MAX: u32 = 500;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route(SECTION, get(list))
        .route("/ui/portal-links/new", get(ask_for_new).post(create))
        .route("/ui/portal-links/{id}/revoke", post(revoke))
}

impl From<PortalError> for Failure {
    fn from(error: PortalError) -> Self {
        match error {
            PortalError::NotFound => Self::NotFound("portal link"),
            PortalError::Store(error) => error.into(),
            PortalError::Name | PortalError::Webhooks | PortalError::NoWebhook(_) | PortalError::TooMany { .. } => {
                Self::Refused(format!("This cannot be: {error}."))
            }
        }
    }
}

struct LinkRow {
    id: PortalLinkId,
    badge: Badge,
    name: String,
    webhooks: usize,
    read_only: bool,
    made_by: String,
    made: Time,
    ends: Time,
    is_over: bool,
}

impl LinkRow {
    fn new(link: PortalLink, now: Timestamp) -> Self {
        let standing = link.standing(now);
        let (tone, word) = match standing {
            PortalStanding::Waits => ("waiting", "not opened"),
            PortalStanding::Visited => ("good", "open"),
            PortalStanding::Ended => ("idle", "over"),
        };
        Self {
            id: link.id,
            badge: Badge { tone, word },
            name: link.name,
            webhooks: link.webhooks.len(),
            read_only: link.read_only,
            made_by: link.made_by.name,
            made: Time { at: link.created_at, now },
            ends: Time { at: link.revoked_at.or(link.visit_ends_at).unwrap_or(link.link_ends_at), now },
            is_over: standing == PortalStanding::Ended,
        }
    }
}

#[derive(Template)]
#[template(path = "portal_links.html", config = "src/dashboard/askama.toml")]
struct ListPage {
    frame: Frame,
    rows: Vec<LinkRow>,
}

async fn list(State(dashboard): State<Arc<Dashboard>>, reader: Reader<Manages>) -> Result<Response, Failure> {
    let now = dashboard.engine.clock().now();
    let links = dashboard.engine.portal_links(reader.visit.scope).await?;
    page::show(&ListPage {
        frame: dashboard.frame(&reader.visit, "Portal links", SECTION),
        rows: links.into_iter().map(|link| LinkRow::new(link, now)).collect(),
    })
}

#[derive(Template)]
#[template(path = "portal_link_form.html", config = "src/dashboard/askama.toml")]
struct FormPage {
    frame: Frame,
    name: String,
    read_only: bool,
    webhooks: Vec<(Choice, String)>,
    problem: Option<String>,
}

impl Dashboard {
    async fn portal_form(
        &self,
        visit: &Visit,
        new: &NewPortalLink,
        problem: Option<String>,
    ) -> Result<Response, Failure> {
        let (webhooks, _) = self.engine.store().webhooks_page(visit.scope, None, WEBHOOKS_MAX, 0).await?;
        let choice = |webhook: crate::domain::webhook::Webhook| {
            let is_chosen = new.webhooks.contains(&webhook.id);
            let choice = Choice { value: webhook.id.to_string(), label: webhook.settings.name, is_chosen };
            (choice, webhook.settings.url)
        };
        page::show(&FormPage {
            frame: self.frame(visit, "New portal link", SECTION),
            name: new.name.clone(),
            read_only: new.read_only,
            webhooks: webhooks.into_iter().map(choice).collect(),
            problem,
        })
    }
}

async fn ask_for_new(State(dashboard): State<Arc<Dashboard>>, reader: Reader<Manages>) -> Result<Response, Failure> {
    let new = NewPortalLink { name: String::new(), webhooks: Vec::new(), read_only: true, visit: None };
    dashboard.portal_form(&reader.visit, &new, None).await
}

/// The one page that shows a link.
#[derive(Template)]
#[template(path = "portal_link_shown.html", config = "src/dashboard/askama.toml")]
struct ShownPage {
    frame: Frame,
    name: String,
    url: String,
    ends: Time,
}

async fn create(
    State(dashboard): State<Arc<Dashboard>>,
    headers: HeaderMap,
    actor: Actor<Manages>,
) -> Result<Response, Failure> {
    let fields = &actor.fields;
    let new = NewPortalLink {
        name: fields.text("name"),
        webhooks: fields.all("webhook").filter_map(|id| id.parse::<WebhookId>().ok()).collect(),
        read_only: fields.get("acts").is_none(),
        visit: None,
    };
    match dashboard.engine.create_portal_link(actor.visit.scope, new.clone()).await {
        Ok((link, token)) => {
            let limits = dashboard.engine.limits();
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            let now = dashboard.engine.clock().now();
            page::show(&ShownPage {
                frame: dashboard.frame(&actor.visit, "The link is made", SECTION),
                url: portal_url(&limits.portal.public_url, host, limits.production, &token),
                name: link.name,
                ends: Time { at: link.link_ends_at, now },
            })
        }
        Err(error @ (PortalError::Name | PortalError::Webhooks | PortalError::NoWebhook(_))) => {
            let problem = Some(format!("Nothing was made: {error}."));
            let form = dashboard.portal_form(&actor.visit, &new, problem).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, form).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn revoke(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<Manages>,
) -> Result<Response, Failure> {
    let id = id.parse().map_err(|_| Failure::NotFound("portal link"))?;
    dashboard.engine.revoke_portal_link(actor.visit.scope, id).await?;
    Ok(go_and_say(SECTION, "The link is over, and so is the visit that it became."))
}
