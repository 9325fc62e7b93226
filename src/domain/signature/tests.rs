use super::*;
use proptest::prelude::*;

fn secret(text: &str) -> Secret {
    Secret::parse(text).unwrap()
}

fn sign(secrets: &[Secret], id: &str, seconds: i64, body: &[u8]) -> String {
    standard_header(&secrets.iter().map(SigningKey::new).collect::<Vec<_>>(), id, seconds, body)
}

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SECONDS: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const NOW: Timestamp = Timestamp::from_millis(SECONDS * 1000);

#[test]
fn published_vectors_hold() {
    for (key, id, seconds, body, expected) in [
        (KEY, ID, SECONDS, BODY, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            br#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
        (
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            "msg_loFOjxBNrRLzqYUf",
            1_731_705_121,
            br#"{"event_type":"ping","data":{"success":true}}"#,
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        ),
    ] {
        // The third secret is only 18 bytes long, less than ours may have.
        let bytes = STANDARD.decode(&key[6..]).unwrap();
        assert_eq!(standard_header(&[SigningKey::from_bytes(&bytes)], id, seconds, body), expected);
    }
}

#[test]
fn published_vectors_of_large_bodies_hold() {
    for (len, expected) in [
        (1_048_576, "v1,txpEUxqWZJ5nteTnymUVa+7C4NHpBeXJ6CsBAW0c3/A="),
        (262_144, "v1,Mw4Pe2WgApuT7NSqnSq0PQPV9gbLdggCl9B865x5Xh0="),
        (262_143, "v1,NTItnqyWMoFhk2Bbe5V/BMdcFRWgcSQaTgqLHX7FC7c="),
    ] {
        assert_eq!(sign(&[secret(KEY)], ID, SECONDS, &vec![b'a'; len]), expected);
    }
}

#[test]
fn published_vectors_of_body_signatures_hold() {
    for (key, body, expected) in [
        (
            "It's a Secret to Everybody",
            "Hello, World!",
            "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        ),
        ("secret", "data", "1b2c16b75bd2a870c114153ccda5bcfca63314bc722fa160d690de133ccbb9db"),
        ("mysecret", r#"{"foo":"bar"}"#, "4864d2759938a15468b5df9ade20bf161da9b4f737ea61794142f3484236bda3"),
        ("123456", "gidget", "091319196718d5bcb1c20ad25fc890597423ecdbad1f947f560afd643b5000de"),
    ] {
        assert_eq!(body_hex(&SigningKey::from_bytes(key.as_bytes()), body.as_bytes()), expected);
    }
}

#[test]
fn one_changed_character_is_refused() {
    let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let bad = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=";
    let check = |signature| {
        let message = Signed { id: ID, timestamp: "1614265330", signature, body: BODY };
        verify(&[secret(KEY)], &message, NOW, TOLERANCE)
    };
    assert_eq!(check(good), Ok(()));
    assert_eq!(check(bad), Err(VerifyFailure::NoMatch));
}

#[test]
fn during_rotation_either_secret_verifies() {
    let (old, new, other) = (secret(KEY), Secret::generate([1; 32]), Secret::generate([2; 32]));
    let header = sign(&[new.clone(), old.clone()], ID, SECONDS, BODY);
    assert_eq!((header.len(), header.matches(' ').count()), (95, 1));
    let message = Signed { id: ID, timestamp: "1614265330", signature: &header, body: BODY };
    for key in [&old, &new] {
        assert_eq!(verify(std::slice::from_ref(key), &message, NOW, TOLERANCE), Ok(()));
    }
    assert_eq!(verify(&[other.clone(), new], &message, NOW, TOLERANCE), Ok(()), "a receiver may rotate too");
    assert_eq!(verify(&[other], &message, NOW, TOLERANCE), Err(VerifyFailure::NoMatch));
    assert_eq!(verify(&[], &message, NOW, TOLERANCE), Err(VerifyFailure::NoMatch));
}

#[test]
fn the_first_fault_is_named() {
    let secrets = [secret(KEY)];
    let signature = sign(&secrets, ID, SECONDS, BODY);
    let good = Signed { id: ID, timestamp: "1614265330", signature: &signature, body: BODY };
    let check = |message, now| verify(&secrets, &message, now, TOLERANCE).unwrap_err();
    assert_eq!(check(Signed { id: "", ..good }, NOW), VerifyFailure::MissingHeader { name: HEADER_ID });
    for timestamp in ["1614265330.5", "01614265330", "+1614265330", " 1614265330", "soon", "99999999999999999999"] {
        assert_eq!(check(Signed { timestamp, ..good }, NOW), VerifyFailure::TimestampMalformed);
    }
    let second = Duration::from_secs(1);
    let (late, early) = (NOW.after(TOLERANCE), NOW.before(TOLERANCE));
    assert_eq!(verify(&secrets, &good, late, TOLERANCE), Ok(()));
    assert_eq!(verify(&secrets, &good, early, TOLERANCE), Ok(()));
    assert_eq!(check(good, late.after(second)), VerifyFailure::TooOld { age: TOLERANCE + second });
    assert_eq!(check(good, early.before(second)), VerifyFailure::InFuture { ahead: TOLERANCE + second });
    let many = vec![signature.as_str(); SIGNATURES_MAX + 1].join(" ");
    assert_eq!(check(Signed { signature: &many, ..good }, NOW), VerifyFailure::TooManySignatures);
    let other_version = signature.replace("v1,", "v2,");
    assert_eq!(check(Signed { signature: &other_version, ..good }, NOW), VerifyFailure::NoMatch);
}

#[test]
fn nothing_prints_a_key_or_a_body() {
    let message = Signed { id: "evt_1", timestamp: "5", signature: "v1,abc", body: b"body" };
    assert_eq!(format!("{:?} {message:?}", SigningKey::from_bytes(b"k")), "SigningKey(…) evt_1 at 5 (4 bytes)");
}

#[test]
fn every_number_has_its_decimal_text() {
    for number in [i64::MIN, -1, 0, 7, SECONDS, i64::MAX] {
        assert_eq!(decimal(number, &mut [0; 20]), number.to_string());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the receivers' library reads the machine's clock")]
fn the_receivers_library_accepts_our_signatures_and_we_its() {
    let seconds = chrono::Utc::now().timestamp();
    let secrets = [Secret::generate([3; 32]), Secret::generate([4; 32])];
    let body = "{\"a\" : 1.10, \"b\":\"\u{2028}é\"}\n";
    let signature = sign(&secrets, ID, seconds, body.as_bytes());
    let mut headers = http::HeaderMap::new();
    for (name, value) in [(HEADER_ID, ID), (HEADER_TIMESTAMP, &seconds.to_string()), (HEADER_SIGNATURE, &signature)] {
        headers.insert(name, value.parse().unwrap());
    }
    for key in &secrets {
        let receiver = standardwebhooks::Webhook::new(&key.reveal()).unwrap();
        assert!(receiver.verify(body.as_bytes(), &headers).is_ok());
        assert!(receiver.verify(b"{}", &headers).is_err());
        let theirs = receiver.sign(ID, seconds, body.as_bytes()).unwrap();
        assert_eq!(theirs, sign(std::slice::from_ref(key), ID, seconds, body.as_bytes()));
    }
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_what_is_changed_does_not(
        key: [u8; 32], id in "[a-z0-9_]{1,40}", seconds in 0..1i64 << 40, mut body: Vec<u8>, at: prop::sample::Index,
    ) {
        let secrets = [Secret::generate(key)];
        let signature = sign(&secrets, &id, seconds, &body);
        let now = Timestamp::from_millis(seconds * 1000);
        let (timestamp, later) = (seconds.to_string(), (seconds + 1).to_string());
        let message = Signed { id: &id, timestamp: &timestamp, signature: &signature, body: &body };
        prop_assert_eq!(verify(&secrets, &message, now, TOLERANCE), Ok(()));
        prop_assert_eq!(diagnose(&secrets, &message, now, TOLERANCE), vec![]);

        let other_id = format!("{id}x");
        let changed = [Signed { id: &other_id, ..message }, Signed { timestamp: &later, ..message }];
        for message in changed {
            prop_assert_eq!(verify(&secrets, &message, now, TOLERANCE), Err(VerifyFailure::NoMatch));
        }
        let index = at.index(body.len() + 1);
        if index < body.len() { body[index] ^= 1 } else { body.push(b' ') }
        let message = Signed { id: &id, timestamp: &timestamp, signature: &signature, body: &body };
        prop_assert_eq!(verify(&secrets, &message, now, TOLERANCE), Err(VerifyFailure::NoMatch));
    }

    #[test]
    fn garbage_never_panics(
        id in "\\PC{0,9}", timestamp in "\\PC{0,9}|[0-9]{1,20}",
        signature in "\\PC{0,99}|(v1,[a-zA-Z0-9+/=_-]{0,50} ?){0,4}", body: Vec<u8>, now: i64,
    ) {
        let message = Signed { id: &id, timestamp: &timestamp, signature: &signature, body: &body };
        let (secrets, now) = ([Secret::generate([0; 32])], Timestamp::from_millis(now));
        prop_assert!(verify(&secrets, &message, now, TOLERANCE).is_err());
        prop_assert!(!diagnose(&secrets, &message, now, TOLERANCE).is_empty());
    }
}
