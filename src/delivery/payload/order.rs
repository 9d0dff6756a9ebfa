//! Whose a result is in the JSON payload: the patient, the order, and whence a person has moved it.

use serde::Serialize;

use crate::domain::{Order, Patient};
use crate::journal::ledger::Origin;

#[derive(Serialize)]
pub(super) struct PatientTwin<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    authority: &'a str,
    name: &'a str,
    birth_date: &'a str,
    sex: &'a str,
    location: &'a str,
}

impl<'a> PatientTwin<'a> {
    pub(super) fn of(patient: &'a Patient) -> Self {
        let Patient { id, authority, name, birth_date, sex, location } = patient;
        PatientTwin { id, authority, name, birth_date, sex, location }
    }
}

/// The order that it belongs to, and the patient, as the LIMS told them last.
#[derive(Serialize)]
pub(super) struct OrderTwin<'a> {
    placer: &'a str,
    filler: &'a str,
    specimen: &'a str,
    test: &'a str,
    patient: PatientTwin<'a>,
}

impl<'a> OrderTwin<'a> {
    pub(super) fn of(order: &'a Order) -> Self {
        OrderTwin {
            placer: &order.placer,
            filler: &order.filler,
            specimen: order.key.specimen.reveal(),
            test: &order.key.test,
            patient: PatientTwin::of(order.patient.reveal()),
        }
    }
}

/// It came under another number, and a person has moved it here.
#[derive(Serialize)]
pub(super) struct MovedTwin<'a> {
    from: &'a str,
    by: &'a str,
    reason: &'a str,
    at: String,
}

impl<'a> MovedTwin<'a> {
    pub(super) fn of(origin: &'a Origin) -> Self {
        let (from, reason) = (origin.specimen.reveal(), origin.reason.reveal().as_str());
        MovedTwin { from, by: &origin.by, reason, at: origin.at.to_string() }
    }
}
