//! What browsers add to requests by themselves: cookies, and where a request comes from.
//!
//! A browser adds a cookie to every request, whoever has it sent. So a request with nothing but a cookie may change
//! something only if it comes from our own pages: browsers say where it comes from in `Sec-Fetch-Site`, older ones, and
//! all of them over plain HTTP, in `Origin`. One that says neither is not believed.

use std::time::Duration;

/// The cookie that carries a session's token.
pub const SESSION_COOKIE: &str = "angarium_session";

/// The value of a cookie, among the values of `Cookie` headers.
pub fn cookie<'a>(headers: impl IntoIterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    let pairs = headers.into_iter().flat_map(|value| value.split(';'));
    let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(other, _)| *other == name).map(|(_, value)| value)
}

/// The `Set-Cookie` of a session, or, with an empty token, of the end of it. No script can read it.
#[must_use]
pub fn session_cookie(token: &str, lifetime: Duration, secure: bool) -> String {
    let seconds = if token.is_empty() { 0 } else { lifetime.as_secs() };
    let secure = if secure { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// Whether a request comes from our own pages, by its headers `Sec-Fetch-Site`, `Origin` and `Host`.
#[must_use]
pub fn is_from_own_page(site: Option<&str>, origin: Option<&str>, host: Option<&str>) -> bool {
    if let Some(site) = site {
        return site == "same-origin";
    }
    match (origin.and_then(|origin| origin.split_once("://")), host) {
        (Some((_, origin)), Some(host)) => !host.is_empty() && origin.eq_ignore_ascii_case(host),
        (None, _) | (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let found = |value: &'static str| cookie([value], SESSION_COOKIE);
        assert_eq!(found("a=b; angarium_session=t.o.k; c=d"), Some("t.o.k"));
        assert_eq!(cookie(["a=b", "angarium_session=t"], SESSION_COOKIE), Some("t"));
        assert_eq!(found("xangarium_session=t"), None);
        assert_eq!(found("angarium_session"), None);
    }

    #[test]
    fn a_cookie_alone_changes_things_only_from_our_own_pages() {
        assert!(is_from_own_page(Some("same-origin"), None, None));
        // What the browser says of the request counts before what can be compared.
        assert!(is_from_own_page(Some("same-origin"), Some("https://a"), Some("b")));
        for site in ["same-site", "cross-site", "none", ""] {
            assert!(!is_from_own_page(Some(site), Some("https://a"), Some("a")));
        }
        assert!(is_from_own_page(None, Some("https://a.example:8443"), Some("A.example:8443")));
        for (origin, host) in [
            (None, None),
            (None, Some("a")),
            (Some("null"), Some("a")),
            (Some("https://a.evil"), Some("a")),
            (Some("https://a:81"), Some("a")),
            (Some("https://"), Some("")),
        ] {
            assert!(!is_from_own_page(None, origin, host), "{origin:?} {host:?}");
        }
    }
}
