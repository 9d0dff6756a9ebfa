//! What is said of a specimen in every state that its results can be in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;
use crate::domain::{DecimalText, OnceMore, Standing as Clear};
use crate::domain::{InstrumentId, Observation, Patient, Private, SampleClass, Status, TestIdentity, Value};
use crate::journal::ProblemId;
use crate::status::lead::tests::calm_bench;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn step(what: Way) -> Step {
    Step { at: at(0), what }
}

pub(in crate::status) fn observation() -> Observation {
    Observation {
        instrument: InstrumentId::new("sim"),
        profile: "sim/1".to_owned(),
        specimen: SpecimenId::new("S1"),
        specimen_as_sent: Private::new("S1".to_owned()),
        patient: Private::new(Patient::default()),
        class: SampleClass::Patient,
        test: TestIdentity { code: "K".to_owned(), ..TestIdentity::default() },
        replicate: 1,
        value: Value::Quantity { comparator: None, number: DecimalText::parse("4.1", '.').unwrap() },
        value_as_sent: "4.1".to_owned(),
        unit: None,
        unit_source: crate::domain::UnitSource::Sent,
        dilution: None,
        conversion: None,
        reference_range: None,
        site_range: None,
        flags: Vec::new(),
        status: Status::Final,
        status_as_sent: "F".to_owned(),
        standing: Clear::Clear,
        started: None,
        completed: None,
        operator: None,
        analyzer_unit: None,
        position: None,
        priority: None,
        specimen_type: None,
        lims_code: None,
        loinc: None,
        comments: Vec::new(),
        attachments: Vec::new(),
        record: 0,
    }
}

fn read(id: i64, supersedes: Option<i64>) -> Step {
    step(Way::Read {
        observation: ObservationId(id),
        version: 1,
        supersedes: supersedes.map(ObservationId),
        detail: Box::new(observation()),
    })
}

/// A result's line at a destination, as `STATE`, `STATE/DELIVERY`, `STATE/DELIVERY!` for a dead letter, or `STATE<`
/// for one behind an older one.
fn line(id: i64, destination: &str, written: &str) -> Step {
    let (state, delivery) = written.split_once('/').unwrap_or((written, ""));
    step(Way::Line {
        observation: ObservationId(id),
        destination: destination.to_owned(),
        state: state.trim_end_matches('<').to_owned(),
        reason: None,
        behind: state.ends_with('<').then(|| (ObservationId(1), "held".to_owned())),
        delivery: delivery.trim_end_matches('!').parse().ok().map(DeliveryId),
        waits_for_person: delivery.ends_with('!'),
    })
}

/// Results of the same specimen at `lims`, numbered from 1.
fn results(written: &[&str]) -> Vec<Step> {
    (1..).zip(written).flat_map(|(id, written)| [read(id, None), line(id, "lims", written)]).collect()
}

fn problem(replaces_result: bool, standing: ProblemStanding) -> Step {
    let text = Private::new("no such code".to_owned());
    step(Way::Problem { id: ProblemId(9), kind: "unknown-code".to_owned(), text, replaces_result, standing })
}

fn said(steps: &[Step]) -> (Severity, String) {
    let lead = lead_of(steps, Doubts::default());
    (lead.severity, lead.headline.english())
}

fn lead_of(steps: &[Step], doubts: Doubts) -> Lead {
    let snapshot = calm_bench();
    let standings = standings(steps, &snapshot);
    let clock = Clock::new(TimeZone::UTC, snapshot.as_of);
    sentence::lead("S1", steps, &standings, doubts, (&snapshot, &clock))
}

