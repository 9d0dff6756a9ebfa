//! What a result is to those before it: the table that keeps results from being lost or doubled.

use std::time::Duration;

use jiff::Timestamp;

use super::super::{Arrival, Clock, Pair, Prior, Repetition, Sameness, canonical, classify, pairs};
use super::*;
use crate::domain::profile::{EqualWithoutHour, ScaleFlags};
use crate::domain::{Dilutions, SpecimenId, Status};

use Sameness::{
    AmbiguousCorrection, Completion, Contradiction, Correction, Diluted, Duplicate, Late, New, NotAbove,
    PossibleDuplicate, Rerun,
};

const WINDOW: Duration = Duration::from_secs(3600);

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
}

fn arrival(minute: i64, repetition: Repetition) -> Arrival<'static> {
    let equal_without_hour = EqualWithoutHour::Held;
    Arrival {
        site: "lab",
        received_at: at(minute),
        resend_window: WINDOW,
        repetition,
        equal_without_hour,
        scale: ScaleFlags::STANDARD,
    }
}

/// Stores the observations of a message, numbered from `first`, received at minute 0.
fn stored(first: i64, records: &str) -> Vec<Prior> {
    let outcome = read(records);
    let numbered = (first..).zip(&outcome.observations);
    numbered.map(|(id, observation)| Prior::of(id, "lab", observation, at(0))).collect()
}

fn message(results: &str) -> String {
    format!("H|\\^&\nP|1\nO|1|S1\n{results}\nL|1")
}

fn second(prior: &[Prior], records: &str, arrival: &Arrival<'_>) -> Vec<Sameness> {
    read(records)
        .observations
        .iter()
        .map(|observation| classify(prior, observation, Clock::of(observation, &[]), arrival))
        .collect()
}

const T1: &str = "20261026093100";
const T2: &str = "20261026103100";

/// Value, flags, status, time.
fn r(value: &str, flags: &str, status: &str, time: &str) -> String {
    message(&format!("R|1|^^^K|{value}|mmol/L||{flags}||{status}||||{time}"))
}

#[test]
fn without_an_hour_only_the_whole_message_again_and_soon_is_the_same() {
    for time in ["20261026", ""] {
        let (prior, again) = (stored(1, &r("4.1", "N", "F", time)), r("4.1", "N", "F", time));
        for (minute, repetition, expected) in [
            (1, Repetition::First, PossibleDuplicate(1)),
            (59, Repetition::Repeated, Duplicate(1)),
            (61, Repetition::Repeated, PossibleDuplicate(1)),
            (61, Repetition::Verbatim, Duplicate(1)),
        ] {
            let told = second(&prior, &again, &arrival(minute, repetition));
            assert_eq!(told, [expected], "{time:?} {minute} {repetition:?}");
        }
    }
}

