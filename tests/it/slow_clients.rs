//! Clients that are slow, silent or gone: they are cut off in time, and nobody else notices.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{SOON, TestApp, both_engines};

both_engines!(
    dripping_headers_are_cut_off,
    a_dripping_body_is_cut_off,
    silence_is_cut_off,
    huge_headers_are_refused,
    idle_connections_do_not_keep_others_out,
    half_requests_leave_no_trace,
);

const TIMEOUT: Duration = Duration::from_millis(400);
/// A cut earlier than this is not the timeout's doing. The server's clock starts before ours does.
const EARLY: Duration = Duration::from_millis(300);
/// Nor is one later than this.
const LATE: Duration = Duration::from_secs(5);
const DRIP: Duration = Duration::from_millis(40);

/// The app with short patience.
async fn impatient(mut app: TestApp) -> TestApp {
    app.config.api.header_timeout_ms = TIMEOUT;
    app.config.api.body_timeout_ms = TIMEOUT;
    app.restart().await;
    app
}

fn address(app: &TestApp) -> SocketAddr {
    app.app().api.expect("it serves")
}

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(address(app)).await.unwrap()
}

/// Reads until the server closes; what it said, and when it closed.
async fn until_closed(stream: &mut TcpStream, since: Instant) -> (String, Duration) {
    let mut said = Vec::new();
    // A reset is an end too.
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut said)).await.expect("the server closes");
    (String::from_utf8_lossy(&said).into_owned(), since.elapsed())
}

/// Writes a byte now and then until the server does not want any more.
async fn drip(app: &TestApp, start: String) -> (String, Duration) {
    let mut stream = connect(app).await;
    let since = Instant::now();
    stream.write_all(start.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let dripping = async {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(DRIP).await;
        }
        std::future::pending::<()>().await;
    };
    let mut said = Vec::new();
    tokio::select! {
        () = dripping => unreachable!("it never ends"),
        read = tokio::time::timeout(SOON, reading.read_to_end(&mut said)) => drop(read.expect("the server closes")),
    }
    (String::from_utf8_lossy(&said).into_owned(), since.elapsed())
}

async fn dripping_headers_are_cut_off(app: TestApp) {
    let app = impatient(app).await;
    let (said, took) = drip(&app, "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nx-slow: ".to_owned()).await;
    assert!(!said.starts_with("HTTP/1.1 2"), "{said}");
    assert!((EARLY..LATE).contains(&took), "{took:?}");
    // A connection that has been useful is held to the same.
    let useful = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /healthz HTTP/1.1\r\nx-slow: ".to_owned();
    let (said, took) = drip(&app, useful).await;
    assert_eq!(said.matches("HTTP/1.1 200").count(), 1, "{said}");
    assert!((EARLY..LATE).contains(&took), "{took:?}");
    app.finish().await;
}

fn head(app: &TestApp, length: usize) -> String {
    let key = app.client.key();
    format!(
        "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
        content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

async fn a_dripping_body_is_cut_off(app: TestApp) {
    let app = impatient(app).await;
    let (said, took) = drip(&app, head(&app, 1000)).await;
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    assert!(said.contains("REQUEST_TIMEOUT") && said.contains("requestId"), "{said}");
    assert!((EARLY..LATE).contains(&took), "{took:?}");
    app.finish().await;
}

async fn silence_is_cut_off(app: TestApp) {
    let app = impatient(app).await;
    for start in ["", "P", "PRI * HTTP/2.0\r\n"] {
        let since = Instant::now();
        let mut stream = connect(&app).await;
        stream.write_all(start.as_bytes()).await.unwrap();
        let (_, took) = until_closed(&mut stream, since).await;
        assert!((EARLY..LATE).contains(&took), "{start:?} {took:?}");
    }
    app.finish().await;
}

async fn huge_headers_are_refused(app: TestApp) {
    let app = impatient(app).await;
    let many = "x-many: y\r\n".repeat(5000);
    for headers in [format!("x-huge: {}\r\n", "y".repeat(2 << 20)), many] {
        let mut stream = connect(&app).await;
        let since = Instant::now();
        // The server may close before it has all.
        let _ = stream.write_all(format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{headers}\r\n").as_bytes()).await;
        let (said, took) = until_closed(&mut stream, since).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
        assert!(took < LATE, "{took:?}");
    }
    app.client.get("/healthz").await.expect(200);
    app.finish().await;
}

async fn idle_connections_do_not_keep_others_out(app: TestApp) {
    let app = impatient(app).await;
    let since = Instant::now();
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(connect(&app).await);
    }
    app.client.post("/api/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202);
    for stream in &mut idle {
        until_closed(stream, since).await;
    }
    assert!(since.elapsed() < LATE, "{:?}", since.elapsed());

    // With every place taken by silent clients, others wait until those are cut off.
    let mut app = app;
    app.config.api.connections_max = 4;
    app.restart().await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(connect(&app).await);
    }
    let since = Instant::now();
    app.client.get("/healthz").await.expect(200);
    assert!(since.elapsed() < LATE, "{:?}", since.elapsed());
    app.finish().await;
}

async fn half_requests_leave_no_trace(app: TestApp) {
    let app = impatient(app).await;
    let whole = format!("{}{{\"type\":\"a.b\",\"data\":{{}}}}", head(&app, 24));
    // Cut at many places, some in the head, some in the body, and closed in two ways.
    for cut in (0..whole.len()).step_by(17) {
        for reset in [false, true] {
            let mut stream = connect(&app).await;
            stream.write_all(&whole.as_bytes()[..cut]).await.unwrap();
            if reset {
                stream.set_zero_linger().unwrap();
            }
            drop(stream);
        }
    }
    for noise in ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\0\u{1}", "\r\n"] {
        let mut stream = connect(&app).await;
        stream.write_all(noise.as_bytes()).await.unwrap();
        until_closed(&mut stream, Instant::now()).await;
    }
    // Whether a content length is given twice, or both ways: never read two ways.
    for lengths in ["content-length: 5\r\ncontent-length: 6", "content-length: 5\r\ntransfer-encoding: chunked\r\nx: y"]
    {
        let mut stream = connect(&app).await;
        let key = app.client.key();
        let request = format!(
            "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n{lengths}\r\n\r\n0\r\n\r\n\
            GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let (said, _) = until_closed(&mut stream, Instant::now()).await;
        assert!(!said.starts_with("HTTP/1.1 202"), "{said}");
    }
    let metrics = app.client.get("/metrics").await.expect(200).text;
    assert!(metrics.contains("angarium_events_accepted_total 0"), "{metrics}");
    app.client.post("/api/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202);
    app.finish().await;
}
