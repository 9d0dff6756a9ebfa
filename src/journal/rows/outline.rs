//! What of a stored observation tells which result it is. The rest of the text is passed over, and what many results of one
//! patient have alike is kept once.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::instant;
use crate::domain::{InstrumentId, Patient, Private, TestIdentity};
use crate::journal::JournalError;

/// Which result a stored observation is, without what it says.
pub(crate) struct Outline {
    pub(crate) test: Arc<Measurand>,
    pub(crate) patient: Arc<Private<Patient>>,
    /// As [`Observation::told_at`](crate::domain::Observation::told_at).
    pub(crate) told_at: Option<Timestamp>,
}

/// What is measured where.
#[derive(PartialEq, Eq)]
pub(crate) struct Measurand {
    pub(crate) instrument: InstrumentId,
    pub(crate) test: TestIdentity,
    pub(crate) loinc: Option<String>,
}

/// What outlines that were read so far have.
#[derive(Default)]
pub(crate) struct Alike {
    tests: Vec<Arc<Measurand>>,
    patients: Vec<Arc<Private<Patient>>>,
}

#[derive(Deserialize)]
struct StoredOutline<'a> {
    #[serde(borrow)]
    instrument: Cow<'a, str>,
    #[serde(borrow)]
    patient: Named<'a>,
    #[serde(borrow)]
    test: Test<'a>,
    started: Option<StoredMoment>,
    completed: Option<StoredMoment>,
    #[serde(borrow)]
    loinc: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    authority: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    birth_date: Cow<'a, str>,
    #[serde(borrow)]
    sex: Cow<'a, str>,
    #[serde(borrow)]
    location: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Test<'a> {
    #[serde(borrow)]
    code: Cow<'a, str>,
    #[serde(borrow)]
    aspect: Cow<'a, str>,
    #[serde(borrow)]
    component: Cow<'a, str>,
    #[serde(borrow)]
    dilution: Cow<'a, str>,
}

#[derive(Deserialize)]
struct StoredMoment {
    instant: Option<i64>,
}

impl Outline {
    pub(crate) fn read(detail: &str, alike: &mut Alike) -> Result<Outline, JournalError> {
        // Without the error's own text: it quotes what it stumbled over.
        let it: StoredOutline<'_> = serde_json::from_str(detail).map_err(|error| {
            let column = error.column();
            JournalError::Refused(format!("failed to read a stored observation: error at column {column}"))
        })?;
        Ok(Outline {
            told_at: it.completed.as_ref().or(it.started.as_ref()).and_then(|it| it.instant).map(instant),
            test: once(&mut alike.tests, |known| it.is_of(known), || it.measurand()),
            patient: once(&mut alike.patients, |known| it.patient.is(known.reveal()), || it.patient.owned()),
        })
    }
}

/// What is known already, or else what is made anew.
fn once<T>(all: &mut Vec<Arc<T>>, is_it: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> Arc<T> {
    if let Some(known) = all.iter().find(|known| is_it(known)) {
        return Arc::clone(known);
    }
    let new = Arc::new(new());
    all.push(Arc::clone(&new));
    new
}

impl StoredOutline<'_> {
    fn is_of(&self, known: &Measurand) -> bool {
        let Test { code, aspect, component, dilution } = &self.test;
        known.test.code == *code
            && known.instrument.as_str() == self.instrument
            && known.test.aspect == *aspect
            && known.test.component == *component
            && known.test.dilution == *dilution
            && known.loinc.as_deref() == self.loinc.as_deref()
    }

    fn measurand(&self) -> Measurand {
        let Test { code, aspect, component, dilution } = &self.test;
        Measurand {
            instrument: InstrumentId::new(&*self.instrument),
            test: TestIdentity {
                code: code.to_string(),
                aspect: aspect.to_string(),
                component: component.to_string(),
                dilution: dilution.to_string(),
            },
            loinc: self.loinc.as_ref().map(ToString::to_string),
        }
    }
}

impl Named<'_> {
    fn is(&self, known: &Patient) -> bool {
        known.id == self.id
            && known.authority == self.authority
            && known.name == self.name
            && known.birth_date == self.birth_date
            && known.sex == self.sex
            && known.location == self.location
    }

    fn owned(&self) -> Private<Patient> {
        Private::new(Patient {
            id: self.id.to_string(),
            authority: self.authority.to_string(),
            name: self.name.to_string(),
            birth_date: self.birth_date.to_string(),
            sex: self.sex.to_string(),
            location: self.location.to_string(),
        })
    }
}