#[test]
fn a_number_of_which_nothing_could_be_read_is_not_said_to_be_unknown_while_it_may_stand_in_what_could_not() {
    let nothing = "Nothing has been received for this specimen.";
    let unsure = "Nothing that could be read has been received for this specimen.";
    let named = "No result of it could be read, and its number stands in 1 message that could not be read as a whole.";
    for (messages, naming, severity, headline) in
        [(0, 0, Severity::Odd, nothing), (2, 0, Severity::Act, unsure), (2, 1, Severity::Act, named)]
    {
        let lead = lead_of(&[], Doubts { messages, naming });
        assert_eq!((lead.severity, lead.headline.english()), (severity, headline.to_owned()));
        let says = lead.then.english().contains("in 2 messages that could not be read as a whole");
        assert_eq!(says, messages > 0, "{:?}", lead.then);
    }
    // Of a specimen that is known too.
    let then = lead_of(&results(&["accepted"]), Doubts { messages: 1, naming: 0 }).then.english();
    assert!(then.contains("There may be more of it in 1 message"), "{then}");
}

#[test]
fn what_a_destination_acknowledged_is_not_said_to_be_missing_there_whatever_came_of_sending_it_once_more() {
    let sent_again = |steps: Vec<Step>, results: &[i64]| {
        let it = Way::SentAgain {
            delivery: DeliveryId(1),
            destination: "lims".to_owned(),
            how: OnceMore::AsItWas,
            results: results.iter().copied().map(ObservationId).collect(),
            by: "Anna Example".to_owned(),
            reason: Private::new("it was lost".to_owned()),
        };
        [steps, vec![step(it)]].concat()
    };
    for (written, severity) in
        [("refused/1!", Severity::Danger), ("pending/1", Severity::Wait), ("rejected/1", Severity::Odd)]
    {
        let one = "was in lims before it was sent once more, and may be there still";
        let expected = format!("1 of its 2 results {one}; 1 is in lims.");
        let steps = sent_again(results(&[written, "accepted"]), &[1]);
        assert_eq!(said(&steps), (severity, expected.clone()), "{written}");
        // The control: another result's.
        assert_ne!(said(&sent_again(results(&[written, "accepted"]), &[2])).1, expected, "{written}");
    }
}

#[test]
fn the_sentence_is_true_of_every_result_and_says_the_worst_first() {
    for (written, severity, expected) in [
        (&["accepted"][..], Severity::Calm, "Its result is in lims."),
        (&["accepted", "accepted"], Severity::Calm, "All 2 results are in lims."),
        (&["staged"], Severity::Wait, "Its result is in lims and not yet applied there."),
        (&["not-for-it"], Severity::Calm, "Its result is not meant for lims."),
        (
            &["accepted", "pending"],
            Severity::Wait,
            "1 of its 2 results waits and is not yet in lims; 1 is in lims.",
        ),
        (&["in-flight/1"], Severity::Wait, "Its result is being sent and not yet in lims."),
        (&["unknown/1"], Severity::Odd, "Its result may or may not be in lims: labwire is finding out."),
        (&["unknown/1!"], Severity::Act, "Its result may or may not be in lims: a person must look."),
        (
            &["rejected", "accepted"],
            Severity::Odd,
            "1 of its 2 results stays here and is not in lims; 1 is in lims.",
        ),
        (
            &["accepted", "held", "held", "pending"],
            Severity::Act,
            "2 of its 4 results are held and not in lims; 1 waits and is not yet in lims; 1 is in lims.",
        ),
        (
            &["refused/1!", "quarantined", "accepted/2"],
            Severity::Danger,
            "1 of its 3 results was refused by lims and is not in it; 1 waits behind a refused one and is not in lims; \
             1 is in lims.",
        ),
    ] {
        assert_eq!(said(&results(written)), (severity, expected.to_owned()), "{written:?}");
    }
}

#[test]
fn no_state_but_being_there_lets_a_specimen_be_said_to_be_in_the_lims() {
    for state in
        ["held", "pending", "in-flight/1", "unknown/1", "refused/1!", "quarantined", "rejected", "not-for-it"]
    {
        let (_, headline) = said(&results(&["accepted", "accepted", state]));
        assert!(headline.contains("1 of its 3 results") || headline.contains("2 of its 3"), "{headline}");
        assert!(!headline.starts_with("All") && !headline.starts_with("Its"), "{headline}");
    }
}

