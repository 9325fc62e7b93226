//! Whether data meets a condition, and if not, why.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::{Condition, FieldPath, Found, Op, Step, Unmet};
use crate::domain::field::Segment;

pub(super) fn holds(condition: &Condition, data: &Value) -> bool {
    match condition {
        Condition::All(inner) => inner.iter().all(|one| holds(one, data)),
        Condition::Any(inner) => inner.iter().any(|one| holds(one, data)),
        Condition::Not(inner) => !holds(inner, data),
        Condition::Field { path, op, value } => field_holds(path, *op, value, data),
    }
}

fn field_holds(path: &FieldPath, op: Op, value: &Value, data: &Value) -> bool {
    let some = |test: &dyn Fn(&Value) -> bool| reaches(data, &path.0, test);
    match op {
        Op::Eq => some(&|found| equals(found, value)),
        Op::Ne => !some(&|found| equals(found, value)),
        Op::In => some(&|found| value.as_array().is_some_and(|list| list.iter().any(|one| equals(found, one)))),
        Op::Exists => some(&|_| true) == (value == &Value::Bool(true)),
        Op::Gt => some(&|found| compare(found, value) == Some(Ordering::Greater)),
        Op::Gte => some(&|found| compare(found, value).is_some_and(Ordering::is_ge)),
        Op::Lt => some(&|found| compare(found, value) == Some(Ordering::Less)),
        Op::Lte => some(&|found| compare(found, value).is_some_and(Ordering::is_le)),
        Op::StartsWith => some(&|found| both_texts(found, value).is_some_and(|(text, start)| text.starts_with(start))),
        Op::EndsWith => some(&|found| both_texts(found, value).is_some_and(|(text, end)| text.ends_with(end))),
        Op::Contains => some(&|found| match found {
            Value::Array(list) => list.iter().any(|one| equals(one, value)),
            Value::String(_) => both_texts(found, value).is_some_and(|(text, part)| text.contains(part)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
        }),
    }
}

/// Whether a value that the path leads to passes the test.
fn reaches(from: &Value, steps: &[Step], test: &dyn Fn(&Value) -> bool) -> bool {
    let Some((step, rest)) = steps.split_first() else { return test(from) };
    match (step, from) {
        (Step::Name { name, .. }, Value::Object(fields)) => {
            fields.get(name).is_some_and(|inner| reaches(inner, rest, test))
        }
        (Step::Name { index: Some(index), .. }, Value::Array(list)) => {
            list.get(*index).is_some_and(|inner| reaches(inner, rest, test))
        }
        (Step::Each, Value::Array(list)) => list.iter().any(|inner| reaches(inner, rest, test)),
        (Step::Name { .. } | Step::Each, _) => false,
    }
}

fn both_texts<'a>(found: &'a Value, value: &'a Value) -> Option<(&'a str, &'a str)> {
    Some((found.as_str()?, value.as_str()?))
}

fn equals(found: &Value, value: &Value) -> bool {
    match (found, value) {
        (Value::Number(found), Value::Number(value)) => compare_numbers(found, value) == Some(Ordering::Equal),
        (found, value) => found == value,
    }
}

/// How a value stands to another of its type; none where they have no order.
fn compare(found: &Value, value: &Value) -> Option<Ordering> {
    match (found, value) {
        (Value::Number(found), Value::Number(value)) => compare_numbers(found, value),
        (Value::String(found), Value::String(value)) => Some(found.cmp(value)),
        _ => None,
    }
}

fn compare_numbers(a: &Number, b: &Number) -> Option<Ordering> {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (Some(a), None) => compare_mixed(a, b.as_f64()?),
        (None, Some(b)) => compare_mixed(b, a.as_f64()?).map(Ordering::reverse),
        (None, None) => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// Without rounding the whole number to a fraction's 53 bits, which would make neighbours equal.
#[allow(clippy::cast_possible_truncation, reason = "what is beyond 128 bits stays beyond 64, on its side")]
fn compare_mixed(a: i128, b: f64) -> Option<Ordering> {
    let whole = b.trunc();
    match a.cmp(&(whole as i128)) {
        Ordering::Equal => whole.partial_cmp(&b),
        unequal => Some(unequal),
    }
}

/// Adds the conditions because of which `condition` does not hold.
pub(super) fn explain(condition: &Condition, data: &Value, path: &mut Vec<Segment>, unmet: &mut Vec<Unmet>) {
    if holds(condition, data) {
        return;
    }
    match condition {
        Condition::All(inner) => explain_each("all", inner, data, path, unmet),
        Condition::Any(inner) => explain_each("any", inner, data, path, unmet),
        Condition::Not(_) => {
            unmet.push(Unmet { path: path.clone(), field: None, op: "not", found: Found::Object });
        }
        Condition::Field { path: field, op, .. } => {
            let found = first(data, &field.0);
            let (field, op) = (Some(field.to_string()), op.as_str());
            unmet.push(Unmet { path: path.clone(), field, op, found: Found::of(found) });
        }
    }
}

fn explain_each(name: &str, inner: &[Condition], data: &Value, path: &mut Vec<Segment>, unmet: &mut Vec<Unmet>) {
    path.push(name.into());
    for (index, one) in inner.iter().enumerate() {
        path.push(index.into());
        explain(one, data, path, unmet);
        path.pop();
    }
    path.pop();
}

/// The first value that a path leads to.
fn first<'a>(from: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    let Some((step, rest)) = steps.split_first() else { return Some(from) };
    match (step, from) {
        (Step::Name { name, .. }, Value::Object(fields)) => first(fields.get(name)?, rest),
        (Step::Name { index: Some(index), .. }, Value::Array(list)) => first(list.get(*index)?, rest),
        (Step::Each, Value::Array(list)) => list.iter().find_map(|inner| first(inner, rest)),
        (Step::Name { .. } | Step::Each, _) => None,
    }
}
