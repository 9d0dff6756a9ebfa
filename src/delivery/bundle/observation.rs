//! One result as a FHIR Observation. A number keeps the digits that were sent, a time is told as far as it is known, and
//! what has no place of its own is a note.

use serde_json::{Map, Number, Value, json};

use super::words;
use crate::config::settings::FhirNames;
use crate::domain::profile::Profile;
use crate::domain::{
    CodeSystem, Coding, DecimalText, InstrumentTime, Observation, Patient, Status, Value as Measured,
};
use crate::journal::ledger::{Item, Version, Void};

const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
const IDENTIFIER: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
const LOINC: &str = "http://loinc.org";
const SNOMED: &str = "http://snomed.info/sct";
const UCUM: &str = "http://unitsofmeasure.org";

/// What is around a result in its Bundle.
pub(super) struct Around<'a> {
    pub(super) identity: &'a str,
    pub(super) specimen: &'a str,
    pub(super) device: &'a str,
    pub(super) earlier: &'a [Version],
}

/// An object of those members that there are.
pub(super) fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let there = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect::<Map<_, _>>())
}

/// What is not blank.
pub(super) fn said(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.trim().is_empty())
}

pub(super) fn resource(
    names: &FhirNames,
    profile: Option<&Profile>,
    it: &Observation,
    around: &Around<'_>,
) -> Value {
    let (kind, value) = value(names, it).unzip();
    let (time, at) = effective(it).unzip();
    let list = |values: Vec<Value>| (!values.is_empty()).then_some(Value::Array(values));
    let sent = it.flags.iter().filter_map(|flag| Some(words::interpretation(said(flag)?, profile)));
    let own = it.site_range.as_ref().and_then(|range| range.as_ref().ok()?.flag);
    let flags = sent.chain(own.filter(|_| !it.has_flags()).map(words::of_range));
    object([
        ("resourceType", Some(json!("Observation"))),
        (
            "identifier",
            Some(json!([{ "system": format!("{}/result", names.system), "value": around.identity }])),
        ),
        ("status", Some(json!(words::status(it, profile)))),
        ("category", Some(json!([{ "coding": [{ "system": CATEGORY, "code": "laboratory" }] }]))),
        ("code", Some(code(names, it))),
        ("subject", subject(names, it.patient.reveal())),
        (time.unwrap_or_default(), at),
        ("performer", operator(names, it)),
        (kind.unwrap_or_default(), value),
        ("dataAbsentReason", absence(it)),
        ("interpretation", list(flags.collect())),
        ("note", list(notes(it, profile, around.earlier))),
        ("specimen", Some(json!({ "reference": around.specimen }))),
        ("device", Some(json!({ "reference": around.device }))),
        ("referenceRange", list(ranges(names, it))),
    ])
}

pub(super) const PRELIMINARY: &str = "preliminary";

/// A result as it is told while it is held.
pub(super) fn preliminary(mut resource: Value) -> Value {
    if let Some(members) = resource.as_object_mut() {
        members.insert("status".to_owned(), json!(PRELIMINARY));
    }
    resource
}

/// A result that counts no more: its value is gone, and a note says why.
pub(super) fn void(mut resource: Value, void: Void) -> Value {
    let Some(members) = resource.as_object_mut() else { return resource };
    members.retain(|name, _| !name.starts_with("value") && name != "interpretation");
    members.insert("status".to_owned(), json!(words::void(void)));
    let absent = json!({ "coding": [{ "system": ABSENT, "code": "error" }], "text": void.text() });
    members.insert("dataAbsentReason".to_owned(), absent);
    if let Some(notes) = members.entry("note").or_insert_with(|| json!([])).as_array_mut() {
        notes.push(json!({ "text": void.text() }));
    }
    resource
}

/// What the LIMS knows of a result by its order: the numbers that it is found by, the LIMS's own patient in the place of
/// the instrument's; and what rules found, what speaks against the order, and whence it was moved.
pub(super) fn link(names: &FhirNames, item: &Item, resource: &mut Value) {
    let Some(members) = resource.as_object_mut() else { return };
    if let Some(order) = item.order() {
        let numbers = [("PLAC", &order.placer), ("FILL", &order.filler)];
        let numbers: Vec<Value> = numbers
            .into_iter()
            .filter_map(|(kind, number)| {
                let kind = json!({ "coding": [{ "system": IDENTIFIER, "code": kind }] });
                let identifier = json!({ "type": kind, "value": said(number)? });
                Some(json!({ "type": "ServiceRequest", "identifier": identifier }))
            })
            .collect();
        if !numbers.is_empty() {
            members.insert("basedOn".to_owned(), Value::Array(numbers));
        }
        if let Some(subject) = subject(names, item.patient()) {
            members.insert("subject".to_owned(), subject);
        }
    }
    let doubts = item.marked().iter().map(|doubt| format!("{}: {}", doubt.name(), doubt.text()));
    let told: Vec<Value> = item
        .told_of_findings()
        .chain(doubts)
        .chain(item.told_of_move())
        .map(|text| json!({ "text": text }))
        .collect();
    if !told.is_empty()
        && let Some(notes) = members.entry("note").or_insert_with(|| json!([])).as_array_mut()
    {
        notes.extend(told);
    }
}

