//! What one message becomes: observations, what couldn't be used, and what a person must decide.

use std::collections::BTreeSet;

use super::{Habit, InstrumentId, Observation, OrderDoubt, Private, SpecimenId};

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
}

impl ProblemKind {
    pub const ALL: [ProblemKind; 26] = [
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
        }
    }

    pub fn from_name(name: &str) -> Option<ProblemKind> {
        ProblemKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What a person can do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            ProblemKind::UnregisteredSource => {
                "describe this analyzer in instruments.d and restart; the message is read again then"
            }
            ProblemKind::AmbiguousSource => {
                "make the candidates' sender names differ and restart; the message is read again then"
            }
            ProblemKind::Unreadable => {
                "look at the raw bytes; ask the analyzer to send again, or to write the file again"
            }
            ProblemKind::UnknownRecord => {
                "kept as received; tell the profile's author if it carries a result"
            }
            ProblemKind::UnknownCode => {
                "add the code to the instrument's [codes] and restart, then labwire reread the message"
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
                "let a destination of labwire.toml take these tests and restart; the results leave then"
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
        }
    }
}

/// Why a result waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldReason {
    BlankSpecimen,
    /// The instrument says that the result is in doubt.
    StatusInDoubt,
    UnknownStatus,
    UnknownFlag,
    OddValue,
    Rerun,
    /// The specimen number may have been cut off by the analyzer.
    TruncatedSpecimen,
    /// The transmission ended before its last record, or the analyzer broke it off.
    Incomplete,
    /// It corrects one of several results, and nothing says which.
    AmbiguousCorrection,
    /// A newer version of it came before it.
    LateVersion,
    /// The same run was told as done and as one that couldn't be done.
    Contradiction,
    /// The instrument takes the result back: it deleted it, or calls it wrong.
    Withdrawn,
    /// Nothing says whether the sample is a patient's or a control.
    UnclearSample,
    /// Its bytes aren't of the character set that they are said to be of.
    UndecodableText,
    /// The rules in force know the analyte, and don't let its value be converted.
    NotConverted,
    /// No living patient has such a value: the analyzer's unit may have been switched.
    AbsurdValue,
    /// The LIMS told no order for it.
    NotOrdered,
    /// The LIMS told an order for it and took that back.
    OrderCancelled,
    /// Its number is that of a control, and it has an order or a patient.
    MaybeControl,
    /// The journal isn't the one that ran last, and what became of it since isn't known.
    MayBeDelivered,
    /// By the rules in force it is critical and they hold such, or whether it is critical can't be told.
    Critical,
    /// Too far from the patient's earlier value.
    Delta,
    /// A rule in force doubts that the result is what it is said to be.
    Doubted,
    /// A destination takes only what a person, or rules in force, let go.
    NotReleased,
    /// The site wants nothing of this test or instrument to leave by itself for the time being.
    Suspended,
    /// The LIMS has called its order done.
    OrderFinal,
    /// The analyzer measured another kind of specimen than was ordered.
    OtherKind,
    /// The analyzer named another patient than the LIMS, or its tube has orders of several.
    OtherPatient,
}

impl HoldReason {
    pub const ALL: [HoldReason; 28] = [
        HoldReason::BlankSpecimen,
        HoldReason::StatusInDoubt,
        HoldReason::UnknownStatus,
        HoldReason::UnknownFlag,
        HoldReason::OddValue,
        HoldReason::Rerun,
        HoldReason::TruncatedSpecimen,
        HoldReason::Incomplete,
        HoldReason::AmbiguousCorrection,
        HoldReason::LateVersion,
        HoldReason::Contradiction,
        HoldReason::Withdrawn,
        HoldReason::UnclearSample,
        HoldReason::UndecodableText,
        HoldReason::NotConverted,
        HoldReason::AbsurdValue,
        HoldReason::NotOrdered,
        HoldReason::OrderCancelled,
        HoldReason::MaybeControl,
        HoldReason::MayBeDelivered,
        HoldReason::Critical,
        HoldReason::Delta,
        HoldReason::Doubted,
        HoldReason::NotReleased,
        HoldReason::Suspended,
        HoldReason::OrderFinal,
        HoldReason::OtherKind,
        HoldReason::OtherPatient,
    ];

