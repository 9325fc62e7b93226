//! Whose turn it is: round the tenants, and within a tenant round its webhooks.

use std::collections::{HashMap, VecDeque};

use crate::domain::id::{TenantId, WebhookId};

/// Webhooks that have something to send, in turn.
#[derive(Default)]
pub(super) struct Rotation {
    tenants: VecDeque<TenantId>,
    webhooks: HashMap<TenantId, VecDeque<WebhookId>>,
}

impl Rotation {
    /// Lets a webhook have a turn, after the others of its tenant.
    pub(super) fn enter(&mut self, tenant: TenantId, webhook: WebhookId) {
        let webhooks = self.webhooks.entry(tenant).or_default();
        if webhooks.is_empty() {
            self.tenants.push_back(tenant);
        }
        webhooks.push_back(webhook);
    }

    /// The next webhook, which has had its turn then.
    pub(super) fn next(&mut self) -> Option<WebhookId> {
        let tenant = self.tenants.pop_front()?;
        let webhooks = self.webhooks.get_mut(&tenant)?;
        let webhook = webhooks.pop_front();
        if webhooks.is_empty() {
            self.webhooks.remove(&tenant);
        } else {
            self.tenants.push_back(tenant);
        }
        webhook
    }
}
