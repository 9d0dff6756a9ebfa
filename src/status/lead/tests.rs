//! Which of several problems comes first.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::board::{self, FileWaits};
use crate::config::settings::Mode;
use crate::domain::Private;
use crate::domain::call::{CallPolicy, Cause, Course, Opening, Tell};
use crate::domain::traffic::Quiet;
use crate::journal::calls::{CallView, Reason};
use crate::journal::restoration::Standstill;
use crate::journal::views::{InstrumentView, QueueView, Waiting};
use crate::journal::{CallId, DestinationSums, IntakeSums, ObservationId, Sums};
use crate::status::around::Around;
use crate::status::snapshot::{Analyzer, ToldBy, Wire};

fn at(text: &str) -> Timestamp {
    format!("2026-03-02T{text}Z").parse().unwrap()
}

fn analyzer(name: &str) -> Analyzer {
    Analyzer {
        drop: None,
        name: name.to_owned(),
        description: String::new(),
        counts: InstrumentView { last_message: Some(at("11:58:00")), ..InstrumentView::default() },
        contact: Contact::Connected { peers: BTreeMap::new(), since: at("08:00:00") },
        shared_with: Vec::new(),
        last_note: None,
        notes: Vec::new(),
        source: None,
        cause: board::Cause::Unknown,
        wire: Some(Wire::Port("/dev/ttyS0".to_owned())),
        quiet: Quiet::No,
        hours: Vec::new(),
        around: Around::default(),
    }
}

/// A bench on which all is well, at noon.
pub(in crate::status) fn calm_bench() -> Snapshot {
    Snapshot {
        as_of: at("12:00:00"),
        condition: Condition::Good,
        standstill: None,
        sums: Sums { intake: IntakeSums::default(), destinations: BTreeMap::new() },
        waiting: Waiting::default(),
        analyzers: vec![analyzer("c311"), analyzer("h500")],
        destinations: vec![Lims {
            name: "lims".to_owned(),
            state: DestinationState::Up,
            cause: board::Cause::Unknown,
            since: Some(at("08:00:00")),
            last_accepted: Some(at("11:58:01")),
            attempts: BTreeMap::new(),
            sums: DestinationSums::default(),
            queue: QueueView::default(),
            is_configured: true,
            mode: Mode::Live,
        }],
        told_by: vec![ToldBy { link: "orders his".to_owned(), down: None }],
        problems: Vec::new(),
        held: Vec::new(),
        letters: Vec::new(),
        calls: Vec::new(),
        call_steps: Vec::new(),
        measured: std::sync::Arc::default(),
        queries: Vec::new(),
        alarms: Vec::new(),
        reports_fail: None,
        archiving_fails: None,
        archived: None,
        differing: None,
        days_left: Some(400),
        rules: None,
    }
}

/// Who tells orders, and can't be reached for an hour.
pub(in crate::status) fn orders_down(now: Timestamp) -> ToldBy {
    let since = now - jiff::SignedDuration::from_hours(1);
    ToldBy { link: "orders his".to_owned(), down: Some(("CanaryName".to_owned(), since)) }
}

/// A destination that the configuration no longer names.
pub(in crate::status) fn removed_with(pending: i64) -> Lims {
    let states = BTreeMap::from([("pending".to_owned(), pending), ("accepted".to_owned(), 7)]);
    Lims {
        name: "archive".to_owned(),
        state: DestinationState::Untried,
        cause: board::Cause::Unknown,
        since: None,
        last_accepted: None,
        attempts: BTreeMap::new(),
        sums: DestinationSums { owed: pending + 7, states },
        queue: QueueView::default(),
        is_configured: false,
        mode: Mode::Live,
    }
}

fn lead_of(snapshot: &Snapshot) -> Lead {
    lead(snapshot, &Clock::new(TimeZone::UTC, snapshot.as_of))
}

type Change = fn(&mut Snapshot);

