//! The ways in which programs write the same JSON, to find out which one a body went through.

use std::collections::BTreeMap;

use serde_json::Value;

/// A usual way to write JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `{"a":1,"b":2}`
    Compact,
    /// `{"a": 1, "b": 2}`
    Spaced,
    /// One member a line, two spaces a level.
    IndentedBy2,
    /// One member a line, four spaces a level.
    IndentedBy4,
}

impl Layout {
    pub(super) const ALL: [Self; 4] = [Self::Compact, Self::Spaced, Self::IndentedBy2, Self::IndentedBy4];

    const fn indent(self) -> Option<usize> {
        match self {
            Self::Compact | Self::Spaced => None,
            Self::IndentedBy2 => Some(2),
            Self::IndentedBy4 => Some(4),
        }
    }

    const fn after_colon(self) -> &'static str {
        match self {
            Self::Compact => "",
            Self::Spaced | Self::IndentedBy2 | Self::IndentedBy4 => " ",
        }
    }

    fn break_line(self, depth: usize, out: &mut String) {
        if let Some(indent) = self.indent() {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    }
}

/// Writes valid JSON in a layout. Strings and numbers keep their spelling and members their order, which a parser and
/// a writer would not promise.
pub(super) fn lay_out(json: &str, layout: Layout) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0usize;
    let mut string = StringState::Outside;
    let mut just_opened = false;
    for character in json.chars() {
        if string.is_inside() || character == '"' {
            if std::mem::take(&mut just_opened) {
                layout.break_line(depth, &mut out);
            }
            out.push(character);
            string = string.after(character);
            continue;
        }
        if matches!(character, ' ' | '\t' | '\r' | '\n') {
            continue;
        }
        let closes = matches!(character, '}' | ']');
        let opened = std::mem::take(&mut just_opened);
        if closes {
            depth = depth.saturating_sub(1);
        }
        // An empty object or array stays on its line.
        if opened != closes {
            layout.break_line(depth, &mut out);
        }
        out.push(character);
        match character {
            '{' | '[' => {
                depth += 1;
                just_opened = true;
            }
            ',' if layout == Layout::Spaced => out.push(' '),
            ',' => layout.break_line(depth, &mut out),
            ':' => out.push_str(layout.after_colon()),
            _ => {}
        }
    }
    out
}

#[derive(Clone, Copy)]
enum StringState {
    Outside,
    Inside,
    Escaped,
}

impl StringState {
    const fn is_inside(self) -> bool {
        matches!(self, Self::Inside | Self::Escaped)
    }

    const fn after(self, character: char) -> Self {
        match (self, character) {
            (Self::Inside, '\\') => Self::Escaped,
            (Self::Inside, '"') => Self::Outside,
            (Self::Outside | Self::Inside | Self::Escaped, _) => Self::Inside,
        }
    }
}

/// The same JSON, compact, with the members of every object in the order of their names; `None` if it is not JSON.
pub(super) fn sort_keys(json: &str) -> Option<String> {
    Some(sorted(serde_json::from_str(json).ok()?).to_string())
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_layout_is_what_other_programs_write() {
        let value = serde_json::json!({"a": [1, {"b": {}}, []], "c": "\"x\\ , y\"", "d": {"e": null}});
        let compact = value.to_string();
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        for json in [&compact, &pretty] {
            assert_eq!(lay_out(json, Layout::Compact), compact);
            assert_eq!(lay_out(json, Layout::IndentedBy2), pretty);
        }
        assert_eq!(lay_out(r#"{"a":[1,2],"b":{}}"#, Layout::Spaced), r#"{"a": [1, 2], "b": {}}"#);
        assert_eq!(lay_out(r#"{"a":[1]}"#, Layout::IndentedBy4), "{\n    \"a\": [\n        1\n    ]\n}");
    }

    #[test]
    fn spelling_of_numbers_and_order_of_members_stay() {
        let json = r#"{ "z" : 1.10, "a" : 1e2 }"#;
        assert_eq!(lay_out(json, Layout::Compact), r#"{"z":1.10,"a":1e2}"#);
        assert_eq!(sort_keys(r#"{"z":{"y":1,"x":2},"a":0}"#).unwrap(), r#"{"a":0,"z":{"x":2,"y":1}}"#);
        assert_eq!(sort_keys("{"), None);
    }

    proptest! {
        #[test]
        fn a_layout_never_changes_the_value(
            texts in prop::collection::vec("\\PC{0,9}", 0..5), layout in prop::sample::select(&Layout::ALL[..]),
        ) {
            let value = serde_json::json!({"list": texts, "nested": {"again": [texts]}});
            prop_assert_eq!(serde_json::from_str::<Value>(&lay_out(&value.to_string(), layout)).unwrap(), value);
        }

        #[test]
        fn garbage_never_panics(
            text in "\\PC{0,40}|[\\[\\]{},:\"\\\\ a1]{0,40}", layout in prop::sample::select(&Layout::ALL[..]),
        ) {
            let _ = lay_out(&text, layout);
            let _ = sort_keys(&text);
        }
    }
}
