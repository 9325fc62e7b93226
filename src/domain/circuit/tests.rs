use super::*;
use proptest::prelude::*;

const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const SUCCESS: AttemptResult = AttemptResult::Succeeded { status: 200 };
const TIMEOUT: AttemptResult = AttemptResult::Failed { kind: FailureKind::Timeout };

fn status(status: u16) -> AttemptResult {
    AttemptResult::FailedStatus { status, retry_after: None }
}

fn seconds(seconds: u64) -> Timestamp {
    START.after(Duration::from_secs(seconds))
}

fn pass(circuit: &mut Circuit, now: Timestamp) -> Pass {
    match circuit.admit(now) {
        Admit::Yes(pass) => pass,
        Admit::Until(time) => panic!("held until {time}"),
    }
}

/// One request, from admission to result, without the random cut of the open time.
fn send(circuit: &mut Circuit, result: &AttemptResult, now: Timestamp) -> Change {
    let pass = pass(circuit, now);
    circuit.record(pass, result, now, 1.0)
}

fn opened() -> Circuit {
    let mut circuit = Circuit::default();
    for _ in 0..NO_ANSWERS_MAX {
        send(&mut circuit, &TIMEOUT, START);
    }
    circuit
}

#[test]
fn five_unanswered_requests_in_a_row_open_it() {
    let mut circuit = Circuit::default();
    for result in [&TIMEOUT, &TIMEOUT, &TIMEOUT, &TIMEOUT, &status(500), &TIMEOUT, &TIMEOUT, &TIMEOUT, &SUCCESS] {
        assert_eq!(send(&mut circuit, result, START), Change::None);
    }
    let mut circuit = Circuit::default();
    for _ in 1..NO_ANSWERS_MAX {
        assert_eq!(send(&mut circuit, &TIMEOUT, START), Change::None);
    }
    let until = START.after(OPEN_FIRST);
    assert_eq!(send(&mut circuit, &TIMEOUT, START), Change::Opened { until, trips: 1 });
    assert_eq!((circuit.admit(START), circuit.phase()), (Admit::Until(until), Phase::Open));
}

#[test]
fn half_of_ten_failures_in_a_minute_open_it() {
    for (pattern, expected) in [
        ("fffffffff", Phase::Closed),
        ("ffffffffff", Phase::Open),
        ("sssssfffff", Phase::Open),
        ("ssssssffff", Phase::Closed),
        ("ssssssffffff", Phase::Open),
        ("rrrrrrrrrrrr", Phase::Closed),
        ("iiiiiiiiiiii", Phase::Closed),
    ] {
        let mut circuit = Circuit::default();
        for (second, letter) in (0..).zip(pattern.chars()) {
            let result = match letter {
                's' => SUCCESS,
                'f' => status(500),
                'r' => status(422),
                _ => AttemptResult::Failed { kind: FailureKind::Internal },
            };
            send(&mut circuit, &result, seconds(second));
        }
        assert_eq!(circuit.phase(), expected, "{pattern}");
    }
}

#[test]
fn failures_of_more_than_a_minute_ago_are_forgotten() {
    let mut circuit = Circuit::default();
    for second in (0..300).step_by(7) {
        assert_eq!(send(&mut circuit, &status(503), seconds(second)), Change::None);
    }
}

#[test]
fn it_closes_after_rounds_of_1_2_4_and_8_probes() {
    let mut circuit = opened();
    let now = START.after(OPEN_FIRST);
    for round in [1, 2, 4, 8] {
        let passes: Vec<Pass> = (0..round).map(|_| pass(&mut circuit, now)).collect();
        assert_eq!(circuit.admit(now), Admit::Until(now.after(PROBE_WAIT)), "{round} are out");
        let changes: Vec<Change> = passes.into_iter().map(|pass| circuit.record(pass, &SUCCESS, now, 1.0)).collect();
        let (last, others) = changes.split_last().unwrap();
        assert!(others.iter().all(|change| *change == Change::None));
        assert_eq!(*last, if round == 8 { Change::Closed } else { Change::None });
    }
    assert_eq!(circuit.phase(), Phase::Closed);
}

#[test]
fn each_failed_probe_opens_it_for_twice_as_long_up_to_a_bound() {
    let mut circuit = opened();
    let mut now = START.after(OPEN_FIRST);
    for (trips, open) in (2..).zip([20, 40, 80, 160, 320, 600, 600]) {
        let until = now.after(Duration::from_secs(open));
        assert_eq!(send(&mut circuit, &status(503), now), Change::Opened { until, trips });
        now = until;
    }
    for _ in 0..15 {
        send(&mut circuit, &SUCCESS, now);
    }
    for _ in 1..NO_ANSWERS_MAX {
        send(&mut circuit, &TIMEOUT, now);
    }
    let until = now.after(OPEN_FIRST);
    assert_eq!(send(&mut circuit, &TIMEOUT, now), Change::Opened { until, trips: 1 }, "closing forgets the trips");
}

