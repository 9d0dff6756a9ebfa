//! What one message becomes: observations, and what couldn't be used.

use std::collections::BTreeSet;

use super::{Habit, InstrumentId, Observation, Private, SpecimenId};

/// The result of reading one message. It never fails: odd data is a [`Problem`] beside what was understood.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    pub observations: Vec<Observation>,
    pub problems: Vec<Problem>,
    pub queries: Vec<HostQuery>,
    /// What the message shows of its instrument, where that isn't as the profile says.
    pub habits: BTreeSet<Habit>,
    /// The message is marked as training, test or debugging and must not reach a production destination.
    pub not_production: bool,
    /// The records of a table whose rows say themselves which replicate they are.
    pub numbered: BTreeSet<u32>,
}

/// Data that couldn't be used, or was used with a doubt, kept for a person to see.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub kind: ProblemKind,
    /// The ordinal of the record it is about, from 0.
    pub record: Option<u32>,
    pub specimen: Option<SpecimenId>,
    /// What is wrong, in words for a technician. May quote analyzer text, so it is private.
    pub text: Private<String>,
    /// Whether a result was lost to observations by this problem (it counts as received), or is only doubtful.
    pub replaces_result: bool,
}

/// The kinds of problem, each with its stable name and its remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    UnregisteredSource,
    AmbiguousSource,
    Unreadable,
    UnknownRecord,
    UnknownCode,
    UnknownStatus,
    UnknownFlag,
    OddValue,
    OddTime,
    UndecodableText,
    OutOfPlace,
    /// The analyzer was told that this isn't taken.
    Refused,
    /// A batch's trailer counts other than came.
    Miscounted,
    Incomplete,
    NoResult,
    PossibleDuplicate,
    NotProduction,
    /// The analyzer sends something else than its profile pins, or than it sent before: said once, with the first
    /// message that shows it.
    Drift,
    /// No payload could be made of a result.
    Undeliverable,
    /// The configuration sends some of a message's results nowhere.
    NoDestination,
    /// The LIMS said something about an order that couldn't be read, or can't be done.
    UnreadableOrder,
    /// A file of an instrument that can't be taken as it is.
    StuckFile,
    /// No file of an instrument can be fetched.
    NoFiles,
    /// A run of controls is rejected.
    QcFailed,
    /// The analyzer and the LIMS name different patients for one specimen.
    OtherPatient,
    /// An instrument's clock is off.
    ClockOff,
    /// What was measured later of a specimen makes a rule doubt a result that has left.
    FoundLater,
}

impl ProblemKind {
    pub const ALL: [ProblemKind; 27] = [
        ProblemKind::UnregisteredSource,
        ProblemKind::AmbiguousSource,
        ProblemKind::Unreadable,
        ProblemKind::UnknownRecord,
        ProblemKind::UnknownCode,
        ProblemKind::UnknownStatus,
        ProblemKind::UnknownFlag,
        ProblemKind::OddValue,
        ProblemKind::OddTime,
        ProblemKind::UndecodableText,
        ProblemKind::OutOfPlace,
        ProblemKind::Refused,
        ProblemKind::Miscounted,
        ProblemKind::Incomplete,
        ProblemKind::NoResult,
        ProblemKind::PossibleDuplicate,
        ProblemKind::NotProduction,
        ProblemKind::Drift,
        ProblemKind::Undeliverable,
        ProblemKind::NoDestination,
        ProblemKind::UnreadableOrder,
        ProblemKind::StuckFile,
        ProblemKind::NoFiles,
        ProblemKind::QcFailed,
        ProblemKind::OtherPatient,
        ProblemKind::ClockOff,
        ProblemKind::FoundLater,
    ];

