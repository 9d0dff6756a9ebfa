//! Files and places of files in the list of problems.

use std::collections::BTreeSet;

use labwire::domain::{InstrumentId, Private};
use labwire::journal::desk::{Decider, Decision};
use labwire::journal::stuck::{PLACE, Stuck};

use super::kit::Lab;

fn say(lab: &Lab, source: &str, all: &[(&str, &str)]) {
    let stuck: Stuck =
        all.iter().map(|(name, text)| ((*name).to_owned(), Private::new((*text).to_owned()))).collect();
    let said = lab.journal.say_stuck(source.to_owned(), InstrumentId::new("cobas"), stuck, lab.now());
    lab.wait(said).unwrap();
}

/// What is open, newest first.
fn open(lab: &Lab) -> Vec<String> {
    let open = lab.reader.open_problems(100).unwrap();
    assert_eq!(i64::try_from(open.len()).unwrap(), lab.reader.waiting().unwrap().stuck);
    assert_eq!(lab.reader.waiting().unwrap().other_problems, 0);
    open.iter().map(|it| format!("{} {}", it.kind, it.text.reveal())).collect()
}

#[test]
fn what_is_stuck_is_one_problem_until_it_is_over_also_across_a_restart() {
    let lab = Lab::new();
    say(&lab, "folder out", &[("a", "a: too large"), (PLACE, "nobody answers")]);
    assert_eq!(open(&lab), ["stuck-file a: too large", "no-files nobody answers"]);
    say(&lab, "folder out", &[("a", "a: not whole")]);
    assert_eq!(open(&lab), ["stuck-file a: not whole"]);
    let lab = lab.reopen();
    assert_eq!(lab.reader.stuck("folder out").unwrap()["a"].reveal(), "a: not whole");
    say(&lab, "folder out", &[("a", "a: not whole")]);
    assert_eq!(open(&lab).len(), 1);
    say(&lab, "folder out", &[]);
    assert_eq!((open(&lab).len(), lab.reader.stuck("folder out").unwrap().len()), (0, 0));
    assert_eq!(lab.reader.audit_break().unwrap(), None);
    assert_eq!(lab.reader.deep_imbalances().unwrap(), Vec::<String>::new());
}

#[test]
fn what_a_person_dismissed_is_not_said_again_while_it_lasts() {
    let lab = Lab::new();
    say(&lab, "folder out", &[("a", "a: too large")]);
    let id = lab.reader.open_problems(1).unwrap()[0].id;
    let decider = Decider { actor: "anna".to_owned(), reason: "it is the yearly export".to_owned() };
    lab.wait(lab.journal.decide(Decision::Dismiss(id), decider, lab.now())).unwrap();
    say(&lab, "folder out", &[("a", "a: still too large")]);
    assert_eq!(open(&lab), Vec::<String>::new());
    say(&lab, "folder out", &[]);
    say(&lab, "folder out", &[("a", "a: too large")]);
    assert_eq!(open(&lab).len(), 1, "it is another file");
}

#[test]
fn a_place_that_is_no_longer_configured_leaves_no_problem_behind() {
    let lab = Lab::new();
    say(&lab, "folder out", &[("a", "a: too large")]);
    say(&lab, "folder in", &[("a", "a: not whole")]);
    let places = BTreeSet::from(["folder in".to_owned()]);
    lab.wait(lab.journal.keep_places(places, lab.now())).unwrap();
    assert_eq!(open(&lab), ["stuck-file a: not whole"]);
}
