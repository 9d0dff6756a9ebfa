//! A day's reconciliation: both sides of its sums, what isn't over, and that the check can fail: whatever is changed past
//! the journal on one side is found by the other.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use labwire::config::settings::Mode;
use labwire::domain::{DestinationId, Observation, Problem, ProblemKind, SampleClass, SpecimenId, Status};
use labwire::journal::desk::Decision;
use labwire::journal::ledger::{Fate, Next};
use labwire::journal::parcels::Ending;
use labwire::journal::resend::{self, Of, Resending};
use labwire::journal::results::{Entry, Place, Route};
use labwire::journal::{DeliveryId, ProblemId};
use labwire::reconciliation::{Day, Kind, Report, Rules, Verdict, Wanted, csv, gather, json};

use super::kit::*;

pub(super) fn rules() -> Rules {
    Rules {
        site: "Example laboratory".to_owned(),
        destinations: BTreeMap::from([(LIMS.to_owned(), Mode::Live)]),
        late_after: SignedDuration::from_mins(15),
    }
}

fn day(date: &str, zone: &str) -> Day {
    Day::new(date.parse().unwrap(), &TimeZone::get(zone).unwrap()).unwrap()
}

/// The day on which everything happens.
pub(super) fn today() -> Day {
    Day::of(Wanted::Today, at(0), &TimeZone::UTC).unwrap()
}

fn report_at(lab: &Lab, rules: &Rules, now: Timestamp) -> Report {
    gather(&lab.reader, today(), rules, None, now).unwrap()
}

fn report(lab: &Lab) -> Report {
    report_at(lab, &rules(), lab.now())
}

fn open(report: &Report) -> Vec<(Kind, usize)> {
    report.open.iter().map(|(kind, count)| (*kind, *count)).collect()
}

/// States of a destination, in words.
fn states(report: &Report, destination: &str) -> String {
    let outgo = &report.destinations[destination];
    let states: Vec<String> = outgo.states.iter().map(|(state, count)| format!("{count} {state}")).collect();
    format!("{} = {}", outgo.owed, states.join(" + "))
}

fn of(kind: ProblemKind) -> Problem {
    Problem { kind, replaces_result: false, ..lost_result(5) }
}

/// A day with something in every state.
fn eventful() -> Lab {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    lab.accept(&lab.lease().unwrap());
    let refused = lab.own(result("S2", "K", "4.1"));
    lab.settle_all(&lab.lease().unwrap(), &Fate::Refused("no order".to_owned()), Next::Dead, Some(422));
    lab.own(result("S2", "K", "4.2"));
    lab.own(result("S3", "K", "4.1"));
    lab.settle_all(&lab.lease().unwrap(), &Fate::Unknown, Next::Dead, None);
    lab.own(result("S4", "K", "4.1"));
    lab.settle_all(&lab.lease().unwrap(), &Fate::Staged, Next::Settled, Some(202));
    lab.own(held(result("S5", "K", "4.1")));
    let control = Observation { class: SampleClass::Control, ..result("QC1", "K", "4.1") };
    let failed = Observation { status: Status::Failed, ..result("S6", "K", "4.1") };
    lab.record(vec![own(control), own(failed)]);
    let message = lab.message();
    let again = Entry { place: Place::Repeats(refused), ..own(result("S2", "K", "4.1")) };
    let possible = of(ProblemKind::PossibleDuplicate);
    lab.record_of(message, vec![again, own(result("S7", "K", "4.1"))], vec![lost_result(9), possible])
        .unwrap();
    let (transfer, _) = lab.first(parcel("H|\rP|1\r", &[]));
    let cut = lab.end(transfer, Ending::Cut("silence for 15 seconds".to_owned())).unwrap();
    lab.record_of(cut, Vec::new(), vec![of(ProblemKind::Incomplete)]).unwrap();
    lab
}

#[test]
fn a_day_s_sums_come_to_zero_and_each_thing_that_is_open_is_named() {
    let lab = eventful();
    let report = report(&lab);
    assert_eq!(report.imbalances, []);
    lab.assert_balanced();
    let total = report.total();
    assert_eq!((total.messages, total.unread, total.incomplete), (9, 0, 1));
    assert_eq!((total.received, total.new, total.repeated, total.problem), (11, 9, 1, 1));
    assert_eq!((total.difference(), total.controls, total.failed), (0, 1, 1));
    assert_eq!(
        (report.intake.keys().map(String::as_str).collect::<Vec<_>>(), report.cut_transfers),
        (vec!["sim"], 1)
    );
    let expected = "9 = 1 accepted + 1 held + 1 not-for-it + 2 pending + 1 quarantined + 1 refused + 1 staged + 1 unknown";
    assert_eq!(states(&report, LIMS), expected);
    let expected = [
        (Kind::Refused, 1),
        (Kind::Unknown, 1),
        (Kind::Quarantined, 1),
        (Kind::Held, 1),
        (Kind::Incomplete, 1),
        (Kind::PossibleDuplicate, 1),
        (Kind::Problem, 1),
    ];
    assert_eq!(open(&report), expected);
    assert_eq!(report.verdict(), Verdict::Open);
}

