//! Commands that go on: `tail` and `listen`.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use angarium::clock::Clock;
use angarium::receiver::{Behaviour, Route};
use serde_json::{Value, json};

use crate::cli::Shell;
use crate::cli_remote::{run, shell_of};
use crate::support::shown::shown;
use crate::support::{SOON, TestApp, TestEngine, both_engines, eventually};

both_engines!(
    start_now;
    attempts_are_shown_as_they_happen,
    a_restart_of_the_server_leaves_no_gap,
    earlier_attempts_are_shown,
    requests_go_on_to_a_program,
);

/// A command that runs until it is told to stop.
struct Running {
    child: Child,
    lines: Receiver<String>,
    hints: Receiver<String>,
}

fn lines_of(from: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    lines
}

impl Running {
    fn start(shell: &Shell, arguments: &[&str]) -> Self {
        let mut child = shell.command(arguments).spawn().unwrap();
        let (lines, hints) = (lines_of(child.stdout.take().unwrap()), lines_of(child.stderr.take().unwrap()));
        Self { child, lines, hints }
    }

    /// The next line that it prints.
    fn line(&self) -> String {
        self.lines.recv_timeout(SOON).expect("it prints a line")
    }

    /// The next thing that it says to people.
    fn hint(&self) -> String {
        self.hints.recv_timeout(SOON).expect("it says something")
    }

