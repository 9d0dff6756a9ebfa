//! What people decide about deliveries that the LIMS refused or whose fate is unknown. It decides nothing by itself.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::journal::ledger::{move_lines, reopen_lanes};
use crate::journal::{DeliveryId, JournalError, ObservationId};

/// What the LIMS settled and refused in part leaves in a new delivery with a new key: for the old one it would only
/// repeat its stored answer. Everything else goes out as it was, byte for byte.
pub(super) fn retry(connection: &Connection, id: DeliveryId, now: Timestamp) -> Result<(), JournalError> {
    undecided(connection, id)?;
    not_overtaken(connection, id)?;
    let at = now.as_microsecond();
    if was_settled_in_part(connection, id)? {
        leave_anew(connection, id, now)?;
    } else {
        move_lines(connection, id.0, "in-flight", &["refused", "unknown"], None, now)?;
        connection
            .execute("UPDATE delivery SET state = 'due', due_at = ? WHERE id = ?", params![at, id.0])?;
    }
    Ok(())
}

/// What was told as preliminary must not come again once the result itself was let go, or kept back.
fn not_overtaken(connection: &Connection, id: DeliveryId) -> Result<(), JournalError> {
    let overtaken = connection
        .prepare_cached(
            "SELECT 1 FROM notice n WHERE n.delivery = ? AND n.says = 'preliminary' AND n.state = 'refused'
             AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.observation = n.observation
                 AND l.destination = n.destination AND l.state = 'held')",
        )?
        .exists([id.0])?;
    if overtaken {
        return Err(JournalError::Refused(format!(
            "delivery {id} tells a result as preliminary that isn't held any more; give it up"
        )));
    }
    Ok(())
}

/// Frees the refused lines of a delivery. Those with a newer version make way for it: it must never be overtaken.
fn leave_anew(connection: &Connection, id: DeliveryId, now: Timestamp) -> Result<(), JournalError> {
    let at = now.as_microsecond();
    let lines = undecided_lines(connection, id)?;
    connection.execute(
        "UPDATE ledger SET state = 'superseded', reason = 'a newer version arrived', changed_at = ?1
         WHERE delivery = ?2 AND state = 'refused'
         AND EXISTS (SELECT 1 FROM observation o WHERE o.supersedes = ledger.observation)",
        params![at, id.0],
    )?;
    connection.execute(
        "UPDATE ledger SET state = 'pending', delivery = NULL, reason = NULL, changed_at = ?
         WHERE delivery = ? AND state = 'refused'",
        params![at, id.0],
    )?;
    connection.execute(
        "UPDATE call_line SET state = 'pending', delivery = NULL, reason = NULL, changed_at = ?
         WHERE delivery = ? AND state = 'refused'",
        params![at, id.0],
    )?;
    connection.execute(
        "UPDATE notice SET state = 'pending', delivery = NULL, reason = NULL, changed_at = ?
         WHERE delivery = ? AND state = 'refused'",
        params![at, id.0],
    )?;
    connection
        .execute("UPDATE delivery SET state = 'settled', settled_at = ? WHERE id = ?", params![at, id.0])?;
    for line in lines {
        if is_superseded(connection, line)? {
            reopen_lanes(connection, line, now)?;
        }
    }
    Ok(())
}

fn is_superseded(connection: &Connection, id: ObservationId) -> Result<bool, JournalError> {
    Ok(connection.prepare_cached("SELECT 1 FROM observation WHERE supersedes = ?")?.exists([id.0])?)
}

fn undecided_lines(connection: &Connection, id: DeliveryId) -> Result<Vec<ObservationId>, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT observation FROM ledger WHERE delivery = ? AND state IN ('refused', 'unknown')",
        )?
        .query_map([id.0], |row| row.get(0).map(ObservationId))?
        .collect::<Result<_, _>>()?)
}

/// Whether the last answer took the delivery as such, with nothing left unknown.
fn was_settled_in_part(connection: &Connection, id: DeliveryId) -> Result<bool, JournalError> {
    let taken: Option<bool> = connection
        .query_row(
            "SELECT coalesce(w.status BETWEEN 200 AND 299, 0) FROM attempt a JOIN answer w ON w.attempt = a.id
             WHERE a.delivery = ? ORDER BY a.id DESC LIMIT 1",
            [id.0],
            |row| row.get(0),
        )
        .optional()?;
    let unknown = connection
        .prepare(
            "SELECT 1 FROM ledger WHERE delivery = ?1 AND state = 'unknown'
             UNION ALL SELECT 1 FROM call_line WHERE delivery = ?1 AND state = 'unknown'
             UNION ALL SELECT 1 FROM notice WHERE delivery = ?1 AND state = 'unknown'",
        )?
        .exists([id.0])?;
    Ok(taken == Some(true) && !unknown)
}

/// Gives up everything of a delivery that isn't settled.
pub(super) fn give_up(
    connection: &Connection,
    id: DeliveryId,
    reason: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    undecided(connection, id)?;
    let lines = undecided_lines(connection, id)?;
    move_lines(connection, id.0, "rejected", &["refused", "unknown"], Some(reason), now)?;
    close(connection, id, &lines, now)
}

/// A person has seen that the LIMS holds what was of unknown fate. What it refused stays refused.
pub(super) fn confirm(
    connection: &Connection,
    id: DeliveryId,
    reason: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    undecided(connection, id)?;
    let lines = lines_in(connection, id, "unknown")?;
    if lines.is_empty() {
        return Err(JournalError::Refused(format!("nothing of delivery {id} is of unknown fate")));
    }
    move_lines(connection, id.0, "accepted", &["unknown"], Some(reason), now)?;
    if lines_in(connection, id, "refused")?.is_empty() {
        return close(connection, id, &lines, now);
    }
    lines.into_iter().try_for_each(|line| reopen_lanes(connection, line, now))
}

fn lines_in(
    connection: &Connection,
    id: DeliveryId,
    state: &str,
) -> Result<Vec<ObservationId>, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT observation FROM ledger WHERE delivery = ?1 AND state = ?2
             UNION SELECT observation FROM call_line WHERE delivery = ?1 AND state = ?2
             UNION SELECT observation FROM notice WHERE delivery = ?1 AND state = ?2",
        )?
        .query_map(params![id.0, state], |row| row.get(0).map(ObservationId))?
        .collect::<Result<_, _>>()?)
}

fn close(
    connection: &Connection,
    id: DeliveryId,
    lines: &[ObservationId],
    now: Timestamp,
) -> Result<(), JournalError> {
    lines.iter().try_for_each(|line| reopen_lanes(connection, *line, now))?;
    connection.execute(
        "UPDATE delivery SET state = 'settled', settled_at = ? WHERE id = ?",
        params![now.as_microsecond(), id.0],
    )?;
    Ok(())
}

/// Only a delivery that nobody is sending and the LIMS hasn't settled is a person's to decide.
fn undecided(connection: &Connection, id: DeliveryId) -> Result<(), JournalError> {
    let state: Option<String> = connection
        .query_row("SELECT state FROM delivery WHERE id = ?", [id.0], |row| row.get(0))
        .optional()?;
    match state.as_deref() {
        Some("dead" | "unknown") => Ok(()),
        Some(state) => {
            Err(JournalError::Refused(format!("delivery {id} is {state}; there is nothing to decide")))
        }
        None => Err(JournalError::Refused(format!("there is no delivery {id}"))),
    }
}
