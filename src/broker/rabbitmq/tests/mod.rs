//! Against a real RabbitMQ, each test with queues of its own.

pub(crate) mod bench;

use std::collections::HashSet;
use std::time::Duration;

use lapin::BasicProperties;
use lapin::options::{BasicGetOptions, BasicPublishOptions, QueueDeleteOptions};

use self::bench::{Bench, Wire, server, until};
use super::topology::{Lane, Route};
use super::*;
use crate::broker::sample::ticket;
use crate::domain::id::DeliveryId;

fn publish(broker: &RabbitMq, tickets: Vec<Ticket>) {
    assert_eq!(broker.reserve(tickets.len()), tickets.len());
    broker.publish(tickets);
}

async fn receive(broker: &RabbitMq) -> Received {
    timeout(Duration::from_secs(10), broker.receive(1)).await.expect("a message comes").expect("not stopped")
}

#[tokio::test]
async fn tickets_arrive_once_and_unchanged() {
    let bench = Bench::new().await;
    let broker = bench.start(bench.options()).await;
    let sent: Vec<_> = (0..100).map(|n| ticket(n, 1 + n % 2)).collect();
    publish(&broker, sent.clone());
    let mut arrived = Vec::new();
    while arrived.len() < sent.len() {
        let Received { tickets, sole_copy, receipt } = receive(&broker).await;
        assert!(!sole_copy);
        arrived.extend(tickets);
        receipt.ack().await;
    }
    arrived.sort_by_key(|t| t.delivery);
    assert_eq!(arrived, sent);
    until("all is confirmed", || broker.counters().confirmed.get() == broker.counters().published.get()).await;
    broker.close().await;
    for queue in bench.topology.routes().map(|r| bench.topology.queue(r)) {
        assert_eq!(bench.waiting(queue.as_str()).await, 0, "{queue}");
    }
    assert_eq!(broker.counters().ack_failed.get(), 0);
    bench.clean_up().await;
}

#[tokio::test]
async fn a_dropped_receipt_and_a_dead_process_give_the_message_back() {
    let bench = Bench::new().await;
    let broker = bench.start(bench.options()).await;
    publish(&broker, vec![ticket(7, 1)]);
    drop(receive(&broker).await);
    let again = receive(&broker).await;
    assert_eq!(again.tickets, [ticket(7, 1)]);
    // It dies before it acknowledges.
    drop(broker);
    let other = bench.start(RabbitOptions { node: "two".into(), ..bench.options() }).await;
    let at_other = receive(&other).await;
    assert_eq!(at_other.tickets, [ticket(7, 1)]);
    at_other.receipt.ack().await;
    again.receipt.ack().await;
    other.close().await;
    bench.clean_up().await;
}

#[tokio::test]
async fn what_is_no_batch_goes_to_the_poison_queue() {
    let bench = Bench::new().await;
    let broker = bench.start(bench.options()).await;
    let key = bench.topology.queue(Route { lane: Lane::Retry, shard: 1 });
    for body in [&b"{}"[..], b"", b"\x02a newer version"] {
        let (exchange, key) = (bench.topology.exchange(), key.clone());
        let options = BasicPublishOptions::default();
        bench.channel.basic_publish(exchange, key, options, body, BasicProperties::default()).await.unwrap();
    }
    publish(&broker, vec![ticket(1, 2)]);
    let good = receive(&broker).await;
    assert_eq!(good.tickets, [ticket(1, 2)]);
    good.receipt.ack().await;
    until("all three are refused", || broker.counters().decode_failed.get() == 3).await;
    broker.close().await;
    let poison = bench.topology.poison_queue();
    assert_eq!(bench.waiting(poison.as_str()).await, 3);
    // Looking takes nothing away.
    for _ in 0..2 {
        let seen = RabbitMq::poison(bench.options(), 2).await.unwrap();
        assert_eq!((seen.count, seen.messages.len()), (3, 2));
        assert_eq!((seen.messages[0].queue.as_str(), seen.messages[0].bytes), (key.as_str(), 2));
    }
    let first = bench.channel.basic_get(poison, BasicGetOptions { no_ack: true }).await.unwrap().unwrap();
    assert_eq!(first.data, b"{}");
    assert_eq!(RabbitMq::purge_poison(bench.options()).await.unwrap(), 2);
    assert_eq!(RabbitMq::poison(bench.options(), 2).await.unwrap().count, 0);
    bench.clean_up().await;
}

