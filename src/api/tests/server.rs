//! The server on a real socket: clients that dawdle, and going down.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{TestApi, start};
use crate::api::server;

async fn serve_it(t: &TestApi) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = server::serve(listener, t.router.clone(), t.api.options.clone(), t.api.draining.clone());
    (address, tokio::spawn(serving))
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let reading = stream.read_to_end(&mut text);
    // A reset ends it too.
    let _ = tokio::time::timeout(Duration::from_secs(5), reading).await.expect("the server closes");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn slow_clients_are_cut_off() {
    let t = start(&[("ANGARIUM__API__HEADER_TIMEOUT_MS", "300"), ("ANGARIUM__API__BODY_TIMEOUT_MS", "300")]).await;
    let (address, _) = serve_it(&t).await;
    for start_of_request in ["", "P", "PRI * HT", "POST /api/v1/events HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(start_of_request.as_bytes()).await.unwrap();
        read_all(&mut stream).await;
    }
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n{{",
        t.key
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("REQUEST_TIMEOUT"), "{answer}");
}

#[tokio::test]
async fn going_down_answers_whoever_has_connected() {
    let t = start(&[]).await;
    let (address, serving) = serve_it(&t).await;
    let request = b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut used = TcpStream::connect(address).await.unwrap();
    used.write_all(request).await.unwrap();
    let mut start_of_answer = [0; 12];
    used.read_exact(&mut start_of_answer).await.unwrap();
    assert_eq!(&start_of_answer, b"HTTP/1.1 200");
    let mut fresh = TcpStream::connect(address).await.unwrap();
    t.api.draining.cancel();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(address).await.is_err());
    for stream in [&mut used, &mut fresh] {
        stream.write_all(request).await.unwrap();
        let answer = read_all(stream).await;
        assert!(answer.contains("connection: close") && answer.contains(r#"{"status":"ok"}"#), "{answer}");
    }
    tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
}