#[test]
fn a_result_that_could_not_be_used_is_a_result_of_the_tube_until_its_message_is_read_again() {
    let seen_to = || ProblemStanding::SeenTo("mgarcia".to_owned());
    for (replaces, standing, severity, expected) in [
        (
            true,
            ProblemStanding::Open,
            Severity::Act,
            "1 of its 2 results could not be used and is not in the LIMS; 1 is in lims.",
        ),
        (
            true,
            seen_to(),
            Severity::Calm,
            "1 of its 2 results could not be used, which a person has seen to; 1 is in lims.",
        ),
        (true, ProblemStanding::Withdrawn, Severity::Calm, "Its result is in lims."),
        (false, ProblemStanding::Open, Severity::Act, "1 problem is open; its result is in lims."),
        (false, seen_to(), Severity::Calm, "Its result is in lims."),
    ] {
        let mut steps = results(&["accepted"]);
        steps.push(problem(replaces, standing));
        assert_eq!(said(&steps), (severity, expected.to_owned()));
    }
    let alone = said(&[problem(true, ProblemStanding::Open)]);
    assert_eq!(alone, (Severity::Act, "Its result could not be used and is not in the LIMS.".to_owned()));
    let doubtful = said(&[problem(false, ProblemStanding::Open)]);
    assert_eq!(
        doubtful,
        (Severity::Act, "1 problem is open; no result of this specimen could be read.".to_owned())
    );
}

#[test]
fn a_correction_that_has_not_arrived_does_not_hide_that_the_lims_has_the_earlier_value() {
    let steps = [read(1, None), line(1, "lims", "accepted/1"), read(2, Some(1)), line(2, "lims", "held")];
    assert_eq!(
        said(&steps),
        (Severity::Act, "Its result is held and not in lims; lims still has 1 earlier version.".to_owned())
    );
    let steps =
        [read(1, None), line(1, "lims", "accepted/1"), read(2, Some(1)), line(2, "lims", "accepted/2")];
    assert_eq!(said(&steps), (Severity::Calm, "Its result is in lims.".to_owned()));
}

#[test]
fn each_destination_is_spoken_of_and_one_that_is_gone_is_said_to_be() {
    let steps = [read(1, None), line(1, "lims", "accepted"), line(1, "archive", "pending")];
    assert_eq!(
        said(&steps),
        (
            Severity::Act,
            "Its result waits for archive, which is no longer configured; its result is in lims.".to_owned()
        )
    );
    let unrouted = [read(1, None)];
    assert_eq!(said(&unrouted), (Severity::Odd, "Its result came while no LIMS was configured.".to_owned()));
}

#[test]
fn advice_names_exactly_what_it_is_about() {
    let written = ["refused/1!", "refused/4!", "unknown/5!", "unknown/6", "held", "held", "accepted/7"];
    let steps = results(&written);
    let rows = rows(&steps, &standings(&steps, &calm_bench()), &BTreeMap::new());
    let places: Vec<(String, String)> = rows
        .iter()
        .flat_map(|row| &row.next.places)
        .map(|(path, there)| (path.clone(), there.english()))
        .collect();
    let expected = [
        ("/delivery/1", "send it once more or give it up"),
        ("/delivery/4", "send it once more or give it up"),
        ("/delivery/5", "say whether it is there"),
        ("/held/5", "release or reject no. 5"),
        ("/held/6", "release or reject no. 6"),
    ];
    let mut found: Vec<(&str, &str)> =
        places.iter().map(|(path, there)| (path.as_str(), there.as_str())).collect();
    found.sort_unstable();
    assert_eq!(found, expected, "nothing of what labwire settles by itself");
    let behind = self::rows(&[], &standings(&results(&["pending<"]), &calm_bench()), &BTreeMap::new());
    assert!(behind.iter().all(|row| row.next.english().contains("none overtakes it")));
}