#[test]
fn each_exception_says_why_since_when_and_what_to_do() {
    let lab = eventful();
    let report = report(&lab);
    let told: Vec<String> = report
        .exceptions
        .iter()
        .map(|it| {
            let specimen = it.specimen.as_ref().map_or("-", |specimen| specimen.reveal());
            format!(
                "{}|{specimen}|{}|{}|{}",
                it.kind.name(),
                it.test,
                it.reason.reveal().english(),
                it.remedy.english()
            )
        })
        .collect();
    let dismiss = |id: i64| format!("; seen to: labwire dismiss {id} --reason …");
    let remedy = |kind: ProblemKind, id| format!("{}{}", kind.remedy(), dismiss(id));
    assert_eq!(
        told,
        [
            "refused|S2|K|no order|mend what the LIMS complains of, then labwire retry 2 --reason …, or labwire give-up 2 --reason …".to_owned(),
            "unknown|S3|K|detail|look in the LIMS; if it is there, labwire confirm 3 --reason …; if not, labwire retry 3 --reason …".to_owned(),
            "quarantined|S2|K|an earlier result of this test was refused|decide over the earlier result of this test, which was refused: this one follows it".to_owned(),
            "held|S5|K|the analyzer marked the result as doubtful; its value, or what says how to read it, is none that the profile knows|look at the result on the analyzer, then labwire release 6 --reason … or labwire reject 6 --reason …".to_owned(),
            format!("incomplete-transmission|-||no such code (silence for 15 seconds)|{}", remedy(ProblemKind::Incomplete, 3)),
            format!("possible-duplicate|-||no such code|{}", remedy(ProblemKind::PossibleDuplicate, 2)),
            format!("problem|-||no such code|{}", remedy(ProblemKind::UnknownCode, 1)),
        ]
    );
    let unknown = &report.exceptions[1];
    assert!(unknown.is_dead_letter && unknown.delivery == Some(DeliveryId(3)));
    let oldest = report.exceptions.iter().map(|it| it.since).min().unwrap();
    assert!(oldest > at(0) && report.exceptions.iter().all(|it| it.since < report.as_of));
}

#[test]
fn a_day_that_people_have_seen_to_is_clear() {
    let lab = eventful();
    lab.decide(Decision::GiveUp(DeliveryId(2))).unwrap();
    lab.decide(Decision::Confirm(DeliveryId(3))).unwrap();
    lab.decide(Decision::Reject(report(&lab).exceptions[0].result.unwrap())).unwrap();
    for problem in 1..=3 {
        lab.decide(Decision::Dismiss(ProblemId(problem))).unwrap();
    }
    lab.deliver_everything();
    let report = report_at(&lab, &rules(), at(100_000));
    assert_eq!((report.imbalances.len(), open(&report)), (0, Vec::new()));
    assert_eq!(states(&report, LIMS), "9 = 5 accepted + 1 not-for-it + 2 rejected + 1 staged");
    assert_eq!(report.verdict(), Verdict::Clear);
}

