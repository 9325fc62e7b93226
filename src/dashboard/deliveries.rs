//! The list of deliveries: filtered by its address, one page after the other, and acted on one by one or several at
//! once.

use std::fmt;
use std::sync::Arc;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::Dashboard;
use super::access::{Actor, ReadDeliveries, Reader, WriteDeliveries};
use super::all_tenants::{self, for_operators};
use super::delivery_filter::{self, Asked, RANGE_DEFAULT, RANGES};
use super::delivery_row::DeliveryRow;
use super::layout::{Choice, Frame};
use super::live::STREAM;
use super::markup::Escaped;
use super::page::{self, Failure};
use super::params::Params;
use super::preferences::{go_and_say, page_of_ours};
use super::words::{self, grouped};
use crate::domain::attempt::FailureKind;
use crate::domain::data_search::DataSearch;
use crate::domain::delivery::DeliveryState;
use crate::domain::id::DeliveryId;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;
use crate::engine::data_search::{SEARCHED_MAX, Searched};
use crate::store::StoreError;
use crate::store::deliveries::{Delivery, DeliveryFilter};
use crate::store::due::Intervention;

/// The screen's address.
pub(super) const SECTION: &str = "/ui/deliveries";
/// Deliveries that one form acts on: as many as a page can show.
const SELECTED_MAX: usize = 200;
/// What is not of the filter, but of the place in the list.
const PLACE: [&str; 2] = ["cursor", "page"];

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route(SECTION, get(list))
        .route("/ui/deliveries/selected", post(act_on_selected))
        .route("/ui/deliveries/{id}/retry", post(retry))
        .route("/ui/deliveries/{id}/cancel", post(cancel))
}

/// Something that narrows the list, with the address that takes it away.
pub(super) struct Chip {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) without: String,
}

#[derive(Template)]
#[template(path = "deliveries.html", config = "src/dashboard/askama.toml")]
struct ListPage {
    frame: Frame,
    form: FilterForm,
    problems: Vec<String>,
    rows: Vec<DeliveryRow>,
    acts: bool,
    /// The same of all tenants, for operators.
    all: Option<&'static str>,
    /// Where news of this list come from, if it is the newest part of it.
    live: Option<LiveRows>,
    /// What follows an export's address: the same filter.
    query: String,
    /// The address of the next page.
    older: Option<String>,
    /// That of the first, on every other one.
    newest: Option<String>,
    is_narrowed: bool,
    /// How far was looked, where that ended the page.
    looked: Option<String>,
}

/// What the body of a table says so that live rows come to it: its attributes.
pub(super) struct LiveRows {
    /// Where they come from, with the filter.
    pub(super) stream: String,
    /// When the page was made.
    pub(super) made_at: Timestamp,
    /// As many rows as it keeps.
    pub(super) most: u32,
}

impl fmt::Display for LiveRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, made_at, most } = self;
        let (after, stream) = (made_at.as_millis(), Escaped(stream));
        write!(f, " data-live=\"{most}\" data-after=\"{after}\" data-stream=\"{stream}\"")
    }
}

impl HtmlSafe for LiveRows {}

/// The filter's fields as they stand.
pub(super) struct FilterForm {
    pub(super) search: String,
    pub(super) statuses: Vec<Choice>,
    pub(super) codes: Vec<Choice>,
    pub(super) errors: Vec<Choice>,
    pub(super) ranges: Vec<Choice>,
    pub(super) webhooks: Vec<Choice>,
    pub(super) event_type: String,
    pub(super) attempt: String,
    pub(super) from: String,
    pub(super) until: String,
    pub(super) chips: Vec<Chip>,
    /// The same list without any filter.
    pub(super) clear: String,
}

