//! What leaves next, and the attempt written down before it does.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::aside::set_aside;
use super::calls::{carries, consign_call, fresh_call};
use super::item::item;
use super::notices::{consign_notices, fresh_notice};
use super::{AttemptKind, Carries, Consignment, Item, Lease, Render, Resolve, URGENCIES, move_lines};
use crate::domain::{DestinationId, SpecimenId};
use crate::journal::audit::{self, GATEWAY, Step};
use crate::journal::came::came;
use crate::journal::{DeliveryId, JournalError, ObservationId, restoration, tokens};

/// The most observations in one payload.
const ITEMS_A_PAYLOAD: usize = 250;

/// What nothing may overtake: one of [`URGENCIES`].
const URGENT: i64 = 0;

/// A delivery that waits for an attempt.
pub(super) struct Waiting {
    pub(super) id: i64,
    pub(super) priority: i64,
    pub(super) unknown: bool,
}

pub(super) fn lease(
    connection: &Connection,
    destination: &DestinationId,
    resolve: Resolve,
    render: &Render,
    now: Timestamp,
) -> Result<Option<Lease>, JournalError> {
    if restoration::stands_still(connection)? {
        return Ok(None);
    }
    if resolve == Resolve::Wait {
        hand_to_a_person(connection, destination, now)?;
    }
    let waiting = waiting(connection, destination, now)?;
    let fresh = fresh(connection, destination)?;
    let call = fresh_call(connection, destination)?;
    let first = waiting.as_ref().map(|it| it.priority).into_iter().chain(fresh.as_ref().map(|it| it.0)).min();
    // Behind the most urgent results, before the rest.
    let is_their_turn = first.is_none_or(|first| first > URGENT);
    if let Some(specimen) = fresh_notice(connection, destination)?.filter(|_| is_their_turn)
        && let Some(told) = consign_notices(connection, destination, &specimen, render, now)?
    {
        return begin(connection, told.id, AttemptKind::Send, now).map(Some);
    }
    if let Some(event) = call.filter(|_| is_their_turn) {
        let consigned = consign_call(connection, destination, event, render, now)?;
        let begun = consigned.map(|it| begin(connection, it.id, AttemptKind::Send, now));
        return begun.transpose();
    }
    let delivery = match (waiting, fresh) {
        (Some(waiting), Some((priority, _))) if waiting.priority <= priority => waiting,
        (Some(waiting), None) => waiting,
        (_, Some((_, specimen))) => match consign(connection, destination, &specimen, render, now) {
            Err(JournalError::Refused(why)) => {
                set_aside(connection, destination, &specimen, render, &why, now)?;
                return Ok(None);
            }
            consigned => consigned?,
        },
        (None, None) => return Ok(None),
    };
    let kind =
        if delivery.unknown && resolve == Resolve::Probe { AttemptKind::Probe } else { AttemptKind::Send };
    begin(connection, delivery.id, kind, now).map(Some)
}

/// What a stop of the gateway left unknown is a dead letter where nobody else may find out.
fn hand_to_a_person(
    connection: &Connection,
    destination: &DestinationId,
    now: Timestamp,
) -> Result<(), JournalError> {
    let handed: Vec<i64> = connection
        .prepare_cached(
            "UPDATE delivery SET state = 'dead'
             WHERE destination = ? AND state IN ('due', 'unknown') AND state = 'unknown' RETURNING id",
        )?
        .query_map([destination.as_str()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for delivery in handed {
        let (subject, detail) = (format!("delivery {delivery}"), "of unknown fate".to_owned());
        audit::append(
            connection,
            &Step { at: now, actor: GATEWAY, step: "delivery left to a person", subject, detail },
        )?;
    }
    Ok(())
}

/// The most urgent delivery that is due and overtakes nothing older of its lanes. Each urgency is asked by itself, so that
/// those due later aren't looked at.
fn waiting(
    connection: &Connection,
    destination: &DestinationId,
    now: Timestamp,
) -> Result<Option<Waiting>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, priority, state = 'unknown' FROM delivery d
         WHERE destination = ?1 AND priority = ?3 AND state IN ('due', 'unknown') AND due_at <= ?2
         AND NOT EXISTS (SELECT 1 FROM delivery s WHERE s.destination = ?1 AND s.state = 'sending'
                         AND s.specimen = d.specimen)
         AND NOT EXISTS (SELECT 1 FROM ledger l CROSS JOIN ledger p ON p.destination = ?1
                         AND p.specimen = l.specimen AND p.lane = l.lane AND p.observation < l.observation
                         AND p.state = 'pending' AND p.delivery IS NULL WHERE l.delivery = d.id)
         ORDER BY due_at, id LIMIT 1",
    )?;
    for urgency in URGENCIES {
        let due = statement
            .query_row(params![destination.as_str(), now.as_microsecond(), urgency], |row| {
                Ok(Waiting { id: row.get(0)?, priority: row.get(1)?, unknown: row.get(2)? })
            })
            .optional()?;
        if due.is_some() {
            return Ok(due);
        }
    }
    Ok(None)
}

