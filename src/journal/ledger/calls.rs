//! What people recorded of critical calls, on its way to those who have the result: one record a delivery, after some
//! version of the result has arrived. Nothing of a result is sent again.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::item::item;
use super::lease::{Waiting, insert, next};
use super::{CallNote, Carries, Consignment, Noted, Render};
use crate::domain::DestinationId;
use crate::domain::call::{CallEntry, CallEvent};
use crate::journal::audit::{self, GATEWAY, Step};
use crate::journal::calls::{self, CallView};
use crate::journal::{CallId, JournalError};

/// The oldest record that may leave.
pub(super) fn fresh_call(
    connection: &Connection,
    destination: &DestinationId,
) -> Result<Option<i64>, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT event FROM call_line c WHERE destination = ?1 AND state = 'pending'
             AND EXISTS (SELECT 1 FROM call_event e JOIN ledger l ON l.observation = e.observation
                WHERE e.call = c.call AND l.destination = ?1 AND l.state IN ('accepted', 'staged'))
             AND NOT EXISTS (SELECT 1 FROM delivery s WHERE s.destination = ?1 AND s.state = 'sending'
                AND s.specimen = c.specimen)
             ORDER BY event LIMIT 1",
        )?
        .query_row([destination.as_str()], |row| row.get(0))
        .optional()?)
}

/// Makes a delivery of a record; nothing where the destination has no place for it: then it stays here, visibly.
pub(super) fn consign_call(
    connection: &Connection,
    destination: &DestinationId,
    event: i64,
    render: &Render,
    now: Timestamp,
) -> Result<Option<Waiting>, JournalError> {
    let call: i64 = connection
        .prepare_cached("SELECT call FROM call_event WHERE id = ?")?
        .query_row([event], |row| row.get(0))?;
    let odd = || JournalError::Refused(format!("failed to read what was recorded of call {call}"));
    let view = calls::load(connection, CallId(call))?.ok_or_else(odd)?;
    let specimen = view.specimen.clone();
    let note = note(connection, destination, view, event)?.ok_or_else(odd)?;
    let (id, key) = next(connection)?;
    let consignment = Consignment {
        destination: destination.clone(),
        key,
        specimen,
        made_at: now,
        items: Vec::new(),
        call: Some(Box::new(note)),
    };
    let line = params![event, destination.as_str(), now.as_microsecond()];
    let payload = match render(&consignment) {
        Ok(payload) => payload,
        Err(why) => {
            connection
                .prepare_cached(
                    "UPDATE call_line SET state = 'rejected', reason = 'no payload could be made of it', changed_at = ?3
                     WHERE event = ?1 AND destination = ?2",
                )?
                .execute(line)?;
            let (subject, detail) = (format!("call {call}"), format!("for {destination}: {why}"));
            let step = Step { at: now, actor: GATEWAY, step: "record of a call set aside", subject, detail };
            audit::append(connection, &step)?;
            return Ok(None);
        }
    };
    insert(connection, id, &consignment, &payload, 0, now)?;
    connection
        .prepare_cached("UPDATE call_line SET delivery = ?1 WHERE event = ?2 AND destination = ?3")?
        .execute(params![id, event, destination.as_str()])?;
    Ok(Some(Waiting { id, priority: 0, unknown: false }))
}

/// What a delivery is of.
pub(super) fn carries(connection: &Connection, delivery: i64) -> Result<Carries, JournalError> {
    let is_of_call =
        connection.prepare_cached("SELECT 1 FROM call_line WHERE delivery = ?")?.exists([delivery])?;
    Ok(if is_of_call { Carries::Call } else { Carries::Results })
}

/// A record with what it was about when it was written down.
fn note(
    connection: &Connection,
    destination: &DestinationId,
    call: CallView,
    event: i64,
) -> Result<Option<CallNote>, JournalError> {
    let Some(call) = calls::as_of(connection, call, event)? else { return Ok(None) };
    let verified = call.happened.iter().rev().find_map(|it| match &it.event {
        CallEvent::Entry(CallEntry::Verified { by, .. }) => Some((by.clone(), it.at)),
        _ => None,
    });
    let Some(recorded) = call.happened.last() else { return Ok(None) };
    let noted = match recorded.event.clone() {
        CallEvent::Entry(CallEntry::Attempt(attempt)) => {
            Noted::Attempt { attempt, agreement: recorded.agreement }
        }
        CallEvent::Entry(CallEntry::Ended { by, reason }) => Noted::Ended { by, reason },
        _ => return Ok(None),
    };
    Ok(Some(CallNote {
        call: call.id,
        number: event,
        item: item(connection, destination, call.observation)?,
        reason: call.reason,
        tell: call.tell,
        verified: verified.filter(|_| call.course.is_verified()),
        noted,
        account: recorded.account.clone(),
        recorded_at: recorded.at,
    }))
}
