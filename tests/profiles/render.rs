//! An outcome as text that a technician can read, for snapshots.

use std::fmt::Write;

use labwire::domain::{Observation, Outcome, SampleClass, Standing, Status, Value};

pub(crate) fn outcome(outcome: &Outcome, answer: Option<&[u8]>) -> String {
    let mut text = String::new();
    for observation in &outcome.observations {
        write!(text, "{}", self::observation(observation)).unwrap();
    }
    for problem in &outcome.problems {
        let effect = if problem.replaces_result { "in place of a result" } else { "beside the results" };
        let record = problem.record.map_or("the message".to_owned(), |record| format!("record {record}"));
        writeln!(text, "problem {} at {record}, {effect}", problem.kind.name()).unwrap();
        writeln!(text, "    {}", problem.text.reveal()).unwrap();
    }
    for query in &outcome.queries {
        let specimens: Vec<_> = query.specimens.iter().map(|id| id.reveal()).collect();
        let what = if query.cancels { "withdraws its query for" } else { "asks for" };
        writeln!(text, "record {} {what} {}", query.record, specimens.join(", ")).unwrap();
    }
    if outcome.not_production {
        writeln!(text, "not production").unwrap();
    }
    if let Some(answer) = answer {
        writeln!(text, "answered without orders:").unwrap();
        for record in String::from_utf8_lossy(answer).split_terminator('\r') {
            writeln!(text, "    {record}").unwrap();
        }
    }
    text
}

fn observation(o: &Observation) -> String {
    let mut text = String::new();
    let test = [&o.test.code, &o.test.aspect, &o.test.component, &o.test.dilution];
    let test = test.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("/");
    let value = value(&o.value);
    let unit = o.unit.as_deref().map_or(String::new(), |unit| format!(" {unit}"));
    let replicate = if o.replicate == 1 { String::new() } else { format!(" replicate {}", o.replicate) };
    let status = match o.status {
        Status::Preliminary => "preliminary",
        Status::Final => "final",
        Status::Correction => "correction",
        Status::Failed => "failed",
    };
    let class = match o.class {
        SampleClass::Patient => "specimen",
        SampleClass::Control => "control",
        SampleClass::Calibration => "calibrator",
    };
    writeln!(
        text,
        "{class} {:?} test {test}{replicate}: {value}{unit}, {status} ({})",
        o.specimen.reveal(),
        o.status_as_sent
    )
    .unwrap();
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            writeln!(text, "    {name}: {value}").unwrap();
        }
    };
    let time = |time: &Option<labwire::domain::InstrumentTime>| {
        time.as_ref().map(|time| {
            let instant = time.instant.map_or("no instant".to_owned(), |instant| instant.to_string());
            format!("{} = {instant}", time.text)
        })
    };
    let patient = o.patient.reveal();
    let patient = [&patient.id, &patient.name, &patient.birth_date, &patient.sex, &patient.location];
    let patient: Vec<_> = patient.into_iter().filter(|part| !part.is_empty()).cloned().collect();
    line("patient", Some(patient.join(" ")));
    line("position", o.position.clone());
    line("material", o.specimen_type.clone());
    line("range", o.reference_range.clone());
    line("flags", Some(o.flags.join(" ")));
    line("loinc", o.loinc.clone());
    line("started", time(&o.started));
    line("completed", time(&o.completed));
    line("operator", o.operator.as_ref().map(|operator| operator.reveal().clone()));
    line("analyzer", o.analyzer_unit.clone());
    for comment in &o.comments {
        line("comment", Some(format!("{} {}", comment.source, comment.text.reveal())));
    }
    for attachment in &o.attachments {
        line("attached", Some(format!("{} ({} bytes)", attachment.kind, attachment.content.reveal().len())));
    }
    if let Standing::Held(reasons) = &o.standing {
        let reasons: Vec<_> = reasons.iter().map(|reason| reason.name()).collect();
        line("held", Some(reasons.join(", ")));
    }
    text
}

fn value(value: &Value) -> String {
    match value {
        Value::Quantity { comparator, number } => {
            format!("{}{number}", comparator.map_or("", |comparator| comparator.as_str()))
        }
        Value::Code { code, .. } => format!("code {code:?}"),
        Value::Text(text) => format!("text {text:?}"),
        Value::Absent { reason } => format!("no value, {reason}"),
    }
}
