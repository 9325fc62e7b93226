//! JSON with line breaks, for reading. Only blanks between tokens are changed: numbers, keys and their order stay as
//! they were written, which a parse and a print would not promise.

/// How deep lines are indented, at most: beyond this they only grow to the right.
const INDENT_MAX: usize = 24;

/// Breaks lines after each entry. Of a text that is not JSON comes something that is no worse to read.
pub(super) fn pretty(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                out.push(c);
                copy_string(&mut rest, &mut out);
            }
            '{' | '[' => {
                out.push(c);
                skip_blanks(&mut rest);
                let close = if c == '{' { '}' } else { ']' };
                if rest.next_if_eq(&close).is_some() {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            ' ' | '\t' | '\n' | '\r' => {}
            _ => out.push(c),
        }
    }
    out
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn copy_string(rest: &mut Chars<'_>, out: &mut String) {
    while let Some(c) = rest.next() {
        out.push(c);
        match c {
            '"' => return,
            '\\' => out.extend(rest.next()),
            _ => {}
        }
    }
}

fn skip_blanks(rest: &mut Chars<'_>) {
    while rest.next_if(char::is_ascii_whitespace).is_some() {}
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(INDENT_MAX)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_keys_and_order_stay() {
        let text = r#"{"z":12345678901234567890123,"a":[1.0, 2e5,{}],"b":"x,{\"}\\", "e":[ ]}"#;
        let expected = "{\n  \"z\": 12345678901234567890123,\n  \"a\": [\n    1.0,\n    2e5,\n    {}\n  ],\n  \"b\": \
            \"x,{\\\"}\\\\\",\n  \"e\": []\n}";
        assert_eq!(pretty(text), expected);
    }

    proptest! {
        #[test]
        fn nothing_but_blanks_between_tokens_changes(text in "\\PC{0,80}|[\\[\\]{}:,\" \\\\a1]{0,60}") {
            let bare = |text: &str| text.chars().filter(|c| !c.is_ascii_whitespace()).collect::<String>();
            prop_assert_eq!(bare(&pretty(&text)), bare(&text));
        }
    }
}
