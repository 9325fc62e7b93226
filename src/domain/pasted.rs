//! Requests as people have them at hand: lines of headers, the bytes of the wire, or a curl command.

/// A request that was received.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// The bytes of its body.
    pub body: Vec<u8>,
}

/// Takes what people have at hand: a JSON object, or the head of a request as a tool printed it.
#[must_use]
pub fn parse_headers(text: &str) -> Vec<(String, String)> {
    if let Ok(serde_json::Value::Object(object)) = serde_json::from_str(text) {
        let value = |value: serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return object.into_iter().map(|(name, given)| (name, value(given))).collect();
    }
    text.lines().filter_map(|line| header(line.trim_start_matches(['<', '>', ' ']))).collect()
}

fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim().to_owned(), value.trim().to_owned()))
}

/// The body is all that stands after the first empty line, to the byte.
#[must_use]
pub fn of_wire(bytes: &[u8]) -> Request {
    let mut end = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let is_empty = matches!(line, b"\n" | b"\r\n");
        end += line.len();
        if is_empty && end > line.len() {
            break;
        }
    }
    let (head, body) = bytes.split_at(end);
    Request { headers: parse_headers(&String::from_utf8_lossy(head)), body: body.to_vec() }
}

/// Reads headers and body of a curl command, as browsers and gateways copy it.
///
/// # Errors
/// When it is no curl command, or the body is in another file.
pub fn of_curl(command: &str) -> Result<Request, String> {
    let mut words = words(command)?.into_iter().peekable();
    if words.next_if(|word| word == "curl").is_none() {
        return Err("is no curl command".to_owned());
    }
    let mut request = Request::default();
    let mut parts = Vec::new();
    while let Some(word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option.to_owned(), Some(value.to_owned())),
            Some(_) | None => (word, None),
        };
        let (is_header, is_data) = match option.as_str() {
            "-H" | "--header" => (true, false),
            "-d" | "--data" | "--data-raw" | "--data-binary" | "--data-ascii" => (false, true),
            _ => continue,
        };
        let value = value.or_else(|| words.next()).ok_or_else(|| format!("{option} has no value"))?;
        if is_data && option != "--data-raw" && value.starts_with('@') {
            return Err("the body is in another file: use --headers and --body".to_owned());
        }
        if is_header {
            request.headers.extend(header(&value));
        } else {
            parts.push(value);
        }
    }
    request.body = parts.join("&").into_bytes();
    Ok(request)
}

/// The words of a command, as a POSIX shell and bash's `$'…'` make them.
fn words(command: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = command.chars();
    while let Some(character) = rest.next() {
        match character {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => single(&mut rest, word.get_or_insert_default())?,
            '"' => double(&mut rest, word.get_or_insert_default())?,
            '$' if rest.as_str().starts_with('\'') => {
                rest.next();
                ansi(&mut rest, word.get_or_insert_default())?;
            }
            '\\' => match rest.next() {
                // A line that goes on.
                Some('\n') | None => {}
                Some('\r') => drop(rest.next()),
                Some(escaped) => word.get_or_insert_default().push(escaped),
            },
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    Ok(words)
}

const OPEN: &str = "a quote is not closed";

fn single(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    let (inside, after) = rest.as_str().split_once('\'').ok_or(OPEN)?;
    word.push_str(inside);
    *rest = after.chars();
    Ok(())
}

fn double(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    while let Some(character) = rest.next() {
        match character {
            '"' => return Ok(()),
            '\\' => match rest.next().ok_or(OPEN)? {
                '\n' => {}
                escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            _ => word.push(character),
        }
    }
    Err(OPEN.to_owned())
}

fn ansi(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    while let Some(character) = rest.next() {
        match character {
            '\'' => return Ok(()),
            '\\' => match rest.next().ok_or(OPEN)? {
                'n' => word.push('\n'),
                'r' => word.push('\r'),
                't' => word.push('\t'),
                'u' => {
                    let digits: String = rest.by_ref().take(4).collect();
                    let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                    word.push(code.ok_or("an escape `\\u` is not a character")?);
                }
                other => word.push(other),
            },
            _ => word.push(character),
        }
    }
    Err(OPEN.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signature::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, Headers as _};

    #[test]
    fn headers_come_in_many_forms() {
        let lines = "POST / HTTP/1.1\r\nWebhook-Id: evt_1\r\nwebhook-timestamp:5\r\n\r\n";
        let traced = "> webhook-id: evt_1\n> webhook-timestamp: 5\n";
        let object = r#"{"webhook-id": "evt_1", "Webhook-Timestamp": 5}"#;
        for text in [lines, traced, object] {
            let headers = parse_headers(text);
            assert_eq!((headers.value(HEADER_ID), headers.value(HEADER_TIMESTAMP)), ("evt_1", "5"), "{text}");
            assert_eq!(headers.value(HEADER_SIGNATURE), "");
        }
    }

    #[test]
    fn the_body_of_a_dump_is_taken_to_the_byte() {
        let expected = |body: &[u8]| Request { headers: vec![("a".to_owned(), "b".to_owned())], body: body.to_vec() };
        assert_eq!(of_wire(b"POST / HTTP/1.1\r\na: b\r\n\r\n{\r\n\r\n}\n"), expected(b"{\r\n\r\n}\n"));
        assert_eq!(of_wire(b"a: b\n\n\xff\n"), expected(b"\xff\n"));
        assert_eq!(of_wire(b"a: b\n"), expected(b""));
    }

    #[test]
    fn a_curl_command_is_read_as_a_shell_does() {
        let expected = Request {
            headers: vec![("webhook-id".to_owned(), "evt_1".to_owned()), ("x".to_owned(), "it's".to_owned())],
            body: br#"{"a":"b c"}"#.to_vec(),
        };
        for command in [
            r#"curl -X POST 'https://example.com' -H 'webhook-id: evt_1' -H 'x: it'\''s' --data-raw '{"a":"b c"}'"#,
            "curl https://example.com \\\n  --header=\"webhook-id: evt_1\" \\\n  -H \"x: it's\" -d \"{\\\"a\\\":\\\"b c\\\"}\"",
            r#"curl -H $'webhook-id: evt_1' -H $'x: it\'s' --data-binary $'{"a":"b\u0020c"}'"#,
        ] {
            assert_eq!(of_curl(command).as_ref(), Ok(&expected), "{command}");
        }
        for wrong in ["wget x", "curl -H", "curl -d @file", "curl 'open", "curl \"open", "curl $'open"] {
            assert!(of_curl(wrong).is_err(), "{wrong}");
        }
    }
}
