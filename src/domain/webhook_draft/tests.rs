use super::*;

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

fn check(draft: WebhookDraft, current: Option<&WebhookSettings>) -> Result<WebhookSettings, Vec<FieldProblem>> {
    let egress = EgressPolicy::default();
    draft.check(DraftRules { egress: &egress, timeout_default: SECONDS(10), timeout_max: SECONDS(20) }, current)
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
        profile: Given::Value("none".to_owned()),
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
        "retryPolicy.schedule[1]",
        "timeoutMs",
        "profile",
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