#[test]
fn one_result_after_another() {
    for (what, before, after, expected) in [
        ("nothing before", vec![], r("4.1", "N", "F", T1), New),
        ("the same again", vec![r("4.1", "N", "F", T1)], r("4.1", "N", "F", T1), Duplicate(1)),
        ("an explicit correction", vec![r("4.1", "N", "F", T1)], r("4.3", "N", "C", T1), Correction(1)),
        ("a later correction", vec![r("4.1", "N", "F", T1)], r("4.3", "N", "C", T2), Correction(1)),
        (
            "a correction of one of two, by its time",
            vec![r("4.1", "N", "F", T1), r("4.5", "N", "F", T2)],
            r("4.2", "N", "C", T1),
            Correction(1),
        ),
        ("a correction of nothing known", vec![], r("4.3", "N", "C", T1), New),
        (
            "the correction again",
            vec![r("4.1", "N", "F", T1), r("4.3", "N", "C", T1)],
            r("4.3", "N", "C", T1),
            Duplicate(2),
        ),
        (
            "the old value again after its correction",
            vec![r("4.1", "N", "F", T1), r("4.3", "N", "C", T1)],
            r("4.1", "N", "F", T1),
            Duplicate(1),
        ),
        ("a final to a preliminary", vec![r("4.1", "N", "P", T1)], r("4.1", "N", "F", T1), Completion(1)),
        ("a final of another value", vec![r("4.1", "N", "P", T1)], r("4.2", "N", "F", T2), Completion(1)),
        ("a preliminary after a final", vec![r("4.1", "N", "F", T1)], r("4.2", "N", "P", T2), Rerun(1)),
        (
            "a preliminary of one run after its final",
            vec![r("4.1", "N", "F", T1)],
            r("4.2", "N", "P", T1),
            Late(1),
        ),
        ("the same, saying the same", vec![r("4.1", "N", "F", T1)], r("4.1", "N", "P", T1), Late(1)),
        ("an original after its correction", vec![r("4.3", "N", "C", T1)], r("4.1", "N", "F", T1), Late(1)),
        (
            "another original after the correction",
            vec![r("4.1", "N", "F", T1), r("4.3", "N", "C", T1)],
            r("4.2", "N", "F", T1),
            Late(2),
        ),
        (
            "a correction after a late original",
            vec![r("4.3", "N", "C", T1), r("4.1", "N", "F", T1)],
            r("4.4", "N", "C", T1),
            Correction(1),
        ),
        (
            "a final after a late preliminary",
            vec![r("4.1", "N", "F", T1), r("4.0", "N", "P", T1)],
            r("4.2", "N", "F", T1),
            Rerun(1),
        ),
        (
            "the final of the first of two preliminaries",
            vec![r("4.1", "N", "P", T1), r("4.2", "N", "P", T2)],
            r("4.1", "N", "F", T1),
            Completion(1),
        ),
        (
            "one run, a value and then none",
            vec![r("4.1", "N", "F", T1)],
            r("", "", "X", T1),
            Contradiction(1),
        ),
        (
            "one run, no value and then one",
            vec![r("", "", "X", T1)],
            r("4.1", "N", "F", T1),
            Contradiction(1),
        ),
        (
            "a preliminary that came to nothing",
            vec![r("4.1", "N", "P", T1)],
            r("", "", "X", T1),
            Completion(1),
        ),
        (
            "a correction at the time of two",
            vec![r("4.1", "N", "F", T1), r("4.2", "N", "F", T1)],
            r("4.3", "N", "C", T1),
            AmbiguousCorrection,
        ),
        (
            "without a time, a final after its correction",
            vec![r("4.3", "N", "C", "")],
            r("4.1", "N", "F", ""),
            Late(1),
        ),
        ("a rerun after a correction", vec![r("4.3", "N", "C", T1)], r("4.1", "N", "F", T2), Rerun(1)),
        ("a second value", vec![r("4.1", "N", "F", T1)], r("4.2", "N", "F", T2), Rerun(1)),
        ("a second value, the same number", vec![r("4.1", "N", "F", T1)], r("4.1", "N", "F", T2), Rerun(1)),
        ("a second value at one time", vec![r("4.1", "N", "F", T1)], r("4.2", "N", "F", T1), Rerun(1)),
        (
            "a third value",
            vec![r("4.1", "N", "F", T1), r("4.2", "N", "F", T2)],
            r("4.3", "N", "F", "20261026113100"),
            Rerun(2),
        ),
        ("another flag", vec![r("4.1", "N", "F", T1)], r("4.1", "H", "F", T1), PossibleDuplicate(1)),
        (
            "status R after F is no correction",
            vec![r("4.1", "N", "F", T1)],
            r("4.1", "N", "R", T1),
            PossibleDuplicate(1),
        ),
        ("status R again", vec![r("4.1", "N", "R", T1)], r("4.1", "N", "R", T1), Duplicate(1)),
        ("status R of another run", vec![r("4.1", "N", "R", T1)], r("4.4", "N", "R", T2), Rerun(1)),
        (
            "status F after a doubtful W",
            vec![r("4.1", "N", "W", T1)],
            r("4.1", "N", "F", T1),
            PossibleDuplicate(1),
        ),
        ("another digit is another value", vec![r("4.1", "N", "F", T1)], r("4.10", "N", "F", T1), Rerun(1)),
        ("a value after a failed run", vec![r("No Result", "", "V", T1)], r("4.1", "N", "F", T2), New),
        ("a failed run after a value", vec![r("4.1", "N", "F", T1)], r("No Result", "", "V", T2), Rerun(1)),
        ("two failed runs", vec![r("No Result", "", "V", T1)], r("No Result", "", "V", T2), New),
        (
            "one failed run twice",
            vec![r("No Result", "", "V", T1)],
            r("No Result", "", "V", T1),
            Duplicate(1),
        ),
    ] {
        let prior: Vec<Prior> = (1..).zip(&before).flat_map(|(id, records)| stored(id, records)).collect();
        let again = second(&prior, &after, &arrival(5, Repetition::First));
        assert_eq!(again, [expected], "{what}");
        let mut reversed = prior;
        reversed.reverse();
        assert_eq!(
            second(&reversed, &after, &arrival(5, Repetition::First)),
            [expected],
            "{what}, any order"
        );
    }
}

