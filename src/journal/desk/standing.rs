//! How what is decided on stands: the audit says of each decision what it found and what it left.

use rusqlite::{Connection, OptionalExtension};

use super::Decision;
use crate::journal::{JournalError, ObservationId};

/// In a few words; nothing of a patient. What isn't there is `unknown`.
pub(super) fn standing(connection: &Connection, of: Decision) -> Result<String, JournalError> {
    let (statement, id) = match of {
        Decision::Release(id) | Decision::Reject(id) => return of_result(connection, id),
        Decision::Retry(id) | Decision::GiveUp(id) | Decision::Confirm(id) => (DELIVERY, id.0),
        Decision::Reread(id) => (MESSAGE, id.0),
        Decision::Dismiss(id) => (PROBLEM, id.0),
        Decision::DismissMessage(id) => (PROBLEMS, id.0),
    };
    let found: Option<String> =
        connection.prepare_cached(statement)?.query_row([id], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or_else(|| "unknown".to_owned()))
}

const DELIVERY: &str = "SELECT state FROM delivery WHERE id = ?";
const MESSAGE: &str = "SELECT iif(processed_at IS NULL, 'to be read', 'read') FROM message WHERE id = ?";
const PROBLEM: &str = "SELECT iif(closed_at IS NULL, 'open', 'seen to') FROM problem WHERE id = ?";
const PROBLEMS: &str = "SELECT count(*) || ' open' FROM problem WHERE message = ? AND closed_at IS NULL";
const HOLDS: &str = "SELECT reason FROM hold WHERE observation = ? AND closed_at IS NULL ORDER BY id";
const LINES: &str =
    "SELECT DISTINCT state FROM ledger WHERE observation = ? AND state <> 'not-for-it' ORDER BY state";

/// What holds it, or else how it stands at its destinations.
fn of_result(connection: &Connection, id: ObservationId) -> Result<String, JournalError> {
    let all = |statement: &str| -> Result<Vec<String>, JournalError> {
        let mut statement = connection.prepare_cached(statement)?;
        Ok(statement.query_map([id.0], |row| row.get(0))?.collect::<Result<_, _>>()?)
    };
    let holds = all(HOLDS)?;
    if !holds.is_empty() {
        return Ok(format!("held: {}", holds.join(", ")));
    }
    let lines = all(LINES)?;
    Ok(if lines.is_empty() { "for no destination".to_owned() } else { lines.join(", ") })
}
