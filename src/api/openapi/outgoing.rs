//! What Angarium sends to webhooks, as the `webhooks` of the document: one for each type of event that is there for
//! every tenant, in the envelope of the default profile.

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, Paths, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, PathItem, Ref, Required, ResponseBuilder};

use super::schemas::{EXAMPLE_TIME, example_id};
use crate::domain::catalogue::{BuiltIn, built_in};
use crate::domain::id::EventId;
use crate::domain::signature::{HEADER_BODY_HEX, HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP};
use crate::domain::time::Timestamp;

const ABOUT: &str = "Answer 2xx within the webhook's time limit. Everything else is tried again; redirects are not \
    followed, and 410 disables the webhook. The same event may come more than once, with the same `webhook-id`.";

/// The headers that every request has, with what is in them.
const HEADERS: [(&str, &str); 4] = [
    (HEADER_ID, "The event's id, equal on every attempt and every replay"),
    (HEADER_TIMESTAMP, "When this attempt was signed, in Unix seconds"),
    (HEADER_SIGNATURE, "`v1,` and base64 of HMAC-SHA256 over id, timestamp and body, one for each valid secret"),
    (HEADER_BODY_HEX, "HMAC-SHA256 of the body with the newest secret, in hex"),
];

/// Every webhook of the document.
pub(super) fn webhooks() -> Paths {
    built_in().iter().fold(PathsBuilder::new(), |paths, built_in| paths.path(&built_in.name, request(built_in))).build()
}

fn request(BuiltIn { name, description, example, schema }: &BuiltIn) -> PathItem {
    let envelope = ObjectBuilder::new()
        .property("id", Ref::from_schema_name(EventId::name()))
        .required("id")
        .property("event", ObjectBuilder::new().schema_type(Type::String).enum_values(Some([name.as_str()])))
        .required("event")
        .property("timestamp", Ref::from_schema_name(Timestamp::name()))
        .required("timestamp")
        .property("data", as_given(schema))
        .required("data");
    let id = example_id(EventId::PREFIX);
    let example = json!({ "id": id, "event": name, "timestamp": EXAMPLE_TIME, "data": example });
    let content = ContentBuilder::new().schema(Some(envelope)).example(Some(example)).build();
    let body = RequestBodyBuilder::new().content("application/json", content).required(Some(Required::True)).build();
    let operation = OperationBuilder::new()
        .operation_id(Some(operation_id(name)))
        .summary(Some(description))
        .description(Some(ABOUT))
        .tag("Webhooks")
        .parameters(Some(HEADERS.map(header)))
        .request_body(Some(body))
        .response("2XX", ResponseBuilder::new().description("The receiver has it"))
        .response("410", ResponseBuilder::new().description("Never send here again: the webhook is disabled"));
    PathItem::new(HttpMethod::Post, operation)
}

/// A JSON Schema as it was written. It is held by a keyword of its own, because utoipa knows only some of them.
fn as_given(schema: &Value) -> ObjectBuilder {
    let held = [("allOf", json!([schema]))].into_iter().collect();
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).extensions(Some(held))
}

fn header((name, about): (&str, &str)) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

/// `order.created` is `onOrderCreated`.
fn operation_id(event_type: &str) -> String {
    let words = event_type.split(['.', '_', '-']).map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    words.fold("on".to_owned(), |id, word| id + &word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_make_names() {
        assert_eq!(operation_id("api_key.rotation_due"), "onApiKeyRotationDue");
        assert_eq!(operation_id("a..b"), "onAB");
    }

    #[test]
    fn each_type_is_a_request_with_an_example() {
        let webhooks = serde_json::to_value(webhooks()).unwrap();
        let body = &webhooks["webhook.disabled"]["post"]["requestBody"]["content"]["application/json"];
        assert_eq!(body["example"]["event"], "webhook.disabled");
        assert_eq!(body["schema"]["properties"]["data"]["allOf"][0]["type"], "object");
        assert_eq!(webhooks["webhook.disabled"]["post"]["parameters"][0]["name"], "webhook-id");
    }
}
