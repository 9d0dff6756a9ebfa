//! What people decide: release and reject what is held, retry, give up or confirm what the LIMS didn't settle,
//! and read a message again after the configuration was mended. Every decision has an actor and a reason.

mod deliveries;
mod standing;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use deliveries::{confirm, give_up, retry};
use standing::standing;

use super::audit::{self, Step};
use super::ledger::{Void, reopen_lanes, revoke, unannounce};
use super::results::stands_again;
use super::writer::Urgency;
use super::{
    DeliveryId, Journal, JournalError, MessageId, ObservationId, ProblemId, calls, counters, habits, orders,
    retention,
};

/// Who decides, and why.
#[derive(Debug, Clone)]
pub struct Decider {
    /// The system user, or the name a technician signed in with.
    pub actor: String,
    /// In their words; never empty.
    pub reason: String,
}

/// What can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A held result leaves for every destination it was meant for.
    Release(ObservationId),
    /// A held result stays here for good.
    Reject(ObservationId),
    /// A refused or unknown delivery is sent once more, byte for byte.
    Retry(DeliveryId),
    /// A refused or unknown delivery is given up; what waited behind it goes on.
    GiveUp(DeliveryId),
    /// A person has seen that the LIMS holds an unknown delivery.
    Confirm(DeliveryId),
    /// A message is read again with today's configuration.
    Reread(MessageId),
    /// A problem has been seen to.
    Dismiss(ProblemId),
    /// All open problems of a message have been seen to.
    DismissMessage(MessageId),
}

impl Journal {
    /// Carries a decision out. Refused, with the reason, where there is nothing to decide.
    pub async fn decide(
        &self,
        decision: Decision,
        decider: Decider,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            if decider.reason.trim().is_empty() {
                return Err(JournalError::Refused("a decision needs a reason".to_owned()));
            }
            let before = standing(connection, decision)?;
            let (step, subject) = match decision {
                Decision::Release(id) => {
                    close_holds(connection, id, &decider, ("released", "pending"), now)?;
                    calls::on_believed(connection, id, now)?;
                    ("released", format!("observation {id}"))
                }
                Decision::Reject(id) => {
                    close_holds(connection, id, &decider, ("rejected", "rejected"), now)?;
                    let before = stands_again(connection, id, now)?;
                    calls::on_rejection(connection, (id, before), &decider.actor, now)?;
                    ("rejected", format!("observation {id}"))
                }
                Decision::Retry(id) => {
                    retry(connection, id, now)?;
                    ("retry", format!("delivery {id}"))
                }
                Decision::GiveUp(id) => {
                    give_up(connection, id, &decider.reason, now)?;
                    ("given up", format!("delivery {id}"))
                }
                Decision::Confirm(id) => {
                    confirm(connection, id, &decider.reason, now)?;
                    ("confirmed", format!("delivery {id}"))
                }
                Decision::Reread(id) => {
                    reread(connection, id, &decider, now)?;
                    ("read again", format!("message {id}"))
                }
                Decision::Dismiss(id) => {
                    dismiss(connection, id, &decider, now)?;
                    ("dismissed", format!("problem {id}"))
                }
                Decision::DismissMessage(id) => {
                    let closed = dismiss_all(connection, id, &decider, now)?;
                    ("dismissed", format!("all {closed} problems of message {id}"))
                }
            };
            let after = standing(connection, decision)?;
            let detail = format!("{} (was {before}, is {after})", decider.reason);
            audit::append(connection, &Step { at: now, actor: &decider.actor, step, subject, detail })
        })
        .await
    }
}

impl Decider {
    /// The gateway itself.
    pub fn gateway(reason: &str) -> Decider {
        Decider { actor: audit::GATEWAY.to_owned(), reason: reason.to_owned() }
    }
}

