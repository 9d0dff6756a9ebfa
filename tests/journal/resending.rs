//! Results go once more only where a named person says so: byte for byte under their key, or without what may not go any
//! more; never what is held, rejected, void or replaced; and what was said is on disk.

use jiff::Timestamp;
use labwire::domain::{DestinationId, InstrumentId, OnceMore, Problem, ProblemKind, SpecimenId};
use labwire::journal::desk::Decision;
use labwire::journal::ledger::{Fate, Next};
use labwire::journal::reassign::Reassigning;
use labwire::journal::resend::{Of, Preview, Resending, Wanted};
use labwire::journal::views::Way;
use labwire::journal::{JournalError, ObservationId};

use super::kit::{LIMS, Lab, at, held, lost_result, own, render, result};

fn specimen(number: &str) -> Wanted {
    let of = Of::Specimen(SpecimenId::new(number));
    Wanted { destination: DestinationId::new(LIMS), of, instrument: None, test: None }
}

fn say(lab: &Lab, wanted: Wanted, by: &str, reason: &str) -> Result<Preview, JournalError> {
    say_of(lab, wanted, (by, reason), None)
}

/// Of the preview with this fingerprint, where there was one.
fn say_of(
    lab: &Lab,
    wanted: Wanted,
    (by, reason): (&str, &str),
    seen: Option<String>,
) -> Result<Preview, JournalError> {
    let (by, reason, account) = (by.to_owned(), reason.to_owned(), "mgarcia".to_owned());
    lab.wait(lab.journal.resend(Resending { wanted, by, account, reason, seen }, lab.now()))
}

fn resend(lab: &Lab, wanted: Wanted) -> Result<Preview, JournalError> {
    say(lab, wanted, "Anna Example", "the LIMS was restored from last night")
}

/// What would stay, and why.
fn stays(preview: &Preview) -> Vec<(ObservationId, String)> {
    preview.stays.iter().map(|it| (it.id, it.why.english())).collect()
}

/// What would go, by delivery.
fn goes(preview: &Preview) -> Vec<(OnceMore, Vec<ObservationId>)> {
    preview.sent.iter().map(|it| (it.how, it.results.iter().map(|it| it.id).collect())).collect()
}

#[test]
fn a_delivery_goes_as_it_was_and_nothing_newer_overtakes_it() {
    let lab = Lab::new();
    let ids = lab.record(vec![own(result("S1", "K", "4.1")), own(result("S1", "NA", "140"))]);
    let first = lab.lease().unwrap();
    lab.accept(&first);
    assert!(lab.lease().is_none(), "unasked, nothing leaves twice");
    let mut one_test = specimen("S1");
    one_test.test = Some("K".to_owned());
    let seen = lab.reader.resending(&one_test).unwrap();
    assert_eq!(goes(&seen), [(OnceMore::AsItWas, ids.clone())]);
    assert_eq!(seen.sent[0].results.iter().map(|it| it.is_wanted).collect::<Vec<_>>(), [true, false]);
    assert_eq!(
        (seen.sent[0].key.clone(), seen.sent[0].answer.clone().unwrap().status),
        (first.key.clone(), Some(200))
    );
    assert!(lab.lease().is_none(), "a look changes nothing");

    assert_eq!(goes(&resend(&lab, one_test).unwrap()), goes(&seen));
    let newer = lab.newer(result("S1", "K", "4.4"), ids[0]);
    let last = "SELECT actor || ': ' || step || ', ' || subject || ', ' || detail FROM audit WHERE actor = 'mgarcia'";
    assert_eq!(
        lab.ask::<String>(last),
        "mgarcia: sent once more, delivery 1, as it was, by Anna Example: the LIMS was restored from last night"
    );
    lab.assert_balanced();
    let lab = lab.reopen();
    lab.pass(99);
    let again = lab.lease().unwrap();
    assert_eq!((&again.key, &again.payload), (&first.key, &first.payload), "also after a stop");
    assert!(lab.lease().is_none(), "the newer version waits");
    lab.accept(&again);
    assert_eq!(lab.deliver_everything(), [vec![newer]]);
    lab.assert_balanced();
    assert_eq!(lab.reader.audit_break().unwrap(), None);
}

