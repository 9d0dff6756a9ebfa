//! Controls and results in the order in which they were measured, whatever the order in which they came.

use jiff::SignedDuration;
use labwire::domain::qc::{By, QcState, Stood};
use labwire::journal::ObservationId;
use labwire::journal::qc::{Asked, JudgedRun, NewControl};
use labwire::journal::results::Entry;

use super::controlling::*;
use super::kit::*;

/// How the test stood for a result that was measured at this minute, with what comes with it.
fn with(lab: &Lab, measured: Option<i64>, runs: &[JudgedRun]) -> Stood {
    let valid_for = SignedDuration::from_hours(24);
    let asked = Asked { measured_at: measured.map(minute), at: minute(6000), runs, valid_for };
    lab.reader.qc_state(&sim(), &potassium(), asked).unwrap()
}

fn stood(lab: &Lab, measured: i64) -> QcState {
    let stood = with(lab, Some(measured), &[]);
    assert_eq!(stood.by, By::Measurement);
    stood.state
}

fn decisions(lab: &Lab) -> String {
    lab.ask("SELECT group_concat(run || ' ' || outcome, ', ') FROM (SELECT * FROM qc_decision ORDER BY id)")
}

#[test]
fn a_result_stands_by_the_run_that_stood_when_it_was_measured() {
    let lab = Lab::new();
    for control in [("1", "0.1", 0), ("1", "5", 180), ("1", "0.2", 300)] {
        measure(&lab, &[control]);
    }
    let states = [-1, 0, 179, 180, 240, 300, 310].map(|minute| stood(&lab, minute).name());
    let expected = ["never run", "accepted", "accepted", "rejected", "rejected", "accepted", "accepted"];
    assert_eq!(states, expected);
    // By the order in which they came, the last would vouch for what was measured while they were out.
    let at =
        Asked { measured_at: None, at: minute(310), runs: &[], valid_for: SignedDuration::from_hours(24) };
    let by_receipt = lab.reader.qc_state(&sim(), &potassium(), at).unwrap();
    assert_eq!(by_receipt, Stood { state: QcState::Accepted, by: By::Receipt });
    assert_eq!(stood(&lab, 300 + 24 * 60), QcState::Accepted);
    assert_eq!(stood(&lab, 301 + 24 * 60), QcState::NoRunSince);
}

#[test]
fn an_older_control_that_comes_late_says_nothing_of_what_was_measured_after_a_newer_one() {
    let lab = Lab::new();
    measure(&lab, &[("1", "0.1", 0)]);
    measure(&lab, &[("1", "5", 240)]);
    measure(&lab, &[("1", "0.2", 120)]);
    assert_eq!((stands(&lab).as_str(), series(&lab).last.unwrap().id), ("rejected 1-2s 1-3s", 2));
    assert_eq!([60, 130, 250].map(|minute| stood(&lab, minute).name()), ["accepted", "accepted", "rejected"]);
    assert_eq!(with(&lab, None, &[]).state, QcState::Rejected);
    let ids: Vec<i64> =
        lab.reader.qc_points(&sim(), &potassium(), 9).unwrap().iter().map(|it| it.run).collect();
    assert_eq!(ids, [2, 3, 1], "the newest first, by when they were measured");
    let around = lab.reader.around_run(&sim(), &potassium(), 2, minute(6000)).unwrap().unwrap();
    assert_eq!((around.before.unwrap().id, around.after.is_none()), (3, true));
    replays(&lab);
}

#[test]
fn a_control_that_comes_late_takes_its_place_and_those_after_it_are_decided_again() {
    let lab = Lab::new();
    measure(&lab, &[("1", "0.1", 0)]);
    measure(&lab, &[("1", "2.4", 180)]);
    measure(&lab, &[("1", "0", 270)]);
    let runs = judged(&lab, &[("1", "2.6", 90)]);
    let told: Vec<(bool, &str)> = runs.iter().map(|it| (it.controls.is_empty(), it.outcome.name())).collect();
    assert_eq!(
        told,
        [(false, "warning"), (true, "rejected")],
        "the run after it is told of, the next isn't changed"
    );
    let late = measure(&lab, &[("1", "2.6", 90)])[0];
    assert_eq!(decisions(&lab), "1 accepted, 2 warning, 3 accepted, 4 warning, 2 rejected");
    assert_eq!(stood(&lab, 200), QcState::Rejected);
    // Taken out, it leaves no trace but what was decided meanwhile.
    lab.wait(lab.journal.exclude_control(late, saying("an air bubble"), lab.now())).unwrap();
    assert_eq!(
        decisions(&lab),
        "1 accepted, 2 warning, 3 accepted, 4 warning, 2 rejected, 4 void, 2 warning"
    );
    assert_eq!(stood(&lab, 200), QcState::Warning);
    replays(&lab);
}

