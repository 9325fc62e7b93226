//! The wire form of event types: what a client gives, and what it is shown.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::catalogue::{BuiltIn, OwnType, SchemaMode, TypeDraft, TypeSettings};
use crate::domain::field::Given;
use crate::domain::time::Timestamp;

macro_rules! type_body {
    ($(#[$doc:meta])* $name:ident required $required:literal) => {
        #[derive(Default, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields, rename_all = "camelCase")]
        $(#[$doc])*
        pub(super) struct $name {
            /// Dotted lower-case words. It cannot be changed.
            #[serde(default)]
            #[schema(value_type = String, required = $required, max_length = 128, example = "order.paid")]
            pub(super) name: Given<String>,
            /// For people.
            #[serde(default)]
            #[schema(value_type = Option<String>, max_length = 500, example = "An order was paid.")]
            description: Given<String>,
            /// The `data` of one. It must fit the schema.
            #[serde(default)]
            #[schema(value_type = Option<Object>, example = json!({ "total": 42.5 }))]
            example: Given<Map<String, Value>>,
            /// A JSON Schema that stands alone: `$ref` leads to `#/…` inside it, and not back to itself.
            #[serde(default)]
            #[schema(value_type = Option<Object>, example = json!({ "type": "object", "required": ["total"] }))]
            schema: Given<Value>,
            /// `off`, `warn` or `reject`.
            #[serde(default)]
            #[schema(value_type = Option<String>, example = "reject")]
            schema_mode: Given<String>,
        }

        impl $name {
            /// The settings in it, leaving the name.
            pub(super) fn take_draft(&mut self) -> TypeDraft {
                TypeDraft {
                    description: std::mem::take(&mut self.description),
                    example: std::mem::take(&mut self.example),
                    schema: std::mem::take(&mut self.schema),
                    mode: std::mem::take(&mut self.schema_mode),
                }
            }
        }
    };
}

type_body!(
    /// An event type to create.
    #[schema(as = NewEventType)]
    NewType required true
);
type_body!(
    /// What to change of an event type; what is not mentioned stays.
    #[schema(as = EventTypeChange)]
    TypeChange required false
);

/// An event type.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventType)]
pub(super) struct TypeView<'a> {
    #[schema(example = "order.paid")]
    pub(super) name: &'a str,
    #[schema(example = "An order was paid.")]
    description: Option<&'a str>,
    /// The `data` of one.
    #[schema(value_type = Option<Object>, example = json!({ "total": 42.5 }))]
    example: Option<Example<'a>>,
    /// What the `data` looks like, as a JSON Schema.
    #[schema(value_type = Option<Object>, example = json!({ "type": "object", "required": ["total"] }))]
    schema: Option<&'a Value>,
    /// What becomes of an event whose data does not fit: nothing (`off`), a warning to its publisher (`warn`), or it
    /// is refused (`reject`).
    #[schema(example = "reject")]
    schema_mode: &'static str,
    /// Whether it is there for everybody and cannot be changed.
    #[schema(example = false)]
    built_in: bool,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    #[schema(example = 7)]
    version: Option<i64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Example<'a> {
    BuiltIn(&'a Value),
    Own(&'a Map<String, Value>),
}

impl<'a> From<&'a BuiltIn> for TypeView<'a> {
    fn from(BuiltIn { name, description, example, schema }: &'a BuiltIn) -> Self {
        Self {
            name,
            description: Some(description),
            example: Some(Example::BuiltIn(example)),
            schema: Some(schema),
            schema_mode: SchemaMode::Off.as_str(),
            built_in: true,
            created_at: None,
            updated_at: None,
            version: None,
        }
    }
}

impl<'a> From<&'a OwnType> for TypeView<'a> {
    fn from(own: &'a OwnType) -> Self {
        let OwnType { scope: _, name, settings, judge: _, created_at, updated_at, deleted_at: _, revision } = own;
        let TypeSettings { description, example, schema, mode } = settings;
        Self {
            name: name.as_str(),
            description: description.as_deref(),
            example: example.as_ref().map(Example::Own),
            schema: schema.as_ref(),
            schema_mode: mode.as_str(),
            built_in: false,
            created_at: Some(*created_at),
            updated_at: Some(*updated_at),
            version: Some(*revision),
        }
    }
}