/// Makes what found nobody, or got no answer, due since it was made, or now where the clock was set back behind that.
pub(super) fn after_an_outage(
    connection: &Connection,
    destination: &DestinationId,
    now: Timestamp,
) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "UPDATE delivery SET due_at = min(created_at, ?2)
             WHERE destination = ?1 AND state IN ('due', 'unknown') AND due_at > created_at
             AND (state = 'unknown' OR NOT EXISTS (SELECT 1 FROM attempt a JOIN answer w ON w.attempt = a.id
                  WHERE a.delivery = delivery.id AND a.number = delivery.attempts AND w.connection IS NOT NULL))",
        )?
        .execute(params![destination.as_str(), now.as_microsecond()])?;
    Ok(())
}

/// Takes from what waits what the clock was set back by, and makes due what would still wait for longer than anything may.
pub(super) fn after_a_step(
    connection: &Connection,
    destination: &DestinationId,
    set_back: Duration,
    longest: Duration,
    now: Timestamp,
) -> Result<(), JournalError> {
    let microseconds = |it: Duration| i64::try_from(it.as_micros()).unwrap_or(i64::MAX);
    let latest = now.checked_add(longest).unwrap_or(Timestamp::MAX);
    connection
        .prepare_cached(
            "UPDATE delivery SET due_at = CASE WHEN due_at - ?2 > ?3 THEN ?4 ELSE due_at - ?2 END
             WHERE destination = ?1 AND state IN ('due', 'unknown') AND due_at > ?4",
        )?
        .execute(params![
            destination.as_str(),
            microseconds(set_back),
            latest.as_microsecond(),
            now.as_microsecond()
        ])?;
    Ok(())
}

/// The specimen whose results go out next. Lines behind something older in their lane aren't looked at.
fn fresh(
    connection: &Connection,
    destination: &DestinationId,
) -> Result<Option<(i64, String)>, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT priority, specimen FROM ledger l WHERE destination = ?1 AND state = 'pending' AND behind = 0
             AND NOT EXISTS (SELECT 1 FROM delivery s WHERE s.destination = ?1 AND s.state = 'sending'
                             AND s.specimen = l.specimen)
             AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.destination = ?1 AND n.specimen = l.specimen
                 AND n.lane = l.lane AND n.observation <= l.observation
                 AND n.state IN ('pending', 'in-flight', 'unknown', 'refused')
                 AND (n.says <> 'preliminary' OR n.state IN ('in-flight', 'unknown')))
             ORDER BY priority, observation LIMIT 1",
        )?
        .query_row([destination.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// Makes a delivery of everything that may leave for one specimen.
fn consign(
    connection: &Connection,
    destination: &DestinationId,
    specimen: &str,
    render: &Render,
    now: Timestamp,
) -> Result<Waiting, JournalError> {
    let lines = ready(connection, destination, specimen)?;
    let priority = lines.iter().map(|line| line.priority).min().unwrap_or(i64::MAX);
    let items = lines
        .iter()
        .map(|line| item(connection, destination, line.observation))
        .collect::<Result<Vec<_>, JournalError>>()?;
    let (id, key) = next(connection)?;
    let consignment = consignment(destination, specimen, key, items, now);
    let payload = render(&consignment).map_err(JournalError::Refused)?;
    insert(connection, id, &consignment, &payload, priority, now)?;
    for item in &consignment.items {
        connection
            .prepare_cached("UPDATE ledger SET delivery = ? WHERE destination = ? AND observation = ?")?
            .execute(params![id, destination.as_str(), item.id.0])?;
    }
    Ok(Waiting { id, priority, unknown: false })
}

/// What would be sent if these results left by a delivery of their own now.
pub(in crate::journal) fn rendered_anew(
    connection: &Connection,
    destination: &DestinationId,
    (specimen, results): (&str, &[ObservationId]),
    render: &Render,
    now: Timestamp,
) -> Result<Vec<u8>, JournalError> {
    let mut results = results.to_vec();
    results.sort();
    let items = results.iter().map(|id| item(connection, destination, *id)).collect::<Result<_, _>>()?;
    let (_, key) = next(connection)?;
    render(&consignment(destination, specimen, key, items, now)).map_err(JournalError::Refused)
}

/// The number and the key of the next delivery.
pub(super) fn next(connection: &Connection) -> Result<(i64, String), JournalError> {
    let id: i64 = connection
        .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM delivery")?
        .query_row([], |row| row.get(0))?;
    let epoch: String =
        connection.prepare_cached("SELECT epoch FROM journal")?.query_row([], |row| row.get(0))?;
    Ok((id, format!("{epoch}-{id}")))
}

pub(super) fn insert(
    connection: &Connection,
    id: i64,
    consignment: &Consignment,
    payload: &[u8],
    priority: i64,
    now: Timestamp,
) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "INSERT INTO delivery (id, destination, specimen, key, payload, sha256, priority, state, due_at,
             attempts, created_at, items) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'due', ?8, 0, ?8, ?9)",
        )?
        .execute(params![
            id,
            consignment.destination.as_str(),
            consignment.specimen.reveal(),
            consignment.key,
            payload,
            Sha256::digest(payload).as_slice(),
            priority,
            now.as_microsecond(),
            consignment.items.len()
        ])?;
    Ok(())
}

