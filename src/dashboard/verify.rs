//! The signature doctor: somebody pastes a request that their receiver refused, and learns why.
//!
//! With a webhook chosen nothing secret is pasted, because the server knows its secrets. A secret that is pasted is
//! used once and shown nowhere.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::Dashboard;
use super::access::{Actor, ReadWebhooks, Reader, Visit};
use super::event_types::lines_of;
use super::layout::{Choice, Frame};
use super::page::{self, Failure};
use super::params::Params;
use super::snippets::{Snippet, snippets};
use super::words::Time;
use crate::domain::id::WebhookId;
use crate::domain::pasted::{self, of_curl, of_wire, parse_headers};
use crate::domain::profile::{Profile, SignatureOption};
use crate::domain::signature::{Finding, TOLERANCE, VerifyingKey};
use crate::domain::tenant::Scope;
use crate::domain::webhook::Webhook;
use crate::engine::doctor::{EXAMINED_BYTES_MAX, Examined, Request};

/// The screen's address.
pub(super) const SECTION: &str = "/ui/verify";
/// Webhooks to choose from.
const WEBHOOKS_MAX: u32 = 500;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new().route(SECTION, get(ask).post(examine))
}

/// What is to be said of a request.
pub(super) struct Verdict {
    pub(super) verified: bool,
    pub(super) header: String,
    pub(super) bytes: usize,
    pub(super) reasons: Vec<String>,
    pub(super) older_until: Option<Time>,
}

/// The form, with what came of it.
pub(super) struct Doctor {
    /// Where the form goes.
    pub(super) action: &'static str,
    pub(super) webhooks: Vec<Choice>,
    pub(super) profiles: Vec<Choice>,
    pub(super) request: String,
    pub(super) body: String,
    pub(super) is_base64: bool,
    pub(super) any_age: bool,
    /// Whether a secret can be pasted, instead of choosing a webhook.
    pub(super) takes_secrets: bool,
    pub(super) problem: Option<String>,
    pub(super) verdict: Option<Verdict>,
    /// What the snippets are for.
    pub(super) snippets_of: String,
    pub(super) snippets: Vec<Snippet>,
}

#[derive(Template)]
#[template(path = "verify.html", config = "src/dashboard/askama.toml")]
struct VerifyPage {
    frame: Frame,
    doctor: Doctor,
}

/// The form as it stands.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) webhook: Option<WebhookId>,
    profile: Profile,
    request: String,
    body: String,
    is_base64: bool,
    any_age: bool,
}

impl Typed {
    /// An empty form, with what its address chooses.
    pub(super) fn chosen(params: &Params) -> Self {
        Self { request: String::new(), body: String::new(), ..Self::of(params) }
    }

    pub(super) fn of(fields: &Params) -> Self {
        Self {
            webhook: fields.get("webhook").and_then(|id| id.parse().ok()),
            profile: fields.get("profile").and_then(Profile::parse).unwrap_or_default(),
            request: lines_of(fields, "request"),
            body: lines_of(fields, "body"),
            is_base64: fields.get("base64").is_some(),
            any_age: fields.get("age").is_some(),
        }
    }

    /// The requests that may be meant: a form does not say what the ends of lines were.
    pub(super) fn requests(&self) -> Result<Vec<Request>, String> {
        let pasted::Request { headers, body } = self.pasted()?;
        if body.len() > EXAMINED_BYTES_MAX {
            return Err(format!("The body may have at most {EXAMINED_BYTES_MAX} bytes."));
        }
        if headers.is_empty() {
            return Err("There are no headers in it: paste them as they came, one on each line.".to_owned());
        }
        let tolerance = if self.any_age { std::time::Duration::MAX } else { TOLERANCE };
        let request = |body: Vec<u8>| Request { headers: headers.clone(), body: Bytes::from(body), tolerance };
        let other = std::str::from_utf8(&body).ok().filter(|text| !self.is_base64 && text.contains('\n'));
        let other = other.map(|text| text.replace('\n', "\r\n").into_bytes());
        Ok([Some(body), other].into_iter().flatten().map(request).collect())
    }

    fn pasted(&self) -> Result<pasted::Request, String> {
        if self.is_base64 {
            let text: String = self.body.split_whitespace().collect();
            let body = STANDARD.decode(text).map_err(|_| "The body is not base64 with padding.")?;
            return Ok(pasted::Request { headers: parse_headers(&self.request), body });
        }
        if !self.body.is_empty() {
            let body = self.body.clone().into_bytes();
            return Ok(pasted::Request { headers: parse_headers(&self.request), body });
        }
        let text = self.request.trim_start();
        if text.starts_with("curl") {
            return of_curl(text).map_err(|problem| format!("The curl command cannot be read: {problem}."));
        }
        Ok(of_wire(text.as_bytes()))
    }
}

