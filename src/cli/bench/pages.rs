//! Pages and lists over a large database: how long a reader waits for each.
//!
//! The database is filled by `seed`, with all deliveries in one tenant's one environment. Each page is opened once, and
//! then some times more, one after the other. What is measured is the time from the request to the last byte on
//! loopback: what the server takes, and a little more. Of an export it is the time to the first bytes.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::engine::{Engine, Kind, Role};
use super::figures::{Latency, Row};
use super::{BenchArgs, Progress};
use crate::cli::{Failure, Outcome};

/// The first tenant that `seed` makes.
const TENANT: &str = "alder";
/// How often each page is opened and measured.
const TIMES: usize = 11;
/// No page takes so long.
const PATIENCE: Duration = Duration::from_mins(1);

/// Who opens a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The tenant's owner, in a browser.
    Owner,
    /// An operator, in a browser.
    Operator,
    /// A program, with a key.
    Key,
    /// The owner, who saves a file: only its beginning is waited for.
    Download,
}

struct Page {
    by: By,
    name: String,
    path: String,
}

/// What pages are asked for by.
struct Known {
    webhook: String,
    failing: String,
    event: String,
    delivered: String,
    dead: String,
    older: String,
}

/// Opens pages.
struct Visitor {
    http: reqwest::Client,
    base: String,
    key: String,
    owner: String,
    operator: String,
}

pub(super) async fn run(args: &BenchArgs, kind: Kind, progress: &Progress) -> Outcome<Vec<Row>> {
    progress.begin(&format!("{}: pages over {} deliveries", kind.name(), args.deliveries));
    let mut engine = Engine::prepare(args, kind).await?;
    let measured = measure(args, kind, &mut engine, progress).await;
    measured.map_err(|error| Failure::from(engine.explain(error.context("pages"))))
}

async fn measure(args: &BenchArgs, kind: Kind, engine: &mut Engine, progress: &Progress) -> anyhow::Result<Vec<Row>> {
    engine.call(&["seed", "--tenants", "1", "--deliveries", &args.deliveries.to_string()]).await?;
    engine.launch(args, Role::All, TENANT).await?;
    let visitor = Visitor::new(engine).await?;
    let known = visitor.look_around().await?;
    let mut rows = Vec::new();
    for page in pages(&known) {
        progress.say(&format!("{}: {}", kind.name(), page.name));
        let mut nanos = Vec::with_capacity(TIMES);
        for time in 0..=TIMES {
            let took = visitor.open(&page).await.with_context(|| page.path.clone())?;
            // The first time, nothing is in memory that a running engine has there.
            if time > 0 {
                nanos.push(u64::try_from(took.as_nanos())?);
            }
        }
        let latency = Latency::of(nanos);
        rows.push(Row { engine: kind.name(), scenario: page.name, latency, ..Row::default() });
    }
    Ok(rows)
}

impl Visitor {
    async fn new(engine: &Engine) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).timeout(PATIENCE).build()?;
        let address = engine.addrs().first().copied().context("the engine has a process")?;
        let base = format!("http://{address}");
        let key = engine.key().expose_secret().to_owned();
        let owner = sign_in(engine, &http, &base, &["owner", "--tenant", TENANT]).await?;
        let operator = sign_in(engine, &http, &base, &["operator"]).await?;
        Ok(Self { http, base, key, owner, operator })
    }

    async fn json(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.key).send().await?;
        Ok(serde_json::from_slice(&answer.error_for_status()?.bytes().await?)?)
    }

    async fn look_around(&self) -> anyhow::Result<Known> {
        let webhooks = self.json("/api/v1/webhooks?limit=100").await?;
        let webhooks = webhooks["data"]["webhooks"].as_array().context("a list of webhooks")?.clone();
        let id_of = |name: &str| {
            let found = webhooks.iter().find(|webhook| webhook["name"] == name);
            text(found.map(|webhook| &webhook["id"])).with_context(|| format!("the webhook {name}"))
        };
        let delivered = self.json("/api/v1/deliveries?status=delivered&limit=1").await?;
        let dead = self.json("/api/v1/dead-letters?limit=1").await?;
        Ok(Known {
            webhook: id_of("warehouse")?,
            failing: id_of("legacy-erp")?,
            event: text(Some(&delivered["data"][0]["eventId"])).context("an event")?,
            delivered: text(Some(&delivered["data"][0]["id"])).context("a delivery")?,
            dead: text(Some(&dead["data"][0]["id"])).context("a dead letter")?,
            older: text(Some(&delivered["pagination"]["nextCursor"])).context("a second page")?,
        })
    }

    async fn open(&self, page: &Page) -> anyhow::Result<Duration> {
        let request = self.http.get(format!("{}{}", self.base, page.path));
        let request = match page.by {
            By::Owner | By::Download => request.header(COOKIE, &self.owner),
            By::Operator => request.header(COOKIE, &self.operator),
            By::Key => request.bearer_auth(&self.key),
        };
        let began = Instant::now();
        let mut answer = request.send().await?;
        let status = answer.status();
        anyhow::ensure!(status.is_success() || leads_on(&answer), "answered {status}");
        while answer.chunk().await?.is_some() {
            if page.by == By::Download {
                break;
            }
        }
        Ok(began.elapsed())
    }
}

