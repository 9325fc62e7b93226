//! A checker that finds nothing wrong proves nothing unless it would have found it.

use std::time::{Duration, Instant};

use super::checker::{
    ATTEMPTS_MAX, AcceptedEvent, History, LoggedDelivery, RETRY_MIN, ReceivedRequest, WebhookHistory,
};

/// Two events for two webhooks; the second webhook refused the first event once.
fn history() -> History {
    let start = Instant::now();
    let event = |number: usize| {
        let (id, data) = (format!("evt_{number}"), format!(r#"{{ "n": {number} }}"#));
        AcceptedEvent { id, data, deliveries: 2, at: start }
    };
    let accepted = vec![event(0), event(1)];
    let request = |event: &AcceptedEvent, is_success: bool, at: Duration| ReceivedRequest {
        id: event.id.clone(),
        at: start + at,
        body: format!(r#"{{"id":"{}","event":"order.created","timestamp":"T","data":{}}}"#, event.id, event.data)
            .into(),
        is_verified: true,
        is_success,
    };
    let delivery = |event: &AcceptedEvent, attempts: u64| LoggedDelivery {
        event: event.id.clone(),
        status: "delivered".to_owned(),
        attempts,
        unanswered: 0,
    };
    let both = |attempts: u64| vec![delivery(&accepted[0], attempts), delivery(&accepted[1], 1)];
    let soon = Duration::from_millis(5);
    let good = vec![request(&accepted[0], true, soon), request(&accepted[1], true, soon)];
    let mut repeated = good.clone();
    repeated.insert(0, request(&accepted[0], false, Duration::ZERO));
    repeated[1].at = start + RETRY_MIN;
    let webhooks = vec![
        WebhookHistory { path: "/a".into(), is_healthy: true, received: good, logged: both(1) },
        WebhookHistory { path: "/b".into(), is_healthy: false, received: repeated, logged: both(2) },
    ];
    History { accepted, webhooks }
}

#[test]
fn a_good_history_is_good() {
    let figures = history().check(0).unwrap();
    assert_eq!((figures.events, figures.requests, figures.duplicates, figures.hasty), (2, 5, 0, 0));
    assert_eq!(figures.slowest, Duration::from_millis(5));
}

#[test]
fn each_broken_promise_is_found() {
    type Break = fn(&mut History);
    let breaks: [(&str, Break); 12] = [
        ("is lost", |h| drop(h.webhooks[0].received.pop())),
        ("is lost", |h| h.webhooks[0].received[0].is_success = false),
        ("two keys got one event", |h| h.accepted.push(h.accepted[0].clone())),
        ("has 1 deliveries", |h| h.accepted[1].deliveries = 1),
        ("that nobody sent", |h| drop(h.accepted.pop())),
        ("could not verify", |h| h.webhooks[1].received[0].is_verified = false),
        ("the bytes of evt_0 changed", |h| h.webhooks[0].received[0].body = "{}".into()),
        ("has 0 deliveries for /a", |h| drop(h.webhooks[0].logged.pop())),
        ("is pending", |h| h.webhooks[0].logged[0].status = "pending".into()),
        ("11 attempts", |h| h.webhooks[1].logged[0].attempts = ATTEMPTS_MAX + 1),
        ("1 duplicates", |h| h.webhooks[1].logged[0].attempts = 1),
        ("before their time", |h| h.webhooks[1].received[1].at = h.webhooks[1].received[0].at),
    ];
    for (problem, break_it) in breaks {
        let mut history = history();
        break_it(&mut history);
        let said = history.check(0).expect_err(problem);
        assert!(said.contains(problem), "{problem}: {said}");
    }
}

#[test]
fn duplicates_are_excused_by_lost_outcomes_and_missing_answers() {
    let mut history = history();
    let again = history.webhooks[0].received[0].clone();
    history.webhooks[0].received.push(ReceivedRequest { at: again.at + RETRY_MIN, ..again });
    assert!(history.check(0).unwrap_err().contains("1 duplicates are more than 0"));
    assert_eq!(history.check(1).unwrap().duplicates, 1);
    history.webhooks[0].logged[0].unanswered = 1;
    assert_eq!(history.check(0).unwrap().duplicates_max, 1);
}