/// What each tampering is found by, in the report of that day alone.
#[test]
fn whatever_is_changed_past_the_journal_is_found() {
    let ledger = "DROP TRIGGER ledger_stays; ";
    let observation = "DROP TRIGGER observation_stays; PRAGMA foreign_keys = OFF; ";
    for (tampering, found) in [
        (format!("{ledger}DELETE FROM ledger WHERE observation = 1"), "message 1: 1 results are owed to lims, and 0 are in its ledger"),
        (
            "INSERT INTO ledger SELECT 'other', observation, lane, specimen, priority, state, behind, delivery, reason, changed_at
             FROM ledger WHERE observation = 1".to_owned(),
            "message 1: 0 results are owed to other, and 1 are in its ledger",
        ),
        ("UPDATE ledger SET destination = 'other' WHERE observation = 2".to_owned(), "message 2: 1 results are owed to lims, and 0 are in its ledger"),
        // One too few and one too many: their sum alone would be right.
        (
            format!("{ledger}PRAGMA foreign_keys = OFF; DELETE FROM ledger WHERE observation = 1;
             INSERT INTO observation SELECT 99, 2, 9, instrument, specimen, code, aspect, component, class, status, version, NULL,
                recorded_at, detail FROM observation WHERE id = 2;
             INSERT INTO ledger SELECT destination, 99, lane, specimen, priority, state, behind, delivery, reason, changed_at
             FROM ledger WHERE observation = 2"),
            "message 2: 1 results are owed to lims, and 2 are in its ledger",
        ),
        ("UPDATE ledger SET state = 'accepted' WHERE observation = 9".to_owned(), "result 9 counts as accepted by lims, and no attempt to send it was ever answered"),
        (
            "UPDATE ledger SET state = 'accepted' WHERE state = 'refused'".to_owned(),
            "result 2 counts as accepted by lims, whose delivery 2 is left to a person, as if something of it were refused or of unknown fate",
        ),
        (format!("{observation}DELETE FROM observation WHERE id = 6"), "message 6: 1 results were received, and 0 new, 0 repeated and 0 problems are found"),
        ("DELETE FROM repetition".to_owned(), "message 8: 3 results were received, and 1 new, 0 repeated and 1 problems are found"),
        ("UPDATE problem SET replaces_result = 1 WHERE id = 2".to_owned(), "message 8: 3 results were received, and 1 new, 1 repeated and 2 problems are found"),
        ("UPDATE problem SET withdrawn = 1".to_owned(), "message 8: 3 results were received, and 1 new, 1 repeated and 0 problems are found"),
        ("UPDATE ledger_total SET count = count + 1 WHERE state = 'held'".to_owned(), "over all days, what lims is owed differs from its ledger by -1"),
        ("UPDATE message SET results = 7 WHERE id = 1".to_owned(), "message 1: 7 results were received, and 1 new, 0 repeated and 0 problems are found"),
    ] {
        let lab = eventful();
        assert_eq!(report(&lab).imbalances, []);
        lab.reading().execute_batch(&tampering).unwrap();
        let report = report(&lab);
        assert!(report.imbalances.iter().any(|it| it.english() == found), "{tampering}: {:?}", report.imbalances);
        assert_eq!(report.verdict(), Verdict::Unbalanced);
        assert!(report.headline().english().contains(found), "{}", report.headline().english());
        assert!(json(&report, 1).unwrap().contains("\"balanced\": false") && csv(&report, 1).contains(found));
    }
}

#[test]
fn a_message_that_is_read_again_keeps_its_day_in_balance() {
    let lab = Lab::new();
    let message = lab.message();
    lab.record_of(message, vec![own(result("S1", "K", "4.1"))], vec![lost_result(1)]).unwrap();
    assert_eq!((report(&lab).total().received, report(&lab).total().problem), (2, 1));
    lab.decide(Decision::Reread(message)).unwrap();
    let between = report(&lab);
    assert_eq!((between.total().received, between.total().unread, between.imbalances.len()), (1, 1, 0));
    lab.record_of(message, vec![own(result("S1", "K", "4.1")), own(result("S1", "NA", "140"))], Vec::new())
        .unwrap();
    let report = report(&lab);
    assert_eq!((report.total().received, report.total().new, report.imbalances.len()), (2, 2, 0));
    lab.assert_balanced();
}

#[test]
fn what_went_nowhere_and_leaves_later_is_owed_then() {
    let lab = Lab::new();
    let message = lab.message();
    let routed =
        |route| Entry { routes: vec![(DestinationId::new(LIMS), route)], ..own(result("S1", "K", "4.1")) };
    lab.record_of(message, vec![Entry { routes: Vec::new(), ..routed(Route::Deliver) }], Vec::new()).unwrap();
    assert!(report(&lab).destinations.is_empty(), "nobody was owed anything");
    lab.decide(Decision::Reread(message)).unwrap();
    lab.record_of(message, vec![routed(Route::Deliver)], Vec::new()).unwrap();
    let report = report(&lab);
    assert_eq!((states(&report, LIMS).as_str(), report.imbalances.len()), ("1 = 1 pending", 0));
    lab.assert_balanced();
}

/// Stores and reads one message, as if it came at this time.
fn came(lab: &Lab, time: &str) {
    let message = lab.message();
    lab.reading()
        .execute(
            "UPDATE message SET received_at = ? WHERE id = ?",
            (time.parse::<Timestamp>().unwrap().as_microsecond(), message.0),
        )
        .unwrap();
    lab.record_of(message, vec![own(result(&format!("S{message}"), "K", "4.1"))], Vec::new()).unwrap();
}

#[test]
fn each_result_belongs_to_one_day_whatever_hours_that_has() {
    let lab = Lab::new();
    for time in [
        "2026-10-24T21:59:59.999999Z",
        "2026-10-24T22:00:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:30:00Z",
        "2026-10-25T22:59:59.999999Z",
        "2026-10-25T23:00:00Z",
    ] {
        came(&lab, time);
    }
    let received = |date: &str, zone: &str| {
        gather(&lab.reader, day(date, zone), &rules(), None, lab.now()).unwrap().total().received
    };
    assert_eq!(
        ["2026-10-24", "2026-10-25", "2026-10-26"].map(|date| received(date, "Europe/Vienna")),
        [1, 4, 1]
    );
    assert_eq!(["2026-10-24", "2026-10-25", "2026-10-26"].map(|date| received(date, "UTC")), [2, 4, 0]);
}

#[test]
fn a_day_is_walked_through_to_its_end_also_where_many_came_at_once() {
    let lab = Lab::new();
    for number in 0..100 {
        came(&lab, if number % 3 == 0 { "2026-11-20T12:00:00Z" } else { "2026-11-20T13:00:00Z" });
    }
    came(&lab, "2026-11-21T00:00:00Z");
    let report = gather(&lab.reader, day("2026-11-20", "UTC"), &rules(), None, lab.now()).unwrap();
    assert_eq!((report.total().messages, report.total().received, report.imbalances.len()), (100, 100, 0));
    assert_eq!(report.open, BTreeMap::from([(Kind::Late, 100)]));
}

#[test]
fn messages_with_many_results_are_read_fewer_at_a_time() {
    let lab = Lab::new();
    for _ in 0..3 {
        let many = (0..600).map(|number| own(result(&format!("S{number}"), "K", "4.1")));
        lab.record(many.collect());
    }
    let span = today().span();
    let (first, place) = lab.reader.arrivals(span, None, 32).unwrap();
    assert_eq!((first.len(), place.is_some()), (2, true), "a thousand results, and what is begun");
    let (last, place) = lab.reader.arrivals(span, place, 32).unwrap();
    assert_eq!((last.len(), place), (1, None));
    assert_eq!((report(&lab).total().received, report(&lab).imbalances.len()), (1_800, 0));
}

#[test]
fn what_is_late_is_an_exception_and_what_has_time_is_none() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    lab.first(parcel("L|1\r", &[4]));
    // A clock that was set back doesn't tell how long anything has waited.
    for (second, expected) in [(900, 0), (905, 2), (-900, 2)] {
        let report = report_at(&lab, &rules(), at(second));
        assert_eq!(report.open_count(), expected, "{second}: {:?}", report.open);
    }
    let report = report_at(&lab, &rules(), at(905));
    assert_eq!(open(&report), [(Kind::Late, 1), (Kind::Unread, 1)]);
    assert_eq!(report.exceptions[0].reason.reveal().english(), "it waits to be sent");
    lab.settle_all(&lab.lease().unwrap(), &Fate::Again, Next::Retry { at: at(2_000) }, Some(503));
    lab.own(result("S1", "K", "4.2"));
    let report = report_at(&lab, &rules(), at(2_000));
    let reasons: Vec<String> = report.exceptions.iter().map(|it| it.reason.reveal().english()).collect();
    assert_eq!(reasons, ["detail", "an earlier result of this test isn't over", "it waits to be read"]);
}

