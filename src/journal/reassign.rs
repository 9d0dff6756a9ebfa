//! Results whose specimen number was misread, moved to the right one by a named person. The result stays as it was
//! received, under the number that was sent; what takes its place under the right one is a version of its own that knows
//! where it came from. What hasn't left under the wrong number doesn't leave any more, at once and whether the runner gets
//! to the rest or not; whoever has it, or may, is told that it is void. It judges nothing: the runner does.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::audit::{self, GATEWAY, Step};
use super::decisions::Known;
use super::ledger::{Origin, Void, withdraw};
use super::read::observation;
use super::results::{Anew, Entry, carry_over};
use super::rows::instant;
use super::writer::Urgency;
use super::{Journal, JournalError, MessageId, ObservationId, Reader, calls};
use crate::domain::{HoldReason, Private, SpecimenId};

/// The most results that are moved in one step.
const TOGETHER: usize = 500;
/// The longest number, in bytes.
const LONGEST: usize = 200;

/// What a person says of results.
#[derive(Debug, Clone)]
pub struct Reassigning {
    pub results: Vec<ObservationId>,
    /// Whose they are.
    pub specimen: SpecimenId,
    /// Who says so.
    pub by: String,
    /// The system user who gave the command.
    pub account: String,
    pub reason: String,
}

/// A result that a person has moved, and that isn't judged under the right number yet.
#[derive(Debug, Clone)]
pub struct ToMove {
    pub known: Known,
    pub specimen: SpecimenId,
    /// The reasons for which it was held and that a person let go.
    pub let_go: Vec<HoldReason>,
}

/// The same, judged.
#[derive(Debug)]
pub struct Moved {
    pub from: ObservationId,
    pub message: MessageId,
    pub entry: Entry,
}

impl Journal {
    /// Moves results to another specimen, all or none. They leave under the right number once the runner has judged them.
    ///
    /// # Errors
    /// Refused, with the reason, where one of them can't be moved, or nobody is named, or no reason.
    pub async fn reassign(&self, it: Reassigning, now: Timestamp) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| reassign(connection, &it, now)).await
    }

    /// Writes what moved results are under the right number. What was written before is passed over.
    pub async fn carry_over(&self, moved: Vec<Moved>, now: Timestamp) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            for it in &moved {
                if is_superseded(connection, it.from)? {
                    continue;
                }
                let id = carry_over(connection, it.message, it.from, (&it.entry, Anew::Moved), now)?;
                let subject = format!("observation {}", it.from);
                let detail = format!("observation {id} is it under the right number");
                let step = "reassigned result judged";
                audit::append(connection, &Step { at: now, actor: GATEWAY, step, subject, detail })?;
            }
            Ok(())
        })
        .await
    }
}

impl Reader {
    /// Results that were moved and that nothing stands for yet under the right number, oldest first, at most `limit`.
    pub fn to_move(&self, limit: usize) -> Result<Vec<ToMove>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT o.id, o.message, o.detail, m.received_at, r.specimen
             FROM reassignment_due CROSS JOIN reassignment r ON r.observation = reassignment_due.observation
             JOIN observation o ON o.id = r.observation JOIN message m ON m.id = o.message
             ORDER BY reassignment_due.observation LIMIT ?",
        )?;
        let mut rows = statement.query([limit])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let known = Known {
                id: ObservationId(row.get(0)?),
                message: MessageId(row.get(1)?),
                observation: Private::new(observation(row, 2)?),
                received_at: instant(row.get(3)?),
            };
            let let_go = let_go(&self.connection, known.id)?;
            found.push(ToMove { known, specimen: SpecimenId::new(row.get::<_, String>(4)?), let_go });
        }
        Ok(found)
    }

    /// Under which number a result came that was moved, where it was.
    pub fn origin(&self, id: ObservationId) -> Result<Option<Origin>, JournalError> {
        origin(&self.connection, id)
    }
}

/// Where a version came from that a person has moved to its specimen: itself, or what it was read anew from.
pub(super) fn origin(connection: &Connection, id: ObservationId) -> Result<Option<Origin>, JournalError> {
    Ok(connection
        .prepare_cached(
            "WITH RECURSIVE version(id) AS (SELECT supersedes FROM observation WHERE id = ?1
                UNION ALL SELECT o.supersedes FROM version v JOIN reevaluation a ON a.observation = v.id
                    JOIN observation o ON o.id = v.id)
             SELECT e.specimen, r.named, r.reason, r.at FROM version v JOIN reassignment r ON r.observation = v.id
                JOIN observation e ON e.id = v.id",
        )?
        .query_row([id.0], |row| {
            Ok(Origin {
                specimen: SpecimenId::new(row.get::<_, String>(0)?),
                by: row.get(1)?,
                reason: Private::new(row.get(2)?),
                at: instant(row.get(3)?),
            })
        })
        .optional()?)
}

