//! Why a result waits for a person: each reason with its stable name and what it means.

use super::OrderDoubt;

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
    /// It and another contradict each other: the value of the diluted specimen isn't above what the undiluted one was said to be
    /// above.
    NotAboveUndiluted,
    /// It corrects a result, or is the value of its diluted specimen, and names another patient than that did.
    VersionOfAnother,
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
    /// It and other values of the patient's moved too far at once: it may be somebody else's.
    Together,
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
    /// It follows a result that a person has moved to another specimen: its number may be misread as well.
    MisreadSpecimen,
    /// A row of a file that an earlier row or file may have said already.
    PossibleDuplicate,
    /// Another file told an equal result, and no hour tells them apart.
    EqualWithoutHour,
    /// The LIMS was asked for the patient's earlier values and hasn't answered yet.
    AwaitsHistory,
    /// It hadn't left when a newer version took its place, and a person has rejected that.
    SuccessorRejected,
}

impl HoldReason {
    pub const ALL: [HoldReason; 36] = [
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
        HoldReason::NotAboveUndiluted,
        HoldReason::VersionOfAnother,
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
        HoldReason::Together,
        HoldReason::Doubted,
        HoldReason::NotReleased,
        HoldReason::Suspended,
        HoldReason::OrderFinal,
        HoldReason::OtherKind,
        HoldReason::OtherPatient,
        HoldReason::MisreadSpecimen,
        HoldReason::PossibleDuplicate,
        HoldReason::EqualWithoutHour,
        HoldReason::AwaitsHistory,
        HoldReason::SuccessorRejected,
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
            HoldReason::NotAboveUndiluted => "not-above-undiluted",
            HoldReason::VersionOfAnother => "version-of-another",
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
            HoldReason::Together => "together",
            HoldReason::Doubted => "doubted",
            HoldReason::NotReleased => "not-released",
            HoldReason::Suspended => "suspended",
            HoldReason::OrderFinal => "order-final",
            HoldReason::OtherKind => "other-specimen-kind",
            HoldReason::OtherPatient => "other-patient",
            HoldReason::MisreadSpecimen => "misread-specimen",
            HoldReason::PossibleDuplicate => "possible-duplicate",
            HoldReason::EqualWithoutHour => "equal-without-hour",
            HoldReason::AwaitsHistory => "awaits-history",
            HoldReason::SuccessorRejected => "successor-rejected",
        }
    }

    /// Whether it is about the specimen number, or about the results stored under it: none of that holds under another.
    pub fn is_of_number(self) -> bool {
        matches!(
            self,
            HoldReason::BlankSpecimen
                | HoldReason::TruncatedSpecimen
                | HoldReason::MaybeControl
                | HoldReason::Rerun
                | HoldReason::LateVersion
                | HoldReason::Contradiction
                | HoldReason::NotAboveUndiluted
                | HoldReason::VersionOfAnother
                | HoldReason::AmbiguousCorrection
                | HoldReason::MisreadSpecimen
                | HoldReason::PossibleDuplicate
                | HoldReason::EqualWithoutHour
        )
    }

    /// Whether another configuration may read the same bytes without it: a unit, a value's code, a flag or a status was
    /// missing there.
    pub fn is_by_reading(self) -> bool {
        matches!(
            self,
            HoldReason::StatusInDoubt
                | HoldReason::UnknownStatus
                | HoldReason::UnknownFlag
                | HoldReason::OddValue
                | HoldReason::UndecodableText
                | HoldReason::UnclearSample
                | HoldReason::NotConverted
                | HoldReason::AbsurdValue
        )
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
                | HoldReason::Together
                | HoldReason::Doubted
                | HoldReason::NotReleased
                | HoldReason::Suspended
                | HoldReason::NotOrdered
                | HoldReason::OrderCancelled
                | HoldReason::OrderFinal
                | HoldReason::OtherKind
                | HoldReason::OtherPatient
                | HoldReason::AwaitsHistory
        )
    }

    /// What it means, for a technician.
    pub fn text(self) -> &'static str {
        match self {
            HoldReason::BlankSpecimen => "the analyzer sent no specimen number, or more than one",
            HoldReason::StatusInDoubt => "the analyzer marked the result as doubtful",
            HoldReason::UnknownStatus => "the analyzer sent a status that its profile doesn't know",
            HoldReason::UnknownFlag => "the analyzer sent a flag that its profile doesn't know",
            HoldReason::OddValue => "its value, or what says how to read it, is none that the profile knows",
            HoldReason::Rerun => "a second value for a result that was already received",
            HoldReason::TruncatedSpecimen => {
                "the specimen number is as long as the analyzer can send: it may be cut off"
            }
            HoldReason::Incomplete => "the transmission broke off; the analyzer may send it again",
            HoldReason::AmbiguousCorrection => {
                "it corrects one of several results of this test, and nothing says which"
            }
            HoldReason::LateVersion => {
                "an older version of a result: the final one, its correction, or the value of the diluted specimen came before it"
            }
            HoldReason::Contradiction => {
                "the analyzer says of one run that it gave a value and that it couldn't be done"
            }
            HoldReason::NotAboveUndiluted => {
                "the value of the diluted specimen isn't above what the undiluted one was said to be above: one of the two is wrong"
            }
            HoldReason::VersionOfAnother => {
                "it would take the place of a result for which the analyzer named another patient"
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
            HoldReason::Critical => {
                "it is critical, or may be: its own page and labwire trace say by which rule"
            }
            HoldReason::Delta => {
                "it is too far from the patient's earlier value: its own page and labwire trace say by which rule"
            }
            HoldReason::Together => {
                "several of the patient's values moved too far at once, as another patient's would: its own page and \
                 labwire trace say by which rule"
            }
            HoldReason::Doubted => "a rule doubts it: its own page and labwire trace say which",
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
            HoldReason::MisreadSpecimen => {
                "it follows a result that was moved to another specimen: its number may be misread as well"
            }
            HoldReason::PossibleDuplicate => {
                "a file says again what was read before, and nothing tells a second measurement from a repetition"
            }
            HoldReason::EqualWithoutHour => {
                "another file told an equal result, and no hour tells a second measurement from a repetition: equal_without_hour in the instrument's file says what such a one is"
            }
            HoldReason::AwaitsHistory => {
                "the patient's earlier values are still to come from the LIMS; it leaves by itself once they have or the time is up"
            }
            HoldReason::SuccessorRejected => {
                "the version that took its place was rejected, and this one hadn't left: say whether it stands"
            }
        }
    }
}
