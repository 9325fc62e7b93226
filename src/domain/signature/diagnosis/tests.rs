use super::super::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, SigningKey, TOLERANCE};
use super::*;
use crate::domain::profile::{Profile, SignatureOption};
use base64::engine::general_purpose::STANDARD;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const TIMESTAMP: &str = "1700000000";
const ID: &str = "evt_01";
const BODY: &str = r#"{"b":1,"a":["x, y: {}",{}]}"#;

fn secret() -> Secret {
    Secret::generate([251; 32])
}

fn standard() -> Scheme<'static> {
    Profile::Default.spec().signatures[0]
}

fn signed(scheme: &Scheme<'_>, secret: &Secret, seconds: &str, body: &str) -> String {
    let message = Message { id: ID, seconds, body: body.as_bytes() };
    scheme.sign(&[&SigningKey::new(secret)], message).unwrap()
}

fn header(body: &str) -> String {
    signed(&standard(), &secret(), TIMESTAMP, body)
}

fn found(scheme: &Scheme<'_>, key: VerifyingKey, headers: &[(&str, &str)], body: &str) -> Vec<Finding> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    diagnose(scheme, &[key], &Received { headers: &headers, body: body.as_bytes() }, NOW, TOLERANCE)
}

fn findings(timestamp: &str, signature: &str, body: &str) -> Vec<Finding> {
    let headers = [(HEADER_ID, ID), (HEADER_TIMESTAMP, timestamp), (HEADER_SIGNATURE, signature)];
    found(&standard(), secret().into(), &headers, body)
}

fn prefix_missing() -> Finding {
    Finding::PrefixMissing { prefix: "v1,".to_owned() }
}

fn none_for_key() -> Finding {
    Finding::NoEntryForKey { prefix: "v1,".to_owned() }
}

const UNREADABLE: Finding = Finding::SignatureUnreadable { bytes: 32, encoding: "standard base64" };

#[test]
fn a_good_request_has_no_findings_even_beside_other_versions() {
    assert_eq!(findings(TIMESTAMP, &header(BODY), BODY), []);
    assert_eq!(findings(TIMESTAMP, &format!("v1a,AAAA {}", header(BODY)), BODY), []);
}

#[test]
fn changed_bodies_are_recognised() {
    let pretty = "{\n  \"b\": 1,\n  \"a\": [\n    \"x, y: {}\",\n    {}\n  ]\n}";
    let spaced = r#"{"b": 1, "a": ["x, y: {}", {}]}"#;
    let sorted = r#"{"a":["x, y: {}",{}],"b":1}"#;
    for (signed, received, change) in [
        (BODY.to_owned(), format!("{BODY}\n"), BodyChange::NewlineAdded),
        (BODY.to_owned(), format!("{BODY}\r\n"), BodyChange::NewlineAdded),
        (format!("{BODY}\n"), BODY.to_owned(), BodyChange::NewlineRemoved),
        (pretty.to_owned(), pretty.replace('\n', "\r\n"), BodyChange::LineEnds),
        (pretty.replace('\n', "\r\n"), pretty.to_owned(), BodyChange::LineEnds),
        (BODY.to_owned(), format!("\u{feff}{BODY}"), BodyChange::ByteOrderMark),
        (format!("\u{feff}{BODY}"), BODY.to_owned(), BodyChange::ByteOrderMark),
        (BODY.to_owned(), pretty.to_owned(), BodyChange::WhiteSpace),
        (BODY.to_owned(), spaced.to_owned(), BodyChange::WhiteSpace),
        (pretty.to_owned(), BODY.to_owned(), BodyChange::WhiteSpace),
        (format!("{pretty}\n"), BODY.to_owned(), BodyChange::WhiteSpace),
        (spaced.to_owned(), BODY.to_owned(), BodyChange::WhiteSpace),
        (sorted.to_owned(), BODY.to_owned(), BodyChange::KeyOrder),
        (sorted.to_owned(), pretty.to_owned(), BodyChange::KeyOrder),
    ] {
        let found = findings(TIMESTAMP, &header(&signed), &received);
        assert_eq!(found, [Finding::BodyChanged(change)], "{signed:?} {received:?}");
    }
}

#[test]
fn other_escapes_are_recognised() {
    let sent = r#"{"url":"https://example.com/é","name":"Grüße 😀"}"#;
    let by_python = r#"{"url": "https://example.com/\u00e9", "name": "Gr\u00fc\u00dfe \ud83d\ude00"}"#;
    let by_php = r#"{"url":"https:\/\/example.com\/\u00e9","name":"Gr\u00fc\u00dfe \ud83d\ude00"}"#;
    for (signed, received) in [(sent, by_python), (sent, by_php), (by_php, sent), (by_python, by_php)] {
        let found = findings(TIMESTAMP, &header(signed), received);
        assert_eq!(found, [Finding::BodyChanged(BodyChange::Escapes)], "{signed} {received}");
    }
}

