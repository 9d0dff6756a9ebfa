//! What rules in force found of a result goes with it to whom it leaves, as of when its delivery is made; what they find once it
//! has left is a problem.

use std::sync::Arc;

use labwire::domain::DestinationId;
use labwire::domain::clinic::{Evaluation, Force, Path, Ruling, Why};
use labwire::journal::ObservationId;
use labwire::journal::decisions::{Again, Judged, MORE_WAS_MEASURED, StoredDecision};
use labwire::journal::ledger::{Lease, Render, Resolve};
use labwire::journal::results::Entry;

use super::judged::{critical, low};
use super::kit::{LIMS, Lab, at, own, result};

/// A result whose own people verify it.
fn passed(evaluation: Evaluation) -> Judged {
    let leaves_to = vec![DestinationId::new(LIMS)];
    Judged { evaluations: vec![evaluation], leaves_to, ..Judged::default() }
}

fn of_rules(sha256: &str, evaluation: Evaluation) -> Evaluation {
    let rules = labwire::domain::Rules { sha256: sha256.repeat(32), ..(*evaluation.rules).clone() };
    Evaluation { rules: Arc::new(rules), ..evaluation }
}

impl Lab {
    fn found(&self, evaluation: Evaluation) -> ObservationId {
        self.record(vec![Entry { judged: passed(evaluation), ..own(result("S1", "K", "2.1")) }])[0]
    }

    fn found_again(&self, observation: ObservationId, evaluation: Evaluation) {
        let again = Again { observation, judged: passed(evaluation), link: None };
        self.wait(self.journal.judge_again(vec![again], MORE_WAS_MEASURED, self.now())).unwrap();
    }

    /// The next attempt, and what it tells of findings.
    fn told_of_findings(&self) -> (Lease, String) {
        let findings: Render = Arc::new(|consignment| {
            let items = consignment.items.iter();
            let all: Vec<String> =
                items.flat_map(|it| it.findings().iter().map(StoredDecision::finding)).collect();
            Ok(all.join(" + ").into_bytes())
        });
        let lease = self.journal.lease(DestinationId::new(LIMS), Resolve::Resend, findings, self.now());
        let lease = self.wait(lease).unwrap().unwrap();
        let told = String::from_utf8(lease.payload.clone()).unwrap();
        (lease, told)
    }

    fn later(&self) -> Vec<String> {
        let told = self.reader.open_problems(10).unwrap().into_iter();
        told.filter(|it| it.kind == "found-later").map(|it| it.text.reveal().clone()).collect()
    }
}

const LOW: &str = "critical: low; by potassium; limits < 2.8 mmol/L";

#[test]
fn what_signed_rules_found_leaves_with_the_result_and_what_others_found_does_not() {
    let clear = Ruling::Decided(Path::Clear);
    let by_rounding = |mut it: Evaluation| {
        it.decisions[0].rounding_decides = true;
        it
    };
    let calm = |mut it: Evaluation| {
        it.decisions[0].holds = false;
        it
    };
    let rounded = "critical: clear; by potassium; limits < 2.8 mmol/L; the value as it is reported, rounded, would be decided otherwise";
    for (evaluation, expected) in [
        (critical(Force::InForce, low()), LOW),
        (calm(critical(Force::InForce, low())), LOW),
        (critical(Force::Shadow, low()), ""),
        (calm(critical(Force::InForce, clear.clone())), ""),
        (by_rounding(calm(critical(Force::InForce, clear.clone()))), rounded),
        (calm(critical(Force::InForce, Ruling::NotEvaluated(Why::NoPatientId))), ""),
    ] {
        let lab = Lab::new();
        lab.found(evaluation);
        assert_eq!(lab.told_of_findings().1, expected);
        assert!(lab.later().is_empty());
    }
}

#[test]
fn what_was_found_stands_until_the_same_rules_decide_otherwise_and_a_payload_stays_as_it_was_made() {
    let calm = |ruling: Ruling| {
        let mut it = critical(Force::InForce, ruling);
        it.decisions[0].holds = false;
        it
    };
    let not_asked = || calm(Ruling::NotEvaluated(Why::NothingToCompare));
    let clear = || calm(Ruling::Decided(Path::Clear));
    let of_others = || Evaluation { decisions: Vec::new(), ..not_asked() };
    let by_no_rule = || {
        let mut it = calm(Ruling::NotEvaluated(Why::NoRuleFits));
        it.decisions[0].rules.clear();
        it
    };
    for (again, expected) in [
        (not_asked(), LOW),
        (clear(), ""),
        (of_rules("cd", not_asked()), ""),
        (of_others(), ""),
        (by_no_rule(), ""),
    ] {
        let lab = Lab::new();
        let id = lab.found(calm(low()));
        lab.found_again(id, again);
        let (lease, told) = lab.told_of_findings();
        assert_eq!(told, expected);
        let decided = lab.reader.decided(id).unwrap();
        let to_see: Vec<String> =
            decided.iter().filter(|it| it.wants_a_person()).map(StoredDecision::finding).collect();
        assert_eq!((to_see.concat().as_str(), decided.len() <= 1), (expected, true), "{decided:?}");
        lab.nobody_there(&lease, at(1));
        lab.found_again(id, of_rules("ef", calm(low())));
        let (again, told) = lab.told_of_findings();
        assert_eq!((told.as_str(), again.key), (expected, lease.key), "one key, the same bytes");
        lab.assert_balanced();
    }
}

#[test]
fn what_is_found_once_a_result_has_left_is_a_problem_where_a_live_destination_has_it() {
    let lab = Lab::new();
    let id = lab.found(critical(Force::InForce, Ruling::Decided(Path::Clear)));
    let waits = lab.record(vec![Entry {
        judged: passed(critical(Force::InForce, Ruling::Decided(Path::Clear))),
        ..own(result("S2", "K", "2.1"))
    }])[0];
    let (lease, _) = lab.told_of_findings();
    lab.accept(&lease);
    for _ in 0..2 {
        lab.found_again(id, critical(Force::InForce, low()));
    }
    let [told] = lab.later().try_into().unwrap();
    assert!(told.starts_with(&format!("observation {id}, K, has left: critical: low")), "{told}");
    lab.found_again(waits, critical(Force::InForce, low()));
    assert_eq!(lab.later().len(), 1, "what is found before it leaves goes with it");
    assert_eq!((lab.state(waits).as_str(), lab.told_of_findings().1.as_str()), ("pending", LOW));
    let tried = Judged { evaluations: vec![critical(Force::InForce, low())], ..Judged::default() };
    let at_test = lab.own(result("S3", "K", "2.1"));
    lab.deliver_everything();
    let again = Again { observation: at_test, judged: tried, link: None };
    lab.wait(lab.journal.judge_again(vec![again], MORE_WAS_MEASURED, lab.now())).unwrap();
    assert_eq!(lab.later().len(), 1, "nobody is treated by what only a destination under test has");
    lab.assert_balanced();
}
