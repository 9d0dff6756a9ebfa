//! Qualitative values: by the site's table, by the kind that the site names, and what becomes of what is neither. Each
//! keeps what was sent.

use super::*;
use crate::domain::profile::{Hl7Dialect, Hl7Location};
use crate::domain::{CodeMapping, CodeSystem, Coding, UnknownValue, ValueKind};

fn coding(code: &str) -> Coding {
    Coding { code: code.to_owned(), system: CodeSystem::Local, text: None }
}

fn values<const N: usize>(values: [(&str, &str); N]) -> CodeMapping {
    let values = values.map(|(sent, code)| (sent.to_owned(), coding(code)));
    CodeMapping { values: BTreeMap::from(values), ..CodeMapping::default() }
}

/// What a value comes to where the site says this of its test, and whether it waits.
fn told(site: CodeMapping, test: &str, value: &str) -> String {
    let mut reading = reading(profile());
    Arc::make_mut(&mut reading.codes).insert(test.split('^').next().unwrap().to_owned(), site);
    let message = format!("H|\\^&|||Sim|||||LIS||P\nP|1\nO|1|S1|||R\nR|1|^^^{test}|{value}|||||F\nL|1|N");
    let outcome = read_by(&reading, message.as_bytes());
    let it = only(&outcome);
    assert_eq!(it.value_as_sent, value, "what was sent is kept");
    shown_with_coding(it)
}

fn shown_with_coding(it: &Observation) -> String {
    let coding = it.value.coding().map_or(String::new(), |coding| format!(" = {}", coding.code));
    let waits = if holds(it) == [HoldReason::OddValue] { ", held" } else { "" };
    format!("{}{coding}{waits}", shown(&it.value))
}

#[test]
fn a_value_of_the_table_has_its_code_and_any_other_waits() {
    let table = || values([("NEG", "N"), ("POS", "P"), ("1+", "P1"), ("E. coli", "ECO"), ("<1:20", "T0")]);
    for (value, expected) in [
        ("NEG", "code NEG = N"),
        (" POS ", "code POS = P"),
        ("1+", "code 1+ = P1"),
        ("E. coli", "code E. coli = ECO"),
        ("<1:20", "code <1:20 = T0"),
        ("pos", "text pos, held"),
        ("POSITIVE", "text POSITIVE, held"),
        ("2+", "text 2+, held"),
        // Numbers are the test's own kind, by the profile.
        ("4.1", "4.1"),
    ] {
        assert_eq!(told(table(), "K", value), expected, "{value:?}");
    }
    let coded = CodeMapping { kind: Some(ValueKind::Coded), ..table() };
    assert_eq!(told(coded, "K", "4.1"), "text 4.1, held");
    let shown = CodeMapping { unknown_value: UnknownValue::Show, ..table() };
    assert_eq!(told(shown, "K", "pos"), "text pos");
}

#[test]
fn a_number_is_never_a_code_by_accident() {
    // What the table lists is meant exactly so; every other number stays one.
    let site = || values([("1", "P")]);
    assert_eq!(told(site(), "K", "1"), "code 1 = P");
    assert_eq!(told(site(), "K", "1.0"), "1.0");
    assert_eq!(told(site(), "K", "01"), "01");
}

#[test]
fn a_table_that_is_there_is_whole() {
    // The profile knows Reactive; the laboratory's table doesn't, and its LIMS neither.
    assert_eq!(told(values([]), "SER^^I", "Reactive"), "code Reactive");
    assert_eq!(told(values([("Nonreactive", "N")]), "SER^^I", "Reactive"), "text Reactive, held");
    assert_eq!(told(values([("Reactive", "R")]), "SER^^I", "Reactive"), "code Reactive = R");
    // A site's kind is of the test itself, not of each side of it.
    let quantity = || CodeMapping { kind: Some(ValueKind::Quantity), ..CodeMapping::default() };
    assert_eq!(told(quantity(), "SER^^I", "4.1"), "text 4.1, held");
    assert_eq!(told(quantity(), "SER^^I", "Reactive"), "code Reactive");
    assert_eq!(told(quantity(), "SER^^F", "4.1"), "4.1");
}

