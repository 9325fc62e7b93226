//! Dead letters: deliveries that used up their attempts. Nothing happens to them until somebody sends them again.

use std::sync::Arc;

use askama::Template;
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
use super::deliveries::{id_in_path, intervened, read_cursor};
use super::layout::{Choice, Frame};
use super::page::{self, Failure};
use super::params::Params;
use super::preferences::{go_and_say, page_of_ours};
use super::words::{Badge, Time, counted, grouped};
use crate::domain::event::EventType;
use crate::domain::id::{DeliveryId, WebhookId};
use crate::domain::time::Timestamp;
use crate::domain::webhook::Webhook;
use crate::engine::deliveries::Letters as Chosen;
use crate::engine::directory::Snapshot;
use crate::store::dead_letters::{DeadLetter, DeadLetterFilter, Letters};
use crate::store::due::Intervention;

/// The screen's address.
pub(super) const SECTION: &str = "/ui/dead-letters";
/// Dead letters that one form acts on.
const SELECTED_MAX: usize = 200;
/// Dead letters that one form redrives by a filter; for more it is sent again.
const REDRIVE_MAX: u32 = 1_000;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route(SECTION, get(list))
        .route("/ui/dead-letters/selected", post(redrive_selected))
        .route("/ui/dead-letters/all", get(ask_to_redrive_all).post(redrive_all))
        .route("/ui/dead-letters/{id}/redrive", post(redrive))
}

#[derive(Template)]
#[template(path = "dead_letters.html", config = "src/dashboard/askama.toml")]
struct ListPage {
    frame: Frame,
    rows: Vec<Row>,
    webhooks: Vec<Choice>,
    event_type: String,
    problem: Option<String>,
    /// The same list, to be redriven as a whole.
    all: String,
    /// The same as a replay, which goes at a rate and can be held up.
    job: String,
    older: Option<String>,
    newest: Option<String>,
    /// As many as were looked at, where that ended the page.
    looked: Option<String>,
    is_narrowed: bool,
    acts: bool,
    /// The same of all tenants, for operators.
    everybodys: Option<&'static str>,
}

struct Row {
    id: DeliveryId,
    answer: String,
    answer_tone: &'static str,
    event_type: String,
    webhook: WebhookId,
    webhook_name: String,
    attempts: i64,
    died: Time,
    created: Time,
}

impl Row {
    fn new(letter: DeadLetter, known: &Snapshot, now: Timestamp) -> Self {
        let DeadLetter { delivery, event: _, webhook, event_type, attempts, last_status, last_error, died_at } = letter;
        let settings = known.listener(webhook).map(|listener| &listener.webhook.settings);
        Self {
            id: delivery,
            answer: last_status.map(|status| status.to_string()).or(last_error).unwrap_or_default(),
            answer_tone: Badge::tone_of_answer(last_status),
            event_type,
            webhook,
            webhook_name: settings.map_or_else(|| webhook.to_string(), |settings| settings.name.clone()),
            attempts,
            died: Time { at: died_at, now },
            created: Time { at: delivery.time(), now },
        }
    }
}

/// Which dead letters are asked for, and what of it could not be understood.
fn read_filter(params: &Params) -> (DeadLetterFilter, Option<String>) {
    let mut filter = DeadLetterFilter::default();
    let mut problem = None;
    if let Some(text) = params.get("webhook") {
        match text.parse() {
            Ok(id) => filter.webhook = Some(id),
            Err(_) => problem = Some(format!("`{text}` is no id of a webhook.")),
        }
    }
    if let Some(text) = params.get("type") {
        match EventType::parse(text) {
            Ok(event_type) => filter.event_type = Some(event_type.as_str().to_owned()),
            Err(_) => problem = Some(format!("`{text}` is no event type.")),
        }
    }
    (filter, problem)
}

