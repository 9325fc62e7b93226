//! What the texts of a form's fields give to a draft.

use serde::de::DeserializeOwned;

use crate::domain::field::{FieldCode, FieldProblem, Given};

/// A text; an empty one is none.
pub(super) fn text(text: &str) -> Given<String> {
    if text.is_empty() { Given::Null } else { Given::Value(text.to_owned()) }
}

/// What a text says as JSON; an empty one says nothing.
pub(super) fn json<T: DeserializeOwned>(
    text: &str,
    field: &str,
    what: &str,
    problems: &mut Vec<FieldProblem>,
) -> Given<T> {
    if text.is_empty() {
        return Given::Null;
    }
    serde_json::from_str(text).map_or_else(
        |error| {
            problems.push(FieldProblem::new(field, FieldCode::Invalid, format!("must be {what}: {error}")));
            Given::Absent
        },
        Given::Value,
    )
}

/// A whole number, if there is a text.
pub(super) fn number(text: &str, field: &str, problems: &mut Vec<FieldProblem>) -> Option<i64> {
    if text.is_empty() {
        return None;
    }
    let number = text.parse().ok();
    if number.is_none() {
        problems.push(FieldProblem::new(field, FieldCode::Invalid, "must be a whole number"));
    }
    number
}
