//! Crashes: real processes and real servers, killed in the middle of a load, and what is left of the promise.
//!
//! Each scenario runs alone, since each of them takes the whole machine, and on servers of its own, since it kills
//! them. Its load publishes with idempotency keys and asks again until it is answered, as a client should. In the end
//! [`checker`] compares three histories. The clock is the real one; every wait has a bound.

mod checker;
mod checker_tests;
mod cluster;
mod histories;
mod load;
mod process;
mod quota;
mod replays;
mod servers;

use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};

use self::checker::Figures;
use self::cluster::{Cluster, LEASE, LOST_PER_WORKER_MAX};
use self::load::{ClientLog, Load};

const EVENTS: usize = 2_000;
/// How long the load lasts if nothing stands in its way.
const LOAD: Duration = Duration::from_secs(6);
/// The same for a load that comes faster than it can be delivered, so that workers have all that they can hold.
const BURST: Duration = Duration::from_millis(600);
/// Longer than a lease.
const OUTAGE: Duration = Duration::from_secs(10);
const LONG_OUTAGE: Duration = Duration::from_secs(30);
/// How much longer than its lease a healthy webhook may wait after a crash, on a machine that has other work.
const SLACK: Duration = Duration::from_secs(25);
/// Answers that may be under way to the clients of a load when its database goes: one for each.
const ANSWERS_MAX: usize = load::CLIENTS;
/// SIGTERM under load ends a process in less.
const STOP_MAX: Duration = Duration::from_secs(15);

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

async fn my_turn() -> MutexGuard<'static, ()> {
    let turn = ONE_AT_A_TIME.lock().await;
    // A process has one; another test may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    turn
}

