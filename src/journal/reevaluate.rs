//! Results that are read anew from the bytes they came in, because the configuration that read them lacked something: a
//! unit, a value's code, a flag. A named person asks; the runner reads and judges; what comes out otherwise becomes the
//! next version, in one transaction with who had it made and why. What was received stays as it was. It judges nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{mpsc, oneshot};

use super::audit::{self, Step};
use super::decisions::{Known, StoredDecision};
use super::ledger::{Told, told};
use super::read::observation;
use super::reassign::{is_reassigned, is_rejected, is_superseded, let_go};
use super::results::{Anew, Entry, carry_over};
use super::rows::instant;
use super::writer::Urgency;
use super::{Journal, JournalError, MessageId, ObservationId, Reader};
use crate::domain::{DestinationId, HoldReason, Observation, Private};

/// The most results that are read anew in one step.
pub const TOGETHER: usize = 200;

/// What somebody wants to know, or to have done.
#[derive(Debug)]
pub struct Asked {
    pub results: Vec<ObservationId>,
    /// Who has it done; without it, it is only looked at.
    pub said: Option<Said>,
    pub answer: oneshot::Sender<Result<Vec<Looked>, String>>,
}

/// Whom to ask: the runner.
pub type Asking = mpsc::Sender<Asked>;

/// Who has results read anew, and why.
#[derive(Debug, Clone)]
pub struct Said {
    pub by: String,
    /// The system user who gave the command.
    pub account: String,
    pub reason: String,
}

/// What came of one result.
#[derive(Debug, Clone)]
pub struct Looked {
    pub id: ObservationId,
    /// As it is stored; `None` where there is no such result.
    pub was: Option<Private<Observation>>,
    /// Or why it stays as it is.
    pub became: Result<Became, String>,
}

/// What a result is by the configuration that runs now.
#[derive(Debug, Clone)]
pub struct Became {
    pub observation: Private<Observation>,
    /// By rules in force.
    pub decisions: Vec<StoredDecision>,
    /// Why it waits.
    pub holds: Vec<HoldReason>,
    /// Where it leaves for.
    pub leaves: Vec<DestinationId>,
    pub there: There,
    /// It goes by another code than what is there.
    pub is_recoded: bool,
}

impl Became {
    /// Where it leaves for and corrects what is there, or may be.
    pub fn corrects(&self) -> impl Iterator<Item = &DestinationId> {
        self.leaves.iter().filter(|it| !self.is_recoded && self.there.get(*it) == Some(&Has::Result))
    }

    /// Where it leaves for as a result of its own.
    pub fn begins_at(&self) -> impl Iterator<Item = &DestinationId> {
        self.leaves.iter().filter(|it| self.is_recoded || self.there.get(*it) != Some(&Has::Result))
    }

    /// Which destinations are told that what they have, or may have, is void by its code.
    pub fn voids(&self) -> impl Iterator<Item = &DestinationId> {
        self.there.keys().filter(|_| self.is_recoded)
    }
}

/// A stored result that may be read anew.
#[derive(Debug, Clone)]
pub struct ToRead {
    pub known: Known,
    /// The reasons for which it was held and that a person let go.
    pub let_go: Vec<HoldReason>,
    pub there: There,
}

/// The destinations that have some version of a result, or may have it; none that has nothing of it.
pub type There = BTreeMap<DestinationId, Has>;

/// What a destination has of a result, or may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// Then what takes its place corrects it.
    Result,
    /// It was told of it while it was held, and no more.
    Preliminary,
}

/// A result that a person released although something of it couldn't be read.
#[derive(Debug, Clone)]
pub struct LetGo {
    pub id: ObservationId,
    pub observation: Private<Observation>,
    /// What of its reading held it.
    pub reasons: Vec<HoldReason>,
}

/// The next version of a result, read anew and judged.
#[derive(Debug)]
pub struct Reevaluated {
    pub from: ObservationId,
    pub message: MessageId,
    pub entry: Entry,
    /// As it was when this was made.
    pub there: There,
}

impl Journal {
    /// Writes them, all or none.
    ///
    /// # Errors
    /// Refused, with the reason, where nobody is named, or no reason, or one of them isn't any more what it was when it was
    /// looked at.
    pub async fn reevaluate(
        &self,
        all: Vec<Reevaluated>,
        said: Said,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            if said.by.trim().is_empty() || said.reason.trim().is_empty() {
                let why = "it takes a name and a reason to have a result read anew";
                return Err(JournalError::Refused(why.to_owned()));
            }
            all.iter().try_for_each(|it| write(connection, it, &said, now))
        })
        .await
    }
}

/// What people released and nothing replaced since; `hold_let_go` is its index.
const LET_GO: &str =
    "SELECT DISTINCT h.observation, o.detail FROM hold h CROSS JOIN observation o ON o.id = h.observation
     WHERE h.closing = 'released' AND h.closed_by <> 'labwire' AND o.class = 'patient'
     AND NOT EXISTS (SELECT 1 FROM observation n WHERE n.supersedes = o.id) ORDER BY h.observation";