#[test]
fn what_the_destination_refuses_now_is_a_dead_letter_as_any() {
    let lab = Lab::new();
    let id = lab.own(result("S1", "K", "4.1"));
    lab.deliver_everything();
    resend(&lab, specimen("S1")).unwrap();
    let again = lab.lease().unwrap();
    lab.settle_all(&again, &Fate::Refused("verified already".to_owned()), Next::Dead, Some(409));
    assert_eq!((lab.state(id).as_str(), lab.reader.dead_letters(9).unwrap().len()), ("refused", 1));
    assert_eq!(stays(&lab.reader.resending(&specimen("S1")).unwrap())[0].0, id);
    lab.assert_balanced();
}

#[test]
fn training_goes_nowhere_once_more_though_a_destination_under_test_had_it() {
    let lab = Lab::new();
    let training = Problem { kind: ProblemKind::NotProduction, replaces_result: false, ..lost_result(0) };
    let message = lab.message();
    lab.record_of(message, vec![own(result("S1", "K", "4.1"))], vec![training]).unwrap();
    lab.deliver_everything();
    let seen = lab.reader.resending(&specimen("S1")).unwrap();
    assert_eq!(
        (goes(&seen).len(), stays(&seen)),
        (0, vec![(lab.ids(message)[0], "the analyzer marked it as training".to_owned())])
    );
    assert!(resend(&lab, specimen("S1")).is_err());
}

#[test]
fn nothing_goes_that_is_held_rejected_void_or_replaced() {
    let lab = Lab::new();
    let held_back = lab.own(held(result("S1", "A", "1")));
    let rejected = lab.own(held(result("S1", "B", "1")));
    lab.decide(Decision::Reject(rejected)).unwrap();
    let both = lab.record(vec![own(result("S1", "C", "1")), own(result("S1", "D", "1"))]);
    let void = lab.own(result("S1", "E", "1"));
    lab.deliver_everything();
    let newer = lab.newer(result("S1", "C", "2"), both[0]);
    let reassigning = Reassigning {
        results: vec![void],
        specimen: SpecimenId::new("S2"),
        by: "Anna Example".to_owned(),
        account: "mgarcia".to_owned(),
        reason: "the rack was loaded twice".to_owned(),
    };
    lab.wait(lab.journal.reassign(reassigning, lab.now())).unwrap();
    let seen = lab.reader.resending(&specimen("S1")).unwrap();
    assert_eq!(goes(&seen), [(OnceMore::Anew, vec![both[1]])], "of a delivery only what may go");
    assert_eq!(
        stays(&seen),
        [
            (held_back, "it is held"),
            (rejected, "it was rejected here"),
            (both[0], "a newer version stands in its place"),
            (void, "it is void under this number"),
            (newer, "it is on its way already"),
        ]
        .map(|(id, why)| (id, why.to_owned()))
    );
    lab.deliver_everything();
    assert_eq!(goes(&resend(&lab, specimen("S1")).unwrap()).len(), 2);
    let mut left: Vec<_> = lab.deliver_everything().concat();
    left.sort();
    assert_eq!(left, [both[1], newer]);
    lab.assert_balanced();
}

#[test]
fn what_goes_anew_goes_before_what_is_newer_of_its_test() {
    let lab = Lab::new();
    let both = lab.record(vec![own(result("S1", "K", "4.1")), own(result("S1", "NA", "140"))]);
    lab.deliver_everything();
    let rerun = lab.own(result("S1", "K", "4.3"));
    lab.deliver_everything();
    let newer = lab.newer(result("S1", "NA", "141"), both[1]);
    lab.deliver_everything();
    let seen = resend(&lab, specimen("S1")).unwrap();
    let expected =
        [(OnceMore::Anew, vec![both[0]]), (OnceMore::AsItWas, vec![rerun]), (OnceMore::AsItWas, vec![newer])];
    assert_eq!(goes(&seen), expected);
    let left = lab.deliver_everything().concat();
    let place = |id| left.iter().position(|it| *it == id).unwrap();
    assert!(left.len() == 3 && place(both[0]) < place(rerun), "{left:?}");
    lab.assert_balanced();
}

