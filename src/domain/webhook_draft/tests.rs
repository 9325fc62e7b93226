use super::*;

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

fn check(draft: WebhookDraft, current: Option<&WebhookSettings>) -> Result<WebhookSettings, Vec<FieldProblem>> {
    let egress = EgressPolicy::default();
    let rules =
        DraftRules { egress: &egress, timeout_default: SECONDS(10), timeout_max: SECONDS(20), has_origin: false };
    draft.check(rules, current)
}

fn draft() -> WebhookDraft {
    WebhookDraft {
        name: Given::Value(" orders ".to_owned()),
        url: Given::Value("https://Example.com/in".to_owned()),
        events: Given::Value(vec!["order.*".to_owned()]),
        headers: Given::Value(BTreeMap::from([("Authorization".to_owned(), "Bearer x".to_owned())])),
        ..WebhookDraft::default()
    }
}

fn places(result: Result<WebhookSettings, Vec<FieldProblem>>) -> Vec<String> {
    let sentence = |problem: &FieldProblem| problem.sentence().split(' ').next().unwrap().to_owned();
    result.unwrap_err().iter().map(sentence).collect()
}

#[test]
fn a_new_webhook_gets_defaults() {
    let settings = check(draft(), None).unwrap();
    assert_eq!(settings.name, "orders");
    assert_eq!(settings.url, "https://example.com/in");
    assert_eq!(settings.timeout, SECONDS(10));
    assert_eq!(settings.retry_policy, RetryPolicy::default());
}

#[test]
fn all_problems_come_at_once() {
    let bad = WebhookDraft {
        name: Given::Absent,
        url: Given::Value("http://10.0.0.1/".to_owned()),
        events: Given::Value(vec!["ok".to_owned(), "No!".to_owned()]),
        channels: Given::Value(vec!["no spaces".to_owned()]),
        filter: Given::Value(serde_json::json!({ "not": { "field": "total", "op": "exists" } })),
        headers: Given::Value(BTreeMap::from([("Host".to_owned(), "x".to_owned())])),
        retry_policy: Given::Value(serde_json::json!({ "schedule": [1, "x"] })),
        timeout_ms: Given::Value(21_000),
        rate_limit: Given::Value(RateDraft { requests: Some(0), window: None }),
        ordering: Given::Value("loose".to_owned()),
        profile: Given::Value("none".to_owned()),
        signature: Given::Value(serde_json::json!([])),
        handshake: Given::Value(true),
        description: Given::Value("\0".to_owned()),
        metadata: Given::Null,
    };
    let expected = [
        "name",
        "url",
        "events[1]",
        "channels[0]",
        "filter.not.field",
        "headers.Host",
        "profile",
        "retryPolicy.schedule[1]",
        "timeoutMs",
        "rateLimit.requests",
        "ordering",
        "handshake",
        "description",
    ];
    assert_eq!(places(check(bad, None)), expected);
}

#[test]
fn a_change_keeps_what_it_does_not_mention() {
    let current = check(draft(), None).unwrap();
    assert_eq!(check(WebhookDraft::default(), Some(&current)).unwrap(), current);
    let change = WebhookDraft {
        headers: Given::Null,
        timeout_ms: Given::Value(5_000),
        url: Given::Null,
        ..WebhookDraft::default()
    };
    assert_eq!(places(check(change, Some(&current))), ["url"]);
    let change = WebhookDraft { headers: Given::Null, timeout_ms: Given::Value(5_000), ..WebhookDraft::default() };
    let changed = check(change, Some(&current)).unwrap();
    assert_eq!((changed.timeout, changed.headers.len()), (SECONDS(5), 0));
}

#[test]
fn the_mask_keeps_the_value_that_it_stands_for() {
    let current = check(draft(), None).unwrap();
    let masked = || WebhookDraft {
        headers: Given::Value(BTreeMap::from([("authorization".to_owned(), HEADER_MASK.to_owned())])),
        ..WebhookDraft::default()
    };
    let changed = check(masked(), Some(&current)).unwrap();
    assert_eq!(changed.headers["authorization"], "Bearer x");
    let fresh = WebhookDraft { headers: masked().headers, ..draft() };
    assert_eq!(places(check(fresh, None)), ["headers.authorization"]);
}

fn with(profile: &str, signature: Value) -> WebhookDraft {
    WebhookDraft { profile: Given::Value(profile.to_owned()), signature: Given::Value(signature), ..draft() }
}

