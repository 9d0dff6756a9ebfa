//! What rules decided of a result, in words.

use crate::domain::clinic::Force;
use crate::domain::{Words, counted, words};
use crate::journal::decisions::StoredDecision;
use crate::status::clock::Clock;
use crate::status::lead::Severity;
use crate::status::words::ruled;

/// What rules found. What they asked in vain is told too: that isn't "nothing found".
pub(super) fn judged(
    result: Words,
    force: Force,
    decisions: &[StoredDecision],
    analyte: Analyte,
    clock: &Clock,
) -> (Severity, Words) {
    let by = match force {
        Force::InForce => words!("the rules in force"),
        Force::Shadow => words!("rules that nobody has signed and that do nothing"),
    };
    let told: Vec<Words> =
        decisions.iter().filter(|it| it.ruling != "clear").map(|it| ruled(it, clock)).collect();
    let clear = decisions.len() - told.len();
    let severity = match force {
        Force::InForce if decisions.iter().any(|it| it.holds) => Severity::Act,
        _ => Severity::Calm,
    };
    let found = match told.as_slice() {
        [] if decisions.is_empty() && analyte == Analyte::Unnamed => {
            words!("no rule is applied, as this code isn't named as an analyte")
        }
        [] if decisions.is_empty() => words!("none is about it"),
        [] => words!("nothing found"),
        _ => Words::row(told, ". "),
    };
    let text = counted!(
        clear,
        "{result} was judged by {by}: {found} ({n} check clear).",
        "{result} was judged by {by}: {found} ({n} checks clear).",
        result,
        by,
        found
    );
    (severity, text)
}

/// Whether anybody has named the code as what it measures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Analyte {
    Named,
    Unnamed,
}

impl Analyte {
    pub(super) fn of(name: &Option<String>) -> Analyte {
        if name.is_some() { Analyte::Named } else { Analyte::Unnamed }
    }
}
