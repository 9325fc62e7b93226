//! The ways in which programs write the same JSON, to find out which one a body went through.

use std::collections::BTreeMap;
use std::fmt::Write as _;

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

/// How a program spells the characters of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `é` and `/` as they are.
    Plain,
    /// `é` as it is, `\/`.
    Slashes,
    /// `\u00e9`, and `/` as it is.
    Ascii,
    /// `\u00e9` and `\/`.
    AsciiAndSlashes,
}

impl Spelling {
    pub(super) const ALL: [Self; 4] = [Self::Plain, Self::Slashes, Self::Ascii, Self::AsciiAndSlashes];

    const fn escapes_slashes(self) -> bool {
        matches!(self, Self::Slashes | Self::AsciiAndSlashes)
    }

    const fn is_ascii(self) -> bool {
        matches!(self, Self::Ascii | Self::AsciiAndSlashes)
    }

    fn push(self, character: char, out: &mut String) {
        match character {
            '/' if self.escapes_slashes() => out.push_str("\\/"),
            _ if self.is_ascii() && !character.is_ascii() => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // A string takes everything.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            _ => out.push(character),
        }
    }
}

/// Valid JSON with its strings in another spelling. Escapes of what must be escaped stay as they are.
pub(super) fn respell(json: &str, spelling: Spelling) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut rest = json;
    while let Some(character) = rest.chars().next() {
        let length = if let Some((meant, length)) = escaped(rest) {
            spelling.push(meant, &mut out);
            length
        } else if character == '\\' {
            // The character after it goes along: the second of `\\` must not look like the start of `\/`.
            let length = rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at);
            out.push_str(&rest[..length]);
            length
        } else {
            spelling.push(character, &mut out);
            character.len_utf8()
        };
        rest = &rest[length..];
    }
    out
}

/// The character that an escape at the start means, and how long the escape is; none for an escape that is needed.
fn escaped(text: &str) -> Option<(char, usize)> {
    let after = text.strip_prefix('\\')?;
    if after.starts_with('/') {
        return Some(('/', 2));
    }
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let first = unit(text)?;
    let units = if matches!(first, 0xd800..0xdc00) { vec![first, unit(text.get(6..)?)?] } else { vec![first] };
    let meant = char::decode_utf16(units.iter().copied()).next()?.ok()?;
    (!meant.is_ascii()).then_some((meant, 6 * units.len()))
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

    #[test]
    fn strings_are_respelt_and_mean_the_same() {
        let plain = "{\"a/b\":\"Grüße 😀 \\\\/ \\n \\\"\"}";
        let both = "{\"a\\/b\":\"Gr\\u00fc\\u00dfe \\ud83d\\ude00 \\\\\\/ \\n \\\"\"}";
        assert_eq!(respell(plain, Spelling::AsciiAndSlashes), both);
        for text in [plain, both] {
            assert_eq!(respell(text, Spelling::Plain), plain);
            for spelling in Spelling::ALL {
                let value: Value = serde_json::from_str(&respell(text, spelling)).unwrap();
                assert_eq!(value, serde_json::from_str::<Value>(plain).unwrap());
            }
        }
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
            let _ = Spelling::ALL.map(|spelling| respell(&text, spelling));
            let _ = sort_keys(&text);
        }
    }
}
