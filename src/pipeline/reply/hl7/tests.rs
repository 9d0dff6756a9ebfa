//! What HL7 analyzers that ask are told.

use super::*;
use crate::domain::profile::{Dialect, Hl7Location, Profile};
use crate::domain::{InstrumentId, Patient, Private, SpecimenRules};

fn reading(queries: Hl7Queries) -> Reading {
    let mut dialect = Hl7Dialect { queries, ..Hl7Dialect::default() };
    if queries == Hl7Queries::MindrayOrm {
        dialect.places.query_specimen = Hl7Location::parse("ORC-3.1").into_iter().collect();
    }
    Reading {
        instrument: InstrumentId::new("sim"),
        profile: std::sync::Arc::new(Profile::standard("sim", 1, Dialect::Hl7(Box::new(dialect)))),
        time_zone: jiff::tz::TimeZone::UTC,
        character_set: None,
        decimal_separator: '.',
        specimen: SpecimenRules::default(),
        codes: std::sync::Arc::default(),
        panels: std::collections::BTreeMap::new(),
        specimen_kinds: std::collections::BTreeMap::new(),
        units: labwire_units::Aliases::default(),
        rules: None,
    }
}

fn work(tests: &[&str]) -> Work {
    Work {
        specimen: SpecimenId::new("900203"),
        tests: tests.iter().map(|test| (*test).to_owned()).collect(),
        priority: Priority::Stat,
        patient: Private::new(Patient {
            id: "EX77".to_owned(),
            authority: String::new(),
            name: "Example^Anna".to_owned(),
            birth_date: "19800102".to_owned(),
            sex: "F".to_owned(),
            location: "WARD3".to_owned(),
        }),
        specimen_kind: "serum".to_owned(),
        collected: "20260430075500+0200".to_owned(),
        numbers: Vec::new(),
        withdrawn: Vec::new(),
        is_known: false,
    }
}

fn told(query: &str, queries: Hl7Queries, work: Option<Work>) -> Vec<String> {
    let query = query.replace('/', "\r");
    let reading = reading(queries);
    let Dialect::Hl7(dialect) = &reading.profile.dialect else { panic!("HL7") };
    let found = questions(query.as_bytes(), dialect, &reading)
        .into_iter()
        .map(|question| (question.record, vec![work.clone()]))
        .collect();
    let mut number = 0;
    let mut next = || {
        number += 1;
        format!("Q{number}")
    };
    let mut stamp = Stamp { now: "20260501", next_control_id: &mut next };
    let texts = answers_hl7(query.as_bytes(), dialect, &reading, &found, &mut stamp);
    texts.iter().map(|text| String::from_utf8_lossy(text).replace('\r', "/")).collect()
}

const MINDRAY: &str = "MSH|^~\\&|Mindray|BS-200|||20260430080202||QRY^Q02|8|P|2.3.1||||||ASCII|||/\
                       QRD|20260430080202|R|D|1|||RD|900203|OTH|||T|/QRF|BS-200|1|2|||RCT|COR|ALL||/";
const LAW: &str = "MSH|^~\\&|cobas pro||host||2026||QBP^Q11^QBP_Q11|3200|P|2.5.1|||NE|AL||UNICODE UTF-8|||LAB-27R^ROCHE/\
                   QPD|INISEQ^^99ROC|query3200|900203|50001|1|||||SERPLAS^^99ROC|SC^^99ROC|R/RCP|I|1|R^^HL70394/";

#[test]
fn a_mindray_is_told_at_once_whether_there_is_work_and_then_which() {
    let texts = told(MINDRAY, Hl7Queries::Mindray, Some(work(&["1", "7"])));
    assert_eq!(
        texts[0],
        "MSH|^~\\&|||Mindray|BS-200|20260501||QCK^Q02|8|P|2.3.1||||||ASCII/MSA|AA|8|Message accepted|||0|/ERR|0|/QAK|SR|OK|/"
    );
    let display: Vec<&str> = texts[1].split('/').collect();
    assert!(display[0].contains("|DSR^Q03|8|P|2.3.1|"), "{}", display[0]);
    assert_eq!(display[4], "QRD|20260430080202|R|D|1|||RD|900203|OTH|||T|", "as it came");
    for row in [
        "DSP|1||EX77|||",
        "DSP|2|||||",
        "DSP|3||Example Anna|||",
        "DSP|4||19800102000000|||",
        "DSP|5||F|||",
        "DSP|21||900203|||",
        "DSP|23||20260430075500|||",
        "DSP|24||Y|||",
        "DSP|26||serum|||",
        "DSP|28|||||",
        "DSP|29||1^^^|||",
        "DSP|30||7^^^|||",
        "DSC||",
    ] {
        assert!(display.contains(&row), "{row} is missing in {display:?}");
    }
}

