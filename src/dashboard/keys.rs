//! API keys: the list, one key with what it was used for, and what ends one. The form is in [`super::key_form`].
//!
//! Everybody of a tenant sees them, as nobody could use what is shown; owners and admins change them.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::{get, post};

use super::Dashboard;
use super::access::{Actor, Anybody, Manages, Reader, Visit};
use super::confirm::Confirm;
use super::layout::{Choice, Frame};
use super::page::{self, Failure};
use super::params::Params;
use super::preferences::go_and_say;
use super::words::{Badge, Time, grouped, span};
use crate::domain::api_key::{ApiKey, Standing};
use crate::domain::id::KeyId;
use crate::domain::ip_list::IpList;
use crate::domain::key::ApiKeyText;
use crate::domain::meter::Month;
use crate::domain::time::Timestamp;
use crate::engine::keys::{KEY_OVERLAP_MAX, KeyError};
use crate::store::requests::RouteRequests;

/// The screen's address.
pub(super) const SECTION: &str = "/ui/api-keys";
/// No tenant has so many keys that it needs more.
const PAGES_MAX: u32 = 1_000;
/// Months that usage is kept.
pub(super) const MONTHS_KEPT: u32 = 24;
/// How long a replaced key may go on working: the word in the form, and what it says.
const OVERLAPS: [(&str, &str); 4] =
    [("0", "not at all"), ("3600", "an hour"), ("86400", "a day"), ("604800", "seven days")];
const OVERLAP_DEFAULT: &str = "86400";

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route(SECTION, get(list))
        .route("/ui/api-keys/{id}", get(show))
        .route("/ui/api-keys/{id}/rotate", post(rotate))
        .route("/ui/api-keys/{id}/revoke", get(ask_to_revoke).post(revoke))
        .route("/ui/api-keys/{id}/delete", get(ask_to_delete).post(delete))
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NotFound => Self::NotFound("API key"),
            KeyError::NameTaken | KeyError::TooMany | KeyError::State(_) | KeyError::Changed => {
                let text = error.to_string();
                Self::Refused(format!("{}{}.", text[..1].to_uppercase(), &text[1..]))
            }
            KeyError::Store(error) => error.into(),
        }
    }
}

/// The id in a path. One that is malformed is of nothing that exists.
pub(super) fn id_in_path(text: &str) -> Result<KeyId, Failure> {
    text.parse().map_err(|_| Failure::NotFound("API key"))
}

impl Dashboard {
    /// A key of what the visitor looks at: those of the other environment are not there.
    pub(super) async fn key_of(&self, visit: &Visit, id: &str) -> Result<ApiKey, Failure> {
        let key = self.engine.key(visit.scope.tenant, id_in_path(id)?).await?;
        if key.scope == visit.scope { Ok(key) } else { Err(Failure::NotFound("API key")) }
    }
}

impl Badge {
    fn of_key(key: &ApiKey, now: Timestamp) -> Self {
        let (tone, word) = match key.standing(now) {
            Standing::Works if key.replaced_by.is_some() => ("waiting", "replaced"),
            Standing::Works => ("good", "works"),
            Standing::Stopped if key.revoked_at.is_some() => ("bad", "revoked"),
            Standing::Stopped => ("idle", "off"),
            Standing::Expired(_) => ("idle", "expired"),
        };
        Self { tone, word }
    }
}

struct KeyRow {
    id: KeyId,
    badge: Badge,
    name: String,
    hint: String,
    permissions: String,
    last_used: Option<Time>,
    expires: Option<Time>,
    this_month: String,
}

#[derive(Template)]
#[template(path = "keys.html", config = "src/dashboard/askama.toml")]
struct ListPage {
    frame: Frame,
    rows: Vec<KeyRow>,
    total: String,
    manages: bool,
    /// All, or those that work, or the others.
    shows: [Choice; 3],
    previous: Option<String>,
    next: Option<String>,
}

