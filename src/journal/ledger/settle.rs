//! What an answer changes: the lines it names, the delivery, and what waited behind a refused result.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Fate, Next, Settlement, move_lines};
use crate::journal::audit::{self, GATEWAY, Step};
use crate::journal::{DeliveryId, JournalError, ObservationId};

pub(super) fn settle(
    connection: &Connection,
    delivery: DeliveryId,
    attempt: i64,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<(), JournalError> {
    let at = now.as_microsecond();
    connection.prepare_cached("INSERT INTO answer (attempt, ended_at, status, body, verdict, detail, connection) VALUES (?, ?, ?, ?, ?, ?, ?)")?.execute(params![
        attempt,
        at,
        settlement.status,
        settlement.body,
        settlement.verdict,
        settlement.detail,
        settlement.connection
    ])?;
    for (observation, fate) in &settlement.fates {
        settle_line(connection, delivery, *observation, fate, now)?;
    }
    let open = settlement.next == Next::Settled && leaves_lines_open(connection, delivery, now)?;
    let (state, due_at, settled_at) = match settlement.next {
        Next::Settled if open => ("dead", at, None),
        Next::Settled => ("settled", at, Some(at)),
        Next::Retry { at } => ("due", at.as_microsecond(), None),
        Next::Unknown { at } => ("unknown", at.as_microsecond(), None),
        Next::Dead => ("dead", at, None),
    };
    connection
        .prepare_cached("UPDATE delivery SET state = ?, due_at = ?, settled_at = ? WHERE id = ?")?
        .execute(params![state, due_at, settled_at, delivery.0])?;
    audit::append(
        connection,
        &Step {
            at: now,
            actor: GATEWAY,
            step: "delivery answered",
            subject: format!("delivery {delivery}"),
            detail: settlement.verdict.clone(),
        },
    )
}

/// A line that the settlement didn't name is of unknown fate, and then the delivery isn't settled.
fn leaves_lines_open(
    connection: &Connection,
    delivery: DeliveryId,
    now: Timestamp,
) -> Result<bool, JournalError> {
    move_lines(connection, delivery.0, "unknown", &["in-flight"], None, now)?;
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM ledger WHERE delivery = ?1 AND state IN ('unknown', 'refused')
             UNION ALL SELECT 1 FROM call_line WHERE delivery = ?1 AND state IN ('unknown', 'refused')
             UNION ALL SELECT 1 FROM notice WHERE delivery = ?1 AND state IN ('unknown', 'refused')",
        )?
        .exists([delivery.0])?)
}

/// What was accepted once stays accepted, whatever a later answer to the same bytes says.
fn settle_line(
    connection: &Connection,
    delivery: DeliveryId,
    observation: ObservationId,
    fate: &Fate,
    now: Timestamp,
) -> Result<(), JournalError> {
    let (state, reason) = match fate {
        Fate::Accepted => ("accepted", None),
        Fate::Staged => ("staged", None),
        Fate::Refused(reason) => ("refused", Some(reason.as_str())),
        Fate::Unknown => ("unknown", None),
        Fate::Again => ("in-flight", None),
    };
    let moved = connection
        .prepare_cached(
            "UPDATE ledger SET state = ?1, changed_at = ?2, reason = ?3
             WHERE delivery = ?4 AND observation = ?5 AND state IN ('in-flight', 'unknown', 'refused')",
        )?
        .execute(params![state, now.as_microsecond(), reason, delivery.0, observation.0])?;
    if moved == 0 {
        for beside in [
            "UPDATE call_line SET state = ?1, changed_at = ?2, reason = ?3
             WHERE delivery = ?4 AND observation = ?5 AND state IN ('in-flight', 'unknown', 'refused')",
            "UPDATE notice SET state = ?1, changed_at = ?2, reason = ?3
             WHERE delivery = ?4 AND observation = ?5 AND state IN ('in-flight', 'unknown', 'refused')",
        ] {
            connection.prepare_cached(beside)?.execute(params![
                state,
                now.as_microsecond(),
                reason,
                delivery.0,
                observation.0
            ])?;
        }
    }
    match fate {
        Fate::Refused(_) if moved > 0 => quarantine_behind(connection, delivery, observation, now),
        Fate::Accepted | Fate::Staged if moved > 0 => reopen_lanes(connection, observation, now),
        _ => Ok(()),
    }
}

/// Newer results of a refused one's lane wait for a person too.
fn quarantine_behind(
    connection: &Connection,
    delivery: DeliveryId,
    observation: ObservationId,
    now: Timestamp,
) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "UPDATE ledger SET state = 'quarantined', changed_at = ?1, reason = 'an earlier result of this test was refused'
             WHERE state = 'pending' AND observation > ?3 AND (destination, specimen, lane) IN
                   (SELECT destination, specimen, lane FROM ledger WHERE delivery = ?2 AND observation = ?3)",
        )?
        .execute(params![now.as_microsecond(), delivery.0, observation.0])?;
    Ok(())
}

/// Once a result is over, what was quarantined behind it goes on, unless something older still has to end first.
pub(in crate::journal) fn reopen_lanes(
    connection: &Connection,
    observation: ObservationId,
    now: Timestamp,
) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "UPDATE ledger AS q SET state = 'pending', changed_at = ?1, reason = NULL
             WHERE state = 'quarantined' AND state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined')
             AND (destination, specimen, lane) IN (SELECT destination, specimen, lane FROM ledger WHERE observation = ?2)
             AND NOT EXISTS (SELECT 1 FROM ledger e WHERE e.destination = q.destination AND e.specimen = q.specimen
                 AND e.lane = q.lane AND e.state IN ('in-flight', 'unknown', 'refused')
                 AND e.state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined')
                 AND e.observation < q.observation)
             AND NOT EXISTS (SELECT 1 FROM ledger e WHERE e.destination = q.destination AND e.specimen = q.specimen
                 AND e.lane = q.lane AND e.state = 'pending' AND e.observation < ?2)",
        )?
        .execute(params![now.as_microsecond(), observation.0])?;
    Ok(())
}
