//! Names to addresses, checked: the connection is made to an address that was judged, so a name cannot point
//! somewhere public when it is checked and somewhere private when it is used.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::domain::egress::EgressPolicy;

/// Names that are remembered at once.
const NAMES_MAX: usize = 4096;

/// Why a name gave no address to connect to.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    /// It has none, or the name server did not answer in time.
    #[error("the name did not resolve")]
    NotFound,
    /// All that it has are denied.
    #[error("the address is not allowed")]
    Denied,
}

/// When a name was resolved, and to what.
type Known = HashMap<String, (Instant, Vec<SocketAddr>)>;

/// Resolves by the system, drops denied addresses, remembers for a short time.
pub(super) struct CheckedResolver {
    pub(super) policy: Arc<EgressPolicy>,
    pub(super) timeout: Duration,
    pub(super) cache_for: Duration,
    known: Arc<Mutex<Known>>,
}

impl CheckedResolver {
    pub(super) fn new(policy: Arc<EgressPolicy>, timeout: Duration, cache_for: Duration) -> Self {
        Self { policy, timeout, cache_for, known: Arc::default() }
    }

    fn remembered(&self, name: &str) -> Option<Vec<SocketAddr>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).filter(|(at, _)| at.elapsed() < self.cache_for).map(|(_, addresses)| addresses.clone())
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        if let Some(addresses) = self.remembered(&name) {
            return Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) });
        }
        let (policy, timeout, known) = (Arc::clone(&self.policy), self.timeout, Arc::clone(&self.known));
        Box::pin(async move {
            // With a final dot the system's search domains are left out. A bare name is one that the operator allows.
            let asked = if name.contains('.') { format!("{name}.") } else { name.clone() };
            let found = tokio::time::timeout(timeout, tokio::net::lookup_host((asked.as_str(), 0))).await;
            let found: Vec<SocketAddr> = found.ok().and_then(Result::ok).ok_or(ResolveError::NotFound)?.collect();
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|address| policy.check_address(address.ip()).is_ok()).collect();
            if allowed.is_empty() {
                return Err(ResolveError::Denied.into());
            }
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= NAMES_MAX {
                known.clear();
            }
            known.insert(name, (Instant::now(), allowed.clone()));
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
