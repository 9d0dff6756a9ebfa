//! What rules decided of each result, with everything that it was decided by, in force or in shadow: so that asking again
//! must give the same. Written once.

mod again;
mod beside;
mod earlier;
mod found;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::archive::Archives;
use super::history::{self, Unanswered};
use super::read::observation;
use super::rows::{StoredCase, instant};
use super::{JournalError, MessageId, ObservationId, Reader};
use crate::domain::clinic::{Case, Decision, Evaluation, Force};
use crate::domain::{DestinationId, HistoryQuestion, HoldReason, Observation, Priority, Private, SpecimenId};

pub use super::rows::StoredDecision;
pub use again::{Again, HISTORY_WAS_ASKED, MORE_WAS_MEASURED, THE_LIMS_SPOKE};
pub(super) use beside::note as note_beside;
pub use earlier::{Earlier, PatientKey};
pub(super) use found::found;
pub use found::standing;

/// What rules made of a result before it is stored.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    pub evaluations: Vec<Evaluation>,
    /// Why it waits, at the destinations that let rules or a person verify.
    pub reasons: Vec<HoldReason>,
    pub waits_at: Vec<DestinationId>,
    /// Those of them that are told of it as preliminary meanwhile.
    pub announced_at: Vec<DestinationId>,
    /// The live destinations whose own people verify: it leaves to them with what rules found until then.
    pub leaves_to: Vec<DestinationId>,
    /// How soon the LIMS wants it, where it has ordered it.
    pub wanted: Option<Priority>,
    /// What the LIMS is to be asked, so that it can be judged better.
    pub asks: Vec<HistoryQuestion>,
}

impl Judged {
    /// Whether it is critical, or may be, by rules in force.
    pub fn is_critical(&self) -> bool {
        self.evaluations.iter().any(Evaluation::is_critical)
    }
}

/// A stored evaluation.
#[derive(Debug, Clone)]
pub struct Kept {
    pub id: i64,
    pub observation: ObservationId,
    /// SHA-256 of the rules, in hexadecimal.
    pub rules: String,
    pub force: Force,
    /// Its name. This version may not have it.
    pub program: String,
    pub case: Case,
    pub decisions: Vec<StoredDecision>,
    pub at: Timestamp,
}

/// An observation that was stored before, and when it was received.
#[derive(Debug, Clone)]
pub struct Known {
    pub id: ObservationId,
    pub message: MessageId,
    pub observation: Private<Observation>,
    pub received_at: Timestamp,
}

/// How decisions are kept.
pub fn kept(decisions: &[Decision]) -> Vec<StoredDecision> {
    decisions.iter().map(StoredDecision::from).collect()
}

/// Keeps the text of rules that decided something, in the caller's transaction, before what they decided is written. The text
/// is long: it is handed over once, and looked for once a message.
pub(super) fn keep_rules<'a>(
    connection: &Connection,
    judged: impl IntoIterator<Item = &'a Judged>,
) -> Result<(), JournalError> {
    let mut kept: Vec<&str> = Vec::new();
    for rules in judged.into_iter().flat_map(|it| &it.evaluations).map(|it| &it.rules) {
        if kept.contains(&rules.sha256.as_str()) {
            continue;
        }
        let is_kept =
            connection.prepare_cached("SELECT 1 FROM rule_text WHERE sha256 = ?")?.exists([&rules.sha256])?;
        if !is_kept {
            connection
                .prepare_cached("INSERT INTO rule_text VALUES (?, ?)")?
                .execute(params![rules.sha256, rules.text])?;
        }
        kept.push(&rules.sha256);
    }
    Ok(())
}

