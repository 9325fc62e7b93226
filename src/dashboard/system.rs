//! The deployment as its operators see it: whether it is well, what waits, which webhooks rest, and what it is made of.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use super::Dashboard;
use super::access::{Needs, Reader};
use super::audit_log::Line;
use super::layout::Frame;
use super::page::{self, Failure};
use super::processes::ProcessRow;
use super::words::{Time, counted, far, grouped, span};
use crate::domain::id::WebhookId;
use crate::domain::time::Timestamp;
use crate::domain::user::Role;
use crate::engine::check_up::Check;
use crate::engine::directory::Snapshot;
use crate::engine::processes::{Process, SILENT_AFTER};

/// The screen's address.
pub(super) const SECTION: &str = "/ui/system";
/// Webhooks whose backlog is shown.
const BACKLOG_MAX: usize = 20;
/// Lines of the audit log of all tenants.
const LINES_MAX: u32 = 20;
/// A delivery that is due for so long has nobody to send it.
const LATE: Duration = Duration::from_mins(5);

/// What comes with the program and was written by others, with its licence. Crates: see `Cargo.lock`.
const VENDORED: [(&str, &str); 1] = [("Swagger UI, for /docs", "Apache-2.0")];

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route(SECTION, get(show))
}

/// A route for operators: what it shows belongs to no tenant.
pub(super) struct Operates;

impl Needs for Operates {
    fn permitted_to(role: Role) -> bool {
        !role.is_of_tenant()
    }
}

struct CheckRow {
    name: &'static str,
    tone: &'static str,
    word: &'static str,
    text: String,
}

