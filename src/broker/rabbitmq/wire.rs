//! The body of a message: a batch of tickets, and each of their events once.
//!
//! A small binary layout rather than JSON, because payloads are copied as they are, never escaped or parsed: a batch
//! costs one allocation to write, and reading it borrows every payload from the message. All numbers are big-endian.
//!
//! ```text
//! version u8 = 1
//! events  u16, each: id 16 bytes, occurred_at i64 ms, type (u8 length, text), data (u32 length, bytes)
//! tickets u16, each: delivery 16, epoch i64, attempt u32, run attempt u32, tenant 16, webhook 16, leased_until i64 ms,
//!                    event: 0 and the id 16 | 1 and the index u16 of an event above
//! ```
//!
//! A version that this process does not know is refused, and so goes to the poison queue. During a rolling upgrade
//! that loses nothing: the lease brings the ticket back, and the next one may meet a process that understands it.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, TryGetError};
use uuid::Uuid;

use crate::broker::{EventRef, Ticket};
use crate::domain::event::{EventContent, EventType, InvalidEventType};
use crate::domain::id::{DeliveryId, EventId, TenantId, WebhookId};
use crate::domain::time::Timestamp;

const VERSION: u8 = 1;
const EVENT_BY_ID: u8 = 0;
const EVENT_BY_INDEX: u8 = 1;
/// An upper bound of what a ticket takes, less its event.
const TICKET_BYTES: usize = 84;

/// Why a message is not a batch of tickets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum WireError {
    #[error("version {0} of the ticket format is not known here")]
    Version(u8),
    #[error("the message ends too early")]
    Short,
    #[error("{0} bytes are left over")]
    Long(usize),
    #[error("an event type is not valid: {0}")]
    EventType(#[from] InvalidEventType),
    #[error("an event type is not text")]
    NotText,
    #[error("a ticket names event {0}, which the message does not have")]
    NoSuchEvent(u16),
    #[error("{0} is not a kind of reference to an event")]
    ReferenceKind(u8),
}

impl From<TryGetError> for WireError {
    fn from(_: TryGetError) -> Self {
        Self::Short
    }
}

/// The bytes that a ticket adds to a message at most.
pub(super) fn size_of(ticket: &Ticket) -> usize {
    match &ticket.event {
        EventRef::Id(_) => TICKET_BYTES,
        EventRef::Content(event) => TICKET_BYTES + 29 + event.event_type.as_str().len() + event.data.len(),
    }
}

/// Writes a batch. Events with more than `inline_max` bytes of data travel as their id.
pub(super) fn encode(tickets: &[Ticket], inline_max: usize) -> Vec<u8> {
    let events = shared_events(tickets, inline_max);
    let mut out = Vec::with_capacity(5 + tickets.iter().map(size_of).sum::<usize>());
    out.put_u8(VERSION);
    out.put_u16(count(events.len()));
    for event in &events {
        let EventContent { id, event_type, occurred_at, data } = event;
        out.put_slice(id.0.as_bytes());
        out.put_i64(occurred_at.as_millis());
        out.put_u8(u8::try_from(event_type.as_str().len()).expect("EVENT_TYPE_CHARS_MAX is below 256"));
        out.put_slice(event_type.as_str().as_bytes());
        out.put_u32(u32::try_from(data.len()).expect("only data of up to u32::MAX bytes is shared"));
        out.put_slice(data);
    }
    out.put_u16(count(tickets.len()));
    for ticket in tickets {
        put_ticket(&mut out, ticket, &events);
    }
    out
}

fn shared_events(tickets: &[Ticket], inline_max: usize) -> Vec<&EventContent> {
    let inline_max = inline_max.min(usize::try_from(u32::MAX).unwrap_or(usize::MAX));
    let mut events: Vec<&EventContent> = Vec::new();
    for ticket in tickets {
        if let EventRef::Content(event) = &ticket.event
            && event.data.len() <= inline_max
            && !events.iter().any(|e| e.id == event.id)
        {
            events.push(event);
        }
    }
    events
}

fn put_ticket(out: &mut Vec<u8>, ticket: &Ticket, events: &[&EventContent]) {
    let Ticket { delivery, epoch, attempt, run_attempt, tenant, webhook, leased_until, event } = ticket;
    out.put_slice(delivery.0.as_bytes());
    out.put_i64(*epoch);
    out.put_u32(*attempt);
    out.put_u32(*run_attempt);
    out.put_slice(tenant.0.as_bytes());
    out.put_slice(webhook.0.as_bytes());
    out.put_i64(leased_until.as_millis());
    let id = match event {
        EventRef::Id(id) => *id,
        EventRef::Content(content) => content.id,
    };
    if let Some(index) = events.iter().position(|e| e.id == id) {
        out.put_u8(EVENT_BY_INDEX);
        out.put_u16(count(index));
    } else {
        out.put_u8(EVENT_BY_ID);
        out.put_slice(id.0.as_bytes());
    }
}

fn count(len: usize) -> u16 {
    u16::try_from(len).expect("RabbitOptions bounds a batch to u16::MAX tickets")
}

/// Reads a batch. The payloads borrow from `message`.
pub(super) fn decode(mut message: Bytes) -> Result<Vec<Ticket>, WireError> {
    let version = message.try_get_u8()?;
    if version != VERSION {
        return Err(WireError::Version(version));
    }
    let events = (0..message.try_get_u16()?).map(|_| get_event(&mut message)).collect::<Result<Vec<_>, _>>()?;
    let tickets =
        (0..message.try_get_u16()?).map(|_| get_ticket(&mut message, &events)).collect::<Result<Vec<_>, _>>()?;
    if message.is_empty() { Ok(tickets) } else { Err(WireError::Long(message.len())) }
}