/// Writes what was decided of a stored observation, in the caller's transaction.
pub(super) fn write(
    connection: &Connection,
    id: ObservationId,
    judged: &Judged,
    unanswered: Unanswered,
    now: Timestamp,
) -> Result<(), JournalError> {
    judged.asks.iter().try_for_each(|it| history::open(connection, it, unanswered, now))?;
    for it in &judged.evaluations {
        connection
            .prepare_cached(
                "INSERT INTO evaluation (observation, rules, force, facts, decisions, decided_at)
                 VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                id.0,
                it.rules.sha256,
                it.force.name(),
                json(&StoredCase::from(&it.case))?,
                json(&kept(&it.decisions))?,
                now.as_microsecond()
            ])?;
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, JournalError> {
    serde_json::to_string(value)
        .map_err(|error| JournalError::Refused(format!("failed to write a decision as JSON: {error}")))
}

impl Reader {
    /// The current versions of a specimen's results that nobody has rejected, oldest first, at most `limit`.
    pub fn of_specimen(&self, specimen: &SpecimenId, limit: usize) -> Result<Vec<Known>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT o.id, o.message, o.detail, m.received_at
             FROM observation o JOIN message m ON m.id = o.message WHERE o.specimen = ?1 AND o.class = 'patient'
             AND NOT EXISTS (SELECT 1 FROM observation n WHERE n.supersedes = o.id)
             AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.observation = o.id AND h.closing = 'rejected')
             AND NOT EXISTS (SELECT 1 FROM problem p WHERE p.message = o.message AND p.kind = 'not-production')
             ORDER BY o.id LIMIT ?2",
        )?;
        statement.query_and_then(params![specimen.reveal(), limit], known)?.collect()
    }

    /// When a message was read; nothing while it waits for that.
    pub fn read_at(&self, message: MessageId) -> Result<Option<Timestamp>, JournalError> {
        let mut statement =
            self.connection.prepare_cached("SELECT processed_at FROM message WHERE id = ?")?;
        let read: Option<Option<i64>> = statement.query_row([message.0], |row| row.get(0)).optional()?;
        Ok(read.flatten().map(instant))
    }

    /// The specimens of which something came since a moment; those without a number are none. The messages come first, by
    /// their time: a search through all specimens would read the whole journal.
    pub fn specimens_since(&self, since: Timestamp) -> Result<Vec<SpecimenId>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT o.specimen FROM message m CROSS JOIN observation o ON o.message = m.id
             WHERE m.received_at >= ? AND o.class = 'patient' AND o.specimen <> ''",
        )?;
        let specimens = statement
            .query_map([since.as_microsecond()], |row| row.get::<_, String>(0).map(SpecimenId::new))?;
        Ok(specimens.collect::<Result<_, _>>()?)
    }

    /// The specimens of which something waits for a person, at most `limit`.
    pub fn held_specimens(&self, limit: usize) -> Result<Vec<SpecimenId>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT DISTINCT o.specimen FROM hold h JOIN observation o ON o.id = h.observation
             WHERE h.closed_at IS NULL AND o.specimen <> '' LIMIT ?",
        )?;
        let specimens = statement.query_map([limit], |row| row.get::<_, String>(0).map(SpecimenId::new))?;
        Ok(specimens.collect::<Result<_, _>>()?)
    }

    /// What was decided after the evaluation of this number, oldest first, at most `limit`.
    pub fn evaluations(&self, after: i64, limit: usize) -> Result<Vec<Kept>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, observation, rules, force, facts, decisions, decided_at, archive, sha256 FROM evaluation
             WHERE id > ? ORDER BY id LIMIT ?",
        )?;
        let archives = Archives::of(&self.connection);
        statement.query_and_then(params![after, limit], |row| evaluation(row, &archives))?.collect()
    }

    /// What was decided of a result.
    pub fn evaluations_of(&self, id: ObservationId) -> Result<Vec<Kept>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, observation, rules, force, facts, decisions, decided_at, archive, sha256 FROM evaluation
             WHERE observation = ? ORDER BY id",
        )?;
        let archives = Archives::of(&self.connection);
        statement.query_and_then([id.0], |row| evaluation(row, &archives))?.collect()
    }

    /// The text of rules that decided something.
    pub fn text_of_rules(&self, sha256: &str) -> Result<Option<String>, JournalError> {
        let mut statement = self.connection.prepare_cached("SELECT text FROM rule_text WHERE sha256 = ?")?;
        Ok(statement.query_row([sha256], |row| row.get(0)).optional()?)
    }
}

fn known(row: &rusqlite::Row<'_>) -> Result<Known, JournalError> {
    Ok(Known {
        id: ObservationId(row.get(0)?),
        message: MessageId(row.get(1)?),
        observation: Private::new(observation(row, 2)?),
        received_at: instant(row.get(3)?),
    })
}

fn evaluation(row: &rusqlite::Row<'_>, archives: &Archives<'_>) -> Result<Kept, JournalError> {
    let (force_name, decisions): (String, String) = (row.get(3)?, row.get(5)?);
    let facts = archives.of_row(row, (4, 7, 8))?;
    let case = serde_json::from_slice::<StoredCase>(&facts).map_err(|_| odd("its case is no JSON"))?;
    Ok(Kept {
        id: row.get(0)?,
        observation: ObservationId(row.get(1)?),
        rules: row.get(2)?,
        force: force(&force_name)?,
        program: case.program().to_owned(),
        case: case.into_case().map_err(|error| odd(&error))?,
        decisions: self::read(&decisions)?,
        at: instant(row.get(6)?),
    })
}

pub(super) fn force(name: &str) -> Result<Force, JournalError> {
    Force::from_name(name).ok_or_else(|| odd("it is neither in force nor in shadow"))
}

pub(super) fn read(decisions: &str) -> Result<Vec<StoredDecision>, JournalError> {
    serde_json::from_str(decisions).map_err(|_| odd("it is no JSON"))
}

/// Without the errors' own text: it quotes what it stumbled over.
fn odd(what: &str) -> JournalError {
    JournalError::Refused(format!("failed to read a stored decision: {what}"))
}
