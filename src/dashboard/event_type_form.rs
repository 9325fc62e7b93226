//! The form of a tenant's own event type, for a new one and for changing one. It gives the same draft to the same rules
//! as the API; every problem is shown beside its field, and what was typed stays.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::Dashboard;
use super::access::{Actor, Reader, Visit, WriteEvents};
use super::event_types::{SECTION, lines_of, name_in_path};
use super::given;
use super::layout::{Choice, Frame};
use super::page::{self, Failure};
use super::params::Params;
use super::preferences::go_and_say;
use super::problems::Problems;
use crate::domain::catalogue::{SchemaMode, TypeDraft, TypeSettings};
use crate::domain::event::EventType;
use crate::domain::field::{FieldCode, FieldProblem, Given};
use crate::engine::event_types::TypeError;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route("/ui/event-types/new", get(ask_for_new).post(create))
        .route("/ui/event-types/{name}/edit", get(ask_for_change).post(change))
}

/// The fields as they stand, as texts.
#[derive(Default)]
struct Texts {
    name: String,
    description: String,
    example: String,
    schema: String,
    mode: String,
}

#[derive(Template)]
#[template(path = "event_type_form.html", config = "src/dashboard/askama.toml")]
struct FormPage {
    frame: Frame,
    action: String,
    back: String,
    is_new: bool,
    /// The version that is changed; another change meanwhile is not overwritten.
    version: i64,
    text: Texts,
    modes: Vec<Choice>,
    problems: Problems,
}

impl Texts {
    fn of_settings(name: &EventType, settings: &TypeSettings) -> Self {
        let TypeSettings { description, example, schema, mode } = settings;
        let pretty = |value: serde_json::Result<String>| value.unwrap_or_default();
        Self {
            name: name.to_string(),
            description: description.clone().unwrap_or_default(),
            example: example.as_ref().map(|value| pretty(serde_json::to_string_pretty(value))).unwrap_or_default(),
            schema: schema.as_ref().map(|value| pretty(serde_json::to_string_pretty(value))).unwrap_or_default(),
            mode: mode.as_str().to_owned(),
        }
    }

    fn of_fields(fields: &Params) -> Self {
        Self {
            name: fields.text("name"),
            description: lines_of(fields, "description").trim().to_owned(),
            example: lines_of(fields, "example").trim().to_owned(),
            schema: lines_of(fields, "schema").trim().to_owned(),
            mode: fields.text("mode"),
        }
    }

    fn settings(&self, current: Option<&TypeSettings>) -> Result<TypeSettings, Vec<FieldProblem>> {
        let mut problems = Vec::new();
        let schema = given::json(&self.schema, "schema", "JSON", &mut problems);
        let is_same = matches!((&schema, current), (Given::Value(given), Some(current)) if current.schema.as_ref() == Some(given));
        let draft = TypeDraft {
            description: given::text(&self.description),
            example: given::json(&self.example, "example", "a JSON object", &mut problems),
            // What was saved is not judged again.
            schema: if is_same { Given::Absent } else { schema },
            mode: Given::Value(self.mode.clone()),
        };
        match draft.check(current) {
            Ok(settings) if problems.is_empty() => Ok(settings),
            Ok(_) => Err(problems),
            Err(mut found) => {
                problems.append(&mut found);
                Err(problems)
            }
        }
    }
}

impl Dashboard {
    fn type_form(&self, visit: &Visit, of: Option<(&EventType, i64)>, text: Texts, problems: Problems) -> FormPage {
        let (title, action, back) = match of {
            None => ("New event type", "/ui/event-types/new".to_owned(), SECTION.to_owned()),
            Some((name, _)) => ("Change an event type", format!("{SECTION}/{name}/edit"), format!("{SECTION}/{name}")),
        };
        let says = |mode: SchemaMode| match mode {
            SchemaMode::Off => "off: it documents",
            SchemaMode::Warn => "warn: accept what does not fit, and tell its publisher",
            SchemaMode::Reject => "reject: refuse what does not fit",
        };
        FormPage {
            frame: self.frame(visit, title, SECTION),
            action,
            back,
            is_new: of.is_none(),
            version: of.map_or(0, |(_, version)| version),
            modes: SchemaMode::ALL.map(|mode| Choice::new(mode.as_str(), says(mode), Some(&text.mode))).into(),
            text,
            problems,
        }
    }

    fn type_form_again(
        &self,
        visit: &Visit,
        of: Option<(&EventType, i64)>,
        text: Texts,
        problems: Vec<FieldProblem>,
    ) -> Result<Response, Failure> {
        let form = page::show(&self.type_form(visit, of, text, Problems::new(problems)))?;
        Ok((StatusCode::UNPROCESSABLE_ENTITY, form).into_response())
    }
}

async fn ask_for_new(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<WriteEvents>,
) -> Result<Response, Failure> {
    let text = Texts { mode: SchemaMode::default().as_str().to_owned(), ..Texts::default() };
    page::show(&dashboard.type_form(&reader.visit, None, text, Problems::default()))
}

async fn create(State(dashboard): State<Arc<Dashboard>>, actor: Actor<WriteEvents>) -> Result<Response, Failure> {
    let text = Texts::of_fields(&actor.fields);
    let wrong = |message: String| FieldProblem::new("name", FieldCode::Invalid, message);
    let name = EventType::parse(&text.name).map_err(|error| wrong(error.to_string()));
    let (name, settings) = match (name, text.settings(None)) {
        (Ok(name), Ok(settings)) => (name, settings),
        (name, settings) => {
            let problems = name.err().into_iter().chain(settings.err().unwrap_or_default()).collect();
            return dashboard.type_form_again(&actor.visit, None, text, problems);
        }
    };
    match dashboard.engine.create_event_type(actor.visit.scope, name, settings).await {
        Ok(own) => Ok(go_and_say(&format!("{SECTION}/{}", own.name), "The event type is made.")),
        Err(TypeError::Exists | TypeError::BuiltIn) => {
            let problems = vec![wrong("is that of another event type".to_owned())];
            dashboard.type_form_again(&actor.visit, None, text, problems)
        }
        Err(error) => Err(error.into()),
    }
}

async fn ask_for_change(
    State(dashboard): State<Arc<Dashboard>>,
    Path(name): Path<String>,
    reader: Reader<WriteEvents>,
) -> Result<Response, Failure> {
    let own = dashboard.engine.own_type_to_change(reader.visit.scope, &name_in_path(&name)?).await?;
    let text = Texts::of_settings(&own.name, &own.settings);
    page::show(&dashboard.type_form(&reader.visit, Some((&own.name, own.revision)), text, Problems::default()))
}

async fn change(
    State(dashboard): State<Arc<Dashboard>>,
    Path(name): Path<String>,
    actor: Actor<WriteEvents>,
) -> Result<Response, Failure> {
    let scope = actor.visit.scope;
    let own = dashboard.engine.own_type_to_change(scope, &name_in_path(&name)?).await?;
    let version = actor.fields.get("version").and_then(|version| version.parse().ok()).unwrap_or(own.revision);
    let mut text = Texts::of_fields(&actor.fields);
    text.name = own.name.to_string();
    match text.settings(Some(&own.settings)) {
        Err(problems) => dashboard.type_form_again(&actor.visit, Some((&own.name, version)), text, problems),
        Ok(settings) => {
            dashboard.engine.update_event_type(scope, &own.name, settings, version).await?;
            Ok(go_and_say(&format!("{SECTION}/{}", own.name), "The event type is saved."))
        }
    }
}
