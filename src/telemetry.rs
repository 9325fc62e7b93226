//! Logs and metrics: one line per request and per attempt, and a number for every queue, outcome and delay.
//!
//! A metric stands once, in the table below: its field, its type, its name and its help. What `/metrics` says, and what
//! [`reference()`] and so `docs/reference/metrics.md` say, both follow from there.

pub mod traces;

use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry, Unit};
use tracing_subscriber::EnvFilter;

const PREFIX: &str = "angarium";

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

/// What runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Build {
    /// The version of the program.
    pub version: &'static str,
    /// What the process does: `all`, `api`, `worker` or `scheduler`.
    pub role: &'static str,
    /// The database: `postgres` or `sqlite`.
    pub engine: &'static str,
}

/// What a type of metric says of itself.
trait Shape: Metric + Clone {
    const KIND: &'static str;
    const LABELS: &'static [&'static str] = &[];
    fn empty() -> Self;
}

impl Shape for Counter {
    const KIND: &'static str = "counter";
    fn empty() -> Self {
        Self::default()
    }
}

impl Shape for Gauge {
    const KIND: &'static str = "gauge";
    fn empty() -> Self {
        Self::default()
    }
}

impl Shape for Gauge<f64, AtomicU64> {
    const KIND: &'static str = "gauge";
    fn empty() -> Self {
        Self::default()
    }
}

/// Of seconds, from half a millisecond to half a minute.
#[derive(Debug, Clone)]
pub struct Seconds(Histogram);

/// Of rows in a batch.
#[derive(Debug, Clone)]
pub struct Sizes(Histogram);

macro_rules! histogram {
    ($name:ident, $buckets:expr) => {
        impl Shape for $name {
            const KIND: &'static str = "histogram";
            fn empty() -> Self {
                Self(Histogram::new($buckets))
            }
        }

        impl $name {
            /// Counts one.
            pub fn observe(&self, value: f64) {
                self.0.observe(value);
            }
        }

        impl prometheus_client::encoding::EncodeMetric for $name {
            fn encode(&self, encoder: prometheus_client::encoding::MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
                self.0.encode(encoder)
            }

            fn metric_type(&self) -> prometheus_client::metrics::MetricType {
                prometheus_client::metrics::MetricType::Histogram
            }
        }
    };
}
histogram!(Seconds, exponential_buckets(0.000_5, 2.0, 17));
histogram!(Sizes, exponential_buckets(1.0, 2.0, 11));

macro_rules! family {
    ($labels:ident, $metric:ident, [$($name:literal),*]) => {
        impl Shape for Family<$labels, $metric> {
            const KIND: &'static str = <$metric as Shape>::KIND;
            const LABELS: &'static [&'static str] = &[$($name),*];
            fn empty() -> Self {
                Self::default()
            }
        }
    };
}
family!(Outcome, Counter, ["outcome"]);
family!(Request, Counter, ["route", "status"]);
family!(Build, Gauge, ["version", "role", "engine"]);

/// A metric, as the reference shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Described {
    /// As it is in `/metrics`.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// What it is split by.
    pub labels: &'static [&'static str],
    /// `seconds` or `bytes`; absent: it is a count.
    pub unit: Option<&'static str>,
    /// What it says.
    pub help: &'static str,
}

fn add<M: Shape>(registry: &mut Registry, name: &'static str, help: &'static str, metric: &M) -> Described {
    let unit = match name.rsplit_once('_') {
        Some((stem, "seconds")) => {
            registry.register_with_unit(stem, help, Unit::Seconds, metric.clone());
            Some("seconds")
        }
        Some((stem, "bytes")) => {
            registry.register_with_unit(stem, help, Unit::Bytes, metric.clone());
            Some("bytes")
        }
        Some(_) | None => {
            registry.register(name, help, metric.clone());
            None
        }
    };
    let total = if M::KIND == "counter" { "_total" } else { "" };
    Described { name: format!("{PREFIX}_{name}{total}"), kind: M::KIND, labels: M::LABELS, unit, help }
}

macro_rules! metrics {
    ($($field:ident: $type:ty, $name:literal, $help:literal;)*) => {
        /// Every metric.
        #[derive(Debug)]
        #[allow(missing_docs, reason = "each metric carries its help text")]
        pub struct Metrics {
            registry: Registry,
            described: Vec<Described>,
            $(pub $field: $type,)*
        }

        impl Metrics {
            /// A registry of its own, so that several can live in one process.
            #[must_use]
            pub fn new() -> Self {
                let mut registry = Registry::with_prefix(PREFIX);
                $(let $field = <$type as Shape>::empty();)*
                let described = vec![$(add(&mut registry, $name, $help, &$field)),*];
                Self { registry, described, $($field),* }
            }
        }
    };
}

