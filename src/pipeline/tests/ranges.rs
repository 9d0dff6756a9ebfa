//! Which of the site's ranges is a patient's, and what it says of a value. Where anything isn't known, there is none.

use super::super::ranged;
use super::*;
use crate::domain::clinic::{Age, Sex};
use crate::domain::{
    CodeMapping, DecimalText, Patient, Private, Range, RangeBand, RangeFlag, RangeFlags, RangeTable,
};

fn band(sex: Option<Sex>, from: &str, below: &str, low: &str, high: &str) -> RangeBand {
    let end = |text| DecimalText::parse(text, '.');
    let range = Range { low: end(low), high: end(high), text: None };
    RangeBand { sex, from: Age::parse(from), below: Age::parse(below), range }
}

/// Children alike, adults by sex.
fn table() -> RangeTable {
    RangeTable {
        unit: Some("mmol/L".to_owned()),
        bands: vec![
            band(None, "", "28 d", "3.7", "5.9"),
            band(None, "28 d", "18 y", "3.5", "5.5"),
            band(Some(Sex::Female), "18 y", "", "3.4", "5.0"),
            band(Some(Sex::Male), "18 y", "", "3.6", "5.2"),
        ],
        flags: RangeFlags::Computed,
    }
}

fn patient(birth_date: &str, sex: &str) -> Private<Patient> {
    Private::new(Patient { birth_date: birth_date.to_owned(), sex: sex.to_owned(), ..Patient::default() })
}

/// The range of a potassium of 26 October 2026, and its flag; or why there is none.
fn told(ranges: RangeTable, value: &str, unit: &str, patient: &Private<Patient>) -> String {
    let mut reading = reading(profile());
    Arc::make_mut(&mut reading.codes)
        .insert("K".to_owned(), CodeMapping { ranges, ..CodeMapping::default() });
    let records = format!(
        "H|\\^&|||Sim|||||LIS||P\nP|1\nO|1|S1|||R\nR|1|^^^K|{value}|{unit}||||F||||20261026093100\nL|1|N"
    );
    let outcome = read_by(&reading, records.as_bytes());
    match ranged(only(&outcome), &reading, Some(patient), context().received_at) {
        None => "nothing".to_owned(),
        Some(Err(why)) => why,
        Some(Ok(range)) => {
            let flag = range.flag.map_or("", RangeFlag::letter);
            format!("{} {flag}", range.range.shown()).trim_end().to_owned()
        }
    }
}

#[test]
fn each_patient_has_the_range_of_their_sex_and_of_their_age_on_that_day() {
    for (birth_date, sex, expected) in [
        ("20261026", "", "3.7-5.9 N"),
        ("20260929", "", "3.7-5.9 N"),
        ("20260928", "", "3.5-5.5 N"),
        ("20081027", "", "3.5-5.5 N"),
        ("20081026", "F", "3.4-5.0 N"),
        ("20081026", "M", "3.6-5.2 N"),
        ("19300101", "M", "3.6-5.2 N"),
        // On the day on which it matters, nobody's sex is guessed.
        ("20081026", "", "the patient's sex isn't known"),
        ("20081026", "U", "the patient's sex isn't known"),
        ("", "F", "the patient's age isn't known"),
        ("19801", "F", "the patient's age isn't known"),
        ("20261027", "F", "the patient's age isn't known"),
    ] {
        assert_eq!(told(table(), "4.5", "mmol/L", &patient(birth_date, sex)), expected, "{birth_date} {sex}");
    }
}

#[test]
fn a_range_for_all_needs_nobodys_age() {
    let all = RangeTable { bands: vec![band(None, "", "", "3.5", "5.1")], ..table() };
    assert_eq!(told(all, "5.2", "mmol/L", &patient("", "")), "3.5-5.1 H");
    let adults = RangeTable { bands: vec![band(None, "18 y", "", "3.5", "5.1")], ..table() };
    let child = patient("20200101", "");
    assert_eq!(told(adults, "5.2", "mmol/L", &child), "the laboratory has no range for this sex and age");
    assert_eq!(told(RangeTable::default(), "5.2", "mmol/L", &child), "nothing");
}

#[test]
fn a_flag_is_exact_and_a_comparator_in_doubt_has_none() {
    let adult = patient("19800101", "M");
    for (value, expected) in [
        ("3.59", "3.6-5.2 L"),
        ("3.6", "3.6-5.2 N"),
        ("3.60", "3.6-5.2 N"),
        ("5.2", "3.6-5.2 N"),
        ("5.20000000000000001", "3.6-5.2 H"),
        ("<3.6", "3.6-5.2 L"),
        ("<=3.6", "3.6-5.2"),
        ("<4.0", "3.6-5.2"),
        (">5.2", "3.6-5.2 H"),
        (">=5.2", "3.6-5.2"),
        (">4.0", "3.6-5.2"),
    ] {
        assert_eq!(told(table(), value, "mmol/L", &adult), expected, "{value}");
    }
    let silent = RangeTable { flags: RangeFlags::None, ..table() };
    assert_eq!(told(silent, "9.9", "mmol/L", &adult), "3.6-5.2");
}

#[test]
fn a_range_in_another_unit_is_none() {
    let adult = patient("19800101", "M");
    assert_eq!(
        told(table(), "16", "mg/dL", &adult),
        "the result is in \"mg/dL\", and the laboratory's ranges are in \"mmol/L\""
    );
    assert_eq!(
        told(table(), "4.5", "", &adult),
        "the result is in no unit, and the laboratory's ranges are in \"mmol/L\""
    );
    let none = RangeTable { unit: None, ..table() };
    assert_eq!(told(none.clone(), "4.5", "", &adult), "3.6-5.2 N");
    assert!(told(none, "4.5", "mmol/L", &adult).starts_with("the result is in"));
    let no_value = told(table(), "No Result", "", &adult);
    assert_eq!(no_value, "nothing");
}

#[test]
fn what_the_analyzer_and_the_lims_say_differently_of_a_patient_gives_none() {
    let mut reading = reading(profile());
    Arc::make_mut(&mut reading.codes)
        .insert("K".to_owned(), CodeMapping { ranges: table(), ..CodeMapping::default() });
    let records =
        "H|\\^&|||Sim|||||LIS||P\nP|1||||Muster^Max||19800101|M\nO|1|S1|||R\nR|1|^^^K|4.5|mmol/L||||F\nL|1|N";
    let outcome = read_by(&reading, records.as_bytes());
    let range =
        |of: &Private<Patient>| ranged(only(&outcome), &reading, Some(of), context().received_at).unwrap();
    assert!(range(&patient("19800101", "F")).unwrap_err().contains("different things"));
    assert!(range(&patient("19800102", "M")).unwrap_err().contains("different things"));
    assert!(range(&patient("19800101", "M")).is_ok());
}
