//! One webhook: how it fares, its settings, its secrets, and what is done with it.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::{get, post};

use super::Dashboard;
use super::access::{Actor, ReadWebhooks, Reader, Visit, WriteWebhooks};
use super::charts::Chart;
use super::deliveries::LiveRows;
use super::delivery_row::DeliveryRow;
use super::layout::Frame;
use super::live::STREAM;
use super::page::{self, Failure};
use super::params::Params;
use super::preferences::{go_and_say, page_of_ours};
use super::stats_view::{RangeLink, by_outcome, latency_over_time, over_time, range_links, success_rate, within};
use super::webhook_health::Health;
use super::webhooks::SECTION;
use super::words::{Badge, Time, counted, grouped, span};
use crate::domain::delivery_stats::StatsRange;
use crate::domain::id::WebhookId;
use crate::domain::ordering::Ordering;
use crate::domain::pace::Rate;
use crate::domain::profile::{BodySignature, SignatureOption};
use crate::domain::retry::RetryPolicy;
use crate::domain::secret::SecretKind;
use crate::domain::time::Timestamp;
use crate::domain::webhook::Webhook;
use crate::domain::webhook_draft::{HEADER_MASK, holds_credential};
use crate::engine::accept::AcceptError;
use crate::engine::stats::StatsOf;
use crate::engine::webhooks::WebhookError;
use crate::store::deliveries::DeliveryFilter;
use crate::store::webhooks::SealedSecret;

/// Deliveries that the page shows; the rest is in the list.
const RECENT: u32 = 10;

pub(super) fn routes() -> Router<Arc<Dashboard>> {
    Router::new()
        .route("/ui/webhooks/{id}", get(show))
        .route("/ui/webhooks/{id}/pause", post(pause))
        .route("/ui/webhooks/{id}/resume", post(resume))
        .route("/ui/webhooks/{id}/test", post(test))
        .route("/ui/webhooks/{id}/delete", get(ask_to_delete).post(delete))
}

impl From<WebhookError> for Failure {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NotFound => Self::NotFound("webhook"),
            WebhookError::Changed => Self::Refused("Others keep changing the webhook; try again.".to_owned()),
            WebhookError::TooMany { max } => {
                Self::Refused(format!("There are {max} webhooks, which is as many as the plan allows."))
            }
            WebhookError::Store(error) => error.into(),
        }
    }
}

/// The id in a path. One that is malformed is of nothing that exists.
pub(super) fn id_in_path(text: &str) -> Result<WebhookId, Failure> {
    text.parse().map_err(|_| Failure::NotFound("webhook"))
}

#[derive(Template)]
#[template(path = "webhook.html", config = "src/dashboard/askama.toml")]
struct WebhookPage {
    frame: Frame,
    id: WebhookId,
    badge: Badge,
    health: Health,
    settings: SettingsView,
    secrets: Vec<SecretView>,
    overlaps: bool,
    ranges: Vec<RangeLink>,
    success: String,
    p95: String,
    charts: Vec<Chart>,
    rows: Vec<DeliveryRow>,
    live: LiveRows,
    is_active: bool,
    acts: bool,
}

/// What a person set, for reading.
pub(super) struct SettingsView {
    name: String,
    url: String,
    description: String,
    patterns: Vec<String>,
    channels: String,
    filter: Option<String>,
    headers: Vec<(String, String)>,
    retries: String,
    timeout: String,
    rate: Option<String>,
    is_ordered: bool,
    profile: &'static str,
    signature: Option<String>,
    handshake: bool,
    metadata: Option<String>,
    created: Time,
    updated: Time,
}

/// A secret that signs, without what it is.
struct SecretView {
    kind: &'static str,
    created: Time,
    ends: Option<Time>,
}

