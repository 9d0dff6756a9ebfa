//! What rules decide of a case, with everything that it was decided by. "Not evaluated" is an answer of its own, and
//! never the same as "nothing found".

use std::fmt;

use super::rules::Band;
use crate::domain::HoldReason;

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    Critical,
    Range,
    Delta,
    Together,
    Flags,
    Index,
    Consistency,
    Pattern,
    Number,
    Demographics,
    Identity,
    Qc,
}

/// The answer of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub check: Check,
    /// The rules that were asked; several only where it isn't known which of them is the patient's.
    pub rules: Vec<String>,
    pub ruling: Ruling,
    /// What was compared, in words: the inputs beyond the value itself.
    pub inputs: Vec<String>,
    /// The limits, as the rules have them or as they were computed.
    pub thresholds: Vec<String>,
    /// Whether the result waits for a person by this.
    pub holds: bool,
    /// The value as it is reported, rounded, would have been decided otherwise than the exact one.
    pub rounding_decides: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    Decided(Path),
    /// Something may be the matter: a person must look.
    Undecided(Why),
    /// The rule could not be asked. It passes nothing.
    NotEvaluated(Why),
}

/// What a rule found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    Low,
    High,
    Fall,
    Rise,
    Found,
    Clear,
}

/// Why a rule gave no plain answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    Comparator,
    /// What is known of the patient or specimen fits several rules, and they don't agree.
    WhichRule,
    /// There are rules for this analyte, and none for such a patient or specimen.
    NoRuleFits,
    /// Whether any rule is for this patient isn't known.
    MayNotFit,
    /// Why the value isn't in the unit that is reported.
    Unconverted(String),
    NoNumber,
    /// Nothing else of the specimen says what the rule needs; the analyte or index.
    NotMeasured(String),
    /// The specimen has two values of one thing, and they don't agree.
    SeveralValues(String),
    NoPatientId,
    NoPrevious,
    /// The LIMS was asked for earlier values and hasn't told any.
    HistoryUntold,
    OutOfWindow,
    OtherMethod,
    PreviousZero,
    PreviousComparator,
    PreviousUnconverted,
    PreviousAbsurd,
    /// Two earlier values of one moment, which don't agree.
    SeveralPrevious,
    /// The instrument told no time, or its clock is in doubt.
    NoTime,
    NothingToCompare,
    /// No acceptable run of controls vouches for it; how the test stands.
    NoAcceptableRun(String),
    /// So close to the limit that the digits of its root or logarithm don't tell.
    TooClose,
}

impl Decision {
    /// Whether the value is critical, or may be. What is critical only as it is reported, rounded, or only as it is exactly, may be: it is told
    /// as one, with both numbers.
    pub fn may_be_critical(&self) -> bool {
        let found = matches!(self.ruling, Ruling::Decided(Path::Low | Path::High) | Ruling::Undecided(_));
        self.check == Check::Critical && (found || self.rounding_decides)
    }
}

impl Ruling {
    /// Whether there is something for a person to see.
    pub fn wants_a_person(&self) -> bool {
        match self {
            Ruling::Decided(path) => *path != Path::Clear,
            Ruling::Undecided(_) => true,
            Ruling::NotEvaluated(_) => false,
        }
    }
}

impl Check {
    pub const ALL: [(&str, Check); 12] = [
        ("critical", Check::Critical),
        ("range", Check::Range),
        ("delta", Check::Delta),
        ("together", Check::Together),
        ("flags", Check::Flags),
        ("index", Check::Index),
        ("consistency", Check::Consistency),
        ("pattern", Check::Pattern),
        ("specimen-number", Check::Number),
        ("demographics", Check::Demographics),
        ("identity", Check::Identity),
        ("qc", Check::Qc),
    ];

    pub fn name(self) -> &'static str {
        Check::ALL.into_iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }

    pub fn from_name(name: &str) -> Option<Check> {
        Check::ALL.into_iter().find(|(other, _)| *other == name).map(|(_, check)| check)
    }

    /// How its rules are chosen for a case.
    pub fn band(self) -> Band {
        match self {
            Check::Critical | Check::Range | Check::Delta => Band::First,
            _ => Band::Each,
        }
    }

    /// Why a result waits by what it finds.
    pub fn reason(self) -> HoldReason {
        match self {
            Check::Critical => HoldReason::Critical,
            Check::Delta => HoldReason::Delta,
            Check::Together => HoldReason::Together,
            _ => HoldReason::Doubted,
        }
    }
}

impl Path {
    pub const ALL: [Path; 6] = [Path::Low, Path::High, Path::Fall, Path::Rise, Path::Found, Path::Clear];

    pub fn name(self) -> &'static str {
        match self {
            Path::Low => "low",
            Path::High => "high",
            Path::Fall => "fall",
            Path::Rise => "rise",
            Path::Found => "found",
            Path::Clear => "clear",
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ruling::Decided(path) => path.fmt(f),
            Ruling::Undecided(why) => write!(f, "undecided: {why}"),
            Ruling::NotEvaluated(why) => write!(f, "not evaluated: {why}"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Comparator => write!(f, "the value's comparator leaves it open"),
            Why::WhichRule => {
                write!(f, "it isn't known which rule is the patient's, and they don't agree: look now")
            }
            Why::NoRuleFits => write!(f, "no rule is for such a patient and specimen"),
            Why::MayNotFit => write!(f, "it isn't known whether a rule is for this patient and specimen"),
            Why::Unconverted(why) => write!(f, "the value isn't in the reported unit: {why}"),
            Why::NoNumber => write!(f, "the value is no number"),
            Why::NotMeasured(what) => write!(f, "{what} wasn't measured of this specimen"),
            Why::SeveralValues(what) => {
                write!(f, "this specimen has several values of {what}, which don't agree")
            }
            Why::NoPatientId => write!(f, "no patient ID is known, so no earlier value"),
            Why::NoPrevious => write!(f, "there is no earlier value of this patient"),
            Why::HistoryUntold => {
                write!(f, "the LIMS hasn't told the patient's earlier values, and none is known here")
            }
            Why::OutOfWindow => write!(f, "the latest earlier value is older than the rule's window"),
            Why::OtherMethod => write!(f, "the latest earlier value is of another instrument"),
            Why::PreviousZero => write!(f, "the earlier value is zero"),
            Why::PreviousComparator => write!(f, "the earlier value has a comparator"),
            Why::PreviousUnconverted => write!(f, "the earlier value isn't in the reported unit"),
            Why::PreviousAbsurd => {
                write!(f, "no patient can have the earlier value that was told: its unit may be another")
            }
            Why::SeveralPrevious => {
                write!(f, "there are several earlier values of one moment, which don't agree")
            }
            Why::NoTime => write!(f, "the time of measurement isn't known beyond doubt"),
            Why::NothingToCompare => write!(f, "there is nothing to compare with"),
            Why::NoAcceptableRun(state) => write!(f, "no acceptable run of controls vouches for it: {state}"),
            Why::TooClose => write!(f, "it is too close to the limit to tell"),
        }
    }
}
