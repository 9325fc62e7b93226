use hyper::StatusCode;
use reqwest::{Client, Response};

use super::*;
use crate::domain::profile::Profile;
use crate::domain::secret::Secret;
use crate::domain::signature::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, Message, SigningKey};
use crate::domain::time::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const SOON: Duration = Duration::from_secs(5);

fn secret(byte: u8) -> Secret {
    Secret::generate([byte; 32])
}

fn receiver() -> Receiver {
    let clock = Clock::manual(NOW);
    Receiver::start(ReceiverOptions { clock, ..ReceiverOptions::default() }).unwrap()
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().timeout(SOON).redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn post(receiver: &Receiver, path: &str, key: &Secret) -> reqwest::Result<Response> {
    let seconds = NOW.as_seconds().to_string();
    let message = Message { id: "evt_1", seconds: &seconds, body: b"{}" };
    let signature = Profile::Default.spec().signatures[0].sign(&[&SigningKey::new(key)], message).unwrap();
    let request = client().post(receiver.url(path)).header(HEADER_ID, "evt_1").header(HEADER_SIGNATURE, signature);
    request.header(HEADER_TIMESTAMP, NOW.as_seconds()).body("{}").send().await
}

async fn status(receiver: &Receiver, path: &str) -> u16 {
    post(receiver, path, &secret(1)).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn good_signatures_are_told_from_bad_ones() {
    let receiver = receiver();
    receiver.route("/ok", Route::new(vec![secret(1)]));
    let good = post(&receiver, "/ok", &secret(1)).await.unwrap();
    assert_eq!((good.status(), good.text().await.unwrap().as_str()), (StatusCode::OK, r#"{"verified":true}"#));
    let bad = post(&receiver, "/ok", &secret(2)).await.unwrap();
    assert_eq!(bad.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(bad.text().await.unwrap(), r#"{"reason":"no signature matches","verified":false}"#);
    receiver.trust("/ok", vec![secret(2)]);
    assert_eq!(post(&receiver, "/ok", &secret(2)).await.unwrap().status(), StatusCode::OK);

    let records = receiver.wait_for("/ok", 3, SOON).await.unwrap();
    assert_eq!((receiver.count("/ok"), receiver.refused("/ok")), (3, 1));
    assert_eq!((records[0].id(), records[0].verdict, records[0].time), ("evt_1", Verdict::Verified, NOW));
    assert_eq!(records[1].answer, Some(401));
    receiver.forget("/ok");
    let few = receiver.wait_for("/ok", 1, Duration::from_millis(1)).await;
    assert_eq!(few.unwrap_err(), TooFew { came: 0, wanted: 1 });
}

#[tokio::test]
async fn paths_behave_as_they_are_told() {
    let receiver = receiver();
    assert_eq!(status(&receiver, "/nowhere").await, 404);
    receiver.route("/a", Route::new(Vec::new()).behaving(Behaviour::fail_first(2)));
    receiver.route("/b", Route::new(Vec::new()).behaving(Behaviour::status(204)));
    let answers = [status(&receiver, "/a").await, status(&receiver, "/a").await, status(&receiver, "/a").await];
    assert_eq!(answers, [503, 503, 200]);
    assert_eq!(status(&receiver, "/b").await, 204);

    let retry_after = Some("7".to_owned());
    receiver.behave("/b", Behaviour { retry_after, ..Behaviour::status(429) });
    let limited = post(&receiver, "/b", &secret(1)).await.unwrap();
    assert_eq!((limited.status().as_u16(), &limited.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    let redirect = Some("http://127.0.0.1:1/x".to_owned());
    receiver.behave("/b", Behaviour { redirect, ..Behaviour::status(302) });
    let moved = post(&receiver, "/b", &secret(1)).await.unwrap();
    assert_eq!(moved.headers()["location"], "http://127.0.0.1:1/x");
    receiver.behave("/b", Behaviour::fault(Fault::HugeBody { bytes: 100_001 }));
    assert_eq!(post(&receiver, "/b", &secret(1)).await.unwrap().bytes().await.unwrap().len(), 100_001);
    receiver.behave("/b", Behaviour { fail_rate: 0.5, ..Behaviour::default() });
    let mut good = 0;
    for _ in 0..100 {
        good += usize::from(status(&receiver, "/b").await == 200);
    }
    assert!((30..70).contains(&good), "{good} of 100");
}

#[tokio::test]
async fn faults_are_seen_as_such_and_recorded() {
    let receiver = Receiver::start_on_thread(ReceiverOptions::default()).await.unwrap();
    receiver.route("/x", Route::new(Vec::new()).behaving(Behaviour::fault(Fault::Reset)));
    let error = post(&receiver, "/x", &secret(1)).await.unwrap_err();
    let reset = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::ConnectionReset);
    assert!(reset, "{error:?}");

    let within = Duration::from_millis(250);
    receiver.behave("/x", Behaviour::fault(Fault::Hang));
    assert!(tokio::time::timeout(within, post(&receiver, "/x", &secret(1))).await.is_err());
    receiver.behave("/x", Behaviour::fault(Fault::Drip));
    let dripping = post(&receiver, "/x", &secret(1)).await.unwrap();
    assert!(tokio::time::timeout(within, dripping.bytes()).await.is_err());
    assert_eq!(receiver.count("/x"), 3);
    let answers: Vec<_> = receiver.records("/x").iter().map(|record| record.answer).collect();
    assert_eq!(answers, [None, None, Some(200)]);
}

#[tokio::test]
async fn a_stopped_receiver_refuses_connections() {
    let receiver = receiver();
    let addr = receiver.addr();
    drop(receiver);
    let refused = async {
        while tokio::net::TcpStream::connect(addr).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, refused).await.expect("the port is closed");
}
