//! A result whose specimen number was misread: a named person moves it, nothing of it leaves under the wrong number from
//! then on, whoever has it there is told that it is void, and no sum changes by it. And what is held, told as preliminary
//! meanwhile: never before, after or instead of the result itself.

use labwire::domain::{DestinationId, HoldReason, SpecimenId, Standing};
use labwire::journal::decisions::Judged;
use labwire::journal::desk::Decision;
use labwire::journal::ledger::{Fate, Next, Render};
use labwire::journal::reassign::{Moved, Reassigning};
use labwire::journal::resend::{Of, Resending, Wanted};
use labwire::journal::results::{Entry, Place};
use labwire::journal::{JournalError, ObservationId};

use super::kit::{LIMS, Lab, own, result};

impl Lab {
    fn reassign(&self, results: &[ObservationId], to: &str) -> Result<(), JournalError> {
        let it = Reassigning {
            results: results.to_vec(),
            specimen: SpecimenId::new(to),
            by: "Dora Example".to_owned(),
            account: "mgarcia".to_owned(),
            reason: "the tube was scanned by hand".to_owned(),
        };
        self.wait(self.journal.reassign(it, self.now()))
    }

    /// What the runner does, without rules. The numbers of what took the places.
    fn carry_over(&self) -> Vec<ObservationId> {
        let moved: Vec<Moved> = self
            .reader
            .to_move(100)
            .unwrap()
            .into_iter()
            .map(|it| {
                let mut observation = it.known.observation.into_inner();
                observation.specimen = it.specimen;
                observation.standing = Standing::Clear;
                Moved { from: it.known.id, message: it.known.message, entry: own(observation) }
            })
            .collect();
        let from: Vec<_> = moved.iter().map(|it| it.from).collect();
        self.wait(self.journal.carry_over(moved, self.now())).unwrap();
        let of =
            |it: &ObservationId| self.ask(&format!("SELECT id FROM observation WHERE supersedes = {it}"));
        from.iter().map(|it| ObservationId(of(it))).collect()
    }

    fn words(&self, id: ObservationId) -> Vec<String> {
        let journal = self.reading();
        let mut statement = journal
            .prepare("SELECT says || ' ' || state FROM notice WHERE observation = ? ORDER BY id")
            .unwrap();
        let words = statement.query_map([id.0], |row| row.get(0)).unwrap();
        words.map(Result::unwrap).collect()
    }
}

/// What each payload says of each result.
fn telling() -> Render {
    std::sync::Arc::new(|it| {
        let said = it.items.iter().map(|item| {
            let moved = item.moved.as_ref().map(|it| it.specimen.reveal()).unwrap_or("-");
            format!("{} {:?} {} {moved}", it.specimen.reveal(), item.says, item.announced)
        });
        Ok(said.collect::<Vec<_>>().join("; ").into_bytes())
    })
}

impl Lab {
    /// Leases and accepts until nothing is left; what was said.
    fn tell_everything(&self) -> Vec<String> {
        std::iter::from_fn(|| {
            let destination = DestinationId::new(LIMS);
            let resolve = labwire::journal::ledger::Resolve::Resend;
            let lease =
                self.wait(self.journal.lease(destination, resolve, telling(), self.now())).unwrap()?;
            self.accept(&lease);
            Some(String::from_utf8(lease.payload).unwrap())
        })
        .collect()
    }
}

fn waiting(entry: Entry) -> Entry {
    let lims = vec![DestinationId::new(LIMS)];
    let judged = Judged {
        reasons: vec![HoldReason::NotReleased],
        waits_at: lims.clone(),
        announced_at: lims,
        ..Judged::default()
    };
    Entry { judged, ..entry }
}

#[test]
fn what_has_not_left_leaves_under_the_right_number_alone_and_knows_where_it_came_from() {
    let lab = Lab::new();
    let wrong = lab.own(result("S1", "K", "4.1"));
    let stays = lab.own(result("S1", "NA", "140"));
    lab.reassign(&[wrong], "S2").unwrap();
    assert_eq!(lab.state(wrong), "superseded", "it can't leave any more, before anybody has judged it");
    assert!(lab.words(wrong).is_empty(), "nobody has it");
    lab.assert_balanced();
    let right = lab.carry_over()[0];
    lab.assert_balanced();
    assert_eq!(lab.ask::<String>(&format!("SELECT specimen FROM observation WHERE id = {right}")), "S2");
    let origin = lab.reader.origin(right).unwrap().unwrap();
    assert_eq!((origin.specimen.reveal(), origin.by.as_str()), ("S1", "Dora Example"));
    assert_eq!(lab.tell_everything(), ["S1 Result false -", "S2 Result false S1"]);
    assert_eq!((lab.state(right).as_str(), lab.state(stays).as_str()), ("accepted", "accepted"));
    lab.assert_balanced();
    for change in ["UPDATE reassignment SET named = ''", "DELETE FROM reassignment"] {
        assert!(lab.reading().execute(change, []).is_err(), "{change}");
    }
    let steps =
        lab.ask::<String>("SELECT group_concat(detail) FROM audit WHERE step = 'specimen reassigned'");
    assert_eq!(steps, "by Dora Example: the tube was scanned by hand");
}