// The leader alone measures what "Of the leader" stands before: other processes say 0, so that sums are right.
metrics! {
    build: Family<Build, Gauge>, "build_info", "1; the labels tell what runs";
    http_requests: Family<Request, Counter>, "http_requests", "API requests";
    http_seconds: Seconds, "http_request_seconds", "Time to answer an API request";
    events_accepted: Counter, "events_accepted", "Events committed";
    events_refused: Family<Outcome, Counter>, "events_refused", "Events not accepted, by reason";
    schema_warnings: Counter, "schema_warnings", "Events accepted although they do not fit their schema";
    accept_batch: Sizes, "accept_batch_events", "Events per commit";
    accept_seconds: Seconds, "accept_commit_seconds", "Time of an accept commit";
    accept_queue: Gauge, "accept_queue_events", "Events that wait for a commit";
    attempts: Family<Outcome, Counter>, "attempts", "Attempts, by outcome";
    attempt_seconds: Seconds, "attempt_seconds", "Time of an attempt";
    first_attempt_lag_seconds: Seconds, "first_attempt_lag_seconds", "From accept to the end of the first attempt";
    deliveries_finished: Family<Outcome, Counter>, "deliveries_finished",
        "Deliveries that were delivered, or became dead letters";
    settle_batch: Sizes, "settle_batch_attempts", "Attempts per commit";
    settle_retries: Counter, "settle_retries", "Settle commits that had to be repeated";
    settle_abandoned: Counter, "settle_abandoned", "Outcomes left to their lease";
    tickets_stale: Counter, "tickets_stale", "Tickets that were refused by their epoch or lease";
    parked: Counter, "deliveries_parked", "Deliveries put back without an attempt";
    swept: Counter, "deliveries_swept", "Deliveries claimed by a sweep";
    in_flight: Gauge, "requests_in_flight", "Requests on the wire";
    waiting: Gauge, "deliveries_waiting", "Deliveries in memory that wait for a permit";
    pending: Gauge, "deliveries_pending", "Of the leader: deliveries that are not final, at most 1000000 of them";
    dead_letters: Gauge, "dead_letters", "Of the leader: dead letters that are kept, at most 1000000 of them";
    oldest_due_seconds: Gauge<f64, AtomicU64>, "oldest_due_seconds",
        "Of the leader: how late the oldest due delivery is, those of webhooks that are held back included";
    oldest_ready_seconds: Gauge<f64, AtomicU64>, "oldest_ready_seconds",
        "Of the leader: how late the oldest due delivery is that nothing holds back";
    webhooks_due: Gauge, "webhooks_due", "Of the leader: webhooks with deliveries that are due";
    webhooks_held: Gauge, "webhooks_held",
        "Of the leader: webhooks with deliveries that are due and are held back, because the circuit is open, the \
            receiver asked for a pause, a worker has enough of them, the rate is used up, or they keep a strict order";
    webhooks_failing: Gauge, "webhooks_failing",
        "Of the leader: webhooks that have had nothing but failures since their last success";
    store_bytes: Gauge, "store_bytes", "Of the leader: size of the database";
    circuits_open: Gauge, "circuits_open", "Webhooks whose circuit is open or probes; every process says the same";
    mails: Family<Outcome, Counter>, "mails",
        "Mails about operational events: sent, refused, failed and tried again, late, or unwanted";
    mails_waiting: Gauge, "mails_waiting", "Of the leader: mails that wait to be sent, at most 10000 of them";
    broker_ready: Gauge, "broker_ready", "1 while the broker takes tickets";
    broker_waiting: Gauge, "broker_waiting_tickets", "Tickets in the broker, as far as this process knows";
    is_leader: Gauge, "scheduler_leader", "1 while this process leads";
    clock_offset_seconds: Gauge<f64, AtomicU64>, "clock_offset_seconds",
        "How far the database's clock, which counts, is ahead of this machine's";
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Everything in the text format of `OpenMetrics`.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }

    /// What metrics there are.
    #[must_use]
    pub fn described(&self) -> &[Described] {
        &self.described
    }

    /// Says 0 where only the leader knows: this process does not lead.
    pub fn forget_the_leaders(&self) {
        for gauge in [
            &self.pending,
            &self.dead_letters,
            &self.webhooks_due,
            &self.webhooks_held,
            &self.webhooks_failing,
            &self.store_bytes,
            &self.mails_waiting,
        ] {
            gauge.set(0);
        }
        self.oldest_due_seconds.set(0.0);
        self.oldest_ready_seconds.set(0.0);
    }
}

const INTRODUCTION: &str = "\
Afterwards you know what each number of `/metrics` means. [Monitoring](../operate/monitoring.md) says which of them to
watch.

A histogram `NAME` is there as `NAME_bucket` with the label `le`, `NAME_sum` and `NAME_count`. Every process has its own
numbers, since it started: add them up. \"Of the leader\" is 0 in all processes but the one whose
`angarium_scheduler_leader` is 1, so there a sum is the number itself.";

const WRONG: &str = "\
- A metric with labels is absent until its first label is seen: `angarium_attempts_total{outcome=\"timeout\"}` is not 0
  but missing while nothing has timed out. `sum(…) or vector(0)` makes it 0.
- Counters start at 0 with the process. Use `rate` and `increase`, which know that.
- Nothing is split by tenant or webhook: such labels would grow without bound. Statistics of one webhook are in the
  API.";

/// The reference of metrics as Markdown, for the repository.
#[must_use]
pub fn reference() -> String {
    let mut text = format!(
        "# Metrics\n\n{INTRODUCTION}\n\n| metric | type | labels | unit | what it says |\n|---|---|---|---|---|\n"
    );
    for Described { name, kind, labels, unit, help } in Metrics::new().described() {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        // Writing to a text does not fail.
        let _ = writeln!(text, "| `{name}` | {kind} | {} | {} | {help} |", labels.join(", "), unit.unwrap_or(""));
    }
    let _ = write!(text, "\n## What can go wrong\n\n{WRONG}\n");
    text
}

/// Starts logging: to standard error, as text or JSON. Does nothing when a subscriber is there already.
pub fn start_logging(format: &str, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr);
    let _ = if format == "json" { builder.json().flatten_event(true).try_init() } else { builder.try_init() };
}
