//! The load: publishes events over kept connections, with prebuilt bodies and nothing above a bare HTTP/1 client.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::ledger::{Ledger, Template};

/// Connections that an open loop may come to need.
const OPEN_LOOP_CONNECTIONS_MAX: usize = 512;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// After a refusal.
const PAUSE: Duration = Duration::from_millis(5);
/// So many refusals in a row on one connection mean that the engine is gone.
const REFUSALS_MAX: u32 = 200;

/// Where to publish, as whom, what, and on which account.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) addrs: Vec<SocketAddr>,
    pub(super) authorization: HeaderValue,
    pub(super) template: Template,
    pub(super) ledger: Arc<Ledger>,
    pub(super) lanes: u32,
}

/// Runs a future on a thread of its own.
pub(super) async fn on_thread<F, T>(work: F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>> + Send + 'static,
    T: Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new().name("load".into()).spawn(move || {
        // Nobody listens any more when the bench was interrupted.
        let _ = tell.send(runtime.block_on(work));
    })?;
    told.await.context("the load's thread ended early")?
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

impl Connection {
    async fn open(addr: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await.with_context(|| format!("cannot connect to {addr}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its errors come back from the requests.
        tokio::spawn(connection);
        Ok(Self { sender, host: HeaderValue::from_str(&addr.to_string())? })
    }

    async fn publish(&mut self, load: &Load, number: usize) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut request = Request::post("/api/v1/events").body(Full::from(load.template.numbered(number)))?;
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(AUTHORIZATION, load.authorization.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let exchange = async {
            self.sender.ready().await?;
            let response: Response<_> = self.sender.send_request(request).await?;
            let status = response.status();
            Ok((status, response.into_body().collect().await?.to_bytes()))
        };
        tokio::time::timeout(REQUEST_TIMEOUT, exchange).await.context("a request was not answered")?
    }
}

/// A kept connection that the server has not closed meanwhile.
fn take_open(idle: &Mutex<Vec<Connection>>) -> Option<Connection> {
    let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
    std::iter::from_fn(|| idle.pop()).find(|connection| !connection.sender.is_closed())
}

impl Load {
    fn addr(&self, index: usize) -> SocketAddr {
        self.addrs[index % self.addrs.len()]
    }

    /// Publishes one event and checks that it goes to as many webhooks as it should.
    pub(super) async fn publish_first(&self) -> anyhow::Result<()> {
        let number = self.ledger.take_number().context("there is room for one event")?;
        let mut connection = Connection::open(self.addr(0)).await?;
        self.ledger.window.acquire_many(self.lanes).await?.forget();
        self.ledger.sent(number, Instant::now());
        let (status, body) = connection.publish(self, number).await?;
        let text = String::from_utf8_lossy(&body);
        if status != StatusCode::ACCEPTED {
            return Err(anyhow!("publishing was answered {status} {text}"));
        }
        self.ledger.accepted(number);
        let answer: serde_json::Value = serde_json::from_str(&text).context("the answer to an event is not JSON")?;
        let deliveries = &answer["data"]["deliveries"];
        if deliveries.as_u64() != Some(self.lanes.into()) {
            return Err(anyhow!("an event has {deliveries} deliveries instead of {}", self.lanes));
        }
        Ok(())
    }

    /// Publishes on so many connections, as the window allows, until the time is up or the numbers are used up.
    pub(super) async fn closed_loop(self, connections: u16, until: Instant) -> anyhow::Result<()> {
        let mut tasks = JoinSet::new();
        for index in 0..connections {
            tasks.spawn(self.clone().publish_in_turn(usize::from(index), until));
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(())
    }

    async fn publish_in_turn(self, index: usize, until: Instant) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.addr(index)).await?;
        let mut refusals = 0;
        while Instant::now() < until && self.enter_window(until).await? {
            let Some(number) = self.ledger.take_number() else { return Ok(()) };
            self.ledger.sent(number, Instant::now());
            let published = connection.publish(&self, number).await;
            if let Ok((StatusCode::ACCEPTED, _)) = published {
                self.ledger.accepted(number);
                refusals = 0;
                continue;
            }
            self.ledger.refused();
            refusals += 1;
            if refusals > REFUSALS_MAX {
                let (status, body) = published.context("the engine does not answer any more")?;
                return Err(anyhow!("events are refused: {status} {}", String::from_utf8_lossy(&body)));
            }
            tokio::time::sleep(PAUSE).await;
            if published.is_err() {
                connection = Connection::open(self.addr(index)).await?;
            }
        }
        Ok(())
    }

    /// False when the time was up first.
    async fn enter_window(&self, until: Instant) -> anyhow::Result<bool> {
        // A timer for every event would cost more than the rest of this.
        if let Ok(permits) = self.ledger.window.try_acquire_many(self.lanes) {
            permits.forget();
            return Ok(true);
        }
        match tokio::time::timeout_at(until.into(), self.ledger.window.acquire_many(self.lanes)).await {
            Ok(permits) => permits?.forget(),
            Err(_) => return Ok(false),
        }
        Ok(true)
    }

    /// Publishes on schedule, whatever becomes of the earlier events, until the time is up. Gives by how many
    /// nanoseconds each was later than scheduled, which is the load's own fault and no part of the latency.
    pub(super) async fn open_loop(self, per_second: u32, until: Instant) -> anyhow::Result<Vec<u64>> {
        let idle = Arc::new(Mutex::new(Vec::new()));
        let limit = Arc::new(tokio::sync::Semaphore::new(OPEN_LOOP_CONNECTIONS_MAX));
        let began = Instant::now();
        let mut late = Vec::new();
        let mut tasks = JoinSet::new();
        for turn in 0_u32.. {
            let due = began + Duration::from_secs(1) * turn / per_second;
            if due >= until {
                break;
            }
            tokio::time::sleep_until(due.into()).await;
            let Some(number) = self.ledger.take_number() else { break };
            let now = Instant::now();
            late.push(u64::try_from(now.saturating_duration_since(due).as_nanos())?);
            self.ledger.sent(number, now);
            let (load, idle, limit) = (self.clone(), Arc::clone(&idle), Arc::clone(&limit));
            tasks.spawn(async move {
                let _permit = limit.acquire_owned().await?;
                load.publish_on_any(&idle, number).await
            });
            while let Some(ended) = tasks.try_join_next() {
                ended??;
            }
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(late)
    }

    async fn publish_on_any(&self, idle: &Mutex<Vec<Connection>>, number: usize) -> anyhow::Result<()> {
        let mut connection = match take_open(idle) {
            Some(connection) => connection,
            None => Connection::open(self.addr(number)).await?,
        };
        match connection.publish(self, number).await {
            Ok((status, _)) => {
                if status == StatusCode::ACCEPTED {
                    self.ledger.accepted(number);
                } else {
                    self.ledger.refused();
                }
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
            Err(_) => self.ledger.refused(),
        }
        Ok(())
    }
}
