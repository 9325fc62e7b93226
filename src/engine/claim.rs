//! Claim: a worker makes tickets its own before it sends anything.
//!
//! The claim raises the row's epoch where it is still the ticket's. So of two copies of a ticket one is refused, and
//! a worker that was overtaken by its lease cannot be believed later. Where a ticket can have no copy, the lease
//! that was written with it is the claim already.

use std::collections::HashMap;

use super::Engine;
use crate::broker::{EventRef, Received, Ticket};
use crate::config::LEASE_MARGIN;
use crate::domain::id::EventId;
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
        self.bring_events(&mut tickets).await?;
        Ok(tickets)
    }

    /// Reads the events that were too large to travel with their tickets. A ticket whose event is gone is dropped.
    async fn bring_events(&self, tickets: &mut Vec<Ticket>) -> Result<(), StoreError> {
        let missing: Vec<EventId> = tickets
            .iter()
            .filter_map(|ticket| match &ticket.event {
                EventRef::Id(id) => Some(*id),
                EventRef::Content(_) => None,
            })
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let stored = self.store.events_of_claims(&missing).await?;
        let found: HashMap<_, _> = stored.into_iter().map(|event| (event.content.id, event.content)).collect();
        tickets.retain_mut(|ticket| match &ticket.event {
            EventRef::Content(_) => true,
            EventRef::Id(id) => match found.get(id) {
                None => false,
                Some(content) => {
                    ticket.event = EventRef::Content(content.clone());
                    true
                }
            },
        });
        Ok(())
    }
}
