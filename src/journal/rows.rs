//! Row ids, and the journal's own twin of an observation. Changing a domain type never changes what is stored.

pub(super) mod call;
mod case;
mod coding;
mod conversion;
mod dilution;
mod outline;
mod range;

pub(super) use case::StoredCase;
pub use case::StoredDecision;
use coding::StoredCoding;
use conversion::StoredConversion;
use dilution::StoredDilution;
use jiff::Timestamp;
pub(super) use outline::{Alike, Outline};
use range::StoredRange;
use serde::{Deserialize, Serialize};

use crate::domain::{
    Attachment, Comment, Comparator, DecimalText, HoldReason, InstrumentId, InstrumentTime, Observation,
    Patient, Private, SampleClass, SpecimenId, Standing, Status, TestIdentity, UnitSource, Value,
};

macro_rules! id {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(pub i64);

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A run of parcels from one connection.
    TransferId
);
id!(
    /// A complete message, or the visible rest of a cut one.
    MessageId
);
id!(
    /// A file that was fetched.
    FileId
);
id!(
    /// One version of one result.
    ObservationId
);
id!(
    /// One immutable payload for one destination.
    DeliveryId
);

id!(
    /// A critical value that must be told to somebody.
    CallId
);

id!(
    /// Something a person should see.
    ProblemId
);

/// An instant from a stored number of microseconds.
pub(super) fn instant(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn class_name(class: SampleClass) -> &'static str {
    match class {
        SampleClass::Patient => "patient",
        SampleClass::Control => "control",
        SampleClass::Calibration => "calibration",
    }
}

pub(super) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Preliminary => "preliminary",
        Status::Final => "final",
        Status::Correction => "correction",
        Status::Failed => "failed",
    }
}

/// An observation as stored.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    instrument: String,
    profile: String,
    specimen: String,
    specimen_as_sent: String,
    patient: StoredPatient,
    class: String,
    test: StoredTest,
    replicate: u32,
    value: StoredValue,
    value_as_sent: String,
    unit: Option<String>,
    /// The analyzer sent none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unit_declared: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dilution: Option<StoredDilution>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conversion: Option<StoredConversion>,
    reference_range: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    site_range: Option<StoredRange>,
    flags: Vec<String>,
    status: String,
    status_as_sent: String,
    holds: Vec<String>,
    started: Option<StoredTime>,
    completed: Option<StoredTime>,
    operator: Option<String>,
    analyzer_unit: Option<String>,
    position: Option<String>,
    priority: Option<String>,
    specimen_type: Option<String>,
    lims_code: Option<String>,
    loinc: Option<String>,
    comments: Vec<StoredComment>,
    attachments: Vec<StoredAttachment>,
    record: u32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredPatient {
    id: String,
    #[serde(default)]
    authority: String,
    name: String,
    birth_date: String,
    sex: String,
    location: String,
}

impl From<&Patient> for StoredPatient {
    fn from(it: &Patient) -> StoredPatient {
        let Patient { id, authority, name, birth_date, sex, location } = it.clone();
        StoredPatient { id, authority, name, birth_date, sex, location }
    }
}

impl StoredPatient {
    pub(super) fn into_patient(self) -> Patient {
        let StoredPatient { id, authority, name, birth_date, sex, location } = self;
        Patient { id, authority, name, birth_date, sex, location }
    }
}

