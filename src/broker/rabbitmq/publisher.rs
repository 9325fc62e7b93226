//! Publishing: what waits is drained, grouped by queue, sent, and its confirms awaited.
//!
//! Every confirm is awaited, because the library keeps those that are dropped for as long as the channel lives. No
//! outcome leads to publishing again: a message whose fate is unknown may well be in a queue, and the lease brings
//! back what is not. For the same reason what waits while RabbitMQ is away or blocked is dropped, not kept.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::{FuturesUnordered, StreamExt};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, Event};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::counters::RabbitCounters;
use super::link::{Broken, Session, within};
use super::topology::{Route, Topology};
use super::window::{Flight, Window};
use super::wire;
use crate::broker::Ticket;

/// Messages that may wait for their confirm.
const CONFIRMS_MAX: usize = 256;
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(10);
/// Tickets that are grouped in one go. More would delay the confirms that wait meanwhile.
const DRAIN_MAX: usize = 4096;
/// A message is closed when it passes this size, even if more tickets would fit by number.
const MESSAGE_BYTES: usize = 256 * 1024;
/// Between looks at the queues: while tickets are under way, while somebody wants more places, and otherwise.
const LOOK_BUSY: Duration = Duration::from_millis(500);
const LOOK_SHORT: Duration = Duration::from_millis(50);
const LOOK_IDLE: Duration = Duration::from_secs(5);
/// A thousand returned messages tell no more than one.
const REPAIR_PAUSE: Duration = Duration::from_secs(1);
/// How long closing waits for what is still to be published and confirmed.
pub(super) const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
const PERSISTENT: u8 = 2;

/// Tickets on their way to the publisher.
pub(super) struct Handed {
    pub(super) tickets: Vec<Ticket>,
    pub(super) flight: Flight,
}

pub(super) struct Publisher {
    pub(super) topology: Topology,
    pub(super) window: Arc<Window>,
    pub(super) counters: Arc<RabbitCounters>,
    /// Bounded by the window: only tickets with places are sent here.
    pub(super) waiting: UnboundedReceiver<Handed>,
    pub(super) batch_tickets_max: usize,
    pub(super) payload_inline_max: usize,
    pub(super) closing: CancellationToken,
    /// Confirms were given up while RabbitMQ was blocked; the library keeps them until the channel ends.
    pub(super) has_stale_confirms: bool,
}

/// What became of a message.
enum Fate {
    Confirmed,
    /// By its own id: the library may attach a returned message to another message's confirm.
    Returned(ShortString, Option<ShortString>),
    Refused,
    Unconfirmed,
    Lost(lapin::Error),
}

/// The window is open while a session publishes, and closed however it ends.
struct Open<'a>(&'a Window);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.set_open(false);
    }
}

#[async_trait]
impl Session for Publisher {
    async fn run(&mut self, connection: &Connection) -> Result<(), Broken> {
        self.has_stale_confirms = false;
        let control = within("open a channel", connection.create_channel()).await?;
        self.topology.declare(&control).await?;
        let channel = within("open a channel", connection.create_channel()).await?;
        within("select confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        look(&control, &self.topology, &self.window).await?;
        self.window.set_open(true);
        let window = Arc::clone(&self.window);
        let _open = Open(&window);
        let outcome = self.pump(connection, &channel, &control).await;
        window.set_open(false);
        self.counters.set_blocked(false);
        self.drop_waiting();
        outcome
    }
}

impl Publisher {
    async fn pump(&mut self, connection: &Connection, channel: &Channel, control: &Channel) -> Result<(), Broken> {
        let mut events = pin!(connection.events_listener());
        let (topology, window, counters) = (self.topology.clone(), self.window.clone(), self.counters.clone());
        let mut looking = pin!(keep_looking(control, &topology, &window, &counters));
        let closing = self.closing.clone();
        let mut fates = FuturesUnordered::new();
        let mut repaired = None;
        loop {
            tokio::select! {
                biased;
                event = events.next() => self.note_event(event)?,
                Some(fate) = fates.next() => {
                    if self.note_fate(fate)? && repaired.is_none_or(|at: Instant| at.elapsed() > REPAIR_PAUSE) {
                        self.topology.declare(control).await?;
                        repaired = Some(Instant::now());
                    }
                }
                outcome = &mut looking => return outcome,
                () = closing.cancelled() => break,
                Some(handed) = self.waiting.recv(), if fates.len() < CONFIRMS_MAX => {
                    let (tickets, mut flight) = self.drain(handed);
                    fates.extend(self.messages(tickets, &mut flight).into_iter().map(|m| self.send(channel, m)));
                }
            }
        }
        self.window.set_open(false);
        while let Ok(handed) = self.waiting.try_recv() {
            let (tickets, mut flight) = self.drain(handed);
            fates.extend(self.messages(tickets, &mut flight).into_iter().map(|m| self.send(channel, m)));
        }
        let flush = async {
            while let Some(fate) = fates.next().await {
                self.note_fate(fate)?;
            }
            Ok(())
        };
        timeout(FLUSH_TIMEOUT, flush).await.unwrap_or(Err(Broken::Slow("confirm the last messages")))
    }

