//! Accept: an event becomes durable, with a delivery for each webhook that wants it, before its publisher hears yes.
//!
//! Requests that arrive while a commit is under way share the next one (`commit`). Which webhooks an event goes to is
//! decided by `plan`. The answer is given after the commit and never waits for the broker: a ticket that cannot be
//! handed over now is found by the sweep.

mod commit;
mod plan;
mod tally;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

pub(super) use commit::run;

use super::Engine;
use super::audit::Action;
use super::event_types::Judgement;
use crate::chance;
use crate::domain::event::{EventContent, EventType, Routing};
use crate::domain::field::FieldProblem;
use crate::domain::id::{EventId, WebhookId};
use crate::domain::meter::UsedUp;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::beside::Beside;
use crate::store::dialect::records::RecordWrite;
use crate::telemetry::Outcome;

/// An event to accept.
#[derive(Debug, Clone)]
pub struct Publish {
    /// The id that the client chose.
    pub id: Option<EventId>,
    /// What kind of thing happened.
    pub event_type: EventType,
    /// A JSON object, byte for byte.
    pub data: Bytes,
    /// When it happened, if the client says.
    pub occurred_at: Option<Timestamp>,
    /// Where and when it goes.
    pub routing: Routing,
    /// Under which the client may repeat the request.
    pub idempotency: Option<IdempotencyKey>,
    /// What the event tells of: written with it, or neither is.
    pub record: Option<RecordWrite>,
    /// Whether the tenant's plan counts it. What Angarium itself has to say is free.
    pub is_metered: bool,
    /// What else is written with it.
    pub beside: Option<Box<Beside>>,
}

impl Publish {
    /// An event that just happened and goes to all that subscribe to it, now.
    #[must_use]
    pub fn new(event_type: EventType, data: Bytes) -> Self {
        Self {
            id: None,
            event_type,
            data,
            occurred_at: None,
            routing: Routing::default(),
            idempotency: None,
            record: None,
            is_metered: true,
            beside: None,
        }
    }
}

/// A key under which a request may be repeated, with a hash of the request that it came with first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// As the client gave it.
    pub key: String,
    /// Of the request.
    pub request_hash: [u8; 32],
}

/// An accepted event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub event: EventId,
    /// How many webhooks it goes to.
    pub deliveries: u32,
    /// True when an earlier request with the same key made it.
    pub replayed: bool,
    /// Where its data does not fit the schema of its type, which only warns.
    pub warnings: Vec<FieldProblem>,
}

/// Why an event was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Too many events wait for a commit. Nothing was kept; try again soon.
    #[error("too many events wait for a commit")]
    Overloaded,
    /// The idempotency key stands for another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// The record that the event tells of has changed meanwhile. Neither was kept.
    #[error("the record has changed meanwhile")]
    RecordRefused,
    /// The tenant's plan has no unit left for it.
    #[error("the plan's limit on {} is used up", .0.metered.count.meter)]
    UsedUp(Box<UsedUp>),
    /// The data does not fit the schema of the event's type.
    #[error("the data does not fit the schema of its type")]
    Misfit(Vec<FieldProblem>),
    /// There is no such webhook.
    #[error("there is no such webhook")]
    WebhookNotFound,
    /// The data of the event was erased: it cannot be sent again.
    #[error("the data of the event was erased at {0}")]
    Expunged(Timestamp),
    /// The database did not commit.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
}

impl From<StoreError> for AcceptError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Which webhooks an event goes to.
#[derive(Debug, Clone)]
pub enum Target {
    /// Those that subscribe to its type.
    Subscribers,
    /// One, whatever it subscribes to: a test.
    Only(WebhookId),
}

struct Job {
    scope: Scope,
    content: Arc<EventContent>,
    routing: Routing,
    tree: Tree,
    /// False for a replay: the event is there already.
    is_new: bool,
    /// False for replays, tests, and what Angarium itself has to say.
    is_metered: bool,
    target: Target,
    reason: &'static str,
    idempotency: Option<IdempotencyKey>,
    record: Option<RecordWrite>,
    beside: Option<Box<Beside>>,
    reply: oneshot::Sender<Result<Accepted, AcceptError>>,
}

/// An event's data as a tree, which is made when somebody first asks for it.
#[derive(Default)]
struct Tree(OnceLock<Option<Value>>);

impl Tree {
    fn of(&self, content: &EventContent) -> Option<&Value> {
        self.0.get_or_init(|| serde_json::from_slice(&content.data).ok()).as_ref()
    }
}

/// Where events wait for a commit.
pub(super) struct AcceptQueue(std::sync::Mutex<Option<mpsc::Sender<Job>>>);

