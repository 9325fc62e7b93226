//! Tenants and API keys, as the command line makes them.

use super::Engine;
use crate::chance;
use crate::domain::id::{KeyId, TenantId};
use crate::domain::key::ApiKeyText;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::keys::ApiKey;
use crate::store::tenants::Tenant;

impl Engine {
    /// The tenant of a name; made where there is none.
    pub async fn ensure_tenant(&self, name: &str, plan: &str) -> Result<Tenant, StoreError> {
        if let Some(tenant) = self.store.tenant_by_name(name).await? {
            return Ok(tenant);
        }
        let now = self.clock.now();
        let tenant = Tenant { id: TenantId::new(now, chance::bits()), name: name.to_owned(), plan: plan.to_owned() };
        match self.store.insert_tenant(&tenant, now).await {
            Ok(()) => Ok(tenant),
            // Another process made it just now.
            Err(StoreError::Conflict(what)) => self.store.tenant_by_name(name).await?.ok_or(StoreError::Conflict(what)),
            Err(error) => Err(error),
        }
    }

    /// Puts a tenant on a plan; false if there is no such tenant.
    pub async fn set_plan(&self, tenant: &str, plan: &str) -> Result<bool, StoreError> {
        let changed = self.store.set_plan(tenant, plan).await?;
        self.refresh_directory().await?;
        Ok(changed)
    }

    /// Makes an API key. Its text is returned here and never again.
    pub async fn create_key(
        &self,
        scope: Scope,
        name: &str,
        permissions: Vec<String>,
        expires_at: Option<Timestamp>,
    ) -> Result<(ApiKey, ApiKeyText), StoreError> {
        let now = self.clock.now();
        let text = ApiKeyText::generate(scope.environment, chance::bytes());
        let key = ApiKey {
            id: KeyId::new(now, chance::bits()),
            scope,
            name: name.to_owned(),
            hash: text.hash(&self.key_pepper),
            hint: text.hint(),
            permissions,
            created_at: now,
            expires_at,
            revoked_at: None,
        };
        self.store.insert_key(&key).await?;
        self.refresh_directory().await?;
        Ok((key, text))
    }

    /// Stops a key; false if there is none that works.
    pub async fn revoke_key(&self, tenant: TenantId, id: KeyId) -> Result<bool, StoreError> {
        let revoked = self.store.revoke_key(tenant, id, self.clock.now()).await?;
        self.refresh_directory().await?;
        Ok(revoked)
    }
}
