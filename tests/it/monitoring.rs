//! What operators watch with: the dashboard, the alerts and the reference name metrics that a running server has.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use angarium::domain::user::Role;
use angarium::receiver::Behaviour;
use serde_json::{Value, json};

use crate::support::smtp::SmtpServer;
use crate::support::{TestApp, TestEngine, both_engines, eventually, promql, yaml};

both_engines!(start; every_expression_names_what_is_there);

/// With a mail server that is away.
async fn start(engine: TestEngine) -> TestApp {
    let nowhere = SmtpServer::nowhere().await;
    TestApp::start_with(engine, |config| {
        config.notifications.smtp_url = format!("smtp://{nowhere}").into();
        config.notifications.from = "hooks@example.com".into();
    })
    .await
}

/// Each sample's name with the labels that it has.
type Samples = BTreeMap<String, BTreeSet<String>>;

/// What Prometheus itself, and its node exporter, add.
fn foreign() -> Samples {
    let disk = ["device", "fstype", "mountpoint"].as_slice();
    [("up", [].as_slice()), ("node_filesystem_avail_bytes", disk), ("node_filesystem_size_bytes", disk)]
        .into_iter()
        .map(|(name, labels)| (name.to_owned(), labels.iter().map(|label| (*label).to_owned()).collect()))
        .collect()
}
const OF_TARGETS: [&str; 2] = ["instance", "job"];

fn file(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn rules() -> Vec<Value> {
    let alerts = yaml::parse(&file("deploy/prometheus/alerts.yml"));
    let groups = alerts["groups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

fn dashboard() -> Value {
    serde_json::from_str(&file("deploy/grafana/angarium.json")).unwrap()
}

/// The panels that show something.
fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row")
}

/// Every expression, with where it stands.
fn expressions() -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut all: Vec<_> = rules().iter().map(|rule| (text(&rule["alert"]), text(&rule["expr"]))).collect();
    let dashboard = dashboard();
    for panel in panels(&dashboard) {
        let targets = panel["targets"].as_array().unwrap();
        all.extend(targets.iter().map(|target| (text(&panel["title"]), text(&target["expr"]))));
    }
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        all.push((text(&annotation["name"]), text(&annotation["expr"])));
    }
    all
}

/// The samples of a text in the format of `OpenMetrics`.
fn samples(text: &str) -> Samples {
    let mut samples = Samples::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let labels = line.split_once('{').map_or("", |(_, rest)| rest.split_once('}').unwrap().0);
        let names = labels.split("\",").filter_map(|pair| pair.split_once('=')).map(|(label, _)| label.to_owned());
        samples.entry(name.to_owned()).or_default().extend(names);
    }
    samples
}

/// Delivers, fails, buries and refuses, so that every metric with labels has some.
async fn have_traffic(app: &TestApp) {
    let once = json!({ "retryPolicy": { "maxRetries": 0 } });
    app.webhook_with("good", json!({ "events": ["good.*"] }), Behaviour::default()).await;
    let mut fields = once.clone();
    fields["events"] = json!(["bad.*"]);
    app.webhook_with("bad", fields, Behaviour::status(500)).await;
    let good = app.publish("good.one", json!({})).await;
    app.delivery_in(&good, "delivered").await;
    let bad = app.publish("bad.one", json!({})).await;
    app.delivery_in(&bad, "dead").await;
    let publish = async |n: u32| {
        let request = app.client.request(reqwest::Method::POST, "/api/v1/events").header("idempotency-key", "once");
        let request = request.header("content-type", "application/json");
        let body = json!({ "type": "good.two", "data": { "n": n } }).to_string();
        app.client.send(request.body(body)).await.status
    };
    assert_eq!((publish(1).await, publish(2).await), (202, 422));
    app.user("owner@example.com", Role::Owner).await;
    app.webhook_with("gone", json!({ "events": ["gone.*"] }), Behaviour::status(410)).await;
    app.publish("gone.one", json!({})).await;
    eventually("a mail was tried", || async {
        let text = app.client.get("/metrics").await.expect(200).text;
        text.contains("angarium_mails_total{").then_some(())
    })
    .await;
}

