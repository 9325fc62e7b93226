//! What an expression of Prometheus names: the metrics with the labels that they are asked for, and the labels that
//! are grouped by. Enough to find a misspelt name; whether the expression makes sense is for its reader.

use std::collections::BTreeSet;

const FUNCTIONS: [&str; 16] = [
    "abs",
    "absent",
    "avg",
    "changes",
    "count",
    "delta",
    "deriv",
    "histogram_quantile",
    "increase",
    "max",
    "min",
    "predict_linear",
    "rate",
    "sum",
    "topk",
    "vector",
];
const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const OPERATORS: [&str; 5] = ["and", "or", "unless", "bool", "offset"];

/// What an expression names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Metrics, each with the labels that it is chosen by.
    pub(crate) metrics: Vec<(String, BTreeSet<String>)>,
    /// Labels that are grouped by.
    pub(crate) grouped: BTreeSet<String>,
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// Reads an expression; fails on what is no expression.
pub(crate) fn read(expression: &str) -> Named {
    let mut named = Named::default();
    let mut rest = expression;
    let mut open = Vec::new();
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            let word = &rest[..end];
            rest = rest[end..].trim_start();
            rest = read_word(word, rest, &mut named, expression);
            continue;
        }
        let skipped = match first {
            '0'..='9' => rest.find(|c| !is_name(c) && c != '.').unwrap_or(rest.len()),
            '[' => rest.find(']').unwrap_or_else(|| panic!("no end of [ in {expression}")) + 1,
            '(' => {
                open.push(first);
                1
            }
            ')' => {
                assert!(open.pop().is_some(), "a ) too many in {expression}");
                1
            }
            ' ' | '\n' | '+' | '-' | '*' | '/' | '<' | '>' | '=' | '!' | ',' => 1,
            other => panic!("{other:?} in {expression}"),
        };
        rest = &rest[skipped..];
    }
    assert!(open.is_empty(), "a ( without its ) in {expression}");
    assert!(!named.metrics.is_empty(), "no metric in {expression}");
    named
}

fn read_word<'a>(word: &str, rest: &'a str, named: &mut Named, expression: &str) -> &'a str {
    if OPERATORS.contains(&word) {
        return rest;
    }
    if GROUPING.contains(&word) {
        let (labels, after) = inside(rest, '(', ')', expression);
        named.grouped.extend(labels.split(',').map(|label| label.trim().to_owned()));
        return after;
    }
    if rest.starts_with('(') {
        assert!(FUNCTIONS.contains(&word), "{word} is no function: {expression}");
        return rest;
    }
    if FUNCTIONS.contains(&word) {
        // `sum by (…) (…)`.
        return rest;
    }
    let (matchers, after) = if rest.starts_with('{') { inside(rest, '{', '}', expression) } else { ("", rest) };
    let mut labels = BTreeSet::new();
    for matcher in matchers.split(',').map(str::trim).filter(|matcher| !matcher.is_empty()) {
        let end = matcher.find(|c| !is_name(c)).unwrap_or_else(|| panic!("{matcher} in {expression}"));
        let (label, value) = matcher.split_at(end);
        let value = ["=~", "!~", "!=", "="].iter().find_map(|operator| value.strip_prefix(operator));
        let is_quoted = value.is_some_and(|value| value.len() > 1 && value.starts_with('"') && value.ends_with('"'));
        assert!(is_quoted, "{matcher} in {expression}");
        labels.insert(label.to_owned());
    }
    named.metrics.push((word.to_owned(), labels));
    after
}

fn inside<'a>(text: &'a str, open: char, close: char, expression: &str) -> (&'a str, &'a str) {
    let inner = text.strip_prefix(open).and_then(|text| text.split_once(close));
    inner.unwrap_or_else(|| panic!("{open} without its {close} in {expression}"))
}
