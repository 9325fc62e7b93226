//! A receiver of webhooks to try an engine on: it checks every signature, remembers what came, and misbehaves on demand.
//!
//! One server, many paths. Each path is a [`Route`] with its own secrets, [`Behaviour`] and [`Recording`], and all three
//! can be changed while requests come in, so that a test plays many customers with one port. A request is recorded
//! before it is answered: whatever a sender believes to be delivered can be found here.
//!
//! `angarium receiver` is this on the command line; `dev` shows it to people who have no receiver yet; the bench and the
//! integration tests measure with it. For them it must cost little: plain HTTP/1 with nothing above hyper, constant
//! answers, and recordings that keep nothing but a count, or hand each arrival to a function.

mod behaviour;
mod record;
mod server;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

pub use self::behaviour::{Behaviour, Fault};
pub use self::record::{Arrival, Observer, Record, Recording, Route, Verdict};
use crate::clock::Clock;
use crate::domain::secret::Secret;
use crate::domain::signature::VerifyingKey;

/// Requests that one path keeps in full; later ones are only counted.
pub const RECORDS_MAX: usize = 200_000;
/// Hundreds of connections may be opened at once, and one that does not fit here waits a second.
const LISTEN_BACKLOG: u32 = 4096;

/// How to start a [`Receiver`].
#[derive(Debug, Clone)]
pub struct ReceiverOptions {
    /// The address to bind; port 0 takes any.
    pub listen: SocketAddr,
    /// What timestamps are checked against.
    pub clock: Clock,
    /// Decides which requests fail where only some do.
    pub seed: u64,
    /// What paths without a route of their own do; `None` answers 404.
    pub fallback: Option<Route>,
}

/// A free port on loopback, the machine's clock, no routes.
impl Default for ReceiverOptions {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 0).into(), clock: Clock::system(), seed: 1, fallback: None }
    }
}

/// Fewer requests came than were waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only {came} of {wanted} requests came in time")]
pub struct TooFew {
    /// How many came.
    pub came: u64,
    /// How many were waited for.
    pub wanted: u64,
}

/// A running receiver. Dropping it closes its port and its connections.
#[derive(Debug)]
pub struct Receiver {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

impl Receiver {
    /// Starts on the runtime that this is called in.
    pub fn start(options: ReceiverOptions) -> io::Result<Self> {
        let listener = bind(options.listen)?;
        let receiver = Self::new(listener.local_addr()?, options);
        tokio::spawn(server::serve(listener, Arc::clone(&receiver.shared), receiver.stop.clone()));
        Ok(receiver)
    }

    /// Starts on a thread of its own, so that the caller's work and the receiver's do not take turns.
    pub async fn start_on_thread(options: ReceiverOptions) -> io::Result<Self> {
        let (tell, told) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("receiver".into()).spawn(move || {
            runtime.block_on(async move {
                let bound = bind(options.listen).and_then(|listener| Ok((listener.local_addr()?, listener)));
                let (addr, listener) = match bound {
                    Ok(bound) => bound,
                    Err(error) => return drop(tell.send(Err(error))),
                };
                let receiver = Self::new(addr, options);
                let (shared, stop) = (Arc::clone(&receiver.shared), receiver.stop.clone());
                if tell.send(Ok(receiver)).is_ok() {
                    server::serve(listener, shared, stop).await;
                }
            });
        })?;
        told.await.map_err(io::Error::other)?
    }