#[test]
fn a_destination_under_test_is_added_up_and_nothing_of_it_is_open() {
    let lab = eventful();
    let mut rules = rules();
    rules.destinations.insert(LIMS.to_owned(), Mode::Test);
    let report = report_at(&lab, &rules, at(100_000));
    assert!(report.destinations[LIMS].is_under_test && report.destinations[LIMS].owed == 9);
    assert!(report.exceptions.iter().all(|it| it.destination.is_none()), "{:?}", report.open);
}

#[test]
fn what_is_left_for_a_destination_that_is_no_longer_configured_is_told() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    lab.settle_all(&lab.lease().unwrap(), &Fate::Unknown, Next::Dead, None);
    lab.own(result("S2", "K", "4.1"));
    let rules = Rules { destinations: BTreeMap::new(), ..rules() };
    let report = report_at(&lab, &rules, at(100_000));
    let remedies: Vec<String> = report.exceptions.iter().map(|it| it.remedy.english()).collect();
    assert!(
        remedies.len() == 2 && remedies.iter().all(|it| it.starts_with("nothing is sent there any more")),
        "{remedies:?}"
    );
}

#[test]
fn one_destination_can_be_asked_for() {
    let lab = Lab::new();
    let both = |observation| Entry {
        routes: [LIMS, "archive"].map(|name| (DestinationId::new(name), Route::Deliver)).into(),
        ..own(observation)
    };
    lab.record(vec![both(result("S1", "K", "4.1"))]);
    lab.deliver_everything();
    let of = |only| gather(&lab.reader, today(), &rules(), only, at(100_000)).unwrap();
    assert_eq!(of(None).destinations.keys().map(String::as_str).collect::<Vec<_>>(), ["archive", LIMS]);
    assert_eq!((of(Some(LIMS)).destinations.len(), of(Some(LIMS)).open_count()), (1, 0));
    assert_eq!((of(Some("archive")).open_count(), of(None).open_count()), (1, 1));
    lab.reading()
        .execute_batch("DROP TRIGGER ledger_stays; DELETE FROM ledger WHERE destination = 'archive'")
        .unwrap();
    let named = |report: &Report| {
        report
            .imbalances
            .iter()
            .any(|it| it.english().starts_with("message 1: 1 results are owed to archive"))
    };
    assert!(named(&of(None)) && named(&of(Some("archive"))) && !named(&of(Some(LIMS))));
}

