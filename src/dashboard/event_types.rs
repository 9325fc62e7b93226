//! Event types: the list, and one of them with its schema, an example, who listens, and a form that publishes one.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::Dashboard;
use super::access::{Actor, ReadEvents, Reader, Visit, WriteEvents};
use super::confirm::Confirm;
use super::layout::Frame;
use super::page::{self, Failure};
use super::params::Params;
use super::preferences::go_and_say;
use super::problems::Problems;
use super::words::{Time, grouped};
use crate::domain::catalogue::{BuiltIn, OwnType, SchemaMode, built_in, built_in_named};
use crate::domain::event::{DATA_DEPTH_MAX, EventType, nesting};
use crate::domain::id::WebhookId;
use crate::domain::permission::Permission;
use crate::domain::tenant::Scope;
use crate::engine::accept::{AcceptError, Publish, Target};
use crate::engine::event_types::TypeError;

/// The screen's address.
pub(super) const SECTION: &str = "/ui/event-types";

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route(SECTION, get(list))
        .route("/ui/event-types/{name}", get(show))
        .route("/ui/event-types/{name}/publish", post(publish))
        .route("/ui/event-types/{name}/delete", get(ask_to_delete).post(delete))
}

impl From<TypeError> for Failure {
    fn from(error: TypeError) -> Self {
        match error {
            TypeError::NotFound => Self::NotFound("event type"),
            TypeError::BuiltIn => Self::Refused("The event type is built in: nobody can change it.".to_owned()),
            TypeError::Changed => {
                Self::Refused("Somebody else has changed the event type meanwhile. Open it anew.".to_owned())
            }
            TypeError::Exists | TypeError::TooMany => {
                let text = error.to_string();
                Self::Refused(format!("{}{}.", text[..1].to_uppercase(), &text[1..]))
            }
            TypeError::Store(error) => error.into(),
        }
    }
}

/// The name in a path. One that is malformed is of nothing that exists.
pub(super) fn name_in_path(text: &str) -> Result<EventType, Failure> {
    EventType::parse(text).map_err(|_| Failure::NotFound("event type"))
}

struct TypeRow {
    name: String,
    description: String,
    built_in: bool,
    schema: &'static str,
    subscribers: usize,
}

#[derive(Template)]
#[template(path = "event_types.html", config = "src/dashboard/askama.toml")]
struct ListPage {
    frame: Frame,
    rows: Vec<TypeRow>,
    search: String,
    total: String,
    writes: bool,
}

/// Webhooks that an event of a type goes to, filters aside.
fn subscribers(dashboard: &Dashboard, scope: Scope, name: &EventType) -> Vec<(WebhookId, String)> {
    let known = dashboard.engine.directory.current();
    let listeners = known.listeners_of(scope).iter().map(|listener| &listener.webhook);
    let listening = listeners.filter(|webhook| webhook.settings.events.matches(name));
    listening.map(|webhook| (webhook.id, webhook.settings.name.clone())).collect()
}

const fn says(mode: SchemaMode) -> &'static str {
    match mode {
        SchemaMode::Off => "documents",
        SchemaMode::Warn => "warns",
        SchemaMode::Reject => "rejects",
    }
}

async fn list(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<ReadEvents>,
    uri: Uri,
) -> Result<Response, Failure> {
    let visit = reader.visit;
    let search = Params::of(&uri).text("q").to_ascii_lowercase();
    let own = dashboard.engine.event_types(visit.scope).await?;
    let row = |name: &str, description: &str, built_in, schema| TypeRow {
        subscribers: EventType::parse(name).map_or(0, |name| subscribers(&dashboard, visit.scope, &name).len()),
        name: name.to_owned(),
        description: description.to_owned(),
        built_in,
        schema,
    };
    let mut rows: Vec<TypeRow> =
        built_in().iter().map(|one| row(&one.name, &one.description, true, says(SchemaMode::Off))).collect();
    rows.extend(own.iter().map(|own| {
        let schema = own.settings.schema.as_ref().map_or("", |_| says(own.settings.mode));
        row(own.name.as_str(), own.settings.description.as_deref().unwrap_or_default(), false, schema)
    }));
    rows.retain(|row| row.name.contains(&search) || row.description.to_ascii_lowercase().contains(&search));
    rows.sort_by(|one, other| one.built_in.cmp(&other.built_in).then_with(|| one.name.cmp(&other.name)));
    page::show(&ListPage {
        frame: dashboard.frame(&visit, "Event types", SECTION),
        total: grouped(i128::try_from(rows.len()).unwrap_or(0)),
        rows,
        search,
        writes: visit.may(Permission::WriteEvents),
    })
}

