//! What of a stored observation tells which result it is. The rest of the text is passed over.

use jiff::Timestamp;
use serde::Deserialize;

use super::{StoredPatient, StoredTest, instant};
use crate::domain::{InstrumentId, Patient, Private, TestIdentity};
use crate::journal::JournalError;

/// Which result a stored observation is, without what it says.
pub(crate) struct Outline {
    pub(crate) instrument: InstrumentId,
    pub(crate) test: TestIdentity,
    pub(crate) loinc: Option<String>,
    pub(crate) patient: Private<Patient>,
    /// As [`Observation::told_at`](crate::domain::Observation::told_at).
    pub(crate) told_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct StoredOutline {
    instrument: String,
    patient: StoredPatient,
    test: StoredTest,
    started: Option<StoredMoment>,
    completed: Option<StoredMoment>,
    loinc: Option<String>,
}

#[derive(Deserialize)]
struct StoredMoment {
    instant: Option<i64>,
}

impl Outline {
    pub(crate) fn read(detail: &str) -> Result<Outline, JournalError> {
        // Without the error's own text: it quotes what it stumbled over.
        let it: StoredOutline = serde_json::from_str(detail).map_err(|error| {
            let column = error.column();
            JournalError::Refused(format!("failed to read a stored observation: error at column {column}"))
        })?;
        Ok(Outline {
            instrument: InstrumentId::new(it.instrument),
            test: it.test.into_test(),
            loinc: it.loinc,
            patient: Private::new(it.patient.into_patient()),
            told_at: it.completed.or(it.started).and_then(|it| it.instant).map(instant),
        })
    }
}
