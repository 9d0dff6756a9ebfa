//! What becomes of a version whose place a newer one takes.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::standing::that_stands_again;
use crate::domain::Observation;
use crate::journal::audit::GATEWAY;
use crate::journal::ledger::{Void, reopen_lanes, unannounce, withdraw};
use crate::journal::read::observation;
use crate::journal::{JournalError, ObservationId};

/// Takes a version out of the way of a newer one. Where the newer goes by another code, the LIMS would keep this one beside
/// it for good: it is told that this one is void.
pub(super) fn make_way(
    connection: &Connection,
    earlier: ObservationId,
    newer: &Observation,
    now: Timestamp,
) -> Result<(), JournalError> {
    let before = connection
        .prepare_cached("SELECT detail FROM observation WHERE id = ?")?
        .query_row([earlier.0], |row| Ok(observation(row, 0)))??;
    if newer.goes_by_another_code(&before) {
        withdraw(connection, earlier, Void::Recoded, now)?;
    }
    supersede(connection, earlier, now)
}

/// Takes back what of an earlier version has not left yet. What has left stays as it went.
fn supersede(connection: &Connection, earlier: ObservationId, now: Timestamp) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "UPDATE ledger SET state = 'superseded', changed_at = ?, reason = 'a newer version arrived'
             WHERE observation = ? AND state IN ('held', 'pending', 'quarantined')",
        )?
        .execute(params![now.as_microsecond(), earlier.0])?;
    unannounce(connection, earlier, None, "a newer version arrived", now)?;
    reopen_lanes(connection, earlier, now)?;
    connection
        .prepare_cached(
            "UPDATE hold SET closed_at = ?, closed_by = ?, closing = 'superseded'
             WHERE observation = ? AND closed_at IS NULL",
        )?
        .execute(params![now.as_microsecond(), GATEWAY, earlier.0])?;
    // Where this one was rejected, a version before it may wait for a person in its place.
    match that_stands_again(connection, earlier)? {
        Some(before) => supersede(connection, before, now),
        None => Ok(()),
    }
}
