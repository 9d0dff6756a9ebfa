//! What becomes of a result whose newer version is rejected: where it hadn't left, it waits for a person, and isn't gone.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::place::hold;
use crate::domain::HoldReason;
use crate::journal::{JournalError, ObservationId};

/// Holds the version before a rejected one, which it returns, at each destination which it hadn't left for. A version that a person had made
/// here of the same bytes brings none back: what they said of it they said of those.
pub(in crate::journal) fn stands_again(
    connection: &Connection,
    rejected: ObservationId,
    now: Timestamp,
) -> Result<Option<ObservationId>, JournalError> {
    let Some(before) = version_before(connection, rejected)? else { return Ok(None) };
    let lines = connection
        .prepare_cached(
            "UPDATE ledger SET state = 'held', reason = NULL, changed_at = ? WHERE observation = ? AND state = 'superseded'",
        )?
        .execute(params![now.as_microsecond(), before.0])?;
    if lines > 0 {
        hold(connection, before, &[HoldReason::SuccessorRejected], now)?;
    }
    Ok(Some(before))
}

/// The nearest version before this one that a person hasn't rejected.
fn version_before(connection: &Connection, id: ObservationId) -> Result<Option<ObservationId>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT e.id, EXISTS (SELECT 1 FROM hold h WHERE h.observation = e.id AND h.closing = 'rejected')
         FROM observation o JOIN observation e ON e.id = o.supersedes
         WHERE o.id = ? AND NOT EXISTS (SELECT 1 FROM remade r WHERE r.observation = e.id)",
    )?;
    let mut next = id;
    loop {
        let found: Option<(i64, bool)> =
            statement.query_row([next.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((before, true)) => next = ObservationId(before),
            Some((before, false)) => return Ok(Some(ObservationId(before))),
            None => return Ok(None),
        }
    }
}

/// A version before this one that stands again: once another takes its place, it is over with that.
pub(super) fn that_stands_again(
    connection: &Connection,
    id: ObservationId,
) -> Result<Option<ObservationId>, JournalError> {
    Ok(connection
        .prepare_cached(
            "WITH RECURSIVE version(id) AS (SELECT supersedes FROM observation WHERE id = ?1 AND supersedes IS NOT NULL
                UNION ALL SELECT o.supersedes FROM observation o JOIN version v ON v.id = o.id WHERE o.supersedes IS NOT NULL)
             SELECT v.id FROM version v JOIN hold h ON h.observation = v.id
             WHERE h.closed_at IS NULL AND h.reason = ?2 LIMIT 1",
        )?
        .query_row(params![id.0, HoldReason::SuccessorRejected.name()], |row| row.get(0).map(ObservationId))
        .optional()?)
}
