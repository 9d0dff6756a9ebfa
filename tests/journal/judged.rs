//! What rules decided of results: kept as it was, by what and of what, holding results only where somebody verifies by
//! rules, and bringing what is critical out first.

use std::collections::BTreeSet;
use std::sync::Arc;

use labwire::domain::clinic::{
    Amount, Case, Check, Decision, Evaluation, Force, Identity, Measured, Path, Person, Ruling, SpecimenFacts,
};
use labwire::domain::{
    DestinationId, HoldReason, Observation, Patient, Priority, Private, Rules, SpecimenId,
};
use labwire::journal::decisions::{Judged, PatientKey, kept};
use labwire::journal::desk::Decision as Desk;
use labwire::journal::results::{Entry, Route};
use labwire_units::Exact;

use super::kit::{LIMS, Lab, own, result, urgent};

pub(super) fn critical(force: Force, ruling: Ruling) -> Evaluation {
    let amount = Amount::plain(None, Exact::parse("2.1").unwrap());
    let measured =
        Measured { code: "K".to_owned(), analyte: Some("potassium".to_owned()), amount, flags: Vec::new() };
    let rules = Rules { text: "the rules".to_owned(), sha256: "ab".repeat(32), ..Rules::default() };
    Evaluation {
        rules: Arc::new(rules),
        force,
        case: Case {
            measured,
            specimen: SpecimenFacts {
                number: Private::new("S1".to_owned()),
                kind: None,
                instrument: "sim".to_owned(),
            },
            person: Person::default(),
            on: Some(jiff::civil::date(2026, 11, 20)),
            at: None,
            together: Vec::new(),
            history: Vec::new(),
            history_untold: false,
            identity: Identity::Unknown,
            qc: None,
        },
        decisions: vec![Decision {
            check: Check::Critical,
            rules: vec!["potassium".to_owned()],
            ruling,
            inputs: Vec::new(),
            thresholds: vec!["< 2.8 mmol/L".to_owned()],
            holds: true,
            rounding_decides: false,
        }],
    }
}

fn judged(observation: Observation, evaluation: Evaluation, waits_at: &[&str]) -> Entry {
    let reasons = evaluation.holds();
    let waits_at = waits_at.iter().map(|it| DestinationId::new(*it)).collect();
    Entry {
        judged: Judged { evaluations: vec![evaluation], reasons, waits_at, ..Judged::default() },
        ..own(observation)
    }
}

pub(super) fn low() -> Ruling {
    Ruling::Decided(Path::Low)
}

#[test]
fn a_decision_is_kept_with_its_case_and_rules_and_nobody_changes_it() {
    let lab = Lab::new();
    let evaluation = critical(Force::Shadow, low());
    let id = lab.record(vec![judged(result("S1", "K", "2.1"), evaluation.clone(), &[])])[0];
    let lab = lab.reopen();
    let [found] = lab.reader.evaluations_of(id).unwrap().try_into().unwrap();
    assert_eq!((found.force, &found.rules), (Force::Shadow, &evaluation.rules.sha256));
    assert!(found.case == evaluation.case && found.decisions == kept(&evaluation.decisions));
    assert_eq!(lab.reader.text_of_rules(&found.rules).unwrap().as_deref(), Some("the rules"));
    for change in [
        "UPDATE evaluation SET force = 'in-force'",
        "DELETE FROM evaluation",
        "UPDATE rule_text SET text = ''",
        "DELETE FROM rule_text",
    ] {
        assert!(lab.reading().execute(change, []).is_err(), "{change}");
    }
}

#[test]
fn rules_hold_only_where_somebody_verifies_by_them() {
    let lab = Lab::new();
    let routes =
        vec![(DestinationId::new(LIMS), Route::Deliver), (DestinationId::new("ward"), Route::Deliver)];
    let entry = judged(result("S1", "K", "2.1"), critical(Force::InForce, low()), &["ward"]);
    let id = lab.record(vec![Entry { routes, ..entry }])[0];
    let state = |at: &str| {
        lab.ask::<String>(&format!(
            "SELECT state FROM ledger WHERE observation = {id} AND destination = '{at}'"
        ))
    };
    assert_eq!((state(LIMS).as_str(), state("ward").as_str()), ("pending", "held"));
    assert_eq!(lab.ask::<String>("SELECT reason FROM hold"), HoldReason::Critical.name());
    lab.decide(Desk::Release(id)).unwrap();
    assert_eq!(state("ward"), "pending");
    lab.assert_balanced();

    let passes = lab.record(vec![judged(result("S2", "K", "2.1"), critical(Force::InForce, low()), &[])])[0];
    assert_eq!(lab.state(passes), "pending", "nobody there waits for rules");
    assert_eq!(lab.ask::<i64>("SELECT count(*) FROM hold WHERE closed_at IS NULL"), 0);
}