/// A search for an id leads to its page; other redirects lead to signing in.
fn leads_on(answer: &reqwest::Response) -> bool {
    let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
    answer.status().is_redirection() && to.is_some_and(|to| !to.contains("sign-in"))
}

/// The cookies of a new user.
async fn sign_in(engine: &Engine, http: &reqwest::Client, base: &str, role: &[&str]) -> anyhow::Result<String> {
    let email = format!("{}@example.com", role[0]);
    let create = [&["--json", "users", "create", "--generate", "--email", &email, "--role"], role].concat();
    let created: Value = serde_json::from_slice(&engine.call(&create).await?)?;
    let password = text(Some(&created["password"])).context("`users create --generate --json` gave no password")?;
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    let form = form.append_pair("email", &email).append_pair("password", &password).finish();
    let request = http.post(format!("{base}/ui/sign-in")).header(ORIGIN, base).body(form);
    let answer = request.header("content-type", "application/x-www-form-urlencoded").send().await?;
    anyhow::ensure!(leads_on(&answer), "signing in was answered {}", answer.status());
    let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let pairs: Vec<&str> = cookies.filter_map(|cookie| cookie.split(';').next()).collect();
    Ok(pairs.join("; "))
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

/// All that is opened.
fn pages(known: &Known) -> Vec<Page> {
    let Known { webhook, failing, event, delivered, dead, older } = known;
    let mut pages = Vec::new();
    let mut add = |by: By, name: &str, path: String| pages.push(Page { by, name: name.to_owned(), path });
    for range in ["24h", "7d", "30d"] {
        add(By::Owner, &format!("Overview, {range}"), format!("/ui/overview?range={range}"));
    }
    add(By::Operator, "Overview of all tenants", "/ui/overview?view=all".to_owned());
    add(By::Operator, "System", "/ui/system".to_owned());
    for (name, path) in [
        ("Delivery", format!("/ui/deliveries/{delivered}")),
        ("Delivery with 10 attempts", format!("/ui/deliveries/{dead}")),
        ("search: id of a delivery", format!("/ui/search?q={delivered}")),
        ("search: id of an event", format!("/ui/search?q={event}")),
        ("search: id of a webhook", format!("/ui/search?q={webhook}")),
        ("Dead letters", "/ui/dead-letters".to_owned()),
        ("Dead letters of a webhook", format!("/ui/dead-letters?webhook={failing}")),
        ("Dead letters, type that is not there", "/ui/dead-letters?type=none.such".to_owned()),
        ("Dead letters, send all again", "/ui/dead-letters/all".to_owned()),
        ("Webhooks", "/ui/webhooks".to_owned()),
        ("Webhook", format!("/ui/webhooks/{webhook}")),
        ("Webhook, 30 days", format!("/ui/webhooks/{webhook}?range=30d")),
        ("Webhook, delete", format!("/ui/webhooks/{failing}/delete")),
        ("Event types", "/ui/event-types".to_owned()),
        ("Event type", "/ui/event-types/message.received".to_owned()),
        ("Usage", "/ui/usage".to_owned()),
        ("Audit log", "/ui/audit".to_owned()),
        ("Replays", "/ui/replays".to_owned()),
        ("Replay of all dead letters, counted", "/ui/replays/new?range=all&status=dead".to_owned()),
        ("Replay of all delivered, counted", "/ui/replays/new?range=all&status=delivered".to_owned()),
        ("Replay of an error, counted", "/ui/replays/new?range=all&status=cancelled&error=dns".to_owned()),
    ] {
        add(By::Owner, name, path);
    }
    for (name, query) in dashboard_filters(known) {
        add(By::Owner, &format!("Deliveries: {name}"), format!("/ui/deliveries?{query}"));
    }
    for (name, query) in [("all", "range=all"), ("nothing matches", "range=all&error=dns")] {
        add(
            By::Download,
            &format!("JSON Lines, first bytes: {name}"),
            format!("/ui/deliveries/export/deliveries.jsonl?{query}"),
        );
    }
    for (name, query) in api_filters(known) {
        add(By::Key, &format!("GET deliveries: {name}"), format!("/api/v1/deliveries?{query}"));
    }
    for (name, path) in [
        ("GET deliveries/{id}", format!("/api/v1/deliveries/{dead}")),
        ("GET deliveries: older", format!("/api/v1/deliveries?status=delivered&cursor={older}")),
        ("GET dead-letters", "/api/v1/dead-letters".to_owned()),
        ("GET dead-letters: webhook", format!("/api/v1/dead-letters?webhookId={failing}")),
        ("GET dead-letters: nothing", "/api/v1/dead-letters?eventType=none.such".to_owned()),
        ("GET events/{id}", format!("/api/v1/events/{event}")),
        ("GET webhooks/{id}/logs", format!("/api/v1/webhooks/{webhook}/logs")),
        ("GET webhooks/{id}/logs: failed", format!("/api/v1/webhooks/{webhook}/logs?status=failed")),
        ("GET webhooks/{id}/stats", format!("/api/v1/webhooks/{webhook}/stats?range=30d")),
    ] {
        add(By::Key, name, path);
    }
    pages
}

/// Filters of the page: each alone, what is rare, what is not there, and several at once.
fn dashboard_filters(Known { webhook, failing, event, .. }: &Known) -> Vec<(&'static str, String)> {
    let all = |query: &str| format!("range=all&{query}");
    vec![
        ("24 hours", String::new()),
        ("all time", "range=all".to_owned()),
        ("status pending", all("status=pending")),
        ("status delivered", all("status=delivered")),
        ("status dead", all("status=dead")),
        ("status cancelled", all("status=cancelled")),
        ("webhook", all(&format!("webhook={webhook}"))),
        ("event", all(&format!("event={event}"))),
        ("type", all("type=order.created")),
        ("rare type", all("type=report.generated")),
        ("types below", all("q=invoice.*")),
        ("type that is not there", all("type=none.such")),
        ("answer 5xx", all("code=5xx")),
        ("answer that is not there", all("code=418")),
        ("error", all("error=timeout")),
        ("error that is not there", all("error=dns")),
        ("attempts", all("attempt=%3E3")),
        ("from and until", "from=2020-01-01T00:00Z&until=2035-01-01T00:00Z".to_owned()),
        ("before all", "until=2020-01-01T00:00Z&range=all".to_owned()),
        ("dead of a webhook", all(&format!("status=dead&webhook={failing}"))),
        ("pending of a webhook", all(&format!("status=pending&webhook={failing}"))),
        ("webhook, type and answer", all(&format!("webhook={webhook}&type=order.paid&code=5xx"))),
        ("webhook, nothing matches", all(&format!("webhook={webhook}&error=dns&attempt=%3E3"))),
        ("everything at once", all("status=delivered&type=order.paid&code=2xx&attempt=%3E5&q=order.*")),
        ("data", all("q=data.customer.id:42")),
        ("data that is not there", all("q=data.customer.id:none")),
        ("data and status", all("q=data.customer.id:none&status=cancelled")),
    ]
}

fn api_filters(Known { webhook, failing, event, .. }: &Known) -> Vec<(&'static str, String)> {
    vec![
        ("all", "limit=100".to_owned()),
        ("page 100", "limit=100&page=100".to_owned()),
        ("status pending", "status=pending".to_owned()),
        ("status dead", "status=dead".to_owned()),
        ("status cancelled", "status=cancelled".to_owned()),
        ("webhook", format!("webhookId={webhook}")),
        ("webhook and status", format!("webhookId={failing}&status=dead")),
        ("event", format!("eventId={event}")),
        ("type", "eventType=order.created".to_owned()),
        ("type that is not there", "eventType=none.such".to_owned()),
        ("answer 5xx", "statusClass=5xx".to_owned()),
        ("error that is not there", "errorKind=dns".to_owned()),
        ("attempts", "attemptsMin=9".to_owned()),
        ("created before all", "createdBefore=2020-01-01T00:00:00Z".to_owned()),
        ("data that is not there", "data=customer.id:none".to_owned()),
    ]
}