#[test]
fn nothing_is_said_to_leave_for_a_destination_that_is_gone() {
    let steps = [
        line(1, "archive", "pending"),
        line(2, "archive", "in-flight/3"),
        line(3, "archive", "unknown/4"),
        line(4, "archive", "refused/5!"),
        line(5, "archive", "unknown/6!"),
    ];
    for row in rows(&steps, &standings(&steps, &calm_bench()), &BTreeMap::new()) {
        assert!(row.next.english().starts_with("Next: nothing "), "{:?}", row.next);
        assert!(
            !row.next.english().contains("once more") && !row.next.english().contains("by itself"),
            "{:?}",
            row.next
        );
    }
}

#[test]
fn an_open_problem_stands_among_the_results_with_its_next_step() {
    let mut steps = results(&["refused/1!", "accepted/2"]);
    steps.push(problem(true, ProblemStanding::Open));
    steps.push(problem(true, ProblemStanding::Withdrawn));
    let rows = rows(&steps, &standings(&steps, &calm_bench()), &BTreeMap::new());
    let words: Vec<String> = rows.iter().map(|row| row.mark.words.english()).collect();
    assert_eq!(words, ["refused", "unusable", "accepted"]);
    assert_eq!(rows[1].next.paths(), ["/problem/9"]);
    assert!(rows[1].next.english().ends_with(", then say that it was seen to"), "{:?}", rows[1].next);
}

/// A value of the test, measured after so many minutes.
fn measured(id: i64, minutes: i64, unit: &str, value: &str) -> Step {
    let (comparator, number) = crate::domain::Comparator::split(value);
    let detail = Observation {
        value: Value::Quantity { comparator, number: DecimalText::parse(number, '.').unwrap() },
        unit: Some(unit.to_owned()),
        unit_source: crate::domain::UnitSource::Sent,
        ..observation()
    };
    let (observation, detail) = (ObservationId(id), Box::new(detail));
    let what = Way::Read { observation, version: 1, supersedes: None, detail };
    Step { at: at(minutes * 60), what }
}

#[test]
fn what_was_measured_more_than_once_is_plotted_in_the_order_of_its_times_and_by_unit() {
    let steps = [
        measured(2, 30, "mmol/L", "5.0"),
        measured(1, 0, "mmol/L", "4.0"),
        measured(3, 60, "mmol/L", ">6"),
        measured(4, 60, "mg/dL", "90"),
    ];
    let clock = Clock::new(TimeZone::UTC, at(0));
    let plots = plot::plots(&steps, &clock);
    let [plot] = plots.as_slice() else { panic!("{} plots", plots.len()) };
    assert_eq!((plot.title.as_str(), plot.lowest.as_str(), plot.highest.as_str()), ("K mmol/L", "4.0", ">6"));
    let drawn: Vec<(i64, i64, &str)> = plot.dots.iter().map(|dot| (dot.x, dot.y, dot.class)).collect();
    assert_eq!(drawn, [(64, 86, "within"), (468, 50, "within"), (872, 14, "beyond-two")]);
    let rows: Vec<(i64, &str)> = plot.rows.iter().map(|row| (row.id, row.value.as_str())).collect();
    assert_eq!(
        rows,
        [(3, ">6 mmol/L"), (2, "5.0 mmol/L"), (1, "4.0 mmol/L")],
        "the table has all, the latest first"
    );
    assert_eq!(plot.says(), "K mmol/L: 3 results over time, from 4.0 to >6; the table below has them");
}