#[test]
fn after_an_outage_what_is_critical_and_what_is_stat_leaves_first_and_then_the_oldest() {
    let lab = Lab::new();
    let routine = |specimen: &str| lab.own(result(specimen, "K", "4.1"));
    let (first, second) = (routine("S1"), routine("S2"));
    let critical_one =
        lab.record(vec![judged(result("S3", "K", "2.1"), critical(Force::InForce, low()), &[])])[0];
    let in_shadow =
        lab.record(vec![judged(result("S4", "K", "2.1"), critical(Force::Shadow, low()), &[])])[0];
    let stat = lab.own(urgent(result("S5", "K", "4.1")));
    let wanted = Judged { wanted: Some(Priority::Stat), ..Judged::default() };
    let ordered_stat = lab.record(vec![Entry { judged: wanted, ..own(result("S6", "K", "4.1")) }])[0];
    let nobody_knows = Ruling::Undecided(labwire::domain::clinic::Why::Comparator);
    let undecided =
        lab.record(vec![judged(result("S7", "K", "5.0"), critical(Force::InForce, nobody_knows), &[])])[0];
    let expected = [critical_one, stat, ordered_stat, undecided, first, second, in_shadow];
    assert_eq!(lab.deliver_everything().concat(), expected);
}

/// Whose a result is by its analyzer.
fn of(patient: &str, mut observation: Observation) -> Observation {
    observation.patient = Private::new(of_number(patient));
    observation
}

fn of_number(patient: &str) -> Patient {
    Patient { id: patient.to_owned(), ..Patient::default() }
}

#[test]
fn earlier_results_are_found_by_the_patients_number_and_never_by_that_of_the_specimen() {
    let lab = Lab::new();
    let before = lab.own(of("P1", result("S1", "K", "4.1")));
    lab.own(of("P2", result("S2", "K", "5.1")));
    lab.own(of("P1", result("S3", "K", "6.1")));
    let rejected = lab.record(vec![own(super::kit::held(of("P1", result("S4", "K", "9.9"))))])[0];
    let elsewhere = Patient { authority: "ELSEWHERE".to_owned(), ..of_number("P1") };
    let other = lab.own(Observation { patient: Private::new(elsewhere), ..result("S5", "K", "7.1") });
    let nobody = BTreeSet::new();
    let known = |authority: &str| {
        let patient = Patient { authority: authority.to_owned(), ..of_number("P1") };
        let key = PatientKey { patient: &patient, source: None, sources: &nobody };
        let found = lab.reader.history(key, &["S3"], 10).unwrap();
        let counting = found.into_iter().filter(|it| it.counts(&lab.reader).unwrap());
        counting.map(|it| it.id).collect::<Vec<_>>()
    };
    assert_eq!(known(""), [before], "neither another's, nor of the tube itself, nor what is held");
    assert_eq!(known("ELSEWHERE"), [other], "another authority's number is another patient's");
    lab.decide(Desk::Reject(rejected)).unwrap();
    assert_eq!(known(""), [before]);
    let newer = lab.newer(of("P1", result("S1", "K", "4.2")), before);
    assert_eq!(known(""), [newer], "the corrected value alone");
    let waits_at = vec![DestinationId::new(super::kit::LIMS)];
    let unreleased = Judged { reasons: vec![HoldReason::NotReleased], waits_at, ..Judged::default() };
    let unreleased =
        lab.record(vec![Entry { judged: unreleased, ..own(of("P1", result("S6", "K", "4.4"))) }])[0];
    assert_eq!(lab.state(unreleased), "held");
    assert_eq!(known(""), [unreleased, newer], "that nobody has released it yet doubts no value");
    let of_tube = lab.reader.of_specimen(&SpecimenId::new("S1"), 10).unwrap();
    assert_eq!(of_tube.into_iter().map(|it| it.id).collect::<Vec<_>>(), [newer]);
}
