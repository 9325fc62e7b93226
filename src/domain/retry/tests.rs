use super::*;
use crate::domain::attempt::FailureKind;
use proptest::prelude::*;
use serde_json::json;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn status(status: u16) -> AttemptResult {
    AttemptResult::FailedStatus { status, retry_after: None }
}

fn delay(policy: &RetryPolicy, attempts_made: u32, result: &AttemptResult, jitter: f64) -> Option<Duration> {
    match policy.next(attempts_made, result, NOW, jitter) {
        NextStep::RetryAt(time) => Some(time.since(NOW)),
        NextStep::Done | NextStep::DeadLetter => None,
    }
}

/// The delays of a policy without jitter's bend, in seconds.
fn plain_delays(policy: &RetryPolicy) -> Vec<u64> {
    (1..policy.attempts_max()).filter_map(|made| policy.base_delay(made)).map(|d| d.as_secs()).collect()
}

#[test]
fn the_documented_strategies_grow_as_documented() {
    let exponential = RetryPolicy::parse(&json!({"maxRetries": 4, "backoffStrategy": "exponential"})).unwrap();
    assert_eq!(plain_delays(&exponential), [2, 4, 8, 16]);
    let linear = RetryPolicy::parse(&json!({"maxRetries": 3, "backoffStrategy": "linear"})).unwrap();
    assert_eq!(plain_delays(&linear), [5, 10, 15]);
    assert_eq!(plain_delays(&RetryPolicy::default()), DURABLE_SCHEDULE.map(u64::from));
    assert_eq!(RetryPolicy::default().attempts_max(), 10);
}

#[test]
fn half_a_rule_is_completed_by_the_documented_defaults() {
    let expected = RetryPolicy::Backoff { max_retries: 3, strategy: BackoffStrategy::Linear };
    assert_eq!(RetryPolicy::parse(&json!({"backoffStrategy": "linear"})), Ok(expected));
    let expected = RetryPolicy::Backoff { max_retries: 0, strategy: BackoffStrategy::Exponential };
    assert_eq!(RetryPolicy::parse(&json!({"maxRetries": 0})), Ok(expected));
}

#[test]
fn every_problem_is_named_with_its_path() {
    let paths = |value| -> Vec<String> {
        RetryPolicy::parse(&value).unwrap_err().problems.into_iter().map(|(path, _)| path).collect()
    };
    assert_eq!(paths(json!([5])), [""]);
    assert_eq!(paths(json!({})), [""]);
    assert_eq!(paths(json!({"schedule": []})), ["schedule"]);
    assert_eq!(paths(json!({"schedule": vec![1; 21]})), ["schedule"]);
    assert_eq!(
        paths(json!({"schedule": [0, 1, 1.5, "5", 604_801, -1]})),
        [0, 2, 3, 4, 5].map(|i| format!("schedule[{i}]"))
    );
    assert_eq!(paths(json!({"schedule": [1], "maxRetries": 1})), ["schedule"]);
    assert_eq!(paths(json!({"maxRetries": 11, "backoffStrategy": "fast"})), ["maxRetries", "backoffStrategy"]);
    assert_eq!(paths(json!({"maxRetries": 1, "jitter": true})), ["jitter"]);
}

#[test]
fn success_and_gone_end_the_delivery_and_so_does_the_last_attempt() {
    let policy = RetryPolicy::Schedule(vec![5]);
    assert_eq!(policy.next(1, &AttemptResult::Succeeded { status: 204 }, NOW, 0.5), NextStep::Done);
    assert_eq!(policy.next(9, &AttemptResult::Succeeded { status: 200 }, NOW, 0.5), NextStep::Done);
    assert_eq!(policy.next(1, &status(410), NOW, 0.5), NextStep::DeadLetter);
    assert_eq!(policy.next(2, &status(500), NOW, 0.5), NextStep::DeadLetter);
    let never = RetryPolicy::Backoff { max_retries: 0, strategy: BackoffStrategy::Linear };
    assert_eq!(never.next(1, &status(500), NOW, 0.5), NextStep::DeadLetter);
}

#[test]
fn other_failures_are_retried_even_a_404() {
    let policy = RetryPolicy::default();
    for code in [301, 400, 404, 429, 500, 503] {
        assert!(matches!(policy.next(1, &status(code), NOW, 0.5), NextStep::RetryAt(_)), "{code}");
    }
    for kind in FailureKind::ALL {
        let failed = AttemptResult::Failed { kind };
        assert!(matches!(policy.next(1, &failed, NOW, 0.5), NextStep::RetryAt(_)), "{kind:?}");
    }
}

