//! Runs of controls in the journal: which results belong to one, what it comes to, what people say of it, and which
//! patients' results no acceptable run vouches for. Nothing of it can be changed afterwards.

use jiff::SignedDuration;
use labwire::domain::qc::{By, Multirule, Outcome, Plan, QcState, Target, WhyNot};
use labwire::domain::{InstrumentId, InstrumentTime, Observation, SampleClass, TestIdentity};
use labwire::journal::qc::{Asked, JudgedRun, NewControl, Saying, SeriesView};
use labwire::journal::results::{Entry, Place};
use labwire::journal::{JournalError, ObservationId};
use labwire_units::Exact;

use super::kit::*;

/// A control result: its level, its distance from the mean in standard deviations, and when it was measured, in minutes.
/// `?` in the place of a number is one without a target.
pub(crate) type Measured<'a> = (&'a str, &'a str, i64);

pub(crate) fn plan() -> Plan {
    Plan { multirule: Some(Multirule::default()), ..Plan::default() }
}

pub(crate) fn sim() -> InstrumentId {
    InstrumentId::new("sim")
}

pub(crate) fn potassium() -> TestIdentity {
    TestIdentity { code: "K".to_owned(), ..TestIdentity::default() }
}

pub(crate) fn minute(minutes: i64) -> jiff::Timestamp {
    at(minutes * 60)
}

fn target() -> Target {
    Target {
        test: potassium(),
        unit: "mmol/L".to_owned(),
        mean: Exact::zero(),
        sd: Exact::one(),
        from: jiff::civil::date(2026, 1, 1),
        to: jiff::civil::date(2030, 1, 1),
        source: "invented".to_owned(),
    }
}

pub(crate) fn new_control(
    entry: usize,
    (level, z, minutes): Measured<'_>,
    supersedes: Option<ObservationId>,
) -> NewControl {
    let has_target = z != "?";
    NewControl {
        entry,
        test: potassium(),
        supersedes,
        measured_at: minute(minutes),
        by: By::Measurement,
        value: if has_target { z.to_owned() } else { "1".to_owned() },
        unit: "mmol/L".to_owned(),
        material: Some(("A".to_owned(), level.to_owned())),
        target: if has_target { Ok(target()) } else { Err(WhyNot::NoTarget) },
    }
}

