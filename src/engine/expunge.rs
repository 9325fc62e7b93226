//! Expunge: the data of one event is erased, with what its deliveries kept of requests and answers. What is left says
//! that it was there: ids, times, states, and when it was erased.
//!
//! An attempt that is on the wire meanwhile writes what it was answered afterwards; so what was erased lately is erased
//! again for a while.

use std::time::Duration;

use serde_json::json;

use super::Engine;
use super::audit::Action;
use crate::domain::id::EventId;
use crate::domain::tenant::Scope;
use crate::store::StoreError;
use crate::store::expunge::Expunged;

/// Longer than a lease, and than outcomes wait for a database that is away.
const AGAIN_FOR: Duration = Duration::from_mins(30);
/// Events that are erased again at one time.
const AGAIN_MAX: u32 = 1_000;

impl Engine {
    /// Erases the data of an event. What waits to be delivered is called off.
    pub async fn expunge(&self, scope: Scope, event: EventId) -> Result<Expunged, StoreError> {
        let line = self.line(scope, Action::EventExpunge, event, json!({}));
        self.store.expunge(scope, event, self.clock.now(), line.as_ref()).await
    }

    /// Erases what was written since of events that were erased lately.
    pub(super) async fn expunge_again(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        for (event, tenant) in self.store.expunged_since(now.before(AGAIN_FOR), AGAIN_MAX).await? {
            self.store.expunge_again(event, tenant, now).await?;
        }
        Ok(())
    }
}