fn of_profile(profile: &str) -> WebhookSettings {
    check(WebhookDraft { profile: Given::Value(profile.to_owned()), ..draft() }, None).unwrap()
}

#[test]
fn a_profile_brings_its_own_defaults() {
    let settings = of_profile("contextgpt");
    assert_eq!(settings.retry_policy, RetryPolicy::Schedule(vec![1, 5, 25]));
    assert_eq!(settings.timeout, SECONDS(10));
    assert_eq!(settings.signature, SignatureOption::Fixed);
    let settings = check(with("g-tateth", serde_json::json!({ "prefix": "sha256=" })), None).unwrap();
    let shown = serde_json::to_value(&settings.signature).unwrap();
    assert_eq!(shown, serde_json::json!({ "header": "x-webhook-signature", "prefix": "sha256=", "encoding": "hex" }));
    assert_eq!(settings.retry_policy, RetryPolicy::default());
}

#[test]
fn an_option_is_one_of_its_profile() {
    for (profile, option) in [
        ("default", serde_json::json!({ "schemes": ["v1a", "v1"] })),
        ("cloudevents", serde_json::json!({ "schemes": ["v1a"] })),
        ("default", serde_json::json!({})),
        ("g-tateth", serde_json::json!({ "header": "X-Acme-Signature", "prefix": "", "encoding": "base64" })),
    ] {
        assert!(check(with(profile, option.clone()), None).is_ok(), "{profile} {option}");
    }
    for (profile, option, expected) in [
        ("default", serde_json::json!("v1"), &["signature"][..]),
        ("default", serde_json::json!({ "schemes": [] }), &["signature.schemes"]),
        ("default", serde_json::json!({ "schemes": ["v1", "v1"] }), &["signature.schemes"]),
        ("default", serde_json::json!({ "schemes": ["v2"] }), &["signature.schemes"]),
        ("default", serde_json::json!({ "schemes": "v1" }), &["signature.schemes"]),
        ("default", serde_json::json!({ "header": "x" }), &["signature"]),
        ("github", serde_json::json!({}), &["signature"]),
        (
            "g-tateth",
            serde_json::json!({ "header": "Host", "prefix": "a b", "encoding": "hexx" }),
            &["signature.header", "signature.prefix", "signature.encoding"],
        ),
        ("g-tateth", serde_json::json!({ "header": 1, "prefix": null }), &["signature.header", "signature.prefix"]),
    ] {
        assert_eq!(places(check(with(profile, option.clone()), None)), expected, "{profile} {option}");
    }
}

#[test]
fn a_profile_changes_only_where_the_secret_stays_good() {
    let to = |profile: &str| WebhookDraft { profile: Given::Value(profile.to_owned()), ..WebhookDraft::default() };
    for (from, into, fits) in [
        ("default", "cloudevents", true),
        ("github", "stripe", true),
        ("g-tateth", "shopify", true),
        ("default", "github", false),
        ("contextgpt", "github", false),
        ("slack", "contextgpt", false),
    ] {
        let changed = check(to(into), Some(&of_profile(from)));
        if fits {
            let settings = changed.unwrap();
            assert!(settings.signature.fits(settings.profile), "{from} to {into}");
        } else {
            assert_eq!(places(changed), ["profile"], "{from} to {into}");
        }
    }
    let both = check(with("default", serde_json::json!({ "schemes": ["v1", "v1a"] })), None).unwrap();
    assert_eq!(check(to("cloudevents"), Some(&both)).unwrap().signature, both.signature);
}

#[test]
fn a_header_of_the_profile_is_not_the_customers() {
    let headers = |name: &str| Given::Value(BTreeMap::from([(name.to_owned(), "x".to_owned())]));
    let acme = serde_json::json!({ "header": "X-Acme" });
    let taken = WebhookDraft { headers: headers("x-ACME"), ..with("g-tateth", acme) };
    assert_eq!(places(check(taken, None)), ["headers.x-ACME"]);
    let agent = |profile: &str| WebhookDraft {
        headers: headers("User-Agent"),
        profile: Given::Value(profile.to_owned()),
        ..draft()
    };
    assert_eq!(places(check(agent("contextgpt"), None)), ["headers.User-Agent"]);
    assert!(check(agent("github"), None).is_ok());
}
