//! What the LIMS is asked of a patient's earlier values, and what it tells.

use jiff::Timestamp;

use super::{Comparator, DecimalText, Private, SpecimenId};

/// A patient of whom earlier values are wanted, for a specimen's results to be compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuestion {
    pub specimen: SpecimenId,
    /// The patient's number.
    pub patient: Private<String>,
    /// Who assigned it; empty where nobody says.
    pub authority: String,
    /// Of which test, by the code that the LIMS knows; empty where it is asked for all at once.
    pub code: String,
}

/// A final value that the LIMS has of a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryValue {
    /// Of which test, as the LIMS calls it.
    pub code: String,
    pub comparator: Option<Comparator>,
    pub number: DecimalText,
    pub unit: String,
    pub at: Timestamp,
    /// When the LIMS made it known, where it says so.
    pub told_at: Option<Timestamp>,
    /// By the name that it has in the configuration; empty where the LIMS doesn't say.
    pub instrument: String,
    /// Every number that its specimen is known by; none where the LIMS doesn't say.
    pub specimens: Vec<SpecimenId>,
}

/// How far a question is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryState {
    /// It is still to be answered.
    Open,
    Answered,
    /// The LIMS didn't answer in the time that there was.
    Unanswered,
}

impl HistoryState {
    const ALL: [(HistoryState, &str); 3] = [
        (HistoryState::Open, "open"),
        (HistoryState::Answered, "answered"),
        (HistoryState::Unanswered, "unanswered"),
    ];

    pub fn name(self) -> &'static str {
        HistoryState::ALL.into_iter().find(|(it, _)| *it == self).map_or("", |(_, name)| name)
    }

    pub fn from_name(name: &str) -> Option<HistoryState> {
        HistoryState::ALL.into_iter().find(|(_, other)| *other == name).map(|(it, _)| it)
    }
}
