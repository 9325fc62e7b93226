//! The history checker: what the client was promised, against what the receiver got, against what the log says.
//!
//! It holds whatever was killed, and in whatever order things happened:
//!
//! - every accepted event was received and answered with success, by every webhook: nothing is lost;
//! - the receiver got no other events, and the log has one delivery of each event for each webhook, delivered;
//! - every signature verifies, and every body is the envelope around the very bytes that were published;
//! - requests that were one too many are within the bound: those whose outcome was not committed when a process died,
//!   and those that the receiver may have had although it did not answer in time;
//! - no delivery had more attempts than its policy allows, and none was sent again before its time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

/// Attempts that a delivery may have, the first included.
pub(super) const ATTEMPTS_MAX: u64 = 10;
/// Half of each delay of the webhooks' schedule: jitter takes no more.
pub(super) const RETRY_MIN: Duration = Duration::from_millis(500);
/// Of many problems, a failure shows this many.
const PROBLEMS_SHOWN: usize = 10;

/// The three logs of a scenario.
#[derive(Default)]
pub(super) struct History {
    pub(super) accepted: Vec<AcceptedEvent>,
    pub(super) webhooks: Vec<WebhookHistory>,
}

/// An event that was answered 202.
#[derive(Clone)]
pub(super) struct AcceptedEvent {
    pub(super) id: String,
    pub(super) data: String,
    pub(super) deliveries: usize,
    pub(super) at: Instant,
}

/// What one webhook got, and what is logged of it.
#[derive(Default)]
pub(super) struct WebhookHistory {
    pub(super) path: String,
    /// Whether every answer that it gives is a success.
    pub(super) is_healthy: bool,
    pub(super) received: Vec<ReceivedRequest>,
    pub(super) logged: Vec<LoggedDelivery>,
}

/// A request as the receiver saw it.
#[derive(Clone)]
pub(super) struct ReceivedRequest {
    pub(super) id: String,
    pub(super) at: Instant,
    pub(super) body: Bytes,
    pub(super) is_verified: bool,
    pub(super) is_success: bool,
}

/// A delivery as the API tells of it.
#[derive(Clone)]
pub(super) struct LoggedDelivery {
    pub(super) event: String,
    pub(super) status: String,
    pub(super) attempts: u64,
    /// Attempts without an answer.
    pub(super) unanswered: u64,
}

/// What a scenario came to.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) events: usize,
    pub(super) requests: usize,
    pub(super) duplicates: u64,
    pub(super) duplicates_max: u64,
    /// Attempts that got no answer in time, which the receiver may have had.
    pub(super) unanswered: u64,
    /// Requests that followed another sooner than the policy says: its outcome was never committed.
    pub(super) hasty: u64,
    /// The longest time from 202 to a healthy webhook.
    pub(super) slowest: Duration,
}

impl History {
    /// Checks everything. `lost_outcomes_max`: requests whose outcome was not committed when a process died.
    pub(super) fn check(&self, lost_outcomes_max: u64) -> Result<Figures, String> {
        let mut check = Check::default();
        check.figures.events = self.accepted.len();
        let accepted: HashMap<&str, &AcceptedEvent> =
            self.accepted.iter().map(|event| (event.id.as_str(), event)).collect();
        check.expect(accepted.len() == self.accepted.len(), || "two keys got one event".to_owned());
        for event in &self.accepted {
            let is_for_all = event.deliveries == self.webhooks.len();
            check.expect(is_for_all, || format!("{} has {} deliveries", event.id, event.deliveries));
        }
        for webhook in &self.webhooks {
            check.webhook(webhook, &accepted);
        }
        check.figures.duplicates_max = lost_outcomes_max + check.figures.unanswered;
        let Figures { duplicates, hasty, duplicates_max: max, .. } = check.figures;
        check.expect(duplicates <= max, || format!("{duplicates} duplicates are more than {max}"));
        check.expect(hasty <= max, || format!("{hasty} requests before their time are more than {max}"));
        let Check { figures, problems } = check;
        if problems.is_empty() {
            return Ok(figures);
        }
        let shown = problems[..problems.len().min(PROBLEMS_SHOWN)].join("\n  ");
        Err(format!("{} problem(s), among them:\n  {shown}\n{figures:?}", problems.len()))
    }
}

#[derive(Default)]
struct Check {
    figures: Figures,
    problems: Vec<String>,
}

impl Check {
    fn expect(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(problem());
        }
    }

    fn webhook(&mut self, webhook: &WebhookHistory, accepted: &HashMap<&str, &AcceptedEvent>) {
        let WebhookHistory { path, is_healthy, received, logged } = webhook;
        self.figures.requests += received.len();
        let mut requests = by(received, |request| &request.id);
        let mut deliveries = by(logged, |delivery| &delivery.event);
        for (id, event) in accepted {
            let requests = requests.remove(id).unwrap_or_default();
            self.requests(path, event, &requests);
            match requests.iter().find(|request| request.is_success) {
                None => self.problems.push(format!("{id} is lost: {path} never took it")),
                Some(first) if *is_healthy => {
                    let took = first.at.saturating_duration_since(event.at);
                    self.figures.slowest = self.figures.slowest.max(took);
                }
                Some(_) => {}
            }
            match deliveries.remove(id).unwrap_or_default()[..] {
                [delivery] => self.delivery(path, delivery, &requests),
                ref others => self.problems.push(format!("{id} has {} deliveries for {path}", others.len())),
            }
        }
        self.expect(requests.is_empty(), || format!("{path} got {} event(s) that nobody sent", requests.len()));
        self.expect(deliveries.is_empty(), || format!("the log of {path} has {} event(s) too many", deliveries.len()));
    }

    fn requests(&mut self, path: &str, event: &AcceptedEvent, requests: &[&ReceivedRequest]) {
        let AcceptedEvent { id, data, .. } = event;
        let head = format!(r#"{{"id":"{id}","event":"order.created","timestamp":""#);
        let end = format!(r#","data":{data}}}"#);
        for request in requests {
            self.expect(request.is_verified, || format!("{path} could not verify {id}"));
            let is_same = request.body.starts_with(head.as_bytes()) && request.body.ends_with(end.as_bytes());
            self.expect(is_same, || format!("the bytes of {id} changed: {:?}", request.body));
            self.expect(request.body == requests[0].body, || format!("the bodies of {id} differ"));
        }
        let hasty = requests.windows(2).filter(|pair| pair[1].at.saturating_duration_since(pair[0].at) < RETRY_MIN);
        self.figures.hasty += count(hasty.count());
    }

    fn delivery(&mut self, path: &str, delivery: &LoggedDelivery, requests: &[&ReceivedRequest]) {
        let LoggedDelivery { event, status, attempts, unanswered } = delivery;
        self.expect(status == "delivered", || format!("{event} is {status} for {path}"));
        self.expect((1..=ATTEMPTS_MAX).contains(attempts), || format!("{event} had {attempts} attempts at {path}"));
        let successes = count(requests.iter().filter(|request| request.is_success).count());
        // One success is enough, and the log knows of every attempt, unless a process died before it could tell.
        let unlogged = count(requests.len()).saturating_sub(*attempts);
        self.figures.duplicates += successes.saturating_sub(1).max(unlogged);
        self.figures.unanswered += unanswered;
    }
}

fn by<T>(items: &[T], key: impl Fn(&T) -> &String) -> HashMap<&str, Vec<&T>> {
    let mut groups: HashMap<&str, Vec<&T>> = HashMap::new();
    for item in items {
        groups.entry(key(item)).or_default().push(item);
    }
    groups
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap()
}
