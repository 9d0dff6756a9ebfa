//! What an instrument's letters are in FHIR: statuses and abnormal flags. HL7's tables and ASTM's are two; a model's own
//! letters are nobody else's. A letter without a counterpart is never given one.

use serde_json::{Value, json};

use crate::domain::profile::{Dialect, Profile};
use crate::domain::{Observation, RangeFlag, Status};
use crate::journal::ledger::Void;

/// HL7 table 0085: the letter, and what FHIR calls it where it has a word for it.
const HL7_STATUSES: [(&str, Option<&str>); 15] = [
    ("A", Some("amended")),
    ("B", None),
    ("C", Some("corrected")),
    ("D", Some("entered-in-error")),
    ("F", Some("final")),
    ("I", None),
    ("N", None),
    ("O", None),
    ("P", Some("preliminary")),
    ("R", None),
    ("S", None),
    ("U", None),
    ("V", None),
    ("W", Some("entered-in-error")),
    ("X", Some("cancelled")),
];

/// Letters of it that FHIR has no word for, and that say all the same that a result is final.
const HL7_FINAL: [&str; 2] = ["U", "V"];

/// HL7 table 0078, as far as FHIR has a code for it: the same one.
const HL7_FLAGS: [&str; 39] = [
    "<", ">", "A", "AA", "B", "CAR", "D", "DET", "E", "EX", "EXP", "H", "HH", "HU", "I", "IE", "IND", "L",
    "LL", "LU", "MS", "N", "NCL", "ND", "NEG", "NR", "NS", "POS", "R", "RR", "S", "SDD", "SYN-R", "SYN-S",
    "U", "VS", "UNE", "W", "WR",
];

/// ASTM's abnormal flags, which mean what FHIR's codes of the same letters mean.
const ASTM_FLAGS: [&str; 12] = ["L", "H", "LL", "HH", "<", ">", "N", "A", "U", "D", "B", "W"];

const INTERPRETATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";

/// An Observation's status. The profile has read the letter; what FHIR tells apart and the profile doesn't is read from
/// the letter itself.
pub(super) fn status(observation: &Observation, profile: Option<&Profile>) -> &'static str {
    let letter = observation.status_as_sent.as_str();
    let is_hl7 = profile.is_some_and(|profile| {
        matches!(profile.dialect, Dialect::Hl7(_)) && !profile.statuses.contains_key(letter)
    });
    let row = HL7_STATUSES.iter().find(|(sent, _)| *sent == letter).map(|(_, word)| *word);
    match (row, observation.status) {
        // Only HL7's D and W are corrections.
        (Some(Some("entered-in-error")), Status::Correction) => "entered-in-error",
        (Some(Some("amended")), _) if is_hl7 && !observation.is_without_value() => "amended",
        (Some(None), Status::Final) if is_hl7 && !HL7_FINAL.contains(&letter) => "unknown",
        (_, Status::Correction) => "corrected",
        _ if observation.is_without_value() => "cancelled",
        (_, Status::Preliminary) => "preliminary",
        (_, Status::Final) => "final",
        (_, Status::Failed) => "cancelled",
    }
}

/// What a result is that counts no more.
pub(super) fn void(void: Void) -> &'static str {
    match void {
        Void::Misread | Void::Recoded | Void::Withdrawn => "entered-in-error",
        Void::Rejected => "cancelled",
    }
}

/// Whether the letter says something that the status doesn't, and so must stand beside it.
pub(super) fn says_more(observation: &Observation, profile: Option<&Profile>) -> bool {
    let letter = observation.status_as_sent.as_str();
    let hl7 = profile.is_some_and(|profile| matches!(profile.dialect, Dialect::Hl7(_)));
    hl7 && HL7_STATUSES.contains(&(letter, None))
}

/// A flag as sent, with its code where it has one.
pub(super) fn interpretation(flag: &str, profile: Option<&Profile>) -> Value {
    let known: &[&str] = match profile.filter(|profile| !profile.flags.contains_key(flag)) {
        Some(Profile { dialect: Dialect::Hl7(_), .. }) => &HL7_FLAGS,
        Some(Profile { dialect: Dialect::Astm(_), .. }) => &ASTM_FLAGS,
        Some(Profile { dialect: Dialect::Table(_), .. }) | None => &[],
    };
    match known.contains(&flag) {
        true => json!({ "coding": [{ "system": INTERPRETATION, "code": flag }], "text": flag }),
        false => json!({ "text": flag }),
    }
}

/// A flag by the laboratory's own range.
pub(super) fn of_range(flag: RangeFlag) -> Value {
    let code = flag.letter();
    json!({
        "coding": [{ "system": INTERPRETATION, "code": code }],
        "text": format!("{code}, by the laboratory's range")
    })
}

