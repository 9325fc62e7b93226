use super::*;
use crate::domain::profile::{Profile, SignatureOption};
use crate::domain::time::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SECONDS: &str = "1614265330";

fn standard() -> Scheme<'static> {
    Profile::Default.spec().signatures[0]
}

fn key(text: &str) -> SigningKey {
    SigningKey::new(&Secret::parse_received(text).unwrap())
}

fn sign(secrets: &[Secret], id: &str, seconds: &str, body: &[u8]) -> String {
    let keys: Vec<_> = secrets.iter().map(SigningKey::new).collect();
    standard().sign(&keys.iter().collect::<Vec<_>>(), Message { id, seconds, body }).unwrap()
}

/// One entry of `tests/vectors/signatures.json`, described in the README beside it.
struct Vector {
    name: String,
    profile: Profile,
    option: SignatureOption,
    keys: Vec<VerifyingKey>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    now: Timestamp,
    /// The reason to refuse it.
    refused: Option<String>,
}

fn vectors() -> Vec<Vector> {
    let file: Value = serde_json::from_str(include_str!("../../../tests/vectors/signatures.json")).unwrap();
    assert_eq!((&file["version"], file["toleranceSeconds"].as_u64()), (&1.into(), Some(TOLERANCE.as_secs())));
    file["vectors"].as_array().unwrap().iter().map(vector).collect()
}

fn vector(value: &Value) -> Vector {
    let profile = Profile::parse(value["profile"].as_str().unwrap()).unwrap();
    let option = match &value["signature"] {
        Value::Null => SignatureOption::default_of(profile),
        given => SignatureOption::parse(profile, given).unwrap(),
    };
    let keys = value["secrets"].as_array().unwrap().iter();
    let headers = value["headers"].as_object().unwrap().iter();
    let body = match (&value["body"], &value["bodyBase64"]) {
        (Value::String(text), Value::Null) => text.clone().into_bytes(),
        (Value::Null, Value::String(text)) => STANDARD.decode(text).unwrap(),
        _ => panic!("one of both: {value}"),
    };
    Vector {
        name: value["name"].as_str().unwrap().to_owned(),
        profile,
        option,
        keys: keys.map(|text| VerifyingKey::parse(profile, text.as_str().unwrap()).unwrap()).collect(),
        headers: headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect(),
        body,
        now: Timestamp::from_millis(value["now"].as_i64().unwrap() * 1000),
        refused: match value["expected"].as_str().unwrap() {
            "accept" => None,
            _ => Some(value["reason"].as_str().unwrap().to_owned()),
        },
    }
}

#[test]
fn all_vectors_hold() {
    for Vector { name, profile, option, keys, headers, body, now, refused } in vectors() {
        let received = Received { headers: &headers, body: &body };
        let scheme = profile.scheme(&option);
        let verdict = verify(&scheme, &keys, &received, now, TOLERANCE).map_err(VerifyFailure::word);
        assert_eq!(verdict.err(), refused.as_deref(), "{name}");
        let findings = diagnose(&scheme, &keys, &received, now, TOLERANCE);
        assert_eq!(findings.is_empty(), refused.is_none(), "{name}: {findings:?}");
    }
}

