//! Replays as the API has them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::problem::Problem;
use crate::domain::attempt::FailureKind;
use crate::domain::audit::Actor;
use crate::domain::delivery::DeliveryState;
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::{DeliveryId, EventId, ReplayId, WebhookId};
use crate::domain::replay::{LISTED_MAX, ReplayFilter, ReplayState, Skip};
use crate::domain::subscription::Pattern;
use crate::domain::time::Timestamp;
use crate::engine::replays::{NewReplay, Preview};
use crate::store::replay_runs::FailedRun;
use crate::store::replays::Replay;

/// Which deliveries. What is left out does not matter.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = ReplayFilter, example = json!({ "statusClass": "5xx", "eventTypes": ["order.*"] }))]
pub(super) struct FilterBody {
    /// Only to this webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_id: Option<WebhookId>,
    /// Only of these types, or patterns of types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 200, example = json!(["order.*"]))]
    event_types: Vec<String>,
    /// Only in these states: `delivered`, `dead`, `cancelled`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["dead"]))]
    statuses: Vec<String>,
    /// Only where the last answer was this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 599, example = json!(503))]
    http_status: Option<u16>,
    /// Only where the last answer was `2xx`, `3xx`, `4xx` or `5xx`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "5xx")]
    status_class: Option<String>,
    /// Only where the last attempt got no answer, for this reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "timeout")]
    error_kind: Option<String>,
    /// Only deliveries made from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Timestamp>)]
    created_after: Option<String>,
    /// Only deliveries made before then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Timestamp>)]
    created_before: Option<String>,
    /// Only of these events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 200)]
    event_ids: Vec<EventId>,
    /// Only these deliveries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 200)]
    delivery_ids: Vec<DeliveryId>,
}

impl From<ReplayFilter> for FilterBody {
    fn from(filter: ReplayFilter) -> Self {
        let ReplayFilter {
            webhook,
            event_types,
            states,
            http_status,
            status_class,
            error,
            created_after,
            created_before,
            events,
            deliveries,
        } = filter;
        Self {
            webhook_id: webhook,
            event_types: event_types.iter().map(Pattern::to_string).collect(),
            statuses: states.into_iter().map(|state| state.as_str().to_owned()).collect(),
            http_status,
            status_class: status_class.map(|class| format!("{class}xx")),
            error_kind: error.map(|kind| kind.as_str().to_owned()),
            created_after: created_after.map(|time| time.to_string()),
            created_before: created_before.map(|time| time.to_string()),
            event_ids: events,
            delivery_ids: deliveries,
        }
    }
}

/// Collects what is wrong with a filter.
struct Check(Vec<FieldProblem>);

impl Check {
    fn refuse(&mut self, field: &str, code: FieldCode, message: impl Into<String>) {
        self.0.push(FieldProblem::at(vec!["filter".into(), field.into()], code, message));
    }

    fn get<T>(&mut self, field: &str, text: Option<&str>, must: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = read(text?);
        if value.is_none() {
            self.refuse(field, FieldCode::Invalid, format!("must be {must}"));
        }
        value
    }

    fn list<T>(&mut self, field: &str, texts: &[String], must: &str, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
        texts.iter().filter_map(|text| self.get(field, Some(text), must, &read)).collect()
    }

    fn bound(&mut self, field: &str, len: usize) {
        if len > LISTED_MAX {
            self.refuse(field, FieldCode::Length, format!("must have at most {LISTED_MAX} entries"));
        }
    }
}

fn class(text: &str) -> Option<u16> {
    let class = text.strip_suffix("xx")?.parse().ok()?;
    (2..=5).contains(&class).then_some(class)
}

impl FilterBody {
    fn check(self, check: &mut Check) -> ReplayFilter {
        let time = "a time such as `2026-11-21T20:04:59.120Z`";
        let kinds = FailureKind::ALL.map(FailureKind::as_str).join(", ");
        for (field, len) in [
            ("eventTypes", self.event_types.len()),
            ("statuses", self.statuses.len()),
            ("eventIds", self.event_ids.len()),
            ("deliveryIds", self.delivery_ids.len()),
        ] {
            check.bound(field, len);
        }
        if self.http_status.is_some_and(|status| !(100..=599).contains(&status)) {
            check.refuse("httpStatus", FieldCode::OutOfRange, "must be from 100 to 599");
        }
        let types = "an event type such as `order.created`, or `order.*`";
        let state = |text: &str| DeliveryState::parse(text).filter(|state| *state != DeliveryState::Pending);
        ReplayFilter {
            webhook: self.webhook_id,
            event_types: check.list("eventTypes", &self.event_types, types, |text| Pattern::parse(text).ok()),
            states: check.list("statuses", &self.statuses, "delivered, dead or cancelled", state),
            http_status: self.http_status,
            status_class: check.get("statusClass", self.status_class.as_deref(), "2xx, 3xx, 4xx or 5xx", class),
            error: check.get("errorKind", self.error_kind.as_deref(), &kinds, FailureKind::parse),
            created_after: check.get("createdAfter", self.created_after.as_deref(), time, Timestamp::parse_rfc3339),
            created_before: check.get("createdBefore", self.created_before.as_deref(), time, Timestamp::parse_rfc3339),
            events: self.event_ids,
            deliveries: self.delivery_ids,
        }
    }
}