#[test]
fn without_a_time_only_the_whole_message_again_and_soon_is_a_duplicate() {
    let prior = stored(1, &r("4.1", "N", "F", ""));
    for (value, minute, repetition, expected) in [
        ("4.1", 5, Repetition::Repeated, Duplicate(1)),
        ("4.1", 61, Repetition::Repeated, PossibleDuplicate(1)),
        ("4.1", 5, Repetition::First, PossibleDuplicate(1)),
        ("4.2", 5, Repetition::First, Rerun(1)),
    ] {
        let again = second(&prior, &r(value, "N", "F", ""), &arrival(minute, repetition));
        assert_eq!(again, [expected], "{value} after {minute} minutes, {repetition:?}");
    }
}

#[test]
fn replicates_at_one_time_are_different_results_and_come_back_as_duplicates() {
    let one = "R|1|^^^K|34.05|nmol/L||||V||||20261026093100\n";
    let four = message(&one.repeat(4));
    assert_eq!(second(&[], &four, &arrival(0, Repetition::First)), [New; 4]);
    let prior = stored(1, &four);
    let again = second(&prior, &four, &arrival(5, Repetition::First));
    assert_eq!(again, [Duplicate(1), Duplicate(2), Duplicate(3), Duplicate(4)]);
    let third_alone = message("R|1|^^^K|34.05|nmol/L||||V||||20261026093100");
    assert_eq!(second(&prior[2..3], &third_alone, &arrival(5, Repetition::First)), [PossibleDuplicate(3)]);
}

#[test]
fn three_aspects_of_one_test_are_different_results() {
    let aspects = message(
        "R|1|^^^SER^^F|1.03|||||R||||20261026093100\nR|2|^^^SER^^I|Reactive|||||R||||20261026093100\n\
         R|3|^^^SER^^P|1897|RLU||||R||||20261026093100",
    );
    assert_eq!(second(&[], &aspects, &arrival(0, Repetition::First)), [New; 3]);
    let prior = stored(1, &aspects);
    let again = second(&prior, &aspects, &arrival(5, Repetition::First));
    assert_eq!(again, [Duplicate(1), Duplicate(2), Duplicate(3)]);
}

#[test]
fn another_site_instrument_specimen_test_or_dilution_is_another_result() {
    let prior = stored(1, &r("4.1", "N", "F", T1)).remove(0);
    let changed = |change: &dyn Fn(&mut Prior)| {
        let mut prior = prior.clone();
        change(&mut prior);
        prior
    };
    for other in [
        changed(&|p| p.site = "annex".into()),
        changed(&|p| p.instrument = InstrumentId::new("sim-2")),
        changed(&|p| p.specimen = crate::domain::SpecimenId::new("S2")),
        changed(&|p| p.test.code = "HGB".into()),
        changed(&|p| p.test.aspect = "F".into()),
        changed(&|p| p.test.component = "x".into()),
        changed(&|p| p.test.dilution = "2.0".into()),
        changed(&|p| p.class = crate::domain::SampleClass::Control),
    ] {
        assert_eq!(second(&[other], &r("4.1", "N", "F", T1), &arrival(5, Repetition::First)), [New]);
    }
}

#[test]
fn without_a_specimen_number_nothing_is_a_rerun_and_nothing_is_dropped() {
    let blank =
        |value: &str, status: &str| format!("H|\\^&\nP|1\nO|1|\nR|1|^^^K|{value}|||||{status}||||{T1}\nL|1");
    let prior = stored(1, &blank("4.1", "F"));
    for (value, status, repetition, expected) in [
        ("4.1", "F", Repetition::First, PossibleDuplicate(1)),
        ("4.1", "F", Repetition::Repeated, Duplicate(1)),
        ("4.2", "F", Repetition::First, New),
        ("4.2", "C", Repetition::First, New),
    ] {
        assert_eq!(
            second(&prior, &blank(value, status), &arrival(5, repetition)),
            [expected],
            "{value} {status}"
        );
    }
}

