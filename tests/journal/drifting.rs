//! What an instrument sends otherwise than before is named once, and holds nothing.

use labwire::domain::{Habit, HabitKind, InstrumentId};
use labwire::journal::MessageId;
use labwire::journal::desk::Decision;
use labwire::journal::results::Processed;
use labwire::journal::views::ProblemView;

use super::kit::{Lab, own, processed, result};

fn unit(value: &str) -> Habit {
    Habit::new(HabitKind::Unit, "K", value, None)
}

fn pinned_unit(value: &str) -> Habit {
    Habit::new(HabitKind::Unit, "K", value, Some("mmol/L".to_owned()))
}

fn code(code: &str) -> Habit {
    Habit::new(HabitKind::Code, code, "", Some("sim/1".to_owned()))
}

/// A message of an instrument that shows these.
fn shown_by(lab: &Lab, instrument: &str, habits: &[Habit]) -> MessageId {
    let message = lab.message();
    show_again(lab, instrument, message, habits);
    message
}

fn show_again(lab: &Lab, instrument: &str, message: MessageId, habits: &[Habit]) {
    let read = Processed {
        instrument: Some(InstrumentId::new(instrument)),
        habits: habits.to_vec(),
        ..processed(message, Vec::new(), Vec::new())
    };
    lab.wait(lab.journal.record(read, lab.now())).unwrap();
}

fn show(lab: &Lab, habits: &[Habit]) -> MessageId {
    shown_by(lab, "sim", habits)
}

fn named(lab: &Lab) -> Vec<String> {
    open(lab).iter().map(|problem| problem.text.reveal().clone()).collect()
}

fn open(lab: &Lab) -> Vec<ProblemView> {
    let problems = lab.reader.open_problems(99).unwrap();
    assert!(problems.iter().all(|problem| problem.kind == "drift"));
    assert_eq!(usize::try_from(lab.reader.waiting().unwrap().drifts).unwrap(), problems.len());
    problems
}

#[test]
fn the_first_message_that_differs_is_the_evidence_and_no_later_one() {
    let lab = Lab::new();
    show(&lab, &[unit("mmol/L")]);
    assert_eq!(named(&lab), [""; 0], "nothing was known before");
    let first = show(&lab, &[unit("mg/dL")]);
    for _ in 0..3 {
        show(&lab, &[unit("mg/dL")]);
        show(&lab, &[unit("mmol/L")]);
    }
    assert_eq!(named(&lab), ["the unit of K is \"mg/dL\"; until now it was \"mmol/L\""]);
    let problem = open(&lab).remove(0);
    assert_eq!((problem.message, problem.instrument.as_deref()), (Some(first), Some("sim")));
    assert_eq!(lab.reader.messages_in_doubt().unwrap(), [], "all that it holds was read");
    lab.assert_balanced();
}

#[test]
fn what_the_profile_says_counts_from_the_first_message_on() {
    let lab = Lab::new();
    show(&lab, &[pinned_unit("mg/dL"), code("NOVEL")]);
    show(&lab, &[pinned_unit("mg/dL"), code("NOVEL"), code("OTHER")]);
    assert_eq!(
        named(&lab),
        [
            "a test code that sim/1 doesn't know: \"OTHER\"",
            "a test code that sim/1 doesn't know: \"NOVEL\"",
            "the unit of K is \"mg/dL\", and \"mmol/L\" was expected",
        ]
    );
}

#[test]
fn each_instrument_has_habits_of_its_own() {
    let lab = Lab::new();
    shown_by(&lab, "left", &[unit("mmol/L")]);
    shown_by(&lab, "right", &[unit("mg/dL")]);
    assert_eq!(named(&lab), [""; 0]);
    shown_by(&lab, "right", &[unit("mmol/L")]);
    assert_eq!(open(&lab)[0].instrument.as_deref(), Some("right"));
}

#[test]
fn a_person_dismisses_it_with_a_reason_and_it_stays_away() {
    let lab = Lab::new();
    show(&lab, &[pinned_unit("mg/dL")]);
    lab.decide(Decision::Dismiss(open(&lab)[0].id)).unwrap();
    show(&lab, &[pinned_unit("mg/dL")]);
    assert_eq!(named(&lab), [""; 0]);
    let audited = "SELECT actor || ': ' || step || ', ' || detail FROM audit WHERE step = 'dismissed'";
    assert_eq!(lab.ask::<String>(audited), "mgarcia: dismissed, seen on the analyzer (was open, is seen to)");
    show(&lab, &[pinned_unit("g/L")]);
    assert_eq!(named(&lab).len(), 1, "a further change is named anew");
    lab.assert_balanced();
}

#[test]
fn further_changes_join_the_one_that_nobody_has_seen_to_yet() {
    let lab = Lab::new();
    for value in ["a", "b", "c", "b", "d"] {
        show(&lab, &[unit(value)]);
    }
    assert_eq!(
        named(&lab),
        ["the unit of K is \"b\"; until now it was \"a\"; later also \"c\"; later also \"d\""]
    );
    lab.decide(Decision::Dismiss(open(&lab)[0].id)).unwrap();
    for value in ["a", "b", "c", "d"] {
        show(&lab, &[unit(value)]);
    }
    assert_eq!(named(&lab), [""; 0]);
}

#[test]
fn a_value_that_is_another_each_time_does_not_grow_without_end() {
    let lab = Lab::new();
    for value in 0..70 {
        show(&lab, &[unit(&value.to_string())]);
    }
    assert_eq!(named(&lab).len(), 1);
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM habit"), 50);
}

#[test]
fn only_what_is_new_is_handed_to_the_writer() {
    let lab = Lab::new();
    show(&lab, &[unit("mmol/L")]);
    let shown = || [unit("mmol/L"), unit("mg/dL"), code("NOVEL")].into_iter().collect();
    let sim = InstrumentId::new("sim");
    assert_eq!(lab.reader.new_habits(&sim, shown()).unwrap(), [code("NOVEL"), unit("mg/dL")]);
    show(&lab, &[unit("mg/dL"), code("NOVEL")]);
    assert_eq!(lab.reader.new_habits(&sim, shown()).unwrap(), []);
}

#[test]
fn a_message_that_is_read_again_is_compared_again() {
    let lab = Lab::new();
    let message = show(&lab, &[code("NOVEL"), unit("mmol/L")]);
    assert_eq!(named(&lab).len(), 1);
    lab.decide(Decision::Reread(message)).unwrap();
    assert_eq!(named(&lab), [""; 0]);
    show_again(&lab, "sim", message, &[code("NOVEL")]);
    assert_eq!(named(&lab).len(), 1, "the code is still unknown");
    lab.decide(Decision::Reread(message)).unwrap();
    show_again(&lab, "sim", message, &[]);
    assert_eq!(named(&lab), [""; 0], "the configuration knows it now");
    lab.assert_balanced();
}

#[test]
fn results_leave_whatever_else_has_changed() {
    let lab = Lab::new();
    let message = lab.message();
    let read = Processed {
        habits: vec![pinned_unit("mg/dL")],
        ..processed(message, vec![own(result("S1", "K", "4.1"))], Vec::new())
    };
    lab.wait(lab.journal.record(read, lab.now())).unwrap();
    assert_eq!(named(&lab).len(), 1);
    assert_eq!(lab.lease().unwrap().items, lab.ids(message));
    lab.assert_balanced();
}