async fn list(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<ReadDeliveries>,
    uri: Uri,
) -> Result<Response, Failure> {
    let visit = reader.visit;
    let params = Params::of(&uri);
    let now = dashboard.engine.clock().now();
    let (mut filter, problem) = read_filter(&params);
    let cursor = params.get("cursor");
    filter.before = cursor.and_then(read_cursor);
    let limit = dashboard.options.rows_per_page;
    let Letters { mut found, end } =
        dashboard.engine.store().dead_letters_page(visit.scope, &filter, limit + 1, 0).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = if has_more { found.last().map(|letter| letter.delivery.0) } else { end };
    let place = |id: Uuid| format!("{SECTION}{}", params.with("cursor", Some(&URL_SAFE_NO_PAD.encode(id.as_bytes()))));
    let known = dashboard.engine.directory.current();
    let listeners = known.listeners_of(visit.scope).iter().map(|listener| &listener.webhook);
    let choice = |hook: &Webhook| Choice::new(hook.id.to_string(), hook.settings.name.clone(), params.get("webhook"));
    let frame = dashboard.frame(&visit, "Dead letters", SECTION);
    page::show(&ListPage {
        acts: frame.acts,
        frame,
        everybodys: for_operators(&visit, all_tenants::DEAD_LETTERS),
        webhooks: listeners.map(choice).collect(),
        event_type: params.text("type"),
        problem,
        job: format!("/ui/replays/new{}&range=all", params.without(&["cursor", "range"]).with("status", Some("dead"))),
        all: format!("/ui/dead-letters/all{}", params.with("cursor", None)),
        rows: found.into_iter().map(|letter| Row::new(letter, &known, now)).collect(),
        older: last.map(place),
        looked: last.filter(|_| !has_more).map(|_| grouped(dashboard.engine.store().bounds.looked_max)),
        newest: cursor.map(|_| format!("{SECTION}{}", params.with("cursor", None))),
        is_narrowed: filter.webhook.is_some() || filter.event_type.is_some(),
    })
}

async fn redrive(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<WriteDeliveries>,
) -> Result<Response, Failure> {
    let outcome = dashboard.engine.redrive(actor.visit.scope, id_in_path(&id)?).await?;
    intervened(outcome, "It is sent again.", "The delivery is no dead letter any more.", &actor.fields)
}

async fn redrive_selected(
    State(dashboard): State<Arc<Dashboard>>,
    actor: Actor<WriteDeliveries>,
) -> Result<Response, Failure> {
    let ids: Vec<DeliveryId> = actor.fields.all("id").filter_map(|id| id.parse().ok()).take(SELECTED_MAX).collect();
    let mut done = 0_u32;
    for id in &ids {
        let outcome = dashboard.engine.redrive(actor.visit.scope, *id).await?;
        done += u32::from(outcome == Intervention::Done);
    }
    let said = format!("{} of {} are sent again.", grouped(done), ids.len());
    Ok(go_and_say(page_of_ours(actor.fields.get("next")), &said))
}

#[derive(Template)]
#[template(path = "dead_letters_all.html", config = "src/dashboard/askama.toml")]
struct RedriveAllPage {
    frame: Frame,
    count: String,
    is_none: bool,
    /// As many as one form sends again, where there are more.
    at_once: Option<String>,
    webhook: String,
    event_type: String,
}

async fn ask_to_redrive_all(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<WriteDeliveries>,
    uri: Uri,
) -> Result<Response, Failure> {
    let params = Params::of(&uri);
    let (filter, problem) = read_filter(&params);
    if let Some(problem) = problem {
        return Err(Failure::Bad(problem));
    }
    let count = dashboard.engine.store().dead_letters_count(reader.visit.scope, &filter).await?;
    page::show(&RedriveAllPage {
        frame: dashboard.frame(&reader.visit, "Send dead letters again", SECTION),
        count: counted(count, dashboard.engine.store().bounds),
        is_none: count == 0,
        at_once: (count > u64::from(REDRIVE_MAX)).then(|| grouped(REDRIVE_MAX)),
        webhook: params.text("webhook"),
        event_type: params.text("type"),
    })
}

async fn redrive_all(
    State(dashboard): State<Arc<Dashboard>>,
    actor: Actor<WriteDeliveries>,
) -> Result<Response, Failure> {
    let (filter, problem) = read_filter(&actor.fields);
    if let Some(problem) = problem {
        return Err(Failure::Bad(problem));
    }
    let done = dashboard.engine.redrive_all(actor.visit.scope, Chosen::Found(filter, REDRIVE_MAX)).await?;
    Ok(go_and_say(SECTION, &format!("{} are sent again.", grouped(done.count))))
}
