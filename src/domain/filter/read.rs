//! Reads a filter: everything that is wrong with it is told at once.

use serde_json::{Map, Value};

use super::{
    CONDITIONS_MAX, Condition, DEPTH_MAX, FILTER_BYTES_MAX, FieldPath, Op, PATH_STEPS_MAX, ROOT, SEARCHES_MAX,
    STEP_BYTES_MAX, Step, VALUE_BYTES_MAX, VALUES_MAX,
};
use crate::domain::field::{FieldCode, FieldProblem, Segment};

/// More problems than this help nobody.
const PROBLEMS_MAX: usize = 20;

pub(super) fn read(source: &Value) -> Result<Condition, Vec<FieldProblem>> {
    let mut reader = Reader::default();
    let root = reader.condition(source, 1);
    if reader.conditions > CONDITIONS_MAX {
        reader.refuse(FieldCode::Length, format!("must have at most {CONDITIONS_MAX} conditions"));
    }
    if reader.searches > SEARCHES_MAX {
        let message = format!("must have at most {SEARCHES_MAX} conditions with `*` or `contains`");
        reader.refuse(FieldCode::Length, message);
    }
    if !serde_json::to_string(source).is_ok_and(|text| text.len() <= FILTER_BYTES_MAX) {
        reader.refuse(FieldCode::Length, format!("must have at most {FILTER_BYTES_MAX} bytes as JSON"));
    }
    match root {
        Some(root) if reader.problems.is_empty() => Ok(root),
        Some(_) | None => Err(reader.problems),
    }
}

#[derive(Default)]
struct Reader {
    place: Vec<Segment>,
    problems: Vec<FieldProblem>,
    conditions: usize,
    searches: usize,
}

