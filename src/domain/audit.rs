//! Who changed what: the lines of the audit log. They hold names and settings, never a secret and never a payload.

use serde_json::{Map, Value, json};

use super::id::{AuditId, TenantId};
use super::tenant::Environment;
use super::user::User;

/// The most characters that a line shows of one value.
const VALUE_CHARS_MAX: usize = 300;

/// What kind of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A program, by its API key.
    Key,
    /// A person who has signed in.
    User,
    /// Whoever runs commands where the database is.
    Operator,
}

impl ActorKind {
    /// Every kind, for documents and parsers.
    pub const ALL: [Self; 3] = [Self::Key, Self::User, Self::Operator];

    /// The word that the API and the database use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::User => "user",
            Self::Operator => "operator",
        }
    }

    /// The kind that a word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Who, under the name that they had then.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Actor {
    /// What kind of somebody.
    pub kind: ActorKind,
    /// The id of the key or the user.
    pub id: Option<String>,
    /// The key's name, or the user's address.
    pub name: String,
}

impl Actor {
    /// Whoever runs a command where the database is.
    #[must_use]
    pub fn operator() -> Self {
        Self { kind: ActorKind::Operator, id: None, name: "command line".to_owned() }
    }
}

impl From<&User> for Actor {
    fn from(user: &User) -> Self {
        Self { kind: ActorKind::User, id: Some(user.id.to_string()), name: user.email.to_string() }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its id, which says when.
    pub id: AuditId,
    /// Whose things were changed; none: the deployment's.
    pub tenant: Option<TenantId>,
    /// In which environment, where the thing belongs to one.
    pub environment: Option<Environment>,
    /// Who did it.
    pub actor: Actor,
    /// Noun and verb: `webhook.update`.
    pub action: String,
    /// The id of what was changed.
    pub subject: String,
    /// Field to `{"old", "new"}`, or to what was asked for.
    pub changes: Value,
    /// In which request.
    pub request: Option<String>,
    /// From where.
    pub address: Option<String>,
}

impl AuditEntry {
    /// The same, which also says how many there were of something.
    #[must_use]
    pub fn counting(mut self, name: &str, count: u32) -> Self {
        if let Value::Object(changes) = &mut self.changes {
            changes.insert(name.to_owned(), count.into());
        }
        self
    }
}

/// What differs between two states of a thing: each field that does, with its old and its new value.
#[must_use]
pub fn changes(before: &Map<String, Value>, after: &Map<String, Value>) -> Value {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let value = |of: &Map<String, Value>, name: &str| shown(of.get(name).cloned().unwrap_or(Value::Null));
    let differing = names.filter(|name| before.get(*name) != after.get(*name));
    let pairs = differing.map(|name| (name.clone(), json!({ "old": value(before, name), "new": value(after, name) })));
    Value::Object(pairs.collect())
}

/// A value, or the beginning of one that is long.
fn shown(value: Value) -> Value {
    let text = match &value {
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => value.to_string(),
        Value::Null | Value::Bool(_) | Value::Number(_) => return value,
    };
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        None => value,
        Some((end, _)) => Value::String(format!("{}…", &text[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn only_what_differs_is_told() {
        let (before, after) = (map(&json!({ "a": 1, "b": "x", "c": 1 })), map(&json!({ "a": 1, "b": "y", "d": [2] })));
        let told = changes(&before, &after);
        assert_eq!(
            told,
            json!({
                "b": { "old": "x", "new": "y" }, "c": { "old": 1, "new": null }, "d": { "old": null, "new": [2] },
            })
        );
        let long = map(&json!({ "a": "é".repeat(400) }));
        let told = changes(&Map::new(), &long);
        assert_eq!(told["a"]["new"].as_str().map(|text| text.chars().count()), Some(VALUE_CHARS_MAX + 1));
    }
}
