//! What a LIMS tells of a patient's earlier values: final numbers with their time and unit, in labwire's own JSON
//! (docs/history.schema.json) or as a FHIR R4 searchset of Observations. Pure. What isn't final, is no number, or has no
//! instant isn't a value to compare with; nothing of it is made up. Errors quote nothing of the text.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::config::settings::{HistoryFormat, HistorySettings};
use crate::domain::{Comparator, DecimalText, HistoryValue, SpecimenId};
use crate::orders::fhir::{list, resolve, word};

/// UCUM's system in FHIR, by its own page on terminologies.
const UCUM: &str = "http://unitsofmeasure.org";

const OF_ANOTHER: &str = "its answer is about another patient";

/// An answer, or a page of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) values: Vec<HistoryValue>,
    pub(super) next: Option<String>,
    /// Whom the server says they are of: whatever it refers to.
    pub(super) about: BTreeSet<String>,
}

/// Reads an answer about a patient's number; an error says what is wrong with it as a whole.
pub(super) fn read(text: &[u8], settings: &HistorySettings, patient: &str) -> Result<Answer, String> {
    match &settings.format {
        HistoryFormat::Json => json(text, patient),
        HistoryFormat::Fhir { code_system } => fhir(text, code_system.as_deref(), patient),
    }
}

