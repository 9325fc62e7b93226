//! The history checker: what the client was promised, against what the receiver got, against what the log says.
//!
//! It holds whatever was killed, and in whatever order things happened:
//!
//! - every accepted event was received and answered with success, by every webhook: nothing is lost;
//! - the receiver got no other events, and the log has one delivery of each event for each webhook, delivered;
//! - every signature verifies, and every body is the envelope around the very bytes that were published;
//! - requests that were one too many are within the bound: those on the wire at a kill, and those without an answer;
//! - no delivery had more attempts than its policy allows, and none was retried before its time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use angarium::receiver::{Record, Verdict};
use serde_json::Value;

use super::cluster::{ATTEMPTS_MAX, Cluster, CrashWebhook};
use super::load::{AcceptedEvent, ClientLog};

/// How long everything may take to be delivered after the last event was accepted and the last fault healed.
const DRAIN_MAX: Duration = Duration::from_secs(90);
const POLL_EVERY: Duration = Duration::from_millis(100);
/// Half of the shortest delay of the webhooks' schedule: jitter takes no more.
const RETRY_MIN: Duration = Duration::from_millis(500);
/// Of many problems, a failure shows this many.
const PROBLEMS_SHOWN: usize = 10;

/// A delivery as the API tells of it.
struct LoggedDelivery {
    id: String,
    status: String,
    attempts: u64,
}

/// What a scenario came to.
#[derive(Debug, Default)]
pub(super) struct Figures {
    events: usize,
    requests: usize,
    duplicates: u64,
    bound: u64,
    /// Attempts that got no answer in time, which the receiver may have had.
    unanswered: u64,
    /// Retries that came sooner than the policy says: the earlier failure was never committed.
    hasty: u64,
    /// From the moment of the call to the last settled delivery.
    drained_in: Duration,
    /// The longest time from 202 to the healthy webhooks.
    slowest: Duration,
}

impl Figures {
    pub(super) fn slowest(&self) -> Duration {
        self.slowest
    }
}

struct Checker {
    figures: Figures,
    problems: Vec<String>,
}

/// Waits until nothing is pending, and checks the history. `lost_outcomes_max`: requests that were on the wire, or
/// answered and not committed, at the moments of the kills.
pub(super) async fn check(cluster: &mut Cluster, log: &ClientLog, lost_outcomes_max: u64) -> Figures {
    let drained_in = drain(cluster).await;
    cluster.expect_running();
    let mut checker = Checker { figures: Figures { drained_in, ..Figures::default() }, problems: Vec::new() };
    checker.figures.events = log.accepted.len();
    let accepted: HashMap<&str, &AcceptedEvent> = log.accepted.iter().map(|event| (event.id.as_str(), event)).collect();
    checker.expect(accepted.len() == log.accepted.len(), || "two keys got one event".to_owned());
    for event in &log.accepted {
        let webhooks = u64::try_from(cluster.webhooks.len()).unwrap();
        checker.expect(event.deliveries == webhooks, || format!("{} has {} deliveries", event.id, event.deliveries));
    }
    for webhook in &cluster.webhooks {
        checker.check_webhook(cluster, webhook, &accepted).await;
    }
    let figures = &mut checker.figures;
    figures.bound = lost_outcomes_max + figures.unanswered;
    let (duplicates, hasty, bound) = (figures.duplicates, figures.hasty, figures.bound);
    checker.expect(duplicates <= bound, || format!("{duplicates} duplicates are more than {bound}"));
    checker.expect(hasty <= bound, || format!("{hasty} retries before their time are more than {bound}"));
    let shown = &checker.problems[..checker.problems.len().min(PROBLEMS_SHOWN)];
    let (count, figures) = (checker.problems.len(), &checker.figures);
    assert!(
        shown.is_empty(),
        "{count} problem(s), among them:\n  {}\n{figures:?}\n{}",
        shown.join("\n  "),
        log.answers()
    );
    checker.figures
}

impl Checker {
    fn expect(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        if !holds {
            self.problems.push(problem());
        }
    }

    async fn check_webhook(
        &mut self,
        cluster: &Cluster,
        webhook: &CrashWebhook,
        accepted: &HashMap<&str, &AcceptedEvent>,
    ) {
        let mut received: HashMap<String, Vec<Arc<Record>>> = HashMap::new();
        for record in cluster.receiver.records(&webhook.path) {
            self.figures.requests += 1;
            self.expect(accepted.contains_key(record.id()), || format!("{} was never accepted", record.id()));
            received.entry(record.id().to_owned()).or_default().push(record);
        }
        let mut logged = deliveries(cluster, webhook).await;
        for event in accepted.values() {
            let records = received.remove(&event.id).unwrap_or_default();
            self.check_requests(webhook, event, &records);
            let of_event = logged.remove(&event.id).unwrap_or_default();
            let [delivery] = &of_event[..] else {
                self.problems.push(format!("{} has {} deliveries for {}", event.id, of_event.len(), webhook.path));
                continue;
            };
            self.check_log(cluster, event, delivery, &records).await;
        }
        self.expect(logged.is_empty(), || format!("{} event(s) were made up for {}", logged.len(), webhook.path));
    }

