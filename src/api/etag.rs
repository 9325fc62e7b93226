//! `ETag`, `If-Match` and `If-None-Match`: a thing's version, and requests that are bound to one.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

fn tag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The header that tells a thing's version.
pub(super) fn etag(version: i64) -> (HeaderName, HeaderValue) {
    (header::ETAG, HeaderValue::from_str(&tag(version)).expect("a number is visible ASCII"))
}

/// Whether a header names the version, or any; `None` without the header.
fn names(headers: &HeaderMap, name: &HeaderName, version: i64, weak: bool) -> Option<bool> {
    let current = tag(version);
    let mut values = headers.get_all(name).into_iter().peekable();
    values.peek()?;
    Some(values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim).any(
        |given| {
            let given = if weak { given.strip_prefix("W/").unwrap_or(given) } else { given };
            given == "*" || given == current
        },
    ))
}

/// Whether the client has this version already, and needs no body.
pub(super) fn is_known(headers: &HeaderMap, version: i64) -> bool {
    names(headers, &header::IF_NONE_MATCH, version, true) == Some(true)
}

/// Whether the client wants another version to be changed, and so not this one.
pub(super) fn is_another(headers: &HeaderMap, version: i64) -> bool {
    names(headers, &header::IF_MATCH, version, false) == Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn versions_are_named_or_not() {
        for (value, known) in
            [("\"7\"", true), ("W/\"7\"", true), ("\"6\", \"7\"", true), ("*", true), ("\"6\"", false)]
        {
            assert_eq!(is_known(&headers(header::IF_NONE_MATCH, value), 7), known, "{value}");
        }
        for (value, another) in [("\"7\"", false), ("*", false), ("W/\"7\"", true), ("\"6\"", true), ("7", true)] {
            assert_eq!(is_another(&headers(header::IF_MATCH, value), 7), another, "{value}");
        }
        assert!(!is_known(&HeaderMap::new(), 7) && !is_another(&HeaderMap::new(), 7));
    }
}
