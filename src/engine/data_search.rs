//! Looking for deliveries by the data of their events.

use std::collections::HashSet;

use uuid::Uuid;

use super::Engine;
use crate::domain::data_search::DataSearch;
use crate::domain::id::EventId;
use crate::domain::tenant::Scope;
use crate::store::StoreError;
use crate::store::deliveries::{Delivery, DeliveryFilter};
use crate::store::delivery_list::Stretch;

/// Deliveries whose data one search looks at; from there another can go on.
pub const SEARCHED_MAX: usize = 2_000;
/// As many at once.
const SEARCH_STEP: u32 = 100;

/// What a search of data has found.
#[derive(Debug, Clone, Default)]
pub struct Searched {
    /// Newest first.
    pub found: Vec<Delivery>,
    /// The last one that was looked at, where there may be more beyond it.
    pub next: Option<Uuid>,
}

impl Engine {
    /// Deliveries of a filter whose event has something in its data. No index knows that: as many are looked at as
    /// [`SEARCHED_MAX`] says, newest first.
    pub async fn search_data(
        &self,
        scope: Scope,
        filter: &DeliveryFilter,
        search: &DataSearch,
        limit: usize,
    ) -> Result<Searched, StoreError> {
        let mut stretch = self.store.stretch(scope, filter).await?;
        let mut searched = Searched::default();
        for _ in 0..SEARCHED_MAX / SEARCH_STEP as usize {
            let step = self.store.deliveries_of(scope, &stretch, SEARCH_STEP, 0).await?;
            let is_last = step.len() < SEARCH_STEP as usize;
            let ids: HashSet<EventId> = step.iter().map(|delivery| delivery.event).collect();
            let events = self.store.events_of_claims(&ids.into_iter().collect::<Vec<_>>()).await?;
            let matching = events.iter().filter(|event| event.scope == scope && search.finds(&event.content.data));
            let matching: HashSet<EventId> = matching.map(|event| event.content.id).collect();
            for delivery in step {
                searched.next = Some(delivery.id.0);
                if matching.contains(&delivery.event) {
                    searched.found.push(delivery);
                }
                if searched.found.len() == limit {
                    return Ok(searched);
                }
            }
            if is_last {
                searched.next = stretch.end;
                return Ok(searched);
            }
            stretch = searched.next.into_iter().fold(stretch, Stretch::below);
        }
        Ok(searched)
    }
}