#[derive(Template)]
#[template(path = "event_type.html", config = "src/dashboard/askama.toml")]
struct TypePage {
    frame: Frame,
    name: String,
    description: String,
    built_in: bool,
    schema: Option<String>,
    schema_says: &'static str,
    changed: Option<Time>,
    subscribers: Vec<(WebhookId, String)>,
    /// What the form has.
    data: String,
    problems: Problems,
    writes: bool,
}

/// A built-in type or one of the tenant's.
enum Found {
    BuiltIn(&'static BuiltIn),
    Own(Arc<OwnType>),
}

impl Dashboard {
    async fn find_type(&self, scope: Scope, text: &str) -> Result<Found, Failure> {
        if let Some(one) = built_in_named(text) {
            return Ok(Found::BuiltIn(one));
        }
        Ok(Found::Own(self.engine.event_type(scope, &name_in_path(text)?).await?))
    }

    /// The page; with what was typed, where that could not be published.
    fn type_page(&self, visit: &Visit, found: &Found, typed: Option<(String, Problems)>) -> Result<Response, Failure> {
        let now = self.engine.clock().now();
        let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
        let (name, description, example, schema, mode, changed) = match found {
            Found::BuiltIn(one) => (
                one.name.as_str(),
                one.description.as_str(),
                pretty(&one.example),
                Some(pretty(&one.schema)),
                None,
                None,
            ),
            Found::Own(own) => {
                let settings = &own.settings;
                let example = settings.example.clone().map_or_else(|| "{}".to_owned(), |map| pretty(&map.into()));
                let description = settings.description.as_deref().unwrap_or_default();
                let changed = Time { at: own.updated_at, now };
                let schema = settings.schema.as_ref().map(pretty);
                (own.name.as_str(), description, example, schema, Some(settings.mode), Some(changed))
            }
        };
        let (data, problems) = typed.unwrap_or_else(|| (example, Problems::default()));
        let event_type = name_in_path(name)?;
        page::show(&TypePage {
            frame: self.frame(visit, name, SECTION),
            name: name.to_owned(),
            description: description.to_owned(),
            built_in: matches!(found, Found::BuiltIn(_)),
            schema,
            schema_says: match mode.unwrap_or_default() {
                SchemaMode::Off => "It documents, and judges nothing.",
                SchemaMode::Warn => "Data that does not fit is accepted, and its publisher is warned.",
                SchemaMode::Reject => "An event whose data does not fit is refused.",
            },
            changed,
            subscribers: subscribers(self, visit.scope, &event_type),
            data,
            problems,
            writes: visit.may(Permission::WriteEvents),
        })
    }

    /// The data of an event as somebody typed it.
    fn read_data(&self, scope: Scope, text: &str) -> Result<Bytes, Problems> {
        let most = self.engine.event_data_bytes_max(scope.tenant);
        if text.len() > most {
            return Err(Problems::of_one("data", format!("may have at most {most} bytes; it has {}", text.len())));
        }
        if nesting(text.as_bytes()) > DATA_DEPTH_MAX {
            return Err(Problems::of_one("data", format!("must be nested at most {DATA_DEPTH_MAX} levels deep")));
        }
        match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(_) => Ok(Bytes::copy_from_slice(text.trim().as_bytes())),
            Err(error) => Err(Problems::of_one("data", format!("must be a JSON object: {error}"))),
        }
    }
}

