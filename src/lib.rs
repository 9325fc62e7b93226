//! Angarium delivers webhooks: it accepts events, signs them, sends them to every URL that wants them, tries again
//! when a receiver fails, and keeps a log of all of it. This page is its architecture.
//!
//! # The players
//!
//! - The **store** ([`store`]) is the truth: `PostgreSQL`, or one `SQLite` file. It is the only module with SQL.
//! - The **broker** ([`broker`]) is a doorbell: RabbitMQ, or a queue inside the process. It moves *tickets* ("this
//!   delivery is ready") from the process that commits to a process that sends. It may lose or repeat any of them.
//! - The **engine** ([`engine`]) has the verbs: accept, claim, settle, park, sweep, replay. It alone writes business
//!   state. It knows no HTTP.
//! - The **API** ([`api`]) turns HTTP requests into verbs; the **worker** ([`worker`]) turns tickets into HTTP
//!   requests; the **dashboard** ([`dashboard`]) makes pages for people; the **scheduler** ([`scheduler`]) turns time
//!   into sweeps, chores and mails.
//! - The **domain** ([`domain`]) has the rules: when to retry, how to sign, where a request may go, when a circuit
//!   opens. No clock, no chance, no I/O: those are arguments.
//!
//! One binary plays any of the roles ([`app::Role`]), or all of them in one process.
//!
//! # The life of an event
//!
//! ```text
//! POST /api/v1/events ──┐                            one transaction:
//! AMQP angarium.events ─┴─▶ engine::accept ────────▶ event + a delivery per webhook + their due rows ──▶ 202
//!                                                     │ after COMMIT
//!                                                     ▼
//!  engine::sweep: due_at ≤ now ─────────▶ broker: tickets (first attempts, retries)
//!  (retries, lost tickets, backlog)                   │
//!                                                     ▼
//!  worker: claim (lease, epoch) ─▶ lane ─▶ sign ─▶ POST ─▶ engine::settle: attempt + next state, one transaction
//!                                   │                        │
//!                                   └─ no permit: park       └─▶ delivered · retry at due_at · dead letter
//! ```
//!
//! # Who asks, and how much
//!
//! A request passes, in this order: the front door (an id, a time limit, the one body of errors), the gate (who asks: a
//! program by its API key, a person by their session), the limits (of an address, a key, a tenant), the memory of
//! `Idempotency-Key`, and its handler, which cannot learn whose rows it may see without naming the permission that it
//! asks for. What is sold is a plan ([`domain::plan`]). Accepted events are counted on meters in the transaction that
//! accepts them, exactly and never over, with no row that all processes wait for ([`store::meters`]).
//!
//! The core API ([`domain::noun`]) keeps customers, conversations and so on as records, and each write of one carries
//! its event through the same accept: there is never the one without the other.
//!
//! Whatever somebody changes has a line in the audit log, written in the transaction of the change
//! ([`engine::audit`]). Many deliveries are attempted again by a job with a rate ([`engine::replays`]).
//!
//! # The one table that matters
//!
//! A row in `due` exists exactly while its delivery is pending. Its `due_at` is the outbox (set at accept), the retry
//! timer (set at settle), the lease (set at claim), and the crash recovery (a lease that runs out), all at once.
//! Publishing a ticket never removes it; only an outcome does. Each claim raises the row's `epoch`, and a failure is
//! believed only while the epoch is still that of its claim. A success is always believed: the receiver has it.
//!
//! # What is guaranteed
//!
//! - **At least once.** An event that was answered 202 reaches every webhook that matched it, or ends as a dead letter
//!   that can be inspected and redriven. It survives the death of any process, and of the broker with all its data.
//! - **A stable `webhook-id`.** It is the event's id, equal on every attempt and every replay: the receiver's
//!   deduplication key.
//! - **Few duplicates.** One is possible where a process dies between the receiver's answer and our commit, so at most
//!   as many as it had requests on the wire; and where a request timed out that the receiver had processed.
//! - **The bytes that were accepted are the bytes that are sent** and signed, at the moment of sending, with every key
//!   that is then valid.
//! - **One slow webhook delays no other.** See [`worker::lanes`].
//! - **No more than the rate** of a webhook (`rateLimit`, its plan's, its receiver's) is granted in any window of it, over
//!   all processes. A request begins within a tenth of a second of its grant.
//! - **Order, where it is asked for** (`ordering: strict`): deliveries of the webhook go out one at a time in the order in
//!   which their events were accepted, and one that fails holds back those behind it until it is delivered, a dead letter
//!   or cancelled. Events whose requests overlap have no order between them, nor have those that different processes take
//!   in one millisecond. An event with `deliverAt` joins the line at that time.
//!
//! # What is not
//!
//! No order among deliveries of a webhook that has not asked for one: a retry would have to hold back everything behind
//! it. Even with an order, what is sent again is out of it: a dead letter that is redriven and an event that is replayed
//! stand at the end of the line; a request that its receiver got, and that is repeated because a process died, comes
//! before the next one, but a worker that was held up for longer than its lease may have sent it at any time in between.
//! A change to `strict` holds for what is claimed after it.
//!
//! No exactly-once: no sender can promise it. No delivery while the database is away: nothing is sent that could not be
//! recorded.
//!
//! # Who may use whom
//!
//! ```text
//! main → cli → app → {api, dashboard, worker, scheduler} → engine → {store, broker} → domain
//! ```
//!
//! [`config`], [`telemetry`], [`clock`] and [`chance`] are leaves: they know [`domain`] at most. [`receiver`] is the
//! receiver of `dev`, the bench and the tests. A test reads the `use` lines and fails on anything else
//! (`tests/it/architecture.rs`).

pub mod api;
pub mod app;
pub mod broker;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dashboard;
pub mod domain;
pub mod engine;
pub mod receiver;
pub mod scheduler;
pub mod store;
pub mod telemetry;
pub mod worker;
