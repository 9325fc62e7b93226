//! What drafts have in common: how a field that a client gave, or did not, becomes the value that holds.
//!
//! `current` is the value of what is being changed, and absent when something is made.

use super::field::{FieldProblem, Given};

/// All that is wrong with a draft.
pub(super) type Problems = Vec<FieldProblem>;

/// A field without a default: given, or as it was.
pub(super) fn required<G, T: Clone>(
    name: &str,
    given: Given<G>,
    current: Option<&T>,
    problems: &mut Problems,
    check: impl FnOnce(G, &mut Problems) -> Option<T>,
) -> Option<T> {
    match (given, current) {
        (Given::Value(value), _) => check(value, problems),
        (Given::Absent, Some(current)) => Some(current.clone()),
        (Given::Absent | Given::Null, _) => keep(None, problems, || FieldProblem::required(name)),
    }
}

/// A field with a default, which null asks for.
pub(super) fn optional<G, T: Clone>(
    given: Given<G>,
    current: Option<&T>,
    default: impl FnOnce() -> T,
    problems: &mut Problems,
    check: impl FnOnce(G, &mut Problems) -> Option<T>,
) -> Option<T> {
    match given {
        Given::Value(value) => check(value, problems),
        Given::Absent => Some(current.cloned().unwrap_or_else(default)),
        Given::Null => Some(default()),
    }
}

/// The value, or a problem noted.
pub(super) fn keep<T>(value: Option<T>, problems: &mut Problems, problem: impl FnOnce() -> FieldProblem) -> Option<T> {
    if value.is_none() {
        problems.push(problem());
    }
    value
}

/// A name for people: trimmed, of 1 to `chars_max` characters.
pub(super) fn check_name(text: &str, chars_max: usize, problems: &mut Problems) -> Option<String> {
    let name = text.trim();
    let fits = (1..=chars_max).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    keep(fits.then(|| name.to_owned()), problems, || {
        let message = format!("must have 1 to {chars_max} characters and none of them a control character");
        FieldProblem::new("name", super::field::FieldCode::Length, message)
    })
}
