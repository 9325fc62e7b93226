use super::*;
use crate::domain::attempt::FailureKind;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);
const OK: AttemptResult = AttemptResult::Succeeded { status: 200 };
const TIMEOUT: AttemptResult = AttemptResult::Failed { kind: FailureKind::Timeout };

fn lanes() -> Lanes<u32> {
    Lanes::new(LaneLimits {
        in_flight_max: 8,
        waiting_max: 400,
        waiting_per_webhook_max: 160,
        concurrency_start: 2,
        concurrency_max: 4,
    })
}

fn tenant(n: u128) -> TenantId {
    TenantId(Uuid::from_u128(n))
}

fn hook(n: u128) -> WebhookId {
    WebhookId(Uuid::from_u128(n))
}

fn sent(lanes: &mut Lanes<u32>) -> Vec<(u32, Pass)> {
    std::iter::from_fn(|| lanes.next(NOW)).map(|sent| sent.expect("no circuit is open")).collect()
}

#[test]
fn turns_go_round_the_tenants() {
    let mut lanes = lanes();
    for job in 0..10 {
        assert_eq!(lanes.offer(tenant(1), hook(u128::from(job % 5)), false, job, NOW), Offer::Queued);
    }
    assert_eq!(lanes.offer(tenant(2), hook(99), false, 100, NOW), Offer::Queued);
    let order: Vec<u32> = sent(&mut lanes).into_iter().map(|(job, _)| job).collect();
    assert_eq!(order.len(), 8);
    assert_eq!(order[1], 100, "a tenant with one delivery waits for one of another's: {order:?}");
}

#[test]
fn a_lane_sends_no_more_than_its_limit_and_parks_what_does_not_fit() {
    let mut lanes = lanes();
    let parked = (0..30).filter(|job| matches!(lanes.offer(tenant(1), hook(1), false, *job, NOW), Offer::Park(..)));
    assert_eq!(parked.count(), 10);
    assert_eq!(sent(&mut lanes).len(), 2);
    assert_eq!((lanes.in_flight(), lanes.waiting()), (2, 18));
}

#[test]
fn a_hanging_webhook_opens_its_circuit_and_gives_its_deliveries_back() {
    let mut lanes = lanes();
    for job in 0..20 {
        let _ = lanes.offer(tenant(1), hook(1), false, job, NOW);
    }
    let mut gate = None;
    for _ in 0..5 {
        let Some(Ok((_, pass))) = lanes.next(NOW) else { panic!("the circuit is still closed") };
        let finished = lanes.finish(hook(1), pass, &TIMEOUT, Duration::from_secs(10), NOW, 0.5);
        gate = gate.max(finished.gate.map(|gate| gate.until));
    }
    assert!(gate.is_some_and(|until| until > NOW));
    assert_eq!((lanes.waiting(), lanes.in_flight()), (0, 0));
    let _ = lanes.offer(tenant(1), hook(1), false, 21, NOW);
    assert!(matches!(lanes.next(NOW), Some(Err(Finished { gate: Some(_), .. }))));
}

#[test]
fn retry_after_holds_the_whole_webhook() {
    let mut lanes = lanes();
    for job in 0..3 {
        let _ = lanes.offer(tenant(1), hook(1), false, job, NOW);
    }
    let (_, pass) = sent(&mut lanes).remove(0);
    let busy = AttemptResult::FailedStatus { status: 429, retry_after: Some(Duration::from_secs(30)) };
    let finished = lanes.finish(hook(1), pass, &busy, Duration::ZERO, NOW, 0.5);
    let until = NOW.after(Duration::from_secs(30));
    assert_eq!(finished.gate, Some(Gate { until, probing: false }));
    assert_eq!(finished.parked.len(), 1);
}

#[test]
fn slow_webhooks_have_a_part_of_the_places() {
    let mut lanes = lanes();
    for round in 0..6u32 {
        let _ = lanes.offer(tenant(1), hook(1), false, round, NOW);
        let (_, pass) = sent(&mut lanes).remove(0);
        let _ = lanes.finish(hook(1), pass, &OK, Duration::from_secs(9), NOW, 0.5);
    }
    for job in 0..10 {
        let _ = lanes.offer(tenant(1), hook(1), false, job, NOW);
        let _ = lanes.offer(tenant(1), hook(2), false, 100 + job, NOW);
    }
    let slow = sent(&mut lanes).into_iter().filter(|(job, _)| *job < 100).count();
    assert_eq!(slow, 2);
}

#[test]
fn retries_keep_a_share() {
    let mut lanes = lanes();
    for job in 0..10 {
        let _ = lanes.offer(tenant(1), hook(1), false, job, NOW);
        let _ = lanes.offer(tenant(1), hook(1), true, 100 + job, NOW);
    }
    let mut order = Vec::new();
    while order.len() < 10 {
        let (job, pass) = sent(&mut lanes).remove(0);
        order.push(job);
        let _ = lanes.finish(hook(1), pass, &OK, Duration::ZERO, NOW, 0.5);
    }
    assert!(order.iter().filter(|job| **job >= 100).count() >= 3, "{order:?}");
}

#[test]
fn a_webhook_that_answers_quickly_may_have_more_waiting() {
    let mut lanes = lanes();
    let _ = lanes.offer(tenant(1), hook(1), false, 0, NOW);
    let (_, pass) = sent(&mut lanes).remove(0);
    let _ = lanes.finish(hook(1), pass, &OK, Duration::ZERO, NOW, 0.5);
    let queued = |lanes: &mut Lanes<u32>, now| {
        (0..300).filter(|job| lanes.offer(tenant(1), hook(1), false, *job, now) == Offer::Queued).count()
    };
    assert_eq!(queued(&mut lanes, NOW), 160);
    let _ = lanes.drain();
    assert_eq!(queued(&mut lanes, NOW.after(SLOW)), 20);
}

#[test]
fn a_plan_caps_how_far_a_limit_grows() {
    let mut lanes = lanes();
    let _ = lanes.offer(tenant(1), hook(1), false, 1, NOW);
    lanes.cap(hook(1), 1);
    for job in 2..6 {
        let _ = lanes.offer(tenant(1), hook(1), false, job, NOW);
    }
    assert_eq!(sent(&mut lanes).len(), 1);
}

#[test]
fn a_tenant_of_weight_four_has_four_turns_in_a_row() {
    let mut lanes = lanes();
    lanes.weigh(tenant(1), 4);
    let mut passes = VecDeque::new();
    let mut order = Vec::new();
    for round in 0..20u32 {
        for (tenant_number, base) in [(1, 0), (2, 1000)] {
            let _ = lanes.offer(tenant(tenant_number), hook(tenant_number), false, base + round, NOW);
        }
    }
    while order.len() < 20 {
        if let Some(sent) = lanes.next(NOW) {
            let (job, pass) = sent.expect("no circuit is open");
            order.push(job < 1000);
            passes.push_back((job, pass));
        }
        // One place at a time.
        let (job, pass) = passes.pop_front().expect("something is on the wire");
        let webhook = if job < 1000 { hook(1) } else { hook(2) };
        let _ = lanes.finish(webhook, pass, &OK, Duration::ZERO, NOW, 0.5);
    }
    let heavy = order.iter().filter(|heavy| **heavy).count();
    assert_eq!(heavy, 16, "{order:?}");
}