impl CheckRow {
    fn new((name, check): (&'static str, Check)) -> Self {
        match check {
            Ok(text) => Self { name, tone: "good", word: "well", text },
            Err(text) => Self { name, tone: "bad", word: "not well", text },
        }
    }
}

struct BacklogRow {
    id: WebhookId,
    name: String,
    tenant: String,
    waiting: String,
    due: String,
    is_late: bool,
}

struct GateRow {
    name: String,
    tenant: String,
    says: String,
}

#[derive(Template)]
#[template(path = "system.html", config = "src/dashboard/askama.toml")]
struct SystemPage {
    frame: Frame,
    checks: Vec<CheckRow>,
    figures: Vec<(&'static str, String)>,
    processes: Vec<ProcessRow>,
    silent_after: String,
    backlog: Vec<BacklogRow>,
    more: Option<String>,
    gates: Vec<GateRow>,
    failing: Vec<(String, String, Time)>,
    tenants: Vec<(String, String, String)>,
    lines: Vec<Line>,
    about: Vec<(&'static str, String)>,
    vendored: [(&'static str, &'static str); 1],
}

/// What a webhook and its tenant are called.
fn names(known: &Snapshot, id: WebhookId) -> (String, String) {
    let Some(listener) = known.listener(id) else { return (id.to_string(), String::new()) };
    let tenant = known.tenant(listener.webhook.scope.tenant).map(|tenant| tenant.name.clone());
    (listener.webhook.settings.name.clone(), tenant.unwrap_or_default())
}

impl Dashboard {
    async fn backlog_rows(
        &self,
        backlog: &[(WebhookId, Timestamp)],
        known: &Snapshot,
        now: Timestamp,
    ) -> Result<Vec<BacklogRow>, Failure> {
        let mut rows = Vec::new();
        for (id, due_at) in backlog.iter().take(BACKLOG_MAX) {
            let waiting = self.engine.store().pending_of(*id, self.engine.store().bounds.counted_max).await?;
            let (name, tenant) = names(known, *id);
            rows.push(BacklogRow {
                id: *id,
                name,
                tenant,
                waiting: counted(waiting, self.engine.store().bounds),
                due: if *due_at == Timestamp::NEVER { "set aside".to_owned() } else { far(*due_at, now) },
                is_late: *due_at != Timestamp::NEVER && now.since(*due_at) > LATE,
            });
        }
        Ok(rows)
    }

    async fn gate_rows(&self, known: &Snapshot, now: Timestamp) -> Result<Vec<GateRow>, Failure> {
        let gates = self.engine.store().gates(now).await?;
        let row = |(id, gate): (WebhookId, crate::engine::gates::Gate)| {
            let (name, tenant) = names(known, id);
            let says = if gate.until > now {
                format!("rests; goes on {}", far(gate.until, now))
            } else {
                "a few deliveries are let through, to see whether it is back".to_owned()
            };
            GateRow { name, tenant, says }
        };
        Ok(gates.into_iter().map(row).collect())
    }

    async fn about(&self) -> Result<Vec<(&'static str, String)>, Failure> {
        let limits = self.engine.limits();
        let partitions = match self.engine.store().partition_days().await? {
            Some((days, last)) => format!("{days} days, made up to {last}"),
            None => "none: one table for all days".to_owned(),
        };
        let own = if limits.origin.is_empty() { "not set".to_owned() } else { limits.origin.clone() };
        Ok(vec![
            ("Version", env!("CARGO_PKG_VERSION").to_owned()),
            ("Licence", env!("CARGO_PKG_LICENSE").to_owned()),
            ("Database", self.engine.store().engine_name().to_owned()),
            ("Partitions", partitions),
            ("Deployment", if limits.production { "production" } else { "staging" }.to_owned()),
            ("Origin in handshakes", own),
            ("A claim lasts", span(limits.lease)),
            ("A session lasts", span(limits.session)),
        ])
    }
}

/// What waits, where, and how late it is.
fn figures(
    pending: String,
    queued: u64,
    processes: &[Process],
    backlog: &[(WebhookId, Timestamp)],
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let oldest = backlog.first().map(|(_, due_at)| *due_at).filter(|due_at| *due_at <= now);
    let lag = processes.iter().filter_map(|process| process.lag_ms).max();
    let lag = lag.and_then(|millis| u64::try_from(millis).ok()).map(Duration::from_millis);
    let sum = |of: fn(&Process) -> i64| grouped(processes.iter().map(of).sum::<i64>());
    vec![
        ("deliveries not final", pending),
        ("tickets queued at the broker", grouped(queued)),
        ("in memory, wait for a permit", sum(|process| process.waiting)),
        ("requests on the wire", sum(|process| process.in_flight)),
        ("lag of what nothing holds back", lag.map_or_else(|| "not known yet".to_owned(), lag_words)),
        ("oldest that is due", oldest.map_or_else(|| "none is due".to_owned(), |at| far(at, now))),
        ("webhooks with a backlog", grouped(i128::try_from(backlog.len()).unwrap_or_default())),
    ]
}

fn lag_words(lag: Duration) -> String {
    if lag.is_zero() { "none".to_owned() } else { span(lag) }
}

async fn show(State(dashboard): State<Arc<Dashboard>>, reader: Reader<Operates>) -> Result<Response, Failure> {
    let visit = reader.visit;
    let (engine, now) = (&dashboard.engine, dashboard.engine.clock().now());
    let (store, known) = (engine.store(), engine.directory.current());
    let mut backlog = store.backlog().await?;
    backlog.sort_unstable_by_key(|(_, due_at)| *due_at);
    let failing = store.webhooks_failing_since(now).await?;
    let of_failing = |one: crate::store::gates::FailingWebhook| {
        let (name, tenant) = names(&known, one.webhook);
        (name, tenant, Time { at: one.since, now })
    };
    let processes = store.processes().await?;
    let queued = engine.broker().health().waiting;
    let figures = figures(counted(store.pending_count().await?, store.bounds), queued, &processes, &backlog, now);
    let tenant =
        |tenant: &Arc<crate::store::tenants::Tenant>| (tenant.id.to_string(), tenant.name.clone(), tenant.plan.clone());
    let lines = store.newest_audit(LINES_MAX).await?;
    page::show(&SystemPage {
        frame: dashboard.frame(&visit, "System", SECTION),
        checks: engine.check_up().await.into_iter().map(CheckRow::new).collect(),
        figures,
        processes: processes.into_iter().map(|process| ProcessRow::new(process, now)).collect(),
        silent_after: span(SILENT_AFTER),
        more: (backlog.len() > BACKLOG_MAX).then(|| (backlog.len() - BACKLOG_MAX).to_string()),
        backlog: dashboard.backlog_rows(&backlog, &known, now).await?,
        gates: dashboard.gate_rows(&known, now).await?,
        failing: failing.into_iter().map(of_failing).collect(),
        tenants: engine.tenants().iter().map(tenant).collect(),
        lines: lines.into_iter().map(|entry| Line::new(entry, now)).collect(),
        about: dashboard.about().await?,
        vendored: VENDORED,
    })
}