impl Doctor {
    pub(super) fn new(
        action: &'static str,
        webhooks: &[Webhook],
        typed: Typed,
        found: Result<Option<Verdict>, String>,
    ) -> Self {
        let chosen = typed.webhook.map(|id| id.to_string());
        let choice =
            |webhook: &Webhook| Choice::new(webhook.id.to_string(), webhook.settings.name.clone(), chosen.as_deref());
        let of = webhooks.iter().find(|webhook| Some(webhook.id) == typed.webhook).map(|webhook| &webhook.settings);
        let (snippets_of, snippets) = if let Some(settings) = of {
            (settings.name.clone(), snippets(settings.profile, &settings.signature))
        } else {
            let option = SignatureOption::default_of(typed.profile);
            (format!("the profile {}", typed.profile.as_str()), snippets(typed.profile, &option))
        };
        let profile = |profile: &Profile| Choice::new(profile.as_str(), profile.as_str(), Some(typed.profile.as_str()));
        let (verdict, problem) = found.map_or_else(|problem| (None, Some(problem)), |verdict| (verdict, None));
        Self {
            action,
            webhooks: webhooks.iter().map(choice).collect(),
            profiles: Profile::ALL.iter().map(profile).collect(),
            request: typed.request,
            body: typed.body,
            is_base64: typed.is_base64,
            any_age: typed.any_age,
            takes_secrets: true,
            problem,
            verdict,
            snippets_of,
            snippets,
        }
    }

    /// For somebody who has nothing but the webhooks to choose from.
    pub(super) fn alone(self) -> Self {
        Self { takes_secrets: false, ..self }
    }
}

impl Dashboard {
    async fn verify_page(
        &self,
        visit: &Visit,
        typed: Typed,
        found: Result<Option<Verdict>, String>,
    ) -> Result<Response, Failure> {
        let (webhooks, _) = self.engine.store().webhooks_page(visit.scope, None, WEBHOOKS_MAX, 0).await?;
        let frame = self.frame(visit, "Verify a signature", SECTION);
        page::show(&VerifyPage { frame, doctor: Doctor::new(SECTION, &webhooks, typed, found) })
    }

    fn verdict(&self, examined: Examined, bytes: usize) -> Verdict {
        let Examined { header, findings, older_until } = examined;
        let now = self.engine.clock().now();
        Verdict {
            verified: findings.is_empty(),
            header,
            bytes,
            reasons: findings.iter().map(ToString::to_string).collect(),
            older_until: older_until.map(|at| Time { at, now }),
        }
    }

    /// The first of the requests that verifies by a webhook's secrets; else what is wrong with the first. Of other
    /// webhooks only those of `known` are named.
    pub(super) async fn examine_all(
        &self,
        scope: Scope,
        webhook: WebhookId,
        requests: Vec<Request>,
        known: Option<&[WebhookId]>,
    ) -> Result<Option<Verdict>, Failure> {
        let is_known = |webhook: &WebhookId| known.is_none_or(|known| known.contains(webhook));
        let mut first = None;
        for request in requests {
            let bytes = request.body.len();
            let mut examined = self.engine.examine(scope, webhook, request).await?;
            for finding in &mut examined.findings {
                if matches!(&*finding, Finding::OtherWebhook { webhook } if !is_known(webhook)) {
                    *finding = Finding::NoMatch;
                }
            }
            let verdict = self.verdict(examined, bytes);
            if verdict.verified {
                return Ok(Some(verdict));
            }
            first.get_or_insert(verdict);
        }
        Ok(first)
    }

    /// The same by a secret that was pasted.
    async fn examine_by(&self, profile: Profile, key: &VerifyingKey, requests: Vec<Request>) -> Option<Verdict> {
        let mut first = None;
        for request in requests {
            let bytes = request.body.len();
            let examined = self.engine.examine_by(profile, key.clone(), request).await;
            let verdict = self.verdict(examined, bytes);
            if verdict.verified {
                return Some(verdict);
            }
            first.get_or_insert(verdict);
        }
        first
    }
}

async fn ask(
    State(dashboard): State<Arc<Dashboard>>,
    reader: Reader<ReadWebhooks>,
    uri: Uri,
) -> Result<Response, Failure> {
    dashboard.verify_page(&reader.visit, Typed::chosen(&Params::of(&uri)), Ok(None)).await
}

async fn examine(State(dashboard): State<Arc<Dashboard>>, actor: Actor<ReadWebhooks>) -> Result<Response, Failure> {
    let typed = Typed::of(&actor.fields);
    let secret = actor.fields.get("secret").filter(|_| typed.webhook.is_none());
    let key = secret.map(|text| VerifyingKey::parse(typed.profile, text)).transpose();
    let found = match (typed.webhook, key, typed.requests()) {
        (_, Err(error), _) => Err(format!("The secret {error}.")),
        (None, Ok(None), _) => Err("Choose a webhook, or paste its secret.".to_owned()),
        (_, Ok(_), Err(problem)) => Err(problem),
        (Some(webhook), Ok(_), Ok(requests)) => {
            Ok(dashboard.examine_all(actor.visit.scope, webhook, requests, None).await?)
        }
        (None, Ok(Some(key)), Ok(requests)) => Ok(dashboard.examine_by(typed.profile, &key, requests).await),
    };
    dashboard.verify_page(&actor.visit, typed, found).await
}
