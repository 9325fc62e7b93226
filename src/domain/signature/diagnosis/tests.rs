use super::super::{TOLERANCE, standard_header};
use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const TIMESTAMP: &str = "1700000000";
const ID: &str = "evt_01";
const BODY: &str = r#"{"b":1,"a":["x, y: {}",{}]}"#;

fn secret() -> Secret {
    Secret::generate([251; 32])
}

fn header(body: &str) -> String {
    standard_header(&[SigningKey::new(&secret())], ID, NOW.as_seconds(), body.as_bytes())
}

fn findings(timestamp: &str, signature: &str, body: &str) -> Vec<Finding> {
    let message = Signed { id: ID, timestamp, signature, body: body.as_bytes() };
    diagnose(&[secret()], &message, NOW, TOLERANCE)
}

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
fn wrong_keys_and_wrong_signed_bytes_are_recognised() {
    let by = |key: &[u8]| standard_header(&[SigningKey::from_bytes(key)], ID, NOW.as_seconds(), BODY.as_bytes());
    let text = secret().reveal();
    assert_eq!(findings(TIMESTAMP, &by(text.as_bytes()), BODY), [Finding::SecretUsedAsText]);
    assert_eq!(findings(TIMESTAMP, &by(&text.as_bytes()[6..]), BODY), [Finding::SecretUsedAsText]);
    assert_eq!(findings(TIMESTAMP, &by(&[1; 32]), BODY), [Finding::NoMatch]);
    assert_eq!(findings(TIMESTAMP, &header(BODY), r#"{"b":2}"#), [Finding::NoMatch]);
    let body_only = format!("v1,{}", STANDARD.encode(SigningKey::new(&secret()).tag(&[BODY.as_bytes()])));
    assert_eq!(findings(TIMESTAMP, &body_only, BODY), [Finding::OnlyBodySigned]);
}

#[test]
fn misspelt_signatures_are_recognised() {
    let good = header(BODY);
    let encoded = &good[3..];
    let tag = STANDARD.decode(encoded).unwrap();
    let hex = tag.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02X}"));
    for (signature, expected) in [
        (format!("v1,{hex}"), vec![Finding::SignatureInHex]),
        (format!("v1={hex}"), vec![Finding::EntryWithoutVersion, Finding::SignatureInHex]),
        (format!("sha256={encoded}"), vec![Finding::EntryWithoutVersion]),
        (encoded.to_owned(), vec![Finding::EntryWithoutVersion]),
        (good.replace('=', ""), vec![Finding::SignatureUnpadded]),
        (good.replace('+', "-").replace('/', "_"), vec![Finding::SignatureInBase64Url]),
        (format!("{good},{good}"), vec![Finding::CommaBetweenEntries]),
        (format!("{good}, v1,AAAA"), vec![Finding::CommaBetweenEntries, Finding::SignatureUnreadable]),
        (good.replace("v1,", "v2,"), vec![Finding::NoEntryOfVersion1]),
        (good[..20].to_owned(), vec![Finding::SignatureUnreadable]),
        (vec![good.as_str(); 17].join(" "), vec![Finding::TooManySignatures]),
        (" ".to_owned(), vec![Finding::SpareSpace, Finding::NoEntryOfVersion1]),
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
        let signature = standard_header(&[SigningKey::new(&secret())], ID, seconds, BODY.as_bytes());
        findings(&seconds.to_string(), &signature, BODY)
    };
    assert_eq!(at(1_700_000_000 - 400), [Finding::TooOld { age: Duration::from_secs(400) }]);
    assert_eq!(at(1_700_000_000 + 301), [Finding::InFuture { ahead: Duration::from_secs(301) }]);
    let missing = [HEADER_TIMESTAMP, HEADER_SIGNATURE].map(|name| Finding::MissingHeader { name });
    assert_eq!(findings("", "", BODY), missing);
}

#[test]
fn findings_are_sentences_with_a_hint() {
    let change = Finding::BodyChanged(BodyChange::KeyOrder);
    for finding in [Finding::NoMatch, change, Finding::TooOld { age: TOLERANCE }, Finding::SignatureInHex] {
        let text = finding.to_string();
        assert!(text.contains(": ") && text.ends_with('.'), "{text}");
    }
}