/// A line that may leave.
pub(super) struct Line {
    pub(super) observation: ObservationId,
    priority: i64,
}

/// What may leave of a specimen, oldest first, up to a payload. The plus keeps SQLite from walking through what waits
/// for everybody in that order instead of sorting the few lines of one specimen.
pub(super) fn ready(
    connection: &Connection,
    destination: &DestinationId,
    specimen: &str,
) -> Result<Vec<Line>, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT observation, priority FROM ledger l
             WHERE destination = ?1 AND specimen = ?2 AND state = 'pending' AND behind = 0
             AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.destination = ?1 AND n.specimen = ?2
                 AND n.lane = l.lane AND n.observation <= l.observation
                 AND n.state IN ('pending', 'in-flight', 'unknown', 'refused')
                 AND (n.says <> 'preliminary' OR n.state IN ('in-flight', 'unknown')))
             ORDER BY +observation LIMIT ?3",
        )?
        .query_map(params![destination.as_str(), specimen, ITEMS_A_PAYLOAD], |row| {
            Ok(Line { observation: ObservationId(row.get(0)?), priority: row.get(1)? })
        })?
        .collect::<Result<_, _>>()?)
}

pub(super) fn consignment(
    destination: &DestinationId,
    specimen: &str,
    key: String,
    items: Vec<Item>,
    made_at: Timestamp,
) -> Consignment {
    let specimen = SpecimenId::new(specimen);
    Consignment { destination: destination.clone(), key, specimen, made_at, items, call: None }
}

/// Writes the attempt before anything is sent.
fn begin(
    connection: &Connection,
    delivery: i64,
    kind: AttemptKind,
    now: Timestamp,
) -> Result<Lease, JournalError> {
    let at = now.as_microsecond();
    connection
        .prepare_cached("UPDATE delivery SET state = 'sending', attempts = attempts + 1 WHERE id = ?")?
        .execute([delivery])?;
    move_lines(connection, delivery, "in-flight", &["pending", "unknown", "refused"], None, now)?;
    let (key, payload, number, specimen): (String, Vec<u8>, u32, String) = connection
        .prepare_cached("SELECT key, payload, attempts, specimen FROM delivery WHERE id = ?")?
        .query_row([delivery], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let token = tokens::token(connection, &SpecimenId::new(specimen))?;
    let kind_name = match kind {
        AttemptKind::Send => "send",
        AttemptKind::Probe => "probe",
    };
    connection
        .prepare_cached("INSERT INTO attempt (delivery, number, kind, began_at) VALUES (?, ?, ?, ?)")?
        .execute(params![delivery, number, kind_name, at])?;
    let attempt = connection.last_insert_rowid();
    let items = connection
        .prepare_cached(
            "SELECT observation FROM ledger WHERE delivery = ?1
             UNION SELECT observation FROM call_line WHERE delivery = ?1
             UNION SELECT observation FROM notice WHERE delivery = ?1 ORDER BY 1",
        )?
        .query_map([delivery], |row| row.get(0).map(ObservationId))?
        .collect::<Result<Vec<_>, _>>()?;
    let (carries, came) = (carries(connection, delivery)?, came(connection, delivery)?);
    audit::append(
        connection,
        &Step {
            at: now,
            actor: GATEWAY,
            step: "delivery attempted",
            subject: format!("delivery {delivery}"),
            detail: match carries {
                Carries::Results => format!("{kind_name} {number}, {} results", items.len()),
                Carries::Call => format!("{kind_name} {number}, the record of a call"),
            },
        },
    )?;
    Ok(Lease {
        delivery: DeliveryId(delivery),
        attempt,
        number,
        kind,
        key,
        payload,
        carries,
        items,
        token,
        came,
    })
}