    /// The stable name stored in the journal and shown beside counts.
    pub fn name(self) -> &'static str {
        match self {
            ProblemKind::UnregisteredSource => "unregistered-source",
            ProblemKind::AmbiguousSource => "ambiguous-source",
            ProblemKind::Unreadable => "unreadable",
            ProblemKind::UnknownRecord => "unknown-record",
            ProblemKind::UnknownCode => "unknown-code",
            ProblemKind::UnknownStatus => "unknown-status",
            ProblemKind::UnknownFlag => "unknown-flag",
            ProblemKind::OddValue => "odd-value",
            ProblemKind::OddTime => "odd-time",
            ProblemKind::UndecodableText => "undecodable-text",
            ProblemKind::OutOfPlace => "out-of-place",
            ProblemKind::Refused => "refused-message",
            ProblemKind::Miscounted => "miscounted-batch",
            ProblemKind::Incomplete => "incomplete-transmission",
            ProblemKind::NoResult => "no-result",
            ProblemKind::PossibleDuplicate => "possible-duplicate",
            ProblemKind::NotProduction => "not-production",
            ProblemKind::Drift => "drift",
            ProblemKind::Undeliverable => "undeliverable",
            ProblemKind::NoDestination => "no-destination",
            ProblemKind::UnreadableOrder => "unreadable-order",
            ProblemKind::StuckFile => "stuck-file",
            ProblemKind::NoFiles => "no-files",
            ProblemKind::QcFailed => "qc-failed",
            ProblemKind::OtherPatient => "other-patient",
            ProblemKind::ClockOff => "clock-off",
            ProblemKind::FoundLater => "found-later",
        }
    }

    /// Its name, for a person.
    pub fn words(self) -> &'static str {
        match self {
            ProblemKind::UnregisteredSource => "unregistered source",
            ProblemKind::AmbiguousSource => "ambiguous source",
            ProblemKind::Unreadable => "unreadable",
            ProblemKind::UnknownRecord => "unknown record",
            ProblemKind::UnknownCode => "unknown code",
            ProblemKind::UnknownStatus => "unknown status",
            ProblemKind::UnknownFlag => "unknown flag",
            ProblemKind::OddValue => "odd value",
            ProblemKind::OddTime => "odd time",
            ProblemKind::UndecodableText => "undecodable text",
            ProblemKind::OutOfPlace => "out of place",
            ProblemKind::Refused => "refused message",
            ProblemKind::Miscounted => "miscounted batch",
            ProblemKind::Incomplete => "incomplete transmission",
            ProblemKind::NoResult => "no result",
            ProblemKind::PossibleDuplicate => "possible duplicate",
            ProblemKind::NotProduction => "not production",
            ProblemKind::Drift => "drift",
            ProblemKind::Undeliverable => "undeliverable",
            ProblemKind::NoDestination => "no destination",
            ProblemKind::UnreadableOrder => "unreadable order",
            ProblemKind::StuckFile => "stuck file",
            ProblemKind::NoFiles => "no files",
            ProblemKind::QcFailed => "qc failed",
            ProblemKind::OtherPatient => "other patient",
            ProblemKind::ClockOff => "clock off",
            ProblemKind::FoundLater => "found later",
        }
    }

    pub fn from_name(name: &str) -> Option<ProblemKind> {
        ProblemKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What a person can do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            ProblemKind::UnregisteredSource => {
                "describe this analyzer in instruments.d, then labwire reload; the message is read again by that"
            }
            ProblemKind::AmbiguousSource => {
                "make the candidates' sender names differ, then labwire reload; the message is read again by that"
            }
            ProblemKind::Unreadable => {
                "look at the raw bytes; ask the analyzer to send again, or to write the file again"
            }
            ProblemKind::UnknownRecord => {
                "kept as received; tell the profile's author if it carries a result"
            }
            ProblemKind::UnknownCode => {
                "add the code to the instrument's [codes], then labwire reload and labwire reread the message"
            }
            ProblemKind::UnknownStatus => "check the result on the analyzer; add the status to the profile",
            ProblemKind::UnknownFlag => "check the result on the analyzer; add the flag to the profile",
            ProblemKind::OddValue => "check the value on the analyzer before it is released",
            ProblemKind::OddTime => {
                "check the analyzer's clock and the instrument's time_zone, and for files its times"
            }
            ProblemKind::UndecodableText => "check the instrument's character_set",
            ProblemKind::OutOfPlace => "look at the raw bytes; ask the analyzer to send again",
            ProblemKind::Refused => "set the analyzer to a message that is taken, and have it send again",
            ProblemKind::Miscounted => {
                "compare with the analyzer's list, and have it send again what is missing; what came was read"
            }
            ProblemKind::Incomplete => {
                "ask the analyzer to send this transmission again; it can't be read again here"
            }
            ProblemKind::NoResult => "nothing to do if the analyzer sends such messages on purpose",
            ProblemKind::PossibleDuplicate => "compare both results; nothing was dropped",
            ProblemKind::NotProduction => {
                "the analyzer marked this as training, quality control or debugging; it goes to no LIMS but one under test"
            }
            ProblemKind::Drift => {
                "check what was changed on the analyzer; if it is right, say so in the instrument's [codes] and to the LIMS, then dismiss this"
            }
            ProblemKind::Undeliverable => {
                "enter the results in the LIMS by hand; report this to the makers of labwire"
            }
            ProblemKind::NoDestination => {
                "let a destination of labwire.toml take these tests, then labwire reload; the results leave by that"
            }
            ProblemKind::UnreadableOrder => {
                "mend the order in the LIMS, or [orders] in labwire.toml, and have it sent again; until then no analyzer is told of it"
            }
            ProblemKind::StuckFile => {
                "see to what it says; this closes by itself once the file is taken, or gone from there"
            }
            ProblemKind::NoFiles => {
                "mend what it says; files wait where they are until then, and this closes by itself"
            }
            ProblemKind::QcFailed => {
                "stop reporting this test, find the cause and measure the controls again; labwire qc since INSTRUMENT TEST lists the patients' results since the last acceptable run"
            }
            ProblemKind::OtherPatient => {
                "compare the analyzer's patient with the LIMS's order; the LIMS's stands, and nothing of it was changed"
            }
            ProblemKind::ClockOff => {
                "set the analyzer's clock, or time_zone, then dismiss this; until then rules that depend on time aren't evaluated for it"
            }
            ProblemKind::FoundLater => {
                "look at the specimen with what came later; correct the result in the LIMS where it isn't right, or reject it here where it was told as preliminary, then dismiss this"
            }
        }
    }
}

/// An analyzer asked what to do with a specimen.
#[derive(Debug, Clone, PartialEq)]
pub struct HostQuery {
    pub instrument: InstrumentId,
    /// The specimens asked for; empty means "all".
    pub specimens: Vec<SpecimenId>,
    /// The analyzer withdrew an earlier query; nothing is answered.
    pub cancels: bool,
    /// The ordinal of the Q record in its message, from 0.
    pub record: u32,
}
