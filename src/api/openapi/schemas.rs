//! The schemas of the domain's types. The domain does not know that it is documented.

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{KnownFormat, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::api::Code;
use crate::domain::channel::{CHANNEL_CHARS_MAX, Channels, WEBHOOK_CHANNELS_MAX};
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::filter::Filter;
use crate::domain::id::{
    AuditId, DeliveryId, EventId, KeyId, PortalLinkId, RecordId, ReplayId, TenantId, UserId, WebhookId,
};
use crate::domain::ip_list::{IP_LIST_ENTRIES_MAX, IpList};
use crate::domain::key_draft::{RATE_LIMIT_REQUESTS_MAX, RATE_LIMIT_WINDOW, RateLimitDraft, RotationDraft};
use crate::domain::meter::Month;
use crate::domain::permission::{MANAGE_WEBHOOKS, Permission};
use crate::domain::retry::{DELAY_SECONDS_MAX, RETRIES_MAX, RetryPolicy, SCHEDULE_LEN_MAX};
use crate::domain::rotation::{INTERVAL_DAYS_MAX, NOTIFY_DAYS_DEFAULT, RotationPolicy};
use crate::domain::subscription::{PATTERNS_MAX, Subscription};
use crate::domain::tenant::Environment;
use crate::domain::time::Timestamp;
use crate::domain::user::Role;

/// The instant of every example.
pub(super) const EXAMPLE_TIME: &str = "2026-11-21T20:04:59.120Z";
/// An id of that instant.
const EXAMPLE_ID: Uuid = Uuid::from_u128(0x01a1_ffb6_4a70_7000_8000_0000_0000_0001);

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn word(values: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    text().enum_values(Some(values))
}

fn number(minimum: usize, maximum: impl TryInto<usize>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(minimum)).maximum(maximum.try_into().ok())
}

/// An id of any noun, as it looks.
pub(super) fn example_id(prefix: &'static str) -> String {
    RecordId { prefix, uuid: EXAMPLE_ID }.to_string()
}

macro_rules! ids {
    ($($id:ident of $noun:literal),* $(,)?) => {$(
        impl PartialSchema for $id {
            fn schema() -> RefOr<Schema> {
                text()
                    .description(Some(concat!("The id of ", $noun)))
                    .pattern(Some(format!("^{}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$", $id::PREFIX)))
                    .examples([example_id($id::PREFIX)])
                    .into()
            }
        }

        impl ToSchema for $id {}
    )*};
}

ids!(
    EventId of "an event",
    WebhookId of "a webhook",
    DeliveryId of "a delivery",
    ReplayId of "a replay",
    PortalLinkId of "a portal link",
    AuditId of "a line of the audit log",
    KeyId of "an API key",
    UserId of "a user",
    TenantId of "a tenant",
);

impl PartialSchema for Timestamp {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        text().format(Some(format)).description(Some("An instant, as RFC 3339 has it")).examples([EXAMPLE_TIME]).into()
    }
}

impl ToSchema for Timestamp {}

macro_rules! words {
    ($($type:ty: $words:expr),* $(,)?) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                word($words).into()
            }
        }

        impl ToSchema for $type {}
    )*};
}

words!(
    Environment: [Self::Staging, Self::Production].map(Self::as_str),
    Permission: Self::ALL.map(Self::as_str).into_iter().chain([MANAGE_WEBHOOKS]),
    Role: Self::ALL.map(Self::as_str),
);

impl PartialSchema for Month {
    fn schema() -> RefOr<Schema> {
        text().pattern(Some("^[0-9]{4}-[0-9]{2}$")).description(Some("A month of UTC")).examples(["2026-11"]).into()
    }
}

impl ToSchema for Month {}

impl PartialSchema for IpList {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(text())
            .max_items(Some(IP_LIST_ENTRIES_MAX))
            .description(Some("Addresses and networks"))
            .examples([json!(["192.0.2.0/24"])])
            .into()
    }
}

impl ToSchema for IpList {}

impl PartialSchema for Channels {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(text().pattern(Some(format!("^[a-zA-Z0-9_-]{{1,{CHANNEL_CHARS_MAX}}}$"))))
            .max_items(Some(WEBHOOK_CHANNELS_MAX))
            .description(Some("Names that split events further than their types do, such as a customer's project"))
            .examples([json!(["eu"])])
            .into()
    }
}

impl ToSchema for Channels {}

