//! A client that publishes at a steady pace and asks again until it is answered, and what it remembers of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::cluster::Cluster;

const CLIENTS: usize = 16;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// The bound of every wait for the load.
const LOAD_MAX: Duration = Duration::from_secs(120);
const POLL_EVERY: Duration = Duration::from_millis(5);

/// An event that was answered 202.
pub(super) struct AcceptedEvent {
    pub(super) id: String,
    pub(super) data: String,
    pub(super) deliveries: u64,
    pub(super) at: std::time::Instant,
}

/// Everything that a client may remember.
#[derive(Default)]
pub(super) struct ClientLog {
    pub(super) accepted: Vec<AcceptedEvent>,
    /// How often each status was answered.
    pub(super) statuses: BTreeMap<u16, u64>,
    /// Connections that nobody took.
    pub(super) unconnected: u64,
    /// Requests that were sent and not answered, or only in part.
    pub(super) unanswered: u64,
}

struct Shared {
    next: AtomicUsize,
    total: usize,
    spacing: Duration,
    started: Instant,
    addresses: Vec<SocketAddr>,
    key: String,
    http: reqwest::Client,
    log: Mutex<ClientLog>,
}

/// A load under way.
pub(super) struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<()>,
}

impl Load {
    /// Starts to publish so many events, spread evenly over a time.
    pub(super) fn start(cluster: &Cluster, total: usize, over: Duration) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(REQUEST_TIMEOUT).build().unwrap();
        let shared = Arc::new(Shared {
            next: AtomicUsize::new(0),
            total,
            spacing: over / u32::try_from(total).unwrap(),
            started: Instant::now(),
            addresses: cluster.addresses.clone(),
            key: cluster.client.key().to_owned(),
            http,
            log: Mutex::default(),
        });
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(publish_all(Arc::clone(&shared)));
        }
        Self { shared, clients }
    }

    pub(super) fn accepted(&self) -> usize {
        self.shared.log.lock().unwrap().accepted.len()
    }

    /// Waits until so many events are accepted.
    pub(super) async fn reaches(&self, accepted: usize) {
        let waited = async {
            while self.accepted() < accepted {
                tokio::time::sleep(POLL_EVERY).await;
            }
        };
        let in_time = tokio::time::timeout(LOAD_MAX, waited).await.is_ok();
        assert!(in_time, "only {} of {accepted} events were accepted: {}", self.accepted(), self.answers());
    }

    /// What was answered so far.
    pub(super) fn answers(&self) -> String {
        self.shared.log.lock().unwrap().answers()
    }

    /// Waits until every event is accepted.
    pub(super) async fn finish(mut self) -> ClientLog {
        self.reaches(self.shared.total).await;
        while let Some(ended) = self.clients.join_next().await {
            ended.unwrap();
        }
        std::mem::take(&mut self.shared.log.lock().unwrap())
    }
}

impl ClientLog {
    pub(super) fn answers(&self) -> String {
        let Self { accepted: _, statuses, unconnected, unanswered } = self;
        format!("answers {statuses:?}, {unconnected} not connected, {unanswered} not answered")
    }

    pub(super) fn count(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }
}

async fn publish_all(shared: Arc<Shared>) {
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        if number >= shared.total {
            return;
        }
        tokio::time::sleep_until(shared.started + shared.spacing * u32::try_from(number).unwrap()).await;
        shared.publish(number).await;
    }
}

impl Shared {
    /// Publishes one event, with a key that makes it one event however often it is asked for.
    async fn publish(&self, number: usize) {
        let data = data(number);
        let body = format!(r#"{{"type":"order.created","data":{data}}}"#);
        for attempt in 0.. {
            let address = self.addresses[(number + attempt) % self.addresses.len()];
            let request = self.http.post(format!("http://{address}/api/v1/events")).bearer_auth(&self.key);
            let request = request.header("content-type", "application/json");
            let request = request.header("idempotency-key", format!("order-{number}")).body(body.clone());
            if self.is_accepted(request, &data).await {
                return;
            }
            // Another API may be there at once; one that was asked before needs time.
            if (attempt + 1) % self.addresses.len() == 0 {
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }

    async fn is_accepted(&self, request: reqwest::RequestBuilder, data: &str) -> bool {
        let answer = async {
            let response = request.send().await?;
            Ok::<_, reqwest::Error>((response.status().as_u16(), response.text().await?))
        };
        let answer = answer.await;
        let at = std::time::Instant::now();
        let mut log = self.log.lock().unwrap();
        let (status, text) = match answer {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => {
                log.unconnected += 1;
                return false;
            }
            Err(_) => {
                log.unanswered += 1;
                return false;
            }
        };
        *log.statuses.entry(status).or_default() += 1;
        assert!(status == 202 || status == 409 || status >= 500, "{status}: {text}");
        if status != 202 {
            return false;
        }
        let reply: serde_json::Value = serde_json::from_str(&text).unwrap();
        let id = reply["data"]["id"].as_str().unwrap().to_owned();
        let deliveries = reply["data"]["deliveries"].as_u64().unwrap();
        log.accepted.push(AcceptedEvent { id, data: data.to_owned(), deliveries, at });
        true
    }
}

/// Bytes that only survive if nobody parses and prints them again.
fn data(number: usize) -> String {
    let padding = "x".repeat(200);
    format!(
        r#"{{ "number": {number}, "price": 1.10, "big": 12345678901234567890123, "\u2028": "é", "p":"{padding}" }}"#
    )
}