/// What a report's results amount to, by their statuses.
pub(super) fn report_status(statuses: &[&'static str]) -> &'static str {
    let any = |wanted: &str| statuses.contains(&wanted);
    let all = |wanted: &str| statuses.iter().all(|status| *status == wanted);
    match () {
        () if all("entered-in-error") => "entered-in-error",
        () if all("cancelled") => "cancelled",
        () if any("preliminary") => "preliminary",
        () if any("corrected") || any("entered-in-error") => "corrected",
        () if any("amended") => "amended",
        () if any("unknown") => "unknown",
        () => "final",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::delivery::sample::{number, plain};
    use crate::domain::Value as Measured;
    use crate::domain::profile::{FlagMeaning, StatusMeaning, Trust};

    fn astm() -> Profile {
        Profile::standard("a", 1, Dialect::Astm(Box::default()))
    }

    fn hl7() -> Profile {
        Profile::standard("h", 1, Dialect::Hl7(Box::default()))
    }

    /// As the profile reads the letter, a result with a value or without.
    fn result(profile: &Profile, letter: &str, value: Measured) -> Observation {
        let status = profile.status(letter).map_or(Status::Preliminary, |meaning| meaning.status);
        Observation { status, status_as_sent: letter.to_owned(), ..plain("K", value) }
    }

    fn absent() -> Measured {
        Measured::Absent { reason: "clot".to_owned() }
    }

    #[test]
    fn hl7s_status_letters_have_their_own_table() {
        for (letter, expected) in [
            ("F", "final"),
            ("P", "preliminary"),
            ("C", "corrected"),
            ("A", "amended"),
            ("D", "entered-in-error"),
            ("W", "entered-in-error"),
            ("X", "cancelled"),
            ("R", "preliminary"),
            ("S", "preliminary"),
            ("U", "final"),
            ("V", "final"),
            ("B", "preliminary"),
            ("?", "preliminary"),
        ] {
            let profile = hl7();
            assert_eq!(
                status(&result(&profile, letter, number(None, "4.1")), Some(&profile)),
                expected,
                "{letter}"
            );
        }
        // A site may let results leave whose letter its profile doesn't know.
        for letter in ["B", "I", "N", "O", "R", "S"] {
            let shown = Observation { status: Status::Final, ..result(&hl7(), letter, number(None, "4.1")) };
            assert_eq!(status(&shown, Some(&hl7())), "unknown", "{letter} is never final by itself");
        }
    }

    #[test]
    fn astms_status_letters_are_not_hl7s() {
        for (letter, expected) in [
            ("F", "final"),
            ("R", "final"),
            ("V", "final"),
            ("W", "final"),
            ("P", "preliminary"),
            ("C", "corrected"),
            ("X", "cancelled"),
            ("A", "preliminary"),
        ] {
            let profile = astm();
            let observation = result(&profile, letter, number(None, "4.1"));
            assert_eq!(status(&observation, Some(&profile)), expected, "{letter}");
            assert!(!says_more(&observation, Some(&profile)));
        }
    }

    #[test]
    fn a_models_own_letters_come_first() {
        let mut profile = hl7();
        let meaning = StatusMeaning { status: Status::Final, trust: Trust::Plain };
        profile.statuses.insert("P".to_owned(), meaning);
        assert_eq!(status(&result(&profile, "P", number(None, "4.1")), Some(&profile)), "final");
        let own = FlagMeaning { meaning: "rerun".to_owned(), trust: Trust::Plain };
        profile.flags.insert("R".to_owned(), own);
        assert_eq!(interpretation("R", Some(&profile)), json!({ "text": "R" }));
    }

    #[test]
    fn a_run_without_a_value_is_cancelled_unless_it_corrects_one_that_had_one() {
        for (letter, expected) in
            [("F", "cancelled"), ("X", "cancelled"), ("C", "corrected"), ("A", "cancelled")]
        {
            assert_eq!(status(&result(&hl7(), letter, absent()), Some(&hl7())), expected, "{letter}");
        }
    }

    #[test]
    fn a_flag_has_a_code_where_its_protocol_gives_it_one() {
        let coded =
            |flag: &str, profile: Option<&Profile>| interpretation(flag, profile).get("coding").is_some();
        for (flag, in_hl7, in_astm) in [
            ("H", true, true),
            ("LL", true, true),
            ("<", true, true),
            ("POS", true, false),
            ("R", true, false),
            ("AC", false, false),
            ("HM", false, false),
            ("OBX", false, false),
            ("QCF", false, false),
            ("TOX", false, false),
            ("null", false, false),
        ] {
            assert_eq!(coded(flag, Some(&hl7())), in_hl7, "{flag}");
            assert_eq!(coded(flag, Some(&astm())), in_astm, "{flag}");
            assert!(!coded(flag, None), "{flag} of a model that nobody knows any more");
            assert_eq!(interpretation(flag, None), json!({ "text": flag }));
        }
    }

    #[test]
    fn a_report_is_what_its_results_amount_to() {
        for (statuses, expected) in [
            (&["final", "final"][..], "final"),
            (&["final", "preliminary", "corrected"], "preliminary"),
            (&["final", "corrected"], "corrected"),
            (&["final", "entered-in-error"], "corrected"),
            (&["entered-in-error"], "entered-in-error"),
            (&["cancelled", "cancelled"], "cancelled"),
            (&["cancelled", "final"], "final"),
            (&["amended", "final"], "amended"),
            (&["unknown", "final"], "unknown"),
        ] {
            assert_eq!(report_status(statuses), expected, "{statuses:?}");
        }
    }

    #[test]
    fn the_tables_are_those_that_were_published() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/clinical");
        if !folder.is_dir() {
            eprintln!("the published tables aren't here; nothing was compared");
            return;
        }
        let rows = std::fs::read_to_string(folder.join("flag_map.csv")).unwrap();
        let (mut flags, mut statuses) = (0, 0);
        for row in rows.lines().skip(1) {
            let (table, rest) = row.split_once(',').unwrap();
            let (letter, rest) = rest.split_once(',').unwrap();
            let word = Some(rest.rsplit(',').next().unwrap()).filter(|word| !word.is_empty());
            match table {
                "0078" => {
                    flags += 1;
                    assert_eq!(HL7_FLAGS.contains(&letter).then_some(letter), word, "{row}");
                }
                _ => {
                    statuses += 1;
                    assert!(HL7_STATUSES.contains(&(letter, word)), "{row}");
                }
            }
        }
        assert_eq!((flags, statuses), (HL7_FLAGS.len() + 5, HL7_STATUSES.len()));
    }
}