/// The laboratory's own range, or the one that was sent: that one is in the unit as sent, and beside a converted value it
/// would mislead.
fn ranges(names: &FhirNames, it: &Observation) -> Vec<Value> {
    let Some(own) = &it.site_range else {
        let sent = it.reference_range.as_deref().filter(|_| it.reported().is_none()).and_then(said);
        return sent.map(|range| json!({ "text": range })).into_iter().collect();
    };
    let Ok(own) = own else { return Vec::new() };
    let unit = own.unit.as_deref();
    let ucum = unit.and_then(|unit| match it.reported() {
        Some(_) => Some(unit),
        None => names.ucum.get(unit).map(String::as_str),
    });
    let quantity = |end: &Option<DecimalText>| {
        Some(object([
            ("value", Some(Value::Number(digits(end.as_ref()?)?))),
            ("unit", unit.map(|unit| json!(unit))),
            ("system", ucum.map(|_| json!(UCUM))),
            ("code", ucum.map(|code| json!(code))),
        ]))
    };
    let band = own.band.reveal();
    let whom = if band.is_empty() { String::new() } else { format!(" ({band})") };
    let text = format!("{}{whom}", own.range.shown());
    vec![object([
        ("low", quantity(&own.range.low)),
        ("high", quantity(&own.range.high)),
        ("text", Some(json!(text))),
    ])]
}

/// The patient by the number that the instrument sent, where the site says whose numbers those are. No name: the
/// server's own is the one that counts.
pub(super) fn subject(names: &FhirNames, patient: &Patient) -> Option<Value> {
    let system = names.patient_system.as_deref()?;
    let id = said(&patient.id)?;
    Some(json!({ "type": "Patient", "identifier": { "system": system, "value": id } }))
}

/// LOINC, then what the LIMS calls the test, then what the instrument does, which tells its sides apart.
fn code(names: &FhirNames, it: &Observation) -> Value {
    let test = &it.test;
    let own = [&test.code, &test.aspect, &test.component, &test.dilution].map(String::as_str).join("/");
    let own = own.trim_end_matches('/');
    let own_system = format!("{}/instrument/{}", names.system, it.instrument);
    let reported = it.reported().and_then(|reported| reported.loinc.as_deref());
    let loinc = reported.or(it.loinc.as_deref()).map(|code| json!({ "system": LOINC, "code": code }));
    let lims = it.lims_code.as_deref().map(|code| json!({ "system": names.code_system, "code": code }));
    let coding: Vec<Value> =
        loinc.into_iter().chain(lims).chain([json!({ "system": own_system, "code": own })]).collect();
    json!({ "coding": coding, "text": it.lims_code.as_deref().unwrap_or(&test.code) })
}

fn operator(names: &FhirNames, it: &Observation) -> Option<Value> {
    let name = said(it.operator.as_ref()?.reveal())?;
    let system = format!("{}/operator", names.system);
    Some(json!([{ "type": "Practitioner", "identifier": { "system": system, "value": name } }]))
}

/// `value[x]` and what it holds. A failed run has none, whatever number came with it.
fn value(names: &FhirNames, it: &Observation) -> Option<(&'static str, Value)> {
    match &it.value {
        _ if it.is_without_value() => None,
        Measured::Quantity { comparator, number } => {
            let (number, unit, ucum) = match it.reported() {
                Some(reported) => (&reported.number, Some(reported.unit.as_str()), Some(&reported.unit)),
                None => {
                    let unit = it.unit.as_deref().and_then(said);
                    (number, unit, unit.and_then(|unit| names.ucum.get(unit)))
                }
            };
            let quantity = object([
                ("value", Some(Value::Number(digits(number)?))),
                ("comparator", comparator.map(|comparator| json!(comparator.as_str()))),
                ("unit", unit.map(|unit| json!(unit))),
                ("system", ucum.map(|_| json!(UCUM))),
                ("code", ucum.map(|code| json!(code))),
            ]);
            Some(("valueQuantity", quantity))
        }
        Measured::Code { code, coding } => {
            let own = json!({ "system": format!("{}/value", names.system), "code": code });
            let codings: Vec<Value> = coding.iter().map(|it| coded(names, it)).chain([own]).collect();
            let text = said(&it.value_as_sent).map(|text| json!(text));
            Some(("valueCodeableConcept", object([("coding", Some(json!(codings))), ("text", text)])))
        }
        Measured::Text(text) => Some(("valueString", json!(said(text)?))),
        Measured::Absent { .. } => None,
    }
}