/// Every problem, worst first, with what is said of it.
const WORST_FIRST: &[(Severity, &str, Change)] = &[
    (Severity::Danger, "The journal has failed: nothing more is received (disk I/O error).", |it| {
        it.condition = Condition::Failed("disk I/O error".to_owned());
    }),
    (Severity::Danger, "The disk is full: no new transmission is accepted.", |it| {
        it.condition = Condition::Full;
    }),
    (
        Severity::Danger,
        "Nothing is delivered to any LIMS: the journal is older than when it ran last.",
        |it| {
            let why = "the journal is older than when it ran last".to_owned();
            it.standstill = Some(Standstill { since: at("11:00:00"), why });
        },
    ),
    (
        Severity::Danger,
        "The sums do not balance: received results differ from what they became by 1.",
        |it| it.sums.intake.received = 1,
    ),
    (Severity::Danger, "lims does not answer: connection refused; next try at 12:00:20.", |it| {
        it.destinations[0].state =
            DestinationState::Resting { until: at("12:00:20"), why: "connection refused".to_owned() };
    }),
    (Severity::Danger, "lims is failing: answered 503.", |it| {
        it.destinations[0].state = DestinationState::Failing("answered 503".to_owned());
        it.destinations[0].last_accepted = Some(at("11:59:00"));
    }),
    (Severity::Danger, "2 deliveries wait for a person: refused by the LIMS, or of unknown fate.", |it| {
        it.waiting.dead_letters = 2;
    }),
    (Severity::Danger, "c311 has not been connected since 11:59:00: no such device.", |it| {
        it.analyzers[0].contact = Contact::Down { why: "no such device".to_owned(), since: at("11:59:00") };
    }),
    (Severity::Act, "archive is no longer configured; 2 results wait for it.", |it| {
        it.destinations.push(removed_with(2));
    }),
    (Severity::Act, "No orders come from his since 11:00:00: CanaryName.", |it| {
        it.told_by.push(orders_down(it.as_of));
    }),
    (Severity::Act, "1 message came from an analyzer that labwire doesn't know: not in the LIMS.", |it| {
        (it.waiting.unattributed, it.waiting.open_problems) = (1, it.waiting.open_problems + 1);
    }),
    (Severity::Act, "3 transmissions were cut short.", |it| {
        (it.waiting.incomplete, it.waiting.open_problems) = (3, it.waiting.open_problems + 3);
    }),
    (Severity::Act, "1 result is held and not in the LIMS.", |it| it.waiting.held = 1),
    (Severity::Act, "4 problems are open.", |it| {
        (it.waiting.other_problems, it.waiting.open_problems) = (4, it.waiting.open_problems + 4);
    }),
    (
        Severity::Act,
        "The reconciliation's report has not been written since 00:15:00: no such folder.",
        |it| it.reports_fail = Some((at("00:15:00"), "no such folder".to_owned())),
    ),
    (Severity::Act, "Bytes of old messages could not be archived since 00:15:00: no room.", |it| {
        it.archiving_fails = Some((at("00:15:00"), "no room".to_owned()))
    }),
    (Severity::Odd, "1 host query got no orders.", |it| it.waiting.unanswered_queries = 1),
    (Severity::Odd, "lims failed just now: answered 503.", |it| {
        it.destinations[0].state = DestinationState::Failing("answered 503".to_owned());
        it.destinations[0].last_accepted = Some(at("11:59:50"));
    }),
    (Severity::Odd, "The LIMS tells no earlier values of patients since 11:00:00: CanaryName.", |it| {
        it.told_by.push(ToldBy { link: "patients' history".to_owned(), ..orders_down(it.as_of) });
    }),
    (Severity::Odd, "h500 has been silent since 09:58:00.", |it| {
        it.analyzers[1].counts.last_message = Some(at("09:58:00"));
        it.analyzers[1].quiet = Quiet::Silent;
    }),
];

#[test]
fn each_problem_is_said_when_it_is_the_only_one() {
    for (severity, headline, change) in WORST_FIRST {
        let mut bench = calm_bench();
        change(&mut bench);
        let lead = lead_of(&bench);
        assert_eq!((lead.severity, lead.headline.english().as_str()), (*severity, *headline));
        assert!(!lead.then.is_none() && !lead.then.english().contains("Then:"), "{:?}", lead.then);
    }
}

