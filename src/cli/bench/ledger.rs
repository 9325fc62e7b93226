//! What was published, what was accepted, and what each webhook received, by number.
//!
//! Every event carries a number in its data. The load writes when it sent a number and whether it was accepted; the
//! receiver's thread writes when it first came to each webhook. Nothing is locked on either path.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::figures::Counts;
use crate::receiver::Arrival;

/// Digits of a number, so that it can be written over another.
const DIGITS: usize = 10;
const MARK: &[u8] = b"\"seq\":\"";
/// The number is looked for in this much of a body.
const HEAD_BYTES: usize = 512;
/// Receipts that are told to the load at once, since each telling wakes another thread. Far below the window.
const RELEASE_BATCH: u32 = 8;

/// An account of one run.
pub(super) struct Ledger {
    began: Instant,
    next: AtomicU64,
    sent: Box<[AtomicU64]>,
    accepted: Box<[AtomicBool]>,
    lanes: Vec<Box<[AtomicU64]>>,
    accepted_count: AtomicU64,
    received_count: AtomicU64,
    duplicates: AtomicU64,
    unreadable: AtomicU64,
    refused: AtomicU64,
    /// Deliveries that may still be put on their way.
    pub(super) window: Semaphore,
    unreleased: AtomicU32,
}

fn zeros(length: usize) -> Box<[AtomicU64]> {
    std::iter::repeat_with(AtomicU64::default).take(length).collect()
}

impl Ledger {
    /// For so many events to so many webhooks, with so many deliveries on their way at once.
    pub(super) fn new(events: usize, lanes: usize, window: usize) -> Self {
        Self {
            began: Instant::now(),
            next: AtomicU64::new(0),
            sent: zeros(events),
            accepted: std::iter::repeat_with(AtomicBool::default).take(events).collect(),
            lanes: std::iter::repeat_with(|| zeros(events)).take(lanes).collect(),
            accepted_count: AtomicU64::new(0),
            received_count: AtomicU64::new(0),
            duplicates: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            window: Semaphore::new(window),
            unreleased: AtomicU32::new(0),
        }
    }