impl SettingsView {
    fn of(webhook: &Webhook, now: Timestamp) -> Self {
        let settings = &webhook.settings;
        let masked = |(name, value): (&String, &String)| {
            let value = if holds_credential(name) { HEADER_MASK } else { value };
            (name.clone(), value.to_owned())
        };
        Self {
            name: settings.name.clone(),
            url: settings.url.clone(),
            description: settings.description.clone().unwrap_or_default(),
            patterns: settings.events.patterns().iter().map(ToString::to_string).collect(),
            channels: text_of(&settings.channels).filter(|_| !settings.channels.is_empty()).unwrap_or_default(),
            filter: settings.filter.as_ref().and_then(text_of),
            headers: settings.headers.iter().map(masked).collect(),
            retries: preview(&settings.retry_policy),
            timeout: span(settings.timeout),
            rate: settings.rate_limit.map(|Rate { requests, window }| {
                format!("at most {} in {}", grouped(requests), span(window.duration()))
            }),
            is_ordered: settings.ordering == Ordering::Strict,
            profile: settings.profile.as_str(),
            signature: signature_words(&settings.signature),
            handshake: settings.handshake,
            metadata: settings.metadata.as_ref().and_then(text_of),
            created: Time { at: webhook.created_at, now },
            updated: Time { at: webhook.updated_at, now },
        }
    }
}

/// What is set about signatures, where something can be.
fn signature_words(option: &SignatureOption) -> Option<String> {
    match option {
        SignatureOption::Fixed => None,
        SignatureOption::Schemes(schemes) => Some(schemes.words().join(" and ")),
        SignatureOption::Body(BodySignature { header, prefix, encoding }) => {
            Some(format!("{header}: {prefix}…, in {}", encoding.as_str()))
        }
    }
}

fn text_of(value: &impl serde::Serialize) -> Option<String> {
    serde_json::to_string(value).ok()
}

/// The delays of a policy, and how long they are together.
pub(super) fn preview(policy: &RetryPolicy) -> String {
    let delays: Vec<Duration> = policy.delays().collect();
    if delays.is_empty() {
        return "never: the first attempt is the only one".to_owned();
    }
    let together: Duration = delays.iter().sum();
    let delays: Vec<_> = delays.into_iter().map(span).collect();
    format!("after {}; {} in all", delays.join(", "), span(together))
}

async fn show(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    reader: Reader<ReadWebhooks>,
    uri: Uri,
) -> Result<Response, Failure> {
    let visit = reader.visit;
    let range = Params::of(&uri).get("range").and_then(StatsRange::parse).unwrap_or(StatsRange::Day);
    let (engine, now) = (&dashboard.engine, dashboard.engine.clock().now());
    let webhook = engine.webhook(visit.scope, id_in_path(&id)?).await?;
    let failing = engine.store().failing_since(webhook.id).await?;
    let secrets = engine.store().secrets_of(webhook.id, now).await?;
    let stats = engine.delivery_stats(StatsOf::Webhook(visit.scope, webhook.id), range).await?;
    let filter = DeliveryFilter { webhook: Some(webhook.id), ..DeliveryFilter::default() };
    let recent = engine.store().deliveries_page(visit.scope, &filter, RECENT).await?;
    let known = engine.directory.current();
    let frame = dashboard.frame(&visit, webhook.settings.name.clone(), SECTION);
    let secret = |SealedSecret { kind, created_at, expires_at, .. }| SecretView {
        kind: match kind {
            SecretKind::Ed25519 => "key pair (Ed25519)",
            SecretKind::Standard => "shared secret (whsec_)",
            SecretKind::Text => "shared secret (text)",
        },
        created: Time { at: created_at, now },
        ends: expires_at.map(|at| Time { at, now }),
    };
    page::show(&WebhookPage {
        acts: frame.acts,
        frame,
        id: webhook.id,
        badge: Badge::of_webhook(webhook.status),
        health: Health::of(&webhook, failing, engine, now),
        settings: SettingsView::of(&webhook, now),
        secrets: secrets.into_iter().map(secret).collect(),
        overlaps: webhook.settings.profile.overlaps(),
        ranges: range_links(&format!("/ui/webhooks/{}", webhook.id), "", range),
        success: success_rate(&stats).unwrap_or_default(),
        p95: within(&stats, 95),
        charts: if stats.total.attempts == 0 {
            Vec::new()
        } else {
            vec![over_time(&stats, &format!("&webhook={}", webhook.id)), latency_over_time(&stats), by_outcome(&stats)]
        },
        rows: recent.into_iter().map(|delivery| DeliveryRow::new(delivery, &known, now)).collect(),
        live: LiveRows { stream: format!("{STREAM}?webhook={}", webhook.id), made_at: now, most: RECENT },
        is_active: webhook.is_sending(),
    })
}

