//! Explain: what would become of an event at each webhook. Nothing is stored or sent.
//!
//! The request that would go out is shown as it is, but for its signatures and whatever else proves who sends it: an
//! answer that had them could be sent to the receiver by somebody else.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::auth::{Caller, ReadWebhooks};
use super::json::{self, JsonBytes};
use super::problem::Problem;
use super::publish::{check_channels, check_data, check_size, check_type};
use super::{Api, Success, success};
use crate::domain::channel::Channels;
use crate::domain::event::EventContent;
use crate::domain::field::{FieldCode, FieldProblem, Segment};
use crate::domain::filter::{Found, Unmet};
use crate::domain::id::{EventId, TenantId, WebhookId};
use crate::domain::request::{self, Header};
use crate::domain::webhook::Webhook;
use crate::engine::directory::Listener;
use crate::engine::event_types::Judgement;
use crate::engine::explain::{Explained, Explanation, Verdict};

/// Webhooks of one answer whose requests are shown; of others, ask by `webhookId`.
const REQUESTS_SHOWN_MAX: usize = 10;
/// Conditions of one filter that are told.
const CONDITIONS_TOLD_MAX: usize = 10;

pub(super) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::default().routes(routes!(explain))
}

/// An event that is not published.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(
    as = EventToExplain,
    example = json!({ "type": "order.created", "data": { "orderId": "o-1001", "total": 42.5 } }),
)]
struct Question<'a> {
    /// Dotted lower-case words.
    #[schema(value_type = String, max_length = 128, example = "order.created")]
    r#type: Option<String>,
    #[serde(borrow)]
    #[schema(value_type = Object)]
    data: Option<&'a RawValue>,
    #[schema(max_items = 5, example = json!(["eu"]))]
    channels: Option<Vec<String>>,
    /// Only what would become of it at this webhook.
    #[schema(value_type = Option<WebhookId>)]
    webhook_id: Option<String>,
}

/// What would become of an event.
#[derive(Serialize, ToSchema)]
#[schema(as = ExplainedEvent)]
struct Answer {
    #[schema(example = "order.created")]
    r#type: String,
    /// How many webhooks would get it.
    #[schema(example = 1)]
    matched: usize,
    /// Whether it would be accepted.
    accepted: bool,
    /// Where the data does not fit the schema of its type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    misfits: Vec<FieldProblem>,
    webhooks: Vec<WebhookAnswer>,
}

/// What would become of an event at one webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExplainedWebhook)]
struct WebhookAnswer {
    webhook_id: WebhookId,
    #[schema(example = "orders")]
    name: String,
    /// Whether it would get a delivery.
    #[schema(example = false)]
    matched: bool,
    /// `type`, `profile`, `channels` or `filter` where it would not; `paused` or `disabled` where the delivery would
    /// wait.
    #[schema(example = "filter")]
    reason: Option<&'static str>,
    /// The same as a sentence.
    #[schema(example = "Its filter does not hold: 1 condition(s) are not met.")]
    explanation: String,
    /// The conditions of its filter that are not met.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<Condition>,
    /// The request that would go out; shown of the first 10 webhooks that match.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestShown>,
}

/// A request that would go out, as it is but for what proves who sends it.
#[derive(Serialize, ToSchema)]
#[schema(as = ExplainedRequest)]
struct RequestShown {
    #[schema(example = "POST")]
    method: &'static str,
    #[schema(example = "https://example.com/hooks")]
    url: String,
    /// Signatures and your own headers are `(hidden)`.
    #[schema(example = json!({ "content-type": "application/json", "webhook-signature": "(hidden)" }))]
    headers: BTreeMap<String, String>,
    /// The bytes of the body, which are UTF-8. The event's id is that of no event.
    body: String,
}

/// A condition that is not met.
#[derive(Serialize, ToSchema)]
#[schema(as = UnmetCondition)]
struct Condition {
    /// Where it stands in the filter.
    #[schema(value_type = Vec<Value>, example = json!(["filter", "all", 0]))]
    path: Vec<Segment>,
    #[schema(example = "data.order.total")]
    field: Option<String>,
    #[schema(example = "gte")]
    op: &'static str,
    /// The type of what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "nothing")]
    found: Option<Found>,
}

