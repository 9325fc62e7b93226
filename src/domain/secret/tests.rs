use super::*;
use proptest::prelude::*;
use uuid::Uuid;

const TENANT: TenantId = TenantId(Uuid::from_u128(1));
const WEBHOOK: WebhookId = WebhookId(Uuid::from_u128(2));

fn entry(id: u8) -> String {
    format!("{id}:{}", STANDARD.encode([id; 32]))
}

fn keys(ids: &[u8]) -> MasterKeys {
    MasterKeys::parse(&ids.iter().map(|id| entry(*id)).collect::<Vec<_>>().join(",")).unwrap()
}

#[test]
fn a_new_secret_has_the_one_spelling() {
    let secret = Secret::generate([7; 32]);
    assert_eq!(secret.reveal(), "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    assert_eq!(Secret::parse(&secret.reveal()), Ok(secret));
}

#[test]
fn other_spellings_and_lengths_are_refused() {
    let text = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![250; bytes]));
    for bytes in [24, 32, 64] {
        assert!(Secret::parse(&text(bytes)).is_ok());
    }
    for bytes in [0, 23, 65] {
        assert_eq!(Secret::parse(&text(bytes)), Err(InvalidSecret::Length { bytes }));
    }
    assert_eq!(Secret::parse(&text(32)[6..]), Err(InvalidSecret::Prefix { prefix: SECRET_PREFIX }));
    assert_eq!(Secret::parse(&text(32).replace('=', "")), Err(InvalidSecret::Encoding { prefix: SECRET_PREFIX }));
    assert_eq!(Secret::parse(&text(32).replace('+', "-")), Err(InvalidSecret::Encoding { prefix: SECRET_PREFIX }));
    assert_eq!(Secret::parse(&(text(32) + "\n")), Err(InvalidSecret::Encoding { prefix: SECRET_PREFIX }));
}

#[test]
fn a_text_is_a_key_as_it_is() {
    let made = Secret::generate_as(SecretKind::Text, [0x1f; 32]);
    assert_eq!(made.reveal(), "1f".repeat(32));
    assert_eq!(made.key(), made.reveal().as_bytes());
    assert_eq!(Secret::own_text(&made.reveal(), false), Ok(made));
    let own = Secret::own_text("correct horse battery staple", false).unwrap();
    assert_eq!((own.kind(), own.key()), (SecretKind::Text, &b"correct horse battery staple"[..]));
    for (text, error) in [
        ("fifteen letters", InvalidSecret::TextLength),
        (&"x".repeat(TEXT_CHARS_MAX + 1), InvalidSecret::TextLength),
        (" leading space here", InvalidSecret::TextCharacters),
        ("pässwörter-sind-lang", InvalidSecret::TextCharacters),
        ("with\na line end in it", InvalidSecret::TextCharacters),
        ("whsec_looks like another", InvalidSecret::TextPrefix),
        ("whpk_looks like another", InvalidSecret::TextPrefix),
    ] {
        assert_eq!(Secret::own_text(text, false), Err(error), "{text:?}");
    }
    assert!(Secret::own_text("whsec_taken for a text", true).is_ok());
}

#[test]
fn a_key_pair_comes_in_whole_and_leaves_by_halves() {
    let published = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    let public = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    let pair = Secret::parse_pair(published).unwrap();
    assert_eq!((pair.kind(), pair.reveal().as_str()), (SecretKind::Ed25519, public));
    assert_eq!(PublicKey::parse(public).ok(), pair.public_key());
    let both = STANDARD.decode(&published[5..]).unwrap();
    let seed = format!("whsk_{}", STANDARD.encode(&both[..32]));
    assert_eq!(Secret::parse_pair(&seed), Ok(pair));

    let mut mismatched = both.clone();
    mismatched[40] ^= 1;
    for bytes in [&mismatched[..], &both[..63], &[]] {
        assert_eq!(Secret::parse_pair(&format!("whsk_{}", STANDARD.encode(bytes))), Err(InvalidSecret::Pair));
    }
    assert_eq!(Secret::parse_pair(public), Err(InvalidSecret::Prefix { prefix: "whsk_" }));
    assert_eq!(PublicKey::parse("whpk_AAAA"), Err(InvalidSecret::Public));
}

