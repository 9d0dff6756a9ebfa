//! What a later message brings of a specimen: that it is still to be judged with what was there is on disk with the message,
//! and what was only to leave is held where it is put in doubt.

use labwire::domain::clinic::Force;
use labwire::domain::{DestinationId, HoldReason, SpecimenId};
use labwire::journal::ObservationId;
use labwire::journal::decisions::{Again, HISTORY_WAS_ASKED, Judged, MORE_WAS_MEASURED, THE_LIMS_SPOKE};
use labwire::journal::desk::Decision;
use labwire::journal::ledger::{Fate, Next};
use labwire::journal::results::{Entry, Processed};

use super::judged::{critical, low};
use super::kit::{LIMS, Lab, own, processed, result};

impl Lab {
    /// Rules doubt it now.
    fn doubt(&self, observation: ObservationId, why: &'static str) {
        let evaluation = critical(Force::InForce, low());
        let (reasons, waits_at) = (evaluation.holds(), vec![DestinationId::new(LIMS)]);
        let judged = Judged { evaluations: vec![evaluation], reasons, waits_at, ..Judged::default() };
        let again = Again { observation, judged, link: None };
        self.wait(self.journal.judge_again(vec![again], why, self.now())).unwrap();
    }

    fn told_later(&self) -> Vec<String> {
        let told = self.reader.open_problems(10).unwrap().into_iter();
        told.filter(|it| it.kind == "found-later").map(|it| it.text.reveal().clone()).collect()
    }

    /// More comes of a specimen.
    fn more_of(&self, specimen: &str) {
        let message = self.message();
        let read = processed(message, vec![own(result(specimen, "HIL", "4"))], Vec::new());
        self.wait(self.journal.record(Processed { looks_beside: true, ..read }, self.now())).unwrap();
    }
}

#[test]
fn a_crash_before_what_was_there_is_judged_with_it_loses_nothing() {
    let lab = Lab::new();
    let (first, alone) = (lab.own(result("S1", "K", "2.1")), lab.own(result("S2", "K", "2.1")));
    lab.deliver_everything();
    lab.more_of("S1");
    lab.more_of("S3");
    let lab = lab.reopen();
    assert_eq!(
        lab.reader.beside_due(10).unwrap(),
        [SpecimenId::new("S1")],
        "of the others nothing was there"
    );
    lab.doubt(alone, "the gateway was started");
    assert!(lab.told_later().is_empty(), "what a start finds by itself is no later finding");
    lab.doubt(first, "the gateway was started");
    let [told] = lab.told_later().try_into().unwrap();
    assert!(told.starts_with(&format!("observation {first}, K, has left: critical: low")), "{told}");
    assert!(lab.reader.beside_due(10).unwrap().is_empty());
    lab.doubt(first, MORE_WAS_MEASURED);
    assert_eq!(lab.told_later().len(), 1, "it is told once");
    lab.more_of("S1");
    lab.wait(lab.journal.forget_beside(SpecimenId::new("S1"))).unwrap();
    assert!(lab.reader.beside_due(10).unwrap().is_empty());
    lab.assert_balanced();
}

#[test]
fn what_the_lims_tells_later_puts_in_doubt_what_has_left_and_a_person_hears_of_it() {
    for why in [THE_LIMS_SPOKE, HISTORY_WAS_ASKED] {
        let lab = Lab::new();
        let left = lab.own(result("S1", "K", "2.1"));
        lab.deliver_everything();
        let waits = lab.own(result("S2", "K", "2.1"));
        for id in [left, waits, left, waits] {
            lab.doubt(id, why);
        }
        let [told] = lab.told_later().try_into().unwrap();
        assert!(told.starts_with(&format!("observation {left}, K, has left: critical: low")), "{told}");
        assert_eq!(lab.state(waits), "held");
        lab.assert_balanced();
    }
}

#[test]
fn what_was_told_as_preliminary_and_is_in_doubt_now_is_told_to_a_person() {
    let lab = Lab::new();
    let waiting = |specimen: &str| {
        let lims = vec![DestinationId::new(LIMS)];
        let reasons = vec![HoldReason::NotReleased];
        let judged = Judged { reasons, waits_at: lims.clone(), announced_at: lims, ..Judged::default() };
        lab.record(vec![Entry { judged, ..own(result(specimen, "K", "2.1")) }])[0]
    };
    let word = |id: ObservationId| {
        lab.ask::<String>(&format!(
            "SELECT says || ' ' || state FROM notice WHERE observation = {id} ORDER BY id DESC"
        ))
    };
    let told = waiting("S1");
    lab.deliver_everything();
    assert_eq!((word(told).as_str(), lab.state(told).as_str()), ("preliminary accepted", "held"));
    let not_yet = waiting("S2");
    for id in [told, not_yet] {
        lab.doubt(id, MORE_WAS_MEASURED);
    }
    assert_eq!(word(not_yet), "preliminary superseded", "it is never told");
    let [problem] = lab.told_later().try_into().unwrap();
    assert!(
        problem.starts_with(&format!("observation {told}, K, was told as preliminary: critical: low")),
        "{problem}"
    );
    lab.doubt(told, MORE_WAS_MEASURED);
    assert_eq!(lab.told_later().len(), 1, "it is told once");
    lab.decide(Decision::Reject(told)).unwrap();
    assert_eq!(word(told), "rejected pending", "whoever rejects it takes it back there");
    lab.assert_balanced();
}

#[test]
fn what_is_put_in_doubt_before_its_delivery_begins_is_held() {
    let lab = Lab::new();
    let waits = lab.own(result("S1", "K", "2.1"));
    lab.doubt(waits, MORE_WAS_MEASURED);
    assert_eq!((lab.state(waits).as_str(), lab.told_later().len()), ("held", 0));
    assert_eq!(lab.ask::<String>("SELECT reason FROM hold WHERE closed_at IS NULL"), "critical");
    assert!(lab.lease().is_none());
    lab.decide(Decision::Release(waits)).unwrap();
    assert_eq!(lab.state(waits), "pending");
    lab.doubt(waits, MORE_WAS_MEASURED);
    assert_eq!(lab.state(waits), "pending", "a person has let go of that");
    lab.deliver_everything();

    let leaving = lab.own(result("S2", "K", "2.1"));
    let lease = lab.lease().unwrap();
    lab.doubt(leaving, MORE_WAS_MEASURED);
    assert_eq!(lab.state(leaving), "in-flight");
    let [told] = lab.told_later().try_into().unwrap();
    assert!(told.starts_with(&format!("observation {leaving}, K, is on its way: critical: low")), "{told}");
    lab.settle_all(&lease, &Fate::Accepted, Next::Settled, Some(200));

    let other = lab.own(result("S3", "K", "2.1"));
    lab.doubt(other, "other rules are in force");
    assert_eq!(lab.state(other), "pending", "other rules pull nothing back");
    lab.assert_balanced();
}