/// Records one message with these control results.
pub(crate) fn measure_by(
    lab: &Lab,
    plan: &Plan,
    results: &[Measured<'_>],
    supersedes: Option<ObservationId>,
) -> Vec<ObservationId> {
    let message = lab.message();
    let controls: Vec<NewControl> =
        (0..).zip(results).map(|(entry, it)| new_control(entry, *it, supersedes)).collect();
    let runs = lab.reader.judge_controls(&sim(), &controls, plan).unwrap();
    let entry = |(number, (level, z, _)): (u32, &Measured<'_>)| {
        let value = if *z == "?" { "1" } else { z };
        let observation = Observation { record: number, ..control_result(level, value) };
        let place = supersedes.map_or(Place::Own, Place::Supersedes);
        Entry { place, ..own(observation) }
    };
    let entries = (0..).zip(results).map(entry).collect();
    let mut processed = processed(message, entries, Vec::new());
    processed.runs = runs;
    lab.wait(lab.journal.record(processed, lab.now())).unwrap();
    lab.ids(message)
}

pub(crate) fn control_result(level: &str, value: &str) -> Observation {
    Observation { class: SampleClass::Control, ..result(level, "K", value) }
}

/// What these would come to, with what is stored.
pub(crate) fn judged(lab: &Lab, results: &[Measured<'_>]) -> Vec<JudgedRun> {
    let controls: Vec<NewControl> =
        (0..).zip(results).map(|(entry, it)| new_control(entry, *it, None)).collect();
    lab.reader.judge_controls(&sim(), &controls, &plan()).unwrap()
}

pub(crate) fn measure(lab: &Lab, results: &[Measured<'_>]) -> Vec<ObservationId> {
    measure_by(lab, &plan(), results, None)
}

pub(crate) fn series(lab: &Lab) -> SeriesView {
    lab.reader.qc(SignedDuration::from_hours(24), minute(60)).unwrap().remove(0)
}

/// The state, and what its run breaks.
pub(crate) fn stands(lab: &Lab) -> String {
    let series = series(lab);
    let broken = series.last.iter().flat_map(|run| run.violations.iter().map(|it| it.rule.name()));
    [series.state.name()].into_iter().chain(broken).collect::<Vec<_>>().join(" ")
}

pub(crate) fn runs(lab: &Lab) -> i64 {
    lab.ask("SELECT count(*) FROM qc_run")
}

pub(crate) fn saying(reason: &str) -> Saying {
    Saying { by: "M. Garcia".to_owned(), account: "mgarcia".to_owned(), reason: reason.to_owned() }
}

fn accept(lab: &Lab, run: i64) -> Result<(), JournalError> {
    lab.wait(lab.journal.accept_run(run, saying("a new lot of reagent"), lab.now()))
}

fn exclude(lab: &Lab, id: ObservationId) -> Result<(), JournalError> {
    lab.wait(lab.journal.exclude_control(id, saying("an air bubble"), lab.now()))
}

pub(crate) fn replays(lab: &Lab) {
    let (count, otherwise) = lab.reader.qc_replay().unwrap();
    assert!(count > 0);
    assert_eq!(otherwise, [""; 0]);
    lab.assert_balanced();
}

#[test]
fn levels_in_messages_of_their_own_make_one_run_and_a_repetition_makes_another() {
    let lab = Lab::new();
    for (results, count, expected) in [
        (&[("1", "0.5", 0)][..], 1, "accepted"),
        (&[("2", "2.1", 5)], 1, "warning 1-2s"),
        (&[("2", "0.3", 9)], 2, "accepted"),
        (&[("1", "3.1", 10)], 2, "rejected 1-2s 1-3s"),
        (&[("1", "0.2", 15)], 3, "accepted"),
        (&[("2", "0.2", 76)], 4, "accepted"),
    ] {
        measure(&lab, results);
        assert_eq!((runs(&lab), stands(&lab)), (count, expected.to_owned()), "{results:?}");
    }
    replays(&lab);
}

#[test]
fn the_order_of_the_results_in_a_message_makes_no_difference() {
    let history: [&[Measured<'_>]; 2] =
        [&[("1", "1.2", 0), ("2", "1.3", 0)], &[("1", "2.4", 90), ("2", "1.1", 95)]];
    let last: [Measured<'_>; 4] = [("1", "2.1", 180), ("2", "-2.4", 180), ("1", "0.4", 181), ("3", "?", 180)];
    let mut told = Vec::new();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
        let lab = Lab::new();
        for message in history {
            measure(&lab, message);
        }
        measure(&lab, &order.map(|at: usize| last[at]));
        let decisions: String = lab.ask(
            "SELECT group_concat(run || ' ' || outcome || ' ' || violations, char(10)) FROM qc_decision ORDER BY id",
        );
        let points: String = lab.ask(
            "SELECT group_concat(line, ' ') FROM (SELECT run || level || value || coalesce(why_not, '') AS line
             FROM qc_point ORDER BY line)",
        );
        told.push((decisions, points, stands(&lab)));
        replays(&lab);
    }
    assert!(told.iter().all(|it| *it == told[0]), "{told:#?}");
    assert!(told[0].0.contains("R-4s"), "{told:#?}");
}

#[test]
fn history_counts_over_runs_and_a_result_without_a_target_is_never_a_pass() {
    let lab = Lab::new();
    for day in 0..3 {
        measure(&lab, &[("1", "1.1", day * 90)]);
    }
    assert_eq!(stands(&lab), "accepted");
    measure(&lab, &[("1", "1.1", 270), ("2", "?", 270)]);
    assert_eq!(stands(&lab), "rejected 4-1s", "of one level, nothing is broken across");
    measure(&lab, &[("1", "-0.1", 360), ("2", "?", 360)]);
    assert_eq!(stands(&lab), "not evaluated");
    assert_eq!(series(&lab).acceptable.unwrap().id, 3);
    replays(&lab);
}

#[test]
fn where_others_judge_results_are_kept_and_none_passes() {
    let lab = Lab::new();
    let control = NewControl { target: Err(WhyNot::SwitchedOff), ..new_control(0, ("1", "0.1", 0), None) };
    let judged = lab.reader.judge_controls(&sim(), &[control], &Plan::default()).unwrap();
    assert_eq!(judged[0].outcome.name(), "not-evaluated");
}

#[test]
fn a_run_vouches_for_a_day_and_no_longer() {
    let lab = Lab::new();
    let state = |minutes| {
        let valid_for = SignedDuration::from_hours(24);
        let asked = Asked { measured_at: None, at: minute(minutes), runs: &[], valid_for };
        lab.reader.qc_state(&sim(), &potassium(), asked).unwrap().state
    };
    assert_eq!(state(0), QcState::NeverRun);
    measure(&lab, &[("1", "0.1", 0)]);
    assert_eq!(state(-1), QcState::NeverRun, "it wasn't decided yet");
    assert_eq!(state(24 * 60), QcState::Accepted);
    assert_eq!(state(24 * 60 + 1), QcState::NoRunSince);
    let diluted = TestIdentity { dilution: "10".to_owned(), ..potassium() };
    let asked =
        Asked { measured_at: None, at: minute(60), runs: &[], valid_for: SignedDuration::from_hours(24) };
    assert_eq!(lab.reader.qc_state(&sim(), &diluted, asked).unwrap().state, QcState::Accepted);
    measure(&lab, &[("1", "4", 10)]);
    assert_eq!(state(48 * 60), QcState::Rejected, "what failed doesn't become better with age");
}

#[test]
fn a_corrected_control_takes_the_place_of_the_first_in_its_run() {
    let lab = Lab::new();
    let wrong = measure(&lab, &[("1", "4.5", 0)])[0];
    assert_eq!(stands(&lab), "rejected 1-2s 1-3s");
    measure_by(&lab, &plan(), &[("1", "0.5", 0)], Some(wrong));
    assert_eq!((runs(&lab), stands(&lab)), (1, "accepted".to_owned()));
    replays(&lab);
}

#[test]
fn a_person_accepts_a_run_once_by_name_and_with_a_reason() {
    let lab = Lab::new();
    measure(&lab, &[("1", "3.5", 0)]);
    let nameless = Saying { by: " ".to_owned(), ..saying("why not") };
    let told = lab.wait(lab.journal.accept_run(1, nameless, lab.now())).unwrap_err().to_string();
    assert!(told.contains("a name and a reason"), "{told}");
    assert!(lab.wait(lab.journal.accept_run(1, saying(" "), lab.now())).is_err());
    accept(&lab, 1).unwrap();
    let run = series(&lab).last.unwrap();
    let word = run.accepted.as_ref().unwrap();
    assert_eq!(
        (series(&lab).state, run.outcome.name(), word.by.as_str()),
        (QcState::Accepted, "rejected", "M. Garcia")
    );
    assert!(accept(&lab, 1).unwrap_err().to_string().contains("somebody has accepted run 1 already"));
    assert!(accept(&lab, 7).unwrap_err().to_string().contains("there is no run 7"));
    let audited: String =
        lab.ask("SELECT actor || ' ' || detail FROM audit WHERE step = 'control run accepted'");
    assert_eq!(audited, "mgarcia M. Garcia: a new lot of reagent (was rejected, counts as accepted)");
    // What comes afterwards is decided anew, and stands for itself.
    measure(&lab, &[("2", "-3.5", 1)]);
    assert_eq!(series(&lab).state, QcState::Rejected);
    measure(&lab, &[("1", "0.1", 90)]);
    assert!(accept(&lab, 2).unwrap_err().to_string().contains("accepted already"));
    replays(&lab);
}

#[test]
fn a_control_result_that_is_taken_out_counts_no_more_and_later_runs_are_decided_again() {
    let lab = Lab::new();
    measure(&lab, &[("1", "0.1", 0)]);
    let bad = measure(&lab, &[("1", "2.6", 90)])[0];
    measure(&lab, &[("1", "2.4", 180)]);
    assert_eq!(stands(&lab), "rejected 1-2s 2-2s");
    exclude(&lab, bad).unwrap();
    assert_eq!(stands(&lab), "warning 1-2s", "the run before it no longer counts");
    let outcomes: String = lab
        .ask("SELECT group_concat(run || ' ' || outcome, ', ') FROM (SELECT * FROM qc_decision ORDER BY id)");
    assert_eq!(outcomes, "1 accepted, 2 warning, 3 rejected, 2 void, 3 warning");
    assert!(exclude(&lab, bad).unwrap_err().to_string().contains("counts no more already"));
    let patients = lab.own(result("S1", "K", "4.1"));
    assert!(exclude(&lab, patients).unwrap_err().to_string().contains("no control result"));
    assert!(accept(&lab, 2).unwrap_err().to_string().contains("no result that counts"));
    replays(&lab);
}

#[test]
fn what_was_written_of_controls_never_changes() {
    let lab = Lab::new();
    let first = measure(&lab, &[("1", "3.6", 0)])[0];
    accept(&lab, 1).unwrap();
    exclude(&lab, first).unwrap();
    let file = lab.reading();
    for table in ["qc_run", "qc_point", "qc_rules", "qc_decision", "qc_word"] {
        let rows: i64 = lab.ask(&format!("SELECT count(*) FROM {table}"));
        assert!(rows > 0, "{table}");
        let column: String = lab.ask(&format!("SELECT name FROM pragma_table_info('{table}') LIMIT 1"));
        assert!(file.execute(&format!("UPDATE {table} SET {column} = {column}"), []).is_err(), "{table}");
        assert!(file.execute(&format!("DELETE FROM {table}"), []).is_err(), "{table}");
    }
}

#[test]
fn an_altered_decision_does_not_replay() {
    let lab = Lab::new();
    measure(&lab, &[("1", "2.6", 0)]);
    let file = lab.reading();
    file.execute_batch("DROP TRIGGER qc_point_unchanged; UPDATE qc_point SET value = '1.9';").unwrap();
    let (_, otherwise) = lab.reader.qc_replay().unwrap();
    assert_eq!(otherwise, ["decision 1 of run 1: warning then, accepted now"]);
}

#[test]
fn what_an_earlier_program_decided_is_decided_again_by_that_program() {
    let lab = Lab::new();
    for run in 0..4 {
        measure(&lab, &[("1", "1.1", run * 90)]);
    }
    let file = lab.reading();
    let now: String = lab.ask("SELECT violations FROM qc_decision WHERE id = 4");
    file.execute_batch("DROP TRIGGER qc_decision_unchanged; UPDATE qc_decision SET program = 'westgard/1'")
        .unwrap();
    let (count, otherwise) = lab.reader.qc_replay().unwrap();
    assert_eq!((count, otherwise.len()), (4, 1), "it named one level across levels too: {otherwise:?}");
    let across = r#",{"rule":"4-1s","rejects":true}]"#;
    let then = format!("{}{across}", now.strip_suffix(']').unwrap());
    file.execute("UPDATE qc_decision SET violations = ? WHERE id = 4", [&then]).unwrap();
    replays(&lab);
    file.execute_batch("UPDATE qc_decision SET program = 'westgard/0'").unwrap();
    assert_eq!(lab.reader.qc_replay().unwrap().1.len(), 4);
}

/// A patient's result, measured at this minute.
fn patients(lab: &Lab, specimen: &str, measured: i64) -> ObservationId {
    let completed = InstrumentTime { text: String::new(), instant: Some(minute(measured)) };
    lab.own(Observation { completed: Some(completed), ..result(specimen, "K", "4.1") })
}

#[test]
fn patients_results_since_the_last_acceptable_run_are_found_by_either_clock() {
    let lab = Lab::new();
    patients(&lab, "BEFORE", -30);
    // Received before the control that was measured before it.
    patients(&lab, "OVERTAKEN", 1);
    measure(&lab, &[("1", "0.1", 0)]);
    patients(&lab, "AFTER", 2);
    // Measured before the control, says the analyzer, and received after it.
    patients(&lab, "LATE", -1);
    lab.own(result("OTHER", "NA", "140"));
    measure(&lab, &[("1", "3.9", 30)]);
    patients(&lab, "LAST", 31);
    lab.deliver_everything();
    let series = series(&lab);
    assert_eq!(series.state, QcState::Rejected);
    let mut found = Vec::new();
    let each = |it: labwire::journal::qc::PatientResult| {
        found.push(format!("{} {}", it.detail.specimen.reveal(), it.fates.join(",")));
    };
    lab.reader.patients_since(&sim(), &potassium(), (series.acceptable.as_ref(), None), each).unwrap();
    found.sort();
    let expected = ["AFTER", "LAST", "LATE", "OVERTAKEN"].map(|name| format!("{name} lims accepted"));
    assert_eq!(found, expected);
    let mut all = 0;
    lab.reader.patients_since(&sim(), &potassium(), (None, None), |_| all += 1).unwrap();
    assert_eq!(all, 5);
}

#[test]
fn two_lots_of_one_level_are_one_level_of_a_run() {
    let lab = Lab::new();
    let by = Multirule { levels: 2, ..Multirule::default() };
    let plan = Plan { multirule: Some(by), ..plan() };
    let outcome = |materials: [(&str, &str); 2]| {
        let control = |(entry, (lot, level)): (usize, (&str, &str))| NewControl {
            material: Some((lot.to_owned(), level.to_owned())),
            ..new_control(entry, (level, "0.5", 1), None)
        };
        let controls: Vec<NewControl> = (0..).zip(materials).map(control).collect();
        lab.reader.judge_controls(&sim(), &controls, &plan).unwrap().pop().unwrap().outcome
    };
    assert_eq!(outcome([("A", "1"), ("A", "2")]), Outcome::Accepted);
    assert_eq!(outcome([("A", "1"), ("B", "2")]), Outcome::Accepted);
    assert_eq!(outcome([("A", "1"), ("B", "1")]), Outcome::Incomplete, "nothing vouches for the other level");
}