    /// Asks it to stop, and waits until it has.
    fn stop(mut self) -> i32 {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code().expect("it ended by itself")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Commands and receivers have the machine's clock, so the app's stands at that; and they know its address, which it
/// keeps through a restart.
async fn start_now(engine: TestEngine) -> TestApp {
    let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    TestApp::start_at(engine, Clock::system().now(), |config| config.api.listen = listen).await
}

fn next_of(running: &Running) -> Value {
    let line = tokio::task::block_in_place(|| running.line());
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

async fn attempts_are_shown_as_they_happen(app: TestApp) {
    let shell = shell_of(&app);
    let fields = json!({ "retryPolicy": { "schedule": [60] }, "events": ["order.*"] });
    app.webhook_with("flaky", fields, Behaviour { status: 503, ..Behaviour::default() }).await;
    let before = app.publish("order.before", json!({})).await;
    app.delivery_after(&before, 1).await;
    app.advance(Duration::from_secs(30));
    let tail = Running::start(&shell, &["--json", "tail"]);
    let begun = tokio::task::block_in_place(|| tail.hint());
    assert!(begun.starts_with("waiting for attempts"), "{begun}");
    // A retry of what was there before.
    app.advance(Duration::from_mins(2));
    let line = next_of(&tail);
    assert_eq!(
        (&line["eventType"], &line["number"], &line["status"]),
        (&json!("order.before"), &json!(2), &json!(503))
    );
    let event = app.publish("order.created", json!({})).await;
    let line = next_of(&tail);
    assert_eq!((&line["eventId"], &line["number"]), (&json!(event), &json!(1)));
    assert!(line["outcome"].as_str().unwrap().starts_with("Attempt 1 got 503"), "{line}");
    app.delivery_after(&event, 1).await;
    app.advance(Duration::from_mins(2));
    let line = next_of(&tail);
    assert_eq!((&line["eventId"], &line["number"], &line["nextAttemptAt"]), (&json!(event), &json!(2), &json!(null)));
    drop(tail);
    app.finish().await;
}

async fn a_restart_of_the_server_leaves_no_gap(mut app: TestApp) {
    let shell = shell_of(&app);
    app.webhook("hook").await;
    let tail = Running::start(&shell, &["--json", "tail", "--type", "order.created"]);
    tokio::task::block_in_place(|| tail.hint());
    let mut events = Vec::new();
    for _ in 0..2 {
        events.push(app.publish("order.created", json!({})).await);
        app.delivery_in(events.last().unwrap(), "delivered").await;
        assert_eq!(next_of(&tail)["eventId"], events.last().unwrap().as_str());
        app.advance(Duration::from_secs(1));
        app.restart().await;
        // This one is over before the tail is back, or not.
        events.push(app.publish("order.created", json!({})).await);
        app.publish("order.paid", json!({})).await;
        app.delivery_in(events.last().unwrap(), "delivered").await;
        assert_eq!(next_of(&tail)["eventId"], events.last().unwrap().as_str(), "{events:?}");
    }
    drop(tail);
    app.finish().await;
}

async fn earlier_attempts_are_shown(app: TestApp) {
    let shell = shell_of(&app);
    app.webhook_with("good", json!({ "events": ["order.*"] }), Behaviour::default()).await;
    let fields = json!({ "retryPolicy": { "maxRetries": 0 }, "events": ["order.*"] });
    let bad = app.webhook_with("bad", fields, Behaviour { status: 500, ..Behaviour::default() }).await;
    let event = app.publish("order.created", json!({})).await;
    eventually("both are final", || async {
        app.deliveries(&event).await.iter().all(|delivery| delivery["status"] != "pending").then_some(())
    })
    .await;
    let tail =
        |more: &[&str]| shown(&run(&shell, &[&["tail", "--since", "1h", "--no-follow"], more].concat()).exits(0).out);
    let good = "TIME  dlv_…  order.created  good  ✓ 200  #1  N ms  delivered";
    let dead = "TIME  dlv_…  order.created  bad  ✗ 500  #1  N ms  dead letter";
    let mut all: Vec<String> = tail(&[]).lines().map(str::to_owned).collect();
    all.sort();
    assert_eq!(all, [dead, good]);
    assert_eq!(tail(&["--status", "delivered"]), good);
    assert_eq!((tail(&["--code", "5xx"]), tail(&["--status", "dead"])), (dead.to_owned(), dead.to_owned()));
    assert_eq!((tail(&["--endpoint", &bad.id]), tail(&["--type", "order.paid"])), (dead.to_owned(), String::new()));
    run(&shell, &["tail", "--code", "abc"]).exits(2);
    app.finish().await;
}

async fn requests_go_on_to_a_program(app: TestApp) {
    let shell = shell_of(&app);
    // The program, which answers 202 and is given one more header.
    app.receiver.route("/program", Route::new(Vec::new()).behaving(Behaviour { status: 202, ..Behaviour::default() }));
    let program = app.receiver.url("/program");
    let listen = ["listen", &program, "--events", "order.*", "--headers", "X-Tunnel: yes", "--print-secret"];
    let listening = Running::start(&shell, &listen);
    let line = || tokio::task::block_in_place(|| listening.line());
    assert!(line().starts_with("whsec_"));
    let webhooks = || async { app.client.get("/api/v1/webhooks").await.expect(200).data()["webhooks"].clone() };
    assert_eq!(webhooks().await[0]["events"], json!(["order.*"]));
    app.publish("other.type", json!({})).await;
    let event = app.publish("order.created", json!({ "n": 1 })).await;
    assert_eq!(line(), format!("--> order.created {event}   verified"));
    assert_eq!(line(), format!("<-- 202 Accepted {program} {event}"));
    let records = app.receiver.wait_for("/program", 1, SOON).await.unwrap();
    assert_eq!((records[0].id(), records[0].header("x-tunnel")), (event.as_str(), "yes"));
    let delivered = app.delivery_in(&event, "delivered").await;
    assert_eq!(delivered["lastStatus"], 202);
    // Nobody else gets through.
    let url = webhooks().await[0]["url"].as_str().unwrap().to_owned();
    let forged = reqwest::Client::builder().no_proxy().build().unwrap().post(url).body("{}").send().await.unwrap();
    assert_eq!(forged.status().as_u16(), 401);
    assert!(line().contains("not verified"));
    assert_eq!(tokio::task::block_in_place(|| listening.stop()), 0);
    assert_eq!(webhooks().await, json!([]), "its webhook is gone");
    app.finish().await;

    let elsewhere = Shell::new().with("ANGARIUM_URL", "https://angarium.example.com");
    let refused = run(&elsewhere, &["listen", "http://localhost:8000/"]).exits(2);
    assert!(refused.err.contains("--public-url"), "{}", refused.err);
}
