//! As much YAML as the files under `deploy` are written in: maps, lists of maps and of texts, `"…"`, `|-`, comments on
//! lines of their own. Whatever else there is fails, so that a slip in such a file does not pass as something else.

use serde_json::{Map, Value};

struct Line<'a> {
    number: usize,
    indent: usize,
    text: &'a str,
}

/// Reads a file.
pub(crate) fn parse(text: &str) -> Value {
    assert!(!text.contains('\t'), "a tab");
    let mut lines: Vec<Line<'_>> = text
        .lines()
        .enumerate()
        .map(|(index, line)| Line {
            number: index + 1,
            indent: line.len() - line.trim_start().len(),
            text: line.trim(),
        })
        .filter(|line| !line.text.is_empty() && !line.text.starts_with('#'))
        .collect();
    lines.reverse();
    let value = block(&mut lines, 0);
    assert!(lines.is_empty(), "line {}: further left than anything above it", lines[lines.len() - 1].number);
    value
}

/// What stands at one indentation. `lines` is reversed: the next one is the last.
fn block(lines: &mut Vec<Line<'_>>, indent: usize) -> Value {
    let is_list = lines.last().is_some_and(|line| line.text.starts_with("- "));
    if is_list { Value::Array(list(lines, indent)) } else { Value::Object(map(lines, indent)) }
}

fn is_here(lines: &[Line<'_>], indent: usize) -> bool {
    let Some(line) = lines.last() else { return false };
    assert!(line.indent <= indent, "line {}: further right than it should be", line.number);
    line.indent == indent
}

fn list(lines: &mut Vec<Line<'_>>, indent: usize) -> Vec<Value> {
    let mut entries = Vec::new();
    while is_here(lines, indent) {
        let line = lines.pop().unwrap();
        let rest = line.text.strip_prefix("- ").unwrap_or_else(|| panic!("line {}: not an entry", line.number));
        if rest.starts_with('"') || split(rest).is_none() {
            entries.push(scalar(rest, line.number));
        } else {
            // The first field of a map, whose others are below it.
            lines.push(Line { number: line.number, indent: indent + 2, text: rest });
            entries.push(Value::Object(map(lines, indent + 2)));
        }
    }
    entries
}

fn split(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once(':')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| (name, rest.trim()))
}

fn map(lines: &mut Vec<Line<'_>>, indent: usize) -> Map<String, Value> {
    let mut fields = Map::new();
    while is_here(lines, indent) && !lines.last().unwrap().text.starts_with("- ") {
        let line = lines.pop().unwrap();
        let (name, rest) = split(line.text).unwrap_or_else(|| panic!("line {}: not a field", line.number));
        let value = match rest {
            "" => {
                let inner = lines.last().map_or(0, |next| next.indent);
                assert!(inner > indent, "line {}: {name} has no value", line.number);
                block(lines, inner)
            }
            "|-" => Value::String(folded(lines, indent)),
            text => scalar(text, line.number),
        };
        assert!(fields.insert(name.to_owned(), value).is_none(), "line {}: {name} is there twice", line.number);
    }
    fields
}

fn folded(lines: &mut Vec<Line<'_>>, indent: usize) -> String {
    let mut text = Vec::new();
    while lines.last().is_some_and(|line| line.indent > indent) {
        text.push(lines.pop().unwrap().text);
    }
    text.join("\n")
}

fn scalar(text: &str, number: usize) -> Value {
    if text.starts_with('"') {
        return serde_json::from_str(text).unwrap_or_else(|error| panic!("line {number}: {error}"));
    }
    let means_more = text.starts_with(['\'', '[', '{', '&', '*', '!', '|', '>', '%', '@', '`']);
    assert!(!means_more && !text.contains(": ") && !text.contains(" #"), "line {number}: put it in quotes: {text}");
    Value::String(text.to_owned())
}