async fn list(State(dashboard): State<Arc<Dashboard>>, reader: Reader<Anybody>, uri: Uri) -> Result<Response, Failure> {
    let visit = reader.visit;
    let (engine, params) = (&dashboard.engine, Params::of(&uri));
    let now = engine.clock().now();
    let shown = params.get("show").unwrap_or("all");
    let is_active = match shown {
        "active" => Some(true),
        "inactive" => Some(false),
        _ => None,
    };
    let page = params.get("page").and_then(|page| page.parse().ok()).unwrap_or(1_u32).clamp(1, PAGES_MAX);
    let limit = dashboard.options.rows_per_page;
    let (tenant, environment) = (visit.scope.tenant, visit.scope.environment);
    let (keys, total) =
        engine.store().keys_page(tenant, Some(environment), is_active, limit, (page - 1) * limit).await?;
    let used = engine.store().requests_by_key(tenant, Month::at(now)).await?;
    let row = |key: ApiKey| KeyRow {
        id: key.id,
        badge: Badge::of_key(&key, now),
        this_month: grouped(used.get(&key.id).copied().unwrap_or_default().1),
        name: key.settings.name,
        hint: key.hint,
        permissions: key.settings.permissions.join(", "),
        last_used: key.last_used_at.map(|at| Time { at, now }),
        expires: key.settings.expires_at.map(|at| Time { at, now }),
    };
    let place = |page: u32| format!("{SECTION}{}", params.with("page", Some(&page.to_string())));
    let choice = |word: &'static str, label: &'static str| Choice::new(word, label, Some(shown));
    page::show(&ListPage {
        frame: dashboard.frame(&visit, "API keys", SECTION),
        manages: visit.who.user.role.manages(),
        rows: keys.into_iter().map(row).collect(),
        total: grouped(total),
        shows: [choice("all", "all"), choice("active", "working"), choice("inactive", "not working")],
        previous: (page > 1).then(|| place(page - 1)),
        next: (u64::from(page) * u64::from(limit) < total).then(|| place(page + 1)),
    })
}

#[derive(Template)]
#[template(path = "key.html", config = "src/dashboard/askama.toml")]
struct KeyPage {
    frame: Frame,
    id: KeyId,
    badge: Badge,
    key: Facts,
    usage: Usage,
    manages: bool,
    /// Whether it can be changed, rotated and revoked.
    is_open: bool,
    overlaps: Vec<Choice>,
}

struct Facts {
    hint: String,
    permissions: Vec<String>,
    ip_list: Vec<String>,
    rate_limit: Option<String>,
    rotation: Option<String>,
    created: Time,
    updated: Time,
    expires: Option<Time>,
    revoked: Option<Time>,
    last_used: Option<Time>,
    replaced_by: Option<KeyId>,
    ever: String,
}

/// What it was used for in a month.
struct Usage {
    month: String,
    previous: Option<String>,
    next: Option<String>,
    total: u64,
    failed: String,
    routes: Vec<RouteRow>,
}

struct RouteRow {
    route: String,
    count: u64,
    shown: String,
    failed: u64,
}

impl Facts {
    fn of(key: &ApiKey, ever: u64, now: Timestamp) -> Self {
        let time = |at: Timestamp| Time { at, now };
        let settings = &key.settings;
        let rotation = settings.rotation.filter(|policy| policy.enabled).map(|policy| {
            let due = policy.due_at(key.created_at);
            format!("every {} days; due {}", policy.interval_days, super::words::far(due, now))
        });
        Self {
            hint: key.hint.clone(),
            permissions: settings.permissions.clone(),
            ip_list: texts_of(&settings.ip_list),
            rate_limit: settings.rate_limit.map(grouped),
            rotation,
            created: time(key.created_at),
            updated: time(key.updated_at),
            expires: settings.expires_at.map(time),
            revoked: key.revoked_at.map(time),
            last_used: key.last_used_at.map(time),
            replaced_by: key.replaced_by,
            ever: grouped(ever),
        }
    }
}

/// The entries of a list of addresses.
pub(super) fn texts_of(list: &IpList) -> Vec<String> {
    let value = serde_json::to_value(list).unwrap_or_default();
    let entries = value.as_array().into_iter().flatten();
    entries.filter_map(|entry| entry.as_str().map(str::to_owned)).collect()
}

impl Usage {
    fn of(id: KeyId, month: Month, this_month: Month, routes: Vec<RouteRequests>) -> Self {
        let total: u64 = routes.iter().map(|route| route.requests.count).sum();
        let failed: u64 = routes.iter().map(|route| route.requests.failed).sum();
        let mut routes: Vec<RouteRow> = routes
            .into_iter()
            .map(|RouteRequests { method, route, requests }| RouteRow {
                route: format!("{method} {route}"),
                count: requests.count,
                shown: grouped(requests.count),
                failed: requests.failed,
            })
            .collect();
        routes.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.route.cmp(&other.route)));
        let place = |month: Month| format!("{SECTION}/{id}?month={month}");
        Self {
            month: month.to_string(),
            previous: (month > this_month.before(MONTHS_KEPT)).then(|| place(month.before(1))),
            next: (month < this_month).then(|| place(month.after())),
            total,
            failed: grouped(failed),
            routes,
        }
    }
}

