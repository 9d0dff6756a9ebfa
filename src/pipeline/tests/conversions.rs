//! What becomes of a value in the unit that is reported: nothing without signed rules; with them a value beside the one
//! that was sent, or a hold with its reason.

use std::sync::Arc;

use labwire_units::{Aliases, Exact, Unit};
use proptest::prelude::*;

use super::*;
use crate::config::rules;
use crate::domain::clinic::Amount;
use crate::domain::{CodeMapping, Rules, ValueKind};

const ANALYTES: &str = "
[analyte.potassium]
name = \"Potassium\"
loinc = [\"2823-3\"]
unit = \"mmol/L\"
decimals = 1
from = [\"meq/L\", \"mg/dL\"]
charge = 1
charge_sources = [\"made up for this test\"]
molar_mass = \"39.098\"
molar_mass_sources = [\"made up for this test\"]
absurd_above = \"15\"
[analyte.haemoglobin]
name = \"Haemoglobin\"
unit = \"g/L\"
from = [\"g/dL\"]
[analyte.haemoglobin-monomer]
name = \"Haemoglobin\"
reported_loinc = \"59260-0\"
unit = \"mmol/L\"
decimals = 1
from = [\"g/dL\"]
molar_mass = \"16114\"
molar_mass_sources = [\"made up for this test\"]
";

fn signed() -> Arc<Rules> {
    Arc::new(rules::read(&format!("{} analytes.toml\n{ANALYTES}\n", ANALYTES.len())).unwrap())
}

/// K is potassium by its LOINC code, HGB haemoglobin by name; K/uL isn't kelvin here, and mEq/L and mM have aliases.
fn signed_reading() -> Reading {
    let mut profile = profile();
    profile.tests.get_mut("K").unwrap().loinc = Some("2823-3".to_owned());
    profile
        .aspects
        .insert("RLU".into(), Aspect { meaning: String::new(), result: None, unit: Some("RLU".into()) });
    let alias = |sent: &str, code: &str| (sent.to_owned(), Unit::parse(code).unwrap());
    let analyte = CodeMapping { analyte: Some("haemoglobin".into()), ..CodeMapping::default() };
    Reading {
        codes: Arc::new(BTreeMap::from([("HGB".to_owned(), analyte)])),
        panels: BTreeMap::new(),
        units: Aliases::new(BTreeMap::from([alias("mEq/L", "meq/L"), alias("mM", "mmol/L")])),
        rules: Some(signed()),
        ..reading(profile)
    }
}

fn only_of(reading: &Reading, result: &str) -> Observation {
    let message = format!("H|\\^&|||Sim|||||LIS||P\nP|1\nO|1|S1|||R\n{result}\nL|1|N");
    only(&read_by(reading, message.as_bytes())).clone()
}

/// The reported value, or why there is none, and what holds the result.
fn told(reading: &Reading, code: &str, value: &str, unit: &str) -> (String, Vec<HoldReason>) {
    let observation = only_of(reading, &format!("R|1|^^^{code}|{value}|{unit}||N||F"));
    assert_eq!(
        (observation.value_as_sent.as_str(), observation.unit.as_deref().unwrap_or_default()),
        (value, unit)
    );
    let told = match (observation.reported(), observation.not_converted()) {
        (Some(reported), None) => {
            let sign = observation.value.comparator().map_or("", |comparator| comparator.as_str());
            format!("{sign}{} {} = {}", reported.number, reported.unit, reported.exact)
        }
        (None, Some(why)) => why.to_owned(),
        _ => "as sent".to_owned(),
    };
    (told, holds(&observation))
}

#[test]
fn signed_rules_put_the_reported_value_beside_the_one_that_was_sent() {
    let reading = signed_reading();
    for (code, value, unit, expected) in [
        ("K", "4.10", "mEq/L", "4.1 mmol/L = 4.1"),
        ("K", "<2.0", "meq/L", "<2.0 mmol/L = 2"),
        ("K", "16.0", "mg/dL", "4.1 mmol/L = 80000/19549"),
        ("K", "4.1", "mmol/L", "as sent"),
        ("K", "4.28", "mmol/L", "as sent"),
        ("K", "4.28", "mM", "4.28 mmol/L = 4.28"),
        ("K", "4.28", "mEq/L", "4.3 mmol/L = 4.28"),
        ("HGB", "14.1", "g/dL", "141.0 g/L = 141"),
        ("SER", "3", "S/CO", "as sent"),
    ] {
        assert_eq!(
            told(&reading, code, value, unit),
            (expected.to_owned(), Vec::new()),
            "{code} {value} {unit}"
        );
    }
    let conversion = only_of(&reading, "R|1|^^^K|4.10|mEq/L||N||F").conversion.unwrap();
    assert_eq!((conversion.analyte.as_str(), conversion.rules.len()), ("potassium", 64));
}

#[test]
fn an_off_scale_value_keeps_its_sign_in_words() {
    let observation = only_of(&signed_reading(), "R|1|^^^K|<2.0|meq/L||N||F");
    assert_eq!(observation.reported_in_words().unwrap(), "<2.0 mmol/L");
    let words = observation.in_words();
    assert!(words.starts_with("K <2.0 meq/L, reported as <2.0 mmol/L by "), "{words}");
    let told = observation.told_of_conversion().unwrap();
    assert_eq!(told, "as sent: <2.0 meq/L; exactly <2 mmol/L");
    let plain = only_of(&signed_reading(), "R|1|^^^K|2.0|meq/L||N||F");
    assert_eq!(plain.reported_in_words().unwrap(), "2.0 mmol/L");
}

#[test]
fn what_is_only_a_bound_is_reported_as_one_that_is_true() {
    for (value, flag, expected) in [
        (">27.754", "", ">7.0"),
        (">=27.754", "", ">=7.0"),
        ("<27.754", "", "<7.1"),
        ("<=27.754", "", "<=7.1"),
        // By its flag alone.
        ("27.754", ">", "7.0"),
        ("27.754", "<", "7.1"),
        // They contradict one another: it is told with its own sign.
        (">27.754", "<", ">7.0"),
        ("27.754", "H", "7.1"),
    ] {
        let observation = only_of(&signed_reading(), &format!("R|1|^^^K|{value}|mg/dL||{flag}||F"));
        assert_eq!(observation.reported().unwrap().exact, "138770/19549", "7.0986 mmol/L");
        let reported = observation.reported_in_words().unwrap();
        assert_eq!(reported, format!("{expected} mmol/L"), "{value} {flag}");
    }
}

proptest! {
    #[test]
    fn no_bound_is_reported_as_more_than_was_measured(digits in 1_i64..100_000, places in 0_u32..4) {
        let reading = signed_reading();
        let number = Exact::from(digits).checked_div(&Exact::from(10_i64.pow(places))).unwrap();
        let number = number.rounded(places);
        for sign in ["<", "<=", ">", ">="] {
            let observation = only_of(&reading, &format!("R|1|^^^K|{sign}{number}|mg/dL||N||F"));
            let Amount::Number { exact, reported, .. } = crate::pipeline::measured(&observation, &reading).amount
            else {
                panic!("no number");
            };
            let shown = observation.reported().unwrap().number.to_string();
            prop_assert_eq!(&Exact::parse(&shown).unwrap(), &reported);
            let stays_true = if sign.starts_with('<') { exact <= reported } else { reported <= exact };
            prop_assert!(stays_true, "{sign}{exact} is reported as {sign}{reported}");
        }
    }
}

#[test]
fn rules_compare_what_is_reported_and_in_the_reported_unit_that_is_what_was_sent() {
    let reading = signed_reading();
    for (unit, shown) in [("mmol/L", "2.96"), ("mM", "2.96"), ("mEq/L", "3.0")] {
        let observation = only_of(&reading, &format!("R|1|^^^K|2.96|{unit}||N||F"));
        let Amount::Number { exact, reported, .. } = crate::pipeline::measured(&observation, &reading).amount
        else {
            panic!("{unit}: no number");
        };
        assert_eq!(
            (exact.to_string().as_str(), reported.to_string().as_str()),
            ("2.96", shown.trim_end_matches(".0"))
        );
    }
}

#[test]
fn what_cannot_be_converted_waits_with_its_reason() {
    let reading = signed_reading();
    for (code, value, unit, expected) in [
        ("K", "4.1", "K/uL", "potassium isn't converted from K/uL; it allows mmol/L, meq/L, mg/dL"),
        ("K", "4.1", "µmol/L", "\"µmol/L\" is no UCUM unit: it isn't written as UCUM writes units"),
        ("K", "4.1", "", "the analyzer sent no unit, and its [codes] declare none"),
        ("HGB", "8.7", "mmol/L", "haemoglobin isn't converted from mmol/L; it allows g/L, g/dL"),
    ] {
        let expected = (expected.to_owned(), vec![HoldReason::NotConverted]);
        assert_eq!(told(&reading, code, value, unit), expected, "{code} {value} {unit}");
    }
}

#[test]
fn a_value_that_no_patient_has_waits_and_keeps_its_conversion() {
    let reading = signed_reading();
    let absurd = vec![HoldReason::AbsurdValue];
    assert_eq!(told(&reading, "K", "16.0", "mmol/L"), ("as sent".to_owned(), absurd.clone()));
    assert_eq!(told(&reading, "K", "16.0", "mEq/L"), ("16.0 mmol/L = 16".to_owned(), absurd));
}

#[test]
fn without_signed_rules_nothing_is_converted_and_nothing_held() {
    let reading = Reading { rules: None, ..signed_reading() };
    for (value, unit) in [("4.10", "mEq/L"), ("4.1", "K/uL"), ("4.1", ""), ("160", "mmol/L")] {
        assert_eq!(told(&reading, "K", value, unit), ("as sent".to_owned(), Vec::new()), "{value} {unit}");
    }
}

#[test]
fn what_is_no_number_or_another_side_of_the_measurement_is_left_alone() {
    let reading = signed_reading();
    for result in ["R|1|^^^K|No Result|mg/l||N||F", "R|1|^^^K|4.1|mg/l||N||X", "R|1|^^^K^^RLU|4100|RLU||N||F"]
    {
        let observation = only_of(&reading, result);
        assert_eq!(observation.conversion, None, "{result}");
        assert!(!holds(&observation).contains(&HoldReason::NotConverted), "{result}");
    }
}

#[test]
fn what_stands_in_the_place_of_a_number_and_is_none_is_left_open_to_the_rules() {
    let reading = signed_reading();
    for (value, is_open) in
        [("7.0*", true), ("5,5", true), ("see 12", true), ("HI", true), ("+++", true), ("No Result", false)]
    {
        let observation = only_of(&reading, &format!("R|1|^^^HGB|{value}|g/dl||N||F"));
        let amount = crate::pipeline::measured(&observation, &reading).amount;
        assert_eq!(matches!(amount, Amount::Unconverted(_)), is_open, "{value}: {amount:?}");
    }
}

#[test]
fn words_are_left_open_too_where_the_site_alone_knows_the_test_and_not_where_it_expects_them() {
    let mut reading = signed_reading();
    for (kind, is_open) in [(None, true), (Some(ValueKind::Quantity), true), (Some(ValueKind::Text), false)] {
        let own = CodeMapping { analyte: Some("haemoglobin".into()), kind, ..CodeMapping::default() };
        Arc::make_mut(&mut reading.codes).insert("HB2".to_owned(), own);
        let observation = only_of(&reading, "R|1|^^^HB2|HI|g/dl||N||F");
        let amount = crate::pipeline::measured(&observation, &reading).amount;
        assert_eq!(matches!(amount, Amount::Unconverted(_)), is_open, "{kind:?}: {amount:?}");
    }
}

#[test]
fn the_laboratorys_choice_of_a_convention_is_the_one_that_counts() {
    let mut reading = signed_reading();
    let chosen = CodeMapping { analyte: Some("haemoglobin-monomer".into()), ..CodeMapping::default() };
    Arc::make_mut(&mut reading.codes).insert("HGB".to_owned(), chosen);
    assert_eq!(told(&reading, "HGB", "14.1", "g/dL").0, "8.8 mmol/L = 70500/8057");
    let observation = only_of(&reading, "R|1|^^^HGB|14.1|g/dL||N||F");
    assert_eq!(observation.reported().unwrap().loinc.as_deref(), Some("59260-0"));
}

#[test]
fn an_analyte_that_the_signed_rules_do_not_have_passes_unchanged() {
    let mut reading = signed_reading();
    let unknown = CodeMapping { analyte: Some("not-there-yet".into()), ..CodeMapping::default() };
    Arc::make_mut(&mut reading.codes).insert("HGB".to_owned(), unknown);
    assert_eq!(told(&reading, "HGB", "14.1", "g/dL"), ("as sent".to_owned(), Vec::new()));
}
