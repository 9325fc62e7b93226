//! The form of a webhook's settings, for a new one and for changing one.
//!
//! It gives the same draft to the same rules as the API ([`WebhookDraft::check`]); every problem is shown beside its
//! field, and what was typed stays.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::Dashboard;
use super::access::{Actor, Reader, Visit, WriteWebhooks};
use super::layout::{Choice, Frame};
use super::page::{self, Failure};
use super::params::Params;
use super::preferences::go_and_say;
use super::webhook::id_in_path;
use super::webhook_secret::SecretPage;
use super::webhooks::SECTION;
use crate::domain::field::{FieldCode, FieldProblem, Given, Segment};
use crate::domain::profile::Profile;
use crate::domain::retry::{BackoffStrategy, RetryPolicy};
use crate::domain::secret_draft;
use crate::domain::webhook::WebhookSettings;
use crate::domain::webhook_draft::{DraftRules, HEADER_MASK, WebhookDraft, holds_credential};

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
    policies: Vec<Choice>,
    problems: Problems,
}

/// The fields as they stand, as texts.
#[derive(Default)]
struct Texts {
    name: String,
    url: String,
    description: String,
    events: String,
    channels: String,
    filter: String,
    headers: String,
    profile: String,
    policy: String,
    schedule: String,
    retries: String,
    timeout_s: String,
    handshake: bool,
}

/// What is wrong, by field.
#[derive(Default)]
struct Problems(Vec<FieldProblem>);

impl Problems {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field, in one line; empty when nothing is.
    fn of(&self, field: &str) -> String {
        let of_field =
            |problem: &&FieldProblem| matches!(problem.path.first(), Some(Segment::Name(name)) if name == field);
        self.0.iter().filter(of_field).map(FieldProblem::sentence).collect::<Vec<_>>().join("; ")
    }
}

impl Texts {
    fn of_settings(settings: &WebhookSettings) -> Self {
        let header = |(name, value): (&String, &String)| {
            format!("{name}: {}", if holds_credential(name) { HEADER_MASK } else { value })
        };
        let is_durable = settings.retry_policy == RetryPolicy::default();
        let (policy, schedule, retries) = match &settings.retry_policy {
            RetryPolicy::Schedule(_) if is_durable => ("durable", String::new(), String::new()),
            RetryPolicy::Schedule(seconds) => {
                let seconds: Vec<_> = seconds.iter().map(ToString::to_string).collect();
                ("schedule", seconds.join(", "), String::new())
            }
            RetryPolicy::Backoff { max_retries, strategy: BackoffStrategy::Exponential } => {
                ("exponential", String::new(), max_retries.to_string())
            }
            RetryPolicy::Backoff { max_retries, strategy: BackoffStrategy::Linear } => {
                ("linear", String::new(), max_retries.to_string())
            }
        };
        let json = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
        let channels = serde_json::to_value(&settings.channels).unwrap_or_default();
        let channels = channels.as_array().map(Vec::as_slice).unwrap_or_default();
        Self {
            name: settings.name.clone(),
            url: settings.url.clone(),
            description: settings.description.clone().unwrap_or_default(),
            events: settings.events.patterns().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            channels: channels.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            filter: settings
                .filter
                .as_ref()
                .and_then(|filter| serde_json::to_value(filter).ok())
                .map(|v| json(&v))
                .unwrap_or_default(),
            headers: settings.headers.iter().map(header).collect::<Vec<_>>().join("\n"),
            profile: settings.profile.as_str().to_owned(),
            policy: policy.to_owned(),
            schedule,
            retries,
            timeout_s: settings.timeout.as_secs().to_string(),
            handshake: settings.handshake,
        }
    }

    fn of_fields(fields: &Params) -> Self {
        Self {
            name: fields.text("name"),
            url: fields.text("url"),
            description: fields.text("description"),
            events: fields.text("events"),
            channels: fields.text("channels"),
            filter: fields.text("filter"),
            headers: fields.text("headers"),
            profile: fields.text("profile"),
            policy: fields.text("policy"),
            schedule: fields.text("schedule"),
            retries: fields.text("retries"),
            timeout_s: fields.text("timeout"),
            handshake: fields.get("handshake").is_some(),
        }
    }