/// A replay to start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = NewReplay, example = json!({ "filter": { "statusClass": "5xx" }, "onlyFailed": true, "rate": 20 }))]
pub(super) struct NewReplayBody {
    filter: FilterBody,
    /// Only dead letters, judged when each one's turn comes. Without it, also what was delivered or cancelled.
    #[schema(default = true)]
    only_failed: bool,
    /// Deliveries in a second. The webhooks' own limits hold besides.
    #[schema(minimum = 1, maximum = 1000, default = 50)]
    rate: Option<u32>,
    /// `oldest` or `newest` first.
    #[schema(default = "oldest")]
    order: String,
    /// Count what would be done, and do nothing.
    #[schema(default = false)]
    pub(super) dry_run: bool,
}

impl Default for NewReplayBody {
    fn default() -> Self {
        let filter = FilterBody::default();
        Self { filter, only_failed: true, rate: None, order: "oldest".to_owned(), dry_run: false }
    }
}

impl NewReplayBody {
    pub(super) fn check(self, rate_max: u32) -> Result<NewReplay, Problem> {
        let Self { filter, only_failed, rate, order, dry_run: _ } = self;
        let mut check = Check(Vec::new());
        let filter = filter.check(&mut check);
        if only_failed && filter.states.iter().any(|state| *state != DeliveryState::Dead) {
            let message = "names what is not a dead letter: say `\"onlyFailed\": false` if that is meant";
            check.refuse("statuses", FieldCode::Mismatch, message);
        }
        let Check(mut problems) = check;
        if rate.is_some_and(|rate| !(1..=rate_max).contains(&rate)) {
            problems.push(FieldProblem::new("rate", FieldCode::OutOfRange, format!("must be from 1 to {rate_max}")));
        }
        if !matches!(order.as_str(), "oldest" | "newest") {
            problems.push(FieldProblem::new("order", FieldCode::Invalid, "must be oldest or newest"));
        }
        if !problems.is_empty() {
            return Err(Problem::fields(problems));
        }
        Ok(NewReplay { filter, only_failed, rate, newest_first: order == "newest" })
    }
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Actor)]
pub(super) struct ActorView {
    /// `key`, `user` or `operator`.
    #[schema(example = "key")]
    kind: &'static str,
    /// Of the key or the user.
    #[schema(example = "key_01m7zvcjkge008000000000001")]
    id: Option<String>,
    /// The key's name, or the user's address, as it was then.
    #[schema(example = "backend")]
    name: String,
}

impl From<Actor> for ActorView {
    fn from(actor: Actor) -> Self {
        let Actor { kind, id, name } = actor;
        Self { kind: kind.as_str(), id, name }
    }
}

/// A job that has many deliveries attempted again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Replay)]
pub(super) struct ReplayView {
    id: ReplayId,
    /// `running`, `paused`, `cancelled`, `done` or `failed`.
    #[schema(example = "running")]
    state: &'static str,
    filter: FilterBody,
    #[schema(example = true)]
    only_failed: bool,
    #[schema(example = "oldest")]
    order: &'static str,
    /// Deliveries in a second.
    #[schema(example = 20)]
    rate: u32,
    /// Deliveries that are meant.
    #[schema(example = 1200)]
    total: u64,
    /// False when there are more than `total`: counting ahead has a bound.
    #[schema(example = true)]
    total_is_exact: bool,
    /// Those that are dealt with: delivered, failed and skipped.
    #[schema(example = 340)]
    done: u64,
    #[schema(example = 320)]
    delivered: u64,
    /// Dead again, cancelled, or dropped by the retention.
    #[schema(example = 15)]
    failed: u64,
    /// Passed over: under way already, or the webhook does not send.
    #[schema(example = 5)]
    skipped: u64,
    /// Under way, retries included.
    #[schema(example = 12)]
    pending: u64,
    /// How long until all were attempted, at this rate. None unless it is running.
    #[schema(example = 43)]
    eta_seconds: Option<u64>,
    /// Why it failed.
    #[schema(example = json!(null))]
    note: Option<String>,
    asked_by: ActorView,
    created_at: Timestamp,
    updated_at: Timestamp,
    ended_at: Option<Timestamp>,
}

