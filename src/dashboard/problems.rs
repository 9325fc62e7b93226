//! What is wrong with a form, said beside its fields.

use std::fmt;

use askama::filters::{Html, HtmlSafe, escape};

use crate::domain::field::{FieldCode, FieldProblem, Segment};

/// What is wrong, by field.
#[derive(Default)]
pub(super) struct Problems(Vec<FieldProblem>);

/// What is wrong with one field; nothing is shown where nothing is.
pub(super) struct Said(String);

impl Problems {
    pub(super) fn new(problems: Vec<FieldProblem>) -> Self {
        Self(problems)
    }

    pub(super) fn of_one(field: &str, message: impl Into<String>) -> Self {
        Self(vec![FieldProblem::new(field, FieldCode::Invalid, message)])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field and with what is in it, by the name that the rules have for it: `name`, or
    /// `signature.header` for a field of a field.
    pub(super) fn of(&self, field: &str) -> Said {
        let is_of = |problem: &FieldProblem| {
            let mut path = problem.path.iter();
            field.split('.').all(|name| matches!(path.next(), Some(Segment::Name(other)) if other == name))
        };
        Said(self.0.iter().filter(|problem| is_of(problem)).map(FieldProblem::sentence).collect::<Vec<_>>().join("; "))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        if text.is_empty() {
            return Ok(());
        }
        let escaped = escape(text, Html).map_err(|_| fmt::Error)?;
        write!(f, "<span class=\"says\">{escaped}</span>")
    }
}

impl HtmlSafe for Said {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_field_that_is_wrong_says_so() {
        let problems = Problems::of_one("name", "must not be <b>");
        assert_eq!(problems.of("name").to_string(), "<span class=\"says\">name must not be &#60;b&#62;</span>");
        assert_eq!(problems.of("other").to_string(), "");
    }

    #[test]
    fn a_field_of_a_field_has_its_own() {
        let at = |path: &[&str]| {
            FieldProblem::at(path.iter().map(|name| (*name).into()).collect(), FieldCode::Invalid, "is bad".to_owned())
        };
        let problems = Problems::new(vec![at(&["signature", "header"]), at(&["signature", "prefix"])]);
        assert_eq!(problems.of("signature.prefix").to_string(), "<span class=\"says\">signature.prefix is bad</span>");
        assert!(problems.of("signature").to_string().contains("signature.header is bad; signature.prefix"));
        assert_eq!(problems.of("signature.prefix.more").to_string(), "");
    }
}