impl Reader {
    /// Results that people released as they were sent, and that may be read anew, oldest first. What is held is none of
    /// them.
    pub fn let_go_by_reading(&self) -> Result<Vec<LetGo>, JournalError> {
        let mut statement = self.connection.prepare_cached(LET_GO)?;
        let released = statement
            .query_and_then([], |row| Ok((ObservationId(row.get(0)?), observation(row, 1)?)))?
            .collect::<Result<Vec<_>, JournalError>>()?;
        let mut found = Vec::new();
        for (id, observation) in released {
            let mut reasons = let_go(&self.connection, id)?;
            reasons.retain(|it| it.is_by_reading());
            if !reasons.is_empty() && unfit(&self.connection, id)?.is_none() && self.hold(id)?.is_none() {
                found.push(LetGo { id, observation: Private::new(observation), reasons });
            }
        }
        Ok(found)
    }

    /// A result that may be read anew. The inner error says why it may not.
    pub fn to_read_anew(&self, id: ObservationId) -> Result<Result<ToRead, String>, JournalError> {
        if let Some(why) = unfit(&self.connection, id)? {
            return Ok(Err(why));
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT o.message, o.detail, m.received_at FROM observation o JOIN message m ON m.id = o.message
             WHERE o.id = ?",
        )?;
        let known = statement.query_row([id.0], |row| {
            let (message, received_at) = (MessageId(row.get(0)?), instant(row.get(2)?));
            let known = |it| Known { id, message, observation: Private::new(it), received_at };
            Ok(observation(row, 1).map(known))
        })??;
        let let_go = let_go(&self.connection, id)?;
        Ok(Ok(ToRead { known, let_go, there: there(&self.connection, id)? }))
    }

    /// A result as it is stored, whatever became of it.
    pub fn as_stored(&self, id: ObservationId) -> Result<Option<Private<Observation>>, JournalError> {
        let mut statement = self.connection.prepare_cached("SELECT detail FROM observation WHERE id = ?")?;
        let found = statement.query_row([id.0], |row| Ok(observation(row, 0))).optional()?;
        Ok(found.transpose()?.map(Private::new))
    }
}

/// Why a result can't be read anew, where that is so.
fn unfit(connection: &Connection, id: ObservationId) -> Result<Option<String>, JournalError> {
    let class: Option<String> = connection
        .prepare_cached("SELECT class FROM observation WHERE id = ?")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    let why = match class.as_deref() {
        None => format!("there is no observation {id}"),
        Some("patient") if is_reassigned(connection, id)? => {
            format!("observation {id} was moved to another specimen")
        }
        Some("patient") if is_superseded(connection, id)? => {
            format!("observation {id} has a newer version")
        }
        Some("patient") if is_rejected(connection, id)? => {
            format!("observation {id} was rejected; it stays here for good")
        }
        Some("patient") => return Ok(None),
        Some(_) => format!("observation {id} is no patient's"),
    };
    Ok(Some(why))
}

/// What each destination has of it under its number and its code, or may have.
fn there(connection: &Connection, id: ObservationId) -> Result<There, JournalError> {
    let has = |told: Told| if told.result.is_some() { Has::Result } else { Has::Preliminary };
    let told = told(connection, id)?.into_iter();
    Ok(told.map(|(destination, told)| (DestinationId::new(destination), has(told))).collect())
}

fn write(connection: &Connection, it: &Reevaluated, said: &Said, now: Timestamp) -> Result<(), JournalError> {
    let (from, at) = (it.from, now.as_microsecond());
    if let Some(why) = unfit(connection, from)? {
        return Err(JournalError::Refused(why));
    }
    if there(connection, from)? != it.there {
        let why = format!("observation {from} has left meanwhile; look again at what would become of it");
        return Err(JournalError::Refused(why));
    }
    let Said { by, account, reason } = said;
    connection
        .prepare_cached("INSERT INTO reevaluation VALUES (?, ?, ?, ?, ?)")?
        .execute(params![from.0, by, account, reason, at])?;
    connection
        .prepare_cached(
            "UPDATE hold SET closed_at = ?, closed_by = ?, closing = 'superseded', closing_note = ?
             WHERE observation = ? AND closed_at IS NULL",
        )?
        .execute(params![at, account, format!("re-evaluated by {by}: {reason}"), from.0])?;
    let id = carry_over(connection, it.message, from, (&it.entry, Anew::Reevaluated), now)?;
    see_to_problems(connection, it, said, now)?;
    let step = Step {
        at: now,
        actor: account,
        step: "re-evaluated",
        subject: format!("observation {from}"),
        detail: format!("by {by}, observation {id} takes its place: {reason}"),
    };
    audit::append(connection, &step)
}

/// What was odd about it when it was first read is seen to, unless it is odd still.
fn see_to_problems(
    connection: &Connection,
    it: &Reevaluated,
    said: &Said,
    now: Timestamp,
) -> Result<(), JournalError> {
    if it.entry.observation.held_by_reading().next().is_some() {
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE problem SET closed_at = ?, closed_by = ?, closing_note = ? WHERE message = ? AND record = ?
             AND kind IN ('odd-value', 'unknown-flag', 'unknown-status') AND closed_at IS NULL AND NOT replaces_result",
        )?
        .execute(params![
            now.as_microsecond(),
            said.account,
            said.reason,
            it.message.0,
            it.entry.observation.record
        ])?;
    Ok(())
}