impl Reader {
    fn refuse(&mut self, code: FieldCode, message: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(FieldProblem::at(self.place.clone(), code, message));
        }
    }

    fn within<T>(&mut self, segment: impl Into<Segment>, read: impl FnOnce(&mut Self) -> T) -> T {
        self.place.push(segment.into());
        let read = read(self);
        self.place.pop();
        read
    }

    fn refuse_at<T>(&mut self, name: &str, code: FieldCode, message: impl Into<String>) -> Option<T> {
        self.within(name, |reader| reader.refuse(code, message));
        None
    }

    fn condition(&mut self, source: &Value, depth: usize) -> Option<Condition> {
        self.conditions += 1;
        if self.conditions > CONDITIONS_MAX {
            return None;
        }
        if depth > DEPTH_MAX {
            self.refuse(FieldCode::OutOfRange, format!("is nested too deeply: at most {DEPTH_MAX} conditions"));
            return None;
        }
        let Some(fields) = source.as_object() else {
            self.refuse(FieldCode::WrongType, "must be a condition: a JSON object");
            return None;
        };
        let kinds: Vec<&str> =
            ["field", "all", "any", "not"].into_iter().filter(|kind| fields.contains_key(*kind)).collect();
        match kinds[..] {
            ["field"] => self.field(fields),
            ["all"] => self.alone(fields, "all").list("all", &fields["all"], depth).map(Condition::All),
            ["any"] => self.alone(fields, "any").list("any", &fields["any"], depth).map(Condition::Any),
            ["not"] => {
                let inner = self.alone(fields, "not").within("not", |it| it.condition(&fields["not"], depth + 1));
                inner.map(|inner| Condition::Not(Box::new(inner)))
            }
            [] => {
                self.refuse(FieldCode::Required, "must have one of `field`, `all`, `any` and `not`");
                None
            }
            _ => {
                self.refuse(FieldCode::Mismatch, format!("must have only one of `{}`", kinds.join("`, `")));
                None
            }
        }
    }

    /// Refuses whatever stands beside the names that are known.
    fn alone(&mut self, fields: &Map<String, Value>, known: &str) -> &mut Self {
        let known: Vec<&str> = known.split(' ').collect();
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let message = format!("is not a field here; there are: `{}`", known.join("`, `"));
            self.refuse_at::<()>(name, FieldCode::Unknown, message);
        }
        self
    }

    fn list(&mut self, name: &str, source: &Value, depth: usize) -> Option<Vec<Condition>> {
        self.within(name, |reader| {
            let Some(list) = source.as_array() else {
                reader.refuse(FieldCode::WrongType, "must be a list of conditions");
                return None;
            };
            if list.is_empty() {
                reader.refuse(FieldCode::Length, "must have at least one condition");
                return None;
            }
            let mut conditions = Vec::with_capacity(list.len().min(CONDITIONS_MAX));
            // One more than allowed, so that the count tells.
            for (index, one) in list.iter().enumerate().take(CONDITIONS_MAX + 1) {
                conditions.push(reader.within(index, |reader| reader.condition(one, depth + 1)));
            }
            conditions.into_iter().collect()
        })
    }

    fn field(&mut self, fields: &Map<String, Value>) -> Option<Condition> {
        self.alone(fields, "field op value");
        let path = self.within("field", |reader| reader.path(&fields["field"]));
        let op = match fields.get("op") {
            None => self.refuse_at("op", FieldCode::Required, "is required"),
            Some(given) => given.as_str().and_then(Op::parse).or_else(|| {
                let words = Op::ALL.map(Op::as_str).join("`, `");
                self.refuse_at("op", FieldCode::Invalid, format!("must be one of `{words}`"))
            }),
        };
        let (path, op) = (path?, op?);
        self.searches += usize::from(path.searches() || op == Op::Contains);
        let value = match (op, fields.get("value")) {
            (Op::Exists, None) => Value::Bool(true),
            (_, None) => return self.refuse_at("value", FieldCode::Required, "is required"),
            (_, Some(value)) => value.clone(),
        };
        let valid = self.within("value", |reader| reader.value(op, &value));
        valid.then_some(Condition::Field { path, op, value })
    }

    fn path(&mut self, source: &Value) -> Option<FieldPath> {
        let steps: Option<Vec<Step>> = match source {
            Value::String(text) => Some(text.split('.').map(step).collect()),
            Value::Array(list) => list.iter().map(literal_step).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        };
        let Some(mut steps) = steps else {
            let message = "must be a path such as `data.order.total`, or the list of its names and places";
            self.refuse(FieldCode::WrongType, message);
            return None;
        };
        let is_root = |step: &Step| matches!(step, Step::Name { name, .. } if name == ROOT);
        if steps.len() < 2 || !is_root(&steps[0]) {
            self.refuse(FieldCode::Invalid, "must start with `data.` and go on");
            return None;
        }
        if steps.len() > PATH_STEPS_MAX {
            self.refuse(FieldCode::Length, format!("must have at most {PATH_STEPS_MAX} steps"));
            return None;
        }
        let fits = |step: &Step| match step {
            Step::Name { name, .. } => (1..=STEP_BYTES_MAX).contains(&name.len()),
            Step::Each => true,
        };
        if !steps.iter().all(fits) {
            self.refuse(FieldCode::Length, format!("must have steps of 1 to {STEP_BYTES_MAX} bytes"));
            return None;
        }
        steps.remove(0);
        Some(FieldPath(steps))
    }

    fn value(&mut self, op: Op, value: &Value) -> bool {
        let before = self.problems.len();
        match op {
            Op::Eq | Op::Ne | Op::Contains => self.scalar(value),
            Op::In => match value.as_array() {
                Some(list) if (1..=VALUES_MAX).contains(&list.len()) => {
                    for (index, one) in list.iter().enumerate() {
                        self.within(index, |reader| reader.scalar(one));
                    }
                }
                Some(_) => self.refuse(FieldCode::Length, format!("must have 1 to {VALUES_MAX} entries")),
                None => self.refuse(FieldCode::WrongType, "must be a list"),
            },
            Op::Exists if value.is_boolean() => {}
            Op::Exists => self.refuse(FieldCode::WrongType, "must be true or false"),
            Op::Gt | Op::Gte | Op::Lt | Op::Lte if value.is_number() || value.is_string() => self.scalar(value),
            Op::Gt | Op::Gte | Op::Lt | Op::Lte => self.refuse(FieldCode::WrongType, "must be a number or a text"),
            Op::StartsWith | Op::EndsWith if value.is_string() => self.scalar(value),
            Op::StartsWith | Op::EndsWith => self.refuse(FieldCode::WrongType, "must be a text"),
        }
        self.problems.len() == before
    }

    fn scalar(&mut self, value: &Value) {
        match value {
            Value::String(text) if text.len() > VALUE_BYTES_MAX => {
                self.refuse(FieldCode::Length, format!("must have at most {VALUE_BYTES_MAX} bytes"));
            }
            Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
            Value::Array(_) | Value::Object(_) => {
                self.refuse(FieldCode::WrongType, "must be a text, a number, true, false or null");
            }
        }
    }
}

fn step(text: &str) -> Step {
    if text == "*" { Step::Each } else { named(text.to_owned()) }
}

fn named(name: String) -> Step {
    // `usize` would also be read from `+1`.
    let index = name.bytes().all(|b| b.is_ascii_digit()).then(|| name.parse().ok()).flatten();
    Step::Name { name, index }
}

/// A step of a path that is a list: a text is a name, whatever is in it.
fn literal_step(source: &Value) -> Option<Step> {
    match source {
        Value::String(name) => Some(named(name.clone())),
        Value::Number(place) => place.as_u64().map(|place| named(place.to_string())),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