/// What the site calls a qualitative value.
fn coded(names: &FhirNames, coding: &Coding) -> Value {
    let system = match coding.system {
        CodeSystem::Local => format!("{}/value", names.code_system),
        CodeSystem::Snomed => SNOMED.to_owned(),
        CodeSystem::Loinc => LOINC.to_owned(),
    };
    let text = coding.text.as_ref().map(|text| json!(text));
    object([("system", Some(json!(system))), ("code", Some(json!(coding.code))), ("display", text)])
}

/// The number with its digits. JSON has no zeros before a number's first digit.
fn digits(number: &DecimalText) -> Option<Number> {
    let text = number.as_str();
    let (sign, unsigned) = text.strip_prefix('-').map_or(("", text), |unsigned| ("-", unsigned));
    let short = unsigned.trim_start_matches('0');
    let whole = if short.is_empty() || short.starts_with('.') { "0" } else { "" };
    format!("{sign}{whole}{short}").parse().ok()
}

/// Why there is no value.
fn absence(it: &Observation) -> Option<Value> {
    let why = match &it.value {
        Measured::Absent { reason } => said(reason).unwrap_or("the analyzer sent no value"),
        _ if it.status == Status::Failed => "the run failed",
        Measured::Text(text) if said(text).is_none() => "the analyzer sent no value",
        _ => return None,
    };
    Some(json!({ "coding": [{ "system": ABSENT, "code": "error" }], "text": why }))
}

/// `effective[x]`: when the measurement was made, as far as that is known.
fn effective(it: &Observation) -> Option<(&'static str, Value)> {
    let instant = |time: &Option<InstrumentTime>| time.as_ref().and_then(|time| time.instant);
    match (instant(&it.started), instant(&it.completed)) {
        (Some(start), Some(end)) if start < end => {
            Some(("effectivePeriod", json!({ "start": start.to_string(), "end": end.to_string() })))
        }
        _ => {
            let time = [&it.completed, &it.started].into_iter().flatten().find_map(date_time)?;
            Some(("effectiveDateTime", json!(time)))
        }
    }
}

/// An instant, or the day where the time names none.
fn date_time(time: &InstrumentTime) -> Option<String> {
    if let Some(instant) = time.instant {
        return Some(instant.to_string());
    }
    let digits = time.text.bytes().all(|byte| byte.is_ascii_digit());
    let day = time.text.get(..8).filter(|_| digits)?;
    jiff::civil::Date::strptime("%Y%m%d", day).ok().map(|day| day.to_string())
}

/// Comments, and what has no place of its own.
fn notes(it: &Observation, profile: Option<&Profile>, earlier: &[Version]) -> Vec<Value> {
    let mut notes: Vec<String> =
        it.comments.iter().filter_map(|comment| said(comment.text.reveal())).map(str::to_owned).collect();
    if it.replicate > 1 {
        notes.push(format!("replicate {}", it.replicate));
    }
    if words::says_more(it, profile) {
        notes.push(format!("status as sent: {}", it.status_as_sent));
    }
    notes.extend(it.told_of_range());
    notes.extend(it.told_of_dilution());
    notes.extend(it.told_of_conversion());
    for (what, time) in [("started", &it.started), ("completed", &it.completed)] {
        let odd = time.as_ref().filter(|time| time.instant.is_none() && said(&time.text).is_some());
        notes.extend(odd.map(|time| format!("{what} as sent: {}", time.text)));
    }
    for Version { observation, .. } in earlier {
        let status = words::status(observation, profile);
        let value = match &observation.value {
            _ if observation.is_without_value() => "no value".to_owned(),
            Measured::Quantity { comparator, number } => {
                format!("{}{number}", comparator.map_or("", |comparator| comparator.as_str()))
            }
            _ => observation.value_as_sent.clone(),
        };
        let unit = observation.unit.as_deref().and_then(said).filter(|_| !observation.is_without_value());
        let value = [value.as_str()].into_iter().chain(unit).collect::<Vec<_>>().join(" ");
        notes.push(format!("replaces an earlier version: {value}, {status}"));
    }
    notes.into_iter().map(|text| json!({ "text": text })).collect()
}
