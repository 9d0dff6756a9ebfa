//! Whole Bundles as a FHIR server receives them, from invented results.

use super::sent::{Sent, Way};
use super::*;
use crate::delivery::sample::{
    called, consignment, converted, doubted, glucose, moved, number, ordered, plain, positive, ranged, told,
};
use crate::domain::call::CallOutcome;
use crate::domain::profile::Dialect;
use crate::domain::{
    Comment, Comparator, DecimalText, InstrumentTime, Private, RangeFlag, Status, TestIdentity,
    Value as Measured,
};
use crate::journal::ObservationId;
use crate::journal::ledger::{Noted, Void};

fn names() -> FhirNames {
    FhirNames {
        system: "https://lab.example/labwire".to_owned(),
        specimen_system: "https://lab.example/tube".to_owned(),
        patient_system: Some("https://hospital.example/patient".to_owned()),
        code_system: "https://lims.example/test".to_owned(),
        ucum: BTreeMap::from([("mg/dl".to_owned(), "mg/dL".to_owned())]),
    }
}

fn profiles() -> Profiles {
    let astm = Profile::standard("erba-xl", 1, Dialect::Astm(Box::default()));
    let hl7 = Profile::standard("h", 1, Dialect::Hl7(Box::default()));
    [astm, hl7].into_iter().map(|profile| (profile.identity(), Arc::new(profile))).collect()
}

fn bytes(consignment: &Consignment) -> Vec<u8> {
    render(&names(), "Example laboratory", &profiles(), Mode::Live, consignment).unwrap()
}

fn bundle(consignment: &Consignment) -> Value {
    serde_json::from_slice(&bytes(consignment)).unwrap()
}

/// The resources of one kind.
fn resources(kind: &str, consignment: &Consignment) -> Vec<Value> {
    let bundle = bundle(consignment);
    let entries = bundle["entry"].as_array().unwrap();
    let resources = entries.iter().map(|entry| entry["resource"].clone());
    resources.filter(|resource| resource["resourceType"] == kind).collect()
}

fn observation(it: Observation) -> Value {
    resources("Observation", &consignment(vec![it])).remove(0)
}

/// A result with an earlier version of it.
fn corrected(first: Observation, second: Observation) -> Consignment {
    let mut consignment = consignment(vec![second]);
    let item = &mut consignment.items[0];
    (item.version, item.supersedes, item.id) = (2, Some(ObservationId(1)), ObservationId(2));
    item.earlier = vec![Version { received_at: item.received_at, observation: first, announced: false }];
    consignment
}

fn correction(value: &str) -> Observation {
    let status = (Status::Correction, "C".to_owned());
    Observation {
        value: number(None, value),
        value_as_sent: value.to_owned(),
        status: status.0,
        status_as_sent: status.1,
        ..glucose()
    }
}

#[test]
fn a_result_is_written_as_an_observation() {
    let told = observation(glucose());
    let identity = told["identifier"][0]["value"].as_str().unwrap().to_owned();
    assert_eq!(identity.len(), 64);
    let reference = |pointer: &str| told.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let expected = json!({
        "resourceType": "Observation",
        "identifier": [{ "system": "https://lab.example/labwire/result", "value": identity }],
        "status": "final",
        "category": [{ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"
        }] }],
        "code": {
            "coding": [
                { "system": "http://loinc.org", "code": "2345-7" },
                { "system": "https://lims.example/test", "code": "GLU" },
                { "system": "https://lab.example/labwire/instrument/erba", "code": "GLCC" }
            ],
            "text": "GLU"
        },
        "subject": {
            "type": "Patient",
            "identifier": { "system": "https://hospital.example/patient", "value": "EX-77" }
        },
        "effectiveDateTime": "2026-01-02T03:04:05Z",
        "performer": [{
            "type": "Practitioner",
            "identifier": { "system": "https://lab.example/labwire/operator", "value": "op7" }
        }],
        "valueQuantity": {
            "value": serde_json::from_str::<Value>("5.40").unwrap(),
            "unit": "mg/dl", "system": "http://unitsofmeasure.org", "code": "mg/dL"
        },
        "interpretation": [{
            "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": "N"
            }],
            "text": "N"
        }],
        "specimen": { "reference": reference("/specimen/reference") },
        "device": { "reference": reference("/device/reference") },
        "referenceRange": [{ "text": "4.0 - 6.1" }],
    });
    assert_eq!(told, expected);
}