async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    Path(name): Path<String>,
    reader: Reader<ReadEvents>,
) -> Result<Response, Failure> {
    let found = dashboard.find_type(reader.visit.scope, &name).await?;
    dashboard.type_page(&reader.visit, &found, None)
}

/// A field of several lines comes with the line ends of a form.
pub(super) fn lines_of(fields: &Params, name: &str) -> String {
    fields.raw(name).unwrap_or_default().replace("\r\n", "\n")
}

async fn publish(
    State(dashboard): State<Arc<Dashboard>>,
    Path(name): Path<String>,
    actor: Actor<WriteEvents>,
) -> Result<Response, Failure> {
    let scope = actor.visit.scope;
    let found = dashboard.find_type(scope, &name).await?;
    let text = lines_of(&actor.fields, "data");
    let again = |problems: Problems| {
        let form = dashboard.type_page(&actor.visit, &found, Some((text.clone(), problems)))?;
        Ok((StatusCode::UNPROCESSABLE_ENTITY, form).into_response())
    };
    let data = match dashboard.read_data(scope, &text) {
        Ok(data) => data,
        Err(problems) => return again(problems),
    };
    let publish = Publish::new(name_in_path(&name)?, data);
    match dashboard.engine.accept(scope, publish, Target::Subscribers).await {
        Ok(accepted) => {
            let count = accepted.deliveries;
            let said = if accepted.warnings.is_empty() { "" } else { " Its data does not fit the schema." };
            let said = format!("The event is published, for {count} webhook(s).{said}");
            Ok(go_and_say(&format!("/ui/deliveries?event={}&range=all", accepted.event), &said))
        }
        Err(AcceptError::Misfit(problems)) => {
            again(Problems::new(problems.into_iter().map(|problem| problem.below("data")).collect()))
        }
        Err(error) => Err(refused(error)),
    }
}

fn refused(error: AcceptError) -> Failure {
    match error {
        AcceptError::Overloaded => Failure::Unavailable("too many events wait to be stored".to_owned()),
        AcceptError::UsedUp(used_up) => {
            let meter = &used_up.metered.count.meter;
            Failure::Refused(format!("The plan's limit on {meter} is used up. See Usage for when it begins anew."))
        }
        AcceptError::Store(error) => Failure::Unavailable(error.to_string()),
        AcceptError::KeyReused
        | AcceptError::RecordRefused
        | AcceptError::Misfit(_)
        | AcceptError::WebhookNotFound
        | AcceptError::Expunged(_) => Failure::internal("an event was refused for what it is not"),
    }
}

async fn ask_to_delete(
    State(dashboard): State<Arc<Dashboard>>,
    Path(name): Path<String>,
    reader: Reader<WriteEvents>,
) -> Result<Response, Failure> {
    let own = dashboard.engine.own_type_to_change(reader.visit.scope, &name_in_path(&name)?).await?;
    let listening = subscribers(&dashboard, reader.visit.scope, &own.name).len();
    page::show(&Confirm {
        frame: dashboard.frame(&reader.visit, "Delete an event type", SECTION),
        text: format!(
            "{name} loses its description, example and schema. Events of that name can be published as before, and the \
             {listening} webhook(s) that hear of them go on doing so."
        ),
        action: format!("{SECTION}/{name}/delete?version={}", own.revision),
        button: "Delete it",
        back: format!("{SECTION}/{name}"),
        typed: None,
        problem: None,
    })
}

async fn delete(
    State(dashboard): State<Arc<Dashboard>>,
    Path(name): Path<String>,
    uri: Uri,
    actor: Actor<WriteEvents>,
) -> Result<Response, Failure> {
    let name = name_in_path(&name)?;
    let version = Params::of(&uri).get("version").and_then(|version| version.parse().ok());
    let version = version.ok_or_else(|| Failure::bad("Open the event type anew, and delete it from there."))?;
    dashboard.engine.delete_event_type(actor.visit.scope, &name, version).await?;
    Ok(go_and_say(SECTION, &format!("{name} is deleted.")))
}