#[test]
fn a_correction_decides_the_runs_after_its_own_again() {
    let lab = Lab::new();
    let first = measure(&lab, &[("1", "0.1", 0)])[0];
    measure(&lab, &[("1", "2.4", 90)]);
    measure_by(&lab, &plan(), &[("1", "2.6", 0)], Some(first));
    assert_eq!(decisions(&lab), "1 accepted, 2 warning, 1 warning, 2 rejected");
    replays(&lab);
}

#[test]
fn a_level_that_comes_late_belongs_to_the_run_in_which_it_was_measured() {
    let lab = Lab::new();
    measure(&lab, &[("1", "0", 0)]);
    measure(&lab, &[("1", "0.2", 30)]);
    measure(&lab, &[("2", "-3.5", 5)]);
    assert_eq!(decisions(&lab), "1 accepted, 2 accepted, 1 rejected");
    assert_eq!((stands(&lab).as_str(), stood(&lab, 20)), ("accepted", QcState::Rejected));
    // What was measured before a run began belongs to it where the run before has no room.
    measure(&lab, &[("2", "0.1", 29)]);
    assert_eq!(runs(&lab), 2);
    replays(&lab);
}

#[test]
fn the_order_in_which_controls_come_makes_no_difference() {
    let controls =
        [("1", "0.1", 0), ("2", "2.2", 10), ("1", "2.3", 90), ("2", "2.4", 100), ("1", "0.5", 180)];
    let told = |order: [usize; 5]| {
        let lab = Lab::new();
        for at in order {
            measure(&lab, &[controls[at]]);
        }
        replays(&lab);
        (0..20).map(|it| stood(&lab, it * 10 + 5).name()).collect::<Vec<_>>()
    };
    let first = told([0, 1, 2, 3, 4]);
    assert!(first.contains(&"rejected") && first.contains(&"accepted"), "{first:?}");
    for order in [[4, 3, 2, 1, 0], [2, 0, 4, 1, 3], [3, 2, 4, 1, 0]] {
        assert_eq!(told(order), first, "{order:?}");
    }
}

#[test]
fn a_run_counts_as_far_as_it_had_come_when_a_result_was_measured() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let lab = Lab::new();
        let controls = [("1", "0.1", 0), ("2", "4", 10), ("3", "0.1", 20)];
        let runs = judged(&lab, &controls);
        let within = [-1, 5, 15].map(|minute| with(&lab, Some(minute), &runs).state.name());
        assert_eq!(within, ["never run", "accepted", "rejected"], "before it is stored");
        for at in order {
            measure(&lab, &[controls[at]]);
        }
        assert_eq!(
            [-1, 5, 15, 25].map(|minute| stood(&lab, minute).name()),
            ["never run", "accepted", "rejected", "rejected"]
        );
        lab.wait(lab.journal.accept_run(1, saying("the wrong bottle"), lab.now())).unwrap();
        assert_eq!(stood(&lab, 15), QcState::Accepted, "what a person says is of all of it");
    }
}

/// Records a control that told no time, in a message of its own.
fn without_time(lab: &Lab, z: &str) -> ObservationId {
    let message = lab.message();
    let received: i64 = lab.ask("SELECT max(received_at) FROM message");
    let measured_at = jiff::Timestamp::from_microsecond(received).unwrap();
    let control = NewControl { measured_at, by: By::Receipt, ..new_control(0, ("1", z, 0), None) };
    let runs = lab.reader.judge_controls(&sim(), &[control], &plan()).unwrap();
    let entries: Vec<Entry> = vec![own(control_result("1", z))];
    let processed = labwire::journal::results::Processed { runs, ..processed(message, entries, Vec::new()) };
    lab.wait(lab.journal.record(processed, lab.now())).unwrap();
    lab.ids(message)[0]
}

#[test]
fn a_control_without_a_time_goes_by_receipt_and_lets_nothing_go_that_was_measured_before() {
    let lab = Lab::new();
    measure(&lab, &[("1", "0.1", -300)]);
    without_time(&lab, "0.2");
    assert_eq!(with(&lab, Some(-30), &[]), Stood { state: QcState::Accepted, by: By::Measurement });
    assert_eq!(with(&lab, Some(30), &[]), Stood { state: QcState::Accepted, by: By::Receipt });
    let bad = without_time(&lab, "5");
    // It may have been measured before the result, and may not.
    for minute in [Some(-30), Some(30), None] {
        assert_eq!(with(&lab, minute, &[]), Stood { state: QcState::Rejected, by: By::Receipt });
    }
    lab.wait(lab.journal.exclude_control(bad, saying("an air bubble"), lab.now())).unwrap();
    assert_eq!(with(&lab, Some(-30), &[]).by, By::Measurement);
    replays(&lab);
}