#[test]
fn renamed_headers_and_other_profiles_are_recognised() {
    let signature = header(BODY);
    let renamed = |name: &str, found: &str| Finding::HeaderRenamed { name: name.to_owned(), found: found.to_owned() };
    let check = |headers: &[(&str, &str)]| found(&standard(), secret().into(), headers, BODY);
    let headers = [(HEADER_ID, ID), (HEADER_TIMESTAMP, TIMESTAMP), ("webhook_signature", &*signature)];
    assert_eq!(check(&headers), [renamed(HEADER_SIGNATURE, "webhook_signature")]);
    let headers = [("X-Webhook-Id", ID), (HEADER_TIMESTAMP, TIMESTAMP), (HEADER_SIGNATURE, &*signature)];
    assert_eq!(check(&headers), [renamed(HEADER_ID, "x-webhook-id")]);
    let headers = [(HEADER_ID, ID), (HEADER_TIMESTAMP, TIMESTAMP), ("X-Hub-Signature-256", "sha256=00")];
    assert_eq!(check(&headers), [Finding::OtherProfile { found: "x-hub-signature-256", profile: "github" }]);
}

#[test]
fn a_request_is_judged_by_the_signature_that_it_has() {
    let option = SignatureOption::default_of(Profile::Default);
    let schemes: Vec<_> = Profile::Default.schemes(&option).collect();
    let used = |name: &str| {
        let headers = vec![(name.to_owned(), "x".to_owned())];
        scheme_used(&schemes, &headers).unwrap().header
    };
    assert_eq!((used("other"), used(HEADER_SIGNATURE)), (HEADER_SIGNATURE, HEADER_SIGNATURE));
    assert_eq!(used("X-Webhook-Signature"), "x-webhook-signature");
}

