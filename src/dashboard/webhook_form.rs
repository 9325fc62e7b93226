//! The form of a webhook's settings, for a new one and for changing one.
//!
//! It gives the same draft to the same rules as the API; every problem is shown beside its field, and what was typed
//! stays ([`super::webhook_fields`]).

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::Dashboard;
use super::access::{Actor, Reader, Visit, WriteWebhooks};
use super::layout::{Choice, Frame};
use super::page::{self, Failure};
use super::preferences::go_and_say;
use super::problems::Problems;
use super::webhook::id_in_path;
use super::webhook_fields::Texts;
use super::webhook_secret::SecretPage;
use super::webhooks::SECTION;
use crate::domain::field::FieldProblem;
use crate::domain::ordering::Ordering;
use crate::domain::pace::Window;
use crate::domain::profile::Profile;
use crate::domain::secret_draft;
use crate::domain::signature::Encoding;
use crate::domain::webhook_draft::DraftRules;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route("/ui/webhooks/new", get(ask_for_new).post(create))
        .route("/ui/webhooks/{id}/edit", get(ask_for_change).post(change))
}

#[derive(Template)]
#[template(path = "webhook_form.html", config = "src/dashboard/askama.toml")]
struct FormPage {
    frame: Frame,
    /// Where the form goes.
    action: String,
    is_new: bool,
    /// Where one goes who changes nothing.
    back: String,
    /// The version that is changed; another change meanwhile is not overwritten.
    version: i64,
    text: Texts,
    profiles: Vec<Choice>,
    schemes: Vec<Choice>,
    encodings: Vec<Choice>,
    policies: Vec<Choice>,
    windows: Vec<Choice>,
    orderings: Vec<Choice>,
    problems: Problems,
}

impl Dashboard {
    fn draft_rules(&self) -> DraftRules<'_> {
        let limits = self.engine.limits();
        DraftRules {
            egress: self.engine.egress(),
            timeout_default: self.options.webhook_timeout_default,
            timeout_max: limits.timeout_max,
            has_origin: !limits.origin.is_empty(),
        }
    }

    fn form(&self, visit: &Visit, of: Option<(&str, i64)>, text: Texts, problems: Vec<FieldProblem>) -> FormPage {
        let (title, action, back) = match of {
            None => ("New webhook", "/ui/webhooks/new".to_owned(), SECTION.to_owned()),
            Some((id, _)) => ("Change a webhook", format!("/ui/webhooks/{id}/edit"), format!("/ui/webhooks/{id}")),
        };
        let chosen = |word: &'static str, label: &str, of: &str| Choice::new(word, label, Some(of));
        let policies = [
            ("durable", "durable: 9 retries over 28 hours"),
            ("exponential", "exponential: 2, 4, 8 … seconds"),
            ("linear", "linear: 5, 10, 15 … seconds"),
            ("schedule", "schedule: the seconds before each retry"),
        ];
        let schemes = [
            ("v1", "v1: a shared secret"),
            ("v1a", "v1a: a key pair, whose public half checks"),
            ("v1 v1a", "v1 and v1a: each request is signed by both"),
        ];
        let window = |window: Window| {
            let label = match window {
                Window::Second => "a second",
                Window::Minute => "a minute",
                Window::Hour => "an hour",
            };
            chosen(window.as_str(), label, &text.window)
        };
        let orderings = [
            (Ordering::None, "none: each as soon as it may, several at a time"),
            (Ordering::Strict, "strict: one at a time, as they were accepted; one that fails holds back the rest"),
        ];
        FormPage {
            frame: self.frame(visit, title, SECTION),
            action,
            is_new: of.is_none(),
            back,
            version: of.map_or(0, |(_, version)| version),
            profiles: Profile::ALL.iter().map(|p| chosen(p.as_str(), p.as_str(), &text.profile)).collect(),
            schemes: schemes.map(|(words, label)| chosen(words, label, &text.schemes)).into(),
            encodings: Encoding::ALL.map(|e| chosen(e.as_str(), e.as_str(), &text.encoding)).into(),
            policies: policies.map(|(word, label)| chosen(word, label, &text.policy)).into(),
            windows: Window::ALL.map(window).into(),
            orderings: orderings.map(|(o, label)| chosen(o.as_str(), label, &text.ordering)).into(),
            problems: Problems::new(problems),
            text,
        }
    }
}

async fn ask_for_new(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<WriteWebhooks>,
) -> Result<Response, Failure> {
    page::show(&dashboard.form(&reader.visit, None, Texts::of_new(), Vec::new()))
}

async fn create(State(dashboard): State<Arc<Dashboard>>, actor: Actor<WriteWebhooks>) -> Result<Response, Failure> {
    let text = Texts::of_fields(&actor.fields);
    let (draft, mut problems) = text.draft();
    let profile = draft.profile();
    let settings = draft.check(dashboard.draft_rules(), None).map_err(|mut found| problems.append(&mut found)).ok();
    let secret = secret_draft::check_first(profile, settings.as_ref(), actor.fields.get("secret"), &mut problems);
    let Some(settings) = settings.filter(|_| problems.is_empty()) else {
        let form = page::show(&dashboard.form(&actor.visit, None, text, problems))?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, form).into_response());
    };
    let (webhook, secrets) = dashboard.engine.create_webhook(actor.visit.scope, settings, secret).await?;
    let frame = dashboard.frame(&actor.visit, "The webhook is registered", SECTION);
    page::show(&SecretPage::new(frame, &webhook, &secrets))
}

async fn ask_for_change(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    reader: Reader<WriteWebhooks>,
) -> Result<Response, Failure> {
    let webhook = dashboard.engine.webhook(reader.visit.scope, id_in_path(&id)?).await?;
    let text = Texts::of_settings(&webhook.settings);
    page::show(&dashboard.form(&reader.visit, Some((&id, webhook.revision)), text, Vec::new()))
}

async fn change(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<WriteWebhooks>,
) -> Result<Response, Failure> {
    let scope = actor.visit.scope;
    let webhook = dashboard.engine.webhook(scope, id_in_path(&id)?).await?;
    let text = Texts::of_fields(&actor.fields);
    let version = actor.fields.get("version").and_then(|version| version.parse().ok()).unwrap_or(webhook.revision);
    let (draft, mut problems) = text.draft();
    let checked = draft.check(dashboard.draft_rules(), Some(&webhook.settings));
    let settings = checked.map_err(|mut found| problems.append(&mut found)).ok().filter(|_| problems.is_empty());
    let Some(settings) = settings else {
        let form = page::show(&dashboard.form(&actor.visit, Some((&id, version)), text, problems))?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, form).into_response());
    };
    let (webhook, secrets) = dashboard.engine.update_webhook(scope, webhook.id, settings, Some(version)).await?;
    if !secrets.is_empty() {
        let frame = dashboard.frame(&actor.visit, "A new secret", SECTION);
        return page::show(&SecretPage::new(frame, &webhook, &secrets));
    }
    Ok(go_and_say(&format!("/ui/webhooks/{id}"), "The settings are saved."))
}