#[test]
fn a_control_is_measured_again_every_day() {
    let control = |value: &str, time: &str| {
        format!("H|\\^&\nP|1\nO|1|QC1|||||||||Q\nR|1|^^^K|{value}|||||F||||{time}\nL|1")
    };
    let prior = stored(1, &control("4.1", T1));
    assert_eq!(prior[0].class, crate::domain::SampleClass::Control);
    assert_eq!(second(&prior, &control("4.1", T2), &arrival(5, Repetition::First)), [New]);
    assert_eq!(second(&prior, &control("4.1", T1), &arrival(5, Repetition::First)), [Duplicate(1)]);
}

#[test]
fn two_transmissions_of_one_message_are_alike_in_canonical_form() {
    let astm = Dialect::Astm(Box::default());
    let first = "H|\\^&|C1||Sim|||||LIS||P|1|20261026100000\rP|1\rO|1|S1\rR|1|^^^K|4.1|||||F\rL|1|N\r";
    for (other, alike) in [
        (first.to_owned(), true),
        (first.replace("C1", "C2").replace("100000", "100501"), true),
        (first.replace('\r', "\r\n"), true),
        (first.replace("P|1\r", "P|2\r").replace("R|1", "R|9"), true),
        (first.replace("4.1", "4.2"), false),
        (first.replace("S1", "S2"), false),
        (first.replace("|F\r", "|C\r"), false),
        (first.replace("Sim", "Sam"), false),
        (first.replace("L|1|N", "L|1|T"), false),
        (first.replace("R|1", "X|1"), false),
        (format!("{first}{first}"), false),
    ] {
        assert_eq!(
            canonical(first.as_bytes(), &astm) == canonical(other.as_bytes(), &astm),
            alike,
            "{other:?}"
        );
    }
}

#[test]
fn two_transmissions_of_one_hl7_message_are_alike_in_canonical_form() {
    let hl7 = Dialect::Hl7(Box::default());
    let first = "MSH|^~\\&|SIM|LAB|||20260501100000||ORU^R01|17|P|2.3.1|4\rOBR|1||S1\rOBX|1|NM|K||4.1\r";
    for (other, alike) in [
        (first.to_owned(), true),
        (first.replace("|17|", "|18|").replace("100000", "100501").replace("|4\rOBR", "|5\rOBR"), true),
        (first.replace('\r', "\r\n"), true),
        (first.replace("4.1", "4.2"), false),
        (first.replace("SIM", "SAM"), false),
        (first.replace("S1", "S2"), false),
        (format!("{first}{first}"), false),
    ] {
        assert_eq!(
            canonical(first.as_bytes(), &hl7) == canonical(other.as_bytes(), &hl7),
            alike,
            "{other:?}"
        );
    }
}

#[test]
fn a_correction_of_one_of_several_results_is_not_guessed() {
    let first = || stored(1, &r("4.1", "N", "F", T1));
    let two = || [first(), stored(2, &r("4.4", "N", "F", T2))].concat();
    let correction = |time| r("4.2", "N", "C", time);
    let later = "20261026120000";
    assert_eq!(second(&first(), &correction(later), &arrival(5, Repetition::First)), [Correction(1)]);
    assert_eq!(second(&two(), &correction(T2), &arrival(5, Repetition::First)), [Correction(2)]);
    assert_eq!(
        second(&two(), &correction(later), &arrival(5, Repetition::First)),
        [Sameness::AmbiguousCorrection]
    );
    let mut replaced = two();
    replaced[0].is_current = false;
    assert_eq!(second(&replaced, &correction(later), &arrival(5, Repetition::First)), [Correction(2)]);
}

/// A model whose dilution stands in R.3.7, and says what its values are.
fn diluting(dilutions: Option<Dilutions>) -> Reading {
    let mut profile = Profile { dilutions, ..profile() };
    astm(&mut profile).places.dilution = Location::parse("R.3.7");
    reading(profile)
}

/// Value, dilution, flags, status.
fn of(reading: &Reading, value: &str, dilution: &str, status: &str, time: &str) -> Vec<Observation> {
    let records = message(&format!("R|1|^^^K^^^{dilution}|{value}|mmol/L||||{status}||||{time}"));
    read_by(reading, records.as_bytes()).observations
}

