//! What each instrument is known to send. The first message that shows something else is named as a problem, once;
//! what is known says nothing again. Holds no result and counts for nothing in the sums.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{JournalError, MessageId, ProblemId, Reader};
use crate::domain::{Habit, InstrumentId, ProblemKind};

/// The most values that are kept of one habit: a range made up for each patient must not grow without end. What
/// comes after them isn't named.
const VALUES: usize = 50;

impl Reader {
    /// Those of `shown` that the instrument isn't known for. One search by index each.
    pub fn new_habits(
        &self,
        instrument: &InstrumentId,
        shown: BTreeSet<Habit>,
    ) -> Result<Vec<Habit>, JournalError> {
        let _moment = self.moment()?;
        let mut new = Vec::new();
        for habit in shown {
            if !is_known(&self.connection, instrument, &habit)? {
                new.push(habit);
            }
        }
        Ok(new)
    }
}

/// Keeps what is new, and names what departs from the profile or from what was known. Tells how much was named.
pub(super) fn keep(
    connection: &Connection,
    message: MessageId,
    instrument: &InstrumentId,
    habits: &[Habit],
    now: Timestamp,
) -> Result<usize, JournalError> {
    let mut named = 0;
    for habit in habits {
        if is_known(connection, instrument, habit)? {
            continue;
        }
        let (known, latest) = before(connection, instrument, habit)?;
        if known >= VALUES {
            continue;
        }
        let problem = match (&habit.pinned, latest) {
            (None, None) => None,
            (_, latest) => match open_problem(connection, instrument, habit)? {
                Some(problem) => Some(add(connection, problem, habit, &latest.unwrap_or_default())?),
                None => {
                    named += 1;
                    let text = habit.departure(&latest.unwrap_or_default());
                    Some(name(connection, message, instrument, &text, now)?)
                }
            },
        };
        connection
            .prepare_cached(
                "INSERT INTO habit (instrument, kind, subject, value, message, problem) VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                instrument.as_str(),
                habit.kind.name(),
                habit.subject,
                habit.value,
                message.0,
                problem.map(|problem| problem.0)
            ])?;
    }
    Ok(named)
}

/// Forgets what a message was named for and no person has seen to: it is about to be read again.
pub(super) fn forget(connection: &Connection, message: MessageId) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "DELETE FROM habit WHERE problem IN (SELECT id FROM problem WHERE message = ? AND closed_at IS NULL)",
        )?
        .execute([message.0])?;
    Ok(())
}

fn is_known(connection: &Connection, instrument: &InstrumentId, it: &Habit) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM habit WHERE instrument = ? AND kind = ? AND subject = ? AND value = ?",
        )?
        .exists(params![instrument.as_str(), it.kind.name(), it.subject, it.value])?)
}

/// How many values are known of a habit, and the one that came last.
fn before(
    connection: &Connection,
    instrument: &InstrumentId,
    it: &Habit,
) -> Result<(usize, Option<String>), JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT value FROM habit WHERE instrument = ? AND kind = ? AND subject = ? ORDER BY id DESC",
    )?;
    let values: Vec<String> = statement
        .query_map(params![instrument.as_str(), it.kind.name(), it.subject], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok((values.len(), values.into_iter().next()))
}

/// The problem by which a change of this habit is named already, until somebody has seen to it.
fn open_problem(
    connection: &Connection,
    instrument: &InstrumentId,
    it: &Habit,
) -> Result<Option<ProblemId>, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT p.id FROM habit h JOIN problem p ON p.id = h.problem
             WHERE h.instrument = ? AND h.kind = ? AND h.subject = ? AND p.closed_at IS NULL LIMIT 1",
        )?
        .query_row(params![instrument.as_str(), it.kind.name(), it.subject], |row| row.get(0).map(ProblemId))
        .optional()?)
}

fn add(
    connection: &Connection,
    problem: ProblemId,
    habit: &Habit,
    before: &str,
) -> Result<ProblemId, JournalError> {
    connection
        .prepare_cached("UPDATE problem SET text = text || ? WHERE id = ?")?
        .execute(params![habit.further(before), problem.0])?;
    Ok(problem)
}

fn name(
    connection: &Connection,
    message: MessageId,
    instrument: &InstrumentId,
    text: &str,
    now: Timestamp,
) -> Result<ProblemId, JournalError> {
    connection
        .prepare_cached(
            "INSERT INTO problem (message, instrument, kind, text, replaces_result, seen_at)
             VALUES (?, ?, ?, ?, 0, ?)",
        )?
        .execute(params![
            message.0,
            instrument.as_str(),
            ProblemKind::Drift.name(),
            text,
            now.as_microsecond()
        ])?;
    Ok(ProblemId(connection.last_insert_rowid()))
}
