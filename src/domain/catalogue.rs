//! The catalogue: event types that are there for every tenant, each with a description, an example and a JSON Schema.
//!
//! Those of the core API follow from its nouns, so that what a webhook receives is the record as the API shows it.
//! Those that Angarium publishes about its own work stand in `catalogue/operations.json`. Nobody can change them; a
//! tenant adds types of its own ([`OwnType`]). Built-in schemas document and do not judge: a tenant's own system may
//! publish `message.sent` with the fields that it has.

mod of_noun;
mod own;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

pub use own::{DESCRIPTION_CHARS_MAX, EXAMPLE_BYTES_MAX, OwnType, SchemaMode, TypeDraft, TypeSettings};

/// A type that is there for every tenant.
#[derive(Debug, Clone, Deserialize)]
pub struct BuiltIn {
    /// Its name.
    pub name: String,
    /// When it is published, in one sentence.
    pub description: String,
    /// The `data` of one.
    pub example: Value,
    /// What the `data` looks like.
    pub schema: Value,
}

static BUILT_IN: LazyLock<Vec<BuiltIn>> = LazyLock::new(|| {
    let operations: Vec<BuiltIn> =
        serde_json::from_str(include_str!("catalogue/operations.json")).expect("a test reads the file");
    let mut all: Vec<BuiltIn> = of_noun::types().into_iter().chain(operations).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
});

/// Every type that is there for every tenant, by name.
#[must_use]
pub fn built_in() -> &'static [BuiltIn] {
    &BUILT_IN
}

/// The built-in type of a name.
#[must_use]
pub fn built_in_named(name: &str) -> Option<&'static BuiltIn> {
    BUILT_IN.binary_search_by(|one| one.name.as_str().cmp(name)).ok().map(|place| &BUILT_IN[place])
}