#[test]
fn wrong_keys_and_wrong_signed_bytes_are_recognised() {
    let by = |secret: &Secret| signed(&standard(), secret, TIMESTAMP, BODY);
    let text = secret().reveal();
    assert_eq!(findings(TIMESTAMP, &by(&Secret::received_text(&text)), BODY), [Finding::SecretUsedAsText]);
    assert_eq!(findings(TIMESTAMP, &by(&Secret::received_text(&text[6..])), BODY), [Finding::SecretUsedAsText]);
    assert_eq!(findings(TIMESTAMP, &by(&Secret::generate([1; 32])), BODY), [Finding::NoMatch]);
    assert_eq!(findings(TIMESTAMP, &header(BODY), r#"{"b":2}"#), [Finding::NoMatch]);
    let body_only = Scheme { signed: &[Signed::Body], ..standard() };
    let template = "{id}.{timestamp}.{body}".to_owned();
    let by_body = signed(&body_only, &secret(), TIMESTAMP, BODY);
    assert_eq!(findings(TIMESTAMP, &by_body, BODY), [Finding::OnlyBodySigned { template }]);
}

#[test]
fn misspelt_signatures_are_recognised() {
    let good = header(BODY);
    let encoded = &good[3..];
    let tag = STANDARD.decode(encoded).unwrap();
    let hex = tag.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02X}"));
    for (signature, expected) in [
        (format!("v1,{hex}"), vec![Finding::SignatureInHex]),
        (format!("v1={hex}"), vec![prefix_missing(), Finding::SignatureInHex]),
        (format!("sha256={encoded}"), vec![prefix_missing()]),
        (encoded.to_owned(), vec![prefix_missing()]),
        (good.replace('=', ""), vec![Finding::SignatureUnpadded]),
        (good.replace('+', "-").replace('/', "_"), vec![Finding::SignatureInBase64Url]),
        (format!("{good},{good}"), vec![Finding::CommaBetweenEntries]),
        (format!("{good}, v1,AAAA"), vec![Finding::CommaBetweenEntries, UNREADABLE]),
        (good.replace("v1,", "v2,"), vec![none_for_key()]),
        (good[..20].to_owned(), vec![UNREADABLE]),
        (vec![good.as_str(); 17].join(" "), vec![Finding::TooManySignatures]),
        (" ".to_owned(), vec![Finding::SpareSpace, none_for_key()]),
    ] {
        assert_eq!(findings(TIMESTAMP, &signature, BODY), expected, "{signature}");
    }
}

#[test]
fn headers_and_times_are_checked_beside_the_signature() {
    let good = header(BODY);
    assert_eq!(findings("1700000000000", &good, BODY)[0], Finding::TimestampInMilliseconds);
    assert_eq!(findings("1700000000.0", &good, BODY)[0], Finding::TimestampNotAnInteger);
    let at = |seconds: i64| {
        let seconds = seconds.to_string();
        findings(&seconds, &signed(&standard(), &secret(), &seconds, BODY), BODY)
    };
    assert_eq!(at(1_700_000_000 - 400), [Finding::TooOld { age: Duration::from_secs(400) }]);
    assert_eq!(at(1_700_000_000 + 301), [Finding::InFuture { ahead: Duration::from_secs(301) }]);
    let missing = [HEADER_TIMESTAMP, HEADER_SIGNATURE].map(|name| Finding::MissingHeader { name: name.to_owned() });
    assert_eq!(findings("", "", BODY), missing);
}

#[test]
fn each_scheme_has_its_own_mistakes() {
    let text = Secret::received_text(&secret().reveal());
    let check = |profile: Profile, header: &str, key: &Secret| {
        let option = SignatureOption::default_of(profile);
        let scheme = profile.scheme(&option);
        let headers = [(HEADER_ID, ID), ("x-slack-request-timestamp", TIMESTAMP), (scheme.header, header)];
        found(&scheme, key.clone().into(), &headers, BODY)
    };
    let by = |profile: Profile, key: &Secret| {
        let option = SignatureOption::default_of(profile);
        signed(&profile.scheme(&option), key, TIMESTAMP, BODY)
    };
    let stripe = by(Profile::Stripe, &text);
    assert_eq!(check(Profile::Stripe, &stripe, &text), []);
    assert_eq!(check(Profile::Stripe, &stripe.replace(",v1", ", v1"), &text), [Finding::SpareSpace]);
    let other = Finding::NoEntryForKey { prefix: "v1=".to_owned() };
    assert_eq!(check(Profile::Stripe, &stripe.replace(",v1", ",v0"), &text), [other]);
    assert_eq!(check(Profile::Stripe, &by(Profile::Stripe, &secret()), &text), [Finding::SecretDecoded]);

    let github = by(Profile::GitHub, &text);
    let bare = &github["sha256=".len()..];
    let prefix = Finding::PrefixMissing { prefix: "sha256=".to_owned() };
    assert_eq!(check(Profile::GitHub, bare, &text), [prefix]);
    let capitals = format!("sha256={}", bare.to_uppercase());
    assert_eq!(check(Profile::GitHub, &capitals, &text), [Finding::SignatureInCapitals]);

    let shopify = by(Profile::Shopify, &text);
    assert_eq!(check(Profile::Shopify, bare, &text), [Finding::SignatureInHex]);
    assert_eq!(check(Profile::Shopify, shopify.trim_end_matches('='), &text), [Finding::SignatureUnpadded]);
    assert_eq!(check(Profile::GTateth, &shopify, &text), [Finding::SignatureInBase64]);

    let body_alone = format!("v0={bare}");
    let template = "v0:{timestamp}:{body}".to_owned();
    assert_eq!(check(Profile::Slack, &body_alone, &text), [Finding::OnlyBodySigned { template }]);
}

#[test]
fn a_public_key_is_diagnosed_like_a_secret() {
    let pair = Secret::generate_as(SecretKind::Ed25519, [7; 32]);
    let good = signed(&standard(), &pair, TIMESTAMP, BODY);
    let check = |signature: &str, body: &str| {
        let headers = [(HEADER_ID, ID), (HEADER_TIMESTAMP, TIMESTAMP), (HEADER_SIGNATURE, signature)];
        found(&standard(), pair.clone().into(), &headers, body)
    };
    assert_eq!(check(&good, BODY), []);
    let change = Finding::BodyChanged(BodyChange::NewlineAdded);
    assert_eq!(check(&good, &format!("{BODY}\n")), [change]);
    assert_eq!(check(&header(BODY), BODY), [Finding::NoEntryForKey { prefix: "v1a,".to_owned() }]);
}

#[test]
fn findings_are_sentences_with_a_hint() {
    let change = Finding::BodyChanged(BodyChange::KeyOrder);
    for finding in [Finding::NoMatch, change, Finding::TooOld { age: TOLERANCE }, Finding::SignatureInHex, UNREADABLE] {
        let text = finding.to_string();
        assert!(text.contains(": ") && text.ends_with('.'), "{text}");
    }
}
