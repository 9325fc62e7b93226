//! A connection that is always being kept: connect, work until the first error, drop everything, back off, again.
//!
//! The client library can recover connections itself. It is not used for that: it gives up after some minutes, its
//! recovery has a history of losing the prefetch, and nothing here needs to survive, because lost tickets come back
//! with their leases. Starting from nothing each time is one path, and it is the one that every start takes.
//!
//! Publishing and consuming have a connection each: RabbitMQ blocks the connections that publish when it runs out of
//! memory or disk, and acknowledgements must not wait behind that.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lapin::types::{LongString, ShortString};
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::counters::RabbitCounters;

/// Bounds making a connection, and each call on it that waits for RabbitMQ.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(5);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// RabbitMQ's own default leaves a dead peer unnoticed for minutes.
const HEARTBEAT_SECONDS: u16 = 10;
const BACKOFF_MIN: Duration = Duration::from_millis(200);
/// With the connect timeout on top, RabbitMQ is found again within 20 s of its return.
const BACKOFF_MAX: Duration = Duration::from_secs(15);
/// A connection that lived so long was healthy: the next failure is a new one.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);

/// Draws from [0, 1).
pub type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Why a connection was given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("RabbitMQ took too long to {0}")]
    Slow(&'static str),
    #[error("{0}")]
    Amqp(#[from] lapin::Error),
    #[error("RabbitMQ stopped the consumer of {0}")]
    ConsumerEnded(ShortString),
    #[error("the connection ended")]
    Ended,
}

/// What is done with a connection while it lasts.
#[async_trait]
pub(crate) trait Session: Send {
    /// Works until the first error, or until it is told to end.
    async fn run(&mut self, connection: &Connection) -> Result<(), Broken>;
}

/// How to connect, and until when.
pub(crate) struct Link {
    pub(crate) uri: AMQPUri,
    pub(crate) name: String,
    pub(crate) chance: Chance,
    pub(crate) counters: Arc<RabbitCounters>,
    /// No new connection is made when this is cancelled. A session ends by itself.
    pub(crate) until: CancellationToken,
}

/// Reads a URI and puts in what it should say.
pub(crate) fn parse_uri(uri: &str) -> Option<AMQPUri> {
    let mut uri: AMQPUri = uri.parse().ok()?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
    uri.query.connection_timeout.get_or_insert(u64::try_from(CALL_TIMEOUT.as_millis()).unwrap_or(u64::MAX));
    Some(uri)
}

/// Bounds a call on a connection. The call is not undone when time is up: its frame may still be sent.
pub(crate) async fn within<T>(what: &'static str, call: impl Future<Output = lapin::Result<T>>) -> Result<T, Broken> {
    match timeout(CALL_TIMEOUT, call).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Broken::Slow(what)),
    }
}

/// Keeps a connection for `session` until the link ends.
pub(crate) async fn supervise(link: Link, mut session: impl Session) {
    let mut failures = 0;
    while !link.until.is_cancelled() {
        let started = Instant::now();
        let outcome = once(&link, &mut session).await;
        if link.until.is_cancelled() {
            return;
        }
        if started.elapsed() >= HEALTHY_AFTER {
            failures = 0;
        }
        let pause = backoff(failures, (link.chance)());
        failures += 1;
        link.counters.reconnects.add(1);
        if let Err(error) = outcome {
            warn!(connection = link.name, %error, failures, pause_ms = pause.as_millis(), "RabbitMQ connection lost");
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = link.until.cancelled() => return,
        }
    }
}

async fn once(link: &Link, session: &mut impl Session) -> Result<(), Broken> {
    let properties = ConnectionProperties::default().with_connection_name(LongString::from(link.name.as_str()));
    let connection = tokio::select! {
        connection = within("connect", Connection::connect_uri(link.uri.clone(), properties)) => connection?,
        () = link.until.cancelled() => return Ok(()),
    };
    info!(connection = link.name, "RabbitMQ connected");
    let outcome = session.run(&connection).await;
    // It may be dead already; then there is nobody to say goodbye to.
    let _ = timeout(CLOSE_TIMEOUT, connection.close(200, "closing".into())).await;
    outcome
}

/// Full jitter, so that the processes of a cluster do not all come back at once.
fn backoff(failures: u32, chance: f64) -> Duration {
    let ceiling = BACKOFF_MIN.saturating_mul(2u32.saturating_pow(failures.saturating_add(1))).min(BACKOFF_MAX);
    BACKOFF_MIN + ceiling.saturating_sub(BACKOFF_MIN).mul_f64(chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backing_off_stays_within_its_bounds() {
        assert_eq!(backoff(0, 0.0), BACKOFF_MIN);
        assert_eq!(backoff(0, 1.0), Duration::from_millis(400));
        assert_eq!(backoff(3, 0.5), Duration::from_millis(1700));
        assert_eq!(backoff(u32::MAX, 1.0), BACKOFF_MAX);
        assert_eq!(backoff(u32::MAX, 0.0), BACKOFF_MIN);
    }

    #[test]
    fn a_heartbeat_is_asked_for_unless_the_uri_has_one() {
        assert_eq!(parse_uri("amqp://h/%2f").unwrap().query.heartbeat, Some(10));
        assert_eq!(parse_uri("amqp://h/%2f?heartbeat=30").unwrap().query.heartbeat, Some(30));
        assert!(parse_uri("http://h/").is_none());
    }
}
