//! Counts that the sums are checked against, kept in the transaction of what they count.

use rusqlite::{Connection, params};

use super::JournalError;

/// Results that arrived, whatever became of them.
pub(super) const RECEIVED: &str = "received";
/// Results that became observations.
pub(super) const NEW: &str = "new";
/// Results that were received before.
pub(super) const DUPLICATE: &str = "duplicate";
/// Results that became a problem instead of an observation.
pub(super) const PROBLEM: &str = "problem";
/// New observations while the destination (the subject) was configured: each owes it one line of the ledger.
pub(super) const OWED: &str = "owed";
/// Messages read, whatever they held.
pub(super) const READ: &str = "read";

/// Adds to a counter of `subject` (an instrument, a source, or nothing).
pub(super) fn add(connection: &Connection, name: &str, subject: &str, by: usize) -> Result<(), JournalError> {
    if by > 0 {
        connection
            .prepare_cached(
                "INSERT INTO counter VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = value + ?3",
            )?
            .execute(params![name, subject, by])?;
    }
    Ok(())
}
