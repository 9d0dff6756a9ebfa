//! What leaves: order by urgency, keys, payloads, every fate, and deliveries that a stop cut off.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use labwire::domain::{DestinationId, InstrumentId, Observation, Priority, SpecimenId};
use labwire::journal::desk::Decision;
use labwire::journal::ledger::{AttemptKind, Fate, Next, Render, Resolve};
use labwire::journal::orders::{DownloadFate, Wanted};
use labwire::journal::{DeliveryId, JournalError};

use super::kit::{LIMS, Lab, at, own, result, urgent};

#[test]
fn urgent_specimens_go_first_then_the_oldest() {
    let lab = Lab::new();
    let routine = lab.own(result("S1", "K", "4.1"));
    let later = lab.own(result("S2", "K", "4.1"));
    let high = lab.own(Observation { flags: vec!["H".to_owned()], ..result("S3", "K", "5.6") });
    let stat = lab.own(urgent(result("S4", "K", "4.1")));
    let critical = lab.own(Observation { flags: vec!["HH".to_owned()], ..result("S5", "K", "7.1") });
    assert_eq!(lab.deliver_everything(), [[stat], [critical], [routine], [later], [high]]);
}

#[test]
fn after_an_outage_the_urgent_goes_first_then_the_oldest_and_what_was_asked_for_later_waits() {
    let lab = Lab::new();
    let asked_for_later = lab.own(result("S0", "K", "4.1"));
    let lease = lab.lease().unwrap();
    lab.settle_all(&lease, &Fate::Again, Next::Retry { at: at(9_000) }, Some(503));
    let oldest = lab.own(result("S1", "K", "4.1"));
    let unheard = lab.lease().unwrap();
    let older = lab.own(result("S2", "K", "4.1"));
    let not_sent = lab.lease().unwrap();
    // The first to find nobody happens to be due after the second.
    lab.settle_all(&unheard, &Fate::Unknown, Next::Unknown { at: at(8_000) }, None);
    lab.nobody_there(&not_sent, at(7_000));
    let newest = lab.own(result("S3", "K", "4.1"));
    let stat = lab.own(urgent(result("S4", "K", "4.1")));
    assert_eq!(lab.lease().unwrap().items, [stat]);
    lab.wait(lab.journal.after_an_outage(DestinationId::new(LIMS), at(1_000))).unwrap();
    let next: Vec<_> = std::iter::from_fn(|| lab.lease().map(|lease| lease.items)).collect();
    assert_eq!(next, [[oldest], [older], [newest]]);
    assert_eq!(lab.state(asked_for_later), "in-flight");
    lab.pass(9_000);
    assert_eq!(lab.lease().unwrap().items, [asked_for_later]);
}

/// The longest that anything is made to wait, in the tests below.
const LONGEST: Duration = Duration::from_secs(3_600);
const DAY: i64 = 24 * 3_600;

fn stepped(lab: &Lab, set_back: u64) {
    let set_back = Duration::from_secs(set_back);
    lab.wait(lab.journal.after_a_step(DestinationId::new(LIMS), set_back, LONGEST, lab.now())).unwrap();
}

#[test]
fn a_clock_that_is_set_back_delays_nothing() {
    for back in [300, DAY, 3_653 * DAY] {
        // Who was there when it was set knows by how much, and the next start doesn't.
        for is_seen in [true, false] {
            let lab = Lab::new();
            lab.pass(4_000);
            let sent = lab.own(result("S1", "K", "4.1"));
            let lease = lab.lease().unwrap();
            let again = lab.now() + Duration::from_secs(60);
            lab.nobody_there(&lease, again);
            lab.pass(-back);
            lab.pass(58);
            assert!(lab.lease().is_none(), "by itself it would wait for the old hour");
            lab.pass(-58);
            stepped(&lab, if is_seen { back.unsigned_abs() } else { 0 });
            if is_seen {
                assert!(lab.lease().is_none(), "what has to wait waits for as long as it had to");
                lab.pass(60);
            } else if back < 3_600 {
                lab.pass(3_600);
            }
            assert_eq!(lab.lease().unwrap().items, [sent], "{back} s, seen: {is_seen}");
        }
    }
}

#[test]
fn what_found_nobody_before_the_clock_was_set_back_goes_when_the_lims_is_tried_again() {
    let lab = Lab::new();
    lab.pass(4_000);
    let sent = lab.own(result("S1", "K", "4.1"));
    let lease = lab.lease().unwrap();
    lab.nobody_there(&lease, at(4_060));
    lab.pass(-3_700);
    assert!(lab.lease().is_none());
    lab.wait(lab.journal.after_an_outage(DestinationId::new(LIMS), lab.now())).unwrap();
    assert_eq!(lab.lease().unwrap().items, [sent]);
}

