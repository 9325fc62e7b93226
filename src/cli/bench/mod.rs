//! `bench`: what this machine does, end to end, with everything on it: load, receiver, databases, engine.
//!
//! The engine is measured as users run it: child processes of this program, a fresh database for each case, the public
//! API in front and a real receiver behind. The load and the receiver share the machine with it, so both are kept very
//! cheap, each on a thread of its own.
//!
//! Three rules make the figures mean something. In a *closed loop*, what is published and not yet received is bounded,
//! so that the rate is what the engine keeps up with and not what it can pile up. In an *open loop*, events are sent on
//! a schedule whatever became of the earlier ones, and latency counts from the moment an event's turn came, whether or
//! not a connection was free, so that a stall shows in every event that it held up; how late the load itself was is a
//! figure of its own. And each run counts what was accepted against what was received:
//! a fast engine that loses something fails. The *raw ceiling* is the same signed body posted in a bare client loop to
//! the same receiver: no delivery engine on this machine can do more, and each throughput is also given as a share of it.

mod backlog;
mod case;
mod ceiling;
mod engine;
mod fairness;
mod figures;
mod latency;
mod ledger;
mod load;
mod pages;
mod replay;
mod throughput;

use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde_json::json;
use url::Url;

use self::engine::Kind;
use self::figures::{Row, table};
use super::{Exit, Failure, Outcome, Output};

/// Arguments of `bench`.
#[derive(Debug, Clone, Args)]
pub(super) struct BenchArgs {
    /// Which engine
    #[arg(long, value_enum, default_value_t = Engines::Embedded)]
    engine: Engines,
    /// A server to make databases on
    #[arg(long, value_name = "URL", env = "ANGARIUM_TEST_POSTGRES", hide_env_values = true)]
    #[arg(default_value = "postgres://postgres@127.0.0.1:5432")]
    postgres: Url,
    /// The broker that goes with it
    #[arg(long, value_name = "URL", env = "ANGARIUM_TEST_AMQP", hide_env_values = true)]
    #[arg(default_value = "amqp://guest:guest@127.0.0.1:5672/%2f")]
    amqp: Url,
    /// Processes of the engine with PostgreSQL
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    processes: u16,
    /// What to measure
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Scenario::USUAL.to_vec())]
    scenarios: Vec<Scenario>,
    /// How long each measurement takes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(2..=600))]
    seconds: u16,
    /// Bytes of an event's data
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(64..=200_000))]
    payload: u32,
    /// Events that may be published and not yet received, in a closed loop
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(16..=100_000))]
    outstanding: u32,
    /// Connections that publish
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// Events of the backlog
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    backlog: u32,
    /// Dead letters of the replay
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(100..=20_000))]
    dead_letters: u32,
    /// Deliveries in the database behind the pages
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=50_000_000))]
    deliveries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engines {
    /// SQLite and the in-process queue
    Embedded,
    /// PostgreSQL and RabbitMQ
    Postgres,
    /// One after the other
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// The raw ceiling: a bare client loop without any engine
    Raw,
    /// Closed loop, one webhook
    OneToOne,
    /// Closed loop, five webhooks
    OneToFive,
    /// Accepting, with delivery off
    Ingest,
    /// Open loop at 50, 200 and 1,000 events a second
    Latency,
    /// 20 webhooks of which 0, 1 and 5 hang
    Fairness,
    /// Accepted while paused, then drained
    Backlog,
    /// 200 live events a second, alone and beside a replay of dead letters
    Replay,
    /// Pages and lists over a database that `seed` has filled, which takes minutes; only when it is asked for
    Pages,
}

impl Scenario {
    const USUAL: [Self; 7] =
        [Self::Raw, Self::OneToOne, Self::OneToFive, Self::Ingest, Self::Latency, Self::Fairness, Self::Backlog];

    /// How many measurements it takes.
    const fn cases(self) -> usize {
        match self {
            Self::Raw
            | Self::OneToOne
            | Self::OneToFive
            | Self::Ingest
            | Self::Backlog
            | Self::Replay
            | Self::Pages => 1,
            Self::Latency => latency::CASES,
            Self::Fairness => fairness::CASES,
        }
    }
}

/// What is being measured, for people who wait.
struct Progress {
    bar: ProgressBar,
    output: Output,
}

impl Progress {
    fn new(args: &BenchArgs, output: Output) -> Self {
        let kinds = args.kinds().len();
        let cases = |scenario: &Scenario| match scenario {
            Scenario::Raw => scenario.cases(),
            other => other.cases() * kinds,
        };
        let bar = output.progress(u64::try_from(args.scenarios.iter().map(cases).sum::<usize>()).unwrap_or(0), "bench");
        bar.enable_steady_tick(Duration::from_secs(1));
        Self { bar, output }
    }

    /// The next measurement.
    fn begin(&self, text: &str) {
        if self.bar.is_hidden() {
            self.output.hint(text);
        } else if !self.bar.message().is_empty() {
            self.bar.inc(1);
        }
        self.say(text);
    }

    /// How far it is.
    fn say(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }
}

impl BenchArgs {
    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    fn kinds(&self) -> Vec<Kind> {
        match self.engine {
            Engines::Embedded => vec![Kind::Embedded],
            Engines::Postgres => vec![Kind::Postgres],
            Engines::Both => vec![Kind::Embedded, Kind::Postgres],
        }
    }
}

pub(super) async fn run(args: BenchArgs, output: Output) -> Outcome {
    let mut rows = Vec::new();
    let progress = Progress::new(&args, output);
    tokio::select! {
        measured = measure(&args, &progress, &mut rows) => measured?,
        // Dropping the measurement kills the engine.
        signal = tokio::signal::ctrl_c() => return Err(signal.map_or_else(Failure::from, |()| Failure::new(Exit::Failed, "interrupted"))),
    }
    progress.bar.finish_and_clear();
    if output.is_json() {
        output.value(&json!({
            "seconds": args.seconds, "payloadBytes": args.payload, "outstanding": args.outstanding,
            "connections": args.connections, "processes": args.processes, "deliveries": args.deliveries, "rows": rows,
        }))?;
    } else {
        output.line(&table(&rows));
    }
    let faults: Vec<String> = rows.iter().filter_map(Row::fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(Failure::new(Exit::Failed, faults.join("; "))) }
}

async fn measure(args: &BenchArgs, progress: &Progress, rows: &mut Vec<Row>) -> Outcome {
    let mut ceiling = None;
    if args.scenarios.contains(&Scenario::Raw) {
        let row = ceiling::run(args, progress).await?;
        ceiling = row.delivered_per_s;
        rows.push(row);
    }
    for kind in args.kinds() {
        for scenario in &args.scenarios {
            let mut measured = match scenario {
                Scenario::Raw => continue,
                Scenario::OneToOne => vec![throughput::deliver(args, kind, 1, progress).await?],
                Scenario::OneToFive => vec![throughput::deliver(args, kind, 5, progress).await?],
                Scenario::Ingest => vec![throughput::ingest(args, kind, progress).await?],
                Scenario::Latency => latency::run(args, kind, progress).await?,
                Scenario::Fairness => fairness::run(args, kind, progress).await?,
                Scenario::Backlog => vec![backlog::run(args, kind, progress).await?],
                Scenario::Replay => replay::run(args, kind, progress).await?,
                Scenario::Pages => pages::run(args, kind, progress).await?,
            };
            for row in &mut measured {
                row.compare(ceiling);
            }
            rows.append(&mut measured);
        }
    }
    Ok(())
}