    fn note_event(&mut self, event: Option<Event>) -> Result<(), Broken> {
        match event {
            Some(Event::ConnectionBlocked(reason)) => {
                warn!(reason, "RabbitMQ blocks publishing");
                self.counters.set_blocked(true);
                self.window.set_open(false);
                self.drop_waiting();
            }
            Some(Event::ConnectionUnblocked) => {
                info!("RabbitMQ takes messages again");
                if self.has_stale_confirms {
                    return Err(Broken::Slow("confirm messages while it was blocked"));
                }
                self.counters.set_blocked(false);
                self.window.set_open(true);
            }
            Some(Event::Error(error)) => return Err(error.into()),
            None => return Err(Broken::Ended),
            // Connected, flow control of RabbitMQ before 2.0, and what the library may add.
            Some(_) => {}
        }
        Ok(())
    }

    /// True when a message had no queue, so that the topology needs repair.
    fn note_fate(&mut self, fate: Fate) -> Result<bool, Broken> {
        match fate {
            Fate::Confirmed => self.counters.confirmed.add(1),
            Fate::Returned(routing_key, message_id) => {
                self.counters.confirmed.add(1);
                self.counters.returned.add(1);
                let message_id = message_id.as_ref().map(ShortString::as_str);
                warn!(%routing_key, message_id, "RabbitMQ had no queue for a message");
                return Ok(true);
            }
            Fate::Refused => self.counters.nacked.add(1),
            Fate::Unconfirmed => {
                self.counters.lost.add(1);
                if !self.counters.is_blocked() {
                    return Err(Broken::Slow("confirm a message"));
                }
                // A new connection would only be blocked too. It is made when the alarm is over.
                self.has_stale_confirms = true;
            }
            Fate::Lost(error) => {
                self.counters.lost.add(1);
                return Err(error.into());
            }
        }
        Ok(false)
    }

    fn drop_waiting(&mut self) {
        while let Ok(handed) = self.waiting.try_recv() {
            self.counters.tickets_dropped.add(handed.tickets.len());
        }
    }

    fn drain(&mut self, first: Handed) -> (Vec<Ticket>, Flight) {
        let Handed { mut tickets, mut flight } = first;
        while tickets.len() < DRAIN_MAX
            && let Ok(more) = self.waiting.try_recv()
        {
            tickets.extend(more.tickets);
            flight.merge(more.flight);
        }
        (tickets, flight)
    }

    fn messages(&self, tickets: Vec<Ticket>, flight: &mut Flight) -> Vec<Message> {
        group(tickets, self.batch_tickets_max, |ticket| self.topology.route(ticket))
            .into_iter()
            .map(|(route, batch)| Message {
                key: self.topology.queue(route),
                body: wire::encode(&batch, self.payload_inline_max),
                flight: flight.split(batch.len()),
            })
            .collect()
    }