/// Explain an event
///
/// For each webhook, whether it would get the event, and if not, which condition keeps it from it. Nothing is stored
/// or sent.
#[utoipa::path(
    post,
    path = "/api/v1/events/explain",
    operation_id = "explainEvent",
    tag = "Events",
    request_body = Question,
    responses((status = 200, description = "What would become of it", body = Success<Answer>)),
    security(("apiKey" = ["read:webhooks"])),
)]
async fn explain(
    State(api): State<Arc<Api>>,
    caller: Caller<ReadWebhooks>,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Problem> {
    let (event, channels, only) = read(&api, caller.scope.tenant, &body)?;
    let explained = api.engine.explain(caller.scope, &event, &channels, only).await?;
    let Explanation { judgement, webhooks } = explained.ok_or_else(|| {
        Problem::field(FieldProblem::new("webhookId", FieldCode::Invalid, "names no webhook that there is"))
    })?;
    let (accepted, misfits) = match judgement {
        Judgement::Fits => (true, Vec::new()),
        Judgement::Warned(misfits) => (true, misfits),
        Judgement::Refused(misfits) => (false, misfits),
    };
    let mut shown = 0;
    let webhooks = webhooks.into_iter().map(|explained| {
        let request = (explained.verdict.matches() && shown < REQUESTS_SHOWN_MAX)
            .then(|| request(&explained.listener, &event, &api.engine.limits().origin));
        shown += usize::from(request.is_some());
        WebhookAnswer { request: request.flatten(), ..answer(explained, &event, &channels) }
    });
    let webhooks: Vec<WebhookAnswer> = webhooks.collect();
    let answer = Answer {
        r#type: event.event_type.to_string(),
        matched: webhooks.iter().filter(|webhook| webhook.matched).count(),
        accepted,
        misfits: misfits.into_iter().map(|problem| problem.below("data")).collect(),
        webhooks,
    };
    Ok(success(StatusCode::OK, answer))
}

fn read(api: &Api, tenant: TenantId, body: &[u8]) -> Result<(EventContent, Channels, Option<WebhookId>), Problem> {
    let Question { r#type, data, channels, webhook_id } = json::parse(body)?;
    let mut problems = Vec::new();
    let event_type = check_type(r#type.as_deref(), &mut problems);
    let data = check_data(data, &mut problems);
    let channels = check_channels(channels, &mut problems);
    let only = webhook_id.map(|text| text.parse::<WebhookId>()).transpose().unwrap_or_else(|error| {
        problems.push(FieldProblem::new("webhookId", FieldCode::Invalid, format!("is {error}")));
        None
    });
    let (Some(event_type), Some(data), true) = (event_type, data, problems.is_empty()) else {
        return Err(Problem::fields(problems));
    };
    check_size(data, api.engine.event_data_bytes_max(tenant))?;
    // No event has this id: what is shown cannot be taken for one that happened.
    let id = EventId(Uuid::nil());
    let data = Bytes::copy_from_slice(data.as_bytes());
    Ok((EventContent { id, event_type, occurred_at: api.engine.clock().now(), data }, channels, only))
}

fn answer(explained: Explained, event: &EventContent, channels: &Channels) -> WebhookAnswer {
    let Explained { listener, verdict } = explained;
    let Webhook { id, settings, status_reason, .. } = &listener.webhook;
    let wanted: Vec<String> = settings.events.patterns().iter().map(ToString::to_string).collect();
    let (matched, reason, explanation) = match &verdict {
        Verdict::Sent => (true, None, "It is sent.".to_owned()),
        Verdict::Paused => {
            (true, Some("paused"), "It is kept until the webhook, which is paused, is resumed.".to_owned())
        }
        Verdict::Disabled => {
            let why = status_reason.as_deref().unwrap_or("It was disabled.");
            (true, Some("disabled"), format!("It is kept until the webhook is resumed. {why}"))
        }
        Verdict::OtherType => {
            let explanation =
                format!("`{}` is none of the types that it wants: {}.", event.event_type, wanted.join(", "));
            (false, Some("type"), explanation)
        }
        Verdict::OtherProfile => {
            let profile = settings.profile.as_str();
            (false, Some("profile"), format!("The profile `{profile}` has no name for `{}`.", event.event_type))
        }
        Verdict::OtherChannel if channels.is_empty() => {
            let hears = settings.channels.names().join(", ");
            (false, Some("channels"), format!("The event names no channel, and it hears only: {hears}."))
        }
        Verdict::OtherChannel => {
            let (names, hears) = (channels.names().join(", "), settings.channels.names().join(", "));
            (false, Some("channels"), format!("The event is for {names}, and it hears only: {hears}."))
        }
        Verdict::Filtered(unmet) => {
            (false, Some("filter"), format!("Its filter does not hold: {} condition(s) are not met.", unmet.len()))
        }
    };
    let unmet = match verdict {
        Verdict::Filtered(unmet) => unmet,
        Verdict::Sent
        | Verdict::Paused
        | Verdict::Disabled
        | Verdict::OtherType
        | Verdict::OtherProfile
        | Verdict::OtherChannel => Vec::new(),
    };
    let conditions = unmet.into_iter().take(CONDITIONS_TOLD_MAX).map(condition).collect();
    let name = settings.name.clone();
    WebhookAnswer { webhook_id: *id, name, matched, reason, explanation, conditions, request: None }
}

/// None where the webhook has no key to sign with, and so cannot be sent to.
fn request(listener: &Listener, event: &EventContent, origin: &str) -> Option<RequestShown> {
    let now = event.occurred_at;
    let built = request::build(&listener.webhook, &listener.keys_at(now), event, origin, now).ok()?;
    let header = |header: &Header<'_>| (header.name.as_str().to_ascii_lowercase(), header.shown_value().to_owned());
    Some(RequestShown {
        method: "POST",
        url: listener.webhook.settings.url.clone(),
        headers: built.headers.iter().map(header).collect(),
        body: String::from_utf8(built.body).ok()?,
    })
}

fn condition(Unmet { path, field, op, found }: Unmet) -> Condition {
    let mut place = vec![Segment::from("filter")];
    place.extend(path);
    Condition { path: place, found: field.is_some().then_some(found), field, op }
}