#[test]
fn of_two_problems_the_worse_comes_first_and_the_other_after_it() {
    for (place, (_, worse, change)) in WORST_FIRST.iter().enumerate() {
        for (_, lesser, also) in &WORST_FIRST[place + 1..] {
            let mut bench = calm_bench();
            also(&mut bench);
            change(&mut bench);
            let lead = lead_of(&bench);
            assert_eq!(lead.headline, *worse, "with {lesser}");
            // Beside those of unknown senders and cut transmissions, problems are the other ones.
            let lesser = if bench.waiting.open_problems > bench.waiting.other_problems {
                lesser.replace("4 problems", "4 other problems")
            } else {
                (*lesser).to_owned()
            };
            let same_place = lead_of(&bench).then.english().contains(&lesser);
            let excluded = (worse.starts_with("lims") && lesser.starts_with("lims"))
                || (worse.contains("journal") && lesser.contains("disk is full"));
            assert_eq!(same_place, !excluded, "{worse} with {lesser}: {:?}", lead.then);
        }
    }
}

/// A critical call that is due in a quarter of an hour, or was a minute ago.
pub(in crate::status) fn call(bench: &mut Snapshot, started: Timestamp) {
    let cause = Cause { policy: CallPolicy::default(), found_at: started };
    let result = crate::status::specimen::tests::observation();
    bench.calls.push(CallView {
        id: CallId(1),
        specimen: result.specimen.clone(),
        opened_at: started,
        observation: ObservationId(1),
        tell: Private::new(Tell::of(&result)),
        result: Private::new(result),
        reason: Reason::Opened(Opening::Critical),
        course: Course::new(cause),
        happened: Vec::new(),
    });
}

#[test]
fn one_problem_more_never_makes_the_sentence_calmer() {
    let calls: [Change; 2] = [|it| call(it, at("11:59:00")), |it| call(it, at("11:00:00"))];
    let changes: Vec<Change> = WORST_FIRST.iter().map(|(.., change)| *change).chain(calls).collect();
    // Where two are about one thing, the worse is applied last.
    let worst_of = |chosen: &[usize]| {
        let mut bench = calm_bench();
        chosen.iter().rev().for_each(|index| changes[*index](&mut bench));
        lead_of(&bench).severity
    };
    for first in 0..changes.len() {
        for second in first + 1..changes.len() {
            let both = worst_of(&[first, second]);
            assert!(both <= worst_of(&[first]).min(worst_of(&[second])), "{first} and {second}");
            for third in second + 1..changes.len() {
                assert!(worst_of(&[first, second, third]) <= both, "{third} beside {first} and {second}");
            }
        }
    }
    // What it must notice: a call that is not overdue is no danger by itself, and the sentence stays one beside it.
    let (open, dead_letter) = (WORST_FIRST.len(), 6);
    assert_eq!(worst_of(&[open]), Severity::Act);
    assert_eq!(worst_of(&[dead_letter, open]), Severity::Danger);
}

#[test]
fn at_most_two_more_problems_are_said_and_the_rest_is_counted() {
    let mut bench = calm_bench();
    bench.waiting = Waiting {
        held: 1,
        unattributed: 1,
        incomplete: 1,
        open_problems: 3,
        other_problems: 1,
        unanswered_queries: 1,
        ..Waiting::default()
    };
    bench.analyzers[0].contact = Contact::Down { why: "unplugged".to_owned(), since: at("11:00:00") };
    assert!(
        lead_of(&bench).then.english().ends_with("And 3 things more below."),
        "{:?}",
        lead_of(&bench).then
    );
}

#[test]
fn who_tells_orders_and_fails_for_a_moment_is_nobodys_concern() {
    let mut bench = calm_bench();
    let link = orders_down(bench.as_of);
    bench.told_by = vec![ToldBy { down: Some(("answered 503".to_owned(), at("11:59:10"))), ..link }];
    assert_eq!(lead_of(&bench).severity, Severity::Calm);
    bench.as_of = at("12:00:10");
    assert_eq!(lead_of(&bench).severity, Severity::Act);
    bench.as_of = at("11:00:00");
    assert_eq!(lead_of(&bench).severity, Severity::Act, "the clock was set back");
}

