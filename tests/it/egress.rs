//! Where requests go: nowhere that the policy refuses, however it is written, and whenever it is asked.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use angarium::receiver::{Behaviour, Route};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::support::{TestApp, both_engines};

both_engines!(
    the_production_policy_refuses_private_destinations,
    what_became_forbidden_is_not_sent,
    redirects_are_not_followed,
    a_certificate_must_be_trusted,
);

/// Spellings of this machine, of private networks and of metadata services.
const REFUSED: [&str; 62] = [
    "http://example.com/",
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0x7f.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://127.0.0.1./",
    "https://127%2e0%2e0%2e1/",
    "https://１２７.０.０.１/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "https:127.0.0.1/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.43518/",
    "https://0xA9FEA9FE/",
    "https://169.254.170.2/",
    "https://168.63.129.16/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[100::1]/",
    "https://[2001:db8::1]/",
    "https://[ff02::1]/",
    "https://localhost/",
    "https://localhost./",
    "https://db.localhost/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://kube-dns.kube-system.svc/",
    "https://intranet/",
    "https://user@example.com/",
    "https://example.com#@127.0.0.1/",
    "https://example.com:6379/",
];

/// Counts who knocks on a port of this machine.
struct Canary {
    port: u16,
    knocks: Arc<AtomicU64>,
}

impl Canary {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, knocks) = (listener.local_addr().unwrap().port(), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&knocks);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { port, knocks }
    }

    fn knocks(&self) -> u64 {
        self.knocks.load(Ordering::SeqCst)
    }
}

async fn with_production_policy(app: &mut TestApp) {
    app.config.egress.allow_http = false;
    app.config.egress.allow_networks.clear();
    app.restart().await;
}

async fn the_production_policy_refuses_private_destinations(mut app: TestApp) {
    with_production_policy(&mut app).await;
    let body = |url: &str| json!({ "name": "n", "url": url, "events": ["*"] });
    let good = app.client.post("/api/v1/webhooks", &body("https://example.com/in")).await.expect(201).data();
    let path = format!("/api/v1/webhooks/{}", good["id"].as_str().unwrap());
    for url in REFUSED {
        for reply in [
            app.client.post("/api/v1/webhooks", &body(url)).await,
            app.client.patch(&path, &json!({ "url": url })).await,
            app.client.put(&path, &body(url)).await,
        ] {
            assert_eq!(reply.status, 422, "{url}: {}", reply.text);
            assert_eq!(reply.json()["error"]["details"]["errors"][0]["path"], json!(["url"]), "{url}");
        }
    }
    let kept = app.client.get("/api/v1/webhooks").await.data();
    assert_eq!((&kept["total"], &kept["webhooks"][0]["url"]), (&json!(1), &json!("https://example.com/in")));
    app.finish().await;
}

fn only_attempt(delivery: &Value) -> Value {
    delivery["attemptLog"][0].clone()
}

async fn what_became_forbidden_is_not_sent(mut app: TestApp) {
    let canary = Canary::start().await;
    app.config.egress.allow_hosts = vec!["localhost".to_owned()];
    app.restart().await;
    // An address never reaches the resolver, a name does: both must be stopped.
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}/", canary.port);
        let body =
            json!({ "name": host, "url": url, "events": [format!("to.{}", &host[..1].replace('1', "address"))] });
        app.client.post("/api/v1/webhooks", &body).await.expect(201);
    }
    app.config.egress.allow_networks.clear();
    app.restart().await;
    for event_type in ["to.address", "to.l"] {
        let event = app.publish(event_type, json!({})).await;
        let attempt = only_attempt(&app.delivery_after(&event, 1).await);
        assert_eq!(attempt["errorKind"], "blocked", "{attempt}");
        assert_eq!(attempt["status"], Value::Null, "{attempt}");
        assert!(!attempt["outcome"].as_str().unwrap().is_empty(), "{attempt}");
    }
    // The whole policy of production, for URLs that were taken when http was allowed.
    with_production_policy(&mut app).await;
    let event = app.publish("to.address", json!({})).await;
    assert_eq!(only_attempt(&app.delivery_after(&event, 1).await)["errorKind"], "blocked");
    assert_eq!(canary.knocks(), 0);
    app.finish().await;
}

async fn redirects_are_not_followed(app: TestApp) {
    let canary = Canary::start().await;
    for status in [301, 302, 303, 307, 308] {
        let redirect = Some(format!("http://127.0.0.1:{}/latest/meta-data", canary.port));
        let behaviour = Behaviour { redirect, ..Behaviour::status(status) };
        let event_type = format!("to.r{status}");
        app.webhook_with(&event_type, json!({ "events": [event_type] }), behaviour).await;
        let event = app.publish(&event_type, json!({})).await;
        let attempt = only_attempt(&app.delivery_after(&event, 1).await);
        assert_eq!(attempt["status"], status, "{attempt}");
    }
    assert_eq!(canary.knocks(), 0);
    app.finish().await;
}

/// Answers 200 over TLS with a certificate that nobody has signed; gives its port and the certificate as PEM.
async fn self_signed_receiver() -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust us ends here.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (port, made.cert.pem())
}

async fn a_certificate_must_be_trusted(mut app: TestApp) {
    let (port, pem) = self_signed_receiver().await;
    let body = json!({ "name": "tls", "url": format!("https://127.0.0.1:{port}/"), "events": ["to.tls"] });
    app.client.post("/api/v1/webhooks", &body).await.expect(201);
    let event = app.publish("to.tls", json!({})).await;
    let attempt = only_attempt(&app.delivery_after(&event, 1).await);
    assert_eq!(attempt["errorKind"], "tls", "{attempt}");
    // Plain HTTP on the other side is a TLS failure too.
    app.receiver.route("/plain", Route::new(Vec::new()));
    let plain = app.receiver.url("/plain").replacen("http:", "https:", 1);
    let body = json!({ "name": "plain", "url": plain, "events": ["to.plain"] });
    app.client.post("/api/v1/webhooks", &body).await.expect(201);
    let event = app.publish("to.plain", json!({})).await;
    assert_eq!(only_attempt(&app.delivery_after(&event, 1).await)["errorKind"], "tls");

    let file: PathBuf = std::env::temp_dir().join(format!("{}.pem", crate::support::app::unique_name()));
    std::fs::write(&file, pem).unwrap();
    app.config.egress.extra_ca_file = file.display().to_string();
    app.restart().await;
    std::fs::remove_file(file).unwrap();
    let event = app.publish("to.tls", json!({})).await;
    let delivery = app.delivery_in(&event, "delivered").await;
    assert_eq!(only_attempt(&delivery)["status"], 200);
    app.finish().await;
}