#[test]
fn a_clock_that_is_set_forward_makes_each_delivery_be_tried_once_more_and_no_more() {
    for forward in [DAY, 3_653 * DAY] {
        let lab = Lab::new();
        for specimen in ["S1", "S2", "S3"] {
            lab.own(result(specimen, "K", "4.1"));
            let lease = lab.lease().unwrap();
            lab.nobody_there(&lease, lab.now() + Duration::from_secs(600));
        }
        assert!(lab.lease().is_none());
        lab.pass(forward);
        stepped(&lab, 0);
        for _ in 0..3 {
            let lease = lab.lease().unwrap();
            lab.nobody_there(&lease, lab.now() + Duration::from_secs(600));
        }
        stepped(&lab, 0);
        assert!(lab.lease().is_none(), "set forward by {forward} s");
    }
}

#[test]
fn what_may_leave_of_a_specimen_leaves_together() {
    let lab = Lab::new();
    let ids = lab.record(vec![own(result("S1", "K", "4.1")), own(result("S1", "NA", "140"))]);
    lab.own(result("S2", "K", "4.1"));
    let lease = lab.lease().unwrap();
    assert_eq!(lease.items, ids);
    assert_eq!(lease.payload, format!("{} {},{}", lease.key, ids[0], ids[1]).into_bytes());
}

#[test]
fn a_newer_version_brings_along_what_it_supersedes() {
    let lab = Lab::new();
    let first = lab.own(result("S1", "K", "4.1"));
    let second = lab.newer(result("S1", "K", "4.2"), first);
    lab.newer(result("S1", "K", "4.3"), second);
    let versions: Render = Arc::new(|consignment| {
        let item = &consignment.items[0];
        let earlier: Vec<&str> =
            item.earlier.iter().map(|version| version.observation.value_as_sent.as_str()).collect();
        Ok(format!("{} after {}", item.observation.value_as_sent, earlier.join(", ")).into_bytes())
    });
    let lease = lab.journal.lease(DestinationId::new(LIMS), Resolve::Resend, versions, lab.now());
    assert_eq!(lab.wait(lease).unwrap().unwrap().payload, b"4.3 after 4.1, 4.2");
}

#[test]
fn nothing_more_of_a_specimen_leaves_while_one_attempt_is_out() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    let first = lab.lease().unwrap();
    let other = lab.own(result("S1", "NA", "140"));
    assert!(lab.lease().is_none());
    lab.accept(&first);
    assert_eq!(lab.lease().unwrap().items, [other]);
}

#[test]
fn the_attempt_and_the_key_are_on_disk_when_the_lease_is_given() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    let lease = lab.lease().unwrap();
    assert_eq!(lab.ask::<String>("SELECT key FROM delivery"), lease.key);
    assert_eq!(lab.ask::<Vec<u8>>("SELECT payload FROM delivery"), lease.payload);
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM attempt"), 1);
    assert_eq!((lease.number, lease.kind), (1, AttemptKind::Send));
}

#[test]
fn every_fate_puts_the_line_where_it_belongs() {
    let refused = Fate::Refused("no such test".to_owned());
    for (fate, next, line, delivery) in [
        (Fate::Accepted, Next::Settled, "accepted", "settled"),
        (Fate::Staged, Next::Settled, "staged", "settled"),
        (refused, Next::Dead, "refused", "dead"),
        (Fate::Unknown, Next::Unknown { at: at(9) }, "unknown", "unknown"),
        (Fate::Again, Next::Retry { at: at(9) }, "in-flight", "due"),
    ] {
        let lab = Lab::new();
        let id = lab.own(result("S1", "K", "4.1"));
        let lease = lab.lease().unwrap();
        assert_eq!(lab.state(id), "in-flight");
        lab.settle_all(&lease, &fate, next, Some(200));
        assert_eq!(lab.state(id), line);
        assert_eq!(lab.ask::<String>("SELECT state FROM delivery"), delivery);
        lab.assert_balanced();
    }
}

#[test]
fn a_retry_waits_for_its_time_and_sends_the_same_bytes_and_key() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    let first = lab.lease().unwrap();
    lab.settle_all(&first, &Fate::Again, Next::Retry { at: at(1000) }, Some(503));
    assert!(lab.lease().is_none());
    let late = lab.journal.lease(
        labwire::domain::DestinationId::new(LIMS),
        Resolve::Resend,
        super::kit::render(),
        at(1000),
    );
    let second = lab.wait(late).unwrap().unwrap();
    assert_eq!((&second.key, &second.payload, &second.items), (&first.key, &first.payload, &first.items));
    assert_eq!((second.delivery, second.number), (first.delivery, 2));
}

