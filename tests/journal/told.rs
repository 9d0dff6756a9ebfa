//! What the way of a specimen tells of its lines and problems: which delivery carries what, and who must act.

use labwire::domain::{Problem, ProblemKind, SpecimenId};
use labwire::journal::DeliveryId;
use labwire::journal::desk::Decision;
use labwire::journal::ledger::{Fate, Next};
use labwire::journal::views::{ProblemStanding, Way};

use super::kit::{Lab, lost_result, own, result};

/// State, delivery, whether it waits for a person, whether something older must be over first.
fn lines(lab: &Lab) -> Vec<(String, Option<DeliveryId>, bool, bool)> {
    let way = lab.reader.way(&SpecimenId::new("S1")).unwrap();
    way.into_iter()
        .filter_map(|step| match step.what {
            Way::Line { state, delivery, waits_for_person, behind, .. } => {
                Some((state, delivery, waits_for_person, behind.is_some()))
            }
            _ => None,
        })
        .collect()
}

fn standing(lab: &Lab) -> ProblemStanding {
    let way = lab.reader.way(&SpecimenId::new("S1")).unwrap();
    let problem = way.into_iter().find_map(|step| match step.what {
        Way::Problem { standing, replaces_result: true, .. } => Some(standing),
        _ => None,
    });
    problem.unwrap()
}

#[test]
fn each_line_names_the_delivery_that_carries_it() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    let refused = lab.lease().unwrap();
    lab.settle_all(&refused, &Fate::Refused("no order".to_owned()), Next::Dead, Some(422));
    lab.own(result("S1", "NA", "140"));
    let accepted = lab.lease().unwrap();
    lab.accept(&accepted);
    assert_eq!(
        lines(&lab),
        [
            ("refused".to_owned(), Some(refused.delivery), true, false),
            ("accepted".to_owned(), Some(accepted.delivery), false, false)
        ]
    );
    lab.decide(Decision::Retry(refused.delivery)).unwrap();
    assert!(lines(&lab).iter().all(|(_, _, waits, _)| !waits), "{:?}", lines(&lab));
}

#[test]
fn a_line_behind_one_of_unknown_fate_says_so() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    let lease = lab.lease().unwrap();
    lab.settle_all(&lease, &Fate::Unknown, Next::Unknown { at: super::kit::at(1_000) }, None);
    lab.own(result("S1", "K", "4.2"));
    assert_eq!(
        lines(&lab),
        [
            ("unknown".to_owned(), Some(lease.delivery), false, false),
            ("pending".to_owned(), None, false, true)
        ]
    );
}

#[test]
fn each_count_of_what_waits_counts_what_it_names() {
    let lab = Lab::new();
    let of = |kind| Problem { kind, replaces_result: false, ..lost_result(5) };
    let cut = || of(ProblemKind::Incomplete);
    lab.record_of(lab.message(), Vec::new(), vec![cut(), cut(), of(ProblemKind::OddTime)]).unwrap();
    lab.record_of(lab.message(), Vec::new(), vec![cut(), of(ProblemKind::UnregisteredSource)]).unwrap();
    let waiting = lab.reader.waiting().unwrap();
    assert_eq!((waiting.incomplete, waiting.unattributed), (2, 1), "transmissions, and messages");
    assert_eq!((waiting.open_problems, waiting.other_problems), (5, 1));
    assert_eq!(lab.reader.open_problems(9).unwrap().len(), 5);
}

#[test]
fn a_problem_is_open_until_a_person_or_another_reading_closes_it() {
    let lab = Lab::new();
    let of_tube = || Problem { specimen: Some(SpecimenId::new("S1")), ..lost_result(5) };
    let message = lab.message();
    lab.record_of(message, vec![own(result("S1", "NA", "140"))], vec![of_tube()]).unwrap();
    assert_eq!(standing(&lab), ProblemStanding::Open);
    let id = lab.reader.open_problems(1).unwrap()[0].id;
    lab.decide(Decision::Dismiss(id)).unwrap();
    assert_eq!(standing(&lab), ProblemStanding::SeenTo("mgarcia".to_owned()));
    lab.decide(Decision::Reread(message)).unwrap();
    assert_eq!(standing(&lab), ProblemStanding::Withdrawn);
}
