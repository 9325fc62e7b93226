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
    /// It is the id of something that is not there.
    NotFound,
}

impl FieldCode {
    /// Every kind, for documents.
    pub const ALL: [Self; 9] = [
        Self::Required,
        Self::Unknown,
        Self::WrongType,
        Self::Invalid,
        Self::Length,
        Self::OutOfRange,
        Self::NotAllowed,
        Self::Mismatch,
        Self::NotFound,
    ];
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

    /// A field that is not there, with the name that was perhaps meant.
    #[must_use]
    pub fn unknown(path: Vec<Segment>, name: &str, known: &[&str]) -> Self {
        Self::not_here("a field", path, name, known)
    }

    /// A parameter of a query that is not there, in the same way.
    #[must_use]
    pub fn unknown_parameter(name: &str, known: &[&str]) -> Self {
        Self::not_here("a parameter", Vec::new(), name, known)
    }

    fn not_here(what: &str, mut path: Vec<Segment>, name: &str, known: &[&str]) -> Self {
        path.push(name.into());
        Self::at(path, FieldCode::Unknown, not_here(what, name, known))
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

/// Says of a field that it is not there, and which one was perhaps meant.
#[must_use]
pub fn no_such_field(name: &str, known: &[&str]) -> String {
    not_here("a field", name, known)
}

fn not_here(what: &str, name: &str, known: &[&str]) -> String {
    let names = known.join("`, `");
    match nearest(name, known) {
        Some(meant) => format!("is not {what} here; did you mean `{meant}`? There are: `{names}`"),
        None => format!("is not {what} here; there are: `{names}`"),
    }
}

/// The name that a misspelt one was probably meant to be: at most one letter in three is wrong.
#[must_use]
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name: Vec<char> = name.chars().take(NAME_CHARS_COMPARED).collect();
    let distances = known.iter().map(|other| (distance(&name, &other.chars().collect::<Vec<_>>()), *other));
    distances.min().filter(|(distance, _)| *distance <= (name.len() / 3).max(1)).map(|(_, other)| other)
}

/// How much of a name is compared: no name of ours is longer.
const NAME_CHARS_COMPARED: usize = 64;

/// How many letters must be added, dropped, replaced or swapped with their neighbour; letters of another case are
/// the same.
fn distance(a: &[char], b: &[char]) -> usize {
    let same = |i: usize, j: usize| a[i].eq_ignore_ascii_case(&b[j]);
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let replaced = rows[i][j] + usize::from(!same(i, j));
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && same(i, j - 1) && same(i - 1, j) {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
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
    fn a_misspelt_name_is_recognised() {
        let known = ["name", "url", "events", "retryPolicy"];
        for (given, meant) in [
            ("nmae", Some("name")),
            ("event", Some("events")),
            ("Events", Some("events")),
            ("retry_policy", Some("retryPolicy")),
            ("uri", Some("url")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, &known), meant, "{given}");
        }
        let problem = FieldProblem::unknown(vec!["inner".into()], "event", &known);
        assert!(problem.sentence().starts_with("inner.event is not a field here; did you mean `events`?"));
        assert_eq!(nearest(&"x".repeat(100_000), &known), None);
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
