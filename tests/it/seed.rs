//! `angarium seed`: what it says that it has made is what the API and the pages show.

use angarium::clock::Clock;
use angarium::domain::tenant::Environment;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::cli::{Database, Shell};
use crate::cli_remote::run;
use crate::support::client::Client;
use crate::support::{TestApp, TestEngine, both_engines};

both_engines!(start_now; what_is_seeded_is_what_lists_and_pages_show);

const SMALL: [&str; 7] = ["--json", "seed", "--deliveries", "6000", "--tenants", "2", "--days"];

/// Commands have the machine's clock, so the app's stands at that.
async fn start_now(engine: TestEngine) -> TestApp {
    TestApp::start_at(engine, Clock::system().now(), |_| ()).await
}

/// A shell whose commands work on the database of an app.
fn beside(app: &TestApp) -> Shell {
    let shell = Shell::new().with("ANGARIUM__STORE__URL", app.config.store.url.expose_secret());
    shell.with("ANGARIUM__MASTER_KEYS", app.config.master_keys.expose_secret())
}

async fn total(client: &Client, path: &str) -> u64 {
    client.get(path).await.expect(200).json()["pagination"]["total"].as_u64().unwrap()
}

fn number(made: &Value, name: &str) -> u64 {
    made[name].as_u64().unwrap()
}

async fn what_is_seeded_is_what_lists_and_pages_show(app: TestApp) {
    let shell = beside(&app);
    let made = run(&shell, &[&SMALL[..], &["3"]].concat()).exits(0).json();
    let ends = ["delivered", "pending", "dead", "cancelled"];
    assert_eq!((number(&made, "deliveries"), number(&made, "webhooks")), (6_000, 24), "{made}");
    assert_eq!(ends.map(|end| number(&made, end)).iter().sum::<u64>(), 6_000, "{made}");
    assert!(ends.iter().all(|end| number(&made, end) > 0) && number(&made, "attempts") > 6_000, "{made}");

    let mut found = [0; 4];
    let (mut dead, mut attempts) = (0, 0);
    for tenant in made["tenants"].as_array().unwrap() {
        let client = app.client_of(tenant["name"].as_str().unwrap(), Environment::Staging).await;
        assert_eq!(total(&client, "/api/v1/deliveries").await, number(tenant, "deliveries"));
        for (found, end) in found.iter_mut().zip(ends) {
            *found += total(&client, &format!("/api/v1/deliveries?status={end}")).await;
        }
        dead += total(&client, "/api/v1/dead-letters").await;
        attempts += attempts_of(&client).await;
    }
    assert_eq!(found, ends.map(|end| number(&made, end)), "{made}");
    assert_eq!((dead, attempts), (number(&made, "dead"), number(&made, "attempts")));

    let letter = app.client_of("alder", Environment::Staging).await;
    let letter = letter.get("/api/v1/deliveries?status=dead&limit=1").await.expect(200).data()[0].clone();
    assert!(letter["attempts"].as_u64().unwrap() >= 10, "{letter}");
    // What was made is not added to by mistake.
    let again = run(&shell, &["seed"]).exits(1);
    assert!(again.err.contains("--add"), "{}", again.err);
    let more = run(&shell, &["--json", "seed", "--deliveries", "10", "--tenants", "1", "--webhooks", "2", "--add"]);
    assert_eq!(number(&more.exits(0).json(), "deliveries"), 10);
    app.finish().await;
}

/// By the statistics of the tenant's webhooks.
async fn attempts_of(client: &Client) -> u64 {
    let webhooks = client.get("/api/v1/webhooks?limit=100").await.expect(200).data()["webhooks"].clone();
    let mut attempts = 0;
    for webhook in webhooks.as_array().unwrap() {
        let path = format!("/api/v1/webhooks/{}/stats?range=7d", webhook["id"].as_str().unwrap());
        attempts += client.get(&path).await.expect(200).data()["attempts"].as_u64().unwrap();
    }
    attempts
}

fn another_number_makes_other_deliveries(shell: &Shell) {
    let counts = |draw: &str| {
        let arguments = ["--json", "seed", "--deliveries", "500", "--webhooks", "6", "--add", "--draw", draw];
        let made = shell.run(&arguments).exits(0).json();
        ["events", "attempts", "delivered"].map(|name| number(&made, name))
    };
    assert_ne!(counts("7"), counts("8"));
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let shell = Shell::deployed(None);
    shell.run(&["migrate"]).exits(0);
    for wrong in [["--deliveries", "0"], ["--tenants", "9"], ["--days", "29"], ["--webhooks", "201"]] {
        shell.run(&[&["seed"][..], &wrong].concat()).exits(2);
    }
    another_number_makes_other_deliveries(&shell);
    let database = Database::new();
    database.0.run(&["migrate", "--create-database"]).exits(0);
    another_number_makes_other_deliveries(&database.0);
}