#[test]
fn what_a_retry_took_out_of_a_delivery_does_not_go_with_it() {
    let lab = Lab::new();
    let ids = lab.record(vec![own(result("S1", "K", "4.1")), own(result("S1", "NA", "140"))]);
    let lease = lab.lease().unwrap();
    let fates = vec![(ids[0], Fate::Accepted), (ids[1], Fate::Refused("no such test".to_owned()))];
    lab.settle(&lease, fates, Next::Dead, Some(200));
    lab.decide(Decision::Retry(lease.delivery)).unwrap();
    lab.deliver_everything();
    let seen = resend(&lab, specimen("S1")).unwrap();
    assert_eq!(goes(&seen), [(OnceMore::Anew, vec![ids[0]]), (OnceMore::AsItWas, vec![ids[1]])]);
    lab.deliver_everything();
    lab.assert_balanced();
}

#[test]
fn it_takes_a_name_a_reason_and_something_to_send() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    lab.deliver_everything();
    for (of, by, reason, why) in [
        ("S1", " ", "restored", "a name and a reason"),
        ("S1", "Anna Example", "", "a name and a reason"),
        ("S9", "Anna Example", "restored", "none of it may be sent"),
    ] {
        let refused = say(&lab, specimen(of), by, reason).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    assert!(lab.lease().is_none());
}

#[test]
fn a_span_of_time_an_instrument_and_a_test_choose() {
    let lab = Lab::new();
    for (number, code) in [("S1", "K"), ("S2", "NA"), ("S3", "K")] {
        lab.own(result(number, code, "4.1"));
    }
    lab.deliver_everything();
    let received = |from: Timestamp, to: Timestamp| Wanted { of: Of::Received(from, to), ..specimen("") };
    let moment = |id: i64| {
        let at = lab.ask::<i64>(&format!("SELECT received_at FROM message WHERE id = {id}"));
        Timestamp::from_microsecond(at).unwrap()
    };
    let count = |wanted: &Wanted| lab.reader.resending(wanted).unwrap().results();
    assert_eq!(count(&received(moment(1), moment(3))), 2, "the end belongs to the next span");
    assert_eq!(count(&received(at(0), at(999))), 3);
    assert_eq!(count(&Wanted { test: Some("K".to_owned()), ..received(at(0), at(999)) }), 2);
    let other = Some(InstrumentId::new("other"));
    assert_eq!(count(&Wanted { instrument: other, ..received(at(0), at(999)) }), 0);
    let elsewhere = DestinationId::new("elsewhere");
    assert_eq!(count(&Wanted { destination: elsewhere, ..received(at(0), at(999)) }), 0);
}