#[test]
fn lags_run_from_the_last_byte_to_the_answer_that_took_a_result() {
    let lab = Lab::new();
    for specimen in 0..4 {
        lab.own(result(&format!("S{specimen}"), "K", "4.1"));
    }
    lab.deliver_everything();
    let lag = report(&lab).destinations[LIMS].lag.unwrap();
    assert_eq!(lag.count, 4);
    // Message n comes in second 2n - 1; leases and answers take a second each, one specimen after the other.
    assert_eq!([lag.p50, lag.p95, lag.max].map(|lag| lag.as_secs()), [9, 9, 9]);
}

#[test]
fn what_went_once_more_is_no_lag_and_late_only_since_then() {
    let lab = Lab::new();
    lab.own(result("S1", "K", "4.1"));
    lab.deliver_everything();
    let before = report(&lab).destinations[LIMS].lag.unwrap();
    lab.pass(36_000);
    let of = Of::Specimen(SpecimenId::new("S1"));
    let wanted = resend::Wanted { destination: DestinationId::new(LIMS), of, instrument: None, test: None };
    let (by, reason, account) = ("Anna".to_owned(), "restored".to_owned(), "mgarcia".to_owned());
    lab.wait(lab.journal.resend(Resending { wanted, by, account, reason, seen: None }, lab.now())).unwrap();
    assert_eq!(open(&report(&lab)), [], "it is owed for a moment only");
    lab.pass(1_000);
    let late = report(&lab);
    assert_eq!(open(&late), [(Kind::Late, 1)]);
    assert!(late.exceptions[0].since > at(36_000), "since somebody had it sent");
    lab.deliver_everything();
    let after = report(&lab).destinations[LIMS].lag.unwrap();
    assert_eq!((after.count, after.max), (before.count, before.max));
}

#[test]
fn files_name_specimens_and_what_is_logged_names_none() {
    let lab = eventful();
    lab.own(held(result("=1+1,\"x\"", "K", "4.1")));
    let report = report(&lab);
    let (json, csv) = (json(&report, 3).unwrap(), csv(&report, 3));
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((value["revision"].as_i64(), value["balanced"].as_bool()), (Some(3), Some(true)));
    assert_eq!(value["received"]["instruments"]["sim"]["received"], 12);
    assert_eq!(value["destinations"][LIMS]["states"]["held"], 2);
    assert_eq!(value["exceptions"].as_array().unwrap().len(), 8);
    assert!(csv.contains(",\"'=1+1,\"\"x\"\"\",K,held,"), "{csv}");
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines.contains(&"2027-01-15,received,sim,,received,12,,,,,,,,,,"), "{csv}");
    assert!(lines.contains(&"2027-01-15,sent,,lims,held,2,,,,,,,,,,"), "{csv}");
    for told in [report.headline().english(), format!("{:?}", report.exceptions)] {
        assert!(!told.contains("S2") && !told.contains("1+1") && !told.contains("no order"), "{told}");
    }
}