#[test]
fn a_bundle_creates_each_resource_once_and_its_references_lead_within_it() {
    let bundle = bundle(&consignment(vec![glucose(), plain("NA", number(None, "140"))]));
    assert_eq!(
        (bundle["resourceType"].as_str(), bundle["type"].as_str(), bundle["identifier"]["value"].as_str()),
        (Some("Bundle"), Some("transaction"), Some("0a1b2c3d-42"))
    );
    let entries = bundle["entry"].as_array().unwrap();
    let kinds: Vec<&str> =
        entries.iter().map(|entry| entry["resource"]["resourceType"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["Device", "Device", "Specimen", "Observation", "Observation", "DiagnosticReport", "Provenance"],
        "the one result names the analyzer's module, the other doesn't"
    );
    for entry in entries {
        let request = &entry["request"];
        assert_eq!(request["method"], "POST");
        assert_eq!(request["url"], entry["resource"]["resourceType"]);
        let search = request["ifNoneExist"].as_str().unwrap();
        assert!(search.contains("=https%3A%2F%2Flab.example%2F"), "{search}");
    }
    let places: BTreeSet<&str> = entries.iter().map(|entry| entry["fullUrl"].as_str().unwrap()).collect();
    assert_eq!(places.len(), entries.len());
    let text = bundle.to_string();
    let references = text.split("\"reference\":\"").skip(1);
    let references: Vec<&str> = references.map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(
        references.len() >= 10 && references.iter().all(|reference| places.contains(reference)),
        "{text}"
    );
    assert!(!kinds.contains(&"Patient") && !text.contains("Example^Anna"), "and nobody is named");
}

#[test]
fn a_converted_value_takes_its_place_with_what_was_sent_in_a_note() {
    let bundle = bundle(&consignment(vec![converted()]));
    let entries = bundle["entry"].as_array().unwrap();
    let told =
        &entries.iter().find(|it| it["resource"]["resourceType"] == "Observation").unwrap()["resource"];
    assert_eq!(
        told["valueQuantity"],
        json!({
            "value": serde_json::from_str::<Value>("0.30").unwrap(),
            "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"
        })
    );
    assert_eq!(told["code"]["coding"][0]["code"], "14749-6");
    assert_eq!(told.get("referenceRange"), None);
    let note = "as sent: 5.40 mg/dl, range 4.0 - 6.1; exactly 1500/5003 mmol/L";
    assert_eq!(told["note"], json!([{ "text": note }]));
}

#[test]
fn a_number_keeps_the_digits_that_were_sent() {
    for (comparator, sent, expected) in [
        (None, "5.40", "\"valueQuantity\":{\"value\":5.40}"),
        (None, "100", "\"valueQuantity\":{\"value\":100}"),
        (None, "0.00", "\"valueQuantity\":{\"value\":0.00}"),
        (None, "-0.50", "\"valueQuantity\":{\"value\":-0.50}"),
        (None, "007.10", "\"valueQuantity\":{\"value\":7.10}"),
        (None, "000", "\"valueQuantity\":{\"value\":0}"),
        (None, "0.30000000000000000004", "\"valueQuantity\":{\"value\":0.30000000000000000004}"),
        (None, "12345678901234567890", "\"valueQuantity\":{\"value\":12345678901234567890}"),
        (Some(Comparator::Less), "1.50", "\"valueQuantity\":{\"value\":1.50,\"comparator\":\"<\"}"),
        (Some(Comparator::LessOrEqual), "1", "\"valueQuantity\":{\"value\":1,\"comparator\":\"<=\"}"),
        (Some(Comparator::GreaterOrEqual), "1", "\"valueQuantity\":{\"value\":1,\"comparator\":\">=\"}"),
        (Some(Comparator::Greater), "250.0", "\"valueQuantity\":{\"value\":250.0,\"comparator\":\">\"}"),
    ] {
        let value = Measured::Quantity { comparator, number: DecimalText::parse(sent, '.').unwrap() };
        let text = String::from_utf8(bytes(&consignment(vec![plain("K", value)]))).unwrap();
        assert!(text.contains(expected), "{sent}: {text}");
    }
}

#[test]
fn a_value_has_the_type_that_it_is() {
    let code = Measured::code("POS");
    let coded = observation(Observation { value_as_sent: "+".to_owned(), ..plain("HBS", code) });
    let expected =
        json!({ "coding": [{ "system": "https://lab.example/labwire/value", "code": "POS" }], "text": "+" });
    assert_eq!(coded["valueCodeableConcept"], expected);
    assert_eq!(
        observation(positive())["valueCodeableConcept"],
        json!({
            "coding": [
                { "system": "http://snomed.info/sct", "code": "10828004", "display": "Positive" },
                { "system": "https://lab.example/labwire/value", "code": "POS" }
            ],
            "text": "POS"
        })
    );
    assert_eq!(observation(plain("HBS", Measured::Text("see note".to_owned())))["valueString"], "see note");
    let unit = |unit: &str| {
        let it = Observation { unit: Some(unit.to_owned()), ..plain("K", number(None, "4.1")) };
        observation(it)["valueQuantity"].clone()
    };
    assert_eq!(unit("mmol/l")["unit"], "mmol/l");
    assert_eq!(unit("mmol/l").get("code"), None, "what UCUM calls it is never guessed");
    assert_eq!(unit(" ").get("unit"), None);
}

#[test]
fn the_laboratorys_range_is_told_with_whom_it_is_for() {
    let own = Observation { flags: Vec::new(), ..ranged(Some(RangeFlag::High)) };
    let told = observation(own);
    let range = &told["referenceRange"][0];
    assert_eq!(
        (range["low"]["value"].to_string(), range["high"]["value"].to_string()),
        ("3.9".into(), "5.3".into())
    );
    assert_eq!(range["text"], "3.9-5.3 (female, from 18 y)");
    assert_eq!(told["interpretation"][0]["coding"][0]["code"], "H");
    assert!(told["note"].to_string().contains("range as sent: 4.0 - 6.1"), "{told}");
    let both = observation(ranged(Some(RangeFlag::High)));
    assert_eq!(both["interpretation"].as_array().unwrap().len(), 1, "the instrument's flag stays: {both}");
    let none = Observation { site_range: Some(Err("the patient's age isn't known".to_owned())), ..glucose() };
    assert_eq!(observation(none).get("referenceRange"), None, "rather none than a wrong one");
}

#[test]
fn a_run_without_a_value_says_why_and_never_gives_a_number() {
    let absent = observation(plain("K", Measured::Absent { reason: "clot detected".to_owned() }));
    let failed = observation(Observation { status: Status::Failed, ..plain("K", number(None, "9.99")) });
    for (told, why) in [(absent, "clot detected"), (failed, "the run failed")] {
        assert_eq!(told["status"], "cancelled");
        assert_eq!(told["dataAbsentReason"]["text"], why);
        assert_eq!(told["dataAbsentReason"]["coding"][0]["code"], "error");
        assert!(!told.to_string().contains("\"value") || !told.to_string().contains("9.99"), "{told}");
        assert_eq!(told.as_object().unwrap().keys().find(|name| name.starts_with("value")), None);
    }
    let blank = observation(plain("K", Measured::Text("  ".to_owned())));
    assert_eq!(blank.get("valueString"), None);
    assert_eq!(blank["dataAbsentReason"]["text"], "the analyzer sent no value");
}

#[test]
fn a_time_is_told_as_far_as_it_is_known() {
    let time = |text: &str, instant: Option<&str>| {
        Some(InstrumentTime { text: text.to_owned(), instant: instant.map(|text| text.parse().unwrap()) })
    };
    let early = || time("20260102030405", Some("2026-01-02T03:04:05Z"));
    let late = || time("20260102031405", Some("2026-01-02T03:14:05Z"));
    let told = |started, completed| {
        let told = observation(Observation { started, completed, ..plain("K", number(None, "4.1")) });
        let notes = told.get("note").map(|notes| notes[0]["text"].as_str().unwrap().to_owned());
        let at = told.get("effectiveDateTime").or(told.get("effectivePeriod")).cloned().unwrap_or_default();
        (at, notes.unwrap_or_default())
    };
    let period = json!({ "start": "2026-01-02T03:04:05Z", "end": "2026-01-02T03:14:05Z" });
    assert_eq!(told(early(), late()), (period, String::new()));
    assert_eq!(told(late(), early()).0, "2026-01-02T03:04:05Z", "a period doesn't run backwards");
    assert_eq!(told(early(), None).0, "2026-01-02T03:04:05Z");
    assert_eq!(told(None, None), (Value::Null, String::new()));
    let twice = time("20261025023000", None);
    assert_eq!(told(None, twice), (json!("2026-10-25"), "completed as sent: 20261025023000".to_owned()));
    let odd = time("yesterday", None);
    assert_eq!(told(None, odd), (Value::Null, "completed as sent: yesterday".to_owned()));
    let wrong = time("20261399023000", None);
    assert_eq!(told(None, wrong).0, Value::Null);
}

#[test]
fn sides_of_one_measurement_are_told_apart_by_the_instruments_code() {
    let test = |aspect: &str, dilution: &str| TestIdentity {
        code: "HBS".to_owned(),
        aspect: aspect.to_owned(),
        dilution: dilution.to_owned(),
        ..TestIdentity::default()
    };
    for (test, expected) in
        [(test("", ""), "HBS"), (test("RLU", ""), "HBS/RLU"), (test("", "10"), "HBS///10")]
    {
        let told = observation(Observation { test, replicate: 2, ..plain("HBS", number(None, "4.1")) });
        assert_eq!(told["code"]["coding"][0]["code"], expected);
        assert_eq!(told["note"][0]["text"], "replicate 2");
    }
}

#[test]
fn a_letter_that_fhir_has_no_word_for_stands_beside_its_result() {
    let hl7 = |letter: &str, status| {
        let it = Observation {
            profile: "h/1".to_owned(),
            status,
            status_as_sent: letter.to_owned(),
            flags: vec!["HM".to_owned(), "H".to_owned()],
            ..plain("K", number(None, "4.1"))
        };
        observation(it)
    };
    let unverified = hl7("R", Status::Preliminary);
    assert_eq!(unverified["status"], "preliminary");
    assert_eq!(unverified["note"][0]["text"], "status as sent: R");
    assert_eq!(unverified["interpretation"][0], json!({ "text": "HM" }));
    assert_eq!(unverified["interpretation"][1]["coding"][0]["code"], "H");
    assert_eq!(hl7("W", Status::Correction)["status"], "entered-in-error");
    assert_eq!(hl7("F", Status::Final).get("note"), None);
}

#[test]
fn comments_go_along() {
    let comment = |text: &str| Comment {
        source: "L".to_owned(),
        text: Private::new(text.to_owned()),
        kind: String::new(),
    };
    let it = Observation { comments: vec![comment("haemolytic"), comment(" ")], ..glucose() };
    assert_eq!(observation(it)["note"], json!([{ "text": "haemolytic" }]));
}

#[test]
fn a_correction_takes_its_observations_place_and_keeps_what_it_replaces() {
    let first = bundle(&consignment(vec![glucose()]));
    let second = bundle(&corrected(glucose(), correction("5.90")));
    let entry = |bundle: &Value| {
        let entries = bundle["entry"].as_array().unwrap();
        entries.iter().find(|entry| entry["resource"]["resourceType"] == "Observation").unwrap().clone()
    };
    let (before, after) = (entry(&first), entry(&second));
    assert_eq!(before["resource"]["identifier"][0], after["resource"]["identifier"][0]);
    assert_eq!(
        after["request"],
        json!({
            "method": "PUT",
            "url": format!("Observation?{}", before["request"]["ifNoneExist"].as_str().unwrap())
        })
    );
    assert_eq!(after["resource"]["status"], "corrected");
    assert_eq!(after["resource"]["note"][0]["text"], "replaces an earlier version: 5.40 mg/dl, final");
    let reports = [&first, &second].map(|bundle| bundle["entry"][3]["resource"].clone());
    assert_eq!(
        (reports[0]["status"].as_str(), reports[1]["status"].as_str()),
        (Some("final"), Some("corrected"))
    );
    assert_ne!(reports[0]["identifier"], reports[1]["identifier"], "a report stays as it was given");
    let sent = Sent::parse(second.to_string().as_bytes()).unwrap();
    let (id, result) = sent.results().next().unwrap();
    assert_eq!((id, result.way), (ObservationId(2), Way::Update));
    assert!(sent.is_earlier(result, &before["resource"]), "it knows what it replaces");
    assert!(!sent.is_earlier(result, &after["resource"]));
}

#[test]
fn a_newer_version_that_differs_in_a_flag_alone_is_another_version() {
    let flagged = Observation { flags: vec!["H".to_owned()], ..correction("5.90") };
    let [plain, flagged] = [correction("5.90"), flagged].map(|it| corrected(glucose(), it));
    let version = |consignment| resources("Observation", consignment).remove(0)["identifier"][1].clone();
    assert_eq!(version(&plain)["system"], "https://lab.example/labwire/version");
    assert_ne!(version(&plain), version(&flagged));
    let report = |consignment| resources("DiagnosticReport", consignment).remove(0)["identifier"].clone();
    assert_ne!(report(&plain), report(&flagged));
}

#[test]
fn a_result_has_one_name_in_every_delivery_and_no_other_result_has_it() {
    let name = |consignment: &Consignment| {
        resources("Observation", consignment).remove(0)["identifier"][0]["value"].as_str().unwrap().to_owned()
    };
    let of = |it: Observation| name(&consignment(vec![it]));
    let mut later = consignment(vec![glucose()]);
    later.key = "ffffffff-7".to_owned();
    later.made_at = "2026-02-02T03:04:06Z".parse().unwrap();
    later.items[0].id = ObservationId(77);
    later.items[0].received_at = "2026-02-02T03:04:06Z".parse().unwrap();
    assert_eq!(of(glucose()), name(&later), "in a restored journal too");

    let untimed = || Observation { completed: None, ..glucose() };
    let mut again = consignment(vec![untimed()]);
    again.items[0].received_at = later.items[0].received_at;
    assert_ne!(of(untimed()), name(&again), "what only looks alike is another result");

    let dilution = TestIdentity { dilution: "10".to_owned(), ..glucose().test };
    let others = [
        Observation { value_as_sent: "5.41".to_owned(), ..glucose() },
        Observation { unit: None, ..glucose() },
        Observation { status_as_sent: "P".to_owned(), ..glucose() },
        Observation { replicate: 2, ..glucose() },
        Observation { flags: Vec::new(), ..glucose() },
        Observation { test: dilution, ..glucose() },
        untimed(),
    ];
    let all: BTreeSet<String> = others.into_iter().chain([glucose()]).map(of).collect();
    assert_eq!(all.len(), 8);
}

#[test]
fn the_patient_is_named_by_number_alone_and_only_where_the_site_says_whose_it_is() {
    let other = Patient { id: "EX-78".to_owned(), ..glucose().patient.reveal().clone() };
    let torn = consignment(vec![
        glucose(),
        Observation { patient: Private::new(other), ..plain("NA", number(None, "1")) },
    ]);
    assert_eq!(resources("Specimen", &torn)[0].get("subject"), None);
    assert_eq!(resources("DiagnosticReport", &torn)[0].get("subject"), None);
    let agreed = resources("Specimen", &consignment(vec![glucose()]));
    assert_eq!(agreed[0]["subject"]["identifier"]["value"], "EX-77");
    let nobodys = FhirNames { patient_system: None, ..names() };
    let bytes =
        render(&nobodys, "Example laboratory", &profiles(), Mode::Live, &consignment(vec![glucose()]))
            .unwrap();
    assert!(!String::from_utf8(bytes).unwrap().contains("EX-77"));
}

#[test]
fn a_result_of_an_order_refers_to_it_and_to_the_patient_of_the_lims() {
    let observation = resources("Observation", &ordered()).remove(0);
    let numbers: Vec<&Value> =
        observation["basedOn"].as_array().unwrap().iter().map(|it| &it["identifier"]["value"]).collect();
    assert_eq!(numbers, ["P-9", "F-3"]);
    assert_eq!(observation["subject"]["identifier"]["value"], "EX-78");
    let notes = observation["note"].to_string();
    assert!(notes.contains("other-patient: the analyzer named another patient"), "{notes}");
    let report = resources("DiagnosticReport", &ordered()).remove(0);
    assert_eq!(report["subject"]["identifier"]["value"], "EX-78");
}

#[test]
fn what_signed_rules_found_is_in_notes_and_not_with_what_is_void() {
    let told = |says: Says| resources("Observation", &doubted(says)).remove(0)["note"].to_string();
    for says in [Says::Result, Says::Preliminary] {
        let notes = told(says);
        assert!(
            notes.contains("by the laboratory's rules: delta: rise; by glucose-delta; limits > 50 %"),
            "{notes}"
        );
        assert!(notes.contains("by the laboratory's rules: index: found; by haemolysis"), "{notes}");
    }
    let void = told(Says::Void(Void::Rejected));
    assert!(!void.contains("rules"), "{void}");
}

#[test]
fn a_control_is_nobodys_result() {
    for class in [SampleClass::Control, SampleClass::Calibration] {
        let refused = consignment(vec![glucose(), Observation { class, ..glucose() }]);
        assert!(render(&names(), "Example laboratory", &profiles(), Mode::Live, &refused).is_err());
    }
}

#[test]
fn the_same_consignment_gives_the_same_bytes_and_they_are_read_back() {
    let consignment = corrected(glucose(), correction("5.90"));
    let bytes = bytes(&consignment);
    assert_eq!(bytes, self::bytes(&consignment));
    let sent = Sent::parse(&bytes).unwrap();
    assert_eq!(sent.entries.len(), 5);
    assert_eq!(sent.specimen().unwrap().search, "identifier=https%3A%2F%2Flab.example%2Ftube%7CEX0001");
    assert!(sent.closing().all(|entry| entry.way == Way::Create) && sent.closing().count() == 2);
    for odd in [&b"MSH|^~\\&"[..], b"{}", b"{\"entry\":[{}]}"] {
        assert!(Sent::parse(odd).is_err());
    }
}

#[test]
fn what_goes_to_a_server_under_test_is_labelled_so_in_every_resource() {
    let told = |mode| {
        let bytes = render(&names(), "A", &profiles(), mode, &consignment(vec![glucose()])).unwrap();
        let bundle: Value = serde_json::from_slice(&bytes).unwrap();
        let resources = bundle["entry"].as_array().unwrap();
        let marked = resources.iter().filter(|it| it["resource"]["meta"]["security"][0]["code"] == "HTEST");
        (marked.count(), resources.len())
    };
    let (marked, all) = told(Mode::Test);
    assert!(marked == all && all > 3, "{marked} of {all}");
    assert_eq!(told(Mode::Live).0, 0);
}

#[test]
fn a_record_of_a_call_is_a_communication_about_its_observation_and_nothing_else() {
    let called = called();
    let bundle = bundle(&called);
    let [entry] = bundle["entry"].as_array().unwrap().as_slice() else { panic!("{bundle}") };
    let told = &entry["resource"];
    let result = observation(glucose());
    assert_eq!(
        told["about"][0]["identifier"],
        json!({
            "system": "https://lab.example/labwire/result", "value": result["identifier"][0]["value"]
        })
    );
    assert_eq!((&told["resourceType"], &told["status"]), (&json!("Communication"), &json!("completed")));
    assert_eq!(told["recipient"], json!([{ "display": "Bert Sample, physician on duty" }]));
    assert_eq!(
        (&told["sender"]["display"], &told["sent"]),
        (&json!("Dora Example"), &json!("2026-01-02T03:05:00Z"))
    );
    assert_eq!(told["payload"], json!([{ "contentString": "5.4 mg/dl" }]));
    assert_eq!(told["subject"], result["subject"]);
    assert_eq!(told["note"].as_array().unwrap().len(), 4);
    let identity = told["identifier"][0]["value"].as_str().unwrap();
    let search = format!("identifier=https%3A%2F%2Flab.example%2Flabwire%2Fcall%7C{identity}");
    assert_eq!(entry["request"], json!({ "method": "POST", "url": "Communication", "ifNoneExist": search }));
    let sent = Sent::parse(&bytes(&called)).unwrap();
    assert_eq!(
        sent.results().map(|(id, entry)| (id, entry.way)).collect::<Vec<_>>(),
        [(ObservationId(1), Way::Create)]
    );
}

#[test]
fn a_call_that_reached_nobody_was_not_done_and_says_why() {
    let mut consignment = called();
    let note = consignment.call.as_mut().unwrap();
    let Noted::Attempt { attempt, .. } = &mut note.noted else { panic!("an attempt") };
    attempt.outcome = CallOutcome::NotReached;
    let told = resources("Communication", &consignment).remove(0);
    assert_eq!(
        (&told["status"], &told["statusReason"]["text"]),
        (&json!("not-done"), &json!("unable to reach"))
    );
    assert!(told.get("received").is_none() && told.get("payload").is_none());
}

#[test]
fn what_is_void_or_was_preliminary_takes_the_place_of_what_was_told_and_of_nothing_else() {
    let first = Sent::parse(&bytes(&consignment(vec![glucose()]))).unwrap();
    let preliminary = Sent::parse(&bytes(&told(Says::Preliminary))).unwrap();
    let entry = |sent: &Sent| sent.results().next().unwrap().1.clone();
    assert_eq!((entry(&preliminary).way, entry(&preliminary).search), (Way::Create, entry(&first).search));
    assert_eq!(entry(&preliminary).resource["status"], "preliminary");

    let mut released = consignment(vec![glucose()]);
    released.items[0].announced = true;
    let released = Sent::parse(&bytes(&released)).unwrap();
    assert_eq!((entry(&released).way, entry(&released).search), (Way::Update, entry(&first).search));
    assert!(released.is_earlier(&entry(&released), &entry(&preliminary).resource));
    let mut another = entry(&preliminary).resource;
    another["valueQuantity"]["value"] = json!(7);
    assert!(!released.is_earlier(&entry(&released), &another), "that is nothing of ours");

    let voids = [
        (Void::Misread, "entered-in-error"),
        (Void::Recoded, "entered-in-error"),
        (Void::Rejected, "cancelled"),
    ];
    for (void, status) in voids {
        let mut consignment = told(Says::Void(void));
        consignment.items[0].announced = void == Void::Rejected;
        let sent = Sent::parse(&bytes(&consignment)).unwrap();
        let ours = entry(&sent);
        assert_eq!((ours.way, ours.search.clone()), (Way::Update, entry(&first).search));
        assert_eq!(ours.resource["status"], status);
        assert!(
            ours.resource.get("valueQuantity").is_none() && ours.resource.get("interpretation").is_none()
        );
        assert!(sent.is_earlier(&ours, &entry(&first).resource));
        let was_told = sent.is_earlier(&ours, &entry(&preliminary).resource);
        assert_eq!(was_told, void == Void::Rejected, "only what was told as preliminary may stand there so");
        assert_eq!(resources("DiagnosticReport", &consignment)[0]["status"], status);
    }
}

#[test]
fn a_moved_result_is_one_of_its_own_and_its_note_says_where_it_came_from() {
    let moved = moved();
    let sent = Sent::parse(&bytes(&moved)).unwrap();
    assert_eq!(sent.results().next().unwrap().1.way, Way::Create, "of this specimen it is the first version");
    let notes = resources("Observation", &moved)[0]["note"].to_string();
    assert!(notes.contains("came under EX0009; moved here by Dora Example: scanned by hand"), "{notes}");
}

#[test]
fn a_result_by_another_code_is_one_of_its_own_and_keeps_its_name_in_later_versions() {
    let search = |consignment: &Consignment| {
        Sent::parse(&bytes(consignment)).unwrap().results().next().unwrap().1.search.clone()
    };
    let before = consignment(vec![glucose()]);
    let mut second = consignment(vec![glucose()]);
    second.items[0].version = 2;
    second.items[0].recoded = true;
    assert_ne!(search(&second), search(&before), "else it would be taken for what is void there");
    let mut third = consignment(vec![glucose()]);
    let item = &mut third.items[0];
    (item.version, item.recoded) = (3, true);
    let (received_at, observation) = (item.received_at, item.observation.clone());
    item.earlier = vec![Version { received_at, observation, announced: false }];
    assert_eq!(search(&third), search(&second));
    third.items[0].version = 4;
    assert_ne!(search(&third), search(&second), "with that version another code begins once more");
}