fn get_event(message: &mut Bytes) -> Result<Arc<EventContent>, WireError> {
    let id = EventId(get_uuid(message)?);
    let occurred_at = Timestamp::from_millis(message.try_get_i64()?);
    let type_len = usize::from(message.try_get_u8()?);
    let type_bytes = take(message, type_len)?;
    let event_type = EventType::parse(std::str::from_utf8(&type_bytes).map_err(|_| WireError::NotText)?)?;
    let data_len = usize::try_from(message.try_get_u32()?).map_err(|_| WireError::Short)?;
    let data = take(message, data_len)?;
    Ok(Arc::new(EventContent { id, event_type, occurred_at, data }))
}

fn get_ticket(message: &mut Bytes, events: &[Arc<EventContent>]) -> Result<Ticket, WireError> {
    Ok(Ticket {
        delivery: DeliveryId(get_uuid(message)?),
        epoch: message.try_get_i64()?,
        attempt: message.try_get_u32()?,
        run_attempt: message.try_get_u32()?,
        tenant: TenantId(get_uuid(message)?),
        webhook: WebhookId(get_uuid(message)?),
        leased_until: Timestamp::from_millis(message.try_get_i64()?),
        event: match message.try_get_u8()? {
            EVENT_BY_ID => EventRef::Id(EventId(get_uuid(message)?)),
            EVENT_BY_INDEX => {
                let index = message.try_get_u16()?;
                let event = events.get(usize::from(index)).ok_or(WireError::NoSuchEvent(index))?;
                EventRef::Content(Arc::clone(event))
            }
            other => return Err(WireError::ReferenceKind(other)),
        },
    })
}

fn get_uuid(message: &mut Bytes) -> Result<Uuid, WireError> {
    Ok(Uuid::from_u128(message.try_get_u128()?))
}

fn take(message: &mut Bytes, len: usize) -> Result<Bytes, WireError> {
    if message.len() < len { Err(WireError::Short) } else { Ok(message.split_to(len)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::broker::sample::ticket;

    fn any_uuid() -> impl Strategy<Value = Uuid> {
        any::<u128>().prop_map(Uuid::from_u128)
    }

    fn any_event() -> impl Strategy<Value = EventRef> {
        let content =
            (any_uuid(), "[a-z]{1,9}(\\.[a-z_0-9]{1,9}){0,3}", any::<i64>(), prop::collection::vec(0u8.., 0..99))
                .prop_map(|(id, event_type, at, data)| {
                    EventRef::Content(Arc::new(EventContent {
                        id: EventId(id),
                        event_type: EventType::parse(&event_type).unwrap(),
                        occurred_at: Timestamp::from_millis(at),
                        data: Bytes::from(data),
                    }))
                });
        prop_oneof![any_uuid().prop_map(|id| EventRef::Id(EventId(id))), content]
    }

    prop_compose! {
        fn any_ticket(events: Vec<EventRef>)(
            (delivery, tenant, webhook) in (any_uuid(), any_uuid(), any_uuid()),
            (epoch, attempt, run_attempt, until) in (any::<i64>(), any::<u32>(), any::<u32>(), any::<i64>()),
            event in prop::sample::select(events),
        ) -> Ticket {
            Ticket {
                delivery: DeliveryId(delivery), epoch, attempt, run_attempt, tenant: TenantId(tenant), webhook: WebhookId(webhook),
                leased_until: Timestamp::from_millis(until), event,
            }
        }
    }

    fn any_batch() -> impl Strategy<Value = Vec<Ticket>> {
        prop::collection::vec(any_event(), 1..5)
            .prop_flat_map(|events| prop::collection::vec(any_ticket(events), 0..20))
    }

    proptest! {
        #[test]
        fn a_batch_round_trips(batch in any_batch()) {
            let bytes = encode(&batch, usize::MAX);
            prop_assert_eq!(decode(Bytes::from(bytes)), Ok(batch));
        }

        #[test]
        fn a_cut_message_is_refused(batch in any_batch(), cut in 0.0..1.0f64) {
            let bytes = encode(&batch, usize::MAX);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let len = (bytes.len() as f64 * cut) as usize;
            prop_assert_eq!(decode(Bytes::from(bytes).slice(..len)), Err(WireError::Short));
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(0u8.., 0..200)) {
            let _ = decode(Bytes::from([&[VERSION], bytes.as_slice()].concat()));
        }
    }

    #[test]
    fn an_event_is_written_once_and_a_large_one_not_at_all() {
        let batch: Vec<_> = (0..50).map(|n| Ticket { epoch: n, ..ticket(1, 1) }).collect();
        let one = encode(&batch[..1], 4096).len();
        assert!(encode(&batch, 4096).len() < one + 49 * TICKET_BYTES);
        let decoded = decode(Bytes::from(encode(&batch, 3))).unwrap();
        assert!(decoded.iter().all(|t| t.event == EventRef::Id(EventId(t.delivery.0))));
    }

    #[test]
    fn another_version_and_left_over_bytes_are_refused() {
        let mut bytes = encode(&[ticket(1, 1)], 4096);
        bytes.push(0);
        assert_eq!(decode(Bytes::from(bytes.clone())), Err(WireError::Long(1)));
        bytes[0] = 2;
        assert_eq!(decode(Bytes::from(bytes)), Err(WireError::Version(2)));
        assert_eq!(decode(Bytes::new()), Err(WireError::Short));
    }
}
