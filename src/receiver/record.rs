//! What a receiver knows about a path and about a request that came to it.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::HeaderMap;

use super::behaviour::Behaviour;
use crate::domain::profile::{Profile, SignatureOption};
use crate::domain::secret::Secret;
use crate::domain::signature::{HEADER_ID, Headers, Received, TOLERANCE, VerifyFailure, VerifyingKey, verify};
use crate::domain::time::Timestamp;

/// One path of a receiver.
#[derive(Debug, Clone)]
pub struct Route {
    /// How requests are signed.
    pub profile: Profile,
    /// What is set about that.
    pub signature: SignatureOption,
    /// What requests are verified with; without any, nothing is verified.
    pub keys: Vec<VerifyingKey>,
    /// Verify one of so many requests; the others are `Unchecked`.
    pub verify_every: u64,
    /// How it answers.
    pub behaviour: Behaviour,
    /// What it keeps.
    pub recording: Recording,
}

impl Route {
    /// Verifies every request with these secrets, answers 200 to the good ones, keeps all.
    #[must_use]
    pub fn new(secrets: Vec<Secret>) -> Self {
        let keys = secrets.into_iter().map(VerifyingKey::from).collect();
        Self::verifying(Profile::Default, SignatureOption::default_of(Profile::Default), keys)
    }

    /// The same for another profile, and keys that need not be secrets.
    #[must_use]
    pub fn verifying(profile: Profile, signature: SignatureOption, keys: Vec<VerifyingKey>) -> Self {
        let (behaviour, recording) = (Behaviour::default(), Recording::Full);
        Self { profile, signature, keys, verify_every: 1, behaviour, recording }
    }

    /// The same with another behaviour.
    #[must_use]
    pub fn behaving(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// The same with another recording.
    #[must_use]
    pub fn recording(self, recording: Recording) -> Self {
        Self { recording, ..self }
    }
}

/// What is kept of a request, besides that it came.
#[derive(Clone)]
pub enum Recording {
    /// Everything, up to [`super::RECORDS_MAX`] requests.
    Full,
    /// Nothing.
    Count,
    /// Nothing; the function is told, on the receiver's thread, and must be quick.
    Observe(Observer),
}

/// Is told about each arrival.
pub type Observer = Arc<dyn Fn(&Arrival<'_>) + Send + Sync>;

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "Full",
            Self::Count => "Count",
            Self::Observe(_) => "Observe(…)",
        })
    }
}

/// A request at the moment it was complete.
#[derive(Debug)]
pub struct Arrival<'a> {
    /// Where to.
    pub path: &'a str,
    /// When, for durations.
    pub at: Instant,
    /// When, by the receiver's clock.
    pub time: Timestamp,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The bytes of the body.
    pub body: &'a Bytes,
    /// Whether the signature was good.
    pub verdict: Verdict,
    /// The status it will get; `None` if it will not get any.
    pub answer: Option<u16>,
}

/// A request that was kept.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where to.
    pub path: String,
    /// When it was complete, for durations.
    pub at: Instant,
    /// When it was complete, by the receiver's clock.
    pub time: Timestamp,
    /// All headers.
    pub headers: HeaderMap,
    /// The bytes of the body.
    pub body: Bytes,
    /// Whether the signature was good.
    pub verdict: Verdict,
    /// The status it got; `None` if it did not get any.
    pub answer: Option<u16>,
}

impl Record {
    pub(super) fn keep(arrival: &Arrival<'_>) -> Self {
        let Arrival { path, at, time, headers, body, verdict, answer } = arrival;
        let (path, headers, body) = ((*path).to_owned(), (*headers).clone(), Bytes::clone(body));
        Self { path, at: *at, time: *time, headers, body, verdict: *verdict, answer: *answer }
    }

    /// A header's value; empty when it is missing or not a text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        text(&self.headers, name)
    }

    /// The value of `webhook-id`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.header(HEADER_ID)
    }
}

/// What a receiver thinks of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is good.
    Verified,
    /// It is not.
    Refused(VerifyFailure),
    /// Nobody looked.
    Unchecked,
}

impl Verdict {
    pub(super) fn of(route: &Route, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Self {
        let scheme = route.profile.scheme(&route.signature);
        let received = Received { headers: &Lookup(headers), body };
        match verify(&scheme, &route.keys, &received, now, TOLERANCE) {
            Ok(()) => Self::Verified,
            Err(failure) => Self::Refused(failure),
        }
    }
}

struct Lookup<'a>(&'a HeaderMap);

impl Headers for Lookup<'_> {
    fn value(&self, name: &str) -> &str {
        text(self.0, name)
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