impl FilterForm {
    fn new(params: &Params, scope: Scope, dashboard: &Dashboard) -> Self {
        let plain = |word: &str, chosen: Option<&str>| Choice::new(word, word, chosen);
        let (status, code, error) = (params.get("status"), params.get("code"), params.get("error"));
        let range = params.get("range").unwrap_or(RANGE_DEFAULT);
        let webhook = params.get("webhook");
        let known = dashboard.engine.directory.current();
        let choice = |id: String, name: &str| Choice::new(id, name, webhook);
        let webhooks = known.listeners_of(scope).iter().map(|listener| &listener.webhook);
        let mut webhooks: Vec<_> = webhooks.map(|hook| choice(hook.id.to_string(), &hook.settings.name)).collect();
        webhooks.sort_unstable_by(|one, other| one.label.cmp(&other.label));
        Self {
            search: params.text("q"),
            statuses: statuses(status),
            codes: ["2xx", "3xx", "4xx", "5xx"].map(|class| plain(class, code)).into(),
            errors: FailureKind::ALL.map(|kind| plain(kind.as_str(), error)).into(),
            ranges: RANGES.map(|(word, label, _)| Choice::new(word, label, Some(range))).into(),
            webhooks,
            event_type: params.text("type"),
            attempt: params.text("attempt"),
            from: params.text("from"),
            until: params.text("until"),
            chips: chips(params),
            clear: SECTION.to_owned(),
        }
    }
}

/// The states that can be asked for; rows tell two kinds of pending apart.
pub(super) fn statuses(chosen: Option<&str>) -> Vec<Choice> {
    let label = |state| match state {
        DeliveryState::Pending => "pending: waiting or retrying",
        DeliveryState::Delivered | DeliveryState::Dead | DeliveryState::Cancelled => words::state(state),
    };
    DeliveryState::ALL.map(|state| Choice::new(state.as_str(), label(state), chosen)).into()
}

fn chips(params: &Params) -> Vec<Chip> {
    let names = [
        ("q", "search"),
        ("status", "status"),
        ("webhook", "webhook"),
        ("event", "event"),
        ("type", "type"),
        ("code", "answer"),
        ("error", "error"),
        ("attempt", "attempts"),
        ("from", "from"),
        ("until", "until"),
    ];
    let bare = params.without(&PLACE);
    let chip = |(name, label): (&str, &'static str)| {
        let value = params.get(name)?;
        let state = DeliveryState::parse(value).filter(|_| name == "status");
        let value = state.map_or_else(|| value.to_owned(), |state| words::state(state).to_owned());
        Some(Chip { name: label, value, without: format!("{SECTION}{}", bare.with(name, None)) })
    };
    names.into_iter().filter_map(chip).collect()
}

async fn list(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<ReadDeliveries>,
    uri: Uri,
) -> Result<Response, Failure> {
    let visit = reader.visit;
    let params = Params::of(&uri);
    let now = dashboard.engine.clock().now();
    let Asked { mut filter, data, mut problems, is_narrowed } = delivery_filter::read(&params, now);
    let cursor = params.get("cursor");
    if let Some(text) = cursor {
        match read_cursor(text) {
            Some(before) => filter.before = Some(filter.before.map_or(before, |other| other.min(before))),
            None => problems.push("This page of the list is not there any more; here is the first.".to_owned()),
        }
    }
    let limit = dashboard.options.rows_per_page;
    let Looked { found, next, so_far } = look(&dashboard, visit.scope, &filter, data.as_ref(), limit).await?;
    let place = |id: Uuid| format!("{SECTION}{}", params.with("cursor", Some(&URL_SAFE_NO_PAD.encode(id.as_bytes()))));
    let known = dashboard.engine.directory.current();
    let frame = dashboard.frame(&visit, "Deliveries", SECTION);
    page::show(&ListPage {
        acts: frame.acts,
        frame,
        all: for_operators(&visit, all_tenants::DELIVERIES),
        form: FilterForm::new(&params, visit.scope, &dashboard),
        problems,
        live: (cursor.is_none() && data.is_none() && params.get("until").is_none()).then(|| LiveRows {
            stream: format!("{STREAM}{}", params.with("cursor", None)),
            made_at: now,
            most: limit,
        }),
        query: params.with("cursor", None),
        rows: found.into_iter().map(|delivery| DeliveryRow::new(delivery, &known, now)).collect(),
        older: next.map(place),
        looked: so_far,
        newest: cursor.map(|_| format!("{SECTION}{}", params.with("cursor", None))),
        is_narrowed,
    })
}

/// A page of what is asked for.
struct Looked {
    found: Vec<Delivery>,
    /// The id below which it goes on, where there may be more.
    next: Option<Uuid>,
    /// How far was looked, where that ended the page.
    so_far: Option<String>,
}

