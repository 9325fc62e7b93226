//! Deliveries, dead letters and webhooks of all tenants, for operators: to find what is wrong wherever it is. Whoever
//! wants to act on a row goes to it, which chooses its tenant and its environment.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::Dashboard;
use super::access::{Reader, Visit};
use super::deliveries::{self, read_cursor};
use super::layout::{Choice, Frame};
use super::page::{self, Failure};
use super::params::Params;
use super::system::Operates;
use super::webhook_health::Health;
use super::words::{Badge, Time, grouped};
use super::{dead_letters, webhooks};
use crate::domain::delivery::DeliveryState;
use crate::domain::id::{TenantId, WebhookId};
use crate::domain::tenant::{Environment, Scope};
use crate::domain::webhook::Webhook;
use crate::engine::directory::Snapshot;
use crate::store::all_tenants::{Found, LOOKED_AT_MAX, Picked};
use crate::store::dead_letters::{DeadLetter, DeadLetterFilter};
use crate::store::deliveries::{Delivery, DeliveryFilter};

pub(super) const DELIVERIES: &str = "/ui/all/deliveries";
pub(super) const DEAD_LETTERS: &str = "/ui/all/dead-letters";
pub(super) const WEBHOOKS: &str = "/ui/all/webhooks";

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route(DELIVERIES, get(list_deliveries))
        .route(DEAD_LETTERS, get(list_dead_letters))
        .route(WEBHOOKS, get(list_webhooks))
}

