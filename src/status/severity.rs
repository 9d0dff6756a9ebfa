//! How bad something is, and how that is shown: its style, its icon and its word.

use crate::domain::{Words, words};

/// How bad it is. Colour never says it alone: each has its icon and its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// Results are stopped or in danger.
    Danger,
    /// A person must act.
    Act,
    /// Unusual; worth a look.
    Odd,
    /// As it should be, and not over yet.
    Wait,
    Calm,
}

impl Severity {
    /// The name of its style and icon.
    pub(super) fn class(self) -> &'static str {
        match self {
            Severity::Danger => "danger",
            Severity::Act => "act",
            Severity::Odd => "odd",
            Severity::Wait => "wait",
            Severity::Calm => "calm",
        }
    }

    /// Its name in words; what is calm needs none.
    pub(super) fn word(self) -> Option<Words> {
        match self {
            Severity::Danger => Some(words!("Danger")),
            Severity::Act => Some(words!("Needs a person")),
            Severity::Odd => Some(words!("Unusual")),
            Severity::Wait => Some(words!("Not there yet")),
            Severity::Calm => None,
        }
    }
}