impl PartialSchema for Filter {
    fn schema() -> RefOr<Schema> {
        let about = "A condition on the event: `field`, `op` and `value`, or `all` or `any` of several, or `not` one";
        let example = json!({ "field": "data.order.total", "op": "gte", "value": 100 });
        ObjectBuilder::new().schema_type(Type::Object).description(Some(about)).examples([example]).into()
    }
}

impl ToSchema for Filter {}

impl PartialSchema for RateLimitDraft {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .property("requests", number(1, RATE_LIMIT_REQUESTS_MAX))
            .required("requests")
            .property("window", word([RATE_LIMIT_WINDOW]))
            .into()
    }
}

impl ToSchema for RateLimitDraft {
    fn name() -> Cow<'static, str> {
        "NewRateLimit".into()
    }
}

fn rotation() -> ObjectBuilder {
    ObjectBuilder::new()
        .description(Some("How often a key should be rotated, and how many days before to tell"))
        .property("enabled", ObjectBuilder::new().schema_type(Type::Boolean))
        .property("intervalDays", number(1, INTERVAL_DAYS_MAX))
        .property("notifyDaysBefore", number(0, INTERVAL_DAYS_MAX).default(Some(NOTIFY_DAYS_DEFAULT.into())))
        .examples([json!({ "enabled": true, "intervalDays": 90, "notifyDaysBefore": 7 })])
}

impl PartialSchema for RotationDraft {
    fn schema() -> RefOr<Schema> {
        rotation().required("intervalDays").into()
    }
}

impl ToSchema for RotationDraft {
    fn name() -> Cow<'static, str> {
        "NewRotationPolicy".into()
    }
}

impl PartialSchema for RotationPolicy {
    fn schema() -> RefOr<Schema> {
        ["enabled", "intervalDays", "notifyDaysBefore"].into_iter().fold(rotation(), ObjectBuilder::required).into()
    }
}

impl ToSchema for RotationPolicy {}

impl PartialSchema for Subscription {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(text())
            .min_items(Some(1))
            .max_items(Some(PATTERNS_MAX))
            .description(Some("Event types: exact, every type that starts so (`order.*`), or every one (`*`)"))
            .examples([json!(["order.*", "customer.created"])])
            .into()
    }
}

impl ToSchema for Subscription {}

impl PartialSchema for RetryPolicy {
    fn schema() -> RefOr<Schema> {
        let delays = ArrayBuilder::new()
            .items(number(1, DELAY_SECONDS_MAX))
            .min_items(Some(1))
            .max_items(Some(SCHEDULE_LEN_MAX))
            .description(Some("Seconds before each retry"));
        // Neither takes the other's fields: else a schedule would be both.
        let exactly = || ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)));
        let backoff = exactly()
            .property("maxRetries", number(0, RETRIES_MAX))
            .property("backoffStrategy", word(["exponential", "linear"]));
        let schedule = exactly().property("schedule", delays).required("schedule");
        OneOfBuilder::new()
            .item(schedule)
            .item(backoff)
            .description(Some("When the attempts after the first one come"))
            .examples([json!({ "maxRetries": 3, "backoffStrategy": "exponential" })])
            .into()
    }
}

impl ToSchema for RetryPolicy {}

impl PartialSchema for FieldProblem {
    fn schema() -> RefOr<Schema> {
        let step = ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Integer]));
        let path = ArrayBuilder::new().items(step).examples([json!(["url"])]);
        let codes = FieldCode::ALL.map(|code| serde_json::to_value(code).unwrap_or_default());
        ObjectBuilder::new()
            .description(Some("What is wrong with a field"))
            .property("path", path.description(Some("Names of fields, and places in lists from 0")))
            .required("path")
            .property("code", text().enum_values(Some(codes)))
            .required("code")
            .property("message", text().description(Some("What would be right; reads on from the field's name")))
            .required("message")
            .into()
    }
}

impl ToSchema for FieldProblem {}

/// The code of an error.
pub(in crate::api) fn code() -> Object {
    word(Code::ALL.map(Code::as_str)).build()
}

/// What an error adds to its message, where it adds something.
pub(in crate::api) fn details() -> Object {
    let errors = ArrayBuilder::new().items(Ref::from_schema_name(FieldProblem::name()));
    ObjectBuilder::new()
        .property("hint", text().description(Some("What would help")))
        .property("errors", errors.description(Some("Everything that is wrong with the fields of the request")))
        .build()
}