#[test]
fn a_kind_that_the_site_names_comes_before_the_profiles() {
    let of = |kind| CodeMapping { kind: Some(kind), ..CodeMapping::default() };
    for (kind, value, expected) in [
        (ValueKind::Text, "see the image", "text see the image"),
        (ValueKind::Text, "4.1", "text 4.1"),
        (ValueKind::Titre, "1:80", "text 1:80"),
        (ValueKind::Titre, ">1:640", "text >1:640"),
        (ValueKind::Titre, "80", "text 80, held"),
        (ValueKind::Quantity, "1:80", "text 1:80, held"),
        (ValueKind::Quantity, "<4.1", "<4.1"),
    ] {
        assert_eq!(told(of(kind), "K", value), expected, "{kind:?} {value:?}");
    }
}

#[test]
fn a_failed_run_is_none_whatever_the_table_says() {
    let site = values([("No Result", "NORES")]);
    assert_eq!(told(site, "K", "No Result"), "absent: the analyzer gave no result");
}

/// What an OBX comes to under a profile that knows no test, where the site says this of SARS.
fn told_over_hl7(site: CodeMapping, obx: &str) -> String {
    let mut dialect = Hl7Dialect::default();
    dialect.places.code = vec![Hl7Location::parse("OBX-3.1").unwrap()];
    let mut reading = reading(Profile::standard("any", 1, Dialect::Hl7(Box::new(dialect))));
    Arc::make_mut(&mut reading.codes).insert("SARS".to_owned(), site);
    let header = "MSH|^~\\&|SIM|LAB|||20260501||ORU^R01|7|P|2.5.1\rOBR|1||S1\r";
    let outcome = read_by(&reading, format!("{header}OBX|1|{obx}||||||F\r").as_bytes());
    shown_with_coding(only(&outcome))
}

#[test]
fn coded_results_of_an_analyzer_without_a_profile_are_read_by_the_sites_table() {
    let table = || values([("260373001", "D"), ("Not detected", "ND"), ("1:80", "T80"), ("2+", "P2")]);
    for (obx, expected) in [
        ("CWE|SARS||260373001^Detected^SCT", "code 260373001 = D"),
        ("CE|SARS||^Not detected", "code Not detected = ND"),
        ("ST|SARS||Not detected", "code Not detected = ND"),
        ("CWE|SARS||419984006^Inconclusive^SCT", "text 419984006, held"),
        ("SN|SARS||^1^:^80", "code 1:80 = T80"),
        ("SN|SARS||^2^+", "code 2+ = P2"),
        ("SN|SARS||^1^:^160", "text 1:160, held"),
        ("NM|SARS||32.5", "32.5"),
    ] {
        assert_eq!(told_over_hl7(table(), obx), expected, "{obx}");
    }
    let none = CodeMapping::default;
    assert_eq!(told_over_hl7(none(), "CWE|SARS||260373001^Detected^SCT"), "text 260373001, held");
    let shown = || CodeMapping { unknown_value: UnknownValue::Show, ..none() };
    assert_eq!(told_over_hl7(shown(), "CWE|SARS||260373001^Detected^SCT"), "code 260373001");
    assert_eq!(told_over_hl7(shown(), "ST|SARS||Detected"), "text Detected");
    assert_eq!(told_over_hl7(shown(), "DT|SARS||20260501"), "text 20260501", "a date is no number");
    let titre = CodeMapping { kind: Some(ValueKind::Titre), ..none() };
    assert_eq!(told_over_hl7(titre, "SN|SARS||^1^:^160"), "text 1:160");
}

#[test]
fn a_structured_number_that_is_more_than_one_never_becomes_another_number() {
    let any = || CodeMapping { unknown_value: UnknownValue::Show, ..CodeMapping::default() };
    for (obx, expected) in [
        ("SN|SARS||^5^-^10", "text 5-10"),
        ("SN|SARS||^1^/^2", "text 1/2"),
        ("SN|SARS||>^1^:^640", "text >1:640"),
        // Put together these would be 15, 1.5 and -5.
        ("SN|SARS||^1^^5", "text ^1^^5, held"),
        ("SN|SARS||^1^.^5", "text ^1^.^5, held"),
        ("SN|SARS||^^-^5", "text ^^-^5, held"),
    ] {
        assert_eq!(told_over_hl7(any(), obx), expected, "{obx}");
    }
}