#[test]
fn an_unknown_delivery_is_probed_resent_or_left_to_a_person() {
    for (resolve, kind) in [
        (Resolve::Probe, Some(AttemptKind::Probe)),
        (Resolve::Resend, Some(AttemptKind::Send)),
        (Resolve::Wait, None),
    ] {
        let lab = Lab::new();
        lab.own(result("S1", "K", "4.1"));
        let first = lab.lease().unwrap();
        lab.settle_all(&first, &Fate::Unknown, Next::Unknown { at: at(0) }, None);
        let again = lab.lease_with(resolve);
        assert_eq!(again.as_ref().map(|lease| lease.kind), kind);
        assert!(again.is_none_or(|lease| lease.key == first.key && lease.payload == first.payload));
    }
}

#[test]
fn what_was_accepted_stays_accepted_whatever_a_later_answer_says() {
    let lab = Lab::new();
    let ids = lab.record(vec![own(result("S1", "K", "4.1")), own(result("S1", "NA", "140"))]);
    let first = lab.lease().unwrap();
    let half = vec![(ids[0], Fate::Accepted), (ids[1], Fate::Again)];
    lab.settle(&first, half, Next::Retry { at: at(0) }, Some(200));
    let second = lab.lease().unwrap();
    lab.settle_all(&second, &Fate::Refused("gone".to_owned()), Next::Dead, Some(200));
    assert_eq!(ids.map_states(&lab), ["accepted", "refused"]);
    lab.assert_balanced();
}

#[test]
fn a_delivery_that_a_stop_cut_off_is_unknown_and_keeps_its_key() {
    let lab = Lab::new();
    let id = lab.own(result("S1", "K", "4.1"));
    let first = lab.lease().unwrap();
    let lab = lab.reopen();
    assert_eq!(lab.state(id), "unknown");
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM answer WHERE verdict = 'unknown'"), 1);
    lab.assert_balanced();
    let second = lab.lease_with(Resolve::Probe).unwrap();
    assert_eq!((second.key, second.kind, second.number), (first.key, AttemptKind::Probe, 2));
}

#[test]
fn an_attempt_is_settled_once() {
    let lab = Lab::new();
    let id = lab.own(result("S1", "K", "4.1"));
    let lease = lab.lease().unwrap();
    lab.accept(&lease);
    let again = labwire::journal::ledger::Settlement {
        fates: vec![(id, Fate::Refused("late".to_owned()))],
        next: Next::Dead,
        status: None,
        body: None,
        verdict: String::new(),
        detail: String::new(),
        connection: None,
    };
    assert!(matches!(lab.wait(lab.journal.settle(&lease, again, lab.now())), Err(JournalError::Refused(_))));
    assert_eq!(lab.state(id), "accepted");
    lab.assert_balanced();
}

#[test]
fn keys_are_never_used_twice() {
    let lab = Lab::new();
    let mut keys = BTreeSet::new();
    for number in 0..5 {
        lab.own(result(&format!("S{number}"), "K", "4.1"));
        let lease = lab.lease().unwrap();
        lab.accept(&lease);
        assert!(keys.insert(lease.key));
    }
    let lab = lab.reopen();
    lab.own(result("S9", "K", "4.1"));
    assert!(keys.insert(lab.lease().unwrap().key));
}

#[test]
fn a_result_of_which_no_payload_can_be_made_is_a_problem_and_stops_nobody() {
    let lab = Lab::new();
    let id = lab.own(result("S1", "K", "4.1"));
    let broken: labwire::journal::ledger::Render = std::sync::Arc::new(|_| Err("no".to_owned()));
    let destination = labwire::domain::DestinationId::new(LIMS);
    let lease = lab.wait(lab.journal.lease(destination, Resolve::Wait, broken, lab.now()));
    assert!(lease.unwrap().is_none());
    assert_eq!(lab.state(id), "rejected");
    assert_eq!(lab.reader.open_problems(9).unwrap()[0].kind, "undeliverable");
    lab.assert_balanced();
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM delivery"), 0);
}