/// What of a result's holds a person has let go.
pub(super) fn let_go(connection: &Connection, id: ObservationId) -> Result<Vec<HoldReason>, JournalError> {
    let names: Vec<String> = connection
        .prepare_cached(
            "SELECT reason FROM hold WHERE observation = ? AND closing = 'released' AND closed_by <> ?",
        )?
        .query_map(params![id.0, GATEWAY], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(names.iter().filter_map(|name| HoldReason::from_name(name)).collect())
}

fn reassign(connection: &Connection, it: &Reassigning, now: Timestamp) -> Result<(), JournalError> {
    let refused = |why: &str| Err(JournalError::Refused(why.to_owned()));
    if it.by.trim().is_empty() || it.reason.trim().is_empty() {
        return refused("it takes a name and a reason to move a result to another specimen");
    }
    let number = it.specimen.reveal();
    if it.specimen.is_blank() || number != number.trim() || number.len() > LONGEST {
        return refused("the right specimen number is none; write it as the LIMS knows it");
    }
    let odd =
        |it: char| it.is_control() || it == char::REPLACEMENT_CHARACTER || it.is_whitespace() && it != ' ';
    if number.chars().any(odd) {
        return refused("the right specimen number holds what no label can; type it instead of scanning it");
    }
    if it.results.is_empty() || it.results.len() > TOGETHER {
        return refused("name the results that are another specimen's, at most 500 at once");
    }
    it.results.iter().try_for_each(|id| reassign_one(connection, *id, it, now))
}

fn reassign_one(
    connection: &Connection,
    id: ObservationId,
    it: &Reassigning,
    now: Timestamp,
) -> Result<(), JournalError> {
    movable(connection, id, &it.specimen)?;
    let at = now.as_microsecond();
    connection.prepare_cached("INSERT INTO reassignment VALUES (?, ?, ?, ?, ?, ?)")?.execute(params![
        id.0,
        it.specimen.reveal(),
        it.by,
        it.account,
        it.reason,
        at
    ])?;
    withdraw(connection, id, Void::Misread, now)?;
    connection
        .prepare_cached(
            "UPDATE hold SET closed_at = ?, closed_by = ?, closing = 'superseded', closing_note = ?
             WHERE observation = ? AND closed_at IS NULL",
        )?
        .execute(params![at, it.account, "its specimen number was misread", id.0])?;
    calls::on_rejection(connection, (id, None), &it.account, now)?;
    let step = Step {
        at: now,
        actor: &it.account,
        step: "specimen reassigned",
        subject: format!("observation {id}"),
        detail: format!("by {}: {}", it.by, it.reason),
    };
    audit::append(connection, &step)
}

/// Refused, with the reason, where a result can't be moved to this specimen.
fn movable(connection: &Connection, id: ObservationId, to: &SpecimenId) -> Result<(), JournalError> {
    let found: Option<(String, String)> = connection
        .prepare_cached("SELECT specimen, class FROM observation WHERE id = ?")?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let why = match found {
        None => format!("there is no observation {id}"),
        Some((_, class)) if class != "patient" => format!("observation {id} is no patient's"),
        Some((from, _)) if from == to.reveal() => format!("observation {id} has this number already"),
        Some(_) if is_reassigned(connection, id)? => {
            format!("observation {id} was moved before; move the one that took its place")
        }
        Some(_) if is_superseded(connection, id)? => {
            format!("observation {id} has a newer version; move that one")
        }
        Some(_) if is_rejected(connection, id)? => {
            format!("observation {id} was rejected; it stays here for good")
        }
        Some(_) => return Ok(()),
    };
    Err(JournalError::Refused(why))
}

/// Whether a person has moved this version to another specimen.
pub(super) fn is_reassigned(connection: &Connection, id: ObservationId) -> Result<bool, JournalError> {
    Ok(connection.prepare_cached("SELECT 1 FROM reassignment WHERE observation = ?")?.exists([id.0])?)
}

/// Whether a person has moved this version, or one before it.
pub(super) fn was_moved(connection: &Connection, id: ObservationId) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached(
            "WITH RECURSIVE version(id) AS (SELECT ?1 UNION ALL SELECT o.supersedes FROM observation o
                JOIN version v ON v.id = o.id WHERE o.supersedes IS NOT NULL)
             SELECT 1 FROM version v JOIN reassignment r ON r.observation = v.id",
        )?
        .exists([id.0])?)
}

pub(super) fn is_superseded(connection: &Connection, id: ObservationId) -> Result<bool, JournalError> {
    Ok(connection.prepare_cached("SELECT 1 FROM observation WHERE supersedes = ?")?.exists([id.0])?)
}

pub(super) fn is_rejected(connection: &Connection, id: ObservationId) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM hold WHERE observation = ? AND closing = 'rejected'")?
        .exists([id.0])?)
}
