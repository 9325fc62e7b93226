//! Logs and metrics: one line per request and per attempt, and a number for every queue, outcome and delay.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tracing_subscriber::EnvFilter;

/// The label of a counter that is split by outcome.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Outcome {
    /// A status class such as `2xx`, or a kind of failure such as `timeout`.
    pub outcome: &'static str,
}

/// The labels of the request counter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Request {
    /// The route's pattern, never the path.
    pub route: String,
    /// The HTTP status.
    pub status: u16,
}

/// Every metric. The names that operators see are in [`Metrics::new`].
#[derive(Debug)]
#[allow(missing_docs, reason = "each metric carries its help text")]
pub struct Metrics {
    registry: Registry,
    pub http_requests: Family<Request, Counter>,
    pub http_seconds: Histogram,
    pub events_accepted: Counter,
    pub events_refused: Family<Outcome, Counter>,
    pub schema_warnings: Counter,
    pub accept_batch: Histogram,
    pub accept_seconds: Histogram,
    pub accept_queue: Gauge,
    pub attempts: Family<Outcome, Counter>,
    pub attempt_seconds: Histogram,
    pub first_attempt_lag_seconds: Histogram,
    pub settle_batch: Histogram,
    pub settle_retries: Counter,
    pub settle_abandoned: Counter,
    pub tickets_stale: Counter,
    pub parked: Counter,
    pub swept: Counter,
    pub in_flight: Gauge,
    pub waiting: Gauge,
    pub pending: Gauge,
    pub oldest_due_seconds: Gauge<f64, AtomicU64>,
    pub broker_ready: Gauge,
    pub broker_waiting: Gauge,
    pub is_leader: Gauge,
}

fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.000_5, 2.0, 17))
}

fn sizes() -> Histogram {
    Histogram::new(exponential_buckets(1.0, 2.0, 11))
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A registry of its own, so that several can live in one process.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("angarium"),
            http_requests: Family::default(),
            http_seconds: seconds(),
            events_accepted: Counter::default(),
            events_refused: Family::default(),
            schema_warnings: Counter::default(),
            accept_batch: sizes(),
            accept_seconds: seconds(),
            accept_queue: Gauge::default(),
            attempts: Family::default(),
            attempt_seconds: seconds(),
            first_attempt_lag_seconds: seconds(),
            settle_batch: sizes(),
            settle_retries: Counter::default(),
            settle_abandoned: Counter::default(),
            tickets_stale: Counter::default(),
            parked: Counter::default(),
            swept: Counter::default(),
            in_flight: Gauge::default(),
            waiting: Gauge::default(),
            pending: Gauge::default(),
            oldest_due_seconds: Gauge::default(),
            broker_ready: Gauge::default(),
            broker_waiting: Gauge::default(),
            is_leader: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("http_requests", "API requests", self.http_requests.clone());
        r.register("http_request_seconds", "Time to answer an API request", self.http_seconds.clone());
        r.register("events_accepted", "Events committed", self.events_accepted.clone());
        r.register("events_refused", "Events not accepted, by reason", self.events_refused.clone());
        r.register(
            "schema_warnings",
            "Events accepted although they do not fit their schema",
            self.schema_warnings.clone(),
        );
        r.register("accept_batch_events", "Events per commit", self.accept_batch.clone());
        r.register("accept_commit_seconds", "Time of an accept commit", self.accept_seconds.clone());
        r.register("accept_queue_events", "Events that wait for a commit", self.accept_queue.clone());
        r.register("attempts", "Attempts, by outcome", self.attempts.clone());
        r.register("attempt_seconds", "Time of an attempt", self.attempt_seconds.clone());
        r.register(
            "first_attempt_lag_seconds",
            "From accept to the end of the first attempt",
            self.first_attempt_lag_seconds.clone(),
        );
        r.register("settle_batch_attempts", "Attempts per commit", self.settle_batch.clone());
        r.register("settle_retries", "Settle commits that had to be repeated", self.settle_retries.clone());
        r.register("settle_abandoned", "Outcomes left to their lease", self.settle_abandoned.clone());
        r.register("tickets_stale", "Tickets that were refused by their epoch or lease", self.tickets_stale.clone());
        r.register("deliveries_parked", "Deliveries put back without an attempt", self.parked.clone());
        r.register("deliveries_swept", "Deliveries claimed by a sweep", self.swept.clone());
        r.register("requests_in_flight", "Requests on the wire", self.in_flight.clone());
        r.register("deliveries_waiting", "Deliveries in memory that wait for a permit", self.waiting.clone());
        r.register("deliveries_pending", "Deliveries that are not final", self.pending.clone());
        r.register("oldest_due_seconds", "How late the oldest due delivery is", self.oldest_due_seconds.clone());
        r.register("broker_ready", "1 while the broker takes tickets", self.broker_ready.clone());
        r.register("broker_waiting_tickets", "Tickets in the broker", self.broker_waiting.clone());
        r.register("scheduler_leader", "1 while this process leads", self.is_leader.clone());
    }

    /// Everything in the text format of `OpenMetrics`.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

/// Starts logging: to standard error, as text or JSON. Does nothing when a subscriber is there already.
pub fn start_logging(format: &str, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr);
    let _ = if format == "json" { builder.json().flatten_event(true).try_init() } else { builder.try_init() };
}
