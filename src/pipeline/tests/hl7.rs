//! HL7 messages in: what belongs to what, what becomes of each type of value, and of each thing that can be wrong.

use super::*;
use crate::domain::profile::{Hl7Dialect, Hl7Location, Hl7Places, Hl7Rule, OrderResults, Pattern};
use crate::domain::{ProblemKind, SampleClass, Status};

fn hl7_profile() -> Profile {
    let mut profile = Profile { dialect: Dialect::Hl7(Box::default()), ..profile() };
    profile.tests.insert("IMG".into(), profile.tests["K"].clone());
    profile
}

/// The made-up model's way with HL7.
fn hl7(profile: &mut Profile) -> &mut Hl7Dialect {
    match &mut profile.dialect {
        Dialect::Hl7(dialect) => dialect,
        Dialect::Astm(_) | Dialect::Table(_) => panic!("it speaks something else"),
    }
}

/// Reads segments, one a line, with the standard's places.
fn read_segments(segments: &str) -> Outcome {
    read_by(&reading(hl7_profile()), segments.replace('\n', "\r").as_bytes())
}

fn seen(outcome: &Outcome) -> Vec<(String, String, String)> {
    let row =
        |it: &Observation| (it.specimen.reveal().to_owned(), it.test.code.clone(), it.value_as_sent.clone());
    outcome.observations.iter().map(row).collect()
}

fn kinds(outcome: &Outcome) -> Vec<ProblemKind> {
    outcome.problems.iter().map(|problem| problem.kind).collect()
}

const HEADER: &str = "MSH|^~\\&|SIM|LAB|||20260501||ORU^R01|7|P|2.5.1\n";

fn rows(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    rows.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
}

#[test]
fn a_result_belongs_to_its_order_and_that_to_its_patient_whichever_segment_comes_first() {
    for (segments, expected) in [
        (
            "PID|1||P1\nOBR|1||S1\nOBX|1|NM|K||4.1\nOBX|2|NM|HGB||140\nOBR|2||S2\nOBX|1|NM|K||4.2",
            rows(&[("S1", "K", "4.1"), ("S1", "HGB", "140"), ("S2", "K", "4.2")]),
        ),
        (
            "PID|1||P1\nORC|RE\nOBR|1||S1\nOBX|1|NM|K||4.1\nORC|RE\nOBR|2||S2\nOBX|1|NM|K||4.2",
            rows(&[("S1", "K", "4.1"), ("S2", "K", "4.2")]),
        ),
        // The specimen may come after its results.
        (
            "PID|1||P1\nOBR|1\nOBX|1|NM|K||4.1\nSPM|1|S1\nOBR|2\nOBX|1|NM|K||4.2\nSPM|1|S2",
            rows(&[("S1", "K", "4.1"), ("S2", "K", "4.2")]),
        ),
        // Or lead them, with OBR before ORC.
        (
            "SPM|1|S1&FILLER\nSAC|||C1\nOBR|1\nORC|SC\nOBX|1|NM|K||4.1\nOBR|2\nORC|SC\nOBX|1|NM|HGB||140\nSPM|2|S2\nSAC|||C2\nOBR|1\nOBX|1|NM|K||4.2",
            rows(&[("S1", "K", "4.1"), ("S1", "HGB", "140"), ("S2", "K", "4.2")]),
        ),
        (
            "PID|1\nSAC|||C1\nOBR|1\nOBX|1|NM|K||4.1\nSAC|||C2\nOBR|1\nOBX|1|NM|K||4.2",
            rows(&[("C1", "K", "4.1"), ("C2", "K", "4.2")]),
        ),
    ] {
        let outcome = read_segments(&format!("{HEADER}{segments}"));
        assert_eq!(seen(&outcome), expected, "{segments}");
        assert!(!kinds(&outcome).contains(&ProblemKind::OutOfPlace), "{segments}");
    }
}