fn unreadable(error: &serde_json::Error) -> String {
    format!("its answer can't be read at line {}, column {}", error.line(), error.column())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    patient: Option<String>,
    values: Vec<ValueTwin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueTwin {
    test: String,
    value: String,
    unit: String,
    at: String,
    specimen: String,
    #[serde(default)]
    containers: Vec<String>,
    #[serde(default)]
    instrument: String,
}

fn json(text: &[u8], patient: &str) -> Result<Answer, String> {
    let told: Told = serde_json::from_slice(text).map_err(|error| unreadable(&error))?;
    if told.patient.is_some_and(|of| of.trim() != patient) {
        return Err(OF_ANOTHER.to_owned());
    }
    let values = told.values.into_iter().enumerate().map(|(index, it)| {
        value(it)
            .ok_or_else(|| format!("its value {} can't be read; see docs/history.schema.json", index + 1))
    });
    Ok(Answer { values: values.collect::<Result<_, _>>()?, next: None, about: BTreeSet::new() })
}

fn value(it: ValueTwin) -> Option<HistoryValue> {
    let (comparator, number) = Comparator::split(&it.value);
    let labels = std::iter::once(it.specimen).chain(it.containers);
    let specimens: Vec<SpecimenId> = labels.map(|label| SpecimenId::new(label.trim())).collect();
    if it.test.is_empty() || specimens.iter().any(SpecimenId::is_blank) {
        return None;
    }
    Some(HistoryValue {
        code: it.test,
        comparator,
        number: DecimalText::parse(number, '.')?,
        unit: it.unit,
        at: it.at.parse().ok()?,
        told_at: None,
        instrument: it.instrument,
        specimens,
    })
}

fn fhir(text: &[u8], code_system: Option<&str>, patient: &str) -> Result<Answer, String> {
    let bundle: Value = serde_json::from_slice(text).map_err(|error| unreadable(&error))?;
    if word(&bundle, "/resourceType") != "Bundle" {
        return Err("its answer is no Bundle".to_owned());
    }
    let entries = list(&bundle, "/entry");
    let resources: Vec<(&str, &Value)> =
        entries.iter().filter_map(|entry| Some((word(entry, "/fullUrl"), entry.get("resource")?))).collect();
    let outcomes = resources.iter().filter(|(_, it)| word(it, "/resourceType") == "OperationOutcome");
    let severe = |issue: &Value| matches!(word(issue, "/severity"), "error" | "fatal");
    if outcomes.flat_map(|(_, it)| list(it, "/issue")).any(severe) {
        return Err("its answer tells of an error".to_owned());
    }
    let observations = resources.iter().filter(|(_, it)| word(it, "/resourceType") == "Observation");
    let observations: Vec<&Value> = observations.map(|(_, it)| *it).collect();
    let numbered = observations.iter().map(|it| word(it, "/subject/identifier/value"));
    if numbered.into_iter().any(|of| !of.is_empty() && of.trim() != patient) {
        return Err(OF_ANOTHER.to_owned());
    }
    let about = observations.iter().map(|it| word(it, "/subject/reference").to_owned());
    let about = about.filter(|it| !it.is_empty()).collect();
    let values: Vec<HistoryValue> =
        observations.iter().filter_map(|it| observation(it, &resources, code_system)).collect();
    if values.iter().any(|it| it.specimens.is_empty() && it.told_at.is_none()) {
        return Err(
            "a value of its answer says neither of which specimen it is nor when it was issued; ask for \
             _include=Observation:specimen too"
                .to_owned(),
        );
    }
    let links = list(&bundle, "/link");
    let next = links.iter().find(|link| word(link, "/relation") == "next");
    Ok(Answer { values, next: next.map(|link| word(link, "/url").to_owned()), about })
}

fn observation(it: &Value, resources: &[(&str, &Value)], code_system: Option<&str>) -> Option<HistoryValue> {
    if !matches!(word(it, "/status"), "final" | "amended" | "corrected") {
        return None;
    }
    let is_ours = |coding: &&Value| code_system.is_none_or(|system| word(coding, "/system") == system);
    let code = list(it, "/code/coding").iter().find(is_ours).map(|coding| word(coding, "/code"))?;
    let quantity = it.get("valueQuantity")?;
    let comparator = match word(quantity, "/comparator") {
        "" => None,
        sign => match Comparator::split(sign) {
            (Some(comparator), "") => Some(comparator),
            _ => return None,
        },
    };
    let number = quantity.get("value").and_then(Value::as_number)?.to_string();
    let by_code = word(quantity, "/system") == UCUM && !word(quantity, "/code").is_empty();
    let unit = if by_code { word(quantity, "/code") } else { word(quantity, "/unit") };
    let measured = ["/effectiveDateTime", "/effectiveInstant", "/effectivePeriod/end"];
    let at = measured.iter().find_map(|place| word(it, place).parse::<Timestamp>().ok())?;
    let told_at = ["/issued", "/meta/lastUpdated"].iter().find_map(|place| word(it, place).parse().ok());
    Some(HistoryValue {
        code: Some(code).filter(|code| !code.is_empty())?.to_owned(),
        comparator,
        number: DecimalText::parse(&number, '.')?,
        unit: unit.to_owned(),
        at,
        told_at,
        instrument: instrument(it, resources),
        specimens: specimens(it, resources),
    })
}

fn instrument(it: &Value, resources: &[(&str, &Value)]) -> String {
    let device = it.get("device").and_then(|reference| named(reference, it, resources));
    let names = device.map(|device| word(device, "/deviceName/0/name")).into_iter();
    let names = names.chain([word(it, "/device/display"), word(it, "/device/identifier/value")]);
    names.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
}

/// Every number that its specimen is known by.
fn specimens(it: &Value, resources: &[(&str, &Value)]) -> Vec<SpecimenId> {
    let Some(reference) = it.get("specimen") else { return Vec::new() };
    let mut labels = vec![word(reference, "/identifier/value")];
    if let Some(tube) = named(reference, it, resources) {
        labels.extend(list(tube, "/identifier").iter().map(|it| word(it, "/value")));
        labels.push(word(tube, "/accessionIdentifier/value"));
        let containers = list(tube, "/container").iter().flat_map(|it| list(it, "/identifier"));
        labels.extend(containers.map(|it| word(it, "/value")));
    }
    let labels = labels.into_iter().map(|label| SpecimenId::new(label.trim()));
    labels.filter(|label| !label.is_blank()).collect()
}

/// What a reference of an observation names: something that it contains, or that came with it.
fn named<'a>(reference: &Value, it: &'a Value, resources: &[(&'a str, &'a Value)]) -> Option<&'a Value> {
    match word(reference, "/reference").strip_prefix('#') {
        Some(inner) => list(it, "/contained").iter().find(|resource| word(resource, "/id") == inner),
        None => resolve(reference, resources),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(observation: Value) -> Vec<HistoryValue> {
        let tube = json!({"resourceType": "Specimen", "id": "s1", "identifier": [{"value": "0042"}],
            "container": [{"identifier": [{"value": "C42"}]}]});
        let bundle = json!({"resourceType": "Bundle",
            "entry": [{"resource": observation}, {"fullUrl": "http://h/Specimen/s1", "resource": tube}]});
        fhir(bundle.to_string().as_bytes(), Some("http://loinc.org"), "EX1").unwrap().values
    }

    fn number(digits: &str) -> Value {
        serde_json::from_str(digits).unwrap()
    }

    fn potassium(more: Value) -> Value {
        let mut it = json!({"resourceType": "Observation", "status": "final",
            "code": {"coding": [{"system": "urn:lims", "code": "K"}, {"system": "http://loinc.org", "code": "2823-3"}]},
            "valueQuantity": {"value": number("4.10"), "unit": "mmol/l", "system": UCUM, "code": "mmol/L"},
            "effectiveDateTime": "2026-11-20T08:00:00+01:00", "issued": "2026-11-20T09:00:00Z",
            "device": {"display": "c311"}, "specimen": {"reference": "Specimen/s1"}});
        for (key, value) in more.as_object().unwrap() {
            it[key] = value.clone();
        }
        it
    }

    #[test]
    fn an_observation_is_a_value_with_all_its_digits_and_its_tubes_numbers() {
        let exact = number("4.10");
        let quantity = json!({"value": exact, "system": UCUM, "code": "mmol/L"});
        let [value] = &told(potassium(json!({"valueQuantity": quantity})))[..] else { panic!("one value") };
        let number = value.number.as_str();
        assert_eq!((value.code.as_str(), number, value.unit.as_str()), ("2823-3", "4.10", "mmol/L"));
        assert_eq!(
            (value.at.to_string().as_str(), value.instrument.as_str()),
            ("2026-11-20T07:00:00Z", "c311")
        );
        let labels: Vec<&str> = value.specimens.iter().map(SpecimenId::reveal).collect();
        assert_eq!(labels, ["0042", "C42"]);
    }

    #[test]
    fn what_is_not_final_no_number_or_without_an_instant_is_nothing_to_compare_with() {
        for more in [
            json!({"status": "preliminary"}),
            json!({"status": "entered-in-error"}),
            json!({"valueQuantity": null, "valueString": "haemolysed"}),
            json!({"valueQuantity": {"value": number("4.1"), "comparator": "ad", "code": "mmol/L", "system": UCUM}}),
            json!({"effectiveDateTime": "2026-11-20"}),
            json!({"effectiveDateTime": null}),
            json!({"code": {"coding": [{"system": "urn:lims", "code": "K"}]}}),
        ] {
            assert_eq!(told(potassium(more.clone())), [], "{more}");
        }
        let below = potassium(json!({"valueQuantity": {"value": 2, "comparator": "<", "unit": "mmol/L"}}));
        assert_eq!(told(below)[0].comparator, Some(Comparator::Less));
    }

    #[test]
    fn an_answer_that_is_none_is_never_taken_for_one_without_values() {
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]});
        for text in
            [json!({}), outcome.clone(), json!({"resourceType": "Bundle", "entry": [{"resource": outcome}]})]
        {
            assert!(fhir(text.to_string().as_bytes(), None, "EX1").is_err(), "{text}");
        }
        for text in ["{}", "[]", "", r#"{"values": [{"test": "K"}]}"#, r#"{"values": [], "more": 1}"#] {
            assert!(json(text.as_bytes(), "EX1").is_err(), "{text}");
        }
        assert_eq!(json(br#"{"values": []}"#, "EX1").unwrap().values, []);
    }

    #[test]
    fn an_answer_about_another_patient_is_refused() {
        for (subject, why) in [
            (json!({"identifier": {"value": "OTHER"}}), Some(OF_ANOTHER)),
            (json!({"identifier": {"value": "EX1"}}), None),
            (json!({"reference": "Patient/a"}), None),
        ] {
            let bundle = json!({"resourceType": "Bundle", "entry": [{"resource": potassium(json!({"subject": subject}))}]});
            let answer = fhir(bundle.to_string().as_bytes(), None, "EX1");
            assert_eq!(answer.as_ref().err().map(String::as_str), why, "{subject}");
            let about = answer.map(|it| it.about.into_iter().collect::<Vec<_>>()).unwrap_or_default();
            assert_eq!(
                about,
                if subject["reference"].is_null() { vec![] } else { vec!["Patient/a".to_owned()] }
            );
        }
        assert_eq!(json(br#"{"patient": "OTHER", "values": []}"#, "EX1"), Err(OF_ANOTHER.to_owned()));
        let nowhere =
            json!({"resourceType": "Bundle", "entry": [{"resource": potassium(json!({"issued": null}))}]});
        let why = fhir(nowhere.to_string().as_bytes(), None, "EX1").unwrap_err();
        assert!(why.contains("_include=Observation:specimen"), "{why}");
    }

    #[test]
    fn our_own_form_names_the_test_the_value_and_the_tube() {
        let good = json!({"test": "K", "value": "<4.10", "unit": "mmol/L", "at": "2026-11-20T08:00:00+01:00",
            "specimen": "0042", "containers": ["C42"], "instrument": "c311"});
        let schema = serde_json::from_str(include_str!("../../../docs/history.schema.json")).unwrap();
        let values =
            |it: &Value| json(json!({"patient": "EX1", "values": [it]}).to_string().as_bytes(), "EX1");
        assert!(jsonschema::is_valid(&schema, &json!({"values": [good]})));
        let read = values(&good).unwrap().values;
        assert_eq!((read[0].number.as_str(), read[0].comparator), ("4.10", Some(Comparator::Less)));
        assert_eq!(read[0].specimens.len(), 2);
        assert!(!jsonschema::is_valid(&schema, &json!({"values": [{"test": "K"}]})));
        for (key, bad) in
            [("value", "4,1"), ("value", "positive"), ("at", "2026-11-20"), ("specimen", " "), ("test", "")]
        {
            let mut it = good.clone();
            it[key] = json!(bad);
            assert!(values(&it).is_err(), "{key} {bad}");
        }
    }
}
