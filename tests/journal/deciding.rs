//! What people decide about holds and problems, and that each decision leaves its name and reason.

use labwire::domain::DestinationId;
use labwire::journal::desk::{Decider, Decision};
use labwire::journal::results::{Entry, Route};
use labwire::journal::{JournalError, ObservationId, ProblemId};

use super::kit::{LIMS, Lab, held, lost_result, own, result};

#[test]
fn a_hold_that_keeps_a_result_from_no_destination_waits_for_nobody() {
    for (route, waits) in [(Route::Deliver, 1), (Route::Never, 0)] {
        let lab = Lab::new();
        let routes = vec![(DestinationId::new(LIMS), route)];
        lab.record(vec![Entry { routes, ..own(held(result("0815", "K", "9.9"))) }]);
        assert_eq!(lab.reader.waiting().unwrap().held, waits);
        assert_eq!(lab.reader.held(10).unwrap().len(), usize::try_from(waits).unwrap());
        let of_each: i64 = lab.reader.instruments().unwrap().iter().map(|it| it.held).sum();
        assert_eq!(of_each, waits, "what is counted of each analyzer is what is counted of all");
        let at = lab.reader.sums().unwrap().destinations.get(LIMS).map_or(0, |sums| sums.of("held"));
        assert_eq!(at, waits, "and what the LIMS lacks");
    }
}

#[test]
fn releasing_closes_every_hold_and_lets_the_result_leave() {
    let lab = Lab::new();
    let id = lab.own(held(result("S1", "K", "4.1")));
    let shown = lab.reader.held(9).unwrap();
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].reasons, ["status-in-doubt", "odd-value"]);
    assert!(lab.lease().is_none());
    lab.decide(Decision::Release(id)).unwrap();
    assert_eq!(lab.reader.held(9).unwrap().len(), 0);
    assert_eq!(lab.lease().unwrap().items, [id]);
    assert!(lab.decide(Decision::Release(id)).is_err(), "it is not held any more");
    lab.assert_balanced();
}

#[test]
fn rejecting_keeps_the_result_here() {
    let lab = Lab::new();
    let id = lab.own(held(result("S1", "K", "4.1")));
    lab.decide(Decision::Reject(id)).unwrap();
    assert_eq!(lab.state(id), "rejected");
    assert!(lab.lease().is_none());
    lab.assert_balanced();
}

/// The newer version made the older one give way before it had left. Without both the LIMS would have nothing, and nobody
/// would be told.
#[test]
fn what_had_not_left_waits_for_a_person_when_its_newer_version_is_rejected() {
    let lab = Lab::new();
    let first = lab.own(result("S1", "K", "4.1"));
    let newer = lab.newer(held(result("S1", "K", "4.5")), first);
    assert_eq!((lab.state(first).as_str(), lab.state(newer).as_str()), ("superseded", "held"));
    lab.decide(Decision::Reject(newer)).unwrap();
    assert_eq!((lab.state(first).as_str(), lab.state(newer).as_str()), ("held", "rejected"));
    let shown = lab.reader.held(9).unwrap();
    assert_eq!((shown.len(), shown[0].reasons.as_slice()), (1, &["successor-rejected".to_owned()][..]));
    lab.assert_balanced();

    // A third version takes the place of both.
    let third = lab.newer(held(result("S1", "K", "4.6")), newer);
    assert_eq!((lab.state(first).as_str(), lab.state(third).as_str()), ("superseded", "held"));
    assert_eq!(lab.reader.held(9).unwrap().len(), 1);
    lab.decide(Decision::Reject(third)).unwrap();
    assert_eq!(lab.state(first), "held", "over the one that was rejected before");
    lab.decide(Decision::Release(first)).unwrap();
    assert_eq!(lab.lease().unwrap().items, [first]);
    lab.assert_balanced();
}

#[test]
fn what_the_lims_has_stays_there_when_its_newer_version_is_rejected() {
    let lab = Lab::new();
    let first = lab.own(result("S1", "K", "4.1"));
    let lease = lab.lease().unwrap();
    lab.accept(&lease);
    let newer = lab.newer(held(result("S1", "K", "4.5")), first);
    lab.decide(Decision::Reject(newer)).unwrap();
    assert_eq!(lab.state(first), "accepted");
    assert_eq!(lab.reader.held(9).unwrap().len(), 0);
    lab.assert_balanced();
}

#[test]
fn a_decision_needs_a_reason_and_leaves_who_and_why() {
    let lab = Lab::new();
    let id = lab.own(held(result("S1", "K", "4.1")));
    let silent = Decider { actor: "mgarcia".to_owned(), reason: " ".to_owned() };
    let decided = lab.journal.decide(Decision::Release(id), silent, lab.now());
    assert!(matches!(lab.wait(decided), Err(JournalError::Refused(_))));
    assert_eq!(lab.state(id), "held");
    lab.decide(Decision::Release(id)).unwrap();
    let last = "SELECT actor || ': ' || step || ', ' || subject || ', ' || detail FROM audit ORDER BY id DESC LIMIT 1";
    let expected = format!(
        "mgarcia: released, observation {id}, seen on the analyzer (was held: status-in-doubt, odd-value, is pending)"
    );
    assert_eq!(lab.ask::<String>(last), expected);
    assert_eq!(lab.ask::<String>("SELECT min(closed_by) FROM hold"), "mgarcia");
    assert_eq!(lab.reader.audit_break().unwrap(), None);
}

#[test]
fn dismissing_a_problem_takes_it_off_the_list_and_not_out_of_the_sums() {
    let lab = Lab::new();
    let message = lab.message();
    lab.record_of(message, vec![own(result("S1", "K", "4.1"))], vec![lost_result(5)]).unwrap();
    let problem = lab.reader.open_problems(9).unwrap()[0].id;
    lab.decide(Decision::Dismiss(problem)).unwrap();
    assert_eq!(lab.reader.open_problems(9).unwrap().len(), 0);
    assert_eq!(lab.reader.sums().unwrap().intake.problem, 1);
    assert!(lab.decide(Decision::Dismiss(problem)).is_err());
    lab.assert_balanced();
}

#[test]
fn all_problems_of_a_message_are_dismissed_at_once_and_no_other_message_s() {
    let lab = Lab::new();
    let (one, other) = (lab.message(), lab.message());
    lab.record_of(one, vec![], vec![lost_result(5), lost_result(6)]).unwrap();
    lab.record_of(other, vec![], vec![lost_result(5)]).unwrap();
    lab.decide(Decision::DismissMessage(one)).unwrap();
    let open = lab.reader.open_problems(9).unwrap();
    assert_eq!(open.iter().map(|it| it.message).collect::<Vec<_>>(), [Some(other)]);
    assert!(lab.decide(Decision::DismissMessage(one)).is_err(), "there is none left");
    assert_eq!(lab.reader.sums().unwrap().intake.problem, 3);
    lab.assert_balanced();
}

#[test]
fn what_is_not_there_can_not_be_decided() {
    let lab = Lab::new();
    for decision in [
        Decision::Release(ObservationId(9)),
        Decision::Reject(ObservationId(9)),
        Decision::Dismiss(ProblemId(9)),
    ] {
        assert!(matches!(lab.decide(decision), Err(JournalError::Refused(_))), "{decision:?}");
    }
    let audited = lab.ask::<i64>("SELECT count(*) FROM audit");
    assert_eq!(audited, 0, "what was refused leaves no trace of having been done");
}
