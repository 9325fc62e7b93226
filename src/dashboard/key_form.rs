//! The form of an API key's settings, for a new one and for changing one. It gives the same draft to the same rules as
//! the API; every problem is shown beside its field, and what was typed stays.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::Dashboard;
use super::access::{Actor, Manages, Reader, Visit};
use super::delivery_filter;
use super::given;
use super::keys::{SECTION, ShownPage, texts_of};
use super::layout::Frame;
use super::page::{self, Failure};
use super::params::Params;
use super::preferences::go_and_say;
use super::problems::Problems;
use crate::domain::api_key::KeySettings;
use crate::domain::field::{FieldCode, FieldProblem, Given};
use crate::domain::key_draft::{KeyDraft, RATE_LIMIT_WINDOW, RateLimitDraft, RotationDraft};
use crate::domain::permission::{MANAGE_WEBHOOKS, Permission};
use crate::domain::time::Timestamp;
use crate::engine::keys::KeyError;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route("/ui/api-keys/new", get(ask_for_new).post(create))
        .route("/ui/api-keys/{id}/edit", get(ask_for_change).post(change))
}

/// The fields as they stand, as texts.
#[derive(Clone, Default)]
struct Texts {
    name: String,
    permissions: Vec<String>,
    expires: String,
    ip_list: String,
    rate: String,
    interval: String,
    notify: String,
    is_active: bool,
}

/// A permission to choose.
struct Word {
    text: &'static str,
    says: &'static str,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "key_form.html", config = "src/dashboard/askama.toml")]
struct FormPage {
    frame: Frame,
    action: String,
    back: String,
    is_new: bool,
    text: Texts,
    words: Vec<Word>,
    problems: Problems,
}

/// As a field for dates and times has it.
fn field_of(time: Timestamp) -> String {
    time.to_string().chars().take("2026-11-21T20:00:00".len()).collect()
}

impl Texts {
    fn of_settings(settings: &KeySettings) -> Self {
        let KeySettings { name, permissions, expires_at, ip_list, rate_limit, rotation, is_active } = settings;
        let rotation = rotation.filter(|policy| policy.enabled);
        Self {
            name: name.clone(),
            permissions: permissions.clone(),
            expires: expires_at.map(field_of).unwrap_or_default(),
            ip_list: texts_of(ip_list).join("\n"),
            rate: rate_limit.map(|limit| limit.to_string()).unwrap_or_default(),
            interval: rotation.map(|policy| policy.interval_days.to_string()).unwrap_or_default(),
            notify: rotation.map(|policy| policy.notify_days_before.to_string()).unwrap_or_default(),
            is_active: *is_active,
        }
    }

    fn of_fields(fields: &Params) -> Self {
        Self {
            name: fields.text("name"),
            permissions: fields.all("permission").map(str::to_owned).collect(),
            expires: fields.text("expires"),
            ip_list: fields.text("addresses"),
            rate: fields.text("rate"),
            interval: fields.text("interval"),
            notify: fields.text("notify"),
            is_active: fields.get("active").is_some(),
        }
    }

    /// The draft that the texts make, beside what stands. What is as it was is not judged again.
    fn draft(&self, current: Option<&KeySettings>, problems: &mut Vec<FieldProblem>) -> KeyDraft {
        let before = current.map(Self::of_settings).unwrap_or_default();
        let expires_at = match delivery_filter::time(&self.expires) {
            _ if current.is_some() && self.expires == before.expires => Given::Absent,
            _ if self.expires.is_empty() => Given::Null,
            Some(time) => Given::Value(time.to_string()),
            None => Given::Value(self.expires.clone()),
        };
        let addresses = self.ip_list.split(['\n', ',']).map(str::trim).filter(|entry| !entry.is_empty());
        let rate = given::number(&self.rate, "rateLimit", problems);
        let interval = given::number(&self.interval, "rotationPolicy", problems);
        let notify = given::number(&self.notify, "rotationPolicy", problems);
        let rotation = |interval_days| RotationDraft {
            enabled: Some(true),
            interval_days: Some(interval_days),
            notify_days_before: notify,
        };
        let has_rotation_changed = self.interval != before.interval || self.notify != before.notify;
        KeyDraft {
            name: Given::Value(self.name.clone()),
            permissions: Given::Value(self.permissions.clone()),
            expires_at,
            ip_whitelist: Given::Value(addresses.map(str::to_owned).collect()),
            rate_limit: rate.map_or(Given::Null, |requests| {
                Given::Value(RateLimitDraft { requests: Some(requests), window: Some(RATE_LIMIT_WINDOW.to_owned()) })
            }),
            rotation_policy: match interval {
                _ if !has_rotation_changed => Given::Absent,
                None => Given::Null,
                Some(interval) => Given::Value(rotation(interval)),
            },
            is_active: if current.is_some() { Given::Value(self.is_active) } else { Given::Absent },
        }
    }