#[test]
fn a_result_of_which_no_payload_can_be_made_does_not_take_its_specimens_others_with_it() {
    let lab = Lab::new();
    let ids = lab.record(vec![own(result("S1", "K", "4.1")), own(result("S1", "NA", "140"))]);
    let broken = ids[0];
    let picky: labwire::journal::ledger::Render = std::sync::Arc::new(move |consignment| {
        let is_broken = consignment.items.iter().any(|item| item.id == broken);
        if is_broken { Err("no".to_owned()) } else { Ok(b"good".to_vec()) }
    });
    let destination = labwire::domain::DestinationId::new(LIMS);
    assert!(lab.wait(lab.journal.lease(destination, Resolve::Wait, picky, lab.now())).unwrap().is_none());
    assert_eq!(ids.map_states(&lab), ["rejected", "pending"]);
    let problems = lab.reader.open_problems(9).unwrap();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].instrument.as_deref(), Some("sim"));
    assert_eq!(lab.deliver_everything(), [[ids[1]]]);
    lab.assert_balanced();
}

#[test]
fn what_waits_behind_a_result_that_is_set_aside_goes_on() {
    let lab = Lab::new();
    let both = lab.record(vec![own(result("S1", "MPV", "9.1")), own(result("S1", "K", "4.1"))]);
    let first = lab.lease().unwrap();
    let fates = vec![(both[0], Fate::Refused("no such test".to_owned())), (both[1], Fate::Accepted)];
    lab.settle(&first, fates, Next::Dead, Some(207));
    let behind = lab.own(result("S1", "MPV", "9.2"));
    lab.decide(Decision::Retry(first.delivery)).unwrap();
    let broken: labwire::journal::ledger::Render = std::sync::Arc::new(|_| Err("no".to_owned()));
    let destination = labwire::domain::DestinationId::new(LIMS);
    lab.wait(lab.journal.lease(destination, Resolve::Wait, broken, lab.now())).unwrap();
    assert_eq!(lab.state(both[0]), "rejected");
    lab.assert_balanced();
    assert_eq!(lab.deliver_everything(), [[behind]]);
}

#[test]
fn only_an_undecided_delivery_is_a_persons_to_decide() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    let lease = lab.lease().unwrap();
    for decision in [Decision::Retry, Decision::GiveUp, Decision::Confirm] {
        assert!(lab.decide(decision(lease.delivery)).is_err(), "it is on its way");
        assert!(lab.decide(decision(DeliveryId(99))).is_err());
    }
    lab.accept(&lease);
    assert!(lab.decide(Decision::Retry(lease.delivery)).is_err());
}

trait States {
    fn map_states(&self, lab: &Lab) -> Vec<String>;
}

impl States for Vec<labwire::journal::ObservationId> {
    fn map_states(&self, lab: &Lab) -> Vec<String> {
        self.iter().map(|id| lab.state(*id)).collect()
    }
}

#[test]
fn dead_letters_are_counted_by_whose_results_they_carry() {
    let lab = Lab::new();
    for specimen in ["S1", "S2"] {
        lab.own(result(specimen, "K", "4.1"));
        let lease = lab.lease().unwrap();
        lab.settle_all(&lease, &Fate::Refused("unknown test".to_owned()), Next::Dead, Some(422));
    }
    lab.own(result("S3", "K", "4.1"));
    lab.deliver_everything();
    let dead = lab.reader.dead_by_analyzer().unwrap();
    let [only] = dead.as_slice() else { panic!("{dead:?}") };
    assert_eq!((only.destination.as_str(), only.results), (LIMS, 2));
    assert_eq!(only.instrument, lab.ask::<String>("SELECT DISTINCT instrument FROM observation"));
}

#[test]
fn an_instrument_is_told_of_its_work_at_once_after_the_clock_was_set_back() {
    for back in [DAY, 3_653 * DAY] {
        let lab = Lab::new();
        let erba = InstrumentId::new("erba");
        let wanted = Wanted {
            specimen: SpecimenId::new("S1"),
            tests: ["GLU".to_owned()].into(),
            priority: Priority::Routine,
            particulars: String::new(),
        };
        lab.wait(lab.journal.want_downloads(erba.clone(), vec![wanted.clone()], 1, lab.now())).unwrap();
        let due = || lab.reader.due_download(&erba, lab.now()).unwrap();
        let id = due().unwrap().id;
        lab.wait(lab.journal.begin_download(id, wanted.tests, String::new(), lab.now())).unwrap();
        let settled = lab.journal.settle_download(id, DownloadFate::Again, "no answer came", lab.now());
        lab.wait(settled).unwrap();
        assert_eq!(due(), None, "it is tried again a little later");
        lab.pass(-back);
        assert_eq!(due().map(|it| it.id), Some(id), "set back by {back} s");
    }
}
