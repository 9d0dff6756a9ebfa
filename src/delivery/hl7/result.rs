//! One observation as OBX with its NTE. A value is the decimal text as sent; what has no value says so and why.

use labwire_hl7::message::{Draft, Value};

use super::{moment, test};
use crate::domain::{AppliedRange, CodeSystem, Observation, RangeFlag, Status, Value as Measured};
use crate::journal::ledger::{Item, Says, Version, Void};

pub(super) fn write(draft: &mut Draft, number: usize, item: &Item) {
    let observation = &item.observation;
    // A result keeps its OBX-4 in all its versions: else a diluted one would stand beside the one that it replaces.
    let first = item.earlier.first().map_or(observation, |version| &version.observation);
    let value = Written::of(item);
    let parts = value.parts();
    let test = test(observation);
    let own = site_range(observation);
    let computed =
        own.and_then(|range| range.flag).filter(|_| !observation.has_flags()).map(RangeFlag::letter);
    let sent = observation.flags.iter().filter(|flag| !flag.is_empty()).map(String::as_bytes);
    let flags: Vec<&[u8]> = sent.chain(computed.map(str::as_bytes)).collect();
    let mut equipment = vec![observation.instrument.as_str().as_bytes()];
    equipment.extend(observation.analyzer_unit.as_deref().map(str::as_bytes));
    let started = observation.started.as_ref().and_then(moment::of).unwrap_or_default();
    let completed = observation.completed.as_ref().and_then(moment::of).unwrap_or_default();
    let (unit, sent) = unit_and_range(observation);
    let range = match &observation.site_range {
        None => sent.to_owned(),
        Some(_) => own.map(|own| own.range.shown()).unwrap_or_default(),
    };
    let operator = observation.operator.as_ref().map(|operator| operator.reveal().as_str());
    draft.segment(
        b"OBX",
        [
            (1, Value::Text(number.to_string().as_bytes())),
            (2, Value::Text(value.kind)),
            (3, Value::Components(&test)),
            (4, Value::Text(which(first).as_bytes())),
            (5, Value::Components(&parts)),
            (6, Value::Text(unit.as_bytes())),
            (7, Value::Text(range.as_bytes())),
            (8, Value::Repeats(&flags)),
            (11, Value::Text(status(item))),
            (14, Value::Text(started.as_bytes())),
            (16, Value::Text(operator.unwrap_or_default().as_bytes())),
            (18, Value::Repeats(&equipment)),
            (19, Value::Text(completed.as_bytes())),
        ],
    );
    notes(draft, item);
}

fn site_range(observation: &Observation) -> Option<&AppliedRange> {
    observation.site_range.as_ref()?.as_ref().ok()
}

/// OBX-6 and OBX-7. A range is as sent, in the unit as sent: beside a converted value it would mislead.
fn unit_and_range(observation: &Observation) -> (&str, &str) {
    match observation.reported() {
        Some(reported) => (&reported.unit, ""),
        None => (
            observation.unit.as_deref().unwrap_or_default(),
            observation.reference_range.as_deref().unwrap_or_default(),
        ),
    }
}

/// OBX-2 and the components of OBX-5.
struct Written<'a> {
    kind: &'static [u8],
    texts: Vec<&'a str>,
}

