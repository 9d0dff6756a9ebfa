//! Lanes: one refusal stops only its own test of its own specimen, and nothing older leaves after something newer.

use labwire::journal::desk::Decision;
use labwire::journal::ledger::{Fate, Lease, Next};

use super::kit::{Lab, at, held, own, result};

fn refuse(lab: &Lab, lease: &Lease, status: u16) {
    lab.settle_all(lease, &Fate::Refused("not known".to_owned()), Next::Dead, Some(status));
    lab.assert_balanced();
}

#[test]
fn a_refused_result_stops_its_own_test_only() {
    let lab = Lab::new();
    let both = lab.record(vec![own(result("S1", "MPV", "9.1")), own(result("S1", "K", "4.1"))]);
    let lease = lab.lease().unwrap();
    let fates = vec![(both[0], Fate::Refused("no such test".to_owned())), (both[1], Fate::Accepted)];
    lab.settle(&lease, fates, Next::Dead, Some(200));
    let mpv = lab.own(result("S1", "MPV", "9.2"));
    let potassium = lab.own(result("S1", "K", "4.2"));
    let other = lab.own(result("S2", "MPV", "9.3"));
    assert_eq!(lab.state(mpv), "quarantined");
    assert_eq!(lab.deliver_everything(), [[potassium], [other]]);
    lab.assert_balanced();
}

#[test]
fn what_already_waited_behind_a_refused_result_is_quarantined_with_it() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    let lease = lab.lease().unwrap();
    let behind = lab.own(result("S1", "K", "4.2"));
    assert_eq!(lab.state(behind), "pending");
    refuse(&lab, &lease, 422);
    assert_eq!(lab.state(behind), "quarantined");
    assert!(lab.lease().is_none());
}

#[test]
fn an_older_version_never_leaves_after_a_newer_one() {
    let unfinished = [
        (Fate::Again, Next::Retry { at: at(1_000_000) }),
        (Fate::Unknown, Next::Unknown { at: at(1_000_000) }),
        (Fate::Refused("x".to_owned()), Next::Dead),
    ];
    for (fate, next) in unfinished {
        let lab = Lab::new();
        let old = lab.own(result("S1", "K", "4.1"));
        let lease = lab.lease().unwrap();
        lab.settle_all(&lease, &fate, next, None);
        lab.newer(result("S1", "K", "4.2"), old);
        assert!(lab.lease().is_none(), "{fate:?}");
        lab.assert_balanced();
    }
}

#[test]
fn a_version_that_has_not_left_makes_way_for_the_newer_one() {
    let lab = Lab::new();
    let old = lab.own(held(result("S1", "K", "4.1")));
    let new = lab.newer(result("S1", "K", "4.2"), old);
    assert_eq!(lab.state(old), "superseded");
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM hold WHERE closed_at IS NULL"), 0);
    assert_eq!(lab.deliver_everything(), [[new]]);
    assert!(lab.decide(Decision::Release(old)).is_err());
    lab.assert_balanced();
}

#[test]
fn a_held_result_keeps_the_newer_ones_of_its_test_waiting() {
    for (decision, left) in [(Decision::Release as fn(_) -> _, 2), (Decision::Reject, 1)] {
        let lab = Lab::new();
        let first = lab.own(held(result("S1", "K", "4.1")));
        lab.own(result("S1", "K", "4.2"));
        assert!(lab.lease().is_none());
        lab.decide(decision(first)).unwrap();
        lab.assert_balanced();
        assert_eq!(lab.deliver_everything().concat().len(), left);
    }
}

#[test]
fn giving_up_lets_the_lane_go_on_and_what_was_refused_is_never_confirmed() {
    let lab = Lab::new();
    let first = lab.own(result("S1", "K", "4.1"));
    let lease = lab.lease().unwrap();
    refuse(&lab, &lease, 422);
    let second = lab.own(result("S1", "K", "4.2"));
    assert!(lab.decide(Decision::Confirm(lease.delivery)).is_err());
    lab.decide(Decision::GiveUp(lease.delivery)).unwrap();
    lab.assert_balanced();
    assert_eq!(lab.state(first), "rejected");
    assert_eq!(lab.deliver_everything(), [[second]]);
}