/// Where the list of one tenant leads to that of all; nowhere for those who have one tenant only.
pub(super) fn for_operators(visit: &Visit, href: &'static str) -> Option<&'static str> {
    visit.who.user.tenant.is_none().then_some(href)
}

/// A list: what it is called, where it is, where that of one tenant is, and its columns; an empty one is not there.
struct List {
    title: &'static str,
    here: &'static str,
    one: &'static str,
    badge: &'static str,
    answer: &'static str,
    name: &'static str,
    about: &'static str,
    number: &'static str,
    at: &'static str,
    /// Whether a state can be asked for.
    has_states: bool,
    /// Rows that a page of all tenants is picked from, where that are not all.
    looks_at: Option<u32>,
}

const OF_DELIVERIES: List = List {
    title: "Deliveries",
    here: DELIVERIES,
    one: deliveries::SECTION,
    badge: "Status",
    answer: "Answer",
    name: "Event",
    about: "Webhook",
    number: "Attempts",
    at: "Created",
    has_states: true,
    looks_at: Some(LOOKED_AT_MAX),
};
const OF_DEAD_LETTERS: List = List {
    title: "Dead letters",
    here: DEAD_LETTERS,
    one: dead_letters::SECTION,
    badge: "",
    answer: "Last answer",
    at: "Given up",
    has_states: false,
    ..OF_DELIVERIES
};
const OF_WEBHOOKS: List = List {
    title: "Webhooks",
    here: WEBHOOKS,
    one: webhooks::SECTION,
    badge: "Health",
    answer: "",
    name: "Webhook",
    about: "What happens",
    number: "",
    at: "Created",
    has_states: false,
    looks_at: None,
};

/// A row, as its list's columns have it.
struct Row {
    /// Where its name leads, once its tenant is chosen.
    href: String,
    badge: Option<Badge>,
    answer: String,
    answer_tone: &'static str,
    name: String,
    id: String,
    about: String,
    number: String,
    at: Time,
}

#[derive(Template)]
#[template(path = "all_tenants.html", config = "src/dashboard/askama.toml")]
struct ListPage {
    frame: Frame,
    list: &'static List,
    /// Each with the name of its tenant.
    rows: Vec<(String, Scope, Row)>,
    tenants: Vec<Choice>,
    environments: Vec<Choice>,
    statuses: Vec<Choice>,
    /// How many were looked at, where that are not all.
    looked_at: Option<String>,
    older: Option<String>,
    newest: Option<String>,
}

/// What a list is asked for.
struct Asked {
    params: Params,
    tenant: Option<TenantId>,
    picked: Picked,
}

impl Asked {
    fn of(uri: &Uri) -> Self {
        let params = Params::of(uri);
        let picked = Picked {
            environment: params.get("environment").and_then(|word| word.parse().ok()),
            state: params.get("status").and_then(DeliveryState::parse),
            before: params.get("cursor").and_then(read_cursor),
        };
        Self { tenant: params.get("tenant").and_then(|id| id.parse().ok()), picked, params }
    }

    /// The scopes of the tenant that is asked for; none for all.
    fn scopes(&self) -> Option<Vec<Scope>> {
        let tenant = self.tenant?;
        let wanted = |one: &Environment| self.picked.environment.is_none_or(|wanted| wanted == *one);
        let environments = Environment::ALL.into_iter().filter(wanted);
        Some(environments.map(|environment| Scope { tenant, environment }).collect())
    }
}

impl Dashboard {
    fn show_all(
        &self,
        visit: &Visit,
        list: &'static List,
        asked: &Asked,
        found: Found<Row>,
    ) -> Result<Response, Failure> {
        let Asked { params, tenant, picked: Picked { environment, state, before } } = asked;
        let known = self.engine.directory.current();
        let tenant_of =
            |scope: Scope| known.tenant(scope.tenant).map_or_else(String::new, |tenant| tenant.name.clone());
        let place = |cursor: Option<&str>| format!("{}{}", list.here, params.with("cursor", cursor));
        let chosen = tenant.map(|tenant| tenant.to_string());
        let is_picked = tenant.is_none() && (environment.is_some() || state.is_some());
        let tenants = self.engine.tenants();
        let tenants = tenants.iter().map(|one| Choice::new(one.id.to_string(), one.name.clone(), chosen.as_deref()));
        let plain = |word: &str, chosen: Option<&str>| Choice::new(word, word, chosen);
        page::show(&ListPage {
            frame: self.frame(visit, format!("{} of all tenants", list.title), list.one),
            list,
            tenants: tenants.collect(),
            environments: Environment::ALL.map(|one| plain(one.as_str(), environment.map(Environment::as_str))).into(),
            statuses: deliveries::statuses(state.map(DeliveryState::as_str)),
            looked_at: list.looks_at.filter(|_| is_picked).map(grouped),
            older: found.next.map(|id| place(Some(&URL_SAFE_NO_PAD.encode(id.as_bytes())))),
            newest: before.map(|_| place(None)),
            rows: found.rows.into_iter().map(|(scope, row)| (tenant_of(scope), scope, row)).collect(),
        })
    }
}

/// A page of rows that are newest first within each scope, which were looked at as far as `end`.
fn merged<T>(mut rows: Vec<(Scope, T)>, end: Option<Uuid>, limit: u32, id_of: fn(&T) -> Uuid) -> Found<T> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    rows.retain(|(_, row)| end.is_none_or(|end| id_of(row) >= end));
    rows.sort_unstable_by_key(|(_, row)| Reverse(id_of(row)));
    let has_more = rows.len() > most;
    rows.truncate(most);
    let next = if has_more { rows.last().map(|(_, row)| id_of(row)) } else { end };
    Found { rows, next }
}

fn webhook_name(known: &Snapshot, id: WebhookId) -> String {
    known.listener(id).map_or_else(|| id.to_string(), |listener| listener.webhook.settings.name.clone())
}

async fn list_deliveries(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<Operates>,
    uri: Uri,
) -> Result<Response, Failure> {
    let asked = Asked::of(&uri);
    let (store, limit) = (dashboard.engine.store(), dashboard.options.rows_per_page);
    let found = match asked.scopes() {
        None => store.deliveries_of_all(&asked.picked, limit).await?,
        Some(scopes) => {
            let Picked { environment: _, state, before } = asked.picked;
            let filter = DeliveryFilter { state, before, ..DeliveryFilter::default() };
            let (mut rows, mut end) = (Vec::new(), None);
            for scope in scopes {
                let stretch = store.stretch(scope, &filter).await?;
                let page = store.deliveries_of(scope, &stretch, limit + 1, 0).await?;
                rows.extend(page.into_iter().map(|delivery| (scope, delivery)));
                end = end.max(stretch.end);
            }
            merged(rows, end, limit, |delivery| delivery.id.0)
        }
    };
    let (known, now) = (dashboard.engine.directory.current(), dashboard.engine.clock().now());
    let row = |delivery: Delivery| Row {
        href: format!("/ui/deliveries/{}", delivery.id),
        badge: Some(Badge::of_delivery(&delivery)),
        answer_tone: Badge::tone_of_answer(delivery.last_status),
        answer: delivery.last_status.map(|status| status.to_string()).or(delivery.last_error).unwrap_or_default(),
        name: delivery.event_type,
        id: delivery.id.to_string(),
        about: webhook_name(&known, delivery.webhook),
        number: grouped(delivery.attempts),
        at: Time { at: delivery.id.time(), now },
    };
    dashboard.show_all(&reader.visit, &OF_DELIVERIES, &asked, found.map(row))
}

