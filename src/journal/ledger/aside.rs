//! Results of which no payload can be made: they stay here, visibly, and stop neither their specimen's other results
//! nor anybody else's. It sends nothing.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::item::item;
use super::lease::{Line, consignment, ready};
use super::{Render, reopen_lanes};
use crate::domain::DestinationId;
use crate::journal::audit::{self, GATEWAY, Step};
use crate::journal::{JournalError, ObservationId};

/// Takes out what can't be made a payload even by itself; where each could be, all of it, as together they can't.
pub(super) fn set_aside(
    connection: &Connection,
    destination: &DestinationId,
    specimen: &str,
    render: &Render,
    why: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    let lines = ready(connection, destination, specimen)?;
    let mut broken = Vec::new();
    for line in &lines {
        match alone(connection, destination, specimen, line, render, now) {
            Ok(()) => {}
            Err(JournalError::Refused(why)) => broken.push((line.observation, why)),
            Err(error) => return Err(error),
        }
    }
    if broken.is_empty() {
        broken = lines.into_iter().map(|line| (line.observation, why.to_owned())).collect();
    }
    broken
        .into_iter()
        .try_for_each(|(observation, why)| reject(connection, destination, observation, &why, now))
}

fn alone(
    connection: &Connection,
    destination: &DestinationId,
    specimen: &str,
    line: &Line,
    render: &Render,
    now: Timestamp,
) -> Result<(), JournalError> {
    let items = vec![item(connection, destination, line.observation)?];
    let consignment = consignment(destination, specimen, String::new(), items, now);
    render(&consignment).map(drop).map_err(JournalError::Refused)
}

fn reject(
    connection: &Connection,
    destination: &DestinationId,
    observation: ObservationId,
    why: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    let at = now.as_microsecond();
    connection
        .prepare_cached(
            "INSERT INTO problem (message, record, instrument, specimen, kind, text, replaces_result, seen_at)
             SELECT message, record, instrument, specimen, 'undeliverable', ?2, 0, ?3 FROM observation WHERE id = ?1",
        )?
        .execute(params![observation.0, why, at])?;
    connection
        .prepare_cached(
            "UPDATE ledger SET state = 'rejected', changed_at = ?3, reason = 'no payload could be made of it'
             WHERE destination = ?1 AND observation = ?2",
        )?
        .execute(params![destination.as_str(), observation.0, at])?;
    reopen_lanes(connection, observation, now)?;
    let (subject, detail) = (format!("observation {observation}"), format!("for {destination}"));
    audit::append(connection, &Step { at: now, actor: GATEWAY, step: "result set aside", subject, detail })
}
