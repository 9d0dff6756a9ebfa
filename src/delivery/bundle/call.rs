//! What was recorded of a critical call, as a FHIR Communication. It points to its Observation by that one's identifier and
//! changes nothing of it.

use serde_json::{Value, json};

use super::create;
use super::identity::{full_url, hash, result, search};
use super::observation::{object, said, subject};
use crate::config::settings::FhirNames;
use crate::journal::ledger::{CallNote, Noted};

const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/communication-category";

/// The entry of a transaction. Named by its content, like everything else: the same record has the same name in every
/// delivery, and a journal that was restored from a copy can't give it to another.
pub(super) fn entry(names: &FhirNames, site: &str, note: &CallNote) -> Value {
    let told = match &note.noted {
        Noted::Attempt { attempt, agreement } => {
            attempt.told(*agreement, &|at| at.to_string().into()).english()
        }
        Noted::Ended { by, reason } => format!("not called any more, by {by}: {}", reason.reveal()),
    };
    let identity = result(site, &note.item);
    let (number, at) = (note.number.to_string(), note.recorded_at.to_string());
    let name = hash(["call", site, &identity, &number, &at, &note.account, &told]);
    let system = format!("{}/call", names.system);
    let place = full_url(&["Communication", &name]);
    let search = search("identifier", &system, &name);
    let resource = resource(names, note, &identity, json!([{ "system": system, "value": name }]), told);
    let request = create("Communication", &search);
    // The number is the result's, as the ledger's lines name it.
    json!({ "id": note.item.id.to_string(), "fullUrl": place, "resource": resource, "request": request })
}

fn resource(names: &FhirNames, note: &CallNote, identity: &str, identifier: Value, told: String) -> Value {
    let it = &note.item.observation;
    let result = json!({ "system": format!("{}/result", names.system), "value": identity });
    let attempt = match &note.noted {
        Noted::Attempt { attempt, .. } => Some(attempt),
        Noted::Ended { .. } => None,
    };
    let reached = attempt.filter(|attempt| attempt.reached());
    let to = attempt.and_then(|attempt| {
        let parts: Vec<&str> =
            [&attempt.to, &attempt.role].into_iter().filter_map(|text| said(text)).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    });
    let value = format!(
        "{} {}",
        it.lims_code.as_deref().unwrap_or(&it.test.code),
        note.tell.reveal().words().english()
    );
    let why_not = match &note.noted {
        _ if reached.is_some() => None,
        Noted::Attempt { attempt, .. } => Some(attempt.outcome.words().to_owned()),
        Noted::Ended { reason, .. } => Some(reason.reveal().clone()),
    };
    let mut notes = vec![told];
    notes.extend(note.verified.as_ref().map(|(by, at)| format!("verified by {by} at {at}")));
    notes.extend(attempt.and_then(|attempt| said(attempt.note.reveal())).map(str::to_owned));
    notes.push(format!("recorded at {} with account {}", note.recorded_at, note.account));
    let notes: Vec<Value> = notes.into_iter().map(|text| json!({ "text": text })).collect();
    object([
        ("resourceType", Some(json!("Communication"))),
        ("identifier", Some(identifier)),
        ("status", Some(json!(if reached.is_some() { "completed" } else { "not-done" }))),
        ("statusReason", why_not.map(|text| json!({ "text": text }))),
        ("category", Some(json!([{ "coding": [{ "system": CATEGORY, "code": "notification" }] }]))),
        ("priority", Some(json!("stat"))),
        ("subject", subject(names, it.patient.reveal())),
        ("topic", Some(json!({ "text": format!("critical value: {}", note.reason.words()) }))),
        ("about", Some(json!([{ "type": "Observation", "identifier": result }]))),
        ("sent", attempt.map(|attempt| json!(attempt.made_at.to_string()))),
        ("received", reached.map(|attempt| json!(attempt.made_at.to_string()))),
        ("recipient", to.map(|to| json!([{ "display": to }]))),
        ("sender", Some(json!({ "display": note.noted.by() }))),
        ("reasonCode", Some(json!([{ "text": value }]))),
        ("payload", reached.map(|attempt| json!([{ "contentString": attempt.value.reveal() }]))),
        ("note", Some(Value::Array(notes))),
    ])
}