impl<'a> Written<'a> {
    fn of(item: &'a Item) -> Written<'a> {
        let observation = &item.observation;
        let (kind, texts): (&'static [u8], Vec<&'a str>) = match &observation.value {
            _ if observation.is_without_value() || matches!(item.says, Says::Void(_)) => (b"", Vec::new()),
            Measured::Quantity { comparator, number } => {
                let number = observation.reported().map_or(number, |reported| &reported.number).as_str();
                match comparator {
                    None => (b"NM", vec![number]),
                    Some(comparator) => (b"SN", vec![comparator.as_str(), number]),
                }
            }
            Measured::Code { code, coding: None } => (b"CWE", vec![code, &observation.value_as_sent, "L"]),
            Measured::Code { code, coding: Some(coding) } => {
                let text = coding.text.as_deref().unwrap_or_default();
                (
                    b"CWE",
                    vec![
                        &coding.code,
                        text,
                        table(coding.system),
                        code,
                        &observation.value_as_sent,
                        "99INSTRUMENT",
                    ],
                )
            }
            Measured::Text(text) => (b"ST", vec![text]),
            Measured::Absent { .. } => (b"", Vec::new()),
        };
        Written { kind, texts }
    }

    fn parts(&self) -> Vec<&'a [u8]> {
        self.texts.iter().map(|text| text.as_bytes()).collect()
    }
}

/// A system of codes, as table 0396 has it.
fn table(system: CodeSystem) -> &'static str {
    match system {
        CodeSystem::Local => "L",
        CodeSystem::Snomed => "SCT",
        CodeSystem::Loinc => "LN",
    }
}

/// OBX-11. HL7's W takes back what was wrong as it was transmitted: of the wrong patient, or by the wrong code.
pub(super) fn status(item: &Item) -> &'static [u8] {
    let observation = &item.observation;
    let other_dilution = |version: &Version| version.observation.test.dilution != observation.test.dilution;
    match observation.status {
        _ if matches!(item.says, Says::Void(Void::Misread | Void::Recoded | Void::Withdrawn)) => b"W",
        _ if item.says == Says::Void(Void::Rejected) || observation.is_without_value() => b"X",
        _ if item.says == Says::Preliminary => b"P",
        Status::Final if item.earlier.last().is_some_and(other_dilution) => b"C",
        Status::Preliminary => b"P",
        Status::Final => b"F",
        Status::Correction => b"C",
        Status::Failed => b"X",
    }
}

/// OBX-4, which tells results of one test apart: the replicate, and behind it aspect, component and dilution where the
/// test has them.
fn which(observation: &Observation) -> String {
    let test = &observation.test;
    let rest = [&test.aspect, &test.component, &test.dilution].map(String::as_str).join("/");
    format!("{}/{rest}", observation.replicate).trim_end_matches('/').to_owned()
}

/// Comments, and what has no field of its own.
fn notes(draft: &mut Draft, item: &Item) {
    let observation = &item.observation;
    let mut notes: Vec<(&str, String, &str)> = observation
        .comments
        .iter()
        .map(|comment| (comment.source.as_str(), comment.text.reveal().clone(), comment.kind.as_str()))
        .collect();
    notes.extend(observation.told_of_range().into_iter().map(|text| ("L", text, "")));
    notes.extend(observation.told_of_dilution().map(|text| ("L", text, "")));
    notes.extend(observation.told_of_conversion().map(|text| ("L", text, "")));
    notes.extend(item.told_of_findings().map(|text| ("L", text, "")));
    notes.extend(item.marked().iter().map(|doubt| ("L", format!("{}: {}", doubt.name(), doubt.text()), "")));
    if let Says::Void(void) = item.says {
        notes.push(("L", void.text().to_owned(), ""));
    }
    notes.extend(item.told_of_move().map(|text| ("L", text, "")));
    if let Measured::Absent { reason } = &observation.value {
        notes.push(("L", format!("no value: {reason}"), ""));
    }
    for (what, time) in [("started", &observation.started), ("completed", &observation.completed)] {
        if let Some(time) = time
            && moment::of(time).is_none()
        {
            notes.push(("L", format!("{what} as sent: {}", time.text), ""));
        }
    }
    for (number, (source, text, kind)) in (1..).zip(&notes) {
        draft.segment(
            b"NTE",
            [
                (1, Value::Text(format!("{number}").as_bytes())),
                (2, Value::Text(source.as_bytes())),
                (3, Value::Text(text.as_bytes())),
                (4, Value::Text(kind.as_bytes())),
            ],
        );
    }
}