async fn every_expression_names_what_is_there(app: TestApp) {
    have_traffic(&app).await;
    let text = app.client.get("/metrics").await.expect(200).text;
    let mut known = samples(&text);
    known.extend(foreign());
    let mut wrong = Vec::new();
    for (place, expression) in expressions() {
        let named = promql::read(&expression);
        let mut of_all: BTreeSet<&str> = OF_TARGETS.into();
        for (metric, labels) in &named.metrics {
            let Some(has) = known.get(metric) else {
                wrong.push(format!("{place}: there is no {metric}"));
                continue;
            };
            of_all.extend(has.iter().map(String::as_str));
            let misspelt = labels.iter().filter(|label| !has.contains(*label) && !OF_TARGETS.contains(&label.as_str()));
            wrong.extend(misspelt.map(|label| format!("{place}: {metric} has no label {label}")));
        }
        let misspelt = named.grouped.iter().filter(|label| !of_all.contains(label.as_str()));
        wrong.extend(misspelt.map(|label| format!("{place}: nothing has the label {label}: {expression}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    what_is_described_is_there(&text);
    app.advance(Duration::from_secs(1));
    eventually("the leader has counted", || async {
        let text = app.client.get("/metrics").await.expect(200).text;
        let has = |sample: &str| text.lines().any(|line| line == sample);
        let sized = text.lines().any(|line| line.starts_with("angarium_store_bytes ") && !line.ends_with(" 0"));
        (has("angarium_dead_letters 2") && has("angarium_webhooks_failing 1") && sized).then_some(())
    })
    .await;
    app.finish().await;
}

/// The reference says of each metric what `/metrics` says, and of no label that is not there.
fn what_is_described_is_there(text: &str) {
    let (metrics, samples) = (angarium::telemetry::Metrics::new(), samples(text));
    for described in metrics.described() {
        let family = described.name.strip_suffix("_total").unwrap_or(&described.name);
        assert!(text.contains(&format!("# TYPE {family} {}\n", described.kind)), "{described:?}");
        assert!(text.contains(&format!("# HELP {family} {}", described.help)), "{described:?}");
        if let Some(unit) = described.unit {
            assert!(text.contains(&format!("# UNIT {family} {unit}\n")), "{described:?}");
        }
        let sample = if described.kind == "histogram" { format!("{family}_sum") } else { described.name.clone() };
        let labels: BTreeSet<String> = described.labels.iter().map(|label| (*label).to_owned()).collect();
        assert!(samples.get(&sample).is_none_or(|has| *has == labels), "{described:?}");
    }
}

#[test]
fn every_alert_says_what_to_do() {
    let rules = rules();
    assert!(rules.len() > 10);
    let mut names = BTreeSet::new();
    for rule in &rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(names.insert(name), "{name} is there twice");
        assert!(["critical", "warning"].contains(&rule["labels"]["severity"].as_str().unwrap()), "{name}");
        let time = rule["for"].as_str().unwrap();
        let is_time =
            time.len() > 1 && time.ends_with(['s', 'm', 'h']) && time[..time.len() - 1].parse::<u32>().is_ok();
        assert!(is_time, "{name}: for {time}");
        let notes = &rule["annotations"];
        for sentence in [&notes["summary"], &notes["description"]] {
            assert!(sentence.as_str().is_some_and(|text| text.ends_with(['.', '?'])), "{name}: {sentence}");
        }
        let runbook = file(notes["runbook_url"].as_str().unwrap());
        assert!(runbook.contains(name), "{name}: its runbook does not name it");
    }
}

#[test]
fn every_runbook_has_the_four_parts() {
    let folder = format!("{}/docs/operate/runbooks", env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for part in ["\n## Symptom\n", "\n## Check\n", "\n## Fix\n", "\n## After\n"] {
            assert!(text.contains(part), "{}: no{part}", path.display());
        }
    }
}

#[test]
fn every_panel_says_what_it_shows() {
    let dashboard = dashboard();
    let mut ids = BTreeSet::new();
    for panel in panels(&dashboard) {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is another's");
        assert!(panel["description"].as_str().is_some_and(|text| !text.is_empty()), "{title}");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title} has no unit");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
    }
    assert!(ids.len() > 15);
}

#[test]
fn each_alert_is_seen_to_fire() {
    // What the cases say is checked by promtool, in `.ci/alerts`.
    let cases = file("deploy/prometheus/alerts.test.yml");
    let named: Vec<&str> = cases.split("alertname=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    for rule in rules() {
        let alert = rule["alert"].as_str().unwrap();
        assert!(named.contains(&alert), "alerts.test.yml has no case for {alert}");
    }
}

#[test]
fn prometheus_reads_the_alerts() {
    let settings = yaml::parse(&file("deploy/prometheus/prometheus.yml"));
    assert_eq!(settings["rule_files"], json!(["alerts.yml"]));
    assert_eq!(settings["scrape_configs"][0]["job_name"], "angarium");
}

#[test]
fn the_committed_reference_is_that_of_the_code() {
    let is_current = file("docs/reference/metrics.md").trim_end() == angarium::telemetry::reference().trim_end();
    assert!(is_current, "run `cargo run -- metrics > docs/reference/metrics.md`");
}
