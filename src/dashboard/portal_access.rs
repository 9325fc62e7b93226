//! Visitors of portal links: who they are, by a cookie of their own, and what their link lets them do.
//!
//! They have no account and no role. A route of the portal takes a [`Visitor`] or a [`VisitorActs`], which gives the
//! link; and each looks whether what is asked for is of a webhook that the link names.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};

use super::Dashboard;
use super::access::{FORM_TOKEN, cookies};
use super::form::read_form;
use super::page::Failure;
use super::params::Params;
use super::preferences::Preferences;
use crate::domain::browser;
use crate::domain::id::{DeliveryId, SessionId, WebhookId};
use crate::domain::portal::PortalLink;
use crate::domain::webhook::Webhook;
use crate::store::deliveries::Delivery;

/// The cookie that carries a visit's token.
const COOKIE: &str = "angarium_portal";
/// No other page of ours gets it.
const PATH: &str = "/ui/portal";

/// Somebody who visits by a link.
pub(super) struct Visitor {
    pub(super) link: PortalLink,
    pub(super) preferences: Preferences,
}

/// A form that was sent by a visitor whose link lets them change things.
pub(super) struct VisitorActs(pub(super) Visitor);

/// A form that changes nothing that is kept.
pub(super) struct VisitorAsks {
    pub(super) visitor: Visitor,
    pub(super) fields: Params,
}

/// The cookie of a visit, or with an empty token the end of it.
pub(super) fn visit_cookie(dashboard: &Dashboard, token: &str) -> HeaderValue {
    let limits = dashboard.engine.limits();
    let seconds = if token.is_empty() { 0 } else { limits.portal.visit_s.as_secs() };
    let secure = if limits.production { "; Secure" } else { "" };
    let text = format!("{COOKIE}={token}; Path={PATH}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// The token of the visit that a request's cookie shows; empty without one.
pub(super) fn visit_token(headers: &HeaderMap) -> &str {
    browser::cookie(cookies(headers), COOKIE).unwrap_or_default()
}

impl Visitor {
    /// What the forms of their pages carry.
    pub(super) fn form_token(&self, dashboard: &Dashboard) -> String {
        dashboard.engine.form_token(SessionId(self.link.id.0))
    }

    /// A webhook that the link shows.
    pub(super) async fn webhook(&self, dashboard: &Dashboard, id: &str) -> Result<Webhook, Failure> {
        let missing = || Failure::NotFound("webhook");
        let id: WebhookId = id.parse().map_err(|_| missing())?;
        if !self.link.shows(id) {
            return Err(missing());
        }
        Ok(dashboard.engine.webhook(self.link.scope, id).await?)
    }

    /// A delivery to one of them.
    pub(super) async fn delivery(&self, dashboard: &Dashboard, id: &str) -> Result<Delivery, Failure> {
        let missing = || Failure::NotFound("delivery");
        let id: DeliveryId = id.parse().map_err(|_| missing())?;
        let found = dashboard.engine.store().delivery(self.link.scope, id).await?;
        found.filter(|delivery| self.link.shows(delivery.webhook)).ok_or_else(missing)
    }
}

impl FromRequestParts<Arc<Dashboard>> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, dashboard: &Arc<Dashboard>) -> Result<Self, Failure> {
        let link = dashboard.engine.portal_visit(visit_token(&parts.headers)).await?.ok_or(Failure::VisitEnded)?;
        Ok(Self { link, preferences: Preferences::of(&parts.headers) })
    }
}

async fn form_of(request: Request, dashboard: &Arc<Dashboard>) -> Result<(Visitor, Params), Failure> {
    let (mut parts, body) = request.into_parts();
    let visitor = Visitor::from_request_parts(&mut parts, dashboard).await?;
    let fields = read_form(&parts.headers, body, dashboard.options.form_bytes_max).await?;
    let token = fields.raw(FORM_TOKEN).unwrap_or_default();
    if dashboard.engine.is_form_token(token, SessionId(visitor.link.id.0)) {
        Ok((visitor, fields))
    } else {
        Err(Failure::ForeignForm)
    }
}

impl FromRequest<Arc<Dashboard>> for VisitorAsks {
    type Rejection = Failure;

    async fn from_request(request: Request, dashboard: &Arc<Dashboard>) -> Result<Self, Failure> {
        form_of(request, dashboard).await.map(|(visitor, fields)| Self { visitor, fields })
    }
}

impl FromRequest<Arc<Dashboard>> for VisitorActs {
    type Rejection = Failure;

    async fn from_request(request: Request, dashboard: &Arc<Dashboard>) -> Result<Self, Failure> {
        let (visitor, _) = form_of(request, dashboard).await?;
        if visitor.link.read_only { Err(Failure::LookOnly) } else { Ok(Self(visitor)) }
    }
}