    pub fn name(self) -> &'static str {
        match self {
            HoldReason::BlankSpecimen => "blank-specimen",
            HoldReason::StatusInDoubt => "status-in-doubt",
            HoldReason::UnknownStatus => "unknown-status",
            HoldReason::UnknownFlag => "unknown-flag",
            HoldReason::OddValue => "odd-value",
            HoldReason::Rerun => "rerun",
            HoldReason::TruncatedSpecimen => "truncated-specimen",
            HoldReason::Incomplete => "incomplete-transmission",
            HoldReason::AmbiguousCorrection => "ambiguous-correction",
            HoldReason::LateVersion => "late-version",
            HoldReason::Contradiction => "contradiction",
            HoldReason::Withdrawn => "withdrawn",
            HoldReason::UnclearSample => "unclear-sample",
            HoldReason::UndecodableText => "undecodable-text",
            HoldReason::NotConverted => "not-converted",
            HoldReason::AbsurdValue => "absurd-value",
            HoldReason::NotOrdered => "not-ordered",
            HoldReason::OrderCancelled => "order-cancelled",
            HoldReason::MaybeControl => "maybe-control",
            HoldReason::MayBeDelivered => "may-be-delivered",
            HoldReason::Critical => "critical",
            HoldReason::Delta => "delta",
            HoldReason::Doubted => "doubted",
            HoldReason::NotReleased => "not-released",
            HoldReason::Suspended => "suspended",
            HoldReason::OrderFinal => "order-final",
            HoldReason::OtherKind => "other-specimen-kind",
            HoldReason::OtherPatient => "other-patient",
        }
    }

    /// The hold for a doubt about a result's order; `None` for one that holds nothing.
    pub fn for_order(doubt: OrderDoubt) -> Option<HoldReason> {
        match doubt {
            OrderDoubt::NotOrdered => Some(HoldReason::NotOrdered),
            OrderDoubt::SeveralOrders => None,
            OrderDoubt::SeveralPatients | OrderDoubt::OtherPatient => Some(HoldReason::OtherPatient),
            OrderDoubt::Cancelled => Some(HoldReason::OrderCancelled),
            OrderDoubt::Final => Some(HoldReason::OrderFinal),
            OrderDoubt::OtherKind => Some(HoldReason::OtherKind),
        }
    }

    pub fn from_name(name: &str) -> Option<HoldReason> {
        HoldReason::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// Whether it stands or falls with the rules in force, with what the LIMS has ordered, and with the site's settings.
    pub fn is_by_rules(self) -> bool {
        matches!(
            self,
            HoldReason::Critical
                | HoldReason::Delta
                | HoldReason::Doubted
                | HoldReason::NotReleased
                | HoldReason::Suspended
                | HoldReason::NotOrdered
                | HoldReason::OrderCancelled
                | HoldReason::OrderFinal
                | HoldReason::OtherKind
                | HoldReason::OtherPatient
        )
    }

    /// What it means, for a technician.
    pub fn text(self) -> &'static str {
        match self {
            HoldReason::BlankSpecimen => "the analyzer sent no specimen number",
            HoldReason::StatusInDoubt => "the analyzer marked the result as doubtful",
            HoldReason::UnknownStatus => "the analyzer sent a status that its profile doesn't know",
            HoldReason::UnknownFlag => "the analyzer sent a flag that its profile doesn't know",
            HoldReason::OddValue => "the value is neither a number nor a text that the profile knows",
            HoldReason::Rerun => "a second value for a result that was already received",
            HoldReason::TruncatedSpecimen => {
                "the specimen number is as long as the analyzer can send: it may be cut off"
            }
            HoldReason::Incomplete => "the transmission broke off; the analyzer may send it again",
            HoldReason::AmbiguousCorrection => {
                "it corrects one of several results of this test, and nothing says which"
            }
            HoldReason::LateVersion => {
                "an older version of a result: the final one, or its correction, came before it"
            }
            HoldReason::Contradiction => {
                "the analyzer says of one run that it gave a value and that it couldn't be done"
            }
            HoldReason::Withdrawn => {
                "the analyzer takes this result back: it was deleted there, or is called wrong"
            }
            HoldReason::UnclearSample => {
                "nothing says for sure that the sample is one patient's: it may be a control, a calibrator or a pool"
            }
            HoldReason::UndecodableText => {
                "its number, value, unit, range or flags hold bytes that aren't of the character set"
            }
            HoldReason::NotConverted => "its unit can't be converted into the one that is reported",
            HoldReason::AbsurdValue => {
                "no patient has such a value: the analyzer's unit may have been switched"
            }
            HoldReason::MaybeControl => {
                "its number is that of a control by qc.d, and it came with a patient or has an order"
            }
            HoldReason::MayBeDelivered => {
                "the LIMS may have it already: it came before the journal was restored, or while nothing was delivered"
            }
            HoldReason::Critical => "it is critical, or may be: labwire trace says by which rule",
            HoldReason::Delta => {
                "it is too far from the patient's earlier value: labwire trace says by which rule"
            }
            HoldReason::Doubted => "a rule doubts it: labwire trace says which",
            HoldReason::NotReleased => "the destination takes nothing that nobody has released",
            HoldReason::Suspended => {
                "nothing of this test or instrument leaves by itself for now: [[suspend]] in labwire.toml says why"
            }
            HoldReason::NotOrdered => OrderDoubt::NotOrdered.text(),
            HoldReason::OrderCancelled => OrderDoubt::Cancelled.text(),
            HoldReason::OrderFinal => OrderDoubt::Final.text(),
            HoldReason::OtherKind => OrderDoubt::OtherKind.text(),
            HoldReason::OtherPatient => {
                "the analyzer named another patient than the LIMS, or its tube has orders of several"
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