async fn look(
    dashboard: &Dashboard,
    scope: Scope,
    filter: &DeliveryFilter,
    data: Option<&DataSearch>,
    limit: u32,
) -> Result<Looked, StoreError> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    if let Some(search) = data {
        let Searched { found, next } = dashboard.engine.search_data(scope, filter, search, most).await?;
        let so_far = format!(
            "Data is searched without an index: this page has looked at up to {} deliveries of the other filters, newest \
             first.",
            grouped(SEARCHED_MAX as u64)
        );
        return Ok(Looked { found, next, so_far: Some(so_far) });
    }
    let store = dashboard.engine.store();
    let stretch = store.stretch(scope, filter).await?;
    let mut found = store.deliveries_of(scope, &stretch, limit + 1, 0).await?;
    let has_more = found.len() > most;
    found.truncate(most);
    let last = found.last().map(|delivery| delivery.id.0);
    let so_far = stretch.end.filter(|_| !has_more);
    let so_far = so_far
        .map(|_| format!("This page has looked at {} deliveries, newest first.", grouped(store.bounds.looked_max)));
    Ok(Looked { found, next: if has_more { last } else { stretch.end }, so_far })
}

/// The id after which a page begins.
pub(super) fn read_cursor(text: &str) -> Option<Uuid> {
    Uuid::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// The id in a path. One that is malformed is of nothing that exists.
pub(super) fn id_in_path(text: &str) -> Result<DeliveryId, Failure> {
    text.parse().map_err(|_| Failure::NotFound("delivery"))
}

async fn retry(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<WriteDeliveries>,
) -> Result<Response, Failure> {
    let id = id_in_path(&id)?;
    let outcome = dashboard.engine.retry(actor.visit.scope, id).await?;
    intervened(outcome, "The next attempt is on its way.", "The delivery cannot be retried.", &actor.fields)
}

async fn cancel(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<WriteDeliveries>,
) -> Result<Response, Failure> {
    let id = id_in_path(&id)?;
    let outcome = dashboard.engine.cancel(actor.visit.scope, id).await?;
    let refusal = "The delivery is final already: there is nothing to cancel.";
    intervened(outcome, "The delivery is cancelled: there will be no further attempt.", refusal, &actor.fields)
}

/// Comes back to the page of the form, and says what came of it.
pub(super) fn intervened(
    outcome: Intervention,
    done: &str,
    refusal: &str,
    fields: &Params,
) -> Result<Response, Failure> {
    match outcome {
        Intervention::Done => Ok(go_and_say(page_of_ours(fields.get("next")), done)),
        Intervention::NotFound => Err(Failure::NotFound("delivery")),
        Intervention::UnderWay => {
            Err(Failure::Refused("An attempt of the delivery is under way; wait for its outcome.".to_owned()))
        }
        Intervention::WrongState => Err(Failure::Refused(refusal.to_owned())),
        Intervention::Expunged => {
            Err(Failure::Refused("The data of the event was erased: it cannot be sent again.".to_owned()))
        }
    }
}

/// What is done with the selected deliveries.
#[derive(Clone, Copy)]
enum Verb {
    Retry,
    Cancel,
}

async fn act_on_selected(
    State(dashboard): State<Arc<Dashboard>>,
    actor: Actor<WriteDeliveries>,
) -> Result<Response, Failure> {
    let (verb, past) = match actor.fields.get("action") {
        Some("retry") => (Verb::Retry, "retried"),
        Some("cancel") => (Verb::Cancel, "cancelled"),
        Some(_) | None => return Err(Failure::bad("Choose what to do with the selected deliveries.")),
    };
    let ids: Vec<DeliveryId> = actor.fields.all("id").filter_map(|id| id.parse().ok()).take(SELECTED_MAX).collect();
    if ids.is_empty() {
        return Ok(go_and_say(page_of_ours(actor.fields.get("next")), "Nothing was selected."));
    }
    let mut done = 0_u32;
    for id in &ids {
        let outcome = act(&dashboard, actor.visit.scope, *id, verb).await?;
        done += u32::from(outcome == Intervention::Done);
    }
    let others = ids.len() - done as usize;
    let left =
        if others == 0 { String::new() } else { format!(" {others} could not be: they are under way or final.") };
    let said = format!("{} {past}.{left}", grouped(done));
    Ok(go_and_say(page_of_ours(actor.fields.get("next")), &said))
}

async fn act(dashboard: &Dashboard, scope: Scope, id: DeliveryId, verb: Verb) -> Result<Intervention, StoreError> {
    match verb {
        Verb::Retry => dashboard.engine.retry(scope, id).await,
        Verb::Cancel => dashboard.engine.cancel(scope, id).await,
    }
}
