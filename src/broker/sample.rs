//! Tickets for this module's tests.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::{EventRef, Ticket};
use crate::domain::event::{EventContent, EventType};
use crate::domain::id::{DeliveryId, EventId, TenantId, WebhookId};
use crate::domain::time::Timestamp;

/// A ticket whose ids all come from `n`.
pub(crate) fn ticket(n: u32, attempt: u32) -> Ticket {
    let id = Uuid::from_u128(u128::from(n) << 32);
    let event = EventContent {
        id: EventId(id),
        event_type: EventType::parse("order.created").unwrap(),
        occurred_at: Timestamp::from_millis(1),
        data: Bytes::from(format!(r#"{{"n":{n}}}"#)),
    };
    Ticket {
        delivery: DeliveryId(id),
        epoch: 3,
        attempt,
        run_attempt: attempt,
        tenant: TenantId(id),
        webhook: WebhookId(id),
        leased_until: Timestamp::from_millis(2),
        event: EventRef::Content(Arc::new(event)),
    }
}