impl From<Replay> for ReplayView {
    fn from(replay: Replay) -> Self {
        let Replay { total, total_is_exact, made, delivered, failed, skipped, rate, state, .. } = replay;
        let left = total.saturating_sub(made + skipped);
        let is_running = state == ReplayState::Running;
        Self {
            id: replay.id,
            state: state.as_str(),
            filter: replay.filter.into(),
            only_failed: replay.only_failed,
            order: if replay.newest_first { "newest" } else { "oldest" },
            rate,
            total: total.max(made + skipped),
            total_is_exact,
            done: delivered + failed + skipped,
            delivered,
            failed,
            skipped,
            pending: made.saturating_sub(delivered + failed),
            eta_seconds: is_running.then(|| left.div_ceil(u64::from(rate.max(1)))),
            note: replay.note,
            asked_by: replay.asked_by.into(),
            created_at: replay.created_at,
            updated_at: replay.updated_at,
            ended_at: replay.ended_at,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplayWebhookCount)]
struct WebhookCount {
    webhook_id: WebhookId,
    #[schema(example = "orders")]
    name: Option<String>,
    #[schema(example = 800)]
    count: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplayTypeCount)]
struct TypeCount {
    #[schema(example = "order.created")]
    event_type: String,
    #[schema(example = 700)]
    count: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplaySkip)]
struct SkipView {
    #[serde(flatten)]
    webhook: WebhookCount,
    #[schema(example = "the webhook is disabled")]
    reason: &'static str,
}

/// What a replay would do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplayPreview)]
pub(super) struct PreviewView {
    /// Deliveries that it would attempt again.
    #[schema(example = 1200)]
    count: u64,
    /// False when there are more: counting has a bound.
    #[schema(example = true)]
    is_exact: bool,
    /// When the oldest of them was made.
    oldest: Option<Timestamp>,
    /// When the newest of them was made.
    newest: Option<Timestamp>,
    /// The webhooks with the most of them.
    top_webhooks: Vec<WebhookCount>,
    /// The event types with the most of them.
    top_event_types: Vec<TypeCount>,
    /// What would be passed over, and why.
    skipped: Vec<SkipView>,
}

impl PreviewView {
    pub(super) fn new(preview: Preview, api: &Api) -> Self {
        let Preview { count, is_exact, oldest, newest, top_webhooks, top_event_types, skipped } = preview;
        let of_webhook =
            |(id, count): (WebhookId, u64)| WebhookCount { webhook_id: id, name: api.engine.webhook_name(id), count };
        let skip = |(id, why, count): (WebhookId, Skip, u64)| SkipView {
            webhook: of_webhook((id, count)),
            reason: why.sentence(),
        };
        Self {
            count,
            is_exact,
            oldest,
            newest,
            top_webhooks: top_webhooks.into_iter().map(of_webhook).collect(),
            top_event_types: top_event_types
                .into_iter()
                .map(|(event_type, count)| TypeCount { event_type, count })
                .collect(),
            skipped: skipped.into_iter().map(skip).collect(),
        }
    }
}

/// A delivery that a replay could not bring to its receiver.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReplayFailure)]
pub(super) struct FailedRunView {
    delivery_id: DeliveryId,
    /// None where the retention has dropped it, as with all that follows.
    event_id: Option<EventId>,
    #[schema(example = "order.created")]
    event_type: Option<String>,
    webhook_id: Option<WebhookId>,
    /// What it is now.
    #[schema(example = "dead")]
    status: Option<String>,
    #[schema(example = 503)]
    last_status: Option<i64>,
    #[schema(example = json!(null))]
    last_error: Option<String>,
}

impl From<FailedRun> for FailedRunView {
    fn from(run: FailedRun) -> Self {
        let FailedRun { delivery, event, event_type, webhook, state, last_status, last_error } = run;
        Self {
            delivery_id: delivery,
            event_id: event,
            event_type,
            webhook_id: webhook,
            status: state,
            last_status,
            last_error,
        }
    }
}