async fn list_dead_letters(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<Operates>,
    uri: Uri,
) -> Result<Response, Failure> {
    let asked = Asked::of(&uri);
    let (store, limit) = (dashboard.engine.store(), dashboard.options.rows_per_page);
    let found = match asked.scopes() {
        None => store.dead_letters_of_all(&asked.picked, limit).await?,
        Some(scopes) => {
            let filter = DeadLetterFilter { before: asked.picked.before, ..DeadLetterFilter::default() };
            let (mut rows, mut end) = (Vec::new(), None);
            for scope in scopes {
                let page = store.dead_letters_page(scope, &filter, limit + 1, 0).await?;
                rows.extend(page.found.into_iter().map(|letter| (scope, letter)));
                end = end.max(page.end);
            }
            merged(rows, end, limit, |letter| letter.delivery.0)
        }
    };
    let (known, now) = (dashboard.engine.directory.current(), dashboard.engine.clock().now());
    let row = |letter: DeadLetter| Row {
        href: format!("/ui/deliveries/{}", letter.delivery),
        badge: None,
        answer_tone: Badge::tone_of_answer(letter.last_status),
        answer: letter.last_status.map(|status| status.to_string()).or(letter.last_error).unwrap_or_default(),
        name: letter.event_type,
        id: letter.delivery.to_string(),
        about: webhook_name(&known, letter.webhook),
        number: grouped(letter.attempts),
        at: Time { at: letter.died_at, now },
    };
    dashboard.show_all(&reader.visit, &OF_DEAD_LETTERS, &asked, found.map(row))
}

async fn list_webhooks(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<Operates>,
    uri: Uri,
) -> Result<Response, Failure> {
    let asked = Asked::of(&uri);
    let (engine, now) = (&dashboard.engine, dashboard.engine.clock().now());
    let failing = engine.store().webhooks_failing_since(now).await?;
    let failing: HashMap<_, _> = failing.into_iter().map(|one| (one.webhook, one.since)).collect();
    let Picked { environment, state: _, before } = asked.picked;
    let is_asked = |webhook: &&Webhook| {
        webhook.deleted_at.is_none()
            && asked.tenant.is_none_or(|tenant| webhook.scope.tenant == tenant)
            && environment.is_none_or(|environment| webhook.scope.environment == environment)
            && before.is_none_or(|before| webhook.id.0 < before)
    };
    // Every process knows all of them by heart.
    let known = engine.directory.current();
    let webhooks = known.listeners().map(|listener| &listener.webhook).filter(is_asked);
    let found = webhooks.map(|webhook| (webhook.scope, webhook)).collect();
    let found = merged(found, None, dashboard.options.rows_per_page, |webhook| webhook.id.0);
    let row = |webhook: &Webhook| {
        let Health { tone, word, sentence } = Health::of(webhook, failing.get(&webhook.id).copied(), engine, now);
        Row {
            href: format!("/ui/webhooks/{}", webhook.id),
            badge: Some(Badge { tone, word }),
            answer: String::new(),
            answer_tone: "",
            name: webhook.settings.name.clone(),
            id: webhook.settings.url.clone(),
            about: sentence.plain(),
            number: String::new(),
            at: Time { at: webhook.created_at, now },
        }
    };
    dashboard.show_all(&reader.visit, &OF_WEBHOOKS, &asked, found.map(row))
}
