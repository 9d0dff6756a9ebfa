//! Messages in, outcomes out: what becomes of each part, and of each thing that can be wrong with it.

mod arrivals;
mod conservation;
mod conversions;
mod cuts;
mod files;
mod flags;
mod habits;
mod hl7;
mod linking;
mod messages;
mod previews;
mod ranges;
mod repeated;
mod replies;
mod rereading;
mod sameness;
mod shelf;
mod table;
mod values;
mod workbooks;

use std::collections::BTreeMap;
use std::sync::Arc;

use labwire_units::Aliases;

use super::{Context, Reading, process};
use crate::domain::profile::{Aspect, AstmDialect, Dialect, Location, Profile, ResultType, Test};
use crate::domain::{HoldReason, InstrumentId, Observation, Outcome, SpecimenRules, Standing, Value};

/// A made-up model: quantities K and HGB, a serology test SER with aspects F and I.
fn profile() -> Profile {
    let test = |result| Test {
        name: String::new(),
        loinc: None,
        result,
        unit: None,
        source: "made up for this test".into(),
    };
    let mut profile = Profile::standard("made-up", 3, Dialect::Astm(Box::default()));
    for code in ["K", "HGB", "SER"] {
        profile.tests.insert(code.into(), test(ResultType::Quantity));
    }
    let coded = ResultType::Coded(BTreeMap::from([("Reactive".to_owned(), "reactive".to_owned())]));
    let aspect = |result| Aspect { meaning: "made up".into(), result, unit: None };
    profile.aspects.insert("F".into(), aspect(None));
    profile.aspects.insert("I".into(), aspect(Some(coded)));
    profile.failed_values.insert("No Result".into(), "the analyzer gave no result".into());
    astm(&mut profile).places.aspect = Location::parse("R.3.6");
    profile
}

/// The made-up model's way with ASTM.
fn astm(profile: &mut Profile) -> &mut AstmDialect {
    match &mut profile.dialect {
        Dialect::Astm(dialect) => dialect,
        Dialect::Hl7(_) | Dialect::Table(_) => panic!("it speaks something else"),
    }
}

fn reading(profile: Profile) -> Reading {
    Reading {
        instrument: InstrumentId::new("sim"),
        profile: Arc::new(profile),
        time_zone: jiff::tz::TimeZone::get("Europe/Berlin").unwrap(),
        character_set: Some(encoding_rs::UTF_8),
        decimal_separator: '.',
        specimen: SpecimenRules { trim: true, ..SpecimenRules::default() },
        codes: Arc::default(),
        panels: BTreeMap::new(),
        specimen_kinds: BTreeMap::new(),
        units: Aliases::default(),
        rules: None,
    }
}

fn context() -> Context {
    Context { received_at: "2026-10-26T12:00:00Z".parse().unwrap() }
}

/// Reads records, one a line, with the made-up profile.
fn read(records: &str) -> Outcome {
    read_by(&reading(profile()), records.as_bytes())
}

fn read_by(reading: &Reading, records: &[u8]) -> Outcome {
    process(records, reading, &context())
}

/// One result in its usual place.
fn one(result: &str) -> Outcome {
    read(&format!("H|\\^&|||Sim|||||LIS||P\nP|1\nO|1|S1|||R\n{result}\nL|1|N"))
}

fn only(outcome: &Outcome) -> &Observation {
    assert_eq!(outcome.observations.len(), 1, "{:?}", kinds(outcome));
    &outcome.observations[0]
}

fn kinds(outcome: &Outcome) -> Vec<&'static str> {
    outcome.problems.iter().map(|problem| problem.kind.name()).collect()
}

fn holds(observation: &Observation) -> Vec<HoldReason> {
    match &observation.standing {
        Standing::Clear => Vec::new(),
        Standing::Held(reasons) => reasons.clone(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Quantity { comparator, number } => {
            format!("{}{number}", comparator.map_or("", |comparator| comparator.as_str()))
        }
        Value::Code { code, .. } => format!("code {code}"),
        Value::Text(text) => format!("text {text}"),
        Value::Absent { reason } => format!("absent: {reason}"),
    }
}