#[derive(Serialize, Deserialize)]
struct StoredTest {
    code: String,
    aspect: String,
    component: String,
    dilution: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
enum StoredValue {
    Quantity {
        comparator: Option<String>,
        number: String,
    },
    Code {
        code: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coding: Option<StoredCoding>,
    },
    Text {
        text: String,
    },
    Absent {
        reason: String,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredTime {
    text: String,
    instant: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct StoredComment {
    source: String,
    text: String,
    kind: String,
}

#[derive(Serialize, Deserialize)]
struct StoredAttachment {
    kind: String,
    content: String,
}

impl From<&Observation> for Stored {
    fn from(it: &Observation) -> Stored {
        Stored {
            instrument: it.instrument.as_str().to_owned(),
            profile: it.profile.clone(),
            specimen: it.specimen.reveal().to_owned(),
            specimen_as_sent: it.specimen_as_sent.reveal().clone(),
            patient: StoredPatient::from(it.patient.reveal()),
            class: class_name(it.class).to_owned(),
            test: StoredTest {
                code: it.test.code.clone(),
                aspect: it.test.aspect.clone(),
                component: it.test.component.clone(),
                dilution: it.test.dilution.clone(),
            },
            replicate: it.replicate,
            value: StoredValue::from(&it.value),
            value_as_sent: it.value_as_sent.clone(),
            unit: it.unit.clone(),
            unit_declared: it.declared_unit().is_some(),
            dilution: it.dilution.as_ref().map(StoredDilution::from),
            conversion: it.conversion.as_ref().map(StoredConversion::from),
            reference_range: it.reference_range.clone(),
            site_range: it.site_range.as_ref().map(StoredRange::from),
            flags: it.flags.clone(),
            status: status_name(it.status).to_owned(),
            status_as_sent: it.status_as_sent.clone(),
            holds: match &it.standing {
                Standing::Clear => Vec::new(),
                Standing::Held(reasons) => reasons.iter().map(|reason| reason.name().to_owned()).collect(),
            },
            started: it.started.as_ref().map(StoredTime::from),
            completed: it.completed.as_ref().map(StoredTime::from),
            operator: it.operator.as_ref().map(|operator| operator.reveal().clone()),
            analyzer_unit: it.analyzer_unit.clone(),
            position: it.position.clone(),
            priority: it.priority.clone(),
            specimen_type: it.specimen_type.clone(),
            lims_code: it.lims_code.clone(),
            loinc: it.loinc.clone(),
            comments: it.comments.iter().map(StoredComment::from).collect(),
            attachments: it.attachments.iter().map(StoredAttachment::from).collect(),
            record: it.record,
        }
    }
}

impl Stored {
    /// The observation, or why the stored text is none.
    pub(super) fn into_observation(self) -> Result<Observation, String> {
        let holds: Vec<HoldReason> = self
            .holds
            .iter()
            .map(|name| HoldReason::from_name(name).ok_or_else(|| format!("unknown hold reason {name:?}")))
            .collect::<Result<_, _>>()?;
        Ok(Observation {
            instrument: InstrumentId::new(self.instrument),
            profile: self.profile,
            specimen: SpecimenId::new(self.specimen),
            specimen_as_sent: Private::new(self.specimen_as_sent),
            patient: Private::new(self.patient.into_patient()),
            class: class(&self.class)?,
            test: self.test.into_test(),
            replicate: self.replicate,
            value: self.value.into_value()?,
            value_as_sent: self.value_as_sent,
            unit: self.unit,
            unit_source: if self.unit_declared { UnitSource::Declared } else { UnitSource::Sent },
            dilution: self.dilution.map(StoredDilution::into_dilution).transpose()?,
            conversion: self.conversion.map(StoredConversion::into_conversion).transpose()?,
            reference_range: self.reference_range,
            site_range: self.site_range.map(StoredRange::into_range).transpose()?,
            flags: self.flags,
            status: status(&self.status)?,
            status_as_sent: self.status_as_sent,
            standing: if holds.is_empty() { Standing::Clear } else { Standing::Held(holds) },
            started: self.started.map(StoredTime::into_time),
            completed: self.completed.map(StoredTime::into_time),
            operator: self.operator.map(Private::new),
            analyzer_unit: self.analyzer_unit,
            position: self.position,
            priority: self.priority,
            specimen_type: self.specimen_type,
            lims_code: self.lims_code,
            loinc: self.loinc,
            comments: self.comments.into_iter().map(StoredComment::into_comment).collect(),
            attachments: self.attachments.into_iter().map(StoredAttachment::into_attachment).collect(),
            record: self.record,
        })
    }
}

fn class(name: &str) -> Result<SampleClass, String> {
    [SampleClass::Patient, SampleClass::Control, SampleClass::Calibration]
        .into_iter()
        .find(|class| class_name(*class) == name)
        .ok_or_else(|| format!("unknown sample class {name:?}"))
}

fn status(name: &str) -> Result<Status, String> {
    [Status::Preliminary, Status::Final, Status::Correction, Status::Failed]
        .into_iter()
        .find(|status| status_name(*status) == name)
        .ok_or_else(|| format!("unknown status {name:?}"))
}

impl From<&Value> for StoredValue {
    fn from(value: &Value) -> StoredValue {
        match value {
            Value::Quantity { comparator, number } => StoredValue::Quantity {
                comparator: comparator.map(|comparator| comparator.as_str().to_owned()),
                number: number.as_str().to_owned(),
            },
            Value::Code { code, coding } => {
                StoredValue::Code { code: code.clone(), coding: coding.as_ref().map(StoredCoding::from) }
            }
            Value::Text(text) => StoredValue::Text { text: text.clone() },
            Value::Absent { reason } => StoredValue::Absent { reason: reason.clone() },
        }
    }
}

impl StoredValue {
    fn into_value(self) -> Result<Value, String> {
        Ok(match self {
            StoredValue::Quantity { comparator, number } => Value::Quantity {
                comparator: comparator.as_deref().and_then(|sign| Comparator::split(sign).0),
                number: DecimalText::parse(&number, '.').ok_or("a stored number is none")?,
            },
            StoredValue::Code { code, coding } => {
                Value::Code { code, coding: coding.map(StoredCoding::into_coding).transpose()? }
            }
            StoredValue::Text { text } => Value::Text(text),
            StoredValue::Absent { reason } => Value::Absent { reason },
        })
    }
}

impl From<&InstrumentTime> for StoredTime {
    fn from(time: &InstrumentTime) -> StoredTime {
        StoredTime { text: time.text.clone(), instant: time.instant.map(Timestamp::as_microsecond) }
    }
}

impl StoredTest {
    fn into_test(self) -> TestIdentity {
        let StoredTest { code, aspect, component, dilution } = self;
        TestIdentity { code, aspect, component, dilution }
    }
}

impl StoredTime {
    fn into_time(self) -> InstrumentTime {
        InstrumentTime { text: self.text, instant: self.instant.map(instant) }
    }
}

impl From<&Comment> for StoredComment {
    fn from(comment: &Comment) -> StoredComment {
        StoredComment {
            source: comment.source.clone(),
            text: comment.text.reveal().clone(),
            kind: comment.kind.clone(),
        }
    }
}

impl StoredComment {
    fn into_comment(self) -> Comment {
        Comment { source: self.source, text: Private::new(self.text), kind: self.kind }
    }
}

impl From<&Attachment> for StoredAttachment {
    fn from(attachment: &Attachment) -> StoredAttachment {
        StoredAttachment { kind: attachment.kind.clone(), content: attachment.content.reveal().clone() }
    }
}

impl StoredAttachment {
    fn into_attachment(self) -> Attachment {
        Attachment { kind: self.kind, content: Private::new(self.content) }
    }
}
