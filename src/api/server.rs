//! The server: accepts connections, bounds what a client can hold, and goes down without failing a request.
//!
//! A client may hold a connection, of which there are so many and no more; it must then send a request's headers
//! within a time, its body within another (see `json.rs`), and take the answer within a third.
//!
//! Going down: whoever has connected is still taken in, then the listener closes. For a moment, connections that wait
//! for their next request may still send it; every answer says `Connection: close`, so that a client never writes
//! into a connection that is about to be closed under it. Then idle connections are closed, requests that are under
//! way are finished, and what is left after the drain time is cut off.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use super::ApiOptions;
use super::patience::Patient;

/// How long connections that were made before the server goes down are still taken in.
const LAST_CALL: Duration = Duration::from_millis(50);
/// How long idle connections may still send a request when the server goes down.
const LINGER: Duration = Duration::from_millis(500);
/// What to wait when the process has no file descriptor left for a new connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Requests of one HTTP/2 connection at once.
const STREAMS_MAX: u32 = 256;
/// All headers of a request together.
const HEADER_BYTES_MAX: u32 = 32 * 1024;
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Who connected: the client, or a proxy in front of it. Stands in a request's extensions.
#[derive(Debug, Clone, Copy)]
#[allow(dead_code, reason = "the limit for each address reads it next")]
pub(super) struct PeerAddress(pub(super) IpAddr);

/// Serves until `shutdown`, then drains; returns when the last connection is closed.
pub async fn serve(listener: TcpListener, router: Router, options: ApiOptions, shutdown: CancellationToken) {
    let slots = Arc::new(Semaphore::new(options.connections_max));
    let connections = TaskTracker::new();
    let server =
        Arc::new(Server { builder: builder(&options), router, options, shutdown, cut: CancellationToken::new() });
    loop {
        let accepted = tokio::select! {
            biased;
            () = server.shutdown.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        if let Some((stream, slot)) = accepted {
            connections.spawn(connection(Arc::clone(&server), stream, slot));
        }
    }
    // Those in the kernel's queue have connected already: closing now would reset them.
    let until = Instant::now() + LAST_CALL;
    while let Ok(accepted) = timeout_at(until, accept(&listener, &slots)).await {
        if let Some((stream, slot)) = accepted {
            connections.spawn(connection(Arc::clone(&server), stream, slot));
        }
    }
    for (stream, slot) in last(listener, &slots) {
        connections.spawn(connection(Arc::clone(&server), stream, slot));
    }
    connections.close();
    if timeout(server.options.drain, connections.wait()).await.is_err() {
        tracing::warn!("{} connection(s) were cut off: they did not finish in time", connections.len());
        server.cut.cancel();
        connections.wait().await;
    }
}

struct Server {
    builder: auto::Builder<TokioExecutor>,
    router: Router,
    options: ApiOptions,
    shutdown: CancellationToken,
    cut: CancellationToken,
}

fn builder(options: &ApiOptions) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(options.header_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(options.header_timeout)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX);
    builder
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    // Beyond the most connections, clients wait in the kernel's queue.
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, slot)),
        Err(error) if is_of_the_connection(&error) => None,
        Err(error) => {
            tracing::error!("a connection could not be accepted: {error}");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Closes a listener, and gives those that the kernel had already taken in and the runtime had not yet heard of.
fn last(listener: TcpListener, slots: &Arc<Semaphore>) -> Vec<(TcpStream, OwnedSemaphorePermit)> {
    let mut last = Vec::new();
    let Ok(listener) = listener.into_std() else { return last };
    while let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
        let Ok((stream, _)) = listener.accept() else { break };
        if stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            last.push((stream, slot));
        }
    }
    last
}

fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection(server: Arc<Server>, stream: TcpStream, _slot: OwnedSemaphorePermit) {
    // An answer is one small write; waiting to fill a packet would only delay it.
    let _ = stream.set_nodelay(true);
    let peer = stream.peer_addr().ok().map(|address| PeerAddress(address.ip().to_canonical()));
    let shutdown = server.shutdown.child_token();
    let has_begun = AtomicBool::new(false);
    let service = service_fn(|request: Request<Incoming>| {
        has_begun.store(true, Ordering::Relaxed);
        answer(server.router.clone(), request, peer, shutdown.clone())
    });
    let io = TokioIo::new(Patient::new(stream, server.options.body_timeout));
    let serving = server.builder.serve_connection(io, service);
    tokio::pin!(serving);
    // The header timeout starts when the version is known; until the first request this one stands in for it.
    let first_request = tokio::time::sleep(server.options.header_timeout);
    tokio::pin!(first_request);
    let mut is_waiting = true;
    let goes_down = async {
        shutdown.cancelled().await;
        tokio::time::sleep(LINGER).await;
    };
    tokio::pin!(goes_down);
    let mut is_going_down = false;
    loop {
        tokio::select! {
            biased;
            // What a connection ends with is the client's doing, and each request has had its own line.
            _ = &mut serving => return,
            () = server.cut.cancelled() => return,
            () = &mut goes_down, if !is_going_down => {
                is_going_down = true;
                serving.as_mut().graceful_shutdown();
            }
            () = &mut first_request, if is_waiting => {
                if !has_begun.load(Ordering::Relaxed) {
                    return;
                }
                is_waiting = false;
            }
        }
    }
}

async fn answer(
    mut router: Router,
    mut request: Request<Incoming>,
    peer: Option<PeerAddress>,
    shutdown: CancellationToken,
) -> Result<Response<Body>, Infallible> {
    let is_http1 = request.version() <= Version::HTTP_11;
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer);
    }
    let mut response = router.call(request).await?;
    if is_http1 && shutdown.is_cancelled() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
