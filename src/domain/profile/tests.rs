use super::*;
use crate::domain::signature::{HEADER_ID, TimeAt};

#[test]
fn a_word_names_one_profile() {
    for profile in Profile::ALL {
        assert_eq!(Profile::parse(profile.as_str()), Some(profile));
    }
    assert_eq!(Profile::parse("Default"), None);
    assert!(Profile::words().starts_with("`default`, `g-tateth`") && Profile::words().ends_with(" or `cloudevents`"));
}

/// A scheme that signs a time or an id sends them where its receivers look.
#[test]
fn what_is_signed_is_sent() {
    for profile in Profile::ALL {
        let spec = profile.spec();
        let sends = |name: &str, part: Part| spec.headers.iter().any(|(n, parts)| *n == name && **parts == [part]);
        assert!(sends(HEADER_ID, Part::Id), "{profile:?}");
        assert!(spec.headers.iter().all(|(name, _)| *name == name.to_ascii_lowercase()));
        for scheme in spec.signatures {
            match scheme.time {
                TimeAt::Nowhere => assert!(!scheme.signed.contains(&crate::domain::signature::Signed::Time)),
                TimeAt::Header(name) => assert!(sends(name, Part::SentAt), "{profile:?}"),
                TimeAt::Entry(_) => assert!(scheme.between.is_some()),
            }
        }
        assert_eq!(SignatureOption::default_of(profile).kinds().len(), 1);
        assert!(SignatureOption::default_of(profile).fits(profile));
    }
}

#[test]
fn only_contextgpt_has_names_of_its_own() {
    let event_type = |text| EventType::parse(text).unwrap();
    for (own, sent) in [
        ("message.received", Some("NEW_MESSAGE")),
        ("message.sent", Some("NEW_MESSAGE")),
        ("conversation.escalated", Some("CONVERSATION_ESCALATED")),
        ("lead.captured", Some("NEW_LEAD")),
        ("message", None),
        ("webhook.test", None),
    ] {
        let own = event_type(own);
        assert_eq!(Profile::ContextGpt.sends(&own), sent.is_some());
        assert_eq!(Profile::ContextGpt.name_of(&own), sent.unwrap_or(own.as_str()));
        assert_eq!((Profile::Default.sends(&own), Profile::Default.name_of(&own)), (true, own.as_str()));
    }
}

#[test]
fn an_option_reads_back_as_it_is_written() {
    for (profile, text) in [
        (Profile::Default, r#"{"schemes":["v1","v1a"]}"#),
        (Profile::CloudEvents, r#"{"schemes":["v1a"]}"#),
        (Profile::GTateth, r#"{"header":"x-mac","prefix":"v=","encoding":"base64"}"#),
    ] {
        let option = SignatureOption::parse(profile, &serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(serde_json::to_string(&option).unwrap(), text);
    }
    assert_eq!(serde_json::to_string(&SignatureOption::Fixed).unwrap(), "null");
}

#[test]
fn each_profile_takes_its_own_secrets() {
    let (standard, text) = (Secret::generate([1; 32]).reveal(), "a secret of ours");
    let pair = "whsk_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    for profile in Profile::ALL {
        let rule = profile.spec().secret;
        let takes = |text: &str| profile.read_secret(text).is_ok();
        assert_eq!(takes(pair), rule == SecretRule::Standard);
        assert_eq!(takes(text), rule != SecretRule::Standard);
        assert_eq!(takes(&standard), rule == SecretRule::Standard || profile == Profile::Stripe);
    }
}