#[test]
fn a_second_patient_has_nothing_of_the_first() {
    let outcome = read_segments(&format!(
        "{HEADER}PID|1||P1||DOE^JANE\nOBR|1||S1\nOBX|1|NM|K||4.1\nPID|2||P2\nOBR|1\nOBX|1|NM|K||4.2"
    ));
    let patients: Vec<_> = outcome.observations.iter().map(|it| it.patient.reveal().clone()).collect();
    assert_eq!((patients[0].id.as_str(), patients[0].name.as_str()), ("P1", "DOE^JANE"));
    assert_eq!((patients[1].id.as_str(), patients[1].name.as_str()), ("P2", ""));
    assert_eq!(outcome.observations[1].specimen.reveal(), "");
    assert!(matches!(outcome.observations[1].standing, Standing::Held(_)), "a blank specimen waits");
}

#[test]
fn who_assigned_a_patients_number_stands_beside_the_number_that_counts() {
    for (pid, number) in [
        ("PID|1||55^^^HOSP&1.2.3&ISO^MR~66^^^ELSEWHERE", ("55", "HOSP&1.2.3")),
        ("PID|1||55", ("55", "")),
        ("PID|1||55^^^&1.2.3&ISO", ("55", "1.2.3")),
        ("PID|1|77^^^OLD|^^^HOSP", ("77", "OLD")),
        ("PID|1|77^^^OLD|55", ("55", "")),
    ] {
        let outcome = read_segments(&format!("{HEADER}{pid}\nOBR|1||S1\nOBX|1|NM|K||4.1"));
        let patient = outcome.observations[0].patient.reveal();
        assert_eq!((patient.id.as_str(), patient.authority.as_str()), number, "{pid}");
    }
}

#[test]
fn each_type_of_value_is_read_as_its_type_says() {
    let value = |obx: &str| {
        let outcome = read_segments(&format!("{HEADER}OBR|1||S1\nOBX|1|{obx}||||||F"));
        assert_eq!(kinds(&outcome), [], "{obx}");
        match outcome.observations[0].value.clone() {
            Value::Quantity { comparator, number } => {
                format!("{}{}", comparator.map_or("", crate::domain::Comparator::as_str), number.as_str())
            }
            Value::Code { code, .. } => format!("code {code}"),
            Value::Text(text) => format!("text {text}"),
            Value::Absent { .. } => "none".to_owned(),
        }
    };
    assert_eq!(value("NM|K||4.10"), "4.10");
    assert_eq!(value("SN|K||>^250"), ">250");
    assert_eq!(value("SN|K||^250"), "250");
    assert_eq!(value("ST|K||<0.5"), "<0.5");
    assert_eq!(value("NM|K||"), "none");
    assert_eq!(value("NM|K||\"\""), "none");
    for odd in ["SN|K||^1^:^128", "NM|K||1^2", "NM|K||1~2", "XPN|K||DOE^JANE"] {
        let outcome = read_segments(&format!("{HEADER}OBR|1||S1\nOBX|1|{odd}||||||F"));
        assert_eq!(kinds(&outcome), [ProblemKind::OddValue], "{odd}");
        assert!(matches!(outcome.observations[0].standing, Standing::Held(_)), "{odd} waits for a person");
    }
}

#[test]
fn the_letters_of_a_status_mean_what_table_0085_says() {
    for (letter, status, held) in [
        ("F", Status::Final, false),
        ("C", Status::Correction, false),
        ("P", Status::Preliminary, false),
        ("R", Status::Preliminary, true),
        ("W", Status::Correction, true),
        ("Z", Status::Preliminary, true),
    ] {
        let outcome = read_segments(&format!("{HEADER}OBR|1||S1\nOBX|1|NM|K||4.1|mmol/L|||||{letter}"));
        let it = &outcome.observations[0];
        assert_eq!((it.status, matches!(it.standing, Standing::Held(_))), (status, held), "{letter}");
    }
    let failed = read_segments(&format!("{HEADER}OBR|1||S1\nOBX|1||K||||||||X"));
    assert_eq!(failed.observations[0].status, Status::Failed);
    assert!(matches!(failed.observations[0].value, Value::Absent { .. }));
}

