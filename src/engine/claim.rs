//! Claim: a worker makes tickets its own before it sends anything.
//!
//! The claim raises the row's epoch where it is still the ticket's. So of two copies of a ticket one is refused, and
//! a worker that was overtaken by its lease cannot be believed later. Where a ticket can have no copy, the lease
//! that was written with it is the claim already.

use std::collections::HashMap;
use std::sync::Arc;

use super::Engine;
use crate::broker::{EventRef, Received, Ticket};
use crate::config::LEASE_MARGIN;
use crate::domain::event::EventContent;
use crate::store::StoreError;

impl Engine {
    /// Claims what was received and acknowledges it; returns the tickets that this process may send.
    pub async fn claim(&self, received: Received) -> Result<Vec<Ticket>, StoreError> {
        let Received { mut tickets, sole_copy, receipt } = received;
        if !sole_copy {
            let now = self.clock.now();
            let at_least = now.after(self.limits.timeout_max + LEASE_MARGIN);
            let wanted: Vec<_> = tickets.iter().map(|ticket| (ticket.delivery, ticket.epoch)).collect();
            let claimed = self.store.claim(&wanted, at_least, now.after(self.limits.lease)).await?;
            let claimed: HashMap<_, _> = claimed.into_iter().map(|(id, epoch, until)| (id, (epoch, until))).collect();
            let before = tickets.len();
            tickets.retain_mut(|ticket| {
                let Some((epoch, until)) = claimed.get(&ticket.delivery) else { return false };
                ticket.epoch = *epoch;
                ticket.leased_until = *until;
                true
            });
            self.metrics.tickets_stale.inc_by(u64::try_from(before - tickets.len()).unwrap_or(0));
        }
        receipt.ack().await;
        Ok(tickets)
    }

    /// The event of a ticket; read now if it was too large to travel. None when retention has dropped it meanwhile.
    pub async fn event_of(&self, ticket: &Ticket) -> Result<Option<Arc<EventContent>>, StoreError> {
        match &ticket.event {
            EventRef::Content(content) => Ok(Some(Arc::clone(content))),
            EventRef::Id(id) => Ok(self.store.events_of_claims(&[*id]).await?.pop().map(|event| event.content)),
        }
    }
}
