//! JSON Schemas: what a tenant says that the data of its own events looks like.
//!
//! Drafts 6 to 2020-12; without a `$schema` it is the last. A schema stands alone: `$ref` leads to `#/…` inside it and
//! nowhere else, so judging an event never asks the network or a file. What judging costs is bounded when a schema is
//! saved. Its references are followed and counted, so that none can lead back to itself or multiply; its patterns run
//! on an engine that never backtracks. `format` is a remark, as the later drafts have it, and not a rule.
//!
//! Problems name places and rules, never what stands at a place: payloads stay out of answers' texts and of logs.

mod weigh;

use std::sync::OnceLock;

use jsonschema::paths::{Location, LocationSegment};
use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use super::field::{FieldCode, FieldProblem, Segment};

/// The most bytes of a schema, as JSON.
pub const SCHEMA_BYTES_MAX: usize = 32 * 1024;
/// How deeply a schema may be nested, its references followed.
pub const SCHEMA_DEPTH_MAX: usize = 48;
/// How many objects and lists a schema may have, its references followed.
pub const SCHEMA_PARTS_MAX: usize = 1_000;
/// How many patterns a schema may have.
pub const PATTERNS_MAX: usize = 32;
/// The most problems that are told of one event.
pub const MISFITS_MAX: usize = 20;
/// The most bytes that a pattern may take when it is ready to run.
const PATTERN_BYTES_MAX: usize = 256 * 1024;
/// Up to so many pairs of a part of a schema and a value of the data every problem is told: all of them are made before
/// the first is seen.
const PAIRS_MAX: usize = 50_000;
/// The longest message of one problem.
const MESSAGE_CHARS_MAX: usize = 200;

const DIALECTS: [(&str, Draft); 4] = [
    ("https://json-schema.org/draft/2020-12/schema", Draft::Draft202012),
    ("https://json-schema.org/draft/2019-09/schema", Draft::Draft201909),
    ("http://json-schema.org/draft-07/schema", Draft::Draft7),
    ("http://json-schema.org/draft-06/schema", Draft::Draft6),
];

/// A schema that was read once. It is made ready to judge by when it first judges.
pub struct JsonSchema {
    source: Value,
    ready: OnceLock<Option<Ready>>,
}

struct Ready {
    validator: Validator,
    parts: usize,
}

impl JsonSchema {
    /// Reads a schema.
    ///
    /// # Errors
    /// With every problem that is found; paths start inside the schema.
    pub fn read(source: Value) -> Result<Self, Vec<FieldProblem>> {
        let ready = make_ready(&source)?;
        Ok(Self { source, ready: OnceLock::from(Some(ready)) })
    }

    /// One that was read before.
    #[must_use]
    pub fn stored(source: Value) -> Self {
        Self { source, ready: OnceLock::new() }
    }

    /// As it was given.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// What does not fit; at most [`MISFITS_MAX`] problems, whose paths start inside the data.
    #[must_use]
    pub fn misfits(&self, data: &Value) -> Vec<FieldProblem> {
        // A schema that was good when it was saved and is not now must not stop its owner's events.
        let ready = self.ready.get_or_init(|| make_ready(&self.source).ok());
        let Some(Ready { validator, parts }) = ready else { return Vec::new() };
        // Most events fit, and this is the faster question.
        if validator.is_valid(data) {
            return Vec::new();
        }
        if !has_at_most(data, PAIRS_MAX / parts) {
            let message = "does not fit, and is too large to say where";
            return vec![FieldProblem::at(Vec::new(), FieldCode::Mismatch, message)];
        }
        validator.iter_errors(data).take(MISFITS_MAX).map(|error| problem(&error)).collect()
    }
}

/// Whether there are at most so many values in it, itself included.
fn has_at_most(data: &Value, max: usize) -> bool {
    let mut rest = max;
    let mut open = vec![data];
    while let Some(value) = open.pop() {
        let Some(less) = rest.checked_sub(1) else { return false };
        rest = less;
        match value {
            Value::Array(list) => open.extend(list),
            Value::Object(fields) => open.extend(fields.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    true
}

fn make_ready(source: &Value) -> Result<Ready, Vec<FieldProblem>> {
    let parts = weigh::weigh(source)?;
    let validator = build(source)?;
    Ok(Ready { validator, parts })
}

fn build(source: &Value) -> Result<Validator, Vec<FieldProblem>> {
    let draft = dialect(source).map_err(|problem| vec![problem])?;
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
    jsonschema::options()
        .with_draft(draft)
        .should_validate_formats(false)
        .with_pattern_options(patterns)
        .offline()
        .build(source)
        .map_err(|error| vec![problem(&error)])
}

fn dialect(source: &Value) -> Result<Draft, FieldProblem> {
    let Some(given) = source.get("$schema") else { return Ok(Draft::Draft202012) };
    let known = given.as_str().and_then(|uri| {
        let uri = uri.strip_suffix('#').unwrap_or(uri);
        DIALECTS.into_iter().find(|(known, _)| *known == uri)
    });
    known.map(|(_, draft)| draft).ok_or_else(|| {
        let names = DIALECTS.map(|(uri, _)| uri).join("`, `");
        FieldProblem::new("$schema", FieldCode::NotAllowed, format!("must be one of `{names}`"))
    })
}

fn problem(error: &jsonschema::ValidationError<'_>) -> FieldProblem {
    let mut message = error.masked_with("the value").to_string();
    if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARS_MAX) {
        message.truncate(end);
        message.push('…');
    }
    FieldProblem::at(segments(error.instance_path()), FieldCode::Mismatch, format!("does not fit: {message}"))
}

fn segments(location: &Location) -> Vec<Segment> {
    let segment = |segment| match segment {
        LocationSegment::Property(name) => Segment::Name(name.into_owned()),
        LocationSegment::Index(index) => Segment::Index(index),
    };
    location.segments().map(segment).collect()
}

#[cfg(test)]
mod tests;