#[tokio::test]
async fn it_comes_back_when_the_connections_are_cut() {
    let bench = Bench::new().await;
    let wire = Wire::new().await;
    let broker = bench.start(RabbitOptions { uri: wire.uri.clone().into(), ..bench.options() }).await;
    publish(&broker, vec![ticket(1, 1)]);
    let unacknowledged = receive(&broker).await;
    wire.refuse(true);
    wire.cut();
    until("it notices", || !broker.health().ready && broker.reserve(1) == 0).await;
    broker.publish(vec![ticket(2, 1)]);
    assert_eq!(broker.counters().tickets_dropped.get(), 1);
    wire.refuse(false);
    until("it is ready again", || broker.health().ready).await;
    // What was not acknowledged comes again, and its old receipt is worth nothing.
    let again = receive(&broker).await;
    assert_eq!(again.tickets, [ticket(1, 1)]);
    unacknowledged.receipt.ack().await;
    assert_eq!(broker.counters().ack_failed.get(), 1);
    again.receipt.ack().await;
    publish(&broker, vec![ticket(3, 1)]);
    let fresh = receive(&broker).await;
    assert_eq!(fresh.tickets, [ticket(3, 1)]);
    fresh.receipt.ack().await;
    assert!(broker.counters().reconnects.get() >= 2);
    broker.close().await;
    bench.clean_up().await;
}

#[tokio::test]
async fn a_deleted_queue_is_declared_again() {
    let bench = Bench::new().await;
    let broker = bench.start(RabbitOptions { consume: false, ..bench.options() }).await;
    let sent = ticket(1, 1);
    let queue = bench.topology.queue(bench.topology.route(&sent));
    bench.channel.queue_delete(queue.clone(), QueueDeleteOptions::default()).await.unwrap();
    publish(&broker, vec![sent.clone()]);
    until("the message is returned", || broker.counters().returned.get() == 1).await;
    until("its queue is back", || broker.health().ready).await;
    // The lease would bring it back; here we publish it again.
    until("it has a queue", || {
        if broker.reserve(1) == 1 {
            broker.publish(vec![sent.clone()]);
        }
        broker.counters().confirmed.get() > broker.counters().returned.get()
    })
    .await;
    assert!(bench.waiting(queue.as_str()).await > 0);
    broker.close().await;
    bench.clean_up().await;
}

#[tokio::test]
async fn a_consumer_survives_the_deletion_of_its_queue() {
    let bench = Bench::new().await;
    let broker = bench.start(bench.options()).await;
    let queue = bench.topology.queue(bench.topology.route(&ticket(1, 1)));
    bench.channel.queue_delete(queue, QueueDeleteOptions::default()).await.unwrap();
    until("it notices", || broker.counters().reconnects.get() > 0).await;
    until("it consumes again", || broker.health().ready && broker.reserve(1) == 1).await;
    broker.publish(vec![ticket(1, 1)]);
    receive(&broker).await.receipt.ack().await;
    broker.close().await;
    bench.clean_up().await;
}

#[tokio::test]
async fn the_window_fills_and_empties() {
    let bench = Bench::new().await;
    let only_publishes = bench.start(RabbitOptions { consume: false, window: 100, ..bench.options() }).await;
    publish(&only_publishes, (0..100).map(|n| ticket(n, 1)).collect());
    until("all is confirmed", || only_publishes.counters().confirmed.get() > 1).await;
    until("it has looked", || only_publishes.health().waiting >= 100).await;
    assert_eq!(only_publishes.reserve(1), 0);
    let consumes = bench.start(RabbitOptions { node: "two".into(), ..bench.options() }).await;
    let mut deliveries: HashSet<DeliveryId> = HashSet::new();
    while deliveries.len() < 100 {
        let received = receive(&consumes).await;
        deliveries.extend(received.tickets.iter().map(|t| t.delivery));
        received.receipt.ack().await;
    }
    until("the places are free", || only_publishes.reserve(100) == 100).await;
    only_publishes.close().await;
    consumes.close().await;
    bench.clean_up().await;
}

