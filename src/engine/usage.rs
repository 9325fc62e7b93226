//! Usage: what requests keys made, by route and month, how long they took, and when a key was last used. Requests of
//! people are not counted.
//!
//! Counted in memory and added to the database once a second: a process that dies loses at most its last second. What
//! limits go by is counted elsewhere ([`super::rates`], [`crate::store::meters`]).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Engine;
use crate::domain::duration_histogram::bucket_of;
use crate::domain::id::KeyId;
use crate::domain::meter::Month;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::store::StoreError;
use crate::store::requests::{Endpoint, Requests};

/// A request that was answered.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "said above")]
pub struct Answered<'a> {
    pub scope: Scope,
    pub key: KeyId,
    pub method: &'a str,
    /// As it is declared, without ids.
    pub route: &'a str,
    pub failed: bool,
    pub took: Duration,
}

#[derive(Default)]
struct Counted {
    endpoints: HashMap<Endpoint, Requests>,
    durations: HashMap<(Scope, Month, usize), u64>,
    last_used: HashMap<KeyId, Timestamp>,
}

/// What has been counted since it was last added to the database.
#[derive(Default)]
pub(crate) struct Usage(Mutex<Counted>);

impl Engine {
    /// Counts a request.
    pub fn count_request(&self, request: Answered<'_>) {
        let Answered { scope, key, method, route, failed, took } = request;
        let now = self.clock.now();
        let month = Month::at(now);
        let endpoint = Endpoint { scope, month, key, method: method.to_owned(), route: route.to_owned() };
        let mut counted = self.usage.0.lock().unwrap_or_else(PoisonError::into_inner);
        let requests = counted.endpoints.entry(endpoint).or_default();
        requests.count += 1;
        requests.failed += u64::from(failed);
        requests.micros += u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        *counted.durations.entry((scope, month, bucket_of(took))).or_default() += 1;
        counted.last_used.insert(key, now);
    }

    /// Adds what was counted to the database.
    pub async fn flush_usage(&self) -> Result<(), StoreError> {
        let counted = std::mem::take(&mut *self.usage.0.lock().unwrap_or_else(PoisonError::into_inner));
        let Counted { endpoints, durations, last_used } = counted;
        if endpoints.is_empty() {
            return Ok(());
        }
        let mut endpoints: Vec<_> = endpoints.into_iter().collect();
        let mut durations: Vec<_> = durations.into_iter().map(|((s, m, bucket), n)| (s, m, bucket, n)).collect();
        // In one order for all processes, so that none waits for another in a circle.
        endpoints.sort_by(|(a, _), (b, _)| a.cmp(b));
        durations.sort_unstable();
        let added = self.store.add_requests(&endpoints, &durations).await;
        if added.is_err() {
            self.usage.put_back(endpoints, durations);
        }
        added?;
        self.store.touch_keys(&last_used.into_iter().collect::<Vec<_>>()).await
    }
}

impl Usage {
    fn put_back(&self, endpoints: Vec<(Endpoint, Requests)>, durations: Vec<(Scope, Month, usize, u64)>) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (endpoint, Requests { count, failed, micros }) in endpoints {
            let requests = counted.endpoints.entry(endpoint).or_default();
            requests.count += count;
            requests.failed += failed;
            requests.micros += micros;
        }
        for (scope, month, bucket, count) in durations {
            *counted.durations.entry((scope, month, bucket)).or_default() += count;
        }
    }
}
