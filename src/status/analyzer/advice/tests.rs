//! Which card comes for which trouble, and that none comes without one.

use super::*;
use crate::domain::traffic::Quiet;
use crate::journal::notes::LinkNotes;
use crate::status::lead::tests::calm_bench;

type Change = fn(&mut Analyzer, jiff::Timestamp);

fn down(it: &mut Analyzer, now: jiff::Timestamp, wire: Wire, cause: Cause) {
    it.contact = Contact::Down { why: String::new(), since: now };
    (it.wire, it.cause) = (Some(wire), cause);
}

fn port() -> Wire {
    Wire::Port("/dev/ttyS0".to_owned())
}

fn called() -> Wire {
    Wire::Called("a:1".to_owned())
}

fn calls() -> Wire {
    Wire::Calls("a:1".to_owned())
}

fn note(code: &str, at: jiff::Timestamp) -> LinkNotes {
    LinkNotes { source: "port".to_owned(), code: code.to_owned(), count: 3, first_at: at, last_at: at }
}

#[test]
fn each_trouble_has_its_likely_cause_and_what_is_well_has_no_card() {
    let cases: [(&str, Change); 14] = [
        ("isn't there", |it, now| down(it, now, port(), Cause::NotThere)),
        ("may not open", |it, now| down(it, now, port(), Cause::NotAllowed)),
        ("Another program has the port", |it, now| {
            down(it, now, port(), Cause::InUse);
        }),
        ("failed while it was in use", |it, now| {
            down(it, now, port(), Cause::HungUp);
        }),
        ("takes no connection", |it, now| down(it, now, called(), Cause::Refused)),
        ("Nothing answers", |it, now| down(it, now, called(), Cause::NoAnswer)),
        ("closes the connection", |it, now| down(it, now, called(), Cause::HungUp)),
        ("isn't trusted", |it, now| down(it, now, called(), Cause::Untrusted)),
        ("Another program on this computer", |it, now| {
            down(it, now, calls(), Cause::InUse);
        }),
        ("can't be reached", |it, now| down(it, now, Wire::Files, Cause::Unknown)),
        ("Nobody is connected at a:1", |it, now| {
            it.wire = Some(calls());
            it.contact = Contact::Listening { since: now };
        }),
        ("sends nothing at an hour", |it, _| it.quiet = Quiet::Silent),
        ("Bytes arrive damaged", |it, now| it.notes = vec![note("bad-checksum", now)]),
        ("isn't what this analyzer should say", |it, now| {
            it.wire = Some(called());
            it.notes = vec![note("noise", now)];
        }),
    ];
    let paper = Duration::from_secs(20 * 60);
    let bench = calm_bench();
    assert_eq!(advice(&bench.analyzers[0], &bench, paper), None);
    for (expected, change) in cases {
        let mut bench = calm_bench();
        let now = bench.as_of;
        change(&mut bench.analyzers[0], now);
        let card = advice(&bench.analyzers[0], &bench, paper).unwrap();
        assert!(card.likely.english().contains(expected), "{expected}: {:?}", card.likely);
        assert!(!card.steps.is_empty() && card.paper.english().starts_with("After 20 minutes"), "{card:?}");
    }
}

#[test]
fn old_damage_and_a_quiet_night_need_no_card() {
    let mut bench = calm_bench();
    let old = bench.as_of - jiff::SignedDuration::from_mins(15);
    bench.analyzers[0].notes = vec![note("bad-checksum", old), note("keep-alive", bench.as_of)];
    bench.analyzers[0].quiet = Quiet::AsUsual;
    assert_eq!(advice(&bench.analyzers[0], &bench, Duration::from_secs(60)), None);
}
