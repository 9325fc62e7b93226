//! A record: what is kept of one customer, conversation and so on, and how it is shown.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value};

use super::kind::Kind;
use super::{Document, Field, Noun};
use crate::domain::id::RecordId;
use crate::domain::tenant::Scope;
use crate::domain::time::Timestamp;

/// One thing of a noun. Serialized as clients see it, in answers and in events alike.
#[derive(Clone)]
pub struct Record {
    /// What it is.
    pub noun: &'static Noun,
    /// Its id.
    pub id: RecordId,
    /// Whose.
    pub scope: Scope,
    /// Its fields.
    pub document: Document,
    /// Raised by each change; the `ETag`.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { noun, id, scope: _, document, version: _, created_at, updated_at } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", id)?;
        for field in noun.fields {
            map.serialize_entry(field.name, &Shown { field, document })?;
        }
        map.serialize_entry("createdAt", created_at)?;
        map.serialize_entry("updatedAt", updated_at)?;
        map.end()
    }
}

/// The value of a field. Fields that a group got after the record was written are there with their initial value.
struct Shown<'a> {
    field: &'a Field,
    document: &'a Document,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.document.get(self.field.name);
        if let Kind::Group(members) = self.field.kind {
            let empty = Map::new();
            let document = value.and_then(Value::as_object).unwrap_or(&empty);
            return serializer.collect_map(members.iter().map(|field| (field.name, Shown { field, document })));
        }
        match value {
            Some(value) => value.serialize(serializer),
            None => self.field.initial_value().serialize(serializer),
        }
    }
}
