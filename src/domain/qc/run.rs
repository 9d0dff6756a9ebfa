//! What becomes of a run, and how a test stands by its runs.

use super::{Multirule, Severity, Violation};

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A person took all its results out: it is as if it hadn't been.
    Void,
    /// Some of it couldn't be judged. It never counts as passed.
    NotEvaluated,
    /// Nothing is wrong so far, and levels are missing.
    Incomplete,
    Accepted,
    /// Accepted, and a rule that warns is broken.
    Warning,
    Rejected,
}

impl Outcome {
    pub const ALL: [Outcome; 6] = [
        Outcome::Void,
        Outcome::NotEvaluated,
        Outcome::Incomplete,
        Outcome::Accepted,
        Outcome::Warning,
        Outcome::Rejected,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Outcome::Void => "void",
            Outcome::NotEvaluated => "not-evaluated",
            Outcome::Incomplete => "incomplete",
            Outcome::Accepted => "accepted",
            Outcome::Warning => "warning",
            Outcome::Rejected => "rejected",
        }
    }

    pub fn from_name(name: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// Whether patients' results may rest on the run.
    pub fn is_acceptable(self) -> bool {
        matches!(self, Outcome::Accepted | Outcome::Warning)
    }
}

/// What a run comes to by what it breaks. `judged` are its results that have a target, `unjudged` those that couldn't be
/// judged, `levels` how many different levels were judged.
pub fn conclude(
    violations: &[Violation],
    judged: usize,
    unjudged: usize,
    levels: usize,
    by: &Multirule,
) -> Outcome {
    let worst = violations.iter().map(|violation| violation.severity).max();
    match worst {
        _ if judged + unjudged == 0 => Outcome::Void,
        Some(Severity::Reject) => Outcome::Rejected,
        _ if unjudged > 0 => Outcome::NotEvaluated,
        _ if levels < by.levels => Outcome::Incomplete,
        Some(Severity::Warn) => Outcome::Warning,
        None => Outcome::Accepted,
    }
}

/// The rules of one severity that are broken, each named once.
pub fn names(violations: &[Violation], severity: Severity) -> Vec<&'static str> {
    let mut names: Vec<&str> =
        violations.iter().filter(|it| it.severity == severity).map(|it| it.rule.name()).collect();
    names.dedup();
    names
}

/// How a test of an instrument stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QcState {
    /// No control of it was ever measured.
    NeverRun,
    NotEvaluated,
    Incomplete,
    Accepted,
    Warning,
    Rejected,
    /// The last acceptable run is too old to vouch for anything.
    NoRunSince,
}

impl QcState {
    pub const ALL: [QcState; 7] = [
        QcState::NeverRun,
        QcState::NotEvaluated,
        QcState::Incomplete,
        QcState::Accepted,
        QcState::Warning,
        QcState::Rejected,
        QcState::NoRunSince,
    ];

    pub fn from_name(name: &str) -> Option<QcState> {
        QcState::ALL.into_iter().find(|state| state.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            QcState::NeverRun => "never run",
            QcState::NotEvaluated => "not evaluated",
            QcState::Incomplete => "incomplete",
            QcState::Accepted => "accepted",
            QcState::Warning => "warning",
            QcState::Rejected => "rejected",
            QcState::NoRunSince => "no run since",
        }
    }

    /// Whether patients' results may rest on it.
    pub fn is_acceptable(self) -> bool {
        matches!(self, QcState::Accepted | QcState::Warning)
    }
}

/// By what a result and its controls were put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Measurement,
    /// Where either told no time that counts.
    Receipt,
}

/// How a test stood by its controls when a result was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stood {
    pub state: QcState,
    pub by: By,
}

impl From<Outcome> for QcState {
    fn from(outcome: Outcome) -> QcState {
        match outcome {
            Outcome::Void => QcState::NeverRun,
            Outcome::NotEvaluated => QcState::NotEvaluated,
            Outcome::Incomplete => QcState::Incomplete,
            Outcome::Accepted => QcState::Accepted,
            Outcome::Warning => QcState::Warning,
            Outcome::Rejected => QcState::Rejected,
        }
    }
}