    /// The draft that the texts make, and what in them makes none. What the form does not have stays as it is.
    fn draft(&self) -> (WebhookDraft, Vec<FieldProblem>) {
        let mut problems = Vec::new();
        let words = |text: &str| -> Vec<String> {
            text.split(['\n', ',']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let draft = WebhookDraft {
            name: Given::Value(self.name.clone()),
            url: Given::Value(self.url.clone()),
            events: Given::Value(words(&self.events)),
            channels: Given::Value(words(&self.channels)),
            filter: self.filter_value(&mut problems),
            headers: Given::Value(self.header_map(&mut problems)),
            retry_policy: self.policy_value(),
            timeout_ms: self.timeout_value(&mut problems),
            profile: Given::Value(self.profile.clone()),
            handshake: Given::Value(self.handshake),
            description: none_or(self.description.clone()),
            ..WebhookDraft::default()
        };
        (draft, problems)
    }

    fn filter_value(&self, problems: &mut Vec<FieldProblem>) -> Given<Value> {
        if self.filter.is_empty() {
            return Given::Null;
        }
        match serde_json::from_str(&self.filter) {
            Ok(value) => Given::Value(value),
            Err(error) => {
                let message = format!("must be JSON: {error}");
                problems.push(FieldProblem::new("filter", FieldCode::Invalid, message));
                Given::Absent
            }
        }
    }

    fn header_map(&self, problems: &mut Vec<FieldProblem>) -> BTreeMap<String, String> {
        let mut headers = BTreeMap::new();
        for line in self.headers.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if let Some((name, value)) = line.split_once(':') {
                headers.insert(name.trim().to_owned(), value.trim().to_owned());
            } else {
                let message = "must be a name, a colon and a value on each line";
                problems.push(FieldProblem::new("headers", FieldCode::Invalid, message));
            }
        }
        headers
    }

    /// What is no number is passed on as the text that it is: the rules say what is wrong with it.
    fn policy_value(&self) -> Given<Value> {
        let number = |text: &str| text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from);
        match self.policy.as_str() {
            "schedule" => {
                let seconds = self.schedule.split(',').map(str::trim).filter(|text| !text.is_empty());
                Given::Value(json!({ "schedule": seconds.map(number).collect::<Vec<_>>() }))
            }
            strategy @ ("exponential" | "linear") => {
                Given::Value(json!({ "maxRetries": number(&self.retries), "backoffStrategy": strategy }))
            }
            _ => Given::Null,
        }
    }

    fn timeout_value(&self, problems: &mut Vec<FieldProblem>) -> Given<u64> {
        if self.timeout_s.is_empty() {
            return Given::Null;
        }
        if let Ok(seconds) = self.timeout_s.parse::<u64>() {
            return Given::Value(seconds.saturating_mul(1_000));
        }
        problems.push(FieldProblem::new("timeoutMs", FieldCode::Invalid, "must be a number of seconds"));
        Given::Absent
    }
}

fn none_or(text: String) -> Given<String> {
    if text.is_empty() { Given::Null } else { Given::Value(text) }
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
        FormPage {
            frame: self.frame(visit, title, SECTION),
            action,
            is_new: of.is_none(),
            back,
            version: of.map_or(0, |(_, version)| version),
            profiles: Profile::ALL.iter().map(|p| chosen(p.as_str(), p.as_str(), &text.profile)).collect(),
            policies: policies.map(|(word, label)| chosen(word, label, &text.policy)).into(),
            problems: Problems(problems),
            text,
        }
    }
}

async fn ask_for_new(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<WriteWebhooks>,
) -> Result<Response, Failure> {
    let text = Texts {
        events: "*".to_owned(),
        profile: Profile::Default.as_str().to_owned(),
        policy: "durable".to_owned(),
        ..Texts::default()
    };
    page::show(&dashboard.form(&reader.visit, None, text, Vec::new()))
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