#[test]
fn an_image_is_carried_along_and_is_no_result() {
    let outcome = read_segments(&format!(
        "{HEADER}OBR|1||S1\nOBX|1|ED|IMG^WBC scattergram||^image^BMP^Base64^Qk0=\nOBX|2|NM|K||4.1\nNTE|1|L|checked\nOBX|3|ED|IMG||^image^BMP^Base64^Qk1="
    ));
    assert_eq!(seen(&outcome), rows(&[("S1", "K", "4.1")]));
    let it = &outcome.observations[0];
    let attached: Vec<&str> = it.attachments.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(attached, ["OBX IMG", "OBX IMG"]);
    assert_eq!(it.comments[0].text.reveal(), "checked");
}

#[test]
fn a_control_stays_a_control_and_a_training_message_leaves_for_nowhere() {
    let outcome = read_segments(
        "MSH|^~\\&|SIM|LAB|||20260501||OUL^R22|7|D|2.5.1\nSPM|1|QC1|||||||||Q\nOBR|1\nOBX|1|NM|K||4.1||||||F",
    );
    assert_eq!(outcome.observations[0].class, SampleClass::Control);
    assert!(outcome.not_production);
    assert_eq!(kinds(&outcome), [ProblemKind::NotProduction]);
}

#[test]
fn what_can_not_be_read_is_said_and_the_rest_is_read() {
    for (message, expected) in [
        ("PID|1\rOBX|1".to_owned(), vec![ProblemKind::Unreadable]),
        (String::new(), vec![ProblemKind::Unreadable]),
        (format!("{HEADER}PID|1"), vec![ProblemKind::NoResult]),
        (format!("{HEADER}OBX|1|NM|K||4.1||||||F"), vec![ProblemKind::OutOfPlace]),
        (format!("{HEADER}OBR|1||S1\nZZZ|1\nOBX|1|NM|K||4.1||||||F"), vec![ProblemKind::UnknownRecord]),
        (format!("{HEADER}OBR|1||S1\nOBX|1|NM|NEW||4.1||||||F"), vec![ProblemKind::UnknownCode]),
    ] {
        assert_eq!(kinds(&read_segments(&message)), expected, "{message}");
    }
    let latin =
        b"MSH|^~\\&|SIM|LAB|||20260501||ORU^R01|7|P|2.5.1\rOBR|1||S1\rOBX|1|NM|K||4.1|\xB5mol/L|||||F\r";
    let undeclared = read_by(&reading(Profile { ..hl7_profile() }), latin);
    assert_eq!(kinds(&undeclared), [ProblemKind::UndecodableText]);
    let told = Reading { character_set: Some(encoding_rs::WINDOWS_1252), ..reading(hl7_profile()) };
    let read = read_by(&told, latin);
    assert_eq!((kinds(&read).len(), read.observations[0].unit.as_deref()), (0, Some("µmol/L")));
}

#[test]
fn a_query_names_its_specimens() {
    let outcome = read_segments(
        "MSH|^~\\&|SIM|LAB|||20260501||QRY^Q02|7|P|2.3.1\nQRD|20260501|R|D|1|||RD|S1|OTH|||T\nQRF|SIM",
    );
    assert_eq!(outcome.queries.len(), 1);
    let asked: Vec<&str> = outcome.queries[0].specimens.iter().map(|it| it.reveal()).collect();
    assert_eq!((asked, outcome.queries[0].cancels), (vec!["S1"], false));
}

#[test]
fn digits_that_are_a_code_or_a_date_are_never_a_number() {
    let mut reading = reading(hl7_profile());
    Arc::make_mut(&mut reading.codes).insert("LAB".into(), crate::domain::CodeMapping::default());
    for (obx, expected) in [
        ("CE|LAB||260415000^Not detected^SCT", "text 260415000"),
        ("CWE|K||3^reactive", "text 3"),
        ("DTM|LAB||20260430", "text 20260430"),
        ("IS|LAB||1", "text 1"),
        ("NM|LAB||1", "1"),
        ("ST|LAB||1", "1"),
    ] {
        let message = format!("{HEADER}OBR|1||S1\nOBX|1|{obx}||||||F").replace('\n', "\r");
        let outcome = read_by(&reading, message.as_bytes());
        let it = &outcome.observations[0];
        assert_eq!(shown(&it.value), expected, "{obx}");
        assert_eq!(matches!(it.standing, Standing::Held(_)), expected.starts_with("text"), "{obx}");
    }
}