#[test]
fn what_the_lims_has_under_the_wrong_number_is_taken_back_there() {
    let lab = Lab::new();
    let wrong = lab.own(result("S1", "K", "4.1"));
    lab.deliver_everything();
    lab.reassign(&[wrong], "S2").unwrap();
    assert_eq!(lab.words(wrong), ["misread pending"]);
    lab.carry_over();
    let rerun = lab.own(result("S1", "K", "5.0"));
    let told = lab.tell_everything();
    assert_eq!(told, ["S1 Void(Misread) false -", "S2 Result false S1", "S1 Result false -"]);
    assert_eq!(
        (lab.words(wrong), lab.state(wrong)),
        (vec!["misread accepted".to_owned()], "accepted".to_owned())
    );
    assert_eq!(lab.state(rerun), "accepted");
    lab.assert_balanced();
}

/// Has a specimen's results sent once more.
fn resend(lab: &Lab, number: &str) {
    let of = Of::Specimen(SpecimenId::new(number));
    let wanted = Wanted { destination: DestinationId::new(LIMS), of, instrument: None, test: None };
    let (by, reason) = ("Anna Example".to_owned(), "the LIMS lost it".to_owned());
    let it = Resending { wanted, by, account: "mgarcia".to_owned(), reason, seen: None };
    lab.wait(lab.journal.resend(it, lab.now())).unwrap();
}

#[test]
fn what_the_lims_had_is_taken_back_there_whatever_came_of_sending_it_once_more() {
    for came_to in ["refused", "given up", "nobody there", "nothing yet"] {
        let lab = Lab::new();
        let wrong = lab.own(result("S1", "K", "4.1"));
        lab.deliver_everything();
        resend(&lab, "S1");
        match came_to {
            "nothing yet" => {}
            "nobody there" => lab.nobody_there(&lab.lease().unwrap(), lab.now()),
            _ => {
                let again = lab.lease().unwrap();
                lab.settle_all(&again, &Fate::Refused("no".to_owned()), Next::Dead, Some(422));
                if came_to == "given up" {
                    lab.decide(Decision::GiveUp(again.delivery)).unwrap();
                }
            }
        }
        lab.reassign(&[wrong], "S2").unwrap();
        lab.carry_over();
        let told = lab.tell_everything();
        assert!(told.contains(&"S1 Void(Misread) false -".to_owned()), "{came_to}: {told:?}");
        assert_eq!(lab.words(wrong), ["misread accepted"], "{came_to}");
        lab.assert_balanced();
    }
}

#[test]
fn a_taken_back_result_is_void_before_anything_newer_of_its_test_arrives() {
    let lab = Lab::new();
    let wrong = lab.own(result("S1", "K", "4.1"));
    lab.deliver_everything();
    lab.reassign(&[wrong], "S2").unwrap();
    lab.own(result("S1", "K", "5.0"));
    let void = lab.lease().unwrap();
    assert_eq!(void.items, [wrong]);
    lab.settle_all(&void, &Fate::Refused("no".to_owned()), Next::Dead, Some(422));
    assert!(lab.lease().is_none(), "its void is refused: a person decides before the next potassium goes");
    lab.decide(Decision::GiveUp(void.delivery)).unwrap();
    assert_eq!(lab.words(wrong), ["misread rejected"]);
    assert_eq!(lab.deliver_everything().len(), 1);
    lab.assert_balanced();
}

#[test]
fn a_delivery_that_surely_never_arrived_is_taken_apart_and_one_in_doubt_is_waited_for() {
    let lab = Lab::new();
    let wrong = lab.own(result("S1", "K", "4.1"));
    let stays = lab.own(result("S1", "NA", "140"));
    let lease = lab.lease().unwrap();
    lab.nobody_there(&lease, lab.now());
    lab.reassign(&[wrong], "S2").unwrap();
    assert_eq!((lab.state(wrong).as_str(), lab.state(stays).as_str()), ("superseded", "pending"));
    assert!(lab.words(wrong).is_empty());
    lab.carry_over();
    assert_eq!(lab.deliver_everything().len(), 2);
    lab.assert_balanced();

    let doubtful = lab.own(result("S3", "K", "4.1"));
    let lease = lab.lease().unwrap();
    lab.settle_all(&lease, &Fate::Unknown, Next::Unknown { at: lab.now() }, None);
    lab.reassign(&[doubtful], "S4").unwrap();
    lab.carry_over();
    assert_eq!(
        (lab.state(doubtful).as_str(), lab.words(doubtful)),
        ("unknown", vec!["misread pending".to_owned()])
    );
    let told = lab.tell_everything();
    assert!(told.iter().any(|it| it == "S3 Void(Misread) false -"), "{told:?}");
    assert_eq!(lab.words(doubtful), ["misread accepted"]);
    lab.assert_balanced();
}

