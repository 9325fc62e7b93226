//! Query strings and ids in paths. A parameter that a route does not know is a mistake, and all mistakes are told at
//! once.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::Uri;
use axum::http::request::Parts;
use url::form_urlencoded;

use super::Api;
use super::problem::Problem;
use crate::domain::event::EventType;
use crate::domain::field::{FieldCode, FieldProblem};
use crate::domain::time::Timestamp;

/// The parameters of a request, and what is wrong with them.
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    problems: Vec<FieldProblem>,
}

impl Query {
    /// Reads the parameters; `known` are those that the route has.
    pub(super) fn read(uri: &Uri, known: &[&[&str]]) -> Self {
        Self::read_repeating(uri, known, &[])
    }

    /// The same where some parameters may be given again, which adds to a list with commas.
    pub(super) fn read_repeating(uri: &Uri, known: &[&[&str]], repeatable: &[&str]) -> Self {
        let known: Vec<&str> = known.concat();
        let mut query = Self { pairs: Vec::new(), problems: Vec::new() };
        for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
            if !known.contains(&&*name) {
                query.problems.push(FieldProblem::unknown_parameter(&name, &known));
            } else if let Some((_, before)) = query.pairs.iter_mut().find(|(other, _)| *other == name) {
                if repeatable.contains(&&*name) {
                    before.push(',');
                    before.push_str(&value);
                } else {
                    query.refuse(&name, FieldCode::Invalid, "is given twice");
                }
            } else {
                query.pairs.push((name.into_owned(), value.into_owned()));
            }
        }
        query
    }

    pub(super) fn refuse(&mut self, name: &str, code: FieldCode, message: impl Into<String>) {
        self.problems.push(FieldProblem::new(name, code, message));
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that `read` understands, or a problem that says what it must be.
    pub(super) fn get<T>(&mut self, name: &str, must: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = read(self.text(name)?);
        if value.is_none() {
            self.refuse(name, FieldCode::Invalid, format!("must be {must}"));
        }
        value
    }

    /// A parameter whose type says itself what is wrong.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        match self.text(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let message = format!("is {error}");
                self.refuse(name, FieldCode::Invalid, message);
                None
            }
        }
    }

    pub(super) fn time(&mut self, name: &str) -> Option<Timestamp> {
        self.get(name, "a time such as `2026-11-21T20:04:59.120Z`", Timestamp::parse_rfc3339)
    }

    pub(super) fn event_type(&mut self, name: &str) -> Option<String> {
        self.get(name, "an event type such as `order.created`", |text| {
            EventType::parse(text).ok().map(|event_type| event_type.as_str().to_owned())
        })
    }

    pub(super) fn finish(self) -> Result<(), Problem> {
        if self.problems.is_empty() { Ok(()) } else { Err(Problem::fields(self.problems)) }
    }
}

/// What an id in a path is of, for the sentence that it is not there.
pub(super) trait Noun: FromStr {
    const NOUN: &'static str;
}

impl Noun for crate::domain::id::EventId {
    const NOUN: &'static str = "event";
}
impl Noun for crate::domain::id::WebhookId {
    const NOUN: &'static str = "webhook";
}
impl Noun for crate::domain::id::DeliveryId {
    const NOUN: &'static str = "delivery";
}
impl Noun for crate::domain::id::PortalLinkId {
    const NOUN: &'static str = "portal link";
}

/// The id in a path. One that is malformed is of nothing that exists.
pub(super) struct Id<T>(pub(super) T);

impl<T: Noun> FromRequestParts<Arc<Api>> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, api).await;
        let id = text.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(|| Problem::not_found(T::NOUN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mistakes_are_told_at_once() {
        let uri = Uri::from_static("/x?createdAfter=yesterday&page=1&page=2&nope=3&eventType=a.b");
        let mut query = Query::read(&uri, &[&["createdAfter", "page"], &["eventType"]]);
        assert_eq!(query.time("createdAfter"), None);
        assert_eq!(query.event_type("eventType").as_deref(), Some("a.b"));
        let names: Vec<_> = query.problems.iter().map(|p| p.sentence().split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(names, ["page", "nope", "createdAfter"]);
        assert!(query.finish().is_err());
    }

    #[test]
    fn a_list_may_be_given_in_parts() {
        let uri = Uri::from_static("/x?tags=a&tags=b,c");
        let query = Query::read_repeating(&uri, &[&["tags"]], &["tags"]);
        assert_eq!(query.text("tags"), Some("a,b,c"));
        assert!(query.finish().is_ok());
        assert!(Query::read(&uri, &[&["tags"]]).finish().is_err());
    }
}
