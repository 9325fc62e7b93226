//! Filters: which events a webhook wants, by what is in their data.
//!
//! A filter is a condition, and a condition is one of four JSON objects:
//!
//! ```json
//! {"field": "data.order.total", "op": "gte", "value": 100}
//! {"all": [ …conditions… ]}
//! {"any": [ …conditions… ]}
//! {"not": condition}
//! ```
//!
//! `field` is a path that starts at the event: `data`, then names, places in lists (`data.items.0.sku`), and `*` for
//! any entry of a list (`data.items.*.sku`). A name that itself has a dot or is a star is given in a list:
//! `["data", "price.net"]`.
//!
//! | `op` | holds when the field |
//! |---|---|
//! | `eq`, `ne` | equals the value; does not |
//! | `in` | equals one of the values of a list |
//! | `exists` | is there, be it null (`"value": false`: is not there) |
//! | `gt`, `gte`, `lt`, `lte` | is a number and so to a number, or a text and so to a text |
//! | `startsWith`, `endsWith` | is a text that does |
//! | `contains` | is a text with that in it, or a list with that entry |
//!
//! Values are texts, numbers, `true`, `false` and null. Nothing is converted: `"5"` is not `5`. A field that is not
//! there, or of another type, meets no condition but `ne` and `exists: false`: those two are the opposites of `eq` and
//! of `exists`, and with a `*` they say that *no* entry does. Numbers compare by their value, whole ones of 64 bits and
//! fractions in binary without loss; texts compare byte by byte, which puts RFC 3339 times of one zone in order. There
//! are no regular expressions: what a filter may cost is bounded when it is saved.
//!
//! A filter is read once ([`Filter::read`], with all its mistakes at once) and judged often ([`Filter::matches`]).

mod judge;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

use super::field::{FieldProblem, Segment};

/// How deeply conditions may nest.
pub const DEPTH_MAX: usize = 8;
/// How many conditions a filter may have, `all`, `any` and `not` included.
pub const CONDITIONS_MAX: usize = 64;
/// How many conditions may look through a list or a text: those with a `*`, and `contains`.
pub const SEARCHES_MAX: usize = 8;
/// How many steps a path may have.
pub const PATH_STEPS_MAX: usize = 16;
/// The most bytes of one step.
pub const STEP_BYTES_MAX: usize = 128;
/// The most bytes of a text to compare with.
pub const VALUE_BYTES_MAX: usize = 1024;
/// The most entries of a list to compare with.
pub const VALUES_MAX: usize = 100;
/// The most bytes of a filter, as JSON.
pub const FILTER_BYTES_MAX: usize = 16 * 1024;

/// A filter, as it was given and ready to be judged by.
#[derive(Clone, PartialEq)]
pub struct Filter {
    source: Value,
    root: Condition,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// With every problem at once; paths start inside the filter.
    pub fn read(source: &Value) -> Result<Self, Vec<FieldProblem>> {
        read::read(source).map(|root| Self { source: source.clone(), root })
    }

    /// As it was given.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// Whether an event with this data is wanted.
    #[must_use]
    pub fn matches(&self, data: &Value) -> bool {
        judge::holds(&self.root, data)
    }

    /// The conditions because of which an event with this data is not wanted; none if it is.
    #[must_use]
    pub fn unmet(&self, data: &Value) -> Vec<Unmet> {
        let mut unmet = Vec::new();
        judge::explain(&self.root, data, &mut Vec::new(), &mut unmet);
        unmet
    }
}

/// What a filter compares with may be personal: it stays out of logs.
impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter(…)")
    }
}

impl serde::Serialize for Filter {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.source.serialize(serializer)
    }
}

/// A condition that did not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Unmet {
    /// Where it stands in the filter.
    pub path: Vec<Segment>,
    /// The field that it looks at; none for a `not`.
    pub field: Option<String>,
    /// Its `op`, or `not`.
    pub op: &'static str,
    /// What there is at the field.
    pub found: Found,
}

/// The type of what was found; never the value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "each is the type that it names")]
pub enum Found {
    Nothing,
    Null,
    Boolean,
    Number,
    Text,
    List,
    Object,
}

impl Found {
    fn of(value: Option<&Value>) -> Self {
        match value {
            None => Self::Nothing,
            Some(Value::Null) => Self::Null,
            Some(Value::Bool(_)) => Self::Boolean,
            Some(Value::Number(_)) => Self::Number,
            Some(Value::String(_)) => Self::Text,
            Some(Value::Array(_)) => Self::List,
            Some(Value::Object(_)) => Self::Object,
        }
    }
}

#[derive(Clone, PartialEq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Field { path: FieldPath, op: Op, value: Value },
}

/// Below `data`; at least one step.
#[derive(Clone, PartialEq)]
struct FieldPath(Vec<Step>);

#[derive(Clone, PartialEq)]
enum Step {
    /// A field of an object, or a place in a list.
    Name { name: String, index: Option<usize> },
    /// Any entry of a list.
    Each,
}

impl FieldPath {
    fn searches(&self) -> bool {
        self.0.contains(&Step::Each)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ROOT)?;
        for step in &self.0 {
            match step {
                Step::Name { name, .. } => write!(f, ".{name}")?,
                Step::Each => f.write_str(".*")?,
            }
        }
        Ok(())
    }
}

/// What every path starts with.
const ROOT: &str = "data";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Eq,
    Ne,
    In,
    Exists,
    Gt,
    Gte,
    Lt,
    Lte,
    StartsWith,
    EndsWith,
    Contains,
}

impl Op {
    const ALL: [Self; 11] = [
        Self::Eq,
        Self::Ne,
        Self::In,
        Self::Exists,
        Self::Gt,
        Self::Gte,
        Self::Lt,
        Self::Lte,
        Self::StartsWith,
        Self::EndsWith,
        Self::Contains,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::In => "in",
            Self::Exists => "exists",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Contains => "contains",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.as_str() == word)
    }
}
