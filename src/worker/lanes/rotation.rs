//! Whose turn it is: round the tenants, by their weights, and within a tenant round its webhooks.

use std::collections::{HashMap, VecDeque};

use crate::domain::id::{TenantId, WebhookId};

/// Webhooks that have something to send, in turn.
#[derive(Default)]
pub(super) struct Rotation {
    tenants: VecDeque<TenantId>,
    webhooks: HashMap<TenantId, VecDeque<WebhookId>>,
    /// Of tenants that have another one than 1: turns in a row, before the next tenant has its own.
    weights: HashMap<TenantId, u32>,
    /// What a tenant has left of its turns.
    left: HashMap<TenantId, u32>,
}

impl Rotation {
    /// Tells how many turns a tenant has in a row.
    pub(super) fn weigh(&mut self, tenant: TenantId, weight: u32) {
        if weight == 1 {
            self.weights.remove(&tenant);
        } else {
            self.weights.insert(tenant, weight);
        }
    }

    /// Lets a webhook have a turn, after the others of its tenant.
    pub(super) fn enter(&mut self, tenant: TenantId, webhook: WebhookId) {
        let webhooks = self.webhooks.entry(tenant).or_default();
        if webhooks.is_empty() {
            stand_in_line(&mut self.tenants, &self.left, tenant);
        }
        webhooks.push_back(webhook);
    }

    /// The next webhook, which has had its turn then.
    pub(super) fn next(&mut self) -> Option<WebhookId> {
        let tenant = self.tenants.pop_front()?;
        let webhooks = self.webhooks.get_mut(&tenant)?;
        let webhook = webhooks.pop_front();
        let has = self.left.remove(&tenant).or_else(|| self.weights.get(&tenant).copied()).unwrap_or(1);
        if has > 1 {
            self.left.insert(tenant, has - 1);
        }
        if webhooks.is_empty() {
            self.webhooks.remove(&tenant);
        } else {
            stand_in_line(&mut self.tenants, &self.left, tenant);
        }
        webhook
    }

    /// Forgets tenants that want nothing.
    pub(super) fn forget_idle(&mut self) {
        let Self { webhooks, weights, left, .. } = self;
        weights.retain(|tenant, _| webhooks.contains_key(tenant));
        left.retain(|tenant, _| webhooks.contains_key(tenant));
    }
}

/// A tenant that has turns left goes on with them.
fn stand_in_line(tenants: &mut VecDeque<TenantId>, left: &HashMap<TenantId, u32>, tenant: TenantId) {
    if left.contains_key(&tenant) {
        tenants.push_front(tenant);
    } else {
        tenants.push_back(tenant);
    }
}