#[test]
fn what_was_too_high_gives_way_to_its_diluted_value_and_to_nothing_else() {
    let applied = diluting(Some(Dilutions::Applied));
    let silent = diluting(None);
    for (what, reading, before, after, expected) in [
        ("diluted", &applied, (">250", "1", "F"), ("312", "10", "F"), Diluted(1)),
        ("diluted, and never named before", &applied, (">250", "", "F"), ("312", "10", "F"), Diluted(1)),
        ("diluted more", &applied, (">2500", "10", "F"), ("31200", "100", "F"), Diluted(1)),
        (
            "no more than it was said to be above",
            &applied,
            (">250", "1", "F"),
            ("250", "10", "F"),
            NotAbove(1),
        ),
        (
            "as much as it was said to be at least",
            &applied,
            (">=250", "1", "F"),
            ("250", "10", "F"),
            Diluted(1),
        ),
        ("less than it was said to be above", &applied, (">250", "1", "F"), ("90", "10", "F"), NotAbove(1)),
        ("it was known how much", &applied, ("312", "10", "F"), (">250", "1", "F"), Late(1)),
        (
            "it was known to be no more than that",
            &applied,
            ("240", "10", "F"),
            (">250", "1", "F"),
            NotAbove(1),
        ),
        ("a preliminary one was known", &applied, ("312", "10", "P"), (">250", "1", "F"), New),
        ("diluted less", &applied, (">2500", "100", "F"), ("312", "10", "F"), New),
        ("still too high", &applied, (">250", "1", "F"), (">2500", "10", "F"), New),
        ("it was a number", &applied, ("240", "1", "F"), ("312", "10", "F"), New),
        ("it was too low", &applied, ("<2", "1", "F"), ("3", "10", "F"), New),
        ("it isn't final yet", &applied, (">250", "1", "P"), ("312", "10", "F"), New),
        ("nobody says what its values are", &silent, (">250", "1", "F"), ("312", "10", "F"), New),
        ("not diluted", &applied, (">250", "10", "F"), ("312", "1", "F"), New),
    ] {
        let first = of(reading, before.0, before.1, before.2, T1);
        let prior = [Prior::of(1, "lab", &first[0], at(0))];
        let later = &of(reading, after.0, after.1, after.2, T2)[0];
        assert_eq!(classify(&prior, later, Clock::Tells, &arrival(1, Repetition::First)), expected, "{what}");
    }
}

#[test]
fn a_diluted_value_that_comes_again_is_the_same_again() {
    let reading = diluting(Some(Dilutions::Applied));
    let above =
        Prior { is_current: false, ..Prior::of(1, "lab", &of(&reading, ">250", "1", "F", T1)[0], at(0)) };
    let diluted = of(&reading, "312", "10", "F", T2);
    let prior = [above, Prior::of(2, "lab", &diluted[0], at(1))];
    assert_eq!(classify(&prior, &diluted[0], Clock::Tells, &arrival(2, Repetition::Repeated)), Duplicate(2));
}

#[test]
fn of_one_message_a_value_of_the_diluted_specimen_is_found_wherever_it_stands() {
    let reading = diluting(Some(Dilutions::Applied));
    let above = |value| of(&reading, value, "1", "F", T1).remove(0);
    let value = |value| of(&reading, value, "10", "F", T2).remove(0);
    let other = Observation { specimen: SpecimenId::new("S2"), ..above(">250") };
    let failed = Observation { status: Status::Failed, ..value("312") };
    let flagged = Observation { flags: vec![">".to_owned()], ..above("250") };
    let pair = |undiluted, diluted, is_above| vec![Pair { undiluted, diluted, is_above }];
    for (results, expected) in [
        (vec![above(">250"), value("312")], pair(0, 1, true)),
        (vec![value("312"), other.clone(), above(">250")], pair(2, 0, true)),
        (vec![flagged, value("312")], pair(0, 1, true)),
        (vec![above(">250"), value("90")], pair(0, 1, false)),
        (vec![above(">250"), value(">2500")], vec![]),
        (vec![above("240"), value("312")], vec![]),
        (vec![above(">250"), failed], vec![]),
        (vec![above(">250"), above(">250"), value("312")], vec![]),
        (vec![above(">250"), value("312"), value("320")], vec![]),
        (vec![other, value("312")], vec![]),
    ] {
        let results: Vec<&Observation> = results.iter().collect();
        assert_eq!(pairs(&results, ScaleFlags::STANDARD), expected, "{results:?}");
    }
}

/// What a later result is to a `>250` that gave way to its diluted value, 312.
fn after_the_diluted_value(later: &Observation) -> Sameness {
    let reading = diluting(Some(Dilutions::Applied));
    let above =
        Prior { is_current: false, ..Prior::of(1, "lab", &of(&reading, ">250", "1", "F", T1)[0], at(0)) };
    let diluted = Prior::of(2, "lab", &of(&reading, "312", "10", "F", T2)[0], at(1));
    classify(&[above, diluted], later, Clock::Tells, &arrival(2, Repetition::First))
}

