//! The audit log of a tenant: who changed what, when, and from where. For those who manage it.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::Dashboard;
use super::access::{Manages, Reader};
use super::delivery_filter;
use super::layout::{Choice, Frame};
use super::page::{self, Failure};
use super::params::Params;
use super::words::Time;
use crate::domain::audit::{ActorKind, AuditEntry};
use crate::domain::id::{AuditId, first_uuid_at};
use crate::domain::time::Timestamp;
use crate::engine::audit::Action;
use crate::store::IdSpan;
use crate::store::audit::AuditFilter;

/// The screen's address.
pub(super) const SECTION: &str = "/ui/audit";

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route(SECTION, get(list))
}

/// A line.
pub(super) struct Line {
    pub(super) at: Time,
    pub(super) actor: String,
    pub(super) actor_id: Option<String>,
    pub(super) kind: &'static str,
    pub(super) action: String,
    pub(super) subject: String,
    pub(super) environment: String,
    /// Field, before, after; or what was asked for.
    pub(super) changes: Vec<(String, String, String)>,
    pub(super) request: Option<String>,
    pub(super) address: Option<String>,
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A field's change has both of its values; everything else was asked for.
fn change((name, value): (&String, &Value)) -> (String, String, String) {
    match (value.get("old"), value.get("new")) {
        (Some(old), Some(new)) => (name.clone(), text(old), text(new)),
        (None, _) | (_, None) => (name.clone(), String::new(), text(value)),
    }
}

impl Line {
    pub(super) fn new(entry: AuditEntry, now: Timestamp) -> Self {
        let AuditEntry { id, tenant: _, environment, actor, action, subject, changes, request, address } = entry;
        Self {
            at: Time { at: id.time(), now },
            actor: actor.name,
            actor_id: actor.id,
            kind: match actor.kind {
                ActorKind::Key => "API key",
                ActorKind::User => "person",
                ActorKind::Operator => "command line",
            },
            action,
            subject,
            environment: environment.map(|environment| environment.to_string()).unwrap_or_default(),
            changes: changes.as_object().into_iter().flatten().map(change).collect(),
            request,
            address,
        }
    }
}

#[derive(Template)]
#[template(path = "audit_log.html", config = "src/dashboard/askama.toml")]
struct ListPage {
    frame: Frame,
    lines: Vec<Line>,
    actions: Vec<Choice>,
    actor: String,
    subject: String,
    from: String,
    until: String,
    problems: Vec<String>,
    is_narrowed: bool,
    older: Option<String>,
    newest: Option<String>,
}

/// Which lines are asked for, and what of it could not be understood.
fn read_filter(params: &Params) -> (AuditFilter, Vec<String>) {
    let mut problems = Vec::new();
    let mut time = |name: &str| {
        let text = params.get(name)?;
        let time = delivery_filter::time(text);
        if time.is_none() {
            problems.push(format!("`{text}` is no time such as 2026-11-21T20:00Z."));
        }
        time
    };
    let (after, before) = (time("from"), time("until"));
    let action = params.get("action").and_then(Action::parse);
    let filter = AuditFilter {
        actor: params.get("actor").map(str::to_owned),
        action: action.map(|action| action.as_str().to_owned()),
        subject: params.get("subject").map(str::to_owned),
        span: IdSpan { from: after.map(first_uuid_at), ..IdSpan::before(before.map(first_uuid_at)) },
    };
    (filter, problems)
}

async fn list(State(dashboard): State<Arc<Dashboard>>, reader: Reader<Manages>, uri: Uri) -> Result<Response, Failure> {
    let visit = reader.visit;
    let params = Params::of(&uri);
    let now = dashboard.engine.clock().now();
    let (mut filter, problems) = read_filter(&params);
    let is_narrowed = ["actor", "action", "subject", "from", "until"].iter().any(|name| params.get(name).is_some());
    let cursor = params.get("before").and_then(|id| id.parse::<AuditId>().ok());
    filter.span.before = filter.span.before.into_iter().chain(cursor.map(|id| id.0)).min();
    let limit = dashboard.options.rows_per_page;
    let mut found = dashboard.engine.store().audit_page(visit.scope.tenant, &filter, limit + 1, 0).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let older = found.last().filter(|_| has_more).map(|entry| entry.id);
    let chosen = params.get("action");
    page::show(&ListPage {
        frame: dashboard.frame(&visit, "Audit log", SECTION),
        lines: found.into_iter().map(|entry| Line::new(entry, now)).collect(),
        actions: Action::ALL.iter().map(|action| Choice::new(action.as_str(), action.as_str(), chosen)).collect(),
        actor: params.text("actor"),
        subject: params.text("subject"),
        from: params.text("from"),
        until: params.text("until"),
        problems,
        is_narrowed,
        older: older.map(|id| format!("{SECTION}{}", params.with("before", Some(&id.to_string())))),
        newest: cursor.map(|_| format!("{SECTION}{}", params.with("before", None))),
    })
}