    fn check_requests(&mut self, webhook: &CrashWebhook, event: &AcceptedEvent, records: &[Arc<Record>]) {
        let CrashWebhook { path, is_healthy, .. } = webhook;
        let first_success = records.iter().find(|record| record.answer == Some(200));
        match first_success {
            None => self.problems.push(format!("{} is LOST: {path} never took it", event.id)),
            Some(first) if *is_healthy => {
                let took = first.at.saturating_duration_since(event.at);
                self.figures.slowest = self.figures.slowest.max(took);
            }
            Some(_) => {}
        }
        let head = format!(r#"{{"id":"{}","event":"order.created","timestamp":""#, event.id);
        let end = format!(r#","data":{}}}"#, event.data);
        for record in records {
            let verdict = record.verdict;
            self.expect(verdict == Verdict::Verified, || format!("{path} refused {}: {verdict:?}", event.id));
            let is_same = record.body.starts_with(head.as_bytes()) && record.body.ends_with(end.as_bytes());
            self.expect(is_same, || format!("the bytes of {} changed: {:?}", event.id, record.body));
            self.expect(record.body == records[0].body, || format!("the bodies of {} differ", event.id));
        }
        let hasty = records.windows(2).filter(|pair| pair[1].at.duration_since(pair[0].at) < RETRY_MIN).count();
        self.figures.hasty += u64::try_from(hasty).unwrap();
    }

    async fn check_log(
        &mut self,
        cluster: &Cluster,
        event: &AcceptedEvent,
        delivery: &LoggedDelivery,
        records: &[Arc<Record>],
    ) {
        let LoggedDelivery { id, status, attempts } = delivery;
        self.expect(status == "delivered", || format!("{id} of {} is {status}", event.id));
        self.expect((1..=ATTEMPTS_MAX).contains(attempts), || format!("{id} had {attempts} attempts"));
        let requests = u64::try_from(records.len()).unwrap();
        let successes = records.iter().filter(|record| record.answer == Some(200)).count();
        let successes = u64::try_from(successes).unwrap();
        // One success is needed, and the log knows each attempt, unless its worker died before it could tell.
        self.figures.duplicates += successes.saturating_sub(1).max(requests.saturating_sub(*attempts));
        if *attempts > 1 {
            let detail = cluster.client.get(&format!("/api/v1/deliveries/{id}")).await.expect(200).data();
            let attempts = detail["attemptLog"].as_array().unwrap();
            let unanswered = attempts.iter().filter(|attempt| attempt["status"] == Value::Null).count();
            self.figures.unanswered += u64::try_from(unanswered).unwrap();
        }
    }
}

/// Waits until no delivery is pending; how long it took.
async fn drain(cluster: &mut Cluster) -> Duration {
    let began = Instant::now();
    loop {
        let reply = cluster.client.get("/api/v1/deliveries?status=pending&limit=5").await.expect(200).json();
        let left = reply["pagination"]["total"].as_u64().unwrap();
        if left == 0 {
            return began.elapsed();
        }
        assert!(
            began.elapsed() < DRAIN_MAX,
            "{left} deliveries are still pending after {} s, among them {}",
            DRAIN_MAX.as_secs(),
            reply["data"]
        );
        tokio::time::sleep(POLL_EVERY).await;
    }
}

/// All deliveries of a webhook, by event.
async fn deliveries(cluster: &Cluster, webhook: &CrashWebhook) -> BTreeMap<String, Vec<LoggedDelivery>> {
    let mut found: BTreeMap<String, Vec<LoggedDelivery>> = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/deliveries?webhookId={}&limit=100{cursor}", webhook.id);
        let reply = cluster.client.get(&path).await.expect(200).json();
        for delivery in reply["data"].as_array().unwrap() {
            let text = |name: &str| delivery[name].as_str().unwrap().to_owned();
            let attempts = delivery["attempts"].as_u64().unwrap();
            let logged = LoggedDelivery { id: text("id"), status: text("status"), attempts };
            found.entry(text("eventId")).or_default().push(logged);
        }
        let Some(next) = reply["pagination"]["nextCursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}
