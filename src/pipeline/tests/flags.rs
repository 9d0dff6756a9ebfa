//! Statuses and flags: each letter by the table of its protocol, row by row as it was published, and what becomes of one
//! that nobody knows.

use std::path::Path;

use super::*;
use crate::domain::Status;
use crate::domain::call::Tell;
use crate::domain::profile::{Hl7Dialect, Unknown};

fn hl7_profile(unknown: Unknown) -> Profile {
    let standard = Profile::standard("any", 1, Dialect::Hl7(Box::<Hl7Dialect>::default()));
    Profile { tests: profile().tests, unknown_status: unknown, unknown_flag: unknown, ..standard }
}

/// A result with this flag and status over HL7.
fn read_hl7(unknown: Unknown, flag: &str, status: &str) -> Outcome {
    let message = format!(
        "MSH|^~\\&|SIM|LAB|||20260501||ORU^R01|7|P|2.5.1\rOBR|1||S1\rOBX|1|NM|K||4.1|mmol/L||{flag}|||{status}\r"
    );
    read_by(&reading(hl7_profile(unknown)), message.as_bytes())
}

/// The rows of the published map: table, letter, and FHIR's word.
fn published() -> Option<Vec<(String, String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/clinical");
    if !folder.is_dir() {
        eprintln!("the published tables aren't here; nothing was compared");
        return None;
    }
    let text = std::fs::read_to_string(folder.join("flag_map.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let row = |row: csv::StringRecord| (row[0].to_owned(), row[1].to_owned(), row[4].to_owned());
    let rows: Vec<_> = rows.records().map(|it| row(it.unwrap())).collect();
    assert_eq!(rows.len(), 44 + 15, "the map that was published");
    Some(rows)
}

#[test]
fn each_published_status_is_what_it_says_and_none_becomes_final_that_has_no_word_for_it() {
    for (table, letter, word) in published().unwrap_or_default() {
        if table != "0085" {
            continue;
        }
        for unknown in [Unknown::Hold, Unknown::Show, Unknown::Tell] {
            let outcome = read_hl7(unknown, "N", &letter);
            let it = only(&outcome);
            let expected: &[Status] = match (word.as_str(), letter.as_str()) {
                ("final", _) => &[Status::Final],
                ("preliminary", _) => &[Status::Preliminary],
                ("corrected" | "entered-in-error", _) => &[Status::Correction],
                ("cancelled", _) => &[Status::Failed],
                // Their results are final, by the table's own words.
                ("", "U" | "V") => &[Status::Final],
                // Final ones that a profile must know before they leave as such.
                ("amended", _) | ("", "B") => &[Status::Preliminary, Status::Final],
                _ => &[Status::Preliminary],
            };
            assert!(expected.contains(&it.status), "{letter} {unknown:?}: {:?}", it.status);
            let in_error = word == "entered-in-error";
            assert_eq!(holds(it).contains(&HoldReason::StatusInDoubt), letter == "R", "{letter}");
            assert_eq!(holds(it).contains(&HoldReason::Withdrawn), in_error, "{letter}");
        }
    }
}

#[test]
fn each_published_flag_is_known_and_what_questions_a_result_holds_it() {
    for (table, code, word) in published().unwrap_or_default() {
        if table != "0078" {
            continue;
        }
        let held = holds(only(&read_hl7(Unknown::Show, &code, "F")));
        let expected: &[HoldReason] = match (word.as_str(), code.as_str()) {
            ("", "AC" | "HM" | "QCF" | "TOX") => &[HoldReason::StatusInDoubt],
            _ => &[],
        };
        assert_eq!(held, expected, "{code}");
        let held = holds(only(&read_hl7(Unknown::Hold, &code, "F")));
        assert_eq!(held.is_empty(), !word.is_empty(), "{code}: what has no word isn't waved through");
    }
}

#[test]
fn what_becomes_of_an_unknown_flag_is_the_profiles_to_say() {
    for (unknown, held, problems) in [
        (Unknown::Hold, vec![HoldReason::UnknownFlag], vec![]),
        (Unknown::Show, vec![], vec![]),
        (Unknown::Tell, vec![], vec!["unknown-flag"]),
    ] {
        let outcome = read_hl7(unknown, "N~QQ", "F");
        assert_eq!((holds(only(&outcome)), kinds(&outcome)), (held, problems), "{unknown:?}");
        assert_eq!(only(&outcome).flags, ["N", "QQ"], "it is kept as sent");
    }
}

#[test]
fn a_result_that_is_not_verified_is_never_final_whatever_a_profile_shows() {
    for letter in ["R", "I", "N", "O", "S"] {
        for unknown in [Unknown::Hold, Unknown::Show, Unknown::Tell] {
            assert_ne!(only(&read_hl7(unknown, "N", letter)).status, Status::Final, "{letter}");
        }
    }
}

#[test]
fn a_flag_in_the_place_of_a_number_is_for_a_person_and_no_run_without_a_value() {
    for (value, flag, status, held) in [
        ("", ">", "F", true),
        ("\"\"", "<", "F", true),
        ("", "HH", "C", true),
        ("", "A~LL", "P", true),
        ("", "H", "F", false),
        ("", "", "F", false),
        ("", ">", "X", false),
    ] {
        let message = format!(
            "MSH|^~\\&|SIM|LAB|||20260501||ORU^R01|7|P|2.5.1\rOBR|1||S1\rOBX|1|NM|K||{value}|mmol/L||{flag}|||{status}\r"
        );
        let outcome = read_by(&reading(hl7_profile(Unknown::Show)), message.as_bytes());
        let it = only(&outcome);
        assert_eq!(holds(it).contains(&HoldReason::OddValue), held, "{value} {flag} {status}");
        assert_eq!(it.is_without_value(), !held, "{value} {flag} {status}");
        assert_eq!(kinds(&outcome).contains(&"odd-value"), held, "{value} {flag} {status}");
    }
}

#[test]
fn whoever_is_called_hears_the_flag_as_it_was_sent_whatever_it_means() {
    for (value, flag, words) in [
        ("500", "H", "500 mmol/L"),
        ("500", ">", "500 mmol/L, flagged >"),
        (">500", ">", ">500 mmol/L"),
        (">500", "<", ">500 mmol/L, flagged <"),
    ] {
        let message = format!(
            "MSH|^~\\&|SIM|LAB|||20260501||ORU^R01|7|P|2.5.1\rOBR|1||S1\rOBX|1|NM|K||{value}|mmol/L||{flag}|||F\r"
        );
        let outcome = read_by(&reading(hl7_profile(Unknown::Show)), message.as_bytes());
        assert_eq!(Tell::of(only(&outcome)).words().english(), words, "{value} {flag}");
    }
}