    fn send(&self, channel: &Channel, message: Message) -> impl Future<Output = Fate> + use<> {
        let tickets = message.flight.tickets();
        self.window.note_message(tickets);
        self.counters.published.add(1);
        let number = self.counters.published.get();
        publish(channel.clone(), self.topology.exchange(), number, message)
    }
}

struct Message {
    key: ShortString,
    body: Vec<u8>,
    flight: Flight,
}

async fn publish(channel: Channel, exchange: ShortString, number: u64, message: Message) -> Fate {
    let Message { key, body, flight } = message;
    let mut headers = FieldTable::default();
    headers.insert("tickets".into(), AMQPValue::LongLongInt(i64::try_from(flight.tickets()).unwrap_or(i64::MAX)));
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/vnd.angarium.tickets".into())
        .with_message_id(number.to_string().into())
        .with_headers(headers);
    let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let confirmed = timeout(CONFIRM_TIMEOUT, async {
        channel.basic_publish(exchange, key, mandatory, &body, properties).await?.await
    });
    match confirmed.await {
        Ok(Ok(Confirmation::Ack(None) | Confirmation::NotRequested)) => Fate::Confirmed,
        Ok(Ok(Confirmation::Ack(Some(returned)))) => {
            let message_id = returned.delivery.properties.message_id().clone();
            Fate::Returned(returned.delivery.routing_key, message_id)
        }
        Ok(Ok(Confirmation::Nack(_))) => Fate::Refused,
        Ok(Err(error)) => Fate::Lost(error),
        Err(_) => Fate::Unconfirmed,
    }
}

/// Batches of one queue each, of bounded number and size, in the order that the tickets came in.
fn group(tickets: Vec<Ticket>, tickets_max: usize, route_of: impl Fn(&Ticket) -> Route) -> Vec<(Route, Vec<Ticket>)> {
    let mut full = Vec::new();
    let mut filling: BTreeMap<Route, (usize, Vec<Ticket>)> = BTreeMap::new();
    for ticket in tickets {
        let route = route_of(&ticket);
        let (bytes, batch) = filling.entry(route).or_default();
        *bytes += wire::size_of(&ticket);
        batch.push(ticket);
        if batch.len() >= tickets_max || *bytes >= MESSAGE_BYTES {
            *bytes = 0;
            full.push((route, std::mem::take(batch)));
        }
    }
    full.extend(filling.into_iter().map(|(route, (_, batch))| (route, batch)).filter(|(_, batch)| !batch.is_empty()));
    full
}

/// Looks at the queues now and then; returns only when that fails.
async fn keep_looking(
    control: &Channel,
    topology: &Topology,
    window: &Window,
    counters: &RabbitCounters,
) -> Result<(), Broken> {
    let mut looked = Instant::now();
    loop {
        tokio::select! {
            () = sleep(LOOK_BUSY) => {}
            () = window.short.notified() => sleep(LOOK_SHORT).await,
        }
        let is_due = window.is_busy() || looked.elapsed() >= LOOK_IDLE;
        // A blocked connection is not read by RabbitMQ: there would be no answer.
        if is_due && !counters.is_blocked() {
            look(control, topology, window).await?;
            looked = Instant::now();
        }
    }
}

async fn look(control: &Channel, topology: &Topology, window: &Window) -> Result<(), Broken> {
    let settled = window.settled();
    let mut messages = 0;
    for route in topology.routes() {
        let passive = QueueDeclareOptions::durable().passive();
        let declared = control.queue_declare(topology.queue(route), passive, FieldTable::default());
        messages += u64::from(within("look at a queue", declared).await?.message_count());
    }
    window.looked(settled, messages);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::topology::Lane;
    use super::*;
    use crate::broker::sample::ticket;

    #[test]
    fn batches_have_one_queue_and_a_bounded_size() {
        let route = |ticket: &Ticket| Route { lane: Lane::First, shard: u16::try_from(ticket.epoch).unwrap() };
        let tickets: Vec<_> = (0..25).map(|n| Ticket { epoch: n % 2, ..ticket(1, 1) }).collect();
        let batches = group(tickets, 10, route);
        let sizes: Vec<_> = batches.iter().map(|(route, batch)| (route.shard, batch.len())).collect();
        assert_eq!(sizes, [(0, 10), (1, 10), (0, 3), (1, 2)]);
        assert!(batches.iter().all(|(r, batch)| batch.iter().all(|t| route(t) == *r)));
        assert!(group(Vec::new(), 10, route).is_empty());
    }
}