#[test]
fn what_is_sealed_comes_out_as_what_it_was() {
    for kind in [SecretKind::Standard, SecretKind::Text, SecretKind::Ed25519] {
        let secret = Secret::generate_as(kind, [5; 32]);
        assert_eq!(SecretKind::parse(kind.as_str()), Some(kind));
        assert_eq!(Secret::unsealed(kind, secret.key().to_vec()), Some(secret));
    }
    assert_eq!(Secret::unsealed(SecretKind::Ed25519, vec![1; 31]), None);
    assert_eq!(Secret::unsealed(SecretKind::Standard, vec![1; 23]), None);
    assert_eq!(Secret::unsealed(SecretKind::Text, vec![0xff; 32]), None);
}

#[test]
fn nothing_prints_a_key() {
    let secret = Secret::generate([65; 32]);
    assert_eq!(format!("{secret:?}"), "Secret(…)");
    assert_eq!(format!("{:?}", keys(&[2, 1])), "MasterKeys(2 keys)");
}

#[test]
fn a_seal_opens_only_for_its_tenant_and_webhook() {
    let keys = keys(&[1]);
    let sealed = keys.seal(TENANT, WEBHOOK, b"key", [9; 24]);
    assert_eq!(keys.open(TENANT, WEBHOOK, &sealed), Ok(b"key".to_vec()));
    let (other_tenant, other_webhook) = (TenantId(WEBHOOK.0), WebhookId(TENANT.0));
    assert_eq!(keys.open(other_tenant, WEBHOOK, &sealed), Err(SealError::Refused));
    assert_eq!(keys.open(TENANT, other_webhook, &sealed), Err(SealError::Refused));
    assert_eq!(keys.open(other_tenant, other_webhook, &sealed), Err(SealError::Refused));
}

#[test]
fn rotation_keeps_old_seals_and_derived_keys() {
    let (before, after) = (keys(&[1]), keys(&[2, 1]));
    let old = before.seal(TENANT, WEBHOOK, b"key", [9; 24]);
    assert_eq!(after.open(TENANT, WEBHOOK, &old), Ok(b"key".to_vec()));
    assert!(before.is_current(&old) && !after.is_current(&old));

    let new = after.seal(TENANT, WEBHOOK, b"key", [8; 24]);
    assert!(after.is_current(&new));
    assert_eq!(before.open(TENANT, WEBHOOK, &new), Err(SealError::UnknownKey { id: 2 }));

    assert_eq!(before.derive(b"pepper"), after.derive(b"pepper"));
    assert_ne!(before.derive(b"pepper"), before.derive(b"session"));
    assert_eq!(before.root_fingerprint(), after.root_fingerprint());
    assert_ne!(before.root_fingerprint(), keys(&[2]).root_fingerprint(), "dropping the root shows");
}

#[test]
fn lists_of_master_keys_are_checked() {
    let parse = |text: &str| MasterKeys::parse(text).unwrap_err();
    assert_eq!(parse(""), InvalidMasterKeys::Count);
    assert_eq!(parse(&(1..=17).map(entry).collect::<Vec<_>>().join(",")), InvalidMasterKeys::Count);
    assert_eq!(parse(&format!("{},{}", entry(1), entry(1))), InvalidMasterKeys::Twice { id: 1 });
    for bad in [entry(0), "1".to_owned(), "x:AAAA".to_owned(), "1:AAAA".to_owned(), entry(1).replace('=', "")] {
        assert_eq!(parse(&format!("{}, {bad}", entry(9))), InvalidMasterKeys::Entry { entry: 2 }, "{bad}");
    }
}

proptest! {
    #[test]
    fn any_change_is_noticed(plaintext: Vec<u8>, at: prop::sample::Index, bit in 0..8u32, cut: prop::sample::Index) {
        let keys = keys(&[3]);
        let sealed = keys.seal(TENANT, WEBHOOK, &plaintext, [5; 24]);
        prop_assert_eq!(keys.open(TENANT, WEBHOOK, &sealed), Ok(plaintext));
        let mut changed = sealed.clone();
        changed[at.index(sealed.len())] ^= 1 << bit;
        prop_assert!(keys.open(TENANT, WEBHOOK, &changed).is_err());
        prop_assert!(keys.open(TENANT, WEBHOOK, &sealed[..cut.index(sealed.len())]).is_err());
    }

    #[test]
    fn garbage_never_panics(text in "\\PC{0,60}", bytes: Vec<u8>) {
        let _ = Secret::parse(&text);
        let _ = Secret::parse(&format!("{SECRET_PREFIX}{text}"));
        let _ = MasterKeys::parse(&text);
        prop_assert!(keys(&[1]).open(TENANT, WEBHOOK, &bytes).is_err());
    }
}