async fn pause(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<WriteWebhooks>,
) -> Result<Response, Failure> {
    let webhook = dashboard.engine.pause_webhook(actor.visit.scope, id_in_path(&id)?).await?;
    let said = format!("{} is paused: deliveries are kept and wait.", webhook.settings.name);
    Ok(go_and_say(page_of_ours(actor.fields.get("next")), &said))
}

async fn resume(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<WriteWebhooks>,
) -> Result<Response, Failure> {
    let webhook = dashboard.engine.resume_webhook(actor.visit.scope, id_in_path(&id)?).await?;
    let said = format!("{} is sent to again, with what has waited.", webhook.settings.name);
    Ok(go_and_say(page_of_ours(actor.fields.get("next")), &said))
}

/// Sends a test event, and goes to its delivery.
async fn test(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<WriteWebhooks>,
) -> Result<Response, Failure> {
    let scope = actor.visit.scope;
    let webhook = dashboard.engine.webhook(scope, id_in_path(&id)?).await?;
    if !webhook.is_sending() {
        let message = format!("The webhook is {}: resume it before testing it.", webhook.status.as_str());
        return Err(Failure::Refused(message));
    }
    let accepted = dashboard.engine.test_webhook(scope, webhook.id).await.map_err(refused_test)?;
    let filter = DeliveryFilter { event: Some(accepted.event), ..DeliveryFilter::default() };
    let delivery = dashboard.engine.store().deliveries_page(scope, &filter, 1).await?.into_iter().next();
    let to = delivery.map_or_else(
        || format!("/ui/deliveries?event={}", accepted.event),
        |delivery| format!("/ui/deliveries/{}", delivery.id),
    );
    Ok(go_and_say(&to, "A test event is on its way. Load this page again to see what came back."))
}

fn refused_test(error: AcceptError) -> Failure {
    match error {
        AcceptError::WebhookNotFound => Failure::NotFound("webhook"),
        AcceptError::Overloaded => Failure::Busy,
        AcceptError::UsedUp(_) => Failure::Refused("The plan's quota of events is used up.".to_owned()),
        AcceptError::KeyReused | AcceptError::RecordRefused | AcceptError::Misfit(_) | AcceptError::Expunged(_) => {
            Failure::internal("a test event was refused for what it is")
        }
        AcceptError::Store(error) => Failure::Unavailable(error.to_string()),
    }
}

#[derive(Template)]
#[template(path = "webhook_delete.html", config = "src/dashboard/askama.toml")]
struct DeletePage {
    frame: Frame,
    id: WebhookId,
    name: String,
    url: String,
    waiting: String,
    problem: Option<&'static str>,
}

impl DeletePage {
    async fn of(
        dashboard: &Dashboard,
        visit: &Visit,
        webhook: Webhook,
        problem: Option<&'static str>,
    ) -> Result<Self, Failure> {
        let waiting =
            dashboard.engine.store().pending_of(webhook.id, dashboard.engine.store().bounds.counted_max).await?;
        let frame = dashboard.frame(visit, "Delete a webhook", SECTION);
        let Webhook { id, settings, .. } = webhook;
        Ok(Self {
            frame,
            id,
            name: settings.name,
            url: settings.url,
            waiting: counted(waiting, dashboard.engine.store().bounds),
            problem,
        })
    }
}

async fn ask_to_delete(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    reader: Reader<WriteWebhooks>,
) -> Result<Response, Failure> {
    let webhook = dashboard.engine.webhook(reader.visit.scope, id_in_path(&id)?).await?;
    page::show(&DeletePage::of(&dashboard, &reader.visit, webhook, None).await?)
}

async fn delete(
    State(dashboard): State<Arc<Dashboard>>,
    Path(id): Path<String>,
    actor: Actor<WriteWebhooks>,
) -> Result<Response, Failure> {
    let scope = actor.visit.scope;
    let webhook = dashboard.engine.webhook(scope, id_in_path(&id)?).await?;
    if actor.fields.get("name") != Some(webhook.settings.name.trim()) {
        let problem = Some("That is not its name. Nothing was deleted.");
        return page::show(&DeletePage::of(&dashboard, &actor.visit, webhook, problem).await?);
    }
    dashboard.engine.delete_webhook(scope, webhook.id, None).await?;
    Ok(go_and_say(SECTION, &format!("{} is deleted. What waited for it is being cancelled.", webhook.settings.name)))
}