#[test]
fn what_was_replaced_or_is_another_specimens_is_not_plotted() {
    let clock = Clock::new(TimeZone::UTC, at(0));
    let mut corrected = measured(3, 60, "g", "3");
    if let Way::Read { supersedes, .. } = &mut corrected.what {
        *supersedes = Some(ObservationId(1));
    }
    let moved = Way::Moved {
        observation: ObservationId(2),
        from: SpecimenId::new("S1"),
        to: SpecimenId::new("S2"),
        by: "anna".to_owned(),
        reason: Private::new("misread".to_owned()),
    };
    let moved = Step { at: at(3600), what: moved };
    let steps =
        [measured(1, 0, "g", "1"), measured(2, 30, "g", "9"), corrected, moved, measured(4, 90, "g", "4")];
    let plots = plot::plots(&steps, &clock);
    assert_eq!(plots[0].rows.iter().map(|row| row.id).collect::<Vec<_>>(), [4, 3]);
}

#[test]
fn results_that_are_all_the_same_stand_in_the_middle_and_one_alone_is_no_plot() {
    let clock = Clock::new(TimeZone::UTC, at(0));
    let same = plot::plots(&[measured(1, 0, "g", "1"), measured(2, 1, "g", "1.0")], &clock);
    assert_eq!(same[0].dots.iter().map(|dot| dot.y).collect::<Vec<_>>(), [50, 50]);
    assert!(plot::plots(&[measured(1, 0, "g", "1")], &clock).is_empty());
}

#[test]
fn while_a_lims_is_down_the_specimen_s_page_says_so_of_what_waits_for_it_and_of_nothing_else() {
    let steps = results(&["pending", "accepted", "held"]);
    let mut down = calm_bench();
    let (until, why) = (at(20), "connection refused".to_owned());
    down.destinations[0].state = crate::board::DestinationState::Resting { until, why };
    for (snapshot, is_down) in [(&calm_bench(), false), (&down, true)] {
        let standings = standings(&steps, snapshot);
        let clock = Clock::new(TimeZone::UTC, snapshot.as_of);
        let lead = sentence::lead("S1", &steps, &standings, Doubts::default(), (snapshot, &clock));
        let headline = lead.headline.english();
        assert_eq!(headline.contains("1 waits, as lims doesn't answer now, and is not in it"), is_down);
        let nexts: Vec<String> =
            rows(&steps, &standings, &BTreeMap::new()).iter().map(|row| row.next.english()).collect();
        let says = nexts.iter().filter(|next| next.starts_with("lims doesn't answer now.")).count();
        assert_eq!(says, usize::from(is_down), "{nexts:?}");
    }
}

#[test]
fn a_destination_that_was_not_reached_is_not_said_to_have_answered() {
    let said = |verdict: &str, status: Option<u16>, detail: &str| {
        let known_as = (verdict == "accepted").then_some("b049ef2e-7");
        answered("7", "lims", (verdict, known_as), status, detail).english()
    };
    assert_eq!(
        said("retry", None, "not sent: connection refused"),
        "lims was not reached, and delivery 7 did not leave: connection refused. It stays here."
    );
    assert_eq!(
        said("unknown", None, "no answer: the time limit ran out"),
        "lims gave no answer to delivery 7, which may or may not have arrived: the time limit ran out."
    );
    assert_eq!(
        said("unknown", None, "the gateway stopped before the answer came"),
        "What lims made of delivery 7 is not known: the gateway stopped before the answer came."
    );
    for (verdict, status, detail, text) in [
        ("retry", 503, "answered 503", "to be sent again, HTTP 503"),
        ("retry", 503, "answered 503: later", "to be sent again, HTTP 503; answered 503: later"),
        ("accepted", 200, "answered 200", "accepted as b049ef2e-7, HTTP 200"),
    ] {
        let text = format!("lims answered delivery 7: {text}.");
        assert_eq!(said(verdict, Some(status), detail), text);
    }
    let by_mllp = "lims answered delivery 7: accepted as b049ef2e-7; answered AA.";
    assert_eq!(said("accepted", None, "answered AA"), by_mllp);
}
