//! Retention of plans: a tenant whose plan keeps less than the deployment loses what is older, row by row. What the
//! deployment does not keep goes with its whole day ([`super::maintain`]). What is still to be delivered stays.

use std::time::Duration;

use super::Engine;
use crate::chance;
use crate::domain::id::TenantId;
use crate::domain::tenant::{Environment, Scope};
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::retention::Aging;

const DAY: Duration = Duration::from_hours(24);
/// Rows of one step.
const STEP: u32 = 500;
/// Steps for one scope, and for all of them, of one run: what is left waits for the next.
const STEPS_OF_SCOPE_MAX: u32 = 50;
const STEPS_MAX: u32 = 200;

impl Engine {
    /// Drops what tenants no longer keep whose plans say fewer days than the deployment; returns how many rows went.
    pub(super) async fn drop_old_of_tenants(&self, days: u32) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let snapshot = self.directory.current();
        let mut aging: Vec<(TenantId, Timestamp)> = Vec::new();
        for tenant in snapshot.tenants() {
            let kept = self.plans.get(&tenant.plan).retention_days.capped(u64::from(days));
            let kept = u32::try_from(kept).unwrap_or(days);
            if kept < days {
                aging.push((tenant.id, now.before(DAY * kept)));
            }
        }
        // Not always the same ones first, for the steps may not be enough for all.
        let first = chance::bits() % u64::try_from(aging.len().max(1)).unwrap_or(1);
        aging.rotate_left(usize::try_from(first).unwrap_or(0));
        let (mut dropped, mut steps) = (0, STEPS_MAX);
        for (tenant, before) in aging {
            for environment in [Environment::Production, Environment::Staging] {
                let scope = Scope { tenant, environment };
                for what in [Aging::Deliveries, Aging::Events] {
                    dropped += self.drop_old_of(scope, what, before, &mut steps).await?;
                }
            }
        }
        Ok(dropped)
    }

    async fn drop_old_of(
        &self,
        scope: Scope,
        what: Aging,
        before: Timestamp,
        steps: &mut u32,
    ) -> Result<u64, StoreError> {
        let (mut dropped, mut after) = (0, None);
        for _ in 0..STEPS_OF_SCOPE_MAX.min(*steps) {
            let Some((end, rows)) = self.store.drop_aged(scope, what, after, before, STEP).await? else { break };
            *steps -= 1;
            dropped += rows;
            after = Some(end);
        }
        Ok(dropped)
    }
}
