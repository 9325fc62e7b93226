//! Replays as the API has them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::problem::Problem;
use super::replay_filter::{Check, FilterBody};
use crate::domain::audit::Actor;
use crate::domain::delivery::DeliveryState;
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::{DeliveryId, EventId, ReplayId, WebhookId};
use crate::domain::replay::{ReplayState, Skip};
use crate::domain::time::Timestamp;
use crate::engine::replays::{NewReplay, Preview};
use crate::store::replay_runs::FailedRun;
use crate::store::replays::Replay;

/// A replay to start.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = NewReplay, example = json!({ "filter": { "statusClass": "5xx" }, "onlyFailed": true, "rate": 20 }))]
pub(super) struct NewReplayBody {
    filter: FilterBody,
    /// Only dead letters, judged when each one's turn comes. Without it, also what was delivered or cancelled.
    #[schema(default = true)]
    only_failed: bool,
    /// Deliveries in a second; as many as the webhooks' own rates allow, up to 50, where it is left out. Those rates hold
    /// besides.
    #[schema(minimum = 1, maximum = 1000, example = 20)]
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
    /// Deliveries in a second where nobody says: what the webhooks' own rates allow, up to the default.
    #[schema(example = 50)]
    rate: u32,
    /// The webhooks with the most of them.
    top_webhooks: Vec<WebhookCount>,
    /// The event types with the most of them.
    top_event_types: Vec<TypeCount>,
    /// What would be passed over, and why.
    skipped: Vec<SkipView>,
}

impl PreviewView {
    pub(super) fn new(preview: Preview, api: &Api) -> Self {
        let Preview { count, is_exact, oldest, newest, rate, top_webhooks, top_event_types, skipped } = preview;
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
            rate,
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
