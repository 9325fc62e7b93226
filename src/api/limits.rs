//! The limits on requests, and the headers that tell where they stand.
//!
//! An address may send so many a second before anybody looks at its key. A key has its hour and its tenant a month, a
//! person a minute ([`crate::engine::rates`]); every answer to one that we know says how much is left.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use tokio::time::Instant;

use super::Api;
use super::auth::{Identity, Principal};
use super::idempotency::idempotency;
use super::problem::{Code, Problem};
use crate::domain::id::TenantId;
use crate::engine::rates::{Admission, Rate};
use crate::engine::usage::Answered;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
/// Addresses that are remembered before those that have been quiet are forgotten.
const ADDRESSES_MAX: usize = 65_536;

/// How many requests an address may send.
pub(super) struct Addresses {
    limiter: Option<DefaultKeyedRateLimiter<IpAddr>>,
    exempt: Vec<IpNet>,
}

impl Addresses {
    pub(super) fn new(per_second: u32, exempt: Vec<IpNet>) -> Self {
        let limiter = NonZeroU32::new(per_second).map(|most| RateLimiter::keyed(Quota::per_second(most)));
        Self { limiter, exempt }
    }

    pub(super) fn admit(&self, address: IpAddr) -> Result<(), Problem> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if self.exempt.iter().any(|network| network.contains(&address)) {
            return Ok(());
        }
        if limiter.len() > ADDRESSES_MAX {
            limiter.retain_recent();
        }
        limiter.check_key(&address).map_err(|_| {
            let message = "Too many requests come from this address; send fewer in a second.";
            Problem::new(Code::RateLimitExceeded, message).with_retry_after(Duration::from_secs(1))
        })
    }
}

/// What is under way at once, by tenant.
#[derive(Clone, Default)]
pub(super) struct Places(Arc<Mutex<HashMap<TenantId, usize>>>);

/// One place; given back when it is dropped.
pub(super) struct Place(Places, TenantId);

impl Places {
    /// A place, if fewer than `most` of the tenant's are taken; `what` they are is said otherwise.
    pub(super) fn enter(&self, tenant: TenantId, most: usize, what: &str) -> Result<Place, Problem> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = under_way.entry(tenant).or_default();
        if *count >= most {
            let message = format!("{most} {what} are under way, which is as many as may be; wait for one to end.");
            return Err(Problem::new(Code::RateLimitExceeded, message).with_retry_after(Duration::from_secs(1)));
        }
        *count += 1;
        Ok(Place(self.clone(), tenant))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = under_way.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.1);
            }
        }
    }
}

/// Lets a request of a known key pass if its limits allow it, tells in its answer where they stand, and counts it.
pub(super) async fn limits(api: &Api, request: Request, next: Next) -> Response {
    let Some(Identity(Ok(principal))) = request.extensions().get::<Identity>().cloned() else {
        return idempotency(api, request, next).await;
    };
    let admission = match &principal {
        Principal::Key(key) => api.engine.admit(key).await,
        Principal::Person(person) => Ok(api.engine.admit_person(person.session.id)),
    };
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let (rate, mut response) = match admission {
        Ok(Admission::Admitted(rate)) => (rate, idempotency(api, request, next).await),
        Ok(Admission::WindowUsedUp(rate)) => (rate, window_used_up(rate, api).into_response()),
        Ok(Admission::MonthUsedUp(rate, limit)) => {
            let limit = limit.as_number();
            let message = format!("The plan allows {limit} requests in a month, and they are used up.");
            (rate, Problem::new(Code::PlanLimitExceeded, message).into_response())
        }
        Err(error) => return Problem::from(error).into_response(),
    };
    tell(rate, &mut response);
    if let Principal::Key(key) = principal {
        api.engine.count_request(Answered {
            scope: key.scope,
            key: key.id,
            method: method.as_str(),
            route: route.as_ref().map_or("none", MatchedPath::as_str),
            failed: response.status() >= StatusCode::BAD_REQUEST,
            took: started.elapsed(),
        });
    }
    response
}

fn window_used_up(rate: Rate, api: &Api) -> Problem {
    let message = format!("All {} requests of this window are used up.", rate.limit.as_number());
    let wait = rate.resets_at.since(api.engine.clock().now());
    Problem::new(Code::RateLimitExceeded, message).with_retry_after(wait)
}

fn tell(rate: Rate, response: &mut Response) {
    let Rate { limit, remaining, resets_at } = rate;
    let remaining = if limit.is_unlimited() { -1 } else { i64::try_from(remaining).unwrap_or(i64::MAX) };
    let headers = response.headers_mut();
    headers.insert(LIMIT, HeaderValue::from(limit.as_number()));
    headers.insert(REMAINING, HeaderValue::from(remaining));
    headers.insert(RESET, HeaderValue::from(resets_at.as_seconds()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_has_so_many_requests_a_second() {
        let addresses = Addresses::new(3, vec!["10.0.0.0/8".parse().unwrap()]);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        assert!((0..3).all(|_| addresses.admit(address).is_ok()));
        assert_eq!(addresses.admit(address).unwrap_err().code(), Code::RateLimitExceeded);
        assert!(addresses.admit("192.0.2.2".parse().unwrap()).is_ok());
        assert!((0..99).all(|_| addresses.admit("10.1.2.3".parse().unwrap()).is_ok()));
        assert!((0..99).all(|_| Addresses::new(0, Vec::new()).admit(address).is_ok()));
    }

    #[test]
    fn a_place_is_given_back() {
        let batches = Places::default();
        let tenant = |number| TenantId(uuid::Uuid::from_u128(number));
        let enter = |number| batches.enter(tenant(number), 2, "batches");
        let places: Vec<_> = (0..2).map(|_| enter(1).ok().unwrap()).collect();
        assert!(enter(1).is_err() && enter(2).is_ok());
        drop(places);
        assert!(enter(1).is_ok());
        assert!(batches.0.lock().unwrap().is_empty());
    }
}
