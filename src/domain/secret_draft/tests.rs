use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::domain::channel::Channels;
use crate::domain::ordering::Ordering;
use crate::domain::profile::SignatureOption;
use crate::domain::subscription::Subscription;

const PAIR: &str = "whsk_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const OWN: &str = "correct horse battery";

fn settings(profile: Profile, signature: SignatureOption) -> WebhookSettings {
    WebhookSettings {
        name: "n".into(),
        url: "https://example.com/".into(),
        events: Subscription::parse(&["*"]).unwrap(),
        channels: Channels::default(),
        filter: None,
        headers: BTreeMap::new(),
        retry_policy: profile.retry_policy(),
        timeout: Duration::from_secs(10),
        rate_limit: None,
        ordering: Ordering::None,
        profile,
        signature,
        handshake: false,
        description: None,
        metadata: None,
    }
}

fn usual(profile: Profile) -> WebhookSettings {
    settings(profile, SignatureOption::default_of(profile))
}

fn signing_by(schemes: &[&str]) -> WebhookSettings {
    let option = SignatureOption::parse(Profile::Default, &json!({ "schemes": schemes })).unwrap();
    settings(Profile::Default, option)
}

fn places(problems: &[FieldProblem]) -> Vec<String> {
    problems.iter().map(|problem| problem.sentence().split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn a_first_secret_fits_the_profile_and_its_schemes() {
    let standard = Secret::generate([1; 32]).reveal();
    for (settings, given, fits) in [
        (usual(Profile::Default), Some(standard.as_str()), true),
        (usual(Profile::Default), Some(PAIR), false),
        (signing_by(&["v1a"]), Some(PAIR), true),
        (signing_by(&["v1a"]), Some(&standard), false),
        (signing_by(&["v1", "v1a"]), Some(PAIR), true),
        (usual(Profile::Default), Some(OWN), false),
        (usual(Profile::GitHub), Some(OWN), true),
        (usual(Profile::GitHub), None, true),
        (usual(Profile::ContextGpt), Some(OWN), true),
        (usual(Profile::ContextGpt), None, false),
        (usual(Profile::ContextGpt), Some("too short"), false),
    ] {
        let mut problems = Vec::new();
        let secret = check_first(settings.profile, Some(&settings), given, &mut problems);
        assert_eq!(problems.is_empty(), fits, "{:?} {given:?}: {problems:?}", settings.profile);
        if fits {
            assert_eq!(secret.is_some(), given.is_some());
        } else {
            assert_eq!(places(&problems), ["secret"]);
        }
    }
}

#[test]
fn a_rotation_overlaps_where_it_can() {
    let plain = RotationDraft::default();
    let usual_rotation = plain.clone().check(&usual(Profile::Default)).unwrap();
    assert_eq!((usual_rotation.kind, usual_rotation.overlap), (SecretKind::Standard, OVERLAP_DEFAULT));
    let at_once = plain.check(&usual(Profile::GitHub)).unwrap();
    assert_eq!((at_once.kind, at_once.overlap), (SecretKind::Text, Duration::ZERO));
    let long = RotationDraft { overlap_seconds: Some(60), ..RotationDraft::default() };
    for profile in Profile::ALL {
        let own = (profile == Profile::ContextGpt).then(|| OWN.to_owned());
        let checked = RotationDraft { secret: own, ..long.clone() }.check(&usual(profile));
        match checked {
            Ok(rotation) => assert_eq!((profile.overlaps(), rotation.overlap.as_secs()), (true, 60)),
            Err(problems) => {
                assert_eq!((profile.overlaps(), places(&problems)), (false, vec!["overlapSeconds".into()]));
            }
        }
    }
    let too_long = RotationDraft { overlap_seconds: Some(OVERLAP_MAX.as_secs() + 1), ..RotationDraft::default() };
    assert_eq!(places(&too_long.check(&usual(Profile::Default)).unwrap_err()), ["overlapSeconds"]);
}

#[test]
fn a_rotation_is_of_one_scheme() {
    let of = |scheme: Option<&str>, secret: Option<&str>| RotationDraft {
        scheme: scheme.map(str::to_owned),
        secret: secret.map(str::to_owned),
        overlap_seconds: None,
    };
    let both = signing_by(&["v1", "v1a"]);
    let kind = |draft: RotationDraft, settings: &WebhookSettings| draft.check(settings).map(|rotation| rotation.kind);
    assert_eq!(kind(of(Some("v1a"), None), &both), Ok(SecretKind::Ed25519));
    assert_eq!(kind(of(None, Some(PAIR)), &both), Ok(SecretKind::Ed25519));
    assert_eq!(kind(of(None, None), &signing_by(&["v1a"])), Ok(SecretKind::Ed25519));
    for (draft, settings, expected) in [
        (of(None, None), &both, &["scheme"][..]),
        (of(Some("v1"), Some(PAIR)), &both, &["secret"]),
        (of(Some("v1a"), None), &usual(Profile::Default), &["scheme"]),
        (of(Some("v9"), None), &both, &["scheme"]),
        (of(None, Some(PAIR)), &usual(Profile::Default), &["secret"]),
        (of(Some("v1"), Some("x")), &usual(Profile::Slack), &["secret", "scheme"]),
        (of(None, None), &usual(Profile::ContextGpt), &["secret"]),
    ] {
        assert_eq!(places(&kind(draft, settings).unwrap_err()), expected);
    }
}