#[test]
fn a_header_that_names_a_control_is_no_mark_of_training() {
    let mut profile = hl7_profile();
    let at = |place: &str| Hl7Location::parse(place).unwrap();
    hl7(&mut profile).classes =
        vec![(Hl7Rule { at: at("MSH-11"), is: Pattern::new("Q") }, Some(SampleClass::Control))];
    let reading = reading(profile);
    for (mark, class, leaves) in [
        ("P", SampleClass::Patient, true),
        ("Q", SampleClass::Control, true),
        ("T", SampleClass::Patient, false),
        ("D", SampleClass::Patient, false),
    ] {
        let header = HEADER.replace("|P|", &format!("|{mark}|"));
        let message = format!("{header}OBR|1||S1\nOBX|1|NM|K||4.1||||||F").replace('\n', "\r");
        let outcome = read_by(&reading, message.as_bytes());
        assert_eq!((outcome.observations[0].class, !outcome.not_production), (class, leaves), "{mark}");
    }
}

#[test]
fn an_order_can_be_a_result_where_the_profile_says_so() {
    let mut profile = hl7_profile();
    let at = |place: &str| vec![Hl7Location::parse(place).unwrap()];
    hl7(&mut profile).order_results = Some(OrderResults {
        rule: Hl7Rule { at: at("MSH-16")[0], is: Pattern::new("2") },
        places: Hl7Places {
            specimen: at("OBR-14"),
            code: at("OBR-2"),
            value: at("OBR-20"),
            unit: at("OBR-21"),
            status: Vec::new(),
            ..Hl7Places::default()
        },
    });
    let reading = reading(profile);
    let control = "OBR|1|K||||||||||||LOT7||||||4.1|mmol/L";
    let message = |kind: &str, segments: &str| {
        let header = HEADER.trim_end();
        format!("{header}||||{kind}\n{segments}").replace('\n', "\r").into_bytes()
    };
    let outcome = read_by(&reading, &message("2", control));
    assert_eq!((seen(&outcome), kinds(&outcome)), (rows(&[("LOT7", "K", "4.1")]), Vec::new()));
    let it = &outcome.observations[0];
    assert_eq!((shown(&it.value).as_str(), it.unit.as_deref()), ("4.1", Some("mmol/L")));
    assert_eq!((it.status, it.standing.clone()), (Status::Final, Standing::Clear));
    assert_eq!(it.attachments[0].content.reveal(), control);

    let patient = read_by(&reading, &message("0", control));
    assert_eq!((patient.observations.len(), kinds(&patient)), (0, vec![ProblemKind::NoResult]));
    let with_result = read_by(&reading, &message("2", "OBR|1||S1\nOBX|1|NM|K||4.2||||||F"));
    assert_eq!(seen(&with_result), rows(&[("S1", "K", "4.2")]));
}

#[test]
fn what_is_refused_to_the_analyzer_is_a_problem_and_no_result() {
    let results = "OBR|1||S1\nOBX|1|NM|K||4.1||||||F\nQPD|1|2|S1";
    for (from, to, code) in [
        ("|2.5.1", "|3.0", "203"),
        ("|2.5.1", "|25", "203"),
        ("ORU^R01", "ADT^A08", "200"),
        ("ORU^R01", "", "200"),
    ] {
        let outcome = read_segments(&(HEADER.replace(from, to) + results));
        assert_eq!(kinds(&outcome), [ProblemKind::Refused], "{to}");
        assert!(outcome.observations.is_empty() && outcome.queries.is_empty(), "{to}");
        let text = outcome.problems[0].text.reveal();
        assert!(text.contains(code) && text.contains(to.trim_start_matches('|')), "{text}");
    }
    for version in ["|2.3", "|2.9", "|"] {
        assert_eq!(
            seen(&read_segments(&(HEADER.replace("|2.5.1", version) + results))).len(),
            1,
            "{version}"
        );
    }
}