    fn settings(&self, now: Timestamp, current: Option<&KeySettings>) -> Result<KeySettings, Vec<FieldProblem>> {
        let mut problems = Vec::new();
        let draft = self.draft(current, &mut problems);
        match draft.check(now, current) {
            Ok(settings) if problems.is_empty() => Ok(settings),
            Ok(_) => Err(problems),
            Err(mut found) => {
                problems.append(&mut found);
                Err(problems)
            }
        }
    }
}

fn words(chosen: &[String]) -> Vec<Word> {
    let word = |text, says| Word { text, says, is_chosen: chosen.iter().any(|other| other == text) };
    let says = |permission: Permission| if permission.is_reading() { "look" } else { "change" };
    let mut words = vec![word(MANAGE_WEBHOOKS, "all four of webhooks and deliveries")];
    words.extend(Permission::ALL.into_iter().map(|permission| word(permission.as_str(), says(permission))));
    words
}

/// Why a form is shown again.
enum Refused {
    Fields(Vec<FieldProblem>),
    Key(KeyError),
}

impl From<KeyError> for Refused {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::NameTaken => {
                let message = "is the name of another API key of this environment";
                Self::Fields(vec![FieldProblem::new("name", FieldCode::Mismatch, message)])
            }
            KeyError::NotFound | KeyError::TooMany | KeyError::State(_) | KeyError::Changed | KeyError::Store(_) => {
                Self::Key(error)
            }
        }
    }
}

impl Dashboard {
    fn key_form(&self, visit: &Visit, id: Option<&str>, text: Texts, problems: Problems) -> FormPage {
        let (title, action, back) = match id {
            None => ("New API key", "/ui/api-keys/new".to_owned(), SECTION.to_owned()),
            Some(id) => ("Change an API key", format!("{SECTION}/{id}/edit"), format!("{SECTION}/{id}")),
        };
        let frame = self.frame(visit, title, SECTION);
        FormPage { frame, action, back, is_new: id.is_none(), words: words(&text.permissions), text, problems }
    }

    fn key_form_again(
        &self,
        visit: &Visit,
        id: Option<&str>,
        text: Texts,
        refused: Refused,
    ) -> Result<Response, Failure> {
        let problems = match refused {
            Refused::Fields(problems) => Problems::new(problems),
            Refused::Key(error) => return Err(error.into()),
        };
        let form = page::show(&self.key_form(visit, id, text, problems))?;
        Ok((StatusCode::UNPROCESSABLE_ENTITY, form).into_response())
    }
}

async fn ask_for_new(State(dashboard): State<Arc<Dashboard>>, reader: Reader<Manages>) -> Result<Response, Failure> {
    let text = Texts { permissions: vec![Permission::WriteEvents.to_string()], ..Texts::default() };
    page::show(&dashboard.key_form(&reader.visit, None, text, Problems::default()))
}

async fn create(State(dashboard): State<Arc<Dashboard>>, actor: Actor<Manages>) -> Result<Response, Failure> {
    let text = Texts::of_fields(&actor.fields);
    let made = match text.settings(dashboard.engine.clock().now(), None) {
        Err(problems) => Err(Refused::Fields(problems)),
        Ok(settings) => dashboard.engine.create_named_key(actor.visit.scope, settings).await.map_err(Refused::from),
    };
    match made {
        Err(refused) => dashboard.key_form_again(&actor.visit, None, text, refused),
        Ok((key, shown)) => {
            let frame = dashboard.frame(&actor.visit, "The API key is made", SECTION);
            page::show(&ShownPage::new(frame, key, &shown, None))
        }
    }
}

async fn ask_for_change(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    reader: Reader<Manages>,
) -> Result<Response, Failure> {
    let key = dashboard.key_of(&reader.visit, &id).await?;
    let text = Texts::of_settings(&key.settings);
    page::show(&dashboard.key_form(&reader.visit, Some(&id), text, Problems::default()))
}

async fn change(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<Manages>,
) -> Result<Response, Failure> {
    let key = dashboard.key_of(&actor.visit, &id).await?;
    let (text, now) = (Texts::of_fields(&actor.fields), dashboard.engine.clock().now());
    let edit = |current: &KeySettings| text.settings(now, Some(current)).map_err(Refused::Fields);
    match dashboard.engine.update_key(actor.visit.scope.tenant, key.id, edit).await {
        Err(refused) => dashboard.key_form_again(&actor.visit, Some(&id), text, refused),
        Ok(_) => Ok(go_and_say(&format!("{SECTION}/{id}"), "The settings are saved.")),
    }
}
