//! Records and segments become raw results, each with the order and the patient it belongs to, by the places of the
//! profile. What is out of its place is reported and read all the same; nothing is dropped.

pub(super) mod astm;
pub(super) mod hl7;
mod table;

use std::collections::BTreeSet;

use super::{Part, Reading};
use crate::domain::profile::Dialect;
use crate::domain::{
    Attachment, Comment, HostQuery, Patient, Private, Problem, ProblemKind, SampleClass, TestIdentity,
};

/// What the records of a message say, before any value is looked at.
#[derive(Default)]
pub(super) struct Interpreted {
    pub(super) patients: Vec<RawPatient>,
    pub(super) orders: Vec<RawOrder>,
    pub(super) results: Vec<RawResult>,
    pub(super) queries: Vec<HostQuery>,
    pub(super) problems: Vec<Problem>,
    pub(super) not_production: bool,
    /// The versions that the headers name, where the profile says at which place.
    pub(super) firmware: BTreeSet<String>,
    /// The columns of a table, by the names in its header.
    pub(super) columns: Option<String>,
}

#[derive(Default)]
pub(super) struct RawPatient {
    pub(super) patient: Patient,
    pub(super) comments: Vec<Comment>,
}

pub(super) struct RawOrder {
    pub(super) specimen: String,
    /// Its field holds several numbers: which one the sample has can't be told.
    pub(super) several: bool,
    /// `None`: nothing says whose sample it is.
    pub(super) class: Option<SampleClass>,
    pub(super) position: Option<String>,
    pub(super) priority: Option<String>,
    pub(super) specimen_type: Option<String>,
    pub(super) comments: Vec<Comment>,
    pub(super) attachments: Vec<Attachment>,
}

/// A result record. `patient` and `order` are indices into [`Interpreted`].
#[derive(Clone)]
pub(super) struct RawResult {
    pub(super) record: u32,
    /// The line of the file that it was read from, from 1; `None` where it came over a line.
    pub(super) line: Option<u64>,
    pub(super) patient: Option<usize>,
    pub(super) order: Option<usize>,
    pub(super) test: TestIdentity,
    pub(super) replicate: Option<u32>,
    pub(super) loinc: Option<String>,
    pub(super) value: String,
    pub(super) written: Written,
    pub(super) value_as_sent: String,
    /// The value's field, or the test's, holds something that the profile knows no place for.
    pub(super) unread: Option<String>,
    pub(super) assay_version: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) range: Option<String>,
    pub(super) flags: Vec<String>,
    /// `None` where the model sends none with such a result.
    pub(super) status: Option<String>,
    pub(super) operator: Option<String>,
    pub(super) started: String,
    pub(super) completed: String,
    pub(super) analyzer_unit: Option<String>,
    pub(super) comments: Vec<Comment>,
    pub(super) attachments: Vec<Attachment>,
    /// The message that it stands in broke off or was broken off.
    pub(super) cut: bool,
}

/// What the message itself says of a value's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// Nothing: it may be a number.
    Open,
    /// It is a code, and no number, however it looks.
    Code,
    /// It is an identifier, a date or a time, and no number either.
    NoNumber,
}

/// Reads all of a message, or of several, or the rows of a file's part.
pub(super) fn interpret(part: &Part<'_>, reading: &Reading) -> Interpreted {
    match &reading.profile.dialect {
        Dialect::Astm(dialect) => astm::interpret(bare(part.rows), dialect, reading),
        Dialect::Hl7(dialect) => hl7::interpret(bare(part.rows), dialect, reading),
        Dialect::Table(dialect) => table::interpret(part, dialect, reading),
    }
}

/// A message without what only files have: a byte order mark before it, and the SUB that DOS programs end a file with.
fn bare(message: &[u8]) -> &[u8] {
    let unmarked = message.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(message);
    let end = unmarked.iter().rposition(|byte| !matches!(byte, 0 | 0x1A)).map_or(0, |last| last + 1);
    unmarked.get(..end).unwrap_or_default()
}

fn problem(kind: ProblemKind, record: Option<u32>, text: String, replaces_result: bool) -> Problem {
    Problem { kind, record, specimen: None, text: Private::new(text), replaces_result }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