    fn new(addr: SocketAddr, options: ReceiverOptions) -> Self {
        let ReceiverOptions { listen: _, clock, seed, fallback } = options;
        let shared = Shared {
            clock,
            chance: Mutex::new(StdRng::seed_from_u64(seed)),
            fallback: fallback.map(|route| Arc::new(Lane::new(route))),
            lanes: RwLock::default(),
            changed: Notify::new(),
        };
        Self { addr, shared: Arc::new(shared), stop: CancellationToken::new() }
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of a path, which starts with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Makes a path, or changes all about it but what it has recorded.
    pub fn route(&self, path: &str, route: Route) {
        let mut lanes = self.shared.lanes.write().unwrap_or_else(PoisonError::into_inner);
        match lanes.get(path) {
            Some(lane) => lane.set(|old| *old = route),
            None => drop(lanes.insert(path.to_owned(), Arc::new(Lane::new(route)))),
        }
    }

    /// Changes how a path behaves, from the next request on.
    pub fn behave(&self, path: &str, behaviour: Behaviour) {
        if let Some(lane) = self.shared.lane(path) {
            lane.set(|route| route.behaviour = behaviour);
        }
    }

    /// Changes the secrets that a path accepts.
    pub fn trust(&self, path: &str, secrets: Vec<Secret>) {
        if let Some(lane) = self.shared.lane(path) {
            lane.set(|route| route.keys = secrets.into_iter().map(VerifyingKey::from).collect());
        }
    }

    /// What came to a path, in the order of arrival, as far as its recording keeps it.
    #[must_use]
    pub fn records(&self, path: &str) -> Vec<Arc<Record>> {
        self.shared.lane(path).map(|lane| lane.records().clone()).unwrap_or_default()
    }

    /// How many requests came to a path.
    #[must_use]
    pub fn count(&self, path: &str) -> u64 {
        self.shared.lane(path).map_or(0, |lane| lane.count.load(Ordering::Acquire))
    }

    /// How many requests to a path had a signature that did not verify.
    #[must_use]
    pub fn refused(&self, path: &str) -> u64 {
        self.shared.lane(path).map_or(0, |lane| lane.refused.load(Ordering::Acquire))
    }

    /// Forgets what came to a path, its counts too.
    pub fn forget(&self, path: &str) {
        if let Some(lane) = self.shared.lane(path) {
            lane.count.store(0, Ordering::Release);
            lane.refused.store(0, Ordering::Release);
            lane.records().clear();
        }
    }

    /// Waits until at least so many requests came to a path, and gives those that were kept.
    pub async fn wait_for(&self, path: &str, wanted: u64, within: Duration) -> Result<Vec<Arc<Record>>, TooFew> {
        let enough = async {
            loop {
                let changed = self.shared.changed.notified();
                if self.count(path) >= wanted {
                    return;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(within, enough).await {
            Ok(()) => Ok(self.records(path)),
            Err(_) => Err(TooFew { came: self.count(path), wanted }),
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn bind(listen: SocketAddr) -> io::Result<TcpListener> {
    let socket = if listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A test restarts a receiver on the same port.
    socket.set_reuseaddr(true)?;
    socket.bind(listen)?;
    socket.listen(LISTEN_BACKLOG)
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    chance: Mutex<StdRng>,
    fallback: Option<Arc<Lane>>,
    lanes: RwLock<HashMap<String, Arc<Lane>>>,
    changed: Notify,
}

impl Shared {
    fn lane(&self, path: &str) -> Option<Arc<Lane>> {
        let lanes = self.lanes.read().unwrap_or_else(PoisonError::into_inner);
        lanes.get(path).or(self.fallback.as_ref()).cloned()
    }
}

/// A path at work.
#[derive(Debug)]
struct Lane {
    route: RwLock<Arc<Route>>,
    /// How many of the next requests fail because the first so many do.
    failures_left: AtomicU64,
    count: AtomicU64,
    refused: AtomicU64,
    records: Mutex<Vec<Arc<Record>>>,
}

impl Lane {
    fn new(route: Route) -> Self {
        Self {
            failures_left: AtomicU64::new(route.behaviour.fail_first),
            route: RwLock::new(Arc::new(route)),
            count: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            records: Mutex::default(),
        }
    }

    fn route(&self) -> Arc<Route> {
        Arc::clone(&self.route.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, change: impl FnOnce(&mut Route)) {
        let mut slot = self.route.write().unwrap_or_else(PoisonError::into_inner);
        let mut route = Route::clone(&slot);
        change(&mut route);
        self.failures_left.store(route.behaviour.fail_first, Ordering::Release);
        *slot = Arc::new(route);
    }

    fn records(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Record>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
