//! RabbitMQ out of reach: events are accepted all the same, and delivered when it is back.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::app::amqp_url;
use crate::support::{SOON, TestApp, TestEngine, eventually};

/// Slow enough that no lease ends while its request is on the wire.
const STEP: Duration = Duration::from_millis(250);

/// How a connection through the line fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Up,
    /// Connections break, and new ones are closed at once.
    Cut,
    /// Connections stay open and nothing moves.
    Mute,
}

/// A line to RabbitMQ that can be cut.
struct Proxy {
    address: SocketAddr,
    line: watch::Sender<Line>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, line) = (listener.local_addr().unwrap(), watch::Sender::new(Line::Up));
        let watched = line.subscribe();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(forward(stream, watched.clone()));
            }
        });
        Self { address, line }
    }

    fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

async fn forward(mut near: TcpStream, mut line: watch::Receiver<Line>) {
    if *line.borrow() == Line::Cut {
        return;
    }
    let url: url::Url = amqp_url().parse().unwrap();
    let far = (url.host_str().unwrap().to_owned(), url.port().unwrap_or(5672));
    let Ok(mut far) = TcpStream::connect(far).await else { return };
    loop {
        let state = *line.borrow_and_update();
        match state {
            Line::Cut => return,
            Line::Mute => drop(line.changed().await),
            Line::Up => tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
                _ = line.changed() => {}
            },
        }
    }
}

async fn behind_a_proxy() -> (TestApp, Proxy) {
    let proxy = Proxy::start().await;
    let mut app = TestApp::start(TestEngine::Distributed).await;
    let mut url: url::Url = amqp_url().parse().unwrap();
    url.set_host(Some(&proxy.address.ip().to_string())).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    app.config.broker.url = url.to_string().into();
    app.restart().await;
    (app, proxy)
}

fn is_ready(app: &TestApp) -> bool {
    app.app().engine.broker().health().ready
}

async fn publish(app: &TestApp, count: usize) -> HashSet<String> {
    let mut ids = HashSet::new();
    for n in 0..count {
        ids.insert(app.publish("a.b", json!({ "n": n })).await);
    }
    ids
}

async fn all_arrive(app: &TestApp, path: &str, published: &HashSet<String>) {
    eventually("everything is delivered", || async {
        // What was handed to the broker and lost comes back when its lease ends.
        app.advance(STEP);
        let came: HashSet<String> = app.receiver.records(path).iter().map(|record| record.id().to_owned()).collect();
        (came == *published).then_some(())
    })
    .await;
    eventually("everything is settled", || async {
        (app.app().engine.store().pending_count().await.unwrap() == 0).then_some(())
    })
    .await;
    assert_eq!(app.receiver.count(path), u64::try_from(published.len()).unwrap());
    assert_eq!(app.receiver.refused(path), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepting_goes_on_while_the_line_is_cut() {
    let (app, proxy) = behind_a_proxy().await;
    let webhook = app.webhook("hook").await;
    let mut published = publish(&app, 20).await;
    app.receiver.wait_for(&webhook.path, 20, SOON).await.unwrap();

    proxy.set(Line::Cut);
    eventually("it is noticed", || async { (!is_ready(&app)).then_some(()) }).await;
    published.extend(publish(&app, 100).await);
    // Down is not unready: a load balancer must not take it out.
    let ready = app.client.get("/readyz").await.expect(200).json();
    assert_eq!((&ready["status"], &ready["parts"]["broker"]), (&json!("ready"), &json!("down")));
    assert!(app.client.get("/metrics").await.text.contains("angarium_broker_ready 0"));

    proxy.set(Line::Up);
    eventually("it is back", || async { is_ready(&app).then_some(()) }).await;
    published.extend(publish(&app, 20).await);
    all_arrive(&app, &webhook.path, &published).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_flaps_loses_nothing() {
    let (app, proxy) = behind_a_proxy().await;
    let webhook = app.webhook("hook").await;
    let mut published = HashSet::new();
    for _ in 0..3 {
        published.extend(publish(&app, 30).await);
        proxy.set(Line::Cut);
        published.extend(publish(&app, 30).await);
        eventually("it is noticed", || async { (!is_ready(&app)).then_some(()) }).await;
        proxy.set(Line::Up);
        published.extend(publish(&app, 30).await);
        eventually("it is back", || async { is_ready(&app).then_some(()) }).await;
    }
    all_arrive(&app, &webhook.path, &published).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_line_does_not_stop_accepting() {
    let (app, proxy) = behind_a_proxy().await;
    let webhook = app.webhook("hook").await;
    proxy.set(Line::Mute);
    let published = publish(&app, 50).await;
    proxy.set(Line::Up);
    all_arrive(&app, &webhook.path, &published).await;
    app.finish().await;
}