#[test]
fn a_range_of_specimens_chooses_numbers_that_are_as_long_as_its_ends() {
    let lab = Lab::new();
    for number in ["98", "099", "100", "101", "101-1", "102", "103", "1000", "10A"] {
        lab.own(result(number, "K", "4.1"));
    }
    lab.deliver_everything();
    let range = |first: &str, last: &str| Wanted {
        of: Of::Specimens(SpecimenId::new(first), SpecimenId::new(last)),
        ..specimen("")
    };
    let chosen = |first: &str, last: &str| {
        let preview = lab.reader.resending(&range(first, last)).unwrap();
        preview.sent.into_iter().map(|it| it.specimen.reveal().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(chosen("100", "102"), ["100", "101", "102"]);
    assert_eq!(chosen("099", "100"), ["099", "100"]);
    assert_eq!(chosen("101", "101"), ["101"]);
    assert!(chosen("500", "600").is_empty());
    for (first, last) in [("102", "100"), ("98", "102"), ("", "102")] {
        let refused = lab.reader.resending(&range(first, last)).unwrap_err().to_string();
        assert!(refused.contains("equally long"), "{first}..{last}: {refused}");
    }
    // What is in the preview leaves, and no other.
    resend(&lab, range("100", "102")).unwrap();
    assert_eq!(lab.deliver_everything().len(), 3);
}

#[test]
fn what_was_looked_at_is_sent_or_nothing() {
    let lab = Lab::new();
    let both = lab.record(vec![own(result("S1", "K", "4.1")), own(result("S1", "NA", "140"))]);
    lab.deliver_everything();
    let seen = lab.reader.resending(&specimen("S1")).unwrap().fingerprint();
    assert_eq!(lab.reader.resending(&specimen("S1")).unwrap().fingerprint(), seen, "a look changes nothing");
    lab.newer(result("S1", "NA", "141"), both[1]);
    let said = ("Anna Example", "the LIMS was restored");
    let refused = say_of(&lab, specimen("S1"), said, Some(seen)).unwrap_err().to_string();
    assert!(refused.contains("has changed since it was looked at"), "{refused}");
    assert_eq!(lab.state(both[0]), "accepted");
    let seen = lab.reader.resending(&specimen("S1")).unwrap().fingerprint();
    say_of(&lab, specimen("S1"), said, Some(seen.clone())).unwrap();
    assert_eq!(lab.state(both[0]), "pending");
    // What was looked at before that is spent, also once the destination has answered.
    lab.deliver_everything();
    let refused = say_of(&lab, specimen("S1"), said, Some(seen)).unwrap_err().to_string();
    assert!(refused.contains("has changed since it was looked at"), "{refused}");
}

#[test]
fn the_bytes_that_are_shown_are_those_that_leave() {
    let lab = Lab::new();
    let both = lab.record(vec![own(result("S1", "K", "4.1")), own(result("S1", "NA", "140"))]);
    lab.deliver_everything();
    let (to, render) = (DestinationId::new(LIMS), render());
    let shown = |preview: &Preview| {
        let sent = &preview.sent[0];
        (sent.how, lab.reader.would_send(&to, sent, &render, lab.now()).unwrap().reveal().clone())
    };
    let (how, bytes) = shown(&resend(&lab, specimen("S1")).unwrap());
    let again = lab.lease().unwrap();
    assert_eq!((how, &bytes), (OnceMore::AsItWas, &again.payload));
    lab.accept(&again);
    lab.newer(result("S1", "NA", "141"), both[1]);
    lab.deliver_everything();
    let mut potassium = specimen("S1");
    potassium.test = Some("K".to_owned());
    let (how, bytes) = shown(&lab.reader.resending(&potassium).unwrap());
    resend(&lab, potassium).unwrap();
    let again = lab.lease().unwrap();
    assert_eq!((how, bytes), (OnceMore::Anew, again.payload));
}

#[test]
fn a_specimen_s_way_says_who_had_it_sent_once_more_and_why() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    lab.deliver_everything();
    resend(&lab, specimen("S1")).unwrap();
    let lab = lab.reopen();
    let way = lab.reader.way(&SpecimenId::new("S1")).unwrap();
    let said: Vec<(String, String, OnceMore, u32)> = way
        .iter()
        .filter_map(|step| match &step.what {
            Way::SentAgain { by, reason, how, results, .. } => {
                Some((by.clone(), reason.reveal().clone(), *how, u32::try_from(results.len()).unwrap()))
            }
            _ => None,
        })
        .collect();
    let why = "the LIMS was restored from last night".to_owned();
    assert_eq!(said, [("Anna Example".to_owned(), why, OnceMore::AsItWas, 1)]);
    let journal = lab.reading();
    assert!(journal.execute("UPDATE resend SET named = 'nobody'", []).is_err(), "it never changes");
}
