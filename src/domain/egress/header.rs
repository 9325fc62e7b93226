//! Which headers a customer may add to requests.
//!
//! Not those that frame a message, route it, or prove where it comes from: each would let a customer smuggle a second
//! request, reach a server that answers only to a special header, or send a signature that looks like ours.

/// The most custom headers of a webhook.
pub const HEADERS_MAX: usize = 20;
/// The most bytes in all names and values of a webhook's custom headers.
pub const HEADERS_BYTES_MAX: usize = 4096;

const DENIED_NAMES: [&str; 22] = [
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
    // What belongs to signatures of other kinds than those below.
    "digest",
    "signature-input",
    "x-twilio-signature",
    "x-webhook-token",
];

/// Headers that carry signatures: no customer may set them, and a profile may be told to sign in one.
const SIGNATURE_NAMES: [&str; 7] = [
    "signature",
    "stripe-signature",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-shopify-hmac-sha256",
    "x-signature",
    "x-webhook-signature",
];

/// With these, what belongs to signatures in every profile of ours, whichever a webhook has.
const DENIED_PREFIXES: [&str; 14] = [
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
    "x-hub-",
    "x-shopify-",
    "x-slack-",
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
    let is_denied = DENIED_NAMES.contains(&name.as_str()) || SIGNATURE_NAMES.contains(&name.as_str());
    if is_denied || DENIED_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(HeaderDenied::Reserved);
    }
    let visible = value.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    if visible && value.trim_matches(' ') == value { Ok(()) } else { Err(HeaderDenied::Value) }
}

/// Whether a webhook's signature may be put into a header of this name: one that a customer may set, or one that is
/// made for it. Not with `_`, which proxies drop.
#[must_use]
pub fn may_carry_signature(name: &str) -> bool {
    let plain = !name.contains('_') && !name.eq_ignore_ascii_case("user-agent");
    let made_for_it = SIGNATURE_NAMES.iter().any(|other| name.eq_ignore_ascii_case(other));
    plain && (made_for_it || check_header(name, "").is_ok())
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
    use crate::domain::profile::{Profile, SignatureOption};
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
    fn what_a_profile_sets_no_customer_can() {
        for profile in Profile::ALL {
            let option = SignatureOption::default_of(profile);
            let signatures = profile.schemes(&option).map(|scheme| scheme.header.to_owned());
            for name in profile.spec().headers.iter().map(|(name, _)| (*name).to_owned()).chain(signatures) {
                assert_eq!(check_header(&name, "x"), Err(HeaderDenied::Reserved), "{name}");
            }
        }
    }

    #[test]
    fn a_signature_goes_where_it_can_do_no_harm() {
        for name in ["X-Webhook-Signature", "x-signature", "Stripe-Signature", "X-Acme-Mac", "Authorization"] {
            assert!(may_carry_signature(name), "{name}");
        }
        for name in ["", "x y", "Host", "Content-Type", "webhook-signature", "User-Agent", "X_Sig", "Transfer-Encoding"]
        {
            assert!(!may_carry_signature(name), "{name}");
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