#[test]
fn a_mindray_without_work_hears_that_nothing_was_found() {
    let texts = told(MINDRAY, Hl7Queries::Mindray, None);
    assert_eq!(texts.len(), 1);
    assert!(texts[0].contains("|QCK^Q02|8|") && texts[0].ends_with("/QAK|SR|NF|/"), "{texts:?}");
}

#[test]
fn law_gets_its_answer_and_then_a_work_order() {
    let texts = told(LAW, Hl7Queries::Law, Some(work(&["10020", "10021"])));
    assert_eq!(
        texts[0],
        "MSH|^~\\&|host||cobas pro||20260501||RSP^K11^RSP_K11|Q1|P|2.5.1|||NE|NE||UNICODE UTF-8|||LAB-27R^ROCHE/MSA|AA|3200/\
         QAK|query3200|OK|INISEQ^^99ROC/QPD|INISEQ^^99ROC|query3200|900203|50001|1|||||SERPLAS^^99ROC|SC^^99ROC|R/"
    );
    assert_eq!(
        texts[1],
        "MSH|^~\\&|host||cobas pro||20260501||OML^O33^OML_O33|Q2|P|2.5.1|||NE|AL||UNICODE UTF-8|||LAB-28R^ROCHE/\
         PID|1||EX77||Example^Anna||19800102|F/SPM|1|900203||serum|||||||P||||||20260430075500+0200/SAC|||900203|||||||50001|1/\
         ORC|NW||||||||20260501/TQ1|||||||||S/OBR||Q3||10020/ORC|NW||||||||20260501/TQ1|||||||||S/OBR||Q4||10021/"
    );
    let none = told(LAW, Hl7Queries::Law, None);
    assert!(none.len() == 1 && none[0].contains("/QAK|query3200|NF|"), "{none:?}");
}

const ORM: &str =
    "MSH|^~\\&|BC-5380|Mindray|||20260430081500||ORM^O01|92|P|2.3.1||||||UNICODE/ORC|RF||900203||IP/";

#[test]
fn a_counter_that_asks_with_an_order_is_told_the_order_and_the_mode_that_was_ordered() {
    let texts = told(ORM, Hl7Queries::MindrayOrm, Some(work(&["CBC", "CBC+DIFF"])));
    let [answer] = texts.as_slice() else { panic!("{texts:?}") };
    for part in [
        "|||BC-5380|Mindray|20260501||ORR^O02|Q1|P|2.3.1||||||UNICODE/MSA|AA|92/",
        "/PID|1||EX77^^^^MR||Example^Anna||19800102000000|Female/PV1|1||WARD3/ORC|AF|900203/",
        "/OBR|1|900203||00001^Automated Count^99MRC|||20260430075500|||||||||||||||||HM/",
        "/OBX|1|IS|08003^Test Mode^99MRC||CBC+DIFF||||||F/",
    ] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
}

#[test]
fn a_counter_is_told_no_mode_that_nobody_ordered() {
    for (tests, mode) in [(&["CBC"][..], "CBC|"), (&["CBC", "RET"], ""), (&["RET"], "")] {
        let texts = told(ORM, Hl7Queries::MindrayOrm, Some(work(tests)));
        let said = texts[0].split("08003^Test Mode^99MRC||").nth(1).unwrap_or_default();
        assert!(said.starts_with(mode) && said.is_empty() == mode.is_empty(), "{tests:?}: {texts:?}");
    }
}