#[test]
fn nothing_that_is_said_of_a_value_too_high_replaces_the_diluted_one_that_took_its_place() {
    let reading = diluting(Some(Dilutions::Applied));
    for (what, value, dilution, status, time, expected) in [
        ("its correction", ">260", "1", "C", T1, Late(2)),
        ("one that is no bound any more", "90", "1", "C", T1, Late(2)),
        ("one without a time", ">260", "1", "C", "", Late(2)),
        ("that it couldn't be done", "", "1", "X", T1, Late(2)),
        ("the correction of the diluted value", "321", "10", "C", T2, Correction(2)),
        ("another run", "240", "1", "F", "20260102060405", Rerun(1)),
    ] {
        assert_eq!(
            after_the_diluted_value(&of(&reading, value, dilution, status, time)[0]),
            expected,
            "{what}"
        );
    }
    // What came cut off, and has come whole since.
    let above = &of(&reading, ">250", "1", "F", T1)[0];
    let cut = Prior { waits_for_its_end: true, ..Prior::of(1, "lab", above, at(0)) };
    let diluted = Prior::of(2, "lab", &of(&reading, "312", "10", "F", T2)[0], at(1));
    let told = |cut: Prior, prior: &[Prior]| {
        classify(&[&[cut], prior].concat(), above, Clock::Tells, &arrival(2, Repetition::First))
    };
    assert_eq!(told(cut.clone(), &[]), Completion(1));
    assert_eq!(told(Prior { is_current: false, ..cut }, &[diluted]), Late(2));
}

#[test]
fn a_preliminary_diluted_value_leaves_the_final_one_its_place_until_it_is_final() {
    let reading = diluting(Some(Dilutions::Applied));
    let prior = |id, value, dilution, status, time| {
        Prior::of(id, "lab", &of(&reading, value, dilution, status, time)[0], at(0))
    };
    let told = |prior: &[Prior], status, time| {
        let later = &of(&reading, "312", "10", status, time)[0];
        classify(prior, later, Clock::Tells, &arrival(1, Repetition::First))
    };
    let above = prior(1, ">250", "1", "F", T1);
    assert_eq!(told(std::slice::from_ref(&above), "P", T2), Late(1));
    let waiting = prior(2, "310", "10", "P", T2);
    assert_eq!(told(&[above.clone(), waiting.clone()], "F", T2), Diluted(1), "and not the preliminary one's");
    let gone = Prior { is_current: false, ..above };
    let last = prior(3, "311", "10", "F", T2);
    assert_eq!(told(&[gone, waiting, last.clone()], "C", T2), Correction(3), "which stands alone");
    // One that was there first goes on as it did.
    let first = prior(1, "310", "10", "P", T1);
    assert_eq!(told(&[first, prior(2, ">250", "1", "F", T1)], "F", T1), Completion(1));
}

#[test]
fn of_two_that_were_too_high_none_is_chosen() {
    let reading = diluting(Some(Dilutions::Applied));
    let above = |id, time| Prior::of(id, "lab", &of(&reading, ">250", "1", "F", time)[0], at(0));
    let later = &of(&reading, "312", "10", "F", T2)[0];
    assert_eq!(
        classify(&[above(1, T1), above(2, T2)], later, Clock::Tells, &arrival(1, Repetition::First)),
        New
    );
}

#[test]
fn a_value_is_multiplied_once_however_often_its_message_is_read() {
    let reading = diluting(Some(Dilutions::ToApply));
    let first = of(&reading, "31.2", "1:10", "F", T1);
    assert_eq!((shown(&first[0].value).as_str(), first[0].value_as_sent.as_str()), ("312.0", "31.2"));
    assert_eq!(of(&reading, "31.2", "1:10", "F", T1), first);
    let prior = [Prior::of(1, "lab", &first[0], at(0))];
    assert_eq!(classify(&prior, &first[0], Clock::Tells, &arrival(1, Repetition::Repeated)), Duplicate(1));
    let odd = &of(&reading, "31.2", "P", "F", T1)[0];
    assert_eq!((shown(&odd.value).as_str(), holds(odd)), ("31.2", vec![HoldReason::OddValue]));
}
