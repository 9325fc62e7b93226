//! What is wrong with a field of something that a client sent: where, a word for programs, a sentence for people.
//!
//! Checks collect these instead of stopping at the first, so that a client learns of all its mistakes at once.

/// One step from a value to a value inside it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Segment {
    /// A field of an object.
    Name(String),
    /// An entry of a list, from 0.
    Index(usize),
}

impl From<&str> for Segment {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The kind of mistake, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FieldCode {
    /// It must be given, and not be null.
    Required,
    /// There is no such field.
    Unknown,
    /// It has another type than it should.
    WrongType,
    /// It has the right type, and is malformed.
    Invalid,
    /// It has too few or too many characters, bytes or entries.
    Length,
    /// It is a number outside its bounds.
    OutOfRange,
    /// It is well-formed, and the rules of this deployment refuse it.
    NotAllowed,
    /// It does not fit another field.
    Mismatch,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldProblem {
    /// Where.
    pub path: Vec<Segment>,
    /// What kind.
    pub code: FieldCode,
    /// What would be right; reads on from the field's name.
    pub message: String,
}

impl FieldProblem {
    /// A mistake in a field at the top.
    pub fn new(name: &str, code: FieldCode, message: impl Into<String>) -> Self {
        Self::at(vec![name.into()], code, message)
    }

    /// A mistake further down.
    pub fn at(path: Vec<Segment>, code: FieldCode, message: impl Into<String>) -> Self {
        Self { path, code, message: message.into() }
    }

    /// A field that must be given.
    #[must_use]
    pub fn required(name: &str) -> Self {
        Self::new(name, FieldCode::Required, "is required")
    }

    /// The same mistake, seen from one level further up.
    #[must_use]
    pub fn below(mut self, name: &str) -> Self {
        self.path.insert(0, name.into());
        self
    }

    /// Path and message in one line, such as `events[2] must be …`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = String::new();
        for segment in &self.path {
            match segment {
                Segment::Name(name) if text.is_empty() => text.push_str(name),
                Segment::Name(name) => {
                    text.push('.');
                    text.push_str(name);
                }
                Segment::Index(index) => {
                    text.push('[');
                    text.push_str(&index.to_string());
                    text.push(']');
                }
            }
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text + &self.message
    }
}

/// A field as a client gave it. Leaving it out and setting it to null are two things where something is changed: the
/// one keeps the value, the other resets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Given<T> {
    /// Not mentioned.
    #[default]
    Absent,
    /// Explicitly nothing.
    Null,
    /// This.
    Value(T),
}

impl<'de, T: serde::Deserialize<'de>> serde::Deserialize<'de> for Given<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<T>::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_a_sentence() {
        let path = vec!["retryPolicy".into(), "schedule".into(), 3.into()];
        let problem = FieldProblem::at(path, FieldCode::OutOfRange, "must be at most 5");
        assert_eq!(problem.sentence(), "retryPolicy.schedule[3] must be at most 5");
        let json = serde_json::to_string(&problem).unwrap();
        assert_eq!(
            json,
            r#"{"path":["retryPolicy","schedule",3],"code":"OUT_OF_RANGE","message":"must be at most 5"}"#
        );
    }

    #[test]
    fn absent_null_and_a_value_differ() {
        #[derive(serde::Deserialize)]
        struct Body {
            #[serde(default)]
            name: Given<u8>,
        }
        let read = |text| serde_json::from_str::<Body>(text).unwrap().name;
        assert_eq!(read("{}"), Given::Absent);
        assert_eq!(read(r#"{"name":null}"#), Given::Null);
        assert_eq!(read(r#"{"name":1}"#), Given::Value(1));
    }
}