fn close_holds(
    connection: &Connection,
    id: ObservationId,
    decider: &Decider,
    (closing, state): (&str, &str),
    now: Timestamp,
) -> Result<(), JournalError> {
    let at = now.as_microsecond();
    if closing == "released" && has_no_specimen(connection, id)? {
        return Err(JournalError::Refused(
            "without a specimen number no LIMS can file it; labwire reassign gives it the right one"
                .to_owned(),
        ));
    }
    let closed = connection.execute(
        "UPDATE hold SET closed_at = ?, closed_by = ?, closing = ?, closing_note = ?
         WHERE observation = ? AND closed_at IS NULL",
        params![at, decider.actor, closing, decider.reason, id.0],
    )?;
    if closed == 0 {
        return Err(JournalError::Refused(format!("observation {id} is not held")));
    }
    connection.execute(
        "UPDATE ledger SET state = ?, changed_at = ?, reason = ? WHERE observation = ? AND state = 'held'",
        params![state, at, (state == "rejected").then_some(&decider.reason), id.0],
    )?;
    unannounce(connection, id, None, closing, now)?;
    if closing == "rejected" {
        revoke(connection, id, Void::Rejected, now)?;
    }
    reopen_lanes(connection, id, now)
}

fn has_no_specimen(connection: &Connection, id: ObservationId) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM observation WHERE id = ? AND trim(specimen) = ''")?
        .exists([id.0])?)
}

fn dismiss(
    connection: &Connection,
    id: ProblemId,
    decider: &Decider,
    now: Timestamp,
) -> Result<(), JournalError> {
    let closed = connection.execute(
        "UPDATE problem SET closed_at = ?, closed_by = ?, closing_note = ? WHERE id = ? AND closed_at IS NULL",
        params![now.as_microsecond(), decider.actor, decider.reason, id.0],
    )?;
    if closed == 0 {
        return Err(JournalError::Refused(format!("there is no open problem {id}")));
    }
    Ok(())
}

/// Closes a message's open problems, and says how many they were.
fn dismiss_all(
    connection: &Connection,
    id: MessageId,
    decider: &Decider,
    now: Timestamp,
) -> Result<usize, JournalError> {
    let closed = connection.execute(
        "UPDATE problem SET closed_at = ?, closed_by = ?, closing_note = ? WHERE message = ? AND closed_at IS NULL",
        params![now.as_microsecond(), decider.actor, decider.reason, id.0],
    )?;
    if closed == 0 {
        return Err(JournalError::Refused(format!("message {id} has no open problem")));
    }
    Ok(closed)
}

/// Takes the message's problems out of the sums and lets the runner have it again.
fn reread(
    connection: &Connection,
    id: MessageId,
    decider: &Decider,
    now: Timestamp,
) -> Result<(), JournalError> {
    let found: Option<(String, Option<String>, Option<i64>)> = connection
        .query_row("SELECT state, instrument, processed_at FROM message WHERE id = ?", [id.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((state, instrument, processed)) = found else {
        return Err(JournalError::Refused(format!("there is no message {id}")));
    };
    if state == "incomplete" {
        return Err(JournalError::Refused(format!(
            "message {id} is incomplete; ask the analyzer to send it again"
        )));
    }
    if processed.is_none() {
        return Err(JournalError::Refused(format!("message {id} hasn't been read yet")));
    }
    if orders::is_from_lims(connection, id)? {
        return Err(JournalError::Refused(format!(
            "message {id} is the LIMS's own about orders; have it sent again from there"
        )));
    }
    let replaced: i64 = connection.query_row(
        "SELECT count(*) FROM problem WHERE message = ? AND NOT withdrawn AND replaces_result",
        [id.0],
        |row| row.get(0),
    )?;
    retention::bring_message_back(connection, id)?;
    habits::forget(connection, id)?;
    connection.execute(
        "UPDATE problem SET withdrawn = 1, closed_at = coalesce(closed_at, ?1), closed_by = coalesce(closed_by, ?2),
         closing_note = coalesce(closing_note, ?3) WHERE message = ?4 AND NOT withdrawn AND kind NOT IN ('qc-failed', 'clock-off', 'found-later')",
        params![now.as_microsecond(), decider.actor, decider.reason, id.0],
    )?;
    let subject = instrument.unwrap_or_default();
    for counter in [counters::RECEIVED, counters::PROBLEM] {
        connection.execute(
            "UPDATE counter SET value = value - ? WHERE name = ? AND subject = ?",
            params![replaced, counter, subject],
        )?;
    }
    connection.execute(
        "UPDATE message SET processed_at = NULL, state = 'stored', results = results - ? WHERE id = ?",
        params![replaced, id.0],
    )?;
    Ok(())
}