#[test]
fn what_vectors_accept_is_what_we_write() {
    let mut compared = 0;
    for Vector { name, profile, option, keys, headers, body, refused, .. } in vectors() {
        let [VerifyingKey::Shared(secret)] = &keys[..] else { continue };
        let scheme = profile.scheme(&option);
        let given = headers.value(scheme.header);
        let alone = scheme.between.is_none_or(|between| !given.trim_start_matches("t=").contains(between));
        if refused.is_some() || !alone {
            continue;
        }
        let message = Message { id: headers.value(HEADER_ID), seconds: scheme.time_in(&headers), body: &body };
        assert_eq!(scheme.sign(&[&SigningKey::new(secret)], message).as_deref(), Some(given), "{name}");
        compared += 1;
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn published_vectors_of_large_bodies_hold() {
    for (len, expected) in [
        (1_048_576, "v1,txpEUxqWZJ5nteTnymUVa+7C4NHpBeXJ6CsBAW0c3/A="),
        (262_144, "v1,Mw4Pe2WgApuT7NSqnSq0PQPV9gbLdggCl9B865x5Xh0="),
        (262_143, "v1,NTItnqyWMoFhk2Bbe5V/BMdcFRWgcSQaTgqLHX7FC7c="),
    ] {
        let message = Message { id: ID, seconds: SECONDS, body: &vec![b'a'; len] };
        assert_eq!(standard().sign(&[&key(KEY)], message).unwrap(), expected);
    }
}

#[test]
fn the_published_pair_signs_as_published() {
    let pair = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    let pair = SigningKey::new(&Secret::parse_pair(pair).unwrap());
    let message = Message { id: ID, seconds: SECONDS, body: br#"{"test": 2432232314}"# };
    let v1a = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
    let v1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(standard().sign(&[&pair], message).unwrap(), v1a);
    assert_eq!(standard().sign(&[&key(KEY), &pair], message).unwrap(), format!("{v1} {v1a}"));
    let body_hex = Profile::Default.spec().signatures[1];
    assert_eq!(body_hex.sign(&[&pair], message), None, "a pair does not sign there");
    assert!(body_hex.sign(&[&pair, &key(KEY)], message).is_some_and(|value| value.len() == 64));
    assert_eq!(standard().sign(&[], message), None);
}

#[test]
fn a_header_has_room_for_as_many_keys_as_its_scheme() {
    let texts = ["a", "b", "c"].map(|text| SigningKey::new(&Secret::received_text(text)));
    let keys: Vec<_> = texts.iter().collect();
    let message = Message { id: ID, seconds: SECONDS, body: b"{}" };
    for profile in Profile::ALL {
        let option = SignatureOption::default_of(profile);
        let value = profile.scheme(&option).sign(&keys, message).unwrap();
        let single = profile.scheme(&option).sign(&keys[..1], message).unwrap();
        if profile.overlaps() {
            assert!(value.len() > 2 * single.len() && value.starts_with(&single), "{value}");
        } else {
            assert_eq!(value, single);
        }
    }
    let stripe = Profile::Stripe.spec().signatures[0].sign(&keys[..2], message).unwrap();
    assert!(stripe.starts_with("t=1614265330,v1=") && stripe.matches(",v1=").count() == 2, "{stripe}");
}

/// What keeps one key's signatures in different schemes apart: see the text of `domain::profile`.
#[test]
fn no_two_schemes_sign_texts_that_start_alike() {
    let message = Message { id: "evt_1", seconds: SECONDS, body: b"{}" };
    let mut starts: Vec<_> = Profile::ALL
        .iter()
        .flat_map(|profile| profile.spec().signatures)
        .map(|scheme| (scheme.signed, message.whole(scheme.signed)))
        .collect();
    starts.dedup();
    starts.sort_by_key(|(_, text)| text[0]);
    starts.dedup_by(|a, b| a == b);
    assert_eq!(starts.len(), 4);
    assert!(starts.windows(2).all(|pair| pair[0].1[0] != pair[1].1[0]));
}

#[test]
fn nothing_prints_a_key_or_a_body() {
    let message = Message { id: "evt_1", seconds: "5", body: b"body" };
    assert_eq!(format!("{:?} {message:?}", key(KEY)), "SigningKey(…) evt_1 at 5 (4 bytes)");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the receivers' library reads the machine's clock")]
fn the_receivers_library_accepts_our_signatures_and_we_its() {
    let now = chrono::Utc::now().timestamp();
    let seconds = now.to_string();
    let secrets = [Secret::generate([3; 32]), Secret::generate([4; 32])];
    let body = "{\"a\" : 1.10, \"b\":\"\u{2028}é\"}\n";
    let signature = sign(&secrets, ID, &seconds, body.as_bytes());
    let mut headers = http::HeaderMap::new();
    for (name, value) in [(HEADER_ID, ID), (HEADER_TIMESTAMP, &seconds), (HEADER_SIGNATURE, &signature)] {
        headers.insert(name, value.parse().unwrap());
    }
    for key in &secrets {
        let receiver = standardwebhooks::Webhook::new(&key.reveal()).unwrap();
        assert!(receiver.verify(body.as_bytes(), &headers).is_ok());
        assert!(receiver.verify(b"{}", &headers).is_err());
        let theirs = receiver.sign(ID, now, body.as_bytes()).unwrap();
        assert_eq!(theirs, sign(std::slice::from_ref(key), ID, &seconds, body.as_bytes()));
    }
}

fn any_secret() -> impl Strategy<Value = (Profile, Secret)> {
    (prop::sample::select(&Profile::ALL[..]), any::<[u8; 32]>(), any::<bool>()).prop_map(|(profile, random, pair)| {
        let kinds = SignatureOption::default_of(profile).kinds();
        let is_pair = pair && profile.spec().signatures[0].ed25519.is_some();
        (profile, Secret::generate_as(if is_pair { SecretKind::Ed25519 } else { kinds[0] }, random))
    })
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_what_is_changed_does_not(
        (profile, secret) in any_secret(), id in "[a-z0-9_]{1,40}", seconds in 0..1i64 << 40, mut body: Vec<u8>,
        at: prop::sample::Index,
    ) {
        let option = SignatureOption::default_of(profile);
        let scheme = profile.scheme(&option);
        let (now, seconds) = (Timestamp::from_millis(seconds * 1000), seconds.to_string());
        let value = scheme.sign(&[&SigningKey::new(&secret)], Message { id: &id, seconds: &seconds, body: &body });
        let mut headers = vec![(HEADER_ID.to_owned(), id.clone()), (scheme.header.to_owned(), value.unwrap())];
        if let TimeAt::Header(name) = scheme.time {
            headers.push((name.to_owned(), seconds));
        }
        let keys = [VerifyingKey::from(secret)];
        let check = |headers: &Vec<(String, String)>, body: &[u8]| {
            verify(&scheme, &keys, &Received { headers, body }, now, TOLERANCE)
        };
        prop_assert_eq!(check(&headers, &body), Ok(()));
        prop_assert_eq!(diagnose(&scheme, &keys, &Received { headers: &headers, body: &body }, now, TOLERANCE), vec![]);

        if scheme.signs_id() {
            headers[0].1.push('x');
            prop_assert_eq!(check(&headers, &body), Err(VerifyFailure::NoMatch));
            headers[0].1.pop();
        }
        let index = at.index(body.len() + 1);
        if index < body.len() { body[index] ^= 1 } else { body.push(b' ') }
        prop_assert_eq!(check(&headers, &body), Err(VerifyFailure::NoMatch));
    }

    #[test]
    fn garbage_never_panics(
        (profile, secret) in any_secret(), id in "\\PC{0,9}", seconds in "\\PC{0,9}|[0-9]{1,20}",
        value in "\\PC{0,99}|((v1,|v1=|t=|v1a,|sha256=)[a-zA-Z0-9+/=_-]{0,90}[ ,]?){0,4}", body: Vec<u8>, now: i64,
    ) {
        let option = SignatureOption::default_of(profile);
        let scheme = profile.scheme(&option);
        let mut headers = vec![(HEADER_ID.to_owned(), id), (scheme.header.to_owned(), value)];
        if let TimeAt::Header(name) = scheme.time {
            headers.push((name.to_owned(), seconds));
        }
        let (received, now) = (Received { headers: &headers, body: &body }, Timestamp::from_millis(now));
        let keys = [VerifyingKey::from(secret)];
        prop_assert!(verify(&scheme, &keys, &received, now, TOLERANCE).is_err());
        prop_assert!(!diagnose(&scheme, &keys, &received, now, TOLERANCE).is_empty());
    }
}
