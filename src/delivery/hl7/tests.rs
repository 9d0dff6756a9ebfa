//! Whole messages as a LIMS receives them, from invented results.

use labwire_hl7::message::Message;

use super::*;
use crate::delivery::sample::{
    called, consignment, converted, diluted, doubted, glucose, moved, number, ordered, plain, positive,
    ranged, told,
};
use crate::domain::{
    CodeSystem, Coding, Comment, Comparator, InstrumentTime, Private, RangeFlag, TestIdentity,
    Value as Measured,
};
use crate::journal::ledger::{Says, Version, Void};

fn hl7(message: MessageKind) -> Hl7 {
    Hl7 {
        message,
        sending_application: "labwire".to_owned(),
        sending_facility: "LAB^1.2.3^ISO".to_owned(),
        receiving_application: "LIMS".to_owned(),
        receiving_facility: String::new(),
    }
}

fn written(message: MessageKind, awaited: Awaited, observations: Vec<Observation>) -> String {
    let bytes = render(&hl7(message), awaited, Mode::Live, &consignment(observations)).unwrap();
    assert_eq!(Message::parse(&bytes).unwrap().emit(), bytes, "it is read as it is written");
    String::from_utf8(bytes).unwrap().replace('\r', "\n")
}

/// The segments of this name in the ORU of one observation.
fn segments(name: &str, observation: Observation) -> Vec<String> {
    written(MessageKind::OruR01, Awaited::Application, vec![observation])
        .lines()
        .filter(|line| line.starts_with(name))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_result_is_written_as_an_oru() {
    let told = written(MessageKind::OruR01, Awaited::Application, vec![glucose()]);
    assert_eq!(
        told,
        "\
MSH|^~\\&|labwire|LAB^1.2.3^ISO|LIMS||20260102030406+0000||ORU^R01^ORU_R01|0a1b2c3d-42|P|2.5.1||||||UNICODE UTF-8
PID|1||EX-77||Example^Anna||19700101|F
OBR|1||EX0001|GLU^GLCC^L^2345-7^^LN|R||||||||||||||||||||F
OBX|1|NM|GLU^GLCC^L^2345-7^^LN|1|5.40|mg/dl|4.0 - 6.1|N|||F|||||op7||erba~SN-1|20260102040405+0100
SPM|1|EX0001||SERUM|||||||P
"
    );
}

#[test]
fn a_result_of_an_order_bears_its_numbers_and_the_patient_of_the_lims() {
    let bytes = render(&hl7(MessageKind::OruR01), Awaited::Application, Mode::Live, &ordered()).unwrap();
    let told = String::from_utf8(bytes).unwrap().replace('\r', "\n");
    for line in [
        "PID|1||EX-78^^^HOSP||Example^Anne||19700101|F",
        "PV1|1|U|WARD3",
        "ORC|RE|P-9|F-3",
        "OBR|1|P-9|F-3|GLU^GLCC^L^2345-7^^LN|R||||||||||||||||||||F",
        "NTE|1|L|other-patient: the analyzer named another patient than the LIMS",
        "SPM|1|EX0001||SERUM|||||||P",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
}

#[test]
fn what_signed_rules_found_is_in_notes_and_not_with_what_is_void() {
    let notes = |says: Says| {
        let bytes =
            render(&hl7(MessageKind::OruR01), Awaited::Application, Mode::Live, &doubted(says)).unwrap();
        let told = String::from_utf8(bytes).unwrap();
        let notes = told.split('\r').filter(|line| line.starts_with("NTE")).map(str::to_owned);
        notes.collect::<Vec<_>>()
    };
    let rise = "NTE|1|L|by the laboratory's rules: delta: rise; by glucose-delta; limits > 50 %; seen glucose was 2.10 at 2026-01-01T03:04:05Z on erba";
    let index = "NTE|2|L|by the laboratory's rules: index: found; by haemolysis";
    assert_eq!(notes(Says::Result), [rise, index]);
    assert_eq!(notes(Says::Preliminary), [rise, index]);
    let void = notes(Says::Void(Void::Rejected));
    assert!(void.len() == 1 && !void[0].contains("rules"), "{void:?}");
}

#[test]
fn who_assigned_a_number_is_told_by_name_and_object_identifier() {
    for (authority, told) in [
        ("", "EX-77"),
        ("HOSP", "EX-77^^^HOSP"),
        ("HOSP&1.2.3", "EX-77^^^HOSP&1.2.3&ISO"),
        ("1.2.3", "EX-77^^^&1.2.3&ISO"),
        ("HOSP&hosp.example", "EX-77^^^HOSP"),
        ("A\\T\\B", "EX-77^^^A\\T\\B"),
    ] {
        let mut glucose = glucose();
        let mut patient = glucose.patient.reveal().clone();
        patient.authority = authority.to_owned();
        glucose.patient = Private::new(patient);
        assert_eq!(segments("PID", glucose), [format!("PID|1||{told}||Example^Anna||19700101|F")]);
    }
}

#[test]
fn the_results_of_a_panel_stand_below_the_order_of_the_panel_and_others_do_not() {
    let told = ordered().items.remove(0).ordered;
    let observation = |code: &str| Observation { lims_code: Some(code.to_owned()), ..glucose() };
    let mut panel = consignment(["GLU", "NA", "K"].map(observation).to_vec());
    for item in &mut panel.items {
        item.ordered = told.clone();
        let alone = item.observation.lims_code.as_deref() == Some("NA");
        let order = &mut item.ordered.as_mut().unwrap().order.as_mut().unwrap().order;
        order.key.test = if alone { "NA" } else { "CHEM" }.to_owned();
        order.test_name = "Chemistry".to_owned();
    }
    let bytes = render(&hl7(MessageKind::OruR01), Awaited::Application, Mode::Live, &panel).unwrap();
    let told = String::from_utf8(bytes).unwrap();
    let heads: Vec<String> = told
        .split('\r')
        .filter(|line| line.starts_with("OBR|") || line.starts_with("OBX|"))
        .map(|line| line.split('|').take(5).collect::<Vec<_>>().join("|"))
        .collect();
    assert_eq!(
        heads,
        [
            "OBR|1|P-9|F-3|CHEM^Chemistry^L",
            "OBX|1|NM|GLU^GLCC^L^2345-7^^LN|1",
            "OBX|2|NM|K^GLCC^L^2345-7^^LN|1",
            "OBR|2|P-9|F-3|NA^GLCC^L^2345-7^^LN",
            "OBX|1|NM|NA^GLCC^L^2345-7^^LN|1",
        ]
    );
}

#[test]
fn a_converted_value_takes_its_place_with_what_was_sent_in_a_note() {
    let glucose = converted();
    assert_eq!(
        segments("OBX", glucose.clone()),
        ["OBX|1|NM|GLU^GLCC^L^14749-6^^LN|1|0.30|mmol/L||N|||F|||||op7||erba~SN-1|20260102040405+0100"]
    );
    assert_eq!(
        segments("NTE", glucose.clone()),
        ["NTE|1|L|as sent: 5.40 mg/dl, range 4.0 - 6.1; exactly 1500/5003 mmol/L"]
    );
    let unsent = |it: Observation| Observation { unit_source: crate::domain::UnitSource::Declared, ..it };
    assert_eq!(
        segments("NTE", unsent(glucose.clone())),
        [
            "NTE|1|L|as sent: 5.40 (no unit was sent, mg/dl is declared), range 4.0 - 6.1; exactly 1500/5003 mmol/L"
        ]
    );
    let plain = Observation { conversion: None, ..unsent(glucose.clone()) };
    assert_eq!(segments("NTE", plain), ["NTE|1|L|no unit was sent, mg/dl is declared"]);
    let less = Observation { value: number(Some(Comparator::Less), "5.40"), ..glucose.clone() };
    assert!(segments("OBX", less)[0].contains("|SN|GLU^GLCC^L^14749-6^^LN|1|<^0.30|mmol/L|"));

    let mut refused = glucose;
    refused.conversion.as_mut().unwrap().outcome = Err("glucose isn't converted from mg/dl".to_owned());
    assert!(segments("OBX", refused.clone())[0].contains("|5.40|mg/dl|4.0 - 6.1|"));
    assert_eq!(segments("NTE", refused), ["NTE|1|L|not converted: glucose isn't converted from mg/dl"]);
}

#[test]
fn an_oul_has_its_specimen_first_and_results_of_one_test_together() {
    let second = Observation { replicate: 2, value: number(None, "5.50"), ..glucose() };
    let control = [plain("NA", number(Some(Comparator::Less), "100")), plain("HBS", Measured::code("POS"))]
        .map(|it| Observation { value_as_sent: "+".to_owned(), ..it });
    let mut observations = vec![glucose()];
    observations.extend(control);
    observations.push(second);
    let observations =
        observations.into_iter().map(|it| Observation { class: SampleClass::Control, ..it }).collect();
    let told = written(MessageKind::OulR22, Awaited::Both, observations);
    assert_eq!(
        told,
        "\
MSH|^~\\&|labwire|LAB^1.2.3^ISO|LIMS||20260102030406+0000||OUL^R22^OUL_R22|0a1b2c3d-42|P|2.5.1|||AL|AL||UNICODE UTF-8
SPM|1|EX0001||SERUM|||||||Q
OBR|1||EX0001|GLU^GLCC^L^2345-7^^LN|R||||||||||||||||||||F
OBX|1|NM|GLU^GLCC^L^2345-7^^LN|1|5.40|mg/dl|4.0 - 6.1|N|||F|||||op7||erba~SN-1|20260102040405+0100
OBX|2|NM|GLU^GLCC^L^2345-7^^LN|2|5.50|mg/dl|4.0 - 6.1|N|||F|||||op7||erba~SN-1|20260102040405+0100
OBR|2||EX0001|NA^NA^L|R||||||||||||||||||||F
OBX|1|SN|NA^NA^L|1|<^100||||||F|||||||erba
OBR|3||EX0001|HBS^HBS^L|R||||||||||||||||||||F
OBX|1|CWE|HBS^HBS^L|1|POS^+^L||||||F|||||||erba
"
    );
}

#[test]
fn a_qualitative_value_is_told_as_the_site_calls_it_and_behind_it_as_sent() {
    assert!(
        segments("OBX", positive())[0]
            .contains("|CWE|HBS^HBS^L|1|10828004^Positive^SCT^POS^POS^99INSTRUMENT|")
    );
    let mut local = positive();
    let coding = Coding { code: "P".to_owned(), system: CodeSystem::Local, text: None };
    local.value = Measured::Code { code: "POS".to_owned(), coding: Some(coding) };
    assert!(segments("OBX", local)[0].contains("|P^^L^POS^POS^99INSTRUMENT|"));
}

#[test]
fn a_diluted_value_takes_the_place_of_the_one_that_was_too_high() {
    let above =
        Observation { value: number(Some(Comparator::Greater), "250"), ..plain("CRP", number(None, "0")) };
    let mut consignment = consignment(vec![diluted()]);
    let received_at = consignment.items[0].received_at;
    consignment.items[0].earlier.push(Version { received_at, observation: above, announced: false });
    let bytes = render(&hl7(MessageKind::OruR01), Awaited::Application, Mode::Live, &consignment).unwrap();
    let told = String::from_utf8(bytes).unwrap().replace('\r', "\n");
    assert!(told.contains("\nOBX|1|NM|CRP^CRP^L|1|312.0||||||C|"), "the same OBX-4 as before: {told}");
    assert!(told.contains("\nNTE|1|L|diluted 10 times: 31.2 was measured, and multiplied here\n"), "{told}");
    assert!(told.contains("|||||||C\n"), "the order is corrected: {told}");
    let alone = segments("OBX", diluted());
    assert!(alone[0].contains("|1///10|312.0||||||F|"), "{alone:?}");
}

#[test]
fn the_laboratorys_range_comes_before_the_instruments_and_its_flag_beside() {
    let own = || Observation { flags: Vec::new(), ..ranged(Some(RangeFlag::High)) };
    assert!(segments("OBX", own())[0].contains("|5.40|mg/dl|3.9-5.3|H|"));
    assert_eq!(segments("NTE", own()), ["NTE|1|L|range as sent: 4.0 - 6.1"]);
    let both = ranged(Some(RangeFlag::High));
    assert!(segments("OBX", both.clone())[0].contains("|3.9-5.3|N|"), "the instrument's flag stays");
    assert_eq!(segments("NTE", both)[1], "NTE|2|L|by the laboratory's range: H");
    let none = Observation { site_range: Some(Err("the patient's age isn't known".to_owned())), ..glucose() };
    assert!(segments("OBX", none.clone())[0].contains("|5.40|mg/dl||N|"), "rather none than a wrong one");
    assert_eq!(
        segments("NTE", none),
        ["NTE|1|L|range as sent: 4.0 - 6.1", "NTE|2|L|no reference range: the patient's age isn't known"]
    );
}

#[test]
fn a_failed_run_is_told_without_a_value() {
    let absent = Measured::Absent { reason: "clot detected".to_owned() };
    let told = written(MessageKind::OruR01, Awaited::Application, vec![plain("K", absent)]);
    assert!(told.contains("\nOBX|1||K^K^L|1|||||||X|"), "{told}");
    assert!(told.contains("\nNTE|1|L|no value: clot detected\n"), "{told}");
    assert!(told.contains("||||X\n"), "the order is failed too: {told}");
    let failed = Observation { status: Status::Failed, ..plain("K", number(None, "9.99")) };
    assert!(!segments("OBX", failed)[0].contains("9.99"), "a failed run's number is no result");
}

#[test]
fn what_the_instrument_says_of_a_result_is_its_status() {
    for (status, expected) in [(Status::Preliminary, "P"), (Status::Final, "F"), (Status::Correction, "C")] {
        let observation = Observation { status, ..plain("K", number(None, "4.1")) };
        let obx = segments("OBX", observation.clone());
        assert_eq!(obx[0].split('|').nth(11), Some(expected));
        assert_eq!(segments("OBR", observation)[0].split('|').nth(25), Some(expected));
    }
}

#[test]
fn sides_of_one_measurement_are_told_apart_in_obx_4() {
    let test = |aspect: &str, component: &str, dilution: &str| TestIdentity {
        code: "K".to_owned(),
        aspect: aspect.to_owned(),
        component: component.to_owned(),
        dilution: dilution.to_owned(),
    };
    for (identity, expected) in [
        (test("", "", ""), "1"),
        (test("DOSE", "", ""), "1/DOSE"),
        (test("", "B", ""), "1//B"),
        (test("RLU", "", "1/10"), "1/RLU//1/10"),
    ] {
        let obx = segments("OBX", Observation { test: identity, ..plain("K", number(None, "4.1")) });
        assert_eq!(obx[0].split('|').nth(4), Some(expected));
    }
}

#[test]
fn what_would_break_a_message_is_escaped() {
    let text = "a|b^c~d\\e&f\rg\u{b}h\u{1c}\u{fc}";
    let comment =
        Comment { source: "L".to_owned(), text: Private::new(text.to_owned()), kind: String::new() };
    let odd = Observation {
        unit: Some("10^3/uL".to_owned()),
        flags: vec!["H".to_owned(), "A|B".to_owned()],
        comments: vec![comment],
        ..plain("K", Measured::Text(text.to_owned()))
    };
    let escaped = "a\\F\\b\\S\\c\\R\\d\\E\\e\\T\\f\\X0D\\g\\X0B\\h\\X1C\\\u{fc}";
    let obx = segments("OBX", odd.clone());
    let fields: Vec<&str> = obx[0].split('|').collect();
    assert_eq!((fields[2], fields[5], fields[6], fields[8]), ("ST", escaped, "10\\S\\3/uL", "H~A\\F\\B"));
    assert_eq!(segments("NTE", odd), [format!("NTE|1|L|{escaped}")]);
}

#[test]
fn a_time_that_hl7_has_no_form_for_is_a_note() {
    let odd = InstrumentTime { text: "yesterday".to_owned(), instant: None };
    let odd = Observation { completed: Some(odd), ..plain("K", number(None, "4.1")) };
    assert_eq!(segments("NTE", odd), ["NTE|1|L|completed as sent: yesterday"]);
}

#[test]
fn the_patient_is_what_all_results_agree_on() {
    let other = Patient { name: "Sample^Ben".to_owned(), ..glucose().patient.reveal().clone() };
    let silent = Observation { patient: Private::new(Patient::default()), ..glucose() };
    let other = Observation { patient: Private::new(other), ..glucose() };
    let agreed = written(MessageKind::OruR01, Awaited::Application, vec![glucose(), silent]);
    assert!(agreed.contains("\nPID|1||EX-77||Example^Anna||"), "{agreed}");
    let torn = written(MessageKind::OruR01, Awaited::Application, vec![glucose(), other]);
    assert!(torn.contains("\nPID|1||EX-77||||19700101|F\n"), "{torn}");
}

#[test]
fn a_key_fills_msh_10_to_its_end_and_is_never_shortened() {
    let mut longest = consignment(vec![glucose()]);
    longest.key = "0a1b2c3d-99999999999".to_owned();
    assert!(render(&hl7(MessageKind::OruR01), Awaited::Application, Mode::Live, &longest).is_ok());
    longest.key.push('9');
    assert!(render(&hl7(MessageKind::OruR01), Awaited::Application, Mode::Live, &longest).is_err());
}

#[test]
fn what_goes_to_a_lims_under_test_says_so() {
    let told = |mode| {
        let one = consignment(vec![glucose()]);
        String::from_utf8(render(&hl7(MessageKind::OruR01), Awaited::Application, mode, &one).unwrap())
            .unwrap()
    };
    for (mode, expected) in [(Mode::Live, "P"), (Mode::Drain, "P"), (Mode::Test, "T")] {
        assert_eq!(told(mode).split('|').nth(10), Some(expected));
    }
}

#[test]
fn a_record_of_a_call_is_a_note_to_its_order_and_no_result() {
    for (message, expected) in [
        (MessageKind::OruR01, "PID OBR NTE NTE NTE NTE NTE SPM"),
        (MessageKind::OulR22, "PID SPM OBR NTE NTE NTE NTE NTE"),
    ] {
        let bytes = render(&hl7(message), Awaited::Application, Mode::Live, &called()).unwrap();
        assert_eq!(Message::parse(&bytes).unwrap().emit(), bytes, "it is read as it is written");
        let told = String::from_utf8(bytes).unwrap();
        let names: Vec<&str> = told.split('\r').skip(1).filter_map(|line| line.get(..3)).collect();
        assert_eq!(names.join(" "), expected);
        assert!(told.contains("\rOBR|1||EX0001|GLU^GLCC^L^2345-7^^LN\r"), "{told}");
        for line in [
            "NTE|1|L|critical call 3, record 17: GLCC 5.40 mg/dl, critical\r",
            "NTE|2|L|verified by Emil Example at 2026-01-02T03:04:30Z\r",
            "NTE|3|L|called at 2026-01-02T03:05:00Z by Dora Example to Bert Sample, physician on duty: told 5.4 mg/dl, by \
             name Example, Anna and birth date 1970-01-01: read-back confirmed\r",
            "NTE|4|L|note: repeats it\r",
            "NTE|5|L|recorded at 2026-01-02T03:06:00Z with account mgarcia\r",
        ] {
            assert!(told.contains(line), "{line}\n{told}");
        }
    }
}

#[test]
fn what_is_void_is_told_without_a_value_and_what_was_moved_with_its_old_number() {
    let lines = |consignment: &Consignment| {
        let bytes = render(&hl7(MessageKind::OruR01), Awaited::Application, Mode::Live, consignment).unwrap();
        String::from_utf8(bytes).unwrap().replace('\r', "\n")
    };
    for (says, order, status, value) in [
        (Says::Preliminary, "P", "P", "NM|GLU^GLCC^L^2345-7^^LN|1|5.40|"),
        (Says::Void(Void::Misread), "C", "W", "|GLU^GLCC^L^2345-7^^LN|1||"),
        (Says::Void(Void::Recoded), "C", "W", "|GLU^GLCC^L^2345-7^^LN|1||"),
        (Says::Void(Void::Rejected), "X", "X", "|GLU^GLCC^L^2345-7^^LN|1||"),
    ] {
        let told = lines(&told(says));
        assert!(told.contains(&format!("OBX|1|{value}")), "{told}");
        assert!(told.contains(&format!("|||{status}|||||op7|")), "{told}");
        assert!(told.contains(&format!("||||||{order}\nOBX")), "{told}");
        let why = told.contains("NTE|1|L|void: ");
        assert_eq!(why, matches!(says, Says::Void(_)), "{told}");
    }
    let moved = lines(&moved());
    assert!(
        moved.contains("NTE|1|L|came under EX0009; moved here by Dora Example: scanned by hand"),
        "{moved}"
    );
}
