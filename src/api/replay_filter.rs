//! Which deliveries a replay is about, as the API has it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::attempt::FailureKind;
use crate::domain::delivery::DeliveryState;
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::id::{DeliveryId, EventId, WebhookId};
use crate::domain::replay::{LISTED_MAX, ReplayFilter};
use crate::domain::subscription::Pattern;
use crate::domain::time::Timestamp;

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
pub(super) struct Check(pub(super) Vec<FieldProblem>);

impl Check {
    pub(super) fn refuse(&mut self, field: &str, code: FieldCode, message: impl Into<String>) {
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
    pub(super) fn check(self, check: &mut Check) -> ReplayFilter {
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