#[test]
fn what_the_lims_refused_in_the_end_needs_no_void() {
    let lab = Lab::new();
    let wrong = lab.own(result("S1", "K", "4.1"));
    let lease = lab.lease().unwrap();
    lab.settle_all(&lease, &Fate::Unknown, Next::Unknown { at: lab.now() }, None);
    lab.reassign(&[wrong], "S2").unwrap();
    let again = lab.lease().unwrap();
    lab.settle_all(&again, &Fate::Refused("no such specimen".to_owned()), Next::Dead, Some(422));
    assert!(lab.lease().is_none());
    assert_eq!(
        (lab.state(wrong).as_str(), lab.words(wrong)),
        ("superseded", vec!["misread superseded".to_owned()])
    );
    lab.assert_balanced();
}

#[test]
fn only_what_is_there_and_current_can_be_moved_by_somebody_for_a_reason() {
    let lab = Lab::new();
    let first = lab.own(result("S1", "K", "4.1"));
    let second = lab.newer(result("S1", "K", "4.2"), first);
    let other = lab.own(result("S1", "NA", "140"));
    for (id, to, why) in [
        (ObservationId(999), "S2", "there is no observation 999"),
        (first, "S2", "has a newer version"),
        (second, "S1", "has this number already"),
        (second, "  ", "is none"),
        (second, "S\u{1b}2", "no label"),
        (second, "S\u{fffd}2", "no label"),
        (second, "S\u{a0}2", "no label"),
    ] {
        let refused = lab.reassign(&[other, id], to).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM reassignment"), 0, "all or none");
    lab.reassign(&[second], "S2").unwrap();
    assert!(lab.reassign(&[second], "S3").unwrap_err().to_string().contains("was moved before"));
    let right = lab.carry_over()[0];
    lab.reassign(&[right], "S3").unwrap();
    let last = lab.carry_over()[0];
    assert_eq!(lab.reader.origin(last).unwrap().unwrap().specimen.reveal(), "S2");
    lab.deliver_everything();
    assert_eq!((lab.state(right).as_str(), lab.state(last).as_str()), ("superseded", "accepted"));
    lab.assert_balanced();
}

#[test]
fn a_correction_under_the_number_that_was_misread_waits_for_a_person() {
    let lab = Lab::new();
    let wrong = lab.own(result("S1", "K", "4.1"));
    lab.reassign(&[wrong], "S2").unwrap();
    for before_it_is_judged in [true, false] {
        let corrected = Entry { place: Place::Supersedes(wrong), ..own(result("S1", "K", "4.3")) };
        let id = lab.record(vec![corrected])[0];
        assert_eq!(lab.state(id), "held", "{before_it_is_judged}");
        let why = lab.ask::<String>(&format!("SELECT reason FROM hold WHERE observation = {id}"));
        assert_eq!(why, HoldReason::MisreadSpecimen.name());
        lab.carry_over();
        lab.assert_balanced();
    }
}

#[test]
fn moving_outlives_a_crash_at_each_step_and_happens_once() {
    let lab = Lab::new();
    let wrong = lab.own(result("S1", "K", "4.1"));
    lab.deliver_everything();
    lab.reassign(&[wrong], "S2").unwrap();
    let lab = lab.reopen();
    assert_eq!(lab.reader.to_move(10).unwrap().len(), 1, "it is still to be judged");
    lab.carry_over();
    let lab = lab.reopen();
    assert!(lab.reader.to_move(10).unwrap().is_empty());
    let void = lab.lease().unwrap();
    assert_eq!(void.items, [wrong]);
    let lab = lab.reopen();
    assert_eq!(lab.words(wrong), ["misread unknown"], "it may have arrived");
    let again = lab.lease().unwrap();
    assert_eq!((&again.key, &again.payload), (&void.key, &void.payload), "the same bytes again");
    lab.accept(&again);
    assert_eq!(lab.words(wrong), ["misread accepted"]);
    lab.deliver_everything();
    lab.assert_balanced();
}

#[test]
fn a_held_result_is_told_as_preliminary_and_comes_itself_once_it_is_released() {
    let lab = Lab::new();
    let held = lab.record(vec![waiting(own(result("S1", "K", "4.1")))])[0];
    assert_eq!((lab.state(held).as_str(), lab.words(held)), ("held", vec!["preliminary pending".to_owned()]));
    assert_eq!(lab.tell_everything(), ["S1 Preliminary false -"]);
    assert_eq!(lab.state(held), "held", "it counts as held until somebody lets it go");
    lab.decide(Decision::Release(held)).unwrap();
    assert_eq!(lab.tell_everything(), ["S1 Result true -"]);
    assert_eq!(
        (lab.state(held).as_str(), lab.words(held)),
        ("accepted", vec!["preliminary accepted".to_owned()])
    );
    lab.assert_balanced();
}

#[test]
fn a_preliminary_result_never_comes_after_the_result_itself() {
    let lab = Lab::new();
    let quick = lab.record(vec![waiting(own(result("S1", "K", "4.1")))])[0];
    lab.decide(Decision::Release(quick)).unwrap();
    assert_eq!(lab.words(quick), ["preliminary superseded"], "it was released before anything was told");
    assert_eq!(lab.tell_everything(), ["S1 Result false -"]);

    let doubtful = lab.record(vec![waiting(own(result("S2", "K", "4.1")))])[0];
    let lease = lab.lease().unwrap();
    lab.settle_all(&lease, &Fate::Unknown, Next::Unknown { at: lab.now() }, None);
    lab.decide(Decision::Release(doubtful)).unwrap();
    let again = lab.lease().unwrap();
    assert_eq!((again.key.as_str(), again.items.as_slice()), (lease.key.as_str(), &[doubtful][..]));
    assert!(lab.lease().is_none(), "the result waits until that is settled");
    lab.accept(&again);
    assert_eq!(lab.tell_everything(), ["S2 Result true -"]);

    let refused = lab.record(vec![waiting(own(result("S3", "K", "4.1")))])[0];
    let lease = lab.lease().unwrap();
    lab.settle_all(&lease, &Fate::Refused("no P here".to_owned()), Next::Dead, Some(422));
    assert_eq!(lab.reader.dead_letters(10).unwrap().len(), 1);
    lab.decide(Decision::Release(refused)).unwrap();
    assert!(lab.reader.dead_letters(10).unwrap().is_empty(), "the result itself goes now");
    assert_eq!(lab.tell_everything(), ["S3 Result false -"]);
    lab.assert_balanced();
}

#[test]
fn a_rejected_result_that_was_told_is_taken_back() {
    let lab = Lab::new();
    let told = lab.record(vec![waiting(own(result("S1", "K", "4.1")))])[0];
    lab.deliver_everything();
    lab.decide(Decision::Reject(told)).unwrap();
    assert_eq!(lab.tell_everything(), ["S1 Void(Rejected) true -"]);
    let untold = lab.record(vec![waiting(own(result("S2", "K", "4.1")))])[0];
    lab.decide(Decision::Reject(untold)).unwrap();
    assert!(lab.tell_everything().is_empty());
    assert_eq!(lab.words(untold), ["preliminary superseded"]);
    lab.assert_balanced();
}

#[test]
fn a_result_that_was_told_as_preliminary_is_taken_back_where_it_is_moved() {
    let lab = Lab::new();
    let wrong = lab.record(vec![waiting(own(result("S1", "K", "4.1")))])[0];
    lab.deliver_everything();
    lab.reassign(&[wrong], "S2").unwrap();
    lab.carry_over();
    assert_eq!(lab.tell_everything(), ["S1 Void(Misread) true -", "S2 Result false S1"]);
    lab.assert_balanced();
}

#[test]
fn what_is_in_doubt_is_never_told_as_preliminary() {
    let lab = Lab::new();
    let mut doubtful = result("S1", "K", "4.1");
    doubtful.standing = Standing::Held(vec![HoldReason::StatusInDoubt]);
    let id = lab.record(vec![waiting(own(doubtful))])[0];
    assert!(lab.words(id).is_empty());
    let newer_than = |first, specimen| {
        waiting(Entry { place: Place::Supersedes(first), ..own(result(specimen, "K", "4.2")) })
    };
    let first = lab.own(result("S2", "K", "4.1"));
    lab.deliver_everything();
    let newer = lab.record(vec![newer_than(first, "S2")])[0];
    assert!(lab.words(newer).is_empty(), "a correction never makes a final result preliminary again");
    let never_left = lab.own(result("S3", "K", "4.1"));
    let newer = lab.record(vec![newer_than(never_left, "S3")])[0];
    assert_eq!(lab.words(newer), ["preliminary pending"], "nothing of it is there");
    lab.assert_balanced();
}
