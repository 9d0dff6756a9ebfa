//! Runs that are decided again, since something of a run before them has changed: a result was taken out, replaced, or came
//! late and was measured before them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::super::JournalError;
use super::judge::{Counted, Known, decide};
use super::rows::{read_rules, read_violations};
use crate::domain::qc::{Multirule, Outcome, Program, Violation};

/// How many runs before one are looked at for those that can matter to it, and how many after it may rest on it: of a level
/// that is measured seldom, ten runs are far apart.
pub(super) const REACH: usize = 400;

/// A run, and what it comes to now.
pub(super) struct Anew {
    pub(super) run: i64,
    pub(super) began_at: Timestamp,
    pub(super) by: Multirule,
    pub(super) counted: Vec<Counted>,
    pub(super) outcome: Outcome,
    pub(super) violations: Vec<Violation>,
    /// What it broke by its last decision.
    pub(super) before: Vec<Violation>,
}

/// A run's last decision.
pub(super) struct Last {
    pub(super) by: Multirule,
    pub(super) outcome: Outcome,
    pub(super) violations: Vec<Violation>,
}

/// The runs after these that come to something else now, each by the rules of its last decision, in their order.
pub(super) fn anew(
    connection: &Connection,
    known: &[Known],
    touched: &BTreeSet<(Timestamp, i64)>,
) -> Result<Vec<Anew>, JournalError> {
    let places: BTreeSet<(Timestamp, i64)> = known.iter().map(Known::place).collect();
    let after = touched.iter().flat_map(|one| places.iter().filter(move |it| *it > one).take(REACH));
    let after: BTreeSet<_> = after.filter(|it| !touched.contains(it)).copied().collect();
    let mut found = Vec::new();
    for (began_at, run) in after {
        let Some(last) = last(connection, run)? else { continue };
        let (counted, outcome, violations) = decide(known, run, &last.by, Program::NOW);
        if (outcome, &violations) != (last.outcome, &last.violations) {
            let (by, before) = (last.by, last.violations);
            found.push(Anew { run, began_at, by, counted, outcome, violations, before });
        }
    }
    Ok(found)
}

/// What was decided of a run last; nothing where it has no decision yet.
pub(super) fn last(connection: &Connection, run: i64) -> Result<Option<Last>, JournalError> {
    let found: Option<(String, String, String)> = connection
        .prepare_cached(
            "SELECT s.text, d.outcome, d.violations FROM qc_decision d JOIN qc_rules s ON s.sha256 = d.rules
             WHERE d.run = ? ORDER BY d.id DESC LIMIT 1",
        )?
        .query_row([run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((rules, outcome, violations)) = found else { return Ok(None) };
    Ok(Some(Last {
        by: read_rules(&rules)?,
        outcome: Outcome::from_name(&outcome).unwrap_or(Outcome::NotEvaluated),
        violations: read_violations(&violations)?,
    }))
}