#[test]
fn segments_that_nobody_knows_are_one_problem_for_each_name_and_a_flood_of_others_has_an_end() {
    let order = "OBR|1||S1\nOBX|1|NM|K||4.1||||||F\n";
    let strays = "ZZ1|a\n".repeat(3000) + "ZZ2|b\n";
    let outcome = read_segments(&[HEADER, order, &strays].concat());
    assert_eq!(kinds(&outcome), [ProblemKind::UnknownRecord; 2]);
    assert!(outcome.problems[0].text.reveal().starts_with("3000 segments"));

    let odd = "OBX|1|NM|K||x^y||||||F\n".repeat(300);
    let outcome = read_segments(&[HEADER, order, &odd].concat());
    assert_eq!((outcome.observations.len(), outcome.problems.len()), (301, 51));
    assert!(outcome.problems[50].text.reveal().starts_with("250 more"));

    let lost = "OBX|1|NM|WHAT||1||||||F\n".repeat(300);
    let outcome = read_segments(&[HEADER, order, &lost].concat());
    assert_eq!(
        outcome.problems.iter().filter(|it| it.replaces_result).count(),
        300,
        "each lost result is shown"
    );
}

#[test]
fn what_can_not_be_decoded_is_never_sent_on_altered() {
    let read = |change: (&str, &str)| {
        let message = "MSH|^~\\&|SIM|LAB|||20260501||ORU^R01|7|P|2.5.1||||||UNICODE UTF-8\rPID|1||P1||M\u{e4}ller^Anna||1970|F\r\
            OBR|1||S1\rOBX|1|NM|K||4.1|mmol/L|3-5|||||F\r";
        let text = message.replace(change.0, change.1).replace("|3-5|||||F", "|3-5||||F");
        let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<u8>>();
        read_by(&Reading { character_set: None, ..reading(hl7_profile()) }, &bytes)
    };
    let name = read(("", ""));
    let it = only(&name);
    let patient = it.patient.reveal();
    assert_eq!((patient.id.as_str(), patient.name.as_str(), patient.sex.as_str()), ("P1", "", "F"));
    assert_eq!((it.standing.clone(), kinds(&name)), (Standing::Clear, vec![ProblemKind::UndecodableText]));
    for change in [("mmol/L", "\u{b5}mol/L"), ("|4.1|", "|4.1\u{b5}|"), ("3-5", "3\u{b1}5")] {
        let outcome = read(change);
        assert!(holds(only(&outcome)).contains(&HoldReason::UndecodableText), "{change:?}");
    }
    let number = read(("||S1", "||S\u{e4}1"));
    assert!(only(&number).specimen.is_blank() && holds(only(&number)).contains(&HoldReason::BlankSpecimen));
}

#[test]
fn a_kind_of_specimen_may_be_a_text_alone() {
    for (kind, expected) in [("UR^Urine", "UR"), ("^Urine", "Urine"), ("UR", "UR")] {
        let outcome = read_segments(&format!("{HEADER}SPM|1|S1||{kind}\nOBR|1\nOBX|1|NM|K||4.1||||||F"));
        assert_eq!(only(&outcome).specimen_type.as_deref(), Some(expected));
    }
}

#[test]
fn a_result_that_was_deleted_or_called_wrong_says_so() {
    for (status, reason) in
        [("D", HoldReason::Withdrawn), ("W", HoldReason::Withdrawn), ("R", HoldReason::StatusInDoubt)]
    {
        let outcome = read_segments(&format!("{HEADER}OBR|1||S1\nOBX|1|NM|K||4.1||||||{status}"));
        assert_eq!(holds(only(&outcome)), [reason], "{status}");
    }
}