#[test]
fn jitter_cuts_short_delays_and_moves_long_ones_both_ways() {
    let policy = RetryPolicy::Schedule(vec![10, 100]);
    let millis = |made, jitter| delay(&policy, made, &status(500), jitter).unwrap().as_millis();
    assert_eq!([millis(1, 0.0), millis(1, 1.0)], [5_000, 10_000]);
    assert_eq!([millis(2, 0.0), millis(2, 0.5), millis(2, 1.0)], [80_000, 100_000, 120_000]);
}

#[test]
fn retry_after_is_met_within_bounds() {
    let policy = RetryPolicy::Schedule(vec![5, 36_000]);
    let asked = |made, seconds, jitter| {
        let result = AttemptResult::FailedStatus { status: 429, retry_after: Some(Duration::from_secs(seconds)) };
        delay(&policy, made, &result, jitter).unwrap().as_secs()
    };
    assert_eq!(asked(1, 0, 0.0), 5, "cannot speed us up");
    assert_eq!(asked(1, 120, 0.0), 120);
    assert_eq!(asked(1, 120, 1.0), 132, "the herd is spread to the later side");
    assert_eq!(asked(1, 86_400, 0.5), 3_600);
    assert_eq!(asked(2, 86_400, 0.5), 72_000);
}

#[test]
fn retry_after_is_read_as_seconds_or_as_a_date() {
    let seconds = |text| parse_retry_after(text, NOW).map(|d| d.as_secs());
    assert_eq!(seconds("120"), Some(120));
    assert_eq!(seconds(" 0 "), Some(0));
    assert_eq!(seconds("Tue, 14 Nov 2023 22:14:20 GMT"), Some(60));
    assert_eq!(seconds("99999999999999999999999"), Some(RETRY_AFTER_MAX.as_secs()));
    assert_eq!(seconds("Fri, 31 Dec 9999 23:59:59 GMT"), Some(RETRY_AFTER_MAX.as_secs()));
    for nonsense in ["", "-5", "+5", "1.5", "5s", "soon", "Tue, 14 Nov 2023 22:12:20 GMT", "٣"] {
        assert_eq!(seconds(nonsense), None, "{nonsense}");
    }
}

fn any_policy() -> impl Strategy<Value = RetryPolicy> {
    let strategy = prop_oneof![Just(BackoffStrategy::Exponential), Just(BackoffStrategy::Linear)];
    prop_oneof![
        prop::collection::vec(1..=DELAY_SECONDS_MAX, 1..=SCHEDULE_LEN_MAX).prop_map(RetryPolicy::Schedule),
        (0..=RETRIES_MAX, strategy).prop_map(|(max_retries, strategy)| RetryPolicy::Backoff { max_retries, strategy }),
    ]
}

proptest! {
    #[test]
    fn json_round_trips(policy in any_policy()) {
        let text = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(serde_json::from_str::<RetryPolicy>(&text).unwrap(), policy);
    }

    #[test]
    fn a_delivery_gets_exactly_its_attempts(policy in any_policy(), jitter in 0.0..1.0) {
        let made = (1..100).take_while(|made| delay(&policy, *made, &status(500), jitter).is_some()).count();
        prop_assert_eq!(u32::try_from(made).unwrap() + 1, policy.attempts_max());
    }

    #[test]
    fn delays_stay_within_their_bounds(
        policy in any_policy(), made: u32, jitter: f64, asked in prop::option::of(any::<u64>()),
    ) {
        let asked = asked.map(Duration::from_millis);
        let result = AttemptResult::FailedStatus { status: 503, retry_after: asked };
        if let (Some(base), Some(delay)) = (policy.base_delay(made), delay(&policy, made, &result, jitter)) {
            let latest = (base * 2).max(RETRY_AFTER_REACH);
            prop_assert!(delay >= base / 2 && delay <= latest);
            prop_assert!(asked.is_none_or(|asked| delay + Duration::from_millis(1) >= asked.min(latest)));
        } else {
            prop_assert!(made >= policy.attempts_max());
        }
    }

    #[test]
    fn garbage_never_panics(text in "\\PC{0,40}", millis: i64) {
        let wish = parse_retry_after(&text, Timestamp::from_millis(millis));
        prop_assert!(wish.is_none_or(|wish| wish <= RETRY_AFTER_MAX));
    }
}
