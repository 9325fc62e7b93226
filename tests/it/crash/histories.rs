//! Where the histories come from: the client's log, the receiver's records, and the API.

use std::time::{Duration, Instant};

use angarium::receiver::{Record, Verdict};
use serde_json::Value;

use super::checker::{History, LoggedDelivery, ReceivedRequest, WebhookHistory};
use super::cluster::{Cluster, CrashWebhook};
use super::load::ClientLog;

/// How long everything may take to be delivered after the last event was accepted and the last fault healed.
const DRAIN_MAX: Duration = Duration::from_secs(90);
const POLL_EVERY: Duration = Duration::from_millis(100);

/// Waits until no delivery is pending; how long it took.
pub(super) async fn drain(cluster: &Cluster) -> Duration {
    let began = Instant::now();
    loop {
        let reply = cluster.client.get("/api/v1/deliveries?status=pending&limit=5").await.expect(200).json();
        let (left, some) = (reply["pagination"]["total"].as_u64().unwrap(), &reply["data"]);
        if left == 0 {
            return began.elapsed();
        }
        let seconds = DRAIN_MAX.as_secs();
        assert!(began.elapsed() < DRAIN_MAX, "{left} deliveries are pending after {seconds} s, such as {some}");
        tokio::time::sleep(POLL_EVERY).await;
    }
}

/// What everybody remembers.
pub(super) async fn collect(cluster: &Cluster, log: &ClientLog) -> History {
    let mut webhooks = Vec::new();
    for webhook in &cluster.webhooks {
        let CrashWebhook { path, is_healthy, .. } = webhook;
        let received = cluster.receiver.records(path).iter().map(|record| received(record)).collect();
        let logged = deliveries(cluster, webhook).await;
        webhooks.push(WebhookHistory { path: path.clone(), is_healthy: *is_healthy, received, logged });
    }
    History { accepted: log.accepted.clone(), webhooks }
}

fn received(record: &Record) -> ReceivedRequest {
    ReceivedRequest {
        id: record.id().to_owned(),
        at: record.at,
        body: record.body.clone(),
        is_verified: record.verdict == Verdict::Verified,
        is_success: record.answer == Some(200),
    }
}

async fn deliveries(cluster: &Cluster, webhook: &CrashWebhook) -> Vec<LoggedDelivery> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/deliveries?webhookId={}&limit=100{cursor}", webhook.id);
        let reply = cluster.client.get(&path).await.expect(200).json();
        for delivery in reply["data"].as_array().unwrap() {
            found.push(logged(cluster, delivery).await);
        }
        let Some(next) = reply["pagination"]["nextCursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}

async fn logged(cluster: &Cluster, delivery: &Value) -> LoggedDelivery {
    let text = |name: &str| delivery[name].as_str().unwrap().to_owned();
    let attempts = delivery["attempts"].as_u64().unwrap();
    let mut unanswered = 0;
    // A delivery that took one attempt and succeeded was answered.
    if attempts > 1 {
        let path = format!("/api/v1/deliveries/{}", text("id"));
        let log = cluster.client.get(&path).await.expect(200).data()["attemptLog"].take();
        unanswered = log.as_array().unwrap().iter().filter(|attempt| attempt["status"].is_null()).count();
    }
    let unanswered = u64::try_from(unanswered).unwrap();
    LoggedDelivery { event: text("eventId"), status: text("status"), attempts, unanswered }
}
