//! Where one observation goes: a new row, the next version of an earlier one, or a note that it came again; and with a
//! new row its holds and its line in each destination's ledger. It counts nothing.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Entry, Place, Route};
use crate::domain::{DestinationId, Observation, SampleClass, SpecimenId, Standing};
use crate::journal::audit::GATEWAY;
use crate::journal::ledger::{URGENCIES, reopen_lanes};
use crate::journal::rows::{Stored, class_name, status_name};
use crate::journal::{JournalError, MessageId, ObservationId};

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    New,
    Repeated,
    /// It is there from an earlier reading of the same message.
    Known,
}

pub(super) fn place(
    connection: &Connection,
    message: MessageId,
    entry: &Entry,
    now: Timestamp,
) -> Result<Placed, JournalError> {
    let observation = &entry.observation;
    let key = params![message.0, observation.record, observation.test.component];
    let known = connection
        .prepare_cached(
            "SELECT 1 FROM observation WHERE message = ?1 AND record = ?2 AND component = ?3
             UNION ALL SELECT 1 FROM repetition WHERE message = ?1 AND record = ?2 AND component = ?3",
        )?
        .exists(key)?;
    if known {
        return Ok(Placed::Known);
    }
    match entry.place {
        Place::Repeats(earlier) => {
            connection.prepare_cached("INSERT INTO repetition VALUES (?, ?, ?, ?)")?.execute(params![
                message.0,
                observation.record,
                observation.test.component,
                earlier.0
            ])?;
            Ok(Placed::Repeated)
        }
        Place::Own => {
            let id = insert(connection, message, observation, 1, None, now)?;
            open(connection, id, entry, now)?;
            Ok(Placed::New)
        }
        Place::Supersedes(earlier) => {
            let earlier = newest(connection, earlier)?;
            let version: i64 = connection
                .prepare_cached("SELECT version FROM observation WHERE id = ?")?
                .query_row([earlier.0], |row| row.get(0))?;
            let id = insert(connection, message, observation, version + 1, Some(earlier), now)?;
            supersede(connection, earlier, now)?;
            open(connection, id, entry, now)?;
            Ok(Placed::New)
        }
    }
}

/// The version of a result that nothing has superseded yet.
fn newest(connection: &Connection, version: ObservationId) -> Result<ObservationId, JournalError> {
    let mut newest = version;
    while let Some(next) = connection
        .prepare_cached("SELECT id FROM observation WHERE supersedes = ?")?
        .query_row([newest.0], |row| row.get(0).map(ObservationId))
        .optional()?
    {
        newest = next;
    }
    Ok(newest)
}

fn insert(
    connection: &Connection,
    message: MessageId,
    it: &Observation,
    version: i64,
    supersedes: Option<ObservationId>,
    now: Timestamp,
) -> Result<ObservationId, JournalError> {
    let detail = serde_json::to_string(&Stored::from(it))
        .map_err(|error| JournalError::Refused(format!("failed to write an observation as JSON: {error}")))?;
    connection
        .prepare_cached(
            "INSERT INTO observation (message, record, instrument, specimen, code, aspect, component, class, status,
             version, supersedes, recorded_at, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            message.0,
            it.record,
            it.instrument.as_str(),
            it.specimen.reveal(),
            it.test.code,
            it.test.aspect,
            it.test.component,
            class_name(it.class),
            status_name(it.status),
            version,
            supersedes.map(|earlier| earlier.0),
            now.as_microsecond(),
            detail
        ])?;
    Ok(ObservationId(connection.last_insert_rowid()))
}

/// Takes back what of an earlier version has not left yet. What has left stays as it went.
fn supersede(connection: &Connection, earlier: ObservationId, now: Timestamp) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "UPDATE ledger SET state = 'superseded', changed_at = ?, reason = 'a newer version arrived'
             WHERE observation = ? AND state IN ('held', 'pending', 'quarantined')",
        )?
        .execute(params![now.as_microsecond(), earlier.0])?;
    reopen_lanes(connection, earlier, now)?;
    connection
        .prepare_cached(
            "UPDATE hold SET closed_at = ?, closed_by = ?, closing = 'superseded'
             WHERE observation = ? AND closed_at IS NULL",
        )?
        .execute(params![now.as_microsecond(), GATEWAY, earlier.0])?;
    Ok(())
}

/// Opens an observation's holds and its line in each destination's ledger.
fn open(
    connection: &Connection,
    id: ObservationId,
    entry: &Entry,
    now: Timestamp,
) -> Result<(), JournalError> {
    let observation = &entry.observation;
    if let Standing::Held(reasons) = &observation.standing {
        for reason in reasons {
            connection
                .prepare_cached("INSERT INTO hold (observation, reason, opened_at) VALUES (?, ?, ?)")?
                .execute(params![id.0, reason.name(), now.as_microsecond()])?;
        }
    }
    let lane = lane(observation);
    for (destination, route) in &entry.routes {
        let state = match (route, observation.class, &observation.standing) {
            (Route::NotForIt, _, _) | (_, SampleClass::Control | SampleClass::Calibration, _) => "not-for-it",
            (_, _, Standing::Held(_)) => "held",
            (_, _, Standing::Clear)
                if lane_is_blocked(connection, destination, &observation.specimen, &lane)? =>
            {
                "quarantined"
            }
            (_, _, Standing::Clear) => "pending",
        };
        connection
            .prepare_cached(
                "INSERT INTO ledger (destination, observation, lane, specimen, priority, state, changed_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                destination.as_str(),
                id.0,
                lane,
                observation.specimen.reveal(),
                urgency(observation),
                state,
                now.as_microsecond()
            ])?;
    }
    Ok(())
}

/// The results among which order is kept, and which one refusal stops.
fn lane(observation: &Observation) -> String {
    let test = &observation.test;
    [observation.specimen.reveal(), &test.code, &test.aspect, &test.component].join("\u{1f}")
}

fn lane_is_blocked(
    connection: &Connection,
    destination: &DestinationId,
    specimen: &SpecimenId,
    lane: &str,
) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM ledger INDEXED BY ledger_in_the_way
             WHERE destination = ? AND specimen = ? AND lane = ? AND state = 'refused'
             AND state IN ('held', 'in-flight', 'unknown', 'refused', 'quarantined')",
        )?
        .exists(params![destination.as_str(), specimen.reveal(), lane])?)
}

/// One of [`URGENCIES`]: STAT, then as soon as possible, then the rest.
fn urgency(observation: &Observation) -> u8 {
    let [stat, soon, rest] = URGENCIES;
    match observation.priority.as_deref() {
        Some("S") => stat,
        Some("A") => soon,
        _ => rest,
    }
}