#[test]
fn a_counter_hears_of_each_tube_that_there_is_no_order() {
    let two = format!("{ORM}ORC|RF||900204||IP/");
    let texts = told(&two, Hl7Queries::MindrayOrm, None);
    assert_eq!(texts.len(), 2);
    assert!(texts.iter().all(|text| text.contains("/MSA|AR|92/") && !text.contains("ORC")), "{texts:?}");
    // An order that isn't a question isn't answered as one.
    let placed = ORM.replace("ORC|RF|", "ORC|NW|");
    assert_eq!(told(&placed, Hl7Queries::MindrayOrm, None), Vec::<String>::new());
}

#[test]
fn what_is_no_query_of_the_models_gets_no_answer() {
    assert_eq!(told(LAW, Hl7Queries::Mindray, Some(work(&["1"]))), Vec::<String>::new());
    assert_eq!(told(MINDRAY, Hl7Queries::Unknown, None), Vec::<String>::new());
    let withdrawn = MINDRAY.replace("|OTH|", "|CAN|").replace('/', "\r");
    let reading = reading(Hl7Queries::Mindray);
    let Dialect::Hl7(dialect) = &reading.profile.dialect else { panic!("HL7") };
    assert_eq!(questions(withdrawn.as_bytes(), dialect, &reading), []);
}

#[test]
fn blank_and_enormous_numbers_are_never_looked_for() {
    let reading = reading(Hl7Queries::Mindray);
    let Dialect::Hl7(dialect) = &reading.profile.dialect else { panic!("HL7") };
    let long = "9".repeat(81);
    for (number, expected) in
        [("", "no specimen is named"), (long.as_str(), "the specimen's number is too long")]
    {
        let query = MINDRAY.replace("900203", number).replace('/', "\r");
        let asked = questions(query.as_bytes(), dialect, &reading);
        assert_eq!(asked[0].wants, Wants::Nothing(expected));
    }
}

#[test]
fn a_question_for_more_than_one_tube_is_answered_about_none() {
    for (queries, query) in [
        (Hl7Queries::Law, LAW.replace("|INISEQ^^99ROC|", "|WOS_ALL^^IHELAW|")),
        (Hl7Queries::Law, LAW.replace("|INISEQ^^99ROC|", "|WOS_BY_RACK^^IHELAW|")),
        (Hl7Queries::Mindray, MINDRAY.replace("|900203|", "|900203~900204|")),
    ] {
        let reading = reading(queries);
        let Dialect::Hl7(dialect) = &reading.profile.dialect else { panic!("HL7") };
        let asked = questions(query.replace('/', "\r").as_bytes(), dialect, &reading);
        assert!(matches!(asked[0].wants, Wants::Nothing(_)), "{query}: {asked:?}");
        let told = told(&query, queries, None);
        assert!(told.len() == 1 && told[0].contains("|NF|"), "{told:?}");
    }
}

#[test]
fn work_that_nobody_asked_for_is_an_oml_with_what_is_new_and_what_is_taken_back() {
    let mut ids = (1..).map(|number| format!("ID{number}"));
    let mut next = || ids.next().unwrap();
    let mut stamp = Stamp { now: "20260501080000", next_control_id: &mut next };
    let work = Work { numbers: vec!["STEP7".to_owned()], ..work(&["10020"]) };
    let label = SpecimenId::new("900203");
    let withdrawn = [("10030".to_owned(), "STEP3".to_owned())];
    let reading = reading(Hl7Queries::Law);
    let told =
        crate::pipeline::download(&label, Some(&work), &withdrawn, true, &reading, &mut stamp).unwrap();
    let told = String::from_utf8(told).unwrap().replace('\r', "/");
    assert!(
        told.starts_with("MSH|^~\\&|labwire||sim||20260501080000||OML^O33^OML_O33|ID1|P|2.5.1|||NE|AL|"),
        "{told}"
    );
    assert!(told.contains("/SPM|1|900203||serum|") && told.contains("/SAC|||900203/"), "{told}");
    assert!(told.contains("/ORC|NW|||||||") && told.contains("/OBR||STEP7||10020/"), "{told}");
    assert!(told.contains("/ORC|CA|||||||") && told.contains("/OBR||STEP3||10030/"), "{told}");
    let mut stamp = Stamp { now: "20260501080000", next_control_id: &mut next };
    let only = crate::pipeline::download(&label, None, &withdrawn, true, &reading, &mut stamp).unwrap();
    assert!(!String::from_utf8(only).unwrap().contains("ORC|NW"));
}