#[test]
fn a_calm_bench_says_so() {
    let lead = lead_of(&calm_bench());
    assert_eq!(lead.headline, "Both analyzers are connected, the LIMS is up, nothing held.");
    assert_eq!(lead.then, "The last message came at 11:58:00. Nothing is on its way, and the sums balance.");
    assert_eq!(lead.severity, Severity::Calm);
}

#[test]
fn a_calm_bench_does_not_say_that_whoever_is_waited_for_is_connected() {
    let listening = || Contact::Listening { since: at("08:00:00") };
    let mut bench = calm_bench();
    for (contact, expected) in [
        (listening(), "1 of 2 analyzers are connected, the others waited for, "),
        (listening(), "Both analyzers are waited for, "),
    ] {
        let first = bench.analyzers.iter_mut().find(|it| it.contact != contact).unwrap();
        first.contact = contact;
        let headline = lead_of(&bench).headline.english();
        assert!(headline.starts_with(expected), "{headline}");
    }
}

#[test]
fn files_that_nobody_can_take_are_said_and_files_that_only_take_time_are_not() {
    let waits = |by_itself| FileWaits { name: Private::new("a".to_owned()), why: "b".to_owned(), by_itself };
    let mut bench = calm_bench();
    bench.analyzers[0].contact = Contact::Polling { since: at("08:00:00") };
    bench.analyzers[0].drop = Some(DropView { waiting: vec![waits(true)], ..DropView::default() });
    assert_eq!(lead_of(&bench).headline, lead_of(&calm_bench()).headline);
    bench.analyzers[0].drop =
        Some(DropView { waiting: vec![waits(true), waits(false)], ..DropView::default() });
    let name = bench.analyzers[0].name.clone();
    assert_eq!(lead_of(&bench).headline.english(), format!("1 file of {name} waits for a person."));
    bench.analyzers[0].contact = Contact::Down { why: "c".to_owned(), since: at("11:00:00") };
    assert_eq!(
        lead_of(&bench).headline.english(),
        format!("No file of {name} could be fetched since 11:00:00: c.")
    );
}

#[test]
fn a_destination_that_is_gone_and_owed_nothing_is_nobodys_concern() {
    let mut bench = calm_bench();
    bench.destinations.push(removed_with(0));
    assert_eq!(lead_of(&bench).headline, lead_of(&calm_bench()).headline);
}

#[test]
fn a_fate_that_labwire_finds_out_itself_waits_for_nobody() {
    let mut bench = calm_bench();
    bench.destinations[0].queue.deliveries.insert("unknown".to_owned(), 1);
    assert_eq!(lead_of(&bench).severity, Severity::Calm);
    bench.waiting.dead_letters = 1;
    assert_eq!(lead_of(&bench).severity, Severity::Danger);
}

/// A second destination, which patients aren't treated by.
fn under_test() -> Lims {
    let well = calm_bench().destinations.remove(0);
    Lims { name: "lims-next".to_owned(), mode: Mode::Test, ..well }
}

#[test]
fn what_a_destination_under_test_does_is_no_danger() {
    let mut bench = calm_bench();
    let (until, why) = (at("12:00:20"), "connection refused".to_owned());
    bench.destinations.push(Lims { state: DestinationState::Resting { until, why }, ..under_test() });
    bench.destinations[1].queue.deliveries.insert("dead".to_owned(), 2);
    bench.waiting.dead_letters = 2;
    let lead = lead_of(&bench);
    assert_eq!(lead.severity, Severity::Odd);
    assert_eq!(lead.headline, "lims-next, which is under test, fails: connection refused.");
    let second = "Then: lims-next, which is under test, has 2 deliveries that wait for a person.";
    assert!(lead.then.english().ends_with(second), "{:?}", lead.then);
}

#[test]
fn the_letters_of_a_live_destination_are_told_apart_from_those_of_one_under_test() {
    let mut bench = calm_bench();
    bench.destinations.push(under_test());
    bench.destinations[1].queue.deliveries.insert("dead".to_owned(), 2);
    bench.waiting.dead_letters = 3;
    let lead = lead_of(&bench);
    assert_eq!(lead.severity, Severity::Danger);
    assert!(lead.headline.english().starts_with("1 delivery waits for a person"), "{:?}", lead.headline);
}