async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    reader: Reader<Anybody>,
    uri: Uri,
) -> Result<Response, Failure> {
    let visit = reader.visit;
    let engine = &dashboard.engine;
    let key = dashboard.key_of(&visit, &id).await?;
    let now = engine.clock().now();
    let this_month = Month::at(now);
    let month = Params::of(&uri).get("month").and_then(Month::parse).filter(|month| *month <= this_month);
    let month = month.unwrap_or(this_month);
    let tenant = visit.scope.tenant;
    let (ever, _) = engine.store().requests_of(tenant, key.id, this_month).await?;
    let routes = engine.store().requests_of_key(tenant, key.id, month).await?;
    page::show(&KeyPage {
        frame: dashboard.frame(&visit, key.settings.name.clone(), SECTION),
        id: key.id,
        badge: Badge::of_key(&key, now),
        key: Facts::of(&key, ever, now),
        usage: Usage::of(key.id, month, this_month, routes),
        manages: visit.who.user.role.manages(),
        is_open: key.revoked_at.is_none() && key.replaced_by.is_none(),
        overlaps: OVERLAPS.map(|(word, label)| Choice::new(word, label, Some(OVERLAP_DEFAULT))).into(),
    })
}

/// The one page that shows a key.
#[derive(Template)]
#[template(path = "key_shown.html", config = "src/dashboard/askama.toml")]
pub(super) struct ShownPage {
    frame: Frame,
    id: KeyId,
    name: String,
    text: String,
    /// Until when the one before works.
    older_until: Option<Time>,
}

impl ShownPage {
    pub(super) fn new(frame: Frame, key: ApiKey, text: &ApiKeyText, older_until: Option<Time>) -> Self {
        Self { frame, id: key.id, name: key.settings.name, text: text.reveal().to_owned(), older_until }
    }
}

async fn rotate(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<Manages>,
) -> Result<Response, Failure> {
    let key = dashboard.key_of(&actor.visit, &id).await?;
    let overlap = actor.fields.get("overlap").unwrap_or(OVERLAP_DEFAULT).parse().map(Duration::from_secs);
    let Some(overlap) = overlap.ok().filter(|overlap| *overlap <= KEY_OVERLAP_MAX) else {
        let most = span(KEY_OVERLAP_MAX);
        return Err(Failure::bad(format!("Choose how long the old key goes on working: at most {most}.")));
    };
    let (key, text, until) = dashboard.engine.rotate_key(actor.visit.scope.tenant, key.id, overlap).await?;
    let older_until = Some(Time { at: until, now: dashboard.engine.clock().now() });
    let frame = dashboard.frame(&actor.visit, "The new key", SECTION);
    page::show(&ShownPage::new(frame, key, &text, older_until))
}

async fn ask_to_revoke(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    reader: Reader<Manages>,
) -> Result<Response, Failure> {
    let key = dashboard.key_of(&reader.visit, &id).await?;
    let name = key.settings.name;
    page::show(&Confirm {
        frame: dashboard.frame(&reader.visit, "Revoke an API key", SECTION),
        text: format!("“{name}” stops working at once, for good. Programs that use it are refused from then on."),
        action: format!("{SECTION}/{id}/revoke"),
        button: "Revoke it",
        back: format!("{SECTION}/{id}"),
        typed: None,
        problem: None,
    })
}

async fn revoke(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<Manages>,
) -> Result<Response, Failure> {
    let key = dashboard.key_of(&actor.visit, &id).await?;
    let revoked = dashboard.engine.revoke_key(actor.visit.scope.tenant, key.id).await?;
    let said = if revoked { "The key is revoked." } else { "The key was revoked already." };
    Ok(go_and_say(&format!("{SECTION}/{id}"), said))
}

impl Dashboard {
    fn delete_page(&self, visit: &Visit, key: ApiKey, problem: Option<&'static str>) -> Result<Response, Failure> {
        let (id, name) = (key.id, key.settings.name);
        page::show(&Confirm {
            frame: self.frame(visit, "Delete an API key", SECTION),
            text: format!("“{name}” ({}) stops working at once, and is shown no more.", key.hint),
            action: format!("{SECTION}/{id}/delete"),
            button: "Delete it",
            back: format!("{SECTION}/{id}"),
            typed: Some(name),
            problem,
        })
    }
}

async fn ask_to_delete(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    reader: Reader<Manages>,
) -> Result<Response, Failure> {
    let key = dashboard.key_of(&reader.visit, &id).await?;
    dashboard.delete_page(&reader.visit, key, None)
}

async fn delete(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<Manages>,
) -> Result<Response, Failure> {
    let key = dashboard.key_of(&actor.visit, &id).await?;
    if actor.fields.get("name") != Some(key.settings.name.trim()) {
        return dashboard.delete_page(&actor.visit, key, Some("That is not its name. Nothing was deleted."));
    }
    dashboard.engine.delete_key(actor.visit.scope.tenant, key.id).await?;
    Ok(go_and_say(SECTION, "The key is deleted."))
}