/// The other end of [`AcceptQueue`].
pub(super) struct AcceptJobs(mpsc::Receiver<Job>);

impl AcceptQueue {
    pub(super) fn new(max: usize) -> (Self, AcceptJobs) {
        let (sender, receiver) = mpsc::channel(max);
        (Self(std::sync::Mutex::new(Some(sender))), AcceptJobs(receiver))
    }

    pub(super) fn close(&self) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    }

    fn offer(&self, job: Job) -> Result<(), AcceptError> {
        let sender = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let sender = sender.as_ref().ok_or(AcceptError::Overloaded)?;
        sender.try_send(job).map_err(|_| AcceptError::Overloaded)
    }
}

impl Engine {
    /// Accepts one event.
    pub async fn accept(&self, scope: Scope, publish: Publish, target: Target) -> Result<Accepted, AcceptError> {
        let now = self.clock.now();
        let Publish { id, event_type, data, occurred_at, routing, idempotency, record, is_metered, beside } = publish;
        let content = Arc::new(EventContent {
            id: id.unwrap_or_else(|| EventId::new(now, chance::id_tail())),
            event_type,
            occurred_at: occurred_at.unwrap_or(now),
            data,
        });
        let tree = Tree::default();
        let (reason, is_metered, judgement) = match target {
            Target::Subscribers => ("event", is_metered, self.judge(scope, &content.event_type, || tree.of(&content))),
            Target::Only(_) => ("test", false, Judgement::Fits),
        };
        let warnings = match judgement {
            Judgement::Fits => Vec::new(),
            Judgement::Warned(misfits) => {
                self.metrics.schema_warnings.inc();
                misfits
            }
            Judgement::Refused(misfits) => return Err(self.refused(AcceptError::Misfit(misfits))),
        };
        if self.directory.current().has_filters(scope) {
            // Here and not in the commit, which others wait for.
            tree.of(&content);
        }
        let (reply, answer) = oneshot::channel();
        let job = Job {
            scope,
            content,
            routing,
            tree,
            is_new: true,
            is_metered,
            target,
            reason,
            idempotency,
            record,
            beside,
            reply,
        };
        let accepted = self.enqueue(job, answer).await?;
        Ok(Accepted { warnings, ..accepted })
    }

    /// Sends an event that is there already to the webhooks that subscribe to it now, as new deliveries with the
    /// same `webhook-id`.
    pub async fn replay(&self, scope: Scope, event: EventId, target: Target) -> Result<Option<Accepted>, AcceptError> {
        let Some(stored) = self.store.event(scope, event).await? else { return Ok(None) };
        if let Some(at) = stored.expunged_at {
            return Err(AcceptError::Expunged(at));
        }
        let line = self.line(scope, Action::EventReplay, event, json!({}));
        let (reply, answer) = oneshot::channel();
        let job = Job {
            scope,
            content: stored.content,
            // What was asked for then has happened; now it is wanted now.
            routing: Routing { deliver_at: None, ..stored.routing },
            tree: Tree::default(),
            is_new: false,
            is_metered: false,
            target,
            reason: "replay",
            idempotency: None,
            record: None,
            beside: line.map(|line| Box::new(Beside { line: Some(line), mail: None })),
            reply,
        };
        Ok(Some(self.enqueue(job, answer).await?))
    }

    async fn enqueue(
        &self,
        job: Job,
        answer: oneshot::Receiver<Result<Accepted, AcceptError>>,
    ) -> Result<Accepted, AcceptError> {
        if let Target::Only(webhook) = job.target {
            let known = self.listener(webhook).await?;
            if !known.is_some_and(|l| l.webhook.scope == job.scope && l.webhook.takes_events()) {
                return Err(AcceptError::WebhookNotFound);
            }
        }
        let accepted = match self.accept.offer(job) {
            // The sender is dropped unanswered only when the process is going down.
            Ok(()) => answer.await.unwrap_or(Err(AcceptError::Overloaded)),
            Err(error) => Err(error),
        };
        accepted.map_err(|error| self.refused(error))
    }

    /// Counts an event that is not accepted.
    fn refused(&self, error: AcceptError) -> AcceptError {
        let outcome = match &error {
            AcceptError::Overloaded => "overloaded",
            AcceptError::KeyReused => "key_reused",
            AcceptError::RecordRefused => "record_refused",
            AcceptError::UsedUp(_) => "used_up",
            AcceptError::Misfit(_) => "misfit",
            AcceptError::WebhookNotFound => "webhook_not_found",
            AcceptError::Expunged(_) => "expunged",
            AcceptError::Store(_) => "store",
        };
        self.metrics.events_refused.get_or_create(&Outcome { outcome }).inc();
        error
    }
}