/// Waits until all is delivered, checks the history, and says what it came to. No healthy webhook may have waited
/// longer than the outage and then a lease.
async fn settle(
    name: &str,
    cluster: &mut Cluster,
    log: &ClientLog,
    lost_outcomes_max: u64,
    outage: Duration,
) -> Figures {
    let drained = histories::drain(cluster).await;
    cluster.expect_running();
    let history = histories::collect(cluster, log).await;
    let figures = history.check(lost_outcomes_max).unwrap_or_else(|problems| panic!("{problems}\n{}", log.answers()));
    eprintln!("{name}: outage {outage:.1?}, drained in {drained:.1?}, {figures:?}; {}", log.answers());
    let slowest_max = outage + LEASE + SLACK;
    assert!(figures.slowest <= slowest_max, "a healthy webhook waited {:?}, not {slowest_max:?}", figures.slowest);
    figures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_api_loses_no_accepted_event() {
    let _turn = my_turn().await;
    let mut cluster = Cluster::distributed(1).await;
    let load = Load::start(&cluster, EVENTS, LOAD);
    for accepted in [500, 1_000, 1_500] {
        load.reaches(accepted).await;
        cluster.apis[0].kill();
        cluster.apis[0].start_again();
    }
    let log = load.finish().await;
    assert!(log.unconnected + log.unanswered > 0, "the client noticed nothing: {}", log.answers());
    settle("killed API", &mut cluster, &log, 0, Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_worker_repeats_no_more_than_it_had_on_the_wire() {
    let _turn = my_turn().await;
    let mut cluster = Cluster::distributed(1).await;
    let load = Load::start(&cluster, EVENTS, BURST);
    for (number, accepted) in [600, 1_400].into_iter().enumerate() {
        load.reaches(accepted).await;
        cluster.workers[number].kill();
        cluster.workers[number].start_again();
    }
    let log = load.finish().await;
    assert_undisturbed(&log);
    settle("killed worker", &mut cluster, &log, 2 * LOST_PER_WORKER_MAX, Duration::ZERO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_rabbitmq_delays_and_loses_nothing() {
    let _turn = my_turn().await;
    let mut cluster = Cluster::distributed(1).await;
    let load = Load::start(&cluster, EVENTS, LOAD);
    load.reaches(700).await;
    let down = Instant::now();
    cluster.rabbitmq().kill().await;
    cluster.rabbitmq().start_again().await;
    let outage = down.elapsed();
    let log = load.finish().await;
    assert_undisturbed(&log);
    settle("killed RabbitMQ", &mut cluster, &log, 0, outage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashed_postgres_is_answered_with_503_and_never_with_a_false_202() {
    let _turn = my_turn().await;
    let mut cluster = Cluster::distributed(1).await;
    let load = Load::start(&cluster, EVENTS, BURST);
    load.reaches(1_000).await;
    let down = Instant::now();
    cluster.postgres().stop_immediately().await;
    let before = load.accepted();
    tokio::time::sleep(OUTAGE).await;
    let meanwhile = load.accepted() - before;
    assert!(meanwhile <= ANSWERS_MAX, "{meanwhile} events were accepted by no database");
    cluster.postgres().start_again().await;
    let outage = down.elapsed();
    let log = load.finish().await;
    let only_503 = log.statuses.keys().all(|status| [202, 503].contains(status));
    assert!(only_503 && log.count(503) > 0 && log.unanswered == 0, "{}", log.answers());
    settle("crashed PostgreSQL", &mut cluster, &log, 2 * LOST_PER_WORKER_MAX, outage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wiped_rabbitmq_costs_a_lease_and_no_event() {
    let _turn = my_turn().await;
    let mut cluster = Cluster::distributed(1).await;
    let load = Load::start(&cluster, EVENTS, LOAD);
    load.reaches(700).await;
    let down = Instant::now();
    cluster.rabbitmq().stop().await;
    cluster.rabbitmq().wipe().await;
    cluster.rabbitmq().start_again().await;
    let outage = down.elapsed();
    let log = load.finish().await;
    assert_undisturbed(&log);
    settle("wiped RabbitMQ", &mut cluster, &log, 0, outage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_rabbitmq_everything_is_accepted_and_delivered_afterwards() {
    let _turn = my_turn().await;
    let mut cluster = Cluster::distributed(1).await;
    let load = Load::start(&cluster, EVENTS, LONG_OUTAGE + LOAD);
    load.reaches(100).await;
    let down = Instant::now();
    cluster.rabbitmq().stop().await;
    let before = load.accepted();
    tokio::time::sleep(LONG_OUTAGE).await;
    let meanwhile = load.accepted() - before;
    assert!(meanwhile > EVENTS / 2, "only {meanwhile} events were accepted without RabbitMQ: {}", load.answers());
    cluster.rabbitmq().start_again().await;
    let outage = down.elapsed();
    let log = load.finish().await;
    assert_undisturbed(&log);
    settle("absent RabbitMQ", &mut cluster, &log, 0, outage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_embedded_process_goes_on_where_it_was() {
    let _turn = my_turn().await;
    let mut cluster = Cluster::embedded().await;
    let load = Load::start(&cluster, EVENTS, LOAD);
    for accepted in [600, 1_400] {
        load.reaches(accepted).await;
        cluster.apis[0].kill();
        cluster.apis[0].start_again();
    }
    let log = load.finish().await;
    let figures = settle("killed embedded process", &mut cluster, &log, 2 * LOST_PER_WORKER_MAX, Duration::ZERO).await;
    assert!(figures.slowest < LEASE, "a restart waited {:?} for its own leases", figures.slowest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rolling_restart_repeats_nothing_and_fails_no_request() {
    let _turn = my_turn().await;
    let mut cluster = Cluster::distributed(2).await;
    let load = Load::start(&cluster, EVENTS, LOAD);
    let mut longest = Duration::ZERO;
    for number in 0..2 {
        load.reaches(400 + 800 * number).await;
        longest = longest.max(cluster.workers[number].terminate().await);
        cluster.workers[number].start_again();
        longest = longest.max(cluster.apis[number].terminate().await);
        cluster.apis[number].start_again();
        cluster.is_ready().await;
    }
    let log = load.finish().await;
    assert!(longest < STOP_MAX, "a process took {longest:?} to stop");
    // A connection that is refused is tried at the other API; what was taken must be answered.
    assert!(log.statuses.keys().eq([&202]) && log.unanswered == 0, "{}", log.answers());
    eprintln!("rolling restart: the slowest process took {longest:?} to stop");
    settle("rolling restart", &mut cluster, &log, 0, Duration::ZERO).await;
}

/// The client saw nothing but success.
fn assert_undisturbed(log: &ClientLog) {
    let undisturbed = log.statuses.keys().eq([&202]) && log.unconnected == 0 && log.unanswered == 0;
    assert!(undisturbed, "{}", log.answers());
}