#[tokio::test]
async fn stopping_gives_the_rest_to_others_and_keeps_what_was_taken() {
    let bench = Bench::new().await;
    let one = bench.start(RabbitOptions { batch_tickets_max: 1, ..bench.options() }).await;
    publish(&one, (0..10).map(|n| ticket(n, 1)).collect());
    let taken = receive(&one).await;
    one.stop_receiving().await;
    assert!(one.receive(1).await.is_none());
    let two = bench.start(RabbitOptions { node: "two".into(), ..bench.options() }).await;
    let mut rest = Vec::new();
    while rest.len() < 9 {
        let received = receive(&two).await;
        rest.extend(received.tickets);
        received.receipt.ack().await;
    }
    assert!(!rest.contains(&taken.tickets[0]));
    taken.receipt.ack().await;
    assert_eq!(one.counters().ack_failed.get(), 0);
    one.close().await;
    two.close().await;
    bench.clean_up().await;
}

#[tokio::test]
async fn closing_publishes_what_still_waits() {
    let bench = Bench::new().await;
    let one = bench.start(RabbitOptions { consume: false, ..bench.options() }).await;
    publish(&one, (0..500).map(|n| ticket(n, 1)).collect());
    one.close().await;
    let RabbitCounters { published, confirmed, .. } = &**one.counters();
    assert!(published.get() >= 8 && published.get() == confirmed.get());
    assert_eq!(one.reserve(1), 0);
    bench.clean_up().await;
}

#[tokio::test]
async fn without_rabbitmq_it_starts_grants_nothing_and_closes() {
    let bench = Bench::new().await;
    let uri = "amqp://guest:guest@127.0.0.1:1/%2f".to_owned();
    let broker = RabbitMq::connect(RabbitOptions { uri: uri.into(), ..bench.options() }).unwrap();
    assert_eq!((broker.reserve(1), broker.health()), (0, BrokerHealth::default()));
    until("it tries again", || broker.counters().reconnects.get() > 2).await;
    broker.stop_receiving().await;
    assert!(broker.receive(1).await.is_none());
    timeout(Duration::from_secs(1), broker.close()).await.unwrap();
    bench.clean_up().await;
}

#[tokio::test]
async fn quorum_queues_carry_tickets_too() {
    let bench = Bench::with(QueueType::Quorum).await;
    let broker = bench.start(bench.options()).await;
    publish(&broker, vec![ticket(1, 1)]);
    receive(&broker).await.receipt.ack().await;
    broker.close().await;
    bench.clean_up().await;
}

#[test]
fn options_that_cannot_work_are_refused() {
    let good = || RabbitOptions {
        uri: server().into(),
        prefix: "p".into(),
        node: "n".into(),
        shards: 1,
        queue_type: QueueType::Classic,
        consume: false,
        prefetch: 1,
        window: 1,
        batch_tickets_max: 1,
        payload_inline_max: 0,
        chance: Arc::new(|| 0.0),
    };
    let refused = |options| RabbitMq::connect(options).err();
    assert_eq!(refused(RabbitOptions { uri: "x".to_owned().into(), ..good() }), Some(InvalidRabbitOptions::Uri));
    assert_eq!(refused(RabbitOptions { prefix: "p".repeat(101), ..good() }), Some(InvalidRabbitOptions::Name));
    assert_eq!(refused(RabbitOptions { shards: 0, ..good() }), Some(InvalidRabbitOptions::Shards));
    let many = RabbitOptions { batch_tickets_max: 1025, ..good() };
    assert_eq!(refused(many), Some(InvalidRabbitOptions::BatchTickets));
}
