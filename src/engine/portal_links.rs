//! Portal links: made by who manages webhooks, opened once by a customer, looked up for each of their requests, ended.

use std::time::Duration;

use serde_json::json;

use super::Engine;
use super::asker;
use super::audit::Action;
use super::webhooks::WebhookError;
use crate::chance;
use crate::domain::audit::{Actor, ActorKind};
use crate::domain::id::{PortalLinkId, WebhookId};
use crate::domain::portal::{
    PORTAL_NAME_CHARS_MAX, PORTAL_WEBHOOKS_MAX, PortalLink, PortalStanding, PortalToken, PortalTokenText,
};
use crate::domain::tenant::Scope;
use crate::store::{IdSpan, StoreError};

/// How long a link that is over stays in the list.
const KEPT: Duration = Duration::from_hours(7 * 24);
const PURGE_STEP: u32 = 5_000;

/// A link to make.
#[derive(Debug, Clone)]
pub struct NewPortalLink {
    /// For people: whom it is for.
    pub name: String,
    /// What it shows.
    pub webhooks: Vec<WebhookId>,
    /// Whether its visitor changes nothing.
    pub read_only: bool,
    /// How long the visit lasts; none: as long as it may.
    pub visit: Option<Duration>,
}

/// Why a link was not made, opened or ended.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    /// Its name is empty or too long.
    #[error("a name must have 1 to {PORTAL_NAME_CHARS_MAX} characters, all of them printable")]
    Name,
    /// It shows none, or too many.
    #[error("a link shows 1 to {PORTAL_WEBHOOKS_MAX} webhooks")]
    Webhooks,
    /// The scope has no such webhook.
    #[error("there is no webhook {0}")]
    NoWebhook(WebhookId),
    /// There are as many as there may be.
    #[error("there are as many portal links as there may be: {max}")]
    TooMany {
        /// The limit.
        max: u32,
    },
    /// There is none, it was opened already, or its time is over: which, nobody is told.
    #[error("there is no such portal link")]
    NotFound,
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Makes a link; its token is returned here and never again.
    pub async fn create_portal_link(
        &self,
        scope: Scope,
        new: NewPortalLink,
    ) -> Result<(PortalLink, PortalTokenText), PortalError> {
        let NewPortalLink { name, mut webhooks, read_only, visit } = new;
        let name = name.trim().to_owned();
        if !(1..=PORTAL_NAME_CHARS_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(PortalError::Name);
        }
        webhooks.sort_unstable();
        webhooks.dedup();
        if !(1..=PORTAL_WEBHOOKS_MAX).contains(&webhooks.len()) {
            return Err(PortalError::Webhooks);
        }
        for id in &webhooks {
            self.webhook(scope, *id).await.map_err(|error| match error {
                WebhookError::Store(error) => PortalError::Store(error),
                WebhookError::NotFound | WebhookError::Changed | WebhookError::TooMany { .. } => {
                    PortalError::NoWebhook(*id)
                }
            })?;
        }
        let max = self.limits.portal.links_max;
        if self.store.portal_links_count(scope, max).await? >= u64::from(max) {
            return Err(PortalError::TooMany { max });
        }
        let now = self.clock.now();
        let token = PortalTokenText::generate(chance::bytes());
        let link = PortalLink {
            id: PortalLinkId::new(now, chance::id_tail()),
            scope,
            name,
            webhooks,
            read_only,
            made_by: asker::actor(),
            created_at: now,
            link_ends_at: now.after(self.limits.portal.link_s),
            visit: visit.unwrap_or(self.limits.portal.visit_s).min(self.limits.portal.visit_s),
            opened_at: None,
            visit_ends_at: None,
            revoked_at: None,
        };
        let told = json!({ "name": link.name, "webhooks": link.webhooks, "readOnly": read_only });
        let entry = self.line(scope, Action::PortalLinkCreate, link.id, told);
        let hash = token.hash(PortalToken::Link, &self.token_key);
        self.store.insert_portal_link(&link, &hash, entry.as_ref()).await?;
        Ok((link, token))
    }

    /// Opens a link, once: the visit that it becomes, and what proves it.
    pub async fn open_portal_link(&self, text: &str) -> Result<(PortalLink, PortalTokenText), PortalError> {
        let token = PortalTokenText::parse(text).ok_or(PortalError::NotFound)?;
        let now = self.clock.now();
        let visit = PortalTokenText::generate(chance::bytes());
        let [link_hash, visit_hash] = [(&token, PortalToken::Link), (&visit, PortalToken::Visit)]
            .map(|(token, of)| token.hash(of, &self.token_key));
        let opened = self.store.open_portal_link(&link_hash, &visit_hash, now).await?;
        let link = opened.ok_or(PortalError::NotFound)?;
        let entry = as_visitor(&link, async { self.line(link.scope, Action::PortalLinkOpen, link.id, json!({})) });
        self.note(entry.await).await?;
        Ok((link, visit))
    }

    /// The visit that a browser proves, while it lasts.
    pub async fn portal_visit(&self, text: &str) -> Result<Option<PortalLink>, StoreError> {
        let Some(token) = PortalTokenText::parse(text) else { return Ok(None) };
        let found = self.store.portal_visit(&token.hash(PortalToken::Visit, &self.token_key)).await?;
        let now = self.clock.now();
        Ok(found.filter(|link| link.standing(now) == PortalStanding::Visited))
    }

    /// The links of a scope, newest first; those that are over for some days yet.
    pub async fn portal_links(&self, scope: Scope) -> Result<Vec<PortalLink>, StoreError> {
        self.store.portal_links_page(scope, IdSpan::default(), self.limits.portal.links_max, 0).await
    }

    /// Ends a link, and the visit that it became, at once.
    pub async fn revoke_portal_link(&self, scope: Scope, id: PortalLinkId) -> Result<(), PortalError> {
        let line = self.line(scope, Action::PortalLinkRevoke, id, json!({}));
        let done = self.store.revoke_portal_link(scope, id, self.clock.now(), line.as_ref()).await?;
        if done { Ok(()) } else { Err(PortalError::NotFound) }
    }

    /// Forgets links that have been over for long.
    pub async fn purge_portal_links(&self) -> Result<(), StoreError> {
        let before = self.clock.now().before(KEPT);
        while self.store.purge_portal_links(before, PURGE_STEP).await? >= u64::from(PURGE_STEP) {}
        Ok(())
    }
}

/// Does something on behalf of who visits by a link: the audit log names the link, from where the request came.
pub async fn as_visitor<F: Future>(link: &PortalLink, something: F) -> F::Output {
    let actor = Actor {
        kind: ActorKind::User,
        id: Some(link.id.to_string()),
        name: format!("visitor of portal link {}", link.name),
    };
    asker::asked_by(asker::instead_of_nobody(actor), something).await
}