#[test]
fn jitter_cuts_up_to_half_of_the_open_time() {
    assert_eq!(open_time(1, 0.0), OPEN_FIRST / 2);
    assert_eq!(open_time(1, 1.0), OPEN_FIRST);
    assert_eq!(open_time(u32::MAX, 1.0), OPEN_MAX);
    assert!(open_time(1, f64::NAN) <= OPEN_FIRST);
}

#[test]
fn results_of_an_earlier_spell_say_nothing_about_probes() {
    let mut circuit = Circuit::default();
    let early = pass(&mut circuit, START);
    for _ in 0..NO_ANSWERS_MAX {
        send(&mut circuit, &TIMEOUT, START);
    }
    let now = START.after(OPEN_FIRST);
    let probe = pass(&mut circuit, now);
    assert_eq!(circuit.record(early, &SUCCESS, now, 1.0), Change::None);
    assert_eq!(circuit.record(early, &TIMEOUT, now, 1.0), Change::None);
    circuit.give_up(early);
    assert!(matches!(circuit.admit(now), Admit::Until(_)), "the probe is still the only one");
    circuit.record(probe, &SUCCESS, now, 1.0);
    assert!(matches!(circuit.admit(now), Admit::Yes(_)));
}

#[test]
fn lost_and_given_up_probes_make_room() {
    let mut circuit = opened();
    let now = START.after(OPEN_FIRST);
    let probe = pass(&mut circuit, now);
    circuit.give_up(probe);
    let lost = pass(&mut circuit, now);
    let later = now.after(PROBE_LEASE);
    let probe = pass(&mut circuit, later);
    assert_eq!(circuit.record(lost, &TIMEOUT, later, 1.0), Change::None, "written off");
    assert_eq!(circuit.record(probe, &SUCCESS, later, 1.0), Change::None);
    assert_eq!(circuit.phase(), Phase::HalfOpen);
}

#[test]
fn a_wish_for_quiet_holds_back_everything() {
    let mut circuit = Circuit::default();
    circuit.hold(seconds(30));
    circuit.hold(seconds(20));
    assert_eq!(circuit.admit(seconds(29)), Admit::Until(seconds(30)));
    assert!(matches!(circuit.admit(seconds(30)), Admit::Yes(_)));
    assert_eq!(circuit.phase(), Phase::Closed);
}

#[test]
fn an_open_circuit_survives_a_restart() {
    let mut circuit = Circuit::opened(seconds(30), 3);
    assert_eq!(circuit.admit(START), Admit::Until(seconds(30)));
    let until = seconds(30 + 80);
    assert_eq!(send(&mut circuit, &TIMEOUT, seconds(30)), Change::Opened { until, trips: 4 });
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Admit,
    Finish(prop::sample::Index, u8),
    GiveUp(prop::sample::Index),
    Hold(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..70_000u64).prop_map(Step::Wait),
        6 => Just(Step::Admit),
        4 => (any::<prop::sample::Index>(), 0..4u8).prop_map(|(index, result)| Step::Finish(index, result)),
        1 => any::<prop::sample::Index>().prop_map(Step::GiveUp),
        1 => (0..100_000u64).prop_map(Step::Hold),
    ]
}

proptest! {
    #[test]
    fn probes_are_bounded_and_every_circuit_closes_in_the_end(
        steps in prop::collection::vec(any_step(), 0..300), jitter in 0.0..1.0,
    ) {
        let (mut circuit, mut now, mut passes) = (Circuit::default(), START, Vec::<Pass>::new());
        let results = [SUCCESS, TIMEOUT, status(500), AttemptResult::Failed { kind: FailureKind::Internal }];
        for step in steps {
            match step {
                Step::Wait(millis) => now = now.after(Duration::from_millis(millis)),
                Step::Hold(millis) => circuit.hold(now.after(Duration::from_millis(millis))),
                Step::Admit => match circuit.admit(now) {
                    Admit::Yes(pass) => passes.push(pass),
                    Admit::Until(time) => prop_assert!(time > now),
                },
                Step::Finish(index, result) if !passes.is_empty() => {
                    let pass = passes.swap_remove(index.index(passes.len()));
                    circuit.record(pass, &results[usize::from(result)], now, jitter);
                }
                Step::GiveUp(index) if !passes.is_empty() => {
                    circuit.give_up(passes.swap_remove(index.index(passes.len())));
                }
                Step::Finish(..) | Step::GiveUp(_) => {}
            }
            if let State::HalfOpen { allowed, in_flight, .. } = circuit.state {
                let of_this_spell = passes.iter().filter(|pass| pass.spell == circuit.spell).count();
                prop_assert_eq!(u32::try_from(of_this_spell).unwrap(), in_flight);
                prop_assert!(in_flight <= allowed && allowed <= PROBES_MAX);
            }
        }
        now = now.after(OPEN_MAX + PROBE_LEASE);
        for _ in 0..30 {
            let Admit::Yes(pass) = circuit.admit(now) else { return Err(TestCaseError::fail("still shut")) };
            circuit.record(pass, &SUCCESS, now, jitter);
        }
        prop_assert_eq!(circuit.phase(), Phase::Closed);
    }
}