#[test]
fn a_whole_refusal_is_retried_with_the_same_key_and_its_success_reopens_the_lane() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    let first = lab.lease().unwrap();
    refuse(&lab, &first, 422);
    let behind = lab.own(result("S1", "K", "4.2"));
    lab.decide(Decision::Retry(first.delivery)).unwrap();
    lab.assert_balanced();
    let again = lab.lease().unwrap();
    assert_eq!((&again.key, &again.payload), (&first.key, &first.payload));
    assert!(lab.lease().is_none());
    lab.accept(&again);
    assert_eq!(lab.deliver_everything(), [[behind]]);
}

#[test]
fn single_refused_results_are_retried_with_a_new_key() {
    let lab = Lab::new();
    let both = lab.record(vec![own(result("S1", "MPV", "9.1")), own(result("S1", "K", "4.1"))]);
    let first = lab.lease().unwrap();
    let fates = vec![(both[0], Fate::Refused("no such test".to_owned())), (both[1], Fate::Accepted)];
    lab.settle(&first, fates, Next::Dead, Some(207));
    let behind = lab.own(result("S1", "MPV", "9.2"));
    lab.decide(Decision::Retry(first.delivery)).unwrap();
    lab.assert_balanced();
    let again = lab.lease().unwrap();
    assert_ne!(again.key, first.key);
    assert_eq!(again.items, [both[0]]);
    assert!(lab.lease().is_none(), "what waited behind it waits on");
    lab.accept(&again);
    assert_eq!(lab.state(both[1]), "accepted");
    assert_eq!(lab.deliver_everything(), [[behind]]);
    lab.assert_balanced();
}

#[test]
fn a_line_of_unknown_fate_keeps_its_key() {
    let lab = Lab::new();
    let both = lab.record(vec![own(result("S1", "MPV", "9.1")), own(result("S1", "K", "4.1"))]);
    let first = lab.lease().unwrap();
    let fates = vec![(both[0], Fate::Refused("no".to_owned())), (both[1], Fate::Unknown)];
    lab.settle(&first, fates, Next::Dead, Some(200));
    lab.decide(Decision::Retry(first.delivery)).unwrap();
    lab.assert_balanced();
    assert_eq!(lab.lease().unwrap().key, first.key);
}

#[test]
fn a_refused_version_makes_way_on_retry_if_a_newer_one_waits() {
    let lab = Lab::new();
    let old = lab.own(result("S1", "K", "4.1"));
    let lease = lab.lease().unwrap();
    refuse(&lab, &lease, 200);
    let new = lab.newer(result("S1", "K", "4.2"), old);
    assert_eq!(lab.state(new), "quarantined");
    lab.decide(Decision::Retry(lease.delivery)).unwrap();
    assert_eq!(lab.state(old), "superseded");
    assert_eq!(lab.deliver_everything(), [[new]]);
    lab.assert_balanced();
}

#[test]
fn a_retried_result_that_is_superseded_lets_go_of_what_waits_behind_it() {
    let lab = Lab::new();
    let first = lab.own(result("S1", "K", "4.1"));
    let lease = lab.lease().unwrap();
    refuse(&lab, &lease, 200);
    let rerun = lab.own(result("S1", "K", "4.4"));
    lab.decide(Decision::Retry(lease.delivery)).unwrap();
    assert_eq!(lab.state(rerun), "quarantined");
    let newer = lab.newer(result("S1", "K", "4.2"), first);
    lab.assert_balanced();
    assert_eq!(lab.deliver_everything(), [[rerun, newer]]);
}
