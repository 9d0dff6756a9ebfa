//! Versions that a person has made here of one that was received once: moved to the right specimen, or read anew by another
//! configuration. None is a result more; each destination owes one line more.

use jiff::Timestamp;
use rusqlite::Connection;

use super::place::{Before, in_doubt, insert, open};
use super::succession::make_way;
use super::{Entry, owe};
use crate::journal::decisions;
use crate::journal::{JournalError, MessageId, ObservationId};

/// Whose the new version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum Anew {
    /// Another specimen's: of that one it is the first.
    Moved,
    /// The same specimen's, in the place of the version before it.
    Reevaluated,
}

/// Writes it in the caller's transaction.
pub(in crate::journal) fn carry_over(
    connection: &Connection,
    message: MessageId,
    from: ObservationId,
    (entry, anew): (&Entry, Anew),
    now: Timestamp,
) -> Result<ObservationId, JournalError> {
    decisions::keep_rules(connection, [&entry.judged])?;
    let entry = &in_doubt(connection, message, entry)?;
    let version: i64 = connection
        .prepare_cached("SELECT version FROM observation WHERE id = ?")?
        .query_row([from.0], |row| row.get(0))?;
    let id = insert(connection, message, &entry.observation, version + 1, Some(from), now)?;
    if anew == Anew::Reevaluated {
        make_way(connection, from, &entry.observation, now)?;
    }
    open(connection, id, entry, Before { version: Some(from), moved: anew == Anew::Moved }, now)?;
    for (destination, _) in &entry.routes {
        owe(connection, message, destination, 1)?;
    }
    Ok(id)
}
