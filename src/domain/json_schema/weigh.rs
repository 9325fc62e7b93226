//! How much a schema may ask for when an event is judged by it.

use serde_json::Value;

use super::{PATTERNS_MAX, SCHEMA_BYTES_MAX, SCHEMA_DEPTH_MAX, SCHEMA_PARTS_MAX};
use crate::domain::field::{FieldCode, FieldProblem, Segment};

/// Keywords whose meaning depends on where a schema is used, so that what they lead to cannot be counted.
const DYNAMIC: [&str; 3] = ["$dynamicRef", "$recursiveRef", "$dynamicAnchor"];

/// How many parts a schema has, at least one.
pub(super) fn weigh(source: &Value) -> Result<usize, Vec<FieldProblem>> {
    let refuse = |code, message: String| Err(vec![FieldProblem::at(Vec::new(), code, message)]);
    if !source.is_object() {
        return refuse(FieldCode::WrongType, "must be a JSON Schema: a JSON object".to_owned());
    }
    if !serde_json::to_string(source).is_ok_and(|text| text.len() <= SCHEMA_BYTES_MAX) {
        return refuse(FieldCode::Length, format!("must have at most {SCHEMA_BYTES_MAX} bytes as JSON"));
    }
    let mut scales = Scales { root: source, path: Vec::new(), following: Vec::new(), parts: 0, patterns: 0 };
    scales.put(source, 1).map_err(|problem| vec![problem])?;
    if scales.patterns > PATTERNS_MAX {
        return refuse(FieldCode::Length, format!("must have at most {PATTERNS_MAX} patterns"));
    }
    Ok(scales.parts)
}

struct Scales<'a> {
    root: &'a Value,
    path: Vec<Segment>,
    /// The references that led here.
    following: Vec<&'a str>,
    parts: usize,
    patterns: usize,
}

impl<'a> Scales<'a> {
    /// Everything below counts, whether it is a schema or not: that is never too little.
    fn put(&mut self, value: &'a Value, depth: usize) -> Result<(), FieldProblem> {
        if !value.is_object() && !value.is_array() {
            return Ok(());
        }
        self.parts += 1;
        if self.parts > SCHEMA_PARTS_MAX {
            let message = format!("must have at most {SCHEMA_PARTS_MAX} objects and lists, with its `$ref`s followed");
            return Err(FieldProblem::at(Vec::new(), FieldCode::Length, message));
        }
        if depth > SCHEMA_DEPTH_MAX {
            let message = format!("must be nested at most {SCHEMA_DEPTH_MAX} levels deep, with its `$ref`s followed");
            return Err(FieldProblem::at(Vec::new(), FieldCode::OutOfRange, message));
        }
        if let Value::Array(list) = value {
            for (index, inner) in list.iter().enumerate() {
                self.within(index.into(), |scales| scales.put(inner, depth + 1))?;
            }
        }
        if let Value::Object(fields) = value {
            self.patterns += usize::from(fields.get("pattern").is_some_and(Value::is_string));
            self.patterns += fields.get("patternProperties").and_then(Value::as_object).map_or(0, serde_json::Map::len);
            for (name, inner) in fields {
                self.within(name.as_str().into(), |scales| match inner.as_str() {
                    Some(target) if name == "$ref" => scales.follow(target, depth),
                    Some(_) if DYNAMIC.contains(&name.as_str()) => {
                        Err(scales.refused("is not allowed here: use `$ref`"))
                    }
                    Some(_) if name == "$id" && depth > 1 => Err(scales.refused("may stand at the top only")),
                    Some(_) | None => scales.put(inner, depth + 1),
                })?;
            }
        }
        Ok(())
    }

    fn within(
        &mut self,
        segment: Segment,
        weigh: impl FnOnce(&mut Self) -> Result<(), FieldProblem>,
    ) -> Result<(), FieldProblem> {
        self.path.push(segment);
        let weighed = weigh(self);
        self.path.pop();
        weighed
    }

    fn refused(&self, message: &str) -> FieldProblem {
        FieldProblem::at(self.path.clone(), FieldCode::NotAllowed, message)
    }

    fn follow(&mut self, reference: &'a str, depth: usize) -> Result<(), FieldProblem> {
        let pointer = reference.strip_prefix('#').filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
        let Some(pointer) = pointer.filter(|pointer| !pointer.contains('%')) else {
            return Err(self.refused("must lead to a place in this schema, such as `#/$defs/address`"));
        };
        if self.following.contains(&pointer) {
            return Err(self.refused("leads back to itself"));
        }
        let Some(target) = self.root.pointer(pointer) else {
            return Err(self.refused("leads to nothing"));
        };
        // What is wrong there is told where it stands, not by the way here.
        let there = pointer.split('/').skip(1).map(Segment::from).collect();
        let here = std::mem::replace(&mut self.path, there);
        self.following.push(pointer);
        let weighed = self.put(target, depth + 1);
        self.following.pop();
        self.path = here;
        weighed
    }
}
