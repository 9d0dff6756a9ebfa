//! The journal's own twin of an order. Changing the domain's never changes what is stored.

use serde::{Deserialize, Serialize};

use crate::domain::{Order, OrderKey, Patient, Priority, Private, SpecimenId};
use crate::journal::JournalError;
use crate::journal::rows::StoredPatient;

#[derive(Serialize, Deserialize)]
struct StoredOrder {
    number: String,
    specimen: String,
    test: String,
    labels: Vec<String>,
    parent: Option<String>,
    test_name: String,
    #[serde(default)]
    placer: String,
    filler: String,
    priority: String,
    specimen_kind: String,
    collected: String,
    patient: StoredPatient,
}

pub(super) fn write(order: &Order) -> Result<String, JournalError> {
    let label = |label: &SpecimenId| label.reveal().to_owned();
    let stored = StoredOrder {
        number: order.key.number.clone(),
        specimen: label(&order.key.specimen),
        test: order.key.test.clone(),
        labels: order.labels.iter().map(label).collect(),
        parent: order.parent.as_ref().map(label),
        test_name: order.test_name.clone(),
        placer: order.placer.clone(),
        filler: order.filler.clone(),
        priority: order.priority.letter().to_owned(),
        specimen_kind: order.specimen_kind.clone(),
        collected: order.collected.clone(),
        patient: StoredPatient::from(order.patient.reveal()),
    };
    serde_json::to_string(&stored)
        .map_err(|error| JournalError::Refused(format!("failed to write an order as JSON: {error}")))
}

pub(super) fn write_patient(patient: &Patient) -> Result<String, JournalError> {
    serde_json::to_string(&StoredPatient::from(patient))
        .map_err(|error| JournalError::Refused(format!("failed to write a patient as JSON: {error}")))
}

pub(super) fn read_patient(detail: &str) -> Result<Patient, JournalError> {
    let it: StoredPatient = serde_json::from_str(detail).map_err(|error| {
        JournalError::Refused(format!("failed to read a stored patient: error at column {}", error.column()))
    })?;
    Ok(it.into_patient())
}

pub(super) fn read(detail: &str) -> Result<Order, JournalError> {
    // Without the error's own text: it quotes what it stumbled over.
    let it: StoredOrder = serde_json::from_str(detail).map_err(|error| {
        JournalError::Refused(format!("failed to read a stored order: error at column {}", error.column()))
    })?;
    Ok(Order {
        key: OrderKey { number: it.number, specimen: SpecimenId::new(it.specimen), test: it.test },
        labels: it.labels.into_iter().map(SpecimenId::new).collect(),
        parent: it.parent.map(SpecimenId::new),
        test_name: it.test_name,
        placer: it.placer,
        filler: it.filler,
        priority: Priority::read(&it.priority),
        specimen_kind: it.specimen_kind,
        collected: it.collected,
        patient: Private::new(it.patient.into_patient()),
    })
}
