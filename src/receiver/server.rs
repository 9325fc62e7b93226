//! The server: accepts connections, records requests, and answers them as their path behaves.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rand::RngExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Interval;
use tokio_util::sync::CancellationToken;

use super::{Arrival, Behaviour, Fault, Lane, RECORDS_MAX, Record, Recording, Route, Shared, Verdict};
use crate::domain::handshake::ALLOWED_ORIGIN;

/// The largest request that is read.
const REQUEST_BYTES_MAX: usize = 16 << 20;
const DRIP_INTERVAL: Duration = Duration::from_millis(100);
const HUGE_CHUNK: &[u8] = &[b'x'; 16 << 10];
/// How long to wait when the machine has no more sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Ends the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is reset on purpose")]
struct Reset;

/// Serves until told to stop.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = serve_connection(stream, shared) => {}
            }
        });
    }
}

async fn serve_connection(stream: TcpStream, shared: Arc<Shared>) {
    // Without this an answer could wait for an acknowledgement; a socket that refuses is only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { receive(&shared, request).await }
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let ended = (&mut connection).await;
    if ended.is_err_and(|error| std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<Reset>)) {
        // Closing with no time to linger is what makes the kernel send a reset.
        let _ = connection.into_parts().io.into_inner().set_zero_linger();
    }
}

async fn receive(shared: &Shared, request: Request<Incoming>) -> Result<Response<Answer>, Reset> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, REQUEST_BYTES_MAX).collect().await else {
        return Ok(answer(StatusCode::PAYLOAD_TOO_LARGE, Answer::text("{}")));
    };
    let body = body.to_bytes();
    let (at, time) = (Instant::now(), shared.clock.now());
    let path = head.uri.path();
    let Some(lane) = shared.lane(path) else {
        return Ok(answer(StatusCode::NOT_FOUND, Answer::text(r#"{"verified":false,"reason":"no such path"}"#)));
    };
    let route = lane.route();
    if head.method == Method::OPTIONS {
        return Ok(consent(&route.behaviour));
    }
    let number = lane.count.load(Ordering::Acquire);
    let looks = !route.keys.is_empty() && number.is_multiple_of(route.verify_every.max(1));
    let verdict = if looks { Verdict::of(&route, &head.headers, &body, time) } else { Verdict::Unchecked };
    let status = decide(shared, &lane, &route, verdict);
    record(&lane, &route, &Arrival { path, at, time, headers: &head.headers, body: &body, verdict, answer: status });
    shared.changed.notify_waiters();

    let Behaviour { delay, fault, .. } = route.behaviour;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    match (status, fault) {
        (Some(status), _) => Ok(respond(status, verdict, &route.behaviour)),
        (None, Fault::Hang) => std::future::pending().await,
        (None, Fault::None | Fault::Drip | Fault::Reset | Fault::HugeBody { .. }) => Err(Reset),
    }
}

/// The status, or `None` when there will be no answer.
fn decide(shared: &Shared, lane: &Lane, route: &Route, verdict: Verdict) -> Option<u16> {
    let behaviour = &route.behaviour;
    match behaviour.fault {
        Fault::Hang | Fault::Reset => return None,
        Fault::None | Fault::Drip | Fault::HugeBody { .. } => {}
    }
    if matches!(verdict, Verdict::Refused(_)) {
        return Some(401);
    }
    let first = behaviour.fail_first > 0
        && lane.failures_left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok();
    let unlucky = || {
        let rate = behaviour.fail_rate.clamp(0.0, 1.0);
        rate > 0.0 && shared.chance.lock().unwrap_or_else(PoisonError::into_inner).random_bool(rate)
    };
    Some(if first || unlucky() { behaviour.fail_status } else { behaviour.status })
}

fn record(lane: &Lane, route: &Route, arrival: &Arrival<'_>) {
    match &route.recording {
        Recording::Full => {
            let mut records = lane.records();
            if records.len() < RECORDS_MAX {
                records.push(Arc::new(Record::keep(arrival)));
            }
        }
        Recording::Count => {}
        Recording::Observe(observe) => observe(arrival),
    }
    if matches!(arrival.verdict, Verdict::Refused(_)) {
        lane.refused.fetch_add(1, Ordering::AcqRel);
    }
    // Counted last: who sees the count finds the record.
    lane.count.fetch_add(1, Ordering::AcqRel);
}

fn respond(status: u16, verdict: Verdict, behaviour: &Behaviour) -> Response<Answer> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = match (behaviour.fault, verdict) {
        (Fault::Drip, _) => Answer::Drip(tokio::time::interval(DRIP_INTERVAL)),
        (Fault::HugeBody { bytes }, _) => Answer::Huge { left: bytes },
        (Fault::None | Fault::Hang | Fault::Reset, Verdict::Verified) => Answer::text(r#"{"verified":true}"#),
        (Fault::None | Fault::Hang | Fault::Reset, Verdict::Unchecked) => Answer::text(r#"{"received":true}"#),
        (Fault::None | Fault::Hang | Fault::Reset, Verdict::Refused(failure)) => {
            let body = serde_json::json!({"verified": false, "reason": failure.to_string()});
            Answer::Whole(Some(body.to_string().into()))
        }
    };
    let without_body = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut response = answer(status, if without_body { Answer::Whole(None) } else { body });
    let mut add = |name, value: &Option<String>| {
        if let Some(value) = value.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
            response.headers_mut().insert(name, value);
        }
    };
    add(LOCATION, &behaviour.redirect);
    if !status.is_success() {
        add(RETRY_AFTER, &behaviour.retry_after);
    }
    response
}

/// Answers who asks whether to send; that is no delivery, so it is not recorded.
fn consent(behaviour: &Behaviour) -> Response<Answer> {
    let mut response = answer(StatusCode::OK, Answer::text("{}"));
    if let Some(value) = behaviour.allow_origin.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(ALLOWED_ORIGIN, value);
    }
    response
}

fn answer(status: StatusCode, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The body of an answer.
enum Answer {
    Whole(Option<Bytes>),
    Drip(Interval),
    Huge { left: u64 },
}

impl Answer {
    fn text(text: &'static str) -> Self {
        Self::Whole(Some(Bytes::from_static(text.as_bytes())))
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match &mut *self {
            Self::Whole(body) => body.take(),
            Self::Drip(interval) => {
                ready!(interval.poll_tick(context));
                Some(Bytes::from_static(b"."))
            }
            Self::Huge { left } => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX).min(HUGE_CHUNK.len());
                *left -= u64::try_from(length).unwrap_or(*left);
                (length > 0).then(|| Bytes::from_static(&HUGE_CHUNK[..length]))
            }
        };
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None) | Self::Huge { left: 0 })
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => {
                let length = body.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            }
            Self::Drip(_) => SizeHint::default(),
            Self::Huge { left } => SizeHint::with_exact(*left),
        }
    }
}
