//! The list for a downtime: what isn't in the LIMS, and what became of a list that was kept.

use labwire::domain::{DestinationId, SampleClass};
use labwire::journal::desk::Decision;
use labwire::journal::downtime::{At, ListId};
use labwire::journal::ledger::{Fate, Next};
use labwire::journal::results::{Entry, Route};
use labwire::journal::{JournalError, ObservationId};

use super::kit::{LIMS, Lab, held, own, result};

fn keep(lab: &Lab) -> Result<ListId, JournalError> {
    let by = "anna on the page".to_owned();
    lab.wait(lab.journal.keep_downtime_list(vec![LIMS.to_owned()], by, lab.now()))
}

fn listed(lab: &Lab) -> Vec<(ObservationId, String)> {
    let (missing, more) = lab.reader.missing(&[LIMS.to_owned()]).unwrap();
    assert!(!more);
    missing.into_iter().map(|it| (it.observation, it.at[0].state.clone())).collect()
}

#[test]
fn the_list_holds_patients_results_that_the_lims_has_not() {
    let lab = Lab::new();
    assert!(matches!(keep(&lab), Err(JournalError::Refused(_))), "nothing to keep");
    let delivered = lab.own(result("0815", "K", "4.1"));
    lab.deliver_everything();
    let waits = lab.own(result("0816", "K", "4.2"));
    let looked_at = lab.own(held(result("0817", "K", "9.9")));
    let mut control = result("QC1", "K", "4.0");
    control.class = SampleClass::Control;
    lab.own(control);
    let told = listed(&lab);
    assert_eq!(told, [(waits, "pending".to_owned()), (looked_at, "held".to_owned())]);
    assert!(told.iter().all(|(id, _)| *id != delivered));
    assert_eq!(lab.reader.missing(&["other".to_owned()]).unwrap().0.len(), 0);
}

#[test]
fn what_one_destination_has_and_another_has_not_is_told_of_each() {
    let lab = Lab::new();
    let both = |entry: Entry| {
        let there = |name: &str| (DestinationId::new(name), Route::Deliver);
        Entry { routes: vec![there(LIMS), there("other")], ..entry }
    };
    let id = lab.record(vec![both(own(result("0815", "K", "4.1")))])[0];
    lab.deliver_everything();
    let (missing, _) = lab.reader.missing(&[LIMS.to_owned(), "other".to_owned()]).unwrap();
    let at = |destination: &str, state: &str| At {
        destination: destination.to_owned(),
        state: state.to_owned(),
        may_be_there: false,
    };
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].observation, id);
    assert_eq!(missing[0].at, [at(LIMS, "accepted"), at("other", "pending")]);
}

#[test]
fn what_never_left_is_not_said_to_be_perhaps_there_and_what_got_no_answer_is() {
    let lab = Lab::new();
    lab.own(result("0815", "K", "4.1"));
    let may_be_there = || {
        let (missing, _) = lab.reader.missing(&[LIMS.to_owned()]).unwrap();
        missing[0].at[0].may_be_there
    };
    assert!(!may_be_there(), "it waits");
    let lease = lab.lease().unwrap();
    assert!(may_be_there(), "being sent");
    lab.nobody_there(&lease, lab.now());
    assert!(!may_be_there(), "nobody was there");
    let lease = lab.lease().unwrap();
    lab.settle_all(&lease, &Fate::Unknown, Next::Unknown { at: lab.now() }, None);
    assert!(may_be_there(), "no answer");
}

#[test]
fn a_kept_list_never_changes_and_says_what_became_of_each_result() {
    let lab = Lab::new();
    let stays = lab.own(result("0815", "K", "4.1"));
    let corrected = lab.own(result("0816", "K", "4.2"));
    let rejected = lab.own(held(result("0817", "K", "9.9")));
    let list = keep(&lab).unwrap();
    lab.newer(result("0816", "K", "5.2"), corrected);

    let reject = Decision::Reject(rejected);
    lab.decide(reject).unwrap();
    lab.deliver_everything();
    let later = lab.own(result("0818", "K", "4.4"));
    let (kept, since) = lab.reader.downtime_list(list).unwrap().unwrap();
    assert_eq!(kept.by, "anna on the page");
    let told: Vec<_> = since
        .iter()
        .map(|it| {
            let newer = it.newer.as_ref().map(|newer| newer.value_as_sent.as_str());
            (it.then.observation, it.then.at[0].state.as_str(), newer, it.now[0].state.as_str())
        })
        .collect();
    assert_eq!(
        told,
        [
            (stays, "pending", None, "accepted"),
            (corrected, "pending", Some("5.2"), "accepted"),
            (rejected, "held", None, "rejected"),
        ]
    );
    assert!(told.iter().all(|(id, ..)| *id != later), "what came later isn't on it");
    let differ: Vec<_> =
        since.iter().filter(|it| it.changed().is_some()).map(|it| it.then.observation).collect();
    assert_eq!(differ, [corrected]);
    assert!(lab.reader.downtime_list(ListId(99)).unwrap().is_none());
    lab.assert_balanced();
}

#[test]
fn a_result_that_was_moved_to_another_specimen_differs_though_its_value_is_the_same() {
    let lab = Lab::new();
    let listed = lab.own(result("0815", "K", "4.1"));
    let same = lab.own(result("0816", "K", "4.2"));
    let list = keep(&lab).unwrap();
    lab.newer(result("0899", "K", "4.1"), listed);
    lab.newer(result("0816", "K", "4.2"), same);
    let (_, since) = lab.reader.downtime_list(list).unwrap().unwrap();
    let moved: Vec<_> = since
        .iter()
        .filter_map(|it| Some((it.then.observation, it.changed()?.specimen.reveal().to_owned())))
        .collect();
    assert_eq!(moved, [(listed, "0899".to_owned())]);
}

#[test]
fn what_waits_for_a_person_is_counted_apart_from_what_leaves_by_itself() {
    let lab = Lab::new();
    lab.own(result("0815", "K", "4.1"));
    let perhaps_there = || lab.reader.queues().unwrap()[LIMS].perhaps_there;
    let lease = lab.lease().unwrap();
    assert_eq!(perhaps_there(), 0, "being sent");
    lab.settle_all(&lease, &Fate::Unknown, Next::Unknown { at: lab.now() }, None);
    assert_eq!(perhaps_there(), 0, "the LIMS is asked again");
    let lease = lab.lease().unwrap();
    lab.settle_all(&lease, &Fate::Unknown, Next::Dead, None);
    assert_eq!(perhaps_there(), 1);
    lab.own(result("0816", "K", "4.2"));
    let lease = lab.lease().unwrap();
    lab.settle_all(&lease, &Fate::Refused("no".to_owned()), Next::Dead, Some(422));
    assert_eq!(perhaps_there(), 1, "what was refused isn't there");
}