#[test]
fn a_power_in_a_unit_is_never_cut_at_the_mark_between_components() {
    let read = |unit: &str| read_segments(&format!("{HEADER}OBR|1||S1\nOBX|1|NM|K||4.1|{unit}|||||F"));
    for (sent, unit) in [
        ("10^9/L", "10^9/L"),
        ("10\\S\\9/L", "10^9/L"),
        ("10^3/mm3", "10^3/mm3"),
        ("mL/min/1.73m^2", "mL/min/1.73m^2"),
        ("mmol/L^millimole per litre^UCUM", "mmol/L"),
        ("^mmol/L", "mmol/L"),
        ("10*9/L^^UCUM", "10*9/L"),
    ] {
        let outcome = read(sent);
        let it = only(&outcome);
        assert_eq!((it.unit.as_deref(), shown(&it.value).as_str()), (Some(unit), "4.1"), "{sent}");
        assert_eq!((kinds(&outcome), it.standing.clone()), (Vec::new(), Standing::Clear), "{sent}");
    }
    for (sent, why) in [
        ("mg~g", "OBX-6 holds several units"),
        ("10^9/L~10^6/L", "OBX-6 holds several units"),
        ("10^9/L^UCUM", "OBX-6 has parts"),
        ("100^9/L", "OBX-6 has parts"),
    ] {
        let outcome = read(sent);
        assert_eq!(kinds(&outcome), [ProblemKind::OddValue], "{sent}");
        assert!(outcome.problems[0].text.reveal().starts_with(why), "{sent}");
        let it = only(&outcome);
        assert_eq!((it.unit.as_deref(), holds(it)), (Some(sent), vec![HoldReason::OddValue]), "{sent}");
    }
    assert_eq!(only(&read("^^UCUM")).unit, None);
    let header = HEADER.replace('^', "@");
    let other = read_segments(&format!("{header}OBR|1||S1\nOBX|1|NM|K||4.1|10@9/L|||||F"));
    assert_eq!(
        (only(&other).unit.as_deref(), holds(only(&other))),
        (Some("10@9/L"), vec![HoldReason::OddValue])
    );
}

#[test]
fn a_repeated_specimen_or_code_waits_for_a_person() {
    let result = "OBX|1|NM|K||4.1|mmol/L|||||F";
    for order in ["OBR|1||S1~S2", "SPM|1|S1~S2\nOBR|1", "SAC|||S1~S2\nOBR|1", "OBR|1|S1~S2"] {
        let outcome = read_segments(&format!("{HEADER}{order}\n{result}"));
        let it = only(&outcome);
        assert_eq!(
            (kinds(&outcome), holds(it)),
            (vec![ProblemKind::OutOfPlace], vec![HoldReason::BlankSpecimen]),
            "{order}"
        );
        assert_eq!((it.specimen.reveal(), it.specimen_as_sent.reveal().as_str()), ("", "S1~S2"), "{order}");
    }
    let outcome = read_segments(&format!("{HEADER}OBR|1||S1\n{}", result.replace("|K|", "|K~HGB|")));
    assert_eq!(
        (kinds(&outcome), holds(only(&outcome))),
        (vec![ProblemKind::OddValue], vec![HoldReason::OddValue])
    );
    // What is repeated without a content is not, and a number's name may be any.
    for order in ["OBR|1||S1~", "OBR|1||S1~^", "OBR|1||S1^LAB"] {
        let outcome = read_segments(&format!("{HEADER}{order}\n{result}"));
        let it = only(&outcome);
        assert_eq!(
            (kinds(&outcome), it.specimen.reveal(), holds(it)),
            (Vec::new(), "S1", Vec::new()),
            "{order}"
        );
    }
}

#[test]
fn a_time_may_say_its_fraction_and_its_distance_from_utc() {
    for (sent, instant) in [
        ("20220812153714+0900", "2022-08-12T06:37:14Z"),
        ("20220812153714.1234+0900", "2022-08-12T06:37:14.1234Z"),
        ("20220812153714.1234", "2022-08-12T13:37:14.1234Z"),
    ] {
        // OBX-14 and OBX-19.
        for before in ["||", "|||||||"] {
            let outcome =
                read_segments(&format!("{HEADER}OBR|1||S1\nOBX|1|NM|K||4.1|mmol/L|||||F{before}|{sent}"));
            let it = only(&outcome);
            let time = it.completed.as_ref().unwrap();
            assert_eq!(
                (time.text.as_str(), time.instant),
                (sent, Some(instant.parse().unwrap())),
                "{before}"
            );
            assert_eq!((kinds(&outcome), holds(it)), (Vec::new(), Vec::new()), "{sent}");
        }
    }
}
