//! Which headers a customer may add to requests.
//!
//! Not those that frame a message, route it, or prove where it comes from: each would let a customer smuggle a second
//! request, reach a server that answers only to a special header, or send a signature that looks like ours.

/// The most custom headers of a webhook.
pub const HEADERS_MAX: usize = 20;
/// The most bytes in all names and values of a webhook's custom headers.
pub const HEADERS_BYTES_MAX: usize = 4096;

const DENIED_NAMES: [&str; 31] = [
    // Framing and hop-by-hop.
    "connection",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    // Answers come as they are: nothing here unpacks them.
    "accept-encoding",
    // Who asked, as proxies tell it.
    "forwarded",
    "via",
    "x-real-ip",
    // Sessions.
    "cookie",
    "cookie2",
    "set-cookie",
    // What metadata services want to see.
    "metadata",
    "metadata-flavor",
    // Signatures and what belongs to them, of every profile.
    "digest",
    "signature",
    "signature-input",
    "stripe-signature",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-shopify-hmac-sha256",
    "x-signature",
    "x-slack-request-timestamp",
    "x-slack-signature",
    "x-twilio-signature",
    "x-webhook-signature",
    "x-webhook-token",
];

const DENIED_PREFIXES: [&str; 11] = [
    "ce-",
    "content-",
    "proxy-",
    "sec-",
    "svix-",
    "webhook-",
    "x-amz-",
    "x-angarium-",
    "x-aws-ec2-metadata-",
    "x-forwarded-",
    "x-github-",
];

/// Why a custom header is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderDenied {
    /// The name is not a token.
    #[error("must have a name of letters, digits and `-` or `_`")]
    Name,
    /// The name is one that customers may not set.
    #[error("is a header that Angarium or the connection sets")]
    Reserved,
    /// The value has something else than visible ASCII in it, or a space at an end.
    #[error("must have a value of visible ASCII characters and inner spaces")]
    Value,
    /// Two headers with one name.
    #[error("is given twice")]
    Twice,
    /// More than [`HEADERS_MAX`].
    #[error("there may be at most {HEADERS_MAX} headers")]
    TooMany,
    /// More than [`HEADERS_BYTES_MAX`].
    #[error("all headers together may have at most {HEADERS_BYTES_MAX} bytes")]
    TooLarge,
}

/// Judges one custom header; names are compared without regard to case.
///
/// # Errors
/// When the name is reserved, or name or value are malformed.
pub fn check_header(name: &str, value: &str) -> Result<(), HeaderDenied> {
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        return Err(HeaderDenied::Name);
    }
    // Some servers read `_` as `-`, so `Content_Length` must not get past either.
    let name = name.to_ascii_lowercase().replace('_', "-");
    if DENIED_NAMES.contains(&name.as_str()) || DENIED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(HeaderDenied::Reserved);
    }
    let visible = value.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if visible && value.trim_matches(' ') == value { Ok(()) } else { Err(HeaderDenied::Value) }
}

/// Judges all custom headers of a webhook.
///
/// # Errors
/// With the index of the first that is refused and why; when all together are too much, with how many there are.
pub fn check_headers<N: AsRef<str>, V: AsRef<str>>(headers: &[(N, V)]) -> Result<(), (usize, HeaderDenied)> {
    if headers.len() > HEADERS_MAX {
        return Err((headers.len(), HeaderDenied::TooMany));
    }
    for (index, (name, value)) in headers.iter().enumerate() {
        check_header(name.as_ref(), value.as_ref()).map_err(|denied| (index, denied))?;
        if headers[..index].iter().any(|(other, _)| other.as_ref().eq_ignore_ascii_case(name.as_ref())) {
            return Err((index, HeaderDenied::Twice));
        }
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_ref().len() + value.as_ref().len()).sum();
    if bytes > HEADERS_BYTES_MAX { Err((headers.len(), HeaderDenied::TooLarge)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reserved_headers_are_refused_however_spelt() {
        for name in [
            "Host",
            "HOST",
            "Content-Type",
            "content_length",
            "Transfer-Encoding",
            "TE",
            "Connection",
            "Upgrade",
            "Expect",
            "Cookie",
            "Proxy-Authorization",
            "Webhook-Id",
            "webhook-signature",
            "X-Webhook-Signature",
            "X_Webhook_Token",
            "X-Hub-Signature-256",
            "Stripe-Signature",
            "X-Slack-Signature",
            "Signature-Input",
            "X-Shopify-Hmac-Sha256",
            "X-SIGNATURE",
            "svix-id",
            "ce-id",
            "X-Forwarded-For",
            "Metadata-Flavor",
        ] {
            assert_eq!(check_header(name, "x"), Err(HeaderDenied::Reserved), "{name}");
        }
        for name in ["Authorization", "X-Api-Key", "User-Agent", "X-Tenant", "Accept", "traceparent"] {
            assert_eq!(check_header(name, "Bearer a b"), Ok(()), "{name}");
        }
    }

    #[test]
    fn nothing_can_break_out_of_a_header() {
        for name in ["", "X Y", "X:", "X-É", "X\r\nHost", "(x)"] {
            assert_eq!(check_header(name, "x"), Err(HeaderDenied::Name), "{name:?}");
        }
        for value in ["a\r\nHost: b", "a\n", "a\0", "\u{7f}", "é", " a", "a ", "a\tb"] {
            assert_eq!(check_header("X-A", value), Err(HeaderDenied::Value), "{value:?}");
        }
        assert_eq!(check_header("X-A", ""), Ok(()));
    }

    #[test]
    fn headers_are_bounded_together() {
        let many: Vec<_> = (0..=HEADERS_MAX).map(|n| (format!("X-{n}"), "v")).collect();
        assert_eq!(check_headers(&many), Err((21, HeaderDenied::TooMany)));
        assert_eq!(check_headers(&many[1..]), Ok(()));
        assert_eq!(check_headers(&[("X-A", "1"), ("x-a", "2")]), Err((1, HeaderDenied::Twice)));
        assert_eq!(check_headers(&[("X-A", "1"), ("Host", "2")]), Err((1, HeaderDenied::Reserved)));
        let half = "v".repeat(HEADERS_BYTES_MAX / 2 - 3);
        assert_eq!(check_headers(&[("X-A", &half), ("X-B", &half)]), Ok(()));
        assert_eq!(check_headers(&[("X-A", &half), ("X-BC", &half)]), Err((2, HeaderDenied::TooLarge)));
    }

    proptest! {
        #[test]
        fn what_passes_is_a_header(name in "\\PC{0,9}|[A-Za-z_-]{1,9}", value in "\\PC{0,9}|[ -~]{0,9}") {
            if check_header(&name, &value).is_ok() {
                prop_assert!(http::HeaderName::from_bytes(name.as_bytes()).is_ok());
                prop_assert!(http::HeaderValue::from_str(&value).is_ok());
            }
        }
    }
}