    /// Nanoseconds since the start; never zero, which stands for "not yet".
    fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX).max(1)
    }

    /// The next number, until there are no more.
    pub(super) fn take_number(&self) -> Option<usize> {
        let number = usize::try_from(self.next.fetch_add(1, Ordering::Relaxed)).ok()?;
        (number < self.sent.len()).then_some(number)
    }

    pub(super) fn sent(&self, number: usize, at: Instant) {
        self.sent[number].store(self.nanos(at), Ordering::Relaxed);
    }

    pub(super) fn accepted(&self, number: usize) {
        self.accepted[number].store(true, Ordering::Release);
        self.accepted_count.fetch_add(1, Ordering::AcqRel);
    }

    /// Not accepted, or nobody knows.
    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.window.add_permits(self.lanes.len());
    }

    /// Called on the receiver's thread.
    pub(super) fn received(&self, lane: usize, arrival: &Arrival<'_>) {
        let slot = read_number(arrival.body).and_then(|number| self.lanes[lane].get(number));
        let Some(slot) = slot else {
            self.unreadable.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let at = self.nanos(arrival.at);
        if slot.compare_exchange(0, at, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            self.duplicates.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.received_count.fetch_add(1, Ordering::AcqRel);
        if self.unreleased.fetch_add(1, Ordering::AcqRel) + 1 >= RELEASE_BATCH {
            let batch = self.unreleased.swap(0, Ordering::AcqRel);
            self.window.add_permits(usize::try_from(batch).unwrap_or(0));
        }
    }

    pub(super) fn accepted_count(&self) -> u64 {
        self.accepted_count.load(Ordering::Acquire)
    }

    pub(super) fn received_count(&self) -> u64 {
        self.received_count.load(Ordering::Acquire)
    }

    /// Whether every accepted event came to every webhook. Looks at each only when the sums agree.
    pub(super) fn is_complete(&self) -> bool {
        let wanted = self.accepted_count() * u64::try_from(self.lanes.len()).unwrap_or(1);
        self.received_count() >= wanted && self.lost() == 0
    }

    fn lost(&self) -> u64 {
        let accepted = || (0..self.accepted.len()).filter(|number| self.accepted[*number].load(Ordering::Acquire));
        let missing =
            |lane: &[AtomicU64]| accepted().filter(|number| lane[*number].load(Ordering::Acquire) == 0).count();
        self.lanes.iter().map(|lane| u64::try_from(missing(lane)).unwrap_or(u64::MAX)).sum()
    }

    /// When the last delivery came that was none before.
    pub(super) fn last_received(&self) -> Instant {
        let nanos = self.lanes.iter().flatten().map(|received| received.load(Ordering::Acquire)).max();
        self.began + Duration::from_nanos(nanos.unwrap_or(0))
    }

    /// Nanoseconds from sent to received, over all webhooks, of events sent from `since` on.
    pub(super) fn latencies(&self, since: Instant) -> Vec<u64> {
        let since = self.nanos(since);
        let pairs = self.lanes.iter().flat_map(|lane| self.sent.iter().zip(lane));
        let pairs = pairs.map(|(sent, received)| (sent.load(Ordering::Relaxed), received.load(Ordering::Acquire)));
        pairs
            .filter(|(sent, received)| *sent >= since && *received > 0)
            .map(|(sent, received)| received.saturating_sub(sent))
            .collect()
    }

    pub(super) fn counts(&self, bad_signatures: u64) -> Counts {
        Counts {
            accepted: self.accepted_count(),
            received: self.received_count(),
            lost: self.lost(),
            duplicates: self.duplicates.load(Ordering::Acquire),
            unreadable: self.unreadable.load(Ordering::Acquire),
            bad_signatures,
            refused: self.refused.load(Ordering::Acquire),
        }
    }
}

/// The body of an event, to be numbered.
#[derive(Clone)]
pub(super) struct Template {
    bytes: Vec<u8>,
    at: usize,
}

impl Template {
    /// With data of so many bytes.
    pub(super) fn new(event_type: &str, data_bytes: usize) -> Self {
        let open = format!(r#"{{"type":"{event_type}","data":"#);
        let head = format!(r#"{{"seq":"{:0DIGITS$}","text":""#, 0);
        let pad = "x".repeat(data_bytes.saturating_sub(head.len() + r#""}"#.len()));
        let at = open.len() + r#"{"seq":""#.len();
        Self { bytes: format!(r#"{open}{head}{pad}"}}}}"#).into_bytes(), at }
    }

    pub(super) fn numbered(&self, number: usize) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let mut rest = number;
        for digit in bytes[self.at..self.at + DIGITS].iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        bytes
    }
}

fn read_number(body: &[u8]) -> Option<usize> {
    let head = &body[..body.len().min(HEAD_BYTES)];
    let at = head.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    std::str::from_utf8(head.get(at..at + DIGITS)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_survives_the_body() {
        let template = Template::new("message.received", 1024);
        for number in [0, 7, 1_234_567_890] {
            let body = template.numbered(number);
            let value: serde_json::Value = serde_json::from_slice(&body).expect("is JSON");
            assert_eq!(value["data"].to_string().len(), 1024);
            assert_eq!(read_number(&body), Some(number));
        }
        assert_eq!(read_number(b"{}"), None);
        assert_eq!(read_number(br#"{"seq":"12"#), None);
    }

    #[test]
    fn losses_and_duplicates_are_told_apart() {
        let ledger = Ledger::new(3, 2, 8);
        let template = Template::new("a.b", 64);
        let headers = hyper::HeaderMap::new();
        let receive = |lane, number| {
            let body = template.numbered(number).into();
            ledger.received(
                lane,
                &Arrival {
                    path: "/",
                    at: Instant::now(),
                    time: crate::domain::time::Timestamp::from_millis(0),
                    headers: &headers,
                    body: &body,
                    verdict: crate::receiver::Verdict::Unchecked,
                    answer: Some(200),
                },
            );
        };
        for number in 0..3 {
            assert_eq!(ledger.take_number(), Some(number));
            ledger.sent(number, Instant::now());
        }
        assert_eq!(ledger.take_number(), None);
        ledger.accepted(0);
        ledger.accepted(1);
        ledger.refused();
        for (lane, number) in [(0, 0), (0, 0), (1, 0), (0, 1), (0, 2), (0, 9)] {
            receive(lane, number);
        }
        let counts = ledger.counts(0);
        let expected = Counts { accepted: 2, received: 4, lost: 1, duplicates: 1, unreadable: 1, ..counts };
        assert_eq!((counts, counts.refused, ledger.is_complete()), (expected, 1, false));
        receive(1, 1);
        assert!(ledger.is_complete());
        assert_eq!(ledger.latencies(ledger.began).len(), 5);
    }
}
