//! What the LIMS is asked of patients' earlier values: questions open with the result that raises them, and close with what
//! the LIMS told, or once the time is up. Never decides what an answer comes to.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::rows::instant;
use super::writer::Urgency;
use super::{Journal, JournalError, Reader};
use crate::domain::{
    Comparator, DecimalText, HistoryQuestion, HistoryState, HistoryValue, Private, SpecimenId,
};

/// A question that is still to be answered.
#[derive(Debug, Clone)]
pub struct OpenQuestion {
    pub id: i64,
    pub question: HistoryQuestion,
    pub opened_at: Timestamp,
}

/// A question of one specimen, and what came of it.
#[derive(Debug, Clone)]
pub struct History {
    /// As in [`HistoryQuestion`].
    pub code: String,
    pub state: HistoryState,
    pub values: Vec<HistoryValue>,
}

/// Whether a question that the LIMS failed to answer is asked once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswered {
    AskAgain,
    Leave,
}

impl Journal {
    /// Closes questions: with what the LIMS told, or without.
    pub async fn close_history(
        &self,
        questions: Vec<i64>,
        told: Option<Vec<HistoryValue>>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            questions.iter().try_for_each(|id| close(connection, *id, told.as_deref(), now))
        })
        .await
    }

    /// Notes that results were judged by what became of these questions.
    pub async fn history_judged(&self, questions: Vec<i64>) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let mut judged =
                connection.prepare_cached("UPDATE history_question SET judged = 1 WHERE id = ?")?;
            questions.iter().try_for_each(|id| judged.execute([id]).map(drop))?;
            Ok(())
        })
        .await
    }
}

/// Opens a question, in the caller's transaction, unless it was asked before.
pub(super) fn open(
    connection: &Connection,
    question: &HistoryQuestion,
    unanswered: Unanswered,
    now: Timestamp,
) -> Result<(), JournalError> {
    let HistoryQuestion { specimen, patient, authority, code } = question;
    connection
        .prepare_cached(
            "INSERT INTO history_question (specimen, patient, authority, code, state, opened_at)
             VALUES (?1, ?2, ?3, ?4, 'open', ?5)
             ON CONFLICT DO UPDATE SET state = 'open', opened_at = ?5, closed_at = NULL, judged = 0
             WHERE state = 'unanswered' AND ?6",
        )?
        .execute(params![
            specimen.reveal(),
            patient.reveal(),
            authority,
            code,
            now.as_microsecond(),
            unanswered == Unanswered::AskAgain
        ])?;
    Ok(())
}

fn close(
    connection: &Connection,
    id: i64,
    told: Option<&[HistoryValue]>,
    now: Timestamp,
) -> Result<(), JournalError> {
    let state = if told.is_some() { HistoryState::Answered } else { HistoryState::Unanswered };
    let closed = connection
        .prepare_cached(
            "UPDATE history_question SET state = ?, closed_at = ? WHERE id = ? AND state = 'open'",
        )?
        .execute(params![state.name(), now.as_microsecond(), id])?;
    if closed == 0 {
        return Ok(());
    }
    for it in told.unwrap_or_default() {
        let labels: Vec<&str> = it.specimens.iter().map(SpecimenId::reveal).collect();
        let labels = serde_json::to_string(&labels)
            .map_err(|error| JournalError::Refused(format!("failed to write labels as JSON: {error}")))?;
        let value = format!("{}{}", it.comparator.map_or("", Comparator::as_str), it.number.as_str());
        connection
            .prepare_cached(
                "INSERT INTO history_value (question, code, value, unit, at, told_at, instrument, specimens)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                id,
                it.code,
                value,
                it.unit,
                it.at.as_microsecond(),
                it.told_at.map(Timestamp::as_microsecond),
                it.instrument,
                labels
            ])?;
    }
    Ok(())
}

impl Reader {
    /// What is to be asked, the oldest first, at most `limit`.
    pub fn open_history(&self, limit: usize) -> Result<Vec<OpenQuestion>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, specimen, patient, authority, code, opened_at FROM history_question
             WHERE state = 'open' ORDER BY id LIMIT ?",
        )?;
        let questions = statement.query_map([limit], |row| {
            let question = HistoryQuestion {
                specimen: SpecimenId::new(row.get::<_, String>(1)?),
                patient: Private::new(row.get(2)?),
                authority: row.get(3)?,
                code: row.get(4)?,
            };
            Ok(OpenQuestion { id: row.get(0)?, question, opened_at: instant(row.get(5)?) })
        })?;
        Ok(questions.collect::<Result<_, _>>()?)
    }

    /// What was asked for a specimen about this patient, and what came of it.
    pub fn history_for(
        &self,
        specimen: &SpecimenId,
        patient: &str,
        authority: &str,
    ) -> Result<Vec<History>, JournalError> {
        let _moment = self.moment()?;
        let questions: Vec<(i64, String, String)> = self
            .connection
            .prepare_cached(
                "SELECT id, code, state FROM history_question
                 WHERE specimen = ? AND patient = ? AND authority = ? ORDER BY code",
            )?
            .query_map(params![specimen.reveal(), patient, authority], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        let told = |(id, code, state): (i64, String, String)| {
            let state = HistoryState::from_name(&state).ok_or_else(|| odd("its state"))?;
            Ok(History { code, state, values: self.history_values(id)? })
        };
        questions.into_iter().map(told).collect()
    }

    fn history_values(&self, question: i64) -> Result<Vec<HistoryValue>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT code, value, unit, at, told_at, instrument, specimens FROM history_value
             WHERE question = ? ORDER BY id",
        )?;
        statement
            .query_and_then([question], |row| {
                let (value, labels): (String, String) = (row.get(1)?, row.get(6)?);
                let (comparator, number) = Comparator::split(&value);
                let labels: Vec<String> = serde_json::from_str(&labels).map_err(|_| odd("its labels"))?;
                Ok(HistoryValue {
                    code: row.get(0)?,
                    comparator,
                    number: DecimalText::parse(number, '.').ok_or_else(|| odd("its number"))?,
                    unit: row.get(2)?,
                    at: instant(row.get(3)?),
                    told_at: row.get::<_, Option<i64>>(4)?.map(instant),
                    instrument: row.get(5)?,
                    specimens: labels.into_iter().map(SpecimenId::new).collect(),
                })
            })?
            .collect()
    }

    /// Questions that were closed since their specimens' results were judged, at most `limit`.
    pub fn history_told(&self, limit: usize) -> Result<Vec<(i64, SpecimenId)>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, specimen FROM history_question WHERE state <> 'open' AND judged = 0 ORDER BY id LIMIT ?",
        )?;
        let told = statement
            .query_map([limit], |row| Ok((row.get(0)?, SpecimenId::new(row.get::<_, String>(1)?))))?;
        Ok(told.collect::<Result<_, _>>()?)
    }
}

/// Never the value itself: it is a patient's.
fn odd(what: &str) -> JournalError {
    JournalError::Refused(format!("failed to read what the LIMS told of a patient: {what} isn't understood"))
}
